//! The stream of a bulk load: COLMETADATA, ROW or NBCROW, DONE; read packet by packet, handed on row by row in the row
//! form. What is held is one row and the packets at hand, never the stream.

use tokio::sync::mpsc;

use super::cursor::{Cursor, ProtocolError};
use super::tokens::token;
use super::types::{self, Place, Sent, SentType};
use crate::sandbox::rowform::{self, CellFault, Frame};
use crate::sandbox::session::BulkColumn;
use crate::sandbox::value::Base;

/// Longest row that is taken: what the storage can hold in one value.
const LONGEST_ROW: usize = 1_000_000_000;
/// Longest COLMETADATA.
const LONGEST_METADATA: usize = 4 * 1024 * 1024;

/// A piece of the stream.
#[derive(Debug)]
pub enum Piece {
    /// A packet's payload.
    Data(Vec<u8>),
    /// The last packet's payload.
    Last(Vec<u8>),
    /// The client took the message back (IGNORE, attention) or vanished.
    Broken,
}

/// Why the stream can't be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamError {
    /// It is only a DONE (error 4804 state 2).
    NoColumns,
    /// A row does not fit its columns (error 4804 state 1, class 17).
    Premature,
    /// A value outside its type; column from 1 (error 4815 or its like).
    Value {
        /// From 1.
        column: usize,
        /// What.
        why: &'static str,
    },
    /// The metadata is wrong.
    Protocol(ProtocolError),
    /// The client took it back or vanished.
    Broken,
}

/// A column of the stream.
#[derive(Debug, Clone)]
struct Column {
    sent: SentType,
    /// Where the stream's form is the row form: the cell is copied.
    plain: Option<Frame>,
    /// Of a decimal, the length that it has in the row form.
    decimal: Option<usize>,
}

/// The stream.
#[derive(Debug)]
pub struct Stream {
    pieces: mpsc::Receiver<Piece>,
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
    broken: bool,
    columns: Vec<Column>,
    row: Vec<u8>,
    /// Where the row handed out lies: in `buffer` if it is as it came, else in `row`.
    current: Current,
}

#[derive(Debug, Clone, Copy)]
enum Current {
    Buffer(usize, usize),
    Row,
}

impl Stream {
    /// Of these packets.
    pub fn new(pieces: mpsc::Receiver<Piece>) -> Self {
        Self {
            pieces,
            buffer: Vec::new(),
            at: 0,
            ended: false,
            broken: false,
            columns: Vec::new(),
            row: Vec::new(),
            current: Current::Row,
        }
    }

    /// Waits for the next packet; `false` at the end of the message.
    fn more(&mut self) -> Result<bool, StreamError> {
        if self.broken {
            return Err(StreamError::Broken);
        }
        if self.ended {
            return Ok(false);
        }
        let data = match self.pieces.blocking_recv() {
            Some(Piece::Data(data)) => data,
            Some(Piece::Last(data)) => {
                self.ended = true;
                data
            }
            Some(Piece::Broken) | None => {
                self.broken = true;
                return Err(StreamError::Broken);
            }
        };
        if self.at == self.buffer.len() {
            self.buffer = data;
        } else {
            self.buffer.drain(..self.at);
            self.buffer.extend_from_slice(&data);
        }
        self.at = 0;
        Ok(true)
    }

