//! Rows out: the query for a table, and the driver's values as cells of the data stream. No `String` in between.
//!
//! The columns are selected plain, so that their exact wire values arrive, with these exceptions: xml is cast to
//! `nvarchar(max)` (on the wire it begins with a mark that the stream does not have); texts of double-byte code pages
//! are converted by the server, whose tables count; before every sql_variant stands a column with what the driver
//! drops of it (see [`super::variant`]); text, ntext and image are converted to the `(max)` types, whose bytes are the
//! same and which come in pieces, and before each stands a column with its length, which the stream wants beforehand.
//!
//! Large values come in pieces (see [`super::tds_large`]), so a reader holds its target and a piece.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
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
use mssql_tds::query::metadata::{ColumnMetadata, PlpEncoding};

use super::code_page::{self, CodePage};
use super::error::SqlError;
use super::quote::{identifier, qualified};
use super::rows::{ReadOptions, ServerColumn};
use super::variant;
use crate::bacpac::bcp::{BcpError, Cell, Encoder, LobKind, RowSink as _};
use crate::bacpac::plan::{BcpType, ColumnPlan, TablePlan};

/// How a table is asked for, and what the answer's columns are.
#[derive(Debug)]
pub(super) struct Shape {
    /// The query.
    pub sql: String,
    slots: Vec<Slot>,
    plan: Arc<TablePlan>,
    /// The five bytes of collations by name, for sql_variant.
    pub collations: HashMap<String, [u8; 5]>,
}

/// A column of the answer.
#[derive(Debug)]
enum Slot {
    /// A column of the plan.
    Column { index: usize, ty: BcpType, text: Option<Arc<CodePage>>, pad: usize },
    /// The collation's name of the sql_variant that follows.
    VariantCollation,
    /// `DATALENGTH` of the large value that follows.
    Length,
}

/// What the bytes of a large value are on the wire.
#[derive(Debug, Clone)]
pub(super) enum Large {
    /// Raw bytes.
    Binary,
    /// UTF-16LE.
    Utf16,
    /// A code page.
    Narrow(Arc<CodePage>),
}

/// A large value that comes in pieces, between two of them.
#[derive(Debug)]
pub(super) struct Pieces {
    large: Large,
    /// The beginning of a character that was cut.
    carry: Vec<u8>,
}

impl Shape {
    /// Plans the reading of a table.
    pub(super) fn of(plan: &TablePlan, options: &ReadOptions) -> Result<Self, SqlError> {
        let mut select = Vec::new();
        let mut slots = Vec::new();
        for (index, column) in plan.columns.iter().enumerate() {
            let name = identifier(&column.name);
            let server = options.columns.iter().find(|c| c.name == column.name);
            let mut text = None;
            let expression = match column.ty {
                BcpType::Xml | BcpType::Json => format!("CAST({name} AS nvarchar(max)) AS {name}"),
                BcpType::NText => {
                    length_of(&name, &mut select, &mut slots);
                    format!("CONVERT(nvarchar(max), {name}) AS {name}")
                }
                BcpType::Image => {
                    length_of(&name, &mut select, &mut slots);
                    format!("CONVERT(varbinary(max), {name}) AS {name}")
                }
                BcpType::Char | BcpType::VarChar | BcpType::VarCharMax | BcpType::Text => {
                    match narrow(plan, column, server)? {
                        Narrow::Here(page) => {
                            text = Some(page);
                            match column.ty {
                                BcpType::Text => {
                                    length_of(&name, &mut select, &mut slots);
                                    format!("CONVERT(varchar(max), {name}) AS {name}")
                                }
                                _ => name.clone(),
                            }
                        }
                        Narrow::Server => match column.length {
                            n @ 1..=4000 => format!("CONVERT(nvarchar({n}), {name}) AS {name}"),
                            _ => format!("CONVERT(nvarchar(max), {name}) AS {name}"),
                        },
                    }
                }
                BcpType::Variant => {
                    select.push(format!("CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({name}, N'Collation'))"));
                    slots.push(Slot::VariantCollation);
                    name.clone()
                }
                BcpType::Vector => {
                    return Err(SqlError::Unsupported(format!(
                        "table {plan}, column {}: rows with a column of type vector cannot be read yet",
                        column.name
                    )));
                }
                _ => name.clone(),
            };
            // A NOT NULL char always takes its declared length in the stream; in UTF-8 and double-byte code pages it
            // may have fewer characters.
            let pad = if column.ty == BcpType::Char && !column.nullable { column.length as usize * 2 } else { 0 };
            select.push(expression);
            slots.push(Slot::Column { index, ty: column.ty, text, pad });
        }
        let mut sql = format!("SELECT {} FROM {}", select.join(", "), qualified(&plan.schema, &plan.table));
        for (i, (key, descending)) in options.order.iter().enumerate() {
            sql.push_str(if i == 0 { " ORDER BY " } else { ", " });
            sql.push_str(&identifier(key));
            sql.push_str(if *descending { " DESC" } else { " ASC" });
        }
        Ok(Self { sql, slots, plan: Arc::new(plan.clone()), collations: HashMap::new() })
    }

