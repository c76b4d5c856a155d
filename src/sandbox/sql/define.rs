//! Definitions: handed to the catalogue, with what it asks about rows answered here.

use super::error::{self, SqlResult};
use super::run::Out;
use super::session::SqlSession;
use super::statement::Statement;
use super::tokens::Tokens;

use crate::sandbox::value::{SqlType, Value};

impl SqlSession {
    /// A definition.
    pub fn definition(&mut self, t: &Tokens, s: &Statement, _out: &mut Out<'_>) -> SqlResult<()> {
        Err(error::unsupported(&t.word(s.from)))
    }

    /// A procedure of the system; `None` if there is none of that name.
    pub fn system_procedure(
        &mut self,
        _parts: &[String],
        _arguments: &[(String, Value, SqlType)],
        _out: &mut Out<'_>,
    ) -> SqlResult<Option<i32>> {
        Ok(None)
    }
}
