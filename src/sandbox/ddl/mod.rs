//! Definition statements: parsed by a parser of our own, executed on the catalogue, answered with the server's errors.
//!
//! What concerns rows (building indexes, checking constraints, rewriting columns) is asked of the storage through hooks.

pub mod ast;
pub mod error;
pub mod exec;
pub mod expression;
pub mod hooks;
pub mod lexer;
pub mod normal;
pub mod parse;
pub mod rights;

/// Says on stderr that a test needs what is not here.
#[cfg(test)]
pub(crate) fn skipped(test: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test} needs ../shared");
}
