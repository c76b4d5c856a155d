//! Rows in and rows out over a real connection, without a database behind it: a server that keeps the rows of a bulk
//! load as they came and sends them again. What comes out must be, to the byte, what went in.

mod support;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pacrat::bacpac::bcp::{BcpError, Cell, Encoder, LobKind, RowSink};
use pacrat::bacpac::package::{BoundPackage, Bytes, Limits, PackageError};
use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};
use pacrat::sandbox::collation;
use pacrat::sandbox::fault::{Action, Fault};
use pacrat::sandbox::rowform::RowForm;
use pacrat::sandbox::server::{ListenConfig, Server};
use pacrat::sandbox::session::*;
use pacrat::sandbox::value::{Base, Collation, MAX, SqlType, Value};
use pacrat::sqlserver::connect;
use pacrat::sqlserver::error::SqlError;
use pacrat::sqlserver::rows::{ReadOptions, ServerColumn};
use pacrat::sqlserver::target::{Encryption, Secret, Target};
use support::{bacpacs, shared};
use tokio_util::sync::CancellationToken;

const LATIN: &str = "SQL_Latin1_General_CP1_CI_AS";

/// What the server keeps.
#[derive(Default)]
struct Store {
    plans: HashMap<String, TablePlan>,
    rows: Mutex<HashMap<String, Vec<Vec<Value>>>>,
    /// The INSERT BULK statements.
    statements: Mutex<Vec<String>>,
}

struct Kept(Arc<Store>);

impl Backend for Kept {
    fn login(&self, request: &LoginRequest, _signals: Arc<Signals>) -> Result<LoggedIn, Vec<Message>> {
        let message = |number, class, text: &str| Message {
            number,
            state: 1,
            class,
            text: text.into(),
            procedure: String::new(),
            line: 1,
        };
        // Facts 76 and 77.
        if request.password != "right" {
            return Err(vec![message(18456, 14, "Login failed for user 'sa'.")]);
        }
        if request.database == "missing" {
            return Err(vec![
                message(4060, 11, "Cannot open database \"missing\" requested by the login. The login failed."),
                message(18456, 14, "Login failed for user 'sa'."),
            ]);
        }
        assert_eq!(request.application, "pacrat");
        let tds = collation::by_name(LATIN).unwrap().tds;
        let answers = vec![
            LoginAnswer::Env(EnvChange::Database("master".into(), "master".into())),
            LoginAnswer::Env(EnvChange::Collation(tds)),
            LoginAnswer::Env(EnvChange::Language("us_english".into(), String::new())),
        ];
        Ok((Box::new(Session_ { store: self.0.clone(), pending: None, layout: None, arriving: Vec::new() }), answers))
    }

    fn version(&self) -> (u8, u8, u16) {
        (15, 0, 4430)
    }

    fn server_name(&self) -> String {
        "KEPT".into()
    }
}

struct Session_ {
    store: Arc<Store>,
    pending: Option<String>,
    layout: Option<RowForm>,
    arriving: Vec<Vec<Value>>,
}

fn collation_of(column: &ColumnPlan) -> Option<Arc<Collation>> {
    collation::by_name(column.collation.as_deref().unwrap_or(LATIN))
}

