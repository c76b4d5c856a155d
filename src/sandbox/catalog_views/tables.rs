//! Views of tables: columns, keys, constraints, indexes, statistics, partitions.

use std::sync::Arc;

use super::cell::number;
use super::objects::{constraint_head, head};
use super::{Cell, Scan};
use crate::sandbox::meta::table::{Durability, Graph, Temporal, XmlIndex};
use crate::sandbox::meta::{Column, Database, Index, IndexKind, Kind, ModuleKind, Object, Table, UserTypeKind, types};
use crate::sandbox::value::{Base, MAX};

/// `sys.tables`.
pub(super) fn tables(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Some(t) = o.table() else { continue };
        let h = head(o);
        s.row(&|column| match column {
            "lob_data_space_id" => {
                let lob = t.columns.iter().any(|c| {
                    c.ty.length == MAX || matches!(c.ty.base, Base::Text | Base::NText | Base::Image | Base::Xml)
                });
                if t.lob_data_space_id != 0 { t.lob_data_space_id } else { i32::from(lob) }.into()
            }
            "filestream_data_space_id" => t.filestream_data_space_id.into(),
            "max_column_id_used" => t.max_column_id.into(),
            "lock_on_bulk_load" => t.lock_on_bulk_load.into(),
            "uses_ansi_nulls" => t.uses_ansi_nulls.into(),
            "text_in_row_limit" => t.text_in_row_limit.into(),
            "large_value_types_out_of_row" => t.large_values_out_of_row.into(),
            "is_tracked_by_cdc" => t.tracked_by_cdc.into(),
            "lock_escalation" => t.lock_escalation.into(),
            "lock_escalation_desc" => ["TABLE", "DISABLE", "AUTO"][usize::from(t.lock_escalation.min(2))].into(),
            "is_memory_optimized" => t.durability.is_some().into(),
            "durability" => i32::from(t.durability == Some(Durability::SchemaOnly)).into(),
            "durability_desc" => {
                if t.durability == Some(Durability::SchemaOnly) { "SCHEMA_ONLY" } else { "SCHEMA_AND_DATA" }.into()
            }
            "temporal_type" => match t.temporal {
                Temporal::No => 0,
                Temporal::History { .. } => 1,
                Temporal::Versioned { .. } => 2,
            }
            .into(),
            "temporal_type_desc" => match t.temporal {
                Temporal::No => "NON_TEMPORAL_TABLE",
                Temporal::History { .. } => "HISTORY_TABLE",
                Temporal::Versioned { .. } => "SYSTEM_VERSIONED_TEMPORAL_TABLE",
            }
            .into(),
            "history_table_id" => match t.temporal {
                Temporal::Versioned { history, .. } => history.into(),
                _ => Cell::Null,
            },
            "history_retention_period" => match t.temporal {
                Temporal::Versioned { retention, .. } => retention.0.into(),
                _ => Cell::Null,
            },
            "history_retention_period_unit" => match t.temporal {
                Temporal::Versioned { retention, .. } => retention.1.into(),
                _ => Cell::Null,
            },
            "history_retention_period_unit_desc" => match t.temporal {
                Temporal::Versioned { retention, .. } => match retention.1 {
                    3 => "DAY",
                    4 => "WEEK",
                    5 => "MONTH",
                    6 => "YEAR",
                    _ => "INFINITE",
                }
                .into(),
                _ => Cell::Null,
            },
            "is_node" => (t.graph == Some(Graph::Node)).into(),
            "is_edge" => (t.graph == Some(Graph::Edge)).into(),
            "is_replicated"
            | "has_replication_filter"
            | "is_merge_published"
            | "is_sync_tran_subscribed"
            | "is_filetable"
            | "is_remote_data_archive_enabled"
            | "is_dropped_ledger_table" => false.into(),
            "is_external" => t.external.is_some().into(),
            "ledger_type" => 0.into(),
            "ledger_type_desc" => "NON_LEDGER_TABLE".into(),
            other => h.cell(other),
        });
    }
}

/// Tables, the tables that functions return and those of table types, with the id that their columns and indexes have.
fn all_tables<'a>(s: &Scan<'_, 'a>) -> Vec<(i32, &'a Table, Option<&'a Arc<Object>>)> {
    let d = s.db();
    let of = |o: &'a Arc<Object>| o.table().or_else(|| o.module()?.returns.as_deref());
    let mut out: Vec<(i32, &Table, Option<&Arc<Object>>)> =
        s.objects().into_iter().filter_map(|o| of(o).map(|t| (o.object_id, t, Some(o)))).collect();
    for t in &d.types {
        if let (UserTypeKind::Table(table), Some(id)) = (&t.kind, t.table_object_id)
            && s.only.is_none_or(|only| only == id)
        {
            out.push((id, table, None));
        }
    }
    out
}

