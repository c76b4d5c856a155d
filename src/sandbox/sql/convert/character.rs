//! Conversions to text: how values of every type are written, by the styles of CONVERT.

use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::moment::Moment;
use crate::sandbox::sql::number::Decimal;
use crate::sandbox::sql::text::{self, code_page, decode, encode, text_of};
use crate::sandbox::sql::types::{is_text, is_wide, name};
use crate::sandbox::value::{Base, MAX, SqlType, Value};

use super::{How, TooLong, decimal_of};

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
                // Assumption: style 126 gives money all four places, as style 2 does.
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

pub(super) fn to_text(value: &Value, from: &SqlType, to: &SqlType, how: How) -> SqlResult<Value> {
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
