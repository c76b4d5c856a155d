//! `pacrat diff A B`: what differs between two schemas, each of a file, a backup or a live database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::arguments::DiffArguments;
use super::output::{self, Outcome, Table};
use super::session::Session;
use super::{exit, source};
use crate::bacpac::compare::{Comparison, Line, compare, hunks};
use crate::config::Config;
use crate::engine::catalog::Stores;
use crate::engine::command::PackageSource;
use crate::engine::compare::{Schema, Side, read_package};
use crate::engine::event::{Failure, FailureKind};
use crate::tui::quantity::count;

/// Lines that do not differ, shown around those that do.
const AROUND: usize = 3;

/// `pacrat diff`.
pub fn diff(session: &Session, arguments: &DiffArguments) -> Outcome {
    let names = [arguments.a.as_str(), arguments.b.as_str()];
    if let [Some(a), Some(b)] = names.map(plain_file) {
        // Files need no configuration and leave no trace.
        let a = read_package(None, &a, arguments.rows)?;
        let b = read_package(None, &b, arguments.rows)?;
        return answer(session, arguments, names.map(str::to_owned), a, b);
    }
    session.with_engine(
        |config| {
            let stores = Stores::new(config);
            let sides = names.iter().filter_map(|name| side(name, config, &stores).ok());
            sides
                .filter_map(|side| if let Side::Database { server, .. } = side { Some(server) } else { None })
                .collect()
        },
        async |service| {
            let [a, b] = names;
            let a = side(a, service.config(), service.stores())?;
            let b = side(b, service.config(), service.stores())?;
            let cancel = CancellationToken::new();
            let read = |side| service.read_side(side, arguments.rows, &cancel);
            let (first, second) = tokio::try_join!(read(&a), read(&b))?;
            answer(session, arguments, [label(&a), label(&b)], first, second)
        },
    )
}

/// A file that is there, or what can only be a path.
fn plain_file(argument: &str) -> Option<PackageSource> {
    let path = Path::new(argument);
    let rooted = path.is_absolute() || argument.starts_with("./") || argument.starts_with("../");
    (path.is_file() || rooted).then(|| PackageSource::File { path: argument.to_owned() })
}

/// What an argument means: a file, a backup, a tenant's database, `SERVER/DATABASE`.
fn side(argument: &str, config: &Config, stores: &Stores) -> Result<Side, Failure> {
    if let Some(source) = plain_file(argument) {
        return Ok(Side::Package { source });
    }
    let backup = match argument.contains(['/', '\\']) {
        true => None,
        false => source::as_backup(argument, stores)?,
    };
    let tenant = config.tenants.get(argument);
    match (backup, tenant) {
        (Some(_), Some(_)) => Err(Failure::new(format!("{argument} is a tenant and the name of a backup"))
            .kind(FailureKind::Request)
            .hint("write the backup with .bacpac at its end, or the tenant's database as SERVER/DATABASE")),
        (Some(backup), None) => Ok(Side::Package { source: PackageSource::Backup(backup) }),
        (None, Some(tenant)) => Ok(Side::Database { server: tenant.server.clone(), database: tenant.database.clone() }),
        (None, None) => {
            let on = |name: &String| argument.strip_prefix(name.as_str())?.strip_prefix('/').map(str::to_owned);
            let found = config.servers.keys().find_map(|name| Some((name.clone(), on(name)?)));
            match found.filter(|(_, database)| !database.is_empty()) {
                Some((server, database)) => Ok(Side::Database { server, database }),
                None => Err(unknown(argument, config)),
            }
        }
    }
}

fn unknown(argument: &str, config: &Config) -> Failure {
    let listed = |names: Vec<&String>| match names.len() {
        0 => "none".to_owned(),
        1..=10 => names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        n => format!("{n} of them"),
    };
    let hint = format!(
        "write a file's path, a backup as pacrat list names it, a tenant (there are: {}), or SERVER/DATABASE \
         (servers: {})",
        listed(config.tenants.keys().collect()),
        listed(config.servers.keys().collect())
    );
    Failure::new(format!("there is no file, backup, tenant or server's database {argument}"))
        .kind(FailureKind::Request)
        .hint(hint)
}

fn label(side: &Side) -> String {
    match side {
        Side::Package { source } => source::label(source),
        Side::Database { server, database } => format!("{server}/{database}"),
    }
}

/// Rows of a table on both sides; none where the table is not.
#[derive(Serialize)]
struct Counted {
    table: String,
    a: Option<u64>,
    b: Option<u64>,
}

fn counted(a: &Schema, b: &Schema) -> Option<Vec<Counted>> {
    let (a, b) = (a.rows.as_ref()?, b.rows.as_ref()?);
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let row = |table: &String| Counted { table: table.clone(), a: a.get(table).copied(), b: b.get(table).copied() };
    Some(names.into_iter().map(row).collect())
}

