//! model.xml → tree. Streaming, with limits on bytes, depth and count, so that a hostile file is an error and nothing
//! else. No document type, no entities beyond the five of XML. CDATA is taken as its bytes stand (a conforming reader
//! would fold CR LF into LF): the text of a module comes back as its writer had it.

use super::element::*;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::BufRead;

/// What a model.xml may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: u64,
    /// Tags inside tags.
    pub depth: usize,
    /// Tags in all.
    pub tags: usize,
}

impl Limits {
    /// The limits of a model.xml of so many bytes at most. A tag of a real one comes to some fifty bytes and costs some
    /// two hundred in memory; a text of nothing but tags would cost as much for each four.
    pub fn of_bytes(bytes: u64) -> Self {
        Limits { bytes, depth: 64, tags: usize::try_from(bytes / 20).unwrap_or(usize::MAX) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::of_bytes(1 << 30)
    }
}

/// Why a model.xml can't be read. None of these gets better by trying again.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("model.xml: {0}")]
    Io(#[from] std::io::Error),
    /// It is not well-formed, or not in UTF-8.
    #[error("model.xml is not well-formed XML at byte {position}: {message}")]
    Xml {
        /// Where.
        position: u64,
        /// What the parser says.
        message: String,
    },
    /// It declares a document type or uses an entity that XML does not have.
    #[error("model.xml has {what} at byte {position}: refused")]
    Forbidden {
        /// What it has.
        what: String,
        /// Where.
        position: u64,
    },
    /// A limit is passed.
    #[error("model.xml is beyond the limit of {limit} {what}")]
    Limit {
        /// `bytes`, `levels`, `tags`.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
    /// It is XML, but not a data-tier model.
    #[error("model.xml: {0}")]
    Shape(String),
}

/// Reads a whole model.xml.
pub fn read(input: impl BufRead, limits: Limits) -> Result<Document, ReadError> {
    let mut input = Counted { inner: input, read: 0, looked: 0, last: 0, limit: limits.bytes, crlf: None, bom: None };
    // The first bytes say how it is laid out; the parser skips the byte order mark by itself.
    input.fill_buf()?;
    let mut parser = Parser { reader: Reader::from_reader(input), limits, tags: 0, buffer: Vec::new() };
    parser.reader.config_mut().check_end_names = true;
    let mut document = parser.document()?;
    let source = parser.reader.get_ref();
    document.layout = Layout { byte_order_mark: source.bom.unwrap_or(false), crlf: source.crlf.unwrap_or(false) };
    Ok(document)
}

/// Counts bytes, stops at the limit, and looks at the first line's end.
struct Counted<R> {
    inner: R,
    read: u64,
    /// Bytes that were searched for a line's end: each is looked at once, for there may be none in all of the text.
    looked: u64,
    /// The last of them.
    last: u8,
    limit: u64,
    crlf: Option<bool>,
    bom: Option<bool>,
}

impl<R: BufRead> std::io::Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(out.len());
        out[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.read > self.limit {
            return Err(std::io::Error::other(TooLarge));
        }
        let available = self.inner.fill_buf()?;
        if self.bom.is_none() && !available.is_empty() {
            self.bom = Some(available.starts_with(&[0xEF, 0xBB, 0xBF]));
        }
        if self.crlf.is_none() {
            let seen = usize::try_from(self.looked - self.read).unwrap_or(usize::MAX);
            if let Some(fresh) = available.get(seen..).filter(|fresh| !fresh.is_empty()) {
                self.crlf = memchr::memchr(b'\n', fresh)
                    .map(|at| at.checked_sub(1).and_then(|at| fresh.get(at)).unwrap_or(&self.last) == &b'\r');
                self.looked += fresh.len() as u64;
                self.last = fresh.last().copied().unwrap_or_default();
            }
        }
        Ok(available)
    }

    fn consume(&mut self, n: usize) {
        self.read += n as u64;
        self.looked = self.looked.max(self.read);
        self.inner.consume(n);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

struct Parser<R> {
    reader: Reader<Counted<R>>,
    limits: Limits,
    tags: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> Parser<R> {
    fn document(&mut self) -> Result<Document, ReadError> {
        let mut document = None;
        loop {
            match self.next()? {
                Token::Open(tag, attributes, empty) => {
                    if document.is_some() || local(&tag) != "DataSchemaModel" {
                        return Err(ReadError::Shape(format!("unexpected root element {}", clip(&tag))));
                    }
                    let mut found = Document { header: header(attributes), ..Document::default() };
                    if !empty {
                        self.root(&mut found)?;
                    }
                    document = Some(found);
                }
                Token::Close => return Err(self.shape("an end tag without a start")),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(_) | Token::CData(_) => return Err(self.shape("text outside the root element")),
                Token::End => return document.ok_or_else(|| ReadError::Shape("it is empty".into())),
            }
        }
    }

    fn root(&mut self, document: &mut Document) -> Result<(), ReadError> {
        loop {
            match self.next()? {
                Token::Open(tag, _, empty) if local(&tag) == "Model" => {
                    if !empty {
                        self.model(document)?;
                    }
                }
                Token::Open(tag, attributes, empty) => {
                    let raw = self.raw(tag, attributes, empty, 2)?;
                    document.extras.push(raw);
                }
                Token::Close => return Ok(()),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(_) | Token::CData(_) => return Err(self.shape("text between elements")),
                Token::End => return Err(self.shape("it ends too early")),
            }
        }
    }

    fn model(&mut self, document: &mut Document) -> Result<(), ReadError> {
        loop {
            match self.next()? {
                Token::Open(tag, attributes, empty) => {
                    let raw = self.raw(tag, attributes, empty, 3)?;
                    if local(&raw.tag) != "Element" {
                        return Err(ReadError::Shape(format!("unexpected {} in the model", clip(&raw.tag))));
                    }
                    document.elements.push(element(raw));
                }
                Token::Close => return Ok(()),
                Token::Text(text) if text.trim().is_empty() => {}
                Token::Text(_) | Token::CData(_) => return Err(self.shape("text between elements")),
                Token::End => return Err(self.shape("it ends too early")),
            }
        }
    }

    /// The tag that was just opened, with everything in it.
    fn raw(&mut self, tag: String, attributes: Attributes, empty: bool, depth: usize) -> Result<Raw, ReadError> {
        if depth > self.limits.depth {
            return Err(ReadError::Limit { what: "levels", limit: self.limits.depth as u64 });
        }
        let mut raw = Raw { tag, attributes, content: Vec::new() };
        if empty {
            return Ok(raw);
        }
        loop {
            match self.next()? {
                Token::Open(tag, attributes, empty) => {
                    let child = self.raw(tag, attributes, empty, depth + 1)?;
                    raw.content.push(RawContent::Child(child));
                }
                Token::Close => break,
                Token::Text(text) => match raw.content.last_mut() {
                    Some(RawContent::Text(before)) => before.push_str(&text),
                    _ => raw.content.push(RawContent::Text(text)),
                },
                Token::CData(text) => match raw.content.last_mut() {
                    Some(RawContent::CData(before)) => before.push_str(&text),
                    _ => raw.content.push(RawContent::CData(text)),
                },
                Token::End => return Err(self.shape("it ends too early")),
            }
        }
        // Blanks between tags are layout; blanks that are all there is are a text.
        let only_text = raw.content.len() == 1;
        raw.content.retain(|c| only_text || !matches!(c, RawContent::Text(t) if t.trim().is_empty()));
        if raw.content.iter().all(|c| matches!(c, RawContent::Text(t) if t.trim().is_empty() && t.contains('\n'))) {
            raw.content.clear();
        }
        Ok(raw)
    }

    fn next(&mut self) -> Result<Token, ReadError> {
        loop {
            self.buffer.clear();
            let position = self.reader.buffer_position();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(failed(error, position, self.limits)),
            };
            return Ok(match event {
                Event::Start(start) => {
                    count(&mut self.tags, self.limits)?;
                    let (tag, attributes) = opened(&start, position)?;
                    Token::Open(tag, attributes, false)
                }
                Event::Empty(start) => {
                    count(&mut self.tags, self.limits)?;
                    let (tag, attributes) = opened(&start, position)?;
                    Token::Open(tag, attributes, true)
                }
                Event::End(_) => Token::Close,
                Event::Text(text) => Token::Text(text.into_inner().into_owned()),
                Event::CData(text) => Token::CData(text.into_inner().into_owned()),
                Event::GeneralRef(reference) => Token::Text(resolve(&reference.into_inner(), position)?.to_string()),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => continue,
                Event::DocType(_) => {
                    return Err(ReadError::Forbidden { what: "a document type".into(), position });
                }
                Event::Eof => Token::End,
            });
        }
    }

    fn shape(&self, what: &str) -> ReadError {
        ReadError::Shape(format!("{what} (at byte {})", self.reader.buffer_position()))
    }
}

enum Token {
    Open(String, Attributes, bool),
    Close,
    Text(String),
    CData(String),
    End,
}

fn count(tags: &mut usize, limits: Limits) -> Result<(), ReadError> {
    *tags += 1;
    if *tags > limits.tags {
        return Err(ReadError::Limit { what: "tags", limit: limits.tags as u64 });
    }
    Ok(())
}

fn failed(error: quick_xml::Error, position: u64, limits: Limits) -> ReadError {
    if let quick_xml::Error::Io(io) = &error {
        if io.get_ref().is_some_and(|inner| inner.is::<TooLarge>()) {
            return ReadError::Limit { what: "bytes", limit: limits.bytes };
        }
        return ReadError::Io(std::io::Error::new(io.kind(), io.to_string()));
    }
    ReadError::Xml { position, message: clip(&error.to_string()).to_owned() }
}

fn opened(start: &BytesStart<'_>, position: u64) -> Result<(String, Attributes), ReadError> {
    let malformed = |message: String| ReadError::Xml { position, message: clip(&message).to_owned() };
    let mut attributes = Attributes::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| malformed(e.to_string()))?;
        let key: &str = attribute.key.as_ref();
        attributes.push((key.to_owned(), unescape(&attribute.value, position)?));
    }
    let tag: &str = start.name().into_inner();
    Ok((tag.to_owned(), attributes))
}

/// An attribute's text: references resolved, literal line ends and tabs made blanks (as XML says).
fn unescape(text: &str, position: u64) -> Result<String, ReadError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r', '<']) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'&' => {
                let Some(end) = rest[at..].find(';') else {
                    return Err(ReadError::Xml { position, message: "an & without a reference".into() });
                };
                out.push(resolve(&rest[at + 1..at + end], position)?);
                rest = &rest[at + end + 1..];
            }
            b'<' => return Err(ReadError::Xml { position, message: "a < in an attribute".into() }),
            b'\r' if rest[at + 1..].starts_with('\n') => {
                out.push(' ');
                rest = &rest[at + 2..];
            }
            _ => {
                out.push(' ');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The character of a reference (without `&` and `;`).
fn resolve(reference: &str, position: u64) -> Result<char, ReadError> {
    let number = |digits: &str, radix| {
        // A sign is not a digit here, though Rust's parser would take it.
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return None;
        }
        u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| *c != '\0')
    };
    let found = match reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match reference.strip_prefix('#') {
            Some(digits) => match digits.strip_prefix('x') {
                Some(hex) => number(hex, 16),
                None => number(digits, 10),
            },
            None => None,
        },
    };
    found.ok_or_else(|| ReadError::Forbidden { what: format!("the entity &{};", clip(reference)), position })
}

