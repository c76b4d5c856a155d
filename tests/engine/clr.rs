//! Assemblies and what is made of them, from a live server and back; and a server that will not have them.

use pacrat::engine::command::PackageSource;
use pacrat::engine::event::JobState;
use pacrat::engine::query::Core;
use pacrat::sqlserver::orders::Orders;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, Ended, backup, order, restore};
use super::support::place;

/// The assembly, and modules of every kind of it.
const SHAPES: &[&str] = &[
    "CREATE USER Maker WITHOUT LOGIN",
    "CREATE ROLE Drawers AUTHORIZATION Maker",
    "CREATE ASSEMBLY Shapes AUTHORIZATION Maker FROM 0x4D5A90000300FF00 WITH PERMISSION_SET = EXTERNAL_ACCESS",
    "ALTER ASSEMBLY Shapes ADD FILE FROM 0x2F2F AS N'Shapes.cs', 0x0D0A AS N'it''s.pdb'",
    "CREATE ASSEMBLY Alone FROM 0x4D5A01",
    "ALTER ASSEMBLY Alone WITH PERMISSION_SET = UNSAFE, VISIBILITY = OFF",
    "CREATE FUNCTION dbo.Scale(@a int = 5, @b nvarchar(10) = N'it''s', @c decimal(9, 2) = NULL) RETURNS nvarchar(max) \
     WITH RETURNS NULL ON NULL INPUT AS EXTERNAL NAME Shapes.[Shapes.Functions].Scale",
    "CREATE FUNCTION dbo.Corners() RETURNS TABLE (n int NULL, name nvarchar(5) COLLATE Latin1_General_BIN NULL) \
     ORDER (name DESC, n) AS EXTERNAL NAME Shapes.[Shapes.Functions].Corners",
    "CREATE AGGREGATE dbo.Joined(@value nvarchar(4000)) RETURNS nvarchar(max) EXTERNAL NAME Shapes.[Shapes.Joined]",
    "CREATE PROCEDURE dbo.Draw @n int OUTPUT WITH EXECUTE AS 'Maker' AS EXTERNAL NAME Shapes.[Shapes.Procedures].Draw",
    // The bytes are half a surrogate pair: no text.
    "CREATE PROCEDURE dbo.Defaults @bytes varbinary(10) = 0x00D8, @moment datetime = '2020-02-29T23:59:59.997', \
     @day date = '0001-01-01', @guid uniqueidentifier = '6F9619FF-8B86-D011-B42D-00C04FC964FF', @yes bit = 1, \
     @large bigint = -9223372036854775808, @money money = -922337203685477.5808, @time time(7) = '23:59:59.9999999' AS EXTERNAL NAME Shapes.[Shapes.Procedures].Defaults",
    "EXECUTE sp_addextendedproperty N'bytes', 0x00D8, N'SCHEMA', N'dbo', N'PROCEDURE', N'Defaults'",
    "CREATE TABLE dbo.Plain (Id int NOT NULL CONSTRAINT PK_Plain PRIMARY KEY)",
    "INSERT INTO dbo.Plain (Id) VALUES (1), (2)",
    "CREATE TRIGGER dbo.Watch ON dbo.Plain AFTER INSERT, DELETE NOT FOR REPLICATION AS \
     EXTERNAL NAME Shapes.[Shapes.Triggers].Watch",
    "EXECUTE sp_settriggerorder N'dbo.Watch', N'First', N'INSERT'",
    "DISABLE TRIGGER dbo.Watch ON dbo.Plain",
    "CREATE TRIGGER Ddl ON DATABASE WITH EXECUTE AS OWNER FOR CREATE_VIEW AS \
     EXTERNAL NAME Shapes.[Shapes.Triggers].Ddl",
    "GRANT REFERENCES ON ASSEMBLY::Shapes TO Drawers WITH GRANT OPTION",
    "GRANT EXECUTE ON dbo.Joined TO Drawers",
    "EXECUTE sp_addextendedproperty N'about', N'bytes', N'ASSEMBLY', N'Shapes'",
    "EXECUTE sp_addextendedproperty N'about', N'text', N'SCHEMA', N'dbo', N'AGGREGATE', N'Joined', \
     N'PARAMETER', N'@value'",
];

