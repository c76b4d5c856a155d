//! A cell on its way from metadata to a column's type.

use std::sync::Arc;

use crate::sandbox::meta::Stamp;
use crate::sandbox::meta::property::TypedValue;
use crate::sandbox::value::{Base, SqlType, Value, Variant};

/// What a view says of a column.
#[derive(Debug, Clone)]
pub enum Cell {
    /// The view does not speak of it: NULL, or the zero of its type.
    Unsaid,
    /// NULL.
    Null,
    /// Any integer or bit.
    Int(i64),
    /// Any character data.
    Text(String),
    /// datetime.
    Moment(Stamp),
    /// binary and varbinary.
    Bytes(Vec<u8>),
    /// uniqueidentifier.
    Guid([u8; 16]),
    /// real and float.
    Float(f64),
    /// sql_variant.
    Variant(Arc<Variant>),
}

impl From<i32> for Cell {
    fn from(n: i32) -> Cell {
        Cell::Int(i64::from(n))
    }
}
impl From<i64> for Cell {
    fn from(n: i64) -> Cell {
        Cell::Int(n)
    }
}
impl From<u8> for Cell {
    fn from(n: u8) -> Cell {
        Cell::Int(i64::from(n))
    }
}
impl From<i16> for Cell {
    fn from(n: i16) -> Cell {
        Cell::Int(i64::from(n))
    }
}
impl From<bool> for Cell {
    fn from(b: bool) -> Cell {
        Cell::Int(i64::from(b))
    }
}
impl From<&str> for Cell {
    fn from(t: &str) -> Cell {
        Cell::Text(t.to_string())
    }
}
impl From<&String> for Cell {
    fn from(t: &String) -> Cell {
        Cell::Text(t.clone())
    }
}
impl From<String> for Cell {
    fn from(t: String) -> Cell {
        Cell::Text(t)
    }
}
impl From<char> for Cell {
    fn from(c: char) -> Cell {
        Cell::Text(c.to_string())
    }
}
impl From<Stamp> for Cell {
    fn from(s: Stamp) -> Cell {
        Cell::Moment(s)
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(o: Option<T>) -> Cell {
        o.map_or(Cell::Null, Into::into)
    }
}

/// An integer of a type (identity and sequence values) as a sql_variant.
pub(super) fn number(ty: &SqlType, n: i128) -> Cell {
    let value = match ty.base {
        Base::TinyInt => u8::try_from(n).ok().map(Value::TinyInt),
        Base::SmallInt => i16::try_from(n).ok().map(Value::SmallInt),
        Base::Int => i32::try_from(n).ok().map(Value::Int),
        Base::BigInt => i64::try_from(n).ok().map(Value::BigInt),
        _ => Some(Value::Decimal { negative: n < 0, magnitude: n.unsigned_abs(), precision: ty.precision, scale: 0 }),
    };
    match value {
        Some(value) => Cell::Variant(Arc::new(Variant { ty: ty.clone(), value })),
        None => Cell::Null,
    }
}

fn plain(base: Base) -> SqlType {
    SqlType { base, length: 0, precision: 0, scale: 0, collation: None, detail: None }
}

/// An int as a sql_variant.
pub(super) fn int(n: i32) -> Cell {
    Cell::Variant(Arc::new(Variant { ty: plain(Base::Int), value: Value::Int(n) }))
}

/// Text as a sql_variant of nvarchar or varchar with a collation.
pub(super) fn words(text: &str, national: bool, collation: &str) -> Cell {
    let collation = crate::sandbox::collation::by_name(collation).unwrap_or_else(crate::sandbox::collation::default);
    let mut ty = plain(if national { Base::NVarChar } else { Base::VarChar });
    let value = if national {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        ty.length = bytes.len().max(2) as u32;
        Value::NChar(bytes.into())
    } else {
        let bytes = encode(text, collation.code_page);
        ty.length = bytes.len().max(1) as u32;
        Value::Char(bytes.into())
    };
    ty.collation = Some(collation);
    Cell::Variant(Arc::new(Variant { ty, value }))
}

fn encode(text: &str, page: u16) -> Vec<u8> {
    if text.is_ascii() || page == 65001 {
        return text.as_bytes().to_vec();
    }
    let encoding =
        encoding_rs::Encoding::for_label(format!("windows-{page}").as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252);
    encoding.encode(text).0.into_owned()
}

/// A value with its type as a sql_variant.
pub(super) fn typed(value: Option<&TypedValue>) -> Cell {
    value.and_then(TypedValue::variant).map_or(Cell::Null, |v| Cell::Variant(Arc::new(v)))
}

impl Cell {
    /// The value in a column's type.
    pub fn value(self, ty: &SqlType, nullable: bool) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Unsaid if nullable => Value::Null,
            Cell::Unsaid => zero(ty),
            Cell::Int(n) => match ty.base {
                Base::Bit => Value::Bit(n != 0),
                Base::TinyInt => Value::TinyInt(n as u8),
                Base::SmallInt => Value::SmallInt(n as i16),
                Base::BigInt => Value::BigInt(n),
                Base::Numeric | Base::Decimal => Value::Decimal {
                    negative: n < 0,
                    magnitude: u128::from(n.unsigned_abs()),
                    precision: ty.precision,
                    scale: 0,
                },
                Base::Float => Value::Float(n as f64),
                Base::Real => Value::Real(n as f32),
                Base::Variant => match int(n as i32) {
                    Cell::Variant(v) => Value::Variant(v),
                    _ => Value::Null,
                },
                _ => Value::Int(n as i32),
            },
            Cell::Text(mut t) => match ty.base {
                Base::Char => {
                    while (t.len() as u32) < ty.length {
                        t.push(' ');
                    }
                    Value::Char(t.as_bytes().into())
                }
                Base::VarChar => Value::Char(t.as_bytes().into()),
                _ => {
                    let bytes: Vec<u8> = t.encode_utf16().flat_map(u16::to_le_bytes).collect();
                    Value::NChar(bytes.into())
                }
            },
            Cell::Moment(s) => match ty.base {
                Base::DateTimeOffset => {
                    let days = s.0.div_euclid(86_400_000) + 719_162;
                    Value::DateTimeOffset {
                        days: days as u32,
                        ticks: (s.0.rem_euclid(86_400_000) * 10_000) as u64,
                        scale: 7,
                        offset: 0,
                    }
                }
                _ => s.datetime(),
            },
            Cell::Bytes(b) => Value::Binary(b.into()),
            Cell::Guid(g) => Value::Guid(g),
            Cell::Float(f) => match ty.base {
                Base::Real => Value::Real(f as f32),
                _ => Value::Float(f),
            },
            Cell::Variant(v) => Value::Variant(v),
        }
    }
}

fn zero(ty: &SqlType) -> Value {
    match ty.base {
        Base::Char => Value::Char(vec![b' '; ty.length as usize].into()),
        Base::VarChar => Value::Char(Vec::new().into()),
        Base::NVarChar => Value::NChar(Vec::new().into()),
        Base::Binary => Value::Binary(vec![0; ty.length as usize].into()),
        Base::VarBinary => Value::Binary(Vec::new().into()),
        Base::UniqueIdentifier => Value::Guid([0; 16]),
        Base::DateTime => Value::DateTime { days: 0, ticks: 0 },
        Base::Variant => Value::Null,
        _ => Cell::Int(0).value(ty, false),
    }
}
