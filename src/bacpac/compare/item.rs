//! The objects of a model as they are compared: kind, name, definition.

use super::Single;
use crate::bacpac::model::{Element, INLINE_CONSTRAINT, Item as Part, Model, Node, Object, Reference, Value};
use crate::bacpac::script::{Batch, Form, Piece, option_values, pieces};
use std::collections::HashSet;

/// An object as it is compared.
pub(super) struct Item {
    pub kind: String,
    pub name: String,
    pub sql: String,
    /// The innermost part of the name: the object's own.
    own_name: String,
    /// The text is a person's, or names what the object itself consists of: case in it counts.
    exact: bool,
}

impl From<Item> for Single {
    fn from(item: Item) -> Single {
        Single { kind: item.kind, name: item.name, sql: item.sql }
    }
}

impl Item {
    /// Under what it is looked for on the other side.
    pub(super) fn key(&self, fold: bool) -> (String, String) {
        (self.kind.clone(), if fold { self.name.to_lowercase() } else { self.name.clone() })
    }

    /// Whether it is the same on the other side.
    pub(super) fn is_same(&self, other: &Item, fold: bool) -> bool {
        if self.sql == other.sql {
            return true;
        }
        fold && !self.exact && self.own_name == other.own_name && folded(&self.sql) == folded(&other.sql)
    }
}

/// The text with the names in brackets in lower case; what stands in quotes stays.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = None;
    for c in text.chars() {
        match end {
            None => {
                end = match c {
                    '[' => Some(']'),
                    '\'' => Some('\''),
                    _ => None,
                };
                out.push(c);
            }
            // A doubled end closes and opens again, which comes to the same.
            Some(close) if c == close => {
                end = None;
                out.push(c);
            }
            Some(']') => out.extend(c.to_lowercase()),
            Some(_) => out.push(c),
        }
    }
    out
}

/// What a model is compared by.
pub(super) fn items(mut model: Model) -> Vec<Item> {
    apart(&mut model);
    sort_what_has_no_order(&mut model);
    // Older writers leave this out, and the newer ones always say it.
    let said_by_some = |name: &str, value: &str| name == "CatalogCollation" && value == "Database_Default";
    let options = option_values(&model).into_iter().filter(|(name, value)| !said_by_some(name, value));
    let options = options.map(|(name, value)| Item {
        kind: "database option".into(),
        name: name.into(),
        sql: format!("{name} = {value}"),
        own_name: name.into(),
        exact: true,
    });
    let made = pieces(&model, Form::DacFx);
    let objects = model.objects.iter().zip(made).filter_map(|(object, piece)| item(object, &piece));
    options.chain(objects).collect()
}

/// Named constraints and indexes that stand inside their table's statement are taken out of it: where they were written
/// is no property of theirs. Those without a name stay, for they have nothing else to be known by.
fn apart(model: &mut Model) {
    const INLINE: [&str; 2] = [INLINE_CONSTRAINT, "SqlInlineIndexAnnotation"];
    let mut inline: HashSet<String> = HashSet::new();
    for object in &model.objects {
        let columns = match object {
            Object::Table(table) => table.columns.as_slice(),
            _ => &[],
        };
        for rest in object.rest().into_iter().chain(columns.iter().map(|c| &c.rest)) {
            let made = rest.annotations().filter(|a| INLINE.contains(&a.kind.as_str()));
            inline.extend(made.filter_map(|a| a.disambiguator.clone()));
        }
    }
    for object in &mut model.objects {
        if object.name().is_empty() || object.table().is_none() {
            continue;
        }
        if let Some(rest) = object.rest_mut() {
            rest.nodes.retain(|node| match node {
                Node::Annotation(a) => !INLINE.contains(&a.kind.as_str()),
                Node::Attached(a) => a.disambiguator.as_ref().is_none_or(|n| !inline.contains(n)),
                _ => true,
            });
        }
    }
}

