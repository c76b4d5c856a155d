//! The parser of definition statements: where it stands, the small words, and which parser takes which statement.
//!
//! A statement ends where its grammar ends: T-SQL needs no semicolon. The caller is told how far it went.

mod broker;
mod crypto;
mod database;
mod external;
mod fulltext;
mod index;
mod module;
mod other;
mod security;
mod table;

use super::ast::{DataSpace, KeyColumn, ObjectName, Opt, OptValue, Statement};
use super::error::{DdlError, DdlResult};
use super::expression::{Expr, ExpressionParser, TypeName, is_reserved, unexpected};
use super::lexer::{Stop, Tok, Token, lex_some, line_of, skip_blanks};

/// A statement found at a place of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// The byte after it; a semicolon there is the caller's.
    pub end: usize,
    /// The line it begins on.
    pub line: u32,
}

/// The definition statement that begins at a byte of a batch; `None` when another kind of statement stands there.
pub fn parse(sql: &str, from: usize, quoted_identifier: bool) -> DdlResult<Option<Parsed>> {
    let start = skip_blanks(sql, from)?;
    let line = line_of(sql, start);
    if !begins_definition(&sql[start..]) {
        return Ok(None);
    }
    parse_here(sql, start, quoted_identifier, line).map_err(|e| e.at_line(line))
}

fn parse_here(sql: &str, start: usize, quoted_identifier: bool, line: u32) -> DdlResult<Option<Parsed>> {
    // A batch may hold thousands of statements: only as much is lexed as this one seems to need.
    let mut most = 256;
    loop {
        let (tokens, stop) = lex_some(sql, start, quoted_identifier, most);
        let mut cursor = Cursor { sql, start, tokens: &tokens, at: 0 };
        let found = cursor.statement();
        // The parser looks a few tokens ahead; near the cut it may have seen an end that is none.
        let near = cursor.at + 8 >= tokens.len();
        match (found, stop) {
            (_, Stop::Limit) if near => most = most.saturating_mul(8),
            (Ok(None), _) => return Ok(None),
            (_, Stop::Error(lexing)) if near => return Err(lexing),
            (Ok(Some(statement)), _) => {
                return Ok(Some(Parsed { statement, end: cursor.previous_end(), line }));
            }
            (Err(error), _) => return Err(error),
        }
    }
}

/// A cheap look at the first word.
fn begins_definition(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    ["CREATE", "ALTER", "DROP", "ADD", "GRANT", "DENY", "REVOKE", "ENABLE", "DISABLE", "DBCC", "UPDATE"]
        .iter()
        .any(|w| rest[..end].eq_ignore_ascii_case(w))
}

