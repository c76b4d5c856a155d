//! The zip archive on its way out: entries appended one after the other, already compressed, over a plain `Write`.
//! 64-bit records are written where a figure needs them and nowhere else.

use std::io::{self, Write};

use super::DeflatedPart;

const METHOD_DEFLATE: u16 = 8;
/// Sizes follow the content.
const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// The name is UTF-8 beyond ASCII.
const FLAG_UTF8: u16 = 1 << 11;
const MAX32: u64 = 0xFFFF_FFFF;

/// When the entries say they were changed, in the archive's own coarse form. The format knows no time zone and this
/// module no clock: the caller says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modified {
    time: u16,
    date: u16,
}

impl Default for Modified {
    /// 1980-01-01, the first there is.
    fn default() -> Self {
        Modified::new(1980, 1, 1, 0, 0, 0)
    }
}

impl Modified {
    /// A moment; years outside 1980 to 2107 become the nearest there is, seconds become even.
    pub fn new(year: i16, month: i8, day: i8, hour: i8, minute: i8, second: i8) -> Self {
        let year = (year.clamp(1980, 2107) - 1980) as u16;
        let field = |value: i8, low: i8, high: i8| u16::from(value.clamp(low, high).unsigned_abs());
        Modified {
            date: year << 9 | field(month, 1, 12) << 5 | field(day, 1, 31),
            time: field(hour, 0, 23) << 11 | field(minute, 0, 59) << 5 | (field(second, 0, 59) / 2),
        }
    }
}

#[derive(Debug)]
struct Record {
    name: String,
    flags: u16,
    method: u16,
    crc32: u32,
    compressed: u64,
    size: u64,
    header: u64,
}

/// The bytes of a name, in the field of two bytes that the format has for them.
fn name_length(name: &str) -> io::Result<u16> {
    u16::try_from(name.len()).map_err(|_| io::Error::other("the name of an entry is longer than an archive can hold"))
}

/// Appends entries to an archive.
#[derive(Debug)]
pub(super) struct ArchiveWriter<W> {
    out: W,
    offset: u64,
    records: Vec<Record>,
    modified: Modified,
}

impl<W: Write> ArchiveWriter<W> {
    pub(super) fn new(out: W, modified: Modified) -> Self {
        ArchiveWriter { out, offset: 0, records: Vec::new(), modified }
    }

