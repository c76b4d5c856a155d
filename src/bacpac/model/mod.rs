//! The schema inside a package: model.xml as a lossless tree, and as typed kinds that lose nothing either.
//!
//! `read` and `write` turn text into a `Document` and back; `Model` has the same content as typed objects. What no kind
//! knows is an `Object::Other`, kept as read: it is written again, and a script says by name that it does not carry it.

mod ambiguous;
mod build;
pub(crate) mod built_in;
mod declare;
mod depend;
mod element;
mod field;
mod find;
mod header;
/// The typed kinds of element.
pub mod kinds;
mod name;
mod plans;
mod read;
mod rest;
pub(crate) mod tokens;
mod uses;
/// The vocabulary of model.xml as DacFx declares it.
pub mod vocabulary;
mod write;

pub use element::*;
pub(crate) use field::absent;
pub use field::{BUILT_IN_SCHEMAS, Entries, Field, Kind, Putter, ShapeError, Taker, schema_reference};
pub use find::Found;
pub use header::with_names;
pub(crate) use kinds::INLINE_CONSTRAINT;
pub use kinds::*;
pub use name::{Name, NameError, is_collation_name, literal, quote};
pub use plans::Plans;
pub use read::{Limits, ReadError, read};
pub use rest::Rest;
pub use write::{NAMESPACE, to_bytes, write};

/// A whole model, typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    /// The attributes of the root element.
    pub header: Header,
    /// What stands beside the model in the file.
    pub extras: Vec<Raw>,
    /// How the file was laid out.
    pub layout: Layout,
    /// The objects, in file order.
    pub objects: Vec<Object>,
}

