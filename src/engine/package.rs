//! A package as the engine opens it: from a store or a path, with its model, its rows found; what it says of itself.
//! Everything here blocks.

use std::collections::BTreeMap;

use super::catalog::Stores;
use super::command::PackageSource;
use super::event::{Failure, FailureKind};
use super::query::{PackageDetails, PackageTable, RowsPage};
use crate::bacpac::bcp::{BcpError, Cell, CountRows, LobKind, RowSink};
use crate::bacpac::model::{self, Document, Model};
use crate::bacpac::package::{BoundPackage, Limits, Package, PackageError, Source, TableData};
use crate::bacpac::shown::{self, Utf16Text};
use crate::store::manifest::Manifest;
use crate::store::{Beside, FileSource};

/// Rows are counted by decoding for the details of a package of at most so many bytes of rows.
const COUNTED_AT_ONCE: u64 = 64 << 20;
/// A cell of a page is cut after so many characters.
const CELL: usize = 4096;

/// Where a package is, found and not read yet.
pub struct Located {
    /// What it is called in messages.
    pub label: String,
    /// Its bytes.
    pub source: Box<dyn Source>,
    /// The manifest beside it.
    pub manifest: Option<Box<Manifest>>,
}

/// A package with its model and its rows.
pub struct Opened {
    /// What it is called in messages.
    pub label: String,
    /// The model, as read.
    pub document: Document,
    /// The model, typed.
    pub model: Model,
    /// The package, its parts put to its tables.
    pub package: BoundPackage,
    /// The manifest beside it.
    pub manifest: Option<Box<Manifest>>,
}

/// Find a package. Stores are needed for a backup only.
pub fn locate(stores: Option<&Stores>, source: &PackageSource) -> Result<Located, Failure> {
    match source {
        PackageSource::Backup(backup) => {
            let Some(stores) = stores else {
                return Err(Failure::new(format!("{} is a backup of a store, and there are none", backup.file)));
            };
            let store = stores.get(&backup.store)?;
            let manifest = match store.stat(&backup.file)?.manifest {
                Beside::Manifest(manifest) => Some(manifest),
                Beside::Nothing | Beside::Unreadable(_) => None,
            };
            Ok(Located { label: backup.file.clone(), source: store.open(&backup.file)?, manifest })
        }
        PackageSource::File { path } => {
            let source = FileSource::open(path).map_err(|e| {
                let failure = Failure::new(format!("cannot open {path}")).because(&e);
                match e.kind() {
                    std::io::ErrorKind::NotFound => failure.kind(FailureKind::Request),
                    _ => failure,
                }
            })?;
            Ok(Located { label: path.clone(), source: Box::new(source), manifest: None })
        }
    }
}

/// A package error as an operator reads it.
pub fn failure(label: &str, error: &PackageError) -> Failure {
    let kind = match error {
        PackageError::Read(_) | PackageError::Write(_) | PackageError::Cancelled => FailureKind::Other,
        PackageError::NoTable(_) => FailureKind::Request,
        _ => FailureKind::Damaged,
    };
    let hint = match error {
        PackageError::NoTable(_) => Some(format!("pacrat inspect {label} lists the tables")),
        PackageError::OldDataStream(_) | PackageError::DataStream(_) => {
            Some("export the database again with a newer tool".to_owned())
        }
        _ if kind == FailureKind::Damaged => Some("take another backup; nothing was read from this one".to_owned()),
        _ => None,
    };
    let mut failure = Failure::new(format!("{label}: {error}")).kind(kind).retryable(error.can_retry());
    if let Some(source) = std::error::Error::source(error) {
        failure = failure.because(source);
    }
    failure.hint = hint;
    failure
}

