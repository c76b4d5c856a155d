//! The sandbox's wire, seen from outside: by a raw client that knows bytes only, by tiberius and by mssql-tds, over an
//! engine of the tests' own.

mod client;
mod drivers;
mod engine;
mod facts;
mod faults;
mod hostile;
mod rows;
mod whole;
