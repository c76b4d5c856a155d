//! Where the wire meets the engine: the wire hands a session requests, and the session answers into a [`Reply`].
//!
//! The wire knows no SQL and the session knows no bytes. A session is driven from a blocking thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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

/// What ends a statement: DONE, DONEINPROC or DONEPROC by context; the wire sets MORE.
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
    /// The ORDER token: columns of the result, from 1.
    fn order(&mut self, columns: &[u16]) -> Result<(), Abandoned>;
    /// An error or an information.
    fn message(&mut self, message: &Message) -> Result<(), Abandoned>;
    /// A change of environment.
    fn env(&mut self, change: &EnvChange) -> Result<(), Abandoned>;
    /// The end of a statement at batch level (DONE) or inside a procedure or RPC (DONEINPROC).
    fn done(&mut self, done: Done, in_procedure: bool) -> Result<(), Abandoned>;
    /// RETURNSTATUS of a procedure.
    fn return_status(&mut self, status: i32) -> Result<(), Abandoned>;
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

/// One connection's state inside the server. Implemented by the engine; driven by the wire.
pub trait Session: Send {
    /// A SQL batch. Answers everything, the last DONE included.
    fn batch(&mut self, sql: &str, reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// An RPC by name (`sp_executesql`, `sp_prepexec`, …, or a procedure). Ends with DONEPROC by the wire; the session
    /// sends results, return status and output values.
    fn rpc(&mut self, procedure: &str, parameters: &[Parameter], reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// A transaction manager request.
    fn transaction(&mut self, request: &TransactionRequest, reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// Whether the last batch was an INSERT BULK whose stream is awaited (fact 3).
    fn bulk_pending(&self) -> bool;
    /// The stream's COLMETADATA arrived. Refusals (4816, 4804) are sent to `reply` as messages and returned as `false`;
    /// the wire then skips the stream and the session ends the request in [`Session::bulk_end`].
    fn bulk_columns(&mut self, columns: &[BulkColumn], reply: &mut dyn Reply) -> Result<bool, Abandoned>;
    /// A row arrived. `false` as above.
    fn bulk_row(&mut self, row: Vec<Value>, reply: &mut dyn Reply) -> Result<bool, Abandoned>;
    /// The stream ended (`complete`), or broke (client gone, attention, malformed: roll the load back).
    fn bulk_end(&mut self, complete: bool, reply: &mut dyn Reply) -> Result<(), Abandoned>;
    /// RESETCONNECTION (fact 79).
    fn reset(&mut self);
    /// An attention interrupted the request (fact 73): apply XACT_ABORT's rule.
    fn attention(&mut self);
}

/// A session and what its login is answered.
pub type LoggedIn = (Box<dyn Session>, Vec<LoginAnswer>);

/// The server behind the wire: takes logins, makes sessions.
pub trait Backend: Send + Sync {
    /// A login. On success the session, and the environment changes and informations of fact 77 in order
    /// (the wire adds LOGINACK and the packet size); on failure the messages of fact 76.
    fn login(&self, request: &LoginRequest, cancel: Arc<AtomicBool>) -> Result<LoggedIn, Vec<Message>>;
    /// The version that LOGINACK and PRELOGIN tell: major, minor, build.
    fn version(&self) -> (u8, u8, u16);
}

/// What a login is answered besides LOGINACK.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum LoginAnswer {
    Env(EnvChange),
    Info(Message),
}
