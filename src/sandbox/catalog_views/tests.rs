//! The views against the documented columns and captured rows.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::sandbox::ddl::exec::tests::Bench;

fn text(v: &Value) -> String {
    match v {
        Value::NChar(b) => {
            String::from_utf16(&b.chunks_exact(2).map(|p| u16::from_le_bytes([p[0], p[1]])).collect::<Vec<_>>())
                .unwrap()
        }
        Value::Char(b) => String::from_utf8(b.to_vec()).unwrap(),
        Value::Null => "NULL".into(),
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::TinyInt(n) => n.to_string(),
        Value::SmallInt(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::Variant(v) => text(&v.value),
        other => format!("{other:?}"),
    }
}

/// Rows of a view as text, the columns named.
fn ask(b: &Bench, view: &str, columns: &[&str]) -> Vec<String> {
    let server = b.catalogue.snapshot();
    let database = b.db();
    let (schema, name) = view.split_once('.').unwrap();
    let view = find(schema, name, server.product).unwrap();
    let all = view.columns(server.product);
    let wanted: Vec<usize> = columns.iter().map(|c| all.iter().position(|a| a.name == *c).unwrap()).collect();
    let source = Source { server: &server, database: &database, login: &b.who.login, rows: &|_, _| 7, sessions: &[] };
    let mut out = vec![];
    scan(view, &source, &wanted, None, &mut |row| {
        out.push(row.iter().map(text).collect::<Vec<_>>().join("|"));
        true
    });
    out
}

#[test]
fn every_view_has_exactly_the_documented_columns_of_its_version() {
    let root = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(json) = std::fs::read_to_string(root.join("catalog/sys-views.json")) else {
        return crate::sandbox::ddl::skipped("every_view_has_exactly_the_documented_columns_of_its_version");
    };
    let known: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut compared = 0;
    for (full, facts) in known.as_object().unwrap() {
        let (schema, name) = full.split_once('.').unwrap();
        let on_box = find(schema, name, Product::Sql2025).is_some();
        let on_azure = find(schema, name, Product::Azure).is_some();
        assert!(on_box || on_azure, "{full} is missing");
        let columns = facts["columns"].as_array().unwrap();
        if on_box {
            let documented: Vec<&str> = columns.iter().map(|c| c["name"].as_str().unwrap()).collect();
            let ours: Vec<&str> = find(schema, name, Product::Sql2025)
                .unwrap()
                .columns(Product::Sql2025)
                .iter()
                .map(|c| c.name)
                .collect();
            assert_eq!(ours, documented, "{full}");
        }
        if let (Some(count), Some(view)) = (facts["column_count_2022"].as_u64(), find(schema, name, Product::Sql2022)) {
            assert_eq!(view.columns(Product::Sql2022).len() as u64, count, "{full} in 2022");
            compared += 1;
        }
        if let Some(view) = find(schema, name, Product::Sql2025) {
            for (ours, theirs) in view.columns(Product::Sql2025).iter().zip(columns) {
                assert_eq!(ours.ty, theirs["type"].as_str().unwrap(), "{full}.{}", ours.name);
                if let Some(nullable) = theirs["nullable"].as_bool() {
                    assert_eq!(ours.nullable, nullable, "{full}.{}", ours.name);
                }
            }
        }
    }
    assert!(compared > 70, "{compared}");
    assert!(find("sys", "periods", Product::Sql2014).is_none() && find("sys", "periods", Product::Sql2016).is_some());
}

#[test]
fn every_view_answers_every_column_without_a_null_where_none_may_be() {
    for product in [Product::Sql2012, Product::Sql2019, Product::Sql2025, Product::Azure] {
        let mut b = Bench::new();
        b.ok("CREATE TYPE dbo.tt AS TABLE (a int NOT NULL PRIMARY KEY, b int CHECK (b > 0) DEFAULT 1); CREATE TABLE t(id int IDENTITY PRIMARY KEY, a nvarchar(10) DEFAULT 'x' CHECK (a > ''), c AS (id * 2), p int REFERENCES t(id)); CREATE SEQUENCE s; CREATE SYNONYM y FOR t; CREATE STATISTICS st ON t(a); CREATE XML SCHEMA COLLECTION x AS '<a/>'; CREATE ROLE r; GRANT SELECT ON t TO r");
        b.ok("CREATE VIEW v AS SELECT 1 AS a");
        b.ok("CREATE PROCEDURE p @a int AS SELECT 1 FROM t");
        b.ok("CREATE TRIGGER tr ON t AFTER INSERT AS RETURN");
        b.catalogue
            .change(|server| {
                server.product = product;
                Ok::<(), ()>(())
            })
            .unwrap();
        let server = b.catalogue.snapshot();
        let database = b.db();
        let sessions = [SessionFacts {
            session_id: 51,
            login: "sa".into(),
            host: "h".into(),
            application: "a".into(),
            client_pid: 1,
            library: "l".into(),
            database_id: 5,
            since: Stamp(0),
            running: true,
            command: "SELECT".into(),
            isolation: 2,
            open_transactions: 0,
        }];
        let source = Source { server: &server, database: &database, login: "sa", rows: &|_, _| 3, sessions: &sessions };
        for view in all(product) {
            let columns = view.columns(product);
            let types = view.result_columns(product, &database);
            let wanted: Vec<usize> = (0..columns.len()).collect();
            scan(view, &source, &wanted, None, &mut |row| {
                for ((value, column), ty) in row.iter().zip(&columns).zip(&types) {
                    assert!(
                        column.nullable || !matches!(value, Value::Null) || ty.ty.base == Base::Variant,
                        "{}.{} is NULL in {product:?}",
                        view.name,
                        column.name
                    );
                    let fits = matches!(
                        (value, ty.ty.base),
                        (Value::Null, _)
                            | (Value::NChar(_), Base::NVarChar)
                            | (Value::Char(_), Base::Char | Base::VarChar)
                            | (Value::Int(_), Base::Int)
                            | (Value::Bit(_), Base::Bit)
                            | (Value::BigInt(_), Base::BigInt)
                            | (Value::SmallInt(_), Base::SmallInt)
                            | (Value::TinyInt(_), Base::TinyInt)
                            | (Value::DateTime { .. }, Base::DateTime)
                            | (Value::Guid(_), Base::UniqueIdentifier)
                            | (Value::Binary(_), Base::Binary | Base::VarBinary)
                            | (Value::Variant(_), Base::Variant)
                            | (Value::Decimal { .. }, Base::Decimal | Base::Numeric)
                            | (Value::Float(_), Base::Float)
                            | (Value::Real(_), Base::Real)
                    );
                    assert!(fits, "{}.{}: {value:?} is no {}", view.name, column.name, column.ty);
                }
                true
            });
        }
    }
}

#[test]
fn facts_34_to_42_the_captured_catalogue_comes_back() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE dbo.catalog_parent(a INT NOT NULL,b INT NOT NULL,label NVARCHAR(40),CONSTRAINT PK_catalog_parent PRIMARY KEY(a,b),CONSTRAINT UQ_catalog_parent_label UNIQUE(label));\nCREATE TABLE dbo.catalog_child(a INT NOT NULL,b INT NOT NULL,state BIT CONSTRAINT DF_catalog_child_state DEFAULT(1),doubled AS(a*2) PERSISTED,CONSTRAINT PK_catalog_child PRIMARY KEY(a,b),CONSTRAINT FK_catalog_child_parent FOREIGN KEY(a,b) REFERENCES dbo.catalog_parent(a,b) ON DELETE CASCADE ON UPDATE CASCADE,CONSTRAINT CK_catalog_child_a CHECK(a>0)); CREATE INDEX IX_catalog_parent_label ON dbo.catalog_parent(label)");
    b.ok("CREATE VIEW dbo.catalog_view AS SELECT a,b,label FROM dbo.catalog_parent");
    b.ok("CREATE PROCEDURE dbo.catalog_proc AS SELECT a,b FROM dbo.catalog_parent");
    b.ok("CREATE TRIGGER dbo.catalog_trigger ON dbo.catalog_child AFTER INSERT AS BEGIN SET NOCOUNT ON; END");
    let kinds: BTreeSet<String> = ask(&b, "sys.objects", &["name", "type", "type_desc"]).into_iter().collect();
    for row in [
        "CK_catalog_child_a|C |CHECK_CONSTRAINT",
        "DF_catalog_child_state|D |DEFAULT_CONSTRAINT",
        "FK_catalog_child_parent|F |FOREIGN_KEY_CONSTRAINT",
        "PK_catalog_child|PK|PRIMARY_KEY_CONSTRAINT",
        "UQ_catalog_parent_label|UQ|UNIQUE_CONSTRAINT",
        "catalog_trigger|TR|SQL_TRIGGER",
        "catalog_proc|P |SQL_STORED_PROCEDURE",
    ] {
        assert!(kinds.contains(row), "{row} is not in {kinds:#?}");
    }
    let keys: BTreeSet<String> =
        ask(&b, "sys.key_constraints", &["name", "type", "unique_index_id", "is_system_named"]).into_iter().collect();
    assert_eq!(
        keys,
        ["PK_catalog_child|PK|1|0", "PK_catalog_parent|PK|1|0", "UQ_catalog_parent_label|UQ|2|0"]
            .map(String::from)
            .into_iter()
            .collect()
    );
    assert_eq!(
        ask(
            &b,
            "sys.foreign_keys",
            &[
                "name",
                "key_index_id",
                "is_disabled",
                "is_not_for_replication",
                "is_not_trusted",
                "delete_referential_action",
                "delete_referential_action_desc",
                "update_referential_action_desc",
                "is_system_named"
            ]
        ),
        ["FK_catalog_child_parent|1|0|0|0|1|CASCADE|CASCADE|0"]
    );
    assert_eq!(
        ask(&b, "sys.default_constraints", &["name", "parent_column_id", "definition", "is_system_named"]),
        ["DF_catalog_child_state|3|((1))|0"]
    );
    assert_eq!(
        ask(
            &b,
            "sys.check_constraints",
            &["name", "parent_column_id", "definition", "is_disabled", "is_not_trusted", "uses_database_collation"]
        ),
        ["CK_catalog_child_a|1|([a]>(0))|0|0|1"]
    );
    assert_eq!(
        ask(
            &b,
            "sys.computed_columns",
            &[
                "name",
                "column_id",
                "system_type_id",
                "max_length",
                "precision",
                "is_nullable",
                "definition",
                "is_persisted"
            ]
        ),
        ["doubled|4|56|4|10|1|([a]*(2))|1"]
    );
    assert_eq!(
        ask(
            &b,
            "sys.sql_modules",
            &[
                "definition",
                "uses_ansi_nulls",
                "uses_quoted_identifier",
                "is_schema_bound",
                "uses_database_collation",
                "is_recompiled",
                "null_on_null_input",
                "execute_as_principal_id",
                "uses_native_compilation"
            ]
        )
        .into_iter()
        .find(|r| r.contains("PROCEDURE"))
        .unwrap(),
        "CREATE PROCEDURE dbo.catalog_proc AS SELECT a,b FROM dbo.catalog_parent|1|1|0|0|0|0|NULL|0"
    );
    assert_eq!(
        ask(
            &b,
            "sys.database_files",
            &["file_id", "type_desc", "data_space_id", "name", "state_desc", "max_size", "growth"]
        ),
        ["1|ROWS|1|gaps_constraints|ONLINE|-1|8192", "2|LOG|0|gaps_constraints_log|ONLINE|268435456|8192"],
        "fact 49"
    );
}

