//! Rows in: cells of the data stream as the bytes of a bulk load's rows. No `String` in between.
//!
//! The stream's declared types are those of the target's columns, with these exceptions: xml goes as `nvarchar(max)`
//! and CLR types as `varbinary(max)` (no other form is accepted); texts of double-byte code pages go as `nvarchar`, and
//! the server, whose tables count, converts them; what it made of them is compared ([`super::kept`]). A rowversion
//! cannot be loaded (error 273): the server makes a new one, so the column is left out. An identity column is listed,
//! so its values are kept (fact 5).
//!
//! Narrow texts are written in the column's own code page, and the statement says `COLLATE` of the column, so that
//! they arrive unchanged (fact 26). A character that the code page does not have is an error that names the cell.

use std::sync::Arc;

use mssql_tds::datatypes::bulk_copy_metadata::{BulkCopyColumnMetadata, SqlDbType, TypeLength};

use super::code_page::{self, CodePage};
use super::error::SqlError;
use super::kept::Kept;
use super::quote::is_collation_name;
use super::rows::ServerColumn;
use super::variant;
use crate::bacpac::bcp::{Cell, Fault, LobKind, RowSink};
use crate::bacpac::plan::{BcpType, ColumnPlan, TablePlan};

const TOKEN_ROW: u8 = 0xD1;
/// Before the value of a text, ntext or image: a text pointer and a timestamp that the server ignores.
// Assumption: a bulk load takes values of these types behind a text pointer, as rows of an answer have them (no capture
// of such a load was at hand).
const TEXT_POINTER: [u8; 25] = {
    let mut header = [0xFF; 25];
    header[0] = 0x10;
    header
};
/// Bytes of a piece of a (max) value at most: its length stands in four bytes.
const LARGEST_CHUNK: usize = 1 << 30;
const PLP_NULL: [u8; 8] = [0xFF; 8];
const PLP_UNKNOWN_LENGTH: [u8; 8] = (u64::MAX - 1).to_le_bytes();

/// How values of a column are written.
#[derive(Debug, Clone)]
enum Form {
    /// Not at all: the server makes the value.
    LeftOut,
    /// A byte of length, 0 for NULL.
    Short,
    /// Two bytes of length, all ones for NULL.
    Bounded(Text),
    /// A (max) value in pieces.
    Plp(Text),
    /// text, ntext, image.
    Pointer(Text),
    /// sql_variant.
    Variant,
}

/// What happens to the bytes of a value on their way.
#[derive(Debug, Clone)]
enum Text {
    /// They are the wire's.
    AsIs,
    /// They become those of a code page.
    Narrow(Arc<CodePage>),
    /// They stay UTF-16, and the server converts them; where it fills a char again, without the blanks at the end.
    Converted {
        /// Without the blanks.
        trim: bool,
    },
}

impl Form {
    /// NULL on the wire.
    fn null(&self) -> &'static [u8] {
        match self {
            Self::LeftOut => &[],
            Self::Short | Self::Pointer(_) => &[0],
            Self::Bounded(_) => &[0xFF; 2],
            Self::Plp(_) => &PLP_NULL,
            Self::Variant => &[0; 4],
        }
    }

    fn text(&self) -> Option<&Text> {
        match self {
            Self::Bounded(text) | Self::Plp(text) | Self::Pointer(text) => Some(text),
            Self::LeftOut | Self::Short | Self::Variant => None,
        }
    }
}

impl Text {
    fn is_converted(&self) -> bool {
        matches!(self, Self::Converted { .. })
    }
}

#[derive(Debug)]
struct Column {
    form: Form,
    /// Bytes that the target's column holds, for narrow texts.
    limit: usize,
    scale: u8,
}

/// A table's columns as a bulk load declares them.
#[derive(Debug)]
pub(super) struct Load {
    plan: Arc<TablePlan>,
    columns: Arc<Vec<Column>>,
    /// What the driver declares: statement and stream.
    pub metadata: Vec<BulkCopyColumnMetadata>,
    /// Sums of what the server converts, none yet; nothing where it converts nothing.
    pub kept: Option<Kept>,
}

