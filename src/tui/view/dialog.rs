//! The dialogs, drawn over what is below them.

use jiff::Timestamp;
use ratatui::layout::Position;

use crate::engine::command::JobSpec;
use crate::engine::event::JobId;
use crate::tui::layout::{self, Areas};
use crate::tui::quantity::{self, Wording};
use crate::tui::state::State;
use crate::tui::state::layer::{Field, Layer, NAME_UNITS, NameCheck, Restore};
use crate::tui::text;
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, Line, piece};
use super::words;

/// Draws a dialog; where the cursor belongs.
pub fn dialog(
    canvas: &mut Canvas<'_>,
    state: &State,
    layer: &Layer,
    areas: &Areas,
    now: Timestamp,
) -> Option<Position> {
    match layer {
        Layer::Restore(dialog) => return restore(canvas, state, dialog, areas, now),
        Layer::ConfirmCancel(id) => ask(canvas, areas, "Cancel", &cancelling(state, *id)),
        Layer::ConfirmQuit => ask(canvas, areas, "Quit", &quitting(state, areas.body.height)),
        Layer::ConfirmForce => {
            let said = vec![
                (Tone::Strong, "Quit at once, without cleaning up?".to_owned()),
                (Tone::Plain, "Partial files and half-restored databases may stay. The next start marks the jobs interrupted and tells what is left.".to_owned()),
            ];
            ask(canvas, areas, "Quit at once", &said);
        }
        _ => {}
    }
    None
}

/// A question: paragraphs in a box as high as they need.
fn ask(canvas: &mut Canvas<'_>, areas: &Areas, title: &str, paragraphs: &[(Tone, String)]) {
    let width = 66.min(areas.body.width);
    let unicode = canvas.theme.unicode;
    let mut lines: Vec<Line> = Vec::new();
    for (tone, paragraph) in paragraphs {
        for line in text::wrap(paragraph, usize::from(width.saturating_sub(4)), 4, unicode) {
            lines.push(vec![(*tone, line)]);
        }
    }
    let area = layout::dialog(areas, width, lines.len() as u16 + 2);
    let inside = canvas.frame(area, &[piece(Tone::Warn, title)], Tone::Warn);
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        canvas.line(inside.x, y, inside.width, line);
    }
}

fn cancelling(state: &State, id: JobId) -> Vec<(Tone, String)> {
    let Some(job) = state.job(id) else { return vec![(Tone::Plain, "The job has ended.".into())] };
    let then = match &job.info.spec {
        JobSpec::Backup { .. } => "What was written so far is removed; older backups stay as they are.".to_owned(),
        JobSpec::Restore { database, existing: Some(_), .. } => {
            format!("What was added to {database} so far stays; nothing of it is dropped.")
        }
        JobSpec::Restore { database, keep_partial: false, .. } => {
            format!("The half-restored database {database} is dropped.")
        }
        JobSpec::Restore { database, keep_partial: true, .. } => {
            format!("What was restored so far stays, in the database {database}.")
        }
        JobSpec::Verify { .. } => "The package stays as it is; it is not marked as verified.".to_owned(),
    };
    vec![(Tone::Strong, format!("Cancel {id} {}?", job.title())), (Tone::Plain, then)]
}

fn quitting(state: &State, room: u16) -> Vec<(Tone, String)> {
    let jobs: Vec<_> = state.own_jobs().collect();
    // What can be done matters more than what is at work.
    let listed = if room >= 14 { 4 } else { 0 };
    let are = if jobs.len() == 1 { "is" } else { "are" };
    let mut said = vec![(Tone::Strong, format!("{} {are} not done yet:", quantity::counted(jobs.len() as u64, "job")))];
    for job in jobs.iter().take(listed) {
        let word = crate::tui::state::job::word(job.info.state);
        said.push((Tone::Plain, format!("{} {}, {word}", job.info.id, job.title())));
    }
    if listed > 0 && jobs.len() > listed {
        said.push((Tone::Dim, format!("and {} more", jobs.len() - listed)));
    }
    if listed > 0 {
        said.push((Tone::Plain, String::new()));
    }
    said.push((
        Tone::Plain,
        "c  cancels them, cleans up and quits: no partial file and no half-restored database stays.".into(),
    ));
    said.push((Tone::Plain, "w  lets them end, then quits.".into()));
    said
}

