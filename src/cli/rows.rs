//! Rows of a package as CSV and as JSON lines, streamed: a value of any size passes through a small buffer.

use std::io::{self, Write};
use std::sync::Arc;

use crate::bacpac::bcp::{BcpError, Cell, LobKind, RowSink};
use crate::bacpac::package::PackageError;
use crate::bacpac::plan::TablePlan;
use crate::bacpac::shown::{self, Utf16Text};

/// Why rows stopped coming.
#[derive(Debug)]
pub enum Rows {
    /// As many as were asked for.
    Enough,
    /// The package is at fault.
    Package(PackageError),
    /// The receiving end is.
    Write(io::Error),
}

impl From<PackageError> for Rows {
    fn from(error: PackageError) -> Self {
        Self::Package(error)
    }
}

impl From<BcpError> for Rows {
    fn from(error: BcpError) -> Self {
        Self::Package(error.into())
    }
}

impl From<io::Error> for Rows {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// Lets so many rows through.
pub struct Limited<S> {
    inner: S,
    left: u64,
}

impl<S> Limited<S> {
    /// So many rows, then [`Rows::Enough`].
    pub fn new(inner: S, left: u64) -> Self {
        Self { inner, left }
    }

    /// The sink behind it.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: RowSink> RowSink for Limited<S>
where
    Rows: From<S::Error>,
{
    type Error = Rows;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Rows> {
        if self.left == 0 { Err(Rows::Enough) } else { Ok(self.inner.cell(column, cell)?) }
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, length: Option<u64>) -> Result<(), Rows> {
        if self.left == 0 { Err(Rows::Enough) } else { Ok(self.inner.lob_start(column, kind, length)?) }
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), Rows> {
        Ok(self.inner.lob_piece(column, piece)?)
    }

    fn lob_end(&mut self, column: usize) -> Result<(), Rows> {
        Ok(self.inner.lob_end(column)?)
    }

    fn row_end(&mut self) -> Result<(), Rows> {
        self.left -= 1;
        Ok(self.inner.row_end()?)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Jsonl,
}

/// CSV (RFC 4180, a header, NULL as nothing at all) or JSON lines (an object a row; integers and bits as numbers,
/// everything that a number of JSON cannot hold exactly as text).
pub struct Text<W> {
    form: Form,
    plan: Arc<TablePlan>,
    /// The keys as JSON, with their colon.
    keys: Vec<String>,
    out: W,
    cell: String,
    utf16: Utf16Text,
    replaced: u64,
}

impl<W: Write> Text<W> {
    /// CSV; the header is written at once.
    pub fn csv(plan: Arc<TablePlan>, mut out: W) -> io::Result<Self> {
        let header: Vec<String> = plan.columns.iter().map(|c| quoted(&c.name)).collect();
        out.write_all(header.join(",").as_bytes())?;
        out.write_all(b"\r\n")?;
        Ok(Self::new(Form::Csv, plan, out))
    }

    /// JSON lines.
    pub fn jsonl(plan: Arc<TablePlan>, out: W) -> io::Result<Self> {
        Ok(Self::new(Form::Jsonl, plan, out))
    }

    fn new(form: Form, plan: Arc<TablePlan>, out: W) -> Self {
        let key = |name: &str| format!("{}:", serde_json::Value::from(name));
        let keys = plan.columns.iter().map(|c| key(&c.name)).collect();
        Self { form, plan, keys, out, cell: String::new(), utf16: Utf16Text::default(), replaced: 0 }
    }

    /// Writes what is pending. The number of lone surrogates that were replaced.
    pub fn finish(mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.replaced)
    }

    fn separate(&mut self, column: usize) -> io::Result<()> {
        match (self.form, column) {
            (Form::Csv, 0) => {}
            (Form::Csv, _) => self.out.write_all(b",")?,
            (Form::Jsonl, 0) => self.out.write_all(b"{")?,
            (Form::Jsonl, _) => self.out.write_all(b",")?,
        }
        if self.form == Form::Jsonl {
            self.out.write_all(self.keys.get(column).map_or("\"\":", String::as_str).as_bytes())?;
        }
        Ok(())
    }

    /// The inside of a quoted text.
    fn inside(&mut self) -> io::Result<()> {
        match self.form {
            Form::Csv => self.out.write_all(self.cell.replace('"', "\"\"").as_bytes()),
            Form::Jsonl => {
                let json = serde_json::Value::from(self.cell.as_str()).to_string();
                self.out.write_all(&json.as_bytes()[1..json.len() - 1])
            }
        }
    }
}

/// A CSV field: in quotes where it must be, and an empty text always, to tell it from NULL.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains([',', '"', '\r', '\n']) && text.trim() == text;
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Values that are numbers in JSON, too, exactly.
fn is_json_number(cell: Cell<'_>) -> bool {
    match cell {
        Cell::Bit(_) | Cell::TinyInt(_) | Cell::SmallInt(_) | Cell::Int(_) | Cell::BigInt(_) => true,
        Cell::Real(bits) => f32::from_bits(bits).is_finite(),
        Cell::Float(bits) => f64::from_bits(bits).is_finite(),
        _ => false,
    }
}

impl<W: Write> RowSink for Text<W> {
    type Error = Rows;

    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Rows> {
        self.separate(column)?;
        self.cell.clear();
        let shown = self.plan.columns.get(column).and_then(|c| shown::show(&mut self.cell, c, cell));
        let Some(replaced) = shown else {
            if self.form == Form::Jsonl {
                self.out.write_all(b"null")?;
            }
            return Ok(());
        };
        self.replaced += replaced;
        match self.form {
            Form::Csv => self.out.write_all(quoted(&self.cell).as_bytes())?,
            Form::Jsonl if matches!(cell, Cell::Bit(_)) => {
                self.out.write_all(if self.cell == "1" { b"true" } else { b"false" })?;
            }
            Form::Jsonl if is_json_number(cell) => self.out.write_all(self.cell.as_bytes())?,
            Form::Jsonl => {
                self.out.write_all(b"\"")?;
                self.inside()?;
                self.out.write_all(b"\"")?;
            }
        }
        Ok(())
    }

