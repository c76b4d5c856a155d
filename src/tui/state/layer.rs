//! What lies over the panes: details, rows, a job, help, dialogs. Each keeps what Esc must find again.

use crate::engine::command::{Choice, PackageSource};
use crate::engine::event::JobId;
use crate::engine::query::{BackupInfo, PackageDetails, PackageTable, RowsPage};
use crate::tui::keys::Context;
use crate::tui::message::Ticket;

use super::Phase;
use super::cursor::Cursor;
use super::input::Input;

/// Rows asked for at once.
pub const PAGE: u64 = 200;
/// Longest name of a database, in UTF-16 units (sysname is nvarchar(128)).
pub const NAME_UNITS: usize = 128;

/// One layer.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Layer {
    Details(Box<Details>),
    Rows(Box<Rows>),
    Record(Record),
    Job(JobView),
    Messages { scroll: usize },
    Help { scroll: usize },
    Restore(Box<Restore>),
    ConfirmCancel(JobId),
    ConfirmQuit,
    ConfirmForce,
}

impl Layer {
    /// Which keys work in it.
    pub fn context(&self) -> Context {
        match self {
            Self::Details(_) => Context::Details,
            Self::Rows(_) => Context::Rows,
            Self::Record(_) => Context::Record,
            Self::Job(_) => Context::Job,
            Self::Messages { .. } => Context::Messages,
            Self::Help { .. } => Context::Help,
            Self::Restore(_) => Context::Restore,
            Self::ConfirmCancel(_) => Context::ConfirmCancel,
            Self::ConfirmQuit => Context::ConfirmQuit,
            Self::ConfirmForce => Context::ConfirmForce,
        }
    }
}

/// A package: what it says of itself, and its tables.
#[derive(Debug)]
pub struct Details {
    /// Which.
    pub backup: BackupInfo,
    /// As the core takes it.
    pub source: PackageSource,
    /// Once read.
    pub details: Option<PackageDetails>,
    /// How far it is read.
    pub phase: Phase,
    /// Of the question.
    pub ticket: Ticket,
    /// By `schema.table`.
    pub cursor: Cursor<String>,
    /// What must be in a line.
    pub filter: Input,
}

impl Details {
    /// Tables that the filter lets through.
    pub fn shown(&self) -> Vec<&PackageTable> {
        let all = self.details.iter().flat_map(|d| &d.tables);
        all.filter(|t| self.filter.finds(&[&table_name(t)])).collect()
    }
}

/// `schema.table`, raw names.
pub fn table_name(table: &PackageTable) -> String {
    format!("{}.{}", table.schema, table.table)
}

/// Rows of a table.
#[derive(Debug)]
pub struct Rows {
    /// The package.
    pub source: PackageSource,
    /// The table.
    pub table: PackageTable,
    /// What was read last.
    pub page: Option<RowsPage>,
    /// How far the page asked for is read.
    pub phase: Phase,
    /// Of the question.
    pub ticket: Ticket,
    /// The chosen row, from 0.
    pub row: u64,
    /// The first row on the screen.
    pub top: u64,
    /// The first column on the screen.
    pub column: usize,
}

impl Rows {
    /// Rows that are known to be there: as many as the package says, or as many as were seen.
    pub fn known(&self) -> u64 {
        match (&self.page, self.table.rows) {
            // The page is the file itself: it knows best where the table ends.
            (Some(page), _) if !page.more => page.offset + page.rows.len() as u64,
            (_, Some(rows)) => rows,
            (Some(page), None) => page.offset + page.rows.len() as u64 + u64::from(page.more),
            (None, None) => 0,
        }
    }

    /// Whether the row is in the page.
    pub fn holds(&self, row: u64) -> bool {
        self.page.as_ref().is_some_and(|p| row >= p.offset && row - p.offset < p.rows.len() as u64)
    }
}

/// A row, one line a column.
#[derive(Debug)]
pub struct Record {
    /// Of which table.
    pub table: String,
    /// From 0.
    pub number: u64,
    /// Names and cells.
    pub cells: Vec<(String, Option<String>)>,
    /// First line shown.
    pub scroll: usize,
}

/// A job's details.
#[derive(Debug)]
pub struct JobView {
    /// Which.
    pub id: JobId,
    /// First line shown.
    pub scroll: usize,
}

/// Fields of the restore dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Field {
    Server,
    Database,
    /// The name of an existing database once more.
    Typed,
    Keep,
    /// Shows or hides the fields below.
    Options,
    Content,
    Tables,
    Users,
    Permissions,
    Settings,
    Owner,
    Missing,
    Conflict,
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

/// The restore dialog.
#[derive(Debug)]
pub struct Restore {
    /// What is restored.
    pub backup: BackupInfo,
    /// As the core takes it.
    pub source: PackageSource,
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
    /// Tables, with commas between them; all where there are none.
    pub tables: Input,
    /// The new database's collation; the package's where there is none.
    pub collation: Input,
    /// The new database's compatibility level; the package's where there is none.
    pub level: Input,
    /// Where keys go.
    pub field: Field,
    /// What is known about the name.
    pub check: NameCheck,
    /// Of the question about the name.
    pub ticket: Ticket,
    /// Start as soon as the name is known to be free.
    pub submit: bool,
}

impl Restore {
    /// The database is there, and its name was typed to restore into it.
    pub fn into_existing(&self) -> bool {
        self.check == NameCheck::Exists && self.typed.text() == self.database.text()
    }

    /// The fields that are shown, in their order.
    pub fn fields(&self) -> Vec<Field> {
        let there = self.check == NameCheck::Exists;
        let mut fields = vec![Field::Server, Field::Database];
        if there {
            fields.push(Field::Typed);
        }
        fields.extend([Field::Keep, Field::Options]);
        if self.open {
            let common = [
                Field::Content,
                Field::Tables,
                Field::Users,
                Field::Permissions,
                Field::Settings,
                Field::Owner,
                Field::Missing,
            ];
            fields.extend(common);
            if there {
                fields.push(Field::Conflict);
            } else {
                fields.extend([Field::Collation, Field::Level]);
            }
        }
        fields
    }

    /// The line that a field is.
    pub fn input(&self, field: Field) -> Option<&Input> {
        match field {
            Field::Database => Some(&self.database),
            Field::Typed => Some(&self.typed),
            Field::Tables => Some(&self.tables),
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
            Field::Tables => Some(&mut self.tables),
            Field::Collation => Some(&mut self.collation),
            Field::Level => Some(&mut self.level),
            _ => None,
        }
    }

    /// The choice with what was typed; nothing where the level is no number.
    pub fn chosen(&self) -> Option<Choice> {
        let mut choice = self.choice.clone();
        let some = |input: &Input| Some(input.text().trim().to_owned()).filter(|t| !t.is_empty());
        choice.tables =
            self.tables.text().split(',').map(str::trim).filter(|t| !t.is_empty()).map(Into::into).collect();
        // An existing database keeps its own.
        (choice.collation, choice.compatibility_level) = (None, None);
        if self.check != NameCheck::Exists {
            choice.collation = some(&self.collation);
            choice.compatibility_level = match some(&self.level) {
                Some(text) => Some(text.parse().ok()?),
                None => None,
            };
        }
        Some(choice)
    }
}