/// The type that a server has for a column.
fn sql_type(column: &ColumnPlan) -> SqlType {
    use BcpType as B;
    let (base, length) = match column.ty {
        B::Bit => (Base::Bit, 0),
        B::TinyInt => (Base::TinyInt, 0),
        B::SmallInt => (Base::SmallInt, 0),
        B::Int => (Base::Int, 0),
        B::BigInt => (Base::BigInt, 0),
        B::Real => (Base::Real, 0),
        B::Float => (Base::Float, 0),
        B::SmallMoney => (Base::SmallMoney, 0),
        B::Money => (Base::Money, 0),
        B::Decimal => (Base::Decimal, 0),
        B::Numeric => (Base::Numeric, 0),
        B::Date => (Base::Date, 0),
        B::Time => (Base::Time, 0),
        B::SmallDateTime => (Base::SmallDateTime, 0),
        B::DateTime => (Base::DateTime, 0),
        B::DateTime2 => (Base::DateTime2, 0),
        B::DateTimeOffset => (Base::DateTimeOffset, 0),
        B::UniqueIdentifier => (Base::UniqueIdentifier, 0),
        B::Char => (Base::Char, column.length),
        B::VarChar => (Base::VarChar, column.length),
        // text, ntext and image are converted by the query.
        B::VarCharMax | B::Text => (Base::VarChar, MAX),
        B::NChar => (Base::NChar, column.length * 2),
        B::NVarChar => (Base::NVarChar, column.length * 2),
        // xml is cast by the query.
        B::NVarCharMax | B::NText | B::Xml | B::Json => (Base::NVarChar, MAX),
        B::Binary => (Base::Binary, column.length),
        B::VarBinary => (Base::VarBinary, column.length),
        B::VarBinaryMax | B::Image | B::HierarchyId | B::Geometry | B::Geography | B::Clr | B::Vector => {
            (Base::VarBinary, MAX)
        }
        B::RowVersion => (Base::RowVersion, 8),
        B::Variant => (Base::Variant, 8009),
    };
    let text = column.ty.is_text() || column.ty == B::Text;
    SqlType {
        base,
        length,
        precision: column.precision,
        scale: column.scale,
        collation: if text { collation_of(column) } else { None },
        detail: None,
    }
}

fn result(ty: SqlType, nullable: bool) -> ResultColumn {
    ResultColumn { name: "c".into(), ty, flags: if nullable { 9 } else { 8 }, user_type: 0 }
}

fn nvarchar(length: u32, of: &Arc<Collation>) -> SqlType {
    SqlType { base: Base::NVarChar, length, precision: 0, scale: 0, collation: Some(of.clone()), detail: None }
}

fn utf16(text: &str) -> Arc<[u8]> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().into()
}

impl Session_ {
    fn table_in(&self, sql: &str) -> String {
        let tables = self.store.plans.keys();
        let mut found: Vec<_> = tables.filter(|t| sql.contains(t.as_str())).collect();
        found.sort_by_key(|t| t.len());
        found.pop().unwrap_or_else(|| panic!("no table in {sql}")).clone()
    }

    fn select(&self, sql: &str, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        let done = |rows| Done { command: 0xC1, rows: Some(rows), error: false };
        if sql.starts_with("SELECT DISTINCT") {
            let rows = self.store.rows.lock().unwrap();
            let mut names = BTreeSet::new();
            for value in rows.get(&self.table_in(sql)).into_iter().flatten().flatten() {
                if let Value::Variant(v) = value {
                    names.extend(v.ty.collation.as_ref().map(|c| c.name.clone()));
                }
            }
            reply.columns(&[result(nvarchar(256, &collation::default()), true)])?;
            for name in &names {
                reply.row(&[Value::NChar(utf16(name))])?;
            }
            return reply.done(done(names.len() as u64), DoneKind::Statement);
        }
        if sql.starts_with("SELECT N'' COLLATE") {
            let names = sql.split("COLLATE ").skip(1).map(|n| n.split(',').next().unwrap().trim());
            let columns: Vec<_> = names.map(|n| result(nvarchar(2, &collation::by_name(n).unwrap()), false)).collect();
            reply.columns(&columns)?;
            reply.row(&vec![Value::NChar(utf16("")); columns.len()])?;
            return reply.done(done(1), DoneKind::Statement);
        }
        let table = self.table_in(sql);
        let plan = &self.store.plans[&table];
        let mut columns = Vec::new();
        let int = ColumnPlan::new("", BcpType::Int, true);
        for c in &plan.columns {
            match c.ty {
                BcpType::Variant => columns.push(result(nvarchar(256, &collation::default()), true)),
                BcpType::Text | BcpType::NText | BcpType::Image => columns.push(result(sql_type(&int), true)),
                _ => {}
            }
            columns.push(result(sql_type(c), c.nullable));
        }
        reply.columns(&columns)?;
        let rows = self.store.rows.lock().unwrap().get(&table).cloned().unwrap_or_default();
        for row in &rows {
            let mut out = Vec::new();
            for (column, value) in plan.columns.iter().zip(row) {
                match (column.ty, value) {
                    (BcpType::Variant, Value::Variant(v)) => {
                        out.push(v.ty.collation.as_ref().map_or(Value::Null, |c| Value::NChar(utf16(&c.name))));
                    }
                    (BcpType::Variant, _) => out.push(Value::Null),
                    (BcpType::Text | BcpType::NText | BcpType::Image, value) => out.push(match value {
                        Value::Char(b) | Value::NChar(b) | Value::Binary(b) => Value::Int(b.len() as i32),
                        _ => Value::Null,
                    }),
                    _ => {}
                }
                out.push(value.clone());
            }
            reply.row(&out)?;
        }
        reply.done(done(rows.len() as u64), DoneKind::Statement)
    }
}

