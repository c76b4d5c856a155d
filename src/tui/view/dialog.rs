//! The dialogs, drawn over what is below them.

use jiff::Timestamp;
use ratatui::layout::Position;

use crate::bacpac::script::{Conflict, Content, Users};
use crate::engine::command::JobSpec;
use crate::engine::event::JobId;
use crate::tui::layout::{self, Areas};
use crate::tui::quantity::{self, Wording};
use crate::tui::state::State;
use crate::tui::state::input::Input;
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
    let fields = dialog.fields();
    // Air where there is room for it.
    let gap = u16::from(tall && !dialog.open);
    let lines = 2 + u16::from(tall) + fields.len() as u16 + 3 * gap;
    let area = layout::dialog(areas, 76, lines + 2);
    let title =
        if dialog.into_existing() { "Restore into an existing database" } else { "Restore into a new database" };
    let inside = canvas.frame(area, &[piece(Tone::Focus, title)], Tone::Accent);
    let label = if inside.width >= 50 { 11 } else { 9 };
    let (x, width) = (inside.x + label, inside.width.saturating_sub(label));
    let mut y = inside.y;
    canvas.text(inside.x, y, label, Tone::Dim, "Backup");
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
    // Where not all fields fit, those up to the chosen one are shown.
    let room = usize::from(inside.bottom().saturating_sub(y)).saturating_sub(1 + 2 * usize::from(gap)).max(1);
    let at = fields.iter().position(|f| *f == dialog.field).unwrap_or(0);
    let first = if fields.len() <= room { 0 } else { (at + 1).saturating_sub(room) };
    let mut cursor = None;
    for field in fields.iter().skip(first).take(room) {
        let focused = *field == dialog.field;
        canvas.text(inside.x, y, label, if focused { Tone::Focus } else { Tone::Dim }, name(*field));
        if let Some(input) = dialog.input(*field) {
            let place = typed(canvas, input, focused, x, y, width);
            cursor = if focused { Some(place) } else { cursor };
            if input.is_empty() && !focused {
                canvas.text(x, y, width, Tone::Dim, empty(*field));
            }
        } else if *field == Field::Server {
            server(canvas, state, dialog, x, y, width);
        } else {
            let tone = if focused { Tone::Strong } else { Tone::Plain };
            let text = value(canvas, dialog, *field);
            canvas.text(x, y, width, tone, &text);
        }
        y += 1;
        if *field == Field::Database {
            let said = verdict(canvas, state, dialog);
            canvas.line(x, y, width, &[said]);
            y += 1;
        }
        if matches!(field, Field::Server | Field::Database) {
            y += gap;
        }
    }
    cursor
}

/// What a field is called.
fn name(field: Field) -> &'static str {
    match field {
        Field::Server => "Server",
        Field::Database => "Database",
        Field::Typed => "Again",
        Field::Keep => "On error",
        Field::Options => "Options",
        Field::Content => "What",
        Field::Tables => "Tables",
        Field::Users => "Users",
        Field::Permissions => "Rights",
        Field::Settings => "Settings",
        Field::Owner => "Owner",
        Field::Missing => "Missing",
        Field::Conflict => "Conflict",
        Field::Collation => "Collation",
        Field::Level => "Level",
    }
}

/// What stands in a line that nothing was typed into.
fn empty(field: Field) -> &'static str {
    match field {
        Field::Typed => "type the name once more to restore into it",
        Field::Tables => "all; or schema.table, with commas between several",
        Field::Collation | Field::Level => "the package's",
        _ => "",
    }
}

/// The value of a field that is chosen and not typed.
fn value(canvas: &Canvas<'_>, dialog: &Restore, field: Field) -> String {
    let tick = |on: bool, text: &str| format!("[{}] {text}", if on { 'x' } else { ' ' });
    let (less, more) = (canvas.theme.glyph(Glyph::MoreLeft), canvas.theme.glyph(Glyph::MoreRight));
    let choice = &dialog.choice;
    match field {
        Field::Keep => tick(dialog.keep_partial, "keep what was restored so far"),
        Field::Options => {
            let words = dialog.chosen().map(|c| c.words()).unwrap_or_default();
            let said = if words.is_empty() { "everything, as it is".to_owned() } else { words.join(", ") };
            tick(dialog.open, &said)
        }
        Field::Content => {
            let what = match choice.content {
                Content::All => "objects and rows",
                Content::Schema => "objects only",
                Content::Data => "rows only, into empty tables that are there",
            };
            format!("{less} {what} {more}")
        }
        Field::Users => {
            let which = match choice.users {
                Users::None => "none",
                Users::AsInFile => "as in the file",
                Users::Map(_) => "mapped",
            };
            format!("{less} {which} {more}")
        }
        Field::Permissions => tick(choice.permissions, "permissions as at the source"),
        Field::Settings => tick(choice.user_settings, "default schema and language of users"),
        Field::Owner => tick(choice.owner_to_dbo, "dbo owns everything"),
        Field::Missing => tick(!choice.skip_missing.is_empty(), "leave out what refers to something not restored"),
        Field::Conflict => tick(choice.on_conflict == Conflict::Rename, "tables that are there already: another name"),
        _ => String::new(),
    }
}

fn server(canvas: &mut Canvas<'_>, state: &State, dialog: &Restore, x: u16, y: u16, width: u16) {
    let Some(server) = state.servers.get(dialog.server) else { return };
    let theme = canvas.theme;
    let tone = if dialog.field == Field::Server { Tone::Strong } else { Tone::Plain };
    let (less, more) = (theme.glyph(Glyph::MoreLeft), theme.glyph(Glyph::MoreRight));
    let count = format!("  {} of {}", dialog.server + 1, state.servers.len());
    let pieces = [
        piece(Tone::Accent, format!("{less} ")),
        piece(tone, &server.name),
        piece(Tone::Accent, format!(" {more}")),
        piece(Tone::Dim, format!("  {}{count}", server.address)),
    ];
    canvas.line(x, y, width, &pieces);
}

/// A line being typed: as much of it as fits, the cursor always in sight.
fn typed(canvas: &mut Canvas<'_>, input: &Input, focused: bool, x: u16, y: u16, width: u16) -> Position {
    let unicode = canvas.theme.unicode;
    let line = input.text();
    let room = usize::from(width).saturating_sub(1).max(1);
    let before: Vec<char> = line.chars().take(input.cursor()).collect();
    let width_of = |chars: &[char]| text::width(&text::clean(&chars.iter().collect::<String>(), unicode));
    let mut start = 0;
    while start < before.len() && width_of(&before[start..]) > room {
        start += 1;
    }
    let shown: String = line.chars().skip(start).collect();
    canvas.text(x, y, width, if focused { Tone::Strong } else { Tone::Plain }, &shown);
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
        NameCheck::Exists if dialog.into_existing() => {
            let sign = theme.glyph(Glyph::Warning);
            piece(Tone::Warn, format!("{sign} exists on {server}; what is in it stays as it is"))
        }
        NameCheck::Exists => piece(Tone::Bad, format!("{bad} exists on {server} already; nothing is overwritten")),
        NameCheck::Unknown(why) => piece(Tone::Warn, format!("{} not known: {why}", theme.glyph(Glyph::Warning))),
    }
}
