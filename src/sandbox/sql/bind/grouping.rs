//! Groups, aggregates and window functions: what a grouped query may name and what is gathered while it is bound.

use sqlparser::ast;

use crate::sandbox::sql::aggregate::{AggregateCall, Kind as AggregateKind, Over, WindowCall};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Expr, Node};
use crate::sandbox::sql::types::{self, is_wide, name};
use crate::sandbox::value::{Base, MAX, SqlType, Value};

use super::operators::to_text;
use super::{Binder, Grouping, Scope, ScopeColumn};

fn debug_key(e: &Expr) -> String {
    format!("{:?}", e.node)
}

impl Binder<'_> {
    /// In a grouped query: an expression that is one of the groups.
    pub(super) fn grouped(&mut self, e: &ast::Expr) -> SqlResult<Option<Expr>> {
        if matches!(e, ast::Expr::Nested(_) | ast::Expr::Value(_) | ast::Expr::Subquery(_) | ast::Expr::Exists { .. }) {
            return Ok(None);
        }
        let Some(grouping) = self.grouping.take() else { return Ok(None) };
        let windows = self.windows.take();
        // Aggregates inside do not bind without grouping; such an expression is no group.
        let marks = self.marks();
        let bound = self.plain(e);
        self.windows = windows;
        let out = match &bound {
            Ok(b) => {
                let k = debug_key(b);
                let hit = grouping.groups.iter().position(|(_, g)| *g == k);
                match (hit, &b.node) {
                    (Some(at), _) => Ok(Some(Expr {
                        node: Node::Column { depth: 0, index: at },
                        ty: b.ty.clone(),
                        nullable: b.nullable,
                    })),
                    (None, Node::Column { depth: 0, .. }) => {
                        let shown = e.to_string();
                        let shown = shown.replace(['[', ']'], "");
                        Err(SqlError::batch(
                            8120,
                            1,
                            16,
                            format!(
                                "Column '{shown}' is invalid in the select list because it is not contained in either an \
                                 aggregate function or the GROUP BY clause."
                            ),
                        ))
                    }
                    _ => Ok(None),
                }
            }
            Err(_) => Ok(None),
        };
        if !matches!(out, Ok(Some(_))) {
            self.unmark(marks);
        }
        self.grouping = Some(grouping);
        // A name that does not exist is said to be so.
        if let (Ok(None), Err(err), ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)) = (&out, &bound, e) {
            return Err(err.clone());
        }
        out
    }

    fn marks(&self) -> usize {
        self.next
    }

    fn unmark(&mut self, to: usize) {
        // Numbers given in a failed attempt are not used; they need not be given again.
        self.next = self.next.max(to);
    }

    /// The columns of the input that are groups, at their place in the grouped row.
    pub(super) fn group_scope(&self, g: &Grouping) -> Scope {
        let Some(last) = self.scopes.last() else { return Scope::default() };
        let mut out = Scope::default();
        for (at, (e, _)) in g.groups.iter().enumerate() {
            if let Node::Column { depth: 0, index } = e.node
                && let Some(c) = last.columns.iter().find(|c| c.index == index)
            {
                out.columns.push(ScopeColumn { index: at, used: None, ..c.clone() });
            }
        }
        out
    }

    /// A call of an aggregate, with OVER or in a grouped query.
    pub(super) fn aggregate(
        &mut self,
        f: &ast::Function,
        kind: AggregateKind,
        upper: &str,
        list: &[&ast::FunctionArg],
        distinct: bool,
        star: bool,
    ) -> SqlResult<Expr> {
        // With OVER this is a window function; without, it needs a grouped query.
        if f.over.is_none() && self.grouping.is_none() {
            return Err(SqlError::batch(
                147,
                1,
                15,
                "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or \
                 a select list, and the column being aggregated is an outer reference.",
            ));
        }
        let inside = f.over.is_none();
        if inside {
            if self.grouping.as_ref().is_some_and(|g| g.inside) {
                return Err(SqlError::batch(
                    130,
                    1,
                    15,
                    "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.",
                ));
            }
            if let Some(g) = &mut self.grouping {
                g.inside = true;
            }
        }
        let call = self.aggregate_call(f, kind, upper, list, distinct, star);
        if inside && let Some(g) = &mut self.grouping {
            g.inside = false;
        }
        let call = call?;
        if let Some(over) = &f.over {
            return self.over(Over::Aggregate(call.clone()), over, call.ty, kind != AggregateKind::CountRows);
        }
        let ty = call.ty.clone();
        let text = format!("{call:?}");
        let Some(g) = &mut self.grouping else { return Err(error::syntax(upper)) };
        let at = match g.calls.iter().position(|(_, t)| *t == text) {
            Some(at) => at,
            None => {
                g.calls.push((call, text));
                g.calls.len() - 1
            }
        };
        // COUNT is nullable on the wire, though it is never NULL (fact 88).
        Ok(Expr { node: Node::Column { depth: 0, index: g.groups.len() + at }, ty, nullable: true })
    }

    fn aggregate_call(
        &mut self,
        f: &ast::Function,
        kind: AggregateKind,
        upper: &str,
        list: &[&ast::FunctionArg],
        distinct: bool,
        star: bool,
    ) -> SqlResult<AggregateCall> {
        let mut args = Vec::new();
        if !star {
            for a in list {
                match a {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => args.push(self.value(e)?),
                    _ => return Err(error::syntax("*")),
                }
            }
            if args.is_empty() {
                return Err(error::argument_count(&upper.to_lowercase(), 1));
            }
        } else if kind == AggregateKind::Checksum {
            // CHECKSUM_AGG(*) does not exist.
            return Err(error::syntax("*"));
        }
        let mut order = Vec::new();
        for o in &f.within_group {
            order.push((self.value(&o.expr)?, matches!(o.options.sort, Some(ast::OrderBySort::Desc))));
        }
        let mut args = args.into_iter();
        let mut argument = args.next();
        let separator = args.next();
        let mut ty = AggregateCall::result_type(kind, upper == "COUNT_BIG", argument.as_ref().map(|a| &a.ty))?;
        if kind == AggregateKind::StringAgg {
            let c = self.collation();
            argument = argument.map(|a| to_text(a, &c));
            if let Some(a) = &argument {
                let wide = is_wide(a.ty.base);
                let length = if a.ty.length == MAX { MAX } else { 8000 };
                ty = types::text(
                    if wide { Base::NVarChar } else { Base::VarChar },
                    length,
                    a.ty.collation.as_ref().unwrap_or(&c),
                );
            }
        }
        if matches!(kind, AggregateKind::Sum | AggregateKind::Avg)
            && let Some(a) = argument.as_ref().filter(|a| a.ty.base == Base::Bit)
        {
            return Err(error::invalid_operand(
                name(a.ty.base),
                if kind == AggregateKind::Sum { "sum" } else { "avg" },
            ));
        }
        Ok(AggregateCall { kind, argument, separator, order, distinct, ty })
    }

    /// A window function that is no aggregate.
    pub(super) fn window(
        &mut self,
        upper: &str,
        list: &[&ast::FunctionArg],
        over: &ast::WindowType,
    ) -> SqlResult<Expr> {
        let mut args = Vec::new();
        for a in list {
            match a {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => args.push(self.value(e)?),
                _ => return Err(error::syntax("*")),
            }
        }
        let mut args = args.into_iter();
        let first = args.next();
        let need = |e: Option<Expr>| e.ok_or_else(|| error::argument_count(&upper.to_lowercase(), 1));
        let (call, ty, nullable) = match upper {
            "ROW_NUMBER" => (Over::RowNumber, types::bigint(), true),
            "RANK" => (Over::Rank, types::bigint(), true),
            "DENSE_RANK" => (Over::DenseRank, types::bigint(), true),
            "NTILE" => (Over::Ntile(need(first)?), types::bigint(), true),
            "LAG" | "LEAD" => {
                let value = need(first)?;
                let ty = value.ty.clone();
                let by = args.next().unwrap_or_else(|| Expr::constant(Value::Int(1), types::int()));
                let default = args.next().map(|d| d.cast(&ty));
                (Over::Shift { value, by, default, ahead: upper == "LEAD" }, ty, true)
            }
            "FIRST_VALUE" | "LAST_VALUE" => {
                let value = need(first)?;
                let ty = value.ty.clone();
                (Over::Edge { value, last: upper == "LAST_VALUE" }, ty, true)
            }
            _ => return Err(error::unknown_function(upper)),
        };
        self.over(call, over, ty, nullable)
    }

    fn over(&mut self, over: Over, window: &ast::WindowType, ty: SqlType, nullable: bool) -> SqlResult<Expr> {
        let ast::WindowType::WindowSpec(spec) = window else { return Err(error::unsupported("WINDOW")) };
        let partition = spec.partition_by.iter().map(|e| self.value(e)).collect::<SqlResult<Vec<_>>>()?;
        let mut order = Vec::new();
        for o in &spec.order_by {
            order.push((self.value(&o.expr)?, matches!(o.options.sort, Some(ast::OrderBySort::Desc))));
        }
        let Some(w) = &mut self.windows else {
            return Err(SqlError::batch(
                4108,
                1,
                15,
                "Windowed functions can only appear in the SELECT or ORDER BY clauses.",
            ));
        };
        w.calls.push(WindowCall { over, partition, order });
        let node = Node::Window { base: w.base.clone(), index: w.calls.len() - 1 };
        Ok(Expr { node, ty, nullable })
    }
}

