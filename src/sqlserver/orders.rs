//! Questions and orders: a batch of T-SQL, and what the server answered. Values are this module's own, so that no
//! caller names a driver.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::error::{ServerMessage, SqlError};

/// A connection that takes batches. One batch at a time.
#[async_trait]
pub trait Orders: Send {
    /// Sends one batch and takes its whole answer. An error of the server anywhere in the batch is the answer's error
    /// (with every other error of the batch); rows that came before it are dropped.
    ///
    /// `doing` says in the operator's words what the batch is for; errors begin with it.
    async fn batch(&mut self, sql: &str, doing: &str, cancel: &CancellationToken) -> Result<Answer, SqlError>;

    /// The connection cannot be used any more.
    fn is_dead(&self) -> bool;
}

/// What a batch was answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The result sets in order.
    pub sets: Vec<ResultSet>,
    /// Informations (PRINT, warnings), where the driver delivers them.
    pub messages: Vec<ServerMessage>,
    /// Rows affected by statements that count, summed, where the driver delivers them.
    pub affected: Option<u64>,
}

impl Answer {
    /// The only value of the first row of the first set.
    pub fn scalar(&self) -> Option<&Field> {
        self.sets.first()?.rows.first()?.first()
    }
}

/// A result set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResultSet {
    /// Column names as sent.
    pub columns: Vec<String>,
    /// Rows of fields, as many as there are columns.
    pub rows: Vec<Vec<Field>>,
}

impl ResultSet {
    /// A column's position. Catalogue queries name every column, so a missing one is a defect of the query.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == column)
    }

    /// The rows with their columns by name.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.rows.iter().map(move |fields| Record { set: self, fields })
    }
}

/// A value of a question's answer. Not for data: rows of tables go through [`super::rows`].
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// NULL.
    Null,
    /// bit.
    Bool(bool),
    /// tinyint to bigint.
    Int(i64),
    /// real and float.
    Float(f64),
    /// Character types; decimal, money, dates and GUIDs as the server would print them in ISO form.
    Text(String),
    /// Binary types.
    Bytes(Vec<u8>),
}

/// A row with its columns by name.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    set: &'a ResultSet,
    fields: &'a [Field],
}

impl<'a> Record<'a> {
    /// A field, NULL when the column does not exist.
    pub fn get(&self, column: &str) -> &'a Field {
        self.set.position(column).and_then(|i| self.fields.get(i)).unwrap_or(&Field::Null)
    }

    /// Whether there is such a column.
    pub fn has(&self, column: &str) -> bool {
        self.set.position(column).is_some()
    }

    /// A text; `None` for NULL.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        match self.get(column) {
            Field::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, empty for NULL.
    pub fn string(&self, column: &str) -> String {
        self.text(column).unwrap_or_default().to_owned()
    }

    /// A whole number; `None` for NULL.
    pub fn int(&self, column: &str) -> Option<i64> {
        match self.get(column) {
            Field::Int(n) => Some(*n),
            Field::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    /// A bit; false for NULL.
    pub fn bool(&self, column: &str) -> bool {
        match self.get(column) {
            Field::Bool(b) => *b,
            Field::Int(n) => *n != 0,
            _ => false,
        }
    }

    /// Bytes; `None` for NULL.
    pub fn bytes(&self, column: &str) -> Option<&'a [u8]> {
        match self.get(column) {
            Field::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}
