//! The package: a zip archive with a model, its origin, and the rows of its tables as parts.
//!
//! Reading goes in two steps. [`Package::open`] checks the archive's directory and the small entries and finds the
//! data; [`Package::bind`] puts the parts to the tables of the model (as plans), and refuses data that belongs to none.
//! Only then are there rows. A [`Source`] gives as many handles as threads ask for.
//!
//! ```no_run
//! # use pacrat::bacpac::package::*;
//! # fn example(source: Box<dyn Source>) -> Result<(), PackageError> {
//! let (package, model) = BoundPackage::open(source, Limits::default())?;
//! let report = package.verify(&VerifyOptions { depth: Depth::Rows, threads: 4, expected: None }, &Quiet)?;
//! for table in &report.tables {
//!     // table.schema, table.table, table.rows, table.bytes
//! }
//! let page = package.page(package.table("dbo", "Customers")?, 0, 50, 200)?;   // page.columns, page.rows
//! # Ok(()) }
//! ```
//!
//! Writing: [`PackageWriter`] takes parts that are deflated already ([`DeflatedPart`], made on any thread);
//! [`PartCutter`] cuts encoded rows into parts of a bounded size, and [`PartRoller`] does so as they come.

mod archive;
mod blob;
mod bound;
mod deflate;
mod directory;
mod entry;
mod error;
mod names;
mod origin;
mod rewrite;
mod roller;
mod sheet;
mod source;
mod verify;
mod writer;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::bacpac::model::Model;
use crate::bacpac::plan::TablePlan;
use entry::EntryReader;
use names::{PartKey, Role};
use origin::Related;

pub use archive::Modified;
pub use bound::{BoundPackage, PartInfo, TableData};
pub use deflate::{DeflatedPart, Deflater, deflate_piece};
pub use directory::Entry;
pub use error::PackageError;
pub use names::{folder_of, part_name};
pub use origin::{DacMetadata, Origin};
pub use rewrite::rewrite;
pub use roller::{Append, Cut, PartCutter, PartLimits, PartRoller, PartSink};
pub use source::{Bytes, Limits, ReadSeek, Source};
pub use verify::{Depth, ExpectedRows, Quiet, Report, TableReport, VerifyOptions, Verifying};
pub use writer::{PackageWriter, Written};

type Result<T> = std::result::Result<T, PackageError>;

/// An archive that was opened and whose directory and small entries are in order. Its rows wait for [`Package::bind`].
pub struct Package {
    source: Box<dyn Source>,
    limits: Limits,
    entries: Vec<Entry>,
    model: usize,
    origin: Origin,
    metadata: DacMetadata,
    parts: Vec<Part>,
    blobs: Vec<Blob>,
    relations: Option<Vec<Related>>,
    notes: Vec<String>,
}

struct Part {
    entry: usize,
    folder: String,
    key: PartKey,
}

struct Blob {
    entry: usize,
    folder: String,
    guid: String,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package").field("entries", &self.entries.len()).field("parts", &self.parts.len()).finish()
    }
}

