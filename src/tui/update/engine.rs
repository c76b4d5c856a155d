//! What the engine tells.

use crate::engine::command::{Command, JobSpec};
use crate::engine::event::{Event, Failure, JobId, JobState, Severity, What};
use crate::engine::query::JobInfo;
use crate::tui::message::Effect;
use crate::tui::quantity;
use crate::tui::state::job::{Job, in_one_line};
use crate::tui::state::{Loudness, Phase, State};

use super::Update;

impl Update<'_> {
    pub(super) fn event(&mut self, event: Event) {
        let known = self.state.jobs.list.iter().position(|j| j.info.id == event.job);
        let at = match (known, &event.what) {
            (Some(at), _) => at,
            (None, What::Queued { spec }) => {
                self.state.jobs.list.push(Job::new(JobInfo {
                    id: event.job,
                    spec: spec.clone(),
                    state: JobState::Queued,
                    queued: event.at,
                    started: None,
                    ended: None,
                    summary: None,
                    failure: None,
                }));
                self.state.jobs.list.len() - 1
            }
            // A job from before this screen: what it is has to be asked.
            (None, _) => {
                if !self.effects.contains(&Effect::LoadJobs) {
                    self.effects.push(Effect::LoadJobs);
                }
                return;
            }
        };
        let Some(job) = self.state.jobs.list.get_mut(at) else { return };
        job.apply(&event);
        let title = job.title();
        match event.what {
            What::Progress(_) => return,
            What::Message { severity: Severity::Warning, text } => {
                self.tell(Loudness::Warning, format!("{} {title}: {text}", event.job));
            }
            What::Ended { .. } => self.ended(event.job),
            _ => {}
        }
        self.state.sort_jobs();
    }

    fn ended(&mut self, id: JobId) {
        let Some(job) = self.state.job(id) else { return };
        let title = format!("{id} {}", job.title());
        let (loudness, text) = match job.info.state {
            JobState::Completed => {
                let summary = job.info.summary.clone().unwrap_or_default();
                let remarks = match summary.remarks.len() {
                    0 => String::new(),
                    n => format!(", {}", quantity::counted(n as u64, "remark")),
                };
                let took = job.elapsed(self.now).map(|s| format!(" in {}", quantity::duration(s))).unwrap_or_default();
                (
                    Loudness::Good,
                    format!("{title}: completed{took}, {}{remarks}", quantity::counted(summary.rows, "row")),
                )
            }
            JobState::Failed => {
                let why = job.complaint().unwrap_or_else(|| "no reason told".into());
                (Loudness::Error, format!("{title} FAILED: {why}"))
            }
            JobState::Interrupted => (Loudness::Error, format!("{title} was interrupted")),
            _ => (Loudness::Info, format!("{title}: cancelled and cleaned up")),
        };
        self.tell(loudness, text);
        // A backup more, a verification better, a state changed.
        self.effects.push(Effect::LoadTenants);
        self.reload_backups();
    }

    pub(super) fn commanded(&mut self, command: &Command, result: Result<JobId, Failure>) {
        match (command, result) {
            (Command::Submit(spec), Ok(id)) => self.tell(Loudness::Info, format!("{id} {} is queued", title(spec))),
            (Command::Submit(spec), Err(failure)) => {
                self.tell(Loudness::Error, format!("{} was refused: {}", title(spec), in_one_line(&failure)));
            }
            (Command::Cancel { job }, Ok(_)) => {
                if self.state.job(*job).is_some_and(|j| !j.info.state.is_final()) {
                    self.tell(Loudness::Info, format!("{job} is being cancelled"));
                }
            }
            (Command::Cancel { job }, Err(failure)) => {
                // It may have ended meanwhile: then there is nothing to complain of.
                if self.state.job(*job).is_some_and(|j| !j.info.state.is_final()) {
                    self.tell(Loudness::Error, format!("{job} was not cancelled: {}", in_one_line(&failure)));
                }
            }
        }
    }

    /// Queues a backup of the tenant, unless one is queued or at work already.
    pub(super) fn back_up(&mut self, tenant: String) {
        match self.state.active_backup(&tenant) {
            Some(job) => {
                let id = job.info.id;
                self.tell(Loudness::Warning, format!("{id} is backing up {tenant} already"));
            }
            None => {
                self.submit(JobSpec::Backup { tenant, comment: None, trigger: crate::engine::command::Trigger::Manual })
            }
        }
    }

    pub(super) fn submit(&mut self, spec: JobSpec) {
        if self.state.leaving.is_some() {
            self.tell(Loudness::Warning, "pacrat is about to quit: no new jobs");
            return;
        }
        self.effects.push(Effect::Command(Command::Submit(spec)));
    }

    pub(super) fn reload_backups(&mut self) {
        let ticket = self.state.ticket();
        self.state.backups.ticket = ticket;
        match whose(self.state) {
            None if !self.state.backups.all => self.state.backups.phase = Phase::Ready,
            whose => self.effects.push(Effect::LoadBackups(ticket, whose)),
        }
    }
}

/// Whose backups the pane shows: `None` for all tenants'.
fn whose(state: &State) -> Option<String> {
    if state.backups.all { None } else { state.backups.of.clone() }
}

fn title(spec: &JobSpec) -> String {
    format!("{} {}", spec.kind(), crate::tui::state::job::subject(spec))
}
