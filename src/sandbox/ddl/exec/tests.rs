//! Definition statements from outside: scripts and their answers, most of them as captured from real servers.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::*;
use crate::sandbox::ddl::hooks::{BuildError, Fill, NoRows};
use crate::sandbox::ddl::parse::parse;
use crate::sandbox::meta::object::OutputColumn;
use crate::sandbox::meta::{Check, ForeignKey, Index, Module, Product, Table};
use crate::sandbox::value::SqlType;

/// A session over a catalogue without rows; what rows would say is scripted.
pub(crate) struct Bench {
    pub(crate) catalogue: Catalogue,
    pub(crate) who: Who,
    pub(crate) rows: Rows,
    undo: Vec<Undo>,
}

/// What rows would say.
#[derive(Default)]
pub(crate) struct Rows {
    violated: HashSet<String>,
    duplicates: HashMap<String, String>,
    count: u64,
    others: usize,
    fills: Vec<Fill>,
}

impl Hooks for Rows {
    fn database_created(&mut self, _: &Database) -> DdlResult<()> {
        Ok(())
    }
    fn database_dropped(&mut self, _: i32) -> DdlResult<()> {
        Ok(())
    }
    fn table_dropped(&mut self, _: &Database, _: &Object) -> DdlResult<()> {
        Ok(())
    }
    fn row_count(&mut self, _: &Database, _: &Object) -> DdlResult<u64> {
        Ok(self.count)
    }
    fn table_altered(&mut self, _: &Database, _: &Object, _: &Object, fills: &[Fill]) -> DdlResult<()> {
        self.fills = fills.to_vec();
        Ok(())
    }
    fn index_created(&mut self, _: &Database, _: &Object, index: &Index) -> Result<(), BuildError> {
        self.duplicates.get(&index.name).map_or(Ok(()), |key| Err(BuildError::Duplicate(key.clone())))
    }
    fn index_dropped(&mut self, _: &Database, _: &Object, _: &Index) -> DdlResult<()> {
        Ok(())
    }
    fn check_holds(&mut self, _: &Database, _: &Object, check: &Check) -> DdlResult<bool> {
        Ok(!self.violated.contains(&check.head.name))
    }
    fn foreign_key_holds(&mut self, _: &Database, _: &Object, key: &ForeignKey, _: &Object) -> DdlResult<bool> {
        Ok(!self.violated.contains(&key.head.name))
    }
    fn has_null(&mut self, _: &Database, _: &Object, _: i32) -> DdlResult<bool> {
        Ok(self.count > 0)
    }
    fn furthest_identity(&mut self, _: &Database, _: &Object) -> DdlResult<Option<i128>> {
        Ok(None)
    }
    fn expression_type(&mut self, db: &Database, table: &Table, definition: &str) -> DdlResult<(SqlType, bool)> {
        NoRows.expression_type(db, table, definition)
    }
    fn module_columns(&mut self, _: &Database, _: i32, _: &Module, _: &str) -> DdlResult<Vec<OutputColumn>> {
        Ok(vec![])
    }
    fn other_sessions(&mut self, _: i32) -> usize {
        self.others
    }
    fn end_other_sessions(&mut self, _: i32) {
        self.others = 0;
    }
}

impl Bench {
    /// A session of sa in a database of its own.
    pub(crate) fn new() -> Bench {
        let server = Server::new("S", Product::Sql2022, crate::sandbox::collation::DEFAULT, "x");
        let mut bench = Bench {
            catalogue: Catalogue::new(server),
            who: Who::new("sa", 51, 1),
            rows: Rows::default(),
            undo: vec![],
        };
        bench.ok("CREATE DATABASE gaps_constraints");
        bench.who.database_id = 5;
        bench
    }

    /// Runs the definition statements of a batch; stops at the first error, as a batch does for most.
    pub(crate) fn run(&mut self, sql: &str) -> Result<Vec<Outcome>, DdlError> {
        let mut out = vec![];
        let mut at = 0;
        while at < sql.len() {
            let parsed = parse(sql, at, true)?.unwrap_or_else(|| panic!("not a definition: {}", &sql[at..]));
            let outcome = execute(&parsed.statement, &self.who, &self.catalogue, &mut self.rows)?;
            self.undo.extend(outcome.undo.iter().cloned());
            out.push(outcome);
            at = parsed.end;
            while sql[at..].starts_with([';', ' ', '\n', '\r']) {
                at += 1;
            }
        }
        Ok(out)
    }

