//! The edges of the format: what is just within a limit, and what is just beyond it. A change of a limit, of a check or
//! of a length that no other test would see is seen here.

use std::sync::Arc;

use pacrat::bacpac::bcp::*;
use pacrat::bacpac::model::{Limits, ReadError, read};
use pacrat::bacpac::package::{Cut, PartCutter, PartLimits};
use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};

use BcpType as B;

fn one(ty: B, nullable: bool) -> ColumnPlan {
    ColumnPlan::new("c", ty, nullable)
}

fn plan(column: ColumnPlan) -> Arc<TablePlan> {
    Arc::new(TablePlan::new("dbo", "t", vec![column]))
}

/// What a decoder says of these bytes when nothing follows them.
fn decoded(column: &ColumnPlan, bytes: &[u8]) -> Result<u64, Fault> {
    let mut decoder = Decoder::new(plan(column.clone()), "part");
    let fed = decoder.feed(bytes, &mut CountRows::default());
    fed.and_then(|()| decoder.finish()).map_err(|e| *e.fault)
}

/// What an encoder makes of a cell.
fn encoded(column: &ColumnPlan, cell: Cell<'_>) -> Result<Vec<u8>, Fault> {
    let mut encoder = Encoder::new(plan(column.clone()));
    encoder.cell(0, cell).and_then(|()| encoder.row_end()).map_err(|e| *e.fault)?;
    Ok(encoder.take(Vec::new()))
}

/// The same verdict on both ways: a cell, and whether it can be.
fn both(column: &ColumnPlan, cell: Cell<'_>, bytes: &[u8], can_be: bool) {
    assert_eq!(decoded(column, bytes).is_ok(), can_be, "reading {cell:?}");
    assert_eq!(encoded(column, cell).is_ok(), can_be, "writing {cell:?}");
}

#[test]
fn lengths_beyond_every_type_are_refused_before_their_bytes() {
    let variant = one(B::Variant, true);
    assert_eq!(decoded(&variant, &8013u32.to_le_bytes()), Err(Fault::TooLong { found: 8013, limit: 8012 }));
    assert_eq!(decoded(&variant, &8012u32.to_le_bytes()), Err(Fault::Truncated { missing: 8012 }));
    assert_eq!(decoded(&variant, &[0; 4]), Ok(1));
    assert_eq!(decoded(&variant, &[0xFF; 4]), Ok(1));
    assert_eq!(decoded(&one(B::Variant, false), &[0; 4]), Err(Fault::Null));
    assert_eq!(decoded(&one(B::Variant, false), &[0xFF; 4]), Err(Fault::Null));
    let longest = 2 * (i32::MAX as u64);
    let blob = one(B::VarBinaryMax, true);
    assert_eq!(decoded(&blob, &longest.to_le_bytes()), Err(Fault::Truncated { missing: longest }));
    let beyond = Err(Fault::TooLong { found: longest + 1, limit: longest });
    assert_eq!(decoded(&blob, &(longest + 1).to_le_bytes()), beyond);
    for (column, head) in [(one(B::Text, true), &3u32.to_le_bytes()[..]), (one(B::Xml, true), &3u64.to_le_bytes()[..])]
    {
        assert_eq!(decoded(&column, head), Err(Fault::OddText { found: 3 }));
    }
    let short = one(B::NVarChar, true).with_length(5);
    assert_eq!(decoded(&short, &[&[10, 0][..], &[0x41, 0].repeat(5)].concat()), Ok(1));
    assert_eq!(decoded(&short, &[12, 0]), Err(Fault::TooLong { found: 12, limit: 10 }));
    assert_eq!(encoded(&short, Cell::Text(&[0x41, 0].repeat(6))), Err(Fault::TooLong { found: 12, limit: 10 }));
    assert_eq!(encoded(&short, Cell::Text(&[0x41, 0].repeat(5))).unwrap().len(), 12);
    // The longest text there is does not look like NULL.
    let long = one(B::Binary, true).with_length(8000);
    assert_eq!(decoded(&long, &[0xFE, 0xFF]), Err(Fault::TooLong { found: 0xFFFE, limit: 8000 }));
}

