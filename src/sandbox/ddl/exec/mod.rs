//! Execution of definition statements: names are resolved, rules checked, the catalogue changed as a whole or not at all.

mod alter;
mod alter_drop;
mod broker;
mod constraint;
mod crypto;
mod database;
mod database_options;
mod dbcc;
mod drop;
mod extended;
mod external;
mod files;
mod foreign;
mod fulltext;
mod index;
mod module;
mod other;
mod partition;
mod permission;
mod policy;
pub mod procedures;
mod rename;
mod security;
mod statistics;
mod table;
#[cfg(test)]
pub(crate) mod tests;
pub mod types;

use std::sync::Arc;

use crate::sandbox::meta::{Catalogue, Database, Kind, Object, Server, Stamp};
use crate::sandbox::session::Message;

use super::ast::{ObjectName, Statement};
use super::error::{DdlError, DdlResult, no_access, no_database, no_schema, permission_denied};
use super::hooks::Hooks;
use super::rights;

pub(crate) use security::key_sid;
pub use table::temporary_table;

/// Who asks, and how the session is set.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Who {
    pub login: String,
    pub session_id: i32,
    /// The current database.
    pub database_id: i32,
    pub ansi_nulls: bool,
    pub quoted_identifier: bool,
    pub ansi_padding: bool,
    /// A column that does not say is nullable (ANSI_NULL_DFLT_ON).
    pub ansi_null_default: bool,
    /// Inside an explicit transaction.
    pub in_transaction: bool,
}

impl Who {
    /// A session with the settings that clients have.
    pub fn new(login: &str, session_id: i32, database_id: i32) -> Who {
        Who {
            login: login.to_string(),
            session_id,
            database_id,
            ansi_nulls: true,
            quoted_identifier: true,
            ansi_padding: true,
            ansi_null_default: true,
            in_transaction: false,
        }
    }
}

/// What a statement did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// CurCmd of its DONE.
    pub command: u16,
    /// INFO messages, in order.
    pub messages: Vec<Message>,
    /// How to take it back when the transaction is rolled back, newest change first.
    pub undo: Vec<Undo>,
    /// RETURNSTATUS of a procedure.
    pub status: i32,
}

/// What brings a database's catalogue back to before a statement.
#[derive(Debug, Clone)]
pub struct Undo {
    database_id: i32,
    objects: Vec<(i32, Option<Arc<Object>>)>,
    shape: Option<Arc<Database>>,
}

impl Undo {
    /// Applies it.
    pub fn apply(&self, server: &mut Server) {
        if let Some(database) = server.database_mut(self.database_id) {
            database.undo(&self.objects);
            if let Some(before) = &self.shape {
                database.undo_shape(before);
            }
        }
    }
}

/// CurCmd of a statement, also of one that fails while it runs.
pub fn command_of(statement: &Statement) -> u16 {
    use super::ast::{DropKind, Verb};
    use crate::sandbox::meta::ModuleKind;
    match statement {
        Statement::CreateTable { .. } => 198,
        Statement::CreateIndex { .. } => 200,
        Statement::DropIndex { .. } => 201,
        Statement::AlterDatabase { .. } => 215,
        Statement::AlterTable { .. } => 216,
        Statement::Module(m) => match (m.kind, m.verb) {
            (ModuleKind::View, _) => 207,
            (ModuleKind::Trigger, _) => 221,
            (ModuleKind::Procedure, Verb::Create | Verb::CreateOrAlter) => 222,
            _ => 253,
        },
        Statement::Drop { kind, .. } => match kind {
            DropKind::Table => 199,
            DropKind::Database => 204,
            DropKind::View => 208,
            DropKind::Trigger => 225,
            _ => 253,
        },
        // Assumption: what no capture shows answers 253, as CREATE SCHEMA and ENABLE TRIGGER do.
        _ => 253,
    }
}

/// Executes a statement. Nothing of it is visible, in the catalogue, if it fails.
pub fn execute(statement: &Statement, who: &Who, catalogue: &Catalogue, hooks: &mut dyn Hooks) -> DdlResult<Outcome> {
    change(who, catalogue, hooks, |run| {
        run.statement(statement)?;
        Ok(command_of(statement))
    })
}

