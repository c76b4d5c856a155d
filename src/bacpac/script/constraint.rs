//! Keys, checks, defaults, edge constraints.

use super::table::{default_stands_in_table, index_shape};
use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

/// How the statement ends that disables every constraint of a table.
pub(super) const NOCHECK_ALL: &str = " NOCHECK CONSTRAINT ALL;";

impl<'a> Maker<'a> {
    /// Whether the object is written with its table.
    fn with_table(&self, table: &Name, object: &Object) -> bool {
        self.lookup.table(table).is_some_and(|t| self.stands_in_table(t, object))
    }

    pub(super) fn key(&mut self, key: &'a Key, object: &Object) {
        let name = named(&key.name, &key.rest);
        if matches!(self.lookup.object(&key.table), Some(Object::Function(_))) {
            // The key of a table function's result stands in the function's text.
            return;
        }
        if !self.with_table(&key.table, object) {
            let sql = format!("ALTER TABLE {} ADD {};", key.table, self.key_text(key, false));
            let table = key.table.clone();
            let kind = if key.form == KeyForm::PrimaryKey { "primary key" } else { "unique constraint" };
            let places = [own(&key.filegroup), own(&key.partition_scheme)];
            let batch = self.add(Phase::Keys, kind, &name, sql);
            batch.needs.push(table);
            batch.needs.extend(places.into_iter().flatten());
        }
        if key.disabled {
            if key.name.is_empty() {
                self.leave("disabled key", &name, "a key without a name of its own can't be disabled by it");
            } else {
                let sql = format!("ALTER INDEX {} ON {} DISABLE;", quote(key.name.last()), key.table);
                self.then(Phase::Constraints, "disabled key", &name, sql);
            }
        }
    }

    pub(super) fn key_text(&self, key: &Key, memory_optimized: bool) -> String {
        let word = if key.form == KeyForm::PrimaryKey { "PRIMARY KEY" } else { "UNIQUE" };
        let shape = index_shape(key.clustered, key.hash);
        let mut options = Vec::new();
        if memory_optimized {
            options.extend(key.bucket_count.map(|b| format!("BUCKET_COUNT = {b}")));
        } else {
            options = index_options(
                key.fill_factor,
                key.padded,
                key.ignore_duplicates,
                key.recompute_statistics,
                key.row_locks,
                key.page_locks,
            );
            let partitioned = key.partition_scheme.is_some();
            let table = self.lookup.table(&key.table).filter(|_| !self.is_dacfx() && key.clustered);
            match table {
                Some(table) if key.compression.is_empty() => {
                    options.extend(compression(&table.compression, partitioned));
                }
                _ => options.extend(compression(&key.compression, partitioned)),
            }
        }
        format!(
            "{}{word} {shape} ({}){}{}",
            constraint_name(&key.name),
            key_columns(&key.columns),
            with(&options),
            self.place(&key.filegroup, &key.partition_scheme, &key.partition_column)
        )
    }

    pub(super) fn foreign_key(&mut self, key: &'a ForeignKey, object: &Object) {
        let name = named(&key.name, &key.rest);
        if !self.with_table(&key.table, object) {
            // A trusted key is checked against the rows that are there; one that was not is left as it was.
            let checked = match (self.is_dacfx(), key.disabled || key.rest.is_untrusted()) {
                (true, _) => "",
                (false, false) => " WITH CHECK",
                (false, true) => " WITH NOCHECK",
            };
            let nameless = self.disabled_without_name(key.disabled, &key.table, &key.name);
            let sql = format!("ALTER TABLE {}{checked} ADD {};{nameless}", key.table, self.foreign_key_text(key));
            let batch = self.add(Phase::Constraints, "foreign key", &name, sql);
            batch.needs.extend([key.table.clone(), key.foreign_table.clone()]);
        }
        self.disable(key.disabled, &key.table, &key.name, &name, "foreign key");
    }

    pub(super) fn foreign_key_text(&self, key: &ForeignKey) -> String {
        let mut text = format!(
            "{}FOREIGN KEY ({}) REFERENCES {} ({})",
            constraint_name(&key.name),
            columns(&key.columns),
            key.foreign_table,
            columns(&key.foreign_columns)
        );
        text.push_str(&action(" ON DELETE ", key.on_delete));
        text.push_str(&action(" ON UPDATE ", key.on_update));
        if key.not_for_replication {
            text.push_str(" NOT FOR REPLICATION");
        }
        text
    }

    pub(super) fn check(&mut self, check: &'a Check, object: &Object) {
        let name = named(&check.name, &check.rest);
        let known = self.lookup.object(&check.table).is_some();
        if !known {
            // The check of a table function's result stands in the function's text.
            self.leave("check", &name, "its table is not in the model");
            return;
        }
        if matches!(self.lookup.object(&check.table), Some(Object::Function(_))) {
            return;
        }
        if !self.with_table(&check.table, object) {
            let checked = match (self.is_dacfx(), check.disabled || check.rest.is_untrusted()) {
                (true, _) => "",
                (false, false) => " WITH CHECK",
                (false, true) => " WITH NOCHECK",
            };
            let nameless = self.disabled_without_name(check.disabled, &check.table, &check.name);
            let sql = format!("ALTER TABLE {}{checked} ADD {};{nameless}", check.table, self.check_text(check));
            let batch = self.add(Phase::Constraints, "check", &name, sql);
            batch.needs.push(check.table.clone());
            batch.needs.extend(needs(&check.dependencies));
        }
        self.disable(check.disabled, &check.table, &check.name, &name, "check");
    }