#[test]
fn facts_40_41_index_rows() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE events (id int NOT NULL, kind int NULL, seen datetime2 NULL, payload nvarchar(400) NULL); CREATE UNIQUE INDEX ux_events_kind ON events(kind DESC, id) INCLUDE (payload); CREATE INDEX fx_events_seen ON events(seen) WHERE seen IS NOT NULL AND kind > 5");
    assert_eq!(
        ask(
            &b,
            "sys.indexes",
            &["name", "index_id", "type", "type_desc", "is_unique", "has_filter", "filter_definition"]
        ),
        [
            "NULL|0|0|HEAP|0|0|NULL",
            "ux_events_kind|2|2|NONCLUSTERED|1|0|NULL",
            "fx_events_seen|3|2|NONCLUSTERED|0|1|([seen] IS NOT NULL AND [kind]>(5))"
        ]
    );
    assert_eq!(
        ask(
            &b,
            "sys.index_columns",
            &["index_id", "index_column_id", "column_id", "key_ordinal", "is_descending_key", "is_included_column"]
        ),
        ["2|1|2|1|1|0", "2|2|1|2|0|0", "2|3|4|0|0|1", "3|1|3|1|0|0"]
    );
    assert_eq!(ask(&b, "sys.partitions", &["index_id", "rows"]), ["0|7", "2|7", "3|7"]);
}

