//! The driver's values as cells of the data stream: each as the plan has it, or an error that names it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use mssql_tds::datatypes::column_values::{
    SqlDate, SqlDateTime, SqlDateTime2, SqlDateTimeOffset, SqlMoney, SqlSmallDateTime, SqlSmallMoney, SqlTime, SqlXml,
};
use mssql_tds::datatypes::decoder::DecimalParts;
use mssql_tds::datatypes::row_writer::RowWriter;
use mssql_tds::datatypes::sql_json::SqlJson;
use mssql_tds::datatypes::sql_string::EncodingType;
use mssql_tds::datatypes::sql_vector::SqlVector;
use mssql_tds::datatypes::sqldatatypes::TdsDataType;

use super::{Large, Shape, Slot};
use crate::bacpac::bcp::{BcpError, Cell, Encoder, LobKind, RowSink as _};
use crate::sqlserver::error::SqlError;
use crate::sqlserver::variant;

/// A large value that comes in pieces, between two of them.
#[derive(Debug)]
pub(in crate::sqlserver) struct Pieces {
    large: Large,
    /// The beginning of a character that was cut.
    carry: Vec<u8>,
}

/// Receives the driver's values and encodes them. The trait lets nothing fail, so the first failure is kept, and what
/// comes after it is ignored.
pub(in crate::sqlserver) struct CellWriter<'a> {
    shape: &'a Shape,
    out: &'a mut Encoder,
    /// Rows done, shared with the watch on the reader's progress.
    rows: &'a AtomicU64,
    text: Vec<u8>,
    base: Option<TdsDataType>,
    /// Of the sql_variant that follows.
    collation: Option<[u8; 5]>,
    length: Option<u64>,
    pub failure: Option<Box<SqlError>>,
}

impl<'a> CellWriter<'a> {
    pub(in crate::sqlserver) fn new(shape: &'a Shape, out: &'a mut Encoder, rows: &'a AtomicU64) -> Self {
        Self { shape, out, rows, text: Vec::new(), base: None, collation: None, length: None, failure: None }
    }

    /// Bytes encoded and not taken yet.
    pub(in crate::sqlserver) fn buffered(&self) -> usize {
        self.out.bytes().len()
    }

    #[cold]
    fn fail(&mut self, slot: usize, reason: String) {
        let column = match self.shape.slots.get(slot) {
            Some(Slot::Column { index, .. }) => self.shape.plan.columns[*index].name.clone(),
            _ => "properties of a sql_variant".into(),
        };
        self.failure.get_or_insert_with(|| {
            Box::new(SqlError::Cell {
                table: self.shape.plan.to_string(),
                column,
                row: self.rows.load(Ordering::Relaxed) + 1,
                reason,
            })
        });
    }

    // Inside each of the driver's calls the kind of the cell is known, and the choice between kinds falls away.
    #[inline(always)]
    fn put(&mut self, slot: usize, cell: Cell<'_>) {
        if self.failure.is_some() {
            return;
        }
        match self.shape.slots.get(slot) {
            Some(Slot::Column { index, .. }) => {
                if let Err(error) = self.out.put_cell(*index, cell) {
                    self.failure = Some(Box::new(error.into()));
                }
            }
            Some(Slot::VariantCollation) => {
                self.collation = match cell {
                    Cell::Text(name) => crate::sqlserver::field::utf16(name)
                        .ok()
                        .and_then(|name| self.shape.collations.get(&name).copied()),
                    _ => None,
                };
            }
            Some(Slot::Length) => {
                self.length = match cell {
                    Cell::Int(n) => u64::try_from(n).ok(),
                    Cell::BigInt(n) => u64::try_from(n).ok(),
                    _ => None,
                };
            }
            None => self.fail(slot, "a column that was not asked for".into()),
        }
    }

    /// A large value that came whole.
    pub(in crate::sqlserver) fn large(&mut self, slot: usize, large: &Large, bytes: &[u8]) {
        self.length = None;
        match large {
            Large::Binary => self.put(slot, Cell::Binary(bytes)),
            Large::Utf16 => self.put(slot, Cell::Text(bytes)),
            Large::Narrow(page) => {
                let mut units = std::mem::take(&mut self.text);
                units.clear();
                match page.decode(bytes, &mut units) {
                    Ok(()) => self.put(slot, Cell::Text(&units)),
                    Err(reason) => self.fail(slot, reason),
                }
                self.text = units;
            }
        }
    }