fn column_cell(object_id: i32, c: &Column, column: &str) -> Cell {
    match column {
        "object_id" => object_id.into(),
        "name" => (&c.name).into(),
        "column_id" => c.id.into(),
        "user_type_id" => c.user_type_id.into(),
        "system_type_id" => types::facets(&c.ty).0.into(),
        "max_length" => types::facets(&c.ty).1.into(),
        "precision" => types::facets(&c.ty).2.into(),
        "scale" => types::facets(&c.ty).3.into(),
        "collation_name" => c.ty.collation.as_ref().map(|c| c.name.as_str()).into(),
        "is_nullable" => c.nullable.into(),
        "is_ansi_padded" => c.ansi_padded.into(),
        "is_rowguidcol" => c.rowguid.into(),
        "is_identity" => c.identity.is_some().into(),
        "is_computed" => c.computed.is_some().into(),
        "is_filestream" => c.filestream.into(),
        "is_xml_document" => c.xml_document.into(),
        "xml_collection_id" => c.xml_collection_id.into(),
        "default_object_id" => c.default.as_ref().map(|d| d.head.object_id).or(c.bound_default).unwrap_or(0).into(),
        "rule_object_id" => c.bound_rule.unwrap_or(0).into(),
        "is_sparse" => c.sparse.into(),
        "is_column_set" => c.column_set.into(),
        "generated_always_type" => c.generated.code().0.into(),
        "generated_always_type_desc" => c.generated.code().1.into(),
        "encryption_type" => c.encryption.as_ref().map(|e| if e.deterministic { 1 } else { 2 }).into(),
        "encryption_type_desc" => {
            c.encryption.as_ref().map(|e| if e.deterministic { "DETERMINISTIC" } else { "RANDOMIZED" }).into()
        }
        "column_encryption_key_id" => c.encryption.as_ref().map(|e| e.key_id).into(),
        "encryption_algorithm_name" => c.encryption.as_ref().map(|e| e.algorithm.as_str()).into(),
        "is_hidden" => c.hidden.into(),
        "is_masked" => c.mask.is_some().into(),
        "masking_function" => c.mask.as_ref().into(),
        "is_replicated"
        | "is_non_sql_subscribed"
        | "is_merge_published"
        | "is_dts_replicated"
        | "is_data_deletion_filter_column"
        | "is_dropped_ledger_column"
        | "is_index_column_expression" => false.into(),
        "definition" => c.computed.as_ref().map(|x| x.definition.as_str()).into(),
        // Fact 34.
        "uses_database_collation" => true.into(),
        "is_persisted" => c.computed.as_ref().is_some_and(|x| x.persisted).into(),
        "seed_value" => c.identity.as_ref().map_or(Cell::Null, |i| number(&c.ty, i.seed)),
        "increment_value" => c.identity.as_ref().map_or(Cell::Null, |i| number(&c.ty, i.increment)),
        // Fact 44.
        "last_value" => c.identity.as_ref().and_then(|i| i.counter.last()).map_or(Cell::Null, |l| number(&c.ty, l)),
        "is_not_for_replication" => c.identity.as_ref().map(|i| i.not_for_replication).into(),
        _ => Cell::Unsaid,
    }
}

/// `sys.columns` and its like: of tables, table types, views and table functions.
pub(super) fn columns(s: &mut Scan<'_, '_>, which: impl Fn(&Column) -> bool) {
    let d = s.db();
    for o in s.objects() {
        match &o.kind {
            Kind::Table(t) => {
                if let Some(graph) = t.graph {
                    graph_columns(s, o.object_id, graph, &which);
                }
                for c in t.columns.iter().filter(|c| which(c)) {
                    s.row(&|column| column_cell(o.object_id, c, column));
                }
            }
            Kind::Module(m) => {
                if let Some(t) = &m.returns {
                    for c in t.columns.iter().filter(|c| which(c)) {
                        s.row(&|column| column_cell(o.object_id, c, column));
                    }
                    continue;
                }
                for (id, out) in (1..).zip(&m.columns) {
                    let mut c = Column::plain(id, &out.name, out.ty.clone(), out.user_type_id);
                    c.nullable = out.nullable;
                    if which(&c) {
                        s.row(&|column| column_cell(o.object_id, &c, column));
                    }
                }
            }
            _ => {}
        }
    }
    for t in &d.types {
        if let (UserTypeKind::Table(table), Some(id)) = (&t.kind, t.table_object_id) {
            for c in table.columns.iter().filter(|c| which(c)) {
                s.row(&|column| column_cell(id, c, column));
            }
        }
    }
}

