//! Where a password comes from, and a string that does not show itself.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A text that must not be shown: its `Debug` and `Display` are stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wrap a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Where the password of a server comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// The value of an environment variable.
    Env(String),
    /// The first line of a file.
    File(PathBuf),
    /// What a command prints, its first line. The words are the program and its arguments; no shell is involved.
    Command(Vec<String>),
    /// Written in the configuration: works, and warns.
    Literal(Secret),
    /// Asked for on the terminal.
    Ask,
    /// The connection string has it.
    InConnectionString,
}

/// Why there is no password. No text of it holds one.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The variable is not set.
    #[error("environment variable {0} is not set")]
    NotSet(String),
    /// The file cannot be read.
    #[error("cannot read the password file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The command cannot be run.
    #[error("cannot run the password command {program}")]
    Run {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The command failed.
    #[error("the password command {program} ended with {status}")]
    Status {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
    },
    /// The command did not end.
    #[error("the password command {program} did not end within {seconds} s")]
    Timeout {
        /// The program.
        program: String,
        /// How long it had.
        seconds: u64,
    },
    /// What came was empty.
    #[error("{0} gave an empty password")]
    Empty(String),
    /// It must be asked for, and nobody was.
    #[error("the password must be asked for, and there is nobody to ask")]
    NotAsked,
}

const COMMAND_SECONDS: u64 = 30;

impl Password {
    /// The password, from wherever it comes. `Ask` and `InConnectionString` have none of their own: the caller asked
    /// before, or needs none.
    pub fn resolve(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Secret, PasswordError> {
        match self {
            Self::Env(name) => match environment(name) {
                Some(value) if !value.is_empty() => Ok(Secret::new(value)),
                Some(_) => Err(PasswordError::Empty(format!("environment variable {name}"))),
                None => Err(PasswordError::NotSet(name.clone())),
            },
            Self::File(path) => from_file(path),
            Self::Command(words) => from_command(words),
            Self::Literal(secret) => Ok(secret.clone()),
            Self::Ask | Self::InConnectionString => Err(PasswordError::NotAsked),
        }
    }
}

fn first_line(text: &str, whose: impl FnOnce() -> String) -> Result<Secret, PasswordError> {
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(PasswordError::Empty(whose())),
    }
}

fn from_file(path: &Path) -> Result<Secret, PasswordError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| PasswordError::File { path: path.to_path_buf(), source })?;
    first_line(&text, || format!("the file {}", path.display()))
}

fn from_command(words: &[String]) -> Result<Secret, PasswordError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(PasswordError::Empty("an empty password_command".into()));
    };
    let run = |source| PasswordError::Run { program: program.clone(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(run)?;
    // Read on a thread of its own: a command that prints nothing and hangs must not hang us.
    let output = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(output) = output {
            // A password is short: a command that prints for ever is cut off.
            let _ = output.take(64 * 1024).read_to_string(&mut text);
        }
        text
    });
    let until = Instant::now() + Duration::from_secs(COMMAND_SECONDS);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(run)? {
            break status;
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return Err(PasswordError::Timeout { program: program.clone(), seconds: COMMAND_SECONDS });
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    if !status.success() {
        return Err(PasswordError::Status { program: program.clone(), status: status.to_string() });
    }
    let text = reader.join().unwrap_or_default();
    first_line(&text, || format!("the command {program}"))
}
