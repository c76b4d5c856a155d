//! The only place where the state changes: a message in, effects out. No I/O, no clock: `now` is given.

mod data;
mod dialog;
mod engine;
mod keys;
mod restore;
mod scroll;

use crossterm::event::KeyEventKind;
use jiff::Timestamp;

#[cfg(test)]
pub(super) use restore::suggested_name;

use super::message::{Effect, Message};
use super::state::layer::Layer;
use super::state::{Hangup, Leaving, Loudness, State};
use crate::engine::command::Command;

/// What an update works with: the state, the moment, what it wants done.
struct Update<'a> {
    state: &'a mut State,
    now: Timestamp,
    effects: Vec<Effect>,
}

/// What is wanted at the start.
pub fn start(state: &mut State) -> Vec<Effect> {
    let ticket = state.ticket();
    state.backups.ticket = ticket;
    vec![Effect::LoadTenants, Effect::LoadServers, Effect::LoadJobs]
}

/// Applies a message.
pub fn update(state: &mut State, message: Message, now: Timestamp) -> Vec<Effect> {
    let mut update = Update { state, now, effects: Vec::new() };
    update.message(message);
    update.follow_tenant();
    update.settle();
    update.leave_when_idle();
    update.effects
}

impl Update<'_> {
    fn message(&mut self, message: Message) {
        match message {
            // Terminals that tell releases tell presses, too.
            Message::Key(key) if key.kind == KeyEventKind::Release => {}
            Message::Key(key) => self.key(key),
            Message::Paste(text) => self.paste(&text),
            Message::Resize(width, height) => self.state.size = (width, height),
            Message::Tick => {
                self.state.expire_toast(self.now);
                self.look_again();
            }
            Message::Engine(event) => self.event(event),
            Message::EngineGone => self.tell(Loudness::Error, "the engine has ended; quit and start pacrat again"),
            Message::Tenants(result) => self.tenants(result),
            Message::Servers(result) => self.servers(result),
            Message::Backups(ticket, result) => self.backups(ticket, result),
            Message::Jobs(result) => self.jobs(result),
            Message::JobEvents(job, result) => self.job_events(job, result),
            Message::Details(ticket, result) => self.details(ticket, *result),
            Message::Rows(ticket, result) => self.rows(ticket, result),
            Message::Exists(ticket, result) => self.exists(ticket, result),
            Message::Logins(ticket, result) => self.logins(ticket, result),
            Message::Planned(ticket, result) => self.planned(ticket, *result),
            Message::Commanded(command, result) => self.commanded(&command, result),
            Message::Terminate => self.leave(Leaving::Cancelling),
            Message::Hangup => match self.state.options.hangup {
                Hangup::Cancel => self.leave(Leaving::Cancelling),
                Hangup::Finish => self.leave(Leaving::Waiting),
            },
            Message::Broken(what) => self.tell(Loudness::Error, format!("a fault in pacrat itself: {what}")),
        }
    }

    fn tell(&mut self, loudness: Loudness, text: impl Into<String>) {
        let text = text.into();
        self.effects.push(Effect::Trace(loudness, text.clone()));
        self.state.tell(self.now, loudness, text);
    }

    /// Starts to leave: at once when nothing is at work, else as told.
    fn leave(&mut self, how: Leaving) {
        // What is being cancelled is not waited for again.
        if self.state.leaving == Some(Leaving::Cancelling) {
            return;
        }
        self.leave_dialogs();
        self.state.leaving = Some(how);
        if how == Leaving::Cancelling {
            let active: Vec<_> = self.state.own_jobs().map(|j| j.info.id).collect();
            self.effects.extend(active.into_iter().map(|job| Effect::Command(Command::Cancel { job })));
        }
    }

    /// Takes away what waits for an answer.
    fn leave_dialogs(&mut self) {
        self.state.layers.retain(|l| !super::keys::is_dialog(l.context()) && !matches!(l, Layer::Planned(_)));
        self.state.filtering = false;
    }

    fn leave_when_idle(&mut self) {
        let submitting = self.effects.iter().any(|e| matches!(e, Effect::Command(Command::Submit(_))));
        // Whether to wait for jobs is no question once there are none.
        let asked = self.state.layers.iter().any(|l| matches!(l, Layer::ConfirmQuit));
        let leaving = self.state.leaving.is_some() || asked;
        if leaving && self.state.own_jobs().next().is_none() && !submitting {
            self.effects.push(Effect::Quit);
        }
    }
}
