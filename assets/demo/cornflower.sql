-- Cornflower, a chain of bakeries: its products, its branches and every receipt of the last months.
CREATE SCHEMA bakery;
GO
CREATE SCHEMA sales;
GO
CREATE TABLE bakery.Category (
    CategoryId tinyint NOT NULL CONSTRAINT PK_Category PRIMARY KEY,
    Name nvarchar(40) NOT NULL CONSTRAINT UQ_Category_Name UNIQUE,
    VatPercent decimal(4, 1) NOT NULL CONSTRAINT CK_Category_Vat CHECK (VatPercent >= 0 AND VatPercent < 100)
);
GO
CREATE TABLE bakery.Product (
    ProductId int NOT NULL CONSTRAINT PK_Product PRIMARY KEY,
    Name nvarchar(80) NOT NULL CONSTRAINT UQ_Product_Name UNIQUE,
    CategoryId tinyint NOT NULL CONSTRAINT FK_Product_Category REFERENCES bakery.Category (CategoryId),
    Price decimal(9, 2) NOT NULL CONSTRAINT CK_Product_Price CHECK (Price > 0),
    WeightGrams int NULL,
    Organic bit NOT NULL CONSTRAINT DF_Product_Organic DEFAULT (0),
    Allergens varchar(60) NULL
);
GO
CREATE TABLE bakery.Branch (
    BranchId int IDENTITY(1, 1) NOT NULL CONSTRAINT PK_Branch PRIMARY KEY,
    Name nvarchar(60) NOT NULL CONSTRAINT UQ_Branch_Name UNIQUE,
    Town nvarchar(60) NOT NULL,
    Opened date NOT NULL,
    Phone varchar(24) NULL
);
GO
CREATE TABLE bakery.Employee (
    EmployeeId int NOT NULL CONSTRAINT PK_Employee PRIMARY KEY,
    FirstName nvarchar(40) NOT NULL,
    LastName nvarchar(60) NOT NULL,
    BranchId int NOT NULL CONSTRAINT FK_Employee_Branch REFERENCES bakery.Branch (BranchId),
    LeadId int NULL CONSTRAINT FK_Employee_Lead REFERENCES bakery.Employee (EmployeeId),
    Hired date NOT NULL,
    HourlyWage smallmoney NOT NULL CONSTRAINT CK_Employee_Wage CHECK (HourlyWage > 0)
);
GO
CREATE TABLE sales.Receipt (
    ReceiptId bigint NOT NULL CONSTRAINT PK_Receipt PRIMARY KEY,
    BranchId int NOT NULL CONSTRAINT FK_Receipt_Branch REFERENCES bakery.Branch (BranchId),
    EmployeeId int NOT NULL CONSTRAINT FK_Receipt_Employee REFERENCES bakery.Employee (EmployeeId),
    SoldAt datetime2(3) NOT NULL,
    Paid money NOT NULL CONSTRAINT CK_Receipt_Paid CHECK (Paid >= 0),
    InCash bit NOT NULL CONSTRAINT DF_Receipt_InCash DEFAULT (1)
);
GO
CREATE TABLE sales.ReceiptLine (
    ReceiptId bigint NOT NULL CONSTRAINT FK_ReceiptLine_Receipt REFERENCES sales.Receipt (ReceiptId),
    LineNumber smallint NOT NULL,
    ProductId int NOT NULL CONSTRAINT FK_ReceiptLine_Product REFERENCES bakery.Product (ProductId),
    Quantity smallint NOT NULL CONSTRAINT CK_ReceiptLine_Quantity CHECK (Quantity > 0),
    UnitPrice decimal(9, 2) NOT NULL,
    Remark nvarchar(120) NULL,
    CONSTRAINT PK_ReceiptLine PRIMARY KEY (ReceiptId, LineNumber)
);
GO
CREATE INDEX IX_Receipt_SoldAt ON sales.Receipt (SoldAt) INCLUDE (Paid);
GO
CREATE INDEX IX_ReceiptLine_Product ON sales.ReceiptLine (ProductId);
GO
CREATE VIEW sales.Takings AS
SELECT b.Name, COUNT_BIG(*) AS Receipts, SUM(r.Paid) AS Paid
FROM sales.Receipt AS r
JOIN bakery.Branch AS b ON b.BranchId = r.BranchId
GROUP BY b.Name;
GO
CREATE PROCEDURE bakery.RaisePrices @category tinyint, @percent decimal(5, 2) AS
BEGIN
    SET NOCOUNT ON;
    UPDATE bakery.Product SET Price = Price * (100 + @percent) / 100 WHERE CategoryId = @category;
END;
GO
CREATE FUNCTION bakery.NetPrice (@gross decimal(9, 2), @vat decimal(4, 1)) RETURNS decimal(11, 4) AS
BEGIN
    RETURN @gross * 100 / (100 + @vat);
END;
GO
CREATE USER till FOR LOGIN till WITH DEFAULT_SCHEMA = sales;
GO
CREATE USER auditor FOR LOGIN auditor;
GO
CREATE ROLE counter;
GO
ALTER ROLE counter ADD MEMBER till;
GO
GRANT SELECT, INSERT ON SCHEMA::sales TO counter;
GO
GRANT SELECT ON sales.Takings TO auditor;
