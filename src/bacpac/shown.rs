//! Cells as people read them: dates as dates, numbers as numbers, at the column's own scale. For looking at, and for
//! CSV and JSON; what must be compared byte by byte uses [`super::canonical`].

use super::bcp::{Cell, VariantType, VariantValue, parse_variant};
use super::plan::ColumnPlan;
use super::scalar;

/// UTF-16 that comes in pieces → UTF-8. A half pair at the end of a piece waits for its other half; a lone surrogate
/// becomes U+FFFD and is counted.
#[derive(Debug, Default, Clone, Copy)]
pub struct Utf16Text {
    high: Option<u16>,
    /// Lone surrogates so far.
    pub replaced: u64,
}

impl Utf16Text {
    /// Decode the next piece, of an even number of bytes.
    pub fn push(&mut self, out: &mut String, piece: &[u8]) {
        for unit in piece.chunks_exact(2) {
            let unit = u16::from_le_bytes([unit[0], unit[1]]);
            match (self.high.take(), unit) {
                (Some(high), 0xDC00..=0xDFFF) => {
                    let code = 0x10000 + ((u32::from(high) - 0xD800) << 10) + (u32::from(unit) - 0xDC00);
                    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                (before, unit) => {
                    if before.is_some() {
                        self.replace(out);
                    }
                    match unit {
                        0xD800..=0xDBFF => self.high = Some(unit),
                        0xDC00..=0xDFFF => self.replace(out),
                        unit => out.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
                    }
                }
            }
        }
    }

    /// The text ends.
    pub fn finish(&mut self, out: &mut String) {
        if self.high.take().is_some() {
            self.replace(out);
        }
    }

    fn replace(&mut self, out: &mut String) {
        self.replaced += 1;
        out.push(char::REPLACEMENT_CHARACTER);
    }
}

/// Hexadecimal of bytes, without `0x`.
pub fn hex(out: &mut String, bytes: &[u8]) {
    ascii(out, |o| scalar::hex(o, bytes));
}

/// What writes ASCII into bytes, into text.
fn ascii(out: &mut String, write: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = Vec::new();
    write(&mut bytes);
    out.extend(bytes.into_iter().map(char::from));
}

/// A cell's text; `None` is NULL. The number of lone surrogates that were replaced.
pub fn show(out: &mut String, column: &ColumnPlan, cell: Cell<'_>) -> Option<u64> {
    match cell {
        Cell::Null => return None,
        Cell::Bit(bit) => out.push(if bit { '1' } else { '0' }),
        Cell::TinyInt(n) => ascii(out, |o| scalar::integer(o, i64::from(n))),
        Cell::SmallInt(n) => ascii(out, |o| scalar::integer(o, i64::from(n))),
        Cell::Int(n) => ascii(out, |o| scalar::integer(o, i64::from(n))),
        Cell::BigInt(n) => ascii(out, |o| scalar::integer(o, n)),
        Cell::Real(bits) => out.push_str(&real(f32::from_bits(bits))),
        Cell::Float(bits) => out.push_str(&float(f64::from_bits(bits))),
        Cell::SmallMoney(n) => money(out, i64::from(n)),
        Cell::Money(n) => money(out, n),
        Cell::Decimal { negative, magnitude } => {
            ascii(out, |o| scalar::decimal(o, negative, magnitude, u32::from(column.scale)));
        }
        Cell::Date(days) => ascii(out, |o| scalar::date(o, i64::from(days))),
        Cell::Time(ticks) => ascii(out, |o| scalar::time(o, ticks, column.scale)),
        Cell::DateTime2 { days, ticks } => instant(out, i64::from(days), ticks, column.scale),
        Cell::DateTimeOffset { days, ticks, offset } => with_offset(out, days, ticks, offset, column.scale),
        Cell::SmallDateTime { days, minutes } => ascii(out, |o| {
            scalar::date(o, i64::from(days) + scalar::DAYS_TO_1900);
            o.push(b'T');
            scalar::hours(o, u32::from(minutes));
        }),
        Cell::DateTime { days, ticks } => datetime(out, days, ticks),
        Cell::Guid(bytes) => ascii(out, |o| scalar::guid(o, &bytes)),
        Cell::Text(bytes) => {
            let mut text = Utf16Text::default();
            text.push(out, bytes);
            text.finish(out);
            return Some(text.replaced);
        }
        Cell::Binary(bytes) => {
            out.push_str("0x");
            hex(out, bytes);
        }
        Cell::Variant(payload) => match parse_variant(payload) {
            Ok(value) => variant(out, value),
            // The decoder checked it; whoever did not sees the bytes.
            Err(_) => {
                out.push_str("0x");
                hex(out, payload);
            }
        },
    }
    Some(0)
}

fn real(value: f32) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-5..1e9).contains(&size) { value.to_string() } else { format!("{value:E}") }
}

