//! Layers that are a text to scroll: a job's details, a row, the messages, the help.

use jiff::Timestamp;

use crate::engine::event::{JobState, Severity};
use crate::tui::keys::{BINDINGS, Group};
use crate::tui::layout::{Areas, room};
use crate::tui::planned;
use crate::tui::quantity::{self, Wording};
use crate::tui::state::job::{Completion, Job};
use crate::tui::state::layer::{Layer, Planned, Record};
use crate::tui::state::{Phase, State};
use crate::tui::text;
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, Line, piece};
use super::{jobs, words};

/// Lines that one cell of a row takes at most.
const CELL_LINES: usize = 16;
/// Tables and remarks of a plan that are listed at most.
const PLAN_LISTED: usize = 300;
/// Lines that one line of a plan takes at most.
const PLAN_LINES: usize = 12;

/// Draws the layer: its rule, its text from the scrolled line on.
pub fn layer(canvas: &mut Canvas<'_>, state: &State, layer: usize, areas: &Areas, now: Timestamp) {
    let body = areas.body;
    let (title, lines) = lines(state, layer, body.width, now);
    let scroll = match state.layers.get(layer) {
        Some(Layer::Job(view)) => view.scroll,
        Some(Layer::Record(view)) => view.scroll,
        Some(Layer::Messages { scroll } | Layer::Help { scroll }) => *scroll,
        Some(Layer::Planned(view)) => view.scroll,
        _ => 0,
    };
    let space = usize::from(room(body));
    let scroll = scroll.min(lines.len().saturating_sub(space));
    let mut title = vec![piece(Tone::Focus, title)];
    if lines.len() > space {
        let last = (scroll + space).min(lines.len());
        title.push(piece(Tone::Dim, format!(" line {} to {last} of {}", scroll + 1, lines.len())));
    }
    canvas.rule(body, true, &title);
    for (y, line) in (body.y + 1..body.bottom()).zip(lines.iter().skip(scroll)) {
        canvas.line(body.x + 1, y, body.width.saturating_sub(1), line);
    }
}

/// Title and lines of the layer in that width.
pub fn lines(state: &State, layer: usize, width: u16, now: Timestamp) -> (String, Vec<Line>) {
    let width = usize::from(width.saturating_sub(2)).max(10);
    match state.layers.get(layer) {
        Some(Layer::Job(view)) => match state.job(view.id) {
            Some(job) => (format!("Job {} {}", job.info.id, job.title()), job_lines(state, job, width, now)),
            None => (format!("Job {}", view.id), vec![vec![piece(Tone::Dim, "not listed any more")]]),
        },
        Some(Layer::Record(record)) => {
            (format!("{} row {}", record.table, quantity::count(record.number + 1)), record_lines(state, record, width))
        }
        Some(Layer::Messages { .. }) => ("Messages".into(), message_lines(state, width)),
        Some(Layer::Help { .. }) => ("Keys".into(), help_lines(state, width)),
        Some(Layer::Planned(view)) => ("What the restore would do".into(), plan_lines(state, view, width)),
        _ => (String::new(), Vec::new()),
    }
}

/// A plan, wrapped below itself.
fn plan_lines(state: &State, view: &Planned, width: usize) -> Vec<Line> {
    let unicode = state.options.theme.unicode;
    let wrapped = |tone: Tone, indent: usize, content: &str| -> Vec<Line> {
        let lines = text::wrap(content, width.saturating_sub(indent).max(8), PLAN_LINES, unicode);
        lines.into_iter().map(|line| vec![piece(tone, format!("{}{line}", " ".repeat(indent)))]).collect()
    };
    match (&view.plan, &view.phase) {
        (_, Phase::Loading) => {
            vec![vec![piece(Tone::Dim, "reading the package and asking the server; nothing is changed by it")]]
        }
        (_, Phase::Failed(failure)) => {
            let mut out = wrapped(Tone::Bad, 0, "It would be refused as it is. Nothing was changed.");
            out.push(Vec::new());
            out.extend(failure.lines().iter().flat_map(|line| wrapped(Tone::Plain, 2, line)));
            out
        }
        (None, Phase::Ready) => Vec::new(),
        (Some(plan), Phase::Ready) => planned::lines(plan, PLAN_LISTED)
            .iter()
            .flat_map(|(tone, indent, line)| wrapped(*tone, *indent, line))
            .collect(),
    }
}

/// Text in lines, the first after a label, the others below it.
fn labelled(state: &State, label: &str, tone: Tone, content: &str, width: usize, lines: usize) -> Vec<Line> {
    let indent = 12;
    let unicode = state.options.theme.unicode;
    let room = width.saturating_sub(indent).max(8);
    let mut out = Vec::new();
    for (n, line) in text::wrap(content, room, lines, unicode).into_iter().enumerate() {
        let head = if n == 0 { label } else { "" };
        out.push(vec![piece(Tone::Dim, format!("{head:<indent$}")), (tone, line)]);
    }
    out
}

