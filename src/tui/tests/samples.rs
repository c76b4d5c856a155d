//! Tenants, backups and jobs in every state, at a fixed moment; a core that tells them.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::engine::command::{BackupRef, Command, JobSpec, PackageSource, Trigger};
use crate::engine::event::{Event, Failure, JobId, JobState, Progress, Severity, Step, Summary, TableProgress, What};
use crate::engine::query::{
    BackupInfo, Core, JobInfo, PackageDetails, PackageTable, PackageUser, PlannedTable, RestorePlan, RowsPage,
    ServerInfo, TenantInfo,
};
use crate::store::manifest::{Consistency, Level, Manifest, TableEntry, Verification};
use crate::tui::message::Message;
use crate::tui::state::{Hangup, Options, State};
use crate::tui::theme::Theme;
use crate::tui::update;

/// The moment of every sample.
pub fn now() -> Timestamp {
    "2026-01-31T02:15:00Z".parse().unwrap()
}

/// Some seconds before it.
pub fn ago(seconds: i64) -> Timestamp {
    now().checked_sub(seconds.seconds()).unwrap()
}

pub const UNICODE: Theme = Theme { colour: true, unicode: true };
pub const ASCII: Theme = Theme { colour: false, unicode: false };

pub fn options(theme: Theme) -> Options {
    let restore_name = crate::config::Pattern::restore_default();
    let zone = jiff::tz::TimeZone::UTC;
    let restore = Default::default();
    Options { theme, product: "shop".into(), restore_name, restore, zone, hangup: Hangup::Finish, banner: None }
}

pub const QUOTED: &str = "O'Brien & Söhne ]x[ \"päckchen\"";

pub fn backup(tenant: &str, age: i64, trigger: Option<Trigger>, level: Option<Level>) -> BackupInfo {
    let taken = ago(age);
    let file = format!("{tenant}_{}.bacpac", taken.strftime("%Y%m%d%H%M%S"));
    let verification = level.map(|level| Verification { level, at: taken });
    let manifest = trigger.map(|trigger| {
        Box::new(Manifest {
            version: 1,
            tenant: tenant.into(),
            server: "alpha".into(),
            database: tenant.into(),
            started: ago(age + 61),
            ended: taken,
            trigger,
            who: "night".into(),
            comment: (trigger == Trigger::Manual).then(|| "before the price update".into()),
            pacrat: "0.1.0".into(),
            source_version: "15.0.4430.1".into(),
            consistency: Consistency::Snapshot,
            tables: vec![TableEntry { schema: "dbo".into(), table: "Orders".into(), rows: 200_000, bytes: 28_123_456 }],
            not_carried: Vec::new(),
            size: 12_345_678,
            sha256: "00".repeat(32),
            verification,
        })
    });
    BackupInfo {
        backup: BackupRef { store: "local".into(), file },
        tenant: tenant.into(),
        taken,
        size: 12_345_678 + age.unsigned_abs() * 7,
        trigger,
        rows: trigger.map(|_| 214_870 - age.unsigned_abs() / 100),
        verification,
        manifest,
        problem: None,
    }
}

pub fn spec(tenant: &str) -> JobSpec {
    JobSpec::Backup { tenant: tenant.into(), comment: None, trigger: Trigger::Manual }
}

pub fn job(id: u64, spec: JobSpec, state: JobState, age: i64) -> JobInfo {
    let started = (state != JobState::Queued).then(|| ago(age));
    let ended = state.is_final().then(|| ago(age - 42));
    JobInfo {
        id: JobId(id),
        spec,
        state,
        queued: ago(age + 1),
        started,
        ended,
        summary: (state == JobState::Completed).then(|| Summary {
            rows: 214_870,
            bytes: 30_123_456,
            file: Some("bakery_20260130210000.bacpac".into()),
            file_size: Some(12_345_678),
            database: None,
            remarks: vec!["the statistics of 3 tables are not carried".into()],
        }),
        failure: (state == JobState::Failed).then(login_failed),
    }
}

pub fn login_failed() -> Failure {
    Failure {
        kind: crate::engine::event::FailureKind::Unreachable,
        message: "tenant museum: cannot open database museum on server beta".into(),
        causes: vec![
            "the server refused the login".into(),
            "Cannot open database \"museum\" requested by the login. The login failed.".into(),
        ],
        hint: Some("give the login pacrat access to the database: CREATE USER pacrat FOR LOGIN pacrat".into()),
        retryable: false,
        sql_error: Some(4060),
    }
}

