//! Objects of a schema: what `sys.objects` lists, constraints aside (they live in their table).

use serde::{Deserialize, Serialize};

use crate::sandbox::value::SqlType;

use super::broker::Queue;
use super::external::ClrMethod;
use super::identity::Counter;
use super::policy::SecurityPolicy;
use super::property::TypedValue;
use super::stamp::Stamp;
use super::table::Table;

/// What a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ModuleKind {
    View,
    Procedure,
    ScalarFunction,
    InlineFunction,
    TableFunction,
    Trigger,
    /// CREATE DEFAULT, the stand-alone one.
    Default,
    /// CREATE RULE.
    Rule,
    /// CREATE AGGREGATE, always of an assembly.
    Aggregate,
}

/// A parameter of a procedure or function; id 0 is a function's return value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ModuleParameter {
    pub id: i32,
    /// With its `@`; empty for the return value.
    pub name: String,
    pub ty: SqlType,
    pub user_type_id: i32,
    pub output: bool,
    pub readonly: bool,
    pub has_default: bool,
    /// The default of a CLR module's parameter, where it is not NULL.
    #[serde(default)]
    pub default: Option<TypedValue>,
    /// `xml_collection_id`, 0 for none.
    pub xml_collection_id: i32,
    /// XML(DOCUMENT …).
    pub xml_document: bool,
}

/// What fires a trigger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TriggerFacts {
    /// `INSERT`, `UPDATE`, `DELETE`, or the events of a DDL trigger.
    pub events: Vec<String>,
    pub instead_of: bool,
    pub disabled: bool,
    pub not_for_replication: bool,
    /// ON DATABASE.
    pub on_database: bool,
    /// sp_settriggerorder: events for which it is first, and last.
    pub first: Vec<String>,
    pub last: Vec<String>,
}

/// A column that a view or a table function gives: name, type, `user_type_id`, nullable.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OutputColumn {
    pub name: String,
    pub ty: SqlType,
    pub user_type_id: i32,
    pub nullable: bool,
}

/// A module: text as it was sent (fact 32).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Module {
    pub kind: ModuleKind,
    /// `None` WITH ENCRYPTION.
    pub definition: Option<String>,
    pub uses_ansi_nulls: bool,
    pub uses_quoted_identifier: bool,
    pub schema_bound: bool,
    pub recompiled: bool,
    pub null_on_null_input: bool,
    /// WITH CHECK OPTION of a view.
    pub check_option: bool,
    /// EXECUTE AS: a principal's id, −2 for OWNER, `None` for CALLER.
    pub execute_as: Option<i32>,
    pub native: bool,
    pub parameters: Vec<ModuleParameter>,
    /// Views and table functions, once somebody worked them out.
    pub columns: Vec<OutputColumn>,
    /// The table that a function of several statements returns: its keys and checks are the function's.
    pub returns: Option<Box<Table>>,
    /// Indexes (an indexed view's) live in a table without rows.
    pub indexes: Vec<super::table::Index>,
    pub trigger: Option<TriggerFacts>,
    /// Numbered procedures beyond the first: `p;2`, ….
    pub numbered: Vec<Numbered>,
    /// Of a CLR module: where it is.
    pub clr: Option<ClrMethod>,
    /// Names that the text mentions, for `sys.sql_expression_dependencies`: schema (may be empty) and object.
    pub references: Vec<(String, String)>,
}

/// A numbered procedure of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Numbered {
    pub number: i16,
    pub definition: Option<String>,
    pub parameters: Vec<ModuleParameter>,
}

/// CREATE SEQUENCE.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Sequence {
    pub ty: SqlType,
    pub user_type_id: i32,
    #[serde(with = "super::identity::wide")]
    pub start: i128,
    #[serde(with = "super::identity::wide")]
    pub increment: i128,
    #[serde(with = "super::identity::wide")]
    pub minimum: i128,
    #[serde(with = "super::identity::wide")]
    pub maximum: i128,
    pub cycling: bool,
    pub cached: bool,
    pub cache_size: Option<i32>,
    /// The last value given out.
    pub counter: Counter,
}

/// What an object is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Kind {
    Table(Box<Table>),
    Module(Box<Module>),
    Sequence(Box<Sequence>),
    Synonym {
        /// As written, brackets and all.
        base: String,
    },
    Queue(Box<Queue>),
    Policy(Box<SecurityPolicy>),
}

/// An object with an id in `sys.objects`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Object {
    pub object_id: i32,
    pub name: String,
    pub schema_id: i32,
    /// The table or view of a trigger; else 0.
    pub parent_object_id: i32,
    /// The owner, when not the schema's.
    pub principal_id: Option<i32>,
    pub created: Stamp,
    pub modified: Stamp,
    pub kind: Kind,
}

impl Object {
    /// `sys.objects.type`, padded to two, and `type_desc`.
    pub fn type_code(&self) -> (&'static str, &'static str) {
        match &self.kind {
            Kind::Table(_) => ("U ", "USER_TABLE"),
            Kind::Sequence(_) => ("SO", "SEQUENCE_OBJECT"),
            Kind::Synonym { .. } => ("SN", "SYNONYM"),
            Kind::Queue(_) => ("SQ", "SERVICE_QUEUE"),
            Kind::Policy(_) => ("SP", "SECURITY_POLICY"),
            Kind::Module(m) => match m.kind {
                ModuleKind::Aggregate => ("AF", "AGGREGATE_FUNCTION"),
                ModuleKind::Procedure if m.clr.is_some() => ("PC", "CLR_STORED_PROCEDURE"),
                ModuleKind::ScalarFunction if m.clr.is_some() => ("FS", "CLR_SCALAR_FUNCTION"),
                ModuleKind::TableFunction if m.clr.is_some() => ("FT", "CLR_TABLE_VALUED_FUNCTION"),
                ModuleKind::Trigger if m.clr.is_some() => ("TA", "CLR_TRIGGER"),
                ModuleKind::View => ("V ", "VIEW"),
                ModuleKind::Procedure => ("P ", "SQL_STORED_PROCEDURE"),
                ModuleKind::ScalarFunction => ("FN", "SQL_SCALAR_FUNCTION"),
                ModuleKind::InlineFunction => ("IF", "SQL_INLINE_TABLE_VALUED_FUNCTION"),
                ModuleKind::TableFunction => ("TF", "SQL_TABLE_VALUED_FUNCTION"),
                ModuleKind::Trigger => ("TR", "SQL_TRIGGER"),
                ModuleKind::Default => ("D ", "DEFAULT_CONSTRAINT"),
                ModuleKind::Rule => ("R ", "RULE"),
            },
        }
    }

    /// The table, if it is one.
    pub fn table(&self) -> Option<&Table> {
        match &self.kind {
            Kind::Table(t) => Some(t),
            _ => None,
        }
    }

    /// The table, if it is one.
    pub fn table_mut(&mut self) -> Option<&mut Table> {
        match &mut self.kind {
            Kind::Table(t) => Some(t),
            _ => None,
        }
    }

    /// The module, if it is one.
    pub fn module(&self) -> Option<&Module> {
        match &self.kind {
            Kind::Module(m) => Some(m),
            _ => None,
        }
    }

    /// The module, if it is one.
    pub fn module_mut(&mut self) -> Option<&mut Module> {
        match &mut self.kind {
            Kind::Module(m) => Some(m),
            _ => None,
        }
    }

    /// The module, if it is a view.
    pub fn view(&self) -> Option<&Module> {
        self.module().filter(|m| m.kind == ModuleKind::View)
    }
}
