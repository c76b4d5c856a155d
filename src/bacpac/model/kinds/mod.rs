//! The typed kinds of element: what the catalogue reader makes, what the script and the column plans are made from.

mod column;
mod constraint;
mod database;
mod index;
mod module;
mod other;
mod security;
mod table;

pub use column::*;
pub use constraint::*;
pub use database::*;
pub use index::*;
pub use module::*;
pub use other::*;
pub use security::*;
pub use table::*;
