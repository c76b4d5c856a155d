//! Plans: what a bound query does, row by row. Rows are pushed to a consumer that may stop them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use crate::sandbox::meta::Object;
use crate::sandbox::rowform::{RowForm, decode_data};
use crate::sandbox::storage::{Order, Stop, after};
use crate::sandbox::value::{Base, SqlType, Value};

use super::aggregate::{AggregateCall, Group, WindowCall};
use super::convert;
use super::error::{SqlError, SqlResult};
use super::expr::{Context, Env, Expr, Node};
use super::hook::VirtualTable;
use super::key;

/// Takes a row.
pub type Sink<'s> = dyn FnMut(&[Value]) -> SqlResult<Stop> + 's;

const GO: SqlResult<Stop> = Ok(ControlFlow::Continue(()));

/// Rows of a plan by a key.
#[derive(Debug, Default)]
pub struct HashTable {
    /// The rows.
    pub rows: Rc<Vec<Vec<Value>>>,
    /// Their places by key.
    pub places: HashMap<Vec<u8>, Vec<u32>>,
    /// Whether a key was NULL.
    pub nulls: bool,
}

/// How a table is read.
#[derive(Debug, Clone)]
pub struct TableScan {
    /// Its database.
    pub database: i32,
    /// The table.
    pub object: Arc<Object>,
    /// How rows are stored.
    pub form: Rc<RowForm>,
    /// For each column of the table: its place in the stored row, or its expression over the row.
    pub columns: Vec<Place>,
    /// Which columns somebody reads.
    pub used: Rc<RefCell<Vec<bool>>>,
    /// An index to read by, and the keys it is to have (constants or outer columns).
    pub seek: Option<(i32, Vec<Expr>)>,
    /// An index to read in the order of.
    pub order: Option<(i32, bool)>,
    /// What rows must satisfy.
    pub filter: Option<Expr>,
    /// Whether the row's id follows its columns.
    pub with_id: bool,
}

/// Where a column comes from.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Place {
    Stored(usize),
    Computed(Box<Expr>),
    /// Nowhere (a column set): NULL.
    Nothing,
}

/// How two inputs are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// A join.
#[derive(Debug, Clone)]
pub struct Join {
    /// Its number in the statement.
    pub id: usize,
    /// The kind.
    pub kind: JoinKind,
    /// Left input and its width.
    pub left: Box<Plan>,
    /// See there.
    pub left_width: usize,
    /// Right input and its width.
    pub right: Box<Plan>,
    /// See there.
    pub right_width: usize,
    /// Pairs that must be equal: over the left row, over the right row, compared as a type.
    pub keys: Vec<(Expr, Expr, SqlType)>,
    /// What the joined row must satisfy besides.
    pub residual: Option<Expr>,
}

/// A plan.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Plan {
    /// One row without columns.
    Dual,
    Table(Box<TableScan>),
    /// A catalogue view.
    Virtual {
        id: usize,
        database: i32,
        table: VirtualTable,
    },
    /// Rows at hand: a table variable.
    Held(super::session::HeldRows),
    Values(Vec<Vec<Expr>>),
    Filter {
        input: Box<Plan>,
        condition: Expr,
    },
    /// Rows of a plan that does not depend on outer rows, by outer values.
    Lookup {
        id: usize,
        input: Box<Plan>,
        keys: Vec<(Expr, Expr, SqlType)>,
        residual: Option<Expr>,
    },
    Project {
        input: Box<Plan>,
        exprs: Vec<Expr>,
    },
    Join(Box<Join>),
    Apply {
        left: Box<Plan>,
        right: Box<Plan>,
        right_width: usize,
        outer: bool,
    },
    Aggregate {
        input: Box<Plan>,
        groups: Vec<Expr>,
        calls: Vec<AggregateCall>,
    },
    Windows {
        input: Box<Plan>,
        calls: Vec<WindowCall>,
    },
    Distinct {
        input: Box<Plan>,
        types: Vec<SqlType>,
    },
    Sort {
        input: Box<Plan>,
        keys: Vec<(Expr, bool)>,
    },
    Top {
        input: Box<Plan>,
        count: Expr,
        percent: bool,
        ties: Vec<Expr>,
    },
    Page {
        input: Box<Plan>,
        offset: Expr,
        count: Option<Expr>,
    },
    Append(Vec<Plan>),
    /// EXCEPT, or INTERSECT when `both`.
    Except {
        left: Box<Plan>,
        right: Box<Plan>,
        types: Vec<SqlType>,
        both: bool,
    },
    /// The first columns only.
    Cut {
        input: Box<Plan>,
        width: usize,
    },
    /// Computed once in a statement.
    Shared {
        id: usize,
        plan: Rc<Plan>,
    },
}

