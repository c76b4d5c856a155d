//! Origin.xml (where a package comes from, the checksum of its model) and DacMetadata.xml (its name), read tolerantly
//! and written as DacFx writes them: byte order mark, two blanks of indent, DacFx's order of elements.

use std::fmt::Write;

use super::sheet::{each_leaf, escape};
use super::{PackageError, Result};

const NAMESPACE: &str = "http://schemas.microsoft.com/sqlserver/dac/Serialization/2012/02";
const HEAD: &str = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/// What Origin.xml says. Nothing is mandatory on reading; texts stand as they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Of the package: `3.1.0.0` with data parts, `3.0.0.0` without.
    pub package_version: Option<String>,
    /// True in every bacpac, with data parts or without.
    pub contains_data: Option<bool>,
    /// Of the data stream: `2.0.0.0`. Absent in a dacpac and in the oldest exports.
    pub data_stream: Option<String>,
    /// A GUID of the operation.
    pub identity: Option<String>,
    /// When it began, ISO 8601 with offset.
    pub start: Option<String>,
    /// Who wrote it.
    pub product_name: Option<String>,
    /// And in which version.
    pub product_version: Option<String>,
    /// Text of `@@VERSION` of the source.
    pub server_version: Option<String>,
    /// Objects by kind, kinds without `Sql`.
    pub object_counts: Vec<(String, u64)>,
    /// KB.
    pub source_size: Option<u64>,
    /// Rows of all tables: an estimate with some writers, absent with others.
    pub row_count: Option<u64>,
    /// Upper-case hex of SHA-256 by URI (`/model.xml`).
    pub checksums: Vec<(String, String)>,
    /// The SchemaVersion of model.xml.
    pub model_schema_version: Option<String>,
}

impl Origin {
    pub(super) fn read(entry: &str, bytes: &[u8]) -> Result<Origin> {
        let mut origin = Origin::default();
        each_leaf(entry, bytes, |leaf| {
            let text = leaf.text.clone();
            let trimmed = text.trim();
            let number = || {
                trimmed.parse::<u64>().map_err(|_| PackageError::Xml {
                    entry: entry.to_owned(),
                    reason: format!("{} is no number: {trimmed:.40}", leaf.path),
                })
            };
            match leaf.path.as_str() {
                "PackageProperties/Version" => origin.package_version = Some(trimmed.to_owned()),
                "PackageProperties/ContainsExportedData" => origin.contains_data = Some(trimmed == "true"),
                "PackageProperties/StreamVersions/Version" if leaf.attribute("StreamName") == Some("Data") => {
                    origin.data_stream = Some(trimmed.to_owned());
                }
                "Operation/Identity" => origin.identity = Some(trimmed.to_owned()),
                "Operation/Start" => origin.start = Some(trimmed.to_owned()),
                "Operation/ProductName" => origin.product_name = Some(text),
                "Operation/ProductVersion" => origin.product_version = Some(trimmed.to_owned()),
                "Server/ServerVersion" => origin.server_version = Some(text),
                "ExportStatistics/SourceDatabaseSize" => origin.source_size = Some(number()?),
                "ExportStatistics/TableRowCountTotalTag" => origin.row_count = Some(number()?),
                "Checksums/Checksum" => {
                    let uri = leaf.attribute("Uri").unwrap_or_default().to_owned();
                    origin.checksums.push((uri, trimmed.to_owned()));
                }
                "ModelSchemaVersion" => origin.model_schema_version = Some(trimmed.to_owned()),
                path => {
                    if let Some(kind) = path.strip_prefix("Server/ObjectCounts/") {
                        origin.object_counts.push((kind.to_owned(), number()?));
                    }
                }
            }
            Ok(())
        })?;
        Ok(origin)
    }

    /// The checksum of model.xml, if there is one.
    pub fn model_checksum(&self) -> Option<&str> {
        self.checksums.iter().find(|(uri, _)| uri.eq_ignore_ascii_case("/model.xml")).map(|(_, sum)| sum.as_str())
    }

    /// The document, in DacFx's order. What is `None` is left out.
    pub(super) fn write(&self) -> String {
        let mut out = String::from(HEAD);
        let _ = writeln!(out, "<DacOrigin xmlns=\"{NAMESPACE}\">");
        out.push_str("  <PackageProperties>\n");
        line(&mut out, 4, "Version", self.package_version.as_deref());
        let contains = self.contains_data.map(|c| if c { "true" } else { "false" });
        line(&mut out, 4, "ContainsExportedData", contains);
        out.push_str("    <StreamVersions>\n");
        if let Some(version) = &self.data_stream {
            let _ = writeln!(out, "      <Version StreamName=\"Data\">{}</Version>", escape(version));
        }
        out.push_str("      <Version StreamName=\"DeploymentContributors\">1.0.0.0</Version>\n");
        out.push_str("    </StreamVersions>\n  </PackageProperties>\n  <Operation>\n");
        line(&mut out, 4, "Identity", self.identity.as_deref());
        line(&mut out, 4, "Start", self.start.as_deref());
        // DacFx writes its origin before the end is known, and so do we.
        line(&mut out, 4, "End", Some("0001-01-01T00:00:00.0000000"));
        line(&mut out, 4, "ProductName", self.product_name.as_deref());
        line(&mut out, 4, "ProductVersion", self.product_version.as_deref());
        line(&mut out, 4, "ProductSchema", Some(NAMESPACE));
        out.push_str("  </Operation>\n  <Server>\n");
        line(&mut out, 4, "ServerVersion", self.server_version.as_deref());
        out.push_str("    <ObjectCounts>\n");
        let mut counts: Vec<_> = self.object_counts.iter().collect();
        counts.sort();
        for (kind, count) in counts {
            line(&mut out, 6, kind, Some(&count.to_string()));
        }
        out.push_str("    </ObjectCounts>\n  </Server>\n");
        if self.source_size.is_some() || self.row_count.is_some() {
            out.push_str("  <ExportStatistics>\n");
            line(&mut out, 4, "SourceDatabaseSize", self.source_size.map(|n| n.to_string()).as_deref());
            line(&mut out, 4, "TableRowCountTotalTag", self.row_count.map(|n| n.to_string()).as_deref());
            out.push_str("  </ExportStatistics>\n");
        }
        out.push_str("  <Checksums>\n");
        for (uri, sum) in &self.checksums {
            let _ = writeln!(out, "    <Checksum Uri=\"{}\">{}</Checksum>", escape(uri), escape(sum));
        }
        out.push_str("  </Checksums>\n");
        line(&mut out, 2, "ModelSchemaVersion", self.model_schema_version.as_deref());
        out.push_str("</DacOrigin>");
        out
    }
}

