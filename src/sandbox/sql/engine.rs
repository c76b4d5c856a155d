//! The server's engine: catalogue, storage and sessions in one; logins.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sandbox::collation;
use crate::sandbox::meta::{Catalogue, Database, Object, Server, Stamp};
use crate::sandbox::session::{Backend, EnvChange, LoggedIn, LoginAnswer, LoginRequest, Message, Signals};
use crate::sandbox::storage::Storage;

use crate::sandbox::ddl::rights;

use super::error::{SqlError, SqlResult};
use super::hook::{MetaFunction, VirtualTable};
use super::session::SqlSession;

/// What the catalogue lends the engine, as functions.
#[derive(Clone, Copy)]
pub struct CatalogueHooks {
    /// A catalogue view by database, schema (may be empty) and name.
    pub view: fn(&SqlSession, i32, &str, &str) -> Option<VirtualTable>,
    /// A function by its upper-case name and number of arguments.
    pub function: fn(&str, usize) -> Option<MetaFunction>,
    /// Whether the login may do something to an object (229).
    pub may: fn(&SqlSession, &Database, &Object, &str) -> SqlResult<()>,
    /// Whether the session may enter a database (916, 924, 942).
    pub enter: fn(&SqlSession, i32) -> SqlResult<()>,
    /// Whether a login may enter a database: 4060 and 18456 if not.
    pub admit: fn(&Server, &Database, &str) -> bool,
}

impl Default for CatalogueHooks {
    fn default() -> Self {
        CatalogueHooks {
            view: |_, _, _, _| None,
            function: |_, _| None,
            may: |session, database, object, permission| {
                if rights::has_object(&session.server(), database, &session.login, object, permission) {
                    return Ok(());
                }
                Err(SqlError::batch(
                    229,
                    5,
                    14,
                    format!(
                        "The {permission} permission was denied on the object '{}', database '{}', schema '{}'.",
                        object.name,
                        database.name,
                        database.schema_name(object.schema_id)
                    ),
                ))
            },
            enter: |session, id| {
                let Some(database) = session.database_meta(id) else { return Ok(()) };
                if !rights::may_enter(&session.server(), &database, &session.login) {
                    return Err(SqlError::batch(
                        916,
                        2,
                        14,
                        format!(
                            "The server principal \"{}\" is not able to access the database \"{}\" under the current security \
                             context.",
                            session.login, database.name
                        ),
                    ));
                }
                rights::seat(&database, i32::from(session.spid)).map_err(super::define::from_ddl)
            },
            admit: rights::may_enter,
        }
    }
}

impl std::fmt::Debug for CatalogueHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CatalogueHooks")
    }
}

/// What is known of a session from outside (`sys.dm_exec_sessions`).
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns")]
pub struct Visible {
    pub spid: u16,
    pub login: String,
    pub host: String,
    pub application: String,
    pub client_pid: u32,
    pub library: String,
    pub database: i32,
    pub since: Stamp,
    pub signals: Arc<Signals>,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    /// What there is.
    pub catalogue: Arc<Catalogue>,
    /// Where rows lie.
    pub storage: Storage,
    /// What the catalogue lends.
    pub hooks: CatalogueHooks,
    sessions: Mutex<BTreeMap<u16, Visible>>,
    descriptors: AtomicU64,
    rowversions: Mutex<HashMap<i32, u64>>,
    /// When the catalogue was last written, and how long that took.
    written: Mutex<Option<(Instant, Duration)>>,
    /// One writes at a time.
    writing: Mutex<()>,
}

/// The file with the catalogue, in a folder that is kept.
const CATALOGUE_FILE: &str = "catalogue.json";

impl Engine {
    /// Over a fresh or kept storage. A kept folder's own catalogue wins over `server`.
    pub fn new(server: Server, storage: Storage, hooks: CatalogueHooks) -> std::io::Result<Arc<Engine>> {
        let file = storage.path().join(CATALOGUE_FILE);
        let server = match std::fs::read(&file) {
            Ok(bytes) if storage.keeps() => serde_json::from_slice(&bytes).map_err(std::io::Error::other)?,
            _ => server,
        };
        Ok(Arc::new(Engine {
            catalogue: Arc::new(Catalogue::new(server)),
            storage,
            hooks,
            sessions: Mutex::default(),
            descriptors: AtomicU64::new(1),
            rowversions: Mutex::default(),
            written: Mutex::default(),
            writing: Mutex::default(),
        }))
    }

    /// A fresh descriptor of a transaction.
    pub fn next_descriptor(&self) -> u64 {
        // The real ones are large numbers; only that they are never 0 and differ counts.
        (self.descriptors.fetch_add(1, Ordering::Relaxed) << 32) | 0x35
    }

    /// The last rowversion of a database.
    pub fn rowversion(&self, database: i32) -> u64 {
        // A fresh database says 0x7D0.
        *self.rowversions.lock().unwrap_or_else(PoisonError::into_inner).entry(database).or_insert(2000)
    }

    /// The next rowversion of a database.
    pub fn next_rowversion(&self, database: i32) -> u64 {
        let mut all = self.rowversions.lock().unwrap_or_else(PoisonError::into_inner);
        let n = all.entry(database).or_insert(2000);
        *n += 1;
        *n
    }