    pub(super) fn check_text(&self, check: &Check) -> String {
        let replication = if check.not_for_replication { " NOT FOR REPLICATION" } else { "" };
        let condition = sql(&check.condition);
        format!("{}CHECK{replication} ({})", constraint_name(&check.name), condition)
    }

    pub(super) fn default(&mut self, default: &'a DefaultConstraint, object: &Object) {
        let name = named(&default.name, &default.rest);
        match self.lookup.object(&default.table) {
            Some(Object::Function(_)) => return,
            Some(_) => {}
            None => {
                self.leave("default", &name, "its table is not in the model");
                return;
            }
        }
        if default_stands_in_table(self.lookup, self.is_dacfx(), object, default) {
            return;
        }
        let sql = format!(
            "ALTER TABLE {} ADD {}DEFAULT {} FOR {};",
            default.table,
            constraint_name(&default.name),
            sql(&default.value),
            quote(default.column.last())
        );
        let batch = self.add(Phase::Constraints, "default", &name, sql);
        batch.needs.push(default.table.clone());
        batch.needs.extend(needs(&default.dependencies));
    }

    pub(super) fn edge_constraint(&mut self, edge: &'a EdgeConstraint, object: &Object) {
        if !self.with_table(&edge.table, object) {
            let sql = format!("ALTER TABLE {} ADD {};", edge.table, self.edge_text(edge));
            let batch = self.add(Phase::Constraints, "edge constraint", &edge.name, sql);
            batch.needs.push(edge.table.clone());
            batch.needs.extend(edge.clauses.iter().flat_map(|c| [c.from.clone(), c.to.clone()]));
        }
        self.disable(edge.disabled, &edge.table, &edge.name, &edge.name, "edge constraint");
    }

    pub(super) fn edge_text(&self, edge: &EdgeConstraint) -> String {
        let clauses: Vec<String> = edge.clauses.iter().map(|c| format!("{} TO {}", c.from, c.to)).collect();
        format!(
            "{}CONNECTION ({}){}",
            constraint_name(&edge.name),
            clauses.join(", "),
            action(" ON DELETE ", edge.on_delete)
        )
    }

    /// Disables a constraint that has no name to do it by: all that the table has so far, which are such ones alone
    /// (`order` puts them before every other constraint).
    fn disabled_without_name(&self, disabled: bool, table: &Name, own_name: &Name) -> String {
        match disabled && own_name.is_empty() && !self.is_dacfx() {
            true => format!("\nALTER TABLE {table}{NOCHECK_ALL}"),
            false => String::new(),
        }
    }

    fn disable(&mut self, disabled: bool, table: &Name, own_name: &Name, name: &Name, kind: &'static str) {
        if !disabled {
            return;
        }
        if own_name.is_empty() && !self.is_dacfx() && kind != "edge constraint" {
            return;
        }
        if own_name.is_empty() {
            self.leave(format!("disabled {kind}"), name, "a constraint without a name of its own can't be named");
            return;
        }
        let sql = format!("ALTER TABLE {table} NOCHECK CONSTRAINT {};", quote(own_name.last()));
        self.then(Phase::Constraints, "disabled constraint", name, sql);
    }
}

/// The name that messages use: its own, else the one the server made up at the source.
pub(super) fn named(name: &Name, rest: &Rest) -> Name {
    if name.is_empty() { rest.system_name().unwrap_or_default() } else { name.clone() }
}

fn constraint_name(name: &Name) -> String {
    if name.is_empty() { String::new() } else { format!("CONSTRAINT {} ", quote(name.last())) }
}

fn action(words: &str, action: ReferentialAction) -> String {
    let action = match action {
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
        _ => return String::new(),
    };
    format!("{words}{action}")
}

/// The options that keys and indexes of rows share; only those that are not as they are by default.
pub(super) fn index_options(
    fill_factor: Option<i64>,
    padded: bool,
    ignore_duplicates: bool,
    recompute_statistics: bool,
    row_locks: bool,
    page_locks: bool,
) -> Vec<String> {
    let mut options = Vec::new();
    if let Some(fill) = fill_factor.filter(|f| *f != 0) {
        options.push(format!("FILLFACTOR = {fill}"));
    }
    for (set, text) in [
        (padded, "PAD_INDEX = ON"),
        (ignore_duplicates, "IGNORE_DUP_KEY = ON"),
        (!recompute_statistics, "STATISTICS_NORECOMPUTE = ON"),
        (!row_locks, "ALLOW_ROW_LOCKS = OFF"),
        (!page_locks, "ALLOW_PAGE_LOCKS = OFF"),
    ] {
        if set {
            options.push(text.to_owned());
        }
    }
    options
}
