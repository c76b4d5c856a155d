//! Conversions between types: implicit ones, CAST and CONVERT, with the errors of each. Here is which there are, and which
//! part makes them.

mod binary;
mod character;
mod numeric;
mod order;

use std::sync::Arc;

use crate::sandbox::value::{Base, MAX, SqlType, Value, Variant};

use super::error::{self, SqlResult};
use super::moment::Moment;
use super::text::text_of;
use super::types::{is_binary, is_moment, is_number, is_text, name};

use binary::to_binary;
use character::to_text;
pub use character::{guid_text, parse_guid, value_text};
use numeric::to_number;
pub use numeric::{decimal_of, float_of, integer_of, make_integer, make_number};
pub use order::{compare, compare_under, guid_order};

/// What becomes of text that is longer than its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TooLong {
    Cut,
    Refuse,
}

/// Whether a conversion exists at all.
pub fn allowed(from: Base, to: Base) -> bool {
    use Base::*;
    if from == to || matches!(from, Variant) || to == Variant {
        return true;
    }
    match (from, to) {
        (f, t) if is_text(f) && is_text(t) => true,
        (Text | NText | Image, t) => is_binary(t) && from == Image || t == Xml,
        (f, Text | NText) => is_text(f),
        (f, Image) => is_binary(f),
        (f, Xml) | (Xml, f) => is_text(f) || is_binary(f),
        (f, t) if is_text(f) || is_text(t) => true,
        (f, t) if is_moment(f) && is_moment(t) => !matches!((f, t), (Date, Time) | (Time, Date)),
        (DateTime | SmallDateTime, t) if is_number(t) => true,
        (f, DateTime | SmallDateTime) if is_number(f) => true,
        (f, t) if is_binary(f) || is_binary(t) => {
            let other = if is_binary(f) { t } else { f };
            !matches!((is_binary(f), other), (true, Float | Real))
        }
        (f, t) => is_number(f) && is_number(t),
    }
}

/// What an explicit or implicit conversion is told besides the types.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Text longer than the target.
    pub too_long: TooLong,
    /// CONVERT's style.
    pub style: i32,
}

impl Default for How {
    fn default() -> Self {
        How { too_long: TooLong::Cut, style: 0 }
    }
}

/// Converts a value of type `from` to type `to`.
pub fn convert(value: &Value, from: &SqlType, to: &SqlType, how: How) -> SqlResult<Value> {
    if matches!(value, Value::Null) {
        return Ok(Value::Null);
    }
    if let Value::Variant(inner) = value {
        if to.base == Base::Variant {
            return Ok(value.clone());
        }
        return convert(&inner.value, &inner.ty, to, how);
    }
    if to.base == Base::Variant {
        return match from.base {
            Base::Text | Base::NText | Base::Image | Base::Xml | Base::RowVersion => {
                Err(error::type_clash(name(from.base), "sql_variant"))
            }
            _ if from.length == MAX => Err(error::type_clash(&format!("{}(max)", name(from.base)), "sql_variant")),
            _ => Ok(Value::Variant(Arc::new(Variant { ty: from.clone(), value: value.clone() }))),
        };
    }
    if is_text(to.base) {
        return to_text(value, from, to, how);
    }
    if is_binary(to.base) {
        return to_binary(value, from, to, how);
    }
    if is_number(to.base) {
        return to_number(value, from, to);
    }
    if is_moment(to.base) {
        return to_moment(value, from, to);
    }
    match to.base {
        Base::UniqueIdentifier => match value {
            Value::Guid(_) => Ok(value.clone()),
            Value::Char(_) | Value::NChar(_) => parse_guid(&text_of(value, from.collation.as_deref()))
                .map(Value::Guid)
                .ok_or_else(error::guid_conversion_failed),
            Value::Binary(b) => {
                let mut g = [0u8; 16];
                let n = b.len().min(16);
                g[..n].copy_from_slice(&b[..n]);
                Ok(Value::Guid(g))
            }
            _ => Err(error::type_clash(name(from.base), "uniqueidentifier")),
        },
        Base::HierarchyId | Base::Geometry | Base::Geography | Base::Clr => match value {
            Value::Binary(_) => Ok(value.clone()),
            _ => Err(error::type_clash(name(from.base), name(to.base))),
        },
        _ => Err(error::explicit_conversion_not_allowed(name(from.base), name(to.base))),
    }
}

fn to_moment(value: &Value, from: &SqlType, to: &SqlType) -> SqlResult<Value> {
    if let Some(m) = Moment::of(value) {
        return m.to(to).ok_or_else(|| error::date_out_of_range(name(from.base), name(to.base)));
    }
    match value {
        Value::Char(_) | Value::NChar(_) => {
            let t = text_of(value, from.collation.as_deref());
            let m = Moment::parse(&t).ok_or_else(|| {
                if matches!(to.base, Base::DateTime | Base::SmallDateTime) && looks_like_date(&t) {
                    error::date_out_of_range(name(from.base), name(to.base))
                } else {
                    error::date_conversion_failed()
                }
            })?;
            m.to(to).ok_or_else(|| error::date_out_of_range(name(from.base), name(to.base)))
        }
        Value::Binary(b) if to.base == Base::DateTime && b.len() == 8 => Ok(Value::DateTime {
            days: i32::from_be_bytes([b[0], b[1], b[2], b[3]]),
            ticks: u32::from_be_bytes([b[4], b[5], b[6], b[7]]),
        }),
        _ if matches!(to.base, Base::DateTime | Base::SmallDateTime) && is_number(from.base) => {
            let f = float_of(value).unwrap_or(0.0);
            let overflow = || error::overflow("expression", name(to.base));
            if !f.is_finite() || f.abs() > 4e6 {
                return Err(overflow());
            }
            let days = f.floor();
            let ticks = ((f - days) * 864e9).round() as i64;
            let m = Moment { days: days as i64 + super::moment::DAYS_TO_1900, ticks, offset: None };
            m.to(to).ok_or_else(overflow)
        }
        _ => Err(error::type_clash(name(from.base), name(to.base))),
    }
}

fn looks_like_date(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 6
        && text.trim().bytes().next().is_some_and(|b| b.is_ascii_digit())
}
