//! Aggregates and window functions.

use std::collections::HashSet;

use crate::sandbox::value::{Base, SqlType, Value};

use super::convert::{self, How, decimal_of, float_of, integer_of};
use super::error::{self, SqlResult};
use super::expr::{Context, Env, Expr};
use super::key;
use super::number::Decimal;
use super::text;
use super::types;

/// Which aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    CountRows,
    Count,
    Sum,
    Avg,
    Min,
    Max,
    StringAgg,
    Checksum,
    Variance { sample: bool, root: bool },
}

/// An aggregate in a query.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// Which.
    pub kind: Kind,
    /// Its argument (none for COUNT(*)).
    pub argument: Option<Expr>,
    /// STRING_AGG's separator.
    pub separator: Option<Expr>,
    /// WITHIN GROUP.
    pub order: Vec<(Expr, bool)>,
    /// DISTINCT.
    pub distinct: bool,
    /// The type of its result.
    pub ty: SqlType,
}

impl AggregateCall {
    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.argument.iter().chain(&self.separator).chain(self.order.iter().map(|(e, _)| e))
    }

    /// Whether it only counts rows.
    pub fn counts_rows(&self) -> bool {
        self.kind == Kind::CountRows
    }

    /// The type that an aggregate of a type has.
    pub fn result_type(kind: Kind, big: bool, argument: Option<&SqlType>) -> SqlResult<SqlType> {
        let a = argument.cloned().unwrap_or_else(types::int);
        let refuse = |op: &str| Err(error::invalid_operand(types::name(a.base), op));
        Ok(match kind {
            Kind::CountRows | Kind::Count => {
                if big {
                    types::bigint()
                } else {
                    types::int()
                }
            }
            Kind::Sum | Kind::Avg => match a.base {
                Base::TinyInt | Base::SmallInt | Base::Int => types::int(),
                Base::BigInt => types::bigint(),
                Base::Decimal | Base::Numeric if kind == Kind::Sum => types::decimal(a.base, 38, a.scale),
                Base::Decimal | Base::Numeric => types::decimal(a.base, 38, a.scale.max(6)),
                Base::Money | Base::SmallMoney => types::plain(Base::Money),
                Base::Float | Base::Real => types::plain(Base::Float),
                _ => return refuse(if kind == Kind::Sum { "sum" } else { "avg" }),
            },
            Kind::Min | Kind::Max => {
                let op = if kind == Kind::Min { "min" } else { "max" };
                match a.base {
                    Base::Bit | Base::Text | Base::NText | Base::Image | Base::Xml => return refuse(op),
                    _ => a,
                }
            }
            Kind::StringAgg => a,
            Kind::Checksum => types::int(),
            Kind::Variance { .. } => types::plain(Base::Float),
        })
    }
}

/// What has been gathered for one aggregate of a group.
#[derive(Debug, Default)]
struct State {
    count: i64,
    decimal: Option<Decimal>,
    float: f64,
    squares: f64,
    best: Option<Value>,
    texts: Vec<(Vec<u8>, String)>,
    separator: String,
    sum: i32,
    seen: HashSet<Vec<u8>>,
    nulls: bool,
}

/// A group: its values and the aggregates over it.
#[derive(Debug)]
pub struct Group {
    values: Vec<Value>,
    states: Vec<State>,
}

impl Group {
    /// An empty group.
    pub fn new(values: Vec<Value>, calls: &[AggregateCall]) -> Group {
        Group { values, states: calls.iter().map(|_| State::default()).collect() }
    }

    /// Counts rows that nobody reads.
    pub fn add_rows(&mut self, n: i64, calls: &[AggregateCall]) {
        for (s, c) in self.states.iter_mut().zip(calls) {
            if c.counts_rows() {
                s.count += n;
            }
        }
    }

    /// Takes a row.
    pub fn take(&mut self, calls: &[AggregateCall], env: &Env<'_>) -> SqlResult<()> {
        for (s, c) in self.states.iter_mut().zip(calls) {
            s.take(c, env)?;
        }
        Ok(())
    }

    /// The group's values and results.
    pub fn finish(&mut self, calls: &[AggregateCall], ctx: &Context<'_>) -> SqlResult<Vec<Value>> {
        let mut row = std::mem::take(&mut self.values);
        for (s, c) in self.states.iter_mut().zip(calls) {
            if s.nulls {
                ctx.session.null_eliminated();
            }
            row.push(s.finish(c)?);
        }
        Ok(row)
    }
}

