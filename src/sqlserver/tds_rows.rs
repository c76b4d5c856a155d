//! [`RowConnection`] by mssql-tds: a table's rows as a query's answer, and a bulk load fed piece by piece.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mssql_tds::connection::bulk_copy::{BulkCopy, BulkLoadRow};
use mssql_tds::connection::tds_client::{ExecuteOptions, ResultSet as _, StatementResult, TdsClient};
use mssql_tds::core::TdsResult;
use mssql_tds::datatypes::bulk_copy_metadata::BulkCopyColumnMetadata;
use mssql_tds::error::Error;
use mssql_tds::message::bulk_load::StreamingBulkLoadWriter;
use mssql_tds::message::transaction_management::TransactionIsolationLevel;
use mssql_tds::test_client_support::MetadataRetriever;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connect::{Ended, SETTLE, guarded};
use super::error::SqlError;
use super::kept::Kept;
use super::orders::Field;
use super::quote::qualified;
use super::rows::{Fill, ReadOptions, RowConnection, RowLoader, RowSource, ServerColumn};
use super::rows_in::{Load, Wire};
use super::rows_out::{CellWriter, Shape};
use super::target::Target;
use super::tds_error;
use super::tds_large::Walk;
use super::tds_session::{dropped, handle, limit, run};
use crate::bacpac::bcp::{Decoder, Encoder};
use crate::bacpac::plan::TablePlan;

/// A batch of a bulk load ends with the row that reaches this size on the wire: large enough that its overhead does not
/// show, small enough that its transaction is short and a failure is quick.
const BATCH_BYTES: usize = 32 << 20;
/// Bytes are handed to the task that sends in pieces of about this size.
const PIECE: usize = 64 << 10;
/// Pieces waiting to be sent.
const PIECES: usize = 4;

/// A connection for rows.
pub(super) struct TdsRows {
    /// None once the connection was dropped, and while a loader has it.
    client: Option<TdsClient>,
    command_timeout: Duration,
}

impl TdsRows {
    pub(super) fn new(client: TdsClient, target: &Target) -> Self {
        Self { client: Some(client), command_timeout: target.command_timeout }
    }

    /// The client at rest: what an abandoned reading left behind is ended first.
    async fn at_rest(&mut self, doing: &str) -> Result<&mut TdsClient, SqlError> {
        if self.client.as_ref().is_some_and(TdsClient::is_connection_dead) {
            self.client = None;
        }
        if let Some(client) = self.client.as_mut().filter(|c| c.has_open_batch()) {
            let settled = tokio::time::timeout(SETTLE, client.cancel_query(1)).await;
            if !matches!(settled, Ok(Ok(()))) {
                self.client = None;
            }
        }
        self.client.as_mut().ok_or_else(|| dropped(doing))
    }

    /// What came of work on the connection, unless it was cancelled; a connection left in its middle is dropped.
    fn unless_cancelled<T>(&mut self, ended: Ended<T>) -> Result<T, SqlError> {
        match ended {
            Ended::Done(result) => Ok(result),
            Ended::Settled(_) => Err(SqlError::Cancelled),
            Ended::Abandoned => {
                self.client = None;
                Err(SqlError::Cancelled)
            }
        }
    }

    /// A question on this connection.
    async fn ask(
        &mut self,
        sql: &str,
        doing: &str,
        cancel: &CancellationToken,
    ) -> Result<super::orders::Answer, SqlError> {
        let seconds = limit(self.command_timeout);
        let client = self.at_rest(doing).await?;
        let ended = guarded(cancel, None, run(client, sql, doing, seconds, cancel)).await;
        self.unless_cancelled(ended)?
    }

