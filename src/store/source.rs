//! A package in the file system as the format layer reads it: handles, as many as threads ask for.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::bacpac::package::{ReadSeek, Source};

/// A file by its path.
#[derive(Debug, Clone)]
pub struct FileSource {
    path: PathBuf,
}

impl FileSource {
    /// The file at `path`, which must be there and be a file.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        // Looked at before it is opened: a folder opens on Unix and fails only when read, and opening a pipe waits for
        // whoever writes into it.
        let kind = std::fs::metadata(&path)?.file_type();
        if kind.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if !kind.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        File::open(&path)?;
        Ok(Self { path })
    }
}

impl Source for FileSource {
    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(File::open(&self.path)?))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(std::fs::metadata(&self.path)?.len())
    }
}
