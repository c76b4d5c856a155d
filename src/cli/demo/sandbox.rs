//! The sandbox of one demo server: an engine over rows that vanish, with an administrator and the login of pacrat.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::sandbox::meta::server::DEFAULT_COLLATION;
use crate::sandbox::meta::{Product, Server};
use crate::sandbox::session::Backend;
use crate::sandbox::sql::engine::{CatalogueHooks, Engine, EngineBackend};
use crate::sandbox::storage::Storage;

/// A server that does not listen yet.
pub struct Sandbox {
    /// What takes logins.
    pub backend: Arc<dyn Backend>,
    /// Where its rows lie.
    pub storage: PathBuf,
}

/// Makes one. The login may make databases; into those that are there it comes by a user.
pub fn start(name: &str, administrator: &str, login: &str, password: &str) -> io::Result<Sandbox> {
    let mut server = Server::new(&name.to_uppercase(), Product::Sql2019, DEFAULT_COLLATION, administrator);
    server.add_login(login, password, &["dbcreator"]);
    let storage = Storage::private()?;
    let path = storage.path().to_path_buf();
    let engine = Engine::new(server, storage, CatalogueHooks::default())?;
    Ok(Sandbox { backend: Arc::new(EngineBackend(engine)), storage: path })
}
