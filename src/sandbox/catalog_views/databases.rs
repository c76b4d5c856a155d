//! Views of databases and their options.

use super::cell::{int, words};
use super::server::sid_of;
use super::{Cell, Scan};
use crate::sandbox::meta::options::scoped_configurations;
use crate::sandbox::meta::{UserAccess, languages};

/// `sys.databases`.
pub(super) fn databases(s: &mut Scan<'_, '_>) {
    let server = s.source.server;
    for d in server.databases.values() {
        let o = &d.options;
        let contained = o.containment == 1;
        let language = o.default_language.map_or(1033, i32::from);
        let fulltext = o.default_fulltext_language.unwrap_or(1033);
        let when = |yes: bool, cell: Cell| if yes { cell } else { Cell::Null };
        s.row(&|column| match column {
            "name" => (&d.name).into(),
            "physical_database_name" => (&d.name).into(),
            "database_id" => d.database_id.into(),
            "owner_sid" => sid_of(server, &d.owner),
            "create_date" => if d.database_id == 2 { server.started } else { d.created }.into(),
            "compatibility_level" => o.compatibility_level.into(),
            "collation_name" => when(!o.offline, (&d.collation).into()),
            "user_access" => match o.user_access {
                UserAccess::Multi => 0,
                UserAccess::Single => 1,
                UserAccess::Restricted => 2,
            }
            .into(),
            "user_access_desc" => match o.user_access {
                UserAccess::Multi => "MULTI_USER",
                UserAccess::Single => "SINGLE_USER",
                UserAccess::Restricted => "RESTRICTED_USER",
            }
            .into(),
            "is_read_only" => o.read_only.into(),
            "is_auto_close_on" => o.auto_close.into(),
            "is_auto_shrink_on" => o.auto_shrink.into(),
            "state" => if o.offline { 6 } else { 0 }.into(),
            "state_desc" => if o.offline { "OFFLINE" } else { "ONLINE" }.into(),
            "snapshot_isolation_state" => o.snapshot.code().0.into(),
            "snapshot_isolation_state_desc" => o.snapshot.code().1.into(),
            "is_read_committed_snapshot_on" => o.read_committed_snapshot.into(),
            "recovery_model" => o.recovery.into(),
            "recovery_model_desc" => ["", "FULL", "BULK_LOGGED", "SIMPLE"][usize::from(o.recovery.min(3))].into(),
            "page_verify_option" => o.page_verify.into(),
            "page_verify_option_desc" => {
                ["NONE", "TORN_PAGE_DETECTION", "CHECKSUM"][usize::from(o.page_verify.min(2))].into()
            }
            "is_auto_create_stats_on" => o.auto_create_stats.into(),
            "is_auto_create_stats_incremental_on" => o.auto_create_stats_incremental.into(),
            "is_auto_update_stats_on" => o.auto_update_stats.into(),
            "is_auto_update_stats_async_on" => o.auto_update_stats_async.into(),
            "is_ansi_null_default_on" => o.ansi_null_default.into(),
            "is_ansi_nulls_on" => o.ansi_nulls.into(),
            "is_ansi_padding_on" => o.ansi_padding.into(),
            "is_ansi_warnings_on" => o.ansi_warnings.into(),
            "is_arithabort_on" => o.arithabort.into(),
            "is_concat_null_yields_null_on" => o.concat_null_yields_null.into(),
            "is_numeric_roundabort_on" => o.numeric_roundabort.into(),
            "is_quoted_identifier_on" => o.quoted_identifier.into(),
            "is_recursive_triggers_on" => o.recursive_triggers.into(),
            "is_cursor_close_on_commit_on" => o.cursor_close_on_commit.into(),
            "is_local_cursor_default" => o.local_cursor_default.into(),
            "is_fulltext_enabled" => o.fulltext_enabled.into(),
            "is_trustworthy_on" => o.trustworthy.into(),
            "is_db_chaining_on" => o.db_chaining.into(),
            "is_parameterization_forced" => o.parameterization_forced.into(),
            "is_query_store_on" => (o.query_store.state != 0).into(),
            "service_broker_guid" => Cell::Guid(d.guid),
            "is_broker_enabled" => o.broker_enabled.into(),
            "log_reuse_wait" => 0.into(),
            "log_reuse_wait_desc" => "NOTHING".into(),
            "is_date_correlation_on" => o.date_correlation.into(),
            "is_cdc_enabled" => o.cdc_enabled.into(),
            "is_encrypted" => o.encrypted.into(),
            "is_honor_broker_priority_on" => o.honor_broker_priority.into(),
            "default_language_lcid" => when(contained, language.into()),
            "default_language_name" => when(contained, languages::name(language).into()),
            "default_fulltext_language_lcid" => when(contained, fulltext.into()),
            "default_fulltext_language_name" => when(contained, languages::alias(fulltext).into()),
            "is_nested_triggers_on" => when(contained, o.nested_triggers.into()),
            "is_transform_noise_words_on" => when(contained, o.transform_noise_words.into()),
            "two_digit_year_cutoff" => when(contained, o.two_digit_year_cutoff.into()),
            "containment" => o.containment.into(),
            "containment_desc" => if contained { "PARTIAL" } else { "NONE" }.into(),
            "target_recovery_time_in_seconds" => o.target_recovery_seconds.into(),
            "delayed_durability" => o.delayed_durability.into(),
            "delayed_durability_desc" => {
                ["DISABLED", "ALLOWED", "FORCED"][usize::try_from(o.delayed_durability).unwrap_or(0).min(2)].into()
            }
            "is_memory_optimized_elevate_to_snapshot_on" => o.elevate_to_snapshot.into(),
            "is_mixed_page_allocation_on" => o.mixed_page_allocation.into(),
            "is_temporal_history_retention_enabled" => o.temporal_retention.into(),
            "catalog_collation_type" => o.catalog_collation.into(),
            "catalog_collation_type_desc" => {
                if o.catalog_collation == 0 { "DATABASE_DEFAULT" } else { "SQL_Latin1_General_CP1_CI_AS" }.into()
            }
            "is_ledger_on" => o.ledger.into(),
            "is_accelerated_database_recovery_on" => o.accelerated_recovery.into(),
            "is_memory_optimized_enabled" => true.into(),
            "is_in_standby"
            | "is_cleanly_shutdown"
            | "is_supplemental_logging_enabled"
            | "is_federation_member"
            | "is_remote_data_archive_enabled"
            | "is_result_set_caching_on"
            | "is_tempdb_spill_to_remote_store"
            | "is_stale_page_detection_on"
            | "is_data_retention_enabled"
            | "is_change_feed_enabled" => false.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.database_query_store_options`.
pub(super) fn query_store(s: &mut Scan<'_, '_>) {
    let d = s.db();
    let q = &d.options.query_store;
    let states = ["OFF", "READ_ONLY", "READ_WRITE"];
    // Write access needs a database that can be written to: 1 tells that it is read-only.
    let read_only = q.state == 2 && d.options.read_only;
    let actual = if read_only { 1 } else { q.state };
    s.row(&|column| match column {
        "desired_state" => q.state.into(),
        "desired_state_desc" => states[usize::from(q.state.min(2))].into(),
        "actual_state" => actual.into(),
        "actual_state_desc" => states[usize::from(actual.min(2))].into(),
        "readonly_reason" => i32::from(read_only).into(),
        "current_storage_size_mb" => 0.into(),
        "flush_interval_seconds" => q.flush_seconds.into(),
        "interval_length_minutes" => q.interval_minutes.into(),
        "max_storage_size_mb" => q.max_storage_mb.into(),
        "stale_query_threshold_days" => q.stale_days.into(),
        "max_plans_per_query" => q.max_plans.into(),
        "query_capture_mode" => q.capture.into(),
        "query_capture_mode_desc" => ["", "ALL", "AUTO", "NONE", "CUSTOM"][usize::from(q.capture.min(4))].into(),
        "capture_policy_execution_count" => q.policy.map(|p| p.executions).into(),
        "capture_policy_total_compile_cpu_time_ms" => q.policy.map(|p| p.compile_ms).into(),
        "capture_policy_total_execution_cpu_time_ms" => q.policy.map(|p| p.execution_ms).into(),
        "capture_policy_stale_threshold_hours" => q.policy.map(|p| p.stale_hours).into(),
        "size_based_cleanup_mode" => q.size_cleanup.into(),
        "size_based_cleanup_mode_desc" => if q.size_cleanup { "AUTO" } else { "OFF" }.into(),
        "wait_stats_capture_mode" => q.wait_statistics.into(),
        "wait_stats_capture_mode_desc" => if q.wait_statistics { "ON" } else { "OFF" }.into(),
        "actual_state_additional_info" => "".into(),
        _ => Cell::Unsaid,
    });
}

/// `sys.database_filestream_options`: a row for each database.
pub(super) fn filestream(s: &mut Scan<'_, '_>) {
    for d in s.source.server.databases.values() {
        let o = &d.options;
        s.row(&|column| match column {
            "database_id" => d.database_id.into(),
            "directory_name" => o.filestream_directory.as_ref().into(),
            "non_transacted_access" => o.non_transacted_access.into(),
            "non_transacted_access_desc" => match o.non_transacted_access {
                1 => "READ_ONLY",
                3 => "FULL",
                // Assumption: OFF, as the option is called; the page prints NONE.
                _ => "OFF",
            }
            .into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.change_tracking_databases`: those that track changes.
pub(super) fn change_tracking(s: &mut Scan<'_, '_>) {
    for d in s.source.server.databases.values() {
        let Some((period, unit, cleanup)) = &d.options.change_tracking else { continue };
        let (code, text) = match unit.trim_end_matches('S') {
            "MINUTE" => (1, "MINUTES"),
            "HOUR" => (2, "HOURS"),
            _ => (3, "DAYS"),
        };
        s.row(&|column| match column {
            "database_id" => d.database_id.into(),
            "is_auto_cleanup_on" => (*cleanup).into(),
            "retention_period" => (*period).into(),
            "retention_period_units" => code.into(),
            "retention_period_units_desc" => text.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.database_scoped_configurations`.
pub(super) fn scoped(s: &mut Scan<'_, '_>) {
    let d = s.db();
    let value = |text: &str| match text {
        "ON" => int(1),
        "OFF" => int(0),
        text => text.parse().map_or_else(|_| words(text, true, &d.collation), int),
    };
    for c in scoped_configurations(s.source.server.product) {
        let of = |list: &[(String, String)]| list.iter().find(|(n, _)| n == c.name).map(|(_, v)| v.clone());
        let set = of(&d.options.scoped);
        let secondary = of(&d.options.scoped_secondary);
        // OFF is a word of its own where the others are words.
        let as_words = c.default == "OFF";
        let shown = |text: &str| if as_words { words(text, true, &d.collation) } else { value(text) };
        let code = |text: &str| match text {
            "ON" => "1".to_string(),
            "OFF" if !as_words => "0".to_string(),
            other => other.to_string(),
        };
        s.row(&|column| match column {
            "configuration_id" => c.id.into(),
            "name" => c.name.into(),
            "value" => shown(set.as_deref().unwrap_or(c.default)),
            "value_for_secondary" => secondary.as_deref().map_or(Cell::Null, shown),
            "is_value_default" => set.as_ref().is_none_or(|v| code(v) == c.default).into(),
            _ => Cell::Unsaid,
        });
    }
}
