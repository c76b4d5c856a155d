//! A sandbox with a small shop in it, an engine on it, and what is left of both afterwards.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pacrat::config::Config;
use pacrat::engine::command::{Command, JobSpec, PackageSource, Trigger};
use pacrat::engine::event::{Event, Failure, JobId, JobState, Step, Summary, What};
use pacrat::engine::query::Core;
use pacrat::engine::service::Service;
use pacrat::sandbox::Sandbox;
use pacrat::sandbox::fault::{Fault, Faults};
use pacrat::sqlserver::connect;
use pacrat::sqlserver::orders::Orders;
use pacrat::sqlserver::target::Target;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::support::place::{self, PASSWORD};

/// Everything a test needs.
pub struct Bench {
    pub server: Sandbox,
    pub service: Service,
    pub home: tempfile::TempDir,
}

/// The shop: keys, an index, a foreign key, a check, a view that another view uses; 5,000 and 500 rows.
const SHOP: &[&str] = &[
    "CREATE TABLE dbo.Customer (Id int NOT NULL CONSTRAINT PK_Customer PRIMARY KEY, Name nvarchar(50) NOT NULL, \
     Note nvarchar(max) NULL)",
    "CREATE TABLE dbo.[Order] (Id int IDENTITY(1, 1) NOT NULL CONSTRAINT PK_Order PRIMARY KEY, CustomerId int NOT NULL, \
     Amount decimal(10, 2) NOT NULL, Placed datetime2(3) NULL)",
    "CREATE INDEX IX_Order_Customer ON dbo.[Order] (CustomerId)",
    "ALTER TABLE dbo.[Order] ADD CONSTRAINT FK_Order_Customer FOREIGN KEY (CustomerId) REFERENCES dbo.Customer (Id)",
    "ALTER TABLE dbo.[Order] ADD CONSTRAINT CK_Order_Amount CHECK (Amount >= 0)",
    "CREATE TABLE dbo.Nothing (Id int NOT NULL)",
    "CREATE VIEW dbo.Totals AS SELECT CustomerId, SUM(Amount) AS Total FROM dbo.[Order] GROUP BY CustomerId",
    "CREATE VIEW dbo.Big AS SELECT CustomerId FROM dbo.Totals WHERE Total > 100",
];

impl Bench {
    /// With the shop on it.
    pub async fn new() -> Self {
        let bench = Self::empty().await;
        let mut orders = bench.orders("master").await;
        order(&mut *orders, "CREATE DATABASE Shop").await;
        let mut orders = bench.orders("Shop").await;
        for sql in SHOP {
            order(&mut *orders, sql).await;
        }
        for first in (1..=500).step_by(100) {
            let rows = (first..first + 100).map(|n| format!("({n}, N'Customer {n}', NULL)"));
            let sql =
                format!("INSERT INTO dbo.Customer (Id, Name, Note) VALUES {}", rows.collect::<Vec<_>>().join(", "));
            order(&mut *orders, &sql).await;
        }
        for first in (1..=5000).step_by(500) {
            let rows = (first..first + 500).map(|n| format!("({}, {}.25, '2026-01-01')", n % 500 + 1, n));
            let sql = format!(
                "INSERT INTO dbo.[Order] (CustomerId, Amount, Placed) VALUES {}",
                rows.collect::<Vec<_>>().join(", ")
            );
            order(&mut *orders, &sql).await;
        }
        bench
    }

    /// With no databases but the server's own.
    pub async fn empty() -> Self {
        let server = place::sandbox(&["operator"]).await;
        let home = tempfile::tempdir().unwrap();
        let lines = format!("password = \"{PASSWORD}\"\nconnect_timeout = 5");
        let text = place::configuration(&server, &lines, ("shop", "Shop"), "");
        let (config, _) = Config::parse(&home.path().join("config.toml"), &text).unwrap();
        let service = Service::start(config, Default::default());
        Self { server, service, home }
    }

    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// Waits until nobody is connected: a connection that was given up while it was logging in would take a fault that
    /// is meant for the next job.
    pub async fn alone(&self) {
        for _ in 0..500 {
            if self.server.connections() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} connections are still open", self.server.connections());
    }

    pub fn fault(&self, text: &str) {
        self.faults().add(text.parse::<Fault>().unwrap());
    }

    pub fn target(&self, database: &str) -> Target {
        place::target(&self.server, database)
    }

    pub async fn orders(&self, database: &str) -> Box<dyn Orders> {
        connect::open(&self.target(database), &CancellationToken::new()).await.expect("a connection")
    }

