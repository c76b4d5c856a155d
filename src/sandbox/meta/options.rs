//! Options of a database: what ALTER DATABASE SET and SCOPED CONFIGURATION change and `sys.databases`,
//! `sys.database_query_store_options` and their like show.

use serde::{Deserialize, Serialize};

use super::version::Product;

/// SNAPSHOT isolation (fact 63).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum SnapshotState {
    #[default]
    Off,
    On,
    ToOff,
    ToOn,
}

impl SnapshotState {
    /// `snapshot_isolation_state` and its text.
    pub fn code(self) -> (u8, &'static str) {
        match self {
            SnapshotState::Off => (0, "OFF"),
            SnapshotState::On => (1, "ON"),
            SnapshotState::ToOff => (2, "IN_TRANSITION_TO_OFF"),
            SnapshotState::ToOn => (3, "IN_TRANSITION_TO_ON"),
        }
    }
}

/// Who may be in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum UserAccess {
    #[default]
    Multi,
    Single,
    Restricted,
}

/// QUERY_STORE (…).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct QueryStore {
    /// 0 OFF, 1 READ_ONLY, 2 READ_WRITE.
    pub state: u8,
    pub flush_seconds: i64,
    pub interval_minutes: i64,
    pub max_storage_mb: i64,
    pub stale_days: i64,
    pub max_plans: i64,
    /// 1 ALL, 2 AUTO, 3 NONE, 4 CUSTOM.
    pub capture: u8,
    /// Of CUSTOM: executions, compile and execution milliseconds, hours.
    pub policy: Option<CapturePolicy>,
    pub size_cleanup: bool,
    pub wait_statistics: bool,
}

/// QUERY_CAPTURE_POLICY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CapturePolicy {
    pub executions: i32,
    pub compile_ms: i64,
    pub execution_ms: i64,
    pub stale_hours: i32,
}

impl Default for CapturePolicy {
    /// As documented: 30 executions, one second of compiling, a tenth of executing, within a day.
    fn default() -> Self {
        CapturePolicy { executions: 30, compile_ms: 1000, execution_ms: 100, stale_hours: 24 }
    }
}

impl QueryStore {
    /// As documented: off before 2022; everything captured into 100 MB before 2019, what matters into 1,000 MB since.
    pub fn fresh(compatibility_level: u8, azure: bool) -> QueryStore {
        let late = compatibility_level >= 150 || azure;
        QueryStore {
            state: if azure || compatibility_level >= 160 { 2 } else { 0 },
            flush_seconds: 900,
            interval_minutes: 60,
            max_storage_mb: if late { 1000 } else { 100 },
            stale_days: 30,
            max_plans: 200,
            capture: if late { 2 } else { 1 },
            policy: None,
            size_cleanup: true,
            wait_statistics: true,
        }
    }
}

