//! The ranges of SQL Server's types, checked the same way on the way in and on the way out.

use super::Fault;

/// 100 ns in a day.
pub(super) const TICKS_PER_DAY: u64 = 864_000_000_000;
/// Days from 0001-01-01 to 9999-12-31.
pub(super) const LAST_DAY: u32 = 3_652_058;
/// Days from 1900-01-01 back to 1753-01-01, the first datetime.
const FIRST_DATETIME: i32 = -53_690;
/// Days from 1900-01-01 to 9999-12-31.
const LAST_DATETIME: i32 = 2_958_463;
/// 1/300 s in a day.
const DATETIME_TICKS_PER_DAY: u32 = 25_920_000;
/// The widest offset from UTC, in minutes.
const WIDEST_OFFSET: i16 = 840;

/// Ticks of one unit in the last digit, by scale.
pub(super) const UNIT: [u64; 8] = [10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// 10^n as far as u128 holds it.
pub(super) const POWERS: [u128; 39] = {
    let mut table = [1u128; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

#[inline(always)]
pub(super) fn time(ticks: u64, scale: u8) -> Result<(), Fault> {
    if ticks >= TICKS_PER_DAY {
        return Err(Fault::Time(ticks));
    }
    // The modulo by a variable is a division; the usual scale 7 does without.
    if scale < 7 && !ticks.is_multiple_of(UNIT[usize::from(scale)]) {
        return Err(Fault::TimeScale { ticks, scale });
    }
    Ok(())
}

#[inline(always)]
pub(super) fn date(days: u32) -> Result<(), Fault> {
    if days > LAST_DAY { Err(Fault::Date(u64::from(days))) } else { Ok(()) }
}

#[inline(always)]
pub(super) fn offset(minutes: i16) -> Result<(), Fault> {
    if (-WIDEST_OFFSET..=WIDEST_OFFSET).contains(&minutes) { Ok(()) } else { Err(Fault::Offset(minutes)) }
}

#[inline(always)]
pub(super) fn datetime(days: i32, ticks: u32) -> Result<(), Fault> {
    if (FIRST_DATETIME..=LAST_DATETIME).contains(&days) && ticks < DATETIME_TICKS_PER_DAY {
        Ok(())
    } else {
        Err(Fault::DateTime { days, ticks })
    }
}

#[inline(always)]
pub(super) fn minutes(minutes: u16) -> Result<(), Fault> {
    if minutes < 1440 { Ok(()) } else { Err(Fault::Minutes(minutes)) }
}

#[inline(always)]
pub(super) fn decimal(magnitude: u128, precision: u8) -> Result<(), Fault> {
    if magnitude >= POWERS[usize::from(precision.min(38))] {
        return Err(Fault::DecimalMagnitude { magnitude, precision });
    }
    Ok(())
}
