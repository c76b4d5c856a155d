//! The catalogue's questions: which views, which of their columns. One batch asks which columns this server has, one
//! batch asks for all rows; nothing is asked once a table.
//!
//! Views are joined here and not at the server: every question is a plain SELECT over one view, so each is cheap, and
//! its columns can be checked against the documented ones by a test.

use std::collections::{HashMap, HashSet};

use tokio_util::sync::CancellationToken;

use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::{Orders, Record, ResultSet};
use crate::sqlserver::quote::literal;

/// A question over one view.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// `sys.name`.
    pub name: &'static str,
    /// Columns asked for where the server has them; an absent one reads as NULL.
    pub columns: &'static [&'static str],
    /// Columns of sql_variant, asked for as text.
    pub variants: &'static [&'static str],
    /// What follows the FROM; its columns are named in `columns`.
    pub condition: &'static str,
}

const fn view(name: &'static str, columns: &'static [&'static str]) -> View {
    View { name, columns, variants: &[], condition: "" }
}

/// Everything that is asked. A view that the server does not have is not asked for.
pub(super) const VIEWS: &[View] = &[
    View {
        condition: " WHERE name = DB_NAME()",
        ..view(
            "sys.databases",
            &[
                "name",
                "compatibility_level",
                "collation_name",
                "user_access",
                "is_read_only",
                "is_auto_close_on",
                "is_auto_shrink_on",
                "is_supplemental_logging_enabled",
                "snapshot_isolation_state",
                "is_read_committed_snapshot_on",
                "recovery_model",
                "page_verify_option",
                "is_auto_create_stats_on",
                "is_auto_create_stats_incremental_on",
                "is_auto_update_stats_on",
                "is_auto_update_stats_async_on",
                "is_ansi_null_default_on",
                "is_ansi_nulls_on",
                "is_ansi_padding_on",
                "is_ansi_warnings_on",
                "is_arithabort_on",
                "is_concat_null_yields_null_on",
                "is_numeric_roundabort_on",
                "is_quoted_identifier_on",
                "is_recursive_triggers_on",
                "is_cursor_close_on_commit_on",
                "is_local_cursor_default",
                "is_fulltext_enabled",
                "is_trustworthy_on",
                "is_db_chaining_on",
                "is_parameterization_forced",
                "is_broker_enabled",
                "is_date_correlation_on",
                "is_encrypted",
                "is_honor_broker_priority_on",
                "is_nested_triggers_on",
                "is_transform_noise_words_on",
                "two_digit_year_cutoff",
                "containment",
                "target_recovery_time_in_seconds",
                "delayed_durability",
                "is_memory_optimized_elevate_to_snapshot_on",
                "is_temporal_history_retention_enabled",
                "catalog_collation_type",
            ],
        )
    },
    view("sys.schemas", &["name", "schema_id", "principal_id"]),
    view("sys.database_principals", &["name", "principal_id", "type", "is_fixed_role"]),
    view(
        "sys.types",
        &[
            "name",
            "system_type_id",
            "user_type_id",
            "schema_id",
            "max_length",
            "precision",
            "scale",
            "is_nullable",
            "is_user_defined",
            "is_assembly_type",
            "is_table_type",
        ],
    ),
    view("sys.table_types", &["name", "schema_id", "user_type_id", "type_table_object_id", "is_memory_optimized"]),
    view("sys.objects", &["object_id", "name", "schema_id", "parent_object_id", "type", "is_ms_shipped"]),
    view(
        "sys.tables",
        &[
            "object_id",
            "uses_ansi_nulls",
            "is_replicated",
            "lock_escalation",
            "lock_on_bulk_load",
            "text_in_row_limit",
            "large_value_types_out_of_row",
            "is_memory_optimized",
            "durability",
            "temporal_type",
            "history_table_id",
            "is_external",
            "is_filetable",
            "is_node",
            "is_edge",
            "ledger_type",
        ],
    ),
    view(
        "sys.columns",
        &[
            "object_id",
            "name",
            "column_id",
            "system_type_id",
            "user_type_id",
            "max_length",
            "precision",
            "scale",
            "collation_name",
            "is_nullable",
            "is_rowguidcol",
            "is_identity",
            "is_computed",
            "is_filestream",
            "is_sparse",
            "is_column_set",
            "is_xml_document",
            "xml_collection_id",
            "generated_always_type",
            "encryption_type",
            "is_hidden",
            "is_masked",
        ],
    ),
    view("sys.computed_columns", &["object_id", "column_id", "definition", "is_persisted"]),
    View {
        variants: &["seed_value", "increment_value", "last_value"],
        ..view("sys.identity_columns", &["object_id", "column_id", "is_not_for_replication"])
    },
    view(
        "sys.default_constraints",
        &["object_id", "parent_object_id", "parent_column_id", "definition", "is_system_named"],
    ),
    view(
        "sys.check_constraints",
        &[
            "object_id",
            "parent_object_id",
            "definition",
            "is_disabled",
            "is_not_for_replication",
            "is_not_trusted",
            "is_system_named",
        ],
    ),
    view("sys.key_constraints", &["object_id", "parent_object_id", "unique_index_id", "is_system_named"]),
    view(
        "sys.indexes",
        &[
            "object_id",
            "name",
            "index_id",
            "type",
            "is_unique",
            "data_space_id",
            "ignore_dup_key",
            "is_primary_key",
            "is_unique_constraint",
            "fill_factor",
            "is_padded",
            "is_disabled",
            "is_hypothetical",
            "allow_row_locks",
            "allow_page_locks",
            "filter_definition",
            "compression_delay",
        ],
    ),
    view(
        "sys.index_columns",
        &[
            "object_id",
            "index_id",
            "index_column_id",
            "column_id",
            "key_ordinal",
            "is_descending_key",
            "is_included_column",
        ],
    ),
    view("sys.stats", &["object_id", "name", "stats_id", "user_created", "no_recompute"]),
    view("sys.partitions", &["object_id", "index_id", "partition_number", "rows", "data_compression"]),
    view(
        "sys.foreign_keys",
        &[
            "object_id",
            "parent_object_id",
            "referenced_object_id",
            "is_disabled",
            "is_not_for_replication",
            "is_not_trusted",
            "delete_referential_action",
            "update_referential_action",
            "is_system_named",
        ],
    ),
    view(
        "sys.foreign_key_columns",
        &[
            "constraint_object_id",
            "constraint_column_id",
            "parent_object_id",
            "parent_column_id",
            "referenced_object_id",
            "referenced_column_id",
        ],
    ),
    view(
        "sys.sql_modules",
        &[
            "object_id",
            "definition",
            "uses_ansi_nulls",
            "uses_quoted_identifier",
            "is_schema_bound",
            "is_recompiled",
            "null_on_null_input",
            "uses_native_compilation",
        ],
    ),
    view(
        "sys.parameters",
        &[
            "object_id",
            "name",
            "parameter_id",
            "system_type_id",
            "user_type_id",
            "max_length",
            "precision",
            "scale",
            "is_output",
            "is_readonly",
        ],
    ),
    view(
        "sys.triggers",
        &[
            "object_id",
            "name",
            "parent_class",
            "parent_id",
            "type",
            "is_ms_shipped",
            "is_disabled",
            "is_not_for_replication",
            "is_instead_of_trigger",
        ],
    ),
    view("sys.trigger_events", &["object_id", "type_desc", "is_first", "is_last"]),
    View {
        variants: &["start_value", "increment", "minimum_value", "maximum_value", "current_value"],
        ..view(
            "sys.sequences",
            &[
                "object_id",
                "is_cycling",
                "is_cached",
                "cache_size",
                "system_type_id",
                "user_type_id",
                "precision",
                "scale",
            ],
        )
    },
    view("sys.synonyms", &["object_id", "base_object_name"]),
    view("sys.xml_schema_collections", &["xml_collection_id", "schema_id", "name"]),
    view("sys.data_spaces", &["name", "data_space_id", "type", "is_default"]),
    view("sys.assemblies", &["name", "is_user_defined"]),
    view("sys.fulltext_catalogs", &["name"]),
    view("sys.fulltext_indexes", &["object_id"]),
    view("sys.partition_functions", &["name"]),
    view("sys.partition_schemes", &["name"]),
    view("sys.extended_properties", &["class", "major_id", "minor_id", "name"]),
    view("sys.database_role_members", &["role_principal_id", "member_principal_id"]),
    view("sys.database_permissions", &["class", "major_id", "grantee_principal_id", "type", "state"]),
    view("sys.security_policies", &["name", "schema_id", "is_ms_shipped"]),
    view("sys.column_master_keys", &["name"]),
    view("sys.column_encryption_keys", &["name"]),
    view("sys.symmetric_keys", &["name"]),
    view("sys.certificates", &["name"]),
    view("sys.external_data_sources", &["name"]),
    view("sys.plan_guides", &["name"]),
];

/// Facts of the server and the database that no view has.
pub(super) const FACTS: &str = "SELECT CONVERT(nvarchar(128), SERVERPROPERTY(N'ProductVersion')) AS version, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'Edition')) AS edition, \
     CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition, \
     @@VERSION AS banner, DB_NAME() AS database_name, \
     CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), N'Collation')) AS collation_name, \
     CONVERT(int, COLLATIONPROPERTY(CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), N'Collation')), N'LCID')) \
     AS lcid, \
     HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'VIEW DEFINITION') AS sees_definitions";

/// The code pages of the collations in use.
pub(super) const CODE_PAGES: &str = "SELECT DISTINCT collation_name, \
     CONVERT(int, COLLATIONPROPERTY(collation_name, N'CodePage')) AS code_page \
     FROM sys.columns WHERE collation_name IS NOT NULL";

/// The rows of all views.
#[derive(Debug, Default)]
pub(super) struct Rows {
    sets: HashMap<&'static str, ResultSet>,
}

impl Rows {
    /// The rows of a view; none where the server does not have it.
    pub(super) fn of(&self, view: &str) -> impl Iterator<Item = Record<'_>> {
        self.sets.get(view).into_iter().flat_map(ResultSet::records)
    }
}

