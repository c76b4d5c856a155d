//! TYPE_INFO, both ways: what stands before a value and says how to read it.

use std::borrow::Cow;
use std::sync::Arc;

use super::cursor::{Cursor, ProtocolError, Read};
use crate::sandbox::collation;
use crate::sandbox::rowform::{self, CellFault, Frame, decimal_bytes, magnitude};
use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

/// Where a TYPE_INFO stands: text, ntext and image differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A parameter of an RPC.
    Parameter,
    /// The COLMETADATA of a bulk load.
    Bulk,
}

/// How a cell stands on the wire as a client sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes, never NULL.
    Fixed(u8),
    /// As the row form's frame.
    Framed(Frame),
    /// u32 length, all ones for NULL (text, ntext, image as parameters).
    Text,
    /// Nothing: NULL without a type.
    Nothing,
}

/// A type as a client declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentType {
    /// The type.
    pub ty: SqlType,
    /// How its cells stand.
    pub sent: Sent,
}

fn plain(base: Base) -> SqlType {
    SqlType { base, length: 0, precision: 0, scale: 0, collation: None, detail: None }
}

fn sized(base: Base, length: u32) -> SqlType {
    SqlType { length, ..plain(base) }
}

/// Fixed types: token, base, bytes.
const FIXED: [(u8, Base, u8); 11] = [
    (0x30, Base::TinyInt, 1),
    (0x32, Base::Bit, 1),
    (0x34, Base::SmallInt, 2),
    (0x38, Base::Int, 4),
    (0x3A, Base::SmallDateTime, 4),
    (0x3B, Base::Real, 4),
    (0x3C, Base::Money, 8),
    (0x3D, Base::DateTime, 8),
    (0x3E, Base::Float, 8),
    (0x7A, Base::SmallMoney, 4),
    (0x7F, Base::BigInt, 8),
];

/// Nullable types with a length: token, length, base.
const NULLABLE: [(u8, u8, Base); 11] = [
    (0x26, 1, Base::TinyInt),
    (0x26, 2, Base::SmallInt),
    (0x26, 4, Base::Int),
    (0x26, 8, Base::BigInt),
    (0x68, 1, Base::Bit),
    (0x6D, 4, Base::Real),
    (0x6D, 8, Base::Float),
    (0x6E, 4, Base::SmallMoney),
    (0x6E, 8, Base::Money),
    (0x6F, 4, Base::SmallDateTime),
    (0x6F, 8, Base::DateTime),
];

