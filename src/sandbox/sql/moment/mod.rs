//! Dates and times: the calendar, text in and out, parts, sums and differences.

use crate::sandbox::value::{Base, SqlType, Value};

mod text;

/// Days from 0001-01-01 to 1900-01-01.
pub const DAYS_TO_1900: i64 = 693_595;
/// 100 ns of a day.
pub const DAY_TICKS: i64 = 864_000_000_000;
/// The last day, 9999-12-31.
pub const LAST_DAY: i64 = 3_652_058;
const SECOND: i64 = 10_000_000;

/// A point in local time with an optional offset in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Days since 0001-01-01, local.
    pub days: i64,
    /// 100 ns since midnight, local.
    pub ticks: i64,
    /// Minutes east of UTC.
    pub offset: Option<i16>,
}

/// Days since 0001-01-01 of a date of the proleptic calendar.
pub fn days_from(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 306
}

/// Year, month, day.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 306;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Days of a month.
pub fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn carry(days: i64, ticks: i64) -> (i64, i64) {
    (days + ticks.div_euclid(DAY_TICKS), ticks.rem_euclid(DAY_TICKS))
}

fn round_ticks(ticks: i64, scale: u8) -> i64 {
    let unit = 10i64.pow(u32::from(7 - scale.min(7)));
    (ticks + unit / 2) / unit * unit
}

impl Moment {
    /// From a value of a date or time type.
    pub fn of(value: &Value) -> Option<Moment> {
        Some(match value {
            Value::Date(d) => Moment { days: i64::from(*d), ticks: 0, offset: None },
            Value::Time { ticks, .. } => Moment { days: DAYS_TO_1900, ticks: *ticks as i64, offset: None },
            Value::DateTime2 { days, ticks, .. } => {
                Moment { days: i64::from(*days), ticks: *ticks as i64, offset: None }
            }
            Value::DateTimeOffset { days, ticks, offset, .. } => {
                let (days, ticks) = carry(i64::from(*days), *ticks as i64 + i64::from(*offset) * 60 * SECOND);
                Moment { days, ticks, offset: Some(*offset) }
            }
            Value::DateTime { days, ticks } => Moment {
                days: i64::from(*days) + DAYS_TO_1900,
                ticks: (i64::from(*ticks) * 100_000 + 1) / 3,
                offset: None,
            },
            Value::SmallDateTime { days, minutes } => {
                Moment { days: i64::from(*days) + DAYS_TO_1900, ticks: i64::from(*minutes) * 60 * SECOND, offset: None }
            }
            _ => return None,
        })
    }

    /// As a value of a type; `None` when out of its range.
    pub fn to(self, ty: &SqlType) -> Option<Value> {
        let in_range = |days: i64| (0..=LAST_DAY).contains(&days);
        match ty.base {
            Base::Date => in_range(self.days).then_some(Value::Date(self.days as u32)),
            Base::Time => {
                // A time that rounds up to midnight starts again at zero.
                let ticks = round_ticks(self.ticks, ty.scale) % DAY_TICKS;
                Some(Value::Time { ticks: ticks as u64, scale: ty.scale })
            }
            Base::DateTime2 => {
                let (days, ticks) = carry(self.days, round_ticks(self.ticks, ty.scale));
                in_range(days).then_some(Value::DateTime2 { days: days as u32, ticks: ticks as u64, scale: ty.scale })
            }
            Base::DateTimeOffset => {
                let offset = self.offset.unwrap_or(0);
                let (days, ticks) =
                    carry(self.days, round_ticks(self.ticks, ty.scale) - i64::from(offset) * 60 * SECOND);
                in_range(days).then_some(Value::DateTimeOffset {
                    days: days as u32,
                    ticks: ticks as u64,
                    scale: ty.scale,
                    offset,
                })
            }
            Base::DateTime => {
                let mut days = self.days - DAYS_TO_1900;
                let mut ticks = (self.ticks * 3 + 50_000) / 100_000;
                if ticks >= 25_920_000 {
                    ticks -= 25_920_000;
                    days += 1;
                }
                // 1753-01-01 is the first.
                (days >= -53_690 && days + DAYS_TO_1900 <= LAST_DAY)
                    .then_some(Value::DateTime { days: days as i32, ticks: ticks as u32 })
            }
            Base::SmallDateTime => {
                let mut days = self.days - DAYS_TO_1900;
                let mut minutes = (self.ticks + 30 * SECOND) / (60 * SECOND);
                if minutes >= 1440 {
                    minutes -= 1440;
                    days += 1;
                }
                (0..=65_535)
                    .contains(&days)
                    .then_some(Value::SmallDateTime { days: days as u16, minutes: minutes as u16 })
            }
            _ => None,
        }
    }

