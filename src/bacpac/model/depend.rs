//! What objects use, found in their T-SQL: the columns, functions, types and sequences of an expression (complete, in
//! the order of DacFx), and the objects that a module names (DacFx lists their columns, too; that is optional in a
//! model, and what the order of a restore needs is here).

use super::tokens::{Kind, Token, tokens};
use super::{
    Column, Element, Entries, FunctionForm, Item, Model, Name, Node, Object, Reference, Relationship, built_in,
};
use std::collections::{HashMap, HashSet};

impl Model {
    /// Fills in what checks, defaults, computed columns, filters and modules use. What a model read from a package says
    /// already is replaced: this is for models made from a catalogue.
    pub fn resolve_dependencies(&mut self) {
        let names = Names::of(self);
        for object in &mut self.objects {
            match object {
                Object::Check(check) => {
                    let text = check.condition.as_ref().map_or("", |s| &s.text);
                    check.dependencies = names.of_expression(text, &check.table);
                }
                Object::Default(default) => {
                    let text = default.value.as_ref().map_or("", |s| &s.text);
                    default.dependencies = names.of_expression(text, &Name::default());
                }
                Object::Table(table) => {
                    for column in &mut table.columns {
                        names.computed(column, &table.name);
                    }
                }
                Object::TableType(kind) => {
                    for column in &mut kind.columns {
                        names.computed(column, &kind.name);
                    }
                }
                Object::Index(index) => {
                    if let Some(filter) = &index.filter {
                        index.dependencies = names.of_expression(&filter.text, &index.on);
                    }
                }
                Object::ColumnStoreIndex(index) => {
                    if let Some(filter) = &index.filter {
                        index.dependencies = names.of_expression(&filter.text, &index.on);
                    }
                }
                Object::Statistics(statistics) => {
                    if let Some(filter) = &statistics.filter {
                        statistics.dependencies = names.of_expression(&filter.text, &statistics.on);
                    }
                }
                Object::View(view) => {
                    let text = view.body.as_ref().map_or("", |s| &s.text);
                    view.dependencies = names.of_module(text, &view.name, &[], None);
                    names.columns_of_view(text, &view.name, &mut view.columns);
                }
                Object::Procedure(procedure) => {
                    let text = procedure.body.as_ref().map_or("", |s| &s.text);
                    procedure.dependencies = names.of_module(text, &procedure.name, &procedure.parameters, None);
                }
                Object::Function(function) => {
                    let body = function.implementation.as_ref().and_then(|i| i.body.as_ref());
                    let text = body.map_or("", |s| &s.text);
                    function.dependencies = names.of_module(text, &function.name, &function.parameters, None);
                    if function.form == FunctionForm::Inline {
                        names.columns_of_view(text, &function.name, &mut function.columns);
                    }
                }
                Object::DmlTrigger(trigger) => {
                    let text = trigger.body.as_ref().map_or("", |s| &s.text);
                    trigger.dependencies = names.of_module(text, &trigger.name, &[], Some(&trigger.parent));
                }
                Object::DdlTrigger(trigger) => {
                    let text = trigger.body.as_ref().map_or("", |s| &s.text);
                    trigger.dependencies = names.of_module(text, &Name::two("dbo", trigger.name.last()), &[], None);
                }
                Object::Other(element) if element.kind == "SqlSecurityPolicy" => names.predicates(element),
                _ => {}
            }
        }
    }
}

/// A type that an assembly brings.
const CLR_TYPE: &str = "SqlUserDefinedType";

/// The names of a model, without regard to case.
pub(super) struct Names {
    /// Tables, views, functions, procedures, sequences, synonyms, types, XML schema collections.
    objects: HashMap<(String, String), Name>,
    pub(super) columns: HashMap<Name, HashMap<String, Name>>,
    /// Which of the objects are types: they give no rows.
    pub(super) types: HashSet<Name>,
}

impl Names {
    fn of(model: &Model) -> Names {
        let mut names = Names { objects: HashMap::new(), columns: HashMap::new(), types: HashSet::new() };
        for object in &model.objects {
            let columns: &[Column] = match object {
                Object::Table(table) => &table.columns,
                Object::TableType(kind) => &kind.columns,
                Object::View(view) => &view.columns,
                Object::Function(_)
                | Object::Procedure(_)
                | Object::Sequence(_)
                | Object::Synonym(_)
                | Object::AliasType(_)
                | Object::XmlSchemaCollection(_) => &[],
                Object::Other(e) if e.kind == "SqlAggregate" || e.kind == CLR_TYPE => &[],
                _ => continue,
            };
            let name = object.name();
            if name.parts().len() != 2 {
                continue;
            }
            let own = columns.iter().map(|c| (c.name.last().to_lowercase(), c.name.clone())).collect();
            names.columns.insert(name.clone(), own);
            let is_type = match object {
                Object::AliasType(_) | Object::TableType(_) | Object::XmlSchemaCollection(_) => true,
                Object::Other(e) => e.kind == CLR_TYPE,
                _ => false,
            };
            if is_type {
                names.types.insert(name.clone());
            }
            names.objects.insert((name.schema().to_lowercase(), name.last().to_lowercase()), name);
        }
        names
    }

