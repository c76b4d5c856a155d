//! XML schema collections: their namespaces and global components, and the text that `xml_schema_namespace` gives back.
//!
//! The texts are kept as they were sent. What is worked out of them is what stands directly inside a schema element:
//! enough to tell which names a collection declares, not what their content is.

use super::{Cell, Scan};
use crate::sandbox::meta::Kind;
use crate::sandbox::meta::database::XmlSchemaCollection;

/// A schema document of a collection.
#[derive(Debug, PartialEq, Eq)]
struct Document<'t> {
    namespace: String,
    text: &'t str,
    components: Vec<Component>,
}

/// A global component: local name of its element, its name.
#[derive(Debug, PartialEq, Eq)]
struct Component {
    element: String,
    name: String,
}

/// A tag of a document: local name, attributes, whether it opens, whether it closes.
struct Tag<'t> {
    start: usize,
    end: usize,
    name: &'t str,
    attributes: &'t str,
    opens: bool,
    closes: bool,
}

/// The next tag from a place; comments, instructions and CDATA sections are passed over.
fn next_tag(text: &str, from: usize) -> Option<Tag<'_>> {
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find('<')?;
        let rest = &text[start..];
        let passed = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")]
            .iter()
            .find(|(open, _)| rest.starts_with(open))
            .map(|(open, close)| rest[open.len()..].find(close).map(|n| open.len() + n + close.len()));
        match passed {
            Some(Some(length)) => at = start + length,
            Some(None) => return None,
            None => {
                // A > inside of quotes does not end the tag.
                let mut quote = None;
                let end = rest.char_indices().find_map(|(i, c)| match (quote, c) {
                    (None, '"' | '\'') => {
                        quote = Some(c);
                        None
                    }
                    (Some(q), c) if q == c => {
                        quote = None;
                        None
                    }
                    (None, '>') => Some(i),
                    _ => None,
                })?;
                let body = &rest[1..end];
                let closing = body.starts_with('/');
                let empty = body.ends_with('/');
                let body = body.trim_matches('/');
                let cut = body.find(char::is_whitespace).unwrap_or(body.len());
                let name = body[..cut].rsplit(':').next().unwrap_or_default();
                return Some(Tag {
                    start,
                    end: start + end + 1,
                    name,
                    attributes: &body[cut..],
                    opens: !closing,
                    closes: closing || empty,
                });
            }
        }
    }
}

/// The value of an attribute without a prefix.
fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes.trim_start();
    while !rest.is_empty() {
        let equals = rest.find('=')?;
        let name = rest[..equals].trim();
        let value = rest[equals + 1..].trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let end = value[1..].find(quote)?;
        if name == wanted {
            let text = &value[1..=end];
            return Some(
                text.replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&quot;", "\"")
                    .replace("&apos;", "'")
                    .replace("&amp;", "&"),
            );
        }
        rest = value[end + 2..].trim_start();
    }
    None
}

/// The schemas of a collection's text.
fn documents(text: &str) -> Vec<Document<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut depth = 0usize;
    let mut open: Option<(usize, String, Vec<Component>)> = None;
    while let Some(tag) = next_tag(text, at) {
        at = tag.end;
        if tag.opens {
            if depth == 0 && tag.name == "schema" {
                let namespace = attribute(tag.attributes, "targetNamespace").unwrap_or_default();
                open = Some((tag.start, namespace, Vec::new()));
            } else if depth == 1
                && let Some((.., components)) = &mut open
                && let Some(name) = attribute(tag.attributes, "name")
            {
                components.push(Component { element: tag.name.to_string(), name });
            }
            depth += 1;
        }
        if tag.closes {
            depth = depth.saturating_sub(1);
            if depth == 0
                && let Some((start, namespace, components)) = open.take()
            {
                out.push(Document { namespace, text: &text[start..tag.end], components });
            }
        }
    }
    out
}

/// What `xml_schema_namespace` gives of a collection: all of it, or one namespace's schemas.
// Assumption: the text as it was sent; a real server writes it anew, without comments and annotations.
pub fn text_of(collection: &XmlSchemaCollection, namespace: Option<&str>) -> String {
    let wanted = |d: &Document<'_>| namespace.is_none_or(|n| d.namespace == n);
    documents(&collection.text).iter().filter(|d| wanted(d)).map(|d| d.text).collect()
}

