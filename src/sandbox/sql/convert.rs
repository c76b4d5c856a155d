//! Conversions between types: implicit ones, CAST and CONVERT, with the errors of each.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value, Variant};

use super::error::{self, SqlError, SqlResult};
use super::moment::Moment;
use super::number::Decimal;
use super::text::{self, code_page, decode, encode, text_of};
use super::types::{self, is_binary, is_moment, is_number, is_text, is_wide, name};

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

/// A number as a decimal.
pub fn decimal_of(value: &Value) -> Option<Decimal> {
    Some(match value {
        Value::Bit(b) => Decimal::from_i128(i128::from(*b)),
        Value::TinyInt(n) => Decimal::from_i128(i128::from(*n)),
        Value::SmallInt(n) => Decimal::from_i128(i128::from(*n)),
        Value::Int(n) => Decimal::from_i128(i128::from(*n)),
        Value::BigInt(n) => Decimal::from_i128(i128::from(*n)),
        Value::Money(n) => Decimal::scaled(i128::from(*n), 4),
        Value::SmallMoney(n) => Decimal::scaled(i128::from(*n), 4),
        Value::Decimal { negative, magnitude, scale, .. } => {
            Decimal { negative: *negative, magnitude: *magnitude, scale: *scale }
        }
        _ => return None,
    })
}

/// A number as a float.
pub fn float_of(value: &Value) -> Option<f64> {
    match value {
        Value::Float(f) => Some(*f),
        Value::Real(f) => Some(f64::from(*f)),
        Value::Int(n) => Some(f64::from(*n)),
        other => decimal_of(other).map(Decimal::to_f64),
    }
}

/// An integer of any width.
pub fn integer_of(value: &Value) -> Option<i64> {
    match value {
        Value::Bit(b) => Some(i64::from(*b)),
        Value::TinyInt(n) => Some(i64::from(*n)),
        Value::SmallInt(n) => Some(i64::from(*n)),
        Value::Int(n) => Some(i64::from(*n)),
        Value::BigInt(n) => Some(*n),
        other => decimal_of(other).and_then(Decimal::to_i128).and_then(|n| i64::try_from(n).ok()),
    }
}

/// The value of an integer type; the overflow error of its width.
pub fn make_integer(base: Base, n: i128, from: &str) -> SqlResult<Value> {
    let wide = || error::overflow(from, name(base));
    Ok(match base {
        Base::Bit => Value::Bit(n != 0),
        Base::TinyInt => Value::TinyInt(u8::try_from(n).map_err(|_| error::small_overflow("tinyint", n))?),
        Base::SmallInt => Value::SmallInt(i16::try_from(n).map_err(|_| error::small_overflow("smallint", n))?),
        Base::Int => Value::Int(i32::try_from(n).map_err(|_| wide())?),
        Base::BigInt => Value::BigInt(i64::try_from(n).map_err(|_| wide())?),
        _ => return Err(wide()),
    })
}

