//! Views, functions about metadata, and rights, as statements see them.

use super::*;
use crate::sandbox::meta::Product;
use crate::sandbox::session::{Backend, LoginRequest, Session};
use crate::sandbox::sql::tests::{Kept, run};
use crate::sandbox::sql::{Engine, EngineBackend};
use crate::sandbox::storage::Storage;

fn engine(product: Product) -> Arc<Engine> {
    let server = Server::new("SANDBOX", product, crate::sandbox::collation::DEFAULT, "secret");
    Engine::new(server, Storage::private().unwrap(), hooks()).unwrap()
}

fn enter(engine: &Arc<Engine>, user: &str, password: &str, database: &str) -> Result<Box<dyn Session>, Vec<i32>> {
    let request = LoginRequest {
        user: user.into(),
        password: password.into(),
        database: database.into(),
        ..LoginRequest::default()
    };
    EngineBackend(engine.clone())
        .login(&request, Arc::default())
        .map(|l| l.0)
        .map_err(|messages| messages.iter().map(|m| m.number).collect())
}

fn numbers(kept: &Kept) -> Vec<i32> {
    kept.numbers()
}

fn ok(s: &mut dyn Session, sql: &str) -> Kept {
    let kept = run(s, sql);
    assert!(kept.messages.iter().all(|m| m.class <= 10), "{sql}: {:?}", kept.messages);
    kept
}

#[test]
fn views_are_read_and_joined_like_tables() {
    let engine = engine(Product::Sql2019);
    let mut s = enter(&engine, "sa", "secret", "").unwrap();
    let s = s.as_mut();
    ok(s, "CREATE DATABASE shop");
    ok(s, "USE shop");
    ok(s, "CREATE TABLE dbo.orders(id int IDENTITY(10, 5) PRIMARY KEY, note nvarchar(20) DEFAULT 'x')");
    ok(s, "INSERT dbo.orders DEFAULT VALUES; INSERT dbo.orders DEFAULT VALUES");
    let rows = ok(
        s,
        "SELECT t.name, c.name, ty.name, c.max_length FROM sys.tables t JOIN sys.columns c ON c.object_id = t.object_id \
         JOIN sys.types ty ON ty.user_type_id = c.user_type_id ORDER BY c.column_id",
    );
    assert_eq!(rows.text(), "orders|id|int|4;orders|note|nvarchar|40");
    let rows = ok(s, "SELECT CONVERT(int, last_value), CONVERT(int, seed_value) FROM sys.identity_columns");
    assert_eq!(rows.text(), "15|10");
    let rows = ok(s, "SELECT SUM(row_count) FROM sys.dm_db_partition_stats WHERE index_id < 2");
    assert_eq!(rows.text(), "2");
    let rows = ok(s, "SELECT name FROM shop.sys.tables WHERE object_id = OBJECT_ID('dbo.orders')");
    assert_eq!(rows.text(), "orders");
    // Fact 50.
    assert_eq!(numbers(&run(s, "SELECT * FROM nodb.sys.tables")), [208]);
    assert_eq!(numbers(&run(s, "SELECT nosuch FROM sys.tables")), [207]);
    let rows = ok(
        s,
        "SELECT COUNT(*) FROM sys.all_columns c JOIN sys.all_objects o ON o.object_id = c.object_id \
         WHERE o.schema_id = SCHEMA_ID(N'sys') AND o.type = N'V' AND o.name = N'tables'",
    );
    assert_eq!(rows.text(), "41", "sys.tables of 2019");
    let rows = ok(s, "SELECT COUNT(*) FROM sys.all_columns WHERE object_id = OBJECT_ID('sys.tables')");
    assert_eq!(rows.text(), "41");
    let rows = ok(s, "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, IS_NULLABLE FROM INFORMATION_SCHEMA.COLUMNS");
    assert_eq!(rows.text(), "orders|id|int|NO;orders|note|nvarchar|YES");
}

