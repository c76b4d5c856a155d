//! The options of a restore, from outside: the binary against a sandbox, and what the server says came of it.

mod support;

use std::path::PathBuf;

use support::club::Place;

const USERS: &str = "SELECT p.name, ISNULL(p.default_schema_name, '-') AS s, ISNULL(l.name, '-') AS l \
                     FROM sys.database_principals AS p LEFT JOIN sys.server_principals AS l ON l.sid = p.sid \
                     WHERE p.name IN ('steward', 'porter', 'ghost') ORDER BY p.name";
const OWNERS: &str = "SELECT s.name, p.name AS owner FROM sys.schemas AS s \
                      JOIN sys.database_principals AS p ON p.principal_id = s.principal_id WHERE s.name = 'sales'";
const RIGHTS: &str = "SELECT d.state_desc, d.permission_name, p.name, d.minor_id FROM sys.database_permissions AS d \
                      JOIN sys.database_principals AS p ON p.principal_id = d.grantee_principal_id \
                      WHERE d.class = 1 ORDER BY d.permission_name, p.name";
const TABLES: &str = "SELECT s.name, t.name FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
                      ORDER BY s.name, t.name";
const UNTRUSTED: &str = "SELECT name FROM sys.foreign_keys WHERE is_not_trusted = 1 \
                         UNION ALL SELECT name FROM sys.check_constraints WHERE is_not_trusted = 1";