    /// Now, in UTC (the server's time zone).
    pub fn now() -> Moment {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let ticks = i64::try_from(since.as_nanos() / 100).unwrap_or(0);
        let (days, ticks) = carry(719_162, ticks);
        Moment { days, ticks, offset: None }
    }

    /// A part by its name, as DATEPART gives it.
    pub fn part(self, part: Part) -> i64 {
        let (y, m, d) = civil(self.days);
        match part {
            Part::Year => y,
            Part::Quarter => (m - 1) / 3 + 1,
            Part::Month => m,
            Part::DayOfYear => self.days - days_from(y, 1, 1) + 1,
            Part::Day => d,
            Part::Week => {
                // DATEFIRST 7: weeks start on Sunday; 0001-01-01 is a Monday.
                let first = days_from(y, 1, 1);
                let lead = (first + 1).rem_euclid(7);
                (self.days - first + lead) / 7 + 1
            }
            Part::IsoWeek => {
                let thursday = self.days - self.days.rem_euclid(7) + 3;
                let (ty, _, _) = civil(thursday);
                (thursday - days_from(ty, 1, 1)) / 7 + 1
            }
            Part::WeekDay => (self.days + 1).rem_euclid(7) + 1,
            Part::Hour => self.ticks / (3600 * SECOND),
            Part::Minute => self.ticks / (60 * SECOND) % 60,
            Part::Second => self.ticks / SECOND % 60,
            Part::Millisecond => self.ticks % SECOND / 10_000,
            Part::Microsecond => self.ticks % SECOND / 10,
            Part::Nanosecond => self.ticks % SECOND * 100,
            Part::Offset => i64::from(self.offset.unwrap_or(0)),
        }
    }

    /// DATEADD.
    pub fn add(self, part: Part, count: i64) -> Option<Moment> {
        let months = |count: i64| -> Option<Moment> {
            let (y, m, d) = civil(self.days);
            let total = y.checked_mul(12)?.checked_add(m - 1)?.checked_add(count)?;
            let (y, m) = (total.div_euclid(12), total.rem_euclid(12) + 1);
            if !(1..=9999).contains(&y) {
                return None;
            }
            Some(Moment { days: days_from(y, m, d.min(month_days(y, m))), ..self })
        };
        let ticks = |unit: i64| -> Option<Moment> {
            let total = i128::from(self.ticks) + i128::from(count) * i128::from(unit);
            let days = i128::from(self.days) + total.div_euclid(i128::from(DAY_TICKS));
            let ticks = total.rem_euclid(i128::from(DAY_TICKS));
            let days = i64::try_from(days).ok().filter(|d| (0..=LAST_DAY).contains(d))?;
            Some(Moment { days, ticks: ticks as i64, offset: self.offset })
        };
        match part {
            Part::Year => months(count.checked_mul(12)?),
            Part::Quarter => months(count.checked_mul(3)?),
            Part::Month => months(count),
            Part::DayOfYear | Part::Day | Part::WeekDay => ticks(DAY_TICKS),
            Part::Week | Part::IsoWeek => ticks(7 * DAY_TICKS),
            Part::Hour => ticks(3600 * SECOND),
            Part::Minute => ticks(60 * SECOND),
            Part::Second => ticks(SECOND),
            Part::Millisecond => ticks(10_000),
            Part::Microsecond => ticks(10),
            Part::Nanosecond => {
                let n = Moment { ..self };
                let total = count / 100;
                let sum = n.ticks + total % DAY_TICKS;
                let (days, ticks) = carry(n.days + total / DAY_TICKS, sum);
                Some(Moment { days, ticks, offset: n.offset })
            }
            Part::Offset => None,
        }
    }

    /// DATEDIFF: boundaries crossed from `self` to `other`.
    pub fn boundaries(self, other: Moment, part: Part) -> i128 {
        let (y1, m1, _) = civil(self.days);
        let (y2, m2, _) = civil(other.days);
        let units = |unit: i64| -> i128 {
            let at = |m: Moment| {
                (i128::from(m.days) * i128::from(DAY_TICKS) + i128::from(m.ticks)).div_euclid(i128::from(unit))
            };
            at(other) - at(self)
        };
        match part {
            Part::Year => i128::from(y2 - y1),
            Part::Quarter => i128::from((y2 * 4 + (m2 - 1) / 3) - (y1 * 4 + (m1 - 1) / 3)),
            Part::Month => i128::from((y2 * 12 + m2) - (y1 * 12 + m1)),
            Part::DayOfYear | Part::Day | Part::WeekDay => i128::from(other.days - self.days),
            Part::Week | Part::IsoWeek => i128::from((other.days + 1).div_euclid(7) - (self.days + 1).div_euclid(7)),
            Part::Hour => units(3600 * SECOND),
            Part::Minute => units(60 * SECOND),
            Part::Second => units(SECOND),
            Part::Millisecond => units(10_000),
            Part::Microsecond => units(10),
            Part::Nanosecond => units(1) * 100,
            Part::Offset => 0,
        }
    }
}

