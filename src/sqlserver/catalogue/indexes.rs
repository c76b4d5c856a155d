//! Keys and indexes of rows and of columns; which sort of index each row of `sys.indexes` is.

use super::{Builder, grouped};
use crate::bacpac::model::{ColumnStoreIndex, Index, IndexedColumn, Key, KeyForm, Name, Rest, Script};
use crate::sqlserver::orders::Record;

/// An index with what belongs to it.
pub(super) struct IndexRow<'a> {
    pub id: i64,
    pub number: i64,
    pub on: Name,
    pub name: String,
    pub row: Record<'a>,
    /// Its columns, by key position, then by their place.
    pub columns: Vec<Record<'a>>,
    pub statistics: Option<Record<'a>>,
    pub in_memory: bool,
}

impl IndexRow<'_> {
    pub(super) fn recomputes_statistics(&self) -> bool {
        !self.statistics.is_some_and(|s| s.bool("no_recompute"))
    }

    pub(super) fn fill_factor(&self) -> Option<i64> {
        self.row.int("fill_factor").filter(|f| *f != 0)
    }

    fn clustered(&self) -> bool {
        self.row.int("type") == Some(1)
    }

    fn hash(&self) -> bool {
        self.row.int("type") == Some(7)
    }

    /// In memory there are no row locks, and the model says that they are allowed.
    fn row_locks(&self) -> bool {
        self.in_memory || self.row.bool("allow_row_locks")
    }

    /// As `row_locks`.
    fn page_locks(&self) -> bool {
        self.in_memory || self.row.bool("allow_page_locks")
    }
}

impl<'a> Builder<'a> {
    pub(super) fn keys_and_indexes(&mut self) {
        let keys = grouped(self.rows, "sys.key_constraints", "parent_object_id");
        let statistics = grouped(self.rows, "sys.stats", "object_id");
        let rows: Vec<Record<'a>> = self.rows.of("sys.indexes").collect();
        for r in rows {
            let (Some(id), Some(number)) = (r.int("object_id"), r.int("index_id")) else { continue };
            let Some(owner) = self.objects.get(&id).filter(|o| matches!(o.kind.as_str(), "U" | "V" | "TF")) else {
                continue;
            };
            if r.bool("is_hypothetical") {
                continue;
            }
            let own = self.index_columns.get(&id).into_iter().flatten().filter(|c| c.int("index_id") == Some(number));
            let mut columns: Vec<_> = own.copied().collect();
            columns.sort_by_key(|c| (c.int("key_ordinal"), c.int("index_column_id")));
            let statistics = statistics.get(&id).into_iter().flatten().find(|s| s.int("stats_id") == Some(number));
            let index = IndexRow {
                id,
                number,
                on: owner.name.clone(),
                name: r.string("name"),
                row: r,
                columns,
                statistics: statistics.copied(),
                in_memory: self.in_memory.contains(&id),
            };
            match r.int("type") {
                Some(0) => {}
                Some(1 | 2 | 7) if r.bool("is_primary_key") || r.bool("is_unique_constraint") => {
                    let constraint = keys.get(&id).into_iter().flatten();
                    let constraint = constraint.copied().find(|k| k.int("unique_index_id") == Some(number));
                    self.key(&index, constraint);
                }
                Some(1 | 2 | 7) => self.index(&index),
                Some(5 | 6) => self.column_store(&index),
                Some(3) => self.xml_index(&index),
                Some(4) => self.spatial_index(&index),
                _ => self.left_out("index", index.on.child(&index.name)),
            }
        }
    }

    /// The key columns in order; nothing if one of them has no name.
    fn key_columns(&self, index: &IndexRow<'_>) -> Option<Vec<IndexedColumn>> {
        let keys = index.columns.iter().filter(|c| c.int("key_ordinal").is_some_and(|k| k > 0));
        keys.map(|c| Some(IndexedColumn::new(self.column(index.id, c.int("column_id"))?, !c.bool("is_descending_key"))))
            .collect()
    }

    fn bucket_count(&self, index: &IndexRow<'_>) -> Option<i64> {
        self.buckets.get(&(index.id, index.number)).copied()
    }