impl Session for Session_ {
    fn spid(&self) -> u16 {
        51
    }

    fn batch(&mut self, sql: &str, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        if sql.starts_with("INSERT BULK") {
            self.store.statements.lock().unwrap().push(sql.to_owned());
            self.pending = Some(self.table_in(sql.split(" (").next().unwrap()));
            return reply.done(Done { command: 253, rows: None, error: false }, DoneKind::Statement);
        }
        if sql.starts_with("SELECT") {
            return self.select(sql, reply);
        }
        if sql.starts_with("FAIL") {
            // A failed constraint: the cause, then 1750 (fact 51).
            for (number, text) in [(1505, "duplicate key"), (1750, "Could not create constraint or index.")] {
                reply.message(&Message {
                    number,
                    state: 1,
                    class: 16,
                    text: text.into(),
                    procedure: String::new(),
                    line: 2,
                })?;
            }
            return reply.done(Done { command: 253, rows: None, error: true }, DoneKind::Statement);
        }
        if sql.starts_with("SILENT") {
            // Fact 7.
            return reply.done(Done { command: 253, rows: None, error: true }, DoneKind::Statement);
        }
        reply.done(Done { command: 253, rows: None, error: false }, DoneKind::Statement)
    }

    fn rpc(&mut self, _: &str, _: &[Parameter], _: &mut dyn Reply) -> Result<(), Abandoned> {
        unreachable!("no procedure is called")
    }

    fn transaction(&mut self, request: &TransactionRequest, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        if let TransactionRequest::Begin { isolation, .. } = request {
            assert_eq!(*isolation, 5, "snapshot");
            reply.env(&EnvChange::Begin([1; 8]))?;
        }
        reply.done(Done { command: 0xD4, rows: None, error: false }, DoneKind::Statement)
    }

    fn bulk_pending(&self) -> bool {
        self.pending.is_some()
    }

    fn bulk_columns(&mut self, columns: &[BulkColumn], _: &mut dyn Reply) -> Result<bool, Abandoned> {
        let table = self.pending.clone().unwrap();
        let expected: Vec<_> =
            self.store.plans[&table].columns.iter().filter(|c| c.ty != BcpType::RowVersion).collect();
        assert_eq!(columns.len(), expected.len());
        for (found, plan) in columns.iter().zip(expected) {
            // Fact 12.
            assert_eq!(found.nullable, plan.nullable, "{table}.{}", plan.name);
        }
        self.layout = Some(RowForm::new(columns.iter().map(|c| &c.ty)));
        self.arriving.clear();
        Ok(true)
    }

    fn bulk_row(&mut self, body: &[u8], _: &mut dyn Reply) -> Result<bool, Abandoned> {
        self.arriving.push(self.layout.as_ref().unwrap().decode(body).unwrap());
        Ok(true)
    }

    fn fail(&mut self, message: &Message, kind: DoneKind, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        reply.message(message)?;
        reply.done(Done { command: 253, rows: None, error: true }, kind)
    }

    fn bulk_end(&mut self, end: BulkEnd, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        let table = self.pending.take().unwrap();
        let arrived = std::mem::take(&mut self.arriving);
        match end {
            BulkEnd::Complete => {}
            BulkEnd::Refused(message) => return self.fail(&message, DoneKind::Statement, reply),
            BulkEnd::Abandoned => return Ok(()),
        }
        let count = arrived.len() as u64;
        let plan = &self.store.plans[&table];
        let mut rows = self.store.rows.lock().unwrap();
        let kept = rows.entry(table).or_default();
        for row in arrived {
            let mut values = row.into_iter();
            let whole = plan.columns.iter().map(|c| match c.ty {
                BcpType::RowVersion => Value::Binary(Arc::from([0u8; 8])),
                _ => values.next().unwrap(),
            });
            kept.push(whole.collect());
        }
        reply.done(Done { command: 240, rows: Some(count), error: false }, DoneKind::Statement)
    }

