//! Conversions to binary, and from binary to what fits into it.

use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::text::text_of;
use crate::sandbox::sql::types::name;
use crate::sandbox::value::{Base, MAX, SqlType, Value};

use super::{How, TooLong};

pub(super) fn to_binary(value: &Value, from: &SqlType, to: &SqlType, how: How) -> SqlResult<Value> {
    let mut left = false;
    let mut bytes: Vec<u8> = match value {
        Value::Binary(b) => b.to_vec(),
        Value::Char(_) | Value::NChar(_) if matches!(how.style, 1 | 2) => {
            let t = text_of(value, from.collation.as_deref());
            let bad = || error::error_converting(name(from.base), name(to.base));
            let t = if how.style == 1 { t.strip_prefix("0x").ok_or_else(bad)? } else { &t };
            if t.len() % 2 == 1 {
                return Err(bad());
            }
            let digits: Option<Vec<u8>> = t.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
            digits.ok_or_else(bad)?.chunks(2).map(|p| p[0] << 4 | p[1]).collect()
        }
        Value::Char(b) | Value::NChar(b) => b.to_vec(),
        Value::Guid(g) => g.to_vec(),
        Value::Bit(b) => {
            left = true;
            vec![u8::from(*b)]
        }
        Value::TinyInt(n) => {
            left = true;
            vec![*n]
        }
        Value::SmallInt(n) => {
            left = true;
            n.to_be_bytes().to_vec()
        }
        Value::Int(n) => {
            left = true;
            n.to_be_bytes().to_vec()
        }
        Value::BigInt(n) => {
            left = true;
            n.to_be_bytes().to_vec()
        }
        Value::Money(n) => {
            left = true;
            n.to_be_bytes().to_vec()
        }
        Value::SmallMoney(n) => {
            left = true;
            n.to_be_bytes().to_vec()
        }
        Value::Real(f) => f.to_bits().to_be_bytes().to_vec(),
        Value::Float(f) => f.to_bits().to_be_bytes().to_vec(),
        Value::Decimal { negative, magnitude, precision, scale } => {
            let mut b = vec![*precision, *scale, 0, u8::from(!*negative)];
            let len = match precision {
                0..=9 => 4,
                10..=19 => 8,
                20..=28 => 12,
                _ => 16,
            };
            b.extend_from_slice(&magnitude.to_le_bytes()[..len]);
            b
        }
        Value::DateTime { days, ticks } => {
            left = true;
            let mut b = days.to_be_bytes().to_vec();
            b.extend_from_slice(&ticks.to_be_bytes());
            b
        }
        Value::SmallDateTime { days, minutes } => {
            left = true;
            let mut b = days.to_be_bytes().to_vec();
            b.extend_from_slice(&minutes.to_be_bytes());
            b
        }
        // Assumption: a date, time or datetime2 as binary is its wire form without the length; the server's own
        // layout adds the scale in front.
        Value::Date(d) => d.to_le_bytes()[..3].to_vec(),
        Value::Time { ticks, scale } => {
            let mut b = vec![*scale];
            b.extend_from_slice(&ticks.to_le_bytes()[..5]);
            b
        }
        Value::DateTime2 { days, ticks, scale } => {
            let mut b = vec![*scale];
            b.extend_from_slice(&ticks.to_le_bytes()[..5]);
            b.extend_from_slice(&days.to_le_bytes()[..3]);
            b
        }
        Value::DateTimeOffset { days, ticks, scale, offset } => {
            let mut b = vec![*scale];
            b.extend_from_slice(&ticks.to_le_bytes()[..5]);
            b.extend_from_slice(&days.to_le_bytes()[..3]);
            b.extend_from_slice(&offset.to_le_bytes());
            b
        }
        Value::Null | Value::Variant(_) => return Err(error::type_clash(name(from.base), name(to.base))),
    };
    let limit = match to.base {
        Base::Image => MAX,
        Base::RowVersion => 8,
        _ => to.length,
    };
    if limit != MAX && bytes.len() > limit as usize {
        if how.too_long == TooLong::Refuse && !left && bytes[limit as usize..].iter().any(|b| *b != 0) {
            return Err(SqlError::new(8152, 17, 16, "String or binary data would be truncated.").with_3621());
        }
        if left {
            let excess = bytes.len() - limit as usize;
            bytes.drain(..excess);
        } else {
            bytes.truncate(limit as usize);
        }
    }
    let fixed = match to.base {
        Base::Binary => to.length as usize,
        Base::RowVersion => 8,
        _ => 0,
    };
    if bytes.len() < fixed {
        if left {
            let mut padded = vec![0; fixed - bytes.len()];
            padded.extend_from_slice(&bytes);
            bytes = padded;
        } else {
            bytes.resize(fixed, 0);
        }
    }
    Ok(Value::Binary(bytes.into()))
}
