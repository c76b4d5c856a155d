//! UPDATE and DELETE: which rows of which table they change, and to what.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::PoisonError;

use sqlparser::ast;

use crate::sandbox::sql::bind::{Binder, Scope, operator};
use crate::sandbox::sql::convert::{self, How, convert};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env, Expr};
use crate::sandbox::sql::plan::Plan;
use crate::sandbox::sql::run::Out;
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::sql::statement::Change;
use crate::sandbox::sql::table::{Access, Changes};
use crate::sandbox::value::{Base, Value};

use super::{ROW_ID, computed_refused, twice};

/// Is given a row's id, its columns, and the whole row that was read.
type Visit<'a> = &'a mut dyn FnMut(i64, Vec<Value>, &[Value]) -> SqlResult<()>;

/// What UPDATE and DELETE read, and what they set.
struct ToChange {
    plan: Plan,
    /// Where the columns of the target begin in a row.
    start: usize,
    /// Where the id of the target's row stands, behind its columns.
    id: usize,
    /// Columns and their new values.
    sets: Vec<(usize, Expr)>,
    variables: Vec<(String, Expr)>,
    databases: BTreeSet<i32>,
    top: Option<Expr>,
}

impl SqlSession {
    /// UPDATE.
    pub fn update(&mut self, change: &Change, out: &mut Out<'_>) -> SqlResult<u64> {
        if change.target.first().is_some_and(|n| n.starts_with('@')) {
            return Err(error::unsupported("UPDATE of a table variable"));
        }
        let (access, found) = self.rows_changed(change, "UPDATE")?;
        let ctx = Context::new(self);
        let mut changes = Changes::default();
        self.each_changed(&ctx, &found, &mut |key, old, row| {
            let env = Env { ctx: &ctx, row, outer: None };
            let mut new = old.clone();
            for (at, e) in &found.sets {
                new[*at] = access.store(*at, &e.eval(&env)?, &e.ty)?;
            }
            for (name, e) in &found.variables {
                let v = e.eval(&env)?;
                let mut all = self.variables.borrow_mut();
                if let Some(var) = all.get_mut(name) {
                    var.value = convert(&v, &e.ty, &var.ty, How::default())?;
                }
            }
            for (at, c) in access.table().columns.iter().enumerate() {
                if c.ty.base == Base::RowVersion {
                    let n = self.engine.next_rowversion(access.database);
                    new[at] = Value::Binary(n.to_be_bytes().as_slice().into());
                }
            }
            changes.updates.push((key, old, new));
            Ok(())
        })?;
        self.apply(&ctx, &access, &mut changes, "UPDATE", 0)?;
        let count = changes.updates.len() as u64;
        drop(ctx);
        if let Some(o) = &change.output {
            let pairs = changes.updates.into_iter().map(|(_, a, b)| (Some(a), Some(b))).collect();
            self.output(&access, o, pairs, out)?;
        }
        Ok(count)
    }

    /// DELETE.
    pub fn delete(&mut self, change: &Change, out: &mut Out<'_>) -> SqlResult<u64> {
        if let [name] = change.target.as_slice()
            && name.starts_with('@')
        {
            if change.filter.is_some() {
                return Err(error::unsupported("DELETE of a table variable"));
            }
            let table = self.variables.borrow().get(&name.to_lowercase()).and_then(|v| v.table.clone());
            let table = table
                .ok_or_else(|| SqlError::batch(1087, 1, 15, format!("Must declare the table variable \"{name}\".")))?;
            let mut rows = table.rows.lock().unwrap_or_else(PoisonError::into_inner);
            let n = rows.len() as u64;
            rows.clear();
            return Ok(n);
        }
        let (access, found) = self.rows_changed(change, "DELETE")?;
        let ctx = Context::new(self);
        let mut changes = Changes::default();
        self.each_changed(&ctx, &found, &mut |key, old, _| {
            changes.deletes.push((key, old));
            Ok(())
        })?;
        self.apply(&ctx, &access, &mut changes, "DELETE", 0)?;
        let count = changes.deletes.len() as u64;
        drop(ctx);
        if let Some(o) = &change.output {
            let pairs = changes.deletes.into_iter().map(|(_, a)| (Some(a), None)).collect();
            self.output(&access, o, pairs, out)?;
        }
        Ok(count)
    }

    /// The table that a statement changes, and its rows; everything is ready for reading them.
    fn rows_changed(&mut self, change: &Change, verb: &str) -> SqlResult<(Access, ToChange)> {
        let access = self.changed_table(change)?;
        self.may_change(&access, verb)?;
        let mut found = self.changed_rows(&access, change)?;
        self.start_write(access.database)?;
        self.check_snapshot(&[access.database].into())?;
        self.start_read(std::mem::take(&mut found.databases))?;
        Ok((access, found))
    }

