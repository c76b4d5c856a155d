//! Values of both drivers as [`Field`]s: what has no type of its own there becomes the text that the server would print
//! in ISO form.

use jiff::Span;
use jiff::civil::Date;
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::datatypes::sql_string::EncodingType;
use tiberius::ColumnData;

use super::orders::Field;

/// A value of mssql-tds; an error when its text is no text.
pub(super) fn of_tds(value: ColumnValues) -> Result<Field, String> {
    Ok(match value {
        ColumnValues::Null => Field::Null,
        ColumnValues::Bit(b) => Field::Bool(b),
        ColumnValues::TinyInt(n) => Field::Int(i64::from(n)),
        ColumnValues::SmallInt(n) => Field::Int(i64::from(n)),
        ColumnValues::Int(n) => Field::Int(i64::from(n)),
        ColumnValues::BigInt(n) => Field::Int(n),
        ColumnValues::Real(x) => Field::Float(f64::from(x)),
        ColumnValues::Float(x) => Field::Float(x),
        ColumnValues::Decimal(d) | ColumnValues::Numeric(d) => Field::Text(d.to_decimal_string()),
        ColumnValues::SmallMoney(m) => Field::Text(scaled(i128::from(m.int_val), 4)),
        ColumnValues::Money(m) => {
            let value = i64::from(m.msb_part) << 32 | i64::from(m.lsb_part.cast_unsigned());
            Field::Text(scaled(i128::from(value), 4))
        }
        ColumnValues::Date(d) => Field::Text(date(d.get_days())?),
        ColumnValues::Time(t) => Field::Text(time(t.time_nanoseconds, t.scale)),
        ColumnValues::DateTime2(d) => {
            Field::Text(format!("{} {}", date(d.days)?, time(d.time.time_nanoseconds, d.time.scale)))
        }
        ColumnValues::DateTimeOffset(d) => {
            let (t, offset) = (d.datetime2.time, d.offset);
            Field::Text(format!("{} {}Z{offset:+}", date(d.datetime2.days)?, time(t.time_nanoseconds, t.scale)))
        }
        ColumnValues::DateTime(d) => Field::Text(datetime(d.days, d.time)?),
        ColumnValues::SmallDateTime(d) => Field::Text(datetime(i32::from(d.days), u32::from(d.time) * 60 * 300)?),
        ColumnValues::String(s) => {
            let (bytes, encoding) = s.into_parts();
            match encoding {
                EncodingType::Utf16 => Field::Text(utf16(&bytes)?),
                EncodingType::Utf8 => {
                    Field::Text(String::from_utf8(bytes).map_err(|_| "text that is not UTF-8".to_owned())?)
                }
                other => {
                    let encoding = other.resolved_encoding().ok_or("text of an unknown collation")?;
                    let (text, malformed) = encoding.decode_without_bom_handling(&bytes);
                    if malformed {
                        return Err("text that is not of its code page".into());
                    }
                    Field::Text(text.into_owned())
                }
            }
        }
        ColumnValues::Xml(x) => Field::Text(utf16(x.bytes.strip_prefix(&[0xFF, 0xFE]).unwrap_or(&x.bytes))?),
        ColumnValues::Bytes(b) => Field::Bytes(b),
        ColumnValues::Uuid(u) => Field::Text(u.to_string().to_uppercase()),
        ColumnValues::Json(_) | ColumnValues::Vector(_) => return Err("a json or vector value".into()),
    })
}

