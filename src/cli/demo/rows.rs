//! The demo's rows, made by code: the same in every run, believable, and at the edges of their types where it matters.

use std::sync::Arc;

use crate::sandbox::value::{Base, MAX, SqlType, Value, Variant};

/// Lines of Cornflower's receipts: enough that their progress can be watched.
pub const RECEIPT_LINES: u64 = 200_000;

/// A column of a load.
#[derive(Debug, Clone)]
pub struct LoadColumn {
    /// Raw name.
    pub name: &'static str,
    /// As INSERT BULK declares it.
    pub declared: &'static str,
    /// The type.
    pub ty: SqlType,
    /// As the table has it.
    pub nullable: bool,
}

/// Rows for one table.
pub struct Load {
    /// Raw schema name.
    pub schema: &'static str,
    /// Raw table name.
    pub table: &'static str,
    /// The columns, in the table's order.
    pub columns: Vec<LoadColumn>,
    /// The rows.
    pub rows: Box<dyn Iterator<Item = Vec<Value>> + Send>,
}

fn ty(base: Base, length: u32, precision: u8, scale: u8) -> SqlType {
    SqlType { base, length, precision, scale, collation: None, detail: None }
}

/// A column from its declaration: `int`, `decimal(9,2)`, `nvarchar(80)`, `varbinary(max)`.
fn column(name: &'static str, declared: &'static str, nullable: bool) -> LoadColumn {
    let (word, arguments) = declared.split_once('(').unwrap_or((declared, ""));
    let arguments: Vec<&str> = arguments.trim_end_matches(')').split(',').map(str::trim).collect();
    let number = |n: usize| arguments.get(n).and_then(|a| a.parse::<u32>().ok()).unwrap_or(0);
    let length = |unit: u32| if arguments.first() == Some(&"max") { MAX } else { number(0) * unit };
    let sized = |base, unit| ty(base, length(unit), 0, 0);
    let scaled = |base| ty(base, 0, 0, number(0) as u8);
    let exact = |base| ty(base, 0, number(0) as u8, number(1) as u8);
    let plain = |base| ty(base, 0, 0, 0);
    let ty = match word {
        "bit" => plain(Base::Bit),
        "tinyint" => plain(Base::TinyInt),
        "smallint" => plain(Base::SmallInt),
        "int" => plain(Base::Int),
        "bigint" => plain(Base::BigInt),
        "real" => plain(Base::Real),
        "float" => plain(Base::Float),
        "smallmoney" => plain(Base::SmallMoney),
        "money" => plain(Base::Money),
        "decimal" => exact(Base::Decimal),
        "numeric" => exact(Base::Numeric),
        "date" => plain(Base::Date),
        "time" => scaled(Base::Time),
        "smalldatetime" => plain(Base::SmallDateTime),
        "datetime" => plain(Base::DateTime),
        "datetime2" => scaled(Base::DateTime2),
        "datetimeoffset" => scaled(Base::DateTimeOffset),
        "char" => sized(Base::Char, 1),
        "varchar" => sized(Base::VarChar, 1),
        "text" => plain(Base::Text),
        "nchar" => sized(Base::NChar, 2),
        "nvarchar" => sized(Base::NVarChar, 2),
        "ntext" => plain(Base::NText),
        "binary" => sized(Base::Binary, 1),
        "varbinary" => sized(Base::VarBinary, 1),
        "image" => plain(Base::Image),
        "uniqueidentifier" => plain(Base::UniqueIdentifier),
        "xml" => plain(Base::Xml),
        "sql_variant" => plain(Base::Variant),
        "hierarchyid" => plain(Base::HierarchyId),
        "geometry" => plain(Base::Geometry),
        "geography" => plain(Base::Geography),
        other => unreachable!("the demo declares no {other}"),
    };
    LoadColumn { name, declared, ty, nullable }
}

/// Numbers that look random and are the same in every run (the finaliser of SplitMix64, a public-domain generator).
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn pick<T: Copy>(from: &[T], n: u64) -> T {
    from[(n % from.len() as u64) as usize]
}

