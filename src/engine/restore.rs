//! A restore: package → new database, or, when its name was typed for that, one that is there. Everything is checked
//! before anything is made; a database that the restore made is dropped again unless the restore ends well (or the
//! operator wants to keep it). One that was there before is never dropped.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::command::{JobSpec, PackageSource};
use super::database;
use super::event::{Failure, Step, Summary};
use super::existing;
use super::job::{JobContext, Stop};
use super::load;
use super::package::{self, Opened};
use super::plan::{self, Plan};
use super::runner::Runner;
use super::verify;
use super::work::Jobs;
use crate::bacpac::model::{Model, Name, Object};
use crate::bacpac::package::Report;
use crate::bacpac::plan::TablePlan;
use crate::bacpac::script::{Choice, Content, Missing, Phase};
use crate::sqlserver::admin::{self, Created, Untrusted};
use crate::sqlserver::catalogue::target_columns;
use crate::sqlserver::connect;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::Orders;
use crate::sqlserver::target::Target;

/// What is restored, and where to.
pub struct Wanted<'a> {
    /// The package.
    pub source: &'a PackageSource,
    /// The target server's name.
    pub server: &'a str,
    /// The database.
    pub database: &'a str,
    /// Keep what there is when the restore does not end well.
    pub keep_partial: bool,
    /// The name of an existing database, typed a second time: the restore goes into it.
    pub existing: Option<&'a str>,
    /// What of the package.
    pub choice: &'a Choice,
}

impl<'a> Wanted<'a> {
    /// What a restore's order says; none for other jobs.
    pub fn of(spec: &'a JobSpec) -> Option<Self> {
        let JobSpec::Restore { source, server, database, keep_partial, existing, choice } = spec else { return None };
        Some(Self { source, server, database, keep_partial: *keep_partial, existing: existing.as_deref(), choice })
    }

    /// An error with what could not be done before it.
    pub fn refused(&self, failure: Failure) -> Failure {
        failure.during(format!("database {} could not be restored to {}", self.database, self.server))
    }
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Cancelled => Self::Cancelled,
            error => Failure::from(error).into(),
        }
    }
}

