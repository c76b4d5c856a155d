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

mod cell;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::value::{Base, MAX, SqlType, Value};

pub(super) use cell::magnitude;
pub use cell::{check_data, decimal_bytes, decode_data, encode_cell, encode_data, tick_unit, time_bytes};

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
