//! The journal: every job with what it was asked, its states and times, its events, how it ended. SQLite in the data
//! folder, shared by all pacrat processes of a user.
//!
//! Calls block; the scheduler has a thread for them. Progress is not kept, every other event is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::command::JobSpec;
use super::event::{Event, Failure, JobId, JobState, Step, What};
use super::process::{self, ProcessMark};
use super::query::JobInfo;

/// Why the journal did not do something.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The data folder cannot be made or written.
    #[error("cannot use the data folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("the journal {} failed", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A newer pacrat wrote it.
    #[error("the journal {} was made by a newer pacrat (version {found}; this one knows {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// A row of it does not read.
    #[error("the journal {} has a job that does not read: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE job (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        process  TEXT NOT NULL,            -- the mark of the process that runs it
        pid      INTEGER NOT NULL,         -- for people
        kind     TEXT NOT NULL,
        tenant   TEXT,
        spec     TEXT NOT NULL,            -- JSON
        state    TEXT NOT NULL,
        queued   TEXT NOT NULL,
        started  TEXT,
        ended    TEXT,
        summary  TEXT,                     -- JSON
        failure  TEXT                      -- JSON
    );
    CREATE INDEX job_open ON job (id) WHERE ended IS NULL;
    CREATE INDEX job_tenant ON job (tenant, kind, id);
    CREATE TABLE event (
        job      INTEGER NOT NULL REFERENCES job (id),
        at       TEXT NOT NULL,
        what     TEXT NOT NULL             -- JSON
    );
    CREATE INDEX event_job ON event (job);
";

/// The journal of a data folder.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    data_dir: PathBuf,
    db: Connection,
    /// Set when this process writes its first job.
    mark: Option<ProcessMark>,
}

