//! A package whose data parts are put to tables: rows can be read, table by table and part by part.

use std::collections::HashMap;
use std::sync::Arc;

use super::blob::Blobs;
use super::entry::EntryReader;
use super::names::{decoded, folder_of};
use super::{Limits, Package, PackageError, Part, Result, Source};
use crate::bacpac::bcp::{BcpError, Cell, CountRows, Decoder, Encoder, LobKind, RowSink};
use crate::bacpac::model::{self, Model};
use crate::bacpac::plan::{CharUtf8, TablePlan};

/// A package and its tables.
#[derive(Debug)]
pub struct BoundPackage {
    pub(super) package: Package,
    tables: Vec<TableData>,
}

/// A table of the model with its data, which may be none.
#[derive(Debug, Clone)]
pub struct TableData {
    /// What its rows are.
    pub plan: Arc<TablePlan>,
    /// Its parts, in order.
    pub parts: Vec<PartInfo>,
    /// Its big values: GUID in upper case → index of the entry.
    pub(super) blobs: Arc<HashMap<String, usize>>,
}

impl TableData {
    /// Bytes of its rows, before compression (big values of their own aside).
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.size).sum()
    }
}

/// A part of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartInfo {
    /// Name in the archive.
    pub name: String,
    /// Bytes in the archive.
    pub compressed: u64,
    /// Bytes of rows.
    pub size: u64,
    pub(super) entry: usize,
}

/// Finds the table of each part: by the relationships where they name it, else by the folder's name.
pub(super) fn bind(package: Package, plans: Vec<Arc<TablePlan>>) -> Result<BoundPackage> {
    let mut exact: HashMap<(&str, &str), usize> = HashMap::new();
    let mut folders: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, plan) in plans.iter().enumerate() {
        exact.insert((&plan.schema, &plan.table), i);
        folders.entry(folder_of(&plan.schema, &plan.table)).or_default().push(i);
    }
    // As people would write the folder, and without regard to case: only where the exact name says nothing.
    let mut loose: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, plan) in plans.iter().enumerate() {
        loose.entry(format!("{}.{}", plan.schema, plan.table).to_lowercase()).or_default().push(i);
    }
    let mut related: HashMap<&str, usize> = HashMap::new();
    for relation in package.relations.iter().flatten() {
        let (Some(schema), Some(table)) = (&relation.schema, &relation.table) else { continue };
        if let Some(i) = exact.get(&(schema.as_str(), table.as_str())) {
            related.insert(&relation.part, *i);
        }
    }
    let by_folder = |folder: &str, name: &str| -> Result<usize> {
        let candidates = folders
            .get(folder)
            .or_else(|| loose.get(&decoded(folder)?.to_lowercase()))
            .map(Vec::as_slice)
            .unwrap_or_default();
        match candidates {
            [one] => Ok(*one),
            [] => Err(PackageError::Unmapped(name.to_owned())),
            _ => Err(PackageError::Ambiguous(name.to_owned())),
        }
    };
    let mut parts: Vec<Vec<PartInfo>> = vec![Vec::new(); plans.len()];
    let mut owners: HashMap<&str, Vec<usize>> = HashMap::new();
    for Part { entry, folder, .. } in &package.parts {
        let found = &package.entries[*entry];
        let named = related.get(found.name.as_str()).copied();
        let owner = match named {
            // The relationship settles a folder that two tables share; it does not overrule a folder's name.
            Some(i) if *folder == folder_of(&plans[i].schema, &plans[i].table) => i,
            _ => by_folder(folder, &found.name)?,
        };
        if plans[owner].columns.is_empty() {
            return Err(PackageError::Unmapped(found.name.clone()));
        }
        let known = owners.entry(folder).or_default();
        if !known.contains(&owner) {
            known.push(owner);
        }
        parts[owner].push(PartInfo {
            name: found.name.clone(),
            compressed: found.compressed,
            size: found.size,
            entry: *entry,
        });
    }
    let mut blobs: Vec<HashMap<String, usize>> = vec![HashMap::new(); plans.len()];
    for blob in &package.blobs {
        let name = &package.entries[blob.entry].name;
        let found = match owners.get(blob.folder.as_str()).map(Vec::as_slice) {
            Some(owners) => owners.to_vec(),
            None => vec![by_folder(&blob.folder, name)?],
        };
        for owner in found {
            if blobs[owner].insert(blob.guid.clone(), blob.entry).is_some() {
                return Err(PackageError::Duplicate(name.clone()));
            }
        }
    }
    let tables = plans
        .into_iter()
        .zip(parts)
        .zip(blobs)
        .map(|((plan, parts), blobs)| TableData { plan, parts, blobs: Arc::new(blobs) })
        .collect();
    Ok(BoundPackage { package, tables })
}

impl BoundPackage {
    /// Opens a package, reads its model and puts the data to the model's tables, all in one.
    pub fn open(source: impl Source + 'static, limits: Limits) -> Result<(BoundPackage, Model)> {
        let package = Package::open(source, limits)?;
        let xml = package.model_xml()?;
        let limits = model::Limits::of_bytes(limits.model_xml);
        let model = Model::read(xml.as_slice(), limits)?;
        Ok((package.bind_model(&model)?, model))
    }

    /// The package itself: origin, metadata, entries, notes.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// Every table of the model, with or without rows, in the model's order.
    pub fn tables(&self) -> &[TableData] {
        &self.tables
    }

    /// The table of this name: exactly, else without regard to case if that is one table.
    pub fn table(&self, schema: &str, table: &str) -> Result<&TableData> {
        if let Some(found) = self.tables.iter().find(|t| t.plan.schema == schema && t.plan.table == table) {
            return Ok(found);
        }
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let mut loose = self.tables.iter().filter(|t| same(&t.plan.schema, schema) && same(&t.plan.table, table));
        match (loose.next(), loose.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(PackageError::NoTable(format!("{schema}.{table}"))),
        }
    }