/// The columns that a graph table has by itself.
fn graph_columns(s: &mut Scan<'_, '_>, object_id: i32, graph: Graph, which: &impl Fn(&Column) -> bool) {
    let d = s.db();
    for (id, (name, code, text)) in (1..).zip(graph.columns()) {
        // Names end in 32 hexadecimal digits that are different in every table.
        let name = format!("{name}_{:032X}", (i128::from(object_id) << 32) + i128::from(id));
        let computed = name.starts_with('$');
        let base = match code {
            _ if computed => Base::NVarChar,
            4 | 7 => Base::Int,
            _ => Base::BigInt,
        };
        let mut ty = crate::sandbox::ddl::exec::types::plain(base);
        if computed {
            ty.length = 2000;
            ty.collation = crate::sandbox::collation::by_name(&d.collation);
        }
        let mut c = Column::plain(id, &name, ty, types::built_in(base).map_or(0, |t| t.user_type_id));
        c.nullable = computed || *code > 2;
        // What stands behind the computed ones is out of sight.
        c.hidden = !computed;
        if which(&c) {
            s.row(&|column| match column {
                "graph_type" => (*code).into(),
                "graph_type_desc" => (*text).into(),
                other => column_cell(object_id, &c, other),
            });
        }
    }
}

/// Columns of the system's views, for `sys.all_columns`.
pub(super) fn system_columns(s: &mut Scan<'_, '_>) {
    let product = s.source.server.product;
    let d = s.db();
    for v in super::all(product) {
        for (id, c) in (1..).zip(v.result_columns(product, d)) {
            let user = if c.user_type == 256 { 256 } else { i32::from(types::facets(&c.ty).0) };
            let mut x = Column::plain(id, &c.name, c.ty.clone(), user);
            x.nullable = c.flags & 1 != 0;
            s.row(&|column| column_cell(v.object_id, &x, column));
        }
    }
}

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
fn type_constraint(
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
        (None, "type_desc") => match code {
            "PK" => "PRIMARY_KEY_CONSTRAINT",
            "UQ" => "UNIQUE_CONSTRAINT",
            "C " => "CHECK_CONSTRAINT",
            _ => "DEFAULT_CONSTRAINT",
        }
        .into(),
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

/// Object id, index (or heap), table (or view), object (unless of a table type).
type Indexed<'a> = (i32, Option<&'a Index>, Option<&'a Table>, Option<&'a Arc<Object>>);

/// Heaps, indexes of tables, of table types and of views.
fn all_indexes<'a>(s: &Scan<'_, 'a>) -> Vec<Indexed<'a>> {
    let mut out = Vec::new();
    for (id, t, o) in all_tables(s) {
        // A memory-optimised table has neither heap nor clustered index.
        if t.clustered().is_none() && t.durability.is_none() {
            out.push((id, None, Some(t), o));
        }
        out.extend(t.indexes.iter().map(|i| (id, Some(i), Some(t), o)));
    }
    for o in s.objects() {
        if let Some(m) = o.module()
            && m.kind == ModuleKind::View
        {
            out.extend(m.indexes.iter().map(|i| (o.object_id, Some(i), None, Some(o))));
        }
    }
    out
}

