//! Errors of statements: number, state, class and text as the server words them, and how far each one reaches
//! (statement, batch or transaction). Only texts that this engine raises are here; DDL has its own.

use crate::sandbox::session::{Abandoned, Message};

/// How far an error reaches when it is not caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Reach {
    Statement,
    Batch,
    /// The batch ends and the transaction is rolled back (facts 66 and 69).
    Transaction,
}

/// An error raised by a statement. `before` are errors sent ahead of it (facts 7 and 51); only the last one is what
/// TRY/CATCH sees.
#[derive(Debug, Clone)]
pub struct SqlError {
    /// `sys.messages.message_id`.
    pub number: i32,
    /// State.
    pub state: u8,
    /// Class.
    pub class: u8,
    /// Text in full.
    pub text: String,
    /// How far it reaches.
    pub reach: Reach,
    /// Line in the batch, 0 until known.
    pub line: u32,
    /// Procedure, or empty.
    pub procedure: String,
    /// Errors sent before this one.
    pub before: Vec<SqlError>,
    /// Whether INFO 3621 follows when the statement is ended by it (fact 69).
    pub terminated: bool,
    /// Ends the request with an error DONE but without an ERROR token (fact 7).
    pub silent: bool,
    /// The client is gone or cancelled: nothing is sent, nothing is caught.
    pub abandoned: bool,
}

impl From<Abandoned> for SqlError {
    fn from(_: Abandoned) -> Self {
        let mut e = SqlError::new(0, 0, 0, "");
        e.abandoned = true;
        e.silent = true;
        e.reach = Reach::Batch;
        e
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => SqlError::new(
                9002,
                2,
                17,
                "The transaction log for database is full due to 'LOG_BACKUP' and the holdup lsn is (0:0:0).",
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                SqlError::new(1222, 51, 16, "Lock request time out period exceeded.")
            }
            // Assumption: 823 is the nearest number to a failing store underneath; a real one names page and file.
            _ => SqlError::batch(823, 2, 24, format!("The sandbox's storage failed: {error}")),
        }
    }
}

impl From<std::io::Error> for SqlError {
    fn from(error: std::io::Error) -> Self {
        SqlError::batch(823, 2, 24, format!("The sandbox's storage failed: {error}"))
    }
}

/// What a step of execution answers.
pub type SqlResult<T> = Result<T, SqlError>;

impl SqlError {
    /// An error that ends its statement.
    pub fn new(number: i32, state: u8, class: u8, text: impl Into<String>) -> Self {
        SqlError {
            number,
            state,
            class,
            text: text.into(),
            reach: Reach::Statement,
            line: 0,
            procedure: String::new(),
            before: Vec::new(),
            terminated: false,
            silent: false,
            abandoned: false,
        }
    }

    /// An error that ends its batch.
    pub fn batch(number: i32, state: u8, class: u8, text: impl Into<String>) -> Self {
        SqlError { reach: Reach::Batch, ..Self::new(number, state, class, text) }
    }

    /// An error that ends its batch and rolls the transaction back.
    pub fn transaction(number: i32, state: u8, class: u8, text: impl Into<String>) -> Self {
        SqlError { reach: Reach::Transaction, ..Self::new(number, state, class, text) }
    }

    /// The same, followed by INFO 3621 when it ends its statement.
    pub fn with_3621(mut self) -> Self {
        self.terminated = true;
        self
    }

    /// The same, with `first` sent ahead.
    pub fn after(mut self, first: SqlError) -> Self {
        self.before.push(first);
        self
    }

    /// The same, at a line unless one is known.
    pub fn at_line(mut self, line: u32) -> Self {
        if self.line == 0 {
            self.line = line;
        }
        for b in &mut self.before {
            if b.line == 0 {
                b.line = line;
            }
        }
        self
    }

    /// As the wire sends it.
    pub fn message(&self) -> Message {
        Message {
            number: self.number,
            state: self.state,
            class: self.class,
            text: self.text.clone(),
            procedure: self.procedure.clone(),
            line: self.line.max(1),
        }
    }
}

/// 1205: this session gives way.
pub fn deadlock(spid: u16) -> SqlError {
    let text = format!(
        "Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been chosen as the \
         deadlock victim. Rerun the transaction."
    );
    SqlError::transaction(1205, 51, 13, text)
}

/// 3930.
pub fn doomed() -> SqlError {
    SqlError::batch(
        3930,
        1,
        16,
        "The current transaction cannot be committed and cannot support operations that write to the log file. Roll back \
         the transaction.",
    )
}

/// 102.
pub fn syntax(near: &str) -> SqlError {
    SqlError::batch(102, 1, 15, format!("Incorrect syntax near '{near}'."))
}

/// 156.
pub fn syntax_keyword(near: &str) -> SqlError {
    SqlError::batch(156, 1, 15, format!("Incorrect syntax near the keyword '{near}'."))
}

/// 105.
pub fn unclosed_quote(text: &str) -> SqlError {
    SqlError::batch(105, 1, 15, format!("Unclosed quotation mark after the character string '{text}'."))
}

/// 208.
pub fn invalid_object(name: &str) -> SqlError {
    SqlError::batch(208, 1, 16, format!("Invalid object name '{name}'."))
}

/// 207.
pub fn invalid_column(name: &str) -> SqlError {
    SqlError::batch(207, 1, 16, format!("Invalid column name '{name}'."))
}

