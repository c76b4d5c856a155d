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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::session::Message;

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

/// The server's faults, to be changed while it runs.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
    /// Nothing to look at: the usual case, asked for every row.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    faults: Vec<Armed>,
    releases: u64,
}

#[derive(Debug, Clone)]
struct Armed {
    id: u64,
    fault: Fault,
    matched: u32,
    left: Option<u32>,
}

/// A fault that was set, by which it can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(u64);

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a fault.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut state = self.lock();
        state.next += 1;
        let id = state.next;
        state.faults.push(Armed { id, left: fault.times, fault, matched: 0 });
        self.shared.any.store(true, Ordering::Release);
        FaultId(id)
    }

    /// Takes a fault back.
    pub fn remove(&self, id: FaultId) {
        self.lock().faults.retain(|armed| armed.id != id.0);
    }

    /// Takes all faults back and lets go what stalls.
    pub fn clear(&self) {
        self.lock().faults.clear();
        self.shared.any.store(false, Ordering::Release);
        self.release();
    }

    /// Lets go what stalls.
    pub fn release(&self) {
        self.lock().releases += 1;
        self.shared.released.notify_all();
    }

    /// Whether the fault is still to come.
    pub fn is_armed(&self, id: FaultId) -> bool {
        self.lock().faults.iter().any(|armed| armed.id == id.0 && armed.left != Some(0))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn any(&self) -> bool {
        self.shared.any.load(Ordering::Acquire)
    }

    /// Counts the fault as having happened; `false` if it was used up meanwhile.
    fn fire(&self, id: u64) -> bool {
        let mut state = self.lock();
        let Some(armed) = state.faults.iter_mut().find(|armed| armed.id == id) else { return false };
        match &mut armed.left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Waits for a time or for a release; ends early once `gone` says so.
    pub(super) fn stall(&self, time: Option<Duration>, gone: &dyn Fn() -> bool) {
        let end = time.map(|time| Instant::now() + time);
        let mut state = self.lock();
        let before = state.releases;
        while state.releases == before && !gone() && end.is_none_or(|end| Instant::now() < end) {
            let step = Duration::from_millis(20);
            let step = end.map_or(step, |end| step.min(end.saturating_duration_since(Instant::now())));
            state = match self.shared.released.wait_timeout(state, step) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

/// What a connection is to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verdict {
    Go,
    /// After so many of the bytes at hand.
    Drop(usize),
    Stall(Option<Duration>),
    Error(i32),
}

/// A fault that runs on this connection: what is left until it strikes.
#[derive(Debug, Clone)]
struct Running {
    id: u64,
    action: Action,
    rows: Option<u64>,
    bytes: Option<u64>,
    direction: Option<Direction>,
    /// It ends with its statement.
    of_statement: bool,
}

/// One connection's view of the faults.
#[derive(Debug, Clone)]
pub struct Line {
    faults: Faults,
    running: Arc<Mutex<Vec<Running>>>,
}

impl Line {
    /// For a new connection.
    pub fn new(faults: Faults) -> Self {
        let line = Self { faults, running: Arc::default() };
        line.pick_up();
        line
    }

    /// Faults that count over the whole connection and were set since.
    fn pick_up(&self) {
        if !self.faults.any() {
            return;
        }
        let state = self.faults.lock();
        let mut running = self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for armed in &state.faults {
            let fault = &armed.fault;
            if fault.on.is_none()
                && fault.counts()
                && armed.left != Some(0)
                && !running.iter().any(|r| r.id == armed.id)
            {
                running.push(Running {
                    id: armed.id,
                    action: fault.action.clone(),
                    rows: fault.after_rows,
                    bytes: fault.after_bytes,
                    direction: fault.direction,
                    of_statement: false,
                });
            }
        }
    }

    /// A login begins.
    pub fn login(&self) -> Verdict {
        self.statement(LOGIN)
    }

    /// A statement begins (a batch's text, a procedure's name and text).
    pub fn statement(&self, text: &str) -> Verdict {
        if !self.faults.any() {
            return Verdict::Go;
        }
        self.pick_up();
        let mut strikes = None;
        let mut starts = Vec::new();
        {
            let mut state = self.faults.lock();
            for armed in &mut state.faults {
                if armed.left == Some(0)
                    || !armed.fault.matches(text)
                    || (armed.fault.on.is_none() && armed.fault.counts())
                {
                    continue;
                }
                armed.matched += 1;
                if armed.matched < armed.fault.nth {
                    continue;
                }
                if armed.fault.counts() {
                    starts.push(Running {
                        id: armed.id,
                        action: armed.fault.action.clone(),
                        rows: armed.fault.after_rows,
                        bytes: armed.fault.after_bytes,
                        direction: armed.fault.direction,
                        of_statement: true,
                    });
                } else if strikes.is_none() {
                    if let Some(left) = &mut armed.left {
                        *left -= 1;
                    }
                    strikes = Some(armed.fault.action.clone());
                }
            }
        }
        let mut running = self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        running.retain(|r| !r.of_statement);
        running.extend(starts);
        match strikes {
            None => Verdict::Go,
            Some(action) => verdict(&action, 0),
        }
    }

    /// A row is about to be sent, or was received.
    pub fn row(&self, way: Direction) -> Verdict {
        self.count(way, 1, true)
    }

    /// Bytes are about to be sent, or were received.
    pub fn bytes(&self, way: Direction, bytes: usize) -> Verdict {
        self.count(way, bytes as u64, false)
    }

    fn count(&self, way: Direction, amount: u64, rows: bool) -> Verdict {
        if !self.faults.any() {
            return Verdict::Go;
        }
        if !rows {
            self.pick_up();
        }
        let mut running = self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut index = 0;
        while index < running.len() {
            let fault = &mut running[index];
            index += 1;
            let counts = match fault.direction {
                Some(direction) => direction == way,
                None => rows || way == Direction::Sent,
            };
            let left = if rows { &mut fault.rows } else { &mut fault.bytes };
            let Some(left) = left.as_mut().filter(|_| counts) else { continue };
            if *left >= amount {
                *left -= amount;
                continue;
            }
            let keep = *left as usize;
            let fault = running.remove(index - 1);
            if self.faults.fire(fault.id) {
                return verdict(&fault.action, keep);
            }
            index -= 1;
        }
        Verdict::Go
    }

    /// Waits as [`Faults::stall`] does.
    pub fn stall(&self, time: Option<Duration>, gone: &dyn Fn() -> bool) {
        self.faults.stall(time, gone);
    }
}

fn verdict(action: &Action, keep: usize) -> Verdict {
    match action {
        Action::Drop => Verdict::Drop(keep),
        Action::Stall(time) => Verdict::Stall(*time),
        Action::Error(number) => Verdict::Error(*number),
    }
}

/// The text and class of an error that a fault answers; names are those of the sandbox's own making.
pub(super) fn message(number: i32, spid: u16, server: &str, database: &str) -> Message {
    // Numbers, classes and words as documented (mssqlserver-1105 and 1205, the list of transient errors of Azure).
    // Assumption: the states, all of them, 2 of 1105 and 51 of 1205 too.
    let (state, class, text) = match number {
        1105 => (
            2,
            17,
            format!(
                "Could not allocate space for object 'dbo.SORT temporary run storage' in database '{database}' because \
                 the 'PRIMARY' filegroup is full due to lack of storage space or database files reaching the maximum \
                 allowed size. Note that UNLIMITED files are still limited to 16TB. Create the necessary space by \
                 dropping objects in the filegroup, adding additional files to the filegroup, or setting autogrowth on \
                 for existing files in the filegroup."
            ),
        ),
        1205 => {
            let deadlock = super::sql::error::deadlock(spid);
            (deadlock.state, deadlock.class, deadlock.text)
        }
        40197 => (
            1,
            17,
            "The service has encountered an error processing your request. Please try again. Error code 4221."
                .to_owned(),
        ),
        40501 => (
            1,
            20,
            "The service is currently busy. Retry the request after 10 seconds. Incident ID: \
             00000000-0000-0000-0000-000000000000. Code: 131075"
                .to_owned(),
        ),
        40613 => (
            1,
            17,
            format!(
                "Database '{database}' on server '{server}' is not currently available.  Please retry the connection \
                 later.  If the problem persists, contact customer support, and provide them the session tracing ID of \
                 '00000000-0000-0000-0000-000000000000'."
            ),
        ),
        40615 => (
            1,
            16,
            format!(
                "Cannot open server '{server}' requested by the login. Client with IP address '127.0.0.1' is not \
                 allowed to access the server.  To enable access, use the Windows Azure Management Portal or run \
                 sp_set_firewall_rule on the master database to create a firewall rule for this IP address or address \
                 range.  It may take up to five minutes for this change to take effect."
            ),
        ),
        49918 => (
            1,
            16,
            "Cannot process request. Not enough resources to process request. The service is currently busy. Please \
             retry the request later."
                .to_owned(),
        ),
        other => (1, 16, format!("Error {other} on demand.")),
    };
    Message { number, state, class, text, procedure: String::new(), line: 1 }
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
