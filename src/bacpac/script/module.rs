//! Views, procedures, functions, triggers: their text as it was made.

use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

impl<'a> Maker<'a> {
    fn module(
        &mut self,
        phase: Phase,
        kind: &'static str,
        name: &Name,
        text: Option<String>,
        settings: (bool, bool),
        dependencies: &Entries,
    ) -> bool {
        let Some(text) = text else {
            self.leave(kind, name, "its text is not in the model (it is encrypted)");
            return false;
        };
        // Of a numbered group (`p;2`) the text has the name of all.
        let called = if name.parts().len() > 2 { &name.parent() } else { name };
        let text = with_names(&text, called, None).unwrap_or(text);
        let batch = self.add(phase, kind, name, text);
        (batch.ansi_nulls, batch.quoted_identifier) = settings;
        batch.needs = needs(dependencies);
        if name.parts().len() > 1 {
            batch.needs.push(Name::one(name.schema()));
        }
        true
    }

    pub(super) fn view(&mut self, view: &'a View) {
        let settings = (view.ansi_nulls, view.quoted_identifier);
        self.module(Phase::Modules, "view", &view.name, view.definition(), settings, &view.dependencies);
    }

    pub(super) fn procedure(&mut self, procedure: &'a Procedure) {
        if procedure.assembly.is_some() || procedure.class.is_some() {
            return self.clr_procedure(procedure);
        }
        let settings = (procedure.ansi_nulls, procedure.quoted_identifier);
        let (text, uses) = (procedure.definition(), &procedure.dependencies);
        if self.module(Phase::Modules, "procedure", &procedure.name, text, settings, uses) {
            let types = parameter_types(&procedure.parameters);
            let parent = procedure.parent.clone();
            if let Some(batch) = self.batches.last_mut() {
                batch.needs.extend(types);
                batch.needs.push(parent);
            }
        }
    }

    pub(super) fn function(&mut self, function: &'a Function) {
        if let Some(body) = function.implementation.as_ref().filter(|i| i.form == FunctionBodyForm::Clr) {
            return self.clr_function(function, body);
        }
        let settings = (function.ansi_nulls, function.quoted_identifier);
        let (text, uses) = (function.definition(), &function.dependencies);
        if self.module(Phase::Modules, "function", &function.name, text, settings, uses) {
            let types = parameter_types(&function.parameters);
            if let Some(batch) = self.batches.last_mut() {
                batch.needs.extend(types);
            }
        }
    }

    pub(super) fn dml_trigger(&mut self, trigger: &'a DmlTrigger) {
        let settings = (trigger.ansi_nulls, trigger.quoted_identifier);
        let name = &trigger.name;
        let text = trigger.definition().map(|t| with_names(&t, name, Some(&trigger.parent)).unwrap_or(t));
        let made = match trigger.assembly.is_some() || trigger.class.is_some() {
            true => self.clr_dml_trigger(trigger),
            false => self.module(Phase::Triggers, "trigger", name, text, settings, &trigger.dependencies),
        };
        if !made {
            return;
        }
        self.needs([trigger.parent.clone()]);
        for (order, event) in
            [(trigger.insert_order, "INSERT"), (trigger.update_order, "UPDATE"), (trigger.delete_order, "DELETE")]
        {
            if let Some(order) = order_word(order) {
                let sql = format!(
                    "EXECUTE sp_settriggerorder @triggername = {}, @order = N'{order}', @stmttype = N'{event}';",
                    literal(&name.to_string())
                );
                self.then(Phase::Triggers, "trigger order", name, sql);
            }
        }
        if trigger.disabled {
            let sql = format!("DISABLE TRIGGER {name} ON {};", trigger.parent);
            self.then(Phase::Triggers, "disabled trigger", name, sql);
        }
    }

    pub(super) fn ddl_trigger(&mut self, trigger: &'a DdlTrigger) {
        let settings = (trigger.ansi_nulls, trigger.quoted_identifier);
        let (name, text) = (&trigger.name, trigger.definition());
        // Last of all: a trigger on DDL would fire at everything that comes after it.
        let made = match trigger.assembly.is_some() || trigger.class.is_some() {
            true => self.clr_ddl_trigger(trigger),
            false => self.module(Phase::Permissions, "database trigger", name, text, settings, &trigger.dependencies),
        };
        if !made {
            return;
        }
        for event in &trigger.events {
            let Some(order) = order_word(event.order) else { continue };
            let number = event.event.unwrap_or(0).to_string();
            let Some(word) = vocabulary::name_of(TriggerEvent::ELEMENT, "EventType", &number) else { continue };
            let sql = format!(
                "EXECUTE sp_settriggerorder @triggername = {}, @order = N'{order}', @stmttype = N'{}', \
                 @namespace = N'DATABASE';",
                literal(&name.to_string()),
                words(word, '_')
            );
            self.then(Phase::Permissions, "trigger order", name, sql);
        }
        if trigger.disabled {
            let sql = format!("DISABLE TRIGGER {name} ON DATABASE;");
            self.then(Phase::Permissions, "disabled trigger", name, sql);
        }
    }
}

fn order_word(order: TriggerOrder) -> Option<&'static str> {
    match order {
        TriggerOrder::First => Some("First"),
        TriggerOrder::Last => Some("Last"),
        _ => None,
    }
}

pub(super) fn parameter_types(parameters: &[Parameter]) -> Vec<Name> {
    parameters.iter().filter_map(|p| p.data_type.as_ref()).filter_map(|t| own(&t.type_ref)).collect()
}
