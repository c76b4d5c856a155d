//! One statement after another: its first word tells what it is, and who reads the rest of it.

use sqlparser::tokenizer::Token;

use crate::sandbox::sql::error::{SqlError, SqlResult};

use super::{Kind, Reader, Statement};

impl Reader<'_> {
    pub(super) fn skip_separators(&mut self) {
        while matches!(self.t.token(self.at), Some(Token::SemiColon)) {
            self.at += 1;
        }
    }

    pub(super) fn statement(&mut self, first: bool) -> SqlResult<Statement> {
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
                if first && self.t.identifier(from).is_some() && !crate::sandbox::sql::tokens::is_reserved(&word) {
                    return self.exec(from);
                }
                Err(self.t.near(from))
            }
        }
    }

    pub(super) fn query(&mut self, from: usize) -> SqlResult<Kind> {
        let end = self.query_end(from);
        self.at = end;
        Ok(Kind::Query(self.t.query(from, end)?))
    }
}
