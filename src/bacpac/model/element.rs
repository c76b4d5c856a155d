//! model.xml as a lossless tree: elements with properties, relationships and annotations, in the order they were read.
//! What this version of pacrat does not know (an attribute, a tag) is kept beside what it knows, so that a package that
//! is read and written again loses nothing. What the elements mean is said by the typed kinds above this module.

use super::name::Name;

/// Attributes that have no field of their own.
pub type Attributes = Vec<(String, String)>;

/// A whole model.xml: its root's attributes, the header's data, the elements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The attributes of the root element.
    pub header: Header,
    /// What stands beside `Model` in the root (`Header` with custom data), as read.
    pub extras: Vec<Raw>,
    /// The elements of the model, in file order.
    pub elements: Vec<Element>,
    /// How the text was laid out.
    pub layout: Layout,
}

/// The root's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `1.0` or `1.2`.
    pub file_format_version: String,
    /// `2.4` … `3.6`: the vocabulary used.
    pub schema_version: String,
    /// The platform: `Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider` and so on.
    pub dsp_name: String,
    /// The locale of the database's collation.
    pub collation_lcid: String,
    /// `True` or `False`.
    pub collation_case_sensitive: String,
    /// Any other attribute, as read.
    pub more: Attributes,
}

impl Default for Header {
    fn default() -> Self {
        Header {
            file_format_version: "1.2".into(),
            schema_version: "2.9".into(),
            dsp_name: "Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider".into(),
            collation_lcid: "1033".into(),
            collation_case_sensitive: "False".into(),
            more: Vec::new(),
        }
    }
}

/// How a writer laid out the text. The two writers of DacFx differ in the byte order mark and the line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// The text starts with a byte order mark.
    pub byte_order_mark: bool,
    /// Lines end in CR LF.
    pub crlf: bool,
}

/// One `Element`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// `SqlTable`, `SqlSimpleColumn`, …
    pub kind: String,
    /// The bracketed name, where it has one.
    pub name: Option<String>,
    /// The number that tells it from another element of the same name.
    pub disambiguator: Option<String>,
    /// Any other attribute, as read.
    pub more: Attributes,
    /// What stands in it, in file order.
    pub nodes: Vec<Node>,
}

/// What may stand in an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A property.
    Property(Property),
    /// A relationship.
    Relationship(Relationship),
    /// An annotation made here.
    Annotation(Annotation),
    /// A reference to an annotation made in another element.
    Attached(Attached),
    /// Something this version does not know.
    Unknown(Raw),
}

/// One `Property`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Any other attribute, as read.
    pub more: Attributes,
}

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The `Value` attribute.
    Plain(String),
    /// A `Value` element that holds T-SQL.
    Script(Script),
    /// Neither: the property is there and null.
    Null,
}

/// T-SQL in a property, with the settings it was made under where the file says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The text, as read.
    pub text: String,
    /// `QuotedIdentifiers` and `AnsiNulls`, as read.
    pub more: Attributes,
}

impl Script {
    /// A script without settings of its own.
    pub fn new(text: impl Into<String>) -> Script {
        Script { text: text.into(), more: Vec::new() }
    }
}

impl From<&str> for Script {
    fn from(text: &str) -> Script {
        Script::new(text)
    }
}

/// One `Relationship`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relationship {
    /// Its name.
    pub name: String,
    /// Its entries, in file order.
    pub entries: Vec<Entry>,
    /// Any other attribute, as read.
    pub more: Attributes,
}

/// One `Entry`: usually one reference or one element; annotations may stand with it or alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// What it holds, in file order.
    pub items: Vec<Item>,
    /// What it holds stood in the relationship itself, without an `Entry` round it (no writer known does so).
    pub bare: bool,
}

impl From<Item> for Entry {
    fn from(item: Item) -> Entry {
        Entry { items: vec![item], bare: false }
    }
}

/// What may stand in an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A reference to another element.
    Reference(Reference),
    /// An element that lives here.
    Element(Element),
    /// An annotation.
    Annotation(Annotation),
    /// A reference to an annotation made elsewhere.
    Attached(Attached),
    /// Something this version does not know.
    Unknown(Raw),
}

/// One `References`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Reference {
    /// `BuiltIns` for what the server brings along.
    pub external_source: Option<String>,
    /// The bracketed name; an element without a name is referred to by its number alone.
    pub name: Option<String>,
    /// The number of the element meant.
    pub disambiguator: Option<String>,
    /// Any other attribute, as read.
    pub more: Attributes,
}