    /// Whether a column is a sql_variant.
    pub(super) fn has_variants(&self) -> bool {
        self.slots.iter().any(|s| matches!(s, Slot::VariantCollation))
    }

    /// The query for the collations that the table's variants have.
    pub(super) fn collations_sql(&self) -> String {
        let table = qualified(&self.plan.schema, &self.plan.table);
        let variants = self.plan.columns.iter().filter(|c| c.ty == BcpType::Variant);
        let of = variants.map(|c| {
            let property =
                format!("CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({}, N'Collation'))", identifier(&c.name));
            format!("SELECT DISTINCT {property} AS collation FROM {table} WHERE {property} IS NOT NULL")
        });
        of.collect::<Vec<_>>().join(" UNION ")
    }

    /// Compares what the server is about to send with what was planned: the table may have changed since.
    pub(super) fn check(&self, metadata: &[ColumnMetadata]) -> Result<(), String> {
        if metadata.len() != self.slots.len() {
            return Err(format!("{} columns where {} were asked for", metadata.len(), self.slots.len()));
        }
        for (slot, found) in self.slots.iter().zip(metadata) {
            let Slot::Column { index, ty, text, .. } = slot else { continue };
            let column = &self.plan.columns[*index];
            if !fits(*ty, found.data_type) {
                return Err(format!(
                    "column {} comes as {:?} where {} was expected; the table has changed",
                    column.name,
                    found.data_type,
                    column.sql_type()
                ));
            }
            // Assumption: a conversion of text to varchar(max) keeps the collation, as the documentation says of any two
            // character types; were it another code page's, every character would be in doubt.
            if let (BcpType::Text, Some(page), Some(collation)) = (ty, text, found.get_collation())
                && !page.is_of(collation)
            {
                return Err(format!("column {} comes in another code page than its own", column.name));
            }
            let scaled = matches!(
                ty,
                BcpType::Decimal | BcpType::Numeric | BcpType::Time | BcpType::DateTime2 | BcpType::DateTimeOffset
            );
            if scaled && found.get_scale() != Some(column.scale) {
                return Err(format!(
                    "column {} comes with scale {:?} where {} was expected; the table has changed",
                    column.name,
                    found.get_scale(),
                    column.sql_type()
                ));
            }
        }
        Ok(())
    }

    /// The columns of the answer that come in pieces, in order.
    pub(super) fn large(&self, metadata: &[ColumnMetadata]) -> Result<Vec<(usize, Large)>, String> {
        let mut large = Vec::new();
        for (at, (slot, found)) in self.slots.iter().zip(metadata).enumerate().filter(|(_, (_, m))| m.is_plp()) {
            let Slot::Column { index, text, .. } = slot else {
                return Err("a large value where a length was asked for".into());
            };
            let kind = match (found.plp_encoding(), text) {
                (Some(PlpEncoding::Utf16Text), _) => Large::Utf16,
                (Some(PlpEncoding::SingleByteText), Some(page)) => Large::Narrow(page.clone()),
                (Some(PlpEncoding::Binary), None) => Large::Binary,
                _ => {
                    let name = &self.plan.columns[*index].name;
                    return Err(format!("column {name} comes as {:?}, which was not asked for", found.data_type));
                }
            };
            large.push((at, kind));
        }
        Ok(large)
    }

    /// How many columns the answer has.
    pub(super) fn width(&self) -> usize {
        self.slots.len()
    }
}

/// Asks for the length of the value that follows.
fn length_of(name: &str, select: &mut Vec<String>, slots: &mut Vec<Slot>) {
    select.push(format!("DATALENGTH({name})"));
    slots.push(Slot::Length);
}

enum Narrow {
    Here(Arc<CodePage>),
    Server,
}

fn narrow(plan: &TablePlan, column: &ColumnPlan, server: Option<&ServerColumn>) -> Result<Narrow, SqlError> {
    let number = server.and_then(|s| s.code_page);
    match number {
        Some(number) if code_page::is_double_byte(number) => Ok(Narrow::Server),
        Some(number) => code_page::find(number).map(Narrow::Here).ok_or_else(|| {
            SqlError::Unsupported(format!(
                "table {plan}, column {}: code page {number} of collation {} is not supported",
                column.name,
                server.and_then(|s| s.collation.as_deref()).unwrap_or("?")
            ))
        }),
        None => Err(SqlError::Unsupported(format!(
            "table {plan}, column {}: the code page of collation {} is not known",
            column.name,
            server.and_then(|s| s.collation.as_deref()).or(column.collation.as_deref()).unwrap_or("?")
        ))),
    }
}

