//! [`Orders`] by mssql-tds: all errors of a batch, all messages, and an attention for what is cancelled.

use std::time::Duration;

use async_trait::async_trait;
use mssql_tds::connection::tds_client::{BatchErrorMode, ExecuteOptions, ResultSet as _, StatementResult, TdsClient};
use mssql_tds::core::CancelHandle;
use mssql_tds::error::Error;
use tokio_util::sync::CancellationToken;

use super::connect::{Ended, guarded};
use super::error::SqlError;
use super::field;
use super::orders::{Answer, Orders, ResultSet};
use super::target::Target;
use super::tds_error;

/// A connection for orders.
pub(super) struct TdsSession {
    /// None once the connection was dropped.
    client: Option<TdsClient>,
    command_timeout: Duration,
}

impl TdsSession {
    pub(super) fn new(client: TdsClient, target: &Target) -> Self {
        Self { client: Some(client), command_timeout: target.command_timeout }
    }
}

/// Seconds as the driver wants them: rounded up, 0 for no limit.
pub(super) fn limit(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// A handle that ends the request soon after `cancel`: an attention, and a second for its acknowledgement.
pub(super) fn handle(cancel: &CancellationToken) -> CancelHandle {
    let mut handle = CancelHandle::from(cancel.child_token());
    handle.set_cancel_timeout_secs(1);
    handle
}

/// What a call on a connection that was dropped gets.
pub(super) fn dropped(doing: &str) -> SqlError {
    SqlError::Lost { doing: doing.to_owned(), cause: "it was dropped after a cancellation or an error".into() }
}

#[async_trait]
impl Orders for TdsSession {
    async fn batch(&mut self, sql: &str, doing: &str, cancel: &CancellationToken) -> Result<Answer, SqlError> {
        if cancel.is_cancelled() {
            return Err(SqlError::Cancelled);
        }
        let seconds = limit(self.command_timeout);
        let client = self.client.as_mut().ok_or_else(|| dropped(doing))?;
        let work = run(client, sql, doing, seconds, cancel);
        match guarded(cancel, None, work).await {
            Ended::Done(result) => {
                if self.client.as_ref().is_some_and(TdsClient::is_connection_dead) {
                    self.client = None;
                }
                result
            }
            Ended::Settled(result) => {
                if self.client.as_ref().is_some_and(TdsClient::is_connection_dead) {
                    self.client = None;
                }
                // What was finished before the attention arrived is done; the caller asked to stop all the same.
                result.and(Err(SqlError::Cancelled)).map_err(|e| match e {
                    SqlError::Server { .. } => SqlError::Cancelled,
                    other => other,
                })
            }
            Ended::Abandoned => {
                self.client = None;
                Err(SqlError::Cancelled)
            }
        }
    }

    fn is_dead(&self) -> bool {
        self.client.is_none()
    }
}

/// Sends a batch and reads its whole answer.
pub(super) async fn run(
    client: &mut TdsClient,
    sql: &str,
    doing: &str,
    seconds: u32,
    cancel: &CancellationToken,
) -> Result<Answer, SqlError> {
    let handle = handle(cancel);
    let options = ExecuteOptions::new().timeout_secs(seconds).cancel(&handle).on_error(BatchErrorMode::Continue);
    let other = |error| tds_error::request(doing, u64::from(seconds), error);
    let mut answer = Answer::default();
    let mut errors = Vec::new();
    let mut at = client.execute(sql.to_owned(), options).await;
    loop {
        match at {
            Ok(StatementResult::End) => break,
            Ok(StatementResult::NoRows { rows_affected }) => {
                if let Some(rows) = rows_affected {
                    *answer.affected.get_or_insert(0) += rows;
                }
            }
            Ok(StatementResult::Rows) => {
                let columns = client.get_metadata().iter().map(|c| c.column_name.clone()).collect();
                let mut set = ResultSet { columns, rows: Vec::new() };
                loop {
                    match client.next_row().await {
                        Ok(Some(values)) => {
                            let row: Result<Vec<_>, _> = values.into_iter().map(field::of_tds).collect();
                            set.rows
                                .push(row.map_err(|cause| SqlError::Unexpected { doing: doing.to_owned(), cause })?);
                        }
                        Ok(None) => break,
                        Err(Error::SqlServerError { diagnostics }) => {
                            errors.extend(diagnostics.errors);
                            break;
                        }
                        Err(error) => return Err(other(error)),
                    }
                }
                answer.sets.push(set);
            }
            Err(Error::SqlServerError { diagnostics }) => errors.extend(diagnostics.errors),
            Err(error) => {
                // A fatal error of the server comes with the end of the connection; its words say more.
                return Err(match tds_error::server_error(errors) {
                    Some(error) => SqlError::Server { doing: doing.to_owned(), error },
                    None => other(error),
                });
            }
        }
        if !client.has_open_batch() {
            break;
        }
        at = client.advance().await;
    }
    answer.messages = client.take_info_messages().into_iter().map(tds_error::information).collect();
    match tds_error::server_error(errors) {
        Some(error) => Err(SqlError::Server { doing: doing.to_owned(), error }),
        None => Ok(answer),
    }
}
