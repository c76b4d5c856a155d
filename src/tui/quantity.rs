//! Sizes, counts, ages, durations and rates as an operator reads them.

use jiff::Timestamp;

/// `999 B`, `1.2 KB`, `12.3 MB`, `1.4 GB`; a KB has 1024 bytes.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    // 1023.96 would be printed as 1024.0.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit = UNITS[unit];
    if value >= 99.95 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// `200,000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `3 rows`.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// How wordy an age is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// `3 h ago`.
    Short,
    /// `3 hours ago`.
    Long,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The unit in which an age of so many seconds is told: its length, short and long name.
fn unit(seconds: i64) -> Option<(i64, &'static str, &'static str)> {
    Some(match seconds {
        ..MINUTE => return None,
        MINUTE..HOUR => (MINUTE, "min", "minute"),
        HOUR..DAY => (HOUR, "h", "hour"),
        _ if seconds < 14 * DAY => (DAY, "d", "day"),
        _ if seconds < 60 * DAY => (7 * DAY, "wk", "week"),
        _ if seconds < 730 * DAY => (30 * DAY, "mo", "month"),
        _ => (365 * DAY, "y", "year"),
    })
}

/// `just now`, `3 hours ago`; a moment to come (the clocks of two machines differ) is `in the future`.
pub fn age(then: Timestamp, now: Timestamp, wording: Wording) -> String {
    let seconds = now.as_second() - then.as_second();
    if seconds < -MINUTE {
        return if wording == Wording::Short { "future".into() } else { "in the future".into() };
    }
    match unit(seconds) {
        None if wording == Wording::Short => "now".into(),
        None => "just now".into(),
        Some((length, short, long)) => {
            let n = seconds / length;
            match wording {
                Wording::Short => format!("{n} {short} ago"),
                Wording::Long => format!("{n} {long}{} ago", if n == 1 { "" } else { "s" }),
            }
        }
    }
}

/// Seconds until the text of [`age`] changes.
pub fn age_changes_in(then: Timestamp, now: Timestamp) -> u64 {
    let seconds = now.as_second() - then.as_second();
    let wait = match unit(seconds) {
        None => MINUTE - seconds,
        Some((length, ..)) => length - seconds % length,
    };
    wait.clamp(1, DAY) as u64
}

/// `0:42`, `12:03`, `1:02:03`, `2 d 03:04`.
pub fn duration(seconds: i64) -> String {
    let s = seconds.max(0);
    match s {
        ..HOUR => format!("{}:{:02}", s / 60, s % 60),
        HOUR..DAY => format!("{}:{:02}:{:02}", s / HOUR, s / 60 % 60, s % 60),
        _ => format!("{} d {:02}:{:02}", s / DAY, s / HOUR % 24, s / 60 % 60),
    }
}

/// `12.3 MB/s`, `850 rows/s` where there are no bytes to count.
pub fn rate(bytes_per_second: f64, rows_per_second: f64) -> Option<String> {
    if bytes_per_second >= 1.0 {
        Some(format!("{}/s", bytes(bytes_per_second as u64)))
    } else if rows_per_second >= 1.0 {
        Some(format!("{} rows/s", count(rows_per_second as u64)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn sizes_never_show_1024_of_a_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MB");
        assert_eq!(bytes(3_515_733), "3.4 MB");
        assert_eq!(bytes(512 * 1024 * 1024), "512 MB");
        assert_eq!(bytes(u64::MAX), "16.0 EB");
        for shift in 0..64 {
            assert!(bytes((1u64 << shift).wrapping_sub(1)).len() <= 7 || shift < 10, "{}", bytes(1 << shift));
        }
    }

    #[test]
    fn counts_have_thousands() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "row"), counted(2, "row")], ["1 row", "2 rows"]);
    }

    #[test]
    fn ages_are_relative_and_know_when_they_change() {
        let ago = |s| age(at(0), at(s), Wording::Long);
        assert_eq!([ago(0), ago(59), ago(60), ago(119)], ["just now", "just now", "1 minute ago", "1 minute ago"]);
        assert_eq!([ago(3 * HOUR), ago(DAY), ago(13 * DAY)], ["3 hours ago", "1 day ago", "13 days ago"]);
        assert_eq!([ago(14 * DAY), ago(60 * DAY), ago(800 * DAY)], ["2 weeks ago", "2 months ago", "2 years ago"]);
        assert_eq!(ago(-30), "just now");
        assert_eq!(ago(-300), "in the future");
        for s in [0, 10, 59, 60, 3599, 3600, 86_399, 86_400, 20 * DAY, 400 * DAY] {
            let wait = age_changes_in(at(0), at(s)) as i64;
            assert_eq!(ago(s), ago(s + wait - 1), "changes earlier than told after {s} s");
            if wait < DAY {
                assert_ne!(ago(s), ago(s + wait), "does not change after {s} s");
            }
        }
    }

    #[test]
    fn durations_and_rates() {
        assert_eq!(
            [duration(0), duration(62), duration(3723), duration(180_240)],
            ["0:00", "1:02", "1:02:03", "2 d 02:04"]
        );
        assert_eq!(rate(12.3 * 1024.0 * 1024.0, 5.0).unwrap(), "12.3 MB/s");
        assert_eq!(rate(0.0, 850.0).unwrap(), "850 rows/s");
        assert_eq!(rate(0.0, 0.0), None);
    }
}
