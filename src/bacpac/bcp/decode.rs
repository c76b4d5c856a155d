//! Bytes → cells. Fed chunk by chunk, memory bounded by one small value, no allocation per cell.
//!
//! The fast path reads cells straight from the chunk. A cell that the chunk cuts is carried over in a small buffer and
//! completed from the next one; a value above [`WHOLE`] bytes that is cut goes to the sink in pieces instead.

use std::sync::Arc;

use super::variant::{u24, u40};
use super::{BcpError, Cell, Fault, LobKind, Place, RowSink, parse_variant, ranges};
use crate::bacpac::plan::{BcpType, CharUtf8, ColumnPlan, Framing, TablePlan};

/// A value of at most so many bytes is always given whole, whatever the chunks are.
pub const WHOLE: usize = 64 * 1024;

/// Nothing in SQL Server is longer than 2^31 - 1 bytes or UTF-16 units of two bytes each.
const LONGEST: u64 = 2 * (i32::MAX as u64);
/// A variant holds 8,000 bytes of data (twice as many as UTF-16 never stands in it), its header and properties.
const LONGEST_VARIANT: u64 = 8_000 + 2 + 7 + 3;
/// The length that announces chunks.
const CHUNKED: u64 = u64::MAX - 1;

/// What the inner loop needs of a column.
#[derive(Debug, Clone, Copy)]
struct Column {
    ty: BcpType,
    framing: Framing,
    nullable: bool,
    precision: u8,
    scale: u8,
    /// The most bytes behind a two-byte length.
    limit: u32,
    /// Bytes in UTF-8 that a char of a UTF-8 collation has at most; 0 for every other column.
    utf8: u16,
}

impl Column {
    fn of(c: &ColumnPlan, char_utf8: CharUtf8) -> Self {
        Column {
            ty: c.ty,
            framing: c.framing(char_utf8),
            nullable: c.nullable,
            precision: c.precision,
            scale: c.scale,
            limit: c.max_bytes().unwrap_or(u32::MAX),
            utf8: if c.ty == BcpType::Char && c.is_utf8() { c.length.min(8000) as u16 } else { 0 },
        }
    }
}

/// Decodes one part (or any run of whole rows) of a table.
///
/// After an error the decoder is of no further use.
#[derive(Debug)]
pub struct Decoder {
    plan: Arc<TablePlan>,
    part: String,
    columns: Vec<Column>,
    state: State,
    /// The column that comes next.
    next: usize,
    rows: u64,
    /// Bytes of the part before the present chunk.
    base: u64,
    /// The beginning of a cell (or of a chunk's length) that the last chunk cut.
    carry: Vec<u8>,
    /// The first half of a UTF-16 unit that a piece cut.
    half: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// At a cell.
    Cells,
    /// Inside a large value with so many bytes to come.
    Lob { left: u64 },
    /// At the length of a chunk, after so many bytes of the value.
    ChunkLength { total: u64 },
    /// Inside a chunk.
    Chunk { left: u64, total: u64 },
}

enum Step<'a> {
    /// A cell and the bytes it took.
    Cell(Cell<'a>, usize),
    /// So many bytes from the cell's start are needed to go on.
    Need(usize),
    /// A large value: bytes of its header, its length.
    Long(usize, u64),
    /// A value in chunks follows the eight bytes.
    Chunked,
}

impl Decoder {
    /// A decoder at the first byte of a part; `part` names it in errors.
    pub fn new(plan: Arc<TablePlan>, part: impl Into<String>) -> Self {
        Self::with_char_utf8(plan, part, CharUtf8::default())
    }

    /// The same, with the reading of NOT NULL char columns of UTF-8 collations chosen.
    pub fn with_char_utf8(plan: Arc<TablePlan>, part: impl Into<String>, char_utf8: CharUtf8) -> Self {
        let columns = plan.columns.iter().map(|c| Column::of(c, char_utf8)).collect();
        Decoder {
            plan,
            part: part.into(),
            columns,
            state: State::Cells,
            next: 0,
            rows: 0,
            base: 0,
            carry: Vec::new(),
            half: None,
        }
    }

    /// Complete rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes fed so far.
    pub fn offset(&self) -> u64 {
        self.base
    }

