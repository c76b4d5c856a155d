//! The restore dialog: one line a field, and below them what is wrong, or what the field is for.

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use crate::bacpac::script::{Conflict, Content, Users};
use crate::tui::layout::{self, Areas};
use crate::tui::quantity::{self, Wording};
use crate::tui::state::input::Input;
use crate::tui::state::restore::{Field, MISSING, NAME_UNITS, NameCheck, Pick, Restore};
use crate::tui::state::{Phase, State};
use crate::tui::text;
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, Piece, piece};
use super::{pick, words};

/// Lines for what refused the restore.
const PROBLEM: usize = 4;

/// Draws the dialog; where the cursor belongs.
pub fn restore(
    canvas: &mut Canvas<'_>,
    state: &State,
    dialog: &Restore,
    areas: &Areas,
    now: Timestamp,
) -> Option<Position> {
    match &dialog.pick {
        Pick::Nothing => {}
        Pick::Tables(view) => return pick::tables(canvas, state, dialog, view, areas),
        Pick::Logins(view) => return pick::logins(canvas, state, dialog, view, areas),
    }
    let body = areas.body;
    let fields = dialog.fields();
    let width = if body.width >= 110 { 100 } else { 76 };
    let said = said(canvas, dialog, usize::from(width.min(body.width).saturating_sub(4)));
    // Air and what the backup is, where there is room for them; the fields first.
    let need = 2 + 2 + fields.len() as u16 + said.len() as u16;
    let about = u16::from(body.height > need);
    let gap = u16::from(body.height >= need + about + 4 && !dialog.open);
    let area = layout::dialog(areas, width, need + about + 4 * gap);
    let title = match dialog.check {
        NameCheck::Exists if dialog.into_existing() => "Restore into an existing database",
        NameCheck::Exists => "Restore",
        _ => "Restore into a new database",
    };
    let inside = canvas.frame(area, &[piece(Tone::Focus, title)], Tone::Accent);
    let label = if inside.width >= 50 { 11 } else { 9 };
    let (x, width) = (inside.x + label, inside.width.saturating_sub(label));
    let mut y = inside.y;
    canvas.text(inside.x, y, label, Tone::Dim, "Backup");
    canvas.file_name(x, y, width, Tone::Plain, &dialog.backup.backup.file);
    y += 1;
    if about > 0 {
        canvas.line(x, y, width, &of_backup(canvas, dialog, now));
        y += 1;
    }
    y += gap;
    // What is said stands at the bottom, however small the box is; the fields have what is left.
    let below = said.len().min(usize::from(inside.bottom().saturating_sub(y + 2)));
    let room = usize::from(inside.bottom().saturating_sub(y)).saturating_sub(below).max(1);
    let (first, last) = shown(&fields, dialog.field, room, usize::from(gap));
    let mut cursor = None;
    for field in &fields[first..last] {
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
            if y < inside.bottom() {
                let said = verdict(canvas, state, dialog);
                canvas.line(x, y, width, &[said]);
            }
            y += 1;
        }
        if matches!(field, Field::Server | Field::Database) {
            y += gap;
        }
    }
    hidden(canvas, area, first, fields.len() - last);
    for (y, line) in (inside.bottom() - below as u16..inside.bottom()).zip(&said) {
        canvas.line(inside.x, y, inside.width, std::slice::from_ref(line));
    }
    cursor
}

/// Lines that a field takes.
fn height(field: Field, gap: usize) -> usize {
    match field {
        Field::Server => 1 + gap,
        Field::Database => 2 + gap,
        _ => 1,
    }
}

/// The fields that fit: all, or those around the chosen one.
fn shown(fields: &[Field], chosen: Field, room: usize, gap: usize) -> (usize, usize) {
    let lines = |from: usize, to: usize| fields[from..to].iter().map(|f| height(*f, gap)).sum::<usize>();
    let at = fields.iter().position(|f| *f == chosen).unwrap_or(0);
    let mut first = 0;
    while first < at && lines(first, at + 1) > room {
        first += 1;
    }
    let mut last = at + 1;
    while last < fields.len() && lines(first, last + 1) <= room {
        last += 1;
    }
    (first, last)
}

