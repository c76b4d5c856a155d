//! The server: who may log in, which databases there are, what it says of itself; and the one place that holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::database::{Database, Options, ignores_case};
use super::names::fold;
use super::stamp::Stamp;
use super::version::Product;

/// The collation of a server that was told nothing.
pub const DEFAULT_COLLATION: &str = "SQL_Latin1_General_CP1_CI_AS";

/// A password as a server keeps it: nobody who reads the file can log in with it, here or where else it is used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    salt: [u8; 16],
    digest: [u8; 32],
}

impl Password {
    /// The hash of a password, salted.
    pub fn of(password: &str) -> Password {
        let salt = uuid::Uuid::new_v4().into_bytes();
        Password { salt, digest: Self::digest(&salt, password) }
    }

    /// Whether it is that one.
    pub fn is(&self, password: &str) -> bool {
        self.digest == Self::digest(&self.salt, password)
    }

    fn digest(salt: &[u8], password: &str) -> [u8; 32] {
        Sha256::new().chain_update(salt).chain_update(password).finalize().into()
    }
}

/// A SQL login.
#[derive(Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Login {
    pub principal_id: i32,
    pub name: String,
    /// What it comes in with.
    pub password: Password,
    pub sid: Vec<u8>,
    pub disabled: bool,
    pub created: Stamp,
    pub modified: Stamp,
    pub default_database: String,
    pub default_language: String,
    /// `CHECK_POLICY` and `CHECK_EXPIRATION`; nothing checks.
    #[serde(default)]
    pub policy: (bool, bool),
    /// `sysadmin`, `dbcreator`, …
    pub roles: Vec<String>,
    /// Permissions on the server (`VIEW SERVER STATE`), with `G` or `D`.
    pub permissions: Vec<(String, char)>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("name", &self.name).field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl Login {
    /// Whether it is in a server role.
    pub fn has_role(&self, role: &str) -> bool {
        role.eq_ignore_ascii_case("public") || self.roles.iter().any(|r| r.eq_ignore_ascii_case(role))
    }

    /// sysadmin.
    pub fn is_sysadmin(&self) -> bool {
        self.has_role("sysadmin")
    }

    /// Whether CREATE DATABASE is allowed.
    pub fn may_create_databases(&self) -> bool {
        self.is_sysadmin()
            || self.has_role("dbcreator")
            || self.permissions.iter().any(|(p, s)| {
                *s == 'G' && ["CREATE ANY DATABASE", "ALTER ANY DATABASE", "CONTROL SERVER"].contains(&p.as_str())
            })
    }
}

/// The server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Server {
    /// `@@SERVERNAME`.
    pub name: String,
    pub product: Product,
    pub collation: String,
    pub started: Stamp,
    pub logins: Vec<Login>,
    pub databases: BTreeMap<i32, Arc<Database>>,
    /// sp_configure: configuration_id, value, value in use.
    pub configurations: BTreeMap<i32, (i32, i32)>,
}

/// The ids of the databases of every server.
pub const MASTER: i32 = 1;
/// tempdb.
pub const TEMPDB: i32 = 2;

impl Server {
    /// A fresh server: `sa` with the password given, the system databases, nothing else.
    pub fn new(name: &str, product: Product, collation: &str, sa_password: &str) -> Server {
        let now = Stamp::now();
        let mut server = Server {
            name: name.to_string(),
            product,
            collation: collation.to_string(),
            started: now,
            logins: Vec::new(),
            databases: BTreeMap::new(),
            configurations: BTreeMap::new(),
        };
        server.logins.push(Login {
            principal_id: 1,
            name: "sa".into(),
            password: Password::of(sa_password),
            policy: (true, false),
            sid: vec![1],
            disabled: false,
            created: now,
            modified: now,
            default_database: "master".into(),
            default_language: "us_english".into(),
            roles: vec!["sysadmin".into()],
            permissions: vec![],
        });
        let system: &[&str] =
            if product.is_azure() { &["master", "tempdb"] } else { &["master", "tempdb", "model", "msdb"] };
        for (id, name) in (1..).zip(system) {
            let mut options = Options::fresh(product.compatibility_level(), product.is_azure());
            if matches!(*name, "master" | "tempdb" | "msdb") {
                options.recovery = 3;
            }
            if matches!(*name, "master" | "msdb") {
                // Fact 63: master is always ON.
                options.snapshot = super::database::SnapshotState::On;
            }
            server.databases.insert(id, Arc::new(Database::new(id, name, collation, "sa", options)));
        }
        server
    }

    /// Adds a login; the caller has checked that the name is free.
    pub fn add_login(&mut self, name: &str, password: &str, roles: &[&str]) -> &mut Login {
        let now = Stamp::now();
        let principal_id = self.logins.iter().map(|l| l.principal_id).max().unwrap_or(1).max(256) + 1;
        self.logins.push(Login {
            principal_id,
            name: name.to_string(),
            password: Password::of(password),
            sid: uuid::Uuid::new_v4().as_bytes().to_vec(),
            disabled: false,
            created: now,
            modified: now,
            default_database: "master".into(),
            default_language: "us_english".into(),
            policy: (true, false),
            roles: roles.iter().map(|r| r.to_string()).collect(),
            permissions: vec![],
        });
        let last = self.logins.len() - 1;
        &mut self.logins[last]
    }

    fn ignore_case(&self) -> bool {
        ignores_case(&self.collation)
    }

    /// A login by name (always stored in the spelling it was made with, fact 78).
    pub fn login(&self, name: &str) -> Option<&Login> {
        let wanted = fold(name, self.ignore_case());
        self.logins.iter().find(|l| fold(&l.name, self.ignore_case()) == wanted)
    }

    /// A login by name.
    pub fn login_mut(&mut self, name: &str) -> Option<&mut Login> {
        let ci = self.ignore_case();
        let wanted = fold(name, ci);
        self.logins.iter_mut().find(|l| fold(&l.name, ci) == wanted)
    }

    /// A database by name.
    pub fn database(&self, name: &str) -> Option<&Arc<Database>> {
        let wanted = fold(name, self.ignore_case());
        self.databases.values().find(|d| fold(&d.name, self.ignore_case()) == wanted)
    }

    /// A database to change: copied if a snapshot still holds it.
    pub fn database_mut(&mut self, database_id: i32) -> Option<&mut Database> {
        self.databases.get_mut(&database_id).map(Arc::make_mut)
    }

    /// The next database id: the lowest free one from 5.
    pub fn new_database_id(&self) -> i32 {
        (5..).find(|id| !self.databases.contains_key(id)).unwrap_or(i32::MAX)
    }
}

/// The catalogue that all sessions share. Readers take a snapshot and keep it as long as they like; one writer at a time
/// changes a copy and publishes it whole.
#[derive(Debug)]
pub struct Catalogue {
    current: RwLock<Arc<Server>>,
    writer: Mutex<()>,
}

impl Catalogue {
    /// Over a server.
    pub fn new(server: Server) -> Catalogue {
        Catalogue { current: RwLock::new(Arc::new(server)), writer: Mutex::new(()) }
    }

    /// The catalogue as it is now.
    pub fn snapshot(&self) -> Arc<Server> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes it: all of the change is published, or, if it fails, nothing.
    pub fn change<T, E>(&self, change: impl FnOnce(&mut Server) -> Result<T, E>) -> Result<T, E> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.snapshot().as_ref().clone();
        let out = change(&mut next)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(out)
    }
}
