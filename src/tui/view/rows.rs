//! Rows of a table of a package, as a grid: scrolled by columns, long cells cut visibly.

use ratatui::layout::Rect;

use crate::tui::layout::Areas;
use crate::tui::quantity;
use crate::tui::state::layer::{Rows, table_name};
use crate::tui::state::{Phase, State};
use crate::tui::text;
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, piece};
use super::panes::empty;

/// Columns of the terminal that a cell gets at most.
const WIDEST: usize = 40;
/// And at least, so that `NULL` fits.
const NARROWEST: usize = 4;

/// Rows on the screen at once: below the rule and the columns' names.
pub fn rows_room(areas: &Areas) -> u16 {
    areas.body.height.saturating_sub(2)
}

/// Whether the column's cells are numbers all.
fn numeric(view: &Rows, column: usize) -> bool {
    let mut some = false;
    let rows = view.page.iter().flat_map(|p| &p.rows);
    for cell in rows.filter_map(|r| r.get(column)?.as_deref()) {
        some = true;
        let number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        if cell.is_empty() || cell.len() > 64 || !cell.chars().all(number) {
            return false;
        }
    }
    some
}

/// Draws the layer.
pub fn rows(canvas: &mut Canvas<'_>, state: &State, view: &Rows, areas: &Areas) {
    let body = areas.body;
    let known = view.known();
    let columns = view.page.as_ref().map_or(&[][..], |p| &p.columns);
    let mut title = vec![piece(Tone::Focus, table_name(&view.table))];
    if known > 0 {
        title.push(piece(Tone::Dim, format!(" row {} of {}", quantity::count(view.row + 1), quantity::count(known))));
    }
    if columns.len() > 1 {
        title.push(piece(Tone::Dim, format!("  column {} of {}", view.column + 1, columns.len())));
    }
    if view.phase == Phase::Loading {
        title.push(piece(Tone::Warn, "  reading"));
    }
    canvas.rule(body, true, &title);
    if let Phase::Failed(_) = view.phase {
        empty(canvas, body, &view.phase, false, "");
        return;
    }
    let Some(page) = &view.page else { return };
    if page.rows.is_empty() {
        empty(canvas, body, &Phase::Ready, false, "the table has no rows");
    }
    let unicode = canvas.theme.unicode;
    let on_screen: Vec<u64> = (view.top..view.top + u64::from(rows_room(areas))).filter(|r| view.holds(*r)).collect();
    let cell = |row: u64, column: usize| -> Option<&Option<String>> {
        page.rows.get(usize::try_from(row - page.offset).ok()?)?.get(column)
    };
    let number = quantity::count(known).len() as u16;
    let mut x = body.x + 1 + number + 2;
    let mut shown = 0;
    for (column, name) in columns.iter().enumerate().skip(view.column) {
        if x + 1 >= body.right() {
            break;
        }
        let widest = |t: &str| text::width(&text::fit(t, WIDEST, unicode));
        let cells = on_screen.iter().filter_map(|r| cell(*r, column)?.as_deref()).map(widest).max();
        let width = cells.unwrap_or(0).max(widest(name)).clamp(NARROWEST, WIDEST) as u16;
        let room = (body.right() - x).min(width);
        let right = numeric(view, column) && room == width;
        if right {
            canvas.text_right(x, body.y + 1, room, Tone::Strong, name);
        } else {
            canvas.text(x, body.y + 1, room, Tone::Strong, name);
        }
        for row in &on_screen {
            let y = body.y + 2 + (row - view.top) as u16;
            match cell(*row, column) {
                Some(Some(text)) if right => canvas.text_right(x, y, room, Tone::Plain, text),
                Some(Some(text)) => {
                    canvas.text(x, y, room, Tone::Plain, text);
                }
                Some(None) if right => canvas.text_right(x, y, room, Tone::Dim, "NULL"),
                _ => {
                    canvas.text(x, y, room, Tone::Dim, "NULL");
                }
            }
        }
        x += width + 2;
        shown += 1;
    }
    if view.column > 0 {
        canvas.glyph(body.x, body.y + 1, Tone::Key, Glyph::MoreLeft);
    }
    if view.column + shown < columns.len() || x.saturating_sub(2) > body.right() {
        canvas.glyph(body.right() - 1, body.y + 1, Tone::Key, Glyph::MoreRight);
    }
    for row in on_screen {
        let y = body.y + 2 + (row - view.top) as u16;
        canvas.text_right(body.x + 1, y, number, Tone::Dim, &quantity::count(row + 1));
        if row == view.row {
            let focus = !crate::tui::keys::is_dialog(state.context());
            canvas.choose(Rect::new(body.x, y, body.width, 1), focus);
        }
    }
}
