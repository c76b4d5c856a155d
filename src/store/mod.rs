//! Where backups lie: names, manifests, listing, and the protocol by which a file gets its final name.
//!
//! A [`Store`] is made for object stores, too: whole files under flat names, nothing appended, nothing changed in
//! place but a manifest replaced as a whole. `folder` is the local one. Calls block: callers on a runtime use its
//! blocking threads. What a backup is worth (retention, verification) is not decided here.

pub mod folder;
pub mod manifest;
pub mod name;
mod source;

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::bacpac::package::Source;
use crate::config::Said;
pub use folder::Folder;
use manifest::Manifest;
pub use source::FileSource;

/// A backup that lies in a store.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its name.
    pub file: String,
    /// What the name says, where it is of our making.
    pub said: Option<Said>,
    /// Its size.
    pub size: u64,
    /// When it was last written to.
    pub modified: Timestamp,
    /// Its manifest.
    pub manifest: Beside,
}

/// What lies beside a backup.
#[derive(Debug, Clone)]
pub enum Beside {
    /// No manifest: a file brought by hand, or of a process that died between the two names.
    Nothing,
    /// A manifest.
    Manifest(Box<Manifest>),
    /// A manifest that does not read; why.
    Unreadable(String),
}

/// What a store holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// The backups, in no order.
    pub backups: Vec<Stored>,
    /// What could not be looked at, each by name.
    pub remarks: Vec<String>,
}

/// Something a dead process left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The file.
    pub file: String,
    /// Its size.
    pub size: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a leftover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A living job writes it: left alone.
    InUse,
    /// Its job is dead: removed.
    Removed,
    /// The manifest of a complete backup whose process died between the two names: put in its place.
    ManifestPlaced,
    /// It could not be decided or done; why.
    Kept(String),
}

/// Why a store did not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no such backup.
    #[error("the store {store} has no backup {file}")]
    Missing {
        /// The store.
        store: String,
        /// The name asked for.
        file: String,
    },
    /// Not a name that a backup can have here.
    #[error("{0:?} is not the name of a backup in a store")]
    Name(String),
    /// The manifest is damaged.
    #[error("the manifest {} does not read: {why}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl StoreError {
    /// The disk, or the quota, is full.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// A place for backups.
pub trait Store: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;
    /// Where it is, for a person.
    fn location(&self) -> String;
    /// Begin a backup under a name of its own. Nothing of it is listed before [`Pending::publish`].
    fn begin(&self, tenant: &str, database: &str, at: Timestamp) -> Result<Box<dyn Pending>, StoreError>;
    /// Everything that is listed. With `tenant`, backups of others may be left out by their names alone.
    fn list(&self, tenant: Option<&str>) -> Result<Listing, StoreError>;
    /// One backup.
    fn stat(&self, file: &str) -> Result<Stored, StoreError>;
    /// A backup's bytes.
    fn open(&self, file: &str) -> Result<Box<dyn Source>, StoreError>;
    /// Replace the manifest of a backup, as a whole.
    fn put_manifest(&self, file: &str, manifest: &Manifest) -> Result<(), StoreError>;
    /// Look for what dead processes left, put in order what can be, and tell.
    fn recover(&self) -> Result<Vec<Leftover>, StoreError>;
}

/// A backup being written. Dropped without [`Pending::publish`], it leaves nothing.
pub trait Pending: Send {
    /// The name it is going to have.
    fn file(&self) -> &str;
    /// Where its bytes go, from the first to the last.
    fn writer(&mut self) -> &mut (dyn Write + Send);
    /// Every byte written is on the disk when this returns.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Its bytes as the store has them, for the check before it gets its name.
    fn read_back(&self) -> Result<Box<dyn Source>, StoreError>;
    /// Give it its name and its manifest. Returns the name: another one, if a stranger took the first meanwhile.
    fn publish(self: Box<Self>, manifest: &Manifest) -> Result<String, StoreError>;
    /// Remove it, and tell if that fails.
    fn discard(self: Box<Self>) -> Result<(), StoreError>;
}
