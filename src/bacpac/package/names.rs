//! The names of a package's entries: what each one is, and how table names are written in them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// RFC 3986: everything but the unreserved characters is written as `%XX`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What an entry is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Model,
    Origin,
    Metadata,
    ContentTypes,
    Rels,
    /// Rows of a table: folder (as written), sort key.
    Part(String, PartKey),
    /// A big value: folder, GUID in upper case.
    Blob(String, String),
    /// The data of old writers.
    OldData,
    /// Something under Data/ that is none of these.
    StrangeData,
    /// An empty entry that stands for a folder.
    Folder,
    /// Anything else (deployment scripts, contributors' files); kept out of the way.
    Other,
}

/// The order of a table's parts: the numbers in the name, then the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartKey(Vec<u64>, String);

impl Role {
    pub(super) fn of(name: &str) -> Role {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "model.xml" => return Role::Model,
            "origin.xml" => return Role::Origin,
            "dacmetadata.xml" => return Role::Metadata,
            "[content_types].xml" => return Role::ContentTypes,
            "_rels/.rels" => return Role::Rels,
            _ if name.ends_with('/') => return Role::Folder,
            _ => {}
        }
        let Some(rest) = lower.strip_prefix("data/") else { return Role::Other };
        if lower.ends_with(".json") {
            return Role::OldData;
        }
        let Some((folder, file)) = rest.rsplit_once('/') else { return Role::StrangeData };
        if folder.contains('/') {
            return Role::StrangeData;
        }
        let folder = name["data/".len()..name.len() - file.len() - 1].to_owned();
        if let Some(numbers) = file.strip_prefix("tabledata-").and_then(|f| f.strip_suffix(".bcp")) {
            let key = numbers.split('-').map(|n| n.parse().unwrap_or(u64::MAX)).collect();
            return Role::Part(folder, PartKey(key, name.to_owned()));
        }
        if let Some(guid) = file.strip_prefix("blobdata-").and_then(|f| f.strip_suffix(".bin")) {
            return Role::Blob(folder, guid.to_ascii_uppercase());
        }
        Role::StrangeData
    }
}

/// Why a name cannot stand in a package, if it cannot.
pub(super) fn refused(name: &str) -> Option<&'static str> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if path.is_empty() {
        return Some("is empty");
    }
    if name.contains('\\') {
        return Some("has a backslash");
    }
    if name.chars().any(char::is_control) {
        return Some("has a control character");
    }
    if name.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return Some("is absolute");
    }
    for segment in path.split('/') {
        // Percent-encoding must not hide a step out of the folder.
        match &*percent_decode_str(segment).decode_utf8_lossy() {
            ".." => return Some("leads out of the package"),
            "." | "" => return Some("has an empty step"),
            _ => {}
        }
    }
    None
}

/// `dbo.Order%20Details`: schema and table are encoded apart.
pub fn folder_of(schema: &str, table: &str) -> String {
    format!("{}.{}", utf8_percent_encode(schema, RESERVED), utf8_percent_encode(table, RESERVED))
}

/// The name as people write it, for folders written by others.
pub(super) fn decoded(folder: &str) -> Option<String> {
    percent_decode_str(folder).decode_utf8().ok().map(|name| name.into_owned())
}

/// A form of an entry's name by which the relationships and the archive can be compared: writers do not agree on what
/// they encode in either, nor on case.
pub(super) fn comparable(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().to_lowercase()
}

/// The name of a table's part by its running number: `Data/dbo.t/TableData-000-00000.BCP`. Names of one table sort in
/// the order of their numbers.
pub fn part_name(schema: &str, table: &str, number: u64) -> String {
    let folder = folder_of(schema, table);
    format!("Data/{folder}/TableData-{:03}-{:05}.BCP", number / 100_000, number % 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_an_entry_is() {
        assert_eq!(Role::of("Model.XML"), Role::Model);
        let Role::Part(folder, first) = Role::of("Data/dbo.Order%20Details/TableData-000-00002.BCP") else { panic!() };
        assert_eq!(folder, "dbo.Order%20Details");
        let Role::Part(_, second) = Role::of("data/dbo.x/tabledata-000-00010.bcp") else { panic!() };
        assert!(first < second);
        assert!(matches!(Role::of("Data/dbo.x/TableData-001-00000-00003.BCP"), Role::Part(..)));
        assert!(matches!(Role::of("Data/dbo.x/BlobData-ab-c.BIN"), Role::Blob(_, g) if g == "AB-C"));
        assert_eq!(Role::of("Data/dbo.x.json"), Role::OldData);
        assert_eq!(Role::of("Data/dbo.x/rows.bcp"), Role::StrangeData);
        assert_eq!(Role::of("Data/a/b/TableData-000-00000.BCP"), Role::StrangeData);
        assert_eq!(Role::of("postdeploy.sql"), Role::Other);
    }

    #[test]
    fn steps_out_of_the_package_are_refused() {
        for name in ["../x", "Data/../x", "Data/%2e%2E/x", "/x", "C:/x", "a\\b", "a//b", "", "/", "a/./b", "a\nb"] {
            assert!(refused(name).is_some(), "{name}");
        }
        for name in ["model.xml", "_rels/.rels", "[Content_Types].xml", "Data/a..b/TableData-000-00000.BCP", "Data/"] {
            assert_eq!(refused(name), None, "{name}");
        }
    }

    #[test]
    fn folders_are_encoded_as_rfc_3986_says() {
        assert_eq!(folder_of("dbo", "Order Details"), "dbo.Order%20Details");
        assert_eq!(folder_of("a.b", "ü-_~/%"), "a.b.%C3%BC-_~%2F%25");
        assert_eq!(part_name("dbo", "t", 123_456), "Data/dbo.t/TableData-001-23456.BCP");
    }
}
