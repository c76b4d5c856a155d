//! Proof that a package is whole: every entry read and its CRC right, the model's checksum, and (deeper) every row
//! decoded to the last byte of its part and the counts as expected. Several parts at once, each on its own thread.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::entry::EntryReader;
use super::{BoundPackage, PackageError, Result};
use crate::bacpac::bcp::{Cell, LobKind, RowSink};

/// How much is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// Every byte of the archive read, every CRC right, the model's checksum too.
    Archive,
    /// Every row decoded as well, and counted.
    #[default]
    Rows,
}

/// Rows that a table must have, from a manifest or from what was just written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRows {
    /// Raw schema name.
    pub schema: String,
    /// Raw table name.
    pub table: String,
    /// How many.
    pub rows: u64,
}

/// What to prove.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// How deep.
    pub depth: Depth,
    /// Parts at once; 0 is taken for 1.
    pub threads: usize,
    /// If given: exactly these tables have rows, and so many (checked at [`Depth::Rows`]).
    pub expected: Option<Vec<ExpectedRows>>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        VerifyOptions { depth: Depth::Rows, threads: 1, expected: None }
    }
}

/// Watches a verification, from several threads at once.
pub trait Verifying: Sync {
    /// So many more bytes (uncompressed) and rows of this entry were checked.
    fn checked(&self, entry: &str, bytes: u64, rows: u64);

    /// Asked for each block: `true` ends the verification with [`PackageError::Cancelled`].
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Verifying for Quiet {
    fn checked(&self, _entry: &str, _bytes: u64, _rows: u64) {}
}

/// What was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How deep.
    pub depth: Depth,
    /// Entries read.
    pub entries: usize,
    /// Uncompressed bytes of all entries.
    pub bytes: u64,
    /// Tables that have parts, in the model's order. Rows are 0 at [`Depth::Archive`], where none are counted.
    pub tables: Vec<TableReport>,
    /// What is odd and no error.
    pub notes: Vec<String>,
}

/// A table of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// Raw schema name.
    pub schema: String,
    /// Raw table name.
    pub table: String,
    /// Rows counted.
    pub rows: u64,
    /// Bytes of its parts, uncompressed.
    pub bytes: u64,
    /// Number of its parts.
    pub parts: usize,
}

/// One thread's piece of work: an entry, with its table and part where it holds rows.
struct Task {
    entry: usize,
    part: Option<(usize, usize)>,
}

/// Counts rows and lets the watcher know, and stop it.
struct Watched<'a> {
    watcher: &'a dyn Verifying,
    entry: &'a str,
    rows: u64,
    told: u64,
}

impl RowSink for Watched<'_> {
    type Error = PackageError;

    #[inline]
    fn cell(&mut self, _column: usize, _cell: Cell<'_>) -> Result<()> {
        Ok(())
    }

    fn lob_start(&mut self, _column: usize, _kind: LobKind, _length: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn lob_piece(&mut self, _column: usize, _piece: &[u8]) -> Result<()> {
        if self.watcher.cancelled() { Err(PackageError::Cancelled) } else { Ok(()) }
    }

    fn lob_end(&mut self, _column: usize) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn row_end(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows.is_multiple_of(4096) {
            self.tell(0)?;
        }
        Ok(())
    }
}

impl Watched<'_> {
    fn tell(&mut self, bytes: u64) -> Result<()> {
        self.watcher.checked(self.entry, bytes, self.rows - self.told);
        self.told = self.rows;
        if self.watcher.cancelled() { Err(PackageError::Cancelled) } else { Ok(()) }
    }
}

