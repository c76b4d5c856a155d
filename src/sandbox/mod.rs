//! An embedded server that speaks TDS 7.4, for trying and for testing, not for keeping data.
//!
//! Invariant: it shares no code with `sqlserver`, so that a mistake about TDS or the catalogue cannot cancel itself out.

pub mod catalog_views;
pub mod collation;
pub mod ddl;
pub mod fault;
pub mod lend;
pub mod meta;
pub mod rowform;
pub mod server;
pub mod session;
pub mod sql;
mod start;
pub mod storage;
pub mod value;
pub mod variant;
pub mod wire;

pub use start::{LoginOptions, Sandbox, SandboxError, SandboxOptions, engine};
