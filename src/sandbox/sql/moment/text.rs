//! Dates and times as text, in and out.

use super::{DAY_TICKS, DAYS_TO_1900, Moment, SECOND, carry, civil, days_from, month_days};
use crate::sandbox::value::{Base, SqlType};

impl Moment {
    /// From text in the forms people and drivers write.
    pub fn parse(text: &str) -> Option<Moment> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Moment { days: DAYS_TO_1900, ticks: 0, offset: None });
        }
        let (date, rest) = parse_date(text);
        let rest = rest.trim_start_matches('T').trim();
        let (ticks, rest) = parse_time(rest)?;
        let rest = rest.trim();
        let offset = match rest {
            "" => None,
            "Z" | "z" => Some(0),
            _ => {
                let (sign, hm) = match rest.as_bytes()[0] {
                    b'+' => (1i16, &rest[1..]),
                    b'-' => (-1, &rest[1..]),
                    _ => return None,
                };
                let (h, m) = hm.split_once(':')?;
                let (h, m): (i16, i16) = (h.parse().ok()?, m.parse().ok()?);
                if h > 14 || m > 59 {
                    return None;
                }
                Some(sign * (h * 60 + m))
            }
        };
        let days = match date {
            Some(d) => d?,
            None => DAYS_TO_1900,
        };
        Some(Moment { days, ticks, offset })
    }

    fn clock(self, digits: u8) -> String {
        let s = self.ticks / SECOND;
        let mut out = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
        if digits > 0 {
            let fraction = format!("{:07}", self.ticks % SECOND);
            out.push('.');
            out.push_str(&fraction[..usize::from(digits.min(7))]);
        }
        out
    }

    fn zone(self) -> String {
        match self.offset {
            Some(o) => {
                format!("{}{:02}:{:02}", if o < 0 { '-' } else { '+' }, o.unsigned_abs() / 60, o.unsigned_abs() % 60)
            }
            None => String::new(),
        }
    }

    /// As text in a style of CONVERT; `None` for an unknown style.
    pub fn format(self, ty: &SqlType, style: i32) -> Option<String> {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (y, m, d) = civil(self.days);
        let digits = match ty.base {
            Base::Time | Base::DateTime2 | Base::DateTimeOffset => ty.scale,
            Base::DateTime => 3,
            _ => 0,
        };
        let me = if ty.base == Base::DateTime {
            // Milliseconds as they are shown: .000, .003, .007.
            let ms = (self.ticks + 5_000) / 10_000;
            Moment { ticks: (ms * 10_000).min(DAY_TICKS - 1), ..self }
        } else {
            self
        };
        let date_only = ty.base == Base::Date;
        let time_only = ty.base == Base::Time;
        let yy = y % 100;
        let month = MONTHS[(m - 1) as usize];
        let join = |date: String, clock: String| {
            if date_only {
                date
            } else if time_only {
                clock
            } else {
                format!("{date} {clock}{}", if me.offset.is_some() { format!(" {}", me.zone()) } else { String::new() })
            }
        };
        let twelve = |seconds: bool| {
            let s = me.ticks / SECOND;
            let h = s / 3600;
            let h12 = if h % 12 == 0 { 12 } else { h % 12 };
            let half = if h < 12 { "AM" } else { "PM" };
            if seconds {
                let fraction = format!("{:07}", me.ticks % SECOND);
                format!("{:>2}:{:02}:{:02}:{}{half}", h12, s / 60 % 60, s % 60, &fraction[..3])
            } else {
                format!("{:>2}:{:02}{half}", h12, s / 60 % 60)
            }
        };
        Some(match style {
            // The newer types show ISO text where the older ones show style 0.
            0 | 100 if matches!(ty.base, Base::DateTime | Base::SmallDateTime) || style == 100 => {
                let date = format!("{month} {d:>2} {y}");
                if date_only { date } else { format!("{date} {}", twelve(false)) }
            }
            0 => join(format!("{y:04}-{m:02}-{d:02}"), me.clock(digits)),
            9 | 109 => {
                let date = format!("{month} {d:>2} {y}");
                if date_only { date } else { format!("{date} {}", twelve(true)) }
            }
            1 => format!("{m:02}/{d:02}/{yy:02}"),
            101 => format!("{m:02}/{d:02}/{y:04}"),
            2 => format!("{yy:02}.{m:02}.{d:02}"),
            102 => format!("{y:04}.{m:02}.{d:02}"),
            3 => format!("{d:02}/{m:02}/{yy:02}"),
            103 => format!("{d:02}/{m:02}/{y:04}"),
            4 => format!("{d:02}.{m:02}.{yy:02}"),
            104 => format!("{d:02}.{m:02}.{y:04}"),
            5 => format!("{d:02}-{m:02}-{yy:02}"),
            105 => format!("{d:02}-{m:02}-{y:04}"),
            106 => format!("{d:02} {month} {y:04}"),
            107 => format!("{month} {d:02}, {y:04}"),
            8 | 108 | 24 => me.clock(0),
            10 => format!("{m:02}-{d:02}-{yy:02}"),
            110 => format!("{m:02}-{d:02}-{y:04}"),
            11 => format!("{yy:02}/{m:02}/{d:02}"),
            111 => format!("{y:04}/{m:02}/{d:02}"),
            12 => format!("{yy:02}{m:02}{d:02}"),
            112 => format!("{y:04}{m:02}{d:02}"),
            14 | 114 => {
                let fraction = format!("{:07}", me.ticks % SECOND);
                format!("{}:{}", me.clock(0), &fraction[..3])
            }
            20 | 120 => join(format!("{y:04}-{m:02}-{d:02}"), me.clock(0)),
            21 | 25 | 121 => join(format!("{y:04}-{m:02}-{d:02}"), me.clock(digits)),
            23 => format!("{y:04}-{m:02}-{d:02}"),
            126 | 127 => {
                let fraction = match ty.base {
                    Base::DateTime if me.ticks % SECOND == 0 => 0,
                    _ => digits,
                };
                let clock = me.clock(fraction);
                if date_only {
                    format!("{y:04}-{m:02}-{d:02}")
                } else if time_only {
                    clock
                } else if style == 127 && me.offset.is_some() {
                    let utc = Moment { offset: Some(0), ..me };
                    let (days, ticks) = carry(me.days, me.ticks - i64::from(me.offset.unwrap_or(0)) * 60 * SECOND);
                    let (y, m, d) = civil(days);
                    format!("{y:04}-{m:02}-{d:02}T{}Z", Moment { days, ticks, ..utc }.clock(fraction))
                } else {
                    format!("{y:04}-{m:02}-{d:02}T{clock}{}", me.zone())
                }
            }
            _ => return None,
        })
    }
}