    pub(crate) fn ok(&mut self, sql: &str) -> Vec<Outcome> {
        self.run(sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// (number, state, class) of the errors of a statement.
    fn errors(&mut self, sql: &str) -> Vec<(i32, u8, u8)> {
        match self.run(sql) {
            Ok(_) => vec![],
            Err(e) => e.messages.iter().map(|m| (m.number, m.state, m.class)).collect(),
        }
    }

    pub(crate) fn exec(&mut self, procedure: &str, arguments: &[(&str, &str)]) -> DdlResult<Outcome> {
        let arguments: Vec<procedures::Argument> = arguments
            .iter()
            .map(|(name, value)| procedures::Argument {
                name: Some(format!("@{name}")),
                value: Some(nchar(value)),
                code_page: 1252,
                ty: None,
            })
            .collect();
        procedures::execute(procedure, &arguments, &self.who, &self.catalogue, &mut self.rows)
    }

    pub(crate) fn db(&self) -> Arc<Database> {
        self.catalogue.snapshot().databases[&self.who.database_id].clone()
    }

    fn table(&self, name: &str) -> Table {
        self.db().find(1, name).unwrap_or_else(|| panic!("no {name}")).table().unwrap().clone()
    }
}

fn nchar(text: &str) -> crate::sandbox::value::Value {
    crate::sandbox::value::Value::NChar(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
}

fn shared(file: &str) -> Option<String> {
    let root = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    std::fs::read_to_string(root.join(file)).ok()
}

/// The captured definition statements of a real server, with the same numbers, states, classes and texts.
#[test]
fn facts_51_to_56_the_captured_constraint_errors_come_back() {
    let Some(text) = shared("sqlserver/reference/gaps-constraints.json") else {
        return crate::sandbox::ddl::skipped("facts_51_to_56_the_captured_constraint_errors_come_back");
    };
    let capture: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut compared = 0;
    let mut wrong = vec![];
    for group in capture["groups"].as_array().unwrap() {
        let mut bench = Bench::new();
        for step in group["steps"].as_array().unwrap() {
            let sql = step["sql"].as_str().unwrap();
            // Rows, queries and TRY belong to the engine; a statement among them is run for what it defines.
            let pieces: Vec<&str> = sql
                .split(';')
                .map(str::trim)
                .filter(|p| ["CREATE", "ALTER", "DROP"].iter().any(|w| p.starts_with(w)))
                .collect();
            if pieces.is_empty() || sql.starts_with("BEGIN") {
                continue;
            }
            let expected: Vec<(i64, i64, i64, String)> = step["result"]["errors"]
                .as_array()
                .map(|errors| {
                    errors
                        .iter()
                        .map(|e| {
                            let n = |k: &str| e[k].as_i64().unwrap();
                            (n("number"), n("state"), n("class"), e["message"].as_str().unwrap().to_string())
                        })
                        .collect()
                })
                .unwrap_or_default();
            // What the rows of the real server made of it.
            bench.rows.violated.clear();
            bench.rows.duplicates.clear();
            for (number, _, _, message) in &expected {
                match number {
                    547 => {
                        let name = message.split('"').nth(1).unwrap();
                        bench.rows.violated.insert(name.to_string());
                    }
                    1505 => {
                        let name = message.split('\'').nth(3).unwrap();
                        let key = message.rsplit("value is ").next().unwrap().trim_end_matches('.');
                        bench.rows.duplicates.insert(name.to_string(), key.to_string());
                    }
                    _ => {}
                }
            }
            let mut got = vec![];
            for piece in pieces {
                if let Err(e) = bench.run(piece) {
                    got.extend(
                        e.messages
                            .iter()
                            .map(|m| (i64::from(m.number), i64::from(m.state), i64::from(m.class), m.text.clone())),
                    );
                    break;
                }
            }
            compared += 1;
            if got != expected {
                wrong.push(format!("{sql}\n  expected {expected:?}\n  got      {got:?}"));
            }
        }
    }
    assert!(compared > 90, "only {compared}");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn facts_29_to_31_definitions_are_kept_normalised() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE t(a int NOT NULL DEFAULT 1, B int CHECK (b > 0), c AS (A*2), INDEX ix (a) WHERE B IS NOT NULL AND a > 5)");
    let t = b.table("t");
    assert_eq!(t.columns[0].default.as_ref().unwrap().definition, "((1))");
    assert_eq!(t.checks[0].definition, "([B]>(0))", "columns are spelled as in their table");
    assert_eq!(t.columns[2].computed.as_ref().unwrap().definition, "([a]*(2))");
    assert_eq!(t.indexes[0].filter.as_deref(), Some("([B] IS NOT NULL AND [a]>(5))"));
}

#[test]
fn fact_35_and_36_a_check_belongs_to_its_only_column_and_system_names_look_like_themselves() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE items(a int, b int, CONSTRAINT one CHECK (a > 0), CONSTRAINT two CHECK (a > b), CHECK (b > 1), PRIMARY KEY (a))");
    let t = b.table("items");
    assert_eq!((t.checks[0].parent_column_id, t.checks[1].parent_column_id), (1, 0));
    assert!(
        t.checks[2].head.system_named && t.checks[2].head.name.starts_with("CK__items__b__"),
        "{}",
        t.checks[2].head.name
    );
    let key = &t.keys[0].head.name;
    assert!(key.starts_with("PK__items__") && key.len() == "PK__items__".len() + 16, "{key}");
}

#[test]
fn fact_37_trust_is_lost_and_won() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE t(a int CONSTRAINT ck CHECK (a > 0))");
    let state = |b: &Bench| {
        let c = b.table("t").checks[0].clone();
        (c.disabled, c.not_trusted)
    };
    b.ok("ALTER TABLE t NOCHECK CONSTRAINT ALL");
    assert_eq!(state(&b), (true, true));
    b.ok("ALTER TABLE t CHECK CONSTRAINT ck");
    assert_eq!(state(&b), (false, true));
    b.rows.violated.insert("ck".into());
    assert_eq!(b.errors("ALTER TABLE t WITH CHECK CHECK CONSTRAINT ALL"), [(547, 0, 16)]);
    b.rows.violated.clear();
    assert_eq!(b.ok("ALTER TABLE t WITH CHECK CHECK CONSTRAINT ALL")[0].command, 216, "fact 17");
    assert_eq!(state(&b), (false, false));
    b.ok("ALTER TABLE t WITH NOCHECK ADD CONSTRAINT ck2 CHECK (a > 1)");
    assert_eq!((b.table("t").checks[1].disabled, b.table("t").checks[1].not_trusted), (false, true));
}

#[test]
fn fact_40_index_ids() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE people (id int NOT NULL CONSTRAINT pk_people PRIMARY KEY, email nvarchar(200) NULL CONSTRAINT uq_people_email UNIQUE, first nvarchar(50) NOT NULL, last nvarchar(50) NOT NULL, CONSTRAINT uq_people_name UNIQUE (last, first))");
    let ids: Vec<(String, i32)> = b.table("people").indexes.iter().map(|i| (i.name.clone(), i.index_id)).collect();
    assert_eq!(ids, [("pk_people".into(), 1), ("uq_people_name".into(), 2), ("uq_people_email".into(), 3)]);
    b.ok("CREATE TABLE orders (id int NOT NULL CONSTRAINT pk_orders PRIMARY KEY NONCLUSTERED, placed int NOT NULL, customer int NULL); CREATE CLUSTERED INDEX cx_orders ON orders(placed); CREATE INDEX ix_orders_customer ON orders(customer)");
    let ids: Vec<(String, i32)> = b.table("orders").indexes.iter().map(|i| (i.name.clone(), i.index_id)).collect();
    assert_eq!(ids, [("cx_orders".into(), 1), ("pk_orders".into(), 2), ("ix_orders_customer".into(), 3)]);
    b.ok("CREATE INDEX a4 ON orders(placed, customer); DROP INDEX ix_orders_customer ON orders; CREATE INDEX again ON orders(customer)");
    assert_eq!(b.table("orders").indexes.iter().find(|i| i.name == "again").unwrap().index_id, 3, "ids are reused");
    assert_eq!(b.errors("CREATE INDEX a4 ON orders(placed)"), [(1913, 1, 16)]);
    assert_eq!(b.errors("DROP INDEX pk_orders ON orders"), [(3723, 4, 16)]);
    assert_eq!(b.errors("DROP INDEX nope ON orders"), [(3701, 7, 11)]);
}

