//! Which processes live: each holds the lock of a file of its own in the data folder, and the system drops a lock with
//! its process. No process number is asked after, since numbers are given out again.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// The mark of this process: its file stays locked as long as the value lives.
#[derive(Debug)]
pub struct ProcessMark {
    name: String,
    path: PathBuf,
    file: Option<File>,
}

impl ProcessMark {
    /// Mark this process as living.
    pub fn set(data_dir: &Path) -> std::io::Result<Self> {
        let folder = folder(data_dir);
        std::fs::create_dir_all(&folder)?;
        loop {
            let name = Uuid::new_v4().to_string();
            let path = folder.join(&name);
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            // A process that starts just now may take the file, before it is locked, for a dead one's and remove it.
            if file.try_lock().is_ok() && path.exists() {
                return Ok(Self { name, path, file: Some(file) });
            }
        }
    }

    /// The name under which the journal knows this process.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for ProcessMark {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        self.file = None;
    }
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("processes")
}

/// Whether the process of that name lives. When it cannot be told, it is taken as living: nothing of a living
/// process is ever called dead.
pub fn is_alive(data_dir: &Path, name: &str) -> bool {
    if Uuid::parse_str(name).is_err() {
        return false;
    }
    let path = folder(data_dir).join(name);
    match File::open(&path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => {
                let _ = std::fs::remove_file(&path);
                false
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        },
        Err(e) => e.kind() != std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_as_long_as_its_mark() {
        let dir = tempfile::tempdir().unwrap();
        let mark = ProcessMark::set(dir.path()).unwrap();
        let name = mark.name().to_owned();
        assert!(is_alive(dir.path(), &name));
        // A crash: the lock goes, the file stays.
        let mut mark = mark;
        mark.file = None;
        assert!(!is_alive(dir.path(), &name));
        drop(mark);
        assert!(!is_alive(dir.path(), &name));
        assert!(!is_alive(dir.path(), "../../etc/passwd"));
    }
}
