//! Plans run: the rows of each kind of plan, given to a consumer one after the other.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use crate::sandbox::sql::aggregate::{self, Group};
use crate::sandbox::sql::error::SqlResult;
use crate::sandbox::sql::expr::{Context, Env};
use crate::sandbox::sql::{convert, key};
use crate::sandbox::storage::Stop;
use crate::sandbox::value::{SqlType, Value};

use super::held::{hashed, key_of};
use super::{GO, Plan, Sink};

impl Plan {
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
                aggregate::windows(&mut rows, calls, ctx, outer)?;
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
}

/// The key of a whole row.
fn row_key(row: &[Value], types: &[SqlType]) -> Vec<u8> {
    key::of(row.iter().zip(types).map(|(v, ty)| (v, ty, false)))
}
