//! Sequences, synonyms, XML schema collections, rules and defaults of old, extended properties.

use super::column::TypeSpec;
use crate::bacpac::model::declare::kind;
use crate::bacpac::model::{Entries, Reference, Script};

kind! {
    /// A sequence.
    Sequence = "SqlSequence" {
        /// It starts again at the end.
        cycles: bool = "IsCycling",
        /// The server keeps numbers ready.
        cached: bool = "IsCached",
        /// How many.
        cache_size: Option<i64> = "CacheSize",
        /// It goes up to its type's end.
        no_max_value: bool = "HasNoMaxValue",
        /// It goes down to its type's end.
        no_min_value: bool = "HasNoMinValue",
        /// Its lowest number.
        min_value: Option<String> = "MinValue",
        /// Its highest number.
        max_value: Option<String> = "MaxValue",
        /// The step.
        increment: Option<String> = "Increment",
        /// The first number.
        start_value: Option<String> = "StartValue",
        /// Its type; bigint when absent.
        data_type: Option<TypeSpec> = "TypeSpecifier",
    }
}

kind! {
    /// A synonym.
    Synonym = "SqlSynonym" {
        /// What it stands for, as written.
        target_text: Option<Script> = "ForObjectScript",
        /// What it stands for, where this model has it.
        target: Entries = "ForObject",
    }
}

kind! {
    /// An XML schema collection.
    XmlSchemaCollection = "SqlXmlSchemaCollection" {
        /// The schemas, as a T-SQL expression (a literal).
        schemas: Option<Script> = "SchemaExpression",
    }
}

kind! {
    /// A rule of old, bound to columns and types.
    Rule = "SqlRule" {
        /// The condition.
        condition: Option<Script> = "ExpressionScript",
        /// What it is bound to.
        bound: Vec<Reference> = "BoundTargets",
    }
}

kind! {
    /// A default of old, bound to columns and types.
    BoundDefault = "SqlDefault" {
        /// The value.
        value: Option<Script> = "ExpressionScript",
        /// What it is bound to.
        bound: Vec<Reference> = "BoundTargets",
    }
}

kind! {
    /// An extended property. Its name is the class of its host, the host's name, and its own.
    ExtendedProperty = "SqlExtendedProperty" {
        /// The value, as a T-SQL expression.
        value: Option<Script> = "Value",
        /// What it is on. The database is an element without a name: it is referred to by its number.
        host: Option<Reference> = "Host",
    }
}
