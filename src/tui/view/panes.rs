//! The three panes: tenants, backups, jobs.

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use crate::engine::event::JobState;
use crate::engine::query::{BackupInfo, TenantInfo};
use crate::tui::quantity::{self, Wording};
use crate::tui::state::input::Input;
use crate::tui::state::job::{Completion, Job, in_one_line};
use crate::tui::state::{Health, Pane, Phase, State};
use crate::tui::text;
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, Line, piece};
use super::table::{Align, Column, cell, headings, places};
use super::{jobs, words};

/// Draws a pane; where the cursor belongs when its filter is being typed.
pub fn pane(canvas: &mut Canvas<'_>, state: &State, pane: Pane, area: Rect, now: Timestamp) -> Option<Position> {
    match pane {
        Pane::Tenants => tenants(canvas, state, area, now),
        Pane::Backups => backups(canvas, state, area, now),
        Pane::Jobs => jobs::pane(canvas, state, area, now),
    }
}

/// Whether keys go to the pane.
pub fn focused(state: &State, pane: Pane) -> bool {
    state.focus == pane && state.layers.is_empty()
}

/// A pane's title: what it lists, how many, its filter. Says where the typed filter's cursor is.
pub struct Title<'a> {
    pub name: String,
    pub shown: usize,
    pub all: usize,
    pub phase: &'a Phase,
    pub filter: &'a Input,
    pub typing: bool,
    pub focus: bool,
}

impl Title<'_> {
    /// Draws it in the rule; the first free column and the cursor.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> (u16, Option<Position>) {
        let tone = if self.focus { Tone::Focus } else { Tone::Strong };
        let mut line: Line = vec![piece(tone, &self.name)];
        if *self.phase == Phase::Loading && self.all == 0 {
            line.push(piece(Tone::Dim, " reading"));
        } else if self.filter.is_empty() {
            line.push(piece(Tone::Dim, format!(" {}", quantity::count(self.all as u64))));
        } else {
            line.push(piece(Tone::Dim, format!(" {} of {}", self.shown, self.all)));
        }
        let mut before = 0;
        if self.typing || !self.filter.is_empty() {
            line.push(piece(Tone::Warn, " /"));
            before = line.iter().map(|(_, t)| text::width(&text::clean(t, canvas.theme.unicode))).sum();
            line.push(piece(Tone::Warn, self.filter.text()));
        }
        let free = canvas.rule(area, self.focus, &line);
        let typed: String = self.filter.text().chars().take(self.filter.cursor()).collect();
        let x = area.x as usize + 2 + before + text::width(&text::clean(&typed, canvas.theme.unicode));
        let cursor = self.typing.then(|| Position::new((x as u16).min(area.right().saturating_sub(1)), area.y));
        (free, cursor)
    }
}

impl Title<'_> {
    /// Draws the frame of a list: this title, the headings and, where there is no row, `nothing` or why. Where the
    /// columns stand, and the cursor.
    pub fn list(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        columns: &[Column],
        nothing: &str,
    ) -> (Vec<Option<(u16, u16)>>, Option<Position>) {
        let (free, cursor) = self.draw(canvas, area);
        let at = places(columns, area);
        headings(canvas, columns, &at, area.y, free);
        if self.shown == 0 {
            empty(canvas, area, self.phase, !self.filter.is_empty(), nothing);
        }
        (at, cursor)
    }
}

/// What an empty list says instead of rows.
pub fn empty(canvas: &mut Canvas<'_>, area: Rect, phase: &Phase, filtered: bool, nothing: &str) {
    let (tone, said) = match phase {
        Phase::Loading => (Tone::Dim, String::new()),
        Phase::Failed(failure) => (Tone::Bad, in_one_line(failure)),
        Phase::Ready if filtered => (Tone::Dim, "nothing matches the filter; Esc clears it".into()),
        Phase::Ready => (Tone::Dim, nothing.to_owned()),
    };
    let width = area.width.saturating_sub(3);
    let room = usize::from(area.height.saturating_sub(1));
    let lines = text::wrap(&said, width.into(), room, canvas.theme.unicode);
    for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
        canvas.text(area.x + 2, y, width, tone, &line);
    }
}

