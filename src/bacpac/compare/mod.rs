//! Two models compared object by object: what was added, removed, changed, each with its T-SQL.
//!
//! An object is compared by the definition that a script makes of it, so that what does not change it (the order in
//! the file, a constraint written inside its table's statement or apart, numbers of annotations, the order of included
//! columns) is no difference. What is of the place and not of the schema is not compared: where an identity column or a
//! sequence stands, whether a constraint is trusted, the version of the server.

mod item;
mod lines;

use std::collections::HashMap;

use super::model::Model;
use item::{Item, items};
pub use lines::{Hunk, Line, hunks};

/// An object that only one side has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// What it is, in words: `table`, `primary key`.
    pub kind: String,
    /// Its name, bracketed.
    pub name: String,
    /// Its T-SQL.
    pub sql: String,
}

/// An object that both sides have, and not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it is, in words.
    pub kind: String,
    /// Its name on the second side.
    pub name: String,
    /// Its T-SQL on the first side.
    pub before: String,
    /// Its T-SQL on the second side.
    pub after: String,
}

/// The differences, each list sorted by kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Objects that only the second side has.
    pub added: Vec<Single>,
    /// Objects that only the first side has.
    pub removed: Vec<Single>,
    /// Objects that are not the same.
    pub changed: Vec<Changed>,
    /// How many are.
    pub same: usize,
}

impl Comparison {
    /// How many differences there are.
    pub fn differences(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }
}

/// Compares two models. Where neither distinguishes case, names that differ only in it mean the same object; the object
/// whose own name was written anew is changed, those that refer to it are not.
pub fn compare(before: Model, after: Model) -> Comparison {
    let ignores_case = |model: &Model| !model.header.collation_case_sensitive.eq_ignore_ascii_case("true");
    let fold = ignores_case(&before) && ignores_case(&after);
    let mut comparison = Comparison::default();
    let mut old: HashMap<(String, String), Vec<Item>> = HashMap::new();
    for item in items(before) {
        old.entry(item.key(fold)).or_default().push(item);
    }
    // Several objects may share kind and name (statements about one object): equals first, so that the rest is true.
    let mut open = Vec::new();
    for item in items(after) {
        let found = old.get_mut(&item.key(fold));
        match found.and_then(|all| all.iter().position(|o| o.is_same(&item, fold)).map(|at| all.remove(at))) {
            Some(_) => comparison.same += 1,
            None => open.push(item),
        }
    }
    for item in open {
        let found = old.get_mut(&item.key(fold)).filter(|all| !all.is_empty()).map(|all| all.remove(0));
        match found {
            Some(before) => {
                let (before, after) = (before.sql, item.sql);
                comparison.changed.push(Changed { kind: item.kind, name: item.name, before, after });
            }
            None => comparison.added.push(item.into()),
        }
    }
    comparison.removed = old.into_values().flatten().map(Single::from).collect();
    let key = |s: &Single| (s.kind.clone(), s.name.clone());
    comparison.added.sort_by_cached_key(key);
    comparison.removed.sort_by_cached_key(key);
    comparison.changed.sort_by_cached_key(|c| (c.kind.clone(), c.name.clone()));
    comparison
}

#[cfg(test)]
mod tests;
