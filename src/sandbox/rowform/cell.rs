//! The data of a cell: how the value of each type lies in bytes, and which bytes are a value of it.

use crate::sandbox::value::{Base, SqlType, Value};
use crate::sandbox::variant;

use super::{CellFault, DAY_THREE_HUNDREDTHS, DAY_TICKS, Frame, LAST_DAY, MAX_BYTES};

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
pub(in crate::sandbox) fn magnitude(data: &[u8]) -> u128 {
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
