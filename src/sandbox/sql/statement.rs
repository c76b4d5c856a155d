//! A batch as statements: T-SQL needs no separators, so a statement ends where a word begins that can only start another.
//! Queries and expressions are read by the parser; definitions are left as tokens for the catalogue.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::Token;

use super::error::{SqlError, SqlResult};
use super::tokens::Tokens;

/// A statement and where it stands.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its first token.
    pub from: usize,
    /// After its last token.
    pub to: usize,
    /// Its line.
    pub line: u32,
    /// What it is.
    pub kind: Kind,
}

/// A declared variable.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// With its `@`.
    pub name: String,
    /// Its type.
    pub ty: ast::DataType,
    /// Columns, when it is a table: the tokens between the parentheses.
    pub table: Option<(usize, usize)>,
    /// Its first value.
    pub value: Option<ast::Expr>,
}

/// An argument of EXEC.
#[derive(Debug, Clone)]
pub struct Argument {
    /// With its `@`, if named.
    pub name: Option<String>,
    /// `None` for DEFAULT.
    pub value: Option<ast::Expr>,
    /// OUTPUT.
    pub output: bool,
}

/// What INSERT takes its rows from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A query, VALUES among them.
    Query(Box<ast::Query>),
    /// DEFAULT VALUES.
    Defaults,
    /// EXEC.
    Exec(Box<Statement>),
}

/// `OUTPUT … [INTO …]`.
#[derive(Debug, Clone)]
pub struct Output {
    /// The list.
    pub items: Vec<ast::SelectItem>,
    /// The target and its columns.
    pub into: Option<(Vec<String>, Vec<String>)>,
}

/// INSERT.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the clauses")]
pub struct Insert {
    pub target: Vec<String>,
    pub columns: Option<Vec<String>>,
    pub output: Option<Output>,
    pub source: Source,
    pub with: Option<ast::With>,
}

/// `SET a = …` of UPDATE.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The variable, if one is set.
    pub variable: Option<String>,
    /// The column.
    pub column: Option<Vec<String>>,
    /// `+` of `+=`.
    pub operator: Option<ast::BinaryOperator>,
    /// `None` for DEFAULT.
    pub value: Option<ast::Expr>,
}

/// UPDATE or DELETE.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the clauses")]
pub struct Change {
    pub target: Vec<String>,
    pub top: Option<ast::Expr>,
    /// UPDATE only.
    pub set: Option<Vec<Assignment>>,
    pub output: Option<Output>,
    pub from: Vec<ast::TableWithJoins>,
    pub filter: Option<ast::Expr>,
    pub with: Option<ast::With>,
}

/// What a statement is.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "named as in T-SQL")]
pub enum Kind {
    Query(Box<ast::Query>),
    Insert(Box<Insert>),
    Update(Box<Change>),
    Delete(Box<Change>),
    Declare(Vec<Declaration>),
    SetVariable {
        name: String,
        operator: Option<ast::BinaryOperator>,
        value: ast::Expr,
    },
    /// The words after SET, as tokens.
    SetOption,
    If {
        condition: ast::Expr,
        then: Box<Statement>,
        otherwise: Option<Box<Statement>>,
    },
    While {
        condition: ast::Expr,
        body: Box<Statement>,
    },
    Block(Vec<Statement>),
    TryCatch {
        attempt: Vec<Statement>,
        caught: Vec<Statement>,
    },
    Print(ast::Expr),
    RaisError {
        arguments: Vec<ast::Expr>,
        log: bool,
    },
    Throw(Option<Vec<ast::Expr>>),
    Use(String),
    Begin(Option<String>),
    Commit,
    Rollback(Option<String>),
    Save(String),
    Exec {
        result: Option<String>,
        procedure: Vec<String>,
        arguments: Vec<Argument>,
    },
    /// EXEC ('…' + @x).
    ExecText(Vec<ast::Expr>),
    Return(Option<ast::Expr>),
    Break,
    Continue,
    WaitFor {
        delay: bool,
        value: ast::Expr,
    },
    InsertBulk,
    /// A definition or another order for the catalogue; `true` if it reaches to the end of the batch (modules).
    Definition,
    /// DBCC, RECONFIGURE, CHECKPOINT, KILL and the like: words only.
    Other,
}

/// A batch ready to run.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its tokens.
    pub tokens: Arc<Tokens>,
    /// Its statements.
    pub statements: Vec<Statement>,
}

