//! What is constant within a statement: global variables, the session's functions; and the functions of dates that take a
//! part by name.

use crate::sandbox::collation;
use crate::sandbox::meta::{self, Kind};
use crate::sandbox::value::{Base, SqlType, Value};

use super::bind::Binder;
use super::convert::{How, convert, integer_of};
use super::error::{self, SqlError, SqlResult};
use super::expr::Expr;
use super::functions::{make, momentary};
use super::moment::{Moment, Part};
use super::text::{self, text_of, wide};
use super::types::{self, nvarchar};

fn constant(ty: SqlType, v: Value) -> Expr {
    // A call, so that it is an expression and not a literal for the collation and for flags.
    Expr::constant(v, ty)
}

/// `@@NAME`.
pub fn global(b: &Binder<'_>, name: &str) -> Option<Expr> {
    let s = b.session;
    let c = b.collation();
    let int = |n: i32| constant(types::int(), Value::Int(n));
    let words = |t: &str| constant(nvarchar(128, &c), wide(t));
    let server = s.server();
    Some(match name {
        "VERSION" => constant(nvarchar(300, &c), wide(&server.product.banner())),
        "SERVERNAME" => words(&server.name),
        "SERVICENAME" => words("MSSQLSERVER"),
        "SPID" => constant(types::plain(Base::SmallInt), Value::SmallInt(s.spid as i16)),
        "TRANCOUNT" => int(s.trancount() as i32),
        "ROWCOUNT" => int(s.state.borrow().rowcount.min(i32::MAX as i64) as i32),
        "ERROR" => int(s.state.borrow().error),
        "IDENTITY" => identity(s.state.borrow().last_identity),
        "LANGUAGE" => words("us_english"),
        "LANGID" => constant(types::plain(Base::SmallInt), Value::SmallInt(0)),
        "DATEFIRST" => constant(types::plain(Base::TinyInt), Value::TinyInt(7)),
        "MAX_PRECISION" => constant(types::plain(Base::TinyInt), Value::TinyInt(38)),
        "MAX_CONNECTIONS" => int(32_767),
        "LOCK_TIMEOUT" => int(s.options.lock_timeout),
        "NESTLEVEL" => int(s.state.borrow().nest as i32),
        "OPTIONS" => int(5496),
        "TEXTSIZE" => int(s.options.text_size),
        "MICROSOFTVERSION" => {
            let (major, minor, build) = server.product.numbers();
            int(i32::from(major) << 24 | i32::from(minor) << 16 | i32::from(build))
        }
        "DBTS" => {
            let n = s.engine.rowversion(b.database);
            constant(types::binary(Base::VarBinary, 8), Value::Binary(n.to_be_bytes().as_slice().into()))
        }
        "CPU_BUSY" | "IDLE" | "IO_BUSY" | "CONNECTIONS" | "TIMETICKS" | "PACK_RECEIVED" | "PACK_SENT"
        | "TOTAL_READ" | "TOTAL_WRITE" | "TOTAL_ERRORS" | "PACKET_ERRORS" | "FETCH_STATUS" | "CURSOR_ROWS"
        | "PROCID" => int(0),
        _ => return None,
    })
}

fn identity(n: Option<i128>) -> Expr {
    let ty = types::decimal(Base::Numeric, 38, 0);
    let v = n.map_or(Value::Null, |n| Value::Decimal {
        negative: n < 0,
        magnitude: n.unsigned_abs(),
        precision: 38,
        scale: 0,
    });
    Expr { node: super::expr::Node::Const(v), ty, nullable: true }
}

/// Functions written without parentheses.
pub fn bare(b: &Binder<'_>, name: &str) -> Option<Expr> {
    let c = b.collation();
    let words = |t: &str| constant(nvarchar(128, &c), wide(t));
    Some(match name {
        "CURRENT_TIMESTAMP" => moment_now("GETDATE", Base::DateTime, 0),
        "CURRENT_USER" | "SESSION_USER" | "USER" => words(&b.session.user_name(b.database)),
        "SYSTEM_USER" => words(&b.session.login),
        _ => return None,
    })
}

fn moment_now(name: &'static str, base: Base, scale: u8) -> Expr {
    let mut e = make(name, false, types::scaled(base, scale), vec![], |env, _, _, ty| {
        let now = Moment { offset: if ty.base == Base::DateTimeOffset { Some(0) } else { None }, ..env.ctx.now };
        Ok(now.to(ty).unwrap_or(Value::Null))
    });
    e.nullable = false;
    e
}

