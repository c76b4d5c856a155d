//! Cells → bytes, into one growing buffer. Every cell is checked against its column before a byte of it is written.

use std::sync::Arc;

use super::{BcpError, Cell, Fault, LobKind, Place, RowSink, parse_variant, ranges};
use crate::bacpac::plan::{BcpType, CharUtf8, ColumnPlan, Framing, TablePlan};

/// The length that announces chunks.
const CHUNKED: u64 = u64::MAX - 1;
/// The most bytes of one chunk that are announced at once.
const LONGEST_CHUNK: usize = 1 << 30;
/// Nothing is longer (see the decoder).
const LONGEST: u64 = 2 * (i32::MAX as u64);

/// Encodes rows of a table. The buffer grows until [`Encoder::take`] empties it, which may be done between rows, and
/// inside a large value too ([`Encoder::take_open`]).
#[derive(Debug)]
pub struct Encoder {
    plan: Arc<TablePlan>,
    columns: Vec<Column>,
    buffer: Vec<u8>,
    next: usize,
    rows: u64,
    row_start: usize,
    lob: Option<Lob>,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    ty: BcpType,
    framing: Framing,
    nullable: bool,
    precision: u8,
    scale: u8,
    limit: u32,
    utf8: bool,
}

/// The large value that is being written.
#[derive(Debug, Clone, Copy)]
struct Lob {
    given: u64,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The length stands already.
    Announced(u64),
    /// The length is filled in at this place of the buffer when the value ends: so many bytes of it.
    Reserved(usize, u8),
    /// Chunks: the value was too large to wait for its length.
    Chunks,
}

impl Encoder {
    /// An encoder with an empty buffer.
    pub fn new(plan: Arc<TablePlan>) -> Self {
        let columns = plan.columns.iter().map(Column::of).collect();
        Encoder { plan, columns, buffer: Vec::new(), next: 0, rows: 0, row_start: 0, lob: None }
    }

    /// The plan the encoder follows.
    pub fn plan(&self) -> &Arc<TablePlan> {
        &self.plan
    }

    /// What is encoded and not taken yet.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Complete rows so far, taken ones included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many of the bytes are whole rows; the rest belongs to the row that is being written.
    pub fn whole(&self) -> usize {
        self.row_start
    }

    /// At the start of a row.
    pub fn at_row(&self) -> bool {
        self.next == 0 && self.lob.is_none()
    }

    /// Whether [`Encoder::take_open`] would work: not inside a text, ntext or image whose length is not known yet.
    pub fn can_open(&self) -> bool {
        !matches!(self.lob, Some(Lob { form: Form::Reserved(_, 4), .. }))
    }

    /// Takes the whole rows out of the buffer and leaves `replacement` (emptied) in its place, so that allocations go
    /// round. Bytes of a row begun stay.
    pub fn take(&mut self, mut replacement: Vec<u8>) -> Vec<u8> {
        replacement.clear();
        replacement.extend_from_slice(&self.buffer[self.row_start..]);
        let mut taken = std::mem::replace(&mut self.buffer, replacement);
        taken.truncate(self.row_start);
        if let Some(Lob { form: Form::Reserved(at, _), .. }) = &mut self.lob {
            *at -= self.row_start;
        }
        self.row_start = 0;
        taken
    }

    /// Takes everything out of the buffer, in the middle of a row and of a large value. A value whose length is not
    /// known yet is written in chunks from then on.
    pub fn take_open(&mut self, mut replacement: Vec<u8>) -> Result<Vec<u8>, BcpError> {
        if let Some(Lob { form: Form::Reserved(at, width), given }) = self.lob {
            if width != 8 {
                // text, ntext and image have no chunks: such a value needs its length beforehand.
                return Err(self.fail(Fault::LobLength(given, 0)));
            }
            let chunk = i32::try_from(given).map_err(|_| self.fail(Fault::LobLength(given, 0)))?;
            self.buffer[at..at + 8].copy_from_slice(&CHUNKED.to_le_bytes());
            if chunk > 0 {
                self.buffer.splice(at + 8..at + 8, chunk.to_le_bytes());
            }
            self.lob = Some(Lob { form: Form::Chunks, given });
        }
        replacement.clear();
        self.row_start = 0;
        Ok(std::mem::replace(&mut self.buffer, replacement))
    }

    #[cold]
    fn fail(&self, fault: Fault) -> BcpError {
        BcpError {
            place: Box::new(Place {
                part: self.plan.to_string(),
                offset: self.buffer.len() as u64,
                row: self.rows,
                column: self.plan.columns.get(self.next).map(|c| c.name.clone()),
            }),
            fault: Box::new(fault),
        }
    }

