//! The column plan: what a row of a table is, for everyone who handles its bytes.
//!
//! One [`TablePlan`] drives the decoder and the encoder of [`crate::bacpac::bcp`], the rows read from a server and the
//! rows written into one. It is made from the model (of a package, or of a live server's catalogue) and says nothing
//! about how it was found. It holds the columns that stand in the data stream only: computed columns and column sets
//! are left out, alias types are resolved to their base types.

use std::fmt;

/// A type as the data stream tells types apart. `(max)` types are types of their own: their framing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BcpType {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    /// float(1) to float(24) stand in a model as real.
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
    UniqueIdentifier,
    Char,
    VarChar,
    VarCharMax,
    Text,
    NChar,
    NVarChar,
    NVarCharMax,
    NText,
    Binary,
    VarBinary,
    VarBinaryMax,
    Image,
    /// Also called timestamp.
    RowVersion,
    Xml,
    Variant,
    HierarchyId,
    Geometry,
    Geography,
    /// A user-defined CLR type.
    Clr,
    // Assumption: json travels as UTF-16 text and vector as raw bytes, both behind an eight-byte length.
    Json,
    Vector,
}

/// How a value of a column is framed in the stream (`F`, `P1`, `L2`, `L4`, `L8` and the variant's own).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// So many bytes and nothing else (a NOT NULL column of a fixed type).
    Bare(u16),
    /// One byte of length, always that length or 0xFF for NULL, then the payload.
    Counted(u8),
    /// Two bytes of length, 0xFFFF for NULL.
    Length2,
    /// Four bytes of length, all ones for NULL.
    Length4,
    /// Eight bytes of length, all ones for NULL, all ones but the lowest bit for a value in chunks.
    Length8,
    /// Four bytes of length, 0 for NULL.
    Variant,
}

impl BcpType {
    /// Bytes of the payload, for types whose payload always has the same size.
    pub fn width(self) -> Option<u8> {
        use BcpType::*;
        Some(match self {
            Bit | TinyInt => 1,
            SmallInt => 2,
            Date => 3,
            Int | Real | SmallMoney | SmallDateTime => 4,
            Time => 5,
            BigInt | Float | Money | DateTime | DateTime2 | RowVersion => 8,
            DateTimeOffset => 10,
            UniqueIdentifier => 16,
            Decimal | Numeric => 19,
            _ => return None,
        })
    }

    /// Character data, which the stream always holds as UTF-16LE.
    pub fn is_text(self) -> bool {
        use BcpType::*;
        matches!(self, Char | VarChar | VarCharMax | Text | NChar | NVarChar | NVarCharMax | NText | Xml | Json)
    }

    /// Raw bytes: binary types, rowversion, CLR types.
    pub fn is_binary(self) -> bool {
        use BcpType::*;
        matches!(
            self,
            Binary | VarBinary | VarBinaryMax | Image | RowVersion | HierarchyId | Geometry | Geography | Clr | Vector
        )
    }

    /// The type's name as T-SQL has it, without facets.
    pub fn sql_name(self) -> &'static str {
        use BcpType::*;
        match self {
            Bit => "bit",
            TinyInt => "tinyint",
            SmallInt => "smallint",
            Int => "int",
            BigInt => "bigint",
            Real => "real",
            Float => "float",
            SmallMoney => "smallmoney",
            Money => "money",
            Decimal => "decimal",
            Numeric => "numeric",
            Date => "date",
            Time => "time",
            SmallDateTime => "smalldatetime",
            DateTime => "datetime",
            DateTime2 => "datetime2",
            DateTimeOffset => "datetimeoffset",
            UniqueIdentifier => "uniqueidentifier",
            Char => "char",
            VarChar | VarCharMax => "varchar",
            Text => "text",
            NChar => "nchar",
            NVarChar | NVarCharMax => "nvarchar",
            NText => "ntext",
            Binary => "binary",
            VarBinary | VarBinaryMax => "varbinary",
            Image => "image",
            RowVersion => "rowversion",
            Xml => "xml",
            Variant => "sql_variant",
            HierarchyId => "hierarchyid",
            Geometry => "geometry",
            Geography => "geography",
            Clr => "clr type",
            Json => "json",
            Vector => "vector",
        }
    }
}