#[test]
fn fact_41_included_columns_follow_the_keys() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE events (id int NOT NULL, kind int NULL, seen datetime2 NULL, payload nvarchar(400) NULL); CREATE UNIQUE INDEX ux ON events(kind DESC, id) INCLUDE (payload)");
    let index = &b.table("events").indexes[0];
    assert_eq!(index.index_id, 2);
    let columns: Vec<(i32, bool, bool)> =
        index.columns.iter().map(|c| (c.column_id, c.descending, c.included)).collect();
    assert_eq!(columns, [(2, true, false), (1, false, false), (4, false, true)]);
}

#[test]
fn fact_58_what_old_rows_get_and_1945() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE t(id int NOT NULL PRIMARY KEY, s nvarchar(4000))");
    b.rows.count = 2;
    b.ok("ALTER TABLE t ADD a int NULL CONSTRAINT da DEFAULT (7)");
    assert_eq!(b.rows.fills, [Fill { column_id: 3, default: None }]);
    b.ok("ALTER TABLE t ADD b int NULL CONSTRAINT db DEFAULT (7) WITH VALUES");
    assert_eq!(b.rows.fills, [Fill { column_id: 4, default: Some("((7))".into()) }]);
    b.ok("ALTER TABLE t ADD c int NOT NULL CONSTRAINT dc DEFAULT (7)");
    assert_eq!(b.rows.fills, [Fill { column_id: 5, default: Some("((7))".into()) }]);
    assert_eq!(b.errors("ALTER TABLE t ADD d int NOT NULL"), [(4901, 1, 16)]);
    assert_eq!(b.errors("ALTER TABLE t ADD e int CONSTRAINT dc DEFAULT 1"), [(2714, 5, 16), (1750, 1, 16)]);
    let outcome = &b.ok("CREATE INDEX ix ON t(s)")[0];
    assert_eq!((outcome.command, outcome.messages[0].number, outcome.messages[0].class), (200, 1945, 0));
    assert!(outcome.messages[0].text.contains("maximum length of 8000 bytes"), "{}", outcome.messages[0].text);
}