    /// A large value begins that comes in pieces. `length` is that of the wire, where the server said it.
    pub(in crate::sqlserver) fn large_start(&mut self, slot: usize, large: &Large, length: Option<u64>) -> Pieces {
        let wire = length.or(self.length.take());
        let (kind, length) = match large {
            Large::Binary => (LobKind::Binary, wire),
            Large::Utf16 => (LobKind::Text, wire),
            Large::Narrow(page) => (LobKind::Text, wire.and_then(|n| page.decoded_length(n))),
        };
        if let Some(index) = self.index(slot) {
            let started = self.out.lob_start(index, kind, length);
            self.keep(started);
        }
        Pieces { large: large.clone(), carry: Vec::new() }
    }

    /// Its next piece.
    pub(in crate::sqlserver) fn large_piece(&mut self, slot: usize, pieces: &mut Pieces, bytes: &[u8]) {
        let Some(index) = self.index(slot) else { return };
        let mut units = std::mem::take(&mut self.text);
        units.clear();
        let piece = match &pieces.large {
            Large::Binary => Ok(bytes),
            Large::Utf16 if pieces.carry.is_empty() && bytes.len().is_multiple_of(2) => Ok(bytes),
            Large::Utf16 => {
                units.append(&mut pieces.carry);
                units.extend_from_slice(bytes);
                if !units.len().is_multiple_of(2) {
                    pieces.carry.extend(units.pop());
                }
                Ok(units.as_slice())
            }
            Large::Narrow(page) => page.decode_piece(bytes, &mut pieces.carry, &mut units).map(|()| units.as_slice()),
        };
        match piece {
            Ok([]) => {}
            Ok(piece) => {
                let taken = self.out.lob_piece(index, piece);
                self.keep(taken);
            }
            Err(reason) => self.fail(slot, reason),
        }
        self.text = units;
    }

    /// It is complete.
    pub(in crate::sqlserver) fn large_end(&mut self, slot: usize, pieces: &Pieces) {
        if !pieces.carry.is_empty() {
            return self.fail(slot, "the text ends inside a character".into());
        }
        if let Some(index) = self.index(slot) {
            let ended = self.out.lob_end(index);
            self.keep(ended);
        }
    }

    /// The plan's column of a slot; nothing after a failure.
    fn index(&mut self, slot: usize) -> Option<usize> {
        match self.shape.slots.get(slot) {
            _ if self.failure.is_some() => None,
            Some(Slot::Column { index, .. }) => Some(*index),
            _ => {
                self.fail(slot, "a large value where a length was asked for".into());
                None
            }
        }
    }

    fn keep(&mut self, result: Result<(), BcpError>) {
        if let Err(error) = result {
            self.failure.get_or_insert_with(|| Box::new(error.into()));
        }
    }

    /// A value of a sql_variant: its bytes behind its properties.
    #[inline(never)]
    fn put_variant(&mut self, slot: usize, base: TdsDataType, digits: &[u8], own: Option<[u8; 5]>, bytes: &[u8]) {
        let mut payload = std::mem::take(&mut self.text);
        match variant::header(&mut payload, base, digits, own.or(self.collation), bytes.len()) {
            Ok(()) => {
                payload.extend_from_slice(bytes);
                self.put(slot, Cell::Variant(&payload));
            }
            Err(reason) => self.fail(slot, reason),
        }
        self.text = payload;
    }

    /// Puts a value of a plain column, or the same value inside a sql_variant.
    #[inline(always)]
    fn value(&mut self, slot: usize, cell: Cell<'_>, digits: &[u8], bytes: &[u8]) {
        match self.base.take() {
            None => self.put(slot, cell),
            Some(base) => self.put_variant(slot, base, digits, None, bytes),
        }
    }

