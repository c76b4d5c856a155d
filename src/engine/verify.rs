//! A verification: every byte of the archive, every row, the counts of the manifest.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::backup::digest;
use super::command::PackageSource;
use super::event::{Failure, FailureKind, Step, Summary};
use super::job::{JobContext, Meter, Stop, TableMeter};
use super::package::{self, Located, Opened};
use super::work::Jobs;
use crate::bacpac::package::{Depth, ExpectedRows, PackageError, Report, TableData, VerifyOptions, Verifying};
use crate::store::manifest::{Level, Verification};

/// Feeds the job's meter, and stops when the job is to stop.
struct Watcher {
    cancel: CancellationToken,
    meter: Arc<Meter>,
    /// Part's name → number of its table.
    tables: HashMap<String, usize>,
}

impl Verifying for Watcher {
    fn checked(&self, entry: &str, bytes: u64, rows: u64) {
        if let Some(n) = self.tables.get(entry) {
            let table = self.meter.table(*n);
            table.begin();
            table.add(rows, bytes);
        }
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Verify a package to the last row. `expected`: the tables that have rows, and how many. Blocks the async caller no
/// longer than the job's cancellation takes.
pub async fn check(job: &JobContext, opened: Arc<Opened>, expected: Option<Vec<ExpectedRows>>) -> Result<Report, Stop> {
    let tables: Vec<&TableData> = opened.package.tables().iter().filter(|t| !t.parts.is_empty()).collect();
    let rows: Option<HashMap<(&str, &str), u64>> =
        expected.as_ref().map(|e| e.iter().map(|t| ((t.schema.as_str(), t.table.as_str()), t.rows)).collect());
    let meters = tables.iter().map(|t| {
        let rows = rows.as_ref().and_then(|r| r.get(&(t.plan.schema.as_str(), t.plan.table.as_str())).copied());
        TableMeter::new(t.plan.to_string(), rows, Some(t.bytes()))
    });
    let meter = job.measure(meters.collect());
    let mut numbers = HashMap::new();
    for (n, table) in tables.iter().enumerate() {
        numbers.extend(table.parts.iter().map(|p| (p.name.clone(), n)));
    }
    let watcher = Watcher { cancel: job.cancel.clone(), meter: Arc::clone(&meter), tables: numbers };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = VerifyOptions { depth: Depth::Rows, threads, expected };
    let label = opened.label.clone();
    let verified = tokio::task::spawn_blocking(move || opened.package.verify(&options, &watcher)).await;
    match verified {
        Ok(Ok(report)) => {
            for n in 0..report.tables.len() {
                meter.table(n).finish();
            }
            Ok(report)
        }
        Ok(Err(PackageError::Cancelled)) => Err(Stop::Cancelled),
        Ok(Err(e)) => Err(package::failure(&label, &e).into()),
        Err(e) => Err(Failure::new("pacrat made a mistake of its own").because(&e).into()),
    }
}

/// The rows that a manifest promises.
pub fn promised(opened: &Opened) -> Option<Vec<ExpectedRows>> {
    let manifest = opened.manifest.as_ref()?;
    let expected =
        manifest.tables.iter().map(|t| ExpectedRows { schema: t.schema.clone(), table: t.table.clone(), rows: t.rows });
    Some(expected.collect())
}

/// Open a package that was found: its directory and its model are read, its rows are not.
pub async fn open(job: &JobContext, located: Located) -> Result<Arc<Opened>, Stop> {
    job.step(Step::Opening);
    // Opening reads the directory and the model: bounded, so not interrupted but not waited for either.
    let opening = tokio::task::spawn_blocking(move || package::open(located));
    match job.until_cancelled(opening).await? {
        Ok(opened) => Ok(Arc::new(opened?)),
        Err(e) => Err(Failure::new("pacrat made a mistake of its own").because(&e).into()),
    }
}

/// Verify an opened package: the summary, what was counted.
pub async fn verify_opened(job: &JobContext, opened: &Arc<Opened>) -> Result<(Summary, Report), Stop> {
    if let (Some(manifest), Some(size)) = (&opened.manifest, opened.size)
        && manifest.size != size
    {
        let message = format!("{}: the file has {size} bytes, its manifest says {}", opened.label, manifest.size);
        return Err(Failure::new(message).kind(FailureKind::Damaged).hint("take another backup").into());
    }
    job.step(Step::Verifying);
    let report = check(job, Arc::clone(opened), promised(opened)).await?;
    let summary = Summary {
        rows: report.tables.iter().map(|t| t.rows).sum(),
        bytes: report.tables.iter().map(|t| t.bytes).sum(),
        file: Some(opened.label.clone()),
        file_size: opened.size,
        database: None,
        remarks: report.notes.clone(),
    };
    Ok((summary, report))
}

/// Open and verify a package that was found: the summary, the package.
pub async fn verify(job: &JobContext, located: Located) -> Result<(Summary, Arc<Opened>), Stop> {
    let opened = open(job, located).await?;
    let (summary, _) = verify_opened(job, &opened).await?;
    Ok((summary, opened))
}

/// Verify a package of a store or a path. What a backup's manifest says is compared, too, and the manifest then says
/// that the backup was verified.
pub async fn in_store(jobs: &Jobs, job: &JobContext, source: &PackageSource) -> Result<Summary, Stop> {
    let (stores, wanted) = (jobs.stores.clone(), source.clone());
    let located = jobs.blocking(job, move || package::locate(Some(&stores), &wanted)).await?;
    let (summary, opened) = verify(job, located).await?;
    let (PackageSource::Backup(backup), Some(manifest)) = (source, &opened.manifest) else { return Ok(summary) };
    let store = Arc::clone(jobs.stores.get(&backup.store)?);
    let (file, cancel) = (backup.file.clone(), job.cancel.clone());
    let (bytes, expected) = (store.open(&file).map_err(Failure::from)?, manifest.sha256.clone());
    let (_, found) = jobs.blocking(job, move || digest(&*bytes, &cancel)).await?;
    if found != expected {
        let message = format!("{file}: its SHA-256 is {found} where its manifest says {expected}");
        return Err(Failure::new(message).kind(FailureKind::Damaged).hint("take another backup").into());
    }
    job.check()?;
    let mut manifest = (**manifest).clone();
    let level = manifest.verification.map_or(Level::Rows, |v| v.level.max(Level::Rows));
    manifest.verification = Some(Verification { level, at: Timestamp::now() });
    super::service::blocking(move || Ok(store.put_manifest(&file, &manifest)?)).await?;
    Ok(summary)
}
