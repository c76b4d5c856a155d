//! The database itself: facts, options, the header of the model.

use super::query::Rows;
use super::{Builder, DatabaseFacts};
use crate::bacpac::model::{DatabaseOptions, Header, Item, Name, Node, Reference, Relationship};
use crate::sqlserver::orders::Record;

pub(super) fn facts(r: &Record<'_>, rows: &Rows) -> DatabaseFacts {
    let version = r.string("version");
    let database = rows.of("sys.databases").next();
    DatabaseFacts {
        database: r.string("database_name"),
        major: version.split('.').next().and_then(|m| m.parse().ok()).unwrap_or_default(),
        version,
        edition: r.string("edition"),
        engine_edition: r.int("engine_edition").unwrap_or_default(),
        banner: r.string("banner"),
        collation: r.string("collation_name"),
        lcid: r.int("lcid").unwrap_or(1033),
        allows_snapshot: database.is_some_and(|d| d.int("snapshot_isolation_state") == Some(1)),
    }
}

/// The model's header.
pub(super) fn header(facts: &DatabaseFacts) -> Header {
    let platform = match (facts.engine_edition, facts.major) {
        (5, _) => "SqlAzureV12",
        (_, ..=9) => "Sql90",
        (_, 10) => "Sql100",
        (_, 11) => "Sql110",
        (_, 12) => "Sql120",
        (_, 13) => "Sql130",
        (_, 14) => "Sql140",
        (_, 15) => "Sql150",
        (_, 16) => "Sql160",
        (_, 17..) => "Sql170",
    };
    let name = facts.collation.to_ascii_uppercase();
    let sensitive = name.contains("_CS") || name.contains("_BIN");
    Header {
        dsp_name: format!("Microsoft.Data.Tools.Schema.Sql.{platform}DatabaseSchemaProvider"),
        collation_lcid: facts.lcid.to_string(),
        collation_case_sensitive: if sensitive { "True" } else { "False" }.into(),
        ..Header::default()
    }
}

/// Options that stand in `sys.databases` as bits, by the model's names.
const BITS: [(&str, &str); 29] = [
    ("IsAnsiNullDefaultOn", "is_ansi_null_default_on"),
    ("IsAnsiNullsOn", "is_ansi_nulls_on"),
    ("IsAnsiPaddingOn", "is_ansi_padding_on"),
    ("IsAnsiWarningsOn", "is_ansi_warnings_on"),
    ("IsArithAbortOn", "is_arithabort_on"),
    ("IsConcatNullYieldsNullOn", "is_concat_null_yields_null_on"),
    ("IsQuotedIdentifierOn", "is_quoted_identifier_on"),
    ("IsNumericRoundAbortOn", "is_numeric_roundabort_on"),
    ("IsRecursiveTriggersOn", "is_recursive_triggers_on"),
    ("IsReadOnly", "is_read_only"),
    ("IsCursorCloseOnCommitOn", "is_cursor_close_on_commit_on"),
    ("IsAutoCloseOn", "is_auto_close_on"),
    ("IsAutoCreateStatisticsOn", "is_auto_create_stats_on"),
    ("IsAutoCreateStatisticsIncrementalOn", "is_auto_create_stats_incremental_on"),
    ("IsAutoShrinkOn", "is_auto_shrink_on"),
    ("IsAutoUpdateStatisticsOn", "is_auto_update_stats_on"),
    ("IsAutoUpdateStatisticsAsyncOn", "is_auto_update_stats_async_on"),
    ("IsFullTextEnabled", "is_fulltext_enabled"),
    ("IsDBChainingOn", "is_db_chaining_on"),
    ("IsTrustworthyOn", "is_trustworthy_on"),
    ("IsDateCorrelationOptimizationOn", "is_date_correlation_on"),
    ("IsReadCommittedSnapshot", "is_read_committed_snapshot_on"),
    ("IsMemoryOptimizedElevatedToSnapshot", "is_memory_optimized_elevate_to_snapshot_on"),
    ("IsSupplementalLoggingOn", "is_supplemental_logging_enabled"),
    ("IsEncryptionOn", "is_encrypted"),
    ("IsBrokerPriorityHonored", "is_honor_broker_priority_on"),
    ("IsNestedTriggersOn", "is_nested_triggers_on"),
    ("IsTransformNoiseWordsOn", "is_transform_noise_words_on"),
    ("TemporalHistoryRetentionEnabled", "is_temporal_history_retention_enabled"),
];

