//! What is drawn, as snapshots: every state and dialog, at an ordinary, a large and tiny sizes, with and without
//! colour and UTF-8. And what must be true of every screen at every size.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::samples::*;
use crate::engine::event::{JobState, Summary, What};
use crate::tui::message::Message;
use crate::tui::state::layer::Layer;
use crate::tui::state::{Pane, State};
use crate::tui::theme::Theme;
use crate::tui::{text, view};

const ORDINARY: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);

fn frame(state: &State) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.0, state.size.1));
    view::draw(&mut buffer, state, now());
    buffer
}

/// The characters of a frame, one line a row, blanks at the end left out.
pub fn characters(buffer: &Buffer) -> String {
    let area = buffer.area();
    let mut out = String::new();
    for y in 0..area.height {
        let mut line = String::new();
        let mut covered = 0;
        for x in 0..area.width {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            covered = text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

pub fn drawn(state: &State) -> String {
    characters(&frame(state))
}

pub fn press(state: &mut State, keys: &str) {
    for key in keys.split(' ').filter(|k| !k.is_empty()) {
        let (code, modifiers) = match key {
            "enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "tab" => (KeyCode::Tab, KeyModifiers::NONE),
            "backtab" => (KeyCode::BackTab, KeyModifiers::SHIFT),
            "down" => (KeyCode::Down, KeyModifiers::NONE),
            "up" => (KeyCode::Up, KeyModifiers::NONE),
            "left" => (KeyCode::Left, KeyModifiers::NONE),
            "right" => (KeyCode::Right, KeyModifiers::NONE),
            "end" => (KeyCode::End, KeyModifiers::NONE),
            "home" => (KeyCode::Home, KeyModifiers::NONE),
            "pgdn" => (KeyCode::PageDown, KeyModifiers::NONE),
            "pgup" => (KeyCode::PageUp, KeyModifiers::NONE),
            "backspace" => (KeyCode::Backspace, KeyModifiers::NONE),
            "space" => (KeyCode::Char(' '), KeyModifiers::NONE),
            _ if key.starts_with("c-") => (KeyCode::Char(key.chars().last().unwrap()), KeyModifiers::CONTROL),
            _ => (KeyCode::Char(key.chars().next().unwrap()), KeyModifiers::NONE),
        };
        tell(state, [Message::Key(KeyEvent::new(code, modifiers))]);
    }
}

pub fn details_opened(state: &mut State) {
    press(state, "tab enter");
    let Some(Layer::Details(view)) = state.layers.last() else { panic!("no details") };
    let ticket = view.ticket;
    tell(state, [Message::Details(ticket, Box::new(Ok(details())))]);
}

pub fn rows_opened(state: &mut State) {
    details_opened(state);
    press(state, "down down down enter");
    answer_rows(state);
}

pub fn answer_rows(state: &mut State) {
    let Some(Layer::Rows(view)) = state.layers.last() else { panic!("no rows") };
    let ticket = view.ticket;
    tell(state, [Message::Rows(ticket, Ok(page(0, 200, 1234)))]);
}

macro_rules! snapshot {
    ($name:literal, $state:expr) => {
        insta::assert_snapshot!($name, drawn(&$state));
    };
}

#[test]
fn before_anything_is_known_and_with_nothing_configured() {
    let mut state = unread(UNICODE, ORDINARY);
    snapshot!("unread_80x24", state);
    tell(&mut state, [Message::Tenants(Ok(vec![])), Message::Jobs(Ok(vec![]))]);
    snapshot!("empty_80x24", state);
    let mut failed = unread(UNICODE, ORDINARY);
    tell(&mut failed, [Message::Tenants(Err(login_failed()))]);
    snapshot!("unreadable_80x24", failed);
}

#[test]
fn every_state_at_an_ordinary_and_a_large_size() {
    for (size, theme, name) in [
        (ORDINARY, UNICODE, "busy_80x24"),
        (LARGE, UNICODE, "busy_200x50"),
        (ORDINARY, ASCII, "busy_80x24_ascii"),
        (LARGE, ASCII, "busy_200x50_ascii"),
        ((100, 30), UNICODE, "busy_100x30"),
        ((132, 24), UNICODE, "busy_132x24"),
        ((40, 10), UNICODE, "busy_40x10"),
        ((64, 16), UNICODE, "busy_64x16"),
        ((20, 5), UNICODE, "busy_20x5"),
        ((20, 5), ASCII, "busy_20x5_ascii"),
    ] {
        let mut state = busy(theme, size);
        press(&mut state, "esc");
        insta::assert_snapshot!(name, drawn(&state));
    }
}

#[test]
fn quiet_with_the_other_panes_in_focus() {
    let mut state = quiet(UNICODE, ORDINARY);
    snapshot!("quiet_80x24", state);
    press(&mut state, "tab down");
    snapshot!("quiet_backups_80x24", state);
    let mut state = busy(UNICODE, ORDINARY);
    press(&mut state, "tab tab end");
    snapshot!("busy_jobs_end_80x24", state);
    let mut small = busy(UNICODE, (40, 10));
    press(&mut small, "tab tab");
    snapshot!("busy_jobs_40x10", small);
    press(&mut small, "backtab");
    snapshot!("busy_backups_40x10", small);
}

#[test]
fn a_failure_is_told_loudly() {
    let mut state = busy(UNICODE, ORDINARY);
    let ended = What::Ended { state: JobState::Failed, summary: Summary::default(), failure: Some(login_failed()) };
    tell(&mut state, [event(13, 0, ended)]);
    snapshot!("failed_80x24", state);
    let buffer = frame(&state);
    let row = (0..24).find(|y| characters(&buffer).lines().nth(*y as usize).unwrap().contains("bakery ")).unwrap();
    let cell = &buffer[(1, row)];
    assert_eq!(cell.fg, Color::Red);
    assert!(cell.modifier.contains(Modifier::REVERSED | Modifier::BOLD));
}

#[test]
fn filters() {
    let mut state = busy(UNICODE, ORDINARY);
    press(&mut state, "esc / b a k");
    snapshot!("filter_typing_80x24", state);
    press(&mut state, "enter");
    snapshot!("filter_80x24", state);
    press(&mut state, "/ q q");
    snapshot!("filter_nothing_80x24", state);
}

#[test]
fn dialogs() {
    let mut state = quiet(UNICODE, ORDINARY);
    press(&mut state, "tab r");
    snapshot!("restore_asking_80x24", state);
    let Some(Layer::Restore(dialog)) = state.layers.last() else { panic!("no dialog") };
    let ticket = dialog.ticket;
    tell(&mut state, [Message::Exists(ticket, Ok(false))]);
    snapshot!("restore_free_80x24", state);
    press(&mut state, "tab space");
    snapshot!("restore_keep_80x24", state);
    press(&mut state, "tab space tab right");
    snapshot!("restore_options_80x24", state);
    press(&mut state, "up space tab right tab c-u");
    snapshot!("restore_no_name_80x24", state);
    tell(&mut state, [Message::Paste("n".repeat(129))]);
    snapshot!("restore_too_long_80x24", state);
    press(&mut state, "backspace");
    let Some(Layer::Restore(dialog)) = state.layers.last() else { panic!("no dialog") };
    let ticket = dialog.ticket;
    tell(&mut state, [Message::Exists(ticket, Err(login_failed()))]);
    snapshot!("restore_unknown_80x24", state);
    for (size, theme, name) in [
        ((40, 10), UNICODE, "restore_40x10"),
        (ORDINARY, ASCII, "restore_80x24_ascii"),
        (LARGE, UNICODE, "restore_200x50"),
    ] {
        let mut state = quiet(theme, size);
        press(&mut state, "tab r");
        let Some(Layer::Restore(dialog)) = state.layers.last() else { panic!("no dialog") };
        let ticket = dialog.ticket;
        tell(&mut state, [Message::Exists(ticket, Ok(true))]);
        insta::assert_snapshot!(name, drawn(&state));
    }
}

#[test]
fn questions() {
    let mut state = busy(UNICODE, ORDINARY);
    press(&mut state, "esc x");
    snapshot!("cancel_80x24", state);
    press(&mut state, "esc q");
    snapshot!("quit_80x24", state);
    press(&mut state, "c");
    snapshot!("leaving_80x24", state);
    press(&mut state, "q");
    snapshot!("force_80x24", state);
    let mut small = busy(UNICODE, (40, 10));
    press(&mut small, "q");
    snapshot!("quit_40x10", small);
}

#[test]
fn details_rows_and_a_record() {
    for (size, theme, name) in [
        (ORDINARY, UNICODE, "80x24"),
        (LARGE, UNICODE, "200x50"),
        ((40, 10), UNICODE, "40x10"),
        (ORDINARY, ASCII, "80x24_ascii"),
    ] {
        let mut state = quiet(theme, size);
        press(&mut state, "tab enter");
        insta::assert_snapshot!(format!("details_reading_{name}"), drawn(&state));
        press(&mut state, "esc backtab");
        rows_opened(&mut state);
        insta::assert_snapshot!(format!("rows_{name}"), drawn(&state));
        press(&mut state, "right right right down down");
        insta::assert_snapshot!(format!("rows_right_{name}"), drawn(&state));
        press(&mut state, "enter");
        insta::assert_snapshot!(format!("record_{name}"), drawn(&state));
        press(&mut state, "esc esc");
        insta::assert_snapshot!(format!("details_{name}"), drawn(&state));
    }
}

#[test]
fn a_job_in_detail() {
    let mut state = busy(UNICODE, ORDINARY);
    press(&mut state, "esc tab tab enter");
    snapshot!("job_running_80x24", state);
    press(&mut state, "esc end up enter");
    snapshot!("job_failed_80x24", state);
    press(&mut state, "esc up up enter");
    snapshot!("job_completed_80x24", state);
    let mut large = busy(UNICODE, LARGE);
    press(&mut large, "esc tab tab enter");
    snapshot!("job_running_200x50", large);
}

#[test]
fn help_and_messages() {
    let mut state = busy(UNICODE, ORDINARY);
    press(&mut state, "?");
    snapshot!("help_80x24", state);
    press(&mut state, "end");
    snapshot!("help_end_80x24", state);
    let mut ascii = busy(ASCII, LARGE);
    press(&mut ascii, "?");
    snapshot!("help_200x50_ascii", ascii);
    let mut state = quiet(UNICODE, ORDINARY);
    press(&mut state, "b b R x m");
    snapshot!("messages_80x24", state);
}

/// Names that attack the terminal or the layout.
fn hostile(theme: Theme, size: (u16, u16)) -> State {
    let mut state = unread(theme, size);
    let names = [
        "\x1b]0;owned\x07\x1b[2J",
        "\u{202e}gnitteg\u{2066}",
        "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
        "👩\u{200d}👩\u{200d}👧 family 🇩🇪",
        "Z\u{351}\u{36b}\u{343}\u{36a}\u{302}\u{36b}\u{33d}\u{34f}\u{334}\u{319}algo",
        "new\nline\ttab\r\u{85}\u{2028}",
        "",
    ];
    let mut tenants = tenants();
    tenants.extend(tenants.clone());
    for (tenant, name) in tenants.iter_mut().zip(names) {
        tenant.name = name.into();
        tenant.server = name.into();
    }
    tell(&mut state, [Message::Tenants(Ok(tenants))]);
    let ticket = state.backups.ticket;
    let list = names.iter().map(|n| backup(n, 60, None, None)).collect();
    let mut jobs: Vec<_> =
        names.iter().enumerate().map(|(i, n)| job(i as u64, spec(n), JobState::Failed, 900)).collect();
    for (job, name) in jobs.iter_mut().zip(names) {
        job.failure.as_mut().unwrap().causes = vec![name.repeat(5)];
    }
    tell(&mut state, [Message::Backups(ticket, Ok(list)), Message::Jobs(Ok(jobs))]);
    state
}

#[test]
fn hostile_names_are_shown_and_command_nothing() {
    let mut state = hostile(UNICODE, ORDINARY);
    snapshot!("hostile_80x24", state);
    press(&mut state, "down down tab");
    snapshot!("hostile_ascii_80x24", hostile(ASCII, ORDINARY));
}

/// What must be true of every frame.
pub fn sound(state: &State, said: &str) {
    let buffer = frame(state);
    for y in 0..buffer.area().height {
        let mut x = 0;
        while x < buffer.area().width {
            let cell = &buffer[(x, y)];
            let symbol = cell.symbol();
            assert!(
                !symbol
                    .chars()
                    .any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}')),
                "{said}: {symbol:?} at {x},{y}"
            );
            if !state.options.theme.unicode {
                assert!(symbol.is_ascii(), "{said}: {symbol:?} at {x},{y}");
            }
            if !state.options.theme.colour {
                assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{said} at {x},{y}");
            }
            let width = text::width(symbol).max(1) as u16;
            assert!(x + width <= buffer.area().width, "{said}: {symbol:?} is cut at {x},{y}");
            x += width;
        }
    }
}

#[test]
fn every_screen_is_sound_at_every_size() {
    let sizes = [0, 1, 2, 3, 5, 7, 8, 10, 12, 16, 17, 22, 24, 31, 50];
    let widths = [0, 1, 2, 3, 10, 20, 29, 30, 40, 47, 63, 64, 80, 100, 119, 120, 132, 200];
    for theme in [UNICODE, ASCII] {
        for height in sizes {
            for width in widths {
                let said = format!("{width}x{height}");
                let mut state = busy(theme, ORDINARY);
                tell(&mut state, [Message::Resize(width, height)]);
                for keys in
                    ["", "tab", "tab", "?", "esc m", "esc enter", "esc x", "esc q", "esc / a", "esc esc backtab r"]
                {
                    press(&mut state, keys);
                    sound(&state, &said);
                }
                let mut state = quiet(theme, (width, height));
                rows_opened(&mut state);
                for keys in ["", "right right", "end", "enter", "esc esc"] {
                    press(&mut state, keys);
                    sound(&state, &said);
                }
                let mut state = hostile(theme, (width, height));
                for keys in ["", "down down", "tab", "tab enter", "esc r"] {
                    press(&mut state, keys);
                    sound(&state, &said);
                }
            }
        }
    }
}

#[test]
fn the_chosen_line_is_always_drawn() {
    let mut state = busy(UNICODE, ORDINARY);
    press(&mut state, "esc tab tab");
    assert_eq!(state.focus, Pane::Jobs);
    for _ in 0..12 {
        let id = state.chosen_job().unwrap().info.id.to_string();
        let shown = drawn(&state);
        assert!(shown.contains(&format!(" {id} ")), "{id} is not on the screen:\n{shown}");
        press(&mut state, "down");
    }
}
