//! The lists of the restore dialog: tables to be ticked, logins of users to be typed.

use ratatui::layout::{Position, Rect};

use crate::bacpac::script::table_text;
use crate::tui::layout::{self, Areas};
use crate::tui::quantity;
use crate::tui::state::layer::table_name;
use crate::tui::state::restore::{PickLogins, PickTables, Restore};
use crate::tui::state::{Phase, State};
use crate::tui::text;
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, piece};
use super::panes::empty;
use super::restore::typed;

/// The box: nearly all of the body, so that long lists and long names have room.
fn area(areas: &Areas) -> Rect {
    let width = if areas.body.width >= 110 { 100 } else { 76 };
    layout::dialog(areas, width, areas.body.height)
}

/// Lines of a list. Two of the box are its frame, two what is said below.
pub fn pick_room(areas: &Areas) -> u16 {
    let height = area(areas).height;
    height.saturating_sub(2 + below(height)).max(1)
}

fn below(height: u16) -> u16 {
    if height >= 10 { 2 } else { 0 }
}

/// The frame and what is said below; where the list goes.
fn begin(canvas: &mut Canvas<'_>, areas: &Areas, title: &str, said: &str) -> Rect {
    let area = area(areas);
    let inside = canvas.frame(area, &[piece(Tone::Focus, title)], Tone::Accent);
    let under = below(area.height).min(inside.height);
    let lines = text::wrap(said, inside.width.into(), under.into(), canvas.theme.unicode);
    for (y, line) in (inside.bottom() - under..inside.bottom()).zip(lines.iter().take(under.into())) {
        canvas.text(inside.x, y, inside.width, Tone::Dim, line);
    }
    Rect::new(inside.x, inside.y, inside.width, inside.height - under)
}

/// What stands where the list would be.
fn nothing(canvas: &mut Canvas<'_>, list: Rect, dialog: &Restore, filtered: bool, none: &str) {
    if dialog.phase == Phase::Loading {
        canvas.text(list.x, list.y, list.width, Tone::Dim, "reading the package");
        return;
    }
    // Its text begins a line lower: there is a title above elsewhere.
    let area = Rect::new(list.x.saturating_sub(2), list.y.saturating_sub(1), list.width + 2, list.height + 1);
    empty(canvas, area, &dialog.phase, filtered, none);
}

/// Draws the tables; where the cursor belongs.
pub fn tables(
    canvas: &mut Canvas<'_>,
    state: &State,
    dialog: &Restore,
    view: &PickTables,
    areas: &Areas,
) -> Option<Position> {
    let all = dialog.package.as_ref().map_or(0, |p| p.tables.len());
    let title = match view.ticked.len() {
        0 => "Tables: everything is restored".to_owned(),
        n => format!("Tables: {n} of {all}, and nothing else"),
    };
    let list =
        begin(canvas, areas, &title, "With a table come its keys, indexes and triggers. None ticked: everything.");
    let shown = dialog.shown_tables();
    if shown.is_empty() {
        nothing(canvas, list, dialog, !view.filter.is_empty(), "the package has no tables");
    }
    let numbers = if list.width >= 46 { 26 } else { 0 };
    for (n, (y, table)) in (list.y..list.bottom()).zip(shown.iter().skip(view.cursor.offset())).enumerate() {
        let ticked = view.ticked.contains(&table_text(&table.schema, &table.table));
        let text = format!("[{}] {}", if ticked { 'x' } else { ' ' }, table_name(table));
        let tone = if ticked { Tone::Strong } else { Tone::Plain };
        canvas.text(list.x, y, list.width - numbers, tone, &text);
        if numbers > 0 {
            let rows = table.rows.map_or_else(|| "?".to_owned(), |n| quantity::counted(n, "row"));
            let x = list.right() - numbers;
            canvas.text_right(x, y, 16, Tone::Plain, &rows);
            canvas.text_right(x + 17, y, 9, Tone::Dim, &quantity::bytes(table.bytes));
        }
        if n + view.cursor.offset() == view.cursor.index() {
            canvas.choose(Rect::new(list.x, y, list.width, 1), true);
        }
    }
    if state.filtering || !view.filter.is_empty() {
        // Over the frame's lower edge, where nothing of the list is hidden by it.
        let area = area(areas);
        let (x, y) = (area.x + 2, area.bottom().saturating_sub(1));
        let head = format!(" {} of {all} /", shown.len());
        let at = canvas.text(x, y, area.width.saturating_sub(4), Tone::Accent, &head);
        let width = area.right().saturating_sub(at + 2);
        let place = typed(canvas, &view.filter, state.filtering, at, y, width);
        return state.filtering.then_some(place);
    }
    None
}

/// Draws the users and their logins; where the cursor belongs.
pub fn logins(
    canvas: &mut Canvas<'_>,
    state: &State,
    dialog: &Restore,
    view: &PickLogins,
    areas: &Areas,
) -> Option<Position> {
    let server = state.servers.get(dialog.server).map_or("the server", |s| s.name.as_str());
    let known = dialog.known_logins();
    let said = match known {
        Some(_) => format!("Type a login of {server}, Tab completes it. Empty: the login of the file."),
        None => format!("Type a login of {server}. Empty: the login of the file."),
    };
    let list = begin(canvas, areas, "Logins of users", &said);
    if view.users.is_empty() {
        nothing(canvas, list, dialog, false, "the package has no users");
        return None;
    }
    let theme = canvas.theme;
    let widest = view.users.iter().map(|(user, ..)| text::width(&text::clean(user, theme.unicode))).max().unwrap_or(0);
    let name = (widest.clamp(4, usize::from(list.width / 3)) + 1) as u16;
    let arrow = theme.glyph(Glyph::Arrow);
    let sign = text::width(arrow) as u16 + 1;
    let verdict = if list.width >= 60 { 16 } else { 2 };
    let mut cursor = None;
    for (n, (y, (user, file, login))) in
        (list.y..list.bottom()).zip(view.users.iter().skip(view.cursor.offset())).enumerate()
    {
        let focused = n + view.cursor.offset() == view.cursor.index();
        canvas.text(list.x, y, name.saturating_sub(1), if focused { Tone::Focus } else { Tone::Plain }, user);
        canvas.text(list.x + name, y, sign, Tone::Dim, arrow);
        let x = list.x + name + sign;
        let width = list.right().saturating_sub(x + verdict + 1);
        let place = typed(canvas, login, focused, x, y, width);
        if focused {
            cursor = Some(place);
        }
        let wanted = match (login.text().trim(), file) {
            ("", Some(file)) => {
                let shown = format!("as in the file: {file}");
                canvas.text(x + u16::from(focused), y, width.saturating_sub(1), Tone::Dim, &shown);
                file.as_str()
            }
            ("", None) => {
                let shown = "as in the file: no login";
                canvas.text(x + u16::from(focused), y, list.right().saturating_sub(x + 1), Tone::Dim, shown);
                continue;
            }
            (text, _) => text,
        };
        let Some(known) = known else { continue };
        let seen = known.iter().any(|l| l.to_lowercase() == wanted.to_lowercase());
        let (tone, glyph, word) = match seen {
            true => (Tone::Good, Glyph::Ok, "is there"),
            false => (Tone::Warn, Glyph::Warning, "not seen there"),
        };
        let said = if verdict > 2 { format!("{} {word}", theme.glyph(glyph)) } else { theme.glyph(glyph).to_owned() };
        canvas.text(list.right() - verdict, y, verdict, tone, &said);
    }
    cursor
}