pub fn tenants() -> Vec<TenantInfo> {
    let tenant = |name: &str, server: &str, last_backup, last_job| TenantInfo {
        name: name.into(),
        server: server.into(),
        database: name.into(),
        group: None,
        last_backup,
        last_job,
        unread: None,
    };
    let bakery = backup("bakery", 3 * 3600, Some(Trigger::Automatic), Some(Level::Rows));
    let vet = backup("vetclinic", 26 * 3600, Some(Trigger::Manual), Some(Level::Restored));
    let museum = backup("museum", 9 * 86_400, Some(Trigger::Automatic), Some(Level::Archive));
    vec![
        tenant("bakery", "alpha", Some(bakery), None),
        tenant("vetclinic", "alpha", Some(vet), None),
        tenant(QUOTED, "alpha", None, None),
        tenant("museum", "beta", Some(museum), Some(job(7, spec("museum"), JobState::Failed, 4000))),
        tenant("library", "beta", Some(backup("library", 400, None, None)), None),
    ]
}

pub fn servers() -> Vec<ServerInfo> {
    vec![
        ServerInfo { name: "alpha".into(), address: "127.0.0.1:50234".into() },
        ServerInfo { name: "beta".into(), address: "127.0.0.1:50235".into() },
    ]
}

pub fn backups(tenant: &str) -> Vec<BackupInfo> {
    let mut broken = backup(tenant, 5 * 86_400, Some(Trigger::Automatic), None);
    broken.manifest = None;
    broken.problem = Some("the manifest is not JSON: line 1, column 12".into());
    vec![
        backup(tenant, 3 * 3600, Some(Trigger::Automatic), Some(Level::Rows)),
        backup(tenant, 27 * 3600, Some(Trigger::Manual), Some(Level::Restored)),
        backup(tenant, 51 * 3600, Some(Trigger::Automatic), Some(Level::Archive)),
        broken,
        backup(tenant, 40 * 86_400, None, None),
    ]
}

pub fn restore(database: &str) -> JobSpec {
    JobSpec::restore(PackageSource::Backup(backups("bakery")[0].backup.clone()), "beta", database)
}

pub fn verify() -> JobSpec {
    JobSpec::Verify { source: PackageSource::Backup(backups("bakery")[0].backup.clone()) }
}

/// Jobs in every state.
pub fn jobs() -> Vec<JobInfo> {
    let interrupted = JobInfo { failure: None, ..job(4, spec("vetclinic"), JobState::Interrupted, 90_000) };
    vec![
        job(13, spec("bakery"), JobState::Running, 25),
        job(14, restore("shop_bakery_20260130_restore"), JobState::Running, 12),
        job(15, spec("vetclinic"), JobState::Cancelling, 9),
        job(16, restore("scratch"), JobState::CleaningUp, 30),
        job(17, verify(), JobState::Queued, 3),
        job(12, verify(), JobState::Completed, 400),
        job(11, spec("library"), JobState::Cancelled, 2000),
        job(7, spec("museum"), JobState::Failed, 4000),
        interrupted,
    ]
}

pub fn event(job: u64, seconds_ago: i64, what: What) -> Message {
    Message::Engine(Event { at: ago(seconds_ago), job: JobId(job), what })
}

pub fn progress(rows: u64, rows_total: Option<u64>, bytes: u64) -> What {
    What::Progress(Progress {
        rows,
        rows_total,
        bytes,
        bytes_total: None,
        tables_done: 3,
        tables_total: 11,
        current: vec![
            TableProgress { table: "dbo.OrderLine".into(), rows, rows_total, bytes, done: false },
            TableProgress { table: "dbo.Customer".into(), rows: 12, rows_total: Some(12), bytes: 900, done: true },
        ],
    })
}

pub fn details() -> PackageDetails {
    let table = |schema: &str, table: &str, rows, bytes, columns| PackageTable {
        schema: schema.into(),
        table: table.into(),
        rows,
        bytes,
        columns,
        parts: if bytes > 0 { 1 + (bytes / 4_194_304) as u32 } else { 0 },
    };
    let mut tables = vec![
        table("dbo", "Article", Some(312), 28_400, 9),
        table("dbo", "Customer", Some(14_558), 2_100_000, 14),
        table("dbo", "Order Details ]x[", None, 731_000, 6),
        table("dbo", "OrderLine", Some(200_000), 28_123_456, 8),
        table("dbo", "Price", Some(0), 0, 4),
    ];
    tables.extend((1..=20).map(|n| table("log", &format!("Event{n:02}"), Some(n * 37), n * 4_000, 5)));
    PackageDetails {
        name: "bakery".into(),
        server_version: Some("Microsoft SQL Server 2019 (RTM-CU32) - 15.0.4430.1 (X64)".into()),
        writer: "pacrat 0.1.0".into(),
        exported: Some("2026-01-30T23:14:00Z".into()),
        platform: "Sql150".into(),
        objects: vec![("Index".into(), 14), ("Procedure".into(), 6), ("Table".into(), 25), ("View".into(), 3)],
        tables,
        users: [("auditor", Some("auditor")), ("ghost", None), (ODD, Some("porter"))]
            .map(|(name, login)| PackageUser { name: name.into(), login: login.map(Into::into) })
            .into(),
        size: 12_345_678,
    }
}

