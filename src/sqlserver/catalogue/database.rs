//! The database itself: facts, options, the header of the model.

use super::DatabaseFacts;
use super::query::Rows;
use crate::bacpac::model::{DatabaseOptions, Header, Item, Node, Reference, Relationship};
use crate::bacpac::model::{Entry, Name};
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

/// The options that DacFx keeps, from `sys.databases`.
pub(super) fn options(rows: &Rows) -> DatabaseOptions {
    let mut options = DatabaseOptions::default();
    let Some(r) = rows.of("sys.databases").next() else { return options };
    if let Some(collation) = r.text("collation_name") {
        options.set("Collation", collation);
    }
    for (name, column) in [
        ("IsAnsiNullDefaultOn", "is_ansi_null_default_on"),
        ("IsAnsiNullsOn", "is_ansi_nulls_on"),
        ("IsAnsiPaddingOn", "is_ansi_padding_on"),
        ("IsAnsiWarningsOn", "is_ansi_warnings_on"),
        ("IsArithAbortOn", "is_arithabort_on"),
        ("IsConcatNullYieldsNullOn", "is_concat_null_yields_null_on"),
        ("IsQuotedIdentifierOn", "is_quoted_identifier_on"),
        ("IsNumericRoundAbortOn", "is_numeric_roundabort_on"),
        ("IsRecursiveTriggersOn", "is_recursive_triggers_on"),
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
    ] {
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
    if let Some(level) = r.int("compatibility_level") {
        options.set("CompatibilityMode", level.to_string());
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
        ("CatalogCollation", "catalog_collation_type"),
    ] {
        if let Some(n) = r.int(column) {
            options.set(name, n.to_string());
        }
    }
    let primary = Reference::built_in(&Name::one("PRIMARY"));
    options.rest.nodes.push(Node::Relationship(Relationship {
        name: "DefaultFilegroup".into(),
        entries: vec![Entry { items: vec![Item::Reference(primary)], ..Entry::default() }],
        more: Vec::new(),
    }));
    options
}