fn object_id_of(s: &super::session::SqlSession, database: i32, name: &str, kind: Option<&str>) -> Option<i32> {
    let parts = meta::names::parts(name)?;
    let (db, schema, object) = match parts.as_slice() {
        [n] => (database, String::new(), n),
        [sc, n] => (database, sc.clone(), n),
        [d, sc, n] => (s.database_named(d)?, sc.clone(), n),
        _ => return None,
    };
    let db = if object.starts_with('#') { meta::server::TEMPDB } else { db };
    let database = s.database_meta(db)?;
    let schemas: Vec<i32> = if schema.is_empty() {
        vec![s.default_schema(db), meta::database::DBO_SCHEMA]
    } else {
        vec![database.schema(&schema)?.schema_id]
    };
    for schema_id in schemas {
        if let Some(found) = database.locate(schema_id, object) {
            if let Some(kind) = kind {
                let code = match found.table_id {
                    None => database.object(found.object_id)?.type_code().0,
                    Some(t) => database
                        .object(t)?
                        .table()?
                        .constraints()
                        .find(|(h, _)| h.object_id == found.object_id)
                        .map(|(_, c)| c)?,
                };
                if code.trim() != kind.trim().to_ascii_uppercase() {
                    return None;
                }
            }
            return Some(found.object_id);
        }
    }
    s.system_object_id(db, &schema, object)
}

