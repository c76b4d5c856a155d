//! Canonical text of rows: one JSON array of canonical cell texts a line, the same for every reader of a package, so
//! that two readers (or a backup and a restored database) can be compared by a digest.
//!
//! The text of a cell, a JSON string (NULL is JSON's null):
//!
//! | type | text |
//! |---|---|
//! | tinyint to bigint, bit | decimal digits |
//! | real, float | IEEE bits, 8 or 16 upper-case hex digits, most significant first |
//! | decimal, money | plain decimal at the declared scale (money 4), `-` for negatives |
//! | date, time | `2020-01-31`, `12:34:56.1234567` (always 7 digits) |
//! | datetime2, datetimeoffset | `2020-01-31T12:34:56.1234567`; the UTC instant, `Z`, the offset in minutes with sign |
//! | datetime | `2020-01-31T` and the count of 1/300 s since midnight |
//! | smalldatetime | `2020-01-31T12:34` |
//! | uniqueidentifier | upper case, 8-4-4-4-12 |
//! | text, xml | the text |
//! | binary, rowversion, CLR types, sql_variant | `0x` and the payload in upper-case hex |
//!
//! A line has no spaces; what is not ASCII is `\uXXXX` in lower-case hex, by UTF-16 units. Lines are joined by a line
//! feed and hashed without a final one.

use std::io::{self, Write};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::bcp::{BcpError, Cell, LobKind, RowSink};
use super::package::PackageError;
use super::plan::TablePlan;
use super::scalar;

/// Why rows could not be written as text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The rows are at fault.
    #[error(transparent)]
    Rows(#[from] BcpError),
    /// The package is at fault.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The receiving end is.
    #[error("cannot write the rows")]
    Write(#[from] io::Error),
}

/// Bytes gathered before they are handed to the writer.
const BLOCK: usize = 64 * 1024;

/// Writes canonical lines. Memory does not depend on the size of a value.
#[derive(Debug)]
pub struct CanonicalLines<W> {
    plan: Arc<TablePlan>,
    out: W,
    line: Vec<u8>,
    rows: u64,
    kind: LobKind,
}

impl<W: Write> CanonicalLines<W> {
    /// Lines of a table's rows into `out`.
    pub fn new(plan: Arc<TablePlan>, out: W) -> Self {
        CanonicalLines { plan, out, line: Vec::with_capacity(BLOCK + 4096), rows: 0, kind: LobKind::Binary }
    }

    /// Writes what is pending and gives the writer back, and the number of lines. No line feed ends the last line.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.out.write_all(&self.line)?;
        self.out.flush()?;
        Ok((self.out, self.rows))
    }

    fn separate(&mut self, column: usize) {
        let first = if self.rows == 0 { &b"["[..] } else { b"\n[" };
        self.line.extend_from_slice(if column == 0 { first } else { b"," });
    }

    fn relieve(&mut self) -> Result<(), TextError> {
        if self.line.len() >= BLOCK {
            self.out.write_all(&self.line)?;
            self.line.clear();
        }
        Ok(())
    }
}

impl<W: Write> RowSink for CanonicalLines<W> {
    type Error = TextError;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), TextError> {
        self.separate(column);
        let scale = self.plan.columns.get(column).map_or(0, |c| c.scale);
        write_cell(&mut self.line, scale, cell);
        self.relieve()
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, _length: Option<u64>) -> Result<(), TextError> {
        self.separate(column);
        self.kind = kind;
        self.line.extend_from_slice(if kind == LobKind::Text { b"\"" } else { b"\"0x" });
        Ok(())
    }

    fn lob_piece(&mut self, _column: usize, piece: &[u8]) -> Result<(), TextError> {
        for block in piece.chunks(BLOCK / 8) {
            match self.kind {
                LobKind::Text => escape(&mut self.line, block),
                LobKind::Binary => scalar::hex(&mut self.line, block),
            }
            self.relieve()?;
        }
        Ok(())
    }

    fn lob_end(&mut self, _column: usize) -> Result<(), TextError> {
        self.line.push(b'"');
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), TextError> {
        self.line.push(b']');
        self.rows += 1;
        self.relieve()
    }
}

/// Rows of a table by number and digest of their canonical lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDigest {
    /// How many.
    pub rows: u64,
    /// SHA-256 of the lines, lower-case hex.
    pub sha256: String,
}

/// Takes the digest of a table's canonical lines.
///
/// ```no_run
/// # use pacrat::bacpac::{canonical::{Digest, TextError}, package::{BoundPackage, Limits, Source}};
/// # fn example(source: Box<dyn Source>) -> Result<(), TextError> {
/// let (package, _model) = BoundPackage::open(source, Limits::default())?;
/// for table in package.tables() {
///     let mut digest = Digest::new(table.plan.clone());
///     package.read_table(table, &mut digest)?;
///     let digest = digest.finish();
///     // digest.rows, digest.sha256
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Digest(CanonicalLines<Hash>);

