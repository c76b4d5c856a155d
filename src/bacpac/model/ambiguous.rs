//! Elements that share a name (an index and a column, a schema and a role): all but one get a number, and whoever
//! refers to one of these says it. DacFx refuses a model in which a reference can mean two elements.

use super::element::{Element, Item, Node};
use super::{Model, Name, Object, ShapeError};
use std::collections::HashMap;

/// What an element is, as far as those that refer to it tell elements of one name apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Class {
    /// What keeps the plain name: an object in a schema, a column, a schema.
    Plain,
    /// A type or an XML schema collection.
    Type,
    /// An index or statistics.
    Index,
    /// A full-text index (it has its table's name).
    FullText,
    /// A user or role.
    Principal,
    /// A login.
    Login,
    /// An assembly.
    Assembly,
    /// Anything else: nothing here refers to it where its name is shared.
    Other,
}

fn class_of(object: &Object) -> Class {
    match object {
        Object::Table(_)
        | Object::View(_)
        | Object::Procedure(_)
        | Object::Function(_)
        | Object::Key(_)
        | Object::ForeignKey(_)
        | Object::Check(_)
        | Object::Default(_)
        | Object::EdgeConstraint(_)
        | Object::DmlTrigger(_)
        | Object::Sequence(_)
        | Object::Synonym(_)
        | Object::Rule(_)
        | Object::BoundDefault(_)
        | Object::Schema(_) => Class::Plain,
        Object::AliasType(_) | Object::TableType(_) | Object::XmlSchemaCollection(_) => Class::Type,
        Object::Index(_)
        | Object::ColumnStoreIndex(_)
        | Object::XmlIndex(_)
        | Object::SpatialIndex(_)
        | Object::Statistics(_) => Class::Index,
        Object::FullTextIndex(_) => Class::FullText,
        Object::User(_) | Object::Role(_) | Object::ApplicationRole(_) => Class::Principal,
        Object::Login(_) => Class::Login,
        Object::Other(element) => match element.kind.as_str() {
            "SqlAggregate" => Class::Plain,
            "SqlUserDefinedType" => Class::Type,
            "SqlAssembly" => Class::Assembly,
            _ => Class::Other,
        },
        _ => Class::Other,
    }
}

/// The class that a relationship's references mean.
fn class_meant(element: &Element, relationship: &str) -> Class {
    // The first part of an extended property's name is its host's class; of a permission's, the securable's.
    let about = || element.parsed_name().schema().to_owned();
    match relationship {
        "Type" | "XmlSchemaCollection" => Class::Type,
        "Authorizer" | "Grantee" | "Grantor" | "Member" | "Role" | "User" => Class::Principal,
        "Login" => Class::Login,
        "Assembly" | "ReferencedAssemblies" => Class::Assembly,
        "KeyName" | "UsingPrimaryXmlIndex" => Class::Index,
        "Host" => match about().as_str() {
            "SqlIndexBase" | "SqlStatistic" => Class::Index,
            "SqlAssembly" => Class::Assembly,
            "SqlUser" | "SqlRole" | "SqlApplicationRole" | "SqlDatabaseSecurityPrincipal" => Class::Principal,
            "SqlType" | "SqlUserDefinedDataType" | "SqlTableType" | "SqlXmlSchemaCollection" => Class::Type,
            _ => Class::Plain,
        },
        "SecuredObject" => match about().rsplit('.').next() {
            Some("User" | "Role" | "ApplicationRole") => Class::Principal,
            Some("Type" | "XmlSchemaCollection") => Class::Type,
            Some("Assembly") => Class::Assembly,
            _ => Class::Plain,
        },
        _ => Class::Plain,
    }
}

impl Model {
    /// Numbers the elements that share their name with another one. `next` is the first free number.
    pub(super) fn number_shared_names(&mut self, mut next: u64) -> Result<u64, ShapeError> {
        let mut owners: HashMap<Name, Vec<Class>> = HashMap::new();
        for object in &self.objects {
            let name = object.name();
            if !name.is_empty() {
                owners.entry(name).or_default().push(class_of(object));
            }
            let columns = match object {
                Object::Table(table) => table.columns.as_slice(),
                Object::View(view) => view.columns.as_slice(),
                _ => &[],
            };
            for column in columns {
                owners.entry(column.name.clone()).or_default().push(Class::Plain);
            }
        }
        owners.retain(|_, classes| classes.len() > 1);
        if owners.is_empty() {
            return Ok(next);
        }
        let mut numbers: HashMap<(Name, Class), String> = HashMap::new();
        let mut shared: Vec<(Name, Class, &mut Object)> = Vec::new();
        for object in &mut self.objects {
            let (name, class) = (object.name(), class_of(object));
            // The least class keeps the plain name.
            let keeper = owners.get(&name).and_then(|classes| classes.iter().min().copied());
            if keeper.is_some_and(|keeper| keeper != class) {
                shared.push((name, class, object));
            }
        }
        // Numbered by name: in what order a server tells of them is no part of the schema.
        shared.sort_by(|a, b| (a.0.parts(), a.1).cmp(&(b.0.parts(), b.1)));
        for (name, class, object) in shared {
            let disambiguator = match object {
                Object::Other(element) if class != Class::Other => Some(&mut element.disambiguator),
                _ => object.rest_mut().map(|rest| &mut rest.disambiguator),
            };
            let Some(disambiguator) = disambiguator else { continue };
            let number = disambiguator.get_or_insert_with(|| {
                next += 1;
                (next - 1).to_string()
            });
            numbers.insert((name, class), number.clone());
        }
        for object in &mut self.objects {
            let mut element = object.to_element();
            if say_numbers(&mut element, &numbers) {
                *object = Object::from_element(&element)?;
            }
        }
        Ok(next)
    }
}

/// Puts the numbers into the references of an element; whether there were any.
fn say_numbers(element: &mut Element, numbers: &HashMap<(Name, Class), String>) -> bool {
    let mut said = false;
    let outline = Element { nodes: Vec::new(), ..element.clone() };
    for node in &mut element.nodes {
        let Node::Relationship(relationship) = node else { continue };
        let class = class_meant(&outline, &relationship.name);
        for item in relationship.entries.iter_mut().flat_map(|e| &mut e.items) {
            match item {
                Item::Reference(reference) if !reference.is_built_in() && reference.disambiguator.is_none() => {
                    if let Some(number) = numbers.get(&(reference.parsed(), class)) {
                        reference.disambiguator = Some(number.clone());
                        said = true;
                    }
                }
                Item::Element(child) => said |= say_numbers(child, numbers),
                _ => {}
            }
        }
    }
    said
}
