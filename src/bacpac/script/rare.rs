//! Kinds without a type of their own in the model: broker, keys, external sources, policies. Read from the element as it is.

use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

impl<'a> Maker<'a> {
    /// The kinds without a type of their own.
    pub(super) fn other(&mut self, element: &'a Element) {
        let name = element.parsed_name();
        let reference = |relationship: &str| element.references(relationship).next().map(Reference::parsed);
        let owner = reference("Authorizer").map_or(String::new(), |o| format!(" AUTHORIZATION {}", quote(o.last())));
        let text = |property: &str| element.property(property);
        let quoted = quote(name.last());
        let (phase, kind, statement) = match element.kind.as_str() {
            "SqlMessageType" => {
                let validation = match text("ValidationMethod") {
                    Some("2") => " VALIDATION = EMPTY".to_owned(),
                    Some("3") => " VALIDATION = WELL_FORMED_XML".to_owned(),
                    Some("4") => match reference("XmlSchemaCollection") {
                        Some(schemas) => format!(" VALIDATION = VALID_XML WITH SCHEMA COLLECTION {schemas}"),
                        None => return self.unknown(element),
                    },
                    None | Some("1") => " VALIDATION = NONE".to_owned(),
                    _ => return self.unknown(element),
                };
                if text("ValidationMethod") != Some("4")
                    && let Some(schemas) = reference("XmlSchemaCollection")
                {
                    let reason = "messages are not validated by it";
                    let schemas = schemas.to_string();
                    self.leave_property("message type", &name, "XmlSchemaCollection", &schemas, reason);
                }
                (Phase::Types, "message type", format!("CREATE MESSAGE TYPE {quoted}{owner}{validation};"))
            }
            "SqlContract" => {
                let messages: Vec<String> = element
                    .children("Messages")
                    .map(|m| {
                        let kind = m.references("MessageType").next().map(Reference::parsed).unwrap_or_default();
                        // The message type that is always there.
                        let kind = if m.property("IsDefault") == Some("True") { Name::one("DEFAULT") } else { kind };
                        let by = vocabulary::name_of("SqlContractMessageSpecifier", "SentBy", {
                            m.property("SentBy").unwrap_or("0")
                        });
                        format!("{} SENT BY {}", quote(kind.last()), by.unwrap_or("Any").to_uppercase())
                    })
                    .collect();
                (Phase::Types, "contract", format!("CREATE CONTRACT {quoted}{owner} ({});", messages.join(", ")))
            }
            "SqlQueue" => return self.queue(element, &name),
            "SqlService" => {
                let queue = reference("Queue").unwrap_or_default();
                let mut contracts: Vec<String> =
                    element.references("Contracts").map(|c| quote(c.parsed().last())).collect();
                if text("UseDefaultContract") == Some("True") {
                    contracts.push("[DEFAULT]".into());
                }
                let contracts =
                    if contracts.is_empty() { String::new() } else { format!(" ({})", contracts.join(", ")) };
                (Phase::Triggers, "service", format!("CREATE SERVICE {quoted}{owner} ON QUEUE {queue}{contracts};"))
            }
            "SqlRoute" => {
                let mut options = Vec::new();
                for (property, word) in [
                    ("Service", "SERVICE_NAME"),
                    ("BrokerInstanceIdentifier", "BROKER_INSTANCE"),
                    ("Address", "ADDRESS"),
                    ("MirrorAddress", "MIRROR_ADDRESS"),
                ] {
                    options.extend(text(property).map(|t| format!("{word} = {}", literal(t))));
                }
                if let Some(lifetime) = text("Lifetime").and_then(number) {
                    options.push(format!("LIFETIME = {lifetime}"));
                }
                (Phase::Triggers, "route", format!("CREATE ROUTE {quoted}{owner} WITH {};", options.join(", ")))
            }
            "SqlMasterKey" => {
                let Some(password) = text("EncryptionPassword") else { return self.unknown(element) };
                (
                    Phase::Principals,
                    "master key",
                    format!("CREATE MASTER KEY ENCRYPTION BY PASSWORD = {};", literal(password)),
                )
            }
            "SqlDatabaseCredential" => {
                let identity = text("Identity").unwrap_or("");
                let secret = text("Secret").map_or(String::new(), |s| format!(", SECRET = {}", literal(s)));
                (
                    Phase::Types,
                    "credential",
                    format!(
                        "CREATE DATABASE SCOPED CREDENTIAL {quoted} WITH IDENTITY = {}{secret};",
                        literal(identity)
                    ),
                )
            }
            "SqlSymmetricKey" => {
                // A key that lies with a provider of its own.
                let elsewhere = ["ProviderKeyName", "CreationDisposition"].iter().any(|p| text(p).is_some());
                if elsewhere || reference("Provider").is_some() {
                    return self.unknown(element);
                }
                let Some(algorithm) =
                    text("Algorithm").and_then(|a| vocabulary::name_of("SqlSymmetricKey", "Algorithm", a))
                else {
                    return self.unknown(element);
                };
                let mut by: Vec<String> = element
                    .children("EncryptionPasswords")
                    .filter_map(|p| p.property("EncryptionPassword"))
                    .map(|p| format!("PASSWORD = {}", literal(p)))
                    .collect();
                for (relationship, word) in [
                    ("EncryptionCertificates", "CERTIFICATE"),
                    ("EncryptionAsymmetricKeys", "ASYMMETRIC KEY"),
                    ("EncryptionSymmetricKeys", "SYMMETRIC KEY"),
                ] {
                    by.extend(element.references(relationship).map(|r| format!("{word} {}", quote(r.parsed().last()))));
                }
                if by.is_empty() {
                    return self.unknown(element);
                }
                let mut options = vec![format!("ALGORITHM = {}", algorithm_word(algorithm))];
                options.extend(text("KeySource").map(|s| format!("KEY_SOURCE = {}", literal(s))));
                options.extend(text("IdentityValue").map(|v| format!("IDENTITY_VALUE = {}", literal(v))));
                if text("KeySource").is_none() {
                    self.remade("symmetric key", &name);
                }
                (
                    Phase::Principals,
                    "symmetric key",
                    format!(
                        "CREATE SYMMETRIC KEY {quoted}{owner} WITH {} ENCRYPTION BY {};",
                        options.join(", "),
                        by.join(", ")
                    ),
                )
            }
            "SqlAsymmetricKey" => {
                let elsewhere = ["File", "ExecutableFile", "ProviderKeyName", "CreationDisposition"];
                let by_others = ["Assembly", "Provider"].iter().any(|r| reference(r).is_some());
                if by_others || elsewhere.iter().any(|p| text(p).is_some()) {
                    return self.unknown(element);
                }
                let Some(algorithm) =
                    text("Algorithm").and_then(|a| vocabulary::name_of("SqlAsymmetricKey", "Algorithm", a))
                else {
                    return self.unknown(element);
                };
                let by = text("EncryptionPassword")
                    .map_or(String::new(), |p| format!(" ENCRYPTION BY PASSWORD = {}", literal(p)));
                self.remade("asymmetric key", &name);
                (
                    Phase::Principals,
                    "asymmetric key",
                    format!(
                        "CREATE ASYMMETRIC KEY {quoted}{owner} WITH ALGORITHM = {}{by};",
                        algorithm_word(algorithm)
                    ),
                )
            }
            "SqlCertificate" => {
                let files = [
                    "ExistingKeysFilePath",
                    "IsExistingKeyFileExecutable",
                    "PrivateKeyFile",
                    "PrivateKeyDecryptionPassword",
                    "PrivateKeyEncryptionPassword",
                ];
                if files.iter().any(|p| text(p).is_some()) || reference("ExistingKeysAssembly").is_some() {
                    return self.unknown(element);
                }
                let Some(subject) = text("NewKeySubject") else { return self.unknown(element) };
                self.remade("certificate", &name);
                let dialog =
                    if text("IsActiveForBeginDialog") == Some("False") { " ACTIVE FOR BEGIN_DIALOG = OFF" } else { "" };
                let by = text("NewKeyEncryptionPassword")
                    .map_or(String::new(), |p| format!(" ENCRYPTION BY PASSWORD = {}", literal(p)));
                let mut options = vec![format!("SUBJECT = {}", literal(subject))];
                options.extend(text("NewKeyStartDate").map(|d| format!("START_DATE = {}", literal(d))));
                options.extend(text("NewKeyExpireDate").map(|d| format!("EXPIRY_DATE = {}", literal(d))));
                (
                    Phase::Principals,
                    "certificate",
                    format!("CREATE CERTIFICATE {quoted}{owner}{by} WITH {}{dialog};", options.join(", ")),
                )
            }
            "SqlColumnMasterKey" => {
                let enclave = match text("Signature").filter(|_| text("AllowEnclaveComputations") == Some("True")) {
                    Some(signature) => format!(", ENCLAVE_COMPUTATIONS (SIGNATURE = {})", hexadecimal(signature)),
                    None => String::new(),
                };
                if enclave.is_empty() && (text("Signature").is_some() || text("AllowEnclaveComputations").is_some()) {
                    let value = text("Signature").or(text("AllowEnclaveComputations")).unwrap_or("");
                    let reason = "enclave computations and their signature come together";
                    self.leave_property("column master key", &name, "Signature", value, reason);
                }
                (
                    Phase::Types,
                    "column master key",
                    format!(
                        "CREATE COLUMN MASTER KEY {quoted} WITH (KEY_STORE_PROVIDER_NAME = {}, KEY_PATH = {}{enclave});",
                        literal(text("KeyStoreProviderName").unwrap_or("")),
                        literal(text("KeyPath").unwrap_or(""))
                    ),
                )
            }
            "SqlColumnEncryptionKey" => {
                let values: Vec<String> = element
                    .children("ColumnEncryptionKeyValues")
                    .map(|v| {
                        let key = v.references("ColumnMasterKey").next().map(Reference::parsed).unwrap_or_default();
                        let bytes = hexadecimal(v.property("EncryptedValue").unwrap_or("0x"));
                        format!(
                            "(COLUMN_MASTER_KEY = {}, ALGORITHM = {}, ENCRYPTED_VALUE = {bytes})",
                            quote(key.last()),
                            literal(v.property("EncryptionAlgorithm").unwrap_or(""))
                        )
                    })
                    .collect();
                (
                    Phase::Types,
                    "column encryption key",
                    format!("CREATE COLUMN ENCRYPTION KEY {quoted} WITH VALUES {};", values.join(", ")),
                )
            }
            "SqlAssembly" => return self.assembly(element, &name),
            "SqlAssemblyFile" => return self.assembly_file(element, &name),
            "SqlUserDefinedType" => return self.clr_type(element, &name),
            "SqlAggregate" => return self.aggregate(element, &name),
            "SqlSecurityPolicy" => return self.security_policy(element, &name),
            "SqlExternalDataSource" => return self.external_data_source(element, &name),
            "SqlExternalFileFormat" => return self.external_file_format(element, &name),
            "SqlExternalTable" => return self.external_table(element, &name),
            _ => return self.unknown(element),
        };
        let needs: Vec<Name> = references(element);
        let batch = self.add(phase, kind, &name, statement);
        batch.needs = needs;
    }

