//! The events that fire triggers and event notifications, with their numbers and groups (`sys.trigger_event_types`).
//!
//! Those of a database, as documented; the server's own (logins, endpoints, …) have no trigger here.

use std::sync::LazyLock;

/// An event or a group of events.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct EventType {
    pub number: i32,
    pub name: &'static str,
    /// The group's number; 0 for none.
    pub parent: i32,
}

impl EventType {
    /// Whether others are in it.
    pub fn is_group(&self) -> bool {
        self.number >= 10_000
    }
}

static DDL: LazyLock<Vec<EventType>> = LazyLock::new(|| {
    let lines = include_str!("events.tsv").lines();
    lines
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let parent = fields.next()?.parse().ok()?;
            let number = fields.next()?.parse().ok()?;
            Some(EventType { number, name: fields.next()?, parent })
        })
        .collect()
});

/// The three of tables and views.
const DML: [EventType; 3] = [
    EventType { number: 1, name: "INSERT", parent: 0 },
    EventType { number: 2, name: "UPDATE", parent: 0 },
    EventType { number: 3, name: "DELETE", parent: 0 },
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static EventType> {
    DML.iter().chain(DDL.iter())
}

/// By name, in upper case.
pub fn named(name: &str) -> Option<&'static EventType> {
    all().find(|e| e.name == name)
}

/// The single events that a name stands for: itself, or all in the group.
pub fn within(event: &'static EventType) -> Vec<&'static EventType> {
    if !event.is_group() {
        return vec![event];
    }
    DDL.iter().filter(|e| e.parent == event.number).flat_map(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_their_events() {
        let table = named("DDL_TABLE_EVENTS").unwrap();
        assert_eq!(table.number, 10_018);
        let mut numbers: Vec<i32> = within(table).iter().map(|e| e.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [21, 22, 23]);
        assert!(within(named("DDL_EVENTS").unwrap()).len() > 100);
        assert_eq!(within(named("CREATE_TABLE").unwrap()).len(), 1);
    }
}
