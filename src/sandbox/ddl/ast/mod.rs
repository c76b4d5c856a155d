//! Definition statements as trees: what was asked, before anything is looked up.

pub mod rare;

use super::expression::{Expr, TypeName};

/// A name of up to three parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct ObjectName {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub name: String,
}

impl ObjectName {
    /// As error messages print it: the parts given, without brackets.
    pub fn shown(&self) -> String {
        let mut out = String::new();
        if let Some(database) = &self.database {
            out.push_str(database);
            out.push('.');
        }
        if let Some(schema) = &self.schema {
            out.push_str(schema);
            out.push('.');
        } else if self.database.is_some() {
            out.push('.');
        }
        out.push_str(&self.name);
        out
    }
}

/// ON filegroup, or ON scheme(column).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct DataSpace {
    pub name: String,
    pub column: Option<String>,
}

/// `NAME = value` in WITH ( … ) and SET.
#[derive(Debug, Clone, PartialEq)]
pub struct Opt {
    /// Upper case; several words joined by one blank.
    pub name: String,
    /// What follows.
    pub value: OptValue,
    /// ON PARTITIONS (…).
    pub partitions: Option<Vec<(u32, u32)>>,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum OptValue {
    /// Nothing was written.
    None,
    /// Words or a dotted name, and what stands in parentheses after it.
    Name(Vec<String>, Vec<Opt>),
    /// A number, and its unit.
    Number(String, Option<String>),
    /// A string.
    Text(String),
    /// `(…)` of other things: numbers, names.
    Items(Vec<String>),
    /// `(name = value, …)`.
    List(Vec<Opt>),
}

impl Opt {
    /// The word of the value, upper case.
    pub fn word(&self) -> String {
        match &self.value {
            OptValue::Name(parts, _) => parts.last().map(|p| p.to_uppercase()).unwrap_or_default(),
            OptValue::Number(n, _) => n.clone(),
            OptValue::Text(t) => t.to_uppercase(),
            _ => String::new(),
        }
    }

    /// ON, or nothing at all (`WITH PAD_INDEX`).
    pub fn is_on(&self) -> bool {
        matches!(self.value, OptValue::None) || self.word() == "ON"
    }

    /// The number of the value.
    pub fn number(&self) -> Option<i64> {
        match &self.value {
            OptValue::Number(n, _) => n.parse().ok(),
            OptValue::Items(items) => items.first()?.parse().ok(),
            _ => None,
        }
    }

    /// What stands in parentheses.
    pub fn inner(&self) -> &[Opt] {
        match &self.value {
            OptValue::Name(_, inner) | OptValue::List(inner) => inner,
            _ => &[],
        }
    }
}

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
#[derive(Debug, Clone, PartialEq)]
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

/// CREATE, ALTER or CREATE OR ALTER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verb {
    Create,
    Alter,
    CreateOrAlter,
}

/// A parameter of a module.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ParameterDef {
    pub name: String,
    pub ty: TypeName,
    pub output: bool,
    pub readonly: bool,
    pub has_default: bool,
}

/// What a function gives back.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Returns {
    Scalar(TypeName),
    Inline,
    Table(Box<TableDef>),
}

/// The head of a module; the text is kept whole.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ModuleDef {
    pub verb: Verb,
    pub kind: crate::sandbox::meta::ModuleKind,
    pub name: ObjectName,
    /// As `sys.sql_modules` keeps it (fact 32).
    pub text: String,
    pub schema_bound: bool,
    pub encrypted: bool,
    pub recompile: bool,
    pub null_on_null_input: bool,
    pub native: bool,
    pub check_option: bool,
    /// EXECUTE AS: OWNER, SELF, CALLER or a name.
    pub execute_as: Option<String>,
    pub parameters: Vec<ParameterDef>,
    pub returns: Option<Returns>,
    /// Names a view gives its columns.
    pub column_names: Vec<String>,
    /// Of a trigger: its table or view (`None` ON DATABASE or ALL SERVER).
    pub target: Option<ObjectName>,
    pub all_server: bool,
    pub trigger: crate::sandbox::meta::object::TriggerFacts,
    /// Two-part and one-part names the text mentions.
    pub references: Vec<(String, String)>,
    /// Of a numbered procedure: `p;2`.
    pub number: i16,
    /// EXTERNAL NAME: assembly, class, method.
    pub external: Option<(String, String, Option<String>)>,
    /// Where the body begins, after AS, in `text`.
    pub body: usize,
}