impl Plan {
    /// Visits every expression with the number of queries between it and this plan.
    pub fn expressions(&self, level: usize, visit: &mut dyn FnMut(&Expr, usize)) {
        let mut one = |e: &Expr| e.walk(&mut |e| visit(e, level));
        match self {
            Plan::Dual | Plan::Virtual { .. } | Plan::Held(_) => {}
            Plan::Table(t) => {
                if let Some((_, keys)) = &t.seek {
                    keys.iter().for_each(&mut one);
                }
                if let Some(f) = &t.filter {
                    one(f);
                }
            }
            Plan::Values(rows) => rows.iter().flatten().for_each(one),
            Plan::Filter { input, condition } => {
                one(condition);
                input.expressions(level, visit);
            }
            Plan::Lookup { input, keys, residual, .. } => {
                keys.iter().for_each(|(a, b, _)| {
                    one(a);
                    one(b);
                });
                residual.iter().for_each(&mut one);
                input.expressions(level, visit);
            }
            Plan::Project { input, exprs } => {
                exprs.iter().for_each(one);
                input.expressions(level, visit);
            }
            Plan::Join(j) => {
                j.keys.iter().for_each(|(a, b, _)| {
                    one(a);
                    one(b);
                });
                j.residual.iter().for_each(&mut one);
                j.left.expressions(level, visit);
                j.right.expressions(level, visit);
            }
            Plan::Apply { left, right, .. } => {
                left.expressions(level, visit);
                right.expressions(level + 1, visit);
            }
            Plan::Aggregate { input, groups, calls } => {
                groups.iter().for_each(&mut one);
                calls.iter().flat_map(|c| c.expressions()).for_each(one);
                input.expressions(level, visit);
            }
            Plan::Windows { input, calls } => {
                calls.iter().flat_map(|c| c.expressions()).for_each(one);
                input.expressions(level, visit);
            }
            Plan::Distinct { input, .. } | Plan::Cut { input, .. } => input.expressions(level, visit),
            Plan::Sort { input, keys } => {
                keys.iter().for_each(|(e, _)| one(e));
                input.expressions(level, visit);
            }
            Plan::Top { input, count, ties, .. } => {
                one(count);
                ties.iter().for_each(one);
                input.expressions(level, visit);
            }
            Plan::Page { input, offset, count } => {
                one(offset);
                count.iter().for_each(one);
                input.expressions(level, visit);
            }
            Plan::Append(parts) => parts.iter().for_each(|p| p.expressions(level, visit)),
            Plan::Except { left, right, .. } => {
                left.expressions(level, visit);
                right.expressions(level, visit);
            }
            Plan::Shared { .. } => {}
        }
    }

    /// Whether it reads a row of a query around it.
    pub fn depends(&self) -> bool {
        fn look(plan: &Plan, level: usize, found: &mut bool) {
            let mut inner: Vec<(Rc<Plan>, usize)> = Vec::new();
            plan.expressions(level, &mut |e, level| match &e.node {
                Node::Column { depth, .. } if *depth > level => *found = true,
                Node::InQuery { plan, .. }
                | Node::Quantified { plan, .. }
                | Node::Exists { plan, .. }
                | Node::Scalar(plan) => {
                    inner.push((plan.clone(), level + 1));
                }
                _ => {}
            });
            for (plan, level) in inner {
                if !*found {
                    look(&plan, level, found);
                }
            }
        }
        let mut found = false;
        look(self, 0, &mut found);
        found
    }

    /// [`Plan::run`] for one who knows himself whether he stopped.
    pub fn each(&self, ctx: &Context<'_>, outer: Option<&Env<'_>>, out: &mut Sink<'_>) -> SqlResult<()> {
        self.run(ctx, outer, out).map(|_| ())
    }

