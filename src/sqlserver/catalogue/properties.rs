//! Extended properties, on every level that the model has.

use std::collections::HashMap;

use super::database::filegroup;
use super::principals::{Securable, schema_as_host};
use super::{Builder, grouped};
use crate::bacpac::model::{ExtendedProperty, Name, Reference, Script, literal};
use crate::sqlserver::orders::Record;

impl Builder<'_> {
    pub(super) fn extended_properties(&mut self) {
        let mut parameters: HashMap<(i64, i64), String> = HashMap::new();
        for r in self.rows.of("sys.parameters") {
            if let (Some(object), Some(number)) = (r.int("object_id"), r.int("parameter_id")) {
                parameters.insert((object, number), r.string("name"));
            }
        }
        let indexes = grouped(self.rows, "sys.indexes", "object_id");
        let rows: Vec<_> = self.rows.of("sys.extended_properties").collect();
        for r in rows {
            let name = r.string("name");
            let (class, major, minor) = (
                r.int("class").unwrap_or_default(),
                r.int("major_id").unwrap_or_default(),
                r.int("minor_id").unwrap_or_default(),
            );
            // What the server ships with has properties, too.
            if class == 1 && self.shipped.contains(&major) {
                continue;
            }
            let host = match class {
                2 => self.parameter(major, parameters.get(&(major, minor))),
                7 => self.index_host(major, minor, &indexes),
                _ => self.host(class, major, minor),
            };
            let Some(host) = host else {
                let on = self.objects.get(&major).filter(|_| matches!(class, 1 | 2 | 7));
                let on = on.map_or_else(|| format!("class {class}, {major}, {minor}"), |o| o.name.to_string());
                self.left_out("extended property", format!("{name} on {on}"));
                continue;
            };
            let nothing = (r.text("value_type").is_none() && r.text("value").is_none()).then(|| "NULL".to_owned());
            let Some(value) = value(&r, "value").or(nothing) else {
                let kind = r.text("value_type").unwrap_or("NULL");
                self.left_out(
                    "extended property (its value is not a text, a number or bytes)",
                    format!("{name}: {kind}"),
                );
                continue;
            };
            let mut parts = vec![host.class.to_owned()];
            parts.extend(host.name.parts().iter().cloned());
            parts.push(name);
            self.made.push(
                ExtendedProperty {
                    name: Name::of(parts),
                    value: Some(Script::new(value)),
                    host: Some(host.reference),
                    ..ExtendedProperty::default()
                }
                .into(),
            );
        }
    }

    fn parameter(&self, object: i64, parameter: Option<&String>) -> Option<Securable> {
        let owner = self.objects.get(&object).filter(|o| self.is_carried(object, o))?;
        // The value of a scalar function has no name.
        let name = owner.name.child(parameter.filter(|p| !p.is_empty())?);
        Some(Securable { class: "SqlSubroutineParameter", reference: Reference::to(&name), name })
    }

    fn index_host(&self, object: i64, index: i64, indexes: &HashMap<i64, Vec<Record<'_>>>) -> Option<Securable> {
        let owner = self.objects.get(&object).filter(|o| self.is_carried(object, o))?;
        let r = indexes.get(&object)?.iter().find(|r| r.int("index_id") == Some(index))?;
        // The index of a key has no element of its own.
        if r.bool("is_primary_key") || r.bool("is_unique_constraint") {
            return None;
        }
        let name = owner.name.child(r.string("name"));
        self.carried.contains(&name).then(|| Securable { class: "SqlIndexBase", reference: Reference::to(&name), name })
    }

    fn host(&self, class: i64, major: i64, minor: i64) -> Option<Securable> {
        let plain = |class: &'static str, name: Name| Securable { class, reference: Reference::to(&name), name };
        let one = |class: &'static str, view: &str, id: &str| {
            let found = self.rows.of(view).find(|r| r.int(id) == Some(major))?;
            let name = Name::one(found.string("name"));
            self.carried.contains(&name).then(|| plain(class, name))
        };
        match class {
            0 => Some(Securable {
                class: "SqlDatabaseOptions",
                name: Name::default(),
                reference: self.database_reference(),
            }),
            1 => match self.objects.get(&major) {
                Some(object) if minor != 0 => {
                    let there = self.is_carried(major, object);
                    self.column(major, Some(minor)).filter(|_| there).map(|name| plain("SqlColumn", name))
                }
                Some(object) => {
                    let class = match object.kind.as_str() {
                        "U" | "ET" => "SqlTableBase",
                        "V" => "SqlView",
                        "P" | "PC" | "RF" => "SqlProcedure",
                        "FN" | "IF" | "TF" | "FS" | "FT" => "SqlFunction",
                        "AF" => "SqlAggregate",
                        "TR" | "TA" => "SqlDmlTrigger",
                        "D" if object.parent == 0 => "SqlDefault",
                        "PK" | "UQ" | "C" | "D" | "F" | "EC" => "SqlConstraint",
                        "SN" => "SqlSynonym",
                        "SO" => "SqlSequence",
                        "SQ" => "SqlQueue",
                        "R" => "SqlRule",
                        _ => return None,
                    };
                    self.is_carried(major, object).then(|| plain(class, object.name.clone()))
                }
                None => {
                    let r = self.rows.of("sys.triggers").find(|r| r.int("object_id") == Some(major))?;
                    let name = Name::one(r.string("name"));
                    self.carried.contains(&name).then(|| plain("SqlDatabaseDdlTrigger", name))
                }
            },
            3 => {
                let schema = self.schemas.get(&major)?;
                let name = Name::one(schema.as_str());
                Some(Securable { class: "SqlSchema", reference: schema_as_host(schema), name })
            }
            4 => {
                let principal = self.principals.get(&major).filter(|p| p.carried)?;
                let (reference, name) = (principal.as_host(), Name::one(principal.name.as_str()));
                Some(Securable { class: "SqlDatabaseSecurityPrincipal", name, reference })
            }
            5 => one("SqlAssembly", "sys.assemblies", "assembly_id"),
            6 => Some(plain("SqlType", self.types.name(major).filter(|n| self.carried.contains(n))?)),
            10 => {
                let name = self.types.xml_collection(major).filter(|n| self.carried.contains(n))?;
                Some(plain("SqlXmlSchemaCollection", name))
            }
            15 => one("SqlMessageType", "sys.service_message_types", "message_type_id"),
            16 => one("SqlContract", "sys.service_contracts", "service_contract_id"),
            17 => one("SqlService", "sys.services", "service_id"),
            19 => one("SqlRoute", "sys.routes", "route_id"),
            20 if self
                .rows
                .of("sys.filegroups")
                .any(|r| r.int("data_space_id") == Some(major) && r.string("name") == "PRIMARY") =>
            {
                let name = Name::one("PRIMARY");
                Some(Securable { class: "SqlFilegroup", reference: filegroup("PRIMARY"), name })
            }
            20 => one("SqlFilegroup", "sys.filegroups", "data_space_id")
                .or_else(|| one("SqlPartitionScheme", "sys.partition_schemes", "data_space_id")),
            21 => one("SqlPartitionFunction", "sys.partition_functions", "function_id"),
            _ => None,
        }
    }
}

