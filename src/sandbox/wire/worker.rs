//! One thread a connection: takes its requests in order, drives the session, writes the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::answer::{Answer, Link, PacketWriter, Scratch};
use super::bulk::{Piece, Stream, StreamError};
use super::cursor::ProtocolError;
use super::login::{Login, feature};
use super::packet::{self, kind};
use super::request;
use super::tokens::{self, done, token};
use crate::sandbox::fault::{self, Direction, Verdict};
use crate::sandbox::session::{
    Abandoned, Backend, BulkEnd, DoneKind, LoginAnswer, LoginRequest, Message, Reply, Session,
};
use crate::sandbox::value::Value;

/// CurCmd of what ended as a batch (facts 23 and 71).
const BATCH: u16 = 253;
/// CurCmd of EXEC.
const EXECUTE: u16 = 224;

/// What a connection hands to its thread.
#[derive(Debug)]
pub enum Job {
    /// A whole message, and whether the connection is to be reset first (`true`: keep the transaction).
    Message {
        /// Its packet type.
        kind: u8,
        /// RESETCONNECTION.
        reset: Option<bool>,
        /// Its payload.
        payload: Vec<u8>,
    },
    /// A bulk load's stream has begun.
    Bulk(mpsc::Receiver<Piece>),
    /// A message that the client took back (IGNORE).
    Ignored,
    /// An attention.
    Attention,
    /// The session was killed while idle.
    Killed,
}

/// A thread's state.
pub struct Worker {
    backend: Arc<dyn Backend>,
    jobs: mpsc::Receiver<Job>,
    writer: PacketWriter,
    link: Link,
    attentions: Arc<AtomicUsize>,
    scratch: Scratch,
    database: String,
}

/// What a worker is made of.
pub struct Parts {
    /// The engine.
    pub backend: Arc<dyn Backend>,
    /// Requests.
    pub jobs: mpsc::Receiver<Job>,
    /// Answers.
    pub writer: PacketWriter,
    /// What it shares with the connection.
    pub link: Link,
    /// Attentions that were read and not acknowledged yet.
    pub attentions: Arc<AtomicUsize>,
}

/// What the login settled beforehand.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The login, as for the engine.
    pub request: LoginRequest,
    /// TDS version to acknowledge.
    pub tds: u32,
    /// Packet size to acknowledge.
    pub packet_size: usize,
    /// Whether the client sent feature extensions, and whether UTF-8 support was among them.
    pub features: Option<bool>,
}

impl Settled {
    /// What is acknowledged to a LOGIN7.
    pub fn of(login: Login, request: LoginRequest, strict: bool) -> Self {
        let packet_size = match login.packet_size as usize {
            0 => packet::DEFAULT_SIZE,
            wish => wish.clamp(*packet::SIZES.start(), *packet::SIZES.end()),
        };
        Self {
            request: LoginRequest { packet_size: packet_size as u32, ..request },
            tds: if strict { 0x0800_0000 } else { acknowledged_version(login.version) },
            packet_size,
            features: login.features.map(|ids| ids.contains(&feature::UTF8)),
        }
    }
}

/// The version that LOGINACK tells (its bytes are in the other order than LOGIN7's): 7.4, 7.3 or 7.2.
fn acknowledged_version(asked: u32) -> u32 {
    match asked >> 24 {
        0x72 => 0x7209_0002,
        0x73 if asked >= 0x730B_0003 => 0x730B_0003,
        0x73 => 0x730A_0003,
        _ => 0x7400_0004,
    }
}

fn message(number: i32, state: u8, class: u8, text: &str) -> Message {
    Message { number, state, class, text: text.to_owned(), procedure: String::new(), line: 1 }
}

