//! Transactions of a session: what a statement marks and goes back to, BEGIN, COMMIT, ROLLBACK and SAVE, and changes of the
//! catalogue that a ROLLBACK brings back.

use std::sync::Arc;
use std::time::Duration;

use crate::sandbox::meta::Database;
use crate::sandbox::meta::server::TEMPDB;
use crate::sandbox::session::{Abandoned, EnvChange, Reply};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};

use super::{SqlSession, Undo};

impl SqlSession {
    /// Makes ready to read databases: from the first access on one state is seen (fact 64).
    pub fn start_read(&mut self, databases: impl IntoIterator<Item = i32>) -> SqlResult<()> {
        for database in databases {
            self.open(database)?.read()?;
        }
        Ok(())
    }

    /// Makes ready to write a database: waits for other writers, and marks the point that the statement goes back to.
    pub fn start_write(&mut self, database: i32) -> SqlResult<()> {
        let signals = self.signals.clone();
        let timeout = self.options.lock_timeout;
        // Assumption: who waits five minutes for another session's transaction is in a deadlock that nobody else sees.
        let patience = if timeout < 0 { Duration::from_secs(300) } else { Duration::from_millis(timeout as u64) };
        let name = self.database_name(database);
        if self.database_meta(database).is_some_and(|d| d.options.read_only) {
            return Err(SqlError::batch(
                3906,
                1,
                16,
                format!("Failed to update database \"{name}\" because the database is read-only."),
            ));
        }
        let spid = self.spid;
        let isolation = self.options.isolation;
        let (explicit, marked) = (self.trancount() > 0, self.marked.contains(&database));
        let link = self.open(database)?;
        let ready = link
            .write::<SqlError>(Some(patience), || if signals.is_cancelled() { Err(Abandoned.into()) } else { Ok(()) })
            .map_err(|e| if e.number == 1222 && timeout < 0 { error::deadlock(spid) } else { e })?;
        if !ready {
            // Fact 66.
            return Err(if isolation == 5 {
                SqlError::transaction(
                    3960,
                    2,
                    16,
                    format!(
                        "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to \
                         access table directly or indirectly in database '{name}' to update, delete, or insert the row that \
                         has been modified or deleted by another transaction. Retry the transaction or change the isolation \
                         level for the update/delete statement."
                    ),
                )
            } else {
                error::deadlock(spid)
            });
        }
        if explicit && !marked {
            link.savepoint("statement")?;
            self.marked.insert(database);
        }
        Ok(())
    }

    /// Ends a statement: what it wrote stays or goes, and outside a transaction it is committed.
    pub fn end_statement(&mut self, ok: bool) -> SqlResult<()> {
        let explicit = self.trancount() > 0;
        let keeps_reading = matches!(self.options.isolation, 3..=5);
        for (database, link) in &mut self.links {
            if link.writing() {
                if explicit {
                    // Only a statement that wrote has marked its point.
                    if self.marked.remove(database) {
                        if !ok {
                            link.rollback_to("statement")?;
                        }
                        link.release("statement")?;
                    }
                } else if ok {
                    link.commit()?;
                } else {
                    link.rollback();
                }
            } else if link.active() && !(explicit && keeps_reading) {
                link.commit()?;
            }
        }
        if !explicit {
            if ok {
                if !self.undo.is_empty() {
                    self.undo.clear();
                    self.engine.changed();
                }
            } else {
                self.bring_back(0);
            }
        }
        Ok(())
    }

    /// Undoes definitions down to a mark.
    pub fn bring_back(&mut self, to: usize) {
        while self.undo.len() > to {
            let (database, changes) = match self.undo.pop() {
                None => break,
                Some(Undo::Definition(undo)) => {
                    let _ = self.engine.catalogue.change(|s| {
                        undo.apply(s);
                        Ok::<(), ()>(())
                    });
                    continue;
                }
                Some(Undo::Objects(database, changes)) => (database, changes),
            };
            if database == TEMPDB {
                Arc::make_mut(&mut self.temporary.borrow_mut()).undo(&changes);
                continue;
            }
            let _ = self.engine.catalogue.change(|s| {
                if let Some(d) = s.database_mut(database) {
                    d.undo(&changes);
                }
                Ok::<(), ()>(())
            });
        }
    }

