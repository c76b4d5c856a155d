//! Tables: what is refused and how, held against what real servers answered.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::sandbox::rowform::RowForm;
use crate::sandbox::session::*;
use crate::sandbox::value::{Base, MAX, SqlType, Value};

use super::tests::{Kept, answer, engine, run, session};
use super::{text, types};

fn shared(test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PACRAT_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    if root.join("sqlserver").exists() {
        return Some(root);
    }
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test} needs ../shared");
    None
}

fn cell(v: &Json) -> String {
    match v {
        Json::Null => "NULL".into(),
        Json::Bool(b) => if *b { "1" } else { "0" }.into(),
        Json::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// A session in a fresh database of that name.
fn in_database(name: &str) -> Box<dyn Session> {
    let e = engine();
    let mut s = session(&e);
    assert_eq!(answer(s.as_mut(), &format!("CREATE DATABASE {name}")), "");
    assert_eq!(answer(s.as_mut(), &format!("USE {name}")), "");
    s
}

#[test]
fn the_captured_batches_about_constraints_are_answered_alike() {
    let Some(root) = shared("the_captured_batches_about_constraints_are_answered_alike") else { return };
    let text = std::fs::read_to_string(root.join("sqlserver/reference/gaps-constraints.json")).unwrap();
    let doc: Json = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    let mut steps = 0;
    for group in doc["groups"].as_array().unwrap() {
        let mut s = in_database("gaps_constraints");
        for step in group["steps"].as_array().unwrap() {
            let sql = step["sql"].as_str().unwrap();
            let k = run(s.as_mut(), sql);
            steps += 1;
            // A name that the server makes up is different each time.
            let same = |a: &str, b: &str| {
                let cut = |t: &str| t.split("PK__").next().unwrap_or("").to_string();
                a == b || (b.contains("PK__") && cut(a) == cut(b))
            };
            let errors: Vec<&Message> = k.messages.iter().filter(|m| m.class > 10).collect();
            let expected = step["result"]["errors"].as_array().unwrap();
            let alike = errors.len() == expected.len()
                && errors.iter().zip(expected).all(|(m, e)| {
                    i64::from(m.number) == e["number"].as_i64().unwrap()
                        && i64::from(m.state) == e["state"].as_i64().unwrap()
                        && i64::from(m.class) == e["class"].as_i64().unwrap()
                        && same(&m.text, e["message"].as_str().unwrap())
                });
            let rows: Vec<String> = step["result"]["sets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|set| {
                    let rows: Vec<String> = set
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|r| r.as_array().unwrap().iter().map(cell).collect::<Vec<_>>().join("|"))
                        .collect();
                    rows.join(";")
                })
                .collect();
            let got = k.text();
            let infos: Vec<i32> = k.messages.iter().filter(|m| m.class <= 10).map(|m| m.number).collect();
            let expected_infos: Vec<i32> = step["result"]["info"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["number"].as_i64().unwrap() as i32)
                .collect();
            if !alike || got != rows.join(" / ") || infos != expected_infos {
                let shown: Vec<String> =
                    k.messages.iter().map(|m| format!("{}/{}/{} {}", m.number, m.state, m.class, m.text)).collect();
                wrong.push(format!(
                    "{sql}\n    got {shown:?} {got}\n    not {expected:?} {} {expected_infos:?}",
                    rows.join(" / ")
                ));
            }
        }
    }
    assert!(steps > 150);
    assert!(wrong.is_empty(), "{} of {steps}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Sends a bulk load: the statement, its columns, its rows.
fn bulk(s: &mut dyn Session, sql: &str, columns: &[(SqlType, bool)], rows: &[Vec<Value>]) -> Kept {
    let mut k = run(s, sql);
    if !s.bulk_pending() {
        return k;
    }
    k.dones.clear();
    let announced: Vec<BulkColumn> = columns
        .iter()
        .map(|(ty, nullable)| BulkColumn { name: "x".into(), ty: ty.clone(), nullable: *nullable })
        .collect();
    let form = RowForm::new(columns.iter().map(|(ty, _)| ty));
    if s.bulk_columns(&announced, &mut k).unwrap() {
        for r in rows {
            let mut body = Vec::new();
            form.encode(r, &mut body).unwrap();
            assert!(s.bulk_row(&body, &mut k).unwrap());
        }
    }
    s.bulk_end(BulkEnd::Complete, &mut k).unwrap();
    k
}

fn int() -> SqlType {
    types::int()
}

fn varchar(n: u32) -> SqlType {
    types::text(Base::VarChar, n, &crate::sandbox::collation::default())
}

fn narrow(t: &str) -> Value {
    Value::Char(t.as_bytes().into())
}

/// Number/state/class of what was answered, and CurCmd, error bit and count of the last DONE.
type Told = (Vec<(i32, u8, u8)>, (u16, bool, Option<u64>));

fn told(k: &Kept) -> Told {
    let d = k.dones.last().unwrap().0;
    (k.messages.iter().map(|m| (m.number, m.state, m.class)).collect(), (d.command, d.error, d.rows))
}

#[test]
fn facts_1_to_15_bulk_load_statement_and_stream() {
    let mut s = in_database("loads");
    let s = s.as_mut();
    run(s, "CREATE TABLE n (a int NULL, b int NOT NULL, s varchar(5) NULL, m nvarchar(max) NULL)");
    let no = |k: Kept| told(&k);
    let nothing = Vec::<(i32, u8, u8)>::new();
    // 1: the answer to the statement, then to the stream.
    let k = run(s, "insert bulk n ([b] int)");
    assert_eq!(told(&k), (nothing.clone(), (253, false, None)));
    s.bulk_end(BulkEnd::Abandoned, &mut Kept::default()).unwrap();
    // 12: the nullable flag must be the target's.
    let one = vec![vec![Value::Int(1)]];
    assert_eq!(
        no(bulk(s, "insert bulk n ([b] int)", &[(int(), true)], &one)),
        (vec![(4816, 1, 16)], (253, true, None))
    );
    assert_eq!(no(bulk(s, "insert bulk n ([a] int)", &[(int(), false)], &one)).0, [(4816, 1, 16)]);
    // 13: the type's family, and MAX sent as a bounded type.
    let c = crate::sandbox::collation::default();
    let two = vec![vec![Value::Int(1), text::wide("x")]];
    let k =
        bulk(s, "insert bulk n ([b] int, [m] nvarchar(max))", &[(int(), false), (types::nvarchar(10, &c), true)], &two);
    assert_eq!(told(&k).0, [(4816, 2, 16)]);
    assert_eq!(k.messages[0].text, "Invalid column type from bcp client for colid 2.");
    let k = bulk(
        s,
        "insert bulk n ([b] int, [m] nvarchar(max))",
        &[(int(), false), (types::nvarchar(MAX, &c), true)],
        &two,
    );
    assert_eq!(told(&k), (nothing.clone(), (240, false, Some(1))));
    let k = bulk(s, "insert bulk n ([b] int, [s] varchar(3))", &[(int(), false), (int(), true)], &[]);
    assert_eq!(told(&k).0, [(4816, 1, 16)]);
    // 10: the declared type is converted to the column's.
    let k = bulk(
        s,
        "insert bulk n ([b] bigint, [s] int)",
        &[(types::bigint(), false), (int(), true)],
        &[vec![Value::BigInt(6), Value::Int(12)]],
    );
    assert_eq!(told(&k), (nothing.clone(), (240, false, Some(1))));
    // 14: another number of columns; a stream of nothing.
    assert_eq!(no(bulk(s, "insert bulk n ([b] int)", &[(int(), false), (int(), true)], &[])).0, [(4804, 3, 16)]);
    run(s, "insert bulk n ([b] int)");
    let mut k = Kept::default();
    s.bulk_end(BulkEnd::Complete, &mut k).unwrap();
    assert_eq!(told(&k), (vec![(4804, 2, 16)], (253, true, None)));
    // 11: by position.
    let k = bulk(
        s,
        "insert bulk n ([a] int, [b] int)",
        &[(int(), true), (int(), false)],
        &[vec![Value::Int(9), Value::Int(10)]],
    );
    assert_eq!(told(&k).1, (240, false, Some(1)));
    // 15: no row at all.
    assert_eq!(
        no(bulk(s, "insert bulk n ([b] int)", &[(int(), false)], &[])),
        (nothing.clone(), (240, false, Some(0)))
    );
    assert_eq!(answer(s, "SELECT a, b, s, m FROM n ORDER BY b"), "NULL|1|NULL|x;NULL|6|12|NULL;9|10|NULL|NULL");
    // 2, 4, 7, 8: refusals of the statement.
    run(s, "CREATE TABLE t (id int NOT NULL, v AS id * 2)");
    for (sql, errors) in [
        ("insert bulk nosuch ([id] int)", vec![(208, 1, 16), (208, 1, 16)]),
        ("insert bulk t ([nosuch] int)", vec![]),
        ("insert bulk t ([id] int, [ID] int)", vec![(264, 1, 16)]),
        ("insert bulk t ([v] int)", vec![(271, 1, 16)]),
        ("insert bulk t ([id] notatype)", vec![(2715, 2, 16)]),
        ("insert bulk t ([id] int) WITH (KEEP_IDENTITY)", vec![(102, 1, 15)]),
        ("insert bulk t ([id] int) WITH (FOO)", vec![(102, 1, 15)]),
        ("insert bulk t", vec![(102, 1, 15)]),
        ("SELECT 1; insert bulk t ([id] int)", vec![(428, 1, 16)]),
        ("insert bulk t ([id] int); SELECT 1", vec![(428, 1, 16)]),
    ] {
        let k = run(s, sql);
        assert_eq!(told(&k), (errors, (253, true, None)), "{sql}");
        assert!(!s.bulk_pending());
    }
    let k = bulk(
        s,
        "insert bulk t ([id] int) with (keep_nulls, tablock, ROWS_PER_BATCH = 10, KILOBYTES_PER_BATCH = 5, ORDER (id ASC), CHECK_CONSTRAINTS, FIRE_TRIGGERS)",
        &[(int(), false)],
        &one,
    );
    assert_eq!(told(&k).1, (240, false, Some(1)));
    assert_eq!(answer(s, "SELECT id, v FROM t"), "1|2");
    // 9: names.
    run(s, "CREATE SCHEMA s2");
    run(s, "CREATE TABLE s2.items (x int NULL)");
    for name in ["[s2].[items]", "loads.s2.items", "S2 . ITEMS"] {
        let k = bulk(s, &format!("insert bulk {name} ([X] int)"), &[(int(), true)], &one);
        assert_eq!(told(&k).1, (240, false, Some(1)), "{name}");
    }
    run(s, "create table [#staging] ([k] int not null)");
    assert_eq!(no(bulk(s, "insert bulk [#staging] ([k] int)", &[(int(), false)], &one)).1, (240, false, Some(1)));
    assert_eq!(answer(s, "SELECT k FROM #staging"), "1");
}

#[test]
fn facts_5_6_and_16_to_25_bulk_load_rows() {
    let mut s = in_database("loads");
    let s = s.as_mut();
    // 5 and 6: identity.
    run(s, "CREATE TABLE items (id int IDENTITY(10,5) NOT NULL CONSTRAINT pk_items PRIMARY KEY, v varchar(10) NULL)");
    let v = |t: &str| vec![narrow(t)];
    bulk(s, "insert bulk items ([v] varchar(10))", &[(varchar(10), true)], &[v("a"), v("b")]);
    assert_eq!(answer(s, "SELECT IDENT_CURRENT('items'), @@IDENTITY"), "15|15");
    let both = [(int(), false), (varchar(10), true)];
    let row = |n: i32, t: &str| vec![Value::Int(n), narrow(t)];
    bulk(s, "insert bulk items ([id] int, [v] varchar(10))", &both, &[row(100, "c"), row(200, "d")]);
    assert_eq!(answer(s, "SELECT IDENT_CURRENT('items')"), "200");
    bulk(s, "insert bulk items ([v] varchar(10))", &[(varchar(10), true)], &[v("e")]);
    let k = bulk(s, "insert bulk items ([id] int, [v] varchar(10))", &both, &[row(300, "x"), row(100, "y")]);
    assert_eq!(told(&k), (vec![(2627, 1, 14), (3621, 0, 0)], (240, true, None)));
    assert_eq!(
        k.messages[0].text,
        "Violation of PRIMARY KEY constraint 'pk_items'. Cannot insert duplicate key in object 'dbo.items'. The duplicate key value is (100)."
    );
    assert_eq!(
        answer(s, "SELECT IDENT_CURRENT('items'); SELECT id, v FROM items ORDER BY id"),
        "205 / 10|a;15|b;100|c;200|d;205|e"
    );
    // 18 and 19: defaults.
    run(
        s,
        "CREATE TABLE d (id int NOT NULL, v varchar(10) NULL CONSTRAINT df_v DEFAULT 'dflt', n int NULL CONSTRAINT df_n DEFAULT 42, w int NULL)",
    );
    let all = [(int(), false), (varchar(10), true), (int(), true), (int(), true)];
    let nulls = |n: i32| vec![Value::Int(n), Value::Null, Value::Null, Value::Null];
    bulk(s, "insert bulk d ([id] int, [v] varchar(10), [n] int, [w] int)", &all, &[nulls(1)]);
    bulk(s, "insert bulk d ([id] int, [v] varchar(10), [n] int, [w] int) with (KEEP_NULLS)", &all, &[nulls(4)]);
    bulk(s, "insert bulk d ([id] int)", &[(int(), false)], &[vec![Value::Int(5)]]);
    bulk(s, "insert bulk d ([id] int) with (KEEP_NULLS)", &[(int(), false)], &[vec![Value::Int(6)]]);
    assert_eq!(
        answer(s, "SELECT id, v, n, w FROM d ORDER BY id"),
        "1|dflt|42|NULL;4|NULL|NULL|NULL;5|dflt|42|NULL;6|dflt|42|NULL"
    );
    run(
        s,
        "CREATE TABLE e (id int NOT NULL CONSTRAINT pk_e PRIMARY KEY, s varchar(5) NULL, d datetime NULL, name varchar(10) NOT NULL CONSTRAINT df_e DEFAULT 'x')",
    );
    let named = [(int(), false), (varchar(10), false)];
    let k = bulk(
        s,
        "insert bulk e ([id] int, [name] varchar(10)) with (KEEP_NULLS)",
        &named,
        &[vec![Value::Int(5), Value::Null]],
    );
    assert_eq!(told(&k), (vec![(515, 2, 16), (3621, 0, 0)], (240, true, None)));
    assert_eq!(
        k.messages[0].text,
        "Cannot insert the value NULL into column 'name', table 'loads.dbo.e'; column does not allow nulls. INSERT fails."
    );
    let k = bulk(s, "insert bulk e ([id] int, [name] varchar(10))", &named, &[vec![Value::Int(5), Value::Null]]);
    assert_eq!(told(&k).1, (240, false, Some(1)));
    // 10, 23, 25: conversions and widths.
    let k = bulk(s, "insert bulk e ([id] varchar(10))", &[(varchar(10), false)], &[v("zzz")]);
    assert_eq!(told(&k), (vec![(245, 1, 16)], (253, true, None)));
    assert_eq!(answer(s, "SELECT @@ERROR"), "245");
    let k = bulk(
        s,
        "insert bulk e ([id] int, [d] varchar(10))",
        &[(int(), false), (varchar(10), true)],
        &[vec![Value::Int(7), narrow("zzz")]],
    );
    assert_eq!(told(&k), (vec![(241, 1, 16)], (253, true, None)));
    let k = bulk(
        s,
        "insert bulk e ([id] int, [s] varchar(30))",
        &[(int(), false), (varchar(30), true)],
        &[vec![Value::Int(8), narrow("too long for it")]],
    );
    assert_eq!(told(&k), (vec![(2628, 1, 16), (3621, 0, 0)], (240, true, None)));
    assert_eq!(answer(s, "SELECT id, s, d, name FROM e"), "5|NULL|NULL|x");
    // 16 and 17: trust.
    run(s, "CREATE TABLE c (id int NOT NULL, v int NULL CONSTRAINT ck_c CHECK (v > 0))");
    let pair = [(int(), false), (int(), true)];
    let k = bulk(
        s,
        "insert bulk c ([id] int, [v] int) with (CHECK_CONSTRAINTS)",
        &pair,
        &[vec![Value::Int(1), Value::Int(-1)]],
    );
    assert_eq!(told(&k), (vec![(547, 0, 16), (3621, 0, 0)], (240, true, None)));
    assert_eq!(
        k.messages[0].text,
        "The INSERT statement conflicted with the CHECK constraint \"ck_c\". The conflict occurred in database \"loads\", table \"dbo.c\", column 'v'."
    );
    let k = bulk(s, "insert bulk c ([id] int, [v] int)", &pair, &[vec![Value::Int(1), Value::Int(-1)]]);
    assert_eq!(told(&k).1, (240, false, Some(1)));
    assert!(
        answer(s, "ALTER TABLE c WITH CHECK CHECK CONSTRAINT ALL")
            .starts_with("547: The ALTER TABLE statement conflicted")
    );
    // 21: many rows are one load; beyond memory they go through a file.
    run(s, "CREATE TABLE many (id int NOT NULL CONSTRAINT pk_many PRIMARY KEY, t varchar(1000) NULL)");
    let long = "x".repeat(900);
    let rows: Vec<Vec<Value>> = (0..12_000).map(|n| vec![Value::Int(n), narrow(&long)]).collect();
    let wide = [(int(), false), (varchar(1000), true)];
    let k = bulk(s, "insert bulk many ([id] int, [t] varchar(1000))", &wide, &rows);
    assert_eq!(told(&k).1, (240, false, Some(12_000)));
    let again: Vec<Vec<Value>> = (12_000..13_500).map(|n| vec![Value::Int(n % 13_000), narrow("y")]).collect();
    assert_eq!(told(&bulk(s, "insert bulk many ([id] int, [t] varchar(1000))", &wide, &again)).1, (240, true, None));
    assert_eq!(answer(s, "SELECT COUNT(*), MIN(id), MAX(id) FROM many"), "12000|0|11999");
    // 22: in a transaction.
    run(s, "CREATE TABLE x (id int NOT NULL CONSTRAINT pk_x PRIMARY KEY)");
    run(s, "BEGIN TRAN");
    run(s, "INSERT x VALUES (50)");
    let id = [(int(), false)];
    let n = |n: i32| vec![Value::Int(n)];
    let k = bulk(s, "insert bulk x ([id] int)", &id, &[n(1), n(1)]);
    assert_eq!(told(&k), (vec![(2627, 1, 14), (3621, 0, 0)], (240, true, None)));
    assert_eq!(answer(s, "SELECT @@TRANCOUNT, XACT_STATE(); SELECT count(*) FROM x"), "1|1 / 1");
    bulk(s, "insert bulk x ([id] int)", &id, &[n(2), n(3)]);
    assert_eq!(answer(s, "SELECT count(*) FROM x ROLLBACK SELECT count(*) FROM x"), "3 / 0");
    run(s, "SET XACT_ABORT ON");
    run(s, "BEGIN TRAN INSERT x VALUES (60)");
    let k = bulk(s, "insert bulk x ([id] int)", &id, &[n(9), n(9)]);
    assert_eq!(told(&k), (vec![(2627, 1, 14)], (253, true, None)));
    assert_eq!(answer(s, "SELECT @@TRANCOUNT, XACT_STATE(); SELECT count(*) FROM x"), "0|0 / 0");
    run(s, "SET XACT_ABORT OFF");
    // 24: NOCOUNT.
    run(s, "SET NOCOUNT ON");
    let k = bulk(s, "insert bulk x ([id] int)", &id, &[n(2), n(3)]);
    assert_eq!(told(&k).1, (240, false, None));
    assert_eq!(answer(s, "SELECT @@ROWCOUNT"), "2");
}

#[test]
fn fact_60_identity_insert() {
    let mut s = in_database("ident");
    let s = s.as_mut();
    run(s, "CREATE TABLE items (id int IDENTITY PRIMARY KEY, value int)");
    let k = run(s, "SET IDENTITY_INSERT items ON");
    assert_eq!(k.dones[0].0.command, 183);
    let now = "SELECT SCOPE_IDENTITY(), @@IDENTITY, IDENT_CURRENT('items')";
    assert_eq!(answer(s, &format!("INSERT items(id,value) VALUES(10,2) {now}")), "10|10|10");
    assert_eq!(answer(s, &format!("INSERT items(id,value) VALUES(5,2) {now}")), "5|5|10");
    assert_eq!(answer(s, &format!("INSERT items(id,value) VALUES(11,2),(30,2),(25,2) {now}")), "25|25|30");
    let number = |s: &mut dyn Session, sql: &str| run(s, sql).numbers();
    assert_eq!(number(s, "INSERT items VALUES(20,4)"), [8101]);
    assert_eq!(number(s, "INSERT items(value) VALUES(4)"), [545]);
    assert_eq!(number(s, "INSERT items(id,value) VALUES(NULL,4)"), [339]);
    run(s, "CREATE TABLE other (id int IDENTITY)");
    assert_eq!(number(s, "SET IDENTITY_INSERT other ON"), [8107]);
    run(s, "SET IDENTITY_INSERT items OFF");
    assert_eq!(number(s, "INSERT items(id,value) VALUES(20,4)"), [544]);
    run(s, "CREATE TABLE plain (id int)");
    assert_eq!(number(s, "SET IDENTITY_INSERT plain ON"), [8106]);
    assert_eq!(number(s, "SET IDENTITY_INSERT nope ON"), [1088]);
    // Failed inserts consume values; TRUNCATE starts again.
    run(s, "BEGIN TRAN INSERT items(value) VALUES (1) ROLLBACK INSERT items(value) VALUES (1)");
    assert_eq!(answer(s, "SELECT SCOPE_IDENTITY()"), "32");
    assert_eq!(answer(s, "TRUNCATE TABLE items INSERT items(value) VALUES (7) SELECT id, value FROM items"), "1|7");
}

#[test]
fn fact_59_rowversion_and_computed_columns() {
    let mut s = in_database("rv");
    let s = s.as_mut();
    run(s, "CREATE TABLE t (id int, rv rowversion, c AS id + 1)");
    assert_eq!(
        answer(
            s,
            "INSERT t(id) VALUES (1); INSERT t VALUES (2, NULL), (3, DEFAULT); SELECT id, c, CONVERT(varchar(20), CAST(rv AS binary(8)), 1) FROM t"
        ),
        "1|2|0x00000000000007D1;2|3|0x00000000000007D2;3|4|0x00000000000007D3"
    );
    assert_eq!(run(s, "INSERT t VALUES (2, 0x01)").numbers(), [273]);
    assert_eq!(run(s, "INSERT t VALUES (2)").numbers(), [213]);
    assert_eq!(run(s, "UPDATE t SET rv = 0x01").numbers(), [272]);
    assert_eq!(run(s, "UPDATE t SET c = 1").numbers(), [271]);
    assert_eq!(run(s, "INSERT t(id, c) VALUES (1, 1)").numbers(), [271]);
    assert_eq!(answer(s, "UPDATE t SET id = id * 10 WHERE id > 1; SELECT c FROM t ORDER BY id"), "2;21;31");
}

#[test]
fn rows_come_in_the_order_of_the_key_and_by_index() {
    let mut s = in_database("ordered");
    let s = s.as_mut();
    run(
        s,
        "CREATE TABLE t (a int NOT NULL, b nvarchar(20) NOT NULL, v decimal(9,2) NULL, CONSTRAINT pk PRIMARY KEY (a, b DESC))",
    );
    run(s, "INSERT t VALUES (2, 'x', 1.5), (1, 'b', NULL), (1, 'C', -2), (-1, 'a', 3)");
    let k = run(s, "SELECT * FROM t ORDER BY a, b DESC");
    assert_eq!(k.text(), "-1|a|3.00;1|C|-2.00;1|b|NULL;2|x|1.50");
    assert_eq!(k.orders, [vec![1, 2]], "fact 83");
    assert_eq!(k.columns[0].iter().map(|c| c.flags).collect::<Vec<_>>(), [8, 8, 9]);
    assert_eq!(answer(s, "SELECT b, a FROM t ORDER BY a DESC, b"), "x|2;b|1;C|1;a|-1");
    assert_eq!(answer(s, "SELECT v FROM t WHERE a = 1 AND b = N'c'"), "-2.00");
    assert_eq!(answer(s, "UPDATE t SET v = v * 2 OUTPUT inserted.v, deleted.v WHERE a = 2"), "3.00|1.50");
    assert_eq!(answer(s, "DELETE TOP (1) FROM t OUTPUT deleted.a WHERE a = 1"), "1");
    assert_eq!(answer(s, "SELECT a, b INTO #copy FROM t WHERE a > 0; SELECT * FROM #copy ORDER BY a DESC"), "2|x;1|b");
    assert_eq!(answer(s, "CREATE VIEW w AS SELECT a, COUNT(*) AS n FROM dbo.t GROUP BY a"), "");
    assert_eq!(answer(s, "SELECT w.a, w.n FROM w JOIN t ON t.a = w.a ORDER BY 1"), "-1|1;1|1;2|1");
    assert_eq!(answer(s, "EXEC sp_rename 'dbo.t', 'u'; SELECT COUNT(*) FROM u"), "3");
}

#[test]
fn fact_64_the_snapshot_point_is_the_first_data_access() {
    let e = engine();
    let mut a = session(&e);
    let mut b = session(&e);
    run(a.as_mut(), "CREATE DATABASE snap");
    for s in [a.as_mut(), b.as_mut()] {
        run(s, "USE snap");
    }
    run(a.as_mut(), "CREATE TABLE t (id int PRIMARY KEY, v int) INSERT t VALUES (1, 1)");
    // Fact 62: refused, after the columns.
    run(a.as_mut(), "SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
    let k = run(a.as_mut(), "SELECT v FROM t; SELECT 2 AS after_error");
    assert_eq!((k.numbers(), k.columns.len(), k.rows[0].len()), (vec![3952], 1, 0));
    assert_eq!(answer(a.as_mut(), "SELECT @@TRANCOUNT"), "0");
    run(b.as_mut(), "ALTER DATABASE snap SET ALLOW_SNAPSHOT_ISOLATION ON");
    run(a.as_mut(), "BEGIN TRAN SELECT 1");
    run(b.as_mut(), "UPDATE t SET v = 9");
    assert_eq!(answer(a.as_mut(), "SELECT v FROM t"), "9");
    run(b.as_mut(), "UPDATE t SET v = 10");
    assert_eq!(answer(a.as_mut(), "SELECT v FROM t"), "9", "the reader is not blocked and sees its snapshot");
    // Fact 66: the update conflict.
    let k = run(a.as_mut(), "UPDATE t SET v = 4");
    assert_eq!(k.numbers(), [3960]);
    assert_eq!(answer(a.as_mut(), "SELECT @@TRANCOUNT, v FROM t"), "0|10");
}

#[test]
fn fact_57_definitions_roll_back_and_fact_73_attention() {
    let mut s = in_database("undo");
    let s = s.as_mut();
    run(s, "CREATE TABLE t (id int)");
    run(
        s,
        "BEGIN TRAN CREATE TABLE u (id int) INSERT u VALUES (1) DROP TABLE t ALTER DATABASE undo SET RECOVERY SIMPLE ROLLBACK",
    );
    assert_eq!(answer(s, "SELECT COUNT(*) FROM t"), "0");
    assert_eq!(answer(s, "SELECT COUNT(*) FROM u"), "208: Invalid object name 'u'.");
    // Savepoints.
    run(s, "BEGIN TRAN INSERT t VALUES (1) SAVE TRAN p INSERT t VALUES (2) ROLLBACK TRAN p INSERT t VALUES (3) COMMIT");
    assert_eq!(answer(s, "SELECT id FROM t ORDER BY id"), "1;3");
    // Attention: what is finished stays, the transaction too unless XACT_ABORT.
    run(s, "BEGIN TRAN INSERT t VALUES (4)");
    let mut k = Kept::default();
    s.attention(&mut k);
    assert!(k.envs.is_empty());
    assert_eq!(answer(s, "SELECT @@TRANCOUNT"), "1");
    run(s, "SET XACT_ABORT ON");
    s.attention(&mut k);
    assert!(matches!(k.envs.as_slice(), [EnvChange::Rollback(_)]));
    assert_eq!(answer(s, "SELECT COUNT(*) FROM t"), "2");
}

#[test]
fn fact_70_an_uncommittable_transaction_ends_with_the_batch() {
    let mut s = in_database("doom");
    let s = s.as_mut();
    run(s, "CREATE TABLE t (id int)");
    let k = run(
        s,
        "BEGIN TRAN INSERT t VALUES (1) BEGIN TRY SELECT CAST('x' AS int) END TRY BEGIN CATCH SELECT ERROR_NUMBER(), XACT_STATE() END CATCH",
    );
    assert_eq!(k.rows.last().unwrap(), &[vec![Value::Int(245), Value::SmallInt(-1)]]);
    assert_eq!(k.numbers(), [3998]);
    assert_eq!(answer(s, "SELECT @@TRANCOUNT, COUNT(*) FROM t"), "0|0");
}

#[test]
fn loads_side_by_side_into_one_database_all_arrive() {
    let e = engine();
    let mut s = session(&e);
    run(s.as_mut(), "CREATE DATABASE many");
    run(s.as_mut(), "USE many");
    for n in 0..4 {
        run(s.as_mut(), &format!("CREATE TABLE t{n} (id int NOT NULL, t varchar(1000) NULL)"));
    }
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let e = e.clone();
            std::thread::spawn(move || {
                let mut s = session(&e);
                run(s.as_mut(), "USE many");
                let rows: Vec<Vec<Value>> = (0..3000).map(|i| vec![Value::Int(i), narrow(&"y".repeat(900))]).collect();
                for _ in 0..2 {
                    let sql = format!("insert bulk t{n} ([id] int, [t] varchar(1000)) with (TABLOCK)");
                    let k = bulk(s.as_mut(), &sql, &[(int(), false), (varchar(1000), true)], &rows);
                    assert_eq!(told(&k).1, (240, false, Some(3000)));
                }
            })
        })
        .collect();
    for t in threads {
        t.join().unwrap();
    }
    assert_eq!(
        answer(
            s.as_mut(),
            "SELECT (SELECT COUNT(*) FROM t0), (SELECT COUNT(*) FROM t1), (SELECT COUNT(*) FROM t2), (SELECT COUNT(*) FROM t3)"
        ),
        "6000|6000|6000|6000"
    );
}

#[test]
fn a_database_of_the_same_number_is_another_one() {
    let e = engine();
    let mut a = session(&e);
    let mut b = session(&e);
    run(a.as_mut(), "CREATE DATABASE one");
    run(a.as_mut(), "CREATE TABLE one.dbo.t (id int)");
    assert_eq!(answer(b.as_mut(), "INSERT one.dbo.t VALUES (1) SELECT COUNT(*) FROM one.dbo.t"), "1");
    run(a.as_mut(), "DROP DATABASE one");
    run(a.as_mut(), "CREATE DATABASE two");
    run(a.as_mut(), "CREATE TABLE two.dbo.t (id int)");
    assert_eq!(answer(b.as_mut(), "SELECT COUNT(*) FROM two.dbo.t"), "0");
    assert_eq!(answer(a.as_mut(), "INSERT two.dbo.t VALUES (1), (2) SELECT COUNT(*) FROM two.dbo.t"), "2");
    assert_eq!(answer(b.as_mut(), "SELECT COUNT(*) FROM two.dbo.t"), "2");
}

#[test]
fn catalogue_queries_over_many_tables_stay_quick() {
    let mut s = in_database("wide");
    let s = s.as_mut();
    let started = std::time::Instant::now();
    for batch in 0..20 {
        let sql: String = (0..50)
            .map(|n| format!("CREATE TABLE t{batch}_{n} (id int NOT NULL PRIMARY KEY, a nvarchar(20), b int) "))
            .collect();
        assert!(run(s, &sql).messages.is_empty());
    }
    let made = started.elapsed();
    let started = std::time::Instant::now();
    let got = answer(
        s,
        "SELECT COUNT(*) FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN sys.columns c ON c.object_id = \
         t.object_id JOIN sys.types y ON y.user_type_id = c.user_type_id LEFT JOIN sys.index_columns ic ON ic.object_id = \
         c.object_id AND ic.column_id = c.column_id LEFT JOIN sys.indexes i ON i.object_id = ic.object_id AND i.index_id = \
         ic.index_id WHERE t.is_ms_shipped = 0 AND EXISTS (SELECT 1 FROM sys.objects o WHERE o.object_id = t.object_id)",
    );
    assert_eq!(got, "3000");
    let asked = started.elapsed();
    assert!(made.as_secs() < 60 && asked.as_secs() < 20, "made in {made:?}, asked in {asked:?}");
}

#[test]
fn sequences_give_values_in_queries_and_defaults() {
    let mut s = in_database("seq");
    let s = s.as_mut();
    run(s, "CREATE SEQUENCE dbo.numbers AS int START WITH 5 INCREMENT BY 2");
    assert_eq!(answer(s, "SELECT NEXT VALUE FOR dbo.numbers, NEXT VALUE FOR [dbo].[numbers] AS b"), "5|7");
    assert_eq!(answer(s, "CREATE TABLE t (id int NOT NULL DEFAULT (NEXT VALUE FOR dbo.numbers), v int)"), "");
    assert_eq!(answer(s, "INSERT t(v) VALUES (1), (2) SELECT id, v FROM t"), "9|1;11|2");
    assert_eq!(answer(s, "SELECT NEXT VALUE FOR nope"), "208: Invalid object name 'nope'.");
}