impl Load {
    pub(super) fn of(plan: &TablePlan, target: &[ServerColumn]) -> Result<Self, SqlError> {
        let mut columns = Vec::new();
        let mut metadata = Vec::new();
        let mut converted = Vec::new();
        for column in &plan.columns {
            let server = target.iter().find(|c| c.name == column.name).ok_or_else(|| {
                SqlError::Unsupported(format!("table {plan}: the target has no column {}", column.name))
            })?;
            let (form, declared) = declare(plan, column, server)?;
            if let (true, Some(number)) = (form.text().is_some_and(Text::is_converted), server.code_page) {
                converted.push((columns.len(), number));
            }
            columns.push(Column { form, limit: column.length as usize, scale: column.scale });
            if let Some(declared) = declared {
                metadata.push(declared.with_nullable(server.nullable).with_identity(column.identity));
            }
        }
        if metadata.is_empty() {
            return Err(SqlError::Unsupported(format!("table {plan} has no column that can be loaded")));
        }
        let kept = Kept::new(plan, &converted);
        Ok(Self { plan: Arc::new(plan.clone()), columns: Arc::new(columns), metadata, kept })
    }

    pub(super) fn plan(&self) -> &Arc<TablePlan> {
        &self.plan
    }
}

/// The form of a column's values, and what is declared of it (its name, type and length; nothing where it is left out).
fn declare(
    plan: &TablePlan,
    column: &ColumnPlan,
    server: &ServerColumn,
) -> Result<(Form, Option<BulkCopyColumnMetadata>), SqlError> {
    use BcpType as B;
    use SqlDbType as S;
    let name = column.name.as_str();
    let length = i32::try_from(column.length).unwrap_or(i32::MAX);
    let of = |ty: SqlDbType, bytes: i32| {
        BulkCopyColumnMetadata::new(name, ty, ty.to_bulk_copy_tds_type())
            .with_length(bytes, TypeLength::Variable(bytes))
    };
    let plp = |ty: SqlDbType| {
        BulkCopyColumnMetadata::new(name, ty, ty.to_bulk_copy_tds_type()).with_length(0xFFFF, TypeLength::Plp)
    };
    let short = |metadata| Ok((Form::Short, Some(metadata)));
    match column.ty {
        B::RowVersion => Ok((Form::LeftOut, None)),
        B::Bit => short(of(S::Bit, 1)),
        B::TinyInt => short(of(S::TinyInt, 1)),
        B::SmallInt => short(of(S::SmallInt, 2)),
        B::Int => short(of(S::Int, 4)),
        B::BigInt => short(of(S::BigInt, 8)),
        B::Real => short(of(S::Real, 4)),
        B::Float => short(of(S::Float, 8)),
        B::SmallMoney => short(of(S::SmallMoney, 4)),
        B::Money => short(of(S::Money, 8)),
        // Assumption: 17 bytes at every precision are taken in a bulk load, as the server itself announces its columns
        // (fact 86).
        B::Decimal => short(of(S::Decimal, 17).with_precision_scale(column.precision, column.scale)),
        B::Numeric => short(of(S::Numeric, 17).with_precision_scale(column.precision, column.scale)),
        B::Date => short(of(S::Date, 3)),
        B::Time => short(of(S::Time, 5).with_scale(column.scale)),
        B::SmallDateTime => short(of(S::SmallDateTime, 4)),
        B::DateTime => short(of(S::DateTime, 8)),
        B::DateTime2 => short(of(S::DateTime2, 8).with_scale(column.scale)),
        B::DateTimeOffset => short(of(S::DateTimeOffset, 10).with_scale(column.scale)),
        B::UniqueIdentifier => short(of(S::UniqueIdentifier, 16)),
        B::NChar => Ok((Form::Bounded(Text::AsIs), Some(of(S::NChar, length * 2)))),
        B::NVarChar => Ok((Form::Bounded(Text::AsIs), Some(of(S::NVarChar, length * 2)))),
        B::NVarCharMax => Ok((Form::Plp(Text::AsIs), Some(plp(S::NVarChar)))),
        B::Xml => Ok((Form::Plp(Text::AsIs), Some(plp(S::Xml)))),
        B::Json => Ok((Form::Plp(Text::AsIs), Some(plp(S::Json)))),
        B::NText => Ok((Form::Pointer(Text::AsIs), Some(of(S::NText, i32::MAX)))),
        B::Binary => Ok((Form::Bounded(Text::AsIs), Some(of(S::Binary, length)))),
        B::VarBinary => Ok((Form::Bounded(Text::AsIs), Some(of(S::VarBinary, length)))),
        B::VarBinaryMax => Ok((Form::Plp(Text::AsIs), Some(plp(S::VarBinary)))),
        B::Image => Ok((Form::Pointer(Text::AsIs), Some(of(S::Image, i32::MAX)))),
        // Assumption: the bytes of a CLR value are taken as varbinary(max) (no capture of such a load was at hand).
        B::HierarchyId | B::Geometry | B::Geography | B::Clr => Ok((Form::Plp(Text::AsIs), Some(plp(S::Udt)))),
        // Assumption: the declared length of a sql_variant in a bulk load is that of its results, 8009 (fact 43).
        B::Variant => Ok((Form::Variant, Some(of(S::Variant, 8009)))),
        B::Char | B::VarChar | B::VarCharMax | B::Text => narrow(plan, column, server, &of, &plp),
        B::Vector => Err(SqlError::Unsupported(format!(
            "table {plan}, column {name}: rows with a column of type vector cannot be loaded yet"
        ))),
    }
}

