//! The whole sandbox, wire and engine together, by each kind of client: what goes in comes out.

use std::net::SocketAddr;

use pacrat::sandbox::rowform::RowForm;
use pacrat::sandbox::server::ListenConfig;
use pacrat::sandbox::value::{Base, SqlType, Value};
use pacrat::sandbox::wire::bulk::{Piece, Stream};
use pacrat::sandbox::wire::types;
use pacrat::sandbox::{Sandbox, SandboxOptions};

use super::client::{Client, PASSWORD, contains, done, utf16};
use super::engine::every_type;

/// A sandbox on a runtime of its own, so that tests may block.
pub struct Whole {
    sandbox: Option<Sandbox>,
    runtime: tokio::runtime::Runtime,
}

impl Whole {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let options = SandboxOptions {
            sa_password: Some(PASSWORD.to_owned()),
            listen: ListenConfig::default(),
            ..SandboxOptions::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Self { sandbox: Some(sandbox), runtime }
    }

    pub fn address(&self) -> SocketAddr {
        self.sandbox.as_ref().unwrap().address()
    }

    pub fn client(&self, database: &str) -> Client {
        let mut client = Client::connect(self.address());
        let answer = client.log_in("sa", PASSWORD, database, 32767, None);
        assert!(answer.ends_with(&done(0xFD, 0, 0, 0)), "{answer:02x?}");
        client
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }
}

/// A batch that must not fail.
pub fn order(client: &mut Client, sql: &str) -> Vec<u8> {
    let answer = client.batch(sql);
    let last = &answer[answer.len() - 13..];
    assert!(last[0] == 0xFD && last[1] & 2 == 0, "{sql}: {}", String::from_utf8_lossy(&answer).replace('\0', ""));
    answer
}

