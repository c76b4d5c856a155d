//! Views of the server: databases, files, data spaces, partitioning, settings, sessions.

use super::cell::{int, words};
use super::{Cell, Scan};
use crate::sandbox::ddl::exec::procedures::CONFIGURATIONS;
use crate::sandbox::meta::database::DatabaseFile;
use crate::sandbox::meta::{Database, Server, UserAccess, types};

fn sid_of(server: &Server, login: &str) -> Cell {
    server.login(login).map_or(Cell::Bytes(vec![1]), |l| Cell::Bytes(l.sid.clone()))
}

/// `sys.databases`.
pub(super) fn databases(s: &mut Scan<'_, '_>) {
    let server = s.source.server;
    for d in server.databases.values() {
        let o = &d.options;
        let contained = o.containment == 1;
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
            "is_query_store_on" => o.query_store.into(),
            "service_broker_guid" => Cell::Guid(d.guid),
            "is_broker_enabled" => o.broker_enabled.into(),
            "log_reuse_wait" => 0.into(),
            "log_reuse_wait_desc" => "NOTHING".into(),
            "is_date_correlation_on" => o.date_correlation.into(),
            "is_cdc_enabled" => o.cdc_enabled.into(),
            "is_encrypted" => o.encrypted.into(),
            "is_honor_broker_priority_on" => o.honor_broker_priority.into(),
            "default_language_lcid" => when(contained, o.default_language.as_ref().map_or(1033, |l| l.0).into()),
            "default_language_name" => when(contained, "us_english".into()),
            "default_fulltext_language_lcid" => {
                when(contained, o.default_fulltext_language.as_ref().map_or(1033, |l| l.0).into())
            }
            "default_fulltext_language_name" => when(contained, "English".into()),
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
            "catalog_collation_type" => 0.into(),
            "catalog_collation_type_desc" => "DATABASE_DEFAULT".into(),
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
            | "is_ledger_on"
            | "is_change_feed_enabled" => false.into(),
            _ => Cell::Unsaid,
        });
    }
}

fn file_row(d: &Database, f: &DatabaseFile, column: &str) -> Cell {
    match column {
        "database_id" => d.database_id.into(),
        "file_id" => f.file_id.into(),
        "file_guid" => Cell::Guid(f.guid),
        "type" => f.kind.into(),
        "type_desc" => ["ROWS", "LOG", "FILESTREAM"][usize::from(f.kind.min(2))].into(),
        "data_space_id" => f.data_space_id.into(),
        "name" => (&f.name).into(),
        "physical_name" => (&f.physical_name).into(),
        "state" => 0.into(),
        "state_desc" => "ONLINE".into(),
        "size" => f.size.into(),
        "max_size" => f.max_size.into(),
        "growth" => f.growth.into(),
        "is_percent_growth" => f.percent_growth.into(),
        _ => Cell::Unsaid,
    }
}

/// `sys.database_files`.
pub(super) fn database_files(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for f in &d.files {
        s.row(&|column| file_row(d, f, column));
    }
}

/// `sys.master_files`.
pub(super) fn master_files(s: &mut Scan<'_, '_>) {
    for d in s.source.server.databases.values() {
        for f in &d.files {
            s.row(&|column| file_row(d, f, column));
        }
    }
}