/// What DacMetadata.xml says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DacMetadata {
    /// The database's name in a bacpac.
    pub name: Option<String>,
    /// `0.0.0.0` in a bacpac.
    pub version: Option<String>,
    /// Absent in a bacpac.
    pub description: Option<String>,
}

impl DacMetadata {
    /// The metadata of a bacpac of this database.
    pub fn of_database(name: impl Into<String>) -> Self {
        DacMetadata { name: Some(name.into()), version: Some("0.0.0.0".into()), description: None }
    }

    pub(super) fn read(entry: &str, bytes: &[u8]) -> Result<DacMetadata> {
        let mut metadata = DacMetadata::default();
        each_leaf(entry, bytes, |leaf| {
            match leaf.path.as_str() {
                "Name" => metadata.name = Some(leaf.text),
                "Version" => metadata.version = Some(leaf.text.trim().to_owned()),
                "Description" => metadata.description = Some(leaf.text),
                _ => {}
            }
            Ok(())
        })?;
        Ok(metadata)
    }

    pub(super) fn write(&self) -> String {
        let mut out = String::from(HEAD);
        let _ = writeln!(out, "<DacType xmlns=\"{NAMESPACE}\">");
        line(&mut out, 2, "Name", self.name.as_deref());
        line(&mut out, 2, "Version", self.version.as_deref());
        line(&mut out, 2, "Description", self.description.as_deref());
        out.push_str("</DacType>");
        out
    }
}

fn line(out: &mut String, indent: usize, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        let _ = writeln!(out, "{:indent$}<{name}>{}</{name}>", "", escape(text));
    }
}

/// The parts and their tables as `_rels/.rels` names them: `(part, schema, table)`.
pub(super) fn read_rels(entry: &str, bytes: &[u8]) -> Result<Vec<Related>> {
    let mut found: Vec<Related> = Vec::new();
    each_leaf(entry, bytes, |leaf| {
        let (Some(kind), Some(target)) = (leaf.attribute("Type"), leaf.attribute("Target")) else { return Ok(()) };
        let (is_table, name) = match (kind.strip_prefix("table="), kind.strip_prefix("schema=")) {
            (Some(name), _) => (true, name),
            (_, Some(name)) => (false, name),
            _ => return Ok(()),
        };
        let part = target.strip_prefix('/').unwrap_or(target);
        // The two relationships of a part stand side by side.
        if found.last().is_none_or(|last| last.part != part) {
            found.push(Related { part: part.to_owned(), schema: None, table: None });
        }
        if let Some(last) = found.last_mut() {
            let slot = if is_table { &mut last.table } else { &mut last.schema };
            *slot = Some(name.to_owned());
        }
        Ok(())
    })?;
    Ok(found)
}

/// A part as the relationships name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Related {
    pub(super) part: String,
    pub(super) schema: Option<String>,
    pub(super) table: Option<String>,
}

/// `_rels/.rels` of these parts: `(part, schema, table)`.
pub(super) fn write_rels<'a>(parts: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut out = String::from("\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    out.push_str("<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">");
    for (n, (part, schema, table)) in parts.enumerate() {
        for (i, (kind, name)) in [("table", table), ("schema", schema)].into_iter().enumerate() {
            // Unique, and the same whenever the same package is written.
            let id = (2 * n as u64 + i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let _ = write!(
                out,
                "<Relationship Type=\"{kind}={}\" Target=\"/{}\" Id=\"R{id:016x}\" />",
                escape(name),
                escape(part)
            );
        }
    }
    out.push_str("</Relationships>");
    out
}

/// `[Content_Types].xml`: BCP and rels are named when there is data only.
pub(super) fn write_content_types(data: bool) -> String {
    let mut out = String::from("\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    out.push_str("<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">");
    out.push_str("<Default Extension=\"xml\" ContentType=\"text/xml\" />");
    if data {
        out.push_str("<Default Extension=\"BCP\" ContentType=\"application/octet-stream\" />");
        out.push_str(
            "<Default Extension=\"rels\" \
             ContentType=\"application/vnd.openxmlformats-package.relationships+xml\" />",
        );
    }
    out.push_str("</Types>");
    out
}

/// `[Content_Types].xml` names BCP: DacFx ignores the data parts otherwise.
pub(super) fn names_bcp(entry: &str, bytes: &[u8]) -> Result<bool> {
    let mut named = false;
    each_leaf(entry, bytes, |leaf| {
        named |= leaf.attribute("Extension").is_some_and(|extension| extension.eq_ignore_ascii_case("bcp"));
        Ok(())
    })?;
    Ok(named)
}
