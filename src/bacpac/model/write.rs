//! Tree → model.xml, in the textual form of DacFx: UTF-8, a tab a level, ` />` for empty tags, no newline at the end.
//! By default without byte order mark and with LF; a document that was read keeps the layout it had, so that a model
//! that nobody changed comes out with the bytes (and the checksum) it went in with.

use super::element::*;
use std::io::{self, Write};

/// The name space of model.xml, DacMetadata.xml and Origin.xml.
pub const NAMESPACE: &str = "http://schemas.microsoft.com/sqlserver/dac/Serialization/2012/02";

/// Writes a whole model.xml.
pub fn write(document: &Document, out: impl Write) -> io::Result<()> {
    let mut writer = Writer { out, end: if document.layout.crlf { "\r\n" } else { "\n" }, depth: 0 };
    if document.layout.byte_order_mark {
        writer.out.write_all(&[0xEF, 0xBB, 0xBF])?;
    }
    writer.out.write_all(b"<?xml version=\"1.0\" encoding=\"utf-8\"?>")?;
    writer.document(document)?;
    writer.out.flush()
}

/// The bytes of a whole model.xml.
pub fn to_bytes(document: &Document) -> Vec<u8> {
    let mut out = Vec::new();
    // A vector takes every byte.
    let _ = write(document, &mut out);
    out
}

struct Writer<W> {
    out: W,
    end: &'static str,
    depth: usize,
}

impl<W: Write> Writer<W> {
    fn document(&mut self, document: &Document) -> io::Result<()> {
        let header = &document.header;
        let attributes = [
            ("FileFormatVersion", &header.file_format_version),
            ("SchemaVersion", &header.schema_version),
            ("DspName", &header.dsp_name),
            ("CollationLcid", &header.collation_lcid),
            ("CollationCaseSensitive", &header.collation_case_sensitive),
        ];
        self.line()?;
        self.out.write_all(b"<DataSchemaModel")?;
        for (name, value) in attributes {
            self.attribute(name, Some(value))?;
        }
        self.attribute("xmlns", Some(NAMESPACE))?;
        self.attributes(&header.more)?;
        self.out.write_all(b">")?;
        self.depth += 1;
        // DacFx writes the header before the model.
        for extra in &document.extras {
            self.raw(extra)?;
        }
        self.line()?;
        if document.elements.is_empty() {
            self.out.write_all(b"<Model />")?;
        } else {
            self.out.write_all(b"<Model>")?;
            self.depth += 1;
            for element in &document.elements {
                self.element(element)?;
            }
            self.depth -= 1;
            self.close("Model")?;
        }
        self.depth -= 1;
        self.close("DataSchemaModel")
    }

    fn line(&mut self) -> io::Result<()> {
        self.out.write_all(self.end.as_bytes())?;
        for _ in 0..self.depth {
            self.out.write_all(b"\t")?;
        }
        Ok(())
    }

    fn close(&mut self, tag: &str) -> io::Result<()> {
        self.line()?;
        write!(self.out, "</{tag}>")
    }

    fn attribute(&mut self, name: &str, value: Option<&str>) -> io::Result<()> {
        let Some(value) = value else { return Ok(()) };
        write!(self.out, " {name}=\"")?;
        escape(value, true, &mut self.out)?;
        self.out.write_all(b"\"")
    }

    fn attributes(&mut self, attributes: &Attributes) -> io::Result<()> {
        attributes.iter().try_for_each(|(name, value)| self.attribute(name, Some(value)))
    }

    fn element(&mut self, element: &Element) -> io::Result<()> {
        self.line()?;
        self.out.write_all(b"<Element")?;
        self.attribute("Type", Some(&element.kind))?;
        self.attribute("Name", element.name.as_deref())?;
        self.attribute("Disambiguator", element.disambiguator.as_deref())?;
        self.attributes(&element.more)?;
        self.nodes("Element", &element.nodes)
    }

    fn nodes(&mut self, tag: &str, nodes: &[Node]) -> io::Result<()> {
        if nodes.is_empty() {
            return self.out.write_all(b" />");
        }
        self.out.write_all(b">")?;
        self.depth += 1;
        for node in nodes {
            match node {
                Node::Property(property) => self.property(property)?,
                Node::Relationship(relationship) => self.relationship(relationship)?,
                Node::Annotation(annotation) => self.annotation(annotation)?,
                Node::Attached(attached) => self.attached(attached)?,
                Node::Unknown(raw) => self.raw(raw)?,
            }
        }
        self.depth -= 1;
        self.close(tag)
    }

    fn property(&mut self, property: &Property) -> io::Result<()> {
        self.line()?;
        self.out.write_all(b"<Property")?;
        self.attribute("Name", Some(&property.name))?;
        if let Value::Plain(text) = &property.value {
            self.attribute("Value", Some(text))?;
        }
        self.attributes(&property.more)?;
        let Value::Script(script) = &property.value else {
            return self.out.write_all(b" />");
        };
        self.out.write_all(b">")?;
        self.depth += 1;
        self.line()?;
        self.out.write_all(b"<Value")?;
        self.attributes(&script.more)?;
        self.out.write_all(b">")?;
        self.cdata(&script.text)?;
        self.out.write_all(b"</Value>")?;
        self.depth -= 1;
        self.close("Property")
    }

