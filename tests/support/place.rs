//! A sandbox that is known to a configuration as `box`, and how its answers are read.

use pacrat::sandbox::{LoginOptions, Sandbox, SandboxOptions};
use pacrat::sqlserver::orders::{Answer, Field};
use pacrat::sqlserver::target::{Secret, Target};

/// The word of every login.
pub const PASSWORD: &str = "Rat-and-tail-7";

/// A sandbox with these administrators; the first is whom the configuration names.
pub async fn sandbox(logins: &[&str]) -> Sandbox {
    let logins = logins.iter().map(|name| LoginOptions::administrator(*name, PASSWORD)).collect();
    Sandbox::start(SandboxOptions { logins, ..SandboxOptions::default() }).await.expect("the sandbox starts")
}

/// A config.toml that knows the sandbox as `box`, one of its databases as a tenant, and the folder `store`.
/// `server_lines` says the password, and may set more of the server; `more` goes to the end.
pub fn configuration(server: &Sandbox, server_lines: &str, tenant: (&str, &str), more: &str) -> String {
    let (port, (tenant, database)) = (server.address().port(), tenant);
    format!(
        "data_dir = \"data\"\n[servers.box]\nhost = \"127.0.0.1\"\nport = {port}\nlogin = \"operator\"\n{server_lines}\n\
         trust_certificate = true\n[tenants.{tenant}]\nserver = \"box\"\n\
         database = \"{database}\"\n[stores.here]\npath = \"store\"\n{more}"
    )
}

/// A database of it.
pub fn target(server: &Sandbox, database: &str) -> Target {
    let mut target = Target::new("127.0.0.1", "operator", Secret::new(PASSWORD)).with_database(database);
    target.port = Some(server.address().port());
    target.trust_certificate = true;
    target
}

/// The rows of an answer, the fields of each joined by blanks.
pub fn rows(answer: &Answer) -> Vec<String> {
    let text = |field: &Field| match field {
        Field::Null => "NULL".to_owned(),
        Field::Bool(b) => u8::from(*b).to_string(),
        Field::Int(n) => n.to_string(),
        Field::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let rows = answer.sets.iter().flat_map(|s| &s.rows);
    rows.map(|row| row.iter().map(text).collect::<Vec<_>>().join(" ")).collect()
}
