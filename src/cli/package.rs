//! `pacrat inspect`, `pacrat rows`: what a package holds. A file needs no configuration.

use std::io::Write;

use super::arguments::RowFormat;
use super::output::{self, End, Outcome, Table};
use super::session::Session;
use super::{exit, source};
use crate::bacpac::canonical::TextError;
use crate::bacpac::package::PackageError;
use crate::bacpac::rowtext;
use crate::engine::catalog::Stores;
use crate::engine::command::PackageSource;
use crate::engine::package::{self, Opened};
use crate::tui::quantity::{bytes, count};

/// Rows that `--format table` shows unless told otherwise.
const SHOWN: u64 = 100;

/// A file, or a backup of the configured stores.
fn find(session: &Session, argument: &str) -> Result<(PackageSource, Option<Stores>), End> {
    if let Some(file) = source::as_file(argument) {
        return Ok((file, None));
    }
    let stores = Stores::new(&session.config()?);
    Ok((source::resolve(argument, &stores)?, Some(stores)))
}

/// A package with its model.
pub fn open(session: &Session, argument: &str) -> Result<Opened, End> {
    let (source, stores) = find(session, argument)?;
    Ok(package::open(package::locate(stores.as_ref(), &source)?)?)
}

/// `pacrat inspect`.
pub fn inspect(session: &Session, argument: &str) -> Outcome {
    let (source, stores) = find(session, argument)?;
    let details = package::details(stores.as_ref(), &source)?;
    if session.common.json {
        output::json(&details)?;
        return Ok(exit::OK);
    }
    let mut out = output::stdout();
    let mut line = |name: &str, value: &str| writeln!(out, "{name:<12}{}", output::clean(value));
    line("database", &details.name)?;
    line("file", &format!("{} ({})", source::label(&source), bytes(details.size)))?;
    line("platform", &details.platform)?;
    line("server", details.server_version.as_deref().unwrap_or("not said"))?;
    line("written by", &details.writer)?;
    line("exported", details.exported.as_deref().unwrap_or("not said"))?;
    let objects: Vec<String> = details.objects.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    line("objects", &objects.join(", "))?;
    writeln!(out)?;
    let mut table = Table::new(&["TABLE", ">ROWS", ">BYTES", ">COLUMNS", ">PARTS"]);
    for t in &details.tables {
        table.row(vec![
            format!("{}.{}", t.schema, t.table),
            t.rows.map_or_else(|| "not counted".into(), count),
            bytes(t.bytes),
            t.columns.to_string(),
            t.parts.to_string(),
        ]);
    }
    table.print(&mut out)?;
    out.flush()?;
    Ok(exit::OK)
}

/// `pacrat rows`.
pub fn rows(session: &Session, argument: &str, name: &str, format: Option<RowFormat>, limit: Option<u64>) -> Outcome {
    let format = format.unwrap_or(if session.common.json { RowFormat::Jsonl } else { RowFormat::Table });
    let limit = match (limit, format) {
        (Some(0), _) => u64::MAX,
        (Some(limit), _) => limit,
        (None, RowFormat::Table) => SHOWN,
        (None, _) => u64::MAX,
    };
    match format {
        RowFormat::Table => table(session, argument, name, limit),
        other => {
            let opened = open(session, argument)?;
            let table = package::table(&opened, name)?;
            let format = match other {
                RowFormat::Csv => rowtext::RowFormat::Csv,
                RowFormat::Canonical => rowtext::RowFormat::Canonical,
                RowFormat::Jsonl | RowFormat::Table => rowtext::RowFormat::JsonLines,
            };
            let mut out = Counted { out: output::stdout(), bytes: 0 };
            let written = opened.package.write_rows(table, format, 0, Some(limit), &mut out);
            // Canonical lines are joined by line feeds; a text file's last line has one, too.
            if written.is_ok() && other == RowFormat::Canonical && out.bytes > 0 {
                writeln!(out)?;
            }
            out.flush()?;
            match written {
                Ok(()) => Ok(exit::OK),
                Err(TextError::Write(e)) => Err(e.into()),
                Err(TextError::Package(e)) => Err(package::failure(&opened.label, &e).into()),
                Err(TextError::Rows(e)) => Err(package::failure(&opened.label, &PackageError::Rows(e)).into()),
            }
        }
    }
}

/// Knows whether anything was written.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// A cell on one line, cut for looking at.
fn short(text: &str) -> String {
    crate::tui::text::fit(text, 60, true)
}

fn table(session: &Session, argument: &str, name: &str, limit: u64) -> Outcome {
    let (source, stores) = find(session, argument)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = package::rows(stores.as_ref(), &source, name, 0, limit)?;
    let titles: Vec<&str> = page.columns.iter().map(String::as_str).collect();
    let mut table = Table::titled(&titles);
    for row in page.rows {
        // A cell is for looking at here; the other formats have all of it.
        table.row(row.into_iter().map(|c| short(c.as_deref().unwrap_or("NULL"))).collect());
    }
    let mut out = output::stdout();
    table.print(&mut out)?;
    out.flush()?;
    if page.more && !session.common.quiet {
        output::tell(&format!("the first {limit} rows; --limit 0 shows all"));
    }
    Ok(exit::OK)
}