    /// Refuses a time that does not fit into its five bytes: inside a sql_variant the rest would be lost.
    fn is_no_time(&mut self, slot: usize, ticks: u64) -> bool {
        let refused = ticks >> 40 != 0;
        if refused {
            self.fail(slot, format!("{ticks} units of 100 ns are more than a day has"));
        }
        refused
    }

    fn decimal(&mut self, slot: usize, val: DecimalParts) {
        let negative = !val.is_positive && val.magnitude() != 0;
        match self.base.take() {
            None => self.put(slot, Cell::Decimal { negative, magnitude: val.magnitude() }),
            Some(base) => {
                let mut bytes = [0; 17];
                bytes[0] = u8::from(!negative);
                bytes[1..].copy_from_slice(&val.magnitude().to_le_bytes());
                self.put_variant(slot, base, &[val.precision, val.scale], None, &bytes);
            }
        }
    }
}

fn u24(days: u32) -> [u8; 3] {
    let [a, b, c, _] = days.to_le_bytes();
    [a, b, c]
}

fn u40(ticks: u64) -> [u8; 5] {
    let [a, b, c, d, e, ..] = ticks.to_le_bytes();
    [a, b, c, d, e]
}

impl RowWriter for CellWriter<'_> {
    fn write_null(&mut self, col: usize) {
        self.base = None;
        self.length = None;
        self.put(col, Cell::Null);
    }

    fn write_variant_base_type(&mut self, _col: usize, base: TdsDataType) {
        self.base = Some(base);
    }

    fn write_bool(&mut self, col: usize, val: bool) {
        self.value(col, Cell::Bit(val), &[], &[u8::from(val)]);
    }

    fn write_u8(&mut self, col: usize, val: u8) {
        self.value(col, Cell::TinyInt(val), &[], &[val]);
    }

    fn write_i16(&mut self, col: usize, val: i16) {
        self.value(col, Cell::SmallInt(val), &[], &val.to_le_bytes());
    }

    fn write_i32(&mut self, col: usize, val: i32) {
        self.value(col, Cell::Int(val), &[], &val.to_le_bytes());
    }

    fn write_i64(&mut self, col: usize, val: i64) {
        self.value(col, Cell::BigInt(val), &[], &val.to_le_bytes());
    }

    fn write_f32(&mut self, col: usize, val: f32) {
        self.value(col, Cell::Real(val.to_bits()), &[], &val.to_le_bytes());
    }

    fn write_f64(&mut self, col: usize, val: f64) {
        self.value(col, Cell::Float(val.to_bits()), &[], &val.to_le_bytes());
    }

    fn write_string(&mut self, col: usize, bytes: Cow<'_, [u8]>, encoding_type: EncodingType) {
        if let Some(base) = self.base.take() {
            // In a sql_variant a text stays in its code page.
            let own = match encoding_type {
                EncodingType::LcidBased(collation) => {
                    let [a, b, c, d] = collation.info.to_le_bytes();
                    Some([a, b, c, d, collation.sort_id])
                }
                _ => None,
            };
            return self.put_variant(col, base, &[], own, &bytes);
        }
        let Some(Slot::Column { text, pad, .. }) = self.shape.slots.get(col) else {
            return self.put(col, Cell::Text(&bytes));
        };
        let pad = *pad;
        match (text, encoding_type) {
            (None, EncodingType::Utf16) if bytes.len() >= pad => self.put(col, Cell::Text(&bytes)),
            (page, encoding) => {
                let mut units = std::mem::take(&mut self.text);
                units.clear();
                let decoded = match (page, encoding) {
                    (_, EncodingType::Utf16) => {
                        units.extend_from_slice(&bytes);
                        Ok(())
                    }
                    (Some(page), _) => page.decode(&bytes, &mut units),
                    (None, _) => Err("a text in a code page where UTF-16 was expected".into()),
                };
                while units.len() < pad {
                    units.extend_from_slice(b" \0");
                }
                match decoded {
                    Ok(()) => self.put(col, Cell::Text(&units)),
                    Err(reason) => self.fail(col, reason),
                }
                self.text = units;
            }
        }
    }

    fn write_bytes(&mut self, col: usize, bytes: Cow<'_, [u8]>) {
        match self.base.take() {
            None => self.put(col, Cell::Binary(&bytes)),
            Some(base) => self.put_variant(col, base, &[], None, &bytes),
        }
    }

    fn write_decimal(&mut self, col: usize, val: DecimalParts) {
        self.decimal(col, val);
    }

    fn write_numeric(&mut self, col: usize, val: DecimalParts) {
        self.decimal(col, val);
    }

    fn write_date(&mut self, col: usize, val: SqlDate) {
        self.value(col, Cell::Date(val.get_days()), &[], &u24(val.get_days()));
    }

    // The driver's field is called nanoseconds and holds units of 100 ns.
    fn write_time(&mut self, col: usize, val: SqlTime) {
        if self.is_no_time(col, val.time_nanoseconds) {
            return;
        }
        self.value(col, Cell::Time(val.time_nanoseconds), &[val.scale], &u40(val.time_nanoseconds));
    }

    fn write_datetime(&mut self, col: usize, val: SqlDateTime) {
        let bytes = (u64::from(val.days.cast_unsigned()) | u64::from(val.time) << 32).to_le_bytes();
        self.value(col, Cell::DateTime { days: val.days, ticks: val.time }, &[], &bytes);
    }

    fn write_smalldatetime(&mut self, col: usize, val: SqlSmallDateTime) {
        let bytes = (u32::from(val.days) | u32::from(val.time) << 16).to_le_bytes();
        self.value(col, Cell::SmallDateTime { days: val.days, minutes: val.time }, &[], &bytes);
    }

    fn write_datetime2(&mut self, col: usize, val: SqlDateTime2) {
        let (days, ticks) = (val.days, val.time.time_nanoseconds);
        if self.is_no_time(col, ticks) {
            return;
        }
        let mut bytes = [0; 8];
        bytes[..5].copy_from_slice(&u40(ticks));
        bytes[5..].copy_from_slice(&u24(days));
        self.value(col, Cell::DateTime2 { days, ticks }, &[val.time.scale], &bytes);
    }

    fn write_datetimeoffset(&mut self, col: usize, val: SqlDateTimeOffset) {
        let (days, ticks, offset) = (val.datetime2.days, val.datetime2.time.time_nanoseconds, val.offset);
        if self.is_no_time(col, ticks) {
            return;
        }
        let mut bytes = [0; 10];
        bytes[..5].copy_from_slice(&u40(ticks));
        bytes[5..8].copy_from_slice(&u24(days));
        bytes[8..].copy_from_slice(&offset.to_le_bytes());
        self.value(col, Cell::DateTimeOffset { days, ticks, offset }, &[val.datetime2.time.scale], &bytes);
    }

    fn write_money(&mut self, col: usize, val: SqlMoney) {
        let value = i64::from(val.msb_part) << 32 | i64::from(val.lsb_part.cast_unsigned());
        self.value(col, Cell::Money(value), &[], &value.rotate_left(32).to_le_bytes());
    }

    fn write_smallmoney(&mut self, col: usize, val: SqlSmallMoney) {
        self.value(col, Cell::SmallMoney(val.int_val), &[], &val.int_val.to_le_bytes());
    }

    fn write_uuid(&mut self, col: usize, val: uuid::Uuid) {
        let bytes = val.to_bytes_le();
        self.value(col, Cell::Guid(bytes), &[], &bytes);
    }

    fn write_xml(&mut self, col: usize, val: SqlXml) {
        self.put(col, Cell::Text(val.bytes.strip_prefix(&[0xFF, 0xFE]).unwrap_or(&val.bytes)));
    }

    fn write_json(&mut self, col: usize, _val: SqlJson) {
        self.fail(col, "a json value where text was asked for".into());
    }

    fn write_vector(&mut self, col: usize, _val: SqlVector) {
        self.fail(col, "a vector value, which cannot be read yet".into());
    }

    fn end_row(&mut self) {
        if self.failure.is_none() {
            match self.out.row_end() {
                Ok(()) => {
                    // Nobody else writes it: a plain store, not a locked addition for every row.
                    self.rows.store(self.rows.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                }
                Err(error) => self.failure = Some(Box::new(error.into())),
            }
        }
    }
}