#[test]
fn metadata_functions() {
    let engine = engine(Product::Sql2019);
    let mut s = enter(&engine, "sa", "secret", "").unwrap();
    let s = s.as_mut();
    ok(s, "CREATE DATABASE shop");
    ok(s, "USE shop");
    ok(s, "CREATE TABLE t(id int PRIMARY KEY, a int CONSTRAINT d DEFAULT 1)");
    ok(s, "CREATE PROCEDURE p AS SELECT 1");
    let one = |s: &mut dyn Session, e: &str| ok(s, &format!("SELECT {e}")).text();
    for (expression, answer) in [
        ("CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion'))", "15.0.2000.5"),
        ("CONVERT(int, SERVERPROPERTY('EngineEdition'))", "3"),
        ("CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation'))", "SQL_Latin1_General_CP1_CI_AS"),
        ("CONVERT(nvarchar(128), DATABASEPROPERTYEX('nope', 'Collation'))", "NULL"),
        ("HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE')", "1"),
        ("HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'ANY')", "1"),
        ("HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', 'VIEW DEFINITION')", "1"),
        ("HAS_PERMS_BY_NAME('sh.op', 'DATABASE', 'VIEW DEFINITION')", "NULL"),
        ("HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT')", "1"),
        ("HAS_PERMS_BY_NAME('dbo.nope', 'OBJECT', 'SELECT')", "NULL"),
        ("HAS_DBACCESS('shop')", "1"),
        ("HAS_DBACCESS('nope')", "NULL"),
        ("IS_SRVROLEMEMBER('sysadmin')", "1"),
        ("IS_SRVROLEMEMBER('nope')", "NULL"),
        ("IS_ROLEMEMBER('db_owner')", "1"),
        ("OBJECTPROPERTY(OBJECT_ID('t'), 'IsTable')", "1"),
        ("OBJECTPROPERTY(OBJECT_ID('t'), 'TableHasPrimaryKey')", "1"),
        ("OBJECTPROPERTY(OBJECT_ID('t'), 'TableHasIdentityColumn')", "NULL"),
        ("OBJECTPROPERTY(OBJECT_ID('d'), 'IsDefaultCnst')", "1"),
        ("OBJECT_DEFINITION(OBJECT_ID('d'))", "((1))"),
        ("OBJECT_DEFINITION(OBJECT_ID('p'))", "CREATE PROCEDURE p AS SELECT 1"),
        ("FILEGROUP_NAME(1)", "PRIMARY"),
        ("FULLTEXTSERVICEPROPERTY('IsFullTextInstalled')", "0"),
        ("DATABASE_PRINCIPAL_ID('dbo')", "1"),
    ] {
        assert_eq!(one(s, expression), answer, "{expression}");
    }
}

#[test]
fn fact_76_and_916_who_may_not_come_in() {
    let engine = engine(Product::Sql2019);
    let mut sa = enter(&engine, "sa", "secret", "").unwrap();
    let sa = sa.as_mut();
    ok(sa, "CREATE DATABASE shop");
    ok(sa, "CREATE LOGIN reader WITH PASSWORD = 'r'; CREATE LOGIN nobody WITH PASSWORD = 'n'");
    ok(sa, "USE shop");
    ok(sa, "CREATE TABLE seen(a int); CREATE TABLE hidden(a int); CREATE USER reader FOR LOGIN reader");
    ok(sa, "GRANT SELECT ON seen TO reader");
    assert_eq!(enter(&engine, "sa", "wrong", "").err(), Some(vec![18456]));
    assert_eq!(enter(&engine, "sa", "secret", "nope").err(), Some(vec![4060, 18456]));
    assert_eq!(enter(&engine, "nobody", "n", "shop").err(), Some(vec![4060, 18456]));
    let mut nobody = enter(&engine, "nobody", "n", "").unwrap();
    assert_eq!(numbers(&run(nobody.as_mut(), "USE shop")), [916]);
    assert_eq!(numbers(&run(nobody.as_mut(), "SELECT * FROM shop.dbo.seen")), [916]);
    assert_eq!(numbers(&run(nobody.as_mut(), "CREATE DATABASE mine")), [262]);
    assert_eq!(ok(nobody.as_mut(), "SELECT HAS_DBACCESS('shop')").text(), "0");
    let mut reader = enter(&engine, "reader", "r", "shop").unwrap();
    let reader = reader.as_mut();
    assert!(ok(reader, "SELECT * FROM seen").rows[0].is_empty());
    assert_eq!(numbers(&run(reader, "SELECT * FROM hidden")), [229]);
    assert_eq!(ok(reader, "SELECT name FROM sys.tables").text(), "seen");
    assert_eq!(
        ok(reader, "SELECT HAS_PERMS_BY_NAME('dbo.seen', 'OBJECT', 'SELECT'), HAS_PERMS_BY_NAME('dbo.hidden', 'OBJECT', 'SELECT')").text(),
        "1|0"
    );
}

