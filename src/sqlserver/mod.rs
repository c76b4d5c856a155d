//! The live server: tiberius for questions and orders, mssql-tds for rows, behind two small traits.
