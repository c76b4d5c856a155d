//! Cause and fix of the server's errors by number, and whether trying again can help.
//!
//! `remedies.tsv` is made of the catalogue of errors in `../shared/catalog/errors.json` (a test compares them); its
//! lines are number, `retry` or `no`, cause, fix.

use std::sync::LazyLock;

/// What is known of an error's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// `sys.messages.message_id`.
    pub number: i32,
    /// The same again can succeed with nothing changed.
    pub transient: bool,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// Numbers that the catalogue of errors calls passing and that trying again seldom or never mends: 4060 is a database
/// that is not there or closed to the login (Azure, where a database moves, says 40613 as well), 40635 an address that
/// is shut out for too many failed logins, and more of them keep it shut out.
const STAYING: [i32; 2] = [4060, 40635];

impl Remedy {
    /// Whether an operator is told that the same again may help.
    pub fn passes(&self) -> bool {
        self.transient && !STAYING.contains(&self.number)
    }
}

static REMEDIES: LazyLock<Vec<Remedy>> = LazyLock::new(|| {
    include_str!("remedies.tsv")
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some(Remedy {
                number: fields.next()?.parse().ok()?,
                transient: fields.next()? == "retry",
                cause: fields.next()?,
                fix: fields.next()?,
            })
        })
        .collect()
});

/// Looks a number up.
pub fn find(number: i32) -> Option<&'static Remedy> {
    REMEDIES.binary_search_by_key(&number, |r| r.number).ok().map(|i| &REMEDIES[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert_eq!(REMEDIES.len(), include_str!("remedies.tsv").lines().count());
        assert!(REMEDIES.windows(2).all(|w| w[0].number < w[1].number));
        assert!(find(1205).unwrap().transient);
        assert!(!find(18456).unwrap().transient);
        for staying in STAYING {
            let remedy = find(staying).unwrap();
            assert!(remedy.transient && !remedy.passes(), "{staying} needs no exception");
        }
        for passing in [921, 1205, 40197, 40501, 40613, 49918] {
            assert!(find(passing).unwrap().passes(), "{passing}");
        }
        assert_eq!(find(1), None);
    }

    #[test]
    fn the_table_equals_the_catalogue_of_errors() {
        let shared = std::env::var_os("PACRAT_SHARED").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            std::path::PathBuf::from,
        );
        let Ok(text) = std::fs::read_to_string(shared.join("catalog/errors.json")) else {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "SKIPPED: the_table_equals_the_catalogue_of_errors needs ../shared");
            return;
        };
        let errors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let mut compared = 0;
        // Numbers of a client library are not the server's.
        for e in errors.iter().filter(|e| e["kind"] != "client") {
            let number = i32::try_from(e["number"].as_i64().unwrap()).unwrap();
            let remedy = find(number).unwrap_or_else(|| panic!("{number} is not in the table"));
            assert_eq!(remedy.transient, e["transient"].as_bool().unwrap(), "{number}");
            assert_eq!(remedy.cause, e["cause"].as_str().unwrap_or_default().replace('\t', " "), "{number}");
            assert_eq!(remedy.fix, e["fix"].as_str().unwrap_or_default().replace('\t', " "), "{number}");
            compared += 1;
        }
        assert_eq!(compared, REMEDIES.len());
    }
}
