//! Identity columns and what counts them.

use std::sync::Arc;
use std::sync::Mutex;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A counter that outlives rollbacks and snapshots, as identity values and sequences do: every clone is the same cell.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<Mutex<Count>>);

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Count {
    #[serde(with = "maybe_wide")]
    last: Option<i128>,
    /// Set anew before any use: the next value is this one, not the one after it.
    fresh: bool,
}

impl Counter {
    fn with<T>(&self, change: impl FnOnce(&mut Count) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// The last value given out; `None` if none was (fact 44).
    pub fn last(&self) -> Option<i128> {
        self.with(|c| c.last)
    }

    /// Sets it.
    pub fn set(&self, last: Option<i128>) {
        self.with(|c| *c = Count { last, fresh: false });
    }

    /// RESEED, RESTART: the next value follows this one, or is it, if none was ever given out.
    pub fn reseed(&self, value: i128) {
        self.with(|c| *c = Count { last: Some(value), fresh: c.fresh || c.last.is_none() });
    }

    /// RESTART WITH: the next value is this one.
    pub fn restart(&self, value: i128) {
        self.with(|c| *c = Count { last: Some(value), fresh: true });
    }

    /// The next value, not yet taken; `None` beyond 128 bits.
    pub fn peek(&self, seed: i128, increment: i128) -> Option<i128> {
        self.with(|c| match c.last {
            None => Some(seed),
            Some(last) if c.fresh => Some(last),
            Some(last) => last.checked_add(increment),
        })
    }

    /// Looks and sets in one step: the function gets the next value and says which one is the last from now on.
    pub fn take<T>(&self, seed: i128, increment: i128, take: impl FnOnce(Option<i128>) -> (Option<i128>, T)) -> T {
        self.with(|c| {
            let next = match c.last {
                None => Some(seed),
                Some(last) if c.fresh => Some(last),
                Some(last) => last.checked_add(increment),
            };
            let (last, out) = take(next);
            if last.is_some() {
                *c = Count { last, fresh: false };
            }
            out
        })
    }

    /// Looks and sets in one step.
    pub fn update<T>(&self, change: impl FnOnce(&mut Option<i128>) -> T) -> T {
        self.with(|c| {
            let before = c.last;
            let out = change(&mut c.last);
            if c.last != before {
                c.fresh = false;
            }
            out
        })
    }
}

impl Serialize for Counter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with(|c| *c).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Counter(Arc::new(Mutex::new(Count::deserialize(deserializer)?))))
    }
}

/// 128-bit integers, or nothing, as text.
mod maybe_wide {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &Option<i128>, serializer: S) -> Result<S::Ok, S::Error> {
        // Text: JSON numbers of 38 digits are not for every reader.
        value.map(|v| v.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i128>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|t| t.parse::<i128>()).transpose().map_err(serde::de::Error::custom)
    }
}

/// IDENTITY.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// First value. decimal(38, 0) identities need 128 bits.
    #[serde(with = "wide")]
    pub seed: i128,
    /// Step, never 0.
    #[serde(with = "wide")]
    pub increment: i128,
    /// NOT FOR REPLICATION.
    pub not_for_replication: bool,
    /// The last value given out, shared by all snapshots.
    pub counter: Counter,
}

/// 128-bit integers as text.
pub(crate) mod wide {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
