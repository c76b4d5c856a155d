-- The lighthouse museum: few rows, every type of column that SQL Server 2019 has.
CREATE SCHEMA collection;
GO
CREATE TYPE collection.InventoryCode FROM varchar(16) NOT NULL;
GO
CREATE TABLE collection.Lender (
    LenderId uniqueidentifier NOT NULL CONSTRAINT PK_Lender PRIMARY KEY,
    Name nvarchar(120) NOT NULL,
    Country nchar(2) NOT NULL,
    Since date NULL
);
GO
CREATE TABLE collection.Item (
    ItemId int IDENTITY(100, 10) NOT NULL CONSTRAINT PK_Item PRIMARY KEY,
    Code collection.InventoryCode NOT NULL CONSTRAINT UQ_Item_Code UNIQUE,
    Title nvarchar(200) NOT NULL,
    Kind varchar(30) COLLATE Latin1_General_CS_AS NOT NULL,
    Room char(4) NOT NULL,
    Shelf nchar(6) NULL,
    Story nvarchar(max) NULL,
    Catalogue varchar(max) NULL,
    OldCard text NULL,
    OldRemark ntext NULL,
    Thumbnail image NULL,
    Photo varbinary(max) NULL,
    Digest binary(32) NULL,
    Seal varbinary(64) NULL,
    Pieces tinyint NOT NULL,
    Drawer smallint NULL,
    Requests bigint NOT NULL CONSTRAINT DF_Item_Requests DEFAULT (0),
    OnShow bit NOT NULL,
    Loanable bit NULL,
    Insured money NULL,
    Fee smallmoney NULL,
    WeightKg decimal(18, 6) NOT NULL,
    Precise numeric(38, 10) NULL,
    LengthCm real NULL,
    Luminosity float NULL,
    Made date NULL,
    Received datetime NOT NULL,
    Inspected smalldatetime NULL,
    Changed datetime2(7) NOT NULL,
    ShownFrom time(0) NULL,
    Flash time(7) NULL,
    Lent datetimeoffset(3) NULL,
    LenderId uniqueidentifier NULL CONSTRAINT FK_Item_Lender REFERENCES collection.Lender (LenderId),
    Oddity sql_variant NULL,
    Papers xml NULL,
    Site geography NULL,
    Outline geometry NULL,
    Place hierarchyid NULL,
    Version rowversion NOT NULL,
    CONSTRAINT CK_Item_Pieces CHECK (Pieces > 0)
);
GO
CREATE INDEX IX_Item_Kind ON collection.Item (Kind, Made);
GO
CREATE VIEW collection.Shown AS
SELECT Code, Title, Room FROM collection.Item WHERE OnShow = 1;
GO
CREATE PROCEDURE collection.Lend @code varchar(16), @until datetimeoffset(3) AS
    UPDATE collection.Item SET Lent = @until, OnShow = 0 WHERE Code = @code;
GO