impl Package {
    /// Opens an archive: reads and checks its directory, Origin.xml, DacMetadata.xml, relationships and content types.
    /// Memory: the directory and these entries, within `limits`.
    pub fn open(source: impl Source + 'static, limits: Limits) -> Result<Package> {
        let source: Box<dyn Source> = Box::new(source);
        let size = source.size().map_err(PackageError::Read)?;
        let mut handle = source.open().map_err(PackageError::Read)?;
        let entries = directory::read(&mut *handle, size, &limits)?;
        let mut reader = EntryReader::new(handle);
        let mut package = Package {
            source,
            limits,
            entries: Vec::new(),
            model: 0,
            origin: Origin::default(),
            metadata: DacMetadata::default(),
            parts: Vec::new(),
            blobs: Vec::new(),
            relations: None,
            notes: Vec::new(),
        };
        let mut fixed: HashMap<&'static str, usize> = HashMap::new();
        for (i, entry) in entries.iter().enumerate() {
            let name = match Role::of(&entry.name) {
                Role::Model => "model.xml",
                Role::Origin => "Origin.xml",
                Role::Metadata => "DacMetadata.xml",
                Role::ContentTypes => "[Content_Types].xml",
                Role::Rels => "_rels/.rels",
                Role::Part(folder, key) => {
                    package.parts.push(Part { entry: i, folder, key });
                    continue;
                }
                Role::Blob(folder, guid) => {
                    package.blobs.push(Blob { entry: i, folder, guid });
                    continue;
                }
                Role::OldData => return Err(PackageError::OldDataStream(entry.name.clone())),
                Role::StrangeData => return Err(PackageError::Unmapped(entry.name.clone())),
                Role::Folder => continue,
                Role::Other => {
                    package.notes.push(format!("entry {} is not part of a bacpac and is left alone", entry.name));
                    continue;
                }
            };
            // Names of an Open Packaging package are the same when only their case differs.
            if fixed.insert(name, i).is_some() {
                return Err(PackageError::Duplicate(entry.name.clone()));
            }
        }
        package.parts.sort_by(|a, b| a.folder.cmp(&b.folder).then_with(|| a.key.cmp(&b.key)));
        package.model = *fixed.get("model.xml").ok_or(PackageError::Missing("model.xml"))?;
        let mut sheet = |name: &'static str| match fixed.get(name) {
            None => Ok(None),
            Some(i) => reader.whole(&entries[*i], limits.sheet).map(|bytes| Some((&entries[*i].name, bytes))),
        };
        let (name, bytes) = sheet("Origin.xml")?.ok_or(PackageError::Missing("Origin.xml"))?;
        package.origin = Origin::read(name, &bytes)?;
        match sheet("DacMetadata.xml")? {
            Some((name, bytes)) => package.metadata = DacMetadata::read(name, &bytes)?,
            None => package.notes.push("DacMetadata.xml is missing".into()),
        }
        if let Some((name, bytes)) = sheet("_rels/.rels")? {
            package.relations = Some(origin::read_rels(name, &bytes)?);
        }
        let has_bcp = match sheet("[Content_Types].xml")? {
            Some((name, bytes)) => origin::names_bcp(name, &bytes)?,
            None => {
                package.notes.push("[Content_Types].xml is missing: Microsoft's tools cannot open this file".into());
                true
            }
        };
        if !has_bcp && !package.parts.is_empty() {
            package.notes.push(
                "[Content_Types].xml does not name BCP: Microsoft's tools would silently leave out the table data"
                    .into(),
            );
        }
        package.check_stream()?;
        if package.origin.model_checksum().is_none() {
            package.notes.push("Origin.xml has no checksum of model.xml".into());
        }
        package.entries = entries;
        package.check_relations()?;
        Ok(package)
    }

    fn check_stream(&self) -> Result<()> {
        match self.origin.data_stream.as_deref() {
            _ if self.parts.is_empty() => Ok(()),
            // Missing stream versions mean the old form to DacFx too.
            None => Err(PackageError::DataStream("1 (none is named)".into())),
            Some("2.0.0.0") => Ok(()),
            Some(other) => Err(PackageError::DataStream(other.to_owned())),
        }
    }

    /// Where the relationships name parts at all, they and the archive must agree.
    fn check_relations(&self) -> Result<()> {
        let Some(relations) = &self.relations else { return Ok(()) };
        let is_part = |name: &str| matches!(Role::of(name), Role::Part(..));
        // Big values may be named or not; one that is named must be there, for its marker would pass as the value.
        let related: HashSet<&str> = relations
            .iter()
            .map(|r| r.part.as_str())
            .filter(|name| is_part(name) || matches!(Role::of(name), Role::Blob(..)))
            .collect();
        let entries = self.parts.iter().map(|p| p.entry).chain(self.blobs.iter().map(|b| b.entry));
        let present: HashSet<&str> = entries.map(|entry| self.entries[entry].name.as_str()).collect();
        // Names that differ in case or in what is encoded are the same, as long as each finds one of its own.
        let mut loose: HashMap<String, usize> = HashMap::new();
        for name in present.difference(&related) {
            *loose.entry(names::comparable(name)).or_default() += 1;
        }
        for name in related.difference(&present) {
            match loose.get_mut(&names::comparable(name)) {
                Some(left) if *left > 0 => *left -= 1,
                _ => return Err(PackageError::MissingPart((*name).to_owned())),
            }
        }
        let unnamed = |name: &&&str| is_part(name) && loose.get(&names::comparable(name)).is_some_and(|n| *n > 0);
        let extra = present.difference(&related).find(unnamed);
        match extra {
            Some(name) if !related.is_empty() => return Err(PackageError::ExtraPart((*name).to_owned())),
            _ => {}
        }
        Ok(())
    }

    /// model.xml, whole, with its checksum right (or absent from Origin.xml).
    pub fn model_xml(&self) -> Result<Vec<u8>> {
        let bytes = self.reader()?.whole(&self.entries[self.model], self.limits.model_xml)?;
        if let Some(expected) = self.origin.model_checksum() {
            let found = upper_hex(&Sha256::digest(&bytes));
            if !expected.eq_ignore_ascii_case(&found) {
                return Err(PackageError::ModelChecksum { expected: expected.to_owned(), found });
            }
        }
        Ok(bytes)
    }

    /// Origin.xml.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// DacMetadata.xml.
    pub fn metadata(&self) -> &DacMetadata {
        &self.metadata
    }

    /// Every entry, in the directory's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is odd about the package and no error, for the operator to read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Puts the data parts to the tables. Every part must belong to exactly one plan.
    pub fn bind(self, plans: Vec<TablePlan>) -> Result<BoundPackage> {
        for plan in &plans {
            // A table of computed columns alone has no rows in the stream; a part of it would be refused in reading.
            if !plan.columns.is_empty() {
                plan.check()?;
            }
        }
        bound::bind(self, plans.into_iter().map(Arc::new).collect())
    }

    /// The same with the tables of a model. A table whose columns cannot be planned is an error if it has data, and
    /// is left out otherwise.
    pub fn bind_model(self, model: &Model) -> Result<BoundPackage> {
        let mut plans = Vec::new();
        for (name, plan) in model.table_plans() {
            match plan {
                Ok(plan) => plans.push(plan),
                Err(error) => {
                    let folder = folder_of(name.schema(), name.last());
                    if self.parts.iter().any(|part| part.folder.eq_ignore_ascii_case(&folder)) {
                        return Err(error.into());
                    }
                }
            }
        }
        self.bind(plans)
    }

    fn reader(&self) -> Result<EntryReader> {
        Ok(EntryReader::new(self.source.open().map_err(PackageError::Read)?))
    }
}

fn upper_hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    super::scalar::hex(&mut out, bytes);
    out.into_iter().map(char::from).collect()
}