fn narrow(
    plan: &TablePlan,
    column: &ColumnPlan,
    server: &ServerColumn,
    of: &dyn Fn(SqlDbType, i32) -> BulkCopyColumnMetadata,
    plp: &dyn Fn(SqlDbType) -> BulkCopyColumnMetadata,
) -> Result<(Form, Option<BulkCopyColumnMetadata>), SqlError> {
    use BcpType as B;
    use SqlDbType as S;
    let unsupported = |what: &str| {
        Err(SqlError::Unsupported(format!(
            "table {plan}, column {}: {what} of collation {} is not supported",
            column.name,
            server.collation.as_deref().unwrap_or("?")
        )))
    };
    let Some(number) = server.code_page else { return unsupported("the unknown code page") };
    let length = i32::try_from(column.length).unwrap_or(i32::MAX);
    if code_page::is_double_byte(number) {
        let bounded = matches!(column.ty, B::Char | B::VarChar) && column.length <= 4000;
        let text = Text::Converted { trim: column.ty == B::Char };
        return Ok(match bounded {
            true => (Form::Bounded(text), Some(of(S::NVarChar, length * 2))),
            false => (Form::Plp(text), Some(plp(S::NVarChar))),
        });
    }
    let Some(page) = code_page::find(number) else { return unsupported(&format!("code page {number}")) };
    let text = Text::Narrow(page);
    let (form, declared) = match column.ty {
        B::Char => (Form::Bounded(text), of(S::Char, length)),
        B::VarChar => (Form::Bounded(text), of(S::VarChar, length)),
        B::Text => (Form::Pointer(text), of(S::Text, i32::MAX)),
        _ => (Form::Plp(text), plp(S::VarChar)),
    };
    match server.collation.as_deref() {
        Some(collation) if is_collation_name(collation) => {
            Ok((form, Some(declared.with_collation_name(collation.to_owned()))))
        }
        Some(_) => unsupported("the name"),
        None => unsupported("the missing name"),
    }
}

/// Writes rows as the stream of a bulk load has them, into a buffer that the loader empties.
#[derive(Debug)]
pub(super) struct Wire {
    plan: Arc<TablePlan>,
    columns: Arc<Vec<Column>>,
    /// What is written and not sent.
    pub buffer: Vec<u8>,
    /// Places in the buffer where a batch ends, each before a row.
    pub cuts: Vec<usize>,
    /// Rows since the last cut.
    batch_rows: u64,
    /// Bytes of the batch that were sent.
    pub batch_sent: usize,
    batch_bytes: usize,
    /// All rows.
    pub rows: u64,
    /// At the beginning of a row.
    at_row: bool,
    lob: Option<Lob>,
    scratch: Vec<u8>,
    /// Sums of what was sent for the server to convert.
    pub kept: Option<Kept>,
}

