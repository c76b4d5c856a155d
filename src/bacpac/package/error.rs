//! What can be wrong with a package, by name.

use std::io;

use crate::bacpac::bcp::BcpError;
use crate::bacpac::plan::PlanError;

/// Why a package cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PackageError {
    #[error("cannot read the package")]
    Read(#[source] io::Error),
    #[error("cannot write the package")]
    Write(#[source] io::Error),
    #[error("not a zip archive, or its end is missing ({0}): the file is damaged or was cut off")]
    NotZip(String),
    #[error("the archive's directory is damaged: {0}")]
    Directory(String),
    #[error("entry {entry}: {reason}")]
    Entry { entry: String, reason: String },
    #[error("entry {entry}: the name is refused, it {reason}")]
    EntryName { entry: String, reason: &'static str },
    #[error("entry {0} stands twice in the archive")]
    Duplicate(String),
    #[error("entry {0} is encrypted")]
    Encrypted(String),
    #[error("entry {entry}: CRC-32 is {found:08x} where the directory says {expected:08x}: the entry is damaged")]
    Crc { entry: String, expected: u32, found: u32 },
    #[error("entry {entry}: the compressed data is damaged: {reason}")]
    Inflate { entry: String, reason: String },
    #[error("{what} is {found}, above the limit of {limit}: refused as a bomb")]
    Limit { what: String, found: String, limit: String },
    #[error("{0} is missing from the package")]
    Missing(&'static str),
    #[error("{entry} is not readable XML: {reason}")]
    Xml { entry: String, reason: String },
    #[error("model.xml is damaged: its SHA-256 is {found} where Origin.xml says {expected}")]
    ModelChecksum { expected: String, found: String },
    #[error("{0} has table data in the old JSON form (data stream 1), which is not supported")]
    OldDataStream(String),
    #[error("the data stream has version {0}; only 2.0.0.0 is known")]
    DataStream(String),
    #[error("data entry {0} belongs to no table of the model")]
    Unmapped(String),
    #[error("data entry {0} could belong to more than one table")]
    Ambiguous(String),
    #[error("part {0} is missing: _rels/.rels names it and the archive does not have it")]
    MissingPart(String),
    #[error("part {0} is extra: _rels/.rels does not name it")]
    ExtraPart(String),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Rows(#[from] BcpError),
    #[error("part {0} can be read in two ways (char under a UTF-8 collation) with different rows")]
    CharUtf8(String),
    #[error("table {table} has {found} rows where {expected} are expected")]
    RowCount { table: String, expected: u64, found: u64 },
    #[error("table {0} is expected and the package has no such table")]
    ExpectedTable(String),
    #[error("table {0} has rows and is not among the expected tables")]
    UnexpectedTable(String),
    #[error("no table {0} in the package")]
    NoTable(String),
    #[error(transparent)]
    Model(#[from] crate::bacpac::model::ModelError),
    #[error("the package's writer was used out of turn: {0}")]
    Turn(&'static str),
    #[error("cancelled")]
    Cancelled,
}

impl PackageError {
    /// Trying again can help: the bytes could not be had, rather than being wrong.
    pub fn can_retry(&self) -> bool {
        matches!(self, PackageError::Read(_) | PackageError::Write(_))
    }

    pub(super) fn entry(entry: &str, reason: impl Into<String>) -> Self {
        PackageError::Entry { entry: entry.to_owned(), reason: reason.into() }
    }

    pub(super) fn limit(what: impl Into<String>, found: impl ToString, limit: impl ToString) -> Self {
        PackageError::Limit { what: what.into(), found: found.to_string(), limit: limit.to_string() }
    }
}
