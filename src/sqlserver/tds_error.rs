//! The errors of the driver mssql-tds in our words.

use mssql_tds::error::{Error, SqlErrorInfo, SqlInfoMessage};

use super::connect::refused;
use super::error::{NO_ENCRYPTION, STRICT, ServerError, ServerMessage, SqlError};
use super::target::{Encryption, Target};

/// An error while connecting.
pub(super) fn connecting(target: &Target, error: Error) -> SqlError {
    let address = target.address();
    match error {
        Error::SqlServerError { diagnostics } => match server_error(diagnostics.errors) {
            Some(error) => refused(target, error),
            None => SqlError::Unexpected { doing: format!("logging in to {address}"), cause: "no reason given".into() },
        },
        Error::TlsError(_)
        | Error::TlsHandshakeError { .. }
        | Error::CertificateExpired
        | Error::CertificateMismatch
        | Error::CertificateNotFound { .. }
        | Error::InvalidCertificateFormat { .. }
        | Error::CertificateFileIoError { .. }
        | Error::NoServerCertificate => {
            let mut cause = error.to_string();
            if target.encryption == Encryption::Strict && cause.contains("EOF") {
                cause = format!("{STRICT}: {cause}");
            }
            SqlError::Tls { address, cause }
        }
        Error::ProtocolError(cause) if cause.contains("does not support encryption") => {
            SqlError::Tls { address, cause: NO_ENCRYPTION.to_owned() }
        }
        Error::Io(e) => SqlError::Unreachable { address, cause: e.to_string() },
        Error::ConnectionError(cause) | Error::ConnectionClosed(cause) => SqlError::Unreachable { address, cause },
        // The driver's words for a stream that ends in the middle of the login's answer (a gateway that is restarted).
        Error::ProtocolError(cause) if cause.contains("Failed to receive token") => {
            SqlError::Unreachable { address, cause: "the connection was closed during the login".into() }
        }
        Error::TimeoutError(_) => SqlError::Timeout {
            doing: format!("connecting to {address}"),
            seconds: target.connect_timeout.as_secs().max(1),
        },
        Error::OperationCancelledError(_) => SqlError::Cancelled,
        other => SqlError::Unexpected { doing: format!("connecting to {address}"), cause: other.to_string() },
    }
}

/// An error of a request.
pub(super) fn request(doing: &str, seconds: u64, error: Error) -> SqlError {
    let doing = doing.to_owned();
    match error {
        Error::SqlServerError { diagnostics } => match server_error(diagnostics.errors) {
            Some(error) => SqlError::Server { doing, error },
            None => SqlError::Unexpected { doing, cause: "the server reports an error without saying which".into() },
        },
        Error::Io(e) => SqlError::Lost { doing, cause: e.to_string() },
        Error::ConnectionError(cause) | Error::ConnectionClosed(cause) => SqlError::Lost { doing, cause },
        Error::TlsError(e) => SqlError::Lost { doing, cause: e.to_string() },
        Error::TimeoutError(_) => SqlError::Timeout { doing, seconds },
        Error::OperationCancelledError(_) => SqlError::Cancelled,
        // The driver's words for a DONE with the error bit and no ERROR token (an unknown column of a bulk load, say).
        Error::ProtocolError(cause) if cause.contains("without preceding ERROR") => {
            SqlError::Unexpected { doing, cause: "the server reports an error without saying which".into() }
        }
        other => SqlError::Unexpected { doing, cause: other.to_string() },
    }
}

pub(super) fn server_error(errors: Vec<SqlErrorInfo>) -> Option<Box<ServerError>> {
    ServerError::new(errors.into_iter().map(message).collect())
}

fn message(e: SqlErrorInfo) -> ServerMessage {
    ServerMessage {
        number: e.number.cast_signed(),
        state: e.state,
        class: u8::try_from(e.class).unwrap_or(u8::MAX),
        message: e.message,
        procedure: e.proc_name.filter(|p| !p.is_empty()),
        line: e.line_number.and_then(|l| u32::try_from(l).ok()).unwrap_or_default(),
    }
}

pub(super) fn information(e: SqlInfoMessage) -> ServerMessage {
    ServerMessage {
        number: e.number.cast_signed(),
        state: e.state,
        class: u8::try_from(e.class).unwrap_or(u8::MAX),
        message: e.message,
        procedure: e.proc_name.filter(|p| !p.is_empty()),
        line: e.line_number.and_then(|l| u32::try_from(l).ok()).unwrap_or_default(),
    }
}