    /// The five bytes of every collation that the table's variants have. The server tells a collation's bytes with the
    /// metadata of any expression that has it.
    async fn variant_collations(&mut self, shape: &mut Shape, cancel: &CancellationToken) -> Result<(), SqlError> {
        let doing = "reading the collations of sql_variant values";
        let answer = self.ask(&shape.collations_sql(), doing, cancel).await?;
        let names: Vec<String> = answer
            .sets
            .into_iter()
            .flat_map(|s| s.rows)
            .filter_map(|row| match row.into_iter().next() {
                Some(Field::Text(name)) if super::quote::is_collation_name(&name) => Some(name),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let expressions: Vec<String> = names.iter().map(|n| format!("N'' COLLATE {n}")).collect();
        let sql = format!("SELECT {}", expressions.join(", "));
        let seconds = limit(self.command_timeout);
        let client = self.at_rest(doing).await?;
        let other = |error| tds_error::request(doing, u64::from(seconds), error);
        let work = async {
            let stop = handle(cancel);
            client.execute(sql, ExecuteOptions::new().timeout_secs(seconds).cancel(&stop)).await.map_err(other)?;
            let found: Vec<_> = client.get_metadata().iter().map(|c| c.get_collation()).collect();
            client.close_query().await.map_err(other)?;
            Ok::<_, SqlError>(found)
        };
        let ended = guarded(cancel, None, work).await;
        let found = self.unless_cancelled(ended)??;
        for (name, collation) in names.into_iter().zip(found) {
            if let Some(collation) = collation {
                let [a, b, c, d] = collation.info.to_le_bytes();
                shape.collations.insert(name, [a, b, c, d, collation.sort_id]);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl RowConnection for TdsRows {
    async fn begin_snapshot(&mut self, cancel: &CancellationToken) -> Result<(), SqlError> {
        let doing = "beginning a snapshot";
        let seconds = limit(self.command_timeout);
        let client = self.at_rest(doing).await?;
        let work = async {
            let stop = handle(cancel);
            let options = ExecuteOptions::new().timeout_secs(seconds).cancel(&stop);
            client
                .begin_transaction_with_options(TransactionIsolationLevel::Snapshot, None, options)
                .await
                .map_err(|error| tds_error::request(doing, u64::from(seconds), error))
        };
        let ended = guarded(cancel, None, work).await;
        self.unless_cancelled(ended)?
    }

    async fn read_table<'a>(
        &'a mut self,
        plan: &TablePlan,
        options: &ReadOptions,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn RowSource + 'a>, SqlError> {
        let mut shape = Shape::of(plan, options)?;
        if shape.has_variants() {
            self.variant_collations(&mut shape, cancel).await?;
        }
        let doing = format!("reading table {plan}");
        // A driver's limit would count the whole reading; ours counts the time without a row.
        let patience = self.command_timeout;
        let client = self.at_rest(&doing).await?;
        let stop = cancel.child_token();
        let seconds = patience.as_secs().max(1);
        let work = async {
            let stop = handle(&stop);
            client
                .execute(shape.sql.clone(), ExecuteOptions::new().cancel(&stop))
                .await
                .map_err(|error| tds_error::request(&doing, seconds, error))
        };
        let work = async {
            match patience.is_zero() {
                true => work.await,
                false => tokio::time::timeout(patience, work)
                    .await
                    .unwrap_or_else(|_| Err(SqlError::Timeout { doing: doing.clone(), seconds })),
            }
        };
        let ended = guarded(cancel, Some(&stop), work).await;
        let at = self.unless_cancelled(ended)?;
        if matches!(at, Err(SqlError::Timeout { .. })) {
            self.client = None;
        }
        if at? != StatementResult::Rows {
            return Err(SqlError::Unexpected { doing, cause: "no rows but a mere acknowledgement".into() });
        }
        let metadata = self.client.as_ref().map(|c| c.get_metadata().as_slice()).unwrap_or_default();
        let large = match shape.check(metadata).and_then(|()| shape.large(metadata)) {
            Ok(large) => large,
            Err(cause) => return Err(SqlError::Unexpected { doing, cause }),
        };
        let walk = (!large.is_empty()).then(|| Walk::new(large, shape.width()));
        Ok(Box::new(TdsSource { rows: self, shape, doing, stop, ended: false, progress: Progress::default(), walk }))
    }

    async fn load_table<'a>(
        &'a mut self,
        plan: &TablePlan,
        columns: &[ServerColumn],
        cancel: &CancellationToken,
    ) -> Result<Box<dyn RowLoader + 'a>, SqlError> {
        let doing = format!("loading table {plan}");
        let load = Load::of(plan, columns)?;
        self.at_rest(&doing).await?;
        let before = match &load.kept {
            Some(kept) => self.kept(plan, columns, kept, cancel).await?,
            None => None,
        };
        let wire = Wire::new(&load, BATCH_BYTES);
        let decoder = Decoder::new(load.plan().clone(), load.plan().to_string());
        let target = columns.to_vec();
        Ok(Box::new(TdsLoader { rows: self, load, doing, wire, decoder, batch: None, target, before }))
    }

    fn is_dead(&self) -> bool {
        self.client.is_none()
    }
}

/// The rows of a table on their way out.
struct TdsSource<'a> {
    rows: &'a mut TdsRows,
    shape: Shape,
    doing: String,
    /// Ends the request at the server.
    stop: CancellationToken,
    ended: bool,
    progress: Progress,
    /// For a table with large values.
    walk: Option<Walk>,
}

#[async_trait]
impl RowSource for TdsSource<'_> {
    async fn read(&mut self, out: &mut Encoder, target: usize, cancel: &CancellationToken) -> Result<Fill, SqlError> {
        if self.ended {
            return Ok(Fill { rows: 0, end: true });
        }
        let client = self.rows.client.as_mut().ok_or_else(|| dropped(&self.doing))?;
        let before = self.progress.rows.load(Ordering::Relaxed);
        let seconds = self.rows.command_timeout.as_secs().max(1);
        let reading = Reading { shape: &self.shape, progress: &self.progress, doing: &self.doing, seconds };
        let work = pump(client, reading, self.walk.as_mut(), out, target);
        let watched = watch(work, &self.progress, self.rows.command_timeout);
        let ended = guarded(cancel, Some(&self.stop), watched).await;
        let Some(result) = self.rows.unless_cancelled(ended)? else {
            self.rows.client = None;
            return Err(SqlError::Timeout { doing: self.doing.clone(), seconds });
        };
        self.ended = result? || self.ended;
        Ok(Fill { rows: self.progress.rows.load(Ordering::Relaxed) - before, end: self.ended })
    }

    async fn close(self: Box<Self>) -> Result<(), SqlError> {
        // An answer not read to its end is ended by an attention.
        self.rows.at_rest(&self.doing).await.map(|_| ())
    }
}

/// How far a reading is, for those who watch it.
#[derive(Default)]
struct Progress {
    rows: AtomicU64,
    /// Steps through rows with large values: a row may take longer than anybody waits for one.
    steps: AtomicU64,
}

impl Progress {
    fn sum(&self) -> u64 {
        self.rows.load(Ordering::Relaxed).wrapping_add(self.steps.load(Ordering::Relaxed))
    }
}

/// What does not change in the reading of a table.
#[derive(Clone, Copy)]
struct Reading<'a> {
    shape: &'a Shape,
    progress: &'a Progress,
    doing: &'a str,
    seconds: u64,
}

