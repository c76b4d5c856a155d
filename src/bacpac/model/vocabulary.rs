//! The vocabulary of model.xml as DacFx declares it: which properties an element type has, in which order they are
//! written, what they are when absent, and since which schema version. Facts only; `vocabulary.txt` holds them.

use std::collections::HashMap;
use std::sync::OnceLock;

/// One element type.
#[derive(Debug, Default)]
pub struct ElementType {
    /// The schema version (times 100) that brought it.
    pub version: u32,
    /// Its properties, in the order of writing.
    pub properties: Vec<PropertyType>,
    /// Its relationships that are written.
    pub relationships: Vec<RelationshipType>,
}

/// One property of an element type.
#[derive(Debug)]
pub struct PropertyType {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds T-SQL (written as a `Value` element).
    pub script: bool,
    /// The schema version (times 100) that brought it; 0 where it came with its type.
    pub version: u32,
    /// What it is when absent.
    pub default: Option<&'static str>,
    /// The names of its numbers, where it is an enumeration.
    pub names: Vec<(&'static str, i64)>,
}

/// One relationship of an element type.
#[derive(Debug)]
pub struct RelationshipType {
    /// Its name.
    pub name: &'static str,
    /// The elements live in it (else they are only referred to).
    pub composing: bool,
    /// It has at most one entry.
    pub single: bool,
}

/// All element types by name.
pub fn vocabulary() -> &'static HashMap<&'static str, ElementType> {
    static VOCABULARY: OnceLock<HashMap<&'static str, ElementType>> = OnceLock::new();
    VOCABULARY.get_or_init(|| parse(include_str!("vocabulary.txt")))
}

fn parse(text: &'static str) -> HashMap<&'static str, ElementType> {
    let mut all: HashMap<&'static str, ElementType> = HashMap::new();
    let mut current = "";
    for line in text.lines() {
        let fields: Vec<&'static str> = line.split('\t').collect();
        match fields.as_slice() {
            ["E", name, version] => {
                current = name;
                all.insert(name, ElementType { version: version.parse().unwrap_or(240), ..ElementType::default() });
            }
            ["P", name, form, version, default, rest @ ..] => {
                let names = rest.first().map_or(Vec::new(), |names| {
                    names
                        .split(',')
                        .filter_map(|n| n.split_once('=').and_then(|(n, v)| Some((n, v.parse().ok()?))))
                        .collect()
                });
                let property = PropertyType {
                    name,
                    script: *form == "s",
                    version: version.parse().unwrap_or(0),
                    default: (*default != "-").then_some(*default),
                    names,
                };
                all.entry(current).or_default().properties.push(property);
            }
            ["R", name, kind, count] => {
                let relationship = RelationshipType { name, composing: *kind == "C", single: *count == "1" };
                all.entry(current).or_default().relationships.push(relationship);
            }
            _ => {}
        }
    }
    all
}

/// A property's declaration.
pub fn property(kind: &str, name: &str) -> Option<&'static PropertyType> {
    vocabulary().get(kind)?.properties.iter().find(|p| p.name == name)
}

/// What a property is when it is absent.
pub fn default_of(kind: &str, name: &str) -> Option<&'static str> {
    property(kind, name)?.default
}

/// The place of a property among those of its type; unknown ones come last.
pub fn order_of(kind: &str, name: &str) -> usize {
    vocabulary().get(kind).and_then(|t| t.properties.iter().position(|p| p.name == name)).unwrap_or(usize::MAX)
}

/// The name of a number of an enumeration.
pub fn name_of(kind: &str, property_name: &str, value: &str) -> Option<&'static str> {
    let value: i64 = value.parse().ok()?;
    property(kind, property_name)?.names.iter().find(|(_, v)| *v == value).map(|(n, _)| *n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(vocabulary().len(), 148);
        assert_eq!(default_of("SqlSimpleColumn", "IsNullable"), Some("True"));
        assert_eq!(default_of("SqlTableTypeSimpleColumn", "IsNullable"), Some("False"));
        assert!(order_of("SqlView", "QueryScript") < order_of("SqlView", "IsAnsiNullsOn"));
        assert_eq!(name_of("SqlPermissionStatement", "Permission", "2"), Some("Select"));
        assert!(property("SqlView", "QueryScript").is_some_and(|p| p.script));
    }
}
