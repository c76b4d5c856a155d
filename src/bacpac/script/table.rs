//! Tables, alias types, table types.

use super::text::*;
use super::{Lookup, Maker, Phase};
use crate::bacpac::model::*;

impl<'a> Maker<'a> {
    pub(super) fn table(&mut self, table: &'a Table) {
        if self.is_dacfx() && table.auto_history {
            // DacFx makes it (and its index) from the table that it is the history of.
            return;
        }
        let name = &table.name;
        let period = period(table);
        // A server takes rows into period columns only before they are such.
        let temporal = period.is_some();
        let versioned_here = self.is_dacfx();
        let mut lines = Vec::new();
        let mut needs = Vec::new();
        for column in &table.columns {
            if column.graph.unwrap_or(0) != 0 || column.pseudo {
                continue;
            }
            lines.push(self.column(table, column, versioned_here || !temporal, &mut needs));
        }
        for object in self.lookup.of_table(name) {
            let in_column = self.is_dacfx() && self.lookup.column_of(object).is_some();
            if self.stands_in_table(table, object) && !in_column {
                lines.extend(self.inline_line(object, table, &mut needs));
            }
        }
        if let (Some((start, end)), true) = (&period, versioned_here) {
            lines.push(format!("PERIOD FOR SYSTEM_TIME ({}, {})", quote(start), quote(end)));
        }
        // A clustered key that is added later brings the table's compression along.
        let keyed = !self.is_dacfx() && self.clustered_key(table).is_some();
        let mut options =
            if keyed { Vec::new() } else { compression(&table.compression, table.partition_scheme.is_some()) };
        if table.memory_optimized {
            options.push("MEMORY_OPTIMIZED = ON".into());
            let durability = match table.durability {
                Durability::SchemaOnly => "SCHEMA_ONLY",
                _ => "SCHEMA_AND_DATA",
            };
            options.push(format!("DURABILITY = {durability}"));
        }
        if versioned_here && !table.history_table.is_empty() {
            options.push(format!("SYSTEM_VERSIONING = ON {}", history(table)));
        }
        let body = if lines.is_empty() { String::new() } else { format!(" (\n    {}\n)", lines.join(",\n    ")) };
        let graph = match (table.node, table.edge) {
            (true, _) => " AS NODE",
            (_, true) => " AS EDGE",
            _ => "",
        };
        let mut sql = format!("CREATE TABLE {name}{body}{graph}");
        sql.push_str(&self.place(&table.filegroup, &table.partition_scheme, &table.partition_column));
        if let Some(lobs) = table.filegroup_for_lobs.as_ref().filter(|_| versioned_here) {
            sql.push_str(&format!(" TEXTIMAGE_ON {}", quote(lobs.parsed().last())));
        }
        if let Some(files) = table.filegroup_for_files.as_ref().filter(|_| versioned_here) {
            sql.push_str(&format!(" FILESTREAM_ON {}", quote(files.parsed().last())));
        }
        sql.push_str(&with(&options));
        sql.push(';');
        needs.push(Name::one(name.schema()));
        for place in [&table.filegroup, &table.filegroup_for_lobs, &table.filegroup_for_files, &table.partition_scheme]
        {
            needs.extend(own(place));
        }
        let batch = self.add(Phase::Tables, "table", name, sql);
        batch.ansi_nulls = table.ansi_nulls;
        batch.quoted_identifier = table.quoted_identifier;
        batch.needs = needs;
        self.table_options(table);
        if let (Some((start, end)), false) = (&period, versioned_here) {
            self.make_temporal(table, start, end);
        }
    }

