//! Answers: tokens into packets, packets to the connection's writer, with backpressure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::packet::{self, HEADER, kind, status};
use super::tokens::{self, done, token};
use crate::sandbox::fault::{Direction, Line, Verdict};
use crate::sandbox::rowform::{self, Frame};
use crate::sandbox::session::{Abandoned, Done, DoneKind, EnvChange, Message, Reply, ResultColumn, Signals};
use crate::sandbox::value::{SqlType, Value};

/// CurCmd of a batch.
const BATCH: u16 = 253;
/// Bytes of whole packets that go to the socket at once.
const CHUNK: usize = 64 * 1024;
/// Longest chunk of a PLP value.
// Assumption: a real server's chunks are of about this size whatever the value; clients say so in their sources.
const PLP_CHUNK: usize = 8000;

/// What the connection's writer is told.
#[derive(Debug)]
pub enum Outgoing {
    /// Whole packets.
    Packets(Vec<u8>),
    /// Close the connection, now, without a word more.
    Close,
}

/// What session thread and connection share.
#[derive(Debug, Clone)]
pub struct Link {
    /// What the session hears.
    pub signals: Arc<Signals>,
    /// The client is gone.
    pub gone: Arc<AtomicBool>,
    /// Faults of this connection.
    pub line: Line,
    /// The server's name, for messages.
    pub server: Arc<str>,
    /// Row tokens may be NBCROW (TDS 7.3 and later).
    pub nbc: bool,
}

impl Link {
    /// Whether the client is gone.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// Splits an answer into packets.
#[derive(Debug)]
pub struct PacketWriter {
    to: mpsc::Sender<Outgoing>,
    buffer: Vec<u8>,
    /// Where the packet being filled begins.
    packet: usize,
    size: usize,
    id: u8,
    spid: u16,
    link: Link,
}

impl PacketWriter {
    /// A writer with the packet size of before the login.
    pub fn new(to: mpsc::Sender<Outgoing>, link: Link) -> Self {
        let mut writer = Self {
            to,
            buffer: Vec::with_capacity(CHUNK + packet::DEFAULT_SIZE),
            packet: 0,
            size: packet::DEFAULT_SIZE,
            id: 1,
            spid: 0,
            link,
        };
        writer.begin_packet();
        writer
    }

    /// From the next message on.
    pub fn settle(&mut self, size: usize, spid: u16) {
        self.size = size;
        self.spid = spid;
    }

    fn begin_packet(&mut self) {
        self.packet = self.buffer.len();
        self.buffer.extend_from_slice(&[0; HEADER]);
    }

    fn end_packet(&mut self, end: bool) {
        let length = self.buffer.len() - self.packet;
        let status = if end { status::END } else { 0 };
        let header = packet::header(kind::RESPONSE, status, length, self.spid, self.id);
        self.buffer[self.packet..self.packet + HEADER].copy_from_slice(&header);
        self.id = self.id.wrapping_add(1);
    }

    /// Writes into the message.
    #[inline]
    pub fn put(&mut self, mut data: &[u8]) -> Result<(), Abandoned> {
        loop {
            let room = self.packet + self.size - self.buffer.len();
            if data.len() <= room {
                self.buffer.extend_from_slice(data);
                return Ok(());
            }
            self.buffer.extend_from_slice(&data[..room]);
            data = &data[room..];
            self.next_packet()?;
        }
    }

    /// Writes a cell in row form as it was announced: a long PLP value in chunks.
    fn cell(&mut self, announced: Announced, whole: &[u8]) -> Result<(), Abandoned> {
        if announced.frame != Frame::Plp || whole.len() <= PLP_CHUNK + 16 {
            return self.put(&whole[usize::from(announced.fixed)..]);
        }
        self.put(&whole[..8])?;
        for chunk in whole[12..whole.len() - 4].chunks(PLP_CHUNK) {
            self.put(&(chunk.len() as u32).to_le_bytes())?;
            self.put(chunk)?;
        }
        self.put(&[0; 4])
    }

