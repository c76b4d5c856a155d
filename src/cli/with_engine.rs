//! The engine for a command: on a runtime of its own, with the passwords that a person types.

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::path::Path;

use super::output::{self, End};
use super::session::{Session, runtime};
use crate::config::{Config, Password, Secret};
use crate::engine::event::{Failure, FailureKind};
use crate::engine::service::Service;

/// A log of more bytes is put aside at the next start; one old one is kept.
const LARGEST_LOG: u64 = 16 << 20;

impl Session {
    /// Write the log from now on. A log that cannot be written stops nothing.
    pub fn start_log(&self, data_dir: &Path) -> Result<(), End> {
        let filter = match self.common.log.as_str() {
            "off" => return Ok(()),
            level @ ("error" | "warn" | "info" | "debug" | "trace") => {
                // Only our own words: a driver's might hold what it sends.
                tracing_subscriber::EnvFilter::new(format!("pacrat={level}"))
            }
            other => {
                return Err(Failure::new(format!("--log {other} is not a level"))
                    .kind(FailureKind::Request)
                    .hint("write error, warn, info, debug, trace or off")
                    .into());
            }
        };
        let path = data_dir.join("pacrat.log");
        let open = || -> std::io::Result<std::fs::File> {
            std::fs::create_dir_all(data_dir)?;
            if std::fs::metadata(&path).is_ok_and(|m| m.len() > LARGEST_LOG) {
                std::fs::rename(&path, data_dir.join("pacrat.log.1"))?;
            }
            OpenOptions::new().append(true).create(true).open(&path)
        };
        match open() {
            Ok(file) => {
                let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
                // A second start in one process (tests) keeps the first log.
                let _ = log.with_writer(std::sync::Mutex::new(file)).try_init();
            }
            Err(e) if !self.common.quiet => output::tell(&format!("warning: no log at {}: {e}", path.display())),
            Err(_) => {}
        }
        Ok(())
    }

    /// Run on a runtime of its own, the engine with it. Passwords of `servers` are asked for before.
    pub fn with_engine<F>(
        &self,
        servers: impl FnOnce(&Config) -> BTreeSet<String>,
        run: impl FnOnce(Service) -> F,
    ) -> output::Outcome
    where
        F: Future<Output = output::Outcome>,
    {
        let config = self.config()?;
        self.start_log(&config.data_dir)?;
        let asked = ask_passwords(&config, &servers(&config))?;
        let runtime = runtime()?;
        let outcome = runtime.block_on(async { run(Service::start(config, asked)).await });
        // What still hangs in a system call is not waited for.
        runtime.shutdown_background();
        outcome
    }
}

/// The passwords that must be asked for, on a terminal; without one the job says so.
fn ask_passwords(config: &Config, servers: &BTreeSet<String>) -> Result<HashMap<String, Secret>, End> {
    let mut asked = HashMap::new();
    for name in servers {
        let Some(server) = config.servers.get(name).filter(|s| s.password == Password::Ask) else { continue };
        if !std::io::stdin().is_terminal() {
            continue;
        }
        let login = server.login.as_deref().map_or_else(String::new, |l| format!(" of {l}"));
        let prompt = format!("Password{login} on {name}: ");
        let typed = rpassword::prompt_password(output::clean(&prompt))
            .map_err(|e| Failure::new(format!("no password for server {name}")).because(&e))?;
        asked.insert(name.clone(), Secret::new(typed));
    }
    Ok(asked)
}