    /// The clustered key of a table, where it is added after the rows.
    pub(super) fn clustered_key(&self, table: &Table) -> Option<&'a Key> {
        self.lookup.of_table(&table.name).iter().find_map(|o| match o {
            Object::Key(key) if key.clustered && !self.stands_in_table(table, o) => Some(key),
            _ => None,
        })
    }

    /// What is set after a table is made.
    fn table_options(&mut self, table: &'a Table) {
        let name = &table.name;
        let option = |option: &str, value: String| {
            format!(
                "EXECUTE sp_tableoption @TableNamePattern = {}, @OptionName = {}, @OptionValue = {};",
                literal(&name.to_string()),
                literal(option),
                literal(&value)
            )
        };
        if let Some(size) = table.text_in_row.filter(|s| *s != 0) {
            self.then(Phase::Tables, "table option", name, option("text in row", size.to_string()));
        }
        if table.large_values_out_of_row {
            self.then(Phase::Tables, "table option", name, option("large value types out of row", "1".into()));
        }
        if table.vardecimal {
            self.then(Phase::Tables, "table option", name, option("vardecimal storage format", "1".into()));
        }
        if table.lock_on_bulk_load {
            self.then(Phase::Tables, "table option", name, option("table lock on bulk load", "1".into()));
        }
        let escalation = match table.lock_escalation {
            LockEscalation::Disable => Some("DISABLE"),
            LockEscalation::Auto => Some("AUTO"),
            _ => None,
        };
        if let Some(escalation) = escalation {
            let sql = format!("ALTER TABLE {name} SET (LOCK_ESCALATION = {escalation});");
            self.then(Phase::Tables, "table option", name, sql);
        }
        if table.change_tracking {
            let on = if table.track_columns_updated { "ON" } else { "OFF" };
            let sql = format!("ALTER TABLE {name} ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = {on});");
            self.then(Phase::Versioning, "change tracking", name, sql);
        }
        if table.change_data_capture {
            self.leave("change data capture", name, "its capture instances are not in the model");
        }
        for column in &table.columns {
            self.classification(column);
            if !self.is_dacfx() {
                if column.file_stream {
                    self.leave("FILESTREAM of a column", &column.name, "its values are kept in the rows");
                }
                self.identity_value(table, column);
            }
        }
    }

    fn classification(&mut self, column: &Column) {
        let mut options = Vec::new();
        for (property, option) in [
            ("SensitivityLabel", "LABEL"),
            ("SensitivityLabelId", "LABEL_ID"),
            ("SensitivityInformationType", "INFORMATION_TYPE"),
            ("SensitivityInformationTypeId", "INFORMATION_TYPE_ID"),
        ] {
            if let Some(value) = column.rest.property(property) {
                options.push(format!("{option} = {}", plain_literal(value)));
            }
        }
        if !options.is_empty() {
            let sql = format!("ADD SENSITIVITY CLASSIFICATION TO {} WITH ({});", column.name, options.join(", "));
            let table = column.name.owner();
            self.then(Phase::Properties, "sensitivity classification", &table, sql).name = column.name.to_string();
        }
    }

    /// The identity value that the source had reached, where it is further than the rows show.
    fn identity_value(&mut self, table: &Table, column: &Column) {
        let Some(last) = column.last_identity_value() else { return };
        let parsed = |text: Option<&str>| text.unwrap_or("1").parse::<i128>().ok();
        let (Some(last), Some(seed), Some(step)) = (
            last.parse::<i128>().ok(),
            parsed(column.identity_seed.as_deref()),
            parsed(column.identity_increment.as_deref()),
        ) else {
            self.leave("identity value", &column.name, "it is not a number");
            return;
        };
        // One step before the seed: no row was ever given a value.
        if last == seed - step {
            return;
        }
        // Assumption: as the documentation of DBCC CHECKIDENT has it, the next row of a table that never had one gets the
        // value itself, in others the one after it.
        let next = last.saturating_add(step);
        let reseed =
            |to| format!("DBCC CHECKIDENT ({}, RESEED, {to}) WITH NO_INFOMSGS;", literal(&table.name.to_string()));
        let sql = format!("IF EXISTS (SELECT 1 AS one FROM {}) {} ELSE {}", table.name, reseed(last), reseed(next));
        self.then(Phase::Versioning, "identity value", &table.name, sql).name = column.name.to_string();
    }

    /// A server's temporal table becomes one after its rows are in.
    fn make_temporal(&mut self, table: &Table, start: &str, end: &str) {
        let name = &table.name;
        let sql = format!("ALTER TABLE {name} ADD PERIOD FOR SYSTEM_TIME ({}, {});", quote(start), quote(end));
        self.then(Phase::Versioning, "period", name, sql);
        for column in table.columns.iter().filter(|c| c.hidden) {
            let sql = format!("ALTER TABLE {name} ALTER COLUMN {} ADD HIDDEN;", quote(column.name.last()));
            self.then(Phase::Versioning, "hidden column", name, sql);
        }
        if !table.history_table.is_empty() {
            let sql = format!("ALTER TABLE {name} SET (SYSTEM_VERSIONING = ON {});", history(table));
            self.then(Phase::Versioning, "system versioning", name, sql).needs.push(table.history_table.clone());
        }
    }

    /// Whether a key, check or index is written inside its table's statement.
    pub(super) fn stands_in_table(&self, table: &Table, object: &Object) -> bool {
        match object {
            Object::Default(_) => false,
            _ if self.is_dacfx() => self.lookup.is_inline(object),
            // Memory-optimised tables take their keys and indexes from the start only.
            Object::Key(_) | Object::Index(_) | Object::ColumnStoreIndex(_) => table.memory_optimized,
            _ => false,
        }
    }

    fn inline_line(&self, object: &Object, table: &Table, needs: &mut Vec<Name>) -> Option<String> {
        match object {
            Object::Key(key) => {
                needs.extend(own(&key.partition_scheme));
                needs.extend(own(&key.filegroup));
                Some(self.key_text(key, table.memory_optimized))
            }
            Object::Check(check) => {
                needs.extend(super::text::needs(&check.dependencies));
                Some(self.check_text(check))
            }
            Object::ForeignKey(key) => Some(self.foreign_key_text(key)),
            Object::EdgeConstraint(edge) => Some(self.edge_text(edge)),
            Object::Index(index) => Some(self.inline_index_text(index, table.memory_optimized)),
            Object::ColumnStoreIndex(index) => Some(self.inline_column_store_text(index)),
            _ => None,
        }
    }

    /// A column's line. `generated`: period columns are written as such.
    fn column(&self, table: &Table, column: &Column, generated: bool, needs: &mut Vec<Name>) -> String {
        let name = quote(column.name.last());
        if column.is_computed() {
            needs.extend(super::text::needs(&column.dependencies));
            return computed(column);
        }
        let spec = column.data_type.as_ref();
        needs.extend(spec.into_iter().flat_map(type_needs));
        if column.is_column_set() {
            return format!("{name} xml COLUMN_SET FOR ALL_SPARSE_COLUMNS");
        }
        let mut line = format!("{name} {}", spec.map_or_else(String::new, type_text));
        if column.file_stream && self.is_dacfx() {
            line.push_str(" FILESTREAM");
        }
        if let Some(collation) = &column.collation {
            line.push_str(&format!(" COLLATE {}", collation_word(collation)));
        }
        if generated {
            match column.generated_always {
                GeneratedAlways::RowStart => line.push_str(" GENERATED ALWAYS AS ROW START"),
                GeneratedAlways::RowEnd => line.push_str(" GENERATED ALWAYS AS ROW END"),
                _ => {}
            }
            if column.hidden {
                line.push_str(" HIDDEN");
            }
        }
        let mask = column.masking.as_ref().map(|m| format!(" MASKED WITH (FUNCTION = {})", plain_literal(m)));
        let sparse = column.sparse.then(|| " SPARSE".to_owned());
        // A server is documented to take them in this order; DacFx reads them in the other one alone.
        let order = if self.is_dacfx() { [mask, sparse] } else { [sparse, mask] };
        line.extend(order.into_iter().flatten());
        if column.identity {
            let seed = column.identity_seed.as_deref().and_then(number).unwrap_or("1");
            let step = column.identity_increment.as_deref().and_then(number).unwrap_or("1");
            line.push_str(&format!(" IDENTITY ({seed}, {step})"));
            if column.identity_not_for_replication {
                line.push_str(" NOT FOR REPLICATION");
            }
        }
        if column.encryption != ColumnEncryption::None {
            let key = own(&column.encryption_key).unwrap_or_default();
            let kind =
                if column.encryption == ColumnEncryption::Deterministic { "DETERMINISTIC" } else { "RANDOMIZED" };
            let algorithm = column.encryption_algorithm.as_deref().unwrap_or("AEAD_AES_256_CBC_HMAC_SHA_256");
            line.push_str(&format!(
                " ENCRYPTED WITH (COLUMN_ENCRYPTION_KEY = {}, ENCRYPTION_TYPE = {kind}, ALGORITHM = {})",
                quote(key.last()),
                literal(algorithm)
            ));
            needs.push(key);
        }
        line.push_str(if column.nullable { " NULL" } else { " NOT NULL" });
        if column.row_guid {
            line.push_str(" ROWGUIDCOL");
        }
        if let Some(default) = self.inline_default(table, column, needs) {
            line.push_str(&default);
        }
        if self.is_dacfx() {
            for object in self.lookup.of_table(&table.name) {
                let here = self.lookup.column_of(object) == Some(&column.name);
                let text = if here && self.stands_in_table(table, object) {
                    self.inline_line(object, table, needs)
                } else {
                    None
                };
                if let Some(text) = text {
                    line.push_str(&format!(" {text}"));
                }
            }
        }
        line
    }

    /// The default of a column, where it stands in the column's line.
    fn inline_default(&self, table: &Table, column: &Column, needs: &mut Vec<Name>) -> Option<String> {
        let (object, default) = self.lookup.of_table(&table.name).iter().find_map(|o| match o {
            Object::Default(d) if d.column == column.name => Some((o, d)),
            _ => None,
        })?;
        if !default_stands_in_table(self.lookup, self.is_dacfx(), object, default) {
            return None;
        }
        needs.extend(super::text::needs(&default.dependencies));
        let name =
            if default.name.is_empty() { String::new() } else { format!(" CONSTRAINT {}", quote(default.name.last())) };
        Some(format!("{name} DEFAULT {}", sql(&default.value)))
    }

    pub(super) fn alias_type(&mut self, alias: &'a AliasType) {
        let spec = TypeSpec {
            scale: alias.scale,
            precision: alias.precision,
            length: alias.length,
            is_max: alias.is_max,
            type_ref: alias.type_ref.clone(),
            ..TypeSpec::default()
        };
        let null = if alias.nullable { "NULL" } else { "NOT NULL" };
        let sql = format!("CREATE TYPE {} FROM {} {null};", alias.name, type_text(&spec));
        let schema = Name::one(alias.name.schema());
        self.add(Phase::Types, "alias type", &alias.name, sql).needs.push(schema);
    }

    pub(super) fn table_type(&mut self, kind: &'a TableType) {
        let mut needs = vec![Name::one(kind.name.schema())];
        let mut lines = Vec::new();
        for column in &kind.columns {
            lines.push(self.type_column(kind, column, &mut needs));
        }
        for constraint in &kind.constraints {
            let in_column = kind.columns.iter().any(|c| shares_annotation(&c.rest, &constraint.rest));
            if constraint.form != TableTypeConstraintForm::Default && !in_column {
                lines.push(type_constraint(constraint, &mut needs));
            }
        }
        for index in &kind.indexes {
            let unique = if index.unique { "UNIQUE " } else { "" };
            let buckets = index.bucket_count.map_or(Vec::new(), |b| vec![format!("BUCKET_COUNT = {b}")]);
            lines.push(format!(
                "INDEX {} {unique}{} ({}){}",
                quote(index.name.last()),
                index_shape(false, index.hash),
                key_columns(&index.columns),
                with(&buckets)
            ));
        }
        let options = if kind.memory_optimized { vec!["MEMORY_OPTIMIZED = ON".to_owned()] } else { Vec::new() };
        let sql = format!("CREATE TYPE {} AS TABLE (\n    {}\n){};", kind.name, lines.join(",\n    "), with(&options));
        self.add(Phase::Types, "table type", &kind.name, sql).needs = needs;
    }

    fn type_column(&self, kind: &TableType, column: &Column, needs: &mut Vec<Name>) -> String {
        if column.is_computed() {
            needs.extend(super::text::needs(&column.dependencies));
            return computed(column);
        }
        let spec = column.data_type.as_ref();
        needs.extend(spec.into_iter().flat_map(type_needs));
        let mut line = format!("{} {}", quote(column.name.last()), spec.map_or_else(String::new, type_text));
        if let Some(collation) = &column.collation {
            line.push_str(&format!(" COLLATE {}", collation_word(collation)));
        }
        let default =
            kind.constraints.iter().find(|c| c.form == TableTypeConstraintForm::Default && c.column == column.name);
        if let Some(default) = default {
            needs.extend(super::text::needs(&default.default_dependencies));
            line.push_str(&format!(" DEFAULT {}", sql(&default.default)));
        }
        if column.identity {
            let seed = column.identity_seed.as_deref().and_then(number).unwrap_or("1");
            let step = column.identity_increment.as_deref().and_then(number).unwrap_or("1");
            line.push_str(&format!(" IDENTITY ({seed}, {step})"));
        }
        line.push_str(if column.nullable { " NULL" } else { " NOT NULL" });
        if column.row_guid {
            line.push_str(" ROWGUIDCOL");
        }
        for constraint in &kind.constraints {
            let here = shares_annotation(&column.rest, &constraint.rest);
            if constraint.form != TableTypeConstraintForm::Default && here {
                line.push_str(&format!(" {}", type_constraint(constraint, needs)));
            }
        }
        line
    }
}

