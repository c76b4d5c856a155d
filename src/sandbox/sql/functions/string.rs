//! String functions: their types, and what they do with characters.

use std::sync::Arc;

use crate::sandbox::sql::convert::{float_of, integer_of};
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::Expr;
use crate::sandbox::sql::text::{self, text_of, units};
use crate::sandbox::sql::types::{self, is_binary, is_wide, nvarchar};
use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

use super::{Body, collation_of, count_value, make, make_text, max_or_int, need, textual};

/// A string function by its upper-case name.
pub(super) fn bind(name: &str, mut args: Vec<Expr>, default: &Arc<Collation>) -> SqlResult<Option<Expr>> {
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
        "STR" => {
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
        _ => return Ok(None),
    };
    Ok(Some(out))
}

fn variable_length(ty: &SqlType, length: u32) -> SqlType {
    let base = if is_wide(ty.base) { Base::NVarChar } else { Base::VarChar };
    SqlType { base, length, ..ty.clone() }
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