fn answer(session: &Session, arguments: &DiffArguments, labels: [String; 2], a: Schema, b: Schema) -> Outcome {
    let rows = counted(&a, &b);
    if arguments.rows && rows.is_none() {
        let without = if a.rows.is_none() { &labels[0] } else { &labels[1] };
        return Err(Failure::new(format!("{without} has no rows to count"))
            .kind(FailureKind::Request)
            .hint("leave --rows away to compare the schema alone")
            .into());
    }
    let left: BTreeMap<&str, &[String]> =
        BTreeMap::from([("a", a.not_carried.as_slice()), ("b", b.not_carried.as_slice())]);
    let platforms = [&a.platform, &b.platform];
    let comparison = compare(a.model, b.model);
    let other_rows = rows.iter().flatten().filter(|r| r.a != r.b && r.a.is_some() && r.b.is_some()).count();
    // Without being asked for, counts that are known are told, and are no difference: the schema is compared.
    let differs = comparison.differences() > 0 || (arguments.rows && other_rows > 0);
    let code = if differs { exit::DIFFERENT } else { exit::OK };
    if session.common.json {
        let document = serde_json::json!({
            "a": { "name": labels[0], "platform": platforms[0] },
            "b": { "name": labels[1], "platform": platforms[1] },
            "equal": !differs,
            "same": comparison.same,
            "added": comparison.added.iter().map(|o| object(&o.kind, &o.name, &[("sql", &o.sql)])).collect::<Vec<_>>(),
            "removed":
                comparison.removed.iter().map(|o| object(&o.kind, &o.name, &[("sql", &o.sql)])).collect::<Vec<_>>(),
            "changed": comparison.changed.iter()
                .map(|o| object(&o.kind, &o.name, &[("a", &o.before), ("b", &o.after)])).collect::<Vec<_>>(),
            "rows": rows,
            "not_compared": left,
        });
        told(output::json(&document), code)?;
    } else {
        let mut out = output::stdout();
        let mut write = || -> io::Result<()> {
            if !session.common.quiet {
                writeln!(out, "A: {}\nB: {}\n", output::clean(&labels[0]), output::clean(&labels[1]))?;
            }
            write_objects(&mut out, &comparison, arguments.names)?;
            write_rows(&mut out, rows.as_deref().unwrap_or_default(), arguments.rows)?;
            write_end(&mut out, &comparison, arguments.rows.then_some(other_rows))?;
            out.flush()
        };
        told(write(), code)?;
        if !session.common.quiet {
            for (side, what) in left.iter().flat_map(|(side, all)| all.iter().map(move |what| (side, what))) {
                output::tell(&format!("not compared, of {}: {what}", side.to_uppercase()));
            }
        }
    }
    Ok(code)
}

/// A reader that went away has seen enough of the differences: that there are some is said all the same.
fn told(written: io::Result<()>, code: u8) -> Result<(), output::End> {
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => output::End::Code(code),
        _ => error.into(),
    })
}

fn object(kind: &str, name: &str, texts: &[(&str, &String)]) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    object.insert("kind".into(), kind.into());
    object.insert("name".into(), name.into());
    object.extend(texts.iter().map(|(key, text)| ((*key).to_owned(), text.as_str().into())));
    serde_json::Value::Object(object)
}

fn write_objects(out: &mut impl Write, comparison: &Comparison, names: bool) -> io::Result<()> {
    let singles = [("removed", '-', &comparison.removed), ("added", '+', &comparison.added)];
    for (word, sign, objects) in singles {
        for object in objects {
            title(out, word, &object.kind, &object.name)?;
            if !names {
                for line in object.sql.lines() {
                    writeln!(out, "    {sign}{}", output::clean(line))?;
                }
                writeln!(out)?;
            }
        }
    }
    for object in &comparison.changed {
        title(out, "changed", &object.kind, &object.name)?;
        if names {
            continue;
        }
        for hunk in hunks(&object.before, &object.after, AROUND) {
            // A short statement is seen as a whole.
            if hunk.before > 1 || hunk.after > 1 {
                writeln!(out, "    @@ line {} of A, {} of B @@", hunk.before, hunk.after)?;
            }
            for line in hunk.lines {
                let (sign, text) = match line {
                    Line::Same(text) => (' ', text),
                    Line::Removed(text) => ('-', text),
                    Line::Added(text) => ('+', text),
                };
                writeln!(out, "    {sign}{}", output::clean(text))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn title(out: &mut impl Write, word: &str, kind: &str, name: &str) -> io::Result<()> {
    writeln!(out, "{word:<8} {kind} {}", output::clean(name))
}

/// With `all`, every table; else those whose counts are known and differ.
fn write_rows(out: &mut impl Write, rows: &[Counted], all: bool) -> io::Result<()> {
    let shown: Vec<&Counted> = rows.iter().filter(|r| all || (r.a != r.b && r.a.is_some() && r.b.is_some())).collect();
    if shown.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["TABLE", ">ROWS OF A", ">ROWS OF B", ""]);
    for r in shown {
        let cell = |n: Option<u64>| n.map_or_else(|| "–".into(), count);
        let word = if r.a.is_some() && r.b.is_some() && r.a != r.b { "differs" } else { "" };
        table.row(vec![r.table.clone(), cell(r.a), cell(r.b), word.into()]);
    }
    table.print(out)?;
    writeln!(out)
}

fn write_end(out: &mut impl Write, comparison: &Comparison, other_rows: Option<usize>) -> io::Result<()> {
    let rows = match other_rows {
        Some(0) => ", the same rows in every table".to_owned(),
        Some(n) => format!(", another number of rows in {n} {}", if n == 1 { "table" } else { "tables" }),
        None => String::new(),
    };
    if comparison.differences() == 0 {
        return writeln!(out, "no difference in {} objects and options{rows}", count(comparison.same as u64));
    }
    writeln!(
        out,
        "{} removed, {} added, {} changed, {} the same{rows}",
        comparison.removed.len(),
        comparison.added.len(),
        comparison.changed.len(),
        comparison.same
    )
}
