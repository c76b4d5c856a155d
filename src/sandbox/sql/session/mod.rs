//! A session: where it is, what it has set, what it has open. Names are looked up in `names`, transactions are held in
//! `transaction`.

mod names;
mod transaction;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use crate::sandbox::meta::database::Options as DatabaseOptions;
use crate::sandbox::meta::server::TEMPDB;
use crate::sandbox::meta::{Database, Object, Server};
use crate::sandbox::session::{Abandoned, Message, Signals};
use crate::sandbox::storage::Link;
use crate::sandbox::value::{Collation, SqlType, Value};

use super::engine::Engine;
use super::error::{self, SqlError, SqlResult};
use super::hook::VirtualTable;
use super::select::OutColumn;

/// Rows of a table variable.
pub type HeldRows = Arc<Mutex<Vec<Vec<Value>>>>;

/// A table variable.
#[derive(Debug, Clone)]
pub struct TableVariable {
    /// Its columns.
    pub columns: Vec<OutColumn>,
    /// Its rows.
    pub rows: HeldRows,
}

/// A variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its type.
    pub ty: SqlType,
    /// Its value.
    pub value: Value,
    /// What it is if it is a table.
    pub table: Option<Arc<TableVariable>>,
}

/// SET options.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named as in T-SQL")]
pub struct SetOptions {
    pub nocount: bool,
    pub xact_abort: bool,
    pub implicit_transactions: bool,
    pub lock_timeout: i32,
    pub text_size: i32,
    pub row_limit: i64,
    /// 1 read uncommitted … 4 serializable, 5 snapshot.
    pub isolation: u8,
    pub quoted_identifier: bool,
    pub ansi_nulls: bool,
    pub no_exec: bool,
    pub format_only: bool,
    pub parse_only: bool,
    /// SET IDENTITY_INSERT: database and table.
    pub identity_insert: Option<(i32, i32)>,
}

impl Default for SetOptions {
    fn default() -> Self {
        SetOptions {
            nocount: false,
            xact_abort: false,
            implicit_transactions: false,
            lock_timeout: -1,
            text_size: i32::MAX,
            row_limit: 0,
            isolation: 2,
            quoted_identifier: true,
            ansi_nulls: true,
            no_exec: false,
            format_only: false,
            parse_only: false,
            identity_insert: None,
        }
    }
}

/// What changes with every statement.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct State {
    pub rowcount: i64,
    pub error: i32,
    pub last_identity: Option<i128>,
    pub scope_identity: Option<i128>,
    pub nest: usize,
    /// Errors whose CATCH runs, the innermost last.
    pub caught: Vec<Message>,
    /// INFO 8153 is due.
    pub null_eliminated: bool,
    pub trancount: u32,
    /// Uncommittable.
    pub doomed: bool,
}

/// What a definition changed, to be brought back.
#[derive(Debug)]
pub enum Undo {
    /// Objects of a database as they were.
    Objects(i32, Vec<(i32, Option<Arc<Object>>)>),
    /// What the catalogue's own execution did.
    Definition(crate::sandbox::ddl::exec::Undo),
}

/// What a name leads to.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Resolved {
    Table { database: i32, schema: String, object: Arc<Object> },
    View { database: i32, schema: String, object: Arc<Object> },
    Virtual { database: i32, schema: String, name: String, table: VirtualTable },
}

/// A session.
pub struct SqlSession {
    /// The server's engine.
    pub engine: Arc<Engine>,
    /// `@@SPID`.
    pub spid: u16,
    /// The login, in its canonical spelling.
    pub login: String,
    /// `host_name`.
    pub host: String,
    /// `program_name`.
    pub application: String,
    /// What is heard from outside.
    pub signals: Arc<Signals>,
    /// The current database.
    pub database: i32,
    /// The database of the login.
    pub login_database: i32,
    /// SET options.
    pub options: SetOptions,
    /// Variables of the running batch.
    pub variables: RefCell<HashMap<String, Variable>>,
    /// What changes with every statement.
    pub state: RefCell<State>,
    /// The session's temporary objects.
    pub temporary: RefCell<Arc<Database>>,
    /// A database as a definition in progress will leave it.
    pub overlay: RefCell<Option<Arc<Database>>>,
    /// What to bring back on ROLLBACK.
    pub undo: Vec<Undo>,
    /// Points of SAVE TRAN: name, and how much there was to bring back.
    pub savepoints: Vec<(String, usize)>,
    /// Connections to databases.
    pub links: BTreeMap<i32, Link>,
    /// Databases in which the running statement has marked the point that it goes back to.
    pub marked: BTreeSet<i32>,
    /// The transaction's descriptor.
    pub descriptor: u64,
    /// Prepared statements.
    pub prepared: HashMap<i32, super::rpc::Prepared>,
    /// The next handle.
    pub next_handle: i32,
    /// INSERT BULK whose stream is awaited or arriving.
    pub bulk: Option<Box<super::bulk::Load>>,
    /// CurCmd of the running statement.
    pub command: u16,
}

