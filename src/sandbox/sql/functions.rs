//! Built-in scalar functions that need no catalogue: text, numbers, dates, hashes. Those about the session and the
//! catalogue are in `niladic` and behind the catalogue's hooks.

use std::sync::Arc;

use sha2::Digest;

use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

use super::convert::{self, How, decimal_of, float_of, integer_of};
use super::error::{self, SqlError, SqlResult};
use super::expr::{Env, Expr, Node};
use super::moment::{Moment, Part};
use super::number::Decimal;
use super::text::{self, text_of, units};
use super::types::{self, is_binary, is_text, is_wide, nvarchar};

/// How a function is called: the row, its values, its arguments as bound, its type.
pub type Body = fn(&Env<'_>, &[Value], &[Expr], &SqlType) -> SqlResult<Value>;

/// A user's function where a value is wanted of it.
pub fn not_run(_: &Env<'_>, _: &[Value], _: &[Expr], _: &SqlType) -> SqlResult<Value> {
    Err(super::error::unsupported("user-defined function"))
}

/// A function bound by name.
#[derive(Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// NULL in, NULL out.
    pub strict: bool,
    /// What it does.
    pub body: Body,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Calls a function.
pub fn call(function: Function, args: &[Expr], whole: &Expr, env: &Env<'_>) -> SqlResult<Value> {
    let mut values = Vec::with_capacity(args.len());
    for a in args {
        let v = a.eval(env)?;
        if function.strict && matches!(v, Value::Null) {
            return Ok(Value::Null);
        }
        values.push(v);
    }
    (function.body)(env, &values, args, &whole.ty)
}

/// A call as an expression.
pub fn make(name: &'static str, strict: bool, ty: SqlType, args: Vec<Expr>, body: Body) -> Expr {
    let nullable = !strict || args.iter().any(|a| a.nullable) || args.is_empty();
    Expr { node: Node::Call(Function { name, strict, body }, args), ty, nullable }
}

fn collation_of(e: &Expr, default: &Arc<Collation>) -> Arc<Collation> {
    e.ty.collation.clone().unwrap_or_else(|| default.clone())
}

/// An argument as text; numbers and dates become text, text stays as wide as it is.
fn textual(e: Expr, default: &Arc<Collation>) -> Expr {
    if is_text(e.ty.base) && !matches!(e.ty.base, Base::Xml) {
        return match e.ty.base {
            Base::Text => {
                let ty = types::text(Base::VarChar, MAX, &collation_of(&e, default));
                e.cast(&ty)
            }
            Base::NText => {
                let ty = types::text(Base::NVarChar, MAX, &collation_of(&e, default));
                e.cast(&ty)
            }
            _ => e,
        };
    }
    if e.ty.base == Base::Xml {
        return e.cast(&nvarchar(MAX, default));
    }
    if e.ty.base == Base::Variant {
        return e.cast(&nvarchar(4000, default));
    }
    let width = types::display_width(&e.ty);
    let ty = types::text(Base::VarChar, width.min(8000), default);
    e.cast(&ty)
}

fn variable_length(ty: &SqlType, length: u32) -> SqlType {
    let base = if is_wide(ty.base) { Base::NVarChar } else { Base::VarChar };
    SqlType { base, length, ..ty.clone() }
}

/// Builds a value of the type's family from text.
fn make_text(t: &str, ty: &SqlType) -> Value {
    if is_wide(ty.base) {
        text::wide(t)
    } else {
        Value::Char(text::encode(t, text::code_page(ty.collation.as_deref())).into())
    }
}

/// The characters of a value: UTF-16 units of wide text, characters of narrow text.
fn letters(v: &Value, ty: &SqlType) -> Vec<u16> {
    match v {
        Value::NChar(b) => units(b),
        _ => text_of(v, ty.collation.as_deref()).encode_utf16().collect(),
    }
}

fn from_letters(u: &[u16], ty: &SqlType) -> Value {
    if is_wide(ty.base) {
        Value::NChar(text::unit_bytes(u).into())
    } else {
        make_text(&String::from_utf16_lossy(u), ty)
    }
}

fn max_or_int(e: &Expr) -> SqlType {
    if e.ty.length == MAX || matches!(e.ty.base, Base::Text | Base::NText | Base::Image | Base::Xml) {
        types::bigint()
    } else {
        types::int()
    }
}

fn count_value(n: i64, ty: &SqlType) -> Value {
    if ty.base == Base::BigInt { Value::BigInt(n) } else { Value::Int(n as i32) }
}

/// The arguments of a function must be so many.
fn need(name: &str, args: &[Expr], low: usize, high: usize) -> SqlResult<()> {
    if args.len() < low || args.len() > high {
        if low == high {
            return Err(error::argument_count(&name.to_ascii_lowercase(), low));
        }
        return Err(SqlError::batch(
            189,
            1,
            15,
            format!("The {} function requires {low} to {high} arguments.", name.to_ascii_lowercase()),
        ));
    }
    Ok(())
}

/// A pure function by its upper-case name, or `None` if there is none of that name.
pub fn bind(name: &str, mut args: Vec<Expr>, default: &Arc<Collation>) -> SqlResult<Option<Expr>> {
    let int = types::int;
    let out = match name {
        "LEN" => {
            need(name, &args, 1, 1)?;
            let a = textual(args.remove(0), default);
            let ty = max_or_int(&a);
            make("LEN", true, ty, vec![a], |_, v, a, ty| {
                let l = letters(&v[0], &a[0].ty);
                let n = l.iter().rposition(|u| *u != 32).map_or(0, |p| p + 1);
                Ok(count_value(n as i64, ty))
            })
        }
        "DATALENGTH" => {
            need(name, &args, 1, 1)?;
            let ty = max_or_int(&args[0]);
            make("DATALENGTH", true, ty, args, |_, v, a, ty| Ok(count_value(data_length(&v[0], &a[0].ty), ty)))
        }
        "SUBSTRING" => {
            need(name, &args, 3, 3)?;
            let length = args.pop().map(|e| e.cast(&types::bigint()));
            let start = args.pop().map(|e| e.cast(&types::bigint()));
            let a = args.remove(0);
            let binary = is_binary(a.ty.base);
            let a = if binary { a } else { textual(a, default) };
            let ty = if binary {
                types::binary(Base::VarBinary, if a.ty.base == Base::Image { MAX } else { a.ty.length.max(8) })
            } else {
                variable_length(&a.ty, a.ty.length)
            };
            let args: Vec<Expr> = [Some(a), start, length].into_iter().flatten().collect();
            make("SUBSTRING", true, ty, args, |_, v, a, ty| {
                let (start, length) = (integer_of(&v[1]).unwrap_or(1), integer_of(&v[2]).unwrap_or(0));
                if length < 0 {
                    return Err(SqlError::batch(
                        537,
                        3,
                        16,
                        "Invalid length parameter passed to the LEFT or SUBSTRING function.",
                    ));
                }
                let cut = |n: usize| {
                    let from = (start - 1).max(0) as usize;
                    let to = (start - 1).saturating_add(length).max(0) as usize;
                    (from.min(n), to.min(n).max(from.min(n)))
                };
                if let Value::Binary(b) = &v[0] {
                    let (from, to) = cut(b.len());
                    return Ok(Value::Binary(b[from..to].into()));
                }
                let l = letters(&v[0], &a[0].ty);
                let (from, to) = cut(l.len());
                Ok(from_letters(&l[from..to], ty))
            })
        }
        "LEFT" | "RIGHT" => {
            need(name, &args, 2, 2)?;
            let n = args.pop().map(|e| e.cast(&types::bigint()));
            let a = textual(args.remove(0), default);
            let ty = variable_length(&a.ty, a.ty.length);
            let args: Vec<Expr> = [Some(a), n].into_iter().flatten().collect();
            if name == "LEFT" {
                make("LEFT", true, ty, args, |_, v, a, ty| {
                    let l = letters(&v[0], &a[0].ty);
                    let n = integer_of(&v[1]).unwrap_or(0).clamp(0, l.len() as i64) as usize;
                    Ok(from_letters(&l[..n], ty))
                })
            } else {
                make("RIGHT", true, ty, args, |_, v, a, ty| {
                    let l = letters(&v[0], &a[0].ty);
                    let n = integer_of(&v[1]).unwrap_or(0).clamp(0, l.len() as i64) as usize;
                    Ok(from_letters(&l[l.len() - n..], ty))
                })
            }
        }
        "UPPER" | "LOWER" | "LTRIM" | "RTRIM" | "TRIM" | "REVERSE" => {
            need(name, &args, 1, 1)?;
            let a = textual(args.remove(0), default);
            let ty = variable_length(&a.ty, a.ty.length);
            let body: Body = match name {
                "UPPER" => {
                    |_, v, a, ty| Ok(make_text(&text_of(&v[0], a[0].ty.collation.as_deref()).to_uppercase(), ty))
                }
                "LOWER" => {
                    |_, v, a, ty| Ok(make_text(&text_of(&v[0], a[0].ty.collation.as_deref()).to_lowercase(), ty))
                }
                "LTRIM" => |_, v, a, ty| {
                    let l = letters(&v[0], &a[0].ty);
                    let n = l.iter().position(|u| *u != 32).unwrap_or(l.len());
                    Ok(from_letters(&l[n..], ty))
                },
                "RTRIM" => |_, v, a, ty| {
                    let l = letters(&v[0], &a[0].ty);
                    let n = l.iter().rposition(|u| *u != 32).map_or(0, |p| p + 1);
                    Ok(from_letters(&l[..n], ty))
                },
                "TRIM" => |_, v, a, ty| {
                    let l = letters(&v[0], &a[0].ty);
                    let from = l.iter().position(|u| *u != 32).unwrap_or(l.len());
                    let to = l.iter().rposition(|u| *u != 32).map_or(from, |p| p + 1);
                    Ok(from_letters(&l[from..to], ty))
                },
                _ => |_, v, a, ty| {
                    let mut l = letters(&v[0], &a[0].ty);
                    l.reverse();
                    Ok(from_letters(&l, ty))
                },
            };
            make("text", true, ty, vec![a], body)
        }
        "REPLACE" => {
            need(name, &args, 3, 3)?;
            let args: Vec<Expr> = args.into_iter().map(|a| textual(a, default)).collect();
            let wide = args.iter().any(|a| is_wide(a.ty.base));
            let collation = collation_of(&args[0], default);
            let max = args.iter().any(|a| a.ty.length == MAX);
            let ty = types::text(
                if wide { Base::NVarChar } else { Base::VarChar },
                if max { MAX } else { 8000 },
                &collation,
            );
            make("REPLACE", true, ty, args, |_, v, a, ty| {
                let c = a[0].ty.collation.as_deref();
                let t: Vec<char> = text_of(&v[0], c).chars().collect();
                let from: Vec<char> = text_of(&v[1], a[1].ty.collation.as_deref()).chars().collect();
                let to = text_of(&v[2], a[2].ty.collation.as_deref());
                if from.is_empty() {
                    return Ok(make_text(&t.iter().collect::<String>(), ty));
                }
                let mut out = String::new();
                let mut at = 0;
                while at < t.len() {
                    let hit = t[at..].len() >= from.len()
                        && from.iter().zip(&t[at..]).all(|(x, y)| text::same_char(*x, *y, c));
                    if hit {
                        out.push_str(&to);
                        at += from.len();
                    } else {
                        out.push(t[at]);
                        at += 1;
                    }
                }
                Ok(make_text(&out, ty))
            })
        }
        "CHARINDEX" => {
            need(name, &args, 2, 3)?;
            let start = if args.len() == 3 { args.pop() } else { None };
            let mut args: Vec<Expr> = args.into_iter().map(|a| textual(a, default)).collect();
            let ty = max_or_int(&args[1]);
            args.extend(start.map(|s| s.cast(&types::bigint())));
            make("CHARINDEX", true, ty, args, |_, v, a, ty| {
                let c = a[1].ty.collation.as_deref();
                let find: Vec<char> = text_of(&v[0], a[0].ty.collation.as_deref()).chars().collect();
                let within: Vec<char> = text_of(&v[1], c).chars().collect();
                let start = v.get(2).and_then(integer_of).unwrap_or(1).max(1) as usize - 1;
                if find.is_empty() {
                    return Ok(count_value(0, ty));
                }
                let found = (start..within.len().saturating_sub(find.len() - 1).max(start))
                    .find(|at| find.iter().zip(&within[*at..]).all(|(x, y)| text::same_char(*x, *y, c)));
                Ok(count_value(found.map_or(0, |p| p as i64 + 1), ty))
            })
        }
        "PATINDEX" => {
            need(name, &args, 2, 2)?;
            let args: Vec<Expr> = args.into_iter().map(|a| textual(a, default)).collect();
            let ty = max_or_int(&args[1]);
            make("PATINDEX", true, ty, args, |_, v, a, ty| {
                let c = a[1].ty.collation.as_deref();
                let pattern = text_of(&v[0], a[0].ty.collation.as_deref());
                let within: Vec<char> = text_of(&v[1], c).chars().collect();
                let (anchored, pattern) = match pattern.strip_prefix('%') {
                    Some(p) => (false, p.to_string()),
                    None => (true, pattern),
                };
                let last = if anchored { 0 } else { within.len() };
                for at in 0..=last {
                    let rest: String = within[at..].iter().collect();
                    if text::like(&rest, &pattern, None, c) {
                        return Ok(count_value(at as i64 + 1, ty));
                    }
                }
                Ok(count_value(0, ty))
            })
        }
        "QUOTENAME" => {
            need(name, &args, 1, 2)?;
            let args: Vec<Expr> = args.into_iter().map(|a| textual(a, default)).collect();
            let ty = nvarchar(258, &collation_of(&args[0], default));
            make("QUOTENAME", true, ty, args, |_, v, a, ty| {
                let t = text_of(&v[0], a[0].ty.collation.as_deref());
                if t.encode_utf16().count() > 128 {
                    return Ok(Value::Null);
                }
                let q = v.get(1).map_or('[', |q| text_of(q, None).chars().next().unwrap_or('['));
                let (open, close) = match q {
                    '[' | ']' => ('[', ']'),
                    '(' | ')' => ('(', ')'),
                    '<' | '>' => ('<', '>'),
                    '{' | '}' => ('{', '}'),
                    '\'' | '"' | '`' => (q, q),
                    _ => return Ok(Value::Null),
                };
                let doubled: String =
                    t.chars().flat_map(|c| std::iter::repeat_n(c, if c == close { 2 } else { 1 })).collect();
                Ok(make_text(&format!("{open}{doubled}{close}"), ty))
            })
        }
        "CONCAT" | "CONCAT_WS" => {
            if args.len() < 2 {
                return Err(SqlError::batch(
                    189,
                    1,
                    15,
                    format!("The {} function requires 2 to 254 arguments.", name.to_ascii_lowercase()),
                ));
            }
            let args: Vec<Expr> = args.into_iter().map(|a| textual(a, default)).collect();
            let wide = args.iter().any(|a| is_wide(a.ty.base));
            let max = args.iter().any(|a| a.ty.length == MAX);
            let total: u32 = args.iter().map(|a| types::display_width(&a.ty).min(8000)).sum();
            let unit = if wide { 2 } else { 1 };
            let length = if max { MAX } else { (total * unit).min(8000) };
            let ty = types::text(
                if wide { Base::NVarChar } else { Base::VarChar },
                length,
                &collation_of(&args[0], default),
            );
            let body: Body = if name == "CONCAT" {
                |_, v, a, ty| {
                    let t: String = v.iter().zip(a).map(|(v, a)| text_of(v, a.ty.collation.as_deref())).collect();
                    Ok(make_text(&t, ty))
                }
            } else {
                |_, v, a, ty| {
                    let separator = text_of(&v[0], a[0].ty.collation.as_deref());
                    let parts: Vec<String> = v[1..]
                        .iter()
                        .zip(&a[1..])
                        .filter(|(v, _)| !matches!(v, Value::Null))
                        .map(|(v, a)| text_of(v, a.ty.collation.as_deref()))
                        .collect();
                    Ok(make_text(&parts.join(&separator), ty))
                }
            };
            let mut e = make("CONCAT", false, ty, args, body);
            e.nullable = false;
            e
        }
        "STUFF" => {
            need(name, &args, 4, 4)?;
            let insert = args.pop().map(|e| textual(e, default));
            let length = args.pop().map(|e| e.cast(&int()));
            let start = args.pop().map(|e| e.cast(&int()));
            let a = textual(args.remove(0), default);
            let max = a.ty.length == MAX || insert.as_ref().is_some_and(|i| i.ty.length == MAX);
            let ty = variable_length(&a.ty, if max { MAX } else { 8000 });
            let args: Vec<Expr> = [Some(a), start, length, insert].into_iter().flatten().collect();
            make("STUFF", false, ty, args, |_, v, a, ty| {
                if v[..3].iter().any(|x| matches!(x, Value::Null)) {
                    return Ok(Value::Null);
                }
                let l = letters(&v[0], &a[0].ty);
                let (start, length) = (integer_of(&v[1]).unwrap_or(0), integer_of(&v[2]).unwrap_or(0));
                if start < 1 || length < 0 || start as usize > l.len() {
                    return Ok(Value::Null);
                }
                let from = start as usize - 1;
                let to = (from + length as usize).min(l.len());
                let mut out = l[..from].to_vec();
                out.extend(letters(&v[3], &a[3].ty));
                out.extend_from_slice(&l[to..]);
                Ok(from_letters(&out, ty))
            })
        }
        "REPLICATE" | "SPACE" => {
            let a = if name == "SPACE" {
                need(name, &args, 1, 1)?;
                Expr::constant(Value::Char(b" ".as_slice().into()), types::text(Base::VarChar, 1, default))
            } else {
                need(name, &args, 2, 2)?;
                textual(args.remove(0), default)
            };
            let n = args.remove(0).cast(&types::bigint());
            let max = a.ty.length == MAX;
            let ty = variable_length(&a.ty, if max { MAX } else { 8000 });
            make("REPLICATE", true, ty, vec![a, n], |_, v, a, ty| {
                let n = integer_of(&v[1]).unwrap_or(0);
                if n < 0 {
                    return Ok(Value::Null);
                }
                let l = letters(&v[0], &a[0].ty);
                let unit = if is_wide(ty.base) { 2 } else { 1 };
                // The server's (max) ends at 2 GB; nobody needs that much of one letter here.
                let limit = if ty.length == MAX { 256 << 20 } else { 8000 / unit };
                let n = if l.is_empty() { 0 } else { (n as usize).min(limit / l.len()) };
                let mut out = l.repeat(n);
                out.truncate(limit);
                Ok(from_letters(&out, ty))
            })
        }
        "ASCII" | "UNICODE" => {
            need(name, &args, 1, 1)?;
            let a = textual(args.remove(0), default);
            let body: Body = if name == "ASCII" {
                |_, v, a, _| {
                    let c = a[0].ty.collation.as_deref();
                    let b = text::encode(&text_of(&v[0], c), text::code_page(c));
                    Ok(b.first().map_or(Value::Null, |x| Value::Int(i32::from(*x))))
                }
            } else {
                |_, v, a, _| Ok(letters(&v[0], &a[0].ty).first().map_or(Value::Null, |u| Value::Int(i32::from(*u))))
            };
            let mut e = make("ASCII", true, int(), vec![a], body);
            e.nullable = true;
            e
        }
        "CHAR" => {
            need(name, &args, 1, 1)?;
            let ty = types::text(Base::Char, 1, default);
            make("CHAR", true, ty, vec![args.remove(0).cast(&int())], |_, v, _, _| {
                Ok(integer_of(&v[0])
                    .and_then(|n| u8::try_from(n).ok())
                    .map_or(Value::Null, |b| Value::Char([b].as_slice().into())))
            })
        }
        "NCHAR" => {
            need(name, &args, 1, 1)?;
            let ty = types::text(Base::NChar, 2, default);
            make("NCHAR", true, ty, vec![args.remove(0).cast(&int())], |_, v, _, _| {
                Ok(integer_of(&v[0])
                    .and_then(|n| u16::try_from(n).ok())
                    .map_or(Value::Null, |u| Value::NChar(u.to_le_bytes().as_slice().into())))
            })
        }
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
                            let unit = super::number::pow10(places.unsigned_abs().min(38) as u32);
                            let whole = Decimal { magnitude: d.magnitude, scale: 0, negative: d.negative };
                            let step = unit.checked_mul(super::number::pow10(u32::from(d.scale)));
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
        "YEAR" | "MONTH" | "DAY" => {
            need(name, &args, 1, 1)?;
            let a = momentary(args.remove(0));
            let body: Body = match name {
                "YEAR" => |_, v, _, _| part(&v[0], Part::Year),
                "MONTH" => |_, v, _, _| part(&v[0], Part::Month),
                _ => |_, v, _, _| part(&v[0], Part::Day),
            };
            make("part", true, int(), vec![a], body)
        }
        "EOMONTH" => {
            need(name, &args, 1, 1)?;
            let a = momentary(args.remove(0));
            make("EOMONTH", true, types::plain(Base::Date), vec![a], |_, v, _, ty| {
                let m = Moment::of(&v[0]).ok_or_else(error::date_conversion_failed)?;
                let (y, mo, _) = super::moment::civil(m.days);
                let days = super::moment::days_from(y, mo, super::moment::month_days(y, mo));
                Ok(Moment { days, ticks: 0, offset: None }.to(ty).unwrap_or(Value::Null))
            })
        }
        "DATEFROMPARTS" => {
            need(name, &args, 3, 3)?;
            let args: Vec<Expr> = args.into_iter().map(|a| a.cast(&int())).collect();
            make("DATEFROMPARTS", true, types::plain(Base::Date), args, |_, v, _, ty| {
                let n = |i: usize| integer_of(&v[i]).unwrap_or(0);
                let bad = || {
                    SqlError::batch(
                        289,
                        1,
                        16,
                        "Cannot construct data type date, some of the arguments have values which are not valid.",
                    )
                };
                if !(1..=9999).contains(&n(0))
                    || !(1..=12).contains(&n(1))
                    || n(2) < 1
                    || n(2) > super::moment::month_days(n(0), n(1))
                {
                    return Err(bad());
                }
                let days = super::moment::days_from(n(0), n(1), n(2));
                Moment { days, ticks: 0, offset: None }.to(ty).ok_or_else(bad)
            })
        }
        "ISDATE" => {
            need(name, &args, 1, 1)?;
            let a = textual(args.remove(0), default);
            make("ISDATE", false, int(), vec![a], |_, v, a, _| {
                let t = text_of(&v[0], a[0].ty.collation.as_deref());
                let ok = !t.is_empty() && Moment::parse(&t).and_then(|m| m.to(&types::plain(Base::DateTime))).is_some();
                Ok(Value::Int(i32::from(ok)))
            })
        }
        "ISNUMERIC" => {
            need(name, &args, 1, 1)?;
            let a = textual(args.remove(0), default);
            make("ISNUMERIC", false, int(), vec![a], |_, v, a, _| {
                let t = text_of(&v[0], a[0].ty.collation.as_deref());
                let ok = Decimal::parse(&t).is_some() || t.trim().parse::<f64>().is_ok_and(f64::is_finite);
                Ok(Value::Int(i32::from(ok && !matches!(v[0], Value::Null))))
            })
        }
        "NEWID" | "NEWSEQUENTIALID" => {
            need(name, &args, 0, 0)?;
            let mut e = make("NEWID", false, types::plain(Base::UniqueIdentifier), args, |_, _, _, _| {
                Ok(Value::Guid(*uuid::Uuid::new_v4().as_bytes()))
            });
            e.nullable = false;
            e
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
        "HASHBYTES" => {
            need(name, &args, 2, 2)?;
            let a = args.remove(0);
            let a = textual(a, default);
            let b = args.remove(0);
            make("HASHBYTES", true, types::binary(Base::VarBinary, 8000), vec![a, b], |_, v, a, _| {
                let algorithm = text_of(&v[0], a[0].ty.collation.as_deref()).to_ascii_uppercase();
                let bytes = match &v[1] {
                    Value::Char(b) | Value::NChar(b) | Value::Binary(b) => b.clone(),
                    other => {
                        let to = types::binary(Base::VarBinary, 8000);
                        match convert::convert(other, &a[1].ty, &to, How::default())? {
                            Value::Binary(b) => b,
                            _ => return Ok(Value::Null),
                        }
                    }
                };
                let digest: Vec<u8> = match algorithm.as_str() {
                    "SHA2_256" => sha2::Sha256::digest(&bytes).to_vec(),
                    "SHA2_512" => sha2::Sha512::digest(&bytes).to_vec(),
                    // Assumption: MD5, SHA and SHA1 answer NULL here, as an unknown algorithm does.
                    _ => return Ok(Value::Null),
                };
                Ok(Value::Binary(digest.into()))
            })
        }
        "CHECKSUM" | "BINARY_CHECKSUM" => {
            let body: Body = if name == "CHECKSUM" {
                |_, v, a, _| Ok(Value::Int(checksum(v, a, false)))
            } else {
                |_, v, a, _| Ok(Value::Int(checksum(v, a, true)))
            };
            let mut e = make("CHECKSUM", false, int(), args, body);
            e.nullable = false;
            e
        }
        "SQL_VARIANT_PROPERTY" => {
            need(name, &args, 2, 2)?;
            let b = textual(args.pop().unwrap_or_else(|| Expr::constant(Value::Null, int())), default);
            let a = args.remove(0);
            make("SQL_VARIANT_PROPERTY", true, types::plain(Base::Variant), vec![a, b], |env, v, a, _| {
                let (ty, value) = match &v[0] {
                    Value::Variant(x) => (&x.ty, &x.value),
                    other => (&a[0].ty, other),
                };
                let property = text_of(&v[1], a[1].ty.collation.as_deref()).to_ascii_lowercase();
                let collation = env.ctx.session.collation();
                let wide = |t: &str| variant(nvarchar(128, &collation), text::wide(t));
                let number = |n: i32| variant(types::int(), Value::Int(n));
                let (_, length, precision, scale) = crate::sandbox::meta::types::facets(ty);
                Ok(match property.as_str() {
                    "basetype" => wide(types::name(ty.base)),
                    "precision" => number(i32::from(precision)),
                    "scale" => number(i32::from(scale)),
                    "maxlength" => number(i32::from(length)),
                    "totalbytes" => number(data_length(value, ty) as i32 + 2),
                    "collation" => ty.collation.as_ref().map_or(Value::Null, |c| wide(&c.name)),
                    _ => Value::Null,
                })
            })
        }
        "FORMATMESSAGE" | "STR" if name == "STR" => {
            need(name, &args, 1, 3)?;
            let args: Vec<Expr> = args
                .into_iter()
                .enumerate()
                .map(|(i, a)| a.cast(&if i == 0 { types::plain(Base::Float) } else { int() }))
                .collect();
            make("STR", true, types::text(Base::VarChar, 40, default), args, |_, v, _, ty| {
                let width = v.get(1).and_then(integer_of).unwrap_or(10).clamp(1, 8000) as usize;
                let places = v.get(2).and_then(integer_of).unwrap_or(0).clamp(0, 16) as usize;
                let t = format!("{:.places$}", float_of(&v[0]).unwrap_or(0.0));
                Ok(make_text(&if t.len() > width { "*".repeat(width) } else { format!("{t:>width$}") }, ty))
            })
        }
        "DIFFERENCE" | "SOUNDEX" => return Ok(None),
        _ => return Ok(None),
    };
    Ok(Some(out))
}

/// A value wrapped as sql_variant.
pub fn variant(ty: SqlType, value: Value) -> Value {
    if matches!(value, Value::Null) {
        return Value::Null;
    }
    Value::Variant(Arc::new(crate::sandbox::value::Variant { ty, value }))
}

fn float(f: Option<f64>) -> SqlResult<Value> {
    match f {
        Some(f) if f.is_finite() => Ok(Value::Float(f)),
        _ => Err(SqlError::new(3623, 1, 16, "An invalid floating point operation occurred.").with_3621()),
    }
}

fn part(v: &Value, p: Part) -> SqlResult<Value> {
    Ok(Moment::of(v).map_or(Value::Null, |m| Value::Int(m.part(p) as i32)))
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

/// An argument as a date: text becomes datetime.
pub fn momentary(e: Expr) -> Expr {
    if types::is_moment(e.ty.base) {
        return e;
    }
    let ty = if is_text(e.ty.base) { types::scaled(Base::DateTime2, 7) } else { types::plain(Base::DateTime) };
    e.cast(&ty)
}

fn rounded(v: &Value, ty: &SqlType, f: fn(f64) -> f64, d: fn(Decimal) -> Decimal) -> SqlResult<Value> {
    match v {
        Value::Float(x) => Ok(Value::Float(f(*x))),
        Value::Real(x) => Ok(Value::Real(f(f64::from(*x)) as f32)),
        other => convert::make_number(ty, d(decimal_of(other).unwrap_or(Decimal::from_i128(0))), "expression"),
    }
}

/// DATALENGTH.
pub fn data_length(v: &Value, ty: &SqlType) -> i64 {
    match v {
        Value::Null => 0,
        Value::Bit(_) | Value::TinyInt(_) => 1,
        Value::SmallInt(_) => 2,
        Value::Int(_) | Value::Real(_) | Value::SmallMoney(_) | Value::SmallDateTime { .. } => 4,
        Value::BigInt(_) | Value::Float(_) | Value::Money(_) | Value::DateTime { .. } => 8,
        Value::Guid(_) => 16,
        Value::Char(b) | Value::NChar(b) | Value::Binary(b) => b.len() as i64,
        Value::Decimal { .. }
        | Value::Date(_)
        | Value::Time { .. }
        | Value::DateTime2 { .. }
        | Value::DateTimeOffset { .. } => i64::from(crate::sandbox::meta::types::facets(ty).1),
        Value::Variant(x) => data_length(&x.value, &x.ty),
    }
}

// Assumption: CHECKSUM and BINARY_CHECKSUM give a hash of this sandbox's own; equal values give equal numbers, as
// comparing two of its databases needs, but the numbers are not those of a real server.
fn checksum(values: &[Value], args: &[Expr], exact: bool) -> i32 {
    let mut h: u32 = 0x811c_9dc5;
    let mut mix = |bytes: &[u8]| {
        for b in bytes {
            h = (h ^ u32::from(*b)).wrapping_mul(0x0100_0193);
        }
        h = h.rotate_left(4);
    };
    for (v, a) in values.iter().zip(args) {
        match v {
            Value::Char(b) | Value::NChar(b) if exact => mix(b),
            _ => {
                let mut key = Vec::new();
                super::key::encode(&mut key, v, &a.ty, false);
                mix(&key);
            }
        }
    }
    h as i32
}
