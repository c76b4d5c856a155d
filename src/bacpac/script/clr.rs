//! Assemblies and what is made of them: modules, aggregates and types whose code is in an assembly (`EXTERNAL NAME`).
//!
//! Whether a server runs such code is the server's business (`clr enabled`, `clr strict security`, trusted assemblies):
//! it may refuse an assembly and what is made of it without harm to anything else, and they are optional here.

use super::module::parameter_types;
use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

/// Where the code of a module is: assembly, class, method.
pub(super) struct Code<'a> {
    assembly: Name,
    /// The assembly is one of this model.
    own: bool,
    class: &'a str,
    method: Option<&'a str>,
}

impl<'a> Code<'a> {
    fn external_name(&self) -> String {
        let method = self.method.map_or(String::new(), |m| format!(".{}", quote(m)));
        format!("EXTERNAL NAME {}.{}{method}", quote(self.assembly.last()), quote(self.class))
    }
}

impl<'a> Maker<'a> {
    /// Where the code is; nothing, and said so, where the assembly is not in the model.
    fn code(
        &mut self,
        kind: &'static str,
        name: &Name,
        assembly: Option<&Reference>,
        class: Option<&'a str>,
        method: Option<&'a str>,
    ) -> Option<Code<'a>> {
        let (Some(assembly), Some(class)) = (assembly, class) else {
            self.leave(kind, name, "the model does not say which assembly and class it is made of");
            return None;
        };
        let (own, assembly) = (!assembly.is_built_in(), assembly.parsed());
        if own && !self.lookup.is_assembly(&assembly) {
            self.leave(kind, name, format!("assembly {assembly} is not in the model"));
            return None;
        }
        Some(Code { assembly, own, class, method })
    }

    /// Adds the batch of a module of an assembly.
    fn external(&mut self, phase: Phase, kind: &'static str, name: &Name, code: &Code<'_>, sql: String) {
        let batch = self.add(phase, kind, name, sql);
        batch.needs.extend(code.own.then(|| code.assembly.clone()));
        if name.parts().len() > 1 {
            batch.needs.push(Name::one(name.schema()));
        }
    }

    /// The last batch needs these, too.
    pub(super) fn needs(&mut self, needs: impl IntoIterator<Item = Name>) {
        if let Some(batch) = self.batches.last_mut() {
            batch.needs.extend(needs);
        }
    }

    pub(super) fn assembly(&mut self, element: &'a Element, name: &Name) {
        let mut sources = Vec::new();
        for source in element.children("AssemblySources") {
            match source.property("Source").filter(|s| is_hexadecimal(s)) {
                Some(bytes) => sources.push(bytes),
                // A path on somebody's disk.
                None => return self.leave("assembly", name, "its bytes are not in the model"),
            }
        }
        if sources.is_empty() {
            return self.leave("assembly", name, "its bytes are not in the model");
        }
        let set = match element.property("PermissionSet") {
            None | Some("1") => "SAFE",
            Some("2") => "EXTERNAL_ACCESS",
            Some("3") => "UNSAFE",
            Some(other) => {
                let reason = "it is not known: the assembly is made with SAFE";
                self.leave_property("assembly", name, "PermissionSet", other, reason);
                "SAFE"
            }
        };
        let quoted = quote(name.last());
        let owner = element.references("Authorizer").next();
        let authorization = owner.map_or(String::new(), |o| format!(" AUTHORIZATION {}", quote(o.parsed().last())));
        let sql =
            format!("CREATE ASSEMBLY {quoted}{authorization} FROM {} WITH PERMISSION_SET = {set};", sources.join(", "));
        let owner = own(&owner.cloned());
        let used = element.references("ReferencedAssemblies").filter(|r| !r.is_built_in()).map(Reference::parsed);
        let batch = self.add(Phase::Types, "assembly", name, sql);
        batch.optional = true;
        batch.needs.extend(owner);
        batch.needs.extend(used);
        if element.property("IsVisible") == Some("False") {
            let sql = format!("ALTER ASSEMBLY {quoted} WITH VISIBILITY = OFF;");
            self.then(Phase::Types, "visibility of assembly", name, sql).optional = true;
        }
    }

    /// A file that lies beside an assembly: its source, its debugging symbols.
    pub(super) fn assembly_file(&mut self, element: &'a Element, name: &Name) {
        let Some(assembly) = element.references("Assembly").next().map(Reference::parsed) else {
            return self.leave("assembly file", name, "it names no assembly");
        };
        let Some(bytes) = element.property("Source").filter(|s| is_hexadecimal(s)) else {
            return self.leave("assembly file", name, "its bytes are not in the model");
        };
        if !self.lookup.is_assembly(&assembly) {
            return self.leave("assembly file", name, format!("assembly {assembly} is not in the model"));
        }
        let sql =
            format!("ALTER ASSEMBLY {} ADD FILE FROM {bytes} AS {};", quote(assembly.last()), literal(name.last()));
        let batch = self.add(Phase::Types, "assembly file", name, sql);
        batch.optional = true;
        batch.creates = false;
        batch.needs.push(assembly);
    }

    pub(super) fn clr_type(&mut self, element: &'a Element, name: &Name) {
        let assembly = element.references("Assembly").next();
        let Some(code) = self.code("CLR type", name, assembly, element.property("ClassName"), None) else { return };
        let sql = format!("CREATE TYPE {name} {};", code.external_name());
        self.external(Phase::Types, "CLR type", name, &code, sql);
        if let Some(batch) = self.batches.last_mut() {
            batch.optional = true;
        }
    }

    pub(super) fn aggregate(&mut self, element: &'a Element, name: &Name) {
        let assembly = element.references("Assembly").next();
        let Some(code) = self.code("aggregate", name, assembly, element.property("ClassName"), None) else { return };
        let parameters: Result<Vec<Parameter>, _> =
            element.children("Parameters").map(Parameter::from_element).collect();
        let returns = element.children("ReturnType").next().map(TypeSpec::from_element);
        let (Ok(parameters), Some(Ok(returns))) = (parameters, returns) else {
            return self.leave("aggregate", name, "its parameters or its type are not understood");
        };
        let sql = format!(
            "CREATE AGGREGATE {name} ({}) RETURNS {} {};",
            parameter_list(&parameters),
            type_text(&returns),
            code.external_name()
        );
        self.external(Phase::Modules, "aggregate", name, &code, sql);
        self.needs(parameter_types(&parameters));
        self.needs(own(&returns.type_ref));
    }

    pub(super) fn clr_procedure(&mut self, procedure: &'a Procedure) {
        let name = &procedure.name;
        let (class, method) = (procedure.class.as_deref(), procedure.method.as_deref());
        let Some(code) = self.code("procedure", name, procedure.assembly.as_ref(), class, method) else { return };
        let parameters = match parameter_list(&procedure.parameters) {
            list if list.is_empty() => String::new(),
            list => format!(" {list}"),
        };
        let runs_as = runs_as(procedure.as_self, procedure.as_owner, &procedure.as_user);
        let sql = format!("CREATE PROCEDURE {name}{parameters}{} AS {};", with_words(&runs_as), code.external_name());
        self.external(Phase::Modules, "procedure", name, &code, sql);
        self.needs(parameter_types(&procedure.parameters));
        self.needs(own(&procedure.as_user));
        self.without_text(
            "procedure",
            name,
            &[
                ("IsEncrypted", procedure.encrypted),
                ("IsSchemaBound", procedure.schema_bound),
                ("IsRecompiled", procedure.recompiled),
                ("IsForReplication", procedure.for_replication),
                ("IsNativeCompiled", procedure.native),
            ],
        );
    }

    pub(super) fn clr_function(&mut self, function: &'a Function, body: &'a FunctionBody) {
        let name = &function.name;
        let (class, method) = (body.class.as_deref(), body.method.as_deref());
        let Some(code) = self.code("function", name, body.assembly.as_ref(), class, method) else { return };
        let returns = match (&function.returns, function.form) {
            (Some(spec), FunctionForm::Scalar) => type_text(spec),
            (_, FunctionForm::MultiStatement) if !function.columns.is_empty() => {
                format!("TABLE ({})", table_columns(&function.columns))
            }
            _ => return self.leave("function", name, "the model does not say what it gives back"),
        };
        let mut options = runs_as(function.as_self, function.as_owner, &function.as_user);
        // A function is called with NULL unless it says otherwise.
        if function.null_on_null {
            options.push("RETURNS NULL ON NULL INPUT".into());
        }
        let order = order_columns(body);
        let order = if order.is_empty() { order } else { format!(" ORDER ({order})") };
        let sql = format!(
            "CREATE FUNCTION {name} ({}) RETURNS {returns}{}{order} AS {};",
            parameter_list(&function.parameters),
            with_words(&options),
            code.external_name()
        );
        self.external(Phase::Modules, "function", name, &code, sql);
        self.needs(parameter_types(&function.parameters));
        let types = function.columns.iter().filter_map(|c| c.data_type.as_ref()).chain(&function.returns);
        self.needs(types.filter_map(|t| own(&t.type_ref)).collect::<Vec<_>>());
        self.needs(own(&function.as_user));
        self.without_text(
            "function",
            name,
            &[
                ("IsEncrypted", function.encrypted),
                ("IsSchemaBound", function.schema_bound),
                ("IsNativeCompiled", function.native),
                ("IsInline", function.inline),
            ],
        );
    }

    /// Whether it is there now.
    pub(super) fn clr_dml_trigger(&mut self, trigger: &'a DmlTrigger) -> bool {
        let name = &trigger.name;
        let (class, method) = (trigger.class.as_deref(), trigger.method.as_deref());
        let Some(code) = self.code("trigger", name, trigger.assembly.as_ref(), class, method) else { return false };
        let events: Vec<&str> =
            [(trigger.on_insert, "INSERT"), (trigger.on_update, "UPDATE"), (trigger.on_delete, "DELETE")]
                .into_iter()
                .filter_map(|(on, word)| on.then_some(word))
                .collect();
        let Some(timing) = timing(trigger.timing).filter(|_| !events.is_empty()) else {
            self.leave("trigger", name, "the model does not say when it fires");
            return false;
        };
        let sql = format!(
            "CREATE TRIGGER {name} ON {}{} {timing} {}{}{} AS {};",
            trigger.parent,
            with_words(&runs_as(trigger.as_self, trigger.as_owner, &trigger.as_user)),
            events.join(", "),
            if trigger.with_append { " WITH APPEND" } else { "" },
            if trigger.not_for_replication { " NOT FOR REPLICATION" } else { "" },
            code.external_name()
        );
        self.external(Phase::Triggers, "trigger", name, &code, sql);
        self.needs(own(&trigger.as_user));
        self.without_text(
            "trigger",
            name,
            &[
                ("IsEncrypted", trigger.encrypted),
                ("IsSchemaBound", trigger.schema_bound),
                ("IsNativeCompiled", trigger.native),
            ],
        );
        true
    }

    /// Whether it is there now.
    pub(super) fn clr_ddl_trigger(&mut self, trigger: &'a DdlTrigger) -> bool {
        let name = &trigger.name;
        let (class, method) = (trigger.class.as_deref(), trigger.method.as_deref());
        let Some(code) = self.code("database trigger", name, trigger.assembly.as_ref(), class, method) else {
            return false;
        };
        let mut events: Vec<Option<String>> = Vec::new();
        for group in &trigger.event_groups {
            let word = group.0.property("EventGroup");
            let word = word.and_then(|w| vocabulary::name_of("SqlEventGroupSpecifier", "EventGroup", w));
            events.push(word.map(|w| words(w, '_')));
        }
        for event in &trigger.events {
            let number = event.event.unwrap_or(0).to_string();
            let word = vocabulary::name_of(TriggerEvent::ELEMENT, "EventType", &number).filter(|w| *w != "Unknown");
            events.push(word.map(|w| words(w, '_')));
        }
        let events: Option<Vec<String>> = events.into_iter().collect();
        let (Some(events), Some(timing)) = (events.filter(|e| !e.is_empty()), timing(trigger.timing)) else {
            self.leave("database trigger", name, "the events that fire it are not known");
            return false;
        };
        let sql = format!(
            "CREATE TRIGGER {name} ON DATABASE{} {timing} {} AS {};",
            with_words(&runs_as(trigger.as_self, trigger.as_owner, &trigger.as_user)),
            events.join(", "),
            code.external_name()
        );
        // Last of all, as every trigger on DDL.
        self.external(Phase::Permissions, "database trigger", name, &code, sql);
        self.needs(own(&trigger.as_user));
        self.without_text("database trigger", name, &[("IsEncrypted", trigger.encrypted)]);
        true
    }

    /// What the text of a module says, and a module without a text cannot have.
    fn without_text(&mut self, kind: &'static str, name: &Name, properties: &[(&str, bool)]) {
        for (property, on) in properties {
            if *on && !self.is_dacfx() {
                self.leave_property(kind, name, property, "True", "a module of an assembly has no such option");
            }
        }
    }
}

