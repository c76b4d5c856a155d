//! Every type at its extremes, row in → row out: encoded, loaded over the wire into a server, read from it again, equal
//! to the byte, and the text of every cell as a person wrote it down here.
//!
//! With `PACRAT_EXTREMES=FILE` what came out is kept as a package, for other readers to judge
//! (`tests/oracle/extremes.py`).

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pacrat::bacpac::bcp::{Cell, Decoder, Encoder, LobKind, RowSink};
use pacrat::bacpac::canonical::CanonicalLines;
use pacrat::bacpac::package::{Cut, DacMetadata, Deflater, Modified, Origin, PackageWriter, PartCutter, PartLimits};
use pacrat::bacpac::plan::TablePlan;
use pacrat::sandbox::fault::{Action, Fault};
use pacrat::sandbox::{Sandbox, SandboxOptions};
use pacrat::sqlserver::catalogue::{self, SourceTable};
use pacrat::sqlserver::error::SqlError;
use pacrat::sqlserver::rows::{RowConnection, ServerColumn};
use pacrat::sqlserver::target::{Encryption, Secret, Target};
use pacrat::sqlserver::{admin, connect};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

/// A value with its bytes.
#[derive(Debug, Clone)]
enum Value {
    Plain(Cell<'static>),
    Text(Vec<u16>),
    Binary(Vec<u8>),
    Variant(Vec<u8>),
}

impl Value {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Value::Text(units) => units.iter().flat_map(|u| u.to_le_bytes()).collect(),
            Value::Binary(b) | Value::Variant(b) => b.clone(),
            Value::Plain(_) => Vec::new(),
        }
    }

    fn put(&self, column: usize, encoder: &mut Encoder) {
        let bytes = self.bytes();
        let cell = match self {
            Value::Plain(cell) => *cell,
            Value::Text(_) => Cell::Text(&bytes),
            Value::Binary(_) => Cell::Binary(&bytes),
            Value::Variant(_) => Cell::Variant(&bytes),
        };
        encoder.cell(column, cell).unwrap();
    }

    /// The canonical text of what carries its own; of a text, as JSON has it.
    fn told(&self) -> Option<String> {
        match self {
            Value::Plain(_) => None,
            Value::Text(units) => Some(
                units
                    .iter()
                    .map(|u| match u {
                        0x22 => "\\\"".into(),
                        0x5C => "\\\\".into(),
                        0x20..0x7F => char::from(*u as u8).to_string(),
                        u => format!("\\u{u:04x}"),
                    })
                    .collect(),
            ),
            Value::Binary(b) | Value::Variant(b) => {
                Some("0x".to_owned() + &b.iter().map(|b| format!("{b:02X}")).collect::<String>())
            }
        }
    }
}

/// A type and its values, each with its canonical text.
struct Case {
    ty: String,
    values: Vec<(Value, String)>,
    /// A char of fewer characters than bytes: those of its NOT NULL column, which the stream always has. (Of one in
    /// UTF-8 every reader takes the blanks off again.)
    filled: Option<usize>,
}