/// Reads a TYPE_INFO.
pub fn read(from: &mut Cursor<'_>, place: Place) -> Read<SentType> {
    let token = from.u8()?;
    if let Some((_, base, bytes)) = FIXED.iter().find(|(t, ..)| *t == token) {
        return Ok(SentType { ty: plain(*base), sent: Sent::Fixed(*bytes) });
    }
    let framed = |ty: SqlType| SentType { sent: Sent::Framed(Frame::of(&ty)), ty };
    // The bytes-long types of old clients: a u8 length, 0 for NULL.
    let old = |ty: SqlType| SentType { ty, sent: Sent::Framed(Frame::Byte) };
    Ok(match token {
        0x1F => SentType { ty: sized(Base::VarBinary, 1), sent: Sent::Nothing },
        0x26 | 0x68 | 0x6D | 0x6E | 0x6F => {
            let length = from.u8()?;
            let (.., base) = NULLABLE
                .iter()
                .find(|(t, l, _)| *t == token && *l == length)
                .ok_or(ProtocolError::Value("length of a nullable type"))?;
            framed(plain(*base))
        }
        0x24 => {
            let length = from.u8()?;
            if length != 16 && length != 0 {
                return Err(ProtocolError::Value("length of uniqueidentifier"));
            }
            framed(plain(Base::UniqueIdentifier))
        }
        0x37 | 0x3F | 0x6A | 0x6C => {
            let [_, precision, scale] = from.array()?;
            if !(1..=38).contains(&precision) || scale > precision {
                return Err(ProtocolError::Value("precision or scale"));
            }
            let base = if matches!(token, 0x3F | 0x6C) { Base::Numeric } else { Base::Decimal };
            framed(SqlType { precision, scale, ..plain(base) })
        }
        0x28 => framed(plain(Base::Date)),
        0x29..=0x2B => {
            let scale = from.u8()?;
            if scale > 7 {
                return Err(ProtocolError::Value("scale"));
            }
            let base = match token {
                0x29 => Base::Time,
                0x2A => Base::DateTime2,
                _ => Base::DateTimeOffset,
            };
            framed(SqlType { scale, ..plain(base) })
        }
        0x25 => old(sized(Base::VarBinary, u32::from(from.u8()?))),
        0x2D => old(sized(Base::Binary, u32::from(from.u8()?))),
        0x27 | 0x2F => {
            let length = u32::from(from.u8()?);
            let base = if token == 0x27 { Base::VarChar } else { Base::Char };
            old(SqlType { collation: read_collation(from)?, ..sized(base, length) })
        }
        0xA5 => framed(sized(Base::VarBinary, long_length(from.u16()?, true)?)),
        0xAD => framed(sized(Base::Binary, long_length(from.u16()?, false)?)),
        0xA7 | 0xAF | 0xE7 | 0xEF => {
            let base = match token {
                0xA7 => Base::VarChar,
                0xAF => Base::Char,
                0xE7 => Base::NVarChar,
                _ => Base::NChar,
            };
            let length = long_length(from.u16()?, matches!(token, 0xA7 | 0xE7))?;
            framed(SqlType { collation: read_collation(from)?, ..sized(base, length) })
        }
        0x22 | 0x23 | 0x63 => {
            from.u32()?;
            let base = match token {
                0x22 => Base::Image,
                0x23 => Base::Text,
                _ => Base::NText,
            };
            let collation = if token == 0x22 { None } else { read_collation(from)? };
            let ty = SqlType { collation, ..plain(base) };
            match place {
                Place::Parameter => SentType { ty, sent: Sent::Text },
                Place::Bulk => {
                    // The table's name: one US_VARCHAR here, without the count of parts that answers have.
                    from.us_varchar()?;
                    framed(ty)
                }
            }
        }
        0x62 => {
            from.u32()?;
            framed(plain(Base::Variant))
        }
        0xF1 => {
            let mut ty = plain(Base::Xml);
            if from.u8()? != 0 {
                from.b_varchar()?;
                let schema = from.b_varchar()?;
                ty.detail = Some(Arc::new((schema, from.us_varchar()?)));
            }
            framed(ty)
        }
        0xF0 => {
            from.b_varchar()?;
            let schema = from.b_varchar()?;
            let name = from.b_varchar()?;
            let base = match name.to_ascii_lowercase().as_str() {
                "hierarchyid" => Base::HierarchyId,
                "geometry" => Base::Geometry,
                "geography" => Base::Geography,
                _ => Base::Clr,
            };
            framed(SqlType { detail: Some(Arc::new((schema, name))), ..plain(base) })
        }
        other => return Err(ProtocolError::Type(other)),
    })
}

fn long_length(length: u16, may_be_max: bool) -> Read<u32> {
    match length {
        0xFFFF if may_be_max => Ok(MAX),
        0..=8000 => Ok(u32::from(length)),
        _ => Err(ProtocolError::Value("length")),
    }
}

fn read_collation(from: &mut Cursor<'_>) -> Read<Option<Arc<Collation>>> {
    match from.array::<5>()? {
        [0, 0, 0, 0, 0] => Ok(None),
        tds => collation::by_tds(tds).map(Some).ok_or(ProtocolError::Collation),
    }
}

/// Brings data into the row form's canonical shape: only decimals can differ, a client may send any of four lengths.
pub fn canonical<'a>(ty: &SqlType, data: &'a [u8]) -> Result<Cow<'a, [u8]>, CellFault> {
    if !matches!(ty.base, Base::Decimal | Base::Numeric) || data.len() == decimal_bytes(ty.precision) {
        return Ok(Cow::Borrowed(data));
    }
    if !matches!(data.len(), 2..=17) {
        return Err(CellFault::Invalid("wrong length"));
    }
    let bytes = magnitude(&data[1..]).to_le_bytes();
    let (kept, cut) = bytes.split_at(decimal_bytes(ty.precision) - 1);
    if cut.iter().any(|byte| *byte != 0) {
        return Err(CellFault::Invalid("more digits than the precision"));
    }
    let mut out = vec![data[0]];
    out.extend_from_slice(kept);
    Ok(Cow::Owned(out))
}

