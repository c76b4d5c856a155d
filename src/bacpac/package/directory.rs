//! The archive's directory: found, read within limits, and checked hard before anything is believed.
//!
//! The directory is read here rather than by a zip library because a library's answer hides what matters: a name that
//! stands twice, entries that share bytes, counts that do not fit. The tests hold it against the `zip` crate.

use std::collections::HashSet;
use std::io::{Read, SeekFrom};

use super::names::refused;
use super::source::{Limits, ReadSeek};
use super::{PackageError, Result};

const END: u32 = 0x0605_4B50;
const END64: u32 = 0x0606_4B50;
const LOCATOR64: u32 = 0x0706_4B50;
const CENTRAL: u32 = 0x0201_4B50;

/// An entry as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Bytes in the archive.
    pub compressed: u64,
    /// Bytes of content.
    pub size: u64,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// Deflated; stored otherwise.
    pub deflated: bool,
    /// Where its local header begins.
    pub(super) header: u64,
    /// Where the next entry (or the directory) begins.
    pub(super) limit: u64,
}

fn u16_at(b: &[u8], at: usize) -> u64 {
    b.get(at..at + 2).map_or(0, |b| u64::from(u16::from_le_bytes([b[0], b[1]])))
}

fn u32_at(b: &[u8], at: usize) -> u64 {
    b.get(at..at + 4).map_or(0, |b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])))
}

fn u64_at(b: &[u8], at: usize) -> u64 {
    u32_at(b, at) | u32_at(b, at + 4) << 32
}

fn read_at(handle: &mut dyn ReadSeek, at: u64, length: u64) -> Result<Vec<u8>> {
    handle.seek(SeekFrom::Start(at)).map_err(PackageError::Read)?;
    let mut bytes = Vec::with_capacity(length as usize);
    handle.take(length).read_to_end(&mut bytes).map_err(PackageError::Read)?;
    if bytes.len() as u64 != length {
        return Err(PackageError::NotZip("it is shorter than it was".into()));
    }
    Ok(bytes)
}

/// Where the directory is and what it should hold.
struct Ending {
    entries: u64,
    size: u64,
    offset: u64,
    /// Where the records of the end begin: the directory must end here.
    begins: u64,
}

/// Finds the end record (and its 64-bit form) and checks its figures against each other.
fn ending(handle: &mut dyn ReadSeek, length: u64) -> Result<Ending> {
    let damaged = |what: &str| PackageError::Directory(what.to_owned());
    if length < 22 {
        return Err(PackageError::NotZip(format!("{length} bytes")));
    }
    let tail_length = length.min(22 + 0xFFFF + 20);
    let tail_start = length - tail_length;
    let tail = read_at(handle, tail_start, tail_length)?;
    // The record whose comment ends exactly with the file.
    let at = (0..=tail.len() - 22)
        .rev()
        .find(|at| u32_at(&tail, *at) == u64::from(END) && at + 22 + u16_at(&tail, at + 20) as usize == tail.len())
        .ok_or_else(|| PackageError::NotZip("no end record".into()))?;
    let record = &tail[at..];
    let begins = tail_start + at as u64;
    if u16_at(record, 4) != 0 || u16_at(record, 6) != 0 || u16_at(record, 8) != u16_at(record, 10) {
        return Err(damaged("it says the archive has several volumes"));
    }
    let plain = Ending { entries: u16_at(record, 10), size: u32_at(record, 12), offset: u32_at(record, 16), begins };
    let locator = at.checked_sub(20).filter(|at| u32_at(&tail, *at) == u64::from(LOCATOR64));
    let needs64 = plain.entries == 0xFFFF || plain.size == 0xFFFF_FFFF || plain.offset == 0xFFFF_FFFF;
    let Some(locator) = locator else {
        return if needs64 { Err(damaged("its 64-bit end record is missing")) } else { Ok(plain) };
    };
    let at64 = u64_at(&tail, locator + 8);
    let locator_at = tail_start + locator as u64;
    if at64.checked_add(56).is_none_or(|end| end > locator_at) {
        return Err(damaged("its 64-bit end record is out of place"));
    }
    let record = read_at(handle, at64, 56)?;
    let fits = at64.checked_add(12).and_then(|n| n.checked_add(u64_at(&record, 4))) == Some(locator_at);
    if u32_at(&record, 0) != u64::from(END64) || !fits {
        return Err(damaged("its 64-bit end record is broken"));
    }
    if u32_at(&record, 16) != 0 || u32_at(&record, 20) != 0 || u64_at(&record, 24) != u64_at(&record, 32) {
        return Err(damaged("it says the archive has several volumes"));
    }
    let full =
        Ending { entries: u64_at(&record, 32), size: u64_at(&record, 40), offset: u64_at(&record, 48), begins: at64 };
    let agrees = |small: u64, all_ones: u64, large: u64| small == all_ones || small == large;
    if !agrees(plain.entries, 0xFFFF, full.entries)
        || !agrees(plain.size, 0xFFFF_FFFF, full.size)
        || !agrees(plain.offset, 0xFFFF_FFFF, full.offset)
    {
        return Err(damaged("its two end records disagree"));
    }
    Ok(full)
}

