//! The database's options for a server. Each is set, or is as a new database has it, or is reported with its value.
//!
//! Assumption: the clauses for the query store, FILESTREAM, containment, secondaries and those that take ROLLBACK IMMEDIATE
//! are as the documentation of ALTER DATABASE has them; no server at hand has taken them. What a server refuses is reported.

use super::database::{platform, platform_default};
use super::text::number;
use super::{Maker, Phase};
use crate::bacpac::model::*;

/// Options that are on or off: the property, the words of T-SQL, and how a new database has it.
const SWITCHES: [(&str, &str, Fresh); 23] = [
    ("IsAnsiNullDefaultOn", "ANSI_NULL_DEFAULT", Fresh::Off),
    ("IsAnsiNullsOn", "ANSI_NULLS", Fresh::Off),
    ("IsAnsiPaddingOn", "ANSI_PADDING", Fresh::Off),
    ("IsAnsiWarningsOn", "ANSI_WARNINGS", Fresh::Off),
    ("IsArithAbortOn", "ARITHABORT", Fresh::Off),
    ("IsConcatNullYieldsNullOn", "CONCAT_NULL_YIELDS_NULL", Fresh::Off),
    ("IsQuotedIdentifierOn", "QUOTED_IDENTIFIER", Fresh::Off),
    ("IsNumericRoundAbortOn", "NUMERIC_ROUNDABORT", Fresh::Off),
    ("IsRecursiveTriggersOn", "RECURSIVE_TRIGGERS", Fresh::Off),
    ("IsCursorCloseOnCommitOn", "CURSOR_CLOSE_ON_COMMIT", Fresh::Off),
    ("IsAutoCloseOn", "AUTO_CLOSE", Fresh::Off),
    ("IsAutoShrinkOn", "AUTO_SHRINK", Fresh::Off),
    ("IsAutoUpdateStatisticsOn", "AUTO_UPDATE_STATISTICS", Fresh::On),
    ("IsAutoUpdateStatisticsAsyncOn", "AUTO_UPDATE_STATISTICS_ASYNC", Fresh::Off),
    ("IsDateCorrelationOptimizationOn", "DATE_CORRELATION_OPTIMIZATION", Fresh::Off),
    // Azure has these two on where nothing is said, other servers off.
    ("IsAllowSnapshotIsolation", "ALLOW_SNAPSHOT_ISOLATION", Fresh::Differs),
    ("IsReadCommittedSnapshot", "READ_COMMITTED_SNAPSHOT", Fresh::Differs),
    ("IsTrustworthyOn", "TRUSTWORTHY", Fresh::Off),
    ("IsDBChainingOn", "DB_CHAINING", Fresh::Off),
    ("IsMemoryOptimizedElevatedToSnapshot", "MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT =", Fresh::Off),
    ("IsBrokerPriorityHonored", "HONOR_BROKER_PRIORITY", Fresh::Off),
    ("TemporalHistoryRetentionEnabled", "TEMPORAL_HISTORY_RETENTION", Fresh::On),
    ("IsAutoCreateStatisticsOn", "AUTO_CREATE_STATISTICS", Fresh::On),
];

/// How a new database has an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fresh {
    On,
    Off,
    /// That depends on the server: the option is always set.
    Differs,
}

/// Options that mean nothing by themselves.
const SAID_BY_OTHERS: [&str; 3] = [
    // The words of older servers for a value of PageVerifyMode.
    "IsTornPageProtectionOn",
    // On in every database since SQL Server 2008; no statement turns it off.
    "IsFullTextEnabled",
    // Given when the database is made.
    "Collation",
];

/// The options of one database on their way into a script.
struct Setter<'m, 'a, 'o> {
    maker: &'m mut Maker<'a>,
    options: &'o DatabaseOptions,
    /// Options that were set, found to be as they are in a new database, or reported.
    done: Vec<&'static str>,
}

/// The compatibility level that a new database of this model gets.
pub fn compatibility_of(model: &Model) -> Option<u32> {
    level_of(model.options()?, platform(&model.header.dsp_name))?.parse().ok()
}

fn level_of<'o>(options: &'o DatabaseOptions, platform: &str) -> Option<&'o str> {
    let level = options.options.get("CompatibilityMode").and_then(|l| number(l));
    level.or_else(|| platform_default(platform, "CompatibilityMode"))
}

