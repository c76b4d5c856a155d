//! Extended properties: sp_addextendedproperty and its like.

use crate::sandbox::ddl::ast::ObjectName;
use crate::sandbox::ddl::error::{DdlError, DdlResult, not_permitted};
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::Kind;
use crate::sandbox::meta::property::{ExtendedProperty, TypedValue};

use super::Run;
use super::procedures::{Given, type_of};

impl Run<'_> {
    pub(super) fn extended_property(&mut self, procedure: &str, given: &Given<'_>) -> DdlResult<()> {
        let name = given.need(procedure, "name")?;
        let mut levels: Vec<(String, String)> = Vec::new();
        for level in ["0", "1", "2"] {
            let (kind, named) = (given.text(&format!("level{level}type")), given.text(&format!("level{level}name")));
            if let (Some(kind), Some(named)) = (kind, named) {
                levels.push((kind.to_uppercase(), named));
            }
        }
        let database_id = self.target(&ObjectName::default())?;
        let shown = levels.iter().map(|(_, n)| n.as_str()).collect::<Vec<_>>().join(".");
        let on = if shown.is_empty() { "object specified".to_string() } else { shown };
        let (class, major, minor) = self.property_target(database_id, &levels).ok_or_else(|| {
            DdlError::new(
                15135,
                8,
                16,
                format!(
                    "Object is invalid. Extended properties are not permitted on '{on}', or the object does not exist."
                ),
            )
        })?;
        let database = self.db(database_id)?;
        if !rights::is_owner(self.server, database, &self.who.login)
            && !rights::has_database(self.server, database, &self.who.login, "CREATE TABLE")
        {
            return Err(not_permitted());
        }
        let key = (class, major, minor, database.fold(&name));
        let exists = database.properties.contains(&key);
        match procedure {
            "sp_addextendedproperty" if exists => {
                return Err(DdlError::new(
                    15233,
                    1,
                    16,
                    format!("Property cannot be added. Property '{name}' already exists for '{on}'."),
                ));
            }
            "sp_updateextendedproperty" | "sp_dropextendedproperty" if !exists => {
                return Err(DdlError::new(
                    15217,
                    2,
                    16,
                    format!("Property cannot be updated or deleted. Property '{name}' does not exist for '{on}'."),
                ));
            }
            _ => {}
        }
        let value = match given.value("value") {
            Some((value, _, ty)) => {
                let ty = ty.clone().unwrap_or_else(|| type_of(value, &database.collation));
                TypedValue::of(value, &ty)
            }
            None => None,
        };
        let database = self.shape(database_id)?;
        if procedure == "sp_dropextendedproperty" {
            database.properties.remove(&key);
        } else {
            let property = ExtendedProperty { class, major_id: major, minor_id: minor, name, value };
            database.properties.insert(key, std::sync::Arc::new(property));
        }
        Ok(())
    }

    /// Class, major and minor id of the levels.
    pub(super) fn property_target(&self, database_id: i32, levels: &[(String, String)]) -> Option<(u8, i32, i32)> {
        let database = self.db(database_id).ok()?;
        let [(kind0, name0), rest @ ..] = levels else { return Some((0, 0, 0)) };
        match kind0.as_str() {
            "SCHEMA" | "USER" => {}
            "FILEGROUP" => {
                let found = database.filegroups.iter().find(|g| database.same(&g.name, name0))?;
                if let Some((kind1, name1)) = rest.first() {
                    let file = database.files.iter().find(|f| database.same(&f.name, name1))?;
                    return (kind1 == "LOGICAL FILE NAME").then_some((22, file.file_id, 0));
                }
                return Some((20, found.data_space_id, 0));
            }
            "PARTITION SCHEME" => {
                let found = database.partition_schemes.iter().find(|s| database.same(&s.name, name0))?;
                return Some((20, found.data_space_id, 0));
            }
            "ASSEMBLY" => {
                let found = database.external.assemblies.iter().find(|a| database.same(&a.name, name0))?;
                return Some((5, found.id, 0));
            }
            "MESSAGE TYPE" => {
                return database.broker.message_types.iter().find(|m| m.name == *name0).map(|m| (15, m.id, 0));
            }
            "CONTRACT" => return database.broker.contracts.iter().find(|m| m.name == *name0).map(|m| (16, m.id, 0)),
            "SERVICE" => return database.broker.services.iter().find(|m| m.name == *name0).map(|m| (17, m.id, 0)),
            "REMOTE SERVICE BINDING" => {
                return database.broker.bindings.iter().find(|m| m.name == *name0).map(|m| (18, m.id, 0));
            }
            "ROUTE" => return database.broker.routes.iter().find(|m| m.name == *name0).map(|m| (19, m.id, 0)),
            "PARTITION FUNCTION" => {
                let found = database.partition_functions.iter().find(|f| database.same(&f.name, name0))?;
                return Some((21, found.id, 0));
            }
            "TRIGGER" => {
                let found = database.objects().find(|o| {
                    database.same(&o.name, name0)
                        && o.module().and_then(|m| m.trigger.as_ref()).is_some_and(|t| t.on_database)
                })?;
                return Some((1, found.object_id, 0));
            }
            _ => return None,
        }
        if rest.is_empty() {
            if kind0 == "USER"
                && let Some(principal) = database.principal(name0)
            {
                return Some((4, principal.principal_id, 0));
            }
            return database.schema(name0).map(|s| (3, s.schema_id, 0));
        }
        let schema_id = database.schema(name0)?.schema_id;
        let (kind1, name1) = &rest[0];
        match kind1.as_str() {
            "TYPE" | "TABLE_TYPE" => {
                let found = database.user_type(schema_id, name1)?;
                return match rest.get(1) {
                    None => Some((6, found.user_type_id, 0)),
                    Some((kind2, name2)) if kind2 == "COLUMN" => match &found.kind {
                        crate::sandbox::meta::UserTypeKind::Table(t) => {
                            t.find_column(name2, database.ignore_case).map(|c| (8, found.user_type_id, c.id))
                        }
                        _ => None,
                    },
                    Some(_) => None,
                };
            }
            "XML SCHEMA COLLECTION" => return database.xml_collection(schema_id, name1).map(|c| (10, c.id, 0)),
            _ => {}
        }
        let object = database.find(schema_id, name1)?;
        let fits = matches!(
            (kind1.as_str(), &object.kind),
            ("TABLE", Kind::Table(_))
                | ("SYNONYM", Kind::Synonym { .. })
                | ("SEQUENCE", Kind::Sequence(_))
                | ("QUEUE", Kind::Queue(_))
                | ("VIEW" | "PROCEDURE" | "FUNCTION" | "DEFAULT" | "RULE" | "AGGREGATE", Kind::Module(_))
        );
        if !fits {
            return None;
        }
        let Some((kind2, name2)) = rest.get(1) else { return Some((1, object.object_id, 0)) };
        match kind2.as_str() {
            "COLUMN" => {
                let id = match &object.kind {
                    Kind::Table(t) => t.find_column(name2, database.ignore_case)?.id,
                    Kind::Module(m) => {
                        i32::try_from(m.columns.iter().position(|c| database.same(&c.name, name2))? + 1).ok()?
                    }
                    _ => return None,
                };
                Some((1, object.object_id, id))
            }
            "INDEX" => {
                let indexes = match &object.kind {
                    Kind::Table(t) => &t.indexes,
                    Kind::Module(m) => &m.indexes,
                    _ => return None,
                };
                let index = indexes.iter().find(|i| database.same(&i.name, name2))?;
                Some((7, object.object_id, index.index_id))
            }
            "CONSTRAINT" => {
                let (head, _) = object.table()?.constraints().find(|(h, _)| database.same(&h.name, name2))?;
                Some((1, head.object_id, 0))
            }
            "TRIGGER" => {
                let found = database.triggers_of(object.object_id).find(|t| database.same(&t.name, name2))?;
                Some((1, found.object_id, 0))
            }
            "PARAMETER" => {
                let parameter = object.module()?.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(name2))?;
                Some((2, object.object_id, parameter.id))
            }
            _ => None,
        }
    }
}