/// `sys.indexes` and its like (facts 40 and 41); a heap is `None`.
pub(super) fn indexes(s: &mut Scan<'_, '_>, which: impl Fn(Option<&Index>) -> bool) {
    for (id, index, table, _) in all_indexes(s) {
        if !which(index) {
            continue;
        }
        let Some(i) = index else {
            s.row(&|column| match column {
                "object_id" => id.into(),
                "name" | "filter_definition" => Cell::Null,
                "type_desc" => "HEAP".into(),
                "data_space_id" => table.map_or(1, |t| t.data_space_id.max(1)).into(),
                "allow_row_locks" | "allow_page_locks" => true.into(),
                "is_unique"
                | "ignore_dup_key"
                | "is_primary_key"
                | "is_unique_constraint"
                | "is_padded"
                | "is_disabled"
                | "is_hypothetical"
                | "is_ignored_in_optimization"
                | "has_filter"
                | "auto_created"
                | "suppress_dup_key_messages"
                | "optimize_for_sequential_key" => false.into(),
                _ => Cell::Unsaid,
            });
            continue;
        };
        s.row(&|column| match column {
            "object_id" => id.into(),
            "name" => (&i.name).into(),
            "index_id" => i.index_id.into(),
            "type" => i.kind.code().0.into(),
            "type_desc" => i.kind.code().1.into(),
            "is_unique" => i.unique.into(),
            "data_space_id" => {
                let memory = table.is_some_and(|t| t.durability.is_some());
                if memory { 0 } else { i.data_space_id }.into()
            }
            "ignore_dup_key" => i.ignore_dup_key.into(),
            "is_primary_key" => i.primary_key.into(),
            "is_unique_constraint" => i.unique_constraint.into(),
            "fill_factor" => i.fill_factor.into(),
            "is_padded" => i.padded.into(),
            "is_disabled" => i.disabled.into(),
            "allow_row_locks" => i.allow_row_locks.into(),
            "allow_page_locks" => i.allow_page_locks.into(),
            "has_filter" => i.filter.is_some().into(),
            "filter_definition" => i.filter.as_ref().into(),
            "compression_delay" => i.compression_delay.into(),
            "optimize_for_sequential_key" => i.optimize_for_sequential_key.into(),
            "is_hypothetical" | "is_ignored_in_optimization" | "auto_created" | "suppress_dup_key_messages" => {
                false.into()
            }
            "bucket_count" => i.bucket_count.into(),
            "using_xml_index_id" => i.xml.as_ref().and_then(|x| x.using_index_id).into(),
            "secondary_type" => {
                i.xml
                    .as_ref()
                    .and_then(|x| x.secondary_type.as_ref())
                    .and_then(|t| t.chars().next())
                    .map(|c| {
                        if c == 'P' {
                            // PATH and PROPERTY share their first letter: PROPERTY is R.
                            if i.xml.as_ref().and_then(|x| x.secondary_type.as_deref()) == Some("PROPERTY") {
                                'R'
                            } else {
                                'P'
                            }
                        } else {
                            c
                        }
                    })
                    .into()
            }
            "secondary_type_desc" => i.xml.as_ref().and_then(|x| x.secondary_type.as_ref()).into(),
            "xml_index_type" => i.xml.as_ref().map(|x| xml_index_type(x).0).into(),
            "xml_index_type_description" => i.xml.as_ref().map(|x| xml_index_type(x).1).into(),
            "path_id" => i.xml.as_ref().and_then(|x| x.path_id).into(),
            "tessellation_scheme" => i.spatial.as_ref().map(|x| x.tessellation.as_str()).into(),
            "spatial_index_type" => {
                i.spatial.as_ref().map(|x| if x.tessellation.starts_with("GEOGRAPHY") { 2 } else { 1 }).into()
            }
            "spatial_index_type_desc" => i
                .spatial
                .as_ref()
                .map(|x| if x.tessellation.starts_with("GEOGRAPHY") { "GEOGRAPHY" } else { "GEOMETRY" })
                .into(),
            _ => Cell::Unsaid,
        });
    }
}

fn xml_index_type(x: &XmlIndex) -> (i32, &'static str) {
    match (x.selective, x.path_id, x.using_index_id) {
        (true, ..) => (2, "SELECTIVE_XML"),
        (_, Some(_), _) => (3, "SECONDARY_SELECTIVE_XML"),
        (_, _, Some(_)) => (1, "SECONDARY_XML"),
        _ => (0, "PRIMARY_XML"),
    }
}

