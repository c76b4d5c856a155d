//! The restore dialog: its fields, the list of tables and the logins of users that open out of it, and the choice that
//! comes of all of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::bacpac::script::{ChoiceError, Conflict, Content, Missing, Users, compatibility_level, table_text};
use crate::engine::command::{Choice, PackageSource};
use crate::engine::event::Failure;
use crate::engine::query::{BackupInfo, PackageDetails, PackageTable};
use crate::tui::keys::Context;
use crate::tui::message::Ticket;

use super::Phase;
use super::cursor::Cursor;
use super::input::Input;
use super::layer::table_name;

/// Longest name of a database, in UTF-16 units (sysname is nvarchar(128)).
pub const NAME_UNITS: usize = 128;

/// What may be missing, in the order of the screen.
pub const MISSING: [(Missing, &str); 3] =
    [(Missing::ForeignKeys, "foreign keys"), (Missing::Sequences, "sequences"), (Missing::Views, "views")];

/// Fields of the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Field {
    Server,
    Database,
    /// The name of an existing database once more.
    Typed,
    Conflict,
    Keep,
    /// Shows or hides the fields below.
    Options,
    Content,
    /// Opens the list of tables.
    Tables,
    Needed,
    Users,
    /// Opens the logins of users.
    Logins,
    Permissions,
    Settings,
    Owner,
    Missing,
    Collation,
    Level,
}

/// What is known about the name of the new database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameCheck {
    /// Nothing is typed.
    Empty,
    /// Longer than 128.
    TooLong(usize),
    /// The server is being asked.
    Asking,
    /// It can be made.
    Free,
    /// It is there already.
    Exists,
    /// The server could not be asked.
    Unknown(String),
}

/// The list of tables, some of them ticked.
#[derive(Debug, Default)]
pub struct PickTables {
    /// Those ticked, as a choice names them.
    pub ticked: BTreeSet<String>,
    /// By what a choice names them.
    pub cursor: Cursor<String>,
    /// What must be in a line.
    pub filter: Input,
}

/// Users of the package, each with the login that is typed for it.
#[derive(Debug, Default)]
pub struct PickLogins {
    /// User, its login in the file, the login typed.
    pub users: Vec<(String, Option<String>, Input)>,
    /// By user.
    pub cursor: Cursor<String>,
    /// What was typed before the first completion, and how many came since.
    pub completing: Option<(String, usize)>,
}

/// What lies over the fields.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub enum Pick {
    #[default]
    Nothing,
    Tables(PickTables),
    Logins(PickLogins),
}

/// The restore dialog.
#[derive(Debug)]
pub struct Restore {
    /// What is restored.
    pub backup: BackupInfo,
    /// As the core takes it.
    pub source: PackageSource,
    /// What is in it, once read.
    pub package: Option<PackageDetails>,
    /// How far it is read.
    pub phase: Phase,
    /// Of the question about the package.
    pub package_ticket: Ticket,
    /// Index in the state's servers.
    pub server: usize,
    /// The new database's name.
    pub database: Input,
    /// The name of an existing database, typed to restore into it.
    pub typed: Input,
    /// Keep what was restored so far when it fails.
    pub keep_partial: bool,
    /// The options are shown.
    pub open: bool,
    /// What of the package; the texts below are put in at the end.
    pub choice: Choice,
    /// The logins of users as they were last named, whatever is chosen now.
    pub map: BTreeMap<String, String>,
    /// They are the configuration's, which are for users of any package.
    pub map_is_default: bool,
    /// Which of what may be missing the keys are on.
    pub missing_at: usize,
    /// The new database's collation; the package's where there is none.
    pub collation: Input,
    /// The new database's compatibility level; the package's where there is none.
    pub level: Input,
    /// Where keys go.
    pub field: Field,
    /// What lies over the fields.
    pub pick: Pick,
    /// The logins to be seen on the server, by the server's index.
    pub logins: Option<(usize, Vec<String>)>,
    /// Of the question about logins.
    pub logins_ticket: Ticket,
    /// What is known about the name.
    pub check: NameCheck,
    /// Of the question about the name.
    pub ticket: Ticket,
    /// Start as soon as the name is known to be free.
    pub submit: bool,
    /// What refused the last attempt to start.
    pub problem: Option<Failure>,
}

impl Restore {
    /// Which keys work.
    pub fn context(&self) -> Context {
        match (&self.pick, self.field) {
            (Pick::Tables(_), _) => Context::PickTables,
            (Pick::Logins(_), _) => Context::PickLogins,
            (Pick::Nothing, Field::Tables | Field::Logins) => Context::RestoreList,
            (Pick::Nothing, _) => Context::Restore,
        }
    }

    /// The database is there, and its name was typed to restore into it.
    pub fn into_existing(&self) -> bool {
        self.check == NameCheck::Exists && self.typed.text() == self.database.text()
    }

