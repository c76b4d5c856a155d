//! The jobs' pane: bar, step, table, rate, elapsed, estimate. A percentage is shown only where the total is known.

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use crate::engine::event::JobState;
use crate::tui::quantity::{self, Wording};
use crate::tui::state::job::{Completion, Job};
use crate::tui::state::{Pane, State};
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, Line, Piece, piece};
use super::panes::{Title, focused};
use super::table::{Align, Column, cell};
use super::words;

const STATE: usize = 0;
const NUMBER: usize = 1;
const TITLE: usize = 2;
const PROGRESS: usize = 3;
const TOOK: usize = 4;
const LEFT: usize = 5;

/// Columns of the percentage beside the bar.
const PERCENT: u16 = 5;

fn columns(width: u16) -> [Column; 6] {
    let bar = (width / 8).clamp(10, 24);
    [
        Column::fixed("", 13, Align::Left, 0),
        Column::fixed("", 4, Align::Right, 4),
        Column::growing("", 16, 70, 1),
        Column::fixed("Progress", bar + PERCENT, Align::Left, 2),
        Column::fixed("Time", 8, Align::Right, 3),
        Column::fixed("Left/ended", 10, Align::Right, 2),
    ]
}

/// Draws the pane.
pub fn pane(canvas: &mut Canvas<'_>, state: &State, area: Rect, now: Timestamp) -> Option<Position> {
    let list = state.shown_jobs();
    let jobs = &state.jobs;
    let focus = focused(state, Pane::Jobs);
    let columns = columns(area.width);
    let (at, cursor) = Title {
        name: "Jobs".into(),
        shown: list.len(),
        all: jobs.list.len(),
        phase: &jobs.phase,
        filter: &jobs.filter,
        typing: state.filtering && focus,
        focus,
    }
    .list(canvas, area, &columns, "no jobs yet");
    let mut y = area.y + 1;
    for (n, job) in list.iter().enumerate().skip(jobs.cursor.offset()) {
        if y >= area.bottom() {
            break;
        }
        row(canvas, job, &columns, &at, area, y, now);
        if n == jobs.cursor.index() {
            canvas.choose(Rect::new(area.x, y, area.width, 1), focus);
        }
        y += job.lines();
    }
    cursor
}

fn row(
    canvas: &mut Canvas<'_>,
    job: &Job,
    columns: &[Column; 6],
    at: &[Option<(u16, u16)>],
    area: Rect,
    y: u16,
    now: Timestamp,
) {
    let info = &job.info;
    let theme = canvas.theme;
    let failed = matches!(info.state, JobState::Failed | JobState::Interrupted);
    cell(canvas, &columns[STATE], at[STATE], y, &words::state(theme, info.state));
    cell(canvas, &columns[NUMBER], at[NUMBER], y, &piece(Tone::Dim, info.id.to_string()));
    cell(canvas, &columns[TITLE], at[TITLE], y, &piece(if failed { Tone::Bad } else { Tone::Plain }, job.title()));
    if let Some((x, width)) = at[PROGRESS] {
        match info.state {
            JobState::Running | JobState::Cancelling | JobState::CleaningUp => {
                let bar = width.saturating_sub(PERCENT);
                let tone = if info.state == JobState::Running { Tone::Accent } else { Tone::Warn };
                let completion = job.completion();
                canvas.bar(x, y, bar, completion, tone);
                if let Completion::Part(part) = completion {
                    canvas.text_right(x + bar, y, PERCENT, Tone::Plain, &format!("{} %", (part * 100.0) as u32));
                }
            }
            JobState::Completed => {
                let rows = info.summary.as_ref().map(|s| quantity::counted(s.rows, "row")).unwrap_or_default();
                canvas.text(x, y, width, Tone::Dim, &rows);
            }
            _ => {}
        }
    }
    let took = job.elapsed(now).map(quantity::duration).unwrap_or_default();
    cell(canvas, &columns[TOOK], at[TOOK], y, &piece(Tone::Plain, took));
    let last = match (info.ended, job.estimate(now)) {
        (Some(ended), _) => piece(Tone::Dim, quantity::age(ended, now, Wording::Short)),
        (None, Some(left)) => piece(Tone::Plain, format!("~{}", quantity::duration(left))),
        (None, None) => piece(Tone::Plain, ""),
    };
    cell(canvas, &columns[LEFT], at[LEFT], y, &last);
    if job.lines() > 1 && y + 1 < area.bottom() {
        let x = area.x + 3;
        let width = area.right().saturating_sub(x);
        match job.complaint() {
            Some(complaint) if failed => {
                canvas.text(x, y + 1, width, Tone::Bad, &complaint);
            }
            _ => {
                canvas.line(x, y + 1, width, &doing(canvas.theme.glyph(Glyph::Dot), job, now));
            }
        }
    }
}

/// What a job does now: step, table, rows, rate.
pub fn doing(dot: &str, job: &Job, now: Timestamp) -> Line {
    let mut parts: Vec<Piece> = Vec::new();
    match (job.info.state, job.step()) {
        (JobState::Cancelling, _) => parts.push(piece(Tone::Warn, "being interrupted")),
        (JobState::CleaningUp, _) => parts.push(piece(Tone::Warn, "removing what must not stay")),
        (_, Some(step)) => parts.push(piece(Tone::Strong, step.label())),
        (_, None) => parts.push(piece(Tone::Dim, "starting")),
    }
    if let Some(progress) = job.counted() {
        if let Some((bytes, rows)) = job.pace(now).filter(|_| job.info.state == JobState::Running)
            && let Some(rate) = quantity::rate(bytes, rows)
        {
            parts.push(piece(Tone::Plain, rate));
        }
        parts.push(piece(
            Tone::Plain,
            match progress.rows_total {
                Some(total) => format!("{} of {}", quantity::count(progress.rows), quantity::counted(total, "row")),
                None => quantity::counted(progress.rows, "row"),
            },
        ));
        if progress.tables_total > 1 {
            parts.push(piece(
                Tone::Dim,
                format!("table {} of {}", (progress.tables_done + 1).min(progress.tables_total), progress.tables_total),
            ));
        }
        if let Some(table) = progress.current.iter().find(|t| !t.done) {
            let more = progress.current.iter().filter(|t| !t.done).count() - 1;
            let more = if more > 0 { format!(" +{more}") } else { String::new() };
            parts.push(piece(Tone::Plain, format!("{}{more}", table.table)));
        }
    }
    let mut line = Line::new();
    for (n, part) in parts.into_iter().enumerate() {
        if n > 0 {
            line.push(piece(Tone::Dim, format!(" {dot} ")));
        }
        line.push(part);
    }
    line
}
