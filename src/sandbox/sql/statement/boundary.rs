//! Where a statement ends: T-SQL needs no separators, so it ends where a word begins that can only start another, and a
//! definition where its own grammar says so.

use sqlparser::tokenizer::Token;

use crate::sandbox::sql::error::SqlResult;

use super::{Kind, Reader};

/// Words that can only begin a statement.
pub(super) fn begins(word: &str) -> bool {
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

impl Reader<'_> {
    /// Where a piece that starts at `from` ends: at a separator, or at a word that begins a statement, but for the
    /// first `allowed` of those words that `belongs` accepts.
    pub(super) fn end(&self, from: usize, mut belongs: impl FnMut(usize, &str) -> bool) -> usize {
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
    pub(super) fn throws(&self, at: usize) -> bool {
        match self.t.token(at + 1) {
            None | Some(Token::SemiColon) | Some(Token::Number(..)) => true,
            Some(Token::Word(w)) => w.value.starts_with('@') || w.value.eq_ignore_ascii_case("END"),
            _ => false,
        }
    }

    pub(super) fn query_end(&self, from: usize) -> usize {
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

    /// Where a definition ends by its own grammar; `None` when it cannot be read, which is told when it is run.
    pub(super) fn definition_end(&self, from: usize) -> Option<usize> {
        let start = self.t.list.get(from)?.start;
        let end = crate::sandbox::ddl::parse::parse(&self.t.text, start, true).ok()??.end;
        (from..self.t.len()).find(|i| self.t.list[*i].start >= end).or(Some(self.t.len()))
    }

    pub(super) fn define(&mut self) -> SqlResult<Kind> {
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
