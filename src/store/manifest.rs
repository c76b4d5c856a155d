//! The manifest beside a backup (`NAME.bacpac.json`): what was backed up, when, by whom, how it was proven.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who or what asked for a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A schedule.
    Automatic,
    /// A person.
    Manual,
}

/// How far the rows of a backup belong to one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// Every table as of one snapshot.
    Snapshot,
    /// Each table as it was when it was read.
    PerTable,
    /// Nothing is known (a file brought by hand).
    Unknown,
}

/// How much of a backup was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every byte of the archive read, every CRC right, the model's checksum too.
    Archive,
    /// Every row decoded to the last byte, counts equal to the manifest's.
    Rows,
    /// Restored into a server, and the same rows found there.
    Restored,
}

/// A verification that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// How much.
    pub level: Level,
    /// When.
    pub at: Timestamp,
}

/// A table of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Raw schema name.
    pub schema: String,
    /// Raw table name.
    pub table: String,
    /// Rows in the package.
    pub rows: u64,
    /// Bytes of BCP data, before compression.
    pub bytes: u64,
}

/// The manifest. Unknown fields of a newer pacrat are ignored on reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this structure; 1 now.
    pub version: u32,
    /// The tenant's name in the configuration of then.
    pub tenant: String,
    /// The server's name in the configuration of then (never a connection string).
    pub server: String,
    /// The database.
    pub database: String,
    /// When the backup began.
    pub started: Timestamp,
    /// When it was complete and verified.
    pub ended: Timestamp,
    /// Automatic or manual.
    pub trigger: Trigger,
    /// The operating system's user who ran pacrat.
    pub who: String,
    /// What the operator wanted remembered.
    pub comment: Option<String>,
    /// The pacrat that wrote the file.
    pub pacrat: String,
    /// `@@VERSION`'s product version of the source, `15.0.4430.1`.
    pub source_version: String,
    /// Snapshot or per table.
    pub consistency: Consistency,
    /// The tables with their rows.
    pub tables: Vec<TableEntry>,
    /// Objects that the package does not carry, each by kind and name.
    pub not_carried: Vec<String>,
    /// Size of the file.
    pub size: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// The best verification so far.
    pub verification: Option<Verification>,
}
