//! The plan of a restore: what is made, under which names, what is left out, and what stands in the way, worked out of
//! the package and the target before anything is made. A restore carries such a plan out; a dry run and the dashboard
//! show it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::event::{Failure, FailureKind, Severity};
use super::existing::{self, Holding};
use super::job::{JobContext, Stop};
use super::package::{self, Opened};
use super::query::{PlannedTable, RestorePlan};
use super::restore::Wanted;
use super::servers::Servers;
use super::service::blocking;
use crate::bacpac::model::{Model, Name, Object};
use crate::bacpac::plan::TablePlan;
use crate::bacpac::script::{self, Choice, ChoiceError, Chosen, Content, Form, Missing, Script, Users};
use crate::config::nearest;
use crate::sqlserver::admin::{self, ServerFacts};
use crate::sqlserver::orders::Orders;
use crate::sqlserver::target::Target;
use crate::sqlserver::{catalogue, connect, preflight};

/// Names that a hint lists at most.
const LISTED: usize = 12;

/// What is told of a plan before it is carried out, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks(Vec<(Severity, String)>);

impl Remarks {
    /// Worth knowing.
    pub fn inform(&mut self, text: impl Into<String>) {
        self.0.push((Severity::Info, text.into()));
    }

    /// Not as it was.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.0.push((Severity::Warning, text.into()));
    }

    /// Tells the job's followers all of it.
    pub fn tell(&self, job: &JobContext) {
        for (severity, text) in &self.0 {
            match severity {
                Severity::Info => job.inform(text),
                Severity::Warning => job.remark(text),
            }
        }
    }

    fn of(&self, wanted: Severity) -> Vec<String> {
        self.0.iter().filter(|(severity, _)| *severity == wanted).map(|(_, text)| text.clone()).collect()
    }
}

/// What a restore carries out.
pub struct Plan {
    /// The package.
    pub opened: Arc<Opened>,
    /// The server, in the database that is restored into.
    pub target: Target,
    /// What is made.
    pub model: Model,
    /// The wanted tables: their names in the package, and at the target.
    pub names: HashMap<Name, Name>,
    /// How it is made.
    pub script: Script,
    /// What is told before it begins.
    pub remarks: Remarks,
    facts: ServerFacts,
    doubts: Vec<String>,
    refusals: Vec<Failure>,
}

fn request(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new(message).kind(FailureKind::Request).hint(hint)
}

/// What is wrong with a choice, as far as it alone tells. Flags, configuration and dialog are refused with these words.
pub fn choice_problem(database: &str, existing: Option<&str>, choice: &Choice) -> Option<Failure> {
    if let Err(error) = choice.check() {
        return Some(refused_choice(&error, None));
    }
    match existing {
        // Typed twice, letter for letter: a slip of the hand restores into nothing.
        Some(typed) if typed != database => {
            let message = format!("{typed:?} was typed to restore into {database:?}");
            Some(request(message, "type the existing database's name exactly, both times"))
        }
        Some(_) if choice.collation.is_some() || choice.compatibility_level.is_some() => {
            let message = "an existing database keeps its collation and its compatibility level";
            Some(request(message, "leave them out, or restore into a new database"))
        }
        None if choice.content == Content::Data => {
            let hint = "name one, and type its name a second time (--into-existing; in the dashboard: Again)";
            Some(request("rows alone need a database that is there", hint))
        }
        _ => None,
    }
}