/// Functions with parentheses that ask the session or the catalogue.
pub fn function(b: &Binder<'_>, name: &str, args: &[Expr]) -> SqlResult<Option<Expr>> {
    let s = b.session;
    let c = b.collation();
    let int = types::int;
    let text_arg =
        |i: usize| args.get(i).cloned().unwrap_or_else(|| Expr::constant(Value::Null, int())).cast(&nvarchar(4000, &c));
    let int_arg = |i: usize| args.get(i).cloned().unwrap_or_else(|| Expr::constant(Value::Null, int())).cast(&int());
    let sysname = nvarchar(128, &c);
    let here = || Expr::constant(Value::Int(b.database), int());
    let null = |ty: &SqlType| Expr { node: super::expr::Node::Const(Value::Null), ty: ty.clone(), nullable: true };
    let caught = s.state.borrow().caught.last().cloned();
    let out = match name {
        "GETDATE" => moment_now("GETDATE", Base::DateTime, 0),
        "GETUTCDATE" => moment_now("GETUTCDATE", Base::DateTime, 0),
        "SYSDATETIME" => moment_now("SYSDATETIME", Base::DateTime2, 7),
        "SYSUTCDATETIME" => moment_now("SYSUTCDATETIME", Base::DateTime2, 7),
        "SYSDATETIMEOFFSET" => moment_now("SYSDATETIMEOFFSET", Base::DateTimeOffset, 7),
        "ERROR_NUMBER" => caught.map_or(null(&int()), |m| constant(int(), Value::Int(m.number))),
        "ERROR_SEVERITY" => caught.map_or(null(&int()), |m| constant(int(), Value::Int(i32::from(m.class)))),
        "ERROR_STATE" => caught.map_or(null(&int()), |m| constant(int(), Value::Int(i32::from(m.state)))),
        "ERROR_LINE" => caught.map_or(null(&int()), |m| constant(int(), Value::Int(m.line as i32))),
        "ERROR_MESSAGE" => caught.map_or(null(&nvarchar(4000, &c)), |m| constant(nvarchar(4000, &c), wide(&m.text))),
        "ERROR_PROCEDURE" => match caught {
            Some(m) if !m.procedure.is_empty() => constant(sysname, wide(&m.procedure)),
            _ => null(&sysname),
        },
        "XACT_STATE" => constant(types::plain(Base::SmallInt), Value::SmallInt(s.xact_state())),
        "SCOPE_IDENTITY" => identity(s.state.borrow().scope_identity),
        "ROWCOUNT_BIG" => constant(types::bigint(), Value::BigInt(s.state.borrow().rowcount)),
        "HOST_NAME" => constant(sysname, wide(&s.host)),
        "APP_NAME" | "PROGRAM_NAME" => constant(sysname, wide(&s.application)),
        "SUSER_SNAME" | "SUSER_NAME" | "ORIGINAL_LOGIN" if args.is_empty() => constant(sysname, wide(&s.login)),
        "USER_NAME" if args.is_empty() => constant(sysname, wide(&s.user_name(b.database))),
        "CURRENT_TRANSACTION_ID" => constant(types::bigint(), Value::BigInt(i64::from(s.spid))),
        "DB_NAME" if args.is_empty() => constant(sysname, wide(&s.database_name(s.database))),
        "DB_ID" if args.is_empty() => constant(types::plain(Base::SmallInt), Value::SmallInt(s.database as i16)),
        "DB_NAME" => {
            let mut e = make("DB_NAME", true, sysname, vec![int_arg(0)], |env, v, _, _| {
                let id = integer_of(&v[0]).unwrap_or(0) as i32;
                Ok(env.ctx.session.database_meta(id).map_or(Value::Null, |d| wide(&d.name)))
            });
            e.nullable = true;
            e
        }
        "DB_ID" => {
            let mut e = make("DB_ID", true, types::plain(Base::SmallInt), vec![text_arg(0)], |env, v, _, _| {
                let n = text_of(&v[0], None);
                Ok(env.ctx.session.database_named(&n).map_or(Value::Null, |d| Value::SmallInt(d as i16)))
            });
            e.nullable = true;
            e
        }
        "OBJECT_ID" => {
            let kind = if args.len() > 1 { text_arg(1) } else { Expr::constant(wide(""), nvarchar(1, &c)) };
            let mut e = make("OBJECT_ID", true, int(), vec![text_arg(0), kind, here()], |env, v, _, _| {
                let kind = text_of(&v[1], None);
                let kind = if kind.is_empty() { None } else { Some(kind.as_str()) };
                let db = integer_of(&v[2]).unwrap_or(0) as i32;
                Ok(object_id_of(env.ctx.session, db, &text_of(&v[0], None), kind).map_or(Value::Null, Value::Int))
            });
            e.nullable = true;
            e
        }
        "OBJECT_NAME" | "OBJECT_SCHEMA_NAME" => {
            let db = if args.len() > 1 { int_arg(1) } else { here() };
            let body: super::functions::Body = if name == "OBJECT_NAME" {
                |env, v, _, _| Ok(named_object(env, v).map_or(Value::Null, |(_, n)| wide(&n)))
            } else {
                |env, v, _, _| Ok(named_object(env, v).map_or(Value::Null, |(s, _)| wide(&s)))
            };
            let mut e = make("OBJECT_NAME", true, sysname, vec![int_arg(0), db], body);
            e.nullable = true;
            e
        }
        "SCHEMA_ID" | "SCHEMA_NAME" => {
            let first = match (name, args.is_empty()) {
                ("SCHEMA_ID", true) => constant(nvarchar(128, &c), wide(&s.default_schema_name(b.database))),
                ("SCHEMA_ID", false) => text_arg(0),
                (_, true) => constant(int(), Value::Int(s.default_schema(b.database))),
                (_, false) => int_arg(0),
            };
            let mut e = if name == "SCHEMA_ID" {
                make("SCHEMA_ID", true, int(), vec![first, here()], |env, v, _, _| {
                    let d = env.ctx.session.database_meta(integer_of(&v[1]).unwrap_or(0) as i32);
                    let n = text_of(&v[0], None);
                    Ok(d.and_then(|d| d.schema(&n).map(|s| Value::Int(s.schema_id))).unwrap_or(Value::Null))
                })
            } else {
                make("SCHEMA_NAME", true, sysname, vec![first, here()], |env, v, _, _| {
                    let d = env.ctx.session.database_meta(integer_of(&v[1]).unwrap_or(0) as i32);
                    let id = integer_of(&v[0]).unwrap_or(0) as i32;
                    Ok(d.and_then(|d| d.schemas.iter().find(|s| s.schema_id == id).map(|s| wide(&s.name)))
                        .unwrap_or(Value::Null))
                })
            };
            e.nullable = true;
            e
        }
        "TYPE_NAME" => {
            let mut e = make("TYPE_NAME", true, sysname, vec![int_arg(0), here()], |env, v, _, _| {
                let id = integer_of(&v[0]).unwrap_or(0) as i32;
                if let Some(t) = meta::types::BUILT_IN.iter().find(|t| t.user_type_id == id) {
                    return Ok(wide(t.name));
                }
                let d = env.ctx.session.database_meta(integer_of(&v[1]).unwrap_or(0) as i32);
                Ok(d.and_then(|d| d.user_type_by_id(id).map(|t| wide(&t.name))).unwrap_or(Value::Null))
            });
            e.nullable = true;
            e
        }
        "TYPE_ID" => {
            let mut e = make("TYPE_ID", true, int(), vec![text_arg(0)], |_, v, _, _| {
                let n = text_of(&v[0], None);
                let n = n.rsplit('.').next().unwrap_or("").trim_matches(['[', ']']).to_string();
                Ok(meta::types::named(&n).map_or(Value::Null, |t| Value::Int(t.user_type_id)))
            });
            e.nullable = true;
            e
        }
        "COL_NAME" | "COL_LENGTH" | "COLUMNPROPERTY" => {
            let first = if name == "COL_LENGTH" { text_arg(0) } else { int_arg(0) };
            let second = if name == "COL_NAME" { int_arg(1) } else { text_arg(1) };
            match name {
                "COL_NAME" => {
                    let mut e = make("COL_NAME", true, sysname, vec![first, second, here()], |env, v, _, _| {
                        let d = env.ctx.session.database_meta(integer_of(&v[2]).unwrap_or(0) as i32);
                        let (id, column) =
                            (integer_of(&v[0]).unwrap_or(0) as i32, integer_of(&v[1]).unwrap_or(0) as i32);
                        Ok(d.and_then(|d| d.object(id)?.table()?.column(column).map(|c| wide(&c.name)))
                            .unwrap_or(Value::Null))
                    });
                    e.nullable = true;
                    e
                }
                "COL_LENGTH" => {
                    let ty = types::plain(Base::SmallInt);
                    let mut e = make("COL_LENGTH", true, ty, vec![first, second, here()], |env, v, _, _| {
                        let db = integer_of(&v[2]).unwrap_or(0) as i32;
                        let id = object_id_of(env.ctx.session, db, &text_of(&v[0], None), None);
                        let d = env.ctx.session.database_meta(db);
                        let n = text_of(&v[1], None);
                        let found = id.zip(d).and_then(|(id, d)| {
                            let t = d.object(id)?.table()?;
                            t.find_column(&n, d.ignore_case).map(|c| meta::types::facets(&c.ty).1)
                        });
                        Ok(found.map_or(Value::Null, Value::SmallInt))
                    });
                    e.nullable = true;
                    e
                }
                _ => {
                    let mut e = make(
                        "COLUMNPROPERTY",
                        true,
                        int(),
                        vec![first, second, text_arg(2), here()],
                        |env, v, _, _| {
                            let d = env.ctx.session.database_meta(integer_of(&v[3]).unwrap_or(0) as i32);
                            let id = integer_of(&v[0]).unwrap_or(0) as i32;
                            let (column, property) = (text_of(&v[1], None), text_of(&v[2], None).to_ascii_lowercase());
                            let found = d.and_then(|d| {
                                let t = d.object(id)?.table()?;
                                let c = t.find_column(&column, d.ignore_case)?;
                                Some(match property.as_str() {
                                    "allowsnull" => i32::from(c.nullable),
                                    "columnid" => c.id,
                                    "iscomputed" => i32::from(c.computed.is_some()),
                                    "isidentity" => i32::from(c.identity.is_some()),
                                    "ishidden" => i32::from(c.hidden),
                                    "issparse" => i32::from(c.sparse),
                                    "isrowguidcol" => i32::from(c.rowguid),
                                    "precision" => i32::from(meta::types::facets(&c.ty).2),
                                    "scale" => i32::from(meta::types::facets(&c.ty).3),
                                    _ => return None,
                                })
                            });
                            Ok(found.map_or(Value::Null, Value::Int))
                        },
                    );
                    e.nullable = true;
                    e
                }
            }
        }
        "IDENT_CURRENT" | "IDENT_SEED" | "IDENT_INCR" => {
            let ty = types::decimal(Base::Numeric, 38, 0);
            let body: super::functions::Body = match name {
                "IDENT_CURRENT" => |env, v, _, _| Ok(identity_of(env, v, |i| i.counter.last().unwrap_or(i.seed))),
                "IDENT_SEED" => |env, v, _, _| Ok(identity_of(env, v, |i| i.seed)),
                _ => |env, v, _, _| Ok(identity_of(env, v, |i| i.increment)),
            };
            let mut e = make("IDENT_CURRENT", true, ty, vec![text_arg(0), here()], body);
            e.nullable = true;
            e
        }
        "COLLATIONPROPERTY" => {
            let mut e = make(
                "COLLATIONPROPERTY",
                true,
                types::plain(Base::Variant),
                vec![text_arg(0), text_arg(1)],
                |_, v, _, _| {
                    let Some(c) = collation::by_name(&text_of(&v[0], None)) else { return Ok(Value::Null) };
                    let n = match text_of(&v[1], None).to_ascii_lowercase().as_str() {
                        "codepage" => i32::from(c.code_page),
                        "lcid" => collation::lcid(&c) as i32,
                        "comparisonstyle" => collation::comparison_style(&c) as i32,
                        "version" => collation::version(&c) as i32,
                        "tdscollation" => {
                            let ty = SqlType { length: 5, ..types::plain(Base::VarBinary) };
                            return Ok(super::functions::variant(ty, Value::Binary(c.tds[..].into())));
                        }
                        _ => return Ok(Value::Null),
                    };
                    Ok(super::functions::variant(types::int(), Value::Int(n)))
                },
            );
            e.nullable = true;
            e
        }
        super::tokens::NEXT_VALUE => {
            let Some(super::expr::Node::Const(name)) = args.first().map(|a| &a.node) else { return Ok(None) };
            let shown = text_of(name, None);
            let (ty, _) = sequence(s, b.database, &shown).ok_or_else(|| error::invalid_object(&shown))?;
            let mut e = make("NEXT VALUE FOR", true, ty, vec![text_arg(0), here()], |env, v, _, _| {
                let shown = text_of(&v[0], None);
                let database = integer_of(&v[1]).unwrap_or(0) as i32;
                next_value(env.ctx.session, database, &shown)
            });
            e.nullable = false;
            e
        }
        "PARSENAME" => {
            let mut e = make("PARSENAME", true, sysname, vec![text_arg(0), int_arg(1)], |_, v, _, _| {
                let Some(parts) = meta::names::parts(&text_of(&v[0], None)) else { return Ok(Value::Null) };
                let n = integer_of(&v[1]).unwrap_or(0);
                let at = usize::try_from(parts.len() as i64 - n).ok();
                Ok(at.and_then(|a| parts.get(a)).filter(|p| n >= 1 && !p.is_empty()).map_or(Value::Null, |p| wide(p)))
            });
            e.nullable = true;
            e
        }
        _ => {
            let Some(f) = s.meta_function(name, args.len()) else { return Ok(None) };
            let ty = (f.ty)(s);
            return Ok(Some(meta_call(f, args.to_vec(), ty)));
        }
    };
    Ok(Some(out))
}