    /// Bytes written so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn deflated(&mut self, name: &str, part: &DeflatedPart) -> io::Result<()> {
        self.entry(name, METHOD_DEFLATE, part.crc32, part.size, &part.bytes)
    }

    pub(super) fn stored(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.entry(name, 0, crc32fast::hash(bytes), bytes.len() as u64, bytes)
    }

    fn entry(&mut self, name: &str, method: u16, crc32: u32, size: u64, bytes: &[u8]) -> io::Result<()> {
        let record = self.record(name, 0, method);
        let record = Record { crc32, compressed: bytes.len() as u64, size, ..record };
        self.local(&record, record.compressed >= MAX32 || record.size >= MAX32)?;
        self.write(bytes)?;
        self.records.push(record);
        Ok(())
    }

    /// Begins an entry whose sizes follow its content.
    pub(super) fn open(&mut self, name: &str) -> io::Result<()> {
        let record = self.record(name, FLAG_DESCRIPTOR, METHOD_DEFLATE);
        self.local(&record, true)?;
        self.records.push(record);
        Ok(())
    }

    /// Compressed bytes of the entry that was opened.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Ends the entry that was opened.
    pub(super) fn close(&mut self, crc32: u32, compressed: u64, size: u64) -> io::Result<()> {
        if let Some(record) = self.records.last_mut() {
            (record.crc32, record.compressed, record.size) = (crc32, compressed, size);
        }
        let mut b = b"PK\x07\x08".to_vec();
        b.extend(crc32.to_le_bytes());
        b.extend(compressed.to_le_bytes());
        b.extend(size.to_le_bytes());
        self.write(&b)
    }

    fn record(&self, name: &str, flags: u16, method: u16) -> Record {
        let flags = if name.is_ascii() { flags } else { flags | FLAG_UTF8 };
        Record { name: name.to_owned(), flags, method, crc32: 0, compressed: 0, size: 0, header: self.offset }
    }

    fn local(&mut self, record: &Record, wide: bool) -> io::Result<()> {
        let mut b = b"PK\x03\x04".to_vec();
        let version: u16 = if wide { 45 } else { 20 };
        for value in [version, record.flags, record.method, self.modified.time, self.modified.date] {
            b.extend(value.to_le_bytes());
        }
        let later = record.flags & FLAG_DESCRIPTOR != 0;
        b.extend(record.crc32.to_le_bytes());
        let small = |n: u64| (if wide { MAX32 } else { n } as u32).to_le_bytes();
        b.extend(small(record.compressed));
        b.extend(small(record.size));
        b.extend(name_length(&record.name)?.to_le_bytes());
        b.extend((if wide { 20u16 } else { 0 }).to_le_bytes());
        b.extend(record.name.as_bytes());
        if wide {
            b.extend([1, 0, 16, 0]);
            b.extend((if later { 0 } else { record.size }).to_le_bytes());
            b.extend((if later { 0 } else { record.compressed }).to_le_bytes());
        }
        self.write(&b)
    }

    /// Writes the directory and gives the writer back, flushed.
    pub(super) fn finish(mut self) -> io::Result<(W, u64)> {
        let start = self.offset;
        let records = std::mem::take(&mut self.records);
        let mut b = Vec::with_capacity(64 * 1024);
        for record in &records {
            let mut wide = Vec::new();
            let mut small = |n: u64| {
                if n >= MAX32 {
                    wide.extend(n.to_le_bytes());
                }
                (n.min(MAX32) as u32).to_le_bytes()
            };
            // The order of the 64-bit figures is fixed: size, compressed, header.
            let (size, compressed, header) = (small(record.size), small(record.compressed), small(record.header));
            let version: u16 = if wide.is_empty() && record.flags & FLAG_DESCRIPTOR == 0 { 20 } else { 45 };
            b.extend(b"PK\x01\x02");
            for value in [version, version, record.flags, record.method, self.modified.time, self.modified.date] {
                b.extend(value.to_le_bytes());
            }
            b.extend(record.crc32.to_le_bytes());
            b.extend(compressed);
            b.extend(size);
            b.extend(name_length(&record.name)?.to_le_bytes());
            // Three figures at most.
            let wide_length = u16::try_from(wide.len()).map_err(io::Error::other)?;
            let extra = if wide.is_empty() { 0 } else { wide_length + 4 };
            b.extend(extra.to_le_bytes());
            // Comment, volume, internal and external attributes: none.
            b.extend([0; 10]);
            b.extend(header);
            b.extend(record.name.as_bytes());
            if !wide.is_empty() {
                b.extend([1, 0]);
                b.extend(wide_length.to_le_bytes());
                b.extend(&wide);
            }
            if b.len() >= 48 * 1024 {
                self.write(&b)?;
                b.clear();
            }
        }
        self.write(&b)?;
        b.clear();
        let (count, size) = (records.len() as u64, self.offset - start);
        if count >= 0xFFFF || size >= MAX32 || start >= MAX32 {
            let at = self.offset;
            b.extend(b"PK\x06\x06");
            b.extend(44u64.to_le_bytes());
            b.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for value in [count, count, size, start] {
                b.extend(value.to_le_bytes());
            }
            b.extend(b"PK\x06\x07");
            b.extend([0; 4]);
            b.extend(at.to_le_bytes());
            b.extend(1u32.to_le_bytes());
        }
        b.extend(b"PK\x05\x06");
        b.extend([0; 4]);
        let count = count.min(0xFFFF) as u16;
        b.extend(count.to_le_bytes());
        b.extend(count.to_le_bytes());
        b.extend((size.min(MAX32) as u32).to_le_bytes());
        b.extend((start.min(MAX32) as u32).to_le_bytes());
        b.extend([0; 2]);
        self.write(&b)?;
        self.out.flush()?;
        Ok((self.out, self.offset))
    }
}
