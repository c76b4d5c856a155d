-- Assemblies and everything that is made of them. The bytes are no assemblies: neither DacFx nor the sandbox runs them.
CREATE ROLE [Makers];
GO
CREATE SCHEMA [geo];
GO
-- It shares its name with a role and a schema.
CREATE ROLE [Twice];
GO
CREATE SCHEMA [Twice];
GO
CREATE ASSEMBLY [Twice] AUTHORIZATION [Twice] FROM 0x4D5A00FF WITH PERMISSION_SET = EXTERNAL_ACCESS;
GO
CREATE TYPE [Twice].[T] EXTERNAL NAME [Twice].[T];
GO
CREATE ASSEMBLY [Shapes] AUTHORIZATION [dbo] FROM 0x4D5A90000300000004000000FFFF0000B8;
GO
ALTER ASSEMBLY [Shapes] ADD FILE FROM 0x2F2F2069742773 AS N'Shapes'' source.cs', 0x00 AS N'Shapes.pdb';
GO
CREATE ASSEMBLY [A lower [one]]] AUTHORIZATION [Makers] FROM 0x4D5A WITH PERMISSION_SET = UNSAFE;
GO
ALTER ASSEMBLY [A lower [one]]] WITH VISIBILITY = OFF;
GO
CREATE TYPE [geo].[Point] EXTERNAL NAME [Shapes].[Shapes.Geo.Point];
GO
CREATE FUNCTION [geo].[Measure](@text NVARCHAR(20) = N'it''s', @point [geo].[Point], @limit DECIMAL(9, 2) = -1.25,
    @times INT = 3, @code VARCHAR(10) = 'plain', @xml XML, @whole BIT = 1)
RETURNS [geo].[Point]
WITH EXECUTE AS OWNER, RETURNS NULL ON NULL INPUT
AS EXTERNAL NAME [Shapes].[Shapes.Functions].[Measure];
GO
CREATE FUNCTION [geo].[Twice](@number INT) RETURNS NVARCHAR(MAX) WITH CALLED ON NULL INPUT
AS EXTERNAL NAME [Shapes].[Shapes.Functions+Inner].[Twice];
GO
CREATE FUNCTION [geo].[Corners](@number INT = NULL)
RETURNS TABLE ([n] INT NULL, [name] NVARCHAR(20) COLLATE Latin1_General_BIN NULL, [at] [geo].[Point] NULL, [x] FLOAT NULL)
ORDER ([name] DESC, [n] ASC)
AS EXTERNAL NAME [Shapes].[Shapes.Functions].[Corners];
GO
CREATE PROCEDURE [geo].[Draw] @name NVARCHAR(MAX), @count INT OUTPUT, @point [geo].[Point] = NULL, @scale FLOAT = NULL
WITH EXECUTE AS 'dbo'
AS EXTERNAL NAME [Shapes].[Shapes.Procedures].[Draw];
GO
CREATE PROCEDURE [geo].[Clear] AS EXTERNAL NAME [Shapes].[Shapes.Procedures].[Clear];
GO
CREATE AGGREGATE [geo].[Concat](@value NVARCHAR(4000), @between NCHAR(1)) RETURNS NVARCHAR(MAX)
EXTERNAL NAME [Shapes].[Shapes.Concat];
GO
CREATE TABLE [geo].[Places] (
    [id] INT NOT NULL CONSTRAINT [PK_Places] PRIMARY KEY,
    [at] [geo].[Point] NULL,
    [twice] AS ([geo].[Twice]([id]))
);
GO
CREATE TRIGGER [geo].[Watch] ON [geo].[Places] WITH EXECUTE AS OWNER AFTER INSERT, DELETE NOT FOR REPLICATION
AS EXTERNAL NAME [Shapes].[Shapes.Triggers].[Watch];
GO
CREATE VIEW [geo].[Names] AS
SELECT p.[id], p.[at] FROM [geo].[Places] AS p WHERE [geo].[Twice](p.[id]) IS NOT NULL;
GO
CREATE TRIGGER [geo].[Instead] ON [geo].[Names] INSTEAD OF UPDATE
AS EXTERNAL NAME [Shapes].[Shapes.Triggers].[Instead];
GO
CREATE SYNONYM [dbo].[Paint] FOR [geo].[Draw];
GO
CREATE TRIGGER [Ddl] ON DATABASE FOR CREATE_TABLE, DROP_TABLE AS EXTERNAL NAME [Shapes].[Shapes.Triggers].[Ddl];
GO
GRANT REFERENCES ON ASSEMBLY::[Shapes] TO [Makers];
GO
GRANT REFERENCES ON ASSEMBLY::[Twice] TO [Twice];
GO
GRANT EXECUTE ON [geo].[Concat] TO [Makers];
GO
GRANT EXECUTE ON [geo].[Draw] TO [Makers];
GO
DENY SELECT ON [geo].[Corners] TO [Makers];
GO
GRANT EXECUTE ON TYPE::[geo].[Point] TO [Makers];
GO
EXECUTE sp_addextendedproperty @name = N'about', @value = N'an assembly',
    @level0type = N'ASSEMBLY', @level0name = N'Shapes';
GO
EXECUTE sp_addextendedproperty @name = N'about', @value = N'an aggregate',
    @level0type = N'SCHEMA', @level0name = N'geo', @level1type = N'AGGREGATE', @level1name = N'Concat';
GO
EXECUTE sp_addextendedproperty @name = N'about', @value = N'a parameter of an aggregate',
    @level0type = N'SCHEMA', @level0name = N'geo', @level1type = N'AGGREGATE', @level1name = N'Concat',
    @level2type = N'PARAMETER', @level2name = N'@value';
GO
EXECUTE sp_addextendedproperty @name = N'about', @value = N'a type',
    @level0type = N'SCHEMA', @level0name = N'geo', @level1type = N'TYPE', @level1name = N'Point';
GO
EXECUTE sp_addextendedproperty @name = N'about', @value = N'a column of a function',
    @level0type = N'SCHEMA', @level0name = N'geo', @level1type = N'FUNCTION', @level1name = N'Corners',
    @level2type = N'COLUMN', @level2name = N'name';
GO
EXECUTE sp_addextendedproperty @name = N'about', @value = N'a trigger',
    @level0type = N'SCHEMA', @level0name = N'geo', @level1type = N'TABLE', @level1name = N'Places',
    @level2type = N'TRIGGER', @level2name = N'Watch';
GO
EXECUTE sp_addextendedproperty @name = N'about', @value = N'a trigger on the database',
    @level0type = N'TRIGGER', @level0name = N'Ddl';
GO
