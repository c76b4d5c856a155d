//! The database itself: options, schemas, file groups, partitions.

use super::column::TypeSpec;
use crate::bacpac::model::declare::{kind, numbered};
use crate::bacpac::model::vocabulary::default_of;
use crate::bacpac::model::{
    Element, Entries, Kind, Name, Property, Putter, Reference, Rest, Script, ShapeError, Taker, Value,
};
use indexmap::IndexMap;

/// The options of the database: the properties of `SqlDatabaseOptions` by DacFx's names. An option that is absent has
/// the default that the vocabulary says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseOptions {
    /// Options with a plain value.
    pub options: IndexMap<String, String>,
    /// Relationships (`DefaultFilegroup`) and anything else.
    pub rest: Rest,
}

impl DatabaseOptions {
    /// The element's type in model.xml.
    pub const ELEMENT: &'static str = "SqlDatabaseOptions";

    /// An option, or its default.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str).or_else(|| default_of(Self::ELEMENT, name))
    }

    /// Whether an option is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name) == Some("True")
    }

    /// Sets an option; one that equals its default is left out, as DacFx does.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if default_of(Self::ELEMENT, name) == Some(value.as_str()) {
            self.options.shift_remove(name);
        } else {
            self.options.insert(name.to_owned(), value);
        }
    }

    /// Turns an option on or off.
    pub fn set_on(&mut self, name: &str, on: bool) {
        self.set(name, if on { "True" } else { "False" });
    }

    /// The database's collation.
    pub fn collation(&self) -> Option<&str> {
        self.get("Collation")
    }
}

impl Kind for DatabaseOptions {
    fn from_element(element: &Element) -> Result<Self, ShapeError> {
        let from = Taker::new(element);
        if from.kind() != Self::ELEMENT {
            return Err(from.wrong("is not a SqlDatabaseOptions"));
        }
        from.name()?;
        if element.name.is_some() {
            return Err(from.wrong("has a name"));
        }
        let mut rest = from.rest();
        let mut options = IndexMap::new();
        rest.nodes.retain(|node| match node {
            crate::bacpac::model::Node::Property(Property { name, value: Value::Plain(text), more })
                if more.is_empty() && !options.contains_key(name) =>
            {
                options.insert(name.clone(), text.clone());
                false
            }
            _ => true,
        });
        Ok(DatabaseOptions { options, rest })
    }

    fn to_element(&self) -> Element {
        let mut into = Putter::new(Self::ELEMENT, &Name::default(), &self.rest);
        for (name, value) in &self.options {
            into.option(name, value);
        }
        into.finish()
    }
}

kind! {
    /// A schema.
    Schema = "SqlSchema" {
        /// Its owner.
        owner: Option<Reference> = "Authorizer",
    }
}

kind! {
    /// A file group.
    Filegroup = "SqlFilegroup" {
        /// It can't be written.
        read_only: bool = "IsReadOnly",
        /// It holds FILESTREAM data.
        file_stream: bool = "DoesContainFileStream",
        /// It holds memory-optimised data.
        memory_optimized: bool = "ContainsMemoryOptimizedData",
    }
}

numbered! {
    /// Which side a boundary value belongs to.
    PartitionRange {
        /// No statement.
        Unknown = 0,
        /// The lower partition.
        Left = 1,
        /// The upper partition.
        Right = 2,
    }
}

kind! {
    /// A boundary between partitions.
    PartitionValue = "SqlPartitionValue" {
        /// The value.
        value: Option<Script> = "ExpressionScript",
        /// What it uses.
        dependencies: Entries = "ExpressionDependencies",
    }
}

kind! {
    /// A partition function.
    PartitionFunction = "SqlPartitionFunction" {
        /// Which side a boundary belongs to.
        range: PartitionRange = "Range",
        /// The boundaries.
        boundaries: Vec<PartitionValue> = "BoundaryValues",
        /// The type of the column.
        data_type: Option<TypeSpec> = "ParameterType",
    }
}

kind! {
    /// A file group of a partition scheme.
    FilegroupSpecifier = "SqlFilegroupSpecifier" {
        /// The default one, whichever it is.
        is_default: bool = "IsDefault",
        /// The file group.
        filegroup: Option<Reference> = "Filegroup",
    }
}

kind! {
    /// A partition scheme.
    PartitionScheme = "SqlPartitionScheme" {
        /// All partitions in one file group.
        all_to_one: bool = "IsAllToOneFilegroup",
        /// Its file groups, by partition.
        filegroups: Vec<FilegroupSpecifier> = "Filegroups",
        /// Its function.
        function: Option<Reference> = "PartitionFunction",
    }
}