#[derive(Debug)]
struct Lob {
    /// The first half of a surrogate pair.
    half: Option<u16>,
    length: Length,
    written: u64,
}

/// How a large value tells its length.
#[derive(Debug, Clone, Copy)]
enum Length {
    /// Each piece tells its own.
    Pieces,
    /// It stands before the value.
    Told(u32),
    /// It is filled in at this place of the buffer when the value ends.
    Later(usize),
}

impl Wire {
    /// `batch_bytes` is the size at which a batch ends with the row at hand.
    pub(super) fn new(load: &Load, batch_bytes: usize) -> Self {
        Self {
            plan: load.plan.clone(),
            columns: load.columns.clone(),
            buffer: Vec::new(),
            cuts: Vec::new(),
            batch_rows: 0,
            batch_sent: 0,
            batch_bytes,
            rows: 0,
            at_row: true,
            lob: None,
            scratch: Vec::new(),
            kept: load.kept.clone(),
        }
    }

    /// Whether the buffer may be emptied: not while a length in it is to be filled in.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.lob, Some(Lob { length: Length::Later(_), .. }))
    }

    #[cold]
    fn fail(&self, column: usize, reason: String) -> SqlError {
        SqlError::Cell {
            table: self.plan.to_string(),
            column: self.plan.columns.get(column).map(|c| c.name.clone()).unwrap_or_default(),
            row: self.rows + 1,
            reason,
        }
    }

    fn begin_row(&mut self) {
        if std::mem::take(&mut self.at_row) && self.batch_rows > 0 {
            // The driver itself writes the token before the first row of a batch.
            self.buffer.push(TOKEN_ROW);
        }
    }

    fn short<const N: usize>(&mut self, bytes: [u8; N]) {
        const { assert!(N < 0xFF) };
        self.buffer.push(N as u8);
        self.buffer.extend_from_slice(&bytes);
    }

    /// A time and what follows it, at the column's scale.
    fn time<const N: usize>(&mut self, ticks: u64, scale: u8, rest: [u8; N]) -> Result<(), Fault> {
        // 5 bytes of time, and 5 of date and offset at most.
        const { assert!(N <= 5) };
        self.buffer.push((variant::time_width(scale) + N) as u8);
        variant::scaled_time(ticks, scale, &mut self.buffer)?;
        self.buffer.extend_from_slice(&rest);
        Ok(())
    }

    /// A whole text or binary value.
    fn bytes(&mut self, index: usize, bytes: &[u8]) -> Result<(), SqlError> {
        let row = self.rows + 1;
        let written = match self.columns.get(index) {
            None => Err("no such column".into()),
            Some(column) => {
                if let (Some(Text::Converted { .. }), Some(kept)) = (column.form.text(), &mut self.kept) {
                    kept.piece(index, row, bytes);
                    kept.end(index);
                }
                column.write(bytes, &mut self.scratch, &mut self.buffer)
            }
        };
        written.map_err(|reason| self.fail(index, reason))
    }
}

impl Column {
    /// A whole text or binary value as the wire has it; `scratch` is for its bytes in a code page.
    fn write(&self, bytes: &[u8], scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), String> {
        let text = match &self.form {
            Form::LeftOut => return Ok(()),
            Form::Bounded(text) | Form::Plp(text) | Form::Pointer(text) => text,
            Form::Short | Form::Variant => return Err("a text or binary value in a column of another type".into()),
        };
        let wire = match text {
            Text::AsIs => bytes,
            Text::Converted { trim: true } => without_blanks(bytes, b" \0"),
            Text::Converted { trim: false } => bytes,
            Text::Narrow(page) => {
                let mut half = None;
                scratch.clear();
                page.encode(bytes, &mut half, scratch)?;
                if half.is_some() {
                    return Err("the text ends in half a surrogate pair".into());
                }
                // A char of fewer bytes than characters (UTF-8) comes with blanks that are not the value's.
                if self.limit > 0 && scratch.len() > self.limit {
                    let kept = without_blanks(scratch, b" ").len().max(self.limit);
                    scratch.truncate(kept);
                }
                if self.limit > 0 && scratch.len() > self.limit {
                    return Err(format!("{} bytes, and the column holds {}", scratch.len(), self.limit));
                }
                scratch
            }
        };
        match &self.form {
            Form::Bounded(_) => {
                // All ones are NULL's.
                let length = u16::try_from(wire.len()).ok().filter(|n| *n < 0xFFFF);
                let length = length.ok_or_else(|| format!("{} bytes, which no column holds", wire.len()))?;
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(wire);
            }
            Form::Plp(_) => {
                out.extend_from_slice(&PLP_UNKNOWN_LENGTH);
                // A chunk of length zero is the end.
                for chunk in wire.chunks(LARGEST_CHUNK) {
                    out.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
                    out.extend_from_slice(chunk);
                }
                out.extend_from_slice(&[0; 4]);
            }
            _ => {
                let length = u32::try_from(wire.len()).map_err(|_| "more than 4 GB".to_owned())?;
                out.extend_from_slice(&TEXT_POINTER);
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(wire);
            }
        }
        Ok(())
    }
}