/// `sys.configurations`.
pub(super) fn configurations(s: &mut Scan<'_, '_>) {
    let server = s.source.server;
    for (id, name, value, minimum, maximum, dynamic, advanced) in CONFIGURATIONS {
        let (set, used) = server.configurations.get(id).copied().unwrap_or((*value, *value));
        s.row(&|column| match column {
            "configuration_id" => (*id).into(),
            "name" | "description" => (*name).into(),
            "value" => int(set),
            "value_in_use" => int(used),
            "minimum" => int(*minimum),
            "maximum" => int(*maximum),
            "is_dynamic" => (*dynamic).into(),
            "is_advanced" => (*advanced).into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.database_scoped_configurations`.
pub(super) fn scoped_configurations(s: &mut Scan<'_, '_>) {
    let d = s.db();
    // The first ids are stable between versions; the names are those ALTER DATABASE SCOPED CONFIGURATION takes.
    let known = [
        (1, "MAXDOP", 0),
        (2, "LEGACY_CARDINALITY_ESTIMATION", 0),
        (3, "PARAMETER_SNIFFING", 1),
        (4, "QUERY_OPTIMIZER_HOTFIXES", 0),
    ];
    for (id, name, default) in known {
        let set = d.options.scoped.iter().find(|(n, _)| n == name).map(|(_, v)| match v.as_str() {
            "ON" => 1,
            "OFF" => 0,
            number => number.parse().unwrap_or(default),
        });
        s.row(&|column| match column {
            "configuration_id" => id.into(),
            "name" => name.into(),
            "value" => int(set.unwrap_or(default)),
            "is_value_default" => set.is_none_or(|v| v == default).into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.messages` and `sys.sysmessages`: the few whose full template is at hand.
pub(super) fn messages(s: &mut Scan<'_, '_>) {
    let known = [
        (207, 16, "Invalid column name '%.*ls'."),
        (208, 16, "Invalid object name '%.*ls'."),
        (
            515,
            16,
            "Cannot insert the value NULL into column '%.*ls', table '%.*ls'; column does not allow nulls. %ls fails.",
        ),
        (
            547,
            16,
            "The %ls statement conflicted with the %ls constraint \"%.*ls\". The conflict occurred in database \"%.*ls\", table \"%.*ls\"%ls%.*ls%ls.",
        ),
        (911, 16, "Database '%.*ls' does not exist. Make sure that the name is entered correctly."),
        (
            1205,
            13,
            "Transaction (Process ID %d) was deadlocked on %.*ls resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
        ),
        (1801, 16, "Database '%.*ls' already exists. Choose a different database name."),
        (
            2601,
            14,
            "Cannot insert duplicate key row in object '%.*ls' with unique index '%.*ls'. The duplicate key value is %ls.",
        ),
        (
            2627,
            14,
            "Violation of %ls constraint '%.*ls'. Cannot insert duplicate key in object '%.*ls'. The duplicate key value is %ls.",
        ),
        (2714, 16, "There is already an object named '%.*ls' in the database."),
        (4060, 11, "Cannot open database \"%.*ls\" requested by the login. The login failed."),
        (18456, 14, "Login failed for user '%.*ls'.%.*ls%.*ls"),
    ];
    for (number, severity, text) in known {
        s.row(&|column| match column {
            "message_id" | "error" => number.into(),
            "language_id" | "msglangid" => 1033.into(),
            "severity" => severity.into(),
            "text" | "description" => text.into(),
            _ => Cell::Unsaid,
        });
    }
}

fn visible(s: &Scan<'_, '_>, login: &str) -> bool {
    let source = s.source;
    login.eq_ignore_ascii_case(source.login)
        || source.server.login(source.login).is_some_and(|l| {
            l.is_sysadmin() || l.permissions.iter().any(|(p, g)| *g == 'G' && p.starts_with("VIEW SERVER"))
        })
}

/// `sys.dm_exec_sessions`.
pub(super) fn sessions(s: &mut Scan<'_, '_>) {
    let source = s.source;
    for x in source.sessions {
        if !visible(s, &x.login) {
            continue;
        }
        s.row(&|column| match column {
            "session_id" => x.session_id.into(),
            "login_time" | "last_request_start_time" | "last_request_end_time" => x.since.into(),
            "host_name" => (&x.host).into(),
            "program_name" => (&x.application).into(),
            "host_process_id" => i64::from(x.client_pid).into(),
            "client_version" => 7.into(),
            "client_interface_name" => (&x.library).into(),
            "security_id" | "original_security_id" => sid_of(source.server, &x.login),
            "login_name" | "original_login_name" => (&x.login).into(),
            "nt_domain" | "nt_user_name" => "".into(),
            "status" => if x.running { "running" } else { "sleeping" }.into(),
            "is_user_process" => true.into(),
            "text_size" => i32::MAX.into(),
            "language" => "us_english".into(),
            "date_format" => "mdy".into(),
            "date_first" => 7.into(),
            "quoted_identifier"
            | "ansi_null_dflt_on"
            | "ansi_warnings"
            | "ansi_padding"
            | "ansi_nulls"
            | "concat_null_yields_null" => true.into(),
            "transaction_isolation_level" => x.isolation.into(),
            "lock_timeout" => (-1).into(),
            "endpoint_id" => 4.into(),
            "group_id" => 2.into(),
            "database_id" => x.database_id.into(),
            "authenticating_database_id" => 1.into(),
            "open_transaction_count" => x.open_transactions.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.dm_exec_requests`.
pub(super) fn requests(s: &mut Scan<'_, '_>) {
    let source = s.source;
    for x in source.sessions.iter().filter(|x| x.running) {
        if !visible(s, &x.login) {
            continue;
        }
        s.row(&|column| match column {
            "session_id" => x.session_id.into(),
            "start_time" => x.since.into(),
            "status" => "running".into(),
            "command" => (&x.command).into(),
            "database_id" => x.database_id.into(),
            "user_id" => 1.into(),
            "blocking_session_id" => 0.into(),
            "wait_resource" => "".into(),
            "last_wait_type" => "MISCELLANEOUS".into(),
            "text_size" => i32::MAX.into(),
            "language" => "us_english".into(),
            "date_format" => "mdy".into(),
            "date_first" => 7.into(),
            "transaction_isolation_level" => x.isolation.into(),
            "open_transaction_count" => x.open_transactions.into(),
            "open_resultset_count" | "dop" => 1.into(),
            "lock_timeout" => (-1).into(),
            "quoted_identifier"
            | "ansi_null_dflt_on"
            | "ansi_warnings"
            | "ansi_padding"
            | "ansi_nulls"
            | "concat_null_yields_null" => true.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.database_service_objectives`.
pub(super) fn service_objectives(s: &mut Scan<'_, '_>) {
    for d in s.source.server.databases.values() {
        s.row(&|column| match column {
            "database_id" => d.database_id.into(),
            "edition" => d.options.edition.as_ref().into(),
            "service_objective" => d.options.service_objective.as_ref().into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.data_spaces`, `sys.filegroups`, `sys.partition_schemes`.
pub(super) fn data_spaces(s: &mut Scan<'_, '_>, groups: bool, schemes: bool) {
    let d = s.db();
    for g in d.filegroups.iter().filter(|_| groups) {
        s.row(&|column| match column {
            "name" => (&g.name).into(),
            "data_space_id" => g.data_space_id.into(),
            "type" => (&g.kind).into(),
            "type_desc" => match g.kind.as_str() {
                "FX" => "MEMORY_OPTIMIZED_DATA_FILEGROUP",
                "FD" => "FILESTREAM_DATA_FILEGROUP",
                _ => "ROWS_FILEGROUP",
            }
            .into(),
            "is_default" => g.is_default.into(),
            "is_system" | "is_autogrow_all_files" => false.into(),
            "is_read_only" => g.is_read_only.into(),
            "filegroup_guid" => g.guid.map_or(Cell::Null, Cell::Guid),
            _ => Cell::Unsaid,
        });
    }
    for p in d.partition_schemes.iter().filter(|_| schemes) {
        s.row(&|column| match column {
            "name" => (&p.name).into(),
            "data_space_id" => p.data_space_id.into(),
            "type" => "PS".into(),
            "type_desc" => "PARTITION_SCHEME".into(),
            "is_default" | "is_system" => false.into(),
            "function_id" => p.function_id.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.partition_functions`.
pub(super) fn partition_functions(s: &mut Scan<'_, '_>) {
    for f in &s.db().partition_functions {
        s.row(&|column| match column {
            "name" => (&f.name).into(),
            "function_id" => f.id.into(),
            "type" => "R ".into(),
            "type_desc" => "RANGE".into(),
            "fanout" => ((f.boundaries.len() + 1) as i64).into(),
            "boundary_value_on_right" => f.right.into(),
            "create_date" => f.created.into(),
            "modify_date" => f.modified.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.partition_parameters`.
pub(super) fn partition_parameters(s: &mut Scan<'_, '_>) {
    for f in &s.db().partition_functions {
        let (system, length, precision, scale) = types::facets(&f.ty);
        s.row(&|column| match column {
            "function_id" => f.id.into(),
            "parameter_id" => 1.into(),
            "system_type_id" | "user_type_id" => system.into(),
            "max_length" => length.into(),
            "precision" => precision.into(),
            "scale" => scale.into(),
            "collation_name" => f.ty.collation.as_ref().map(|c| c.name.as_str()).into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.partition_range_values`.
// Assumption: boundary values are shown as numbers where they are plain integers, as text otherwise.
pub(super) fn partition_range_values(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for f in &d.partition_functions {
        for (n, text) in (1i64..).zip(&f.boundaries) {
            let bare = text.trim_matches(['(', ')']);
            s.row(&|column| match column {
                "function_id" => f.id.into(),
                "boundary_id" => n.into(),
                "parameter_id" => 1.into(),
                "value" => match bare.parse::<i128>() {
                    Ok(number) => super::cell::number(&f.ty, number),
                    Err(_) => {
                        let inner = bare.strip_prefix('N').unwrap_or(bare).trim_matches('\'').replace("''", "'");
                        words(&inner, true, &d.collation)
                    }
                },
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.destination_data_spaces`.
pub(super) fn destination_data_spaces(s: &mut Scan<'_, '_>) {
    for p in &s.db().partition_schemes {
        for (n, space) in (1i64..).zip(&p.destinations) {
            s.row(&|column| match column {
                "partition_scheme_id" => p.data_space_id.into(),
                "destination_id" => n.into(),
                "data_space_id" => (*space).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}
