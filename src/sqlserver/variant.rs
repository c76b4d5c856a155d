//! sql_variant between the driver's values and the data stream, both ways.
//!
//! The driver takes a variant apart and drops what it thinks nobody needs: the declared length, and the collation of
//! Unicode texts. The collation is asked for in a column of its own (see [`super::rows_out`]) and put back here. The
//! length in the stream is that of the data, whatever was declared: DacFx writes it so, and reads as many bytes.

use mssql_tds::datatypes::sqldatatypes::TdsDataType;

use crate::bacpac::bcp::{Fault, VariantType, parse_variant};

/// Begins a payload of so many bytes of data: type, count of property bytes, properties. An error names what is missing.
pub(super) fn header(
    out: &mut Vec<u8>,
    base: TdsDataType,
    digits: &[u8],
    collation: Option<[u8; 5]>,
    length: usize,
) -> Result<(), String> {
    out.clear();
    out.push(base as u8);
    let length = u16::try_from(length).map_err(|_| format!("a sql_variant of {length} bytes"))?;
    match base {
        TdsDataType::BigVarChar | TdsDataType::BigChar | TdsDataType::NVarChar | TdsDataType::NChar => {
            let collation = collation.ok_or("the server does not tell the collation of a sql_variant")?;
            out.push(7);
            out.extend_from_slice(&collation);
            out.extend_from_slice(&length.to_le_bytes());
        }
        TdsDataType::BigVarBinary | TdsDataType::BigBinary => {
            out.push(2);
            out.extend_from_slice(&length.to_le_bytes());
        }
        _ => {
            out.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(digits);
        }
    }
    Ok(())
}

/// A payload of the stream as the wire has it (without the four bytes of its length). Both agree but for times, which
/// the wire holds at their scale and the stream in 100 ns, and for decimals with a header of their own.
// Assumption: a load takes the data's length as the declared one of a text or binary value, 0 for an empty one too, as
// Microsoft's own client writes variants.
pub(super) fn to_wire(payload: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let value = parse_variant(payload)?;
    let properties = 2 + usize::from(payload[1]);
    out.extend_from_slice(&payload[..properties]);
    match value.ty {
        VariantType::Time { scale } | VariantType::DateTime2 { scale } | VariantType::DateTimeOffset { scale } => {
            let mut ticks = [0; 8];
            ticks[..5].copy_from_slice(&value.data[..5]);
            scaled_time(u64::from_le_bytes(ticks), scale, out)?;
            out.extend_from_slice(&value.data[5..]);
        }
        _ => out.extend_from_slice(value.data),
    }
    Ok(())
}

/// Bytes of a time of that scale on the wire.
pub(super) fn time_width(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3 | 4 => 4,
        _ => 5,
    }
}

/// A time of 100 ns ticks as the wire has it at its scale. Digits beyond the scale are an error, not rounded.
pub(super) fn scaled_time(ticks: u64, scale: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
    let unit = 10u64.pow(7 - u32::from(scale.min(7)));
    if !ticks.is_multiple_of(unit) {
        return Err(Fault::TimeScale { ticks, scale });
    }
    out.extend_from_slice(&(ticks / unit).to_le_bytes()[..time_width(scale)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_scaled_and_never_rounded() {
        let mut out = Vec::new();
        scaled_time(863_990_000_000, 0, &mut out).unwrap();
        assert_eq!(out, [0x7F, 0x51, 0x01]);
        assert!(matches!(scaled_time(1, 6, &mut out), Err(Fault::TimeScale { ticks: 1, scale: 6 })));
        out.clear();
        // time(3) 00:00:01.500: ticks in the stream, milliseconds on the wire.
        let mut payload = vec![0x29, 1, 3];
        payload.extend_from_slice(&15_000_000u64.to_le_bytes()[..5]);
        to_wire(&payload, &mut out).unwrap();
        assert_eq!(out, [0x29, 1, 3, 0xDC, 0x05, 0, 0]);
    }

    #[test]
    fn a_text_without_its_properties_is_an_error() {
        let mut out = Vec::new();
        header(&mut out, TdsDataType::NVarChar, &[], Some([9, 4, 0xD0, 0, 0x34]), 20).unwrap();
        assert_eq!(out, [0xE7, 7, 9, 4, 0xD0, 0, 0x34, 20, 0]);
        assert!(header(&mut out, TdsDataType::NVarChar, &[], None, 20).is_err());
        assert!(header(&mut out, TdsDataType::BigBinary, &[], None, 70_000).is_err());
        header(&mut out, TdsDataType::Int4, &[], None, 4).unwrap();
        assert_eq!(out, [0x38, 0]);
    }
}
