//! Names and types: the parser's expressions become bound ones.
//!
//! Here is what names may mean and how a name finds its column. What each kind of expression becomes is `expression`,
//! what operators and literals give `operators`, calls `function`, and groups, aggregates and windows `grouping`.

mod expression;
mod function;
mod grouping;
mod operators;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast;

use crate::sandbox::value::{Collation, SqlType};

use super::aggregate::{AggregateCall, WindowCall};
use super::error::{self, SqlError, SqlResult};
use super::expr::{Expr, Node};
use super::plan::Plan;
use super::session::SqlSession;

pub(super) use grouping::has_aggregate;
pub(super) use operators::operator;

/// A column that names may mean.
#[derive(Debug, Clone)]
pub struct ScopeColumn {
    /// The alias of its table, or the table's name.
    pub table: String,
    /// The table as named: database, schema, name (when it has no alias).
    pub full: Option<(i32, String, String)>,
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: SqlType,
    /// May be NULL.
    pub nullable: bool,
    /// COLMETADATA flags.
    pub flags: u16,
    /// 256 for sysname.
    pub user_type: u32,
    /// Left out of `*`.
    pub hidden: bool,
    /// Where to note that it is read.
    pub used: Option<(Rc<RefCell<Vec<bool>>>, usize)>,
    /// Its place in the row.
    pub index: usize,
}

/// The columns of a row.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// In order.
    pub columns: Vec<ScopeColumn>,
}

/// A common table expression.
#[derive(Debug, Clone)]
pub struct Cte {
    /// Its name.
    pub name: String,
    /// Its plan.
    pub plan: Plan,
    /// Its columns.
    pub columns: Vec<ScopeColumn>,
}

/// Grouping in progress: what the groups are, and the aggregates met.
#[derive(Debug, Default)]
pub struct Grouping {
    /// The groups, as bound, and as text to compare.
    pub groups: Vec<(Expr, String)>,
    /// The aggregates.
    pub calls: Vec<(AggregateCall, String)>,
    /// Inside an aggregate's argument.
    pub inside: bool,
}

/// Window functions in progress.
#[derive(Debug)]
pub struct Windows {
    /// Where their values begin in the row.
    pub base: Rc<Cell<usize>>,
    /// The calls.
    pub calls: Vec<WindowCall>,
}

/// Binds names.
pub struct Binder<'a> {
    /// The session.
    pub session: &'a SqlSession,
    /// The database that names without one are looked up in.
    pub database: i32,
    /// Rows around, the innermost last.
    pub scopes: Vec<Scope>,
    /// Common table expressions, the innermost last.
    pub ctes: Vec<Cte>,
    /// Databases that are read.
    pub databases: BTreeSet<i32>,
    /// Whether a table of users is read (fact 63).
    pub reads_tables: bool,
    /// Grouping of the query in progress.
    pub grouping: Option<Grouping>,
    /// Window functions of the query in progress.
    pub windows: Option<Windows>,
    /// Views inside views.
    pub depth: usize,
    /// The table that UPDATE or DELETE changes: its alias or name, and its id. Its rows come with their ids.
    pub mark: Option<(String, i32)>,
    next: usize,
}

impl<'a> Binder<'a> {
    /// For a statement in a database.
    pub fn new(session: &'a SqlSession, database: i32) -> Self {
        Binder {
            session,
            database,
            scopes: Vec::new(),
            ctes: Vec::new(),
            databases: BTreeSet::new(),
            reads_tables: false,
            grouping: None,
            windows: None,
            depth: 0,
            mark: None,
            next: 0,
        }
    }

    /// A fresh number for a plan.
    pub fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// The collation of literals.
    pub fn collation(&self) -> Arc<Collation> {
        self.session.collation_of(self.database)
    }

    fn same(&self, a: &str, b: &str) -> bool {
        a == b || self.session.same_name(self.database, a, b)
    }

