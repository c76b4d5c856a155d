//! Each kind of expression bound: conditions, conversions, CASE, and queries inside expressions.

use std::rc::Rc;

use sqlparser::ast;

use crate::sandbox::collation;
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Comparison, Expr, Node};
use crate::sandbox::sql::plan::Plan;
use crate::sandbox::sql::types::{self, is_text, is_wide, name};
use crate::sandbox::sql::{convert, functions, moment, select, text};
use crate::sandbox::value::{Base, SqlType, Value};

use super::Binder;
use super::operators::{case, comparable, compare, comparison, resolve_collation, to_text};

impl Binder<'_> {
    /// An expression as it stands, whatever the groups are.
    pub(super) fn plain(&mut self, e: &ast::Expr) -> SqlResult<Expr> {
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
                if !matches!(&zone.node, Node::Const(c) if text::text_of(c, None).eq_ignore_ascii_case("UTC")) {
                    return Err(error::unsupported("AT TIME ZONE"));
                }
                let ty = types::scaled(Base::DateTimeOffset, scale);
                Ok(functions::make("AT TIME ZONE", true, ty, vec![v], |_, v, _, ty| {
                    let m = moment::Moment::of(&v[0]).map(|m| match m.offset {
                        Some(o) => {
                            let t = m.ticks - i64::from(o) * 600_000_000;
                            moment::Moment {
                                days: m.days + t.div_euclid(moment::DAY_TICKS),
                                ticks: t.rem_euclid(moment::DAY_TICKS),
                                offset: Some(0),
                            }
                        }
                        None => moment::Moment { offset: Some(0), ..m },
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

    /// A call that the grammar writes in its own way, by the name of its function.
    pub(super) fn named(&mut self, function: &str, args: &[&ast::Expr]) -> SqlResult<Expr> {
        let args = args.iter().map(|a| self.value(a)).collect::<SqlResult<Vec<_>>>()?;
        let c = self.collation();
        functions::bind(function, args, &c)?.ok_or_else(|| error::unknown_function(function))
    }

    fn convert(&mut self, v: Expr, ty: SqlType, style: Option<Box<Expr>>, try_only: bool) -> SqlResult<Expr> {
        if !convert::allowed(v.ty.base, ty.base) && !matches!(v.node, Node::Const(Value::Null)) {
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
    pub fn subquery(&mut self, q: &ast::Query) -> SqlResult<select::Bound> {
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
}

fn strip(e: &ast::Expr) -> &ast::Expr {
    match e {
        ast::Expr::Nested(inner) => strip(inner),
        other => other,
    }
}

fn cast_plan(plan: Plan, column: &Expr, ty: &SqlType) -> Plan {
    let e = comparable(column.clone(), ty);
    if matches!(e.node, Node::Column { .. }) {
        return plan;
    }
    Plan::Project { input: Box::new(plan), exprs: vec![e] }
}