/// Turns write-ahead logging on. When several processes open a new journal at once, SQLite tells all but one that it is
/// busy, at once and without minding the busy timeout: the others try again for as long.
fn write_ahead(db: &Connection) -> rusqlite::Result<()> {
    let until = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        match db.pragma_update(None, "journal_mode", "wal") {
            Err(e)
                if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && std::time::Instant::now() < until =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

impl Journal {
    /// Open or make it.
    pub fn open(data_dir: &Path) -> Result<Self, JournalError> {
        let io = |source| JournalError::Folder { path: data_dir.to_path_buf(), source };
        std::fs::create_dir_all(data_dir).map_err(io)?;
        let path = data_dir.join("journal.db");
        let sqlite = |source| JournalError::Sqlite { path: path.clone(), source };
        let mut db = Connection::open(&path).map_err(sqlite)?;
        db.busy_timeout(Duration::from_secs(10)).map_err(sqlite)?;
        write_ahead(&db).map_err(sqlite)?;
        db.pragma_update(None, "synchronous", "normal").map_err(sqlite)?;
        db.pragma_update(None, "foreign_keys", true).map_err(sqlite)?;
        // Immediate: two processes that start together must not both make the tables.
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(sqlite)?;
        let found: i64 = tx.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(sqlite)?;
        match found {
            0 => {
                tx.execute_batch(SCHEMA).map_err(sqlite)?;
                tx.pragma_update(None, "user_version", VERSION).map_err(sqlite)?;
            }
            VERSION => {}
            found => return Err(JournalError::Newer { path, found, known: VERSION }),
        }
        tx.commit().map_err(sqlite)?;
        Ok(Self { path, data_dir: data_dir.to_path_buf(), db, mark: None })
    }

    fn sqlite(&self) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
        let path = self.path.clone();
        move |source| JournalError::Sqlite { path: path.clone(), source }
    }

    /// Write a new job down; the number it gets.
    pub fn add(&mut self, spec: &JobSpec, at: Timestamp) -> Result<JobId, JournalError> {
        let sqlite = self.sqlite();
        if self.mark.is_none() {
            let folder = |source| JournalError::Folder { path: self.data_dir.clone(), source };
            self.mark = Some(ProcessMark::set(&self.data_dir).map_err(folder)?);
        }
        let process = self.mark.as_ref().map_or("", ProcessMark::name);
        let tenant = match spec {
            JobSpec::Backup { tenant, .. } => Some(tenant.as_str()),
            _ => None,
        };
        self.db
            .execute(
                "INSERT INTO job (process, pid, kind, tenant, spec, state, queued) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    process,
                    std::process::id(),
                    spec.kind(),
                    tenant,
                    json(spec),
                    json(&JobState::Queued),
                    at.to_string()
                ],
            )
            .map_err(sqlite)?;
        Ok(JobId(self.db.last_insert_rowid().unsigned_abs()))
    }

    /// Write an event down, and what it changes of its job.
    pub fn record(&mut self, event: &Event) -> Result<(), JournalError> {
        let sqlite = self.sqlite();
        if matches!(event.what, What::Progress(_)) {
            return Ok(());
        }
        let (id, at) = (number(event.job), event.at.to_string());
        let tx = self.db.transaction().map_err(&sqlite)?;
        tx.execute("INSERT INTO event (job, at, what) VALUES (?1, ?2, ?3)", params![id, at, json(&event.what)])
            .map_err(&sqlite)?;
        match &event.what {
            What::State { state } => {
                tx.execute(
                    "UPDATE job SET state = ?2, started = CASE WHEN ?4 THEN ?3 ELSE started END WHERE id = ?1",
                    params![id, json(state), at, *state == JobState::Running],
                )
                .map_err(&sqlite)?;
            }
            What::Ended { state, summary, failure } => {
                tx.execute(
                    "UPDATE job SET state = ?2, ended = ?3, summary = ?4, failure = ?5 WHERE id = ?1",
                    params![id, json(state), at, json(summary), failure.as_ref().map(json)],
                )
                .map_err(&sqlite)?;
            }
            _ => {}
        }
        tx.commit().map_err(sqlite)
    }

    /// Jobs that have not ended and whose process is dead: they end here, as interrupted.
    pub fn interrupt_dead(&mut self, at: Timestamp) -> Result<Vec<JobInfo>, JournalError> {
        let sqlite = self.sqlite();
        let open: Vec<(i64, String)> = {
            let mut query =
                self.db.prepare("SELECT id, process FROM job WHERE ended IS NULL ORDER BY id").map_err(&sqlite)?;
            let rows = query.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).map_err(&sqlite)?;
            rows.collect::<Result<_, _>>().map_err(&sqlite)?
        };
        let own = self.mark.as_ref().map(|m| m.name().to_owned());
        let mut interrupted = Vec::new();
        for (id, process) in open {
            if own.as_ref() == Some(&process) || process::is_alive(&self.data_dir, &process) {
                continue;
            }
            let job = JobId(id.unsigned_abs());
            let Some(info) = self.job(job)? else { continue };
            // A database is made in this step, and not before.
            let creating = What::Step { step: Step::Creating };
            let made = self.events(job)?.iter().any(|e| e.what == creating);
            let failure = interruption(&info, made);
            let ended = What::Ended {
                state: JobState::Interrupted,
                summary: info.summary.clone().unwrap_or_default(),
                failure: Some(failure),
            };
            self.record(&Event { at, job, what: ended })?;
            interrupted.extend(self.job(job)?);
        }
        Ok(interrupted)
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<Option<JobInfo>, JournalError> {
        let query = format!("{SELECT} WHERE id = ?1");
        let read = self.db.query_row(&query, [number(id)], |row| Ok(self.read(row)));
        read.optional().map_err(self.sqlite())?.transpose()
    }

    /// Jobs: those that have not ended first, then the ended ones, newest first.
    pub fn jobs(&self, limit: usize) -> Result<Vec<JobInfo>, JournalError> {
        let query = format!("{SELECT} ORDER BY ended IS NOT NULL, id DESC LIMIT ?1");
        self.select(&query, [i64::try_from(limit).unwrap_or(i64::MAX)])
    }

    /// The newest backup job of each tenant that has ended.
    pub fn last_backups(&self) -> Result<Vec<JobInfo>, JournalError> {
        let query = format!(
            "{SELECT} WHERE id IN (SELECT max(id) FROM job WHERE kind = 'backup' AND ended IS NOT NULL GROUP BY tenant)"
        );
        self.select(&query, [])
    }

    /// The events of a job, progress aside, in their order.
    pub fn events(&self, id: JobId) -> Result<Vec<Event>, JournalError> {
        let sqlite = self.sqlite();
        let mut query = self.db.prepare("SELECT at, what FROM event WHERE job = ?1 ORDER BY rowid").map_err(&sqlite)?;
        let rows =
            query.query_map([number(id)], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))).map_err(&sqlite)?;
        let mut events = Vec::new();
        for row in rows {
            let (at, what) = row.map_err(&sqlite)?;
            events.push(Event { at: self.time(&at)?, job: id, what: self.parsed(&what)? });
        }
        Ok(events)
    }

    fn select<P: rusqlite::Params>(&self, query: &str, parameters: P) -> Result<Vec<JobInfo>, JournalError> {
        let sqlite = self.sqlite();
        let mut query = self.db.prepare(query).map_err(&sqlite)?;
        let rows = query.query_map(parameters, |row| Ok(self.read(row))).map_err(&sqlite)?;
        rows.map(|row| row.map_err(&sqlite)?).collect()
    }

    fn read(&self, row: &Row<'_>) -> Result<JobInfo, JournalError> {
        let sqlite = self.sqlite();
        let text = |column: usize| row.get::<_, String>(column).map_err(&sqlite);
        let maybe = |column: usize| row.get::<_, Option<String>>(column).map_err(&sqlite);
        let time = |column: usize| maybe(column)?.map(|t| self.time(&t)).transpose();
        Ok(JobInfo {
            id: JobId(row.get::<_, i64>(0).map_err(&sqlite)?.unsigned_abs()),
            spec: self.parsed(&text(1)?)?,
            state: self.parsed(&text(2)?)?,
            queued: self.time(&text(3)?)?,
            started: time(4)?,
            ended: time(5)?,
            summary: maybe(6)?.map(|t| self.parsed(&t)).transpose()?,
            failure: maybe(7)?.map(|t| self.parsed(&t)).transpose()?,
        })
    }

    fn time(&self, text: &str) -> Result<Timestamp, JournalError> {
        text.parse().map_err(|e: jiff::Error| self.damaged(&e))
    }

    fn parsed<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T, JournalError> {
        serde_json::from_str(text).map_err(|e| self.damaged(&e))
    }

    fn damaged(&self, why: &dyn std::fmt::Display) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), why: why.to_string() }
    }
}

