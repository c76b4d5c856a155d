//! A job on the screen: what was told of it, how fast it goes, when it may end.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::engine::command::JobSpec;
use crate::engine::event::{Event, Failure, JobState, Progress, Severity, Step, What};
use crate::engine::query::JobInfo;

use super::source_name;

/// Messages kept of one job.
const NOTES: usize = 200;
/// The rate is that of the last so many seconds.
const WINDOW_MS: i64 = 8_000;
/// No estimate before so much was seen of a step.
const PATIENCE_MS: i64 = 1_500;

/// A step and when it was at work.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSpan {
    /// Which.
    pub step: Step,
    /// From.
    pub began: Timestamp,
    /// Until; none while it is at work.
    pub ended: Option<Timestamp>,
}

/// A message of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// How loud.
    pub severity: Severity,
    /// The text.
    pub text: String,
}

/// How complete a job is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Completion {
    /// Nobody knows: no percentage is made up.
    Unknown,
    /// Part of the step, below 1: only the end is the end.
    Part(f64),
    /// Ended well.
    Whole,
}

/// A job as the screen knows it.
#[derive(Debug, Clone)]
pub struct Job {
    /// What the core tells.
    pub info: JobInfo,
    /// The steps so far; empty for jobs of the journal.
    pub steps: Vec<StepSpan>,
    /// The newest progress of the step.
    pub progress: Option<Progress>,
    /// Messages, oldest first.
    pub notes: Vec<Note>,
    /// It runs in this process: its events arrive.
    pub ours: bool,
    samples: VecDeque<(i64, u64, u64)>,
}

impl Job {
    /// As the core lists it.
    pub fn new(info: JobInfo) -> Self {
        Self { info, steps: Vec::new(), progress: None, notes: Vec::new(), ours: false, samples: VecDeque::new() }
    }

    /// Takes over what a listing says, unless the events have told more already.
    pub fn merge(&mut self, info: JobInfo) {
        if info.state.is_final() || !self.ours {
            if info.state.is_final() {
                self.close(info.ended.unwrap_or(info.queued));
            }
            self.info = info;
        }
    }

    fn close(&mut self, at: Timestamp) {
        if let Some(span) = self.steps.last_mut() {
            span.ended.get_or_insert(at);
        }
    }

    /// Something happened to it.
    pub fn apply(&mut self, event: &Event) {
        if self.info.state.is_final() {
            return;
        }
        self.ours = true;
        match &event.what {
            What::Queued { .. } => {}
            What::State { state } => {
                self.info.state = *state;
                if *state == JobState::Running {
                    self.info.started.get_or_insert(event.at);
                }
            }
            What::Step { step } => {
                self.close(event.at);
                self.steps.push(StepSpan { step: *step, began: event.at, ended: None });
                self.info.started.get_or_insert(event.at);
                if self.info.state == JobState::Queued {
                    self.info.state = JobState::Running;
                }
                self.progress = None;
                self.samples.clear();
            }
            What::Progress(progress) => {
                let at = event.at.as_millisecond();
                // Counters that go back mean that something new is counted.
                if self.samples.back().is_some_and(|s| s.1 > progress.bytes || s.2 > progress.rows) {
                    self.samples.clear();
                }
                self.samples.push_back((at, progress.bytes, progress.rows));
                // The newest sample before the window stays: the window begins there.
                while self.samples.len() > 2 && self.samples[1].0 < at - WINDOW_MS {
                    self.samples.pop_front();
                }
                self.progress = Some(progress.clone());
            }
            What::Message { severity, text } => {
                if self.notes.len() == NOTES {
                    self.notes.remove(0);
                }
                self.notes.push(Note { at: event.at, severity: *severity, text: text.clone() });
            }
            What::Ended { state, summary, failure } => {
                self.close(event.at);
                self.info.state = *state;
                self.info.ended = Some(event.at);
                self.info.summary = Some(summary.clone());
                self.info.failure = failure.clone();
                self.samples.clear();
            }
        }
    }

    /// Steps and messages as the journal has them, for a job that this screen did not see.
    pub fn replay(&mut self, events: &[Event]) {
        if !self.steps.is_empty() {
            return;
        }
        let mut seen = Self::new(JobInfo { state: JobState::Queued, ..self.info.clone() });
        events.iter().for_each(|event| seen.apply(event));
        if let Some(ended) = self.info.ended {
            seen.close(ended);
        }
        self.steps = seen.steps;
        self.notes = seen.notes;
    }

    /// The step at work, or the last one.
    pub fn step(&self) -> Option<Step> {
        self.steps.last().map(|s| s.step)
    }

