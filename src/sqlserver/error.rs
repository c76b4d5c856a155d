//! What can go wrong with a live server: said with the object and the cause, told apart by what helps.

use std::fmt;

use super::remedy;
use crate::bacpac::bcp::BcpError;

/// A message of the server: an error (class above 10) or an information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMessage {
    /// `sys.messages.message_id`.
    pub number: i32,
    /// State: tells apart the places that raise the same number.
    pub state: u8,
    /// Class (severity).
    pub class: u8,
    /// The server's words.
    pub message: String,
    /// The procedure, trigger or function it happened in, if in one.
    pub procedure: Option<String>,
    /// The line in the batch or the procedure, from 1.
    pub line: u32,
}

/// A request that the server refused or could not finish: the error that caused it, and everything else that the
/// server said of it. A failed constraint, for one, brings the cause and then 1750.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The error to be told first: the first of the highest class, so the cause and not its consequence.
    pub cause: ServerMessage,
    /// All errors of the request in the order they came, the cause among them.
    pub errors: Vec<ServerMessage>,
}

impl ServerError {
    /// Of all errors of a request; at least one.
    pub fn new(errors: Vec<ServerMessage>) -> Option<Box<Self>> {
        // Fatal errors (class 20 and above) end the connection and explain everything else. Below that the classes
        // rank nothing: 2627 has class 14, the 3621 and 1750 that follow it have more or less. The first is the cause.
        let cause = errors.iter().find(|e| e.class >= 20).or_else(|| errors.first())?.clone();
        Some(Box::new(Self { cause, errors }))
    }

    /// Whether an error of that number is among them.
    pub fn has(&self, number: i32) -> bool {
        self.errors.iter().any(|e| e.number == number)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The server's words first: where there is room for little, they are what is read.
        let c = &self.cause;
        write!(f, "{} (error {}, class {}, state {}", c.message, c.number, c.class, c.state)?;
        match &c.procedure {
            Some(procedure) => write!(f, " in {procedure}, line {})", c.line)?,
            None => write!(f, ", line {})", c.line)?,
        }
        for e in self.errors.iter().filter(|e| *e != c).take(5) {
            write!(f, "; {}: {}", e.number, e.message)?;
        }
        Ok(())
    }
}

/// A server that says in PRELOGIN that it has no TLS.
pub(super) const NO_ENCRYPTION: &str = "the server offers no encryption";
/// A server that hangs up on a TLS handshake without a PRELOGIN before it does not speak TDS 8.0.
pub(super) const STRICT: &str = "the server does not take strict encryption";

/// A failed operation on a live server. No text holds a password, a token or a connection string.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SqlError {
    /// Nobody answers at the address.
    #[error("cannot reach {address}: {cause}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The operating system's words.
        cause: String,
    },
    /// The encrypted channel could not be made.
    #[error("no secure connection to {address}: {cause}")]
    Tls {
        /// Host and port.
        address: String,
        /// Why.
        cause: String,
    },
    /// The server refused the login or the database.
    #[error("login of {user} at {address} refused: {error}")]
    Login {
        /// Host and port.
        address: String,
        /// The login.
        user: String,
        /// What the server said.
        error: Box<ServerError>,
    },
    /// The server refused a request.
    #[error("{doing}: {error}")]
    Server {
        /// What was being done, with the object.
        doing: String,
        /// What the server said.
        error: Box<ServerError>,
    },
    /// The connection broke, or was dropped after a cancellation.
    #[error("{doing}: the connection is lost: {cause}")]
    Lost {
        /// What was being done, with the object.
        doing: String,
        /// Why.
        cause: String,
    },
    /// Our own patience ended.
    #[error("{doing}: no answer within {seconds} s")]
    Timeout {
        /// What was being done, with the object.
        doing: String,
        /// The configured limit.
        seconds: u64,
    },
    /// By request.
    #[error("cancelled")]
    Cancelled,
    /// A cell that cannot be carried exactly.
    #[error("table {table}, column {column}, row {row}: {reason}")]
    Cell {
        /// `schema.table`.
        table: String,
        /// The column.
        column: String,
        /// The row in the order of reading, from 1.
        row: u64,
        /// Why.
        reason: String,
    },
    /// Rows that are no BCP rows of their table.
    #[error(transparent)]
    Bcp(#[from] BcpError),
    /// The server answered something this program does not understand.
    #[error("{doing}: unexpected answer: {cause}")]
    Unexpected {
        /// What was being done, with the object.
        doing: String,
        /// What was wrong.
        cause: String,
    },
    /// Something asked of this layer that it does not do.
    #[error("{0}")]
    Unsupported(String),
}