/// The first batch: facts, and which columns of the views there are.
fn first_batch() -> String {
    let names: Vec<String> = VIEWS.iter().map(|v| literal(v.name.trim_start_matches("sys."))).collect();
    format!(
        "{FACTS};\nSELECT o.name AS view_name, c.name AS column_name FROM sys.all_columns AS c \
         JOIN sys.all_objects AS o ON o.object_id = c.object_id \
         WHERE o.schema_id = SCHEMA_ID(N'sys') AND o.type = N'V' AND o.name IN ({});",
        names.join(", ")
    )
}

/// The question over one view, of the columns that exist; nothing where the view does not.
pub(super) fn select(view: &View, exists: impl Fn(&str) -> bool) -> Option<String> {
    let mut columns: Vec<String> = view.columns.iter().filter(|c| exists(c)).map(|c| (*c).to_owned()).collect();
    for variant in view.variants.iter().filter(|c| exists(c)) {
        columns.push(format!("CONVERT(nvarchar(64), {variant}) AS {variant}"));
    }
    if columns.is_empty() {
        return None;
    }
    Some(format!("SELECT {} FROM {}{}", columns.join(", "), view.name, view.condition))
}

/// Asks for everything, in two batches. The first set is that of [`FACTS`], the second that of [`CODE_PAGES`].
pub(super) async fn ask(
    orders: &mut dyn Orders,
    cancel: &CancellationToken,
) -> Result<(ResultSet, ResultSet, Rows), SqlError> {
    let doing = "reading the catalogue";
    let unexpected = |cause: &str| SqlError::Unexpected { doing: doing.into(), cause: cause.into() };
    let mut first = orders.batch(&first_batch(), doing, cancel).await?.sets.into_iter();
    let (Some(facts), Some(existing)) = (first.next(), first.next()) else {
        return Err(unexpected("two results were asked for"));
    };
    let exists: HashSet<(String, String)> =
        existing.records().map(|r| (r.string("view_name"), r.string("column_name"))).collect();
    let mut asked = Vec::new();
    let mut batch = format!("{CODE_PAGES};\n");
    for view in VIEWS {
        let short = view.name.trim_start_matches("sys.");
        if let Some(sql) = select(view, |column| exists.contains(&(short.to_owned(), column.to_owned()))) {
            batch.push_str(&sql);
            batch.push_str(";\n");
            asked.push(view.name);
        }
    }
    for needed in ["sys.objects", "sys.columns", "sys.types", "sys.schemas", "sys.databases"] {
        if !asked.contains(&needed) {
            return Err(unexpected(&format!("the server shows no columns of {needed}")));
        }
    }
    let mut second = orders.batch(&batch, doing, cancel).await?.sets.into_iter();
    let Some(code_pages) = second.next() else { return Err(unexpected("no results")) };
    let sets: HashMap<_, _> = asked.iter().copied().zip(second).collect();
    if sets.len() != asked.len() {
        return Err(unexpected(&format!("{} results where {} were asked for", sets.len(), asked.len())));
    }
    Ok((facts, code_pages, Rows { sets }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_asked_for_is_documented() {
        let shared = std::env::var_os("PACRAT_SHARED").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            std::path::PathBuf::from,
        );
        let Ok(text) = std::fs::read_to_string(shared.join("catalog/sys-views.json")) else {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "SKIPPED: every_column_asked_for_is_documented needs ../shared");
            return;
        };
        let known: serde_json::Value = serde_json::from_str(&text).unwrap();
        for view in VIEWS {
            let columns = known[view.name]["columns"].as_array().unwrap_or_else(|| panic!("no view {}", view.name));
            let type_of = |name: &str| {
                let found = columns.iter().find(|c| c["name"] == name);
                found.unwrap_or_else(|| panic!("{} has no column {name}", view.name))["type"].to_string()
            };
            for column in view.columns {
                assert!(!type_of(column).contains("sql_variant"), "{}.{column} is a sql_variant", view.name);
            }
            for column in view.variants {
                assert!(type_of(column).contains("sql_variant"), "{}.{column} is no sql_variant", view.name);
            }
        }
    }

    #[test]
    fn absent_columns_are_not_asked_for() {
        let view = VIEWS.iter().find(|v| v.name == "sys.identity_columns").unwrap();
        assert_eq!(
            select(view, |c| c != "is_not_for_replication" && c != "seed_value").unwrap(),
            "SELECT object_id, column_id, CONVERT(nvarchar(64), increment_value) AS increment_value, \
             CONVERT(nvarchar(64), last_value) AS last_value FROM sys.identity_columns"
        );
        assert_eq!(select(view, |_| false), None);
    }
}