impl<'a> Maker<'a> {
    pub(super) fn database_options(&mut self, options: &'a DatabaseOptions) {
        if self.is_dacfx() {
            return;
        }
        let platform = platform(self.platform);
        let mut setter = Setter { maker: self, options, done: SAID_BY_OTHERS.to_vec() };
        setter.contained();
        setter.general(platform);
        setter.chosen(platform);
        setter.files();
        setter.change_tracking();
        setter.query_store(platform);
        setter.scoped();
        setter.of_the_place();
        let done = setter.done;
        // What a later version brings is in none of the lists.
        for (name, value) in &options.options {
            if !done.contains(&name.as_str()) && vocabulary::default_of(DatabaseOptions::ELEMENT, name) != Some(value) {
                self.leave_property("database option", "", name, value, "a restore does not set it");
            }
        }
        let default_group = options.rest.relationship("DefaultFilegroup").and_then(|r| r.references().next());
        if let Some(group) = default_group.map(Reference::parsed).filter(|g| g.last() != "PRIMARY") {
            let reason = "its files are not in the package: PRIMARY is the default one";
            self.leave_property("database option", "", "DefaultFilegroup", &group.to_string(), reason);
        }
        if let Some(group) = options.rest.relationship("DefaultFileStreamFilegroup") {
            let names: Vec<&str> = group.references().filter_map(|r| r.name.as_deref()).collect();
            let reason = "its files are not in the package";
            self.leave_property("database option", "", "DefaultFileStreamFilegroup", &names.join(", "), reason);
        }
    }
}

impl<'o> Setter<'_, '_, 'o> {
    fn order(&mut self, property: &'static str, sql: String) {
        let batch = self.maker.add(Phase::Database, "database option", &Name::default(), sql);
        batch.name = property.to_owned();
        batch.optional = true;
        self.done.push(property);
    }

    fn set(&mut self, property: &'static str, clause: impl std::fmt::Display) {
        self.order(property, format!("ALTER DATABASE CURRENT SET {clause};"));
    }

    /// Says that an option is not set, where it is not what it would be anyway.
    fn leave(&mut self, property: &'static str, reason: &str) {
        self.done.push(property);
        let Some(value) = self.options.options.get(property).filter(|v| !v.is_empty()) else { return };
        if vocabulary::default_of(DatabaseOptions::ELEMENT, property) == Some(value) {
            return;
        }
        let value = vocabulary::name_of(DatabaseOptions::ELEMENT, property, value).unwrap_or(value);
        self.maker.leave_property("database option", "", property, value, reason);
    }

