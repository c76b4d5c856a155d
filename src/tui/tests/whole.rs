//! The whole program: scripted keys in, a fake core behind, the screen watched.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::samples::*;
use super::screens::characters;
use crate::engine::command::{Command, JobSpec};
use crate::engine::event::{JobId, JobState, Step, Summary, What};
use crate::tui::app::{self, Screen};
use crate::tui::outside::Outside;
use crate::tui::state::State;
use crate::tui::view;

struct Watched {
    shown: watch::Sender<String>,
    frames: Arc<AtomicUsize>,
    broken: Arc<AtomicUsize>,
}

impl Screen for Watched {
    fn draw(&mut self, state: &State, now: Timestamp) -> io::Result<()> {
        if self.broken.load(Ordering::SeqCst) > 0 {
            return Err(io::Error::other("hung up"));
        }
        let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.0, state.size.1));
        view::draw(&mut buffer, state, now);
        self.frames.fetch_add(1, Ordering::SeqCst);
        self.shown.send_replace(characters(&buffer));
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Driven {
    core: Arc<Fake>,
    outside: mpsc::UnboundedSender<Outside>,
    shown: watch::Receiver<String>,
    frames: Arc<AtomicUsize>,
    broken: Arc<AtomicUsize>,
    program: JoinHandle<()>,
}

fn drive() -> Driven {
    let core = Arc::new(Fake::new());
    let (outside, receiver) = mpsc::unbounded_channel();
    let (sender, shown) = watch::channel(String::new());
    let frames = Arc::new(AtomicUsize::new(0));
    let broken = Arc::new(AtomicUsize::new(0));
    let mut screen = Watched { shown: sender, frames: frames.clone(), broken: broken.clone() };
    let state = State::new(options(UNICODE), (80, 24));
    let program = tokio::spawn({
        let core = core.clone();
        async move { app::run(core, state, receiver, &mut screen, now).await }
    });
    Driven { core, outside, shown, frames, broken, program }
}

impl Driven {
    fn press(&self, keys: &str) {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\u{1b}' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            self.outside.send(Outside::Terminal(TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE)))).unwrap();
        }
    }

    async fn see(&mut self, content: &str) {
        let wait = self.shown.wait_for(|s| s.contains(content));
        let seen = matches!(tokio::time::timeout(Duration::from_secs(20), wait).await, Ok(Ok(_)));
        if !seen {
            panic!("{content:?} was never shown; the screen:\n{}", *self.shown.borrow());
        }
    }

    async fn gone(self) {
        tokio::time::timeout(Duration::from_secs(20), self.program).await.expect("it does not end").unwrap();
    }

    fn ended(&self, job: u64, state: JobState) {
        let failure = (state == JobState::Failed).then(login_failed);
        self.core.tell(job, What::Ended { state, summary: Summary::default(), failure });
    }
}

#[tokio::test]
async fn an_operator_backs_up_restores_looks_and_quits() {
    let mut it = drive();
    it.see("bakery_20260130231500.bacpac").await;
    it.press("b");
    it.see("queued").await;
    it.core.tell(21, What::State { state: JobState::Running });
    it.core.tell(21, What::Step { step: Step::Data });
    it.core.tell(21, progress(50_000, Some(200_000), 7_000_000));
    it.see("25 %").await;
    it.see("50,000 of 200,000 rows").await;
    it.ended(21, JobState::Completed);
    it.see("completed").await;

    it.press("\tr");
    it.see("free on alpha").await;
    it.press("\n");
    it.see("restore shop_bakery_20260130").await;
    let restored = |c: &Command| matches!(c, Command::Submit(JobSpec::Restore { server, .. }) if server == "alpha");
    assert!(it.core.commands.lock().unwrap().iter().any(restored));
    it.ended(22, JobState::Failed);
    it.see("FAILED").await;

    it.press("\n");
    it.see("dbo.OrderLine").await;
    it.press("jjj\n");
    it.see("rye bread").await;
    it.press("\u{1b}\u{1b}");
    it.see("Backups of bakery").await;
    it.press("q");
    it.gone().await;
}

#[tokio::test]
async fn a_job_is_cancelled_and_quitting_waits_for_its_end() {
    let mut it = drive();
    it.see("bakery").await;
    it.press("b");
    it.see("queued").await;
    it.press("x");
    it.see("Cancel #21 backup bakery?").await;
    it.press("y");
    it.see("cancelling").await;
    it.press("q");
    it.see("not done yet").await;
    it.press("c");
    it.see("nothing is left to clean up: 1 job").await;
    assert!(!it.program.is_finished());
    it.ended(21, JobState::Cancelled);
    it.gone().await;
}

