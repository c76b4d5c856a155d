//! Tables under other names, with all that is a part of them.

use std::collections::{BTreeMap, HashSet};

use super::{ChoiceError, Chosen, part_of};
use crate::bacpac::model::*;
use crate::bacpac::script::NotCarried;

/// Gives tables other names, with everything that is a part of them. Names of constraints are unique in a schema: they
/// get `suffix`, too. What names a table in its text is left out and reported.
///
/// `taken`: constraints of other tables whose names the database has already; they get the suffix, too.
pub fn rename(
    model: &Model,
    tables: &BTreeMap<Name, Name>,
    taken: &HashSet<Name>,
    suffix: &str,
) -> Result<Chosen, ChoiceError> {
    let mut names = tables.clone();
    let mut left = Vec::new();
    let mut kept = model.clone();
    kept.objects.retain(|object| match object {
        Object::DmlTrigger(trigger) if tables.contains_key(&trigger.parent) => {
            left.push(NotCarried {
                kind: "trigger".into(),
                name: trigger.name.to_string(),
                property: String::new(),
                value: String::new(),
                reason: format!("its text names {}, which is restored under another name", trigger.parent),
            });
            false
        }
        Object::Key(_) | Object::ForeignKey(_) | Object::Check(_) | Object::Default(_) | Object::EdgeConstraint(_) => {
            let name = object.name();
            let moved = part_of(object).is_some_and(|t| tables.contains_key(&t)) || taken.contains(&name);
            if moved && name.parts().len() == 2 {
                let other = with_suffix(name.last(), suffix);
                names.insert(name.clone(), Name::two(name.schema(), other));
            }
            true
        }
        _ => true,
    });
    let mut document = kept.to_document();
    for element in &mut document.elements {
        renamed(element, &names);
    }
    let model = Model::from_document(&document)?;
    let tables = model.tables().map(|t| t.name.clone()).collect();
    Ok(Chosen { model, left, notes: Vec::new(), tables })
}

/// A name with something behind it, within the 128 characters that a name may have.
pub fn with_suffix(name: &str, suffix: &str) -> String {
    let mut name = name.to_owned();
    while name.encode_utf16().count() + suffix.encode_utf16().count() > 128 {
        name.pop();
    }
    name + suffix
}

fn renamed(element: &mut Element, names: &BTreeMap<Name, Name>) {
    let other = |text: &str| -> Option<String> {
        let name = Name::parse(text).ok()?;
        let to = names.get(&name.owner()).filter(|_| name.parts().len() >= 2)?;
        let rest = name.parts().iter().skip(2).cloned();
        Some(Name::of(to.parts().iter().cloned().chain(rest)).to_string())
    };
    if let Some(name) = element.name.as_deref().and_then(other) {
        element.name = Some(name);
    }
    for node in &mut element.nodes {
        let Node::Relationship(relationship) = node else { continue };
        for item in relationship.entries.iter_mut().flat_map(|e| &mut e.items) {
            match item {
                Item::Reference(reference) => {
                    if let Some(name) = reference.name.as_deref().and_then(other) {
                        reference.name = Some(name);
                    }
                }
                Item::Element(child) => renamed(child, names),
                _ => {}
            }
        }
    }
}
