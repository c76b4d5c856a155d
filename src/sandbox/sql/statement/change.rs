//! INSERT, UPDATE and DELETE, and the clauses that they share: TOP, hints, OUTPUT, FROM and WHERE.

use sqlparser::ast;
use sqlparser::tokenizer::Token;

use crate::sandbox::sql::error::{self, SqlResult};
use crate::sandbox::sql::tokens::Tokens;

use super::{Assignment, Change, Insert, Kind, Output, Reader, Source};

impl Reader<'_> {
    pub(super) fn with(&mut self) -> SqlResult<Kind> {
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
            _ => Err(error::unsupported("MERGE")),
        }
    }

    pub(super) fn insert(&mut self, from: usize, with: Option<ast::With>) -> SqlResult<Kind> {
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

    pub(super) fn update(&mut self, from: usize, with: Option<ast::With>) -> SqlResult<Kind> {
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

    pub(super) fn delete(&mut self, from: usize, with: Option<ast::With>) -> SqlResult<Kind> {
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

    pub(super) fn assignment(&self, from: usize, to: usize) -> SqlResult<Assignment> {
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

    /// The first of some words outside parentheses and CASE in `from..to`.
    pub(super) fn find(&self, from: usize, to: usize, words: &[&str]) -> usize {
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
}