#[test]
fn fact_80_one_seat() {
    let engine = engine(Product::Sql2022);
    let mut a = enter(&engine, "sa", "secret", "").unwrap();
    let mut b = enter(&engine, "sa", "secret", "").unwrap();
    let (a, b) = (a.as_mut(), b.as_mut());
    ok(a, "CREATE DATABASE probe_db");
    ok(a, "ALTER DATABASE probe_db SET SINGLE_USER WITH ROLLBACK IMMEDIATE");
    assert_eq!(numbers(&run(b, "USE probe_db")), [924]);
    assert_eq!(enter(&engine, "sa", "secret", "probe_db").err(), Some(vec![4060, 18456]));
    assert_eq!(numbers(&run(b, "DROP DATABASE probe_db")), [3702]);
    assert_eq!(numbers(&run(b, "ALTER DATABASE probe_db SET MULTI_USER")), [5064, 5069]);
    ok(a, "ALTER DATABASE probe_db SET MULTI_USER");
    ok(b, "USE probe_db");
    ok(b, "USE master");
    ok(a, "DROP DATABASE probe_db");
}

#[test]
fn orders_of_an_operator() {
    let engine = engine(Product::Sql2022);
    let mut s = enter(&engine, "sa", "secret", "").unwrap();
    let s = s.as_mut();
    ok(s, "CREATE DATABASE shop");
    ok(s, "USE shop");
    ok(
        s,
        "CREATE TABLE t(id int IDENTITY(1, 1), a int); INSERT t(a) VALUES (1); CREATE TABLE e(id int IDENTITY(1, 1), a int)",
    );
    assert_eq!(numbers(&ok(s, "DBCC CHECKIDENT ('dbo.t', RESEED, 100)")), [7998, 2528]);
    assert!(numbers(&ok(s, "DBCC CHECKIDENT ('dbo.e', RESEED, 100) WITH NO_INFOMSGS")).is_empty());
    // A table that had rows goes on after the value, one that never had any begins with it.
    ok(s, "INSERT t(a) VALUES (2); INSERT e(a) VALUES (2)");
    assert_eq!(ok(s, "SELECT MAX(id) FROM t; SELECT MAX(id) FROM e").text(), "101 / 100");
    // Emptied by DELETE it goes on, by TRUNCATE it begins with the value.
    ok(s, "DELETE t; TRUNCATE TABLE e; DBCC CHECKIDENT (t, RESEED, 5); DBCC CHECKIDENT (e, RESEED, 5)");
    ok(s, "INSERT t(a) VALUES (2); INSERT e(a) VALUES (2)");
    assert_eq!(ok(s, "SELECT MAX(id) FROM t; SELECT MAX(id) FROM e").text(), "6 / 5");
    // Without a value a counter that is behind its column catches up, and only such a one.
    ok(s, "SET IDENTITY_INSERT t ON; INSERT t(id, a) VALUES (90, 1); SET IDENTITY_INSERT t OFF");
    ok(s, "DBCC CHECKIDENT (t, RESEED, 7); DBCC CHECKIDENT (t, NORESEED)");
    assert_eq!(ok(s, "SELECT IDENT_CURRENT('t')").text(), "7");
    ok(s, "DBCC CHECKIDENT (t)");
    assert_eq!(ok(s, "SELECT IDENT_CURRENT('t')").text(), "90");
    ok(s, "DBCC CHECKIDENT (t, RESEED, 200); DBCC CHECKIDENT (t, RESEED)");
    assert_eq!(ok(s, "SELECT IDENT_CURRENT('t')").text(), "200");
    assert!(numbers(&ok(s, "DBCC CHECKDB ('shop') WITH NO_INFOMSGS")).is_empty());
    assert_eq!(numbers(&run(s, "DBCC CHECKIDENT ('dbo.nope')")), [2501]);
    ok(s, "CREATE TRIGGER tr ON t AFTER INSERT AS RETURN");
    ok(s, "DISABLE TRIGGER tr ON t; UPDATE STATISTICS t");
    assert_eq!(ok(s, "SELECT is_disabled FROM sys.triggers").text(), "1");
    ok(s, "ENABLE TRIGGER ALL ON t");
    assert_eq!(ok(s, "SELECT is_disabled FROM sys.triggers").text(), "0");
    assert_eq!(numbers(&run(s, "CREATE DATABASE c CONTAINMENT = PARTIAL")), [12824]);
    ok(s, "EXEC sp_configure 'contained database authentication', 1; RECONFIGURE");
    ok(s, "CREATE DATABASE c CONTAINMENT = PARTIAL");
    assert_eq!(ok(s, "SELECT containment_desc FROM sys.databases WHERE name = 'c'").text(), "PARTIAL");
    ok(s, "EXEC sp_addextendedproperty N'MS_Description', N'what', N'SCHEMA', N'dbo', N'TABLE', N't'");
    assert_eq!(
        ok(s, "SELECT class_desc, name, CONVERT(nvarchar(10), value) FROM sys.extended_properties").text(),
        "OBJECT_OR_COLUMN|MS_Description|what"
    );
    ok(s, "EXEC sp_rename 'dbo.t', 'u'; SELECT * FROM u");
}