/// Whether two elements have an annotation in common: one stands inside the other's statement.
fn shares_annotation(a: &Rest, b: &Rest) -> bool {
    a.annotation_numbers().any(|n| b.annotation_numbers().any(|m| n == m))
}

fn type_constraint(constraint: &TableTypeConstraint, needs: &mut Vec<Name>) -> String {
    let word = match constraint.form {
        TableTypeConstraintForm::PrimaryKey => "PRIMARY KEY",
        TableTypeConstraintForm::Unique => "UNIQUE",
        TableTypeConstraintForm::Check | TableTypeConstraintForm::Default => {
            needs.extend(super::text::needs(&constraint.check_dependencies));
            return format!("CHECK ({})", sql(&constraint.condition));
        }
    };
    let mut options = Vec::new();
    options.extend(constraint.bucket_count.map(|b| format!("BUCKET_COUNT = {b}")));
    if constraint.ignore_duplicates {
        options.push("IGNORE_DUP_KEY = ON".into());
    }
    let shape = index_shape(constraint.clustered, constraint.hash);
    format!("{word} {shape} ({}){}", key_columns(&constraint.columns), with(&options))
}

/// Whether a default is written in its column's line. For a server always: rows are loaded with NULLs kept, so it does
/// not touch them. A default that calls a function comes later, when the function is there.
pub(super) fn default_stands_in_table(
    lookup: &Lookup<'_>,
    dacfx: bool,
    object: &Object,
    default: &DefaultConstraint,
) -> bool {
    if dacfx {
        return lookup.is_inline(object);
    }
    !needs(&default.dependencies).iter().any(|n| matches!(lookup.object(n), Some(Object::Function(_))))
}

