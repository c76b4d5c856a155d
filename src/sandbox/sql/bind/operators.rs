//! Literals and operators: the type and the collation of what they give, and what their sides are brought to.

use std::sync::Arc;

use sqlparser::ast;

use crate::sandbox::sql::arithmetic::{Operator, arithmetic_type};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Comparison, Expr, Node};
use crate::sandbox::sql::number::Decimal;
use crate::sandbox::sql::types::{self, is_text, is_wide, name};
use crate::sandbox::sql::{convert, text};
use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

use super::Binder;

/// How strongly an expression holds to its collation: 3 COLLATE, 2 column, 1 literal or variable.
fn strength(e: &Expr) -> u8 {
    match &e.node {
        Node::Call(f, _) if f.name == "COLLATE" => 3,
        Node::Column { .. } | Node::Window { .. } => 2,
        Node::Const(_) | Node::Variable(_) => 1,
        Node::Scalar(_) => 2,
        Node::Concat(a, b) => strength(a).max(strength(b)),
        Node::Convert { value, .. } if is_text(value.ty.base) => strength(value),
        Node::Call(_, args) => args.iter().filter(|a| is_text(a.ty.base)).map(strength).max().unwrap_or(1),
        Node::Case { whens, otherwise } => {
            whens.iter().map(|(_, r)| r).chain(otherwise.as_deref()).map(strength).max().unwrap_or(1)
        }
        _ => 1,
    }
}

/// The collation that two expressions are compared under.
pub(super) fn resolve_collation(a: &Expr, b: &Expr, operation: &str) -> SqlResult<Option<Arc<Collation>>> {
    let (Some(x), Some(y)) = (&a.ty.collation, &b.ty.collation) else {
        return Ok(a.ty.collation.clone().or_else(|| b.ty.collation.clone()));
    };
    if x.name.eq_ignore_ascii_case(&y.name) {
        return Ok(Some(x.clone()));
    }
    let (s, t) = (strength(a), strength(b));
    if s > t {
        Ok(Some(x.clone()))
    } else if t > s || s == 1 {
        Ok(Some(y.clone()))
    } else {
        Err(error::collation_conflict(&x.name, &y.name, operation))
    }
}

impl Binder<'_> {
    /// A literal, of the type that its form says.
    pub(super) fn literal(&self, v: &ast::Value) -> SqlResult<Expr> {
        use ast::Value as V;
        let c = self.collation();
        Ok(match v {
            V::Null => Expr::constant(Value::Null, types::int()),
            V::Number(t, _) => number_literal(t)?,
            V::SingleQuotedString(t) | V::DoubleQuotedString(t) => {
                let b = text::encode(t, text::code_page(Some(&c)));
                let length = (b.len() as u32).max(1);
                let ty = types::text(Base::VarChar, if length > 8000 { MAX } else { length }, &c);
                Expr::constant(Value::Char(b.into()), ty)
            }
            V::NationalStringLiteral(t) => {
                let b = text::utf16(t);
                let length = (b.len() as u32).max(2);
                let ty = types::text(Base::NVarChar, if length > 8000 { MAX } else { length }, &c);
                Expr::constant(Value::NChar(b.into()), ty)
            }
            V::HexStringLiteral(t) => {
                let t = if t.len() % 2 == 1 { format!("0{t}") } else { t.clone() };
                let b: Vec<u8> =
                    (0..t.len() / 2).filter_map(|i| u8::from_str_radix(&t[2 * i..2 * i + 2], 16).ok()).collect();
                let length = (b.len() as u32).max(1);
                let ty = types::binary(Base::VarBinary, if length > 8000 { MAX } else { length });
                Expr::constant(Value::Binary(b.into()), ty)
            }
            V::Placeholder(t) => match t.strip_prefix('$').and_then(Decimal::parse) {
                Some(d) => {
                    let ty = types::plain(Base::Money);
                    Expr::constant(convert::make_number(&ty, d, "money")?, ty)
                }
                None => return Err(error::syntax(t)),
            },
            other => return Err(error::syntax(&other.to_string())),
        })
    }

    /// NOT, signs and `~`.
    pub(super) fn unary(&mut self, op: ast::UnaryOperator, e: &ast::Expr) -> SqlResult<Expr> {
        match op {
            ast::UnaryOperator::Not => {
                let c = self.condition(e)?;
                Ok(Expr::condition(Node::Not(Box::new(c))))
            }
            ast::UnaryOperator::Plus => self.value(e),
            ast::UnaryOperator::Minus => {
                // -2147483648 is an int, though 2147483648 is not.
                if let ast::Expr::Value(v) = e
                    && let ast::Value::Number(t, _) = &v.value
                {
                    if t == "2147483648" {
                        return Ok(Expr::constant(Value::Int(i32::MIN), types::int()));
                    }
                    let lit = number_literal(t)?;
                    if let Node::Const(c) = &lit.node {
                        let negative = match c {
                            Value::Int(n) => Value::Int(-n),
                            Value::Float(f) => Value::Float(-f),
                            Value::Decimal { magnitude, precision, scale, .. } => Value::Decimal {
                                negative: *magnitude != 0,
                                magnitude: *magnitude,
                                precision: *precision,
                                scale: *scale,
                            },
                            other => other.clone(),
                        };
                        return Ok(Expr::constant(negative, lit.ty));
                    }
                }
                let v = self.value(e)?;
                let v = if is_text(v.ty.base) { v.cast(&types::plain(Base::Float)) } else { v };
                if !types::is_number(v.ty.base) || v.ty.base == Base::Bit {
                    return Err(error::invalid_operand(name(v.ty.base), "minus"));
                }
                let (ty, nullable) = (v.ty.clone(), v.nullable);
                Ok(Expr { node: Node::Negate(Box::new(v)), ty, nullable })
            }
            ast::UnaryOperator::BitwiseNot => {
                let v = self.value(e)?;
                if !types::is_integer(v.ty.base) {
                    return Err(error::invalid_operand(name(v.ty.base), "'~'"));
                }
                let (ty, nullable) = (v.ty.clone(), v.nullable);
                Ok(Expr { node: Node::BitNot(Box::new(v)), ty, nullable })
            }
            other => Err(error::syntax(&other.to_string())),
        }
    }

    /// AND, OR, comparisons and arithmetic.
    pub(super) fn binary(&mut self, left: &ast::Expr, op: &ast::BinaryOperator, right: &ast::Expr) -> SqlResult<Expr> {
        use ast::BinaryOperator as B;
        match op {
            B::And | B::Or => {
                let (a, b) = (Box::new(self.condition(left)?), Box::new(self.condition(right)?));
                return Ok(Expr::condition(if *op == B::And { Node::And(a, b) } else { Node::Or(a, b) }));
            }
            _ => {}
        }
        if let Some(c) = comparison(op) {
            let (a, b) = (self.value(left)?, self.value(right)?);
            return compare(c, a, b);
        }
        let (a, b) = (self.value(left)?, self.value(right)?);
        arithmetic(operator(op).ok_or_else(|| error::syntax(&op.to_string()))?, a, b)
    }
}

