//! The restore dialog: opened, filled in, checked, started. What the engine would refuse is refused here, in the
//! engine's own words; the lists of tables and of logins come from the package and the server, as messages.

use std::collections::BTreeMap;

use crate::bacpac::script::{Users, table_text};
use crate::engine::command::{JobSpec, PackageSource};
use crate::engine::event::Failure;
use crate::engine::query::{BackupInfo, PackageDetails, RestorePlan};
use crate::engine::{choice_problem, refused_choice};
use crate::tui::keys::Action;
use crate::tui::message::{Effect, Ticket};
use crate::tui::state::input::Input;
use crate::tui::state::job::in_one_line;
use crate::tui::state::layer::{Layer, Planned};
use crate::tui::state::restore::{Field, MISSING, NAME_UNITS, NameCheck, Pick, Restore};
use crate::tui::state::{Loudness, Options, Phase};

use super::Update;

/// The name that the configuration's pattern suggests, by the moment (UTC) of the backup, so that it says what is
/// inside.
pub fn suggested_name(options: &Options, backup: &BackupInfo) -> String {
    let database = backup.manifest.as_ref().map_or(backup.tenant.as_str(), |m| m.database.as_str());
    options.restore_name.database_name(backup.taken, &options.product, &backup.tenant, database, NAME_UNITS)
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Update<'_> {
    pub(super) fn open_restore(&mut self, backup: BackupInfo) {
        // The server that the backup came from, unless it is gone from the configuration.
        let home = backup
            .manifest
            .as_ref()
            .map(|m| m.server.clone())
            .or_else(|| self.state.tenants.list.iter().find(|t| t.name == backup.tenant).map(|t| t.server.clone()));
        let source = PackageSource::Backup(backup.backup.clone());
        let name = suggested_name(&self.state.options, &backup);
        self.push_restore(backup, source, home, name);
    }

    /// The dialog of a restore that ended, filled in as it was: what refused it can be changed. The name of an existing
    /// database is typed again.
    pub(super) fn restore_again(&mut self) {
        let job = self.state.chosen_job().map(|j| (j.info.spec.clone(), j.info.queued, j.info.state));
        let Some((JobSpec::Restore { source, server, database, keep_partial, choice, .. }, queued, state)) = job else {
            self.tell(Loudness::Warning, "that is no restore");
            return;
        };
        if !state.is_final() {
            self.tell(Loudness::Warning, "that restore has not ended yet");
            return;
        }
        let named = crate::tui::state::source_name(&source).to_owned();
        let listed = self.state.tenants.list.iter().filter_map(|t| t.last_backup.as_ref());
        let known = self.state.backups.list.iter().chain(listed);
        let known = known.into_iter().find(|b| matches!(&source, PackageSource::Backup(r) if *r == b.backup)).cloned();
        // Of a file nothing is known here but its name.
        let backup = known.unwrap_or_else(|| BackupInfo {
            backup: crate::engine::command::BackupRef { store: String::new(), file: named },
            tenant: String::new(),
            taken: queued,
            size: 0,
            trigger: None,
            rows: None,
            verification: None,
            manifest: None,
            problem: None,
        });
        self.push_restore(backup, source, Some(server), database);
        let Some(dialog) = self.state.dialog_mut() else { return };
        if let Users::Map(map) | Users::MapPresent(map) = &choice.users {
            dialog.map_is_default = matches!(choice.users, Users::MapPresent(_));
            dialog.map = map.clone();
        }
        dialog.keep_partial = keep_partial;
        dialog.collation = Input::with(choice.collation.clone().unwrap_or_default());
        dialog.level = Input::with(choice.compatibility_level.map_or_else(String::new, |l| l.to_string()));
        dialog.open = !choice.words().is_empty();
        dialog.choice = *choice;
    }

    fn push_restore(&mut self, backup: BackupInfo, source: PackageSource, home: Option<String>, name: String) {
        if self.state.servers.is_empty() {
            self.tell(Loudness::Warning, "no server is configured to restore to");
            return;
        }
        let server = home.and_then(|home| self.state.servers.iter().position(|s| s.name == home)).unwrap_or(0);
        let choice = self.state.options.restore.clone();
        let (ticket, mut package_ticket) = (self.state.ticket(), self.state.ticket());
        // Whoever looks inside has read it already, or is about to.
        let mut package = None;
        let mut asked = false;
        if let Some(Layer::Details(view)) = self.state.layers.last()
            && view.source == source
        {
            package = view.details.clone();
            asked = view.phase == Phase::Loading;
            package_ticket = view.ticket;
        }
        if package.is_none() && !asked {
            package_ticket = self.state.ticket();
            self.effects.push(Effect::LoadDetails(package_ticket, source.clone()));
        }
        let map = match &choice.users {
            Users::Map(map) | Users::MapPresent(map) => map.clone(),
            Users::AsInFile | Users::None => BTreeMap::new(),
        };
        self.state.layers.push(Layer::Restore(Box::new(Restore {
            source,
            backup,
            phase: if package.is_some() { Phase::Ready } else { Phase::Loading },
            package,
            package_ticket,
            server,
            database: Input::with(name),
            typed: Input::default(),
            keep_partial: false,
            open: false,
            collation: Input::with(choice.collation.clone().unwrap_or_default()),
            level: Input::with(choice.compatibility_level.map_or_else(String::new, |l| l.to_string())),
            map_is_default: matches!(choice.users, Users::MapPresent(_)),
            map,
            missing_at: 0,
            choice,
            field: Field::Database,
            pick: Pick::Nothing,
            logins: None,
            logins_ticket: ticket,
            check: NameCheck::Empty,
            ticket,
            submit: false,
            problem: None,
        })));
        self.check_name();
    }

    /// Checks the name as it stands: what can be seen here at once, the rest by asking the server.
    fn check_name(&mut self) {
        let ticket = self.state.ticket();
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return };
        dialog.ticket = ticket;
        dialog.submit = false;
        let name = dialog.database.text();
        dialog.check = match units(name) {
            _ if name.trim().is_empty() => NameCheck::Empty,
            long if long > NAME_UNITS => NameCheck::TooLong(long),
            _ => NameCheck::Asking,
        };
        if dialog.check == NameCheck::Asking
            && let Some(server) = self.state.servers.get(dialog.server)
        {
            let server = server.name.clone();
            self.effects.push(Effect::CheckDatabase { ticket, server, database: name.to_owned() });
        }
    }

    pub(super) fn exists(&mut self, ticket: Ticket, result: Result<bool, Failure>) {
        let on_top = matches!(self.state.layers.last(), Some(Layer::Restore(_)));
        let Some(dialog) = self.state.dialog_mut() else { return };
        if dialog.ticket != ticket || dialog.check != NameCheck::Asking {
            return;
        }
        dialog.check = match result {
            Ok(false) => NameCheck::Free,
            Ok(true) => NameCheck::Exists,
            Err(failure) => NameCheck::Unknown(failure.lines().join("; ")),
        };
        if std::mem::take(&mut dialog.submit) && dialog.check == NameCheck::Free && on_top {
            self.start_restore();
        }
    }

    /// The logins of a server are there. One that does not tell them is no error: names can be typed.
    pub(super) fn logins(&mut self, ticket: Ticket, result: Result<Option<Vec<String>>, Failure>) {
        let Some(dialog) = self.state.dialog_mut().filter(|d| d.logins_ticket == ticket) else { return };
        if let Ok(Some(logins)) = result {
            dialog.logins = Some((dialog.server, logins));
        }
    }

    pub(super) fn planned(&mut self, ticket: Ticket, result: Result<RestorePlan, Failure>) {
        let layers = self.state.layers.iter_mut();
        let found = layers.filter_map(|l| if let Layer::Planned(view) = l { Some(view) } else { None });
        let Some(view) = found.into_iter().find(|v| v.ticket == ticket) else { return };
        match result {
            Ok(plan) => (view.plan, view.phase) = (Some(plan), Phase::Ready),
            Err(failure) => view.phase = Phase::Failed(failure),
        }
    }

    pub(super) fn act_in_dialog(&mut self, action: Action) {
        if self.state.filtering {
            if action == Action::Submit {
                self.state.filtering = false;
            }
            return;
        }
        if matches!(self.state.layers.last(), Some(Layer::Planned(_))) {
            self.start_planned();
            return;
        }
        let servers = self.state.servers.len().max(1);
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return };
        dialog.problem = None;
        // Whoever goes on choosing does not want to start yet.
        dialog.submit = false;
        if !matches!(dialog.pick, Pick::Nothing) {
            act_in_pick(dialog, action);
            return;
        }
        match (action, dialog.field) {
            (Action::NextField, _) => dialog.step(1),
            (Action::PreviousField, _) => dialog.step(-1),
            (Action::PreviousChoice, Field::Server) => {
                dialog.server = (dialog.server + servers - 1) % servers;
                self.check_name();
            }
            (Action::NextChoice | Action::Toggle, Field::Server) => {
                dialog.server = (dialog.server + 1) % servers;
                self.check_name();
            }
            (Action::PreviousChoice, Field::Missing) => dialog.missing_at = dialog.missing_at.saturating_sub(1),
            (Action::NextChoice, Field::Missing) => {
                dialog.missing_at = (dialog.missing_at + 1).min(MISSING.len() - 1);
            }
            (Action::PreviousChoice, field) if dialog.input(field).is_some() => {
                dialog.input_mut(field).map(Input::left);
            }
            (Action::NextChoice, field) if dialog.input(field).is_some() => {
                dialog.input_mut(field).map(Input::right);
            }
            (Action::Toggle | Action::PreviousChoice | Action::NextChoice, field) => {
                dialog.choose(field, action == Action::PreviousChoice);
            }
            (Action::Submit, _) => match dialog.check {
                NameCheck::Free => self.start_restore(),
                NameCheck::Asking => dialog.submit = true,
                NameCheck::Unknown(_) => self.check_name(),
                NameCheck::Exists if dialog.typed.is_empty() => dialog.field = Field::Typed,
                NameCheck::Exists => self.start_restore(),
                NameCheck::Empty | NameCheck::TooLong(_) => dialog.field = Field::Database,
            },
            (Action::Plan, _) => self.preview(),
            _ => {}
        }
    }

    /// Enter on a field that stands for a list.
    pub(super) fn open_pick(&mut self) {
        let ticket = self.state.ticket();
        let servers: Vec<String> = self.state.servers.iter().map(|s| s.name.clone()).collect();
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return };
        dialog.problem = None;
        dialog.submit = false;
        // A package that could not be read may be there again.
        if let Phase::Failed(_) = dialog.phase {
            dialog.phase = Phase::Loading;
            dialog.package_ticket = ticket;
            self.effects.push(Effect::LoadDetails(ticket, dialog.source.clone()));
        }
        dialog.open_pick();
        if matches!(dialog.pick, Pick::Logins(_))
            && dialog.known_logins().is_none()
            && let Some(server) = servers.get(dialog.server)
        {
            dialog.logins_ticket = ticket;
            self.effects.push(Effect::LoadLogins(ticket, server.clone()));
        }
    }

    /// Esc in a list of the dialog leaves the list; whether there was one.
    pub(super) fn leave_pick(&mut self) -> bool {
        match self.state.layers.last_mut() {
            Some(Layer::Restore(dialog)) if !matches!(dialog.pick, Pick::Nothing) => {
                dialog.leave_pick();
                true
            }
            _ => false,
        }
    }

    /// The restore that the dialog describes, or what is wrong with it and where.
    fn described(dialog: &Restore, server: &str) -> Result<JobSpec, (Failure, Field)> {
        let choice = dialog.chosen().map_err(|e| (refused_choice(&e, None), Field::Level))?;
        if let Some(problem) = choice_problem(dialog.database.text(), dialog.existing(), &choice) {
            let field = match dialog.existing() {
                Some(typed) if typed != dialog.database.text() => Field::Typed,
                _ if choice.collation.is_some() => Field::Collation,
                _ if dialog.mapped() && choice.content != crate::bacpac::script::Content::Data => Field::Logins,
                _ => Field::Content,
            };
            return Err((problem, field));
        }
        Ok(JobSpec::Restore {
            source: dialog.source.clone(),
            server: server.to_owned(),
            database: dialog.database.text().to_owned(),
            keep_partial: dialog.keep_partial,
            existing: dialog.existing().map(str::to_owned),
            choice: Box::new(choice),
        })
    }

    /// What the dialog describes; where that can't be, the dialog says so and goes to the field.
    fn describe(&mut self) -> Option<JobSpec> {
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return None };
        let server = self.state.servers.get(dialog.server)?;
        match Self::described(dialog, &server.name) {
            Ok(spec) => Some(spec),
            Err((problem, field)) => {
                if !dialog.fields().contains(&field) {
                    dialog.open = true;
                }
                dialog.field = field;
                let said = in_one_line(&problem);
                dialog.problem = Some(problem);
                self.effects.push(Effect::Trace(Loudness::Warning, said));
                None
            }
        }
    }

    /// The dialog's restore is wanted, and its name is known.
    pub(super) fn start_restore(&mut self) {
        if let Some(spec) = self.describe() {
            self.state.layers.pop();
            self.submit(spec);
        }
    }

    /// Works out what the restore would do.
    fn preview(&mut self) {
        let Some(spec) = self.describe() else { return };
        let ticket = self.state.ticket();
        self.effects.push(Effect::Plan(ticket, spec.clone()));
        let planned = Planned { spec, plan: None, phase: Phase::Loading, ticket, scroll: 0 };
        self.state.layers.push(Layer::Planned(Box::new(planned)));
    }

    /// Starts what was shown, unless it is known that it would be refused.
    fn start_planned(&mut self) {
        let Some(Layer::Planned(view)) = self.state.layers.last() else { return };
        let refused = match (&view.plan, &view.phase) {
            (_, Phase::Loading) => return,
            (Some(plan), _) => !plan.refusals.is_empty(),
            (None, phase) => matches!(phase, Phase::Failed(_)),
        };
        if refused {
            // Why stands above, with room for it.
            self.tell(Loudness::Warning, "it would be refused; Esc goes back to change it");
            return;
        }
        let spec = view.spec.clone();
        self.state.layers.retain(|l| !matches!(l, Layer::Planned(_) | Layer::Restore(_)));
        self.submit(spec);
    }

    /// A key for the line of the dialog that is being typed.
    pub(super) fn edit_restore(&mut self, edit: impl FnOnce(&mut Input)) {
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return };
        dialog.problem = None;
        dialog.submit = false;
        if let Pick::Logins(pick) = &mut dialog.pick {
            pick.completing = None;
            pick.line().map(edit);
            return;
        }
        let field = dialog.field;
        let Some(input) = dialog.input_mut(field) else { return };
        let before = input.text().to_owned();
        edit(input);
        if input.text() != before && field == Field::Database {
            self.check_name();
        }
    }

    pub(super) fn package_read(&mut self, ticket: Ticket, result: Result<PackageDetails, Failure>) {
        let Some(dialog) = self.state.dialog_mut().filter(|d| d.package_ticket == ticket) else { return };
        match result {
            Ok(details) => (dialog.package, dialog.phase) = (Some(details), Phase::Ready),
            Err(failure) => dialog.phase = Phase::Failed(failure),
        }
        dialog.refresh_pick();
    }
}

/// A key in the list of tables or among the logins.
fn act_in_pick(dialog: &mut Restore, action: Action) {
    if action == Action::Submit {
        dialog.accept_pick();
        return;
    }
    let shown: Vec<String> = dialog.shown_tables().iter().map(|t| table_text(&t.schema, &t.table)).collect();
    let known: Vec<String> = dialog.known_logins().unwrap_or_default().to_vec();
    match (&mut dialog.pick, action) {
        (Pick::Tables(pick), Action::Toggle) => {
            if let Some(table) = shown.get(pick.cursor.index()) {
                if !pick.ticked.remove(table) {
                    pick.ticked.insert(table.clone());
                }
                // On to the next one: several in a row are ticked by as many strokes.
                let next = pick.cursor.index() + 1;
                pick.cursor.go(next, &shown);
            }
        }
        (Pick::Tables(pick), Action::TickAll) => {
            let all = shown.iter().all(|t| pick.ticked.contains(t));
            for table in shown {
                if all {
                    pick.ticked.remove(&table);
                } else {
                    pick.ticked.insert(table);
                }
            }
        }
        (Pick::Logins(pick), Action::Complete) => pick.complete(&known),
        _ => {}
    }
}