    pub(super) fn object(&self, schema: &str, name: &str) -> Option<&Name> {
        self.objects.get(&(schema.to_lowercase(), name.to_lowercase()))
    }

    fn computed(&self, column: &mut Column, table: &Name) {
        if let Some(expression) = &column.expression {
            column.dependencies = self.of_expression(&expression.text, table);
        }
    }

    /// What the predicates of a security policy use: the function, and columns of the table.
    fn predicates(&self, policy: &mut Element) {
        for node in &mut policy.nodes {
            let Node::Relationship(relationship) = node else { continue };
            for item in relationship.entries.iter_mut().flat_map(|e| &mut e.items) {
                let Item::Element(predicate) = item else { continue };
                let target = predicate.references("TargetObject").next().map(Reference::parsed).unwrap_or_default();
                let used = self.of_expression(predicate.property("BodyScript").unwrap_or(""), &target);
                predicate.nodes.retain(|n| !matches!(n, Node::Relationship(r) if r.name == "BodyDependencies"));
                if !used.0.is_empty() {
                    // Relationships stand by name.
                    let uses = Relationship { name: "BodyDependencies".into(), entries: used.0, more: Vec::new() };
                    let first = predicate.nodes.iter().position(|n| matches!(n, Node::Relationship(_)));
                    let at = first.unwrap_or(predicate.nodes.len());
                    predicate.nodes.insert(at, Node::Relationship(uses));
                }
            }
        }
    }

    /// What an expression of a table uses, each once, in the order of the text. The server writes such texts with every
    /// name in brackets; a bare word is a column only where it is not called.
    fn of_expression(&self, text: &str, table: &Name) -> Entries {
        let found = tokens(text);
        let own = self.columns.get(table);
        let mut used = Used::default();
        let mut at = 0;
        while let Some(token) = found.get(at) {
            let parts = dotted(&found, at);
            if parts.is_empty() {
                at += 1;
                continue;
            }
            let next = at + parts.len() * 2 - 1;
            let called = found.get(next).is_some_and(|t| t.is_sign('('));
            let column = own.and_then(|o| o.get(&parts[0].to_lowercase()));
            let object = match parts.as_slice() {
                [schema, name, ..] => self.object(schema, name),
                _ => None,
            };
            match (column, object) {
                (_, Some(object)) => used.add(Reference::to(object)),
                (Some(column), None) if token.kind == Kind::Name || !called => used.add(Reference::to(column)),
                _ => {
                    if let ([one], true) = (parts.as_slice(), names_a_type(&found, at)) {
                        used.add(Reference::built_in(&Name::one(one.to_lowercase())));
                    }
                }
            }
            at = next;
        }
        used.entries
    }
}

/// References, each once.
#[derive(Default)]
pub(super) struct Used {
    seen: HashSet<Reference>,
    pub(super) entries: Entries,
}

impl Used {
    pub(super) fn add(&mut self, reference: Reference) {
        if self.seen.insert(reference.clone()) {
            self.entries.0.push(super::Item::Reference(reference).into());
        }
    }
}

/// The parts of the name that starts here (`[a].[b]`), without their delimiters; none where no name starts.
pub(super) fn dotted(found: &[Token<'_>], at: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut at = at;
    while let Some(part) = found.get(at).and_then(Token::name) {
        parts.push(part);
        let more = found.get(at + 1).is_some_and(|t| t.is_sign('.'));
        // Four parts are a name; what is longer is somebody's joke.
        if !more || parts.len() == 4 || found.get(at + 2).and_then(Token::name).is_none() {
            break;
        }
        at += 2;
    }
    parts
}

/// Whether the name here is a built-in type: behind AS in a CAST, or first in a CONVERT.
pub(super) fn names_a_type(found: &[Token<'_>], at: usize) -> bool {
    let known = found.get(at).and_then(Token::name).is_some_and(|n| built_in::is_converted_to(&n));
    let before = |back: usize| at.checked_sub(back).and_then(|i| found.get(i));
    let converts = |t: &Token<'_>| ["convert", "try_convert", "parse", "try_parse"].iter().any(|w| t.is(w));
    known
        && (before(1).is_some_and(|t| t.is("as"))
            || (before(1).is_some_and(|t| t.is_sign('(')) && before(2).is_some_and(converts)))
}

/// Whether a table, or whatever gives rows or is executed, can be named here.
pub(super) fn names_a_source(found: &[Token<'_>], at: usize) -> bool {
    const BEFORE: [&str; 12] =
        ["from", "join", "into", "update", "merge", "apply", "exec", "execute", "table", "delete", "insert", "using"];
    let Some(before) = at.checked_sub(1).and_then(|i| found.get(i)) else { return false };
    // EXECUTE @result = procedure
    let result =
        before.is_sign('=') && at.checked_sub(2).and_then(|i| found.get(i)).is_some_and(|t| t.kind == Kind::Variable);
    BEFORE.iter().any(|w| before.is(w)) || before.is_sign(',') || before.is_sign('(') || result
}