fn job_lines(state: &State, job: &Job, width: usize, now: Timestamp) -> Vec<Line> {
    let theme = state.options.theme;
    let info = &job.info;
    let dot = theme.glyph(Glyph::Dot);
    let mut out: Vec<Line> = Vec::new();
    let (tone, word) = words::state(theme, info.state);
    let mut first = vec![piece(Tone::Dim, format!("{:<12}", "State")), (tone, word)];
    match job.completion() {
        Completion::Part(part) => first.push(piece(Tone::Plain, format!("  {} %", (part * 100.0) as u32))),
        Completion::Whole => first.push(piece(Tone::Plain, "  100 %")),
        Completion::Unknown => {}
    }
    if let Some(left) = job.estimate(now) {
        first.push(piece(Tone::Plain, format!("  about {} left in this step", quantity::duration(left))));
    }
    out.push(first);
    if matches!(info.state, JobState::Running | JobState::Cancelling | JobState::CleaningUp) {
        let mut line = vec![piece(Tone::Dim, format!("{:<12}", "Now"))];
        line.extend(jobs::doing(dot, job, now));
        out.push(line);
    }
    let mut times = format!("queued {}", words::moment(state, info.queued));
    if let Some(seconds) = job.elapsed(now) {
        times +=
            &format!(", {} {}", if info.ended.is_some() { "took" } else { "at work for" }, quantity::duration(seconds));
    }
    if let Some(ended) = info.ended {
        times += &format!(", ended {}", quantity::age(ended, now, Wording::Long));
    }
    out.extend(labelled(state, "Times", Tone::Plain, &times, width, 3));
    out.extend(labelled(state, "Job", Tone::Plain, &told(job), width, 4));
    if let Some(failure) = &info.failure {
        out.push(Line::new());
        out.extend(labelled(state, "Failed", Tone::Bad, &failure.message, width, 8));
        for cause in &failure.causes {
            out.extend(labelled(state, "  because", Tone::Plain, cause, width, 8));
        }
        if let Some(number) = failure.sql_error {
            out.extend(labelled(state, "SQL error", Tone::Plain, &number.to_string(), width, 1));
        }
        if let Some(hint) = &failure.hint {
            out.extend(labelled(state, "Hint", Tone::Strong, hint, width, 8));
        }
        let again = if failure.retryable {
            "may help as things are: press t"
        } else {
            "does not help until something is changed"
        };
        out.extend(labelled(
            state,
            "Try again",
            if failure.retryable { Tone::Good } else { Tone::Warn },
            again,
            width,
            2,
        ));
    }
    if let Some(summary) = &info.summary {
        out.push(Line::new());
        let mut done =
            format!("{}, {} of data", quantity::counted(summary.rows, "row"), quantity::bytes(summary.bytes));
        if let Some(seconds) = job.elapsed(now).filter(|s| *s > 0 && info.ended.is_some()) {
            done += &format!(", {}/s on average", quantity::bytes(summary.bytes / seconds.unsigned_abs()));
        }
        out.extend(labelled(state, "Done", Tone::Plain, &done, width, 2));
        if let Some(file) = &summary.file {
            let size = summary.file_size.map(|s| format!(" ({})", quantity::bytes(s))).unwrap_or_default();
            out.extend(labelled(state, "File", Tone::Plain, &format!("{file}{size}"), width, 3));
        }
        if let Some(database) = &summary.database {
            out.extend(labelled(state, "Database", Tone::Plain, database, width, 3));
        }
        for remark in &summary.remarks {
            out.extend(labelled(state, "Remark", Tone::Warn, remark, width, 4));
        }
    }
    if !job.steps.is_empty() {
        out.push(Line::new());
        out.push(vec![piece(Tone::Strong, "Steps")]);
    }
    for (n, span) in job.steps.iter().enumerate() {
        let last = n + 1 == job.steps.len();
        let seconds = span.ended.unwrap_or(now).as_second() - span.began.as_second();
        let (tone, glyph) = match (span.ended.is_some() && info.state.is_final(), last, info.state) {
            (_, false, _) | (_, true, JobState::Completed) => (Tone::Good, Glyph::Ok),
            (_, true, JobState::Failed | JobState::Interrupted) => (Tone::Bad, Glyph::Failed),
            (true, true, _) | (_, true, JobState::Cancelling | JobState::CleaningUp) => (Tone::Warn, Glyph::Stopped),
            _ => (Tone::Accent, Glyph::Running),
        };
        out.push(vec![
            piece(Tone::Dim, format!("{}  ", words::time(state, span.began))),
            piece(tone, format!("{} ", theme.glyph(glyph))),
            piece(Tone::Plain, format!("{:<20}", span.step.label())),
            piece(Tone::Dim, format!("{:>8}", quantity::duration(seconds))),
        ]);
    }
    if let Some(progress) = job.counted().filter(|p| !p.current.is_empty() && !info.state.is_final()) {
        out.push(Line::new());
        out.push(vec![piece(Tone::Strong, "Tables at work")]);
        for table in &progress.current {
            let rows = match table.rows_total {
                Some(total) => format!("{} of {}", quantity::count(table.rows), quantity::counted(total, "row")),
                None => quantity::counted(table.rows, "row"),
            };
            out.push(vec![
                piece(Tone::Plain, format!("{}  ", table.table)),
                piece(Tone::Dim, format!("{rows} {dot} {}", quantity::bytes(table.bytes))),
            ]);
        }
    }
    if !job.notes.is_empty() {
        out.push(Line::new());
        out.push(vec![piece(Tone::Strong, "Messages")]);
    }
    for note in &job.notes {
        let tone = if note.severity == Severity::Warning { Tone::Warn } else { Tone::Plain };
        out.extend(labelled(state, &words::time(state, note.at), tone, &note.text, width, 6));
    }
    out
}

