//! Changes of a statement as one: rows and keys taken and put, everything checked that refuses them; an index built over
//! the rows that are there.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::{Access, Changes};
use crate::sandbox::meta::ReferentialAction;
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env};
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::value::Value;

impl SqlSession {
    /// Makes changes, with all that refuses or follows them. The database must be ready for writing.
    pub fn apply(
        &self,
        ctx: &Context<'_>,
        access: &Access,
        changes: &mut Changes,
        verb: &str,
        depth: usize,
    ) -> SqlResult<()> {
        if depth > 32 {
            return Err(SqlError::batch(
                217,
                1,
                16,
                "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).",
            ));
        }
        access.ensure(ctx)?;
        let link = self.link(access.database)?;
        let table = access.object.object_id;
        let null_verb = if changes.inserts.is_empty() { "UPDATE" } else { "INSERT" };
        for row in &mut changes.inserts {
            access.compute(ctx, row)?;
            access.check_nulls(row, null_verb)?;
        }
        for (_, _, row) in &mut changes.updates {
            access.compute(ctx, row)?;
            access.check_nulls(row, null_verb)?;
        }
        for row in &changes.inserts {
            access.check_row(ctx, row, None, verb)?;
        }
        for (_, old, new) in &changes.updates {
            access.check_row(ctx, new, Some(old), verb)?;
        }
        for (id, row) in &changes.deletes {
            ctx.tick()?;
            access.take_keys(ctx, link, row, *id)?;
            link.delete(table, *id)?;
        }
        for (id, old, _) in &changes.updates {
            access.take_keys(ctx, link, old, *id)?;
        }
        for (id, _, new) in &changes.updates {
            ctx.tick()?;
            link.update(table, *id, &access.write(new)?)?;
            access.put_keys(ctx, link, new, *id)?;
        }
        for row in &changes.inserts {
            ctx.tick()?;
            access.put(ctx, link, row, &access.write(row)?)?;
        }
        // Parents of what is new.
        if !changes.inserts.is_empty() || !changes.updates.is_empty() {
            for r in self.references_of(access)? {
                let places: Vec<usize> = r.key.columns.iter().filter_map(|(c, _)| access.place(*c)).collect();
                // What a referential action wrote is checked even if it wrote what was there.
                let moved = changes
                    .updates
                    .iter()
                    .filter(|(_, old, new)| depth > 0 || places.iter().any(|p| old[*p] != new[*p]));
                for row in changes.inserts.iter().chain(moved.map(|(_, _, new)| new)) {
                    if !r.satisfied(link, row)? {
                        return Err(r.orphan(ctx, verb));
                    }
                }
            }
        }
        // Children of what is gone.
        if changes.deletes.is_empty() && changes.updates.is_empty() {
            return Ok(());
        }
        for r in self.references_to(access)? {
            // The key that is gone, and what it has become (`None`: deleted).
            let mut gone: HashMap<Vec<u8>, Option<Vec<Value>>> = HashMap::new();
            for (_, row) in &changes.deletes {
                gone.insert(r.offered(row), None);
            }
            for (_, old, new) in &changes.updates {
                let (a, b) = (r.offered(old), r.offered(new));
                if a != b {
                    gone.insert(a, Some(new.clone()));
                }
            }
            if gone.is_empty() {
                continue;
            }
            let mut follow = Changes::default();
            let mut refused = false;
            let places = r.places();
            let mut hits: Vec<(i64, Vec<Value>)> = Vec::new();
            let _ = r.child.scan.run(ctx, None, &mut |id, row| {
                if r.wanted(row).is_some_and(|k| gone.contains_key(&k)) {
                    hits.push((id, row.to_vec()));
                }
                Ok(ControlFlow::Continue(()))
            })?;
            for (id, row) in hits {
                let Some(k) = r.wanted(&row) else { continue };
                let Some(became) = gone.get(&k) else { continue };
                let action = if became.is_none() { r.key.on_delete } else { r.key.on_update };
                match (action, became) {
                    (ReferentialAction::NoAction, _) => {
                        if link.find_key(r.parent.object.object_id, r.key.key_index_id, &k)?.is_none() {
                            refused = true;
                        }
                    }
                    (ReferentialAction::Cascade, None) => follow.deletes.push((id, row)),
                    (ReferentialAction::Cascade, Some(new_parent)) => {
                        let mut new = row.clone();
                        for (c, p, _) in &places {
                            new[*c] = new_parent[*p].clone();
                        }
                        follow.updates.push((id, row, new));
                    }
                    (ReferentialAction::SetNull, _) => {
                        let mut new = row.clone();
                        for (c, _, _) in &places {
                            new[*c] = Value::Null;
                        }
                        follow.updates.push((id, row, new));
                    }
                    (ReferentialAction::SetDefault, _) => {
                        let mut new = row.clone();
                        for (c, _, _) in &places {
                            new[*c] = match self.default_of(&r.child, *c)? {
                                Some(e) => e.eval(&Env { ctx, row: &[], outer: None })?,
                                None => Value::Null,
                            };
                        }
                        follow.updates.push((id, row, new));
                    }
                }
            }
            if refused {
                return Err(r.referenced(ctx, verb));
            }
            if !follow.deletes.is_empty() || !follow.updates.is_empty() {
                self.apply(ctx, &r.child, &mut follow, verb, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Builds the tree of an index over the rows that are there; `Err` with the printed key of a duplicate.
    pub fn build_index(&self, ctx: &Context<'_>, access: &Access, index_id: i32) -> SqlResult<Result<(), String>> {
        let link = self.link(access.database)?;
        let table = access.object.object_id;
        if !link.has_table(table)? {
            return Ok(Ok(()));
        }
        let Some(at) = access.indexes.iter().position(|(ix, _)| ix.index_id == index_id) else { return Ok(Ok(())) };
        let ix = &access.indexes[at].0;
        link.drop_index(table, index_id)?;
        link.make_index(table, index_id)?;
        // Rows mostly come in the order of their clustered key: such keys go straight in. The others are sorted first,
        // side by side in one buffer.
        let mut last: Vec<u8> = Vec::new();
        let mut arena: Vec<u8> = Vec::new();
        let mut late: Vec<(usize, u32, i64)> = Vec::new();
        let mut duplicate = None;
        // A filter may look at any column.
        let scan = match &access.indexes[at].1 {
            Some(_) => access.scan.clone(),
            None => access.narrowed(ix.keys().filter_map(|k| access.place(k.column_id))),
        };
        link.put_all(table, index_id, |put| {
            let _ = scan.run(ctx, None, &mut |id, row| {
                let Some(k) = access.key(ctx, at, row, id)? else { return Ok(ControlFlow::Continue(())) };
                if k > last {
                    if !put(&k, id)? {
                        duplicate = Some(access.printed(ix, row));
                        return Ok(ControlFlow::Break(()));
                    }
                    last = k;
                } else {
                    late.push((arena.len(), k.len() as u32, id));
                    arena.extend_from_slice(&k);
                }
                Ok(ControlFlow::Continue(()))
            })?;
            if let Some(d) = duplicate {
                return Ok(Err(d));
            }
            late.sort_unstable_by(|a, b| arena[a.0..a.0 + a.1 as usize].cmp(&arena[b.0..b.0 + b.1 as usize]));
            for (from, length, id) in late {
                ctx.tick()?;
                if !put(&arena[from..from + length as usize], id)? {
                    let body = link.row(table, id)?.unwrap_or_default();
                    return Ok(Err(access.printed(ix, &access.read(ctx, &body)?)));
                }
            }
            Ok(Ok(()))
        })
    }
}
