//! Schemas and tables with their columns.

use std::collections::HashMap;

use super::elements::{Making, plain};
use super::{Builder, grouped};
use crate::bacpac::model::{
    BUILT_IN_SCHEMAS, Column, ColumnEncryption, ColumnForm, CompressionLevel, DataCompression, Durability,
    GeneratedAlways, Item, LockEscalation, Name, Node, Reference, Relationship, RetentionUnit, Schema, Script, Table,
    TypeSpec,
};
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::Record;

/// What stands apart from `sys.columns` about columns, by object.
struct Apart<'a> {
    computed: HashMap<i64, Vec<Record<'a>>>,
    identities: HashMap<i64, Vec<Record<'a>>>,
    masked: HashMap<i64, Vec<Record<'a>>>,
    classified: HashMap<i64, Vec<Record<'a>>>,
}

impl Builder<'_> {
    pub(super) fn schemas(&mut self) {
        let rows: Vec<_> = self.rows.of("sys.schemas").collect();
        for r in rows {
            let name = r.string("name");
            if BUILT_IN_SCHEMAS.iter().any(|s| s.eq_ignore_ascii_case(&name)) {
                continue;
            }
            let owner = self.owner(r.int("principal_id"), format!("schema {name}"));
            self.made.push(Schema { name: Name::one(name), owner, ..Schema::default() }.into());
        }
    }

    pub(super) fn tables(&mut self) -> Result<(), SqlError> {
        let facts = grouped(self.rows, "sys.tables", "object_id");
        let columns = grouped(self.rows, "sys.columns", "object_id");
        let tracked = grouped(self.rows, "sys.change_tracking_tables", "object_id");
        let apart = Apart {
            computed: grouped(self.rows, "sys.computed_columns", "object_id"),
            identities: grouped(self.rows, "sys.identity_columns", "object_id"),
            masked: grouped(self.rows, "sys.masked_columns", "object_id"),
            classified: grouped(self.rows, "sys.sensitivity_classifications", "major_id"),
        };
        for (id, object) in self.of_kinds(&["U"]) {
            let Some(r) = facts.get(&id).and_then(|f| f.first()) else { continue };
            if r.bool("is_external") {
                continue;
            }
            let name = object.name.clone();
            self.rows_can_be_carried(id, r, &name)?;
            let mut table = self.table_of(id, r, &name);
            let mut own: Vec<_> = columns.get(&id).into_iter().flatten().copied().collect();
            own.sort_by_key(|c| c.int("column_id"));
            for c in own {
                // Of a graph's columns the model has those that queries name.
                if r.bool("is_node") || r.bool("is_edge") {
                    match c.int("graph_type") {
                        None | Some(0) => {}
                        Some(2 | 5 | 8) => {
                            table.columns.push(graph_column(&name, &c, r.bool("is_edge")));
                            continue;
                        }
                        _ => continue,
                    }
                }
                let column = self.column_of(&name, id, &c, &apart).ok_or_else(|| {
                    let table = format!("{}.{}", name.schema(), name.last());
                    let what = if c.bool("is_computed") {
                        "is computed, and nobody is told how"
                    } else {
                        "has an unknown type"
                    };
                    SqlError::Unsupported(format!("table {table} is unreadable: column {} {what}", c.string("name")))
                })?;
                table.columns.push(column);
            }
            if let Some(tracking) = tracked.get(&id).and_then(|t| t.first()) {
                table.change_tracking = true;
                table.track_columns_updated = tracking.bool("is_track_columns_updated_on");
                let keys = self.key_columns_of(id);
                table.rest.nodes.push(change_table(&name, &keys));
            }
            self.made.push(table.into());
        }
        Ok(())
    }

    /// Rows of a form that is not known must not be missing in silence; without rows the table is carried.
    fn rows_can_be_carried(&mut self, id: i64, r: &Record<'_>, name: &Name) -> Result<(), SqlError> {
        let ledger = r.int("ledger_type").is_some_and(|t| t != 0);
        let what = match (r.bool("is_node") || r.bool("is_edge"), ledger, r.bool("is_filetable")) {
            (true, ..) => "a graph table",
            (_, true, _) => "a ledger table",
            (.., true) => "a file table",
            _ => return Ok(()),
        };
        if self.rows.with_rows.contains(&id) {
            let table = format!("{}.{}", name.schema(), name.last());
            return Err(SqlError::Unsupported(format!("table {table} is {what}, whose rows cannot be carried yet")));
        }
        if ledger || r.bool("is_filetable") {
            self.left_out(&format!("what makes {what} of table"), name);
        }
        Ok(())
    }

    fn table_of(&mut self, id: i64, r: &Record<'_>, name: &Name) -> Table {
        let space = self.base_space(id);
        let place = self.place(id, space.0, space.1);
        let filegroup_for_lobs = self.own_filegroup(r.int("lob_data_space_id"), "FG");
        let filegroup_for_files = self.own_filegroup(r.int("filestream_data_space_id"), "FD");
        if r.bool("is_tracked_by_cdc") {
            self.left_out("change data capture of table", name);
        }
        let versioned = r.int("temporal_type") == Some(2);
        let history = self.object(r.int("history_table_id").filter(|_| versioned)).map(|o| o.name.clone());
        if versioned && history.is_none() {
            self.left_out("system versioning of table", name);
        }
        let mut table = Table {
            name: name.clone(),
            ansi_nulls: r.bool("uses_ansi_nulls"),
            // Assumption: OBJECTPROPERTY knows the setting of tables, too; where it says nothing, it was on.
            quoted_identifier: r.int("quoted_identifier") != Some(0),
            replicated: r.bool("is_replicated"),
            lock_on_bulk_load: r.bool("lock_on_bulk_load"),
            large_values_out_of_row: r.bool("large_value_types_out_of_row"),
            text_in_row: r.int("text_in_row_limit").filter(|n| *n != 0),
            lock_escalation: LockEscalation::from_number(r.int("lock_escalation").unwrap_or_default()),
            memory_optimized: r.bool("is_memory_optimized"),
            durability: Durability::from_number(r.int("durability").unwrap_or_default()),
            node: r.bool("is_node"),
            edge: r.bool("is_edge"),
            compression: self.compression(id, 0),
            filegroup: place.filegroup,
            partition_scheme: place.scheme,
            partition_column: place.column,
            filegroup_for_lobs,
            filegroup_for_files,
            ..Table::default()
        };
        if let Some(history) = history {
            table.history_table = history;
            if let Some(unit) = r.int("history_retention_period_unit") {
                table.retention_unit = RetentionUnit::from_number(unit);
                table.retention_value = r.int("history_retention_period").filter(|n| *n > 0);
            }
        }
        table
    }

    fn column_of(&mut self, table: &Name, id: i64, r: &Record<'_>, apart: &Apart<'_>) -> Option<Column> {
        let number = r.int("column_id");
        let name = r.string("name");
        if r.bool("is_column_set") {
            return Some(Column::set(table, &name));
        }
        if let Some(definition) = of(&apart.computed, id, "column_id", number) {
            let text = definition.text("definition")?;
            let persisted = definition.bool("is_persisted");
            return Some(Column {
                collation: None,
                persisted,
                persisted_nullable: (persisted && !r.bool("is_nullable")).then_some(false),
                ..Column::computed(table, &name, Some(Script::new(text)))
            });
        }
        let masking =
            of(&apart.masked, id, "column_id", number).and_then(|m| m.text("masking_function").map(str::to_owned));
        if r.bool("is_masked") && masking.is_none() {
            self.left_out("mask of column", table.child(&name));
        }
        let mut column = Column {
            nullable: r.bool("is_nullable"),
            identity: r.bool("is_identity"),
            row_guid: r.bool("is_rowguidcol"),
            file_stream: r.bool("is_filestream"),
            sparse: r.bool("is_sparse"),
            hidden: r.bool("is_hidden"),
            generated_always: match r.int("generated_always_type") {
                Some(1) => GeneratedAlways::RowStart,
                Some(2) => GeneratedAlways::RowEnd,
                _ => GeneratedAlways::None,
            },
            masking,
            collation: self.own_collation(r),
            ..Column::simple(table, &name, self.types.spec(r)?)
        };
        if let Some(kind) = r.int("encryption_type").filter(|k| *k != 0) {
            column.encryption = ColumnEncryption::from_number(kind);
            column.encryption_algorithm = r.text("encryption_algorithm_name").map(str::to_owned);
            let key = r.int("column_encryption_key_id").and_then(|k| self.encryption_keys.get(&k));
            column.encryption_key = Some(Reference::to(&Name::one(key?.as_str())));
        }
        if let Some(identity) = of(&apart.identities, id, "column_id", number) {
            let other_than_1 = |column: &str| identity.text(column).filter(|v| *v != "1").map(str::to_owned);
            column.identity_seed = other_than_1("seed_value");
            column.identity_increment = other_than_1("increment_value");
            column.identity_not_for_replication = identity.bool("is_not_for_replication");
            if let Some(last) = identity.text("last_value") {
                column.rest.set_online_value("[LastValue]", last);
            }
        }
        if let Some(classified) = of(&apart.classified, id, "minor_id", number) {
            for (property, text) in [
                ("SensitivityLabel", "label"),
                ("SensitivityLabelId", "label_id"),
                ("SensitivityInformationType", "information_type"),
                ("SensitivityInformationTypeId", "information_type_id"),
            ] {
                column.rest.nodes.extend(classified.text(text).filter(|t| !t.is_empty()).map(|t| plain(property, t)));
            }
        }
        debug_assert_eq!(column.form, ColumnForm::Simple);
        Some(column)
    }

    /// The compression of an index's partitions (0 is the heap), where there is any.
    pub(super) fn compression(&self, object: i64, index: i64) -> Vec<DataCompression> {
        let mut own: Vec<_> = self
            .partitions
            .get(&object)
            .into_iter()
            .flatten()
            .filter(|r| r.int("index_id") == Some(index))
            // 3 is what every columnstore has.
            .filter(|r| !matches!(r.int("data_compression"), None | Some(0 | 3)))
            .collect();
        own.sort_by_key(|r| r.int("partition_number"));
        own.into_iter()
            .map(|r| DataCompression {
                level: CompressionLevel::from_number(r.int("data_compression").unwrap_or_default()),
                partition: r.int("partition_number"),
                ..DataCompression::default()
            })
            .collect()
    }

    /// The columns of a table's primary key, by their own names.
    fn key_columns_of(&self, table: i64) -> Vec<String> {
        let Some(index) = self.primary_keys.get(&table) else { return Vec::new() };
        let mut own: Vec<_> = self
            .index_columns
            .get(&table)
            .into_iter()
            .flatten()
            .filter(|c| c.int("index_id") == Some(*index) && c.int("key_ordinal").is_some_and(|k| k > 0))
            .collect();
        own.sort_by_key(|c| c.int("key_ordinal"));
        own.into_iter().filter_map(|c| self.column_names.get(&(table, c.int("column_id")?)).cloned()).collect()
    }
}