/// A column of the data stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnPlan {
    /// Raw name, without brackets.
    pub name: String,
    /// The base type.
    pub ty: BcpType,
    /// Of the table's column, never what a result set's metadata says: it decides the framing.
    pub nullable: bool,
    /// char, varchar, nchar, nvarchar: declared length in characters (UTF-16 units for nchar and nvarchar).
    /// binary, varbinary: in bytes. 0 for every other type and for `(max)`.
    pub length: u32,
    /// decimal and numeric; 0 elsewhere.
    pub precision: u8,
    /// decimal and numeric; digits of a second for time, datetime2 and datetimeoffset; 0 elsewhere.
    pub scale: u8,
    /// Collation of a character column where the model knows one: the column's own, else the database's.
    pub collation: Option<String>,
    /// `(schema, name)` of a CLR type or of an XML schema collection, raw.
    pub detail: Option<(String, String)>,
    /// An identity column (its values are in the stream and are to be kept).
    pub identity: bool,
}

impl ColumnPlan {
    /// A column with everything but name, type and nullability left at zero.
    pub fn new(name: impl Into<String>, ty: BcpType, nullable: bool) -> Self {
        ColumnPlan {
            name: name.into(),
            ty,
            nullable,
            length: 0,
            precision: 0,
            scale: 0,
            collation: None,
            detail: None,
            identity: false,
        }
    }

    /// The same column with a declared length.
    pub fn with_length(mut self, length: u32) -> Self {
        self.length = length;
        self
    }

    /// The same column with a precision and a scale.
    pub fn with_precision(mut self, precision: u8, scale: u8) -> Self {
        (self.precision, self.scale) = (precision, scale);
        self
    }

    /// The same column with a scale.
    pub fn with_scale(mut self, scale: u8) -> Self {
        self.scale = scale;
        self
    }

    /// The same column with a collation.
    pub fn with_collation(mut self, name: impl Into<String>) -> Self {
        self.collation = Some(name.into());
        self
    }

    /// The most bytes a bounded value can have in the stream, framing aside; `None` for large types and variants.
    pub fn max_bytes(&self) -> Option<u32> {
        use BcpType::*;
        match self.ty {
            Char | VarChar | NChar | NVarChar => Some(self.length.saturating_mul(2)),
            Binary | VarBinary => Some(self.length),
            ty => ty.width().map(u32::from),
        }
    }

    /// How values of the column are framed. `char_utf8` matters for a NOT NULL char of a UTF-8 collation only.
    pub fn framing(&self, char_utf8: CharUtf8) -> Framing {
        use BcpType::*;
        match self.ty {
            Bit => Framing::Counted(1),
            UniqueIdentifier => Framing::Counted(16),
            Decimal | Numeric => Framing::Counted(19),
            RowVersion | Binary | VarBinary | VarChar | NChar | NVarChar => Framing::Length2,
            Char if self.nullable => Framing::Length2,
            Char if self.is_utf8() && char_utf8 == CharUtf8::Prefixed => Framing::Length2,
            // Never without bytes: a row must have some.
            Char => Framing::Bare((self.length.clamp(1, 8000) * 2) as u16),
            Text | NText | Image => Framing::Length4,
            Variant => Framing::Variant,
            ty => match ty.width() {
                Some(width) if self.nullable => Framing::Counted(width),
                Some(width) => Framing::Bare(u16::from(width)),
                None => Framing::Length8,
            },
        }
    }

    /// The column's collation stores UTF-8.
    pub fn is_utf8(&self) -> bool {
        self.collation.as_deref().is_some_and(|c| {
            c.len() >= 5 && c.is_char_boundary(c.len() - 5) && c[c.len() - 5..].eq_ignore_ascii_case("_UTF8")
        })
    }

