//! What a job at work has in hand: its token, its steps, its meter, its remarks. The kinds of jobs are in files of
//! their own; who starts them and tells the world is the scheduler.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::command::JobSpec;
use super::event::{Failure, JobId, JobState, Progress, Severity, Step, Summary, TableProgress, What};

/// Why a job stopped before it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// It failed.
    Failed(Box<Failure>),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// What does the jobs. In the service they are the real ones; the scheduler's tests bring their own.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// The server whose turn the job waits for.
    fn server(&self, spec: &JobSpec) -> Option<String>;
    /// Do it, clean-up included: when this returns, nothing is left that should not be.
    async fn run(&self, spec: &JobSpec, job: &JobContext) -> Result<Summary, Stop>;
}

/// One table's counters.
#[derive(Debug)]
pub struct TableMeter {
    table: String,
    rows_total: Option<u64>,
    bytes_total: Option<u64>,
    rows: AtomicU64,
    bytes: AtomicU64,
    begun: AtomicBool,
    done: AtomicBool,
}

impl TableMeter {
    /// A table of which so much is expected.
    pub fn new(table: impl Into<String>, rows_total: Option<u64>, bytes_total: Option<u64>) -> Self {
        Self {
            table: table.into(),
            rows_total,
            bytes_total,
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            begun: AtomicBool::new(false),
            done: AtomicBool::new(false),
        }
    }

    /// Work on it begins.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// So much more was moved.
    pub fn add(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// All of it was moved.
    pub fn finish(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// The counters of a step.
#[derive(Debug, Default)]
pub struct Meter {
    tables: Vec<TableMeter>,
}

impl Meter {
    /// Of these tables.
    pub fn new(tables: Vec<TableMeter>) -> Self {
        Self { tables }
    }

    /// The counters of the n-th table.
    pub fn table(&self, n: usize) -> &TableMeter {
        &self.tables[n]
    }

    /// How far it is now.
    pub fn sample(&self) -> Progress {
        let mut progress = Progress::default();
        let (mut rows_total, mut bytes_total) = (Some(0u64), Some(0u64));
        for table in &self.tables {
            let (rows, bytes, done) = (table.rows(), table.bytes(), table.done.load(Ordering::Relaxed));
            progress.rows += rows;
            progress.bytes += bytes;
            progress.tables_total += 1;
            progress.tables_done += u32::from(done);
            // What was an estimate is known once the table is done; never is the total below what was moved.
            let expect = |total: Option<u64>, moved: u64| if done { Some(moved) } else { total.map(|t| t.max(moved)) };
            // What is expected is what a server or a file says.
            rows_total = rows_total.zip(expect(table.rows_total, rows)).map(|(a, b)| a.saturating_add(b));
            bytes_total = bytes_total.zip(expect(table.bytes_total, bytes)).map(|(a, b)| a.saturating_add(b));
            if table.begun.load(Ordering::Relaxed) && !done {
                progress.current.push(TableProgress {
                    table: table.table.clone(),
                    rows,
                    rows_total: table.rows_total,
                    bytes,
                    done,
                });
            }
        }
        progress.rows_total = rows_total;
        progress.bytes_total = bytes_total;
        progress
    }
}

/// What a job tells the scheduler.
pub type Tell = Arc<dyn Fn(What) + Send + Sync>;

/// A job at work.
pub struct JobContext {
    /// Its number.
    pub id: JobId,
    /// Cancelled when it is to stop.
    pub cancel: CancellationToken,
    tell: Tell,
    meter: Mutex<Arc<Meter>>,
    moved: Mutex<(u64, u64)>,
    remarks: Mutex<Vec<String>>,
    last: Mutex<Progress>,
}

impl JobContext {
    /// A job that tells what happens through `tell`.
    pub fn new(id: JobId, cancel: CancellationToken, tell: Tell) -> Self {
        Self {
            id,
            cancel,
            tell,
            meter: Mutex::default(),
            moved: Mutex::default(),
            remarks: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// A step begins.
    pub fn step(&self, step: Step) {
        tracing::info!(job = self.id.0, step = step.label());
        (self.tell)(What::Step { step });
    }

    /// Clean-up begins.
    pub fn cleaning_up(&self) {
        (self.tell)(What::State { state: JobState::CleaningUp });
    }

    /// Something worth knowing.
    pub fn inform(&self, text: impl Into<String>) {
        (self.tell)(What::Message { severity: Severity::Info, text: text.into() });
    }

    /// Something that is not as it should be; it is told now and stands in the summary.
    pub fn remark(&self, text: impl Into<String>) {
        let text = text.into();
        tracing::warn!(job = self.id.0, "{text}");
        lock(&self.remarks).push(text.clone());
        (self.tell)(What::Message { severity: Severity::Warning, text });
    }

    /// A step that moves rows begins: these are its counters, from nought.
    pub fn measure(&self, tables: Vec<TableMeter>) -> Arc<Meter> {
        let meter = Arc::new(Meter::new(tables));
        *lock(&self.meter) = Arc::clone(&meter);
        meter
    }

    /// The rows and bytes that the summary of a job that stops early tells: those of its main step.
    pub fn keep_as_moved(&self, meter: &Meter) {
        let sample = meter.sample();
        *lock(&self.moved) = (sample.rows, sample.bytes);
    }

    /// Stop here if asked to.
    pub fn check(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// Wait for something, and stop waiting when asked to.
    pub async fn until_cancelled<T>(&self, wait: impl Future<Output = T> + Send) -> Result<T, Stop> {
        // The token first: what is ready at the same moment does not keep a cancelled job going.
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stop::Cancelled),
            done = wait => Ok(done),
        }
    }

    pub(super) fn tell_progress(&self) {
        let meter = Arc::clone(&lock(&self.meter));
        // Before the first step that moves rows there is nothing to tell.
        if meter.tables.is_empty() {
            return;
        }
        let progress = meter.sample();
        let mut last = lock(&self.last);
        if *last != progress {
            last.clone_from(&progress);
            (self.tell)(What::Progress(progress));
        }
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        lock(&self.remarks).clone()
    }

    pub(super) fn moved(&self) -> (u64, u64) {
        let kept = *lock(&self.moved);
        if kept != (0, 0) {
            return kept;
        }
        let sample = lock(&self.meter).sample();
        (sample.rows, sample.bytes)
    }
}

/// The values under these locks are whole at every moment: one that a panic left is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_known_only_if_every_table_says_so_and_never_below_what_was_moved() {
        let meter = Meter::new(vec![TableMeter::new("dbo.A", Some(10), None), TableMeter::new("dbo.B", Some(5), None)]);
        meter.table(0).begin();
        meter.table(0).add(4, 40);
        let sample = meter.sample();
        assert_eq!((sample.rows, sample.rows_total, sample.bytes_total), (4, Some(15), None));
        assert_eq!((sample.tables_done, sample.tables_total), (0, 2));
        assert_eq!(sample.current.len(), 1);
        meter.table(0).add(8, 80);
        assert_eq!(meter.sample().rows_total, Some(17), "the estimate was too low");
        meter.table(0).finish();
        meter.table(1).add(1, 10);
        meter.table(1).finish();
        let sample = meter.sample();
        assert_eq!((sample.rows_total, sample.bytes_total), (Some(13), Some(130)));
        assert_eq!((sample.tables_done, sample.current.len()), (2, 0));
    }
}
