//! UNION, INTERSECT, EXCEPT and VALUES: the columns of several rows or queries brought to one type.

use sqlparser::ast;

use crate::sandbox::sql::bind::Binder;
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Expr, Node};
use crate::sandbox::sql::plan::Plan;
use crate::sandbox::sql::types;
use crate::sandbox::value::{SqlType, Value};

use super::specification::{nth, ordinal};
use super::{Bound, OutColumn};

impl Binder<'_> {
    /// ORDER BY over a set operation: ordinals or names of its columns, with whether descending.
    pub(super) fn union_order(
        &mut self,
        order: &[ast::OrderByExpr],
        columns: &[OutColumn],
    ) -> SqlResult<Vec<(Expr, bool)>> {
        let mut out = Vec::new();
        for o in order {
            let descending = matches!(o.options.sort, Some(ast::OrderBySort::Desc));
            let e = match ordinal(&o.expr) {
                Some(n) => nth(columns, n)?,
                None => self.value(&o.expr)?,
            };
            out.push((e, descending));
        }
        Ok(out)
    }

    /// The body of a query: a SELECT, VALUES, a query in parentheses or a set operation.
    pub(super) fn set(&mut self, body: &ast::SetExpr) -> SqlResult<Bound> {
        match body {
            ast::SetExpr::Select(s) => self.select(s, &[]),
            ast::SetExpr::Query(q) => self.query(q),
            ast::SetExpr::Values(v) => self.values(&v.rows.iter().map(|r| r.content.as_slice()).collect::<Vec<_>>()),
            ast::SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let (l, r) = (self.set(left)?, self.set(right)?);
                if l.columns.len() != r.columns.len() {
                    return Err(SqlError::batch(
                        205,
                        1,
                        16,
                        "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of \
                         expressions in their target lists.",
                    ));
                }
                let mut columns = Vec::new();
                for (a, b) in l.columns.iter().zip(&r.columns) {
                    let mut ty = types::unify(&a.ty, &b.ty);
                    if types::is_text(ty.base) {
                        ty.collation = a.ty.collation.clone().or(b.ty.collation.clone());
                    }
                    let nullable = a.nullable || b.nullable;
                    columns.push(OutColumn {
                        name: a.name.clone(),
                        ty,
                        nullable,
                        flags: 32 | u16::from(nullable),
                        user_type: if a.user_type == b.user_type { a.user_type } else { 0 },
                    });
                }
                let bring = |b: Bound| {
                    let exprs: Vec<Expr> = b
                        .columns
                        .iter()
                        .zip(&columns)
                        .enumerate()
                        .map(|(i, (from, to))| {
                            let e = Expr {
                                node: Node::Column { depth: 0, index: i },
                                ty: from.ty.clone(),
                                nullable: from.nullable,
                            };
                            e.cast(&to.ty)
                        })
                        .collect();
                    if exprs.iter().all(|e| matches!(e.node, Node::Column { .. })) {
                        return b.plan;
                    }
                    Plan::Project { input: Box::new(b.plan), exprs }
                };
                let types: Vec<SqlType> = columns.iter().map(|c| c.ty.clone()).collect();
                let all = matches!(set_quantifier, ast::SetQuantifier::All);
                let plan = match op {
                    ast::SetOperator::Union if all => Plan::Append(vec![bring(l), bring(r)]),
                    ast::SetOperator::Union => {
                        Plan::Distinct { input: Box::new(Plan::Append(vec![bring(l), bring(r)])), types }
                    }
                    ast::SetOperator::Except | ast::SetOperator::Minus => {
                        Plan::Except { left: Box::new(bring(l)), right: Box::new(bring(r)), types, both: false }
                    }
                    ast::SetOperator::Intersect => {
                        Plan::Except { left: Box::new(bring(l)), right: Box::new(bring(r)), types, both: true }
                    }
                };
                let sources = columns.iter().map(|_| None).collect();
                Ok(Bound { plan, columns, order: Vec::new(), assigns: None, into: None, sources })
            }
            other => Err(error::syntax(&other.to_string().chars().take(20).collect::<String>())),
        }
    }

    /// VALUES.
    fn values(&mut self, rows: &[&[ast::Expr]]) -> SqlResult<Bound> {
        let mut bound: Vec<Vec<Expr>> = Vec::new();
        for r in rows {
            bound.push(r.iter().map(|e| self.value(e)).collect::<SqlResult<_>>()?);
        }
        let width = bound.first().map_or(0, Vec::len);
        if bound.iter().any(|r| r.len() != width) {
            return Err(SqlError::batch(
                10709,
                1,
                16,
                "The number of columns for each row in a table value constructor must be the same.",
            ));
        }
        let mut columns = Vec::new();
        for i in 0..width {
            let mut ty: Option<SqlType> = None;
            let mut nullable = false;
            for r in &bound {
                nullable |= r[i].nullable;
                if matches!(r[i].node, Node::Const(Value::Null)) {
                    continue;
                }
                ty = Some(match ty {
                    None => r[i].ty.clone(),
                    Some(t) => types::unify(&t, &r[i].ty),
                });
            }
            let ty = ty.unwrap_or_else(types::int);
            columns.push(OutColumn {
                name: String::new(),
                ty,
                nullable,
                flags: 32 | u16::from(nullable),
                user_type: 0,
            });
        }
        let rows =
            bound.into_iter().map(|r| r.into_iter().zip(&columns).map(|(e, c)| e.cast(&c.ty)).collect()).collect();
        let sources = columns.iter().map(|_| None).collect();
        Ok(Bound { plan: Plan::Values(rows), columns, order: Vec::new(), assigns: None, into: None, sources })
    }
}
