//! How a typed kind is taken out of an element and put back: each field takes its property or relationship, what no
//! field took stays in `Rest`, and both together are written in DacFx's order. So a typed kind loses nothing either.

use super::element::*;
use super::name::Name;
use super::rest::Rest;
use super::vocabulary::{default_of, order_of, property, vocabulary};
use std::collections::HashSet;

/// An element that has not the shape its kind must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{element}: {problem}")]
pub struct ShapeError {
    /// The element's type and name.
    pub element: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A typed kind of element.
pub trait Kind: Sized {
    /// Takes it out of an element.
    fn from_element(element: &Element) -> Result<Self, ShapeError>;
    /// The element, complete.
    fn to_element(&self) -> Element;
}

/// Takes fields out of an element.
pub struct Taker {
    kind: String,
    name: Option<String>,
    rest: Rest,
}

impl Taker {
    /// Starts with a whole element.
    pub fn new(element: &Element) -> Taker {
        let mut taker = Taker {
            kind: element.kind.clone(),
            name: element.name.clone(),
            rest: Rest {
                disambiguator: element.disambiguator.clone(),
                more: element.more.clone(),
                nodes: element.nodes.clone(),
                outside_schemas: false,
            },
        };
        if has_schema(&element.kind) {
            match taker.rest.relationship("Schema") {
                None => taker.rest.outside_schemas = true,
                Some(found) if *found == schema_relationship(&element.parsed_name()) => {
                    taker.relationship("Schema");
                }
                Some(_) => {}
            }
        }
        taker
    }

    /// The element's type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The element's name, split; empty where it has none. Refuses an element that says the same thing twice.
    pub fn name(&self) -> Result<Name, ShapeError> {
        let mut said = HashSet::new();
        for node in &self.rest.nodes {
            let name = match node {
                Node::Property(p) => (true, p.name.as_str()),
                Node::Relationship(r) => (false, r.name.as_str()),
                _ => continue,
            };
            if !said.insert(name) {
                return Err(self.wrong(format!("it has {} twice", name.1.chars().take(100).collect::<String>())));
            }
        }
        match &self.name {
            None => Ok(Name::default()),
            Some(text) => Name::parse(text).map_err(|e| self.wrong(e.to_string())),
        }
    }

    /// What no field took.
    pub fn rest(self) -> Rest {
        self.rest
    }

    /// An error about this element.
    pub fn wrong(&self, problem: impl Into<String>) -> ShapeError {
        let name: String = self.name.as_deref().unwrap_or("(unnamed)").chars().take(300).collect();
        let kind: String = self.kind.chars().take(100).collect();
        ShapeError { element: format!("{kind} {name}"), problem: problem.into() }
    }

    fn peek(&self, name: &str) -> Option<&Property> {
        self.rest.nodes.iter().find_map(|n| match n {
            Node::Property(p) if p.name == name && p.more.is_empty() => Some(p),
            _ => None,
        })
    }

    fn drop_property(&mut self, name: &str) {
        let at = self.rest.nodes.iter().position(|n| matches!(n, Node::Property(p) if p.name == name));
        if let Some(at) = at {
            self.rest.nodes.remove(at);
        }
    }

    fn relationship(&mut self, name: &str) -> Option<Relationship> {
        let at = self.rest.nodes.iter().position(|n| matches!(n, Node::Relationship(r) if r.name == name))?;
        match self.rest.nodes.remove(at) {
            Node::Relationship(found) => Some(found),
            _ => None,
        }
    }

    fn keep(&mut self, relationship: Relationship) {
        self.rest.nodes.push(Node::Relationship(relationship));
    }