/// Orders that mean nothing: columns that an index only stores, the pairs of a foreign key and of an edge constraint,
/// the constraints without a name inside a table's statement.
fn sort_what_has_no_order(model: &mut Model) {
    for object in &mut model.objects {
        match object {
            Object::Index(index) => index.included.sort(),
            Object::ForeignKey(key) if key.columns.len() == key.foreign_columns.len() => {
                let mut pairs: Vec<_> = std::mem::take(&mut key.columns)
                    .into_iter()
                    .zip(std::mem::take(&mut key.foreign_columns))
                    .collect();
                pairs.sort();
                (key.columns, key.foreign_columns) = pairs.into_iter().unzip();
            }
            Object::EdgeConstraint(edge) => edge.clauses.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to))),
            _ => {}
        }
    }
    // Only those without a name are moved, and only among themselves.
    let unnamed: Vec<usize> = (0..model.objects.len())
        .filter(|at| model.objects[*at].table().is_some() && model.objects[*at].name().is_empty())
        .collect();
    let told = |object: &Object| {
        let element = object.to_element();
        format!("{} {}", element.kind, plain(&element, 0))
    };
    let mut objects: Vec<(String, Object)> =
        unnamed.iter().map(|at| (told(&model.objects[*at]), model.objects[*at].clone())).collect();
    objects.sort_by(|a, b| a.0.cmp(&b.0));
    for (at, (_, object)) in unnamed.into_iter().zip(objects) {
        model.objects[at] = object;
    }
}

fn item(object: &Object, piece: &Piece) -> Option<Item> {
    let creates = piece.batches.iter().find(|b| b.creates).or(piece.batches.first());
    let left = piece.not_carried.iter().map(|n| match n.property.as_str() {
        "" => format!("-- not in the script: {} {}", n.kind, n.reason),
        property => format!("-- not in the script: {} {property} = {}: {}", n.kind, n.value, n.reason),
    });
    let (kind, sql) = match creates {
        Some(batch) => {
            let mut sql = text(&piece.batches);
            for line in left {
                sql.push_str(&line);
                sql.push('\n');
            }
            (batch.kind.to_owned(), sql)
        }
        // No statement makes it: then what the model says of it is compared.
        None => (piece.not_carried.first()?.kind.clone(), plain(&object.to_element(), 0)),
    };
    let name = object.name();
    let told = match object {
        Object::ExtendedProperty(property) => {
            let host = property.host.as_ref().map(Reference::parsed).unwrap_or_default();
            let host = if host.is_empty() { "the database".to_owned() } else { host.to_string() };
            format!("{} of {host}", crate::bacpac::model::quote(name.last()))
        }
        // A permission is what it says.
        Object::Permission(_) if creates.is_some() => sql.trim_end().trim_end_matches(';').to_owned(),
        _ if name.is_empty() => creates.map(|b| b.name.clone()).unwrap_or_default(),
        _ => name.to_string(),
    };
    let exact = matches!(
        object,
        Object::Table(_)
            | Object::TableType(_)
            | Object::View(_)
            | Object::Procedure(_)
            | Object::Function(_)
            | Object::DmlTrigger(_)
            | Object::DdlTrigger(_)
            | Object::Other(_)
    );
    Some(Item { kind, own_name: name.last().to_owned(), name: told, sql, exact })
}

/// Batches as one text, with a GO between them and the settings that they are made under where they are not both on.
fn text(batches: &[Batch]) -> String {
    let mut out = String::new();
    for (at, batch) in batches.iter().enumerate() {
        if at > 0 {
            out.push_str("GO\n");
        }
        for (on, setting) in [(batch.ansi_nulls, "ANSI_NULLS"), (batch.quoted_identifier, "QUOTED_IDENTIFIER")] {
            if !on {
                out.push_str(&format!("SET {setting} OFF;\n"));
            }
        }
        // Lines without anything before and behind a module are of whoever wrote the batch.
        out.push_str(batch.sql.trim_matches(['\r', '\n']));
        out.push('\n');
    }
    out
}

/// An element as lines: its properties and what it refers to. What a writer may leave out is left out.
fn plain(element: &Element, indent: usize) -> String {
    let pad = "  ".repeat(indent.min(32));
    let mut lines = Vec::new();
    for node in &element.nodes {
        match node {
            Node::Property(property) => {
                let value = match &property.value {
                    Value::Plain(text) => text.as_str(),
                    Value::Script(script) => script.text.as_str(),
                    Value::Null => "NULL",
                };
                lines.push(format!("{pad}{} = {value}\n", property.name));
            }
            Node::Relationship(relationship) if !relationship.name.ends_with("Dependencies") => {
                for part in relationship.entries.iter().flat_map(|e| &e.items) {
                    match part {
                        Part::Reference(r) => {
                            lines.push(format!("{pad}{}: {}\n", relationship.name, r.name.as_deref().unwrap_or("-")));
                        }
                        Part::Element(child) => {
                            let head = format!("{pad}{}: {}", relationship.name, child.kind);
                            let name = child.name.as_deref().unwrap_or_default();
                            lines.push(format!("{head} {name}\n{}", plain(child, indent + 1)));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if indent == 0 {
        lines.sort();
    }
    lines.concat()
}
