//! Arithmetic and bit operators: what type comes of which operands, and what value.

use crate::sandbox::sql::convert::{self, decimal_of, float_of, integer_of};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::number::Decimal;
use crate::sandbox::sql::types::{self, is_binary, is_integer, is_moment, is_number, is_text, is_wide};
use crate::sandbox::value::{Base, SqlType, Value};

/// Arithmetic and bit operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
}

impl Operator {
    /// As errors 402 and 8117 name it.
    pub fn name(self) -> &'static str {
        match self {
            Operator::Add => "add",
            Operator::Subtract => "subtract",
            Operator::Multiply => "multiply",
            Operator::Divide => "divide",
            Operator::Modulo => "modulo",
            Operator::BitAnd => "'&'",
            Operator::BitOr => "'|'",
            Operator::BitXor => "'^'",
        }
    }
}

/// Two character or binary values behind each other.
pub fn concat(a: &Value, b: &Value, ty: &SqlType) -> Value {
    let limit = if ty.length == crate::sandbox::value::MAX { usize::MAX } else { 8000 };
    let join = |x: &[u8], y: &[u8]| {
        let mut out = Vec::with_capacity(x.len() + y.len());
        out.extend_from_slice(x);
        out.extend_from_slice(y);
        out.truncate(limit);
        out
    };
    match (a, b) {
        (Value::Char(x), Value::Char(y)) => Value::Char(join(x, y).into()),
        (Value::NChar(x), Value::NChar(y)) => Value::NChar(join(x, y).into()),
        (Value::Binary(x), Value::Binary(y)) => Value::Binary(join(x, y).into()),
        _ => Value::Null,
    }
}

/// The type of `a op b`, and the types its operands are brought to.
pub fn arithmetic_type(op: Operator, a: &SqlType, b: &SqlType) -> SqlResult<(SqlType, SqlType, SqlType)> {
    let clash = || error::incompatible_types(types::name(a.base), types::name(b.base), op.name());
    if op == Operator::Add && is_text(a.base) && is_text(b.base)
        || op == Operator::Add && is_binary(a.base) && is_binary(b.base)
    {
        let wide = types::unify(a, b);
        let base = match wide.base {
            Base::NChar => Base::NVarChar,
            Base::Char => Base::VarChar,
            Base::Binary => Base::VarBinary,
            other => other,
        };
        let (la, lb) = (types::display_width(a), types::display_width(b));
        let unit = if is_wide(base) { 2 } else { 1 };
        let max = crate::sandbox::value::MAX;
        let length = if la == max || lb == max { max } else { ((la + lb) * unit).min(8000) };
        let ty = SqlType { length, ..SqlType { base, ..wide } };
        let side = |t: &SqlType, w: u32| SqlType {
            length: if w == max { max } else { (w * unit).min(8000) },
            ..SqlType { base, collation: ty.collation.clone(), ..t.clone() }
        };
        return Ok((side(a, la), side(b, lb), ty));
    }
    // Text meets a number and becomes one.
    let lift = |x: &SqlType, y: &SqlType| -> Option<SqlType> {
        if is_number(x.base) {
            Some(x.clone())
        } else if is_text(x.base) && (is_number(y.base) || is_moment(y.base)) {
            Some(if is_moment(y.base) { types::plain(Base::DateTime) } else { y.clone() })
        } else if is_binary(x.base) && is_integer(y.base) {
            Some(y.clone())
        } else if matches!(x.base, Base::DateTime | Base::SmallDateTime) {
            Some(x.clone())
        } else {
            None
        }
    };
    if is_text(a.base) && is_text(b.base) {
        return Err(error::invalid_operand(types::name(a.base), op.name()));
    }
    let (a, b) = (lift(a, b).ok_or_else(clash)?, lift(b, a).ok_or_else(clash)?);
    if is_moment(a.base) || is_moment(b.base) {
        if !matches!(op, Operator::Add | Operator::Subtract) {
            return Err(clash());
        }
        let dt = types::plain(Base::DateTime);
        return Ok((dt.clone(), dt.clone(), dt));
    }
    if matches!(op, Operator::BitAnd | Operator::BitOr | Operator::BitXor) {
        if !is_integer(a.base) || !is_integer(b.base) {
            return Err(clash());
        }
        let ty = types::unify(&a, &b);
        return Ok((ty.clone(), ty.clone(), ty));
    }
    let high = types::unify(&a, &b);
    let ty = match high.base {
        Base::Bit => return Err(error::invalid_operand("bit", op.name())),
        Base::Decimal | Base::Numeric => {
            let ((p1, s1), (p2, s2)) = (types::as_decimal(&a), types::as_decimal(&b));
            let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
            let (p, s) = match op {
                Operator::Add | Operator::Subtract => {
                    let s = s1.max(s2);
                    ((p1 - s1).max(p2 - s2) + s + 1, s)
                }
                Operator::Multiply => (p1 + p2 + 1, s1 + s2),
                Operator::Divide => {
                    let s = 6.max(s1 + p2 + 1);
                    (p1 - s1 + s2 + s, s)
                }
                _ => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
            };
            let (p, s) = if p > 38 {
                let whole = p - s;
                match op {
                    Operator::Add | Operator::Subtract | Operator::Modulo => (38, s.min((38 - whole).max(0))),
                    _ => (38, if whole > 32 { s.min(6) } else { s.min(38 - whole) }),
                }
            } else {
                (p, s)
            };
            let keep = |t: &SqlType| {
                let (p, s) = types::as_decimal(t);
                types::decimal(high.base, p, s)
            };
            return Ok((keep(&a), keep(&b), types::decimal(high.base, p as u8, s as u8)));
        }
        Base::Float | Base::Real if op == Operator::Modulo => {
            return Err(error::incompatible_types(types::name(a.base), types::name(b.base), "modulo"));
        }
        _ => high,
    };
    Ok((ty.clone(), ty.clone(), ty))
}