    /// A number, when it is one.
    fn number(&self, property: &str) -> Option<&'o str> {
        self.options.get(property).filter(|v| !v.is_empty() && v.chars().all(|c| c.is_ascii_digit()))
    }

    /// The name of an enumeration's value.
    fn named(&self, property: &str) -> Option<&'static str> {
        vocabulary::name_of(DatabaseOptions::ELEMENT, property, self.options.get(property)?)
    }

    /// Containment, and what only a contained database has of its own.
    fn contained(&mut self) {
        let contained = self.named("Containment") == Some("Partial");
        if contained {
            self.set("Containment", "CONTAINMENT = PARTIAL");
        } else {
            self.leave("Containment", "it is not known");
        }
        const OWN: [(&str, &str); 5] = [
            ("DefaultLanguage", "DEFAULT_LANGUAGE"),
            ("DefaultFullTextLanguage", "DEFAULT_FULLTEXT_LANGUAGE"),
            ("TwoDigitYearCutoff", "TWO_DIGIT_YEAR_CUTOFF"),
            ("IsNestedTriggersOn", "NESTED_TRIGGERS"),
            ("IsTransformNoiseWordsOn", "TRANSFORM_NOISE_WORDS"),
        ];
        for (property, words) in OWN {
            let own = self.options.options.get(property).filter(|v| !v.is_empty());
            let Some(value) = own.filter(|_| contained) else {
                self.leave(property, "only a contained database has its own; the server's is used");
                continue;
            };
            let value = match value.as_str() {
                "True" => "ON".to_owned(),
                "False" => "OFF".to_owned(),
                digits if digits.chars().all(|c| c.is_ascii_digit()) => digits.to_owned(),
                name => quote(name),
            };
            self.set(property, format_args!("{words} = {value}"));
        }
    }

    fn general(&mut self, platform: &str) {
        // Assumption: a level that the target's server does not know is refused by it and reported; it is not guessed.
        // What the model leaves out is what its platform takes it for, not what the target's new databases have.
        if let Some(level) = level_of(self.options, platform) {
            self.set("CompatibilityMode", format_args!("COMPATIBILITY_LEVEL = {level}"));
        }
        for (property, words, fresh) in SWITCHES {
            let on = self.options.is_on(property);
            if fresh != (if on { Fresh::On } else { Fresh::Off }) {
                // This one waits for everybody else to leave; nobody has any business in a database that is being made.
                let alone = if property == "IsReadCommittedSnapshot" { " WITH ROLLBACK IMMEDIATE" } else { "" };
                self.set(property, format_args!("{words} {}{alone}", if on { "ON" } else { "OFF" }));
            }
            self.done.push(property);
        }
        if self.options.is_on("IsAutoCreateStatisticsIncrementalOn") {
            if self.options.is_on("IsAutoCreateStatisticsOn") {
                self.set("IsAutoCreateStatisticsIncrementalOn", "AUTO_CREATE_STATISTICS ON (INCREMENTAL = ON)");
            } else {
                self.leave("IsAutoCreateStatisticsIncrementalOn", "statistics are not created automatically");
            }
        }
        if !self.options.is_on("IsCursorDefaultScopeGlobal") {
            self.set("IsCursorDefaultScopeGlobal", "CURSOR_DEFAULT LOCAL");
        }
        self.done.push("IsCursorDefaultScopeGlobal");
    }

    /// Options with several values.
    fn chosen(&mut self, platform: &str) {
        match self.named("RecoveryMode") {
            // A new database has what the server's model database has: that is FULL, but not with every edition.
            // Azure has nothing else.
            Some("Full") if platform != "SqlAzure" => self.set("RecoveryMode", "RECOVERY FULL"),
            Some("Full") => self.done.push("RecoveryMode"),
            Some("Simple") => self.set("RecoveryMode", "RECOVERY SIMPLE"),
            Some("BulkLogged") => self.set("RecoveryMode", "RECOVERY BULK_LOGGED"),
            _ => self.leave("RecoveryMode", "it is not known"),
        }
        match self.named("PageVerifyMode") {
            Some("Checksum") => self.done.push("PageVerifyMode"),
            Some("None") => self.set("PageVerifyMode", "PAGE_VERIFY NONE"),
            Some("TornPageDetection") => self.set("PageVerifyMode", "PAGE_VERIFY TORN_PAGE_DETECTION"),
            _ => self.leave("PageVerifyMode", "it is not known"),
        }
        match self.named("ParameterizationOption") {
            Some("Simple") => self.done.push("ParameterizationOption"),
            Some("Forced") => self.set("ParameterizationOption", "PARAMETERIZATION FORCED"),
            _ => self.leave("ParameterizationOption", "it is not known"),
        }
        match self.named("DelayedDurabilityMode") {
            Some("Disabled") => self.done.push("DelayedDurabilityMode"),
            Some("Allowed") => self.set("DelayedDurabilityMode", "DELAYED_DURABILITY = ALLOWED"),
            Some("Forced") => self.set("DelayedDurabilityMode", "DELAYED_DURABILITY = FORCED"),
            _ => self.leave("DelayedDurabilityMode", "it is not known"),
        }
        match self.named("ServiceBrokerOption") {
            // A new database has a broker, with an identity of its own, that delivers messages.
            // Assumption: on every version and edition, and whatever the model database says.
            Some("EnableBroker") => self.done.push("ServiceBrokerOption"),
            Some("DisableBroker") => self.set("ServiceBrokerOption", "DISABLE_BROKER WITH ROLLBACK IMMEDIATE"),
            _ => self.leave("ServiceBrokerOption", "it is something to be done once, and no state"),
        }
        // New databases have 60 seconds; a model that says nothing means none.
        let unit = match self.named("TargetRecoveryTimeUnit") {
            Some("Seconds") => Some("SECONDS"),
            Some("Minutes") => Some("MINUTES"),
            _ => None,
        };
        let time = self.number("TargetRecoveryTimePeriod").unwrap_or("0").to_owned();
        match unit {
            Some("SECONDS") if time == "60" => {}
            Some(unit) => {
                self.set("TargetRecoveryTimePeriod", format_args!("TARGET_RECOVERY_TIME = {time} {unit}"));
                self.done.push("TargetRecoveryTimeUnit");
            }
            None => {
                self.leave("TargetRecoveryTimePeriod", "its unit is not known");
                self.leave("TargetRecoveryTimeUnit", "it is not known");
            }
        }
        self.done.push("TargetRecoveryTimePeriod");
    }

    /// FILESTREAM and FileTables.
    fn files(&mut self) {
        let directory = self.options.get("FileStreamDirectoryName").filter(|d| !d.is_empty()).map(str::to_owned);
        if let Some(directory) = directory {
            // Another database of the server may have the name: then the server refuses it, and that is reported.
            let clause = format!("FILESTREAM (DIRECTORY_NAME = {})", literal(&directory));
            self.set("FileStreamDirectoryName", clause);
        }
        self.done.push("FileStreamDirectoryName");
        match self.named("NonTransactedFileStreamAccess") {
            Some("Off") => self.done.push("NonTransactedFileStreamAccess"),
            Some("ReadOnly") => {
                self.set("NonTransactedFileStreamAccess", "FILESTREAM (NON_TRANSACTED_ACCESS = READ_ONLY)");
            }
            Some("Full") => self.set("NonTransactedFileStreamAccess", "FILESTREAM (NON_TRANSACTED_ACCESS = FULL)"),
            _ => self.leave("NonTransactedFileStreamAccess", "it is not known"),
        }
    }

    fn change_tracking(&mut self) {
        const DETAILS: [&str; 3] =
            ["ChangeTrackingRetentionPeriod", "ChangeTrackingRetentionUnit", "IsChangeTrackingAutoCleanupOn"];
        if !self.options.is_on("IsChangeTrackingOn") {
            self.done.push("IsChangeTrackingOn");
            for property in DETAILS {
                self.leave(property, "changes are not tracked");
            }
            return;
        }
        let period = self.number("ChangeTrackingRetentionPeriod").unwrap_or("2").to_owned();
        let unit = match self.named("ChangeTrackingRetentionUnit") {
            Some("Hours") => Some("HOURS"),
            Some("Minutes") => Some("MINUTES"),
            Some("Days") => Some("DAYS"),
            _ => None,
        };
        let cleanup = if self.options.is_on("IsChangeTrackingAutoCleanupOn") { "ON" } else { "OFF" };
        let retention = unit.map(|unit| format!("CHANGE_RETENTION = {period} {unit}, ")).unwrap_or_default();
        self.set("IsChangeTrackingOn", format_args!("CHANGE_TRACKING = ON ({retention}AUTO_CLEANUP = {cleanup})"));
        if unit.is_none() {
            self.leave("ChangeTrackingRetentionPeriod", "its unit is not known");
            self.leave("ChangeTrackingRetentionUnit", "it is not known");
        }
        self.done.extend(DETAILS);
    }

    fn query_store(&mut self, platform: &str) {
        const DETAILS: [(&str, &str); 6] = [
            ("QueryStoreFlushInterval", "DATA_FLUSH_INTERVAL_SECONDS"),
            ("QueryStoreIntervalLength", "INTERVAL_LENGTH_MINUTES"),
            ("QueryStoreMaxStorageSize", "MAX_STORAGE_SIZE_MB"),
            ("QueryStoreMaxPlansPerQuery", "MAX_PLANS_PER_QUERY"),
            ("QueryStoreStaleQueryThreshold", "STALE_QUERY_THRESHOLD_DAYS"),
            ("QueryStoreCaptureMode", "QUERY_CAPTURE_MODE"),
        ];
        // Servers before 2016 have none.
        let has_one = !matches!(platform, "Sql90" | "Sql100" | "Sql110" | "Sql120");
        let options = self.options;
        let value = |property: &str| {
            let own = options.options.get(property).map(String::as_str);
            own.or_else(|| platform_default(platform, property)).unwrap_or("").to_owned()
        };
        let named = |property: &str| vocabulary::name_of(DatabaseOptions::ELEMENT, property, &value(property));
        let mode = match named("QueryStoreDesiredState") {
            Some("ReadWrite") => "READ_WRITE",
            Some("ReadOnly") => "READ_ONLY",
            _ => "",
        };
        if mode.is_empty() {
            if has_one {
                self.set("QueryStoreDesiredState", "QUERY_STORE = OFF");
            }
            self.done.push("QueryStoreDesiredState");
            for (property, _) in DETAILS {
                self.leave(property, "the query store is off");
            }
            return;
        }
        let mut clauses = vec![format!("OPERATION_MODE = {mode}")];
        let mut unknown = Vec::new();
        for (property, words) in DETAILS {
            let value = value(property);
            let value = match named(property) {
                Some(name) => name.to_uppercase(),
                None if property != "QueryStoreCaptureMode" && value.chars().all(|c| c.is_ascii_digit()) => value,
                None => String::new(),
            };
            match property {
                _ if value.is_empty() => unknown.push(property),
                "QueryStoreStaleQueryThreshold" => clauses.push(format!("CLEANUP_POLICY = ({words} = {value})")),
                _ => clauses.push(format!("{words} = {value}")),
            }
        }
        self.set("QueryStoreDesiredState", format_args!("QUERY_STORE = ON ({})", clauses.join(", ")));
        for property in unknown {
            self.leave(property, "it is not known");
        }
        self.done.extend(DETAILS.map(|(property, _)| property));
    }

    /// `ALTER DATABASE SCOPED CONFIGURATION`, of the primary and of its secondaries.
    fn scoped(&mut self) {
        const SCOPED: [(&str, &str, &str, &str); 4] = [
            ("MaxDop", "MaxDopForSecondary", "MAXDOP", "0"),
            (
                "LegacyCardinalityEstimation",
                "LegacyCardinalityEstimationForSecondary",
                "LEGACY_CARDINALITY_ESTIMATION",
                "False",
            ),
            ("ParameterSniffing", "ParameterSniffingForSecondary", "PARAMETER_SNIFFING", "True"),
            ("QueryOptimizerHotfixes", "QueryOptimizerHotfixesForSecondary", "QUERY_OPTIMIZER_HOTFIXES", "False"),
        ];
        for (primary, secondary, words, fresh) in SCOPED {
            for (property, who) in [(primary, ""), (secondary, "FOR SECONDARY ")] {
                let value = self.options.get(property).unwrap_or("").to_owned();
                let word = match value.as_str() {
                    // A secondary that says nothing does as its primary.
                    "" => None,
                    same if same == fresh && who.is_empty() => None,
                    "True" => Some("ON".to_owned()),
                    "False" => Some("OFF".to_owned()),
                    digits if digits.chars().all(|c| c.is_ascii_digit()) => Some(digits.to_owned()),
                    _ => {
                        self.leave(property, "it is not known");
                        None
                    }
                };
                if let Some(word) = word {
                    let sql = format!("ALTER DATABASE SCOPED CONFIGURATION {who}SET {words} = {word};");
                    self.order(property, sql);
                }
                self.done.push(property);
            }
        }
    }

    /// Of the place and the moment, not of the schema.
    fn of_the_place(&mut self) {
        self.leave("IsEncryptionOn", "its keys are the source server's; encrypt the copy with the target's");
        self.leave("IsOffline", "the copy is online");
        self.leave("IsReadOnly", "the copy can be written");
        self.leave("UserAccess", "the copy is open to all who may");
        self.leave("IsVardecimalStorageFormatOn", "every database of today's servers has it on");
        self.leave("IsSupplementalLoggingOn", "no statement sets it");
        self.leave("RemoteDataEnabled", "it needs an account at Azure of its own");
        match self.named("CatalogCollation") {
            // The target's own, where nothing is said.
            None | Some("Database_Default") => self.done.push("CatalogCollation"),
            Some(_) => self.leave("CatalogCollation", "it is given when a database is made; the target's is used"),
        }
    }
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
