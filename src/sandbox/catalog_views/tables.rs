//! Views of tables: columns, keys, constraints, indexes, statistics, partitions.

use std::sync::Arc;

use crate::sandbox::meta::table::{Durability, Graph, Temporal};
use crate::sandbox::meta::{Column, Kind, Object, Table, UserTypeKind, types};
use crate::sandbox::value::{Base, MAX};

use super::cell::number;
use super::objects::head;
use super::{Cell, Scan};

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
pub(super) fn all_tables<'a>(s: &Scan<'_, 'a>) -> Vec<(i32, &'a Table, Option<&'a Arc<Object>>)> {
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
