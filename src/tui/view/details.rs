//! A package: what it and its manifest say, and its tables.

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use crate::store::manifest::Consistency;
use crate::tui::layout::{Areas, room};
use crate::tui::quantity::{self, Wording};
use crate::tui::state::State;
use crate::tui::state::layer::{Details, table_name};
use crate::tui::theme::{Glyph, Tone};

use super::canvas::{Canvas, Piece, piece};
use super::panes::Title;
use super::table::{Align, Column, cell};
use super::words;

/// Columns of the labels.
const LABEL: u16 = 12;

/// Lines of facts above the tables: at most half of the room.
fn fact_lines(areas: &Areas, facts: usize) -> u16 {
    let columns = if areas.body.width >= 140 { 2 } else { 1 };
    (facts.div_ceil(columns) as u16).min(areas.body.height.saturating_sub(2) / 2)
}

/// Facts that are always told, and those told if there are any.
fn fact_count(view: &Details) -> usize {
    let manifest = view.backup.manifest.as_ref();
    let details = view.details.as_ref();
    3 + usize::from(view.backup.problem.is_some())
        + usize::from(manifest.is_some()) * 2
        + usize::from(manifest.is_some_and(|m| m.comment.is_some()))
        + usize::from(manifest.is_some_and(|m| !m.not_carried.is_empty()))
        + usize::from(details.is_some()) * 3
}

/// Rows of the list of tables.
pub fn table_room(areas: &Areas, view: &Details) -> u16 {
    room(tables_area(areas, view))
}

fn tables_area(areas: &Areas, view: &Details) -> Rect {
    let body = areas.body;
    let above = (1 + fact_lines(areas, fact_count(view))).min(body.height);
    Rect::new(body.x, body.y + above, body.width, body.height.saturating_sub(above))
}

fn facts(canvas: &Canvas<'_>, state: &State, view: &Details, now: Timestamp) -> Vec<(&'static str, Piece)> {
    let backup = &view.backup;
    let dot = format!(" {} ", canvas.theme.glyph(Glyph::Dot));
    let mut facts = Vec::new();
    if let Some(problem) = &backup.problem {
        facts.push(("Manifest", piece(Tone::Bad, problem)));
    }
    let age = quantity::age(backup.taken, now, Wording::Long);
    facts.push(("Taken", piece(Tone::Plain, format!("{}{dot}{age}", words::moment(state, backup.taken)))));
    let checked = words::verification(canvas.theme, backup);
    let when = backup.verification.map(|v| format!("{dot}{}", quantity::age(v.at, now, Wording::Long)));
    facts.push(("Verified", piece(checked.0, format!("{}{}", checked.1, when.unwrap_or_default()))));
    let rows = backup.rows.map(|n| format!("{dot}{}", quantity::counted(n, "row"))).unwrap_or_default();
    facts.push((
        "Size",
        piece(Tone::Plain, format!("{}{rows}{dot}{}", quantity::bytes(backup.size), backup.backup.store)),
    ));
    if let Some(m) = &backup.manifest {
        if !m.not_carried.is_empty() {
            let what = format!("{}: {}", m.not_carried.len(), m.not_carried.join(", "));
            facts.push(("Not carried", piece(Tone::Warn, what)));
        }
        let from = format!("{}{dot}{}{dot}SQL Server {}", m.database, m.server, m.source_version);
        facts.push(("Database", piece(Tone::Plain, from)));
        let consistency = match m.consistency {
            Consistency::Snapshot => "one snapshot",
            Consistency::PerTable => "each table by itself",
            Consistency::Unknown => "consistency unknown",
        };
        let made = format!("{} by {}{dot}{consistency}", words::trigger(backup.trigger).1, m.who);
        facts.push(("Made", piece(Tone::Plain, made)));
        if let Some(comment) = &m.comment {
            facts.push(("Comment", piece(Tone::Strong, comment)));
        }
    }
    if let Some(d) = &view.details {
        let name = match &d.server_version {
            Some(version) => format!("{}{dot}{version}", d.name),
            None => d.name.clone(),
        };
        facts.push(("Package", piece(Tone::Plain, name)));
        let exported = d.exported.as_deref().map(|e| format!("{dot}{e}")).unwrap_or_default();
        facts.push(("Writer", piece(Tone::Plain, format!("{}{dot}{}{exported}", d.writer, d.platform))));
        let objects: Vec<String> = d.objects.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        facts.push(("Objects", piece(Tone::Plain, objects.join(", "))));
    }
    debug_assert_eq!(facts.len(), fact_count(view));
    facts
}

const COLUMNS: [Column; 5] = [
    Column::growing("", 24, 90, 0),
    Column::fixed("Rows", 13, Align::Right, 1),
    Column::fixed("Data", 9, Align::Right, 2),
    Column::fixed("Columns", 8, Align::Right, 3),
    Column::fixed("Parts", 6, Align::Right, 4),
];

/// Draws the layer.
pub fn details(
    canvas: &mut Canvas<'_>,
    state: &State,
    view: &Details,
    areas: &Areas,
    now: Timestamp,
) -> Option<Position> {
    let body = areas.body;
    canvas.rule(body, false, &[piece(Tone::Strong, &view.backup.backup.file)]);
    let facts = facts(canvas, state, view, now);
    let lines = fact_lines(areas, facts.len());
    let columns = if body.width >= 140 { 2 } else { 1 };
    let width = body.width / columns;
    for (n, (label, value)) in facts.iter().enumerate() {
        let (column, line) = (n as u16 / lines.max(1), n as u16 % lines.max(1));
        if column >= columns {
            break;
        }
        let (x, y) = (body.x + 1 + column * width, body.y + 1 + line);
        canvas.text(x, y, LABEL, Tone::Dim, label);
        canvas.text(x + LABEL, y, width.saturating_sub(LABEL + 2), value.0, &value.1);
    }
    let area = tables_area(areas, view);
    let list = view.shown();
    let all = view.details.as_ref().map_or(0, |d| d.tables.len());
    let focus = !crate::tui::keys::is_dialog(state.context()) || state.filtering;
    let (at, cursor) = Title {
        name: "Tables".into(),
        shown: list.len(),
        all,
        phase: &view.phase,
        filter: &view.filter,
        typing: state.filtering,
        focus,
    }
    .list(canvas, area, &COLUMNS, "the package has no tables");
    for (n, (y, table)) in (area.y + 1..area.bottom()).zip(list.iter().skip(view.cursor.offset())).enumerate() {
        let rows = match table.rows {
            Some(0) => piece(Tone::Dim, "0"),
            Some(rows) => piece(Tone::Plain, quantity::count(rows)),
            None => piece(Tone::Dim, "?"),
        };
        let cells = [
            piece(Tone::Plain, table_name(table)),
            rows,
            piece(Tone::Plain, quantity::bytes(table.bytes)),
            piece(Tone::Dim, table.columns.to_string()),
            piece(Tone::Dim, table.parts.to_string()),
        ];
        for (i, content) in cells.iter().enumerate() {
            cell(canvas, &COLUMNS[i], at[i], y, content);
        }
        if n + view.cursor.offset() == view.cursor.index() {
            canvas.choose(Rect::new(area.x, y, area.width, 1), focus);
        }
    }
    cursor
}