impl SqlError {
    /// Whether the same again, with nothing changed, can succeed.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Timeout { .. } => true,
            Self::Server { error, .. } | Self::Login { error, .. } => {
                error.errors.iter().any(|e| remedy::find(e.number).is_some_and(|r| r.passes()))
            }
            _ => false,
        }
    }

    /// The number of the server's error, if one is at the root.
    pub fn number(&self) -> Option<i32> {
        self.server().map(|e| e.cause.number)
    }

    /// What the server said.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Server { error, .. } | Self::Login { error, .. } => Some(error),
            _ => None,
        }
    }

    /// What to do next, where something general can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Server { error, .. } | Self::Login { error, .. } => {
                let known = |e: &&ServerMessage| remedy::find(e.number).is_some();
                // Of 4060 and 18456 the first says what is the matter; of 1750 and its cause, the cause.
                let e = Some(&error.cause).filter(known).or_else(|| error.errors.iter().find(known))?;
                remedy::find(e.number).map(|r| r.fix.to_owned())
            }
            Self::Unreachable { .. } => {
                Some("check the host, the port, the firewall, and that the server listens on TCP".into())
            }
            Self::Tls { cause, .. } if cause == NO_ENCRYPTION => Some(
                "give the server a certificate: pacrat sends no password to a server without one".into(),
            ),
            Self::Tls { cause, .. } if cause.starts_with(STRICT) => {
                Some("write encryption = \"on\" unless the server is SQL Server 2022, a later one, or Azure SQL".into())
            }
            Self::Tls { .. } => Some(
                "check the server's certificate; name its authority with ca_file, or on a network that you trust write \
                 trust_certificate = true"
                    .into(),
            ),
            Self::Lost { .. } => Some("check the network and the server's error log, then try again".into()),
            Self::Timeout { .. } => Some("raise the timeout, or look for what blocks the command at the server".into()),
            _ => None,
        }
    }

    /// The same error, said of something else being done.
    pub fn doing(self, what: impl Into<String>) -> Self {
        let doing = what.into();
        match self {
            Self::Server { error, .. } => Self::Server { doing, error },
            Self::Lost { cause, .. } => Self::Lost { doing, cause },
            Self::Timeout { seconds, .. } => Self::Timeout { doing, seconds },
            Self::Unexpected { cause, .. } => Self::Unexpected { doing, cause },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: i32, class: u8, text: &str) -> ServerMessage {
        ServerMessage { number, state: 1, class, message: text.into(), procedure: None, line: 3 }
    }

    #[test]
    fn the_cause_is_told_before_its_consequence() {
        let error = ServerError::new(vec![
            message(1505, 16, "duplicate key was found"),
            message(1750, 16, "Could not create constraint or index. See previous errors."),
        ])
        .unwrap();
        let error = SqlError::Server { doing: "creating PK_t".into(), error };
        assert_eq!(error.number(), Some(1505));
        assert_eq!(
            error.to_string(),
            "creating PK_t: duplicate key was found (error 1505, class 16, state 1, line 3); \
             1750: Could not create constraint or index. See previous errors."
        );
        assert!(!error.retryable());
    }

    #[test]
    fn a_fatal_error_is_the_cause_wherever_it_stands() {
        let error = ServerError::new(vec![message(3621, 0, "terminated"), message(596, 21, "killed")]).unwrap();
        assert_eq!(error.cause.number, 596);
    }

    #[test]
    fn a_deadlock_can_be_tried_again_and_a_wrong_password_cannot() {
        let server = |m| ServerError::new(vec![m]).unwrap();
        let deadlock = SqlError::Server { doing: "reading t".into(), error: server(message(1205, 13, "victim")) };
        assert!(deadlock.retryable());
        assert!(deadlock.hint().is_some());
        let login = SqlError::Login {
            address: "db1:1433".into(),
            user: "sa".into(),
            error: server(message(18456, 14, "Login failed for user 'sa'.")),
        };
        assert!(!login.retryable());
        let no_user = ServerError::new(vec![
            message(4060, 11, "Cannot open database \"acme\" requested by the login. The login failed."),
            message(18456, 14, "Login failed for user 'pacrat'."),
        ]);
        let no_user = SqlError::Login { address: "db1:1433".into(), user: "pacrat".into(), error: no_user.unwrap() };
        assert!(!no_user.retryable(), "a login without a user in the database gets none by trying again");
        let moving = server(message(40613, 17, "Database 'acme' on server 'db1' is not currently available."));
        let moving = SqlError::Login { address: "db1:1433".into(), user: "pacrat".into(), error: moving };
        assert!(moving.retryable());
        assert!(SqlError::Lost { doing: "x".into(), cause: "reset".into() }.retryable());
    }
}