/// Whether a wire type can carry a type of the stream.
fn fits(ty: BcpType, found: TdsDataType) -> bool {
    use BcpType as B;
    use TdsDataType as T;
    match ty {
        B::Bit => matches!(found, T::Bit | T::BitN),
        B::TinyInt => matches!(found, T::Int1 | T::IntN),
        B::SmallInt => matches!(found, T::Int2 | T::IntN),
        B::Int => matches!(found, T::Int4 | T::IntN),
        B::BigInt => matches!(found, T::Int8 | T::IntN),
        B::Real => matches!(found, T::Flt4 | T::FltN),
        B::Float => matches!(found, T::Flt8 | T::FltN),
        B::SmallMoney => matches!(found, T::Money4 | T::MoneyN),
        B::Money => matches!(found, T::Money | T::MoneyN),
        // Fact 86: decimal and numeric columns come as different types.
        B::Decimal | B::Numeric => matches!(found, T::Decimal | T::DecimalN | T::Numeric | T::NumericN),
        B::Date => found == T::DateN,
        B::Time => found == T::TimeN,
        B::SmallDateTime => matches!(found, T::DateTim4 | T::DateTimeN),
        B::DateTime => matches!(found, T::DateTime | T::DateTimeN),
        B::DateTime2 => found == T::DateTime2N,
        B::DateTimeOffset => found == T::DateTimeOffsetN,
        B::UniqueIdentifier => found == T::Guid,
        B::Char | B::VarChar | B::VarCharMax | B::Text => {
            matches!(found, T::BigChar | T::BigVarChar | T::NVarChar)
        }
        B::NChar | B::NVarChar | B::NVarCharMax | B::NText | B::Xml | B::Json => {
            matches!(found, T::NChar | T::NVarChar)
        }
        B::Binary | B::VarBinary | B::VarBinaryMax | B::Image | B::RowVersion => {
            matches!(found, T::BigBinary | T::BigVarBinary)
        }
        B::Variant => found == T::SsVariant,
        B::HierarchyId | B::Geometry | B::Geography | B::Clr => matches!(found, T::Udt | T::BigVarBinary),
        B::Vector => false,
    }
}

/// Receives the driver's values and encodes them. The trait lets nothing fail, so the first failure is kept, and what
/// comes after it is ignored.
pub(super) struct CellWriter<'a> {
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
    pub(super) fn new(shape: &'a Shape, out: &'a mut Encoder, rows: &'a AtomicU64) -> Self {
        Self { shape, out, rows, text: Vec::new(), base: None, collation: None, length: None, failure: None }
    }

    /// Bytes encoded and not taken yet.
    pub(super) fn buffered(&self) -> usize {
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

    #[inline]
    fn put(&mut self, slot: usize, cell: Cell<'_>) {
        if self.failure.is_some() {
            return;
        }
        match self.shape.slots.get(slot) {
            Some(Slot::Column { index, .. }) => {
                if let Err(error) = self.out.cell(*index, cell) {
                    self.failure = Some(Box::new(error.into()));
                }
            }
            Some(Slot::VariantCollation) => {
                self.collation = match cell {
                    Cell::Text(name) => {
                        super::field::utf16(name).ok().and_then(|name| self.shape.collations.get(&name).copied())
                    }
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
    pub(super) fn large(&mut self, slot: usize, large: &Large, bytes: &[u8]) {
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
    pub(super) fn large_start(&mut self, slot: usize, large: &Large, length: Option<u64>) -> Pieces {
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
    pub(super) fn large_piece(&mut self, slot: usize, pieces: &mut Pieces, bytes: &[u8]) {
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
    pub(super) fn large_end(&mut self, slot: usize, pieces: &Pieces) {
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
    #[inline]
    fn value(&mut self, slot: usize, cell: Cell<'_>, digits: &[u8], bytes: &[u8]) {
        match self.base.take() {
            None => self.put(slot, cell),
            Some(base) => self.put_variant(slot, base, digits, None, bytes),
        }
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
        let mut bytes = [0; 8];
        bytes[..5].copy_from_slice(&u40(ticks));
        bytes[5..].copy_from_slice(&u24(days));
        self.value(col, Cell::DateTime2 { days, ticks }, &[val.time.scale], &bytes);
    }

    fn write_datetimeoffset(&mut self, col: usize, val: SqlDateTimeOffset) {
        let (days, ticks, offset) = (val.datetime2.days, val.datetime2.time.time_nanoseconds, val.offset);
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