/// The date in front of a text. `None`: no date there; `Some(None)`: one that does not exist.
fn parse_date(text: &str) -> (Option<Option<i64>>, &str) {
    let make = |y: i64, m: i64, d: i64| {
        let y = if y < 100 { if y < 50 { 2000 + y } else { 1900 + y } } else { y };
        ((1..=9999).contains(&y) && (1..=12).contains(&m) && d >= 1 && d <= month_days(y, m))
            .then(|| days_from(y, m, d))
    };
    let bytes = text.as_bytes();
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = |t: &str| t.parse::<i64>().unwrap_or(-1);
    let follows = |at: usize| bytes.get(at).copied();
    if (digits == 8 || digits == 6) && !matches!(follows(digits), Some(b'-' | b'/' | b'.' | b':')) {
        let y = digits - 4;
        return (Some(make(number(&text[..y]), number(&text[y..y + 2]), number(&text[y + 2..y + 4]))), &text[digits..]);
    }
    if digits == 4 && !matches!(follows(4), Some(b'-' | b'/' | b'.' | b':')) {
        return (Some(make(number(&text[..4]), 1, 1)), &text[4..]);
    }
    if (1..=4).contains(&digits) && matches!(follows(digits), Some(b'-' | b'/' | b'.')) {
        let separator = bytes[digits] as char;
        let mut parts = Vec::new();
        let mut rest = text;
        for n in 0..3 {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            if len == 0 || len > 4 {
                return (Some(None), rest);
            }
            parts.push(number(&rest[..len]));
            rest = &rest[len..];
            if n < 2 {
                match rest.strip_prefix(separator) {
                    Some(r) => rest = r,
                    None => return (Some(None), rest),
                }
            }
        }
        // DATEFORMAT mdy unless the year comes first.
        let date = if digits == 4 { make(parts[0], parts[1], parts[2]) } else { make(parts[2], parts[0], parts[1]) };
        return (Some(date), rest);
    }
    // "Jan  2 2024", "2 January 2024"
    let words: Vec<&str> = text.split([' ', ',']).filter(|w| !w.is_empty()).take(3).collect();
    if words.len() == 3 {
        let month = |w: &str| {
            const NAMES: [&str; 12] =
                ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
            let w = w.to_ascii_lowercase();
            NAMES.iter().position(|n| w.starts_with(n)).map(|p| p as i64 + 1)
        };
        let found = match (month(words[0]), month(words[1])) {
            (Some(m), _) => Some((number(words[2]), m, number(words[1]))),
            (_, Some(m)) => Some((number(words[2]), m, number(words[0]))),
            _ => None,
        };
        if let Some((y, m, d)) = found {
            let end = text.find(words[2]).map_or(text.len(), |p| p + words[2].len());
            return (Some(make(y, m, d)), &text[end..]);
        }
    }
    (None, text)
}