/// A user whose name attacks whatever quotes it.
pub const ODD: &str = "O'Neill ]x[ \"🐀\"\nsecond";

/// What a restore of the sample would do.
pub fn plan(spec: &JobSpec) -> RestorePlan {
    let JobSpec::Restore { server, database, existing, choice, .. } = spec else { panic!("no restore") };
    let table = |schema: &str, table: &str, other: Option<&str>, rows, bytes| PlannedTable {
        schema: schema.into(),
        table: table.into(),
        restored_as: other.map(Into::into),
        rows,
        bytes,
    };
    RestorePlan {
        package: "bakery_20260130231500.bacpac".into(),
        verification: Some(Verification { level: Level::Rows, at: ago(9_000) }),
        server: server.clone(),
        server_version: "15.0.4430.1".into(),
        database: database.clone(),
        existing: existing.is_some(),
        collation: existing.is_none().then(|| "Latin1_General_100_CI_AS".into()),
        choice: choice.words(),
        tables: vec![
            table("dbo", "Article", None, Some(312), 28_400),
            table("dbo", "OrderLine", Some("dbo.OrderLine_restored_20260131"), Some(200_000), 28_123_456),
            table("log", "Event ]x[", None, None, 4_000),
        ],
        objects: vec![("user".into(), 2), ("table".into(), 3), ("primary key".into(), 3), ("index".into(), 2)],
        left: vec!["not restored: procedure [dbo].[Greet]: the database has one of that name, left as it is".into()],
        notes: vec!["schema [log] is there already, and left as it is".into()],
        doubts: vec![format!(
            "user {ODD}: login porter is not to be seen on {server}; without it the user is made without a login"
        )],
        refusals: match database.as_str() {
            "taken" => vec![Failure::new("database taken exists already on alpha").hint("choose another name")],
            _ => Vec::new(),
        },
    }
}

pub fn page(offset: u64, limit: usize, all: u64) -> RowsPage {
    let names = ["Id", "Article", "Quantity", "Price", "Note", "Taken", "By", "Weight", "Batch", "Checked"];
    let last = (offset + limit as u64).min(all);
    let rows = (offset..last).map(|n| {
        let some = |text: String| Some(text);
        vec![
            some((n + 1).to_string()),
            some(["rye bread", "poppy seed roll", "plum cake 漢字", "a\tpretzel\x1b[31m"][n as usize % 4].into()),
            some((n * 7 % 23).to_string()),
            some(format!("{}.{:02}", n % 9, n * 13 % 100)),
            (n % 3 == 0).then(|| "a note that is longer than any column of the grid may be wide".into()),
            some(format!("2026-01-{:02} 04:{:02}:00", n % 28 + 1, n % 60)),
            some(["Ada", "Björn", "Chloé \u{202e}lived"][n as usize % 3].into()),
            some(format!("{}.5", n % 40)),
            (n % 5 != 0).then(|| format!("B{:05}", n * 31)),
            some((n % 2).to_string()),
        ]
    });
    RowsPage { columns: names.map(String::from).into(), rows: rows.collect(), offset, more: last < all }
}

/// A state that knows nothing yet.
pub fn unread(theme: Theme, size: (u16, u16)) -> State {
    let mut state = State::new(options(theme), size);
    update::start(&mut state);
    state
}

/// Applies messages; effects are dropped.
pub fn tell(state: &mut State, messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        update::update(state, message, now());
    }
}

/// A state with every tenant, backups of the first, no jobs.
pub fn quiet(theme: Theme, size: (u16, u16)) -> State {
    let mut state = unread(theme, size);
    let mut tenants = tenants();
    for tenant in &mut tenants {
        tenant.last_job = None;
    }
    tell(&mut state, [Message::Tenants(Ok(tenants)), Message::Servers(Ok(servers())), Message::Jobs(Ok(Vec::new()))]);
    let ticket = state.backups.ticket;
    tell(&mut state, [Message::Backups(ticket, Ok(backups("bakery")))]);
    state
}

