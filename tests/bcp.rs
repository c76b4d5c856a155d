//! The codec against DacFx's own bytes, against a slow obvious twin, and against nonsense.

use std::sync::Arc;

use proptest::prelude::*;

use pacrat::bacpac::bcp::*;
use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};

/// Every type, both nullabilities where both exist.
fn every_column() -> Vec<ColumnPlan> {
    use BcpType::*;
    let mut columns = Vec::new();
    for nullable in [false, true] {
        for ty in [
            Bit,
            TinyInt,
            SmallInt,
            Int,
            BigInt,
            Real,
            Float,
            SmallMoney,
            Money,
            Decimal,
            Numeric,
            Date,
            Time,
            SmallDateTime,
            DateTime,
            DateTime2,
            DateTimeOffset,
            UniqueIdentifier,
            Char,
            VarChar,
            VarCharMax,
            Text,
            NChar,
            NVarChar,
            NVarCharMax,
            NText,
            Binary,
            VarBinary,
            VarBinaryMax,
            Image,
            RowVersion,
            Xml,
            Variant,
            HierarchyId,
            Geometry,
            Geography,
            Clr,
            Json,
            Vector,
        ] {
            let column = ColumnPlan::new(format!("{ty:?}{nullable}"), ty, nullable);
            columns.push(match ty {
                Char | VarChar | NChar | NVarChar | Binary | VarBinary => column.with_length(5),
                Decimal => column.with_precision(12, 3),
                Numeric => column.with_precision(38, 38),
                Time => column.with_scale(3),
                DateTime2 => column.with_scale(7),
                DateTimeOffset => column.with_scale(0),
                _ => column,
            });
        }
    }
    columns
}

/// A value that owns its bytes.
#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Plain(Cell<'static>),
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Variant(Vec<u8>),
}

impl Owned {
    fn of(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Text(b) => Owned::Text(b.to_vec()),
            Cell::Binary(b) => Owned::Binary(b.to_vec()),
            Cell::Variant(b) => Owned::Variant(b.to_vec()),
            Cell::Null => Owned::Plain(Cell::Null),
            Cell::Bit(v) => Owned::Plain(Cell::Bit(v)),
            Cell::TinyInt(v) => Owned::Plain(Cell::TinyInt(v)),
            Cell::SmallInt(v) => Owned::Plain(Cell::SmallInt(v)),
            Cell::Int(v) => Owned::Plain(Cell::Int(v)),
            Cell::BigInt(v) => Owned::Plain(Cell::BigInt(v)),
            Cell::Real(v) => Owned::Plain(Cell::Real(v)),
            Cell::Float(v) => Owned::Plain(Cell::Float(v)),
            Cell::SmallMoney(v) => Owned::Plain(Cell::SmallMoney(v)),
            Cell::Money(v) => Owned::Plain(Cell::Money(v)),
            Cell::Decimal { negative, magnitude } => Owned::Plain(Cell::Decimal { negative, magnitude }),
            Cell::Date(v) => Owned::Plain(Cell::Date(v)),
            Cell::Time(v) => Owned::Plain(Cell::Time(v)),
            Cell::DateTime2 { days, ticks } => Owned::Plain(Cell::DateTime2 { days, ticks }),
            Cell::DateTimeOffset { days, ticks, offset } => Owned::Plain(Cell::DateTimeOffset { days, ticks, offset }),
            Cell::SmallDateTime { days, minutes } => Owned::Plain(Cell::SmallDateTime { days, minutes }),
            Cell::DateTime { days, ticks } => Owned::Plain(Cell::DateTime { days, ticks }),
            Cell::Guid(v) => Owned::Plain(Cell::Guid(v)),
        }
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            Owned::Plain(cell) => *cell,
            Owned::Text(b) => Cell::Text(b),
            Owned::Binary(b) => Cell::Binary(b),
            Owned::Variant(b) => Cell::Variant(b),
        }
    }
}

