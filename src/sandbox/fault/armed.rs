//! The faults that are set, what each connection has seen of them, and what becomes of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::{Action, Direction, Fault, LOGIN};

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

    /// Waits as `Faults::stall` does.
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
