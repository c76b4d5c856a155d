//! What the catalogue lends the engine: views of metadata, functions about it, and the execution of definitions.

use std::sync::Arc;

use crate::sandbox::session::ResultColumn;
use crate::sandbox::value::{SqlType, Value};

use super::error::SqlResult;
use super::session::SqlSession;

/// The rows of a catalogue view for a database, in the order of its columns.
pub type Rows = Arc<dyn Fn(&SqlSession, i32) -> SqlResult<Vec<Vec<Value>>> + Send + Sync>;

/// A view of metadata.
#[derive(Clone)]
pub struct VirtualTable {
    /// Its columns; bit 1 of the flags says nullable.
    pub columns: Arc<Vec<ResultColumn>>,
    /// Its rows.
    pub rows: Rows,
}

impl std::fmt::Debug for VirtualTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VirtualTable({} columns)", self.columns.len())
    }
}

/// A function about metadata or the session.
#[derive(Clone, Copy)]
pub struct MetaFunction {
    /// Its type, given the database's collation.
    pub ty: fn(&SqlSession) -> SqlType,
    /// What it does.
    pub call: super::functions::Body,
}