#[tokio::test]
async fn sigterm_cancels_the_jobs_and_ends_when_they_have() {
    let mut it = drive();
    it.see("bakery").await;
    it.press("b");
    it.see("queued").await;
    it.outside.send(Outside::Terminate).unwrap();
    it.see("cancelling").await;
    assert!(it.core.commands.lock().unwrap().contains(&Command::Cancel { job: JobId(21) }));
    it.ended(21, JobState::Cancelled);
    it.gone().await;
}

#[tokio::test]
async fn a_lost_terminal_lets_the_jobs_end_without_another_frame() {
    let mut it = drive();
    it.see("bakery").await;
    it.press("b");
    it.see("queued").await;
    it.broken.store(1, Ordering::SeqCst);
    it.outside.send(Outside::Lost).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let frames = it.frames.load(Ordering::SeqCst);
    it.core.tell(21, progress(1, None, 1));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!it.program.is_finished(), "the job has not ended");
    assert!(it.core.commands.lock().unwrap().iter().all(|c| !matches!(c, Command::Cancel { .. })));
    assert_eq!(it.frames.load(Ordering::SeqCst), frames);
    it.ended(21, JobState::Completed);
    it.gone().await;
}

#[tokio::test]
async fn a_terminal_that_refuses_a_frame_is_a_lost_one() {
    let mut it = drive();
    it.see("bakery").await;
    it.broken.store(1, Ordering::SeqCst);
    it.press("j");
    it.gone().await;
}

#[tokio::test]
async fn progress_draws_ten_frames_a_second_and_stillness_none() {
    let mut it = drive();
    it.see("bakery_20260130231500.bacpac").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let still = it.frames.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(it.frames.load(Ordering::SeqCst), still, "frames while nothing moved");
    it.press("b");
    it.see("queued").await;
    it.core.tell(21, What::Step { step: Step::Data });
    let before = it.frames.load(Ordering::SeqCst);
    for n in 0..200 {
        it.core.tell(21, progress(n * 100, Some(20_000), n * 1000));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    it.see("99 %").await;
    let drawn = it.frames.load(Ordering::SeqCst) - before;
    assert!((3..=40).contains(&drawn), "{drawn} frames for a second or two of progress");
    it.ended(21, JobState::Completed);
    it.see("completed").await;
    it.press("q");
    it.gone().await;
}

#[tokio::test]
async fn keys_held_down_do_not_queue_up_frames() {
    let mut it = drive();
    it.see("bakery_20260130231500.bacpac").await;
    let before = it.frames.load(Ordering::SeqCst);
    it.press(&"j".repeat(500));
    it.press("G?");
    it.see("Keys").await;
    let drawn = it.frames.load(Ordering::SeqCst) - before;
    assert!(drawn < 60, "{drawn} frames for 500 keys");
    it.press("\u{1b}q");
    it.gone().await;
}

/// The dashboard on the fake core in a real terminal, to be looked at and to have its terminal taken away:
/// `cargo test --lib a_person_looks -- --ignored --nocapture`. Jobs run for twenty seconds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a terminal and a person"]
async fn a_person_looks() {
    let core = Arc::new(Fake::new());
    tokio::spawn({
        let core = core.clone();
        async move {
            let mut seen = 0;
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let commands = core.commands.lock().unwrap().clone();
                let submitted = commands.iter().filter(|c| matches!(c, Command::Submit(_))).count();
                while seen < submitted {
                    seen += 1;
                    let (core, job) = (core.clone(), 20 + seen as u64);
                    tokio::spawn(async move {
                        core.tell_now(job, What::State { state: JobState::Running });
                        core.tell_now(job, What::Step { step: Step::Data });
                        for n in 0..200 {
                            core.tell_now(job, progress(n * 1000, Some(200_000), n * 140_000));
                            tokio::time::sleep(Duration::from_millis(100)).await;
                            let cancelled = Command::Cancel { job: JobId(job) };
                            if core.commands.lock().unwrap().contains(&cancelled) {
                                core.tell_now(job, What::State { state: JobState::CleaningUp });
                                tokio::time::sleep(Duration::from_secs(1)).await;
                                let ended = What::Ended {
                                    state: JobState::Cancelled,
                                    summary: Summary::default(),
                                    failure: None,
                                };
                                core.tell_now(job, ended);
                                return;
                            }
                        }
                        let summary = Summary { rows: 200_000, ..Summary::default() };
                        core.tell_now(job, What::Ended { state: JobState::Completed, summary, failure: None });
                    });
                }
            }
        }
    });
    let theme = crate::tui::Theme::detect(|name| std::env::var(name).ok());
    let hangup = match std::env::var("HANGUP").as_deref() {
        Ok("cancel") => crate::tui::Hangup::Cancel,
        _ => crate::tui::Hangup::Finish,
    };
    let options = crate::tui::Options { hangup, ..options(theme) };
    crate::tui::run(core, options).await.unwrap();
    println!("the dashboard ended");
}
