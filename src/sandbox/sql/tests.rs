//! What the engine answers, seen from a client that keeps everything.

use std::sync::Arc;

use crate::sandbox::meta::server::DEFAULT_COLLATION;
use crate::sandbox::meta::{Product, Server};
use crate::sandbox::rowform::RowForm;
use crate::sandbox::session::*;
use crate::sandbox::storage::Storage;
use crate::sandbox::value::{SqlType, Value};

use super::niladic::shown;
use super::*;

/// A client that keeps what it is answered.
#[derive(Default)]
#[expect(missing_docs, reason = "one field a kind of answer")]
pub struct Kept {
    pub columns: Vec<Vec<ResultColumn>>,
    pub rows: Vec<Vec<Vec<Value>>>,
    pub messages: Vec<Message>,
    pub dones: Vec<(Done, DoneKind)>,
    pub envs: Vec<EnvChange>,
    pub orders: Vec<Vec<u16>>,
    pub values: Vec<(u16, Value)>,
    pub status: Vec<i32>,
}

impl Reply for Kept {
    fn columns(&mut self, columns: &[ResultColumn]) -> Result<(), Abandoned> {
        self.columns.push(columns.to_vec());
        self.rows.push(Vec::new());
        Ok(())
    }
    fn row(&mut self, row: &[Value]) -> Result<(), Abandoned> {
        self.rows.last_mut().unwrap().push(row.to_vec());
        Ok(())
    }
    fn raw_row(&mut self, body: &[u8]) -> Result<(), Abandoned> {
        let form = RowForm::new(self.columns.last().unwrap().iter().map(|c| &c.ty));
        let row = form.decode(body).unwrap();
        self.rows.last_mut().unwrap().push(row);
        Ok(())
    }
    fn order(&mut self, columns: &[u16]) -> Result<(), Abandoned> {
        self.orders.push(columns.to_vec());
        Ok(())
    }
    fn message(&mut self, message: &Message) -> Result<(), Abandoned> {
        self.messages.push(message.clone());
        Ok(())
    }
    fn env(&mut self, change: &EnvChange) -> Result<(), Abandoned> {
        self.envs.push(change.clone());
        Ok(())
    }
    fn done(&mut self, done: Done, kind: DoneKind) -> Result<(), Abandoned> {
        self.dones.push((done, kind));
        Ok(())
    }
    fn return_status(&mut self, status: i32) -> Result<(), Abandoned> {
        self.status.push(status);
        Ok(())
    }
    fn poll(&mut self) -> Result<(), Abandoned> {
        Ok(())
    }
    fn return_value(&mut self, ordinal: u16, _: &str, _: &SqlType, value: &Value) -> Result<(), Abandoned> {
        self.values.push((ordinal, value.clone()));
        Ok(())
    }
}

impl Kept {
    /// The results as text: cells by `|`, rows by `;`, results by ` / `.
    pub fn text(&self) -> String {
        let results: Vec<String> = self
            .rows
            .iter()
            .zip(&self.columns)
            .map(|(rows, columns)| {
                let rows: Vec<String> = rows
                    .iter()
                    .map(|r| {
                        let cells: Vec<String> = r
                            .iter()
                            .zip(columns)
                            .map(|(v, c)| if *v == Value::Null { "NULL".into() } else { shown(v, &c.ty).unwrap() })
                            .collect();
                        cells.join("|")
                    })
                    .collect();
                rows.join(";")
            })
            .collect();
        results.join(" / ")
    }

    /// Numbers of errors and informations in order.
    pub fn numbers(&self) -> Vec<i32> {
        self.messages.iter().map(|m| m.number).collect()
    }
}

/// An engine over memory.
pub fn engine() -> Arc<Engine> {
    let server = Server::new("SANDBOX", Product::Sql2019, DEFAULT_COLLATION, "secret");
    Engine::new(server, Storage::private().unwrap(), crate::sandbox::lend::hooks()).unwrap()
}

/// A session of `sa`.
pub fn session(engine: &Arc<Engine>) -> Box<dyn Session> {
    let request = LoginRequest { user: "SA".into(), password: "secret".into(), ..LoginRequest::default() };
    EngineBackend(engine.clone()).login(&request, Arc::default()).unwrap().0
}

