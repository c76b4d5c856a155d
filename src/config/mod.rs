//! The configuration: what it holds, its defaults, and the layers defaults < file < environment < flags.
//!
//! Reading the file with positions is `read`'s, the problems it reports are `problem`'s, where a password comes from
//! is `password`'s. Nothing here connects to anything or asks a person.

mod password;
mod pattern;
mod problem;
mod read;
mod restore;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bacpac::script::Choice;
pub use password::{Password, PasswordError, Secret};
pub use pattern::{Pattern, Said, Word};
pub(crate) use problem::nearest;
pub use problem::{ConfigError, Origin, Problem};

/// The whole configuration, after layering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What `{product}` stands for in the names of restored databases.
    pub product: String,
    /// How the files of backups are named.
    pub backup_name: Pattern,
    /// What name is suggested for a restored database.
    pub restore_name: Pattern,
    /// Where the journal, the log and the locks are.
    pub data_dir: PathBuf,
    /// Jobs at once, all servers together; 0 means one per core.
    pub workers: usize,
    /// Jobs at once on one server, unless the server says otherwise.
    pub jobs_per_server: usize,
    /// Tables at once inside one job, each on its own connection, unless the server says otherwise.
    pub connections: usize,
    /// Deflate level of the packages, 1 (fast) to 12 (small).
    pub compression: u8,
    /// The store that takes the backups of a tenant that names none.
    pub store: String,
    /// What a restore does unless it is told otherwise.
    pub restore: Choice,
    /// Servers by name.
    pub servers: BTreeMap<String, Server>,
    /// Tenants by name.
    pub tenants: BTreeMap<String, Tenant>,
    /// Stores by name.
    pub stores: BTreeMap<String, StoreConfig>,
}

/// How the wire is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Only the login is encrypted.
    Off,
    /// Everything is encrypted, negotiated inside the protocol.
    On,
    /// TLS before anything else (TDS 8).
    Strict,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// By parts.
    Parts {
        /// Host name or address.
        host: String,
        /// TCP port; the default one unless an instance is named.
        port: Option<u16>,
        /// A named instance, asked for at the server's browser service when there is no port.
        instance: Option<String>,
    },
    /// By an ADO.NET connection string. It may hold a password, so it is treated as one.
    ConnectionString(Secret),
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub address: Address,
    /// The SQL login; none only with a connection string that has one.
    pub login: Option<String>,
    /// Where the password comes from.
    pub password: Password,
    /// Off, on or strict. None with a connection string: the string says.
    pub encryption: Option<Encryption>,
    /// Do not check the server's certificate.
    pub trust_certificate: Option<bool>,
    /// A PEM file of certificate authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Seconds to wait for a connection.
    pub connect_timeout: u32,
    /// Seconds to wait for one command; 0 waits for ever.
    pub command_timeout: u32,
    /// Tables at once inside one job; none takes the configuration's.
    pub connections: Option<usize>,
    /// Jobs at once; none takes the configuration's.
    pub jobs: Option<usize>,
}

/// A tenant: one database to be backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its server's name.
    pub server: String,
    /// Its database; the tenant's own name unless said otherwise.
    pub database: String,
    /// Its group.
    pub group: Option<String>,
    /// The store for its backups; none takes the configuration's.
    pub store: Option<String>,
}

/// A store: a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The folder.
    pub path: PathBuf,
}

/// What the environment or the flags put over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Over `data_dir`.
    pub data_dir: Option<PathBuf>,
    /// Over `workers`.
    pub workers: Option<usize>,
    /// Over `product`.
    pub product: Option<String>,
}

/// A configuration, where it came from and what is doubtful about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file that was read; none when the default file does not exist.
    pub file: Option<PathBuf>,
    /// Things that work and should not be so (a password in the file).
    pub warnings: Vec<Problem>,
}

/// The name of the store that exists without being configured.
pub const DEFAULT_STORE: &str = "local";
/// The default of `connect_timeout`.
pub const DEFAULT_CONNECT_TIMEOUT: u32 = 15;