/// A type, and rows of it.
const POINTS: &[&str] = &[
    "CREATE TYPE dbo.Point EXTERNAL NAME Shapes.[Shapes.Point]",
    "CREATE TABLE dbo.Places (Id int NOT NULL CONSTRAINT PK_Places PRIMARY KEY, At dbo.Point NULL, \
     Sure dbo.Point NOT NULL)",
    "CREATE TABLE dbo.Sizes (Id int NOT NULL, Size AS (dbo.Scale(Id, N'x', 1)))",
    "INSERT INTO dbo.Places (Id, At, Sure) VALUES (1, 0x0102FF, 0x), (2, NULL, 0x00), (3, 0x, 0xFFFE)",
];

/// The question that both databases are asked.
const QUESTIONS: &[&str] = &[
    "SELECT a.name, a.permission_set, a.is_visible, p.name FROM sys.assemblies AS a \
     JOIN sys.database_principals AS p ON p.principal_id = a.principal_id ORDER BY a.name",
    // Files beside an assembly have no order.
    "SELECT a.name, f.name, f.content FROM sys.assembly_files AS f \
     JOIN sys.assemblies AS a ON a.assembly_id = f.assembly_id ORDER BY a.name, f.name",
    "SELECT o.name, o.type, m.assembly_class, m.assembly_method, m.null_on_null_input, m.execute_as_principal_id \
     FROM sys.assembly_modules AS m JOIN sys.objects AS o ON o.object_id = m.object_id ORDER BY o.name",
    "SELECT t.name, t.type, t.is_disabled, t.is_not_for_replication, e.type_desc, e.is_first FROM sys.triggers AS t \
     JOIN sys.trigger_events AS e ON e.object_id = t.object_id ORDER BY t.name, e.type_desc",
    "SELECT o.name, p.name, t.name, p.is_output, p.has_default_value, p.default_value, \
     p.max_length, p.precision, p.scale FROM sys.parameters AS p JOIN sys.objects AS o ON o.object_id = p.object_id \
     JOIN sys.types AS t ON t.user_type_id = p.user_type_id ORDER BY o.name, p.parameter_id",
    "SELECT o.name, c.name, c.collation_name, t.name FROM sys.columns AS c JOIN sys.objects AS o \
     ON o.object_id = c.object_id JOIN sys.types AS t ON t.user_type_id = c.user_type_id \
     WHERE o.type IN ('FT', 'U') ORDER BY o.name, c.column_id",
    "SELECT o.name, c.order_column_id, c.column_id, c.is_descending FROM sys.function_order_columns AS c \
     JOIN sys.objects AS o ON o.object_id = c.object_id ORDER BY c.order_column_id",
    "SELECT t.name, t.assembly_class, a.name FROM sys.assembly_types AS t \
     JOIN sys.assemblies AS a ON a.assembly_id = t.assembly_id ORDER BY t.name",
    "SELECT class, permission_name, state FROM sys.database_permissions WHERE class IN (1, 5) ORDER BY class",
    "SELECT class, minor_id, name, value FROM sys.extended_properties ORDER BY class, name",
];