/// Runs something on a copy of the catalogue and publishes it.
fn change(
    who: &Who,
    catalogue: &Catalogue,
    hooks: &mut dyn Hooks,
    act: impl FnOnce(&mut Run<'_>) -> DdlResult<u16>,
) -> DdlResult<Outcome> {
    catalogue.change(|server| {
        let before = server.clone();
        let mut run = Run { server, who, hooks, messages: Vec::new(), shape: false, now: Stamp::now(), status: 0 };
        let command = act(&mut run)?;
        let (messages, shape, status) = (run.messages, run.shape, run.status);
        let mut undo = Vec::new();
        for (id, old) in &before.databases {
            if let Some(new) = server.databases.get(id)
                && !Arc::ptr_eq(old, new)
            {
                undo.push(Undo { database_id: *id, objects: old.undo_of(new), shape: shape.then(|| old.clone()) });
            }
        }
        Ok(Outcome { command, messages, undo, status })
    })
}

/// A statement being executed.
pub(super) struct Run<'a> {
    pub(super) server: &'a mut Server,
    pub(super) who: &'a Who,
    pub(super) hooks: &'a mut dyn Hooks,
    pub(super) messages: Vec<Message>,
    /// Whether something else than objects changed.
    pub(super) shape: bool,
    pub(super) now: Stamp,
    pub(super) status: i32,
}

