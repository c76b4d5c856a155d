//! Fills a sandbox inside this process: scripts as batches of a session, rows as bulk loads, no TDS in between.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sandbox::rowform::{RowForm, RowFormError};
use crate::sandbox::session::{
    Abandoned, Backend, BulkColumn, BulkEnd, Done, DoneKind, EnvChange, LoginRequest, Message, Reply, ResultColumn,
    Session, Signals,
};
use crate::sandbox::value::{SqlType, Value};

use super::rows::Load;

/// Why a seed did not take.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The sandbox refused something.
    #[error("the demo's seed of {database} failed at {at:?}: error {number}: {text}")]
    Refused {
        /// Into which database.
        database: String,
        /// The start of the statement.
        at: String,
        /// The error's number.
        number: i32,
        /// Its text.
        text: String,
    },
    /// A row does not fit its table.
    #[error("the demo's seed of {table} has a row that does not fit")]
    Row {
        /// The table.
        table: String,
        /// Why.
        #[source]
        cause: RowFormError,
    },
    /// The demo ended meanwhile.
    #[error("the demo's seed of {0} was stopped")]
    Stopped(String),
}

/// A session of the sandbox's administrator in one database.
pub struct Seeder<'a> {
    session: Box<dyn Session>,
    database: String,
    stop: &'a AtomicBool,
}

impl<'a> Seeder<'a> {
    /// Logs in. An empty database is the login's default one.
    pub fn login(
        backend: &dyn Backend,
        user: &str,
        password: &str,
        database: &str,
        stop: &'a AtomicBool,
    ) -> Result<Self, SeedError> {
        let request = LoginRequest {
            user: user.into(),
            password: password.into(),
            database: database.into(),
            application: "pacrat demo".into(),
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            packet_size: 4096,
            ..LoginRequest::default()
        };
        match backend.login(&request, Arc::new(Signals::default())) {
            Ok((session, _)) => Ok(Self { session, database: database.into(), stop }),
            Err(messages) => Err(refused(database, "login", messages.first())),
        }
    }

    /// Runs a script: batches between lines that say GO.
    pub fn script(&mut self, script: &str) -> Result<(), SeedError> {
        let mut batch = String::new();
        for line in script.lines().chain(["GO"]) {
            if line.trim().eq_ignore_ascii_case("go") {
                let sql = std::mem::take(&mut batch);
                let comment = |l: &str| l.trim().is_empty() || l.trim_start().starts_with("--");
                if !sql.lines().all(comment) {
                    self.batch(sql.trim())?;
                }
            } else {
                batch.push_str(line);
                batch.push('\n');
            }
        }
        Ok(())
    }

    /// Runs one batch.
    pub fn batch(&mut self, sql: &str) -> Result<(), SeedError> {
        let mut answer = Answer { stop: self.stop, error: None, failed: false };
        let ended = self.session.batch(sql, &mut answer);
        self.judge(sql, ended, answer)
    }

    fn judge(&self, sql: &str, ended: Result<(), Abandoned>, answer: Answer<'_>) -> Result<(), SeedError> {
        if ended.is_err() || self.stop.load(Ordering::Relaxed) {
            return Err(SeedError::Stopped(self.database.clone()));
        }
        if answer.error.is_some() || answer.failed {
            return Err(refused(&self.database, sql, answer.error.as_ref()));
        }
        Ok(())
    }

    /// Loads rows; checks and foreign keys are looked at, so that they stay trusted.
    pub fn load(&mut self, load: Load) -> Result<u64, SeedError> {
        let table = format!("{}.{}", quoted(load.schema), quoted(load.table));
        let columns: Vec<String> = load.columns.iter().map(|c| format!("{} {}", quoted(c.name), c.declared)).collect();
        let sql = format!("insert bulk {table} ({}) with (TABLOCK, CHECK_CONSTRAINTS, KEEP_NULLS)", columns.join(", "));
        self.batch(&sql)?;
        let mut answer = Answer { stop: self.stop, error: None, failed: false };
        let announced: Vec<BulkColumn> = load
            .columns
            .iter()
            .map(|c| BulkColumn { name: c.name.into(), ty: c.ty.clone(), nullable: c.nullable })
            .collect();
        let form = RowForm::new(load.columns.iter().map(|c| &c.ty));
        let mut count = 0;
        let mut taken = self.session.bulk_columns(&announced, &mut answer);
        let mut body = Vec::new();
        for row in load.rows {
            if !matches!(taken, Ok(true)) || self.stop.load(Ordering::Relaxed) {
                break;
            }
            body.clear();
            form.encode(&row, &mut body).map_err(|cause| SeedError::Row { table: table.clone(), cause })?;
            taken = self.session.bulk_row(&body, &mut answer);
            count += 1;
        }
        let end = if self.stop.load(Ordering::Relaxed) { BulkEnd::Abandoned } else { BulkEnd::Complete };
        let ended = taken.and_then(|_| self.session.bulk_end(end, &mut answer));
        self.judge(&sql, ended, answer)?;
        Ok(count)
    }
}

fn refused(database: &str, sql: &str, message: Option<&Message>) -> SeedError {
    SeedError::Refused {
        database: database.into(),
        at: sql.chars().take(90).collect(),
        number: message.map_or(0, |m| m.number),
        text: message.map_or_else(|| "no reason told".into(), |m| m.text.clone()),
    }
}

/// A name in brackets, for the sandbox's own scripts.
pub fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// Keeps the first error of an answer, drops everything else.
struct Answer<'a> {
    stop: &'a AtomicBool,
    error: Option<Message>,
    failed: bool,
}

impl Reply for Answer<'_> {
    fn columns(&mut self, _columns: &[ResultColumn]) -> Result<(), Abandoned> {
        Ok(())
    }

    fn row(&mut self, _row: &[Value]) -> Result<(), Abandoned> {
        Ok(())
    }

    fn raw_row(&mut self, _body: &[u8]) -> Result<(), Abandoned> {
        Ok(())
    }

    fn order(&mut self, _columns: &[u16]) -> Result<(), Abandoned> {
        Ok(())
    }

    fn message(&mut self, message: &Message) -> Result<(), Abandoned> {
        if message.class > 10 && self.error.is_none() {
            self.error = Some(message.clone());
        }
        Ok(())
    }

    fn env(&mut self, _change: &EnvChange) -> Result<(), Abandoned> {
        Ok(())
    }

    fn done(&mut self, done: Done, _kind: DoneKind) -> Result<(), Abandoned> {
        self.failed |= done.error;
        Ok(())
    }

    fn return_status(&mut self, _status: i32) -> Result<(), Abandoned> {
        Ok(())
    }

    fn poll(&mut self) -> Result<(), Abandoned> {
        if self.stop.load(Ordering::Relaxed) { Err(Abandoned) } else { Ok(()) }
    }

    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> Result<(), Abandoned> {
        Ok(())
    }
}
