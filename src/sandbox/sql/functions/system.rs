//! Functions of values of any type: their length, their checksum, their properties; and new identifiers.

use std::sync::Arc;

use sha2::Digest;

use crate::sandbox::sql::convert::{self, How};
use crate::sandbox::sql::error::SqlResult;
use crate::sandbox::sql::expr::Expr;
use crate::sandbox::sql::number::Decimal;
use crate::sandbox::sql::text::{self, text_of};
use crate::sandbox::sql::types::{self, nvarchar};
use crate::sandbox::value::{Base, Collation, SqlType, Value};

use super::{Body, count_value, make, max_or_int, need, textual};

/// A function of values of any type by its upper-case name.
pub(super) fn bind(name: &str, mut args: Vec<Expr>, default: &Arc<Collation>) -> SqlResult<Option<Expr>> {
    let int = types::int;
    let out = match name {
        "DATALENGTH" => {
            need(name, &args, 1, 1)?;
            let ty = max_or_int(&args[0]);
            make("DATALENGTH", true, ty, args, |_, v, a, ty| Ok(count_value(data_length(&v[0], &a[0].ty), ty)))
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
                crate::sandbox::sql::key::encode(&mut key, v, &a.ty, false);
                mix(&key);
            }
        }
    }
    h as i32
}