pub(super) fn index_shape(clustered: bool, hash: bool) -> &'static str {
    match (clustered, hash) {
        (true, _) => "CLUSTERED",
        (false, true) => "NONCLUSTERED HASH",
        (false, false) => "NONCLUSTERED",
    }
}

fn computed(column: &Column) -> String {
    let mut line = format!("{} AS {}", quote(column.name.last()), wrapped(sql(&column.expression)));
    if column.persisted {
        line.push_str(" PERSISTED");
        if column.persisted_nullable == Some(false) {
            line.push_str(" NOT NULL");
        }
    }
    line
}

/// A collation's name, which can't be quoted: letters, digits and underscores, or nothing that a server would take.
pub(super) fn collation_word(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// The period columns of a temporal table.
fn period(table: &Table) -> Option<(String, String)> {
    let find = |which: GeneratedAlways| {
        let column = table.columns.iter().find(|c| c.generated_always == which)?;
        Some(column.name.last().to_owned())
    };
    Some((find(GeneratedAlways::RowStart)?, find(GeneratedAlways::RowEnd)?))
}

fn history(table: &Table) -> String {
    let mut options =
        vec![format!("HISTORY_TABLE = {}", table.history_table), "DATA_CONSISTENCY_CHECK = ON".to_owned()];
    let unit = match table.retention_unit {
        RetentionUnit::Day => "DAYS",
        RetentionUnit::Week => "WEEKS",
        RetentionUnit::Month => "MONTHS",
        RetentionUnit::Year => "YEARS",
        _ => "",
    };
    match table.retention_value {
        Some(value) if !unit.is_empty() => options.push(format!("HISTORY_RETENTION_PERIOD = {value} {unit}")),
        _ if table.retention_unit == RetentionUnit::Infinite => {
            options.push("HISTORY_RETENTION_PERIOD = INFINITE".into());
        }
        _ => {}
    }
    format!("({})", options.join(", "))
}