/// Collects rows; large values in pieces are put together again.
#[derive(Debug, Default)]
struct Collect {
    rows: Vec<Vec<Owned>>,
    row: Vec<Owned>,
    lob: Option<(LobKind, Option<u64>, Vec<u8>)>,
}

impl RowSink for Collect {
    type Error = BcpError;
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), BcpError> {
        assert_eq!(column, self.row.len());
        self.row.push(Owned::of(cell));
        Ok(())
    }
    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), BcpError> {
        assert_eq!(column, self.row.len());
        self.lob = Some((kind, length, Vec::new()));
        Ok(())
    }
    fn lob_piece(&mut self, _: usize, piece: &[u8]) -> Result<(), BcpError> {
        let (kind, _, bytes) = self.lob.as_mut().expect("a piece outside a value");
        assert!(!piece.is_empty());
        assert!(*kind == LobKind::Binary || piece.len().is_multiple_of(2), "text cut inside a unit");
        bytes.extend_from_slice(piece);
        Ok(())
    }
    fn lob_end(&mut self, _: usize) -> Result<(), BcpError> {
        let (kind, length, bytes) = self.lob.take().expect("an end outside a value");
        assert!(length.is_none_or(|n| n == bytes.len() as u64));
        self.row.push(if kind == LobKind::Text { Owned::Text(bytes) } else { Owned::Binary(bytes) });
        Ok(())
    }
    fn row_end(&mut self) -> Result<(), BcpError> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

fn decode_chunks(plan: &Arc<TablePlan>, bytes: &[u8], chunk: usize) -> Result<Vec<Vec<Owned>>, BcpError> {
    let mut decoder = Decoder::new(plan.clone(), "part");
    let mut sink = Collect::default();
    for piece in bytes.chunks(chunk.max(1)) {
        decoder.feed(piece, &mut sink)?;
    }
    decoder.finish()?;
    Ok(sink.rows)
}

fn encode(plan: &Arc<TablePlan>, rows: &[Vec<Owned>]) -> Result<Vec<u8>, BcpError> {
    let mut encoder = Encoder::new(plan.clone());
    for row in rows {
        for (i, value) in row.iter().enumerate() {
            encoder.cell(i, value.cell())?;
        }
        encoder.row_end()?;
    }
    Ok(encoder.take(Vec::new()))
}

fn plan_of(columns: Vec<ColumnPlan>) -> Arc<TablePlan> {
    Arc::new(TablePlan::new("dbo", "t", columns))
}

/// The twin: the table of the format document read one byte at a time, without care for speed. `None`: not a row.
mod twin {
    use super::*;