/// How many fields there are above and below, in the frame.
fn hidden(canvas: &mut Canvas<'_>, area: Rect, above: usize, below: usize) {
    for (n, word, y) in [(above, "above", area.y), (below, "below", area.bottom().saturating_sub(1))] {
        let said = format!(" {n} more {word} ");
        let width = text::width(&said) as u16;
        if n > 0 && area.width > width + 34 {
            canvas.text(area.right() - width - 2, y, width, Tone::Warn, &said);
        }
    }
}

fn of_backup(canvas: &Canvas<'_>, dialog: &Restore, now: Timestamp) -> Vec<Piece> {
    let theme = canvas.theme;
    let backup = &dialog.backup;
    // A file of which nothing but its name is known.
    if backup.size == 0 {
        return vec![piece(Tone::Dim, "")];
    }
    let dot = format!(" {} ", theme.glyph(Glyph::Dot));
    let rows = backup.rows.map(|n| format!("{dot}{}", quantity::counted(n, "row"))).unwrap_or_default();
    let age = quantity::age(backup.taken, now, Wording::Long);
    let about = format!("{age}{dot}{}{rows}{dot}", quantity::bytes(backup.size));
    vec![piece(Tone::Dim, about), words::verification(theme, backup)]
}

/// What refused the restore; else what the field is for.
fn said(canvas: &Canvas<'_>, dialog: &Restore, width: usize) -> Vec<Piece> {
    let unicode = canvas.theme.unicode;
    let wrap = |tone: Tone, text: &str, lines: usize| -> Vec<Piece> {
        text::wrap(text, width.max(8), lines, unicode).into_iter().map(|line| piece(tone, line)).collect()
    };
    let asked = matches!(dialog.field, Field::Server | Field::Database);
    match (&dialog.problem, &dialog.check) {
        (Some(problem), _) => {
            let sign = canvas.theme.glyph(Glyph::Failed);
            wrap(Tone::Bad, &format!("{sign} {}", problem.lines().join("; ")), PROBLEM)
        }
        // All of it: the line beside the name has no room for why a server does not answer.
        (None, NameCheck::Unknown(why)) if asked => wrap(Tone::Warn, &format!("{why}; Enter asks again"), PROBLEM),
        // Always as high, so that the box stays where it is.
        (None, _) => {
            let mut out = wrap(Tone::Dim, help(dialog), 2);
            out.resize(2, piece(Tone::Dim, ""));
            out
        }
    }
}

/// What a field is for.
fn help(dialog: &Restore) -> &'static str {
    match dialog.field {
        Field::Server => "The server to restore to: the arrow keys choose.",
        Field::Database => "The database to make. One that is there is left alone unless its name is typed again.",
        Field::Typed => "The database's name once more, letter for letter. What is in it stays as it is.",
        Field::Conflict => "What becomes of a table whose name the database has already.",
        Field::Keep => "What becomes of a half-restored database when the restore fails or is cancelled.",
        Field::Options => "Space shows or hides what else can be chosen.",
        Field::Content => "Objects and rows; objects without rows; rows into the empty tables of a database.",
        Field::Tables => "Only some tables. Enter opens the list; with none ticked everything is restored.",
        Field::Needed => "With the tables come those that their foreign keys and functions name.",
        Field::Users => "Users with the logins of the file, no users, or other logins for some of them.",
        Field::Logins => "Which user gets which login. Enter opens the list.",
        Field::Permissions => "What was granted and denied at the source.",
        Field::Settings => "The default schema and language of users.",
        Field::Owner => "Who owns schemas, roles and whatever else has an owner.",
        Field::Missing => "Left out where they refer to something that is not restored; else that is refused.",
        Field::Collation => "Of the new database; empty for the package's.",
        Field::Level => "Of the new database, such as 150; empty for the package's.",
    }
}

