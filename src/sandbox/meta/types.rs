//! Data types: the built-in ones with their ids and default facets (`sys.types`), and those of users.

use serde::{Deserialize, Serialize};

use crate::sandbox::value::{Base, MAX, SqlType};

use super::stamp::Stamp;
use super::table::Table;

/// A row of `sys.types` for a type that every database has.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct BuiltIn {
    pub name: &'static str,
    pub base: Base,
    pub system_type_id: u8,
    pub user_type_id: i32,
    pub max_length: i16,
    pub precision: u8,
    pub scale: u8,
}

const fn row(
    name: &'static str,
    base: Base,
    system_type_id: u8,
    user_type_id: i32,
    max_length: i16,
    precision: u8,
    scale: u8,
) -> BuiltIn {
    BuiltIn { name, base, system_type_id, user_type_id, max_length, precision, scale }
}

/// The types of every database. The ids are the type bytes of the wire, but for CLR types and sysname.
pub const BUILT_IN: &[BuiltIn] = &[
    row("image", Base::Image, 34, 34, 16, 0, 0),
    row("text", Base::Text, 35, 35, 16, 0, 0),
    row("uniqueidentifier", Base::UniqueIdentifier, 36, 36, 16, 0, 0),
    row("date", Base::Date, 40, 40, 3, 10, 0),
    row("time", Base::Time, 41, 41, 5, 16, 7),
    row("datetime2", Base::DateTime2, 42, 42, 8, 27, 7),
    row("datetimeoffset", Base::DateTimeOffset, 43, 43, 10, 34, 7),
    row("tinyint", Base::TinyInt, 48, 48, 1, 3, 0),
    row("smallint", Base::SmallInt, 52, 52, 2, 5, 0),
    row("int", Base::Int, 56, 56, 4, 10, 0),
    row("smalldatetime", Base::SmallDateTime, 58, 58, 4, 16, 0),
    row("real", Base::Real, 59, 59, 4, 24, 0),
    row("money", Base::Money, 60, 60, 8, 19, 4),
    row("datetime", Base::DateTime, 61, 61, 8, 23, 3),
    row("float", Base::Float, 62, 62, 8, 53, 0),
    row("sql_variant", Base::Variant, 98, 98, 8016, 0, 0),
    row("ntext", Base::NText, 99, 99, 16, 0, 0),
    row("bit", Base::Bit, 104, 104, 1, 1, 0),
    row("decimal", Base::Decimal, 106, 106, 17, 38, 38),
    row("numeric", Base::Numeric, 108, 108, 17, 38, 38),
    row("smallmoney", Base::SmallMoney, 122, 122, 4, 10, 4),
    row("bigint", Base::BigInt, 127, 127, 8, 19, 0),
    row("hierarchyid", Base::HierarchyId, 240, 128, 892, 0, 0),
    row("geometry", Base::Geometry, 240, 129, -1, 0, 0),
    row("geography", Base::Geography, 240, 130, -1, 0, 0),
    row("varbinary", Base::VarBinary, 165, 165, 8000, 0, 0),
    row("varchar", Base::VarChar, 167, 167, 8000, 0, 0),
    row("binary", Base::Binary, 173, 173, 8000, 0, 0),
    row("char", Base::Char, 175, 175, 8000, 0, 0),
    row("timestamp", Base::RowVersion, 189, 189, 8, 0, 0),
    row("nvarchar", Base::NVarChar, 231, 231, 8000, 0, 0),
    row("nchar", Base::NChar, 239, 239, 8000, 0, 0),
    row("xml", Base::Xml, 241, 241, -1, 0, 0),
    row("sysname", Base::NVarChar, 231, SYSNAME, 256, 0, 0),
];

/// `user_type_id` of sysname.
pub const SYSNAME: i32 = 256;

/// The first `user_type_id` that users' types get.
pub const FIRST_USER_TYPE: i32 = 257;

/// The built-in type of a base type (never sysname).
pub fn built_in(base: Base) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|t| t.base == base)
}

/// The built-in type of a name as written in T-SQL, synonyms included; names compare without case.
pub fn named(name: &str) -> Option<&'static BuiltIn> {
    let name = name.to_ascii_lowercase();
    let canonical = match name.as_str() {
        "rowversion" => "timestamp",
        "dec" => "decimal",
        "integer" => "int",
        "character" => "char",
        "charvarying" => "varchar",
        "double precision" => "float",
        other => other,
    };
    BUILT_IN.iter().find(|t| t.name == canonical)
}