impl Default for Config {
    fn default() -> Self {
        Self {
            product: "pacrat".into(),
            backup_name: Pattern::backup_default(),
            restore_name: Pattern::restore_default(),
            data_dir: default_data_dir(),
            workers: 0,
            jobs_per_server: 2,
            connections: 4,
            compression: 4,
            store: DEFAULT_STORE.into(),
            restore: Choice::default(),
            servers: BTreeMap::new(),
            tenants: BTreeMap::new(),
            stores: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The configuration from all layers. `explicit` is the path of `--config`: it must exist. Without it the
    /// environment's `PACRAT_CONFIG` (must exist, too), then the platform's default path (need not exist).
    pub fn load(
        explicit: Option<&Path>,
        environment: &dyn Fn(&str) -> Option<String>,
        flags: &Overrides,
    ) -> Result<Loaded, ConfigError> {
        let named = explicit.map(Path::to_path_buf).or_else(|| environment("PACRAT_CONFIG").map(PathBuf::from));
        let (path, required) = match named {
            Some(path) => (Some(path), true),
            None => (default_config_file(), false),
        };
        let mut loaded = Loaded { config: Self::default(), file: None, warnings: Vec::new() };
        if let Some(path) = path {
            match text(&path) {
                Ok(Err(problem)) => return Err(ConfigError::Problems(vec![problem])),
                Ok(Ok(text)) => {
                    let (config, warnings) = read::read(&path, &text)?;
                    loaded = Loaded { config, file: Some(path), warnings };
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound && !required => {}
                Err(source) => return Err(ConfigError::Unreadable { path, source }),
            }
        }
        loaded.config.apply(&overrides_of_environment(environment)?);
        loaded.config.apply(flags);
        Ok(loaded)
    }

    /// The configuration that a file's text means, without environment and flags.
    pub fn parse(path: &Path, text: &str) -> Result<(Self, Vec<Problem>), ConfigError> {
        read::read(path, text)
    }

    fn apply(&mut self, over: &Overrides) {
        if let Some(dir) = &over.data_dir {
            self.data_dir = dir.clone();
        }
        if let Some(workers) = over.workers {
            self.workers = workers;
        }
        if let Some(product) = &over.product {
            self.product = product.clone();
        }
    }

    /// The stores: those configured, or the one in the data folder when none is.
    pub fn effective_stores(&self) -> BTreeMap<String, StoreConfig> {
        if self.stores.is_empty() {
            let local = StoreConfig { path: self.data_dir.join("backups") };
            return BTreeMap::from([(DEFAULT_STORE.to_owned(), local)]);
        }
        self.stores.clone()
    }

    /// The store that takes a tenant's backups.
    pub fn store_of(&self, tenant: &Tenant) -> String {
        let stores = self.effective_stores();
        let wanted = tenant.store.as_ref().unwrap_or(&self.store);
        // One store only and no choice made: there is nothing to name.
        match (stores.contains_key(wanted), stores.keys().next()) {
            (false, Some(only)) if stores.len() == 1 => only.clone(),
            _ => wanted.clone(),
        }
    }

    /// Jobs at once, all servers together.
    pub fn worker_count(&self) -> usize {
        if self.workers > 0 {
            return self.workers;
        }
        std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
    }
}

/// Larger than any configuration: ten thousand tenants take about a megabyte.
const LARGEST_FILE: u64 = 4 << 20;

/// The text of a file, or what is wrong with it.
fn text(path: &Path) -> std::io::Result<Result<String, Problem>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    let problem = |line, column, message: &str, instead: &str| {
        let origin = Origin::File { path: path.to_path_buf(), line, column };
        Problem { origin, message: message.into(), instead: Some(instead.into()) }
    };
    if bytes.len() as u64 > LARGEST_FILE {
        return Ok(Err(problem(
            1,
            1,
            "the file is larger than 4 MB: it is no configuration",
            "the path of another file",
        )));
    }
    Ok(String::from_utf8(bytes).map_err(|error| {
        let (read, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        let before = String::from_utf8_lossy(&bytes[..read]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        match bytes.get(..2) {
            Some([0xFF, 0xFE] | [0xFE, 0xFF]) => problem(1, 1, "the file is UTF-16", "the same text saved as UTF-8"),
            _ => problem(line, column, "here is a byte that is no UTF-8", "text in UTF-8"),
        }
    }))
}

fn overrides_of_environment(environment: &dyn Fn(&str) -> Option<String>) -> Result<Overrides, ConfigError> {
    let mut over = Overrides {
        data_dir: environment("PACRAT_DATA_DIR").map(PathBuf::from),
        workers: None,
        product: environment("PACRAT_PRODUCT"),
    };
    if let Some(text) = environment("PACRAT_WORKERS") {
        let workers = text.trim().parse().map_err(|_| {
            ConfigError::Problems(vec![Problem {
                origin: Origin::Environment("PACRAT_WORKERS".into()),
                message: format!("{text:?} is not a number of workers"),
                instead: Some("PACRAT_WORKERS=4, or 0 for one per core".into()),
            }])
        })?;
        over.workers = Some(workers);
    }
    Ok(over)
}

fn project_dirs() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "pacrat")
}

/// The platform's place for `config.toml`.
pub fn default_config_file() -> Option<PathBuf> {
    project_dirs().map(|d| d.config_dir().join("config.toml"))
}

/// The platform's place for the journal; a folder below the current one where there is no home.
pub fn default_data_dir() -> PathBuf {
    project_dirs().map_or_else(|| PathBuf::from("pacrat-data"), |d| d.data_local_dir().to_path_buf())
}

#[cfg(test)]
mod tests;