    struct Bytes<'a>(&'a [u8]);

    impl Bytes<'_> {
        fn take(&mut self, n: u64) -> Option<Vec<u8>> {
            let n = usize::try_from(n).ok().filter(|n| *n <= self.0.len())?;
            let (head, tail) = self.0.split_at(n);
            self.0 = tail;
            Some(head.to_vec())
        }
        fn number(&mut self, n: u64) -> Option<u64> {
            Some(self.take(n)?.iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b)))
        }
    }

    fn little(bytes: &[u8]) -> u128 {
        bytes.iter().rev().fold(0, |sum, b| sum << 8 | u128::from(*b))
    }

    fn ticks(bytes: &[u8], scale: u8) -> Option<u64> {
        let ticks = little(&bytes[..5]) as u64;
        let unit = 10u64.pow(u32::from(7 - scale));
        (ticks < 24 * 60 * 60 * 10_000_000 && ticks.is_multiple_of(unit)).then_some(ticks)
    }

    fn days(bytes: &[u8]) -> Option<u32> {
        let days = little(&bytes[..3]) as u32;
        (days <= 3_652_058).then_some(days)
    }

    pub(super) fn rows(plan: &TablePlan, bytes: &[u8]) -> Option<Vec<Vec<Owned>>> {
        let mut bytes = Bytes(bytes);
        let mut rows = Vec::new();
        while !bytes.0.is_empty() {
            let mut row = Vec::new();
            for column in &plan.columns {
                row.push(value(column, &mut bytes)?);
            }
            rows.push(row);
        }
        Some(rows)
    }

    fn value(c: &ColumnPlan, bytes: &mut Bytes<'_>) -> Option<Owned> {
        use BcpType::*;
        let null = |nullable: bool| nullable.then_some(Owned::Plain(Cell::Null));
        let width: u64 = match c.ty {
            Bit | TinyInt => 1,
            SmallInt => 2,
            Date => 3,
            Int | Real | SmallMoney | SmallDateTime => 4,
            Time => 5,
            BigInt | Float | Money | DateTime | DateTime2 => 8,
            DateTimeOffset => 10,
            UniqueIdentifier => 16,
            Decimal | Numeric => 19,
            _ => 0,
        };
        if width > 0 {
            let always = matches!(c.ty, Bit | UniqueIdentifier | Decimal | Numeric);
            if always || c.nullable {
                match bytes.number(1)? {
                    0xFF => return null(c.nullable),
                    n if n == width => {}
                    _ => return None,
                }
            }
            return fixed(c, &bytes.take(width)?).map(Owned::Plain);
        }
        let text = |b: Vec<u8>| (b.len().is_multiple_of(2)).then_some(Owned::Text(b));
        match c.ty {
            Char if !c.nullable => text(bytes.take(u64::from(c.length) * 2)?),
            Char | VarChar | NChar | NVarChar | Binary | VarBinary => match bytes.number(2)? {
                0xFFFF => null(c.nullable),
                n if matches!(c.ty, Binary | VarBinary) => {
                    (n <= u64::from(c.length)).then(|| bytes.take(n))?.map(Owned::Binary)
                }
                n => (n <= 2 * u64::from(c.length)).then(|| bytes.take(n))?.and_then(text),
            },
            RowVersion => match bytes.number(2)? {
                0xFFFF | 0 => null(c.nullable),
                8 => bytes.take(8).map(Owned::Binary),
                _ => None,
            },
            Text | NText | Image => match bytes.number(4)? {
                0xFFFF_FFFF => null(c.nullable),
                n if c.ty == Image => bytes.take(n).map(Owned::Binary),
                n => bytes.take(n).and_then(text),
            },
            Variant => match bytes.number(4)? {
                0 | 0xFFFF_FFFF => null(c.nullable),
                n => bytes.take(n).filter(|b| parse_variant(b).is_ok()).map(Owned::Variant),
            },
            ty => {
                let all = match bytes.number(8)? {
                    u64::MAX => return null(c.nullable),
                    n if n == u64::MAX - 1 => {
                        let mut all = Vec::new();
                        loop {
                            match bytes.number(4)? {
                                0 => break all,
                                n if n > 0x7FFF_FFFF => return None,
                                n => all.extend(bytes.take(n)?),
                            }
                        }
                    }
                    n => bytes.take(n)?,
                };
                match ty {
                    VarCharMax | NVarCharMax | Xml | Json => text(all),
                    _ => Some(Owned::Binary(all)),
                }
            }
        }
    }

    fn fixed(c: &ColumnPlan, b: &[u8]) -> Option<Cell<'static>> {
        use BcpType::*;
        let n = little(b);
        Some(match c.ty {
            Bit => match b[0] {
                0 => Cell::Bit(false),
                1 => Cell::Bit(true),
                _ => return None,
            },
            TinyInt => Cell::TinyInt(b[0]),
            SmallInt => Cell::SmallInt(n as i16),
            Int => Cell::Int(n as i32),
            BigInt => Cell::BigInt(n as i64),
            Real => Cell::Real(n as u32),
            Float => Cell::Float(n as u64),
            SmallMoney => Cell::SmallMoney(n as i32),
            Money => Cell::Money(((little(&b[..4]) as i64) << 32) | little(&b[4..]) as i64),
            Decimal | Numeric => {
                let magnitude = little(&b[3..]);
                let fits = b[0] == c.precision && b[1] == c.scale && b[2] <= 1;
                if !fits || magnitude.to_string().len() > usize::from(c.precision) {
                    return None;
                }
                Cell::Decimal { negative: b[2] == 0, magnitude }
            }
            Date => Cell::Date(days(b)?),
            Time => Cell::Time(ticks(b, c.scale)?),
            DateTime2 => Cell::DateTime2 { days: days(&b[5..])?, ticks: ticks(b, c.scale)? },
            DateTimeOffset => {
                let offset = little(&b[8..]) as i16;
                if i32::from(offset).abs() > 14 * 60 {
                    return None;
                }
                Cell::DateTimeOffset { days: days(&b[5..])?, ticks: ticks(b, c.scale)?, offset }
            }
            SmallDateTime => {
                let minutes = little(&b[2..]) as u16;
                (minutes < 24 * 60).then_some(Cell::SmallDateTime { days: little(&b[..2]) as u16, minutes })?
            }
            DateTime => {
                let (days, ticks) = (little(&b[..4]) as i32, little(&b[4..]) as u32);
                let fits = (-53_690..=2_958_463).contains(&days) && ticks < 24 * 60 * 60 * 300;
                fits.then_some(Cell::DateTime { days, ticks })?
            }
            UniqueIdentifier => Cell::Guid(b.try_into().ok()?),
            _ => return None,
        })
    }
}

