//! sys.key_constraints and the other constraints.

use super::objects::constraint_head;
use super::tables::all_tables;
use super::{Cell, Scan};

/// `sys.key_constraints`.
pub(super) fn key_constraints(s: &mut Scan<'_, '_>) {
    for (id, t, o) in all_tables(s) {
        for k in &t.keys {
            let code = if k.primary { "PK" } else { "UQ" };
            let h = o.map(|o| constraint_head(o, &k.head, code));
            s.row(&|column| match column {
                "unique_index_id" => k.index_id.into(),
                "is_system_named" => k.head.system_named.into(),
                "is_enforced" => true.into(),
                other => type_constraint(h.as_ref(), id, &k.head, code, other),
            });
        }
    }
}

/// A constraint's head; of a table type's, in the sys schema.
pub(super) fn type_constraint(
    h: Option<&super::objects::Head<'_>>,
    id: i32,
    own: &crate::sandbox::meta::Head,
    code: &'static str,
    column: &str,
) -> Cell {
    match (h, column) {
        (Some(h), _) => h.cell(column),
        (None, "name") => (&own.name).into(),
        (None, "object_id") => own.object_id.into(),
        (None, "schema_id") => crate::sandbox::meta::database::SYS_SCHEMA.into(),
        (None, "parent_object_id") => id.into(),
        (None, "type") => code.into(),
        (None, "type_desc") => super::objects::constraint_type(code).into(),
        (None, "create_date" | "modify_date") => own.created.into(),
        _ => Cell::Unsaid,
    }
}

/// `sys.check_constraints`.
pub(super) fn check_constraints(s: &mut Scan<'_, '_>) {
    for (id, t, o) in all_tables(s) {
        for c in &t.checks {
            let h = o.map(|o| constraint_head(o, &c.head, "C "));
            s.row(&|column| match column {
                "is_disabled" => c.disabled.into(),
                "is_not_for_replication" => c.not_for_replication.into(),
                "is_not_trusted" => c.not_trusted.into(),
                "parent_column_id" => c.parent_column_id.into(),
                "definition" => (&c.definition).into(),
                // Fact 34.
                "uses_database_collation" => true.into(),
                "is_system_named" => c.head.system_named.into(),
                other => type_constraint(h.as_ref(), id, &c.head, "C ", other),
            });
        }
    }
}

/// `sys.default_constraints`.
pub(super) fn default_constraints(s: &mut Scan<'_, '_>) {
    for (id, t, o) in all_tables(s) {
        for c in &t.columns {
            let Some(d) = &c.default else { continue };
            let h = o.map(|o| constraint_head(o, &d.head, "D "));
            s.row(&|column| match column {
                "parent_column_id" => c.id.into(),
                "definition" => (&d.definition).into(),
                "is_system_named" => d.head.system_named.into(),
                other => type_constraint(h.as_ref(), id, &d.head, "D ", other),
            });
        }
    }
}

/// `sys.foreign_keys`.
pub(super) fn foreign_keys(s: &mut Scan<'_, '_>) {
    for (_, t, o) in all_tables(s) {
        let Some(o) = o else { continue };
        for k in &t.foreign_keys {
            let h = constraint_head(o, &k.head, "F ");
            s.row(&|column| match column {
                "referenced_object_id" => k.referenced_object_id.into(),
                "key_index_id" => k.key_index_id.into(),
                "is_disabled" => k.disabled.into(),
                "is_not_for_replication" => k.not_for_replication.into(),
                "is_not_trusted" => k.not_trusted.into(),
                "delete_referential_action" => k.on_delete.code().0.into(),
                "delete_referential_action_desc" => k.on_delete.code().1.into(),
                "update_referential_action" => k.on_update.code().0.into(),
                "update_referential_action_desc" => k.on_update.code().1.into(),
                "is_system_named" => k.head.system_named.into(),
                other => h.cell(other),
            });
        }
    }
}

/// `sys.foreign_key_columns`.
pub(super) fn foreign_key_columns(s: &mut Scan<'_, '_>) {
    for (id, t, _) in all_tables(s) {
        for k in &t.foreign_keys {
            for (n, (here, there)) in (1i64..).zip(&k.columns) {
                s.row(&|column| match column {
                    "constraint_object_id" => k.head.object_id.into(),
                    "constraint_column_id" => n.into(),
                    "parent_object_id" => id.into(),
                    "parent_column_id" => (*here).into(),
                    "referenced_object_id" => k.referenced_object_id.into(),
                    "referenced_column_id" => (*there).into(),
                    _ => Cell::Unsaid,
                });
            }
        }
    }
}

/// `sys.edge_constraints`.
pub(super) fn edge_constraints(s: &mut Scan<'_, '_>) {
    for (_, t, o) in all_tables(s) {
        let Some(o) = o else { continue };
        for e in &t.edges {
            let h = constraint_head(o, &e.head, "EC");
            s.row(&|column| match column {
                "is_disabled" => e.disabled.into(),
                "is_not_trusted" => e.not_trusted.into(),
                "is_system_named" => e.head.system_named.into(),
                "delete_referential_action" => e.on_delete.code().0.into(),
                "delete_referential_action_desc" => e.on_delete.code().1.into(),
                other => h.cell(other),
            });
        }
    }
}

/// `sys.edge_constraint_clauses`.
pub(super) fn edge_clauses(s: &mut Scan<'_, '_>) {
    for (_, t, _) in all_tables(s) {
        for e in &t.edges {
            for (n, (from, to)) in (1i64..).zip(&e.clauses) {
                s.row(&|column| match column {
                    "object_id" => e.head.object_id.into(),
                    "from_object_id" => (*from).into(),
                    "to_object_id" => (*to).into(),
                    "clause_number" => n.into(),
                    _ => Cell::Unsaid,
                });
            }
        }
    }
}
