//! Types and values as the server holds them: exactly what came over the wire, so that it can go back exactly.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A built-in type. Character lengths are kept in bytes, as the wire and `sys.columns.max_length` do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Base {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    SmallMoney,
    Money,
    Decimal,
    Numeric,
    Date,
    Time,
    SmallDateTime,
    DateTime,
    DateTime2,
    DateTimeOffset,
    Char,
    VarChar,
    Text,
    NChar,
    NVarChar,
    NText,
    Binary,
    VarBinary,
    Image,
    RowVersion,
    UniqueIdentifier,
    Xml,
    Variant,
    HierarchyId,
    Geometry,
    Geography,
    /// A user-defined CLR type.
    Clr,
}

/// `max_length` of a `(max)` type.
pub const MAX: u32 = u32::MAX;

/// A collation as a column has it: its name and what the wire needs of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Collation {
    /// `SQL_Latin1_General_CP1_CI_AS`.
    pub name: String,
    /// The five bytes of TDS: LCID and flags (u32, little-endian), sort id.
    pub tds: [u8; 5],
    /// The Windows code page of `varchar` data; 65001 for UTF-8 collations, 0 for Unicode-only ones.
    pub code_page: u16,
    /// `_CI`.
    pub ignore_case: bool,
    /// `_AI`.
    pub ignore_accent: bool,
    /// `_BIN` or `_BIN2`.
    pub binary: bool,
}

/// The type of a column or an expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlType {
    /// The built-in type.
    pub base: Base,
    /// Bytes of char, nchar, binary and their like; [`MAX`] for `(max)`; 0 elsewhere.
    pub length: u32,
    /// decimal and numeric.
    pub precision: u8,
    /// decimal and numeric; digits of a second for time, datetime2, datetimeoffset.
    pub scale: u8,
    /// Character types.
    pub collation: Option<Arc<Collation>>,
    /// `schema.name` of a CLR type or an XML schema collection, raw.
    pub detail: Option<Arc<(String, String)>>,
}

/// A value. Character data is kept in the bytes it came in: the code page of its collation, or UTF-16LE.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    Bit(bool),
    TinyInt(u8),
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    /// IEEE bits survive (NaN payloads too): compared through `f32` where SQL asks.
    Real(f32),
    Float(f64),
    /// 1/10000.
    SmallMoney(i32),
    /// 1/10000.
    Money(i64),
    /// decimal and numeric: magnitude / 10^scale, negative if told so (zero is positive).
    Decimal {
        negative: bool,
        magnitude: u128,
        precision: u8,
        scale: u8,
    },
    /// Days since 0001-01-01.
    Date(u32),
    /// 100 ns since midnight.
    Time {
        ticks: u64,
        scale: u8,
    },
    /// Days since 0001-01-01, 100 ns since midnight.
    DateTime2 {
        days: u32,
        ticks: u64,
        scale: u8,
    },
    /// As datetime2 in UTC, and the offset in minutes.
    DateTimeOffset {
        days: u32,
        ticks: u64,
        scale: u8,
        offset: i16,
    },
    /// Days since 1900-01-01, 1/300 s since midnight.
    DateTime {
        days: i32,
        ticks: u32,
    },
    /// Days since 1900-01-01, minutes since midnight.
    SmallDateTime {
        days: u16,
        minutes: u16,
    },
    /// The 16 bytes of the wire.
    Guid([u8; 16]),
    /// char, varchar, text: bytes in the collation's code page.
    Char(Arc<[u8]>),
    /// nchar, nvarchar, ntext, xml: UTF-16LE bytes, surrogates alone included.
    NChar(Arc<[u8]>),
    /// binary, varbinary, image, rowversion, CLR types.
    Binary(Arc<[u8]>),
    /// sql_variant: never holds another variant or NULL.
    Variant(Arc<Variant>),
}

/// What is inside a sql_variant: a base type with its facets (and collation) and a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The base type with its properties, as sent.
    pub ty: SqlType,
    /// The value.
    pub value: Value,
}
