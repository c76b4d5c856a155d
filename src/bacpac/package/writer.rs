//! A package on its way out, in DacFx's layout: model.xml, DacMetadata.xml, Data/…, Origin.xml, _rels/.rels,
//! `[Content_Types].xml`, in one pass over a plain `Write`.

use std::io::Write;

use sha2::{Digest, Sha256};

use super::archive::ArchiveWriter;
use super::deflate::{LAST_PIECE, deflate_piece};
use super::names::part_name;
use super::origin::{write_content_types, write_rels};
use super::{DacMetadata, DeflatedPart, Deflater, Modified, Origin, PackageError, Result, upper_hex};

/// Writes a package.
///
/// ```
/// use pacrat::bacpac::package::{DacMetadata, Deflater, Modified, Origin, PackageWriter};
/// let metadata = DacMetadata::of_database("shop");
/// let mut writer = PackageWriter::new(Vec::new(), b"<DataSchemaModel/>", &metadata, Modified::default())?;
/// let part = Deflater::default().deflate(&[1, 0, 0, 0]);      // on any thread
/// writer.part("dbo", "t", 0, &part)?;
/// let (file, written) = writer.finish(Origin { row_count: Some(1), ..Origin::default() })?;
/// assert_eq!(file.len() as u64, written.size);
/// # Ok::<(), pacrat::bacpac::package::PackageError>(())
/// ```
#[derive(Debug)]
pub struct PackageWriter<W> {
    archive: ArchiveWriter<W>,
    model_sha256: String,
    parts: Vec<Named>,
    stream: Option<Stream>,
    deflater: Deflater,
}

#[derive(Debug)]
struct Named {
    entry: String,
    schema: String,
    table: String,
}

/// The part whose pieces are being appended, because it is too large to be held.
#[derive(Debug, Default)]
struct Stream {
    crc: crc32fast::Hasher,
    size: u64,
    compressed: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub size: u64,
    /// Data parts.
    pub parts: usize,
    /// Upper-case hex of SHA-256 of model.xml.
    pub model_sha256: String,
}

impl<W: Write> PackageWriter<W> {
    /// Begins a package with its model and metadata. `out` needs no buffer of its own for the parts, which are written
    /// at once, but a file does for the small pieces between them.
    pub fn new(out: W, model_xml: &[u8], metadata: &DacMetadata, modified: Modified) -> Result<Self> {
        let mut writer = PackageWriter {
            archive: ArchiveWriter::new(out, modified),
            model_sha256: upper_hex(&Sha256::digest(model_xml)),
            parts: Vec::new(),
            stream: None,
            deflater: Deflater::default(),
        };
        writer.sheet("model.xml", model_xml)?;
        writer.sheet("DacMetadata.xml", metadata.write().as_bytes())?;
        Ok(writer)
    }

    fn sheet(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let part = self.deflater.deflate(bytes);
        self.archive.deflated(name, &part).map_err(PackageError::Write)
    }

    /// An entry that is none of the package's own (deployment scripts and the like), kept from another package.
    pub fn other(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.between(name)?;
        self.sheet(name, bytes)
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.archive.offset()
    }

    /// Appends a part of a table: whole rows, numbered from 0 without regard to the order of appending.
    pub fn part(&mut self, schema: &str, table: &str, number: u64, part: &DeflatedPart) -> Result<()> {
        let entry = self.name(schema, table, number)?;
        self.archive.deflated(&entry, part).map_err(PackageError::Write)
    }

    /// Begins a part that comes in pieces, for rows too large to be held in memory. Nothing else can be appended until
    /// [`PackageWriter::stream_end`].
    pub fn stream_start(&mut self, schema: &str, table: &str, number: u64) -> Result<()> {
        let entry = self.name(schema, table, number)?;
        self.archive.open(&entry).map_err(PackageError::Write)?;
        self.stream = Some(Stream::default());
        Ok(())
    }

    /// The next bytes of the part that was begun, deflated here.
    pub fn stream(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream_piece(&deflate_piece(bytes))
    }

    /// The next bytes of the part that was begun, deflated by [`deflate_piece`] on any thread.
    pub fn stream_piece(&mut self, piece: &DeflatedPart) -> Result<()> {
        let Some(stream) = &mut self.stream else { return Err(PackageError::Turn("no part was begun")) };
        stream.crc.combine(&crc32fast::Hasher::new_with_initial_len(piece.crc32, piece.size));
        stream.size += piece.size;
        stream.compressed += piece.bytes.len() as u64;
        self.archive.write(&piece.bytes).map_err(PackageError::Write)
    }

    /// Ends the part that was begun.
    pub fn stream_end(&mut self) -> Result<()> {
        let Some(stream) = self.stream.take() else {
            return Err(PackageError::Turn("no part was begun"));
        };
        self.archive.write(&LAST_PIECE).map_err(PackageError::Write)?;
        let compressed = stream.compressed + LAST_PIECE.len() as u64;
        self.archive.close(stream.crc.finalize(), compressed, stream.size).map_err(PackageError::Write)
    }

    fn between(&self, entry: &str) -> Result<()> {
        match self.stream {
            Some(_) => Err(PackageError::entry(entry, "another part is still being written")),
            None => Ok(()),
        }
    }

    fn name(&mut self, schema: &str, table: &str, number: u64) -> Result<String> {
        let entry = part_name(schema, table, number);
        self.between(&entry)?;
        if entry.len() > 0xFFFF {
            return Err(PackageError::entry(&entry, "the name is longer than an archive can hold"));
        }
        self.parts.push(Named { entry: entry.clone(), schema: schema.to_owned(), table: table.to_owned() });
        Ok(entry)
    }

    /// Ends the package. Of `origin` the package version, the stream version and the checksum are set here; the rest
    /// is the caller's: who, when, from where, how many.
    pub fn finish(mut self, mut origin: Origin) -> Result<(W, Written)> {
        self.between("Origin.xml")?;
        let data = !self.parts.is_empty();
        origin.package_version = Some(if data { "3.1.0.0" } else { "3.0.0.0" }.into());
        origin.contains_data = Some(true);
        origin.data_stream = Some("2.0.0.0".into());
        origin.checksums = vec![("/model.xml".into(), self.model_sha256.clone())];
        self.sheet("Origin.xml", origin.write().as_bytes())?;
        if data {
            let rels = write_rels(self.parts.iter().map(|p| (p.entry.as_str(), p.schema.as_str(), p.table.as_str())));
            self.archive.stored("_rels/.rels", rels.as_bytes()).map_err(PackageError::Write)?;
        }
        let types = write_content_types(data);
        self.archive.stored("[Content_Types].xml", types.as_bytes()).map_err(PackageError::Write)?;
        let (out, size) = self.archive.finish().map_err(PackageError::Write)?;
        Ok((out, Written { size, parts: self.parts.len(), model_sha256: self.model_sha256 }))
    }
}
