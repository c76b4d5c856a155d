//! What is inside a sql_variant, in the bytes of the wire: base type, property count, properties, data.

use super::collation;
use super::rowform::{CellFault, decimal_bytes, decode_data, encode_data, magnitude};
use super::value::{Base, SqlType, Value, Variant};

/// Most bytes a sql_variant may have, type and properties included.
pub const MAX_VARIANT: usize = 8016;

/// The base types of a sql_variant, with their type bytes and the length of their properties.
const BASES: [(u8, Base, u8); 24] = [
    (0x24, Base::UniqueIdentifier, 0),
    (0x28, Base::Date, 0),
    (0x29, Base::Time, 1),
    (0x2A, Base::DateTime2, 1),
    (0x2B, Base::DateTimeOffset, 1),
    (0x30, Base::TinyInt, 0),
    (0x32, Base::Bit, 0),
    (0x34, Base::SmallInt, 0),
    (0x38, Base::Int, 0),
    (0x3A, Base::SmallDateTime, 0),
    (0x3B, Base::Real, 0),
    (0x3C, Base::Money, 0),
    (0x3D, Base::DateTime, 0),
    (0x3E, Base::Float, 0),
    (0x6A, Base::Decimal, 2),
    (0x6C, Base::Numeric, 2),
    (0x7A, Base::SmallMoney, 0),
    (0x7F, Base::BigInt, 0),
    (0xA5, Base::VarBinary, 2),
    (0xA7, Base::VarChar, 7),
    (0xAD, Base::Binary, 2),
    (0xAF, Base::Char, 7),
    (0xE7, Base::NVarChar, 7),
    (0xEF, Base::NChar, 7),
];

/// Appends type, properties and data.
pub fn encode(variant: &Variant, out: &mut Vec<u8>) -> Result<(), CellFault> {
    let ty = &variant.ty;
    let Some((token, _, properties)) = BASES.iter().find(|(_, base, _)| *base == ty.base) else {
        return Err(CellFault::Invalid("a type that sql_variant can't hold"));
    };
    out.extend_from_slice(&[*token, *properties]);
    match ty.base {
        Base::Time | Base::DateTime2 | Base::DateTimeOffset => out.push(ty.scale),
        Base::Decimal | Base::Numeric => out.extend_from_slice(&[ty.precision, ty.scale]),
        Base::VarBinary | Base::Binary => out.extend_from_slice(&short(ty.length)?.to_le_bytes()),
        Base::VarChar | Base::Char | Base::NVarChar | Base::NChar => {
            out.extend_from_slice(&ty.collation.as_ref().map_or([0; 5], |c| c.tds));
            out.extend_from_slice(&short(ty.length)?.to_le_bytes());
        }
        _ => {}
    }
    encode_data(ty, &variant.value, out)
}

fn short(length: u32) -> Result<u16, CellFault> {
    u16::try_from(length).ok().filter(|n| *n <= 8000).ok_or(CellFault::Invalid("longer than 8000 bytes"))
}

/// Reads type, properties and data.
pub fn decode(bytes: &[u8]) -> Result<Variant, CellFault> {
    if bytes.len() > MAX_VARIANT {
        return Err(CellFault::Invalid("longer than 8016 bytes"));
    }
    let [token, count, rest @ ..] = bytes else { return Err(CellFault::Invalid("no type")) };
    let Some((_, base, expected)) = BASES.iter().find(|(t, _, _)| t == token) else {
        return Err(CellFault::Invalid("unknown base type"));
    };
    if count != expected || rest.len() < usize::from(*count) {
        return Err(CellFault::Invalid("properties"));
    }
    let (properties, data) = rest.split_at(usize::from(*count));
    let mut ty = SqlType { base: *base, length: 0, precision: 0, scale: 0, collation: None, detail: None };
    match *properties {
        [scale] => {
            if scale > 7 {
                return Err(CellFault::Invalid("scale"));
            }
            ty.scale = scale;
        }
        [precision, scale] if matches!(base, Base::Decimal | Base::Numeric) => {
            if !(1..=38).contains(&precision) || scale > precision {
                return Err(CellFault::Invalid("precision or scale"));
            }
            (ty.precision, ty.scale) = (precision, scale);
        }
        [a, b] => ty.length = u32::from(u16::from_le_bytes([a, b])),
        [c0, c1, c2, c3, c4, a, b] => {
            ty.collation = collation::by_tds([c0, c1, c2, c3, c4]);
            ty.length = u32::from(u16::from_le_bytes([a, b]));
        }
        _ => {}
    }
    if ty.length > 8000 {
        return Err(CellFault::Invalid("longer than 8000 bytes"));
    }
    // Writers differ in the bytes they give a decimal: any of the four lengths is taken and held by precision.
    if matches!(base, Base::Decimal | Base::Numeric) && data.len() != decimal_bytes(ty.precision) {
        if !matches!(data.len(), 5 | 9 | 13 | 17) || data[0] > 1 {
            return Err(CellFault::Invalid("wrong length"));
        }
        let magnitude = magnitude(&data[1..]);
        if magnitude >= 10u128.pow(u32::from(ty.precision)) {
            return Err(CellFault::Invalid("more digits than the precision"));
        }
        let negative = data[0] == 0 && magnitude != 0;
        let value = Value::Decimal { negative, magnitude, precision: ty.precision, scale: ty.scale };
        return Ok(Variant { ty, value });
    }
    // The properties may say less than the data has (a writer may put 0): the data counts.
    if matches!(base, Base::VarChar | Base::Char | Base::NVarChar | Base::NChar | Base::VarBinary | Base::Binary) {
        ty.length = ty.length.max(data.len().min(8000) as u32);
    }
    let value = decode_data(&ty, data)?;
    Ok(Variant { ty, value })
}
