//! Jobs as they run, on standard error: a line a job that is drawn again on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::output::clean;
use crate::engine::command::JobSpec;
use crate::engine::event::{Event, JobId, JobState, Progress, Severity, Step, What};
use crate::tui::quantity::{bytes, count, counted, duration, rate};
use crate::tui::text::fit;

/// How jobs are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Lines drawn again: a terminal.
    Bars,
    /// A line for each step, and for progress now and then.
    Lines,
    /// Nothing.
    Quiet,
}

impl Style {
    /// What standard error is good for.
    pub fn of_stderr(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb") {
            Self::Bars
        } else {
            Self::Lines
        }
    }
}

/// A plain line of progress at most so often.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// A line that a narrow terminal does not break.
const WIDTH: usize = 79;

struct Job {
    title: String,
    state: JobState,
    step: Option<Step>,
    step_began: Instant,
    progress: Progress,
    last_line: Instant,
}

/// The jobs that are shown.
pub struct Board {
    style: Style,
    jobs: BTreeMap<JobId, Job>,
    drawn: usize,
}

/// What a job is called.
pub fn title(spec: &JobSpec) -> String {
    match spec {
        JobSpec::Backup { tenant, .. } => tenant.clone(),
        JobSpec::Restore { database, server, .. } => format!("{database} on {server}"),
        JobSpec::Verify { source } => super::source::label(source),
    }
}

impl Board {
    /// Nothing is shown yet.
    pub fn new(style: Style) -> Self {
        Self { style, jobs: BTreeMap::new(), drawn: 0 }
    }

    /// A job is to be shown.
    pub fn add(&mut self, id: JobId, spec: &JobSpec) {
        let now = Instant::now();
        let job = Job {
            title: title(spec),
            state: JobState::Queued,
            step: None,
            step_began: now,
            progress: Progress::default(),
            last_line: now,
        };
        self.jobs.insert(id, job);
    }

    /// What a job is called.
    pub fn title(&self, id: JobId) -> String {
        self.jobs.get(&id).map_or_else(|| id.to_string(), |j| j.title.clone())
    }

    /// Something happened.
    pub fn take(&mut self, event: &Event) {
        let Some(job) = self.jobs.get_mut(&event.job) else { return };
        let title = job.title.clone();
        let line = match &event.what {
            What::State { state } => {
                job.state = *state;
                match state {
                    JobState::Cancelling => Some(format!("{title}: cancelling")),
                    JobState::CleaningUp => Some(format!("{title}: cleaning up")),
                    _ => None,
                }
            }
            What::Step { step } => {
                (job.step, job.step_began) = (Some(*step), Instant::now());
                job.progress = Progress::default();
                Some(format!("{title}: {}", step.label()))
            }
            What::Progress(progress) => {
                job.progress = progress.clone();
                let due = job.last_line.elapsed() >= LINE_EVERY;
                if due {
                    job.last_line = Instant::now();
                }
                due.then(|| bar(job, false))
            }
            What::Message { severity, text } => {
                // Quiet: the summary has the warnings.
                if self.style != Style::Quiet {
                    let mark = if *severity == Severity::Warning { "warning: " } else { "" };
                    self.above(&format!("{title}: {mark}{text}"));
                }
                None
            }
            What::Ended { .. } => {
                self.jobs.remove(&event.job);
                None
            }
            What::Queued { .. } => None,
        };
        match (self.style, line) {
            (Style::Lines, Some(line)) => write_stderr(&format!("{}\n", clean(&line))),
            (Style::Bars, _) => self.draw(),
            _ => {}
        }
    }

    /// A line that stays, above the bars.
    pub fn above(&mut self, line: &str) {
        self.erase();
        write_stderr(&format!("{}\n", clean(line)));
        if self.style == Style::Bars {
            self.draw();
        }
    }

    /// Take the bars away.
    pub fn erase(&mut self) {
        if self.drawn > 0 {
            write_stderr(&format!("\x1b[{}A\x1b[J", self.drawn));
            self.drawn = 0;
        }
    }

