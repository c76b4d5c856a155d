//! Rows as bytes: the data stream 2.0.0.0 of a bacpac, decoded and encoded.
//!
//! The stream has no header and no row marks: a row is its columns in the plan's order, little-endian except
//! rowversion. Everything that receives rows implements [`RowSink`]: the encoder, the part roller, the canonical text,
//! the live server's bulk load. So one end's decoder can be plugged into any other end:
//!
//! ```
//! use pacrat::bacpac::bcp::{Cell, CountRows, Decoder, Encoder, RowSink};
//! use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};
//! use std::sync::Arc;
//!
//! let plan = Arc::new(TablePlan::new("dbo", "t", vec![
//!     ColumnPlan::new("id", BcpType::Int, false),
//!     ColumnPlan::new("name", BcpType::NVarChar, true).with_length(10),
//! ]));
//! let mut encoder = Encoder::new(plan.clone());
//! encoder.cell(0, Cell::Int(7))?;
//! encoder.cell(1, Cell::Text(b"R\0a\0t\0"))?;
//! encoder.row_end()?;
//! assert_eq!(encoder.bytes(), b"\x07\0\0\0\x06\0R\0a\0t\0");
//!
//! let mut count = CountRows::default();
//! let mut decoder = Decoder::new(plan, "the part's name");
//! for chunk in encoder.bytes().chunks(3) {
//!     decoder.feed(chunk, &mut count)?;
//! }
//! decoder.finish()?;
//! assert_eq!(count.rows, 1);
//! # Ok::<(), pacrat::bacpac::bcp::BcpError>(())
//! ```

mod cell;
mod decode;
mod encode;
mod fault;
mod ranges;
mod variant;

pub use cell::{Cell, CountRows, LobKind, RowSink};
pub(crate) use decode::bare_cell;
pub use decode::{Decoder, WHOLE};
pub use encode::Encoder;
pub use fault::{BcpError, Fault, Place};
pub use variant::{VariantType, VariantValue, parse_variant};