#[test]
fn data_that_ends_early_says_how_much_is_missing() {
    let blob = one(B::VarBinaryMax, true);
    let chunked = (u64::MAX - 1).to_le_bytes().to_vec();
    let missing = |bytes: &[u8]| match decoded(&blob, bytes) {
        Err(Fault::Truncated { missing }) => missing,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&chunked), 4);
    assert_eq!(missing(&[&chunked[..], &[3, 0]].concat()), 2);
    assert_eq!(missing(&[&chunked[..], &[3, 0, 0, 0, 7]].concat()), 2 + 4, "the chunk's rest and the next length");
    assert_eq!(missing(&[&chunked[..], &[1, 0, 0, 0, 7]].concat()), 4, "the length that ends the value");
    assert_eq!(decoded(&blob, &[&chunked[..], &[1, 0, 0, 0, 7, 0, 0, 0, 0]].concat()), Ok(1));
    assert_eq!(decoded(&blob, &[&chunked[..], &[0xFF, 0xFF, 0xFF, 0xFF]].concat()), Err(Fault::Chunk(-1)));
    let text = one(B::NVarCharMax, true);
    let odd = [&chunked[..], &[1, 0, 0, 0, 7, 0, 0, 0, 0]].concat();
    assert_eq!(decoded(&text, &odd), Err(Fault::OddText { found: 1 }));
    let two = Arc::new(TablePlan::new("dbo", "t", vec![one(B::TinyInt, false), one(B::TinyInt, false)]));
    let mut decoder = Decoder::new(two, "part");
    decoder.feed(&[1, 2, 3], &mut CountRows::default()).unwrap();
    assert_eq!(*decoder.finish().unwrap_err().fault, Fault::Truncated { missing: 1 });
}

#[test]
fn a_rowversion_has_eight_bytes_and_its_null_none() {
    let (null, not_null) = (one(B::RowVersion, true), one(B::RowVersion, false));
    assert_eq!(decoded(&null, &[0, 0]), Ok(1));
    assert_eq!(decoded(&null, &[0xFF, 0xFF]), Ok(1));
    assert_eq!(decoded(&not_null, &[0, 0]), Err(Fault::Null));
    assert_eq!(decoded(&not_null, &[7, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Fault::Length { found: 7, expected: 8 }));
    assert_eq!(encoded(&null, Cell::Null).unwrap(), [0, 0]);
    assert_eq!(encoded(&null, Cell::Binary(&[0; 7])), Err(Fault::Length { found: 7, expected: 8 }));
    assert_eq!(encoded(&not_null, Cell::Null), Err(Fault::Null));
}

#[test]
fn every_range_ends_where_the_types_does() {
    let day = 864_000_000_000u64;
    for (scale, step) in [(7, 1), (6, 10), (3, 10_000), (0, 10_000_000)] {
        let column = one(B::Time, false).with_scale(scale);
        for (ticks, can_be) in [(0, true), (day - step, true), (day, false), (step, true), (step / 10, step == 1)] {
            both(&column, Cell::Time(ticks), &ticks.to_le_bytes()[..5], can_be || ticks == 0);
        }
    }
    for (days, can_be) in [(3_652_058u32, true), (3_652_059, false)] {
        both(&one(B::Date, false), Cell::Date(days), &days.to_le_bytes()[..3], can_be);
        let moment = [&[0; 5][..], &days.to_le_bytes()[..3]].concat();
        both(&one(B::DateTime2, false).with_scale(7), Cell::DateTime2 { days, ticks: 0 }, &moment, can_be);
    }
    for (offset, can_be) in [(840i16, true), (841, false), (-840, true), (-841, false)] {
        let bytes = [&[0; 8][..], &offset.to_le_bytes()].concat();
        let cell = Cell::DateTimeOffset { days: 0, ticks: 0, offset };
        both(&one(B::DateTimeOffset, false).with_scale(7), cell, &bytes, can_be);
    }
    for (days, ticks, can_be) in [
        (-53_690i32, 0u32, true),
        (-53_691, 0, false),
        (2_958_463, 25_919_999, true),
        (2_958_464, 0, false),
        (0, 25_920_000, false),
    ] {
        let bytes = [days.to_le_bytes(), ticks.to_le_bytes()].concat();
        both(&one(B::DateTime, false), Cell::DateTime { days, ticks }, &bytes, can_be);
    }
    for (minutes, can_be) in [(1439u16, true), (1440, false)] {
        let bytes = [[0, 0], minutes.to_le_bytes()].concat();
        both(&one(B::SmallDateTime, false), Cell::SmallDateTime { days: 0, minutes }, &bytes, can_be);
    }
    let column = one(B::Decimal, false).with_precision(5, 2);
    for (magnitude, can_be) in [(99_999u128, true), (100_000, false)] {
        let bytes = [&[19, 5, 2, 0][..], &magnitude.to_le_bytes()].concat();
        both(&column, Cell::Decimal { negative: true, magnitude }, &bytes, can_be);
    }
    let header = |p, s, sign| [&[19, p, s, sign][..], &[0; 16]].concat();
    assert!(matches!(decoded(&column, &header(5, 3, 1)), Err(Fault::DecimalHeader { found_scale: 3, .. })));
    assert!(matches!(decoded(&column, &header(6, 2, 1)), Err(Fault::DecimalHeader { found_precision: 6, .. })));
    assert_eq!(decoded(&column, &header(5, 2, 2)), Err(Fault::DecimalSign(2)));
}

/// The texts of a table's one column.
struct Texts(Vec<Vec<u8>>);

impl RowSink for Texts {
    type Error = BcpError;
    fn cell(&mut self, _: usize, cell: Cell<'_>) -> Result<(), BcpError> {
        if let Cell::Text(bytes) | Cell::Binary(bytes) = cell {
            self.0.push(bytes.to_vec());
        }
        Ok(())
    }
    fn lob_start(&mut self, _: usize, _: LobKind, _: Option<u64>) -> Result<(), BcpError> {
        self.0.push(Vec::new());
        Ok(())
    }
    fn lob_piece(&mut self, _: usize, piece: &[u8]) -> Result<(), BcpError> {
        self.0.last_mut().unwrap().extend_from_slice(piece);
        Ok(())
    }
    fn lob_end(&mut self, _: usize) -> Result<(), BcpError> {
        Ok(())
    }
    fn row_end(&mut self) -> Result<(), BcpError> {
        Ok(())
    }
}

fn texts(column: &ColumnPlan, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut texts = Texts(Vec::new());
    let mut decoder = Decoder::new(plan(column.clone()), "part");
    decoder.feed(bytes, &mut texts).unwrap();
    decoder.finish().unwrap();
    texts.0
}

fn units(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|u| u.to_le_bytes()).collect()
}

