//! Built-in scalar functions that need no catalogue: what a function is, how one is called, and which part knows it by its
//! name. Those about the session and the catalogue are in `niladic` and behind the catalogue's hooks.

mod date;
mod mathematical;
mod string;
mod system;

use std::sync::Arc;

use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

use super::error::{self, SqlError, SqlResult};
use super::expr::{Env, Expr, Node};
use super::text;
use super::types::{self, is_text, is_wide, nvarchar};

pub use date::momentary;
pub use system::{data_length, variant};

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

/// A pure function by its upper-case name, or `None` if there is none of that name.
pub fn bind(name: &str, args: Vec<Expr>, default: &Arc<Collation>) -> SqlResult<Option<Expr>> {
    match name {
        "LEN" | "SUBSTRING" | "LEFT" | "RIGHT" | "UPPER" | "LOWER" | "LTRIM" | "RTRIM" | "TRIM" | "REVERSE"
        | "REPLACE" | "CHARINDEX" | "PATINDEX" | "QUOTENAME" | "CONCAT" | "CONCAT_WS" | "STUFF" | "REPLICATE"
        | "SPACE" | "ASCII" | "UNICODE" | "CHAR" | "NCHAR" | "STR" => string::bind(name, args, default),
        "ABS" | "SIGN" | "FLOOR" | "CEILING" | "ROUND" | "POWER" | "SQRT" | "EXP" | "LOG" | "LOG10" | "SIN" | "COS"
        | "TAN" | "ATAN" | "SQUARE" | "RAND" => mathematical::bind(name, args),
        "YEAR" | "MONTH" | "DAY" | "EOMONTH" | "DATEFROMPARTS" | "ISDATE" => date::bind(name, args, default),
        "DATALENGTH"
        | "ISNUMERIC"
        | "NEWID"
        | "NEWSEQUENTIALID"
        | "HASHBYTES"
        | "CHECKSUM"
        | "BINARY_CHECKSUM"
        | "SQL_VARIANT_PROPERTY" => system::bind(name, args, default),
        _ => Ok(None),
    }
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

/// Builds a value of the type's family from text.
fn make_text(t: &str, ty: &SqlType) -> Value {
    if is_wide(ty.base) {
        text::wide(t)
    } else {
        Value::Char(text::encode(t, text::code_page(ty.collation.as_deref())).into())
    }
}

fn collation_of(e: &Expr, default: &Arc<Collation>) -> Arc<Collation> {
    e.ty.collation.clone().unwrap_or_else(|| default.clone())
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