    /// Decodes the next bytes of the part; every check there is runs, whatever the sink does with the cells.
    pub fn feed<S: RowSink>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), S::Error> {
        self.run(chunk, sink)
    }

    /// The part is over: it must end with a row. Gives the number of rows.
    pub fn finish(&self) -> Result<u64, BcpError> {
        let missing = match self.state {
            State::Cells if self.next == 0 && self.carry.is_empty() => return Ok(self.rows),
            State::Cells if self.carry.is_empty() => 1,
            State::Cells => match decode(&self.columns[self.next], &self.carry) {
                Ok(Step::Need(n)) => (n - self.carry.len()) as u64,
                _ => 1,
            },
            State::Lob { left } => left,
            State::ChunkLength { .. } => 4 - self.carry.len().min(3) as u64,
            State::Chunk { left, .. } => left + 4,
        };
        Err(self.fail(0, Fault::Truncated { missing }))
    }

    /// An error at the present cell, `into` bytes into the present chunk.
    #[cold]
    fn fail(&self, into: usize, fault: Fault) -> BcpError {
        let column = self.plan.columns.get(self.next).map(|c| c.name.clone());
        BcpError {
            place: Box::new(Place {
                part: self.part.clone(),
                offset: (self.base + into as u64).saturating_sub(self.carry.len() as u64),
                row: self.rows,
                column,
            }),
            fault: Box::new(fault),
        }
    }

    fn run<S: RowSink>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), S::Error> {
        if self.columns.is_empty() && !chunk.is_empty() {
            return Err(self.fail(0, Fault::ShortRow { found: 0, expected: 0 }).into());
        }
        let mut at = 0;
        while at < chunk.len() {
            at = match self.state {
                State::Cells if self.carry.is_empty() => self.cells(chunk, at, sink)?,
                State::Cells => self.carried(chunk, at, sink)?,
                State::Lob { left } => {
                    let n = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len() - at);
                    self.piece(&chunk[at..at + n], sink)?;
                    if left == n as u64 {
                        self.lob_end(sink)?;
                    } else {
                        self.state = State::Lob { left: left - n as u64 };
                    }
                    at + n
                }
                State::ChunkLength { total } => self.chunk_length(chunk, at, total, sink)?,
                State::Chunk { left, total } => {
                    let n = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len() - at);
                    self.piece(&chunk[at..at + n], sink)?;
                    self.state = if left == n as u64 {
                        State::ChunkLength { total }
                    } else {
                        State::Chunk { left: left - n as u64, total }
                    };
                    at + n
                }
            };
        }
        self.base += chunk.len() as u64;
        Ok(())
    }

    /// The fast path: cells that lie whole in the chunk. Stops at its end, at a cut cell or at a large value.
    fn cells<S: RowSink>(&mut self, chunk: &[u8], mut at: usize, sink: &mut S) -> Result<usize, S::Error> {
        let mut next = self.next;
        let mut rows = self.rows;
        while at < chunk.len() {
            let column = &self.columns[next];
            match decode(column, &chunk[at..]) {
                Ok(Step::Cell(cell, used)) => {
                    sink.cell(next, cell)?;
                    at += used;
                    next += 1;
                    if next == self.columns.len() {
                        next = 0;
                        rows += 1;
                        sink.row_end()?;
                    }
                }
                Ok(Step::Need(_)) => {
                    (self.next, self.rows) = (next, rows);
                    self.carry.extend_from_slice(&chunk[at..]);
                    return Ok(chunk.len());
                }
                Ok(Step::Long(header, length)) => {
                    (self.next, self.rows) = (next, rows);
                    self.lob_start(Some(length), sink)?;
                    return Ok(at + header);
                }
                Ok(Step::Chunked) => {
                    (self.next, self.rows) = (next, rows);
                    self.lob_start(None, sink)?;
                    return Ok(at + 8);
                }
                Err(fault) => {
                    (self.next, self.rows) = (next, rows);
                    return Err(self.fail(at, fault).into());
                }
            }
        }
        (self.next, self.rows) = (next, rows);
        Ok(at)
    }

    /// Completes the cell that the last chunk cut.
    fn carried<S: RowSink>(&mut self, chunk: &[u8], mut at: usize, sink: &mut S) -> Result<usize, S::Error> {
        loop {
            let carry = std::mem::take(&mut self.carry);
            match decode(&self.columns[self.next], &carry) {
                Ok(Step::Need(n)) => {
                    self.carry = carry;
                    let take = (n - self.carry.len()).min(chunk.len() - at);
                    if take == 0 {
                        return Ok(at);
                    }
                    self.carry.extend_from_slice(&chunk[at..at + take]);
                    at += take;
                }
                Ok(Step::Cell(cell, _)) => {
                    sink.cell(self.next, cell)?;
                    self.keep_allocation(carry);
                    self.advance(sink)?;
                    return Ok(at);
                }
                Ok(Step::Long(_, length)) => {
                    self.keep_allocation(carry);
                    self.lob_start(Some(length), sink)?;
                    return Ok(at);
                }
                Ok(Step::Chunked) => {
                    self.keep_allocation(carry);
                    self.lob_start(None, sink)?;
                    return Ok(at);
                }
                Err(fault) => {
                    self.carry = carry;
                    return Err(self.fail(at, fault).into());
                }
            }
        }
    }

    fn keep_allocation(&mut self, mut carry: Vec<u8>) {
        carry.clear();
        self.carry = carry;
    }

    /// To the next column, or to the next row.
    fn advance<S: RowSink>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        self.next += 1;
        if self.next == self.columns.len() {
            self.next = 0;
            self.rows += 1;
            sink.row_end()?;
        }
        Ok(())
    }

    fn lob_start<S: RowSink>(&mut self, length: Option<u64>, sink: &mut S) -> Result<(), S::Error> {
        self.state = match length {
            Some(left) => State::Lob { left },
            None => State::ChunkLength { total: 0 },
        };
        let kind = if self.columns[self.next].ty.is_text() { LobKind::Text } else { LobKind::Binary };
        sink.lob_start(self.next, kind, length)
    }

    fn lob_end<S: RowSink>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        self.state = State::Cells;
        sink.lob_end(self.next)?;
        self.advance(sink)
    }

    /// Hands a piece on; text is cut between UTF-16 units only.
    fn piece<S: RowSink>(&mut self, mut piece: &[u8], sink: &mut S) -> Result<(), S::Error> {
        if !self.columns[self.next].ty.is_text() {
            return if piece.is_empty() { Ok(()) } else { sink.lob_piece(self.next, piece) };
        }
        if let (Some(low), [high, rest @ ..]) = (self.half, piece) {
            self.half = None;
            sink.lob_piece(self.next, &[low, *high])?;
            piece = rest;
        }
        if !piece.len().is_multiple_of(2) {
            self.half = piece.last().copied();
            piece = &piece[..piece.len() - 1];
        }
        if piece.is_empty() { Ok(()) } else { sink.lob_piece(self.next, piece) }
    }

    fn chunk_length<S: RowSink>(
        &mut self,
        chunk: &[u8],
        at: usize,
        total: u64,
        sink: &mut S,
    ) -> Result<usize, S::Error> {
        let take = (4 - self.carry.len()).min(chunk.len() - at);
        self.carry.extend_from_slice(&chunk[at..at + take]);
        let at = at + take;
        let &[a, b, c, d] = self.carry.as_slice() else { return Ok(at) };
        let length = i32::from_le_bytes([a, b, c, d]);
        let Ok(left) = u64::try_from(length) else { return Err(self.fail(at, Fault::Chunk(length)).into()) };
        let total = total + left;
        if total > LONGEST {
            return Err(self.fail(at, Fault::TooLong { found: total, limit: LONGEST }).into());
        }
        self.carry.clear();
        if left > 0 {
            self.state = State::Chunk { left, total };
            return Ok(at);
        }
        if !total.is_multiple_of(2) && self.columns[self.next].ty.is_text() {
            return Err(self.fail(at, Fault::OddText { found: total }).into());
        }
        self.lob_end(sink)?;
        Ok(at)
    }
}