/// `a op b`, both of the operand types of [`arithmetic_type`].
pub fn arithmetic(op: Operator, a: &Value, b: &Value, ty: &SqlType) -> SqlResult<Value> {
    if matches!(a, Value::Null) || matches!(b, Value::Null) {
        return Ok(Value::Null);
    }
    let overflow = || {
        SqlError::new(
            8115,
            2,
            16,
            format!("Arithmetic overflow error converting expression to data type {}.", types::name(ty.base)),
        )
        .with_3621()
    };
    match ty.base {
        base if is_integer(base) => {
            let (x, y) = (i128::from(integer_of(a).unwrap_or(0)), i128::from(integer_of(b).unwrap_or(0)));
            let n = match op {
                Operator::Add => x + y,
                Operator::Subtract => x - y,
                Operator::Multiply => x * y,
                Operator::Divide | Operator::Modulo if y == 0 => return Err(error::divide_by_zero()),
                Operator::Divide => x / y,
                Operator::Modulo => x % y,
                Operator::BitAnd => x & y,
                Operator::BitOr => x | y,
                Operator::BitXor => x ^ y,
            };
            match base {
                Base::TinyInt | Base::SmallInt => convert::make_integer(base, n, "expression")
                    .map_err(|_| error::small_overflow(types::name(base), n)),
                _ => convert::make_integer(base, n, "expression"),
            }
        }
        Base::Float | Base::Real => {
            let (x, y) = (float_of(a).unwrap_or(0.0), float_of(b).unwrap_or(0.0));
            let f = match op {
                Operator::Add => x + y,
                Operator::Subtract => x - y,
                Operator::Multiply => x * y,
                Operator::Divide if y == 0.0 => return Err(error::divide_by_zero()),
                Operator::Divide => x / y,
                _ => x % y,
            };
            if !f.is_finite() {
                return Err(SqlError::new(
                    8115,
                    2,
                    16,
                    "Arithmetic overflow error converting expression to data type float.",
                )
                .with_3621());
            }
            Ok(if ty.base == Base::Real { Value::Real(f as f32) } else { Value::Float(f) })
        }
        Base::DateTime => {
            let days = |v: &Value| match v {
                Value::DateTime { days, ticks } => i128::from(*days) * 25_920_000 + i128::from(*ticks),
                _ => 0,
            };
            let n = if op == Operator::Add { days(a) + days(b) } else { days(a) - days(b) };
            let d = n.div_euclid(25_920_000);
            if !(-53_690..=2_958_463).contains(&d) {
                return Err(
                    SqlError::new(517, 1, 16, "Adding a value to a 'datetime' column caused an overflow.").with_3621()
                );
            }
            Ok(Value::DateTime { days: d as i32, ticks: n.rem_euclid(25_920_000) as u32 })
        }
        _ => {
            let zero = Decimal::from_i128(0);
            let (x, y) = (decimal_of(a).unwrap_or(zero), decimal_of(b).unwrap_or(zero));
            let scale = if matches!(ty.base, Base::Money | Base::SmallMoney) { 4 } else { ty.scale };
            let d = match op {
                Operator::Add => x.plus(y),
                Operator::Subtract => x.plus(y.negate()),
                Operator::Multiply => x.multiply(y, scale),
                Operator::Divide | Operator::Modulo if y.magnitude == 0 => return Err(error::divide_by_zero()),
                Operator::Divide => x.divide(y, scale),
                _ => x.remainder(y),
            };
            convert::make_number(ty, d.ok_or_else(overflow)?, "expression").map_err(|_| overflow())
        }
    }
}
