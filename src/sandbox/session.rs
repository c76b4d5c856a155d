//! Where the wire meets the engine: the wire hands a session requests, and the session answers into a [`Reply`].
//!
//! The wire knows no SQL and the session knows no bytes. A session is driven from a blocking thread.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::value::{SqlType, Value};

/// A column of a result.
#[derive(Debug, Clone)]
pub struct ResultColumn {
    /// Empty for an unnamed expression.
    pub name: String,
    /// Its type.
    pub ty: SqlType,
    /// The COLMETADATA flags: 1 nullable, 2 case sensitive, 4 updatable, 8 updatability unknown, 16 identity,
    /// 32 computed or expression (facts 45 to 48).
    pub flags: u16,
    /// `user_type`: 256 for sysname, 0 otherwise.
    pub user_type: u32,
}

/// An ERROR (class > 10) or INFO token.
#[derive(Debug, Clone)]
pub struct Message {
    /// `sys.messages.message_id`.
    pub number: i32,
    /// State.
    pub state: u8,
    /// Class (severity).
    pub class: u8,
    /// Text in full.
    pub text: String,
    /// The procedure, or empty.
    pub procedure: String,
    /// Line in the batch or procedure, from 1.
    pub line: u32,
}

/// Which token ends what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneKind {
    /// DONE: a statement at batch level.
    Statement,
    /// DONEINPROC: a statement inside a procedure or RPC.
    InProcedure,
    /// DONEPROC: an EXEC inside a batch (after RETURNSTATUS). The DONEPROC of an RPC is the wire's.
    Procedure,
}

/// What ends a statement; the wire sets MORE.
#[derive(Debug, Clone, Copy, Default)]
pub struct Done {
    /// CurCmd (fact files: 0xC1 SELECT, 0xC3 INSERT, 253 batch, 240 bulk load, …).
    pub command: u16,
    /// Rows, if the statement counts.
    pub rows: Option<u64>,
    /// The error bit.
    pub error: bool,
}

/// A change of the session that the client must hear of.
#[derive(Debug, Clone)]
pub enum EnvChange {
    /// The current database (1), with INFO 5701: new, old.
    Database(String, String),
    /// The language (2).
    Language(String, String),
    /// The database collation (7): the five bytes.
    Collation([u8; 5]),
    /// BEGIN (8): the transaction descriptor.
    Begin([u8; 8]),
    /// COMMIT (9): the old descriptor.
    Commit([u8; 8]),
    /// ROLLBACK (10): the old descriptor.
    Rollback([u8; 8]),
}

/// The client is gone, or sent an attention: stop what you do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request was abandoned")]
pub struct Abandoned;

/// Where answers go, in order. Every call fails with [`Abandoned`] once the client cancelled or vanished.
pub trait Reply {
    /// A result begins.
    fn columns(&mut self, columns: &[ResultColumn]) -> Result<(), Abandoned>;
    /// A row of it.
    fn row(&mut self, row: &[Value]) -> Result<(), Abandoned>;
    /// A row of it in the row form ([`super::rowform`]) of the announced columns: copied, not decoded.
    fn raw_row(&mut self, body: &[u8]) -> Result<(), Abandoned>;
    /// The ORDER token: columns of the result, from 1.
    fn order(&mut self, columns: &[u16]) -> Result<(), Abandoned>;
    /// An error or an information. After one of class 20 and above the wire closes the connection.
    fn message(&mut self, message: &Message) -> Result<(), Abandoned>;
    /// A change of environment.
    fn env(&mut self, change: &EnvChange) -> Result<(), Abandoned>;
    /// The end of a statement.
    fn done(&mut self, done: Done, kind: DoneKind) -> Result<(), Abandoned>;
    /// RETURNSTATUS of a procedure.
    fn return_status(&mut self, status: i32) -> Result<(), Abandoned>;
    /// The request has reached a point where an attention can be heard although nothing is to be sent: long work calls
    /// this now and then.
    fn poll(&mut self) -> Result<(), Abandoned>;
    /// RETURNVALUE: an output parameter (ordinal, name with its @, type, value).
    fn return_value(&mut self, ordinal: u16, name: &str, ty: &SqlType, value: &Value) -> Result<(), Abandoned>;
}

/// An RPC parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// With its `@`, or empty when positional.
    pub name: String,
    /// OUTPUT.
    pub output: bool,
    /// DEFAULT.
    pub default: bool,
    /// Declared type.
    pub ty: SqlType,
    /// Value.
    pub value: Value,
}

/// A transaction manager request.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum TransactionRequest {
    Begin { isolation: u8, name: String },
    Commit { begin_next: Option<(u8, String)> },
    Rollback { name: String, begin_next: Option<(u8, String)> },
    Save { name: String },
}

/// What a login asks.
#[derive(Debug, Clone, Default)]
pub struct LoginRequest {
    /// SQL login.
    pub user: String,
    /// Password, clear.
    pub password: String,
    /// The database asked for, or empty.
    pub database: String,
    /// `program_name` of sys.dm_exec_sessions.
    pub application: String,
    /// `host_name`.
    pub host: String,
    /// The client's process id.
    pub client_pid: u32,
    /// The client library's name.
    pub library: String,
    /// The language asked for, or empty.
    pub language: String,
    /// Where the client is.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted after the login.
    pub encrypted: bool,
    /// Negotiated bytes of a packet.
    pub packet_size: u32,
    /// ApplicationIntent=ReadOnly.
    pub read_only_intent: bool,
}

