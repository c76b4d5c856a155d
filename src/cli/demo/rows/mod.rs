//! The demo's rows, made by code: the same in every run, believable, and at the edges of their types where it matters.
//! Here is what the tenants' files share: columns from their declarations, values, numbers that look random.

mod cornflower;
mod lighthouse;
mod parcels;

pub use cornflower::cornflower;
pub use lighthouse::lighthouse;
pub use parcels::{lawfirm, parcels};

use crate::sandbox::value::{Base, MAX, SqlType, Value};

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
