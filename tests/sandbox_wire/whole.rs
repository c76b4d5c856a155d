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
