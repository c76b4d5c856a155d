//! What the engine tells: the only types that cross from the engine to a screen, a log or the journal.
//!
//! Values are plain and serialisable; no event carries a password, a token or a connection string.

use serde::{Deserialize, Serialize};

use super::command::JobSpec;

/// A job's number: unique in a journal, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for a worker or for its server's turn.
    Queued,
    /// At work.
    Running,
    /// Asked to stop; the work is being interrupted.
    Cancelling,
    /// Removing what must not stay (a partial file, a half-restored database).
    CleaningUp,
    /// Done and proven.
    Completed,
    /// Ended by an error.
    Failed,
    /// Ended by request.
    Cancelled,
    /// The process ended while the job ran; found so at the next start.
    Interrupted,
}

impl JobState {
    /// Nothing more will happen to the job.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Interrupted)
    }
}

/// A named step of a job, in the operator's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Logging in.
    Connecting,
    /// Backup: the catalogue is read.
    ReadingSchema,
    /// Backup: rows are on their way.
    Data,
    /// Backup: the end of the archive, fsync.
    Writing,
    /// Reading back what was written (backup), or the whole check (verify).
    Verifying,
    /// Restore: the package is opened and checked.
    Opening,
    /// Restore: the database and its tables.
    Creating,
    /// Restore: rows.
    Loading,
    /// Restore: keys and indexes.
    Indexing,
    /// Restore: foreign keys and checks, proven trusted.
    Constraints,
    /// Restore: views, procedures, functions, triggers.
    Modules,
    /// Restore: counts and proofs.
    Checking,
}

impl Step {
    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::ReadingSchema => "reading the schema",
            Self::Data => "data",
            Self::Writing => "writing",
            Self::Verifying => "verifying",
            Self::Opening => "opening",
            Self::Creating => "creating",
            Self::Loading => "loading",
            Self::Indexing => "indexing",
            Self::Constraints => "constraints",
            Self::Modules => "modules",
            Self::Checking => "checking",
        }
    }
}

/// How far a table is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableProgress {
    /// `schema.table`, raw names.
    pub table: String,
    /// Rows moved.
    pub rows: u64,
    /// Rows expected, if the source said so; an estimate on a live server.
    pub rows_total: Option<u64>,
    /// Bytes of BCP data moved.
    pub bytes: u64,
    /// Finished.
    pub done: bool,
}

/// How far a job is. Rates and estimates are computed by whoever shows them, from these and the event's time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows moved, all tables.
    pub rows: u64,
    /// Rows expected.
    pub rows_total: Option<u64>,
    /// Bytes of BCP data moved.
    pub bytes: u64,
    /// Bytes expected, when known (restore and verify know; a backup estimates from the server's pages or not at all).
    pub bytes_total: Option<u64>,
    /// Tables finished.
    pub tables_done: u32,
    /// Tables in all.
    pub tables_total: u32,
    /// The tables at work now.
    pub current: Vec<TableProgress>,
}

/// How loud a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something was left out or is not as it should be, and the job goes on.
    Warning,
}

/// What an error is about, as far as a script must tell errors apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Anything else.
    #[default]
    Other,
    /// What was asked for cannot be: a name that there is not, a target that exists.
    Request,
    /// The configuration.
    Configuration,
    /// The package is damaged, or does not hold what it should.
    Damaged,
    /// The server cannot be reached or refuses the login.
    Unreachable,
}

/// An error as an operator reads it at 3 AM. Made by [`Failure::new`] and what follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it is about.
    #[serde(default)]
    pub kind: FailureKind,
    /// What happened, to which tenant, database, file.
    pub message: String,
    /// Why, from the outside in.
    pub causes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether the same job, started again, can succeed without anything being changed.
    pub retryable: bool,
    /// SQL Server's error number, if one was at the root.
    pub sql_error: Option<i32>,
}

/// What a completed job leaves behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows moved or checked.
    pub rows: u64,
    /// Bytes of BCP data moved or checked.
    pub bytes: u64,
    /// The file written or read.
    pub file: Option<String>,
    /// The file's size.
    pub file_size: Option<u64>,
    /// The database made.
    pub database: Option<String>,
    /// What was not carried or not checked, each by name.
    pub remarks: Vec<String>,
}

/// Something happened. `at` is the engine's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: jiff::Timestamp,
    /// To which job.
    pub job: JobId,
    /// What.
    pub what: What,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The job is in the queue.
    Queued {
        /// What it will do.
        spec: JobSpec,
    },
    /// The state changed (never to a final one: that is `Ended`).
    State {
        /// The new state.
        state: JobState,
    },
    /// A step began.
    Step {
        /// Which.
        step: Step,
    },
    /// How far it is; at most ten a second a job.
    Progress(Progress),
    /// Something worth telling.
    Message {
        /// How loud.
        severity: Severity,
        /// The text.
        text: String,
    },
    /// The end. After clean-up, never before.
    Ended {
        /// Completed, Failed or Cancelled.
        state: JobState,
        /// What was done, as far as it got.
        summary: Summary,
        /// The error of a failed job.
        failure: Option<Failure>,
    },
}