    /// A condition; anything else is error 4145.
    pub fn condition(&mut self, e: &ast::Expr) -> SqlResult<Expr> {
        let bound = self.expr(e)?;
        if bound.is_condition() {
            return Ok(bound);
        }
        Err(SqlError::batch(
            4145,
            1,
            15,
            "An expression of non-boolean type specified in a context where a condition is expected, near ')'.",
        ))
    }

    /// A value; a condition is a syntax error.
    pub fn value(&mut self, e: &ast::Expr) -> SqlResult<Expr> {
        let bound = self.expr(e)?;
        if bound.is_condition() { Err(error::syntax("=")) } else { Ok(bound) }
    }

    /// An expression in the innermost scope.
    pub fn expr(&mut self, e: &ast::Expr) -> SqlResult<Expr> {
        if self.grouping.as_ref().is_some_and(|g| !g.inside)
            && let Some(found) = self.grouped(e)?
        {
            return Ok(found);
        }
        self.plain(e)
    }

    fn identifier(&mut self, id: &ast::Ident) -> SqlResult<Expr> {
        let text = id.value.as_str();
        if id.quote_style.is_none() {
            if let Some(global) = text.strip_prefix("@@") {
                return super::niladic::global(self, &global.to_ascii_uppercase())
                    .ok_or_else(|| error::undeclared_variable(text));
            }
            if text.starts_with('@') {
                let lower = text.to_lowercase();
                let variables = self.session.variables.borrow();
                let v = variables.get(&lower).ok_or_else(|| error::undeclared_variable(text))?;
                return Ok(Expr { node: Node::Variable(lower.as_str().into()), ty: v.ty.clone(), nullable: true });
            }
            if let Some(e) = super::niladic::bare(self, &text.to_ascii_uppercase()) {
                return Ok(e);
            }
        }
        self.column(&[text])
    }

    /// A column by one to four names.
    pub fn column(&mut self, names: &[&str]) -> SqlResult<Expr> {
        let mut found: Option<(usize, usize)> = None;
        let Some((last, qualifiers)) = names.split_last() else { return Err(error::invalid_column("")) };
        let mut table_known = false;
        for depth in 0..self.scopes.len() {
            let scope = &self.scopes[self.scopes.len() - 1 - depth];
            for (at, c) in scope.columns.iter().enumerate() {
                let of_table = match qualifiers {
                    [] => true,
                    [t] => self.same(&c.table, t),
                    [s, t] => c.full.as_ref().is_some_and(|(_, fs, ft)| self.same(fs, s) && self.same(ft, t)),
                    [d, s, t] => c.full.as_ref().is_some_and(|(fd, fs, ft)| {
                        self.session.database_named(d).is_some_and(|x| x == *fd)
                            && (s.is_empty() || self.same(fs, s))
                            && self.same(ft, t)
                    }),
                    _ => false,
                };
                table_known |= of_table && !qualifiers.is_empty();
                if of_table && self.same(&c.name, last) {
                    if found.is_some() {
                        return Err(error::ambiguous_column(last));
                    }
                    found = Some((depth, at));
                }
            }
            if found.is_some() {
                break;
            }
        }
        let Some((depth, at)) = found else {
            return Err(if qualifiers.is_empty() || table_known {
                error::invalid_column(last)
            } else {
                error::unbound_identifier(&names.join("."))
            });
        };
        let scope = &self.scopes[self.scopes.len() - 1 - depth];
        let c = &scope.columns[at];
        if let Some((used, i)) = &c.used
            && let Some(u) = used.borrow_mut().get_mut(*i)
        {
            *u = true;
        }
        Ok(Expr { node: Node::Column { depth, index: c.index }, ty: c.ty.clone(), nullable: c.nullable })
    }

    /// A type as written. `explicit`: in CAST and CONVERT, where a bare varchar has 30 characters, not 1.
    pub fn data_type(&self, dt: &ast::DataType, explicit: bool) -> SqlResult<SqlType> {
        self.session.data_type(self.database, dt, explicit)
    }
}