    #[cold]
    fn next_packet(&mut self) -> Result<(), Abandoned> {
        self.end_packet(false);
        if self.buffer.len() + self.size > CHUNK {
            self.send()?;
        }
        self.begin_packet();
        Ok(())
    }

    /// Ends the message and sends it.
    pub fn end(&mut self) -> Result<(), Abandoned> {
        self.end_packet(true);
        let sent = self.send();
        self.id = 1;
        self.begin_packet();
        sent
    }

    fn send(&mut self) -> Result<(), Abandoned> {
        let mut packets = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK + self.size));
        loop {
            match self.link.line.bytes(Direction::Sent, packets.len()) {
                Verdict::Drop(keep) => {
                    packets.truncate(keep);
                    let _ = self.to.blocking_send(Outgoing::Packets(packets));
                    return Err(self.close());
                }
                Verdict::Stall(time) => {
                    self.link.line.stall(time, &|| self.link.is_gone());
                }
                Verdict::Go | Verdict::Error(_) => break,
            }
        }
        self.to.blocking_send(Outgoing::Packets(packets)).map_err(|_| {
            self.link.gone.store(true, Ordering::Relaxed);
            Abandoned
        })
    }

    /// Closes the connection.
    pub fn close(&mut self) -> Abandoned {
        let _ = self.to.blocking_send(Outgoing::Close);
        self.link.gone.store(true, Ordering::Relaxed);
        self.link.signals.cancel();
        Abandoned
    }
}

/// A cell of a result as the wire has it.
#[derive(Debug, Clone, Copy)]
struct Announced {
    frame: Frame,
    /// The length byte is left out: the column was announced with a fixed type.
    fixed: bool,
}

/// The answer to one request.
pub struct Answer<'a> {
    writer: &'a mut PacketWriter,
    scratch: &'a mut Scratch,
    types: Vec<SqlType>,
    announced: Vec<Announced>,
    pending: Option<(u8, Done)>,
    /// Something was said.
    spoke: bool,
    /// Attention and faults are not heard: what is said now is said about them.
    pub deaf: bool,
    /// An error (class above 10) was sent.
    pub failed: bool,
    /// RETURNSTATUS was sent.
    pub returned: bool,
    /// A message of class 20 and above was sent: the connection ends with this answer.
    pub fatal: bool,
    /// The error that a fault put in the place of the rest.
    pub fault: Option<i32>,
}

/// Buffers that live as long as the connection.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    row: Vec<u8>,
    /// Of a row: where each cell ends, and whether it is NULL.
    cells: Vec<(usize, bool)>,
}

impl<'a> Answer<'a> {
    /// The answer to the next request.
    pub fn new(writer: &'a mut PacketWriter, scratch: &'a mut Scratch) -> Self {
        Self {
            writer,
            scratch,
            types: Vec::new(),
            announced: Vec::new(),
            pending: None,
            spoke: false,
            deaf: false,
            failed: false,
            returned: false,
            fatal: false,
            fault: None,
        }
    }

    /// Whether the session is to stop.
    #[inline]
    fn hear(&self) -> Result<(), Abandoned> {
        if self.fault.is_some() && !self.deaf {
            return Err(Abandoned);
        }
        if self.writer.link.signals.is_cancelled() && (!self.deaf || self.writer.link.is_gone()) {
            return Err(Abandoned);
        }
        Ok(())
    }

    fn flush_done(&mut self, more: bool) -> Result<(), Abandoned> {
        let Some((token, done)) = self.pending.take() else { return Ok(()) };
        let mut status = if more { done::MORE } else { 0 };
        if done.error {
            status |= done::ERROR;
        }
        if done.rows.is_some() {
            status |= done::COUNT;
        }
        self.scratch.bytes.clear();
        tokens::done_token(token, status, done.command, done.rows.unwrap_or(0), &mut self.scratch.bytes);
        self.writer.put(&self.scratch.bytes)
    }

