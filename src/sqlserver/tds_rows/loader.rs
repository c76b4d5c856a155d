//! The rows of a table on their way in: one bulk load after the other, each in a task that sends what it is given, and
//! what the server made of texts that it converts compared with what was sent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mssql_tds::connection::bulk_copy::{BulkCopy, BulkLoadRow};
use mssql_tds::connection::tds_client::TdsClient;
use mssql_tds::core::TdsResult;
use mssql_tds::datatypes::bulk_copy_metadata::BulkCopyColumnMetadata;
use mssql_tds::error::Error;
use mssql_tds::message::bulk_load::StreamingBulkLoadWriter;
use mssql_tds::test_client_support::MetadataRetriever;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::TdsRows;
use crate::bacpac::bcp::{Decoder, Encoder};
use crate::bacpac::plan::TablePlan;
use crate::sqlserver::connect::SETTLE;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::kept::Kept;
use crate::sqlserver::quote::qualified;
use crate::sqlserver::rows::{ReadOptions, RowConnection as _, RowLoader, ServerColumn};
use crate::sqlserver::rows_in::{Load, Wire};
use crate::sqlserver::tds_error;
use crate::sqlserver::tds_session::dropped;

/// Bytes are handed to the task that sends in pieces of about this size.
const PIECE: usize = 64 << 10;
/// Pieces waiting to be sent.
const PIECES: usize = 4;

/// Rows of a table on their way in.
pub(super) struct TdsLoader<'a> {
    pub(super) rows: &'a mut TdsRows,
    pub(super) load: Load,
    pub(super) doing: String,
    pub(super) wire: Wire,
    pub(super) decoder: Decoder,
    pub(super) batch: Option<Batch>,
    pub(super) target: Vec<ServerColumn>,
    /// What the table had before, of what the server converts.
    pub(super) before: Option<Kept>,
}

/// A bulk load at work in a task of its own.
pub(super) struct Batch {
    pieces: mpsc::Sender<Bytes>,
    /// Makes the driver end the load by an attention.
    abort: CancellationToken,
    task: JoinHandle<(TdsClient, TdsResult<()>)>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Where nobody waits for the end any more, the connection goes, and the server undoes the load.
        self.task.abort();
    }
}