macro_rules! objects {
    ($( $(#[$about:meta])* $variant:ident($type:ty) = $($element:literal)|+ ),* $(,)?) => {
        /// One object of a model.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(clippy::large_enum_variant, reason = "objects live in one vector; most are tables and keys")]
        pub enum Object {
            /// The database's options.
            DatabaseOptions(DatabaseOptions),
            $( $(#[$about])* $variant($type), )*
            /// A kind without a type of its own, kept as read.
            Other(Element),
        }

        impl Object {
            /// Takes it out of an element.
            pub fn from_element(element: &Element) -> Result<Object, ShapeError> {
                Ok(match element.kind.as_str() {
                    DatabaseOptions::ELEMENT => Object::DatabaseOptions(Kind::from_element(element)?),
                    $( $($element)|+ => Object::$variant(Kind::from_element(element)?), )*
                    _ => Object::Other(element.clone()),
                })
            }

            /// The element, complete.
            pub fn to_element(&self) -> Element {
                match self {
                    Object::DatabaseOptions(object) => object.to_element(),
                    $( Object::$variant(object) => object.to_element(), )*
                    Object::Other(element) => element.clone(),
                }
            }

            /// The name; empty where the object has none.
            pub fn name(&self) -> Name {
                match self {
                    Object::DatabaseOptions(_) => Name::default(),
                    $( Object::$variant(object) => object.name.clone(), )*
                    Object::Other(element) => element.parsed_name(),
                }
            }

            /// What the fields of the kind do not hold, to be changed.
            pub fn rest_mut(&mut self) -> Option<&mut Rest> {
                match self {
                    Object::DatabaseOptions(object) => Some(&mut object.rest),
                    $( Object::$variant(object) => Some(&mut object.rest), )*
                    Object::Other(_) => None,
                }
            }

            /// What the fields of the kind do not hold.
            pub fn rest(&self) -> Option<&Rest> {
                match self {
                    Object::DatabaseOptions(object) => Some(&object.rest),
                    $( Object::$variant(object) => Some(&object.rest), )*
                    Object::Other(_) => None,
                }
            }
        }

        impl From<DatabaseOptions> for Object {
            fn from(object: DatabaseOptions) -> Object {
                Object::DatabaseOptions(object)
            }
        }

        $( impl From<$type> for Object {
            fn from(object: $type) -> Object {
                Object::$variant(object)
            }
        } )*
    };
}

objects! {
    /// A schema.
    Schema(Schema) = "SqlSchema",
    /// A table.
    Table(Table) = "SqlTable",
    /// An alias type.
    AliasType(AliasType) = "SqlUserDefinedDataType",
    /// A table type.
    TableType(TableType) = "SqlTableType",
    /// A primary key or unique constraint.
    Key(Key) = "SqlPrimaryKeyConstraint" | "SqlUniqueConstraint",
    /// A foreign key.
    ForeignKey(ForeignKey) = "SqlForeignKeyConstraint",
    /// A check.
    Check(Check) = "SqlCheckConstraint",
    /// A default.
    Default(DefaultConstraint) = "SqlDefaultConstraint",
    /// An edge constraint.
    EdgeConstraint(EdgeConstraint) = "SqlEdgeConstraint",
    /// An index.
    Index(Index) = "SqlIndex",
    /// A columnstore index.
    ColumnStoreIndex(ColumnStoreIndex) = "SqlColumnStoreIndex",
    /// An XML index.
    XmlIndex(XmlIndex) = "SqlXmlIndex",
    /// A spatial index.
    SpatialIndex(SpatialIndex) = "SqlSpatialIndex",
    /// Statistics.
    Statistics(Statistics) = "SqlStatistic",
    /// A full-text catalogue.
    FullTextCatalog(FullTextCatalog) = "SqlFullTextCatalog",
    /// A full-text stop list.
    FullTextStopList(FullTextStopList) = "SqlFullTextStopList",
    /// A full-text index.
    FullTextIndex(FullTextIndex) = "SqlFullTextIndex",
    /// A view.
    View(View) = "SqlView",
    /// A procedure.
    Procedure(Procedure) = "SqlProcedure",
    /// A function.
    Function(Function) = "SqlScalarFunction" | "SqlInlineTableValuedFunction" | "SqlMultiStatementTableValuedFunction",
    /// A trigger on a table or view.
    DmlTrigger(DmlTrigger) = "SqlDmlTrigger",
    /// A trigger on the database.
    DdlTrigger(DdlTrigger) = "SqlDatabaseDdlTrigger",
    /// A sequence.
    Sequence(Sequence) = "SqlSequence",
    /// A synonym.
    Synonym(Synonym) = "SqlSynonym",
    /// An XML schema collection.
    XmlSchemaCollection(XmlSchemaCollection) = "SqlXmlSchemaCollection",
    /// A rule of old.
    Rule(Rule) = "SqlRule",
    /// A default of old.
    BoundDefault(BoundDefault) = "SqlDefault",
    /// An extended property.
    ExtendedProperty(ExtendedProperty) = "SqlExtendedProperty",
    /// A user.
    User(User) = "SqlUser",
    /// A login.
    Login(Login) = "SqlLogin",
    /// A role.
    Role(Role) = "SqlRole",
    /// An application role.
    ApplicationRole(ApplicationRole) = "SqlApplicationRole",
    /// A membership in a role.
    RoleMembership(RoleMembership) = "SqlRoleMembership",
    /// A permission.
    Permission(Permission) = "SqlPermissionStatement",
    /// A file group.
    Filegroup(Filegroup) = "SqlFilegroup",
    /// A partition function.
    PartitionFunction(PartitionFunction) = "SqlPartitionFunction",
    /// A partition scheme.
    PartitionScheme(PartitionScheme) = "SqlPartitionScheme",
}

/// Why a package's model can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The text can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An element has not the shape of its kind.
    #[error("model.xml: {0}")]
    Shape(#[from] ShapeError),
}

impl Model {
    /// Reads model.xml.
    pub fn read(input: impl std::io::BufRead, limits: Limits) -> Result<Model, ModelError> {
        Ok(Model::from_document(&read(input, limits)?)?)
    }

    /// The typed model of a document.
    pub fn from_document(document: &Document) -> Result<Model, ShapeError> {
        Ok(Model {
            header: document.header.clone(),
            extras: document.extras.clone(),
            layout: document.layout,
            objects: document.elements.iter().map(Object::from_element).collect::<Result<_, _>>()?,
        })
    }

    /// The document of this model: nothing is lost, nothing is added.
    pub fn to_document(&self) -> Document {
        Document {
            header: self.header.clone(),
            extras: self.extras.clone(),
            layout: self.layout,
            elements: self.objects.iter().map(Object::to_element).collect(),
        }
    }

    /// The tables, in file order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.objects.iter().filter_map(|o| match o {
            Object::Table(table) => Some(table),
            _ => None,
        })
    }

    /// A table by its name.
    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.tables().find(|t| t.name == *name)
    }

    /// The database's options, where the model has them.
    pub fn options(&self) -> Option<&DatabaseOptions> {
        self.objects.iter().find_map(|o| match o {
            Object::DatabaseOptions(options) => Some(options),
            _ => None,
        })
    }
}
