//! Jobs from the command line: started, followed to their end, cancelled by Ctrl-C.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::exit;
use super::output::{self, Outcome};
use super::progress::{Board, Style, amount};
use super::session::Session;
use crate::engine::command::{Command, JobSpec};
use crate::engine::event::{Event, Failure, JobId, JobState, Summary, What};
use crate::engine::job::Work;
use crate::engine::query::Core;
use crate::engine::scheduler;
use crate::engine::service::Service;
use crate::store::Fate;
use crate::tui::quantity::{bytes, duration};

/// Queue these jobs and follow them. The worst end gives the code.
pub async fn run_jobs(session: &Session, service: Service, specs: Vec<JobSpec>) -> Outcome {
    tell_recovered(session, &service).await?;
    let mut watch = Watch::new(session);
    let mut events = service.events();
    let mut open = BTreeSet::new();
    for spec in specs {
        let id = service.command(Command::Submit(spec.clone())).await?;
        watch.board.add(id, &spec);
        open.insert(id);
    }
    let mut interrupts = Interrupts::listen();
    while !open.is_empty() {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    if open.contains(&event.job) && watch.take(&event) {
                        open.remove(&event.job);
                    }
                }
                None => return Err(Failure::new("the engine has stopped").hint("its log says why").into()),
            },
            () = interrupts.next() => {
                watch.interrupted();
                for job in &open {
                    // One that has just ended is none to cancel.
                    let _ = service.command(Command::Cancel { job: *job }).await;
                }
            }
        }
    }
    watch.outcome()
}

/// Run one job without queue and journal, and follow it.
pub async fn run_alone(session: &Session, spec: JobSpec, work: Arc<dyn Work>) -> Outcome {
    let mut watch = Watch::new(session);
    let id = JobId(0);
    watch.board.add(id, &spec);
    let cancel = CancellationToken::new();
    let (sender, mut events) = mpsc::unbounded_channel();
    let tell = Arc::new(move |what| {
        let _ = sender.send(Event { at: Timestamp::now(), job: id, what });
    });
    tell(What::State { state: JobState::Running });
    tokio::spawn(scheduler::run(id, spec, cancel.clone(), work, tell));
    let mut interrupts = Interrupts::listen();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    if watch.take(&event) {
                        return watch.outcome();
                    }
                }
                None => return watch.outcome(),
            },
            () = interrupts.next() => {
                watch.interrupted();
                cancel.cancel();
            }
        }
    }
}

/// What a start finds of processes that died is told, whatever the command is.
async fn tell_recovered(session: &Session, service: &Service) -> Result<(), Failure> {
    let recovered = service.recover().await?;
    if session.common.json || session.common.quiet {
        return Ok(());
    }
    for job in recovered.jobs {
        if let Some(failure) = job.failure {
            let hint = failure.hint.map(|h| format!("; {h}")).unwrap_or_default();
            output::tell(&format!("job {} was interrupted: {}{hint}", job.id, failure.message));
        }
    }
    for (store, failure) in recovered.away {
        output::tell(&format!("warning: store {store}: {}", failure.lines().join(": ")));
    }
    for (store, left) in recovered.files {
        let fate = match left.fate {
            Fate::InUse => continue,
            Fate::Removed => "its job is dead; removed".to_owned(),
            Fate::ManifestPlaced => "its backup is complete; put in its place".to_owned(),
            Fate::Kept(why) => format!("left alone: {why}"),
        };
        output::tell(&format!("store {store}: found {} ({}): {fate}", left.file, bytes(left.size)));
    }
    Ok(())
}

struct Watch {
    json: bool,
    quiet: bool,
    board: Board,
    code: u8,
    /// Why nothing more is written. Jobs go on all the same: whoever looked on does not decide what becomes of them.
    unwritable: Option<std::io::Error>,
    started: std::collections::HashMap<JobId, Timestamp>,
}

impl Watch {
    fn new(session: &Session) -> Self {
        let (json, quiet) = (session.common.json, session.common.quiet);
        let style = Style::of_stderr(quiet || json);
        Self { json, quiet, board: Board::new(style), code: exit::OK, unwritable: None, started: Default::default() }
    }

