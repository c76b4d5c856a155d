//! The small XML entries beside model.xml, read tolerantly: a flat list of elements with their path, attributes, text.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{PackageError, Result};

/// An element.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Local names from the root's children on: `Operation/Identity`.
    pub(super) path: String,
    pub(super) attributes: Vec<(String, String)>,
    /// Its own text, trimmed at neither end.
    pub(super) text: String,
}

impl Leaf {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Every element below the root, in document order.
pub(super) fn leaves(entry: &str, bytes: &[u8]) -> Result<Vec<Leaf>> {
    let bad = |reason: String| PackageError::Xml { entry: entry.to_owned(), reason };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|e| bad(e.to_string()))?;
    let mut reader = Reader::from_str(text);
    let mut leaves: Vec<Leaf> = Vec::new();
    // Indices of the open elements in `leaves`; the root has none.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut rooted = false;
    loop {
        match reader.read_event().map_err(|e| bad(e.to_string()))? {
            Event::Start(start) => {
                rooted = true;
                if open.len() >= 32 {
                    return Err(bad("too deep".into()));
                }
                let leaf = leaf(&start, &open, &leaves).map_err(bad)?;
                open.push(leaf.map(|leaf| {
                    leaves.push(leaf);
                    leaves.len() - 1
                }));
            }
            Event::Empty(start) => {
                rooted = true;
                leaves.extend(leaf(&start, &open, &leaves).map_err(bad)?);
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(piece) => {
                if let Some(Some(i)) = open.last() {
                    leaves[*i].text.push_str(&piece.into_inner());
                }
            }
            Event::CData(piece) => {
                if let Some(Some(i)) = open.last() {
                    leaves[*i].text.push_str(&piece.into_inner());
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.into_inner();
                let c = character(&name).ok_or_else(|| bad(format!("entity {name:.20}")))?;
                if let Some(Some(i)) = open.last() {
                    leaves[*i].text.push(c);
                }
            }
            Event::DocType(_) => return Err(bad("a document type is refused".into())),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if rooted && open.is_empty() => return Ok(leaves),
            Event::Eof => return Err(bad("it ends too early".into())),
        }
    }
}

fn leaf(start: &BytesStart<'_>, open: &[Option<usize>], leaves: &[Leaf]) -> std::result::Result<Option<Leaf>, String> {
    let Some(parent) = open.last() else { return Ok(None) };
    let name: &str = start.local_name().into_inner();
    let path = match parent {
        Some(i) => format!("{}/{name}", leaves[*i].path),
        None => name.to_owned(),
    };
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let key: &str = attribute.key.into_inner();
        attributes.push((key.to_owned(), unescape(&attribute.value)?));
    }
    Ok(Some(Leaf { path, attributes, text: String::new() }))
}

fn unescape(text: &str) -> std::result::Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').ok_or("an & without a reference")?;
        out.push_str(before);
        out.push(character(name).ok_or_else(|| format!("entity {name:.20}"))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn character(reference: &str) -> Option<char> {
    Some(match reference {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        other => {
            let digits = other.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

/// Text for between tags and inside double quotes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            // XML 1.0 has no way to write the other control characters.
            c if c.is_control() && c != '\n' && c != '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
