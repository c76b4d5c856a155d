//! DROP of everything but indexes, constraints and columns.

use crate::sandbox::ddl::ast::{DropKind, ObjectName};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_drop, cannot_find};
use crate::sandbox::meta::table::Temporal;
use crate::sandbox::meta::{Database, Kind, ModuleKind, Object, UserTypeKind};

use super::Run;

impl Run<'_> {
    pub(super) fn drop(
        &mut self,
        kind: DropKind,
        names: &[ObjectName],
        if_exists: bool,
        _on: Option<&ObjectName>,
    ) -> DdlResult<()> {
        for name in names {
            match kind {
                DropKind::Database => self.drop_database(&name.name, if_exists)?,
                DropKind::Table
                | DropKind::View
                | DropKind::Procedure
                | DropKind::Function
                | DropKind::Trigger
                | DropKind::Sequence
                | DropKind::Synonym
                | DropKind::Default
                | DropKind::Aggregate
                | DropKind::Rule => self.drop_object(kind, name, if_exists)?,
                DropKind::Type => self.drop_type(name, if_exists)?,
                DropKind::XmlCollection => self.drop_collection(name)?,
                DropKind::Schema => self.drop_schema(&name.name, if_exists)?,
                DropKind::Statistics => self.drop_statistics(name, if_exists)?,
                DropKind::User | DropKind::Role | DropKind::ApplicationRole => {
                    self.drop_principal(kind, &name.name, if_exists)?;
                }
                DropKind::Login | DropKind::ServerRole => self.drop_login(&name.name)?,
                DropKind::PartitionFunction | DropKind::PartitionScheme => self.drop_partition(kind, &name.name)?,
                DropKind::FullTextCatalog => {
                    let database_id = self.who.database_id;
                    let database = self.db(database_id)?.clone();
                    if !database.fulltext_catalogs.iter().any(|c| database.same(&c.name, &name.name)) {
                        return Err(cannot_find("drop", "full-text catalog", &name.name));
                    }
                    self.shape(database_id)?.fulltext_catalogs.retain(|c| !database.same(&c.name, &name.name));
                }
            }
        }
        Ok(())
    }

    fn drop_object(&mut self, kind: DropKind, name: &ObjectName, if_exists: bool) -> DdlResult<()> {
        let word = word_of(kind);
        let missing = || cannot_drop(word, &name.shown(), 5);
        let Some((database_id, object)) = self.find(name)? else {
            return if if_exists { Ok(()) } else { Err(missing()) };
        };
        if !fits(kind, &object) {
            // IF EXISTS is no help against another kind of object.
            let (actual, said) = (kind_of(&object), word.to_uppercase());
            return Err(DdlError::new(
                3705,
                1,
                16,
                format!(
                    "Cannot use DROP {said} with '{}' because '{}' is a {actual}. Use {}.",
                    name.shown(),
                    name.shown(),
                    match actual {
                        "view" => "DROP VIEW",
                        "procedure" => "DROP PROCEDURE",
                        "function" => "DROP FUNCTION",
                        "trigger" => "DROP TRIGGER",
                        "synonym" => "DROP SYNONYM",
                        "sequence object" => "DROP SEQUENCE",
                        _ => "DROP TABLE",
                    }
                ),
            ));
        }
        self.allow(database_id, &object, "CONTROL", missing).or_else(|e| {
            // ALTER on the schema is enough, and so is ownership, which CONTROL covers.
            if self.allow(database_id, &object, "ALTER", missing).is_ok() { Ok(()) } else { Err(e) }
        })?;
        let database = self.db(database_id)?.clone();
        if let Some(table) = object.table() {
            if database.referencing(object.object_id).any(|o| o.object_id != object.object_id) {
                return Err(DdlError::new(
                    3726,
                    1,
                    16,
                    format!(
                        "Could not drop object '{}' because it is referenced by a FOREIGN KEY constraint.",
                        name.shown()
                    ),
                ));
            }
            match table.temporal {
                Temporal::No => {}
                Temporal::Versioned { .. } | Temporal::History { .. } => {
                    return Err(DdlError::new(
                        13552,
                        1,
                        16,
                        format!(
                            "Drop table operation failed on table '{}.{}.{}' because it is not a supported operation on \
                             system-versioned temporal tables.",
                            database.name,
                            database.schema_name(object.schema_id),
                            object.name
                        ),
                    ));
                }
            }
        }
        if let Some(bound) = bound_to(&database, &object) {
            return Err(DdlError::new(
                3729,
                1,
                16,
                format!(
                    "Cannot DROP {} '{}' because it is being referenced by object '{bound}'.",
                    word.to_uppercase(),
                    name.shown()
                ),
            ));
        }
        self.remove_object(database_id, &object)
    }

    fn remove_object(&mut self, database_id: i32, object: &Object) -> DdlResult<()> {
        let database = self.db(database_id)?.clone();
        // Triggers go with their table.
        let mut gone = vec![object.object_id];
        for trigger in database.triggers_of(object.object_id) {
            gone.push(trigger.object_id);
            self.db_mut(database_id)?.remove(trigger.object_id);
        }
        if let Some(table) = object.table() {
            gone.extend(table.constraints().map(|(h, _)| h.object_id));
            self.hooks.table_dropped(&database, object)?;
        }
        self.db_mut(database_id)?.remove(object.object_id);
        self.forget(database_id, &gone)
    }

    /// Properties and permissions of objects that are gone.
    pub(super) fn forget(&mut self, database_id: i32, gone: &[i32]) -> DdlResult<()> {
        let of = |class: u8, major: i32| matches!(class, 1 | 2 | 7) && gone.contains(&major);
        self.forget_properties(database_id, |class, major, _| of(class, major))?;
        if self.db(database_id)?.permissions.iter().any(|p| of(p.class, p.major_id)) {
            self.shape(database_id)?.permissions.retain(|p| !of(p.class, p.major_id));
        }
        Ok(())
    }

    fn drop_type(&mut self, name: &ObjectName, if_exists: bool) -> DdlResult<()> {
        let database_id = self.target(name)?;
        let schema_id = match self.schema(database_id, name) {
            Ok(id) => id,
            Err(_) if if_exists => return Ok(()),
            Err(e) => return Err(e),
        };
        let database = self.db(database_id)?.clone();
        let Some(found) = database.user_type(schema_id, &name.name) else {
            if if_exists {
                return Ok(());
            }
            return Err(DdlError::new(
                218,
                1,
                16,
                format!(
                    "Could not find the type '{}'. Either it does not exist or you do not have the necessary permission.",
                    name.shown()
                ),
            ));
        };
        let id = found.user_type_id;
        let user = database.objects().find(|o| match &o.kind {
            Kind::Table(t) => t.columns.iter().any(|c| c.user_type_id == id),
            Kind::Module(m) => m.parameters.iter().any(|p| p.user_type_id == id),
            Kind::Sequence(s) => s.user_type_id == id,
            Kind::Synonym { .. } | Kind::Queue(_) | Kind::Policy(_) => false,
        });
        let in_type = database.types.iter().find(
            |t| matches!(&t.kind, UserTypeKind::Table(table) if table.columns.iter().any(|c| c.user_type_id == id)),
        );
        if let Some(by) = user.map(|o| o.name.clone()).or_else(|| in_type.map(|t| t.name.clone())) {
            return Err(DdlError::new(
                3732,
                1,
                16,
                format!(
                    "Cannot drop type '{}' because it is being referenced by object '{by}'. There may be other objects that \
                     reference this type.",
                    name.shown()
                ),
            ));
        }
        let database = self.shape(database_id)?;
        database.types.retain(|t| t.user_type_id != id);
        database.permissions.retain(|p| !(p.class == 6 && p.major_id == id));
        self.forget_properties(database_id, |class, major, _| matches!(class, 6 | 8) && major == id)
    }

    fn drop_collection(&mut self, name: &ObjectName) -> DdlResult<()> {
        let database_id = self.target(name)?;
        let schema_id = self.schema(database_id, name)?;
        let database = self.db(database_id)?.clone();
        let Some(found) = database.xml_collection(schema_id, &name.name) else {
            return Err(cannot_find("drop", "xml schema collection", &name.shown()));
        };
        let id = found.id;
        if let Some(by) =
            database.objects().find(|o| o.table().is_some_and(|t| t.columns.iter().any(|c| c.xml_collection_id == id)))
        {
            return Err(DdlError::new(
                6328,
                1,
                16,
                format!(
                    "Specified collection '{}' cannot be dropped because it is used by object '{}'.",
                    name.name, by.name
                ),
            ));
        }
        self.shape(database_id)?.xml_collections.retain(|c| c.id != id);
        self.forget_properties(database_id, |class, major, _| class == 10 && major == id)
    }

    fn drop_schema(&mut self, name: &str, if_exists: bool) -> DdlResult<()> {
        let database_id = self.who.database_id;
        self.target(&ObjectName::default())?;
        let database = self.db(database_id)?.clone();
        let Some(found) = database.schema(name) else {
            return if if_exists { Ok(()) } else { Err(cannot_find("drop", "schema", name)) };
        };
        self.allow_create(database_id, "ALTER ANY SCHEMA")?;
        let id = found.schema_id;
        if id <= 4 {
            return Err(cannot_find("drop", "schema", name));
        }
        let used = database
            .objects()
            .find(|o| o.schema_id == id)
            .map(|o| o.name.clone())
            .or_else(|| database.types.iter().find(|t| t.schema_id == id).map(|t| t.name.clone()))
            .or_else(|| database.xml_collections.iter().find(|c| c.schema_id == id).map(|c| c.name.clone()));
        if let Some(by) = used {
            return Err(DdlError::new(
                3729,
                1,
                16,
                format!("Cannot drop schema '{name}' because it is being referenced by object '{by}'."),
            ));
        }
        let database = self.shape(database_id)?;
        database.schemas.retain(|s| s.schema_id != id);
        database.permissions.retain(|p| !(p.class == 3 && p.major_id == id));
        self.forget_properties(database_id, |class, major, _| class == 3 && major == id)
    }

    fn drop_partition(&mut self, kind: DropKind, name: &str) -> DdlResult<()> {
        let database_id = self.who.database_id;
        let database = self.db(database_id)?.clone();
        if kind == DropKind::PartitionFunction {
            let Some(found) = database.partition_functions.iter().find(|f| database.same(&f.name, name)) else {
                return Err(cannot_find("drop", "partition function", name));
            };
            if database.partition_schemes.iter().any(|s| s.function_id == found.id) {
                return Err(DdlError::new(
                    7706,
                    1,
                    16,
                    format!("Partition function '{name}' is being used by one or more partition schemes."),
                ));
            }
            let id = found.id;
            self.shape(database_id)?.partition_functions.retain(|f| f.id != id);
            return Ok(());
        }
        let Some(found) = database.partition_schemes.iter().find(|s| database.same(&s.name, name)) else {
            return Err(cannot_find("drop", "partition scheme", name));
        };
        let id = found.data_space_id;
        let used = database.objects().any(|o| {
            o.table().is_some_and(|t| t.data_space_id == id || t.indexes.iter().any(|i| i.data_space_id == id))
        });
        if used {
            return Err(DdlError::new(
                7717,
                1,
                16,
                format!("The partition scheme \"{name}\" is currently being used to partition one or more tables."),
            ));
        }
        self.shape(database_id)?.partition_schemes.retain(|s| s.data_space_id != id);
        Ok(())
    }
}

