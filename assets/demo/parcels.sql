-- O'Brien & Söhne, a parcel service that likes names which need quoting.
CREATE SCHEMA [del'ivery];
GO
CREATE TABLE [del'ivery].[Depot "nörd"] (
    [Depot No.] int NOT NULL CONSTRAINT [PK ]]Depot[] PRIMARY KEY,
    [Näme] nvarchar(60) NOT NULL
);
GO
CREATE TABLE [del'ivery].[Parcel ]]x[] (
    [Parcel No.] int NOT NULL CONSTRAINT [PK_Parcel's] PRIMARY KEY,
    [From "depot"] int NOT NULL CONSTRAINT [FK Parcel→Depot] REFERENCES [del'ivery].[Depot "nörd"] ([Depot No.]),
    [Weight [kg]]] decimal(7, 3) NOT NULL CONSTRAINT [CK Weight>0] CHECK ([Weight [kg]]] > 0),
    [Addressee's name] nvarchar(80) NOT NULL,
    [What; DROP TABLE] varchar(120) NULL,
    [Handed over @] datetime2(0) NOT NULL
);
GO
CREATE INDEX [IX 'handed over'] ON [del'ivery].[Parcel ]]x[] ([Handed over @]);
GO
CREATE VIEW [del'ivery].[heavy "ones"] AS
SELECT [Parcel No.], [Weight [kg]]] FROM [del'ivery].[Parcel ]]x[] WHERE [Weight [kg]]] > 20;
GO
