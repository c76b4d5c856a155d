//! Types of expressions: their names, precedence, and what two of them become together.

use std::sync::Arc;

use crate::sandbox::value::{Base, Collation, MAX, SqlType};

/// A type without facets.
pub fn plain(base: Base) -> SqlType {
    SqlType { base, length: 0, precision: 0, scale: 0, collation: None, detail: None }
}

/// `int`.
pub fn int() -> SqlType {
    plain(Base::Int)
}

/// `bigint`.
pub fn bigint() -> SqlType {
    plain(Base::BigInt)
}

/// `bit`.
pub fn bit() -> SqlType {
    plain(Base::Bit)
}

/// decimal or numeric with facets.
pub fn decimal(base: Base, precision: u8, scale: u8) -> SqlType {
    SqlType { precision, scale, ..plain(base) }
}

/// A type with digits of a second.
pub fn scaled(base: Base, scale: u8) -> SqlType {
    SqlType { scale, ..plain(base) }
}

/// A binary type.
pub fn binary(base: Base, length: u32) -> SqlType {
    SqlType { length, ..plain(base) }
}

/// A character type: the length in bytes.
pub fn text(base: Base, bytes: u32, collation: &Arc<Collation>) -> SqlType {
    SqlType { length: bytes, collation: Some(collation.clone()), ..plain(base) }
}

/// `nvarchar` of so many characters.
pub fn nvarchar(characters: u32, collation: &Arc<Collation>) -> SqlType {
    text(Base::NVarChar, if characters == MAX { MAX } else { characters.saturating_mul(2) }, collation)
}

/// `sysname` on the wire: nvarchar(128).
pub fn sysname(collation: &Arc<Collation>) -> SqlType {
    nvarchar(128, collation)
}

/// The name of a type as errors and `sys.types` have it.
pub fn name(base: Base) -> &'static str {
    match base {
        Base::Bit => "bit",
        Base::TinyInt => "tinyint",
        Base::SmallInt => "smallint",
        Base::Int => "int",
        Base::BigInt => "bigint",
        Base::Real => "real",
        Base::Float => "float",
        Base::SmallMoney => "smallmoney",
        Base::Money => "money",
        Base::Decimal => "decimal",
        Base::Numeric => "numeric",
        Base::Date => "date",
        Base::Time => "time",
        Base::SmallDateTime => "smalldatetime",
        Base::DateTime => "datetime",
        Base::DateTime2 => "datetime2",
        Base::DateTimeOffset => "datetimeoffset",
        Base::Char => "char",
        Base::VarChar => "varchar",
        Base::Text => "text",
        Base::NChar => "nchar",
        Base::NVarChar => "nvarchar",
        Base::NText => "ntext",
        Base::Binary => "binary",
        Base::VarBinary => "varbinary",
        Base::Image => "image",
        Base::RowVersion => "timestamp",
        Base::UniqueIdentifier => "uniqueidentifier",
        Base::Xml => "xml",
        Base::Variant => "sql_variant",
        Base::HierarchyId => "hierarchyid",
        Base::Geometry => "geometry",
        Base::Geography => "geography",
        Base::Clr => "clr",
    }
}

/// Rank by T-SQL's data type precedence: the higher wins.
pub fn precedence(base: Base) -> u8 {
    match base {
        Base::Clr | Base::HierarchyId | Base::Geometry | Base::Geography => 40,
        Base::Variant => 39,
        Base::Xml => 38,
        Base::DateTimeOffset => 37,
        Base::DateTime2 => 36,
        Base::DateTime => 35,
        Base::SmallDateTime => 34,
        Base::Date => 33,
        Base::Time => 32,
        Base::Float => 31,
        Base::Real => 30,
        Base::Decimal | Base::Numeric => 29,
        Base::Money => 28,
        Base::SmallMoney => 27,
        Base::BigInt => 26,
        Base::Int => 25,
        Base::SmallInt => 24,
        Base::TinyInt => 23,
        Base::Bit => 22,
        Base::NText => 21,
        Base::Text => 20,
        Base::Image => 19,
        Base::RowVersion => 18,
        Base::UniqueIdentifier => 17,
        Base::NVarChar => 16,
        Base::NChar => 15,
        Base::VarChar => 14,
        Base::Char => 13,
        Base::VarBinary => 12,
        Base::Binary => 11,
    }
}

/// Character data of any kind.
pub fn is_text(base: Base) -> bool {
    is_narrow(base) || is_wide(base)
}

/// Character data in a code page.
pub fn is_narrow(base: Base) -> bool {
    matches!(base, Base::Char | Base::VarChar | Base::Text)
}