    fn interrupted(&mut self) {
        if !self.quiet && !self.json {
            self.board.above("cancelling and cleaning up; Ctrl-C again quits at once and may leave something behind");
        }
    }

    /// How the jobs ended; that they could not be told of is an error of its own, unless the reader went away.
    fn outcome(self) -> Outcome {
        match self.unwritable.filter(|e| e.kind() != std::io::ErrorKind::BrokenPipe) {
            Some(error) if self.code == exit::OK => Err(error.into()),
            _ => Ok(self.code),
        }
    }

    fn write(&mut self, write: impl FnOnce() -> std::io::Result<()>) {
        if self.unwritable.is_none() {
            self.unwritable = write().err();
        }
    }

    /// Show an event; true at the job's end.
    fn take(&mut self, event: &Event) -> bool {
        if let What::State { state: JobState::Running } = event.what {
            self.started.insert(event.job, event.at);
        }
        if self.json {
            self.write(|| output::json_line(event));
        }
        let title = self.board.title(event.job);
        if !self.json {
            self.board.take(event);
        }
        let What::Ended { state, summary, failure } = &event.what else { return false };
        let code = match (state, failure) {
            (JobState::Completed, _) => exit::OK,
            (JobState::Cancelled, _) => exit::INTERRUPTED,
            (_, Some(failure)) => exit::code(failure),
            (_, None) => exit::FAILED,
        };
        self.code = self.code.max(code);
        if self.json {
            return true;
        }
        self.board.erase();
        let took = self.started.get(&event.job).map_or(0.0, |s| event.at.duration_since(*s).as_secs_f64());
        match (state, failure) {
            (JobState::Completed, _) => {
                let mut text = output::clean(&completed(&title, summary, took)) + "\n";
                // Told as they came, unless nothing was.
                for remark in summary.remarks.iter().filter(|_| self.quiet) {
                    text.push_str(&format!("  {}\n", output::clean(remark)));
                }
                self.write(|| {
                    use std::io::Write;
                    let mut out = output::stdout();
                    out.write_all(text.as_bytes())?;
                    out.flush()
                });
            }
            // What could not be cleaned up, or was to stay, was told.
            (JobState::Cancelled, _) if summary.remarks.iter().any(|r| r.starts_with("database ")) => {
                output::tell(&format!("{title}: cancelled; look at the warnings for what is left"));
            }
            (JobState::Cancelled, _) => output::tell(&format!("{title}: cancelled, nothing is left behind")),
            (_, Some(failure)) => output::failure(&failure.clone(), false),
            (_, None) => output::tell(&format!("{title}: failed")),
        }
        true
    }
}

fn completed(title: &str, s: &Summary, took: f64) -> String {
    let moved = amount(s.rows, s.bytes);
    let mut line = match (&s.database, &s.file) {
        (Some(database), _) => format!("{title}: restored {moved} into {database}"),
        (None, Some(file)) if file.ends_with(title) => format!("{title}: good, {moved}"),
        (None, Some(file)) => {
            let size = s.file_size.map(|n| format!(" ({})", bytes(n))).unwrap_or_default();
            format!("{title}: backed up {moved} into {file}{size}")
        }
        (None, None) => format!("{title}: good, {moved}"),
    };
    line.push_str(&match took {
        ..60.0 => format!(" in {took:.1} s"),
        _ => format!(" in {}", duration(took as i64)),
    });
    line
}

/// Ctrl-C and the request to end. The second one quits at once.
struct Interrupts {
    receiver: mpsc::UnboundedReceiver<()>,
}

impl Interrupts {
    fn listen() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut seen = 0;
            loop {
                interrupt().await;
                seen += 1;
                if seen > 1 {
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
                let _ = sender.send(());
            }
        });
        Self { receiver }
    }

    async fn next(&mut self) {
        if self.receiver.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn interrupt() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn interrupt() {
    let _ = tokio::signal::ctrl_c().await;
}

/// Returns at the first Ctrl-C or request to end.
pub async fn until_interrupted() {
    interrupt().await;
}