#[test]
fn a_char_in_utf_8_loses_the_blanks_of_the_stream_and_no_other() {
    let utf8 = |n| one(B::Char, false).with_length(n).with_collation("Latin1_General_100_CI_AS_SC_UTF8");
    // é takes two of three bytes, so one of the two blanks is the value's.
    assert_eq!(texts(&utf8(3), &units(&[0xE9, 0x20, 0x20])), [units(&[0xE9, 0x20])]);
    // Half a pair counts as the three bytes of what stands for it.
    assert_eq!(texts(&utf8(4), &units(&[0xD800, 0x20, 0x20, 0x20])), [units(&[0xD800, 0x20])]);
    assert_eq!(texts(&utf8(3), &units(&[0x41, 0x20, 0x20])), [units(&[0x41, 0x20, 0x20])]);
    assert_eq!(encoded(&utf8(3), Cell::Text(&units(&[0xE9, 0x20]))).unwrap(), units(&[0xE9, 0x20, 0x20]));
    // In another collation every unit is there, or it is none.
    let char = one(B::Char, false).with_length(3).with_collation("Latin1_General_CI_AS");
    for n in [2, 4] {
        let expected = Err(Fault::Length { found: n * 2, expected: 6 });
        assert_eq!(encoded(&char, Cell::Text(&vec![0x20; n as usize * 2])), expected);
    }
    // The other reading of such a column: behind a length.
    let plan = plan(utf8(3));
    assert!(plan.has_utf8_char());
    let mut decoder = Decoder::with_char_utf8(plan, "part", pacrat::bacpac::plan::CharUtf8::Prefixed);
    let mut found = Texts(Vec::new());
    decoder.feed(&[2, 0, 0x58, 0], &mut found).unwrap();
    assert_eq!((decoder.finish().unwrap(), found.0), (1, vec![units(&[0x58])]));
    let nullable = ColumnPlan { nullable: true, ..utf8(3) };
    assert!(!TablePlan::new("dbo", "t", vec![nullable]).has_utf8_char());
}