/// What the server says of a stream it can't read.
fn protocol_message(error: ProtocolError) -> Message {
    const RPC: &str =
        "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect.";
    match error {
        ProtocolError::Truncated => message(
            4002,
            2,
            16,
            "The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended unexpectedly.",
        ),
        ProtocolError::Headers => message(
            4009,
            1,
            16,
            "The incoming tabular data stream (TDS) protocol stream is incorrect. The TDS headers contained errors.",
        ),
        ProtocolError::Collation => {
            message(4012, 1, 16, "An invalid tabular data stream (TDS) collation was encountered.")
        }
        // Assumption: 8009 for every type the sandbox does not take (table-valued parameters, json, vector) and for
        // values outside their type; the real server has finer errors for the latter.
        ProtocolError::Type(byte) => {
            message(8009, 1, 16, &format!("{RPC} Parameter (\"\"): Data type 0x{byte:02X} is unknown."))
        }
        ProtocolError::Value(why) | ProtocolError::Other(why) => message(8009, 1, 16, &format!("{RPC} {why}.")),
    }
}

const PREMATURE: &str = "While reading current row from host, a premature end-of-message was encountered--an incoming \
                         data stream was interrupted when the server expected to see more data. The host program may \
                         have terminated. Ensure that you are using a supported client application programming \
                         interface (API).";

impl Worker {
    /// Logs in, then serves until the client is gone.
    pub fn run(parts: Parts, settled: Settled) {
        let Parts { backend, jobs, writer, link, attentions } = parts;
        let database = settled.request.database.clone();
        let mut worker = Self { backend, jobs, writer, link, attentions, scratch: Scratch::default(), database };
        let Some(mut session) = worker.login(&settled) else { return };
        while let Some(job) = worker.jobs.blocking_recv() {
            if worker.job(session.as_mut(), job).is_err() {
                break;
            }
        }
    }