fn float(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-5..1e17).contains(&size) { value.to_string() } else { format!("{value:E}") }
}

fn money(out: &mut String, n: i64) {
    ascii(out, |o| scalar::decimal(o, n < 0, u128::from(n.unsigned_abs()), 4));
}

fn instant(out: &mut String, days: i64, ticks: u64, scale: u8) {
    ascii(out, |o| {
        scalar::date(o, days);
        o.push(b'T');
        scalar::time(o, ticks, scale);
    });
}

/// The clock on the wall: the stream has UTC and the offset.
fn with_offset(out: &mut String, days: u32, ticks: u64, offset: i16, scale: u8) {
    const DAY: i64 = 864_000_000_000;
    let local = i64::from(days) * DAY + ticks as i64 + i64::from(offset) * 600_000_000;
    instant(out, local.div_euclid(DAY), local.rem_euclid(DAY) as u64, scale);
    let minutes = offset.unsigned_abs();
    out.push(if offset < 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}:{:02}", minutes / 60, minutes % 60));
}

/// 1/300 s are shown as the server shows them, to the nearest millisecond.
fn datetime(out: &mut String, days: i32, ticks: u32) {
    let milliseconds = (u64::from(ticks) * 10 + 1) / 3;
    instant(out, i64::from(days) + scalar::DAYS_TO_1900, milliseconds * 10_000, 3);
}