#[test]
fn fact_42_rowversion_and_fact_44_identities() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE t(id numeric(10,0) IDENTITY(5, 5), v rowversion)");
    assert_eq!(
        ask(&b, "sys.columns", &["name", "system_type_id", "user_type_id", "max_length", "is_nullable"]),
        ["id|108|108|9|0", "v|189|189|8|0"]
    );
    let row = ask(&b, "sys.identity_columns", &["name", "last_value"]);
    assert_eq!(row, ["id|NULL"]);
}

#[test]
fn fact_63_master_allows_snapshots() {
    let b = Bench::new();
    let rows = ask(&b, "sys.databases", &["name", "snapshot_isolation_state", "snapshot_isolation_state_desc"]);
    assert!(
        rows.contains(&"master|1|ON".to_string()) && rows.contains(&"gaps_constraints|0|OFF".to_string()),
        "{rows:?}"
    );
}

#[test]
fn a_login_without_rights_sees_nothing() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE secret(a int); CREATE LOGIN nobody WITH PASSWORD = 'x'; CREATE USER nobody FOR LOGIN nobody");
    assert_eq!(ask(&b, "sys.tables", &["name"]), ["secret"]);
    b.who.login = "nobody".into();
    assert!(ask(&b, "sys.tables", &["name"]).is_empty() && ask(&b, "sys.columns", &["name"]).is_empty());
    assert_eq!(ask(&b, "sys.sql_logins", &["name"]), ["sa", "nobody"]);
}

#[test]
fn twenty_thousand_tables_are_listed_quickly() {
    let mut b = Bench::new();
    for n in 0..2_000 {
        b.ok(&format!(
            "CREATE TABLE t{n}(a int NOT NULL PRIMARY KEY, b int, c int, d int, e nvarchar(10) DEFAULT 'x')"
        ));
    }
    let started = std::time::Instant::now();
    for view in ["sys.objects", "sys.columns", "sys.indexes", "sys.index_columns", "sys.default_constraints"] {
        assert!(ask(&b, view, &["object_id"]).len() >= 2_000);
    }
    // A tenth of the promise, in an unoptimised build.
    assert!(started.elapsed().as_secs() < 5, "took {:?}", started.elapsed());
}