/// `sys.selective_xml_index_paths`.
pub(super) fn selective_paths(s: &mut Scan<'_, '_>) {
    for (id, index, ..) in all_indexes(s) {
        let Some((i, x)) = index.and_then(|i| i.xml.as_ref().map(|x| (i, x))) else { continue };
        for p in &x.paths {
            let facets = p.sql.as_ref().map(|(ty, user)| (types::facets(ty), *user));
            s.row(&|column| match column {
                "object_id" => id.into(),
                "index_id" => i.index_id.into(),
                "path_id" => p.id.into(),
                "path" => (&p.path).into(),
                "name" => (&p.name).into(),
                "path_type" => p.sql.is_some().into(),
                "path_type_desc" => if p.sql.is_some() { "SQL" } else { "XQUERY" }.into(),
                "xquery_type_description" => p.xquery.as_ref().into(),
                "is_xquery_type_inferred" => (p.sql.is_none() && p.xquery.is_none()).into(),
                "xquery_max_length" => p.max_length.into(),
                "is_xquery_max_length_inferred" => false.into(),
                "is_node" => p.node.into(),
                "system_type_id" => facets.map(|f| f.0.0).into(),
                "user_type_id" => facets.map(|f| f.1).into(),
                "max_length" => facets.map(|f| f.0.1).into(),
                "precision" => facets.map(|f| f.0.2).into(),
                "scale" => facets.map(|f| f.0.3).into(),
                "collation_name" => {
                    p.sql.as_ref().and_then(|(t, _)| t.collation.as_ref()).map(|c| c.name.as_str()).into()
                }
                "is_singleton" => p.singleton.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.selective_xml_index_namespaces`.
pub(super) fn selective_namespaces(s: &mut Scan<'_, '_>) {
    for (id, index, ..) in all_indexes(s) {
        let Some((i, x)) = index.and_then(|i| i.xml.as_ref().map(|x| (i, x))) else { continue };
        for (prefix, uri) in &x.namespaces {
            s.row(&|column| match column {
                "object_id" => id.into(),
                "index_id" => i.index_id.into(),
                "is_default_uri" => prefix.is_empty().into(),
                "uri" => uri.into(),
                "prefix" if prefix.is_empty() => Cell::Null,
                "prefix" => prefix.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.spatial_index_tessellations`.
pub(super) fn tessellations(s: &mut Scan<'_, '_>) {
    for (id, index, _, _) in all_indexes(s) {
        let Some((i, x)) = index.and_then(|i| i.spatial.as_ref().map(|x| (i, x))) else { continue };
        let corner = |n: usize| x.bounding_box.map_or(Cell::Null, |b| Cell::Float(b[n]));
        let grid = |n: usize| match x.levels[n].as_deref() {
            Some("LOW") => 16.into(),
            Some("MEDIUM") => 64.into(),
            Some("HIGH") => 256.into(),
            _ => Cell::Null,
        };
        s.row(&|column| match column {
            "object_id" => id.into(),
            "index_id" => i.index_id.into(),
            "tessellation_scheme" => (&x.tessellation).into(),
            "bounding_box_xmin" => corner(0),
            "bounding_box_ymin" => corner(1),
            "bounding_box_xmax" => corner(2),
            "bounding_box_ymax" => corner(3),
            "level_1_grid" => grid(0),
            "level_2_grid" => grid(1),
            "level_3_grid" => grid(2),
            "level_4_grid" => grid(3),
            "level_1_grid_desc" => x.levels[0].as_ref().into(),
            "level_2_grid_desc" => x.levels[1].as_ref().into(),
            "level_3_grid_desc" => x.levels[2].as_ref().into(),
            "level_4_grid_desc" => x.levels[3].as_ref().into(),
            "cells_per_object" => x.cells_per_object.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.index_columns` (fact 41).
pub(super) fn index_columns(s: &mut Scan<'_, '_>) {
    for (id, index, table, _) in all_indexes(s) {
        let Some(i) = index else {
            // A partitioned heap has its partitioning column.
            if let Some(column_id) = table.and_then(|t| t.partition_column) {
                s.row(&|column| match column {
                    "object_id" => id.into(),
                    "column_id" => column_id.into(),
                    "index_column_id" | "partition_ordinal" => 1.into(),
                    "is_descending_key" | "is_included_column" => false.into(),
                    _ => Cell::Unsaid,
                });
            }
            continue;
        };
        let columnstore = matches!(i.kind, IndexKind::ClusteredColumnstore | IndexKind::NonclusteredColumnstore);
        let counts = !columnstore && !matches!(i.kind, IndexKind::Xml | IndexKind::Spatial);
        let mut key = 0i64;
        for (n, c) in (1i64..).zip(&i.columns) {
            let ordinal = if c.included || !counts {
                0
            } else {
                key += 1;
                key
            };
            let cut = i.partition_column == Some(c.column_id);
            s.row(&|column| match column {
                "object_id" => id.into(),
                "index_id" => i.index_id.into(),
                "index_column_id" => n.into(),
                "column_id" => c.column_id.into(),
                "key_ordinal" => ordinal.into(),
                "partition_ordinal" => i32::from(cut).into(),
                "is_descending_key" => c.descending.into(),
                "is_included_column" => c.included.into(),
                _ => Cell::Unsaid,
            });
        }
        if let Some(cut) = i.partition_column
            && i.columns.iter().all(|c| c.column_id != cut)
        {
            let n = i.columns.len() as i64 + 1;
            s.row(&|column| match column {
                "object_id" => id.into(),
                "index_id" => i.index_id.into(),
                "index_column_id" => n.into(),
                "column_id" => cut.into(),
                "partition_ordinal" => 1.into(),
                "is_descending_key" | "is_included_column" => false.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// Statistics of indexes and those made by name: (object, stats id, name, columns, filter, by a user, no recompute, incremental).
type Statistic<'a> = (i32, i32, &'a str, Vec<i32>, Option<&'a str>, bool, bool, bool);

fn all_statistics<'a>(s: &Scan<'_, 'a>) -> Vec<Statistic<'a>> {
    let mut out: Vec<Statistic<'a>> = Vec::new();
    for (id, index, _, _) in all_indexes(s) {
        let Some(i) = index else { continue };
        if matches!(i.kind, IndexKind::Xml | IndexKind::Spatial) {
            continue;
        }
        let keys = i.keys().map(|k| k.column_id).collect();
        out.push((id, i.index_id, &i.name, keys, i.filter.as_deref(), false, i.no_recompute, i.incremental));
    }
    for (id, t, _) in all_tables(s) {
        for x in &t.statistics {
            out.push((
                id,
                x.stats_id,
                &x.name,
                x.columns.clone(),
                x.filter.as_deref(),
                !x.auto_created,
                x.no_recompute,
                x.incremental,
            ));
        }
    }
    out
}

/// `sys.stats`.
pub(super) fn stats(s: &mut Scan<'_, '_>) {
    for (id, stats_id, name, _, filter, user, no_recompute, incremental) in all_statistics(s) {
        s.row(&|column| match column {
            "object_id" => id.into(),
            "name" => name.into(),
            "stats_id" => stats_id.into(),
            "is_incremental" => incremental.into(),
            "auto_created" | "is_temporary" | "has_persisted_sample" | "auto_drop" => false.into(),
            "user_created" => user.into(),
            "no_recompute" => no_recompute.into(),
            "has_filter" => filter.is_some().into(),
            "filter_definition" => filter.into(),
            "stats_generation_method_desc" => "Sort based statistics".into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.stats_columns`.
pub(super) fn stats_columns(s: &mut Scan<'_, '_>) {
    for (id, stats_id, _, columns, ..) in all_statistics(s) {
        for (n, c) in (1i64..).zip(columns) {
            s.row(&|column| match column {
                "object_id" => id.into(),
                "stats_id" => stats_id.into(),
                "stats_column_id" => n.into(),
                "column_id" => c.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// The number of partitions of a data space.
fn partitions_of(d: &Database, space: i32) -> i64 {
    d.partition_schemes
        .iter()
        .find(|p| p.data_space_id == space)
        .and_then(|p| d.partition_functions.iter().find(|f| f.id == p.function_id))
        .map_or(1, |f| f.boundaries.len() as i64 + 1)
}

fn partition_id(object_id: i32, index_id: i32, number: i64) -> i64 {
    // As large as the real ones, and different for each partition of each index.
    72_057_594_037_927_936 + (i64::from(object_id) << 20) + (i64::from(index_id & 0x3FF) << 10) + number
}

/// `sys.partitions` and `sys.dm_db_partition_stats`: all rows are in the first partition.
// Assumption: which partition a row would be in is not worked out.
pub(super) fn partitions(s: &mut Scan<'_, '_>) {
    let d = s.db();
    let count = s.source.rows;
    let mut known: Option<(i32, i64)> = None;
    for (id, index, table, o) in all_indexes(s) {
        let function = o.is_some_and(|o| o.table().is_none() && o.view().is_none());
        if function || index.is_some_and(|i| matches!(i.kind, IndexKind::Xml | IndexKind::Spatial)) {
            continue;
        }
        let space = index.map_or_else(|| table.map_or(1, |t| t.data_space_id), |i| i.data_space_id);
        let compression = index.map_or_else(|| table.map_or(0, |t| t.compression), |i| i.compression);
        let differing = index.map_or_else(
            || table.map(|t| t.partition_compression.as_slice()).unwrap_or_default(),
            |i| i.partition_compression.as_slice(),
        );
        let xml = index.map_or_else(|| table.is_some_and(|t| t.xml_compression), |i| i.xml_compression);
        let index_id = index.map_or(0, |i| i.index_id);
        let rows = match (known, o) {
            (Some((same, rows)), _) if same == id => rows,
            (_, Some(o)) if table.is_some() => {
                let rows = count(d, o) as i64;
                known = Some((id, rows));
                rows
            }
            _ => 0,
        };
        for n in 1..=partitions_of(d, space) {
            let here = if n == 1 { rows } else { 0 };
            // Eight kilobytes for every fifty rows: an estimate, as the real figure is of another storage.
            let pages = if here == 0 { 0 } else { here / 50 + 2 };
            let own =
                u32::try_from(n).ok().and_then(|n| differing.iter().rev().find(|(a, b, _)| (*a..=*b).contains(&n)));
            let compression = own.map_or(compression, |(.., code)| *code);
            s.row(&|column| match column {
                "partition_id" | "hobt_id" => partition_id(id, index_id, n).into(),
                "object_id" => id.into(),
                "index_id" => index_id.into(),
                "partition_number" => n.into(),
                "rows" | "row_count" => here.into(),
                "data_compression" => compression.into(),
                "data_compression_desc" => ["NONE", "ROW", "PAGE", "COLUMNSTORE", "COLUMNSTORE_ARCHIVE"]
                    [usize::from(compression.min(4))]
                .into(),
                "xml_compression" => xml.into(),
                "xml_compression_desc" => if xml { "ON" } else { "OFF" }.into(),
                "in_row_data_page_count"
                | "in_row_used_page_count"
                | "in_row_reserved_page_count"
                | "used_page_count"
                | "reserved_page_count" => pages.into(),
                "lob_used_page_count"
                | "lob_reserved_page_count"
                | "row_overflow_used_page_count"
                | "row_overflow_reserved_page_count" => 0.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.allocation_units`.
pub(super) fn allocation_units(s: &mut Scan<'_, '_>) {
    let d = s.db();
    let count = s.source.rows;
    for (id, index, table, o) in all_indexes(s) {
        if o.is_some_and(|o| o.table().is_none() && o.view().is_none()) {
            continue;
        }
        let space = index.map_or_else(|| table.map_or(1, |t| t.data_space_id), |i| i.data_space_id);
        let rows = o.filter(|_| table.is_some()).map_or(0, |o| count(d, o) as i64);
        let pages = if rows == 0 { 0 } else { rows / 50 + 2 };
        let container = partition_id(id, index.map_or(0, |i| i.index_id), 1);
        s.row(&|column| match column {
            "allocation_unit_id" | "container_id" => container.into(),
            "type" => 1.into(),
            "type_desc" => "IN_ROW_DATA".into(),
            "data_space_id" => space.into(),
            "total_pages" | "used_pages" | "data_pages" => pages.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.periods`.
pub(super) fn periods(s: &mut Scan<'_, '_>) {
    for (id, t, _) in all_tables(s) {
        let Some((start, end)) = t.period else { continue };
        s.row(&|column| match column {
            "name" => "SYSTEM_TIME".into(),
            "period_type" => 1.into(),
            "period_type_desc" => "SYSTEM_TIME_PERIOD".into(),
            "object_id" => id.into(),
            "start_column_id" => start.into(),
            "end_column_id" => end.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.change_tracking_tables`.
// Assumption: nothing was tracked yet, so that all versions are 0.
pub(super) fn change_tracking(s: &mut Scan<'_, '_>) {
    for (id, t, o) in all_tables(s) {
        let (Some(columns), Some(_)) = (t.change_tracking, o) else { continue };
        s.row(&|column| match column {
            "object_id" => id.into(),
            "is_track_columns_updated_on" => columns.into(),
            "begin_version" | "cleanup_version" | "min_valid_version" => 0.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.fulltext_indexes`.
pub(super) fn fulltext_indexes(s: &mut Scan<'_, '_>) {
    for (id, t, _) in all_tables(s) {
        let Some(f) = &t.fulltext else { continue };
        s.row(&|column| match column {
            "object_id" => id.into(),
            "unique_index_id" => f.unique_index_id.into(),
            "fulltext_catalog_id" => f.catalog_id.into(),
            "is_enabled" => f.enabled.into(),
            "has_crawl_completed" => true.into(),
            "change_tracking_state" => (&f.change_tracking).into(),
            "change_tracking_state_desc" => match f.change_tracking.as_str() {
                "M" => "MANUAL",
                "O" => "OFF",
                _ => "AUTO",
            }
            .into(),
            "crawl_type" => "F".into(),
            "crawl_type_desc" => "FULL_CRAWL".into(),
            "stoplist_id" => f.stoplist_id.into(),
            "data_space_id" => 1.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.fulltext_index_columns`.
pub(super) fn fulltext_index_columns(s: &mut Scan<'_, '_>) {
    for (id, t, _) in all_tables(s) {
        for (c, kind, language, semantics) in t.fulltext.iter().flat_map(|f| &f.columns) {
            s.row(&|column| match column {
                "object_id" => id.into(),
                "column_id" => (*c).into(),
                "type_column_id" => (*kind).into(),
                "language_id" => (*language).into(),
                "statistical_semantics" => i32::from(*semantics).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `INFORMATION_SCHEMA.TABLES`.
pub(super) fn information_tables(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for o in s.objects() {
        let kind = match &o.kind {
            Kind::Table(_) => "BASE TABLE",
            Kind::Module(m) if m.kind == ModuleKind::View => "VIEW",
            _ => continue,
        };
        s.row(&|column| match column {
            "TABLE_CATALOG" => (&d.name).into(),
            "TABLE_SCHEMA" => d.schema_name(o.schema_id).into(),
            "TABLE_NAME" => (&o.name).into(),
            "TABLE_TYPE" => kind.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `INFORMATION_SCHEMA.COLUMNS`.
pub(super) fn information_columns(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for o in s.objects() {
        let columns: Vec<Column> = match &o.kind {
            Kind::Table(t) => t.columns.clone(),
            Kind::Module(m) if m.kind == ModuleKind::View => (1..)
                .zip(&m.columns)
                .map(|(id, c)| {
                    let mut x = Column::plain(id, &c.name, c.ty.clone(), c.user_type_id);
                    x.nullable = c.nullable;
                    x
                })
                .collect(),
            _ => continue,
        };
        for (n, c) in (1i64..).zip(&columns) {
            let (_, length, precision, scale) = types::facets(&c.ty);
            let name = types::built_in(c.ty.base).map_or("", |t| t.name);
            let character = c.ty.collation.is_some();
            let wide = matches!(c.ty.base, Base::NChar | Base::NVarChar | Base::NText);
            let binary = matches!(c.ty.base, Base::Binary | Base::VarBinary | Base::Image);
            let lob = matches!(c.ty.base, Base::Text | Base::NText | Base::Image);
            let number = matches!(
                c.ty.base,
                Base::TinyInt
                    | Base::SmallInt
                    | Base::Int
                    | Base::BigInt
                    | Base::Decimal
                    | Base::Numeric
                    | Base::Money
                    | Base::SmallMoney
                    | Base::Real
                    | Base::Float
            );
            let moment = match c.ty.base {
                Base::Date => Some(0),
                Base::DateTime => Some(3),
                Base::SmallDateTime => Some(0),
                Base::Time | Base::DateTime2 | Base::DateTimeOffset => Some(i32::from(c.ty.scale)),
                _ => None,
            };
            let bytes = if lob { i32::MAX } else { i32::from(length) };
            let characters = match (length, wide, lob) {
                (_, true, true) => 1_073_741_823,
                (_, false, true) => i32::MAX,
                (-1, ..) => -1,
                (n, true, _) => i32::from(n) / 2,
                (n, ..) => i32::from(n),
            };
            let when = |yes: bool, cell: Cell| if yes { cell } else { Cell::Null };
            let alias = d.user_type_by_id(c.user_type_id);
            s.row(&|column| match column {
                "TABLE_CATALOG" => (&d.name).into(),
                "TABLE_SCHEMA" => d.schema_name(o.schema_id).into(),
                "TABLE_NAME" => (&o.name).into(),
                "COLUMN_NAME" => (&c.name).into(),
                "ORDINAL_POSITION" => n.into(),
                "COLUMN_DEFAULT" => c.default.as_ref().map(|d| d.definition.as_str()).into(),
                "IS_NULLABLE" => if c.nullable { "YES" } else { "NO" }.into(),
                "DATA_TYPE" => name.into(),
                "CHARACTER_MAXIMUM_LENGTH" => when(character || binary, characters.into()),
                "CHARACTER_OCTET_LENGTH" => when(character || binary, bytes.into()),
                "NUMERIC_PRECISION" => when(number, precision.into()),
                "NUMERIC_PRECISION_RADIX" => {
                    when(number, if matches!(c.ty.base, Base::Real | Base::Float) { 2 } else { 10 }.into())
                }
                "NUMERIC_SCALE" => when(number && !matches!(c.ty.base, Base::Real | Base::Float), scale.into()),
                "DATETIME_PRECISION" => moment.into(),
                "CHARACTER_SET_NAME" => when(character, if wide { "UNICODE" } else { "iso_1" }.into()),
                "COLLATION_NAME" => c.ty.collation.as_ref().map(|c| c.name.as_str()).into(),
                "DOMAIN_CATALOG" => alias.map(|_| d.name.as_str()).into(),
                "DOMAIN_SCHEMA" => alias.map(|t| d.schema_name(t.schema_id)).into(),
                "DOMAIN_NAME" => alias.map(|t| t.name.as_str()).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}