    fn cdata(&mut self, text: &str) -> io::Result<()> {
        // The end sign of a section can only stand between two sections.
        self.out.write_all(b"<![CDATA[")?;
        self.out.write_all(text.replace("]]>", "]]]]><![CDATA[>").as_bytes())?;
        self.out.write_all(b"]]>")
    }

    fn relationship(&mut self, relationship: &Relationship) -> io::Result<()> {
        self.line()?;
        self.out.write_all(b"<Relationship")?;
        self.attribute("Name", Some(&relationship.name))?;
        self.attributes(&relationship.more)?;
        if relationship.entries.is_empty() {
            return self.out.write_all(b" />");
        }
        self.out.write_all(b">")?;
        self.depth += 1;
        for entry in &relationship.entries {
            if entry.bare {
                self.items(&entry.items)?;
                continue;
            }
            self.line()?;
            if entry.items.is_empty() {
                self.out.write_all(b"<Entry />")?;
                continue;
            }
            self.out.write_all(b"<Entry>")?;
            self.depth += 1;
            self.items(&entry.items)?;
            self.depth -= 1;
            self.close("Entry")?;
        }
        self.depth -= 1;
        self.close("Relationship")
    }

    fn items(&mut self, items: &[Item]) -> io::Result<()> {
        items.iter().try_for_each(|item| match item {
            Item::Reference(reference) => self.reference(reference),
            Item::Element(element) => self.element(element),
            Item::Annotation(annotation) => self.annotation(annotation),
            Item::Attached(attached) => self.attached(attached),
            Item::Unknown(raw) => self.raw(raw),
        })
    }

    fn reference(&mut self, reference: &Reference) -> io::Result<()> {
        self.line()?;
        self.out.write_all(b"<References")?;
        self.attribute("ExternalSource", reference.external_source.as_deref())?;
        self.attribute("Name", reference.name.as_deref())?;
        self.attribute("Disambiguator", reference.disambiguator.as_deref())?;
        self.attributes(&reference.more)?;
        self.out.write_all(b" />")
    }

    fn annotation(&mut self, annotation: &Annotation) -> io::Result<()> {
        self.line()?;
        self.out.write_all(b"<Annotation")?;
        self.attribute("Type", Some(&annotation.kind))?;
        self.attribute("Name", annotation.name.as_deref())?;
        self.attribute("Disambiguator", annotation.disambiguator.as_deref())?;
        self.attributes(&annotation.more)?;
        self.nodes("Annotation", &annotation.nodes)
    }

    fn attached(&mut self, attached: &Attached) -> io::Result<()> {
        self.line()?;
        self.out.write_all(b"<AttachedAnnotation")?;
        self.attribute("Disambiguator", attached.disambiguator.as_deref())?;
        self.attributes(&attached.more)?;
        self.out.write_all(b" />")
    }

    fn raw(&mut self, raw: &Raw) -> io::Result<()> {
        let texts = raw.content.iter().any(|c| !matches!(c, RawContent::Child(_)));
        if raw.tag.is_empty() {
            return self.raw_content(&raw.content, true);
        }
        self.line()?;
        write!(self.out, "<{}", raw.tag)?;
        self.attributes(&raw.attributes)?;
        if raw.content.is_empty() {
            return self.out.write_all(b" />");
        }
        self.out.write_all(b">")?;
        self.depth += 1;
        self.raw_content(&raw.content, texts)?;
        self.depth -= 1;
        if !texts {
            self.line()?;
        }
        write!(self.out, "</{}>", raw.tag)
    }

    fn raw_content(&mut self, content: &[RawContent], texts: bool) -> io::Result<()> {
        for content in content {
            match content {
                RawContent::Child(child) => {
                    // Inside text a line end would be text too.
                    let (end, depth) = (self.end, self.depth);
                    if texts {
                        (self.end, self.depth) = ("", 0);
                    }
                    self.raw(child)?;
                    (self.end, self.depth) = (end, depth);
                }
                RawContent::Text(text) => escape(text, false, &mut self.out)?,
                RawContent::CData(text) => self.cdata(text)?,
            }
        }
        Ok(())
    }
}

/// XML text: in an attribute quotes, tabs and line ends become references too.
fn escape(text: &str, attribute: bool, out: &mut impl Write) -> io::Result<()> {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let reference: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' if attribute => b"&quot;",
            b'\t' if attribute => b"&#x9;",
            b'\n' if attribute => b"&#xA;",
            b'\r' => b"&#xD;",
            _ => continue,
        };
        out.write_all(&text.as_bytes()[from..at])?;
        out.write_all(reference)?;
        from = at + 1;
    }
    out.write_all(&text.as_bytes()[from..])
}