    /// The text of a plain property; one that is written with its default stays in the rest, too.
    fn plain(&mut self, name: &str) -> Option<String> {
        let Some(Property { value: Value::Plain(text), .. }) = self.peek(name) else {
            return None;
        };
        let text = text.clone();
        if default_of(&self.kind, name) != Some(text.as_str()) {
            self.drop_property(name);
        }
        Some(text)
    }
}

fn has_schema(kind: &str) -> bool {
    vocabulary().get(kind).is_some_and(|t| t.relationships.iter().any(|r| r.name == "Schema"))
}

fn schema_relationship(name: &Name) -> Relationship {
    let reference = schema_reference(name.schema());
    Relationship { name: "Schema".into(), entries: vec![Item::Reference(reference).into()], more: Vec::new() }
}

/// The schemas that every database has.
pub const BUILT_IN_SCHEMAS: [&str; 13] = [
    "dbo",
    "guest",
    "sys",
    "INFORMATION_SCHEMA",
    "db_owner",
    "db_accessadmin",
    "db_securityadmin",
    "db_ddladmin",
    "db_backupoperator",
    "db_datareader",
    "db_datawriter",
    "db_denydatareader",
    "db_denydatawriter",
];

/// A reference to a schema: one of the server's own, or one of this model.
pub fn schema_reference(schema: &str) -> Reference {
    let name = Name::one(schema);
    if BUILT_IN_SCHEMAS.contains(&schema) { Reference::built_in(&name) } else { Reference::to(&name) }
}

/// Puts fields back into an element.
pub struct Putter {
    element: Element,
    rest: Vec<Node>,
}

impl Putter {
    /// Starts with a name and what no field took.
    pub fn new(kind: &str, name: &Name, rest: &Rest) -> Putter {
        let mut putter = Putter {
            element: Element {
                kind: kind.to_owned(),
                name: (!name.is_empty()).then(|| name.to_string()),
                disambiguator: rest.disambiguator.clone(),
                more: rest.more.clone(),
                nodes: Vec::new(),
            },
            rest: rest.nodes.clone(),
        };
        if has_schema(kind) && !rest.outside_schemas && rest.relationship("Schema").is_none() {
            putter.element.nodes.push(Node::Relationship(schema_relationship(name)));
        }
        putter
    }

    fn kind(&self) -> &str {
        &self.element.kind
    }

    fn property(&mut self, name: &str, value: Value) {
        self.rest.retain(|n| !matches!(n, Node::Property(p) if p.name == name));
        let property = Property { name: name.to_owned(), value, more: Vec::new() };
        self.element.nodes.push(Node::Property(property));
    }

    fn plain(&mut self, name: &str, text: String) {
        if default_of(self.kind(), name) != Some(text.as_str()) {
            self.property(name, Value::Plain(text));
        } else {
            // Written although it is the default: only where it was read so.
            self.rest.retain(|n| {
                !matches!(n, Node::Property(Property { name: m, value: Value::Plain(t), .. }) if m == name && *t != text)
            });
        }
    }

    fn relationship(&mut self, name: &str, entries: Vec<Entry>) {
        self.rest.retain(|n| !matches!(n, Node::Relationship(r) if r.name == name));
        let relationship = Relationship { name: name.to_owned(), entries, more: Vec::new() };
        self.element.nodes.push(Node::Relationship(relationship));
    }

    /// The element, its properties in the vocabulary's order, its relationships by name, then annotations as they came.
    pub fn finish(mut self) -> Element {
        let kind = self.element.kind.clone();
        let mut nodes = std::mem::take(&mut self.element.nodes);
        nodes.append(&mut self.rest);
        let (mut properties, others): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|n| matches!(n, Node::Property(_)));
        let (mut relationships, annotations): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|n| matches!(n, Node::Relationship(_)));
        properties.sort_by_key(|n| match n {
            Node::Property(p) => order_of(&kind, &p.name),
            _ => usize::MAX,
        });
        relationships.sort_by(|a, b| match (a, b) {
            (Node::Relationship(a), Node::Relationship(b)) => a.name.cmp(&b.name),
            _ => std::cmp::Ordering::Equal,
        });
        self.element.nodes = properties;
        self.element.nodes.append(&mut relationships);
        self.element.nodes.extend(annotations);
        self.element
    }
}