    #[cold]
    fn misfit(&self, cell: Cell<'_>) -> BcpError {
        let expected = self.plan.columns.get(self.next).map_or("none", |c| c.ty.sql_name());
        self.fail(Fault::CellType { found: name_of(cell), expected })
    }

    #[cold]
    fn order(&self, found: usize) -> BcpError {
        self.fail(Fault::ColumnOrder { found, expected: self.next })
    }

    /// Prefix and payload of a fixed-size value.
    #[inline(always)]
    fn fixed<const N: usize>(&mut self, framing: Framing, payload: [u8; N]) {
        // One look at the buffer's room a cell, not two.
        self.buffer.reserve(1 + N);
        if let Framing::Counted(width) = framing {
            self.buffer.push(width);
        }
        self.buffer.extend_from_slice(&payload);
    }

    /// Prefix and bytes of a text or binary value.
    #[inline(always)]
    fn counted(&mut self, column: Column, bytes: &[u8]) -> Result<(), Fault> {
        let length = bytes.len();
        match column.framing {
            Framing::Length2 => {
                if length > column.limit as usize {
                    return Err(Fault::TooLong { found: length as u64, limit: u64::from(column.limit) });
                }
                if column.ty == BcpType::RowVersion && length != 8 {
                    return Err(Fault::Length { found: length as u64, expected: 8 });
                }
                // All ones are NULL's; the limit is below them.
                let short = u16::try_from(length)
                    .map_err(|_| Fault::TooLong { found: length as u64, limit: u64::from(column.limit) })?;
                self.buffer.extend_from_slice(&short.to_le_bytes());
            }
            Framing::Bare(width) => {
                // The stream wants n units; the n bytes of a UTF-8 collation may be fewer. Its readers take the
                // blanks off again.
                if column.utf8 && length < usize::from(width) {
                    self.buffer.extend_from_slice(bytes);
                    let padding = std::iter::repeat_n(*b" \0", (usize::from(width) - length) / 2);
                    self.buffer.extend(padding.flatten());
                    return Ok(());
                }
                if length != usize::from(width) {
                    return Err(Fault::Length { found: length as u64, expected: u64::from(width) });
                }
            }
            Framing::Length4 => {
                let length = u32::try_from(length)
                    .ok()
                    .filter(|n| *n < u32::MAX)
                    .ok_or(Fault::TooLong { found: length as u64, limit: u64::from(u32::MAX - 1) })?;
                self.buffer.extend_from_slice(&length.to_le_bytes());
            }
            _ => {
                if length as u64 > LONGEST {
                    return Err(Fault::TooLong { found: length as u64, limit: LONGEST });
                }
                self.buffer.extend_from_slice(&(length as u64).to_le_bytes());
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    #[inline(always)]
    fn null(&mut self, column: Column) -> Result<(), Fault> {
        if !column.nullable {
            return Err(Fault::Null);
        }
        match column.framing {
            Framing::Counted(_) => self.buffer.push(0xFF),
            // As DacFx writes it; every reader takes it for NULL or for an empty value, none for another value.
            Framing::Length2 if column.ty == BcpType::RowVersion => self.buffer.extend_from_slice(&[0; 2]),
            Framing::Length2 => self.buffer.extend_from_slice(&[0xFF; 2]),
            Framing::Length4 => self.buffer.extend_from_slice(&[0xFF; 4]),
            Framing::Length8 => self.buffer.extend_from_slice(&[0xFF; 8]),
            Framing::Variant => self.buffer.extend_from_slice(&[0; 4]),
            // A nullable column is never bare.
            Framing::Bare(_) => return Err(Fault::Null),
        }
        Ok(())
    }

    /// [`RowSink::cell`], inside its caller: where the kind of the cell is known there, nothing is left of the choice
    /// between kinds.
    #[inline(always)]
    pub(crate) fn put_cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), BcpError> {
        if column != self.next || self.lob.is_some() {
            return Err(self.order(column));
        }
        let Some(&plan) = self.columns.get(column) else { return Err(self.order(column)) };
        match self.put(plan, cell) {
            Ok(true) => {
                self.next += 1;
                Ok(())
            }
            Ok(false) => Err(self.misfit(cell)),
            Err(fault) => Err(self.fail(fault)),
        }
    }

    #[inline(always)]
    fn put(&mut self, column: Column, cell: Cell<'_>) -> Result<bool, Fault> {
        use BcpType as T;
        let f = column.framing;
        match (cell, column.ty) {
            (Cell::Null, _) => self.null(column)?,
            (Cell::Int(v), T::Int) => self.fixed(f, v.to_le_bytes()),
            (Cell::BigInt(v), T::BigInt) => self.fixed(f, v.to_le_bytes()),
            (Cell::SmallInt(v), T::SmallInt) => self.fixed(f, v.to_le_bytes()),
            (Cell::TinyInt(v), T::TinyInt) => self.fixed(f, [v]),
            (Cell::Bit(v), T::Bit) => self.fixed(f, [u8::from(v)]),
            (Cell::Real(v), T::Real) => self.fixed(f, v.to_le_bytes()),
            (Cell::Float(v), T::Float) => self.fixed(f, v.to_le_bytes()),
            (Cell::SmallMoney(v), T::SmallMoney) => self.fixed(f, v.to_le_bytes()),
            (Cell::Money(v), T::Money) => self.fixed(f, v.cast_unsigned().rotate_left(32).to_le_bytes()),
            (Cell::Decimal { negative, magnitude }, T::Decimal | T::Numeric) => {
                ranges::decimal(magnitude, column.precision)?;
                let mut bytes = [0; 20];
                bytes[..4].copy_from_slice(&[19, column.precision, column.scale, u8::from(!negative)]);
                bytes[4..].copy_from_slice(&magnitude.to_le_bytes());
                self.buffer.extend_from_slice(&bytes);
            }
            (Cell::Date(days), T::Date) => {
                ranges::date(days)?;
                let [a, b, c, _] = days.to_le_bytes();
                self.fixed(f, [a, b, c]);
            }
            (Cell::Time(ticks), T::Time) => {
                ranges::time(ticks, column.scale)?;
                let [a, b, c, d, e, ..] = ticks.to_le_bytes();
                self.fixed(f, [a, b, c, d, e]);
            }
            (Cell::DateTime2 { days, ticks }, T::DateTime2) => {
                ranges::time(ticks, column.scale)?;
                ranges::date(days)?;
                self.fixed(f, (ticks | u64::from(days) << 40).to_le_bytes());
            }
            (Cell::DateTimeOffset { days, ticks, offset }, T::DateTimeOffset) => {
                ranges::time(ticks, column.scale)?;
                ranges::date(days)?;
                ranges::offset(offset)?;
                let [a, b, c, d, e, g, h, i] = (ticks | u64::from(days) << 40).to_le_bytes();
                let [j, k] = offset.to_le_bytes();
                self.fixed(f, [a, b, c, d, e, g, h, i, j, k]);
            }
            (Cell::SmallDateTime { days, minutes }, T::SmallDateTime) => {
                ranges::minutes(minutes)?;
                self.fixed(f, (u32::from(days) | u32::from(minutes) << 16).to_le_bytes());
            }
            (Cell::DateTime { days, ticks }, T::DateTime) => {
                ranges::datetime(days, ticks)?;
                self.fixed(f, (u64::from(days.cast_unsigned()) | u64::from(ticks) << 32).to_le_bytes());
            }
            (Cell::Guid(v), T::UniqueIdentifier) => self.fixed(f, v),
            (Cell::Text(bytes), ty) if ty.is_text() => {
                if !bytes.len().is_multiple_of(2) {
                    return Err(Fault::OddText { found: bytes.len() as u64 });
                }
                self.counted(column, bytes)?;
            }
            (Cell::Binary(bytes), ty) if ty.is_binary() => self.counted(column, bytes)?,
            (Cell::Variant(payload), T::Variant) => {
                parse_variant(payload)?.whole(payload)?;
                let length = u32::try_from(payload.len())
                    .map_err(|_| Fault::TooLong { found: payload.len() as u64, limit: u64::from(u32::MAX) })?;
                self.buffer.extend_from_slice(&length.to_le_bytes());
                self.buffer.extend_from_slice(payload);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Column {
    fn of(c: &ColumnPlan) -> Self {
        Column {
            ty: c.ty,
            framing: c.framing(CharUtf8::default()),
            nullable: c.nullable,
            precision: c.precision,
            scale: c.scale,
            limit: c.max_bytes().unwrap_or(u32::MAX).min(0xFFFE),
            utf8: c.is_utf8(),
        }
    }
}

impl RowSink for Encoder {
    type Error = BcpError;

    #[inline]
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), BcpError> {
        self.put_cell(column, cell)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), BcpError> {
        if column != self.next || self.lob.is_some() {
            return Err(self.order(column));
        }
        let Some(&plan) = self.columns.get(column) else { return Err(self.order(column)) };
        let fits = match kind {
            LobKind::Text => plan.ty.is_text(),
            LobKind::Binary => plan.ty.is_binary(),
        };
        let width = match plan.framing {
            Framing::Length4 if fits => 4,
            Framing::Length8 if fits => 8,
            _ => return Err(self.misfit(if kind == LobKind::Text { Cell::Text(&[]) } else { Cell::Binary(&[]) })),
        };
        let limit = if width == 4 { u64::from(u32::MAX - 1) } else { LONGEST };
        if let Some(found) = length.filter(|n| *n > limit) {
            return Err(self.fail(Fault::TooLong { found, limit }));
        }
        if let Some(found) = length.filter(|n| kind == LobKind::Text && !n.is_multiple_of(2)) {
            return Err(self.fail(Fault::OddText { found }));
        }
        let form = match length {
            Some(n) => Form::Announced(n),
            None => Form::Reserved(self.buffer.len(), width),
        };
        self.buffer.extend_from_slice(&length.unwrap_or(0).to_le_bytes()[..usize::from(width)]);
        self.lob = Some(Lob { given: 0, form });
        Ok(())
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), BcpError> {
        if column != self.next {
            return Err(self.order(column));
        }
        let Some(mut lob) = self.lob else { return Err(self.fail(Fault::LobClosed)) };
        lob.given += piece.len() as u64;
        match lob.form {
            Form::Announced(n) if lob.given > n => return Err(self.fail(Fault::LobLength(lob.given, n))),
            _ if lob.given > LONGEST => {
                return Err(self.fail(Fault::TooLong { found: lob.given, limit: LONGEST }));
            }
            Form::Chunks => {
                for chunk in piece.chunks(LONGEST_CHUNK) {
                    self.buffer.extend_from_slice(&(chunk.len() as i32).to_le_bytes());
                    self.buffer.extend_from_slice(chunk);
                }
            }
            _ => self.buffer.extend_from_slice(piece),
        }
        self.lob = Some(lob);
        Ok(())
    }

    fn lob_end(&mut self, column: usize) -> Result<(), BcpError> {
        if column != self.next {
            return Err(self.order(column));
        }
        let Some(lob) = self.lob else { return Err(self.fail(Fault::LobClosed)) };
        if !lob.given.is_multiple_of(2) && self.columns[column].ty.is_text() {
            return Err(self.fail(Fault::OddText { found: lob.given }));
        }
        match lob.form {
            Form::Announced(n) if n != lob.given => return Err(self.fail(Fault::LobLength(lob.given, n))),
            Form::Announced(_) => {}
            Form::Reserved(at, width) => {
                let limit = if width == 4 { u64::from(u32::MAX - 1) } else { LONGEST };
                if lob.given > limit {
                    return Err(self.fail(Fault::TooLong { found: lob.given, limit }));
                }
                let width = usize::from(width);
                self.buffer[at..at + width].copy_from_slice(&lob.given.to_le_bytes()[..width]);
            }
            Form::Chunks => self.buffer.extend_from_slice(&[0; 4]),
        }
        self.lob = None;
        self.next += 1;
        Ok(())
    }

    #[inline]
    fn row_end(&mut self) -> Result<(), BcpError> {
        if self.lob.is_some() {
            return Err(self.fail(Fault::LobOpen));
        }
        if self.next != self.columns.len() {
            return Err(self.fail(Fault::ShortRow { found: self.next, expected: self.columns.len() }));
        }
        self.next = 0;
        self.rows += 1;
        self.row_start = self.buffer.len();
        Ok(())
    }
}

fn name_of(cell: Cell<'_>) -> &'static str {
    match cell {
        Cell::Null => "NULL",
        Cell::Bit(_) => "bit",
        Cell::TinyInt(_) => "tinyint",
        Cell::SmallInt(_) => "smallint",
        Cell::Int(_) => "int",
        Cell::BigInt(_) => "bigint",
        Cell::Real(_) => "real",
        Cell::Float(_) => "float",
        Cell::SmallMoney(_) => "smallmoney",
        Cell::Money(_) => "money",
        Cell::Decimal { .. } => "decimal",
        Cell::Date(_) => "date",
        Cell::Time(_) => "time",
        Cell::DateTime2 { .. } => "datetime2",
        Cell::DateTimeOffset { .. } => "datetimeoffset",
        Cell::SmallDateTime { .. } => "smalldatetime",
        Cell::DateTime { .. } => "datetime",
        Cell::Guid(_) => "uniqueidentifier",
        Cell::Text(_) => "text",
        Cell::Binary(_) => "binary",
        Cell::Variant(_) => "sql_variant",
    }
}