/// A number as written.
pub(super) fn number_literal(t: &str) -> SqlResult<Expr> {
    if t.contains(['e', 'E']) {
        let f: f64 = t.parse().map_err(|_| error::syntax(t))?;
        return Ok(Expr::constant(Value::Float(f), types::plain(Base::Float)));
    }
    if !t.contains('.')
        && let Ok(n) = t.parse::<i32>()
    {
        return Ok(Expr::constant(Value::Int(n), types::int()));
    }
    let digits = t.trim_start_matches('0');
    let d = Decimal::parse(t).ok_or_else(|| {
        SqlError::batch(
            1007,
            1,
            15,
            format!("The number '{t}' is out of the range for numeric representation (maximum precision 38)."),
        )
    })?;
    let whole = digits.split('.').next().unwrap_or("").len() as u8;
    let precision = (whole + d.scale).clamp(1, 38);
    let ty = types::decimal(Base::Numeric, precision, d.scale);
    let v = Value::Decimal { negative: false, magnitude: d.magnitude, precision, scale: d.scale };
    Ok(Expr::constant(v, ty))
}

/// An operator of comparison.
pub(super) fn comparison(op: &ast::BinaryOperator) -> Option<Comparison> {
    use ast::BinaryOperator as B;
    Some(match op {
        B::Eq => Comparison::Eq,
        B::NotEq => Comparison::Ne,
        B::Lt => Comparison::Lt,
        B::LtEq => Comparison::Le,
        B::Gt => Comparison::Gt,
        B::GtEq => Comparison::Ge,
        _ => return None,
    })
}

/// An operator of arithmetic.
pub fn operator(op: &ast::BinaryOperator) -> Option<Operator> {
    use ast::BinaryOperator as B;
    Some(match op {
        B::Plus => Operator::Add,
        B::Minus => Operator::Subtract,
        B::Multiply => Operator::Multiply,
        B::Divide => Operator::Divide,
        B::Modulo => Operator::Modulo,
        B::BitwiseAnd => Operator::BitAnd,
        B::BitwiseOr => Operator::BitOr,
        B::BitwiseXor => Operator::BitXor,
        _ => return None,
    })
}

/// A value brought to the type it is compared in; text stays as long as it is.
pub(super) fn comparable(e: Expr, ty: &SqlType) -> Expr {
    if is_text(ty.base) && is_text(e.ty.base) && is_wide(ty.base) == is_wide(e.ty.base) {
        return e;
    }
    let ty = if is_text(ty.base) {
        SqlType { length: MAX, base: if is_wide(ty.base) { Base::NVarChar } else { Base::VarChar }, ..ty.clone() }
    } else if matches!(ty.base, Base::Binary) {
        SqlType { base: Base::VarBinary, ..ty.clone() }
    } else {
        ty.clone()
    };
    if types::is_binary(ty.base) && types::is_binary(e.ty.base) {
        return e;
    }
    e.cast(&ty)
}