impl Batch {
    /// Reads a batch; syntax errors are found before anything runs.
    pub fn parse(text: &str) -> SqlResult<Batch> {
        let tokens = Arc::new(Tokens::new(text)?);
        let mut reader = Reader { t: &tokens, at: 0, depth: 0 };
        let mut statements = Vec::new();
        reader.skip_separators();
        while reader.at < tokens.len() {
            statements.push(reader.statement(statements.is_empty())?);
            reader.skip_separators();
        }
        if let Some(bulk) = statements.iter().find(|s| matches!(s.kind, Kind::InsertBulk)) {
            // Fact 2.
            if statements.len() > 1 {
                return Err(SqlError::batch(428, 1, 16, "Insert bulk cannot be used in a multi-statement batch.")
                    .at_line(bulk.line));
            }
        }
        Ok(Batch { tokens, statements })
    }
}

/// Words that can only begin a statement.
fn begins(word: &str) -> bool {
    matches!(
        word,
        "SELECT"
            | "INSERT"
            | "UPDATE"
            | "DELETE"
            | "MERGE"
            | "EXEC"
            | "EXECUTE"
            | "DECLARE"
            | "SET"
            | "IF"
            | "WHILE"
            | "BEGIN"
            | "COMMIT"
            | "ROLLBACK"
            | "SAVE"
            | "PRINT"
            | "RAISERROR"
            | "USE"
            | "CREATE"
            | "ALTER"
            | "DROP"
            | "TRUNCATE"
            | "RETURN"
            | "BREAK"
            | "CONTINUE"
            | "WAITFOR"
            | "GRANT"
            | "DENY"
            | "REVOKE"
            | "END"
            | "ELSE"
            | "DBCC"
            | "BACKUP"
            | "RESTORE"
            | "RECONFIGURE"
            | "KILL"
            | "CHECKPOINT"
            | "GOTO"
            | "OPEN"
            | "CLOSE"
            | "DEALLOCATE"
    )
}

