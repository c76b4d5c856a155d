//! Elements of kinds that have no type of their own in the model, put together.

use crate::bacpac::model::{Element, Item, Name, Node, Property, Reference, Relationship, Script, Value};

/// An element being put together.
pub(super) struct Making(Element);

impl Making {
    pub(super) fn new(kind: &str, name: Option<&Name>) -> Self {
        Making(Element::new(kind, name))
    }

    /// With a property; nothing where there is no value.
    pub(super) fn with(mut self, name: &str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.0.nodes.push(plain(name, value));
        }
        self
    }

    /// With a property that is on or off.
    pub(super) fn on(self, name: &str, on: bool) -> Self {
        self.with(name, Some(if on { "True" } else { "False" }))
    }

    /// With T-SQL.
    pub(super) fn script(mut self, name: &str, text: impl Into<String>) -> Self {
        let value = Value::Script(Script::new(text));
        self.0.nodes.push(Node::Property(Property { name: name.into(), value, more: Vec::new() }));
        self
    }

    /// With references; nothing where there are none.
    pub(super) fn to(self, name: &str, references: impl IntoIterator<Item = Reference>) -> Self {
        self.holding(name, references.into_iter().map(Item::Reference))
    }

    /// With elements that live in it; nothing where there are none.
    pub(super) fn of(self, name: &str, elements: impl IntoIterator<Item = Element>) -> Self {
        self.holding(name, elements.into_iter().map(Item::Element))
    }

    fn holding(mut self, name: &str, items: impl Iterator<Item = Item>) -> Self {
        let entries: Vec<_> = items.map(Into::into).collect();
        if !entries.is_empty() {
            self.0.nodes.push(Node::Relationship(Relationship { name: name.into(), entries, more: Vec::new() }));
        }
        self
    }

    pub(super) fn finish(self) -> Element {
        self.0
    }
}

/// A property with a plain value.
pub(super) fn plain(name: &str, value: impl Into<String>) -> Node {
    Node::Property(Property { name: name.into(), value: Value::Plain(value.into()), more: Vec::new() })
}

/// A number as the model prints it: without a fraction where there is none.
pub(super) fn float(value: f64) -> String {
    format!("{value}")
}