#[test]
fn a_value_whose_length_is_not_known_can_be_taken_out_anywhere() {
    let column = one(B::VarBinaryMax, true);
    let (first, second) = (vec![1u8; 700], vec![2u8; 900]);
    // Before its first byte, after it, and not at all; with a whole row before it or none.
    for (taken_before, taken_after, rows_before) in
        [(true, false, 0), (false, true, 0), (true, true, 1), (false, false, 1), (false, true, 1)]
    {
        let mut encoder = Encoder::new(plan(column.clone()));
        let mut stream = Vec::new();
        for _ in 0..rows_before {
            encoder.cell(0, Cell::Binary(&[9])).unwrap();
            encoder.row_end().unwrap();
        }
        encoder.lob_start(0, LobKind::Binary, None).unwrap();
        assert!(encoder.can_open());
        if taken_before {
            stream.extend(encoder.take_open(Vec::new()).unwrap());
        }
        encoder.lob_piece(0, &first).unwrap();
        if rows_before > 0 {
            // The whole rows leave, the value stays and moves to the front.
            stream.extend(encoder.take(Vec::new()));
        }
        if taken_after {
            stream.extend(encoder.take_open(Vec::new()).unwrap());
        }
        encoder.lob_piece(0, &second).unwrap();
        encoder.lob_end(0).unwrap();
        encoder.row_end().unwrap();
        stream.extend(encoder.take(Vec::new()));
        let mut expected = vec![vec![9u8]; rows_before];
        expected.push([first.clone(), second.clone()].concat());
        assert_eq!(texts(&column, &stream), expected, "{taken_before} {taken_after} {rows_before}");
    }
    // A text without chunks has to wait for its end.
    let mut encoder = Encoder::new(plan(one(B::Image, true)));
    encoder.lob_start(0, LobKind::Binary, None).unwrap();
    encoder.lob_piece(0, &first).unwrap();
    assert!(!encoder.can_open() && encoder.take_open(Vec::new()).is_err());
}

#[test]
fn a_value_up_to_the_promised_size_is_given_whole_wherever_it_is_cut() {
    struct Pieces(usize, usize);
    impl RowSink for Pieces {
        type Error = BcpError;
        fn cell(&mut self, _: usize, _: Cell<'_>) -> Result<(), BcpError> {
            self.0 += 1;
            Ok(())
        }
        fn lob_start(&mut self, _: usize, _: LobKind, _: Option<u64>) -> Result<(), BcpError> {
            self.1 += 1;
            Ok(())
        }
        fn lob_piece(&mut self, _: usize, _: &[u8]) -> Result<(), BcpError> {
            Ok(())
        }
        fn lob_end(&mut self, _: usize) -> Result<(), BcpError> {
            Ok(())
        }
        fn row_end(&mut self) -> Result<(), BcpError> {
            Ok(())
        }
    }
    for (size, whole) in [(WHOLE, true), (WHOLE + 1, false)] {
        let stream = [(size as u64).to_le_bytes().to_vec(), vec![3; size]].concat();
        let mut found = Pieces(0, 0);
        let mut decoder = Decoder::new(plan(one(B::VarBinaryMax, true)), "part");
        for piece in stream.chunks(1000) {
            decoder.feed(piece, &mut found).unwrap();
        }
        assert_eq!((found.0, found.1), if whole { (1, 0) } else { (0, 1) }, "{size} bytes");
    }
}