/// The row of an object's column.
fn of<'r>(rows: &HashMap<i64, Vec<Record<'r>>>, object: i64, key: &str, column: Option<i64>) -> Option<Record<'r>> {
    rows.get(&object)?.iter().find(|c| c.int(key) == column).copied()
}

/// A column that a query calls by its graph name: the server's own name has a number behind it.
fn graph_column(table: &Name, r: &Record<'_>, edge: bool) -> Column {
    let kind = r.int("graph_type");
    let name = match kind {
        Some(5) => "$from_id",
        Some(8) => "$to_id",
        _ if edge => "$edge_id",
        _ => "$node_id",
    };
    Column {
        nullable: kind != Some(2),
        graph: kind,
        ..Column::simple(table, name, TypeSpec::built_in("nvarchar").length(1000))
    }
}

/// What a tracked table gives to those who ask for its changes.
fn change_table(table: &Name, keys: &[String]) -> Node {
    let name = table.child("CT").child("CT");
    let fixed = [
        "SYS_CHANGE_VERSION",
        "SYS_CHANGE_CREATION_VERSION",
        "SYS_CHANGE_OPERATION",
        "SYS_CHANGE_COLUMNS",
        "SYS_CHANGE_CONTEXT",
    ];
    let columns = fixed.into_iter().chain(keys.iter().map(String::as_str));
    let columns = columns.map(|c| Making::new("SqlComputedColumn", Some(&name.child(c))).finish());
    let source = Making::new("SqlDynamicColumnSource", Some(&name)).of("Columns", columns).finish();
    Node::Relationship(Relationship {
        name: "DynamicObjectForChangeTable".into(),
        entries: vec![Item::Element(source).into()],
        more: Vec::new(),
    })
}
