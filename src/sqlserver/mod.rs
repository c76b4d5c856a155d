//! The live server: tiberius for questions, mssql-tds for orders and rows, behind small traits.
//!
//! * [`target`]: where a server is and how to log in; [`connection_string`] makes one of an ADO.NET string.
//! * [`orders`]: the trait [`orders::Orders`] (questions and orders) and its answers; [`connect::open`] and
//!   [`connect::open_questions`] give one.
//! * [`rows`]: the traits [`rows::RowSource`] (rows out) and [`rows::RowLoader`] (rows in), both in BCP bytes;
//!   [`rows::RowConnection`] gives both.
//! * [`catalogue`]: a database as a model and as tables to read; [`admin`]: making, dropping, counting.
//! * [`preflight`]: what a server tells of a restore before it.
//! * [`error`]: what went wrong, who says so, whether trying again can help; [`remedy`]: cause and fix by number.
//! * [`quote`]: the one place where a name becomes SQL.
//!
//! Cancelling: every operation takes a `CancellationToken` and ends within two seconds of its cancellation. The driver
//! sends an attention and waits for the acknowledgement; where none comes in time, the connection is dropped, and the
//! server ends the request by itself. After a cancelled operation a connection may be dead: every later call then
//! answers [`error::SqlError::Lost`]; open a new one for the clean-up.

pub mod admin;
pub mod catalogue;
mod certificate;
pub mod code_page;
pub mod connect;
pub mod connection_string;
pub mod error;
mod field;
mod kept;
pub mod orders;
pub mod preflight;
pub mod quote;
pub mod remedy;
pub mod rows;
mod rows_in;
mod rows_out;
#[cfg(test)]
mod rows_tests;
pub mod target;
mod tds_error;
mod tds_large;
mod tds_rows;
mod tds_session;
mod tiberius_session;
mod variant;
