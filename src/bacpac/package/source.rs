//! Where a package's bytes come from: handles that read and seek, as many as threads ask for; and what a package may
//! cost.

use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

/// A handle on a package's bytes.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// Gives handles on the same bytes. A file opens itself again; a remote store answers with range requests.
pub trait Source: Send + Sync {
    /// A handle of its own, at any position.
    fn open(&self) -> io::Result<Box<dyn ReadSeek>>;

    /// Size in bytes.
    fn size(&self) -> io::Result<u64>;
}

/// A package in memory.
#[derive(Debug, Clone)]
pub struct Bytes(pub Arc<[u8]>);

impl Bytes {
    /// Takes the bytes of a whole package.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Bytes(bytes.into())
    }
}

impl Source for Bytes {
    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(Cursor::new(self.0.clone())))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        (**self).open()
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        (**self).open()
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

/// What a package may cost, so that a hostile file ends in an error and not in a full disk or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the archive.
    pub entries: u64,
    /// Bytes of the archive's directory.
    pub directory: u64,
    /// Bytes of model.xml, which is held in memory.
    pub model_xml: u64,
    /// Bytes of each other XML entry, held in memory.
    pub sheet: u64,
    /// Uncompressed bytes of all entries.
    pub total: u64,
    /// Uncompressed bytes for one compressed byte, where an entry (or all of them) has more than `ratio_above` bytes.
    pub ratio: u64,
    /// See `ratio`.
    pub ratio_above: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            entries: 1_000_000,
            directory: 128 << 20,
            model_xml: 256 << 20,
            sheet: 64 << 20,
            total: 16 << 40,
            // Deflate cannot do better than 1,032; tables of equal rows come to some 250.
            ratio: 500,
            ratio_above: 64 << 20,
        }
    }
}
