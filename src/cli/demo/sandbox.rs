//! The sandbox of one demo server: an engine over rows that vanish, with an administrator and the login of pacrat.

use std::path::PathBuf;
use std::sync::Arc;

use crate::sandbox::session::Backend;
use crate::sandbox::sql::EngineBackend;
use crate::sandbox::{LoginOptions, SandboxError, SandboxOptions};

/// A server that does not listen yet.
pub struct Sandbox {
    /// What takes logins.
    pub backend: Arc<dyn Backend>,
    /// Where its rows lie.
    pub storage: PathBuf,
}

/// Makes one. The login may make databases, and owns those that it makes.
pub fn start(name: &str, administrator: &str, login: &str, password: &str) -> Result<Sandbox, SandboxError> {
    let options = SandboxOptions {
        name: name.to_uppercase(),
        sa_password: Some(administrator.into()),
        logins: vec![LoginOptions { name: login.into(), password: password.into(), roles: vec!["dbcreator".into()] }],
        ..SandboxOptions::default()
    };
    let engine = crate::sandbox::engine(&options)?;
    let storage = engine.storage.path().to_path_buf();
    Ok(Sandbox { backend: Arc::new(EngineBackend(engine)), storage })
}
