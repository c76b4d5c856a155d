//! Exact text of single values: integers, decimals, dates, times, GUIDs, bytes. No locale, no rounding.

use std::io::Write;

/// Days from 0001-01-01 to 1900-01-01.
pub(crate) const DAYS_TO_1900: i64 = 693_595;

pub(crate) fn integer(out: &mut Vec<u8>, value: i64) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{value}");
}

/// A decimal without exponent, with exactly `scale` digits behind the point.
pub(crate) fn decimal(out: &mut Vec<u8>, negative: bool, magnitude: u128, scale: u32) {
    if negative {
        out.push(b'-');
    }
    let digits = magnitude.to_string();
    let scale = scale as usize;
    if scale == 0 {
        return out.extend_from_slice(digits.as_bytes());
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let _ = write!(out, "{whole}.{fraction}");
}

/// `2020-01-31`, from days since 0001-01-01.
pub(crate) fn date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil(days);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
}

/// Year, month, day of the proleptic Gregorian calendar, from days since 0001-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years that begin in March put the leap day last; day 0 is then 0000-03-01, 306 days before 0001-01-01.
    let days = days + 306;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_based = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_based + 2) / 5 + 1;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// `12:34:56.1234567` with so many digits (none: no point), from 100 ns since midnight.
pub(crate) fn time(out: &mut Vec<u8>, ticks: u64, digits: u8) {
    let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if digits > 0 {
        let text = format!("{fraction:07}");
        let _ = write!(out, ".{}", &text[..usize::from(digits.min(7))]);
    }
}

/// `12:34`, from minutes since midnight.
pub(crate) fn hours(out: &mut Vec<u8>, minutes: u32) {
    let _ = write!(out, "{:02}:{:02}", minutes / 60, minutes % 60);
}

/// Upper case, 8-4-4-4-12, from the bytes of the wire.
pub(crate) fn guid(out: &mut Vec<u8>, b: &[u8; 16]) {
    hex(out, &[b[3], b[2], b[1], b[0]]);
    out.push(b'-');
    hex(out, &[b[5], b[4]]);
    out.push(b'-');
    hex(out, &[b[7], b[6]]);
    out.push(b'-');
    hex(out, &b[8..10]);
    out.push(b'-');
    hex(out, &b[10..]);
}

/// Upper-case hex.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_follow_the_calendar() {
        for (days, expected) in [
            (0, "0001-01-01"),
            (58, "0001-02-28"),
            (59, "0001-03-01"),
            (DAYS_TO_1900, "1900-01-01"),
            (DAYS_TO_1900 - 53_690, "1753-01-01"),
            (737_453, "2020-01-30"),
            (737_483, "2020-02-29"),
            (3_652_058, "9999-12-31"),
        ] {
            assert_eq!(text(|o| date(o, days)), expected);
        }
        // Every day once: the text rises with the day.
        let mut before = String::new();
        for days in 0..=3_652_058 {
            let now = text(|o| date(o, days));
            assert!(before < now, "{before} {now}");
            before = now;
        }
    }

    #[test]
    fn decimals_have_all_their_digits() {
        assert_eq!(text(|o| decimal(o, true, 5, 3)), "-0.005");
        assert_eq!(text(|o| decimal(o, false, 12345, 2)), "123.45");
        assert_eq!(text(|o| decimal(o, false, 0, 0)), "0");
        assert_eq!(text(|o| decimal(o, false, 10u128.pow(38) - 1, 38)), format!("0.{}", "9".repeat(38)));
        assert_eq!(text(|o| time(o, 863_999_999_999, 7)), "23:59:59.9999999");
        assert_eq!(text(|o| time(o, 1_230_000, 3)), "00:00:00.123");
        assert_eq!(text(|o| time(o, 0, 0)), "00:00:00");
    }
}