/// Read a package's model and find its rows.
pub fn open(located: Located) -> Result<Opened, Failure> {
    let Located { label, source, manifest } = located;
    let broken = |e: PackageError| failure(&label, &e);
    let package = Package::open(source, Limits::default()).map_err(broken)?;
    let xml = package.model_xml().map_err(broken)?;
    let unreadable = |e: &(dyn std::error::Error + 'static)| {
        Failure::new(format!("{label}: its model cannot be read")).because(e).kind(FailureKind::Damaged)
    };
    let document = model::read(xml.as_slice(), model::Limits::default()).map_err(|e| unreadable(&e))?;
    drop(xml);
    let model = Model::from_document(&document).map_err(|e| unreadable(&e))?;
    let (mut plans, mut unplanned) = (Vec::new(), Vec::new());
    for (_, plan) in model.table_plans() {
        match plan {
            Ok(plan) => plans.push(plan),
            Err(e) => unplanned.push(e),
        }
    }
    // A table whose rows cannot be read is no harm unless it has some: then its parts belong to no plan.
    let package =
        package.bind(plans).map_err(|e| unplanned.iter().fold(failure(&label, &e), |f, why| f.because(why)))?;
    Ok(Opened { label, document, model, package, manifest })
}

/// What a package says of itself.
pub fn details(stores: Option<&Stores>, source: &PackageSource) -> Result<PackageDetails, Failure> {
    let located = locate(stores, source)?;
    let unreadable = |e: std::io::Error| Failure::new(format!("cannot read {}", located.label)).because(&e);
    let size = located.source.size().map_err(unreadable)?;
    let opened = open(located)?;
    let package = opened.package.package();
    let origin = package.origin();
    let mut objects: BTreeMap<String, u64> = BTreeMap::new();
    for element in &opened.document.elements {
        let kind = element.kind.strip_prefix("Sql").unwrap_or(&element.kind);
        *objects.entry(kind.to_owned()).or_default() += 1;
    }
    let total: u64 = opened.package.tables().iter().map(TableData::bytes).sum();
    let mut tables = Vec::new();
    for table in opened.package.tables() {
        tables.push(PackageTable {
            schema: table.plan.schema.clone(),
            table: table.plan.table.clone(),
            rows: rows_of(&opened, table, total)?,
            bytes: table.bytes(),
            columns: u32::try_from(table.plan.columns.len()).unwrap_or(u32::MAX),
            parts: u32::try_from(table.parts.len()).unwrap_or(u32::MAX),
        });
    }
    tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
    let writer = [origin.product_name.as_deref(), origin.product_version.as_deref()];
    Ok(PackageDetails {
        name: package.metadata().name.clone().unwrap_or_default(),
        server_version: origin
            .server_version
            .as_deref()
            .and_then(|v| v.lines().map(str::trim).find(|l| !l.is_empty()))
            .map(str::to_owned),
        writer: writer.into_iter().flatten().map(str::trim).collect::<Vec<_>>().join(" "),
        exported: origin.start.clone(),
        platform: platform(&opened.model),
        objects: objects.into_iter().collect(),
        tables,
        size,
    })
}

/// `Sql150` of `Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider`.
fn platform(model: &Model) -> String {
    let last = model.header.dsp_name.rsplit('.').next().unwrap_or_default();
    last.strip_suffix("DatabaseSchemaProvider").unwrap_or(last).to_owned()
}

/// Rows as the manifest has them, or counted where that is quick.
fn rows_of(opened: &Opened, table: &TableData, total: u64) -> Result<Option<u64>, Failure> {
    if table.parts.is_empty() {
        return Ok(Some(0));
    }
    if let Some(manifest) = &opened.manifest {
        let entry = manifest.tables.iter().find(|t| t.schema == table.plan.schema && t.table == table.plan.table);
        return Ok(entry.map(|e| e.rows));
    }
    if total > COUNTED_AT_ONCE {
        return Ok(None);
    }
    let counted = opened.package.read_table(table, &mut Counting(CountRows::default()));
    counted.map(Some).map_err(|e| failure(&opened.label, &e))
}

/// Counts, with the package's own error.
struct Counting(CountRows);

impl RowSink for Counting {
    type Error = PackageError;

    fn cell(&mut self, _column: usize, _cell: Cell<'_>) -> Result<(), PackageError> {
        Ok(())
    }

    fn lob_start(&mut self, _column: usize, _kind: LobKind, _length: Option<u64>) -> Result<(), PackageError> {
        Ok(())
    }

