//! The museum's rows: every column now and then NULL where it may be, every type at its edges.

use std::sync::Arc;

use super::{Load, LoadColumn, TICKS_OF_SECOND, bytes, column, day, decimal, mix, narrow, or_null, pick, ty, wide};
use crate::sandbox::value::{Base, Value, Variant};

fn lender_id(n: u64) -> [u8; 16] {
    let (a, b) = (mix(n.wrapping_mul(5)), mix(n.wrapping_mul(5) ^ 1));
    let mut id = [0; 16];
    id[..8].copy_from_slice(&a.to_le_bytes());
    id[8..].copy_from_slice(&b.to_le_bytes());
    // Version 4, as NEWID makes them; the third group is little-endian.
    id[7] = id[7] & 0x0F | 0x40;
    id[8] = id[8] & 0x3F | 0x80;
    id
}

const LENDERS: u64 = 6;

/// The museum's rows: lenders and items, every column now and then NULL where it may be, every type at its edges.
pub fn lighthouse(items: u64) -> Vec<Load> {
    const NAMES: [&str; 6] = [
        "Skerry Pilots' Guild",
        "Fyrvesenets Venner",
        "Société des Phares d'Ys",
        "Κέντρο Φάρων",
        "灯台保存会",
        "Estate of Capt. M. Quill",
    ];
    const COUNTRIES: [&str; 6] = ["GB", "NO", "FR", "GR", "JP", "IE"];
    let lenders = (0..LENDERS).map(|n| {
        vec![
            Value::Guid(lender_id(n)),
            wide(pick(&NAMES, n)),
            wide(pick(&COUNTRIES, n)),
            or_null(n % 3 != 2, || Value::Date(day(1890, 5, 1) + n as u32 * 4321)),
        ]
    });
    vec![
        Load {
            schema: "collection",
            table: "Lender",
            columns: vec![
                column("LenderId", "uniqueidentifier", false),
                column("Name", "nvarchar(120)", false),
                column("Country", "nchar(2)", false),
                column("Since", "date", true),
            ],
            rows: Box::new(lenders),
        },
        Load { schema: "collection", table: "Item", columns: item_columns(), rows: Box::new((0..items).map(item)) },
    ]
}

fn item_columns() -> Vec<LoadColumn> {
    vec![
        column("ItemId", "int", false),
        column("Code", "varchar(16)", false),
        column("Title", "nvarchar(200)", false),
        column("Kind", "varchar(30)", false),
        column("Room", "char(4)", false),
        column("Shelf", "nchar(6)", true),
        column("Story", "nvarchar(max)", true),
        column("Catalogue", "varchar(max)", true),
        column("OldCard", "text", true),
        column("OldRemark", "ntext", true),
        column("Thumbnail", "image", true),
        column("Photo", "varbinary(max)", true),
        column("Digest", "binary(32)", true),
        column("Seal", "varbinary(64)", true),
        column("Pieces", "tinyint", false),
        column("Drawer", "smallint", true),
        column("Requests", "bigint", false),
        column("OnShow", "bit", false),
        column("Loanable", "bit", true),
        column("Insured", "money", true),
        column("Fee", "smallmoney", true),
        column("WeightKg", "decimal(18,6)", false),
        column("Precise", "numeric(38,10)", true),
        column("LengthCm", "real", true),
        column("Luminosity", "float", true),
        column("Made", "date", true),
        column("Received", "datetime", false),
        column("Inspected", "smalldatetime", true),
        column("Changed", "datetime2(7)", false),
        column("ShownFrom", "time(0)", true),
        column("Flash", "time(7)", true),
        column("Lent", "datetimeoffset(3)", true),
        column("LenderId", "uniqueidentifier", true),
        column("Oddity", "sql_variant", true),
        column("Papers", "xml", true),
        column("Site", "geography", true),
        column("Outline", "geometry", true),
        column("Place", "hierarchyid", true),
    ]
}