/// Reads and checks the directory. Entries come in its order.
pub(super) fn read(handle: &mut dyn ReadSeek, length: u64, limits: &Limits) -> Result<Vec<Entry>> {
    let damaged = |what: String| PackageError::Directory(what);
    let end = ending(handle, length)?;
    if end.offset.checked_add(end.size) != Some(end.begins) {
        return Err(damaged("it is not where its end record says".into()));
    }
    if end.entries > limits.entries {
        return Err(PackageError::limit("the number of entries", end.entries, limits.entries));
    }
    if end.size > limits.directory {
        return Err(PackageError::limit("the directory's size", end.size, limits.directory));
    }
    if end.entries * 46 > end.size {
        return Err(damaged(format!("{} entries do not fit into {} bytes", end.entries, end.size)));
    }
    let bytes = read_at(handle, end.offset, end.size)?;
    let mut entries = Vec::with_capacity(end.entries as usize);
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        if rest.len() < 46 || u32_at(rest, 0) != u64::from(CENTRAL) {
            return Err(damaged(format!("entry number {} is broken", entries.len() + 1)));
        }
        let (name, extra, comment) = (u16_at(rest, 28), u16_at(rest, 30), u16_at(rest, 32));
        let total = 46 + (name + extra + comment) as usize;
        let Some((record, following)) = rest.split_at_checked(total) else {
            return Err(damaged(format!("entry number {} is cut off", entries.len() + 1)));
        };
        entries.push(entry(record, name as usize, extra as usize)?);
        rest = following;
    }
    if entries.len() as u64 != end.entries {
        return Err(damaged(format!("it has {} entries and says {}", entries.len(), end.entries)));
    }
    check_names(&entries)?;
    check_places(&mut entries, end.offset)?;
    check_sizes(&entries, limits)?;
    Ok(entries)
}

fn entry(record: &[u8], name: usize, extra: usize) -> Result<Entry> {
    let raw = &record[46..46 + name];
    let name = match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => {
            let entry = raw.escape_ascii().to_string();
            return Err(PackageError::EntryName { entry, reason: "is not UTF-8" });
        }
    };
    let (flags, method) = (u16_at(record, 8), u16_at(record, 10));
    // Bit 0: encrypted; bit 6: strongly; bit 13: the directory's figures are masked. Method 99 is AES.
    if flags & (1 | 1 << 6 | 1 << 13) != 0 || method == 99 {
        return Err(PackageError::Encrypted(name));
    }
    if method != 0 && method != 8 {
        return Err(PackageError::entry(&name, format!("compression method {method} is not known in packages")));
    }
    let (mut compressed, mut size, mut header) = (u32_at(record, 20), u32_at(record, 24), u32_at(record, 42));
    if u16_at(record, 34) != 0 && u16_at(record, 34) != 0xFFFF {
        return Err(PackageError::entry(&name, "it is on another volume"));
    }
    let mut fields = &record[46 + raw.len()..46 + raw.len() + extra];
    while fields.len() >= 4 {
        let (id, length) = (u16_at(fields, 0), u16_at(fields, 2) as usize);
        let Some(field) = fields.get(4..4 + length) else {
            // Trailing bytes that are no field are common in the wild and say nothing.
            break;
        };
        if id == 1 {
            let mut at = 0;
            for value in [&mut size, &mut compressed, &mut header] {
                if *value == 0xFFFF_FFFF {
                    if field.len() < at + 8 {
                        return Err(PackageError::entry(&name, "its 64-bit sizes are cut off"));
                    }
                    *value = u64_at(field, at);
                    at += 8;
                }
            }
        }
        fields = &fields[4 + length..];
    }
    if method == 0 && compressed != size {
        return Err(PackageError::entry(&name, format!("stored in {compressed} bytes, and says it has {size}")));
    }
    let crc32 = u32_at(record, 16) as u32;
    Ok(Entry { name, compressed, size, crc32, deflated: method == 8, header, limit: 0 })
}

fn check_names(entries: &[Entry]) -> Result<()> {
    let mut seen = HashSet::with_capacity(entries.len());
    for entry in entries {
        if let Some(reason) = refused(&entry.name) {
            return Err(PackageError::EntryName { entry: entry.name.escape_debug().to_string(), reason });
        }
        // Names of tables may differ in case alone; names of the fixed entries may not (see `Package::open`).
        if !seen.insert(entry.name.as_str()) {
            return Err(PackageError::Duplicate(entry.name.clone()));
        }
        if entry.name.ends_with('/') && entry.size != 0 {
            return Err(PackageError::entry(&entry.name, "a folder with content"));
        }
    }
    Ok(())
}

/// Entries may not share bytes: that is how a small file becomes a large one.
fn check_places(entries: &mut [Entry], directory: u64) -> Result<()> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(entries[*i].header));
    let mut limit = directory;
    for i in order {
        let entry = &mut entries[i];
        let least = 30 + entry.name.len() as u64;
        let end = entry.header.checked_add(least).and_then(|n| n.checked_add(entry.compressed));
        if end.is_none_or(|end| end > limit) {
            return Err(PackageError::entry(&entry.name, "it overlaps what follows it in the archive"));
        }
        entry.limit = limit;
        limit = entry.header;
    }
    Ok(())
}

fn check_sizes(entries: &[Entry], limits: &Limits) -> Result<()> {
    let ratio = |what: &str, size: u64, compressed: u64| {
        if size > limits.ratio_above && size / limits.ratio > compressed {
            let found = format!("{size} bytes out of {compressed}");
            let limit = format!("{} to 1", limits.ratio);
            return Err(PackageError::limit(format!("the ratio of {what}"), found, limit));
        }
        Ok(())
    };
    let (mut size, mut compressed) = (0u64, 0u64);
    for entry in entries {
        ratio(&entry.name, entry.size, entry.compressed)?;
        size = size.saturating_add(entry.size);
        compressed += entry.compressed;
    }
    if size > limits.total {
        return Err(PackageError::limit("the size of all entries", size, limits.total));
    }
    ratio("all entries", size, compressed)
}
