//! The exit codes, documented: a script may rely on them.

use crate::engine::event::{Failure, FailureKind};

/// Everything asked for was done.
pub const OK: u8 = 0;
/// A job failed, or anything else went wrong.
pub const FAILED: u8 = 1;
/// The command line, or a name in it, is wrong.
pub const USAGE: u8 = 2;
/// The configuration is wrong.
pub const CONFIGURATION: u8 = 3;
/// A package is damaged, or a verification failed.
pub const DAMAGED: u8 = 4;
/// A server cannot be reached, or refuses the login.
pub const UNREACHABLE: u8 = 5;
/// `pacrat diff` found differences.
pub const DIFFERENT: u8 = 6;
/// Cancelled; what was begun is cleaned up.
pub const INTERRUPTED: u8 = 130;

/// The table of `--help` and `pacrat help exit-codes`.
pub const TABLE: &str = "\
Exit codes:
    0  everything asked for was done
    1  a job failed, or anything else went wrong
    2  the command line, or a name in it, is wrong
    3  the configuration is wrong
    4  a package is damaged, or a verification failed
    5  a server cannot be reached, or refuses the login
    6  pacrat diff found differences
  130  cancelled (Ctrl-C); what was begun is cleaned up
Of several jobs the highest code counts. A dry run ends with the code that the restore would be refused with.";

/// The table's lines: code and meaning.
pub fn codes() -> impl Iterator<Item = (u8, &'static str)> {
    TABLE.lines().filter_map(|line| {
        let (code, meaning) = line.trim_start().split_once("  ")?;
        Some((code.parse().ok()?, meaning))
    })
}

/// The code of an error.
pub fn code(failure: &Failure) -> u8 {
    match failure.kind {
        FailureKind::Other => FAILED,
        FailureKind::Request => USAGE,
        FailureKind::Configuration => CONFIGURATION,
        FailureKind::Damaged => DAMAGED,
        FailureKind::Unreachable => UNREACHABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_code() {
        for code in [OK, FAILED, USAGE, CONFIGURATION, DAMAGED, UNREACHABLE, DIFFERENT, INTERRUPTED] {
            assert!(codes().any(|(c, meaning)| c == code && !meaning.is_empty()), "{code} is not in the table");
        }
        assert_eq!(codes().count(), 8);
    }
}