    fn draw(&mut self) {
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        let lines: Vec<String> = self.jobs.values().map(|j| fit(&bar(j, true), WIDTH, true)).collect();
        for line in &lines {
            text.push_str(&format!("\x1b[2K{line}\n"));
        }
        // Jobs that ended leave their lines.
        text.push_str("\x1b[J");
        self.drawn = lines.len();
        write_stderr(&text);
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.erase();
    }
}

fn write_stderr(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes());
    let _ = err.flush();
}

/// `acme: data [#####.....] 52 % 104,000 rows 12.3 MB/s 0:12 left 0:11 dbo.Orders`.
fn bar(job: &Job, graphic: bool) -> String {
    let p = &job.progress;
    let what = match (job.state, job.step) {
        (JobState::Cancelling, _) => "cancelling",
        (JobState::CleaningUp, _) => "cleaning up",
        (JobState::Queued, _) => "queued",
        (_, Some(step)) => step.label(),
        (_, None) => "starting",
    };
    let mut parts = vec![format!("{}: {what}", fit(&job.title, 24, true))];
    let elapsed = job.step_began.elapsed();
    if p.tables_total > 0 && !matches!(job.state, JobState::Cancelling | JobState::CleaningUp) {
        let part = fraction(p);
        if let Some(part) = part {
            if graphic {
                let full = (part * 10.0) as usize;
                parts.push(format!("[{}{}]", "#".repeat(full), ".".repeat(10 - full)));
            }
            parts.push(format!("{:.0} %", (part * 100.0).floor()));
        }
        parts.push(counted(p.rows, "row"));
        let seconds = elapsed.as_secs_f64().max(0.001);
        parts.extend(rate(p.bytes as f64 / seconds, p.rows as f64 / seconds));
        parts.push(duration(elapsed.as_secs() as i64));
        // An estimate after two seconds and two per cent: before, it says nothing.
        if let Some(part) = part.filter(|f| *f > 0.02 && *f < 1.0 && seconds > 2.0) {
            parts.push(format!("left {}", duration((seconds * (1.0 - part) / part) as i64)));
        }
        if let Some(table) = p.current.first() {
            parts.push(table.table.clone());
        }
    }
    parts.join(" ")
}

/// How much of the step is done, if that is known; below 1 until all of it is.
fn fraction(p: &Progress) -> Option<f64> {
    let (done, total) = match (p.bytes_total, p.rows_total) {
        (Some(total), _) if total > 0 => (p.bytes, total),
        (_, Some(total)) if total > 0 => (p.rows, total),
        _ => return None,
    };
    let part = (done as f64 / total as f64).clamp(0.0, 1.0);
    Some(if p.tables_done < p.tables_total { part.min(0.99) } else { part })
}

/// `200,000 rows, 12.3 MB`.
pub fn amount(rows: u64, size: u64) -> String {
    match rows {
        1 => format!("1 row, {}", bytes(size)),
        n => format!("{} rows, {}", count(n), bytes(size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_what_is_known_and_never_all_before_the_end() {
        let mut job = Job {
            title: "acme".into(),
            state: JobState::Running,
            step: Some(Step::Data),
            step_began: Instant::now(),
            progress: Progress {
                rows: 500,
                rows_total: Some(1000),
                bytes: 0,
                bytes_total: None,
                tables_done: 0,
                tables_total: 2,
                current: Vec::new(),
            },
            last_line: Instant::now(),
        };
        assert!(bar(&job, true).starts_with("acme: data [#####.....] 50 % 500 rows"), "{}", bar(&job, true));
        job.progress.rows = 1000;
        assert!(bar(&job, true).contains(" 99 % "), "{}", bar(&job, true));
        job.state = JobState::CleaningUp;
        assert_eq!(bar(&job, true), "acme: cleaning up");
        job.state = JobState::Running;
        job.progress.rows_total = None;
        assert!(!bar(&job, true).contains('%'));
    }
}