    /// Whether there is a byte more; packets may be empty.
    fn more_bytes(&mut self) -> Result<bool, StreamError> {
        while self.at == self.buffer.len() {
            if !self.more()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes `n` bytes available, or says that the message ends before.
    fn need(&mut self, n: usize) -> Result<(), StreamError> {
        while self.buffer.len() - self.at < n {
            if !self.more()? {
                return Err(StreamError::Premature);
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, StreamError> {
        self.need(1)?;
        let byte = self.buffer[self.at];
        self.at += 1;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StreamError> {
        self.need(N)?;
        let mut out = [0; N];
        out.copy_from_slice(&self.buffer[self.at..self.at + N]);
        self.at += N;
        Ok(out)
    }

    /// Moves `n` bytes into the row, packet by packet.
    fn copy(&mut self, mut n: usize) -> Result<(), StreamError> {
        if self.row.len() + n > LONGEST_ROW {
            return Err(StreamError::Premature);
        }
        while n > 0 {
            self.need(1)?;
            let part = n.min(self.buffer.len() - self.at);
            self.row.extend_from_slice(&self.buffer[self.at..self.at + part]);
            self.at += part;
            n -= part;
        }
        Ok(())
    }

    /// The columns. The stream begins with them.
    pub fn columns(&mut self) -> Result<Vec<BulkColumn>, StreamError> {
        if !self.more_bytes()? {
            return Err(StreamError::NoColumns);
        }
        match self.buffer[self.at] {
            token::COLMETADATA => {}
            token::DONE => return Err(StreamError::NoColumns),
            _ => return Err(StreamError::Protocol(ProtocolError::Truncated)),
        }
        // Read again from the start whenever a packet ends inside: it is short.
        loop {
            let mut cursor = Cursor::new(&self.buffer[self.at + 1..]);
            match read_columns(&mut cursor) {
                Ok(columns) => {
                    self.at = self.buffer.len() - cursor.rest().len();
                    let announced = columns.iter().map(|(_, column)| column.clone()).collect();
                    self.columns = columns.into_iter().map(|(sent, _)| column(sent)).collect();
                    return Ok(announced);
                }
                Err(ProtocolError::Truncated) if self.buffer.len() - self.at < LONGEST_METADATA => {
                    if !self.more()? {
                        return Err(StreamError::Protocol(ProtocolError::Truncated));
                    }
                }
                Err(error) => return Err(StreamError::Protocol(error)),
            }
        }
    }

    /// Reads the next row; `false` at the DONE.
    pub fn advance(&mut self) -> Result<bool, StreamError> {
        // Assumption: real servers take a stream without a DONE, as FreeTDS ends its streams: the rows end with the
        // message.
        if self.at == self.buffer.len() && !self.more_bytes()? {
            return Ok(false);
        }
        match self.byte()? {
            token::ROW => {}
            token::NBC_ROW => {
                let mut bitmap = vec![0; self.columns.len().div_ceil(8)];
                for byte in &mut bitmap {
                    *byte = self.byte()?;
                }
                self.slow_row(Some(&bitmap))?;
                return Ok(true);
            }
            token::DONE => {
                // Some clients cut it short: what counts is that the rows have ended.
                self.skip()?;
                return Ok(false);
            }
            _ => return Err(StreamError::Premature),
        }
        // A row that lies whole in the buffer and in the row form is handed on as it is.
        match self.whole_row()? {
            Some((end, true)) => {
                self.current = Current::Buffer(self.at, end);
                self.at = end;
            }
            Some((end, false)) => {
                self.mend(end)?;
                self.at = end;
            }
            None => self.slow_row(None)?,
        }
        Ok(true)
    }

    /// The row read last, in the row form.
    pub fn row(&self) -> &[u8] {
        match self.current {
            Current::Buffer(start, end) => &self.buffer[start..end],
            Current::Row => &self.row,
        }
    }

    /// Reads to the end of the message, and forgets it.
    pub fn skip(&mut self) -> Result<(), StreamError> {
        loop {
            self.at = self.buffer.len();
            if !self.more()? {
                return Ok(());
            }
        }
    }

    /// Where the row ends, if it is whole and framed as the row form is; and whether it is in the row form: decimals may
    /// have other lengths, for most clients send 17 bytes of each.
    fn whole_row(&self) -> Result<Option<(usize, bool)>, StreamError> {
        let mut at = self.at;
        let mut exact = true;
        for (index, column) in self.columns.iter().enumerate() {
            let Some(frame) = column.plain else { return Ok(None) };
            let Some((data, next)) = frame.split(&self.buffer, at) else { return Ok(None) };
            if let Some(range) = data {
                let ty = &column.sent.ty;
                let data = &self.buffer[range];
                if frame == Frame::Pointer && self.buffer[at..at + 25] != POINTER {
                    return Ok(None);
                }
                match column.decimal {
                    Some(length) if data.len() != length => exact = false,
                    _ => rowform::check_data(ty, data).map_err(|fault| value_error(index, fault))?,
                }
            }
            at = next;
        }
        Ok(Some((at, exact)))
    }

    /// Copies the row up to `end` and brings its decimals into the row form.
    fn mend(&mut self, end: usize) -> Result<(), StreamError> {
        self.row.clear();
        self.current = Current::Row;
        let mut start = self.at;
        let mut at = self.at;
        for (index, column) in self.columns.iter().enumerate() {
            let frame = Frame::of(&column.sent.ty);
            let Some((data, next)) = frame.split(&self.buffer, at) else { return Err(StreamError::Premature) };
            if let (Some(length), Some(range)) = (column.decimal, data)
                && range.len() != length
            {
                let ty = &column.sent.ty;
                let data = types::canonical(ty, &self.buffer[range]).map_err(|fault| value_error(index, fault))?;
                rowform::check_data(ty, &data).map_err(|fault| value_error(index, fault))?;
                self.row.extend_from_slice(&self.buffer[start..at]);
                frame.put(Some(&data), &mut self.row);
                start = next;
            }
            at = next;
        }
        self.row.extend_from_slice(&self.buffer[start..end]);
        Ok(())
    }

    /// Reads a row cell by cell, bringing each into the row form.
    fn slow_row(&mut self, nulls: Option<&[u8]>) -> Result<(), StreamError> {
        self.row.clear();
        self.current = Current::Row;
        let columns = std::mem::take(&mut self.columns);
        let mut result = Ok(());
        for (index, column) in columns.iter().enumerate() {
            if nulls.is_some_and(|bitmap| bitmap[index / 8] >> (index % 8) & 1 == 1) {
                Frame::of(&column.sent.ty).put(None, &mut self.row);
                continue;
            }
            result = self.slow_cell(index, &column.sent);
            if result.is_err() {
                break;
            }
        }
        self.columns = columns;
        result
    }

    fn slow_cell(&mut self, index: usize, sent: &SentType) -> Result<(), StreamError> {
        let target = Frame::of(&sent.ty);
        let start = self.row.len();
        match sent.sent {
            Sent::Nothing => {
                target.put(None, &mut self.row);
                return Ok(());
            }
            Sent::Fixed(bytes) => {
                self.row.push(bytes);
                self.copy(usize::from(bytes))?;
            }
            Sent::Text => return Err(StreamError::Premature),
            Sent::Framed(Frame::Plp) => return self.slow_plp(index, sent, start),
            Sent::Framed(frame) => {
                let length = match frame {
                    Frame::Byte => Some(usize::from(self.byte()?)).filter(|n| *n != 0),
                    Frame::Short => Some(usize::from(u16::from_le_bytes(self.array()?))).filter(|n| *n != 0xFFFF),
                    Frame::Long => Some(u32::from_le_bytes(self.array()?) as usize).filter(|n| *n != 0),
                    Frame::Pointer | Frame::Plp => match usize::from(self.byte()?) {
                        0 => None,
                        pointer => {
                            for _ in 0..pointer + 8 {
                                self.byte()?;
                            }
                            Some(u32::from_le_bytes(self.array()?) as usize)
                        }
                    },
                };
                let Some(length) = length else {
                    target.put(None, &mut self.row);
                    return Ok(());
                };
                if frame == Frame::Long && length > crate::sandbox::variant::MAX_VARIANT {
                    return Err(StreamError::Value { column: index + 1, why: "longer than 8016 bytes" });
                }
                // The data first, then its frame before it, for cells are short or rare here.
                let at = self.row.len();
                self.copy(length)?;
                let data = self.row.split_off(at);
                let data = types::canonical(&sent.ty, &data).map_err(|fault| value_error(index, fault))?;
                rowform::check_data(&sent.ty, &data).map_err(|fault| value_error(index, fault))?;
                target.put(Some(&data), &mut self.row);
                return Ok(());
            }
        }
        rowform::check_data(&sent.ty, &self.row[start + 1..]).map_err(|fault| value_error(index, fault))
    }

    fn slow_plp(&mut self, index: usize, sent: &SentType, start: usize) -> Result<(), StreamError> {
        const UNKNOWN: u64 = u64::MAX - 1;
        let told = u64::from_le_bytes(self.array()?);
        if told == u64::MAX {
            Frame::Plp.put(None, &mut self.row);
            return Ok(());
        }
        // Length and the one chunk's length are filled in when they are known.
        self.row.extend_from_slice(&[0; 12]);
        loop {
            let chunk = u32::from_le_bytes(self.array()?) as usize;
            if chunk == 0 {
                break;
            }
            self.copy(chunk)?;
        }
        let length = self.row.len() - start - 12;
        if told != UNKNOWN && told != length as u64 {
            return Err(StreamError::Premature);
        }
        rowform::check_data(&sent.ty, &self.row[start + 12..]).map_err(|fault| value_error(index, fault))?;
        if length == 0 {
            // No chunk at all: the four bytes left stand for the end.
            return Ok(());
        }
        self.row[start..start + 8].copy_from_slice(&(length as u64).to_le_bytes());
        self.row[start + 8..start + 12].copy_from_slice(&(length as u32).to_le_bytes());
        self.row.extend_from_slice(&[0; 4]);
        Ok(())
    }
}

/// The pointer as the row form has it, its length before it.
const POINTER: [u8; 25] = {
    let mut out = [16; 25];
    let mut at = 0;
    while at < 24 {
        out[at + 1] = rowform::TEXT_POINTER[at];
        at += 1;
    }
    out
};

fn value_error(index: usize, fault: CellFault) -> StreamError {
    let why = match fault {
        CellFault::Invalid(why) => why,
        CellFault::Mismatch => "another type",
    };
    StreamError::Value { column: index + 1, why }
}

fn column(sent: SentType) -> Column {
    let frame = Frame::of(&sent.ty);
    let plain = (sent.sent == Sent::Framed(frame)).then_some(frame);
    let decimal =
        matches!(sent.ty.base, Base::Decimal | Base::Numeric).then(|| rowform::decimal_bytes(sent.ty.precision));
    Column { sent, plain, decimal }
}

fn read_columns(from: &mut Cursor<'_>) -> Result<Vec<(SentType, BulkColumn)>, ProtocolError> {
    let count = from.u16()?;
    if count == 0xFFFF {
        return Err(ProtocolError::Other("no metadata"));
    }
    let mut columns = Vec::new();
    for _ in 0..count {
        from.u32()?;
        let flags = from.u16()?;
        let sent = types::read(from, Place::Bulk)?;
        let name = from.b_varchar()?;
        let column = BulkColumn { name, ty: sent.ty.clone(), nullable: flags & 1 != 0 };
        columns.push((sent, column));
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::rowform::RowForm;
    use crate::sandbox::value::Value;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// Reads a stream cut into packets of `size` bytes: columns and rows.
    fn run(bytes: &[u8], size: usize) -> Result<(Vec<BulkColumn>, Vec<Vec<Value>>), StreamError> {
        let (to, pieces) = mpsc::channel(bytes.len() / size + 2);
        let mut packets = bytes.chunks(size).peekable();
        while let Some(packet) = packets.next() {
            let packet = packet.to_vec();
            to.try_send(if packets.peek().is_none() { Piece::Last(packet) } else { Piece::Data(packet) }).unwrap();
        }
        drop(to);
        let mut stream = Stream::new(pieces);
        let columns = stream.columns()?;
        let form = RowForm::new(columns.iter().map(|column| &column.ty));
        let mut rows = Vec::new();
        while stream.advance()? {
            rows.push(form.decode(stream.row()).unwrap());
        }
        Ok((columns, rows))
    }

    const METADATA: &str = "81030000000000040026040269006400000000000500e720000904d00034056c006100620065006c000000000005\
                            00a51000077000610079006c006f0061006400";

    #[test]
    fn fact_01_the_captured_stream_reads_at_every_packet_size() {
        let rows = "d10401000000fffffffffd000000000000000000000000";
        let stream = hex(&format!("{METADATA}{rows}"));
        for size in 1..=stream.len() {
            let (columns, rows) = run(&stream, size).unwrap();
            let nullable: Vec<bool> = columns.iter().map(|column| column.nullable).collect();
            assert_eq!(nullable, [false, true, true], "flags 0x0004 and 0x0005");
            assert_eq!(columns[1].name, "label");
            assert_eq!(rows, [vec![Value::Int(1), Value::Null, Value::Null]]);
        }
        let unicode = hex(&format!("{METADATA}d104020000000600e9003dd800de030000ff80fd000000000000000000000000"));
        for size in 1..=unicode.len() {
            let (_, rows) = run(&unicode, size).unwrap();
            let label = hex("e9003dd800de");
            let expected =
                vec![Value::Int(2), Value::NChar(label[..].into()), Value::Binary([0, 0xFF, 0x80][..].into())];
            assert_eq!(rows, [expected]);
        }
    }

    #[test]
    fn fact_14_a_stream_of_only_done_and_a_row_that_does_not_fit() {
        assert_eq!(run(&hex("fd000000000000000000000000"), 4).unwrap_err(), StreamError::NoColumns);
        let cut = hex(&format!("{METADATA}d104020000000600e9003d"));
        for size in [1, 7, 1000] {
            assert_eq!(run(&cut, size).unwrap_err(), StreamError::Premature);
        }
        let odd = hex(&format!("{METADATA}7a"));
        assert_eq!(run(&odd, 1000).unwrap_err(), StreamError::Premature);
    }

    #[test]
    fn fact_15_columns_without_rows() {
        let stream = hex(&format!("{METADATA}fd000000000000000000000000"));
        assert_eq!(run(&stream, 10).unwrap().1, Vec::<Vec<Value>>::new());
        // As FreeTDS ends a stream.
        assert_eq!(run(&hex(METADATA), 10).unwrap().1, Vec::<Vec<Value>>::new());
        assert_eq!(run(&hex(&format!("{METADATA}d10401000000ffffffff")), 10).unwrap().1.len(), 1);
    }

    #[test]
    fn every_shape_becomes_the_row_form_at_every_packet_size() {
        // int fixed, decimal(20,0), varchar(max) of unknown length in two chunks, image with a pointer of another
        // kind; as ROW and, with NULLs, as NBCROW.
        let metadata = "8104 00000000 0800 38 0161 00".replace(' ', "");
        let metadata = metadata.replacen("8104", "810400", 1);
        let metadata = format!(
            "{metadata}{}{}{}",
            "0000000009006a11140001 6200".replace(' ', ""),
            "000000000900a7ffff0904d000340163 00".replace(' ', ""),
            "00000000090022ffffff7f0100740001 6400".replace(' ', ""),
        );
        let row = format!(
            "d1 07000000 05 00 05000000 feffffffffffffff 01000000 61 01000000 62 00000000 02 ffff {} 01000000 7a",
            "ff".repeat(8)
        );
        let stream = hex(&format!("{metadata}{row}d20e08000000fd000000000000000000000000").replace(' ', ""));
        let first = vec![
            Value::Int(7),
            Value::Decimal { negative: true, magnitude: 5, precision: 20, scale: 0 },
            Value::Char(b"ab"[..].into()),
            Value::Binary(b"z"[..].into()),
        ];
        let second = vec![Value::Int(8), Value::Null, Value::Null, Value::Null];
        for size in 1..=stream.len() {
            assert_eq!(run(&stream, size).unwrap().1, [first.clone(), second.clone()], "{size}");
        }
    }

    #[test]
    fn values_outside_their_type_name_their_column() {
        let long = hex(&format!("{METADATA}d104020000000200e90011000000000000000000000000000000000000"));
        assert_eq!(run(&long, 1000).unwrap_err(), StreamError::Value { column: 3, why: "longer than the type" });
        assert_eq!(run(&long, 3).unwrap_err(), StreamError::Value { column: 3, why: "longer than the type" });
    }

    #[test]
    fn garbage_never_panics() {
        let stream = hex(&format!("{METADATA}d104020000000600e9003dd800de030000ff80fd000000000000000000000000"));
        for at in 0..stream.len() {
            for value in [0, 1, 0x7F, 0x80, 0xFE, 0xFF] {
                let mut bad = stream.clone();
                bad[at] = value;
                let _ = run(&bad, 16);
                let _ = run(&bad, 1000);
            }
        }
    }
}
