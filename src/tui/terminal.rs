//! The real terminal: taken, drawn on, and given back on every way out.

use std::io::{self, IsTerminal, Stdout, Write};
use std::sync::{Mutex, Once};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use super::DashboardError;
use super::app::Screen;
use super::state::State;
use super::view;

/// What a panic said, kept until the terminal can show it.
static PANIC: Mutex<Option<String>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// A dashboard drawn into a pipe helps nobody.
pub fn check() -> Result<(), DashboardError> {
    if !io::stdout().is_terminal() {
        return Err(DashboardError::NoTerminal("standard output"));
    }
    if !io::stdin().is_terminal() {
        return Err(DashboardError::NoTerminal("standard input"));
    }
    Ok(())
}

/// Columns and rows; 80×24 where the terminal does not tell.
pub fn size() -> (u16, u16) {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => (width, height),
        _ => (80, 24),
    }
}

/// The terminal while the dashboard has it.
pub struct TerminalScreen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl TerminalScreen {
    /// Takes the terminal: raw mode, the other screen, pastes told as pastes.
    pub fn enter() -> io::Result<Self> {
        keep_panics();
        enable_raw_mode()?;
        if let Err(error) = execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste) {
            give_back();
            return Err(error);
        }
        match Terminal::new(CrosstermBackend::new(io::stdout())) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        give_back();
        // On the screen that the shell sees, not on the one that has just vanished.
        let said = PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(said) = said.filter(|_| std::thread::panicking()) {
            let _ = writeln!(io::stderr(), "pacrat: {said}");
        }
    }
}

impl Screen for TerminalScreen {
    fn draw(&mut self, state: &State, now: Timestamp) -> io::Result<()> {
        self.terminal.draw(|frame| {
            if let Some(cursor) = view::draw(frame.buffer_mut(), state, now) {
                frame.set_cursor_position(cursor);
            }
        })?;
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        // Not `clear`: it asks the terminal for its cursor, and the answer would have to come through the keys.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, kill_process};
            kill_process(getpid(), Signal::STOP)?;
        }
        self.resume()
    }

    fn resume(&mut self) -> io::Result<()> {
        // The shell has had the terminal: crossterm must not believe that raw mode is still on.
        disable_raw_mode()?;
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        self.forget()
    }
}

/// Gives the terminal back. A terminal that is gone is no reason to stop half-way.
fn give_back() {
    let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A panic's text would be drawn over the dashboard and vanish with it: it is kept and logged. The panic of a task goes
/// to the message log by itself, the dashboard's own is printed once the terminal is given back.
fn keep_panics() {
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            tracing::error!("{info}");
            *PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(info.to_string());
        }));
    });
}