/// What is dropped by DROP kind [IF EXISTS] name, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DropKind {
    Table,
    View,
    Procedure,
    Function,
    Trigger,
    Sequence,
    Synonym,
    Type,
    XmlCollection,
    Schema,
    Default,
    Rule,
    Statistics,
    User,
    Role,
    ApplicationRole,
    Login,
    ServerRole,
    Database,
    PartitionFunction,
    PartitionScheme,
    FullTextCatalog,
    Aggregate,
}

/// Options of CREATE and ALTER SEQUENCE; `None` in the inner option means NO ….
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct SequenceDef {
    pub ty: Option<TypeName>,
    pub start: Option<i128>,
    /// RESTART [WITH n].
    pub restart: Option<Option<i128>>,
    pub increment: Option<i128>,
    pub minimum: Option<Option<i128>>,
    pub maximum: Option<Option<i128>>,
    pub cycle: Option<bool>,
    /// CACHE [n], or NO CACHE.
    pub cache: Option<Option<Option<i32>>>,
}

/// A file of CREATE DATABASE.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct FileDef {
    pub log: bool,
    /// None for PRIMARY; with what it CONTAINS and whether it is the DEFAULT.
    pub filegroup: Option<(String, Option<String>, bool)>,
    pub options: Vec<Opt>,
}

/// What ALTER DATABASE does.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum AlterDatabase {
    Name(String),
    Collate(String),
    Set {
        options: Vec<Opt>,
        termination: Option<Termination>,
    },
    AddFilegroup {
        name: String,
        contains: Option<String>,
    },
    RemoveFilegroup(String),
    ModifyFilegroup {
        name: String,
        words: Vec<String>,
    },
    AddFile {
        log: bool,
        files: Vec<Vec<Opt>>,
        filegroup: Option<String>,
    },
    RemoveFile(String),
    ModifyFile(Vec<Opt>),
    /// Azure: MODIFY (EDITION = …).
    Modify(Vec<Opt>),
    ScopedConfiguration {
        name: String,
        value: String,
        secondary: bool,
    },
}

/// WITH … at the end of ALTER DATABASE SET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Termination {
    RollbackImmediate,
    RollbackAfter(u32),
    NoWait,
}

/// GRANT, DENY, REVOKE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PermissionVerb {
    Grant,
    Deny,
    Revoke,
}

/// CREATE and ALTER USER, LOGIN.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct PrincipalDef {
    pub name: String,
    pub login: Option<String>,
    pub without_login: bool,
    pub from_windows: bool,
    pub external: bool,
    /// FOR CERTIFICATE.
    pub certificate: Option<String>,
    /// FOR ASYMMETRIC KEY.
    pub asymmetric_key: Option<String>,
    pub options: Vec<Opt>,
    /// ENABLE or DISABLE.
    pub enable: Option<bool>,
}

/// A column of a full-text index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FullTextColumn {
    pub name: String,
    pub type_column: Option<String>,
    /// LCID or name.
    pub language: Option<String>,
    pub semantics: bool,
}

/// What ALTER FULLTEXT INDEX does.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum AlterFullText {
    Enable(bool),
    Add(Vec<FullTextColumn>),
    Drop(Vec<String>),
    /// CHANGE_TRACKING, STOPLIST.
    Set(Opt),
    /// START, STOP, PAUSE and RESUME POPULATION: there is nothing to populate.
    Population,
}

/// What ALTER ROLE does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AlterRole {
    Add(String),
    Drop(String),
    Name(String),
}

