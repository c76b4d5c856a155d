//! sql_variant as the stream holds it: type byte, count of property bytes, properties, value.

use super::{Fault, ranges};

/// The base type inside a sql_variant, with its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum VariantType {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    SmallMoney,
    Money,
    Decimal {
        numeric: bool,
        precision: u8,
        scale: u8,
    },
    Date,
    Time {
        scale: u8,
    },
    DateTime2 {
        scale: u8,
    },
    DateTimeOffset {
        scale: u8,
    },
    SmallDateTime,
    DateTime,
    UniqueIdentifier,
    /// char and varchar: five bytes of TDS collation, length in bytes (of the data, in streams of DacFx and of ours); the
    /// value is in the code page.
    Char {
        varying: bool,
        collation: [u8; 5],
        length: u16,
    },
    /// nchar and nvarchar: UTF-16LE.
    NChar {
        varying: bool,
        collation: [u8; 5],
        length: u16,
    },
    Binary {
        varying: bool,
        length: u16,
    },
}

/// A sql_variant taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariantValue<'a> {
    /// The base type.
    pub ty: VariantType,
    /// The value's bytes, as the same type would have them in a column (decimal as sign and magnitude, 17 bytes).
    pub data: &'a [u8],
}

impl VariantValue<'_> {
    /// The length in the properties is that of the data: readers of the stream take it for that, and go wrong on any
    /// other.
    pub(super) fn whole(&self, payload: &[u8]) -> Result<(), Fault> {
        match self.ty {
            VariantType::Char { length, .. }
            | VariantType::NChar { length, .. }
            | VariantType::Binary { length, .. }
                if usize::from(length) != self.data.len() =>
            {
                let reason = format!("{} bytes of data where its length says {length}", self.data.len());
                Err(Fault::Variant { ty: payload.first().copied().unwrap_or(0), reason })
            }
            _ => Ok(()),
        }
    }
}

/// Takes a sql_variant's payload apart and checks it: type, properties, sizes, ranges.
pub fn parse_variant(payload: &[u8]) -> Result<VariantValue<'_>, Fault> {
    let [ty, count, rest @ ..] = payload else {
        return Err(Fault::Length { found: payload.len() as u64, expected: 2 });
    };
    let (ty, count) = (*ty, usize::from(*count));
    let fail = |reason: String| Fault::Variant { ty, reason };
    let expected = match ty {
        0x32 | 0x30 | 0x34 | 0x38 | 0x7F | 0x3B | 0x3E | 0x7A | 0x3C | 0x24 | 0x28 | 0x3D | 0x3A => 0,
        0x29..=0x2B => 1,
        0x6A | 0x6C | 0xAD | 0xA5 => 2,
        0xAF | 0xA7 | 0xEF | 0xE7 => 7,
        other => return Err(Fault::VariantType(other)),
    };
    if count != expected {
        return Err(fail(format!("{count} property bytes where {expected} must stand")));
    }
    let Some((props, mut data)) = rest.split_at_checked(count) else {
        return Err(fail("ends inside its properties".into()));
    };
    let size = data.len();
    let sized = |n: usize| match size == n {
        true => Ok(()),
        false => Err(fail(format!("{size} bytes where {n} must stand"))),
    };
    let scale_of = |props: &[u8]| match props {
        [scale @ 0..=7] => Ok(*scale),
        other => Err(fail(format!("scale {other:?}"))),
    };
    let length_of = |tail: &[u8]| u16::from_le_bytes([tail[0], tail[1]]);
    let collation_of = |props: &[u8]| [props[0], props[1], props[2], props[3], props[4]];
    let bounded = |length: u16| match size <= usize::from(length) && length <= 8000 {
        true => Ok(()),
        false => Err(fail(format!("{size} bytes in a type of {length}"))),
    };
    let ty = match ty {
        0x32 => {
            sized(1)?;
            if data[0] > 1 {
                return Err(Fault::Bit(data[0]));
            }
            VariantType::Bit
        }
        0x30 => sized(1).map(|()| VariantType::TinyInt)?,
        0x34 => sized(2).map(|()| VariantType::SmallInt)?,
        0x38 => sized(4).map(|()| VariantType::Int)?,
        0x7F => sized(8).map(|()| VariantType::BigInt)?,
        0x3B => sized(4).map(|()| VariantType::Real)?,
        0x3E => sized(8).map(|()| VariantType::Float)?,
        0x7A => sized(4).map(|()| VariantType::SmallMoney)?,
        0x3C => sized(8).map(|()| VariantType::Money)?,
        0x24 => sized(16).map(|()| VariantType::UniqueIdentifier)?,
        0x28 => {
            sized(3)?;
            ranges::date(u24(data))?;
            VariantType::Date
        }
        0x29 => {
            let scale = scale_of(props)?;
            sized(5)?;
            ranges::time(u40(data), scale)?;
            VariantType::Time { scale }
        }
        0x2A => {
            let scale = scale_of(props)?;
            sized(8)?;
            ranges::time(u40(data), scale)?;
            ranges::date(u24(&data[5..]))?;
            VariantType::DateTime2 { scale }
        }
        0x2B => {
            let scale = scale_of(props)?;
            sized(10)?;
            ranges::time(u40(data), scale)?;
            ranges::date(u24(&data[5..]))?;
            ranges::offset(i16::from_le_bytes([data[8], data[9]]))?;
            VariantType::DateTimeOffset { scale }
        }
        0x3D => {
            sized(8)?;
            let days = i32::from_le_bytes([data[0], data[1], data[2], data[3]]);
            ranges::datetime(days, u32::from_le_bytes([data[4], data[5], data[6], data[7]]))?;
            VariantType::DateTime
        }
        0x3A => {
            sized(4)?;
            ranges::minutes(u16::from_le_bytes([data[2], data[3]]))?;
            VariantType::SmallDateTime
        }
        0x6A | 0x6C => {
            let (precision, scale) = (props[0], props[1]);
            // DacFx writes sign and magnitude; other writers are known to repeat precision and scale before them.
            if data.len() == 19 && data[..2] == props[..] {
                data = &data[2..];
            }
            if data.len() != 17 {
                return Err(fail(format!("{} bytes where 17 must stand", data.len())));
            }
            if !(1..=38).contains(&precision) || scale > precision {
                return Err(fail(format!("precision {precision} and scale {scale} cannot be")));
            }
            if data[0] > 1 {
                return Err(Fault::DecimalSign(data[0]));
            }
            let mut magnitude = [0; 16];
            magnitude.copy_from_slice(&data[1..]);
            ranges::decimal(u128::from_le_bytes(magnitude), precision)?;
            VariantType::Decimal { numeric: ty == 0x6C, precision, scale }
        }
        0xAF | 0xA7 => {
            let length = length_of(&props[5..]);
            bounded(length)?;
            VariantType::Char { varying: ty == 0xA7, collation: collation_of(props), length }
        }
        0xEF | 0xE7 => {
            let length = length_of(&props[5..]);
            bounded(length)?;
            if !data.len().is_multiple_of(2) {
                return Err(Fault::OddText { found: data.len() as u64 });
            }
            VariantType::NChar { varying: ty == 0xE7, collation: collation_of(props), length }
        }
        _ => {
            let length = length_of(props);
            bounded(length)?;
            VariantType::Binary { varying: ty == 0xA5, length }
        }
    };
    Ok(VariantValue { ty, data })
}

pub(super) fn u24(b: &[u8]) -> u32 {
    u32::from_le_bytes([b[0], b[1], b[2], 0])
}

pub(super) fn u40(b: &[u8]) -> u64 {
    u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], 0, 0, 0])
}
