//! Views, procedures, functions, triggers.

use std::collections::HashMap;

use super::module_text::{ExecuteAs, Form, Parts, split};
use super::tokens::Kind;
use super::{Builder, ObjectRow, grouped};
use crate::bacpac::model::{
    Column, DdlTrigger, DmlTrigger, Function, FunctionBody, FunctionBodyForm, FunctionForm, Name, Parameter, Procedure,
    Reference, Rest, Script, TriggerEvent, TriggerOrder, TriggerTiming, TypeSpec, View, set_module_text, with_names,
};
use crate::sqlserver::orders::Record;

/// `EXECUTE AS` as the model has it: caller, self, owner, user.
type RunsAs = (bool, bool, bool, Option<Reference>);

impl Builder<'_> {
    pub(super) fn modules(&mut self) {
        let texts = grouped(self.rows, "sys.sql_modules", "object_id");
        let columns = grouped(self.rows, "sys.columns", "object_id");
        let parameters = grouped(self.rows, "sys.parameters", "object_id");
        let triggers = grouped(self.rows, "sys.triggers", "object_id");
        let events = grouped(self.rows, "sys.trigger_events", "object_id");
        for (id, object) in self.of_kinds(&["V", "P", "FN", "IF", "TF", "TR"]) {
            let form = match object.kind.as_str() {
                "V" => Form::View,
                "P" => Form::Procedure,
                "IF" => Form::InlineFunction,
                "TR" => Form::Trigger,
                _ => Form::Function,
            };
            let kind = match form {
                Form::View => "view",
                Form::Procedure => "procedure",
                Form::Trigger => "trigger",
                _ => "function",
            };
            let Some(module) = texts.get(&id).and_then(|m| m.first()) else {
                self.left_out(kind, &object.name);
                continue;
            };
            let Some(text) = module.text("definition") else {
                self.left_out(&format!("{kind} (its text is encrypted)"), &object.name);
                continue;
            };
            // What DacFx makes of a package is what the text names.
            let on = self.object(Some(object.parent)).map(|o| &o.name);
            let named = with_names(text, &object.name, on);
            let Some(parts) = split(form, named.as_deref().unwrap_or(text)) else {
                self.left_out(&format!("{kind} (its text is not understood)"), &object.name);
                continue;
            };
            let own_columns = columns.get(&id).map_or(&[][..], Vec::as_slice);
            let own_parameters = parameters.get(&id).map_or(&[][..], Vec::as_slice);
            match form {
                Form::View => self.view(&object, module, &parts, own_columns),
                Form::Procedure => self.procedure(&object, module, &parts, own_parameters),
                Form::Trigger => {
                    let (Some(row), own) =
                        (triggers.get(&id).and_then(|t| t.first()), events.get(&id).map_or(&[][..], Vec::as_slice))
                    else {
                        continue;
                    };
                    self.trigger(&object, module, &parts, row, own);
                }
                _ => self.function(&object, module, &parts, own_columns, own_parameters),
            }
        }
        self.numbered_procedures(&texts);
        self.database_triggers(&texts, &events);
    }

    /// The further procedures of a numbered group (`P;2`).
    fn numbered_procedures(&mut self, texts: &HashMap<i64, Vec<Record<'_>>>) {
        let rows: Vec<_> = self.rows.of("sys.numbered_procedures").collect();
        for r in rows {
            let (Some(id), Some(number)) = (r.int("object_id"), r.int("procedure_number")) else { continue };
            let (Some(object), Some(module)) = (self.objects.get(&id).cloned(), texts.get(&id).and_then(|m| m.first()))
            else {
                continue;
            };
            let name = object.name.child(number.to_string());
            let named = |text| with_names(text, &object.name, None).unwrap_or_else(|| text.to_owned());
            let parts = r.text("definition").and_then(|text| split(Form::Procedure, &named(text)));
            // The catalogue's parameters of these are not asked for; a header with variables has some.
            let plain = parts.filter(|p| !super::tokens::tokens(&p.header).iter().any(|t| t.kind == Kind::Variable));
            let Some(parts) = plain else {
                self.left_out("procedure of a numbered group", name);
                continue;
            };
            let (as_caller, as_self, as_owner, as_user) = self.runs_as(&parts);
            self.made.push(
                Procedure {
                    name,
                    body: Some(script(module, &parts.body)),
                    as_caller,
                    as_self,
                    as_owner,
                    as_user,
                    ansi_nulls: module.bool("uses_ansi_nulls"),
                    quoted_identifier: module.bool("uses_quoted_identifier"),
                    parent: object.name,
                    rest: with_text(&parts),
                    ..Procedure::default()
                }
                .into(),
            );
        }
    }

    /// Triggers on the database: they are no objects of a schema.
    fn database_triggers(&mut self, texts: &HashMap<i64, Vec<Record<'_>>>, events: &HashMap<i64, Vec<Record<'_>>>) {
        // Those of assemblies are put together elsewhere.
        let own = |r: &Record<'_>| {
            r.int("parent_class") == Some(0) && !r.bool("is_ms_shipped") && r.string("type").trim() != "TA"
        };
        let rows: Vec<_> = self.rows.of("sys.triggers").filter(own).collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            let Some(id) = r.int("object_id") else { continue };
            let module = texts.get(&id).and_then(|m| m.first());
            let Some((module, text)) = module.and_then(|m| Some((m, m.text("definition")?))) else {
                self.left_out("trigger on the database (its text cannot be read)", name);
                continue;
            };
            let named = with_names(text, &name, None);
            let Some(parts) = split(Form::Trigger, named.as_deref().unwrap_or(text)) else {
                self.left_out("trigger on the database", name);
                continue;
            };
            let fired = fired(events.get(&id).map_or(&[][..], Vec::as_slice));
            let (as_caller, as_self, as_owner, as_user) = self.runs_as(&parts);
            self.made.push(
                DdlTrigger {
                    name,
                    timing: if parts.after { TriggerTiming::After } else { TriggerTiming::For },
                    disabled: r.bool("is_disabled"),
                    body: Some(script(module, &parts.body)),
                    ansi_nulls: module.bool("uses_ansi_nulls"),
                    quoted_identifier: module.bool("uses_quoted_identifier"),
                    as_caller,
                    as_self,
                    as_owner,
                    events: fired,
                    as_user,
                    rest: with_text(&parts),
                    ..DdlTrigger::default()
                }
                .into(),
            );
        }
    }

    fn view(&mut self, object: &ObjectRow, module: &Record<'_>, parts: &Parts, columns: &[Record<'_>]) {
        let mut own: Vec<_> = columns.iter().collect();
        own.sort_by_key(|c| c.int("column_id"));
        self.made.push(
            View {
                name: object.name.clone(),
                schema_bound: module.bool("is_schema_bound"),
                view_metadata: parts.view_metadata,
                body: Some(script(module, &parts.body)),
                check_option: parts.check_option,
                columns_named: parts.names_columns,
                ansi_nulls: module.bool("uses_ansi_nulls"),
                quoted_identifier: module.bool("uses_quoted_identifier"),
                columns: own.iter().map(|c| Column::computed(&object.name, &c.string("name"), None)).collect(),
                rest: with_text(parts),
                ..View::default()
            }
            .into(),
        );
    }

    fn procedure(&mut self, object: &ObjectRow, module: &Record<'_>, parts: &Parts, parameters: &[Record<'_>]) {
        let Some(parameters) = self.parameters(&object.name, module, parts, parameters) else {
            return self.left_out("procedure (a parameter's type is not known)", &object.name);
        };
        let (as_caller, as_self, as_owner, as_user) = self.runs_as(parts);
        self.made.push(
            Procedure {
                name: object.name.clone(),
                recompiled: module.bool("is_recompiled"),
                for_replication: parts.for_replication,
                body: Some(script(module, &parts.body)),
                native: module.bool("uses_native_compilation"),
                schema_bound: module.bool("is_schema_bound"),
                as_caller,
                as_self,
                as_owner,
                as_user,
                ansi_nulls: module.bool("uses_ansi_nulls"),
                quoted_identifier: module.bool("uses_quoted_identifier"),
                parameters,
                rest: with_text(parts),
                ..Procedure::default()
            }
            .into(),
        );
    }

    fn function(
        &mut self,
        object: &ObjectRow,
        module: &Record<'_>,
        parts: &Parts,
        columns: &[Record<'_>],
        parameters: &[Record<'_>],
    ) {
        let form = match object.kind.as_str() {
            "FN" => FunctionForm::Scalar,
            "IF" => FunctionForm::Inline,
            _ => FunctionForm::MultiStatement,
        };
        // The value of a scalar function is its parameter 0.
        let returns = parameters.iter().find(|p| p.int("parameter_id") == Some(0)).and_then(|p| self.types.spec(p));
        let (Some(parameters), true) = (
            self.parameters(&object.name, module, parts, parameters),
            form != FunctionForm::Scalar || returns.is_some(),
        ) else {
            return self.left_out("function (a parameter's type is not known)", &object.name);
        };
        let mut own: Vec<_> = columns.iter().collect();
        own.sort_by_key(|c| c.int("column_id"));
        let columns = own.into_iter().map(|c| {
            let name = c.string("name");
            Some(match form {
                FunctionForm::MultiStatement => Column {
                    nullable: c.bool("is_nullable"),
                    identity: c.bool("is_identity"),
                    collation: self.own_collation(c),
                    ..Column::simple(&object.name, &name, self.types.spec(c)?)
                },
                _ => Column::computed(&object.name, &name, None),
            })
        });
        let columns = if form == FunctionForm::Scalar { Some(Vec::new()) } else { columns.collect() };
        let Some(columns) = columns else {
            return self.left_out("function (a column's type is not known)", &object.name);
        };
        let (as_caller, as_self, as_owner, as_user) = self.runs_as(parts);
        self.made.push(
            Function {
                name: object.name.clone(),
                return_variable: parts.return_variable.clone().filter(|_| form == FunctionForm::MultiStatement),
                // DacFx says so of either word, and keeps which one it is in the text.
                inline: form == FunctionForm::Scalar && parts.says_inline,
                schema_bound: module.bool("is_schema_bound"),
                null_on_null: module.bool("null_on_null_input"),
                native: module.bool("uses_native_compilation"),
                as_caller,
                as_self,
                as_owner,
                as_user,
                ansi_nulls: module.bool("uses_ansi_nulls"),
                quoted_identifier: module.bool("uses_quoted_identifier"),
                columns,
                implementation: Some(FunctionBody {
                    body: Some(script(module, &parts.body)),
                    rest: with_text(parts),
                    ..FunctionBody::of(FunctionBodyForm::Script)
                }),
                parameters,
                returns: returns.filter(|_| form == FunctionForm::Scalar),
                ..Function::of(form)
            }
            .into(),
        );
    }

    fn trigger(
        &mut self,
        object: &ObjectRow,
        module: &Record<'_>,
        parts: &Parts,
        row: &Record<'_>,
        events: &[Record<'_>],
    ) {
        let Some(parent) = self.object(Some(object.parent)).map(|o| o.name.clone()) else {
            return self.left_out("trigger", &object.name);
        };
        let (as_caller, as_self, as_owner, as_user) = self.runs_as(parts);
        let mut trigger = DmlTrigger {
            name: object.name.clone(),
            with_append: parts.with_append,
            not_for_replication: row.bool("is_not_for_replication"),
            native: module.bool("uses_native_compilation"),
            schema_bound: module.bool("is_schema_bound"),
            timing: match (row.bool("is_instead_of_trigger"), parts.after) {
                (true, _) => TriggerTiming::InsteadOf,
                (_, true) => TriggerTiming::After,
                _ => TriggerTiming::For,
            },
            disabled: row.bool("is_disabled"),
            body: Some(script(module, &parts.body)),
            ansi_nulls: module.bool("uses_ansi_nulls"),
            quoted_identifier: module.bool("uses_quoted_identifier"),
            as_caller,
            as_self,
            as_owner,
            as_user,
            parent,
            rest: with_text(parts),
            ..DmlTrigger::default()
        };
        set_events(&mut trigger, events);
        self.made.push(trigger.into());
    }

    /// A module's parameters; nothing when the type of one is not known.
    fn parameters(
        &self,
        owner: &Name,
        module: &Record<'_>,
        parts: &Parts,
        parameters: &[Record<'_>],
    ) -> Option<Vec<Parameter>> {
        let defaults: HashMap<String, &String> =
            parts.defaults.iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        let mut own: Vec<_> = parameters.iter().filter(|p| p.int("parameter_id").is_some_and(|n| n > 0)).collect();
        own.sort_by_key(|p| p.int("parameter_id"));
        own.into_iter()
            .map(|p| {
                let name = p.string("name");
                Some(Parameter {
                    name: owner.child(&name),
                    output: p.bool("is_output"),
                    default: defaults.get(&name.to_lowercase()).map(|d| script(module, d)),
                    // Assumption: a cursor's type has no row of its own in sys.types.
                    varying: p.bool("is_cursor_ref"),
                    read_only: p.bool("is_readonly"),
                    nullable: p.int("is_nullable") != Some(0),
                    data_type: match p.bool("is_cursor_ref") {
                        true => Some(TypeSpec::built_in("cursor")),
                        false => Some(self.types.spec(p)?),
                    },
                    ..Parameter::default()
                })
            })
            .collect()
    }

    fn runs_as(&mut self, parts: &Parts) -> RunsAs {
        match &parts.execute_as {
            None | Some(ExecuteAs::Caller) => (true, false, false, None),
            Some(ExecuteAs::Selff) => (false, true, false, None),
            Some(ExecuteAs::Owner) => (false, false, true, None),
            Some(ExecuteAs::User(user)) => {
                let found = self.principals.iter().find(|(_, p)| p.name.eq_ignore_ascii_case(user)).map(|(id, _)| *id);
                let reference = self.principal(found);
                if reference.is_none() {
                    self.left_out("user that a module runs as", Name::one(user.as_str()));
                }
                (false, false, false, reference)
            }
        }
    }
}

fn place(event: &Record<'_>) -> TriggerOrder {
    match (event.bool("is_first"), event.bool("is_last")) {
        (true, _) => TriggerOrder::First,
        (_, true) => TriggerOrder::Last,
        _ => TriggerOrder::None,
    }
}

/// The events that fire a trigger on the database.
pub(super) fn fired(events: &[Record<'_>]) -> Vec<TriggerEvent> {
    let one = |e: &Record<'_>| TriggerEvent { order: place(e), event: e.int("type"), ..TriggerEvent::default() };
    let mut fired: Vec<TriggerEvent> = events.iter().map(one).collect();
    fired.sort_by_key(|e| e.event);
    fired.dedup_by_key(|e| e.event);
    fired
}

/// What a trigger on a table or view fires at, and its place among others.
pub(super) fn set_events(trigger: &mut DmlTrigger, events: &[Record<'_>]) {
    let order = |event: &str| {
        let found = events.iter().find(|e| e.text("type_desc").is_some_and(|d| d.trim() == event));
        found.map(place)
    };
    let (insert, update, delete) = (order("INSERT"), order("UPDATE"), order("DELETE"));
    (trigger.on_insert, trigger.on_update, trigger.on_delete) = (insert.is_some(), update.is_some(), delete.is_some());
    trigger.insert_order = insert.unwrap_or(TriggerOrder::None);
    trigger.update_order = update.unwrap_or(TriggerOrder::None);
    trigger.delete_order = delete.unwrap_or(TriggerOrder::None);
}

/// T-SQL with the settings it was made under.
fn script(module: &Record<'_>, text: &str) -> Script {
    let on = |b: bool| if b { "True".to_owned() } else { "False".to_owned() };
    Script {
        text: text.to_owned(),
        more: vec![
            ("QuotedIdentifiers".into(), on(module.bool("uses_quoted_identifier"))),
            ("AnsiNulls".into(), on(module.bool("uses_ansi_nulls"))),
        ],
    }
}

fn with_text(parts: &Parts) -> Rest {
    let mut rest = Rest::default();
    set_module_text(&mut rest, &parts.header, parts.length, parts.create_offset, &parts.footer);
    rest
}