/// A type as CREATE TABLE writes it.
fn declaration(ty: &SqlType) -> String {
    let length = |unit: u32| match ty.length {
        u32::MAX => "(max)".to_owned(),
        bytes => format!("({})", bytes / unit),
    };
    match ty.base {
        Base::Decimal => format!("decimal({},{})", ty.precision, ty.scale),
        Base::Numeric => format!("numeric({},{})", ty.precision, ty.scale),
        Base::Time => format!("time({})", ty.scale),
        Base::DateTime2 => format!("datetime2({})", ty.scale),
        Base::DateTimeOffset => format!("datetimeoffset({})", ty.scale),
        Base::Char => format!("char{}", length(1)),
        Base::VarChar => format!("varchar{}", length(1)),
        Base::NChar => format!("nchar{}", length(2)),
        Base::NVarChar => format!("nvarchar{}", length(2)),
        Base::Binary => format!("binary{}", length(1)),
        Base::VarBinary => format!("varbinary{}", length(1)),
        Base::Variant => "sql_variant".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The rows of an answer that has one result.
fn rows(answer: &[u8]) -> Vec<Vec<Value>> {
    let (to, pieces) = tokio::sync::mpsc::channel(1);
    to.try_send(Piece::Last(answer.to_vec())).unwrap();
    let mut stream = Stream::new(pieces);
    let columns = stream.columns().unwrap();
    let form = RowForm::new(columns.iter().map(|column| &column.ty));
    let mut rows = Vec::new();
    while stream.advance().unwrap() {
        rows.push(form.decode(stream.row()).unwrap());
    }
    rows
}

#[test]
fn every_type_loads_by_its_bytes_and_comes_out_as_them() {
    let whole = Whole::start();
    order(&mut whole.client(""), "CREATE DATABASE types");
    let mut client = whole.client("types");
    // rowversion takes no value; the others of these have metadata of another shape for answers.
    let all: Vec<_> = every_type()
        .into_iter()
        .filter(|(_, ty, _)| {
            !matches!(
                ty.base,
                Base::RowVersion | Base::Text | Base::NText | Base::Image | Base::HierarchyId | Base::Xml
            )
        })
        .collect();
    for (table, null) in [("a", "NULL"), ("b", "NOT NULL")] {
        let columns: Vec<String> =
            all.iter().map(|(name, ty, _)| format!("[{name}] {} {null}", declaration(ty))).collect();
        order(&mut client, &format!("CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, {})", columns.join(", ")));
        let list: Vec<String> = all.iter().map(|(name, ty, _)| format!("[{name}] {}", declaration(ty))).collect();
        let nullable = null == "NULL";
        let mut stream = vec![0x81];
        stream.extend_from_slice(&(all.len() as u16 + 1).to_le_bytes());
        stream.extend_from_slice(&[0, 0, 0, 0, 8, 0, 0x26, 4, 2]);
        stream.extend_from_slice(&utf16("id"));
        for (_, ty, _) in &all {
            stream.extend_from_slice(&[0, 0, 0, 0, 8 | u8::from(nullable), 0]);
            types::write(ty, false, &mut stream);
            stream.push(1);
            stream.extend_from_slice(&utf16("c"));
        }
        let int = SqlType { base: Base::Int, length: 0, precision: 0, scale: 0, collation: None, detail: None };
        let form = RowForm::new(std::iter::once(&int).chain(all.iter().map(|(_, ty, _)| ty)));
        let mut expected = Vec::new();
        for id in 0..3 {
            let mut row = vec![Value::Int(id)];
            row.extend(all.iter().map(|(.., v)| if nullable && id == 1 { Value::Null } else { v.clone() }));
            stream.push(0xD1);
            form.encode(&row, &mut stream).unwrap();
            expected.push(row);
        }
        stream.extend_from_slice(&[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        order(&mut client, &format!("INSERT BULK {table} ([id] int, {}) WITH (KEEP_NULLS)", list.join(", ")));
        client.send(7, &stream);
        let answer = client.receive().unwrap().1;
        assert_eq!(answer, done(0xFD, 0x10, 240, 3), "{}", String::from_utf8_lossy(&answer).replace('\0', ""));
        let answer = order(&mut client, &format!("SELECT * FROM {table}"));
        let got = rows(&answer);
        for (index, (name, ..)) in all.iter().enumerate() {
            for id in 0..3 {
                assert_eq!(got[id][index + 1], expected[id][index + 1], "{table}.{name}, row {id}");
            }
        }
    }
}

#[test]
fn fact_22_and_68_transactions_reach_the_client() {
    let whole = Whole::start();
    let mut client = whole.client("");
    order(&mut client, "CREATE DATABASE d");
    let mut client = whole.client("d");
    order(&mut client, "CREATE TABLE t (a int NOT NULL PRIMARY KEY)");
    let answer = order(&mut client, "BEGIN TRAN INSERT t VALUES (1)");
    assert!(contains(&answer, &[0xE3, 11, 0, 8, 8]), "ENVCHANGE 8 with a descriptor");
    let answer = order(&mut client, "ROLLBACK");
    assert!(contains(&answer, &[0xE3, 11, 0, 10, 0, 8]), "ENVCHANGE 10");
    assert!(order(&mut client, "SELECT * FROM t").ends_with(&done(0xFD, 0x10, 193, 0)));
}

/// A stream of one int column with these rows.
fn ints(rows: std::ops::Range<i32>) -> Vec<u8> {
    let mut stream = vec![0x81, 1, 0, 0, 0, 0, 0, 8, 0, 0x26, 4, 0];
    for row in rows {
        stream.extend_from_slice(&[0xD1, 4]);
        stream.extend_from_slice(&row.to_le_bytes());
    }
    stream.extend_from_slice(&[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    stream
}

fn count(client: &mut Client, table: &str) -> Value {
    rows(&order(client, &format!("SELECT COUNT(*) FROM {table}")))[0][0].clone()
}

#[test]
fn fact_21_and_25_a_load_that_fails_or_breaks_leaves_nothing() {
    let whole = Whole::start();
    order(&mut whole.client(""), "CREATE DATABASE d");
    let mut client = whole.client("d");
    order(&mut client, "CREATE TABLE t (a int NOT NULL PRIMARY KEY)");
    let faults = whole.sandbox.as_ref().unwrap().faults().clone();

    faults.add("error=1105,after-rows=500,on=insert bulk".parse().unwrap());
    order(&mut client, "INSERT BULK t (a int)");
    client.send(7, &ints(0..1000));
    let answer = client.receive().unwrap().1;
    assert!(contains(&answer, &1105i32.to_le_bytes()) && answer.ends_with(&done(0xFD, 2, 253, 0)));
    assert_eq!(count(&mut client, "t"), Value::Int(0));
    let error = rows(&order(&mut client, "INSERT t VALUES (-1) DELETE t SELECT @@ERROR")[26..]);
    assert_eq!(error[0][0], Value::Int(0));

    faults.add("drop-after-rows=500,direction=received,on=insert bulk".parse().unwrap());
    order(&mut client, "INSERT BULK t (a int)");
    client.send(7, &ints(0..1000));
    assert!(client.is_closed());
    let mut client = whole.client("d");
    assert_eq!(count(&mut client, "t"), Value::Int(0));

    order(&mut client, "INSERT BULK t (a int)");
    client.send(7, &ints(0..1000));
    assert_eq!(client.receive().unwrap().1, done(0xFD, 0x10, 240, 1000));
    assert_eq!(count(&mut client, "t"), Value::Int(1000));

    // A duplicate in the middle: 2627 and 3621, and nothing of it.
    order(&mut client, "INSERT BULK t (a int)");
    client.send(7, &ints(900..2000));
    let answer = client.receive().unwrap().1;
    assert!(contains(&answer, &2627i32.to_le_bytes()) && contains(&answer, &3621i32.to_le_bytes()));
    assert!(answer.ends_with(&done(0xFD, 2, 240, 0)), "fact 23");
    assert_eq!(count(&mut client, "t"), Value::Int(1000));
}

#[test]
fn a_deadlock_on_demand_rolls_the_transaction_back() {
    let whole = Whole::start();
    order(&mut whole.client(""), "CREATE DATABASE d");
    let mut client = whole.client("d");
    order(&mut client, "CREATE TABLE t (a int NOT NULL PRIMARY KEY)");
    order(&mut client, "BEGIN TRAN INSERT t VALUES (1)");
    whole.sandbox.as_ref().unwrap().faults().add("error=1205,on=INSERT t".parse().unwrap());
    let answer = client.batch("INSERT t VALUES (2)");
    assert!(contains(&answer, &1205i32.to_le_bytes()));
    assert!(contains(&answer, &[0xE3, 11, 0, 10, 0, 8]), "ENVCHANGE 10");
    assert_eq!(rows(&order(&mut client, "SELECT @@TRANCOUNT"))[0][0], Value::Int(0));
    assert_eq!(count(&mut client, "t"), Value::Int(0));
}

#[test]
fn fact_73_a_long_query_is_cancelled_soon() {
    let whole = Whole::start();
    order(&mut whole.client(""), "CREATE DATABASE d");
    let mut client = whole.client("d");
    order(&mut client, "CREATE TABLE t (a int NOT NULL PRIMARY KEY)");
    order(&mut client, "INSERT BULK t (a int)");
    client.send(7, &ints(0..3000));
    client.receive().unwrap();
    for sql in [
        "SELECT COUNT_BIG(*) FROM t a CROSS JOIN t b CROSS JOIN t c WHERE a.a + b.a + c.a > 5",
        "SELECT * FROM t a CROSS JOIN t b CROSS JOIN t c",
        "WAITFOR DELAY '00:01:00'",
        "SELECT TOP 1 a.a FROM t a CROSS JOIN t b CROSS JOIN t c ORDER BY a.a + b.a * c.a DESC",
    ] {
        client.send_batch(sql);
        std::thread::sleep(std::time::Duration::from_millis(50));
        let before = std::time::Instant::now();
        client.send(6, &[]);
        loop {
            let (_, answer) = client.receive().unwrap();
            if answer.starts_with(&[0xFD, 0x20, 0]) {
                break;
            }
        }
        assert!(before.elapsed() < std::time::Duration::from_secs(2), "{sql}: {:?}", before.elapsed());
        assert_eq!(count(&mut client, "t"), Value::Int(3000));
    }
}

#[test]
fn a_folder_that_is_kept_has_its_databases_again() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let start = |password: &str| {
        let options = SandboxOptions {
            sa_password: Some(password.to_owned()),
            data: Some(folder.path().to_owned()),
            ..SandboxOptions::default()
        };
        runtime.block_on(Sandbox::start(options)).unwrap()
    };
    let sandbox = start("first");
    let mut client = Client::connect(sandbox.address());
    client.log_in("sa", "first", "", 32767, None);
    order(&mut client, "CREATE DATABASE d");
    order(&mut client, "USE d");
    order(&mut client, "CREATE TABLE t (a int NOT NULL PRIMARY KEY)");
    order(&mut client, "INSERT t VALUES (1), (2)");
    order(&mut client, "BEGIN TRAN INSERT t VALUES (3)");
    runtime.block_on(sandbox.stop());
    drop(client);

    let sandbox = start(PASSWORD);
    let mut client = Client::login(sandbox.address());
    assert_eq!(count(&mut client, "d.dbo.t"), Value::Int(2), "what was not committed is not there");
    runtime.block_on(sandbox.stop());
}

/// Both drivers over the real engine.
mod drivers {
    use async_trait::async_trait;
    use mssql_tds::connection::bulk_copy::{BulkCopy, BulkLoadRow};
    use mssql_tds::connection::tds_client::{ExecuteOptions, ResultSet as _, StatementResult, TdsClient};
    use mssql_tds::core::{EncryptionSetting, TdsResult};
    use mssql_tds::datatypes::column_values::ColumnValues;
    use mssql_tds::message::bulk_load::StreamingBulkLoadWriter;
    use tiberius::EncryptionLevel;

    use super::super::drivers::{mssql_at, tiberius_at};
    use super::*;

    async fn sandbox() -> Sandbox {
        let options = SandboxOptions { sa_password: Some(PASSWORD.to_owned()), ..SandboxOptions::default() };
        Sandbox::start(options).await.unwrap()
    }

    struct Person(i32, Option<String>, f64);

    #[async_trait]
    impl BulkLoadRow for Person {
        async fn write_to_packet(&self, to: &mut StreamingBulkLoadWriter<'_>, column: &mut usize) -> TdsResult<()> {
            let name = self.1.clone().map_or(ColumnValues::Null, |name| {
                ColumnValues::String(mssql_tds::datatypes::sql_string::SqlString::from_utf8_string(name))
            });
            for value in [ColumnValues::Int(self.0), name, ColumnValues::Float(self.2)] {
                to.write_column_value(*column, &value).await?;
                *column += 1;
            }
            Ok(())
        }
    }

    async fn run(client: &mut TdsClient, sql: &str) {
        let mut at =
            client.execute(sql.to_owned(), ExecuteOptions::new()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        while at != StatementResult::End {
            at = client.advance().await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rows_loaded_by_mssql_tds_are_read_by_both() {
        let sandbox = sandbox().await;
        let mut client = mssql_at(sandbox.address(), None, EncryptionSetting::PreferOff).await.unwrap();
        run(&mut client, "CREATE DATABASE people").await;
        run(&mut client, "USE people").await;
        run(&mut client, "CREATE TABLE dbo.p (id int NOT NULL PRIMARY KEY, name nvarchar(50) NULL, x float NOT NULL)")
            .await;
        let people =
            (0..10_000).map(|id| Person(id, (id % 7 != 0).then(|| format!("člověk {id}")), f64::from(id) / 3.0));
        // The driver asks the server itself what the table's columns are.
        let result = BulkCopy::new(&mut client, "dbo.p").write_to_server_zerocopy(people.collect::<Vec<_>>()).await;
        assert_eq!(result.unwrap().rows_affected, 10_000);

        client.execute("SELECT id, name, x FROM dbo.p ORDER BY id".to_owned(), ExecuteOptions::new()).await.unwrap();
        let mut rows = 0;
        while let Some(row) = client.next_row().await.unwrap() {
            assert_eq!(row[0], ColumnValues::Int(rows));
            assert_eq!(row[1] == ColumnValues::Null, rows % 7 == 0);
            assert_eq!(row[2], ColumnValues::Float(f64::from(rows) / 3.0));
            rows += 1;
        }
        assert_eq!(rows, 10_000);

        let mut other = tiberius_at(sandbox.address(), EncryptionLevel::Required).await.unwrap();
        other.execute("USE people", &[]).await.map(drop).ok();
        let rows = other
            .query(
                "SELECT COUNT_BIG(*), MIN(id), MAX(name) FROM people.dbo.p WHERE id > @P1 AND name IS NOT NULL",
                &[&99i32],
            )
            .await
            .unwrap()
            .into_first_result()
            .await
            .unwrap();
        assert_eq!(rows[0].get::<i64, _>(0), Some((100..10_000).filter(|id| id % 7 != 0).count() as i64));
        assert_eq!(rows[0].get::<i32, _>(1), Some(100));
        assert_eq!(rows[0].get::<&str, _>(2), Some("člověk 9999"));
        let error = other.simple_query("INSERT people.dbo.p VALUES (1, N'x', 0)").await.map(drop).unwrap_err();
        assert_eq!(error.code(), Some(2627));
        sandbox.stop().await;
    }

    /// Speed of the whole, with `--ignored --nocapture`: a million rows of six columns in and out.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "a measurement"]
    async fn a_million_rows_in_and_out() {
        let sandbox = sandbox().await;
        let address = sandbox.address();
        tokio::task::spawn_blocking(move || measure(address)).await.unwrap();
        let mut client = mssql_at(address, Some("speed"), EncryptionSetting::PreferOff).await.unwrap();
        let before = std::time::Instant::now();
        client.execute("SELECT * FROM t".to_owned(), ExecuteOptions::new()).await.unwrap();
        let mut rows = 0;
        while client.next_row().await.unwrap().is_some() {
            rows += 1;
        }
        eprintln!("mssql-tds reads {rows} rows in {:.2?}", before.elapsed());
    }

    fn measure(address: SocketAddr) {
        use std::io::Read;
        let types = [
            declared(Base::Int, 0),
            declared(Base::NVarChar, 40),
            SqlType { precision: 18, scale: 4, ..declared(Base::Decimal, 0) },
            declared(Base::BigInt, 0),
            SqlType { scale: 7, ..declared(Base::DateTime2, 0) },
            declared(Base::VarChar, 60),
        ];
        let mut client = Client::connect(address);
        client.log_in("sa", PASSWORD, "", 32767, None);
        order(&mut client, "CREATE DATABASE speed");
        order(&mut client, "USE speed");
        let columns =
            "a int NOT NULL PRIMARY KEY, b nvarchar(20), c decimal(18,4), d bigint, e datetime2(7), f varchar(60)";
        order(&mut client, &format!("CREATE TABLE t ({columns})"));
        let mut stream = vec![0x81, 6, 0];
        for (index, ty) in types.iter().enumerate() {
            stream.extend_from_slice(&[0, 0, 0, 0, 8 | u8::from(index > 0), 0]);
            types::write(ty, false, &mut stream);
            stream.push(0);
        }
        let form = RowForm::new(&types);
        for id in 0..1_000_000 {
            stream.push(0xD1);
            let row = [
                Value::Int(id),
                Value::NChar(super::super::engine::utf16("name of a person")),
                Value::Decimal { negative: false, magnitude: 123_456, precision: 18, scale: 4 },
                Value::BigInt(i64::from(id) * 7),
                Value::DateTime2 { days: 738_000, ticks: 12345, scale: 7 },
                Value::Char(b"some words of an ordinary length, as they are"[..].into()),
            ];
            form.encode(&row, &mut stream).unwrap();
        }
        stream.extend_from_slice(&[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let megabytes = stream.len() as f64 / 1e6;
        let bytes = super::super::client::packets(7, 0, &stream, 32767);
        let columns = "a int, b nvarchar(20), c decimal(18,4), d bigint, e datetime2(7), f varchar(60)";
        order(&mut client, &format!("INSERT BULK t ({columns}) WITH (TABLOCK, KEEP_NULLS)"));
        let before = std::time::Instant::now();
        std::io::Write::write_all(&mut client.socket, &bytes).unwrap();
        assert_eq!(client.receive().unwrap().1, done(0xFD, 0x10, 240, 1_000_000));
        let taken = before.elapsed();
        eprintln!("in:  {megabytes:.0} MB in {taken:.2?}, {:.0} MB/s", megabytes / taken.as_secs_f64());
        for sql in ["SELECT * FROM t", "SELECT * FROM t ORDER BY a", "SELECT f, a, b FROM t"] {
            client.send_batch(sql);
            let before = std::time::Instant::now();
            let mut reader = std::io::BufReader::with_capacity(256 * 1024, &client.socket);
            let (mut header, mut payload, mut total) = ([0u8; 8], vec![0u8; 32767], 0usize);
            loop {
                reader.read_exact(&mut header).unwrap();
                let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
                reader.read_exact(&mut payload[..length - 8]).unwrap();
                total += length;
                if header[1] & 1 != 0 {
                    break;
                }
            }
            let taken = before.elapsed();
            let megabytes = total as f64 / 1e6;
            eprintln!("out: {sql}: {megabytes:.0} MB in {taken:.2?}, {:.0} MB/s", megabytes / taken.as_secs_f64());
        }
    }

    fn declared(base: Base, length: u32) -> SqlType {
        super::super::engine::sized(base, length)
    }
}
