//! The row form: how a row lies in storage and travels between wire and engine, so that a plain SELECT or a bulk load
//! of the same types is a copy and no decoding.
//!
//! It is the body of a TDS ROW token in which every type is the nullable one, whether the column is nullable or not
//! (the wire leaves out the length byte where it announced a fixed type, and builds NBCROW). Little-endian. Framing:
//!
//! | types | frame | NULL |
//! |---|---|---|
//! | numbers, dates, bit, uniqueidentifier, decimal | u8 length, data | length 0 |
//! | bounded char, binary, rowversion | u16 length, data | 0xFFFF |
//! | (max), xml, CLR types | u64 length, one chunk (u32 length, data; none if empty), u32 0 | u64 all ones |
//! | text, ntext, image | 0x10, [`TEXT_POINTER`], u32 length, data | 0x00 |
//! | sql_variant | u32 length, base type, property count, properties, data | length 0 |
//!
//! The form is canonical: one value has one representation. decimal has the length of its declared precision (5, 9, 13
//! or 17 with the sign byte); a PLP value has one chunk.

use std::ops::Range;

use super::value::{Base, MAX, SqlType, Value};
use super::variant;

/// What stands in the place of a text pointer and its timestamp: 16 + 8 bytes that mean nothing, as the server sends.
pub const TEXT_POINTER: [u8; 24] = *b"dummy textptr\0\0\0dummyTS\0";

/// Highest day of `date`: 9999-12-31.
pub const LAST_DAY: u32 = 3_652_058;
/// 100 ns in a day.
pub const DAY_TICKS: u64 = 864_000_000_000;
/// 1/300 s in a day.
pub const DAY_THREE_HUNDREDTHS: u32 = 25_920_000;
/// Bytes a value of a (max) type may have: 2^31 - 1.
pub const MAX_BYTES: u64 = i32::MAX as u64;

/// What is wrong with a row. `column` counts from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFormError {
    /// The body ends inside a cell.
    #[error("column {column}: the row ends inside the cell")]
    Truncated {
        /// From 1.
        column: usize,
    },
    /// Bytes are left over.
    #[error("{bytes} bytes after the last column")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// The number of values is not that of the columns.
    #[error("{values} values for {columns} columns")]
    Count {
        /// Given.
        values: usize,
        /// Expected.
        columns: usize,
    },
    /// The value is of another type than the column.
    #[error("column {column}: the value is no {base:?}")]
    Mismatch {
        /// From 1.
        column: usize,
        /// The column's type.
        base: Base,
    },
    /// A length, a digit or a date outside the type's range.
    #[error("column {column}: not a valid {base:?}: {why}")]
    Invalid {
        /// From 1.
        column: usize,
        /// The column's type.
        base: Base,
        /// What.
        why: &'static str,
    },
}

/// How a cell is framed; see the module's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// u8 length.
    Byte,
    /// u16 length.
    Short,
    /// u64 length and chunks.
    Plp,
    /// Text pointer, u32 length.
    Pointer,
    /// u32 length (sql_variant).
    Long,
}

impl Frame {
    /// The frame of a type.
    pub fn of(ty: &SqlType) -> Self {
        match ty.base {
            Base::Char | Base::VarChar | Base::NChar | Base::NVarChar | Base::Binary | Base::VarBinary => {
                if ty.length == MAX { Self::Plp } else { Self::Short }
            }
            Base::RowVersion => Self::Short,
            Base::Text | Base::NText | Base::Image => Self::Pointer,
            Base::Xml | Base::HierarchyId | Base::Geometry | Base::Geography | Base::Clr => Self::Plp,
            Base::Variant => Self::Long,
            _ => Self::Byte,
        }
    }