fn clip(text: &str) -> &str {
    let mut end = text.len().min(120);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn local(tag: &str) -> &str {
    tag.rsplit_once(':').map_or(tag, |(_, local)| local)
}

fn take(attributes: &mut Attributes, name: &str) -> Option<String> {
    let at = attributes.iter().position(|(n, _)| n == name)?;
    Some(attributes.remove(at).1)
}

fn header(mut attributes: Attributes) -> Header {
    Header {
        file_format_version: take(&mut attributes, "FileFormatVersion").unwrap_or_default(),
        schema_version: take(&mut attributes, "SchemaVersion").unwrap_or_default(),
        dsp_name: take(&mut attributes, "DspName").unwrap_or_default(),
        collation_lcid: take(&mut attributes, "CollationLcid").unwrap_or_default(),
        collation_case_sensitive: take(&mut attributes, "CollationCaseSensitive").unwrap_or_default(),
        more: {
            // The name space is written by the writer.
            attributes.retain(|(n, _)| n != "xmlns");
            attributes
        },
    }
}

fn element(raw: Raw) -> Element {
    let mut attributes = raw.attributes;
    Element {
        kind: take(&mut attributes, "Type").unwrap_or_default(),
        name: take(&mut attributes, "Name"),
        disambiguator: take(&mut attributes, "Disambiguator"),
        more: attributes,
        nodes: raw.content.into_iter().map(node).collect(),
    }
}

fn unknown(content: RawContent) -> Raw {
    match content {
        RawContent::Child(raw) => raw,
        // Text between tags: a tag without a name carries it.
        text => Raw { content: vec![text], ..Raw::default() },
    }
}

fn node(content: RawContent) -> Node {
    match content {
        RawContent::Child(raw) => match local(&raw.tag) {
            "Property" => property(raw).map_or_else(Node::Unknown, Node::Property),
            "Relationship" => Node::Relationship(relationship(raw)),
            "Annotation" => Node::Annotation(annotation(raw)),
            "AttachedAnnotation" if raw.content.is_empty() => Node::Attached(attached(raw)),
            _ => Node::Unknown(raw),
        },
        text => Node::Unknown(unknown(text)),
    }
}

fn attached(raw: Raw) -> Attached {
    let mut attributes = raw.attributes;
    Attached { disambiguator: take(&mut attributes, "Disambiguator"), more: attributes }
}

fn annotation(raw: Raw) -> Annotation {
    let mut attributes = raw.attributes;
    Annotation {
        kind: take(&mut attributes, "Type").unwrap_or_default(),
        name: take(&mut attributes, "Name"),
        disambiguator: take(&mut attributes, "Disambiguator"),
        more: attributes,
        nodes: raw.content.into_iter().map(node).collect(),
    }
}

/// A property, or the raw piece where it has another shape than any seen.
fn property(raw: Raw) -> Result<Property, Raw> {
    if raw.content.len() > 1 {
        return Err(raw);
    }
    let script = match raw.content.first() {
        None => None,
        Some(RawContent::Child(value)) if local(&value.tag) == "Value" => match text_of(value) {
            Some(text) => Some(Script { text, more: value.attributes.clone() }),
            None => return Err(raw),
        },
        Some(_) => return Err(raw),
    };
    let mut attributes = raw.attributes;
    let name = take(&mut attributes, "Name").unwrap_or_default();
    let plain = if script.is_none() { take(&mut attributes, "Value") } else { None };
    let value = match (script, plain) {
        (Some(script), _) => Value::Script(script),
        (None, Some(text)) => Value::Plain(text),
        (None, None) => Value::Null,
    };
    Ok(Property { name, value, more: attributes })
}

/// The text of a tag that holds nothing but text.
fn text_of(raw: &Raw) -> Option<String> {
    let sections = raw.content.iter().any(|c| matches!(c, RawContent::CData(_)));
    let mut out = String::new();
    for content in &raw.content {
        match content {
            RawContent::CData(text) => out.push_str(text),
            RawContent::Text(text) if sections && text.trim().is_empty() => {}
            RawContent::Text(text) => out.push_str(text),
            RawContent::Child(_) => return None,
        }
    }
    Some(out)
}

fn relationship(raw: Raw) -> Relationship {
    let mut attributes = raw.attributes;
    let name = take(&mut attributes, "Name").unwrap_or_default();
    let entries = raw
        .content
        .into_iter()
        .map(|content| match content {
            RawContent::Child(entry) if local(&entry.tag) == "Entry" && entry.attributes.is_empty() => {
                Entry { items: entry.content.into_iter().map(item).collect(), bare: false }
            }
            other => Entry { items: vec![Item::Unknown(unknown(other))], bare: true },
        })
        .collect();
    Relationship { name, entries, more: attributes }
}

fn item(content: RawContent) -> Item {
    match content {
        RawContent::Child(raw) => match local(&raw.tag) {
            "References" if raw.content.is_empty() => {
                let mut attributes = raw.attributes;
                Item::Reference(Reference {
                    external_source: take(&mut attributes, "ExternalSource"),
                    name: take(&mut attributes, "Name"),
                    disambiguator: take(&mut attributes, "Disambiguator"),
                    more: attributes,
                })
            }
            "Element" => Item::Element(element(raw)),
            "Annotation" => Item::Annotation(annotation(raw)),
            "AttachedAnnotation" if raw.content.is_empty() => Item::Attached(attached(raw)),
            _ => Item::Unknown(raw),
        },
        text => Item::Unknown(unknown(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn try_read(text: &str) -> Result<Document, ReadError> {
        read(text.as_bytes(), Limits { bytes: 1 << 20, depth: 20, tags: 10_000 })
    }

    const HEAD: &str = "<DataSchemaModel FileFormatVersion=\"1.2\" SchemaVersion=\"2.9\" DspName=\"x\" \
                        CollationLcid=\"1033\" CollationCaseSensitive=\"False\" xmlns=\"u\">";

    #[test]
    fn hostile_files_are_errors() {
        let deep = format!("{HEAD}<Model>{}", "<Element>".repeat(30));
        let many = format!("{HEAD}<Model>{}</Model></DataSchemaModel>", "<Element/>".repeat(10_001));
        let long = format!("{HEAD}<Model><Element Name=\"{}\"/></Model></DataSchemaModel>", "a".repeat(2 << 20));
        for (text, says) in [
            ("", "empty"),
            ("<a/>", "unexpected root"),
            (deep.as_str(), "limit of 20 levels"),
            (many.as_str(), "limit of 10000 tags"),
            (long.as_str(), "limit of 1048576 bytes"),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><DataSchemaModel/>", "document type"),
            ("<DataSchemaModel a=\"&nbsp;\"/>", "entity &nbsp;"),
            ("<DataSchemaModel a=\"&#0;\"/>", "entity &#0;"),
            ("<DataSchemaModel a=\"&#xD800;\"/>", "entity"),
            ("<DataSchemaModel a=\"1\" a=\"2\"/>", "not well-formed"),
            ("<DataSchemaModel><Model></DataSchemaModel>", "not well-formed"),
            ("<DataSchemaModel><Model><Element>", "too early"),
            ("<DataSchemaModel><Model>text</Model></DataSchemaModel>", "text between"),
        ] {
            let error = try_read(text).expect_err(text.get(..60).unwrap_or(text)).to_string();
            assert!(error.contains(says), "{error} does not say {says}");
        }
    }

    #[test]
    fn not_utf_8_is_an_error() {
        let mut bytes = format!("{HEAD}<Model><Element Name=\"").into_bytes();
        bytes.extend([0xFF, 0xFE, b'"']);
        bytes.extend(b"/></Model></DataSchemaModel>");
        assert!(matches!(read(&bytes[..], Limits::default()), Err(ReadError::Xml { .. } | ReadError::Io(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_a_document_or_an_error(text in "(<|>|/|\"|=|&|;|#|Model|Element|Entry| |\\]\\]>|<!\\[CDATA\\[|[a-z\\[\\].])*") {
            let _ = try_read(&text);
            let _ = try_read(&format!("{HEAD}<Model>{text}</Model></DataSchemaModel>"));
        }
    }
}