    /// Its rows, each given to `out`.
    pub fn run(&self, ctx: &Context<'_>, outer: Option<&Env<'_>>, out: &mut Sink<'_>) -> SqlResult<Stop> {
        match self {
            Plan::Dual => out(&[]),
            Plan::Table(scan) => scan.run(ctx, outer, &mut |_, row| out(row)),
            // Read once, its rows need not be held.
            Plan::Virtual { id, database, table } if outer.is_none() && !ctx.cache.borrow().contains_key(id) => {
                let mut stopped = false;
                let used = table.used.borrow().clone();
                (table.rows)(ctx.session, *database, &used, &mut |row| {
                    ctx.tick()?;
                    let go = out(row)?;
                    stopped = go.is_break();
                    Ok(go)
                })?;
                if stopped { Ok(ControlFlow::Break(())) } else { GO }
            }
            Plan::Virtual { .. } | Plan::Shared { .. } => {
                for row in self.held(ctx)?.iter() {
                    ctx.tick()?;
                    if out(row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Held(rows) => {
                let rows = rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
                for row in &rows {
                    if out(row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Values(rows) => {
                let env = Env { ctx, row: &[], outer };
                for exprs in rows {
                    let row = exprs.iter().map(|e| e.eval(&env)).collect::<SqlResult<Vec<_>>>()?;
                    if out(&row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Filter { input, condition } => input.run(ctx, outer, &mut |row| {
                ctx.tick()?;
                if condition.holds(&Env { ctx, row, outer })? { out(row) } else { GO }
            }),
            Plan::Lookup { id, input, keys, residual } => {
                let table = hashed(ctx, *id, input, keys)?;
                let env = Env { ctx, row: &[], outer };
                let Some(wanted) = key_of(keys.iter().map(|(_, b, ty)| (b, ty)), &env)? else { return GO };
                for at in table.places.get(&wanted).into_iter().flatten() {
                    ctx.tick()?;
                    let row = &table.rows[*at as usize];
                    let passes = match residual {
                        None => true,
                        Some(r) => r.holds(&Env { ctx, row, outer })?,
                    };
                    if passes && out(row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Project { input, exprs } => {
                let mut row_out = Vec::with_capacity(exprs.len());
                input.run(ctx, outer, &mut |row| {
                    row_out.clear();
                    let env = Env { ctx, row, outer };
                    for e in exprs {
                        row_out.push(e.eval(&env)?);
                    }
                    out(&row_out)
                })
            }
            Plan::Join(join) => join.run(ctx, outer, out),
            Plan::Apply { left, right, right_width, outer: keeps } => left.run(ctx, outer, &mut |row| {
                let env = Env { ctx, row, outer };
                let mut any = false;
                let mut joined = Vec::with_capacity(row.len() + right_width);
                let stop = right.run(ctx, Some(&env), &mut |r| {
                    any = true;
                    joined.clear();
                    joined.extend_from_slice(row);
                    joined.extend_from_slice(r);
                    out(&joined)
                })?;
                if !any && *keeps {
                    joined.extend_from_slice(row);
                    joined.resize(row.len() + right_width, Value::Null);
                    return out(&joined);
                }
                Ok(stop)
            }),
            Plan::Aggregate { input, groups, calls } => {
                let mut found: Vec<Group> = Vec::new();
                let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
                if groups.is_empty() {
                    found.push(Group::new(Vec::new(), calls));
                }
                let mut key = Vec::new();
                // COUNT(*) of a whole table is what the storage knows.
                if let (true, Plan::Table(scan), [only]) = (groups.is_empty(), input.as_ref(), calls.as_slice())
                    && only.counts_rows()
                    && scan.filter.is_none()
                    && scan.seek.is_none()
                {
                    let n = ctx.session.link(scan.database)?.count(scan.object.object_id)?;
                    found[0].add_rows(n, calls);
                    let row = found[0].finish(calls, ctx)?;
                    return out(&row);
                }
                input.each(ctx, outer, &mut |row| {
                    ctx.tick()?;
                    let env = Env { ctx, row, outer };
                    let at = if groups.is_empty() {
                        0
                    } else {
                        key.clear();
                        let mut values = Vec::with_capacity(groups.len());
                        for g in groups {
                            let v = g.eval(&env)?;
                            key::encode(&mut key, &v, &g.ty, false);
                            values.push(v);
                        }
                        match places.get(&key) {
                            Some(at) => *at,
                            None => {
                                places.insert(key.clone(), found.len());
                                found.push(Group::new(values, calls));
                                found.len() - 1
                            }
                        }
                    };
                    found[at].take(calls, &env)?;
                    GO
                })?;
                for group in &mut found {
                    let row = group.finish(calls, ctx)?;
                    if out(&row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Windows { input, calls } => {
                let mut rows = input.collect(ctx, outer)?;
                super::aggregate::windows(&mut rows, calls, ctx, outer)?;
                for row in &rows {
                    if out(row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Distinct { input, types } => {
                let mut seen: HashSet<Vec<u8>> = HashSet::new();
                input.run(ctx, outer, &mut |row| {
                    if seen.insert(row_key(row, types)) { out(row) } else { GO }
                })
            }
            Plan::Sort { input, keys } => {
                let mut rows: Vec<(Vec<u8>, Vec<Value>)> = Vec::new();
                input.each(ctx, outer, &mut |row| {
                    ctx.tick()?;
                    let env = Env { ctx, row, outer };
                    let mut k = Vec::new();
                    for (e, descending) in keys {
                        key::encode(&mut k, &e.eval(&env)?, &e.ty, *descending);
                    }
                    rows.push((k, row.to_vec()));
                    GO
                })?;
                rows.sort_by(|a, b| a.0.cmp(&b.0));
                for (_, row) in &rows {
                    if out(row)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Top { input, count, percent, ties } => {
                let env = Env { ctx, row: &[], outer };
                let count = count.eval(&env)?;
                if *percent {
                    let share = convert::float_of(&count).unwrap_or(0.0);
                    let rows = input.collect(ctx, outer)?;
                    let n = (rows.len() as f64 * share / 100.0).ceil() as usize;
                    for row in rows.iter().take(n) {
                        if out(row)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    return GO;
                }
                let n = convert::integer_of(&count).unwrap_or(0);
                if n <= 0 && ties.is_empty() {
                    return GO;
                }
                let mut left = n;
                let mut last: Option<Vec<u8>> = None;
                let mut stopped = false;
                input.each(ctx, outer, &mut |row| {
                    let env = Env { ctx, row, outer };
                    if left <= 0 {
                        let k = key_of(ties.iter().map(|e| (e, &e.ty)), &env)?;
                        if ties.is_empty() || k != last {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    left -= 1;
                    if left == 0 && !ties.is_empty() {
                        last = key_of(ties.iter().map(|e| (e, &e.ty)), &env)?;
                    }
                    let stop = out(row)?;
                    stopped |= stop.is_break();
                    if left <= 0 && ties.is_empty() {
                        return Ok(ControlFlow::Break(()));
                    }
                    Ok(stop)
                })?;
                Ok(if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            }
            Plan::Page { input, offset, count } => {
                let env = Env { ctx, row: &[], outer };
                let mut skip = convert::integer_of(&offset.eval(&env)?).unwrap_or(0);
                let mut left = match count {
                    None => i64::MAX,
                    Some(c) => convert::integer_of(&c.eval(&env)?).unwrap_or(0),
                };
                let mut stopped = false;
                input.each(ctx, outer, &mut |row| {
                    if skip > 0 {
                        skip -= 1;
                        return GO;
                    }
                    if left <= 0 {
                        return Ok(ControlFlow::Break(()));
                    }
                    left -= 1;
                    let stop = out(row)?;
                    stopped |= stop.is_break();
                    Ok(stop)
                })?;
                Ok(if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            }
            Plan::Append(parts) => {
                for part in parts {
                    if part.run(ctx, outer, out)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                GO
            }
            Plan::Except { left, right, types, both } => {
                let mut there = HashSet::new();
                right.each(ctx, outer, &mut |row| {
                    there.insert(row_key(row, types));
                    GO
                })?;
                let mut seen = HashSet::new();
                left.run(ctx, outer, &mut |row| {
                    let k = row_key(row, types);
                    if there.contains(&k) == *both && seen.insert(k) { out(row) } else { GO }
                })
            }
            Plan::Cut { input, width } => input.run(ctx, outer, &mut |row| out(&row[..*width])),
        }
    }

    /// All its rows.
    pub fn collect(&self, ctx: &Context<'_>, outer: Option<&Env<'_>>) -> SqlResult<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        self.each(ctx, outer, &mut |row| {
            rows.push(row.to_vec());
            GO
        })?;
        Ok(rows)
    }

    /// Rows that are computed once in a statement.
    fn held(&self, ctx: &Context<'_>) -> SqlResult<Rc<Vec<Vec<Value>>>> {
        let id = match self {
            Plan::Virtual { id, .. } | Plan::Shared { id, .. } => *id,
            _ => return Ok(Rc::new(self.collect(ctx, None)?)),
        };
        if let Some(rows) = ctx.cache.borrow().get(&id) {
            return Ok(rows.clone());
        }
        let rows = Rc::new(match self {
            Plan::Virtual { database, table, .. } => {
                let mut rows = Vec::new();
                let used = table.used.borrow().clone();
                (table.rows)(ctx.session, *database, &used, &mut |row| {
                    ctx.tick()?;
                    rows.push(row.to_vec());
                    GO
                })?;
                rows
            }
            Plan::Shared { plan, .. } => plan.collect(ctx, None)?,
            _ => Vec::new(),
        });
        ctx.cache.borrow_mut().insert(id, rows.clone());
        Ok(rows)
    }

    /// Whether there is a row (EXISTS).
    pub fn any(&self, env: &Env<'_>) -> SqlResult<bool> {
        let mut found = false;
        self.each(env.ctx, Some(env), &mut |_| {
            found = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Whether a value is in the first column (IN): unknown if it is not, but NULL is.
    pub fn contains(self: &Rc<Self>, env: &Env<'_>, value: &Value, ty: &SqlType) -> SqlResult<Option<bool>> {
        let ctx = env.ctx;
        if let Plan::Shared { id, .. } = self.as_ref() {
            let cached = ctx.hashes.borrow().get(id).cloned();
            let table = match cached {
                Some(t) => t,
                None => {
                    let rows = self.held(ctx)?;
                    let mut t = HashTable { rows: rows.clone(), ..HashTable::default() };
                    for (at, row) in rows.iter().enumerate() {
                        if matches!(row[0], Value::Null) {
                            t.nulls = true;
                            continue;
                        }
                        let mut k = Vec::new();
                        key::encode(&mut k, &row[0], ty, false);
                        t.places.entry(k).or_default().push(at as u32);
                    }
                    let t = Rc::new(t);
                    ctx.hashes.borrow_mut().insert(*id, t.clone());
                    t
                }
            };
            if table.rows.is_empty() {
                return Ok(Some(false));
            }
            if matches!(value, Value::Null) {
                return Ok(None);
            }
            let mut k = Vec::new();
            key::encode(&mut k, value, ty, false);
            return Ok(if table.places.contains_key(&k) {
                Some(true)
            } else if table.nulls {
                None
            } else {
                Some(false)
            });
        }
        let (mut hit, mut unknown) = (false, false);
        self.each(ctx, Some(env), &mut |row| {
            match convert::compare(value, &row[0], ty) {
                Some(o) if o.is_eq() => {
                    hit = true;
                    return Ok(ControlFlow::Break(()));
                }
                None => unknown = true,
                _ => {}
            }
            GO
        })?;
        Ok(if hit {
            Some(true)
        } else if unknown {
            None
        } else {
            Some(false)
        })
    }
}

/// The key of a whole row.
pub fn row_key(row: &[Value], types: &[SqlType]) -> Vec<u8> {
    key::of(row.iter().zip(types).map(|(v, ty)| (v, ty, false)))
}

/// A key of expressions; `None` if one is NULL.
fn key_of<'e>(exprs: impl Iterator<Item = (&'e Expr, &'e SqlType)>, env: &Env<'_>) -> SqlResult<Option<Vec<u8>>> {
    let mut out = Vec::new();
    for (e, ty) in exprs {
        let v = e.eval(env)?;
        if matches!(v, Value::Null) {
            return Ok(None);
        }
        key::encode(&mut out, &v, ty, false);
    }
    Ok(Some(out))
}

/// The rows of a plan that depends on nothing outside, by key; made once in a statement.
fn hashed(ctx: &Context<'_>, id: usize, input: &Plan, keys: &[(Expr, Expr, SqlType)]) -> SqlResult<Rc<HashTable>> {
    if let Some(t) = ctx.hashes.borrow().get(&id) {
        return Ok(t.clone());
    }
    let rows = match input {
        Plan::Virtual { .. } | Plan::Shared { .. } => input.held(ctx)?,
        _ => Rc::new(input.collect(ctx, None)?),
    };
    let mut table = HashTable { rows: rows.clone(), ..HashTable::default() };
    for (at, row) in rows.iter().enumerate() {
        ctx.tick()?;
        let env = Env { ctx, row, outer: None };
        if let Some(k) = key_of(keys.iter().map(|(a, _, ty)| (a, ty)), &env)? {
            table.places.entry(k).or_default().push(at as u32);
        }
    }
    let table = Rc::new(table);
    ctx.hashes.borrow_mut().insert(id, table.clone());
    Ok(table)
}

impl Join {
    fn run(&self, ctx: &Context<'_>, outer: Option<&Env<'_>>, out: &mut Sink<'_>) -> SqlResult<Stop> {
        // The right side is held, by key where there are keys.
        let once = !self.right.depends();
        let cached = if once { ctx.hashes.borrow().get(&self.id).cloned() } else { None };
        let table = match cached {
            Some(t) => t,
            None => {
                let rows = match self.right.as_ref() {
                    Plan::Virtual { .. } | Plan::Shared { .. } => self.right.held(ctx)?,
                    other => Rc::new(other.collect(ctx, outer)?),
                };
                let mut t = HashTable { rows: rows.clone(), ..HashTable::default() };
                if !self.keys.is_empty() {
                    for (at, row) in rows.iter().enumerate() {
                        ctx.tick()?;
                        let env = Env { ctx, row, outer };
                        if let Some(k) = key_of(self.keys.iter().map(|(_, b, ty)| (b, ty)), &env)? {
                            t.places.entry(k).or_default().push(at as u32);
                        }
                    }
                }
                let t = Rc::new(t);
                if once {
                    ctx.hashes.borrow_mut().insert(self.id, t.clone());
                }
                t
            }
        };
        let keeps_right = matches!(self.kind, JoinKind::Right | JoinKind::Full);
        let keeps_left = matches!(self.kind, JoinKind::Left | JoinKind::Full);
        let mut met = if keeps_right { vec![false; table.rows.len()] } else { Vec::new() };
        let mut joined: Vec<Value> = Vec::with_capacity(self.left_width + self.right_width);
        let stop = self.left.run(ctx, outer, &mut |row| {
            ctx.tick()?;
            let env = Env { ctx, row, outer };
            let mut any = false;
            let mut pair = |at: usize, any: &mut bool, met: &mut Vec<bool>| -> SqlResult<Stop> {
                joined.clear();
                joined.extend_from_slice(row);
                joined.extend_from_slice(&table.rows[at]);
                let passes = match &self.residual {
                    None => true,
                    Some(r) => {
                        ctx.tick()?;
                        r.holds(&Env { ctx, row: &joined, outer })?
                    }
                };
                if passes {
                    *any = true;
                    if keeps_right {
                        met[at] = true;
                    }
                    return out(&joined);
                }
                GO
            };
            if self.keys.is_empty() {
                for at in 0..table.rows.len() {
                    if pair(at, &mut any, &mut met)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            } else if let Some(k) = key_of(self.keys.iter().map(|(a, _, ty)| (a, ty)), &env)? {
                for at in table.places.get(&k).into_iter().flatten() {
                    if pair(*at as usize, &mut any, &mut met)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            if !any && keeps_left {
                joined.clear();
                joined.extend_from_slice(row);
                joined.resize(self.left_width + self.right_width, Value::Null);
                return out(&joined);
            }
            GO
        })?;
        if stop.is_break() || !keeps_right {
            return Ok(stop);
        }
        for (at, row) in table.rows.iter().enumerate() {
            if !met[at] {
                joined.clear();
                joined.resize(self.left_width, Value::Null);
                joined.extend_from_slice(row);
                if out(&joined)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        GO
    }
}

impl TableScan {
    /// Its rows with their ids.
    pub fn run(
        &self,
        ctx: &Context<'_>,
        outer: Option<&Env<'_>>,
        out: &mut dyn FnMut(i64, &[Value]) -> SqlResult<Stop>,
    ) -> SqlResult<Stop> {
        let link = ctx.session.link(self.database)?;
        let (mut from, mut to) = (None, None);
        let mut order = self.order;
        if let Some((index, keys)) = &self.seek {
            let Some(table) = self.object.table() else { return GO };
            let Some(ix) = table.index(*index) else { return GO };
            let env = Env { ctx, row: &[], outer };
            let mut prefix = Vec::new();
            for (e, k) in keys.iter().zip(ix.keys()) {
                let v = e.eval(&env)?;
                if matches!(v, Value::Null) {
                    return GO;
                }
                key::encode(&mut prefix, &v, &e.ty, k.descending);
            }
            to = Some(after(&prefix));
            from = Some(prefix);
            if order.is_none() {
                order = Some((*index, false));
            }
        }
        let bounds =
            order.map(|(index, backwards)| Order { index, from: from.as_deref(), to: to.as_deref(), backwards });
        let used = self.used.borrow().clone();
        // Computed columns need the columns they are made of, so one of them asks for all.
        let all = self.columns.iter().zip(&used).any(|(p, u)| *u && matches!(p, Place::Computed(_)));
        let mut wanted = vec![all; self.form.len()];
        for (place, used) in self.columns.iter().zip(&used) {
            if let (Place::Stored(at), true) = (place, used) {
                wanted[*at] = true;
            }
        }
        let mut stored: Vec<Value> = Vec::with_capacity(self.form.len());
        let mut row: Vec<Value> = Vec::with_capacity(self.columns.len());
        let mut stop = ControlFlow::Continue(());
        link.scan::<SqlError>(self.object.object_id, bounds, |id, body| {
            ctx.tick()?;
            stored.clear();
            for (at, cell) in self.form.cells(body).enumerate() {
                let cell = cell.map_err(damaged)?;
                stored.push(match (cell.data, wanted[at], self.form.column(at)) {
                    (Some(data), true, Some(ty)) => decode_data(ty, data).map_err(|f| damaged(f.at(at, ty.base)))?,
                    _ => Value::Null,
                });
            }
            self.widen(ctx, &stored, &mut row)?;
            if self.with_id {
                row.push(Value::BigInt(id));
            }
            if let Some(f) = &self.filter
                && !f.holds(&Env { ctx, row: &row, outer })?
            {
                return GO;
            }
            stop = out(id, &row)?;
            Ok(stop)
        })?;
        Ok(stop)
    }

    /// The table's row of a stored row.
    pub fn widen(&self, ctx: &Context<'_>, stored: &[Value], row: &mut Vec<Value>) -> SqlResult<()> {
        row.clear();
        let mut computed = false;
        for place in &self.columns {
            row.push(match place {
                Place::Stored(at) => stored[*at].clone(),
                Place::Computed(_) => {
                    computed = true;
                    Value::Null
                }
                Place::Nothing => Value::Null,
            });
        }
        if computed {
            let used = self.used.borrow();
            for (at, place) in self.columns.iter().enumerate() {
                if let (Place::Computed(e), true) = (place, used[at]) {
                    row[at] = e.eval(&Env { ctx, row, outer: None })?;
                }
            }
        }
        Ok(())
    }

    /// Whether its rows can go out as they lie.
    pub fn plain(&self) -> bool {
        self.filter.is_none() && self.seek.is_none()
    }
}

/// A stored row that cannot be read.
pub fn damaged(e: impl std::fmt::Display) -> SqlError {
    SqlError::batch(824, 2, 24, format!("SQL Server detected a logical consistency-based I/O error: {e}."))
}

/// The stored columns of a table, in order: `(column index, type)`.
pub fn stored_columns(table: &crate::sandbox::meta::Table) -> Vec<(usize, SqlType)> {
    table.columns.iter().enumerate().filter(|(_, c)| c.stored()).map(|(i, c)| (i, c.ty.clone())).collect()
}

/// The row form of a table.
pub fn row_form(table: &crate::sandbox::meta::Table) -> RowForm {
    let types: Vec<SqlType> = stored_columns(table).into_iter().map(|(_, ty)| ty).collect();
    RowForm::new(types.iter())
}

/// Whether a type can be in a key at all.
pub fn orders(base: Base) -> bool {
    !matches!(base, Base::Text | Base::NText | Base::Image | Base::Xml | Base::Geometry | Base::Geography | Base::Clr)
}
