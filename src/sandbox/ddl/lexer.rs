//! T-SQL into tokens with their places, for definition statements and the expressions in them.
//!
//! Its own, because definitions are stored as they were sent (fact 32) and names as they were meant: every token knows
//! its bytes, `[a]]b]` is the name `a]b`, and `"x"` is a name or a string as QUOTED_IDENTIFIER says.

use super::error::DdlError;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tok {
    /// A bare word: a keyword or a regular identifier. As written.
    Word(String),
    /// `[name]` or `"name"`, unescaped.
    Quoted(String),
    /// `'text'` or `N'text'`, unescaped.
    Text {
        /// N''.
        national: bool,
        /// The content.
        text: String,
    },
    /// `12`, `1.5`, `1e3`, as written.
    Number(String),
    /// `$1.5` or another currency sign, as written without the sign.
    Money(String),
    /// `0xAB`, with the 0x.
    Binary(String),
    /// `@x`, `@@x`.
    Variable(String),
    /// Anything else: one or two characters.
    Sign(&'static str),
    /// The end.
    End,
}

/// A token and its place in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Token {
    pub tok: Tok,
    pub start: usize,
    pub end: usize,
}

const SIGNS: &[&str] = &[
    "<=", ">=", "<>", "!=", "!<", "!>", "::", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "(", ")", ",", ";", ".",
    "+", "-", "*", "/", "%", "=", "<", ">", "&", "|", "^", "~", ":", "{", "}", "!", "?", "\\",
];

/// The whole text as tokens; the last one is [`Tok::End`].
pub fn lex(sql: &str, quoted_identifier: bool) -> Result<Vec<Token>, DdlError> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let token = next(sql, at, quoted_identifier)?;
        at = token.end;
        let done = token.tok == Tok::End;
        out.push(token);
        if done {
            return Ok(out);
        }
    }
}

/// At most so many tokens from a byte on, ended by [`Tok::End`]; and what stopped it.
pub fn lex_some(sql: &str, from: usize, quoted_identifier: bool, most: usize) -> (Vec<Token>, Stop) {
    let mut out = Vec::new();
    let mut at = from;
    let stop = loop {
        if out.len() >= most {
            break Stop::Limit;
        }
        match next(sql, at, quoted_identifier) {
            Ok(token) => {
                at = token.end;
                let done = token.tok == Tok::End;
                out.push(token);
                if done {
                    return (out, Stop::End);
                }
            }
            Err(error) => break Stop::Error(error),
        }
    };
    out.push(Token { tok: Tok::End, start: at, end: at });
    (out, stop)
}

/// Why [`lex_some`] stopped.
#[derive(Debug)]
pub enum Stop {
    /// The text ended.
    End,
    /// It had enough.
    Limit,
    /// Something cannot be read.
    Error(DdlError),
}

/// The line (from 1) of a byte offset.
pub fn line_of(sql: &str, offset: usize) -> u32 {
    let upto = sql.as_bytes().get(..offset.min(sql.len())).unwrap_or_default();
    u32::try_from(memchr::memchr_iter(b'\n', upto).count()).unwrap_or(u32::MAX - 1) + 1
}

/// The offset after blanks and comments (which nest).
pub fn skip_blanks(sql: &str, mut at: usize) -> Result<usize, DdlError> {
    loop {
        let rest = &sql[at..];
        let Some(c) = rest.chars().next() else { return Ok(at) };
        if c.is_whitespace() || c == '\u{feff}' || c == '\0' {
            at += c.len_utf8();
        } else if rest.starts_with("--") {
            at += rest.find('\n').map_or(rest.len(), |n| n + 1);
        } else if rest.starts_with("/*") {
            let bytes = rest.as_bytes();
            let (mut depth, mut i) = (1usize, 2);
            while depth > 0 {
                match bytes.get(i..i + 2) {
                    Some(b"*/") => {
                        depth -= 1;
                        i += 2;
                    }
                    Some(b"/*") => {
                        depth += 1;
                        i += 2;
                    }
                    Some(_) => i += 1,
                    None => return Err(DdlError::new(113, 1, 15, "Missing end comment mark '*/'.")),
                }
            }
            at += i;
        } else {
            return Ok(at);
        }
    }
}

fn word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '#'
}

fn word_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '@' | '$')
}

/// Up to the closing character, which is doubled to stand for itself; the content and the offset after it.
fn delimited(sql: &str, from: usize, close: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = sql[from..].char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        if c != close {
            text.push(c);
        } else if chars.peek().is_some_and(|(_, n)| *n == close) {
            text.push(close);
            chars.next();
        } else {
            return Some((text, from + i + close.len_utf8()));
        }
    }
    None
}

fn number_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut i = 0;
    while i < bytes.len() && bytes[i].is_ascii_digit() {
        i += 1;
    }
    if bytes.get(i) == Some(&b'.') {
        i += 1;
        while i < bytes.len() && bytes[i].is_ascii_digit() {
            i += 1;
        }
    }
    if matches!(bytes.get(i), Some(b'e' | b'E')) {
        let mut j = i + 1;
        if matches!(bytes.get(j), Some(b'+' | b'-')) {
            j += 1;
        }
        // `1e` is 1e0 to the server.
        while j < bytes.len() && bytes[j].is_ascii_digit() {
            j += 1;
        }
        i = j;
    }
    i
}

