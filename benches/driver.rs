//! How fast rows come from the wire into the data stream, and go back: `cargo bench --bench driver`.
//!
//! The answer of a server to a SELECT of 1 M rows × 6 columns (about 90 MB of BCP) is recorded once and played again by
//! a listener that only writes bytes, so that no server's work is in the figures. Told apart: the driver alone, with a
//! writer that looks at every value and keeps none, and the same with the encoder behind it. For loads the listener
//! reads and throws away.

use std::borrow::Cow;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mssql_tds::connection::client_context::ClientContext;
use mssql_tds::connection::tds_client::ExecuteOptions;
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::{CancelHandle, EncryptionOptions, EncryptionSetting};
use mssql_tds::datatypes::column_values::*;
use mssql_tds::datatypes::decoder::DecimalParts;
use mssql_tds::datatypes::row_writer::RowWriter;
use mssql_tds::datatypes::sql_json::SqlJson;
use mssql_tds::datatypes::sql_string::EncodingType;
use mssql_tds::datatypes::sql_vector::SqlVector;
use pacrat::bacpac::bcp::{Cell, Encoder, RowSink};
use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};
use pacrat::sqlserver::connect;
use pacrat::sqlserver::rows::{ReadOptions, ServerColumn};
use pacrat::sqlserver::target::{Encryption, Secret, Target};
use tokio_util::sync::CancellationToken;

const ROWS: u32 = 1_000_000;
const ROUNDS: usize = 3;

fn plan() -> TablePlan {
    use BcpType::*;
    TablePlan::new(
        "dbo",
        "t",
        vec![
            ColumnPlan::new("id", Int, false),
            ColumnPlan::new("customer", BigInt, true),
            ColumnPlan::new("price", Money, false),
            ColumnPlan::new("placed", DateTime2, false).with_scale(7),
            ColumnPlan::new("amount", Decimal, true).with_precision(18, 4),
            ColumnPlan::new("name", NVarChar, true).with_length(50),
        ],
    )
}

/// The row's cells, the same every time.
fn row(i: u32, name: &mut Vec<u8>) -> [Cell<'_>; 6] {
    name.clear();
    for unit in format!("customer number {i:08}").encode_utf16() {
        name.extend_from_slice(&unit.to_le_bytes());
    }
    let n = i64::from(i);
    [
        Cell::Int(i as i32),
        if i.is_multiple_of(10) { Cell::Null } else { Cell::BigInt(n * 7919) },
        Cell::Money(n * 12_345),
        Cell::DateTime2 { days: 737_000 + i % 5_000, ticks: u64::from(i) * 100_000 % 864_000_000_000 },
        Cell::Decimal { negative: i.is_multiple_of(3) && i > 0, magnitude: u128::from(i) * 1_000_003 },
        Cell::Text(name),
    ]
}

fn packet(kind: u8, last: bool, payload: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
    out.extend_from_slice(&[kind, u8::from(last), length[0], length[1], 0, 51, 1, 0]);
    out.extend_from_slice(payload);
}

fn message(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + payload.len() / 4000 + 16);
    let mut pieces = payload.chunks(32_767 - 8).peekable();
    while let Some(piece) = pieces.next() {
        packet(4, pieces.peek().is_none(), piece, &mut out);
    }
    out
}

