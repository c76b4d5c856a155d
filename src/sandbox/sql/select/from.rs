//! FROM: tables joined and applied, and the columns of the joined row.

use sqlparser::ast;

use crate::sandbox::sql::bind::{Binder, Scope, ScopeColumn};
use crate::sandbox::sql::error::{self, SqlResult};
use crate::sandbox::sql::expr::Expr;
use crate::sandbox::sql::plan::{Join, JoinKind, Plan};

use super::pushdown::join_conjunct;
use super::{Bound, derived_columns, object_name};

impl Binder<'_> {
    /// Every row beside every other.
    pub fn cross(&mut self, left: (Plan, Scope), right: (Plan, Scope)) -> (Plan, Scope) {
        let id = self.number();
        let (lw, rw) = (left.1.columns.len(), right.1.columns.len());
        let scope = beside(left.1, right.1, false, false);
        let join = Join {
            id,
            kind: JoinKind::Inner,
            left: Box::new(left.0),
            left_width: lw,
            right: Box::new(right.0),
            right_width: rw,
            keys: Vec::new(),
            residual: None,
        };
        (Plan::Join(Box::new(join)), scope)
    }

    /// A table and what is joined to it.
    pub fn tables(&mut self, t: &ast::TableWithJoins) -> SqlResult<(Plan, Scope)> {
        let mut left = self.table_factor(&t.relation)?;
        for join in &t.joins {
            use ast::JoinOperator as J;
            let (kind, constraint) = match &join.join_operator {
                J::Join(c) | J::Inner(c) => (JoinKind::Inner, Some(c)),
                J::Left(c) | J::LeftOuter(c) => (JoinKind::Left, Some(c)),
                J::Right(c) | J::RightOuter(c) => (JoinKind::Right, Some(c)),
                J::FullOuter(c) => (JoinKind::Full, Some(c)),
                J::CrossJoin(_) => (JoinKind::Inner, None),
                J::CrossApply | J::OuterApply => {
                    let outer = matches!(join.join_operator, J::OuterApply);
                    self.scopes.push(left.1.clone());
                    let right = self.table_factor(&join.relation);
                    self.scopes.pop();
                    let (right, scope) = right?;
                    let right = self.settled(right);
                    let width = scope.columns.len();
                    let scope = beside(left.1, scope, false, outer);
                    let plan =
                        Plan::Apply { left: Box::new(left.0), right: Box::new(right), right_width: width, outer };
                    left = (plan, scope);
                    continue;
                }
                _ => return Err(error::syntax("JOIN")),
            };
            let right = self.table_factor(&join.relation)?;
            let (lw, rw) = (left.1.columns.len(), right.1.columns.len());
            let scope = beside(
                left.1,
                right.1,
                matches!(kind, JoinKind::Right | JoinKind::Full),
                matches!(kind, JoinKind::Left | JoinKind::Full),
            );
            let condition = match constraint {
                None => None,
                Some(ast::JoinConstraint::On(e)) => {
                    self.scopes.push(scope.clone());
                    let c = self.condition(e);
                    self.scopes.pop();
                    Some(c?)
                }
                Some(ast::JoinConstraint::None) if kind == JoinKind::Inner && constraint.is_none() => None,
                Some(_) => return Err(error::syntax_keyword("JOIN")),
            };
            let id = self.number();
            let mut joined = Join {
                id,
                kind,
                left: Box::new(left.0),
                left_width: lw,
                right: Box::new(right.0),
                right_width: rw,
                keys: Vec::new(),
                residual: None,
            };
            let mut rest = Vec::new();
            for c in condition.into_iter().flat_map(Expr::conjuncts) {
                rest.extend(join_conjunct(&mut joined, c));
            }
            joined.residual = Expr::all(rest);
            left = (Plan::Join(Box::new(joined)), scope);
        }
        Ok(left)
    }

    fn table_factor(&mut self, t: &ast::TableFactor) -> SqlResult<(Plan, Scope)> {
        match t {
            ast::TableFactor::Table { name, alias, args, .. } => {
                if args.is_some() {
                    return self.table_function(&object_name(name), alias.as_ref());
                }
                let parts = object_name(name);
                let alias = alias.as_ref().map(|a| a.name.value.clone());
                self.named_table(&parts, alias.as_deref())
            }
            ast::TableFactor::Derived { subquery, alias, .. } => {
                let Some(alias) = alias else { return Err(error::syntax(")")) };
                let bound = self.subquery_in_from(subquery)?;
                let names: Vec<String> = alias.columns.iter().map(|c| c.name.value.clone()).collect();
                let columns = derived_columns(&bound, &alias.name.value, &names)?;
                let plan = self.shared_plan(bound.plan);
                Ok((plan, Scope { columns }))
            }
            ast::TableFactor::NestedJoin { table_with_joins, .. } => self.tables(table_with_joins),
            ast::TableFactor::Function { name, alias, .. } => self.table_function(&object_name(name), alias.as_ref()),
            other => {
                let text: String = other.to_string().chars().take(40).collect();
                Err(error::syntax(&text))
            }
        }
    }

    fn subquery_in_from(&mut self, q: &ast::Query) -> SqlResult<Bound> {
        let grouping = self.grouping.take();
        let windows = self.windows.take();
        let out = self.query(q);
        self.grouping = grouping;
        self.windows = windows;
        out
    }

    fn table_function(&mut self, parts: &[String], _alias: Option<&ast::TableAlias>) -> SqlResult<(Plan, Scope)> {
        // Table functions are kept as text and not run.
        Err(error::invalid_object(&parts.join(".")))
    }
}

/// Two rows side by side.
fn beside(left: Scope, right: Scope, left_optional: bool, right_optional: bool) -> Scope {
    let width = left.columns.len();
    let mut columns = left.columns;
    if left_optional {
        columns.iter_mut().for_each(optional);
    }
    columns.extend(right.columns.into_iter().map(|mut c| {
        c.index += width;
        if right_optional {
            optional(&mut c);
        }
        c
    }));
    Scope { columns }
}

fn optional(c: &mut ScopeColumn) {
    c.nullable = true;
    c.flags |= 1;
}