#[test]
fn fact_32_module_texts_are_kept_as_sent() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE t(id int)");
    b.ok("CREATE PROCEDURE dbo.p AS SELECT 1 -- why");
    let text = |b: &Bench, name: &str| b.db().find(1, name).unwrap().module().unwrap().definition.clone().unwrap();
    assert_eq!(text(&b, "p"), "CREATE PROCEDURE dbo.p AS SELECT 1 -- why");
    b.exec("sp_rename", &[("objname", "dbo.p"), ("newname", "q")]).unwrap();
    assert_eq!(text(&b, "q"), "CREATE PROCEDURE dbo.p AS SELECT 1 -- why", "the old name stays in the text");
    b.ok("CREATE OR ALTER TRIGGER tr ON t AFTER INSERT AS RETURN");
    assert_eq!(text(&b, "tr"), "CREATE   TRIGGER tr ON t AFTER INSERT AS RETURN");
    b.ok("ALTER TRIGGER tr ON t AFTER UPDATE AS RETURN");
    assert_eq!(text(&b, "tr"), "CREATE TRIGGER tr ON t AFTER UPDATE AS RETURN");
    let m = b.db().find(1, "q").unwrap().module().unwrap().clone();
    assert!(m.uses_ansi_nulls && m.uses_quoted_identifier && !m.schema_bound && m.execute_as.is_none(), "fact 33");
    b.ok("CREATE VIEW v AS SELECT 1 AS a");
    for (sql, errors) in [
        ("CREATE TRIGGER x ON nosuch AFTER INSERT AS RETURN", (8197, 4, 16)),
        ("CREATE TRIGGER x ON v AFTER INSERT AS RETURN", (8197, 6, 16)),
        ("CREATE TRIGGER t ON t AFTER INSERT AS RETURN", (2714, 2, 16)),
        ("CREATE VIEW t AS SELECT 1 AS a", (2714, 3, 16)),
        ("ALTER TRIGGER nosuch ON t AFTER INSERT AS RETURN", (208, 6, 16)),
        ("DISABLE TRIGGER nosuch ON t", (1088, 119, 16)),
        ("DISABLE TRIGGER ALL ON nosuch", (1088, 21, 16)),
        ("ALTER TABLE t DISABLE TRIGGER nosuch", (4920, 0, 16)),
        ("DROP TRIGGER nosuch", (3701, 5, 11)),
    ] {
        assert_eq!(b.errors(sql), [errors], "{sql}");
    }
    b.ok("CREATE TRIGGER io ON v INSTEAD OF INSERT AS RETURN");
    assert_eq!(b.errors("CREATE TRIGGER io2 ON v INSTEAD OF INSERT AS RETURN"), [(2111, 1, 16)]);
    b.ok("DROP TABLE t");
    assert!(b.db().find(1, "tr").is_none(), "triggers go with their table");
}

