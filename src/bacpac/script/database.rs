//! The database itself: options, schemas, file groups, partitions.

use super::table::collation_word;
use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

/// The options that DacFx's script reader takes by other names than the model's.
const DACFX_NAMES: [(&str, &str); 62] = [
    ("Collation", "Collation"),
    ("IsAnsiNullDefaultOn", "AnsiNullDefaultOn"),
    ("IsAnsiNullsOn", "AnsiNullsOn"),
    ("IsAnsiPaddingOn", "AnsiPaddingOn"),
    ("IsAnsiWarningsOn", "AnsiWarningsOn"),
    ("IsArithAbortOn", "ArithAbortOn"),
    ("IsConcatNullYieldsNullOn", "ConcatNullYieldsNull"),
    ("IsQuotedIdentifierOn", "QuotedIdentifierOn"),
    ("IsNumericRoundAbortOn", "NumericRoundAbortOn"),
    ("IsRecursiveTriggersOn", "RecursiveTriggersOn"),
    ("IsOffline", "DatabaseStateOffline"),
    ("IsReadOnly", "ReadOnly"),
    ("IsCursorCloseOnCommitOn", "CursorCloseOnCommit"),
    ("IsCursorDefaultScopeGlobal", "CursorDefaultGlobalScope"),
    ("IsAutoCloseOn", "AutoClose"),
    ("IsAutoCreateStatisticsOn", "AutoCreateStatistics"),
    ("IsAutoCreateStatisticsIncrementalOn", "AutoCreateStatisticsIncremental"),
    ("IsAutoShrinkOn", "AutoShrink"),
    ("IsAutoUpdateStatisticsOn", "AutoUpdateStatistics"),
    ("IsTornPageProtectionOn", "TornPageProtectionOn"),
    ("UserAccess", "UserAccessOption"),
    ("RecoveryMode", "RecoveryMode"),
    ("IsFullTextEnabled", "FullTextEnabled"),
    ("IsDBChainingOn", "DBChainingOn"),
    ("CompatibilityMode", "CompatibilityLevel"),
    ("IsTrustworthyOn", "Trustworthy"),
    ("IsAutoUpdateStatisticsAsyncOn", "AutoUpdateStatisticsAsync"),
    ("PageVerifyMode", "PageVerifyMode"),
    ("ServiceBrokerOption", "ServiceBrokerOption"),
    ("IsDateCorrelationOptimizationOn", "DateCorrelationOptimizationOn"),
    ("ParameterizationOption", "ParameterizationOption"),
    ("IsAllowSnapshotIsolation", "AllowSnapshotIsolation"),
    ("IsReadCommittedSnapshot", "TransactionIsolationReadCommittedSnapshot"),
    ("IsMemoryOptimizedElevatedToSnapshot", "MemoryOptimizedElevateToSnapshot"),
    ("IsVardecimalStorageFormatOn", "VardecimalStorageFormatOn"),
    ("IsSupplementalLoggingOn", "SupplementalLoggingOn"),
    ("IsChangeTrackingOn", "ChangeTrackingEnabled"),
    ("IsChangeTrackingAutoCleanupOn", "ChangeTrackingAutoCleanup"),
    ("ChangeTrackingRetentionPeriod", "ChangeTrackingRetentionPeriod"),
    ("ChangeTrackingRetentionUnit", "ChangeTrackingRetentionUnit"),
    ("IsEncryptionOn", "WithEncryption"),
    ("IsBrokerPriorityHonored", "HonorBrokerPriority"),
    ("Containment", "Containment"),
    ("DefaultLanguage", "DefaultLanguage"),
    ("DefaultFullTextLanguage", "DefaultFullTextLanguage"),
    ("IsNestedTriggersOn", "NestedTriggersOn"),
    ("IsTransformNoiseWordsOn", "TransformNoiseWords"),
    ("TwoDigitYearCutoff", "TwoDigitYearCutoff"),
    ("CatalogCollation", "CatalogCollation"),
    ("NonTransactedFileStreamAccess", "NonTransactedFileStreamAccess"),
    ("FileStreamDirectoryName", "FileStreamDirectoryName"),
    ("TargetRecoveryTimePeriod", "TargetRecoveryTimePeriod"),
    ("TargetRecoveryTimeUnit", "TargetRecoveryTimeUnit"),
    ("DelayedDurabilityMode", "DelayedDurabilityMode"),
    ("QueryStoreDesiredState", "QueryStoreDesiredState"),
    ("QueryStoreCaptureMode", "QueryStoreCaptureMode"),
    ("QueryStoreFlushInterval", "QueryStoreFlushInterval"),
    ("QueryStoreIntervalLength", "QueryStoreIntervalLength"),
    ("QueryStoreMaxStorageSize", "QueryStoreMaxStorageSize"),
    ("QueryStoreMaxPlansPerQuery", "QueryStoreMaxPlansPerQuery"),
    ("QueryStoreStaleQueryThreshold", "QueryStoreStaleQueryThreshold"),
    ("MaxDop", "DbScopedConfigMaxDOP"),
];

