//! Sequences, synonyms, XML schema collections, rules and defaults of old, extended properties, and the kinds without a
//! type of their own.

use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

impl<'a> Maker<'a> {
    pub(super) fn sequence(&mut self, sequence: &'a Sequence) {
        let mut text = format!("CREATE SEQUENCE {}", sequence.name);
        let mut needs = vec![Name::one(sequence.name.schema())];
        if let Some(spec) = &sequence.data_type {
            text.push_str(&format!(" AS {}", type_text(spec)));
            needs.extend(own(&spec.type_ref));
        }
        let value = |text: &Option<String>| text.as_deref().and_then(number).map(str::to_owned);
        if let Some(start) = value(&sequence.start_value) {
            text.push_str(&format!(" START WITH {start}"));
        }
        if let Some(step) = value(&sequence.increment) {
            text.push_str(&format!(" INCREMENT BY {step}"));
        }
        if !sequence.no_min_value {
            match value(&sequence.min_value) {
                Some(least) => text.push_str(&format!(" MINVALUE {least}")),
                None => text.push_str(" NO MINVALUE"),
            }
        }
        if !sequence.no_max_value {
            match value(&sequence.max_value) {
                Some(most) => text.push_str(&format!(" MAXVALUE {most}")),
                None => text.push_str(" NO MAXVALUE"),
            }
        }
        if sequence.cycles {
            text.push_str(" CYCLE");
        }
        match (sequence.cached, sequence.cache_size) {
            (false, _) => text.push_str(" NO CACHE"),
            (true, Some(size)) => text.push_str(&format!(" CACHE {size}")),
            (true, None) => {}
        }
        text.push(';');
        self.add(Phase::Types, "sequence", &sequence.name, text).needs = needs;
        if !self.is_dacfx() {
            self.sequence_value(sequence);
        }
    }

    /// Where the source's sequence stood.
    fn sequence_value(&mut self, sequence: &Sequence) {
        let Some(current) = sequence.rest.online_value("[CurrentValue]") else { return };
        let parse = |text: Option<&str>| text.and_then(|t| t.parse::<i128>().ok());
        let (Some(current), start) = (parse(Some(current)), parse(sequence.start_value.as_deref())) else {
            self.leave("sequence value", &sequence.name, "it is not a number");
            return;
        };
        // Assumption: a sequence that stands at its start was never asked for a number (the server says the same of one
        // that was asked once).
        if Some(current) == start {
            return;
        }
        let step = parse(sequence.increment.as_deref()).unwrap_or(1);
        let next = current.saturating_add(step);
        let sql = format!("ALTER SEQUENCE {} RESTART WITH {next};", sequence.name);
        self.then(Phase::Versioning, "sequence value", &sequence.name, sql);
    }

    pub(super) fn synonym(&mut self, synonym: &'a Synonym) {
        let text = sql(&synonym.target_text).trim();
        // One to four parts, quoted or plain; anything else would be T-SQL from a stranger.
        let Some(target) = multipart(text) else {
            self.leave("synonym", &synonym.name, "what it stands for is not a name");
            return;
        };
        let text = format!("CREATE SYNONYM {} FOR {target};", synonym.name);
        let schema = Name::one(synonym.name.schema());
        self.add(Phase::Types, "synonym", &synonym.name, text).needs.push(schema);
    }

    pub(super) fn xml_schema_collection(&mut self, collection: &'a XmlSchemaCollection) {
        let text = format!("CREATE XML SCHEMA COLLECTION {} AS {};", collection.name, sql(&collection.schemas));
        let schema = Name::one(collection.name.schema());
        self.add(Phase::Types, "XML schema collection", &collection.name, text).needs.push(schema);
    }

    pub(super) fn rule(&mut self, rule: &'a Rule) {
        let text = format!("CREATE RULE {} AS {};", rule.name, sql(&rule.condition));
        self.add(Phase::Types, "rule", &rule.name, text);
        self.bind(&rule.name, &rule.bound, "sp_bindrule", "@rulename");
    }

    pub(super) fn bound_default(&mut self, default: &'a BoundDefault) {
        let text = format!("CREATE DEFAULT {} AS {};", default.name, sql(&default.value));
        self.add(Phase::Types, "default of old", &default.name, text);
        self.bind(&default.name, &default.bound, "sp_bindefault", "@defname");
    }

    fn bind(&mut self, name: &Name, targets: &[Reference], procedure: &str, parameter: &str) {
        for target in targets {
            let target = target.parsed();
            let text = format!(
                "EXECUTE {procedure} {parameter} = {}, @objname = {};",
                literal(&name.to_string()),
                literal(&target.to_string())
            );
            self.then(Phase::Tables, "binding", name, text).needs.push(target);
        }
    }

    pub(super) fn extended_property(&mut self, property: &'a ExtendedProperty) {
        let host = property.host.as_ref().map(Reference::parsed).unwrap_or_default();
        let class = property.name.schema();
        let levels = match self.property_levels(class, &host) {
            Some(levels) => levels,
            None => {
                self.leave("extended property", &property.name, format!("hosts of class {class} are not known"));
                return;
            }
        };
        let mut text = format!(
            "EXECUTE sp_addextendedproperty @name = {}, @value = {}",
            literal(property.name.last()),
            sql(&property.value)
        );
        for (at, (kind, name)) in levels.iter().enumerate() {
            text.push_str(&format!(", @level{at}type = N'{kind}', @level{at}name = {}", literal(name)));
        }
        text.push(';');
        let batch = self.then(Phase::Properties, "extended property", &property.name, text);
        batch.needs = vec![host];
    }