/// A value of a numeric type from a decimal.
pub fn make_number(ty: &SqlType, d: Decimal, from: &str) -> SqlResult<Value> {
    let overflow = || error::overflow(from, name(ty.base));
    Ok(match ty.base {
        Base::Bit | Base::TinyInt | Base::SmallInt | Base::Int | Base::BigInt => {
            if ty.base == Base::Bit {
                return Ok(Value::Bit(d.magnitude != 0));
            }
            make_integer(ty.base, d.to_i128().ok_or_else(overflow)?, from)?
        }
        Base::Decimal | Base::Numeric => {
            let d = d.rescale(ty.scale).filter(|d| d.fits(ty.precision)).ok_or_else(|| {
                SqlError::new(
                    8115,
                    8,
                    16,
                    format!("Arithmetic overflow error converting {from} to data type {}.", name(Base::Numeric)),
                )
                .with_3621()
            })?;
            Value::Decimal { negative: d.negative, magnitude: d.magnitude, precision: ty.precision, scale: ty.scale }
        }
        Base::Money => {
            let n = d.rescale(4).map(|d| (d.negative, d.magnitude)).ok_or_else(overflow)?;
            let n = i128::try_from(n.1).map(|m| if n.0 { -m } else { m }).map_err(|_| overflow())?;
            Value::Money(i64::try_from(n).map_err(|_| overflow())?)
        }
        Base::SmallMoney => {
            let n = d.rescale(4).map(|d| (d.negative, d.magnitude)).ok_or_else(overflow)?;
            let n = i128::try_from(n.1).map(|m| if n.0 { -m } else { m }).map_err(|_| overflow())?;
            Value::SmallMoney(i32::try_from(n).map_err(|_| overflow())?)
        }
        Base::Float => Value::Float(d.to_f64()),
        Base::Real => Value::Real(d.to_f64() as f32),
        _ => return Err(overflow()),
    })
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

/// A guid from its text, braces allowed.
pub fn parse_guid(text: &str) -> Option<[u8; 16]> {
    let t = text.trim_end();
    let t = t.strip_prefix('{').unwrap_or(t);
    let t = t.get(..36)?;
    let mut hex = Vec::with_capacity(32);
    for (i, c) in t.bytes().enumerate() {
        match (i, c) {
            (8 | 13 | 18 | 23, b'-') => {}
            (8 | 13 | 18 | 23, _) => return None,
            (_, c) => hex.push((c as char).to_digit(16)? as u8),
        }
    }
    let b: Vec<u8> = hex.chunks(2).map(|p| p[0] << 4 | p[1]).collect();
    // The first three groups are little-endian numbers on the wire.
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut g = [0u8; 16];
    for (to, from) in order.iter().enumerate() {
        g[to] = b[*from];
    }
    Some(g)
}

/// A guid as text.
pub fn guid_text(g: &[u8; 16]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut out = String::with_capacity(36);
    for (n, at) in order.iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{:02X}", g[*at]));
    }
    out
}