/// Reads a value that is wholly in the message.
pub fn read_value(from: &mut Cursor<'_>, sent: &SentType) -> Read<Value> {
    let chunks;
    let data = match sent.sent {
        Sent::Nothing => None,
        Sent::Fixed(bytes) => Some(from.take(usize::from(bytes))?),
        Sent::Text => match from.u32()? {
            u32::MAX => None,
            length => Some(from.take(length as usize)?),
        },
        Sent::Framed(Frame::Plp) => {
            chunks = read_chunks(from)?;
            chunks.as_deref()
        }
        Sent::Framed(frame) => {
            let body = from.rest();
            let (range, next) = frame.split(body, 0).ok_or(ProtocolError::Truncated)?;
            from.take(next)?;
            range.map(|range| &body[range])
        }
    };
    let Some(data) = data else { return Ok(Value::Null) };
    canonical(&sent.ty, data).and_then(|data| rowform::decode_data(&sent.ty, &data)).map_err(|fault| match fault {
        CellFault::Invalid(why) => ProtocolError::Value(why),
        CellFault::Mismatch => ProtocolError::Value("another type"),
    })
}

/// A PLP value: its length may be unknown, its chunks many.
fn read_chunks(from: &mut Cursor<'_>) -> Read<Option<Vec<u8>>> {
    const UNKNOWN: u64 = u64::MAX - 1;
    let length = from.u64()?;
    if length == u64::MAX {
        return Ok(None);
    }
    let mut out = Vec::new();
    loop {
        let chunk = from.u32()? as usize;
        if chunk == 0 {
            break;
        }
        out.extend_from_slice(from.take(chunk)?);
    }
    if length != UNKNOWN && out.len() as u64 != length {
        return Err(ProtocolError::Other("the chunks do not add up to the length"));
    }
    Ok(Some(out))
}

/// Whether the type has a fixed form, which a NOT NULL column is announced with; the bytes of its cell then.
pub fn fixed_bytes(ty: &SqlType) -> Option<u8> {
    FIXED.iter().find(|(_, base, _)| *base == ty.base).map(|(.., bytes)| *bytes)
}

/// Writes a TYPE_INFO, in its nullable form unless `fixed`.
pub fn write(ty: &SqlType, fixed: bool, out: &mut Vec<u8>) {
    if fixed && let Some((token, ..)) = FIXED.iter().find(|(_, base, _)| *base == ty.base) {
        out.push(*token);
        return;
    }
    if let Some((token, length, _)) = NULLABLE.iter().find(|(.., base)| *base == ty.base) {
        out.extend_from_slice(&[*token, *length]);
        return;
    }
    let character = |token: u8, out: &mut Vec<u8>| {
        out.push(token);
        out.extend_from_slice(&short_length(ty).to_le_bytes());
        write_collation(ty, out);
    };
    match ty.base {
        // Fact 86: 17 bytes whatever the precision.
        Base::Decimal => out.extend_from_slice(&[0x6A, 17, ty.precision, ty.scale]),
        Base::Numeric => out.extend_from_slice(&[0x6C, 17, ty.precision, ty.scale]),
        Base::UniqueIdentifier => out.extend_from_slice(&[0x24, 16]),
        Base::Date => out.push(0x28),
        Base::Time => out.extend_from_slice(&[0x29, ty.scale]),
        Base::DateTime2 => out.extend_from_slice(&[0x2A, ty.scale]),
        Base::DateTimeOffset => out.extend_from_slice(&[0x2B, ty.scale]),
        Base::Char => character(0xAF, out),
        Base::VarChar => character(0xA7, out),
        Base::NChar => character(0xEF, out),
        Base::NVarChar => character(0xE7, out),
        Base::Binary => {
            out.push(0xAD);
            out.extend_from_slice(&short_length(ty).to_le_bytes());
        }
        Base::VarBinary => {
            out.push(0xA5);
            out.extend_from_slice(&short_length(ty).to_le_bytes());
        }
        Base::RowVersion => out.extend_from_slice(&[0xAD, 8, 0]),
        Base::Text => {
            out.extend_from_slice(&[0x23, 0xFF, 0xFF, 0xFF, 0x7F]);
            write_collation(ty, out);
        }
        Base::NText => {
            out.extend_from_slice(&[0x63, 0xFE, 0xFF, 0xFF, 0x7F]);
            write_collation(ty, out);
        }
        Base::Image => out.extend_from_slice(&[0x22, 0xFF, 0xFF, 0xFF, 0x7F]),
        // Fact 43: 8009.
        Base::Variant => out.extend_from_slice(&[0x62, 0x49, 0x1F, 0, 0]),
        Base::Xml => {
            out.push(0xF1);
            match &ty.detail {
                None => out.push(0),
                Some(detail) => {
                    out.push(1);
                    out.push(0);
                    b_varchar(&detail.0, out);
                    us_varchar(&detail.1, out);
                }
            }
        }
        Base::HierarchyId | Base::Geometry | Base::Geography | Base::Clr => write_clr(ty, out),
        _ => {}
    }
}