impl State {
    fn take(&mut self, call: &AggregateCall, env: &Env<'_>) -> SqlResult<()> {
        let Some(argument) = &call.argument else {
            self.count += 1;
            return Ok(());
        };
        let v = argument.eval(env)?;
        if matches!(v, Value::Null) && call.kind != Kind::Checksum {
            self.nulls = true;
            return Ok(());
        }
        if call.distinct {
            let mut k = Vec::new();
            key::encode(&mut k, &v, &argument.ty, false);
            if !self.seen.insert(k) {
                return Ok(());
            }
        }
        self.count += 1;
        match call.kind {
            Kind::CountRows | Kind::Count => {}
            Kind::Sum | Kind::Avg => {
                if call.ty.base == Base::Float {
                    self.float += float_of(&v).unwrap_or(0.0);
                } else {
                    let d = decimal_of(&v).unwrap_or(Decimal::from_i128(0));
                    self.decimal = Some(match self.decimal {
                        None => d,
                        Some(s) => s.plus(d).ok_or_else(|| error::overflow("expression", types::name(call.ty.base)))?,
                    });
                }
            }
            Kind::Min | Kind::Max => {
                let better = match &self.best {
                    None => true,
                    Some(b) => {
                        let o = convert::compare(&v, b, &argument.ty);
                        o.is_some_and(|o| if call.kind == Kind::Min { o.is_lt() } else { o.is_gt() })
                    }
                };
                if better {
                    self.best = Some(v);
                }
            }
            Kind::StringAgg => {
                let mut k = Vec::new();
                for (e, descending) in &call.order {
                    key::encode(&mut k, &e.eval(env)?, &e.ty, *descending);
                }
                if let Some(s) = &call.separator {
                    self.separator = text::text_of(&s.eval(env)?, s.ty.collation.as_deref());
                }
                self.texts.push((k, text::text_of(&v, argument.ty.collation.as_deref())));
            }
            Kind::Checksum => self.sum ^= integer_of(&v).unwrap_or(0) as i32,
            Kind::Variance { .. } => {
                let f = float_of(&v).unwrap_or(0.0);
                self.float += f;
                self.squares += f * f;
            }
        }
        Ok(())
    }

    fn finish(&mut self, call: &AggregateCall) -> SqlResult<Value> {
        Ok(match call.kind {
            Kind::CountRows | Kind::Count => {
                if call.ty.base == Base::BigInt {
                    Value::BigInt(self.count)
                } else {
                    Value::Int(i32::try_from(self.count).map_err(|_| error::overflow("expression", "int"))?)
                }
            }
            _ if self.count == 0 && call.kind != Kind::Checksum => Value::Null,
            Kind::Sum if call.ty.base == Base::Float => Value::Float(self.float),
            Kind::Avg if call.ty.base == Base::Float => Value::Float(self.float / self.count as f64),
            Kind::Sum => convert::make_number(&call.ty, self.decimal.unwrap_or(Decimal::from_i128(0)), "expression")?,
            Kind::Avg => {
                let sum = self.decimal.unwrap_or(Decimal::from_i128(0));
                let n = Decimal::from_i128(i128::from(self.count));
                let scale = match call.ty.base {
                    Base::Money => 4,
                    _ => call.ty.scale,
                };
                let d = sum.divide(n, scale).ok_or_else(|| error::overflow("expression", types::name(call.ty.base)))?;
                convert::make_number(&call.ty, d, "expression")?
            }
            Kind::Min | Kind::Max => self.best.take().unwrap_or(Value::Null),
            Kind::StringAgg => {
                self.texts.sort_by(|a, b| a.0.cmp(&b.0));
                let all: Vec<&str> = self.texts.iter().map(|(_, t)| t.as_str()).collect();
                let t = text::wide(&all.join(&self.separator));
                let from =
                    types::text(Base::NVarChar, crate::sandbox::value::MAX, &crate::sandbox::collation::default());
                convert::convert(&t, &from, &call.ty, How::default())?
            }
            Kind::Checksum => Value::Int(self.sum),
            Kind::Variance { sample, root } => {
                let n = self.count as f64;
                let divisor = if sample { n - 1.0 } else { n };
                if divisor <= 0.0 {
                    return Ok(Value::Null);
                }
                let v = ((self.squares - self.float * self.float / n) / divisor).max(0.0);
                Value::Float(if root { v.sqrt() } else { v })
            }
        })
    }
}

/// Which window function.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Over {
    RowNumber,
    Rank,
    DenseRank,
    Ntile(Expr),
    /// LAG, or LEAD when `ahead`.
    Shift {
        value: Expr,
        by: Expr,
        default: Option<Expr>,
        ahead: bool,
    },
    Edge {
        value: Expr,
        last: bool,
    },
    Aggregate(AggregateCall),
}

/// A window function in a query.
#[derive(Debug, Clone)]
pub struct WindowCall {
    /// Which.
    pub over: Over,
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// ORDER BY.
    pub order: Vec<(Expr, bool)>,
}

impl WindowCall {
    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let own: Vec<&Expr> = match &self.over {
            Over::RowNumber | Over::Rank | Over::DenseRank => vec![],
            Over::Ntile(e) => vec![e],
            Over::Shift { value, by, default, .. } => {
                [Some(value), Some(by), default.as_ref()].into_iter().flatten().collect()
            }
            Over::Edge { value, .. } => vec![value],
            Over::Aggregate(call) => call.expressions().collect(),
        };
        own.into_iter().chain(&self.partition).chain(self.order.iter().map(|(e, _)| e))
    }
}

