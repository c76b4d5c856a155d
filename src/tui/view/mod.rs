//! The views: they draw from the state and `now`, and nothing else. No I/O, no lock, no clock.

mod canvas;
mod details;
mod dialog;
mod jobs;
mod panes;
mod pick;
mod restore;
mod rows;
mod table;
mod texts;
mod words;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use canvas::{Canvas, Line, piece};

use super::keys;
use super::layout::{self, Areas, Shape};
use super::quantity;
use super::state::layer::Layer;
use super::state::{Health, Leaving, Loudness, Pane, State};
use super::text;
use super::theme::{Glyph, Tone};

pub use details::table_room;
pub use pick::pick_room;
pub use rows::rows_room;

/// Draws the whole screen; where the terminal's cursor belongs, if something is being typed.
pub fn draw(buffer: &mut Buffer, state: &State, now: Timestamp) -> Option<Position> {
    let size = (buffer.area().width, buffer.area().height);
    let areas = layout::areas(size);
    let mut canvas = Canvas::new(buffer, state.options.theme);
    if areas.shape == Shape::Tiny {
        tiny(&mut canvas, state);
        return None;
    }
    title(&mut canvas, state, areas.title);
    let mut cursor = None;
    // Of the layers, the topmost that fills the body hides what is below it; dialogs lie over it.
    let base = state.layers.iter().rposition(|l| !keys::is_dialog(l.context()));
    match base {
        None => {
            for pane in [Pane::Tenants, Pane::Backups, Pane::Jobs] {
                if let Some(area) = layout::pane(&areas, pane, state.focus) {
                    let typed = panes::pane(&mut canvas, state, pane, area, now);
                    cursor = cursor.or(typed);
                }
            }
        }
        Some(at) => match &state.layers[at] {
            Layer::Details(view) => cursor = details::details(&mut canvas, state, view, &areas, now),
            Layer::Rows(view) => rows::rows(&mut canvas, state, view, &areas),
            _ => texts::layer(&mut canvas, state, at, &areas, now),
        },
    }
    footer(&mut canvas, state, areas.footer);
    status(&mut canvas, state, &areas);
    for layer in state.layers.iter().skip(base.map_or(0, |b| b + 1)) {
        cursor = dialog::dialog(&mut canvas, state, layer, &areas, now);
    }
    cursor
}

/// Lines of the text that the layer scrolls through; 0 for other layers.
pub fn text_lines(state: &State, layer: usize, now: Timestamp) -> usize {
    match state.layers.get(layer) {
        Some(Layer::Job(_) | Layer::Record(_) | Layer::Messages { .. } | Layer::Help { .. } | Layer::Planned(_)) => {
            texts::lines(state, layer, layout::areas(state.size).body.width, now).1.len()
        }
        _ => 0,
    }
}

/// Rows for the text of a layer.
pub fn text_room(areas: &Areas) -> u16 {
    layout::room(areas.body)
}

/// How many tenants' newest backup is not there.
fn failed_tenants(state: &State) -> usize {
    let bad = |h| matches!(h, Health::Failed(_) | Health::Interrupted(_));
    state.tenants.list.iter().filter(|t| bad(state.health(t))).count()
}

fn title(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    let dot = format!(" {} ", canvas.theme.glyph(Glyph::Dot));
    let mut line: Line = vec![piece(Tone::Focus, " pacrat")];
    if let Some(banner) = &state.options.banner {
        line.push(piece(Tone::Accent, format!(" {banner}")));
    }
    line.push(piece(Tone::Plain, "  "));
    let failed = failed_tenants(state);
    if failed > 0 {
        let sign = canvas.theme.glyph(Glyph::Failed);
        line.push(piece(
            Tone::Alarm,
            format!(" {sign} the last backup of {} failed ", quantity::counted(failed as u64, "tenant")),
        ));
        line.push(piece(Tone::Dim, dot.clone()));
    }
    line.push(piece(Tone::Dim, quantity::counted(state.tenants.list.len() as u64, "tenant")));
    let active = state.active_jobs().count();
    if active > 0 {
        line.push(piece(Tone::Dim, dot));
        line.push(piece(Tone::Strong, format!("{} at work", quantity::counted(active as u64, "job"))));
    }
    canvas.line(area.x, area.y, area.width, &line);
}

fn footer(canvas: &mut Canvas<'_>, state: &State, area: Rect) {
    let mut x = area.x + 1;
    let unicode = canvas.theme.unicode;
    for binding in keys::footer(state.context()) {
        let Some(key) = binding.keys.first().map(|k| k.name(unicode)) else { continue };
        let width = text::width(&key) + 1 + text::width(binding.label);
        if x as usize + width > area.right() as usize {
            break;
        }
        x = canvas.text(x, area.y, area.right() - x, Tone::Key, &key);
        x = canvas.text(x + 1, area.y, area.right() - x, Tone::Plain, binding.label) + 2;
    }
}

fn status(canvas: &mut Canvas<'_>, state: &State, areas: &Areas) {
    let (tone, glyph, text) = match (&state.toast, state.leaving) {
        (Some(told), _) if told.loudness >= Loudness::Warning || state.leaving.is_none() => {
            let (tone, glyph) = words::loudness(told.loudness);
            (tone, glyph, told.text.clone())
        }
        (_, Some(leaving)) => {
            let jobs = quantity::counted(state.own_jobs().count() as u64, "job");
            let text = match leaving {
                Leaving::Cancelling => format!("quitting as soon as nothing is left to clean up: {jobs} (q: at once)"),
                Leaving::Waiting => format!("quitting when the work is done: {jobs} (q: cancel them)"),
            };
            (Tone::Warn, Glyph::Warning, text)
        }
        _ => return,
    };
    let area = areas.status;
    canvas.erase(area);
    let sign = canvas.theme.glyph(glyph);
    let tone_of_text = if tone == Tone::Alarm { Tone::Bad } else { tone };
    let x = canvas.text(area.x, area.y, 3, tone, &format!(" {sign} "));
    canvas.text(x + 1, area.y, area.right().saturating_sub(x + 1), tone_of_text, &text);
}

fn tiny(canvas: &mut Canvas<'_>, state: &State) {
    let area = canvas.area();
    let failed = failed_tenants(state);
    let active = state.active_jobs().count();
    let mut said = format!("pacrat: {} at work", quantity::counted(active as u64, "job"));
    if failed > 0 {
        said = format!("{} FAILED, {said}", quantity::counted(failed as u64, "tenant"));
    }
    let said = format!("{said}. Too small: needs 30x7");
    let tone = if failed > 0 { Tone::Bad } else { Tone::Plain };
    let lines = text::wrap(&said, area.width.into(), area.height.into(), canvas.theme.unicode);
    for (y, line) in (area.y..).zip(lines) {
        canvas.text(area.x, y, area.width, tone, &line);
    }
}