/// Options of a database (`sys.databases`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Options {
    pub compatibility_level: u8,
    pub user_access: UserAccess,
    /// In SINGLE_USER: the session that holds the seat.
    pub holder: Option<i32>,
    pub read_only: bool,
    pub offline: bool,
    pub snapshot: SnapshotState,
    pub read_committed_snapshot: bool,
    /// 1 FULL, 2 BULK_LOGGED, 3 SIMPLE.
    pub recovery: u8,
    /// 0 NONE, 1 TORN_PAGE_DETECTION, 2 CHECKSUM.
    pub page_verify: u8,
    /// 0 NONE, 1 PARTIAL.
    pub containment: u8,
    pub auto_close: bool,
    pub auto_shrink: bool,
    pub auto_create_stats: bool,
    pub auto_create_stats_incremental: bool,
    pub auto_update_stats: bool,
    pub auto_update_stats_async: bool,
    pub ansi_null_default: bool,
    pub ansi_nulls: bool,
    pub ansi_padding: bool,
    pub ansi_warnings: bool,
    pub arithabort: bool,
    pub concat_null_yields_null: bool,
    pub numeric_roundabort: bool,
    pub quoted_identifier: bool,
    pub recursive_triggers: bool,
    pub cursor_close_on_commit: bool,
    pub local_cursor_default: bool,
    pub fulltext_enabled: bool,
    pub trustworthy: bool,
    pub db_chaining: bool,
    pub parameterization_forced: bool,
    pub query_store: QueryStore,
    pub broker_enabled: bool,
    pub honor_broker_priority: bool,
    pub date_correlation: bool,
    pub cdc_enabled: bool,
    pub encrypted: bool,
    pub target_recovery_seconds: i32,
    /// 0 DISABLED, 1 ALLOWED, 2 FORCED.
    pub delayed_durability: i32,
    pub elevate_to_snapshot: bool,
    pub mixed_page_allocation: bool,
    pub temporal_retention: bool,
    pub accelerated_recovery: bool,
    pub nested_triggers: bool,
    pub transform_noise_words: bool,
    pub two_digit_year_cutoff: i16,
    /// LCID; only contained databases have one.
    pub default_language: Option<i16>,
    /// LCID; only contained databases have one.
    pub default_fulltext_language: Option<i32>,
    /// CHANGE_TRACKING: retention, its unit, auto clean-up.
    pub change_tracking: Option<(i32, String, bool)>,
    /// FILESTREAM (DIRECTORY_NAME = …).
    pub filestream_directory: Option<String>,
    /// FILESTREAM (NON_TRANSACTED_ACCESS = …): 0 off, 1 read only, 3 full.
    pub non_transacted_access: u8,
    /// CATALOG_COLLATION: 0 DATABASE_DEFAULT, 2 SQL_Latin1_General_CP1_CI_AS.
    pub catalog_collation: u8,
    /// WITH LEDGER = ON.
    pub ledger: bool,
    /// ALTER DATABASE SCOPED CONFIGURATION: name, value.
    pub scoped: Vec<(String, String)>,
    /// The same FOR SECONDARY.
    pub scoped_secondary: Vec<(String, String)>,
    /// Azure: edition, service objective, MAXSIZE in bytes.
    pub edition: Option<String>,
    pub service_objective: Option<String>,
    pub max_size: Option<i64>,
}

impl Options {
    /// What a new database has, by the model database of a fresh server.
    // Assumption: the options of model as a fresh box has them (FULL recovery, CHECKSUM, statistics on, the ANSI
    // options off); Azure has snapshot isolation and read committed snapshot on.
    pub fn fresh(compatibility_level: u8, azure: bool) -> Options {
        Options {
            compatibility_level,
            user_access: UserAccess::Multi,
            holder: None,
            read_only: false,
            offline: false,
            snapshot: if azure { SnapshotState::On } else { SnapshotState::Off },
            read_committed_snapshot: azure,
            recovery: 1,
            page_verify: 2,
            containment: 0,
            auto_close: false,
            auto_shrink: false,
            auto_create_stats: true,
            auto_create_stats_incremental: false,
            auto_update_stats: true,
            auto_update_stats_async: false,
            ansi_null_default: false,
            ansi_nulls: false,
            ansi_padding: false,
            ansi_warnings: false,
            arithabort: false,
            concat_null_yields_null: false,
            numeric_roundabort: false,
            quoted_identifier: false,
            recursive_triggers: false,
            cursor_close_on_commit: false,
            local_cursor_default: false,
            fulltext_enabled: true,
            trustworthy: false,
            db_chaining: false,
            parameterization_forced: false,
            query_store: QueryStore::fresh(compatibility_level, azure),
            broker_enabled: true,
            honor_broker_priority: false,
            date_correlation: false,
            cdc_enabled: false,
            encrypted: azure,
            target_recovery_seconds: 60,
            delayed_durability: 0,
            elevate_to_snapshot: false,
            mixed_page_allocation: false,
            temporal_retention: true,
            accelerated_recovery: azure,
            nested_triggers: true,
            transform_noise_words: false,
            two_digit_year_cutoff: 2049,
            default_language: None,
            default_fulltext_language: None,
            change_tracking: None,
            filestream_directory: None,
            non_transacted_access: 0,
            catalog_collation: if azure { 2 } else { 0 },
            ledger: false,
            scoped: Vec::new(),
            scoped_secondary: Vec::new(),
            edition: azure.then(|| "GeneralPurpose".to_string()),
            service_objective: azure.then(|| "GP_S_Gen5_1".to_string()),
            max_size: azure.then_some(34_359_738_368),
        }
    }
}