/// More of them.
const DACFX_SCOPED_NAMES: [(&str, &str); 7] = [
    ("MaxDopForSecondary", "DbScopedConfigMaxDOPSecondary"),
    ("LegacyCardinalityEstimation", "DbScopedConfigLegacyCardinalityEstimation"),
    ("LegacyCardinalityEstimationForSecondary", "DbScopedConfigLegacyCardinalityEstimationSecondary"),
    ("ParameterSniffing", "DbScopedConfigParameterSniffing"),
    ("ParameterSniffingForSecondary", "DbScopedConfigParameterSniffingSecondary"),
    ("QueryOptimizerHotfixes", "DbScopedConfigQueryOptimizerHotfixes"),
    ("QueryOptimizerHotfixesForSecondary", "DbScopedConfigQueryOptimizerHotfixesSecondary"),
];

/// The `--@` lines: every option with its value, the defaults of the model too (the reader has others).
pub(super) fn dacfx_option_lines(model: &Model) -> String {
    let mut out = dacfx_server_line(model);
    for (name, value) in option_values(model) {
        out.push_str(&format!("--@ {name}={value}\n"));
    }
    out
}

/// The `--@@` line: the version of the server.
pub(super) fn dacfx_server_line(model: &Model) -> String {
    format!("--@@ server={}\n", platform(&model.header.dsp_name))
}

/// The database's options by the names that DacFx's script reader has for them, with their values in words; what the
/// model leaves out, with what its platform takes it for.
pub fn option_values(model: &Model) -> Vec<(&'static str, String)> {
    let server = platform(&model.header.dsp_name);
    let Some(options) = model.options() else { return Vec::new() };
    let value_of = |property: &str| {
        let found = options.options.get(property).map(String::as_str);
        let value = found.or_else(|| platform_default(server, property))?;
        let value = vocabulary::name_of(DatabaseOptions::ELEMENT, property, value).unwrap_or(value);
        (!value.contains(['\r', '\n']) && !value.contains("Null")).then(|| value.to_owned())
    };
    let names = DACFX_NAMES.iter().chain(&DACFX_SCOPED_NAMES);
    names.filter_map(|(property, name)| Some((*name, value_of(property)?))).collect()
}

/// What DacFx takes an absent option for; a few of them go with the platform.
fn platform_default(server: &str, property: &str) -> Option<&'static str> {
    let azure = server == "SqlAzure";
    match property {
        "QueryStoreDesiredState" => Some(if azure { "2" } else { "0" }),
        "QueryStoreCaptureMode" => Some(if azure { "2" } else { "1" }),
        "CompatibilityMode" => Some(match server {
            "Sql90" => "90",
            "Sql100" => "100",
            "Sql110" => "110",
            "Sql120" => "120",
            "Sql130" | "SqlAzure" => "130",
            _ => "140",
        }),
        _ => vocabulary::default_of(DatabaseOptions::ELEMENT, property),
    }
}

