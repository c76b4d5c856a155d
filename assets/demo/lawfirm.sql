-- A law firm whose database the login pacrat may not open: its backup fails, and must be seen to fail.
CREATE TABLE dbo.Matter (
    MatterId int NOT NULL CONSTRAINT PK_Matter PRIMARY KEY,
    Title nvarchar(200) NOT NULL,
    Opened date NOT NULL
);
GO
