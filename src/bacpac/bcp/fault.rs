//! What can be wrong with rows, and where.

use std::fmt;

/// Where in the data something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The part's name when reading (`Data/dbo.t/TableData-000-00000.BCP`), the table when writing.
    pub part: String,
    /// Bytes from the start of the part to the cell (when writing: bytes encoded so far in the present buffer).
    pub offset: u64,
    /// The row in the part, from 0.
    pub row: u64,
    /// The column, `None` between rows.
    pub column: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.part, self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ", byte {}", self.offset)
    }
}

/// A row that cannot be read or written. Trying again does not help: the bytes are what they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct BcpError {
    /// Where.
    pub place: Box<Place>,
    /// What.
    pub fault: Box<Fault>,
}

/// What is wrong with a cell or a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Fault {
    #[error("the data ends inside a row ({missing} more bytes at least)")]
    Truncated { missing: u64 },
    #[error("length {found} where {expected} must stand")]
    Length { found: u64, expected: u64 },
    #[error("{found} bytes, and the column holds at most {limit}")]
    TooLong { found: u64, limit: u64 },
    #[error("{found} bytes cannot be UTF-16")]
    OddText { found: u64 },
    #[error("NULL in a NOT NULL column")]
    Null,
    #[error("bit with the value {0:#04x}")]
    Bit(u8),
    #[error("time of {0} ticks is outside the day")]
    Time(u64),
    #[error("time of {ticks} ticks has more digits than the column's scale {scale}")]
    TimeScale { ticks: u64, scale: u8 },
    #[error("day {0} is after 9999-12-31")]
    Date(u64),
    #[error("offset of {0} minutes is not within 14 hours")]
    Offset(i16),
    #[error("datetime of day {days} and {ticks} ticks is out of range")]
    DateTime { days: i32, ticks: u32 },
    #[error("smalldatetime of {0} minutes is outside the day")]
    Minutes(u16),
    #[error("decimal header ({found_precision},{found_scale}) in a column of ({precision},{scale})")]
    DecimalHeader { found_precision: u8, found_scale: u8, precision: u8, scale: u8 },
    #[error("decimal sign {0:#04x}")]
    DecimalSign(u8),
    #[error("decimal magnitude {magnitude} has more than {precision} digits")]
    DecimalMagnitude { magnitude: u128, precision: u8 },
    #[error("sql_variant: unknown type {0:#04x}")]
    VariantType(u8),
    #[error("sql_variant of type {ty:#04x}: {reason}")]
    Variant { ty: u8, reason: String },
    #[error("a chunk of {0} bytes")]
    Chunk(i32),
    #[error("{found} given for a column of type {expected}")]
    CellType { found: &'static str, expected: &'static str },
    #[error("column {found} given where column {expected} is next")]
    ColumnOrder { found: usize, expected: usize },
    #[error("the row ends after {found} of {expected} columns")]
    ShortRow { found: usize, expected: usize },
    #[error("{0} bytes given for a value that was announced with {1}")]
    LobLength(u64, u64),
    #[error("a large value is still open")]
    LobOpen,
    #[error("no large value is open")]
    LobClosed,
}
