//! Bound expressions: every name is resolved, every operand has the type it is worked with. Unknown is NULL.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use crate::sandbox::value::{Base, SqlType, Value};

use super::convert::{self, How, decimal_of, float_of, integer_of};
use super::error::{self, SqlError, SqlResult};
use super::functions::Function;
use super::moment::Moment;
use super::number::Decimal;
use super::plan::Plan;
use super::session::SqlSession;
use super::text;
use super::types::{self, is_binary, is_integer, is_moment, is_number, is_text, is_wide};

/// What evaluation needs besides the row.
pub struct Context<'a> {
    /// The session.
    pub session: &'a SqlSession,
    /// GETDATE() is one moment in a statement.
    pub now: Moment,
    /// Results of plans that do not depend on an outer row, by their number.
    pub cache: RefCell<HashMap<usize, Rc<Vec<Vec<Value>>>>>,
    /// Hash tables over such results: (plan, rows by key).
    pub hashes: RefCell<HashMap<usize, Rc<super::plan::HashTable>>>,
    /// Rows since the client was last heard.
    pub work: Cell<u32>,
}

impl<'a> Context<'a> {
    /// For one statement.
    pub fn new(session: &'a SqlSession) -> Self {
        Context {
            session,
            now: Moment::now(),
            cache: RefCell::default(),
            hashes: RefCell::default(),
            work: Cell::new(0),
        }
    }

    /// Called for each row of work: hears an attention now and then.
    pub fn tick(&self) -> SqlResult<()> {
        let n = self.work.get().wrapping_add(1);
        self.work.set(n);
        if n.is_multiple_of(1024) { self.session.heard() } else { Ok(()) }
    }
}

/// A row, and the rows around it.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The statement.
    pub ctx: &'a Context<'a>,
    /// The row.
    pub row: &'a [Value],
    /// The row of the query around.
    pub outer: Option<&'a Env<'a>>,
}

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

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Comparison {
    /// Whether an order satisfies it.
    pub fn holds(self, o: Ordering) -> bool {
        match self {
            Comparison::Eq => o.is_eq(),
            Comparison::Ne => o.is_ne(),
            Comparison::Lt => o.is_lt(),
            Comparison::Le => o.is_le(),
            Comparison::Gt => o.is_gt(),
            Comparison::Ge => o.is_ge(),
        }
    }
}

/// An expression with its type.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub node: Node,
    /// Its type.
    pub ty: SqlType,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// What an expression is.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Node {
    Const(Value),
    /// A column of the row `depth` queries out.
    Column {
        depth: usize,
        index: usize,
    },
    /// A value that a window function left behind the row.
    Window {
        base: Rc<Cell<usize>>,
        index: usize,
    },
    Variable(Rc<str>),
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    BitNot(Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>, bool),
    Like {
        value: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        negated: bool,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        value: Box<Expr>,
        plan: Rc<Plan>,
        ty: SqlType,
        negated: bool,
    },
    /// `value op ANY|ALL (query)`.
    Quantified {
        op: Comparison,
        value: Box<Expr>,
        plan: Rc<Plan>,
        ty: SqlType,
        all: bool,
    },
    Exists {
        plan: Rc<Plan>,
        negated: bool,
    },
    Scalar(Rc<Plan>),
    Case {
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Convert {
        value: Box<Expr>,
        style: Option<Box<Expr>>,
        try_only: bool,
    },
    Call(Function, Vec<Expr>),
}

impl Expr {
    /// A constant.
    pub fn constant(value: Value, ty: SqlType) -> Expr {
        let nullable = matches!(value, Value::Null);
        Expr { node: Node::Const(value), ty, nullable }
    }

    /// A condition.
    pub fn condition(node: Node) -> Expr {
        Expr { node, ty: types::bit(), nullable: true }
    }

    /// Whether this is a condition and not a value.
    pub fn is_condition(&self) -> bool {
        matches!(
            self.node,
            Node::Compare(..)
                | Node::And(..)
                | Node::Or(..)
                | Node::Not(..)
                | Node::IsNull(..)
                | Node::Like { .. }
                | Node::In { .. }
                | Node::InQuery { .. }
                | Node::Quantified { .. }
                | Node::Exists { .. }
        )
    }

    /// The same as a type; nothing is done if it has it already.
    pub fn cast(self, ty: &SqlType) -> Expr {
        if self.ty.base == ty.base
            && (self.ty == *ty
                || (is_text(ty.base) && self.ty.length == ty.length && ty.base != Base::Char && ty.base != Base::NChar))
        {
            return self;
        }
        if matches!(self.node, Node::Const(Value::Null)) {
            return Expr::constant(Value::Null, ty.clone());
        }
        let nullable = self.nullable;
        Expr { node: Node::Convert { value: Box::new(self), style: None, try_only: false }, ty: ty.clone(), nullable }
    }

    /// Whether it depends on the row (or a query inside might).
    pub fn uses_row(&self) -> bool {
        let mut found = false;
        self.walk(&mut |e| match &e.node {
            Node::Column { depth: 0, .. } | Node::Window { .. } => found = true,
            Node::InQuery { .. } | Node::Quantified { .. } | Node::Exists { .. } | Node::Scalar(_) => found = true,
            _ => {}
        });
        found
    }

    /// Visits it and its parts (not queries inside).
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match &self.node {
            Node::Const(_) | Node::Column { .. } | Node::Window { .. } | Node::Variable(_) => {}
            Node::Arithmetic(_, a, b)
            | Node::Concat(a, b)
            | Node::Compare(_, a, b)
            | Node::And(a, b)
            | Node::Or(a, b) => {
                a.walk(visit);
                b.walk(visit);
            }
            Node::Negate(a) | Node::BitNot(a) | Node::Not(a) | Node::IsNull(a, _) => a.walk(visit),
            Node::Like { value, pattern, escape, .. } => {
                value.walk(visit);
                pattern.walk(visit);
                if let Some(e) = escape {
                    e.walk(visit);
                }
            }
            Node::In { value, list, .. } => {
                value.walk(visit);
                list.iter().for_each(|e| e.walk(visit));
            }
            Node::InQuery { value, .. } | Node::Quantified { value, .. } => value.walk(visit),
            Node::Exists { .. } | Node::Scalar(_) => {}
            Node::Case { whens, otherwise } => {
                for (c, r) in whens {
                    c.walk(visit);
                    r.walk(visit);
                }
                if let Some(o) = otherwise {
                    o.walk(visit);
                }
            }
            Node::Convert { value, style, .. } => {
                value.walk(visit);
                if let Some(s) = style {
                    s.walk(visit);
                }
            }
            Node::Call(_, args) => args.iter().for_each(|e| e.walk(visit)),
        }
    }

    /// The conjuncts of a condition.
    pub fn conjuncts(self) -> Vec<Expr> {
        match self.node {
            Node::And(a, b) => {
                let mut out = a.conjuncts();
                out.extend(b.conjuncts());
                out
            }
            _ => vec![self],
        }
    }

    /// Conjuncts as one condition.
    pub fn all(list: Vec<Expr>) -> Option<Expr> {
        list.into_iter().reduce(|a, b| Expr::condition(Node::And(Box::new(a), Box::new(b))))
    }

    /// Whether the condition holds (unknown does not).
    pub fn holds(&self, env: &Env<'_>) -> SqlResult<bool> {
        Ok(matches!(self.eval(env)?, Value::Bit(true)))
    }

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
            Node::Call(function, args) => super::functions::call(*function, args, self, env),
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
