//! The dry run of a restore, from outside: what it says is what the restore then does, what it refuses the restore
//! refuses with the same words and code, and nothing is changed by it. And the defaults of the configuration.

mod support;

use pacrat::sandbox::meta::Product;
use pacrat::sandbox::{LoginOptions, Sandbox, SandboxOptions};
use serde_json::Value;
use support::binary::Ran;
use support::club::{CLUB, Place};
use support::place::PASSWORD;

const USERS: &str = "SELECT p.name, ISNULL(l.name, '-') AS l FROM sys.database_principals AS p \
                     LEFT JOIN sys.server_principals AS l ON l.sid = p.sid \
                     WHERE p.name IN ('steward', 'porter', 'ghost') ORDER BY p.name";
const TABLES: &str = "SELECT s.name, t.name FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
                      ORDER BY s.name, t.name";

/// The plan as JSON, and the exit code.
async fn planned(place: &Place, database: &str, options: &[&str]) -> (i32, Value) {
    let before = place.databases().await;
    let ran = place.restore(database, &[options, &["--dry-run", "--json"]].concat()).await;
    assert_eq!(place.databases().await, before, "{options:?} changed something");
    let plan = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{options:?}: {e}: {ran:?}"));
    (ran.code, plan)
}

/// What the restore says at its end: the summary's remarks, the tables' rows, the code.
async fn done(place: &Place, database: &str, options: &[&str]) -> (Ran, Vec<Value>) {
    let ran = place.restore(database, &[options, &["--json"]].concat()).await;
    let events = ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    (ran, events)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()).collect()
}

