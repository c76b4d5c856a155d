//! Views of the server: databases, files, data spaces, partitioning, settings, sessions.

use super::cell::int;
use super::{Cell, Scan};
use crate::sandbox::ddl::exec::procedures::CONFIGURATIONS;
use crate::sandbox::meta::database::DatabaseFile;
use crate::sandbox::meta::{Database, Server, types};

pub(super) fn sid_of(server: &Server, login: &str) -> Cell {
    server.login(login).map_or(Cell::Bytes(vec![1]), |l| Cell::Bytes(l.sid.clone()))
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
            "is_system" => false.into(),
            "is_autogrow_all_files" => g.autogrow_all.into(),
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
pub(super) fn partition_range_values(s: &mut Scan<'_, '_>) {
    for f in &s.db().partition_functions {
        for (n, value) in (1i64..).zip(&f.boundaries) {
            s.row(&|column| match column {
                "function_id" => f.id.into(),
                "boundary_id" => n.into(),
                "parameter_id" => 1.into(),
                "value" => super::cell::typed(value.as_ref()),
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
