//! The bacpac format (a data-tier application export): the package, the model inside it, its rows, its T-SQL script.
//!
//! Invariant: nothing here names tokio, tiberius or a path of the file system; readers take `Read + Seek` or byte
//! slices, writers take `Write`.

// Rows as bytes: the decoder and the encoder of the data stream 2.0.0.0.
pub mod bcp;
// The one text of rows that every reader agrees on, and its digest.
pub mod canonical;
// Two models compared object by object.
pub mod compare;
// The schema inside a package, and its text.
pub mod model;
// The archive: opened, checked, verified, written.
pub mod package;
// The one column plan that drives decoder, encoder, rows out and rows in.
pub mod plan;
// Rows for people: pages, CSV, JSON lines.
pub mod rowtext;
// Exact text of single values.
mod scalar;
// The model as T-SQL.
pub mod script;