#[test]
fn fact_57_definitions_in_a_transaction_are_taken_back() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE keep(a int CONSTRAINT ck CHECK (a > 0))");
    b.undo.clear();
    b.who.in_transaction = true;
    b.ok("ALTER TABLE keep ADD CONSTRAINT ck2 CHECK (a < 100); CREATE TABLE new(a int); CREATE TYPE ty FROM int; DROP TABLE keep");
    assert_eq!(b.errors("ALTER DATABASE gaps_constraints SET RECOVERY SIMPLE"), [(226, 6, 16)]);
    let undo: Vec<Undo> = b.undo.drain(..).rev().collect();
    b.catalogue
        .change(|s| {
            undo.iter().for_each(|u| u.apply(s));
            Ok::<(), ()>(())
        })
        .unwrap();
    let db = b.db();
    assert!(db.find(1, "new").is_none() && db.types.is_empty());
    assert_eq!(b.table("keep").checks.len(), 1);
    assert!(db.locate(1, "ck2").is_none());
}

#[test]
fn fact_61_sp_rename() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE t(a int CHECK (a > 0), b int); CREATE INDEX ix ON t(b)");
    let out = b.exec("sp_rename", &[("objname", "t"), ("newname", "u")]).unwrap();
    assert_eq!((out.messages[0].number, out.messages[0].class, out.status), (15477, 0, 0));
    b.exec("sp_rename", &[("objname", "dbo.u.ix"), ("newname", "iy"), ("objtype", "INDEX")]).unwrap();
    b.exec("sp_rename", &[("objname", "dbo.u.b"), ("newname", "c"), ("objtype", "COLUMN")]).unwrap();
    let t = b.table("u");
    assert_eq!((t.indexes[0].name.as_str(), t.columns[1].name.as_str()), ("iy", "c"));
    let fails = |b: &mut Bench, args: &[(&str, &str)]| {
        let m = b.exec("sp_rename", args).unwrap_err().last().clone();
        (m.number, m.state, m.class, m.text)
    };
    assert_eq!(
        fails(&mut b, &[("objname", "nope"), ("newname", "x")]),
        (15248, 1, 11, "Either the parameter @objname is ambiguous or the claimed @objtype (OBJECT) is wrong.".into())
    );
    assert_eq!(
        fails(&mut b, &[("objname", "u"), ("newname", "x"), ("objtype", "INVALID")]),
        (15249, 1, 11, "Error: Explicit @objtype 'INVALID' is unrecognized.".into())
    );
    assert_eq!(
        fails(&mut b, &[("objname", "dbo.u.a"), ("newname", "x"), ("objtype", "COLUMN")]),
        (
            15336,
            1,
            16,
            "Object 'dbo.u.a' cannot be renamed because the object participates in enforced dependencies.".into()
        )
    );
}

#[test]
fn facts_63_65_80_81_alter_database() {
    let mut b = Bench::new();
    b.ok("CREATE DATABASE probe_db");
    let id = b.catalogue.snapshot().database("probe_db").unwrap().database_id;
    assert_eq!(b.errors("ALTER DATABASE nope SET RECOVERY SIMPLE"), [(5011, 5, 14), (5069, 1, 16)]);
    assert_eq!(b.errors("ALTER DATABASE master SET READ_COMMITTED_SNAPSHOT ON"), [(5058, 2, 16)]);
    assert_eq!(b.errors("ALTER DATABASE master SET SINGLE_USER"), [(5058, 5, 16)]);
    b.who.database_id = 1;
    assert_eq!(b.errors("ALTER DATABASE CURRENT SET RECOVERY SIMPLE"), [(12104, 2, 16)]);
    assert_eq!(
        b.errors("ALTER DATABASE probe_db SET ALLOW_SNAPSHOT_ISOLATION ON WITH ROLLBACK IMMEDIATE"),
        [(5083, 1, 16), (5069, 1, 16)]
    );
    assert_eq!(
        b.errors("ALTER DATABASE probe_db SET ALLOW_SNAPSHOT_ISOLATION ON, RECOVERY SIMPLE"),
        [(5082, 1, 16), (5069, 1, 16)]
    );
    assert_eq!(b.ok("ALTER DATABASE probe_db SET ALLOW_SNAPSHOT_ISOLATION ON")[0].command, 215);
    assert_eq!(b.catalogue.snapshot().databases[&id].options.snapshot, crate::sandbox::meta::SnapshotState::On);
    b.rows.others = 1;
    assert_eq!(
        b.errors("ALTER DATABASE probe_db SET READ_COMMITTED_SNAPSHOT ON WITH NO_WAIT"),
        [(5070, 2, 16), (5069, 1, 16)]
    );
    assert_eq!(b.errors("DROP DATABASE probe_db"), [(3702, 3, 16)]);
    let infos: Vec<(i32, u8)> = b.ok("ALTER DATABASE probe_db SET SINGLE_USER WITH ROLLBACK IMMEDIATE")[0]
        .messages
        .iter()
        .map(|m| (m.number, m.state))
        .collect();
    assert_eq!(infos, [(5060, 2), (5060, 1)]);
    // Another session.
    b.who.session_id = 60;
    assert_eq!(b.errors("ALTER DATABASE probe_db SET MULTI_USER"), [(5064, 1, 16), (5069, 1, 16)]);
    assert_eq!(b.errors("DROP DATABASE probe_db"), [(3702, 4, 16)]);
    assert_eq!(b.errors("CREATE TABLE probe_db.dbo.t(a int)"), [(924, 1, 14)]);
    b.who.session_id = 51;
    assert_eq!(b.ok("ALTER DATABASE probe_db MODIFY NAME = other_db")[0].messages[0].number, 5021);
    assert_eq!(b.errors("CREATE DATABASE OTHER_DB"), [(1801, 3, 16)]);
    assert_eq!(b.errors("CREATE DATABASE x COLLATE Nonsense_CI_AS"), [(448, 1, 16)]);
    assert_eq!(b.ok("DROP DATABASE other_db")[0].command, 204);
    assert_eq!(b.errors("DROP DATABASE other_db"), [(3701, 1, 11)]);
    assert!(b.errors("DROP DATABASE IF EXISTS other_db").is_empty());
}

