//! One option at a time: ALTER DATABASE SET and ALTER DATABASE SCOPED CONFIGURATION.

use crate::sandbox::ddl::ast::{Opt, OptValue};
use crate::sandbox::ddl::error::{DdlResult, syntax};
use crate::sandbox::meta::options::{CapturePolicy, QueryStore, scoped_configurations};
use crate::sandbox::meta::{Database, Options, Product, SnapshotState, UserAccess, languages};

use super::database::option_refused;

/// One option of ALTER DATABASE SET.
///
/// What is no option is 102; what is one and not held here is 5058, by name.
pub(super) fn apply(database: &mut Database, option: &Opt, session: i32, shown: &str) -> DdlResult<()> {
    if setting(&mut database.options, option) {
        return Ok(());
    }
    let o = &mut database.options;
    let on = option.is_on();
    let word = option.word();
    match option.name.as_str() {
        "ALLOW_SNAPSHOT_ISOLATION" => o.snapshot = if on { SnapshotState::On } else { SnapshotState::Off },
        "READ_COMMITTED_SNAPSHOT" => o.read_committed_snapshot = on,
        "SINGLE_USER" => {
            o.user_access = UserAccess::Single;
            o.holder = Some(session);
        }
        "MULTI_USER" => {
            o.user_access = UserAccess::Multi;
            o.holder = None;
        }
        "RESTRICTED_USER" => {
            o.user_access = UserAccess::Restricted;
            o.holder = None;
        }
        "READ_ONLY" => o.read_only = true,
        "READ_WRITE" => o.read_only = false,
        "OFFLINE" => o.offline = true,
        "ONLINE" => o.offline = false,
        "RECOVERY" => {
            o.recovery = match word.as_str() {
                "BULK_LOGGED" => 2,
                "SIMPLE" => 3,
                _ => 1,
            }
        }
        "PAGE_VERIFY" => {
            o.page_verify = match word.as_str() {
                "NONE" => 0,
                "TORN_PAGE_DETECTION" => 1,
                _ => 2,
            }
        }
        "COMPATIBILITY_LEVEL" => {
            if let Some(level) = option.number().and_then(|n| u8::try_from(n).ok()) {
                o.compatibility_level = level;
            }
        }
        "CONTAINMENT" => o.containment = u8::from(word == "PARTIAL"),
        "AUTO_CLOSE" => o.auto_close = on,
        "AUTO_SHRINK" => o.auto_shrink = on,
        "AUTO_CREATE_STATISTICS" => {
            o.auto_create_stats = on;
            o.auto_create_stats_incremental =
                option.inner().iter().any(|i| i.name.starts_with("INCREMENTAL") && i.is_on());
        }
        "AUTO_UPDATE_STATISTICS" => o.auto_update_stats = on,
        "AUTO_UPDATE_STATISTICS_ASYNC" => o.auto_update_stats_async = on,
        "ANSI_NULL_DEFAULT" => o.ansi_null_default = on,
        "ANSI_NULLS" => o.ansi_nulls = on,
        "ANSI_PADDING" => o.ansi_padding = on,
        "ANSI_WARNINGS" => o.ansi_warnings = on,
        "ARITHABORT" => o.arithabort = on,
        "CONCAT_NULL_YIELDS_NULL" => o.concat_null_yields_null = on,
        "NUMERIC_ROUNDABORT" => o.numeric_roundabort = on,
        "QUOTED_IDENTIFIER" => o.quoted_identifier = on,
        "RECURSIVE_TRIGGERS" => o.recursive_triggers = on,
        "CURSOR_CLOSE_ON_COMMIT" => o.cursor_close_on_commit = on,
        "CURSOR_DEFAULT" => o.local_cursor_default = word == "LOCAL",
        "TRUSTWORTHY" => o.trustworthy = on,
        "DB_CHAINING" => o.db_chaining = on,
        "PARAMETERIZATION" => o.parameterization_forced = word == "FORCED",
        "QUERY_STORE" => return query_store(&mut o.query_store, option),
        "ENABLE_BROKER" => o.broker_enabled = true,
        "NEW_BROKER" => {
            o.broker_enabled = true;
            database.guid = *uuid::Uuid::new_v4().as_bytes();
        }
        // Ends conversations, of which there are none.
        "ERROR_BROKER_CONVERSATIONS" => o.broker_enabled = true,
        "DISABLE_BROKER" => o.broker_enabled = false,
        "HONOR_BROKER_PRIORITY" => o.honor_broker_priority = on,
        "DATE_CORRELATION_OPTIMIZATION" => o.date_correlation = on,
        "ENCRYPTION" => o.encrypted = on,
        "TARGET_RECOVERY_TIME" => {
            if let OptValue::Number(n, unit) = &option.value {
                let factor = if unit.as_deref().is_some_and(|u| u.starts_with("MINUTE")) { 60 } else { 1 };
                o.target_recovery_seconds = n.parse::<i32>().ok().and_then(|n| n.checked_mul(factor)).unwrap_or(60);
            }
        }
        "DELAYED_DURABILITY" => {
            o.delayed_durability = match word.as_str() {
                "ALLOWED" => 1,
                "FORCED" => 2,
                _ => 0,
            }
        }
        "MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT" => o.elevate_to_snapshot = on,
        "MIXED_PAGE_ALLOCATION" => o.mixed_page_allocation = on,
        "TEMPORAL_HISTORY_RETENTION" => o.temporal_retention = on,
        "ACCELERATED_DATABASE_RECOVERY" => o.accelerated_recovery = on,
        "VARDECIMAL_STORAGE_FORMAT" | "STALE_PAGE_DETECTION" => {}
        "CHANGE_TRACKING" => {
            o.change_tracking = if word == "OFF" {
                None
            } else {
                let mut tracking = o.change_tracking.clone().unwrap_or((2, "DAYS".into(), true));
                for inner in option.inner() {
                    match (inner.name.as_str(), &inner.value) {
                        ("CHANGE_RETENTION", OptValue::Number(n, unit)) => {
                            tracking.0 = n.parse().unwrap_or(2);
                            tracking.1 = unit.clone().unwrap_or_else(|| "DAYS".into());
                        }
                        ("AUTO_CLEANUP", _) => tracking.2 = inner.is_on(),
                        (other, _) => return Err(syntax(other)),
                    }
                }
                Some(tracking)
            };
        }
        "EMERGENCY"
        | "HADR"
        | "REMOTE_DATA_ARCHIVE"
        | "PARTNER"
        | "WITNESS"
        | "AUTOMATIC_TUNING"
        | "PERSISTENT_LOG_BUFFER"
        | "SUPPLEMENTAL_LOGGING"
        | "DATA_RETENTION"
        | "OPTIMIZED_LOCKING"
        | "SUSPEND_FOR_SNAPSHOT_BACKUP" => {
            // Assumption: 5058 for options that this server knows and does not hold.
            return Err(option_refused(&option.name, shown, 1));
        }
        other => return Err(syntax(other)),
    }
    Ok(())
}