/// A value of sql_variant as T-SQL: texts and numbers. Nothing for what no literal gives back with every digit.
pub(super) fn value(r: &Record<'_>, column: &str) -> Option<String> {
    let kind = r.text(&format!("{column}_type"))?.to_ascii_lowercase();
    let text = r.text(column);
    match kind.as_str() {
        "nvarchar" | "nchar" | "sysname" => Some(literal(text?)),
        // A text of a code page is a plain literal where every code page reads it alike.
        "varchar" | "char" if text?.is_ascii() => Some(literal(text?).trim_start_matches('N').to_owned()),
        "varchar" | "char" => Some(literal(text?)),
        "tinyint" | "smallint" | "int" | "bigint" | "bit" | "decimal" | "numeric" => {
            let text = text?;
            let number = text.strip_prefix('-').unwrap_or(text);
            (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.')).then(|| text.to_owned())
        }
        "binary" | "varbinary" => {
            let text = r.text(&format!("{column}_exact"))?;
            let digits = text.strip_prefix("0x")?;
            digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| text.to_owned())
        }
        _ => None,
    }
}

/// A value of sql_variant that is converted to a type that is known (that of a partition's bounds, of a parameter):
/// moments, too, as the text that every language reads alike.
pub(super) fn converted(r: &Record<'_>, column: &str) -> Option<String> {
    value(r, column).or_else(|| {
        let kind = r.string(&format!("{column}_type")).to_ascii_lowercase();
        match kind.as_str() {
            "" => return Some("NULL".into()),
            "uniqueidentifier" | "time" | "datetimeoffset" => return r.text(column).map(literal),
            "money" | "smallmoney" => return r.text(&format!("{column}_exact")).map(str::to_owned),
            _ => {}
        }
        let text = r.text(&format!("{column}_moment"))?;
        // 2020-01-01T00:00:00.0000000, shortened to what the type has.
        let text = match kind.as_str() {
            "date" => text.split('T').next()?.to_owned(),
            "datetime2" => text.to_owned(),
            // Three digits of a second, which datetime rounds to its own; none for smalldatetime.
            _ => match text.split_once('.') {
                Some((seconds, digits)) => format!("{seconds}.{}", digits.get(..3).unwrap_or(digits)),
                None => text.to_owned(),
            },
        };
        Some(literal(&text))
    })
}