    /// The type as T-SQL declares it: `nvarchar(50)`, `decimal(10, 2)`, `time(3)`, `[dbo].[Point]`. No nullability.
    pub fn sql_type(&self) -> String {
        use BcpType::*;
        match self.ty {
            Char | VarChar | NChar | NVarChar | Binary | VarBinary => {
                format!("{}({})", self.ty.sql_name(), self.length)
            }
            VarCharMax | NVarCharMax | VarBinaryMax => format!("{}(max)", self.ty.sql_name()),
            Decimal | Numeric => format!("{}({}, {})", self.ty.sql_name(), self.precision, self.scale),
            Time | DateTime2 | DateTimeOffset => format!("{}({})", self.ty.sql_name(), self.scale),
            Clr => match &self.detail {
                Some((schema, name)) => format!("[{}].[{}]", schema.replace(']', "]]"), name.replace(']', "]]")),
                None => "clr type".into(),
            },
            _ => self.ty.sql_name().into(),
        }
    }
}

/// How a NOT NULL char column of a UTF-8 collation stands in the stream: two writers disagree, nothing in the file
/// tells them apart, so a reader tries both and insists on the last byte. We write it bare, which DacFx 15 reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CharUtf8 {
    /// Like every NOT NULL char: 2n bytes and no length (`58 00`).
    #[default]
    Bare,
    /// Behind a two-byte length (`02 00 58 00`).
    Prefixed,
}

/// The rows of a table, column by column in the order of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TablePlan {
    /// Raw schema name.
    pub schema: String,
    /// Raw table name.
    pub table: String,
    /// The columns that stand in the stream.
    pub columns: Vec<ColumnPlan>,
}

/// A plan that no server could have made: a facet outside its type's range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}, column {column}: {reason}")]
pub struct PlanError {
    /// `schema.table`.
    pub table: String,
    /// The column, empty when the table itself is at fault.
    pub column: String,
    /// What is wrong, with the figures.
    pub reason: String,
}

impl TablePlan {
    /// A plan; [`TablePlan::check`] says whether its facets can be.
    pub fn new(schema: impl Into<String>, table: impl Into<String>, columns: Vec<ColumnPlan>) -> Self {
        TablePlan { schema: schema.into(), table: table.into(), columns }
    }

    /// Checks every facet against its type's range. Decoder and encoder refuse an unchecked plan's figures otherwise
    /// only by failing on the first row, so readers of foreign models call this first.
    pub fn check(&self) -> Result<(), PlanError> {
        let fail = |column: &str, reason: String| {
            Err(PlanError { table: self.to_string(), column: column.to_owned(), reason })
        };
        if self.columns.is_empty() {
            return fail("", "no column stands in the data stream".into());
        }
        for c in &self.columns {
            use BcpType::*;
            match c.ty {
                Char | VarChar | Binary | VarBinary if !(1..=8000).contains(&c.length) => {
                    return fail(&c.name, format!("length {} of {} is not in 1 to 8000", c.length, c.ty.sql_name()));
                }
                NChar | NVarChar if !(1..=4000).contains(&c.length) => {
                    return fail(&c.name, format!("length {} of {} is not in 1 to 4000", c.length, c.ty.sql_name()));
                }
                Decimal | Numeric if !(1..=38).contains(&c.precision) || c.scale > c.precision => {
                    return fail(&c.name, format!("precision {} and scale {} cannot be", c.precision, c.scale));
                }
                Time | DateTime2 | DateTimeOffset if c.scale > 7 => {
                    return fail(&c.name, format!("scale {} of {} is above 7", c.scale, c.ty.sql_name()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A NOT NULL char of a UTF-8 collation is among the columns, so the two readings of [`CharUtf8`] differ.
    pub fn has_utf8_char(&self) -> bool {
        self.columns.iter().any(|c| c.ty == BcpType::Char && !c.nullable && c.is_utf8())
    }
}

impl fmt::Display for TablePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}