#[test]
fn an_announced_length_is_kept_to_the_byte() {
    let fault = |announced: Option<u64>, ty, given: usize| {
        let mut encoder = Encoder::new(plan(one(ty, true)));
        let kind = if ty == B::VarBinaryMax { LobKind::Binary } else { LobKind::Text };
        encoder.lob_start(0, kind, announced).map_err(|e| *e.fault)?;
        encoder.lob_piece(0, &vec![0; given]).map_err(|e| *e.fault)?;
        encoder.lob_end(0).map_err(|e| *e.fault)
    };
    assert_eq!(fault(Some(10), B::VarBinaryMax, 10), Ok(()));
    assert_eq!(fault(Some(10), B::VarBinaryMax, 11), Err(Fault::LobLength(11, 10)));
    let mut encoder = Encoder::new(plan(one(B::VarBinaryMax, true)));
    encoder.lob_start(0, LobKind::Binary, Some(10)).unwrap();
    assert!(encoder.lob_piece(0, &[0; 11]).is_err(), "told at the piece that is too much");
    assert_eq!(fault(Some(10), B::VarBinaryMax, 9), Err(Fault::LobLength(9, 10)));
    assert_eq!(fault(Some(3), B::NVarCharMax, 3), Err(Fault::OddText { found: 3 }));
    assert_eq!(fault(None, B::NVarCharMax, 3), Err(Fault::OddText { found: 3 }));
    assert_eq!(fault(None, B::NText, 3), Err(Fault::OddText { found: 3 }));
    let two = Arc::new(TablePlan::new("dbo", "t", vec![one(B::Int, false), one(B::Int, false)]));
    let mut encoder = Encoder::new(two);
    encoder.cell(0, Cell::Int(1)).unwrap();
    assert_eq!(*encoder.row_end().unwrap_err().fault, Fault::ShortRow { found: 1, expected: 2 });
}

#[test]
fn a_variant_says_what_it_is_and_has_no_more() {
    let check = |bytes: &[u8]| parse_variant(bytes).map(|v| v.ty);
    let decimal = |ty: u8, extra: &[u8], sign: u8| [&[ty, 2, 10, 2][..], extra, &[sign], &[1], &[0; 15]].concat();
    let of = |numeric| Ok(VariantType::Decimal { numeric, precision: 10, scale: 2 });
    assert_eq!(check(&decimal(0x6A, &[], 1)), of(false));
    assert_eq!(check(&decimal(0x6C, &[10, 2], 1)), of(true));
    assert!(check(&decimal(0x6C, &[10, 3], 1)).is_err(), "another precision and scale before the sign");
    assert_eq!(check(&decimal(0x6A, &[], 2)), Err(Fault::DecimalSign(2)));
    let binary = |length: u16, data: usize| [&[0xA5, 2][..], &length.to_le_bytes(), &vec![0; data]].concat();
    assert!(check(&binary(8000, 8000)).is_ok());
    assert!(check(&binary(8001, 8000)).is_err() && check(&binary(8001, 8001)).is_err());
    assert!(check(&binary(3, 4)).is_err());
    // Readers take the length for that of the data, so no other is written.
    let column = one(B::Variant, true);
    assert!(encoded(&column, Cell::Variant(&binary(4, 4))).is_ok());
    assert!(matches!(encoded(&column, Cell::Variant(&binary(5, 4))), Err(Fault::Variant { ty: 0xA5, .. })));
}

#[test]
fn facets_outside_their_types_are_refused() {
    let check = |column: ColumnPlan| TablePlan::new("dbo", "t", vec![column]).check();
    for ty in [B::Char, B::VarChar, B::Binary, B::VarBinary] {
        assert!(check(one(ty, true).with_length(8000)).is_ok() && check(one(ty, true).with_length(1)).is_ok());
        assert!(check(one(ty, true).with_length(8001)).is_err() && check(one(ty, true)).is_err());
    }
    for ty in [B::NChar, B::NVarChar] {
        assert!(check(one(ty, true).with_length(4000)).is_ok());
        assert!(check(one(ty, true).with_length(4001)).is_err() && check(one(ty, true)).is_err());
    }
    for ty in [B::Decimal, B::Numeric] {
        assert!(check(one(ty, true).with_precision(38, 38)).is_ok());
        for (precision, scale) in [(39, 0), (0, 0), (5, 6)] {
            assert!(check(one(ty, true).with_precision(precision, scale)).is_err());
        }
    }
    for ty in [B::Time, B::DateTime2, B::DateTimeOffset] {
        assert!(check(one(ty, true).with_scale(7)).is_ok() && check(one(ty, true).with_scale(8)).is_err());
    }
}