impl BoundPackage {
    /// Proves the package, or says by name what is wrong with it. The first error ends the work.
    pub fn verify(&self, options: &VerifyOptions, watcher: &dyn Verifying) -> Result<Report> {
        // Its checksum first: with another model every further answer would be about another table.
        self.package.model_xml()?;
        let entries = self.package.entries();
        let mut parts: HashMap<usize, (usize, usize)> = HashMap::new();
        for (t, table) in self.tables().iter().enumerate() {
            for (p, part) in table.parts.iter().enumerate() {
                parts.insert(part.entry, (t, p));
            }
        }
        let mut tasks: Vec<Task> = (0..entries.len())
            .map(|entry| Task { entry, part: parts.get(&entry).copied().filter(|_| options.depth == Depth::Rows) })
            .collect();
        // The largest first, so that no thread is left alone with it at the end.
        tasks.sort_by_key(|task| std::cmp::Reverse(entries[task.entry].size));
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let outcome: Mutex<(Vec<u64>, Option<PackageError>)> = Mutex::new((vec![0; self.tables().len()], None));
        let work = || -> Result<()> {
            let mut reader = self.package.reader()?;
            while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if watcher.cancelled() {
                    return Err(PackageError::Cancelled);
                }
                let rows = self.verify_entry(&mut reader, task, watcher)?;
                if let (Some((table, _)), Ok(mut outcome)) = (task.part, outcome.lock()) {
                    outcome.0[table] += rows;
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..options.threads.clamp(1, tasks.len().max(1)) {
                scope.spawn(|| {
                    if let Err(error) = work() {
                        stop.store(true, Ordering::Relaxed);
                        if let Ok(mut outcome) = outcome.lock() {
                            outcome.1.get_or_insert(error);
                        }
                    }
                });
            }
        });
        let (rows, error) = outcome.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(error) = error {
            return Err(error);
        }
        let tables: Vec<TableReport> = self
            .tables()
            .iter()
            .zip(rows)
            .filter(|(table, _)| !table.parts.is_empty())
            .map(|(table, rows)| TableReport {
                schema: table.plan.schema.clone(),
                table: table.plan.table.clone(),
                rows,
                bytes: table.bytes(),
                parts: table.parts.len(),
            })
            .collect();
        if let (Depth::Rows, Some(expected)) = (options.depth, &options.expected) {
            self.compare(&tables, expected)?;
        }
        Ok(Report {
            depth: options.depth,
            entries: entries.len(),
            bytes: entries.iter().map(|e| e.size).sum(),
            tables,
            notes: self.package.notes().to_vec(),
        })
    }

    fn verify_entry(&self, reader: &mut EntryReader, task: &Task, watcher: &dyn Verifying) -> Result<u64> {
        let entry = &self.package.entries()[task.entry];
        let mut watched = Watched { watcher, entry: &entry.name, rows: 0, told: 0 };
        match task.part {
            Some((t, p)) => {
                let table = &self.tables()[t];
                self.read_part_with(reader, table, &table.parts[p], &mut watched)?;
                watched.tell(entry.size)?;
            }
            None if entry.name.ends_with('/') => {}
            None => reader.each_block(entry, |block| watched.tell(block.len() as u64))?,
        }
        Ok(watched.rows)
    }

    fn compare(&self, found: &[TableReport], expected: &[ExpectedRows]) -> Result<()> {
        let mut counted: HashMap<(&str, &str), u64> =
            found.iter().map(|t| ((t.schema.as_str(), t.table.as_str()), t.rows)).collect();
        for want in expected {
            let name = format!("{}.{}", want.schema, want.table);
            let key = (want.schema.as_str(), want.table.as_str());
            if !self.tables().iter().any(|t| (t.plan.schema.as_str(), t.plan.table.as_str()) == key) {
                return Err(PackageError::ExpectedTable(name));
            }
            let found = counted.remove(&key).unwrap_or(0);
            if found != want.rows {
                return Err(PackageError::RowCount { table: name, expected: want.rows, found });
            }
        }
        match counted.into_iter().find(|(_, rows)| *rows > 0) {
            Some(((schema, table), _)) => Err(PackageError::UnexpectedTable(format!("{schema}.{table}"))),
            None => Ok(()),
        }
    }
}
