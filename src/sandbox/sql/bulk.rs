//! INSERT BULK: the statement, the binding of the stream's columns to the target's, and the load.

use crate::sandbox::session::{Abandoned, BulkColumn, BulkEnd, Reply};

use super::error::{self, SqlResult};
use super::run::Out;
use super::session::SqlSession;
use super::statement::Statement;
use super::tokens::Tokens;

/// A load in progress.
#[derive(Debug)]
pub struct Load {}

impl SqlSession {
    /// INSERT BULK: checks what can be checked and waits for the stream.
    pub fn insert_bulk(&mut self, _t: &Tokens, _s: &Statement, _out: &mut Out<'_>) -> SqlResult<()> {
        Err(error::unsupported("INSERT BULK"))
    }

    /// The stream's columns.
    pub fn load_columns(&mut self, _columns: &[BulkColumn], _reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        Ok(false)
    }

    /// A row of the stream.
    pub fn load_row(&mut self, _body: &[u8], _reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        Ok(false)
    }

    /// The end of the stream.
    pub fn load_end(&mut self, _end: BulkEnd, _reply: &mut dyn Reply) -> Result<(), Abandoned> {
        Ok(())
    }
}