fn case<const N: usize>(ty: &str, values: [(Cell<'static>, &str); N]) -> Case {
    let values = values.into_iter().map(|(cell, text)| (Value::Plain(cell), text.to_owned())).collect();
    Case { ty: ty.into(), values, filled: None }
}

/// Values whose text is their own.
fn own(ty: &str, values: Vec<Value>) -> Case {
    let values = values.into_iter().map(|v| (v.clone(), v.told().unwrap())).collect();
    Case { ty: ty.into(), values, filled: None }
}

fn text(text: &str) -> Value {
    Value::Text(text.encode_utf16().collect())
}

fn padded(value: &str, length: usize) -> Value {
    let mut units: Vec<u16> = value.encode_utf16().collect();
    units.resize(length, 0x20);
    Value::Text(units)
}

fn binary(bytes: &[u8]) -> Value {
    Value::Binary(bytes.to_vec())
}

fn decimal(negative: bool, magnitude: u128) -> Cell<'static> {
    Cell::Decimal { negative, magnitude }
}

const LAST_DAY: u32 = 3_652_058;
const DAY: u64 = 864_000_000_000;

fn numbers() -> Vec<Case> {
    let nines = 10u128.pow(38) - 1;
    vec![
        case("bit", [(Cell::Bit(false), "0"), (Cell::Bit(true), "1")]),
        case("tinyint", [(Cell::TinyInt(0), "0"), (Cell::TinyInt(255), "255")]),
        case("smallint", [(Cell::SmallInt(i16::MIN), "-32768"), (Cell::SmallInt(i16::MAX), "32767")]),
        case("int", [(Cell::Int(i32::MIN), "-2147483648"), (Cell::Int(i32::MAX), "2147483647")]),
        case(
            "bigint",
            [
                (Cell::BigInt(i64::MIN), "-9223372036854775808"),
                (Cell::BigInt(i64::MAX), "9223372036854775807"),
                (Cell::BigInt(0), "0"),
            ],
        ),
        case(
            "real",
            [
                (Cell::Real(0x7F7F_FFFF), "7F7FFFFF"),
                (Cell::Real(0xFF7F_FFFF), "FF7FFFFF"),
                (Cell::Real(0x8000_0000), "80000000"),
                (Cell::Real(0x0080_0000), "00800000"),
                (Cell::Real(1), "00000001"),
            ],
        ),
        case(
            "float",
            [
                (Cell::Float(0x7FEF_FFFF_FFFF_FFFF), "7FEFFFFFFFFFFFFF"),
                (Cell::Float(0xFFEF_FFFF_FFFF_FFFF), "FFEFFFFFFFFFFFFF"),
                (Cell::Float(0x8000_0000_0000_0000), "8000000000000000"),
                (Cell::Float(1), "0000000000000001"),
                (Cell::Float(0x3FB9_9999_9999_999A), "3FB999999999999A"),
            ],
        ),
        case("smallmoney", [(Cell::SmallMoney(i32::MAX), "214748.3647"), (Cell::SmallMoney(i32::MIN), "-214748.3648")]),
        case(
            "money",
            [
                (Cell::Money(i64::MAX), "922337203685477.5807"),
                (Cell::Money(i64::MIN), "-922337203685477.5808"),
                (Cell::Money(-9_223_372_036_854_775_807), "-922337203685477.5807"),
                (Cell::Money(-1), "-0.0001"),
                (Cell::Money(0x1_0000_0000), "429496.7296"),
            ],
        ),
        case("decimal(1, 0)", [(decimal(false, 9), "9"), (decimal(true, 9), "-9"), (decimal(false, 0), "0")]),
        case("decimal(9, 9)", [(decimal(false, 999_999_999), "0.999999999"), (decimal(true, 1), "-0.000000001")]),
        case("decimal(10, 0)", [(decimal(true, 9_999_999_999), "-9999999999")]),
        case("decimal(19, 4)", [(decimal(false, 10u128.pow(19) - 1), "999999999999999.9999")]),
        case("decimal(20, 0)", [(decimal(true, 10u128.pow(20) - 1), "-99999999999999999999")]),
        case("decimal(28, 28)", [(decimal(true, 1), "-0.0000000000000000000000000001")]),
        case(
            "decimal(38, 0)",
            [
                (decimal(false, nines), "99999999999999999999999999999999999999"),
                (decimal(true, nines), "-99999999999999999999999999999999999999"),
            ],
        ),
        case(
            "decimal(38, 38)",
            [
                (decimal(false, nines), "0.99999999999999999999999999999999999999"),
                (decimal(true, 1), "-0.00000000000000000000000000000000000001"),
            ],
        ),
        case("numeric(38, 10)", [(decimal(true, nines), "-9999999999999999999999999999.9999999999")]),
        case("numeric(29, 1)", [(decimal(false, 10u128.pow(29) - 1), "9999999999999999999999999999.9")]),
    ]
}

fn moments() -> Vec<Case> {
    let mut cases = vec![
        case("date", [(Cell::Date(0), "0001-01-01"), (Cell::Date(LAST_DAY), "9999-12-31")]),
        case(
            "smalldatetime",
            [
                (Cell::SmallDateTime { days: 0, minutes: 0 }, "1900-01-01T00:00"),
                (Cell::SmallDateTime { days: 65535, minutes: 1439 }, "2079-06-06T23:59"),
            ],
        ),
        case(
            "datetime",
            [
                (Cell::DateTime { days: -53_690, ticks: 0 }, "1753-01-01T0"),
                (Cell::DateTime { days: 2_958_463, ticks: 25_919_999 }, "9999-12-31T25919999"),
                (Cell::DateTime { days: 0, ticks: 1 }, "1900-01-01T1"),
            ],
        ),
    ];
    let last = [
        "23:59:59.0000000",
        "23:59:59.9000000",
        "23:59:59.9900000",
        "23:59:59.9990000",
        "23:59:59.9999000",
        "23:59:59.9999900",
        "23:59:59.9999990",
        "23:59:59.9999999",
    ];
    for (scale, last) in last.iter().enumerate() {
        let step = 10u64.pow(7 - scale as u32);
        let ticks = DAY - step;
        cases.push(Case {
            ty: format!("time({scale})"),
            values: vec![
                (Value::Plain(Cell::Time(0)), "00:00:00.0000000".into()),
                (Value::Plain(Cell::Time(ticks)), (*last).into()),
            ],
            filled: None,
        });
        cases.push(Case {
            ty: format!("datetime2({scale})"),
            values: vec![
                (Value::Plain(Cell::DateTime2 { days: 0, ticks: 0 }), "0001-01-01T00:00:00.0000000".into()),
                (Value::Plain(Cell::DateTime2 { days: LAST_DAY, ticks }), format!("9999-12-31T{last}")),
            ],
            filled: None,
        });
        let offset = |days, ticks, offset| Value::Plain(Cell::DateTimeOffset { days, ticks, offset });
        cases.push(Case {
            ty: format!("datetimeoffset({scale})"),
            values: vec![
                (offset(0, 0, 0), "0001-01-01T00:00:00.0000000Z+0".into()),
                (offset(1, 0, -840), "0001-01-02T00:00:00.0000000Z-840".into()),
                (offset(LAST_DAY - 1, ticks, 840), format!("9999-12-30T{last}Z+840")),
                (offset(LAST_DAY, ticks, -1), format!("9999-12-31T{last}Z-1")),
            ],
            filled: None,
        });
    }
    cases
}

fn others() -> Vec<Case> {
    let long: String = "wörter und \u{1F986} ".chars().cycle().take(3000).collect();
    // A point at (1 2), SRID 0, and one at (47.6 -122.3), SRID 4326: the serialization's version 1.
    let point = |srid: u32, x: f64, y: f64| {
        let mut b = srid.to_le_bytes().to_vec();
        b.extend([1, 0x0C]);
        b.extend(x.to_le_bytes());
        b.extend(y.to_le_bytes());
        b
    };
    vec![
        case(
            "uniqueidentifier",
            [
                (Cell::Guid([0; 16]), "00000000-0000-0000-0000-000000000000"),
                (Cell::Guid([0xFF; 16]), "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"),
                (
                    Cell::Guid([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
                    "04030201-0605-0807-090A-0B0C0D0E0F10",
                ),
            ],
        ),
        own("char(1)", vec![text("x"), text(" ")]),
        own("char(8000)", vec![padded("end", 8000), padded("", 8000)]),
        own("varchar(1)", vec![text(""), text("y"), text(" ")]),
        own("varchar(8000)", vec![text(&"z".repeat(8000)), text("trailing   ")]),
        own("varchar(max)", vec![text(""), text("1"), text(&"long ".repeat(4000)), text("blanks  ")]),
        own("text", vec![text(""), text("1"), text(&"older ".repeat(4000)), text("blanks  ")]),
        own("nchar(1)", vec![text("x"), text(" "), Value::Text(vec![0]), Value::Text(vec![0xFFFF])]),
        own("nchar(4000)", vec![padded("\u{1F986}", 4000)]),
        own(
            "nvarchar(4000)",
            vec![
                text(""),
                text("n"),
                text("\u{1F986}"),
                Value::Text(vec![0, 0x41, 0]),
                Value::Text(vec![0xFEFF, 0xFFFE, 0xFFFF]),
                text("trailing   "),
                text(&"\u{FF}".repeat(4000)),
            ],
        ),
        own("nvarchar(max)", vec![text(""), text("n"), text(&long), text("blanks  ")]),
        own("ntext", vec![text(""), text("n"), text(&long), text("blanks  ")]),
        // Halves of surrogate pairs, in tables of their own: not every reader can print them.
        own("nchar(2)", vec![Value::Text(vec![0xD83E, 0x41]), Value::Text(vec![0xDD86, 0xD83E])]),
        own(
            "nvarchar(3)",
            vec![Value::Text(vec![0x41, 0xD83E]), Value::Text(vec![0xDD86]), Value::Text(vec![0xD83E; 3])],
        ),
        own("nvarchar(max)", vec![Value::Text(vec![0xDC00, 0xD800]), Value::Text(vec![0xDC00; 20_000])]),
        own("ntext", vec![Value::Text(vec![0xDC00, 0xD800]), Value::Text(vec![0xD800; 20_000])]),
        own("binary(1)", vec![binary(&[0]), binary(&[0xFF])]),
        own("binary(8000)", vec![binary(&[0xA5; 8000])]),
        own("varbinary(8000)", vec![binary(&[]), binary(&[0]), binary(&[0x20, 0]), binary(&[0x5A; 8000])]),
        own("varbinary(max)", vec![binary(&[]), binary(&[0]), binary(&[7; 40_000])]),
        own("image", vec![binary(&[]), binary(&[0]), binary(&[9; 40_000])]),
        own(
            "xml",
            vec![text(""), text("<a/>"), text("<a b=\"&amp;\">\u{1F986} &#x20;</a>"), text(&format!("<l>{long}</l>"))],
        ),
        own("hierarchyid", vec![binary(&[]), binary(&[0x58]), binary(&[0x5A, 0xC0])]),
        own("geometry", vec![binary(&point(0, 1.0, 2.0))]),
        own("geography", vec![binary(&point(4326, 47.6, -122.3))]),
    ]
}

/// A text in a collation, in all widths it can have; `bytes` is how many it has there.
fn narrow(collation: &str, value: &str, bytes: usize) -> Vec<Case> {
    let long = value.repeat(500);
    let char = own(&format!("char({bytes}) COLLATE {collation}"), vec![text(value)]);
    let mut cases = vec![
        own(&format!("varchar({bytes}) COLLATE {collation}"), vec![text(value), text(""), text("a  ")]),
        own(&format!("varchar(max) COLLATE {collation}"), vec![text(value), text(&long), text("")]),
        Case { filled: Some(bytes).filter(|_| !collation.ends_with("_UTF8")), ..char },
    ];
    // There is no text in UTF-8.
    if !collation.ends_with("_UTF8") {
        cases.push(own(&format!("text COLLATE {collation}"), vec![text(value), text(&long), text("")]));
    }
    cases
}

/// Every character of a single-byte code page above 0x7F that the encoding standard has, but the controls.
fn upper_half(encoding: &'static encoding_rs::Encoding) -> String {
    (0x80..=0xFFu8)
        .filter_map(|byte| {
            let bytes = [byte];
            let (text, _, bad) = encoding.decode(&bytes);
            let c = text.chars().next()?;
            (!bad && u32::from(c) >= 0xA0).then_some(c)
        })
        .collect()
}

fn code_pages() -> Vec<Case> {
    use encoding_rs::*;
    let mut cases = Vec::new();
    for (collation, encoding, some) in [
        ("Thai_CI_AS", WINDOWS_874, "ก่"),
        ("Polish_CI_AS", WINDOWS_1250, "łŻ"),
        ("Cyrillic_General_CI_AS", WINDOWS_1251, "щЯ"),
        ("Latin1_General_CI_AS", WINDOWS_1252, "ß€"),
        ("Greek_CI_AS", WINDOWS_1253, "Ωά"),
        ("Turkish_CI_AS", WINDOWS_1254, "ışİ"),
        ("Hebrew_CI_AS", WINDOWS_1255, "שּ"),
        ("Arabic_CI_AS", WINDOWS_1256, "ءپ"),
        ("Lithuanian_CI_AS", WINDOWS_1257, "ųŠ"),
        ("Vietnamese_CI_AS", WINDOWS_1258, "đ₫"),
    ] {
        let all = upper_half(encoding);
        assert!(all.chars().count() > 80, "{collation}");
        assert!(some.chars().all(|c| all.contains(c)), "{collation}: {some} are characters of {all}");
        cases.extend(narrow(collation, &all, all.chars().count()));
    }
    cases.extend(narrow("SQL_Latin1_General_CP437_CI_AS", "äñ¢£Ω", 5));
    cases.extend(narrow("SQL_Latin1_General_CP850_CI_AS", "äñøıØ", 5));
    // Two bytes a character: what the four pages have, halfwidth and user-defined characters aside.
    cases.extend(narrow("Japanese_CI_AS", "漢字かな表ソ", 12));
    cases.extend(narrow("Chinese_PRC_CI_AS", "汉字丂镕", 8));
    cases.extend(narrow("Korean_Wansung_CI_AS", "한글갂", 6));
    cases.extend(narrow("Chinese_Taiwan_Stroke_CI_AS", "漢字功", 6));
    cases.extend(narrow("Latin1_General_100_CI_AS_SC_UTF8", "aß漢\u{1F986}", 10));
    cases
}

fn variants() -> Case {
    let latin = [0x09, 0x04, 0xD0, 0x00, 0x34];
    let with = |head: &[u8], data: &[u8]| Value::Variant([head, data].concat());
    // The length is that of the data, whatever was declared: so DacFx writes it, and reads it.
    let collated = |ty: u8, data: &[u8]| {
        let mut b = vec![ty, 7];
        b.extend(latin);
        b.extend((data.len() as u16).to_le_bytes());
        b.extend_from_slice(data);
        Value::Variant(b)
    };
    let bytes = |ty: u8, data: &[u8]| {
        let mut b = vec![ty, 2];
        b.extend((data.len() as u16).to_le_bytes());
        b.extend_from_slice(data);
        Value::Variant(b)
    };
    let nines = (10u128.pow(38) - 1).to_le_bytes();
    let ticks = |n: u64| n.to_le_bytes()[..5].to_vec();
    let last = ticks(DAY - 1);
    let day = &LAST_DAY.to_le_bytes()[..3];
    let values = vec![
        with(&[0x32, 0], &[1]),
        with(&[0x30, 0], &[255]),
        with(&[0x34, 0], &i16::MIN.to_le_bytes()),
        with(&[0x38, 0], &i32::MIN.to_le_bytes()),
        with(&[0x7F, 0], &i64::MIN.to_le_bytes()),
        with(&[0x3B, 0], &f32::MAX.to_le_bytes()),
        with(&[0x3E, 0], &f64::MIN.to_le_bytes()),
        with(&[0x7A, 0], &i32::MIN.to_le_bytes()),
        with(&[0x3C, 0], &i64::MAX.rotate_left(32).to_le_bytes()),
        with(&[0x24, 0], &[7; 16]),
        with(&[0x28, 0], day),
        with(&[0x3D, 0], &[0x46, 0x2E, 0xFF, 0xFF, 0, 0, 0, 0]),
        with(&[0x3A, 0], &[0xFF, 0xFF, 0x9F, 0x05]),
        // Precision and scale twice, the sign, the magnitude.
        with(&[0x6A, 2, 38, 0], &[&[1], &nines[..]].concat()),
        with(&[0x6C, 2, 38, 38], &[&[0], &nines[..]].concat()),
        with(&[0x29, 1, 7], &last),
        with(&[0x29, 1, 0], &ticks(863_990_000_000)),
        with(&[0x2A, 1, 7], &[&last, day].concat()),
        with(&[0x2B, 1, 7], &[&last[..], day, &(-840i16).to_le_bytes()].concat()),
        collated(0xA7, b"varchar"),
        collated(0xA7, b""),
        collated(0xAF, b"char"),
        collated(0xE7, "nvarchar \u{1F986}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice()),
        collated(0xEF, &[0x41, 0, 0x20, 0]),
        bytes(0xA5, &[0xA5; 8000]),
        bytes(0xA5, &[]),
        bytes(0xAD, &[0, 1, 0]),
    ];
    own("sql_variant", values)
}

struct Place {
    sandbox: Sandbox,
    target: Target,
    cancel: CancellationToken,
}

async fn place() -> Place {
    let options = SandboxOptions { sa_password: Some("secret".into()), ..SandboxOptions::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let mut target = Target::new("127.0.0.1", "sa", Secret::new("secret"));
    target.port = Some(sandbox.address().port());
    target.encryption = Encryption::Off;
    let cancel = CancellationToken::new();
    let mut master = connect::open(&target.with_database("master"), &cancel).await.unwrap();
    admin::create_database(&mut *master, "extremes", Some("SQL_Latin1_General_CP1_CI_AS"), &cancel).await.unwrap();
    Place { sandbox, target: target.with_database("extremes"), cancel }
}

impl Place {
    async fn order(&self, sql: &str) {
        let mut orders = connect::open(&self.target, &self.cancel).await.unwrap();
        orders.batch(sql, sql, &self.cancel).await.unwrap_or_else(|e| panic!("{e}\n{sql}"));
    }

    async fn catalogue(&self) -> catalogue::Catalogue {
        let mut orders = connect::open(&self.target, &self.cancel).await.unwrap();
        catalogue::read(&mut *orders, &self.cancel).await.unwrap()
    }

    async fn columns(&self, table: &str) -> Vec<ServerColumn> {
        let mut orders = connect::open(&self.target, &self.cancel).await.unwrap();
        let mut all = catalogue::target_columns(&mut *orders, &self.cancel).await.unwrap();
        all.remove(&("dbo".into(), table.into())).unwrap()
    }

    async fn rows(&self) -> Box<dyn RowConnection> {
        connect::open_rows(&self.target, &self.cancel).await.unwrap()
    }

    async fn load(
        &self,
        rows: &mut dyn RowConnection,
        plan: &TablePlan,
        columns: &[ServerColumn],
        bytes: &[u8],
    ) -> Result<u64, SqlError> {
        let mut loader = rows.load_table(plan, columns, &self.cancel).await?;
        for piece in bytes.chunks(1 << 20) {
            loader.write(piece, &self.cancel).await?;
        }
        loader.finish(&self.cancel).await
    }
}

/// Reads a table in parts; the most bytes that were held at once.
async fn read(rows: &mut dyn RowConnection, table: &SourceTable, limits: PartLimits) -> (Vec<Vec<u8>>, usize) {
    let cancel = CancellationToken::new();
    let mut source = rows.read_table(&table.plan, &table.read, &cancel).await.unwrap();
    let mut cutter = PartCutter::new(table.plan.clone(), limits);
    let (mut parts, mut held, mut open) = (Vec::new(), 0, None);
    loop {
        let encoder = cutter.encoder();
        let target = encoder.bytes().len() + 4096;
        let fill = source.read(encoder, target, &cancel).await.unwrap_or_else(|e| panic!("{}: {e}", table.plan));
        held = held.max(cutter.encoder().bytes().len());
        while let Some(cut) = cutter.cut(fill.end).unwrap() {
            match cut {
                Cut::Part { bytes, .. } => parts.push(bytes),
                Cut::Begin { .. } => open = Some(Vec::new()),
                Cut::Piece(bytes) => open.as_mut().unwrap().extend_from_slice(&bytes),
                Cut::End { .. } => parts.extend(open.take()),
            }
        }
        if fill.end {
            break;
        }
    }
    source.close().await.unwrap();
    (parts, held)
}

fn lines(plan: &Arc<TablePlan>, bytes: &[u8]) -> String {
    let mut lines = CanonicalLines::new(plan.clone(), Vec::new());
    let mut decoder = Decoder::new(plan.clone(), "read");
    decoder.feed(bytes, &mut lines).unwrap();
    decoder.finish().unwrap();
    String::from_utf8(lines.finish().unwrap().0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_at_its_extremes_goes_in_and_comes_out() {
    let place = place().await;
    let cases: Vec<Case> =
        [numbers(), moments(), others(), code_pages(), vec![variants()]].into_iter().flatten().collect();
    let mut script = String::new();
    for (n, case) in cases.iter().enumerate() {
        // A name that sorts as the cases do.
        let key = format!("CONSTRAINT [PK_t{n:03}] PRIMARY KEY");
        script +=
            &format!("CREATE TABLE dbo.t{n:03} (id int NOT NULL {key}, v {} NULL, w {} NOT NULL);\n", case.ty, case.ty);
    }
    place.order(&script).await;
    let found = place.catalogue().await;
    assert_eq!(found.not_carried, []);
    let mut connection = place.rows().await;
    let mut all = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        let name = format!("t{n:03}");
        let what = format!("{name} {}", case.ty);
        let table = found.tables.iter().find(|t| t.plan.table == name).unwrap();
        let mut encoder = Encoder::new(table.plan.clone());
        let mut expected = Vec::new();
        for (id, (value, told)) in case.values.iter().enumerate() {
            for null in [false, true] {
                let id = id as i32 * 2 + i32::from(null);
                encoder.cell(0, Cell::Int(id)).unwrap();
                if null {
                    encoder.cell(1, Cell::Null).unwrap();
                } else {
                    value.put(1, &mut encoder);
                }
                let mut not_null = value.clone();
                if let (Some(filled), Value::Text(units)) = (case.filled, &mut not_null) {
                    units.resize(filled, 0x20);
                }
                not_null.put(2, &mut encoder);
                encoder.row_end().unwrap();
                let first = if null { "null".to_owned() } else { format!("\"{told}\"") };
                let second = not_null.told().unwrap_or_else(|| told.clone());
                expected.push(format!("[\"{id}\",{first},\"{second}\"]"));
            }
        }
        let bytes = encoder.take(Vec::new());
        let columns = place.columns(&name).await;
        let count = place.load(&mut *connection, &table.plan, &columns, &bytes).await;
        assert_eq!(count.unwrap_or_else(|e| panic!("{what}: {e}")), expected.len() as u64, "{what}");
        let (parts, _) = read(&mut *connection, table, PartLimits { part: 20_000, held: 10_000 }).await;
        let back = parts.concat();
        assert_eq!(lines(&table.plan, &bytes), expected.join("\n"), "{what}: as encoded");
        assert_eq!(lines(&table.plan, &back), expected.join("\n"), "{what}: as it came out");
        // How many characters a UTF-8 text has is not known before its end, so a large one comes in chunks.
        assert!(back == bytes || case.ty.contains("(max) COLLATE Latin1_General_100_CI_AS_SC_UTF8"), "{what}: bytes");
        all.push((table.plan.clone(), parts));
    }
    let Some(file) = std::env::var_os("PACRAT_EXTREMES") else { return };
    let xml = pacrat::bacpac::model::to_bytes(&found.model.to_document());
    let out = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
    let mut writer = PackageWriter::new(out, &xml, &DacMetadata::of_database("extremes"), Modified::default()).unwrap();
    let mut deflater = Deflater::default();
    for (plan, parts) in &all {
        for (n, part) in parts.iter().enumerate() {
            writer.part(&plan.schema, &plan.table, n as u64, &deflater.deflate(part)).unwrap();
        }
    }
    let (mut out, _) = writer.finish(Origin::default()).unwrap();
    out.flush().unwrap();
}

/// Bytes that are the same at every run and look like nothing.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out
}

/// Letters of a code page's lower half, as UTF-16.
fn letters(length: usize) -> Vec<u8> {
    (0..length).flat_map(|n| [b'a' + (n * 7 % 26) as u8, 0]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_value_comes_in_pieces_and_is_never_held() {
    const MB: usize = 1 << 20;
    let place = place().await;
    // Beyond what the driver takes of an image in one piece; a (max) value as large; and smaller ones of every kind.
    place
        .order(
            "CREATE TABLE dbo.large (id int NOT NULL, b varbinary(max) NULL, between1 nvarchar(20) NOT NULL, \
             n nvarchar(max) NULL, v varchar(max) COLLATE Thai_CI_AS NULL, \
             u varchar(max) COLLATE Latin1_General_100_CI_AS_SC_UTF8 NULL, between2 sql_variant NULL, i image NULL, \
             t text NULL, nt ntext NULL, x xml NULL, last int NULL)",
        )
        .await;
    let found = place.catalogue().await;
    let table = &found.tables[0];
    let texts = letters(4 * MB);
    let wide: Vec<u8> = "aß漢\u{1F986}".repeat(400_000).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let xml: Vec<u8> =
        format!("<l>{}</l>", "word ".repeat(900_000)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (blob, image) = (noise(100 * MB + 1, 1), noise(101 * MB, 2));
    let mut encoder = Encoder::new(table.plan.clone());
    let between: Vec<u8> = "between".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for id in 0..4 {
        let large = id % 2 == 1;
        let or_null = |some: bool, cell| if some { cell } else { Cell::Null };
        for (column, cell) in [
            Cell::Int(id),
            or_null(id == 1, Cell::Binary(&blob)),
            Cell::Text(&between),
            or_null(large, Cell::Text(&texts)),
            or_null(large, Cell::Text(&texts)),
            or_null(large, Cell::Text(&wide)),
            or_null(id < 2, Cell::Variant(&[0x38, 0, 1, 0, 0, 0])),
            or_null(id == 3, Cell::Binary(&image)),
            or_null(large, Cell::Text(&texts)),
            or_null(large, Cell::Text(&texts)),
            or_null(large, Cell::Text(&xml)),
            or_null(large, Cell::Int(id)),
        ]
        .into_iter()
        .enumerate()
        {
            encoder.cell(column, cell).unwrap();
        }
        encoder.row_end().unwrap();
    }
    let bytes = encoder.take(Vec::new());
    let columns = place.columns("large").await;
    let mut connection = place.rows().await;
    assert_eq!(place.load(&mut *connection, &table.plan, &columns, &bytes).await.unwrap(), 4);
    let limits = PartLimits { part: MB, held: 2 * MB };
    let (parts, held) = read(&mut *connection, table, limits).await;
    assert!(held < 3 * MB + 300_000, "{held} bytes were held of a value of {}", blob.len());
    let back = parts.concat();
    assert!((3..=4).contains(&parts.len()), "{} parts: two rows with large values begin one each", parts.len());
    let digest = |bytes: &[u8]| {
        let mut digest = pacrat::bacpac::canonical::Digest::new(table.plan.clone());
        let mut decoder = Decoder::new(table.plan.clone(), "read");
        decoder.feed(bytes, &mut digest).unwrap();
        decoder.finish().unwrap();
        let digest = digest.finish();
        (digest.rows, digest.sha256)
    };
    assert_eq!(digest(&back), digest(&bytes));
}

/// Lengths near those at which framing changes: of a packet, of a piece, of a chunk, of nothing.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0usize..40,
        2 => 7_980usize..8_020,
        1 => 32_700usize..32_800,
        1 => 65_500usize..65_600,
        1 => 0usize..200_000,
    ]
}

fn units(most: usize) -> impl Strategy<Value = Vec<u8>> {
    (lengths(), any::<u64>()).prop_map(move |(n, seed)| noise(n.min(most) * 2, seed))
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    (lengths(), any::<u64>()).prop_map(move |(n, seed)| noise(n.min(most), seed))
}

#[derive(Debug, Clone)]
struct Row {
    wide: Option<Vec<u8>>,
    blob: Option<Vec<u8>>,
    number: Option<i64>,
    short: Vec<u8>,
    older: Option<Vec<u8>>,
    picture: Option<Vec<u8>>,
    narrow: Option<String>,
    utf8: Option<String>,
    last: Option<Vec<u8>>,
}

fn any_row() -> impl Strategy<Value = Row> {
    (
        proptest::option::of(units(150_000)),
        proptest::option::of(bytes(200_000)),
        any::<Option<i64>>(),
        units(50),
        proptest::option::of(units(100_000)),
        proptest::option::of(bytes(100_000)),
        proptest::option::of("[ก-ฮa-z ]{0,400}"),
        proptest::option::of("\\PC{0,3000}"),
        proptest::option::of(units(40_000)),
    )
        .prop_map(|(wide, blob, number, short, older, picture, narrow, utf8, last)| Row {
            wide,
            blob,
            number,
            short,
            older,
            picture,
            narrow,
            utf8,
            last,
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_rows_with_large_values_come_out_as_they_went_in() {
    let place = place().await;
    place
        .order(
            "CREATE TABLE dbo.any_row (wide nvarchar(max) NULL, blob varbinary(max) NULL, number bigint NULL, \
             short nvarchar(50) NOT NULL, older ntext NULL, picture image NULL, narrow text COLLATE Thai_CI_AS NULL, \
             utf8 varchar(max) COLLATE Latin1_General_100_CI_AS_SC_UTF8 NULL, last nvarchar(max) NULL)",
        )
        .await;
    let found = place.catalogue().await;
    let table = &found.tables[0];
    let columns = place.columns("any_row").await;
    let mut connection = place.rows().await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let many = proptest::collection::vec(any_row(), 0..12);
    for round in 0..24 {
        use proptest::strategy::ValueTree;
        let rows = many.new_tree(&mut runner).unwrap().current();
        let mut encoder = Encoder::new(table.plan.clone());
        let utf16 = |t: &String| t.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for row in &rows {
            let (narrow, utf8) = (row.narrow.as_ref().map(utf16), row.utf8.as_ref().map(utf16));
            let text = |t: &Option<Vec<u8>>, column, encoder: &mut Encoder| {
                encoder.cell(column, t.as_deref().map_or(Cell::Null, Cell::Text)).unwrap();
            };
            text(&row.wide, 0, &mut encoder);
            encoder.cell(1, row.blob.as_deref().map_or(Cell::Null, Cell::Binary)).unwrap();
            encoder.cell(2, row.number.map_or(Cell::Null, Cell::BigInt)).unwrap();
            encoder.cell(3, Cell::Text(&row.short)).unwrap();
            text(&row.older, 4, &mut encoder);
            // Known beforehand or not: a value in pieces is the same value.
            match row.picture.as_deref() {
                None => encoder.cell(5, Cell::Null).unwrap(),
                Some(picture) => {
                    encoder.lob_start(5, LobKind::Binary, Some(picture.len() as u64)).unwrap();
                    for piece in picture.chunks(30_000) {
                        encoder.lob_piece(5, piece).unwrap();
                    }
                    encoder.lob_end(5).unwrap();
                }
            }
            text(&narrow, 6, &mut encoder);
            text(&utf8, 7, &mut encoder);
            text(&row.last, 8, &mut encoder);
            encoder.row_end().unwrap();
        }
        let bytes = encoder.take(Vec::new());
        place.order("TRUNCATE TABLE dbo.any_row").await;
        let count = place.load(&mut *connection, &table.plan, &columns, &bytes).await.unwrap();
        assert_eq!(count, rows.len() as u64);
        let (parts, _) = read(&mut *connection, table, PartLimits { part: 50_000, held: 60_000 }).await;
        let back = parts.concat();
        assert!(lines(&table.plan, &back) == lines(&table.plan, &bytes), "round {round}: {} rows", rows.len());
    }
}

/// A server that converts texts of a double-byte code page writes a question mark for a character that the page lacks,
/// and says nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_character_that_the_server_would_lose_is_an_error() {
    let place = place().await;
    place
        .order(
            "CREATE TABLE dbo.japanese (id int NOT NULL, c char(20) COLLATE Japanese_CI_AS NULL, \
             v varchar(20) COLLATE Japanese_CI_AS NULL, m varchar(max) COLLATE Japanese_CI_AS NULL)",
        )
        .await;
    let found = place.catalogue().await;
    let plan = found.tables[0].plan.clone();
    let columns = place.columns("japanese").await;
    let rows = |rows: &[[&str; 3]]| {
        let mut encoder = Encoder::new(plan.clone());
        for (id, row) in rows.iter().enumerate() {
            encoder.cell(0, Cell::Int(id as i32)).unwrap();
            for (column, value) in row.iter().enumerate() {
                text(value).put(column + 1, &mut encoder);
            }
            encoder.row_end().unwrap();
        }
        encoder.take(Vec::new())
    };
    let mut connection = place.rows().await;
    let good = rows(&[["漢字  ", "かな ", "表"], ["?", "a?b", ""], ["ソ", "", "plain"]]);
    assert_eq!(place.load(&mut *connection, &plan, &columns, &good).await.unwrap(), 3);
    let many = "表".repeat(40_000) + "\u{1F986}";
    for (bad, column, character) in [
        (rows(&[["漢", "fine", "ok"], ["a", "ก", "ok"]]), "v", "U+0E01 of row 2"),
        (rows(&[["한글", "", ""]]), "c", "U+D55C of row 1"),
        (rows(&[["", "漢", &many]]), "m", "U+1F986 of row 1"),
        // A yen sign and a backslash share their place in the page.
        (rows(&[["", "\u{A5}100", ""]]), "v", ""),
    ] {
        let error = place.load(&mut *connection, &plan, &columns, &bad).await.unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with(&format!("table dbo.japanese, column {column}: ")), "{told}");
        assert!(told.contains("the server keeps other characters") && told.contains(character), "{told}");
        assert!(!error.retryable());
        place.order("TRUNCATE TABLE dbo.japanese").await;
        assert_eq!(place.load(&mut *connection, &plan, &columns, &good).await.unwrap(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stalls_inside_a_large_value_is_left_in_time() {
    const MB: usize = 1 << 20;
    let place = place().await;
    place.order("CREATE TABLE dbo.large (id int NOT NULL, b varbinary(max) NULL, last int NOT NULL)").await;
    let found = place.catalogue().await;
    let table = &found.tables[0];
    let blob = noise(16 * MB, 3);
    let mut encoder = Encoder::new(table.plan.clone());
    for id in 0..2 {
        encoder.cell(0, Cell::Int(id)).unwrap();
        encoder.cell(1, Cell::Binary(&blob)).unwrap();
        encoder.cell(2, Cell::Int(id)).unwrap();
        encoder.row_end().unwrap();
    }
    let columns = place.columns("large").await;
    let bytes = encoder.take(Vec::new());
    assert_eq!(place.load(&mut *place.rows().await, &table.plan, &columns, &bytes).await.unwrap(), 2);
    let stall = Fault::new(Action::Stall(None)).on("SELECT [id]").after_bytes(10 * MB as u64);
    for patience in [Duration::ZERO, Duration::from_secs(1)] {
        place.sandbox.faults().add(stall.clone());
        let target = Target { command_timeout: patience, ..place.target.clone() };
        let mut connection = connect::open_rows(&target, &place.cancel).await.unwrap();
        let stop = CancellationToken::new();
        let mut source = connection.read_table(&table.plan, &table.read, &stop).await.unwrap();
        let mut encoder = Encoder::new(table.plan.clone());
        let started = Instant::now();
        let (result, ()) = tokio::join!(source.read(&mut encoder, usize::MAX, &stop), async {
            if patience.is_zero() {
                tokio::time::sleep(Duration::from_millis(500)).await;
                stop.cancel();
            }
        });
        match patience.is_zero() {
            true => assert!(matches!(result, Err(SqlError::Cancelled)), "{result:?}"),
            false => assert!(matches!(result, Err(SqlError::Timeout { .. })), "{result:?}"),
        }
        assert!(started.elapsed() < Duration::from_millis(4_500), "{:?}", started.elapsed());
        drop(source);
        drop(connection);
        place.sandbox.faults().clear();
    }
    let (parts, _) = read(&mut *place.rows().await, table, PartLimits::default()).await;
    assert!(parts.concat() == bytes);
}
