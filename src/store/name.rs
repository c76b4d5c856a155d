//! The names of backup files, `{tenant}_{yyyyMMddHHmmss}.bacpac` unless the configuration says otherwise, and back.
//!
//! A tenant's name may hold anything; in the file's name every character that some file system refuses, and `%`,
//! is percent-encoded (UTF-8, upper-case hex). A second backup of the same second gets `-2` before the extension.

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::config::{Pattern, Said, Word};

/// The extension of a package, with its dot.
pub const EXTENSION: &str = ".bacpac";

/// Not allowed in a file name by Windows, or with a meaning of its own.
fn refused(c: char) -> bool {
    c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%')
}

/// Longest tenant part in bytes: with time, extension and `.json.partial` it stays below the 255 of a file name.
const LONGEST: usize = 180;

/// The name of a backup; `nth` is 1 for the first of its second.
pub fn backup_file(pattern: &Pattern, tenant: &str, database: &str, at: Timestamp, nth: u32) -> String {
    let stem = pattern.name(at, |word| match word {
        Word::Database => encode(database),
        Word::Tenant | Word::Product => encode(tenant),
    });
    match nth {
        0 | 1 => format!("{stem}{EXTENSION}"),
        n => format!("{stem}-{n}{EXTENSION}"),
    }
}

fn encode(tenant: &str) -> String {
    let mut out = String::new();
    // Where it would be cut, with room for the mark.
    let mut short = 0;
    for (i, c) in tenant.chars().enumerate() {
        // A leading dot hides the file, a leading dash looks like an option to every tool.
        let leading = i == 0 && matches!(c, '.' | '-' | '~');
        if leading {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else if refused(c) {
            out.extend(utf8_percent_encode(c.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC));
        } else {
            out.push(c);
        }
        if out.len() <= LONGEST - MARK {
            short = out.len();
        }
    }
    if out.len() <= LONGEST {
        return out;
    }
    // Cut between characters, and told apart by a digest: the manifest has the whole name.
    let digest = Sha256::digest(tenant.as_bytes());
    let mark: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
    format!("{}~{mark}", &out[..short])
}

/// `~` and twelve hexadecimal digits.
const MARK: usize = 13;

/// Whether a tenant's name, as [`parse`] gives it, may have been cut: only the manifest knows the rest.
pub fn maybe_cut(tenant: &str) -> bool {
    tenant
        .len()
        .checked_sub(MARK)
        .and_then(|at| tenant.get(at..))
        .is_some_and(|end| end.starts_with('~') && end[1..].bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What a file's name says: whose backup it is (by the tenant's or the database's name), and when it began. Names by
/// the default pattern are understood, too: a pattern may be changed when there are backups. None for any other name.
pub fn parse(pattern: &Pattern, file: &str) -> Option<Said> {
    let stem = file.strip_suffix(EXTENSION)?;
    let first = stem.rsplit_once('-').filter(|(_, nth)| !nth.is_empty() && nth.bytes().all(|b| b.is_ascii_digit()));
    let stems = [Some(stem), first.map(|(stem, _)| stem)];
    let default = Pattern::backup_default();
    let said = [pattern, &default].into_iter().find_map(|p| stems.iter().flatten().find_map(|stem| p.read(stem)))?;
    let text = percent_decode_str(&said.text).decode_utf8().ok()?.into_owned();
    Some(Said { text, ..said })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn names_follow_the_pattern() {
        let t = at("2026-02-03T04:05:06.789Z");
        let pattern = Pattern::backup_default();
        assert_eq!(backup_file(&pattern, "acme", "db", t, 1), "acme_20260203040506.bacpac");
        assert_eq!(backup_file(&pattern, "acme", "db", t, 2), "acme_20260203040506-2.bacpac");
        assert_eq!(backup_file(&pattern, "a/b: c_d\0", "db", t, 1), "a%2Fb%3A c_d%00_20260203040506.bacpac");
        assert_eq!(backup_file(&pattern, "..", "db", t, 1), "%2E._20260203040506.bacpac");
        assert_eq!(backup_file(&pattern, "--help", "db", t, 1), "%2D-help_20260203040506.bacpac");
        let acme = Said { word: Word::Tenant, text: "acme".into(), at: at("2026-02-03T04:05:06Z") };
        assert_eq!(parse(&pattern, "acme_20260203040506-2.bacpac"), Some(acme.clone()));
        // Another pattern, and the names of before it are still understood.
        let other = Pattern::for_backups("{database}-{yyyy-MM-dd-HH.mm.ss}.bacpac").unwrap();
        assert_eq!(backup_file(&other, "acme", "a/b", t, 3), "a%2Fb-2026-02-03-04.05.06-3.bacpac");
        let by_database = Said { word: Word::Database, text: "a/b".into(), ..acme.clone() };
        assert_eq!(parse(&other, "a%2Fb-2026-02-03-04.05.06-3.bacpac"), Some(by_database));
        assert_eq!(parse(&other, "acme_20260203040506-2.bacpac"), Some(acme));
    }

    #[test]
    fn other_names_are_not_ours() {
        for name in [
            "acme.bacpac",
            "acme_2026020304050.bacpac",
            "acme_20261303040506.bacpac",
            "_20260203040506.bacpac",
            "acme_20260203040506-.bacpac",
            "acme_20260203040506-x.bacpac",
            "acme_20260203040506.bacpac.partial",
            "acme_2026020304050é.bacpac",
        ] {
            assert_eq!(parse(&Pattern::backup_default(), name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_tenant_comes_back_or_is_cut(tenant in "\\PC{1,300}", nth in 1u32..5) {
            let t = at("2026-02-03T04:05:06Z");
            let pattern = Pattern::backup_default();
            let file = backup_file(&pattern, &tenant, "db", t, nth);
            prop_assert!(file.len() + ".json.partial".len() <= 255);
            prop_assert!(!file.contains('/') && !file.starts_with('.'));
            let said = parse(&pattern, &file).expect("our own name");
            prop_assert_eq!(said.at, t);
            if !maybe_cut(&said.text) {
                prop_assert_eq!(said.text, tenant);
            }
        }

        #[test]
        fn no_name_panics(name in "\\PC*") {
            let _ = parse(&Pattern::backup_default(), &name);
        }
    }
}
