//! The command line: configuration → one command, human text or `--json`, documented exit codes.
//!
//! One file a command, or a family of them. Results go to standard output, progress and errors to standard error.

pub mod arguments;
mod dashboard;
mod demo;
mod diff;
pub mod exit;
mod jobs;
mod list;
mod output;
mod package;
mod progress;
pub mod restore;
mod sandbox;
mod script;
mod session;
mod source;
mod start;
mod watch;
mod with_engine;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use output::{End, Outcome};
use session::Session;

/// The whole program: arguments in, exit code out.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not errors.
            let code = if error.use_stderr() { exit::USAGE } else { exit::OK };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let session = Session { common: arguments.common };
    match dispatch(&session, arguments.command) {
        Ok(code) | Err(End::Code(code)) => ExitCode::from(code),
        Err(End::Failure(failure)) => {
            output::failure(&failure, session.common.json);
            ExitCode::from(exit::code(&failure))
        }
    }
}

fn dispatch(session: &Session, command: Option<Command>) -> Outcome {
    let Some(command) = command else { return dashboard::run(session) };
    match command {
        Command::Sandbox(arguments) => sandbox::run(session, arguments),
        Command::Tenants => jobs::tenants(session),
        Command::Jobs { limit } => jobs::jobs(session, limit),
        Command::Backup { tenants, comment } => start::backup(session, tenants, comment),
        Command::Restore(arguments) => restore::run(session, *arguments),
        Command::Script { package, format, object } => script::script(session, &package, format, object.as_deref()),
        Command::Diff(arguments) => diff::diff(session, &arguments),
        Command::List { tenant } => list::backups(session, tenant.as_deref()),
        Command::Verify { package } => start::verify(session, &package),
        Command::Inspect { package } => package::inspect(session, &package),
        Command::Rows { package, table, format, limit } => package::rows(session, &package, &table, format, limit),
        Command::Demo { line } => demo::run(session, line),
        Command::ExitCodes if session.common.json => {
            let codes: Vec<_> =
                exit::codes().map(|(code, meaning)| serde_json::json!({ "code": code, "meaning": meaning })).collect();
            output::json(&codes)?;
            Ok(exit::OK)
        }
        Command::ExitCodes => {
            use std::io::Write;
            writeln!(output::stdout(), "{}", exit::TABLE)?;
            Ok(exit::OK)
        }
    }
}