/// A sequence by name: its type, and the object.
fn sequence(
    s: &super::session::SqlSession,
    database: i32,
    name: &str,
) -> Option<(SqlType, std::sync::Arc<meta::Object>)> {
    let id = object_id_of(s, database, name, Some("SO"))?;
    let db = match meta::names::parts(name)?.as_slice() {
        [d, _, _] => s.database_named(d)?,
        _ => database,
    };
    let object = s.database_meta(db)?.object(id)?.clone();
    match &object.kind {
        Kind::Sequence(q) => Some((q.ty.clone(), object.clone())),
        _ => None,
    }
}

fn next_value(s: &super::session::SqlSession, database: i32, name: &str) -> SqlResult<Value> {
    let (ty, object) = sequence(s, database, name).ok_or_else(|| error::invalid_object(name))?;
    let Kind::Sequence(q) = &object.kind else { return Err(error::invalid_object(name)) };
    let next = q.counter.take(q.start, q.increment, |next| {
        let next = match next.filter(|n| (q.minimum..=q.maximum).contains(n)) {
            Some(n) => Some(n),
            None if q.cycling => Some(if q.increment > 0 { q.minimum } else { q.maximum }),
            None => None,
        };
        (next, next)
    });
    let next = next.ok_or_else(|| {
        SqlError::batch(
            11728,
            1,
            16,
            format!(
                "The sequence object '{}' has reached its minimum or maximum value. Restart the sequence object to allow new \
                 values to be generated.",
                object.name
            ),
        )
    })?;
    super::convert::make_number(&ty, super::number::Decimal::from_i128(next), "expression")
}

