//! The configured servers as targets of the driver: parts or connection string, password from wherever it comes.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::event::{Failure, FailureKind};
use crate::config::{self, Address, Password, PasswordError, Server};
use crate::sqlserver::connection_string;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::target::{Encryption, Secret, Target};

/// The configured servers with what was asked for on the terminal.
#[derive(Debug, Clone, Default)]
pub struct Servers {
    servers: BTreeMap<String, Server>,
    asked: HashMap<String, config::Secret>,
    connections: usize,
}

impl Servers {
    /// Those of a configuration; `asked` holds the passwords that a person typed, by server.
    pub fn new(config: &config::Config, asked: HashMap<String, config::Secret>) -> Self {
        Self { servers: config.servers.clone(), asked, connections: config.connections }
    }

    /// Tables at once inside one job on that server.
    pub fn connections(&self, name: &str) -> usize {
        self.servers.get(name).and_then(|s| s.connections).unwrap_or(self.connections).max(1)
    }

    /// Name and address of each, without secrets.
    pub fn addresses(&self) -> Vec<(String, String)> {
        self.servers.iter().map(|(name, server)| (name.clone(), address(server))).collect()
    }

    /// How to reach a server. Blocks: a password command may be run.
    pub fn target(&self, name: &str) -> Result<Target, Failure> {
        let Some(server) = self.servers.get(name) else {
            let known: Vec<&str> = self.servers.keys().map(String::as_str).collect();
            let hint = match known.is_empty() {
                true => format!("write a table [servers.{name}] in config.toml"),
                false => format!("the configured servers are: {}", known.join(", ")),
            };
            let failure = Failure::new(format!("there is no server {name} in the configuration"));
            return Err(failure.kind(FailureKind::Request).hint(hint));
        };
        let wrong = |why: String| {
            Failure::new(format!("server {name} in the configuration: {why}"))
                .kind(FailureKind::Configuration)
                .hint("correct it in config.toml")
        };
        let mut target = match &server.address {
            Address::Parts { host, port, instance } => {
                let login = server.login.clone().unwrap_or_default();
                let mut target = Target::new(host, login, Secret::default());
                target.port = *port;
                target.instance.clone_from(instance);
                target
            }
            Address::ConnectionString(text) => {
                // The last of two equal keys wins, so what stands beside the string goes before what is in it.
                let login = server.login.as_ref().map(|l| format!(";User ID='{}'", l.replace('\'', "''")));
                let text = format!("{}{}", text.reveal(), login.unwrap_or_default());
                connection_string::parse(&text).map_err(|e| wrong(e.to_string()))?
            }
        };
        match server.encryption {
            Some(config::Encryption::Off) => target.encryption = Encryption::Off,
            Some(config::Encryption::On) => target.encryption = Encryption::On,
            Some(config::Encryption::Strict) => target.encryption = Encryption::Strict,
            None => {}
        }
        if let Some(trust) = server.trust_certificate {
            target.trust_certificate = trust;
        }
        if server.ca_file.is_some() {
            target.ca_file.clone_from(&server.ca_file);
        }
        target.connect_timeout = Duration::from_secs(u64::from(server.connect_timeout));
        target.command_timeout = Duration::from_secs(u64::from(server.command_timeout));
        if server.password != Password::InConnectionString {
            target.password = self.password(name, server)?;
        }
        target.check().map_err(wrong)?;
        Ok(target)
    }

    fn password(&self, name: &str, server: &Server) -> Result<Secret, Failure> {
        let resolved = match (&server.password, self.asked.get(name)) {
            (Password::Ask, Some(asked)) => Ok(asked.clone()),
            (password, _) => password.resolve(&|name| std::env::var(name).ok()),
        };
        resolved.map(|secret| Secret::new(secret.reveal())).map_err(|error| {
            let hint = match &error {
                PasswordError::NotAsked => {
                    "run pacrat on a terminal, or write password_env, password_file or password_command"
                }
                _ => "correct where config.toml says the password comes from",
            };
            Failure::new(format!("there is no password for server {name}"))
                .because(&error)
                .kind(FailureKind::Configuration)
                .hint(hint)
        })
    }
}

fn address(server: &Server) -> String {
    match &server.address {
        Address::Parts { host, port: None, instance: Some(instance) } => format!("{host}\\{instance}"),
        Address::Parts { host, port, .. } => {
            format!("{host}:{}", port.unwrap_or(crate::sqlserver::target::DEFAULT_PORT))
        }
        Address::ConnectionString(text) => match connection_string::parse(text.reveal()) {
            Ok(target) => target.address(),
            Err(_) => "by a connection string".into(),
        },
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        let kind = match &error {
            SqlError::Unreachable { .. } | SqlError::Tls { .. } | SqlError::Login { .. } => FailureKind::Unreachable,
            SqlError::Bcp(_) => FailureKind::Damaged,
            _ => FailureKind::Other,
        };
        let mut failure = Self::new(error.to_string()).kind(kind).retryable(error.retryable());
        failure.hint = error.hint();
        failure.sql_error = error.number();
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn servers(text: &str) -> Servers {
        let (config, _) = config::Config::parse(Path::new("/c/config.toml"), text).unwrap();
        Servers::new(&config, HashMap::new())
    }

    #[test]
    fn parts_and_connection_strings_become_targets() {
        let servers = servers(
            "[servers.a]\nhost = 'db\\EAST'\nlogin = 'sa'\npassword = 'x'\nencryption = 'off'\nconnect_timeout = 3\n\
             [servers.b]\nconnection_string = 'Server=tcp:db2,1444;Password=y;Encrypt=strict'\nlogin = \"o'neil\"\n",
        );
        let a = servers.target("a").unwrap();
        assert_eq!((a.host.as_str(), a.instance.as_deref(), a.user.as_str()), ("db", Some("EAST"), "sa"));
        assert_eq!((a.encryption, a.connect_timeout), (Encryption::Off, Duration::from_secs(3)));
        assert_eq!(a.password.expose(), "x");
        let b = servers.target("b").unwrap();
        assert_eq!((b.host.as_str(), b.port, b.user.as_str()), ("db2", Some(1444), "o'neil"));
        assert_eq!((b.encryption, b.password.expose()), (Encryption::Strict, "y"));
    }

    #[test]
    fn what_is_missing_is_told_with_what_to_do() {
        let servers = servers("[servers.a]\nhost = 'db'\nlogin = 'sa'\n");
        let unknown = servers.target("b").unwrap_err();
        assert_eq!(
            unknown.lines(),
            ["there is no server b in the configuration", "hint: the configured servers are: a"]
        );
        let unasked = servers.target("a").unwrap_err();
        assert_eq!(unasked.kind, FailureKind::Configuration);
        assert_eq!(unasked.causes, ["the password must be asked for, and there is nobody to ask"]);
    }
}