fn without_blanks<'a>(bytes: &'a [u8], blank: &[u8]) -> &'a [u8] {
    let mut kept = bytes;
    while let Some(shorter) = kept.strip_suffix(blank) {
        kept = shorter;
    }
    kept
}

impl RowSink for Wire {
    type Error = SqlError;

    fn cell(&mut self, index: usize, cell: Cell<'_>) -> Result<(), SqlError> {
        self.begin_row();
        let Some(column) = self.columns.get(index) else { return Err(self.fail(index, "no such column".into())) };
        let scale = column.scale;
        match cell {
            Cell::Null => self.buffer.extend_from_slice(column.form.null()),
            Cell::Bit(v) => self.short([u8::from(v)]),
            Cell::TinyInt(v) => self.short([v]),
            Cell::SmallInt(v) => self.short(v.to_le_bytes()),
            Cell::Int(v) => self.short(v.to_le_bytes()),
            Cell::BigInt(v) => self.short(v.to_le_bytes()),
            Cell::Real(v) => self.short(v.to_le_bytes()),
            Cell::Float(v) => self.short(v.to_le_bytes()),
            Cell::SmallMoney(v) => self.short(v.to_le_bytes()),
            Cell::Money(v) => self.short(v.rotate_left(32).to_le_bytes()),
            Cell::Decimal { negative, magnitude } => {
                self.buffer.extend_from_slice(&[17, u8::from(!negative)]);
                self.buffer.extend_from_slice(&magnitude.to_le_bytes());
            }
            Cell::Date(days) => {
                let [a, b, c, _] = days.to_le_bytes();
                self.short([a, b, c]);
            }
            Cell::Time(ticks) => {
                self.time(ticks, scale, []).map_err(|f| self.fail(index, f.to_string()))?;
            }
            Cell::DateTime2 { days, ticks } => {
                let [a, b, c, _] = days.to_le_bytes();
                self.time(ticks, scale, [a, b, c]).map_err(|f| self.fail(index, f.to_string()))?;
            }
            Cell::DateTimeOffset { days, ticks, offset } => {
                let [a, b, c, _] = days.to_le_bytes();
                let [d, e] = offset.to_le_bytes();
                self.time(ticks, scale, [a, b, c, d, e]).map_err(|f| self.fail(index, f.to_string()))?;
            }
            Cell::SmallDateTime { days, minutes } => {
                self.short((u32::from(days) | u32::from(minutes) << 16).to_le_bytes());
            }
            Cell::DateTime { days, ticks } => {
                self.short((u64::from(days.cast_unsigned()) | u64::from(ticks) << 32).to_le_bytes());
            }
            Cell::Guid(v) => self.short(v),
            Cell::Text(bytes) | Cell::Binary(bytes) => self.bytes(index, bytes)?,
            Cell::Variant(payload) => {
                let at = self.buffer.len();
                self.buffer.extend_from_slice(&[0; 4]);
                variant::to_wire(payload, &mut self.buffer).map_err(|f| self.fail(index, f.to_string()))?;
                let length =
                    u32::try_from(self.buffer.len() - at - 4).map_err(|_| self.fail(index, "more than 4 GB".into()))?;
                self.buffer[at..at + 4].copy_from_slice(&length.to_le_bytes());
            }
        }
        Ok(())
    }

