//! Rows of a database into the parts of a package: several tables at once, each on a connection of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::archive::{Closed, Parts, Pieces};
use super::job::{JobContext, Meter, Stop, TableMeter};
use super::lanes::Lanes;
use crate::bacpac::package::{Cut, PartCutter, PartLimits};
use crate::sqlserver::catalogue::SourceTable;
use crate::sqlserver::connect;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::rows::RowConnection;
use crate::sqlserver::target::Target;

/// A part ends with the row that brings it to so many bytes (DacFx's own parts begin anew at that size). A row that is
/// twice as large goes out in pieces of that size, so no reader holds more than three of them.
const PART: usize = 4 << 20;
const LIMITS: PartLimits = PartLimits { part: PART, held: 2 * PART };
/// Progress is counted at least so often.
const STEP: usize = 256 << 10;

/// Rows and bytes that were read of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Rows.
    pub rows: u64,
    /// Bytes of BCP data.
    pub bytes: u64,
}

/// Where rows are read from.
pub struct From<'a> {
    /// Server and database.
    pub target: &'a Target,
    /// Connections at once.
    pub connections: usize,
    /// Read under a snapshot.
    pub snapshot: bool,
}

/// Read every table. What was moved, in the order of `tables`.
pub async fn tables(
    job: &JobContext,
    from: &From<'_>,
    tables: &Arc<[SourceTable]>,
    parts: &Parts,
) -> Result<Vec<Moved>, Stop> {
    let meters = tables.iter().map(|t| TableMeter::new(t.plan.to_string(), Some(t.rows), None));
    let meter = job.measure(meters.collect());
    // The largest first, so that no connection is left alone with it at the end.
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by_key(|n| std::cmp::Reverse(tables[*n].rows));
    let queue = Arc::new(Mutex::new(VecDeque::from(order)));
    let mut lanes = Lanes::new(job);
    for _ in 0..from.connections.min(tables.len()) {
        let lane = Lane {
            target: from.target.clone(),
            snapshot: from.snapshot,
            tables: Arc::clone(tables),
            meter: Arc::clone(&meter),
            queue: Arc::clone(&queue),
            parts: parts.clone(),
            stop: lanes.stop(),
        };
        lanes.spawn(lane.run());
    }
    lanes.ended(job, &meter).await?;
    let moved = |n: usize| Moved { rows: meter.table(n).rows(), bytes: meter.table(n).bytes() };
    Ok((0..tables.len()).map(moved).collect())
}

/// One connection and the tables that it reads.
struct Lane {
    target: Target,
    snapshot: bool,
    tables: Arc<[SourceTable]>,
    meter: Arc<Meter>,
    queue: Arc<Mutex<VecDeque<usize>>>,
    parts: Parts,
    stop: CancellationToken,
}

impl Lane {
    async fn run(self) -> Result<(), Stop> {
        let mut connection = connect::open_rows(&self.target, &self.stop).await?;
        if self.snapshot {
            connection.begin_snapshot(&self.stop).await?;
        }
        while let Some(n) = self.next() {
            if self.stop.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            self.table(&mut *connection, n).await?;
        }
        Ok(())
    }

    fn next(&self) -> Option<usize> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    async fn table(&self, connection: &mut dyn RowConnection, n: usize) -> Result<(), Stop> {
        let (table, meter) = (&self.tables[n], self.meter.table(n));
        meter.begin();
        let (schema, name): (Arc<str>, Arc<str>) =
            (table.plan.schema.as_str().into(), table.plan.table.as_str().into());
        let mut source = connection.read_table(&table.plan, &table.read, &self.stop).await?;
        let mut cutter = PartCutter::new(Arc::clone(&table.plan), LIMITS);
        let mut streamed: Option<Pieces> = None;
        loop {
            let before = cutter.bytes();
            let encoder = cutter.encoder();
            let target = encoder.bytes().len() + STEP;
            let fill = source.read(encoder, target, &self.stop).await?;
            meter.add(fill.rows, cutter.bytes() - before);
            while let Some(cut) = cutter.cut(fill.end).map_err(SqlError::from)? {
                if !fill.end {
                    cutter.recycle(Vec::with_capacity(PART + STEP));
                }
                let handed = async {
                    match (cut, &mut streamed) {
                        (Cut::Part { number, bytes, .. }, _) => self.parts.put(&schema, &name, number, bytes).await,
                        (Cut::Begin { number }, _) => {
                            streamed = Some(self.parts.stream(&schema, &name, number)?);
                            Ok(())
                        }
                        (Cut::Piece(bytes), Some(pieces)) => pieces.put(bytes).await,
                        (Cut::End { .. }, part) => match part.take() {
                            Some(pieces) => pieces.end().await,
                            None => Ok(()),
                        },
                        (Cut::Piece(_), None) => Err(Closed),
                    }
                };
                // The file can be slow; a cancellation is not.
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Err(Stop::Cancelled),
                    // Why the file takes no more is told by its writer.
                    handed = handed => handed.map_err(|_| Stop::Cancelled)?,
                }
            }
            if fill.end {
                break;
            }
        }
        source.close().await?;
        meter.finish();
        Ok(())
    }
}