/// The options that CREATE DATABASE takes, too; `false` if this is none of them.
pub(super) fn setting(o: &mut Options, option: &Opt) -> bool {
    let on = option.is_on();
    match option.name.as_str() {
        "NESTED_TRIGGERS" => o.nested_triggers = on,
        "TRANSFORM_NOISE_WORDS" => o.transform_noise_words = on,
        "TWO_DIGIT_YEAR_CUTOFF" => {
            if let Some(year) = option.number().and_then(|n| i16::try_from(n).ok()) {
                o.two_digit_year_cutoff = year;
            }
        }
        "DEFAULT_LANGUAGE" => {
            o.default_language = languages::lcid(&plain(option)).and_then(|n| i16::try_from(n).ok());
        }
        "DEFAULT_FULLTEXT_LANGUAGE" => o.default_fulltext_language = languages::lcid(&plain(option)),
        "FILESTREAM" => {
            for inner in option.inner() {
                match (inner.name.as_str(), &inner.value) {
                    ("NON_TRANSACTED_ACCESS", _) => {
                        o.non_transacted_access = match inner.word().as_str() {
                            "READ_ONLY" => 1,
                            "FULL" => 3,
                            _ => 0,
                        }
                    }
                    ("DIRECTORY_NAME", OptValue::Text(name)) => o.filestream_directory = Some(name.clone()),
                    ("DIRECTORY_NAME", _) => o.filestream_directory = None,
                    _ => return false,
                }
            }
        }
        _ => return false,
    }
    true
}