fn done(status: u16, command: u16) -> Vec<u8> {
    let mut out = vec![0xFD];
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(&command.to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    out
}

fn b_varchar(text: &str, out: &mut Vec<u8>) {
    out.push(text.encode_utf16().count() as u8);
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}

/// The database (without which the driver refuses the login), the collation, LOGINACK, the packet size, DONE.
fn login() -> Vec<u8> {
    let mut payload = Vec::new();
    let mut token = |kind: u8, body: Vec<u8>| {
        payload.push(kind);
        payload.extend_from_slice(&(body.len() as u16).to_le_bytes());
        payload.extend(body);
    };
    let mut database = vec![1];
    b_varchar("readings", &mut database);
    b_varchar("master", &mut database);
    token(0xE3, database);
    token(0xE3, [vec![7, 5, 0x09, 0x04, 0xD0, 0x00, 0x34, 0]].concat());
    let mut ack = vec![1, 0x74, 0, 0, 4];
    b_varchar("Microsoft SQL Server", &mut ack);
    ack.extend_from_slice(&[15, 0, 0x11, 0x4E]);
    token(0xAD, ack);
    let mut size = vec![4];
    b_varchar("32767", &mut size);
    b_varchar("4096", &mut size);
    token(0xE3, size);
    payload.extend(done(0, 0));
    message(&payload)
}

/// The answer to the SELECT.
fn rows() -> Vec<u8> {
    let mut payload = vec![0x81, 6, 0];
    let mut column = |flags: u16, info: &[u8], name: &str| {
        payload.extend_from_slice(&[0; 4]);
        payload.extend_from_slice(&flags.to_le_bytes());
        payload.extend_from_slice(info);
        b_varchar(name, &mut payload);
    };
    column(8, &[0x38], "id");
    column(9, &[0x26, 8], "customer");
    column(8, &[0x3C], "price");
    column(8, &[0x2A, 7], "placed");
    column(9, &[0x6A, 17, 18, 4], "amount");
    column(9, &[0xE7, 100, 0, 0x09, 0x04, 0xD0, 0x00, 0x34], "name");
    let mut name = Vec::new();
    for i in 0..ROWS {
        payload.push(0xD1);
        for cell in row(i, &mut name) {
            match cell {
                Cell::Int(v) => payload.extend_from_slice(&v.to_le_bytes()),
                Cell::Null => payload.push(0),
                Cell::BigInt(v) => {
                    payload.push(8);
                    payload.extend_from_slice(&v.to_le_bytes());
                }
                Cell::Money(v) => payload.extend_from_slice(&v.rotate_left(32).to_le_bytes()),
                Cell::DateTime2 { days, ticks } => {
                    payload.push(8);
                    payload.extend_from_slice(&ticks.to_le_bytes()[..5]);
                    payload.extend_from_slice(&days.to_le_bytes()[..3]);
                }
                Cell::Decimal { negative, magnitude } => {
                    payload.extend_from_slice(&[9, u8::from(!negative)]);
                    payload.extend_from_slice(&magnitude.to_le_bytes()[..8]);
                }
                Cell::Text(bytes) => {
                    payload.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
                    payload.extend_from_slice(bytes);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    payload.extend(done(0x10, 0xC1));
    message(&payload)
}

/// Reads one message of the client; its type and, of a batch, the text. Bytes of a bulk load are thrown away.
fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(u8, String)> {
    let mut text = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).ok()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        buffer.resize(length, 0);
        stream.read_exact(buffer).ok()?;
        if header[0] == 1 {
            text.extend_from_slice(buffer);
        }
        if header[1] & 1 == 1 {
            let text: Vec<u16> =
                text.get(22..).unwrap_or(&[]).chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            return Some((header[0], String::from_utf16_lossy(&text)));
        }
    }
}

/// Plays the recorded answers to everybody.
fn play(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            std::thread::spawn(move || {
                let mut buffer = Vec::new();
                let _ = stream.set_nodelay(true);
                while let Some((kind, text)) = request(&mut stream, &mut buffer) {
                    let sent = match kind {
                        // VERSION and ENCRYPTION. It is not what is measured: who asks for it is told that it is on
                        // (and pacrat that logins are safe), and the driver, which would do without, that there is none.
                        0x12 => {
                            let mut out = Vec::new();
                            let asked = buffer.chunks(5).take_while(|o| o.len() == 5 && o[0] != 0xFF);
                            let asked = asked.filter(|o| o[0] == 1).map(|o| usize::from(o[1]) << 8 | usize::from(o[2]));
                            let on = asked.last().and_then(|at| buffer.get(at)).is_some_and(|value| *value == 1);
                            let answer = if on { 1 } else { 2 };
                            let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 15, 0, 0x11, 0x4E, 0, 0, answer];
                            packet(4, true, &options, &mut out);
                            stream.write_all(&out)
                        }
                        0x10 => stream.write_all(&login()),
                        1 if text.starts_with("SELECT") => stream.write_all(&answer),
                        7 => stream.write_all(&message(&done(0x10, 240))),
                        _ => stream.write_all(&message(&done(0, 253))),
                    };
                    if sent.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// Looks at every value and keeps none.
#[derive(Default)]
struct Looker(u64);

macro_rules! look {
    ($($method:ident($ty:ty)),*) => { $( fn $method(&mut self, _col: usize, val: $ty) { black_box(&val); self.0 += 1; } )* };
}

impl RowWriter for Looker {
    fn write_null(&mut self, _col: usize) {}
    look!(
        write_bool(bool),
        write_u8(u8),
        write_i16(i16),
        write_i32(i32),
        write_i64(i64),
        write_f32(f32),
        write_f64(f64),
        write_decimal(DecimalParts),
        write_numeric(DecimalParts),
        write_date(SqlDate),
        write_time(SqlTime),
        write_datetime(SqlDateTime),
        write_smalldatetime(SqlSmallDateTime),
        write_datetime2(SqlDateTime2),
        write_datetimeoffset(SqlDateTimeOffset),
        write_money(SqlMoney),
        write_smallmoney(SqlSmallMoney),
        write_uuid(uuid::Uuid),
        write_xml(SqlXml),
        write_json(SqlJson),
        write_vector(SqlVector)
    );
    fn write_string(&mut self, _col: usize, bytes: Cow<'_, [u8]>, _encoding: EncodingType) {
        black_box(&bytes);
    }
    fn write_bytes(&mut self, _col: usize, bytes: Cow<'_, [u8]>) {
        black_box(&bytes);
    }
    fn end_row(&mut self) {}
}

async fn driver_alone(port: u16) -> Duration {
    let source = format!("tcp:127.0.0.1,{port}");
    let mut context = ClientContext::with_data_source(&source);
    (context.user_name, context.password) = ("sa".into(), "x".into());
    (context.packet_size, context.connect_retry_count) = (32_767, 0);
    context.encryption_options = EncryptionOptions {
        mode: EncryptionSetting::PreferOff,
        trust_server_certificate: true,
        host_name_in_cert: None,
        server_certificate: None,
    };
    let mut client = TdsConnectionProvider {}.create_client(context, &source, None).await.unwrap();
    let started = Instant::now();
    // With a handle to stop it, as any client that can be cancelled has.
    let stop = CancelHandle::new();
    client.execute("SELECT 1".into(), ExecuteOptions::new().cancel(&stop)).await.unwrap();
    let mut looker = Looker::default();
    while client.next_row_into(&mut looker).await.unwrap() {}
    started.elapsed()
}

fn target(port: u16) -> Target {
    let mut target = Target::new("127.0.0.1", "sa", Secret::new("x"));
    (target.port, target.encryption) = (Some(port), Encryption::Off);
    target
}

/// The parts are compared as they come, so that keeping them is no part of the figure.
async fn rows_out(port: u16, expected: &[u8]) -> Duration {
    let cancel = CancellationToken::new();
    let mut connection = connect::open_rows(&target(port), &cancel).await.unwrap();
    let plan = plan();
    let started = Instant::now();
    let mut source = connection.read_table(&plan, &ReadOptions::default(), &cancel).await.unwrap();
    let mut encoder = Encoder::new(Arc::new(plan.clone()));
    let (mut rest, mut spare) = (expected, Vec::with_capacity(5 << 20));
    loop {
        let fill = source.read(&mut encoder, 4 << 20, &cancel).await.unwrap();
        let part = encoder.take(spare);
        rest = rest.strip_prefix(part.as_slice()).expect("the rows come out as they are");
        spare = part;
        if fill.end {
            break;
        }
    }
    assert!(rest.is_empty(), "all rows came out");
    started.elapsed()
}

async fn rows_in(port: u16, bytes: &[u8]) -> Duration {
    let cancel = CancellationToken::new();
    let mut connection = connect::open_rows(&target(port), &cancel).await.unwrap();
    let plan = plan();
    let columns: Vec<_> = plan
        .columns
        .iter()
        .map(|c| ServerColumn { name: c.name.clone(), nullable: c.nullable, ..ServerColumn::default() })
        .collect();
    let started = Instant::now();
    let mut loader = connection.load_table(&plan, &columns, &cancel).await.unwrap();
    for piece in bytes.chunks(1 << 20) {
        loader.write(piece, &cancel).await.unwrap();
    }
    assert_eq!(loader.finish(&cancel).await.unwrap(), u64::from(ROWS));
    started.elapsed()
}

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut encoder = Encoder::new(Arc::new(plan()));
    let mut name = Vec::new();
    for i in 0..ROWS {
        for (column, cell) in row(i, &mut name).into_iter().enumerate() {
            encoder.cell(column, cell).unwrap();
        }
        encoder.row_end().unwrap();
    }
    let bcp = encoder.take(Vec::new());
    let answer = rows();
    println!("{ROWS} rows, {} MB of BCP, {} MB on the wire", bcp.len() >> 20, answer.len() >> 20);
    let port = play(answer);
    let rate = |time: Duration| bcp.len() as f64 / 1e6 / time.as_secs_f64();
    // One side alone, for a profiler: PACRAT_BENCH_ONLY=driver or out.
    if let Ok(only) = std::env::var("PACRAT_BENCH_ONLY") {
        for _ in 0..ROUNDS {
            let time = match only.as_str() {
                "driver" => runtime.block_on(driver_alone(port)),
                _ => runtime.block_on(rows_out(port, &bcp)),
            };
            println!("{only}: {:.0} MB/s", rate(time));
        }
        return;
    }
    for round in 1..=ROUNDS {
        let alone = runtime.block_on(driver_alone(port));
        let out = runtime.block_on(rows_out(port, &bcp));
        let back = runtime.block_on(rows_in(port, &bcp));
        println!(
            "round {round}: driver alone {:.0} MB/s, rows out {:.0} MB/s ({:.0} %), rows in {:.0} MB/s",
            rate(alone),
            rate(out),
            100.0 * rate(out) / rate(alone),
            rate(back)
        );
    }
}