/// A setting of ALTER DATABASE SCOPED CONFIGURATION.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct ScopedConfiguration {
    pub id: i32,
    pub name: &'static str,
    /// A number, or a word.
    pub default: &'static str,
    since: u16,
}

const fn scoped(id: i32, name: &'static str, default: &'static str, since: u16) -> ScopedConfiguration {
    ScopedConfiguration { id, name, default, since }
}

/// Ids and defaults up to 24 as a server of 2019 lists them.
// Assumption: the ids from 25 on, and which of 6 to 9 a server of 2017 has.
const SCOPED: &[ScopedConfiguration] = &[
    scoped(1, "MAXDOP", "0", 2016),
    scoped(2, "LEGACY_CARDINALITY_ESTIMATION", "0", 2016),
    scoped(3, "PARAMETER_SNIFFING", "1", 2016),
    scoped(4, "QUERY_OPTIMIZER_HOTFIXES", "0", 2016),
    scoped(6, "IDENTITY_CACHE", "1", 2017),
    scoped(7, "INTERLEAVED_EXECUTION_TVF", "1", 2019),
    scoped(8, "BATCH_MODE_MEMORY_GRANT_FEEDBACK", "1", 2019),
    scoped(9, "BATCH_MODE_ADAPTIVE_JOINS", "1", 2019),
    scoped(10, "TSQL_SCALAR_UDF_INLINING", "1", 2019),
    scoped(11, "ELEVATE_ONLINE", "OFF", 2019),
    scoped(12, "ELEVATE_RESUMABLE", "OFF", 2019),
    scoped(13, "OPTIMIZE_FOR_AD_HOC_WORKLOADS", "0", 2019),
    scoped(14, "XTP_PROCEDURE_EXECUTION_STATISTICS", "0", 2019),
    scoped(15, "XTP_QUERY_EXECUTION_STATISTICS", "0", 2019),
    scoped(16, "ROW_MODE_MEMORY_GRANT_FEEDBACK", "1", 2019),
    scoped(17, "ISOLATE_SECURITY_POLICY_CARDINALITY", "0", 2019),
    scoped(18, "BATCH_MODE_ON_ROWSTORE", "1", 2019),
    scoped(19, "DEFERRED_COMPILATION_TV", "1", 2019),
    scoped(20, "ACCELERATED_PLAN_FORCING", "1", 2019),
    scoped(21, "GLOBAL_TEMPORARY_TABLE_AUTO_DROP", "1", 2019),
    scoped(22, "LIGHTWEIGHT_QUERY_PROFILING", "1", 2019),
    scoped(23, "VERBOSE_TRUNCATION_WARNINGS", "1", 2019),
    scoped(24, "LAST_QUERY_PLAN_STATS", "0", 2019),
    scoped(25, "PAUSED_RESUMABLE_INDEX_ABORT_DURATION_MINUTES", "1440", 2022),
    scoped(27, "EXEC_QUERY_STATS_FOR_SCALAR_FUNCTIONS", "1", 2022),
    scoped(28, "PARAMETER_SENSITIVE_PLAN_OPTIMIZATION", "1", 2022),
    scoped(29, "ASYNC_STATS_UPDATE_WAIT_AT_LOW_PRIORITY", "0", 2022),
    scoped(31, "CE_FEEDBACK", "1", 2022),
    scoped(33, "MEMORY_GRANT_FEEDBACK_PERSISTENCE", "1", 2022),
    scoped(34, "MEMORY_GRANT_FEEDBACK_PERCENTILE_GRANT", "1", 2022),
    scoped(35, "OPTIMIZED_PLAN_FORCING", "1", 2022),
    scoped(37, "DOP_FEEDBACK", "0", 2022),
];

/// The settings that a version has.
pub fn scoped_configurations(product: Product) -> impl Iterator<Item = &'static ScopedConfiguration> {
    SCOPED.iter().filter(move |c| c.since <= product.year())
}