/// Whether an expression has an aggregate of its own (not in a query inside, not with OVER).
pub fn has_aggregate(e: &ast::Expr) -> bool {
    use ast::Expr as E;
    let any = |list: &[&ast::Expr]| list.iter().any(|e| has_aggregate(e));
    match e {
        E::Function(f) => {
            let upper = f.name.0.last().map(|p| p.to_string().to_ascii_uppercase()).unwrap_or_default();
            let own = f.name.0.len() == 1 && aggregate_kind(&upper, false).is_some() && f.over.is_none();
            own || match &f.args {
                ast::FunctionArguments::List(l) => l.args.iter().any(|a| match a {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => has_aggregate(e),
                    _ => false,
                }),
                _ => false,
            } || match &f.over {
                Some(ast::WindowType::WindowSpec(s)) => {
                    s.partition_by.iter().any(has_aggregate) || s.order_by.iter().any(|o| has_aggregate(&o.expr))
                }
                _ => false,
            }
        }
        E::Nested(a)
        | E::UnaryOp { expr: a, .. }
        | E::IsNull(a)
        | E::IsNotNull(a)
        | E::Cast { expr: a, .. }
        | E::Convert { expr: a, .. }
        | E::Collate { expr: a, .. }
        | E::Floor { expr: a, .. }
        | E::Ceil { expr: a, .. }
        | E::Trim { expr: a, .. }
        | E::Substring { expr: a, .. } => has_aggregate(a),
        E::BinaryOp { left, right, .. } => any(&[left, right]),
        E::Between { expr, low, high, .. } => any(&[expr, low, high]),
        E::InList { expr, list, .. } => has_aggregate(expr) || list.iter().any(has_aggregate),
        E::InSubquery { expr, .. } => has_aggregate(expr),
        E::Like { expr, pattern, .. } => any(&[expr, pattern]),
        E::Case { operand, conditions, else_result, .. } => {
            operand.as_deref().is_some_and(has_aggregate)
                || conditions.iter().any(|w| has_aggregate(&w.condition) || has_aggregate(&w.result))
                || else_result.as_deref().is_some_and(has_aggregate)
        }
        _ => false,
    }
}

/// The aggregate of a name.
pub(super) fn aggregate_kind(upper: &str, star: bool) -> Option<AggregateKind> {
    Some(match upper {
        "COUNT" | "COUNT_BIG" => {
            if star {
                AggregateKind::CountRows
            } else {
                AggregateKind::Count
            }
        }
        "SUM" => AggregateKind::Sum,
        "AVG" => AggregateKind::Avg,
        "MIN" => AggregateKind::Min,
        "MAX" => AggregateKind::Max,
        "STRING_AGG" => AggregateKind::StringAgg,
        "CHECKSUM_AGG" => AggregateKind::Checksum,
        "VAR" => AggregateKind::Variance { sample: true, root: false },
        "VARP" => AggregateKind::Variance { sample: false, root: false },
        "STDEV" => AggregateKind::Variance { sample: true, root: true },
        "STDEVP" => AggregateKind::Variance { sample: false, root: true },
        _ => return None,
    })
}
