//! Pieces of T-SQL that several statements share: types, names, key columns, options.

use crate::bacpac::model::built_in;
use crate::bacpac::model::{
    CompressionLevel, DataCompression, Entries, IndexedColumn, Name, Reference, Script, TypeSpec, XmlStyle, literal,
    quote,
};

/// A type as it is written behind a column or parameter.
pub(super) fn type_text(spec: &TypeSpec) -> String {
    let name = spec.type_name();
    let Some(built_in) = spec.built_in_name() else {
        return name.to_string();
    };
    let lower = built_in.to_ascii_lowercase();
    if !built_in::is_written_bare(&lower) {
        // [sys].[geography] and whatever a later server brings.
        return name.to_string();
    }
    let facets = match lower.as_str() {
        _ if spec.is_max => "(max)".to_owned(),
        "decimal" | "numeric" => format!("({}, {})", spec.precision.unwrap_or(18), spec.scale.unwrap_or(0)),
        "float" if spec.precision.is_some_and(|p| p != 53) => format!("({})", spec.precision.unwrap_or(53)),
        "time" | "datetime2" | "datetimeoffset" => format!("({})", spec.scale.unwrap_or(0)),
        "char" | "varchar" | "nchar" | "nvarchar" | "binary" | "varbinary" | "vector" => {
            spec.length.map_or(String::new(), |l| format!("({l})"))
        }
        "xml" => match spec.xml_schema.as_ref().map(Reference::parsed) {
            Some(collection) if spec.xml_style == XmlStyle::Document => format!("(DOCUMENT {collection})"),
            Some(collection) => format!("(CONTENT {collection})"),
            None => String::new(),
        },
        _ => String::new(),
    };
    format!("{lower}{facets}")
}

/// The text of a script property; nothing where it is absent.
pub(super) fn sql(script: &Option<Script>) -> &str {
    script.as_ref().map_or("", |s| s.text.as_str())
}

/// A condition or value in brackets of its own, unless it is wrapped already.
pub(super) fn wrapped(text: &str) -> String {
    let text = text.trim();
    if is_wrapped(text) { text.to_owned() } else { format!("({text})") }
}

/// Whether one pair of brackets holds the whole text.
fn is_wrapped(text: &str) -> bool {
    let mut depth = 0usize;
    let mut chars = text.char_indices().peekable();
    if !text.starts_with('(') || !text.ends_with(')') {
        return false;
    }
    while let Some((at, c)) = chars.next() {
        match c {
            '(' => depth += 1,
            ')' => {
                let Some(less) = depth.checked_sub(1) else { return false };
                depth = less;
                if depth == 0 && at + 1 < text.len() {
                    return false;
                }
            }
            '\'' | '"' | '[' => {
                let end = if c == '[' { ']' } else { c };
                loop {
                    match chars.next() {
                        Some((_, x)) if x == end => {
                            if chars.peek().is_some_and(|(_, next)| *next == end) {
                                chars.next();
                            } else {
                                break;
                            }
                        }
                        Some(_) => {}
                        None => return false,
                    }
                }
            }
            // A comment may hold anything: then the text is wrapped once more, which does no harm.
            '-' if chars.peek().is_some_and(|(_, next)| *next == '-') => return false,
            '/' if chars.peek().is_some_and(|(_, next)| *next == '*') => return false,
            _ => {}
        }
    }
    depth == 0
}

/// The last parts of names, quoted, joined by commas.
pub(super) fn columns<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| quote(n.last())).collect();
    names.join(", ")
}

/// Key columns with their order.
pub(super) fn key_columns(columns: &[IndexedColumn]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|c| format!("{} {}", quote(c.column.last()), if c.ascending { "ASC" } else { "DESC" }))
        .collect();
    columns.join(", ")
}

/// The names that a relationship refers to in this model.
pub(super) fn needs(entries: &Entries) -> Vec<Name> {
    entries.references().filter(|r| !r.is_built_in()).map(Reference::parsed).filter(|n| !n.is_empty()).collect()
}

