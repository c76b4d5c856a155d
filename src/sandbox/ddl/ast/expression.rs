//! Expressions and names of types, as read.

/// A type in an expression or a declaration: `[schema].[name](facets)`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TypeName {
    pub schema: Option<String>,
    pub name: String,
    pub facets: Facets,
}

/// What stands in a type's parentheses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Facets {
    /// Nothing.
    #[default]
    None,
    /// `(n)`.
    One(u32),
    /// `(p, s)`.
    Two(u32, u32),
    /// `(max)`.
    Max,
    /// `(DOCUMENT schema.collection)` or `(CONTENT …)`.
    Xml {
        /// DOCUMENT.
        document: bool,
        /// Schema and name of the collection.
        collection: (Option<String>, String),
    },
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Expr {
    Null,
    Default,
    /// An integer, decimal or float literal, as written; negative when a minus was folded into it.
    Number {
        text: String,
        negative: bool,
    },
    Money {
        text: String,
        negative: bool,
    },
    Text {
        national: bool,
        text: String,
    },
    Binary(String),
    Variable(String),
    /// A column, one or more parts.
    Column(Vec<String>),
    /// A function, its name in parts; `quoted` when the last part was in brackets.
    Function {
        name: Vec<String>,
        quoted: bool,
        args: Vec<Expr>,
        star: bool,
        distinct: bool,
    },
    /// `target.method(args)` of xml, spatial and hierarchyid values.
    Method {
        target: Box<Expr>,
        name: String,
        args: Option<Vec<Expr>>,
    },
    /// `[sys].[geography]::Parse(…)`.
    Static {
        ty: TypeName,
        name: String,
        args: Option<Vec<Expr>>,
    },
    /// A date part as a function's argument.
    DatePart(String),
    Convert {
        attempt: bool,
        ty: TypeName,
        value: Box<Expr>,
        style: Option<Box<Expr>>,
    },
    /// TRY_CAST, PARSE and TRY_PARSE keep their AS.
    AsType {
        name: &'static str,
        value: Box<Expr>,
        ty: TypeName,
        culture: Option<Box<Expr>>,
    },
    NextValue(Vec<String>),
    Case {
        operand: Option<Box<Expr>>,
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// `-x`, `+x`, `~x`.
    Unary(&'static str, Box<Expr>),
    Arithmetic(&'static str, Box<Expr>, Box<Expr>),
    Collate(Box<Expr>, String),
    AtTimeZone(Box<Expr>, Box<Expr>),
    Compare(&'static str, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>, bool),
    Like {
        value: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        not: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        not: bool,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        not: bool,
    },
}