/// A value that stands in a property or a relationship.
pub trait Field: Sized {
    /// Takes it out; what it can't hold stays in the rest.
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError>;
    /// Puts it back.
    fn put(&self, name: &'static str, into: &mut Putter);
}

impl Field for bool {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let default = default_of(&from.kind, name) == Some("True");
        match from.plain(name).as_deref() {
            None => Ok(default),
            Some("True" | "true" | "1") => Ok(true),
            Some("False" | "false" | "0") => Ok(false),
            Some(_) => Err(from.wrong(format!("{name} is neither True nor False"))),
        }
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        // A form of the kind that has no such property is left alone.
        if property(into.kind(), name).is_some() || *self {
            into.plain(name, if *self { "True" } else { "False" }.to_owned());
        }
    }
}

impl Field for Option<bool> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        match from.plain(name).as_deref() {
            None => Ok(None),
            Some("True" | "true" | "1") => Ok(Some(true)),
            Some("False" | "false" | "0") => Ok(Some(false)),
            Some(_) => Err(from.wrong(format!("{name} is neither True nor False"))),
        }
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if let Some(value) = self {
            into.plain(name, if *value { "True" } else { "False" }.to_owned());
        }
    }
}

impl Field for Option<String> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        Ok(from.plain(name))
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if let Some(text) = self {
            into.plain(name, text.clone());
        }
    }
}

impl Field for Option<i64> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        match from.plain(name) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(from.wrong(format!("{name} is not a number"))),
            },
        }
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if let Some(number) = self {
            into.plain(name, number.to_string());
        }
    }
}

impl Field for Option<Script> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let found = match from.peek(name) {
            Some(Property { value: Value::Script(script), .. }) => script.clone(),
            // DacFx reads the attribute, too; it comes back as an element.
            Some(Property { value: Value::Plain(text), .. }) => Script::new(text.clone()),
            _ => return Ok(None),
        };
        from.drop_property(name);
        Ok(Some(found))
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if let Some(script) = self {
            into.property(name, Value::Script(script.clone()));
        }
    }
}

impl Field for Option<Reference> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let Some(found) = from.relationship(name) else { return Ok(None) };
        match plain_references(&found) {
            Some(mut references) if references.len() == 1 => Ok(references.pop()),
            _ => {
                // Not one plain reference: kept as it is, and known by what it says.
                let first = found.references().next().cloned();
                from.keep(found);
                Ok(first)
            }
        }
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        let Some(reference) = self else { return };
        if kept(into, name).is_some_and(|r| r.references().next() == Some(reference)) {
            return;
        }
        into.relationship(name, vec![Item::Reference(reference.clone()).into()]);
    }
}

impl Field for Vec<Reference> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let Some(found) = from.relationship(name) else { return Ok(Vec::new()) };
        match plain_references(&found) {
            Some(references) if !references.is_empty() => Ok(references),
            _ => {
                let references = found.references().cloned().collect();
                from.keep(found);
                Ok(references)
            }
        }
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if self.is_empty() || kept(into, name).is_some_and(|r| r.references().eq(self.iter())) {
            return;
        }
        into.relationship(name, self.iter().map(|r| Item::Reference(r.clone()).into()).collect());
    }
}

impl Field for Name {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let Some(reference) = <Option<Reference> as Field>::take(from, name)? else { return Ok(Name::default()) };
        let parsed = reference.parsed();
        if reference != Reference::to(&parsed) && kept_in(&from.rest, name).is_none() {
            // It says more than a name: kept as it is.
            from.keep(Relationship {
                name: name.to_owned(),
                entries: vec![Item::Reference(reference).into()],
                more: Vec::new(),
            });
        }
        Ok(parsed)
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        let known = kept(into, name).and_then(|r| r.references().next()).map(Reference::parsed);
        if !self.is_empty() && known.as_ref() != Some(self) {
            into.relationship(name, vec![Item::Reference(Reference::to(self)).into()]);
        }
    }
}

impl Field for Vec<Name> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let references = <Vec<Reference> as Field>::take(from, name)?;
        let names: Vec<Name> = references.iter().map(Reference::parsed).collect();
        if !references.iter().zip(&names).all(|(r, n)| *r == Reference::to(n)) && kept_in(&from.rest, name).is_none() {
            from.keep(Relationship {
                name: name.to_owned(),
                entries: references.into_iter().map(|r| Item::Reference(r).into()).collect(),
                more: Vec::new(),
            });
        }
        Ok(names)
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        let known = kept(into, name).is_some_and(|r| r.references().map(Reference::parsed).eq(self.iter().cloned()));
        if !self.is_empty() && !known {
            into.relationship(name, self.iter().map(|n| Item::Reference(Reference::to(n)).into()).collect());
        }
    }
}

