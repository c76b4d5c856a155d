//! Faults on demand: a connection that drops, an answer that stalls, an error at the n-th statement like this one.
//!
//! A fault is one line of text, for the command line and for tests:
//!
//! ```text
//! drop-after-rows=1000                 the connection drops before row 1,001 is sent
//! drop-after-bytes=5000,direction=received
//! stall=5s,on=SELECT                   the next statement that contains SELECT waits 5 seconds
//! stall-after-rows=10                  until released
//! error=1205,nth=2,on=INSERT BULK      the second INSERT BULK is answered by error 1205
//! error=1105,after-rows=500            the bulk load or result fails after 500 rows
//! error=40613,on=login                 the next login is refused
//! ```
//!
//! Keys: `after-rows=N`, `after-bytes=N`, `direction=sent|received` (default: rows either way, bytes sent), `nth=N` (the
//! n-th match, default 1), `times=N|always` (how often, default 1), and last `on=TEXT` (statements that contain TEXT, in
//! any case; the rest of the line). Without `on`, rows and bytes are counted over the connection; with it, from the
//! statement on.

use std::str::FromStr;
use std::time::Duration;

mod armed;
mod message;

pub use armed::{FaultId, Faults, Line, Verdict};
pub(super) use message::message;

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The connection is closed without a word.
    Drop,
    /// Nothing moves for a time, or until [`Faults::release`].
    Stall(Option<Duration>),
    /// The request is answered by this error.
    Error(i32),
}

/// Which way rows or bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Server to client.
    Sent,
    /// Client to server.
    Received,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub action: Action,
    /// Statements that contain this, in any case; `login` is the login.
    pub on: Option<String>,
    /// After so many rows.
    pub after_rows: Option<u64>,
    /// After so many bytes.
    pub after_bytes: Option<u64>,
    /// Which way; `None`: rows either way, bytes sent.
    pub direction: Option<Direction>,
    /// The n-th statement that matches, from 1.
    pub nth: u32,
    /// How often; `None` for ever.
    pub times: Option<u32>,
}

/// A fault's text that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault '{text}': {why}")]
pub struct FaultSyntax {
    text: String,
    why: String,
}

impl Fault {
    /// A fault that happens once, at the next opportunity.
    pub fn new(action: Action) -> Self {
        Self { action, on: None, after_rows: None, after_bytes: None, direction: None, nth: 1, times: Some(1) }
    }

    /// Of statements that contain `text`.
    pub fn on(mut self, text: &str) -> Self {
        self.on = Some(text.to_owned());
        self
    }

    /// After so many rows.
    pub fn after_rows(mut self, rows: u64) -> Self {
        self.after_rows = Some(rows);
        self
    }

    /// After so many bytes.
    pub fn after_bytes(mut self, bytes: u64) -> Self {
        self.after_bytes = Some(bytes);
        self
    }

    /// Counting this way only.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    /// At the n-th match.
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// So often; `None` for ever.
    pub fn times(mut self, times: Option<u32>) -> Self {
        self.times = times;
        self
    }

    fn counts(&self) -> bool {
        self.after_rows.is_some() || self.after_bytes.is_some()
    }

    fn matches(&self, statement: &str) -> bool {
        match &self.on {
            None => statement != LOGIN,
            Some(on) if on.eq_ignore_ascii_case("login") => statement == LOGIN,
            Some(on) => statement != LOGIN && contains(statement, on),
        }
    }
}

/// What the login is called among statements: no statement is this text.
const LOGIN: &str = "\0login";

fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

impl FromStr for Fault {
    type Err = FaultSyntax;

