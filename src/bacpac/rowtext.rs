//! Rows as people and their tools read them: pages of cells for a screen, CSV, JSON lines. Exact: decimals are written
//! out, dates are ISO 8601, binary is `0x…`, nothing is rounded (but datetime's 1/300 s, which is shown in
//! milliseconds as the server shows it). For comparing there is [`crate::bacpac::canonical`].

use std::io::{self, Write};
use std::sync::Arc;

use super::bcp::{BcpError, Cell, LobKind, RowSink, VariantType, parse_variant};
use super::canonical::{CanonicalLines, TextError};
use super::package::{BoundPackage, PackageError, TableData};
use super::plan::{BcpType, ColumnPlan, TablePlan};
use super::scalar;

/// A form of rows as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// RFC 4180 with a header line; NULL is empty, an empty text is `""`.
    Csv,
    /// One object a line; integers, floats and bit are JSON's own, everything else is a string.
    JsonLines,
    /// See [`crate::bacpac::canonical`].
    Canonical,
}

/// Some rows of a table, for a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Their types, as T-SQL declares them.
    pub types: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<PageCell>>,
    /// There are rows after these.
    pub more: bool,
}

/// A cell of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageCell {
    /// Its text, `None` for NULL.
    pub text: Option<String>,
    /// The text was longer.
    pub cut: bool,
}

impl BoundPackage {
    /// Rows `offset` to `offset + limit` of a table, each cell cut to `width` characters. Rows before are decoded and
    /// passed over.
    pub fn page(&self, table: &TableData, offset: u64, limit: usize, width: usize) -> Result<Page, PackageError> {
        let page = PageSink {
            plan: table.plan.clone(),
            width,
            page: Page {
                columns: table.plan.columns.iter().map(|c| c.name.clone()).collect(),
                types: table.plan.columns.iter().map(ColumnPlan::sql_type).collect(),
                rows: Vec::new(),
                more: false,
            },
            row: Vec::new(),
            scratch: Vec::new(),
        };
        let mut window = Window { sink: page, skip: offset, left: limit as u64 };
        let more = match self.read_table(table, &mut window) {
            Ok(_) => false,
            Err(Stop::Enough) => true,
            Err(Stop::Failed(error)) => return Err(error),
        };
        Ok(Page { more, ..window.sink.page })
    }

    /// Writes rows `offset` to `offset + limit` of a table as text, line by line; memory does not depend on the size
    /// of a value. Every line but canonical's last ends with a line feed.
    pub fn write_rows(
        &self,
        table: &TableData,
        format: RowFormat,
        offset: u64,
        limit: Option<u64>,
        out: impl Write,
    ) -> Result<(), TextError> {
        let left = limit.unwrap_or(u64::MAX);
        if format == RowFormat::Canonical {
            let sink = CanonicalLines::new(table.plan.clone(), out);
            let mut window = Window { sink, skip: offset, left };
            self.read_window(table, &mut window)?;
            window.sink.finish()?;
            return Ok(());
        }
        let mut sink =
            Lines { plan: table.plan.clone(), format, out, line: Vec::new(), kind: LobKind::Binary, high: None };
        sink.header();
        let mut window = Window { sink, skip: offset, left };
        self.read_window(table, &mut window)?;
        let mut sink = window.sink;
        sink.out.write_all(&sink.line)?;
        sink.out.flush()?;
        Ok(())
    }

