//! Rows of a table and the keys of its indexes: how a row and its keys are written and read, and what refuses a row.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::sandbox::meta::{Check, Index, IndexKind, Object, Table};
use crate::sandbox::sql::bind::{Binder, Scope};
use crate::sandbox::sql::convert::{self, How, TooLong};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env, Expr};
use crate::sandbox::sql::niladic::shown;
use crate::sandbox::sql::plan::{TableScan, damaged, stored_columns};
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::sql::{key, module};
use crate::sandbox::storage::Link;
use crate::sandbox::value::{Base, MAX, SqlType, Value};

mod change;
mod reference;

pub use reference::Reference;

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
            if let crate::sandbox::sql::plan::Place::Computed(e) = place {
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
        let how = How {
            too_long: TooLong::Refuse,
            style: if crate::sandbox::sql::types::is_moment(from.base) { 121 } else { 0 },
        };
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

/// Whether a value of a type may be stored as it came: same base, same facets.
pub fn same_storage(a: &SqlType, b: &SqlType) -> bool {
    let text = crate::sandbox::sql::types::is_narrow(a.base);
    a.base == b.base
        && a.length == b.length
        && a.scale == b.scale
        && (a.precision == b.precision || !matches!(a.base, Base::Decimal | Base::Numeric))
        && (!text
            || crate::sandbox::sql::text::code_page(a.collation.as_deref())
                == crate::sandbox::sql::text::code_page(b.collation.as_deref()))
        && (a.length != MAX || b.length == MAX)
}
