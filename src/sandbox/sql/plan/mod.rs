//! Plans: what a bound query does, row by row. Rows are pushed to a consumer that may stop them.
//!
//! Here is what a plan is; how it runs is `run`, what of it is held in memory by key `held`, and how tables are read
//! `scan`.

mod held;
mod run;
mod scan;

use std::ops::ControlFlow;
use std::rc::Rc;

use crate::sandbox::storage::Stop;
use crate::sandbox::value::{SqlType, Value};

use super::aggregate::{AggregateCall, WindowCall};
use super::error::SqlResult;
use super::expr::{Expr, Node};
use super::hook::VirtualTable;

pub use held::HashTable;
pub use scan::{Place, TableScan};
pub(super) use scan::{damaged, orders, row_form, stored_columns};

/// Takes a row.
pub type Sink<'s> = dyn FnMut(&[Value]) -> SqlResult<Stop> + 's;

const GO: SqlResult<Stop> = Ok(ControlFlow::Continue(()));

/// How two inputs are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// A join.
#[derive(Debug, Clone)]
pub struct Join {
    /// Its number in the statement.
    pub id: usize,
    /// The kind.
    pub kind: JoinKind,
    /// Left input and its width.
    pub left: Box<Plan>,
    /// See there.
    pub left_width: usize,
    /// Right input and its width.
    pub right: Box<Plan>,
    /// See there.
    pub right_width: usize,
    /// Pairs that must be equal: over the left row, over the right row, compared as a type.
    pub keys: Vec<(Expr, Expr, SqlType)>,
    /// What the joined row must satisfy besides.
    pub residual: Option<Expr>,
}

/// A plan.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Plan {
    /// One row without columns.
    Dual,
    Table(Box<TableScan>),
    /// A catalogue view.
    Virtual {
        id: usize,
        database: i32,
        table: VirtualTable,
    },
    /// Rows at hand: a table variable.
    Held(super::session::HeldRows),
    Values(Vec<Vec<Expr>>),
    Filter {
        input: Box<Plan>,
        condition: Expr,
    },
    /// Rows of a plan that does not depend on outer rows, by outer values.
    Lookup {
        id: usize,
        input: Box<Plan>,
        keys: Vec<(Expr, Expr, SqlType)>,
        residual: Option<Expr>,
    },
    Project {
        input: Box<Plan>,
        exprs: Vec<Expr>,
    },
    Join(Box<Join>),
    Apply {
        left: Box<Plan>,
        right: Box<Plan>,
        right_width: usize,
        outer: bool,
    },
    Aggregate {
        input: Box<Plan>,
        groups: Vec<Expr>,
        calls: Vec<AggregateCall>,
    },
    Windows {
        input: Box<Plan>,
        calls: Vec<WindowCall>,
    },
    Distinct {
        input: Box<Plan>,
        types: Vec<SqlType>,
    },
    Sort {
        input: Box<Plan>,
        keys: Vec<(Expr, bool)>,
    },
    Top {
        input: Box<Plan>,
        count: Expr,
        percent: bool,
        ties: Vec<Expr>,
    },
    Page {
        input: Box<Plan>,
        offset: Expr,
        count: Option<Expr>,
    },
    Append(Vec<Plan>),
    /// EXCEPT, or INTERSECT when `both`.
    Except {
        left: Box<Plan>,
        right: Box<Plan>,
        types: Vec<SqlType>,
        both: bool,
    },
    /// The first columns only.
    Cut {
        input: Box<Plan>,
        width: usize,
    },
    /// Computed once in a statement.
    Shared {
        id: usize,
        plan: Rc<Plan>,
    },
}

impl Plan {
    /// Visits every expression with the number of queries between it and this plan.
    pub fn expressions(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        let mut one = |e: &Expr| e.walk(&mut |e| visit(e, level));
        match self {
            Plan::Dual | Plan::Virtual { .. } | Plan::Held(_) => {}
            Plan::Table(t) => {
                if let Some((_, keys)) = &t.seek {
                    keys.iter().for_each(&mut one);
                }
                if let Some(f) = &t.filter {
                    one(f);
                }
            }
            Plan::Values(rows) => rows.iter().flatten().for_each(one),
            Plan::Filter { input, condition } => {
                one(condition);
                input.expressions(level, visit);
            }
            Plan::Lookup { input, keys, residual, .. } => {
                keys.iter().for_each(|(a, b, _)| {
                    one(a);
                    one(b);
                });
                residual.iter().for_each(&mut one);
                input.expressions(level, visit);
            }
            Plan::Project { input, exprs } => {
                exprs.iter().for_each(one);
                input.expressions(level, visit);
            }
            Plan::Join(j) => {
                j.keys.iter().for_each(|(a, b, _)| {
                    one(a);
                    one(b);
                });
                j.residual.iter().for_each(&mut one);
                j.left.expressions(level, visit);
                j.right.expressions(level, visit);
            }
            Plan::Apply { left, right, .. } => {
                left.expressions(level, visit);
                right.expressions(level + 1, visit);
            }
            Plan::Aggregate { input, groups, calls } => {
                groups.iter().for_each(&mut one);
                calls.iter().flat_map(|c| c.expressions()).for_each(one);
                input.expressions(level, visit);
            }
            Plan::Windows { input, calls } => {
                calls.iter().flat_map(|c| c.expressions()).for_each(one);
                input.expressions(level, visit);
            }
            Plan::Distinct { input, .. } | Plan::Cut { input, .. } => input.expressions(level, visit),
            Plan::Sort { input, keys } => {
                keys.iter().for_each(|(e, _)| one(e));
                input.expressions(level, visit);
            }
            Plan::Top { input, count, ties, .. } => {
                one(count);
                ties.iter().for_each(one);
                input.expressions(level, visit);
            }
            Plan::Page { input, offset, count } => {
                one(offset);
                count.iter().for_each(one);
                input.expressions(level, visit);
            }
            Plan::Append(parts) => parts.iter().for_each(|p| p.expressions(level, visit)),
            Plan::Except { left, right, .. } => {
                left.expressions(level, visit);
                right.expressions(level, visit);
            }
            Plan::Shared { .. } => {}
        }
    }

    /// Whether it reads a row of a query around it.
    pub fn depends(&self) -> bool {
        fn look(plan: &Plan, level: usize, found: &mut bool) {
            let mut inner: Vec<(Rc<Plan>, usize)> = Vec::new();
            plan.expressions(level, &mut |e, level| match &e.node {
                Node::Column { depth, .. } if *depth > level => *found = true,
                Node::InQuery { plan, .. }
                | Node::Quantified { plan, .. }
                | Node::Exists { plan, .. }
                | Node::Scalar(plan) => {
                    inner.push((plan.clone(), level + 1));
                }
                _ => {}
            });
            for (plan, level) in inner {
                if !*found {
                    look(&plan, level, found);
                }
            }
        }
        let mut found = false;
        look(self, 0, &mut found);
        found
    }
}
