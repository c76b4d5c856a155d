//! A whole sandbox, started: rows, catalogue, engine and wire put together.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::fault::Faults;
use super::meta::Server as Meta;
use super::meta::server::Password;
use super::meta::version::Product;
use super::server::{ListenConfig, Server, StartError};
use super::sql::{Engine, EngineBackend};
use super::storage::Storage;

/// A login of the sandbox.
#[derive(Debug, Clone)]
pub struct LoginOptions {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
    /// Its server roles: `sysadmin`, `dbcreator`, …; none for a login that may only connect.
    pub roles: Vec<String>,
}

impl LoginOptions {
    /// A login that may do everything.
    pub fn administrator(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { name: name.into(), password: password.into(), roles: vec!["sysadmin".into()] }
    }
}

/// What a sandbox is to be.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// `@@SERVERNAME`.
    pub name: String,
    /// What it presents itself as.
    pub product: Product,
    /// The server's collation.
    pub collation: String,
    /// The password of `sa`; without one `sa` is disabled.
    pub sa_password: Option<String>,
    /// Further logins.
    pub logins: Vec<LoginOptions>,
    /// Where the databases are kept; they vanish with the sandbox otherwise.
    pub data: Option<PathBuf>,
    /// Where and how it listens, and its faults.
    pub listen: ListenConfig,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            name: "sandbox".into(),
            product: Product::Sql2019,
            collation: "SQL_Latin1_General_CP1_CI_AS".into(),
            sa_password: None,
            logins: Vec::new(),
            data: None,
            listen: ListenConfig::default(),
        }
    }
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The folder of its databases.
    #[error("the sandbox's databases cannot be kept{}", .path.as_ref().map(|p| format!(" in {}", p.display())).unwrap_or_default())]
    Storage {
        /// The folder, if one was given.
        path: Option<PathBuf>,
        /// Why.
        source: io::Error,
    },
    /// The address or the certificate.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A sandbox without its wire: for whoever puts something between.
pub fn engine(options: &SandboxOptions) -> Result<Arc<Engine>, SandboxError> {
    let storage = |source| SandboxError::Storage { path: options.data.clone(), source };
    let rows = match &options.data {
        Some(path) => std::fs::create_dir_all(path).and_then(|()| Storage::folder(path)),
        None => Storage::private(),
    };
    let mut server = Meta::new(
        &options.name,
        options.product,
        &options.collation,
        options.sa_password.as_deref().unwrap_or_default(),
    );
    add_logins(&mut server, options);
    let engine = Engine::new(server, rows.map_err(storage)?, super::lend::hooks()).map_err(storage)?;
    // A kept folder has its own logins; those asked for now are there, too, with the passwords of now.
    let added = engine.catalogue.change(|server| {
        add_logins(server, options);
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(()) = added;
    Ok(engine)
}

fn add_logins(server: &mut Meta, options: &SandboxOptions) {
    if let Some(sa) = server.login_mut("sa") {
        sa.disabled = options.sa_password.is_none();
        sa.password = Password::of(options.sa_password.as_deref().unwrap_or_default());
    }
    for login in &options.logins {
        match server.login_mut(&login.name) {
            Some(known) => {
                known.disabled = false;
                known.password = Password::of(&login.password);
                known.roles.clone_from(&login.roles);
            }
            None => {
                let roles: Vec<&str> = login.roles.iter().map(String::as_str).collect();
                server.add_login(&login.name, &login.password, &roles);
            }
        }
    }
}

/// A running sandbox. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Sandbox {
    engine: Arc<Engine>,
    server: Server,
}

impl Sandbox {
    /// Start it in the current tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        let engine = engine(&options)?;
        let server = Server::start(Arc::new(EngineBackend(Arc::clone(&engine))), options.listen).await?;
        Ok(Self { engine, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its faults, to be set and taken back while it runs.
    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// Connections that are open or not yet cleaned up.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// Its certificate in PEM; `None` without encryption.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.server.certificate_pem()
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Ends all connections and waits for them; what is kept is written.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
