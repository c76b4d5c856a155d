//! A restore: package → new database, or, when its name was typed for that, one that is there. Everything is checked
//! before anything is made; a database that the restore made is dropped again unless the restore ends well (or the
//! operator wants to keep it). One that was there before is never dropped.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::command::PackageSource;
use super::database;
use super::event::{Failure, FailureKind, Step, Summary};
use super::existing::{self, Holding};
use super::job::{JobContext, Stop};
use super::load;
use super::package::{self, Opened};
use super::runner::Runner;
use super::verify;
use super::work::Jobs;
use crate::bacpac::model::{Model, Name, Object};
use crate::bacpac::package::Report;
use crate::bacpac::plan::TablePlan;
use crate::bacpac::script::{self, Choice, ChoiceError, Chosen, Content, Form, Missing, Phase, Script};
use crate::sqlserver::admin::{self, Untrusted};
use crate::sqlserver::catalogue::{self, target_columns};
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
    /// The server, where a database was made.
    made: Option<Target>,
    /// Kind and name of what was made in a database that was there before.
    added: Vec<(&'static str, String)>,
}

/// Restore, or leave nothing.
pub async fn restore(jobs: &Jobs, job: &JobContext, wanted: &Wanted<'_>) -> Result<Summary, Stop> {
    let mut done = Done::default();
    let result = run(jobs, job, wanted, &mut done).await;
    if let (Err(_), Some(target)) = (&result, &done.made) {
        if wanted.keep_partial {
            job.remark(format!("database {} was kept; it is not complete", wanted.database));
        } else {
            job.cleaning_up();
            database::drop_made(target, wanted.database, job).await;
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
    let said = |f: Box<Failure>| {
        let what = format!("database {} could not be restored to {}", wanted.database, wanted.server);
        Stop::from(f.during(what))
    };
    result.map_err(|stop| match stop {
        Stop::Failed(failure) => said(failure),
        cancelled => cancelled,
    })
}

/// What is wrong with a choice, as far as it alone tells.
pub fn choice_problem(database: &str, existing: Option<&str>, choice: &Choice) -> Option<Failure> {
    let request = |message: &str, hint: &str| {
        Some(Failure::new(message.to_owned()).kind(FailureKind::Request).hint(hint.to_owned()))
    };
    match existing {
        // Typed twice, letter for letter: a slip of the hand restores into nothing.
        Some(typed) if typed != database => {
            let message = format!("{typed:?} was typed to restore into {database:?}");
            request(&message, "type the existing database's name exactly, both times")
        }
        Some(_) if choice.collation.is_some() || choice.compatibility_level.is_some() => {
            let message = "an existing database keeps its collation and its compatibility level";
            request(message, "leave them out, or restore into a new database")
        }
        None if choice.content == Content::Data => {
            request("rows alone need a database that is there", "type its name with --into-existing")
        }
        _ => None,
    }
}

/// A choice that can't be had.
fn refused_choice(error: &ChoiceError) -> Failure {
    let hint = match error {
        ChoiceError::Missing { skip, .. } => {
            let word = match skip {
                Missing::ForeignKeys => "foreign-keys",
                Missing::Sequences => "sequences",
                Missing::Views => "views",
            };
            format!("restore it, too, or leave out what refers to it with --skip-missing {word}")
        }
        ChoiceError::NoTable(_) => "pacrat inspect lists the tables; write them as schema.table".into(),
        ChoiceError::NoUser(_) => "pacrat script shows the users".into(),
        ChoiceError::Collation(_) => "for example Latin1_General_100_CI_AS".into(),
        ChoiceError::Compatibility(_) => "for example 150 for SQL Server 2019".into(),
        ChoiceError::Shape(_) => "report this".into(),
    };
    Failure::new(error.to_string()).kind(FailureKind::Request).hint(hint)
}

/// The database that a restore goes into, and what of the package fits there.
struct Place {
    target: Target,
    /// What is made.
    model: Model,
    /// The tables, by their names in the package.
    names: HashMap<Name, Name>,
}

async fn run(jobs: &Jobs, job: &JobContext, wanted: &Wanted<'_>, done: &mut Done) -> Result<Summary, Stop> {
    let name = wanted.database;
    if let Some(problem) = choice_problem(name, wanted.existing, wanted.choice) {
        return Err(problem.into());
    }
    let stores = jobs.stores.clone();
    let source = wanted.source.clone();
    let located = jobs.blocking(job, move || package::locate(Some(&stores), &source)).await?;
    // Nothing is made of a package that is not whole.
    let (checked, opened, report) = verify::verify(job, located).await?;
    let chosen = script::choose(&opened.model, wanted.choice).map_err(|e| refused_choice(&e))?;

    job.step(Step::Connecting);
    let servers = Arc::clone(&jobs.servers);
    let server = wanted.server.to_owned();
    let target = jobs.blocking(job, move || servers.target(&server)).await?;
    let place = place(job, wanted, target, &chosen, done).await?;
    job.check()?;
    for left in &chosen.left {
        job.remark(format!("not restored: {left}"));
    }
    let content = wanted.choice.content;
    let script = script::script(&place.model, Form::Server);
    if content != Content::Data {
        for left in &script.not_carried {
            let text = format!("not restored: {left}");
            match left.kind.as_str() {
                // What a server decides for itself is worth knowing; it is nothing that the copy lacks.
                "database option" => job.inform(text),
                _ => job.remark(text),
            }
        }
    }
    let orders = connect::open(&place.target, &job.cancel).await?;
    let mut runner = Runner::new(orders, job, wanted.choice.skip_missing.contains(&Missing::Views));
    let result = fill(jobs, job, wanted, &place, &script, &opened, &report, &mut runner).await;
    if result.is_err() && wanted.existing.is_some() {
        done.added.extend(runner.made().iter().cloned());
    }
    let (rows, bytes) = result?;
    Ok(Summary { database: Some(name.to_owned()), rows, bytes, ..checked })
}

/// The new database, or the existing one with what fits into it.
async fn place(
    job: &JobContext,
    wanted: &Wanted<'_>,
    target: Target,
    chosen: &Chosen,
    done: &mut Done,
) -> Result<Place, Stop> {
    let name = wanted.database;
    let mut master = connect::open(&target.with_database("master"), &job.cancel).await?;
    let exists = database::exists(&mut *master, name, &job.cancel).await?;
    let same: HashMap<Name, Name> = chosen.tables.iter().map(|n| (n.clone(), n.clone())).collect();
    if wanted.existing.is_none() {
        if exists {
            let failure = Failure::new(format!("database {name} exists already on {}", wanted.server));
            return Err(failure
                .kind(FailureKind::Request)
                .hint("choose another name; a restore touches no database that was not typed for it")
                .into());
        }
        job.step(Step::Creating);
        job.check()?;
        let collation = chosen.model.options().and_then(|o| o.collation());
        database::create(&target, &mut *master, name, collation, job).await?;
        done.made = Some(target.clone());
        return Ok(Place { target: target.with_database(name), model: chosen.model.clone(), names: same });
    }
    if !exists {
        let failure = Failure::new(format!("database {name} is not on {}", wanted.server));
        return Err(failure.kind(FailureKind::Request).hint("a new database needs no typing of its name").into());
    }
    let target = target.with_database(name);
    if wanted.choice.content == Content::Data {
        return Ok(Place { target, model: chosen.model.clone(), names: same });
    }
    let mut orders = connect::open(&target, &job.cancel).await?;
    let holding = Holding::of(&mut *orders, &job.cancel).await?;
    let (model, names) = holding.fit(&chosen.model, wanted.choice.on_conflict, Timestamp::now(), job)?;
    job.step(Step::Creating);
    Ok(Place { target, model, names })
}

/// Makes the objects, loads the rows, proves both.
#[expect(clippy::too_many_arguments, reason = "the parts of one restore, each of its own making")]
async fn fill(
    jobs: &Jobs,
    job: &JobContext,
    wanted: &Wanted<'_>,
    place: &Place,
    script: &Script,
    opened: &Arc<Opened>,
    report: &Report,
    runner: &mut Runner<'_>,
) -> Result<(u64, u64), Stop> {
    let content = wanted.choice.content;
    let plans = plans(opened, &place.names);
    if content != Content::Data {
        let in_memory = |o: &Object| match o {
            Object::Table(table) => table.memory_optimized,
            Object::TableType(kind) => kind.memory_optimized,
            _ => false,
        };
        if wanted.existing.is_none() && place.model.objects.iter().any(in_memory) {
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
            let there = catalogue::read(&mut *runner.orders, &job.cancel).await?;
            existing::empty_and_alike(&mut *runner.orders, &all, &there.tables, &job.cancel).await?;
            trusted = existing::trusted_of(&mut *runner.orders, &all, &job.cancel).await?;
        }
        let connections = jobs.servers.connections(wanted.server);
        let loaded = load::tables(job, &place.target, connections, opened, report, columns, &plans).await;
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
            let loaded: HashSet<&Name> = place.names.values().collect();
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
        trusted(&mut *runner.orders, &place.model, &job.cancel).await?;
        job.step(Step::Modules);
        runner.modules(script).await?;
    }
    job.step(Step::Checking);
    counted(&mut *runner.orders, opened, report, &plans, content, &job.cancel).await?;
    job.check()?;
    Ok(moved)
}

/// The plans of the wanted tables under their names at the target, by their numbers in the package.
fn plans(opened: &Opened, names: &HashMap<Name, Name>) -> HashMap<usize, Arc<TablePlan>> {
    let mut plans = HashMap::new();
    for (n, table) in opened.package.tables().iter().enumerate() {
        let Some(name) = names.get(&Name::two(&table.plan.schema, &table.plan.table)) else { continue };
        let mut plan = Arc::clone(&table.plan);
        if (plan.schema.as_str(), plan.table.as_str()) != (name.schema(), name.last()) {
            let changed = Arc::make_mut(&mut plan);
            changed.schema = name.schema().to_owned();
            changed.table = name.last().to_owned();
        }
        plans.insert(n, plan);
    }
    plans
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