/// `sys.xml_schema_namespaces`: the built-in collection's, and the users'.
pub(super) fn namespaces(s: &mut Scan<'_, '_>) {
    let system = [
        "http://www.w3.org/2001/XMLSchema",
        "http://schemas.microsoft.com/sqlserver/2004/sqltypes",
        "http://www.w3.org/XML/1998/namespace",
    ];
    for (n, name) in (1i64..).zip(system) {
        s.row(&|column| match column {
            "xml_collection_id" => 1.into(),
            "name" => name.into(),
            "xml_namespace_id" => n.into(),
            _ => Cell::Unsaid,
        });
    }
    for c in &s.db().xml_collections {
        for (n, name) in (1i64..).zip(names_of(c)) {
            s.row(&|column| match column {
                "xml_collection_id" => c.id.into(),
                "name" => (&name).into(),
                "xml_namespace_id" => n.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// The namespaces of a collection, each once.
fn names_of(c: &XmlSchemaCollection) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for document in documents(&c.text) {
        if !out.contains(&document.namespace) {
            out.push(document.namespace);
        }
    }
    out
}

/// `sys.xml_schema_components`: the global ones of the users' collections.
// Assumption: what is inside of a component, and the components of the system's collection, are left out.
pub(super) fn components(s: &mut Scan<'_, '_>) {
    let mut id = 65_536i64;
    for c in &s.db().xml_collections {
        let names = names_of(c);
        for document in documents(&c.text) {
            let namespace = names.iter().position(|n| *n == document.namespace).map_or(1, |n| n as i64 + 1);
            for x in &document.components {
                let (space, space_text, kind, kind_text) = match x.element.as_str() {
                    "element" => ('E', "ELEMENT", 'E', "ELEMENT"),
                    "attribute" => ('A', "ATTRIBUTE", 'A', "ATTRIBUTE"),
                    "simpleType" => ('T', "TYPE", 'S', "SIMPLE_TYPE"),
                    "complexType" => ('T', "TYPE", 'K', "COMPLEX_TYPE"),
                    "group" => ('M', "MODEL_GROUP", 'M', "MODEL_GROUP"),
                    "attributeGroup" => ('G', "ATTRIBUTE_GROUP", 'G', "ATTRIBUTE_GROUP"),
                    _ => continue,
                };
                s.row(&|column| match column {
                    "xml_component_id" => id.into(),
                    "xml_collection_id" => c.id.into(),
                    "xml_namespace_id" => namespace.into(),
                    "is_qualified" => true.into(),
                    "name" => (&x.name).into(),
                    "symbol_space" => space.into(),
                    "symbol_space_desc" => space_text.into(),
                    "kind" => kind.into(),
                    "kind_desc" => kind_text.into(),
                    "derivation" => "N".into(),
                    "derivation_desc" => "NONE".into(),
                    _ => Cell::Unsaid,
                });
                id += 1;
            }
        }
    }
}

/// `sys.column_xml_schema_collection_usages`.
pub(super) fn column_usages(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Kind::Table(t) = &o.kind else { continue };
        for c in t.columns.iter().filter(|c| c.xml_collection_id != 0) {
            s.row(&|column| match column {
                "object_id" => o.object_id.into(),
                "column_id" => c.id.into(),
                "xml_collection_id" => c.xml_collection_id.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.parameter_xml_schema_collection_usages`.
pub(super) fn parameter_usages(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Kind::Module(m) = &o.kind else { continue };
        for p in m.parameters.iter().filter(|p| p.xml_collection_id != 0) {
            s.row(&|column| match column {
                "object_id" => o.object_id.into(),
                "parameter_id" => p.id.into(),
                "xml_collection_id" => p.xml_collection_id.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_told_apart_and_their_components_found() {
        let text = "<?xml version='1.0'?><!-- <a> --><xs:schema xmlns:xs='u' targetNamespace=\"a&amp;b\"><xs:element name='r' \
                    default='x>y'><xs:complexType name='inner'/></xs:element><xs:simpleType name=\"T\"/></xs:schema><schema/>";
        let found = documents(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].namespace, "a&b");
        let names: Vec<&str> = found[0].components.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["r", "T"]);
        assert!(found[0].text.starts_with("<xs:schema") && found[0].text.ends_with("</xs:schema>"));
        assert_eq!((found[1].namespace.as_str(), found[1].text), ("", "<schema/>"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[<>/a-c:='\" !\\-\\[\\]?é]{0,60}") {
            let _ = documents(&text);
        }
    }
}