    fn unknown(&mut self, element: &Element) {
        let name = element.name.clone().unwrap_or_default();
        self.leave(super::left::kind_words(&element.kind), name, "a restore does not make it; the package keeps it");
    }

    /// Says that a key comes back as another one.
    fn remade(&mut self, kind: &'static str, name: &Name) {
        if !self.is_dacfx() {
            self.leave(kind, name, "a new one is made: what the source's one protects can't be opened with it");
        }
    }

    fn queue(&mut self, element: &'a Element, name: &Name) {
        let on = |property: &str, default: bool| element.property(property).map_or(default, |v| v == "True");
        let word = |on: bool| if on { "ON" } else { "OFF" };
        let mut options = vec![
            format!("STATUS = {}", word(on("IsStatusOn", true))),
            format!("RETENTION = {}", word(on("IsRetentionOn", false))),
        ];
        let procedure = element.references("ActivationProcedure").next().map(Reference::parsed);
        if let Some(procedure) = &procedure {
            let readers = element.property("MaxQueueReaders").and_then(number).unwrap_or("0");
            let user = element.references("User").next().map(Reference::parsed);
            let run_as = match user {
                Some(user) => literal(user.last()),
                None if on("IsOwner", false) => "OWNER".into(),
                None => "SELF".into(),
            };
            options.push(format!(
                "ACTIVATION (STATUS = {}, PROCEDURE_NAME = {procedure}, MAX_QUEUE_READERS = {readers}, \
                 EXECUTE AS {run_as})",
                word(on("IsActivationOn", true)),
            ));
        }
        if procedure.is_none() {
            for property in ["IsActivationOn", "MaxQueueReaders", "IsOwner"] {
                if let Some(value) = element.property(property) {
                    self.leave_property("queue", name, property, value, "no procedure is activated");
                }
            }
            if let Some(user) = element.references("User").next() {
                let user = user.parsed().to_string();
                self.leave_property("queue", name, "User", &user, "no procedure is activated");
            }
        }
        if !on("IsPoisonMessageHandlingEnabled", true) {
            options.push("POISON_MESSAGE_HANDLING (STATUS = OFF)".into());
        }
        let sql = format!("CREATE QUEUE {name} WITH {};", options.join(", "));
        let batch = self.add(Phase::Modules, "queue", name, sql);
        batch.needs = vec![Name::one(name.schema())];
        batch.needs.extend(procedure);
    }

