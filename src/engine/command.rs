//! What can be asked of the engine.

use serde::{Deserialize, Serialize};

use super::event::JobId;
pub use crate::bacpac::script::Choice;
pub use crate::store::manifest::Trigger;

/// A backup in a store: the store's configured name and the file's name inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BackupRef {
    /// The store's name in the configuration.
    pub store: String,
    /// The file name, `{tenant}_{yyyyMMddHHmmss}.bacpac` by default.
    pub file: String,
}

/// Where the package of a restore or a verification comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PackageSource {
    /// A backup that a store lists.
    Backup(BackupRef),
    /// Any file, by its path.
    File {
        /// The path as given.
        path: String,
    },
}

/// A job to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum JobSpec {
    /// Back up one tenant.
    Backup {
        /// The tenant's name in the configuration.
        tenant: String,
        /// What the operator wants remembered.
        comment: Option<String>,
        /// Who asked.
        trigger: Trigger,
    },
    /// Restore a package into a new database, or into one whose name was typed for that.
    Restore {
        /// The package.
        source: PackageSource,
        /// The target server's name in the configuration.
        server: String,
        /// The database's name. It must not exist, unless `existing` says it again.
        database: String,
        /// Keep what was restored so far when the restore fails or is cancelled.
        keep_partial: bool,
        /// The name of an existing database, as a person typed it for this restore.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        existing: Option<String>,
        /// What of the package.
        #[serde(default, skip_serializing_if = "is_all")]
        choice: Box<Choice>,
    },
    /// Verify a package: the archive, every row, the manifest.
    Verify {
        /// The package.
        source: PackageSource,
    },
}

/// A restore of everything as it is has no more to say.
fn is_all(choice: &Choice) -> bool {
    *choice == Choice::default()
}

impl JobSpec {
    /// A restore of all of a package into a new database.
    pub fn restore(source: PackageSource, server: impl Into<String>, database: impl Into<String>) -> Self {
        Self::Restore {
            source,
            server: server.into(),
            database: database.into(),
            keep_partial: false,
            existing: None,
            choice: Box::default(),
        }
    }

    /// The word that the dashboard, the journal and `--json` use.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Backup { .. } => "backup",
            Self::Restore { .. } => "restore",
            Self::Verify { .. } => "verify",
        }
    }
}

/// What can be asked of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Queue a job.
    Submit(JobSpec),
    /// Cancel a job, queued or running.
    Cancel {
        /// Which.
        job: JobId,
    },
}