    /// The progress, in steps that move or check rows. A step after them may still be told the last of their counts.
    pub fn counted(&self) -> Option<&Progress> {
        let counts = !matches!(
            self.step(),
            Some(Step::Connecting | Step::ReadingSchema | Step::Writing | Step::Creating | Step::Indexing)
                | Some(Step::Constraints | Step::Modules)
        );
        self.progress.as_ref().filter(|_| counts)
    }

    /// Rows, then bytes, then nothing: a total that the source did not tell is not guessed.
    pub fn completion(&self) -> Completion {
        if self.info.state == JobState::Completed {
            return Completion::Whole;
        }
        let Some(p) = self.counted().filter(|_| !self.info.state.is_final()) else {
            return Completion::Unknown;
        };
        let part = match (p.rows_total, p.bytes_total) {
            (Some(total), _) if total > 0 => p.rows as f64 / total as f64,
            (_, Some(total)) if total > 0 => p.bytes as f64 / total as f64,
            _ => return Completion::Unknown,
        };
        // A total may be an estimate, and after the last row there is still the end of the archive and its proof.
        Completion::Part(part.clamp(0.0, 0.99))
    }

    /// Bytes and rows a second, over the last seconds. A job that stands still slows down on the screen too.
    pub fn pace(&self, now: Timestamp) -> Option<(f64, f64)> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let now = now.as_millisecond();
        let end = if now - last.0 > 2_000 { now } else { last.0 };
        let seconds = (end - first.0) as f64 / 1000.0;
        if seconds < 0.2 || self.samples.len() < 2 {
            return None;
        }
        Some(((last.1 - first.1) as f64 / seconds, (last.2 - first.2) as f64 / seconds))
    }

    /// Seconds that the step may still take; none when the total or the rate is not known.
    pub fn estimate(&self, now: Timestamp) -> Option<i64> {
        if self.info.state != JobState::Running {
            return None;
        }
        let p = self.counted()?;
        let began = self.steps.last()?.began;
        if now.as_millisecond() - began.as_millisecond() < PATIENCE_MS {
            return None;
        }
        let (bytes, rows) = self.pace(now)?;
        let (left, pace) = match (p.rows_total, p.bytes_total) {
            (Some(total), _) if total > 0 => (total.checked_sub(p.rows)?, rows),
            (_, Some(total)) if total > 0 => (total.checked_sub(p.bytes)?, bytes),
            _ => return None,
        };
        (pace > 0.0).then(|| (left as f64 / pace).ceil().min(1e9) as i64)
    }

    /// Seconds at work so far or in all.
    pub fn elapsed(&self, now: Timestamp) -> Option<i64> {
        let started = self.info.started?;
        Some(self.info.ended.unwrap_or(now).as_second() - started.as_second())
    }

    /// `backup bakery`, `restore shop_bakery_20260131_restore`, `verify FILE`.
    pub fn title(&self) -> String {
        format!("{} {}", self.info.spec.kind(), subject(&self.info.spec))
    }

    /// Lines that the job takes in the list: one at work or failed has something more to say.
    pub fn lines(&self) -> u16 {
        match self.info.state {
            JobState::Running | JobState::Cancelling | JobState::CleaningUp => 2,
            JobState::Failed | JobState::Interrupted if self.complaint().is_some() => 2,
            _ => 1,
        }
    }

    /// Why it failed, in a line beside the job's title: what failed is said by that, the room is for the causes.
    pub fn complaint(&self) -> Option<String> {
        match (&self.info.failure, self.info.state) {
            (Some(failure), _) if failure.causes.is_empty() => Some(failure.message.clone()),
            (Some(failure), _) => Some(failure.causes.join(": ")),
            (None, JobState::Interrupted) => Some("pacrat ended while the job ran".into()),
            _ => None,
        }
    }
}

/// Whom or what a job is about.
pub fn subject(spec: &JobSpec) -> &str {
    match spec {
        JobSpec::Backup { tenant, .. } => tenant,
        JobSpec::Restore { database, .. } => database,
        JobSpec::Verify { source } => source_name(source),
    }
}

/// A failure in one line: what happened and the innermost cause.
pub fn in_one_line(failure: &Failure) -> String {
    match failure.causes.last() {
        Some(cause) => format!("{}: {cause}", failure.message),
        None => failure.message.clone(),
    }
}

/// The state as a word.
pub fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Cancelling => "cancelling",
        JobState::CleaningUp => "cleaning up",
        JobState::Completed => "completed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Interrupted => "interrupted",
    }
}