    fn answer(&mut self) -> Answer<'_> {
        Answer::new(&mut self.writer, &mut self.scratch)
    }

    fn fault(&self, number: i32, spid: u16) -> Message {
        fault::message(number, spid, &self.link.server, &self.database)
    }

    fn login(&mut self, settled: &Settled) -> Option<Box<dyn Session>> {
        let refused = match self.link.line.login() {
            Verdict::Go => None,
            Verdict::Drop(_) => {
                self.writer.close();
                return None;
            }
            Verdict::Stall(time) => {
                self.link.line.stall(time, &|| self.link.is_gone());
                None
            }
            Verdict::Error(number) => Some(vec![self.fault(number, 0)]),
        };
        let result = match refused {
            Some(messages) => Err(messages),
            None => self.backend.login(&settled.request, self.link.signals.clone()),
        };
        match result {
            Ok((session, answers)) => {
                let version = self.backend.version();
                let mut bytes = Vec::new();
                for answer in &answers {
                    match answer {
                        LoginAnswer::Env(change) => tokens::env(change, &mut bytes),
                        LoginAnswer::Info(info) => tokens::message(info, &self.link.server, &mut bytes),
                    }
                }
                tokens::login_ack(settled.tds, version, &mut bytes);
                tokens::packet_size(settled.packet_size, packet::DEFAULT_SIZE, &mut bytes);
                if let Some(utf8) = settled.features {
                    let acknowledged: &[(u8, &[u8])] = if utf8 { &[(feature::UTF8, &[1])] } else { &[] };
                    tokens::features(acknowledged, &mut bytes);
                }
                tokens::done_token(token::DONE, 0, 0, 0, &mut bytes);
                let spid = session.spid();
                self.writer.settle(packet::DEFAULT_SIZE, spid);
                let mut answer = self.answer();
                answer.raw(&bytes).ok()?;
                answer.end().ok()?;
                self.writer.settle(settled.packet_size, spid);
                Some(session)
            }
            Err(messages) => {
                let mut bytes = Vec::new();
                for refusal in &messages {
                    tokens::message(refusal, &self.link.server, &mut bytes);
                }
                tokens::done_token(token::DONE, done::ERROR, 0, 0, &mut bytes);
                let mut answer = self.answer();
                answer.deaf = true;
                let _ = answer.raw(&bytes).and_then(|()| answer.end());
                self.writer.close();
                None
            }
        }
    }

    fn job(&mut self, session: &mut dyn Session, job: Job) -> Result<(), Abandoned> {
        match job {
            Job::Killed => Err(self.writer.close()),
            Job::Attention => self.attention(session),
            Job::Ignored => self.ignored(session),
            Job::Bulk(pieces) => self.bulk(session, Stream::new(pieces)),
            Job::Message { kind, reset, payload } => {
                if let Some(keep_transaction) = reset {
                    session.reset(keep_transaction);
                }
                if session.bulk_pending() {
                    return self.not_sent(session, reset.is_some());
                }
                match kind {
                    kind::BATCH => self.batch(session, reset.is_some(), &payload),
                    kind::RPC => self.rpc(session, reset.is_some(), &payload),
                    kind::TRANSACTION => self.transaction(session, reset.is_some(), &payload),
                    _ => Err(self.writer.close()),
                }
            }
        }
    }

    /// Fact 71: the acknowledgement, a message of its own.
    fn attention(&mut self, session: &mut dyn Session) -> Result<(), Abandoned> {
        let mut answer = self.answer();
        answer.deaf = true;
        if session.bulk_pending() {
            // Assumption: an attention between INSERT BULK and its stream forgets the load.
            let _ = session.bulk_end(BulkEnd::Abandoned, &mut answer);
        }
        answer.final_done(token::DONE, done::ATTENTION, BATCH)?;
        let result = answer.end();
        if self.attentions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.link.signals.rearm();
            if self.attentions.load(Ordering::Acquire) > 0 || self.link.is_gone() {
                self.link.signals.cancel();
            }
        }
        result
    }

    /// Fact 74.
    fn ignored(&mut self, _session: &mut dyn Session) -> Result<(), Abandoned> {
        let mut answer = self.answer();
        answer.deaf = true;
        answer.final_done(token::DONE, done::ERROR, 0)?;
        answer.end()
    }

    /// Fact 3.
    fn not_sent(&mut self, session: &mut dyn Session, reset: bool) -> Result<(), Abandoned> {
        let link = self.link.clone();
        let mut answer = self.answer();
        if reset {
            answer.reset_done()?;
        }
        let text = "Bulk load data was expected but not sent. The batch will be terminated.";
        let result = session.bulk_end(BulkEnd::Refused(message(4022, 1, 16, text)), &mut answer);
        close_request(&link, session, answer, result, token::DONE)
    }

    /// A message that can't be read: the client hears why, and the connection goes on, for its packets are whole.
    fn unreadable(&mut self, error: ProtocolError, token: u8) -> Result<(), Abandoned> {
        let mut answer = self.answer();
        answer.message(&protocol_message(error))?;
        answer.final_done(token, done::ERROR, BATCH)?;
        answer.end()
    }

    /// What faults make of a statement: `Some` is the error to answer.
    fn statement(&mut self, text: &str, spid: u16) -> Result<Option<Message>, Abandoned> {
        match self.link.line.statement(text) {
            Verdict::Go => Ok(None),
            Verdict::Drop(_) => Err(self.writer.close()),
            Verdict::Stall(time) => {
                self.link.line.stall(time, &|| self.link.signals.is_cancelled());
                Ok(None)
            }
            Verdict::Error(number) => Ok(Some(self.fault(number, spid))),
        }
    }

    fn batch(&mut self, session: &mut dyn Session, reset: bool, payload: &[u8]) -> Result<(), Abandoned> {
        let sql = match request::batch(payload) {
            Ok(sql) => sql,
            Err(error) => return self.unreadable(error, token::DONE),
        };
        let refusal = self.statement(&sql, session.spid())?;
        let link = self.link.clone();
        let database = self.database.clone();
        let mut answer = self.answer();
        if reset {
            answer.reset_done()?;
        }
        let mut result = match refusal {
            Some(refusal) => session.fail(&refusal, DoneKind::Statement, &mut answer),
            None => session.batch(&sql, &mut answer),
        };
        if let Some(number) = answer.fault.filter(|number| *number != 0) {
            answer.deaf = true;
            let refusal = fault::message(number, session.spid(), &link.server, &database);
            result = session.fail(&refusal, DoneKind::Statement, &mut answer);
        }
        close_request(&link, session, answer, result, token::DONE)
    }

    fn transaction(&mut self, session: &mut dyn Session, reset: bool, payload: &[u8]) -> Result<(), Abandoned> {
        let request = match request::transaction(payload) {
            Ok(request) => request,
            Err(error) => return self.unreadable(error, token::DONE),
        };
        let link = self.link.clone();
        let mut answer = self.answer();
        if reset {
            answer.reset_done()?;
        }
        let result = match request {
            Some(request) => session.transaction(&request, &mut answer),
            None => {
                // Assumption: number, state and words of a server whose distributed transaction coordinator is off.
                let text = format!("MSDTC on server '{}' is unavailable.", link.server);
                answer.message(&message(8501, 3, 16, &text))?;
                answer.final_done(token::DONE, done::ERROR, BATCH)
            }
        };
        close_request(&link, session, answer, result, token::DONE)
    }

    fn rpc(&mut self, session: &mut dyn Session, reset: bool, payload: &[u8]) -> Result<(), Abandoned> {
        let calls = match request::rpc(payload) {
            Ok(calls) => calls,
            Err(error) => return self.unreadable(error, token::DONE_PROC),
        };
        let link = self.link.clone();
        let database = self.database.clone();
        let last = calls.len();
        let mut refusals = Vec::with_capacity(last);
        for call in &calls {
            let text = call.parameters.iter().find_map(|parameter| match &parameter.value {
                Value::NChar(text) => Some(super::cursor::utf16(text)),
                _ => None,
            });
            let text = format!("{} {}", call.procedure, text.unwrap_or_default());
            refusals.push(self.statement(&text, session.spid())?);
        }
        let mut answer = self.answer();
        if reset {
            answer.reset_done()?;
        }
        for (index, (call, refusal)) in calls.iter().zip(refusals).enumerate() {
            answer.failed = false;
            answer.returned = false;
            let mut result = match refusal {
                Some(refusal) => session.fail(&refusal, DoneKind::InProcedure, &mut answer),
                None if call.procedure.eq_ignore_ascii_case("sp_reset_connection") => {
                    session.reset(false);
                    answer.return_status(0)
                }
                None => session.rpc(&call.procedure, &call.parameters, &mut answer),
            };
            if let Some(number) = answer.fault.filter(|number| *number != 0) {
                answer.deaf = true;
                let refusal = fault::message(number, session.spid(), &link.server, &database);
                result = session.fail(&refusal, DoneKind::InProcedure, &mut answer);
            }
            if result.is_err() {
                return close_request(&link, session, answer, result, token::DONE_PROC);
            }
            let mut status = if index + 1 < last { done::MORE } else { 0 };
            if answer.failed && !answer.returned {
                status |= done::ERROR;
            }
            answer.final_done(token::DONE_PROC, status, EXECUTE)?;
        }
        answer.end()
    }

    fn bulk(&mut self, session: &mut dyn Session, mut stream: Stream) -> Result<(), Abandoned> {
        let link = self.link.clone();
        let database = self.database.clone();
        if !session.bulk_pending() {
            // A stream nobody asked for; its packets are whole, so the connection can go on.
            if stream.skip().is_err() {
                return self.broken(session, None);
            }
            return self.unreadable(ProtocolError::Truncated, token::DONE);
        }
        let mut answer = self.answer();
        let end = match load(session, &mut stream, &mut answer, &link) {
            Ok(end) => end,
            Err(Abandoned) => match answer.fault.take().filter(|number| *number != 0) {
                Some(number) => BulkEnd::Refused(fault::message(number, session.spid(), &link.server, &database)),
                None => BulkEnd::Abandoned,
            },
        };
        if matches!(end, BulkEnd::Abandoned) {
            answer.deaf = true;
            let _ = session.bulk_end(BulkEnd::Abandoned, &mut answer);
            return self.broken(session, Some(stream));
        }
        // What is left of the stream is read before the answer: the client listens only when it has sent all.
        if stream.skip().is_err() {
            answer.deaf = true;
            let _ = session.bulk_end(BulkEnd::Abandoned, &mut answer);
            drop(answer);
            return self.broken(session, None);
        }
        let result = session.bulk_end(end, &mut answer);
        close_request(&link, session, answer, result, token::DONE)
    }

    /// A bulk load that was cancelled: the rest of its message is forgotten.
    fn broken(&mut self, session: &mut dyn Session, stream: Option<Stream>) -> Result<(), Abandoned> {
        if let Some(mut stream) = stream {
            let _ = stream.skip();
        }
        if self.link.is_gone() {
            return Err(Abandoned);
        }
        let link = self.link.clone();
        let answer = self.answer();
        close_request(&link, session, answer, Err(Abandoned), token::DONE)
    }
}