/// `Sql150` of `Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider`; what the reader does not know yet is
/// taken for the last one it knows.
fn platform(dsp_name: &str) -> &str {
    let last = dsp_name.rsplit('.').next().unwrap_or("");
    match last.strip_suffix("DatabaseSchemaProvider").unwrap_or(last) {
        known @ ("Sql90" | "Sql100" | "Sql110" | "Sql120" | "Sql130" | "Sql140" | "Sql150" | "SqlAzure") => known,
        // The reader calls it by the shorter name.
        "SqlAzureV12" => "SqlAzure",
        _ => "Sql150",
    }
}

impl<'a> Maker<'a> {
    pub(super) fn database_options(&mut self, options: &'a DatabaseOptions) {
        if self.is_dacfx() {
            return;
        }
        let set = |maker: &mut Self, name: &str, clause: String| {
            let sql = format!("ALTER DATABASE CURRENT SET {clause};");
            let batch = maker.add(Phase::Database, "database option", &Name::default(), sql);
            batch.name = name.to_owned();
            batch.optional = true;
        };
        let number = |name: &str| options.get(name).filter(|v| v.chars().all(|c| c.is_ascii_digit()));
        // Assumption: a level that the target's server does not know is refused by it and reported; it is not guessed.
        // What the model leaves out is what its platform takes it for, not what the target's new databases have.
        let platform = platform(self.platform);
        let level = options.options.get("CompatibilityMode").and_then(|l| super::text::number(l));
        let level =
            level.map(|l| l.to_string()).or_else(|| platform_default(platform, "CompatibilityMode").map(str::to_owned));
        if let Some(level) = level {
            set(self, "CompatibilityMode", format!("COMPATIBILITY_LEVEL = {level}"));
        }
        for (property, words) in [
            ("IsAnsiNullDefaultOn", "ANSI_NULL_DEFAULT"),
            ("IsAnsiNullsOn", "ANSI_NULLS"),
            ("IsAnsiPaddingOn", "ANSI_PADDING"),
            ("IsAnsiWarningsOn", "ANSI_WARNINGS"),
            ("IsArithAbortOn", "ARITHABORT"),
            ("IsConcatNullYieldsNullOn", "CONCAT_NULL_YIELDS_NULL"),
            ("IsQuotedIdentifierOn", "QUOTED_IDENTIFIER"),
            ("IsNumericRoundAbortOn", "NUMERIC_ROUNDABORT"),
            ("IsRecursiveTriggersOn", "RECURSIVE_TRIGGERS"),
            ("IsCursorCloseOnCommitOn", "CURSOR_CLOSE_ON_COMMIT"),
            ("IsAutoCloseOn", "AUTO_CLOSE"),
            ("IsAutoCreateStatisticsOn", "AUTO_CREATE_STATISTICS"),
            ("IsAutoShrinkOn", "AUTO_SHRINK"),
            ("IsAutoUpdateStatisticsOn", "AUTO_UPDATE_STATISTICS"),
            ("IsAutoUpdateStatisticsAsyncOn", "AUTO_UPDATE_STATISTICS_ASYNC"),
            ("IsDateCorrelationOptimizationOn", "DATE_CORRELATION_OPTIMIZATION"),
            ("IsAllowSnapshotIsolation", "ALLOW_SNAPSHOT_ISOLATION"),
            ("IsReadCommittedSnapshot", "READ_COMMITTED_SNAPSHOT"),
            ("IsTrustworthyOn", "TRUSTWORTHY"),
            ("IsDBChainingOn", "DB_CHAINING"),
        ] {
            // Only what is not as a new database has it: fewer statements, and fewer that an edition refuses.
            let fresh = matches!(property, "IsAutoCreateStatisticsOn" | "IsAutoUpdateStatisticsOn");
            let on = options.is_on(property);
            if on != fresh {
                let equals = if property == "IsMemoryOptimizedElevatedToSnapshot" { "= " } else { "" };
                set(self, property, format!("{words} {equals}{}", if on { "ON" } else { "OFF" }));
            }
        }
        if options.is_on("IsMemoryOptimizedElevatedToSnapshot") {
            set(self, "IsMemoryOptimizedElevatedToSnapshot", "MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT = ON".into());
        }
        let chosen = |property: &str| {
            let value = options.options.get(property)?;
            vocabulary::name_of(DatabaseOptions::ELEMENT, property, value)
        };
        match chosen("RecoveryMode") {
            Some("Simple") => set(self, "RecoveryMode", "RECOVERY SIMPLE".into()),
            Some("BulkLogged") => set(self, "RecoveryMode", "RECOVERY BULK_LOGGED".into()),
            _ => {}
        }
        match chosen("PageVerifyMode") {
            Some("None") => set(self, "PageVerifyMode", "PAGE_VERIFY NONE".into()),
            Some("TornPageDetection") => set(self, "PageVerifyMode", "PAGE_VERIFY TORN_PAGE_DETECTION".into()),
            _ => {}
        }
        if chosen("ParameterizationOption") == Some("Forced") {
            set(self, "ParameterizationOption", "PARAMETERIZATION FORCED".into());
        }
        match chosen("DelayedDurabilityMode") {
            Some("Allowed") => set(self, "DelayedDurabilityMode", "DELAYED_DURABILITY = ALLOWED".into()),
            Some("Forced") => set(self, "DelayedDurabilityMode", "DELAYED_DURABILITY = FORCED".into()),
            _ => {}
        }
        if !options.is_on("IsCursorDefaultScopeGlobal") {
            set(self, "IsCursorDefaultScopeGlobal", "CURSOR_DEFAULT LOCAL".into());
        }
        // New databases have 60 seconds; a model that says nothing means none.
        if let Some(seconds) = Some(number("TargetRecoveryTimePeriod").unwrap_or("0")).filter(|s| *s != "60") {
            set(self, "TargetRecoveryTimePeriod", format!("TARGET_RECOVERY_TIME = {seconds} SECONDS"));
        }
        if options.is_on("IsChangeTrackingOn") {
            let period = number("ChangeTrackingRetentionPeriod").unwrap_or("2");
            let unit = match options.get("ChangeTrackingRetentionUnit") {
                Some("2") => "HOURS",
                Some("3") => "MINUTES",
                _ => "DAYS",
            };
            let cleanup = if options.is_on("IsChangeTrackingAutoCleanupOn") { "ON" } else { "OFF" };
            let clause = format!("CHANGE_TRACKING = ON (CHANGE_RETENTION = {period} {unit}, AUTO_CLEANUP = {cleanup})");
            set(self, "IsChangeTrackingOn", clause);
        }
        let scoped = |maker: &mut Self, name: &str, clause: String| {
            let sql = format!("ALTER DATABASE SCOPED CONFIGURATION SET {clause};");
            let batch = maker.add(Phase::Database, "database option", &Name::default(), sql);
            batch.name = name.to_owned();
            batch.optional = true;
        };
        if let Some(dop) = number("MaxDop").filter(|d| *d != "0") {
            scoped(self, "MaxDop", format!("MAXDOP = {dop}"));
        }
        if options.is_on("LegacyCardinalityEstimation") {
            scoped(self, "LegacyCardinalityEstimation", "LEGACY_CARDINALITY_ESTIMATION = ON".into());
        }
        if !options.is_on("ParameterSniffing") {
            scoped(self, "ParameterSniffing", "PARAMETER_SNIFFING = OFF".into());
        }
        if options.is_on("QueryOptimizerHotfixes") {
            scoped(self, "QueryOptimizerHotfixes", "QUERY_OPTIMIZER_HOTFIXES = ON".into());
        }
        for property in ["IsEncryptionOn", "ServiceBrokerOption", "QueryStoreDesiredState", "Containment"] {
            // Of the place, not of the schema: keys of the server, the broker's identity, the target's own settings.
            if options.options.contains_key(property) {
                self.leave("database option", property, "the target keeps its own");
            }
        }
    }

