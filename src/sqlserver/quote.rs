//! The one place where a name or a text becomes SQL.

/// A name as a delimited identifier: `[a]]b]` for `a]b`; a text as a Unicode literal: `N'it''s'`; whether a text is a
/// collation's name. The same functions write the names of the model and of its script.
pub use crate::bacpac::model::{is_collation_name, literal, quote as identifier};

/// `[schema].[name]`.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn closing_brackets_and_quotes_are_doubled() {
        assert_eq!(identifier("a]b"), "[a]]b]");
        assert_eq!(identifier("]; DROP TABLE x --"), "[]]; DROP TABLE x --]");
        assert_eq!(identifier("[x]"), "[[x]]]");
        assert_eq!(qualified("d.o", "t"), "[d.o].[t]");
        assert_eq!(literal("it's"), "N'it''s'");
    }

    #[test]
    fn a_collation_is_a_bare_word() {
        assert!(is_collation_name("SQL_Latin1_General_CP1_CI_AS"));
        assert!(!is_collation_name("x; drop"));
        assert!(!is_collation_name(""));
        assert!(!is_collation_name("_x"));
    }

    /// A reader of delimited identifiers finds exactly one, and it is the name.
    fn read_back(sql: &str) -> Option<String> {
        let inner = sql.strip_prefix('[')?;
        let mut name = String::new();
        let mut chars = inner.chars().peekable();
        while let Some(c) = chars.next() {
            if c != ']' {
                name.push(c);
            } else if chars.peek() == Some(&']') {
                chars.next();
                name.push(']');
            } else {
                return chars.next().is_none().then_some(name);
            }
        }
        None
    }

    proptest! {
        #[test]
        fn any_name_is_one_identifier(name in "\\PC{0,40}") {
            prop_assert_eq!(read_back(&identifier(&name)), Some(name));
        }
    }
}
