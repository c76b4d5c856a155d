//! Moments of the catalogue (`create_date`, `modify_date`): milliseconds of Unix time, shown as `datetime`.

use serde::{Deserialize, Serialize};

use crate::sandbox::value::Value;

/// A moment in UTC. The sandbox's server time zone is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Stamp(pub i64);

const DAY_MS: i64 = 86_400_000;
/// Days from 1900-01-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 25_567;

impl Stamp {
    /// Now.
    pub fn now() -> Stamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// As a `datetime`: days since 1900 and 1/300 s, rounded as the server rounds.
    pub fn datetime(self) -> Value {
        let mut days = self.0.div_euclid(DAY_MS);
        let mut ticks = (self.0.rem_euclid(DAY_MS) * 300 + 500) / 1000;
        if ticks >= 86_400 * 300 {
            days += 1;
            ticks = 0;
        }
        Value::DateTime { days: (days + EPOCH_DAYS) as i32, ticks: ticks as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_datetimes() {
        assert_eq!(Stamp(0).datetime(), Value::DateTime { days: 25_567, ticks: 0 });
        assert_eq!(Stamp(DAY_MS - 1).datetime(), Value::DateTime { days: 25_568, ticks: 0 });
        assert_eq!(Stamp(1500).datetime(), Value::DateTime { days: 25_567, ticks: 450 });
    }
}