    fn from_str(text: &str) -> Result<Self, FaultSyntax> {
        let wrong = |why: String| FaultSyntax { text: text.to_owned(), why };
        // `direction=` ends in `on=`, too: the comma tells them apart.
        let (head, on) = text.split_once(",on=").map_or((text, None), |(head, on)| (head, Some(on)));
        let number = |key: &str, value: Option<&str>| -> Result<u64, FaultSyntax> {
            value.and_then(|v| v.replace('_', "").parse().ok()).ok_or_else(|| wrong(format!("{key} needs a number")))
        };
        let mut words = head.split(',').map(str::trim);
        let first = words.next().unwrap_or_default();
        let (key, value) = first.split_once('=').map_or((first, None), |(k, v)| (k, Some(v)));
        let mut fault = match key {
            "drop" => Self::new(Action::Drop),
            "drop-after-rows" => Self::new(Action::Drop).after_rows(number(key, value)?),
            "drop-after-bytes" => Self::new(Action::Drop).after_bytes(number(key, value)?),
            "stall" | "stall-after-rows" | "stall-after-bytes" => {
                let mut fault = Self::new(Action::Stall(None));
                match key {
                    "stall-after-rows" => fault.after_rows = Some(number(key, value)?),
                    "stall-after-bytes" => fault.after_bytes = Some(number(key, value)?),
                    _ => fault.action = Action::Stall(value.map(|v| duration(v).map_err(&wrong)).transpose()?),
                }
                fault
            }
            "error" => {
                let number = number(key, value)?;
                Self::new(Action::Error(i32::try_from(number).map_err(|_| wrong("no such error".to_owned()))?))
            }
            "" => return Err(wrong("it begins with drop, stall or error=NUMBER".to_owned())),
            other => return Err(wrong(format!("unknown '{other}': it begins with drop, stall or error=NUMBER"))),
        };
        for word in words {
            let (key, value) = word.split_once('=').map_or((word, None), |(k, v)| (k, Some(v)));
            match (key, value) {
                ("after-rows", value) => fault.after_rows = Some(number(key, value)?),
                ("after-bytes", value) => fault.after_bytes = Some(number(key, value)?),
                ("direction", Some("sent")) => fault.direction = Some(Direction::Sent),
                ("direction", Some("received")) => fault.direction = Some(Direction::Received),
                ("for", Some(value)) if matches!(fault.action, Action::Stall(_)) => {
                    fault.action = Action::Stall(Some(duration(value).map_err(wrong)?));
                }
                ("nth", value) => fault.nth = u32::try_from(number(key, value)?.max(1)).unwrap_or(u32::MAX),
                ("times", Some("always")) => fault.times = None,
                ("times", value) => fault.times = Some(u32::try_from(number(key, value)?).unwrap_or(u32::MAX)),
                (other, _) => {
                    return Err(wrong(format!(
                        "unknown '{other}': after-rows=N, after-bytes=N, direction=sent|received, for=TIME, nth=N, \
                         times=N|always, on=TEXT (last)"
                    )));
                }
            }
        }
        fault.on = on.map(str::to_owned);
        Ok(fault)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = digits.parse().map_err(|_| format!("'{text}' is no time such as 5s or 200ms"))?;
    match unit {
        "" | "s" => Ok(Duration::from_secs(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(format!("'{text}' is no time such as 5s or 200ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_reads_as_documented() {
        let parse = |text: &str| text.parse::<Fault>().unwrap();
        assert_eq!(parse("drop-after-rows=1_000"), Fault::new(Action::Drop).after_rows(1000));
        assert_eq!(parse("error=1205,on=INSERT BULK"), Fault::new(Action::Error(1205)).on("INSERT BULK"));
        assert_eq!(
            parse("stall=200ms,nth=2,times=always,on=a, b on=c"),
            Fault::new(Action::Stall(Some(Duration::from_millis(200)))).nth(2).times(None).on("a, b on=c")
        );
        assert_eq!(
            parse("drop-after-bytes=5,direction=received"),
            Fault::new(Action::Drop).after_bytes(5).direction(Direction::Received)
        );
        assert_eq!(
            parse("drop-after-rows=5,direction=received,on=x,on=y"),
            Fault::new(Action::Drop).after_rows(5).direction(Direction::Received).on("x,on=y")
        );
        assert_eq!(parse("stall-after-rows=1"), Fault::new(Action::Stall(None)).after_rows(1));
        for bad in ["", "explode", "drop-after-rows", "error=x", "stall=5h", "drop,foo=1", "error=1205,direction=up"] {
            let error = bad.parse::<Fault>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("fault '{bad}': ")), "{error}");
        }
    }

    #[test]
    fn the_nth_statement_fails_once() {
        let faults = Faults::new();
        let line = Line::new(faults.clone());
        assert_eq!(line.statement("SELECT 1"), Verdict::Go);
        let id = faults.add("error=1205,nth=2,on=insert bulk".parse().unwrap());
        assert_eq!(line.statement("INSERT BULK t"), Verdict::Go);
        assert_eq!(line.login(), Verdict::Go);
        assert_eq!(line.statement("Insert Bulk t"), Verdict::Error(1205));
        assert!(!faults.is_armed(id));
        assert_eq!(line.statement("INSERT BULK t"), Verdict::Go);
        faults.add("error=40613,on=login".parse().unwrap());
        assert_eq!(line.statement("login"), Verdict::Go, "a statement is no login");
        assert_eq!(line.login(), Verdict::Error(40613));
    }

    #[test]
    fn rows_and_bytes_are_counted_from_the_statement_or_over_the_connection() {
        let faults = Faults::new();
        let line = Line::new(faults.clone());
        faults.add("drop-after-rows=2".parse().unwrap());
        faults.add("stall=1s,after-bytes=10,on=big".parse().unwrap());
        line.statement("x");
        assert_eq!(line.row(Direction::Received), Verdict::Go);
        assert_eq!(line.bytes(Direction::Sent, 100), Verdict::Go, "not yet the statement");
        assert_eq!(line.row(Direction::Sent), Verdict::Go);
        assert_eq!(line.row(Direction::Sent), Verdict::Drop(0));
        assert_eq!(line.row(Direction::Sent), Verdict::Go, "once");
        line.statement("BIG");
        assert_eq!(line.bytes(Direction::Received, 100), Verdict::Go);
        assert_eq!(line.bytes(Direction::Sent, 10), Verdict::Go);
        assert_eq!(line.bytes(Direction::Sent, 1), Verdict::Stall(Some(Duration::from_secs(1))));
        let other = Line::new(faults.clone());
        other.statement("big");
        assert_eq!(other.bytes(Direction::Sent, 11), Verdict::Go, "used up");
        faults.add("drop-after-bytes=7".parse().unwrap());
        assert_eq!(other.bytes(Direction::Sent, 8), Verdict::Drop(7));
    }

    #[test]
    fn a_stall_ends_when_released() {
        let faults = Faults::new();
        let other = faults.clone();
        let waiting = std::thread::spawn(move || other.stall(None, &|| false));
        while !waiting.is_finished() {
            faults.release();
            std::thread::sleep(Duration::from_millis(1));
        }
        faults.stall(Some(Duration::from_millis(5)), &|| false);
        faults.stall(None, &|| true);
    }
}
