//! The dashboard: tenants, their backups, the jobs, in a terminal over SSH at night.
//!
//! One message enum ([`message::Message`]) goes into `update`, the only place where the state changes; it does no I/O
//! and returns effects, which tasks carry out and answer with messages. Views draw from the state and a given moment.
//! One loop (`app`) waits for keys, engine events, answers and signals, and draws only when something changed.
//!
//! What happens to jobs when the dashboard ends: `q` asks (cancel and clean up, or let them end); SIGTERM and SIGINT
//! cancel and clean up; a terminal that is lost (SIGHUP) lets them end without a screen, or cancels them, by
//! [`state::Hangup`].
//!
//! Invariant: nothing here knows a server, a zip or a store; it knows [`crate::engine::query::Core`] and plain values.

mod app;
mod effects;
pub mod keys;
mod layout;
pub mod message;
mod outside;
pub mod planned;
pub mod quantity;
pub mod state;
mod terminal;
pub mod text;
pub mod theme;
mod update;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::query::Core;
pub use state::{Hangup, Options};
pub use theme::Theme;

/// Why the dashboard could not run or went on no longer.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// There is no terminal to draw on.
    #[error("the dashboard needs a terminal, and {0} is none; the other commands (pacrat --help) work without one")]
    NoTerminal(&'static str),
    /// The terminal refused.
    #[error("the terminal could not be prepared")]
    Terminal(#[source] std::io::Error),
}

/// Whether there is a terminal to run on.
pub fn check() -> Result<(), DashboardError> {
    terminal::check()
}

/// Runs the dashboard until the operator leaves it. The terminal is restored on every way out, a panic included.
///
/// Nothing else may write to the terminal meanwhile: a log goes to a file.
pub async fn run(core: Arc<dyn Core>, options: Options) -> Result<(), DashboardError> {
    terminal::check()?;
    let mut screen = terminal::TerminalScreen::enter().map_err(DashboardError::Terminal)?;
    let size = terminal::size();
    let outside = outside::listen().map_err(DashboardError::Terminal)?;
    let state = state::State::new(options, size);
    app::run(core, state, outside, &mut screen, Timestamp::now).await;
    drop(screen);
    Ok(())
}
