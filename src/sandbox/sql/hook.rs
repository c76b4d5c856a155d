//! What the catalogue lends the engine: views of metadata, functions about it, and the execution of definitions.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::sandbox::session::ResultColumn;
use crate::sandbox::storage::Stop;
use crate::sandbox::value::{SqlType, Value};

use super::error::SqlResult;
use super::session::SqlSession;

/// Gives the rows of a catalogue view for a database, in the order of its columns, to a taker until it stops. Columns
/// that nobody reads are NULL: a database of twenty thousand tables has a million of columns.
pub type Rows = Arc<dyn Fn(&SqlSession, i32, &[bool], &mut Taker<'_>) -> SqlResult<()> + Send + Sync>;

/// Takes a row.
pub type Taker<'t> = dyn FnMut(&[Value]) -> SqlResult<Stop> + 't;

/// A view of metadata.
#[derive(Clone)]
pub struct VirtualTable {
    /// Its columns; bit 1 of the flags says nullable.
    pub columns: Arc<Vec<ResultColumn>>,
    /// Its rows.
    pub rows: Rows,
    /// Which columns somebody reads.
    pub used: Rc<RefCell<Vec<bool>>>,
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