    /// Writes a token after what is pending.
    fn token(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Abandoned> {
        self.hear()?;
        self.flush_done(true)?;
        self.spoke = true;
        self.scratch.bytes.clear();
        write(&mut self.scratch.bytes);
        self.writer.put(&self.scratch.bytes)
    }

    /// ENVCHANGE 18.
    pub fn reset_done(&mut self) -> Result<(), Abandoned> {
        self.token(tokens::reset_done)
    }

    /// Bytes of a token made elsewhere (of the login).
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Abandoned> {
        self.flush_done(true)?;
        self.spoke = true;
        self.writer.put(bytes)
    }

    /// Writes a DONE of the wire's own, which no MORE can change.
    pub fn final_done(&mut self, token: u8, status: u16, command: u16) -> Result<(), Abandoned> {
        self.flush_done(true)?;
        self.spoke = true;
        self.scratch.bytes.clear();
        tokens::done_token(token, status, command, 0, &mut self.scratch.bytes);
        self.writer.put(&self.scratch.bytes)
    }

    /// Ends the message.
    pub fn end(mut self) -> Result<(), Abandoned> {
        if !self.spoke && self.pending.is_none() {
            // A batch that had nothing to say (empty, or comments alone) is done all the same.
            self.final_done(token::DONE, 0, BATCH)?;
        }
        self.flush_done(false)?;
        self.writer.end()?;
        if self.fatal { Err(self.writer.close()) } else { Ok(()) }
    }

    /// A defect of the engine: said to the client rather than guessed around.
    fn defect(&mut self, text: String) -> Abandoned {
        tracing::error!(target: "pacrat::sandbox", "{text}");
        let message = Message { number: 50000, state: 1, class: 20, text, procedure: String::new(), line: 1 };
        let _ = self.message(&message);
        self.fault = Some(0);
        Abandoned
    }

    /// What a fault makes of a row.
    #[cold]
    fn row_fault(&mut self, verdict: Verdict) -> Result<(), Abandoned> {
        match verdict {
            Verdict::Go => Ok(()),
            Verdict::Drop(_) => {
                // What was said so far goes out, so that the client has seen exactly so many rows.
                self.writer.end_packet(false);
                let _ = self.writer.send();
                Err(self.writer.close())
            }
            Verdict::Stall(time) => {
                let link = self.writer.link.clone();
                link.line.stall(time, &|| link.is_gone());
                self.hear()
            }
            Verdict::Error(number) => {
                self.fault = Some(number);
                Err(Abandoned)
            }
        }
    }

    fn write_row(&mut self, body: &[u8]) -> Result<(), Abandoned> {
        // First where the cells end, then the bytes: NBCROW if it is the shorter.
        let cells = &mut self.scratch.cells;
        cells.clear();
        let mut at = 0;
        let mut saved = 0;
        let mut odd = None;
        let mut long = false;
        for (index, announced) in self.announced.iter().enumerate() {
            let Some((data, next)) = announced.frame.split(body, at) else {
                odd = Some(index);
                break;
            };
            if data.is_none() {
                saved += next - at;
                if announced.fixed {
                    odd = Some(index);
                    break;
                }
            }
            long |= announced.frame == Frame::Plp && next - at > PLP_CHUNK + 16;
            cells.push((next, data.is_none()));
            at = next;
        }
        if odd.is_some() || at != body.len() {
            let column = odd.unwrap_or(self.announced.len()) + 1;
            return Err(self.defect(format!("a row does not fit its columns at column {column}")));
        }
        let bitmap = cells.len().div_ceil(8);
        // Assumption: SQL Server's own rule for choosing NBCROW is not known; here it is the shorter form.
        if saved > bitmap && self.writer.link.nbc {
            let bytes = &mut self.scratch.bytes;
            bytes.clear();
            bytes.resize(bitmap + 1, 0);
            bytes[0] = token::NBC_ROW;
            for (index, (_, null)) in cells.iter().enumerate() {
                if *null {
                    bytes[1 + index / 8] |= 1 << (index % 8);
                }
            }
            self.writer.put(bytes)?;
            let mut start = 0;
            for ((end, null), announced) in cells.iter().zip(&self.announced) {
                if !null {
                    self.writer.cell(*announced, &body[start..*end])?;
                }
                start = *end;
            }
            return Ok(());
        }
        self.writer.put(&[token::ROW])?;
        if long {
            let mut start = 0;
            for ((end, _), announced) in cells.iter().zip(&self.announced) {
                self.writer.cell(*announced, &body[start..*end])?;
                start = *end;
            }
            return Ok(());
        }
        // Runs of cells that stand as they are.
        let mut run = 0;
        let mut start = 0;
        for ((end, _), announced) in cells.iter().zip(&self.announced) {
            if announced.fixed {
                if run < start {
                    self.writer.put(&body[run..start])?;
                }
                run = start + 1;
            }
            start = *end;
        }
        self.writer.put(&body[run..])
    }
}

impl Reply for Answer<'_> {
    fn columns(&mut self, columns: &[ResultColumn]) -> Result<(), Abandoned> {
        self.token(|out| tokens::columns(columns, out))?;
        self.types = columns.iter().map(|column| column.ty.clone()).collect();
        self.announced = columns
            .iter()
            .map(|column| Announced { frame: Frame::of(&column.ty), fixed: tokens::is_fixed(column) })
            .collect();
        Ok(())
    }

