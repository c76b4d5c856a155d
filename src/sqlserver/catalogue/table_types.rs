//! Table types with their columns, constraints and indexes. One that the catalogue shows in part only is named and not
//! made.

use std::collections::HashMap;

use super::query::Rows;
use super::tokens::without_parentheses;
use super::{Builder, grouped};
use crate::bacpac::model::{
    Column, ColumnForm, IndexedColumn, IndexedColumnForm, Name, Script, TableType, TableTypeConstraint,
    TableTypeConstraintForm, TableTypeIndex,
};
use crate::sqlserver::orders::Record;

/// The rows of a view that belong to an object, by its id.
type ByObject<'r> = HashMap<i64, Vec<Record<'r>>>;

/// What table types are made of.
struct Shown<'r> {
    columns: ByObject<'r>,
    computed: ByObject<'r>,
    indexes: ByObject<'r>,
    index_columns: ByObject<'r>,
    checks: ByObject<'r>,
    defaults: ByObject<'r>,
}

fn of<'m, 'r>(rows: &'m ByObject<'r>, id: i64) -> &'m [Record<'r>] {
    rows.get(&id).map_or(&[], Vec::as_slice)
}

impl<'r> Shown<'r> {
    fn by(rows: &'r Rows) -> Self {
        Self {
            columns: grouped(rows, "sys.columns", "object_id"),
            computed: grouped(rows, "sys.computed_columns", "object_id"),
            indexes: grouped(rows, "sys.indexes", "object_id"),
            index_columns: grouped(rows, "sys.index_columns", "object_id"),
            checks: grouped(rows, "sys.check_constraints", "parent_object_id"),
            defaults: grouped(rows, "sys.default_constraints", "parent_object_id"),
        }
    }

    /// The full name of a column.
    fn column(&self, name: &Name, id: i64, number: Option<i64>) -> Option<Name> {
        let found = of(&self.columns, id).iter().find(|c| c.int("column_id") == number)?;
        Some(name.child(found.string("name")))
    }

    /// The key columns of an index, in order.
    fn keys(&self, name: &Name, id: i64, index: &Record<'_>) -> Option<Vec<IndexedColumn>> {
        let own = of(&self.index_columns, id).iter();
        let mut keys: Vec<_> =
            own.filter(|c| c.int("index_id") == index.int("index_id") && !c.bool("is_included_column")).collect();
        keys.sort_by_key(|c| c.int("key_ordinal"));
        let key = |c: &Record<'_>| {
            Some(IndexedColumn {
                column: self.column(name, id, c.int("column_id"))?,
                ascending: !c.bool("is_descending_key"),
                ..IndexedColumn::of(IndexedColumnForm::TableType)
            })
        };
        keys.into_iter().map(key).collect()
    }
}

impl Builder<'_> {
    pub(super) fn table_types(&mut self) {
        let shown = Shown::by(self.rows);
        for r in self.rows.of("sys.table_types") {
            let (Some(schema), Some(id)) =
                (r.int("schema_id").and_then(|s| self.schemas.get(&s)), r.int("type_table_object_id"))
            else {
                continue;
            };
            let name = Name::two(schema.as_str(), r.string("name"));
            let made = self.table_type(&name, id, &shown);
            match made {
                Some(made) => {
                    self.made.push(TableType { memory_optimized: r.bool("is_memory_optimized"), ..made }.into());
                }
                None => self.left_out("table type", name),
            }
        }
    }

    fn table_type(&self, name: &Name, id: i64, shown: &Shown<'_>) -> Option<TableType> {
        let mut made = TableType { name: name.clone(), ..TableType::default() };
        let mut own: Vec<_> = of(&shown.columns, id).iter().collect();
        own.sort_by_key(|c| c.int("column_id"));
        for c in own {
            let computed = of(&shown.computed, id).iter().find(|d| d.int("column_id") == c.int("column_id"));
            let (form, expression, data_type) = match computed {
                Some(d) => (ColumnForm::TypeComputed, Some(Script::new(d.text("definition")?)), None),
                None => (ColumnForm::TypeSimple, None, Some(self.types.spec(c)?)),
            };
            made.columns.push(Column {
                name: name.child(c.string("name")),
                nullable: c.bool("is_nullable"),
                identity: c.bool("is_identity"),
                row_guid: c.bool("is_rowguidcol"),
                collation: self.own_collation(c),
                data_type,
                form,
                expression,
                ..Column::of(form)
            });
        }
        for default in of(&shown.defaults, id) {
            made.constraints.push(TableTypeConstraint {
                default: Some(Script::new(default.text("definition")?)),
                column: shown.column(name, id, default.int("parent_column_id"))?,
                ..TableTypeConstraint::of(TableTypeConstraintForm::Default)
            });
        }
        for check in of(&shown.checks, id) {
            made.constraints.push(TableTypeConstraint {
                condition: Some(Script::new(without_parentheses(check.text("definition")?))),
                ..TableTypeConstraint::of(TableTypeConstraintForm::Check)
            });
        }
        for index in of(&shown.indexes, id).iter().filter(|i| i.int("type") != Some(0)) {
            let form = match (index.bool("is_primary_key"), index.bool("is_unique_constraint")) {
                (true, _) => Some(TableTypeConstraintForm::PrimaryKey),
                (_, true) => Some(TableTypeConstraintForm::Unique),
                _ => None,
            };
            let hash = index.int("type") == Some(7);
            let bucket_count = index.int("index_id").and_then(|n| self.buckets.get(&(id, n))).copied();
            let columns = shown.keys(name, id, index)?;
            match form {
                Some(form) => made.constraints.push(TableTypeConstraint {
                    clustered: index.int("type") == Some(1),
                    ignore_duplicates: index.bool("ignore_dup_key"),
                    hash,
                    bucket_count,
                    columns,
                    ..TableTypeConstraint::of(form)
                }),
                None => made.indexes.push(TableTypeIndex {
                    name: name.child(index.string("name")),
                    unique: index.bool("is_unique"),
                    disabled: index.bool("is_disabled"),
                    hash,
                    bucket_count,
                    columns,
                    ..TableTypeIndex::default()
                }),
            }
        }
        Some(made)
    }
}