fn any_value(c: &ColumnPlan) -> BoxedStrategy<Owned> {
    use BcpType::*;
    let even = |limit: usize| {
        prop::collection::vec(any::<u16>(), 0..=limit)
            .prop_map(|units| Owned::Text(units.iter().flat_map(|u| u.to_le_bytes()).collect()))
    };
    let bytes = |limit: usize| prop::collection::vec(any::<u8>(), 0..=limit).prop_map(Owned::Binary);
    let scale = c.scale;
    let tick = move || {
        let unit = 10u64.pow(u32::from(7 - scale));
        (0..864_000_000_000 / unit).prop_map(move |n| n * unit)
    };
    let day = || 0..=3_652_058u32;
    let precision = u32::from(c.precision);
    let length = c.length as usize;
    let value = match c.ty {
        Bit => any::<bool>().prop_map(Cell::Bit).prop_map(Owned::Plain).boxed(),
        TinyInt => any::<u8>().prop_map(Cell::TinyInt).prop_map(Owned::Plain).boxed(),
        SmallInt => any::<i16>().prop_map(Cell::SmallInt).prop_map(Owned::Plain).boxed(),
        Int => any::<i32>().prop_map(Cell::Int).prop_map(Owned::Plain).boxed(),
        BigInt => any::<i64>().prop_map(Cell::BigInt).prop_map(Owned::Plain).boxed(),
        Real => any::<u32>().prop_map(Cell::Real).prop_map(Owned::Plain).boxed(),
        Float => any::<u64>().prop_map(Cell::Float).prop_map(Owned::Plain).boxed(),
        SmallMoney => any::<i32>().prop_map(Cell::SmallMoney).prop_map(Owned::Plain).boxed(),
        Money => any::<i64>().prop_map(Cell::Money).prop_map(Owned::Plain).boxed(),
        Decimal | Numeric => (any::<bool>(), 0..10u128.pow(precision))
            .prop_map(|(negative, magnitude)| Owned::Plain(Cell::Decimal { negative, magnitude }))
            .boxed(),
        Date => day().prop_map(Cell::Date).prop_map(Owned::Plain).boxed(),
        Time => tick().prop_map(Cell::Time).prop_map(Owned::Plain).boxed(),
        DateTime2 => (day(), tick()).prop_map(|(days, ticks)| Owned::Plain(Cell::DateTime2 { days, ticks })).boxed(),
        DateTimeOffset => (day(), tick(), -840..=840i16)
            .prop_map(|(days, ticks, offset)| Owned::Plain(Cell::DateTimeOffset { days, ticks, offset }))
            .boxed(),
        SmallDateTime => (any::<u16>(), 0..1440u16)
            .prop_map(|(days, minutes)| Owned::Plain(Cell::SmallDateTime { days, minutes }))
            .boxed(),
        DateTime => (-53_690..=2_958_463i32, 0..25_920_000u32)
            .prop_map(|(days, ticks)| Owned::Plain(Cell::DateTime { days, ticks }))
            .boxed(),
        UniqueIdentifier => any::<[u8; 16]>().prop_map(Cell::Guid).prop_map(Owned::Plain).boxed(),
        Char => prop::collection::vec(any::<u16>(), length..=length)
            .prop_map(|units| Owned::Text(units.iter().flat_map(|u| u.to_le_bytes()).collect()))
            .boxed(),
        VarChar | NChar | NVarChar => even(length).boxed(),
        Binary | VarBinary => bytes(length).boxed(),
        RowVersion => any::<[u8; 8]>().prop_map(|b| Owned::Binary(b.to_vec())).boxed(),
        Variant => prop_oneof![
            any::<[u8; 4]>().prop_map(|b| Owned::Variant([&[0x38, 0][..], &b].concat())),
            any::<[u8; 3]>().prop_map(|b| Owned::Variant([&[0xA5, 2, 3, 0][..], &b].concat())),
            (0..10u128.pow(12)).prop_map(|n| { Owned::Variant([&[0x6A, 2, 12, 3, 1][..], &n.to_le_bytes()].concat()) }),
        ]
        .boxed(),
        ty if ty.is_text() => even(40).boxed(),
        _ => bytes(80).boxed(),
    };
    if c.nullable { prop_oneof![1 => Just(Owned::Plain(Cell::Null)), 3 => value].boxed() } else { value }
}