/// Appends the values of window functions to each row.
pub fn windows(
    rows: &mut [Vec<Value>],
    calls: &[WindowCall],
    ctx: &Context<'_>,
    outer: Option<&Env<'_>>,
) -> SqlResult<()> {
    for call in calls {
        let mut order: Vec<(Vec<u8>, Vec<u8>, usize)> = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            ctx.tick()?;
            let env = Env { ctx, row, outer };
            let (mut partition, mut place) = (Vec::new(), Vec::new());
            for e in &call.partition {
                key::encode(&mut partition, &e.eval(&env)?, &e.ty, false);
            }
            for (e, descending) in &call.order {
                key::encode(&mut place, &e.eval(&env)?, &e.ty, *descending);
            }
            order.push((partition, place, at));
        }
        order.sort();
        let mut results: Vec<Value> = vec![Value::Null; rows.len()];
        let mut start = 0;
        while start < order.len() {
            let end = start + order[start..].iter().take_while(|o| o.0 == order[start].0).count();
            let part = &order[start..end];
            one_partition(part, rows, call, ctx, outer, &mut results)?;
            start = end;
        }
        for (row, v) in rows.iter_mut().zip(results) {
            row.push(v);
        }
    }
    Ok(())
}

fn one_partition(
    part: &[(Vec<u8>, Vec<u8>, usize)],
    rows: &[Vec<Value>],
    call: &WindowCall,
    ctx: &Context<'_>,
    outer: Option<&Env<'_>>,
    results: &mut [Value],
) -> SqlResult<()> {
    let env = |at: usize| Env { ctx, row: &rows[at], outer };
    match &call.over {
        Over::RowNumber => {
            for (n, (_, _, at)) in part.iter().enumerate() {
                results[*at] = Value::BigInt(n as i64 + 1);
            }
        }
        Over::Rank | Over::DenseRank => {
            let dense = matches!(call.over, Over::DenseRank);
            let (mut rank, mut different) = (0i64, 0i64);
            for (n, (_, place, at)) in part.iter().enumerate() {
                if n == 0 || part[n - 1].1 != *place {
                    rank = n as i64 + 1;
                    different += 1;
                }
                results[*at] = Value::BigInt(if dense { different } else { rank });
            }
        }
        Over::Ntile(e) => {
            let buckets = integer_of(&e.eval(&env(part[0].2))?).unwrap_or(1).max(1) as usize;
            let (size, extra) = (part.len() / buckets, part.len() % buckets);
            for (n, (_, _, at)) in part.iter().enumerate() {
                let big = extra * (size + 1);
                let bucket = if n < big { n / (size + 1) } else { extra + (n - big) / size.max(1) };
                results[*at] = Value::BigInt(bucket as i64 + 1);
            }
        }
        Over::Shift { value, by, default, ahead } => {
            for (n, (_, _, at)) in part.iter().enumerate() {
                let by = integer_of(&by.eval(&env(*at))?).unwrap_or(1);
                let to = if *ahead { n as i64 + by } else { n as i64 - by };
                results[*at] = match usize::try_from(to).ok().and_then(|t| part.get(t)) {
                    Some((_, _, from)) => value.eval(&env(*from))?,
                    None => default.as_ref().map_or(Ok(Value::Null), |d| d.eval(&env(*at)))?,
                };
            }
        }
        Over::Edge { value, last } => {
            for (n, (_, place, at)) in part.iter().enumerate() {
                let from = if *last { n + part[n..].iter().take_while(|p| p.1 == *place).count() - 1 } else { 0 };
                results[*at] = value.eval(&env(part[from].2))?;
            }
        }
        Over::Aggregate(aggregate) => {
            let calls = std::slice::from_ref(aggregate);
            if call.order.is_empty() {
                let mut group = Group::new(Vec::new(), calls);
                for (_, _, at) in part {
                    group.take(calls, &env(*at))?;
                }
                let v = group.finish(calls, ctx)?.pop().unwrap_or(Value::Null);
                for (_, _, at) in part {
                    results[*at] = v.clone();
                }
            } else {
                // RANGE UNBOUNDED PRECEDING: peers share their value.
                let mut n = 0;
                let mut upto = 0;
                while n < part.len() {
                    let peers = part[n..].iter().take_while(|p| p.1 == part[n].1).count();
                    upto += peers;
                    let mut group = Group::new(Vec::new(), calls);
                    for (_, _, at) in &part[..upto] {
                        group.take(calls, &env(*at))?;
                    }
                    let v = group.finish(calls, ctx)?.pop().unwrap_or(Value::Null);
                    for (_, _, at) in &part[n..n + peers] {
                        results[*at] = v.clone();
                    }
                    n += peers;
                }
            }
        }
    }
    Ok(())
}