const STATE: usize = 0;
const NAME: usize = 1;
const SERVER: usize = 2;
const AGE: usize = 3;
const JOB: usize = 4;

fn tenant_columns(width: u16) -> [Column; 5] {
    [
        Column::fixed("", 13, Align::Left, 1),
        Column::growing("Tenant", 12, 48, 0),
        Column::fixed("Server", if width >= 84 { 12 } else { 8 }, Align::Left, 4),
        Column::fixed(
            if width >= 84 { "Last backup" } else { "Backup" },
            if width >= 84 { 11 } else { 10 },
            Align::Right,
            2,
        ),
        Column::fixed("Job", 13, Align::Left, 3),
    ]
}

fn tenants(canvas: &mut Canvas<'_>, state: &State, area: Rect, now: Timestamp) -> Option<Position> {
    let list = state.shown_tenants();
    let pane = &state.tenants;
    let focus = focused(state, Pane::Tenants);
    let columns = tenant_columns(area.width);
    let nothing = "no tenant is configured; config.example.toml shows how";
    let (at, cursor) = Title {
        name: "Tenants".into(),
        shown: list.len(),
        all: pane.list.len(),
        phase: &pane.phase,
        filter: &pane.filter,
        typing: state.filtering && focus,
        focus,
    }
    .list(canvas, area, &columns, nothing);
    for (n, (y, tenant)) in (area.y + 1..area.bottom()).zip(list.iter().skip(pane.cursor.offset())).enumerate() {
        tenant_row(canvas, state, tenant, &columns, &at, y, now);
        if n + pane.cursor.offset() == pane.cursor.index() {
            canvas.choose(Rect::new(area.x, y, area.width, 1), focus);
        }
    }
    cursor
}

fn tenant_row(
    canvas: &mut Canvas<'_>,
    state: &State,
    tenant: &TenantInfo,
    columns: &[Column; 5],
    at: &[Option<(u16, u16)>],
    y: u16,
    now: Timestamp,
) {
    let theme = canvas.theme;
    let health = state.health(tenant);
    cell(canvas, &columns[STATE], at[STATE], y, &words::health(theme, health));
    let bad = matches!(health, Health::Failed(_) | Health::Interrupted(_));
    cell(canvas, &columns[NAME], at[NAME], y, &piece(if bad { Tone::Bad } else { Tone::Plain }, &tenant.name));
    cell(canvas, &columns[SERVER], at[SERVER], y, &piece(Tone::Dim, &tenant.server));
    let age = match &tenant.last_backup {
        Some(backup) => piece(Tone::Plain, quantity::age(backup.taken, now, Wording::Short)),
        None => piece(Tone::Dim, theme.glyph(Glyph::Never)),
    };
    cell(canvas, &columns[AGE], at[AGE], y, &age);
    let job = match (state.active_backup(&tenant.name), state.cancelled(tenant), health) {
        (Some(job), ..) => running(canvas, job),
        (None, Some(at), _) => {
            let age = quantity::age(at, now, Wording::Short);
            piece(Tone::Dim, format!("{} {age}", theme.glyph(Glyph::Stopped)))
        }
        (None, None, Health::Failed(at) | Health::Interrupted(at)) => {
            let age = quantity::age(at, now, Wording::Short);
            piece(Tone::Bad, format!("{} {age}", theme.glyph(Glyph::Failed)))
        }
        _ => piece(Tone::Plain, ""),
    };
    cell(canvas, &columns[JOB], at[JOB], y, &job);
}

