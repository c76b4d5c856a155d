//! Batches of a script on one connection, each under the settings that its object was made under. What the server
//! refuses is tried again or another way, and then told with the server's words.

use super::job::{JobContext, Stop};
use crate::bacpac::script::{Batch, Phase, Script};
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::Orders;

/// "Invalid object name" (catalog/errors.json).
const NO_OBJECT: i32 = 208;

/// What kind of batch makes an assembly.
const ASSEMBLY: &str = "assembly";

/// Runs batches on one connection.
pub struct Runner<'a> {
    /// The connection.
    pub orders: Box<dyn Orders>,
    settings: Option<(bool, bool)>,
    job: &'a JobContext,
    /// Kind and name of what was made, in order.
    made: Vec<(&'static str, String)>,
    /// Views on what is not there are left out without a warning: it was asked for.
    skip_views: bool,
}

impl<'a> Runner<'a> {
    /// On this connection.
    pub fn new(orders: Box<dyn Orders>, job: &'a JobContext, skip_views: bool) -> Self {
        Self { orders, settings: None, job, made: Vec::new(), skip_views }
    }

    /// Kind and name of what was made.
    pub fn made(&self) -> &[(&'static str, String)] {
        &self.made
    }

    async fn order(&mut self, batch: &Batch, sql: &str) -> Result<(), SqlError> {
        let wanted = (batch.ansi_nulls, batch.quoted_identifier);
        let cancel = &self.job.cancel;
        if self.settings != Some(wanted) {
            let word = |on: bool| if on { "ON" } else { "OFF" };
            let sql = format!("SET ANSI_NULLS {}; SET QUOTED_IDENTIFIER {};", word(wanted.0), word(wanted.1));
            self.orders.batch(&sql, "setting the session's options", cancel).await?;
            self.settings = Some(wanted);
        }
        let doing = format!("{} {}", batch.kind, batch.name);
        self.orders.batch(sql, &doing, cancel).await.map(|_| ())
    }

    async fn batch(&mut self, batch: &Batch) -> Result<(), SqlError> {
        self.order(batch, &batch.sql).await?;
        if batch.creates {
            self.made.push((batch.kind, batch.name.clone()));
        }
        Ok(())
    }

    /// The batches that are wanted, in order. What is optional may fail, with a remark.
    pub async fn batches(&mut self, script: &Script, wanted: impl Fn(&Batch) -> bool) -> Result<(), Stop> {
        let mut waiting: Vec<(&Batch, SqlError)> = Vec::new();
        let done = self.each(script, wanted, &mut waiting).await;
        // Told in any case: it may be why something else was refused.
        for (batch, error) in waiting {
            self.left_out(batch, &error);
        }
        done
    }

    /// The batches in order; assemblies that were refused are left over.
    async fn each<'s>(
        &mut self,
        script: &'s Script,
        wanted: impl Fn(&Batch) -> bool,
        waiting: &mut Vec<(&'s Batch, SqlError)>,
    ) -> Result<(), Stop> {
        for batch in script.batches.iter().filter(|b| wanted(b)) {
            self.job.check()?;
            match self.batch(batch).await {
                Ok(()) if batch.kind == ASSEMBLY => self.again(waiting).await?,
                Ok(()) => {}
                Err(error) if refused(&error) && batch.kind == ASSEMBLY => waiting.push((batch, error)),
                Err(error) if refused(&error) => self.otherwise(batch, error).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Assemblies that were refused, once another one is there: which of them uses which stands inside of them, and a
    /// package need not say it.
    async fn again(&mut self, waiting: &mut Vec<(&Batch, SqlError)>) -> Result<(), Stop> {
        loop {
            let before = waiting.len();
            for (batch, _) in std::mem::take(waiting) {
                match self.batch(batch).await {
                    Ok(()) => {}
                    Err(error) if refused(&error) => waiting.push((batch, error)),
                    Err(error) => return Err(error.into()),
                }
            }
            if waiting.is_empty() || waiting.len() == before {
                return Ok(());
            }
        }
    }

    /// What was refused is made another way, where there is one; else it is left out, where it may be.
    async fn otherwise(&mut self, batch: &Batch, error: SqlError) -> Result<(), Stop> {
        if let Some((sql, what)) = &batch.otherwise {
            match self.order(batch, sql).await {
                Ok(()) => {
                    self.job.remark(format!("{} {} {what}: {}", batch.kind, batch.name, words(&error)));
                    self.made.push((batch.kind, batch.name.clone()));
                    return Ok(());
                }
                Err(second) if refused(&second) => {}
                Err(second) => return Err(second.into()),
            }
        }
        if !may_fail(batch) {
            return Err(error.into());
        }
        self.left_out(batch, &error);
        Ok(())
    }

    /// Views, procedures and what comes after them. One that fails is tried again after the others, as long as that
    /// helps: a module may use one that the order does not know of.
    pub async fn modules(&mut self, script: &Script) -> Result<(), Stop> {
        let mut open: Vec<&Batch> = script.batches.iter().filter(|b| b.phase >= Phase::Modules).collect();
        loop {
            let mut failed = Vec::new();
            let before = open.len();
            for batch in open {
                self.job.check()?;
                match self.batch(batch).await {
                    Ok(()) => {}
                    Err(error) if refused(&error) => failed.push((batch, error)),
                    Err(error) => return Err(error.into()),
                }
            }
            if failed.is_empty() || failed.len() == before {
                for (batch, error) in failed {
                    self.left_out(batch, &error);
                }
                if self.made.iter().any(|(kind, _)| *kind == ASSEMBLY) {
                    let text =
                        "the database has code in assemblies: it runs where the server's option 'clr enabled' is on";
                    self.job.inform(text);
                }
                return Ok(());
            }
            open = failed.into_iter().map(|(batch, _)| batch).collect();
        }
    }

    fn left_out(&self, batch: &Batch, error: &SqlError) {
        let asked = self.skip_views && batch.kind == "view" && error.server().is_some_and(|e| e.has(NO_OBJECT));
        let text = format!("not restored: {} {}: {}", batch.kind, batch.name, words(error));
        if asked {
            self.job.inform(format!("{text}; left out as asked"));
        } else {
            self.job.remark(text);
        }
    }
}

/// The server's words.
fn words(error: &SqlError) -> String {
    error.server().map_or_else(|| error.to_string(), |e| format!("{}: {}", e.cause.number, e.cause.message))
}

/// The server refused this and takes more.
fn refused(error: &SqlError) -> bool {
    matches!(error, SqlError::Server { error, .. } if error.errors.iter().all(|e| e.class < 20))
}

/// Who may do what is not what the rows are: a user that is refused here is told, and stops nothing.
fn may_fail(batch: &Batch) -> bool {
    batch.optional || batch.phase == Phase::Principals
}