/// `system_type_id`, `max_length`, `precision` and `scale` of a type as `sys.columns` shows them.
pub fn facets(ty: &SqlType) -> (u8, i16, u8, u8) {
    let Some(b) = built_in(ty.base) else {
        // A CLR type of a user. Assumption: its size is unlimited.
        return (240, -1, 0, 0);
    };
    let max_length = match ty.base {
        Base::Char | Base::VarChar | Base::NChar | Base::NVarChar | Base::Binary | Base::VarBinary => {
            if ty.length == MAX { -1 } else { i16::try_from(ty.length).unwrap_or(8000) }
        }
        Base::Decimal | Base::Numeric => match ty.precision {
            0..=9 => 5,
            10..=19 => 9,
            20..=28 => 13,
            _ => 17,
        },
        Base::Time => 3 + scale_bytes(ty.scale),
        Base::DateTime2 => 6 + scale_bytes(ty.scale),
        Base::DateTimeOffset => 8 + scale_bytes(ty.scale),
        _ => b.max_length,
    };
    let (precision, scale) = match ty.base {
        Base::Decimal | Base::Numeric => (ty.precision, ty.scale),
        // The digits of the text: hh:mm:ss and a dot with the scale's digits.
        Base::Time => (fraction(8, ty.scale), ty.scale),
        Base::DateTime2 => (fraction(19, ty.scale), ty.scale),
        Base::DateTimeOffset => (fraction(26, ty.scale), ty.scale),
        _ => (b.precision, b.scale),
    };
    (b.system_type_id, max_length, precision, scale)
}

fn scale_bytes(scale: u8) -> i16 {
    match scale {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    }
}

fn fraction(whole: u8, scale: u8) -> u8 {
    if scale == 0 { whole } else { whole + 1 + scale }
}

/// What a type of a user is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum UserTypeKind {
    /// `CREATE TYPE … FROM`: the base type and its default nullability.
    Alias {
        /// The base type in full.
        ty: SqlType,
        /// NULL allowed unless the column says otherwise.
        nullable: bool,
    },
    /// `CREATE TYPE … AS TABLE`: the table (its object lives in the `sys` schema as `TT_name_hash`).
    Table(Box<Table>),
    /// A CLR type, by name only.
    Clr {
        /// The assembly's name.
        assembly: String,
        /// The class in it.
        class: String,
    },
}

/// A type that a user made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct UserType {
    pub user_type_id: i32,
    pub name: String,
    pub schema_id: i32,
    pub principal_id: Option<i32>,
    pub kind: UserTypeKind,
    /// Of a table type: the object id of its table.
    pub table_object_id: Option<i32>,
    /// Of a table type: the dates of its table.
    pub created: Stamp,
    /// sp_bindefault and sp_bindrule.
    pub bound_default: Option<i32>,
    pub bound_rule: Option<i32>,
    pub memory_optimized: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(base: Base, length: u32, precision: u8, scale: u8) -> SqlType {
        SqlType { base, length, precision, scale, collation: None, detail: None }
    }

    #[test]
    fn facets_are_those_of_sys_columns() {
        // As the definition profile's rows show them (fact 31's capture).
        assert_eq!(facets(&ty(Base::Int, 0, 0, 0)), (56, 4, 10, 0));
        assert_eq!(facets(&ty(Base::BigInt, 0, 0, 0)), (127, 8, 19, 0));
        assert_eq!(facets(&ty(Base::VarChar, 20, 0, 0)), (167, 20, 0, 0));
        assert_eq!(facets(&ty(Base::NVarChar, MAX, 0, 0)).1, -1);
        assert_eq!(facets(&ty(Base::Time, 0, 0, 7)), (41, 5, 16, 7));
        assert_eq!(facets(&ty(Base::DateTime2, 0, 0, 0)), (42, 6, 19, 0));
        assert_eq!(facets(&ty(Base::DateTimeOffset, 0, 0, 7)), (43, 10, 34, 7));
        assert_eq!(facets(&ty(Base::Decimal, 0, 18, 2)), (106, 9, 18, 2));
    }

    #[test]
    fn fact_42_rowversion_is_timestamp_189_of_8_bytes() {
        let b = named("ROWVERSION").unwrap();
        assert_eq!((b.name, b.system_type_id, b.max_length), ("timestamp", 189, 8));
    }
}
