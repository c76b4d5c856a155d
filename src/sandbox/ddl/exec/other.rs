//! Schemas, types, XML schema collections, sequences, synonyms.

use std::sync::Arc;

use crate::sandbox::ddl::ast::{ObjectName, SequenceDef, Statement, TableDef};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, name_in_use, no_schema};
use crate::sandbox::meta::database::XmlSchemaCollection;
use crate::sandbox::meta::{Counter, Kind, Schema, Sequence, UserType, UserTypeKind};
use crate::sandbox::value::Base;

use super::Run;
use super::table::Making;

impl Run<'_> {
    pub(super) fn other(&mut self, statement: &Statement) -> DdlResult<()> {
        match statement {
            Statement::CreateSchema { name, authorization, elements } => {
                self.create_schema(name.as_deref(), authorization.as_deref(), elements)
            }
            Statement::AlterSchema { name, class, object } => self.alter_schema(name, class, object),
            Statement::CreateAlias { name, ty, nullable } => {
                let (database_id, schema_id) = self.new_type(name)?;
                let database = self.db(database_id)?.clone();
                let resolved = super::types::resolve(&database, ty, None, 1)?;
                let kind = UserTypeKind::Alias {
                    ty: resolved.ty,
                    nullable: nullable.or(resolved.nullable).unwrap_or(self.who.ansi_null_default),
                };
                self.put_type(database_id, schema_id, &name.name, kind, None, false)
            }
            Statement::CreateClrType { name, assembly, class } => {
                let (database_id, schema_id) = self.new_type(name)?;
                super::external::assembly_id(&self.db(database_id)?.clone(), assembly)?;
                let kind = UserTypeKind::Clr { assembly: assembly.clone(), class: class.clone() };
                self.put_type(database_id, schema_id, &name.name, kind, None, false)
            }
            Statement::CreateTableType { name, table } => self.create_table_type(name, table),
            Statement::CreateXmlCollection { name, text } => self.create_collection(name, text),
            Statement::AlterXmlCollection { name, text } => self.alter_collection(name, text),
            Statement::CreateSequence { name, sequence } => self.create_sequence(name, sequence),
            Statement::AlterSequence { name, sequence } => self.alter_sequence(name, sequence),
            Statement::CreateSynonym { name, target } => {
                let database_id = self.target(name)?;
                self.allow_create(database_id, "CREATE SYNONYM")?;
                let schema_id = self.schema(database_id, name)?;
                self.free_name(database_id, schema_id, &name.name, 1)?;
                let kind = Kind::Synonym { base: target.clone() };
                let made = self.fresh(database_id, schema_id, &name.name, 0, kind)?;
                self.db_mut(database_id)?.put(made);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn create_schema(
        &mut self,
        name: Option<&str>,
        authorization: Option<&str>,
        elements: &[Statement],
    ) -> DdlResult<()> {
        let database_id = self.who.database_id;
        let failed = |e: DdlError| e.then(2759, 0, 16, "CREATE SCHEMA failed due to previous errors.");
        self.target(&ObjectName::default()).map_err(failed)?;
        self.allow_create(database_id, "CREATE SCHEMA").map_err(failed)?;
        let database = self.db(database_id)?.clone();
        let name = name.or(authorization).unwrap_or_default();
        let owner = match authorization {
            Some(owner) => {
                database.principal(owner).ok_or_else(|| failed(cannot_find("find", "user", owner)))?.principal_id
            }
            None => crate::sandbox::ddl::rights::user_of(self.server, &database, &self.who.login).unwrap_or(1),
        };
        if database.schema(name).is_some() {
            return Err(failed(name_in_use(name, 6)));
        }
        let schema_id = database.new_schema_id();
        let now = self.now;
        let _ = now;
        self.shape(database_id)?.schemas.push(Schema { schema_id, name: name.to_string(), principal_id: owner });
        for element in elements {
            let mut element = element.clone();
            if let Statement::CreateTable { name: table, .. } = &mut element
                && table.schema.is_none()
            {
                table.schema = Some(name.to_string());
            }
            self.statement(&element).map_err(failed)?;
        }
        Ok(())
    }

    fn alter_schema(&mut self, schema: &str, class: &str, name: &ObjectName) -> DdlResult<()> {
        let database_id = self.target(name)?;
        let database = self.db(database_id)?.clone();
        let to = database.schema(schema).ok_or_else(|| cannot_find("alter", "schema", schema))?.schema_id;
        if class == "TYPE" {
            let from = self.schema(database_id, name)?;
            let found =
                database.user_type(from, &name.name).ok_or_else(|| cannot_find("find", "type", &name.shown()))?;
            let mut changed = found.as_ref().clone();
            changed.schema_id = to;
            let types = &mut self.shape(database_id)?.types;
            if let Some(slot) = types.iter_mut().find(|t| t.user_type_id == changed.user_type_id) {
                *slot = Arc::new(changed);
            }
            return Ok(());
        }
        let Some((_, object)) = self.find(name)? else { return Err(cannot_find("find", "object", &name.shown())) };
        if database.locate(to, &object.name).is_some() {
            return Err(DdlError::new(
                15530,
                1,
                16,
                format!("The object with name \"{}\" already exists.", object.name),
            ));
        }
        let mut changed = object.as_ref().clone();
        changed.schema_id = to;
        self.put(database_id, changed)?;
        // Its triggers move with it.
        let triggers: Vec<_> = database.triggers_of(object.object_id).map(|t| t.as_ref().clone()).collect();
        for mut trigger in triggers {
            trigger.schema_id = to;
            self.put(database_id, trigger)?;
        }
        Ok(())
    }

    fn new_type(&mut self, name: &ObjectName) -> DdlResult<(i32, i32)> {
        let database_id = self.target(name)?;
        self.allow_create(database_id, "CREATE TYPE")?;
        let schema_id = self.schema(database_id, name)?;
        if self.db(database_id)?.user_type(schema_id, &name.name).is_some() {
            return Err(DdlError::new(
                219,
                1,
                16,
                format!("The type '{}' already exists, or you do not have permission to create it.", name.shown()),
            ));
        }
        Ok((database_id, schema_id))
    }

    fn put_type(
        &mut self,
        database_id: i32,
        schema_id: i32,
        name: &str,
        kind: UserTypeKind,
        table: Option<i32>,
        memory: bool,
    ) -> DdlResult<()> {
        let created = self.now;
        let database = self.shape(database_id)?;
        let user_type_id = database.new_type_id();
        database.types.push(Arc::new(UserType {
            user_type_id,
            name: name.to_string(),
            schema_id,
            principal_id: None,
            kind,
            table_object_id: table,
            created,
            bound_default: None,
            bound_rule: None,
            memory_optimized: memory,
        }));
        Ok(())
    }

    fn create_table_type(&mut self, name: &ObjectName, def: &TableDef) -> DdlResult<()> {
        let (database_id, schema_id) = self.new_type(name)?;
        let object = self.fresh(database_id, schema_id, &name.name, 0, Kind::Table(Box::default()))?;
        let object = self.fill_table(database_id, object, def, Making::Type)?;
        let memory = def.options.iter().any(|o| o.name == "MEMORY_OPTIMIZED" && o.is_on());
        let object_id = object.object_id;
        let Kind::Table(table) = object.kind else { return Ok(()) };
        self.put_type(database_id, schema_id, &name.name, UserTypeKind::Table(table), Some(object_id), memory)
    }

    fn create_collection(&mut self, name: &ObjectName, text: &str) -> DdlResult<()> {
        let database_id = self.target(name)?;
        self.allow_create(database_id, "CREATE XML SCHEMA COLLECTION")?;
        let schema_id = self.schema(database_id, name)?;
        if self.db(database_id)?.xml_collection(schema_id, &name.name).is_some() {
            return Err(name_in_use(&name.name, 4));
        }
        let created = self.now;
        let database = self.shape(database_id)?;
        let id = database.new_other_id();
        database.xml_collections.push(Arc::new(XmlSchemaCollection {
            id,
            name: name.name.clone(),
            schema_id,
            principal_id: None,
            created,
            modified: created,
            text: text.to_string(),
        }));
        Ok(())
    }

    fn alter_collection(&mut self, name: &ObjectName, text: &str) -> DdlResult<()> {
        let database_id = self.target(name)?;
        let schema_id = self.schema(database_id, name)?;
        let now = self.now;
        let missing = cannot_find("alter", "xml schema collection", &name.shown());
        let database = self.shape(database_id)?;
        let Some(found) = database.xml_collection(schema_id, &name.name).map(|c| c.id) else { return Err(missing) };
        if let Some(slot) = database.xml_collections.iter_mut().find(|c| c.id == found) {
            let changed = Arc::make_mut(slot);
            changed.text.push_str(text);
            changed.modified = now;
        }
        Ok(())
    }

    fn create_sequence(&mut self, name: &ObjectName, def: &SequenceDef) -> DdlResult<()> {
        let database_id = self.target(name)?;
        self.allow_create(database_id, "CREATE SEQUENCE")?;
        let schema_id = self.schema(database_id, name)?;
        self.free_name(database_id, schema_id, &name.name, 5)?;
        let database = self.db(database_id)?.clone();
        let resolved = match &def.ty {
            Some(ty) => super::types::resolve(&database, ty, None, 1)?,
            None => super::types::resolve(
                &database,
                &crate::sandbox::ddl::expression::TypeName {
                    schema: None,
                    name: "bigint".into(),
                    facets: Default::default(),
                },
                None,
                1,
            )?,
        };
        let (low, high) = range(&resolved.ty).ok_or_else(|| {
            DdlError::new(
                11702,
                2,
                16,
                format!(
                    "The sequence object '{}' must be of data type int, bigint, smallint, tinyint, or decimal or numeric with \
                     a scale of 0, or any user-defined data type that is based on one of the above integer data types.",
                    name.shown()
                ),
            )
        })?;
        let increment = def.increment.unwrap_or(1);
        if increment == 0 {
            return Err(DdlError::new(
                11700,
                1,
                16,
                format!("The increment for sequence object '{}' cannot be zero.", name.shown()),
            ));
        }
        let minimum = def.minimum.flatten().unwrap_or(low);
        let maximum = def.maximum.flatten().unwrap_or(high);
        if minimum >= maximum {
            return Err(DdlError::new(
                11705,
                1,
                16,
                format!(
                    "The minimum value for sequence object '{}' must be less than its maximum value.",
                    name.shown()
                ),
            ));
        }
        let start = def.start.unwrap_or(if increment > 0 { minimum } else { maximum });
        if start < minimum || start > maximum {
            return Err(DdlError::new(
                11703,
                1,
                16,
                format!(
                    "The start value for sequence object '{}' must be between the minimum and maximum value of the sequence \
                     object.",
                    name.shown()
                ),
            ));
        }
        let cache = def.cache.unwrap_or(Some(None));
        let sequence = Sequence {
            ty: resolved.ty,
            user_type_id: resolved.user_type_id,
            start,
            increment,
            minimum,
            maximum,
            cycling: def.cycle.unwrap_or(false),
            cached: cache.is_some(),
            cache_size: cache.flatten(),
            counter: Counter::default(),
        };
        let made = self.fresh(database_id, schema_id, &name.name, 0, Kind::Sequence(Box::new(sequence)))?;
        self.db_mut(database_id)?.put(made);
        Ok(())
    }

    fn alter_sequence(&mut self, name: &ObjectName, def: &SequenceDef) -> DdlResult<()> {
        let missing = || cannot_find("alter", "sequence object", &name.shown());
        let (database_id, object) = self.find(name)?.ok_or_else(missing)?;
        let mut object = object.as_ref().clone();
        let Kind::Sequence(sequence) = &mut object.kind else { return Err(missing()) };
        let (low, high) = range(&sequence.ty).unwrap_or((i128::MIN, i128::MAX));
        if let Some(increment) = def.increment {
            sequence.increment = increment;
        }
        if let Some(minimum) = def.minimum {
            sequence.minimum = minimum.unwrap_or(low);
        }
        if let Some(maximum) = def.maximum {
            sequence.maximum = maximum.unwrap_or(high);
        }
        if let Some(cycle) = def.cycle {
            sequence.cycling = cycle;
        }
        if let Some(cache) = def.cache {
            sequence.cached = cache.is_some();
            sequence.cache_size = cache.flatten();
        }
        if let Some(restart) = def.restart {
            let value = restart.unwrap_or(sequence.start);
            // RESTART WITH is the new start of the catalogue, too.
            if restart.is_some() {
                sequence.start = value;
            }
            sequence.counter.restart(value);
        }
        self.put(database_id, object).map(|_| ())
    }

    pub(super) fn schema_named(&self, database_id: i32, name: &str) -> DdlResult<i32> {
        Ok(self.db(database_id)?.schema(name).ok_or_else(|| no_schema(name))?.schema_id)
    }
}

/// The values a type can hold; `None` for types no sequence may have.
fn range(ty: &crate::sandbox::value::SqlType) -> Option<(i128, i128)> {
    Some(match ty.base {
        Base::TinyInt => (0, 255),
        Base::SmallInt => (i128::from(i16::MIN), i128::from(i16::MAX)),
        Base::Int => (i128::from(i32::MIN), i128::from(i32::MAX)),
        Base::BigInt => (i128::from(i64::MIN), i128::from(i64::MAX)),
        Base::Decimal | Base::Numeric if ty.scale == 0 => {
            let most = 10i128.checked_pow(u32::from(ty.precision)).map_or(i128::MAX, |p| p - 1);
            (-most, most)
        }
        _ => return None,
    })
}