    /// The catalogue was changed for good: it is written, if it is kept, at most once a second, and a large one
    /// less often, so that at most a tenth of the time goes there. The last change is written when the last session ends.
    pub fn changed(&self) {
        if !self.storage.keeps() {
            return;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let due = |(at, took): (Instant, Duration)| at.elapsed() >= (took * 10).max(Duration::from_secs(1));
        if !written.is_none_or(due) {
            return;
        }
        *written = Some((Instant::now(), Duration::ZERO));
        drop(written);
        let started = Instant::now();
        let _ = self.write();
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), started.elapsed()));
    }

    /// Writes the catalogue, if it is kept.
    pub fn write(&self) -> std::io::Result<()> {
        if !self.storage.keeps() {
            return Ok(());
        }
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = serde_json::to_vec(self.catalogue.snapshot().as_ref()).map_err(std::io::Error::other)?;
        let file = self.storage.path().join(CATALOGUE_FILE);
        let partial = file.with_extension("json.partial");
        std::fs::write(&partial, bytes)?;
        std::fs::rename(partial, file)
    }

    /// The sessions.
    pub fn sessions(&self) -> Vec<Visible> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A session is in another database.
    pub fn moved(&self, spid: u16, database: i32) {
        if let Some(s) = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&spid) {
            s.database = database;
        }
    }

    /// A session is over.
    pub fn leave(&self, spid: u16) {
        let mut all = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&spid);
        let last = all.is_empty();
        drop(all);
        // A seat in a SINGLE_USER database that it held is free.
        let held: Vec<i32> = self
            .catalogue
            .snapshot()
            .databases
            .values()
            .filter(|d| d.options.holder == Some(i32::from(spid)))
            .map(|d| d.database_id)
            .collect();
        for id in held {
            let _ = self.catalogue.change(|s| {
                if let Some(d) = s.database_mut(id) {
                    d.options.holder = None;
                }
                Ok::<(), ()>(())
            });
        }
        if last {
            let _ = self.write();
        }
    }

    fn seat(&self, request: &LoginRequest, login: &str, database: i32, signals: &Arc<Signals>) -> u16 {
        let mut all = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        // Sessions of users begin at 51.
        let spid = (51..u16::MAX).find(|n| !all.contains_key(n)).unwrap_or(u16::MAX);
        all.insert(
            spid,
            Visible {
                spid,
                login: login.to_string(),
                host: request.host.clone(),
                application: request.application.clone(),
                client_pid: request.client_pid,
                library: request.library.clone(),
                database,
                since: Stamp::now(),
                signals: signals.clone(),
            },
        );
        spid
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.write();
    }
}

fn message(number: i32, state: u8, class: u8, text: String) -> Message {
    Message { number, state, class, text, procedure: String::new(), line: 1 }
}

/// The engine as the wire sees it.
#[derive(Debug, Clone)]
pub struct EngineBackend(pub Arc<Engine>);

impl Backend for EngineBackend {
    fn login(&self, request: &LoginRequest, signals: Arc<Signals>) -> Result<LoggedIn, Vec<Message>> {
        let engine = &self.0;
        let server = engine.catalogue.snapshot();
        let refused =
            || message(18456, 1, 14, format!("Login failed for user '{}'.", request.user.replace('\'', "\\'")));
        let login = server
            .login(&request.user)
            .filter(|l| !l.disabled && l.password.is(&request.password))
            .ok_or_else(|| vec![refused()])?;
        let wanted = if request.database.is_empty() { login.default_database.as_str() } else { &request.database };
        // Fact 76: the database, then the login.
        let no_database = || {
            vec![
                message(
                    4060,
                    1,
                    11,
                    format!("Cannot open database \"{wanted}\" requested by the login. The login failed."),
                ),
                refused(),
            ]
        };
        let database = server.database(wanted).ok_or_else(no_database)?;
        if !(engine.hooks.admit)(&server, database, &login.name) {
            return Err(no_database());
        }
        let spid = engine.seat(request, &login.name, database.database_id, &signals);
        let mut session = SqlSession::new(engine.clone(), spid, &login.name, database.database_id, signals);
        session.host.clone_from(&request.host);
        session.application.clone_from(&request.application);
        if session.enter(database.database_id).is_err() {
            return Err(no_database());
        }
        let c = collation::by_name(&server.collation).unwrap_or_else(collation::default);
        // Facts 77 and 78: the name as the client spelt it, in both.
        let shown = if request.database.is_empty() { database.name.clone() } else { request.database.clone() };
        let changed = format!("Changed database context to '{shown}'.");
        let info = |number: i32, state: u8, text: String| LoginAnswer::Info(message(number, state, 0, text));
        let answers = vec![
            LoginAnswer::Env(EnvChange::Database(shown, "master".into())),
            info(5701, 2, changed),
            LoginAnswer::Env(EnvChange::Collation(c.tds)),
            LoginAnswer::Env(EnvChange::Language("us_english".into(), String::new())),
            info(5703, 1, "Changed language setting to us_english.".into()),
        ];
        Ok((Box::new(session), answers))
    }

    fn version(&self) -> (u8, u8, u16) {
        self.0.catalogue.snapshot().product.numbers()
    }

    fn server_name(&self) -> String {
        self.0.catalogue.snapshot().name.clone()
    }
}
