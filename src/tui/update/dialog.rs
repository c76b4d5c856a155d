//! The dialogs: the restore, what is asked before a job is cancelled, a filter being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::bacpac::script::{Conflict, Content, Missing, Users};
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
        self.input(self.field).is_some()
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
        let choice = self.state.options.restore.clone();
        let ticket = self.state.ticket();
        self.state.layers.push(Layer::Restore(Box::new(Restore {
            source: PackageSource::Backup(backup.backup.clone()),
            backup,
            server,
            database: Input::with(name),
            typed: Input::default(),
            keep_partial: false,
            open: false,
            collation: Input::with(choice.collation.clone().unwrap_or_default()),
            level: Input::with(choice.compatibility_level.map_or_else(String::new, |l| l.to_string())),
            tables: Input::default(),
            choice,
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
                NameCheck::Free => self.restore(),
                NameCheck::Asking => dialog.submit = true,
                NameCheck::Unknown(_) => self.check_name(),
                NameCheck::Exists if dialog.into_existing() => self.restore(),
                NameCheck::Exists => dialog.field = Field::Typed,
                NameCheck::Empty | NameCheck::TooLong(_) => dialog.field = Field::Database,
            },
            _ => {}
        }
    }

    /// The dialog's restore is wanted, and its name is free.
    pub(super) fn restore(&mut self) {
        let Some(Layer::Restore(dialog)) = self.state.layers.last_mut() else { return };
        let Some(choice) = dialog.chosen() else {
            (dialog.open, dialog.field) = (true, Field::Level);
            return;
        };
        if choice.content == Content::Data && !dialog.into_existing() {
            (dialog.open, dialog.field) = (true, Field::Content);
            self.tell(Loudness::Warning, "rows alone go into a database that is there: type its name");
            return;
        }
        let Some(Layer::Restore(dialog)) = self.state.layers.pop() else { return };
        let Some(server) = self.state.servers.get(dialog.server) else { return };
        let existing = dialog.into_existing().then(|| dialog.typed.text().to_owned());
        self.submit(JobSpec::Restore {
            source: dialog.source,
            server: server.name.clone(),
            database: dialog.database.text().to_owned(),
            keep_partial: dialog.keep_partial,
            existing,
            choice: Box::new(choice),
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
        let field = dialog.field;
        let Some(input) = dialog.input_mut(field) else { return };
        let before = input.text().to_owned();
        edit(input);
        if input.text() != before && field == Field::Database {
            self.check_name();
        }
    }
}

impl Restore {
    /// The next field, or the one before; round about.
    fn step(&mut self, by: isize) {
        let fields = self.fields();
        let at = fields.iter().position(|f| *f == self.field).unwrap_or(0) as isize;
        let next = (at + by).rem_euclid(fields.len() as isize);
        self.field = usize::try_from(next).ok().and_then(|n| fields.get(n)).copied().unwrap_or(Field::Database);
    }

    /// The other choice of a field, or the next of several.
    fn choose(&mut self, field: Field, back: bool) {
        let choice = &mut self.choice;
        match field {
            Field::Keep => self.keep_partial ^= true,
            Field::Options => self.open ^= true,
            Field::Content => {
                choice.content = match (choice.content, back) {
                    (Content::All, false) | (Content::Data, true) => Content::Schema,
                    (Content::Schema, false) | (Content::All, true) => Content::Data,
                    (Content::Data, false) | (Content::Schema, true) => Content::All,
                };
            }
            Field::Users => {
                choice.users = if choice.users == Users::None { Users::AsInFile } else { Users::None };
            }
            Field::Permissions => choice.permissions ^= true,
            Field::Settings => choice.user_settings ^= true,
            Field::Owner => choice.owner_to_dbo ^= true,
            Field::Missing => {
                let all = [Missing::ForeignKeys, Missing::Sequences, Missing::Views];
                choice.skip_missing = if choice.skip_missing.is_empty() { all.into() } else { [].into() };
            }
            Field::Conflict => {
                let rename = choice.on_conflict == Conflict::Rename;
                choice.on_conflict = if rename { Conflict::Refuse } else { Conflict::Rename };
            }
            Field::Server | Field::Database | Field::Typed | Field::Tables | Field::Collation | Field::Level => {}
        }
    }
}