/// What the job was asked to do, in a sentence.
fn told(job: &Job) -> String {
    use crate::engine::command::{JobSpec, Trigger};
    match &job.info.spec {
        JobSpec::Backup { tenant, comment, trigger } => {
            let who = match trigger {
                Trigger::Automatic => "automatic",
                Trigger::Manual => "manual",
            };
            let comment = comment.as_deref().map(|c| format!(", \"{c}\"")).unwrap_or_default();
            format!("{who} backup of {tenant}{comment}")
        }
        JobSpec::Restore { source, server, database, keep_partial, existing, choice } => {
            let mut words = choice.words();
            if *keep_partial {
                words.push("kept even when it fails".into());
            }
            let words = if words.is_empty() { String::new() } else { format!(", {}", words.join(", ")) };
            let to = if existing.is_some() { "into the existing" } else { "as" };
            let name = crate::tui::state::source_name(source);
            format!("restore of {name} to {server} {to} {database}{words}")
        }
        JobSpec::Verify { source } => format!("verify {}", crate::tui::state::source_name(source)),
    }
}

fn record_lines(state: &State, record: &Record, width: usize) -> Vec<Line> {
    let unicode = state.options.theme.unicode;
    let names = record.cells.iter().map(|(n, _)| text::width(&text::fit(n, 28, unicode))).max().unwrap_or(0);
    let room = width.saturating_sub(names + 2).max(8);
    let mut out = Vec::new();
    for (name, cell) in &record.cells {
        let name = text::fit(name, 28, unicode);
        let pad = " ".repeat(names + 2 - text::width(&name));
        let blank = " ".repeat(names + 2);
        match cell {
            None => out.push(vec![piece(Tone::Dim, name + &pad), piece(Tone::Dim, "NULL")]),
            Some(content) => {
                for (n, line) in text::wrap(content, room, CELL_LINES, unicode).into_iter().enumerate() {
                    let head = if n == 0 { format!("{name}{pad}") } else { blank.clone() };
                    out.push(vec![piece(Tone::Dim, head), piece(Tone::Plain, line)]);
                }
            }
        }
    }
    out
}

fn message_lines(state: &State, width: usize) -> Vec<Line> {
    let theme = state.options.theme;
    let mut out = Vec::new();
    for told in &state.log {
        let (tone, glyph) = words::loudness(told.loudness);
        let tone = if tone == Tone::Alarm { Tone::Bad } else { tone };
        for (n, line) in
            text::wrap(&told.text, width.saturating_sub(12).max(8), 8, theme.unicode).into_iter().enumerate()
        {
            let head = match n {
                0 => format!("{}  {} ", words::time(state, told.at), theme.glyph(glyph)),
                _ => " ".repeat(12),
            };
            out.push(vec![piece(Tone::Dim, head), piece(tone, line)]);
        }
    }
    if out.is_empty() {
        out.push(vec![piece(Tone::Dim, "nothing was told yet")]);
    }
    out
}

fn help_lines(state: &State, width: usize) -> Vec<Line> {
    let unicode = state.options.theme.unicode;
    let names = 16;
    let mut out = Vec::new();
    for group in Group::ALL {
        if !out.is_empty() {
            out.push(Line::new());
        }
        out.push(vec![piece(Tone::Strong, group.title())]);
        for binding in BINDINGS.iter().filter(|b| b.group == group) {
            let keys: Vec<String> = binding.keys.iter().map(|k| k.name(unicode)).collect();
            let keys = keys.join(" ");
            let pad = " ".repeat((names + 1usize).saturating_sub(text::width(&keys)).max(1));
            let lines = text::wrap(binding.help, width.saturating_sub(names + 3).max(8), 4, unicode);
            for (n, line) in lines.into_iter().enumerate() {
                let head = if n == 0 { format!("  {keys}{pad}") } else { " ".repeat(names + 3) };
                out.push(vec![piece(Tone::Key, head), piece(Tone::Plain, line)]);
            }
        }
    }
    out
}
