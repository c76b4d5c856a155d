//! The order of batches: by phase, and before that by what each needs. What a batch of an early phase needs is pulled
//! into that phase (a function that a computed column calls, and the tables that the function reads). Cycles are
//! broken where they close; a server that defers names takes them all the same.

use super::{Batch, Phase};
use crate::bacpac::model::Name;
use std::collections::HashMap;

/// Sorts batches. The order of equals is the one they came in: the model's.
pub(super) fn order(mut batches: Vec<Batch>) -> Vec<Batch> {
    batches.sort_by_key(|b| (b.phase, rank(b)));
    let mut makers: HashMap<Name, Vec<usize>> = HashMap::new();
    for (at, batch) in batches.iter().enumerate() {
        if batch.creates && !batch.gives.is_empty() {
            makers.entry(batch.gives.clone()).or_default().push(at);
        }
    }
    let needs: Vec<Vec<usize>> = batches.iter().enumerate().map(|(at, b)| wanted(at, b, &makers)).collect();
    let mut out: Vec<(Phase, usize)> = Vec::with_capacity(batches.len());
    let mut seen = vec![false; batches.len()];
    for root in 0..batches.len() {
        let phase = batches[root].phase;
        // An explicit stack: a chain of views may be as long as a stranger likes.
        let mut stack = vec![(root, 0usize)];
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        while let Some((at, next)) = stack.pop() {
            match needs[at].get(next) {
                Some(&dependency) => {
                    stack.push((at, next + 1));
                    if !std::mem::replace(&mut seen[dependency], true) {
                        stack.push((dependency, 0));
                    }
                }
                None => out.push((phase, at)),
            }
        }
    }
    let mut taken: Vec<Option<Batch>> = batches.into_iter().map(Some).collect();
    out.into_iter()
        .filter_map(|(phase, at)| {
            let mut batch = taken[at].take()?;
            batch.phase = batch.phase.min(phase);
            Some(batch)
        })
        .collect()
}

/// The batches that make what this one needs. A part of an object (a column) is made with the object.
fn wanted(at: usize, batch: &Batch, makers: &HashMap<Name, Vec<usize>>) -> Vec<usize> {
    let mut out = Vec::new();
    for need in &batch.needs {
        let mut name = need.clone();
        while !name.is_empty() {
            if let Some(found) = makers.get(&name) {
                out.extend(found.iter().copied().filter(|f| *f != at));
                break;
            }
            name = name.parent();
        }
    }
    out
}

/// Inside a phase: what makes others cheaper or possible comes first.
fn rank(batch: &Batch) -> u8 {
    match batch.kind {
        // What is made of an assembly cannot be made before it, and what belongs to it is changed in this order.
        "assembly" => 0,
        "visibility of assembly" => 1,
        "role" => 0,
        "user" | "application role" => 1,
        "role membership" => 3,
        "primary key" if batch.sql.contains(" PRIMARY KEY CLUSTERED ") => 0,
        "columnstore index" if batch.phase == Phase::Keys => 0,
        "index" if batch.phase == Phase::Keys => 0,
        "unique constraint" if batch.sql.contains(" UNIQUE CLUSTERED ") => 0,
        "primary key" => 1,
        "unique constraint" => 2,
        "default" => 0,
        // Nothing else of the table may be there yet.
        "check" | "foreign key" if batch.sql.ends_with(super::constraint::NOCHECK_ALL) => 0,
        "check" => 1,
        "foreign key" => 2,
        "disabled key" | "disabled index" | "disabled constraint" => 4,
        // The clustered index of a view comes before its others.
        "index" if batch.phase == Phase::Modules && batch.sql.contains(" CLUSTERED INDEX ") => 3,
        "index" | "statistics" if batch.phase == Phase::Modules => 4,
        "identity value" | "sequence value" => 5,
        "database trigger" => 5,
        "trigger order" | "disabled trigger" if batch.phase == Phase::Permissions => 6,
        "extended property" if batch.phase == Phase::Permissions => 7,
        "disabled trigger" => 6,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(phase: Phase, name: &str, needs: &[&str]) -> Batch {
        Batch {
            phase,
            kind: "view",
            name: name.into(),
            sql: String::new(),
            ansi_nulls: true,
            quoted_identifier: true,
            otherwise: None,
            optional: false,
            creates: true,
            needs: needs.iter().map(|n| Name::parse(n).unwrap()).collect(),
            gives: Name::parse(name).unwrap(),
        }
    }

    fn names(batches: &[Batch]) -> Vec<(&str, Phase)> {
        batches.iter().map(|b| (b.name.as_str(), b.phase)).collect()
    }

    #[test]
    fn what_a_table_needs_comes_before_the_data() {
        let ordered = order(vec![
            batch(Phase::Modules, "[a].[f]", &["[a].[u].[column]"]),
            batch(Phase::Tables, "[a].[t]", &["[a].[f]"]),
            batch(Phase::Tables, "[a].[u]", &[]),
        ]);
        let tables = Phase::Tables;
        assert_eq!(names(&ordered), [("[a].[u]", tables), ("[a].[f]", tables), ("[a].[t]", tables)]);
    }

    #[test]
    fn nothing_comes_after_a_database_trigger_but_what_is_about_it() {
        let mut trigger = batch(Phase::Permissions, "[ddl]", &[]);
        trigger.kind = "database trigger";
        let mut property = batch(Phase::Permissions, "[SqlDatabaseDdlTrigger].[ddl].[p]", &["[ddl]"]);
        (property.kind, property.creates) = ("extended property", false);
        let mut grant = batch(Phase::Permissions, "[Grant.Select.Object]", &[]);
        (grant.kind, grant.creates) = ("permission", false);
        let ordered = order(vec![property, trigger, grant]);
        let kinds: Vec<_> = ordered.iter().map(|b| b.kind).collect();
        assert_eq!(kinds, ["permission", "database trigger", "extended property"]);
    }

    #[test]
    fn a_cycle_keeps_every_batch() {
        let ordered = order(vec![
            batch(Phase::Modules, "[a].[x]", &["[a].[y]"]),
            batch(Phase::Modules, "[a].[y]", &["[a].[x]", "[a].[y]"]),
        ]);
        assert_eq!(ordered.len(), 2);
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let mut batches = Vec::new();
        for i in 0..50_000 {
            batches.push(batch(Phase::Modules, &format!("[a].[{i}]"), &[&format!("[a].[{}]", i + 1)]));
        }
        assert_eq!(order(batches)[0].name, "[a].[49999]");
    }
}