fn variant(out: &mut String, value: VariantValue<'_>) {
    let data = value.data;
    // Sizes were checked by `parse_variant`.
    let signed = |data: &[u8]| {
        let mut bytes = [if data.last().is_some_and(|b| b & 0x80 != 0) { 0xFF } else { 0 }; 8];
        bytes[..data.len().min(8)].copy_from_slice(&data[..data.len().min(8)]);
        i64::from_le_bytes(bytes)
    };
    let unsigned = |data: &[u8]| {
        let mut bytes = [0; 8];
        bytes[..data.len().min(8)].copy_from_slice(&data[..data.len().min(8)]);
        u64::from_le_bytes(bytes)
    };
    let column = |scale: u8| ColumnPlan::new("", super::plan::BcpType::Variant, true).with_scale(scale);
    let cell = |out: &mut String, scale: u8, cell: Cell<'_>| {
        show(out, &column(scale), cell);
    };
    match value.ty {
        VariantType::Bit => cell(out, 0, Cell::Bit(data == [1])),
        VariantType::TinyInt => cell(out, 0, Cell::BigInt(unsigned(data) as i64)),
        VariantType::SmallInt | VariantType::Int | VariantType::BigInt => cell(out, 0, Cell::BigInt(signed(data))),
        VariantType::Real => cell(out, 0, Cell::Real(unsigned(data) as u32)),
        VariantType::Float => cell(out, 0, Cell::Float(unsigned(data))),
        VariantType::SmallMoney => cell(out, 0, Cell::Money(signed(data))),
        VariantType::Money => cell(out, 0, Cell::Money(unsigned(data).rotate_left(32) as i64)),
        VariantType::Decimal { scale, .. } => {
            let mut magnitude = [0; 16];
            magnitude.copy_from_slice(&data[1..17]);
            let magnitude = u128::from_le_bytes(magnitude);
            cell(out, scale, Cell::Decimal { negative: data[0] == 0, magnitude });
        }
        VariantType::Date => cell(out, 0, Cell::Date(unsigned(data) as u32)),
        VariantType::Time { scale } => cell(out, scale, Cell::Time(unsigned(data))),
        VariantType::DateTime2 { scale } => {
            let (ticks, days) = (unsigned(&data[..5]), unsigned(&data[5..]) as u32);
            cell(out, scale, Cell::DateTime2 { days, ticks });
        }
        VariantType::DateTimeOffset { scale } => {
            let (ticks, days, offset) = (unsigned(&data[..5]), unsigned(&data[5..8]) as u32, signed(&data[8..]));
            cell(out, scale, Cell::DateTimeOffset { days, ticks, offset: offset as i16 });
        }
        VariantType::SmallDateTime => {
            let (days, minutes) = (unsigned(&data[..2]) as u16, unsigned(&data[2..]) as u16);
            cell(out, 0, Cell::SmallDateTime { days, minutes });
        }
        VariantType::DateTime => {
            let (days, ticks) = (signed(&data[..4]) as i32, unsigned(&data[4..]) as u32);
            cell(out, 0, Cell::DateTime { days, ticks });
        }
        VariantType::UniqueIdentifier => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(data);
            cell(out, 0, Cell::Guid(bytes));
        }
        VariantType::NChar { .. } => cell(out, 0, Cell::Text(data)),
        // Its code page is the collation's; beyond ASCII the bytes are shown rather than guessed at.
        VariantType::Char { .. } if data.is_ascii() => out.extend(data.iter().copied().map(char::from)),
        VariantType::Char { .. } | VariantType::Binary { .. } => cell(out, 0, Cell::Binary(data)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::BcpType;
    use super::*;

    fn shown(scale: u8, cell: Cell<'_>) -> String {
        let mut out = String::new();
        let column = ColumnPlan::new("c", BcpType::Int, true).with_scale(scale);
        assert_eq!(show(&mut out, &column, cell).is_none(), cell == Cell::Null);
        out
    }

    #[test]
    fn values_read_as_the_server_shows_them() {
        assert_eq!(shown(0, Cell::Null), "");
        assert_eq!(shown(0, Cell::Real(1.5f32.to_bits())), "1.5");
        assert_eq!(shown(0, Cell::Float((-1e300f64).to_bits())), "-1E300");
        assert_eq!(shown(0, Cell::Float(0.1f64.to_bits())), "0.1");
        assert_eq!(shown(0, Cell::Money(-5)), "-0.0005");
        assert_eq!(shown(2, Cell::Decimal { negative: true, magnitude: 12345 }), "-123.45");
        assert_eq!(shown(3, Cell::DateTime2 { days: 0, ticks: 1_230_000 }), "0001-01-01T00:00:00.123");
        // 12:34:56.997 is 13,589,099 ticks of 1/300 s.
        assert_eq!(shown(0, Cell::DateTime { days: 0, ticks: 13_588_800 + 299 }), "1900-01-01T12:34:56.997");
        assert_eq!(shown(0, Cell::DateTime { days: 0, ticks: 1 }), "1900-01-01T00:00:00.003");
        assert_eq!(shown(0, Cell::DateTime { days: 0, ticks: 2 }), "1900-01-01T00:00:00.007");
        assert_eq!(shown(0, Cell::SmallDateTime { days: 0, minutes: 61 }), "1900-01-01T01:01");
        let night = Cell::DateTimeOffset { days: 1, ticks: 0, offset: -90 };
        assert_eq!(shown(0, night), "0001-01-01T22:30:00-01:30");
        assert_eq!(shown(0, Cell::Binary(&[0xAB, 1])), "0xAB01");
        assert_eq!(shown(0, Cell::Variant(&[0x38, 0, 0xFE, 0xFF, 0xFF, 0xFF])), "-2");
    }

    #[test]
    fn a_pair_cut_between_pieces_is_one_character_and_a_lone_half_is_counted() {
        let duck: Vec<u8> = "a🦆b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for cut in [2, 4, 6] {
            let (mut text, mut out) = (Utf16Text::default(), String::new());
            text.push(&mut out, &duck[..cut]);
            text.push(&mut out, &duck[cut..]);
            text.finish(&mut out);
            assert_eq!((out.as_str(), text.replaced), ("a🦆b", 0));
        }
        let (mut text, mut out) = (Utf16Text::default(), String::new());
        text.push(&mut out, &[0x3C, 0xD8, b'x', 0, 0x00, 0xDC, 0x3C, 0xD8]);
        text.finish(&mut out);
        assert_eq!((out.as_str(), text.replaced), ("\u{FFFD}x\u{FFFD}\u{FFFD}", 3));
    }
}
