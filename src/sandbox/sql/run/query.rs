//! Queries and expressions run: rows go to the wire, to variables or to a table; what a snapshot forbids is refused.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast;

use crate::sandbox::session::ResultColumn;
use crate::sandbox::sql::bind::Binder;
use crate::sandbox::sql::convert::{How, convert};
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env, Expr, Node};
use crate::sandbox::sql::plan::{Place, Plan, TableScan, damaged};
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::sql::types;
use crate::sandbox::storage::Order;
use crate::sandbox::value::{SqlType, Value};

use super::Out;

impl SqlSession {
    /// An expression outside any query.
    pub fn evaluate(&mut self, e: &ast::Expr, to: Option<&SqlType>) -> SqlResult<(Value, SqlType)> {
        let (bound, databases) = {
            let mut b = Binder::new(self, self.database);
            let bound = b.value(e)?;
            (bound, b.databases)
        };
        self.start_read(databases)?;
        let value = {
            let ctx = Context::new(self);
            let env = Env { ctx: &ctx, row: &[], outer: None };
            let v = bound.eval(&env)?;
            match to {
                None => v,
                Some(ty) => {
                    let style = if types::is_moment(bound.ty.base) { 121 } else { 0 };
                    convert(&v, &bound.ty, ty, How { style, ..How::default() })?
                }
            }
        };
        self.end_statement(true)?;
        Ok((value, to.cloned().unwrap_or(bound.ty)))
    }

    /// Whether a condition of IF or WHILE holds.
    pub(super) fn test(&mut self, e: &ast::Expr) -> SqlResult<bool> {
        let (bound, databases) = {
            let mut b = Binder::new(self, self.database);
            let bound = b.condition(e)?;
            (bound, b.databases)
        };
        self.start_read(databases)?;
        let holds = {
            let ctx = Context::new(self);
            bound.holds(&Env { ctx: &ctx, row: &[], outer: None })?
        };
        self.end_statement(true)?;
        Ok(holds)
    }

    /// Fact 62: the database that refuses SNAPSHOT.
    fn refuses_snapshot(&self, databases: &BTreeSet<i32>) -> Option<String> {
        use crate::sandbox::meta::SnapshotState;
        if self.options.isolation != 5 {
            return None;
        }
        databases.iter().filter(|d| **d != crate::sandbox::meta::server::TEMPDB).find_map(|d| {
            let d = self.database_meta(*d)?;
            (d.options.snapshot != SnapshotState::On).then(|| d.name.clone())
        })
    }

    /// Error 3952 if the isolation level is not allowed in a database.
    pub fn check_snapshot(&self, databases: &BTreeSet<i32>) -> SqlResult<()> {
        match self.refuses_snapshot(databases) {
            None => Ok(()),
            Some(name) => Err(SqlError::transaction(
                3952,
                1,
                16,
                format!(
                    "Snapshot isolation transaction failed accessing database '{name}' because snapshot isolation is not \
                     allowed in this database. Use ALTER DATABASE to allow snapshot isolation."
                ),
            )),
        }
    }

    /// A SELECT: answers it and gives the number of rows.
    pub(super) fn query(&mut self, q: &ast::Query, out: &mut Out<'_>) -> SqlResult<u64> {
        let (bound, databases, tables) = {
            let mut b = Binder::new(self, self.database);
            let bound = b.query(q)?;
            (bound, b.databases, b.reads_tables)
        };
        if bound.into.is_some() {
            return self.select_into(bound, databases);
        }
        if tables
            && bound.assigns.is_none()
            && let Err(e) = self.check_snapshot(&databases)
        {
            // Fact 62: the columns come before the error.
            let columns: Vec<ResultColumn> = bound.columns.iter().map(|c| c.result()).collect();
            out.reply.columns(&columns)?;
            return Err(e);
        }
        self.start_read(databases)?;
        if self.options.no_exec {
            return Ok(0);
        }
        let this: &SqlSession = self;
        let ctx = Context::new(this);
        if let Some(names) = &bound.assigns {
            let mut rows = 0u64;
            bound.plan.each(&ctx, None, &mut |row| {
                rows += 1;
                let mut variables = this.variables.borrow_mut();
                for (n, v) in names.iter().zip(row) {
                    if let Some(var) = variables.get_mut(n) {
                        var.value = v.clone();
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
            return Ok(rows);
        }
        let columns: Vec<ResultColumn> = bound.columns.iter().map(|c| c.result()).collect();
        // An error before the first row is answered without columns only if it is found while binding.
        out.reply.columns(&columns)?;
        if !bound.order.is_empty() {
            out.reply.order(&bound.order)?;
        }
        if self.options.format_only {
            return Ok(0);
        }
        let limit = this.options.row_limit;
        let mut rows = 0u64;
        if let (Some((scan, picks)), 0) = (raw(&bound.plan), limit) {
            return stream(&ctx, scan, &picks, out);
        }
        bound.plan.each(&ctx, None, &mut |row| {
            out.reply.row(row)?;
            rows += 1;
            if limit > 0 && rows as i64 >= limit {
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }
}

/// A scan whose rows go out as they lie, and which stored columns go where.
fn raw(plan: &Plan) -> Option<(&TableScan, Vec<usize>)> {
    let Plan::Project { input, exprs } = plan else { return None };
    let Plan::Table(scan) = input.as_ref() else { return None };
    if !scan.plain() {
        return None;
    }
    let picks = exprs
        .iter()
        .map(|e: &Expr| match e.node {
            Node::Column { depth: 0, index } => match scan.columns.get(index)? {
                Place::Stored(at) => Some(*at),
                _ => None,
            },
            _ => None,
        })
        .collect::<Option<Vec<usize>>>()?;
    Some((scan, picks))
}

fn stream(ctx: &Context<'_>, scan: &TableScan, picks: &[usize], out: &mut Out<'_>) -> SqlResult<u64> {
    let link = ctx.session.link(scan.database)?;
    let order = scan.order.map(|(index, backwards)| Order { index, from: None, to: None, backwards });
    let whole = picks.len() == scan.form.len() && picks.iter().enumerate().all(|(i, p)| i == *p);
    let mut rows = 0u64;
    let mut buffer = Vec::new();
    link.scan::<SqlError>(scan.object.object_id, order, |_, body| {
        ctx.tick()?;
        if whole {
            out.reply.raw_row(body)?;
        } else {
            let mut cells = smallvec::SmallVec::<[&[u8]; 32]>::new();
            for cell in scan.form.cells(body) {
                cells.push(cell.map_err(damaged)?.whole);
            }
            buffer.clear();
            for p in picks {
                buffer.extend_from_slice(cells[*p]);
            }
            out.reply.raw_row(&buffer)?;
        }
        rows += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}
