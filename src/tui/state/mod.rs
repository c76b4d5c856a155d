//! What the dashboard knows. Changed by `update` alone, read by the views; no I/O, no clock.

pub mod cursor;
pub mod input;
pub mod job;
pub mod layer;
pub mod restore;

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::keys::Context;
use super::message::Ticket;
use super::quantity;
use super::theme::Theme;
use crate::engine::command::{Choice, JobSpec, PackageSource};
use crate::engine::event::{Failure, JobId, JobState};
use crate::engine::query::{BackupInfo, JobInfo, ServerInfo, TenantInfo};
use cursor::Cursor;
use input::Input;
use job::Job;
use layer::Layer;

/// Most jobs kept on the screen; the journal keeps all.
pub const JOBS: usize = 300;
/// Most entries of the message log kept.
const LOG: usize = 1000;
/// How long a message stays in the status line. Warnings and errors stay until a key is pressed.
const TOAST_SECONDS: i64 = 6;

/// What becomes of jobs when the terminal is lost (SIGHUP, a connection that broke).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// They go on to their end without a screen, then the process ends: a job outlives the terminal that started it.
    Finish,
    /// They are cancelled and cleaned up (the demo: nothing in it is worth finishing).
    Cancel,
}

/// What does not change while the dashboard runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the terminal can show.
    pub theme: Theme,
    /// The first word of suggested names of restored databases.
    pub product: String,
    /// What name is suggested for a restored database.
    pub restore_name: crate::config::Pattern,
    /// What a restore does unless the dialog says otherwise.
    pub restore: Choice,
    /// The operator's time zone, for moments.
    pub zone: TimeZone,
    /// What becomes of jobs when the terminal is lost.
    pub hangup: Hangup,
    /// Said in the title, always ("demo").
    pub banner: Option<String>,
}

/// How far a list is loaded.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Asked for; what is shown is from before.
    Loading,
    /// As the core told.
    Ready,
    /// The core could not tell.
    Failed(Failure),
}

/// The panes of the main screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Pane {
    Tenants,
    Backups,
    Jobs,
}

/// How loud something told is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Loudness {
    Info,
    Good,
    Warning,
    Error,
}

/// Something told to the operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// How loud.
    pub loudness: Loudness,
    /// What.
    pub text: String,
}

/// The dashboard was asked to end while jobs ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// The jobs are being cancelled.
    Cancelling,
    /// The jobs go on to their end.
    Waiting,
}

/// How a tenant's backups stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The newest backup was verified.
    Good,
    /// The newest backup was not verified.
    Unchecked,
    /// Its manifest does not read.
    Problem,
    /// Nobody could look into its store.
    Unread,
    /// There is no backup.
    Never,
    /// A later backup failed, then.
    Failed(Timestamp),
    /// The process ended during a later backup, then.
    Interrupted(Timestamp),
}

/// The tenants' pane.
#[derive(Debug)]
pub struct Tenants {
    /// In the configuration's order.
    pub list: Vec<TenantInfo>,
    /// How far it is loaded.
    pub phase: Phase,
    /// By name.
    pub cursor: Cursor<String>,
    /// What must be in a line.
    pub filter: Input,
}

/// The backups' pane.
#[derive(Debug)]
pub struct Backups {
    /// Newest first.
    pub list: Vec<BackupInfo>,
    /// How far it is loaded.
    pub phase: Phase,
    /// Whose they are; none for all tenants.
    pub of: Option<String>,
    /// All tenants' are shown.
    pub all: bool,
    /// Of the newest question.
    pub ticket: Ticket,
    /// By store and file name.
    pub cursor: Cursor<(String, String)>,
    /// What must be in a line.
    pub filter: Input,
}

/// The jobs' pane.
#[derive(Debug)]
pub struct Jobs {
    /// At work, then queued, then ended ones, newest first.
    pub list: Vec<Job>,
    /// How far it is loaded.
    pub phase: Phase,
    /// By number.
    pub cursor: Cursor<JobId>,
    /// What must be in a line.
    pub filter: Input,
}

/// Everything the dashboard knows.
#[derive(Debug)]
pub struct State {
    /// What does not change.
    pub options: Options,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The pane that keys go to.
    pub focus: Pane,
    /// Left or top.
    pub tenants: Tenants,
    /// Of the chosen tenant.
    pub backups: Backups,
    /// All.
    pub jobs: Jobs,
    /// Targets of a restore.
    pub servers: Vec<ServerInfo>,
    /// What lies over the panes, the topmost last.
    pub layers: Vec<Layer>,
    /// The filter of the list in focus is being typed.
    pub filtering: bool,
    /// Everything told.
    pub log: VecDeque<Told>,
    /// What the status line shows.
    pub toast: Option<Told>,
    /// On the way out.
    pub leaving: Option<Leaving>,
    /// When tenants, backups and jobs were last read without being asked for; none before the first answer.
    pub looked: Option<Timestamp>,
    tickets: u64,
}