    /// What was typed to restore into a database that is there.
    pub fn existing(&self) -> Option<&str> {
        (self.check == NameCheck::Exists).then(|| self.typed.text())
    }

    /// Some users get another login.
    pub fn mapped(&self) -> bool {
        matches!(self.choice.users, Users::Map(_) | Users::MapPresent(_))
    }

    /// The fields that are shown, in their order.
    pub fn fields(&self) -> Vec<Field> {
        let there = self.check == NameCheck::Exists;
        // Rows alone bring nobody and make nothing.
        let rows_alone = self.choice.content == Content::Data;
        let mut fields = vec![Field::Server, Field::Database];
        if there {
            fields.push(Field::Typed);
            if !rows_alone {
                // Whoever restores into a database meets this question first.
                fields.push(Field::Conflict);
            }
        } else {
            // What was there before is never dropped.
            fields.push(Field::Keep);
        }
        fields.push(Field::Options);
        if self.open {
            fields.extend([Field::Content, Field::Tables]);
            if !rows_alone {
                if !self.choice.tables.is_empty() {
                    fields.push(Field::Needed);
                }
                fields.push(Field::Users);
                if self.mapped() {
                    fields.push(Field::Logins);
                }
                fields.extend([Field::Permissions, Field::Settings, Field::Owner, Field::Missing]);
                if !there {
                    fields.extend([Field::Collation, Field::Level]);
                }
            }
        }
        fields
    }

    /// The line that a field is.
    pub fn input(&self, field: Field) -> Option<&Input> {
        match field {
            Field::Database => Some(&self.database),
            Field::Typed => Some(&self.typed),
            Field::Collation => Some(&self.collation),
            Field::Level => Some(&self.level),
            _ => None,
        }
    }

    /// The same, to be typed into.
    pub fn input_mut(&mut self, field: Field) -> Option<&mut Input> {
        match field {
            Field::Database => Some(&mut self.database),
            Field::Typed => Some(&mut self.typed),
            Field::Collation => Some(&mut self.collation),
            Field::Level => Some(&mut self.level),
            _ => None,
        }
    }

    /// Letters are letters now.
    pub fn typing(&self) -> bool {
        match &self.pick {
            Pick::Nothing => self.input(self.field).is_some(),
            Pick::Tables(_) => false,
            Pick::Logins(pick) => !pick.users.is_empty(),
        }
    }

    /// The tables of the package that the list's filter lets through.
    pub fn shown_tables(&self) -> Vec<&PackageTable> {
        let Pick::Tables(pick) = &self.pick else { return Vec::new() };
        let all = self.package.iter().flat_map(|p| &p.tables);
        all.filter(|t| pick.filter.finds(&[&table_name(t)])).collect()
    }

    /// The lines of the list that is open.
    pub fn pick_keys(&self) -> Vec<String> {
        match &self.pick {
            Pick::Nothing => Vec::new(),
            Pick::Tables(_) => self.shown_tables().iter().map(|t| table_text(&t.schema, &t.table)).collect(),
            Pick::Logins(pick) => pick.users.iter().map(|(user, ..)| user.clone()).collect(),
        }
    }

    /// The cursor of the list that is open.
    pub fn pick_cursor(&mut self) -> Option<&mut Cursor<String>> {
        match &mut self.pick {
            Pick::Nothing => None,
            Pick::Tables(pick) => Some(&mut pick.cursor),
            Pick::Logins(pick) => Some(&mut pick.cursor),
        }
    }

    /// The logins that are known of the chosen server.
    pub fn known_logins(&self) -> Option<&[String]> {
        self.logins.as_ref().filter(|(server, _)| *server == self.server).map(|(_, logins)| logins.as_slice())
    }

    /// The choice with what was typed.
    pub fn chosen(&self) -> Result<Choice, ChoiceError> {
        let mut choice = self.choice.clone();
        let some = |input: &Input| Some(input.text().trim().to_owned()).filter(|t| !t.is_empty());
        if self.mapped() && self.map.is_empty() {
            choice.users = Users::AsInFile;
        }
        // An existing database keeps its own.
        (choice.collation, choice.compatibility_level) = (None, None);
        if self.check != NameCheck::Exists {
            choice.collation = some(&self.collation);
            choice.compatibility_level = some(&self.level).map(|text| compatibility_level(&text)).transpose()?;
        }
        Ok(choice)
    }

    /// The next field, or the one before; round about.
    pub fn step(&mut self, by: isize) {
        let fields = self.fields();
        let at = fields.iter().position(|f| *f == self.field).unwrap_or(0) as isize;
        let next = (at + by).rem_euclid(fields.len() as isize);
        self.field = usize::try_from(next).ok().and_then(|n| fields.get(n)).copied().unwrap_or(Field::Database);
    }

