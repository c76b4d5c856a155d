//! A restore: package → new database. Everything is checked before the database is made; what is made is dropped
//! again unless the restore ends well (or the operator wants to keep it).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::command::PackageSource;
use super::database;
use super::event::{Failure, FailureKind, Step, Summary};
use super::job::{JobContext, Stop};
use super::load;
use super::package::{self, Opened};
use super::verify;
use super::work::Jobs;
use crate::bacpac::model::Object;
use crate::bacpac::package::Report;
use crate::bacpac::script::{self, Batch, Form, Phase, Script};
use crate::sqlserver::catalogue::target_columns;
use crate::sqlserver::connect;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::Orders;
use crate::sqlserver::quote;
use crate::sqlserver::target::Target;

/// What is restored, and where to.
pub struct Wanted<'a> {
    /// The package.
    pub source: &'a PackageSource,
    /// The target server's name.
    pub server: &'a str,
    /// The new database.
    pub database: &'a str,
    /// Keep what there is when the restore does not end well.
    pub keep_partial: bool,
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Cancelled => Self::Cancelled,
            error => Failure::from(error).into(),
        }
    }
}

/// Restore, or leave nothing.
pub async fn restore(jobs: &Jobs, job: &JobContext, wanted: &Wanted<'_>) -> Result<Summary, Stop> {
    let mut made: Option<Target> = None;
    let result = run(jobs, job, wanted, &mut made).await;
    if let (Err(_), Some(target)) = (&result, made) {
        if wanted.keep_partial {
            job.remark(format!("database {} was kept; it is not complete", wanted.database));
        } else {
            job.cleaning_up();
            database::drop_made(&target, wanted.database, job).await;
        }
    }
    let said = |f: Box<Failure>| {
        let what = format!("database {} could not be restored to {}", wanted.database, wanted.server);
        Stop::from(f.during(what))
    };
    result.map_err(|stop| match stop {
        Stop::Failed(failure) => said(failure),
        cancelled => cancelled,
    })
}

async fn run(jobs: &Jobs, job: &JobContext, wanted: &Wanted<'_>, made: &mut Option<Target>) -> Result<Summary, Stop> {
    let name = wanted.database;
    let stores = jobs.stores.clone();
    let source = wanted.source.clone();
    let located = jobs.blocking(job, move || package::locate(Some(&stores), &source)).await?;
    // Nothing is made of a package that is not whole.
    let (checked, opened, report) = verify::verify(job, located).await?;

    job.step(Step::Connecting);
    let servers = Arc::clone(&jobs.servers);
    let server = wanted.server.to_owned();
    let target = jobs.blocking(job, move || servers.target(&server)).await?;
    let mut master = connect::open(&target.with_database("master"), &job.cancel).await?;
    if database::exists(&mut *master, name, &job.cancel).await? {
        let failure = Failure::new(format!("database {name} exists already on {}", wanted.server));
        return Err(failure
            .kind(FailureKind::Request)
            .hint("choose another name; a restore touches no database")
            .into());
    }

    job.step(Step::Creating);
    job.check()?;
    let collation = opened.model.options().and_then(|o| o.collation());
    database::create(&target, &mut *master, name, collation, job).await?;
    *made = Some(target.clone());
    drop(master);
    job.check()?;
    let script = script::script(&opened.model, Form::Server);
    for left in &script.not_carried {
        let text = format!("not restored: {left}");
        match left.kind.as_str() {
            // What a server decides for itself is worth knowing; it is nothing that the copy lacks.
            "database option" => job.inform(text),
            _ => job.remark(text),
        }
    }
    let target = target.with_database(name);
    let mut runner = Runner { orders: connect::open(&target, &job.cancel).await?, settings: None, job };
    runner.phases(&script, |phase| phase.is_before_data()).await?;

    job.step(Step::Loading);
    let columns = target_columns(&mut *runner.orders, &job.cancel).await?;
    let connections = jobs.servers.connections(wanted.server);
    let loaded = load::tables(job, &target, connections, &opened, &report, columns).await?;

    job.step(Step::Indexing);
    runner.phases(&script, |phase| matches!(phase, Phase::Keys | Phase::Indexes)).await?;
    job.step(Step::Constraints);
    runner.phases(&script, |phase| matches!(phase, Phase::Constraints | Phase::Versioning)).await?;
    trusted(&mut *runner.orders, &opened, &job.cancel).await?;
    job.step(Step::Modules);
    runner.modules(&script).await?;

    job.step(Step::Checking);
    counted(&mut *runner.orders, &opened, &report, &job.cancel).await?;
    job.check()?;
    Ok(Summary { database: Some(name.to_owned()), rows: loaded.0, bytes: loaded.1, ..checked })
}

/// Runs batches on one connection, each under its settings.
struct Runner<'a> {
    orders: Box<dyn Orders>,
    settings: Option<(bool, bool)>,
    job: &'a JobContext,
}

