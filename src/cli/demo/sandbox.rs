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

/// Logins of the tenants' applications.
const LOGINS: [&str; 3] = ["auditor", "till", "till_test"];

/// Makes one. The login may make databases, and owns those that it makes.
pub fn start(name: &str, administrator: &str, login: &str, password: &str) -> Result<Sandbox, SandboxError> {
    // securityadmin: without it no other login is to be seen, and the dialog of a restore could not tell of them.
    let roles = vec!["dbcreator".into(), "securityadmin".into()];
    let mut logins = vec![LoginOptions { name: login.into(), password: password.into(), roles }];
    // The tenants' own: users of restored databases find them, or get another one.
    logins.extend(LOGINS.map(|name| LoginOptions {
        name: name.into(),
        password: format!("{}-bB2", uuid::Uuid::new_v4()),
        roles: Vec::new(),
    }));
    let options = SandboxOptions {
        name: name.to_uppercase(),
        sa_password: Some(administrator.into()),
        logins,
        ..SandboxOptions::default()
    };
    let engine = crate::sandbox::engine(&options)?;
    let storage = engine.storage.path().to_path_buf();
    Ok(Sandbox { backend: Arc::new(EngineBackend(engine)), storage })
}
