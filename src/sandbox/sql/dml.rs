//! INSERT, UPDATE, DELETE.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::{self, SqlResult};
use super::run::Out;
use super::select::Bound;
use super::session::SqlSession;
use super::statement::{Change, Insert};
use super::tokens::Tokens;

impl SqlSession {
    /// INSERT.
    pub fn insert(&mut self, _t: &Arc<Tokens>, _insert: &Insert, _out: &mut Out<'_>) -> SqlResult<u64> {
        Err(error::unsupported("INSERT"))
    }

    /// UPDATE.
    pub fn update(&mut self, _change: &Change, _out: &mut Out<'_>) -> SqlResult<u64> {
        Err(error::unsupported("UPDATE"))
    }

    /// DELETE.
    pub fn delete(&mut self, _change: &Change, _out: &mut Out<'_>) -> SqlResult<u64> {
        Err(error::unsupported("DELETE"))
    }

    /// SELECT … INTO.
    pub fn select_into(&mut self, _bound: Bound, _databases: BTreeSet<i32>) -> SqlResult<u64> {
        Err(error::unsupported("INTO"))
    }

    /// SET IDENTITY_INSERT.
    pub fn identity_insert(&mut self, _name: &[String], _on: bool) -> SqlResult<()> {
        Err(error::unsupported("IDENTITY_INSERT"))
    }
}
