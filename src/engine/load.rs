//! Rows of a package into the tables of a database: several tables at once, each on a connection of its own, each
//! count compared with the package's.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::Failure;
use super::job::{JobContext, Meter, Stop, TableMeter};
use super::lanes::Lanes;
use super::package::{self, Opened};
use crate::bacpac::bcp::BcpError;
use crate::bacpac::package::{PackageError, Report};
use crate::bacpac::plan::{BcpType, TablePlan};
use crate::sqlserver::connect;
use crate::sqlserver::quote;
use crate::sqlserver::rows::{RowConnection, ServerColumn};
use crate::sqlserver::target::Target;

/// Blocks between the reader of the archive and the connection.
const BLOCKS: usize = 4;
/// Rows without values in one batch.
const ROWS_AT_ONCE: u64 = 500;

/// Load the tables of `plans` (by their numbers in the package, with their names at the target) that have rows. Rows
/// and bytes loaded.
pub async fn tables(
    job: &JobContext,
    target: &Target,
    connections: usize,
    opened: &Arc<Opened>,
    report: &Report,
    mut columns: HashMap<(String, String), Vec<ServerColumn>>,
    plans: &HashMap<usize, Arc<TablePlan>>,
) -> Result<(u64, u64), Stop> {
    let with_rows: Vec<usize> =
        (0..opened.package.tables().len()).filter(|n| !opened.package.tables()[*n].parts.is_empty()).collect();
    let mut work = Vec::new();
    let mut meters = Vec::new();
    for (n, counted) in with_rows.iter().zip(&report.tables) {
        let table = &opened.package.tables()[*n];
        let Some(plan) = plans.get(n) else { continue };
        let key = (plan.schema.clone(), plan.table.clone());
        let Some(columns) = columns.remove(&key) else {
            return Err(Failure::new(format!("table {plan} was created and is not there")).into());
        };
        for column in plan.columns.iter().filter(|c| c.ty == BcpType::RowVersion) {
            // No server takes the value of such a column (error 273).
            job.remark(format!("table {plan}: column {} gets new row versions from the server", column.name));
        }
        meters.push(TableMeter::new(plan.to_string(), Some(counted.rows), Some(table.bytes())));
        work.push(Load { table: *n, plan: Arc::clone(plan), meter: work.len(), rows: counted.rows, columns });
    }
    let meter = job.measure(meters);
    // The largest first, so that no connection is left alone with it at the end.
    work.sort_by_key(|w| std::cmp::Reverse(opened.package.tables()[w.table].bytes()));
    let connections = connections.min(work.len());
    let queue = Arc::new(Mutex::new(VecDeque::from(work)));
    let mut lanes = Lanes::new(job);
    for _ in 0..connections {
        let lane = Lane {
            target: target.clone(),
            opened: Arc::clone(opened),
            meter: Arc::clone(&meter),
            queue: Arc::clone(&queue),
            stop: lanes.stop(),
        };
        lanes.spawn(lane.run());
    }
    lanes.ended(job, &meter).await?;
    let sample = meter.sample();
    Ok((sample.rows, sample.bytes))
}

struct Load {
    table: usize,
    /// With the name at the target.
    plan: Arc<TablePlan>,
    meter: usize,
    rows: u64,
    columns: Vec<ServerColumn>,
}

/// One connection and the tables that it loads.
struct Lane {
    target: Target,
    opened: Arc<Opened>,
    meter: Arc<Meter>,
    queue: Arc<Mutex<VecDeque<Load>>>,
    stop: CancellationToken,
}

impl Lane {
    async fn run(self) -> Result<(), Stop> {
        let mut connection = connect::open_rows(&self.target, &self.stop).await?;
        while let Some(load) = self.next() {
            if self.stop.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            match load.plan.columns.iter().all(|c| c.ty == BcpType::RowVersion) {
                true => self.without_values(&load).await?,
                false => self.table(&mut *connection, &load).await?,
            }
        }
        Ok(())
    }

    fn next(&self) -> Option<Load> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Rows of a table whose every value the server gives: no bulk load could name a column.
    async fn without_values(&self, load: &Load) -> Result<(), Stop> {
        let meter = self.meter.table(load.meter);
        meter.begin();
        let mut orders = connect::open(&self.target, &self.stop).await?;
        let row = format!("INSERT INTO {} DEFAULT VALUES;\n", quote::qualified(&load.plan.schema, &load.plan.table));
        while meter.rows() < load.rows {
            let rows = (load.rows - meter.rows()).min(ROWS_AT_ONCE);
            let sql = row.repeat(usize::try_from(rows).unwrap_or_default());
            orders.batch(&sql, &format!("loading table {}", load.plan), &self.stop).await?;
            meter.add(rows, 0);
        }
        meter.finish();
        Ok(())
    }

    async fn table(&self, connection: &mut dyn RowConnection, load: &Load) -> Result<(), Stop> {
        let meter = self.meter.table(load.meter);
        meter.begin();
        let mut loader = connection.load_table(&load.plan, &load.columns, &self.stop).await?;
        let (blocks, mut received) = mpsc::channel(BLOCKS);
        let (opened, n) = (Arc::clone(&self.opened), load.table);
        let reader = tokio::task::spawn_blocking(move || read(&opened, n, &blocks));
        let mut written: Result<(), Stop> = Ok(());
        while let Some(block) = received.recv().await {
            let taken = match block {
                Block::Bytes(bytes) => {
                    let taken = loader.write(&bytes, &self.stop).await;
                    meter.add(loader.rows().saturating_sub(meter.rows()), bytes.len() as u64);
                    taken
                }
                Block::PartEnd => loader.end_part(),
            };
            if let Err(error) = taken {
                written = Err(error.into());
                break;
            }
        }
        // The reader ends when nobody listens any more.
        drop(received);
        let read = reader.await;
        written?;
        match read {
            Ok(Ok(())) => {}
            Ok(Err(Reading::Nobody)) => return Err(Stop::Cancelled),
            Ok(Err(Reading::Package(e))) => return Err(package::failure(&self.opened.label, &e).into()),
            Err(e) => return Err(Failure::new("pacrat made a mistake of its own").because(&e).into()),
        }
        let rows = loader.finish(&self.stop).await?;
        meter.add(rows.saturating_sub(meter.rows()), 0);
        if rows != load.rows {
            let message = format!("table {}: the server took {rows} rows of {}", load.plan, load.rows);
            return Err(Failure::new(message).hint("restore again, and report this").into());
        }
        meter.finish();
        Ok(())
    }
}

enum Block {
    Bytes(Vec<u8>),
    PartEnd,
}

enum Reading {
    /// The connection does not want more.
    Nobody,
    Package(PackageError),
}

impl From<PackageError> for Reading {
    fn from(error: PackageError) -> Self {
        Self::Package(error)
    }
}

impl From<BcpError> for Reading {
    fn from(error: BcpError) -> Self {
        Self::Package(error.into())
    }
}

/// The bytes of a table's rows, part after part, in the order of the clustered key.
fn read(opened: &Opened, table: usize, blocks: &mpsc::Sender<Block>) -> Result<(), Reading> {
    let table = &opened.package.tables()[table];
    let send = |block| blocks.blocking_send(block).map_err(|_| Reading::Nobody);
    for part in &table.parts {
        opened.package.part_bytes(table, part, |bytes| send(Block::Bytes(bytes.to_vec())))?;
        send(Block::PartEnd)?;
    }
    Ok(())
}