    fn security_policy(&mut self, element: &'a Element, name: &Name) {
        let mut lines = Vec::new();
        let mut needs = vec![Name::one(name.schema())];
        for predicate in element.children("Predicates") {
            let body = predicate.property("BodyScript").unwrap_or("");
            let target = predicate.references("TargetObject").next().map(Reference::parsed).unwrap_or_default();
            let block = predicate.property("PredicateType") == Some("1");
            let operation = match predicate.property("Operation") {
                Some("1") => " AFTER INSERT",
                Some("2") => " AFTER UPDATE",
                Some("3") => " BEFORE UPDATE",
                Some("4") => " BEFORE DELETE",
                _ => "",
            };
            let kind = if block { "BLOCK" } else { "FILTER" };
            lines.push(format!("ADD {kind} PREDICATE {body} ON {target}{operation}"));
            needs.push(target);
            needs.extend(predicate.references("BodyDependencies").filter(|r| !r.is_built_in()).map(Reference::parsed));
        }
        let on = element.property("Enabled").is_none_or(|v| v == "True");
        let bound = element.property("IsSchemaBound").is_none_or(|v| v == "True");
        let word = |on: bool| if on { "ON" } else { "OFF" };
        let replication =
            if element.property("NotForReplication") == Some("True") { " NOT FOR REPLICATION" } else { "" };
        let sql = format!(
            "CREATE SECURITY POLICY {name} {} WITH (STATE = {}, SCHEMABINDING = {}){replication};",
            lines.join(", "),
            word(on),
            word(bound)
        );
        self.add(Phase::Triggers, "security policy", name, sql).needs = needs;
    }

