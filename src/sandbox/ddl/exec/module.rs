//! Views, procedures, functions, triggers: kept as text (facts 32 and 33).

use crate::sandbox::ddl::ast::expression::Expr;
use crate::sandbox::ddl::ast::{ModuleDef, Named, ObjectName, Returns, Verb};
use crate::sandbox::ddl::error::{DdlError, DdlResult, name_in_use};
use crate::sandbox::ddl::normal;
use crate::sandbox::meta::external::ClrMethod;
use crate::sandbox::meta::object::{ModuleParameter, Numbered, OutputColumn};
use crate::sandbox::meta::property::TypedValue;
use crate::sandbox::meta::{Kind, Module, ModuleKind, Object};

use super::Run;
use super::table::Making;

impl Run<'_> {
    pub(super) fn module(&mut self, def: &ModuleDef) -> DdlResult<()> {
        if def.name.database.is_some() {
            let word = word_of(def.kind);
            return Err(DdlError::new(
                166,
                1,
                15,
                format!(
                    "'CREATE/ALTER {word}' does not allow specifying the database name as a prefix to the object name."
                ),
            ));
        }
        let database_id = self.target(&def.name)?;
        let permission = match def.kind {
            ModuleKind::View => "CREATE VIEW",
            ModuleKind::Procedure => "CREATE PROCEDURE",
            ModuleKind::ScalarFunction | ModuleKind::InlineFunction | ModuleKind::TableFunction => "CREATE FUNCTION",
            ModuleKind::Trigger => "ALTER",
            ModuleKind::Default => "CREATE DEFAULT",
            ModuleKind::Rule => "CREATE RULE",
            ModuleKind::Aggregate => "CREATE AGGREGATE",
        };
        if def.kind != ModuleKind::Trigger {
            self.allow_create(database_id, permission)?;
        }
        if def.all_server {
            return Err(crate::sandbox::ddl::error::syntax_keyword("SERVER"));
        }
        // A trigger lives in its table's schema.
        let target = match &def.target {
            Some(target) => Some(self.trigger_target(def, target)?),
            None => None,
        };
        let schema_id = match (&target, &def.name.schema) {
            (Some(t), None) => t.schema_id,
            _ => self.schema(database_id, &def.name)?,
        };
        if let Some(target) = &target
            && target.schema_id != schema_id
        {
            let verb = if def.verb == Verb::Alter { "alter" } else { "create" };
            return Err(DdlError::new(
                2103,
                1,
                15,
                format!(
                    "Cannot {verb} trigger '{}' because its schema is different from the schema of the target table or view.",
                    def.name.shown()
                ),
            ));
        }
        let existing = self.db(database_id)?.find(schema_id, &def.name.name).cloned();
        if def.number > 1 {
            return self.numbered(database_id, existing.as_deref(), def);
        }
        let taken = self.db(database_id)?.locate(schema_id, &def.name.name).is_some();
        let state = if def.kind == ModuleKind::Trigger { 2 } else { 3 };
        let existing = match (def.verb, existing) {
            (Verb::Create, _) if taken => return Err(name_in_use(&def.name.name, state)),
            (Verb::Create, _) => None,
            (Verb::Alter, None) => {
                return Err(DdlError::new(208, 6, 16, format!("Invalid object name '{}'.", def.name.shown())));
            }
            (Verb::CreateOrAlter, None) if taken => return Err(name_in_use(&def.name.name, state)),
            (_, found) => found,
        };
        if let Some(found) = &existing {
            if !found.module().is_some_and(|m| same_family(m.kind, def.kind)) {
                return Err(DdlError::new(
                    2010,
                    1,
                    16,
                    format!(
                        "Cannot perform alter on '{}' because it is an incompatible object type.",
                        def.name.shown()
                    ),
                ));
            }
            if let Some(target) = &target
                && found.parent_object_id != target.object_id
            {
                return Err(DdlError::new(
                    2110,
                    1,
                    15,
                    format!(
                        "Cannot alter trigger '{}' on '{}' because this trigger does not belong to this object.",
                        def.name.shown(),
                        def.target.as_ref().map(ObjectName::shown).unwrap_or_default()
                    ),
                ));
            }
            let shown = def.name.shown();
            self.allow(database_id, found, "ALTER", || {
                DdlError::new(208, 6, 16, format!("Invalid object name '{shown}'."))
            })?;
        }
        if let Some(target) = &target
            && def.trigger.instead_of
        {
            let own = existing.as_ref().map(|e| e.object_id);
            let database = self.db(database_id)?;
            for other in database.triggers_of(target.object_id).filter(|t| Some(t.object_id) != own) {
                let Some(facts) = other.module().and_then(|m| m.trigger.as_ref()) else { continue };
                if facts.instead_of
                    && let Some(event) = facts.events.iter().find(|e| def.trigger.events.contains(e))
                {
                    return Err(DdlError::new(
                        2111,
                        1,
                        16,
                        format!(
                            "Cannot create trigger '{}' on {} '{}' because an INSTEAD OF {event} trigger already exists on \
                             this object.",
                            def.name.shown(),
                            if target.table().is_some() { "table" } else { "view" },
                            target.name
                        ),
                    ));
                }
            }
        }
        let mut module = self.module_of(database_id, def)?;
        let database = self.db(database_id)?.clone();
        match def.kind {
            ModuleKind::View | ModuleKind::InlineFunction => {
                // An encrypted module's text is not kept, but it is read.
                let mut told = module.clone();
                told.definition.get_or_insert_with(|| def.text.clone());
                let body = def.text.get(def.body..).unwrap_or_default();
                module.columns = self.hooks.module_columns(&database, schema_id, &told, body)?;
                for (column, name) in module.columns.iter_mut().zip(&def.column_names) {
                    column.name.clone_from(name);
                }
            }
            ModuleKind::TableFunction => {
                if let Some(Returns::Table(table)) = &def.returns {
                    let object = self.fresh(database_id, schema_id, "", 0, Kind::Table(Box::default()))?;
                    let object = self.fill_table(database_id, object, table, Making::Type)?;
                    let columns = object.table().map(|t| t.columns.as_slice()).unwrap_or_default();
                    module.columns = columns
                        .iter()
                        .map(|c| OutputColumn {
                            name: c.name.clone(),
                            ty: c.ty.clone(),
                            user_type_id: c.user_type_id,
                            nullable: c.nullable,
                        })
                        .collect();
                    if let Kind::Table(table) = object.kind {
                        module.returns = Some(table);
                    }
                }
            }
            _ => {}
        }
        match existing {
            Some(found) => {
                let mut changed = found.as_ref().clone();
                if let Some(old) = changed.module() {
                    // What belongs to it and is not in its text.
                    module.numbered.clone_from(&old.numbered);
                    if let (Some(new), Some(old)) = (&mut module.trigger, &old.trigger) {
                        new.disabled = old.disabled;
                    }
                }
                changed.kind = Kind::Module(Box::new(module));
                self.put(database_id, changed)?;
            }
            None => {
                let parent = target.map_or(0, |t| t.object_id);
                let made =
                    self.fresh(database_id, schema_id, &def.name.name, parent, Kind::Module(Box::new(module)))?;
                self.db_mut(database_id)?.put(made);
            }
        }
        Ok(())
    }

    /// One more procedure of a group.
    fn numbered(&mut self, database_id: i32, group: Option<&Object>, def: &ModuleDef) -> DdlResult<()> {
        let missing = || DdlError::new(208, 6, 16, format!("Invalid object name '{}'.", def.name.shown()));
        let mut group = group.cloned().ok_or_else(missing)?;
        let made = self.module_of(database_id, def)?;
        let Some(module) = group.module_mut().filter(|m| m.kind == ModuleKind::Procedure) else {
            return Err(missing());
        };
        let at = module.numbered.iter().position(|n| n.number == def.number);
        match (def.verb, at) {
            (Verb::Create, Some(_)) => return Err(name_in_use(&def.name.name, 3)),
            (Verb::Alter, None) => return Err(missing()),
            _ => {}
        }
        let made = Numbered { number: def.number, definition: made.definition, parameters: made.parameters };
        match at {
            Some(at) => module.numbered[at] = made,
            None => module.numbered.push(made),
        }
        self.put(database_id, group).map(|_| ())
    }

    fn trigger_target(&self, def: &ModuleDef, target: &ObjectName) -> DdlResult<Object> {
        let missing = |state: u8| {
            DdlError::new(
                8197,
                state,
                16,
                format!("The object '{}' does not exist or is invalid for this operation.", target.shown()),
            )
        };
        // Without a schema the table is looked for where the trigger is to be.
        let mut name = target.clone();
        if name.schema.is_none() {
            name.schema.clone_from(&def.name.schema);
        }
        let (database_id, object) = self.find(&name)?.ok_or_else(|| missing(4))?;
        match &object.kind {
            Kind::Table(_) => {}
            Kind::Module(m) if m.kind == ModuleKind::View && def.trigger.instead_of => {}
            Kind::Module(m) if m.kind == ModuleKind::View => return Err(missing(6)),
            _ => return Err(missing(4)),
        }
        self.allow(database_id, &object, "ALTER", || missing(4))?;
        Ok(object.as_ref().clone())
    }

    fn module_of(&mut self, database_id: i32, def: &ModuleDef) -> DdlResult<Module> {
        let database = self.db(database_id)?.clone();
        let mut parameters = Vec::new();
        if let Some(Returns::Scalar(ty)) = &def.returns {
            let resolved = super::types::resolve(&database, ty, None, 0)?;
            parameters.push(ModuleParameter {
                id: 0,
                name: String::new(),
                ty: resolved.ty,
                user_type_id: resolved.user_type_id,
                output: true,
                readonly: false,
                has_default: false,
                default: None,
                xml_collection_id: resolved.xml_collection_id,
                xml_document: resolved.xml_document,
            });
        }
        for (n, parameter) in (1..).zip(&def.parameters) {
            if parameter.ty.schema.is_none() && parameter.ty.name.eq_ignore_ascii_case("cursor") {
                // A cursor variable: the catalogue has no type for it here.
                // Assumption: shown as sql_variant.
                parameters.push(ModuleParameter {
                    id: n,
                    name: parameter.name.clone(),
                    ty: super::types::plain(crate::sandbox::value::Base::Variant),
                    user_type_id: 98,
                    output: true,
                    readonly: false,
                    has_default: false,
                    default: None,
                    xml_collection_id: 0,
                    xml_document: false,
                });
                continue;
            }
            let resolved = super::types::resolve(&database, &parameter.ty, None, usize::try_from(n).unwrap_or(0))?;
            // The catalogue knows the defaults of CLR modules alone: the others have them in their text.
            // Assumption: they are kept in the parameter's type.
            let clr = parameter.default.as_ref().filter(|_| def.external.is_some());
            let default = match clr {
                None | Some(Expr::Null) => None,
                Some(value) => {
                    let value = self.hooks.literal(&database, &normal::definition(value), &resolved.ty)?;
                    TypedValue::of(&value, &resolved.ty)
                }
            };
            parameters.push(ModuleParameter {
                id: n,
                name: parameter.name.clone(),
                ty: resolved.ty,
                user_type_id: resolved.user_type_id,
                output: parameter.output,
                readonly: parameter.readonly,
                has_default: parameter.has_default,
                default,
                xml_collection_id: resolved.xml_collection_id,
                xml_document: resolved.xml_document,
            });
        }
        let execute_as = match def.execute_as.as_deref() {
            None => None,
            Some(word) => self.execute_as(database_id, word)?,
        };
        let clr = match &def.external {
            None => None,
            Some((assembly, class, method)) => {
                let assembly_id = super::external::assembly_id(&database, assembly)?;
                let columns = match &def.returns {
                    Some(Returns::Table(table)) => table.columns.as_slice(),
                    _ => &[],
                };
                let mut order = Vec::new();
                for key in &def.order {
                    let at = columns.iter().position(|c| database.same(&c.name, &key.name));
                    let at = at.and_then(|at| i32::try_from(at + 1).ok()).ok_or_else(|| {
                        let shown = format!("Invalid column name '{}'.", key.name);
                        DdlError::new(207, 1, 16, shown)
                    })?;
                    order.push((at, key.descending));
                }
                Some(ClrMethod { assembly_id, class: class.clone(), method: method.clone(), order })
            }
        };
        Ok(Module {
            kind: def.kind,
            definition: (!def.encrypted && clr.is_none()).then(|| def.text.clone()),
            uses_ansi_nulls: self.who.ansi_nulls,
            uses_quoted_identifier: self.who.quoted_identifier,
            schema_bound: def.schema_bound,
            recompiled: def.recompile,
            null_on_null_input: def.null_on_null_input,
            check_option: def.check_option,
            execute_as,
            native: def.native,
            parameters,
            columns: Vec::new(),
            returns: None,
            indexes: Vec::new(),
            trigger: (def.kind == ModuleKind::Trigger).then(|| def.trigger.clone()),
            numbered: Vec::new(),
            clr,
            references: def.references.clone(),
        })
    }

    /// EXECUTE AS: a principal, −2 for OWNER, none for CALLER.
    pub(super) fn execute_as(&self, database_id: i32, word: &str) -> DdlResult<Option<i32>> {
        let database = self.db(database_id)?;
        Ok(match word.to_uppercase().as_str() {
            "CALLER" => None,
            "OWNER" => Some(-2),
            "SELF" => crate::sandbox::ddl::rights::user_of(self.server, database, &self.who.login),
            _ => {
                let found = database.principal(word);
                Some(found.ok_or_else(|| crate::sandbox::ddl::error::cannot_find("find", "user", word))?.principal_id)
            }
        })
    }

    /// ENABLE TRIGGER, DISABLE TRIGGER.
    pub(super) fn switch_trigger(&mut self, enable: bool, names: &Named, on: Option<&ObjectName>) -> DdlResult<()> {
        let missing = |name: &str, state: u8| {
            DdlError::new(
                1088,
                state,
                16,
                format!("Cannot find the object \"{name}\" because it does not exist or you do not have permissions."),
            )
        };
        match on {
            Some(on) => {
                let (database_id, object) = self.find(on)?.ok_or_else(|| missing(&on.shown(), 21))?;
                if let Named::These(list) = names {
                    let database = self.db(database_id)?;
                    for name in list {
                        if !database.triggers_of(object.object_id).any(|t| database.same(&t.name, name)) {
                            return Err(missing(name, 119));
                        }
                    }
                }
                self.switch_triggers_of(database_id, &object, enable, names)
            }
            None => {
                let database_id = self.who.database_id;
                let database = self.db(database_id)?.clone();
                let triggers: Vec<Object> = database
                    .objects()
                    .filter(|o| {
                        o.module().and_then(|m| m.trigger.as_ref()).is_some_and(|t| t.on_database)
                            && match names {
                                Named::All => true,
                                Named::These(list) => list.iter().any(|n| database.same(n, &o.name)),
                            }
                    })
                    .map(|o| o.as_ref().clone())
                    .collect();
                if let (Named::These(list), true) = (names, triggers.is_empty()) {
                    return Err(missing(list.first().map_or("", String::as_str), 119));
                }
                for mut trigger in triggers {
                    if let Some(facts) = trigger.module_mut().and_then(|m| m.trigger.as_mut()) {
                        facts.disabled = !enable;
                    }
                    self.put(database_id, trigger)?;
                }
                Ok(())
            }
        }
    }
}

fn word_of(kind: ModuleKind) -> &'static str {
    match kind {
        ModuleKind::View => "VIEW",
        ModuleKind::Procedure => "PROCEDURE",
        ModuleKind::ScalarFunction | ModuleKind::InlineFunction | ModuleKind::TableFunction => "FUNCTION",
        ModuleKind::Trigger => "TRIGGER",
        ModuleKind::Default => "DEFAULT",
        ModuleKind::Rule => "RULE",
        ModuleKind::Aggregate => "AGGREGATE",
    }
}

/// A function may be altered into one of the same kind only; the others are their own family.
fn same_family(a: ModuleKind, b: ModuleKind) -> bool {
    a == b
}
