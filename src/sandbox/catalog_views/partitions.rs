//! sys.partitions and sys.allocation_units.

use crate::sandbox::meta::{Database, IndexKind};

use super::indexes::all_indexes;
use super::{Cell, Scan};

/// The number of partitions of a data space.
pub(super) fn partitions_of(d: &Database, space: i32) -> i64 {
    d.partition_schemes
        .iter()
        .find(|p| p.data_space_id == space)
        .and_then(|p| d.partition_functions.iter().find(|f| f.id == p.function_id))
        .map_or(1, |f| f.boundaries.len() as i64 + 1)
}

pub(super) fn partition_id(object_id: i32, index_id: i32, number: i64) -> i64 {
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