    fn external_data_source(&mut self, element: &'a Element, name: &Name) {
        let kind = match element.property("DataSourceType") {
            None | Some("0") => "HADOOP",
            Some("1") => "RDBMS",
            Some("2") => "SHARD_MAP_MANAGER",
            Some("5") => "BLOB_STORAGE",
            _ => return self.unknown(element),
        };
        let mut options = vec![format!("TYPE = {kind}")];
        for (property, word) in [
            ("Location", "LOCATION"),
            ("ResourceManagerLocation", "RESOURCE_MANAGER_LOCATION"),
            ("DatabaseName", "DATABASE_NAME"),
            ("ShardMapName", "SHARD_MAP_NAME"),
        ] {
            options.extend(element.property(property).map(|t| format!("{word} = {}", literal(t))));
        }
        if let Some(credential) = element.references("Credential").next() {
            options.push(format!("CREDENTIAL = {}", quote(credential.parsed().last())));
        }
        let sql = format!("CREATE EXTERNAL DATA SOURCE {} WITH ({});", quote(name.last()), options.join(", "));
        let needs = references(element);
        self.add(Phase::Types, "external data source", name, sql).needs = needs;
    }

    fn external_file_format(&mut self, element: &'a Element, name: &Name) {
        let Some(kind) =
            vocabulary::name_of("SqlExternalFileFormat", "FormatType", element.property("FormatType").unwrap_or("0"))
        else {
            return self.unknown(element);
        };
        let mut format_options = Vec::new();
        for (property, word) in [
            ("FieldTerminator", "FIELD_TERMINATOR"),
            ("StringDelimiter", "STRING_DELIMITER"),
            ("DateFormat", "DATE_FORMAT"),
        ] {
            format_options.extend(element.property(property).map(|t| format!("{word} = {}", literal(t))));
        }
        if element.property("UseTypeDefault") == Some("True") {
            format_options.push("USE_TYPE_DEFAULT = True".into());
        }
        let mut options = vec![format!("FORMAT_TYPE = {}", kind.to_uppercase())];
        if !format_options.is_empty() {
            options.push(format!("FORMAT_OPTIONS ({})", format_options.join(", ")));
        }
        for (property, word) in [("SerDeMethod", "SERDE_METHOD"), ("DataCompression", "DATA_COMPRESSION")] {
            options.extend(element.property(property).map(|t| format!("{word} = {}", literal(t))));
        }
        let sql = format!("CREATE EXTERNAL FILE FORMAT {} WITH ({});", quote(name.last()), options.join(", "));
        self.add(Phase::Types, "external file format", name, sql);
    }