async fn ask(orders: &mut dyn Orders, sql: &str) -> Vec<String> {
    let answer = orders.batch(sql, "asking", &CancellationToken::new()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    place::rows(&answer)
}

/// A database with these in it, backed up: everything of it is carried.
async fn source(statements: &[&[&str]]) -> (Bench, PackageSource) {
    let bench = Bench::empty().await;
    let mut orders = bench.orders("master").await;
    order(&mut *orders, "CREATE DATABASE Shop").await;
    let mut orders = bench.orders("Shop").await;
    for sql in statements.iter().copied().flatten() {
        order(&mut *orders, sql).await;
    }
    let ended = bench.run(backup()).await;
    assert_eq!((ended.state, &ended.summary.remarks), (Some(JobState::Completed), &Vec::new()), "{ended:?}");
    let file = bench.store().join(ended.summary.file.unwrap());
    let package = PackageSource::File { path: file.display().to_string() };
    (bench, package)
}

fn named(ended: &Ended, what: &str) -> bool {
    ended.summary.remarks.iter().any(|r| r.contains(what))
}

#[tokio::test(flavor = "multi_thread")]
async fn assemblies_and_what_is_made_of_them_come_back() {
    let (bench, package) = source(&[SHAPES, POINTS]).await;
    let ended = bench.run(restore(&package)).await;
    assert_eq!((ended.state, &ended.summary.remarks), (Some(JobState::Completed), &Vec::new()), "{ended:?}");
    assert_eq!(ended.summary.rows, 5);
    let (mut was, mut is) = (bench.orders("Shop").await, bench.orders("Copy").await);
    let rows = "SELECT Id, CONVERT(varbinary(max), At), CONVERT(varbinary(max), Sure) FROM dbo.Places ORDER BY Id";
    for sql in QUESTIONS.iter().copied().chain([rows]) {
        let (was, is) = (ask(&mut *was, sql).await, ask(&mut *is, sql).await);
        assert!(!was.is_empty(), "nothing is compared: {sql}");
        assert_eq!(was, is, "{sql}");
    }
}

/// Whether code in assemblies runs is the server's affair, and is told before anything is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_run_such_code_is_doubted_before() {
    let (bench, package) = source(&[SHAPES]).await;
    let doubts = async || bench.service.plan(&restore(&package)).await.unwrap().doubts.join("; ");
    assert!(doubts().await.contains("'clr enabled' is off"), "{}", doubts().await);
    let mut orders = bench.orders("master").await;
    order(&mut *orders, "EXECUTE sp_configure 'clr enabled', 1").await;
    order(&mut *orders, "RECONFIGURE").await;
    assert!(!doubts().await.contains("clr"), "{}", doubts().await);
}

/// Error 10343 is what a server says that trusts no such code (`clr strict security`). Nothing that is made of it comes
/// back, each is named with the server's words, and everything else is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_an_assembly_costs_what_is_made_of_it() {
    let (bench, package) = source(&[SHAPES]).await;
    bench.fault("error=10343,times=always,on=CREATE ASSEMBLY [Shapes]");
    let ended = bench.run(restore(&package)).await;
    bench.faults().clear();
    assert_eq!((ended.state, ended.summary.rows), (Some(JobState::Completed), 2), "{ended:?}");
    for what in [
        "assembly [Shapes]: 10343:",
        "function [dbo].[Scale]: 6528:",
        "function [dbo].[Corners]: 6528:",
        "aggregate [dbo].[Joined]: 6528:",
        "procedure [dbo].[Draw]: 6528:",
        "trigger [dbo].[Watch]: 6528:",
        "database trigger [Ddl]: 6528:",
    ] {
        assert!(named(&ended, what), "{what} is not in {:?}", ended.summary.remarks);
    }
    let mut copy = bench.orders("Copy").await;
    let assemblies = "SELECT name FROM sys.assemblies WHERE is_user_defined = 1";
    assert_eq!(ask(&mut *copy, assemblies).await, ["Alone"]);
    assert_eq!(ask(&mut *copy, "SELECT Id FROM dbo.Plain ORDER BY Id").await, ["1", "2"]);
}

/// Rows of a type that the server will not have can't be loaded: that is no restore.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_a_refused_type_is_no_restore() {
    let (bench, package) = source(&[SHAPES, POINTS]).await;
    bench.fault("error=10343,times=always,on=CREATE ASSEMBLY [Shapes]");
    let ended = bench.run(restore(&package)).await;
    bench.faults().clear();
    assert_eq!(ended.state, Some(JobState::Failed), "{ended:?}");
    assert!(named(&ended, "assembly [Shapes]: 10343:"), "{:?}", ended.summary.remarks);
    assert!(!bench.databases().await.contains("Copy"));
}

/// An assembly that uses another one is refused before that one is there, and tried again.
#[tokio::test(flavor = "multi_thread")]
async fn an_assembly_is_tried_again_after_those_that_it_may_use() {
    let (bench, package) = source(&[SHAPES]).await;
    bench.fault("error=6503,times=1,on=CREATE ASSEMBLY [Alone]");
    let ended = bench.run(restore(&package)).await;
    bench.faults().clear();
    assert_eq!((ended.state, &ended.summary.remarks), (Some(JobState::Completed), &Vec::new()), "{ended:?}");
    let mut copy = bench.orders("Copy").await;
    let assemblies = "SELECT name FROM sys.assemblies WHERE is_user_defined = 1 ORDER BY name";
    assert_eq!(ask(&mut *copy, assemblies).await, ["Alone", "Shapes"]);
}