#[test]
fn a_streamed_row_stands_in_a_part_of_its_own() {
    let column = one(B::VarBinaryMax, true);
    let mut cutter = PartCutter::new(plan(column), PartLimits { part: 1000, held: 2000 });
    let row = |cutter: &mut PartCutter, bytes: usize, step: usize| {
        let mut cuts = Vec::new();
        cutter.encoder().lob_start(0, LobKind::Binary, Some(bytes as u64)).unwrap();
        for _ in 0..bytes / step {
            cutter.encoder().lob_piece(0, &vec![5; step]).unwrap();
            while cutter.is_due() {
                match cutter.cut(false).unwrap() {
                    Some(cut) => cuts.push(cut),
                    None => break,
                }
            }
        }
        cutter.encoder().lob_end(0).unwrap();
        cutter.encoder().row_end().unwrap();
        while cutter.is_due() {
            match cutter.cut(false).unwrap() {
                Some(cut) => cuts.push(cut),
                None => break,
            }
        }
        cuts
    };
    assert_eq!(row(&mut cutter, 300, 100), [], "too small for a part");
    let cuts = row(&mut cutter, 5000, 500);
    let told: Vec<String> = cuts
        .iter()
        .map(|cut| match cut {
            Cut::Part { number, rows, bytes } => format!("part {number} of {rows}, {}", bytes.len()),
            Cut::Begin { number } => format!("begin {number}"),
            Cut::Piece(bytes) => format!("piece {}", bytes.len()),
            Cut::End { rows } => format!("end of {rows}"),
        })
        .collect();
    // The row before it leaves first; the last piece ends with the value, so only the end is left to say.
    assert_eq!(
        told,
        ["part 0 of 1, 308", "begin 1", "piece 2008", "piece 1000", "piece 1000", "piece 1000", "end of 1"]
    );
    assert_eq!(row(&mut cutter, 300, 100), []);
    assert!(matches!(cutter.cut(true), Ok(Some(Cut::Part { number: 2, rows: 1, .. }))));
    assert_eq!((cutter.cut(true).unwrap(), cutter.rows(), cutter.bytes()), (None, 3, 5624));
}

fn model(text: &str) -> Result<pacrat::bacpac::model::Document, ReadError> {
    read(text.as_bytes(), Limits::default())
}

#[test]
fn a_model_is_read_as_its_writer_had_it() {
    let around = |inside: &str| format!("<DataSchemaModel FileFormatVersion=\"1.2\">{inside}</DataSchemaModel>");
    assert!(matches!(model("<Other/>"), Err(ReadError::Shape(_))));
    assert!(matches!(model(&(around("") + &around(""))), Err(ReadError::Shape(_))));
    assert!(matches!(model(&around("<Model><Thing/></Model>")), Err(ReadError::Shape(_))));
    let found = model(&around("<Header><Custom/></Header><Model/>")).unwrap();
    assert_eq!(found.extras.len(), 1, "what stands beside the model is kept");
    // How the text was laid out.
    for (mark, end) in [("", "\n"), ("\u{FEFF}", "\r\n"), ("\u{FEFF}", "\n"), ("", "\r\n")] {
        let text = format!("{mark}<?xml version=\"1.0\"?>{end}{}", around("<Model/>"));
        let layout = model(&text).unwrap().layout;
        assert_eq!((layout.byte_order_mark, layout.crlf), (!mark.is_empty(), end.len() == 2), "{text:?}");
        // However it comes: a piece may end between the two characters of a line's end.
        for piece in [3, 21, 22, 23, 24, 25, 26] {
            let cut = std::io::BufReader::with_capacity(piece, text.as_bytes());
            assert_eq!(read(cut, Limits::default()).unwrap().layout.crlf, end.len() == 2, "{piece} {text:?}");
        }
    }
    // Texts and references, CDATA in two pieces, blanks that are all there is.
    let raw = |inside: &str| {
        let text = around(&format!("<Model><Element Type=\"X\"><Odd>{inside}</Odd></Element></Model>"));
        format!("{:?}", model(&text).unwrap().elements[0].nodes[0])
    };
    assert!(raw("a&lt;b&#x43;").contains("\"a<bC\""), "{}", raw("a&lt;b&#x43;"));
    assert!(raw("<![CDATA[a]]><![CDATA[b]]>").contains("\"ab\""), "{}", raw("<![CDATA[a]]><![CDATA[b]]>"));
    assert!(raw(" ").contains("\" \"") && !raw("\n  ").contains("Text("), "{} {}", raw(" "), raw("\n "));
    assert!(!raw(" <B/> ").contains("Text("), "{}", raw(" <B/> "));
    // Attributes: a line end is one blank, however it is written.
    let name = |value: &str| {
        let text = around(&format!("<Model><Element Type=\"X\" Name=\"{value}\"/></Model>"));
        model(&text).map(|m| m.elements[0].name.clone().unwrap())
    };
    assert_eq!(name("a\r\nb\tc\nd\re").unwrap(), "a b c d e");
    assert!(name("a<b").is_err() && name("a&b").is_err() && name("a&nbsp;b").is_err());
}

