//! Mathematical functions, on decimals as on floats.

use crate::sandbox::sql::convert::{self, How, decimal_of, float_of, integer_of};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::Expr;
use crate::sandbox::sql::number::{self, Decimal};
use crate::sandbox::sql::types::{self, is_text};
use crate::sandbox::value::{Base, SqlType, Value};

use super::{Body, make, need};

/// A mathematical function by its upper-case name.
pub(super) fn bind(name: &str, mut args: Vec<Expr>) -> SqlResult<Option<Expr>> {
    let int = types::int;
    let out = match name {
        "ABS" | "SIGN" | "FLOOR" | "CEILING" => {
            need(name, &args, 1, 1)?;
            let a = numeric(args.remove(0))?;
            let ty = match (name, a.ty.base) {
                ("FLOOR" | "CEILING", Base::Decimal | Base::Numeric) => types::decimal(a.ty.base, a.ty.precision, 0),
                _ => a.ty.clone(),
            };
            let body: Body = match name {
                "ABS" => |_, v, _, ty| match &v[0] {
                    Value::Float(f) => Ok(Value::Float(f.abs())),
                    Value::Real(f) => Ok(Value::Real(f.abs())),
                    other => {
                        let d = decimal_of(other).unwrap_or(Decimal::from_i128(0));
                        convert::make_number(ty, Decimal { negative: false, ..d }, "expression")
                    }
                },
                "SIGN" => |_, v, _, ty| match &v[0] {
                    Value::Float(f) => Ok(Value::Float(if *f == 0.0 { 0.0 } else { f.signum() })),
                    Value::Real(f) => Ok(Value::Real(if *f == 0.0 { 0.0 } else { f.signum() })),
                    other => {
                        let d = decimal_of(other).unwrap_or(Decimal::from_i128(0));
                        let n = if d.magnitude == 0 {
                            0
                        } else if d.negative {
                            -1
                        } else {
                            1
                        };
                        convert::make_number(ty, Decimal::from_i128(n), "expression")
                    }
                },
                "FLOOR" => |_, v, _, ty| {
                    rounded(&v[0], ty, f64::floor, |d| {
                        let t = d.truncate(0).unwrap_or(d);
                        if d.negative && t.compare(d).is_ne() { t.plus(Decimal::from_i128(-1)).unwrap_or(t) } else { t }
                    })
                },
                _ => |_, v, _, ty| {
                    rounded(&v[0], ty, f64::ceil, |d| {
                        let t = d.truncate(0).unwrap_or(d);
                        if !d.negative && t.compare(d).is_ne() { t.plus(Decimal::from_i128(1)).unwrap_or(t) } else { t }
                    })
                },
            };
            make("number", true, ty, vec![a], body)
        }
        "ROUND" => {
            need(name, &args, 2, 3)?;
            let cut = if args.len() == 3 { args.pop() } else { None };
            let places = args.pop().map(|e| e.cast(&int()));
            let a = numeric(args.remove(0))?;
            let ty = a.ty.clone();
            let args: Vec<Expr> = [Some(a), places, cut.map(|c| c.cast(&int()))].into_iter().flatten().collect();
            make("ROUND", true, ty, args, |_, v, _, ty| {
                let places = integer_of(&v[1]).unwrap_or(0);
                let cut = v.get(2).and_then(integer_of).unwrap_or(0) != 0;
                match &v[0] {
                    Value::Float(_) | Value::Real(_) => {
                        let f = float_of(&v[0]).unwrap_or(0.0);
                        let m = 10f64.powi(places.clamp(-300, 300) as i32);
                        let r = if cut { (f * m).trunc() / m } else { (f * m).round() / m };
                        Ok(if ty.base == Base::Real { Value::Real(r as f32) } else { Value::Float(r) })
                    }
                    other => {
                        let d = decimal_of(other).unwrap_or(Decimal::from_i128(0));
                        let r = if places >= 0 {
                            let s = places.min(38) as u8;
                            if s >= d.scale {
                                Some(d)
                            } else if cut {
                                d.truncate(s)
                            } else {
                                d.rescale(s)
                            }
                        } else {
                            let unit = number::pow10(places.unsigned_abs().min(38) as u32);
                            let whole = Decimal { magnitude: d.magnitude, scale: 0, negative: d.negative };
                            let step = unit.checked_mul(number::pow10(u32::from(d.scale)));
                            step.map(|step| {
                                let q = whole.magnitude / step;
                                let up = !cut && whole.magnitude % step >= step - whole.magnitude % step;
                                Decimal { magnitude: (q + u128::from(up)) * unit, scale: 0, negative: d.negative }
                            })
                            .or(Some(Decimal::from_i128(0)))
                        };
                        let r = r.ok_or_else(|| error::overflow("expression", types::name(ty.base)))?;
                        convert::make_number(ty, r, "expression")
                    }
                }
            })
        }
        "POWER" => {
            need(name, &args, 2, 2)?;
            let b = args.pop().map(|e| e.cast(&types::plain(Base::Float)));
            let a = numeric(args.remove(0))?;
            let ty = a.ty.clone();
            let args: Vec<Expr> = [Some(a), b].into_iter().flatten().collect();
            make("POWER", true, ty, args, |_, v, _, ty| {
                let f = float_of(&v[0]).unwrap_or(0.0).powf(float_of(&v[1]).unwrap_or(0.0));
                let from = types::plain(Base::Float);
                convert::convert(&Value::Float(f), &from, ty, How::default())
                    .map_err(|_| error::overflow("expression", types::name(ty.base)))
            })
        }
        "SQRT" | "EXP" | "LOG" | "LOG10" | "SIN" | "COS" | "TAN" | "ATAN" | "SQUARE" => {
            need(name, &args, 1, 1)?;
            let a = args.remove(0).cast(&types::plain(Base::Float));
            let body: Body = match name {
                "SQRT" => |_, v, _, _| float(float_of(&v[0]).map(f64::sqrt)),
                "EXP" => |_, v, _, _| float(float_of(&v[0]).map(f64::exp)),
                "LOG" => |_, v, _, _| float(float_of(&v[0]).map(f64::ln)),
                "LOG10" => |_, v, _, _| float(float_of(&v[0]).map(f64::log10)),
                "SIN" => |_, v, _, _| float(float_of(&v[0]).map(f64::sin)),
                "COS" => |_, v, _, _| float(float_of(&v[0]).map(f64::cos)),
                "TAN" => |_, v, _, _| float(float_of(&v[0]).map(f64::tan)),
                "ATAN" => |_, v, _, _| float(float_of(&v[0]).map(f64::atan)),
                _ => |_, v, _, _| float(float_of(&v[0]).map(|f| f * f)),
            };
            make("float", true, types::plain(Base::Float), vec![a], body)
        }
        "RAND" => {
            let args: Vec<Expr> = args.into_iter().map(|a| a.cast(&types::bigint())).collect();
            make("RAND", false, types::plain(Base::Float), args, |_, v, _, _| {
                let seed = match v.first().and_then(integer_of) {
                    Some(n) => (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31),
                    None => u64::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[8..].try_into().unwrap_or_default()),
                };
                Ok(Value::Float((seed >> 11) as f64 / (1u64 << 53) as f64))
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(out))
}

fn float(f: Option<f64>) -> SqlResult<Value> {
    match f {
        Some(f) if f.is_finite() => Ok(Value::Float(f)),
        _ => Err(SqlError::new(3623, 1, 16, "An invalid floating point operation occurred.").with_3621()),
    }
}

fn numeric(e: Expr) -> SqlResult<Expr> {
    match e.ty.base {
        Base::Bit => Ok(e.cast(&types::int())),
        Base::TinyInt | Base::SmallInt => Ok(e.cast(&types::int())),
        b if types::is_number(b) => Ok(e),
        b if is_text(b) => Ok(e.cast(&types::plain(Base::Float))),
        b => Err(error::type_clash(types::name(b), "float")),
    }
}

fn rounded(v: &Value, ty: &SqlType, f: fn(f64) -> f64, d: fn(Decimal) -> Decimal) -> SqlResult<Value> {
    match v {
        Value::Float(x) => Ok(Value::Float(f(*x))),
        Value::Real(x) => Ok(Value::Real(f(f64::from(*x)) as f32)),
        other => convert::make_number(ty, d(decimal_of(other).unwrap_or(Decimal::from_i128(0))), "expression"),
    }
}
