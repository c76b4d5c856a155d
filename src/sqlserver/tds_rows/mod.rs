//! [`RowConnection`] by mssql-tds: a table's rows as a query's answer, and a bulk load fed piece by piece.

use std::time::Duration;

use async_trait::async_trait;
use mssql_tds::connection::tds_client::{ExecuteOptions, ResultSet as _, StatementResult, TdsClient};
use mssql_tds::message::transaction_management::TransactionIsolationLevel;
use tokio_util::sync::CancellationToken;

use self::loader::TdsLoader;
use self::source::{Progress, TdsSource};
use crate::bacpac::bcp::Decoder;
use crate::bacpac::plan::TablePlan;
use crate::sqlserver::connect::{Ended, SETTLE, guarded};
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::Field;
use crate::sqlserver::rows::{ReadOptions, RowConnection, RowLoader, RowSource, ServerColumn};
use crate::sqlserver::rows_in::{Load, Wire};
use crate::sqlserver::rows_out::Shape;
use crate::sqlserver::target::Target;
use crate::sqlserver::tds_error;
use crate::sqlserver::tds_large::Walk;
use crate::sqlserver::tds_session::{dropped, handle, limit, run};

mod loader;
mod source;

/// A batch of a bulk load ends with the row that reaches this size on the wire: large enough that its overhead does not
/// show, small enough that its transaction is short and a failure is quick.
const BATCH_BYTES: usize = 32 << 20;

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
    ) -> Result<crate::sqlserver::orders::Answer, SqlError> {
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
                Some(Field::Text(name)) if crate::sqlserver::quote::is_collation_name(&name) => Some(name),
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