/// `sp_sequence_get_range`: the first and the last of so many values, all taken at once.
pub(super) fn take_range(s: &super::session::SqlSession, name: &str, size: i128) -> SqlResult<(SqlType, Value, Value)> {
    let (ty, object) = sequence(s, s.database, name).ok_or_else(|| error::invalid_object(name))?;
    let Kind::Sequence(q) = &object.kind else { return Err(error::invalid_object(name)) };
    let (begin, end) = if q.increment > 0 { (q.minimum, q.maximum) } else { (q.maximum, q.minimum) };
    // The value so many steps after another one; none beyond the end.
    let after = |from: i128, steps: i128| {
        let to = steps.checked_mul(q.increment).and_then(|d| from.checked_add(d))?;
        (q.minimum..=q.maximum).contains(&to).then_some(to)
    };
    let left = |from: i128| (end.saturating_sub(from)) / q.increment + 1;
    let taken = q.counter.take(q.start, q.increment, |next| {
        let next = next.filter(|n| (q.minimum..=q.maximum).contains(n)).or(q.cycling.then_some(begin));
        let range = next.filter(|_| size > 0).and_then(|first| match after(first, size - 1) {
            Some(last) => Some((first, last)),
            None if q.cycling => {
                let more = (size - left(first) - 1) % left(begin);
                after(begin, more).map(|last| (first, last))
            }
            None => None,
        });
        (range.map(|(_, last)| last), range)
    });
    // Assumption: the error's number and words, which no list at hand has.
    let (first, last) = taken.ok_or_else(|| {
        let text = format!(
            "The requested range for sequence object '{}' exceeds the maximum or minimum limit. Retry with a smaller range.",
            object.name
        );
        SqlError::batch(11732, 1, 16, text)
    })?;
    let value = |n| super::convert::make_number(&ty, super::number::Decimal::from_i128(n), "expression");
    let (first, last) = (value(first)?, value(last)?);
    Ok((ty, first, last))
}

