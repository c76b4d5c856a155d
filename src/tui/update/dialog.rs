//! The dialogs: the restore, what is asked before a job is cancelled, a filter being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::engine::command::{Command, JobSpec, PackageSource};
use crate::engine::query::BackupInfo;
use crate::tui::keys::Action;
use crate::tui::message::Effect;
use crate::tui::state::input::Input;
use crate::tui::state::layer::{Field, Layer, NAME_UNITS, NameCheck, Restore};
use crate::tui::state::{Loudness, Options};

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

impl Restore {
    /// Letters go into the name.
    pub fn typing(&self) -> bool {
        self.field == Field::Database
    }
}

impl Update<'_> {
    pub(super) fn open_restore(&mut self, backup: BackupInfo) {
        if self.state.servers.is_empty() {
            self.tell(Loudness::Warning, "no server is configured to restore to");
            return;
        }
        // The server that the backup came from, unless it is gone from the configuration.
        let home = backup
            .manifest
            .as_ref()
            .map(|m| m.server.clone())
            .or_else(|| self.state.tenants.list.iter().find(|t| t.name == backup.tenant).map(|t| t.server.clone()));
        let server = home.and_then(|home| self.state.servers.iter().position(|s| s.name == home)).unwrap_or(0);
        let name = suggested_name(&self.state.options, &backup);
        let ticket = self.state.ticket();
        self.state.layers.push(Layer::Restore(Box::new(Restore {
            source: PackageSource::Backup(backup.backup.clone()),
            backup,
            server,
            database: Input::with(name),
            keep_partial: false,
            field: Field::Database,
            check: NameCheck::Empty,
            ticket,
            submit: false,
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

    pub(super) fn act_in_dialog(&mut self, action: Action) {
        if self.state.filtering {
            if action == Action::Submit {
                self.state.filtering = false;
            }
            return;
        }
        let servers = self.state.servers.len().max(1);
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return };
        match (action, dialog.field) {
            (Action::NextField, field) => dialog.field = next(field),
            (Action::PreviousField, field) => dialog.field = next(next(field)),
            (Action::PreviousChoice, Field::Server) => {
                dialog.server = (dialog.server + servers - 1) % servers;
                self.check_name();
            }
            (Action::NextChoice | Action::Toggle, Field::Server) => {
                dialog.server = (dialog.server + 1) % servers;
                self.check_name();
            }
            (Action::PreviousChoice, Field::Database) => dialog.database.left(),
            (Action::NextChoice, Field::Database) => dialog.database.right(),
            (Action::Toggle | Action::PreviousChoice | Action::NextChoice, Field::Keep) => dialog.keep_partial ^= true,
            (Action::Submit, _) => match dialog.check {
                NameCheck::Free => self.restore(),
                NameCheck::Asking => dialog.submit = true,
                NameCheck::Unknown(_) => self.check_name(),
                NameCheck::Empty | NameCheck::TooLong(_) | NameCheck::Exists => dialog.field = Field::Database,
            },
            _ => {}
        }
    }

    /// The dialog's restore is wanted, and its name is free.
    pub(super) fn restore(&mut self) {
        let Some(Layer::Restore(dialog)) = self.state.layers.pop() else { return };
        let Some(server) = self.state.servers.get(dialog.server) else { return };
        self.submit(JobSpec::Restore {
            source: dialog.source,
            server: server.name.clone(),
            database: dialog.database.text().to_owned(),
            keep_partial: dialog.keep_partial,
            existing: None,
            choice: Box::default(),
        });
    }

    pub(super) fn confirmed(&mut self) {
        match self.state.layers.pop() {
            Some(Layer::ConfirmCancel(job)) => self.effects.push(Effect::Command(Command::Cancel { job })),
            Some(Layer::ConfirmForce) => self.effects.push(Effect::Quit),
            Some(other) => self.state.layers.push(other),
            None => {}
        }
    }

    /// A key for the line being typed.
    pub(super) fn type_key(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let edit = move |input: &mut Input| match key.code {
            KeyCode::Char('u') if control => input.clear(),
            KeyCode::Char('w') if control => input.delete_word(),
            KeyCode::Char('a') if control => input.home(),
            KeyCode::Char('e') if control => input.end(),
            KeyCode::Char(c) if !control => input.insert(c),
            KeyCode::Backspace => input.backspace(),
            KeyCode::Delete => input.delete(),
            KeyCode::Left => input.left(),
            KeyCode::Right => input.right(),
            KeyCode::Home => input.home(),
            KeyCode::End => input.end(),
            _ => {}
        };
        self.edit(edit);
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.edit(|input| input.paste(text));
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Input)) {
        if self.state.filtering {
            self.filter().map(edit);
            return;
        }
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return };
        if dialog.typing() {
            let before = dialog.database.text().to_owned();
            edit(&mut dialog.database);
            if dialog.database.text() != before {
                self.check_name();
            }
        }
    }
}

fn next(field: Field) -> Field {
    match field {
        Field::Server => Field::Database,
        Field::Database => Field::Keep,
        Field::Keep => Field::Server,
    }
}