fn short_length(ty: &SqlType) -> u16 {
    if ty.length == MAX { 0xFFFF } else { ty.length.min(8000) as u16 }
}

fn write_collation(ty: &SqlType, out: &mut Vec<u8>) {
    match &ty.collation {
        Some(collation) => out.extend_from_slice(&collation.tds),
        None => out.extend_from_slice(&collation::default().tds),
    }
}

// Assumption: the assembly names are those of SQL Server 2012 and later (Microsoft.SqlServer.Types 11.0.0.0) and the
// database of the built-in CLR types is named master; no capture at hand shows them, and no client here reads them.
fn write_clr(ty: &SqlType, out: &mut Vec<u8>) {
    const TYPES: &str = "Microsoft.SqlServer.Types, Version=11.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91";
    out.push(0xF0);
    let (size, name, class) = match ty.base {
        Base::HierarchyId => (892, "hierarchyid", "SqlHierarchyId"),
        Base::Geometry => (0xFFFF, "geometry", "SqlGeometry"),
        Base::Geography => (0xFFFF, "geography", "SqlGeography"),
        _ => {
            out.extend_from_slice(&short_length(&SqlType { length: ty.length.max(1), ..ty.clone() }).to_le_bytes());
            let (schema, name) = ty.detail.as_deref().map_or(("dbo", ""), |d| (d.0.as_str(), d.1.as_str()));
            b_varchar("", out);
            b_varchar(schema, out);
            b_varchar(name, out);
            us_varchar(name, out);
            return;
        }
    };
    out.extend_from_slice(&(size as u16).to_le_bytes());
    b_varchar("master", out);
    b_varchar("sys", out);
    b_varchar(name, out);
    us_varchar(&format!("Microsoft.SqlServer.Types.{class}, {TYPES}"), out);
}

/// B_VARCHAR; cut at 255 characters, which no name reaches.
pub fn b_varchar(text: &str, out: &mut Vec<u8>) {
    let at = out.len();
    out.push(0);
    let mut units = 0u8;
    for unit in text.encode_utf16().take(255) {
        out.extend_from_slice(&unit.to_le_bytes());
        units += 1;
    }
    out[at] = units;
}