/// The value as written, whatever it is.
fn plain(option: &Opt) -> String {
    match &option.value {
        OptValue::Name(parts, _) => parts.join("."),
        OptValue::Number(n, _) => n.clone(),
        OptValue::Text(t) => t.clone(),
        _ => String::new(),
    }
}

fn query_store(store: &mut QueryStore, option: &Opt) -> DdlResult<()> {
    match option.word().as_str() {
        "OFF" => store.state = 0,
        "ON" => store.state = 2,
        // CLEAR: nothing was captured.
        "CLEAR" | "ALL" => return Ok(()),
        _ => {}
    }
    for inner in option.inner() {
        let word = inner.word();
        let number = inner.number();
        match inner.name.as_str() {
            "OPERATION_MODE" => {
                store.state = match word.as_str() {
                    "READ_ONLY" => 1,
                    "READ_WRITE" => 2,
                    _ => return Err(syntax(&word)),
                }
            }
            "CLEANUP_POLICY" => {
                let days = inner.inner().iter().find(|o| o.name == "STALE_QUERY_THRESHOLD_DAYS").and_then(Opt::number);
                store.stale_days = days.unwrap_or(store.stale_days);
            }
            "DATA_FLUSH_INTERVAL_SECONDS" => store.flush_seconds = number.unwrap_or(store.flush_seconds),
            "INTERVAL_LENGTH_MINUTES" => store.interval_minutes = number.unwrap_or(store.interval_minutes),
            "MAX_STORAGE_SIZE_MB" => store.max_storage_mb = number.unwrap_or(store.max_storage_mb),
            "MAX_PLANS_PER_QUERY" => store.max_plans = number.unwrap_or(store.max_plans),
            "QUERY_CAPTURE_MODE" => {
                store.capture = match word.as_str() {
                    "ALL" => 1,
                    "AUTO" => 2,
                    "NONE" => 3,
                    "CUSTOM" => 4,
                    _ => return Err(syntax(&word)),
                };
                store.policy = (store.capture == 4).then(|| store.policy.unwrap_or_default());
            }
            "QUERY_CAPTURE_POLICY" => {
                let mut policy = store.policy.unwrap_or_default();
                capture_policy(&mut policy, inner.inner())?;
                store.policy = Some(policy);
            }
            // OFF (FORCED).
            "FORCED" => {}
            "SIZE_BASED_CLEANUP_MODE" => store.size_cleanup = word == "AUTO",
            "WAIT_STATS_CAPTURE_MODE" => store.wait_statistics = word == "ON",
            other => return Err(syntax(other)),
        }
    }
    Ok(())
}

fn capture_policy(policy: &mut CapturePolicy, options: &[Opt]) -> DdlResult<()> {
    for option in options {
        let OptValue::Number(text, unit) = &option.value else { return Err(syntax(&option.name)) };
        let number = text.parse::<i32>().map_err(|_| syntax(text))?;
        match option.name.as_str() {
            "EXECUTION_COUNT" => policy.executions = number,
            "TOTAL_COMPILE_CPU_TIME_MS" => policy.compile_ms = i64::from(number),
            "TOTAL_EXECUTION_CPU_TIME_MS" => policy.execution_ms = i64::from(number),
            "STALE_CAPTURE_POLICY_THRESHOLD" => {
                let days = unit.as_deref().is_some_and(|u| u.starts_with("DAY"));
                policy.stale_hours = if days { number.saturating_mul(24) } else { number };
            }
            other => return Err(syntax(other)),
        }
    }
    Ok(())
}

/// ALTER DATABASE SCOPED CONFIGURATION; an empty value is CLEAR.
pub(super) fn scoped(o: &mut Options, product: Product, name: &str, value: &str, secondary: bool) -> DdlResult<()> {
    if value.is_empty() {
        // CLEAR PROCEDURE_CACHE: there is none.
        return if name == "PROCEDURE_CACHE" { Ok(()) } else { Err(syntax(name)) };
    }
    if !scoped_configurations(product).any(|c| c.name == name) {
        return Err(syntax(name));
    }
    let list = if secondary { &mut o.scoped_secondary } else { &mut o.scoped };
    list.retain(|(n, _)| n != name);
    // PRIMARY: the secondary follows again.
    if !(secondary && value == "PRIMARY") {
        list.push((name.to_string(), value.to_string()));
    }
    Ok(())
}