#[test]
fn a_model_in_one_line_takes_no_longer_than_another() {
    let of = |end: &str| {
        let elements = format!("<Element Type=\"X\"/>{end}").repeat(100_000);
        let text = format!("<DataSchemaModel>{end}<Model>{elements}</Model></DataSchemaModel>");
        let begun = std::time::Instant::now();
        assert_eq!(model(&text).unwrap().elements.len(), 100_000);
        begun.elapsed()
    };
    let (lines, line) = (of("\n"), of(""));
    // Looking for the first line's end again with every tag, it took hundreds of times as long.
    assert!(line < lines * 10 + std::time::Duration::from_secs(1), "{line:?}, and {lines:?} with line ends");
}

#[test]
fn a_models_limits_are_exact() {
    let text = "<DataSchemaModel><Model><Element Type=\"X\"><A><B/></A></Element></Model></DataSchemaModel>";
    let under = |limits: Limits| read(text.as_bytes(), limits).is_ok();
    let limits = Limits::default();
    // Document, model, element, A, B: five tags, B on the fifth level.
    assert!(under(Limits { tags: 5, ..limits }) && !under(Limits { tags: 4, ..limits }));
    assert!(under(Limits { depth: 5, ..limits }) && !under(Limits { depth: 4, ..limits }));
    let long = format!("<DataSchemaModel><!--{}--></DataSchemaModel>", "-=".repeat(100_000));
    let bytes = long.len() as u64;
    assert!(read(long.as_bytes(), Limits { bytes, ..limits }).is_ok());
    assert!(matches!(
        read(std::io::BufReader::with_capacity(1000, long.as_bytes()), Limits { bytes: bytes - 5000, ..limits }),
        Err(ReadError::Limit { what: "bytes", .. })
    ));
}

#[test]
fn annotations_are_told_apart_and_what_is_inside_counts_for_the_version() {
    let default = |column: &str| {
        format!(
            "<Element Type=\"SqlDefaultConstraint\"><Relationship Name=\"ForColumn\"><Entry><References \
             Name=\"[dbo].[t].[{column}]\"/></Entry></Relationship><Relationship Name=\"DefiningTable\"><Entry>\
             <References Name=\"[dbo].[t]\"/></Entry></Relationship>\
             <Annotation Type=\"SqlInlineConstraintAnnotation\"/></Element>"
        )
    };
    let column = |name: &str| format!("<Entry><Element Type=\"SqlSimpleColumn\" Name=\"[dbo].[t].[{name}]\"/></Entry>");
    let read = || {
        let text = format!(
            "<DataSchemaModel><Model>{}{}<Element Type=\"SqlTable\" Name=\"[dbo].[t]\"><Relationship Name=\"Columns\">\
             {}{}</Relationship></Element></Model></DataSchemaModel>",
            default("a"),
            default("b"),
            column("a"),
            column("b")
        );
        pacrat::bacpac::model::Model::read(text.as_bytes(), Limits::default()).unwrap()
    };
    let mut model = read();
    let next = model.number_annotations();
    let text = String::from_utf8(pacrat::bacpac::model::to_bytes(&model.to_document())).unwrap();
    for number in [next - 2, next - 1] {
        assert_eq!(text.matches(&format!("Disambiguator=\"{number}\"")).count(), 2, "{number}: {text}");
    }
    // What stands inside an element counts for the version, too.
    let inside = |more: &str| {
        let text = format!(
            "<DataSchemaModel><Model><Element Type=\"SqlUnheardOf\" Name=\"[x]\"><Relationship Name=\"Parts\"><Entry>\
             <Element Type=\"SqlTableTypeIndex\">{more}</Element></Entry></Relationship></Element></Model>\
             </DataSchemaModel>"
        );
        pacrat::bacpac::model::Model::read(text.as_bytes(), Limits::default()).unwrap().schema_version(0)
    };
    assert_eq!(inside("<Property Name=\"IsUnique\" Value=\"True\" />"), "3.0");
    assert_eq!(inside(""), "2.4");
}
