//! Keys: the table says which action, here is what the action does.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::engine::command::{JobSpec, PackageSource};
use crate::engine::query::BackupInfo;
use crate::tui::keys::{self, Action, Context};
use crate::tui::message::Effect;
use crate::tui::state::cursor::Cursor;
use crate::tui::state::input::Input;
use crate::tui::state::layer::{Details, JobView, Layer, Record, Rows, table_name};
use crate::tui::state::restore::Pick;
use crate::tui::state::{Leaving, Loudness, Pane, Phase};

use super::Update;
use super::scroll::load_rows;

impl Update<'_> {
    pub(super) fn key(&mut self, key: KeyEvent) {
        // A key was pressed: whoever pressed it has seen what the status line said.
        self.state.toast = None;
        let context = self.state.context();
        let typed = matches!(key.code, KeyCode::Char(_)) && !key.modifiers.contains(KeyModifiers::CONTROL);
        let typing = match self.state.layers.last() {
            _ if context == Context::Filter => true,
            Some(Layer::Restore(dialog)) => dialog.typing(),
            _ => false,
        };
        // While something is typed, letters are letters.
        let action = if typing && typed { None } else { keys::action(context, &key) };
        match action {
            Some(action) => self.act(action),
            None if typing => self.type_key(key),
            None => {}
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Backup => match self.state.chosen_tenant().map(|t| t.name.clone()) {
                Some(tenant) => self.back_up(tenant),
                None => self.tell(Loudness::Warning, "no tenant is chosen"),
            },
            Action::Restore => {
                if matches!(self.state.context(), Context::Jobs | Context::Job) {
                    self.restore_again();
                } else if let Some(backup) = self.backup_meant() {
                    self.open_restore(backup);
                }
            }
            Action::Verify => {
                if let Some(backup) = self.backup_meant() {
                    self.submit(JobSpec::Verify { source: PackageSource::Backup(backup.backup) });
                }
            }
            Action::Open => self.open(),
            Action::Cancel => self.ask_to_cancel(),
            Action::TryAgain => self.try_again(),
            Action::Filter => self.state.filtering = true,
            Action::AllBackups => {
                self.state.backups.all ^= true;
                self.state.backups.list.clear();
                self.state.backups.phase = Phase::Loading;
                self.reload_backups();
                self.state.focus = Pane::Backups;
            }
            Action::Refresh => self.refresh(),
            Action::Messages => self.state.layers.push(Layer::Messages { scroll: usize::MAX }),
            Action::Help => {
                if !matches!(self.state.layers.last(), Some(Layer::Help { .. })) {
                    self.state.layers.push(Layer::Help { scroll: 0 });
                }
            }
            Action::Quit => self.quit(),
            Action::Back => self.back(),
            Action::NextPane => self.turn(1),
            Action::PreviousPane => self.turn(2),
            Action::Left if self.state.layers.is_empty() => self.step_aside(false),
            Action::Right if self.state.layers.is_empty() => self.step_aside(true),
            Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::Top
            | Action::Bottom
            | Action::HalfPageUp
            | Action::HalfPageDown
            | Action::PageUp
            | Action::PageDown => self.go(action),
            Action::Redraw => self.effects.push(Effect::Redraw),
            Action::Suspend => {
                if self.state.own_jobs().next().is_some() {
                    self.tell(
                        Loudness::Warning,
                        "jobs are at work: stopped with the screen, they would lose their servers",
                    );
                } else {
                    self.effects.push(Effect::Suspend);
                }
            }
            Action::Yes => self.confirmed(),
            Action::CancelAndQuit => self.leave(Leaving::Cancelling),
            Action::WaitAndQuit => self.leave(Leaving::Waiting),
            Action::NextField
            | Action::PreviousField
            | Action::PreviousChoice
            | Action::NextChoice
            | Action::Toggle
            | Action::TickAll
            | Action::Complete
            | Action::Plan
            | Action::Submit => self.act_in_dialog(action),
        }
    }

    fn turn(&mut self, by: usize) {
        const ORDER: [Pane; 3] = [Pane::Tenants, Pane::Backups, Pane::Jobs];
        let at = ORDER.iter().position(|p| *p == self.state.focus).unwrap_or(0);
        self.state.focus = ORDER[(at + by) % ORDER.len()];
    }

    /// Left and right do not go round.
    fn step_aside(&mut self, right: bool) {
        match (self.state.focus, right) {
            (Pane::Tenants, false) | (Pane::Jobs, true) => {}
            (_, true) => self.turn(1),
            (_, false) => self.turn(2),
        }
    }

    /// The backup that a key is about: the open one, the chosen one, or the chosen tenant's newest.
    fn backup_meant(&mut self) -> Option<BackupInfo> {
        let found = match (self.state.layers.last(), self.state.focus) {
            (Some(Layer::Details(view)), _) => Some(view.backup.clone()),
            (Some(_), _) => None,
            (None, Pane::Tenants) => {
                let tenant = self.state.chosen_tenant();
                // The pane beside knows of a backup that ended a moment ago before the tenant does.
                let newest = tenant.and_then(|t| self.state.backups.list.iter().find(|b| b.tenant == t.name));
                newest.or(tenant.and_then(|t| t.last_backup.as_ref())).cloned()
            }
            (None, _) => self.state.chosen_backup().cloned(),
        };
        if found.is_none() {
            self.tell(Loudness::Warning, "there is no backup to choose; b makes one");
        }
        found
    }

    fn open(&mut self) {
        match (self.state.layers.last(), self.state.focus) {
            (Some(Layer::Details(_)), _) => self.open_rows(),
            (Some(Layer::Rows(_)), _) => self.open_record(),
            (Some(Layer::Restore(_)), _) => self.open_pick(),
            (Some(_), _) => {}
            (None, Pane::Tenants) => self.state.focus = Pane::Backups,
            (None, Pane::Backups) => {
                if let Some(backup) = self.state.chosen_backup().cloned() {
                    let ticket = self.state.ticket();
                    let source = PackageSource::Backup(backup.backup.clone());
                    self.effects.push(Effect::LoadDetails(ticket, source.clone()));
                    self.state.layers.push(Layer::Details(Box::new(Details {
                        backup,
                        source,
                        details: None,
                        phase: Phase::Loading,
                        ticket,
                        cursor: Cursor::default(),
                        filter: Input::default(),
                    })));
                }
            }
            (None, Pane::Jobs) => {
                if let Some(id) = self.state.chosen_job().map(|j| j.info.id) {
                    if self.state.job(id).is_some_and(|j| j.steps.is_empty() && j.info.started.is_some()) {
                        self.effects.push(Effect::LoadJobEvents(id));
                    }
                    self.state.layers.push(Layer::Job(JobView { id, scroll: 0 }));
                }
            }
        }
    }

    fn open_rows(&mut self) {
        let ticket = self.state.ticket();
        let Some(Layer::Details(details)) = self.state.layers.last() else { return };
        let Some(table) = details.shown().get(details.cursor.index()).map(|t| (*t).clone()) else { return };
        let mut view = Rows {
            source: details.source.clone(),
            table,
            page: None,
            phase: Phase::Loading,
            ticket,
            row: 0,
            top: 0,
            column: 0,
        };
        self.effects.push(load_rows(&mut view, ticket, 0));
        self.state.layers.push(Layer::Rows(Box::new(view)));
    }

    fn open_record(&mut self) {
        let Some(Layer::Rows(view)) = self.state.layers.last() else { return };
        let Some(page) = view.page.as_ref().filter(|_| view.holds(view.row)) else { return };
        let Some(row) = page.rows.get((view.row - page.offset) as usize) else { return };
        let record = Record {
            table: table_name(&view.table),
            number: view.row,
            cells: page.columns.iter().cloned().zip(row.iter().cloned()).collect(),
            scroll: 0,
        };
        self.state.layers.push(Layer::Record(record));
    }

    fn ask_to_cancel(&mut self) {
        let job = match (self.state.layers.last(), self.state.focus) {
            (None, Pane::Tenants) => {
                self.state.chosen_tenant().and_then(|t| self.state.active_backup(&t.name)).map(|j| &j.info)
            }
            _ => self.state.chosen_job().map(|j| &j.info),
        };
        match job.map(|j| (j.id, j.state)) {
            Some((id, state)) if !state.is_final() => self.state.layers.push(Layer::ConfirmCancel(id)),
            Some((id, _)) => self.tell(Loudness::Info, format!("{id} has ended already")),
            None => self.tell(Loudness::Info, "there is no job to cancel"),
        }
    }

    fn try_again(&mut self) {
        match self.state.chosen_job().map(|j| (j.info.id, j.info.state, j.info.spec.clone())) {
            Some((_, state, JobSpec::Backup { tenant, .. })) if state.is_final() => self.back_up(tenant),
            Some((_, state, spec)) if state.is_final() => self.submit(spec),
            Some((id, ..)) => self.tell(Loudness::Info, format!("{id} has not ended yet")),
            None => self.tell(Loudness::Info, "no job is chosen"),
        }
    }

    fn refresh(&mut self) {
        if let Some(Layer::Details(view)) = self.state.layers.last() {
            let (ticket, source) = (view.ticket, view.source.clone());
            self.effects.push(Effect::LoadDetails(ticket, source));
            return;
        }
        self.effects.extend([Effect::LoadTenants, Effect::LoadServers, Effect::LoadJobs]);
        self.reload_backups();
        self.tell(Loudness::Info, "reading tenants, backups and jobs again");
    }

    fn back(&mut self) {
        if self.state.filtering {
            self.state.filtering = false;
            self.filter().map(Input::clear);
            return;
        }
        if let Some(filter) = self.filter().filter(|f| !f.is_empty()) {
            filter.clear();
            return;
        }
        if self.leave_pick() {
            return;
        }
        self.state.layers.pop();
    }

    /// The filter of the list in focus.
    pub(super) fn filter(&mut self) -> Option<&mut Input> {
        match (self.state.layers.last_mut(), self.state.focus) {
            (Some(Layer::Details(view)), _) => Some(&mut view.filter),
            (Some(Layer::Restore(dialog)), _) => match &mut dialog.pick {
                Pick::Tables(pick) => Some(&mut pick.filter),
                _ => None,
            },
            (Some(_), _) => None,
            (None, Pane::Tenants) => Some(&mut self.state.tenants.filter),
            (None, Pane::Backups) => Some(&mut self.state.backups.filter),
            (None, Pane::Jobs) => Some(&mut self.state.jobs.filter),
        }
    }

    fn quit(&mut self) {
        let dialog = match (self.state.own_jobs().next().is_some(), self.state.leaving) {
            (false, _) => {
                self.effects.push(Effect::Quit);
                return;
            }
            // Asked again on the way out: the operator does not want to wait.
            (true, Some(Leaving::Cancelling)) => Layer::ConfirmForce,
            (true, _) => Layer::ConfirmQuit,
        };
        self.leave_dialogs();
        self.state.layers.push(dialog);
    }
}