/// A part of a date by its name or abbreviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the parts")]
pub enum Part {
    Year,
    Quarter,
    Month,
    DayOfYear,
    Day,
    Week,
    IsoWeek,
    WeekDay,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Offset,
}

impl Part {
    /// By name, any case.
    pub fn named(name: &str) -> Option<Part> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" | "yy" | "yyyy" => Part::Year,
            "quarter" | "qq" | "q" => Part::Quarter,
            "month" | "mm" | "m" => Part::Month,
            "dayofyear" | "dy" | "y" => Part::DayOfYear,
            "day" | "dd" | "d" => Part::Day,
            "week" | "wk" | "ww" => Part::Week,
            "iso_week" | "isowk" | "isoww" => Part::IsoWeek,
            "weekday" | "dw" | "w" => Part::WeekDay,
            "hour" | "hh" => Part::Hour,
            "minute" | "mi" | "n" => Part::Minute,
            "second" | "ss" | "s" => Part::Second,
            "millisecond" | "ms" => Part::Millisecond,
            "microsecond" | "mcs" => Part::Microsecond,
            "nanosecond" | "ns" => Part::Nanosecond,
            "tzoffset" | "tz" => Part::Offset,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::sql::types::{plain, scaled};

    #[test]
    fn the_calendar_goes_there_and_back() {
        assert_eq!(days_from(1, 1, 1), 0);
        assert_eq!(days_from(1900, 1, 1), DAYS_TO_1900);
        assert_eq!(days_from(9999, 12, 31), LAST_DAY);
        for days in (0..=LAST_DAY).step_by(97) {
            let (y, m, d) = civil(days);
            assert_eq!(days_from(y, m, d), days);
        }
    }

    #[test]
    fn text_becomes_moments_and_text_again() {
        let dt2 = scaled(Base::DateTime2, 7);
        let dt = plain(Base::DateTime);
        for (text, style, ty, out) in [
            ("2024-02-29", 23, &dt2, "2024-02-29"),
            ("20240229 13:14:15.1234567", 121, &dt2, "2024-02-29 13:14:15.1234567"),
            ("2024-01-02T03:04:05.123", 121, &dt, "2024-01-02 03:04:05.123"),
            ("Jan  2 2024  3:04PM", 120, &dt, "2024-01-02 15:04:00"),
            ("01/02/2024", 112, &dt, "20240102"),
            ("13:14", 108, &dt, "13:14:00"),
        ] {
            let value = Moment::parse(text).unwrap().to(ty).unwrap();
            assert_eq!(Moment::of(&value).unwrap().format(ty, style).unwrap(), out, "{text}");
        }
        assert_eq!(Moment::parse("2023-02-29"), None);
        assert_eq!(Moment::parse("zzz"), None);
        let dto = scaled(Base::DateTimeOffset, 0);
        let v = Moment::parse("2024-01-02 00:30:00 +02:00").unwrap().to(&dto).unwrap();
        assert_eq!(Moment::of(&v).unwrap().format(&dto, 121).unwrap(), "2024-01-02 00:30:00 +02:00");
    }

    #[test]
    fn fact_85_datetime_shows_997() {
        let dt = plain(Base::DateTime);
        let v = Moment::parse("1999-12-31 23:59:59.997").unwrap().to(&dt).unwrap();
        assert_eq!(Moment::of(&v).unwrap().format(&dt, 121).unwrap(), "1999-12-31 23:59:59.997");
    }

    #[test]
    fn sums_and_differences() {
        let m = |t: &str| Moment::parse(t).unwrap();
        assert_eq!(m("2024-01-31").add(Part::Month, 1), Some(m("2024-02-29")));
        assert_eq!(m("2020-01-01").boundaries(m("2020-03-01"), Part::Day), 60);
        assert_eq!(m("2020-12-31").boundaries(m("2021-01-01"), Part::Year), 1);
        assert_eq!(m("2021-01-03").part(Part::IsoWeek), 53);
        assert_eq!(m("2024-01-06").part(Part::WeekDay), 7);
    }
}
