//! Big values that lie in entries of their own: a varbinary(max) cell of the 47 bytes `!BIN_FILE!:<GUID>` stands for
//! the content of `BlobData-<GUID>.BIN` beside the part, if that entry exists; otherwise it is what it is. One entry
//! stands for one value: a small file in which it stood for millions would never be read to its end.

use std::collections::HashSet;

use super::entry::EntryReader;
use super::{Package, PackageError, Result, TableData};
use crate::bacpac::bcp::{BcpError, Cell, LobKind, RowSink};
use crate::bacpac::plan::BcpType;

const MARKER: &[u8] = b"!BIN_FILE!:";
const GUID: usize = 36;

/// Passes rows on and puts big values in the place of their markers.
pub(super) struct Blobs<'a, S> {
    package: &'a Package,
    table: &'a TableData,
    sink: &'a mut S,
    reader: EntryReader,
    /// Entries that stood for a value already.
    used: HashSet<usize>,
}

impl<'a, S> Blobs<'a, S> {
    pub(super) fn new(package: &'a Package, table: &'a TableData, sink: &'a mut S) -> Result<Self> {
        Ok(Blobs { package, table, sink, reader: package.reader()?, used: HashSet::new() })
    }

    /// The entry a marker names.
    fn entry(&self, column: usize, bytes: &[u8]) -> Option<usize> {
        let guid = bytes.strip_prefix(MARKER).filter(|guid| guid.len() == GUID)?;
        if self.table.plan.columns.get(column)?.ty != BcpType::VarBinaryMax {
            return None;
        }
        let guid = std::str::from_utf8(guid).ok()?.to_ascii_uppercase();
        self.table.blobs.get(&guid).copied()
    }
}

impl<S> RowSink for Blobs<'_, S>
where
    S: RowSink,
    S::Error: From<PackageError> + From<BcpError>,
{
    type Error = S::Error;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> std::result::Result<(), S::Error> {
        let Cell::Binary(bytes) = cell else { return self.sink.cell(column, cell) };
        let Some(entry) = self.entry(column, bytes) else { return self.sink.cell(column, cell) };
        // Assumption: every value has an entry of its own, as DacFx gives each a new GUID.
        if !self.used.insert(entry) {
            let name = &self.package.entries()[entry].name;
            return Err(PackageError::entry(name, "it is the value of more than one cell").into());
        }
        let entry = &self.package.entries()[entry];
        self.sink.lob_start(column, LobKind::Binary, Some(entry.size))?;
        let sink = &mut *self.sink;
        self.reader.each_block(entry, |block| sink.lob_piece(column, block))?;
        self.sink.lob_end(column)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> std::result::Result<(), S::Error> {
        self.sink.lob_start(column, kind, length)
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> std::result::Result<(), S::Error> {
        self.sink.lob_piece(column, piece)
    }

    fn lob_end(&mut self, column: usize) -> std::result::Result<(), S::Error> {
        self.sink.lob_end(column)
    }

    fn row_end(&mut self) -> std::result::Result<(), S::Error> {
        self.sink.row_end()
    }
}