    /// Every row of a table, part after part, into `sink`. Gives the number of rows.
    pub fn read_table<S>(&self, table: &TableData, sink: &mut S) -> std::result::Result<u64, S::Error>
    where
        S: RowSink,
        S::Error: From<PackageError>,
    {
        let mut reader = self.package.reader()?;
        let mut rows = 0;
        for part in &table.parts {
            rows += self.read_part_with(&mut reader, table, part, sink)?;
        }
        Ok(rows)
    }

    /// Every row of one part into `sink`; parts may be read side by side. Gives the number of rows.
    pub fn read_part<S>(&self, table: &TableData, part: &PartInfo, sink: &mut S) -> std::result::Result<u64, S::Error>
    where
        S: RowSink,
        S::Error: From<PackageError>,
    {
        self.read_part_with(&mut self.package.reader()?, table, part, sink)
    }

    /// The bytes of one part's rows, block by block, as a bulk load takes them: as they lie in the archive, or, where
    /// the archive has another form of them (big values of their own, a char under a UTF-8 collation), written anew.
    pub fn part_bytes<E>(
        &self,
        table: &TableData,
        part: &PartInfo,
        mut give: impl FnMut(&[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E>
    where
        E: From<PackageError> + From<BcpError>,
    {
        if table.blobs.is_empty() && !table.plan.has_utf8_char() {
            return self.package.reader()?.each_block(&self.package.entries[part.entry], give);
        }
        let mut anew = Anew { encoder: Encoder::new(table.plan.clone()), spare: Vec::new(), give: &mut give };
        self.read_part(table, part, &mut anew)?;
        anew.rows(1)
    }

    pub(super) fn read_part_with<S>(
        &self,
        reader: &mut EntryReader,
        table: &TableData,
        part: &PartInfo,
        sink: &mut S,
    ) -> std::result::Result<u64, S::Error>
    where
        S: RowSink,
        S::Error: From<PackageError>,
    {
        let reading = self.char_utf8(reader, table, part)?;
        let entry = &self.package.entries[part.entry];
        let mut decoder = Decoder::with_char_utf8(table.plan.clone(), part.name.as_str(), reading);
        if table.blobs.is_empty() {
            reader.each_block(entry, |block| decoder.feed(block, sink))?;
        } else {
            let mut sink = Blobs::new(&self.package, table, sink)?;
            reader.each_block(entry, |block| decoder.feed(block, &mut sink))?;
        }
        Ok(decoder.finish()?)
    }

    /// How a NOT NULL char of a UTF-8 collation stands in this part: the reading that comes out at the last byte. If
    /// both do, nothing says which rows are the right ones.
    fn char_utf8(&self, reader: &mut EntryReader, table: &TableData, part: &PartInfo) -> Result<CharUtf8> {
        if !table.plan.has_utf8_char() || part.size == 0 {
            return Ok(CharUtf8::default());
        }
        let entry = &self.package.entries[part.entry];
        let mut ends: [std::result::Result<u64, BcpError>; 2] = [Ok(0), Ok(0)];
        let readings = [CharUtf8::Bare, CharUtf8::Prefixed];
        for (reading, end) in readings.into_iter().zip(&mut ends) {
            let mut decoder = Decoder::with_char_utf8(table.plan.clone(), part.name.as_str(), reading);
            let result = reader
                .each_block(entry, |block| decoder.feed(block, &mut CountRows::default()).map_err(PackageError::Rows));
            *end = match result {
                Ok(()) => decoder.finish(),
                Err(PackageError::Rows(error)) => Err(error),
                Err(error) => return Err(error),
            };
        }
        match ends {
            [Ok(_), Ok(_)] => Err(PackageError::CharUtf8(part.name.clone())),
            [_, Ok(_)] => Ok(CharUtf8::Prefixed),
            // Neither: the usual reading reports what is wrong.
            _ => Ok(CharUtf8::Bare),
        }
    }
}

/// Writes rows anew and gives their bytes on.
struct Anew<'a, G> {
    encoder: Encoder,
    spare: Vec<u8>,
    give: &'a mut G,
}

impl<E, G: FnMut(&[u8]) -> std::result::Result<(), E>> Anew<'_, G> {
    /// Gives the whole rows on once there are so many bytes.
    fn rows(&mut self, at_least: usize) -> std::result::Result<(), E> {
        if self.encoder.bytes().len() < at_least {
            return Ok(());
        }
        self.spare = self.encoder.take(std::mem::take(&mut self.spare));
        (self.give)(&self.spare)
    }
}

/// Bytes gathered before they are given on.
const GATHERED: usize = 256 * 1024;

impl<E, G> RowSink for Anew<'_, G>
where
    E: From<PackageError> + From<BcpError>,
    G: FnMut(&[u8]) -> std::result::Result<(), E>,
{
    type Error = E;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> std::result::Result<(), E> {
        Ok(self.encoder.cell(column, cell)?)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> std::result::Result<(), E> {
        Ok(self.encoder.lob_start(column, kind, length)?)
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> std::result::Result<(), E> {
        self.encoder.lob_piece(column, piece)?;
        if self.encoder.bytes().len() >= GATHERED {
            self.spare = self.encoder.take_open(std::mem::take(&mut self.spare))?;
            (self.give)(&self.spare)?;
        }
        Ok(())
    }

    fn lob_end(&mut self, column: usize) -> std::result::Result<(), E> {
        Ok(self.encoder.lob_end(column)?)
    }

    fn row_end(&mut self) -> std::result::Result<(), E> {
        self.encoder.row_end()?;
        self.rows(GATHERED)
    }
}