    fn lob_start(&mut self, index: usize, _kind: LobKind, length: Option<u64>) -> Result<(), SqlError> {
        self.begin_row();
        let length = match self.columns.get(index).map(|c| &c.form) {
            Some(Form::Plp(_)) => {
                self.buffer.extend_from_slice(&PLP_UNKNOWN_LENGTH);
                Length::Pieces
            }
            Some(Form::Pointer(text)) => {
                // What is not known beforehand keeps the whole value in the buffer.
                let told = match text {
                    Text::AsIs => length,
                    Text::Narrow(page) => length.and_then(|n| page.encoded_length(n)),
                    Text::Converted { .. } => None,
                };
                let told = match told.map(u32::try_from) {
                    Some(Err(_)) => return Err(self.fail(index, "more than 4 GB".into())),
                    Some(Ok(told)) => Some(told),
                    None => None,
                };
                self.buffer.extend_from_slice(&TEXT_POINTER);
                let at = self.buffer.len();
                self.buffer.extend_from_slice(&told.unwrap_or_default().to_le_bytes());
                told.map_or(Length::Later(at), Length::Told)
            }
            _ => return Err(self.fail(index, "a large value in a column that holds none".into())),
        };
        self.lob = Some(Lob { half: None, length, written: 0 });
        Ok(())
    }

    fn lob_piece(&mut self, index: usize, piece: &[u8]) -> Result<(), SqlError> {
        let columns = self.columns.clone();
        let Some(Column { form: Form::Plp(text) | Form::Pointer(text), .. }) = columns.get(index) else {
            return Err(self.fail(index, "a large value in a column that holds none".into()));
        };
        let Some(mut lob) = self.lob.take() else { return Err(self.fail(index, "no large value is open".into())) };
        let mut converted = std::mem::take(&mut self.scratch);
        converted.clear();
        let wire = match text {
            Text::Narrow(page) => {
                page.encode(piece, &mut lob.half, &mut converted).map_err(|reason| self.fail(index, reason))?;
                converted.as_slice()
            }
            Text::AsIs => piece,
            // Only a whole value of a bounded char is trimmed, and that never comes in pieces.
            Text::Converted { .. } => {
                if let Some(kept) = &mut self.kept {
                    kept.piece(index, self.rows + 1, piece);
                }
                piece
            }
        };
        for chunk in wire.chunks(LARGEST_CHUNK) {
            if let Length::Pieces = lob.length {
                self.buffer.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
            }
            self.buffer.extend_from_slice(chunk);
        }
        lob.written += wire.len() as u64;
        self.scratch = converted;
        self.lob = Some(lob);
        Ok(())
    }

    fn lob_end(&mut self, index: usize) -> Result<(), SqlError> {
        let Some(lob) = self.lob.take() else { return Err(self.fail(index, "no large value is open".into())) };
        if lob.half.is_some() {
            return Err(self.fail(index, "the text ends in half a surrogate pair".into()));
        }
        let converted = self.columns.get(index).is_some_and(|c| c.form.text().is_some_and(Text::is_converted));
        if let (true, Some(kept)) = (converted, &mut self.kept) {
            kept.end(index);
        }
        match lob.length {
            Length::Pieces => self.buffer.extend_from_slice(&[0; 4]),
            Length::Told(told) if u64::from(told) == lob.written => {}
            Length::Told(told) => {
                return Err(self.fail(index, format!("{} bytes, and {told} were announced", lob.written)));
            }
            Length::Later(at) => {
                let length = u32::try_from(lob.written).map_err(|_| self.fail(index, "more than 4 GB".into()))?;
                self.buffer[at..at + 4].copy_from_slice(&length.to_le_bytes());
            }
        }
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), SqlError> {
        self.at_row = true;
        self.rows += 1;
        self.batch_rows += 1;
        let start = self.cuts.last().copied();
        let bytes = self.buffer.len() - start.unwrap_or(0) + if start.is_none() { self.batch_sent } else { 0 };
        if bytes >= self.batch_bytes {
            self.cuts.push(self.buffer.len());
            self.batch_rows = 0;
        }
        Ok(())
    }
}
