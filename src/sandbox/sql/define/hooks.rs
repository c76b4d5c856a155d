//! What the catalogue asks about rows while it executes a definition, answered from the rows.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::to_ddl;
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::hooks::{BuildError, Fill, Hooks};
use crate::sandbox::meta::object::OutputColumn;
use crate::sandbox::meta::{Check, Database, ForeignKey, Index, Module, ModuleKind, Object, Table};
use crate::sandbox::sql::bind::{Binder, Scope};
use crate::sandbox::sql::convert::{How, TooLong, convert};
use crate::sandbox::sql::dml::{identity_value, next_identity};
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env};
use crate::sandbox::sql::module;
use crate::sandbox::sql::session::{SqlSession, Variable};
use crate::sandbox::sql::table::kept;
use crate::sandbox::value::{Base, SqlType, Value};

/// What the catalogue asks while it executes a definition.
pub(super) struct RowHooks<'a> {
    pub(super) session: &'a mut SqlSession,
}

impl RowHooks<'_> {
    /// Lets names be looked up in the database as it will be.
    fn over(&self, database: &Database) {
        self.session.overlay.replace(Some(Arc::new(database.clone())));
    }

    fn schema<'d>(&self, database: &'d Database, object: &Object) -> &'d str {
        database.schema_name(object.schema_id)
    }

    /// Whether a table has rows at all; its database must be open.
    fn stored(&mut self, database: &Database, table: &Object) -> SqlResult<bool> {
        self.session.start_read([database.database_id])?;
        Ok(self.session.link(database.database_id)?.has_table(table.object_id)?)
    }

    fn altered(&mut self, database: &Database, before: &Object, after: &Object, fills: &[Fill]) -> SqlResult<()> {
        if !self.stored(database, before)? {
            return Ok(());
        }
        let (Some(old), Some(new)) = (before.table(), after.table()) else { return Ok(()) };
        let shape = |t: &Table| -> Vec<(i32, SqlType)> {
            t.columns.iter().filter(|c| c.stored()).map(|c| (c.id, c.ty.clone())).collect()
        };
        if shape(old) == shape(new) {
            return Ok(());
        }
        self.over(database);
        let id = database.database_id;
        let session: &SqlSession = self.session;
        let schema = self.schema(database, after);
        let from = session.access(id, schema, &Arc::new(before.clone()))?;
        let to = session.access(id, schema, &Arc::new(after.clone()))?;
        let ctx = Context::new(session);
        let env = Env { ctx: &ctx, row: &[], outer: None };
        let mut values: HashMap<i32, crate::sandbox::sql::expr::Expr> = HashMap::new();
        for f in fills {
            if let (Some(text), Some(c)) = (&f.default, new.column(f.column_id)) {
                let mut b = Binder::new(session, id);
                values.insert(f.column_id, b.value(&module::expression(text)?)?.cast(&c.ty));
            }
        }
        let link = session.link(id)?;
        let mut rewritten: Vec<(i64, Vec<u8>)> = Vec::new();
        let _ = from.scan.run(&ctx, None, &mut |row_id, row| {
            let mut fresh = Vec::with_capacity(new.columns.len());
            for c in &new.columns {
                let was = old.columns.iter().position(|o| o.id == c.id);
                fresh.push(match was {
                    Some(at) if old.columns[at].ty == c.ty => row[at].clone(),
                    Some(at) => {
                        let how = How { too_long: TooLong::Refuse, style: 0 };
                        convert(&row[at], &old.columns[at].ty, &c.ty, how)?
                    }
                    None if c.ty.base == Base::RowVersion => {
                        let n = session.engine.next_rowversion(id);
                        Value::Binary(n.to_be_bytes().as_slice().into())
                    }
                    None => match (&c.identity, values.get(&c.id)) {
                        (Some(i), _) => identity_value(&c.ty, next_identity(i))?,
                        (None, Some(e)) => e.eval(&env)?,
                        (None, None) => Value::Null,
                    },
                });
            }
            to.compute(&ctx, &mut fresh)?;
            rewritten.push((row_id, to.write(&fresh)?));
            Ok(ControlFlow::Continue(()))
        })?;
        for (row_id, body) in &rewritten {
            link.update(after.object_id, *row_id, body)?;
        }
        // Keys over columns of another type are other keys.
        for ix in new.indexes.iter().filter(|ix| kept(ix) && !ix.disabled) {
            let changed = ix.keys().any(|k| {
                let (a, b) = (old.column(k.column_id), new.column(k.column_id));
                a.map(|c| &c.ty) != b.map(|c| &c.ty)
            });
            if changed
                && old.indexes.iter().any(|o| o.index_id == ix.index_id)
                && let Err(value) = session.build_index(&ctx, &to, ix.index_id)?
            {
                return Err(SqlError::new(
                        1505,
                        1,
                        16,
                        format!(
                            "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name \
                             '{schema}.{}' and the index name '{}'. The duplicate key value is {value}.",
                            after.name, ix.name
                        ),
                    )
                    .with_3621());
            }
        }
        Ok(())
    }
}

