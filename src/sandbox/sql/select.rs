//! Queries bound: FROM, WHERE, GROUP BY, SELECT, ORDER BY, TOP and set operations become a plan and result columns.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sqlparser::ast;

use crate::sandbox::session::ResultColumn;
use crate::sandbox::value::{SqlType, Value};

use super::bind::{Binder, Cte, Grouping, Scope, ScopeColumn, Windows, has_aggregate};
use super::error::{self, SqlError, SqlResult};
use super::expr::{Comparison, Expr, Node};
use super::plan::{Join, JoinKind, Place, Plan, TableScan};
use super::types;

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

enum Item {
    Expr { expr: Box<ast::Expr>, alias: Option<String> },
    Column(usize),
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

    fn union_order(&mut self, order: &[ast::OrderByExpr], columns: &[OutColumn]) -> SqlResult<Vec<(Expr, bool)>> {
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

    fn set(&mut self, body: &ast::SetExpr) -> SqlResult<Bound> {
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

    fn select(&mut self, s: &ast::Select, order: &[ast::OrderByExpr]) -> SqlResult<Bound> {
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
            if !super::plan::orders(exprs[*at].ty.base) {
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

    /// A derived table: held when it does not depend on anything, streamed when it is simple.
    fn shared_plan(&mut self, plan: Plan) -> Plan {
        if plan.depends() || !heavy(&plan) {
            return plan;
        }
        let id = self.number();
        Plan::Shared { id, plan: Rc::new(plan) }
    }

    fn table_function(&mut self, parts: &[String], _alias: Option<&ast::TableAlias>) -> SqlResult<(Plan, Scope)> {
        // Table functions are kept as text and not run.
        Err(error::invalid_object(&parts.join(".")))
    }

    /// A table, view, common table expression or table variable by name.
    pub fn named_table(&mut self, parts: &[String], alias: Option<&str>) -> SqlResult<(Plan, Scope)> {
        let shown = parts.join(".");
        let last = parts.last().cloned().unwrap_or_default();
        let called = alias.unwrap_or(&last).to_string();
        if parts.len() == 1 {
            let same = |a: &str, b: &str| self.session.same_name(self.database, a, b);
            if let Some(cte) = self.ctes.iter().rev().find(|c| same(&c.name, &last)) {
                let columns = cte.columns.iter().map(|c| ScopeColumn { table: called.clone(), ..c.clone() }).collect();
                return Ok((cte.plan.clone(), Scope { columns }));
            }
            if last.starts_with('@') {
                let lower = last.to_lowercase();
                let variables = self.session.variables.borrow();
                let table = variables.get(&lower).and_then(|v| v.table.clone()).ok_or_else(|| {
                    SqlError::batch(1087, 1, 15, format!("Must declare the table variable \"{last}\"."))
                })?;
                let columns = table.columns.iter().enumerate().map(|(i, c)| scope_column(c, &called, i)).collect();
                return Ok((Plan::Held(table.rows.clone()), Scope { columns }));
            }
        }
        let found = self.session.resolve(self.database, parts)?;
        use super::session::Resolved;
        match found {
            Some(Resolved::Table { database, schema, object }) => {
                self.databases.insert(database);
                self.reads_tables = true;
                let (mut scan, mut scope) = self.scan(database, &schema, object, alias)?;
                let marked = self.mark.as_ref().is_some_and(|(name, id)| {
                    *id == scan.object.object_id && (self.session.same_name(database, name, &called) || alias.is_none())
                });
                if marked {
                    self.mark = None;
                    scan.with_id = true;
                    let mut id = scope_column(
                        &OutColumn {
                            name: super::dml::ROW_ID.into(),
                            ty: types::bigint(),
                            nullable: false,
                            flags: 0,
                            user_type: 0,
                        },
                        &called,
                        scope.columns.len(),
                    );
                    id.hidden = true;
                    scope.columns.push(id);
                }
                Ok((Plan::Table(Box::new(scan)), scope))
            }
            Some(Resolved::View { database, schema, object }) => {
                let definition =
                    object.view().and_then(|m| m.definition.clone()).ok_or_else(|| error::unsupported("ENCRYPTION"))?;
                let (names, query) = super::module::view_query(&definition)?;
                // A view sees its own database and nothing of this query.
                let mut inner = Binder::new(self.session, database);
                inner.depth = self.depth + 1;
                std::mem::swap(&mut inner.databases, &mut self.databases);
                let next = self.number();
                for _ in 0..next {
                    inner.number();
                }
                let bound = inner.query(&query);
                std::mem::swap(&mut inner.databases, &mut self.databases);
                self.reads_tables |= inner.reads_tables;
                let upto = inner.number();
                while self.number() < upto {}
                let bound = bound.map_err(|e| {
                    if e.number == 208 || e.number == 207 {
                        SqlError::batch(
                            4413,
                            1,
                            16,
                            format!("Could not use view or function '{shown}' because of binding errors."),
                        )
                        .after(e)
                    } else {
                        e
                    }
                })?;
                let mut columns = derived_columns(&bound, &called, &names)?;
                for c in &mut columns {
                    c.full = alias.is_none().then(|| (database, schema.clone(), object.name.clone()));
                }
                let plan = self.shared_plan(bound.plan);
                Ok((plan, Scope { columns }))
            }
            Some(Resolved::Virtual { database, schema, name, table }) => {
                let id = self.number();
                let columns = table
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(i, c)| ScopeColumn {
                        table: called.clone(),
                        full: alias.is_none().then(|| (database, schema.clone(), name.clone())),
                        name: c.name.clone(),
                        ty: c.ty.clone(),
                        nullable: c.flags & 1 != 0,
                        flags: c.flags,
                        user_type: c.user_type,
                        hidden: false,
                        used: Some((table.used.clone(), i)),
                        index: i,
                    })
                    .collect();
                Ok((Plan::Virtual { id, database, table }, Scope { columns }))
            }
            None => Err(error::invalid_object(&shown)),
        }
    }

    /// A scan of a table and the names of its columns.
    pub fn scan(
        &mut self,
        database: i32,
        schema: &str,
        object: std::sync::Arc<crate::sandbox::meta::Object>,
        alias: Option<&str>,
    ) -> SqlResult<(TableScan, Scope)> {
        let Some(table) = object.table() else { return Err(error::invalid_object(&object.name)) };
        let called = alias.unwrap_or(&object.name).to_string();
        let used = Rc::new(RefCell::new(vec![false; table.columns.len()]));
        let mut places = Vec::new();
        let mut stored = 0;
        let mut columns = Vec::new();
        for (i, c) in table.columns.iter().enumerate() {
            places.push(if c.stored() {
                stored += 1;
                Place::Stored(stored - 1)
            } else {
                Place::Nothing
            });
            let mut flags = if c.nullable { 9 } else { 8 };
            if c.identity.is_some() {
                flags = 16 | u16::from(c.nullable);
            } else if c.computed.is_some() {
                flags = 32 | u16::from(c.nullable);
            } else if c.ty.base == crate::sandbox::value::Base::RowVersion {
                flags = u16::from(c.nullable);
            }
            columns.push(ScopeColumn {
                table: called.clone(),
                full: alias.is_none().then(|| (database, schema.to_string(), object.name.clone())),
                name: c.name.clone(),
                ty: c.ty.clone(),
                nullable: c.nullable,
                flags,
                user_type: if c.user_type_id == 256 { 256 } else { 0 },
                hidden: c.hidden,
                used: Some((used.clone(), i)),
                index: i,
            });
        }
        let scope = Scope { columns };
        // Computed columns that are not stored are worked out over the row.
        for (i, c) in table.columns.iter().enumerate() {
            if let (Some(computed), false) = (&c.computed, c.stored()) {
                let mut own = scope.clone();
                own.columns.iter_mut().for_each(|c| c.used = None);
                let e = super::module::expression(&computed.definition)?;
                let scopes = std::mem::replace(&mut self.scopes, vec![own]);
                let grouping = self.grouping.take();
                let bound = self.value(&e);
                self.grouping = grouping;
                self.scopes = scopes;
                places[i] = Place::Computed(Box::new(bound?.cast(&c.ty)));
            }
        }
        let form = Rc::new(super::plan::row_form(table));
        let scan = TableScan {
            database,
            object,
            form,
            columns: places,
            used,
            seek: None,
            order: None,
            filter: None,
            with_id: false,
        };
        Ok((scan, scope))
    }

    /// A plan under a condition: each part of it as far down as it goes.
    pub fn filtered(&mut self, mut plan: Plan, condition: Expr) -> Plan {
        let mut rest = Vec::new();
        for c in condition.conjuncts() {
            rest.extend(push(&mut plan, c));
        }
        match Expr::all(rest) {
            None => plan,
            Some(condition) => Plan::Filter { input: Box::new(plan), condition },
        }
    }

    /// Chooses indexes and hash tables, once all conditions are in place.
    pub fn settled(&mut self, plan: Plan) -> Plan {
        match plan {
            Plan::Table(mut scan) => {
                choose_seek(&mut scan);
                Plan::Table(scan)
            }
            Plan::Join(mut j) => {
                j.left = Box::new(self.settled(*j.left));
                j.right = Box::new(self.settled(*j.right));
                Plan::Join(j)
            }
            Plan::Apply { left, right, right_width, outer } => {
                let left = Box::new(self.settled(*left));
                Plan::Apply { left, right, right_width, outer }
            }
            Plan::Filter { input, condition } => {
                let input = self.settled(*input);
                // Equalities with rows around make a table of keys worth its while.
                if input.depends() || matches!(input, Plan::Table(_)) || self.scopes.len() < 2 {
                    return Plan::Filter { input: Box::new(input), condition };
                }
                let (mut keys, mut rest) = (Vec::new(), Vec::new());
                for c in condition.conjuncts() {
                    match outer_equality(&c) {
                        Some(k) => keys.push(k),
                        None => rest.push(c),
                    }
                }
                if keys.is_empty() {
                    let condition = Expr::all(rest).unwrap_or_else(|| Expr::condition(Node::Const(Value::Bit(true))));
                    return Plan::Filter { input: Box::new(input), condition };
                }
                let id = self.number();
                Plan::Lookup { id, input: Box::new(input), keys, residual: Expr::all(rest) }
            }
            other => other,
        }
    }
}

/// `input column = something of an outer row`.
fn outer_equality(c: &Expr) -> Option<(Expr, Expr, SqlType)> {
    let Node::Compare(Comparison::Eq, a, b) = &c.node else { return None };
    let outer = |e: &Expr| {
        let mut found = false;
        e.walk(&mut |e| found |= matches!(e.node, Node::Column { depth, .. } if depth > 0));
        found
    };
    // The inside must not look outside.
    let (inside, outside) = if !a.uses_row() && b.uses_row() && !outer(b) {
        (b, a)
    } else if !b.uses_row() && a.uses_row() && !outer(a) {
        (a, b)
    } else {
        return None;
    };
    if has_query(inside) || has_query(outside) {
        return None;
    }
    let ty = SqlType { collation: c.ty.collation.clone(), ..inside.ty.clone() };
    Some((inside.as_ref().clone(), outside.as_ref().clone(), ty))
}

fn has_query(e: &Expr) -> bool {
    let mut found = false;
    e.walk(&mut |e| {
        found |=
            matches!(e.node, Node::InQuery { .. } | Node::Quantified { .. } | Node::Exists { .. } | Node::Scalar(_));
    });
    found
}

/// The columns at depth 0 that an expression reads: lowest and highest; `None` if it may read any.
fn reach(e: &Expr) -> Option<(usize, usize)> {
    if has_query(e) {
        return None;
    }
    let mut out = (usize::MAX, 0);
    e.walk(&mut |e| {
        if let Node::Column { depth: 0, index } = e.node {
            out = (out.0.min(index), out.1.max(index));
        }
    });
    Some(out)
}

/// Moves the columns of an expression.
fn shift(mut e: Expr, by: usize) -> Expr {
    fn walk(e: &mut Expr, by: usize) {
        match &mut e.node {
            Node::Column { depth: 0, index } => *index -= by,
            Node::Arithmetic(_, a, b)
            | Node::Concat(a, b)
            | Node::Compare(_, a, b)
            | Node::And(a, b)
            | Node::Or(a, b) => {
                walk(a, by);
                walk(b, by);
            }
            Node::Negate(a) | Node::BitNot(a) | Node::Not(a) | Node::IsNull(a, _) => walk(a, by),
            Node::Like { value, pattern, escape, .. } => {
                walk(value, by);
                walk(pattern, by);
                if let Some(e) = escape {
                    walk(e, by);
                }
            }
            Node::In { value, list, .. } => {
                walk(value, by);
                list.iter_mut().for_each(|e| walk(e, by));
            }
            Node::InQuery { value, .. } | Node::Quantified { value, .. } => walk(value, by),
            Node::Case { whens, otherwise } => {
                for (c, r) in whens {
                    walk(c, by);
                    walk(r, by);
                }
                if let Some(o) = otherwise {
                    walk(o, by);
                }
            }
            Node::Convert { value, style, .. } => {
                walk(value, by);
                if let Some(s) = style {
                    walk(s, by);
                }
            }
            Node::Call(_, args) => args.iter_mut().for_each(|e| walk(e, by)),
            Node::Const(_)
            | Node::Column { .. }
            | Node::Window { .. }
            | Node::Variable(_)
            | Node::Exists { .. }
            | Node::Scalar(_) => {}
        }
    }
    walk(&mut e, by);
    e
}

/// Tries to make a conjunct a key of a join; gives it back if it is none.
fn join_key(join: &mut Join, c: Expr) -> Option<Expr> {
    if let Node::Compare(Comparison::Eq, a, b) = &c.node {
        let w = join.left_width;
        let side = |e: &Expr| match reach(e) {
            Some((low, high)) if low != usize::MAX => {
                if high < w {
                    Some(false)
                } else if low >= w {
                    Some(true)
                } else {
                    None
                }
            }
            _ => None,
        };
        let pair = match (side(a), side(b)) {
            (Some(false), Some(true)) => Some((a.as_ref().clone(), b.as_ref().clone())),
            (Some(true), Some(false)) => Some((b.as_ref().clone(), a.as_ref().clone())),
            _ => None,
        };
        if let Some((l, r)) = pair {
            let ty = SqlType { collation: c.ty.collation.clone(), ..l.ty.clone() };
            join.keys.push((l, shift(r, w), ty));
            return None;
        }
    }
    Some(c)
}

/// Puts a conjunct of ON where it belongs; what is left is checked on the joined row.
fn join_conjunct(join: &mut Join, c: Expr) -> Option<Expr> {
    let c = join_key(join, c)?;
    let w = join.left_width;
    match (reach(&c), join.kind) {
        (Some((low, high)), JoinKind::Inner | JoinKind::Right) if low != usize::MAX && high < w => {
            push_or_filter(&mut join.left, c);
            None
        }
        (Some((low, _)), JoinKind::Inner | JoinKind::Left) if low != usize::MAX && low >= w => {
            push_or_filter(&mut join.right, shift(c, w));
            None
        }
        _ => Some(c),
    }
}

fn push_or_filter(plan: &mut Box<Plan>, c: Expr) {
    if let Some(c) = push(plan, c) {
        let input = std::mem::replace(plan.as_mut(), Plan::Dual);
        **plan = Plan::Filter { input: Box::new(input), condition: c };
    }
}

/// Pushes a conjunct of WHERE down; gives it back if it must stay above.
fn push(plan: &mut Plan, c: Expr) -> Option<Expr> {
    match plan {
        Plan::Table(scan) => {
            // The scan's filter sees no more than its own row and the rows around.
            let filter = scan.filter.take();
            scan.filter = Expr::all(filter.into_iter().chain([c]).collect());
            None
        }
        Plan::Join(join) => {
            let w = join.left_width;
            let c = if join.kind == JoinKind::Inner { join_key(join, c)? } else { c };
            match (reach(&c), join.kind) {
                (Some((low, high)), JoinKind::Inner | JoinKind::Left) if low != usize::MAX && high < w => {
                    push_or_filter(&mut join.left, c);
                    None
                }
                (Some((low, _)), JoinKind::Inner | JoinKind::Right) if low != usize::MAX && low >= w => {
                    push_or_filter(&mut join.right, shift(c, w));
                    None
                }
                (_, JoinKind::Inner) => {
                    let residual = join.residual.take();
                    join.residual = Expr::all(residual.into_iter().chain([c]).collect());
                    None
                }
                _ => Some(c),
            }
        }
        Plan::Filter { input, condition } => match push(input, c) {
            None => None,
            Some(c) => {
                let old = std::mem::replace(condition, Expr::condition(Node::Const(Value::Null)));
                *condition = Expr::condition(Node::And(Box::new(old), Box::new(c)));
                None
            }
        },
        _ => Some(c),
    }
}

/// Finds the index whose first columns are all given.
fn choose_seek(scan: &mut TableScan) {
    let (Some(table), Some(filter)) = (scan.object.table(), &scan.filter) else { return };
    let mut given: Vec<(usize, Expr)> = Vec::new();
    for c in filter.clone().conjuncts() {
        let Node::Compare(Comparison::Eq, a, b) = &c.node else { continue };
        for (column, value) in [(a, b), (b, a)] {
            let Node::Column { depth: 0, index } = column.node else { continue };
            if value.uses_row() || has_query(value) {
                continue;
            }
            let ty = &table.columns[index].ty;
            let fits = if types::is_text(ty.base) {
                types::is_text(value.ty.base)
                    && types::is_wide(ty.base) == types::is_wide(value.ty.base)
                    && c.ty.collation.as_ref().map(|c| &c.name) == ty.collation.as_ref().map(|c| &c.name)
            } else {
                value.ty.base == ty.base && value.ty.scale == ty.scale
            };
            if fits {
                // The key is made as the column's own values are.
                let mut e = value.as_ref().clone();
                if types::is_text(ty.base) {
                    e.ty.collation = ty.collation.clone();
                }
                given.push((index, e));
            } else if let Node::Const(v) = &value.node {
                // A constant may have the column's type just as well.
                if let Ok(v) = super::convert::convert(v, &value.ty, ty, super::convert::How::default()) {
                    let exact = types::is_integer(ty.base) && types::is_integer(value.ty.base);
                    if exact {
                        given.push((index, Expr::constant(v, ty.clone())));
                    }
                }
            }
        }
    }
    if given.is_empty() {
        return;
    }
    let mut best: Option<(i32, Vec<Expr>)> = None;
    for ix in &table.indexes {
        if ix.filter.is_some() || ix.disabled || !super::table::kept(ix) {
            continue;
        }
        let mut keys = Vec::new();
        for k in ix.keys() {
            let Some(at) = table.columns.iter().position(|c| c.id == k.column_id) else { break };
            match given.iter().find(|(i, _)| *i == at) {
                Some((_, e)) => keys.push(e.clone()),
                None => break,
            }
        }
        if !keys.is_empty() && best.as_ref().is_none_or(|(_, b)| b.len() < keys.len()) {
            best = Some((ix.index_id, keys));
        }
    }
    scan.seek = best;
}

/// Reads a table in the order of an index if that is the order asked for.
fn order_by_index(plan: &mut Plan, exprs: &[Expr], keys: &[(usize, bool)]) -> bool {
    let Plan::Table(scan) = plan else { return false };
    if scan.seek.is_some() {
        return false;
    }
    let Some(table) = scan.object.table() else { return false };
    for ix in &table.indexes {
        if ix.filter.is_some() || ix.disabled || !super::table::kept(ix) {
            continue;
        }
        let columns: Vec<_> = ix.keys().collect();
        if columns.len() < keys.len() {
            continue;
        }
        let mut backwards = None;
        let fits = keys.iter().zip(&columns).all(|((at, descending), k)| {
            let Node::Column { depth: 0, index } = exprs[*at].node else { return false };
            let turned = *descending != k.descending;
            let same = *backwards.get_or_insert(turned) == turned;
            same && table.columns.get(index).is_some_and(|c| c.id == k.column_id)
        });
        if fits {
            scan.order = Some((ix.index_id, backwards.unwrap_or(false)));
            return true;
        }
    }
    false
}

/// Whether a derived table is worth being held: everything but a plain selection of a table.
fn heavy(plan: &Plan) -> bool {
    match plan {
        Plan::Table(_) | Plan::Virtual { .. } | Plan::Dual | Plan::Values(_) => false,
        Plan::Project { input, .. } | Plan::Filter { input, .. } | Plan::Cut { input, .. } => heavy(input),
        _ => true,
    }
}

fn strip(e: &ast::Expr) -> &ast::Expr {
    match e {
        ast::Expr::Nested(inner) => strip(inner),
        other => other,
    }
}

fn ordinal(e: &ast::Expr) -> Option<usize> {
    match e {
        ast::Expr::Value(v) => match &v.value {
            ast::Value::Number(n, _) => n.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn nth(columns: &[OutColumn], n: usize) -> SqlResult<Expr> {
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

fn place_of(e: &Expr) -> u16 {
    match e.node {
        Node::Column { depth: 0, index } => index as u16 + 1,
        _ => 0,
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

fn names_of(e: &ast::Expr) -> Vec<String> {
    match e {
        ast::Expr::Identifier(i) => vec![i.value.clone()],
        ast::Expr::CompoundIdentifier(p) => p.iter().map(|i| i.value.clone()).collect(),
        other => vec![other.to_string()],
    }
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
