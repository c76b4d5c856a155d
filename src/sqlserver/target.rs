//! Where a server is, how to log in and how long to wait. Both drivers are configured from the same [`Target`].

use std::path::PathBuf;
use std::time::Duration;

/// The port of a default instance.
pub const DEFAULT_PORT: u16 = 1433;

/// A secret. It has no `Display`, its `Debug` says nothing, it is not serialisable, and its bytes are overwritten when
/// it goes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the login and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // Best effort: without unsafe code the compiler may elide it, and copies made by the drivers are their own.
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Encryption {
    /// Only the login is encrypted (a server may still insist on all of it).
    Off,
    /// Everything is encrypted after the first exchange.
    #[default]
    On,
    /// TDS 8.0: TLS before anything else.
    Strict,
}

/// A server and a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host name or address.
    pub host: String,
    /// TCP port; [`DEFAULT_PORT`] unless given or found by the instance's name.
    pub port: Option<u16>,
    /// A named instance, asked of the SQL Server Browser when no port is given.
    pub instance: Option<String>,
    /// The database named in the login; the login's default database otherwise.
    pub database: Option<String>,
    /// SQL login.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// Encryption.
    pub encryption: Encryption,
    /// Accept any server certificate. Excludes `ca_file`.
    pub trust_certificate: bool,
    /// PEM or DER certificates trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The name that the server's certificate must carry, if not `host`.
    pub certificate_host: Option<String>,
    /// How long connecting and logging in may take; zero waits for ever.
    pub connect_timeout: Duration,
    /// How long one command may take, or rows may stay away; zero waits for ever.
    pub command_timeout: Duration,
    /// `program_name` at the server.
    pub application: String,
}

impl Target {
    /// A target with pacrat's defaults: encrypted, certificate checked, 15 seconds to connect, no limit on commands.
    pub fn new(host: impl Into<String>, user: impl Into<String>, password: Secret) -> Self {
        Self {
            host: host.into(),
            port: None,
            instance: None,
            database: None,
            user: user.into(),
            password,
            encryption: Encryption::default(),
            trust_certificate: false,
            ca_file: None,
            certificate_host: None,
            connect_timeout: Duration::from_secs(15),
            command_timeout: Duration::ZERO,
            application: "pacrat".into(),
        }
    }

    /// The same server and login, another database.
    pub fn with_database(&self, database: impl Into<String>) -> Self {
        Self { database: Some(database.into()), ..self.clone() }
    }

    /// Host and port, or host and instance, as an operator writes it. Without the login.
    pub fn address(&self) -> String {
        match (self.port, &self.instance) {
            (Some(port), _) => format!("{}:{port}", self.host),
            (None, Some(instance)) => format!("{}\\{instance}", self.host),
            (None, None) => format!("{}:{DEFAULT_PORT}", self.host),
        }
    }

    /// Whether the parts fit together; the words say what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if self.host.trim().is_empty() {
            return Err("the server's host is empty; write a host name or an address".into());
        }
        if self.user.is_empty() {
            return Err("no user; only SQL logins are supported, so write a user and a password".into());
        }
        if self.trust_certificate && self.ca_file.is_some() {
            return Err("trust certificate and an own CA file exclude each other; keep the CA file".into());
        }
        if self.trust_certificate && self.encryption == Encryption::Strict {
            return Err("strict encryption always checks the certificate; leave out trust certificate, \
                        or name a CA file"
                .into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_never_prints_its_password() {
        let target = Target::new("db1", "sa", Secret::new("hunter2"));
        assert!(!format!("{target:?}").contains("hunter2"));
        assert!(format!("{target:?}").contains("Secret(***)"));
    }

    #[test]
    fn addresses_are_as_written() {
        let mut target = Target::new("db1", "sa", Secret::default());
        assert_eq!(target.address(), "db1:1433");
        target.instance = Some("EAST".into());
        assert_eq!(target.address(), "db1\\EAST");
        target.port = Some(14330);
        assert_eq!(target.address(), "db1:14330");
    }

    #[test]
    fn parts_that_exclude_each_other_are_refused() {
        let mut target = Target::new("db1", "sa", Secret::default());
        assert!(target.check().is_ok());
        target.trust_certificate = true;
        target.encryption = Encryption::Strict;
        assert!(target.check().unwrap_err().contains("strict"));
        target.encryption = Encryption::On;
        target.ca_file = Some("ca.pem".into());
        assert!(target.check().unwrap_err().contains("CA file"));
    }
}