    pub(super) fn schema(&mut self, schema: &'a Schema) {
        let name = &schema.name;
        let owner = schema.owner.as_ref().map(Reference::parsed).filter(|o| !o.is_empty());
        let with_it = self.is_dacfx() || owner.as_ref().is_none_or(|o| o.last() == "dbo");
        let authorization = match &owner {
            Some(owner) if with_it => format!(" AUTHORIZATION {}", quote(owner.last())),
            _ => String::new(),
        };
        self.add(Phase::Schemas, "schema", name, format!("CREATE SCHEMA {name}{authorization};"));
        if let Some(owner) = owner.filter(|_| !with_it) {
            // Apart: the owner may be a user whose login the server does not have; the schema is needed all the same.
            let sql = format!("ALTER AUTHORIZATION ON SCHEMA::{name} TO {};", quote(owner.last()));
            self.then(Phase::Schemas, "schema owner", name, sql).optional = true;
        }
    }

    pub(super) fn filegroup(&mut self, filegroup: &'a Filegroup) {
        if !self.is_dacfx() {
            self.leave(
                "file group",
                &filegroup.name,
                "its files are not in the package: what lay on it goes to PRIMARY",
            );
            return;
        }
        let contains = if filegroup.memory_optimized {
            " CONTAINS MEMORY_OPTIMIZED_DATA"
        } else if filegroup.file_stream {
            " CONTAINS FILESTREAM"
        } else {
            ""
        };
        let sql = format!("ALTER DATABASE [$(DatabaseName)] ADD FILEGROUP {}{contains};", filegroup.name);
        self.add(Phase::Database, "file group", &filegroup.name, sql);
    }

