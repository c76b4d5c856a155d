//! Batches run: statements one after the other, errors and their reach, what is answered in which order.
//!
//! What each statement does is `statement`, queries and expressions are `query`, SET is `options`.

mod options;
mod query;
mod statement;

use std::sync::Arc;

use crate::sandbox::session::{Abandoned, Done, DoneKind, Message, Reply};

use super::error::{Reach, SqlError, SqlResult};
use super::session::SqlSession;
use super::statement::{Batch, Statement};
use super::tokens::Tokens;

/// CurCmd values (ddl-completion capture).
pub mod command {
    #![expect(missing_docs, reason = "named as in T-SQL")]
    pub const SELECT: u16 = 193;
    pub const INSERT: u16 = 195;
    pub const DELETE: u16 = 196;
    pub const UPDATE: u16 = 197;
    pub const ROLLBACK: u16 = 210;
    pub const BEGIN: u16 = 212;
    pub const COMMIT: u16 = 213;
    pub const SAVE: u16 = 214;
    pub const EXEC: u16 = 224;
    pub const CONDITION: u16 = 192;
    pub const SET_ON: u16 = 185;
    pub const SET_OFF: u16 = 186;
    pub const IDENTITY_ON: u16 = 183;
    pub const IDENTITY_OFF: u16 = 184;
    pub const BULK: u16 = 240;
    pub const BATCH: u16 = 253;
}

/// Where a statement leaves its block.
#[derive(Debug, Clone, PartialEq)]
pub enum Flow {
    /// On to the next.
    Next,
    /// BREAK.
    Break,
    /// CONTINUE.
    Continue,
    /// RETURN, with its value.
    Return(Option<i32>),
}

/// Where answers of a run go.
pub struct Out<'r> {
    /// The wire.
    pub reply: &'r mut dyn Reply,
    /// DONE or DONEINPROC.
    pub kind: DoneKind,
    /// Whether a DONE was sent.
    pub ended: bool,
    /// Inside how many TRY blocks.
    pub tries: usize,
}

impl Out<'_> {
    /// Ends a statement.
    pub fn done(&mut self, session: &SqlSession, command: u16, rows: Option<u64>) -> Result<(), Abandoned> {
        self.ended = true;
        let rows = if session.options.nocount { None } else { rows };
        self.reply.done(Done { command, rows, error: false }, self.kind)
    }

    fn failed(&mut self, command: u16) -> Result<(), Abandoned> {
        self.ended = true;
        self.reply.done(Done { command, rows: None, error: true }, self.kind)
    }
}

fn info(number: i32, state: u8, text: &str, line: u32) -> Message {
    Message { number, state, class: 0, text: text.to_string(), procedure: String::new(), line }
}

impl SqlSession {
    /// A batch, its last DONE included.
    pub fn run_batch(&mut self, text: &str, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.variables.borrow_mut().clear();
        self.state.borrow_mut().caught.clear();
        let mut out = Out { reply, kind: DoneKind::Statement, ended: false, tries: 0 };
        let result = Batch::parse(text).and_then(|b| self.block(&b.tokens, &b.statements, &mut out));
        match result {
            Ok(_) => {
                self.end_of_batch(&mut out)?;
                if !out.ended {
                    out.done(self, command::BATCH, None)?;
                }
                Ok(())
            }
            Err(e) => self.failed_batch(e, &mut out),
        }
    }

    /// Answers an error that nobody caught and that ends the batch.
    pub fn failed_batch(&mut self, e: SqlError, out: &mut Out<'_>) -> Result<(), Abandoned> {
        if e.abandoned {
            let _ = self.end_statement(false);
            return Err(Abandoned);
        }
        self.say(&e, out)?;
        let _ = self.end_statement(false);
        let abort = e.reach == Reach::Transaction || self.options.xact_abort || self.state.borrow().doomed;
        if abort {
            let _ = self.rollback(Some(&mut *out.reply)).map_err(|_| Abandoned);
        }
        out.failed(command::BATCH)
    }

    /// Sends the tokens of an error.
    fn say(&mut self, e: &SqlError, out: &mut Out<'_>) -> Result<(), Abandoned> {
        for b in &e.before {
            out.reply.message(&b.message())?;
        }
        self.state.borrow_mut().error = e.number;
        self.state.borrow_mut().rowcount = 0;
        if !e.silent {
            out.reply.message(&e.message())?;
        }
        Ok(())
    }

    /// Fact 70.
    fn end_of_batch(&mut self, out: &mut Out<'_>) -> Result<(), Abandoned> {
        if self.state.borrow().doomed {
            let e = SqlError::new(
                3998,
                1,
                16,
                "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.",
            );
            self.say(&e, out)?;
            let _ = self.rollback(Some(&mut *out.reply));
            out.failed(command::BATCH)?;
        }
        Ok(())
    }

    /// Statements one after the other. `Err` is what ends the batch (or is caught further out).
    pub fn block(&mut self, t: &Arc<Tokens>, list: &[Statement], out: &mut Out<'_>) -> SqlResult<Flow> {
        for s in list {
            match self.statement(t, s, out)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }
}
