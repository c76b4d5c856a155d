//! A cell as it crosses from one end to the other: borrowed, exact, typed.

use super::BcpError;

/// A value of one column. Text and binary values borrow from the chunk they came in; nothing is converted, so every
/// value can be written back as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Cell<'a> {
    Null,
    Bit(bool),
    TinyInt(u8),
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    /// IEEE bits: NaN payloads and signs survive.
    Real(u32),
    /// IEEE bits.
    Float(u64),
    /// 1/10000.
    SmallMoney(i32),
    /// 1/10000.
    Money(i64),
    /// decimal and numeric at the column's precision and scale: ± magnitude / 10^scale. `negative` is the stream's
    /// sign byte (writers give zero the positive one; a negative zero is carried as it is).
    Decimal {
        negative: bool,
        magnitude: u128,
    },
    /// Days since 0001-01-01.
    Date(u32),
    /// 100 ns since midnight, at every scale.
    Time(u64),
    /// Days since 0001-01-01, 100 ns since midnight.
    DateTime2 {
        days: u32,
        ticks: u64,
    },
    /// As datetime2 in UTC, and the offset in minutes.
    DateTimeOffset {
        days: u32,
        ticks: u64,
        offset: i16,
    },
    /// Days since 1900-01-01, minutes since midnight.
    SmallDateTime {
        days: u16,
        minutes: u16,
    },
    /// Days since 1900-01-01, 1/300 s since midnight.
    DateTime {
        days: i32,
        ticks: u32,
    },
    /// The 16 bytes of the wire: the first three groups little-endian.
    Guid([u8; 16]),
    /// UTF-16LE, lone surrogates included. Every character type, xml and json.
    Text(&'a [u8]),
    /// binary, varbinary, image, CLR types; rowversion as its eight bytes, big-endian.
    Binary(&'a [u8]),
    /// sql_variant: type byte, count of property bytes, properties, value; checked. [`super::parse_variant`] reads it.
    Variant(&'a [u8]),
}

/// What the pieces of a large value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LobKind {
    /// UTF-16LE; every piece has an even number of bytes.
    Text,
    /// Raw bytes.
    Binary,
}

/// Receives rows, cell by cell in column order.
///
/// A value of a large type (text, ntext, image, xml, json, `(max)` and CLR types) comes either whole through
/// [`RowSink::cell`] or as `lob_start`, any number of `lob_piece`, `lob_end`. The decoder gives every value of at most
/// [`super::WHOLE`] bytes whole (unless the stream itself had it in chunks); larger ones may come either way.
pub trait RowSink {
    /// What can go wrong at the receiving end; a decoder's own errors are passed through it.
    type Error: From<BcpError>;

    /// A whole value.
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Self::Error>;

    /// A value in pieces begins. `length` is its size in bytes where that is known beforehand.
    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), Self::Error>;

    /// The next piece of it, never empty.
    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), Self::Error>;

    /// The value is complete.
    fn lob_end(&mut self, column: usize) -> Result<(), Self::Error>;

    /// The row is complete: every column was given.
    fn row_end(&mut self) -> Result<(), Self::Error>;
}

/// Counts rows and looks at nothing else: with it, decoding is validation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountRows {
    /// Complete rows so far.
    pub rows: u64,
}

impl RowSink for CountRows {
    type Error = BcpError;

    #[inline]
    fn cell(&mut self, _column: usize, _cell: Cell<'_>) -> Result<(), BcpError> {
        Ok(())
    }

    fn lob_start(&mut self, _column: usize, _kind: LobKind, _length: Option<u64>) -> Result<(), BcpError> {
        Ok(())
    }

    fn lob_piece(&mut self, _column: usize, _piece: &[u8]) -> Result<(), BcpError> {
        Ok(())
    }

    fn lob_end(&mut self, _column: usize) -> Result<(), BcpError> {
        Ok(())
    }

    #[inline]
    fn row_end(&mut self) -> Result<(), BcpError> {
        self.rows += 1;
        Ok(())
    }
}

impl<S: RowSink + ?Sized> RowSink for &mut S {
    type Error = S::Error;

    #[inline]
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), S::Error> {
        (**self).cell(column, cell)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), S::Error> {
        (**self).lob_start(column, kind, length)
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), S::Error> {
        (**self).lob_piece(column, piece)
    }

    fn lob_end(&mut self, column: usize) -> Result<(), S::Error> {
        (**self).lob_end(column)
    }

    #[inline]
    fn row_end(&mut self) -> Result<(), S::Error> {
        (**self).row_end()
    }
}
