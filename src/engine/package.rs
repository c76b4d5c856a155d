//! A package as the engine opens it: from a store or a path, with its model, its rows found; what it says of itself.
//! Everything here blocks.

use std::collections::BTreeMap;

use super::catalog::Stores;
use super::command::PackageSource;
use super::event::{Failure, FailureKind};
use super::query::{PackageDetails, PackageTable, PackageUser, RowsPage};
use crate::bacpac::bcp::{Cell, LobKind, RowSink};
use crate::bacpac::model::{Model, Object};
use crate::bacpac::package::{BoundPackage, Limits, PackageError, Source, TableData};
use crate::bacpac::rowtext::PageCell;
use crate::bacpac::script::login_of;
use crate::config::nearest;
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
    /// The model.
    pub model: Model,
    /// The package, its parts put to its tables.
    pub package: BoundPackage,
    /// The manifest beside it.
    pub manifest: Option<Box<Manifest>>,
    /// The file's size, where the source tells it.
    pub size: Option<u64>,
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
    let size = source.size().ok();
    let broken = |e: PackageError| failure(&label, &e);
    let (package, model) = BoundPackage::open(source, Limits::default()).map_err(broken)?;
    Ok(Opened { label, model, package, manifest, size })
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
    for object in &opened.model.objects {
        let kind = object.to_element().kind;
        *objects.entry(kind.strip_prefix("Sql").unwrap_or(&kind).to_owned()).or_default() += 1;
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
        users: users(&opened.model),
        size,
    })
}

fn users(model: &Model) -> Vec<PackageUser> {
    let user = |object: &Object| match object {
        Object::User(user) => Some(PackageUser { name: user.name.last().to_owned(), login: login_of(user) }),
        _ => None,
    };
    let mut users: Vec<PackageUser> = model.objects.iter().filter_map(user).collect();
    users.sort_by(|a, b| a.name.cmp(&b.name));
    users
}

/// `Sql150` of `Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider`.
pub fn platform(model: &Model) -> String {
    let last = model.header.dsp_name.rsplit('.').next().unwrap_or_default();
    last.strip_suffix("DatabaseSchemaProvider").unwrap_or(last).to_owned()
}

/// Rows by table (`schema.table`): as the manifest has them; without one, counted by decoding if `count` says so. None
/// where they are not known, and for a package that carries no rows at all (a dacpac).
pub fn row_counts(opened: &Opened, count: bool) -> Result<Option<BTreeMap<String, u64>>, Failure> {
    let package = opened.package.package();
    if package.origin().contains_data != Some(true) || (opened.manifest.is_none() && !count) {
        return Ok(None);
    }
    let mut rows = BTreeMap::new();
    for table in opened.package.tables() {
        let Some(found) = rows_of(opened, table, 0)? else { return Ok(None) };
        rows.insert(format!("{}.{}", table.plan.schema, table.plan.table), found);
    }
    Ok(Some(rows))
}

/// Rows as the manifest has them, or counted where that is quick.
pub(super) fn rows_of(opened: &Opened, table: &TableData, total: u64) -> Result<Option<u64>, Failure> {
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
    let mut rows = 0;
    for part in &table.parts {
        rows += opened.package.read_part(table, part, &mut Counting).map_err(|e| failure(&opened.label, &e))?;
    }
    Ok(Some(rows))
}

/// Looks at nothing: the rows are counted by whoever reads them.
struct Counting;

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
        Ok(())
    }
}

/// The table of a package by `schema.table`, raw names.
pub fn table<'a>(opened: &'a Opened, name: &str) -> Result<&'a TableData, Failure> {
    // A dot can stand in either name: every place to cut is tried.
    let cuts = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let found = cuts.filter_map(|(schema, table)| opened.package.table(schema, table).ok()).next();
    found.ok_or_else(|| {
        let missing = failure(&opened.label, &PackageError::NoTable(name.to_owned()));
        match like(opened, name) {
            Some(meant) => missing.hint(format!("there is {meant}; pacrat inspect {} lists the tables", opened.label)),
            None => missing,
        }
    })
}

/// The table that was meant: of that name in another schema or in other letters, or nearly of that name.
fn like(opened: &Opened, name: &str) -> Option<String> {
    let names: Vec<String> =
        opened.package.tables().iter().map(|t| format!("{}.{}", t.plan.schema, t.plan.table)).collect();
    let ends = |full: &&String| {
        full.eq_ignore_ascii_case(name) || full.split_once('.').is_some_and(|(_, own)| own.eq_ignore_ascii_case(name))
    };
    let found = names.iter().find(ends).map(String::as_str);
    found.or_else(|| nearest(name, names.iter().map(String::as_str))).map(str::to_owned)
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
    let page = opened.package.page(table, offset, limit, CELL).map_err(|e| failure(&opened.label, &e))?;
    let cell = |c: PageCell| c.text.map(|text| if c.cut { text + "…" } else { text });
    let rows = page.rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect();
    Ok(RowsPage { columns: page.columns, rows, offset, more: page.more })
}