    fn row(&mut self, row: &[Value]) -> Result<(), Abandoned> {
        let mut body = std::mem::take(&mut self.scratch.row);
        body.clear();
        let encoded = if row.len() == self.types.len() {
            self.types.iter().zip(row).enumerate().try_for_each(|(index, (ty, value))| {
                rowform::encode_cell(ty, value, &mut body).map_err(|fault| fault.at(index, ty.base).to_string())
            })
        } else {
            Err(format!("{} values for {} columns", row.len(), self.types.len()))
        };
        let result = match encoded {
            Ok(()) => self.raw_row(&body),
            Err(text) => Err(self.defect(text)),
        };
        self.scratch.row = body;
        result
    }

    fn raw_row(&mut self, body: &[u8]) -> Result<(), Abandoned> {
        self.hear()?;
        let verdict = self.writer.link.line.row(Direction::Sent);
        if verdict != Verdict::Go {
            self.row_fault(verdict)?;
        }
        if self.pending.is_some() {
            self.flush_done(true)?;
        }
        self.write_row(body)
    }

    fn order(&mut self, columns: &[u16]) -> Result<(), Abandoned> {
        self.token(|out| tokens::order(columns, out))
    }

    fn message(&mut self, message: &Message) -> Result<(), Abandoned> {
        let server = self.writer.link.server.clone();
        self.token(|out| tokens::message(message, &server, out))?;
        self.failed |= message.class > 10;
        self.fatal |= message.class >= 20;
        Ok(())
    }

    fn env(&mut self, change: &EnvChange) -> Result<(), Abandoned> {
        self.token(|out| tokens::env(change, out))
    }

    fn done(&mut self, done: Done, kind: DoneKind) -> Result<(), Abandoned> {
        self.hear()?;
        self.flush_done(true)?;
        let token = match kind {
            DoneKind::Statement => token::DONE,
            DoneKind::InProcedure => token::DONE_IN_PROC,
            DoneKind::Procedure => token::DONE_PROC,
        };
        self.spoke = true;
        self.pending = Some((token, done));
        Ok(())
    }

    fn return_status(&mut self, status: i32) -> Result<(), Abandoned> {
        self.token(|out| tokens::return_status(status, out))?;
        self.returned = true;
        Ok(())
    }

    fn poll(&mut self) -> Result<(), Abandoned> {
        self.hear()
    }

    fn return_value(&mut self, ordinal: u16, name: &str, ty: &SqlType, value: &Value) -> Result<(), Abandoned> {
        let mut bytes = Vec::new();
        tokens::return_value(ordinal, name, ty, &mut bytes);
        if let Err(fault) = rowform::encode_cell(ty, value, &mut bytes) {
            let text = format!("output parameter {name}: {}", fault.at(usize::from(ordinal), ty.base));
            return Err(self.defect(text));
        }
        self.token(|out| out.append(&mut bytes))
    }
}