    fn lob_start(&mut self, column: usize, kind: LobKind, _length: Option<u64>) -> Result<(), Rows> {
        self.separate(column)?;
        self.utf16 = Utf16Text::default();
        self.out.write_all(if kind == LobKind::Binary { b"\"0x" } else { b"\"" })?;
        Ok(())
    }

    fn lob_piece(&mut self, column: usize, piece: &[u8]) -> Result<(), Rows> {
        let text = self.plan.columns.get(column).is_some_and(|c| c.ty.is_text());
        for block in piece.chunks(16 * 1024) {
            self.cell.clear();
            if text {
                self.utf16.push(&mut self.cell, block);
            } else {
                shown::hex(&mut self.cell, block);
            }
            self.inside()?;
        }
        Ok(())
    }

    fn lob_end(&mut self, _column: usize) -> Result<(), Rows> {
        self.cell.clear();
        self.utf16.finish(&mut self.cell);
        self.inside()?;
        self.replaced += self.utf16.replaced;
        self.out.write_all(b"\"")?;
        Ok(())
    }

    fn row_end(&mut self) -> Result<(), Rows> {
        self.out.write_all(if self.form == Form::Csv { b"\r\n" } else { b"}\n" })?;
        Ok(())
    }
}

/// A cell on one line, cut for looking at.
pub fn short(text: &str) -> String {
    crate::tui::text::fit(text, 60, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bacpac::plan::{BcpType, ColumnPlan};

    fn plan() -> Arc<TablePlan> {
        let columns = vec![
            ColumnPlan::new("id", BcpType::Int, false),
            ColumnPlan::new("na\"me", BcpType::NVarChar, true).with_length(20),
            ColumnPlan::new("doc", BcpType::NVarCharMax, true),
        ];
        Arc::new(TablePlan::new("dbo", "t", columns))
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn fill<W: Write>(sink: &mut Text<W>) {
        sink.cell(0, Cell::Int(-1)).unwrap();
        sink.cell(1, Cell::Null).unwrap();
        sink.lob_start(2, LobKind::Text, None).unwrap();
        // A pair that two pieces cut.
        let doc = utf16("say \"🦆\"\n");
        sink.lob_piece(2, &doc[..12]).unwrap();
        sink.lob_piece(2, &doc[12..]).unwrap();
        sink.lob_end(2).unwrap();
        sink.row_end().unwrap();
        sink.cell(0, Cell::Int(2)).unwrap();
        sink.cell(1, Cell::Text(&[])).unwrap();
        sink.cell(2, Cell::Text(&utf16("a,b"))).unwrap();
        sink.row_end().unwrap();
    }

    #[test]
    fn csv_tells_null_from_empty_and_quotes_what_it_must() {
        let mut out = Vec::new();
        let mut sink = Text::csv(plan(), &mut out).unwrap();
        fill(&mut sink);
        sink.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "id,\"na\"\"me\",doc\r\n-1,,\"say \"\"🦆\"\"\n\"\r\n2,\"\",\"a,b\"\r\n");
    }

    #[test]
    fn json_lines_parse_and_say_the_same() {
        let mut out = Vec::new();
        let mut sink = Text::jsonl(plan(), &mut out).unwrap();
        fill(&mut sink);
        assert_eq!(sink.finish().unwrap(), 0);
        let lines: Vec<serde_json::Value> =
            String::from_utf8(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines[0], serde_json::json!({"id": -1, "na\"me": null, "doc": "say \"🦆\"\n"}));
        assert_eq!(lines[1], serde_json::json!({"id": 2, "na\"me": "", "doc": "a,b"}));
    }

    #[test]
    fn a_limit_stops_the_reading() {
        let mut out = Vec::new();
        let mut sink = Limited::new(Text::csv(plan(), &mut out).unwrap(), 0);
        assert!(matches!(sink.cell(0, Cell::Int(1)), Err(Rows::Enough)));
    }
}
