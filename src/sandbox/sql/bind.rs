//! Names and types: the parser's expressions become bound ones.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast;

use crate::sandbox::collation;
use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

use super::aggregate::{AggregateCall, Kind as AggregateKind, Over, WindowCall};
use super::error::{self, SqlError, SqlResult};
use super::expr::{Comparison, Expr, Node, Operator, arithmetic_type};
use super::functions;
use super::moment::Part;
use super::number::Decimal;
use super::plan::Plan;
use super::session::SqlSession;
use super::types::{self, is_text, is_wide, name};

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

fn debug_key(e: &Expr) -> String {
    format!("{:?}", e.node)
}

/// How strongly an expression holds to its collation: 3 COLLATE, 2 column, 1 literal or variable.
fn strength(e: &Expr) -> u8 {
    match &e.node {
        Node::Call(f, _) if f.name == "COLLATE" => 3,
        Node::Column { .. } | Node::Window { .. } => 2,
        Node::Const(_) | Node::Variable(_) => 1,
        Node::Scalar(_) => 2,
        Node::Concat(a, b) => strength(a).max(strength(b)),
        Node::Convert { value, .. } if is_text(value.ty.base) => strength(value),
        Node::Call(_, args) => args.iter().filter(|a| is_text(a.ty.base)).map(strength).max().unwrap_or(1),
        Node::Case { whens, otherwise } => {
            whens.iter().map(|(_, r)| r).chain(otherwise.as_deref()).map(strength).max().unwrap_or(1)
        }
        _ => 1,
    }
}