/// Reads a bulk load's stream into the session.
fn load(
    session: &mut dyn Session,
    stream: &mut Stream,
    answer: &mut Answer<'_>,
    link: &Link,
) -> Result<BulkEnd, Abandoned> {
    let refused = |error: StreamError| match error {
        StreamError::NoColumns => BulkEnd::Refused(message(4804, 2, 16, PREMATURE)),
        StreamError::Premature => BulkEnd::Refused(message(4804, 1, 17, PREMATURE)),
        // Assumption: state 1 and class 16 for a value outside its type; 17 was seen for one longer than declared.
        StreamError::Value { column, why } => {
            let class = if why.starts_with("longer") { 17 } else { 16 };
            let text = format!("Received an invalid column length from the bcp client for colid {column}.");
            BulkEnd::Refused(message(4815, 1, class, &text))
        }
        StreamError::Protocol(error) => BulkEnd::Refused(protocol_message(error)),
        StreamError::Broken => BulkEnd::Abandoned,
    };
    let columns = match stream.columns() {
        Ok(columns) => columns,
        Err(error) => return Ok(refused(error)),
    };
    let mut wanted = session.bulk_columns(&columns, answer)?;
    while wanted {
        match stream.advance() {
            Ok(true) => {}
            Ok(false) => return Ok(BulkEnd::Complete),
            Err(error) => return Ok(refused(error)),
        }
        match link.line.row(Direction::Received) {
            Verdict::Go => {}
            Verdict::Drop(_) => {
                link.gone.store(true, Ordering::Relaxed);
                link.signals.cancel();
                return Err(Abandoned);
            }
            Verdict::Stall(time) => link.line.stall(time, &|| link.signals.is_cancelled()),
            Verdict::Error(number) => {
                answer.fault = Some(number);
                return Err(Abandoned);
            }
        }
        answer.poll()?;
        wanted = session.bulk_row(stream.row(), answer)?;
    }
    // Refused; bulk_end will say how it ends.
    match stream.skip() {
        Ok(()) => Ok(BulkEnd::Complete),
        Err(_) => Ok(BulkEnd::Abandoned),
    }
}

/// Ends a request's answer: as the session ended it, or as an attention or a kill does.
fn close_request(
    link: &Link,
    session: &mut dyn Session,
    mut answer: Answer<'_>,
    result: Result<(), Abandoned>,
    token: u8,
) -> Result<(), Abandoned> {
    if result.is_ok() {
        return answer.end();
    }
    if link.is_gone() {
        return Err(Abandoned);
    }
    answer.deaf = true;
    if link.signals.is_killed() {
        // Fact 75 for the number and its class. Assumption: the words and state 1.
        let text = "Cannot continue the execution because the session is in the kill state.";
        answer.message(&message(596, 1, 21, text))?;
        answer.final_done(token, done::ERROR | done::SERVER_ERROR, 0)?;
        return answer.end();
    }
    if answer.fatal {
        answer.final_done(token, done::ERROR | done::SERVER_ERROR, 0)?;
        return answer.end();
    }
    // Fact 71: no ERROR token, only the error bit.
    let command = session.attention(&mut answer);
    answer.final_done(token, done::ERROR, command)?;
    answer.end()
}