fn restore(
    canvas: &mut Canvas<'_>,
    state: &State,
    dialog: &Restore,
    areas: &Areas,
    now: Timestamp,
) -> Option<Position> {
    let theme = canvas.theme;
    let tall = areas.body.height >= 12;
    let area = layout::dialog(areas, 76, if tall { 12 } else { 8 });
    let inside = canvas.frame(area, &[piece(Tone::Focus, "Restore into a new database")], Tone::Accent);
    let label = if inside.width >= 50 { 11 } else { 9 };
    let (x, width) = (inside.x + label, inside.width.saturating_sub(label));
    let mut y = inside.y;
    let gap = u16::from(tall);
    let head = |canvas: &mut Canvas<'_>, y: u16, text: &str, field: Option<Field>| {
        let tone = if field == Some(dialog.field) { Tone::Focus } else { Tone::Dim };
        canvas.text(inside.x, y, label, tone, text);
    };
    head(canvas, y, "Backup", None);
    canvas.file_name(x, y, width, Tone::Plain, &dialog.backup.backup.file);
    y += 1;
    if tall {
        let dot = format!(" {} ", theme.glyph(Glyph::Dot));
        let rows = dialog.backup.rows.map(|n| format!("{dot}{}", quantity::counted(n, "row"))).unwrap_or_default();
        let age = quantity::age(dialog.backup.taken, now, Wording::Long);
        let checked = words::verification(theme, &dialog.backup);
        let about = format!("{age}{dot}{}{rows}{dot}", quantity::bytes(dialog.backup.size));
        canvas.line(x, y, width, &[piece(Tone::Dim, about), checked]);
        y += 1;
    }
    y += gap;
    head(canvas, y, "Server", Some(Field::Server));
    if let Some(server) = state.servers.get(dialog.server) {
        let tone = if dialog.field == Field::Server { Tone::Strong } else { Tone::Plain };
        let (less, more) = (theme.glyph(Glyph::MoreLeft), theme.glyph(Glyph::MoreRight));
        let count = format!("  {} of {}", dialog.server + 1, state.servers.len());
        canvas.line(
            x,
            y,
            width,
            &[
                piece(Tone::Accent, format!("{less} ")),
                piece(tone, &server.name),
                piece(Tone::Accent, format!(" {more}")),
                piece(Tone::Dim, format!("  {}{count}", server.address)),
            ],
        );
    }
    y += 1 + gap;
    head(canvas, y, "Database", Some(Field::Database));
    let cursor = typed(canvas, dialog, x, y, width);
    y += 1;
    canvas.line(x, y, width, &[verdict(canvas, state, dialog)]);
    y += 1 + gap;
    head(canvas, y, "On error", Some(Field::Keep));
    let tick = if dialog.keep_partial { 'x' } else { ' ' };
    let tone = if dialog.field == Field::Keep { Tone::Strong } else { Tone::Plain };
    let text = format!("[{tick}] keep what was restored so far");
    canvas.text(x, y, width, tone, &text);
    (dialog.field == Field::Database).then_some(cursor)
}

/// The name being typed: as much of it as fits, the cursor always in sight.
fn typed(canvas: &mut Canvas<'_>, dialog: &Restore, x: u16, y: u16, width: u16) -> Position {
    let unicode = canvas.theme.unicode;
    let name = dialog.database.text();
    let room = usize::from(width).saturating_sub(1).max(1);
    let before: Vec<char> = name.chars().take(dialog.database.cursor()).collect();
    let width_of = |chars: &[char]| text::width(&text::clean(&chars.iter().collect::<String>(), unicode));
    let mut start = 0;
    while start < before.len() && width_of(&before[start..]) > room {
        start += 1;
    }
    let shown: String = name.chars().skip(start).collect();
    let tone = if dialog.field == Field::Database { Tone::Strong } else { Tone::Plain };
    canvas.text(x, y, width, tone, &shown);
    Position::new(x + width_of(&before[start..]) as u16, y)
}

fn verdict(canvas: &Canvas<'_>, state: &State, dialog: &Restore) -> super::canvas::Piece {
    let theme = canvas.theme;
    let server = state.servers.get(dialog.server).map_or("the server", |s| s.name.as_str());
    let bad = theme.glyph(Glyph::Failed);
    match &dialog.check {
        NameCheck::Empty => piece(Tone::Bad, format!("{bad} a name is needed")),
        NameCheck::TooLong(n) => piece(Tone::Bad, format!("{bad} {n} characters; at most {NAME_UNITS}")),
        NameCheck::Asking if dialog.submit => piece(Tone::Dim, format!("starts as soon as {server} has answered")),
        NameCheck::Asking => piece(Tone::Dim, format!("asking {server}")),
        NameCheck::Free => {
            piece(Tone::Good, format!("{} free on {server}; it will be created", theme.glyph(Glyph::Ok)))
        }
        NameCheck::Exists => piece(Tone::Bad, format!("{bad} exists on {server} already; nothing is overwritten")),
        NameCheck::Unknown(why) => piece(Tone::Warn, format!("{} not known: {why}", theme.glyph(Glyph::Warning))),
    }
}
