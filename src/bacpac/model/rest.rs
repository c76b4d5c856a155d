//! What a typed kind keeps beside its fields, so that nothing is lost, and the annotations among it that mean something:
//! untrusted constraints, values that only the source server knew.

use super::element::*;

/// What the fields of a kind do not hold: annotations, properties and relationships without a field, properties written
/// although they have their default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rest {
    /// The number that tells the element from another of the same name.
    pub disambiguator: Option<String>,
    /// Attributes without a field.
    pub more: Attributes,
    /// Properties, relationships, annotations without a field.
    pub nodes: Vec<Node>,
    /// The element has no `Schema` relationship although its kind has one.
    pub outside_schemas: bool,
}

impl Rest {
    /// The annotations made at this element.
    pub fn annotations(&self) -> impl Iterator<Item = &Annotation> {
        self.nodes.iter().filter_map(|n| match n {
            Node::Annotation(a) => Some(a),
            _ => None,
        })
    }

    /// An annotation of this type.
    pub fn annotation(&self, kind: &str) -> Option<&Annotation> {
        self.annotations().find(|a| a.kind == kind)
    }

    /// Adds an annotation, in place of any of its type and name.
    pub fn set_annotation(&mut self, annotation: Annotation) {
        self.remove_annotation(&annotation.kind, annotation.name.as_deref());
        self.nodes.push(Node::Annotation(annotation));
    }

    /// Removes an annotation of this type and name.
    pub fn remove_annotation(&mut self, kind: &str, name: Option<&str>) {
        self.nodes.retain(|n| !matches!(n, Node::Annotation(a) if a.kind == kind && a.name.as_deref() == name));
    }

    /// The numbers of annotations that are made in another element and attached here, or made here with a number.
    pub fn annotation_numbers(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|n| match n {
            Node::Annotation(a) => a.disambiguator.as_deref(),
            Node::Attached(a) => a.disambiguator.as_deref(),
            _ => None,
        })
    }

    /// A relationship without a field.
    pub fn relationship(&self, name: &str) -> Option<&Relationship> {
        self.nodes.iter().find_map(|n| match n {
            Node::Relationship(r) if r.name == name => Some(r),
            _ => None,
        })
    }

    /// The text of a property without a field.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.nodes.iter().find_map(|n| match n {
            Node::Property(Property { name: n, value: Value::Plain(text), .. }) if n == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether the constraint was not trusted at the source (`is_not_trusted`).
    pub fn is_untrusted(&self) -> bool {
        self.annotation("IsNotTrustedPropertyAnnotation").is_some()
    }

    /// Says that the constraint is not trusted at the source.
    pub fn set_untrusted(&mut self, untrusted: bool) {
        const KIND: &str = "IsNotTrustedPropertyAnnotation";
        self.remove_annotation(KIND, None);
        if untrusted {
            self.nodes.push(Node::Annotation(Annotation { kind: KIND.into(), ..Annotation::default() }));
        }
    }

    /// What the source server knew beyond the schema (`[LastValue]` of an identity column or a sequence).
    pub fn online_value(&self, name: &str) -> Option<&str> {
        self.annotations()
            .find(|a| a.kind == "OnlinePropertyAnnotation" && a.name.as_deref() == Some(name))
            .and_then(|a| a.property("Value"))
    }

    /// Keeps what the source server knew beyond the schema.
    pub fn set_online_value(&mut self, name: &str, value: &str) {
        self.set_annotation(Annotation {
            kind: "OnlinePropertyAnnotation".into(),
            name: Some(name.to_owned()),
            nodes: vec![Node::Property(Property {
                name: "Value".into(),
                value: Value::Plain(value.to_owned()),
                more: Vec::new(),
            })],
            ..Annotation::default()
        });
    }
}
