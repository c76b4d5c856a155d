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
                    Some("2") => " VALIDATION = EMPTY",
                    Some("3") => " VALIDATION = WELL_FORMED_XML",
                    None | Some("1") => " VALIDATION = NONE",
                    _ => return self.unknown(element),
                };
                (Phase::Types, "message type", format!("CREATE MESSAGE TYPE {quoted}{owner}{validation};"))
            }
            "SqlContract" => {
                let messages: Vec<String> = element
                    .children("Messages")
                    .map(|m| {
                        let kind = m.references("MessageType").next().map(Reference::parsed).unwrap_or_default();
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
                let contracts: Vec<String> =
                    element.references("Contracts").map(|c| quote(c.parsed().last())).collect();
                let contracts =
                    if contracts.is_empty() { String::new() } else { format!(" ({})", contracts.join(", ")) };
                (Phase::Triggers, "service", format!("CREATE SERVICE {quoted}{owner} ON QUEUE {queue}{contracts};"))
            }
            "SqlRoute" => {
                let mut options = Vec::new();
                for (property, word) in [
                    ("Service", "SERVICE_NAME"),
                    ("BrokerInstance", "BROKER_INSTANCE"),
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
                let Some(algorithm) =
                    text("Algorithm").and_then(|a| vocabulary::name_of("SqlSymmetricKey", "Algorithm", a))
                else {
                    return self.unknown(element);
                };
                let by: Vec<String> = element
                    .children("EncryptionPasswords")
                    .filter_map(|p| p.property("EncryptionPassword"))
                    .map(|p| format!("PASSWORD = {}", literal(p)))
                    .collect();
                if by.is_empty() {
                    return self.unknown(element);
                }
                (
                    Phase::Principals,
                    "symmetric key",
                    format!(
                        "CREATE SYMMETRIC KEY {quoted}{owner} WITH ALGORITHM = {} ENCRYPTION BY {};",
                        algorithm_word(algorithm),
                        by.join(", ")
                    ),
                )
            }
            "SqlAsymmetricKey" => {
                let Some(algorithm) =
                    text("Algorithm").and_then(|a| vocabulary::name_of("SqlAsymmetricKey", "Algorithm", a))
                else {
                    return self.unknown(element);
                };
                let by = text("EncryptionPassword")
                    .map_or(String::new(), |p| format!(" ENCRYPTION BY PASSWORD = {}", literal(p)));
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
                let Some(subject) = text("NewKeySubject") else { return self.unknown(element) };
                let by = text("NewKeyEncryptionPassword")
                    .map_or(String::new(), |p| format!(" ENCRYPTION BY PASSWORD = {}", literal(p)));
                let mut options = vec![format!("SUBJECT = {}", literal(subject))];
                options.extend(text("NewKeyStartDate").map(|d| format!("START_DATE = {}", literal(d))));
                options.extend(text("NewKeyExpireDate").map(|d| format!("EXPIRY_DATE = {}", literal(d))));
                (
                    Phase::Principals,
                    "certificate",
                    format!("CREATE CERTIFICATE {quoted}{owner}{by} WITH {};", options.join(", ")),
                )
            }
            "SqlColumnMasterKey" => (
                Phase::Types,
                "column master key",
                format!(
                    "CREATE COLUMN MASTER KEY {quoted} WITH (KEY_STORE_PROVIDER_NAME = {}, KEY_PATH = {});",
                    literal(text("KeyStoreProviderName").unwrap_or("")),
                    literal(text("KeyPath").unwrap_or(""))
                ),
            ),
            "SqlColumnEncryptionKey" => {
                let values: Vec<String> = element
                    .children("ColumnEncryptionKeyValues")
                    .map(|v| {
                        let key = v.references("ColumnMasterKey").next().map(Reference::parsed).unwrap_or_default();
                        let bytes = v.property("EncryptedValue").unwrap_or("0x");
                        let hex = bytes.strip_prefix("0x").unwrap_or("");
                        let bytes = if hex.chars().all(|c| c.is_ascii_hexdigit()) { bytes } else { "0x" };
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
        let kind = words(element.kind.strip_prefix("Sql").unwrap_or(&element.kind), ' ').to_lowercase();
        let name = element.name.clone().unwrap_or_default();
        self.leave(kind, name, "this kind of object is kept in the package and not scripted");
    }

    fn queue(&mut self, element: &'a Element, name: &Name) {
        let on = |property: &str, default: bool| element.property(property).map_or(default, |v| v == "True");
        let word = |on: bool| if on { "ON" } else { "OFF" };
        let mut options = vec![
            format!("STATUS = {}", word(!on("IsStatusOff", false) && on("IsStatusOn", true))),
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
        let on = element.property("IsEnabled").is_none_or(|v| v == "True");
        let bound = element.property("IsSchemaBound").is_none_or(|v| v == "True");
        let word = |on: bool| if on { "ON" } else { "OFF" };
        let replication =
            if element.property("IsNotForReplication") == Some("True") { " NOT FOR REPLICATION" } else { "" };
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
            Some("3") => "BLOB_STORAGE",
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
        for (property, word) in [("Location", "LOCATION"), ("SchemaName", "SCHEMA_NAME"), ("ObjectName", "OBJECT_NAME")]
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