    fn read_window<S: RowSink<Error = TextError>>(
        &self,
        table: &TableData,
        window: &mut Window<S>,
    ) -> Result<(), TextError> {
        match self.read_table(table, window) {
            Ok(_) | Err(Stop::Enough) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

/// Lets some rows through and stops after them.
struct Window<S> {
    sink: S,
    skip: u64,
    left: u64,
}

enum Stop<E> {
    Enough,
    Failed(E),
}

impl<E: From<BcpError>> From<BcpError> for Stop<E> {
    fn from(error: BcpError) -> Self {
        Stop::Failed(error.into())
    }
}

impl<E: From<PackageError>> From<PackageError> for Stop<E> {
    fn from(error: PackageError) -> Self {
        Stop::Failed(error.into())
    }
}

impl<S: RowSink> Window<S> {
    /// The present row is wanted; an error when no further one is.
    fn open(&self) -> Result<bool, Stop<S::Error>> {
        match (self.skip, self.left) {
            (0, 0) => Err(Stop::Enough),
            (skip, _) => Ok(skip == 0),
        }
    }
}

impl<S: RowSink> RowSink for Window<S>
where
    Stop<S::Error>: From<BcpError>,
{
    type Error = Stop<S::Error>;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Self::Error> {
        if self.open()? { self.sink.cell(column, cell).map_err(Stop::Failed) } else { Ok(()) }
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), Self::Error> {
        if self.open()? { self.sink.lob_start(column, kind, length).map_err(Stop::Failed) } else { Ok(()) }
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), Self::Error> {
        if self.open()? { self.sink.lob_piece(column, piece).map_err(Stop::Failed) } else { Ok(()) }
    }

    fn lob_end(&mut self, column: usize) -> Result<(), Self::Error> {
        if self.open()? { self.sink.lob_end(column).map_err(Stop::Failed) } else { Ok(()) }
    }

    fn row_end(&mut self) -> Result<(), Self::Error> {
        if self.open()? {
            self.left -= 1;
            return self.sink.row_end().map_err(Stop::Failed);
        }
        self.skip -= 1;
        Ok(())
    }
}

struct PageSink {
    plan: Arc<TablePlan>,
    width: usize,
    page: Page,
    row: Vec<PageCell>,
    scratch: Vec<u8>,
}

impl PageSink {
    fn push(&mut self, bytes: &[u8], longer: bool) {
        let text = String::from_utf8_lossy(bytes);
        let end = text.char_indices().nth(self.width).map_or(text.len(), |(at, _)| at);
        self.row.push(PageCell { text: Some(text[..end].to_owned()), cut: longer || end < text.len() });
    }
}

impl RowSink for PageSink {
    type Error = PackageError;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), PackageError> {
        if cell == Cell::Null {
            self.row.push(PageCell { text: None, cut: false });
            return Ok(());
        }
        let Some(plan) = self.plan.columns.get(column) else { return Ok(()) };
        // Of a long value only as much is made into text as can be shown.
        let (cell, longer) = match cell {
            Cell::Text(b) if b.len() / 2 > self.width + 2 => (Cell::Text(&b[..2 * self.width + 4]), true),
            Cell::Binary(b) if b.len() > self.width + 2 => (Cell::Binary(&b[..self.width + 2]), true),
            cell => (cell, false),
        };
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        write_value(&mut bytes, plan, cell);
        self.push(&bytes, longer);
        self.scratch = bytes;
        Ok(())
    }

    fn lob_start(&mut self, _column: usize, _kind: LobKind, _length: Option<u64>) -> Result<(), PackageError> {
        self.scratch.clear();
        Ok(())
    }

    fn lob_piece(&mut self, _column: usize, piece: &[u8]) -> Result<(), PackageError> {
        let room = (2 * self.width + 4).saturating_sub(self.scratch.len());
        // One byte more than can be shown tells that there is more.
        self.scratch.extend_from_slice(&piece[..piece.len().min(room)]);
        Ok(())
    }

    fn lob_end(&mut self, column: usize) -> Result<(), PackageError> {
        let raw = std::mem::take(&mut self.scratch);
        let text = self.plan.columns.get(column).is_some_and(|c| c.ty.is_text());
        let cell = if text { Cell::Text(&raw) } else { Cell::Binary(&raw) };
        self.cell(column, cell)?;
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), PackageError> {
        self.page.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

const BLOCK: usize = 64 * 1024;

/// CSV and JSON lines.
struct Lines<W> {
    plan: Arc<TablePlan>,
    format: RowFormat,
    out: W,
    line: Vec<u8>,
    kind: LobKind,
    /// The first half of a surrogate pair that a piece ended with.
    high: Option<[u8; 2]>,
}

impl<W: Write> Lines<W> {
    fn header(&mut self) {
        if self.format != RowFormat::Csv {
            return;
        }
        for (i, column) in self.plan.columns.iter().enumerate() {
            if i > 0 {
                self.line.push(b',');
            }
            self.line.push(b'"');
            self.line.extend_from_slice(column.name.replace('"', "\"\"").as_bytes());
            self.line.push(b'"');
        }
        self.line.push(b'\n');
    }

    fn begin(&mut self, column: usize) {
        match self.format {
            RowFormat::Csv if column > 0 => self.line.push(b','),
            RowFormat::Csv => {}
            _ => {
                self.line.push(if column == 0 { b'{' } else { b',' });
                let name = self.plan.columns.get(column).map_or("", |c| c.name.as_str());
                self.line.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
                self.line.push(b':');
            }
        }
    }

    fn relieve(&mut self) -> io::Result<()> {
        if self.line.len() >= BLOCK {
            self.out.write_all(&self.line)?;
            self.line.clear();
        }
        Ok(())
    }

    fn text(&mut self, units: &[u8]) {
        let csv = self.format == RowFormat::Csv;
        let decoded = char::decode_utf16(units.chunks_exact(2).map(|u| u16::from_le_bytes([u[0], u[1]])));
        for c in decoded {
            match c {
                Ok('"') if csv => self.line.extend_from_slice(b"\"\""),
                Ok(c) if csv => push_char(&mut self.line, c),
                Ok('"') => self.line.extend_from_slice(b"\\\""),
                Ok('\\') => self.line.extend_from_slice(b"\\\\"),
                Ok('\n') => self.line.extend_from_slice(b"\\n"),
                Ok(c) if u32::from(c) < 0x20 => {
                    let _ = write!(self.line, "\\u{:04x}", u32::from(c));
                }
                Ok(c) => push_char(&mut self.line, c),
                // JSON can say a lone surrogate; UTF-8 cannot.
                Err(lone) if !csv => {
                    let _ = write!(self.line, "\\u{:04x}", lone.unpaired_surrogate());
                }
                Err(_) => push_char(&mut self.line, char::REPLACEMENT_CHARACTER),
            }
        }
    }
}

impl<W: Write> RowSink for Lines<W> {
    type Error = TextError;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), TextError> {
        self.begin(column);
        let Some(plan) = self.plan.columns.get(column) else { return Ok(()) };
        let json = self.format == RowFormat::JsonLines;
        match cell {
            Cell::Null if json => self.line.extend_from_slice(b"null"),
            Cell::Null => {}
            Cell::Text(bytes) => {
                self.line.push(b'"');
                self.text(bytes);
                self.line.push(b'"');
            }
            Cell::Bit(v) if json => self.line.extend_from_slice(if v { b"true" } else { b"false" }),
            Cell::TinyInt(_) | Cell::SmallInt(_) | Cell::Int(_) | Cell::BigInt(_) => {
                write_value(&mut self.line, plan, cell);
            }
            Cell::Real(bits) if f32::from_bits(bits).is_finite() => write_value(&mut self.line, plan, cell),
            Cell::Float(bits) if f64::from_bits(bits).is_finite() => write_value(&mut self.line, plan, cell),
            Cell::Variant(_) => {
                let mut value = Vec::new();
                write_value(&mut value, plan, cell);
                let value = String::from_utf8_lossy(&value);
                if json {
                    self.line.extend_from_slice(serde_json::Value::from(&*value).to_string().as_bytes());
                } else {
                    self.line.push(b'"');
                    self.line.extend_from_slice(value.replace('"', "\"\"").as_bytes());
                    self.line.push(b'"');
                }
            }
            // None of these has a character that needs quoting.
            cell if json => {
                self.line.push(b'"');
                write_value(&mut self.line, plan, cell);
                self.line.push(b'"');
            }
            cell => write_value(&mut self.line, plan, cell),
        }
        Ok(self.relieve()?)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, _length: Option<u64>) -> Result<(), TextError> {
        self.begin(column);
        (self.kind, self.high) = (kind, None);
        self.line.extend_from_slice(if kind == LobKind::Text { b"\"" } else { b"\"0x" });
        Ok(())
    }

    fn lob_piece(&mut self, _column: usize, piece: &[u8]) -> Result<(), TextError> {
        for mut block in piece.chunks(BLOCK / 8) {
            if self.kind == LobKind::Binary {
                scalar::hex(&mut self.line, block);
            } else {
                if let (Some([a, b]), [c, d, rest @ ..]) = (self.high.take(), block) {
                    self.text(&[a, b, *c, *d]);
                    block = rest;
                }
                if let [before @ .., a, b @ 0xD8..=0xDB] = block {
                    self.high = Some([*a, *b]);
                    block = before;
                }
                self.text(block);
            }
            self.relieve()?;
        }
        Ok(())
    }

    fn lob_end(&mut self, _column: usize) -> Result<(), TextError> {
        if let Some(unit) = self.high.take() {
            self.text(&unit);
        }
        self.line.push(b'"');
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), TextError> {
        if self.format == RowFormat::JsonLines {
            self.line.push(b'}');
        }
        self.line.push(b'\n');
        Ok(self.relieve()?)
    }
}

fn push_char(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// One value as text, without quotes.
fn write_value(out: &mut Vec<u8>, column: &ColumnPlan, cell: Cell<'_>) {
    match cell {
        Cell::Null => {}
        Cell::Bit(v) => out.push(b'0' + u8::from(v)),
        Cell::TinyInt(v) => scalar::integer(out, i64::from(v)),
        Cell::SmallInt(v) => scalar::integer(out, i64::from(v)),
        Cell::Int(v) => scalar::integer(out, i64::from(v)),
        Cell::BigInt(v) => scalar::integer(out, v),
        Cell::Real(bits) => float(out, f32::from_bits(bits), |v| f64::from(v.abs())),
        Cell::Float(bits) => float(out, f64::from_bits(bits), f64::abs),
        Cell::SmallMoney(v) => scalar::decimal(out, v < 0, u128::from(v.unsigned_abs()), 4),
        Cell::Money(v) => scalar::decimal(out, v < 0, u128::from(v.unsigned_abs()), 4),
        Cell::Decimal { negative, magnitude } => {
            scalar::decimal(out, negative && magnitude != 0, magnitude, u32::from(column.scale));
        }
        Cell::Date(days) => scalar::date(out, i64::from(days)),
        Cell::Time(ticks) => scalar::time(out, ticks, column.scale),
        Cell::DateTime2 { days, ticks } => {
            scalar::date(out, i64::from(days));
            out.push(b'T');
            scalar::time(out, ticks, column.scale);
        }
        Cell::DateTimeOffset { days, ticks, offset } => {
            const DAY: i64 = 864_000_000_000;
            let local = i64::from(days) * DAY + ticks as i64 + i64::from(offset) * 600_000_000;
            scalar::date(out, local.div_euclid(DAY));
            out.push(b'T');
            scalar::time(out, local.rem_euclid(DAY) as u64, column.scale);
            out.push(if offset < 0 { b'-' } else { b'+' });
            scalar::hours(out, u32::from(offset.unsigned_abs()));
        }
        Cell::SmallDateTime { days, minutes } => {
            scalar::date(out, i64::from(days) + scalar::DAYS_TO_1900);
            out.push(b'T');
            scalar::hours(out, u32::from(minutes));
        }
        Cell::DateTime { days, ticks } => {
            scalar::date(out, i64::from(days) + scalar::DAYS_TO_1900);
            out.push(b'T');
            let milliseconds = (u64::from(ticks) * 10 + 1) / 3;
            scalar::time(out, milliseconds * 10_000, 3);
        }
        Cell::Guid(bytes) => scalar::guid(out, &bytes),
        Cell::Text(bytes) => {
            let units = bytes.chunks_exact(2).map(|u| u16::from_le_bytes([u[0], u[1]]));
            for c in char::decode_utf16(units) {
                push_char(out, c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        Cell::Binary(bytes) => {
            out.extend_from_slice(b"0x");
            scalar::hex(out, bytes);
        }
        Cell::Variant(bytes) => variant(out, bytes),
    }
}

/// The shortest text that reads back as the same float.
fn float<F: std::fmt::Display + std::fmt::LowerExp + Copy>(out: &mut Vec<u8>, value: F, size: impl Fn(F) -> f64) {
    let magnitude = size(value);
    let _ = if magnitude == 0.0 || (1e-5..1e17).contains(&magnitude) || !magnitude.is_finite() {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
}

/// The value inside a sql_variant, as its base type would show it.
fn variant(out: &mut Vec<u8>, payload: &[u8]) {
    let raw = |out: &mut Vec<u8>| {
        out.extend_from_slice(b"0x");
        scalar::hex(out, payload);
    };
    let Ok(value) = parse_variant(payload) else { return raw(out) };
    let data = value.data;
    let (ty, scale) = match value.ty {
        VariantType::Bit => (BcpType::Bit, 0),
        VariantType::TinyInt => (BcpType::TinyInt, 0),
        VariantType::SmallInt => (BcpType::SmallInt, 0),
        VariantType::Int => (BcpType::Int, 0),
        VariantType::BigInt => (BcpType::BigInt, 0),
        VariantType::Real => (BcpType::Real, 0),
        VariantType::Float => (BcpType::Float, 0),
        VariantType::SmallMoney => (BcpType::SmallMoney, 0),
        VariantType::Money => (BcpType::Money, 0),
        VariantType::Date => (BcpType::Date, 0),
        VariantType::Time { scale } => (BcpType::Time, scale),
        VariantType::DateTime2 { scale } => (BcpType::DateTime2, scale),
        VariantType::DateTimeOffset { scale } => (BcpType::DateTimeOffset, scale),
        VariantType::SmallDateTime => (BcpType::SmallDateTime, 0),
        VariantType::DateTime => (BcpType::DateTime, 0),
        VariantType::Decimal { scale, .. } => {
            let mut magnitude = [0; 16];
            magnitude.copy_from_slice(&data[1..17]);
            let magnitude = u128::from_le_bytes(magnitude);
            return scalar::decimal(out, data[0] == 0 && magnitude != 0, magnitude, u32::from(scale));
        }
        VariantType::UniqueIdentifier => {
            let mut guid = [0; 16];
            guid.copy_from_slice(data);
            return scalar::guid(out, &guid);
        }
        // The code page is the collation's; what is not ASCII is shown as it lies.
        VariantType::Char { .. } if data.is_ascii() => return out.extend_from_slice(data),
        VariantType::Char { .. } => return raw(out),
        VariantType::NChar { .. } => {
            return write_value(out, &ColumnPlan::new("", BcpType::NVarChar, false), Cell::Text(data));
        }
        VariantType::Binary { .. } => {
            out.extend_from_slice(b"0x");
            return scalar::hex(out, data);
        }
    };
    // The bytes of these types are a NOT NULL column's of the same type.
    let column = ColumnPlan::new("", ty, false).with_scale(scale);
    let Some(cell) = super::bcp::bare_cell(&column, data) else { return raw(out) };
    write_value(out, &column, cell);
}
