//! Views of what lies outside: sources, formats, tables, assemblies; of policies and classifications.

use super::objects::head;
use super::{Cell, Scan};
use crate::sandbox::meta::external::DataSource;
use crate::sandbox::meta::{Kind, Product};

/// `type` and `type_desc` of a source.
fn source_kind(source: &DataSource) -> (i32, &'static str) {
    match source.kind.as_str() {
        "HADOOP" => (0, "HADOOP"),
        "RDBMS" => (1, "RDBMS"),
        "SHARD_MAP_MANAGER" => (2, "SHARD_MAP_MANAGER"),
        "BLOB_STORAGE" => (5, "BLOB_STORAGE"),
        // Assumption: the number of the generic kind.
        _ => (6, "NONE"),
    }
}

/// `sys.external_data_sources`.
pub(super) fn sources(s: &mut Scan<'_, '_>) {
    for x in &s.db().external.sources {
        let (code, text) = source_kind(x);
        s.row(&|column| match column {
            "data_source_id" => x.id.into(),
            "name" => (&x.name).into(),
            "location" => (&x.location).into(),
            "type" => code.into(),
            "type_desc" => text.into(),
            "resource_manager_location" => x.resource_manager.as_ref().into(),
            "credential_id" => x.credential_id.into(),
            "database_name" => x.database.as_ref().into(),
            "shard_map_name" => x.shard_map.as_ref().into(),
            "connection_options" => x.connection_options.as_ref().into(),
            "pushdown" => if x.pushdown { "ON" } else { "OFF" }.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.external_file_formats`.
pub(super) fn formats(s: &mut Scan<'_, '_>) {
    for f in &s.db().external.formats {
        s.row(&|column| match column {
            "file_format_id" => f.id.into(),
            "name" => (&f.name).into(),
            "format_type" => (&f.kind).into(),
            "field_terminator" => f.field_terminator.as_ref().into(),
            "string_delimiter" => f.string_delimiter.as_ref().into(),
            "date_format" => f.date_format.as_ref().into(),
            "use_type_default" => f.use_type_default.into(),
            "serde_method" => f.serde_method.as_ref().into(),
            "row_terminator" => f.row_terminator.as_ref().into(),
            "encoding" => f.encoding.as_ref().into(),
            "data_compression" => f.compression.as_ref().into(),
            "first_row" => f.first_row.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.external_tables`.
pub(super) fn tables(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Some((t, e)) = o.table().and_then(|t| t.external.as_ref().map(|e| (t, e))) else { continue };
        let h = head(o);
        s.row(&|column| match column {
            "max_column_id_used" => t.max_column_id.into(),
            "uses_ansi_nulls" => t.uses_ansi_nulls.into(),
            "data_source_id" => e.source_id.into(),
            "file_format_id" => e.format_id.into(),
            "location" => e.location.as_ref().into(),
            "reject_type" => e.reject_type.as_ref().into(),
            "reject_value" => e.reject_value.map_or(Cell::Null, Cell::Float),
            "reject_sample_value" => e.reject_sample.map_or(Cell::Null, Cell::Float),
            "rejected_row_location" => e.rejected_location.as_ref().into(),
            "distribution_type" => e.distribution.into(),
            "distribution_desc" => {
                e.distribution.map(|d| ["SHARDED", "REPLICATED", "ROUND_ROBIN"][usize::from(d.min(2))]).into()
            }
            "sharding_col_id" => e.sharding_column.into(),
            "remote_schema_name" => e.remote_schema.as_ref().into(),
            "remote_object_name" => e.remote_object.as_ref().into(),
            other => h.cell(other),
        });
    }
}

/// `sys.assemblies`: the one that every database has, and the users'.
pub(super) fn assemblies(s: &mut Scan<'_, '_>) {
    let started = s.source.server.started;
    // Assumption: the full name of the system's assembly, by the version.
    let version = match s.source.server.product {
        Product::Sql2012 => "11.0.0.0",
        Product::Sql2014 => "12.0.0.0",
        Product::Sql2016 => "13.0.0.0",
        Product::Sql2017 => "14.0.0.0",
        Product::Sql2019 => "15.0.0.0",
        _ => "16.0.0.0",
    };
    s.row(&|column| match column {
        "name" => "Microsoft.SqlServer.Types".into(),
        "principal_id" => 4.into(),
        "assembly_id" => 1.into(),
        "clr_name" => format!(
            "microsoft.sqlserver.types, version={version}, culture=neutral, publickeytoken=89845dcd8080cc91, \
             processorarchitecture=msil"
        )
        .into(),
        "permission_set" => 3.into(),
        "permission_set_desc" => "UNSAFE_ACCESS".into(),
        "is_visible" => true.into(),
        "is_user_defined" => false.into(),
        "create_date" | "modify_date" => started.into(),
        _ => Cell::Unsaid,
    });
    for a in &s.db().external.assemblies {
        s.row(&|column| match column {
            "name" => (&a.name).into(),
            "principal_id" => a.owner.into(),
            "assembly_id" => a.id.into(),
            // Assumption: the bytes are not read; the name inside them is taken to be the assembly's.
            "clr_name" => format!(
                "{}, version=0.0.0.0, culture=neutral, publickeytoken=null, processorarchitecture=msil",
                a.name.to_lowercase()
            )
            .into(),
            "permission_set" => a.permission_set.into(),
            "permission_set_desc" => {
                ["", "SAFE_ACCESS", "EXTERNAL_ACCESS", "UNSAFE_ACCESS"][usize::from(a.permission_set.min(3))].into()
            }
            "is_visible" => a.visible.into(),
            "is_user_defined" => true.into(),
            "create_date" => a.created.into(),
            "modify_date" => a.modified.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.assembly_files`.
pub(super) fn assembly_files(s: &mut Scan<'_, '_>) {
    for a in &s.db().external.assemblies {
        for (n, (name, bytes)) in (1i64..).zip(&a.files) {
            s.row(&|column| match column {
                "assembly_id" => a.id.into(),
                "name" => name.into(),
                "file_id" => n.into(),
                "content" => Cell::Bytes(bytes.clone()),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.assembly_modules`.
pub(super) fn assembly_modules(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Some((m, clr)) = o.module().and_then(|m| m.clr.as_ref().map(|c| (m, c))) else { continue };
        s.row(&|column| match column {
            "object_id" => o.object_id.into(),
            "assembly_id" => clr.assembly_id.into(),
            "assembly_class" => (&clr.class).into(),
            "assembly_method" => clr.method.as_ref().into(),
            "null_on_null_input" => m.null_on_null_input.into(),
            "execute_as_principal_id" => m.execute_as.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.function_order_columns`.
pub(super) fn function_order(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Some(clr) = o.module().and_then(|m| m.clr.as_ref()) else { continue };
        for (n, (column, descending)) in (1i64..).zip(&clr.order) {
            s.row(&|name| match name {
                "object_id" => o.object_id.into(),
                "order_column_id" => n.into(),
                "column_id" => (*column).into(),
                "is_descending" => (*descending).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.security_policies`.
pub(super) fn policies(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Kind::Policy(p) = &o.kind else { continue };
        let h = head(o);
        s.row(&|column| match column {
            "is_enabled" => p.enabled.into(),
            "is_not_for_replication" => p.not_for_replication.into(),
            "uses_database_collation" => false.into(),
            "is_schema_bound" => p.schema_bound.into(),
            other => h.cell(other),
        });
    }
}

/// `sys.security_predicates`.
pub(super) fn predicates(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Kind::Policy(p) = &o.kind else { continue };
        for x in &p.predicates {
            let operation = match x.operation {
                Some(1) => Some("AFTER INSERT"),
                Some(2) => Some("AFTER UPDATE"),
                Some(3) => Some("BEFORE UPDATE"),
                Some(4) => Some("BEFORE DELETE"),
                _ => None,
            };
            s.row(&|column| match column {
                "object_id" => o.object_id.into(),
                "security_predicate_id" => x.id.into(),
                "target_object_id" => x.target.into(),
                "predicate_definition" => (&x.definition).into(),
                "predicate_type" => x.block.into(),
                "predicate_type_desc" => if x.block { "BLOCK" } else { "FILTER" }.into(),
                "operation" => x.operation.into(),
                "operation_desc" => operation.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.sensitivity_classifications`.
pub(super) fn classifications(s: &mut Scan<'_, '_>) {
    for c in &s.db().classifications {
        let rank = c.rank.as_deref().map(|r| match r {
            "LOW" => 10,
            "MEDIUM" => 20,
            "HIGH" => 30,
            "CRITICAL" => 40,
            _ => 0,
        });
        s.row(&|column| match column {
            "class" => 1.into(),
            "class_desc" => "OBJECT_OR_COLUMN".into(),
            "major_id" => c.object_id.into(),
            "minor_id" => c.column_id.into(),
            "label" => c.label.as_ref().into(),
            "label_id" => c.label_id.as_ref().into(),
            "information_type" => c.information_type.as_ref().into(),
            "information_type_id" => c.information_type_id.as_ref().into(),
            "rank" => rank.into(),
            "rank_desc" => c.rank.as_ref().into(),
            _ => Cell::Unsaid,
        });
    }
}