fn wide(text: &str) -> Value {
    Value::NChar(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
}

/// ASCII only: the same bytes in every code page.
fn narrow(text: &str) -> Value {
    debug_assert!(text.is_ascii());
    Value::Char(text.as_bytes().into())
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Binary(bytes.into())
}

fn or_null(condition: bool, value: impl FnOnce() -> Value) -> Value {
    if condition { value() } else { Value::Null }
}

fn decimal(units: i128, precision: u8, scale: u8) -> Value {
    Value::Decimal { negative: units < 0, magnitude: units.unsigned_abs(), precision, scale }
}

/// Days since 0001-01-01.
fn day(year: i16, month: i8, day: i8) -> u32 {
    let date = jiff::civil::date(year, month, day);
    let since = date.duration_since(jiff::civil::date(1, 1, 1));
    (since.as_hours() / 24) as u32
}

const TICKS_OF_SECOND: u64 = 10_000_000;

/// A receipt: which branch, who, when, and its lines as product, quantity and unit price in cents.
struct Receipt {
    branch: i32,
    employee: i32,
    days: u32,
    ticks: u64,
    lines: Vec<(i32, i16, i64)>,
    cash: bool,
}

/// Prices in cents, as `cornflower.sql` has them.
const PRICES: [i64; 18] = [490, 380, 560, 420, 395, 45, 75, 95, 120, 210, 280, 340, 390, 240, 460, 230, 310, 260];

const STAFF: u64 = 46;

fn receipt(number: u64) -> Receipt {
    let seed = mix(number);
    // About 400 receipts a day, between six in the morning and six in the evening.
    let (date, of_day) = (number / 400, number % 400);
    let second = 6 * 3600 + of_day * 108 + seed % 100;
    let lines = (0..1 + seed / 7 % 7).map(|line| {
        let seed = mix(seed ^ line << 7);
        let product = (seed % 18) as usize;
        let rolls = (5..9).contains(&product);
        let quantity = if rolls { 1 + (seed >> 9) % 10 } else { 1 + (seed >> 9) % 2 };
        (product as i32 + 1, quantity as i16, PRICES[product])
    });
    Receipt {
        branch: 1 + ((seed >> 5) % 7) as i32,
        employee: 1 + ((seed >> 11) % STAFF) as i32,
        days: day(2025, 3, 3) + date as u32,
        ticks: second * TICKS_OF_SECOND + (seed >> 20) % 1000 * 10_000,
        lines: lines.collect(),
        cash: seed & 8 == 0,
    }
}

/// The receipts that together have so many lines; the last one may be cut.
fn receipts(lines: u64) -> impl Iterator<Item = (u64, Receipt)> + Send {
    let mut left = lines;
    (1u64..).map_while(move |number| {
        if left == 0 {
            return None;
        }
        let mut receipt = receipt(number);
        receipt.lines.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= receipt.lines.len() as u64;
        Some((number, receipt))
    })
}

/// What is left to say on a receipt, now and then.
const REMARKS: [&str; 6] = [
    "sliced",
    "sliced, 12 mm",
    "for collection at four",
    "without poppy seed, please",
    "yesterday's, half price",
    "“Happy birthday, Jörg!” in icing",
];

/// Cornflower's rows: receipts with so many lines in all, and those who sold them.
pub fn cornflower(lines: u64) -> Vec<Load> {
    const FIRST: [&str; 12] =
        ["Ada", "Björn", "Chiara", "Derya", "Emil", "Fatou", "Grete", "Hamid", "Ines", "Jonas", "Käthe", "Lovis"];
    const LAST: [&str; 9] =
        ["Ackermann", "Böttcher", "Çelik", "Dorn", "Eichner", "Fuchs", "Grünwald", "Hansen", "Iversen"];
    let employees = (1..=STAFF).map(|n| {
        let seed = mix(n * 77);
        vec![
            Value::Int(n as i32),
            wide(pick(&FIRST, seed)),
            wide(pick(&LAST, seed >> 8)),
            Value::Int(1 + (n % 7) as i32),
            or_null(n > 7, || Value::Int(1 + (n % 7) as i32)),
            Value::Date(day(2005, 1, 3) + (seed >> 16) as u32 % 7000),
            Value::SmallMoney(130_000 + ((seed >> 30) % 90_000) as i32),
        ]
    });
    let heads = receipts(lines).map(|(number, r)| {
        let paid: i64 = r.lines.iter().map(|(_, quantity, cents)| i64::from(*quantity) * cents).sum();
        vec![
            Value::BigInt(number as i64),
            Value::Int(r.branch),
            Value::Int(r.employee),
            Value::DateTime2 { days: r.days, ticks: r.ticks, scale: 3 },
            Value::Money(paid * 100),
            Value::Bit(r.cash),
        ]
    });
    let lines = receipts(lines).flat_map(|(number, r)| {
        r.lines.into_iter().enumerate().map(move |(at, (product, quantity, cents))| {
            let seed = mix(number * 31 + at as u64);
            vec![
                Value::BigInt(number as i64),
                Value::SmallInt(at as i16 + 1),
                Value::Int(product),
                Value::SmallInt(quantity),
                decimal(i128::from(cents), 9, 2),
                or_null(seed.is_multiple_of(11), || wide(pick(&REMARKS, seed >> 8))),
            ]
        })
    });
    vec![
        categories(),
        products(),
        branches(),
        Load {
            schema: "bakery",
            table: "Employee",
            columns: vec![
                column("EmployeeId", "int", false),
                column("FirstName", "nvarchar(40)", false),
                column("LastName", "nvarchar(60)", false),
                column("BranchId", "int", false),
                column("LeadId", "int", true),
                column("Hired", "date", false),
                column("HourlyWage", "smallmoney", false),
            ],
            rows: Box::new(employees),
        },
        Load {
            schema: "sales",
            table: "Receipt",
            columns: vec![
                column("ReceiptId", "bigint", false),
                column("BranchId", "int", false),
                column("EmployeeId", "int", false),
                column("SoldAt", "datetime2(3)", false),
                column("Paid", "money", false),
                column("InCash", "bit", false),
            ],
            rows: Box::new(heads),
        },
        Load {
            schema: "sales",
            table: "ReceiptLine",
            columns: vec![
                column("ReceiptId", "bigint", false),
                column("LineNumber", "smallint", false),
                column("ProductId", "int", false),
                column("Quantity", "smallint", false),
                column("UnitPrice", "decimal(9,2)", false),
                column("Remark", "nvarchar(120)", true),
            ],
            rows: Box::new(lines),
        },
    ]
}

fn categories() -> Load {
    const ROWS: [(&str, i128); 5] =
        [("Bread", 70), ("Rolls", 70), ("Cakes and tarts", 70), ("Savoury", 70), ("Hot drinks", 190)];
    let rows = (1u8..).zip(ROWS).map(|(id, (name, vat))| vec![Value::TinyInt(id), wide(name), decimal(vat, 4, 1)]);
    Load {
        schema: "bakery",
        table: "Category",
        columns: vec![
            column("CategoryId", "tinyint", false),
            column("Name", "nvarchar(40)", false),
            column("VatPercent", "decimal(4,1)", false),
        ],
        rows: Box::new(rows),
    }
}

fn products() -> Load {
    // Name, category, grams, organic, allergens; prices stand in PRICES.
    const ROWS: [(&str, u8, i32, bool, &str); 18] = [
        ("Millstone rye", 1, 1000, true, "gluten"),
        ("Harbour loaf", 1, 750, false, "gluten"),
        ("Spelt & walnut", 1, 750, true, "gluten, nuts"),
        ("Potato bread", 1, 900, false, "gluten, milk"),
        ("Sunflower square", 1, 500, true, "gluten"),
        ("Plain roll", 2, 55, false, "gluten"),
        ("Poppy roll", 2, 60, false, "gluten"),
        ("Pumpkin-seed roll", 2, 70, true, "gluten"),
        ("Onion twist", 2, 85, false, "gluten, milk"),
        ("Käsestange", 4, 110, false, "gluten, milk, egg"),
        ("Plum crumble", 3, 160, false, "gluten, milk, egg"),
        ("Apricot tart", 3, 170, false, "gluten, milk, egg"),
        ("Crème-brûlée slice", 3, 150, false, "gluten, milk, egg"),
        ("Hazelnut snail", 3, 120, false, "gluten, nuts, milk"),
        ("Leek quiche", 4, 240, false, "gluten, milk, egg"),
        ("Filter coffee", 5, 0, false, ""),
        ("Milk coffee", 5, 0, false, "milk"),
        ("Mint tea", 5, 0, true, ""),
    ];
    let rows = (1i32..).zip(ROWS).zip(PRICES).map(|((id, (name, category, grams, organic, allergens)), cents)| {
        vec![
            Value::Int(id),
            wide(name),
            Value::TinyInt(category),
            decimal(i128::from(cents), 9, 2),
            or_null(grams > 0, || Value::Int(grams)),
            Value::Bit(organic),
            or_null(!allergens.is_empty(), || narrow(allergens)),
        ]
    });
    Load {
        schema: "bakery",
        table: "Product",
        columns: vec![
            column("ProductId", "int", false),
            column("Name", "nvarchar(80)", false),
            column("CategoryId", "tinyint", false),
            column("Price", "decimal(9,2)", false),
            column("WeightGrams", "int", true),
            column("Organic", "bit", false),
            column("Allergens", "varchar(60)", true),
        ],
        rows: Box::new(rows),
    }
}

fn branches() -> Load {
    const ROWS: [(&str, &str, (i16, i8, i8)); 7] = [
        ("Old Mill", "Wendelbach", (1987, 4, 1)),
        ("Station", "Wendelbach", (1999, 9, 13)),
        ("Harbour", "Süderhafen", (2004, 5, 3)),
        ("Market Square", "Süderhafen", (2008, 11, 24)),
        ("Lindenallee", "Grünau", (2013, 2, 18)),
        ("Hospital", "Grünau", (2019, 6, 11)),
        ("Ring Road drive-in", "Oberfeld", (2022, 10, 5)),
    ];
    let rows = (1i32..).zip(ROWS).map(|(id, (name, town, (y, m, d)))| {
        let phone = || narrow(&format!("+49 5555 01{id:02}"));
        vec![Value::Int(id), wide(name), wide(town), Value::Date(day(y, m, d)), or_null(id != 5, phone)]
    });
    Load {
        schema: "bakery",
        table: "Branch",
        columns: vec![
            column("BranchId", "int", false),
            column("Name", "nvarchar(60)", false),
            column("Town", "nvarchar(60)", false),
            column("Opened", "date", false),
            column("Phone", "varchar(24)", true),
        ],
        rows: Box::new(rows),
    }
}

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

/// The parcel service's rows.
pub fn parcels(parcels: u64) -> Vec<Load> {
    const NAMES: [&str; 6] =
        ["Siobhán O'Reilly", "“Quotes” Müller", "D'Arcy; DROP", "Ng", "Åse Øvergård", "Zoë [van] 't Hoff"];
    let rows = (1..=parcels).map(|n| {
        let seed = mix(n * 13);
        vec![
            Value::Int(n as i32),
            Value::Int(1 + (seed % 4) as i32),
            decimal(50 + i128::from(seed >> 8) % 31_000, 7, 3),
            wide(pick(&NAMES, seed >> 3)),
            or_null(!seed.is_multiple_of(5), || {
                narrow(pick(&["books", "a 'gift'", "[fragile]", "100 % wool"], seed >> 5))
            }),
            Value::DateTime2 {
                days: day(2026, 2, 1) + (n / 12) as u32,
                ticks: seed % 86_400 * TICKS_OF_SECOND,
                scale: 0,
            },
        ]
    });
    let depots = (1i32..).zip(["O'Brien's yard", "Söhne & Co. \"Hafen\"", "Depot [3]", "春日 depot"]);
    let depots = depots.map(|(number, name)| vec![Value::Int(number), wide(name)]);
    let depots = Load {
        schema: "del'ivery",
        table: "Depot \"nörd\"",
        columns: vec![column("Depot No.", "int", false), column("Näme", "nvarchar(60)", false)],
        rows: Box::new(depots),
    };
    vec![
        depots,
        Load {
            schema: "del'ivery",
            table: "Parcel ]x[",
            columns: vec![
                column("Parcel No.", "int", false),
                column("From \"depot\"", "int", false),
                column("Weight [kg]", "decimal(7,3)", false),
                column("Addressee's name", "nvarchar(80)", false),
                column("What; DROP TABLE", "varchar(120)", true),
                column("Handed over @", "datetime2(0)", false),
            ],
            rows: Box::new(rows),
        },
    ]
}

/// The law firm's rows.
pub fn lawfirm() -> Vec<Load> {
    const ROWS: [(&str, (i16, i8, i8)); 2] =
        [("A fence, and on which side of it", (2024, 3, 11)), ("The inheritance of a lighthouse", (2025, 1, 20))];
    let rows =
        (1i32..).zip(ROWS).map(|(id, (title, (y, m, d)))| vec![Value::Int(id), wide(title), Value::Date(day(y, m, d))]);
    vec![Load {
        schema: "dbo",
        table: "Matter",
        columns: vec![
            column("MatterId", "int", false),
            column("Title", "nvarchar(200)", false),
            column("Opened", "date", false),
        ],
        rows: Box::new(rows),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::rowform::RowForm;

    #[test]
    fn every_row_fits_its_columns_and_is_the_same_every_time() {
        for (load, again) in [cornflower(3000), lighthouse(80), parcels(500), lawfirm()]
            .into_iter()
            .flatten()
            .zip([cornflower(3000), lighthouse(80), parcels(500), lawfirm()].into_iter().flatten())
        {
            let form = RowForm::new(load.columns.iter().map(|c| &c.ty));
            let mut count = 0;
            for (row, twin) in load.rows.zip(again.rows) {
                assert_eq!(row, twin);
                assert_eq!(row.len(), load.columns.len(), "{}", load.table);
                for (value, column) in row.iter().zip(&load.columns) {
                    assert!(column.nullable || *value != Value::Null, "{}.{} is NULL", load.table, column.name);
                }
                let mut body = Vec::new();
                form.encode(&row, &mut body).unwrap_or_else(|e| panic!("{}: {e}: {row:?}", load.table));
                assert_eq!(form.decode(&body).unwrap(), row);
                count += 1;
            }
            assert!(count > 0);
        }
    }

    #[test]
    fn there_are_as_many_lines_as_promised_with_keys_that_ascend() {
        let loads = cornflower(RECEIPT_LINES);
        let mut last = (0, 0);
        let mut count = 0;
        for row in loads.into_iter().last().unwrap().rows {
            let (Value::BigInt(receipt), Value::SmallInt(line)) = (&row[0], &row[1]) else { panic!("{row:?}") };
            assert!((*receipt, *line) > last);
            last = (*receipt, *line);
            count += 1;
        }
        assert_eq!(count, RECEIPT_LINES);
    }

    #[test]
    fn every_nullable_column_of_the_museum_has_both_kinds_of_rows() {
        let items = lighthouse(2).pop().unwrap();
        let columns = items.columns.clone();
        let rows: Vec<_> = items.rows.collect();
        for (at, column) in columns.iter().enumerate() {
            assert_ne!(rows[0][at], Value::Null, "{}", column.name);
            assert_eq!(rows[1][at] == Value::Null, column.nullable, "{}", column.name);
        }
    }
}
