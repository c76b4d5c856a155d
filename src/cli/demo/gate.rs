//! A server whose databases open once they are filled: a login into one that is being seeded waits, so that a backup
//! started at once is right.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::sandbox::session::{Backend, LoggedIn, LoginRequest, Message, Signals};

/// How often a waiting login looks whether its client has gone.
const LOOK_UP: Duration = Duration::from_millis(100);

/// The databases that are being seeded.
#[derive(Debug, Default)]
pub struct Gate {
    closed: Mutex<HashSet<String>>,
    opened: Condvar,
}

impl Gate {
    /// Logins into the database wait from now on.
    pub fn close(&self, database: &str) {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).insert(database.to_lowercase());
    }

    /// Lets them in.
    pub fn open(&self, database: &str) {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).remove(&database.to_lowercase());
        self.opened.notify_all();
    }

    fn wait(&self, database: &str, signals: &Signals) {
        let database = database.to_lowercase();
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        while closed.contains(&database) && !signals.is_cancelled() {
            closed = self.opened.wait_timeout(closed, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A sandbox behind the gate.
pub struct Gated {
    /// The sandbox.
    pub server: Arc<dyn Backend>,
    /// The gate.
    pub gate: Arc<Gate>,
}

impl Backend for Gated {
    fn login(&self, request: &LoginRequest, signals: Arc<Signals>) -> Result<LoggedIn, Vec<Message>> {
        self.gate.wait(&request.database, &signals);
        self.server.login(request, signals)
    }

    fn version(&self) -> (u8, u8, u16) {
        self.server.version()
    }

    fn server_name(&self) -> String {
        self.server.server_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_database_is_waited_for_and_an_open_one_is_not() {
        let gate = Arc::new(Gate::default());
        gate.close("Bakery");
        gate.wait("other", &Signals::default());
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn({
            let gate = gate.clone();
            move || {
                gate.wait("bakery", &Signals::default());
                sender.send(()).unwrap();
            }
        });
        assert!(receiver.recv_timeout(Duration::from_millis(200)).is_err());
        gate.open("BAKERY");
        receiver.recv_timeout(Duration::from_secs(5)).unwrap();
        waiting.join().unwrap();
    }

    #[test]
    fn a_client_that_has_gone_waits_no_longer() {
        let gate = Gate::default();
        gate.close("bakery");
        let signals = Signals::default();
        signals.cancel();
        gate.wait("bakery", &signals);
    }
}