    /// The cell at `at`: where its data lies (None: NULL) and where the next cell begins. None if the body ends before.
    pub fn split(self, body: &[u8], at: usize) -> Option<(Option<Range<usize>>, usize)> {
        let rest = body.get(at..)?;
        match self {
            Self::Byte => {
                let length = usize::from(*rest.first()?);
                if length == 0 {
                    return Some((None, at + 1));
                }
                (rest.len() > length).then_some((Some(at + 1..at + 1 + length), at + 1 + length))
            }
            Self::Short => {
                let length = u16::from_le_bytes(*rest.first_chunk()?);
                if length == u16::MAX {
                    return Some((None, at + 2));
                }
                let end = 2 + usize::from(length);
                (rest.len() >= end).then_some((Some(at + 2..at + end), at + end))
            }
            Self::Plp => {
                let length = u64::from_le_bytes(*rest.first_chunk()?);
                if length == u64::MAX {
                    return Some((None, at + 8));
                }
                if length == 0 {
                    return (rest.len() >= 12).then_some((Some(at + 12..at + 12), at + 12));
                }
                let length = usize::try_from(length).ok().filter(|n| *n as u64 <= MAX_BYTES)?;
                let chunk = u32::from_le_bytes(*rest.get(8..)?.first_chunk()?);
                let end = 12 + length + 4;
                (chunk as usize == length && rest.len() >= end).then_some((Some(at + 12..at + 12 + length), at + end))
            }
            Self::Pointer => {
                if *rest.first()? == 0 {
                    return Some((None, at + 1));
                }
                let length = u32::from_le_bytes(*rest.get(25..)?.first_chunk()?) as usize;
                let end = 29usize.checked_add(length)?;
                (rest.len() >= end).then_some((Some(at + 29..at + end), at + end))
            }
            Self::Long => {
                let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
                if length == 0 {
                    return Some((None, at + 4));
                }
                let end = 4usize.checked_add(length)?;
                (rest.len() >= end).then_some((Some(at + 4..at + end), at + end))
            }
        }
    }

    /// Appends a cell with this data.
    pub fn put(self, data: Option<&[u8]>, out: &mut Vec<u8>) {
        match (self, data) {
            (Self::Byte, None) | (Self::Pointer, None) => out.push(0),
            (Self::Byte, Some(data)) => {
                out.push(data.len() as u8);
                out.extend_from_slice(data);
            }
            (Self::Short, None) => out.extend_from_slice(&[0xFF, 0xFF]),
            (Self::Short, Some(data)) => {
                out.extend_from_slice(&(data.len() as u16).to_le_bytes());
                out.extend_from_slice(data);
            }
            (Self::Plp, None) => out.extend_from_slice(&[0xFF; 8]),
            (Self::Plp, Some(data)) => {
                out.extend_from_slice(&(data.len() as u64).to_le_bytes());
                if !data.is_empty() {
                    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
                    out.extend_from_slice(data);
                }
                out.extend_from_slice(&[0; 4]);
            }
            (Self::Pointer, Some(data)) => {
                out.push(16);
                out.extend_from_slice(&TEXT_POINTER);
                out.extend_from_slice(&(data.len() as u32).to_le_bytes());
                out.extend_from_slice(data);
            }
            (Self::Long, None) => out.extend_from_slice(&[0; 4]),
            (Self::Long, Some(data)) => {
                out.extend_from_slice(&(data.len() as u32).to_le_bytes());
                out.extend_from_slice(data);
            }
        }
    }
}

/// A cell of a row in row form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Frame and data: may be copied into another row of the same type as it is.
    pub whole: &'a [u8],
    /// The data without its frame; None is NULL. Equal values of a type have equal data.
    pub data: Option<&'a [u8]>,
}

/// The plan by which rows of these columns are read and written.
#[derive(Debug, Clone)]
pub struct RowForm {
    columns: Vec<(SqlType, Frame)>,
}