    fn key(&mut self, index: &IndexRow<'_>, constraint: Option<Record<'_>>) {
        let r = &index.row;
        let mut rest = Rest::default();
        // A full-text index refers to its key by name: such a key keeps the name that the server made up.
        let named = self.named_keys.contains(&(index.id, index.number));
        let name = match &constraint {
            Some(k) if named => self.object(k.int("object_id")).map(|o| o.name.clone()),
            Some(k) => self.constraint_name(k, &mut rest),
            None => None,
        };
        let (Some(name), Some(columns)) = (name, self.key_columns(index)) else {
            self.left_out("key", index.on.child(&index.name));
            return;
        };
        let place = self.place(index.id, index.number, r.int("data_space_id"));
        let form = if r.bool("is_primary_key") { KeyForm::PrimaryKey } else { KeyForm::Unique };
        let bucket_count = self.bucket_count(index);
        self.made.push(
            Key {
                name,
                rest,
                disabled: r.bool("is_disabled"),
                fill_factor: index.fill_factor(),
                padded: r.bool("is_padded"),
                ignore_duplicates: r.bool("ignore_dup_key"),
                recompute_statistics: index.recomputes_statistics(),
                row_locks: index.row_locks(),
                page_locks: index.page_locks(),
                clustered: index.clustered(),
                hash: index.hash(),
                bucket_count,
                columns,
                compression: self.compression(index.id, index.number),
                table: index.on.clone(),
                filegroup: place.filegroup,
                partition_scheme: place.scheme,
                partition_column: place.column,
                ..Key::of(form)
            }
            .into(),
        );
    }

    fn index(&mut self, index: &IndexRow<'_>) {
        let r = &index.row;
        let mut included: Vec<_> = index.columns.iter().filter(|c| c.bool("is_included_column")).collect();
        included.sort_by_key(|c| c.int("index_column_id"));
        let (Some(columns), Some(included)) = (self.key_columns(index), self.columns(index.id, included)) else {
            self.left_out("index", index.on.child(&index.name));
            return;
        };
        let place = self.place(index.id, index.number, r.int("data_space_id"));
        let bucket_count = self.bucket_count(index);
        self.made.push(
            Index {
                name: index.on.child(&index.name),
                unique: r.bool("is_unique"),
                filter: r.text("filter_definition").map(Script::new),
                incremental_statistics: index.statistics.is_some_and(|s| s.bool("is_incremental")),
                disabled: r.bool("is_disabled"),
                fill_factor: index.fill_factor(),
                padded: r.bool("is_padded"),
                ignore_duplicates: r.bool("ignore_dup_key"),
                recompute_statistics: index.recomputes_statistics(),
                row_locks: index.row_locks(),
                page_locks: index.page_locks(),
                clustered: index.clustered(),
                hash: index.hash(),
                bucket_count,
                columns,
                included,
                compression: self.compression(index.id, index.number),
                filegroup: place.filegroup,
                partition_scheme: place.scheme,
                partition_column: place.column,
                on: index.on.clone(),
                ..Index::default()
            }
            .into(),
        );
    }

    fn column_store(&mut self, index: &IndexRow<'_>) {
        let r = &index.row;
        let mut own: Vec<_> = index.columns.iter().collect();
        own.sort_by_key(|c| c.int("index_column_id"));
        if own.iter().any(|c| c.int("column_store_order_ordinal").is_some_and(|n| n > 0)) {
            self.left_out("order of columnstore index", index.on.child(&index.name));
        }
        // In memory a columnstore has every column, and none is named.
        let named = own.into_iter().filter(|_| !index.in_memory);
        let Some(columns) = self.columns(index.id, named) else {
            self.left_out("columnstore index", index.on.child(&index.name));
            return;
        };
        let columns = columns.into_iter().map(|c| IndexedColumn::new(c, true)).collect();
        let place = self.place(index.id, index.number, r.int("data_space_id"));
        self.made.push(
            ColumnStoreIndex {
                name: index.on.child(&index.name),
                clustered: r.int("type") == Some(5),
                disabled: r.bool("is_disabled"),
                compression_delay: r.int("compression_delay").filter(|d| *d != 0),
                filter: r.text("filter_definition").map(Script::new),
                columns,
                compression: self.compression(index.id, index.number),
                filegroup: place.filegroup,
                partition_scheme: place.scheme,
                partition_column: place.column,
                on: index.on.clone(),
                ..ColumnStoreIndex::default()
            }
            .into(),
        );
    }
}
