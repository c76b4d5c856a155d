//! Zip archives taken apart and put together byte by byte, with every figure free to lie.

use std::io::Read;

/// An entry with everything an archive says about it.
#[derive(Debug, Clone)]
pub struct RawEntry {
    pub name: Vec<u8>,
    /// The name in the local header, where it differs.
    pub local_name: Option<Vec<u8>>,
    pub flags: u16,
    pub method: u16,
    pub crc32: u32,
    pub size: u64,
    /// As it lies in the archive.
    pub data: Vec<u8>,
}

impl RawEntry {
    /// A deflated entry.
    pub fn deflated(name: &str, content: &[u8]) -> RawEntry {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut data = vec![0; compressor.deflate_compress_bound(content.len())];
        let length = compressor.deflate_compress(content, &mut data).unwrap();
        data.truncate(length);
        RawEntry {
            name: name.into(),
            local_name: None,
            flags: 0,
            method: 8,
            crc32: crc32fast::hash(content),
            size: content.len() as u64,
            data,
        }
    }

    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name).unwrap()
    }
}

/// The entries of a sound archive, in its order.
pub fn explode(archive: &[u8]) -> Vec<RawEntry> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    (0..zip.len())
        .map(|i| {
            let mut entry = zip.by_index_raw(i).unwrap();
            let method = if entry.compression() == zip::CompressionMethod::Stored { 0 } else { 8 };
            let mut data = Vec::new();
            entry.read_to_end(&mut data).unwrap();
            let name = entry.name().unwrap().into_owned().into_bytes();
            RawEntry { name, local_name: None, flags: 0, method, crc32: entry.crc32(), size: entry.size(), data }
        })
        .collect()
}

/// The archive of these entries; 64-bit sizes where they are needed.
pub fn build(entries: &[RawEntry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for e in entries {
        let header = out.len() as u32;
        let wide = e.size >= 0xFFFF_FFFF;
        let size = (if wide { 0xFFFF_FFFF } else { e.size as u32 }).to_le_bytes();
        let common = |name: &[u8]| {
            let mut b = Vec::new();
            for value in [45, e.flags, e.method, 0, 33] {
                b.extend(value.to_le_bytes());
            }
            b.extend(e.crc32.to_le_bytes());
            b.extend((e.data.len() as u32).to_le_bytes());
            b.extend(size);
            b.extend((name.len() as u16).to_le_bytes());
            b.extend((if wide { 12u16 } else { 0 }).to_le_bytes());
            b
        };
        let local = e.local_name.as_ref().unwrap_or(&e.name);
        out.extend(b"PK\x03\x04");
        out.extend(common(local));
        out.extend(local);
        let extra = [&[1, 0, 8, 0][..], &e.size.to_le_bytes()].concat();
        if wide {
            out.extend(&extra);
        }
        out.extend(&e.data);
        directory.extend(b"PK\x01\x02\x2D\x00");
        directory.extend(common(&e.name));
        directory.extend([0; 10]);
        directory.extend(header.to_le_bytes());
        directory.extend(&e.name);
        if wide {
            directory.extend(&extra);
        }
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}
