//! What is odd at the source comes back as odd as it was, or is named: a table of both sides.

use pacrat::engine::command::{JobSpec, PackageSource};
use pacrat::engine::event::JobState;
use pacrat::sqlserver::orders::Orders;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, Report, backup, order, restore};
use super::support::place;

/// Procedures that call each other, a view on a table that is gone, keys and checks in every state of trust, a disabled
/// trigger and index, identities and sequences used and unused, modules of other settings.
const ODD: &[&str] = &[
    "CREATE TABLE dbo.Parent (Id int NOT NULL CONSTRAINT PK_Parent PRIMARY KEY)",
    "CREATE TABLE dbo.Child (Id int IDENTITY(10, 5) NOT NULL CONSTRAINT PK_Child PRIMARY KEY, ParentId int NULL, \
     Amount int NOT NULL, Stamp rowversion NOT NULL)",
    "INSERT INTO dbo.Parent (Id) VALUES (1), (2)",
    "INSERT INTO dbo.Child (ParentId, Amount) VALUES (1, 5), (99, -1)",
    "ALTER TABLE dbo.Child WITH NOCHECK ADD CONSTRAINT FK_Untrusted FOREIGN KEY (ParentId) REFERENCES dbo.Parent (Id)",
    "ALTER TABLE dbo.Child WITH NOCHECK ADD CONSTRAINT CK_Untrusted CHECK (Amount > 0)",
    "ALTER TABLE dbo.Child WITH NOCHECK ADD CONSTRAINT CK_Disabled CHECK (Amount > 1)",
    "ALTER TABLE dbo.Child NOCHECK CONSTRAINT CK_Disabled",
    "ALTER TABLE dbo.Child WITH CHECK ADD CONSTRAINT CK_Trusted CHECK (Amount > -5)",
    "CREATE INDEX IX_Disabled ON dbo.Child (Amount)",
    "ALTER INDEX IX_Disabled ON dbo.Child DISABLE",
    "CREATE TABLE dbo.Emptied (Id int IDENTITY(1, 1) NOT NULL, V int NULL)",
    "INSERT INTO dbo.Emptied (V) VALUES (1), (2), (3)",
    "DELETE FROM dbo.Emptied",
    "CREATE TABLE dbo.Unused (Id int IDENTITY(7, 1) NOT NULL, V int NULL)",
    "CREATE SEQUENCE dbo.Drawn AS int START WITH 1 INCREMENT BY 1",
    "CREATE TABLE dbo.Draws (N int NOT NULL)",
    "INSERT INTO dbo.Draws (N) VALUES (NEXT VALUE FOR dbo.Drawn)",
    "INSERT INTO dbo.Draws (N) VALUES (NEXT VALUE FOR dbo.Drawn)",
    "CREATE SEQUENCE dbo.Undrawn AS int START WITH 5 INCREMENT BY 1",
    "CREATE PROCEDURE dbo.Ping AS EXECUTE dbo.Pong",
    "CREATE PROCEDURE dbo.Pong AS EXECUTE dbo.Ping",
    "CREATE TABLE dbo.Goes (Id int NOT NULL)",
    "CREATE VIEW dbo.Lost AS SELECT Id FROM dbo.Goes",
    "CREATE VIEW dbo.OnLost AS SELECT Id FROM dbo.Parent",
    "DROP TABLE dbo.Goes",
    "CREATE TRIGGER dbo.Child_Off ON dbo.Child AFTER INSERT AS SET NOCOUNT ON",
    "DISABLE TRIGGER dbo.Child_Off ON dbo.Child",
    "SET QUOTED_IDENTIFIER OFF",
    "CREATE PROCEDURE dbo.Quotes AS SELECT \"text\" AS t",
    "SET QUOTED_IDENTIFIER ON",
    "SET ANSI_NULLS OFF",
    "CREATE PROCEDURE dbo.Nulls AS SELECT 1 AS one WHERE NULL = NULL",
    "SET ANSI_NULLS ON",
];

/// What, and the question that both databases are asked.
const QUESTIONS: &[(&str, &str)] = &[
    ("procedures, two of them cyclic", "SELECT name FROM sys.procedures ORDER BY name"),
    (
        "their settings",
        "SELECT o.name, m.uses_ansi_nulls, m.uses_quoted_identifier FROM sys.sql_modules AS m \
      JOIN sys.objects AS o ON o.object_id = m.object_id WHERE o.type = 'P ' ORDER BY o.name",
    ),
    ("views", "SELECT name FROM sys.views ORDER BY name"),
    ("foreign keys: untrusted, disabled", "SELECT name, is_not_trusted, is_disabled FROM sys.foreign_keys"),
    (
        "checks: untrusted, disabled",
        "SELECT name, is_not_trusted, is_disabled FROM sys.check_constraints ORDER BY name",
    ),
    ("triggers: disabled", "SELECT name, is_disabled FROM sys.triggers"),
    ("indexes: disabled", "SELECT name, is_disabled FROM sys.indexes WHERE name = 'IX_Disabled'"),
];