/// A tenant's job in few columns.
fn running(canvas: &Canvas<'_>, job: &Job) -> super::canvas::Piece {
    let (tone, sign) = match job.info.state {
        JobState::Queued => (Tone::Dim, Glyph::Queued),
        JobState::Running => (Tone::Accent, Glyph::Running),
        _ => (Tone::Warn, Glyph::Stopped),
    };
    let what = match (job.info.state, job.completion(), job.step()) {
        (JobState::Running, Completion::Part(part), _) => format!("{} %", (part * 100.0) as u32),
        (JobState::Running, _, Some(step)) => step.label().to_owned(),
        (state, ..) => crate::tui::state::job::word(state).to_owned(),
    };
    piece(tone, format!("{} {what}", canvas.theme.glyph(sign)))
}

const FILE: usize = 0;
const TYPE: usize = 1;
const TAKEN: usize = 2;
const SIZE: usize = 3;
const ROWS: usize = 4;
const VERIFIED: usize = 5;

fn backup_columns(width: u16) -> [Column; 6] {
    [
        Column::growing("", 20, 64, 0),
        Column::fixed("Type", 9, Align::Left, 4),
        Column::fixed("Age", if width >= 90 { 14 } else { 9 }, Align::Right, 1),
        Column::fixed("Size", 8, Align::Right, 3),
        Column::fixed("Rows", if width >= 90 { 13 } else { 9 }, Align::Right, 5),
        Column::fixed("Verified", 11, Align::Left, 2),
    ]
}

fn backups(canvas: &mut Canvas<'_>, state: &State, area: Rect, now: Timestamp) -> Option<Position> {
    let list = state.shown_backups();
    let pane = &state.backups;
    let focus = focused(state, Pane::Backups);
    let name = match (&pane.of, pane.all) {
        (_, true) => "All backups".into(),
        // Beside the headings there is little room for a long name.
        (Some(tenant), _) => {
            let room = if area.width >= 90 { 30 } else { 16 };
            format!("Backups of {}", text::fit(tenant, room, canvas.theme.unicode))
        }
        (None, _) => "Backups".into(),
    };
    let columns = backup_columns(area.width);
    let nothing = match (&pane.of, pane.all) {
        (None, false) => "no tenant is chosen",
        (_, true) => "no backup in any store",
        _ => "no backup yet; b makes one now",
    };
    let (at, cursor) = Title {
        name,
        shown: list.len(),
        all: pane.list.len(),
        phase: &pane.phase,
        filter: &pane.filter,
        typing: state.filtering && focus,
        focus,
    }
    .list(canvas, area, &columns, nothing);
    let wording = if area.width >= 90 { Wording::Long } else { Wording::Short };
    for (n, (y, backup)) in (area.y + 1..area.bottom()).zip(list.iter().skip(pane.cursor.offset())).enumerate() {
        backup_row(canvas, backup, &columns, &at, y, now, wording);
        if n + pane.cursor.offset() == pane.cursor.index() {
            canvas.choose(Rect::new(area.x, y, area.width, 1), focus);
        }
    }
    cursor
}

fn backup_row(
    canvas: &mut Canvas<'_>,
    backup: &BackupInfo,
    columns: &[Column; 6],
    at: &[Option<(u16, u16)>],
    y: u16,
    now: Timestamp,
    wording: Wording,
) {
    let theme = canvas.theme;
    if let Some((x, width)) = at[FILE] {
        canvas.file_name(x, y, width, Tone::Plain, &backup.backup.file);
    }
    cell(canvas, &columns[TYPE], at[TYPE], y, &words::trigger(backup.trigger));
    cell(canvas, &columns[TAKEN], at[TAKEN], y, &piece(Tone::Plain, quantity::age(backup.taken, now, wording)));
    cell(canvas, &columns[SIZE], at[SIZE], y, &piece(Tone::Plain, quantity::bytes(backup.size)));
    let rows = match backup.rows {
        Some(rows) => piece(Tone::Plain, quantity::count(rows)),
        None => piece(Tone::Dim, "?"),
    };
    cell(canvas, &columns[ROWS], at[ROWS], y, &rows);
    cell(canvas, &columns[VERIFIED], at[VERIFIED], y, &words::verification(theme, backup));
}