/// What a field is called.
fn name(field: Field) -> &'static str {
    match field {
        Field::Server => "Server",
        Field::Database => "Database",
        Field::Typed => "Again",
        Field::Conflict => "Conflict",
        Field::Keep => "On error",
        Field::Options => "Options",
        Field::Content => "What",
        Field::Tables => "Tables",
        Field::Needed => "Needed",
        Field::Users => "Users",
        Field::Logins => "Logins",
        Field::Permissions => "Rights",
        Field::Settings => "Settings",
        Field::Owner => "Owner",
        Field::Missing => "Missing",
        Field::Collation => "Collation",
        Field::Level => "Level",
    }
}

/// What stands in a line that nothing was typed into.
fn empty(field: Field) -> &'static str {
    match field {
        Field::Typed => "type the name once more to restore into it",
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
        Field::Conflict => {
            tick(choice.on_conflict == Conflict::Rename, "tables that are there already get another name")
        }
        Field::Keep => tick(dialog.keep_partial, "keep what was restored so far"),
        Field::Options => {
            let said = match dialog.chosen() {
                Ok(choice) if choice.words().is_empty() => "everything, as it is".to_owned(),
                Ok(choice) => choice.words().join(", "),
                Err(error) => error.to_string(),
            };
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
        Field::Tables => format!("{} {more}", tables(dialog)),
        Field::Needed => tick(choice.dependencies, "with the tables that they need"),
        Field::Users => {
            let which = match choice.users {
                Users::None => "none",
                Users::AsInFile => "as in the file",
                Users::Map(_) | Users::MapPresent(_) => "as in the file, some with another login",
            };
            format!("{less} {which} {more}")
        }
        Field::Logins if dialog.map.is_empty() => format!("nobody's yet {more}"),
        Field::Logins => {
            let arrow = canvas.theme.glyph(Glyph::Arrow);
            let mapped: Vec<String> =
                dialog.map.iter().map(|(user, login)| format!("{user} {arrow} {login}")).collect();
            format!("{} {more}", mapped.join(", "))
        }
        Field::Permissions => tick(choice.permissions, "permissions as at the source"),
        Field::Settings => tick(choice.user_settings, "default schema and language of users"),
        Field::Owner => tick(choice.owner_to_dbo, "dbo owns everything"),
        Field::Missing => {
            let focused = dialog.field == Field::Missing;
            let one = |(n, (missing, word)): (usize, &(_, &str))| {
                let text = tick(choice.skip_missing.contains(missing), word);
                if focused && n == dialog.missing_at { format!("{less}{text}{more}") } else { format!(" {text} ") }
            };
            MISSING.iter().enumerate().map(one).collect::<Vec<_>>().join(" ").trim_start().to_owned()
        }
        _ => String::new(),
    }
}

/// Which tables, and how many there are.
fn tables(dialog: &Restore) -> String {
    let chosen = &dialog.choice.tables;
    let all = dialog.package.as_ref().map(|p| p.tables.len());
    match (chosen.len(), all, &dialog.phase) {
        (0, Some(all), _) => format!("all of them ({all})"),
        (0, None, Phase::Failed(_)) => "all of them; the package could not be read".into(),
        (0, None, _) => "all of them".into(),
        (n, Some(all), _) => format!("{n} of {all}: {}", chosen.join(", ")),
        (n, None, _) => format!("{n}: {}", chosen.join(", ")),
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
pub fn typed(canvas: &mut Canvas<'_>, input: &Input, focused: bool, x: u16, y: u16, width: u16) -> Position {
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

fn verdict(canvas: &Canvas<'_>, state: &State, dialog: &Restore) -> Piece {
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