impl State {
    /// Nothing known yet.
    pub fn new(options: Options, size: (u16, u16)) -> Self {
        Self {
            options,
            size,
            focus: Pane::Tenants,
            tenants: Tenants {
                list: Vec::new(),
                phase: Phase::Loading,
                cursor: Cursor::default(),
                filter: Input::default(),
            },
            backups: Backups {
                list: Vec::new(),
                phase: Phase::Loading,
                of: None,
                all: false,
                ticket: Ticket(0),
                cursor: Cursor::default(),
                filter: Input::default(),
            },
            jobs: Jobs { list: Vec::new(), phase: Phase::Loading, cursor: Cursor::default(), filter: Input::default() },
            servers: Vec::new(),
            layers: Vec::new(),
            filtering: false,
            log: VecDeque::new(),
            toast: None,
            leaving: None,
            looked: None,
            tickets: 0,
        }
    }

    /// A new question's ticket.
    pub fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Where keys go now.
    pub fn context(&self) -> Context {
        if self.filtering {
            return Context::Filter;
        }
        match (self.layers.last(), self.focus) {
            (Some(layer), _) => layer.context(),
            (None, Pane::Tenants) => Context::Tenants,
            (None, Pane::Backups) => Context::Backups,
            (None, Pane::Jobs) => Context::Jobs,
        }
    }

    /// Tenants that the filter lets through.
    pub fn shown_tenants(&self) -> Vec<&TenantInfo> {
        let filter = &self.tenants.filter;
        self.tenants
            .list
            .iter()
            .filter(|t| filter.finds(&[&t.name, &t.server, &t.database, t.group.as_deref().unwrap_or_default()]))
            .collect()
    }

    /// Backups that the filter lets through.
    pub fn shown_backups(&self) -> Vec<&BackupInfo> {
        let filter = &self.backups.filter;
        self.backups
            .list
            .iter()
            .filter(|b| {
                let comment = b.manifest.as_ref().and_then(|m| m.comment.as_deref()).unwrap_or_default();
                filter.finds(&[&b.backup.file, &b.tenant, comment])
            })
            .collect()
    }

    /// Jobs that the filter lets through.
    pub fn shown_jobs(&self) -> Vec<&Job> {
        let filter = &self.jobs.filter;
        self.jobs
            .list
            .iter()
            .filter(|j| filter.finds(&[&j.title(), job::word(j.info.state), &j.info.id.to_string()]))
            .collect()
    }

    /// The tenant under the cursor.
    pub fn chosen_tenant(&self) -> Option<&TenantInfo> {
        self.shown_tenants().get(self.tenants.cursor.index()).copied()
    }

    /// The backup under the cursor.
    pub fn chosen_backup(&self) -> Option<&BackupInfo> {
        self.shown_backups().get(self.backups.cursor.index()).copied()
    }

    /// The job under the cursor, or the one whose details are open.
    pub fn chosen_job(&self) -> Option<&Job> {
        match self.layers.iter().rev().find_map(|l| if let Layer::Job(j) = l { Some(j.id) } else { None }) {
            Some(id) => self.job(id),
            None => self.shown_jobs().get(self.jobs.cursor.index()).copied(),
        }
    }

    /// The restore dialog, whatever lies over it.
    pub fn dialog(&self) -> Option<&restore::Restore> {
        self.layers.iter().rev().find_map(|l| if let Layer::Restore(dialog) = l { Some(&**dialog) } else { None })
    }

    /// The same, to be changed.
    pub fn dialog_mut(&mut self) -> Option<&mut restore::Restore> {
        let layers = self.layers.iter_mut().rev();
        layers.into_iter().find_map(|l| if let Layer::Restore(dialog) = l { Some(&mut **dialog) } else { None })
    }