/// One cell from the start of `bytes`, which may be cut anywhere.
#[inline(always)]
fn decode<'a>(column: &Column, bytes: &'a [u8]) -> Result<Step<'a>, Fault> {
    let (payload, used): (&'a [u8], usize) = match column.framing {
        Framing::Bare(width) => {
            let width = usize::from(width);
            match bytes.get(..width) {
                Some(payload) => (payload, width),
                None => return Ok(Step::Need(width)),
            }
        }
        Framing::Counted(width) => {
            let Some(&length) = bytes.first() else { return Ok(Step::Need(1)) };
            if length == 0xFF {
                return null(column, 1);
            }
            if length != width {
                return Err(Fault::Length { found: u64::from(length), expected: u64::from(width) });
            }
            let used = usize::from(width) + 1;
            match bytes.get(1..used) {
                Some(payload) => (payload, used),
                None => return Ok(Step::Need(used)),
            }
        }
        Framing::Length2 => {
            let Some(&[a, b]) = bytes.first_chunk() else { return Ok(Step::Need(2)) };
            let length = u16::from_le_bytes([a, b]);
            if length == 0xFFFF {
                return null(column, 2);
            }
            if u32::from(length) > column.limit {
                return Err(Fault::TooLong { found: u64::from(length), limit: u64::from(column.limit) });
            }
            if column.ty == BcpType::RowVersion && length != 8 {
                // DacFx writes a NULL rowversion as length 0; no rowversion is empty.
                return match length {
                    0 => null(column, 2),
                    n => Err(Fault::Length { found: u64::from(n), expected: 8 }),
                };
            }
            let used = usize::from(length) + 2;
            match bytes.get(2..used) {
                Some(payload) => (payload, used),
                None => return Ok(Step::Need(used)),
            }
        }
        Framing::Length4 => {
            let Some(&head) = bytes.first_chunk::<4>() else { return Ok(Step::Need(4)) };
            let length = u32::from_le_bytes(head);
            if length == u32::MAX {
                return null(column, 4);
            }
            match large(column, bytes, 4, u64::from(length))? {
                Ok(whole) => whole,
                Err(step) => return Ok(step),
            }
        }
        Framing::Length8 => {
            let Some(&head) = bytes.first_chunk::<8>() else { return Ok(Step::Need(8)) };
            let length = u64::from_le_bytes(head);
            if length == u64::MAX {
                return null(column, 8);
            }
            if length == CHUNKED {
                return Ok(Step::Chunked);
            }
            match large(column, bytes, 8, length)? {
                Ok(whole) => whole,
                Err(step) => return Ok(step),
            }
        }
        Framing::Variant => {
            let Some(&head) = bytes.first_chunk::<4>() else { return Ok(Step::Need(4)) };
            let length = u32::from_le_bytes(head);
            if length == 0 || length == u32::MAX {
                return null(column, 4);
            }
            if u64::from(length) > LONGEST_VARIANT {
                return Err(Fault::TooLong { found: u64::from(length), limit: LONGEST_VARIANT });
            }
            let used = length as usize + 4;
            match bytes.get(4..used) {
                Some(payload) => (payload, used),
                None => return Ok(Step::Need(used)),
            }
        }
    };
    Ok(Step::Cell(value(column, payload)?, used))
}

