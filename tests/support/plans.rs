//! Column plans from model.xml by a small reader of the tests' own, so that the project's reader has a twin. Follows
//! `bcpdecode.py`, with the defaults of the format document.

use std::collections::HashMap;

use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};
use quick_xml::Reader;
use quick_xml::events::Event;

#[derive(Debug, Default)]
struct Node {
    tag: String,
    attributes: HashMap<String, String>,
    children: Vec<Node>,
}

impl Node {
    fn name(&self) -> &str {
        self.attributes.get("Name").map_or("", String::as_str)
    }
    fn kind(&self) -> &str {
        self.attributes.get("Type").map_or("", String::as_str)
    }
    fn property(&self, name: &str) -> Option<&str> {
        let found = self.children.iter().find(|c| c.tag == "Property" && c.name() == name)?;
        found.attributes.get("Value").map(String::as_str)
    }
    fn related(&self, name: &str) -> impl Iterator<Item = &Node> {
        self.children
            .iter()
            .filter(move |c| c.tag == "Relationship" && c.name() == name)
            .flat_map(|r| r.children.iter())
            .flat_map(|entry| entry.children.iter())
    }
}

fn parse(xml: &[u8]) -> Node {
    let text = std::str::from_utf8(xml).unwrap().trim_start_matches('\u{FEFF}');
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    loop {
        let (event, empty) = match reader.read_event().unwrap() {
            Event::Start(start) => (start.into_owned(), false),
            Event::Empty(start) => (start.into_owned(), true),
            Event::End(_) => {
                let node = open.pop().unwrap();
                open.last_mut().unwrap().children.push(node);
                continue;
            }
            Event::Eof => return open.pop().unwrap(),
            _ => continue,
        };
        let mut node = Node { tag: event.local_name().into_inner().to_owned(), ..Node::default() };
        for attribute in event.attributes() {
            let attribute = attribute.unwrap();
            let value = attribute.value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            let value = value.replace("&apos;", "'").replace("&amp;", "&");
            let key: &str = attribute.key.into_inner();
            node.attributes.insert(key.to_owned(), value);
        }
        if empty {
            open.last_mut().unwrap().children.push(node);
        } else {
            open.push(node);
        }
    }
}

/// `[a].[b]]c]` → `a`, `b]c`.
fn split(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '[' {
            continue;
        }
        let mut part = String::new();
        while let Some(c) = chars.next() {
            match c {
                ']' if chars.peek() == Some(&']') => {
                    chars.next();
                    part.push(']');
                }
                ']' => break,
                c => part.push(c),
            }
        }
        parts.push(part);
    }
    parts
}

/// The plans of every table of a model.
pub fn plans(model_xml: &[u8]) -> Vec<TablePlan> {
    let root = parse(model_xml);
    let model = root.children[0].children.iter().find(|c| c.tag == "Model").unwrap();
    let aliases: HashMap<&str, &Node> =
        model.children.iter().filter(|e| e.kind() == "SqlUserDefinedDataType").map(|e| (e.name(), e)).collect();
    let clr: Vec<&str> = model.children.iter().filter(|e| e.kind() == "SqlUserDefinedType").map(|e| e.name()).collect();
    let tables = model.children.iter().filter(|e| e.kind() == "SqlTable");
    tables
        .map(|table| {
            let columns = table
                .related("Columns")
                .filter(|c| !matches!(c.kind(), "SqlComputedColumn" | "SqlColumnSet"))
                .map(|c| column(c, &aliases, &clr))
                .collect();
            let name = split(table.name());
            TablePlan::new(name[0].clone(), name[1].clone(), columns)
        })
        .collect()
}

fn column(column: &Node, aliases: &HashMap<&str, &Node>, clr: &[&str]) -> ColumnPlan {
    use BcpType::*;
    let name = split(column.name()).pop().unwrap();
    let nullable = column.property("IsNullable") != Some("False");
    let specifier = column.related("TypeSpecifier").next().unwrap();
    if specifier.kind() == "SqlXmlTypeSpecifier" {
        return ColumnPlan::new(name, Xml, nullable);
    }
    let mut facets = specifier;
    let mut reference = facets.related("Type").next().unwrap().name();
    if let Some(alias) = aliases.get(reference) {
        facets = alias;
        reference = alias.related("Type").next().unwrap().name();
    }
    if clr.contains(&reference) {
        return ColumnPlan::new(name, Clr, nullable);
    }
    let base = split(reference).pop().unwrap();
    let max = facets.property("IsMax") == Some("True");
    let number = |name: &str| facets.property(name).map_or(0, |v| v.parse().unwrap());
    let ty = match (base.as_str(), max) {
        ("bit", _) => Bit,
        ("tinyint", _) => TinyInt,
        ("smallint", _) => SmallInt,
        ("int", _) => Int,
        ("bigint", _) => BigInt,
        ("real", _) => Real,
        ("float", _) => Float,
        ("smallmoney", _) => SmallMoney,
        ("money", _) => Money,
        ("decimal", _) => Decimal,
        ("numeric", _) => Numeric,
        ("date", _) => Date,
        ("time", _) => Time,
        ("smalldatetime", _) => SmallDateTime,
        ("datetime", _) => DateTime,
        ("datetime2", _) => DateTime2,
        ("datetimeoffset", _) => DateTimeOffset,
        ("uniqueidentifier", _) => UniqueIdentifier,
        ("char", _) => Char,
        ("varchar", true) => VarCharMax,
        ("varchar", false) => VarChar,
        ("nchar", _) => NChar,
        ("nvarchar", true) => NVarCharMax,
        ("nvarchar" | "sysname", false) => NVarChar,
        ("text", _) => Text,
        ("ntext", _) => NText,
        ("image", _) => Image,
        ("binary", _) => Binary,
        ("varbinary", true) => VarBinaryMax,
        ("varbinary", false) => VarBinary,
        ("rowversion" | "timestamp", _) => RowVersion,
        ("xml", _) => Xml,
        ("sql_variant", _) => Variant,
        ("hierarchyid", _) => HierarchyId,
        ("geometry", _) => Geometry,
        ("geography", _) => Geography,
        (other, _) => panic!("no type {other}"),
    };
    let mut plan = ColumnPlan::new(name, ty, nullable);
    match ty {
        Char | VarChar | NChar | NVarChar | Binary | VarBinary => {
            plan.length = if base == "sysname" { 128 } else { number("Length").max(1) as u32 };
        }
        Decimal | Numeric => {
            plan.precision = if facets.property("Precision").is_some() { number("Precision") as u8 } else { 18 };
            plan.scale = number("Scale") as u8;
        }
        Time | DateTime2 | DateTimeOffset => plan.scale = number("Scale") as u8,
        _ => {}
    }
    plan.collation = column.property("Collation").map(str::to_owned);
    plan.identity = column.property("IsIdentity") == Some("True");
    plan
}
