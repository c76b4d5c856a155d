//! Where rows lie: one SQLite file a database, a tree of row blobs a table, a tree of ordered keys an index.
//!
//! Rows are opaque here (the row form is the engine's business), keys are bytes whose order is the order of the index.
//! A table's trees are made when its first row comes, so that twenty thousand empty tables cost nothing.
//! Several connections write one file one after the other; readers see the last committed state and never wait.

mod link;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub use link::{Link, Order, Stop, after};

/// The folder with the files of the databases.
#[derive(Debug)]
pub struct Storage {
    folder: PathBuf,
    /// Removes the folder at the end, when it is a private one.
    _private: Option<tempfile::TempDir>,
    keeps: bool,
    temporary: AtomicU64,
}

impl Storage {
    /// A private folder, in memory where the system has one, gone at the end.
    pub fn private() -> std::io::Result<Storage> {
        let memory = Path::new("/dev/shm");
        let builder = || {
            let mut b = tempfile::Builder::new();
            b.prefix("pacrat-sandbox-");
            b
        };
        let folder = builder().tempdir_in(memory).or_else(|_| builder().tempdir())?;
        Ok(Storage {
            folder: folder.path().to_path_buf(),
            _private: Some(folder),
            keeps: false,
            temporary: AtomicU64::new(0),
        })
    }

    /// A folder that is kept.
    pub fn folder(path: &Path) -> std::io::Result<Storage> {
        std::fs::create_dir_all(path)?;
        Ok(Storage { folder: path.to_path_buf(), _private: None, keeps: true, temporary: AtomicU64::new(0) })
    }

    /// Whether rows outlive the process.
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn file(&self, database_id: i32) -> PathBuf {
        self.folder.join(format!("{database_id}.sqlite"))
    }

    /// A connection to a database, made if it is not there.
    pub fn connect(&self, database_id: i32) -> rusqlite::Result<Link> {
        Link::open(&self.file(database_id), self.keeps)
    }

    /// A connection to a database of its own in memory: a session's temporary tables.
    pub fn temporary(&self) -> rusqlite::Result<Link> {
        Link::memory()
    }

    /// A file for what does not fit in memory; it has no name once it is open.
    pub fn spill(&self) -> std::io::Result<std::fs::File> {
        let _ = self.temporary.fetch_add(1, Ordering::Relaxed);
        tempfile::tempfile_in(&self.folder)
    }

    /// Forgets a database.
    pub fn remove(&self, database_id: i32) {
        let file = self.file(database_id);
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            let _ = std::fs::remove_file(name);
        }
    }
}
