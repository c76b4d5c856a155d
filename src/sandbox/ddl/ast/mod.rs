//! Definition statements as trees: what was asked, before anything is looked up.

pub mod expression;
pub mod rare;
mod table;

pub use table::*;

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

/// The text, word or name of an option.
pub fn said(options: &[Opt], name: &str) -> Option<String> {
    options.iter().find(|o| o.name == name).and_then(|o| match &o.value {
        OptValue::Text(t) => Some(t.clone()),
        OptValue::Name(parts, _) => Some(parts.join(".")),
        OptValue::Number(n, _) => Some(n.clone()),
        _ => None,
    })
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
    /// The default, where it is a plain value.
    pub default: Option<Expr>,
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
    /// ORDER of a CLR function's rows.
    pub order: Vec<KeyColumn>,
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
    /// `CACHE [n]`, or `NO CACHE`.
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