/// US_VARCHAR; cut at 4,000 characters, so that a token's u16 length holds.
pub fn us_varchar(text: &str, out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; 2]);
    let mut units = 0u16;
    for unit in text.encode_utf16().take(4000) {
        out.extend_from_slice(&unit.to_le_bytes());
        units += 1;
    }
    out[at..at + 2].copy_from_slice(&units.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every type, written, reads as itself.
    #[test]
    fn type_info_reads_as_it_was_written() {
        let latin = collation::by_name("Latin1_General_100_BIN2_UTF8");
        let with = |base, length| SqlType { collation: latin.clone(), ..sized(base, length) };
        let types = [
            plain(Base::Bit),
            plain(Base::TinyInt),
            plain(Base::SmallInt),
            plain(Base::Int),
            plain(Base::BigInt),
            plain(Base::Real),
            plain(Base::Float),
            plain(Base::SmallMoney),
            plain(Base::Money),
            plain(Base::SmallDateTime),
            plain(Base::DateTime),
            plain(Base::Date),
            plain(Base::UniqueIdentifier),
            plain(Base::Variant),
            plain(Base::Xml),
            SqlType { scale: 3, ..plain(Base::Time) },
            SqlType { scale: 7, ..plain(Base::DateTime2) },
            SqlType { scale: 0, ..plain(Base::DateTimeOffset) },
            SqlType { precision: 38, scale: 10, ..plain(Base::Decimal) },
            SqlType { precision: 1, scale: 1, ..plain(Base::Numeric) },
            with(Base::Char, 10),
            with(Base::VarChar, MAX),
            with(Base::NChar, 20),
            with(Base::NVarChar, 8000),
            sized(Base::Binary, 8000),
            sized(Base::VarBinary, MAX),
        ];
        for ty in types {
            for fixed in [false, true] {
                let mut bytes = Vec::new();
                write(&ty, fixed, &mut bytes);
                let mut cursor = Cursor::new(&bytes);
                let read = read(&mut cursor, Place::Parameter).unwrap_or_else(|e| panic!("{ty:?}: {e}"));
                assert_eq!(read.ty, ty);
                assert!(cursor.is_empty(), "{ty:?}");
                assert_eq!(matches!(read.sent, Sent::Fixed(_)), fixed && fixed_bytes(&ty).is_some());
            }
        }
    }

    #[test]
    fn fact_86_decimal_and_numeric_differ_and_say_17() {
        let mut bytes = Vec::new();
        write(&SqlType { precision: 5, scale: 2, ..plain(Base::Decimal) }, false, &mut bytes);
        write(&SqlType { precision: 5, scale: 2, ..plain(Base::Numeric) }, true, &mut bytes);
        assert_eq!(bytes, [0x6A, 17, 5, 2, 0x6C, 17, 5, 2]);
    }

    #[test]
    fn fact_87_max_columns_say_ffff() {
        let mut bytes = Vec::new();
        write(&sized(Base::VarBinary, MAX), false, &mut bytes);
        assert_eq!(bytes, [0xA5, 0xFF, 0xFF]);
    }

    #[test]
    fn values_come_in_every_shape_a_client_may_choose() {
        let read_one = |bytes: &[u8]| {
            let mut cursor = Cursor::new(bytes);
            let ty = read(&mut cursor, Place::Parameter)?;
            let value = read_value(&mut cursor, &ty)?;
            assert!(cursor.is_empty());
            Ok(value)
        };
        assert_eq!(read_one(&[0x38, 7, 0, 0, 0]), Ok(Value::Int(7)));
        assert_eq!(read_one(&[0x26, 4, 0]), Ok(Value::Null));
        assert_eq!(read_one(&[0x1F]), Ok(Value::Null));
        let decimal = Value::Decimal { negative: true, magnitude: 5, precision: 20, scale: 0 };
        assert_eq!(read_one(&[0x6A, 17, 20, 0, 5, 0, 5, 0, 0, 0]), Ok(decimal), "shorter than by precision");
        let plp = [0xA5, 0xFF, 0xFF, 0xFE, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 9, 1, 0, 0, 0, 8, 0, 0, 0, 0];
        assert_eq!(read_one(&plp), Ok(Value::Binary([9, 8][..].into())), "unknown length, two chunks");
        assert_eq!(read_one(&[0x22, 1, 0, 0, 0, 2, 0, 0, 0, 1, 2]), Ok(Value::Binary([1, 2][..].into())));
        assert_eq!(read_one(&[0xF3]), Err(ProtocolError::Type(0xF3)), "table-valued parameters are refused");
        assert_eq!(read_one(&[0x26, 3, 0]), Err(ProtocolError::Value("length of a nullable type")));
        let ffff = [0xA7, 1, 0, 0xFF, 0xFF, 0x0F, 0, 0, 0, 0];
        assert_eq!(read_one(&ffff), Err(ProtocolError::Collation), "fact 26: unknown collation bytes");
    }
}