impl RowForm {
    /// A plan for columns of these types.
    pub fn new<'t>(types: impl IntoIterator<Item = &'t SqlType>) -> Self {
        Self { columns: types.into_iter().map(|ty| (ty.clone(), Frame::of(ty))).collect() }
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The type of a column, from 0.
    pub fn column(&self, index: usize) -> Option<&SqlType> {
        self.columns.get(index).map(|(ty, _)| ty)
    }

    /// The frame of a column, from 0.
    pub fn frame(&self, index: usize) -> Option<Frame> {
        self.columns.get(index).map(|(_, frame)| *frame)
    }

    /// Appends a row.
    pub fn encode(&self, row: &[Value], out: &mut Vec<u8>) -> Result<(), RowFormError> {
        if row.len() != self.columns.len() {
            return Err(RowFormError::Count { values: row.len(), columns: self.columns.len() });
        }
        for (index, ((ty, _), value)) in self.columns.iter().zip(row).enumerate() {
            encode_cell(ty, value, out).map_err(|fault| fault.at(index, ty.base))?;
        }
        Ok(())
    }

    /// The row's values.
    pub fn decode(&self, body: &[u8]) -> Result<Vec<Value>, RowFormError> {
        let mut row = Vec::with_capacity(self.columns.len());
        self.decode_into(body, &mut row)?;
        Ok(row)
    }

    /// The row's values, appended to `row`.
    pub fn decode_into(&self, body: &[u8], row: &mut Vec<Value>) -> Result<(), RowFormError> {
        let mut at = 0;
        for (index, (ty, frame)) in self.columns.iter().enumerate() {
            let (data, next) = frame.split(body, at).ok_or(RowFormError::Truncated { column: index + 1 })?;
            at = next;
            row.push(match data {
                None => Value::Null,
                Some(range) => decode_data(ty, &body[range]).map_err(|fault| fault.at(index, ty.base))?,
            });
        }
        if at != body.len() {
            return Err(RowFormError::Trailing { bytes: body.len() - at });
        }
        Ok(())
    }

    /// The cells in order, undecoded. The iterator ends at the last column; trailing bytes are not looked at.
    pub fn cells<'a, 'b>(
        &'a self,
        body: &'b [u8],
    ) -> impl Iterator<Item = Result<Cell<'b>, RowFormError>> + use<'a, 'b> {
        let mut at = 0;
        self.columns.iter().enumerate().map(move |(index, (_, frame))| {
            let (data, next) = frame.split(body, at).ok_or(RowFormError::Truncated { column: index + 1 })?;
            let whole = &body[at..next];
            at = next;
            Ok(Cell { whole, data: data.map(|range| &body[range]) })
        })
    }

    /// One cell, undecoded; the cells before it are skipped.
    pub fn cell<'b>(&self, body: &'b [u8], index: usize) -> Result<Cell<'b>, RowFormError> {
        self.cells(body).nth(index).unwrap_or(Err(RowFormError::Truncated { column: index + 1 }))
    }

    /// One value; the cells before it are skipped.
    pub fn value(&self, body: &[u8], index: usize) -> Result<Value, RowFormError> {
        let cell = self.cell(body, index)?;
        let Some((ty, _)) = self.columns.get(index) else { return Err(RowFormError::Truncated { column: index + 1 }) };
        match cell.data {
            None => Ok(Value::Null),
            Some(data) => decode_data(ty, data).map_err(|fault| fault.at(index, ty.base)),
        }
    }
}

/// A fault of one cell, before its column is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellFault {
    /// The value is of another type.
    Mismatch,
    /// Outside the type's range.
    Invalid(&'static str),
}

impl CellFault {
    /// The error for column `index` (from 0).
    pub fn at(self, index: usize, base: Base) -> RowFormError {
        match self {
            Self::Mismatch => RowFormError::Mismatch { column: index + 1, base },
            Self::Invalid(why) => RowFormError::Invalid { column: index + 1, base, why },
        }
    }
}

/// Bytes of the time part of time, datetime2 and datetimeoffset.
pub fn time_bytes(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3 | 4 => 4,
        _ => 5,
    }
}

