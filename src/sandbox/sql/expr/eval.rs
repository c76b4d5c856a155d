//! The value of an expression for a row.

use std::cmp::Ordering;

use super::{Env, Expr, Node};
use crate::sandbox::sql::arithmetic::{Operator, arithmetic, concat};
use crate::sandbox::sql::convert::{self, How, integer_of};
use crate::sandbox::sql::error::{self, SqlResult};
use crate::sandbox::sql::text;
use crate::sandbox::value::{Base, SqlType, Value};

impl Expr {
    /// Its value for a row.
    pub fn eval(&self, env: &Env<'_>) -> SqlResult<Value> {
        let truth = |t: Option<bool>| Ok(t.map_or(Value::Null, Value::Bit));
        match &self.node {
            Node::Const(v) => Ok(v.clone()),
            Node::Column { depth, index } => {
                let mut at = env;
                for _ in 0..*depth {
                    match at.outer {
                        Some(o) => at = o,
                        None => return Ok(Value::Null),
                    }
                }
                Ok(at.row.get(*index).cloned().unwrap_or(Value::Null))
            }
            Node::Window { base, index } => Ok(env.row.get(base.get() + index).cloned().unwrap_or(Value::Null)),
            Node::Variable(name) => {
                Ok(env.ctx.session.variables.borrow().get(name.as_ref()).map_or(Value::Null, |v| v.value.clone()))
            }
            Node::Arithmetic(op, a, b) => {
                let (a, b) = (a.eval(env)?, b.eval(env)?);
                arithmetic(*op, &a, &b, &self.ty)
            }
            Node::Concat(a, b) => {
                let (a, b) = (a.eval(env)?, b.eval(env)?);
                Ok(concat(&a, &b, &self.ty))
            }
            Node::Negate(a) => {
                let v = a.eval(env)?;
                arithmetic(Operator::Subtract, &zero(&self.ty), &v, &self.ty)
            }
            Node::BitNot(a) => match a.eval(env)? {
                Value::Null => Ok(Value::Null),
                Value::Bit(b) => Ok(Value::Bit(!b)),
                Value::TinyInt(n) => Ok(Value::TinyInt(!n)),
                other => {
                    convert::make_integer(self.ty.base, i128::from(!integer_of(&other).unwrap_or(0)), "expression")
                }
            },
            Node::Compare(op, a, b) => {
                let (a, b) = (a.eval(env)?, b.eval(env)?);
                let collation = self.ty.collation.as_deref();
                truth(convert::compare_under(&a, &b, collation).map(|o| op.holds(o)))
            }
            Node::And(a, b) => match a.eval(env)? {
                Value::Bit(false) => truth(Some(false)),
                first => match (first, b.eval(env)?) {
                    (_, Value::Bit(false)) => truth(Some(false)),
                    (Value::Bit(true), Value::Bit(true)) => truth(Some(true)),
                    _ => truth(None),
                },
            },
            Node::Or(a, b) => match a.eval(env)? {
                Value::Bit(true) => truth(Some(true)),
                first => match (first, b.eval(env)?) {
                    (_, Value::Bit(true)) => truth(Some(true)),
                    (Value::Bit(false), Value::Bit(false)) => truth(Some(false)),
                    _ => truth(None),
                },
            },
            Node::Not(a) => match a.eval(env)? {
                Value::Bit(b) => truth(Some(!b)),
                _ => truth(None),
            },
            Node::IsNull(a, negated) => truth(Some(matches!(a.eval(env)?, Value::Null) != *negated)),
            Node::Like { value, pattern, escape, negated } => {
                let (v, p) = (value.eval(env)?, pattern.eval(env)?);
                if matches!(v, Value::Null) || matches!(p, Value::Null) {
                    return truth(None);
                }
                let collation = self.ty.collation.as_deref();
                let escape = match escape {
                    None => None,
                    Some(e) => {
                        let e = e.eval(env)?;
                        text::text_of(&e, collation).chars().next()
                    }
                };
                let (v, p) = (text::text_of(&v, collation), text::text_of(&p, collation));
                truth(Some(text::like(&v, &p, escape, collation) != *negated))
            }
            Node::In { value, list, negated } => {
                let v = value.eval(env)?;
                if matches!(v, Value::Null) {
                    return truth(None);
                }
                let collation = self.ty.collation.as_deref();
                let mut unknown = false;
                for item in list {
                    let i = item.eval(env)?;
                    match convert::compare_under(&v, &i, collation) {
                        Some(Ordering::Equal) => return truth(Some(!negated)),
                        None => unknown = true,
                        _ => {}
                    }
                }
                truth(if unknown { None } else { Some(*negated) })
            }
            Node::InQuery { value, plan, ty, negated } => {
                let v = value.eval(env)?;
                let found = plan.contains(env, &v, ty)?;
                truth(found.map(|f| f != *negated))
            }
            Node::Quantified { op, value, plan, ty, all } => {
                let v = value.eval(env)?;
                let (mut hit, mut unknown) = (false, false);
                plan.each(env.ctx, Some(env), &mut |row| {
                    let item = &row[0];
                    match convert::compare(&v, item, ty) {
                        None => unknown = true,
                        Some(o) if op.holds(o) != *all => {
                            hit = true;
                            return Ok(std::ops::ControlFlow::Break(()));
                        }
                        _ => {}
                    }
                    Ok(std::ops::ControlFlow::Continue(()))
                })?;
                truth(if hit {
                    Some(!*all)
                } else if unknown {
                    None
                } else {
                    Some(*all)
                })
            }
            Node::Exists { plan, negated } => {
                let found = plan.any(env)?;
                truth(Some(found != *negated))
            }
            Node::Scalar(plan) => {
                let mut out = None;
                plan.each(env.ctx, Some(env), &mut |row| {
                    if out.is_some() {
                        return Err(error::subquery_rows());
                    }
                    out = Some(row[0].clone());
                    Ok(std::ops::ControlFlow::Continue(()))
                })?;
                Ok(out.unwrap_or(Value::Null))
            }
            Node::Case { whens, otherwise } => {
                for (condition, result) in whens {
                    if condition.holds(env)? {
                        return result.eval(env);
                    }
                }
                otherwise.as_ref().map_or(Ok(Value::Null), |o| o.eval(env))
            }
            Node::Convert { value, style, try_only } => {
                let v = value.eval(env)?;
                let style = match style {
                    None => default_style(&value.ty, &self.ty),
                    Some(s) => integer_of(&s.eval(env)?).unwrap_or(0) as i32,
                };
                match convert::convert(&v, &value.ty, &self.ty, How { style, ..How::default() }) {
                    Err(e) if *try_only && !e.abandoned && e.number != 529 => Ok(Value::Null),
                    other => other,
                }
            }
            Node::Call(function, args) => crate::sandbox::sql::functions::call(*function, args, self, env),
        }
    }
}

/// The newer date types convert to text in ISO form, the older ones in style 0.
fn default_style(from: &SqlType, _to: &SqlType) -> i32 {
    if matches!(from.base, Base::Date | Base::Time | Base::DateTime2 | Base::DateTimeOffset) { 121 } else { 0 }
}

fn zero(ty: &SqlType) -> Value {
    match ty.base {
        Base::Float => Value::Float(0.0),
        Base::Real => Value::Real(0.0),
        Base::Decimal | Base::Numeric => {
            Value::Decimal { negative: false, magnitude: 0, precision: ty.precision, scale: ty.scale }
        }
        Base::Money => Value::Money(0),
        Base::SmallMoney => Value::SmallMoney(0),
        Base::BigInt => Value::BigInt(0),
        Base::SmallInt => Value::SmallInt(0),
        Base::TinyInt => Value::TinyInt(0),
        _ => Value::Int(0),
    }
}
