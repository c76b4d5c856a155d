//! The bacpac format (a data-tier application export): the package, the model inside it, its rows, its T-SQL script.
//!
//! Invariant: nothing here names tokio, tiberius or a path of the file system; readers take `Read + Seek` or byte
//! slices, writers take `Write`.
