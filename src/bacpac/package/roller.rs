//! Rows cut into parts of a bounded size: whole rows only, numbered from 0. A row too large for a part of its own
//! (a LOB beyond the memory that is allowed) goes out as a part that is streamed.
//!
//! [`PartCutter`] decides and does nothing: whoever may have to wait (an engine with one writer) asks it between reads.
//! [`PartRoller`] drives it from a decoder, into a [`PartSink`].

use std::sync::Arc;

use super::{Deflater, PackageError, PackageWriter};
use crate::bacpac::bcp::{BcpError, Cell, Encoder, LobKind, RowSink};
use crate::bacpac::plan::TablePlan;

/// Takes the parts of a table.
///
/// Whole parts may be deflated elsewhere and appended in any order. A streamed part needs the archive's writer for
/// itself from start to end: an engine with one writer thread hands it a channel of its own and lets the others wait.
pub trait PartSink {
    /// What can go wrong.
    type Error: From<BcpError>;

    /// A whole part of so many rows. Gives back a buffer to be filled next (its content is thrown away).
    fn part(&mut self, number: u64, rows: u64, bytes: Vec<u8>) -> Result<Vec<u8>, Self::Error>;

    /// A streamed part begins.
    fn stream_start(&mut self, number: u64) -> Result<(), Self::Error>;

    /// Its next bytes. Gives back a buffer like [`PartSink::part`].
    fn stream(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Self::Error>;

    /// It ends, with so many rows in it.
    fn stream_end(&mut self, rows: u64) -> Result<(), Self::Error>;
}

/// How large parts become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartLimits {
    /// A part ends with the row that brings it to so many bytes.
    pub part: usize,
    /// A row that has so many bytes and is not at its end is streamed.
    pub held: usize,
}

impl Default for PartLimits {
    fn default() -> Self {
        PartLimits { part: 8 << 20, held: 32 << 20 }
    }
}

/// What is to be done next with the bytes of a table.
#[derive(Debug, PartialEq, Eq)]
pub enum Cut {
    /// A whole part.
    Part {
        /// Its number.
        number: u64,
        /// Its rows.
        rows: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A part begins that comes in pieces.
    Begin {
        /// Its number.
        number: u64,
    },
    /// Its next piece.
    Piece(Vec<u8>),
    /// It ends.
    End {
        /// Its rows.
        rows: u64,
    },
}

/// Cuts what an encoder holds into parts: asked between its cells, it gives what is to be done with the bytes. Memory:
/// what is encoded between two questions, and the limits.
#[derive(Debug)]
pub struct PartCutter {
    encoder: Encoder,
    limits: PartLimits,
    number: u64,
    /// Rows in parts that were handed on.
    handed: u64,
    streaming: bool,
    spare: Vec<u8>,
    /// Bytes taken out of the encoder.
    taken: u64,
}

impl PartCutter {
    /// A cutter for a table's rows.
    pub fn new(plan: Arc<TablePlan>, limits: PartLimits) -> Self {
        PartCutter {
            encoder: Encoder::new(plan),
            limits,
            number: 0,
            handed: 0,
            streaming: false,
            spare: Vec::new(),
            taken: 0,
        }
    }

    /// Where rows are to be encoded.
    #[inline]
    pub fn encoder(&mut self) -> &mut Encoder {
        &mut self.encoder
    }

    /// Complete rows so far.
    pub fn rows(&self) -> u64 {
        self.encoder.rows()
    }

    /// Bytes of rows so far, before compression.
    pub fn bytes(&self) -> u64 {
        self.taken + self.encoder.bytes().len() as u64
    }

    /// A buffer to be filled next; its content is thrown away.
    pub fn recycle(&mut self, spare: Vec<u8>) {
        self.spare = spare;
    }

    /// Whether [`PartCutter::cut`] would give something. Cheap enough for every row.
    #[inline]
    pub fn is_due(&self) -> bool {
        let held = self.encoder.bytes().len();
        held >= self.limits.part.min(self.limits.held) || self.streaming && self.encoder.rows() > self.handed
    }

    /// What is to be done next; ask until there is nothing. `end`: no row follows, so that the rest is handed on too.
    pub fn cut(&mut self, end: bool) -> Result<Option<Cut>, BcpError> {
        if end && !self.encoder.at_row() {
            // Says what is missing.
            self.encoder.row_end()?;
        }
        let whole = self.encoder.whole();
        let open = self.encoder.bytes().len() - whole;
        if self.streaming {
            if whole > 0 {
                return Ok(Some(Cut::Piece(self.whole_rows())));
            }
            if self.encoder.rows() > self.handed {
                let rows = self.hand_on();
                self.streaming = false;
                return Ok(Some(Cut::End { rows }));
            }
            if open < self.limits.part || !self.encoder.can_open() {
                return Ok(None);
            }
            let spare = std::mem::take(&mut self.spare);
            let bytes = self.encoder.take_open(spare)?;
            self.taken += bytes.len() as u64;
            return Ok(Some(Cut::Piece(bytes)));
        }
        let stream = open >= self.limits.held && self.encoder.can_open();
        if whole > 0 && (end || stream || whole >= self.limits.part) {
            let number = self.number;
            let bytes = self.whole_rows();
            return Ok(Some(Cut::Part { number, rows: self.hand_on(), bytes }));
        }
        if stream {
            self.streaming = true;
            return Ok(Some(Cut::Begin { number: self.number }));
        }
        Ok(None)
    }