    fn reset(&mut self, _: bool) {}

    fn attention(&mut self, _: &mut dyn Reply) -> u16 {
        self.pending = None;
        253
    }
}

/// The rows of a table as the encoder writes them, rowversions being all zero: a server makes new ones.
struct Expected {
    plan: Arc<TablePlan>,
    encoder: Encoder,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Rows(#[from] BcpError),
    #[error(transparent)]
    Package(#[from] PackageError),
}

impl RowSink for Expected {
    type Error = Failed;
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Failed> {
        let cell = match (self.plan.columns[column].ty, cell) {
            (BcpType::RowVersion, _) => Cell::Binary(&[0; 8]),
            (_, cell) => cell,
        };
        Ok(self.encoder.cell(column, cell)?)
    }
    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), Failed> {
        Ok(self.encoder.lob_start(column, kind, length)?)
    }
    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), Failed> {
        Ok(self.encoder.lob_piece(column, piece)?)
    }
    fn lob_end(&mut self, column: usize) -> Result<(), Failed> {
        Ok(self.encoder.lob_end(column)?)
    }
    fn row_end(&mut self) -> Result<(), Failed> {
        Ok(self.encoder.row_end()?)
    }
}

fn columns(plan: &TablePlan) -> Vec<ServerColumn> {
    plan.columns
        .iter()
        .map(|c| {
            let collation = collation_of(c);
            ServerColumn {
                name: c.name.clone(),
                nullable: c.nullable,
                code_page: collation.as_ref().map(|c| c.code_page),
                collation: collation.map(|c| c.name.clone()),
            }
        })
        .collect()
}

async fn start(plans: Vec<TablePlan>) -> (Server, Arc<Store>, Target) {
    let plans = plans.into_iter().map(|p| (format!("[{}].[{}]", p.schema, p.table), p)).collect();
    let store = Arc::new(Store { plans, ..Store::default() });
    let server = Server::start(Arc::new(Kept(store.clone())), ListenConfig::default()).await.unwrap();
    let mut target = Target::new("localhost", "sa", Secret::new("right"));
    target.port = Some(server.address().port());
    target.host = "127.0.0.1".into();
    target.encryption = Encryption::Off;
    (server, store, target)
}

fn small() -> TablePlan {
    TablePlan::new(
        "dbo",
        "t",
        vec![
            ColumnPlan::new("id", BcpType::Int, false),
            ColumnPlan::new("name", BcpType::NVarChar, true).with_length(50),
        ],
    )
}

