//! What the commands share: the configuration when one needs it, the log, the engine, the passwords a person types.

use super::arguments::Common;
use super::exit;
use super::output::{self, End};
use crate::config::{Config, ConfigError, Loaded, Overrides};
use crate::engine::event::{Failure, FailureKind};

/// A command's surroundings.
pub struct Session {
    /// The flags that every command takes.
    pub common: Common,
}

impl Session {
    /// The configuration, all layers. What is doubtful is told.
    pub fn config(&self) -> Result<Config, End> {
        let flags = Overrides { data_dir: self.common.data_dir.clone(), workers: self.common.workers, product: None };
        let environment = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        match Config::load(self.common.config.as_deref(), &environment, &flags) {
            Ok(Loaded { config, warnings, .. }) => {
                for warning in warnings {
                    if !self.common.quiet {
                        output::tell(&format!("warning: {warning}"));
                    }
                }
                Ok(config)
            }
            Err(error) => Err(self.configuration_error(&error)),
        }
    }

    fn configuration_error(&self, error: &ConfigError) -> End {
        let failure = match error {
            ConfigError::Problems(_) => Failure::new(error.to_string()),
            ConfigError::Unreadable { source, .. } => Failure::new(error.to_string()).because(source),
        };
        output::failure(&failure.kind(FailureKind::Configuration), self.common.json);
        End::Code(exit::CONFIGURATION)
    }
}

/// The runtime of a command.
pub fn runtime() -> Result<tokio::runtime::Runtime, End> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|e| Failure::new("cannot start the threads that pacrat works with").because(&e).into())
}
