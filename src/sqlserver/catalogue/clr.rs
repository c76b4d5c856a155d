//! Assemblies with their files, and what is made of them: types, aggregates, procedures, functions, triggers. Their
//! definition is no text: the catalogue says assembly, class and method, and the model's words are put together here.

use std::collections::{HashMap, HashSet};

use super::elements::{Making, plain};
use super::properties::converted;
use super::{Builder, ObjectRow, grouped, hex};
use crate::bacpac::model::{
    Column, DdlTrigger, DmlTrigger, Element, Function, FunctionBody, FunctionBodyForm, FunctionForm, Item, Kind, Name,
    Node, Parameter, Procedure, Property, Reference, Relationship, Rest, Script, TriggerTiming, Value,
    schema_reference,
};
use crate::sqlserver::orders::Record;

/// Where the code of a module is, and as whom it runs.
struct Code {
    assembly: Name,
    class: String,
    method: Option<String>,
    null_on_null: bool,
    as_owner: bool,
    as_user: Option<Reference>,
}

impl Code {
    fn as_caller(&self) -> bool {
        !self.as_owner && self.as_user.is_none()
    }
}

impl Builder<'_> {
    /// Assemblies, their files and their types.
    pub(super) fn assemblies(&mut self) {
        let files = grouped(self.rows, "sys.assembly_files", "assembly_id");
        let mut names: HashMap<i64, Name> = HashMap::new();
        let rows: Vec<_> = self.rows.of("sys.assemblies").filter(|r| r.bool("is_user_defined")).collect();
        for r in &rows {
            let Some(id) = r.int("assembly_id") else { continue };
            let name = Name::one(r.string("name"));
            let own = files.get(&id).map_or(&[][..], Vec::as_slice);
            // The first file is the assembly itself. One that cannot be read whole is named, and so is what needs it.
            match own.iter().find(|f| f.int("file_id") == Some(1)).map(|f| f.bytes("content")) {
                Some(Some(_)) => {
                    names.insert(id, name);
                }
                Some(None) => self.left_out(TOO_LARGE, name),
                None => self.left_out("assembly (the server does not show its bytes)", name),
            }
        }
        for r in &rows {
            let Some((id, name)) = r.int("assembly_id").and_then(|id| Some((id, names.get(&id)?.clone()))) else {
                continue;
            };
            let mut own: Vec<_> = files.get(&id).into_iter().flatten().collect();
            own.sort_by_key(|f| f.int("file_id"));
            let mut uses: Vec<&Name> = self
                .rows
                .of("sys.assembly_references")
                .filter(|u| u.int("assembly_id") == Some(id))
                .filter_map(|u| names.get(&u.int("referenced_assembly_id")?))
                .collect();
            uses.sort();
            let owner = self.owner(r.int("principal_id"), &name);
            let made = Making::new("SqlAssembly", Some(&name))
                .with("PermissionSet", r.int("permission_set").filter(|p| *p != 1).map(|p| p.to_string()))
                .with("IsVisible", (!r.bool("is_visible")).then_some("False"))
                .of("AssemblySources", own.first().map(|f| source("SqlAssemblySource", None, f)))
                .to("Authorizer", owner)
                .to("ReferencedAssemblies", uses.into_iter().map(Reference::to))
                .finish();
            self.other(made);
            for file in own.into_iter().skip(1) {
                let file_name = name.child(file.string("name"));
                if file.bytes("content").is_none() {
                    self.left_out(&format!("file of an {TOO_LARGE}"), file_name);
                    continue;
                }
                let mut made = source("SqlAssemblyFile", Some(&file_name), file);
                made.nodes.push(reference("Assembly", Reference::to(&name)));
                self.other(made);
            }
        }
        self.clr_types(&names);
        self.assembly_names = names;
    }

    fn clr_types(&mut self, assemblies: &HashMap<i64, Name>) {
        let rows: Vec<_> = self.rows.of("sys.assembly_types").filter(|r| r.bool("is_user_defined")).collect();
        let mut seen = HashSet::new();
        for r in rows {
            let Some(id) = r.int("user_type_id") else { continue };
            let Some(name) = self.types.name(id) else { continue };
            seen.insert(id);
            match r.int("assembly_id").and_then(|a| assemblies.get(&a)) {
                Some(assembly) => {
                    let made = Making::new("SqlUserDefinedType", Some(&name))
                        .with("ClassName", r.text("assembly_class"))
                        .to("Assembly", [Reference::to(assembly)])
                        .to("Schema", [schema_reference(name.schema())])
                        .finish();
                    self.other(made);
                }
                None => self.left_out("CLR type (its assembly is not carried)", name),
            }
        }
        // What one view knows and the other does not.
        let own = |r: &Record<'_>| r.bool("is_user_defined") && r.bool("is_assembly_type");
        let lost: Vec<Name> = self
            .rows
            .of("sys.types")
            .filter(own)
            .filter_map(|r| r.int("user_type_id").filter(|id| !seen.contains(id)))
            .filter_map(|id| self.types.name(id))
            .collect();
        for name in lost {
            self.left_out("CLR type", name);
        }
    }

    /// Procedures, functions, aggregates and triggers of assemblies.
    pub(super) fn clr_modules(&mut self) {
        let modules = grouped(self.rows, "sys.assembly_modules", "object_id");
        let columns = grouped(self.rows, "sys.columns", "object_id");
        let parameters = grouped(self.rows, "sys.parameters", "object_id");
        let order = grouped(self.rows, "sys.function_order_columns", "object_id");
        let triggers = grouped(self.rows, "sys.triggers", "object_id");
        let events = grouped(self.rows, "sys.trigger_events", "object_id");
        let of = |all: &HashMap<i64, Vec<Record<'_>>>, id: i64| all.get(&id).map_or(0, Vec::len);
        for (id, object) in self.of_kinds(&["PC", "FS", "FT", "AF", "TA"]) {
            let kind = match object.kind.as_str() {
                "PC" => "CLR procedure",
                "AF" => "CLR aggregate",
                "TA" => "CLR trigger",
                _ => "CLR function",
            };
            let Some(code) = self.code(kind, &object.name, modules.get(&id).and_then(|m| m.first())) else { continue };
            let own = parameters.get(&id).map_or(&[][..], Vec::as_slice);
            let made = match object.kind.as_str() {
                "PC" => self.clr_procedure(&object, code, own),
                "AF" => self.clr_aggregate(&object, &code, own),
                "TA" => {
                    let row = triggers.get(&id).and_then(|t| t.first());
                    self.clr_trigger(&object, code, row, events.get(&id).map_or(&[][..], Vec::as_slice))
                }
                _ => {
                    let promised = order.get(&id).map_or(&[][..], Vec::as_slice);
                    self.clr_function(&object, code, own, columns.get(&id).map_or(&[][..], Vec::as_slice), promised)
                }
            };
            if made.is_none() && of(&parameters, id) > 0 {
                self.left_out(&format!("{kind} (a type that it uses is not known)"), &object.name);
            } else if made.is_none() {
                self.left_out(kind, &object.name);
            }
        }
        let own = |r: &Record<'_>| {
            r.int("parent_class") == Some(0) && !r.bool("is_ms_shipped") && r.string("type").trim() == "TA"
        };
        let rows: Vec<_> = self.rows.of("sys.triggers").filter(own).collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            let Some(id) = r.int("object_id") else { continue };
            let kind = "CLR trigger on the database";
            let Some(code) = self.code(kind, &name, modules.get(&id).and_then(|m| m.first())) else { continue };
            let fired = super::modules::fired(events.get(&id).map_or(&[][..], Vec::as_slice));
            let trigger = DdlTrigger {
                name,
                // FOR and AFTER mean the same, and which of them was written the catalogue does not say.
                timing: TriggerTiming::For,
                disabled: r.bool("is_disabled"),
                as_caller: code.as_caller(),
                as_owner: code.as_owner,
                events: fired,
                class: Some(code.class),
                method: code.method,
                assembly: Some(Reference::to(&code.assembly)),
                as_user: code.as_user,
                rest: without_settings(),
                ..DdlTrigger::default()
            };
            self.made.push(trigger.into());
        }
    }

    /// Where the code of a module is; nothing, and said so, where its assembly is not carried.
    fn code(&mut self, kind: &str, name: &Name, r: Option<&Record<'_>>) -> Option<Code> {
        let found = r.and_then(|r| Some((r, self.assembly_names.get(&r.int("assembly_id")?)?.clone())));
        let Some((r, assembly)) = found else {
            self.left_out(&format!("{kind} (its assembly is not carried)"), name);
            return None;
        };
        // NULL is the caller, −2 the owner.
        let (as_owner, as_user) = match r.int("execute_as_principal_id") {
            None => (false, None),
            Some(-2) => (true, None),
            Some(id) => {
                let user = self.principal(Some(id));
                if user.is_none() {
                    self.left_out("user that a module runs as", name);
                }
                (false, user)
            }
        };
        Some(Code {
            assembly,
            class: r.string("assembly_class"),
            method: r.text("assembly_method").map(str::to_owned),
            null_on_null: r.bool("null_on_null_input"),
            as_owner,
            as_user,
        })
    }

    fn clr_procedure(&mut self, object: &ObjectRow, code: Code, parameters: &[Record<'_>]) -> Option<()> {
        let parameters = self.clr_parameters(&object.name, parameters)?;
        let procedure = Procedure {
            name: object.name.clone(),
            as_caller: code.as_caller(),
            as_owner: code.as_owner,
            class: Some(code.class),
            method: code.method,
            assembly: Some(Reference::to(&code.assembly)),
            parameters,
            as_user: code.as_user,
            rest: without_settings(),
            ..Procedure::default()
        };
        self.made.push(procedure.into());
        Some(())
    }

    fn clr_aggregate(&mut self, object: &ObjectRow, code: &Code, parameters: &[Record<'_>]) -> Option<()> {
        // Assumption: the value of an aggregate is its parameter 0, as that of a scalar function is.
        let returns = parameters.iter().find(|p| p.int("parameter_id") == Some(0))?;
        let returns = self.types.spec(returns)?.to_element();
        let parameters = self.clr_parameters(&object.name, parameters)?;
        let made = Making::new("SqlAggregate", Some(&object.name))
            .with("ClassName", Some(code.class.as_str()))
            .to("Assembly", [Reference::to(&code.assembly)])
            .of("Parameters", parameters.iter().map(Kind::to_element))
            .of("ReturnType", [returns])
            .to("Schema", [schema_reference(object.name.schema())])
            .finish();
        self.other(made);
        Some(())
    }

    fn clr_function(
        &mut self,
        object: &ObjectRow,
        code: Code,
        parameters: &[Record<'_>],
        columns: &[Record<'_>],
        promised: &[Record<'_>],
    ) -> Option<()> {
        let form = if object.kind == "FS" { FunctionForm::Scalar } else { FunctionForm::MultiStatement };
        let returns = parameters.iter().find(|p| p.int("parameter_id") == Some(0)).and_then(|p| self.types.spec(p));
        if form == FunctionForm::Scalar && returns.is_none() {
            return None;
        }
        let mut own: Vec<_> = columns.iter().collect();
        own.sort_by_key(|c| c.int("column_id"));
        let columns: Option<Vec<Column>> = own
            .iter()
            .map(|c| {
                Some(Column {
                    nullable: c.bool("is_nullable"),
                    collation: self.own_collation(c),
                    ..Column::simple(&object.name, &c.string("name"), self.types.spec(c)?)
                })
            })
            .collect();
        let columns = if form == FunctionForm::Scalar { Vec::new() } else { columns? };
        let mut body = FunctionBody {
            class: Some(code.class.clone()),
            method: code.method.clone(),
            assembly: Some(Reference::to(&code.assembly)),
            ..FunctionBody::of(FunctionBodyForm::Clr)
        };
        let mut promised: Vec<_> = promised.iter().collect();
        promised.sort_by_key(|r| r.int("order_column_id"));
        let mut order = Vec::new();
        for r in promised {
            let column = own.iter().find(|c| c.int("column_id") == r.int("column_id"))?;
            let column = Reference::to(&object.name.child(column.string("name")));
            let made = Making::new("SqlClrFunctionOrderedColumnSpecification", None)
                .with("IsAscending", r.bool("is_descending").then_some("False"))
                .to("Column", [column]);
            order.push(Item::Element(made.finish()).into());
        }
        if !order.is_empty() {
            let order = Relationship { name: "OrderColumns".into(), entries: order, more: Vec::new() };
            body.rest.nodes.push(Node::Relationship(order));
        }
        let parameters = self.clr_parameters(&object.name, parameters)?;
        let function = Function {
            name: object.name.clone(),
            null_on_null: code.null_on_null,
            as_caller: code.as_caller(),
            as_owner: code.as_owner,
            columns,
            implementation: Some(body),
            parameters,
            returns: returns.filter(|_| form == FunctionForm::Scalar),
            as_user: code.as_user,
            rest: without_settings(),
            ..Function::of(form)
        };
        self.made.push(function.into());
        Some(())
    }

    fn clr_trigger(
        &mut self,
        object: &ObjectRow,
        code: Code,
        row: Option<&Record<'_>>,
        events: &[Record<'_>],
    ) -> Option<()> {
        let parent = self.object(Some(object.parent))?.name.clone();
        let row = row?;
        let mut trigger = DmlTrigger {
            name: object.name.clone(),
            not_for_replication: row.bool("is_not_for_replication"),
            // FOR and AFTER mean the same, and which of them was written the catalogue does not say.
            timing: if row.bool("is_instead_of_trigger") { TriggerTiming::InsteadOf } else { TriggerTiming::After },
            disabled: row.bool("is_disabled"),
            as_caller: code.as_caller(),
            as_owner: code.as_owner,
            class: Some(code.class),
            method: code.method,
            assembly: Some(Reference::to(&code.assembly)),
            parent,
            as_user: code.as_user,
            rest: without_settings(),
            ..DmlTrigger::default()
        };
        super::modules::set_events(&mut trigger, events);
        self.made.push(trigger.into());
        Some(())
    }

    /// The parameters of a CLR module; nothing when the type of one is not known.
    fn clr_parameters(&mut self, owner: &Name, parameters: &[Record<'_>]) -> Option<Vec<Parameter>> {
        let mut own: Vec<_> = parameters.iter().filter(|p| p.int("parameter_id").is_some_and(|n| n > 0)).collect();
        own.sort_by_key(|p| p.int("parameter_id"));
        let mut made = Vec::new();
        for p in own {
            let name = owner.child(p.string("name"));
            let data_type = Some(self.types.spec(p)?);
            let default = if !p.bool("has_default_value") {
                None
            } else {
                let told = converted(p, "default_value");
                if told.is_none() {
                    self.left_out("default of a parameter (no literal gives its value back with every digit)", &name);
                }
                told
            };
            made.push(Parameter {
                name,
                output: p.bool("is_output"),
                default: default.map(Script::new),
                read_only: p.bool("is_readonly"),
                data_type,
                ..Parameter::default()
            });
        }
        Some(made)
    }
}

/// The bytes of one file that a model holds: as much as its text can well be read back.
pub(super) const TOO_LARGE: &str = "assembly (its bytes are more than 64 MiB, or cannot be read)";

/// An element with the bytes of a file.
fn source(kind: &str, name: Option<&Name>, file: &Record<'_>) -> Element {
    let bytes = file.bytes("content").unwrap_or_default();
    let mut made = Element::new(kind, name);
    let value = Value::Script(Script::new(hex(bytes)));
    made.nodes.push(Node::Property(Property { name: "Source".into(), value, more: Vec::new() }));
    made
}

fn reference(name: &str, to: Reference) -> Node {
    Node::Relationship(Relationship { name: name.into(), entries: vec![Item::Reference(to).into()], more: Vec::new() })
}

/// A module of an assembly has no settings that it was made under: both stand there without a value.
fn without_settings() -> Rest {
    let mut rest = Rest::default();
    for name in ["IsAnsiNullsOn", "IsQuotedIdentifierOn"] {
        let Node::Property(property) = plain(name, "") else { continue };
        rest.nodes.push(Node::Property(Property { value: Value::Null, ..property }));
    }
    rest
}
