//! Tables, their columns, constraints and indexes.

use crate::sandbox::ddl::expression::{Expr, TypeName};

use super::{DataSpace, ObjectName, Opt};

/// A key column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct KeyColumn {
    pub name: String,
    pub descending: bool,
}

/// What a constraint asks.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ConstraintKind {
    Key {
        primary: bool,
        clustered: Option<bool>,
        hash: bool,
        columns: Vec<KeyColumn>,
        options: Vec<Opt>,
        on: Option<DataSpace>,
    },
    Foreign {
        columns: Vec<String>,
        table: ObjectName,
        referenced: Vec<String>,
        on_delete: crate::sandbox::meta::ReferentialAction,
        on_update: crate::sandbox::meta::ReferentialAction,
        not_for_replication: bool,
    },
    Check {
        expr: Expr,
        not_for_replication: bool,
    },
    Default {
        expr: Expr,
        column: String,
        with_values: bool,
    },
    /// CONNECTION of an edge table.
    Edge {
        /// (from, to)
        clauses: Vec<(ObjectName, ObjectName)>,
        on_delete: crate::sandbox::meta::ReferentialAction,
    },
}

/// A constraint, of a column or of the table.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ConstraintDef {
    pub name: Option<String>,
    pub kind: ConstraintKind,
}

/// A column of CREATE TABLE, CREATE TYPE AS TABLE or ALTER TABLE ADD.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ColumnDef {
    pub name: String,
    pub ty: Option<TypeName>,
    /// The expression, PERSISTED, NOT NULL.
    pub computed: Option<(Expr, bool, bool)>,
    pub collation: Option<String>,
    pub nullable: Option<bool>,
    pub identity: Option<(i128, i128)>,
    pub identity_not_for_replication: bool,
    pub constraints: Vec<ConstraintDef>,
    pub indexes: Vec<IndexDef>,
    pub rowguid: bool,
    pub sparse: bool,
    pub column_set: bool,
    pub filestream: bool,
    pub hidden: bool,
    pub mask: Option<String>,
    pub generated: crate::sandbox::meta::table::Generated,
    pub encryption: Vec<Opt>,
}

/// An index, inline or CREATE INDEX.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct IndexDef {
    pub name: String,
    pub kind: crate::sandbox::meta::IndexKind,
    pub unique: bool,
    pub columns: Vec<KeyColumn>,
    pub include: Vec<String>,
    pub filter: Option<Expr>,
    pub options: Vec<Opt>,
    pub on: Option<DataSpace>,
    /// XML: USING XML INDEX name FOR kind.
    pub using_xml: Option<(String, String)>,
    /// SELECTIVE XML: namespaces, paths.
    pub selective: Option<SelectiveDef>,
    /// Spatial: USING scheme.
    pub tessellation: Option<String>,
}

/// FOR (…) of a selective XML index.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct SelectiveDef {
    /// Prefix (empty for the default one), URI.
    pub namespaces: Vec<(String, String)>,
    pub paths: Vec<PathDef>,
}

/// A path of a selective XML index.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct PathDef {
    pub name: String,
    pub path: String,
    pub sql: Option<TypeName>,
    pub xquery: Option<String>,
    pub max_length: Option<i32>,
    pub singleton: bool,
    pub node: bool,
}

/// CREATE TABLE, and the body of a table type.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct TableDef {
    pub columns: Vec<ColumnDef>,
    pub constraints: Vec<ConstraintDef>,
    pub indexes: Vec<IndexDef>,
    pub period: Option<(String, String)>,
    pub on: Option<DataSpace>,
    pub textimage_on: Option<String>,
    pub filestream_on: Option<String>,
    pub options: Vec<Opt>,
    pub graph: Option<crate::sandbox::meta::table::Graph>,
}

/// Names, or ALL.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Named {
    All,
    These(Vec<String>),
}

/// One thing of ALTER TABLE … ADD.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Added {
    Column(Box<ColumnDef>),
    Constraint(ConstraintDef),
    Index(Box<IndexDef>),
    Period(String, String),
}

/// One thing of ALTER TABLE … DROP.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dropped {
    Column { name: String, if_exists: bool },
    Constraint { name: String, if_exists: bool },
    Period,
}

/// What ALTER TABLE does.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum AlterTable {
    Add {
        check: Option<bool>,
        items: Vec<Added>,
    },
    AlterColumn {
        name: String,
        ty: TypeName,
        collation: Option<String>,
        nullable: Option<bool>,
        sparse: Option<bool>,
    },
    /// ADD or DROP of ROWGUIDCOL, PERSISTED, SPARSE, HIDDEN, NOT FOR REPLICATION, MASKED.
    ColumnProperty {
        name: String,
        add: bool,
        property: String,
        mask: Option<String>,
    },
    Drop(Vec<Dropped>),
    Constraint {
        check: Option<bool>,
        enable: bool,
        names: Named,
    },
    Trigger {
        enable: bool,
        names: Named,
    },
    Set(Vec<Opt>),
    ChangeTracking {
        enable: bool,
        options: Vec<Opt>,
    },
    Rebuild(Vec<Opt>),
}

/// What ALTER INDEX does.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum AlterIndex {
    Rebuild(Vec<Opt>),
    Reorganize,
    Disable,
    Set(Vec<Opt>),
}