#[test]
fn rights_are_asked() {
    let mut b = Bench::new();
    b.ok("CREATE LOGIN reader WITH PASSWORD = 'p'; CREATE LOGIN maker WITH PASSWORD = 'p'; ALTER SERVER ROLE dbcreator ADD MEMBER maker");
    b.ok("CREATE TABLE secret(a int); CREATE USER reader FOR LOGIN reader; ALTER ROLE db_datareader ADD MEMBER reader");
    b.who.login = "reader".into();
    assert_eq!(b.errors("CREATE DATABASE x"), [(262, 1, 14)]);
    assert_eq!(b.errors("CREATE TABLE t(a int)"), [(262, 1, 14)]);
    assert_eq!(b.errors("ALTER TABLE secret ADD b int"), [(4902, 1, 16)]);
    assert_eq!(b.errors("DROP TABLE secret"), [(3701, 5, 11)]);
    assert_eq!(b.errors("ALTER DATABASE gaps_constraints SET RECOVERY SIMPLE"), [(5011, 5, 14), (5069, 1, 16)]);
    assert_eq!(b.errors("CREATE ROLE r"), [(15247, 1, 16)]);
    b.who.login = "maker".into();
    assert_eq!(b.errors("CREATE TABLE t(a int)"), [(916, 1, 14)]);
    b.who.database_id = 1;
    b.ok("CREATE DATABASE mine");
    let snapshot = b.catalogue.snapshot();
    let mine = snapshot.database("mine").unwrap();
    assert!(rights::is_owner(&snapshot, mine, "maker"));
    let shop = snapshot.database("gaps_constraints").unwrap();
    let secret = shop.find(1, "secret").unwrap();
    assert!(rights::has_object(&snapshot, shop, "reader", secret, "SELECT"));
    assert!(!rights::has_object(&snapshot, shop, "reader", secret, "INSERT"));
    assert!(!rights::may_enter(&snapshot, shop, "maker"));
    assert!(!rights::Sight::new(&snapshot, shop, "maker").sees(shop, secret));
    assert!(rights::Sight::new(&snapshot, shop, "reader").sees(shop, secret));
}