    pub(super) fn partition_function(&mut self, function: &'a PartitionFunction) {
        let range = if function.range == PartitionRange::Right { "RIGHT" } else { "LEFT" };
        let values: Vec<&str> = function.boundaries.iter().map(|b| sql(&b.value)).collect();
        let text = format!(
            "CREATE PARTITION FUNCTION {} ({}) AS RANGE {range} FOR VALUES ({});",
            function.name,
            function.data_type.as_ref().map_or_else(String::new, type_text),
            values.join(", ")
        );
        self.add(Phase::Database, "partition function", &function.name, text);
    }

    pub(super) fn partition_scheme(&mut self, scheme: &'a PartitionScheme) {
        let all = if scheme.all_to_one { "ALL " } else { "" };
        let dacfx = self.is_dacfx();
        let groups: Vec<String> = scheme
            .filegroups
            .iter()
            .map(|g| match &g.filegroup {
                Some(group) if dacfx => quote(group.parsed().last()),
                _ => "[PRIMARY]".into(),
            })
            .collect();
        let function = own(&scheme.function).unwrap_or_default();
        let text = format!(
            "CREATE PARTITION SCHEME {} AS PARTITION {} {all}TO ({});",
            scheme.name,
            quote(function.last()),
            groups.join(", ")
        );
        let needs: Vec<Name> = scheme.filegroups.iter().filter_map(|g| own(&g.filegroup)).collect();
        let batch = self.add(Phase::Database, "partition scheme", &scheme.name, text);
        batch.needs = needs;
        batch.needs.push(function);
    }
}

/// The collation to create the database with, when the model names one.
pub fn database_collation(model: &Model) -> Option<String> {
    model.options().and_then(|o| o.collation()).map(collation_word).filter(|c| !c.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::{Form, script};
    use super::*;

    #[test]
    fn what_a_model_leaves_out_is_what_its_platform_takes_it_for() {
        let options = DatabaseOptions::default();
        let mut model = Model { objects: vec![options.into()], ..Model::default() };
        for (platform, level) in [("Sql130", "130"), ("Sql150", "140"), ("SqlAzureV12", "130")] {
            model.header.dsp_name = format!("Microsoft.Data.Tools.Schema.Sql.{platform}DatabaseSchemaProvider");
            let made = script(&model, Form::Server);
            let has =
                |clause: &str| made.batches.iter().any(|b| b.sql == format!("ALTER DATABASE CURRENT SET {clause};"));
            assert!(has(&format!("COMPATIBILITY_LEVEL = {level}")), "{platform}");
            // A new database has 60 seconds.
            assert!(has("TARGET_RECOVERY_TIME = 0 SECONDS"), "{platform}");
        }
    }
}