/// The entries of a relationship as they are, for relationships of mixed content (what a body depends on).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entries(pub Vec<Entry>);

impl Entries {
    /// The references among them.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().flat_map(|e| &e.items).filter_map(|i| match i {
            Item::Reference(r) => Some(r),
            _ => None,
        })
    }
}

impl From<Vec<Reference>> for Entries {
    fn from(references: Vec<Reference>) -> Entries {
        Entries(references.into_iter().map(|r| Item::Reference(r).into()).collect())
    }
}

impl Field for Entries {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        match from.relationship(name) {
            None => Ok(Entries::default()),
            Some(found) if found.more.is_empty() && !found.entries.is_empty() => Ok(Entries(found.entries)),
            Some(found) => {
                let entries = Entries(found.entries.clone());
                from.keep(found);
                Ok(entries)
            }
        }
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if !self.0.is_empty() && kept(into, name).is_none_or(|r| r.entries != self.0) {
            into.relationship(name, self.0.clone());
        }
    }
}

impl<T: Kind> Field for Vec<T> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let Some(found) = from.relationship(name) else { return Ok(Vec::new()) };
        if !found.more.is_empty() {
            return Err(from.wrong(format!("{name} has attributes that are not known")));
        }
        let mut out = Vec::with_capacity(found.entries.len());
        for entry in &found.entries {
            match entry.items.as_slice() {
                [Item::Element(element)] => out.push(T::from_element(element)?),
                _ => return Err(from.wrong(format!("an entry of {name} is not one element"))),
            }
        }
        if found.entries.is_empty() {
            from.keep(found);
        }
        Ok(out)
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if !self.is_empty() {
            into.relationship(name, self.iter().map(|t| Item::Element(t.to_element()).into()).collect());
        }
    }
}

impl<T: Kind> Field for Option<T> {
    fn take(from: &mut Taker, name: &'static str) -> Result<Self, ShapeError> {
        let mut all = <Vec<T> as Field>::take(from, name)?;
        if all.len() > 1 {
            return Err(from.wrong(format!("{name} has more than one entry")));
        }
        Ok(all.pop())
    }

    fn put(&self, name: &'static str, into: &mut Putter) {
        if let Some(one) = self {
            into.relationship(name, vec![Item::Element(one.to_element()).into()]);
        }
    }
}

fn plain_references(found: &Relationship) -> Option<Vec<Reference>> {
    if !found.more.is_empty() {
        return None;
    }
    found
        .entries
        .iter()
        .map(|entry| match entry.items.as_slice() {
            [Item::Reference(reference)] => Some(reference.clone()),
            _ => None,
        })
        .collect()
}

fn kept_in<'a>(rest: &'a Rest, name: &str) -> Option<&'a Relationship> {
    rest.relationship(name)
}

fn kept<'a>(into: &'a Putter, name: &str) -> Option<&'a Relationship> {
    into.rest.iter().find_map(|n| match n {
        Node::Relationship(r) if r.name == name => Some(r),
        _ => None,
    })
}

impl Putter {
    /// Puts a number, unless it is the default or the form of the kind has no such property.
    pub fn number(&mut self, name: &'static str, number: i64) {
        if property(self.kind(), name).is_some() || number != 0 {
            self.plain(name, number.to_string());
        }
    }
}

/// The value of a field whose property or relationship is absent.
pub(crate) fn absent<T: Field>(from: &mut Taker, name: &'static str) -> T {
    match T::take(from, name) {
        Ok(value) => value,
        // An element without nodes has nothing that could be of a wrong shape.
        Err(error) => unreachable!("{error}"),
    }
}

impl Putter {
    /// Puts a property as it is, also where it equals its default.
    pub(crate) fn option(&mut self, name: &str, value: &str) {
        self.property(name, Value::Plain(value.to_owned()));
    }
}