#[test]
fn principals_and_permissions() {
    let mut b = Bench::new();
    b.ok("CREATE TABLE t(a int, b int); CREATE ROLE r; CREATE USER u WITHOUT LOGIN; GRANT SELECT, INSERT ON t TO r WITH GRANT OPTION; GRANT UPDATE (b) ON t TO u; DENY DELETE ON t TO u; GRANT VIEW DEFINITION TO r");
    let rows: Vec<(u8, i32, String, char)> =
        b.db().permissions.iter().map(|p| (p.class, p.minor_id, p.name.clone(), p.state)).collect();
    assert!(rows.contains(&(1, 0, "SELECT".into(), 'W')) && rows.contains(&(1, 2, "UPDATE".into(), 'G')));
    assert!(rows.contains(&(1, 0, "DELETE".into(), 'D')) && rows.contains(&(0, 0, "VIEW DEFINITION".into(), 'G')));
    b.ok("REVOKE GRANT OPTION FOR SELECT ON t FROM r CASCADE; REVOKE INSERT ON t FROM r");
    let states: Vec<(String, char)> = b
        .db()
        .permissions
        .iter()
        .filter(|p| p.grantee != 0 && p.class == 1)
        .map(|p| (p.name.clone(), p.state))
        .collect();
    assert!(states.contains(&("SELECT".into(), 'G')) && !states.iter().any(|(n, _)| n == "INSERT"));
    assert_eq!(b.errors("CREATE USER u WITHOUT LOGIN"), [(15023, 1, 16)]);
    assert_eq!(b.errors("CREATE USER x FOR LOGIN nope"), [(15007, 1, 16)]);
    assert_eq!(b.errors("GRANT SELECT ON t TO nobody"), [(15151, 1, 16)]);
    assert_eq!(b.errors("ALTER ROLE nope ADD MEMBER u"), [(15151, 1, 16)]);
    assert_eq!(b.errors("ALTER ROLE r ADD MEMBER nope"), [(15151, 1, 16)]);
    assert_eq!(b.errors("DROP USER nope"), [(15151, 1, 16)]);
    assert_eq!(b.errors("CREATE USER c WITH PASSWORD = 'x'"), [(33233, 1, 16)]);
}

#[test]
fn extended_properties_types_and_collections() {
    let mut b = Bench::new();
    b.ok("CREATE XML SCHEMA COLLECTION dbo.x AS N'<a/>'; CREATE TYPE dbo.Name FROM nvarchar(50) NOT NULL; CREATE TABLE t(a int, n Name, x xml(DOCUMENT dbo.x))");
    let t = b.table("t");
    assert_eq!((t.columns[1].nullable, t.columns[1].ty.length, t.columns[1].user_type_id), (false, 100, 257));
    assert!(t.columns[2].xml_document && t.columns[2].xml_collection_id == 65536);
    let at = [("level0type", "SCHEMA"), ("level0name", "dbo"), ("level1type", "TABLE"), ("level1name", "t")];
    let mut args = vec![("name", "MS_Description"), ("value", "what")];
    args.extend(at);
    b.exec("sp_addextendedproperty", &args).unwrap();
    assert_eq!(b.exec("sp_addextendedproperty", &args).unwrap_err().last().number, 15233);
    args.extend([("level2type", "COLUMN"), ("level2name", "a")]);
    b.exec("sp_addextendedproperty", &args).unwrap();
    assert_eq!(b.db().properties.len(), 2);
    args.last_mut().unwrap().1 = "nope";
    assert_eq!(b.exec("sp_addextendedproperty", &args).unwrap_err().last().number, 15135);
    assert_eq!(b.errors("DROP TYPE dbo.Name"), [(3732, 1, 16)]);
    b.ok("ALTER TABLE t DROP COLUMN a; DROP TABLE t; DROP TYPE dbo.Name; DROP XML SCHEMA COLLECTION dbo.x");
    assert!(b.db().properties.is_empty(), "properties go with what they describe");
}

#[test]
fn sequences_synonyms_partitions_temporal() {
    let mut b = Bench::new();
    b.ok("CREATE SEQUENCE s AS tinyint INCREMENT BY -1; CREATE SYNONYM syn FOR [other]..[t]; ALTER DATABASE gaps_constraints ADD FILEGROUP FG1; CREATE PARTITION FUNCTION pf (int) AS RANGE RIGHT FOR VALUES (100, 200); CREATE PARTITION SCHEME ps AS PARTITION pf TO ([PRIMARY], FG1, [PRIMARY]); CREATE TABLE p(id int NOT NULL, CONSTRAINT pk PRIMARY KEY (id) ON ps(id)) ON ps(id)");
    let db = b.db();
    let Kind::Sequence(s) = &db.find(1, "s").unwrap().kind else { panic!() };
    assert_eq!((s.start, s.minimum, s.maximum), (255, 0, 255));
    let Kind::Synonym { base } = &db.find(1, "syn").unwrap().kind else { panic!() };
    assert_eq!(base, "[other]..[t]");
    assert_eq!(b.table("p").indexes[0].data_space_id, 65601);
    b.ok("CREATE TABLE h(id int PRIMARY KEY, s datetime2 GENERATED ALWAYS AS ROW START NOT NULL, e datetime2 GENERATED ALWAYS AS ROW END NOT NULL, PERIOD FOR SYSTEM_TIME (s, e)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.h_history))");
    assert!(b.db().find(1, "h_history").is_some());
    assert_eq!(b.errors("DROP TABLE h"), [(13552, 1, 16)]);
    b.ok("ALTER TABLE h SET (SYSTEM_VERSIONING = OFF); DROP TABLE h; DROP TABLE h_history");
}

