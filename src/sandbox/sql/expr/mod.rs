//! Bound expressions: every name is resolved, every operand has the type it is worked with. Unknown is NULL.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use crate::sandbox::sql::arithmetic::Operator;
use crate::sandbox::sql::error::SqlResult;
use crate::sandbox::sql::functions::Function;
use crate::sandbox::sql::moment::Moment;
use crate::sandbox::sql::plan::Plan;
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::sql::types::{self, is_text};
use crate::sandbox::value::{Base, SqlType, Value};

mod eval;

/// What evaluation needs besides the row.
pub struct Context<'a> {
    /// The session.
    pub session: &'a SqlSession,
    /// GETDATE() is one moment in a statement.
    pub now: Moment,
    /// Results of plans that do not depend on an outer row, by their number.
    pub cache: RefCell<HashMap<usize, Rc<Vec<Vec<Value>>>>>,
    /// Hash tables over such results: (plan, rows by key).
    pub hashes: RefCell<HashMap<usize, Rc<crate::sandbox::sql::plan::HashTable>>>,
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
}
