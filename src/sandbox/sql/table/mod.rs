//! Rows of a table and the keys of its indexes: how they are written together, and what refuses them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::sandbox::meta::{Check, ForeignKey, Index, IndexKind, Object, ReferentialAction, Table};
use crate::sandbox::storage::Link;
use crate::sandbox::value::{Base, MAX, SqlType, Value};

use super::bind::{Binder, Scope};
use super::convert::{self, How, TooLong};
use super::error::{self, SqlError, SqlResult};
use super::expr::{Context, Env, Expr};
use super::key;
use super::module;
use super::niladic::shown;
use super::plan::{TableScan, damaged, stored_columns};
use super::session::SqlSession;

/// Whether the rows of an index are kept as ordered keys (columnstores, XML and spatial indexes are metadata only).
pub fn kept(ix: &Index) -> bool {
    matches!(ix.kind, IndexKind::Clustered | IndexKind::Nonclustered | IndexKind::Hash)
}

/// A table made ready for reading and writing whole rows.
pub struct Access {
    /// Its database.
    pub database: i32,
    /// Its schema.
    pub schema: String,
    /// `db.schema.table`, as errors 515 and 2628 name it.
    pub full_name: String,
    /// The table.
    pub object: Arc<Object>,
    /// How its rows are read.
    pub scan: TableScan,
    /// Its columns by name.
    pub scope: Scope,
    /// Computed columns that are stored.
    persisted: Vec<(usize, Expr)>,
    /// The kept indexes with their filters.
    indexes: Vec<(Index, Option<Expr>)>,
    /// The enabled checks.
    checks: Vec<(Check, Expr)>,
}

/// Rows to be changed.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Changes {
    pub inserts: Vec<Vec<Value>>,
    pub updates: Vec<(i64, Vec<Value>, Vec<Value>)>,
    pub deletes: Vec<(i64, Vec<Value>)>,
}

impl SqlSession {
    /// Makes a table ready.
    pub fn access(&self, database: i32, schema: &str, object: &Arc<Object>) -> SqlResult<Access> {
        let table = object.table().ok_or_else(|| error::invalid_object(&object.name))?;
        let mut b = Binder::new(self, database);
        let (scan, mut scope) = b.scan(database, schema, object.clone(), None)?;
        scan.used.borrow_mut().iter_mut().for_each(|u| *u = true);
        scope.columns.iter_mut().for_each(|c| c.used = None);
        b.scopes.push(scope.clone());
        let mut persisted = Vec::new();
        for (i, c) in table.columns.iter().enumerate() {
            if let (Some(computed), true) = (&c.computed, c.stored()) {
                let e = module::expression(&computed.definition)?;
                persisted.push((i, b.value(&e)?.cast(&c.ty)));
            }
        }
        let mut indexes = Vec::new();
        for ix in table.indexes.iter().filter(|ix| kept(ix) && !ix.disabled) {
            let filter = match &ix.filter {
                None => None,
                Some(f) => Some(b.condition(&module::expression(f)?)?),
            };
            indexes.push((ix.clone(), filter));
        }
        let mut checks = Vec::new();
        for c in table.checks.iter().filter(|c| !c.disabled) {
            checks.push((c.clone(), b.condition(&module::expression(&c.definition)?)?));
        }
        Ok(Access {
            database,
            schema: schema.to_string(),
            full_name: format!("{}.{schema}.{}", self.database_name(database), object.name),
            object: object.clone(),
            scan,
            scope,
            persisted,
            indexes,
            checks,
        })
    }

    /// The default of a column as an expression of its type.
    pub fn default_of(&self, access: &Access, at: usize) -> SqlResult<Option<Expr>> {
        let column = &access.table().columns[at];
        let Some(d) = &column.default else { return Ok(None) };
        let mut b = Binder::new(self, access.database);
        Ok(Some(b.value(&module::expression(&d.definition)?)?.cast(&column.ty)))
    }
}