/// Where the parser stands.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) sql: &'a str,
    pub(super) start: usize,
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn ahead(&self, n: usize) -> &'a Tok {
        static END: Tok = Tok::End;
        self.tokens.get(self.at + n).map_or(&END, |t| &t.tok)
    }

    pub(super) fn peek(&self) -> &'a Tok {
        self.ahead(0)
    }

    pub(super) fn previous_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(self.start, |t| t.end)
    }

    pub(super) fn is(&self, n: usize, word: &str) -> bool {
        matches!(self.ahead(n), Tok::Word(w) if w.eq_ignore_ascii_case(word))
    }

    /// Whether these words stand here.
    pub(super) fn are(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, w)| self.is(n, w))
    }

    pub(super) fn word(&mut self, word: &str) -> bool {
        self.words(&[word])
    }

    /// Takes these words if they all stand here.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let found = self.are(words);
        if found {
            self.at += words.len();
        }
        found
    }

    pub(super) fn one_of(&mut self, words: &[&str]) -> Option<String> {
        let found = words.iter().find(|w| self.is(0, w))?;
        self.at += 1;
        Some((*found).to_string())
    }

    pub(super) fn is_sign(&self, n: usize, sign: &str) -> bool {
        matches!(self.ahead(n), Tok::Sign(s) if *s == sign)
    }

    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(0, sign);
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn expect(&mut self, sign: &str) -> DdlResult<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn expect_word(&mut self, word: &str) -> DdlResult<()> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn unexpected(&self) -> DdlError {
        unexpected(self.peek())
    }

    /// An identifier: quoted, or a word that is not reserved.
    pub(super) fn name(&mut self) -> DdlResult<String> {
        match self.peek() {
            Tok::Quoted(name) => {
                if name.is_empty() {
                    return Err(DdlError::new(
                        1038,
                        4,
                        15,
                        "An object or column name is missing or empty. For SELECT INTO statements, verify each column has \
                         a name. For other statements, look for empty alias names. Aliases defined as \"\" or [] are not \
                         allowed. Change the alias to a valid name.",
                    ));
                }
                self.at += 1;
                Ok(name.clone())
            }
            Tok::Word(word) if !is_reserved(&word.to_ascii_uppercase()) => {
                self.at += 1;
                Ok(word.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// An identifier or a string, as logical file names and the like may be either; reserved words too.
    pub(super) fn any_name(&mut self) -> DdlResult<String> {
        match self.peek() {
            Tok::Quoted(name) | Tok::Word(name) | Tok::Text { text: name, .. } => {
                self.at += 1;
                Ok(name.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `a`, `s.a`, `d.s.a`, `d..a`.
    pub(super) fn object_name(&mut self) -> DdlResult<ObjectName> {
        let mut parts = vec![Some(self.name()?)];
        while self.sign(".") {
            if self.is_sign(0, ".") {
                parts.push(None);
            } else {
                parts.push(Some(self.name()?));
            }
        }
        if parts.len() > 3 {
            let shown: Vec<String> = parts.into_iter().flatten().collect();
            return Err(DdlError::new(
                117,
                1,
                15,
                format!(
                    "The object name '{}' contains more than the maximum number of prefixes. The maximum is 2.",
                    shown.join(".")
                ),
            ));
        }
        let name = parts.pop().flatten().unwrap_or_default();
        let schema = parts.pop().flatten();
        let database = parts.pop().flatten();
        Ok(ObjectName { database, schema, name })
    }

    pub(super) fn with_expressions<T>(
        &mut self,
        read: impl FnOnce(&mut ExpressionParser<'a>) -> DdlResult<T>,
    ) -> DdlResult<T> {
        let mut parser = ExpressionParser::new(self.tokens, self.at);
        let out = read(&mut parser);
        self.at = parser.position();
        out
    }

    pub(super) fn expression(&mut self) -> DdlResult<Expr> {
        self.with_expressions(|p| p.expression())
    }

    pub(super) fn scalar(&mut self) -> DdlResult<Expr> {
        self.with_expressions(|p| p.scalar())
    }

    pub(super) fn type_name(&mut self) -> DdlResult<TypeName> {
        self.with_expressions(|p| p.type_name())
    }

    /// `(a, b, …)` by some reader.
    pub(super) fn parenthesised<T>(&mut self, mut read: impl FnMut(&mut Self) -> DdlResult<T>) -> DdlResult<Vec<T>> {
        self.expect("(")?;
        let mut out = vec![read(self)?];
        while self.sign(",") {
            out.push(read(self)?);
        }
        self.expect(")")?;
        Ok(out)
    }

    pub(super) fn comma_list<T>(&mut self, mut read: impl FnMut(&mut Self) -> DdlResult<T>) -> DdlResult<Vec<T>> {
        let mut out = vec![read(self)?];
        while self.sign(",") {
            out.push(read(self)?);
        }
        Ok(out)
    }

    pub(super) fn key_columns(&mut self) -> DdlResult<Vec<KeyColumn>> {
        self.parenthesised(|c| {
            let name = c.name()?;
            let descending = c.word("DESC");
            if !descending {
                c.word("ASC");
            }
            Ok(KeyColumn { name, descending })
        })
    }

    pub(super) fn names(&mut self) -> DdlResult<Vec<String>> {
        self.parenthesised(|c| c.name())
    }

    /// ON filegroup | scheme(column) | "default".
    pub(super) fn data_space(&mut self) -> DdlResult<Option<DataSpace>> {
        if !self.word("ON") {
            return Ok(None);
        }
        let name = self.any_name()?;
        let column = if self.sign("(") {
            let column = self.name()?;
            self.expect(")")?;
            Some(column)
        } else {
            None
        };
        Ok(Some(DataSpace { name, column }))
    }

    /// An integer literal with its sign.
    pub(super) fn integer(&mut self) -> DdlResult<i128> {
        let negative = self.sign("-");
        if !negative {
            self.sign("+");
        }
        match self.peek() {
            Tok::Number(text) => {
                let value: i128 = text.trim_end_matches('.').parse().map_err(|_| self.unexpected())?;
                self.at += 1;
                Ok(if negative { -value } else { value })
            }
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn text(&mut self) -> DdlResult<String> {
        match self.peek() {
            Tok::Text { text, .. } => {
                self.at += 1;
                Ok(text.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `( option, … )`.
    pub(super) fn options(&mut self) -> DdlResult<Vec<Opt>> {
        self.parenthesised(|c| c.option(0))
    }

    /// One `NAME [=] value`.
    pub(super) fn option(&mut self, depth: usize) -> DdlResult<Opt> {
        if depth > 8 {
            return Err(self.unexpected());
        }
        let mut name = match self.peek() {
            Tok::Word(w) | Tok::Quoted(w) => w.to_uppercase(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        // ALLOW_SNAPSHOT_ISOLATION ON, QUERY_STORE CLEAR ALL: the value may stand without an equals sign.
        let value = if self.sign("=") {
            self.option_value(depth)?
        } else if self.is_sign(0, "(") {
            self.option_parentheses(depth)?
        } else if let Tok::Word(w) = self.peek()
            && !matches!(w.to_uppercase().as_str(), "WITH" | "ON" | "OFF" | "GO" | "AND" | "FOR" | "TO")
            && !self.is_sign(1, "=")
            && depth > 0
        {
            // Two words name it: STATISTICS_NORECOMPUTE ON, or LOB COMPACTION.
            let word = w.to_uppercase();
            self.at += 1;
            name = format!("{name} {word}");
            OptValue::None
        } else {
            OptValue::None
        };
        let partitions = if self.are(&["ON", "PARTITIONS"]) {
            self.at += 2;
            Some(self.parenthesised(|c| {
                let first = u32::try_from(c.integer()?).map_err(|_| c.unexpected())?;
                let last = if c.word("TO") { u32::try_from(c.integer()?).map_err(|_| c.unexpected())? } else { first };
                Ok((first, last))
            })?)
        } else {
            None
        };
        Ok(Opt { name, value, partitions })
    }

    pub(super) fn option_value(&mut self, depth: usize) -> DdlResult<OptValue> {
        match self.peek() {
            Tok::Sign("(") => self.option_parentheses(depth),
            Tok::Sign("-") | Tok::Number(_) => {
                let negative = self.sign("-");
                let Tok::Number(text) = self.peek() else { return Err(self.unexpected()) };
                self.at += 1;
                let number = if negative { format!("-{text}") } else { text.clone() };
                let unit = match self.peek() {
                    Tok::Word(w) if is_unit(w) => {
                        self.at += 1;
                        Some(w.to_uppercase())
                    }
                    Tok::Sign("%") => {
                        self.at += 1;
                        Some("%".to_string())
                    }
                    _ => None,
                };
                Ok(OptValue::Number(number, unit))
            }
            Tok::Text { text, .. } => {
                self.at += 1;
                Ok(OptValue::Text(text.clone()))
            }
            Tok::Binary(text) => {
                self.at += 1;
                Ok(OptValue::Text(text.clone()))
            }
            Tok::Word(_) | Tok::Quoted(_) => {
                let mut parts = vec![self.any_name()?];
                while self.sign(".") {
                    parts.push(self.any_name()?);
                }
                let inner = if self.is_sign(0, "(") {
                    match self.option_parentheses(depth)? {
                        OptValue::List(inner) => inner,
                        OptValue::Items(items) => items
                            .into_iter()
                            .map(|i| Opt { name: i.to_uppercase(), value: OptValue::None, partitions: None })
                            .collect(),
                        _ => Vec::new(),
                    }
                } else {
                    Vec::new()
                };
                Ok(OptValue::Name(parts, inner))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn option_parentheses(&mut self, depth: usize) -> DdlResult<OptValue> {
        let named = matches!(self.ahead(1), Tok::Word(_))
            && (self.is_sign(2, "=") || self.is_sign(2, "(") || matches!(self.ahead(2), Tok::Word(_)));
        if named {
            return Ok(OptValue::List(self.parenthesised(|c| c.option(depth + 1))?));
        }
        self.expect("(")?;
        let mut items = Vec::new();
        while !self.sign(")") {
            let negative = self.sign("-");
            let item = match self.peek() {
                Tok::Word(w) | Tok::Quoted(w) | Tok::Number(w) | Tok::Text { text: w, .. } => w.clone(),
                _ => return Err(self.unexpected()),
            };
            self.at += 1;
            items.push(if negative { format!("-{item}") } else { item });
            if !self.sign(",") {
                // DAYS in (STALE_QUERY_THRESHOLD_DAYS = 10), units after numbers.
                if let Tok::Word(_) = self.peek() {
                    self.at += 1;
                }
            }
        }
        Ok(OptValue::Items(items))
    }

    /// Which statement stands here.
    fn statement(&mut self) -> DdlResult<Option<Statement>> {
        let first = match self.peek() {
            Tok::Word(w) => w.to_ascii_uppercase(),
            _ => return Ok(None),
        };
        match first.as_str() {
            "CREATE" => self.create(),
            "ALTER" => self.alter(),
            "DROP" => self.drop(),
            "GRANT" | "DENY" | "REVOKE" => self.permission().map(Some),
            "ENABLE" | "DISABLE" if self.is(1, "TRIGGER") => self.switch_trigger().map(Some),
            "DBCC" => self.dbcc().map(Some),
            "ADD" => self.classification().map(Some),
            "UPDATE" if self.is(1, "STATISTICS") => self.update_statistics().map(Some),
            _ => Ok(None),
        }
    }

    fn create(&mut self) -> DdlResult<Option<Statement>> {
        self.at += 1;
        if self.are(&["OR", "ALTER"]) {
            return self.module(super::ast::Verb::CreateOrAlter).map(Some);
        }
        let word = match self.peek() {
            Tok::Word(w) => w.to_ascii_uppercase(),
            _ => return Err(self.unexpected()),
        };
        Ok(Some(match word.as_str() {
            "TABLE" => self.create_table()?,
            "VIEW" | "PROCEDURE" | "PROC" | "FUNCTION" | "TRIGGER" | "RULE" | "DEFAULT" | "AGGREGATE" => {
                self.module(super::ast::Verb::Create)?
            }
            "UNIQUE" | "CLUSTERED" | "NONCLUSTERED" | "INDEX" | "PRIMARY" | "SPATIAL" | "COLUMNSTORE" | "SELECTIVE" => {
                self.create_index()?
            }
            "XML" if self.is(1, "SCHEMA") => self.create_xml_collection()?,
            "XML" => self.create_index()?,
            "DATABASE" if !self.is(1, "SCOPED") && !self.is(1, "AUDIT") && !self.is(1, "ENCRYPTION") => {
                self.create_database()?
            }
            "SCHEMA" => self.create_schema()?,
            "TYPE" => self.create_type()?,
            "SEQUENCE" => self.create_sequence()?,
            "SYNONYM" => self.create_synonym()?,
            "STATISTICS" => self.create_statistics()?,
            "ROLE" | "USER" | "LOGIN" | "APPLICATION" => self.create_principal()?,
            "SERVER" if self.is(1, "ROLE") => self.create_principal()?,
            "PARTITION" => self.create_partition()?,
            "FULLTEXT" => self.create_fulltext()?,
            "MESSAGE" => self.message_type(false)?,
            "CONTRACT" => self.contract()?,
            "QUEUE" => self.queue(false)?,
            "SERVICE" => self.service()?,
            "ROUTE" => self.route(false)?,
            "REMOTE" => self.remote_service_binding()?,
            "EVENT" if self.is(1, "NOTIFICATION") => self.event_notification()?,
            "MASTER" => self.master_key()?,
            "SYMMETRIC" => self.symmetric_key()?,
            "ASYMMETRIC" => self.asymmetric_key()?,
            "CERTIFICATE" => self.certificate()?,
            "COLUMN" => self.column_key()?,
            "DATABASE" if self.is(1, "SCOPED") => self.credential(false)?,
            "EXTERNAL" => self.external(false)?,
            "ASSEMBLY" => self.assembly()?,
            "SECURITY" => self.security_policy(false)?,
            _ => return Err(unsupported(&format!("CREATE {word}"))),
        }))
    }

    fn alter(&mut self) -> DdlResult<Option<Statement>> {
        self.at += 1;
        let word = match self.peek() {
            Tok::Word(w) => w.to_ascii_uppercase(),
            _ => return Err(self.unexpected()),
        };
        Ok(Some(match word.as_str() {
            "TABLE" => self.alter_table()?,
            "VIEW" | "PROCEDURE" | "PROC" | "FUNCTION" | "TRIGGER" => self.module(super::ast::Verb::Alter)?,
            "DATABASE" if self.is(1, "SCOPED") && self.is(2, "CREDENTIAL") => self.credential(true)?,
            "DATABASE" => self.alter_database()?,
            "INDEX" => self.alter_index()?,
            "MESSAGE" => self.message_type(true)?,
            "QUEUE" => self.queue(true)?,
            "ROUTE" => self.route(true)?,
            "MASTER" => self.alter_master_key()?,
            "EXTERNAL" => self.external(true)?,
            "ASSEMBLY" => self.alter_assembly()?,
            "SECURITY" => self.security_policy(true)?,
            "SCHEMA" => self.alter_schema()?,
            "SEQUENCE" => self.alter_sequence()?,
            "XML" => self.alter_xml_collection()?,
            "ROLE" | "USER" | "LOGIN" => self.alter_principal()?,
            "SERVER" if self.is(1, "ROLE") => self.alter_principal()?,
            "AUTHORIZATION" => self.alter_authorization()?,
            "PARTITION" => self.alter_partition()?,
            "FULLTEXT" => self.alter_fulltext()?,
            _ => return Err(unsupported(&format!("ALTER {word}"))),
        }))
    }
}

fn is_unit(word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    matches!(
        upper.as_str(),
        "KB" | "MB"
            | "GB"
            | "TB"
            | "SECONDS"
            | "MINUTES"
            | "SECOND"
            | "MINUTE"
            | "HOUR"
            | "HOURS"
            | "DAY"
            | "DAYS"
            | "WEEK"
            | "WEEKS"
            | "MONTH"
            | "MONTHS"
            | "YEAR"
            | "YEARS"
    )
}

/// A statement that this server does not know.
// Assumption: 40517 is Azure's "not supported in this version", the nearest existing number for a refusal.
pub(crate) fn unsupported(what: &str) -> DdlError {
    DdlError::new(
        40517,
        1,
        16,
        format!("Keyword or statement option '{what}' is not supported in this version of SQL Server."),
    )
    .compile()
}

#[cfg(test)]
mod tests;
