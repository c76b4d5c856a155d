//! pacrat backs up SQL Server databases ("tenants") as `.bacpac` files, keeps them, restores them and proves
//! that the restore is good. One line a module; arrows point up this list only (a module may use those above it).
//!
//! `ARCHITECTURE.md` has the invariants; `tests/architecture.rs` holds them.

// The archive format: package, model, BCP rows, script. Knows no server, no clock, no async runtime.
pub mod bacpac;
// The command line: one file a command.
pub mod cli;
// The configuration file, layered: defaults < file < environment < flags.
pub mod config;
// Jobs: queue, worker pool, progress, journal.
pub mod engine;
// An embedded server that speaks TDS, for `pacrat demo` and for tests. Shares no code with `sqlserver`.
pub mod sandbox;
// The live server: connect, catalogue → model, rows out, rows in.
pub mod sqlserver;
// Where backups lie, their names and manifests.
pub mod store;
// The dashboard.
pub mod tui;