impl Reference {
    /// A reference to an element of this model.
    pub fn to(name: &Name) -> Reference {
        Reference { name: Some(name.to_string()), ..Reference::default() }
    }

    /// A reference to something the server brings along.
    pub fn built_in(name: &Name) -> Reference {
        Reference { external_source: Some("BuiltIns".into()), ..Reference::to(name) }
    }

    /// With the type of what is meant: the server brings along a schema and a user `dbo`, and where either could be meant
    /// (the object of a permission, the host of a property) DacFx refuses a reference that does not say which.
    pub fn of_type(mut self, element_type: &str) -> Reference {
        self.more.retain(|(name, _)| name != "Type");
        self.more.push(("Type".into(), element_type.into()));
        self
    }

    /// Whether the server brings the thing along.
    pub fn is_built_in(&self) -> bool {
        self.external_source.as_deref() == Some("BuiltIns")
    }

    /// The name, split; empty where there is none or it is not a plain name.
    pub fn parsed(&self) -> Name {
        self.name.as_deref().and_then(|n| Name::parse(n).ok()).unwrap_or_default()
    }
}

/// One `Annotation`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotation {
    /// `SysCommentsObjectAnnotation`, `SqlInlineConstraintAnnotation`, …
    pub kind: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The number that an `AttachedAnnotation` refers to.
    pub disambiguator: Option<String>,
    /// Any other attribute, as read.
    pub more: Attributes,
    /// Its properties and anything else, in file order.
    pub nodes: Vec<Node>,
}

impl Annotation {
    /// The text of a property.
    pub fn property(&self, name: &str) -> Option<&str> {
        property_of(&self.nodes, name)
    }
}

/// One `AttachedAnnotation`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attached {
    /// The number of the annotation meant.
    pub disambiguator: Option<String>,
    /// Any other attribute, as read.
    pub more: Attributes,
}

/// A piece of XML that is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Raw {
    /// The tag, with its prefix.
    pub tag: String,
    /// The attributes.
    pub attributes: Attributes,
    /// What stands in it.
    pub content: Vec<RawContent>,
}

/// What may stand in a raw piece of XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawContent {
    /// A child.
    Child(Raw),
    /// Text that is not only blanks.
    Text(String),
    /// A CDATA section.
    CData(String),
}

fn property_of<'a>(nodes: &'a [Node], name: &str) -> Option<&'a str> {
    nodes.iter().find_map(|n| match n {
        Node::Property(p) if p.name == name => match &p.value {
            Value::Plain(text) => Some(text.as_str()),
            Value::Script(script) => Some(script.text.as_str()),
            Value::Null => None,
        },
        _ => None,
    })
}

impl Element {
    /// An element of this type and name, empty.
    pub fn new(kind: &str, name: Option<&Name>) -> Element {
        Element { kind: kind.to_owned(), name: name.map(Name::to_string), ..Element::default() }
    }

    /// The text of a property (of a script, the T-SQL).
    pub fn property(&self, name: &str) -> Option<&str> {
        property_of(&self.nodes, name)
    }

    /// A relationship by its name.
    pub fn relationship(&self, name: &str) -> Option<&Relationship> {
        self.nodes.iter().find_map(|n| match n {
            Node::Relationship(r) if r.name == name => Some(r),
            _ => None,
        })
    }

    /// The references in a relationship, in order.
    pub fn references(&self, name: &str) -> impl Iterator<Item = &Reference> {
        self.relationship(name).into_iter().flat_map(Relationship::references)
    }

    /// The elements that live in a relationship, in order.
    pub fn children(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.relationship(name).into_iter().flat_map(Relationship::elements)
    }

    /// The name, split; empty where there is none or it is not a plain name.
    pub fn parsed_name(&self) -> Name {
        self.name.as_deref().and_then(|n| Name::parse(n).ok()).unwrap_or_default()
    }

    /// The annotations made here.
    pub fn annotations(&self) -> impl Iterator<Item = &Annotation> {
        self.nodes.iter().filter_map(|n| match n {
            Node::Annotation(a) => Some(a),
            _ => None,
        })
    }
}

impl Relationship {
    /// The references, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.entries.iter().flat_map(|e| &e.items).filter_map(|i| match i {
            Item::Reference(r) => Some(r),
            _ => None,
        })
    }

    /// The elements that live here, in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.entries.iter().flat_map(|e| &e.items).filter_map(|i| match i {
            Item::Element(e) => Some(e),
            _ => None,
        })
    }
}