/// The name that a reference means, where it is one of this model.
pub(super) fn own(reference: &Option<Reference>) -> Option<Name> {
    reference.as_ref().filter(|r| !r.is_built_in()).map(Reference::parsed).filter(|n| !n.is_empty())
}

/// What a column's type needs.
pub(super) fn type_needs(spec: &TypeSpec) -> impl Iterator<Item = Name> {
    [own(&spec.type_ref), own(&spec.xml_schema)].into_iter().flatten()
}

/// `DATA_COMPRESSION = …`, one clause a level.
pub(super) fn compression(options: &[DataCompression], partitioned: bool) -> Vec<String> {
    let mut levels: Vec<(&'static str, Vec<i64>)> = Vec::new();
    for option in options {
        let word = match option.level {
            CompressionLevel::None => "NONE",
            CompressionLevel::Row => "ROW",
            CompressionLevel::Page => "PAGE",
            CompressionLevel::ColumnStore => "COLUMNSTORE",
            CompressionLevel::ColumnStoreArchive => "COLUMNSTORE_ARCHIVE",
            CompressionLevel::Other(_) => continue,
        };
        let partition = option.partition.unwrap_or(1);
        match levels.iter_mut().find(|(w, _)| *w == word) {
            Some((_, partitions)) => partitions.push(partition),
            None => levels.push((word, vec![partition])),
        }
    }
    levels
        .into_iter()
        .map(|(word, partitions)| {
            if partitioned {
                let partitions: Vec<String> = partitions.iter().map(i64::to_string).collect();
                format!("DATA_COMPRESSION = {word} ON PARTITIONS ({})", partitions.join(", "))
            } else {
                format!("DATA_COMPRESSION = {word}")
            }
        })
        .collect()
}

/// `WITH (…)`; nothing without options.
pub(super) fn with(options: &[String]) -> String {
    if options.is_empty() { String::new() } else { format!(" WITH ({})", options.join(", ")) }
}

/// A literal that must not be a Unicode one (masking functions, labels).
pub(super) fn plain_literal(text: &str) -> String {
    literal(text)[1..].to_owned()
}

/// A number written as text in the model, when it is one; anything else would be T-SQL from a stranger.
pub(super) fn number(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let fine = !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+');
    fine.then_some(text)
}

/// A word of T-SQL made of the camel case name of an enumeration: `CreateTable` → `CREATE TABLE`.
pub(super) fn words(camel: &str, separator: char) -> String {
    let mut out = String::with_capacity(camel.len() + 8);
    for (at, c) in camel.chars().enumerate() {
        if at > 0 && c.is_ascii_uppercase() {
            out.push(separator);
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_added_where_none_hold_the_whole() {
        for (text, wants) in [
            ("(getdate())", "(getdate())"),
            ("getdate()", "(getdate())"),
            ("(a)+(b)", "((a)+(b))"),
            ("(a+')')", "(a+')')"),
            ("('(')+(')')", "(('(')+(')'))"),
            ("([a)]>(0))", "([a)]>(0))"),
            ("(a) --)", "((a) --))"),
        ] {
            assert_eq!(wrapped(text), wants);
        }
    }

    #[test]
    fn types_are_written_with_their_facets() {
        assert_eq!(type_text(&TypeSpec::built_in("nvarchar").length(50)), "nvarchar(50)");
        assert_eq!(type_text(&TypeSpec::built_in("varbinary").max()), "varbinary(max)");
        assert_eq!(type_text(&TypeSpec::built_in("datetime2")), "datetime2(0)");
        assert_eq!(type_text(&TypeSpec::system("geography")), "[sys].[geography]");
        assert_eq!(type_text(&TypeSpec::system("sysname")), "sysname");
        assert_eq!(type_text(&TypeSpec::built_in("x]; DROP")), "[x]]; DROP]");
        assert_eq!(type_text(&TypeSpec::user(&Name::two("dbo", "Phone"))), "[dbo].[Phone]");
    }
}