/// Runs a batch.
pub fn run(s: &mut dyn Session, sql: &str) -> Kept {
    let mut kept = Kept::default();
    s.batch(sql, &mut kept).unwrap();
    kept
}

/// The first result as text; errors as their number and text.
pub fn answer(s: &mut dyn Session, sql: &str) -> String {
    let k = run(s, sql);
    let errors: Vec<String> =
        k.messages.iter().filter(|m| m.class > 10).map(|m| format!("{}: {}", m.number, m.text)).collect();
    if errors.is_empty() { k.text() } else { errors.join(" & ") }
}

#[test]
fn expressions() {
    let e = engine();
    let mut s = session(&e);
    for (sql, expected) in [
        ("SELECT 1", "1"),
        ("SELECT 1 + 2 * 3, 7 / 2, 7 % 4, -5, 2.50 * 2, 1 / 3.0", "7|3|3|-5|5.00|0.333333"),
        ("SELECT 'a' + 'b', N'x' + 'y', 'it''s'", "ab|xy|it's"),
        (
            "SELECT CASE WHEN 1 = 2 THEN 'a' ELSE 'bc' END, ISNULL(NULL, 3), COALESCE(NULL, NULL, 4), NULLIF(1, 1)",
            "bc|3|4|NULL",
        ),
        (
            "SELECT CAST('12' AS int) + 1, CONVERT(varchar(10), 15), TRY_CAST('x' AS int), CAST(1.7 AS int)",
            "13|15|NULL|1",
        ),
        (
            "SELECT LEN('abc  '), DATALENGTH(N'abc'), UPPER('aé'), SUBSTRING('hello', 2, 3), LEFT('hello', 2), RIGHT('hello', 2)",
            "3|6|AÉ|ell|he|lo",
        ),
        (
            "SELECT REPLACE('aXbx', 'x', '-'), CHARINDEX('L', 'hello'), STUFF('abc', 2, 1, 'ZZ'), REPLICATE('ab', 3), QUOTENAME('a]b')",
            "a-b-|3|aZZc|ababab|[a]]b]",
        ),
        ("SELECT CONCAT('a', NULL, 1), CONCAT_WS('-', 'a', NULL, 'b')", "a1|a-b"),
        (
            "SELECT DATEADD(day, 1, CAST('2024-02-28' AS date)), DATEDIFF(month, '2024-01-31', '2024-03-01'), YEAR('2024-05-06')",
            "2024-02-29|2|2024",
        ),
        (
            "SELECT CAST(CAST('2024-01-02 03:04:05.123' AS datetime) AS varchar(30)), CONVERT(varchar(30), CAST('2024-01-02 03:04:05.123' AS datetime), 121)",
            "Jan  2 2024  3:04AM|2024-01-02 03:04:05.123",
        ),
        (
            "SELECT CONVERT(varchar(64), HASHBYTES('SHA2_256', 'abc'), 2)",
            "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        ),
        ("SELECT ABS(-3), ROUND(2.567, 2), FLOOR(-1.5), CEILING(1.2), POWER(2, 10), SIGN(-4)", "3|2.570|-2|2|1024|-1"),
        ("SELECT 1 WHERE 'abc' LIKE 'A%' AND 5 BETWEEN 1 AND 9 AND 3 IN (1, 2, 3) AND NOT 1 = 2", "1"),
        ("SELECT @@TRANCOUNT, @@SPID, DB_NAME(), @@SERVERNAME, XACT_STATE()", "0|51|master|SANDBOX|0"),
        ("DECLARE @a int = 5, @b nvarchar(10) = N'x' SET @a += 2 SELECT @a, @b", "7|x"),
        (
            "SELECT a, COUNT(*), SUM(b) FROM (VALUES (1, 2), (1, 3), (2, 5)) v(a, b) GROUP BY a HAVING COUNT(*) > 1 ORDER BY a",
            "1|2|5",
        ),
        (
            "SELECT v.a, w.c FROM (VALUES (1), (2), (3)) v(a) LEFT JOIN (VALUES (1, 'x'), (3, 'y')) w(b, c) ON v.a = w.b ORDER BY v.a DESC",
            "3|y;2|NULL;1|x",
        ),
        ("SELECT a FROM (VALUES (3), (1), (2)) v(a) UNION ALL SELECT 9 ORDER BY 1", "1;2;3;9"),
        ("SELECT DISTINCT a FROM (VALUES ('x'), ('X'), ('y')) v(a)", "x;y"),
        ("SELECT TOP (2) a FROM (VALUES (3), (1), (2)) v(a) ORDER BY a DESC", "3;2"),
        ("SELECT a FROM (VALUES (3), (1), (2)) v(a) ORDER BY a OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY", "2"),
        (
            "WITH c AS (SELECT 1 AS x UNION ALL SELECT 2) SELECT SUM(x) FROM c WHERE EXISTS (SELECT 1 FROM c d WHERE d.x = c.x)",
            "3",
        ),
        (
            "SELECT v.a, (SELECT MAX(w.b) FROM (VALUES (1, 5), (1, 7), (2, 1)) w(a, b) WHERE w.a = v.a) FROM (VALUES (1), (2), (3)) v(a)",
            "1|7;2|1;3|NULL",
        ),
        ("SELECT v.a, x.b FROM (VALUES (1), (2)) v(a) CROSS APPLY (SELECT v.a * 10 AS b) x", "1|10;2|20"),
        (
            "SELECT a, ROW_NUMBER() OVER (PARTITION BY b ORDER BY a DESC) FROM (VALUES (1, 1), (2, 1), (3, 2)) v(a, b) ORDER BY a",
            "1|2;2|1;3|1",
        ),
        ("SELECT STRING_AGG(a, ',') WITHIN GROUP (ORDER BY a DESC) FROM (VALUES ('x'), ('z'), ('y')) v(a)", "z,y,x"),
        ("IF 1 = 2 SELECT 'a' ELSE SELECT 'b'", "b"),
        ("DECLARE @i int = 0 WHILE @i < 3 SET @i = @i + 1 SELECT @i", "3"),
        (
            "BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE() END CATCH",
            " / 8134|Divide by zero error encountered.",
        ),
        (
            "SELECT CONVERT(varchar(9), CAST(0x0102 AS varbinary(4)), 1), CONVERT(varchar(9), 0xFF + 0x01, 1)",
            "0x0102|0xFF01",
        ),
        (
            "SELECT CAST(123456789012345678901234567890.12345678 AS decimal(38, 8))",
            "123456789012345678901234567890.12345678",
        ),
        ("SELECT 'x' AS [a b], b = 2", "x|2"),
    ] {
        assert_eq!(answer(s.as_mut(), sql), expected, "{sql}");
    }
}

#[test]
fn errors() {
    let e = engine();
    let mut s = session(&e);
    for (sql, expected) in [
        ("SELECT a", "207: Invalid column name 'a'."),
        ("SELECT * FROM nope", "208: Invalid object name 'nope'."),
        ("SELECT * FROM xdb_nope.dbo.items", "208: Invalid object name 'xdb_nope.dbo.items'."),
        ("SELECT @x", "137: Must declare the scalar variable \"@x\"."),
        ("SELECT 1 / 0", "8134: Divide by zero error encountered."),
        (
            "SELECT CAST('zzz' AS int)",
            "245: Conversion failed when converting the varchar value 'zzz' to data type int.",
        ),
        ("SELECT nofunc(1)", "195: 'nofunc' is not a recognized built-in function name."),
        ("SELECT 1 FROM", "156: Incorrect syntax near the keyword 'FROM'."),
        ("SELECT 1 +", "102: Incorrect syntax near '+'."),
        ("SELEC 1", "2812: Could not find stored procedure 'SELEC'."),
        (
            "SELECT (SELECT a FROM (VALUES (1), (2)) v(a))",
            "512: Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.",
        ),
        ("COMMIT", "3902: The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."),
        ("EXEC nope", "2812: Could not find stored procedure 'nope'."),
        (
            "SELECT a, COUNT(*) FROM (VALUES (1)) v(a)",
            "8120: Column 'a' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.",
        ),
        ("THROW 50001, 'mine', 3", "50001: mine"),
        ("RAISERROR('n %d %s', 16, 2, 5, 'x')", "50000: n 5 x"),
    ] {
        assert_eq!(answer(s.as_mut(), sql), expected, "{sql}");
    }
    // A failed statement ends itself only; a failed conversion ends the batch.
    let k = run(s.as_mut(), "SELECT 1 / 0; SELECT 2");
    assert_eq!((k.rows.last().unwrap().len(), k.numbers()), (1, vec![8134]));
    let k = run(s.as_mut(), "SELECT CAST('x' AS int); SELECT 2");
    assert_eq!((k.rows.len(), k.dones.last().unwrap().0.error), (1, true));
}

#[test]
fn transactions_are_announced() {
    let e = engine();
    let mut s = session(&e);
    let k = run(s.as_mut(), "BEGIN TRAN BEGIN TRAN SELECT @@TRANCOUNT COMMIT SELECT @@TRANCOUNT, XACT_STATE() COMMIT");
    assert_eq!(k.text(), "2 / 1|1");
    assert!(
        matches!(k.envs.as_slice(), [EnvChange::Begin(a), EnvChange::Commit(b)] if a == b),
        "fact 68: {:?}",
        k.envs
    );
    let commands: Vec<u16> = k.dones.iter().map(|d| d.0.command).collect();
    assert_eq!(commands, [212, 212, 193, 213, 193, 213]);
}

#[test]
fn procedures_of_drivers() {
    use super::{text, types};
    let e = engine();
    let mut s = session(&e);
    let c = crate::sandbox::collation::default();
    let p = |name: &str, t: &str| Parameter {
        name: name.into(),
        output: false,
        default: false,
        ty: types::nvarchar(4000, &c),
        value: text::wide(t),
    };
    let n = |v: i32, output: bool| Parameter {
        name: String::new(),
        output,
        default: false,
        ty: types::int(),
        value: Value::Int(v),
    };
    let mut k = Kept::default();
    s.rpc("sp_executesql", &[p("", "SELECT @p + 1"), p("", "@p int"), n(41, false)], &mut k).unwrap();
    assert_eq!((k.text().as_str(), k.status.as_slice()), ("42", [0].as_slice()));
    assert_eq!(k.dones[0].1, DoneKind::InProcedure);
    let mut k = Kept::default();
    s.rpc("sp_prepexec", &[n(0, true), p("", "@a int"), p("", "SELECT @a * 2"), n(4, false)], &mut k).unwrap();
    assert_eq!(k.text(), "8");
    let Value::Int(handle) = k.values[0].1 else { panic!() };
    let mut k = Kept::default();
    s.rpc("sp_execute", &[n(handle, false), n(5, false)], &mut k).unwrap();
    assert_eq!(k.text(), "10");
    s.rpc("sp_unprepare", &[n(handle, false)], &mut Kept::default()).unwrap();
    let mut k = Kept::default();
    s.rpc("sp_execute", &[n(handle, false), n(5, false)], &mut k).unwrap();
    assert_eq!(k.numbers(), [8179], "fact 79");
    assert_eq!(answer(s.as_mut(), "EXEC sp_executesql N'SELECT @x', N'@x int', @x = 3"), "3");
}

#[test]
fn a_value_that_comes_back_is_that_of_the_parameter_named() {
    let e = engine();
    let mut s = session(&e);
    let s = s.as_mut();
    run(s, "CREATE PROCEDURE twice @a int = 1 OUTPUT, @b int OUTPUT AS SET @a = 7; SET @b = @b * 2");
    // @a is not given: what stands in its place belongs to @b.
    assert_eq!(answer(s, "DECLARE @x int = 21; EXEC twice @b = @x OUTPUT; SELECT @x"), "42");
    assert_eq!(answer(s, "DECLARE @x int, @y int = 4; EXEC twice @x OUTPUT, @y OUTPUT; SELECT @x, @y"), "7|8");
}

#[test]
fn facts_76_and_78_logins() {
    let e = engine();
    let b = EngineBackend(e.clone());
    let ask = |user: &str, password: &str, database: &str| {
        let r = LoginRequest {
            user: user.into(),
            password: password.into(),
            database: database.into(),
            ..LoginRequest::default()
        };
        b.login(&r, Arc::default()).map(|l| l.1).map_err(|m| m.iter().map(|m| m.number).collect::<Vec<_>>())
    };
    assert_eq!(ask("sa", "wrong", "").unwrap_err(), [18456]);
    assert_eq!(ask("sa", "secret", "missing").unwrap_err(), [4060, 18456]);
    let answers = ask("SA", "secret", "MASTER").unwrap();
    assert!(matches!(&answers[0], LoginAnswer::Env(EnvChange::Database(n, _)) if n == "MASTER"));
}