fn item(n: u64) -> Vec<Value> {
    const THINGS: [&str; 10] = [
        "Fresnel lens, third order",
        "Keeper's logbook",
        "Foghorn “Old Gertie”",
        "Paraffin lamp",
        "Mercury bath (empty, don't worry)",
        "Schlüssel zum Ölkeller",
        "Prism no. 7 of 41",
        "Signal flag",
        "霧笛の図面",
        "Teapot of the relief boat 🫖",
    ];
    const KINDS: [&str; 5] = ["optics", "paper", "sound", "Optics", "household"];
    let seed = mix(n + 1000);
    // Which columns are NULL changes from row to row: the first row has every value, the second as few as may be.
    let some = |bit: u64| match n {
        0 => true,
        1 => false,
        _ => !mix(seed ^ bit).is_multiple_of(4),
    };
    let story = format!("{}\r\nFound {} paces north of the tower. ", pick(&THINGS, seed), seed % 900);
    let story = story.repeat(1 + (seed % 40) as usize);
    let photo: Vec<u8> = (0..2_000 + seed % 30_000).map(|i| mix(seed ^ i) as u8).collect();
    vec![
        Value::Int(100 + 10 * n as i32),
        narrow(&format!("LH-{:04}-{}", n, seed % 90 + 10)),
        wide(pick(&THINGS, seed)),
        narrow(pick(&KINDS, seed >> 4)),
        narrow(pick(&["T1  ", "T2  ", "LAMP", "CELL"], seed >> 6)),
        or_null(some(1), || wide(pick(&["a-1   ", "ö-2   ", "灯-3   "], seed >> 7))),
        or_null(some(2), || wide(&story)),
        or_null(some(3), || narrow(&format!("see box {}, folder {}", seed % 77, seed % 13))),
        or_null(some(4), || narrow("typed card of 1961, corners missing")),
        or_null(some(5), || wide("Handschriftlich: „nicht wegwerfen“")),
        or_null(some(6), || bytes(&photo[..photo.len().min(300)])),
        or_null(some(7), || bytes(&photo)),
        or_null(some(8), || bytes(&lender_id(n).repeat(2))),
        or_null(some(9), || bytes(&lender_id(n)[..(seed % 16) as usize])),
        Value::TinyInt(pick(&[1, 2, 41, 255], seed)),
        or_null(some(10), || Value::SmallInt(pick(&[i16::MIN, -1, 0, 7, i16::MAX], seed >> 3))),
        Value::BigInt(pick(&[0, 1, 12, 9_007_199_254_740_993, i64::MAX], seed >> 8)),
        Value::Bit(seed & 1 == 1),
        or_null(some(11), || Value::Bit(seed & 2 == 2)),
        or_null(some(12), || Value::Money(pick(&[0, 15_000_000, -1, i64::MAX, i64::MIN], seed >> 5))),
        or_null(some(13), || Value::SmallMoney(pick(&[0, 45_000, i32::MAX, i32::MIN], seed >> 6))),
        decimal(i128::from(seed % 900_000_000), 18, 6),
        or_null(some(14), || {
            decimal(pick(&[0, 1, -1, 99_999_999_999_999_999_999_999_999_999_999_999_999], seed >> 7), 38, 10)
        }),
        or_null(some(15), || Value::Real(pick(&[0.0, -0.0, 1.5, f32::MIN_POSITIVE, f32::MAX], seed >> 8))),
        or_null(some(16), || Value::Float(pick(&[0.0, 0.1, -1e300, f64::EPSILON, f64::MAX], seed >> 9))),
        or_null(some(17), || {
            Value::Date(pick(&[0, day(1856, 9, 1), day(1999, 12, 31), day(9999, 12, 31)], seed >> 10))
        }),
        Value::DateTime {
            days: pick(&[-53_690, 0, 44_000, 2_958_463], seed >> 11),
            ticks: (seed >> 12) as u32 % 25_920_000,
        },
        or_null(some(18), || Value::SmallDateTime {
            days: pick(&[0, 45_000, u16::MAX], seed >> 13),
            minutes: (seed >> 14) as u16 % 1440,
        }),
        Value::DateTime2 {
            days: day(2026, 1, 1) + seed as u32 % 300,
            ticks: seed % (86_400 * TICKS_OF_SECOND),
            scale: 7,
        },
        or_null(some(19), || Value::Time { ticks: seed % 86_400 * TICKS_OF_SECOND, scale: 0 }),
        or_null(some(20), || Value::Time { ticks: pick(&[0, 1, 86_400 * TICKS_OF_SECOND - 1], seed >> 15), scale: 7 }),
        or_null(some(21), || Value::DateTimeOffset {
            days: day(2027, 6, 1),
            ticks: seed % 86_400_000 * 10_000,
            scale: 3,
            offset: pick(&[-840, -90, 0, 60, 345, 840], seed >> 16),
        }),
        or_null(some(22), || Value::Guid(lender_id(seed % LENDERS))),
        or_null(some(23), || oddity(seed)),
        or_null(some(24), || {
            wide(&format!("<papers box=\"{}\"><sheet>licence</sheet><sheet>Öl &amp; Docht</sheet></papers>", seed % 9))
        }),
        or_null(some(25), || {
            point(4326, pick(&[48.5, 54.18, 71.1, -33.9], seed >> 17), pick(&[-4.8, 7.88, 25.7, 18.4], seed >> 17))
        }),
        or_null(some(26), || point(0, seed as f64 % 1000.0, 2.5)),
        // The root, /1/, /2/, /1/1/, /1/2/ as the documentation of hierarchyid shows them.
        or_null(some(27), || bytes(pick(&[&[][..], &[0x58], &[0x68], &[0x5A, 0xC0], &[0x5B, 0x40]], seed >> 18))),
    ]
}

/// A spatial point as SQL Server keeps one: SRID, version 1, "valid, single point", two coordinates.
fn point(srid: i32, first: f64, second: f64) -> Value {
    let mut out = srid.to_le_bytes().to_vec();
    out.extend([1, 0x0C]);
    out.extend(first.to_le_bytes());
    out.extend(second.to_le_bytes());
    bytes(&out)
}

fn oddity(seed: u64) -> Value {
    let (ty, value) = match seed % 6 {
        0 => (ty(Base::Int, 0, 0, 0), Value::Int(seed as i32)),
        1 => (ty(Base::Money, 0, 0, 0), Value::Money(seed as i64 / 3)),
        2 => (ty(Base::Decimal, 0, 20, 4), decimal(i128::from(seed >> 4), 20, 4)),
        3 => (ty(Base::Date, 0, 0, 0), Value::Date(day(1911, 11, 11))),
        4 => (ty(Base::VarBinary, 16, 0, 0), bytes(&lender_id(seed))),
        _ => (ty(Base::UniqueIdentifier, 0, 0, 0), Value::Guid(lender_id(seed))),
    };
    Value::Variant(Arc::new(Variant { ty, value }))
}