impl Hooks for RowHooks<'_> {
    fn database_created(&mut self, database: &Database) -> DdlResult<()> {
        // What lay under this number before is gone.
        self.session.engine.storage.remove(database.database_id);
        Ok(())
    }

    fn database_dropped(&mut self, database_id: i32) -> DdlResult<()> {
        self.session.links.remove(&database_id);
        self.session.engine.storage.remove(database_id);
        Ok(())
    }

    fn table_dropped(&mut self, database: &Database, table: &Object) -> DdlResult<()> {
        let link = self.session.link(database.database_id).map_err(to_ddl)?;
        link.drop_table(table.object_id).map_err(|e| to_ddl(e.into()))
    }

    fn row_count(&mut self, database: &Database, table: &Object) -> DdlResult<u64> {
        self.session.start_read([database.database_id]).map_err(to_ddl)?;
        let link = self.session.link(database.database_id).map_err(to_ddl)?;
        link.count(table.object_id).map(|n| n.max(0) as u64).map_err(|e| to_ddl(e.into()))
    }

    fn table_altered(&mut self, database: &Database, before: &Object, after: &Object, fills: &[Fill]) -> DdlResult<()> {
        self.altered(database, before, after, fills).map_err(to_ddl)
    }

    fn index_created(&mut self, database: &Database, table: &Object, index: &Index) -> Result<(), BuildError> {
        let other = |e: SqlError| BuildError::Other(to_ddl(e));
        if !kept(index) || !self.stored(database, table).map_err(other)? {
            return Ok(());
        }
        self.over(database);
        let session: &SqlSession = self.session;
        let schema = self.schema(database, table);
        let access = session.access(database.database_id, schema, &Arc::new(table.clone())).map_err(other)?;
        let ctx = Context::new(session);
        match session.build_index(&ctx, &access, index.index_id).map_err(other)? {
            Ok(()) => Ok(()),
            Err(value) => Err(BuildError::Duplicate(value)),
        }
    }

    fn index_dropped(&mut self, database: &Database, table: &Object, index: &Index) -> DdlResult<()> {
        if !kept(index) {
            return Ok(());
        }
        let link = self.session.link(database.database_id).map_err(to_ddl)?;
        link.drop_index(table.object_id, index.index_id).map_err(|e| to_ddl(e.into()))
    }

    fn check_holds(&mut self, database: &Database, table: &Object, check: &Check) -> DdlResult<bool> {
        self.over(database);
        let holds = |hooks: &mut Self| -> SqlResult<bool> {
            let stored = hooks.stored(database, table)?;
            let session: &SqlSession = hooks.session;
            let schema = hooks.schema(database, table);
            let access = session.access(database.database_id, schema, &Arc::new(table.clone()))?;
            let mut b = Binder::new(session, database.database_id);
            b.scopes.push(access.scope.clone());
            let condition = b.condition(&module::expression(&check.definition)?)?;
            if !stored {
                return Ok(true);
            }
            let ctx = Context::new(session);
            access.all_satisfy(&ctx, &condition)
        };
        holds(self).map_err(to_ddl)
    }

    fn foreign_key_holds(
        &mut self,
        database: &Database,
        table: &Object,
        key: &ForeignKey,
        _referenced: &Object,
    ) -> DdlResult<bool> {
        self.over(database);
        let holds = |hooks: &mut Self| -> SqlResult<bool> {
            if !hooks.stored(database, table)? {
                return Ok(true);
            }
            let session: &SqlSession = hooks.session;
            let child = Arc::new(table.clone());
            let Some(r) = session.reference(database.database_id, &child, key)? else { return Ok(true) };
            let ctx = Context::new(session);
            r.holds(&ctx)
        };
        holds(self).map_err(to_ddl)
    }

    fn has_null(&mut self, database: &Database, table: &Object, column_id: i32) -> DdlResult<bool> {
        self.over(database);
        let found = |hooks: &mut Self| -> SqlResult<bool> {
            if !hooks.stored(database, table)? {
                return Ok(false);
            }
            let session: &SqlSession = hooks.session;
            let schema = hooks.schema(database, table);
            let access = session.access(database.database_id, schema, &Arc::new(table.clone()))?;
            let Some(at) = access.place(column_id) else { return Ok(false) };
            let ctx = Context::new(session);
            let mut found = false;
            let _ = access.narrowed([at]).run(&ctx, None, &mut |_, row| {
                if matches!(row[at], Value::Null) {
                    found = true;
                    return Ok(ControlFlow::Break(()));
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(found)
        };
        found(self).map_err(to_ddl)
    }

    fn furthest_identity(&mut self, database: &Database, table: &Object) -> DdlResult<Option<i128>> {
        self.over(database);
        let found = |hooks: &mut Self| -> SqlResult<Option<i128>> {
            let Some((column, identity)) = table.table().and_then(Table::identity) else { return Ok(None) };
            if !hooks.stored(database, table)? {
                return Ok(None);
            }
            let session: &SqlSession = hooks.session;
            let schema = hooks.schema(database, table);
            let access = session.access(database.database_id, schema, &Arc::new(table.clone()))?;
            let Some(at) = access.place(column.id) else { return Ok(None) };
            let ctx = Context::new(session);
            let mut furthest = None;
            let _ = access.narrowed([at]).run(&ctx, None, &mut |_, row| {
                if let Some(n) = crate::sandbox::sql::convert::decimal_of(&row[at]).and_then(|d| d.to_i128()) {
                    furthest =
                        Some(furthest.map_or(n, |f: i128| if identity.increment < 0 { f.min(n) } else { f.max(n) }));
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(furthest)
        };
        found(self).map_err(to_ddl)
    }

    fn expression_type(&mut self, database: &Database, table: &Table, definition: &str) -> DdlResult<(SqlType, bool)> {
        self.over(database);
        let bind = || -> SqlResult<(SqlType, bool)> {
            let mut b = Binder::new(self.session, database.database_id);
            let mut scope = Scope::default();
            for (i, c) in table.columns.iter().enumerate() {
                scope.columns.push(crate::sandbox::sql::select::scope_column(
                    &crate::sandbox::sql::select::OutColumn {
                        name: c.name.clone(),
                        ty: c.ty.clone(),
                        nullable: c.nullable,
                        flags: 8 | u16::from(c.nullable),
                        user_type: 0,
                    },
                    "",
                    i,
                ));
            }
            b.scopes.push(scope);
            let e = b.value(&module::expression(definition)?)?;
            Ok((e.ty, e.nullable))
        };
        bind().map_err(to_ddl)
    }

    fn module_columns(
        &mut self,
        database: &Database,
        _schema_id: i32,
        module: &Module,
        _body: &str,
    ) -> DdlResult<Vec<OutputColumn>> {
        if !matches!(module.kind, ModuleKind::View | ModuleKind::InlineFunction) {
            return Ok(Vec::new());
        }
        self.over(database);
        // A function's parameters are variables of its query.
        let parameters = module
            .parameters
            .iter()
            .filter(|p| p.id > 0)
            .map(|p| (p.name.to_lowercase(), Variable { ty: p.ty.clone(), value: Value::Null, table: None }))
            .collect();
        let saved = self.session.variables.replace(parameters);
        let bind = || -> SqlResult<Vec<OutputColumn>> {
            let definition = module.definition.clone().unwrap_or_default();
            let (names, query) = match module.kind {
                ModuleKind::View => module::view_query(&definition)?,
                _ => (Vec::new(), module::function_query(&definition)?),
            };
            let mut b = Binder::new(self.session, database.database_id);
            let bound = b.query(&query)?;
            Ok(bound
                .columns
                .iter()
                .enumerate()
                .map(|(i, c)| OutputColumn {
                    name: names.get(i).cloned().unwrap_or_else(|| c.name.clone()),
                    ty: c.ty.clone(),
                    user_type_id: if c.user_type == 256 {
                        256
                    } else {
                        crate::sandbox::meta::types::built_in(c.ty.base).map_or(0, |t| t.user_type_id)
                    },
                    nullable: c.nullable,
                })
                .collect())
        };
        // Assumption: a view whose text this engine does not understand is kept all the same, without columns.
        let bound = bind().unwrap_or_default();
        self.session.variables.replace(saved);
        Ok(bound)
    }

    fn literal(&mut self, database: &Database, definition: &str, ty: &SqlType) -> DdlResult<Value> {
        self.over(database);
        let session: &SqlSession = self.session;
        let value = || -> SqlResult<Value> {
            let mut b = Binder::new(session, database.database_id);
            let expression = b.value(&module::expression(definition)?)?.cast(ty);
            let ctx = Context::new(session);
            expression.eval(&Env { ctx: &ctx, row: &[], outer: None })
        };
        value().map_err(to_ddl)
    }

    fn sort(&mut self, values: &mut Vec<Value>, ty: &SqlType) {
        values.sort_by(|a, b| match (a, b) {
            (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
            (Value::Null, _) => std::cmp::Ordering::Less,
            (_, Value::Null) => std::cmp::Ordering::Greater,
            _ => crate::sandbox::sql::convert::compare(a, b, ty).unwrap_or(std::cmp::Ordering::Equal),
        });
    }

    fn other_sessions(&mut self, database_id: i32) -> usize {
        self.session
            .engine
            .sessions()
            .iter()
            .filter(|s| s.database == database_id && s.spid != self.session.spid)
            .count()
    }

    fn end_other_sessions(&mut self, database_id: i32) {
        let mine = self.session.spid;
        for s in self.session.engine.sessions() {
            if s.database == database_id && s.spid != mine {
                s.signals.kill();
            }
        }
        let started = Instant::now();
        while self.other_sessions(database_id) > 0 && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
