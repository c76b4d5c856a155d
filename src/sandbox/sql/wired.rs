//! The session as the wire drives it.

use crate::sandbox::session::{
    Abandoned, BulkColumn, BulkEnd, Done, DoneKind, Message, Parameter, Reply, Session, TransactionRequest,
};

use super::error::SqlError;
use super::run::{Out, command};
use super::session::{SetOptions, SqlSession};

impl Session for SqlSession {
    fn spid(&self) -> u16 {
        self.spid
    }

    fn batch(&mut self, sql: &str, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.run_batch(sql, reply)
    }

    fn rpc(&mut self, procedure: &str, parameters: &[Parameter], reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.run_rpc(procedure, parameters, reply)
    }

    fn transaction(&mut self, request: &TransactionRequest, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        let mut out = Out { reply, kind: DoneKind::Statement, ended: false, tries: 0 };
        let result = match request {
            TransactionRequest::Begin { isolation, .. } => {
                // Fact 67: 0 keeps the level, another stays for the session.
                if *isolation != 0 {
                    self.options.isolation = *isolation;
                }
                self.begin(&mut *out.reply).map(|()| command::BEGIN)
            }
            TransactionRequest::Commit { begin_next } => self.commit(&mut *out.reply).and_then(|()| {
                if let Some((isolation, _)) = begin_next {
                    if *isolation != 0 {
                        self.options.isolation = *isolation;
                    }
                    self.begin(&mut *out.reply)?;
                }
                Ok(command::COMMIT)
            }),
            TransactionRequest::Rollback { name, begin_next } => {
                let open = self.trancount() > 0;
                let rolled = if !open {
                    Err(SqlError::new(
                        3903,
                        1,
                        16,
                        "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
                    ))
                } else if name.is_empty() {
                    self.rollback(Some(&mut *out.reply))
                } else {
                    self.rollback_to(name, &mut *out.reply)
                };
                rolled.and_then(|()| {
                    if begin_next.is_some() {
                        self.begin(&mut *out.reply)?;
                    }
                    Ok(command::ROLLBACK)
                })
            }
            TransactionRequest::Save { name } => self.save(name).map(|()| command::SAVE),
        };
        match result {
            Ok(command) => out.done(self, command, None),
            Err(e) => self.failed_batch(e, &mut out),
        }
    }

    fn bulk_pending(&self) -> bool {
        self.bulk.is_some()
    }

    fn bulk_columns(&mut self, columns: &[BulkColumn], reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        self.load_columns(columns, reply)
    }

    fn bulk_row(&mut self, body: &[u8], reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        self.load_row(body, reply)
    }

    fn bulk_end(&mut self, end: BulkEnd, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.load_end(end, reply)
    }

    fn fail(&mut self, message: &Message, kind: DoneKind, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.state.borrow_mut().error = message.number;
        self.bulk = None;
        reply.message(message)?;
        let _ = self.end_statement(false);
        // A deadlock's victim, and what ends the batch, loses the transaction.
        let _ = self.rollback(Some(&mut *reply));
        reply.done(Done { command: command::BATCH, rows: None, error: true }, kind)
    }

    fn reset(&mut self, keep_transaction: bool) {
        self.bulk = None;
        if !keep_transaction {
            let _ = self.rollback(None);
            self.links.clear();
            self.forget_temporary();
        }
        self.prepared.clear();
        self.options = SetOptions::default();
        self.variables.borrow_mut().clear();
        let trancount = self.trancount();
        self.state.replace(super::session::State { trancount, ..Default::default() });
        // Back to the database of the login.
        self.database = self.login_database;
        self.engine.moved(self.spid, self.database);
    }

    fn attention(&mut self, reply: &mut dyn Reply) -> u16 {
        self.bulk = None;
        let _ = self.end_statement(false);
        if self.options.xact_abort || self.state.borrow().doomed {
            let _ = self.rollback(Some(reply));
        }
        self.command
    }
}