fn empty_tempdb(server: &Server) -> Database {
    let options = DatabaseOptions::fresh(server.product.compatibility_level(), server.product.is_azure());
    Database::new(TEMPDB, "tempdb", &server.collation, "sa", options)
}

impl SqlSession {
    /// A fresh session of a login in a database.
    pub fn new(engine: Arc<Engine>, spid: u16, login: &str, database: i32, signals: Arc<Signals>) -> SqlSession {
        let server = engine.catalogue.snapshot();
        let temporary = empty_tempdb(&server);
        SqlSession {
            engine,
            spid,
            login: login.to_string(),
            host: String::new(),
            application: String::new(),
            signals,
            database,
            login_database: database,
            options: SetOptions::default(),
            variables: RefCell::default(),
            state: RefCell::default(),
            temporary: RefCell::new(Arc::new(temporary)),
            overlay: RefCell::default(),
            undo: Vec::new(),
            savepoints: Vec::new(),
            links: BTreeMap::new(),
            marked: BTreeSet::new(),
            descriptor: 0,
            prepared: HashMap::new(),
            next_handle: 1,
            bulk: None,
            command: 253,
        }
    }

    /// Forgets temporary tables.
    pub fn forget_temporary(&mut self) {
        let fresh = empty_tempdb(&self.server());
        self.temporary.replace(Arc::new(fresh));
    }

    /// The server as it is now.
    pub fn server(&self) -> Arc<Server> {
        self.engine.catalogue.snapshot()
    }

    /// The collation of the current database.
    pub fn collation(&self) -> Arc<Collation> {
        self.collation_of(self.database)
    }

    /// Open transactions.
    pub fn trancount(&self) -> u32 {
        self.state.borrow().trancount
    }

    /// XACT_STATE().
    pub fn xact_state(&self) -> i16 {
        let s = self.state.borrow();
        match (s.trancount, s.doomed) {
            (0, _) => 0,
            (_, true) => -1,
            _ => 1,
        }
    }

    /// INFO 8153 is due at the end of the statement.
    pub fn null_eliminated(&self) {
        self.state.borrow_mut().null_eliminated = true;
    }

    /// Stops if the client is gone or has cancelled.
    pub fn heard(&self) -> SqlResult<()> {
        if self.signals.is_cancelled() { Err(Abandoned.into()) } else { Ok(()) }
    }

    /// The connection to a database that the statement opened.
    pub fn link(&self, database: i32) -> SqlResult<&Link> {
        self.links.get(&database).ok_or_else(|| SqlError::batch(615, 1, 21, format!("Could not find database ID {database}, name ''. The database may be offline. Wait a few minutes and try again.")))
    }

    fn open(&mut self, database: i32) -> SqlResult<&mut Link> {
        use std::collections::btree_map::Entry;
        // A database dropped by another session may have left its number to a new one.
        let generation = self.engine.storage.generation(database);
        if database != TEMPDB && self.links.get(&database).is_some_and(|l| l.generation() != generation) {
            self.links.remove(&database);
        }
        Ok(match self.links.entry(database) {
            Entry::Occupied(o) => o.into_mut(),
            Entry::Vacant(v) => {
                let link = if database == TEMPDB {
                    self.engine.storage.temporary()?
                } else {
                    self.engine.storage.connect(database)?
                };
                v.insert(link)
            }
        })
    }

    /// Refuses a database that the login may not enter (916, 924, 942).
    pub fn enter(&self, database: i32) -> SqlResult<()> {
        (self.engine.hooks.enter)(self, database)
    }

    /// A declared variable's value, or error 137.
    pub fn set_variable(&self, name: &str, value: Value) -> SqlResult<()> {
        match self.variables.borrow_mut().get_mut(&name.to_lowercase()) {
            Some(v) => {
                v.value = value;
                Ok(())
            }
            None => Err(error::undeclared_variable(name)),
        }
    }
}

impl std::fmt::Debug for SqlSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlSession").field("spid", &self.spid).field("login", &self.login).finish_non_exhaustive()
    }
}

impl Drop for SqlSession {
    fn drop(&mut self) {
        let _ = self.rollback(None);
        self.engine.leave(self.spid);
    }
}