/// A choice that can't be had; of this package, where it is known.
pub fn refused_choice(error: &ChoiceError, model: Option<&Model>) -> Failure {
    let hint = match error {
        ChoiceError::Missing { skip, .. } => {
            let word = match skip {
                Missing::ForeignKeys => "foreign-keys",
                Missing::Sequences => "sequences",
                Missing::Views => "views",
            };
            format!(
                "restore it, too, or leave out what refers to it (--skip-missing {word}; in the dashboard: Missing)"
            )
        }
        ChoiceError::NoTable(text) => {
            let all = model.into_iter().flat_map(Model::tables);
            let names: Vec<String> = all.map(|t| script::table_text(t.name.schema(), t.name.last())).collect();
            match nearest(text, names.iter().map(String::as_str)) {
                Some(near) => format!("write {near}; pacrat inspect lists all tables"),
                None => "pacrat inspect lists the tables; write them as schema.table".into(),
            }
        }
        ChoiceError::NoUser(_) => {
            let all = model.into_iter().flat_map(|m| &m.objects);
            let mut names: Vec<&str> =
                all.filter_map(|o| if let Object::User(u) = o { Some(u.name.last()) } else { None }).collect();
            names.sort_unstable();
            match names.len() {
                0 => "the package has no users at all".into(),
                n if n > LISTED => format!("its users are: {} and {} more", names[..LISTED].join(", "), n - LISTED),
                _ => format!("its users are: {}", names.join(", ")),
            }
        }
        ChoiceError::Collation(_) => "for example Latin1_General_100_CI_AS".into(),
        ChoiceError::Compatibility(_) => "for example 150 for SQL Server 2019".into(),
        ChoiceError::Login { .. } => "a login has 1 to 128 characters".into(),
        ChoiceError::Shape(_) => "report this".into(),
    };
    request(error.to_string(), hint)
}

/// `SQL Server 2019` of a major version.
fn product(major: u32) -> String {
    let year = match major {
        11 => "2012",
        12 => "2014",
        13 => "2016",
        14 => "2017",
        15 => "2019",
        16 => "2022",
        17 => "2025",
        _ => return format!("SQL Server {major}"),
    };
    format!("SQL Server {year}")
}

impl Plan {
    /// Works it out. What makes a plan impossible (a table that there is not, a server that does not answer) is an
    /// error; what refuses the restore is in the plan, beside everything else that is known.
    pub async fn make(
        servers: &Arc<Servers>,
        wanted: &Wanted<'_>,
        opened: Arc<Opened>,
        cancel: &CancellationToken,
    ) -> Result<Self, Stop> {
        if let Some(problem) = choice_problem(wanted.database, wanted.existing, wanted.choice) {
            return Err(problem.into());
        }
        let chosen = script::choose(&opened.model, wanted.choice);
        let chosen = chosen.map_err(|e| refused_choice(&e, Some(&opened.model)))?;
        let (known, server) = (Arc::clone(servers), wanted.server.to_owned());
        let target = blocking(move || known.target(&server)).await?;
        let mut master = connect::open(&target.with_database("master"), cancel).await?;
        let facts = admin::server_facts(&mut *master, cancel).await?;
        let Chosen { model, left, notes, tables } = chosen;
        let mut plan = Self {
            target: target.with_database(wanted.database),
            names: tables.into_iter().map(|n| (n.clone(), n)).collect(),
            model,
            script: Script::default(),
            remarks: Remarks::default(),
            opened,
            facts,
            doubts: Vec::new(),
            refusals: Vec::new(),
        };
        plan.look(wanted, &mut *master, cancel).await?;
        for note in notes {
            plan.remarks.inform(note);
        }
        for left in &left {
            plan.remarks.remark(format!("not restored: {left}"));
        }
        plan.script = script::script(&plan.model, Form::Server);
        if wanted.choice.content != Content::Data {
            for left in &plan.script.not_carried {
                let text = format!("not restored: {left}");
                match left.kind.as_str() {
                    // What a server decides for itself is worth knowing; it is nothing that the copy lacks.
                    "database option" | "login" => plan.remarks.inform(text),
                    _ => plan.remarks.remark(text),
                }
            }
            plan.doubt_versions(wanted);
            plan.doubt_logins(wanted, &mut *master, cancel).await?;
            plan.doubt_assemblies(wanted, &mut *master, cancel).await?;
        }
        Ok(plan)
    }

    /// Looks at the target: the name that is to be free, or the database that is to be there.
    async fn look(
        &mut self,
        wanted: &Wanted<'_>,
        master: &mut dyn Orders,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let (name, server) = (wanted.database, wanted.server);
        let exists = admin::database_exists(master, name, cancel).await?;
        match (wanted.existing, exists) {
            (None, true) => {
                let hint = "choose another name; a restore touches no database that was not typed for it";
                self.refusals.push(request(format!("database {name} exists already on {server}"), hint));
            }
            (None, false) => {}
            (Some(_), false) => {
                let hint = "a new database needs no typing of its name";
                self.refusals.push(request(format!("database {name} is not on {server}"), hint));
            }
            (Some(_), true) => self.look_inside(wanted, master, cancel).await?,
        }
        if wanted.existing.is_none() {
            let may = preflight::may_create_databases(master, self.facts.engine_edition, cancel).await?;
            if may == Some(false) {
                let failure = Failure::new(format!("pacrat's login may not create databases on {server}"));
                let hint = "have it added to the server role dbcreator, or let it in by another login";
                self.refusals.push(failure.hint(hint));
            }
            if let Some(collation) = self.collation().map(str::to_owned)
                && preflight::has_collation(master, &collation, cancel).await? == Some(false)
            {
                self.doubts.push(format!("{server} does not seem to have the collation {collation}"));
            }
        }
        Ok(())
    }

