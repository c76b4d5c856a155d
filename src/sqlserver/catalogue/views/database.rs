//! Views of the database itself: its options, schemas, principals and permissions.

use super::{View, not_in_azure, since, view};

/// What is asked of them, in this order.
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
                "is_published",
                "is_merge_published",
                "is_accelerated_database_recovery_on@15",
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
            "allow_encrypted_value_modifications@13",
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
];