async fn ask(orders: &mut dyn Orders, sql: &str) -> String {
    let answer = orders.batch(sql, "asking", &CancellationToken::new()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    place::rows(&answer).join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_comes_back_as_it_was_or_is_named() {
    let bench = Bench::empty().await;
    let mut orders = bench.orders("master").await;
    order(&mut *orders, "CREATE DATABASE Shop").await;
    let mut source = bench.orders("Shop").await;
    for sql in ODD {
        order(&mut *source, sql).await;
    }
    let ended = bench.run(backup()).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let file = bench.store().join(ended.summary.file.unwrap());
    let package = PackageSource::File { path: file.display().to_string() };
    // The sandbox takes a view on nothing; a server does not.
    bench.fault("error=208,times=always,on=VIEW dbo.Lost");
    let ended = bench.run(restore(&package)).await;
    bench.faults().clear();
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let mut copy = bench.orders("Copy").await;

    let mut report = Report::default();
    report.line(format!("{:<36} {:<70} in the copy", "", "at the source"));
    let mut wrong = Vec::new();
    for (what, sql) in QUESTIONS {
        let (was, is) = (ask(&mut *source, sql).await, ask(&mut *copy, sql).await);
        report.line(format!("{what:<36} {was:<70} {}", if is == was { "the same" } else { &is }));
        let wanted = if *what == "views" { "OnLost".to_owned() } else { was };
        if is != wanted {
            wrong.push(format!("{what}: {is} where {wanted} is wanted"));
        }
    }
    // The next number that each of both gives.
    for (what, sql, last) in [
        (
            "next identity of rows",
            "INSERT INTO dbo.Child (ParentId, Amount) VALUES (1, 9)",
            "SELECT MAX(Id) FROM dbo.Child",
        ),
        ("next identity, rows deleted", "INSERT INTO dbo.Emptied (V) VALUES (1)", "SELECT MAX(Id) FROM dbo.Emptied"),
        ("first identity, never used", "INSERT INTO dbo.Unused (V) VALUES (1)", "SELECT MAX(Id) FROM dbo.Unused"),
        (
            "next of a sequence",
            "INSERT INTO dbo.Draws (N) VALUES (NEXT VALUE FOR dbo.Drawn)",
            "SELECT MAX(N) FROM dbo.Draws",
        ),
        (
            "first of a sequence, never used",
            "INSERT INTO dbo.Draws (N) VALUES (NEXT VALUE FOR dbo.Undrawn)",
            "SELECT MAX(N) FROM dbo.Draws",
        ),
    ] {
        order(&mut *source, sql).await;
        order(&mut *copy, sql).await;
        let (was, is) = (ask(&mut *source, last).await, ask(&mut *copy, last).await);
        report.line(format!("{what:<36} {was:<70} {}", if is == was { "the same" } else { &is }));
        if is != was {
            wrong.push(format!("{what}: {is} where {was} is wanted"));
        }
    }
    report.line("named in the result:".into());
    for remark in &ended.summary.remarks {
        report.line(format!("  {remark}"));
    }
    for named in ["view [dbo].[Lost]: 208:", "column Stamp gets new row versions"] {
        if !ended.summary.remarks.iter().any(|r| r.contains(named)) {
            wrong.push(format!("not named: {named}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tables in memory want a file group of their own, and a package has no files: the restore makes one.
#[tokio::test(flavor = "multi_thread")]
async fn tables_in_memory_get_a_place() {
    let bench = Bench::empty().await;
    let mut orders = bench.orders("master").await;
    order(&mut *orders, "CREATE DATABASE Shop").await;
    let mut source = bench.orders("Shop").await;
    for sql in [
        "ALTER DATABASE CURRENT ADD FILEGROUP [in memory] CONTAINS MEMORY_OPTIMIZED_DATA",
        "ALTER DATABASE CURRENT ADD FILE (NAME = m, FILENAME = N'/tmp/m') TO FILEGROUP [in memory]",
        "CREATE TABLE dbo.Hot (Id int NOT NULL CONSTRAINT PK_Hot PRIMARY KEY NONCLUSTERED) WITH (MEMORY_OPTIMIZED = ON)",
        "INSERT INTO dbo.Hot (Id) VALUES (1), (2)",
    ] {
        order(&mut *source, sql).await;
    }
    let ended = bench.run(backup()).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let file = bench.store().join(ended.summary.file.unwrap());
    let ended = bench.run(restore(&PackageSource::File { path: file.display().to_string() })).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let mut copy = bench.orders("Copy").await;
    for (sql, wanted) in [
        ("SELECT name FROM sys.data_spaces WHERE type = 'FX'", "in memory"),
        ("SELECT name, is_memory_optimized FROM sys.tables", "Hot 1"),
        ("SELECT COUNT(*) AS n FROM dbo.Hot", "2"),
    ] {
        assert_eq!(ask(&mut *copy, sql).await, wanted, "{sql}");
    }
}

/// Users of a live database: two without logins, one whose login goes away before the restore, a role, a denied column.
#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_live_database_come_back() {
    let bench = Bench::empty().await;
    let mut orders = bench.orders("master").await;
    order(&mut *orders, "CREATE DATABASE Shop").await;
    order(&mut *orders, "CREATE LOGIN clerk WITH PASSWORD = N'Till-and-drawer-7'").await;
    let mut source = bench.orders("Shop").await;
    for sql in [
        "CREATE TABLE dbo.Staff (Id int NOT NULL CONSTRAINT PK_Staff PRIMARY KEY, Pay money NULL)",
        "CREATE USER ann WITHOUT LOGIN",
        "CREATE USER bob WITHOUT LOGIN",
        "CREATE USER clerk FOR LOGIN clerk",
        "CREATE ROLE tills",
        "ALTER ROLE tills ADD MEMBER ann",
        "GRANT SELECT ON OBJECT::dbo.Staff TO tills",
        "DENY SELECT ON OBJECT::dbo.Staff (Pay) TO bob",
        "GRANT INSERT ON OBJECT::dbo.Staff TO clerk",
    ] {
        order(&mut *source, sql).await;
    }
    let ended = bench.run(backup()).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let file = bench.store().join(ended.summary.file.unwrap());
    order(&mut *orders, "DROP LOGIN clerk").await;
    let ended = bench.run(restore(&PackageSource::File { path: file.display().to_string() })).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let mut copy = bench.orders("Copy").await;
    let mut report = Report::default();
    report.line(format!("{:<12} {:<86} in the copy", "", "at the source"));
    for (what, sql) in [
        (
            "users, roles",
            "SELECT name, type FROM sys.database_principals WHERE name IN ('ann', 'bob', 'clerk', 'tills') ORDER BY name",
        ),
        (
            "members",
            "SELECT r.name, m.name FROM sys.database_role_members AS x \
             JOIN sys.database_principals AS r ON r.principal_id = x.role_principal_id \
             JOIN sys.database_principals AS m ON m.principal_id = x.member_principal_id WHERE r.name = 'tills'",
        ),
        (
            "permissions",
            "SELECT d.state_desc, d.permission_name, p.name, d.minor_id FROM sys.database_permissions AS d \
             JOIN sys.database_principals AS p ON p.principal_id = d.grantee_principal_id \
             WHERE d.class = 1 ORDER BY p.name",
        ),
    ] {
        let (was, is) = (ask(&mut *source, sql).await, ask(&mut *copy, sql).await);
        report.line(format!("{what:<12} {was:<86} {}", if is == was { "the same" } else { &is }));
        assert_eq!(is, was, "{what}");
    }
    report.line("named in the result:".into());
    for remark in &ended.summary.remarks {
        report.line(format!("  {remark}"));
    }
    let without = |r: &String| r.starts_with("user [clerk] was made without a login");
    assert!(ended.summary.remarks.iter().any(without), "{:?}", ended.summary.remarks);
}

/// Two users without logins, one whose login is missing, a denied column: from a package that DacFx made.
#[tokio::test(flavor = "multi_thread")]
async fn users_without_logins_and_a_denied_column_come_back() {
    let bench = Bench::empty().await;
    let club = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packages/club.bacpac");
    let package = PackageSource::File { path: club.into() };
    let ended = bench.run(JobSpec::restore(package, "box", "Copy")).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let mut copy = bench.orders("Copy").await;
    let mut report = Report::default();
    for (what, sql, wanted) in [
        (
            "users, their logins",
            "SELECT p.name, ISNULL(l.name, '-') AS login_name FROM sys.database_principals AS p \
             LEFT JOIN sys.server_principals AS l ON l.sid = p.sid WHERE p.type = 'S' AND p.principal_id > 4 \
             AND p.name IN ('ghost', 'porter', 'steward') ORDER BY p.name",
            "ghost -, porter -, steward -",
        ),
        (
            "denied",
            "SELECT d.state_desc, d.permission_name, p.name, c.name FROM sys.database_permissions AS d \
             JOIN sys.database_principals AS p ON p.principal_id = d.grantee_principal_id \
             JOIN sys.columns AS c ON c.object_id = d.major_id AND c.column_id = d.minor_id WHERE d.minor_id > 0",
            "DENY SELECT ghost Town",
        ),
    ] {
        let is = ask(&mut *copy, sql).await;
        report.line(format!("{what:<24} {is}"));
        assert_eq!(is, wanted, "{what}");
    }
    report.line("named in the result:".into());
    for remark in &ended.summary.remarks {
        report.line(format!("  {remark}"));
    }
    let without = |r: &&String| r.contains("was made without a login, for what it is known by was refused");
    assert_eq!(ended.summary.remarks.iter().filter(without).count(), 2, "{:?}", ended.summary.remarks);
}
