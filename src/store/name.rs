//! The names of backup files: `{tenant}_{yyyyMMddHHmmss}.bacpac`, UTC, and back.
//!
//! A tenant's name may hold anything; in the file's name every character that some file system refuses, and `%`,
//! is percent-encoded (UTF-8, upper-case hex). A second backup of the same second gets `-2` before the extension.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// The extension of a package, with its dot.
pub const EXTENSION: &str = ".bacpac";

/// Not allowed in a file name by Windows, or with a meaning of its own.
fn refused(c: char) -> bool {
    c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%')
}

/// Longest tenant part in bytes: with time, extension and `.json.partial` it stays below the 255 of a file name.
const LONGEST: usize = 180;

/// The name of a backup; `nth` is 1 for the first of its second.
pub fn backup_file(tenant: &str, at: Timestamp, nth: u32) -> String {
    let time = at.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string();
    let tenant = encode(tenant);
    match nth {
        0 | 1 => format!("{tenant}_{time}{EXTENSION}"),
        n => format!("{tenant}_{time}-{n}{EXTENSION}"),
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

/// What a file's name says: the tenant and when the backup began. None if it is not of our pattern.
pub fn parse(file: &str) -> Option<(String, Timestamp)> {
    let stem = file.strip_suffix(EXTENSION)?;
    let (tenant, time) = stem.rsplit_once('_')?;
    let time = match time.split_once('-') {
        Some((time, nth)) if !nth.is_empty() && nth.bytes().all(|b| b.is_ascii_digit()) => time,
        Some(_) => return None,
        None => time,
    };
    if tenant.is_empty() || time.len() != 14 || !time.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let at = DateTime::strptime("%Y%m%d%H%M%S", time).ok()?.to_zoned(TimeZone::UTC).ok()?;
    let tenant = percent_decode_str(tenant).decode_utf8().ok()?.into_owned();
    Some((tenant, at.timestamp()))
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
        assert_eq!(backup_file("acme", t, 1), "acme_20260203040506.bacpac");
        assert_eq!(backup_file("acme", t, 2), "acme_20260203040506-2.bacpac");
        assert_eq!(backup_file("a/b: c_d\0", t, 1), "a%2Fb%3A c_d%00_20260203040506.bacpac");
        assert_eq!(backup_file("..", t, 1), "%2E._20260203040506.bacpac");
        assert_eq!(backup_file("--help", t, 1), "%2D-help_20260203040506.bacpac");
        assert_eq!(parse("acme_20260203040506-2.bacpac"), Some(("acme".into(), at("2026-02-03T04:05:06Z"))));
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
            assert_eq!(parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_tenant_comes_back_or_is_cut(tenant in "\\PC{1,300}", nth in 1u32..5) {
            let t = at("2026-02-03T04:05:06Z");
            let file = backup_file(&tenant, t, nth);
            prop_assert!(file.len() + ".json.partial".len() <= 255);
            prop_assert!(!file.contains('/') && !file.starts_with('.'));
            let (back, when) = parse(&file).expect("our own name");
            prop_assert_eq!(when, t);
            if !maybe_cut(&back) {
                prop_assert_eq!(back, tenant);
            }
        }

        #[test]
        fn no_name_panics(name in "\\PC*") {
            let _ = parse(&name);
        }
    }
}
