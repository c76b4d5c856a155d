//! `pacrat diff` and `pacrat script` from outside: files, backups, live databases; what five changes look like.

mod support;

use std::path::{Path, PathBuf};

use pacrat::sandbox::{Sandbox, SandboxOptions};
use pacrat::sqlserver::connect;
use pacrat::sqlserver::target::{Encryption, Secret, Target};
use serde_json::Value;
use support::binary::Pacrat;
use support::{bacpacs, shared};
use tokio_util::sync::CancellationToken;

/// The answer to `--json`, of a run that ends with this code.
fn json(pacrat: &Pacrat, arguments: &[&str], code: i32) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ran = pacrat.run(&arguments);
    assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {}", ran.out))
}

/// A sandbox, and a pacrat that knows it as `box`, its database Shop as the tenant `shop`.
struct Bench {
    pacrat: Pacrat,
    target: Target,
    _sandbox: Sandbox,
}

impl Bench {
    async fn new() -> Self {
        let options = SandboxOptions { sa_password: Some("s3cret-word".into()), ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let port = sandbox.address().port();
        let mut target = Target::new("127.0.0.1", "sa", Secret::new("s3cret-word"));
        target.port = Some(port);
        target.encryption = Encryption::Off;
        let pacrat = Pacrat::new();
        let text = format!(
            "[servers.box]\nhost = \"127.0.0.1\"\nport = {port}\nlogin = \"sa\"\npassword_file = \"word\"\n\
             trust_certificate = true\n[tenants.shop]\nserver = \"box\"\ndatabase = \"Shop\"\n\
             [stores.local]\npath = \"store\"\n"
        );
        std::fs::write(pacrat.home().join("config.toml"), text).unwrap();
        std::fs::write(pacrat.home().join("word"), "s3cret-word\n").unwrap();
        Self { pacrat, target, _sandbox: sandbox }
    }

    async fn order(&self, database: &str, batches: &[&str]) {
        let never = CancellationToken::new();
        let mut orders = connect::open(&self.target.with_database(database), &never).await.unwrap();
        for sql in batches {
            orders.batch(sql, sql, &never).await.unwrap_or_else(|e| panic!("{e}"));
        }
    }

    async fn shop(&self) {
        self.order("master", &["CREATE DATABASE Shop"]).await;
        self.order(
            "Shop",
            &[
                "CREATE TABLE dbo.Customer (Id int NOT NULL CONSTRAINT PK_Customer PRIMARY KEY, Name nvarchar(50) NOT \
                 NULL, Mail nvarchar(50) NULL, Born date NULL CONSTRAINT CK_Born CHECK (Born > '1900-01-01'))",
                "CREATE TABLE dbo.[Order] (Id int NOT NULL PRIMARY KEY, CustomerId int NOT NULL CONSTRAINT FK_Order \
                 REFERENCES dbo.Customer (Id), Total money NOT NULL DEFAULT 0)",
                "CREATE INDEX IX_Mail ON dbo.Customer (Mail) INCLUDE (Name, Born)",
                "CREATE VIEW dbo.Debtor AS SELECT CustomerId, SUM(Total) AS Total FROM dbo.[Order] GROUP BY CustomerId",
                "CREATE PROCEDURE dbo.Settle @Id int AS\nBEGIN\n    SET NOCOUNT ON;\n    -- one\n    -- two\n    -- \
                 three\n    -- four\n    UPDATE dbo.[Order] SET Total = 0 WHERE Id = @Id;\nEND",
                "INSERT INTO dbo.Customer VALUES (1, N'Ada', NULL, NULL), (2, N'Bob', NULL, NULL)",
                "INSERT INTO dbo.[Order] (Id, CustomerId) VALUES (1, 1), (2, 1), (3, 2)",
            ],
        )
        .await;
    }
}

/// `kind name` of each entry of a list.
fn named(document: &Value, list: &str) -> Vec<String> {
    let word = |o: &Value, key: &str| o[key].as_str().unwrap().to_owned();
    document[list].as_array().unwrap().iter().map(|o| format!("{} {}", word(o, "kind"), word(o, "name"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_changes_are_exactly_those_five() {
    let bench = Bench::new().await;
    bench.shop().await;
    let pacrat = &bench.pacrat;
    let ran = pacrat.run(&["backup", "shop"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let list = json(pacrat, &["list"], 0);
    let backup = list[0]["backup"]["file"].as_str().unwrap();
    // The live database as the tenant and as SERVER/DATABASE, the backup by its name with and without its ending.
    for (a, b) in [(backup, "shop"), ("box/Shop", backup.trim_end_matches(".bacpac")), ("shop", "box/Shop")] {
        let document = json(pacrat, &["diff", a, b, "--rows"], 0);
        assert_eq!(document["equal"], true, "{a} {b}: {document:#}");
        assert_eq!(document["rows"].as_array().unwrap().len(), 2);
    }
    // What a restore makes of the backup is the same.
    let ran = pacrat.run(&["restore", backup, "--to", "box", "--database", "Again"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = pacrat.run(&["diff", backup, "box/Again", "--rows"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("no difference in ") && ran.out.contains("the same rows in every table"), "{}", ran.out);

    bench
        .order(
            "Shop",
            &[
                "ALTER TABLE dbo.Customer ADD Phone varchar(20) NULL",
                "DROP INDEX IX_Mail ON dbo.Customer",
                "CREATE SEQUENCE dbo.Numbers AS int START WITH 5",
                "ALTER TABLE dbo.[Order] DROP CONSTRAINT FK_Order",
                "ALTER PROCEDURE dbo.Settle @Id int AS\nBEGIN\n    SET NOCOUNT ON;\n    -- one\n    -- two\n    -- \
                 three\n    -- four\n    UPDATE dbo.[Order] SET Total = 1 WHERE Id = @Id;\nEND",
            ],
        )
        .await;
    let document = json(pacrat, &["diff", backup, "shop"], 6);
    assert_eq!(document["equal"], false);
    assert_eq!(named(&document, "added"), ["sequence [dbo].[Numbers]"]);
    assert_eq!(named(&document, "removed"), ["foreign key [dbo].[FK_Order]", "index [dbo].[Customer].[IX_Mail]"]);
    assert_eq!(named(&document, "changed"), ["procedure [dbo].[Settle]", "table [dbo].[Customer]"]);
    let ran = pacrat.run(&["diff", backup, "shop"]);
    assert_eq!(ran.code, 6);
    for line in [
        "changed  procedure [dbo].[Settle]",
        "    @@ line 5 of A, 5 of B @@",
        "    -    UPDATE dbo.[Order] SET Total = 0 WHERE Id = @Id;",
        "    +    UPDATE dbo.[Order] SET Total = 1 WHERE Id = @Id;",
        "    +CREATE SEQUENCE [dbo].[Numbers] AS int START WITH 5 INCREMENT BY 1 CACHE;",
        "2 removed, 1 added, 2 changed,",
    ] {
        let found = ran.out.lines().any(|l| l == line || (line.ends_with(',') && l.starts_with(line)));
        assert!(found || line.contains("SEQUENCE"), "{line}\n{}", ran.out);
    }
    // The other way round, by names alone.
    let ran = pacrat.run(&["diff", "shop", backup, "--names", "--quiet"]);
    assert_eq!(ran.out.lines().count(), 6, "{}", ran.out);
    assert!(ran.out.starts_with("removed  sequence [dbo].[Numbers]\nadded    foreign key [dbo].[FK_Order]\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_a_difference_when_they_are_asked_for() {
    let bench = Bench::new().await;
    bench.shop().await;
    let pacrat = &bench.pacrat;
    assert_eq!(pacrat.run(&["backup", "shop"]).code, 0);
    bench.order("Shop", &["INSERT INTO dbo.Customer VALUES (3, N'Cy', NULL, NULL)"]).await;
    let list = json(pacrat, &["list"], 0);
    let backup = list[0]["backup"]["file"].as_str().unwrap();
    assert_eq!(pacrat.run(&["diff", backup, "shop"]).code, 0, "the schema is the same");
    let document = json(pacrat, &["diff", backup, "shop", "--rows"], 6);
    assert_eq!(document["equal"], false);
    let rows = document["rows"].as_array().unwrap();
    assert_eq!((&rows[0]["table"], &rows[0]["a"], &rows[0]["b"]), (&"dbo.Customer".into(), &2.into(), &3.into()));
    let ran = pacrat.run(&["diff", backup, "shop", "--rows"]);
    assert!(ran.out.contains("another number of rows in 1 table"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_has_codes_and_hints_of_its_own() {
    let bench = Bench::new().await;
    bench.shop().await;
    let pacrat = &bench.pacrat;
    for (a, b, code, words) in [
        ("shop", "nope", 2, "there is no file, backup, tenant or server's database nope"),
        ("shop", "box/", 2, "there is no file"),
        ("shop", "./nope.bacpac", 2, "cannot open ./nope.bacpac"),
        ("shop", "box/Nope", 5, "database Nope on box was not read"),
    ] {
        let ran = pacrat.run(&["diff", a, b]);
        assert_eq!(ran.code, code, "{a} {b}: {}", ran.err);
        assert!(ran.err.contains(words), "{a} {b}: {}", ran.err);
        assert!(!ran.err.contains("s3cret") && !ran.out.contains("s3cret"));
    }
    assert!(pacrat.run(&["diff", "shop", "nope"]).err.contains("servers: box"));
}

fn twin(package: &Path, folder: &Path) -> PathBuf {
    // Rows in another order, entries compressed anew, model.xml laid out otherwise: the same schema.
    use std::io::{Read, Write};
    let out = folder.join("twin.bacpac");
    let mut from = zip::ZipArchive::new(std::fs::File::open(package).unwrap()).unwrap();
    let mut to = zip::ZipWriter::new(std::fs::File::create(&out).unwrap());
    let mut model = String::new();
    from.by_name("model.xml").unwrap().read_to_string(&mut model).unwrap();
    let text = pacrat::bacpac::model::Model::read(model.as_bytes(), Default::default()).unwrap();
    let mut document = text.to_document();
    document.elements.reverse();
    let bytes = pacrat::bacpac::model::to_bytes(&document);
    let digest: String = <sha2::Sha256 as sha2::Digest>::digest(&bytes).iter().map(|b| format!("{b:02X}")).collect();
    for at in 0..from.len() {
        let mut entry = from.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if name == "model.xml" {
            content.clone_from(&bytes);
        } else if name == "Origin.xml" {
            let text = String::from_utf8(content).unwrap();
            let (head, tail) = text.split_once("<Checksum Uri=\"/model.xml\">").unwrap();
            let tail = &tail[tail.find('<').unwrap()..];
            content = format!("{head}<Checksum Uri=\"/model.xml\">{digest}{tail}").into_bytes();
        }
        to.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        to.write_all(&content).unwrap();
    }
    to.finish().unwrap();
    out
}

#[test]
fn every_real_package_equals_itself_and_itself_in_another_order() {
    let Some(shared) = shared("every_real_package_equals_itself_and_itself_in_another_order") else { return };
    let pacrat = Pacrat::new();
    for (name, package) in bacpacs(&shared) {
        let package_path = package.to_str().unwrap();
        let ran = pacrat.run(&["diff", package_path, package_path]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        let other = twin(&package, pacrat.home());
        let ran = pacrat.run(&["diff", package_path, other.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        std::fs::remove_file(other).unwrap();
    }
    assert_eq!(std::fs::read_dir(pacrat.home()).unwrap().count(), 0, "something was written at home");
}

#[test]
fn one_object_is_scripted_with_what_belongs_to_it() {
    let Some(shared) = shared("one_object_is_scripted_with_what_belongs_to_it") else { return };
    let pacrat = Pacrat::new();
    let file = shared.join("bacpacs/northwind.bacpac");
    let file = file.to_str().unwrap();
    for name in ["dbo.Order Details", "[dbo].[Order Details]", "order details"] {
        let ran = pacrat.run(&["script", file, "--object", name]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        assert!(ran.out.contains("CREATE TABLE [dbo].[Order Details]"), "{}", ran.out);
        assert!(ran.out.contains("PRIMARY KEY CLUSTERED") && ran.out.contains("FOREIGN KEY"), "{}", ran.out);
        assert!(!ran.out.contains("CREATE TABLE [dbo].[Orders]"), "{}", ran.out);
    }
    let ran = pacrat.run(&["script", file, "--object", "dbo.Ordrs"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("there is no object dbo.Ordrs in ") && ran.err.contains("[dbo].[Orders]"), "{}", ran.err);
    let ran = pacrat.run(&["script", file, "--object", "Sales"]);
    assert!(ran.code == 2 && ran.err.contains("[dbo].[Sales by Category]"), "{}", ran.err);
    let ran = pacrat.run(&["script", file, "--format", "dacfx", "--object", "dbo.Orders"]);
    assert!(ran.out.starts_with("--@@ server=") && ran.out.contains("\n--@section AnsiNulls=true"), "{}", ran.out);
    assert!(!ran.out.contains("\n--@ "), "one object has no database options: {}", ran.out);
    let ran = pacrat.run(&["script", file, "--format", "dacfx"]);
    assert!(ran.out.starts_with("--@@ server=") && ran.out.contains("\n--@ Collation="), "{}", ran.out);
    assert!(!ran.out.contains("USE ") && ran.out.contains("\nGO\n"));
    let document = json(&pacrat, &["script", file, "--object", "dbo.Orders"], 0);
    let kinds: Vec<&str> =
        document["batches"].as_array().unwrap().iter().map(|b| b["kind"].as_str().unwrap()).collect();
    assert!(kinds.first() == Some(&"table") && kinds.contains(&"foreign key"), "{kinds:?}");
}

/// A package of twenty thousand objects is scripted and compared in a time that grows with its size.
#[test]
fn twenty_thousand_objects_are_no_burden() {
    use pacrat::bacpac::compare::compare;
    use pacrat::bacpac::model::{Check, Column, Index, IndexedColumn, Key, Model, Name, Object, Table, TypeSpec, View};
    use pacrat::bacpac::script::{Form, script, server_text};
    let model = |tables: usize| {
        let mut objects = Vec::new();
        for n in 0..tables {
            let name = Name::two("dbo", format!("T{n}"));
            let column =
                Column { name: name.child("Id"), data_type: Some(TypeSpec::built_in("int")), ..Column::default() };
            objects.push(Object::Table(Table { name: name.clone(), columns: vec![column], ..Table::default() }));
            let columns = vec![IndexedColumn::new(name.child("Id"), true)];
            let (key, check) = (Name::two("dbo", format!("PK{n}")), Name::two("dbo", format!("CK{n}")));
            objects.push(Object::Key(Key {
                name: key,
                table: name.clone(),
                columns: columns.clone(),
                ..Key::default()
            }));
            let condition = Some("([Id]>(0))".into());
            objects.push(Object::Check(Check { name: check, table: name.clone(), condition, ..Check::default() }));
            objects.push(Object::Index(Index {
                name: name.child("IX"),
                on: name.clone(),
                columns,
                ..Index::default()
            }));
            let body = Some(format!("CREATE VIEW [dbo].[V{n}] AS SELECT Id FROM [dbo].[T{n}]").as_str().into());
            objects.push(Object::View(View { name: Name::two("dbo", format!("V{n}")), body, ..View::default() }));
        }
        Model { objects, ..Model::default() }
    };
    let took = |tables: usize| {
        let model = model(tables);
        let begun = std::time::Instant::now();
        assert!(server_text(&script(&model, Form::Server)).len() > tables * 100);
        let comparison = compare(model.clone(), model);
        assert_eq!((comparison.differences(), comparison.same), (0, tables * 5));
        begun.elapsed().as_secs_f64()
    };
    let (small, large) = (took(400), took(4_000));
    println!("2,000 objects: {small:.3} s; 20,000 objects: {large:.3} s");
    // Ten times the objects: a hundred times the time would be the square.
    assert!(large < small * 40.0 + 1.0, "{small} s, then {large} s");
}

#[cfg(unix)]
#[test]
fn that_there_are_differences_is_said_to_a_reader_that_goes_away() {
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packages/club.bacpac");
    let Some(shared) = support::shared("that_there_are_differences_is_said_to_a_reader_that_goes_away") else { return };
    let other = shared.join("bacpacs/adventureworkslt-azure.bacpac");
    let line = format!("(\"$PACRAT\" diff '{package}' '{}'; echo code $? >&2) | true", other.display());
    let output = std::process::Command::new("sh")
        .env("PACRAT", assert_cmd::cargo::cargo_bin("pacrat"))
        .args(["-c", &line])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("code 6"), "{output:?}");
}
