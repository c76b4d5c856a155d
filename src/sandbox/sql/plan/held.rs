//! Rows held while a statement runs, as they are or by key: shared plans, joins, look-ups, IN and EXISTS.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use crate::sandbox::sql::error::SqlResult;
use crate::sandbox::sql::expr::{Context, Env, Expr};
use crate::sandbox::sql::{convert, key};
use crate::sandbox::storage::Stop;
use crate::sandbox::value::{SqlType, Value};

use super::{GO, Join, JoinKind, Plan, Sink};

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

impl Plan {
    /// Rows that are computed once in a statement.
    pub(super) fn held(&self, ctx: &Context<'_>) -> SqlResult<Rc<Vec<Vec<Value>>>> {
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

/// A key of expressions; `None` if one is NULL.
pub(super) fn key_of<'e>(
    exprs: impl Iterator<Item = (&'e Expr, &'e SqlType)>,
    env: &Env<'_>,
) -> SqlResult<Option<Vec<u8>>> {
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
pub(super) fn hashed(
    ctx: &Context<'_>,
    id: usize,
    input: &Plan,
    keys: &[(Expr, Expr, SqlType)],
) -> SqlResult<Rc<HashTable>> {
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
    /// Its rows: the right side is held, the left side goes by.
    pub(super) fn run(&self, ctx: &Context<'_>, outer: Option<&Env<'_>>, out: &mut Sink<'_>) -> SqlResult<Stop> {
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
