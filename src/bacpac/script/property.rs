//! Extended properties: every level that the server has.

use super::text::sql;
use super::{Maker, Phase};
use crate::bacpac::model::*;

impl<'a> Maker<'a> {
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
        // A trigger on DDL is made last of all, so that it fires at nothing of this; its properties come after it.
        let last = matches!(self.lookup.object(&host), Some(Object::DdlTrigger(_)));
        let phase = if last { Phase::Permissions } else { Phase::Properties };
        let batch = self.then(phase, "extended property", &property.name, text);
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
                Object::Other(e) if e.kind == "SqlAggregate" => "AGGREGATE",
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
            "SqlUser" | "SqlRole" | "SqlApplicationRole" | "SqlDatabaseSecurityPrincipal" => {
                vec![("USER", host.last().to_owned())]
            }
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
                let constraint = self.lookup.object(host).filter(|o| {
                    use Object::{Check, Default, EdgeConstraint, ForeignKey, Key};
                    matches!(o, Key(_) | Check(_) | Default(_) | ForeignKey(_) | EdgeConstraint(_))
                })?;
                let table = constraint.table()?;
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
}
