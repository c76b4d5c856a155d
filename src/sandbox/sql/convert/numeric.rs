//! Numbers: what a value is as one, what fits which type, and conversions to integers, decimals, money and floats.

use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::number::Decimal;
use crate::sandbox::sql::text::text_of;
use crate::sandbox::sql::types::{self, name};
use crate::sandbox::value::{Base, SqlType, Value};

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

pub(super) fn to_number(value: &Value, from: &SqlType, to: &SqlType) -> SqlResult<Value> {
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
