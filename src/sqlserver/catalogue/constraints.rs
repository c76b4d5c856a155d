//! Keys, defaults, checks, foreign keys, edge constraints.

use super::tokens::without_parentheses;
use super::{Builder, grouped};
use crate::bacpac::model::{
    Check, DefaultConstraint, EdgeClause, EdgeConstraint, ForeignKey, Name, ReferentialAction, Rest, Script,
};
use crate::sqlserver::orders::Record;

impl Builder<'_> {
    /// Names a constraint that the catalogue shows in part only.
    fn constraint_left_out(&mut self, kind: &str, r: &Record<'_>, on: &Name) {
        let name = self.object(r.int("object_id")).map(|o| o.name.clone());
        self.left_out(kind, name.map_or_else(|| format!("on {on}"), |name| name.to_string()));
    }

    pub(super) fn defaults(&mut self) {
        for r in self.rows.of("sys.default_constraints") {
            let (Some(table), Some(number)) = (r.int("parent_object_id"), r.int("parent_column_id")) else { continue };
            let Some(owner) = self.objects.get(&table).filter(|o| matches!(o.kind.as_str(), "U" | "TF")) else {
                continue;
            };
            let (on, mut rest) = (owner.name.clone(), Rest::default());
            let (Some(column), Some(name), Some(text)) =
                (self.column(table, Some(number)), self.constraint_name(&r, &mut rest), r.text("definition"))
            else {
                self.constraint_left_out("default constraint", &r, &on);
                continue;
            };
            self.made.push(
                DefaultConstraint {
                    name,
                    rest,
                    value: Some(Script::new(text)),
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
            let Some(owner) = self.objects.get(&table).filter(|o| matches!(o.kind.as_str(), "U" | "TF")) else {
                continue;
            };
            let (on, mut rest) = (owner.name.clone(), Rest::default());
            let (Some(name), Some(text)) = (self.constraint_name(&r, &mut rest), r.text("definition")) else {
                self.constraint_left_out("check constraint", &r, &on);
                continue;
            };
            rest.set_untrusted(r.bool("is_not_trusted"));
            self.made.push(
                Check {
                    name,
                    rest,
                    not_for_replication: r.bool("is_not_for_replication"),
                    condition: Some(Script::new(without_parentheses(text))),
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
            let Some(on) = self.objects.get(&table).map(|o| o.name.clone()) else { continue };
            let mut own: Vec<_> = columns.get(&id).into_iter().flatten().collect();
            own.sort_by_key(|c| c.int("constraint_column_id"));
            let names = |object: &str, column: &str| -> Option<Vec<Name>> {
                own.iter().map(|c| self.column(c.int(object)?, c.int(column))).collect()
            };
            let mut rest = Rest::default();
            let (Some(name), Some(from), Some(to), Some(foreign)) = (
                self.constraint_name(&r, &mut rest),
                names("parent_object_id", "parent_column_id"),
                names("referenced_object_id", "referenced_column_id"),
                self.object(r.int("referenced_object_id")).map(|o| o.name.clone()),
            ) else {
                self.constraint_left_out("foreign key", &r, &on);
                continue;
            };
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

    pub(super) fn edge_constraints(&mut self) {
        let clauses = grouped(self.rows, "sys.edge_constraint_clauses", "object_id");
        for r in self.rows.of("sys.edge_constraints") {
            let (Some(id), Some(table)) = (r.int("object_id"), self.object(r.int("parent_object_id"))) else {
                continue;
            };
            let (table, mut rest) = (table.name.clone(), Rest::default());
            let Some(name) = self.constraint_name(&r, &mut rest) else {
                self.constraint_left_out("edge constraint", &r, &table);
                continue;
            };
            let mut own = clauses.get(&id).cloned().unwrap_or_default();
            own.sort_by_key(|c| c.int("clause_number"));
            let node = |id: Option<i64>| self.object(id).map(|o| o.name.clone());
            let pairs: Vec<EdgeClause> = own
                .iter()
                .filter_map(|c| {
                    let (from, to) = (node(c.int("from_object_id"))?, node(c.int("to_object_id"))?);
                    Some(EdgeClause { from, to, ..EdgeClause::default() })
                })
                .collect();
            if pairs.is_empty() || pairs.len() != own.len() {
                self.left_out("edge constraint", table.child(name.last()));
                continue;
            }
            self.made.push(
                EdgeConstraint {
                    name,
                    rest,
                    on_delete: ReferentialAction::from_number(r.int("delete_referential_action").unwrap_or_default()),
                    disabled: r.bool("is_disabled"),
                    clauses: pairs,
                    table,
                }
                .into(),
            );
        }
    }
}