/// Options of the Query Store, by the model's names.
const QUERY_STORE: [(&str, &str); 7] = [
    ("QueryStoreDesiredState", "desired_state"),
    ("QueryStoreCaptureMode", "query_capture_mode"),
    ("QueryStoreFlushInterval", "flush_interval_seconds"),
    ("QueryStoreIntervalLength", "interval_length_minutes"),
    ("QueryStoreMaxStorageSize", "max_storage_size_mb"),
    ("QueryStoreMaxPlansPerQuery", "max_plans_per_query"),
    ("QueryStoreStaleQueryThreshold", "stale_query_threshold_days"),
];

/// Scoped configuration that the model has a property for.
const SCOPED: [(&str, &str); 4] = [
    ("MAXDOP", "MaxDop"),
    ("LEGACY_CARDINALITY_ESTIMATION", "LegacyCardinalityEstimation"),
    ("PARAMETER_SNIFFING", "ParameterSniffing"),
    ("QUERY_OPTIMIZER_HOTFIXES", "QueryOptimizerHotfixes"),
];

impl Builder<'_> {
    /// The options that DacFx keeps.
    pub(super) fn database_options(&mut self) {
        let mut options = DatabaseOptions::default();
        if let Some(r) = self.rows.of("sys.databases").next() {
            of_databases(&mut options, &r);
            self.contained(&mut options, &r);
        }
        if let Some(r) = self.rows.of("sys.database_query_store_options").next() {
            for (name, column) in QUERY_STORE {
                if let Some(n) = r.int(column) {
                    options.set(name, n.to_string());
                    // What these two are when they are absent goes with the platform: they are always said.
                    if matches!(name, "QueryStoreDesiredState" | "QueryStoreCaptureMode") {
                        options.options.insert(name.to_owned(), n.to_string());
                    }
                }
            }
            // The custom capture policy came after this vocabulary.
            if r.int("query_capture_mode") == Some(4) {
                options.options.shift_remove("QueryStoreCaptureMode");
                self.left_out("database option", "the custom capture policy of the Query Store");
            }
        }
        if let Some(r) = self.rows.of("sys.database_filestream_options").next() {
            if let Some(name) = r.text("directory_name") {
                options.set("FileStreamDirectoryName", name);
            }
            // 1 is reading, 3 is everything; 5 and 6 are on their way there. The model: 1 and 2.
            match r.int("non_transacted_access") {
                Some(1 | 5) => options.set("NonTransactedFileStreamAccess", "1"),
                Some(3) => options.set("NonTransactedFileStreamAccess", "2"),
                _ => {}
            }
        }
        if self.facts.engine_edition == 5 && !options.options.contains_key("FileStreamDirectoryName") {
            // Exports of Azure SQL Database, which has no FILESTREAM, say an empty name.
            options.set("FileStreamDirectoryName", "");
        }
        if let Some(r) = self.rows.of("sys.change_tracking_databases").next() {
            options.set_on("IsChangeTrackingOn", true);
            options.set_on("IsChangeTrackingAutoCleanupOn", r.bool("is_auto_cleanup_on"));
            if let Some(period) = r.int("retention_period") {
                options.set("ChangeTrackingRetentionPeriod", period.to_string());
            }
            // The view: 1 minutes, 2 hours, 3 days; the model: 3, 2, 1.
            if let Some(unit) = r.int("retention_period_units").map(|u| 4 - u).filter(|u| (1..=3).contains(u)) {
                options.set("ChangeTrackingRetentionUnit", unit.to_string());
            }
        }
        self.scoped_configuration(&mut options);
        self.default_filegroups(&mut options);
        self.made.push(options.into());
    }

    /// Options of contained databases; the server says NULL for others.
    fn contained(&mut self, options: &mut DatabaseOptions, r: &Record<'_>) {
        for (name, column) in [
            ("DefaultLanguage", "default_language_lcid"),
            ("DefaultFullTextLanguage", "default_fulltext_language_lcid"),
        ] {
            if let Some(lcid) = r.int(column) {
                options.set(name, lcid.to_string());
            }
        }
        if r.bool("is_remote_data_archive_enabled") {
            options.set_on("RemoteDataEnabled", true);
        }
        if r.bool("is_cdc_enabled") {
            self.left_out("database option", "change data capture");
        }
        if r.bool("is_ledger_on") {
            self.left_out("database option", "ledger");
        }
    }

    /// Scoped configuration: what the vocabulary has is carried, what else is not as it comes is named.
    fn scoped_configuration(&mut self, options: &mut DatabaseOptions) {
        let found: Vec<_> = self.rows.of("sys.database_scoped_configurations").collect();
        for r in found {
            let name = r.string("name");
            let (value, secondary) = (r.text("value"), r.text("value_for_secondary"));
            let Some((_, property)) = SCOPED.iter().find(|(own, _)| own.eq_ignore_ascii_case(&name)) else {
                // Assumption: before 2017, which brought is_value_default, there are no others.
                if r.int("is_value_default") == Some(0) {
                    self.left_out("scoped configuration", format!("{name} = {}", value.unwrap_or("NULL")));
                }
                continue;
            };
            let put = |options: &mut DatabaseOptions, name: &str, value: &str| match *property {
                "MaxDop" => options.set(name, value),
                _ => options.set_on(name, value == "1"),
            };
            if let Some(value) = value {
                put(options, property, value);
            }
            if let Some(value) = secondary {
                put(options, &format!("{property}ForSecondary"), value);
            }
        }
    }

    /// Where new tables and FILESTREAM data go.
    fn default_filegroups(&mut self, options: &mut DatabaseOptions) {
        let by_default = |kinds: &[&str]| {
            self.rows
                .of("sys.data_spaces")
                .find(|r| r.bool("is_default") && kinds.contains(&r.string("type").trim()))
                .map(|r| r.string("name"))
        };
        let (rows, files) = (by_default(&["FG"]), by_default(&["FD"]));
        for (relationship, name) in [
            ("DefaultFilegroup", Some(rows.unwrap_or_else(|| "PRIMARY".into()))),
            ("DefaultFileStreamFilegroup", files),
        ] {
            if let Some(name) = name {
                options.rest.nodes.push(Node::Relationship(Relationship {
                    name: relationship.into(),
                    entries: vec![Item::Reference(filegroup(&name)).into()],
                    more: Vec::new(),
                }));
            }
        }
    }
}

