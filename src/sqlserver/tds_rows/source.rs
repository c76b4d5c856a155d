//! The rows of a table on their way out: the driver's rows pumped into the encoder, watched for progress.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mssql_tds::connection::tds_client::{StatementResult, TdsClient};
use tokio_util::sync::CancellationToken;

use super::TdsRows;
use crate::bacpac::bcp::Encoder;
use crate::sqlserver::connect::guarded;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::rows::{Fill, RowSource};
use crate::sqlserver::rows_out::{CellWriter, Shape};
use crate::sqlserver::tds_error;
use crate::sqlserver::tds_large::Walk;
use crate::sqlserver::tds_session::dropped;

/// The rows of a table on their way out.
pub(super) struct TdsSource<'a> {
    pub(super) rows: &'a mut TdsRows,
    pub(super) shape: Shape,
    pub(super) doing: String,
    /// Ends the request at the server.
    pub(super) stop: CancellationToken,
    pub(super) ended: bool,
    pub(super) progress: Progress,
    /// For a table with large values.
    pub(super) walk: Option<Walk>,
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
pub(super) struct Progress {
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
