//! sys.indexes and what says more about an index; statistics.

use std::sync::Arc;

use crate::sandbox::meta::table::XmlIndex;
use crate::sandbox::meta::{Index, IndexKind, ModuleKind, Object, Table, types};

use super::tables::all_tables;
use super::{Cell, Scan};

/// Object id, index (or heap), table (or view), object (unless of a table type).
pub(super) type Indexed<'a> = (i32, Option<&'a Index>, Option<&'a Table>, Option<&'a Arc<Object>>);

/// Heaps, indexes of tables, of table types and of views.
pub(super) fn all_indexes<'a>(s: &Scan<'_, 'a>) -> Vec<Indexed<'a>> {
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

pub(super) fn xml_index_type(x: &XmlIndex) -> (i32, &'static str) {
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
pub(super) type Statistic<'a> = (i32, i32, &'a str, Vec<i32>, Option<&'a str>, bool, bool, bool);

pub(super) fn all_statistics<'a>(s: &Scan<'_, 'a>) -> Vec<Statistic<'a>> {
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
