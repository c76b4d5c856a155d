//! What refers to something that is not restored: left out where that was asked for, refused otherwise.

use std::collections::HashSet;

use super::{Choice, ChoiceError, Missing};
use crate::bacpac::model::*;
use crate::bacpac::script::NotCarried;

/// What refers to something that is not in the model any more.
pub(super) fn missing(model: &mut Model, choice: &Choice, left: &mut Vec<NotCarried>) -> Result<(), ChoiceError> {
    let names: HashSet<Name> = model.objects.iter().map(Object::name).collect();
    let unknown = |entries: &Entries| -> Option<Name> {
        let used = entries.references().filter(|r| r.external_source.is_none()).map(Reference::parsed);
        used.filter(|n| n.parts().len() >= 2).find(|n| {
            let mut name = n.clone();
            while name.parts().len() >= 2 {
                if names.contains(&name) {
                    return false;
                }
                name = name.parent();
            }
            true
        })
    };
    let mut refused = None;
    // Views on views: until no more of them is left out.
    let mut gone: HashSet<Name> = HashSet::new();
    loop {
        let before = gone.len();
        model.objects.retain(|object| {
            let lost = |entries: &Entries| {
                let used = entries.references().map(|r| r.parsed().owner());
                unknown(entries).or_else(|| used.into_iter().find(|n| gone.contains(n)))
            };
            let (kind, what, skip) = match object {
                Object::ForeignKey(key) if !names.contains(&key.foreign_table) => {
                    ("foreign key", Some(key.foreign_table.clone()), Missing::ForeignKeys)
                }
                Object::Default(default) => ("default", lost(&default.dependencies), Missing::Sequences),
                Object::View(view) => ("view", lost(&view.dependencies), Missing::Views),
                _ => return true,
            };
            let Some(what) = what else { return true };
            let name = match (object.name(), object) {
                (name, Object::Default(default)) if name.is_empty() => default.column.to_string(),
                (name, Object::ForeignKey(key)) if name.is_empty() => format!("of {}", key.table),
                (name, _) => name.to_string(),
            };
            if !choice.skip_missing.contains(&skip) {
                // A view that the server refuses is reported by itself; the others would break their table.
                if skip != Missing::Views && !choice.tables.is_empty() && refused.is_none() {
                    refused = Some(ChoiceError::Missing { kind, name, missing: what.to_string(), skip });
                }
                return true;
            }
            left.push(NotCarried {
                kind: kind.into(),
                name,
                property: String::new(),
                value: String::new(),
                reason: format!("{what} is not restored, and it is left out as asked"),
            });
            gone.insert(object.name());
            false
        });
        if gone.len() == before {
            break;
        }
    }
    refused.map_or(Ok(()), Err)
}
