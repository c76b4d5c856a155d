//! The small XML entries beside model.xml, read tolerantly: one element after the other with its path, attributes, text.

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

/// The longest name that an element of such an entry may have; those that are known have some twenty characters.
const LONGEST_NAME: usize = 256;

/// Gives every element below the root to `take` when it ends, so those inside it come before it. One is held at a time,
/// and those around it: an entry may have as many as fit into its size.
pub(super) fn each_leaf(entry: &str, bytes: &[u8], mut take: impl FnMut(Leaf) -> Result<()>) -> Result<()> {
    let bad = |reason: String| PackageError::Xml { entry: entry.to_owned(), reason };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|e| bad(e.to_string()))?;
    let mut reader = Reader::from_str(text);
    // The open elements; the root is none.
    let mut open: Vec<Option<Leaf>> = Vec::new();
    let mut rooted = false;
    loop {
        match reader.read_event().map_err(|e| bad(e.to_string()))? {
            Event::Start(start) => {
                rooted = true;
                if open.len() >= 32 {
                    return Err(bad("too deep".into()));
                }
                let leaf = leaf(&start, &open).map_err(bad)?;
                open.push(leaf);
            }
            Event::Empty(start) => {
                rooted = true;
                if let Some(leaf) = leaf(&start, &open).map_err(bad)? {
                    take(leaf)?;
                }
            }
            Event::End(_) => {
                if let Some(Some(leaf)) = open.pop() {
                    take(leaf)?;
                }
            }
            Event::Text(piece) => {
                if let Some(Some(leaf)) = open.last_mut() {
                    leaf.text.push_str(&piece.into_inner());
                }
            }
            Event::CData(piece) => {
                if let Some(Some(leaf)) = open.last_mut() {
                    leaf.text.push_str(&piece.into_inner());
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.into_inner();
                let c = character(&name).ok_or_else(|| bad(format!("entity {name:.20}")))?;
                if let Some(Some(leaf)) = open.last_mut() {
                    leaf.text.push(c);
                }
            }
            Event::DocType(_) => return Err(bad("a document type is refused".into())),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if rooted && open.is_empty() => return Ok(()),
            Event::Eof => return Err(bad("it ends too early".into())),
        }
    }
}

fn leaf(start: &BytesStart<'_>, open: &[Option<Leaf>]) -> std::result::Result<Option<Leaf>, String> {
    let Some(parent) = open.last() else { return Ok(None) };
    let name: &str = start.local_name().into_inner();
    // Every element inside repeats it in its path.
    if name.len() > LONGEST_NAME {
        return Err(format!("an element's name has {} bytes", name.len()));
    }
    let path = match parent {
        Some(leaf) => format!("{}/{name}", leaf.path),
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