impl Runner<'_> {
    async fn batch(&mut self, batch: &Batch) -> Result<(), SqlError> {
        let wanted = (batch.ansi_nulls, batch.quoted_identifier);
        let cancel = &self.job.cancel;
        if self.settings != Some(wanted) {
            let word = |on: bool| if on { "ON" } else { "OFF" };
            let sql = format!("SET ANSI_NULLS {}; SET QUOTED_IDENTIFIER {};", word(wanted.0), word(wanted.1));
            self.orders.batch(&sql, "setting the session's options", cancel).await?;
            self.settings = Some(wanted);
        }
        let doing = format!("{} {}", batch.kind, batch.name);
        self.orders.batch(&batch.sql, &doing, cancel).await.map(|_| ())
    }

    /// The batches of some phases, in order. What is optional may fail, with a remark.
    async fn phases(&mut self, script: &Script, wanted: impl Fn(Phase) -> bool) -> Result<(), Stop> {
        for batch in script.batches.iter().filter(|b| wanted(b.phase)) {
            self.job.check()?;
            match self.batch(batch).await {
                Ok(()) => {}
                Err(error) if may_fail(batch) && refused(&error) => self.left_out(batch, &error),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Views, procedures and what comes after them. One that fails is tried again after the others, as long as that
    /// helps: a module may use one that the order does not know of.
    async fn modules(&mut self, script: &Script) -> Result<(), Stop> {
        let mut open: Vec<&Batch> = script.batches.iter().filter(|b| b.phase >= Phase::Modules).collect();
        loop {
            let mut failed = Vec::new();
            let before = open.len();
            for batch in open {
                self.job.check()?;
                match self.batch(batch).await {
                    Ok(()) => {}
                    Err(error) if refused(&error) => failed.push((batch, error)),
                    Err(error) => return Err(error.into()),
                }
            }
            if failed.is_empty() || failed.len() == before {
                for (batch, error) in failed {
                    self.left_out(batch, &error);
                }
                return Ok(());
            }
            open = failed.into_iter().map(|(batch, _)| batch).collect();
        }
    }

    fn left_out(&self, batch: &Batch, error: &SqlError) {
        let why =
            error.server().map_or_else(|| error.to_string(), |e| format!("{}: {}", e.cause.number, e.cause.message));
        self.job.remark(format!("not restored: {} {}: {why}", batch.kind, batch.name));
    }
}

/// The server refused this and takes more.
fn refused(error: &SqlError) -> bool {
    matches!(error, SqlError::Server { error, .. } if error.errors.iter().all(|e| e.class < 20))
}

/// Who may do what is not what the rows are: a user whose login is missing here is told, and stops nothing.
fn may_fail(batch: &Batch) -> bool {
    batch.optional || batch.phase == Phase::Principals
}

/// Every constraint that was trusted at the source is trusted here: its rows were checked by the server.
async fn trusted(orders: &mut dyn Orders, opened: &Opened, cancel: &CancellationToken) -> Result<(), Stop> {
    let mut untrusted_before: HashSet<(String, String)> = HashSet::new();
    for object in &opened.model.objects {
        let (name, disabled) = match object {
            Object::ForeignKey(key) => (&key.name, key.disabled),
            Object::Check(check) => (&check.name, check.disabled),
            _ => continue,
        };
        if disabled || object.rest().is_some_and(|r| r.is_untrusted()) {
            untrusted_before.insert((name.schema().to_owned(), name.last().to_owned()));
        }
    }
    const SQL: &str = "\
SELECT s.name AS schema_name, c.name AS constraint_name FROM sys.foreign_keys AS c \
JOIN sys.schemas AS s ON s.schema_id = c.schema_id WHERE c.is_not_trusted = 1 \
UNION ALL \
SELECT s.name AS schema_name, c.name AS constraint_name FROM sys.check_constraints AS c \
JOIN sys.schemas AS s ON s.schema_id = c.schema_id WHERE c.is_not_trusted = 1";
    let answer = orders.batch(SQL, "asking which constraints are trusted", cancel).await?;
    let untrusted: Vec<String> = answer
        .sets
        .iter()
        .flat_map(|set| set.records())
        .map(|r| (r.string("schema_name"), r.string("constraint_name")))
        .filter(|name| !untrusted_before.contains(name))
        .map(|(schema, name)| format!("{schema}.{name}"))
        .collect();
    if untrusted.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(format!("the server does not trust {}", untrusted.join(", ")));
    Err(failure.hint("its rows were not checked; report this").into())
}

/// Tables counted in one question.
const COUNTED_AT_ONCE: usize = 50;

/// Every table has as many rows as the package.
async fn counted(
    orders: &mut dyn Orders,
    opened: &Opened,
    report: &Report,
    cancel: &CancellationToken,
) -> Result<(), Stop> {
    let expected: HashMap<(&str, &str), u64> =
        report.tables.iter().map(|t| ((t.schema.as_str(), t.table.as_str()), t.rows)).collect();
    for tables in opened.package.tables().chunks(COUNTED_AT_ONCE) {
        let counts = tables.iter().enumerate().map(|(n, t)| {
            format!(
                "SELECT {n} AS n, COUNT_BIG(*) AS row_count FROM {}",
                quote::qualified(&t.plan.schema, &t.plan.table)
            )
        });
        let sql = counts.collect::<Vec<_>>().join(" UNION ALL ");
        let answer = orders.batch(&sql, "counting the restored rows", cancel).await?;
        let found: HashMap<i64, i64> = answer
            .sets
            .iter()
            .flat_map(|set| set.records())
            .filter_map(|r| Some((r.int("n")?, r.int("row_count")?)))
            .collect();
        for (n, table) in tables.iter().enumerate() {
            let expected = expected.get(&(table.plan.schema.as_str(), table.plan.table.as_str())).copied().unwrap_or(0);
            let found = i64::try_from(n).ok().and_then(|n| found.get(&n)).and_then(|n| u64::try_from(*n).ok());
            if found != Some(expected) {
                let found = found.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
                let message = format!("table {} has {found} rows where the package has {expected}", table.plan);
                return Err(Failure::new(message)
                    .hint("nothing of the package is lost: restore again, and report this")
                    .into());
            }
        }
    }
    Ok(())
}
