//! The bakery's rows: receipts, their lines, and those who sold them.

use super::{Load, TICKS_OF_SECOND, column, day, decimal, mix, narrow, or_null, pick, wide};
use crate::sandbox::value::Value;

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