/// `@a int = 1 OUTPUT, …`.
fn parameter_list(parameters: &[Parameter]) -> String {
    let list: Vec<String> = parameters
        .iter()
        .map(|p| {
            let mut text = parameter_word(p.name.last());
            if let Some(spec) = &p.data_type {
                text.push(' ');
                text.push_str(&type_text(spec));
            }
            if p.default.is_some() {
                text.push_str(&format!(" = {}", sql(&p.default).trim()));
            }
            if p.output {
                text.push_str(" OUTPUT");
            }
            if p.read_only {
                text.push_str(" READONLY");
            }
            text
        })
        .collect();
    list.join(", ")
}

/// A parameter's name cannot be quoted: what no name may hold is left out, which a server then refuses.
fn parameter_word(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '@' | '_' | '#' | '$')).collect()
}

/// The columns of the table that a function gives back.
fn table_columns(columns: &[Column]) -> String {
    let lines: Vec<String> = columns
        .iter()
        .map(|c| {
            let collation = c.collation.as_deref().map(super::table::collation_word);
            format!(
                "{} {}{} {}",
                quote(c.name.last()),
                c.data_type.as_ref().map_or_else(String::new, type_text),
                collation.map_or(String::new(), |c| format!(" COLLATE {c}")),
                if c.nullable { "NULL" } else { "NOT NULL" }
            )
        })
        .collect();
    lines.join(", ")
}

