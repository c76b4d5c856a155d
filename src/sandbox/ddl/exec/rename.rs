//! sp_rename.

use crate::sandbox::ddl::ast::ObjectName;
use crate::sandbox::ddl::error::{DdlError, DdlResult, not_permitted};
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::names::parts;

use super::Run;

impl Run<'_> {
    /// sp_rename (fact 61): the names change, texts and references do not (fact 32).
    pub(super) fn rename(&mut self, name: &str, new: &str, kind: Option<&str>) -> DdlResult<()> {
        let upper = kind.map(str::to_uppercase);
        let ambiguous = |kind: &str| {
            DdlError::new(
                15248,
                1,
                11,
                format!("Either the parameter @objname is ambiguous or the claimed @objtype ({kind}) is wrong."),
            )
        };
        let said = upper.as_deref().unwrap_or("(null)").to_string();
        let mut pieces = parts(name).ok_or_else(|| ambiguous(&said))?;
        if upper.as_deref() == Some("DATABASE") {
            let last = pieces.pop().unwrap_or_default();
            let database = self.server.database(&last).cloned().ok_or_else(|| {
                DdlError::new(15010, 1, 16, format!("The database '{last}' does not exist. Supply a valid database name. To see available databases, use sys.databases."))
            })?;
            let power = self.server.login(&self.who.login).is_some_and(|l| l.is_sysadmin() || l.has_role("dbcreator"));
            if !power {
                return Err(not_permitted());
            }
            return self.rename_database(&database, new);
        }
        let database_id = self.target(&ObjectName::default())?;
        let database = self.db(database_id)?.clone();
        match upper.as_deref() {
            None | Some("OBJECT") => {
                let object = ObjectName {
                    name: pieces.pop().unwrap_or_default(),
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let schema_id = match &object.schema {
                    Some(s) => database.schema(s).map(|s| s.schema_id),
                    None => Some(rights::default_schema(self.server, &database, &self.who.login)),
                };
                let located = schema_id.and_then(|s| database.locate(s, &object.name).map(|l| (s, l)));
                let Some((schema_id, located)) = located else {
                    return Err(ambiguous("OBJECT"));
                };
                if database.locate(schema_id, new).is_some_and(|l| l.object_id != located.object_id) {
                    return Err(DdlError::new(
                        15335,
                        1,
                        11,
                        format!(
                            "Error: The new name '{new}' is already in use as a OBJECT name and would cause a duplicate that \
                             is not permitted."
                        ),
                    ));
                }
                let owner = located.table_id.unwrap_or(located.object_id);
                let Some(found) = database.object(owner) else { return Err(ambiguous("OBJECT")) };
                self.allow(database_id, found, "ALTER", || ambiguous("OBJECT"))?;
                let mut changed = found.as_ref().clone();
                if located.table_id.is_some() {
                    rename_constraint(&mut changed, located.object_id, new);
                } else {
                    changed.name = new.to_string();
                }
                self.put(database_id, changed)?;
            }
            Some("COLUMN") => {
                let column = pieces.pop().unwrap_or_default();
                let object = ObjectName {
                    name: pieces.pop().ok_or_else(|| ambiguous("COLUMN"))?,
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let (database_id, found) = self.find(&object)?.ok_or_else(|| ambiguous("COLUMN"))?;
                self.allow(database_id, &found, "ALTER", || ambiguous("COLUMN"))?;
                let mut changed = found.as_ref().clone();
                let ci = database.ignore_case;
                let table = changed.table_mut().ok_or_else(|| ambiguous("COLUMN"))?;
                let id = table.find_column(&column, ci).map(|c| c.id).ok_or_else(|| ambiguous("COLUMN"))?;
                if table.find_column(new, ci).is_some_and(|c| c.id != id) {
                    return Err(DdlError::new(
                        15335,
                        1,
                        11,
                        format!(
                            "Error: The new name '{new}' is already in use as a COLUMN name and would cause a duplicate that \
                             is not permitted."
                        ),
                    ));
                }
                let old = table.column(id).map(|c| c.name.clone()).unwrap_or_default();
                let used = table.checks.iter().any(|c| c.columns.contains(&id))
                    || table.columns.iter().any(|c| {
                        c.computed.as_ref().is_some_and(|c| {
                            crate::sandbox::ddl::normal::parse(&c.definition, true)
                                .map(|e| {
                                    crate::sandbox::ddl::normal::columns(&e).iter().any(|n| database.same(n, &old))
                                })
                                .unwrap_or(false)
                        })
                    });
                if used {
                    return Err(DdlError::new(
                        15336,
                        1,
                        16,
                        format!(
                            "Object '{name}' cannot be renamed because the object participates in enforced dependencies."
                        ),
                    ));
                }
                if let Some(column) = table.column_mut(id) {
                    column.name = new.to_string();
                }
                self.put(database_id, changed)?;
            }
            Some("INDEX") => {
                let index = pieces.pop().unwrap_or_default();
                let object = ObjectName {
                    name: pieces.pop().ok_or_else(|| ambiguous("INDEX"))?,
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let (database_id, found) = self.find(&object)?.ok_or_else(|| ambiguous("INDEX"))?;
                let mut changed = found.as_ref().clone();
                let table = changed.table_mut().ok_or_else(|| ambiguous("INDEX"))?;
                let id = table
                    .indexes
                    .iter()
                    .find(|i| database.same(&i.name, &index))
                    .map(|i| i.index_id)
                    .ok_or_else(|| ambiguous("INDEX"))?;
                if let Some(i) = table.indexes.iter_mut().find(|i| i.index_id == id) {
                    i.name = new.to_string();
                }
                if let Some(key) = table.keys.iter_mut().find(|k| k.index_id == id) {
                    key.head.name = new.to_string();
                }
                self.put(database_id, changed)?;
            }
            Some("STATISTICS") => {
                let statistics = pieces.pop().unwrap_or_default();
                let object = ObjectName {
                    name: pieces.pop().ok_or_else(|| ambiguous("STATISTICS"))?,
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let (database_id, found) = self.find(&object)?.ok_or_else(|| ambiguous("STATISTICS"))?;
                let mut changed = found.as_ref().clone();
                let table = changed.table_mut().ok_or_else(|| ambiguous("STATISTICS"))?;
                let slot = table.statistics.iter_mut().find(|s| database.same(&s.name, &statistics));
                slot.ok_or_else(|| ambiguous("STATISTICS"))?.name = new.to_string();
                self.put(database_id, changed)?;
            }
            Some("USERDATATYPE") => {
                let last = pieces.pop().unwrap_or_default();
                let schema = pieces.pop().and_then(|s| database.schema(&s).map(|s| s.schema_id)).unwrap_or(1);
                let id = database
                    .user_type(schema, &last)
                    .map(|t| t.user_type_id)
                    .ok_or_else(|| ambiguous("USERDATATYPE"))?;
                let types = &mut self.shape(database_id)?.types;
                if let Some(t) = types.iter_mut().find(|t| t.user_type_id == id) {
                    std::sync::Arc::make_mut(t).name = new.to_string();
                }
            }
            Some(other) => {
                return Err(DdlError::new(
                    15249,
                    1,
                    11,
                    format!("Error: Explicit @objtype '{other}' is unrecognized."),
                ));
            }
        }
        self.info(15477, 1, "Caution: Changing any part of an object name could break scripts and stored procedures.");
        Ok(())
    }
}

pub(super) fn rename_constraint(object: &mut crate::sandbox::meta::Object, id: i32, new: &str) {
    let Some(table) = object.table_mut() else { return };
    for key in table.keys.iter_mut().filter(|k| k.head.object_id == id) {
        key.head.name = new.to_string();
        let index_id = key.index_id;
        if let Some(index) = table.indexes.iter_mut().find(|i| i.index_id == index_id) {
            index.name = new.to_string();
        }
    }
    let heads = table
        .checks
        .iter_mut()
        .map(|c| &mut c.head)
        .chain(table.foreign_keys.iter_mut().map(|f| &mut f.head))
        .chain(table.columns.iter_mut().filter_map(|c| c.default.as_mut()).map(|d| &mut d.head));
    for head in heads.filter(|h| h.object_id == id) {
        head.name = new.to_string();
    }
}
