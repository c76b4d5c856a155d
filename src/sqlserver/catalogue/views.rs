//! The catalogue's questions: which views are asked, and for which of their columns.
//!
//! Views are joined here and not at the server: every question is a plain SELECT over one view, so each is cheap, and
//! its columns can be checked against the documented ones by a test. A column or view of later versions says since
//! which (`is_node@14`): a server of that version that does not show it costs the feature, and the result names it.

/// A question over one view.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// `sys.name`.
    pub name: &'static str,
    /// Columns asked for where the server has them; an absent one reads as NULL. `name@13`: since that version.
    pub columns: &'static [&'static str],
    /// Columns of sql_variant that hold numbers, asked for as text.
    pub variants: &'static [&'static str],
    /// Other columns of sql_variant: text and type of the value.
    pub values: &'static [Value],
    /// What follows the FROM; its columns are named in `columns`.
    pub condition: &'static str,
    /// The major version that brought the view; 0 for those that every server has.
    pub since: u32,
    /// Azure SQL Database has it.
    pub azure: bool,
}

/// A column that is asked for as an expression over it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    /// The column of the view.
    pub column: &'static str,
    /// What the result calls it.
    pub alias: &'static str,
    /// The expression.
    pub sql: &'static str,
}

/// The text of a value, what type it has, and, for moments, their text with every digit.
macro_rules! variant {
    ($column:literal) => {
        &[
            Value { column: $column, alias: $column, sql: concat!("CONVERT(nvarchar(4000), ", $column, ")") },
            Value {
                column: $column,
                alias: concat!($column, "_type"),
                sql: concat!("CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(", $column, ", N'BaseType'))"),
            },
            Value {
                column: $column,
                alias: concat!($column, "_moment"),
                sql: concat!(
                    "CASE WHEN CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(",
                    $column,
                    ", N'BaseType')) IN (N'date', N'datetime', N'smalldatetime', N'datetime2') ",
                    "THEN CONVERT(nvarchar(64), CONVERT(datetime2(7), ",
                    $column,
                    "), 126) END"
                ),
            },
        ]
    };
}