    /// The user databases of the server.
    pub async fn databases(&self) -> BTreeSet<String> {
        let mut orders = self.orders("master").await;
        let sql = "SELECT name FROM sys.databases WHERE database_id > 4";
        let answer = orders.batch(sql, "listing the databases", &CancellationToken::new()).await.unwrap();
        answer.sets[0].records().map(|r| r.string("name")).collect()
    }

    /// What a job left behind that was to leave nothing: `nothing`, or new files of the store and the copy.
    pub async fn left_behind(&self, before: &BTreeSet<String>) -> String {
        let files: Vec<String> = self.files().difference(before).cloned().collect();
        let databases: Vec<String> = self.databases().await.into_iter().filter(|d| d == "Copy").collect();
        match (files.is_empty(), databases.is_empty()) {
            (true, true) => "nothing".to_owned(),
            _ => format!("{files:?} {databases:?}"),
        }
    }

    /// The files of the store.
    pub fn files(&self) -> BTreeSet<String> {
        match std::fs::read_dir(self.home.path().join("store")) {
            Ok(entries) => entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect(),
            Err(_) => BTreeSet::new(),
        }
    }

    pub fn store(&self) -> std::path::PathBuf {
        self.home.path().join("store")
    }

    pub async fn submit(&self, spec: JobSpec) -> (JobId, UnboundedReceiver<Event>) {
        let events = self.service.events();
        (self.service.command(Command::Submit(spec)).await.expect("queued"), events)
    }

    /// Run a job to its end.
    pub async fn run(&self, spec: JobSpec) -> Ended {
        let (job, mut events) = self.submit(spec).await;
        until_ended(job, &mut events).await
    }

    /// Run a job, and cancel it when `step` begins (plus a moment).
    pub async fn cancel_at(&self, spec: JobSpec, step: Step, after: Duration) -> (Ended, Duration) {
        let (job, mut events) = self.submit(spec).await;
        let mut asked = Instant::now();
        let mut ended = Ended::default();
        while let Some(event) = next(&mut events, &ended).await {
            if event.job != job {
                continue;
            }
            if event.what == (What::Step { step }) {
                let service = self.service.clone();
                asked = Instant::now() + after;
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let _ = service.command(Command::Cancel { job }).await;
                });
            }
            if ended.take(event) {
                break;
            }
        }
        (ended, asked.elapsed())
    }

    /// A good backup of the shop, for restores.
    pub async fn backup(&self) -> PackageSource {
        let ended = self.run(backup()).await;
        assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
        let file = ended.summary.file.unwrap();
        PackageSource::File { path: self.store().join(file).display().to_string() }
    }
}

pub async fn order(orders: &mut dyn Orders, sql: &str) {
    orders.batch(sql, "preparing the test", &CancellationToken::new()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

pub fn backup() -> JobSpec {
    JobSpec::Backup { tenant: "shop".into(), comment: Some("a test".into()), trigger: Trigger::Manual }
}

pub fn restore(source: &PackageSource) -> JobSpec {
    JobSpec::restore(source.clone(), "box", "Copy")
}

/// How a job ended, and what it told before.
#[derive(Debug, Default)]
pub struct Ended {
    pub state: Option<JobState>,
    pub states: Vec<JobState>,
    pub steps: Vec<Step>,
    pub summary: Summary,
    pub failure: Option<Failure>,
}

impl Ended {
    fn take(&mut self, event: Event) -> bool {
        match event.what {
            What::State { state } => self.states.push(state),
            What::Step { step } => self.steps.push(step),
            What::Ended { state, summary, failure } => {
                (self.state, self.summary, self.failure) = (Some(state), summary, failure);
                return true;
            }
            _ => {}
        }
        false
    }
}

/// The next event; a job that says nothing for long hangs, and the test says where.
async fn next(events: &mut UnboundedReceiver<Event>, so_far: &Ended) -> Option<Event> {
    match tokio::time::timeout(Duration::from_secs(25), events.recv()).await {
        Ok(event) => event,
        Err(_) => panic!("the job hangs: {so_far:?}"),
    }
}

pub async fn until_ended(job: JobId, events: &mut UnboundedReceiver<Event>) -> Ended {
    let mut ended = Ended::default();
    while let Some(event) = next(events, &ended).await {
        if event.job == job && ended.take(event) {
            break;
        }
    }
    ended
}

/// A table of results, printed whole at the end.
#[derive(Default)]
pub struct Report(Vec<String>);

impl Report {
    pub fn line(&mut self, line: String) {
        self.0.push(line);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        println!("{}", self.0.join("\n"));
    }
}
