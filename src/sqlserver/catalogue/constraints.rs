//! Keys, indexes, defaults, checks, foreign keys.

use super::tokens::without_parentheses;
use super::{Builder, grouped};
use crate::bacpac::model::{
    Check, ColumnStoreIndex, DefaultConstraint, ForeignKey, Index, IndexedColumn, Key, KeyForm, Name,
    ReferentialAction, Rest, Script,
};
use crate::sqlserver::orders::Record;

impl Builder<'_> {
    pub(super) fn keys_and_indexes(&mut self) {
        let index_columns = grouped(self.rows, "sys.index_columns", "object_id");
        let keys = grouped(self.rows, "sys.key_constraints", "parent_object_id");
        let statistics = grouped(self.rows, "sys.stats", "object_id");
        for r in self.rows.of("sys.indexes") {
            let (Some(id), Some(number)) = (r.int("object_id"), r.int("index_id")) else { continue };
            let Some(owner) = self.objects.get(&id).filter(|o| matches!(o.kind.as_str(), "U" | "V")) else { continue };
            let on = owner.name.clone();
            let name = r.string("name");
            if r.bool("is_hypothetical") {
                continue;
            }
            let mut own: Vec<_> = index_columns
                .get(&id)
                .into_iter()
                .flatten()
                .filter(|c| c.int("index_id") == Some(number))
                .copied()
                .collect();
            own.sort_by_key(|c| (c.int("key_ordinal"), c.int("index_column_id")));
            let specification = |c: &Record<'_>| {
                Some(IndexedColumn::new(self.column(id, c.int("column_id"))?, !c.bool("is_descending_key")))
            };
            let key_columns: Vec<_> =
                own.iter().filter(|c| c.int("key_ordinal").is_some_and(|k| k > 0)).filter_map(specification).collect();
            let statistics = statistics.get(&id).into_iter().flatten().find(|s| s.int("stats_id") == Some(number));
            let recompute_statistics = !statistics.is_some_and(|s| s.bool("no_recompute"));
            let fill_factor = r.int("fill_factor").filter(|f| *f != 0);
            match r.int("type") {
                Some(0) => {}
                Some(kind @ (1 | 2)) if r.bool("is_primary_key") || r.bool("is_unique_constraint") => {
                    let constraint =
                        keys.get(&id).into_iter().flatten().find(|k| k.int("unique_index_id") == Some(number)).copied();
                    let mut rest = Rest::default();
                    let Some(name) = constraint.and_then(|k| self.constraint_name(&k, &mut rest)) else {
                        self.left_out("key", on.child(&name));
                        continue;
                    };
                    let form = if r.bool("is_primary_key") { KeyForm::PrimaryKey } else { KeyForm::Unique };
                    self.made.push(
                        Key {
                            name,
                            rest,
                            disabled: r.bool("is_disabled"),
                            fill_factor,
                            padded: r.bool("is_padded"),
                            ignore_duplicates: r.bool("ignore_dup_key"),
                            recompute_statistics,
                            row_locks: r.bool("allow_row_locks"),
                            page_locks: r.bool("allow_page_locks"),
                            clustered: kind == 1,
                            columns: key_columns,
                            compression: self.compression(id, number),
                            table: on,
                            ..Key::of(form)
                        }
                        .into(),
                    );
                }
                Some(kind @ (1 | 2)) => {
                    let filter = r.text("filter_definition").map(str::to_owned);
                    let mut included: Vec<_> = own.iter().filter(|c| c.bool("is_included_column")).collect();
                    included.sort_by_key(|c| c.int("index_column_id"));
                    let included = included.into_iter().filter_map(|c| self.column(id, c.int("column_id"))).collect();
                    self.made.push(
                        Index {
                            name: on.child(&name),
                            unique: r.bool("is_unique"),
                            filter: filter.map(Script::new),
                            disabled: r.bool("is_disabled"),
                            fill_factor,
                            padded: r.bool("is_padded"),
                            ignore_duplicates: r.bool("ignore_dup_key"),
                            recompute_statistics,
                            row_locks: r.bool("allow_row_locks"),
                            page_locks: r.bool("allow_page_locks"),
                            clustered: kind == 1,
                            columns: key_columns,
                            included,
                            compression: self.compression(id, number),
                            on,
                            ..Index::default()
                        }
                        .into(),
                    );
                }
                Some(kind @ (5 | 6)) => {
                    own.sort_by_key(|c| c.int("index_column_id"));
                    let columns = own
                        .iter()
                        .filter_map(|c| Some(IndexedColumn::new(self.column(id, c.int("column_id"))?, true)))
                        .collect();
                    let filter = r.text("filter_definition").map(str::to_owned);
                    self.made.push(
                        ColumnStoreIndex {
                            name: on.child(&name),
                            clustered: kind == 5,
                            disabled: r.bool("is_disabled"),
                            compression_delay: r.int("compression_delay").filter(|d| *d != 0),
                            filter: filter.map(Script::new),
                            columns,
                            compression: self.compression(id, number),
                            on,
                            ..ColumnStoreIndex::default()
                        }
                        .into(),
                    );
                }
                Some(3) => self.left_out("XML index", on.child(&name)),
                Some(4) => self.left_out("spatial index", on.child(&name)),
                _ => self.left_out("index", on.child(&name)),
            }
        }
    }

    pub(super) fn defaults(&mut self) {
        for r in self.rows.of("sys.default_constraints") {
            let (Some(table), Some(number)) = (r.int("parent_object_id"), r.int("parent_column_id")) else { continue };
            let Some(owner) = self.objects.get(&table).filter(|o| o.kind == "U") else { continue };
            let (on, mut rest) = (owner.name.clone(), Rest::default());
            let Some(column) = self.column(table, Some(number)) else { continue };
            let Some(name) = self.constraint_name(&r, &mut rest) else { continue };
            self.made.push(
                DefaultConstraint {
                    name,
                    rest,
                    value: Some(Script::new(r.string("definition"))),
                    table: on,
                    column,
                    ..DefaultConstraint::default()
                }
                .into(),
            );
        }
    }

    pub(super) fn checks(&mut self) {
        for r in self.rows.of("sys.check_constraints") {
            let Some(table) = r.int("parent_object_id") else { continue };
            let Some(owner) = self.objects.get(&table).filter(|o| o.kind == "U") else { continue };
            let (on, mut rest) = (owner.name.clone(), Rest::default());
            let Some(name) = self.constraint_name(&r, &mut rest) else { continue };
            let text = r.string("definition");
            rest.set_untrusted(r.bool("is_not_trusted"));
            self.made.push(
                Check {
                    name,
                    rest,
                    not_for_replication: r.bool("is_not_for_replication"),
                    condition: Some(Script::new(without_parentheses(&text))),
                    disabled: r.bool("is_disabled"),
                    table: on,
                    ..Check::default()
                }
                .into(),
            );
        }
    }

    pub(super) fn foreign_keys(&mut self) {
        let columns = grouped(self.rows, "sys.foreign_key_columns", "constraint_object_id");
        for r in self.rows.of("sys.foreign_keys") {
            let (Some(id), Some(table)) = (r.int("object_id"), r.int("parent_object_id")) else { continue };
            let (Some(on), Some(foreign)) = (
                self.objects.get(&table).map(|o| o.name.clone()),
                self.object(r.int("referenced_object_id")).map(|o| o.name.clone()),
            ) else {
                continue;
            };
            let mut own: Vec<_> = columns.get(&id).into_iter().flatten().collect();
            own.sort_by_key(|c| c.int("constraint_column_id"));
            let names = |object: &str, column: &str| -> Vec<Name> {
                own.iter().filter_map(|c| self.column(c.int(object)?, c.int(column))).collect()
            };
            let from = names("parent_object_id", "parent_column_id");
            let to = names("referenced_object_id", "referenced_column_id");
            let mut rest = Rest::default();
            let Some(name) = self.constraint_name(&r, &mut rest) else { continue };
            rest.set_untrusted(r.bool("is_not_trusted"));
            let action = |column| ReferentialAction::from_number(r.int(column).unwrap_or_default());
            self.made.push(
                ForeignKey {
                    name,
                    rest,
                    not_for_replication: r.bool("is_not_for_replication"),
                    on_update: action("update_referential_action"),
                    on_delete: action("delete_referential_action"),
                    disabled: r.bool("is_disabled"),
                    columns: from,
                    table: on,
                    foreign_columns: to,
                    foreign_table: foreign,
                }
                .into(),
            );
        }
    }
}