    /// The field that keys go to is one that is shown.
    pub fn settle(&mut self) {
        if !self.fields().contains(&self.field) {
            let name = matches!(self.field, Field::Typed | Field::Conflict | Field::Keep);
            self.field = if name { Field::Database } else { Field::Options };
        }
    }

    /// The other choice of a field, or the next of several.
    pub fn choose(&mut self, field: Field, back: bool) {
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
            Field::Needed => choice.dependencies ^= true,
            Field::Users => {
                let mapped = || match self.map_is_default {
                    true => Users::MapPresent(self.map.clone()),
                    false => Users::Map(self.map.clone()),
                };
                choice.users = match (&choice.users, back) {
                    (Users::AsInFile, false) | (Users::Map(_) | Users::MapPresent(_), true) => Users::None,
                    (Users::None, false) | (Users::AsInFile, true) => mapped(),
                    (Users::Map(_) | Users::MapPresent(_), false) | (Users::None, true) => Users::AsInFile,
                };
            }
            Field::Permissions => choice.permissions ^= true,
            Field::Settings => choice.user_settings ^= true,
            Field::Owner => choice.owner_to_dbo ^= true,
            Field::Missing => {
                let (missing, _) = MISSING[self.missing_at % MISSING.len()];
                if !choice.skip_missing.remove(&missing) {
                    choice.skip_missing.insert(missing);
                }
            }
            Field::Conflict => {
                let rename = choice.on_conflict == Conflict::Rename;
                choice.on_conflict = if rename { Conflict::Refuse } else { Conflict::Rename };
            }
            Field::Server
            | Field::Database
            | Field::Typed
            | Field::Tables
            | Field::Logins
            | Field::Collation
            | Field::Level => {}
        }
    }

    /// Opens the list that the field stands for.
    pub fn open_pick(&mut self) {
        match self.field {
            Field::Tables => {
                let ticked = self.choice.tables.iter().cloned().collect();
                self.pick = Pick::Tables(PickTables { ticked, ..PickTables::default() });
            }
            Field::Logins => {
                let users = self.package.iter().flat_map(|p| &p.users).map(|user| {
                    let login = Input::with(self.map.get(&user.name).cloned().unwrap_or_default());
                    (user.name.clone(), user.login.clone(), login)
                });
                self.pick = Pick::Logins(PickLogins { users: users.collect(), ..PickLogins::default() });
            }
            _ => {}
        }
    }

    /// The package was read while a list of it was open.
    pub fn refresh_pick(&mut self) {
        if matches!(&self.pick, Pick::Logins(pick) if pick.users.is_empty()) {
            self.open_pick();
        }
    }

    /// Takes what was ticked or typed in the list that is open.
    pub fn accept_pick(&mut self) {
        match std::mem::take(&mut self.pick) {
            Pick::Nothing => {}
            // What could not be read is not taken for empty.
            _ if self.package.is_none() => {}
            Pick::Tables(pick) => {
                let all = self.package.iter().flat_map(|p| &p.tables).map(|t| table_text(&t.schema, &t.table));
                self.choice.tables = all.filter(|t| pick.ticked.contains(t)).collect();
            }
            Pick::Logins(pick) => {
                let named = pick.users.into_iter().map(|(user, _, login)| (user, login.text().trim().to_owned()));
                self.map = named.filter(|(_, login)| !login.is_empty()).collect();
                self.map_is_default = false;
                self.choice.users = if self.map.is_empty() { Users::AsInFile } else { Users::Map(self.map.clone()) };
                self.settle_users();
            }
        }
    }

    /// Leaves the list that is open as it was before.
    pub fn leave_pick(&mut self) {
        let logins = matches!(std::mem::take(&mut self.pick), Pick::Logins(_));
        // Nobody was given a login: then there is no map.
        if logins && self.mapped() && self.map.is_empty() {
            self.choice.users = Users::AsInFile;
            self.settle_users();
        }
    }

    fn settle_users(&mut self) {
        if self.field == Field::Logins && !self.mapped() {
            self.field = Field::Users;
        }
    }
}

impl PickLogins {
    /// The line that is typed into.
    pub fn line(&mut self) -> Option<&mut Input> {
        let at = self.cursor.index();
        self.users.get_mut(at).map(|(_, _, login)| login)
    }

    /// Puts the next login that begins with what was typed into the line.
    pub fn complete(&mut self, known: &[String]) {
        let Some(line) = self.users.get(self.cursor.index()).map(|(_, _, login)| login.text().to_owned()) else {
            return;
        };
        let (typed, n) = self.completing.take().unwrap_or((line, 0));
        let begin = typed.to_lowercase();
        let mut found = known.iter().filter(|l| l.to_lowercase().starts_with(&begin));
        let count = found.clone().count();
        if count == 0 {
            return;
        }
        if let (Some(login), Some(line)) = (found.nth(n % count), self.line()) {
            *line = Input::with(login.as_str());
            self.completing = Some((typed, n + 1));
        }
    }
}