#[tokio::test(flavor = "multi_thread")]
async fn users_owners_and_permissions_come_back_as_they_were_or_as_asked() {
    let place = Place::new().await;
    let said = place.restored("AsItIs", &[]).await;
    // porter's login is not there: the user is, with its rights.
    assert!(
        said.contains("user [porter] was made without a login, for what it is known by was refused: 15007:"),
        "{said}"
    );
    assert_eq!(place.ask("AsItIs", USERS).await, ["ghost dbo -", "porter dbo -", "steward sales steward"]);
    assert_eq!(place.one("AsItIs", OWNERS).await, "sales steward");
    let rights = ["GRANT EXECUTE porter 0", "GRANT SELECT desk 0", "DENY SELECT ghost 3"];
    assert_eq!(place.ask("AsItIs", RIGHTS).await, rights);
    let members = "SELECT r.name, m.name FROM sys.database_role_members AS x \
                   JOIN sys.database_principals AS r ON r.principal_id = x.role_principal_id \
                   JOIN sys.database_principals AS m ON m.principal_id = x.member_principal_id WHERE r.name = 'desk'";
    assert_eq!(place.one("AsItIs", members).await, "desk porter");

    let said = place.restored("NoRights", &["--permissions", "no"]).await;
    assert!(!said.contains("[Grant"), "{said}");
    assert_eq!(place.ask("NoRights", RIGHTS).await, Vec::<String>::new());
    assert_eq!(place.ask("NoRights", USERS).await.len(), 3);

    let said = place.restored("NoUsers", &["--users", "none"]).await;
    assert_eq!(place.ask("NoUsers", USERS).await, Vec::<String>::new());
    assert_eq!(place.one("NoUsers", OWNERS).await, "sales dbo");
    // What is about roles stays; what was about users is named.
    assert_eq!(place.ask("NoUsers", RIGHTS).await, ["GRANT SELECT desk 0"]);
    assert!(said.contains("not restored: user [porter]: no users are restored, as asked"), "{said}");

    place.restored("Mapped", &["--map-user", "porter=warden", "--user-settings", "no", "--owner", "dbo"]).await;
    assert_eq!(place.ask("Mapped", USERS).await, ["ghost dbo -", "porter dbo warden", "steward dbo steward"]);
    assert_eq!(place.one("Mapped", OWNERS).await, "sales dbo");

    let ran = place.restore("Nobody", &["--map-user", "nobody=operator"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("the package has no user nobody"), "{}", ran.err);
    assert!(!place.databases().await.contains(&"Nobody".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_alone_then_the_rows_alone() {
    let place = Place::new().await;
    place.restored("Empty", &["--schema-only"]).await;
    assert_eq!(place.rows("Empty", "dbo.Member").await, "0");
    assert_eq!(place.ask("Empty", UNTRUSTED).await, Vec::<String>::new());

    let ran = place.restore("Empty", &["--data-only"]).await;
    assert_eq!(ran.code, 2, "rows alone need an existing database: {ran:?}");
    place.restored("Empty", &["--data-only", "--into-existing", "Empty"]).await;
    for (table, rows) in [("dbo.Member", "4"), ("dbo.Visit", "10"), ("sales.Card", "3")] {
        assert_eq!(place.rows("Empty", table).await, rows, "{table}");
    }
    assert_eq!(place.ask("Empty", UNTRUSTED).await, Vec::<String>::new(), "a load leaves constraints untrusted");
    place.order("Empty", "INSERT INTO dbo.Member (Name) VALUES (N'new')").await;
    assert_eq!(place.one("Empty", "SELECT MAX(Id) AS m FROM dbo.Member").await, "5");

    // Into rows that are there nothing is loaded.
    let ran = place.restore("Empty", &["--data-only", "--into-existing", "Empty"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("of the database has rows"), "{}", ran.err);
    assert_eq!(place.rows("Empty", "dbo.Member").await, "5");

    // Nor into columns of other types: a server would round and cut in silence.
    place.order("master", "CREATE DATABASE Narrow").await;
    let sql =
        "CREATE TABLE dbo.Member (Id int NOT NULL PRIMARY KEY, Name nvarchar(40) NOT NULL, Town varchar(20) NULL)";
    place.order("Narrow", sql).await;
    let into = ["--data-only", "--into-existing", "Narrow", "--table", "dbo.Member"];
    let ran = place.restore("Narrow", &into).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let says = "column Name of table dbo.Member is nvarchar(40) in the database and nvarchar(50) in the package";
    assert!(ran.err.contains(says), "{}", ran.err);
    assert_eq!(place.rows("Narrow", "dbo.Member").await, "0");

    // One table's rows.
    place.restored("One", &["--schema-only"]).await;
    place.restored("One", &["--data-only", "--into-existing", "One", "--table", "dbo.Member"]).await;
    assert_eq!((place.rows("One", "dbo.Member").await, place.rows("One", "dbo.Visit").await), ("4".into(), "0".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn some_tables_with_what_they_need_or_alone() {
    let place = Place::new().await;
    place.restored("Cards", &["--table", "sales.Card"]).await;
    assert_eq!(place.ask("Cards", TABLES).await, ["dbo Member", "sales Card"]);
    assert_eq!(place.rows("Cards", "dbo.Member").await, "4");
    assert_eq!(place.one("Cards", "SELECT name FROM sys.foreign_keys").await, "FK_Card_Member");
    assert_eq!(place.one("Cards", "SELECT name FROM sys.triggers").await, "Card_Changed");
    assert_eq!(place.one("Cards", "SELECT COUNT(*) AS n FROM sys.views").await, "0");
    assert_eq!(place.one("Cards", "SELECT COUNT(*) AS n FROM sys.indexes WHERE name = 'IX_Card_Member'").await, "1");

    let ran = place.restore("Alone", &["--table", "sales.Card", "--no-dependencies"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("foreign key [sales].[FK_Card_Member] refers to [dbo].[Member]"), "{}", ran.err);
    assert!(ran.err.contains("--skip-missing foreign-keys"), "{}", ran.err);
    let skip = ["--table", "sales.Card", "--no-dependencies", "--skip-missing", "foreign-keys"];
    let said = place.restored("Alone", &skip).await;
    assert!(said.contains("not restored: foreign key [sales].[FK_Card_Member]"), "{said}");
    assert_eq!(place.ask("Alone", TABLES).await, ["sales Card"]);
    assert_eq!(place.rows("Alone", "sales.Card").await, "3");

    // A sequence that a default draws from comes along.
    place.restored("Visits", &["--table", "dbo.Visit"]).await;
    place.order("Visits", "INSERT INTO dbo.Visit (MemberId, Id) VALUES (1, 11)").await;
    assert_eq!(place.one("Visits", "SELECT name FROM sys.sequences").await, "VisitNumber");

    let ran = place.restore("Nothing", &["--table", "dbo.Nothing"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("the package has no table dbo.Nothing"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_database_takes_a_restore_only_when_its_name_is_typed_and_loses_nothing() {
    let place = Place::new().await;
    place.order("master", "CREATE DATABASE Live").await;
    place.order("Live", "CREATE TABLE dbo.Member (Id int NOT NULL PRIMARY KEY, Own nvarchar(10) NOT NULL)").await;
    place.order("Live", "INSERT INTO dbo.Member (Id, Own) VALUES (7, N'mine')").await;
    place.order("Live", "CREATE PROCEDURE dbo.Greet AS SELECT 1 AS mine").await;
    let untouched = async || {
        assert_eq!(place.one("Live", "SELECT Id, Own FROM dbo.Member").await, "7 mine");
        let text = place.one("Live", "SELECT OBJECT_DEFINITION(OBJECT_ID(N'dbo.Greet')) AS d").await;
        assert!(text.contains("mine"), "{text}");
    };

    for options in [&[][..], &["--into-existing", "live"], &["--into-existing", "Other"]] {
        let ran = place.restore("Live", options).await;
        assert_eq!(ran.code, 2, "{options:?}: {ran:?}");
        untouched().await;
    }
    let ran = place.restore("Live", &["--into-existing", "Live"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("the database has already: dbo.Member"), "{}", ran.err);
    assert_eq!(place.ask("Live", TABLES).await, ["dbo Member"], "something was made");
    let ran = place.restore("Live", &["--into-existing", "Live", "--collation", "Latin1_General_CI_AI"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = place.restore("Absent", &["--into-existing", "Absent"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");

    let said = place.restored("Live", &["--into-existing", "Live", "--on-conflict", "rename"]).await;
    untouched().await;
    let tables = place.ask("Live", TABLES).await;
    assert_eq!(tables.len(), 4, "{tables:?}");
    let renamed = tables.iter().find(|t| t.starts_with("dbo Member_restored_")).expect("a renamed table");
    let renamed = renamed.strip_prefix("dbo ").unwrap();
    assert!(said.contains(&format!("table dbo.Member is there already: restored as dbo.{renamed}")), "{said}");
    assert!(said.contains("not restored: procedure [dbo].[Greet]: the database has one of that name"), "{said}");
    assert_eq!(place.rows("Live", &format!("dbo.[{renamed}]")).await, "4");
    // The foreign keys of the restored tables go to the restored table.
    let target = "SELECT DISTINCT OBJECT_NAME(referenced_object_id) AS t FROM sys.foreign_keys";
    assert_eq!(place.one("Live", target).await, renamed);
    assert_eq!(place.ask("Live", UNTRUSTED).await, Vec::<String>::new());

    // Rights to what was there, and the members of roles that were there, are nobody's to change.
    place.order("master", "CREATE DATABASE Roles").await;
    for sql in [
        "CREATE ROLE desk",
        "CREATE USER ghost WITHOUT LOGIN",
        "CREATE VIEW dbo.Guests AS SELECT 1 AS one",
        "CREATE PROCEDURE dbo.Greet AS SELECT 1 AS mine",
    ] {
        place.order("Roles", sql).await;
    }
    let said = place.restored("Roles", &["--into-existing", "Roles"]).await;
    let members = "SELECT COUNT(*) AS n FROM sys.database_role_members AS x \
                   JOIN sys.database_principals AS r ON r.principal_id = x.role_principal_id WHERE r.name = 'desk'";
    assert_eq!(place.one("Roles", members).await, "0");
    assert_eq!(place.ask("Roles", RIGHTS).await, ["GRANT SELECT desk 0", "DENY SELECT ghost 3"], "of new tables");
    for says in [
        "role membership [porter] in [desk]: it is about",
        "[Grant.Execute.Object].[porter].[dbo].[dbo].[Greet]",
        "user [ghost]: the database has one",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }

    // The name of a constraint is taken, too.
    place.order("master", "CREATE DATABASE Named").await;
    place.order("Named", "CREATE TABLE dbo.Other (Id int NOT NULL CONSTRAINT PK_Visit PRIMARY KEY)").await;
    let ran = place.restore("Named", &["--into-existing", "Named"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("the database has already: dbo.PK_Visit"), "{}", ran.err);
    place.restored("Named", &["--into-existing", "Named", "--on-conflict", "rename"]).await;
    let keys = "SELECT COUNT(*) AS n FROM sys.key_constraints WHERE name LIKE 'PK[_]Visit[_]restored[_]%'";
    assert_eq!(place.one("Named", keys).await, "1");
    assert_eq!(place.rows("Named", "dbo.Visit").await, "10");

    // A restore that fails in the middle: what was there is there, and what was added is named.
    place.order("master", "CREATE DATABASE Half").await;
    place.order("Half", "CREATE TABLE dbo.Own (Id int NOT NULL)").await;
    place.server.faults().add("error=1105,on=INSERT BULK".parse().unwrap());
    let ran = place.restore("Half", &["--into-existing", "Half"]).await;
    place.server.faults().clear();
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("database Half was there before and is kept; this was added to it"), "{}", ran.err);
    assert!(place.ask("Half", TABLES).await.contains(&"dbo Own".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn collation_and_level_are_the_packages_or_as_asked() {
    let place = Place::new().await;
    let of = "SELECT collation_name, compatibility_level FROM sys.databases WHERE name = ";
    place.restored("Same", &[]).await;
    assert_eq!(place.one("master", &format!("{of}'Same'")).await, "Latin1_General_100_CI_AS 140");
    let options = ["--collation", "Latin1_General_CI_AI", "--compatibility-level", "150"];
    place.restored("Other", &options).await;
    assert_eq!(place.one("master", &format!("{of}'Other'")).await, "Latin1_General_CI_AI 150");
    let collations = "SELECT DISTINCT collation_name FROM sys.columns WHERE collation_name IS NOT NULL \
                      AND object_id = OBJECT_ID(N'dbo.Member')";
    assert_eq!(place.one("Other", collations).await, "Latin1_General_CI_AI");
    assert_eq!(place.one("Other", "SELECT Town FROM dbo.Member WHERE Id = 4").await, "München");
    // A code page that does not have a character is no place for it.
    let ran = place.restore("Greek", &["--collation", "Greek_CI_AS"]).await;
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("dbo.Member") && ran.err.contains("Town"), "{}", ran.err);
    assert!(!place.databases().await.contains(&"Greek".to_owned()), "it was not removed");
    for wrong in [["--collation", "x; DROP"], ["--compatibility-level", "155"]] {
        assert_eq!(place.restore("Wrong", &wrong).await.code, 2, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_on_a_missing_table_is_named_or_left_out_as_asked() {
    let place = Place::new().await;
    place.order("master", "CREATE DATABASE Club").await;
    for sql in [
        "CREATE TABLE dbo.Stays (Id int NOT NULL)",
        "CREATE TABLE dbo.Goes (Id int NOT NULL)",
        "CREATE VIEW dbo.Lost AS SELECT Id FROM dbo.Goes",
        "CREATE VIEW dbo.Kept AS SELECT Id FROM dbo.Stays",
        "DROP TABLE dbo.Goes",
    ] {
        place.order("Club", sql).await;
    }
    let ran = place.pacrat(&["backup", "club", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let file = std::fs::read_dir(place.home.path().join("store"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "bacpac"))
        .unwrap();
    let restore = async |database: &str, options: &[&str]| {
        let file: PathBuf = file.clone();
        let fixed = ["restore", file.to_str().unwrap(), "--to", "box", "--database", database, "--json"];
        let ran = place.pacrat(&[&fixed[..], options].concat()).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
        last["what"]["summary"]["remarks"].to_string()
    };
    // The sandbox takes such a view; a server does not.
    place.server.faults().add("error=208,times=always,on=VIEW dbo.Lost".parse().unwrap());
    // Completed: the rows, keys and constraints are proven; what the server refused is named with its words.
    let remarks = restore("Copy", &[]).await;
    assert!(remarks.contains("not restored: view [dbo].[Lost]: 208: "), "{remarks}");
    assert_eq!(place.ask("Copy", "SELECT name FROM sys.views").await, ["Kept"]);
    let remarks = restore("Quiet", &["--skip-missing", "views"]).await;
    assert!(!remarks.contains("Lost"), "{remarks}");
    assert_eq!(place.ask("Quiet", "SELECT name FROM sys.views").await, ["Kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_has_the_defaults_and_the_journal_what_was_asked() {
    let section = "[restore]\nusers = \"none\"\npermissions = false\nowner = \"dbo\"\ncompatibility_level = 150\n";
    let place = Place::configured(section).await;
    place.restored("Configured", &[]).await;
    assert_eq!(place.ask("Configured", USERS).await, Vec::<String>::new());
    assert_eq!(place.ask("Configured", RIGHTS).await, Vec::<String>::new());
    place.restored("Told", &["--users", "as-in-file", "--permissions", "yes", "--owner", "as-in-file"]).await;
    assert_eq!(place.ask("Told", USERS).await.len(), 3);
    assert_eq!(place.ask("Told", RIGHTS).await.len(), 3);
    assert_eq!(place.one("Told", OWNERS).await, "sales steward");

    let ran = place.pacrat(&["jobs", "--json"]).await;
    let jobs: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let specs: Vec<&serde_json::Value> = jobs.as_array().unwrap().iter().map(|j| &j["spec"]).collect();
    assert_eq!(specs[0]["database"], "Told");
    assert_eq!(specs[0]["choice"]["compatibility_level"], 150);
    assert_eq!(specs[1]["choice"]["users"], "none");
    assert_eq!(specs[1]["choice"]["permissions"], false);

    let wrong = Place::configured("[restore]\nusers = \"nobody\"\nskip_missing = [\"vews\"]\ncolation = \"x\"\n").await;
    let ran = wrong.restore("X", &[]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    for says in ["users = \"nobody\" is unknown", "\"vews\"", "write collation"] {
        assert!(ran.err.contains(says), "{says}: {}", ran.err);
    }
}