struct Reader<'a> {
    t: &'a Tokens,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn skip_separators(&mut self) {
        while matches!(self.t.token(self.at), Some(Token::SemiColon)) {
            self.at += 1;
        }
    }

    /// Where a piece that starts at `from` ends: at a separator, or at a word that begins a statement, but for the
    /// first `allowed` of those words that `belongs` accepts.
    fn end(&self, from: usize, mut belongs: impl FnMut(usize, &str) -> bool) -> usize {
        let (mut depth, mut cases) = (0i32, 0i32);
        let mut i = from;
        while i < self.t.len() {
            match self.t.token(i) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth -= 1,
                Some(Token::SemiColon) if depth <= 0 => return i,
                Some(Token::Word(w)) if w.quote_style.is_none() && depth <= 0 => {
                    let word = w.value.to_ascii_uppercase();
                    let after_dot = i > from && matches!(self.t.token(i - 1), Some(Token::Period));
                    if after_dot {
                    } else if word == "CASE" {
                        cases += 1;
                    } else if word == "END" && cases > 0 {
                        cases -= 1;
                    } else if word == "ELSE" && cases > 0 {
                    } else if (word == "THROW" && self.throws(i)) || (begins(&word) && !belongs(i, &word)) {
                        return i;
                    }
                }
                _ => {}
            }
            i += 1;
        }
        i
    }

    /// Whether THROW at a place is the statement (it is no reserved word).
    fn throws(&self, at: usize) -> bool {
        match self.t.token(at + 1) {
            None | Some(Token::SemiColon) | Some(Token::Number(..)) => true,
            Some(Token::Word(w)) => w.value.starts_with('@') || w.value.eq_ignore_ascii_case("END"),
            _ => false,
        }
    }

    fn query_end(&self, from: usize) -> usize {
        let mut open = self.t.is(from, "WITH") || matches!(self.t.token(from), Some(Token::LParen));
        self.end(from, |i, word| {
            if i == from {
                return true;
            }
            if word != "SELECT" {
                return false;
            }
            let set = ["UNION", "ALL", "EXCEPT", "INTERSECT"].iter().any(|w| self.t.is(i - 1, w));
            std::mem::replace(&mut open, false) || set
        })
    }

    fn statement(&mut self, first: bool) -> SqlResult<Statement> {
        self.depth += 1;
        if self.depth > 60 {
            return Err(SqlError::batch(
                191,
                1,
                15,
                "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.",
            ));
        }
        let from = self.at;
        let line = self.t.line(from);
        let kind = self.kind(first).map_err(|e| e.at_line(line));
        self.depth -= 1;
        let kind = kind?;
        // What follows the first is not a statement of the list: INSERT and EXEC keep the place after themselves.
        Ok(Statement { from, to: self.at, line, kind })
    }

    fn kind(&mut self, first: bool) -> SqlResult<Kind> {
        let from = self.at;
        let word = self.t.word(from);
        let next = self.t.word(from + 1);
        match word.as_str() {
            "SELECT" => self.query(from),
            "WITH" => self.with(),
            "INSERT" if next == "BULK" => {
                self.at = self.end(from + 2, |_, _| false);
                Ok(Kind::InsertBulk)
            }
            "INSERT" => self.insert(from, None),
            "UPDATE" if next != "STATISTICS" => self.update(from, None),
            "DELETE" => self.delete(from, None),
            "DECLARE" => self.declare(),
            "SET" => self.set(),
            "IF" => {
                let end = self.end(from + 1, |_, _| false);
                let condition = self.t.expr(from + 1, end)?;
                self.at = end;
                let then = Box::new(self.statement(false)?);
                let after = self.at;
                self.skip_separators();
                let otherwise = if self.t.is(self.at, "ELSE") {
                    self.at += 1;
                    Some(Box::new(self.statement(false)?))
                } else {
                    self.at = after;
                    None
                };
                Ok(Kind::If { condition, then, otherwise })
            }
            "WHILE" => {
                let end = self.end(from + 1, |_, _| false);
                let condition = self.t.expr(from + 1, end)?;
                self.at = end;
                let body = Box::new(self.statement(false)?);
                Ok(Kind::While { condition, body })
            }
            "BEGIN" => self.begin(),
            "PRINT" => {
                let end = self.end(from + 1, |_, _| false);
                self.at = end;
                Ok(Kind::Print(self.t.expr(from + 1, end)?))
            }
            "RAISERROR" => {
                let close = self.t.close(from + 1, self.t.len()).ok_or_else(|| self.t.near(from + 1))?;
                let arguments = self
                    .t
                    .split(from + 2, close - 1)
                    .into_iter()
                    .map(|(a, b)| self.t.expr(a, b))
                    .collect::<SqlResult<Vec<_>>>()?;
                self.at = self.end(close, |_, _| false);
                Ok(Kind::RaisError { arguments, log: false })
            }
            "THROW" if self.throws(from) || from + 1 >= self.t.len() => {
                let end = self.end(from + 1, |_, _| false);
                self.at = end;
                if end == from + 1 {
                    return Ok(Kind::Throw(None));
                }
                let arguments = self.t.split(from + 1, end).into_iter().map(|(a, b)| self.t.expr(a, b));
                Ok(Kind::Throw(Some(arguments.collect::<SqlResult<Vec<_>>>()?)))
            }
            "USE" => {
                let name = self.t.identifier(from + 1).ok_or_else(|| self.t.near(from + 1))?.to_string();
                self.at = from + 2;
                Ok(Kind::Use(name))
            }
            "COMMIT" => {
                self.at = self.transaction_words(from + 1).1;
                Ok(Kind::Commit)
            }
            "ROLLBACK" => {
                let (name, end) = self.transaction_words(from + 1);
                self.at = end;
                Ok(Kind::Rollback(name))
            }
            "SAVE" => {
                let (name, end) = self.transaction_words(from + 1);
                self.at = end;
                Ok(Kind::Save(name.ok_or_else(|| self.t.near(end))?))
            }
            "EXEC" | "EXECUTE" if next != "AS" => self.exec(from + 1),
            "RETURN" => {
                let end = self.end(from + 1, |_, _| false);
                self.at = end;
                Ok(Kind::Return(if end > from + 1 { Some(self.t.expr(from + 1, end)?) } else { None }))
            }
            "BREAK" => {
                self.at = from + 1;
                Ok(Kind::Break)
            }
            "CONTINUE" => {
                self.at = from + 1;
                Ok(Kind::Continue)
            }
            "WAITFOR" => {
                let end = self.end(from + 2, |_, _| false);
                let delay = next == "DELAY";
                if !delay && next != "TIME" {
                    return Err(self.t.near(from + 1));
                }
                self.at = end;
                Ok(Kind::WaitFor { delay, value: self.t.expr(from + 2, end)? })
            }
            "CREATE" | "ALTER" => self.define(),
            "DROP" | "TRUNCATE" | "ENABLE" | "DISABLE" | "UPDATE" | "BACKUP" | "RESTORE" | "BULK" => {
                self.at = self.end(from + 1, |i, w| i == from + 1 || (w == "IF" && self.t.is(i + 1, "EXISTS")));
                Ok(Kind::Definition)
            }
            "ADD" | "GRANT" | "DENY" | "REVOKE" if self.definition_end(from).is_some() => {
                self.at = self.definition_end(from).unwrap_or(self.t.len());
                Ok(Kind::Definition)
            }
            "ADD" => {
                self.at = self.end(from + 1, |_, _| false);
                Ok(Kind::Definition)
            }
            "GRANT" | "DENY" | "REVOKE" => {
                let mut listed = true;
                self.at = self.end(from + 1, |i, _| {
                    if (from..i).any(|k| self.t.is(k, "TO") || self.t.is(k, "FROM")) {
                        listed = false;
                    }
                    listed
                });
                Ok(Kind::Definition)
            }
            "DBCC" | "RECONFIGURE" | "KILL" | "CHECKPOINT" | "REVERT" | "EXEC" | "EXECUTE" | "GOTO" | "OPEN"
            | "CLOSE" | "DEALLOCATE" | "FETCH" => {
                self.at = self.end(from + 1, |i, _| i == from + 1);
                Ok(Kind::Other)
            }
            _ => {
                // A procedure may be called without EXEC when it begins the batch.
                if first && self.t.identifier(from).is_some() && !super::tokens::is_reserved(&word) {
                    return self.exec(from);
                }
                Err(self.t.near(from))
            }
        }
    }

    fn query(&mut self, from: usize) -> SqlResult<Kind> {
        let end = self.query_end(from);
        self.at = end;
        Ok(Kind::Query(self.t.query(from, end)?))
    }

    fn with(&mut self) -> SqlResult<Kind> {
        let from = self.at;
        // The word after the last common table expression tells what this is.
        let mut depth = 0i32;
        let mut main = None;
        for i in from..self.t.len() {
            match self.t.token(i) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth -= 1,
                Some(Token::Word(_)) if depth == 0 => {
                    let w = self.t.word(i);
                    if matches!(w.as_str(), "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE") {
                        main = Some((i, w));
                        break;
                    }
                }
                _ => {}
            }
        }
        let Some((at, word)) = main else { return Err(self.t.near(self.t.len())) };
        if word == "SELECT" {
            return self.query(from);
        }
        // The expressions are read with a query of nothing behind them.
        let slice = Tokens::new(&format!("{} SELECT 1", self.t.source(from, at)))?;
        let with = slice.query(0, slice.len())?.with;
        self.at = at;
        match word.as_str() {
            "INSERT" => self.insert(at, with),
            "UPDATE" => self.update(at, with),
            "DELETE" => self.delete(at, with),
            _ => Err(super::error::unsupported("MERGE")),
        }
    }

    fn top(&self, at: usize) -> SqlResult<(Option<ast::Expr>, usize)> {
        if !self.t.is(at, "TOP") {
            return Ok((None, at));
        }
        if matches!(self.t.token(at + 1), Some(Token::LParen)) {
            let close = self.t.close(at + 1, self.t.len()).ok_or_else(|| self.t.near(at + 1))?;
            return Ok((Some(self.t.expr(at + 2, close - 1)?), close));
        }
        Ok((Some(self.t.expr(at + 1, at + 2)?), at + 2))
    }

    /// Hints behind a target: `WITH (…)`.
    fn hints(&self, at: usize) -> SqlResult<usize> {
        if self.t.is(at, "WITH") && matches!(self.t.token(at + 1), Some(Token::LParen)) {
            return self.t.close(at + 1, self.t.len()).ok_or_else(|| self.t.near(at + 1));
        }
        Ok(at)
    }

    fn insert(&mut self, from: usize, with: Option<ast::With>) -> SqlResult<Kind> {
        let (_, mut at) = self.top(from + 1)?;
        if self.t.is(at, "INTO") {
            at += 1;
        }
        let (target, next) = self.t.name(at).ok_or_else(|| self.t.near(at))?;
        at = self.hints(next)?;
        let mut columns = None;
        if matches!(self.t.token(at), Some(Token::LParen)) && !self.t.is(at + 1, "SELECT") {
            let close = self.t.close(at, self.t.len()).ok_or_else(|| self.t.near(at))?;
            let mut names = Vec::new();
            for (a, b) in self.t.split(at + 1, close - 1) {
                let (name, end) = self.t.name(a).ok_or_else(|| self.t.near(a))?;
                if end != b {
                    return Err(self.t.near(end));
                }
                names.push(name.last().cloned().unwrap_or_default());
            }
            columns = Some(names);
            at = close;
        }
        let mut output = None;
        if self.t.is(at, "OUTPUT") {
            let end = (at..self.t.len())
                .find(|i| ["VALUES", "SELECT", "EXEC", "EXECUTE", "DEFAULT", "WITH"].iter().any(|w| self.t.is(*i, w)))
                .unwrap_or(self.t.len());
            output = Some(self.output(at + 1, end)?);
            at = end;
        }
        if self.t.is(at, "DEFAULT") && self.t.is(at + 1, "VALUES") {
            self.at = at + 2;
            return Ok(Kind::Insert(Box::new(Insert { target, columns, output, source: Source::Defaults, with })));
        }
        if self.t.is(at, "EXEC") || self.t.is(at, "EXECUTE") {
            self.at = at;
            let exec = self.statement(false)?;
            let source = Source::Exec(Box::new(exec));
            return Ok(Kind::Insert(Box::new(Insert { target, columns, output, source, with })));
        }
        let end = self.query_end(at);
        self.at = end;
        let source = Source::Query(self.t.query(at, end)?);
        Ok(Kind::Insert(Box::new(Insert { target, columns, output, source, with })))
    }

    fn output(&self, from: usize, to: usize) -> SqlResult<Output> {
        let into = (from..to).find(|i| self.t.is(*i, "INTO"));
        let items = self
            .t
            .split(from, into.unwrap_or(to))
            .into_iter()
            .map(|(a, b)| self.t.parse(a, b, |p| p.parse_select_item()))
            .collect::<SqlResult<Vec<_>>>()?;
        let into = match into {
            None => None,
            Some(at) => {
                let (name, next) = self.t.name(at + 1).ok_or_else(|| self.t.near(at + 1))?;
                let mut columns = Vec::new();
                if matches!(self.t.token(next), Some(Token::LParen)) {
                    let close = self.t.close(next, to).ok_or_else(|| self.t.near(next))?;
                    for (a, _) in self.t.split(next + 1, close - 1) {
                        columns.push(self.t.identifier(a).ok_or_else(|| self.t.near(a))?.to_string());
                    }
                }
                Some((name, columns))
            }
        };
        Ok(Output { items, into })
    }

    /// The first of some words outside parentheses and CASE in `from..to`.
    fn find(&self, from: usize, to: usize, words: &[&str]) -> usize {
        let (mut depth, mut cases) = (0i32, 0i32);
        for i in from..to {
            match self.t.token(i) {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth -= 1,
                Some(Token::Word(_)) if depth == 0 => {
                    let w = self.t.word(i);
                    match w.as_str() {
                        "CASE" => cases += 1,
                        "END" => cases -= 1,
                        _ if cases == 0 && words.contains(&w.as_str()) => return i,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        to
    }

    fn tables(&self, from: usize, to: usize) -> SqlResult<Vec<ast::TableWithJoins>> {
        self.t.split(from, to).into_iter().map(|(a, b)| self.t.parse(a, b, |p| p.parse_table_and_joins())).collect()
    }

    fn update(&mut self, from: usize, with: Option<ast::With>) -> SqlResult<Kind> {
        let mut sets = 0;
        let end = self.end(from + 1, |_, w| {
            if w == "SET" {
                sets += 1;
            }
            w == "SET" && sets == 1
        });
        self.at = end;
        let end = self.t.without_option(from, end);
        let (top, at) = self.top(from + 1)?;
        let (target, next) = self.t.name(at).ok_or_else(|| self.t.near(at))?;
        let at = self.hints(next)?;
        if !self.t.is(at, "SET") {
            return Err(self.t.near(at));
        }
        let set_end = self.find(at + 1, end, &["OUTPUT", "FROM", "WHERE"]);
        let mut set = Vec::new();
        for (a, b) in self.t.split(at + 1, set_end) {
            set.push(self.assignment(a, b)?);
        }
        let (output, from_tables, filter) = self.change_tail(set_end, end)?;
        Ok(Kind::Update(Box::new(Change { target, top, set: Some(set), output, from: from_tables, filter, with })))
    }

    fn assignment(&self, from: usize, to: usize) -> SqlResult<Assignment> {
        let (name, mut at) = self.t.name(from).ok_or_else(|| self.t.near(from))?;
        let (mut variable, mut column) = if name.len() == 1 && name[0].starts_with('@') {
            (Some(name[0].clone()), None)
        } else {
            (None, Some(name))
        };
        let mut operator = None;
        match self.t.token(at) {
            Some(Token::Eq) => at += 1,
            Some(other) if matches!(self.t.token(at + 1), Some(Token::Eq)) => {
                operator = Some(match other {
                    Token::Plus => ast::BinaryOperator::Plus,
                    Token::Minus => ast::BinaryOperator::Minus,
                    Token::Mul => ast::BinaryOperator::Multiply,
                    Token::Div => ast::BinaryOperator::Divide,
                    Token::Mod => ast::BinaryOperator::Modulo,
                    Token::Ampersand => ast::BinaryOperator::BitwiseAnd,
                    Token::Pipe => ast::BinaryOperator::BitwiseOr,
                    Token::Caret => ast::BinaryOperator::BitwiseXor,
                    _ => return Err(self.t.near(at)),
                });
                at += 2;
            }
            _ => return Err(self.t.near(at)),
        }
        // @v = column = value
        if variable.is_some()
            && column.is_none()
            && let Some((name, next)) = self.t.name(at)
            && matches!(self.t.token(next), Some(Token::Eq))
            && next < to
            && !name[0].starts_with('@')
        {
            column = Some(name);
            at = next + 1;
        }
        if column.is_none() && variable.is_none() {
            variable = None;
        }
        let value = if self.t.is(at, "DEFAULT") && at + 1 == to { None } else { Some(self.t.expr(at, to)?) };
        Ok(Assignment { variable, column, operator, value })
    }

    fn change_tail(
        &self,
        from: usize,
        end: usize,
    ) -> SqlResult<(Option<Output>, Vec<ast::TableWithJoins>, Option<ast::Expr>)> {
        let mut at = from;
        let mut output = None;
        if self.t.is(at, "OUTPUT") {
            let stop = self.find(at + 1, end, &["FROM", "WHERE"]);
            output = Some(self.output(at + 1, stop)?);
            at = stop;
        }
        let mut tables = Vec::new();
        if at < end && self.t.is(at, "FROM") {
            let stop = self.find(at + 1, end, &["WHERE"]);
            tables = self.tables(at + 1, stop)?;
            at = stop;
        }
        let mut filter = None;
        if at < end && self.t.is(at, "WHERE") {
            filter = Some(self.t.expr(at + 1, end)?);
            at = end;
        }
        if at < end {
            return Err(self.t.near(at));
        }
        Ok((output, tables, filter))
    }

    fn delete(&mut self, from: usize, with: Option<ast::With>) -> SqlResult<Kind> {
        let end = self.end(from + 1, |_, _| false);
        self.at = end;
        let end = self.t.without_option(from, end);
        let (top, mut at) = self.top(from + 1)?;
        if self.t.is(at, "FROM") {
            at += 1;
        }
        let (target, next) = self.t.name(at).ok_or_else(|| self.t.near(at))?;
        let at = self.hints(next)?;
        let (output, tables, filter) = self.change_tail(at, end)?;
        Ok(Kind::Delete(Box::new(Change { target, top, set: None, output, from: tables, filter, with })))
    }

    fn declare(&mut self) -> SqlResult<Kind> {
        let from = self.at;
        let end = self.end(from + 1, |_, _| false);
        self.at = end;
        let mut out = Vec::new();
        for (a, b) in self.t.split(from + 1, end) {
            let name = self.t.identifier(a).filter(|n| n.starts_with('@')).ok_or_else(|| self.t.near(a))?.to_string();
            let mut at = a + 1;
            if self.t.is(at, "AS") {
                at += 1;
            }
            if self.t.is(at, "TABLE") {
                let close = self.t.close(at + 1, b).ok_or_else(|| self.t.near(at + 1))?;
                let table = Some((at + 2, close - 1));
                out.push(Declaration { name, ty: ast::DataType::Table(None), table, value: None });
                continue;
            }
            if self.t.is(at, "CURSOR") {
                return Err(super::error::unsupported("CURSOR"));
            }
            let equals = (at..b).find(|i| matches!(self.t.token(*i), Some(Token::Eq)));
            let ty = self.t.data_type(at, equals.unwrap_or(b))?;
            let value = match equals {
                Some(e) => Some(self.t.expr(e + 1, b)?),
                None => None,
            };
            out.push(Declaration { name, ty, table: None, value });
        }
        if out.is_empty() {
            return Err(self.t.near(end));
        }
        Ok(Kind::Declare(out))
    }

    fn set(&mut self) -> SqlResult<Kind> {
        let from = self.at;
        let end = self.end(from + 1, |_, _| false);
        self.at = end;
        match self.t.identifier(from + 1) {
            Some(name) if name.starts_with('@') => {
                let a = self.assignment(from + 1, end)?;
                let value = a.value.ok_or_else(|| self.t.near(end))?;
                Ok(Kind::SetVariable { name: name.to_string(), operator: a.operator, value })
            }
            Some(_) => Ok(Kind::SetOption),
            None => Err(self.t.near(from + 1)),
        }
    }

    fn transaction_words(&self, at: usize) -> (Option<String>, usize) {
        let mut at = at;
        if ["TRAN", "TRANSACTION", "WORK"].iter().any(|w| self.t.is(at, w)) {
            at += 1;
        }
        let mut name = None;
        if let Some(word) = self.t.identifier(at)
            && !begins(&self.t.word(at))
            && !self.t.is(at, "WITH")
        {
            name = Some(word.to_string());
            at += 1;
        }
        if self.t.is(at, "WITH") && matches!(self.t.token(at + 1), Some(Token::LParen)) {
            at = self.t.close(at + 1, self.t.len()).unwrap_or(at);
        }
        (name, at)
    }

    fn begin(&mut self) -> SqlResult<Kind> {
        let from = self.at;
        match self.t.word(from + 1).as_str() {
            "TRAN" | "TRANSACTION" => {
                let (name, end) = self.transaction_words(from + 1);
                self.at = end;
                Ok(Kind::Begin(name))
            }
            "TRY" => {
                self.at = from + 2;
                let attempt = self.list("TRY")?;
                self.skip_separators();
                if !(self.t.is(self.at, "BEGIN") && self.t.is(self.at + 1, "CATCH")) {
                    return Err(self.t.near(self.at));
                }
                self.at += 2;
                let caught = self.list("CATCH")?;
                Ok(Kind::TryCatch { attempt, caught })
            }
            _ => {
                self.at = from + 1;
                let list = self.list("")?;
                if list.is_empty() {
                    return Err(self.t.near(self.at.saturating_sub(1)));
                }
                Ok(Kind::Block(list))
            }
        }
    }

    /// Statements up to END (and the word behind it).
    fn list(&mut self, behind: &str) -> SqlResult<Vec<Statement>> {
        let mut out = Vec::new();
        loop {
            self.skip_separators();
            if self.at >= self.t.len() {
                return Err(self.t.near(self.at));
            }
            if self.t.is(self.at, "END") {
                self.at += 1;
                if !behind.is_empty() {
                    if !self.t.is(self.at, behind) {
                        return Err(self.t.near(self.at));
                    }
                    self.at += 1;
                }
                return Ok(out);
            }
            out.push(self.statement(false)?);
        }
    }

    fn exec(&mut self, from: usize) -> SqlResult<Kind> {
        let end = self.end(from, |_, _| false);
        self.at = end;
        if matches!(self.t.token(from), Some(Token::LParen)) {
            let close = self.t.close(from, end).ok_or_else(|| self.t.near(from))?;
            let parts = self.t.split(from + 1, close - 1).into_iter().map(|(a, b)| self.t.expr(a, b));
            return Ok(Kind::ExecText(parts.collect::<SqlResult<Vec<_>>>()?));
        }
        let mut at = from;
        let mut result = None;
        if self.t.identifier(at).is_some_and(|n| n.starts_with('@')) && matches!(self.t.token(at + 1), Some(Token::Eq))
        {
            result = self.t.identifier(at).map(str::to_string);
            at += 2;
        }
        let (procedure, next) = self.t.name(at).ok_or_else(|| self.t.near(at))?;
        let stop = self.find(next, end, &["WITH"]);
        let mut arguments = Vec::new();
        for (a, b) in self.t.split(next, stop) {
            let mut a = a;
            let mut b = b;
            let mut name = None;
            if matches!(self.t.token(a + 1), Some(Token::Eq)) && a + 1 < b {
                name = self.t.identifier(a).filter(|n| n.starts_with('@')).map(str::to_string);
                if name.is_none() {
                    return Err(self.t.near(a));
                }
                a += 2;
            }
            let output = b > a && (self.t.is(b - 1, "OUTPUT") || self.t.is(b - 1, "OUT"));
            if output {
                b -= 1;
            }
            let value = if self.t.is(a, "DEFAULT") && a + 1 == b { None } else { Some(self.t.expr(a, b)?) };
            arguments.push(Argument { name, value, output });
        }
        Ok(Kind::Exec { result, procedure, arguments })
    }

    /// Where a definition ends by its own grammar; `None` when it cannot be read, which is told when it is run.
    fn definition_end(&self, from: usize) -> Option<usize> {
        let start = self.t.list.get(from)?.start;
        let end = crate::sandbox::ddl::parse::parse(&self.t.text, start, true).ok()??.end;
        (from..self.t.len()).find(|i| self.t.list[*i].start >= end).or(Some(self.t.len()))
    }

    fn define(&mut self) -> SqlResult<Kind> {
        let from = self.at;
        let mut at = from + 1;
        if self.t.is(at, "OR") && self.t.is(at + 1, "ALTER") {
            at += 2;
        }
        let what = self.t.word(at);
        if matches!(
            what.as_str(),
            "VIEW" | "PROC" | "PROCEDURE" | "FUNCTION" | "TRIGGER" | "RULE" | "DEFAULT" | "AGGREGATE"
        ) && !(what == "DEFAULT" && self.t.is(from, "ALTER"))
        {
            self.at = self.t.len();
            return Ok(Kind::Definition);
        }
        if what == "SCHEMA" && self.t.is(from, "CREATE") {
            // Elements of the schema may follow; they are rare, and a definition may follow just as well: stop at words
            // that begin statements.
            self.at = self.end(at, |_, _| false);
            return Ok(Kind::Definition);
        }
        if let Some(end) = self.definition_end(from) {
            self.at = end;
            return Ok(Kind::Definition);
        }
        let mut first = true;
        self.at = self.end(at, |i, word| {
            let on = self.t.is(i - 1, "ON");
            let action = self.t.is(i - 1, "DELETE") || self.t.is(i - 1, "UPDATE");
            if matches!(word, "DELETE" | "UPDATE") && on {
                return true;
            }
            if (word == "SET" && action) || (word == "ROLLBACK" && self.t.is(i - 1, "WITH")) {
                return true;
            }
            if matches!(word, "ALTER" | "DROP" | "SET") && self.t.is(from, "ALTER") && first {
                first = false;
                return true;
            }
            if word == "IF" && self.t.is(i + 1, "EXISTS") {
                return true;
            }
            // CREATE QUEUE, CREATE EVENT … and statistics' FULLSCAN do not meet such words.
            matches!(word, "EXECUTE" | "EXEC") && self.t.is(i + 1, "AS")
        });
        Ok(Kind::Definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<String> {
        let b = Batch::parse(sql).unwrap();
        b.statements.iter().map(|s| b.tokens.source(s.from, s.to).to_string()).collect()
    }

    #[test]
    fn statements_end_where_others_begin() {
        assert_eq!(
            kinds("SELECT 1 SELECT a FROM t UNION ALL SELECT b FROM u INSERT t VALUES (1) INSERT t SELECT 1 DELETE t"),
            [
                "SELECT 1",
                "SELECT a FROM t UNION ALL SELECT b FROM u",
                "INSERT t VALUES (1)",
                "INSERT t SELECT 1",
                "DELETE t"
            ]
        );
        assert_eq!(
            kinds("CREATE TABLE b(id int REFERENCES a(id) ON DELETE CASCADE ON UPDATE SET NULL) ALTER TABLE c ADD x int \
                   CONSTRAINT f REFERENCES b ON DELETE SET NULL ALTER TABLE c DROP COLUMN x UPDATE c SET x = CASE WHEN 1=1 \
                   THEN 1 ELSE 2 END WHERE x = 3 IF 1 = 1 SELECT 1 ELSE SELECT 2; BEGIN TRY SELECT 1 END TRY BEGIN CATCH \
                   THROW END CATCH").len(),
            6
        );
        assert_eq!(kinds("GRANT SELECT, UPDATE ON t TO u DENY EXECUTE TO v").len(), 2);
        assert_eq!(kinds("CREATE VIEW v AS SELECT 1 SELECT 2").len(), 1);
        assert_eq!(kinds("sp_rename 'a', 'b'").len(), 1);
        assert_eq!(kinds("DECLARE @a int = 1, @b nvarchar(10) SET @a = 2 EXEC @a = p @x = 1, @y = @a OUTPUT").len(), 3);
        assert_eq!(kinds("ALTER DATABASE x SET SINGLE_USER WITH ROLLBACK IMMEDIATE DROP DATABASE x").len(), 2);
        assert_eq!(kinds("BEGIN TRAN; COMMIT TRAN BEGIN TRANSACTION a ROLLBACK a").len(), 4);
        assert_eq!(kinds("UPDATE customers SET id = customers.id + 10 FROM customers JOIN orders ON 1 = 1").len(), 1);
        assert_eq!(
            kinds("WITH a AS (SELECT 1 x) SELECT * FROM a OPTION (RECOMPILE); WITH b AS (SELECT 1 x) DELETE b").len(),
            2
        );
    }

    #[test]
    fn fact_2_insert_bulk_stands_alone() {
        assert_eq!(Batch::parse("SELECT 1; insert bulk t ([id] int)").unwrap_err().number, 428);
        assert!(Batch::parse("insert bulk t ([id] int) with (TABLOCK)").is_ok());
    }
}
