//! A session: where it is, what it has set, what it has open; and how it looks things up.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlparser::ast;

use crate::sandbox::collation;
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::database::{DBO_SCHEMA, Options as DatabaseOptions};
use crate::sandbox::meta::server::TEMPDB;
use crate::sandbox::meta::{self, Database, Object, Server};
use crate::sandbox::session::{Abandoned, EnvChange, Message, Reply, Signals};
use crate::sandbox::storage::Link;
use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

use super::engine::Engine;
use super::error::{self, SqlError, SqlResult};
use super::hook::{MetaFunction, VirtualTable};
use super::select::OutColumn;
use super::types;

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

    /// A database as it is now, or as the definition in progress leaves it.
    pub fn database_meta(&self, id: i32) -> Option<Arc<Database>> {
        if let Some(o) = self.overlay.borrow().as_ref().filter(|o| o.database_id == id) {
            return Some(o.clone());
        }
        if id == TEMPDB {
            return Some(self.temporary.borrow().clone());
        }
        self.server().databases.get(&id).cloned()
    }

    /// A database's name.
    pub fn database_name(&self, id: i32) -> String {
        self.database_meta(id).map(|d| d.name.clone()).unwrap_or_default()
    }

    /// A database by name.
    pub fn database_named(&self, name: &str) -> Option<i32> {
        self.server().database(name).map(|d| d.database_id)
    }

    /// Whether two names are one in a database.
    pub fn same_name(&self, database: i32, a: &str, b: &str) -> bool {
        if a == b {
            return true;
        }
        if a.is_ascii() && b.is_ascii() && !a.eq_ignore_ascii_case(b) {
            return false;
        }
        self.database_meta(database).is_none_or(|d| d.same(a, b))
    }

    /// The collation of a database.
    pub fn collation_of(&self, database: i32) -> Arc<Collation> {
        self.database_meta(database).and_then(|d| collation::by_name(&d.collation)).unwrap_or_else(collation::default)
    }

    /// The collation of the current database.
    pub fn collation(&self) -> Arc<Collation> {
        self.collation_of(self.database)
    }

    /// The schema id that names without a schema are looked up in first.
    pub fn default_schema(&self, database: i32) -> i32 {
        if database == TEMPDB {
            return DBO_SCHEMA;
        }
        self.database_meta(database).map_or(DBO_SCHEMA, |d| rights::default_schema(&self.server(), &d, &self.login))
    }

    /// Its name.
    pub fn default_schema_name(&self, database: i32) -> String {
        let id = self.default_schema(database);
        self.database_meta(database).map(|d| d.schema_name(id).to_string()).unwrap_or_default()
    }

    /// The user that the login is in a database.
    pub fn user_name(&self, database: i32) -> String {
        let found = self.database_meta(database).and_then(|d| {
            let id = rights::user_of(&self.server(), &d, &self.login)?;
            d.principal_by_id(id).map(|p| p.name.clone())
        });
        found.unwrap_or_else(|| "guest".into())
    }

    /// The id of a system object (`sys.tables`), if there is one of that name.
    pub fn system_object_id(&self, _database: i32, schema: &str, name: &str) -> Option<i32> {
        crate::sandbox::catalog_views::find(schema, name, self.server().product).map(|v| v.object_id)
    }

    /// A function that the catalogue lends.
    pub fn meta_function(&self, name: &str, arguments: usize) -> Option<MetaFunction> {
        (self.engine.hooks.function)(name, arguments)
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

    /// Makes ready to read databases: from the first access on one state is seen (fact 64).
    pub fn start_read(&mut self, databases: impl IntoIterator<Item = i32>) -> SqlResult<()> {
        for database in databases {
            self.open(database)?.read()?;
        }
        Ok(())
    }

    /// Makes ready to write a database: waits for other writers, and marks the point that the statement goes back to.
    pub fn start_write(&mut self, database: i32) -> SqlResult<()> {
        let signals = self.signals.clone();
        let timeout = self.options.lock_timeout;
        // Assumption: who waits five minutes for another session's transaction is in a deadlock that nobody else sees.
        let patience = if timeout < 0 { Duration::from_secs(300) } else { Duration::from_millis(timeout as u64) };
        let name = self.database_name(database);
        if self.database_meta(database).is_some_and(|d| d.options.read_only) {
            return Err(SqlError::batch(
                3906,
                1,
                16,
                format!("Failed to update database \"{name}\" because the database is read-only."),
            ));
        }
        let spid = self.spid;
        let isolation = self.options.isolation;
        let (explicit, marked) = (self.trancount() > 0, self.marked.contains(&database));
        let link = self.open(database)?;
        let ready = link
            .write::<SqlError>(Some(patience), || if signals.is_cancelled() { Err(Abandoned.into()) } else { Ok(()) })
            .map_err(|e| {
                if e.number == 1222 && timeout < 0 {
                    SqlError::transaction(
                        1205,
                        51,
                        13,
                        format!(
                            "Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has \
                             been chosen as the deadlock victim. Rerun the transaction."
                        ),
                    )
                } else {
                    e
                }
            })?;
        if !ready {
            // Fact 66.
            return Err(if isolation == 5 {
                SqlError::transaction(
                    3960,
                    2,
                    16,
                    format!(
                        "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to \
                         access table directly or indirectly in database '{name}' to update, delete, or insert the row that \
                         has been modified or deleted by another transaction. Retry the transaction or change the isolation \
                         level for the update/delete statement."
                    ),
                )
            } else {
                SqlError::transaction(
                    1205,
                    51,
                    13,
                    format!(
                        "Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been \
                         chosen as the deadlock victim. Rerun the transaction."
                    ),
                )
            });
        }
        if explicit && !marked {
            link.savepoint("statement")?;
            self.marked.insert(database);
        }
        Ok(())
    }

    /// Ends a statement: what it wrote stays or goes, and outside a transaction it is committed.
    pub fn end_statement(&mut self, ok: bool) -> SqlResult<()> {
        let explicit = self.trancount() > 0;
        let keeps_reading = matches!(self.options.isolation, 3..=5);
        for (database, link) in &mut self.links {
            if link.writing() {
                if explicit {
                    // Only a statement that wrote has marked its point.
                    if self.marked.remove(database) {
                        if !ok {
                            link.rollback_to("statement")?;
                        }
                        link.release("statement")?;
                    }
                } else if ok {
                    link.commit()?;
                } else {
                    link.rollback();
                }
            } else if link.active() && !(explicit && keeps_reading) {
                link.commit()?;
            }
        }
        if !explicit {
            if ok {
                if !self.undo.is_empty() {
                    self.undo.clear();
                    self.engine.changed();
                }
            } else {
                self.bring_back(0);
            }
        }
        Ok(())
    }

    /// Undoes definitions down to a mark.
    pub fn bring_back(&mut self, to: usize) {
        while self.undo.len() > to {
            let (database, changes) = match self.undo.pop() {
                None => break,
                Some(Undo::Definition(undo)) => {
                    let _ = self.engine.catalogue.change(|s| {
                        undo.apply(s);
                        Ok::<(), ()>(())
                    });
                    continue;
                }
                Some(Undo::Objects(database, changes)) => (database, changes),
            };
            if database == TEMPDB {
                Arc::make_mut(&mut self.temporary.borrow_mut()).undo(&changes);
                continue;
            }
            let _ = self.engine.catalogue.change(|s| {
                if let Some(d) = s.database_mut(database) {
                    d.undo(&changes);
                }
                Ok::<(), ()>(())
            });
        }
    }

    /// BEGIN TRAN.
    pub fn begin(&mut self, reply: &mut dyn Reply) -> SqlResult<()> {
        let mut s = self.state.borrow_mut();
        s.trancount += 1;
        if s.trancount == 1 {
            s.doomed = false;
            self.descriptor = self.engine.next_descriptor();
            self.savepoints.clear();
            reply.env(&EnvChange::Begin(self.descriptor.to_le_bytes()))?;
        }
        Ok(())
    }

    /// COMMIT.
    pub fn commit(&mut self, reply: &mut dyn Reply) -> SqlResult<()> {
        let count = self.trancount();
        if count == 0 {
            return Err(SqlError::new(
                3902,
                1,
                16,
                "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            ));
        }
        if self.state.borrow().doomed {
            return Err(SqlError::batch(
                3930,
                1,
                16,
                "The current transaction cannot be committed and cannot support operations that write to the log file. Roll \
                 back the transaction.",
            ));
        }
        self.state.borrow_mut().trancount -= 1;
        if count == 1 {
            for link in self.links.values_mut() {
                link.commit()?;
            }
            if !self.undo.is_empty() {
                self.undo.clear();
                self.engine.changed();
            }
            self.savepoints.clear();
            reply.env(&EnvChange::Commit(self.descriptor.to_le_bytes()))?;
            self.descriptor = 0;
        }
        Ok(())
    }

    /// ROLLBACK of everything; nothing is said if nothing is open.
    pub fn rollback(&mut self, reply: Option<&mut dyn Reply>) -> SqlResult<()> {
        self.marked.clear();
        for link in self.links.values_mut() {
            link.rollback();
        }
        self.bring_back(0);
        self.savepoints.clear();
        let open = {
            let mut s = self.state.borrow_mut();
            let open = s.trancount > 0;
            s.trancount = 0;
            s.doomed = false;
            open
        };
        let descriptor = std::mem::take(&mut self.descriptor);
        if open && let Some(reply) = reply {
            reply.env(&EnvChange::Rollback(descriptor.to_le_bytes()))?;
        }
        Ok(())
    }

    /// SAVE TRAN.
    pub fn save(&mut self, name: &str) -> SqlResult<()> {
        if self.trancount() == 0 {
            return Err(SqlError::new(
                628,
                0,
                16,
                "Cannot issue SAVE TRANSACTION when there is no active transaction.",
            ));
        }
        let databases: Vec<i32> = self.links.keys().copied().collect();
        let point = format!("save {name}");
        for d in databases {
            let link = self.open(d)?;
            if link.writing() {
                link.savepoint(&point)?;
            }
        }
        self.savepoints.push((name.to_string(), self.undo.len()));
        Ok(())
    }

    /// ROLLBACK TRAN name: to a point, or of everything if it is the transaction's own name.
    pub fn rollback_to(&mut self, name: &str, reply: &mut dyn Reply) -> SqlResult<()> {
        let Some(at) = self.savepoints.iter().rposition(|(n, _)| n == name) else {
            return self.rollback(Some(reply));
        };
        let mark = self.savepoints[at].1;
        self.savepoints.truncate(at + 1);
        self.bring_back(mark);
        let point = format!("save {name}");
        for link in self.links.values_mut() {
            // What began to write after the point has no point: all of it goes.
            if link.writing() && link.rollback_to(&point).is_err() {
                link.rollback();
            }
        }
        Ok(())
    }

    /// Changes a database's catalogue as part of the transaction.
    pub fn change_database<T>(
        &mut self,
        database: i32,
        change: impl FnOnce(&mut Database) -> SqlResult<T>,
    ) -> SqlResult<T> {
        if database == TEMPDB {
            let mut holder = self.temporary.borrow_mut();
            let before = holder.as_ref().clone();
            let mut next = before.clone();
            let out = change(&mut next)?;
            let undo = before.undo_of(&next);
            *holder = Arc::new(next);
            drop(holder);
            self.undo.push(Undo::Objects(database, undo));
            return Ok(out);
        }
        let (out, undo) = self.engine.catalogue.change(|s| {
            let db = s.database_mut(database).ok_or_else(|| {
                SqlError::batch(911, 1, 16, "Database does not exist. Make sure that the name is entered correctly.")
            })?;
            let before = db.clone();
            let out = change(db)?;
            let undo = before.undo_of(db);
            Ok::<_, SqlError>((out, undo))
        })?;
        self.undo.push(Undo::Objects(database, undo));
        Ok(out)
    }

    /// What a name of one to three parts leads to from a database.
    pub fn resolve(&self, database: i32, parts: &[String]) -> SqlResult<Option<Resolved>> {
        let (database, schema, name) = match parts {
            [n] => (database, "", n.as_str()),
            [s, n] => (database, s.as_str(), n.as_str()),
            [d, s, n] => match self.database_named(d) {
                Some(id) => {
                    self.enter(id)?;
                    (id, s.as_str(), n.as_str())
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if name.starts_with('#') {
            let temporary = self.temporary.borrow().clone();
            return Ok(temporary.find(DBO_SCHEMA, name).map(|o| Resolved::Table {
                database: TEMPDB,
                schema: "dbo".into(),
                object: o.clone(),
            }));
        }
        let Some(db) = self.database_meta(database) else { return Ok(None) };
        let schemas: Vec<i32> = if schema.is_empty() {
            let own = self.default_schema(database);
            if own == DBO_SCHEMA { vec![own] } else { vec![own, DBO_SCHEMA] }
        } else {
            db.schema(schema).map(|s| s.schema_id).into_iter().collect()
        };
        for id in &schemas {
            let Some(found) = db.find(*id, name) else { continue };
            let schema = db.schema_name(*id).to_string();
            if let meta::Kind::Synonym { base } = &found.kind {
                let parts = meta::names::parts(base).unwrap_or_default();
                return self.resolve(database, &parts);
            }
            if found.table().is_some() {
                self.may_select(&db, found)?;
                return Ok(Some(Resolved::Table { database, schema, object: found.clone() }));
            }
            if found.view().is_some() {
                self.may_select(&db, found)?;
                return Ok(Some(Resolved::View { database, schema, object: found.clone() }));
            }
        }
        if let Some(table) = (self.engine.hooks.view)(self, database, schema, name) {
            let schema = if schema.is_empty() { "sys" } else { schema };
            return Ok(Some(Resolved::Virtual { database, schema: schema.to_string(), name: name.to_string(), table }));
        }
        Ok(None)
    }

    /// Refuses what the login may not read (229).
    fn may_select(&self, db: &Database, object: &Object) -> SqlResult<()> {
        (self.engine.hooks.may)(self, db, object, "SELECT")
    }

    /// Refuses a database that the login may not enter (916, 924, 942).
    pub fn enter(&self, database: i32) -> SqlResult<()> {
        (self.engine.hooks.enter)(self, database)
    }

    /// The type that the parser's type means.
    pub fn data_type(&self, database: i32, dt: &ast::DataType, explicit: bool) -> SqlResult<SqlType> {
        let shown = match dt {
            ast::DataType::Custom(name, args) if args.is_empty() => name.to_string(),
            ast::DataType::Custom(name, args) => format!("{name}({})", args.join(",")),
            other => other.to_string(),
        };
        self.type_named(database, &shown, explicit)
    }

    /// The type of a text such as `decimal(10, 2)`.
    pub fn type_named(&self, database: i32, text: &str, explicit: bool) -> SqlResult<SqlType> {
        let (word, args) = match text.find('(') {
            Some(at) => {
                let end = text.rfind(')').unwrap_or(text.len());
                (text[..at].trim(), text[at + 1..end].split(',').map(|a| a.trim().to_ascii_lowercase()).collect())
            }
            None => (text.trim(), Vec::new()),
        };
        let collation = self.collation_of(database);
        let number = |i: usize| args.get(i).and_then(|a: &String| a.parse::<u32>().ok());
        let max = args.first().is_some_and(|a| a == "max");
        let name = word.replace(['[', ']', '"'], "");
        let unqualified = name.strip_prefix("sys.").unwrap_or(&name);
        let canonical = match unqualified.to_ascii_lowercase().as_str() {
            "character varying" | "char varying" => "varchar".to_string(),
            "national character" | "national char" => "nchar".to_string(),
            "national character varying" | "national char varying" => "nvarchar".to_string(),
            "double" | "double precision" => "float".to_string(),
            "binary varying" => "varbinary".to_string(),
            other => other.to_string(),
        };
        let Some(built_in) = meta::types::named(&canonical) else {
            if let Some(db) = self.database_meta(database) {
                let mut parts = name.rsplitn(2, '.');
                let last = parts.next().unwrap_or("");
                let schema = parts.next().and_then(|s| db.schema(s).map(|s| s.schema_id)).unwrap_or(DBO_SCHEMA);
                if let Some(t) = db.user_type(schema, last)
                    && let meta::UserTypeKind::Alias { ty, .. } = &t.kind
                {
                    return Ok(ty.clone());
                }
            }
            return Err(SqlError::batch(
                if explicit { 243 } else { 2715 },
                if explicit { 1 } else { 3 },
                16,
                if explicit {
                    format!("Type {name} is not a defined system type.")
                } else {
                    format!("Column, parameter, or variable #1: Cannot find data type {name}.")
                },
            ));
        };
        let base = built_in.base;
        let default = if explicit { 30 } else { 1 };
        let too_long = |limit: u32| {
            SqlError::batch(
                131,
                3,
                15,
                format!(
                    "The size ({}) given to the type '{canonical}' exceeds the maximum allowed for any data type ({limit}).",
                    args.first().map_or("", |a| a.as_str())
                ),
            )
        };
        Ok(match base {
            Base::Char | Base::VarChar | Base::Binary | Base::VarBinary => {
                let length = if max { MAX } else { number(0).unwrap_or(default) };
                if length == 0 || (length > 8000 && length != MAX) {
                    return Err(too_long(8000));
                }
                let ty = types::binary(base, length);
                if types::is_text(base) { SqlType { collation: Some(collation), ..ty } } else { ty }
            }
            Base::NChar | Base::NVarChar => {
                if canonical == "sysname" {
                    return Ok(types::sysname(&collation));
                }
                let length = if max { MAX } else { number(0).unwrap_or(default) };
                if length == 0 || (length > 4000 && length != MAX) {
                    return Err(too_long(8000));
                }
                types::text(base, if length == MAX { MAX } else { length * 2 }, &collation)
            }
            Base::Text | Base::NText => types::text(base, MAX, &collation),
            Base::Decimal | Base::Numeric => {
                let p = number(0).unwrap_or(18);
                let s = number(1).unwrap_or(0);
                if !(1..=38).contains(&p) || s > p {
                    return Err(SqlError::batch(1002, 1, 16, format!("Line 1: Specified scale {s} is invalid.")));
                }
                types::decimal(base, p as u8, s as u8)
            }
            Base::Float => {
                if number(0).is_some_and(|n| n <= 24) {
                    types::plain(Base::Real)
                } else {
                    types::plain(Base::Float)
                }
            }
            Base::Time | Base::DateTime2 | Base::DateTimeOffset => {
                let s = number(0).unwrap_or(7);
                if s > 7 {
                    return Err(SqlError::batch(1002, 1, 16, format!("Line 1: Specified scale {s} is invalid.")));
                }
                types::scaled(base, s as u8)
            }
            other => types::plain(other),
        })
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
