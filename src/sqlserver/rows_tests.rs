//! The conversions between the wire and the data stream, without a server: what the driver hands over, and what it is
//! given to send.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use mssql_tds::datatypes::column_values::{
    SqlDate, SqlDateTime, SqlDateTime2, SqlDateTimeOffset, SqlMoney, SqlSmallDateTime, SqlSmallMoney, SqlTime,
};
use mssql_tds::datatypes::decoder::DecimalParts;
use mssql_tds::datatypes::row_writer::RowWriter;
use mssql_tds::datatypes::sql_string::EncodingType;
use mssql_tds::datatypes::sqldatatypes::TdsDataType;
use proptest::prelude::*;

use super::error::SqlError;
use super::rows::{ReadOptions, ServerColumn};
use super::rows_in::{Load, Wire};
use super::rows_out::{CellWriter, Large, Shape};
use crate::bacpac::bcp::{Decoder, Encoder};
use crate::bacpac::plan::{BcpType, ColumnPlan, TablePlan};

const LATIN: &str = "SQL_Latin1_General_CP1_CI_AS";

fn server(plan: &TablePlan, code_page: u16, collation: &str) -> Vec<ServerColumn> {
    plan.columns
        .iter()
        .map(|c| ServerColumn {
            name: c.name.clone(),
            nullable: c.nullable,
            collation: Some(collation.into()),
            code_page: Some(code_page),
        })
        .collect()
}

fn plan(columns: Vec<ColumnPlan>) -> TablePlan {
    TablePlan::new("dbo", "t", columns)
}