impl TdsLoader<'_> {
    fn start(&mut self) -> Result<(), SqlError> {
        let mut client = self.rows.client.take().ok_or_else(|| dropped(&self.doing))?;
        let (pieces, receiver) = mpsc::channel(PIECES);
        let abort = CancellationToken::new();
        let metadata = self.load.metadata.clone();
        let table = qualified(&self.load.plan().schema, &self.load.plan().table);
        let row = PumpedRows { pieces: Mutex::new(receiver), abort: abort.clone(), columns: metadata.len() };
        let task = tokio::spawn(async move {
            let result = {
                let retriever = Box::new(KnownColumns(metadata));
                let mut load = BulkCopy::with_retriever(&mut client, table, retriever)
                    .batch_size(0)
                    .timeout(Duration::ZERO)
                    .keep_identity(true)
                    .keep_nulls(true)
                    .table_lock(true);
                load.write_to_server_zerocopy([row]).await.map(|_| ())
            };
            (client, result)
        });
        self.batch = Some(Batch { pieces, abort, task });
        Ok(())
    }

    /// Hands bytes to the task; false when the task is over already.
    async fn send(&mut self, bytes: Vec<u8>, cancel: &CancellationToken) -> Result<(), SqlError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.batch.is_none() {
            self.start()?;
        }
        let Some(batch) = self.batch.as_mut() else { return Err(dropped(&self.doing)) };
        let patience = self.rows.command_timeout;
        let sent = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            sent = batch.pieces.send(bytes.into()) => Some(sent.is_ok()),
            () = stalled(patience) => return self.give_up(patience),
        };
        match sent {
            Some(true) => Ok(()),
            // The task ended before its time, so with an error.
            Some(false) => {
                self.end_batch(cancel).await?;
                Err(SqlError::Unexpected { doing: self.doing.clone(), cause: "the load ended early".into() })
            }
            None => Err(self.cancelled().await),
        }
    }

    fn give_up(&mut self, patience: Duration) -> Result<(), SqlError> {
        self.batch = None;
        Err(SqlError::Timeout { doing: self.doing.clone(), seconds: patience.as_secs().max(1) })
    }

    /// Ends the load by an attention, or with its connection.
    async fn cancelled(&mut self) -> SqlError {
        if let Some(mut batch) = self.batch.take() {
            batch.abort.cancel();
            if let Ok(Ok((client, _))) = tokio::time::timeout(SETTLE, &mut batch.task).await
                && !client.is_connection_dead()
            {
                self.rows.client = Some(client);
            }
        }
        SqlError::Cancelled
    }

    /// Ends the stream and waits for the server's word on the batch.
    async fn end_batch(&mut self, cancel: &CancellationToken) -> Result<(), SqlError> {
        let Some(mut batch) = self.batch.take() else { return Ok(()) };
        // The task sees the end of the pieces.
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut batch.pieces, closed));
        let patience = self.rows.command_timeout;
        let ended = tokio::select! {
            biased;
            ended = &mut batch.task => ended,
            () = cancel.cancelled() => {
                // Everything was sent: the driver listens for the answer and for nothing else. The connection goes, and
                // whether the server kept the batch is not known.
                return Err(SqlError::Cancelled);
            }
            () = stalled(patience) => {
                return Err(SqlError::Timeout { doing: self.doing.clone(), seconds: patience.as_secs().max(1) });
            }
        };
        let (client, result) = ended.map_err(|e| SqlError::Unexpected {
            doing: self.doing.clone(),
            cause: format!("the load broke off: {e}"),
        })?;
        if !client.is_connection_dead() {
            self.rows.client = Some(client);
        }
        result.map_err(|error| tds_error::request(&self.doing, patience.as_secs(), error))
    }

    /// Sends what the buffer holds, batch by batch.
    async fn flush(&mut self, cancel: &CancellationToken) -> Result<(), SqlError> {
        let buffer = std::mem::take(&mut self.wire.buffer);
        let cuts = std::mem::take(&mut self.wire.cuts);
        let mut start = 0;
        for cut in cuts {
            self.send(buffer[start..cut].to_vec(), cancel).await?;
            self.end_batch(cancel).await?;
            self.wire.batch_sent = 0;
            start = cut;
        }
        self.wire.batch_sent += buffer.len() - start;
        let rest = if start == 0 { buffer } else { buffer[start..].to_vec() };
        self.send(rest, cancel).await
    }
}

impl TdsLoader<'_> {
    /// Compares what the server made of the texts that it converts with what was sent.
    async fn compare(&mut self, cancel: &CancellationToken) -> Result<(), SqlError> {
        // What is the same in every code page was not changed.
        let Some(sent) = self.wire.kept.take().filter(|k| k.foreign) else { return Ok(()) };
        let plan = self.load.plan().clone();
        let Some(after) = self.rows.kept(&plan, &self.target, &sent, cancel).await? else {
            return Err(SqlError::Unexpected { doing: self.doing.clone(), cause: "the table is empty".into() });
        };
        match sent.differs(self.before.as_ref(), &after) {
            None => Ok(()),
            Some((column, reason)) => {
                let name = plan.columns.get(column).map_or("", |c| c.name.as_str());
                Err(SqlError::Unsupported(format!("table {plan}, column {name}: {reason}")))
            }
        }
    }
}