    fn lob_piece(&mut self, _column: usize, _piece: &[u8]) -> Result<(), PackageError> {
        Ok(())
    }

    fn lob_end(&mut self, _column: usize) -> Result<(), PackageError> {
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), PackageError> {
        self.0.rows += 1;
        Ok(())
    }
}

/// The table of a package by `schema.table`, raw names.
pub fn table<'a>(opened: &'a Opened, name: &str) -> Result<&'a TableData, Failure> {
    // A dot can stand in either name: every place to cut is tried.
    let cuts = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let found = cuts.filter_map(|(schema, table)| opened.package.table(schema, table).ok()).next();
    found.ok_or_else(|| failure(&opened.label, &PackageError::NoTable(name.to_owned())))
}

/// Some rows of a table as text.
pub fn rows(
    stores: Option<&Stores>,
    source: &PackageSource,
    name: &str,
    offset: u64,
    limit: usize,
) -> Result<RowsPage, Failure> {
    let opened = open(locate(stores, source)?)?;
    let table = table(&opened, name)?;
    let columns = table.plan.columns.iter().map(|c| c.name.clone()).collect();
    let mut page = Page { table, skip: offset, limit, rows: Vec::new(), row: Vec::new(), text: Utf16Text::default() };
    match opened.package.read_table(table, &mut page) {
        Ok(_) => Ok(RowsPage { columns, rows: page.rows, offset, more: false }),
        Err(Enough::Full) => Ok(RowsPage { columns, rows: page.rows, offset, more: true }),
        Err(Enough::Broken(e)) => Err(failure(&opened.label, &e)),
    }
}

/// Why reading stops before the table's end.
enum Enough {
    /// The page is full.
    Full,
    Broken(PackageError),
}

impl From<PackageError> for Enough {
    fn from(error: PackageError) -> Self {
        Self::Broken(error)
    }
}

impl From<BcpError> for Enough {
    fn from(error: BcpError) -> Self {
        Self::Broken(error.into())
    }
}

/// Gathers the rows of a page; large values are cut.
struct Page<'a> {
    table: &'a TableData,
    skip: u64,
    limit: usize,
    rows: Vec<Vec<Option<String>>>,
    row: Vec<Option<String>>,
    text: Utf16Text,
}

impl Page<'_> {
    fn check(&self) -> Result<(), Enough> {
        // At the first cell of the row after the last one: there are more.
        if self.skip == 0 && self.rows.len() >= self.limit { Err(Enough::Full) } else { Ok(()) }
    }
}

/// Cut after [`CELL`] characters, visibly.
fn cut(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(CELL) {
        text.truncate(at);
        text.push('…');
    }
}

impl RowSink for Page<'_> {
    type Error = Enough;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Enough> {
        self.check()?;
        if self.skip > 0 {
            return Ok(());
        }
        let mut text = String::new();
        let shown = self.table.plan.columns.get(column).and_then(|c| shown::show(&mut text, c, cell));
        cut(&mut text);
        self.row.push(shown.map(|_| text));
        Ok(())
    }

    fn lob_start(&mut self, _column: usize, kind: LobKind, _length: Option<u64>) -> Result<(), Enough> {
        self.check()?;
        if self.skip == 0 {
            self.text = Utf16Text::default();
            self.row.push(Some(if kind == LobKind::Binary { "0x".into() } else { String::new() }));
        }
        Ok(())
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), Enough> {
        let Some(Some(text)) = self.row.last_mut() else { return Ok(()) };
        // Four bytes a character at most: what is longer is cut anyway.
        if text.len() > 4 * CELL {
            return Ok(());
        }
        let piece = &piece[..piece.len().min(2 * CELL + 2)];
        match self.table.plan.columns.get(column) {
            Some(c) if c.ty.is_text() => self.text.push(text, piece),
            _ => shown::hex(text, piece),
        }
        Ok(())
    }

    fn lob_end(&mut self, _column: usize) -> Result<(), Enough> {
        if let Some(Some(text)) = self.row.last_mut() {
            self.text.finish(text);
            cut(text);
        }
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), Enough> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}
