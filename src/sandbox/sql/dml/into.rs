//! SELECT … INTO: a table as its query says, and its rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::sandbox::meta::database::DBO_SCHEMA;
use crate::sandbox::meta::server::TEMPDB;
use crate::sandbox::meta::{self, Column, Counter, Identity, Kind, Object, Stamp, Table};
use crate::sandbox::sql::convert::decimal_of;
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::Context;
use crate::sandbox::sql::select::Bound;
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::sql::types;

use super::raise_identity;

impl SqlSession {
    /// SELECT … INTO.
    pub fn select_into(&mut self, bound: Bound, databases: BTreeSet<i32>) -> SqlResult<u64> {
        let parts = bound.into.clone().unwrap_or_default();
        let (database, schema, name) = match parts.as_slice() {
            [n] if n.starts_with('#') => (TEMPDB, "dbo".to_string(), n.clone()),
            [n] => (self.database, self.default_schema_name(self.database), n.clone()),
            [s, n] => (self.database, s.clone(), n.clone()),
            [d, s, n] => (
                self.database_named(d).ok_or_else(|| error::invalid_object(&parts.join(".")))?,
                if s.is_empty() { "dbo".to_string() } else { s.clone() },
                n.clone(),
            ),
            _ => return Err(error::invalid_object(&parts.join("."))),
        };
        let mut columns = Vec::new();
        for (i, (c, source)) in bound.columns.iter().zip(&bound.sources).enumerate() {
            if c.name.is_empty() {
                return Err(SqlError::batch(
                    1038,
                    5,
                    15,
                    "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name. \
                     For other statements, look for empty alias names. Aliases defined as \"\" or [] are not allowed. Change \
                     the alias to a valid name.",
                ));
            }
            let id = meta::types::built_in(c.ty.base).map_or(0, |t| t.user_type_id);
            let mut ty = c.ty.clone();
            if types::is_text(ty.base) && ty.length == 0 {
                ty.length = 1;
            }
            let mut column = Column::plain(i as i32 + 1, &c.name, ty, id);
            column.nullable = c.nullable;
            if source.as_ref().is_some_and(|s| s.flags & 16 != 0) {
                column.identity =
                    Some(Identity { seed: 1, increment: 1, not_for_replication: false, counter: Counter::default() });
            }
            columns.push(column);
        }
        let table = Table {
            max_column_id: columns.len() as i32,
            columns,
            data_space_id: 1,
            uses_ansi_nulls: true,
            ..Table::default()
        };
        self.start_write(database)?;
        self.start_read(databases)?;
        let rows = {
            let ctx = Context::new(self);
            bound.plan.collect(&ctx, None)?
        };
        let object = self.create_table(database, &schema, &name, table)?;
        let access = self.access(database, &schema, &object)?;
        let ctx = Context::new(self);
        access.ensure(&ctx)?;
        let link = self.link(database)?;
        let identity = access.table().columns.iter().enumerate().find_map(|(i, c)| c.identity.as_ref().map(|x| (i, x)));
        for row in &rows {
            if let Some((at, i)) = &identity
                && let Some(n) = decimal_of(&row[*at]).and_then(|d| d.to_i128())
            {
                raise_identity(i, n);
            }
            access.put(&ctx, link, row, &access.write(row)?)?;
        }
        Ok(rows.len() as u64)
    }

    /// Puts a table into the catalogue.
    pub fn create_table(&mut self, database: i32, schema: &str, name: &str, table: Table) -> SqlResult<Arc<Object>> {
        let now = Stamp::now();
        let (schema, name) = (schema.to_string(), name.to_string());
        self.change_database(database, |db| {
            let schema_id = db.schema(&schema).map(|s| s.schema_id).unwrap_or(DBO_SCHEMA);
            if db.locate(schema_id, &name).is_some() {
                return Err(SqlError::new(
                    2714,
                    6,
                    16,
                    format!("There is already an object named '{name}' in the database."),
                ));
            }
            let object_id = db.new_object_id();
            Ok(db.put(Object {
                object_id,
                name: name.clone(),
                schema_id,
                parent_object_id: 0,
                principal_id: None,
                created: now,
                modified: now,
                kind: Kind::Table(Box::new(table)),
            }))
        })
    }
}
