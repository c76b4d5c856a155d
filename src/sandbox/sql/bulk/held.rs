//! Rows that wait for the end of their load: in memory, and behind a limit in a nameless file.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};

use super::Load;

impl Load {
    /// Moves what is held in memory to the file.
    pub(super) fn spill(&mut self, storage: &crate::sandbox::storage::Storage) -> std::io::Result<()> {
        if self.file.is_none() {
            self.file = Some(storage.spill()?);
        }
        if let Some(f) = &mut self.file {
            f.write_all(&self.held)?;
        }
        self.held.clear();
        Ok(())
    }
}

/// The held rows again: the file's first, then those in memory.
pub(super) struct Source {
    file: Option<BufReader<File>>,
    held: Vec<u8>,
    at: usize,
}

impl Source {
    pub(super) fn new(file: Option<File>, held: Vec<u8>) -> std::io::Result<Source> {
        let file = match file {
            None => None,
            Some(mut f) => {
                f.seek(SeekFrom::Start(0))?;
                Some(BufReader::with_capacity(1 << 20, f))
            }
        };
        Ok(Source { file, held, at: 0 })
    }

    pub(super) fn next(&mut self, body: &mut Vec<u8>) -> std::io::Result<bool> {
        if let Some(f) = &mut self.file {
            let mut length = [0u8; 4];
            match f.read_exact(&mut length) {
                Ok(()) => {
                    body.resize(u32::from_le_bytes(length) as usize, 0);
                    f.read_exact(body)?;
                    return Ok(true);
                }
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => self.file = None,
                Err(e) => return Err(e),
            }
        }
        let Some(length) = self.held.get(self.at..self.at + 4) else { return Ok(false) };
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        self.at += 4;
        body.clear();
        body.extend_from_slice(&self.held[self.at..self.at + length]);
        self.at += length;
        Ok(true)
    }
}