#[inline(always)]
fn null<'a>(column: &Column, used: usize) -> Result<Step<'a>, Fault> {
    if column.nullable { Ok(Step::Cell(Cell::Null, used)) } else { Err(Fault::Null) }
}

/// A value behind a large length: whole if it is small or if all of it is there.
#[inline(always)]
fn large<'a>(
    column: &Column,
    bytes: &'a [u8],
    header: usize,
    length: u64,
) -> Result<Result<(&'a [u8], usize), Step<'a>>, Fault> {
    if length > LONGEST {
        return Err(Fault::TooLong { found: length, limit: LONGEST });
    }
    if !length.is_multiple_of(2) && column.ty.is_text() {
        return Err(Fault::OddText { found: length });
    }
    let used = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(header);
    Ok(match bytes.get(header..used) {
        Some(payload) => Ok((payload, used)),
        None if length <= WHOLE as u64 => Err(Step::Need(used)),
        None => Err(Step::Long(header, length)),
    })
}

/// The cell in a payload of the right size.
#[inline(always)]
fn value<'a>(column: &Column, b: &'a [u8]) -> Result<Cell<'a>, Fault> {
    use BcpType::*;
    Ok(match column.ty {
        Bit => match b[0] {
            v @ 0..=1 => Cell::Bit(v == 1),
            v => return Err(Fault::Bit(v)),
        },
        TinyInt => Cell::TinyInt(b[0]),
        SmallInt => Cell::SmallInt(i16::from_le_bytes([b[0], b[1]])),
        Int => Cell::Int(i32::from_le_bytes(four(b))),
        BigInt => Cell::BigInt(i64::from_le_bytes(eight(b))),
        Real => Cell::Real(u32::from_le_bytes(four(b))),
        Float => Cell::Float(u64::from_le_bytes(eight(b))),
        SmallMoney => Cell::SmallMoney(i32::from_le_bytes(four(b))),
        // The high word first, each word little-endian.
        Money => Cell::Money(u64::from_le_bytes(eight(b)).rotate_left(32).cast_signed()),
        Decimal | Numeric => {
            let &[precision, scale, sign, ref magnitude @ ..] =
                b.first_chunk::<19>().ok_or(Fault::Length { found: b.len() as u64, expected: 19 })?;
            if (precision, scale) != (column.precision, column.scale) {
                return Err(Fault::DecimalHeader {
                    found_precision: precision,
                    found_scale: scale,
                    precision: column.precision,
                    scale: column.scale,
                });
            }
            if sign > 1 {
                return Err(Fault::DecimalSign(sign));
            }
            let magnitude = u128::from_le_bytes(*magnitude);
            ranges::decimal(magnitude, precision)?;
            Cell::Decimal { negative: sign == 0, magnitude }
        }
        Date => {
            let days = u24(b);
            ranges::date(days)?;
            Cell::Date(days)
        }
        Time => {
            let ticks = u40(b);
            ranges::time(ticks, column.scale)?;
            Cell::Time(ticks)
        }
        DateTime2 => {
            let (ticks, days) = (u40(b), u24(&b[5..]));
            ranges::time(ticks, column.scale)?;
            ranges::date(days)?;
            Cell::DateTime2 { days, ticks }
        }
        DateTimeOffset => {
            let (ticks, days, offset) = (u40(b), u24(&b[5..]), i16::from_le_bytes([b[8], b[9]]));
            ranges::time(ticks, column.scale)?;
            ranges::date(days)?;
            ranges::offset(offset)?;
            Cell::DateTimeOffset { days, ticks, offset }
        }
        SmallDateTime => {
            let minutes = u16::from_le_bytes([b[2], b[3]]);
            ranges::minutes(minutes)?;
            Cell::SmallDateTime { days: u16::from_le_bytes([b[0], b[1]]), minutes }
        }
        DateTime => {
            let (days, ticks) = (i32::from_le_bytes(four(b)), u32::from_le_bytes(four(&b[4..])));
            ranges::datetime(days, ticks)?;
            Cell::DateTime { days, ticks }
        }
        UniqueIdentifier => {
            let bytes = b.first_chunk::<16>().ok_or(Fault::Length { found: b.len() as u64, expected: 16 })?;
            Cell::Guid(*bytes)
        }
        Char | VarChar | NChar | NVarChar | VarCharMax | NVarCharMax | Text | NText | Xml | Json => {
            if !b.len().is_multiple_of(2) {
                return Err(Fault::OddText { found: b.len() as u64 });
            }
            Cell::Text(if column.utf8 == 0 { b } else { without_padding(b, usize::from(column.utf8)) })
        }
        Binary | VarBinary | VarBinaryMax | Image | RowVersion | HierarchyId | Geometry | Geography | Clr | Vector => {
            Cell::Binary(b)
        }
        Variant => {
            parse_variant(b)?;
            Cell::Variant(b)
        }
    })
}

#[inline(always)]
fn four(b: &[u8]) -> [u8; 4] {
    [b[0], b[1], b[2], b[3]]
}

#[inline(always)]
fn eight(b: &[u8]) -> [u8; 8] {
    [b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]
}

/// A char(n) of a UTF-8 collation has n bytes, so at most n UTF-16 units; the stream pads it to n units. The blanks that
/// make it longer than n bytes are that padding and no part of the value.
fn without_padding(units: &[u8], limit: usize) -> &[u8] {
    let text = char::decode_utf16(units.chunks_exact(2).map(|u| u16::from_le_bytes([u[0], u[1]])));
    let length: usize = text.map(|c| c.map_or(3, char::len_utf8)).sum();
    let mut rest = units;
    for _ in limit..length {
        match rest {
            [before @ .., b' ', 0] => rest = before,
            _ => break,
        }
    }
    rest
}

/// The value of a fixed-size type from its bare payload, as a sql_variant holds it.
pub(crate) fn bare_cell<'a>(plan: &ColumnPlan, payload: &'a [u8]) -> Option<Cell<'a>> {
    if plan.ty.width().map(usize::from) != Some(payload.len()) {
        return None;
    }
    value(&Column::of(plan, CharUtf8::default()), payload).ok()
}
