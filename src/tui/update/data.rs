//! Answers to questions.

use crate::engine::event::{Event, Failure, JobId};
use crate::engine::query::{BackupInfo, JobInfo, PackageDetails, RowsPage, ServerInfo, TenantInfo};
use crate::tui::message::{Effect, Ticket};
use crate::tui::state::job::{Job, in_one_line};
use crate::tui::state::layer::Layer;
use crate::tui::state::{Loudness, Phase};

use super::Update;

impl Update<'_> {
    pub(super) fn tenants(&mut self, result: Result<Vec<TenantInfo>, Failure>) {
        match result {
            Ok(list) => {
                self.state.tenants.phase = Phase::Ready;
                if list.is_empty() && !self.state.backups.all {
                    self.state.backups.phase = Phase::Ready;
                }
                self.state.tenants.list = list;
            }
            Err(failure) => {
                self.tell(Loudness::Error, format!("the tenants could not be read: {}", in_one_line(&failure)));
                self.state.tenants.phase = Phase::Failed(failure);
                if self.state.tenants.list.is_empty() {
                    self.state.backups.phase = Phase::Ready;
                }
            }
        }
    }

    pub(super) fn servers(&mut self, result: Result<Vec<ServerInfo>, Failure>) {
        match result {
            Ok(list) => self.state.servers = list,
            Err(failure) => {
                self.tell(Loudness::Error, format!("the servers could not be read: {}", in_one_line(&failure)));
            }
        }
    }

    pub(super) fn backups(&mut self, ticket: Ticket, result: Result<Vec<BackupInfo>, Failure>) {
        if ticket != self.state.backups.ticket {
            return;
        }
        match result {
            Ok(mut list) => {
                list.sort_by(|a, b| b.taken.cmp(&a.taken).then_with(|| b.backup.file.cmp(&a.backup.file)));
                self.state.backups.list = list;
                self.state.backups.phase = Phase::Ready;
            }
            Err(failure) => {
                self.tell(Loudness::Error, format!("the backups could not be read: {}", in_one_line(&failure)));
                self.state.backups.phase = Phase::Failed(failure);
            }
        }
    }

    pub(super) fn jobs(&mut self, result: Result<Vec<JobInfo>, Failure>) {
        match result {
            Ok(infos) => {
                for info in infos {
                    match self.state.jobs.list.iter_mut().find(|j| j.info.id == info.id) {
                        Some(job) => job.merge(info),
                        None => self.state.jobs.list.push(Job::new(info)),
                    }
                }
                self.state.jobs.phase = Phase::Ready;
                self.state.looked.get_or_insert(self.now);
                self.state.sort_jobs();
            }
            Err(failure) => {
                self.tell(Loudness::Error, format!("the jobs could not be read: {}", in_one_line(&failure)));
                self.state.jobs.phase = Phase::Failed(failure);
            }
        }
    }

    pub(super) fn job_events(&mut self, id: JobId, result: Result<Vec<Event>, Failure>) {
        match (result, self.state.jobs.list.iter_mut().find(|j| j.info.id == id)) {
            (Ok(events), Some(job)) => job.replay(&events),
            (Err(failure), _) => {
                self.tell(
                    Loudness::Warning,
                    format!("the journal of {id} could not be read: {}", in_one_line(&failure)),
                );
            }
            (Ok(_), None) => {}
        }
    }

    /// What other processes do (a backup started by cron, another operator) is told by nobody: it is read again, now
    /// and then, and more often while it is known to go on.
    pub(super) fn look_again(&mut self) {
        let pause = self.state.look_again_after();
        if self.state.looked.is_some_and(|looked| self.now.as_second() - looked.as_second() < pause) {
            return;
        }
        self.state.looked = Some(self.now);
        self.effects.extend([Effect::LoadTenants, Effect::LoadJobs]);
        self.reload_backups();
    }

    pub(super) fn details(&mut self, ticket: Ticket, result: Result<PackageDetails, Failure>) {
        if self.state.dialog().is_some_and(|d| d.package_ticket == ticket) {
            self.package_read(ticket, result.clone());
        }
        for layer in &mut self.state.layers {
            if let Layer::Details(view) = layer
                && view.ticket == ticket
            {
                match result {
                    Ok(details) => {
                        view.details = Some(details);
                        view.phase = Phase::Ready;
                    }
                    Err(failure) => view.phase = Phase::Failed(failure),
                }
                return;
            }
        }
    }

    pub(super) fn rows(&mut self, ticket: Ticket, result: Result<RowsPage, Failure>) {
        for layer in &mut self.state.layers {
            if let Layer::Rows(view) = layer
                && view.ticket == ticket
            {
                match result {
                    Ok(page) => {
                        view.page = Some(page);
                        view.phase = Phase::Ready;
                        // The table may be shorter than its manifest says.
                        view.row = view.row.min(view.known().saturating_sub(1));
                    }
                    Err(failure) => view.phase = Phase::Failed(failure),
                }
                return;
            }
        }
    }

    /// The backups shown are those of the tenant under the cursor.
    pub(super) fn follow_tenant(&mut self) {
        self.settle_tenants();
        let chosen = self.state.chosen_tenant().map(|t| t.name.clone());
        if chosen != self.state.backups.of && !self.effects.contains(&Effect::Quit) {
            self.state.backups.of = chosen.clone();
            if !self.state.backups.all {
                self.state.backups.list.clear();
                self.state.backups.cursor = Default::default();
                self.state.backups.phase = if chosen.is_some() { Phase::Loading } else { Phase::Ready };
                if chosen.is_some() {
                    self.reload_backups();
                }
            }
        }
    }
}