fn any_rows() -> impl Strategy<Value = (Vec<ColumnPlan>, Vec<Vec<Owned>>)> {
    prop::collection::vec(prop::sample::select(every_column()), 1..8).prop_flat_map(|columns| {
        let row: Vec<_> = columns.iter().map(any_value).collect();
        (Just(columns), prop::collection::vec(row, 0..6))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded_and_the_twin_agrees((columns, rows) in any_rows(), chunk in 1usize..40) {
        let plan = plan_of(columns);
        let bytes = encode(&plan, &rows).unwrap();
        prop_assert_eq!(&decode_chunks(&plan, &bytes, chunk).unwrap(), &rows);
        prop_assert_eq!(&decode_chunks(&plan, &bytes, usize::MAX).unwrap(), &rows);
        let twin = twin::rows(&plan, &bytes);
        prop_assert_eq!(twin.as_ref(), Some(&rows));
    }

    #[test]
    fn one_changed_byte_is_seen_as_the_twin_sees_it(
        (columns, rows) in any_rows(), chunk in 1usize..40, at in any::<prop::sample::Index>(), value in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let plan = plan_of(columns);
        let mut bytes = encode(&plan, &rows).unwrap();
        if bytes.is_empty() {
            return Ok(());
        }
        let at = at.index(bytes.len());
        bytes[at] = value;
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            let twin = twin::rows(&plan, bytes);
            prop_assert_eq!(decode_chunks(&plan, bytes, chunk).ok(), twin.clone());
            prop_assert_eq!(decode_chunks(&plan, bytes, usize::MAX).ok(), twin);
        }
    }

    #[test]
    fn nonsense_never_panics(
        columns in prop::collection::vec(prop::sample::select(every_column()), 0..6),
        bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(0xFF), Just(0xFE), any::<u8>()], 0..200),
        chunk in 1usize..50,
    ) {
        let plan = plan_of(columns);
        let fast = decode_chunks(&plan, &bytes, chunk).ok();
        prop_assert_eq!(&fast, &decode_chunks(&plan, &bytes, usize::MAX).ok());
        if !plan.columns.is_empty() {
            prop_assert_eq!(fast, twin::rows(&plan, &bytes));
        }
        let _ = parse_variant(&bytes);
    }

    #[test]
    fn large_values_come_in_pieces_and_whole(
        size in prop_oneof![0usize..10, (WHOLE - 3)..(WHOLE + 3), 100_000usize..200_000], chunk in 1000usize..70_000,
        text in any::<bool>(), known in any::<bool>(), open in any::<bool>(),
    ) {
        let size = size & !1;
        let bytes: Vec<u8> = (0..size).map(|i| (i * 7) as u8).collect();
        let ty = if text { BcpType::NVarCharMax } else { BcpType::VarBinaryMax };
        let kind = if text { LobKind::Text } else { LobKind::Binary };
        let plan = plan_of(vec![ColumnPlan::new("a", ty, true), ColumnPlan::new("b", BcpType::Int, false)]);
        let mut encoder = Encoder::new(plan.clone());
        let mut stream = Vec::new();
        for n in 0..3 {
            encoder.lob_start(0, kind, known.then_some(size as u64)).unwrap();
            for piece in bytes.chunks(4096) {
                encoder.lob_piece(0, piece).unwrap();
                if open {
                    stream.extend(encoder.take_open(Vec::new()).unwrap());
                }
            }
            encoder.lob_end(0).unwrap();
            encoder.cell(1, Cell::Int(n)).unwrap();
            encoder.row_end().unwrap();
            stream.extend(encoder.take(Vec::new()));
        }
        let value = if text { Owned::Text(bytes) } else { Owned::Binary(bytes) };
        let rows: Vec<_> = (0..3).map(|n| vec![value.clone(), Owned::Plain(Cell::Int(n))]).collect();
        prop_assert_eq!(decode_chunks(&plan, &stream, chunk).unwrap(), rows.clone());
        prop_assert_eq!(twin::rows(&plan, &stream), Some(rows));
    }
}

