//! States, levels and triggers as glyph, word and tone: the same everywhere on the screen.

use jiff::Timestamp;

use crate::engine::event::JobState;
use crate::engine::query::BackupInfo;
use crate::store::manifest::{Level, Trigger};
use crate::tui::state::{Health, Loudness, State};
use crate::tui::theme::{Glyph, Theme, Tone};

use super::canvas::{Piece, piece};

/// A job's state.
pub fn state(theme: Theme, state: JobState) -> Piece {
    let (tone, glyph) = match state {
        JobState::Queued => (Tone::Dim, Glyph::Queued),
        JobState::Running => (Tone::Accent, Glyph::Running),
        JobState::Cancelling => (Tone::Warn, Glyph::Stopped),
        JobState::CleaningUp => (Tone::Warn, Glyph::Cleaning),
        JobState::Completed => (Tone::Good, Glyph::Ok),
        JobState::Failed => (Tone::Bad, Glyph::Failed),
        JobState::Cancelled => (Tone::Warn, Glyph::Stopped),
        JobState::Interrupted => (Tone::Bad, Glyph::Warning),
    };
    piece(tone, format!("{} {}", theme.glyph(glyph), crate::tui::state::job::word(state)))
}

/// How a tenant's backups stand.
pub fn health(theme: Theme, health: Health) -> Piece {
    let (tone, glyph, word) = match health {
        Health::Good => (Tone::Good, Glyph::Ok, "good"),
        Health::Unchecked => (Tone::Warn, Glyph::Warning, "not checked"),
        Health::Problem => (Tone::Bad, Glyph::Warning, "manifest?"),
        Health::Unread => (Tone::Alarm, Glyph::Warning, "no store"),
        Health::Never => (Tone::Warn, Glyph::Never, "never"),
        Health::Failed(_) => (Tone::Alarm, Glyph::Failed, "failed"),
        Health::Interrupted(_) => (Tone::Alarm, Glyph::Warning, "interrupted"),
    };
    let text = format!("{} {word}", theme.glyph(glyph));
    // The alarm's bar has the same width whatever the word.
    piece(tone, if tone == Tone::Alarm { format!("{text:<13}") } else { text })
}

/// Automatic, Manual, or made elsewhere.
pub fn trigger(trigger: Option<Trigger>) -> Piece {
    match trigger {
        Some(Trigger::Automatic) => piece(Tone::Plain, "Automatic"),
        Some(Trigger::Manual) => piece(Tone::Accent, "Manual"),
        None => piece(Tone::Dim, "by hand"),
    }
}

/// How far a backup is proven.
pub fn verification(theme: Theme, backup: &BackupInfo) -> Piece {
    if backup.problem.is_some() {
        return piece(Tone::Bad, format!("{} manifest?", theme.glyph(Glyph::Warning)));
    }
    let ok = theme.glyph(Glyph::Ok);
    match backup.verification.map(|v| v.level) {
        None => piece(Tone::Warn, "not checked"),
        Some(Level::Archive) => piece(Tone::Plain, format!("{ok} archive")),
        Some(Level::Rows) => piece(Tone::Good, format!("{ok} rows")),
        Some(Level::Restored) => piece(Tone::Good, format!("{ok} restored")),
    }
}

/// How loud something told is.
pub fn loudness(loudness: Loudness) -> (Tone, Glyph) {
    match loudness {
        Loudness::Info => (Tone::Plain, Glyph::Dot),
        Loudness::Good => (Tone::Good, Glyph::Ok),
        Loudness::Warning => (Tone::Warn, Glyph::Warning),
        Loudness::Error => (Tone::Alarm, Glyph::Failed),
    }
}

/// A moment in the operator's time zone, with its offset: nights have an hour twice in autumn.
pub fn moment(state: &State, at: Timestamp) -> String {
    at.to_zoned(state.options.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// A time of the day in the operator's time zone.
pub fn time(state: &State, at: Timestamp) -> String {
    at.to_zoned(state.options.zone.clone()).strftime("%H:%M:%S").to_string()
}
