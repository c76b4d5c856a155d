//! Rows out and rows in, both in BCP bytes: the two traits between pacrat and the driver that moves the rows.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::error::SqlError;
use crate::bacpac::bcp::Encoder;
use crate::bacpac::plan::TablePlan;

/// What a call of [`RowSource::read`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fill {
    /// Rows completed.
    pub rows: u64,
    /// The table has no more.
    pub end: bool,
}

/// The rows of one table on their way out, in the order of its clustered key.
#[async_trait]
pub trait RowSource: Send {
    /// Encodes rows into `out` until its buffer holds `target` bytes or more, inside a large value too, or until the
    /// table ends. What is held in memory besides is a piece of a value. After an error the source is of no further
    /// use.
    async fn read(&mut self, out: &mut Encoder, target: usize, cancel: &CancellationToken) -> Result<Fill, SqlError>;

    /// Ends the reading: at once when the table was read to its end, by an attention otherwise.
    async fn close(self: Box<Self>) -> Result<(), SqlError>;
}

/// Rows of one table on their way in.
#[async_trait]
pub trait RowLoader: Send {
    /// Takes the next bytes of the table's BCP data: any piece, cut anywhere. Rows reach the server in batches, each a
    /// bulk load of its own that is kept or undone as a whole. What is held in memory is a few hundred kilobytes,
    /// however large a row is.
    async fn write(&mut self, bytes: &[u8], cancel: &CancellationToken) -> Result<(), SqlError>;

    /// A part ends here: its last row must be complete.
    fn end_part(&mut self) -> Result<(), SqlError>;

    /// Rows of the table so far, those of the batch at work included.
    fn rows(&self) -> u64;

    /// Sends the rest and waits for the server's word on it. Returns the rows loaded.
    async fn finish(self: Box<Self>, cancel: &CancellationToken) -> Result<u64, SqlError>;
}

/// How a table's rows are read: what the catalogue knows and the column plan does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The key columns of the clustered index with `true` for descending ones; empty for a heap.
    pub order: Vec<(String, bool)>,
    /// The plan's columns at the server, in any order.
    pub columns: Vec<ServerColumn>,
}

/// What a server's catalogue says of a column, besides its plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerColumn {
    /// Raw name.
    pub name: String,
    /// `sys.columns.is_nullable`. A load's stream must say the same (error 4816 otherwise).
    pub nullable: bool,
    /// The collation of a character column.
    pub collation: Option<String>,
    /// The code page of its `char`, `varchar` and `text` data; 65001 for UTF-8.
    pub code_page: Option<u16>,
}

/// A connection for rows. One table at a time.
#[async_trait]
pub trait RowConnection: Send {
    /// Begins a transaction of SNAPSHOT isolation: every table read on this connection until it is closed is as of the
    /// first read. Only where `sys.databases.snapshot_isolation_state` is 1; the server answers 3952 otherwise.
    async fn begin_snapshot(&mut self, cancel: &CancellationToken) -> Result<(), SqlError>;

    /// Starts reading a table.
    async fn read_table<'a>(
        &'a mut self,
        plan: &TablePlan,
        options: &ReadOptions,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn RowSource + 'a>, SqlError>;

    /// Starts loading a table. `columns` are the target's.
    async fn load_table<'a>(
        &'a mut self,
        plan: &TablePlan,
        columns: &[ServerColumn],
        cancel: &CancellationToken,
    ) -> Result<Box<dyn RowLoader + 'a>, SqlError>;

    /// The connection cannot be used any more.
    fn is_dead(&self) -> bool;
}