/// A definition statement.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Statement {
    CreateDatabase {
        name: String,
        collation: Option<String>,
        options: Vec<Opt>,
        files: Vec<FileDef>,
        snapshot_of: Option<String>,
        copy_of: Option<String>,
    },
    AlterDatabase {
        name: Option<String>,
        action: AlterDatabase,
    },
    CreateSchema {
        name: Option<String>,
        authorization: Option<String>,
        elements: Vec<Statement>,
    },
    AlterSchema {
        name: String,
        class: String,
        object: ObjectName,
    },
    CreateTable {
        name: ObjectName,
        table: Box<TableDef>,
    },
    AlterTable {
        name: ObjectName,
        action: Box<AlterTable>,
    },
    CreateIndex {
        table: ObjectName,
        index: Box<IndexDef>,
    },
    AlterIndex {
        name: Option<String>,
        table: ObjectName,
        action: AlterIndex,
    },
    DropIndex {
        items: Vec<(String, ObjectName)>,
        if_exists: bool,
    },
    CreateStatistics {
        name: String,
        table: ObjectName,
        columns: Vec<String>,
        filter: Option<Expr>,
        options: Vec<Opt>,
    },
    UpdateStatistics {
        table: ObjectName,
    },
    Module(Box<ModuleDef>),
    CreateAlias {
        name: ObjectName,
        ty: TypeName,
        nullable: Option<bool>,
    },
    CreateTableType {
        name: ObjectName,
        table: Box<TableDef>,
    },
    CreateClrType {
        name: ObjectName,
        assembly: String,
        class: String,
    },
    CreateXmlCollection {
        name: ObjectName,
        text: String,
    },
    AlterXmlCollection {
        name: ObjectName,
        text: String,
    },
    CreateSequence {
        name: ObjectName,
        sequence: SequenceDef,
    },
    AlterSequence {
        name: ObjectName,
        sequence: SequenceDef,
    },
    CreateSynonym {
        name: ObjectName,
        target: String,
    },
    CreateRole {
        name: String,
        authorization: Option<String>,
        server: bool,
    },
    CreateApplicationRole {
        name: String,
        options: Vec<Opt>,
    },
    AlterRole {
        name: String,
        action: AlterRole,
        server: bool,
    },
    CreateUser(PrincipalDef),
    AlterUser(PrincipalDef),
    CreateLogin(PrincipalDef),
    AlterLogin(PrincipalDef),
    Permission {
        verb: PermissionVerb,
        /// Name and columns.
        permissions: Vec<(String, Vec<String>)>,
        /// Class (upper case, empty if not written), name, columns.
        on: Option<(String, ObjectName, Vec<String>)>,
        to: Vec<String>,
        grant_option: bool,
        grantor: Option<String>,
    },
    AlterAuthorization {
        class: String,
        object: ObjectName,
        to: Option<String>,
    },
    CreatePartitionFunction {
        name: String,
        ty: TypeName,
        right: bool,
        boundaries: Vec<Expr>,
    },
    AlterPartitionFunction {
        name: String,
        split: bool,
        boundary: Expr,
    },
    CreatePartitionScheme {
        name: String,
        function: String,
        all: bool,
        to: Vec<String>,
    },
    AlterPartitionScheme {
        name: String,
        next_used: Option<String>,
    },
    CreateFullTextCatalog {
        name: String,
        default: bool,
        accent_sensitive: Option<bool>,
        authorization: Option<String>,
    },
    CreateFullTextIndex {
        table: ObjectName,
        columns: Vec<FullTextColumn>,
        key: String,
        catalog: Option<String>,
        options: Vec<Opt>,
    },
    DropFullTextIndex {
        table: ObjectName,
    },
    AlterFullTextIndex {
        table: ObjectName,
        action: AlterFullText,
    },
    AlterFullTextCatalog {
        name: String,
        /// AS DEFAULT.
        default: bool,
        /// REBUILD WITH ACCENT_SENSITIVITY.
        accent_sensitive: Option<bool>,
    },
    /// One of the kinds that few databases have.
    Rare(Box<rare::Rare>),
    SwitchTrigger {
        enable: bool,
        names: Named,
        on: Option<ObjectName>,
    },
    Drop {
        kind: DropKind,
        names: Vec<ObjectName>,
        if_exists: bool,
        on: Option<ObjectName>,
    },
    Dbcc {
        command: String,
        arguments: Vec<String>,
        options: Vec<String>,
    },
}