impl Access {
    /// The table.
    pub fn table(&self) -> &Table {
        // An access is only made of tables.
        static NONE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::default);
        self.object.table().unwrap_or(&NONE)
    }

    /// A stored row as a row of the table.
    pub fn read(&self, ctx: &Context<'_>, body: &[u8]) -> SqlResult<Vec<Value>> {
        let stored = self.scan.form.decode(body).map_err(damaged)?;
        let mut row = Vec::with_capacity(self.scan.columns.len());
        self.scan.widen(ctx, &stored, &mut row)?;
        Ok(row)
    }

    /// Works out the computed columns of a row.
    pub fn compute(&self, ctx: &Context<'_>, row: &mut [Value]) -> SqlResult<()> {
        for (at, e) in &self.persisted {
            row[*at] = e.eval(&Env { ctx, row, outer: None })?;
        }
        for (at, place) in self.scan.columns.iter().enumerate() {
            if let super::plan::Place::Computed(e) = place {
                row[at] = e.eval(&Env { ctx, row, outer: None })?;
            }
        }
        Ok(())
    }

    /// A row as it is stored.
    pub fn write(&self, row: &[Value]) -> SqlResult<Vec<u8>> {
        let stored: Vec<Value> = stored_columns(self.table()).iter().map(|(i, _)| row[*i].clone()).collect();
        let mut body = Vec::new();
        self.scan.form.encode(&stored, &mut body).map_err(damaged)?;
        Ok(body)
    }

    /// The key of a row in an index; `None` if the index does not have it.
    pub fn key(&self, ctx: &Context<'_>, at: usize, row: &[Value], id: i64) -> SqlResult<Option<Vec<u8>>> {
        let (ix, filter) = &self.indexes[at];
        if let Some(f) = filter
            && !f.holds(&Env { ctx, row, outer: None })?
        {
            return Ok(None);
        }
        let mut out = Vec::new();
        for k in ix.keys() {
            if let Some(i) = self.place(k.column_id) {
                key::encode(&mut out, &row[i], &self.table().columns[i].ty, k.descending);
            }
        }
        if !ix.unique {
            out.extend_from_slice(&id.to_be_bytes());
        }
        Ok(Some(out))
    }

    /// The place of a column.
    pub fn place(&self, column_id: i32) -> Option<usize> {
        self.table().columns.iter().position(|c| c.id == column_id)
    }

    /// The kept indexes.
    pub fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().map(|(ix, _)| ix)
    }

    /// A key as errors print it: `(1, <NULL>)`.
    pub fn printed(&self, ix: &Index, row: &[Value]) -> String {
        let values: Vec<String> = ix
            .keys()
            .filter_map(|k| self.place(k.column_id))
            .map(|i| match &row[i] {
                Value::Null => "<NULL>".to_string(),
                v => shown(v, &self.table().columns[i].ty).unwrap_or_default(),
            })
            .collect();
        format!("({})", values.join(", "))
    }

    fn duplicate(&self, ix: &Index, row: &[Value]) -> SqlError {
        let object = format!("{}.{}", self.schema, self.object.name);
        let value = self.printed(ix, row);
        let constraint = if ix.primary_key {
            Some("PRIMARY KEY")
        } else if ix.unique_constraint {
            Some("UNIQUE KEY")
        } else {
            None
        };
        match constraint {
            // Fact 90.
            Some(kind) => SqlError::new(
                2627,
                1,
                14,
                format!(
                    "Violation of {kind} constraint '{}'. Cannot insert duplicate key in object '{object}'. The duplicate key \
                     value is {value}.",
                    ix.name
                ),
            ),
            None => SqlError::new(
                2601,
                1,
                14,
                format!(
                    "Cannot insert duplicate key row in object '{object}' with unique index '{}'. The duplicate key value is \
                     {value}.",
                    ix.name
                ),
            ),
        }
        .with_3621()
    }

    /// Makes the trees of the table and its indexes.
    pub fn ensure(&self, ctx: &Context<'_>) -> SqlResult<()> {
        let link = ctx.session.link(self.database)?;
        link.ensure(self.object.object_id, self.indexes().map(|ix| ix.index_id)).map_err(SqlError::from)
    }

    /// Puts a row whose stored form is at hand.
    pub fn put(&self, ctx: &Context<'_>, link: &Link, row: &[Value], body: &[u8]) -> SqlResult<i64> {
        let id = link.insert(self.object.object_id, body)?;
        self.put_keys(ctx, link, row, id)?;
        Ok(id)
    }

    fn put_keys(&self, ctx: &Context<'_>, link: &Link, row: &[Value], id: i64) -> SqlResult<()> {
        for (at, (ix, _)) in self.indexes.iter().enumerate() {
            if let Some(k) = self.key(ctx, at, row, id)?
                && !link.put_key(self.object.object_id, ix.index_id, &k, id)?
            {
                return Err(self.duplicate(ix, row));
            }
        }
        Ok(())
    }

    fn take_keys(&self, ctx: &Context<'_>, link: &Link, row: &[Value], id: i64) -> SqlResult<()> {
        for (at, (ix, _)) in self.indexes.iter().enumerate() {
            if let Some(k) = self.key(ctx, at, row, id)? {
                link.take_key(self.object.object_id, ix.index_id, &k)?;
            }
        }
        Ok(())
    }

    /// A value as a column stores it.
    pub fn store(&self, at: usize, value: &Value, from: &SqlType) -> SqlResult<Value> {
        let column = &self.table().columns[at];
        let how = How { too_long: TooLong::Refuse, style: if super::types::is_moment(from.base) { 121 } else { 0 } };
        convert::convert(value, from, &column.ty, how).map_err(|e| {
            if e.number != 8152 {
                return e;
            }
            // What fits is shown.
            let cut =
                convert::convert(value, from, &column.ty, How { too_long: TooLong::Cut, ..how }).unwrap_or(Value::Null);
            let text = match cut {
                Value::Binary(_) => String::new(),
                v => shown(&v, &column.ty).unwrap_or_default(),
            };
            error::truncated(&self.full_name, &column.name, text.trim_end())
        })
    }

    /// Refuses NULL where it may not be.
    pub fn check_nulls(&self, row: &[Value], verb: &str) -> SqlResult<()> {
        for (c, v) in self.table().columns.iter().zip(row) {
            if !c.nullable && matches!(v, Value::Null) && c.stored() {
                return Err(error::null_refused(&c.name, &self.full_name, verb));
            }
        }
        Ok(())
    }

    /// Refuses what an enabled check does not let in. A row that was there before is only checked where it changed
    /// (fact 38).
    pub fn check_row(&self, ctx: &Context<'_>, row: &[Value], before: Option<&[Value]>, verb: &str) -> SqlResult<()> {
        for (c, e) in &self.checks {
            if let Some(old) = before {
                let places = c.columns.iter().filter_map(|id| self.place(*id));
                if !c.columns.is_empty() && places.into_iter().all(|i| old[i] == row[i]) {
                    continue;
                }
            }
            if matches!(e.eval(&Env { ctx, row, outer: None })?, Value::Bit(false)) {
                let column = self.table().column(c.parent_column_id).map(|c| c.name.clone());
                return Err(conflict(ctx, verb, "CHECK", &c.head.name, self, column.as_deref()));
            }
        }
        Ok(())
    }

    /// The same scan, reading these columns only.
    pub fn narrowed(&self, places: impl IntoIterator<Item = usize>) -> TableScan {
        let mut used = vec![false; self.scan.columns.len()];
        for p in places {
            used[p] = true;
        }
        TableScan { used: std::rc::Rc::new(std::cell::RefCell::new(used)), ..self.scan.clone() }
    }

    /// The rows that satisfy no check of the table's: whether `check` holds for all.
    pub fn all_satisfy(&self, ctx: &Context<'_>, condition: &Expr) -> SqlResult<bool> {
        let mut holds = true;
        let _ = self.scan.run(ctx, None, &mut |_, row| {
            if matches!(condition.eval(&Env { ctx, row, outer: None })?, Value::Bit(false)) {
                holds = false;
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(holds)
    }
}

/// 547.
pub fn conflict(
    ctx: &Context<'_>,
    verb: &str,
    kind: &str,
    name: &str,
    table: &Access,
    column: Option<&str>,
) -> SqlError {
    let column = column.map(|c| format!(", column '{c}'")).unwrap_or_default();
    SqlError::new(
        547,
        0,
        16,
        format!(
            "The {verb} statement conflicted with the {kind} constraint \"{name}\". The conflict occurred in database \
             \"{}\", table \"{}.{}\"{column}.",
            ctx.session.database_name(table.database),
            table.schema,
            table.object.name
        ),
    )
    .with_3621()
}

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
    fn places(&self) -> Vec<(usize, usize, bool)> {
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

    fn offered(&self, row: &[Value]) -> Vec<u8> {
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

    fn referenced(&self, ctx: &Context<'_>, verb: &str) -> SqlError {
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

    fn references_to(&self, access: &Access) -> SqlResult<Vec<Reference>> {
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

/// Whether a value of a type may be stored as it came: same base, same facets.
pub fn same_storage(a: &SqlType, b: &SqlType) -> bool {
    let text = super::types::is_narrow(a.base);
    a.base == b.base
        && a.length == b.length
        && a.scale == b.scale
        && (a.precision == b.precision || !matches!(a.base, Base::Decimal | Base::Numeric))
        && (!text || super::text::code_page(a.collation.as_deref()) == super::text::code_page(b.collation.as_deref()))
        && (a.length != MAX || b.length == MAX)
}