    /// The database that is restored into.
    async fn look_inside(
        &mut self,
        wanted: &Wanted<'_>,
        master: &mut dyn Orders,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let name = wanted.database;
        if preflight::is_read_only(master, name, cancel).await? {
            let hint = "ALTER DATABASE … SET READ_WRITE, or another database";
            self.refusals.push(request(format!("database {name} is read-only"), hint));
        }
        let mut orders = connect::open(&self.target, cancel).await?;
        if wanted.choice.content == Content::Data {
            let there = catalogue::read(&mut *orders, cancel).await?;
            let plans = self.table_plans();
            let mut all: Vec<&TablePlan> = plans.values().map(|p| &**p).collect();
            // Of several refusals the same one is told each time.
            all.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
            match existing::empty_and_alike(&mut *orders, &all, &there.tables, cancel).await {
                Err(Stop::Failed(failure)) if failure.kind == FailureKind::Request => self.refusals.push(*failure),
                other => other?,
            }
            return Ok(());
        }
        if preflight::may_create_tables(&mut *orders, cancel).await? == Some(false) {
            let failure = Failure::new(format!("pacrat's login may not make tables in {name}"));
            self.refusals.push(failure.hint("have it added to the role db_owner of that database"));
        }
        let holding = Holding::of(&mut *orders, cancel).await?;
        match holding.fit(&self.model, wanted.choice.on_conflict, Timestamp::now(), &mut self.remarks) {
            Ok((model, names)) => (self.model, self.names) = (model, names),
            Err(failure) => self.refusals.push(failure),
        }
        Ok(())
    }

    /// What a server of an older version than the package's may not know.
    fn doubt_versions(&mut self, wanted: &Wanted<'_>) {
        let server = wanted.server;
        // 5 is Azure SQL Database, 8 a managed instance: their version number does not say what they know.
        if matches!(self.facts.engine_edition, 5 | 8) {
            return;
        }
        let Some(major) = self.facts.version.split('.').next().and_then(|m| m.parse::<u32>().ok()) else { return };
        let platform = package::platform(&self.opened.model);
        let from = platform.strip_prefix("Sql").and_then(|n| n.parse::<u32>().ok()).map(|n| n / 10);
        if let Some(from) = from.filter(|from| *from > major) {
            self.doubts.push(format!(
                "the package is of {}, and {server} is {}: what it does not know is refused, or left out and named",
                product(from),
                product(major)
            ));
        }
        let level = script::compatibility_of(&self.model);
        if let Some(level) = level.filter(|level| *level > major * 10 && wanted.existing.is_none()) {
            self.doubts.push(format!(
                "compatibility level {level} is beyond {server} ({}): the database gets {}",
                product(major),
                major * 10
            ));
        }
    }

    /// Users whose login is not to be seen on the server.
    async fn doubt_logins(
        &mut self,
        wanted: &Wanted<'_>,
        master: &mut dyn Orders,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let users = self.model.objects.iter().filter_map(|o| match o {
            Object::User(user) => Some((user.name.last().to_owned(), script::login_of(user)?)),
            _ => None,
        });
        let users: Vec<(String, String)> = users.collect();
        if users.is_empty() {
            return Ok(());
        }
        let Some(logins) = preflight::logins(master, cancel).await? else { return Ok(()) };
        // Servers compare names their own way; a difference in case alone is most often none.
        let seen: Vec<String> = logins.iter().map(|l| l.to_lowercase()).collect();
        let mapped = match &wanted.choice.users {
            Users::Map(map) | Users::MapPresent(map) => Some(map),
            Users::AsInFile | Users::None => None,
        };
        for (user, login) in users {
            if !seen.contains(&login.to_lowercase()) {
                let how = if mapped.is_some_and(|m| m.contains_key(&user)) { " (as mapped)" } else { "" };
                self.doubts.push(format!(
                    "user {user}: login {login}{how} is not to be seen on {}; without it the user is made without a login",
                    wanted.server
                ));
            }
        }
        Ok(())
    }