impl Run<'_> {
    fn statement(&mut self, statement: &Statement) -> DdlResult<()> {
        match statement {
            Statement::CreateDatabase { .. } | Statement::AlterDatabase { .. } => self.database_statement(statement),
            Statement::CreateTable { name, table } => self.create_table(name, table),
            Statement::AlterTable { name, action } => self.alter_table(name, action),
            Statement::CreateIndex { table, index } => self.create_index(table, index),
            Statement::AlterIndex { name, table, action } => self.alter_index(name.as_deref(), table, action),
            Statement::DropIndex { items, if_exists } => self.drop_index(items, *if_exists),
            Statement::CreateStatistics { name, table, columns, filter, options } => {
                self.create_statistics(name, table, columns, filter.as_ref(), options)
            }
            Statement::UpdateStatistics { table } => self.find_table(table).map(|_| ()),
            Statement::Module(module) => self.module(module),
            Statement::SwitchTrigger { enable, names, on } => self.switch_trigger(*enable, names, on.as_ref()),
            Statement::Drop { kind, names, if_exists, on } => self.drop(*kind, names, *if_exists, on.as_ref()),
            Statement::CreateRole { .. }
            | Statement::CreateApplicationRole { .. }
            | Statement::AlterRole { .. }
            | Statement::CreateUser(_)
            | Statement::AlterUser(_)
            | Statement::CreateLogin(_)
            | Statement::AlterLogin(_)
            | Statement::Permission { .. }
            | Statement::AlterAuthorization { .. } => self.security(statement),
            Statement::CreatePartitionFunction { .. }
            | Statement::AlterPartitionFunction { .. }
            | Statement::CreatePartitionScheme { .. }
            | Statement::AlterPartitionScheme { .. } => self.partition(statement),
            Statement::CreateFullTextCatalog { .. }
            | Statement::AlterFullTextCatalog { .. }
            | Statement::CreateFullTextIndex { .. }
            | Statement::AlterFullTextIndex { .. }
            | Statement::DropFullTextIndex { .. } => self.fulltext(statement),
            Statement::Rare(rare) => self.rare(rare),
            Statement::Dbcc { command, arguments, options } => self.dbcc(command, arguments, options),
            Statement::CreateSchema { .. }
            | Statement::AlterSchema { .. }
            | Statement::CreateAlias { .. }
            | Statement::CreateTableType { .. }
            | Statement::CreateClrType { .. }
            | Statement::CreateXmlCollection { .. }
            | Statement::AlterXmlCollection { .. }
            | Statement::CreateSequence { .. }
            | Statement::AlterSequence { .. }
            | Statement::CreateSynonym { .. } => self.other(statement),
        }
    }

    /// An INFO.
    fn info(&mut self, number: i32, state: u8, text: impl Into<String>) {
        self.messages.push(Message { number, state, class: 0, text: text.into(), procedure: String::new(), line: 1 });
    }

    fn db(&self, database_id: i32) -> DdlResult<&Arc<Database>> {
        self.server.databases.get(&database_id).ok_or_else(|| no_database(""))
    }

    fn db_mut(&mut self, database_id: i32) -> DdlResult<&mut Database> {
        self.server.database_mut(database_id).ok_or_else(|| no_database(""))
    }

    /// The database to change more than objects in.
    fn shape(&mut self, database_id: i32) -> DdlResult<&mut Database> {
        self.shape = true;
        self.db_mut(database_id)
    }

    /// The database that a name means, which the login may enter and change.
    fn target(&self, name: &ObjectName) -> DdlResult<i32> {
        let database = match &name.database {
            None => self.db(self.who.database_id)?,
            // Assumption: an unknown database in a definition's name is 911, as in USE.
            Some(database) => self.server.database(database).ok_or_else(|| no_database(database))?,
        };
        self.enter(database)?;
        if database.options.read_only {
            return Err(DdlError::new(
                3906,
                1,
                16,
                format!("Failed to update database \"{}\" because the database is read-only.", database.name),
            ));
        }
        Ok(database.database_id)
    }

    /// 916 and 924 for who may not come in.
    fn enter(&self, database: &Database) -> DdlResult<()> {
        if !rights::may_enter(self.server, database, &self.who.login) {
            return Err(no_access(&self.who.login, &database.name));
        }
        rights::seat(database, self.who.session_id)
    }

    /// The schema that a name means: as written, else the user's default one.
    fn schema(&self, database_id: i32, name: &ObjectName) -> DdlResult<i32> {
        let database = self.db(database_id)?;
        match &name.schema {
            Some(schema) => {
                let found = database.schema(schema).ok_or_else(|| no_schema(schema))?;
                Ok(found.schema_id)
            }
            None => Ok(rights::default_schema(self.server, database, &self.who.login)),
        }
    }

    /// An object by its name, in the default schema and then in dbo when no schema is written.
    fn find(&self, name: &ObjectName) -> DdlResult<Option<(i32, Arc<Object>)>> {
        let database_id = self.target(name)?;
        let database = self.db(database_id)?;
        let found = match &name.schema {
            Some(schema) => database.schema(schema).and_then(|s| database.find(s.schema_id, &name.name)),
            None => {
                let own = rights::default_schema(self.server, database, &self.who.login);
                database
                    .find(own, &name.name)
                    .or_else(|| database.find(crate::sandbox::meta::database::DBO_SCHEMA, &name.name))
            }
        };
        Ok(found.map(|o| (database_id, o.clone())))
    }

    /// A table to change; 4902 if there is none, 4909 if it is something else.
    fn find_table(&self, name: &ObjectName) -> DdlResult<(i32, Arc<Object>)> {
        match self.find(name)? {
            Some((database_id, object)) if matches!(object.kind, Kind::Table(_)) => {
                self.allow(database_id, &object, "ALTER", || super::error::no_table(&name.shown()))?;
                Ok((database_id, object))
            }
            Some((_, object)) => {
                Err(DdlError::new(4909, 1, 16, format!("Cannot alter '{}' because it is not a table.", object.name)))
            }
            None => Err(super::error::no_table(&name.shown())),
        }
    }

    /// The right to make something in a database: 262 without it.
    fn allow_create(&self, database_id: i32, permission: &str) -> DdlResult<()> {
        let database = self.db(database_id)?;
        if rights::has_database(self.server, database, &self.who.login, permission) {
            return Ok(());
        }
        Err(permission_denied(permission, &database.name))
    }

    /// The right to change an object: as if it were not there without it.
    fn allow(
        &self,
        database_id: i32,
        object: &Object,
        permission: &str,
        otherwise: impl FnOnce() -> DdlError,
    ) -> DdlResult<()> {
        let database = self.db(database_id)?;
        if rights::has_object(self.server, database, &self.who.login, object, permission) {
            Ok(())
        } else {
            Err(otherwise())
        }
    }

    /// Puts an object that was changed.
    fn put(&mut self, database_id: i32, mut object: Object) -> DdlResult<Arc<Object>> {
        object.modified = self.now;
        Ok(self.db_mut(database_id)?.put(object))
    }

    /// 2714 if a name is taken in a schema.
    fn free_name(&self, database_id: i32, schema_id: i32, name: &str, state: u8) -> DdlResult<()> {
        let database = self.db(database_id)?;
        if database.locate(schema_id, name).is_some() {
            return Err(super::error::name_in_use(name, state));
        }
        Ok(())
    }

    /// A new object without content yet.
    fn fresh(&mut self, database_id: i32, schema_id: i32, name: &str, parent: i32, kind: Kind) -> DdlResult<Object> {
        let object_id = self.db_mut(database_id)?.new_object_id();
        Ok(Object {
            object_id,
            name: name.to_string(),
            schema_id,
            parent_object_id: parent,
            principal_id: None,
            created: self.now,
            modified: self.now,
            kind,
        })
    }

    /// The server's error for things that cannot be in a transaction (fact 57).
    fn not_in_transaction(&self, what: &str) -> DdlResult<()> {
        if self.who.in_transaction {
            return Err(DdlError::new(
                226,
                6,
                16,
                format!("{what} statement not allowed within multi-statement transaction."),
            ));
        }
        Ok(())
    }
}
