//! What can be asked of the engine.

use serde::{Deserialize, Serialize};

use super::event::JobId;
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
    /// Restore a package into a new database.
    Restore {
        /// The package.
        source: PackageSource,
        /// The target server's name in the configuration.
        server: String,
        /// The new database's name. It must not exist.
        database: String,
        /// Keep what was restored so far when the restore fails or is cancelled.
        keep_partial: bool,
    },
    /// Verify a package: the archive, every row, the manifest.
    Verify {
        /// The package.
        source: PackageSource,
    },
}

impl JobSpec {
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
