//! Where rows lie: one SQLite file a database, a tree of row blobs a table, a tree of ordered keys an index.
//!
//! Rows are opaque here (the row form is the engine's business), keys are bytes whose order is the order of the index.
//! A table's trees are made when its first row comes, so that twenty thousand empty tables cost nothing.
//! Several connections write one file one after the other; readers see the last committed state and never wait.

mod link;
pub mod private;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use link::{Link, Order, Stop, after};
use private::PrivateFolder;

/// The folder with the files of the databases.
#[derive(Debug)]
pub struct Storage {
    folder: PathBuf,
    /// Removes the folder at the end, when it is a private one.
    _private: Option<PrivateFolder>,
    keeps: bool,
    /// How often a number was given to another database: a file that a session still has open is not the new one's.
    generations: Mutex<HashMap<i32, u32>>,
}

impl Storage {
    /// A private folder, in memory where the system has one, gone at the end.
    pub fn private() -> std::io::Result<Storage> {
        let folder = PrivateFolder::make("pacrat-sandbox-", &[Path::new("/dev/shm"), &std::env::temp_dir()])?;
        Ok(Storage {
            folder: folder.path().to_path_buf(),
            _private: Some(folder),
            keeps: false,
            generations: Mutex::default(),
        })
    }

    /// A folder that is kept.
    pub fn folder(path: &Path) -> std::io::Result<Storage> {
        std::fs::create_dir_all(path)?;
        let mut generations = HashMap::new();
        for entry in std::fs::read_dir(path)? {
            let name = entry?.file_name();
            let parts: Vec<&str> = name.to_str().unwrap_or_default().split('.').collect();
            if let [id, generation, "sqlite"] = parts.as_slice()
                && let (Ok(id), Ok(generation)) = (id.parse::<i32>(), generation.parse::<u32>())
            {
                let known = generations.entry(id).or_insert(generation);
                *known = generation.max(*known);
            }
        }
        Ok(Storage { folder: path.to_path_buf(), _private: None, keeps: true, generations: Mutex::new(generations) })
    }

    /// Whether rows outlive the process.
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Which database of this number is the present one.
    pub fn generation(&self, database_id: i32) -> u32 {
        let all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&database_id).copied().unwrap_or(0)
    }

    fn file(&self, database_id: i32) -> PathBuf {
        match self.generation(database_id) {
            0 => self.folder.join(format!("{database_id}.sqlite")),
            n => self.folder.join(format!("{database_id}.{n}.sqlite")),
        }
    }

    /// A connection to a database, made if it is not there.
    pub fn connect(&self, database_id: i32) -> rusqlite::Result<Link> {
        Link::open(&self.file(database_id), self.generation(database_id), self.keeps)
    }

    /// A connection to a database of its own in memory: a session's temporary tables.
    pub fn temporary(&self) -> rusqlite::Result<Link> {
        Link::memory()
    }

    /// A file for what does not fit in memory; it has no name once it is open.
    pub fn spill(&self) -> std::io::Result<std::fs::File> {
        tempfile::tempfile_in(&self.folder)
    }

    /// Forgets a database: the next one of this number is another.
    pub fn remove(&self, database_id: i32) {
        let file = self.file(database_id);
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            let _ = std::fs::remove_file(name);
        }
        let mut all = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(database_id).or_insert(0) += 1;
    }
}