/// Bytes of a decimal with its sign, by declared precision.
pub fn decimal_bytes(precision: u8) -> usize {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// 100 ns per unit of a time of this scale.
pub fn tick_unit(scale: u8) -> u64 {
    10u64.pow(u32::from(7u8.saturating_sub(scale)))
}

/// The longest data a type may have, in bytes; `None` where the length is fixed by the type.
fn longest(ty: &SqlType) -> u64 {
    match Frame::of(ty) {
        Frame::Short if ty.base == Base::RowVersion => 8,
        Frame::Short => u64::from(ty.length),
        _ => MAX_BYTES,
    }
}

/// Whether bytes without their frame are a valid value of the type: what [`decode_data`] would refuse, without decoding.
pub fn check_data(ty: &SqlType, data: &[u8]) -> Result<(), CellFault> {
    let length = |expected: usize| {
        if data.len() == expected { Ok(()) } else { Err(CellFault::Invalid("wrong length")) }
    };
    match ty.base {
        Base::Bit | Base::TinyInt => length(1),
        Base::SmallInt => length(2),
        Base::Int | Base::Real | Base::SmallMoney => length(4),
        Base::BigInt | Base::Float | Base::Money => length(8),
        Base::UniqueIdentifier => length(16),
        Base::RowVersion => length(8),
        Base::SmallDateTime => {
            length(4)?;
            if u16::from_le_bytes([data[2], data[3]]) >= 1440 {
                return Err(CellFault::Invalid("minutes outside the day"));
            }
            Ok(())
        }
        Base::DateTime => {
            length(8)?;
            // 1753-01-01 to 9999-12-31.
            if !(-53_690..=2_958_463).contains(&i32_at(data, 0)) {
                return Err(CellFault::Invalid("date out of range"));
            }
            if i32_at(data, 4) as u32 >= DAY_THREE_HUNDREDTHS {
                return Err(CellFault::Invalid("time outside the day"));
            }
            Ok(())
        }
        Base::Decimal | Base::Numeric => {
            length(decimal_bytes(ty.precision))?;
            if data[0] > 1 {
                return Err(CellFault::Invalid("sign byte"));
            }
            if magnitude(&data[1..]) >= 10u128.pow(u32::from(ty.precision.min(38))) {
                return Err(CellFault::Invalid("more digits than the precision"));
            }
            Ok(())
        }
        Base::Date => {
            length(3)?;
            day(data).map(drop)
        }
        Base::Time => {
            length(time_bytes(ty.scale))?;
            ticks(data, ty.scale).map(drop)
        }
        Base::DateTime2 => {
            let time = time_bytes(ty.scale);
            length(time + 3)?;
            ticks(&data[..time], ty.scale)?;
            day(&data[time..]).map(drop)
        }
        Base::DateTimeOffset => {
            let time = time_bytes(ty.scale);
            length(time + 5)?;
            ticks(&data[..time], ty.scale)?;
            day(&data[time..time + 3])?;
            if !(-840..=840).contains(&i16::from_le_bytes([data[time + 3], data[time + 4]])) {
                return Err(CellFault::Invalid("offset beyond 14 hours"));
            }
            Ok(())
        }
        Base::NChar | Base::NVarChar | Base::NText | Base::Xml => {
            if !data.len().is_multiple_of(2) {
                return Err(CellFault::Invalid("half a UTF-16 unit"));
            }
            within(ty, data)
        }
        Base::Char | Base::VarChar | Base::Text | Base::Binary | Base::VarBinary | Base::Image => within(ty, data),
        Base::HierarchyId | Base::Geometry | Base::Geography | Base::Clr => within(ty, data),
        Base::Variant => variant::decode(data).map(drop),
    }
}

fn within(ty: &SqlType, data: &[u8]) -> Result<(), CellFault> {
    if data.len() as u64 > longest(ty) { Err(CellFault::Invalid("longer than the type")) } else { Ok(()) }
}

/// The value of bytes without their frame.
pub fn decode_data(ty: &SqlType, data: &[u8]) -> Result<Value, CellFault> {
    check_data(ty, data)?;
    Ok(match ty.base {
        Base::Bit => Value::Bit(data[0] != 0),
        Base::TinyInt => Value::TinyInt(data[0]),
        Base::SmallInt => Value::SmallInt(i16::from_le_bytes([data[0], data[1]])),
        Base::Int => Value::Int(i32_at(data, 0)),
        Base::BigInt => Value::BigInt(i64::from_le_bytes(eight(data))),
        Base::Real => Value::Real(f32::from_bits(i32_at(data, 0) as u32)),
        Base::Float => Value::Float(f64::from_bits(u64::from_le_bytes(eight(data)))),
        Base::SmallMoney => Value::SmallMoney(i32_at(data, 0)),
        Base::Money => Value::Money((i64::from(i32_at(data, 0)) << 32) | i64::from(i32_at(data, 4) as u32)),
        Base::Decimal | Base::Numeric => {
            let magnitude = magnitude(&data[1..]);
            Value::Decimal {
                negative: data[0] == 0 && magnitude != 0,
                magnitude,
                precision: ty.precision,
                scale: ty.scale,
            }
        }
        Base::Date => Value::Date(day(data)?),
        Base::Time => Value::Time { ticks: ticks(data, ty.scale)?, scale: ty.scale },
        Base::DateTime2 => {
            let (time, date) = data.split_at(time_bytes(ty.scale));
            Value::DateTime2 { days: day(date)?, ticks: ticks(time, ty.scale)?, scale: ty.scale }
        }
        Base::DateTimeOffset => {
            let (time, rest) = data.split_at(time_bytes(ty.scale));
            Value::DateTimeOffset {
                days: day(rest)?,
                ticks: ticks(time, ty.scale)?,
                scale: ty.scale,
                offset: i16::from_le_bytes([rest[3], rest[4]]),
            }
        }
        Base::DateTime => Value::DateTime { days: i32_at(data, 0), ticks: i32_at(data, 4) as u32 },
        Base::SmallDateTime => Value::SmallDateTime {
            days: u16::from_le_bytes([data[0], data[1]]),
            minutes: u16::from_le_bytes([data[2], data[3]]),
        },
        Base::UniqueIdentifier => {
            let mut guid = [0; 16];
            guid.copy_from_slice(data);
            Value::Guid(guid)
        }
        Base::Char | Base::VarChar | Base::Text => Value::Char(data.into()),
        Base::NChar | Base::NVarChar | Base::NText | Base::Xml => Value::NChar(data.into()),
        Base::Binary
        | Base::VarBinary
        | Base::Image
        | Base::RowVersion
        | Base::HierarchyId
        | Base::Geometry
        | Base::Geography
        | Base::Clr => Value::Binary(data.into()),
        Base::Variant => Value::Variant(variant::decode(data)?.into()),
    })
}

/// Appends a cell, frame and data, for a value of the type.
pub fn encode_cell(ty: &SqlType, value: &Value, out: &mut Vec<u8>) -> Result<(), CellFault> {
    let frame = Frame::of(ty);
    match value {
        Value::Null => {
            frame.put(None, out);
            Ok(())
        }
        Value::Char(data) | Value::NChar(data) | Value::Binary(data) => {
            let fits = match ty.base {
                Base::Char | Base::VarChar | Base::Text => matches!(value, Value::Char(_)),
                Base::NChar | Base::NVarChar | Base::NText | Base::Xml => matches!(value, Value::NChar(_)),
                Base::Variant => false,
                _ => frame != Frame::Byte && matches!(value, Value::Binary(_)),
            };
            if !fits {
                return Err(CellFault::Mismatch);
            }
            check_data(ty, data)?;
            frame.put(Some(data), out);
            Ok(())
        }
        Value::Variant(inner) if ty.base == Base::Variant => {
            let at = out.len();
            out.extend_from_slice(&[0; 4]);
            variant::encode(inner, out)?;
            let length = (out.len() - at - 4) as u32;
            out[at..at + 4].copy_from_slice(&length.to_le_bytes());
            Ok(())
        }
        _ if frame == Frame::Byte => {
            let at = out.len();
            out.push(0);
            encode_data(ty, value, out)?;
            out[at] = (out.len() - at - 1) as u8;
            Ok(())
        }
        _ => Err(CellFault::Mismatch),
    }
}

/// Appends the data of a value (not NULL, no variant) without a frame.
pub fn encode_data(ty: &SqlType, value: &Value, out: &mut Vec<u8>) -> Result<(), CellFault> {
    match (ty.base, value) {
        (Base::Bit, Value::Bit(v)) => out.push(u8::from(*v)),
        (Base::TinyInt, Value::TinyInt(v)) => out.push(*v),
        (Base::SmallInt, Value::SmallInt(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (Base::Int, Value::Int(v)) | (Base::SmallMoney, Value::SmallMoney(v)) => {
            out.extend_from_slice(&v.to_le_bytes());
        }
        (Base::BigInt, Value::BigInt(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (Base::Real, Value::Real(v)) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
        (Base::Float, Value::Float(v)) => out.extend_from_slice(&v.to_bits().to_le_bytes()),
        (Base::Money, Value::Money(v)) => {
            out.extend_from_slice(&((v >> 32) as i32).to_le_bytes());
            out.extend_from_slice(&(*v as u32).to_le_bytes());
        }
        (Base::Decimal | Base::Numeric, Value::Decimal { negative, magnitude, scale, .. }) => {
            if *scale != ty.scale {
                return Err(CellFault::Invalid("another scale"));
            }
            if *magnitude >= 10u128.pow(u32::from(ty.precision.min(38))) {
                return Err(CellFault::Invalid("more digits than the precision"));
            }
            out.push(u8::from(!*negative || *magnitude == 0));
            out.extend_from_slice(&magnitude.to_le_bytes()[..decimal_bytes(ty.precision) - 1]);
        }
        (Base::Date, Value::Date(days)) => put_day(*days, out)?,
        (Base::Time, Value::Time { ticks, .. }) => put_ticks(*ticks, ty.scale, out)?,
        (Base::DateTime2, Value::DateTime2 { days, ticks, .. }) => {
            put_ticks(*ticks, ty.scale, out)?;
            put_day(*days, out)?;
        }
        (Base::DateTimeOffset, Value::DateTimeOffset { days, ticks, offset, .. }) => {
            put_ticks(*ticks, ty.scale, out)?;
            put_day(*days, out)?;
            out.extend_from_slice(&offset.to_le_bytes());
        }
        (Base::DateTime, Value::DateTime { days, ticks }) => {
            out.extend_from_slice(&days.to_le_bytes());
            out.extend_from_slice(&ticks.to_le_bytes());
        }
        (Base::SmallDateTime, Value::SmallDateTime { days, minutes }) => {
            out.extend_from_slice(&days.to_le_bytes());
            out.extend_from_slice(&minutes.to_le_bytes());
        }
        (Base::UniqueIdentifier, Value::Guid(guid)) => out.extend_from_slice(guid),
        (Base::Char | Base::VarChar, Value::Char(data))
        | (Base::NChar | Base::NVarChar, Value::NChar(data))
        | (Base::Binary | Base::VarBinary | Base::RowVersion, Value::Binary(data)) => {
            check_data(ty, data)?;
            out.extend_from_slice(data);
        }
        _ => return Err(CellFault::Mismatch),
    }
    Ok(())
}

fn i32_at(data: &[u8], at: usize) -> i32 {
    i32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
}

fn eight(data: &[u8]) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(data);
    out
}

/// A magnitude of up to 16 bytes.
pub(super) fn magnitude(data: &[u8]) -> u128 {
    let mut out = [0; 16];
    out[..data.len()].copy_from_slice(data);
    u128::from_le_bytes(out)
}

fn day(data: &[u8]) -> Result<u32, CellFault> {
    let days = u32::from_le_bytes([data[0], data[1], data[2], 0]);
    if days > LAST_DAY { Err(CellFault::Invalid("date out of range")) } else { Ok(days) }
}

fn ticks(data: &[u8], scale: u8) -> Result<u64, CellFault> {
    let mut out = [0; 8];
    out[..data.len()].copy_from_slice(data);
    // Five bytes times 10^7 stay below 2^64.
    let ticks = u64::from_le_bytes(out) * tick_unit(scale);
    if ticks >= DAY_TICKS { Err(CellFault::Invalid("time outside the day")) } else { Ok(ticks) }
}

fn put_day(days: u32, out: &mut Vec<u8>) -> Result<(), CellFault> {
    if days > LAST_DAY {
        return Err(CellFault::Invalid("date out of range"));
    }
    out.extend_from_slice(&days.to_le_bytes()[..3]);
    Ok(())
}

fn put_ticks(ticks: u64, scale: u8, out: &mut Vec<u8>) -> Result<(), CellFault> {
    let unit = tick_unit(scale);
    if ticks >= DAY_TICKS {
        return Err(CellFault::Invalid("time outside the day"));
    }
    if !ticks.is_multiple_of(unit) {
        return Err(CellFault::Invalid("more digits than the scale"));
    }
    out.extend_from_slice(&(ticks / unit).to_le_bytes()[..time_bytes(scale)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::collation;
    use super::super::value::Variant;
    use super::*;

    fn ty(base: Base, length: u32, precision: u8, scale: u8) -> SqlType {
        let collation = match base {
            Base::Char | Base::VarChar | Base::Text | Base::NChar | Base::NVarChar | Base::NText => {
                Some(collation::default())
            }
            _ => None,
        };
        SqlType { base, length, precision, scale, collation, detail: None }
    }

    fn samples() -> Vec<(SqlType, Value, &'static [u8])> {
        use Base as B;
        let variant = |inner: SqlType, value: Value| Value::Variant(Variant { ty: inner, value }.into());
        vec![
            (ty(B::Bit, 0, 0, 0), Value::Bit(true), &[1, 1]),
            (ty(B::TinyInt, 0, 0, 0), Value::TinyInt(255), &[1, 255]),
            (ty(B::SmallInt, 0, 0, 0), Value::SmallInt(-2), &[2, 0xFE, 0xFF]),
            (ty(B::Int, 0, 0, 0), Value::Int(i32::MIN), &[4, 0, 0, 0, 0x80]),
            (ty(B::BigInt, 0, 0, 0), Value::BigInt(1), &[8, 1, 0, 0, 0, 0, 0, 0, 0]),
            (ty(B::Real, 0, 0, 0), Value::Real(1.0), &[4, 0, 0, 0x80, 0x3F]),
            (ty(B::Float, 0, 0, 0), Value::Float(-2.0), &[8, 0, 0, 0, 0, 0, 0, 0, 0xC0]),
            (ty(B::SmallMoney, 0, 0, 0), Value::SmallMoney(10_000), &[4, 0x10, 0x27, 0, 0]),
            (ty(B::Money, 0, 0, 0), Value::Money(-1), &[8, 255, 255, 255, 255, 255, 255, 255, 255]),
            (ty(B::Money, 0, 0, 0), Value::Money(0x1_0000_0002), &[8, 1, 0, 0, 0, 2, 0, 0, 0]),
            (
                ty(B::Decimal, 0, 9, 2),
                Value::Decimal { negative: true, magnitude: 123, precision: 9, scale: 2 },
                &[5, 0, 123, 0, 0, 0],
            ),
            (
                ty(B::Numeric, 0, 10, 0),
                Value::Decimal { negative: false, magnitude: 1, precision: 10, scale: 0 },
                &[9, 1, 1, 0, 0, 0, 0, 0, 0, 0],
            ),
            (ty(B::Date, 0, 0, 0), Value::Date(LAST_DAY), &[3, 0xDA, 0xB9, 0x37]),
            (ty(B::Time, 0, 0, 0), Value::Time { ticks: 10_000_000, scale: 0 }, &[3, 1, 0, 0]),
            (ty(B::Time, 0, 0, 7), Value::Time { ticks: DAY_TICKS - 1, scale: 7 }, &[5, 0xFF, 0xBF, 0x69, 0x2A, 0xC9]),
            (
                ty(B::DateTime2, 0, 0, 3),
                Value::DateTime2 { days: 1, ticks: 20_000, scale: 3 },
                &[7, 2, 0, 0, 0, 1, 0, 0],
            ),
            (
                ty(B::DateTimeOffset, 0, 0, 7),
                Value::DateTimeOffset { days: 1, ticks: 3, scale: 7, offset: -60 },
                &[10, 3, 0, 0, 0, 0, 1, 0, 0, 0xC4, 0xFF],
            ),
            (ty(B::DateTime, 0, 0, 0), Value::DateTime { days: -1, ticks: 1 }, &[8, 255, 255, 255, 255, 1, 0, 0, 0]),
            (ty(B::SmallDateTime, 0, 0, 0), Value::SmallDateTime { days: 1, minutes: 2 }, &[4, 1, 0, 2, 0]),
            (ty(B::UniqueIdentifier, 0, 0, 0), Value::Guid(*b"0123456789abcdef"), b"\x100123456789abcdef"),
            (ty(B::VarChar, 3, 0, 0), Value::Char(b"ab"[..].into()), b"\x02\0ab"),
            (ty(B::NVarChar, 4, 0, 0), Value::NChar(b"\x3D\xD8"[..].into()), b"\x02\0\x3D\xD8"),
            (ty(B::VarBinary, 8, 0, 0), Value::Binary([][..].into()), b"\0\0"),
            (ty(B::RowVersion, 8, 0, 0), Value::Binary(b"12345678"[..].into()), b"\x08\x0012345678"),
            (ty(B::VarChar, MAX, 0, 0), Value::Char(b"x"[..].into()), b"\x01\0\0\0\0\0\0\0\x01\0\0\0x\0\0\0\0"),
            (ty(B::VarBinary, MAX, 0, 0), Value::Binary([][..].into()), &[0; 12]),
            (ty(B::Xml, 0, 0, 0), Value::NChar(b"<\0"[..].into()), b"\x02\0\0\0\0\0\0\0\x02\0\0\0<\0\0\0\0\0"),
            (ty(B::Text, 0, 0, 0), Value::Char(b"t"[..].into()), b"\x10dummy textptr\0\0\0dummyTS\0\x01\0\0\0t"),
            (ty(B::Variant, 0, 0, 0), variant(ty(B::Int, 0, 0, 0), Value::Int(7)), b"\x06\0\0\0\x38\0\x07\0\0\0"),
            (
                ty(B::Variant, 0, 0, 0),
                variant(ty(B::VarChar, 2, 0, 0), Value::Char(b"a"[..].into())),
                b"\x0A\0\0\0\xA7\x07\x09\x04\xD0\x00\x34\x02\0a",
            ),
            (
                ty(B::Variant, 0, 0, 0),
                variant(
                    ty(B::Numeric, 0, 5, 2),
                    Value::Decimal { negative: false, magnitude: 1, precision: 5, scale: 2 },
                ),
                b"\x09\0\0\0\x6C\x02\x05\x02\x01\x01\0\0\0",
            ),
        ]
    }

    #[test]
    fn every_type_has_the_bytes_of_the_protocol_and_comes_back() {
        for (ty, value, bytes) in samples() {
            let form = RowForm::new([&ty]);
            let mut body = Vec::new();
            form.encode(std::slice::from_ref(&value), &mut body).unwrap_or_else(|e| panic!("{ty:?}: {e}"));
            assert_eq!(body, bytes, "{ty:?}");
            assert_eq!(form.decode(&body).unwrap(), [value]);
        }
    }

    #[test]
    fn null_of_every_type_comes_back() {
        let types: Vec<SqlType> = samples().into_iter().map(|(ty, ..)| ty).collect();
        let form = RowForm::new(&types);
        let row = vec![Value::Null; types.len()];
        let mut body = Vec::new();
        form.encode(&row, &mut body).unwrap();
        assert_eq!(form.decode(&body).unwrap(), row);
        assert!(form.cells(&body).all(|cell| cell.unwrap().data.is_none()));
    }

    #[test]
    fn a_row_cut_anywhere_is_an_error_and_never_a_panic() {
        let samples = samples();
        let form = RowForm::new(samples.iter().map(|(ty, ..)| ty));
        let body: Vec<u8> = samples.iter().flat_map(|(_, _, bytes)| bytes.iter().copied()).collect();
        assert_eq!(form.decode(&body).unwrap().len(), samples.len());
        for end in 0..body.len() {
            assert!(form.decode(&body[..end]).is_err(), "{end}");
        }
        let mut longer = body.clone();
        longer.push(0);
        assert_eq!(form.decode(&longer), Err(RowFormError::Trailing { bytes: 1 }));
    }

    #[test]
    fn values_outside_their_type_are_refused_on_both_ways() {
        let refused: [(SqlType, &[u8]); 9] = [
            (ty(Base::Int, 0, 0, 0), &[3, 1, 2, 3]),
            (ty(Base::Date, 0, 0, 0), &[3, 0xDB, 0xB9, 0x37]),
            (ty(Base::Time, 0, 0, 0), &[3, 0x80, 0x51, 0x01]),
            (ty(Base::Decimal, 0, 1, 0), &[5, 1, 10, 0, 0, 0]),
            (ty(Base::Decimal, 0, 1, 0), &[5, 2, 1, 0, 0, 0]),
            (ty(Base::NVarChar, 8, 0, 0), &[1, 0, 65]),
            (ty(Base::VarChar, 1, 0, 0), &[2, 0, 65, 65]),
            (ty(Base::DateTime, 0, 0, 0), &[8, 0, 0, 0, 0, 0, 0x82, 0x8B, 0x01]),
            (ty(Base::Variant, 0, 0, 0), &[2, 0, 0, 0, 0x62, 0]),
        ];
        for (ty, body) in refused {
            assert!(matches!(RowForm::new([&ty]).decode(body), Err(RowFormError::Invalid { column: 1, .. })), "{ty:?}");
        }
        let form = RowForm::new([&ty(Base::Decimal, 0, 3, 1)]);
        let too_long = Value::Decimal { negative: false, magnitude: 1000, precision: 4, scale: 1 };
        assert!(form.encode(&[too_long], &mut Vec::new()).is_err());
        assert!(matches!(form.encode(&[Value::Int(1)], &mut Vec::new()), Err(RowFormError::Mismatch { .. })));
        assert!(matches!(form.encode(&[], &mut Vec::new()), Err(RowFormError::Count { .. })));
    }
}
