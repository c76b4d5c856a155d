//! A batch as tokens with their place in the text; pieces of it are handed to the expression and query parser.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

use super::error::{self, SqlError, SqlResult};

/// The longest nesting of expressions and queries that is read.
const RECURSION: usize = 120;

/// What stands for `NEXT VALUE FOR` in parsed expressions.
pub const NEXT_VALUE: &str = "NEXT_VALUE_FOR";

/// A token and where it stands.
#[derive(Debug, Clone)]
pub struct Spanned {
    /// The token with line and column.
    pub inner: TokenWithSpan,
    /// First byte in the text.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A text cut into tokens, blanks and comments left out.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The text as sent.
    pub text: Arc<str>,
    /// Its tokens.
    pub list: Vec<Spanned>,
}

static DIALECT: MsSqlDialect = MsSqlDialect {};

impl Tokens {
    /// Cuts a text.
    pub fn new(text: &str) -> SqlResult<Tokens> {
        let raw = Tokenizer::new(&DIALECT, text).tokenize_with_location().map_err(|e| tokenizer_error(text, &e))?;
        let mut list = Vec::with_capacity(raw.len());
        // Walks the text once, as the tokens come in order.
        let (mut line, mut column, mut offset) = (1u64, 1u64, 0usize);
        let mut chars = text.chars();
        let mut seek = |to_line: u64, to_column: u64| {
            while (line, column) < (to_line, to_column) {
                let Some(c) = chars.next() else { break };
                offset += c.len_utf8();
                if c == '\n' {
                    line += 1;
                    column = 1;
                } else {
                    column += 1;
                }
            }
            offset
        };
        for inner in raw {
            let start = seek(inner.span.start.line, inner.span.start.column);
            let end = seek(inner.span.end.line, inner.span.end.column);
            if !matches!(inner.token, Token::Whitespace(_) | Token::EOF) {
                list.push(Spanned { inner, start, end });
            }
        }
        Ok(Tokens { text: text.into(), list })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The token at a place.
    pub fn token(&self, at: usize) -> Option<&Token> {
        self.list.get(at).map(|t| &t.inner.token)
    }

    /// The unquoted word at a place, upper case; empty for anything else.
    pub fn word(&self, at: usize) -> String {
        match self.token(at) {
            Some(Token::Word(w)) if w.quote_style.is_none() => w.value.to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// Whether an unquoted word stands there.
    pub fn is(&self, at: usize, word: &str) -> bool {
        matches!(self.token(at), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// The identifier there, quoted or not.
    pub fn identifier(&self, at: usize) -> Option<&str> {
        match self.token(at) {
            Some(Token::Word(w)) => Some(&w.value),
            _ => None,
        }
    }

    /// The line of a token.
    pub fn line(&self, at: usize) -> u32 {
        self.list.get(at).or(self.list.last()).map_or(1, |t| t.inner.span.start.line as u32)
    }

    /// The text of tokens `from..to`, as sent.
    pub fn source(&self, from: usize, to: usize) -> &str {
        match (self.list.get(from), to.checked_sub(1).and_then(|t| self.list.get(t))) {
            (Some(first), Some(last)) if to > from => &self.text[first.start..last.end],
            _ => "",
        }
    }

    /// The name with dots that starts at a place, and where it ends. Empty parts are kept (`db..t`).
    pub fn name(&self, at: usize) -> Option<(Vec<String>, usize)> {
        let mut parts = vec![self.identifier(at)?.to_string()];
        let mut at = at + 1;
        while matches!(self.token(at), Some(Token::Period)) {
            at += 1;
            if matches!(self.token(at), Some(Token::Period)) {
                parts.push(String::new());
                continue;
            }
            parts.push(self.identifier(at)?.to_string());
            at += 1;
        }
        Some((parts, at))
    }

    /// The end of the parenthesis that opens at `at`: the place after the closing one.
    pub fn close(&self, at: usize, limit: usize) -> Option<usize> {
        let mut depth = 0usize;
        for i in at..limit.min(self.len()) {
            match self.token(i) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(i + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Cuts `from..to` at commas outside parentheses.
    pub fn split(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let mut out = Vec::new();
        let (mut start, mut depth) = (from, 0i32);
        for i in from..to {
            match self.token(i) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth -= 1,
                Some(Token::Comma) if depth == 0 => {
                    out.push((start, i));
                    start = i + 1;
                }
                _ => {}
            }
        }
        if start < to || !out.is_empty() {
            out.push((start, to));
        }
        out
    }

    /// What to name in "Incorrect syntax near".
    pub fn near(&self, at: usize) -> SqlError {
        let at = if at < self.len() { at } else { self.len().saturating_sub(1) };
        let Some(token) = self.list.get(at) else { return error::syntax("") };
        let line = self.line(at);
        match &token.inner.token {
            Token::Word(w) if w.quote_style.is_none() && is_reserved(&w.value) => error::syntax_keyword(&w.value),
            Token::Word(w) => error::syntax(&w.value),
            Token::SingleQuotedString(s) | Token::NationalStringLiteral(s) => error::syntax(s),
            other => error::syntax(&other.to_string()),
        }
        .at_line(line)
    }

    /// Tokens for the parser. It does not know `NEXT VALUE FOR name`: that becomes a call of [`NEXT_VALUE`].
    fn slice(&self, from: usize, to: usize) -> Vec<TokenWithSpan> {
        let mut out = Vec::with_capacity(to.saturating_sub(from));
        let mut at = from;
        while at < to.min(self.len()) {
            let inner = &self.list[at].inner;
            if self.is(at, "NEXT")
                && self.is(at + 1, "VALUE")
                && self.is(at + 2, "FOR")
                && let Some((_, end)) = self.name(at + 3)
                && end <= to
            {
                let name = self.source(at + 3, end).to_string();
                for token in [
                    Token::make_word(NEXT_VALUE, None),
                    Token::LParen,
                    Token::NationalStringLiteral(name),
                    Token::RParen,
                ] {
                    out.push(TokenWithSpan { token, span: inner.span });
                }
                at = end;
                continue;
            }
            out.push(inner.clone());
            at += 1;
        }
        out
    }

    /// Lets the parser read `from..to`; all of it must be read.
    pub fn parse<T>(
        &self,
        from: usize,
        to: usize,
        read: impl FnOnce(&mut Parser<'_>) -> Result<T, sqlparser::parser::ParserError>,
    ) -> SqlResult<T> {
        let slice = self.slice(from, to);
        let count = slice.len();
        let mut parser = Parser::new(&DIALECT).with_recursion_limit(RECURSION).with_tokens_with_locations(slice);
        match read(&mut parser) {
            Ok(out) => {
                let at = parser.index();
                if at < count && parser.peek_token().token != Token::EOF {
                    return Err(self.near(from + at));
                }
                Ok(out)
            }
            Err(sqlparser::parser::ParserError::RecursionLimitExceeded) => Err(SqlError::batch(
                191,
                1,
                15,
                "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.",
            )
            .at_line(self.line(from))),
            Err(e) => {
                // The parser says in its text where it stood.
                let text = e.to_string();
                let place = text.rsplit_once(" at Line: ").and_then(|(_, p)| {
                    let (line, column) = p.split_once(", Column: ")?;
                    Some((line.parse::<u64>().ok()?, column.trim().parse::<u64>().ok()?))
                });
                let at = place.and_then(|(line, column)| {
                    (from..to).find(|i| {
                        let start = self.list[*i].inner.span.start;
                        (start.line, start.column) == (line, column)
                    })
                });
                Err(self.near(at.unwrap_or(to.saturating_sub(1))))
            }
        }
    }

    /// An expression from `from..to`.
    pub fn expr(&self, from: usize, to: usize) -> SqlResult<ast::Expr> {
        if from >= to {
            return Err(self.near(to));
        }
        self.parse(from, to, |p| p.parse_expr())
    }

    /// A query from `from..to`; an OPTION clause at its end is left out.
    pub fn query(&self, from: usize, to: usize) -> SqlResult<Box<ast::Query>> {
        let to = self.without_option(from, to);
        self.parse(from, to, |p| p.parse_query())
    }

    /// The end of a statement without its OPTION clause.
    pub fn without_option(&self, from: usize, to: usize) -> usize {
        let mut depth = 0i32;
        for i in (from..to).rev() {
            match self.token(i) {
                Some(Token::RParen) => depth += 1,
                Some(Token::LParen) => {
                    depth -= 1;
                    if depth == 0 && i > from && self.is(i - 1, "OPTION") && self.close(i, to) == Some(to) {
                        return i - 1;
                    }
                }
                _ => {}
            }
        }
        to
    }

    /// A data type from `from..to`.
    pub fn data_type(&self, from: usize, to: usize) -> SqlResult<ast::DataType> {
        self.parse(from, to, |p| p.parse_data_type())
    }
}

fn tokenizer_error(text: &str, e: &TokenizerError) -> SqlError {
    let line = e.location.line as u32;
    let quoted = e.message.contains("Unterminated");
    if quoted {
        // The text after the quote, as the server shows it.
        let offset: usize =
            text.lines().take(e.location.line.saturating_sub(1) as usize).map(|l| l.len() + 1).sum::<usize>();
        let rest = text.get(offset..).unwrap_or("");
        let from: String = rest.chars().skip(e.location.column as usize).take(128).collect();
        return error::unclosed_quote(&from).at_line(line.max(1));
    }
    error::syntax(&e.message).at_line(line.max(1))
}

/// Whether a word is reserved in T-SQL.
pub fn is_reserved(word: &str) -> bool {
    const RESERVED: &[&str] = &[
        "ADD",
        "ALL",
        "ALTER",
        "AND",
        "ANY",
        "AS",
        "ASC",
        "AUTHORIZATION",
        "BACKUP",
        "BEGIN",
        "BETWEEN",
        "BREAK",
        "BY",
        "CASCADE",
        "CASE",
        "CHECK",
        "CLOSE",
        "CLUSTERED",
        "COALESCE",
        "COLLATE",
        "COLUMN",
        "COMMIT",
        "CONSTRAINT",
        "CONTINUE",
        "CONVERT",
        "CREATE",
        "CROSS",
        "CURRENT_TIMESTAMP",
        "CURSOR",
        "DATABASE",
        "DBCC",
        "DEALLOCATE",
        "DECLARE",
        "DEFAULT",
        "DELETE",
        "DENY",
        "DESC",
        "DISTINCT",
        "DROP",
        "ELSE",
        "END",
        "ESCAPE",
        "EXCEPT",
        "EXEC",
        "EXECUTE",
        "EXISTS",
        "EXIT",
        "FETCH",
        "FOR",
        "FOREIGN",
        "FROM",
        "FULL",
        "FUNCTION",
        "GOTO",
        "GRANT",
        "GROUP",
        "HAVING",
        "HOLDLOCK",
        "IDENTITY",
        "IDENTITY_INSERT",
        "IF",
        "IN",
        "INDEX",
        "INNER",
        "INSERT",
        "INTERSECT",
        "INTO",
        "IS",
        "JOIN",
        "KEY",
        "KILL",
        "LEFT",
        "LIKE",
        "MERGE",
        "NOCHECK",
        "NONCLUSTERED",
        "NOT",
        "NULL",
        "NULLIF",
        "OF",
        "OFF",
        "ON",
        "OPEN",
        "OPTION",
        "OR",
        "ORDER",
        "OUTER",
        "OVER",
        "PERCENT",
        "PIVOT",
        "PLAN",
        "PRIMARY",
        "PRINT",
        "PROC",
        "PROCEDURE",
        "PUBLIC",
        "RAISERROR",
        "READ",
        "RECONFIGURE",
        "REFERENCES",
        "RESTORE",
        "RESTRICT",
        "RETURN",
        "REVOKE",
        "RIGHT",
        "ROLLBACK",
        "ROWCOUNT",
        "SAVE",
        "SCHEMA",
        "SELECT",
        "SET",
        "SHUTDOWN",
        "SOME",
        "STATISTICS",
        "TABLE",
        "TEXTSIZE",
        "THEN",
        "TO",
        "TOP",
        "TRAN",
        "TRANSACTION",
        "TRIGGER",
        "TRUNCATE",
        "UNION",
        "UNIQUE",
        "UNPIVOT",
        "UPDATE",
        "USE",
        "USER",
        "VALUES",
        "VARYING",
        "VIEW",
        "WAITFOR",
        "WHEN",
        "WHERE",
        "WHILE",
        "WITH",
    ];
    RESERVED.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_tokens_is_the_text_as_sent() {
        let t = Tokens::new("select  [a]]b], N'x''y' -- c\r\nfrom \"q\" /* z */ where é = 1").unwrap();
        assert_eq!(t.source(0, t.len()), "select  [a]]b], N'x''y' -- c\r\nfrom \"q\" /* z */ where é = 1");
        assert_eq!(t.identifier(1), Some("a]b"));
        assert!(matches!(t.token(3), Some(Token::NationalStringLiteral(s)) if s == "x'y"));
        assert_eq!(t.line(4), 2);
        assert_eq!(t.source(6, 9), "where é =");
    }

    #[test]
    fn errors_name_what_is_near() {
        let t = Tokens::new("a in from").unwrap();
        let e = t.expr(0, 3).unwrap_err();
        assert_eq!((e.number, e.text.as_str()), (156, "Incorrect syntax near the keyword 'from'."));
        assert_eq!(Tokens::new("select 'abc").unwrap_err().number, 105);
    }
}
