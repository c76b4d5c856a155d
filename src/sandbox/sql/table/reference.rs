//! Foreign keys between rows: which parent a child wants, and whether it is there.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Access, conflict};
use crate::sandbox::meta::{ForeignKey, Object};
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::Context;
use crate::sandbox::sql::key;
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::storage::Link;
use crate::sandbox::value::Value;

/// A foreign key with both its tables.
pub struct Reference {
    /// The key.
    pub key: ForeignKey,
    /// The referencing table.
    pub child: Access,
    /// The referenced one.
    pub parent: Access,
}

impl Reference {
    /// Places in the child and in the parent, in the order of the referenced index.
    pub(super) fn places(&self) -> Vec<(usize, usize, bool)> {
        let Some(ix) = self.parent.table().index(self.key.key_index_id) else { return Vec::new() };
        ix.keys()
            .filter_map(|k| {
                let (child, parent) = self.key.columns.iter().find(|(_, p)| *p == k.column_id)?;
                Some((self.child.place(*child)?, self.parent.place(*parent)?, k.descending))
            })
            .collect()
    }

    /// The referenced key of a child's row; `None` if a part is NULL.
    pub fn wanted(&self, row: &[Value]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for (c, p, descending) in self.places() {
            if matches!(row[c], Value::Null) {
                return None;
            }
            key::encode(&mut out, &row[c], &self.parent.table().columns[p].ty, descending);
        }
        Some(out)
    }

    pub(super) fn offered(&self, row: &[Value]) -> Vec<u8> {
        let mut out = Vec::new();
        for (_, p, descending) in self.places() {
            key::encode(&mut out, &row[p], &self.parent.table().columns[p].ty, descending);
        }
        out
    }

    /// Whether a child's row has its parent.
    pub fn satisfied(&self, link: &Link, row: &[Value]) -> SqlResult<bool> {
        let Some(wanted) = self.wanted(row) else { return Ok(true) };
        Ok(link.find_key(self.parent.object.object_id, self.key.key_index_id, &wanted)?.is_some())
    }

    /// Whether all of the child's rows have their parents.
    pub fn holds(&self, ctx: &Context<'_>) -> SqlResult<bool> {
        let link = ctx.session.link(self.parent.database)?;
        let mut holds = true;
        let scan = self.child.narrowed(self.places().into_iter().map(|(c, _, _)| c));
        let _ = scan.run(ctx, None, &mut |_, row| {
            if !self.satisfied(link, row)? {
                holds = false;
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(holds)
    }

    fn same_table(&self) -> bool {
        self.key.referenced_object_id == self.child.object.object_id
    }

    /// 547 of a child that has no parent.
    pub fn orphan(&self, ctx: &Context<'_>, verb: &str) -> SqlError {
        let kind = if self.same_table() { "FOREIGN KEY SAME TABLE" } else { "FOREIGN KEY" };
        let column = match self.key.columns.as_slice() {
            [(_, p)] => self.parent.table().column(*p).map(|c| c.name.clone()),
            _ => None,
        };
        conflict(ctx, verb, kind, &self.key.head.name, &self.parent, column.as_deref())
    }

    pub(super) fn referenced(&self, ctx: &Context<'_>, verb: &str) -> SqlError {
        let kind = if self.same_table() { "SAME TABLE REFERENCE" } else { "REFERENCE" };
        let column = match self.key.columns.as_slice() {
            [(c, _)] => self.child.table().column(*c).map(|c| c.name.clone()),
            _ => None,
        };
        conflict(ctx, verb, kind, &self.key.head.name, &self.child, column.as_deref())
    }
}

impl SqlSession {
    /// A foreign key of a table.
    pub fn reference(&self, database: i32, child: &Arc<Object>, key: &ForeignKey) -> SqlResult<Option<Reference>> {
        let Some(db) = self.database_meta(database) else { return Ok(None) };
        let parent = if key.referenced_object_id == child.object_id {
            child.clone()
        } else {
            match db.object(key.referenced_object_id) {
                Some(p) => p.clone(),
                None => return Ok(None),
            }
        };
        Ok(Some(Reference {
            key: key.clone(),
            child: self.access(database, db.schema_name(child.schema_id), child)?,
            parent: self.access(database, db.schema_name(parent.schema_id), &parent)?,
        }))
    }

    /// The enabled foreign keys of a table.
    pub fn references_of(&self, access: &Access) -> SqlResult<Vec<Reference>> {
        let mut out = Vec::new();
        for k in access.table().foreign_keys.iter().filter(|k| !k.disabled) {
            out.extend(self.reference(access.database, &access.object, k)?);
        }
        Ok(out)
    }

    pub(super) fn references_to(&self, access: &Access) -> SqlResult<Vec<Reference>> {
        let Some(db) = self.database_meta(access.database) else { return Ok(Vec::new()) };
        let mut out = Vec::new();
        for child in db.referencing(access.object.object_id) {
            let Some(table) = child.table() else { continue };
            for k in &table.foreign_keys {
                if k.referenced_object_id == access.object.object_id && !k.disabled {
                    out.extend(self.reference(access.database, child, k)?);
                }
            }
        }
        Ok(out)
    }
}