    /// The levels of an extended property's host: types and names, outermost first.
    fn property_levels(&self, class: &str, host: &Name) -> Option<Vec<(&'static str, String)>> {
        let schema = || ("SCHEMA", host.schema().to_owned());
        let object = |kind: &'static str| vec![schema(), (kind, host.object().to_owned())];
        let part =
            |owner: (&'static str, String), kind: &'static str| vec![schema(), owner, (kind, host.last().to_owned())];
        let owner_of = |name: &Name| -> Option<(&'static str, String)> {
            let kind = match self.lookup.object(name)? {
                Object::Table(_) => "TABLE",
                Object::View(_) => "VIEW",
                Object::Function(_) => "FUNCTION",
                Object::Procedure(_) => "PROCEDURE",
                Object::TableType(_) => "TYPE",
                _ => return None,
            };
            Some((kind, name.last().to_owned()))
        };
        Some(match class {
            "SqlDatabaseOptions" => Vec::new(),
            "SqlSchema" => vec![schema()],
            "SqlTableBase" => object("TABLE"),
            "SqlView" => object("VIEW"),
            "SqlProcedure" => object("PROCEDURE"),
            "SqlFunction" => object("FUNCTION"),
            "SqlAggregate" => object("AGGREGATE"),
            "SqlSynonym" => object("SYNONYM"),
            "SqlSequence" => object("SEQUENCE"),
            "SqlQueue" => object("QUEUE"),
            "SqlRule" => object("RULE"),
            "SqlDefault" => object("DEFAULT"),
            "SqlType" | "SqlUserDefinedDataType" | "SqlTableType" | "SqlUserDefinedType" => object("TYPE"),
            "SqlXmlSchemaCollection" => object("XML SCHEMA COLLECTION"),
            "SqlFilegroup" => vec![("FILEGROUP", host.last().to_owned())],
            "SqlUser" | "SqlRole" | "SqlApplicationRole" => vec![("USER", host.last().to_owned())],
            "SqlPartitionFunction" => vec![("PARTITION FUNCTION", host.last().to_owned())],
            "SqlPartitionScheme" => vec![("PARTITION SCHEME", host.last().to_owned())],
            "SqlAssembly" => vec![("ASSEMBLY", host.last().to_owned())],
            "SqlCertificate" => vec![("CERTIFICATE", host.last().to_owned())],
            "SqlContract" => vec![("CONTRACT", host.last().to_owned())],
            "SqlMessageType" => vec![("MESSAGE TYPE", host.last().to_owned())],
            "SqlService" => vec![("SERVICE", host.last().to_owned())],
            "SqlRoute" => vec![("ROUTE", host.last().to_owned())],
            "SqlDatabaseDdlTrigger" | "SqlDdlTrigger" => vec![("TRIGGER", host.last().to_owned())],
            "SqlColumn" => part(owner_of(&host.owner())?, "COLUMN"),
            "SqlSubroutineParameter" => part(owner_of(&host.owner())?, "PARAMETER"),
            "SqlIndexBase" => part(owner_of(&host.owner())?, "INDEX"),
            "SqlConstraint" => {
                let table = match self.lookup.object(host)? {
                    Object::Key(k) => &k.table,
                    Object::Check(c) => &c.table,
                    Object::Default(d) => &d.table,
                    Object::ForeignKey(f) => &f.table,
                    Object::EdgeConstraint(e) => &e.table,
                    _ => return None,
                };
                vec![("SCHEMA", table.schema().to_owned()), owner_of(table)?, ("CONSTRAINT", host.last().to_owned())]
            }
            "SqlDmlTrigger" => {
                let Object::DmlTrigger(trigger) = self.lookup.object(host)? else { return None };
                vec![
                    ("SCHEMA", trigger.parent.schema().to_owned()),
                    owner_of(&trigger.parent)?,
                    ("TRIGGER", host.last().to_owned()),
                ]
            }
            _ => return None,
        })
    }

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

/// A name of one to four parts, quoted anew.
fn multipart(text: &str) -> Option<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        if rest.starts_with('[') {
            let mut end = None;
            let bytes = rest.as_bytes();
            let mut at = 1;
            while at < bytes.len() {
                if bytes[at] == b']' {
                    if bytes.get(at + 1) == Some(&b']') {
                        at += 2;
                        continue;
                    }
                    end = Some(at);
                    break;
                }
                at += 1;
            }
            let end = end?;
            parts.push(rest[1..end].replace("]]", "]"));
            rest = rest[end + 1..].trim_start();
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let part = rest[..end].trim();
            if !part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '$')) {
                return None;
            }
            parts.push(part.to_owned());
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => break,
            None => return None,
        }
    }
    if parts.len() > 4 || parts.last().is_none_or(String::is_empty) {
        return None;
    }
    let parts: Vec<String> = parts.iter().map(|p| if p.is_empty() { String::new() } else { quote(p) }).collect();
    Some(parts.join("."))
}