    /// BEGIN TRAN.
    pub fn begin(&mut self, reply: &mut dyn Reply) -> SqlResult<()> {
        let mut s = self.state.borrow_mut();
        s.trancount += 1;
        if s.trancount == 1 {
            s.doomed = false;
            self.descriptor = self.engine.next_descriptor();
            self.savepoints.clear();
            reply.env(&EnvChange::Begin(self.descriptor.to_le_bytes()))?;
        }
        Ok(())
    }

    /// COMMIT.
    pub fn commit(&mut self, reply: &mut dyn Reply) -> SqlResult<()> {
        let count = self.trancount();
        if count == 0 {
            return Err(SqlError::new(
                3902,
                1,
                16,
                "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            ));
        }
        if self.state.borrow().doomed {
            return Err(error::doomed());
        }
        self.state.borrow_mut().trancount -= 1;
        if count == 1 {
            for link in self.links.values_mut() {
                link.commit()?;
            }
            if !self.undo.is_empty() {
                self.undo.clear();
                self.engine.changed();
            }
            self.savepoints.clear();
            reply.env(&EnvChange::Commit(self.descriptor.to_le_bytes()))?;
            self.descriptor = 0;
        }
        Ok(())
    }

    /// ROLLBACK of everything; nothing is said if nothing is open.
    pub fn rollback(&mut self, reply: Option<&mut dyn Reply>) -> SqlResult<()> {
        self.marked.clear();
        for link in self.links.values_mut() {
            link.rollback();
        }
        self.bring_back(0);
        self.savepoints.clear();
        let open = {
            let mut s = self.state.borrow_mut();
            let open = s.trancount > 0;
            s.trancount = 0;
            s.doomed = false;
            open
        };
        let descriptor = std::mem::take(&mut self.descriptor);
        if open && let Some(reply) = reply {
            reply.env(&EnvChange::Rollback(descriptor.to_le_bytes()))?;
        }
        Ok(())
    }

    /// SAVE TRAN.
    pub fn save(&mut self, name: &str) -> SqlResult<()> {
        if self.trancount() == 0 {
            return Err(SqlError::new(
                628,
                0,
                16,
                "Cannot issue SAVE TRANSACTION when there is no active transaction.",
            ));
        }
        let databases: Vec<i32> = self.links.keys().copied().collect();
        let point = format!("save {name}");
        for d in databases {
            let link = self.open(d)?;
            if link.writing() {
                link.savepoint(&point)?;
            }
        }
        self.savepoints.push((name.to_string(), self.undo.len()));
        Ok(())
    }

    /// ROLLBACK TRAN name: to a point, or of everything if it is the transaction's own name.
    pub fn rollback_to(&mut self, name: &str, reply: &mut dyn Reply) -> SqlResult<()> {
        let Some(at) = self.savepoints.iter().rposition(|(n, _)| n == name) else {
            return self.rollback(Some(reply));
        };
        let mark = self.savepoints[at].1;
        self.savepoints.truncate(at + 1);
        self.bring_back(mark);
        let point = format!("save {name}");
        for link in self.links.values_mut() {
            // What began to write after the point has no point: all of it goes.
            if link.writing() && link.rollback_to(&point).is_err() {
                link.rollback();
            }
        }
        Ok(())
    }

    /// Changes a database's catalogue as part of the transaction.
    pub fn change_database<T>(
        &mut self,
        database: i32,
        change: impl FnOnce(&mut Database) -> SqlResult<T>,
    ) -> SqlResult<T> {
        if database == TEMPDB {
            let mut holder = self.temporary.borrow_mut();
            let before = holder.as_ref().clone();
            let mut next = before.clone();
            let out = change(&mut next)?;
            let undo = before.undo_of(&next);
            *holder = Arc::new(next);
            drop(holder);
            self.undo.push(Undo::Objects(database, undo));
            return Ok(out);
        }
        let (out, undo) = self.engine.catalogue.change(|s| {
            let db = s.database_mut(database).ok_or_else(|| {
                SqlError::batch(911, 1, 16, "Database does not exist. Make sure that the name is entered correctly.")
            })?;
            let before = db.clone();
            let out = change(db)?;
            let undo = before.undo_of(db);
            Ok::<_, SqlError>((out, undo))
        })?;
        self.undo.push(Undo::Objects(database, undo));
        Ok(out)
    }
}
