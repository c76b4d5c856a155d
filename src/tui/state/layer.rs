//! What lies over the panes: details, rows, a job, help, dialogs. Each keeps what Esc must find again.

use crate::engine::command::{JobSpec, PackageSource};
use crate::engine::event::JobId;
use crate::engine::query::{BackupInfo, PackageDetails, PackageTable, RestorePlan, RowsPage};
use crate::tui::keys::Context;
use crate::tui::message::Ticket;

use super::Phase;
use super::cursor::Cursor;
use super::input::Input;
use super::restore::Restore;

/// Rows asked for at once.
pub const PAGE: u64 = 200;

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
    Planned(Box<Planned>),
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
            Self::Restore(dialog) => dialog.context(),
            Self::Planned(_) => Context::Planned,
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

/// What a restore would do.
#[derive(Debug)]
pub struct Planned {
    /// The restore.
    pub spec: JobSpec,
    /// Once worked out.
    pub plan: Option<RestorePlan>,
    /// How far it is worked out.
    pub phase: Phase,
    /// Of the question.
    pub ticket: Ticket,
    /// First line shown.
    pub scroll: usize,
}
