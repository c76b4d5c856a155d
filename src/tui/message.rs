//! What reaches `super::update` and what it asks for: one enum each.

use crossterm::event::KeyEvent;

use crate::engine::command::{Command, JobSpec, PackageSource};
use crate::engine::event::{Event, Failure, JobId};
use crate::engine::query::{BackupInfo, JobInfo, PackageDetails, RestorePlan, RowsPage, ServerInfo, TenantInfo};

/// Tells an answer which question it belongs to: answers to questions asked before the newest are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Ticket(pub u64);

/// Something happened.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Message {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    /// Time went on: a running job's clock, an age, a toast.
    Tick,
    Engine(Event),
    /// The engine will tell nothing more.
    EngineGone,
    Tenants(Result<Vec<TenantInfo>, Failure>),
    Servers(Result<Vec<ServerInfo>, Failure>),
    Backups(Ticket, Result<Vec<BackupInfo>, Failure>),
    Jobs(Result<Vec<JobInfo>, Failure>),
    JobEvents(JobId, Result<Vec<Event>, Failure>),
    Details(Ticket, Box<Result<PackageDetails, Failure>>),
    Rows(Ticket, Result<RowsPage, Failure>),
    /// Whether the database of a restore dialog exists.
    Exists(Ticket, Result<bool, Failure>),
    /// The logins to be seen on the server of a restore dialog.
    Logins(Ticket, Result<Option<Vec<String>>, Failure>),
    Planned(Ticket, Box<Result<RestorePlan, Failure>>),
    /// A command was taken or refused.
    Commanded(Command, Result<JobId, Failure>),
    /// SIGTERM, SIGINT: cancel what runs, clean up, leave.
    Terminate,
    /// SIGHUP or a terminal that vanished.
    Hangup,
    /// Something in the program itself broke; it is told, and the dashboard goes on.
    Broken(String),
}

/// What `update` wants done. The answers come back as messages.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Effect {
    LoadTenants,
    LoadServers,
    LoadBackups(Ticket, Option<String>),
    LoadJobs,
    LoadJobEvents(JobId),
    LoadDetails(Ticket, PackageSource),
    LoadRows {
        ticket: Ticket,
        source: PackageSource,
        table: String,
        offset: u64,
        limit: usize,
    },
    /// After a short pause, so that typing does not ask at each letter.
    CheckDatabase {
        ticket: Ticket,
        server: String,
        database: String,
    },
    LoadLogins(Ticket, String),
    Plan(Ticket, JobSpec),
    Command(Command),
    /// What was shown to the operator, for the log.
    Trace(super::state::Loudness, String),
    /// Draw everything anew, whatever the terminal holds.
    Redraw,
    Suspend,
    Quit,
}