/// `a op b`.
pub(super) fn compare(op: Comparison, a: Expr, b: Expr) -> SqlResult<Expr> {
    for side in [&a, &b] {
        if matches!(side.ty.base, Base::Text | Base::NText | Base::Image | Base::Xml)
            && !matches!(side.node, Node::Const(Value::Null))
        {
            return Err(error::incompatible_types(
                name(a.ty.base),
                name(b.ty.base),
                &format!(
                    "{} to",
                    match op {
                        Comparison::Eq => "equal",
                        Comparison::Ne => "not equal",
                        Comparison::Lt | Comparison::Le => "less than",
                        Comparison::Gt | Comparison::Ge => "greater than",
                    }
                ),
            ));
        }
    }
    let mut ty = types::unify(&a.ty, &b.ty);
    // A condition as operand of = would be one too many.
    ty.collation = resolve_collation(&a, &b, "equal to")?;
    let (low, high) = if types::precedence(a.ty.base) < types::precedence(b.ty.base) { (&a, &b) } else { (&b, &a) };
    if !convert::allowed(low.ty.base, high.ty.base) && !matches!(low.node, Node::Const(Value::Null)) {
        return Err(error::type_clash(name(low.ty.base), name(high.ty.base)));
    }
    let node = Node::Compare(op, Box::new(comparable(a, &ty)), Box::new(comparable(b, &ty)));
    // The collation of the comparison rides on its type.
    Ok(Expr { node, ty: SqlType { collation: ty.collation, ..types::bit() }, nullable: true })
}

/// `a op b` of numbers, or `+` of text.
pub(super) fn arithmetic(op: Operator, a: Expr, b: Expr) -> SqlResult<Expr> {
    // A bare NULL takes the type of the other side.
    let null = |e: &Expr| matches!(e.node, Node::Const(Value::Null));
    let (a, b) = if null(&a) && !null(&b) {
        (Expr::constant(Value::Null, b.ty.clone()), b)
    } else if null(&b) && !null(&a) {
        let ty = a.ty.clone();
        (a, Expr::constant(Value::Null, ty))
    } else {
        (a, b)
    };
    let (ta, tb, mut ty) = arithmetic_type(op, &a.ty, &b.ty)?;
    let nullable = a.nullable || b.nullable;
    if is_text(ty.base) || types::is_binary(ty.base) {
        if is_text(ty.base) {
            ty.collation = resolve_collation(&a, &b, "add")?;
        }
        let (a, b) = (
            a.cast(&SqlType { collation: ty.collation.clone(), ..ta }),
            b.cast(&SqlType { collation: ty.collation.clone(), ..tb }),
        );
        return Ok(Expr { node: Node::Concat(Box::new(a), Box::new(b)), ty, nullable });
    }
    Ok(Expr { node: Node::Arithmetic(op, Box::new(a.cast(&ta)), Box::new(b.cast(&tb))), ty, nullable })
}

/// CASE with results brought to one type.
pub(super) fn case(whens: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> SqlResult<Expr> {
    let mut ty: Option<SqlType> = None;
    let mut strongest = 0;
    let mut collation = None;
    for r in whens.iter().map(|(_, r)| r).chain(&otherwise) {
        if matches!(r.node, Node::Const(Value::Null)) {
            continue;
        }
        let s = strength(r);
        if s > strongest && r.ty.collation.is_some() {
            strongest = s;
            collation = r.ty.collation.clone();
        }
        ty = Some(match ty {
            None => r.ty.clone(),
            Some(t) => types::unify(&t, &r.ty),
        });
    }
    let mut ty = ty.unwrap_or_else(types::int);
    if collation.is_some() && is_text(ty.base) {
        ty.collation = collation;
    }
    let nullable = otherwise.as_ref().is_none_or(|o| o.nullable) || whens.iter().any(|(_, r)| r.nullable);
    // COALESCE ends with a value that may not be NULL and is then NOT NULL only if that one is (fact 31 says nullable).
    let whens = whens.into_iter().map(|(c, r)| (c, r.cast(&ty))).collect();
    let otherwise = otherwise.map(|o| Box::new(o.cast(&ty)));
    Ok(Expr { node: Node::Case { whens, otherwise }, ty, nullable })
}

/// A value as text, if it is not.
pub(super) fn to_text(e: Expr, default: &Arc<Collation>) -> Expr {
    if is_text(e.ty.base) {
        return e;
    }
    let ty = match e.ty.base {
        Base::Variant => types::nvarchar(4000, default),
        _ => types::text(Base::VarChar, types::display_width(&e.ty).min(8000), default),
    };
    e.cast(&ty)
}
