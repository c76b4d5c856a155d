//! Schemas and tables with their columns.

use super::{Builder, grouped};
use crate::bacpac::model::{
    BUILT_IN_SCHEMAS, Column, ColumnForm, CompressionLevel, DataCompression, Durability, GeneratedAlways,
    LockEscalation, Name, Reference, Schema, Script, Table,
};
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::Record;

impl Builder<'_> {
    pub(super) fn schemas(&mut self) {
        let principals = grouped(self.rows, "sys.database_principals", "principal_id");
        for r in self.rows.of("sys.schemas") {
            let name = r.string("name");
            if BUILT_IN_SCHEMAS.iter().any(|s| s.eq_ignore_ascii_case(&name)) {
                continue;
            }
            let owner = r
                .int("principal_id")
                .and_then(|id| principals.get(&id))
                .and_then(|p| p.first())
                .map(|p| p.string("name"));
            if let Some(owner) = owner.filter(|o| o != "dbo") {
                self.left_out("owner of a schema (it becomes dbo's)", format!("{name}: {owner}"));
            }
            self.made.push(
                Schema {
                    name: Name::one(name),
                    owner: Some(Reference::built_in(&Name::one("dbo"))),
                    ..Schema::default()
                }
                .into(),
            );
        }
    }

    pub(super) fn tables(&mut self) -> Result<(), SqlError> {
        let facts = grouped(self.rows, "sys.tables", "object_id");
        let columns = grouped(self.rows, "sys.columns", "object_id");
        let computed = grouped(self.rows, "sys.computed_columns", "object_id");
        let identities = grouped(self.rows, "sys.identity_columns", "object_id");
        for (id, object) in self.of_kinds(&["U"]) {
            let Some(r) = facts.get(&id).and_then(|f| f.first()) else { continue };
            let name = object.name.clone();
            let cannot =
                |what: &str| Err(SqlError::Unsupported(format!("table {}.{} is {what}", name.schema(), name.last())));
            if r.bool("is_external") {
                self.left_out("external table", &name);
                continue;
            }
            // Nothing of these may be missing in silence, and their rows cannot be carried as those of others.
            if r.bool("is_node") || r.bool("is_edge") {
                return cannot("a graph table, whose rows cannot be carried yet");
            }
            if r.int("ledger_type").is_some_and(|t| t != 0) {
                return cannot("a ledger table, whose rows cannot be carried yet");
            }
            if r.bool("is_filetable") {
                return cannot("a file table, whose rows cannot be carried yet");
            }
            if r.int("temporal_type").is_some_and(|t| t == 2) {
                self.left_out("system versioning of table", &name);
            }
            let mut table = Table {
                name: name.clone(),
                ansi_nulls: r.bool("uses_ansi_nulls"),
                replicated: r.bool("is_replicated"),
                lock_on_bulk_load: r.bool("lock_on_bulk_load"),
                large_values_out_of_row: r.bool("large_value_types_out_of_row"),
                text_in_row: r.int("text_in_row_limit").filter(|n| *n != 0),
                lock_escalation: LockEscalation::from_number(r.int("lock_escalation").unwrap_or_default()),
                memory_optimized: r.bool("is_memory_optimized"),
                durability: Durability::from_number(r.int("durability").unwrap_or_default()),
                compression: self.compression(id, 0),
                ..Table::default()
            };
            let mut own: Vec<_> = columns.get(&id).into_iter().flatten().collect();
            own.sort_by_key(|c| c.int("column_id"));
            for c in own {
                let number = c.int("column_id");
                let same = |r: &&Record<'_>| r.int("column_id") == number;
                let definition = computed.get(&id).into_iter().flatten().find(same);
                let identity = identities.get(&id).into_iter().flatten().find(same);
                let Some(column) = self.column_of(&name, c, definition, identity) else {
                    return cannot(&format!("unreadable: column {} has an unknown type", c.string("name")));
                };
                table.columns.push(column);
            }
            self.made.push(table.into());
        }
        Ok(())
    }

    fn column_of(
        &mut self,
        table: &Name,
        r: &Record<'_>,
        computed: Option<&Record<'_>>,
        identity: Option<&Record<'_>>,
    ) -> Option<Column> {
        let name = r.string("name");
        if r.bool("is_column_set") {
            return Some(Column::set(table, &name));
        }
        if let Some(definition) = computed {
            let text = definition.string("definition");
            let persisted = definition.bool("is_persisted");
            return Some(Column {
                collation: None,
                persisted,
                persisted_nullable: (persisted && !r.bool("is_nullable")).then_some(false),
                ..Column::computed(table, &name, Some(Script::new(text)))
            });
        }
        if r.bool("is_masked") {
            self.left_out("mask of column", table.child(&name));
        }
        let mut column = Column {
            nullable: r.bool("is_nullable"),
            identity: r.bool("is_identity"),
            row_guid: r.bool("is_rowguidcol"),
            file_stream: r.bool("is_filestream"),
            sparse: r.bool("is_sparse"),
            hidden: r.bool("is_hidden"),
            generated_always: GeneratedAlways::from_number(r.int("generated_always_type").unwrap_or_default()),
            collation: self.own_collation(r),
            ..Column::simple(table, &name, self.types.spec(r)?)
        };
        if let Some(identity) = identity {
            let other_than_1 = |column: &str| identity.text(column).filter(|v| *v != "1").map(str::to_owned);
            column.identity_seed = other_than_1("seed_value");
            column.identity_increment = other_than_1("increment_value");
            column.identity_not_for_replication = identity.bool("is_not_for_replication");
            if let Some(last) = identity.text("last_value") {
                column.rest.set_online_value("[LastValue]", last);
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
}