    /// Assemblies that the server may not take, or not run.
    async fn doubt_assemblies(
        &mut self,
        wanted: &Wanted<'_>,
        master: &mut dyn Orders,
        cancel: &CancellationToken,
    ) -> Result<(), Stop> {
        let server = wanted.server;
        let assemblies = self.script.batches.iter().filter(|b| b.kind == "assembly").count();
        if assemblies == 0 {
            return Ok(());
        }
        let options = preflight::code_options(master, cancel).await?;
        if options.strict == Some(true) {
            self.doubts.push(format!(
                "{server} takes only assemblies that are signed or trusted ('clr strict security'): others are refused \
                 (10343) and named, with what is made of them"
            ));
        }
        if options.enabled == Some(false) {
            self.doubts.push(format!(
                "code in assemblies does not run on {server} ('clr enabled' is off): it is restored, and calling it is \
                 error 6263"
            ));
        }
        Ok(())
    }

    /// The collation of a new database.
    pub fn collation(&self) -> Option<&str> {
        self.model.options().and_then(|o| o.collation())
    }

    /// The first thing that refuses the restore is its error.
    pub fn must_be_possible(&self) -> Result<(), Failure> {
        self.refusals.first().map_or(Ok(()), |refusal| Err(refusal.clone()))
    }

    /// The plans of the wanted tables under their names at the target, by their numbers in the package.
    pub fn table_plans(&self) -> HashMap<usize, Arc<TablePlan>> {
        let mut plans = HashMap::new();
        for (n, table) in self.opened.package.tables().iter().enumerate() {
            let Some(name) = self.names.get(&Name::two(&table.plan.schema, &table.plan.table)) else { continue };
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

    /// The plan as a plain value. Blocks: the rows of a small package without a manifest are counted.
    pub fn told(&self, wanted: &Wanted<'_>) -> Result<RestorePlan, Failure> {
        let content = wanted.choice.content;
        let total = self.opened.package.tables().iter().map(|t| t.bytes()).sum();
        let mut tables = Vec::new();
        for (n, plan) in self.table_plans() {
            let table = &self.opened.package.tables()[n];
            let (schema, name) = (&table.plan.schema, &table.plan.table);
            let other = (&plan.schema, &plan.table) != (schema, name);
            let with_rows = content != Content::Schema;
            tables.push(PlannedTable {
                schema: schema.clone(),
                table: name.clone(),
                restored_as: other.then(|| script::table_text(&plan.schema, &plan.table)),
                rows: if with_rows { package::rows_of(&self.opened, table, total)? } else { Some(0) },
                bytes: if with_rows { table.bytes() } else { 0 },
            });
        }
        tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
        let mut kinds: BTreeMap<(script::Phase, &str), u64> = BTreeMap::new();
        if content != Content::Data {
            let told = |b: &&script::Batch| {
                let right = b.phase == script::Phase::Permissions || b.kind == "role membership";
                (b.creates || right) && b.kind != "database option"
            };
            for batch in self.script.batches.iter().filter(told) {
                *kinds.entry((batch.phase, batch.kind)).or_default() += 1;
            }
        }
        Ok(RestorePlan {
            package: self.opened.label.clone(),
            verification: self.opened.manifest.as_ref().and_then(|m| m.verification),
            server: wanted.server.to_owned(),
            server_version: self.facts.version.clone(),
            database: wanted.database.to_owned(),
            existing: wanted.existing.is_some(),
            collation: self.collation().filter(|_| wanted.existing.is_none()).map(str::to_owned),
            choice: wanted.choice.words(),
            tables,
            objects: kinds.into_iter().map(|((_, kind), n)| (kind.to_owned(), n)).collect(),
            left: self.remarks.of(Severity::Warning),
            notes: self.remarks.of(Severity::Info),
            doubts: self.doubts.clone(),
            refusals: self.refusals.clone(),
        })
    }
}