/// Every definition of the judge's corpus that is not refused by name can be executed.
#[test]
fn the_corpus_of_definitions_is_executed() {
    let Some(root) = shared("dacfx/README.md").map(|_| ()) else {
        return crate::sandbox::ddl::skipped("the_corpus_of_definitions_is_executed");
    };
    let () = root;
    let folder = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
        .join("dacfx/corpus");
    let mut wrong = vec![];
    let mut count = 0;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap().replace("$(DatabaseName)", "gaps_constraints");
        let mut bench = Bench::new();
        bench.ok("ALTER DATABASE gaps_constraints SET CONTAINMENT = PARTIAL");
        for batch in text.split("\nGO") {
            let batch = batch.trim();
            let mut words = batch.lines().find(|l| !l.starts_with("--") && !l.is_empty()).unwrap_or("").split(' ');
            if !matches!(words.next(), Some("CREATE" | "ALTER" | "GRANT" | "DENY" | "DROP")) {
                continue;
            }
            count += 1;
            // What a server refuses too: the corpus is a model's, written in no order and with two ways to cascade; views'
            // columns are the engine's to work out; numbered procedures are one object here.
            let refused = [
                ("FK_F_cascade", 1750),
                ("FK_F_nocheck", 1750),
                ("CIX_V3", 1911),
                ("IX_V3", 1911),
                ("[P_num];2", 2714),
                ("CREATE TABLE [dbo].[Tmp2History]", 2714),
                ("ix_Tmp2History", 1913),
            ];
            if let Err(e) = bench.run(batch)
                && e.last().number != 40517
                && !refused.iter().any(|(text, number)| batch.contains(text) && e.last().number == *number)
            {
                wrong.push(format!(
                    "{}: {e}\n    {}",
                    file.file_name().unwrap().to_string_lossy(),
                    batch.chars().take(120).collect::<String>()
                ));
            }
        }
    }
    assert!(count > 150, "only {count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn assemblies_have_files_and_what_is_made_of_them_needs_them() {
    let mut b = Bench::new();
    b.ok("CREATE ASSEMBLY a FROM 0x0102, 0x0304 WITH PERMISSION_SET = UNSAFE");
    b.ok("ALTER ASSEMBLY a WITH PERMISSION_SET = SAFE, VISIBILITY = OFF ADD FILE FROM 0xAA AS N'x', 0xBB AS 'y'");
    let assembly = |b: &Bench| {
        let found = b.db().external.assemblies[0].clone();
        let files: Vec<String> = found.files.iter().map(|(name, bytes)| format!("{name} {bytes:?}")).collect();
        (found.permission_set, found.visible, files.join(", "))
    };
    assert_eq!(assembly(&b), (1, false, "a [1, 2], x [170], y [187]".into()));
    b.ok("ALTER ASSEMBLY a WITH VISIBILITY = ON DROP FILE N'x' ADD FILE FROM 0xCC AS N'x'");
    assert_eq!(assembly(&b), (1, true, "a [1, 2], y [187], x [204]".into()));
    b.ok("ALTER ASSEMBLY a DROP FILE ALL");
    assert_eq!(assembly(&b).2, "a [1, 2]");
    b.ok("ALTER ASSEMBLY a ADD FILE FROM 0x01 AS N'x'; ALTER ASSEMBLY a FROM 0x05");
    assert_eq!(assembly(&b).2, "a [5]", "files go with the bytes that they were beside");
    assert_eq!(b.errors("ALTER ASSEMBLY nope WITH VISIBILITY = ON"), [(15151, 1, 16)]);
    assert_eq!(b.errors("ALTER ASSEMBLY a ADD FILE FROM 'c:\\x' AS N'x'"), [(40517, 1, 16)]);
    assert_eq!(b.errors("CREATE TYPE t EXTERNAL NAME nope.t"), [(6528, 1, 16)]);
    assert_eq!(b.errors("CREATE PROCEDURE p AS EXTERNAL NAME nope.c.m"), [(6528, 1, 16)]);
    assert_eq!(b.errors("CREATE FUNCTION f() RETURNS TABLE (x int) ORDER (y) AS EXTERNAL NAME a.c.m"), [(207, 1, 16)]);
    b.ok("CREATE TYPE t EXTERNAL NAME a.[b.c]");
    assert_eq!(b.errors("DROP ASSEMBLY a").len(), 1, "a type stands on it");
    b.ok("DROP TYPE t; DROP ASSEMBLY a");
    assert!(b.db().external.assemblies.is_empty());
}