/// What a restore that did not end well has done so far.
#[derive(Default)]
struct Done {
    /// The database that was made, and where.
    made: Option<(Target, Created)>,
    /// Kind and name of what was made in a database that was there before.
    added: Vec<(&'static str, String)>,
}

/// Restore, or leave nothing.
pub async fn restore(jobs: &Jobs, job: &JobContext, wanted: &Wanted<'_>) -> Result<Summary, Stop> {
    let mut done = Done::default();
    let result = run(jobs, job, wanted, &mut done).await;
    if let (Err(_), Some((target, made))) = (&result, &done.made) {
        if wanted.keep_partial {
            job.remark(format!("database {} was kept; it is not complete", wanted.database));
        } else {
            job.cleaning_up();
            database::drop_made(target, made, job).await;
        }
    } else if result.is_err() && !done.added.is_empty() {
        const TOLD: usize = 50;
        let mut added: Vec<String> =
            done.added.iter().take(TOLD).map(|(kind, name)| format!("{kind} {name}")).collect();
        if done.added.len() > TOLD {
            added.push(format!("and {} more", done.added.len() - TOLD));
        }
        let name = wanted.database;
        job.remark(format!("database {name} was there before and is kept; this was added to it: {}", added.join(", ")));
    }
    result.map_err(|stop| match stop {
        Stop::Failed(failure) => wanted.refused(*failure).into(),
        cancelled => cancelled,
    })
}

async fn run(jobs: &Jobs, job: &JobContext, wanted: &Wanted<'_>, done: &mut Done) -> Result<Summary, Stop> {
    let name = wanted.database;
    if let Some(problem) = plan::choice_problem(name, wanted.existing, wanted.choice) {
        return Err(problem.into());
    }
    let stores = jobs.stores.clone();
    let source = wanted.source.clone();
    let located = jobs.blocking(job, move || package::locate(Some(&stores), &source)).await?;
    let opened = verify::open(job, located).await?;
    // What can be refused is refused before hours of rows are read.
    job.step(Step::Connecting);
    let mut plan = Plan::make(&jobs.servers, wanted, Arc::clone(&opened), &job.cancel).await?;
    plan.must_be_possible()?;
    // Nothing is made of a package that is not whole.
    let (checked, report) = verify::verify_opened(job, &opened).await?;
    if wanted.existing.is_some() {
        // Others may have worked in that database meanwhile.
        job.step(Step::Connecting);
        plan = Plan::make(&jobs.servers, wanted, Arc::clone(&opened), &job.cancel).await?;
        plan.must_be_possible()?;
    }
    job.check()?;
    plan.remarks.tell(job);
    job.step(Step::Creating);
    if wanted.existing.is_none() {
        let mut master = connect::open(&plan.target.with_database("master"), &job.cancel).await?;
        job.check()?;
        let made = database::create(&plan.target, &mut *master, name, plan.collation(), job).await?;
        done.made = Some((plan.target.clone(), made));
        job.check()?;
    }
    let orders = connect::open(&plan.target, &job.cancel).await?;
    let mut runner = Runner::new(orders, job, wanted.choice.skip_missing.contains(&Missing::Views));
    let result = fill(jobs, job, wanted, &plan, &report, &mut runner).await;
    if result.is_err() && wanted.existing.is_some() {
        done.added.extend(runner.made().iter().cloned());
    }
    let (rows, bytes) = result?;
    Ok(Summary { database: Some(name.to_owned()), rows, bytes, ..checked })
}

/// Makes the objects, loads the rows, proves both.
async fn fill(
    jobs: &Jobs,
    job: &JobContext,
    wanted: &Wanted<'_>,
    plan: &Plan,
    report: &Report,
    runner: &mut Runner<'_>,
) -> Result<(u64, u64), Stop> {
    let content = wanted.choice.content;
    let (script, opened) = (&plan.script, &plan.opened);
    let plans = plan.table_plans();
    if content != Content::Data {
        let in_memory = |o: &Object| match o {
            Object::Table(table) => table.memory_optimized,
            Object::TableType(kind) => kind.memory_optimized,
            _ => false,
        };
        if wanted.existing.is_none() && plan.model.objects.iter().any(in_memory) {
            let group = opened.model.objects.iter().find_map(|o| match o {
                Object::Filegroup(group) if group.memory_optimized => Some(group.name.last()),
                _ => None,
            });
            let group = group.unwrap_or("memory_optimized");
            database::place_for_memory(&mut *runner.orders, wanted.database, group, job).await?;
        }
        runner.batches(script, |b| b.phase.is_before_data()).await?;
    }
    let mut moved = (0, 0);
    if content != Content::Schema {
        job.step(Step::Loading);
        let columns = target_columns(&mut *runner.orders, &job.cancel).await?;
        let mut trusted = Vec::new();
        if content == Content::Data {
            let all: Vec<&TablePlan> = plans.values().map(|p| &**p).collect();
            trusted = existing::trusted_of(&mut *runner.orders, &all, &job.cancel).await?;
        }
        let connections = jobs.servers.connections(wanted.server);
        let loaded = load::tables(job, &plan.target, connections, opened, report, columns, &plans).await;
        if content == Content::Data
            && let Err(stop) = loaded
        {
            job.remark(format!(
                "database {} is kept; some of its tables may have rows of the package",
                wanted.database
            ));
            return Err(stop);
        }
        moved = loaded?;
        if content == Content::Data {
            job.step(Step::Constraints);
            existing::check_again(&mut *runner.orders, &trusted, job).await?;
            let loaded: HashSet<&Name> = plan.names.values().collect();
            runner
                .batches(script, |b| b.kind == "identity value" && b.needs.iter().any(|n| loaded.contains(n)))
                .await?;
        }
    }
    if content != Content::Data {
        job.step(Step::Indexing);
        runner.batches(script, |b| matches!(b.phase, Phase::Keys | Phase::Indexes)).await?;
        job.step(Step::Constraints);
        // Where no rows came, no number was drawn.
        let drawn = |kind: &str| content == Content::All || !matches!(kind, "identity value" | "sequence value");
        let late = |phase| matches!(phase, Phase::Constraints | Phase::Versioning);
        runner.batches(script, |b| late(b.phase) && drawn(b.kind)).await?;
        trusted(&mut *runner.orders, &plan.model, &job.cancel).await?;
        job.step(Step::Modules);
        runner.modules(script).await?;
    }
    job.step(Step::Checking);
    counted(&mut *runner.orders, opened, report, &plans, content, &job.cancel).await?;
    job.check()?;
    Ok(moved)
}

/// Every constraint of the model that was trusted at the source is trusted here: its rows were checked by the server.
async fn trusted(orders: &mut dyn Orders, model: &Model, cancel: &CancellationToken) -> Result<(), Stop> {
    // Names that the server makes up are its own: constraints that have none are told by their table.
    let mut excused: HashSet<(String, String)> = HashSet::new();
    let mut nameless: HashSet<(String, String)> = HashSet::new();
    let mut tables: HashSet<(String, String)> = HashSet::new();
    let pair = |name: &Name| (name.schema().to_owned(), name.last().to_owned());
    for object in &model.objects {
        let (name, table, disabled) = match object {
            Object::ForeignKey(key) => (&key.name, &key.table, key.disabled),
            Object::Check(check) => (&check.name, &check.table, check.disabled),
            _ => continue,
        };
        tables.insert(pair(table));
        if disabled || object.rest().is_some_and(|r| r.is_untrusted()) {
            if name.is_empty() {
                nameless.insert(pair(table));
            } else {
                excused.insert(pair(name));
            }
        }
    }
    let mut untrusted = Vec::new();
    for found in admin::untrusted_constraints(orders, cancel).await? {
        let Untrusted { schema, table, constraint, system_named } = found;
        let here = (schema.clone(), table);
        let excused =
            excused.contains(&(schema.clone(), constraint.clone())) || (system_named && nameless.contains(&here));
        // Tables that are not the package's are none of this restore's business.
        if tables.contains(&here) && !excused {
            untrusted.push(format!("{schema}.{constraint}"));
        }
    }
    if untrusted.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(format!("the server does not trust {}", untrusted.join(", ")));
    Err(failure.hint("its rows were not checked; report this").into())
}

/// Every table has as many rows as the package; none where only the schema was wanted.
async fn counted(
    orders: &mut dyn Orders,
    opened: &Opened,
    report: &Report,
    plans: &HashMap<usize, Arc<TablePlan>>,
    content: Content,
    cancel: &CancellationToken,
) -> Result<(), Stop> {
    let rows: HashMap<(&str, &str), u64> =
        report.tables.iter().map(|t| ((t.schema.as_str(), t.table.as_str()), t.rows)).collect();
    let wanted: Vec<(&TablePlan, u64)> = (opened.package.tables().iter().enumerate())
        .filter_map(|(n, table)| {
            let expected = rows.get(&(table.plan.schema.as_str(), table.plan.table.as_str())).copied().unwrap_or(0);
            let expected = if content == Content::Schema { 0 } else { expected };
            Some((&**plans.get(&n)?, expected))
        })
        .collect();
    let names: Vec<(&str, &str)> = wanted.iter().map(|(plan, _)| (&*plan.schema, &*plan.table)).collect();
    let counts = admin::count_rows(orders, &names, "counting the restored rows", cancel).await?;
    for ((plan, expected), found) in wanted.iter().zip(counts) {
        if found != Some(*expected) {
            let found = found.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
            let message = format!("table {plan} has {found} rows where the package has {expected}");
            return Err(Failure::new(message)
                .hint("nothing of the package is lost: restore again, and report this")
                .into());
        }
    }
    Ok(())
}
