//! The engine of the sandbox: T-SQL in, rows out. The wire is not its business, nor is the catalogue's content.
//!
//! A batch is cut into statements (`statement`), queries are parsed by `sqlparser`, bound (`bind`, `select`) to plans
//! (`plan`) and run (`run`); rows and keys lie in `storage`.

pub mod aggregate;
pub mod arithmetic;
pub mod bind;
pub mod bulk;
pub mod convert;
pub mod define;
pub mod dml;
pub mod engine;
pub mod error;
pub mod expr;
pub mod functions;
pub mod hook;
pub mod key;
pub mod module;
pub mod moment;
pub mod niladic;
pub mod number;
pub mod plan;
pub mod rpc;
pub mod run;
pub mod select;
pub mod session;
pub mod statement;
pub mod table;
#[cfg(test)]
pub mod tests;
#[cfg(test)]
mod tests_tables;
pub mod text;
pub mod tokens;
pub mod types;
mod wired;

pub use engine::{CatalogueHooks, Engine, EngineBackend};
pub use session::SqlSession;