#[derive(Debug)]
struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Digest {
    /// A digest of no rows yet.
    pub fn new(plan: Arc<TablePlan>) -> Self {
        Digest(CanonicalLines::new(plan, Hash(Sha256::new())))
    }

    /// The digest of the rows so far.
    pub fn finish(mut self) -> TableDigest {
        self.0.out.0.update(&self.0.line);
        let mut sha256 = String::with_capacity(64);
        for byte in self.0.out.0.finalize() {
            sha256.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            sha256.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        TableDigest { rows: self.0.rows, sha256 }
    }
}

impl RowSink for Digest {
    type Error = TextError;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), TextError> {
        self.0.cell(column, cell)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), TextError> {
        self.0.lob_start(column, kind, length)
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), TextError> {
        self.0.lob_piece(column, piece)
    }

    fn lob_end(&mut self, column: usize) -> Result<(), TextError> {
        self.0.lob_end(column)
    }

    fn row_end(&mut self) -> Result<(), TextError> {
        self.0.row_end()
    }
}

/// One cell as JSON.
fn write_cell(out: &mut Vec<u8>, scale: u8, cell: Cell<'_>) {
    if cell == Cell::Null {
        return out.extend_from_slice(b"null");
    }
    out.push(b'"');
    match cell {
        Cell::Null => {}
        Cell::Bit(v) => out.push(b'0' + u8::from(v)),
        Cell::TinyInt(v) => scalar::integer(out, i64::from(v)),
        Cell::SmallInt(v) => scalar::integer(out, i64::from(v)),
        Cell::Int(v) => scalar::integer(out, i64::from(v)),
        Cell::BigInt(v) => scalar::integer(out, v),
        Cell::Real(bits) => scalar::hex(out, &bits.to_be_bytes()),
        Cell::Float(bits) => scalar::hex(out, &bits.to_be_bytes()),
        Cell::SmallMoney(v) => scalar::decimal(out, v < 0, u128::from(v.unsigned_abs()), 4),
        Cell::Money(v) => scalar::decimal(out, v < 0, u128::from(v.unsigned_abs()), 4),
        // The reference decoder knows no negative zero.
        Cell::Decimal { negative, magnitude } => {
            scalar::decimal(out, negative && magnitude != 0, magnitude, u32::from(scale));
        }
        Cell::Date(days) => scalar::date(out, i64::from(days)),
        Cell::Time(ticks) => scalar::time(out, ticks, 7),
        Cell::DateTime2 { days, ticks } => {
            scalar::date(out, i64::from(days));
            out.push(b'T');
            scalar::time(out, ticks, 7);
        }
        Cell::DateTimeOffset { days, ticks, offset } => {
            scalar::date(out, i64::from(days));
            out.push(b'T');
            scalar::time(out, ticks, 7);
            out.extend_from_slice(if offset < 0 { b"Z" } else { b"Z+" });
            scalar::integer(out, i64::from(offset));
        }
        Cell::SmallDateTime { days, minutes } => {
            scalar::date(out, i64::from(days) + scalar::DAYS_TO_1900);
            out.push(b'T');
            scalar::hours(out, u32::from(minutes));
        }
        Cell::DateTime { days, ticks } => {
            scalar::date(out, i64::from(days) + scalar::DAYS_TO_1900);
            out.push(b'T');
            scalar::integer(out, i64::from(ticks));
        }
        Cell::Guid(bytes) => scalar::guid(out, &bytes),
        Cell::Text(bytes) => escape(out, bytes),
        Cell::Binary(bytes) | Cell::Variant(bytes) => {
            out.extend_from_slice(b"0x");
            scalar::hex(out, bytes);
        }
    }
    out.push(b'"');
}

/// UTF-16LE as the inside of a JSON string, ASCII only.
fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    for unit in bytes.chunks_exact(2) {
        match (unit[0], unit[1]) {
            (b'"', 0) => out.extend_from_slice(b"\\\""),
            (b'\\', 0) => out.extend_from_slice(b"\\\\"),
            (b'\n', 0) => out.extend_from_slice(b"\\n"),
            (b'\r', 0) => out.extend_from_slice(b"\\r"),
            (b'\t', 0) => out.extend_from_slice(b"\\t"),
            (8, 0) => out.extend_from_slice(b"\\b"),
            (12, 0) => out.extend_from_slice(b"\\f"),
            (ascii @ 0x20..=0x7E, 0) => out.push(ascii),
            (low, high) => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digit = |n: u8| DIGITS[usize::from(n & 15)];
                out.extend_from_slice(&[b'\\', b'u', digit(high >> 4), digit(high), digit(low >> 4), digit(low)]);
            }
        }
    }
}