    fn whole_rows(&mut self) -> Vec<u8> {
        let bytes = self.encoder.take(std::mem::take(&mut self.spare));
        self.taken += bytes.len() as u64;
        bytes
    }

    /// Ends a part; its rows.
    fn hand_on(&mut self) -> u64 {
        let rows = self.encoder.rows() - self.handed;
        self.handed += rows;
        self.number += 1;
        rows
    }
}

/// Encodes rows and cuts them into parts as they come.
#[derive(Debug)]
pub struct PartRoller<S> {
    cutter: PartCutter,
    sink: S,
}

impl<S: PartSink> PartRoller<S> {
    /// A roller for a table's rows.
    pub fn new(plan: Arc<TablePlan>, sink: S, limits: PartLimits) -> Self {
        PartRoller { cutter: PartCutter::new(plan, limits), sink }
    }

    /// Complete rows so far.
    pub fn rows(&self) -> u64 {
        self.cutter.rows()
    }

    /// Bytes of rows so far, before compression.
    pub fn bytes(&self) -> u64 {
        self.cutter.bytes()
    }

    /// Hands the last part on. Gives the sink and the number of rows. A row begun is an error.
    pub fn finish(mut self) -> Result<(S, u64), S::Error> {
        self.roll(true)?;
        Ok((self.sink, self.cutter.rows()))
    }

    fn roll(&mut self, end: bool) -> Result<(), S::Error> {
        while let Some(cut) = self.cutter.cut(end)? {
            match cut {
                Cut::Part { number, rows, bytes } => {
                    let spare = self.sink.part(number, rows, bytes)?;
                    self.cutter.recycle(spare);
                }
                Cut::Begin { number } => self.sink.stream_start(number)?,
                Cut::Piece(bytes) => {
                    let spare = self.sink.stream(bytes)?;
                    self.cutter.recycle(spare);
                }
                Cut::End { rows } => self.sink.stream_end(rows)?,
            }
        }
        Ok(())
    }
}

impl<S: PartSink> RowSink for PartRoller<S> {
    type Error = S::Error;

    #[inline]
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), S::Error> {
        Ok(self.cutter.encoder().cell(column, cell)?)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), S::Error> {
        Ok(self.cutter.encoder().lob_start(column, kind, length)?)
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), S::Error> {
        self.cutter.encoder().lob_piece(column, piece)?;
        if self.cutter.is_due() { self.roll(false) } else { Ok(()) }
    }

    fn lob_end(&mut self, column: usize) -> Result<(), S::Error> {
        Ok(self.cutter.encoder().lob_end(column)?)
    }

    #[inline]
    fn row_end(&mut self) -> Result<(), S::Error> {
        self.cutter.encoder().row_end()?;
        if self.cutter.is_due() { self.roll(false) } else { Ok(()) }
    }
}

/// The simplest sink: deflates on this thread and appends at once. For rewriting a package, and for tests.
#[derive(Debug)]
pub struct Append<'a, W> {
    writer: &'a mut PackageWriter<W>,
    deflater: Deflater,
    plan: Arc<TablePlan>,
}

impl<'a, W: std::io::Write> Append<'a, W> {
    /// Appends the parts of a table to a package.
    pub fn new(writer: &'a mut PackageWriter<W>, plan: Arc<TablePlan>) -> Self {
        Append { writer, deflater: Deflater::default(), plan }
    }
}

impl<W: std::io::Write> PartSink for Append<'_, W> {
    type Error = PackageError;

    fn part(&mut self, number: u64, _rows: u64, bytes: Vec<u8>) -> Result<Vec<u8>, PackageError> {
        let part = self.deflater.deflate(&bytes);
        self.writer.part(&self.plan.schema, &self.plan.table, number, &part)?;
        Ok(bytes)
    }

    fn stream_start(&mut self, number: u64) -> Result<(), PackageError> {
        self.writer.stream_start(&self.plan.schema, &self.plan.table, number)
    }

    fn stream(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, PackageError> {
        self.writer.stream(&bytes)?;
        Ok(bytes)
    }

    fn stream_end(&mut self, _rows: u64) -> Result<(), PackageError> {
        self.writer.stream_end()
    }
}