fn word_of(kind: DropKind) -> &'static str {
    match kind {
        DropKind::Table => "table",
        DropKind::View => "view",
        DropKind::Procedure => "procedure",
        DropKind::Function => "function",
        DropKind::Trigger => "trigger",
        DropKind::Sequence => "sequence object",
        DropKind::Synonym => "synonym",
        DropKind::Default => "default",
        DropKind::Rule => "rule",
        DropKind::Aggregate => "aggregate",
        _ => "object",
    }
}

fn kind_of(object: &Object) -> &'static str {
    match &object.kind {
        Kind::Table(_) => "table",
        Kind::Sequence(_) => "sequence object",
        Kind::Synonym { .. } => "synonym",
        Kind::Module(m) => match m.kind {
            ModuleKind::View => "view",
            ModuleKind::Procedure => "procedure",
            ModuleKind::ScalarFunction | ModuleKind::InlineFunction | ModuleKind::TableFunction => "function",
            ModuleKind::Trigger => "trigger",
            ModuleKind::Default => "default",
            ModuleKind::Rule => "rule",
            ModuleKind::Aggregate => "aggregate",
        },
        Kind::Queue(_) => "queue",
        Kind::Policy(_) => "security policy",
    }
}

fn fits(kind: DropKind, object: &Object) -> bool {
    word_of(kind) == kind_of(object)
}

/// A schema-bound module that names an object.
fn bound_to(database: &Database, object: &Object) -> Option<String> {
    let schema = database.schema_name(object.schema_id);
    database
        .objects()
        .find(|o| {
            o.object_id != object.object_id
                && o.module().is_some_and(|m| {
                    m.schema_bound
                        && m.references
                            .iter()
                            .any(|(s, n)| database.same(n, &object.name) && (s.is_empty() || database.same(s, schema)))
                })
        })
        .map(|o| o.name.clone())
}
