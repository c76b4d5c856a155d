-- Forms of what is made of assemblies that a server keeps in another form: an assembly with those that it uses, EXECUTE
-- AS SELF, FOR and AFTER, groups of events; triggers that are disabled.
CREATE ASSEMBLY [Whole] FROM 0x4D5A90, 0x4D5AABCDEF WITH PERMISSION_SET = SAFE;
GO
CREATE FUNCTION [dbo].[Rows]() RETURNS TABLE ([x] INT NULL) WITH EXECUTE AS SELF ORDER ([x])
AS EXTERNAL NAME [Whole].[Functions].[Rows];
GO
CREATE PROCEDURE [dbo].[Run](@table VARCHAR(MAX) = NULL) WITH EXECUTE AS CALLER AS EXTERNAL NAME [Whole].[Procedures].[Run];
GO
CREATE TABLE [dbo].[T] ([id] INT NOT NULL);
GO
CREATE TRIGGER [dbo].[First] ON [dbo].[T] FOR INSERT, UPDATE AS EXTERNAL NAME [Whole].[Triggers].[First];
GO
DISABLE TRIGGER [dbo].[First] ON [dbo].[T];
GO
CREATE AGGREGATE [dbo].[Concat](@value NVARCHAR(4000)) RETURNS NVARCHAR(MAX) EXTERNAL NAME [Whole].[Concat];
GO
CREATE VIEW [dbo].[V] AS SELECT [dbo].[Concat](N'a') AS [all] FROM [dbo].[T];
GO
CREATE TRIGGER [Any] ON DATABASE WITH EXECUTE AS SELF AFTER DDL_VIEW_EVENTS, CREATE_TABLE
AS EXTERNAL NAME [Whole].[Triggers].[Any];
GO
DISABLE TRIGGER [Any] ON DATABASE;
GO
