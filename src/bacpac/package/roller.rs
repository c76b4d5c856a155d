//! Rows cut into parts of a bounded size: whole rows only, numbered from 0. A row too large for a part of its own
//! (a LOB beyond the memory that is allowed) goes out as a part that is streamed.

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
    /// A row that has so many bytes inside a large value is streamed.
    pub held: usize,
}

impl Default for PartLimits {
    fn default() -> Self {
        PartLimits { part: 8 << 20, held: 32 << 20 }
    }
}

/// Encodes rows and cuts them into parts.
#[derive(Debug)]
pub struct PartRoller<S> {
    encoder: Encoder,
    sink: S,
    limits: PartLimits,
    number: u64,
    /// Rows in parts that were handed on.
    handed: u64,
    streaming: bool,
    spare: Vec<u8>,
    bytes: u64,
}

impl<S: PartSink> PartRoller<S> {
    /// A roller for a table's rows.
    pub fn new(plan: Arc<TablePlan>, sink: S, limits: PartLimits) -> Self {
        PartRoller {
            encoder: Encoder::new(plan),
            sink,
            limits,
            number: 0,
            handed: 0,
            streaming: false,
            spare: Vec::new(),
            bytes: 0,
        }
    }

    /// Complete rows so far.
    pub fn rows(&self) -> u64 {
        self.encoder.rows()
    }

    /// Bytes of rows so far, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes + self.encoder.bytes().len() as u64
    }

    /// Hands the last part on. Gives the sink and the number of rows. A row begun is an error.
    pub fn finish(mut self) -> Result<(S, u64), S::Error> {
        if !self.encoder.at_row() {
            self.encoder.row_end()?;
        }
        self.part()?;
        Ok((self.sink, self.encoder.rows()))
    }

    /// The whole rows there are, as a part.
    fn part(&mut self) -> Result<(), S::Error> {
        let bytes = self.encoder.take(std::mem::take(&mut self.spare));
        let rows = self.encoder.rows() - self.handed;
        if rows == 0 {
            self.spare = bytes;
            return Ok(());
        }
        self.bytes += bytes.len() as u64;
        self.spare = self.sink.part(self.number, rows, bytes)?;
        self.number += 1;
        self.handed += rows;
        Ok(())
    }

    fn stream(&mut self) -> Result<(), S::Error> {
        let bytes = self.encoder.take_open(std::mem::take(&mut self.spare))?;
        self.bytes += bytes.len() as u64;
        self.spare = self.sink.stream(bytes)?;
        Ok(())
    }
}

impl<S: PartSink> RowSink for PartRoller<S> {
    type Error = S::Error;

    #[inline]
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), S::Error> {
        Ok(self.encoder.cell(column, cell)?)
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), S::Error> {
        Ok(self.encoder.lob_start(column, kind, length)?)
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), S::Error> {
        self.encoder.lob_piece(column, piece)?;
        if self.encoder.bytes().len() < self.limits.held {
            return Ok(());
        }
        if !self.streaming {
            // The rows before this one are whole; perhaps this one is not that large yet.
            self.part()?;
            if self.encoder.bytes().len() < self.limits.held {
                return Ok(());
            }
            self.sink.stream_start(self.number)?;
            self.streaming = true;
        }
        self.stream()
    }

    fn lob_end(&mut self, column: usize) -> Result<(), S::Error> {
        Ok(self.encoder.lob_end(column)?)
    }

    #[inline]
    fn row_end(&mut self) -> Result<(), S::Error> {
        self.encoder.row_end()?;
        if self.streaming {
            self.stream()?;
            self.streaming = false;
            self.sink.stream_end(1)?;
            self.number += 1;
            self.handed += 1;
        } else if self.encoder.bytes().len() >= self.limits.part {
            self.part()?;
        }
        Ok(())
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
