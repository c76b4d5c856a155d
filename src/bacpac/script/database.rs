//! The database itself: schemas, file groups, partitions; its options as DacFx's script reader takes them.

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
pub(super) fn platform_default(server: &str, property: &str) -> Option<&'static str> {
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
pub(super) fn platform(dsp_name: &str) -> &str {
    let last = dsp_name.rsplit('.').next().unwrap_or("");
    match last.strip_suffix("DatabaseSchemaProvider").unwrap_or(last) {
        known @ ("Sql90" | "Sql100" | "Sql110" | "Sql120" | "Sql130" | "Sql140" | "Sql150" | "SqlAzure") => known,
        // The reader calls it by the shorter name.
        "SqlAzureV12" => "SqlAzure",
        _ => "Sql150",
    }
}

impl<'a> Maker<'a> {
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
            let to = if filegroup.memory_optimized {
                "a new place is made for it"
            } else {
                "what lay on it goes to PRIMARY"
            };
            let mut reason = format!("its files are not in the package: {to}");
            for (is, words) in [
                (filegroup.read_only, "; it could not be written"),
                (filegroup.file_stream, "; it held FILESTREAM data"),
                (filegroup.memory_optimized, "; it held memory-optimised data"),
            ] {
                if is {
                    reason.push_str(words);
                }
            }
            self.leave("file group", &filegroup.name, reason);
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