/// The order that a function promises of its rows.
fn order_columns(body: &FunctionBody) -> String {
    let columns = body.rest.relationship("OrderColumns").into_iter().flat_map(Relationship::elements);
    let columns: Vec<String> = columns
        .filter_map(|c| {
            let column = c.references("Column").next()?.parsed();
            let direction = if c.property("IsAscending") == Some("False") { "DESC" } else { "ASC" };
            Some(format!("{} {direction}", quote(column.last())))
        })
        .collect();
    columns.join(", ")
}

/// `EXECUTE AS`, where it is not the caller.
fn runs_as(as_self: bool, as_owner: bool, user: &Option<Reference>) -> Vec<String> {
    let who = match user {
        Some(user) => literal(user.parsed().last()),
        None if as_self => "SELF".into(),
        None if as_owner => "OWNER".into(),
        None => return Vec::new(),
    };
    vec![format!("EXECUTE AS {who}")]
}

/// ` WITH …, …`; nothing without options.
fn with_words(options: &[String]) -> String {
    if options.is_empty() { String::new() } else { format!(" WITH {}", options.join(", ")) }
}

fn timing(timing: TriggerTiming) -> Option<&'static str> {
    match timing {
        TriggerTiming::For => Some("FOR"),
        TriggerTiming::After => Some("AFTER"),
        TriggerTiming::InsteadOf => Some("INSTEAD OF"),
        _ => None,
    }
}

