//! Names: the bracketed multi-part names of model.xml (`[dbo].[a]]b]`), and the quoting of T-SQL identifiers and
//! literals. Every identifier or literal that reaches a script goes through `quote` or `literal`; there is no other way.

use std::fmt;

/// A name of one or more parts, as it stands in model.xml.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name(Vec<String>);

/// A text that is not a bracketed name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a name of the form [a].[b]: {text:.200}")]
pub struct NameError {
    /// What was read.
    pub text: String,
}

impl Name {
    /// A name of these parts.
    pub fn of<I, S>(parts: I) -> Name
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Name(parts.into_iter().map(Into::into).collect())
    }

    /// A name of one part.
    pub fn one(part: impl Into<String>) -> Name {
        Name(vec![part.into()])
    }

    /// A name of two parts: schema and object.
    pub fn two(schema: impl Into<String>, object: impl Into<String>) -> Name {
        Name(vec![schema.into(), object.into()])
    }

    /// Splits a bracketed name. A closing bracket inside a part is doubled; the parts are joined by dots. Some names of
    /// DacFx have a bar between database and schema (`[Db]|[dbo].[T]`): it is kept as a part of its own sign by `parse`
    /// failing, so that nobody takes it for a plain name.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        let error = || NameError { text: text.to_owned() };
        let mut parts = Vec::new();
        let mut chars = text.chars().peekable();
        loop {
            if chars.next() != Some('[') {
                return Err(error());
            }
            let mut part = String::new();
            loop {
                match chars.next() {
                    Some(']') if chars.peek() == Some(&']') => {
                        chars.next();
                        part.push(']');
                    }
                    Some(']') => break,
                    Some(c) => part.push(c),
                    None => return Err(error()),
                }
            }
            parts.push(part);
            match chars.next() {
                None => return Ok(Name(parts)),
                Some('.') => {}
                Some(_) => return Err(error()),
            }
        }
    }

    /// The parts, outermost first.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Whether there is no part: an element without a name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The outermost part: the schema of an object in a schema.
    pub fn schema(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The second part: the object in its schema (of a column, its table).
    pub fn object(&self) -> &str {
        self.0.get(1).map_or("", String::as_str)
    }

    /// The innermost part: the column's, parameter's, index's own name.
    pub fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// This name with one more part inside it.
    pub fn child(&self, part: impl Into<String>) -> Name {
        let mut parts = self.0.clone();
        parts.push(part.into());
        Name(parts)
    }

    /// This name without its innermost part.
    pub fn parent(&self) -> Name {
        Name(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// The first two parts: the object that a column, index or parameter belongs to.
    pub fn owner(&self) -> Name {
        Name(self.0.iter().take(2).cloned().collect())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(&quote(part))?;
        }
        Ok(())
    }
}

/// A T-SQL identifier in brackets, closing brackets doubled.
pub fn quote(identifier: &str) -> String {
    let mut out = String::with_capacity(identifier.len() + 2);
    out.push('[');
    for c in identifier.chars() {
        if c == ']' {
            out.push(']');
        }
        out.push(c);
    }
    out.push(']');
    out
}

/// Whether a collation's name can stand in SQL: it is a bare word there, and cannot be delimited.
pub fn is_collation_name(name: &str) -> bool {
    name.len() <= 128
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A T-SQL Unicode string literal, quotes doubled.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 3);
    out.push_str("N'");
    for c in text.chars() {
        if c == '\'' {
            out.push('\'');
        }
        out.push(c);
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_split_and_join() {
        let name = Name::parse("[dbo].[a]]b].[c.d]").unwrap();
        assert_eq!(name.parts(), ["dbo", "a]b", "c.d"]);
        assert_eq!(name.to_string(), "[dbo].[a]]b].[c.d]");
        assert_eq!(name.owner().to_string(), "[dbo].[a]]b]");
        for bad in ["", "dbo", "[a", "[a]x", "[a].", "[a]]", "[a]|[b]", "[a][b]"] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_parts_come_back(parts in proptest::collection::vec(any::<String>(), 1..5)) {
            let name = Name::of(parts);
            prop_assert_eq!(Name::parse(&name.to_string()).unwrap(), name);
        }

        #[test]
        fn any_text_is_a_name_or_an_error(text in "[\\[\\].a|]{0,12}") {
            if let Ok(name) = Name::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
