//! `pacrat inspect`, `pacrat rows`, `pacrat script`: what a package holds. A file needs no configuration.

use std::io::Write;
use std::path::Path;

use super::arguments::RowFormat;
use super::output::{self, End, Outcome, Table};
use super::rows::{Limited, Rows, Text};
use super::session::Session;
use super::{exit, source};
use crate::bacpac::canonical::{CanonicalLines, TextError};
use crate::bacpac::model;
use crate::bacpac::package::{self as bacpac, Modified, PackageError, PartLimits};
use crate::engine::catalog::Stores;
use crate::engine::command::PackageSource;
use crate::engine::event::Failure;
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

fn open(session: &Session, argument: &str) -> Result<Opened, End> {
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
        RowFormat::Canonical => {
            let opened = open(session, argument)?;
            let table = package::table(&opened, name)?;
            let mut sink = Limited::new(CanonicalLines::new(table.plan.clone(), output::stdout()), limit);
            let read = opened.package.read_table(table, &mut sink);
            let (mut out, rows) = sink.into_inner().finish()?;
            if rows > 0 {
                writeln!(out)?;
            }
            out.flush()?;
            ended(&opened, read.map(|_| ()))
        }
        RowFormat::Csv | RowFormat::Jsonl => {
            let opened = open(session, argument)?;
            let table = package::table(&opened, name)?;
            let text = if format == RowFormat::Csv { Text::csv } else { Text::jsonl };
            let mut sink = Limited::new(text(table.plan.clone(), output::stdout())?, limit);
            let read = opened.package.read_table(table, &mut sink);
            let replaced = sink.into_inner().finish()?;
            if replaced > 0 {
                output::tell(&format!("warning: {replaced} half UTF-16 pairs are no text and were printed as U+FFFD"));
            }
            ended(&opened, read.map(|_| ()))
        }
    }
}

/// How the reading of a table ended.
fn ended(opened: &Opened, read: Result<(), Rows>) -> Outcome {
    match read {
        Ok(()) | Err(Rows::Enough) => Ok(exit::OK),
        Err(Rows::Package(e)) => Err(package::failure(&opened.label, &e).into()),
        Err(Rows::Write(e)) => Err(e.into()),
    }
}

impl From<TextError> for Rows {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Rows(e) => Self::Package(PackageError::Rows(e)),
            TextError::Package(e) => Self::Package(e),
            TextError::Write(e) => Self::Write(e),
        }
    }
}

fn table(session: &Session, argument: &str, name: &str, limit: u64) -> Outcome {
    let (source, stores) = find(session, argument)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = package::rows(stores.as_ref(), &source, name, 0, limit)?;
    let titles: Vec<&str> = page.columns.iter().map(String::as_str).collect();
    let mut table = Table::titled(&titles);
    for row in page.rows {
        // A cell is for looking at here; the other formats have all of it.
        table.row(row.into_iter().map(|c| super::rows::short(c.as_deref().unwrap_or("NULL"))).collect());
    }
    let mut out = output::stdout();
    table.print(&mut out)?;
    out.flush()?;
    if page.more && !session.common.quiet {
        output::tell(&format!("the first {limit} rows; --limit 0 shows all"));
    }
    Ok(exit::OK)
}

/// `pacrat rewrite`: for the judgement of other tools on what pacrat writes.
pub fn rewrite(from: &Path, to: &Path) -> Outcome {
    let source = PackageSource::File { path: from.display().to_string() };
    let opened = package::open(package::locate(None, &source)?)?;
    let broken = |e: PackageError| package::failure(&opened.label, &e);
    let xml = opened.package.package().model_xml().map_err(broken)?;
    // The model through our own reader and writer, too.
    let xml = match model::to_bytes(&opened.model.to_document()) {
        written if written == xml => xml,
        written => {
            output::tell("warning: the model was not written as it was read");
            written
        }
    };
    let refuse = |e: std::io::Error| Failure::new(format!("cannot write {}", to.display())).because(&e);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(to).map_err(refuse)?;
    let out = std::io::BufWriter::new(file);
    let written = bacpac::rewrite(&opened.package, &xml, out, Modified::default(), PartLimits::default());
    let done = written.map_err(broken).and_then(|(mut out, _)| out.flush().map_err(refuse));
    if let Err(failure) = done {
        let _ = std::fs::remove_file(to);
        return Err(failure.into());
    }
    Ok(exit::OK)
}