/// What a connection hears from outside its own request: shared by wire and engine.
#[derive(Debug, Default)]
pub struct Signals {
    cancelled: AtomicBool,
    killed: AtomicBool,
    changed: Notify,
}

impl Signals {
    /// The running request is to stop: the client sent an attention or is gone, or the session was killed.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether another session killed this one.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    /// The engine ends this connection from another session (ALTER DATABASE … WITH ROLLBACK IMMEDIATE, KILL). The wire
    /// closes an idle connection, and answers a running request with error 596 (fact 75).
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
        self.cancel();
    }

    /// The wire stops the running request.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// The wire begins the next request; a killed session stays cancelled.
    pub fn rearm(&self) {
        self.cancelled.store(self.is_killed(), Ordering::Relaxed);
    }

    /// Returns once the session was killed.
    pub async fn until_killed(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_killed() {
                return;
            }
            changed.await;
        }
    }
}

/// How the stream of a bulk load ended.
#[derive(Debug, Clone)]
pub enum BulkEnd {
    /// With its DONE: load the rows and answer DONE with the count, or the errors and an error DONE.
    Complete,
    /// It could not be read (4804, fact 14), was not sent (4022, fact 3) or hit a fault: forget the rows, answer this
    /// message and the error DONE (CurCmd 253, fact 23).
    Refused(Message),
    /// The client cancelled it or vanished: forget the rows and answer nothing.
    Abandoned,
}

/// A column of a bulk load: what the stream's COLMETADATA says.
#[derive(Debug, Clone)]
pub struct BulkColumn {
    /// The name in the stream (ignored: columns bind by position, fact 11).
    pub name: String,
    /// The type in the stream.
    pub ty: SqlType,
    /// The nullable flag in the stream (must equal the target's, fact 12).
    pub nullable: bool,
}

/// One connection's state inside the server. Implemented by the engine; driven by the wire from a blocking thread.
///
/// A request that returns [`Abandoned`] has stopped; the wire then calls [`Session::attention`], unless the client is gone.
/// Dropping the session ends it (rolls back, drops temporary tables).
pub trait Session: Send {
    /// `@@SPID`; stands in the packet headers.
    fn spid(&self) -> u16;
    /// A SQL batch. Answers everything, the last DONE included.
    fn batch(&mut self, sql: &str, reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// An RPC by name (`sp_executesql`, `sp_prepexec`, …, or a procedure). Ends with DONEPROC by the wire; the session
    /// sends results, return status and output values.
    fn rpc(&mut self, procedure: &str, parameters: &[Parameter], reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// A transaction manager request. Answers everything, the DONE included.
    fn transaction(&mut self, request: &TransactionRequest, reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// Whether the last batch was an INSERT BULK whose stream is awaited (fact 3).
    fn bulk_pending(&self) -> bool;
    /// The stream's COLMETADATA arrived. Refusals (4816, 4804) are sent to `reply` as messages and returned as `false`;
    /// the wire then skips the stream and the session ends the request in [`Session::bulk_end`].
    fn bulk_columns(&mut self, columns: &[BulkColumn], reply: &mut dyn Reply) -> Result<bool, Abandoned>;
    /// A row arrived, in the row form ([`super::rowform`]) of the stream's columns, every cell checked against its type:
    /// if the target's columns have the same types, it can be stored as it is. `false` as above.
    fn bulk_row(&mut self, body: &[u8], reply: &mut dyn Reply) -> Result<bool, Abandoned>;
    /// The stream ended. Ends the request (the last DONE included) unless it was abandoned.
    fn bulk_end(&mut self, end: BulkEnd, reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// The request is answered by this error instead of being executed (a fault on demand): set `@@ERROR`, roll back what
    /// such an error rolls back, send the message and the error DONE of this kind.
    fn fail(&mut self, message: &Message, kind: DoneKind, reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// RESETCONNECTION (fact 79); `keep_transaction` is RESETCONNECTIONSKIPTRAN. The wire acknowledges it.
    fn reset(&mut self, keep_transaction: bool);
    /// An attention interrupted the request (fact 73): apply XACT_ABORT's rule, tell `reply` of a rollback by its
    /// environment change, and return CurCmd of the interrupted statement; the wire sends the error DONE and the
    /// acknowledgement.
    fn attention(&mut self, reply: &mut dyn Reply) -> u16;
}

/// A session and what its login is answered.
pub type LoggedIn = (Box<dyn Session>, Vec<LoginAnswer>);

/// The server behind the wire: takes logins, makes sessions.
pub trait Backend: Send + Sync {
    /// A login. On success the session, and the environment changes and informations of fact 77 in order
    /// (the wire adds LOGINACK, the packet size and FEATUREEXTACK); on failure the messages of fact 76.
    /// `signals` is what the session looks at while it works, and by which another session kills it.
    fn login(&self, request: &LoginRequest, signals: Arc<Signals>) -> Result<LoggedIn, Vec<Message>>;
    /// The version that LOGINACK and PRELOGIN tell: major, minor, build.
    fn version(&self) -> (u8, u8, u16);
    /// `@@SERVERNAME`, as messages carry it.
    fn server_name(&self) -> String;
}

/// What a login is answered besides LOGINACK.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum LoginAnswer {
    Env(EnvChange),
    Info(Message),
}