impl TdsRows {
    /// Sums up what a table has of these columns; nothing if it has no row.
    pub(super) async fn kept(
        &mut self,
        plan: &TablePlan,
        columns: &[ServerColumn],
        of: &Kept,
        cancel: &CancellationToken,
    ) -> Result<Option<Kept>, SqlError> {
        let (plan, mut sums) = of.of_columns(plan);
        let options = ReadOptions { order: Vec::new(), columns: columns.to_vec() };
        let mut source = self.read_table(&plan, &options, cancel).await?;
        let plan = Arc::new(plan);
        let mut encoder = Encoder::new(Arc::clone(&plan));
        let mut decoder = Decoder::new(Arc::clone(&plan), plan.to_string());
        let mut rows = 0;
        loop {
            let target = encoder.bytes().len() + PIECES * PIECE;
            let fill = source.read(&mut encoder, target, cancel).await?;
            rows += fill.rows;
            if encoder.can_open() {
                decoder.feed(&encoder.take_open(Vec::new())?, &mut sums)?;
            }
            if fill.end {
                break;
            }
        }
        decoder.finish()?;
        source.close().await?;
        Ok((rows > 0).then_some(sums))
    }
}

/// Waits as long as patience lasts; for ever without a limit.
async fn stalled(patience: Duration) {
    match patience.is_zero() {
        true => std::future::pending().await,
        false => tokio::time::sleep(patience).await,
    }
}

#[async_trait]
impl RowLoader for TdsLoader<'_> {
    async fn write(&mut self, bytes: &[u8], cancel: &CancellationToken) -> Result<(), SqlError> {
        for piece in bytes.chunks(PIECE) {
            if cancel.is_cancelled() {
                return Err(self.cancelled().await);
            }
            if let Err(error) = self.decoder.feed(piece, &mut self.wire) {
                // The batch at work is undone: half a row was sent.
                self.cancelled().await;
                return Err(error);
            }
            if self.wire.buffer.len() >= PIECE && !self.wire.is_open() {
                self.flush(cancel).await?;
            }
        }
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), SqlError> {
        self.decoder.finish()?;
        self.decoder = Decoder::new(self.load.plan().clone(), self.load.plan().to_string());
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.wire.rows
    }

    async fn finish(mut self: Box<Self>, cancel: &CancellationToken) -> Result<u64, SqlError> {
        if let Err(error) = self.decoder.finish() {
            self.cancelled().await;
            return Err(error.into());
        }
        self.flush(cancel).await?;
        self.end_batch(cancel).await?;
        self.compare(cancel).await?;
        Ok(self.wire.rows)
    }
}

/// All rows of a batch as one "row" of the driver: it asks a row to write itself, and this one writes them all, as they
/// come, already in the form of the wire.
struct PumpedRows {
    pieces: Mutex<mpsc::Receiver<Bytes>>,
    abort: CancellationToken,
    columns: usize,
}

#[async_trait]
impl BulkLoadRow for PumpedRows {
    async fn write_to_packet(
        &self,
        writer: &mut StreamingBulkLoadWriter<'_>,
        column_index: &mut usize,
    ) -> TdsResult<()> {
        let mut pieces = self.pieces.lock().await;
        let aborted = || Err(Error::OperationCancelledError("the load was cancelled".into()));
        loop {
            let piece = tokio::select! {
                biased;
                () = self.abort.cancelled() => return aborted(),
                piece = pieces.recv() => piece,
            };
            let Some(piece) = piece else { break };
            writer.write_raw_bytes(&piece).await?;
        }
        if self.abort.is_cancelled() {
            return aborted();
        }
        *column_index = self.columns;
        Ok(())
    }
}

/// The columns of a bulk load, known from our own catalogue: no question to the server.
struct KnownColumns(Vec<BulkCopyColumnMetadata>);

#[async_trait]
impl MetadataRetriever for KnownColumns {
    async fn retrieve_metadata(
        &mut self,
        _client: &mut TdsClient,
        _table_name: &str,
        _timeout_sec: u32,
    ) -> TdsResult<Vec<BulkCopyColumnMetadata>> {
        Ok(self.0.clone())
    }
}