/// The time in front of a text (midnight if there is none).
fn parse_time(text: &str) -> Option<(i64, &str)> {
    let len = text.bytes().take_while(|b| b.is_ascii_digit()).count();
    if len == 0 {
        return Some((0, text));
    }
    let hours: i64 = text[..len].parse().ok()?;
    let mut rest = &text[len..];
    let (mut minutes, mut seconds, mut fraction) = (0i64, 0i64, 0i64);
    let mut clock = false;
    let take = |rest: &mut &str| -> Option<i64> {
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        if len == 0 || len > 2 {
            return None;
        }
        let n = rest[..len].parse().ok()?;
        *rest = &rest[len..];
        Some(n)
    };
    if let Some(r) = rest.strip_prefix(':') {
        clock = true;
        rest = r;
        minutes = take(&mut rest)?;
        if let Some(r) = rest.strip_prefix(':') {
            rest = r;
            seconds = take(&mut rest)?;
            if rest.starts_with('.') || rest.starts_with(':') {
                let colon = rest.starts_with(':');
                rest = &rest[1..];
                let len = rest.bytes().take_while(u8::is_ascii_digit).count();
                if len == 0 || len > 9 {
                    return None;
                }
                if colon {
                    fraction = rest[..len].parse::<i64>().ok()?.checked_mul(10_000)?;
                } else {
                    let padded = format!("{:0<9}", &rest[..len]);
                    // Beyond 100 ns the text is rounded.
                    fraction = (padded.parse::<i64>().ok()? + 50) / 100;
                }
                rest = &rest[len..];
            }
        }
    }
    let mut hours = hours;
    let half = rest.trim_start();
    let upper: String = half.chars().take(2).collect::<String>().to_ascii_uppercase();
    if upper == "AM" || upper == "PM" {
        let named = (1..=12).contains(&hours) || (upper == "AM" && hours == 0);
        if !named {
            return None;
        }
        hours = hours % 12 + if upper == "PM" { 12 } else { 0 };
        rest = &half[2..];
        clock = true;
    }
    if !clock || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some((((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction, rest))
}