fn shared() -> Option<std::path::PathBuf> {
    let dir = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").into(), std::path::PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("SKIPPED: tests/bcp.rs needs ../shared");
    None
}

/// A column of `report.json`: `[name, [type, facets…], nullable]`.
fn golden_column(column: &serde_json::Value, type_name: &str) -> ColumnPlan {
    use BcpType::*;
    let spec = &column[1];
    let number = |i: usize| spec[i].as_u64().unwrap_or(0);
    let max = spec[1] == "max";
    let ty = match type_name {
        "bit" => Bit,
        "tinyint" => TinyInt,
        "smallint" => SmallInt,
        "int" => Int,
        "bigint" => BigInt,
        "real" => Real,
        "float" => Float,
        "smallmoney" => SmallMoney,
        "money" => Money,
        "decimal" => Decimal,
        "numeric" => Numeric,
        "date" => Date,
        "time" => Time,
        "smalldatetime" => SmallDateTime,
        "datetime" => DateTime,
        "datetime2" => DateTime2,
        "datetimeoffset" => DateTimeOffset,
        "uniqueidentifier" => UniqueIdentifier,
        "char" => Char,
        "varchar" if max => VarCharMax,
        "varchar" => VarChar,
        "nchar" => NChar,
        "nvarchar" if max => NVarCharMax,
        "nvarchar" => NVarChar,
        "text" => Text,
        "ntext" => NText,
        "image" => Image,
        "binary" => Binary,
        "varbinary" if max => VarBinaryMax,
        "varbinary" => VarBinary,
        "timestamp" => RowVersion,
        "xml" => Xml,
        "sql_variant" => Variant,
        other if other.ends_with("hierarchyid") => HierarchyId,
        other if other.ends_with("geometry") => Geometry,
        other if other.ends_with("geography") => Geography,
        other => panic!("no type {other}"),
    };
    let plan = ColumnPlan::new(column[0].as_str().unwrap(), ty, column[2].as_bool().unwrap());
    match ty {
        Char | VarChar | NChar | NVarChar | Binary | VarBinary => plan.with_length(number(1) as u32),
        Decimal | Numeric => plan.with_precision(number(1) as u8, number(2) as u8),
        Time | DateTime2 | DateTimeOffset => plan.with_scale(number(1) as u8),
        _ => plan,
    }
}

