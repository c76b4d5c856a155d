//! The binary in a home of its own, so that nothing of the machine's is read or written.

use std::path::Path;

use assert_cmd::Command;

/// How a run ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs to the end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// pacrat in a home of its own.
pub struct Pacrat {
    home: tempfile::TempDir,
}

impl Pacrat {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// With a config.toml.
    pub fn config(self, text: &str) -> Self {
        std::fs::write(self.home().join("config.toml"), text).unwrap();
        self
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::cargo_bin("pacrat").unwrap();
        command.env_clear().env("HOME", self.home()).env("COLUMNS", "100");
        let config = self.home().join("config.toml");
        if config.exists() {
            command.env("PACRAT_CONFIG", config);
        }
        ran(command.args(arguments))
    }
}