/// The collation that two expressions are compared under.
pub fn resolve_collation(a: &Expr, b: &Expr, operation: &str) -> SqlResult<Option<Arc<Collation>>> {
    let (Some(x), Some(y)) = (&a.ty.collation, &b.ty.collation) else {
        return Ok(a.ty.collation.clone().or_else(|| b.ty.collation.clone()));
    };
    if x.name.eq_ignore_ascii_case(&y.name) {
        return Ok(Some(x.clone()));
    }
    let (s, t) = (strength(a), strength(b));
    if s > t {
        Ok(Some(x.clone()))
    } else if t > s || s == 1 {
        Ok(Some(y.clone()))
    } else {
        Err(error::collation_conflict(&x.name, &y.name, operation))
    }
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

    /// In a grouped query: an expression that is one of the groups.
    fn grouped(&mut self, e: &ast::Expr) -> SqlResult<Option<Expr>> {
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

    fn plain(&mut self, e: &ast::Expr) -> SqlResult<Expr> {
        use ast::Expr as E;
        match e {
            E::Nested(inner) => self.expr(inner),
            E::Identifier(id) => self.identifier(id),
            E::CompoundIdentifier(parts) => {
                let names: Vec<&str> = parts.iter().map(|p| p.value.as_str()).collect();
                self.column(&names)
            }
            E::Value(v) => self.literal(&v.value),
            E::Prefixed { prefix, value } if prefix.value.eq_ignore_ascii_case("N") => self.expr(value),
            E::BinaryOp { left, op, right } => self.binary(left, op, right),
            E::UnaryOp { op, expr } => self.unary(*op, expr),
            E::IsNull(inner) => {
                let v = self.value(inner)?;
                Ok(Expr::condition(Node::IsNull(Box::new(v), false)))
            }
            E::IsNotNull(inner) => {
                let v = self.value(inner)?;
                Ok(Expr::condition(Node::IsNull(Box::new(v), true)))
            }
            E::IsDistinctFrom(a, b) | E::IsNotDistinctFrom(a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                let not_distinct = {
                    let equal = compare(Comparison::Eq, a.clone(), b.clone())?;
                    let is_null = |x: Expr| Expr::condition(Node::IsNull(Box::new(x), false));
                    let both = Expr::condition(Node::And(Box::new(is_null(a.clone())), Box::new(is_null(b.clone()))));
                    let known = Expr::condition(Node::And(
                        Box::new(Expr::condition(Node::IsNull(Box::new(a), true))),
                        Box::new(Expr::condition(Node::And(
                            Box::new(Expr::condition(Node::IsNull(Box::new(b), true))),
                            Box::new(equal),
                        ))),
                    ));
                    Expr::condition(Node::Or(Box::new(both), Box::new(known)))
                };
                Ok(if matches!(e, E::IsDistinctFrom(..)) {
                    Expr::condition(Node::Not(Box::new(not_distinct)))
                } else {
                    not_distinct
                })
            }
            E::Between { expr, negated, low, high } => {
                let (v, l, h) = (self.value(expr)?, self.value(low)?, self.value(high)?);
                let from = compare(Comparison::Ge, v.clone(), l)?;
                let to = compare(Comparison::Le, v, h)?;
                let both = Expr::condition(Node::And(Box::new(from), Box::new(to)));
                Ok(if *negated { Expr::condition(Node::Not(Box::new(both))) } else { both })
            }
            E::Like { negated, expr, pattern, escape_char, .. } => {
                let (v, p) = (self.value(expr)?, self.value(pattern)?);
                let c = self.collation();
                let (v, p) = (to_text(v, &c), to_text(p, &c));
                let collation = resolve_collation(&v, &p, "like")?;
                let escape = match escape_char {
                    None => None,
                    Some(x) => Some(Box::new(self.value(x)?)),
                };
                let node = Node::Like { value: Box::new(v), pattern: Box::new(p), escape, negated: *negated };
                Ok(Expr { node, ty: SqlType { collation, ..types::bit() }, nullable: true })
            }
            E::InList { expr, list, negated } => {
                let v = self.value(expr)?;
                let items = list.iter().map(|i| self.value(i)).collect::<SqlResult<Vec<_>>>()?;
                let mut ty = v.ty.clone();
                let mut collation = v.ty.collation.clone();
                for i in &items {
                    ty = types::unify(&ty, &i.ty);
                    if let Some(c) = resolve_collation(&v, i, "equal to")? {
                        collation = Some(c);
                    }
                }
                let cast = |e: Expr| comparable(e, &ty);
                let node = Node::In {
                    value: Box::new(cast(v)),
                    list: items.into_iter().map(cast).collect(),
                    negated: *negated,
                };
                Ok(Expr { node, ty: SqlType { collation, ..types::bit() }, nullable: true })
            }
            E::InSubquery { expr, subquery, negated } => {
                let v = self.value(expr)?;
                let (plan, column) = self.single(subquery)?;
                let ty = self.compared(&v, &column)?;
                let plan = self.shared(cast_plan(plan, &column, &ty));
                let node = Node::InQuery { value: Box::new(comparable(v, &ty)), plan, ty, negated: *negated };
                Ok(Expr::condition(node))
            }
            E::AnyOp { left, compare_op, right, .. } => self.quantified(left, compare_op, right, false),
            E::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, true),
            E::Exists { subquery, negated } => {
                let bound = self.subquery(subquery)?;
                let plan = self.shared(bound.plan);
                Ok(Expr::condition(Node::Exists { plan, negated: *negated }))
            }
            E::Subquery(q) => {
                let (plan, column) = self.single(q)?;
                let plan = self.shared(plan);
                Ok(Expr { node: Node::Scalar(plan), ty: column.ty, nullable: true })
            }
            E::Case { operand, conditions, else_result, .. } => {
                let mut whens = Vec::new();
                let operand = match operand {
                    None => None,
                    Some(o) => Some(self.value(o)?),
                };
                for w in conditions {
                    let condition = match &operand {
                        None => self.condition(&w.condition)?,
                        Some(o) => {
                            let v = self.value(&w.condition)?;
                            compare(Comparison::Eq, o.clone(), v)?
                        }
                    };
                    whens.push((condition, self.value(&w.result)?));
                }
                let otherwise = match else_result {
                    None => None,
                    Some(x) => Some(self.value(x)?),
                };
                case(whens, otherwise)
            }
            E::Cast { kind, expr, data_type, .. } => {
                let v = self.value(expr)?;
                let ty = self.data_type(data_type, true)?;
                let try_only = matches!(kind, ast::CastKind::TryCast | ast::CastKind::SafeCast);
                self.convert(v, ty, None, try_only)
            }
            E::Convert { is_try, expr, data_type, styles, .. } => {
                let v = self.value(expr)?;
                let Some(dt) = data_type else { return Err(error::syntax("CONVERT")) };
                let ty = self.data_type(dt, true)?;
                let style = match styles.first() {
                    None => None,
                    Some(s) => Some(Box::new(self.value(s)?)),
                };
                self.convert(v, ty, style, *is_try)
            }
            E::Collate { expr, collation } => {
                let v = self.value(expr)?;
                let wanted = collation.to_string().replace(['[', ']'], "");
                let c = if wanted.eq_ignore_ascii_case("DATABASE_DEFAULT")
                    || wanted.eq_ignore_ascii_case("CATALOG_DEFAULT")
                {
                    self.collation()
                } else {
                    collation::by_name(&wanted)
                        .ok_or_else(|| SqlError::batch(448, 3, 16, format!("Invalid collation '{wanted}'.")))?
                };
                let v = to_text(v, &c);
                if !is_text(v.ty.base) {
                    return Err(SqlError::batch(
                        447,
                        0,
                        16,
                        format!("Expression type {} is invalid for COLLATE clause.", name(v.ty.base)),
                    ));
                }
                let ty = SqlType { collation: Some(c), ..v.ty.clone() };
                let narrow = !is_wide(ty.base);
                let nullable = v.nullable;
                let inner = if narrow {
                    Expr {
                        node: Node::Convert { value: Box::new(v), style: None, try_only: false },
                        ty: ty.clone(),
                        nullable,
                    }
                } else {
                    v
                };
                let mut e = functions::make("COLLATE", false, ty, vec![inner], |_, v, _, _| Ok(v[0].clone()));
                e.nullable = nullable;
                Ok(e)
            }
            E::AtTimeZone { timestamp, time_zone } => {
                let v = functions::momentary(self.value(timestamp)?);
                let zone = self.value(time_zone)?;
                let scale = if v.ty.base == Base::DateTime { 3 } else { v.ty.scale };
                // Assumption: UTC is the only zone this server knows.
                if !matches!(&zone.node, Node::Const(c) if super::text::text_of(c, None).eq_ignore_ascii_case("UTC")) {
                    return Err(error::unsupported("AT TIME ZONE"));
                }
                let ty = types::scaled(Base::DateTimeOffset, scale);
                Ok(functions::make("AT TIME ZONE", true, ty, vec![v], |_, v, _, ty| {
                    let m = super::moment::Moment::of(&v[0]).map(|m| match m.offset {
                        Some(o) => {
                            let t = m.ticks - i64::from(o) * 600_000_000;
                            super::moment::Moment {
                                days: m.days + t.div_euclid(super::moment::DAY_TICKS),
                                ticks: t.rem_euclid(super::moment::DAY_TICKS),
                                offset: Some(0),
                            }
                        }
                        None => super::moment::Moment { offset: Some(0), ..m },
                    });
                    Ok(m.and_then(|m| m.to(ty)).unwrap_or(Value::Null))
                }))
            }
            E::Function(f) => self.function(f),
            E::Floor { expr, .. } => self.named("FLOOR", &[expr]),
            E::Ceil { expr, .. } => self.named("CEILING", &[expr]),
            E::Substring { expr, substring_from, substring_for, .. } => match (substring_from, substring_for) {
                (Some(a), Some(b)) => self.named("SUBSTRING", &[expr, a, b]),
                _ => Err(error::argument_count("substring", 3)),
            },
            E::Trim { expr, .. } => self.named("TRIM", &[expr]),
            E::Position { .. } | E::Extract { .. } => Err(error::syntax("IN")),
            E::Tuple(_) => Err(error::syntax(",")),
            E::TypedString(_) => Err(error::syntax("'")),
            other => {
                let text: String = other.to_string().chars().take(40).collect();
                Err(error::syntax(&text))
            }
        }
    }

    fn named(&mut self, function: &str, args: &[&ast::Expr]) -> SqlResult<Expr> {
        let args = args.iter().map(|a| self.value(a)).collect::<SqlResult<Vec<_>>>()?;
        let c = self.collation();
        functions::bind(function, args, &c)?.ok_or_else(|| error::unknown_function(function))
    }

    fn convert(&mut self, v: Expr, ty: SqlType, style: Option<Box<Expr>>, try_only: bool) -> SqlResult<Expr> {
        if !super::convert::allowed(v.ty.base, ty.base) && !matches!(v.node, Node::Const(Value::Null)) {
            return Err(error::explicit_conversion_not_allowed(name(v.ty.base), name(ty.base)));
        }
        // Text keeps the collation of what it was made from.
        let ty = if is_text(ty.base) && is_text(v.ty.base) && v.ty.collation.is_some() {
            SqlType { collation: v.ty.collation.clone(), ..ty }
        } else {
            ty
        };
        let nullable = v.nullable || try_only;
        Ok(Expr { node: Node::Convert { value: Box::new(v), style, try_only }, ty, nullable })
    }

    fn quantified(
        &mut self,
        left: &ast::Expr,
        op: &ast::BinaryOperator,
        right: &ast::Expr,
        all: bool,
    ) -> SqlResult<Expr> {
        let v = self.value(left)?;
        let ast::Expr::Subquery(q) = strip(right) else { return Err(error::syntax("(")) };
        let (plan, column) = self.single(q)?;
        let ty = self.compared(&v, &column)?;
        let plan = self.shared(cast_plan(plan, &column, &ty));
        let op = comparison(op).ok_or_else(|| error::syntax("ANY"))?;
        Ok(Expr::condition(Node::Quantified { op, value: Box::new(comparable(v, &ty)), plan, ty, all }))
    }

    /// The type under which a value meets a column of a query.
    fn compared(&self, v: &Expr, column: &Expr) -> SqlResult<SqlType> {
        let collation = resolve_collation(v, column, "equal to")?;
        Ok(SqlType { collation, ..types::unify(&v.ty, &column.ty) })
    }

    /// A plan that is computed once, if it depends on nothing outside.
    pub fn shared(&mut self, plan: Plan) -> Rc<Plan> {
        if plan.depends() {
            return Rc::new(plan);
        }
        let id = self.number();
        Rc::new(Plan::Shared { id, plan: Rc::new(plan) })
    }

    /// A query inside an expression.
    pub fn subquery(&mut self, q: &ast::Query) -> SqlResult<super::select::Bound> {
        // Inside, the row around is that of the groups, if there are groups.
        let grouping = self.grouping.take();
        let windows = self.windows.take();
        let mut saved = None;
        if let Some(g) = &grouping
            && !g.inside
        {
            let scope = self.group_scope(g);
            if let Some(last) = self.scopes.last_mut() {
                saved = Some(std::mem::replace(last, scope));
            }
        }
        let out = self.query(q);
        if let (Some(s), Some(last)) = (saved, self.scopes.last_mut()) {
            *last = s;
        }
        self.grouping = grouping;
        self.windows = windows;
        out
    }

    /// The columns of the input that are groups, at their place in the grouped row.
    fn group_scope(&self, g: &Grouping) -> Scope {
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

    /// A query of one column.
    fn single(&mut self, q: &ast::Query) -> SqlResult<(Plan, Expr)> {
        let bound = self.subquery(q)?;
        let [column] = bound.columns.as_slice() else {
            return Err(SqlError::batch(
                116,
                1,
                16,
                "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
            ));
        };
        let e = Expr { node: Node::Column { depth: 0, index: 0 }, ty: column.ty.clone(), nullable: column.nullable };
        Ok((bound.plan, e))
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

    fn literal(&self, v: &ast::Value) -> SqlResult<Expr> {
        use ast::Value as V;
        let c = self.collation();
        Ok(match v {
            V::Null => Expr::constant(Value::Null, types::int()),
            V::Number(t, _) => number_literal(t)?,
            V::SingleQuotedString(t) | V::DoubleQuotedString(t) => {
                let b = super::text::encode(t, super::text::code_page(Some(&c)));
                let length = (b.len() as u32).max(1);
                let ty = types::text(Base::VarChar, if length > 8000 { MAX } else { length }, &c);
                Expr::constant(Value::Char(b.into()), ty)
            }
            V::NationalStringLiteral(t) => {
                let b = super::text::utf16(t);
                let length = (b.len() as u32).max(2);
                let ty = types::text(Base::NVarChar, if length > 8000 { MAX } else { length }, &c);
                Expr::constant(Value::NChar(b.into()), ty)
            }
            V::HexStringLiteral(t) => {
                let t = if t.len() % 2 == 1 { format!("0{t}") } else { t.clone() };
                let b: Vec<u8> =
                    (0..t.len() / 2).filter_map(|i| u8::from_str_radix(&t[2 * i..2 * i + 2], 16).ok()).collect();
                let length = (b.len() as u32).max(1);
                let ty = types::binary(Base::VarBinary, if length > 8000 { MAX } else { length });
                Expr::constant(Value::Binary(b.into()), ty)
            }
            V::Placeholder(t) => match t.strip_prefix('$').and_then(Decimal::parse) {
                Some(d) => {
                    let ty = types::plain(Base::Money);
                    Expr::constant(super::convert::make_number(&ty, d, "money")?, ty)
                }
                None => return Err(error::syntax(t)),
            },
            other => return Err(error::syntax(&other.to_string())),
        })
    }

    fn unary(&mut self, op: ast::UnaryOperator, e: &ast::Expr) -> SqlResult<Expr> {
        match op {
            ast::UnaryOperator::Not => {
                let c = self.condition(e)?;
                Ok(Expr::condition(Node::Not(Box::new(c))))
            }
            ast::UnaryOperator::Plus => self.value(e),
            ast::UnaryOperator::Minus => {
                // -2147483648 is an int, though 2147483648 is not.
                if let ast::Expr::Value(v) = e
                    && let ast::Value::Number(t, _) = &v.value
                {
                    if t == "2147483648" {
                        return Ok(Expr::constant(Value::Int(i32::MIN), types::int()));
                    }
                    let lit = number_literal(t)?;
                    if let Node::Const(c) = &lit.node {
                        let negative = match c {
                            Value::Int(n) => Value::Int(-n),
                            Value::Float(f) => Value::Float(-f),
                            Value::Decimal { magnitude, precision, scale, .. } => Value::Decimal {
                                negative: *magnitude != 0,
                                magnitude: *magnitude,
                                precision: *precision,
                                scale: *scale,
                            },
                            other => other.clone(),
                        };
                        return Ok(Expr::constant(negative, lit.ty));
                    }
                }
                let v = self.value(e)?;
                let v = if is_text(v.ty.base) { v.cast(&types::plain(Base::Float)) } else { v };
                if !types::is_number(v.ty.base) || v.ty.base == Base::Bit {
                    return Err(error::invalid_operand(name(v.ty.base), "minus"));
                }
                let (ty, nullable) = (v.ty.clone(), v.nullable);
                Ok(Expr { node: Node::Negate(Box::new(v)), ty, nullable })
            }
            ast::UnaryOperator::BitwiseNot => {
                let v = self.value(e)?;
                if !types::is_integer(v.ty.base) {
                    return Err(error::invalid_operand(name(v.ty.base), "'~'"));
                }
                let (ty, nullable) = (v.ty.clone(), v.nullable);
                Ok(Expr { node: Node::BitNot(Box::new(v)), ty, nullable })
            }
            other => Err(error::syntax(&other.to_string())),
        }
    }

    fn binary(&mut self, left: &ast::Expr, op: &ast::BinaryOperator, right: &ast::Expr) -> SqlResult<Expr> {
        use ast::BinaryOperator as B;
        match op {
            B::And | B::Or => {
                let (a, b) = (Box::new(self.condition(left)?), Box::new(self.condition(right)?));
                return Ok(Expr::condition(if *op == B::And { Node::And(a, b) } else { Node::Or(a, b) }));
            }
            _ => {}
        }
        if let Some(c) = comparison(op) {
            let (a, b) = (self.value(left)?, self.value(right)?);
            return compare(c, a, b);
        }
        let (a, b) = (self.value(left)?, self.value(right)?);
        arithmetic(operator(op).ok_or_else(|| error::syntax(&op.to_string()))?, a, b)
    }

    /// A type as written. `explicit`: in CAST and CONVERT, where a bare varchar has 30 characters, not 1.
    pub fn data_type(&self, dt: &ast::DataType, explicit: bool) -> SqlResult<SqlType> {
        self.session.data_type(self.database, dt, explicit)
    }

    fn function(&mut self, f: &ast::Function) -> SqlResult<Expr> {
        let parts: Vec<String> = f
            .name
            .0
            .iter()
            .filter_map(|p| match p {
                ast::ObjectNamePart::Identifier(i) => Some(i.value.clone()),
                ast::ObjectNamePart::Function(_) => None,
            })
            .collect();
        let upper = parts.last().map(|p| p.to_ascii_uppercase()).unwrap_or_default();
        let list: Vec<&ast::FunctionArg> = match &f.args {
            ast::FunctionArguments::None => Vec::new(),
            ast::FunctionArguments::List(l) => l.args.iter().collect(),
            ast::FunctionArguments::Subquery(_) => return Err(error::syntax("SELECT")),
        };
        if parts.len() > 1 && !(parts.len() == 2 && parts[0].eq_ignore_ascii_case("sys")) {
            return self.user_function(&parts, &list);
        }
        let distinct = matches!(
            &f.args,
            ast::FunctionArguments::List(l) if matches!(l.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct))
        );
        let star = matches!(
            list.first(),
            Some(ast::FunctionArg::Unnamed(
                ast::FunctionArgExpr::Wildcard | ast::FunctionArgExpr::WildcardWithOptions(_)
            ))
        );
        if let Some(kind) = aggregate_kind(&upper, star) {
            return self.aggregate(f, kind, &upper, &list, distinct, star);
        }
        if let Some(over) = &f.over {
            return self.window(&upper, &list, over);
        }
        let exprs: Vec<&ast::Expr> = list
            .iter()
            .map(|a| match a {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => Ok(e),
                _ if star => Err(error::syntax("*")),
                _ => Err(error::syntax("=")),
            })
            .collect::<SqlResult<_>>()?;
        match upper.as_str() {
            "DATEADD" | "DATEDIFF" | "DATEDIFF_BIG" | "DATEPART" | "DATENAME" | "DATETRUNC" => {
                return self.date_function(&upper, &exprs);
            }
            "ISNULL" => {
                let [a, b] = exprs.as_slice() else { return Err(error::argument_count("isnull", 2)) };
                let (a, b) = (self.value(a)?, self.value(b)?);
                // The type is that of the first (fact 31: NOT NULL if the second is).
                let ty = if matches!(a.node, Node::Const(Value::Null)) { b.ty.clone() } else { a.ty.clone() };
                let nullable = a.nullable && b.nullable;
                let a = a.cast(&ty);
                let test = Expr::condition(Node::IsNull(Box::new(a.clone()), true));
                let b = b.cast(&ty);
                return Ok(Expr {
                    node: Node::Case { whens: vec![(test, a)], otherwise: Some(Box::new(b)) },
                    ty,
                    nullable,
                });
            }
            "COALESCE" => {
                let args = exprs.iter().map(|e| self.value(e)).collect::<SqlResult<Vec<_>>>()?;
                let mut whens: Vec<(Expr, Expr)> =
                    args.into_iter().map(|a| (Expr::condition(Node::IsNull(Box::new(a.clone()), true)), a)).collect();
                let last = whens.pop().map(|(_, a)| a);
                return case(whens, last);
            }
            "NULLIF" => {
                let [a, b] = exprs.as_slice() else { return Err(error::argument_count("nullif", 2)) };
                let (a, b) = (self.value(a)?, self.value(b)?);
                let equal = compare(Comparison::Eq, a.clone(), b)?;
                let ty = a.ty.clone();
                let null = Expr::constant(Value::Null, ty.clone());
                return Ok(Expr {
                    node: Node::Case { whens: vec![(equal, null)], otherwise: Some(Box::new(a)) },
                    ty,
                    nullable: true,
                });
            }
            "IIF" => {
                let [c, a, b] = exprs.as_slice() else { return Err(error::argument_count("iif", 3)) };
                let c = self.condition(c)?;
                let (a, b) = (self.value(a)?, self.value(b)?);
                return case(vec![(c, a)], Some(b));
            }
            "CHOOSE" => {
                let Some((at, rest)) = exprs.split_first() else { return Err(error::argument_count("choose", 2)) };
                let at = self.value(at)?.cast(&types::int());
                let mut whens = Vec::new();
                for (n, e) in rest.iter().enumerate() {
                    let n = Expr::constant(Value::Int(n as i32 + 1), types::int());
                    whens.push((compare(Comparison::Eq, at.clone(), n)?, self.value(e)?));
                }
                return case(whens, None);
            }
            "TRY_CAST" | "TRY_PARSE" | "PARSE" | "OPENJSON" | "JSON_VALUE" | "FORMAT" => {
                return Err(error::unsupported(&upper));
            }
            _ => {}
        }
        let args = exprs.iter().map(|e| self.value(e)).collect::<SqlResult<Vec<_>>>()?;
        if let Some(e) = super::niladic::function(self, &upper, &args)? {
            return Ok(e);
        }
        let c = self.collation();
        if let Some(e) = functions::bind(&upper, args, &c)? {
            return Ok(e);
        }
        Err(error::unknown_function(parts.last().map_or("", String::as_str)))
    }

    fn user_function(&mut self, parts: &[String], args: &[&ast::FunctionArg]) -> SqlResult<Expr> {
        // The text of users' functions is kept, not run: their types are known, their values are not.
        let unknown = || error::unknown_user_function(&parts.join("."));
        let [.., schema, name] = parts else { return Err(unknown()) };
        if let Some(ty) = self.method_type(parts, args)? {
            let function = functions::Function { name: "method", strict: false, body: functions::not_run };
            return Ok(Expr { node: Node::Call(function, Vec::new()), ty, nullable: true });
        }
        let meta = self.session.database_meta(self.database).ok_or_else(unknown)?;
        let found = meta.schema(schema).and_then(|s| meta.find(s.schema_id, name));
        let module =
            found.and_then(|o| o.module()).filter(|m| m.kind == crate::sandbox::meta::ModuleKind::ScalarFunction);
        let returns = module.and_then(|m| m.parameters.iter().find(|p| p.id == 0)).ok_or_else(unknown)?;
        let mut values = Vec::new();
        for arg in args {
            match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Identifier(i)))
                    if i.value.eq_ignore_ascii_case("DEFAULT") => {}
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => values.push(self.value(e)?),
                _ => return Err(error::syntax("=")),
            }
        }
        let function = functions::Function { name: "user function", strict: false, body: functions::not_run };
        Ok(Expr { node: Node::Call(function, values), ty: returns.ty.clone(), nullable: true })
    }

    /// The type of a method of an xml, spatial or hierarchyid column; `None` if the name leads to no such column.
    fn method_type(&mut self, parts: &[String], args: &[&ast::FunctionArg]) -> SqlResult<Option<SqlType>> {
        let Some((method, column)) = parts.split_last() else { return Ok(None) };
        let names: Vec<&str> = column.iter().map(String::as_str).collect();
        let Ok(of) = self.column(&names) else { return Ok(None) };
        let wide = |n| types::nvarchar(n, &self.session.collation());
        let mut whole = wide(1);
        whole.length = crate::sandbox::value::MAX;
        Ok(match (of.ty.base, method.as_str()) {
            (Base::Xml, "value") => {
                // The type is the second argument, in words.
                let said = args.last().map(|a| a.to_string()).unwrap_or_default();
                let said = said.trim_start_matches(['N', 'n']).trim_matches('\'');
                Some(self.session.type_named(self.database, said, true)?)
            }
            (Base::Xml, "exist") => Some(types::bit()),
            (Base::Xml, "query") => Some(types::plain(Base::Xml)),
            (Base::HierarchyId, "GetLevel") => Some(types::plain(Base::SmallInt)),
            (Base::HierarchyId, "IsDescendantOf") => Some(types::bit()),
            (Base::HierarchyId, "ToString") => Some(wide(4000)),
            (Base::HierarchyId, _) => Some(of.ty),
            (Base::Geometry | Base::Geography, "STArea" | "STLength" | "STDistance") => Some(types::plain(Base::Float)),
            (Base::Geometry | Base::Geography, "STAsText" | "ToString" | "AsTextZM") => Some(whole),
            (Base::Geometry | Base::Geography, "STNumPoints" | "STDimension" | "STNumGeometries") => Some(types::int()),
            (Base::Geometry | Base::Geography, "STAsBinary") => {
                Some(types::binary(Base::VarBinary, crate::sandbox::value::MAX))
            }
            (Base::Geometry | Base::Geography, m) if m.starts_with("STIs") || m == "STIntersects" => Some(types::bit()),
            (Base::Geometry | Base::Geography, _) => Some(of.ty),
            _ => None,
        })
    }

    fn date_function(&mut self, upper: &str, exprs: &[&ast::Expr]) -> SqlResult<Expr> {
        let Some((first, rest)) = exprs.split_first() else {
            return Err(error::argument_count(&upper.to_lowercase(), 3));
        };
        let part_name = match first {
            ast::Expr::Identifier(i) => i.value.clone(),
            other => other.to_string(),
        };
        let part = Part::named(&part_name).ok_or_else(|| {
            SqlError::batch(155, 1, 15, format!("'{part_name}' is not a recognized {} option.", upper.to_lowercase()))
        })?;
        let args = rest.iter().map(|e| self.value(e)).collect::<SqlResult<Vec<_>>>()?;
        let code = Expr::constant(Value::Int(part as i32), types::int());
        super::niladic::date_function(self, upper, code, args)
    }

    fn aggregate(
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

    fn window(&mut self, upper: &str, list: &[&ast::FunctionArg], over: &ast::WindowType) -> SqlResult<Expr> {
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

fn strip(e: &ast::Expr) -> &ast::Expr {
    match e {
        ast::Expr::Nested(inner) => strip(inner),
        other => other,
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

fn aggregate_kind(upper: &str, star: bool) -> Option<AggregateKind> {
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

/// A number as written.
pub fn number_literal(t: &str) -> SqlResult<Expr> {
    if t.contains(['e', 'E']) {
        let f: f64 = t.parse().map_err(|_| error::syntax(t))?;
        return Ok(Expr::constant(Value::Float(f), types::plain(Base::Float)));
    }
    if !t.contains('.')
        && let Ok(n) = t.parse::<i32>()
    {
        return Ok(Expr::constant(Value::Int(n), types::int()));
    }
    let digits = t.trim_start_matches('0');
    let d = Decimal::parse(t).ok_or_else(|| {
        SqlError::batch(
            1007,
            1,
            15,
            format!("The number '{t}' is out of the range for numeric representation (maximum precision 38)."),
        )
    })?;
    let whole = digits.split('.').next().unwrap_or("").len() as u8;
    let precision = (whole + d.scale).clamp(1, 38);
    let ty = types::decimal(Base::Numeric, precision, d.scale);
    let v = Value::Decimal { negative: false, magnitude: d.magnitude, precision, scale: d.scale };
    Ok(Expr::constant(v, ty))
}

/// An operator of comparison.
pub fn comparison(op: &ast::BinaryOperator) -> Option<Comparison> {
    use ast::BinaryOperator as B;
    Some(match op {
        B::Eq => Comparison::Eq,
        B::NotEq => Comparison::Ne,
        B::Lt => Comparison::Lt,
        B::LtEq => Comparison::Le,
        B::Gt => Comparison::Gt,
        B::GtEq => Comparison::Ge,
        _ => return None,
    })
}

/// An operator of arithmetic.
pub fn operator(op: &ast::BinaryOperator) -> Option<Operator> {
    use ast::BinaryOperator as B;
    Some(match op {
        B::Plus => Operator::Add,
        B::Minus => Operator::Subtract,
        B::Multiply => Operator::Multiply,
        B::Divide => Operator::Divide,
        B::Modulo => Operator::Modulo,
        B::BitwiseAnd => Operator::BitAnd,
        B::BitwiseOr => Operator::BitOr,
        B::BitwiseXor => Operator::BitXor,
        _ => return None,
    })
}

/// A value brought to the type it is compared in; text stays as long as it is.
pub fn comparable(e: Expr, ty: &SqlType) -> Expr {
    if is_text(ty.base) && is_text(e.ty.base) && is_wide(ty.base) == is_wide(e.ty.base) {
        return e;
    }
    let ty = if is_text(ty.base) {
        SqlType { length: MAX, base: if is_wide(ty.base) { Base::NVarChar } else { Base::VarChar }, ..ty.clone() }
    } else if matches!(ty.base, Base::Binary) {
        SqlType { base: Base::VarBinary, ..ty.clone() }
    } else {
        ty.clone()
    };
    if types::is_binary(ty.base) && types::is_binary(e.ty.base) {
        return e;
    }
    e.cast(&ty)
}

/// `a op b`.
pub fn compare(op: Comparison, a: Expr, b: Expr) -> SqlResult<Expr> {
    for side in [&a, &b] {
        if matches!(side.ty.base, Base::Text | Base::NText | Base::Image | Base::Xml)
            && !matches!(side.node, Node::Const(Value::Null))
        {
            return Err(error::incompatible_types(
                name(a.ty.base),
                name(b.ty.base),
                &format!(
                    "{} to",
                    match op {
                        Comparison::Eq => "equal",
                        Comparison::Ne => "not equal",
                        Comparison::Lt | Comparison::Le => "less than",
                        Comparison::Gt | Comparison::Ge => "greater than",
                    }
                ),
            ));
        }
    }
    let mut ty = types::unify(&a.ty, &b.ty);
    // A condition as operand of = would be one too many.
    ty.collation = resolve_collation(&a, &b, "equal to")?;
    let (low, high) = if types::precedence(a.ty.base) < types::precedence(b.ty.base) { (&a, &b) } else { (&b, &a) };
    if !super::convert::allowed(low.ty.base, high.ty.base) && !matches!(low.node, Node::Const(Value::Null)) {
        return Err(error::type_clash(name(low.ty.base), name(high.ty.base)));
    }
    let node = Node::Compare(op, Box::new(comparable(a, &ty)), Box::new(comparable(b, &ty)));
    // The collation of the comparison rides on its type.
    Ok(Expr { node, ty: SqlType { collation: ty.collation, ..types::bit() }, nullable: true })
}

/// `a op b` of numbers, or `+` of text.
pub fn arithmetic(op: Operator, a: Expr, b: Expr) -> SqlResult<Expr> {
    // A bare NULL takes the type of the other side.
    let null = |e: &Expr| matches!(e.node, Node::Const(Value::Null));
    let (a, b) = if null(&a) && !null(&b) {
        (Expr::constant(Value::Null, b.ty.clone()), b)
    } else if null(&b) && !null(&a) {
        let ty = a.ty.clone();
        (a, Expr::constant(Value::Null, ty))
    } else {
        (a, b)
    };
    let (ta, tb, mut ty) = arithmetic_type(op, &a.ty, &b.ty)?;
    let nullable = a.nullable || b.nullable;
    if is_text(ty.base) || types::is_binary(ty.base) {
        if is_text(ty.base) {
            ty.collation = resolve_collation(&a, &b, "add")?;
        }
        let (a, b) = (
            a.cast(&SqlType { collation: ty.collation.clone(), ..ta }),
            b.cast(&SqlType { collation: ty.collation.clone(), ..tb }),
        );
        return Ok(Expr { node: Node::Concat(Box::new(a), Box::new(b)), ty, nullable });
    }
    Ok(Expr { node: Node::Arithmetic(op, Box::new(a.cast(&ta)), Box::new(b.cast(&tb))), ty, nullable })
}

/// CASE with results brought to one type.
pub fn case(whens: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> SqlResult<Expr> {
    let mut ty: Option<SqlType> = None;
    let mut strongest = 0;
    let mut collation = None;
    for r in whens.iter().map(|(_, r)| r).chain(&otherwise) {
        if matches!(r.node, Node::Const(Value::Null)) {
            continue;
        }
        let s = strength(r);
        if s > strongest && r.ty.collation.is_some() {
            strongest = s;
            collation = r.ty.collation.clone();
        }
        ty = Some(match ty {
            None => r.ty.clone(),
            Some(t) => types::unify(&t, &r.ty),
        });
    }
    let mut ty = ty.unwrap_or_else(types::int);
    if collation.is_some() && is_text(ty.base) {
        ty.collation = collation;
    }
    let nullable = otherwise.as_ref().is_none_or(|o| o.nullable) || whens.iter().any(|(_, r)| r.nullable);
    // COALESCE ends with a value that may not be NULL and is then NOT NULL only if that one is (fact 31 says nullable).
    let whens = whens.into_iter().map(|(c, r)| (c, r.cast(&ty))).collect();
    let otherwise = otherwise.map(|o| Box::new(o.cast(&ty)));
    Ok(Expr { node: Node::Case { whens, otherwise }, ty, nullable })
}

/// A value as text, if it is not.
pub fn to_text(e: Expr, default: &Arc<Collation>) -> Expr {
    if is_text(e.ty.base) {
        return e;
    }
    let ty = match e.ty.base {
        Base::Variant => types::nvarchar(4000, default),
        _ => types::text(Base::VarChar, types::display_width(&e.ty).min(8000), default),
    };
    e.cast(&ty)
}

fn cast_plan(plan: Plan, column: &Expr, ty: &SqlType) -> Plan {
    let e = comparable(column.clone(), ty);
    if matches!(e.node, Node::Column { .. }) {
        return plan;
    }
    Plan::Project { input: Box::new(plan), exprs: vec![e] }
}
