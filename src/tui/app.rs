//! The loop: keys, signals, engine events, answers and time become messages; effects are started; the screen is drawn
//! when something changed, at most ten times a second unless a key was pressed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event as TerminalEvent;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::engine::query::Core;

use super::effects::Effects;
use super::message::{Effect, Message};
use super::outside::Outside;
use super::state::{Leaving, Loudness, State};
use super::update;

/// Between two frames for progress alone.
const FRAME: Duration = Duration::from_millis(100);
/// How long jobs may take to clean up after a signal before the process ends nevertheless.
const GRACE: Duration = Duration::from_secs(30);

/// Where frames go.
pub trait Screen {
    /// Draws the state.
    fn draw(&mut self, state: &State, now: Timestamp) -> io::Result<()>;
    /// Forgets what the terminal shows, so that the next frame is drawn whole.
    fn forget(&mut self) -> io::Result<()>;
    /// Gives the terminal back and stops the process; returns when it goes on.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal again after the process was stopped by somebody else.
    fn resume(&mut self) -> io::Result<()>;
}

/// When the next frame is due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Never,
    Soon,
    Now,
}

/// Runs until an effect says to quit.
pub async fn run(
    core: Arc<dyn Core>,
    mut state: State,
    mut outside: mpsc::UnboundedReceiver<Outside>,
    screen: &mut impl Screen,
    clock: impl Fn() -> Timestamp,
) {
    let mut events = core.events();
    let mut engine_alive = true;
    let (sender, mut answers) = mpsc::unbounded_channel();
    let mut effects = Effects::new(core, sender);
    let mut wanted = update::start(&mut state);
    let mut due = Due::Now;
    let mut drawn = Instant::now();
    let mut terminal = true;
    let mut deadline: Option<Instant> = None;
    loop {
        for effect in std::mem::take(&mut wanted) {
            match effect {
                Effect::Quit => return,
                Effect::Redraw => {
                    terminal &= screen.forget().is_ok();
                    due = Due::Now;
                }
                Effect::Suspend => {
                    terminal &= screen.suspend().is_ok();
                    due = Due::Now;
                }
                Effect::Trace(loudness, text) => trace(loudness, &text),
                other => effects.start(other),
            }
        }
        // What waits already is applied before the next frame: a key held down must not queue up frames.
        let settled = outside.is_empty() || drawn.elapsed() >= FRAME;
        if terminal && settled && (due == Due::Now || due == Due::Soon && drawn.elapsed() >= FRAME) {
            match screen.draw(&state, clock()) {
                Ok(()) => {
                    due = Due::Never;
                    drawn = Instant::now();
                }
                Err(error) => {
                    tracing::warn!(%error, "the terminal is lost");
                    terminal = false;
                    wanted = update::update(&mut state, Message::Hangup, clock());
                    continue;
                }
            }
        }
        let frame = (terminal && due == Due::Soon).then(|| drawn + FRAME);
        let tick = (terminal).then(|| state.next_change(clock())).flatten();
        let tick = tick.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let wake = [frame, tick, deadline].into_iter().flatten().min();

        let (message, haste) = tokio::select! {
            got = outside.recv() => match got {
                Some(Outside::Terminal(event)) => (terminal_message(event), Due::Now),
                Some(Outside::Resized(width, height)) => {
                    (Some(Message::Resize(width, height)), Due::Now)
                }
                Some(Outside::Terminate) => {
                    deadline.get_or_insert(Instant::now() + GRACE);
                    (Some(Message::Terminate), Due::Now)
                }
                Some(Outside::Lost) => {
                    terminal = false;
                    (Some(Message::Hangup), Due::Never)
                }
                Some(Outside::Stop) => {
                    terminal &= screen.suspend().is_ok();
                    (None, Due::Now)
                }
                Some(Outside::Continued) => {
                    terminal &= screen.resume().is_ok();
                    (None, Due::Now)
                }
                // Whoever listens outside is gone: so is the terminal.
                None => {
                    if state.leaving.is_none() {
                        terminal = false;
                        (Some(Message::Hangup), Due::Never)
                    } else {
                        tokio::time::sleep(FRAME).await;
                        (None, Due::Never)
                    }
                }
            },
            event = events.recv(), if engine_alive => match event {
                Some(event) => (Some(Message::Engine(event)), Due::Soon),
                None => {
                    engine_alive = false;
                    (Some(Message::EngineGone), Due::Soon)
                }
            },
            Some(answer) = answers.recv() => (Some(answer), Due::Soon),
            () = until(wake) => {
                if deadline.is_some_and(|d| d <= Instant::now()) {
                    tracing::error!("jobs did not end in time after the signal; the next start marks them interrupted");
                    return;
                }
                if frame.is_some_and(|f| f <= Instant::now()) { (None, Due::Now) } else { (Some(Message::Tick), Due::Now) }
            }
        };
        due = match (due, haste) {
            (Due::Now, _) | (_, Due::Now) => Due::Now,
            (Due::Soon, _) | (_, Due::Soon) => Due::Soon,
            _ => Due::Never,
        };
        if let Some(message) = message {
            wanted.extend(update::update(&mut state, message, clock()));
        }
        if !terminal && state.leaving == Some(Leaving::Cancelling) {
            deadline.get_or_insert(Instant::now() + GRACE);
        }
    }
}

fn terminal_message(event: TerminalEvent) -> Option<Message> {
    match event {
        TerminalEvent::Key(key) => Some(Message::Key(key)),
        TerminalEvent::Paste(text) => Some(Message::Paste(text)),
        TerminalEvent::Resize(width, height) => Some(Message::Resize(width, height)),
        TerminalEvent::FocusGained | TerminalEvent::FocusLost | TerminalEvent::Mouse(_) => None,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

fn trace(loudness: Loudness, text: &str) {
    match loudness {
        Loudness::Info | Loudness::Good => tracing::info!(target: "pacrat::shown", "{text}"),
        Loudness::Warning => tracing::warn!(target: "pacrat::shown", "{text}"),
        Loudness::Error => tracing::error!(target: "pacrat::shown", "{text}"),
    }
}
