//! The errors that a fault can answer.

use crate::sandbox::session::Message;

/// The text and class of an error that a fault answers; names are those of the sandbox's own making.
pub(in crate::sandbox) fn message(number: i32, spid: u16, server: &str, database: &str) -> Message {
    // Numbers, classes and words as documented (mssqlserver-1105 and 1205, the list of transient errors of Azure).
    // Assumption: the states, all of them, 2 of 1105 and 51 of 1205 too.
    let (state, class, text) = match number {
        1105 => (
            2,
            17,
            format!(
                "Could not allocate space for object 'dbo.SORT temporary run storage' in database '{database}' because \
                 the 'PRIMARY' filegroup is full due to lack of storage space or database files reaching the maximum \
                 allowed size. Note that UNLIMITED files are still limited to 16TB. Create the necessary space by \
                 dropping objects in the filegroup, adding additional files to the filegroup, or setting autogrowth on \
                 for existing files in the filegroup."
            ),
        ),
        1205 => {
            let deadlock = crate::sandbox::sql::error::deadlock(spid);
            (deadlock.state, deadlock.class, deadlock.text)
        }
        40197 => (
            1,
            17,
            "The service has encountered an error processing your request. Please try again. Error code 4221."
                .to_owned(),
        ),
        40501 => (
            1,
            20,
            "The service is currently busy. Retry the request after 10 seconds. Incident ID: \
             00000000-0000-0000-0000-000000000000. Code: 131075"
                .to_owned(),
        ),
        40613 => (
            1,
            17,
            format!(
                "Database '{database}' on server '{server}' is not currently available.  Please retry the connection \
                 later.  If the problem persists, contact customer support, and provide them the session tracing ID of \
                 '00000000-0000-0000-0000-000000000000'."
            ),
        ),
        40615 => (
            1,
            16,
            format!(
                "Cannot open server '{server}' requested by the login. Client with IP address '127.0.0.1' is not \
                 allowed to access the server.  To enable access, use the Windows Azure Management Portal or run \
                 sp_set_firewall_rule on the master database to create a firewall rule for this IP address or address \
                 range.  It may take up to five minutes for this change to take effect."
            ),
        ),
        49918 => (
            1,
            16,
            "Cannot process request. Not enough resources to process request. The service is currently busy. Please \
             retry the request later."
                .to_owned(),
        ),
        other => (1, 16, format!("Error {other} on demand.")),
    };
    Message { number, state, class, text, procedure: String::new(), line: 1 }
}
