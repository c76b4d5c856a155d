//! T-SQL as tokens, as far as it takes to find the parts of a module's text: words, names, strings, comments, signs.
//! Nothing fails here: an unfinished string or comment goes to the end of the text.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word: a keyword or an undelimited name.
    Word,
    /// `@name` or `@@name`.
    Variable,
    /// `[name]` or `"name"`.
    Name,
    /// `'text'`.
    Text,
    /// A number.
    Number,
    /// Any other sign, one character.
    Sign(char),
}

/// A token and where it stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub start: usize,
    pub end: usize,
    /// How many parentheses are open before it.
    pub depth: u32,
}

impl Token<'_> {
    /// Whether it is that keyword.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    /// A delimited or bare name without its delimiters.
    pub(crate) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_owned()),
            Kind::Name => {
                let inner = self.text.get(1..self.text.len().saturating_sub(1))?;
                Some(match self.text.starts_with('[') {
                    true => inner.replace("]]", "]"),
                    false => inner.replace("\"\"", "\""),
                })
            }
            _ => None,
        }
    }
}

/// The tokens of a text, without blanks and comments.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let (mut at, mut depth) = (0, 0u32);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let start = at;
        let kind = match c {
            c if c.is_whitespace() || c == '\u{feff}' => {
                at += c.len_utf8();
                continue;
            }
            '-' if bytes.get(at + 1) == Some(&b'-') => {
                at = find(bytes, at, b"\n").unwrap_or(bytes.len());
                continue;
            }
            '/' if bytes.get(at + 1) == Some(&b'*') => {
                at = comment_end(bytes, at);
                continue;
            }
            '[' => {
                at = delimited(bytes, at, b']');
                Kind::Name
            }
            '"' => {
                at = delimited(bytes, at, b'"');
                Kind::Name
            }
            '\'' => {
                at = delimited(bytes, at, b'\'');
                Kind::Text
            }
            'N' | 'n' if bytes.get(at + 1) == Some(&b'\'') => {
                at = delimited(bytes, at + 1, b'\'');
                Kind::Text
            }
            '@' => {
                at = word_end(text, at);
                Kind::Variable
            }
            c if c.is_ascii_digit() => {
                at = word_end(text, at);
                Kind::Number
            }
            c if c.is_alphabetic() || matches!(c, '_' | '#') => {
                at = word_end(text, at);
                Kind::Word
            }
            c => {
                at += c.len_utf8();
                Kind::Sign(c)
            }
        };
        if kind == Kind::Sign(')') {
            depth = depth.saturating_sub(1);
        }
        if let Some(text) = text.get(start..at) {
            out.push(Token { kind, text, start, end: at, depth });
        }
        if kind == Kind::Sign('(') {
            depth += 1;
        }
    }
    out
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    memchr::memmem::find(&bytes[from..], what).map(|i| from + i)
}

/// After the closing delimiter, doubled ones being part of the text.
fn delimited(bytes: &[u8], start: usize, close: u8) -> usize {
    let mut at = start + 1;
    while let Some(i) = memchr::memchr(close, &bytes[at.min(bytes.len())..]) {
        at += i + 1;
        if bytes.get(at) != Some(&close) {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// After a comment; they nest.
fn comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    rest.char_indices()
        .find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '$')))
        .map_or(text.len(), |(i, _)| start + i)
}

/// An expression without the parentheses that enclose all of it, once.
pub(crate) fn without_parentheses(expression: &str) -> &str {
    let trimmed = expression.trim();
    let found = tokens(trimmed);
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return trimmed };
    let encloses = first.is_sign('(')
        && last.is_sign(')')
        && first.start == 0
        && last.end == trimmed.len()
        && found[1..found.len() - 1].iter().all(|t| t.depth >= 1);
    if encloses { &trimmed[1..trimmed.len() - 1] } else { trimmed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_and_strings_hide_what_is_in_them() {
        let text = "a /* AS /* x */ AS */ [A]]S] 'AS''' -- AS\nb(@x)";
        let words: Vec<_> = tokens(text).iter().map(|t| t.text).collect();
        assert_eq!(words, ["a", "[A]]S]", "'AS'''", "b", "(", "@x", ")"]);
        assert_eq!(tokens("[A]]S]")[0].name().unwrap(), "A]S");
    }

    #[test]
    fn parentheses_are_taken_off_once_and_only_round_everything() {
        assert_eq!(without_parentheses("([a]>(0))"), "[a]>(0)");
        assert_eq!(without_parentheses("((1))"), "(1)");
        assert_eq!(without_parentheses("(1)+(2)"), "(1)+(2)");
        assert_eq!(without_parentheses("(a) -- )"), "(a) -- )");
    }

    proptest! {
        #[test]
        fn any_text_has_tokens(text in "\\PC{0,60}|[-/*'\\[\\]\"()@a ]{0,60}") {
            for token in tokens(&text) {
                prop_assert_eq!(&text[token.start..token.end], token.text);
            }
        }
    }
}
