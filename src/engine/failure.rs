//! Errors of the layers below, told to an operator: what, of which object, why, and what to do next.

use super::event::{Failure, FailureKind};
use super::journal::JournalError;
use crate::store::StoreError;

impl Failure {
    /// A failure with nothing but its message.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Other,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            retryable: false,
            sql_error: None,
        }
    }

    /// What it is about.
    pub fn kind(mut self, kind: FailureKind) -> Self {
        self.kind = kind;
        self
    }

    /// What to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The causes, from an error and its sources.
    pub fn because(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // Errors that quote their source say it twice otherwise.
            if !self.message.ends_with(&text) && self.causes.last().is_none_or(|last| !last.ends_with(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Put words before it that say what was being done; what it said becomes the first cause.
    pub fn during(mut self, message: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }

    /// Trying again can help.
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// All of it as lines of text: the message, `because:` lines and the hint.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.message.clone()];
        lines.extend(self.causes.iter().map(|c| format!("because: {c}")));
        lines.extend(self.hint.iter().map(|h| format!("hint: {h}")));
        lines
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let mut failure = Self::new(error.to_string()).retryable(matches!(error, StoreError::Io { .. }));
        failure.kind = match &error {
            StoreError::Missing { .. } | StoreError::Name(_) => FailureKind::Request,
            StoreError::Manifest { .. } => FailureKind::Damaged,
            StoreError::Io { .. } => FailureKind::Other,
        };
        failure.hint = match &error {
            e if e.is_full() => Some("free some space there, then try again".into()),
            StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("give the user who runs pacrat the right to read and write there".into())
            }
            StoreError::Io { .. } => None,
            StoreError::Missing { .. } => Some("pacrat list shows what there is".into()),
            StoreError::Name(_) => Some("write a name as pacrat list shows it, or a path with a slash".into()),
            StoreError::Manifest { .. } => Some("pacrat verify checks the package without it".into()),
        };
        if let Some(source) = std::error::Error::source(&error) {
            failure = failure.because(source);
        }
        failure
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let mut failure = Self::new(error.to_string());
        failure.hint = Some(match &error {
            JournalError::Folder { .. } => "name a folder that can be written with data_dir or --data-dir".to_owned(),
            JournalError::Sqlite { path, .. } | JournalError::Damaged { path, .. } => {
                format!("move {} away; the backups do not depend on it", path.display())
            }
            JournalError::Newer { .. } => "use the newer pacrat, or another --data-dir".to_owned(),
        });
        if let Some(source) = std::error::Error::source(&error) {
            failure = failure.because(source);
        }
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_full_disk_says_what_where_why_and_what_to_do() {
        let full = StoreError::io("write", "/backups/a.bacpac.partial")(Error::from(ErrorKind::StorageFull));
        let failure = Failure::from(full).during("the backup of tenant acme failed");
        assert_eq!(
            failure.lines(),
            [
                "the backup of tenant acme failed",
                "because: cannot write /backups/a.bacpac.partial",
                "because: no storage space",
                "hint: free some space there, then try again"
            ]
        );
        assert!(failure.retryable);
    }
}
