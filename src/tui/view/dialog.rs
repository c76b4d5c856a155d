//! The dialogs, drawn over what is below them.

use jiff::Timestamp;
use ratatui::layout::Position;

use crate::engine::command::JobSpec;
use crate::engine::event::JobId;
use crate::tui::layout::{self, Areas};
use crate::tui::quantity;
use crate::tui::state::State;
use crate::tui::state::layer::Layer;
use crate::tui::text;
use crate::tui::theme::Tone;

use super::canvas::{Canvas, Line, piece};
use super::restore;

/// Draws a dialog; where the cursor belongs.
pub fn dialog(
    canvas: &mut Canvas<'_>,
    state: &State,
    layer: &Layer,
    areas: &Areas,
    now: Timestamp,
) -> Option<Position> {
    match layer {
        Layer::Restore(dialog) => return restore::restore(canvas, state, dialog, areas, now),
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