/// So many rows of [`small`].
fn small_rows(count: i32) -> Vec<u8> {
    let mut encoder = Encoder::new(Arc::new(small()));
    for i in 0..count {
        encoder.cell(0, Cell::Int(i)).unwrap();
        let name = utf16(&format!("row number {i}"));
        encoder.cell(1, if i % 7 == 0 { Cell::Null } else { Cell::Text(&name) }).unwrap();
        encoder.row_end().unwrap();
    }
    encoder.take(Vec::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_rows_go_in_and_come_out_to_the_byte() {
    let Some(shared) = shared("tests/driver.rs") else { return };
    let cancel = CancellationToken::new();
    let mut tables = 0;
    for (name, path) in bacpacs(&shared) {
        let (package, _) = BoundPackage::open(Bytes::new(std::fs::read(path).unwrap()), Limits::default()).unwrap();
        let with_rows: Vec<_> = package.tables().iter().filter(|t| !t.parts.is_empty()).collect();
        let (server, _store, target) = start(with_rows.iter().map(|t| TablePlan::clone(&t.plan)).collect()).await;
        let mut connection = connect::open_rows(&target, &cancel).await.unwrap();
        for table in with_rows {
            let what = format!("{name}: {}", table.plan);
            let mut expected = Expected { plan: table.plan.clone(), encoder: Encoder::new(table.plan.clone()) };
            let rows = package.read_table(table, &mut expected).unwrap();
            let bytes = expected.encoder.take(Vec::new());
            if table.plan.columns.iter().all(|c| c.ty == BcpType::RowVersion) {
                continue;
            }
            let columns = columns(&table.plan);
            let mut loader = connection.load_table(&table.plan, &columns, &cancel).await.expect(&what);
            // Cut anywhere.
            for piece in bytes.chunks(100_003) {
                loader.write(piece, &cancel).await.unwrap_or_else(|e| panic!("{what}: {e}"));
            }
            assert_eq!(loader.finish(&cancel).await.unwrap_or_else(|e| panic!("{what}: {e}")), rows, "{what}");
            let options = ReadOptions { order: Vec::new(), columns };
            let mut source = connection.read_table(&table.plan, &options, &cancel).await.expect(&what);
            let mut encoder = Encoder::new(table.plan.clone());
            let mut read = 0;
            loop {
                let target = encoder.bytes().len() + 50_000;
                let fill = source.read(&mut encoder, target, &cancel).await.unwrap_or_else(|e| panic!("{what}: {e}"));
                read += fill.rows;
                if fill.end {
                    break;
                }
            }
            source.close().await.unwrap();
            assert_eq!(read, rows, "{what}");
            assert!(encoder.bytes() == bytes, "{what}: {} bytes out, {} in", encoder.bytes().len(), bytes.len());
            tables += 1;
        }
        drop(connection);
        server.stop().await;
    }
    assert!(tables >= 144, "{tables} tables");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statement_keeps_nulls_and_locks_and_is_in_the_columns_collation() {
    let plan = TablePlan::new(
        "d]b",
        "t",
        vec![
            ColumnPlan::new("i]d", BcpType::Int, false),
            ColumnPlan::new("v", BcpType::VarChar, true).with_length(10).with_collation("Thai_CI_AI"),
            ColumnPlan::new("n", BcpType::NVarChar, true).with_length(50),
            ColumnPlan::new("t", BcpType::Time, true).with_scale(3),
            ColumnPlan::new("x", BcpType::Xml, true),
            ColumnPlan::new("g", BcpType::Geography, true),
            ColumnPlan::new("r", BcpType::RowVersion, false),
        ],
    );
    let cancel = CancellationToken::new();
    let store = Arc::new(Store { plans: [("[d]]b].[t]".to_owned(), plan.clone())].into(), ..Store::default() });
    let server = Server::start(Arc::new(Kept(store.clone())), ListenConfig::default()).await.unwrap();
    let mut target = Target::new("127.0.0.1", "sa", Secret::new("right"));
    (target.port, target.trust_certificate) = (Some(server.address().port()), true);
    let mut connection = connect::open_rows(&target, &cancel).await.unwrap();
    let mut loader = connection.load_table(&plan, &columns(&plan), &cancel).await.unwrap();
    let mut encoder = Encoder::new(Arc::new(plan.clone()));
    encoder.cell(0, Cell::Int(1)).unwrap();
    for i in 1..6 {
        encoder.cell(i, Cell::Null).unwrap();
    }
    encoder.cell(6, Cell::Binary(&[0; 8])).unwrap();
    encoder.row_end().unwrap();
    loader.write(encoder.bytes(), &cancel).await.unwrap();
    loader.finish(&cancel).await.unwrap();
    assert_eq!(
        *store.statements.lock().unwrap(),
        ["INSERT BULK [d]]b].[t] ([i]]d] int, [v] varchar(10) COLLATE Thai_CI_AI, [n] nvarchar(50), [t] time(3), \
         [x] xml, [g] varbinary(max)) WITH (KEEP_NULLS, TABLOCK)"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_are_refused_in_the_servers_words() {
    let (_server, _store, mut target) = start(vec![small()]).await;
    let cancel = CancellationToken::new();
    target.password = Secret::new("wrong");
    for error in [connect::open(&target, &cancel).await.err(), connect::open_questions(&target, &cancel).await.err()] {
        let error = error.expect("a wrong password");
        assert!(matches!(error, SqlError::Login { .. }), "{error:?}");
        assert_eq!(error.number(), Some(18456));
        assert!(!format!("{error} {error:?}").contains("wrong"));
        assert!(error.hint().is_some() && !error.retryable());
    }
    target.password = Secret::new("right");
    target.database = Some("missing".into());
    let error = connect::open(&target, &cancel).await.err().expect("a missing database");
    assert_eq!(error.number(), Some(4060), "the first of the two says what is the matter");
    assert!(error.server().unwrap().has(18456));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_and_own_ca() {
    let cancel = CancellationToken::new();
    let dir = tempfile::tempdir().unwrap();
    let (server, _store, mut target) = start(vec![small()]).await;
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, server.certificate_pem().unwrap()).unwrap();
    target.encryption = Encryption::On;
    // Nobody knows the certificate.
    for error in [connect::open(&target, &cancel).await.err(), connect::open_questions(&target, &cancel).await.err()] {
        assert!(matches!(error, Some(SqlError::Tls { .. })), "{error:?}");
    }
    target.ca_file = Some(ca);
    target.host = "localhost".into();
    connect::open(&target, &cancel).await.unwrap().batch("SET NOCOUNT ON", "x", &cancel).await.unwrap();
    connect::open_questions(&target, &cancel).await.unwrap().batch("SET NOCOUNT ON", "x", &cancel).await.unwrap();
    connect::open_rows(&target, &cancel).await.unwrap();
    // Another name than the certificate's.
    target.certificate_host = Some("db.example.org".into());
    for error in [connect::open(&target, &cancel).await.err(), connect::open_questions(&target, &cancel).await.err()] {
        assert!(matches!(error, Some(SqlError::Tls { .. })), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_errors_of_a_batch_are_told_and_the_connection_lives() {
    let (_server, _store, target) = start(vec![small()]).await;
    let cancel = CancellationToken::new();
    let mut orders = connect::open(&target, &cancel).await.unwrap();
    let error = orders.batch("FAIL", "creating PK_t", &cancel).await.unwrap_err();
    assert_eq!(error.number(), Some(1505));
    assert!(error.server().unwrap().has(1750));
    orders.batch("SET NOCOUNT ON", "x", &cancel).await.unwrap();
    // Fact 7: an error without its words is one all the same.
    let error = orders.batch("SILENT", "x", &cancel).await.unwrap_err();
    assert!(matches!(error, SqlError::Unexpected { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_server_is_left_within_two_seconds() {
    let (server, store, target) = start(vec![small()]).await;
    let cancel = CancellationToken::new();
    let rows = small_rows(20_000);
    let mut connection = connect::open_rows(&target, &cancel).await.unwrap();
    let columns = columns(&small());
    let mut loader = connection.load_table(&small(), &columns, &cancel).await.unwrap();
    loader.write(&rows, &cancel).await.unwrap();
    loader.finish(&cancel).await.unwrap();
    assert_eq!(store.rows.lock().unwrap()["[dbo].[t]"].len(), 20_000);

    // While rows come.
    server.faults().add(Fault::new(Action::Stall(None)).on("SELECT [id]").after_rows(5_000));
    let options = ReadOptions { order: Vec::new(), columns: columns.clone() };
    let stop = CancellationToken::new();
    let mut source = connection.read_table(&small(), &options, &stop).await.unwrap();
    let mut encoder = Encoder::new(Arc::new(small()));
    let started = Instant::now();
    let (result, ()) = tokio::join!(source.read(&mut encoder, usize::MAX, &stop), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.cancel();
    });
    assert!(matches!(result, Err(SqlError::Cancelled)), "{result:?}");
    assert!(started.elapsed() < Duration::from_millis(2_300), "{:?}", started.elapsed());
    drop(source);
    server.faults().clear();

    // While rows go in.
    let mut connection = connect::open_rows(&target, &cancel).await.unwrap();
    server.faults().add(
        Fault::new(Action::Stall(None))
            .on("INSERT BULK")
            .after_rows(1_000)
            .direction(pacrat::sandbox::fault::Direction::Received),
    );
    let stop = CancellationToken::new();
    let mut loader = connection.load_table(&small(), &columns, &stop).await.unwrap();
    let started = Instant::now();
    let ((), ()) = tokio::join!(
        async {
            let mut result = Ok(());
            while result.is_ok() {
                result = loader.write(&rows, &stop).await;
            }
            assert!(matches!(result, Err(SqlError::Cancelled)), "{result:?}");
        },
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stop.cancel();
        }
    );
    assert!(started.elapsed() < Duration::from_millis(2_300), "{:?}", started.elapsed());
    drop(loader);
    server.faults().clear();
    assert_eq!(store.rows.lock().unwrap()["[dbo].[t]"].len(), 20_000, "a load cut off leaves nothing");
}