/// Reads rows until the buffer holds the target. Whether the table ended.
async fn pump(
    client: &mut TdsClient,
    reading: Reading<'_>,
    mut walk: Option<&mut Walk>,
    out: &mut Encoder,
    target: usize,
) -> Result<bool, SqlError> {
    let Reading { shape, progress, doing, seconds } = reading;
    let other = |error| tds_error::request(doing, seconds, error);
    let mut writer = CellWriter::new(shape, out, &progress.rows);
    while writer.buffered() < target {
        let more = match &mut walk {
            None => client.next_row_into(&mut writer).await,
            Some(walk) => {
                progress.steps.fetch_add(1, Ordering::Relaxed);
                walk.step(client, &mut writer).await
            }
        };
        // A cell that cannot be carried says more than what the driver makes of what came after it.
        if let Some(failure) = writer.failure {
            return Err(*failure);
        }
        if !more.map_err(other)? {
            // The end of the rows is not the end of the answer: an error may follow.
            return match client.advance().await.map_err(other)? {
                StatementResult::End => Ok(true),
                _ => Err(SqlError::Unexpected { doing: doing.to_owned(), cause: "a second result".into() }),
            };
        }
    }
    Ok(false)
}

/// Waits for `work`; nothing if nothing came for as long as the limit.
async fn watch<T>(work: impl Future<Output = T>, progress: &Progress, patience: Duration) -> Option<T> {
    if patience.is_zero() {
        return Some(work.await);
    }
    tokio::pin!(work);
    let mut last = progress.sum();
    loop {
        tokio::select! {
            biased;
            result = &mut work => return Some(result),
            () = tokio::time::sleep(patience) => {
                let now = progress.sum();
                if now == last {
                    return None;
                }
                last = now;
            }
        }
    }
}

/// Rows of a table on their way in.
struct TdsLoader<'a> {
    rows: &'a mut TdsRows,
    load: Load,
    doing: String,
    wire: Wire,
    decoder: Decoder,
    batch: Option<Batch>,
    target: Vec<ServerColumn>,
    /// What the table had before, of what the server converts.
    before: Option<Kept>,
}

/// A bulk load at work in a task of its own.
struct Batch {
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
    async fn kept(
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