fn meta_call(f: super::hook::MetaFunction, args: Vec<Expr>, ty: SqlType) -> Expr {
    // The pointer of the hook travels as a function of its own.
    let node = super::expr::Node::Call(super::functions::Function { name: "META", strict: false, body: f.call }, args);
    Expr { node, ty, nullable: true }
}

fn named_object(env: &super::expr::Env<'_>, v: &[Value]) -> Option<(String, String)> {
    let d = env.ctx.session.database_meta(integer_of(&v[1])? as i32)?;
    let id = integer_of(&v[0])? as i32;
    if let Some(o) = d.object(id) {
        return Some((d.schema_name(o.schema_id).to_string(), o.name.clone()));
    }
    let t = d.object(d.table_of_constraint(id)?)?;
    let head = t.table()?.constraints().find(|(h, _)| h.object_id == id)?.0;
    Some((d.schema_name(t.schema_id).to_string(), head.name.clone()))
}

fn identity_of(env: &super::expr::Env<'_>, v: &[Value], read: fn(&meta::Identity) -> i128) -> Value {
    let found = || {
        let db = integer_of(&v[1])? as i32;
        let id = object_id_of(env.ctx.session, db, &text_of(&v[0], None), None)?;
        let s = env.ctx.session;
        let o = s
            .database_meta(db)?
            .object(id)
            .cloned()
            .or_else(|| s.database_meta(meta::server::TEMPDB)?.object(id).cloned())?;
        let Kind::Table(t) = &o.kind else { return None };
        t.identity().map(|(_, i)| read(i))
    };
    found().map_or(Value::Null, |n| Value::Decimal {
        negative: n < 0,
        magnitude: n.unsigned_abs(),
        precision: 38,
        scale: 0,
    })
}

const PARTS: [Part; 15] = [
    Part::Year,
    Part::Quarter,
    Part::Month,
    Part::DayOfYear,
    Part::Day,
    Part::Week,
    Part::IsoWeek,
    Part::WeekDay,
    Part::Hour,
    Part::Minute,
    Part::Second,
    Part::Millisecond,
    Part::Microsecond,
    Part::Nanosecond,
    Part::Offset,
];