    /// Gives each row of the target once, up to the limit of TOP.
    fn each_changed(&self, ctx: &Context<'_>, found: &ToChange, visit: Visit<'_>) -> SqlResult<()> {
        let limit = self.limit(ctx, found.top.as_ref())?;
        let mut seen = HashSet::new();
        found.plan.each(ctx, None, &mut |row| {
            if seen.len() as u64 >= limit {
                return Ok(ControlFlow::Break(()));
            }
            if let Value::BigInt(key) = row[found.id]
                && seen.insert(key)
            {
                visit(key, row[found.start..found.id].to_vec(), row)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(())
    }

    /// What UPDATE and DELETE read.
    fn changed_rows(&self, access: &Access, change: &Change) -> SqlResult<ToChange> {
        let table = access.table();
        let mut b = Binder::new(self, self.database);
        if let Some(with) = &change.with {
            b.with(with)?;
        }
        let last = change.target.last().cloned().unwrap_or_default();
        b.mark = Some((last, access.object.object_id));
        let mut found: Option<(Plan, Scope)> = None;
        for t in &change.from {
            let next = b.tables(t)?;
            found = Some(match found {
                None => next,
                Some(left) => b.cross(left, next),
            });
        }
        let marked = found.as_ref().is_some_and(|(_, s)| s.columns.iter().any(|c| c.name == ROW_ID));
        let (plan, scope) = match (found, marked) {
            (Some(f), true) => f,
            (other, _) => {
                let own = b.named_table(&change.target, None)?;
                match other {
                    None => own,
                    Some(f) => b.cross(own, f),
                }
            }
        };
        b.mark = None;
        let id = scope
            .columns
            .iter()
            .find(|c| c.name == ROW_ID)
            .map(|c| c.index)
            .ok_or_else(|| error::invalid_object(&access.object.name))?;
        let start = id - table.columns.len();
        for c in &scope.columns[start..id] {
            if let Some((used, i)) = &c.used
                && let Some(u) = used.borrow_mut().get_mut(*i)
            {
                *u = true;
            }
        }
        b.scopes.push(scope);
        let mut sets = Vec::new();
        let mut variables = Vec::new();
        for a in change.set.iter().flatten() {
            let value = match &a.value {
                None => None,
                Some(v) => {
                    let v = match (a.operator.as_ref().and_then(operator), &a.column) {
                        (Some(_), Some(c)) => {
                            let left =
                                ast::Expr::CompoundIdentifier(c.iter().map(|p| ast::Ident::new(p.clone())).collect());
                            let left = if let [one] = c.as_slice() {
                                ast::Expr::Identifier(ast::Ident::new(one.clone()))
                            } else {
                                left
                            };
                            ast::Expr::BinaryOp {
                                left: Box::new(left),
                                op: a.operator.clone().unwrap_or(ast::BinaryOperator::Plus),
                                right: Box::new(ast::Expr::Nested(Box::new(v.clone()))),
                            }
                        }
                        _ => v.clone(),
                    };
                    Some(b.value(&v)?)
                }
            };
            if let (Some(name), Some(v)) = (&a.variable, &value) {
                variables.push((name.to_lowercase(), v.clone()));
            }
            let Some(column) = &a.column else { continue };
            let name = column.last().cloned().unwrap_or_default();
            let at = table
                .columns
                .iter()
                .position(|c| self.same_name(access.database, &c.name, &name))
                .ok_or_else(|| error::invalid_column(&name))?;
            let c = &table.columns[at];
            if c.computed.is_some() {
                return Err(computed_refused(&c.name));
            }
            if c.ty.base == Base::RowVersion {
                return Err(SqlError::batch(272, 1, 16, "Cannot update a timestamp column."));
            }
            if c.identity.is_some() {
                return Err(SqlError::batch(8102, 1, 16, format!("Cannot update identity column '{}'.", c.name)));
            }
            if sets.iter().any(|(i, _)| *i == at) {
                return Err(twice(&c.name));
            }
            let value = match value {
                Some(v) => v,
                None => self.default_of(access, at)?.unwrap_or_else(|| Expr::constant(Value::Null, c.ty.clone())),
            };
            sets.push((at, value));
        }
        let filter = match &change.filter {
            None => None,
            Some(f) => Some(b.condition(f)?),
        };
        let plan = match filter {
            None => plan,
            Some(f) => b.filtered(plan, f),
        };
        let plan = b.settled(plan);
        let top = match &change.top {
            None => None,
            Some(e) => Some(b.value(e)?),
        };
        Ok(ToChange { plan, start, id, sets, variables, databases: b.databases, top })
    }

    fn limit(&self, ctx: &Context<'_>, top: Option<&Expr>) -> SqlResult<u64> {
        Ok(match top {
            None => u64::MAX,
            Some(e) => {
                let v = e.eval(&Env { ctx, row: &[], outer: None })?;
                convert::integer_of(&v).unwrap_or(0).max(0) as u64
            }
        })
    }

    /// The table that UPDATE or DELETE changes: by its name, or by an alias of FROM.
    fn changed_table(&self, change: &Change) -> SqlResult<Access> {
        if let [name] = change.target.as_slice() {
            for t in &change.from {
                let factors = std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation));
                for f in factors {
                    if let ast::TableFactor::Table { name: table, alias: Some(a), .. } = f
                        && self.same_name(self.database, &a.name.value, name)
                    {
                        return self.target(&crate::sandbox::sql::select::object_name(table));
                    }
                }
            }
        }
        self.target(&change.target)
    }
}
