--@@ server=Sql150
--@ Collation=Latin1_General_100_CI_AS
--@ CompatibilityLevel=140
--@ QueryStoreMaxStorageSize=200
CREATE LOGIN [steward] WITH PASSWORD = N'Club-and-hall-1';
GO
CREATE LOGIN [porter] WITH PASSWORD = N'Club-and-hall-2';
GO
CREATE USER [steward] FOR LOGIN [steward] WITH DEFAULT_SCHEMA = [sales];
GO
CREATE USER [porter] FOR LOGIN [porter];
GO
CREATE USER [ghost] WITHOUT LOGIN;
GO
CREATE ROLE [desk] AUTHORIZATION [steward];
GO
ALTER ROLE [desk] ADD MEMBER [porter];
GO
CREATE SCHEMA [sales] AUTHORIZATION [steward];
GO
CREATE SEQUENCE [dbo].[VisitNumber] AS int START WITH 1 INCREMENT BY 1;
GO
CREATE TABLE [dbo].[Member] (
    [Id] int IDENTITY (1, 1) NOT NULL,
    [Name] nvarchar(50) NOT NULL,
    [Town] varchar(20) NULL,
    CONSTRAINT [PK_Member] PRIMARY KEY CLUSTERED ([Id])
);
GO
CREATE TABLE [dbo].[Visit] (
    [Id] int NOT NULL CONSTRAINT [DF_Visit_Id] DEFAULT (NEXT VALUE FOR [dbo].[VisitNumber]),
    [MemberId] int NOT NULL,
    CONSTRAINT [PK_Visit] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [FK_Visit_Member] FOREIGN KEY ([MemberId]) REFERENCES [dbo].[Member] ([Id]),
    CONSTRAINT [CK_Visit_Id] CHECK ([Id] > 0)
);
GO
CREATE TABLE [sales].[Card] (
    [Id] int NOT NULL,
    [MemberId] int NOT NULL,
    CONSTRAINT [PK_Card] PRIMARY KEY CLUSTERED ([Id]),
    CONSTRAINT [FK_Card_Member] FOREIGN KEY ([MemberId]) REFERENCES [dbo].[Member] ([Id])
);
GO
CREATE INDEX [IX_Card_Member] ON [sales].[Card] ([MemberId]);
GO
CREATE VIEW [dbo].[Guests] AS SELECT [MemberId], COUNT_BIG(*) AS [Visits] FROM [dbo].[Visit] GROUP BY [MemberId];
GO
CREATE PROCEDURE [dbo].[Greet] AS SELECT [Name] FROM [dbo].[Member];
GO
CREATE TRIGGER [sales].[Card_Changed] ON [sales].[Card] AFTER UPDATE AS SET NOCOUNT ON;
GO
GRANT SELECT ON OBJECT::[dbo].[Member] TO [desk];
GO
GRANT EXECUTE ON OBJECT::[dbo].[Greet] TO [porter];
GO
DENY SELECT ON OBJECT::[dbo].[Member] ([Town]) TO [ghost];
GO
EXECUTE sp_addextendedproperty @name = N'MS_Description', @value = N'who belongs to the club', @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'TABLE', @level1name = N'Member';
GO
