//! What definition statements are answered when they fail: one or more ERROR tokens in order, of which TRY/CATCH sees the
//! last (fact 51).

use std::collections::HashSet;

use crate::sandbox::meta::names::fold;
use crate::sandbox::session::Message;

/// The errors of a failed statement.
#[derive(Debug, Clone)]
pub struct DdlError {
    /// In the order sent; never empty.
    pub messages: Vec<Message>,
    /// INFO 3621 follows.
    pub terminated: bool,
    /// Found while compiling: the batch does not run, and the DONE says 253.
    pub ends_batch: bool,
}

impl DdlError {
    /// One error.
    pub fn new(number: i32, state: u8, class: u8, text: impl Into<String>) -> DdlError {
        DdlError {
            messages: vec![Message { number, state, class, text: text.into(), procedure: String::new(), line: 1 }],
            terminated: false,
            // Classes 15 are of the parser.
            ends_batch: class == 15,
        }
    }

    /// The same, with another error after it.
    pub fn then(mut self, number: i32, state: u8, class: u8, text: impl Into<String>) -> DdlError {
        self.messages.push(Message { number, state, class, text: text.into(), procedure: String::new(), line: 1 });
        self
    }

    /// The same, and 1750 with its state after it (fact 51).
    pub fn constraint(self, state: u8) -> DdlError {
        self.then(1750, state, 16, "Could not create constraint or index. See previous errors.")
    }

    /// The same, found while compiling.
    pub fn compile(mut self) -> DdlError {
        self.ends_batch = true;
        self
    }

    /// The same, followed by INFO 3621.
    pub fn with_3621(mut self) -> DdlError {
        self.terminated = true;
        self
    }

    /// The same, at a line.
    pub fn at_line(mut self, line: u32) -> DdlError {
        for message in &mut self.messages {
            message.line = line;
        }
        self
    }

    /// The error that TRY/CATCH sees.
    pub fn last(&self) -> &Message {
        // Built with one and only ever added to.
        &self.messages[self.messages.len() - 1]
    }
}

/// 8168 unless every name is there once, for `names` as they are compared under a case-insensitive collation.
// Assumption: names of one statement are compared without case, whatever the database does.
pub fn each_once<'a>(names: impl Iterator<Item = &'a String>) -> DdlResult<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(fold(name, true)) {
            return Err(DdlError::new(
                8168,
                0,
                16,
                format!(
                    "Cannot create, drop, enable, or disable more than one constraint, column, index, or trigger named \
                     '{name}' in this context. Duplicate names are not allowed."
                ),
            ));
        }
    }
    Ok(())
}

/// 1911.
pub fn no_index_column(name: &str) -> DdlError {
    DdlError::new(1911, 1, 16, format!("Column name '{name}' does not exist in the target table or view."))
}

/// 1909.
pub fn index_column_twice(name: &str) -> DdlError {
    let text = format!("Cannot use duplicate column names in index. Column name '{name}' listed more than once.");
    DdlError::new(1909, 1, 16, text)
}

impl std::fmt::Display for DdlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, m) in self.messages.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            write!(f, "error {}: {}", m.number, m.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for DdlError {}

/// What a step of a definition statement answers.
pub type DdlResult<T> = Result<T, DdlError>;

/// 102.
pub fn syntax(near: &str) -> DdlError {
    DdlError::new(102, 1, 15, format!("Incorrect syntax near '{near}'."))
}

/// 155: an option that a statement does not have.
// Assumption: by what name the server calls the statement there; only `CREATE INDEX` and the like are remembered.
pub fn unknown_option(option: &str, statement: &str) -> DdlError {
    DdlError::new(155, 1, 15, format!("'{option}' is not a recognized {statement} option.")).compile()
}

/// 156.
pub fn syntax_keyword(near: &str) -> DdlError {
    DdlError::new(156, 1, 15, format!("Incorrect syntax near the keyword '{near}'."))
}

/// 2714: name in use, the state by the kind of what is made (fact 54).
pub fn name_in_use(name: &str, state: u8) -> DdlError {
    DdlError::new(2714, state, 16, format!("There is already an object named '{name}' in the database."))
}

/// 3701: what is to be dropped is not there.
pub fn cannot_drop(what: &str, name: &str, state: u8) -> DdlError {
    DdlError::new(
        3701,
        state,
        11,
        format!("Cannot drop the {what} '{name}', because it does not exist or you do not have permission."),
    )
}

/// 15151: what is named is not there, or not for you.
pub fn cannot_find(verb: &str, what: &str, name: &str) -> DdlError {
    DdlError::new(
        15151,
        1,
        16,
        format!("Cannot {verb} the {what} '{name}', because it does not exist or you do not have permission."),
    )
}

/// 4902.
pub fn no_table(name: &str) -> DdlError {
    DdlError::new(
        4902,
        1,
        16,
        format!("Cannot find the object \"{name}\" because it does not exist or you do not have permissions."),
    )
}

/// 207.
pub fn invalid_column(name: &str) -> DdlError {
    DdlError::new(207, 1, 16, format!("Invalid column name '{name}'."))
}

/// 911.
pub fn no_database(name: &str) -> DdlError {
    DdlError::new(
        911,
        1,
        16,
        format!("Database '{name}' does not exist. Make sure that the name is entered correctly."),
    )
}

/// 916.
pub fn no_access(login: &str, database: &str) -> DdlError {
    DdlError::new(
        916,
        1,
        14,
        format!(
            "The server principal \"{login}\" is not able to access the database \"{database}\" under the current \
             security context."
        ),
    )
}

/// 2760: schema unknown.
pub fn no_schema(name: &str) -> DdlError {
    DdlError::new(
        2760,
        1,
        16,
        format!("The specified schema name \"{name}\" either does not exist or you do not have permission to use it."),
    )
}

/// 2715.
pub fn no_type(ordinal: usize, name: &str) -> DdlError {
    DdlError::new(2715, 6, 16, format!("Column, parameter, or variable #{ordinal}: Cannot find data type {name}."))
}

/// 262: a database-level permission is missing.
pub fn permission_denied(permission: &str, database: &str) -> DdlError {
    DdlError::new(262, 1, 14, format!("{permission} permission denied in database '{database}'."))
}

/// 229.
pub fn object_denied(permission: &str, object: &str, database: &str, schema: &str) -> DdlError {
    DdlError::new(
        229,
        5,
        14,
        format!(
            "The {permission} permission was denied on the object '{object}', database '{database}', schema '{schema}'."
        ),
    )
}

/// 15247.
pub fn not_permitted() -> DdlError {
    DdlError::new(15247, 1, 16, "User does not have permission to perform this action.")
}