fn next(sql: &str, from: usize, quoted_identifier: bool) -> Result<Token, DdlError> {
    let start = skip_blanks(sql, from)?;
    let rest = &sql[start..];
    let token = |tok: Tok, end: usize| Ok(Token { tok, start, end });
    let Some(c) = rest.chars().next() else { return token(Tok::End, start) };
    let unclosed = |text: &str| {
        let shown: String = text.chars().take(128).collect();
        DdlError::new(105, 1, 15, format!("Unclosed quotation mark after the character string '{shown}'."))
    };
    let string = |open: usize, close: char, national: bool| {
        let (text, end) = delimited(sql, open, close).ok_or_else(|| unclosed(&sql[open..]))?;
        token(Tok::Text { national, text }, end)
    };
    match c {
        '[' => {
            let (name, end) = delimited(sql, start + 1, ']').ok_or_else(|| unclosed(&sql[start + 1..]))?;
            return token(Tok::Quoted(name), end);
        }
        '"' if quoted_identifier => {
            let (name, end) = delimited(sql, start + 1, '"').ok_or_else(|| unclosed(&sql[start + 1..]))?;
            return token(Tok::Quoted(name), end);
        }
        '"' => return string(start + 1, '"', false),
        '\'' => return string(start + 1, '\'', false),
        'N' | 'n' if rest[1..].starts_with('\'') => return string(start + 2, '\'', true),
        '0' if rest[1..].starts_with(['x', 'X']) => {
            let digits = rest[2..].bytes().take_while(u8::is_ascii_hexdigit).count();
            return token(Tok::Binary(rest[..2 + digits].to_string()), start + 2 + digits);
        }
        '0'..='9' => {
            let end = number_end(rest);
            return token(Tok::Number(rest[..end].to_string()), start + end);
        }
        '.' if rest[1..].starts_with(|d: char| d.is_ascii_digit()) => {
            let end = number_end(rest);
            return token(Tok::Number(rest[..end].to_string()), start + end);
        }
        '@' => {
            let end = rest.char_indices().skip(1).find(|(_, c)| !word_part(*c)).map_or(rest.len(), |(i, _)| i);
            return token(Tok::Variable(rest[..end].to_string()), start + end);
        }
        '$' | '£' | '€' | '¥' => {
            let body = start + c.len_utf8();
            let end = number_end(&sql[body..]);
            if c != '$' || end > 0 {
                return token(Tok::Money(sql[body..body + end].to_string()), body + end);
            }
            // $IDENTITY, $ROWGUID, $action, $node_id and the like.
            let end = rest.char_indices().skip(1).find(|(_, c)| !word_part(*c)).map_or(rest.len(), |(i, _)| i);
            return token(Tok::Word(rest[..end].to_string()), start + end);
        }
        c if word_start(c) => {
            let end = rest.char_indices().find(|(_, c)| !word_part(*c)).map_or(rest.len(), |(i, _)| i);
            return token(Tok::Word(rest[..end].to_string()), start + end);
        }
        _ => {}
    }
    match SIGNS.iter().find(|s| rest.starts_with(**s)) {
        Some(sign) => token(Tok::Sign(sign), start + sign.len()),
        None => Err(DdlError::new(102, 1, 15, format!("Incorrect syntax near '{c}'."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toks(sql: &str) -> Vec<Tok> {
        lex(sql, true).unwrap().into_iter().map(|t| t.tok).collect()
    }

    #[test]
    fn words_names_strings_numbers_and_comments() {
        assert_eq!(
            toks("CREATE/* a /* b */ c */TABLE [x]]y] -- end\n(\"a\"\"b\" N'it''s', .5, 1e2, 0x0F, $2.5, @@v)"),
            vec![
                Tok::Word("CREATE".into()),
                Tok::Word("TABLE".into()),
                Tok::Quoted("x]y".into()),
                Tok::Sign("("),
                Tok::Quoted("a\"b".into()),
                Tok::Text { national: true, text: "it's".into() },
                Tok::Sign(","),
                Tok::Number(".5".into()),
                Tok::Sign(","),
                Tok::Number("1e2".into()),
                Tok::Sign(","),
                Tok::Binary("0x0F".into()),
                Tok::Sign(","),
                Tok::Money("2.5".into()),
                Tok::Sign(","),
                Tok::Variable("@@v".into()),
                Tok::Sign(")"),
                Tok::End,
            ]
        );
        assert_eq!(lex("\"x\"", false).unwrap()[0].tok, Tok::Text { national: false, text: "x".into() });
    }

    #[test]
    fn what_is_not_closed_is_an_error() {
        assert_eq!(lex("'a", true).unwrap_err().last().number, 105);
        assert_eq!(lex("[a", true).unwrap_err().last().number, 105);
        assert_eq!(lex("/* a", true).unwrap_err().last().number, 113);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_lexed_or_refused_without_panic(text in "\\PC{0,40}") {
            let _ = lex(&text, true);
            let _ = lex(&text, false);
        }
    }
}
