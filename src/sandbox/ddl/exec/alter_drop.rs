//! ALTER TABLE … DROP.

use crate::sandbox::ddl::ast::Dropped;
use crate::sandbox::ddl::error::{DdlError, DdlResult};
use crate::sandbox::ddl::normal;
use crate::sandbox::meta::table::Generated;
use crate::sandbox::meta::{Column, Database, Object, Table};

use super::Run;

impl Run<'_> {
    pub(super) fn drop_from_table(&mut self, database_id: i32, mut object: Object, items: &[Dropped]) -> DdlResult<()> {
        let database = self.db(database_id)?.clone();
        let before = object.clone();
        let mut columns_gone = false;
        for item in items {
            match item {
                Dropped::Constraint { name, if_exists } => {
                    self.drop_constraint(&database, &mut object, name, *if_exists)?;
                }
                Dropped::Column { name, if_exists } => {
                    let Some(table) = object.table() else { continue };
                    let Some(column) = table.find_column(name, database.ignore_case).cloned() else {
                        if *if_exists {
                            continue;
                        }
                        return Err(self.no_column("DROP", name, &object.name));
                    };
                    if let Some(error) = self.dependents(&database, &object, table, &column, |_| true) {
                        return Err(error.then(
                            4922,
                            9,
                            16,
                            format!(
                                "ALTER TABLE DROP COLUMN {} failed because one or more objects access this column.",
                                column.name
                            ),
                        ));
                    }
                    if table.columns.len() == 1 {
                        return Err(DdlError::new(
                            4923,
                            1,
                            16,
                            format!(
                                "ALTER TABLE DROP COLUMN failed because '{}' is the only data column in table '{}'. A table \
                                 must have at least one data column.",
                                column.name, object.name
                            ),
                        ));
                    }
                    if let Some(table) = object.table_mut() {
                        table.columns.retain(|c| c.id != column.id);
                    }
                    columns_gone = true;
                    let object_id = object.object_id;
                    self.forget_properties(database_id, |class, major, minor| {
                        class == 1 && major == object_id && minor == column.id
                    })?;
                }
                Dropped::Period => {
                    if let Some(table) = object.table_mut() {
                        table.period = None;
                        for column in &mut table.columns {
                            if matches!(column.generated, Generated::RowStart | Generated::RowEnd) {
                                column.generated = Generated::Not;
                            }
                        }
                    }
                }
            }
        }
        if columns_gone {
            let database = self.db(database_id)?.clone();
            self.hooks.table_altered(&database, &before, &object, &[])?;
        }
        // Indexes of keys that are gone.
        let (Some(old), Some(new)) = (before.table(), object.table()) else { return Ok(()) };
        let gone: Vec<_> =
            old.indexes.iter().filter(|i| new.index(i.index_id).is_none_or(|n| n.name != i.name)).cloned().collect();
        for index in &gone {
            self.hooks.index_dropped(&database, &object, index)?;
        }
        let lost: Vec<i32> = old
            .constraints()
            .map(|(h, _)| h.object_id)
            .filter(|id| new.constraints().all(|(h, _)| h.object_id != *id))
            .collect();
        self.forget_properties(database_id, |class, major, _| class == 1 && lost.contains(&major))?;
        self.put(database_id, object).map(|_| ())
    }

    pub(super) fn drop_constraint(
        &mut self,
        database: &Database,
        object: &mut Object,
        name: &str,
        if_exists: bool,
    ) -> DdlResult<()> {
        let failed = |e: DdlError| e.then(3727, 0, 16, "Could not drop constraint. See previous errors.");
        let Some(table) = object.table() else { return Ok(()) };
        let found = table.constraints().find(|(h, _)| database.same(&h.name, name)).map(|(h, k)| (h.object_id, k));
        let Some((id, kind)) = found else {
            if if_exists {
                return Ok(());
            }
            let elsewhere = database.locate(object.schema_id, name).is_some_and(|l| l.table_id.is_some());
            return Err(failed(if elsewhere {
                DdlError::new(3733, 2, 16, format!("Constraint '{name}' does not belong to table '{}'.", object.name))
            } else {
                DdlError::new(3728, 1, 16, format!("'{name}' is not a constraint."))
            }));
        };
        if matches!(kind, "PK" | "UQ") {
            let index_id = table.keys.iter().find(|k| k.head.object_id == id).map_or(0, |k| k.index_id);
            for other in database.referencing(object.object_id) {
                // The table's own keys are looked up in its changed state.
                let keys = if other.object_id == object.object_id {
                    &table.foreign_keys
                } else {
                    match other.table() {
                        Some(t) => &t.foreign_keys,
                        None => continue,
                    }
                };
                if let Some(key) =
                    keys.iter().find(|k| k.referenced_object_id == object.object_id && k.key_index_id == index_id)
                {
                    return Err(failed(DdlError::new(
                        3725,
                        0,
                        16,
                        format!(
                            "The constraint '{name}' is being referenced by table '{}', foreign key constraint '{}'.",
                            other.name, key.head.name
                        ),
                    )));
                }
            }
        }
        let Some(table) = object.table_mut() else { return Ok(()) };
        let index = table.keys.iter().find(|k| k.head.object_id == id).map(|k| k.index_id);
        table.keys.retain(|k| k.head.object_id != id);
        if let Some(index) = index {
            table.indexes.retain(|i| i.index_id != index);
        }
        table.checks.retain(|c| c.head.object_id != id);
        table.foreign_keys.retain(|f| f.head.object_id != id);
        table.edges.retain(|e| e.head.object_id != id);
        for column in &mut table.columns {
            if column.default.as_ref().is_some_and(|d| d.head.object_id == id) {
                column.default = None;
            }
        }
        Ok(())
    }

    /// 5074 for each thing that stands on a column, of the kinds that matter here.
    pub(super) fn dependents(
        &self,
        database: &Database,
        object: &Object,
        table: &Table,
        column: &Column,
        matters: impl Fn(Dependent) -> bool,
    ) -> Option<DdlError> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        let mut add = |kind: Dependent, word: &'static str, name: &str| {
            if matters(kind) {
                found.push((word, name.to_string()));
            }
        };
        if let Some(default) = &column.default {
            add(Dependent::Default, "object", &default.head.name);
        }
        for check in table.checks.iter().filter(|c| c.columns.contains(&column.id)) {
            add(Dependent::Check, "object", &check.head.name);
        }
        for key in table.foreign_keys.iter().filter(|f| f.columns.iter().any(|(here, _)| *here == column.id)) {
            add(Dependent::Foreign, "object", &key.head.name);
        }
        for index in table.indexes.iter().filter(|i| {
            i.columns.iter().any(|c| c.column_id == column.id)
                || i.filter.as_deref().is_some_and(|f| names_column(f, &column.name, database))
        }) {
            if index.primary_key || index.unique_constraint {
                add(Dependent::Key, "object", &index.name);
            } else {
                add(Dependent::Index, "index", &index.name);
            }
        }
        for statistics in table.statistics.iter().filter(|s| s.columns.contains(&column.id)) {
            add(Dependent::Statistics, "statistics", &statistics.name);
        }
        for other in table.columns.iter().filter(|c| c.id != column.id) {
            if let Some(computed) = &other.computed
                && names_column(&computed.definition, &column.name, database)
            {
                add(Dependent::Computed, "column", &other.name);
            }
        }
        for other in database.referencing(object.object_id).filter(|o| o.object_id != object.object_id) {
            for key in other.table().map(|t| t.foreign_keys.as_slice()).unwrap_or_default() {
                if key.referenced_object_id == object.object_id
                    && key.columns.iter().any(|(_, there)| *there == column.id)
                {
                    add(Dependent::Foreign, "object", &key.head.name);
                }
            }
        }
        let mut error: Option<DdlError> = None;
        for (word, name) in found {
            let text = format!("The {word} '{name}' is dependent on column '{}'.", column.name);
            error = Some(match error {
                None => DdlError::new(5074, 1, 16, text),
                Some(e) => e.then(5074, 1, 16, text),
            });
        }
        error
    }
}

/// What may stand on a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dependent {
    Default,
    Check,
    Key,
    Foreign,
    Index,
    Statistics,
    Computed,
}

pub(super) fn names_column(definition: &str, column: &str, database: &Database) -> bool {
    normal::parse(definition, true)
        .map(|e| normal::columns(&e).iter().any(|c| database.same(c, column)))
        .unwrap_or(false)
}