#[test]
fn the_bytes_of_dacfx_are_read_and_written_again() {
    let Some(shared) = shared() else { return };
    let golden = shared.join("dacfx/golden/bcp");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(golden.join("report.json")).unwrap()).unwrap();
    let mut files = 0;
    for (name, entry) in report.as_object().unwrap() {
        let columns = entry["columns"].as_array().unwrap();
        let schema = entry["schema"].as_array().unwrap();
        let columns =
            columns.iter().zip(schema).map(|(c, s)| golden_column(c, s["DataTypeName"].as_str().unwrap())).collect();
        let plan = plan_of(columns);
        plan.check().unwrap();
        let bytes = std::fs::read(golden.join(format!("{name}.bcp"))).unwrap();
        let rows = decode_chunks(&plan, &bytes, usize::MAX).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(rows.len(), entry["rows"].as_array().unwrap().len(), "{name}");
        assert_eq!(decode_chunks(&plan, &bytes, 1).unwrap(), rows, "{name}");
        assert_eq!(encode(&plan, &rows).unwrap(), bytes, "{name}");
        files += 1;
    }
    assert!(files > 80, "{files} files");
}

#[test]
fn char_under_utf8_is_padded_in_the_stream_and_nowhere_else() {
    let column = |nullable| {
        ColumnPlan::new("c", BcpType::Char, nullable).with_length(4).with_collation("Latin1_General_100_BIN2_UTF8")
    };
    for nullable in [false, true] {
        let plan = plan_of(vec![column(nullable)]);
        let rows: Vec<_> = ["abcd", "ab  ", "éb ", "éé", "😀", "  é", "日 "]
            .iter()
            .map(|text| vec![Owned::Text(text.encode_utf16().flat_map(u16::to_le_bytes).collect())])
            .collect();
        let bytes = encode(&plan, &rows).unwrap();
        if !nullable {
            assert_eq!(bytes.len(), rows.len() * 8);
            assert_eq!(&bytes[16..24], b"\xE9\0b\0 \0 \0");
        }
        assert_eq!(decode_chunks(&plan, &bytes, 3).unwrap(), rows);
    }
}

#[test]
fn an_error_names_part_byte_row_and_column() {
    let plan = plan_of(vec![ColumnPlan::new("id", BcpType::Int, false), ColumnPlan::new("on", BcpType::Bit, false)]);
    let error = decode_chunks(&plan, b"\x01\0\0\0\x01\x01\x02\0\0\0\x01\x07", 5).unwrap_err();
    assert_eq!(error.to_string(), "part, row 1, column on, byte 10: bit with the value 0x07");
    let error = decode_chunks(&plan, b"\x01\0\0\0\x01\x01\x02\0", 5).unwrap_err();
    assert_eq!(error.to_string(), "part, row 1, column id, byte 6: the data ends inside a row (2 more bytes at least)");
    let mut encoder = Encoder::new(plan);
    let error = encoder.cell(0, Cell::Bit(true)).unwrap_err();
    assert_eq!(error.to_string(), "dbo.t, row 0, column id, byte 0: bit given for a column of type int");
    assert!(encoder.cell(0, Cell::Null).unwrap_err().to_string().ends_with("NULL in a NOT NULL column"));
    assert!(encoder.row_end().unwrap_err().to_string().ends_with("the row ends after 0 of 2 columns"));
    assert!(encoder.bytes().is_empty(), "a refused cell leaves no byte behind");
}