/// A state with a job in every state.
pub fn busy(theme: Theme, size: (u16, u16)) -> State {
    let mut state = quiet(theme, size);
    tell(&mut state, [Message::Tenants(Ok(tenants())), Message::Jobs(Ok(jobs()))]);
    tell(
        &mut state,
        [
            event(17, 3, What::State { state: JobState::Queued }),
            event(13, 25, What::Step { step: Step::Connecting }),
            event(13, 24, What::Step { step: Step::ReadingSchema }),
            event(13, 22, What::Message { severity: Severity::Info, text: "25 tables, 3 views, 6 procedures".into() }),
            event(13, 20, What::Step { step: Step::Data }),
            event(13, 6, progress(70_000, Some(200_000), 9_800_000)),
            event(13, 1, progress(126_000, Some(200_000), 17_640_000)),
            event(14, 10, What::Step { step: Step::Loading }),
            event(14, 5, progress(9_000, None, 1_300_000)),
            event(14, 1, progress(17_000, None, 2_500_000)),
            event(15, 8, What::Step { step: Step::Data }),
            event(16, 20, What::Step { step: Step::Loading }),
        ],
    );
    state
}

/// A core that tells the samples, keeps the commands it gets, and whose events a test sends.
pub struct Fake {
    pub commands: Mutex<Vec<Command>>,
    listeners: Mutex<Vec<UnboundedSender<Event>>>,
    next: Mutex<u64>,
}

impl Fake {
    pub fn new() -> Self {
        Self { commands: Mutex::new(Vec::new()), listeners: Mutex::new(Vec::new()), next: Mutex::new(20) }
    }

    /// An event for whoever listens. Events of jobs are told at the moment of the samples.
    pub fn tell(&self, job: u64, what: What) {
        self.tell_at(now(), job, what);
    }

    /// An event of this very moment.
    pub fn tell_now(&self, job: u64, what: What) {
        self.tell_at(Timestamp::now(), job, what);
    }

    fn tell_at(&self, at: Timestamp, job: u64, what: What) {
        let event = Event { at, job: JobId(job), what };
        self.listeners.lock().unwrap().retain(|l| l.send(event.clone()).is_ok());
    }
}

#[async_trait]
impl Core for Fake {
    async fn command(&self, command: Command) -> Result<JobId, Failure> {
        self.commands.lock().unwrap().push(command.clone());
        match command {
            Command::Submit(spec) => {
                let id = {
                    let mut next = self.next.lock().unwrap();
                    *next += 1;
                    *next
                };
                self.tell(id, What::Queued { spec });
                Ok(JobId(id))
            }
            Command::Cancel { job } => {
                self.tell(job.0, What::State { state: JobState::Cancelling });
                Ok(job)
            }
        }
    }

    fn events(&self) -> UnboundedReceiver<Event> {
        let (sender, receiver) = unbounded_channel();
        self.listeners.lock().unwrap().push(sender);
        receiver
    }

    async fn tenants(&self) -> Result<Vec<TenantInfo>, Failure> {
        Ok(tenants())
    }

    async fn servers(&self) -> Result<Vec<ServerInfo>, Failure> {
        Ok(servers())
    }

    async fn backups(&self, tenant: Option<&str>) -> Result<Vec<BackupInfo>, Failure> {
        Ok(tenant.map_or_else(|| [backups("bakery"), backups("vetclinic")].concat(), backups))
    }

    async fn jobs(&self, _limit: usize) -> Result<Vec<JobInfo>, Failure> {
        Ok(Vec::new())
    }

    async fn details(&self, _source: &PackageSource) -> Result<PackageDetails, Failure> {
        Ok(details())
    }

    async fn rows(
        &self,
        _source: &PackageSource,
        _table: &str,
        offset: u64,
        limit: usize,
    ) -> Result<RowsPage, Failure> {
        Ok(page(offset, limit, 1234))
    }

    async fn database_exists(&self, _server: &str, database: &str) -> Result<bool, Failure> {
        Ok(database == "taken")
    }

    async fn logins(&self, _server: &str) -> Result<Option<Vec<String>>, Failure> {
        Ok(Some(["auditor", "warden", "warden_test"].map(Into::into).into()))
    }

    async fn plan(&self, restore: &JobSpec) -> Result<RestorePlan, Failure> {
        Ok(plan(restore))
    }
}
