//! One SELECT: WHERE, GROUP BY, HAVING, the select list, ORDER BY, DISTINCT and TOP over what FROM gives.

use std::cell::Cell;
use std::rc::Rc;

use sqlparser::ast;

use crate::sandbox::sql::bind::{Binder, Grouping, Scope, ScopeColumn, Windows, has_aggregate};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Expr, Node};
use crate::sandbox::sql::plan::{self, Plan};
use crate::sandbox::sql::types;
use crate::sandbox::value::{SqlType, Value};

use super::access::order_by_index;
use super::{Bound, OutColumn, object_name};

/// What the select list names: an expression, or a column that `*` stands for.
enum Item {
    Expr { expr: Box<ast::Expr>, alias: Option<String> },
    Column(usize),
}

impl Binder<'_> {
    /// A SELECT with the ORDER BY of its query.
    pub(super) fn select(&mut self, s: &ast::Select, order: &[ast::OrderByExpr]) -> SqlResult<Bound> {
        // FROM
        let mut plan = Plan::Dual;
        let mut scope = Scope::default();
        for (n, t) in s.from.iter().enumerate() {
            let (p, c) = self.tables(t)?;
            if n == 0 {
                plan = p;
                scope = c;
            } else {
                (plan, scope) = self.cross((plan, scope), (p, c));
            }
        }
        self.scopes.push(scope);
        let out = self.select_over(s, order, plan);
        self.scopes.pop();
        out
    }

    fn select_over(&mut self, s: &ast::Select, order: &[ast::OrderByExpr], mut plan: Plan) -> SqlResult<Bound> {
        let outer_grouping = self.grouping.take();
        let outer_windows = self.windows.take();
        let out = self.select_parts(s, order, &mut plan);
        self.grouping = outer_grouping;
        self.windows = outer_windows;
        out
    }

    fn select_parts(&mut self, s: &ast::Select, order: &[ast::OrderByExpr], input: &mut Plan) -> SqlResult<Bound> {
        let mut plan = std::mem::replace(input, Plan::Dual);
        if let Some(filter) = &s.selection {
            let condition = self.condition(filter)?;
            plan = self.filtered(plan, condition);
        }
        plan = self.settled(plan);
        // What is selected.
        let items = self.items(s)?;
        let (groups_ast, grouped) = match &s.group_by {
            ast::GroupByExpr::Expressions(list, modifiers) => {
                if !modifiers.is_empty() {
                    return Err(error::unsupported("ROLLUP"));
                }
                (list.clone(), !list.is_empty())
            }
            ast::GroupByExpr::All(_) => return Err(error::unsupported("GROUP BY ALL")),
        };
        let aggregates = items.iter().any(|i| matches!(i, Item::Expr { expr, .. } if has_aggregate(expr)))
            || s.having.is_some()
            || order.iter().any(|o| has_aggregate(&o.expr));
        let grouping = grouped || aggregates;
        if grouping {
            let mut g = Grouping::default();
            for e in &groups_ast {
                let e = match e {
                    ast::Expr::Tuple(list) if list.is_empty() => continue,
                    other => self.value(other)?,
                };
                let text = format!("{:?}", e.node);
                g.groups.push((e, text));
            }
            self.grouping = Some(g);
        }
        let base = Rc::new(Cell::new(0));
        self.windows = Some(Windows { base: base.clone(), calls: Vec::new() });
        // SELECT list.
        let mut columns = Vec::new();
        let mut exprs = Vec::new();
        let mut sources = Vec::new();
        let mut assigns: Vec<String> = Vec::new();
        for item in &items {
            match item {
                Item::Column(at) => {
                    let c = self.scopes.last().and_then(|s| s.columns.get(*at)).cloned();
                    let Some(c) = c else { continue };
                    if let Some((used, i)) = &c.used
                        && let Some(u) = used.borrow_mut().get_mut(*i)
                    {
                        *u = true;
                    }
                    let e = Expr {
                        node: Node::Column { depth: 0, index: c.index },
                        ty: c.ty.clone(),
                        nullable: c.nullable,
                    };
                    let e = match &self.grouping {
                        None => e,
                        Some(g) => {
                            let k = format!("{:?}", e.node);
                            let at = g.groups.iter().position(|(_, t)| *t == k).ok_or_else(|| {
                                SqlError::batch(8120, 1, 16, format!(
                                    "Column '{}.{}' is invalid in the select list because it is not contained in either an \
                                     aggregate function or the GROUP BY clause.", c.table, c.name))
                            })?;
                            Expr { node: Node::Column { depth: 0, index: at }, ..e }
                        }
                    };
                    columns.push(OutColumn {
                        name: c.name.clone(),
                        ty: c.ty.clone(),
                        nullable: c.nullable,
                        flags: c.flags,
                        user_type: c.user_type,
                    });
                    exprs.push(e);
                    sources.push(Some(c));
                }
                Item::Expr { expr, alias } => {
                    if let Some(v) = alias.as_deref().filter(|a| a.starts_with('@')) {
                        let bound = self.value(expr)?;
                        let lower = v.to_lowercase();
                        let ty = self
                            .session
                            .variables
                            .borrow()
                            .get(&lower)
                            .map(|v| v.ty.clone())
                            .ok_or_else(|| error::undeclared_variable(v))?;
                        exprs.push(bound.cast(&ty));
                        assigns.push(lower);
                        sources.push(None);
                        columns.push(OutColumn { name: String::new(), ty, nullable: true, flags: 33, user_type: 0 });
                        continue;
                    }
                    let bound = self.value(expr)?;
                    let source = self.source_of(expr);
                    let name = alias.clone().unwrap_or_else(|| match (&source, strip(expr)) {
                        (_, ast::Expr::Identifier(i)) => i.value.clone(),
                        (_, ast::Expr::CompoundIdentifier(p)) => p.last().map(|i| i.value.clone()).unwrap_or_default(),
                        _ => String::new(),
                    });
                    // A bare variable or global has no name.
                    let name = if alias.is_none() && source.is_none() { String::new() } else { name };
                    // The name of a column is in the spelling of the catalogue only if nothing else was written.
                    let name = match (&source, alias) {
                        (Some(c), None) => c.name.clone(),
                        _ => name,
                    };
                    let (flags, user_type) = match &source {
                        Some(c) => (c.flags, c.user_type),
                        None => (32 | u16::from(bound.nullable), 0),
                    };
                    columns.push(OutColumn { name, ty: bound.ty.clone(), nullable: bound.nullable, flags, user_type });
                    exprs.push(bound);
                    sources.push(source);
                }
            }
        }
        if !assigns.is_empty() && assigns.len() != exprs.len() {
            return Err(SqlError::batch(
                141,
                1,
                15,
                "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.",
            ));
        }
        // HAVING
        let having = match &s.having {
            None => None,
            Some(h) => Some(self.condition(h)?),
        };
        // ORDER BY: over the list where it names it, else over the input.
        let distinct = matches!(s.distinct, Some(ast::Distinct::Distinct));
        let width = exprs.len();
        let mut keys: Vec<(usize, bool)> = Vec::new();
        for o in order {
            let descending = matches!(o.options.sort, Some(ast::OrderBySort::Desc));
            let at = match self.order_item(&o.expr, &columns, &items)? {
                Some(at) => at,
                None => {
                    let e = self.value(&o.expr)?;
                    let k = format!("{:?}", e.node);
                    match exprs.iter().position(|x| format!("{:?}", x.node) == k) {
                        Some(at) => at,
                        None if distinct => {
                            return Err(SqlError::batch(
                                145,
                                1,
                                15,
                                "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
                            ));
                        }
                        None => {
                            exprs.push(e);
                            exprs.len() - 1
                        }
                    }
                }
            };
            keys.push((at, descending));
        }
        for (at, _) in &keys {
            if !plan::orders(exprs[*at].ty.base) {
                return Err(SqlError::batch(
                    306,
                    2,
                    16,
                    "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.",
                ));
            }
        }
        let grouping = self.grouping.take();
        let windows = self.windows.take();
        if let Some(g) = grouping {
            base.set(g.groups.len() + g.calls.len());
            plan = Plan::Aggregate {
                input: Box::new(plan),
                groups: g.groups.into_iter().map(|(e, _)| e).collect(),
                calls: g.calls.into_iter().map(|(c, _)| c).collect(),
            };
            if let Some(h) = having {
                plan = Plan::Filter { input: Box::new(plan), condition: h };
            }
        } else {
            base.set(self.scopes.last().map_or(0, |s| s.columns.len()));
        }
        if let Some(w) = windows.filter(|w| !w.calls.is_empty()) {
            plan = Plan::Windows { input: Box::new(plan), calls: w.calls };
        }
        let mut sorted = keys.is_empty();
        if !sorted && !distinct {
            sorted = order_by_index(&mut plan, &exprs, &keys);
        }
        if !sorted && !distinct && !assigns.is_empty() {
            // Variables are assigned row by row in the order asked for, each row seeing the one before it.
            let keys = keys.iter().map(|(at, descending)| (exprs[*at].clone(), *descending)).collect();
            plan = Plan::Sort { input: Box::new(plan), keys };
            sorted = true;
        }
        let total = exprs.len();
        let key_types: Vec<(SqlType, bool)> =
            keys.iter().map(|(at, _)| (exprs[*at].ty.clone(), exprs[*at].nullable)).collect();
        plan = Plan::Project { input: Box::new(plan), exprs };
        if distinct {
            let types = columns.iter().map(|c| c.ty.clone()).collect();
            plan = Plan::Distinct { input: Box::new(plan), types };
        }
        let key_exprs = |keys: &[(usize, bool)]| -> Vec<(Expr, bool)> {
            keys.iter()
                .zip(&key_types)
                .map(|((at, d), (ty, nullable))| {
                    (Expr { node: Node::Column { depth: 0, index: *at }, ty: ty.clone(), nullable: *nullable }, *d)
                })
                .collect()
        };
        if !sorted {
            plan = Plan::Sort { input: Box::new(plan), keys: key_exprs(&keys) };
        }
        if let Some(top) = &s.top {
            let count = match &top.quantity {
                Some(ast::TopQuantity::Expr(e)) => self.value(e)?,
                Some(ast::TopQuantity::Constant(n)) => Expr::constant(Value::BigInt(*n as i64), types::bigint()),
                None => return Err(error::syntax("TOP")),
            };
            if !top.percent && !types::is_integer(count.ty.base) {
                return Err(SqlError::batch(
                    1060,
                    1,
                    15,
                    "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.",
                ));
            }
            let ties = if top.with_ties { key_exprs(&keys).into_iter().map(|(e, _)| e).collect() } else { Vec::new() };
            plan = Plan::Top { input: Box::new(plan), count, percent: top.percent, ties };
        }
        if total > width {
            plan = Plan::Cut { input: Box::new(plan), width };
        }
        let order = keys.iter().map(|(at, _)| if *at < width { *at as u16 + 1 } else { 0 }).collect();
        let into = match &s.into {
            None => None,
            Some(i) => match i.targets.as_slice() {
                [one] => Some(names_of(one)),
                _ => return Err(error::syntax("INTO")),
            },
        };
        let assigns = if assigns.is_empty() { None } else { Some(assigns) };
        Ok(Bound { plan, columns, order, assigns, into, sources })
    }

    /// The column that an expression is nothing but.
    fn source_of(&self, e: &ast::Expr) -> Option<ScopeColumn> {
        let names: Vec<&str> = match strip(e) {
            ast::Expr::Identifier(i) => vec![i.value.as_str()],
            ast::Expr::CompoundIdentifier(p) => p.iter().map(|i| i.value.as_str()).collect(),
            _ => return None,
        };
        let (last, qualifiers) = names.split_last()?;
        let same = |a: &str, b: &str| self.session.same_name(self.database, a, b);
        for scope in self.scopes.iter().rev() {
            let hit = scope.columns.iter().find(|c| {
                same(&c.name, last)
                    && match qualifiers {
                        [] => true,
                        [t] => same(&c.table, t),
                        [.., s, t] => c.full.as_ref().is_some_and(|(_, fs, ft)| same(fs, s) && same(ft, t)),
                    }
            });
            if let Some(c) = hit {
                return Some(c.clone());
            }
        }
        None
    }

    /// What of the list an ORDER BY item names: an ordinal or an alias.
    fn order_item(&mut self, e: &ast::Expr, columns: &[OutColumn], items: &[Item]) -> SqlResult<Option<usize>> {
        if let Some(n) = ordinal(e) {
            if n == 0 || n > columns.len() {
                return Err(SqlError::batch(
                    108,
                    1,
                    16,
                    format!(
                        "The ORDER BY position number {n} is out of range of the number of items in the select list."
                    ),
                ));
            }
            return Ok(Some(n - 1));
        }
        if let ast::Expr::Identifier(id) = e {
            let same = |a: &str, b: &str| self.session.same_name(self.database, a, b);
            for (at, item) in items.iter().enumerate() {
                match item {
                    Item::Expr { alias: Some(a), .. } if same(a, &id.value) => return Ok(Some(at)),
                    Item::Expr { alias: None, expr } => {
                        let last = match strip(expr) {
                            ast::Expr::Identifier(i) => Some(&i.value),
                            ast::Expr::CompoundIdentifier(p) => p.last().map(|i| &i.value),
                            _ => None,
                        };
                        if last.is_some_and(|l| same(l, &id.value)) {
                            return Ok(Some(at));
                        }
                    }
                    Item::Column(_) if same(&columns[at].name, &id.value) => return Ok(Some(at)),
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    fn items(&mut self, s: &ast::Select) -> SqlResult<Vec<Item>> {
        let mut out = Vec::new();
        let scope = self.scopes.last().cloned().unwrap_or_default();
        for item in &s.projection {
            match item {
                ast::SelectItem::UnnamedExpr(e) => out.push(Item::Expr { expr: Box::new(e.clone()), alias: None }),
                ast::SelectItem::ExprWithAlias { expr, alias } => {
                    out.push(Item::Expr { expr: Box::new(expr.clone()), alias: Some(alias.value.clone()) });
                }
                ast::SelectItem::Wildcard(_) => {
                    if s.from.is_empty() {
                        return Err(SqlError::batch(263, 1, 16, "Must specify table to select from."));
                    }
                    out.extend((0..scope.columns.len()).filter(|i| !scope.columns[*i].hidden).map(Item::Column));
                }
                ast::SelectItem::QualifiedWildcard(kind, _) => {
                    let ast::SelectItemQualifiedWildcardKind::ObjectName(n) = kind else {
                        return Err(error::syntax("*"));
                    };
                    let parts = object_name(n);
                    let before = out.len();
                    for (i, c) in scope.columns.iter().enumerate() {
                        let same = |a: &str, b: &str| self.session.same_name(self.database, a, b);
                        let hit = match parts.as_slice() {
                            [t] => same(&c.table, t),
                            [.., sc, t] => c.full.as_ref().is_some_and(|(_, fs, ft)| same(fs, sc) && same(ft, t)),
                            [] => false,
                        };
                        if hit && !c.hidden {
                            out.push(Item::Column(i));
                        }
                    }
                    if out.len() == before {
                        return Err(SqlError::batch(
                            107,
                            1,
                            15,
                            format!(
                                "The column prefix '{}' does not match with a table name or alias name used in the query.",
                                parts.join(".")
                            ),
                        ));
                    }
                }
                ast::SelectItem::ExprWithAliases { .. } => return Err(error::syntax("AS")),
            }
        }
        Ok(out)
    }
}

fn strip(e: &ast::Expr) -> &ast::Expr {
    match e {
        ast::Expr::Nested(inner) => strip(inner),
        other => other,
    }
}

/// The number that an ORDER BY item is, if it is one.
pub(super) fn ordinal(e: &ast::Expr) -> Option<usize> {
    match e {
        ast::Expr::Value(v) => match &v.value {
            ast::Value::Number(n, _) => n.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The column that an ordinal means.
pub(super) fn nth(columns: &[OutColumn], n: usize) -> SqlResult<Expr> {
    let c = n.checked_sub(1).and_then(|i| columns.get(i)).ok_or_else(|| {
        SqlError::batch(
            108,
            1,
            16,
            format!("The ORDER BY position number {n} is out of range of the number of items in the select list."),
        )
    })?;
    Ok(Expr { node: Node::Column { depth: 0, index: n - 1 }, ty: c.ty.clone(), nullable: c.nullable })
}

/// The number of a column in the ORDER token.
pub(super) fn place_of(e: &Expr) -> u16 {
    match e.node {
        Node::Column { depth: 0, index } => index as u16 + 1,
        _ => 0,
    }
}

fn names_of(e: &ast::Expr) -> Vec<String> {
    match e {
        ast::Expr::Identifier(i) => vec![i.value.clone()],
        ast::Expr::CompoundIdentifier(p) => p.iter().map(|i| i.value.clone()).collect(),
        other => vec![other.to_string()],
    }
}