    fn external_table(&mut self, element: &'a Element, name: &Name) {
        let mut lines = Vec::new();
        for column in element.children("Columns") {
            let Ok(column) = Column::from_element(column) else { return self.unknown(element) };
            let collation = column
                .collation
                .as_deref()
                .map_or(String::new(), |c| format!(" COLLATE {}", super::table::collation_word(c)));
            lines.push(format!(
                "{} {}{collation} {}",
                quote(column.name.last()),
                column.data_type.as_ref().map_or_else(String::new, type_text),
                if column.nullable { "NULL" } else { "NOT NULL" }
            ));
        }
        let mut options = Vec::new();
        for (relationship, word) in [("DataSourceName", "DATA_SOURCE"), ("FileFormatName", "FILE_FORMAT")] {
            if let Some(reference) = element.references(relationship).next() {
                options.push(format!("{word} = {}", quote(reference.parsed().last())));
            }
        }
        for (property, word) in
            [("Location", "LOCATION"), ("ExternalSchemaName", "SCHEMA_NAME"), ("ExternalObjectName", "OBJECT_NAME")]
        {
            options.extend(element.property(property).map(|t| format!("{word} = {}", literal(t))));
        }
        match element.property("RejectType") {
            Some("0") => options.push("REJECT_TYPE = VALUE".into()),
            Some("1") => options.push("REJECT_TYPE = PERCENTAGE".into()),
            _ => {}
        }
        for (property, word) in [("RejectValue", "REJECT_VALUE"), ("RejectSampleValue", "REJECT_SAMPLE_VALUE")] {
            let value = element.property(property).and_then(number).filter(|v| !v.starts_with('-'));
            options.extend(value.map(|v| format!("{word} = {v}")));
        }
        let sharding = element.references("ShardingColumn").next().map(Reference::parsed);
        match (element.property("DistributionPolicyType"), &sharding) {
            (Some("1"), _) => options.push("DISTRIBUTION = REPLICATED".into()),
            (Some("2"), _) => options.push("DISTRIBUTION = ROUND_ROBIN".into()),
            (Some("3"), Some(column)) => options.push(format!("DISTRIBUTION = SHARDED ({})", quote(column.last()))),
            (policy, column) => {
                let value = column.as_ref().map(Name::to_string).or(policy.map(str::to_owned));
                if let Some(value) = value.filter(|v| v != "0") {
                    let reason = "sharded tables have a sharding column, others have none";
                    self.leave_property("external table", name, "ShardingColumn", &value, reason);
                }
            }
        }
        let sql = format!("CREATE EXTERNAL TABLE {name} ({}) WITH ({});", lines.join(", "), options.join(", "));
        let needs = references(element);
        self.add(Phase::Tables, "external table", name, sql).needs = needs;
    }
}

/// Every name of this model that an element refers to.
fn references(element: &Element) -> Vec<Name> {
    let mut out = Vec::new();
    for node in &element.nodes {
        if let Node::Relationship(relationship) = node {
            out.extend(relationship.references().filter(|r| !r.is_built_in()).map(Reference::parsed));
            for child in relationship.elements() {
                for node in &child.nodes {
                    if let Node::Relationship(inner) = node {
                        out.extend(inner.references().filter(|r| !r.is_built_in()).map(Reference::parsed));
                    }
                }
            }
        }
    }
    out.retain(|n| !n.is_empty());
    out
}

/// `AES_256` of `Aes256`, `RSA_2048` of `Rsa2048`.
fn algorithm_word(name: &str) -> String {
    let mut out = String::new();
    let mut digits = false;
    for (at, c) in name.chars().enumerate() {
        if c.is_ascii_digit() && !digits && at > 0 {
            out.push('_');
        }
        digits = c.is_ascii_digit();
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// A binary literal; `0x` of anything else, which would be T-SQL from a stranger.
fn hexadecimal(text: &str) -> &str {
    let digits = text.strip_prefix("0x").unwrap_or("?");
    if digits.chars().all(|c| c.is_ascii_hexdigit()) { text } else { "0x" }
}