    /// A job by its number.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.list.iter().find(|j| j.info.id == id)
    }

    /// Jobs that have not ended.
    pub fn active_jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.list.iter().filter(|j| !j.info.state.is_final())
    }

    /// Jobs of this process that have not ended: those that end with it.
    pub fn own_jobs(&self) -> impl Iterator<Item = &Job> {
        self.active_jobs().filter(|j| j.ours)
    }

    /// Seconds after which what other processes may have done is read again.
    pub fn look_again_after(&self) -> i64 {
        if self.active_jobs().any(|j| !j.ours) { 3 } else { 60 }
    }

    /// The tenant's backup that is queued or at work.
    pub fn active_backup(&self, tenant: &str) -> Option<&Job> {
        self.active_jobs().find(|j| matches!(&j.info.spec, JobSpec::Backup { tenant: t, .. } if t == tenant))
    }

    /// The tenant's newest backup job that has ended, as far as it is known here.
    fn last_attempt<'a>(&'a self, tenant: &'a TenantInfo, which: impl Fn(JobState) -> bool) -> Option<&'a JobInfo> {
        let here = self.jobs.list.iter().map(|j| &j.info);
        let of_tenant = |j: &&JobInfo| matches!(&j.spec, JobSpec::Backup { tenant: t, .. } if *t == tenant.name);
        let ended = |j: &&JobInfo| j.state.is_final() && which(j.state);
        here.filter(of_tenant).chain(tenant.last_job.as_ref()).filter(ended).max_by_key(|j| j.id)
    }

    /// When the tenant's backup was last cancelled, if nothing came after it.
    pub fn cancelled(&self, tenant: &TenantInfo) -> Option<Timestamp> {
        self.last_attempt(tenant, |_| true).filter(|j| j.state == JobState::Cancelled).and_then(|j| j.ended)
    }

    /// How the tenant's backups stand: by the newest backup, and by the newest job, which may have failed after it.
    /// A cancelled job says nothing: somebody wanted it so, and what failed before it has still failed.
    pub fn health(&self, tenant: &TenantInfo) -> Health {
        let newest = self.last_attempt(tenant, |state| state != JobState::Cancelled);
        let taken = tenant.last_backup.as_ref().map(|b| b.taken);
        if let Some(job) = newest {
            let ended = job.ended.or(job.started).unwrap_or(job.queued);
            if taken.is_none_or(|taken| ended > taken) {
                match job.state {
                    JobState::Failed => return Health::Failed(ended),
                    JobState::Interrupted => return Health::Interrupted(ended),
                    _ => {}
                }
            }
        }
        match &tenant.last_backup {
            _ if tenant.unread.is_some() => Health::Unread,
            None => Health::Never,
            Some(b) if b.problem.is_some() => Health::Problem,
            Some(b) if b.verification.is_none() => Health::Unchecked,
            Some(_) => Health::Good,
        }
    }

    /// Tells the operator: status line and message log.
    pub fn tell(&mut self, at: Timestamp, loudness: Loudness, text: impl Into<String>) {
        let told = Told { at, loudness, text: text.into() };
        self.log.push_back(told.clone());
        if self.log.len() > LOG {
            self.log.pop_front();
        }
        // Something quiet does not cover something loud that nobody has seen yet.
        let covers = match self.toast.as_ref().map(|t| t.loudness) {
            Some(Loudness::Error) => told.loudness == Loudness::Error,
            Some(Loudness::Warning) => told.loudness > Loudness::Info,
            _ => true,
        };
        if covers {
            self.toast = Some(told);
        }
    }

    /// Seconds until something on the screen changes by itself; `None`: nothing will.
    pub fn next_change(&self, now: Timestamp) -> Option<u64> {
        let mut next = None;
        let mut sooner = |seconds: u64| next = Some(next.map_or(seconds, |n: u64| n.min(seconds)));
        if self.active_jobs().next().is_some() {
            sooner(1);
        }
        if let Some(looked) = self.looked {
            let pause = self.look_again_after();
            sooner((pause - (now.as_second() - looked.as_second())).clamp(1, pause) as u64);
        }
        if let Some(toast) = self.toast.as_ref().filter(|t| t.loudness < Loudness::Warning) {
            sooner((TOAST_SECONDS - (now.as_second() - toast.at.as_second())).clamp(1, TOAST_SECONDS) as u64);
        }
        let ages = (self.tenants.list.iter().filter_map(|t| t.last_backup.as_ref().map(|b| b.taken)))
            .chain(self.tenants.list.iter().filter_map(|t| t.last_job.as_ref().and_then(|j| j.ended)))
            .chain(self.backups.list.iter().map(|b| b.taken))
            .chain(self.jobs.list.iter().filter_map(|j| j.info.ended));
        for then in ages {
            sooner(quantity::age_changes_in(then, now));
        }
        next
    }

    /// Takes a quiet toast away once its time is over.
    pub fn expire_toast(&mut self, now: Timestamp) {
        let over = |t: &Told| t.loudness < Loudness::Warning && now.as_second() - t.at.as_second() >= TOAST_SECONDS;
        if self.toast.as_ref().is_some_and(over) {
            self.toast = None;
        }
    }

    /// Sorts the jobs: at work, queued, ended newest first.
    pub fn sort_jobs(&mut self) {
        self.jobs.list.sort_by_key(|j| match j.info.state {
            JobState::Running | JobState::Cancelling | JobState::CleaningUp => (0, j.info.id.0 as i128),
            JobState::Queued => (1, j.info.id.0 as i128),
            _ => (2, -(j.info.ended.unwrap_or(j.info.queued).as_nanosecond())),
        });
        self.jobs.list.truncate(JOBS.max(self.jobs.list.iter().take_while(|j| !j.info.state.is_final()).count()));
    }
}

/// What a package is called on the screen.
pub fn source_name(source: &PackageSource) -> &str {
    match source {
        PackageSource::Backup(backup) => &backup.file,
        PackageSource::File { path } => path,
    }
}