fn refusals(plan: &Value) -> Vec<String> {
    plan["refusals"].as_array().unwrap().iter().map(|f| f["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_the_restore_then_does_and_changes_nothing() {
    let place = Place::new().await;
    place.order("master", "CREATE DATABASE Live").await;
    place.order("Live", "CREATE TABLE dbo.Member (Id int NOT NULL PRIMARY KEY)").await;
    let into = ["--into-existing", "Live", "--on-conflict", "rename"];
    let some = ["--table", "sales.Card", "--no-dependencies", "--skip-missing", "foreign-keys", "--users", "none"];
    for (database, options) in [("Copy", &[][..]), ("Empty", &["--schema-only"]), ("Some", &some), ("Live", &into)] {
        let (code, plan) = planned(&place, database, options).await;
        assert_eq!(code, 0, "{options:?}: {plan:#}");
        let (ran, events) = done(&place, database, options).await;
        assert_eq!(ran.code, 0, "{options:?}: {}", ran.err);
        let summary = &events.last().unwrap()["what"]["summary"];
        let remarks = texts(&summary["remarks"]);
        let left = texts(&plan["left"]);
        assert!(!left.is_empty() || database == "Empty" || database == "Copy", "{options:?}: {plan:#}");
        for text in &left {
            assert!(remarks.contains(text), "{options:?}: planned, and not so: {text}\n{remarks:#?}");
        }
        for remark in remarks.iter().filter(|r| !left.contains(r)) {
            // What only the server tells, while it is done, and what was doubted before.
            assert!(remark.contains("was made without a login") || remark.contains("row versions"), "{remark}");
        }
        // Every table that was planned is there, under its name, with its rows.
        for table in plan["tables"].as_array().unwrap() {
            let plain = format!("{}.{}", table["schema"].as_str().unwrap(), table["table"].as_str().unwrap());
            let name = table["restored_as"].as_str().unwrap_or(&plain);
            assert_eq!(place.rows(database, name).await, table["rows"].to_string(), "{options:?}: {name}");
        }
        let rows: i64 = plan["tables"].as_array().unwrap().iter().map(|t| t["rows"].as_i64().unwrap()).sum();
        assert_eq!(summary["rows"], rows, "{options:?}");
        let made = plan["objects"].as_array().unwrap().iter().find(|o| o[0] == "table").unwrap()[1].as_u64();
        let there = place.ask(database, TABLES).await.len() as u64 - u64::from(database == "Live");
        assert_eq!(made, Some(there), "{options:?}");
    }
    let told = place.restore("Told", &["--dry-run", "--permissions", "no"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    for says in [
        "club.bacpac into a new database Told on box",
        "server     SQL Server 15.0.",
        "package    not checked; verified before anything is made",
        "collation  Latin1_General_100_CI_AS",
        "chosen     without permissions",
        "Would load 17 rows, ",
        "dbo.Member",
        "user porter: login porter is not to be seen on box; without it the user is made without a login",
        "Nothing is known that would refuse it. Nothing was changed.",
    ] {
        assert!(told.out.contains(says), "{says}\n{}", told.out);
    }
    assert!(!place.databases().await.contains(&"Told".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dry_run_refuses_the_restore_refuses_with_the_same_words_before_it_reads_a_row() {
    let place = Place::new().await;
    place.order("master", "CREATE DATABASE Taken").await;
    place.order("Taken", "CREATE TABLE dbo.Member (Id int NOT NULL PRIMARY KEY)").await;
    place.restored("Rows", &[]).await;
    let poor = ["restore", CLUB, "--to", "poor", "--database", "New"];
    for (database, options, code, says) in [
        ("Taken", &[][..], 2, "database Taken exists already on box"),
        ("Absent", &["--into-existing", "Absent"], 2, "database Absent is not on box"),
        ("Taken", &["--into-existing", "Taken"], 2, "the database has already: dbo.Member"),
        ("Rows", &["--into-existing", "Rows", "--data-only"], 2, "of the database has rows"),
    ] {
        let (planned_code, plan) = planned(&place, database, options).await;
        let refusals = refusals(&plan);
        assert!(refusals.len() == 1 && refusals[0].contains(says), "{options:?}: {refusals:?}");
        let (ran, events) = done(&place, database, options).await;
        assert_eq!((planned_code, ran.code), (code, code), "{options:?}: {ran:?}");
        let failure = &events.last().unwrap()["what"]["failure"];
        assert_eq!(failure["causes"][0], refusals[0], "{options:?}");
        assert!(!ran.out.contains("verifying"), "{options:?}: rows were read before it was refused: {}", ran.out);
    }
    // Whatever stands in the way is told at once.
    let ran = place.pacrat(&[&poor[..], &["--dry-run"]].concat()).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("REFUSED: pacrat's login may not create databases on poor"), "{}", ran.out);
    assert!(ran.out.contains("It would be refused as it is. Nothing was changed."), "{}", ran.out);
    let ran = place.pacrat(&poor).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("pacrat's login may not create databases on poor"), "{}", ran.err);
    let both = ["restore", CLUB, "--to", "poor", "--database", "Taken", "--dry-run", "--json"];
    let plan: Value = serde_json::from_str(&place.pacrat(&both).await.out).unwrap();
    assert_eq!(refusals(&plan).len(), 2, "{plan:#}");

    // What makes a plan impossible is an error like the restore's own.
    for (options, says) in [
        (&["--table", "dbo.Membr"][..], "the package has no table dbo.Membr"),
        (&["--map-user", "portr=warden"], "the package has no user portr"),
        (&["--data-only"], "rows alone need a database that is there"),
        (&["--into-existing", "taken"], "\"taken\" was typed to restore into \"New\""),
        (&["--no-dependencies"], "--no-dependencies is about tables, and none is named"),
        (&["--map-user", "porter= "], "is no name of a login for user porter"),
        (&["--map-user", "porter=warden", "--map-user", "porter=steward"], "user porter can't be given both"),
    ] {
        let dry = place.restore("New", &[options, &["--dry-run"]].concat()).await;
        let real = place.restore("New", options).await;
        assert_eq!((dry.code, real.code), (2, 2), "{options:?}: {dry:?}");
        assert!(dry.err.contains(says) && real.err.contains(says), "{options:?}: {}{}", dry.err, real.err);
    }
    // A package that is no whole one, a server that is not there.
    let cut = place.home.path().join("cut.bacpac");
    let whole = std::fs::read(CLUB).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let damaged = ["restore", cut.to_str().unwrap(), "--to", "box", "--database", "New", "--dry-run"];
    assert_eq!(place.pacrat(&damaged).await.code, 4);
    let gone = "[servers.gone]\nhost = \"127.0.0.1\"\nport = 1\nlogin = \"operator\"\n\
                password_env = \"BOX_PASSWORD\"\nconnect_timeout = 2\n";
    let gone = Place::configured(gone).await;
    let unreachable = ["restore", CLUB, "--to", "gone", "--database", "New", "--dry-run"];
    assert_eq!(gone.pacrat(&unreachable).await.code, 5);
    let near = place.restore("New", &["--table", "dbo.Membr", "--dry-run"]).await;
    assert!(near.err.contains("write dbo.Member"), "{}", near.err);
    let users = place.restore("New", &["--map-user", "portr=warden"]).await;
    assert!(users.err.contains("its users are: ghost, porter, steward"), "{}", users.err);
    assert!(!place.databases().await.contains(&"New".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_may_not_do_is_doubted_and_no_reason_to_refuse() {
    let place = Place::new().await;
    let options = ["--compatibility-level", "170", "--map-user", "porter=nobody", "--collation", "Klingon_100_CI_AS"];
    let (code, plan) = planned(&place, "Doubtful", &options).await;
    assert_eq!(code, 0, "{plan:#}");
    let doubts = texts(&plan["doubts"]).join("\n");
    for says in [
        "box does not seem to have the collation Klingon_100_CI_AS",
        "compatibility level 170 is beyond box (SQL Server 2019): the database gets 150",
        "user porter: login nobody (as mapped) is not to be seen on box",
    ] {
        assert!(doubts.contains(says), "{says}\n{doubts}");
    }
    // The package is of SQL Server 2019.
    let logins = vec![LoginOptions::administrator("operator", PASSWORD)];
    let old = SandboxOptions { product: Product::Sql2016, logins, ..SandboxOptions::default() };
    let old = Sandbox::start(old).await.unwrap();
    let place_of_old = Place::configured(&format!(
        "[servers.old]\nhost = \"127.0.0.1\"\nport = {}\nlogin = \"operator\"\npassword_env = \"BOX_PASSWORD\"\n\
         trust_certificate = true\n",
        old.address().port()
    ))
    .await;
    let to_old = ["restore", CLUB, "--to", "old", "--database", "Older", "--dry-run", "--json"];
    let plan: Value = serde_json::from_str(&place_of_old.pacrat(&to_old).await.out).unwrap();
    let doubts = texts(&plan["doubts"]).join("\n");
    for says in [
        "the package is of SQL Server 2019, and old is SQL Server 2016: what it does not know is refused, or left out",
        "compatibility level 140 is beyond old (SQL Server 2016): the database gets 130",
    ] {
        assert!(doubts.contains(says), "{says}\n{doubts}");
    }
    let (_, plan) = planned(&place, "Fine", &["--map-user", "porter=WARDEN"]).await;
    assert_eq!(texts(&plan["doubts"]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_says_what_is_restored_and_who_logs_in_and_flags_say_otherwise() {
    let section = "[restore]\ncontent = \"schema\"\ntables = [\"sales.Card\"]\ndependencies = false\n\
                   skip_missing = [\"foreign-keys\"]\n";
    let place = Place::configured(section).await;
    place.restored("Configured", &[]).await;
    assert_eq!(place.ask("Configured", TABLES).await, ["sales Card"]);
    assert_eq!(place.rows("Configured", "sales.Card").await, "0");
    place.restored("All", &["--everything"]).await;
    assert_eq!(place.ask("All", TABLES).await.len(), 3);
    assert_eq!(place.rows("All", "dbo.Visit").await, "10");
    place.restored("Other", &["--table", "dbo.Visit"]).await;
    assert_eq!(place.ask("Other", TABLES).await, ["dbo Member", "dbo Visit"], "with what it needs");

    // A user that is in no package is told, and refuses nothing: the map is for many packages.
    let place = Place::configured("[restore.map_users]\nporter = \"warden\"\nsomebody = \"operator\"\n").await;
    let said = place.restored("Mapped", &[]).await;
    assert_eq!(place.ask("Mapped", USERS).await, ["ghost -", "porter warden", "steward steward"]);
    assert!(said.contains("the package has no user somebody, whom the configuration gives a login"), "{said}");
    place.restored("AsInFile", &["--users", "as-in-file"]).await;
    assert_eq!(place.ask("AsInFile", USERS).await, ["ghost -", "porter -", "steward steward"]);
    place.restored("ByFlag", &["--map-user", "ghost=warden"]).await;
    assert_eq!(place.ask("ByFlag", USERS).await, ["ghost warden", "porter -", "steward steward"]);

    let wrong = Place::configured("[restore]\ninto_existing = \"Live\"\ncompatibility_level = 155\n").await;
    let ran = wrong.restore("X", &["--dry-run"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    for says in ["an existing database's name is typed for each restore", "155 is not a compatibility level"] {
        assert!(ran.err.contains(says), "{says}: {}", ran.err);
    }
    let ran = Place::new().await.restore("X", &["--compatibility-level", "155"]).await;
    assert!(ran.code == 2 && ran.err.contains("155 is not a compatibility level: 90 to 170, in tens"), "{ran:?}");
}
