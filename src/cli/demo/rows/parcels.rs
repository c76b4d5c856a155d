//! The rows of the parcel service, whose names need quoting, and of the law firm.

use super::{Load, TICKS_OF_SECOND, column, day, decimal, mix, narrow, or_null, pick, wide};
use crate::sandbox::value::Value;

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
