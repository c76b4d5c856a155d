//! The content of an entry, block by block: inflated within its declared size, CRC checked at its end.

use std::io::{Read, Seek, SeekFrom};

use flate2::{Decompress, FlushDecompress, Status};

use super::directory::Entry;
use super::source::ReadSeek;
use super::{PackageError, Result};

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const INPUT: usize = 128 * 1024;
const OUTPUT: usize = 512 * 1024;

/// Reads entries, one after the other, over one handle; its buffers are used again.
pub(super) struct EntryReader {
    handle: Box<dyn ReadSeek>,
    inflate: Decompress,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl EntryReader {
    pub(super) fn new(handle: Box<dyn ReadSeek>) -> Self {
        EntryReader { handle, inflate: Decompress::new(false), input: vec![0; INPUT], output: vec![0; OUTPUT] }
    }

    /// Gives the content to `take`, block by block, and checks size and CRC at the end.
    pub(super) fn each_block<E: From<PackageError>>(
        &mut self,
        entry: &Entry,
        mut take: impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.find_content(entry)?;
        let mut crc = crc32fast::Hasher::new();
        let mut size = 0u64;
        if !entry.deflated {
            let mut left = entry.compressed;
            while left > 0 {
                let n = left.min(OUTPUT as u64) as usize;
                self.handle.read_exact(&mut self.output[..n]).map_err(PackageError::Read)?;
                crc.update(&self.output[..n]);
                take(&self.output[..n])?;
                left -= n as u64;
            }
            return Ok(finish(entry, entry.compressed, crc)?);
        }
        self.inflate.reset(false);
        let inflate = |reason: &str| PackageError::Inflate { entry: entry.name.clone(), reason: reason.to_owned() };
        let mut left = entry.compressed;
        let (mut start, mut end) = (0, 0);
        loop {
            if start == end && left > 0 {
                let n = left.min(INPUT as u64) as usize;
                self.handle.read_exact(&mut self.input[..n]).map_err(PackageError::Read)?;
                (start, end) = (0, n);
                left -= n as u64;
            }
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(&self.input[start..end], &mut self.output, FlushDecompress::None)
                .map_err(|e| inflate(&e.to_string()))?;
            start += (self.inflate.total_in() - before_in) as usize;
            let n = (self.inflate.total_out() - before_out) as usize;
            size += n as u64;
            if size > entry.size {
                return Err(PackageError::entry(
                    &entry.name,
                    format!("it inflates to more than the {} bytes it declares", entry.size),
                )
                .into());
            }
            if n > 0 {
                crc.update(&self.output[..n]);
                take(&self.output[..n])?;
            }
            match status {
                Status::StreamEnd if start == end && left == 0 => break,
                Status::StreamEnd => return Err(inflate("bytes follow its end").into()),
                _ if n == 0 && start == end && left == 0 => return Err(inflate("its end is missing").into()),
                _ if n == 0 && self.inflate.total_in() == before_in => return Err(inflate("it stands still").into()),
                _ => {}
            }
        }
        Ok(finish(entry, size, crc)?)
    }

    /// The whole content, which the directory says is at most `limit` bytes.
    pub(super) fn whole(&mut self, entry: &Entry, limit: u64) -> Result<Vec<u8>> {
        if entry.size > limit {
            return Err(PackageError::limit(format!("the size of {}", entry.name), entry.size, limit));
        }
        // Grown as the bytes come: the declared size is not believed beforehand.
        let mut bytes = Vec::new();
        self.each_block(entry, |block| {
            bytes.extend_from_slice(block);
            Ok::<_, PackageError>(())
        })?;
        Ok(bytes)
    }

    /// Reads the local header, holds it against the directory and stands at the first byte of the content.
    fn find_content(&mut self, entry: &Entry) -> Result<()> {
        self.handle.seek(SeekFrom::Start(entry.header)).map_err(PackageError::Read)?;
        let mut head = [0; 30];
        self.handle.read_exact(&mut head).map_err(PackageError::Read)?;
        let length = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let (method, name, extra) = (length(8), length(26), length(28));
        if head[..4] != LOCAL {
            return Err(PackageError::entry(&entry.name, "its local header is broken"));
        }
        if method != if entry.deflated { 8 } else { 0 } || name != entry.name.len() as u64 {
            return Err(PackageError::entry(&entry.name, "its local header disagrees with the directory"));
        }
        let mut found = vec![0; name as usize];
        self.handle.read_exact(&mut found).map_err(PackageError::Read)?;
        if found != entry.name.as_bytes() {
            return Err(PackageError::entry(&entry.name, "its local header has another name"));
        }
        let content = entry.header + 30 + name + extra;
        if content + entry.compressed > entry.limit {
            return Err(PackageError::entry(&entry.name, "it overlaps what follows it in the archive"));
        }
        self.handle.seek(SeekFrom::Start(content)).map_err(PackageError::Read)?;
        Ok(())
    }
}

fn finish(entry: &Entry, size: u64, crc: crc32fast::Hasher) -> Result<()> {
    if size != entry.size {
        return Err(PackageError::entry(
            &entry.name,
            format!("it has {size} bytes where the directory says {}", entry.size),
        ));
    }
    let found = crc.finalize();
    if found != entry.crc32 {
        return Err(PackageError::Crc { entry: entry.name.clone(), expected: entry.crc32, found });
    }
    Ok(())
}
