//! What T-SQL has of a programming language: variables, blocks, TRY and CATCH, transactions, calls of procedures.

use sqlparser::ast;
use sqlparser::tokenizer::Token;

use crate::sandbox::sql::error::{self, SqlResult};

use super::boundary::begins;
use super::{Argument, Declaration, Kind, Reader, Statement};

impl Reader<'_> {
    pub(super) fn declare(&mut self) -> SqlResult<Kind> {
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
                return Err(error::unsupported("CURSOR"));
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

    pub(super) fn set(&mut self) -> SqlResult<Kind> {
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

    pub(super) fn begin(&mut self) -> SqlResult<Kind> {
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

    pub(super) fn transaction_words(&self, at: usize) -> (Option<String>, usize) {
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

    pub(super) fn exec(&mut self, from: usize) -> SqlResult<Kind> {
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
}