/// 4104.
pub fn unbound_identifier(name: &str) -> SqlError {
    SqlError::batch(4104, 1, 16, format!("The multi-part identifier \"{name}\" could not be bound."))
}

/// 209.
pub fn ambiguous_column(name: &str) -> SqlError {
    SqlError::batch(209, 1, 16, format!("Ambiguous column name '{name}'."))
}

/// 137.
pub fn undeclared_variable(name: &str) -> SqlError {
    SqlError::batch(137, 2, 15, format!("Must declare the scalar variable \"{name}\"."))
}

/// 134.
pub fn declared_twice(name: &str) -> SqlError {
    SqlError::batch(
        134,
        1,
        15,
        format!(
            "The variable name '{name}' has already been declared. Variable names must be unique within a query batch \
             or stored procedure."
        ),
    )
}

/// 195.
pub fn unknown_function(name: &str) -> SqlError {
    SqlError::batch(195, 10, 15, format!("'{name}' is not a recognized built-in function name."))
}

/// 4121.
pub fn unknown_user_function(name: &str) -> SqlError {
    SqlError::batch(
        4121,
        1,
        16,
        format!(
            "Cannot find either column \"{}\" or the user-defined function or aggregate \"{name}\", or the name is \
             ambiguous.",
            name.split('.').next().unwrap_or(name)
        ),
    )
}

/// 174.
pub fn argument_count(name: &str, count: usize) -> SqlError {
    SqlError::batch(174, 1, 15, format!("The {name} function requires {count} argument(s)."))
}

/// 245.
pub fn conversion_failed(from: &str, value: &str, to: &str) -> SqlError {
    SqlError::transaction(
        245,
        1,
        16,
        format!("Conversion failed when converting the {from} value '{value}' to data type {to}."),
    )
}

/// 241.
pub fn date_conversion_failed() -> SqlError {
    SqlError::transaction(241, 1, 16, "Conversion failed when converting date and/or time from character string.")
}

/// 242.
pub fn date_out_of_range(from: &str, to: &str) -> SqlError {
    SqlError::transaction(
        242,
        3,
        16,
        format!("The conversion of a {from} data type to a {to} data type resulted in an out-of-range value."),
    )
}

/// 8169.
pub fn guid_conversion_failed() -> SqlError {
    SqlError::transaction(8169, 2, 16, "Conversion failed when converting from a character string to uniqueidentifier.")
}

/// 8114.
pub fn error_converting(from: &str, to: &str) -> SqlError {
    SqlError::transaction(8114, 5, 16, format!("Error converting data type {from} to {to}."))
}

/// 8115.
pub fn overflow(from: &str, to: &str) -> SqlError {
    SqlError::new(8115, 2, 16, format!("Arithmetic overflow error converting {from} to data type {to}.")).with_3621()
}

/// 220.
pub fn small_overflow(to: &str, value: i128) -> SqlError {
    SqlError::new(220, 1, 16, format!("Arithmetic overflow error for data type {to}, value = {value}.")).with_3621()
}

/// 8134.
pub fn divide_by_zero() -> SqlError {
    SqlError::new(8134, 1, 16, "Divide by zero error encountered.")
}

/// 529.
pub fn explicit_conversion_not_allowed(from: &str, to: &str) -> SqlError {
    SqlError::batch(529, 1, 16, format!("Explicit conversion from data type {from} to {to} is not allowed."))
}

/// 206.
pub fn type_clash(from: &str, to: &str) -> SqlError {
    SqlError::batch(206, 2, 16, format!("Operand type clash: {from} is incompatible with {to}"))
}

/// 402.
pub fn incompatible_types(a: &str, b: &str, op: &str) -> SqlError {
    SqlError::batch(402, 1, 16, format!("The data types {a} and {b} are incompatible in the {op} operator."))
}

/// 8117.
pub fn invalid_operand(ty: &str, op: &str) -> SqlError {
    SqlError::batch(8117, 1, 16, format!("Operand data type {ty} is invalid for {op} operator."))
}

/// 512.
pub fn subquery_rows() -> SqlError {
    SqlError::new(
        512,
        1,
        16,
        "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or \
         when the subquery is used as an expression.",
    )
    .with_3621()
}

/// 468.
pub fn collation_conflict(a: &str, b: &str, operation: &str) -> SqlError {
    SqlError::batch(
        468,
        9,
        16,
        format!("Cannot resolve the collation conflict between \"{a}\" and \"{b}\" in the {operation} operation."),
    )
}

/// 515.
pub fn null_refused(column: &str, table: &str, verb: &str) -> SqlError {
    SqlError::new(
        515,
        2,
        16,
        format!(
            "Cannot insert the value NULL into column '{column}', table '{table}'; column does not allow nulls. {verb} \
             fails."
        ),
    )
    .with_3621()
}

/// 2628.
pub fn truncated(table: &str, column: &str, value: &str) -> SqlError {
    SqlError::new(
        2628,
        1,
        16,
        format!(
            "String or binary data would be truncated in table '{table}', column '{column}'. Truncated value: '{value}'."
        ),
    )
    .with_3621()
}

/// A statement that this sandbox does not know.
pub fn unsupported(what: &str) -> SqlError {
    // Assumption: 40517 is Azure's "not supported in this version", the nearest existing number for a refusal.
    SqlError::batch(
        40517,
        1,
        16,
        format!("Keyword or statement option '{what}' is not supported in this version of SQL Server."),
    )
}