fn part_of(v: &Value) -> Part {
    integer_of(v).and_then(|n| PARTS.get(n as usize)).copied().unwrap_or(Part::Day)
}

/// DATEADD, DATEDIFF, DATEPART, DATENAME: the first argument is the part's number.
pub fn date_function(b: &Binder<'_>, name: &str, part: Expr, args: Vec<Expr>) -> SqlResult<Expr> {
    let need =
        |n: usize| if args.len() == n { Ok(()) } else { Err(error::argument_count(&name.to_lowercase(), n + 1)) };
    let mut args_iter = args.clone().into_iter();
    let mut next = || args_iter.next().unwrap_or_else(|| Expr::constant(Value::Null, types::int()));
    Ok(match name {
        "DATEPART" => {
            need(1)?;
            make("DATEPART", true, types::int(), vec![part, momentary(next())], |_, v, _, _| {
                Ok(Moment::of(&v[1]).map_or(Value::Null, |m| Value::Int(m.part(part_of(&v[0])) as i32)))
            })
        }
        "DATENAME" => {
            need(1)?;
            let ty = nvarchar(30, &b.collation());
            make("DATENAME", true, ty, vec![part, momentary(next())], |_, v, _, _| {
                const MONTHS: [&str; 12] = [
                    "January",
                    "February",
                    "March",
                    "April",
                    "May",
                    "June",
                    "July",
                    "August",
                    "September",
                    "October",
                    "November",
                    "December",
                ];
                const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
                Ok(Moment::of(&v[1]).map_or(Value::Null, |m| {
                    let p = part_of(&v[0]);
                    let n = m.part(p);
                    match p {
                        Part::Month => wide(MONTHS[(n - 1) as usize]),
                        Part::WeekDay => wide(DAYS[(n - 1) as usize]),
                        _ => wide(&n.to_string()),
                    }
                }))
            })
        }
        "DATEADD" => {
            need(2)?;
            let count = next().cast(&types::bigint());
            let m = next();
            // Text becomes datetime here, as in the server.
            let m = if types::is_text(m.ty.base) || types::is_number(m.ty.base) {
                m.cast(&types::plain(Base::DateTime))
            } else {
                m
            };
            let ty = m.ty.clone();
            make("DATEADD", true, ty, vec![part, count, m], |_, v, _, ty| {
                let overflow = || {
                    SqlError::batch(
                        517,
                        1,
                        16,
                        format!("Adding a value to a '{}' column caused an overflow.", types::name(ty.base)),
                    )
                };
                let m = Moment::of(&v[2]).ok_or_else(overflow)?;
                let n = integer_of(&v[1]).unwrap_or(0);
                let moved = m.add(part_of(&v[0]), n).ok_or_else(overflow)?;
                moved.to(ty).ok_or_else(overflow)
            })
        }
        "DATEDIFF" | "DATEDIFF_BIG" => {
            need(2)?;
            let (from, to) = (momentary(next()), momentary(next()));
            let ty = if name == "DATEDIFF" { types::int() } else { types::bigint() };
            make("DATEDIFF", true, ty, vec![part, from, to], |_, v, _, ty| {
                let (Some(a), Some(b)) = (Moment::of(&v[1]), Moment::of(&v[2])) else { return Ok(Value::Null) };
                let n = a.boundaries(b, part_of(&v[0]));
                super::convert::make_integer(ty.base, n, "expression").map_err(|_| {
                    SqlError::new(
                        535,
                        0,
                        16,
                        "The datediff function resulted in an overflow. The number of dateparts separating two date/time \
                         instances is too large. Try to use datediff with a less precise datepart.",
                    )
                })
            })
        }
        _ => return Err(error::unknown_function(name)),
    })
}

/// A value as text, for PRINT and messages.
pub fn shown(v: &Value, ty: &SqlType) -> SqlResult<String> {
    match v {
        Value::Null => Ok(String::new()),
        _ => {
            let to = nvarchar(crate::sandbox::value::MAX, &collation::default());
            let style = if matches!(ty.base, Base::Date | Base::Time | Base::DateTime2 | Base::DateTimeOffset) {
                121
            } else {
                0
            };
            Ok(text::text_of(&convert(v, ty, &to, How { style, ..How::default() })?, None))
        }
    }
}
