//! What the dashboard and the command line ask of the core besides jobs, and what they get: plain serialisable values.
//!
//! [`Core`] is implemented by the engine's service (and by fakes in the dashboard's tests). Its methods may take
//! their time; the dashboard calls them from tasks and gets the answers as messages.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::{BackupRef, Command, JobSpec, PackageSource};
use super::event::{Event, Failure, JobId, JobState, Summary};
use crate::store::manifest::{Manifest, Trigger, Verification};

/// A configured tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantInfo {
    /// Its name.
    pub name: String,
    /// Its server's name.
    pub server: String,
    /// Its database.
    pub database: String,
    /// Its group, if it has one.
    pub group: Option<String>,
    /// The newest backup in the stores.
    pub last_backup: Option<BackupInfo>,
    /// How the newest backup job ended, from the journal: a failed one after the last good backup must be seen.
    pub last_job: Option<JobInfo>,
    /// Why nobody could look into the store that takes its backups: what is last is not known then.
    #[serde(default)]
    pub unread: Option<String>,
}

/// A configured server, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Its name in the configuration.
    pub name: String,
    /// Host and port.
    pub address: String,
}

/// A backup in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupInfo {
    /// Where it is.
    pub backup: BackupRef,
    /// The tenant: by the manifest, else by the file's name.
    pub tenant: String,
    /// When it was made: by the manifest, else by the name, else the file's time.
    pub taken: Timestamp,
    /// Size of the file.
    pub size: u64,
    /// Automatic or manual; unknown for a file brought by hand.
    pub trigger: Option<Trigger>,
    /// Rows in all; unknown for a file brought by hand until its details are read.
    pub rows: Option<u64>,
    /// The best verification; none means "not checked".
    pub verification: Option<Verification>,
    /// The manifest, if there is one and it reads.
    pub manifest: Option<Box<Manifest>>,
    /// What is wrong with the manifest, if it is there and does not read.
    pub problem: Option<String>,
}

/// A job of this process or of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInfo {
    /// Its number.
    pub id: JobId,
    /// What it does.
    pub spec: JobSpec,
    /// Where it stands.
    pub state: JobState,
    /// When it was queued.
    pub queued: Timestamp,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it left behind.
    pub summary: Option<Summary>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// A table inside a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageTable {
    /// Raw schema name.
    pub schema: String,
    /// Raw table name.
    pub table: String,
    /// Rows, if known without decoding (manifest) or after decoding.
    pub rows: Option<u64>,
    /// Bytes of BCP data, before compression.
    pub bytes: u64,
    /// Number of columns.
    pub columns: u32,
    /// Number of parts.
    pub parts: u32,
}

/// What a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageDetails {
    /// `DacMetadata.xml`: the database's name.
    pub name: String,
    /// First line of the `@@VERSION` in Origin.xml.
    pub server_version: Option<String>,
    /// The product that wrote it and its version.
    pub writer: String,
    /// Start of the export, as Origin.xml has it.
    pub exported: Option<String>,
    /// `Sql150` and so on.
    pub platform: String,
    /// Objects by kind, sorted: ("Table", 11).
    pub objects: Vec<(String, u64)>,
    /// Tables, sorted by schema and name; empty ones too.
    pub tables: Vec<PackageTable>,
    /// Users, sorted by name.
    #[serde(default)]
    pub users: Vec<PackageUser>,
    /// Size of the file.
    pub size: u64,
}

/// A user inside a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageUser {
    /// Raw name.
    pub name: String,
    /// The login that it is made for; none for a user who needs none.
    pub login: Option<String>,
}

/// What a restore would do, worked out and not done. The restore carries out the same plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlan {
    /// The package.
    pub package: String,
    /// What is known of its soundness; the restore itself verifies it before anything is made.
    pub verification: Option<Verification>,
    /// The server's name in the configuration.
    pub server: String,
    /// `15.0.4430.1`.
    pub server_version: String,
    /// The database.
    pub database: String,
    /// It is there already, and its name was typed.
    pub existing: bool,
    /// The collation of a new database, where the package or the choice has one.
    pub collation: Option<String>,
    /// What was chosen, in words; empty for all of the package.
    pub choice: Vec<String>,
    /// The tables that are made or filled.
    pub tables: Vec<PlannedTable>,
    /// What is made, by kind: ("table", 11), in the order in which it is made.
    pub objects: Vec<(String, u64)>,
    /// What does not come back as it was, with the reason.
    pub left: Vec<String>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What the server may refuse, or do otherwise.
    pub doubts: Vec<String>,
    /// What refuses the restore. Nothing is made where there is one.
    pub refusals: Vec<Failure>,
}

/// A table of a planned restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTable {
    /// Raw schema name, as in the package.
    pub schema: String,
    /// Raw table name, as in the package.
    pub table: String,
    /// The name that it gets at the target, where that is another one.
    pub restored_as: Option<String>,
    /// Rows to be loaded, where known without reading all of them.
    pub rows: Option<u64>,
    /// Bytes of rows to be loaded, before compression.
    pub bytes: u64,
}

/// Rows of a table as text, for looking at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsPage {
    /// Column names.
    pub columns: Vec<String>,
    /// Cells; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Number of the first row, from 0.
    pub offset: u64,
    /// There are more.
    pub more: bool,
}

/// The core as the dashboard and the command line see it.
#[async_trait]
pub trait Core: Send + Sync {
    /// Queue a job or cancel one.
    async fn command(&self, command: Command) -> Result<JobId, Failure>;
    /// Every event from now on. A slow reader loses progress events, never others.
    fn events(&self) -> tokio::sync::mpsc::UnboundedReceiver<Event>;
    /// The configured tenants with their newest backup.
    async fn tenants(&self) -> Result<Vec<TenantInfo>, Failure>;
    /// The configured servers.
    async fn servers(&self) -> Result<Vec<ServerInfo>, Failure>;
    /// The backups of one tenant, or of all; newest first.
    async fn backups(&self, tenant: Option<&str>) -> Result<Vec<BackupInfo>, Failure>;
    /// Jobs: those at work and queued first, then ended ones, newest first, at most `limit`.
    async fn jobs(&self, limit: usize) -> Result<Vec<JobInfo>, Failure>;
    /// What is kept of a job's events: all but its progress. Empty where nothing is kept.
    async fn job_events(&self, _job: JobId) -> Result<Vec<Event>, Failure> {
        Ok(Vec::new())
    }
    /// What a package says of itself.
    async fn details(&self, source: &PackageSource) -> Result<PackageDetails, Failure>;
    /// Some rows of a table of a package. `table` is `schema.table`, raw names.
    async fn rows(&self, source: &PackageSource, table: &str, offset: u64, limit: usize) -> Result<RowsPage, Failure>;
    /// Whether a database of that name exists on a configured server (for the restore dialog).
    async fn database_exists(&self, server: &str, database: &str) -> Result<bool, Failure>;
    /// The logins of a configured server that are to be seen there; none where it does not tell.
    async fn logins(&self, server: &str) -> Result<Option<Vec<String>>, Failure>;
    /// What a restore would do. Nothing is changed by it.
    async fn plan(&self, restore: &JobSpec) -> Result<RestorePlan, Failure>;
}
