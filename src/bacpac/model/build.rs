//! What makes a model of typed objects complete: the order of DacFx, the version of the vocabulary used, the counts for
//! Origin.xml, the numbers of annotations.

use super::element::{Attached, Element, Item, Node};
use super::vocabulary::vocabulary;
use super::{Model, Name, Object, Rest, ShapeError};
use std::collections::{BTreeMap, HashMap};

/// The key that DacFx sorts elements by: the parts of the name without regard to case (punctuation before digits before
/// letters), then the type. Elements without a name come first.
type SortKey = (Vec<Vec<(u8, char)>>, String);

fn sort_key(name: &Name, kind: &str) -> SortKey {
    let class = |c: char| match c {
        c if c.is_alphabetic() => 2,
        c if c.is_numeric() => 1,
        _ => 0,
    };
    let parts = name.parts().iter().map(|p| p.chars().flat_map(char::to_lowercase).map(|c| (class(c), c)).collect());
    (parts.collect(), kind.to_owned())
}

/// Element types that Origin.xml does not count: they say how something is, and are nothing by themselves.
const NOT_COUNTED: [&str; 10] = [
    "SqlTypeSpecifier",
    "SqlXmlTypeSpecifier",
    "SqlIndexedColumnSpecification",
    "SqlTableTypeIndexedColumnSpecification",
    "SqlDynamicColumnSource",
    "SqlFullTextIndexColumnSpecifier",
    "SqlTriggerEventTypeSpecifier",
    "SqlFilegroupSpecifier",
    "SqlContractMessageSpecifier",
    "SqlDataCompressionOption",
];

impl Model {
    /// Brings the objects into DacFx's order. Constraints without a name of their own are ordered by the name the
    /// server made up, so that the same schema always gives the same bytes.
    pub fn sort(&mut self) {
        self.objects.sort_by_cached_key(|object| {
            let (key, text) = match object {
                // Its place among the elements without a name is fixed by its type.
                Object::DatabaseOptions(_) => (sort_key(&Name::default(), "SqlDatabaseOptions"), String::new()),
                Object::Other(element) => (sort_key(&element.parsed_name(), &element.kind), String::new()),
                object => {
                    let name = object.name();
                    let element = object.to_element();
                    let made_up = object.rest().and_then(Rest::system_name).map(|n| n.to_string());
                    // What tells unnamed elements apart: the made up name, else what they refer to.
                    let text = if name.is_empty() {
                        made_up.unwrap_or_else(|| format!("{:?}", element.nodes))
                    } else {
                        String::new()
                    };
                    (sort_key(&name, &element.kind), text)
                }
            };
            (key, text)
        });
    }

    /// Makes a model that was put together from objects complete: annotations numbered and attached, what objects use
    /// found, elements that share a name told apart, DacFx's order, the version of the vocabulary. `floor` as for
    /// `schema_version`.
    pub fn complete(&mut self, floor: u32) -> Result<(), ShapeError> {
        let next = self.number_annotations();
        self.resolve_dependencies();
        self.number_shared_names(next)?;
        self.sort();
        self.header.schema_version = self.schema_version(floor);
        Ok(())
    }

    /// The version of the vocabulary that the model uses: the highest first version among its types and properties, at
    /// least `floor` (2.4 for a schema-only package, 2.5 with data, 2.6 with what Azure's first servers did not have;
    /// times 100).
    pub fn schema_version(&self, floor: u32) -> String {
        fn highest(element: &Element, version: &mut u32) {
            let known = vocabulary().get(element.kind.as_str());
            *version = (*version).max(known.map_or(0, |t| t.version));
            for node in &element.nodes {
                match node {
                    Node::Property(p) => {
                        let property = known.and_then(|t| t.properties.iter().find(|k| k.name == p.name));
                        *version = (*version).max(property.map_or(0, |p| p.version));
                    }
                    Node::Relationship(r) => r.elements().for_each(|e| highest(e, version)),
                    _ => {}
                }
            }
        }
        let mut version = floor;
        for object in &self.objects {
            highest(&object.to_element(), &mut version);
        }
        format!("{}.{}", version / 100, version % 100 / 10)
    }

    /// How many objects of each kind there are, as Origin.xml counts them: by name without `Sql`, sorted; columns and
    /// parameters too, specifiers not.
    pub fn object_counts(&self) -> BTreeMap<String, u64> {
        fn count(element: &Element, counts: &mut BTreeMap<String, u64>) {
            if !NOT_COUNTED.contains(&element.kind.as_str()) {
                let kind = element.kind.strip_prefix("Sql").unwrap_or(&element.kind);
                *counts.entry(kind.to_owned()).or_default() += 1;
            }
            for node in &element.nodes {
                if let Node::Relationship(relationship) = node {
                    for item in relationship.entries.iter().flat_map(|e| &e.items) {
                        if let Item::Element(child) = item {
                            count(child, counts);
                        }
                    }
                }
            }
        }
        let mut counts = BTreeMap::new();
        for object in &self.objects {
            count(&object.to_element(), &mut counts);
        }
        counts
    }

    /// Numbers the annotations of constraints whose names the server made up (`Rest::set_system_name`), and attaches
    /// them to their tables or, for defaults, to their columns. Annotations that have a number keep it. The first free
    /// number comes back.
    pub fn number_annotations(&mut self) -> u64 {
        let mut next = 3 + self.objects.iter().map(highest_number).max().unwrap_or(2).saturating_sub(2);
        let mut attach: HashMap<Name, Vec<u64>> = HashMap::new();
        for object in &mut self.objects {
            let (rest, to) = match object {
                Object::Key(key) => (&mut key.rest, &key.table),
                Object::ForeignKey(key) => (&mut key.rest, &key.table),
                Object::Check(check) => (&mut check.rest, &check.table),
                Object::Default(default) => (&mut default.rest, &default.column),
                _ => continue,
            };
            for node in &mut rest.nodes {
                if let Node::Annotation(annotation) = node
                    && annotation.kind == super::INLINE_CONSTRAINT
                    && annotation.disambiguator.is_none()
                {
                    annotation.disambiguator = Some(next.to_string());
                    attach.entry(to.clone()).or_default().push(next);
                    next += 1;
                }
            }
        }
        let attached = |rest: &mut Rest, numbers: Vec<u64>| {
            rest.nodes.extend(
                numbers
                    .into_iter()
                    .map(|n| Node::Attached(Attached { disambiguator: Some(n.to_string()), ..Attached::default() })),
            );
        };
        for object in &mut self.objects {
            let (name, rest, columns) = match object {
                Object::Table(table) => (&table.name, &mut table.rest, &mut table.columns),
                // The table that a function fills has constraints, too.
                Object::Function(function) => (&function.name, &mut function.rest, &mut function.columns),
                _ => continue,
            };
            if let Some(numbers) = attach.remove(name) {
                attached(rest, numbers);
            }
            for column in columns {
                if let Some(numbers) = attach.remove(&column.name) {
                    attached(&mut column.rest, numbers);
                }
            }
        }
        next
    }
}

/// The highest number that an object's annotations or the object itself have.
fn highest_number(object: &Object) -> u64 {
    let Some(rest) = object.rest() else { return 0 };
    let own = rest.disambiguator.as_deref().into_iter().chain(rest.annotation_numbers());
    own.filter_map(|n| n.parse().ok()).filter(|n| *n < u64::from(u32::MAX)).max().unwrap_or(0)
}