const fn view(name: &'static str, columns: &'static [&'static str]) -> View {
    View { name, columns, variants: &[], values: &[], condition: "", since: 0, azure: true }
}

const fn since(version: u32, view: View) -> View {
    View { since: version, ..view }
}

const fn not_in_azure(view: View) -> View {
    View { azure: false, ..view }
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
                "is_cdc_enabled",
                "default_language_lcid@11",
                "default_fulltext_language_lcid@11",
                "is_nested_triggers_on@11",
                "is_transform_noise_words_on@11",
                "two_digit_year_cutoff@11",
                "containment@11",
                "target_recovery_time_in_seconds@11",
                "delayed_durability@12",
                "is_memory_optimized_elevate_to_snapshot_on@12",
                "is_remote_data_archive_enabled@13",
                "is_temporal_history_retention_enabled@14",
                "catalog_collation_type@15",
                "is_ledger_on@16",
            ],
        )
    },
    since(
        13,
        view(
            "sys.database_query_store_options",
            &[
                "desired_state",
                "query_capture_mode",
                "flush_interval_seconds",
                "interval_length_minutes",
                "max_storage_size_mb",
                "max_plans_per_query",
                "stale_query_threshold_days",
            ],
        ),
    ),
    since(
        13,
        View {
            variants: &["value", "value_for_secondary"],
            ..view("sys.database_scoped_configurations", &["name", "is_value_default@14"])
        },
    ),
    since(
        11,
        not_in_azure(View {
            condition: " WHERE database_id = DB_ID()",
            ..view("sys.database_filestream_options", &["database_id", "directory_name", "non_transacted_access"])
        }),
    ),
    View {
        condition: " WHERE database_id = DB_ID()",
        ..view(
            "sys.change_tracking_databases",
            &["database_id", "is_auto_cleanup_on", "retention_period", "retention_period_units"],
        )
    },
    view("sys.change_tracking_tables", &["object_id", "is_track_columns_updated_on"]),
    view("sys.schemas", &["name", "schema_id", "principal_id"]),
    view(
        "sys.database_principals",
        &[
            "name",
            "principal_id",
            "type",
            "default_schema_name",
            "owning_principal_id",
            "sid",
            "is_fixed_role",
            "authentication_type@11",
            "default_language_name@11",
        ],
    ),
    not_in_azure(view(
        "sys.server_principals",
        &["name", "sid", "type", "is_disabled", "default_database_name", "default_language_name"],
    )),
    not_in_azure(view("sys.sql_logins", &["sid", "is_policy_checked", "is_expiration_checked"])),
    view("sys.database_role_members", &["role_principal_id", "member_principal_id"]),
    view(
        "sys.database_permissions",
        &["class", "major_id", "minor_id", "grantee_principal_id", "grantor_principal_id", "permission_name", "state"],
    ),
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
            "default_object_id",
            "rule_object_id",
        ],
    ),
    view("sys.table_types", &["name", "schema_id", "user_type_id", "type_table_object_id", "is_memory_optimized@12"]),
    view(
        "sys.objects",
        &["object_id", "name", "schema_id", "parent_object_id", "principal_id", "type", "is_ms_shipped"],
    ),
    View {
        values: &[Value {
            column: "object_id",
            alias: "quoted_identifier",
            sql: "OBJECTPROPERTY(object_id, N'IsQuotedIdentOn')",
        }],
        ..view(
            "sys.tables",
            &[
                "object_id",
                "uses_ansi_nulls",
                "is_replicated",
                "lock_escalation",
                "lock_on_bulk_load",
                "text_in_row_limit",
                "large_value_types_out_of_row",
                "lob_data_space_id",
                "filestream_data_space_id",
                "is_tracked_by_cdc",
                "is_filetable@11",
                "is_memory_optimized@12",
                "durability@12",
                "temporal_type@13",
                "history_table_id@13",
                "is_external@13",
                "history_retention_period@14",
                "history_retention_period_unit@14",
                "is_node@14",
                "is_edge@14",
                "ledger_type@16",
            ],
        )
    },
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
            "default_object_id",
            "rule_object_id",
            "generated_always_type@13",
            "encryption_type@13",
            "encryption_algorithm_name@13",
            "column_encryption_key_id@13",
            "is_hidden@13",
            "is_masked@13",
            "graph_type@14",
        ],
    ),
    since(13, view("sys.masked_columns", &["object_id", "column_id", "masking_function"])),
    since(
        15,
        view(
            "sys.sensitivity_classifications",
            &["class", "major_id", "minor_id", "label", "label_id", "information_type", "information_type_id"],
        ),
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
            "compression_delay@13",
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
            "partition_ordinal",
            "is_descending_key",
            "is_included_column",
            "column_store_order_ordinal@15",
        ],
    ),
    since(12, view("sys.hash_indexes", &["object_id", "index_id", "bucket_count"])),
    view("sys.xml_indexes", &["object_id", "index_id", "using_xml_index_id", "secondary_type", "xml_index_type@11"]),
    view("sys.spatial_indexes", &["object_id", "index_id", "tessellation_scheme"]),
    view(
        "sys.spatial_index_tessellations",
        &[
            "object_id",
            "index_id",
            "bounding_box_xmin",
            "bounding_box_ymin",
            "bounding_box_xmax",
            "bounding_box_ymax",
            "level_1_grid",
            "level_2_grid",
            "level_3_grid",
            "level_4_grid",
            "cells_per_object",
        ],
    ),
    view(
        "sys.stats",
        &[
            "object_id",
            "name",
            "stats_id",
            "auto_created",
            "user_created",
            "no_recompute",
            "filter_definition",
            "is_temporary@11",
            "is_incremental@12",
        ],
    ),
    view("sys.stats_columns", &["object_id", "stats_id", "stats_column_id", "column_id"]),
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
    since(
        15,
        view(
            "sys.edge_constraints",
            &["object_id", "parent_object_id", "is_disabled", "is_system_named", "delete_referential_action"],
        ),
    ),
    since(15, view("sys.edge_constraint_clauses", &["object_id", "from_object_id", "to_object_id", "clause_number"])),
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
            "uses_native_compilation@12",
        ],
    ),
    not_in_azure(view("sys.numbered_procedures", &["object_id", "procedure_number", "definition"])),
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
            "is_cursor_ref",
            "is_xml_document",
            "xml_collection_id",
            "is_readonly",
            "is_nullable@12",
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
    view("sys.trigger_events", &["object_id", "type", "type_desc", "is_first", "is_last", "event_group_type_desc"]),
    since(
        11,
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
    ),
    view("sys.synonyms", &["object_id", "base_object_name"]),
    view("sys.xml_schema_collections", &["xml_collection_id", "schema_id", "name"]),
    view("sys.data_spaces", &["name", "data_space_id", "type", "is_default"]),
    view("sys.filegroups", &["name", "data_space_id", "type", "is_read_only"]),
    view("sys.partition_functions", &["name", "function_id", "boundary_value_on_right", "is_system@11"]),
    view(
        "sys.partition_parameters",
        &["function_id", "parameter_id", "system_type_id", "user_type_id", "max_length", "precision", "scale"],
    ),
    View { values: variant!("value"), ..view("sys.partition_range_values", &["function_id", "boundary_id"]) },
    view("sys.partition_schemes", &["name", "data_space_id", "function_id", "is_system@11"]),
    view("sys.destination_data_spaces", &["partition_scheme_id", "destination_id", "data_space_id"]),
    View { values: variant!("value"), ..view("sys.extended_properties", &["class", "major_id", "minor_id", "name"]) },
    view(
        "sys.fulltext_catalogs",
        &["fulltext_catalog_id", "name", "is_default", "is_accent_sensitivity_on", "principal_id"],
    ),
    view("sys.fulltext_stoplists", &["stoplist_id", "name", "principal_id"]),
    view("sys.fulltext_stopwords", &["stoplist_id", "stopword"]),
    since(11, not_in_azure(view("sys.registered_search_property_lists", &["property_list_id", "name"]))),
    view(
        "sys.fulltext_indexes",
        &[
            "object_id",
            "unique_index_id",
            "fulltext_catalog_id",
            "is_enabled",
            "change_tracking_state",
            "stoplist_id",
            "property_list_id@11",
        ],
    ),
    view(
        "sys.fulltext_index_columns",
        &["object_id", "column_id", "type_column_id", "language_id", "statistical_semantics@11"],
    ),
    not_in_azure(view("sys.assemblies", &["name", "assembly_id", "is_user_defined"])),
    since(
        13,
        view(
            "sys.security_policies",
            &[
                "name",
                "object_id",
                "schema_id",
                "is_ms_shipped",
                "is_enabled",
                "is_not_for_replication",
                "is_schema_bound",
            ],
        ),
    ),
    since(
        13,
        view(
            "sys.security_predicates",
            &[
                "object_id",
                "security_predicate_id",
                "target_object_id",
                "predicate_definition",
                "predicate_type",
                "operation",
            ],
        ),
    ),
    since(
        13,
        view(
            "sys.column_master_keys",
            &[
                "name",
                "column_master_key_id",
                "key_store_provider_name",
                "key_path",
                "allow_enclave_computations@15",
                "signature@15",
            ],
        ),
    ),
    since(13, view("sys.column_encryption_keys", &["name", "column_encryption_key_id"])),
    since(
        13,
        view(
            "sys.column_encryption_key_values",
            &["column_encryption_key_id", "column_master_key_id", "encrypted_value", "encryption_algorithm_name"],
        ),
    ),
    view("sys.symmetric_keys", &["name", "symmetric_key_id"]),
    view("sys.asymmetric_keys", &["name", "asymmetric_key_id"]),
    view("sys.certificates", &["name", "certificate_id"]),
    since(13, view("sys.database_scoped_credentials", &["name", "credential_id", "credential_identity"])),
    since(
        13,
        view(
            "sys.external_data_sources",
            &[
                "data_source_id",
                "name",
                "location",
                "type",
                "resource_manager_location",
                "credential_id",
                "database_name",
                "shard_map_name",
            ],
        ),
    ),
    since(
        13,
        not_in_azure(view(
            "sys.external_file_formats",
            &[
                "file_format_id",
                "name",
                "format_type",
                "field_terminator",
                "string_delimiter",
                "date_format",
                "use_type_default",
                "serde_method",
                "data_compression",
            ],
        )),
    ),
    since(
        13,
        view(
            "sys.external_tables",
            &[
                "object_id",
                "uses_ansi_nulls",
                "data_source_id",
                "file_format_id",
                "location",
                "reject_type",
                "distribution_type",
                "sharding_col_id",
                "remote_schema_name",
                "remote_object_name",
                "reject_value",
                "reject_sample_value",
            ],
        ),
    ),
    not_in_azure(view(
        "sys.service_message_types",
        &["name", "message_type_id", "principal_id", "validation", "xml_collection_id"],
    )),
    not_in_azure(view("sys.service_contracts", &["name", "service_contract_id", "principal_id"])),
    not_in_azure(view(
        "sys.service_contract_message_usages",
        &["service_contract_id", "message_type_id", "is_sent_by_initiator", "is_sent_by_target"],
    )),
    not_in_azure(view(
        "sys.service_queues",
        &[
            "object_id",
            "max_readers",
            "activation_procedure",
            "execute_as_principal_id",
            "is_activation_enabled",
            "is_receive_enabled",
            "is_enqueue_enabled",
            "is_retention_enabled",
            "is_poison_message_handling_enabled",
        ],
    )),
    not_in_azure(view("sys.services", &["name", "service_id", "principal_id", "service_queue_id"])),
    not_in_azure(view("sys.service_contract_usages", &["service_id", "service_contract_id"])),
    not_in_azure(view(
        "sys.routes",
        &["name", "route_id", "principal_id", "remote_service_name", "broker_instance", "address", "mirror_address"],
    )),
    not_in_azure(view("sys.remote_service_bindings", &["name", "remote_service_binding_id"])),
    not_in_azure(view("sys.conversation_priorities", &["name"])),
    view("sys.plan_guides", &["name"]),
];