/// Whole bytes as T-SQL writes them; anything else would be T-SQL from a stranger.
fn is_hexadecimal(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or("?");
    digits.len().is_multiple_of(2) && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::{Form, script};
    use super::*;

    fn property(name: &str, value: Value) -> Node {
        Node::Property(crate::bacpac::model::Property { name: name.into(), value, more: Vec::new() })
    }

    fn refers(name: &str, to: &Name) -> Node {
        let entries = vec![Item::Reference(Reference::to(to)).into()];
        Node::Relationship(Relationship { name: name.into(), entries, more: Vec::new() })
    }

    fn assembly(name: &str, source: &str, uses: Option<&str>) -> Object {
        let mut bytes = Element::new("SqlAssemblySource", None);
        bytes.nodes.push(property("Source", Value::Script(Script::new(source))));
        let mut made = Element::new("SqlAssembly", Some(&Name::one(name)));
        let entries = vec![Item::Element(bytes).into()];
        let sources = Relationship { name: "AssemblySources".into(), entries, more: Vec::new() };
        made.nodes.push(Node::Relationship(sources));
        made.nodes.extend(uses.map(|u| refers("ReferencedAssemblies", &Name::one(u))));
        Object::Other(made)
    }

    fn made_of(kind: &str, name: &Name, assembly: &str) -> Object {
        let mut made = Element::new(kind, Some(name));
        made.nodes.push(property("ClassName", Value::Plain("C]".into())));
        made.nodes.push(refers("Assembly", &Name::one(assembly)));
        Object::Other(made)
    }

    fn procedure(assembly: &str) -> Object {
        Object::from(Procedure {
            name: Name::two("dbo", "P"),
            class: Some("C".into()),
            method: Some("M; DROP".into()),
            assembly: Some(Reference::to(&Name::one(assembly))),
            ..Procedure::default()
        })
    }

    fn lines(objects: Vec<Object>) -> (Vec<String>, Vec<String>) {
        let made = script(&Model { objects, ..Model::default() }, Form::Server);
        let batches = made.batches.into_iter().map(|b| b.sql).collect();
        (batches, made.not_carried.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_made_of_an_assembly_that_is_not_there_is_refused_by_name() {
        let point = Name::two("dbo", "Point");
        let objects =
            vec![procedure("Gone"), made_of("SqlUserDefinedType", &point, "Gone"), assembly("A", "0x00", None)];
        let (batches, left) = lines(objects);
        assert_eq!(batches, ["CREATE ASSEMBLY [A] FROM 0x00 WITH PERMISSION_SET = SAFE;"]);
        assert_eq!(
            left,
            [
                "procedure [dbo].[P]: assembly [Gone] is not in the model",
                "CLR type [dbo].[Point]: assembly [Gone] is not in the model"
            ]
        );
    }

    #[test]
    fn names_are_quoted_and_bytes_are_bytes() {
        let point = Name::two("dbo", "Point");
        let objects = vec![procedure("A"), made_of("SqlUserDefinedType", &point, "A"), assembly("A", "0x4D", None)];
        let (batches, left) = lines(objects);
        assert_eq!(
            batches[1..],
            [
                "CREATE TYPE [dbo].[Point] EXTERNAL NAME [A].[C]]];",
                "CREATE PROCEDURE [dbo].[P] AS EXTERNAL NAME [A].[C].[M; DROP];"
            ]
        );
        assert_eq!(left, Vec::<String>::new());
        for stranger in ["N'c:\\a.dll'", "0x4", "0x", "0x00; DROP TABLE t", ""] {
            let (batches, left) = lines(vec![assembly("A", stranger, None)]);
            assert_eq!(batches, Vec::<String>::new());
            assert_eq!(left, ["assembly [A]: its bytes are not in the model"], "{stranger}");
        }
    }

    #[test]
    fn an_assembly_comes_after_those_that_it_uses() {
        let objects =
            vec![assembly("A", "0x0A", Some("B")), assembly("B", "0x0B", Some("C")), assembly("C", "0x0C", None)];
        let (batches, _) = lines(objects);
        let order: Vec<&str> = batches.iter().map(|b| &b[16..19]).collect();
        assert_eq!(order, ["[C]", "[B]", "[A]"]);
    }
}