/// Character data in UTF-16.
pub fn is_wide(base: Base) -> bool {
    matches!(base, Base::NChar | Base::NVarChar | Base::NText | Base::Xml)
}

/// Binary data.
pub fn is_binary(base: Base) -> bool {
    matches!(base, Base::Binary | Base::VarBinary | Base::Image | Base::RowVersion)
}

/// Integers and bit.
pub fn is_integer(base: Base) -> bool {
    matches!(base, Base::Bit | Base::TinyInt | Base::SmallInt | Base::Int | Base::BigInt)
}

/// decimal, numeric, money, smallmoney.
pub fn is_exact(base: Base) -> bool {
    matches!(base, Base::Decimal | Base::Numeric | Base::Money | Base::SmallMoney)
}

/// Anything arithmetic takes as a number.
pub fn is_number(base: Base) -> bool {
    is_integer(base) || is_exact(base) || matches!(base, Base::Float | Base::Real)
}

/// Dates and times.
pub fn is_moment(base: Base) -> bool {
    matches!(
        base,
        Base::Date | Base::Time | Base::SmallDateTime | Base::DateTime | Base::DateTime2 | Base::DateTimeOffset
    )
}

/// The precision and scale of a number when it is seen as a decimal.
pub fn as_decimal(ty: &SqlType) -> (u8, u8) {
    match ty.base {
        Base::Decimal | Base::Numeric => (ty.precision, ty.scale),
        Base::Bit => (1, 0),
        Base::TinyInt => (3, 0),
        Base::SmallInt => (5, 0),
        Base::Int => (10, 0),
        Base::BigInt => (19, 0),
        Base::Money => (19, 4),
        Base::SmallMoney => (10, 4),
        _ => (38, 0),
    }
}

/// Characters of a character type, bytes of a binary one, or the width of the text of another.
pub fn display_width(ty: &SqlType) -> u32 {
    match ty.base {
        Base::NChar | Base::NVarChar => {
            if ty.length == MAX {
                MAX
            } else {
                ty.length / 2
            }
        }
        Base::Char | Base::VarChar | Base::Binary | Base::VarBinary => ty.length,
        Base::Text | Base::NText | Base::Image | Base::Xml => MAX,
        Base::Bit => 1,
        Base::TinyInt => 3,
        Base::SmallInt => 6,
        Base::Int => 12,
        Base::BigInt => 20,
        Base::UniqueIdentifier => 36,
        Base::Decimal | Base::Numeric => u32::from(ty.precision) + 3,
        _ => 30,
    }
}

fn larger(a: u32, b: u32) -> u32 {
    if a == MAX || b == MAX { MAX } else { a.max(b) }
}

/// The type that CASE, COALESCE, UNION and comparisons give two types.
pub fn unify(a: &SqlType, b: &SqlType) -> SqlType {
    let (high, low) = if precedence(a.base) >= precedence(b.base) { (a, b) } else { (b, a) };
    match high.base {
        Base::Decimal | Base::Numeric => {
            if !is_number(low.base) || matches!(low.base, Base::Float | Base::Real) {
                return high.clone();
            }
            let ((p1, s1), (p2, s2)) = (as_decimal(high), as_decimal(low));
            let scale = s1.max(s2);
            let whole = (p1 - s1).max(p2 - s2);
            if whole + scale > 38 {
                return decimal(high.base, 38, 38 - whole.min(38));
            }
            decimal(high.base, whole + scale, scale)
        }
        Base::NVarChar | Base::NChar | Base::VarChar | Base::Char => {
            let base = match high.base {
                Base::NChar if low.base != Base::NChar => Base::NVarChar,
                Base::Char if low.base != Base::Char => Base::VarChar,
                other => other,
            };
            let wide = is_wide(base);
            let width = larger(display_width(high), display_width(low));
            let bytes = match (wide, width) {
                (_, MAX) => MAX,
                (true, w) if w > 4000 => MAX,
                (true, w) => w * 2,
                (false, w) if w > 8000 => MAX,
                (false, w) => w,
            };
            SqlType {
                length: bytes,
                collation: high.collation.clone().or_else(|| low.collation.clone()),
                ..plain(base)
            }
        }
        Base::VarBinary | Base::Binary => {
            let base = if low.base == high.base { high.base } else { Base::VarBinary };
            binary(base, larger(high.length, low.length))
        }
        Base::Time | Base::DateTime2 | Base::DateTimeOffset => {
            let other = match low.base {
                b if b == high.base => low.scale,
                Base::DateTime => 3,
                Base::DateTime2 | Base::Time => low.scale,
                _ => 0,
            };
            scaled(high.base, high.scale.max(other))
        }
        _ => high.clone(),
    }
}