/// What a row handed over by the driver becomes in the stream.
fn out(plan: &TablePlan, code_page: u16, row: impl Fn(&mut CellWriter<'_>)) -> Result<Vec<u8>, SqlError> {
    let options = ReadOptions { order: Vec::new(), columns: server(plan, code_page, LATIN) };
    let mut shape = Shape::of(plan, &options).unwrap();
    shape.collations.insert(LATIN.into(), [0x09, 0x04, 0xD0, 0x00, 0x34]);
    let rows = AtomicU64::new(0);
    let mut encoder = Encoder::new(Arc::new(plan.clone()));
    let mut writer = CellWriter::new(&shape, &mut encoder, &rows);
    row(&mut writer);
    writer.end_row();
    match writer.failure {
        Some(failure) => Err(*failure),
        None => Ok(encoder.bytes().to_vec()),
    }
}

/// What rows of the stream become on the wire, tokens of rows but the first included.
fn wire(plan: &TablePlan, code_page: u16, collation: &str, bcp: &[u8]) -> Result<Vec<u8>, SqlError> {
    let load = Load::of(plan, &server(plan, code_page, collation))?;
    let mut wire = Wire::new(&load, usize::MAX);
    let mut decoder = Decoder::new(Arc::new(plan.clone()), "part");
    decoder.feed(bcp, &mut wire)?;
    decoder.finish()?;
    Ok(wire.buffer)
}

fn one(ty: BcpType, nullable: bool) -> ColumnPlan {
    ColumnPlan::new("c", ty, nullable)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn time(ticks: u64, scale: u8) -> SqlTime {
    SqlTime { time_nanoseconds: ticks, scale }
}

/// One value of each type at its extremes: as the driver hands it over, in the stream, on the wire.
#[test]
fn extremes_of_every_type_cross_both_ways() {
    type Row = Box<dyn Fn(&mut CellWriter<'_>)>;
    type Case = (&'static str, ColumnPlan, Row, Vec<u8>, Vec<u8>);
    let max = 863_999_999_999u64;
    let cases: Vec<Case> = vec![
        ("bit", one(BcpType::Bit, false), Box::new(|w| w.write_bool(0, true)), vec![1, 1], vec![1, 1]),
        ("tinyint", one(BcpType::TinyInt, false), Box::new(|w| w.write_u8(0, 255)), vec![255], vec![1, 255]),
        (
            "smallint",
            one(BcpType::SmallInt, true),
            Box::new(|w| w.write_i16(0, i16::MIN)),
            vec![2, 0, 0x80],
            vec![2, 0, 0x80],
        ),
        (
            "bigint",
            one(BcpType::BigInt, true),
            Box::new(|w| w.write_i64(0, i64::MIN)),
            vec![8, 0, 0, 0, 0, 0, 0, 0, 0x80],
            vec![8, 0, 0, 0, 0, 0, 0, 0, 0x80],
        ),
        ("int NULL", one(BcpType::Int, true), Box::new(|w| w.write_null(0)), vec![0xFF], vec![0]),
        (
            "real NaN with a payload",
            one(BcpType::Real, false),
            Box::new(|w| w.write_f32(0, f32::from_bits(0x7FA0_0001))),
            vec![1, 0, 0xA0, 0x7F],
            vec![4, 1, 0, 0xA0, 0x7F],
        ),
        (
            // -922337203685477.5808: high word, then low word; a float could not hold it.
            "money",
            one(BcpType::Money, false),
            Box::new(|w| w.write_money(0, SqlMoney { lsb_part: 0, msb_part: i32::MIN })),
            vec![0, 0, 0, 0x80, 0, 0, 0, 0],
            vec![8, 0, 0, 0, 0x80, 0, 0, 0, 0],
        ),
        (
            "smallmoney",
            one(BcpType::SmallMoney, true),
            Box::new(|w| w.write_smallmoney(0, SqlSmallMoney { int_val: -1 })),
            vec![4, 255, 255, 255, 255],
            vec![4, 255, 255, 255, 255],
        ),
        (
            "decimal(38,0)",
            one(BcpType::Decimal, false).with_precision(38, 0),
            Box::new(|w| w.write_decimal(0, DecimalParts::new(false, 38, 0, 10u128.pow(38) - 1))),
            [vec![19, 38, 0, 0], (10u128.pow(38) - 1).to_le_bytes().to_vec()].concat(),
            [vec![17, 0], (10u128.pow(38) - 1).to_le_bytes().to_vec()].concat(),
        ),
        (
            "numeric zero, sent as negative",
            one(BcpType::Numeric, false).with_precision(5, 2),
            Box::new(|w| w.write_numeric(0, DecimalParts::new(false, 5, 2, 0))),
            [vec![19, 5, 2, 1], vec![0; 16]].concat(),
            [vec![17, 1], vec![0; 16]].concat(),
        ),
        (
            "date",
            one(BcpType::Date, true),
            Box::new(|w| w.write_date(0, SqlDate::create(3_652_058).unwrap())),
            vec![3, 0xDA, 0xB9, 0x37],
            vec![3, 0xDA, 0xB9, 0x37],
        ),
        (
            "time(7)",
            one(BcpType::Time, false).with_scale(7),
            Box::new(move |w| w.write_time(0, time(max, 7))),
            vec![0xFF, 0xBF, 0x69, 0x2A, 0xC9],
            vec![5, 0xFF, 0xBF, 0x69, 0x2A, 0xC9],
        ),
        (
            // 23:59:59 is 863,990,000,000 ticks in the stream and 86,399 seconds on the wire.
            "time(0)",
            one(BcpType::Time, true).with_scale(0),
            Box::new(|w| w.write_time(0, time(863_990_000_000, 0))),
            [vec![5], 863_990_000_000u64.to_le_bytes()[..5].to_vec()].concat(),
            vec![3, 0x7F, 0x51, 0x01],
        ),
        (
            "datetime2(3)",
            one(BcpType::DateTime2, false).with_scale(3),
            Box::new(|w| w.write_datetime2(0, SqlDateTime2 { days: 1, time: time(10_000, 3) })),
            vec![0x10, 0x27, 0, 0, 0, 1, 0, 0],
            vec![7, 1, 0, 0, 0, 1, 0, 0],
        ),
        (
            "datetimeoffset(7), -14:00",
            one(BcpType::DateTimeOffset, false).with_scale(7),
            Box::new(|w| {
                let datetime2 = SqlDateTime2 { days: 0, time: time(1, 7) };
                w.write_datetimeoffset(0, SqlDateTimeOffset { datetime2, offset: -840 });
            }),
            vec![1, 0, 0, 0, 0, 0, 0, 0, 0xB8, 0xFC],
            vec![10, 1, 0, 0, 0, 0, 0, 0, 0, 0xB8, 0xFC],
        ),
        (
            "datetime 1753",
            one(BcpType::DateTime, false),
            Box::new(|w| w.write_datetime(0, SqlDateTime { days: -53_690, time: 25_919_999 })),
            vec![0x46, 0x2E, 0xFF, 0xFF, 0xFF, 0x81, 0x8B, 0x01],
            vec![8, 0x46, 0x2E, 0xFF, 0xFF, 0xFF, 0x81, 0x8B, 0x01],
        ),
        (
            "smalldatetime",
            one(BcpType::SmallDateTime, false),
            Box::new(|w| w.write_smalldatetime(0, SqlSmallDateTime { days: 65_535, time: 1_439 })),
            vec![0xFF, 0xFF, 0x9F, 0x05],
            vec![4, 0xFF, 0xFF, 0x9F, 0x05],
        ),
        (
            "uniqueidentifier",
            one(BcpType::UniqueIdentifier, false),
            Box::new(|w| {
                w.write_uuid(0, uuid::Uuid::from_u128(0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF));
            }),
            vec![16, 0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF],
            vec![16, 0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF],
        ),
        (
            "char(3) NOT NULL",
            one(BcpType::Char, false).with_length(3),
            Box::new(|w| w.write_string(0, Cow::Borrowed(b"a\x80 "), narrow())),
            utf16("a€ "),
            vec![3, 0, b'a', 0x80, b' '],
        ),
        (
            "varchar empty",
            one(BcpType::VarChar, true).with_length(5),
            Box::new(|w| w.write_string(0, Cow::Borrowed(b""), narrow())),
            vec![0, 0],
            vec![0, 0],
        ),
        (
            "varchar(max) empty: no chunk, only the end",
            one(BcpType::VarCharMax, true),
            Box::new(|w| w.write_string(0, Cow::Borrowed(b""), narrow())),
            vec![0; 8],
            [(u64::MAX - 1).to_le_bytes().to_vec(), vec![0; 4]].concat(),
        ),
        (
            "nvarchar with half a surrogate pair",
            one(BcpType::NVarChar, false).with_length(2),
            Box::new(|w| w.write_string(0, Cow::Borrowed(&[0x00, 0xD8]), EncodingType::Utf16)),
            vec![2, 0, 0x00, 0xD8],
            vec![2, 0, 0x00, 0xD8],
        ),
        (
            "varbinary(max) NULL",
            one(BcpType::VarBinaryMax, true),
            Box::new(|w| w.write_null(0)),
            vec![0xFF; 8],
            vec![0xFF; 8],
        ),
        (
            "image",
            one(BcpType::Image, true),
            Box::new(|w| {
                w.write_i32(0, 1);
                w.large(1, &Large::Binary, &[7]);
            }),
            vec![1, 0, 0, 0, 7],
            [vec![0x10], vec![0xFF; 24], vec![1, 0, 0, 0, 7]].concat(),
        ),
        (
            "hierarchyid root",
            one(BcpType::HierarchyId, true),
            Box::new(|w| w.write_bytes(0, Cow::Borrowed(&[]))),
            vec![0; 8],
            [(u64::MAX - 1).to_le_bytes().to_vec(), vec![0; 4]].concat(),
        ),
        (
            "xml",
            one(BcpType::Xml, true),
            Box::new(|w| w.write_string(0, Cow::Owned(utf16("<a/>")), EncodingType::Utf16)),
            [vec![8, 0, 0, 0, 0, 0, 0, 0], utf16("<a/>")].concat(),
            [(u64::MAX - 1).to_le_bytes().to_vec(), vec![8, 0, 0, 0], utf16("<a/>"), vec![0; 4]].concat(),
        ),
    ];
    for (name, column, row, bcp, sent) in cases {
        let plan = plan(vec![column]);
        assert_eq!(out(&plan, 1252, row).unwrap(), bcp, "{name}: from the wire");
        assert_eq!(wire(&plan, 1252, LATIN, &bcp).unwrap(), sent, "{name}: to the wire");
    }
}

/// An encoding that is none of Unicode: the code page is the catalogue's.
fn narrow() -> EncodingType {
    EncodingType::LcidBased(mssql_tds_collation())
}

fn mssql_tds_collation() -> mssql_tds::token::tokens::SqlCollation {
    [0x09u8, 0x04, 0xD0, 0x00, 0x34].as_slice().try_into().unwrap()
}

#[test]
fn a_rowversion_is_read_and_not_loaded() {
    let plan = plan(vec![one(BcpType::RowVersion, false), ColumnPlan::new("n", BcpType::Int, false)]);
    let bcp = out(&plan, 1252, |w| {
        w.write_bytes(0, Cow::Borrowed(&[0, 0, 0, 0, 0, 0, 7, 0xD1]));
        w.write_i32(1, 1);
    })
    .unwrap();
    assert_eq!(bcp, [8, 0, 0, 0, 0, 0, 0, 0, 7, 0xD1, 1, 0, 0, 0]);
    // Two rows: the driver writes the token of the first.
    assert_eq!(wire(&plan, 1252, LATIN, &[bcp.clone(), bcp].concat()).unwrap(), [4, 1, 0, 0, 0, 0xD1, 4, 1, 0, 0, 0]);
}

#[test]
fn a_variant_keeps_its_properties() {
    let plan = plan(vec![one(BcpType::Variant, true)]);
    let collation = utf16(LATIN);
    let text = out(&plan, 1252, |w| {
        w.write_string(0, Cow::Borrowed(&collation), EncodingType::Utf16);
        w.write_variant_base_type(1, TdsDataType::NVarChar);
        w.write_string(1, Cow::Owned(utf16("hi")), EncodingType::Utf16);
    })
    .unwrap();
    // The length of the data, whatever was declared.
    let payload = [vec![0xE7, 7, 9, 4, 0xD0, 0, 0x34, 4, 0], utf16("hi")].concat();
    assert_eq!(text, [vec![13, 0, 0, 0], payload.clone()].concat());
    assert_eq!(wire(&plan, 1252, LATIN, &text).unwrap(), [vec![13, 0, 0, 0], payload].concat());

    let null_properties = |w: &mut CellWriter<'_>| {
        w.write_null(0);
    };
    let decimal = out(&plan, 1252, |w| {
        null_properties(w);
        w.write_variant_base_type(1, TdsDataType::NumericN);
        w.write_numeric(1, DecimalParts::new(false, 4, 1, 123));
    })
    .unwrap();
    let expected = [vec![21, 0, 0, 0, 0x6C, 2, 4, 1, 0, 123], vec![0; 15]].concat();
    assert_eq!(decimal, expected);
    assert_eq!(wire(&plan, 1252, LATIN, &decimal).unwrap(), expected);

    let time3 = out(&plan, 1252, |w| {
        null_properties(w);
        w.write_variant_base_type(1, TdsDataType::TimeN);
        w.write_time(1, time(10_000, 3));
    })
    .unwrap();
    assert_eq!(time3, [8, 0, 0, 0, 0x29, 1, 3, 0x10, 0x27, 0, 0, 0]);
    assert_eq!(wire(&plan, 1252, LATIN, &time3).unwrap(), [7, 0, 0, 0, 0x29, 1, 3, 1, 0, 0, 0]);

    let null = out(&plan, 1252, |w| {
        null_properties(w);
        w.write_null(1);
    })
    .unwrap();
    assert_eq!(null, [0; 4]);
    assert_eq!(wire(&plan, 1252, LATIN, &null).unwrap(), [0; 4]);

    // Without its collation a text cannot be carried exactly.
    let error = out(&plan, 1252, |w| {
        w.write_null(0);
        w.write_variant_base_type(1, TdsDataType::NVarChar);
        w.write_string(1, Cow::Owned(utf16("hi")), EncodingType::Utf16);
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "table dbo.t, column c, row 1: the server does not tell the collation of a sql_variant"
    );
}

#[test]
fn a_cell_that_does_not_fit_is_named() {
    let plan = plan(vec![one(BcpType::VarChar, true).with_length(10)]);
    let error = out(&plan, 1253, |w| w.write_string(0, Cow::Borrowed(b"a\xAA"), narrow())).unwrap_err();
    assert_eq!(error.to_string(), "table dbo.t, column c, row 1: byte 0xAA at 1 is no character of its code page");
    let row = [vec![2, 0], utf16("日")].concat();
    let two = [vec![2, 0], utf16("a"), row].concat();
    let error = wire(&plan, 1252, LATIN, &two).unwrap_err();
    assert_eq!(error.to_string(), "table dbo.t, column c, row 2: U+65E5 is no character of the column's code page");
}

#[test]
fn a_table_that_changed_is_noticed_and_unknown_code_pages_are_refused() {
    let plan = plan(vec![one(BcpType::VarChar, true).with_length(10)]);
    let mut columns = server(&plan, 1252, LATIN);
    columns[0].code_page = None;
    let options = ReadOptions { order: Vec::new(), columns: columns.clone() };
    assert!(matches!(Shape::of(&plan, &options), Err(SqlError::Unsupported(_))));
    assert!(matches!(Load::of(&plan, &columns), Err(SqlError::Unsupported(_))));
    assert!(matches!(Load::of(&plan, &[]), Err(SqlError::Unsupported(_))));
    let shape = Shape::of(&plan, &ReadOptions { order: Vec::new(), columns: server(&plan, 1252, LATIN) }).unwrap();
    assert!(shape.check(&[]).unwrap_err().contains("0 columns"));
}

#[test]
fn the_query_is_quoted_and_ordered() {
    let plan = TablePlan::new(
        "s]",
        "t]",
        vec![
            ColumnPlan::new("a]b", BcpType::Int, false),
            ColumnPlan::new("x", BcpType::Xml, true),
            ColumnPlan::new("v", BcpType::Variant, true),
            ColumnPlan::new("j", BcpType::VarChar, true).with_length(5000),
        ],
    );
    let mut options =
        ReadOptions { order: vec![("a]b".into(), false), ("x".into(), true)], columns: server(&plan, 932, LATIN) };
    let shape = Shape::of(&plan, &options).unwrap();
    assert_eq!(
        shape.sql,
        "SELECT [a]]b], CAST([x] AS nvarchar(max)) AS [x], \
         CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY([v], N'Collation')), [v], CONVERT(nvarchar(max), [j]) AS [j] \
         FROM [s]]].[t]]] ORDER BY [a]]b] ASC, [x] DESC"
    );
    options.order.clear();
    assert!(Shape::of(&plan, &options).unwrap().sql.ends_with("FROM [s]]].[t]]]"));
}

#[test]
fn a_large_value_crosses_in_pieces() {
    let plan = Arc::new(plan(vec![one(BcpType::VarCharMax, true), ColumnPlan::new("n", BcpType::Int, false)]));
    let text = utf16("ä€").repeat(100_000);
    let bcp = [(text.len() as u64).to_le_bytes().to_vec(), text, vec![1, 0, 0, 0]].concat();
    let load = Load::of(&plan, &server(&plan, 65_001, "Latin1_General_100_CI_AS_SC_UTF8")).unwrap();
    let mut wire = Wire::new(&load, usize::MAX);
    let mut decoder = Decoder::new(plan.clone(), "part");
    let (mut value, mut most) = (Vec::new(), 0);
    for piece in bcp.chunks(999) {
        decoder.feed(piece, &mut wire).unwrap();
        most = most.max(wire.buffer.len());
        value.append(&mut wire.buffer);
    }
    decoder.finish().unwrap();
    assert!(most < 10_000, "{most} bytes were held at once");
    // Put the chunks together again.
    assert_eq!(value[..8], (u64::MAX - 1).to_le_bytes());
    let (mut at, mut together) = (8, Vec::new());
    loop {
        let length = u32::from_le_bytes(value[at..at + 4].try_into().unwrap()) as usize;
        at += 4;
        if length == 0 {
            break;
        }
        together.extend_from_slice(&value[at..at + length]);
        at += length;
    }
    assert_eq!(together, "ä€".repeat(100_000).as_bytes());
    assert_eq!(value[at..], [4, 1, 0, 0, 0]);
}

#[test]
fn a_text_or_image_whose_length_is_told_is_not_held() {
    const BYTES: usize = 4 << 20;
    for (ty, code_page, unit) in [(BcpType::Image, 1252, 1), (BcpType::NText, 1252, 1), (BcpType::Text, 1252, 2)] {
        let plan = Arc::new(plan(vec![one(ty, true)]));
        let load = Load::of(&plan, &server(&plan, code_page, LATIN)).unwrap();
        let mut wire = Wire::new(&load, usize::MAX);
        let mut decoder = Decoder::new(plan, "part");
        let bcp = [(BYTES as u32).to_le_bytes().to_vec(), b"x\0".repeat(BYTES / 2)].concat();
        let (mut sent, mut most) = (Vec::new(), 0);
        for piece in bcp.chunks(10_000) {
            decoder.feed(piece, &mut wire).unwrap();
            most = most.max(wire.buffer.len());
            // As the loader does.
            if !wire.is_open() {
                sent.append(&mut wire.buffer);
            }
        }
        decoder.finish().unwrap();
        sent.append(&mut wire.buffer);
        assert!(most < 100_000, "{ty:?}: {most} bytes were held at once");
        assert_eq!(sent[25..29], ((BYTES / unit) as u32).to_le_bytes(), "{ty:?}");
        assert_eq!(sent.len(), 29 + BYTES / unit, "{ty:?}");
    }
}

#[test]
fn a_time_of_more_than_five_bytes_is_no_time_inside_a_variant_either() {
    let plan = plan(vec![one(BcpType::Variant, true)]);
    let ticks = (1 << 40) + 5;
    let time_of = |w: &mut CellWriter<'_>| {
        w.write_null(0);
        w.write_variant_base_type(1, TdsDataType::TimeN);
        w.write_time(1, time(ticks, 7));
    };
    let error = out(&plan, 1252, time_of).unwrap_err();
    assert!(error.to_string().ends_with("are more than a day has"), "{error}");
    let error = out(&plan, 1252, |w| {
        w.write_null(0);
        w.write_variant_base_type(1, TdsDataType::DateTime2N);
        w.write_datetime2(1, SqlDateTime2 { days: 0, time: time(ticks, 7) });
    });
    assert!(error.is_err());
}

#[test]
fn batches_end_between_rows() {
    let plan = Arc::new(plan(vec![one(BcpType::Int, false)]));
    let load = Load::of(&plan, &server(&plan, 1252, LATIN)).unwrap();
    let mut wire = Wire::new(&load, 12);
    let mut decoder = Decoder::new(plan, "part");
    decoder.feed(&[0; 4 * 7], &mut wire).unwrap();
    // 5, then 6 with the token: three rows reach 12 bytes; the first row of the next batch has no token.
    assert_eq!(wire.cuts, [17, 34]);
    assert_eq!(wire.buffer.len(), 17 + 17 + 5);
    assert_eq!(wire.buffer[17], 4);
    assert_eq!(wire.rows, 7);
}

proptest! {
    /// A narrow text comes back as it was, whatever its bytes, or is refused; never changed.
    #[test]
    fn narrow_texts_come_back_or_are_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        page in prop::sample::select(vec![437u16, 850, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 65_001]),
    ) {
        let plan = plan(vec![one(BcpType::VarChar, true).with_length(40)]);
        if let Ok(bcp) = out(&plan, page, |w| w.write_string(0, Cow::Borrowed(&bytes), narrow())) {
            let sent = wire(&plan, page, LATIN, &bcp).unwrap();
            prop_assert_eq!(&sent[..2], &(bytes.len() as u16).to_le_bytes());
            prop_assert_eq!(&sent[2..], &bytes);
        } else {
            prop_assert!(![437, 850, 1252].contains(&page), "every byte is a character there");
        }
    }

    /// Times at every scale come back as they were.
    #[test]
    fn times_come_back(units in 0u64..86_400, fraction in 0u64..10_000_000, scale in 0u8..=7, days in 0u32..3_652_059, offset in -840i16..=840) {
        let unit = 10u64.pow(7 - u32::from(scale));
        let ticks = units * 10_000_000 + fraction / unit * unit;
        let plan = plan(vec![one(BcpType::DateTimeOffset, true).with_scale(scale)]);
        let bcp = out(&plan, 1252, |w| {
            let datetime2 = SqlDateTime2 { days, time: time(ticks, scale) };
            w.write_datetimeoffset(0, SqlDateTimeOffset { datetime2, offset });
        }).unwrap();
        let sent = wire(&plan, 1252, LATIN, &bcp).unwrap();
        let width = usize::from(sent[0]) - 5;
        let mut value = [0; 8];
        value[..width].copy_from_slice(&sent[1..=width]);
        prop_assert_eq!(u64::from_le_bytes(value) * unit, ticks);
        prop_assert_eq!(&sent[width + 1..width + 4], &days.to_le_bytes()[..3]);
        prop_assert_eq!(&sent[width + 4..], &offset.to_le_bytes());
    }
}