/// A column's name without its version.
pub(super) fn column_name(column: &'static str) -> &'static str {
    column.split_once('@').map_or(column, |(name, _)| name)
}

/// The version that brought a column; that of its view where it says none.
pub(super) fn column_since(view: &View, column: &'static str) -> u32 {
    column.split_once('@').and_then(|(_, version)| version.parse().ok()).unwrap_or(view.since)
}

/// What a backup does not hold when the server does not show a view or a column.
pub(super) fn feature(view: &str, column: Option<&str>) -> String {
    let short = view.trim_start_matches("sys.");
    match column {
        None => format!("{} (the server does not show {view})", short.replace('_', " ")),
        Some(column) => format!("{} (the server does not show {view}.{column})", column.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::select;
    use super::*;

    /// The columns of a view by name: type and the version that brought them.
    fn documented(known: &serde_json::Value, view: &str) -> Option<Vec<(String, String, u32)>> {
        if let Some(columns) = known[view]["columns"].as_array() {
            return Some(
                columns
                    .iter()
                    .map(|c| {
                        // `SQL Server 2016 (13.x)`
                        let since =
                            c["since"].as_str().and_then(|s| s.split('(').nth(1)?.split('.').next()?.parse().ok());
                        (c["name"].as_str().unwrap().to_owned(), c["type"].to_string(), since.unwrap_or(0))
                    })
                    .collect(),
            );
        }
        let text = include_str!("../../../tests/catalogue_sql/documented_views.txt");
        let line = text.lines().find_map(|l| l.strip_prefix(view)?.strip_prefix(": "))?;
        Some(line.split(' ').map(|c| (c.to_owned(), String::new(), 0)).collect())
    }

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
            let columns = documented(&known, view.name).unwrap_or_else(|| panic!("no view {}", view.name));
            let found = |name: &str| {
                let found = columns.iter().find(|(c, ..)| c == name);
                found.unwrap_or_else(|| panic!("{} has no column {name}", view.name)).clone()
            };
            for column in view.columns {
                let (name, ty, since) = found(column_name(column));
                assert!(!ty.contains("sql_variant"), "{}.{name} is a sql_variant", view.name);
                if since > 0 {
                    // The versions that matter are those that this reader meets: 2012 and later.
                    let said = column_since(view, column);
                    assert_eq!(said.max(11), since.max(11), "{}.{name} came with {since}", view.name);
                }
            }
            for column in view.variants {
                assert!(found(column).1.contains("sql_variant"), "{}.{column} is no sql_variant", view.name);
            }
            for value in view.values {
                found(value.column);
                // An expression names nothing but its column, functions and types.
                let words = value.sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '\'');
                for word in words.filter(|w| !w.is_empty() && !w.contains('\'')) {
                    let known = [
                        value.column,
                        "CONVERT",
                        "SQL_VARIANT_PROPERTY",
                        "OBJECTPROPERTY",
                        "CASE",
                        "WHEN",
                        "IN",
                        "THEN",
                        "END",
                        "nvarchar",
                        "datetime2",
                        "N",
                    ];
                    assert!(known.contains(&word) || word.parse::<u32>().is_ok(), "{word} in {}", value.sql);
                }
            }
            let condition = view.condition.trim_start_matches(" WHERE ");
            if let Some((column, _)) = condition.split_once(" = ") {
                assert!(view.columns.contains(&column), "{}", view.condition);
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
        let view = VIEWS.iter().find(|v| v.name == "sys.masked_columns").unwrap();
        assert_eq!(
            select(view, |_| true).unwrap(),
            "SELECT object_id, column_id, masking_function FROM sys.masked_columns"
        );
    }
}
