//! Rows with large values, one column at a time: what lies between two large values goes to the writer in one go, a
//! large value that the driver has whole goes whole, any other in pieces.
//!
//! The driver's way by whole rows would hold every large value in memory, and would fill one that ends before its
//! announced length with zeros in silence; this way such a value is an error.

use mssql_tds::connection::tds_client::{CursorColumn, CursorPoll, TdsClient};
use mssql_tds::core::TdsResult;
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::datatypes::row_writer::RowWriter as _;
use mssql_tds::error::Error;

use super::rows_out::{CellWriter, Large, Pieces};

/// Bytes of a large value that are asked for at once.
const PIECE: usize = 64 << 10;

/// Where the reading of such a table stands, between two calls and between two columns.
pub(super) struct Walk {
    /// The columns of the answer that are large, in order.
    large: Vec<(usize, Large)>,
    /// Columns of the answer.
    width: usize,
    /// The next column of the row; none between rows.
    next: Option<usize>,
    /// The large value that is open at that column.
    open: Option<Pieces>,
    buffer: Vec<u8>,
}

impl Walk {
    /// Before the first row.
    pub(super) fn new(large: Vec<(usize, Large)>, width: usize) -> Self {
        Self { large, width, next: None, open: None, buffer: vec![0; PIECE] }
    }

    /// Goes on by a row's beginning, by the columns up to a large value, or by a piece of one. Whether there is more.
    pub(super) async fn step(&mut self, client: &mut TdsClient, writer: &mut CellWriter<'_>) -> TdsResult<bool> {
        let Some(next) = self.next else {
            let more = match client.try_next_row_cursor()? {
                CursorPoll::Ready(more) => more,
                CursorPoll::Pending => client.next_row_cursor().await?,
            };
            self.next = more.then_some(0);
            return Ok(more);
        };
        if self.open.is_some() {
            self.piece(client, writer, next).await?;
            return Ok(true);
        }
        match self.large.iter().find(|(at, _)| *at >= next) {
            Some((at, large)) if *at == next => {
                let large = large.clone();
                self.large(client, writer, next, &large).await?;
            }
            Some((at, _)) => {
                let at = *at;
                if !client.try_finish_row_prefix_into(at, writer)? {
                    client.finish_row_prefix_into(at, writer).await?;
                }
                self.next = Some(at);
            }
            None => {
                // The driver tells the writer of the row's end.
                self.next = None;
                if !client.try_finish_row_into(writer)? {
                    client.finish_row_into(writer).await?;
                }
            }
        }
        Ok(true)
    }

    /// Begins a large value; ends it too where all of it is there.
    async fn large(
        &mut self,
        client: &mut TdsClient,
        writer: &mut CellWriter<'_>,
        at: usize,
        large: &Large,
    ) -> TdsResult<()> {
        if let CursorPoll::Ready(whole) = client.try_read_row_plp_complete(at, &mut self.buffer)? {
            match whole {
                Some(chunk) => writer.large(at, large, &self.buffer[..chunk.read]),
                None => writer.write_null(at),
            }
            self.past(writer, at);
            return Ok(());
        }
        match client.read_row_column(at).await? {
            CursorColumn::Value { value: ColumnValues::Null, .. } => {
                writer.write_null(at);
                self.past(writer, at);
                Ok(())
            }
            CursorColumn::PlpStreaming { .. } => {
                let first = client.read_active_plp_chunk(&mut self.buffer).await?;
                if first.reached_end {
                    writer.large(at, large, &self.buffer[..first.read]);
                    return self.settle(client, writer, at).await;
                }
                let mut pieces = writer.large_start(at, large, first.known_total);
                writer.large_piece(at, &mut pieces, &self.buffer[..first.read]);
                self.open = Some(pieces);
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }

    /// The next piece of the large value that is open.
    async fn piece(&mut self, client: &mut TdsClient, writer: &mut CellWriter<'_>, at: usize) -> TdsResult<()> {
        let chunk = match client.try_read_active_plp_chunk(&mut self.buffer)? {
            CursorPoll::Ready(chunk) => chunk,
            CursorPoll::Pending => client.read_active_plp_chunk(&mut self.buffer).await?,
        };
        let Some(pieces) = &mut self.open else { return Ok(()) };
        writer.large_piece(at, pieces, &self.buffer[..chunk.read]);
        if chunk.reached_end {
            writer.large_end(at, pieces);
            self.open = None;
            return self.settle(client, writer, at).await;
        }
        if chunk.read == 0 {
            return Err(Error::ProtocolError("a large value brings nothing and does not end".into()));
        }
        Ok(())
    }

    /// Past a large value that came in pieces: the driver still stands in it.
    async fn settle(&mut self, client: &mut TdsClient, writer: &mut CellWriter<'_>, at: usize) -> TdsResult<()> {
        if at + 1 < self.width {
            // Asked for a column that is read, it goes to the next and says so.
            match client.read_row_column(at).await? {
                CursorColumn::AlreadyConsumed => {}
                other => return Err(unexpected(&other)),
            }
        }
        self.past(writer, at);
        Ok(())
    }

    fn past(&mut self, writer: &mut CellWriter<'_>, at: usize) {
        self.next = Some(at + 1).filter(|next| *next < self.width);
        if self.next.is_none() {
            writer.end_row();
        }
    }
}

fn unexpected(column: &CursorColumn) -> Error {
    let what = match column {
        CursorColumn::Value { .. } => "a value that is not large",
        CursorColumn::PlpStreaming { .. } => "a large value twice",
        CursorColumn::AlreadyConsumed => "a column that was read already",
        CursorColumn::RowEnded => "the row's end",
    };
    Error::ProtocolError(format!("{what} where a large value was expected"))
}
