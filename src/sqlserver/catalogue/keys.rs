//! Keys of columns, security policies, external sources; what a package cannot hold of keys and credentials.

use std::collections::HashMap;

use super::elements::{Making, float};
use super::query::Rows;
use super::{Builder, grouped, hex};
use crate::bacpac::model::{Column, Element, Kind, Name, Reference, schema_reference};
use crate::sqlserver::orders::Field;

/// The names of the column encryption keys by id.
pub(super) fn encryption_keys(rows: &Rows) -> HashMap<i64, String> {
    names(rows, "sys.column_encryption_keys", "column_encryption_key_id")
}

fn names(rows: &Rows, view: &str, id: &str) -> HashMap<i64, String> {
    rows.of(view).filter_map(|r| Some((r.int(id)?, r.string("name")))).collect()
}

impl Builder<'_> {
    pub(super) fn column_keys(&mut self) {
        let rows: Vec<_> = self.rows.of("sys.column_master_keys").collect();
        for r in rows {
            let enclave = r.bool("allow_enclave_computations");
            let made = Making::new("SqlColumnMasterKey", Some(&Name::one(r.string("name"))))
                .with("KeyStoreProviderName", r.text("key_store_provider_name"))
                .with("KeyPath", r.text("key_path"))
                .with("AllowEnclaveComputations", enclave.then_some("True"))
                .with("Signature", r.bytes("signature").filter(|_| enclave).map(hex))
                .finish();
            self.other(made);
        }
        let masters = names(self.rows, "sys.column_master_keys", "column_master_key_id");
        let values = grouped(self.rows, "sys.column_encryption_key_values", "column_encryption_key_id");
        let rows: Vec<_> = self.rows.of("sys.column_encryption_keys").collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            let own = r.int("column_encryption_key_id").and_then(|id| values.get(&id)).cloned().unwrap_or_default();
            let made: Vec<Element> = own
                .iter()
                .filter_map(|v| {
                    let master = masters.get(&v.int("column_master_key_id")?)?;
                    Some(
                        Making::new("SqlColumnEncryptionKeyValue", None)
                            .with("EncryptedValue", Some(hex(v.bytes("encrypted_value")?)))
                            .with("EncryptionAlgorithm", v.text("encryption_algorithm_name"))
                            .to("ColumnMasterKey", [Reference::to(&Name::one(master.as_str()))])
                            .finish(),
                    )
                })
                .collect();
            if made.is_empty() || made.len() != own.len() {
                self.left_out("values of column encryption key", &name);
            }
            let made =
                Making::new("SqlColumnEncryptionKey", Some(&name)).of("ColumnEncryptionKeyValues", made).finish();
            self.other(made);
        }
    }

    /// What is made of secrets: the catalogue shows none, and a new key under an old name would be another key.
    pub(super) fn secrets(&mut self) {
        for (view, kind) in [
            ("sys.symmetric_keys", "symmetric key"),
            ("sys.asymmetric_keys", "asymmetric key"),
            ("sys.certificates", "certificate"),
        ] {
            let found: Vec<_> = self.rows.of(view).map(|r| r.string("name")).collect();
            for name in found {
                // Assumption: this is the name of the database's own master key, which secrets of other objects hang on.
                // That there is one is told.
                if name == "##MS_DatabaseMasterKey##" {
                    self.left_out("password of the database's master key", Name::one(name));
                    self.other(Making::new("SqlMasterKey", None).finish());
                    continue;
                }
                self.left_out(kind, Name::one(name));
            }
        }
        let rows: Vec<_> = self.rows.of("sys.database_scoped_credentials").collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            self.left_out("secret of credential", &name);
            let made = Making::new("SqlDatabaseCredential", Some(&name))
                .with("Identity", r.text("credential_identity"))
                .finish();
            self.other(made);
        }
    }

    pub(super) fn security_policies(&mut self) {
        let predicates = grouped(self.rows, "sys.security_predicates", "object_id");
        let rows: Vec<_> = self.rows.of("sys.security_policies").filter(|r| !r.bool("is_ms_shipped")).collect();
        for r in rows {
            let Some(schema) = r.int("schema_id").and_then(|s| self.schemas.get(&s)) else { continue };
            let name = Name::two(schema.as_str(), r.string("name"));
            let mut own = r.int("object_id").and_then(|id| predicates.get(&id)).cloned().unwrap_or_default();
            own.sort_by_key(|p| p.int("security_predicate_id"));
            let mut made = Vec::new();
            for p in &own {
                let Some(target) = self.object(p.int("target_object_id")) else { continue };
                let target = target.name.clone();
                let text = super::tokens::without_parentheses(&p.string("predicate_definition")).to_owned();
                made.push(
                    Making::new("SqlSecurityPredicate", None)
                        .script("BodyScript", text)
                        .with("Operation", p.int("operation").filter(|o| *o != 0).map(|o| o.to_string()))
                        .with("PredicateType", (p.int("predicate_type") == Some(1)).then_some("1"))
                        .to("TargetObject", [Reference::to(&target)])
                        .finish(),
                );
            }
            if made.len() != own.len() {
                self.left_out("security policy", name);
                continue;
            }
            let made = Making::new("SqlSecurityPolicy", Some(&name))
                .with("Enabled", (r.int("is_enabled") == Some(0)).then_some("False"))
                .with("NotForReplication", r.bool("is_not_for_replication").then_some("True"))
                .with("IsSchemaBound", (r.int("is_schema_bound") == Some(0)).then_some("False"))
                .of("Predicates", made)
                .to("Schema", [schema_reference(name.schema())])
                .finish();
            self.other(made);
        }
    }

    pub(super) fn external(&mut self) {
        let credentials = names(self.rows, "sys.database_scoped_credentials", "credential_id");
        let rows: Vec<_> = self.rows.of("sys.external_data_sources").collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            // DacFx has no word for the other types.
            let Some(kind) = r.int("type").filter(|t| matches!(t, 0 | 1 | 2 | 5)) else {
                self.left_out("external data source", name);
                continue;
            };
            let text = |column: &str| r.text(column).filter(|t| !t.is_empty());
            let credential = r.int("credential_id").and_then(|c| credentials.get(&c));
            let made = Making::new("SqlExternalDataSource", Some(&name))
                .with("DataSourceType", Some(kind).filter(|k| *k != 0).map(|k| k.to_string()))
                .with("Location", text("location"))
                .with("ResourceManagerLocation", text("resource_manager_location"))
                .with("DatabaseName", text("database_name"))
                .with("ShardMapName", text("shard_map_name"))
                .to("Credential", credential.map(|c| Reference::to(&Name::one(c.as_str()))))
                .finish();
            self.other(made);
        }
        let rows: Vec<_> = self.rows.of("sys.external_file_formats").collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            let kind = match r.text("format_type").map(str::to_ascii_uppercase).as_deref() {
                Some("DELIMITEDTEXT") => "0",
                Some("RCFILE") => "1",
                Some("ORC") => "2",
                Some("PARQUET") => "3",
                _ => {
                    self.left_out("external file format", name);
                    continue;
                }
            };
            let text = |column: &str| r.text(column).filter(|t| !t.is_empty());
            let made = Making::new("SqlExternalFileFormat", Some(&name))
                .with("FormatType", Some(kind).filter(|k| *k != "0"))
                .with("SerDeMethod", text("serde_method"))
                .with("FieldTerminator", text("field_terminator"))
                .with("StringDelimiter", text("string_delimiter"))
                .with("DateFormat", text("date_format"))
                .with("UseTypeDefault", r.bool("use_type_default").then_some("True"))
                .with("DataCompression", text("data_compression"))
                .finish();
            self.other(made);
        }
        self.external_tables();
    }

    fn external_tables(&mut self) {
        let sources = names(self.rows, "sys.external_data_sources", "data_source_id");
        let formats = names(self.rows, "sys.external_file_formats", "file_format_id");
        let columns = grouped(self.rows, "sys.columns", "object_id");
        let rows: Vec<_> = self.rows.of("sys.external_tables").collect();
        for r in rows {
            let Some(id) = r.int("object_id") else { continue };
            let Some(name) = self.objects.get(&id).map(|o| o.name.clone()) else { continue };
            let mut own = columns.get(&id).cloned().unwrap_or_default();
            own.sort_by_key(|c| c.int("column_id"));
            let made: Option<Vec<Element>> = own
                .iter()
                .map(|c| {
                    let column = Column {
                        nullable: c.bool("is_nullable"),
                        collation: self.own_collation(c),
                        ..Column::simple(&name, &c.string("name"), self.types.spec(c)?)
                    };
                    Some(column.to_element())
                })
                .collect();
            let source = r.int("data_source_id").and_then(|s| sources.get(&s));
            let (Some(made), Some(source)) = (made, source) else {
                self.left_out("external table", name);
                continue;
            };
            let number = |column: &str| match r.get(column) {
                Field::Float(n) => Some(float(*n)),
                Field::Int(n) => Some(n.to_string()),
                _ => None,
            };
            let text = |column: &str| r.text(column).filter(|t| !t.is_empty());
            let reject = match text("reject_type").map(str::to_ascii_uppercase).as_deref() {
                Some("VALUE") => Some("0"),
                Some("PERCENTAGE") => Some("1"),
                _ => None,
            };
            // The catalogue: 0 sharded, 1 replicated, 2 round robin; the model: 3, 1, 2.
            let distribution = match r.int("distribution_type").filter(|_| text("remote_object_name").is_some()) {
                Some(0) => Some("3"),
                Some(1) => Some("1"),
                Some(2) => Some("2"),
                _ => None,
            };
            let sharding = r.int("sharding_col_id").filter(|_| distribution == Some("3"));
            let format = r.int("file_format_id").and_then(|f| formats.get(&f));
            let reference = |name: &String| Reference::to(&Name::one(name.as_str()));
            let made = Making::new("SqlExternalTable", Some(&name))
                .with("Location", text("location"))
                .with("RejectType", reject)
                .with("RejectValue", number("reject_value").filter(|_| reject.is_some()))
                .with("RejectSampleValue", reject.map(|_| number("reject_sample_value").unwrap_or_else(|| "-1".into())))
                .with("DistributionPolicyType", distribution)
                .with("ExternalSchemaName", text("remote_schema_name"))
                .with("ExternalObjectName", text("remote_object_name"))
                .on("IsAnsiNullsOn", r.bool("uses_ansi_nulls"))
                .of("Columns", made)
                .to("DataSourceName", [reference(source)])
                .to("FileFormatName", format.map(reference))
                .to("Schema", [schema_reference(name.schema())])
                .to("ShardingColumn", sharding.and_then(|c| self.column(id, Some(c))).map(|c| Reference::to(&c)))
                .finish();
            self.other(made);
        }
    }
}
