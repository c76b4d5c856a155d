//! The engine of the sandbox: T-SQL in, rows out. The wire is not its business, nor is the catalogue's content.

pub mod convert;
pub mod error;
pub mod moment;
pub mod number;
pub mod statement;
pub mod text;
pub mod tokens;
pub mod types;
