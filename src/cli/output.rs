//! Text and JSON on standard output, errors on standard error. A reader that went away (`| head`) ends the program
//! quietly, as it ends every other program in a pipe.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use super::exit;
use crate::engine::event::Failure;

/// What ends a command early.
#[derive(Debug)]
pub enum End {
    /// An error to be told.
    Failure(Box<Failure>),
    /// It was told already, or needs no words; the code.
    Code(u8),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        // The reader of our output went away: it has what it wanted.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Code(exit::OK);
        }
        Failure::new("cannot write the output").because(&error).into()
    }
}

/// What a command ends with.
pub type Outcome = Result<u8, End>;

/// Standard output, buffered.
pub fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(64 * 1024, io::stdout().lock())
}

/// One JSON document.
pub fn json<T: Serialize + ?Sized>(value: &T) -> io::Result<()> {
    let mut out = stdout();
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// One JSON document on a line of its own, written at once.
pub fn json_line<T: Serialize + ?Sized>(value: &T) -> io::Result<()> {
    let mut out = stdout();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// An error: words on standard error, or a document on standard output.
pub fn failure(failure: &Failure, json: bool) {
    if json {
        #[derive(Serialize)]
        struct Told<'a> {
            error: &'a Failure,
        }
        let _ = json_line(&Told { error: failure });
        return;
    }
    let mut lines = failure.lines().into_iter();
    let mut text = format!("error: {}\n", clean(&lines.next().unwrap_or_default()));
    for line in lines {
        text.push_str(&format!("  {}\n", clean(&line)));
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A line on standard error.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{}", clean(line));
}

/// Text of servers and files without anything that moves a terminal's cursor. Lines stay lines.
pub fn clean(text: &str) -> String {
    text.split('\n').map(|line| crate::tui::text::clean(line, true)).collect::<Vec<_>>().join("\n")
}

/// Rows of text in aligned columns; `right` says which stand to the right.
pub struct Table {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table; a column whose title begins with `>` stands to the right.
    pub fn new(titles: &[&'static str]) -> Self {
        Self {
            header: titles.iter().map(|t| t.trim_start_matches('>').to_owned()).collect(),
            right: titles.iter().map(|t| t.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// A table under titles that came from elsewhere.
    pub fn titled(titles: &[&str]) -> Self {
        let header = titles.iter().map(|t| crate::tui::text::clean(t, true)).collect();
        Self { header, right: vec![false; titles.len()], rows: Vec::new() }
    }

    /// A row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|c| crate::tui::text::clean(c, true)).collect());
    }

    /// Print it.
    pub fn print(self, out: &mut impl Write) -> io::Result<()> {
        use crate::tui::text::width;
        let mut widths: Vec<usize> = self.header.iter().map(|t| width(t)).collect();
        for row in &self.rows {
            for (w, cell) in widths.iter_mut().zip(row) {
                *w = (*w).max(width(cell));
            }
        }
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let mut line = String::new();
            for (n, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths.get(n).copied().unwrap_or(0).saturating_sub(width(cell)));
                let gap = if n == 0 { "" } else { "  " };
                line.push_str(gap);
                match self.right.get(n) {
                    Some(true) => line.extend([pad.as_str(), cell]),
                    _ => line.extend([cell, pad.as_str()]),
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