/// The text of a float as style 0 gives it: six digits.
fn float_text(f: f64, digits: usize) -> String {
    if f == 0.0 {
        return "0".into();
    }
    let e = format!("{:.*e}", digits - 1, f);
    let (mantissa, exponent) = e.split_once('e').unwrap_or((&e, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let m = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
        return format!("{m}e{}{:03}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    }
    let places = (digits as i32 - 1 - exponent).max(0) as usize;
    let t = format!("{f:.places$}");
    if t.contains('.') { t.trim_end_matches('0').trim_end_matches('.').to_string() } else { t }
}

/// A value as text in a style, for types that have one.
pub fn value_text(value: &Value, ty: &SqlType, style: i32) -> SqlResult<String> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Bit(b) => if *b { "1" } else { "0" }.into(),
        Value::TinyInt(n) => n.to_string(),
        Value::SmallInt(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::Real(f) => match style {
            3 => format!("{f:e}"),
            1 => float_text(f64::from(*f), 8),
            2 => float_text(f64::from(*f), 16),
            _ => float_text(f64::from(*f), 6),
        },
        Value::Float(f) => match style {
            3 => float_text(*f, 17),
            1 => float_text(*f, 8),
            2 => float_text(*f, 16),
            _ => float_text(*f, 6),
        },
        Value::Money(_) | Value::SmallMoney(_) => {
            let d = decimal_of(value).unwrap_or(Decimal::from_i128(0));
            match style {
                2 | 126 => d.to_string(),
                _ => {
                    let t = d.rescale(2).map(|d| d.to_string()).unwrap_or_default();
                    if style != 1 {
                        return Ok(t);
                    }
                    let (whole, cents) = t.split_once('.').unwrap_or((&t, "00"));
                    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
                    let mut grouped = String::new();
                    for (i, c) in whole.chars().enumerate() {
                        if i > 0 && (whole.len() - i) % 3 == 0 {
                            grouped.push(',');
                        }
                        grouped.push(c);
                    }
                    format!("{sign}{grouped}.{cents}")
                }
            }
        }
        Value::Decimal { .. } => decimal_of(value).map(|d| d.to_string()).unwrap_or_default(),
        Value::Guid(g) => guid_text(g),
        Value::Char(_) | Value::NChar(_) => text_of(value, ty.collation.as_deref()),
        Value::Binary(b) => decode(b, 1252),
        Value::Variant(v) => value_text(&v.value, &v.ty, style)?,
        _ => {
            let m = Moment::of(value).unwrap_or(Moment { days: 0, ticks: 0, offset: None });
            m.format(ty, style).ok_or_else(|| {
                SqlError::batch(
                    281,
                    1,
                    16,
                    format!(
                        "{style} is not a valid style number when converting from {} to a character string.",
                        name(ty.base)
                    ),
                )
            })?
        }
    })
}

/// The bytes that a char or varchar column keeps of a text.
fn narrow(text: &str, to: &SqlType) -> Vec<u8> {
    encode(text, code_page(to.collation.as_deref()))
}

/// Cuts bytes of a code page to a length without splitting a character.
fn cut(bytes: &mut Vec<u8>, length: usize, page: u16) {
    if bytes.len() <= length {
        return;
    }
    if matches!(page, 932 | 936 | 949 | 950 | 65001) {
        let text = decode(bytes, page);
        let mut kept = 0;
        for c in text.chars() {
            let n = encode(&c.to_string(), page).len();
            if kept + n > length {
                break;
            }
            kept += n;
        }
        bytes.truncate(kept);
    } else {
        bytes.truncate(length);
    }
}

fn to_text(value: &Value, from: &SqlType, to: &SqlType, how: How) -> SqlResult<Value> {
    let limit = match to.base {
        Base::Text | Base::NText | Base::Xml => MAX,
        _ => to.length,
    };
    let wide = is_wide(to.base);
    let refused = || SqlError::new(8152, 10, 16, "String or binary data would be truncated.").with_3621();
    // Character to character: units and bytes go over as they are where they can.
    let mut bytes: Vec<u8> = match (value, wide) {
        (Value::NChar(b), true) => b.to_vec(),
        (Value::Char(b), false)
            if code_page(from.collation.as_deref()) == code_page(to.collation.as_deref()) || b.is_ascii() =>
        {
            b.to_vec()
        }
        (Value::Binary(b), _) if matches!(how.style, 1 | 2) => {
            let hex: String = b.iter().map(|x| format!("{x:02X}")).collect();
            let t = if how.style == 1 { format!("0x{hex}") } else { hex };
            if wide { text::utf16(&t) } else { t.into_bytes() }
        }
        (Value::Binary(b), true) => {
            let mut b = b.to_vec();
            if b.len() % 2 == 1 {
                b.push(0);
            }
            b
        }
        (Value::Binary(b), false) => b.to_vec(),
        _ => {
            let t = value_text(value, from, how.style)?;
            let width = if wide { t.encode_utf16().count() as u32 * 2 } else { t.len() as u32 };
            if limit != MAX && width > limit && !is_text(from.base) {
                // Numbers that do not fit: an asterisk for the integers, an error for the others.
                return match value {
                    Value::TinyInt(_) | Value::SmallInt(_) | Value::Int(_) if !wide => Ok(pad(b"*".to_vec(), to)),
                    Value::Bit(_) | Value::TinyInt(_) | Value::SmallInt(_) | Value::Int(_) | Value::BigInt(_) => {
                        Err(error::overflow("expression", name(to.base)))
                    }
                    Value::Guid(_) => Err(SqlError::batch(
                        8170,
                        2,
                        16,
                        "Insufficient result space to convert uniqueidentifier value to char.",
                    )),
                    Value::Decimal { .. }
                    | Value::Money(_)
                    | Value::SmallMoney(_)
                    | Value::Float(_)
                    | Value::Real(_) => Err(error::overflow(name(from.base), name(to.base))),
                    _ => {
                        let mut b = if wide { text::utf16(&t) } else { t.into_bytes() };
                        b.truncate(limit as usize);
                        Ok(pad(b, to))
                    }
                };
            }
            if wide { text::utf16(&t) } else { narrow(&t, to) }
        }
    };
    if limit != MAX && bytes.len() > limit as usize {
        if how.too_long == TooLong::Refuse {
            // Blanks at the end do not count.
            let lost = &bytes[limit as usize..];
            let blank = if wide { lost.chunks(2).all(|p| p == [32, 0]) } else { lost.iter().all(|b| *b == b' ') };
            if !blank {
                return Err(refused());
            }
        }
        if wide {
            bytes.truncate(limit as usize & !1);
        } else {
            cut(&mut bytes, limit as usize, code_page(to.collation.as_deref()));
        }
    }
    Ok(pad(bytes, to))
}

/// Fixed lengths are filled with blanks.
fn pad(mut bytes: Vec<u8>, to: &SqlType) -> Value {
    match to.base {
        Base::Char => {
            bytes.resize(bytes.len().max(to.length as usize), b' ');
            Value::Char(bytes.into())
        }
        Base::NChar => {
            while bytes.len() < to.length as usize {
                bytes.extend_from_slice(&[32, 0]);
            }
            Value::NChar(bytes.into())
        }
        b if is_wide(b) => Value::NChar(bytes.into()),
        _ => Value::Char(bytes.into()),
    }
}

fn to_binary(value: &Value, from: &SqlType, to: &SqlType, how: How) -> SqlResult<Value> {
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

fn to_number(value: &Value, from: &SqlType, to: &SqlType) -> SqlResult<Value> {
    match value {
        Value::Char(_) | Value::NChar(_) => {
            let t = text_of(value, from.collation.as_deref());
            let trimmed = t.trim();
            let failed = || error::conversion_failed(name(from.base), &t, name(to.base));
            match to.base {
                Base::Bit => match trimmed.to_ascii_lowercase().as_str() {
                    "true" => Ok(Value::Bit(true)),
                    "false" | "" => Ok(Value::Bit(false)),
                    other => other.parse::<i128>().map(|n| Value::Bit(n != 0)).map_err(|_| failed()),
                },
                Base::TinyInt | Base::SmallInt | Base::Int | Base::BigInt => {
                    if trimmed.is_empty() {
                        return make_integer(to.base, 0, "");
                    }
                    let n: i128 = trimmed.parse().map_err(|_| {
                        if to.base == Base::BigInt {
                            error::error_converting(name(from.base), "bigint")
                        } else {
                            failed()
                        }
                    })?;
                    make_integer(to.base, n, name(from.base)).map_err(|_| {
                        // Text has its own overflow: 244 for the small ones, 248 for int.
                        match to.base {
                            Base::TinyInt => SqlError::transaction(
                                244,
                                1,
                                16,
                                format!("The conversion of the {} value '{t}' overflowed an INT1 column. Use a larger integer column.", name(from.base)),
                            ),
                            Base::SmallInt => SqlError::transaction(
                                244,
                                2,
                                16,
                                format!("The conversion of the {} value '{t}' overflowed an INT2 column. Use a larger integer column.", name(from.base)),
                            ),
                            Base::Int => SqlError::transaction(
                                248,
                                1,
                                16,
                                format!("The conversion of the {} value '{t}' overflowed an int column.", name(from.base)),
                            ),
                            _ => error::overflow("expression", name(to.base)),
                        }
                    })
                }
                Base::Decimal | Base::Numeric => {
                    let d =
                        Decimal::parse(trimmed).ok_or_else(|| error::error_converting(name(from.base), "numeric"))?;
                    make_number(to, d, name(from.base))
                }
                Base::Money | Base::SmallMoney => {
                    let cleaned: String = trimmed.chars().filter(|c| !matches!(c, ',' | '$' | '€' | '£')).collect();
                    if cleaned.is_empty() {
                        return make_number(to, Decimal::from_i128(0), "");
                    }
                    let d = Decimal::parse(&cleaned).ok_or_else(|| {
                        SqlError::transaction(
                            235,
                            0,
                            16,
                            "Cannot convert a char value to money. The char value has incorrect syntax.",
                        )
                    })?;
                    make_number(to, d, name(from.base))
                }
                _ => {
                    let f: f64 = if trimmed.is_empty() {
                        0.0
                    } else {
                        let plain = trimmed
                            .bytes()
                            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
                        if !plain {
                            return Err(error::error_converting(name(from.base), name(to.base)));
                        }
                        trimmed.parse().map_err(|_| error::error_converting(name(from.base), name(to.base)))?
                    };
                    float_to(f, to, name(from.base))
                }
            }
        }
        Value::Float(f) => float_to(*f, to, "expression"),
        Value::Real(f) => float_to(f64::from(*f), to, "expression"),
        Value::Binary(b) => {
            let tail = |n: usize| {
                let mut out = [0u8; 8];
                let take = b.len().min(n);
                out[8 - take..].copy_from_slice(&b[b.len() - take..]);
                u64::from_be_bytes(out)
            };
            Ok(match to.base {
                Base::Bit => Value::Bit(b.iter().any(|x| *x != 0)),
                Base::TinyInt => Value::TinyInt(tail(1) as u8),
                Base::SmallInt => Value::SmallInt(tail(2) as u16 as i16),
                Base::Int => Value::Int(tail(4) as u32 as i32),
                Base::BigInt => Value::BigInt(tail(8) as i64),
                Base::Money => Value::Money(tail(8) as i64),
                Base::SmallMoney => Value::SmallMoney(tail(4) as u32 as i32),
                Base::Decimal | Base::Numeric if b.len() >= 5 => {
                    let mut m = [0u8; 16];
                    let digits = &b[4..b.len().min(20)];
                    m[..digits.len()].copy_from_slice(digits);
                    let d = Decimal { negative: b[3] == 0, magnitude: u128::from_le_bytes(m), scale: b[1].min(38) };
                    return make_number(to, d, "varbinary");
                }
                _ => return Err(error::explicit_conversion_not_allowed(name(from.base), name(to.base))),
            })
        }
        Value::DateTime { days, ticks } => {
            let f = f64::from(*days) + f64::from(*ticks) / 25_920_000.0;
            if types::is_integer(to.base) { float_to(f.round(), to, "datetime") } else { float_to(f, to, "datetime") }
        }
        Value::SmallDateTime { days, minutes } => {
            let f = f64::from(*days) + f64::from(*minutes) / 1440.0;
            if types::is_integer(to.base) {
                float_to(f.round(), to, "smalldatetime")
            } else {
                float_to(f, to, "smalldatetime")
            }
        }
        _ => {
            let d = decimal_of(value).ok_or_else(|| error::type_clash(name(from.base), name(to.base)))?;
            // Money becomes an integer by rounding, a decimal by cutting.
            let d = match value {
                Value::Money(_) | Value::SmallMoney(_) if types::is_integer(to.base) && to.base != Base::Bit => {
                    d.rescale(0).unwrap_or(d)
                }
                _ => d,
            };
            make_number(
                to,
                d,
                if types::is_integer(from.base) && to.base != Base::Decimal && to.base != Base::Numeric {
                    "expression"
                } else {
                    name(from.base)
                },
            )
        }
    }
}

fn float_to(f: f64, to: &SqlType, from: &str) -> SqlResult<Value> {
    match to.base {
        Base::Float => Ok(Value::Float(f)),
        Base::Real => {
            if f.is_finite() && (f as f32).is_infinite() {
                return Err(error::overflow(from, "real"));
            }
            Ok(Value::Real(f as f32))
        }
        Base::Bit => Ok(Value::Bit(f != 0.0)),
        Base::TinyInt | Base::SmallInt | Base::Int | Base::BigInt => {
            if !f.is_finite() || f.abs() >= 1e19 {
                return Err(error::overflow(from, name(to.base)));
            }
            make_integer(to.base, f.trunc() as i128, from)
        }
        _ => {
            let scale = match to.base {
                Base::Money | Base::SmallMoney => 4,
                _ => to.scale,
            };
            let d = Decimal::from_f64(f, scale).ok_or_else(|| error::overflow("float", name(to.base)))?;
            make_number(to, d, "float")
        }
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

/// How two values of one type stand to each other; `None` if either is NULL. Both must have been converted to `ty`.
pub fn compare(a: &Value, b: &Value, ty: &SqlType) -> Option<Ordering> {
    compare_under(a, b, ty.collation.as_deref())
}

/// [`compare`] with the collation named.
pub fn compare_under(a: &Value, b: &Value, collation: Option<&Collation>) -> Option<Ordering> {
    use Value::*;
    Some(match (a, b) {
        (Null, _) | (_, Null) => return None,
        (Bit(x), Bit(y)) => x.cmp(y),
        (TinyInt(x), TinyInt(y)) => x.cmp(y),
        (SmallInt(x), SmallInt(y)) => x.cmp(y),
        (Int(x), Int(y)) => x.cmp(y),
        (BigInt(x), BigInt(y)) => x.cmp(y),
        (Money(x), Money(y)) => x.cmp(y),
        (SmallMoney(x), SmallMoney(y)) => x.cmp(y),
        (Real(x), Real(y)) => x.partial_cmp(y).unwrap_or_else(|| x.total_cmp(y)),
        (Float(x), Float(y)) => x.partial_cmp(y).unwrap_or_else(|| x.total_cmp(y)),
        (Guid(x), Guid(y)) => guid_order(x).cmp(&guid_order(y)),
        (Binary(x), Binary(y)) => {
            // The shorter is filled with zeros.
            let n = x.len().max(y.len());
            let at = |b: &[u8], i: usize| b.get(i).copied().unwrap_or(0);
            (0..n).map(|i| at(x, i).cmp(&at(y, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        }
        (Char(x), Char(y)) | (NChar(x), NChar(y)) => {
            if x == y {
                return Some(Ordering::Equal);
            }
            text::sort_key(a, collation).cmp(&text::sort_key(b, collation))
        }
        (Char(_), NChar(_)) | (NChar(_), Char(_)) => {
            let wide = |v: &Value| text::wide(&text_of(v, collation));
            text::sort_key(&wide(a), collation).cmp(&text::sort_key(&wide(b), collation))
        }
        (Date(x), Date(y)) => x.cmp(y),
        (Time { ticks: x, .. }, Time { ticks: y, .. }) => x.cmp(y),
        (DateTime { days, ticks }, DateTime { days: d, ticks: t }) => (days, ticks).cmp(&(d, t)),
        (SmallDateTime { days, minutes }, SmallDateTime { days: d, minutes: m }) => (days, minutes).cmp(&(d, m)),
        (DateTime2 { days, ticks, .. }, DateTime2 { days: d, ticks: t, .. })
        | (DateTimeOffset { days, ticks, .. }, DateTimeOffset { days: d, ticks: t, .. }) => (days, ticks).cmp(&(d, t)),
        (Variant(x), Variant(y)) => compare_variants(x, y),
        _ => match (decimal_of(a), decimal_of(b)) {
            (Some(x), Some(y)) => x.compare(y),
            _ => match (float_of(a), float_of(b)) {
                (Some(x), Some(y)) => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
                _ => Ordering::Equal,
            },
        },
    })
}

fn family(base: Base) -> u8 {
    match base {
        b if is_moment(b) => 5,
        Base::Float | Base::Real => 4,
        b if is_number(b) => 3,
        b if is_text(b) => 2,
        b if is_binary(b) => 1,
        _ => 0,
    }
}

fn compare_variants(x: &Variant, y: &Variant) -> Ordering {
    let (fx, fy) = (family(x.ty.base), family(y.ty.base));
    if fx != fy {
        return fx.cmp(&fy);
    }
    let ty = types::unify(&x.ty, &y.ty);
    let to = |v: &Variant| convert(&v.value, &v.ty, &ty, How::default()).unwrap_or(Value::Null);
    compare(&to(x), &to(y), &ty).unwrap_or(Ordering::Equal)
}

/// The bytes of a guid in the order that counts: the last group first.
pub fn guid_order(g: &[u8; 16]) -> [u8; 16] {
    let order = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];
    let mut out = [0; 16];
    for (to, from) in order.iter().enumerate() {
        out[to] = g[*from];
    }
    out
}