/// A reference to a file group: PRIMARY is the server's.
pub(super) fn filegroup(name: &str) -> Reference {
    match name {
        "PRIMARY" => Reference::built_in(&Name::one(name)),
        _ => Reference::to(&Name::one(name)),
    }
}

fn of_databases(options: &mut DatabaseOptions, r: &Record<'_>) {
    if let Some(collation) = r.text("collation_name") {
        options.set("Collation", collation);
    }
    for (name, column) in BITS {
        // An older server does not have the option, or leaves it NULL where it does not apply.
        if r.int(column).is_some() {
            options.set_on(name, r.bool(column));
        }
    }
    if r.int("is_local_cursor_default").is_some() {
        options.set_on("IsCursorDefaultScopeGlobal", !r.bool("is_local_cursor_default"));
    }
    options.set_on("IsAllowSnapshotIsolation", r.int("snapshot_isolation_state") == Some(1));
    let page_verify = r.int("page_verify_option");
    options.set_on("IsTornPageProtectionOn", page_verify == Some(1));
    // sys.databases: 0 NONE, 1 TORN_PAGE_DETECTION, 2 CHECKSUM; the model: 3, 2, 1.
    if let Some(n) = page_verify.map(|v| 3 - v).filter(|n| (1..=3).contains(n)) {
        options.set("PageVerifyMode", n.to_string());
    }
    // sys.databases: 1 FULL, 2 BULK_LOGGED, 3 SIMPLE; the model: 3, 2, 1.
    if let Some(n) = r.int("recovery_model").map(|v| 4 - v).filter(|n| (1..=3).contains(n)) {
        options.set("RecoveryMode", n.to_string());
    }
    // sys.databases: 0 MULTI_USER, 1 SINGLE_USER, 2 RESTRICTED_USER; the model: 0, 2, 1.
    match r.int("user_access") {
        Some(1) => options.set("UserAccess", "2"),
        Some(2) => options.set("UserAccess", "1"),
        _ => {}
    }
    if let Some(level) = r.int("compatibility_level") {
        // What it is when it is absent goes with the platform and DacFx's version: it is always said.
        options.options.insert("CompatibilityMode".into(), level.to_string());
    }
    if r.int("is_parameterization_forced").is_some() {
        options.set("ParameterizationOption", if r.bool("is_parameterization_forced") { "2" } else { "1" });
    }
    if r.int("is_broker_enabled").is_some() {
        options.set("ServiceBrokerOption", if r.bool("is_broker_enabled") { "1" } else { "2" });
    }
    for (name, column) in [
        ("Containment", "containment"),
        ("DelayedDurabilityMode", "delayed_durability"),
        ("TargetRecoveryTimePeriod", "target_recovery_time_in_seconds"),
        ("TwoDigitYearCutoff", "two_digit_year_cutoff"),
    ] {
        if let Some(n) = r.int(column) {
            options.set(name, n.to_string());
        }
    }
    // The database's own collation (0) is not said in exports of real servers.
    if let Some(n) = r.int("catalog_collation_type").filter(|n| *n != 0) {
        options.set("CatalogCollation", n.to_string());
    }
}