const SELECT: &str = "SELECT id, spec, state, queued, started, ended, summary, failure FROM job";

fn number(id: JobId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

/// Our own plain values: there is nothing in them that JSON cannot hold.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

/// `made`: a restore had begun to make its database, or to change the one it goes into.
fn interruption(info: &JobInfo, made: bool) -> Failure {
    let (message, hint) = match &info.spec {
        JobSpec::Backup { tenant, .. } => (
            format!("the process ended while tenant {tenant} was being backed up"),
            "start the backup again; the partial file is removed at the start".to_owned(),
        ),
        // A database that was there before is nobody's to drop.
        JobSpec::Restore { server, database, existing: Some(_), .. } => (
            format!("the process ended during the restore into the existing database {database} on {server}"),
            format!(
                "look into {database}: what it had before is there, what was being added to it may not be complete"
            ),
        ),
        JobSpec::Restore { server, database, .. } if made => (
            format!("the process ended while database {database} on {server} was being restored"),
            format!("if {database} is there, it is not complete: drop it on {server}, then restore again"),
        ),
        JobSpec::Restore { server, database, .. } => (
            format!("the process ended before the restore of {database} on {server} made anything"),
            "start the restore again".to_owned(),
        ),
        JobSpec::Verify { .. } => {
            ("the process ended during the verification".to_owned(), "start the verification again".to_owned())
        }
    };
    Failure::new(message).hint(hint).retryable(true)
}

#[cfg(test)]
mod tests {
    use super::super::command::{PackageSource, Trigger};
    use super::super::event::Summary;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + second).unwrap()
    }

    fn backup(tenant: &str) -> JobSpec {
        JobSpec::Backup { tenant: tenant.into(), comment: None, trigger: Trigger::Manual }
    }

    fn event(job: JobId, second: i64, what: What) -> Event {
        Event { at: at(second), job, what }
    }

    fn ended(state: JobState) -> What {
        What::Ended { state, summary: Summary { rows: 7, ..Summary::default() }, failure: None }
    }

    #[test]
    fn a_job_is_written_down_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let job = journal.add(&backup("acme"), at(0)).unwrap();
        journal.record(&event(job, 1, What::State { state: JobState::Running })).unwrap();
        journal.record(&event(job, 2, What::Step { step: Step::Data })).unwrap();
        journal.record(&event(job, 3, What::Progress(Default::default()))).unwrap();
        let info = journal.job(job).unwrap().unwrap();
        assert_eq!((info.state, info.queued, info.started, info.ended), (JobState::Running, at(0), Some(at(1)), None));
        journal.record(&event(job, 4, ended(JobState::Completed))).unwrap();
        drop(journal);
        let journal = Journal::open(dir.path()).unwrap();
        let info = journal.job(job).unwrap().unwrap();
        assert_eq!((info.state, info.ended), (JobState::Completed, Some(at(4))));
        assert_eq!(info.summary.unwrap().rows, 7);
        assert_eq!(journal.events(job).unwrap().len(), 3, "progress is not kept");
        assert_eq!(journal.job(JobId(99)).unwrap(), None);
    }

    #[test]
    fn jobs_of_a_dead_process_are_interrupted_and_those_of_a_living_one_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut dead = Journal::open(dir.path()).unwrap();
        let lost = dead.add(&backup("lost"), at(0)).unwrap();
        let package = PackageSource::File { path: "x.bacpac".into() };
        let restore = JobSpec::restore(package.clone(), "main", "copy");
        let half = dead.add(&restore, at(0)).unwrap();
        dead.record(&event(half, 1, What::State { state: JobState::Running })).unwrap();
        dead.record(&event(half, 1, What::Step { step: Step::Creating })).unwrap();
        // It never came to ask whether the database is there: whoever made that, it was not this job.
        let early = dead.add(&restore, at(0)).unwrap();
        dead.record(&event(early, 1, What::State { state: JobState::Running })).unwrap();
        let mut into = JobSpec::restore(package, "main", "live");
        if let JobSpec::Restore { existing, .. } = &mut into {
            *existing = Some("live".into());
        }
        let into = dead.add(&into, at(0)).unwrap();
        dead.record(&event(into, 1, What::Step { step: Step::Creating })).unwrap();
        let done = dead.add(&backup("done"), at(0)).unwrap();
        dead.record(&event(done, 1, ended(JobState::Completed))).unwrap();
        let mut other = Journal::open(dir.path()).unwrap();
        let living = other.add(&backup("living"), at(0)).unwrap();
        // A crash: the mark's lock goes, its file and the jobs stay.
        let mark = dead.mark.take().unwrap();
        let file = dir.path().join("processes").join(mark.name());
        drop(mark);
        std::fs::write(file, "").unwrap();
        drop(dead);

        let mut journal = Journal::open(dir.path()).unwrap();
        let found = journal.interrupt_dead(at(9)).unwrap();
        assert_eq!(found.iter().map(|j| j.id).collect::<Vec<_>>(), [lost, half, early, into]);
        assert!(found.iter().all(|j| j.state == JobState::Interrupted && j.ended == Some(at(9))));
        let hint = found[1].failure.as_ref().unwrap().hint.clone().unwrap();
        assert_eq!(hint, "if copy is there, it is not complete: drop it on main, then restore again");
        for job in &found[2..] {
            let hint = job.failure.as_ref().unwrap().hint.clone().unwrap();
            assert!(!hint.contains("drop"), "{hint}");
        }
        assert_eq!(journal.job(living).unwrap().unwrap().state, JobState::Queued);
        assert_eq!(journal.job(done).unwrap().unwrap().state, JobState::Completed);
        assert_eq!(journal.interrupt_dead(at(10)).unwrap(), Vec::new());
        // Its own jobs are nobody's to interrupt.
        assert_eq!(other.interrupt_dead(at(10)).unwrap(), Vec::new());
    }

    #[test]
    fn open_jobs_come_first_then_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let ids: Vec<JobId> =
            (0..4).map(|n| journal.add(&backup(if n < 3 { "a" } else { "b" }), at(n)).unwrap()).collect();
        journal.record(&event(ids[1], 5, ended(JobState::Failed))).unwrap();
        journal.record(&event(ids[3], 5, ended(JobState::Completed))).unwrap();
        let order: Vec<u64> = journal.jobs(10).unwrap().iter().map(|j| j.id.0).collect();
        assert_eq!(order, [3, 1, 4, 2]);
        assert_eq!(journal.jobs(1).unwrap().len(), 1);
        let last: Vec<(u64, JobState)> = journal.last_backups().unwrap().iter().map(|j| (j.id.0, j.state)).collect();
        assert_eq!(last, [(2, JobState::Failed), (4, JobState::Completed)]);
    }

    #[test]
    fn a_journal_that_does_not_read_is_an_error_by_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("journal.db"), "not a database, but long enough to be looked at ".repeat(50))
            .unwrap();
        let error = Journal::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("journal.db"), "{error}");
        let dir = tempfile::tempdir().unwrap();
        drop(Journal::open(dir.path()).unwrap());
        let db = Connection::open(dir.path().join("journal.db")).unwrap();
        db.pragma_update(None, "user_version", 9).unwrap();
        drop(db);
        assert!(matches!(Journal::open(dir.path()), Err(JournalError::Newer { found: 9, .. })));
    }

    #[test]
    fn two_processes_share_a_journal() {
        let dir = tempfile::tempdir().unwrap();
        let ids: Vec<u64> = std::thread::scope(|scope| {
            let work = || {
                let mut journal = Journal::open(dir.path()).unwrap();
                (0..25).map(|n| journal.add(&backup("a"), at(n)).unwrap().0).collect::<Vec<_>>()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
        });
        let unique: std::collections::BTreeSet<u64> = ids.iter().copied().collect();
        assert_eq!(unique.len(), 100);
    }
}
