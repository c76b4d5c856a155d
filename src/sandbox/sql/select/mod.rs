//! Queries bound: a query as a whole (WITH, ORDER BY over it, OFFSET and FETCH) becomes a plan and result columns.
//!
//! A SELECT of its own is `specification`, what lies in its FROM `from` and `named`; several of them together are `set`.
//! Where conditions go is `pushdown`, and which index serves them `access`.

mod access;
mod from;
mod named;
mod pushdown;
mod set;
mod specification;

use std::rc::Rc;

use sqlparser::ast;

use crate::sandbox::session::ResultColumn;
use crate::sandbox::value::{SqlType, Value};

use super::bind::{Binder, Cte, Scope, ScopeColumn};
use super::error::{self, SqlError, SqlResult};
use super::expr::Expr;
use super::plan::Plan;
use super::types;
use specification::place_of;

/// A column of a bound query.
#[derive(Debug, Clone)]
pub struct OutColumn {
    /// Its name, empty if it has none.
    pub name: String,
    /// Its type.
    pub ty: SqlType,
    /// May be NULL.
    pub nullable: bool,
    /// COLMETADATA flags.
    pub flags: u16,
    /// 256 for sysname.
    pub user_type: u32,
}

impl OutColumn {
    /// As the wire announces it.
    pub fn result(&self) -> ResultColumn {
        ResultColumn { name: self.name.clone(), ty: self.ty.clone(), flags: self.flags, user_type: self.user_type }
    }
}

/// A bound query.
#[derive(Debug, Clone)]
pub struct Bound {
    /// What it does.
    pub plan: Plan,
    /// Its columns.
    pub columns: Vec<OutColumn>,
    /// The ORDER token: columns from 1, 0 for what is not in the list.
    pub order: Vec<u16>,
    /// `SELECT @v = …`: the variables, one a column.
    pub assigns: Option<Vec<String>>,
    /// SELECT … INTO.
    pub into: Option<Vec<String>>,
    /// The name and identity of columns that are copied as they are (for INTO).
    pub sources: Vec<Option<ScopeColumn>>,
}

impl Binder<'_> {
    /// A whole query.
    pub fn query(&mut self, q: &ast::Query) -> SqlResult<Bound> {
        self.depth += 1;
        if self.depth > 40 {
            return Err(SqlError::batch(
                217,
                1,
                16,
                "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).",
            ));
        }
        let ctes = self.ctes.len();
        let out = self.query_inner(q);
        self.ctes.truncate(ctes);
        self.depth -= 1;
        out
    }

    /// The expressions of a WITH clause.
    pub fn with(&mut self, with: &ast::With) -> SqlResult<()> {
        for cte in &with.cte_tables {
            // What is named here sees nothing of the rows around.
            let scopes = std::mem::take(&mut self.scopes);
            let bound = self.query(&cte.query);
            self.scopes = scopes;
            let bound = bound?;
            let id = self.number();
            let alias = cte.alias.name.value.clone();
            let names: Vec<String> = cte.alias.columns.iter().map(|c| c.name.value.clone()).collect();
            let columns = derived_columns(&bound, &alias, &names)?;
            let plan = Plan::Shared { id, plan: Rc::new(bound.plan) };
            self.ctes.push(Cte { name: alias, plan, columns });
        }
        Ok(())
    }

    fn query_inner(&mut self, q: &ast::Query) -> SqlResult<Bound> {
        if let Some(with) = &q.with {
            self.with(with)?;
        }
        if q.for_clause.is_some() {
            return Err(error::unsupported("FOR"));
        }
        let order: Vec<ast::OrderByExpr> = match &q.order_by {
            None => Vec::new(),
            Some(o) => match &o.kind {
                ast::OrderByKind::Expressions(list) => list.clone(),
                ast::OrderByKind::All(_) => return Err(error::syntax("ALL")),
            },
        };
        let mut bound = match q.body.as_ref() {
            ast::SetExpr::Select(s) => self.select(s, &order)?,
            body => {
                let mut b = self.set(body)?;
                if !order.is_empty() {
                    let scope =
                        Scope { columns: b.columns.iter().enumerate().map(|(i, c)| scope_column(c, "", i)).collect() };
                    self.scopes.push(scope);
                    let keys = self.union_order(&order, &b.columns);
                    self.scopes.pop();
                    let keys = keys?;
                    b.order = keys.iter().map(|(e, _)| place_of(e)).collect();
                    b.plan = Plan::Sort { input: Box::new(b.plan), keys };
                }
                b
            }
        };
        let offset = match &q.limit_clause {
            Some(ast::LimitClause::LimitOffset { limit: None, offset: Some(o), .. }) => Some(&o.value),
            None => None,
            Some(_) => return Err(error::syntax("LIMIT")),
        };
        if offset.is_some() || q.fetch.is_some() {
            let zero = Expr::constant(Value::Int(0), types::int());
            let offset = match offset {
                None => zero,
                Some(e) => self.value(e)?,
            };
            let count = match &q.fetch {
                None => None,
                Some(f) => match &f.quantity {
                    Some(e) => Some(self.value(e)?),
                    None => Some(Expr::constant(Value::Int(1), types::int())),
                },
            };
            bound.plan = Plan::Page { input: Box::new(bound.plan), offset, count };
        }
        Ok(bound)
    }
}

/// The parts of a name.
pub fn object_name(n: &ast::ObjectName) -> Vec<String> {
    n.0.iter()
        .map(|p| match p {
            ast::ObjectNamePart::Identifier(i) => i.value.clone(),
            ast::ObjectNamePart::Function(f) => f.name.value.clone(),
        })
        .collect()
}

/// A result column as a column to be named.
pub fn scope_column(c: &OutColumn, table: &str, index: usize) -> ScopeColumn {
    ScopeColumn {
        table: table.to_string(),
        full: None,
        name: c.name.clone(),
        ty: c.ty.clone(),
        nullable: c.nullable,
        flags: c.flags,
        user_type: c.user_type,
        hidden: false,
        used: None,
        index,
    }
}

fn derived_columns(bound: &Bound, alias: &str, names: &[String]) -> SqlResult<Vec<ScopeColumn>> {
    if !names.is_empty() && names.len() != bound.columns.len() {
        let (number, word) = if names.len() > bound.columns.len() { (8158, "fewer") } else { (8159, "more") };
        return Err(SqlError::batch(
            number,
            1,
            16,
            format!("'{alias}' has {word} columns than were specified in the column list."),
        ));
    }
    let mut out = Vec::new();
    for (i, c) in bound.columns.iter().enumerate() {
        let mut column = scope_column(c, alias, i);
        if let Some(n) = names.get(i) {
            column.name.clone_from(n);
        }
        if column.name.is_empty() {
            return Err(SqlError::batch(
                8155,
                2,
                16,
                format!("No column name was specified for column {} of '{alias}'.", i + 1),
            ));
        }
        out.push(column);
    }
    Ok(out)
}