/// A value of tiberius.
pub(super) fn of_tiberius(value: ColumnData<'static>) -> Result<Field, String> {
    fn field<T>(value: Option<T>, to: impl FnOnce(T) -> Field) -> Field {
        value.map_or(Field::Null, to)
    }
    fn tried<T>(value: Option<T>, to: impl FnOnce(T) -> Result<String, String>) -> Result<Field, String> {
        value.map_or(Ok(Field::Null), |v| to(v).map(Field::Text))
    }
    Ok(match value {
        ColumnData::Bit(v) => field(v, Field::Bool),
        ColumnData::U8(v) => field(v, |n| Field::Int(i64::from(n))),
        ColumnData::I16(v) => field(v, |n| Field::Int(i64::from(n))),
        ColumnData::I32(v) => field(v, |n| Field::Int(i64::from(n))),
        ColumnData::I64(v) => field(v, Field::Int),
        ColumnData::F32(v) => field(v, |x| Field::Float(f64::from(x))),
        ColumnData::F64(v) => field(v, Field::Float),
        ColumnData::String(v) => field(v, |s| Field::Text(s.into_owned())),
        ColumnData::Guid(v) => field(v, |u| Field::Text(u.to_string().to_uppercase())),
        ColumnData::Binary(v) => field(v, |b| Field::Bytes(b.into_owned())),
        ColumnData::Numeric(v) => field(v, |n| Field::Text(scaled(n.value(), n.scale()))),
        ColumnData::Xml(v) => field(v, |x| Field::Text(x.into_owned().into_string())),
        ColumnData::DateTime(v) => tried(v, |d| datetime(d.days(), d.seconds_fragments()))?,
        ColumnData::SmallDateTime(v) => {
            tried(v, |d| datetime(i32::from(d.days()), u32::from(d.seconds_fragments()) * 60 * 300))?
        }
        ColumnData::Time(v) => tried(v, |t| ticks(t.increments(), t.scale()).map(|n| time(n, t.scale())))?,
        ColumnData::Date(v) => tried(v, |d| date(d.days()))?,
        ColumnData::DateTime2(v) => tried(v, |d| {
            let t = d.time();
            Ok(format!("{} {}", date(d.date().days())?, time(ticks(t.increments(), t.scale())?, t.scale())))
        })?,
        ColumnData::DateTimeOffset(v) => tried(v, |d| {
            let (d, offset) = (d.datetime2(), d.offset());
            let t = d.time();
            let time = time(ticks(t.increments(), t.scale())?, t.scale());
            Ok(format!("{} {time}Z{offset:+}", date(d.date().days())?))
        })?,
    })
}

/// Little-endian UTF-16; a lone surrogate is an error, for a `String` cannot hold it.
pub(super) fn utf16(bytes: &[u8]) -> Result<String, String> {
    if !bytes.len().is_multiple_of(2) {
        return Err("UTF-16 text of an odd length".into());
    }
    let units = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| "text with half a surrogate pair".into())
}

/// `value / 10^scale`, exactly.
fn scaled(value: i128, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// So many days after a date; hostile counts are errors, not panics.
fn days_after(start: Date, days: i64) -> Result<Date, String> {
    let out_of_range = |_| "a date out of range".to_owned();
    start.checked_add(Span::new().try_days(days).map_err(out_of_range)?).map_err(out_of_range)
}

fn date(days: u32) -> Result<String, String> {
    days_after(Date::constant(1, 1, 1), i64::from(days)).map(|d| d.to_string())
}

fn ticks(increments: u64, scale: u8) -> Result<u64, String> {
    7u32.checked_sub(u32::from(scale))
        .and_then(|n| increments.checked_mul(10u64.pow(n)))
        .ok_or_else(|| "a time out of range".into())
}

/// 100 ns since midnight, `scale` digits of a second.
fn time(ticks: u64, scale: u8) -> String {
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    let hms = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = format!("{fraction:07}");
    match digits.get(..usize::from(scale.min(7))) {
        Some("") | None => hms,
        Some(digits) => format!("{hms}.{digits}"),
    }
}

/// Days since 1900-01-01 and 1/300 s, printed to the millisecond as the server rounds it.
fn datetime(days: i32, ticks: u32) -> Result<String, String> {
    let day = days_after(Date::constant(1900, 1, 1), i64::from(days))?;
    let milliseconds = (u64::from(ticks) * 10 + 1) / 3;
    Ok(format!("{day} {}", time(milliseconds * 10_000, 3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_in_iso_form() {
        assert_eq!(scaled(-123_456, 4), "-12.3456");
        assert_eq!(scaled(5, 4), "0.0005");
        assert_eq!(scaled(i128::from(i64::MIN), 4), "-922337203685477.5808");
        assert_eq!(scaled(42, 0), "42");
        assert_eq!(date(0).unwrap(), "0001-01-01");
        assert_eq!(date(3_652_058).unwrap(), "9999-12-31");
        assert!(date(u32::MAX).is_err());
        assert_eq!(time(863_999_999_999, 7), "23:59:59.9999999");
        assert_eq!(time(0, 0), "00:00:00");
        assert_eq!(datetime(-53_690, 25_919_999).unwrap(), "1753-01-01 23:59:59.997");
        assert_eq!(ticks(86_399, 0).unwrap(), 863_990_000_000);
        assert!(ticks(u64::MAX, 0).is_err());
    }

    #[test]
    fn text_that_is_none_is_an_error() {
        assert_eq!(utf16(b"h\0i\0").unwrap(), "hi");
        assert!(utf16(&[0x00, 0xD8]).is_err());
        assert!(utf16(b"h").is_err());
    }
}
