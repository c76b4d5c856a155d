//! Folders that vanish with their process. One that a killed process left is removed by whoever makes the next: each
//! holds the lock of a file in it, and the system drops a lock with its process. No process number is asked after,
//! since numbers are given out again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// The file whose lock says that the folder is in use.
const MARK: &str = "in-use.lock";
/// A folder without the file is of a process that is just making it, or died at that.
const UNMARKED_IS_OLD: Duration = Duration::from_secs(3600);

/// A folder of this process's own.
#[derive(Debug)]
pub struct PrivateFolder {
    folder: tempfile::TempDir,
    /// Holds the lock.
    _mark: File,
}

impl PrivateFolder {
    /// A new folder in the first of `parents` that takes one, named `prefix` and some letters. What dead processes left
    /// there under such names is removed.
    pub fn make(prefix: &str, parents: &[&Path]) -> std::io::Result<Self> {
        let mut failed = std::io::Error::from(ErrorKind::NotFound);
        for parent in parents {
            sweep(parent, prefix);
            match Self::make_in(parent, prefix) {
                Ok(made) => return Ok(made),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn make_in(parent: &Path, prefix: &str) -> std::io::Result<Self> {
        loop {
            let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
            let path = folder.path().join(MARK);
            let mark = OpenOptions::new().write(true).create_new(true).open(&path)?;
            match mark.try_lock() {
                // Where there are no locks, nobody removes anything either.
                Ok(()) | Err(TryLockError::Error(_)) if path.exists() => return Ok(Self { folder, _mark: mark }),
                // Somebody who sweeps just now took it, before it was locked, for a dead one's.
                _ => {}
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of dead processes. What cannot be told or removed stays.
fn sweep(parent: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        // Not through a link.
        if !ours || !entry.file_type().is_ok_and(|t| t.is_dir()) {
            continue;
        }
        let (folder, mark) = (entry.path(), entry.path().join(MARK));
        match std::fs::symlink_metadata(&mark) {
            Ok(data) if data.is_file() => {
                let Ok(file) = File::open(&mark) else { continue };
                if file.try_lock().is_ok() {
                    let _ = std::fs::remove_dir_all(&folder);
                }
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
                if age.is_some_and(|age| age > UNMARKED_IS_OLD) {
                    // Only if nothing is in it: it may be of a program that knows no marks.
                    let _ = std::fs::remove_dir(&folder);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_processs_folder_goes_when_the_next_is_made_and_a_living_ones_stays() {
        let parent = tempfile::tempdir().unwrap();
        let make = || PrivateFolder::make("pacrat-x-", &[Path::new("/no/such/folder"), parent.path()]).unwrap();
        let living = make();
        std::fs::write(living.path().join("rows"), "x").unwrap();
        // A process that was killed: the lock is gone, the folder is not.
        let dead = parent.path().join("pacrat-x-dead");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join(MARK), "").unwrap();
        std::fs::write(dead.join("rows"), "x").unwrap();
        let (strange, fresh) = (parent.path().join("other"), parent.path().join("pacrat-x-fresh"));
        std::fs::create_dir(&strange).unwrap();
        std::fs::write(strange.join(MARK), "").unwrap();
        std::fs::create_dir(&fresh).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&strange, parent.path().join("pacrat-x-link")).unwrap();
        let next = make();
        assert!(!dead.exists());
        assert!(living.path().join("rows").exists() && next.path().exists());
        assert!(strange.join(MARK).exists() && fresh.exists());
        let gone = next.path().to_path_buf();
        drop(next);
        assert!(!gone.exists());
    }
}
