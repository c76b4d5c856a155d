//! Definitions: handed to the catalogue, with what it asks about rows answered here.

use self::hooks::RowHooks;
use crate::sandbox::ddl::ast::{self as ddl, DropKind};
use crate::sandbox::ddl::error::DdlError;
use crate::sandbox::ddl::exec::{self, Who, procedures};
use crate::sandbox::ddl::parse;
use crate::sandbox::meta::Table;
use crate::sandbox::meta::database::DBO_SCHEMA;
use crate::sandbox::meta::server::TEMPDB;
use crate::sandbox::sql::error::{self, Reach, SqlError, SqlResult};
use crate::sandbox::sql::run::Out;
use crate::sandbox::sql::session::{Resolved, SqlSession, Undo};
use crate::sandbox::sql::statement::Statement;
use crate::sandbox::sql::tokens::Tokens;
use crate::sandbox::value::{SqlType, Value};

mod hooks;

/// An error of a definition as an error of a statement.
pub fn from_ddl(e: DdlError) -> SqlError {
    let reach = if e.ends_batch { Reach::Batch } else { Reach::Statement };
    let mut messages = e.messages.into_iter();
    let one = |m: crate::sandbox::session::Message| {
        let mut s = SqlError::new(m.number, m.state, m.class, m.text);
        s.procedure = m.procedure;
        s
    };
    let mut all: Vec<SqlError> = messages.by_ref().map(one).collect();
    let mut last = all.pop().unwrap_or_else(|| SqlError::new(50000, 1, 16, ""));
    last.before = all;
    last.reach = reach;
    last.terminated = e.terminated;
    last
}

/// An error of a statement as an error of a definition.
fn to_ddl(e: SqlError) -> DdlError {
    let mut out: Option<DdlError> = None;
    for m in e.before.iter().chain(std::iter::once(&e)) {
        out = Some(match out {
            None => DdlError::new(m.number, m.state, m.class, m.text.clone()),
            Some(o) => o.then(m.number, m.state, m.class, m.text.clone()),
        });
    }
    let mut out = out.unwrap_or_else(|| DdlError::new(50000, 1, 16, ""));
    out.terminated = e.terminated;
    out.ends_batch = e.reach >= Reach::Batch;
    out
}

/// The database that a definition names, if it names one.
fn named_database(s: &ddl::Statement) -> Option<&str> {
    use ddl::Statement as S;
    let name = match s {
        S::CreateTable { name, .. } | S::AlterTable { name, .. } => name,
        S::CreateIndex { table, .. } | S::AlterIndex { table, .. } => table,
        S::Drop { names, .. } => names.first()?,
        S::DropIndex { items, .. } => &items.first()?.1,
        _ => return None,
    };
    name.database.as_deref()
}

impl SqlSession {
    fn who(&self) -> Who {
        Who {
            ansi_nulls: self.options.ansi_nulls,
            quoted_identifier: self.options.quoted_identifier,
            in_transaction: self.trancount() > 0,
            ..Who::new(&self.login, i32::from(self.spid), self.database)
        }
    }

    /// A definition.
    pub fn definition(&mut self, t: &Tokens, s: &Statement, out: &mut Out<'_>) -> SqlResult<()> {
        if t.is(s.from, "TRUNCATE") {
            return self.truncate(t, s, out);
        }
        if matches!(t.word(s.from).as_str(), "BACKUP" | "RESTORE" | "BULK") {
            return Err(error::unsupported(&t.word(s.from)));
        }
        let start = t.list.get(s.from).map_or(0, |x| x.start);
        let parsed = parse::parse(&t.text, start, self.options.quoted_identifier).map_err(from_ddl)?;
        let parsed = parsed.ok_or_else(|| t.near(s.from))?;
        // All of the statement must have been read.
        if let Some(left) = (s.from..s.to).find(|i| t.list[*i].start >= parsed.end) {
            return Err(t.near(left));
        }
        let statement = parsed.statement;
        self.command = exec::command_of(&statement);
        if let ddl::Statement::CreateTable { name, table } = &statement
            && name.name.starts_with('#')
        {
            let catalogue = self.engine.catalogue.clone();
            let who = self.who();
            let object =
                exec::temporary_table(table, &name.name, &who, &catalogue.snapshot(), &mut RowHooks { session: self })
                    .map_err(from_ddl)?;
            let crate::sandbox::meta::Kind::Table(table) = object.kind else { return Err(error::syntax("TABLE")) };
            self.create_table(TEMPDB, "dbo", &name.name, *table)?;
            self.end_statement(true)?;
            out.done(self, self.command, None)?;
            return Ok(());
        }
        if let ddl::Statement::Drop { kind: DropKind::Table, names, if_exists, .. } = &statement
            && names.iter().all(|n| n.name.starts_with('#'))
        {
            for n in names {
                self.drop_temporary(&n.name, *if_exists)?;
            }
            self.end_statement(true)?;
            out.done(self, self.command, None)?;
            return Ok(());
        }
        self.run_definition(&statement)?;
        let outcome = self.executed(&statement)?;
        self.end_statement(true)?;
        for mut m in outcome.messages {
            m.line = s.line;
            out.reply.message(&m)?;
        }
        self.state.borrow_mut().rowcount = 0;
        self.state.borrow_mut().error = 0;
        out.done(self, outcome.command, None)?;
        Ok(())
    }

    /// Takes the locks that a definition needs before it begins.
    fn run_definition(&mut self, s: &ddl::Statement) -> SqlResult<()> {
        use ddl::Statement as S;
        let database = match named_database(s) {
            Some(n) => match self.database_named(n) {
                Some(d) => d,
                None => return Ok(()),
            },
            None => self.database,
        };
        match s {
            S::AlterTable { .. }
            | S::CreateIndex { .. }
            | S::AlterIndex { .. }
            | S::DropIndex { .. }
            | S::Drop { kind: DropKind::Table, .. } => self.start_write(database),
            S::CreateTable { .. } | S::Module(_) => self.start_read([database]),
            S::Drop { kind: DropKind::Database, names, .. } => {
                for n in names {
                    if let Some(d) = self.database_named(&n.name) {
                        // The file goes; so does what this session has open of it.
                        self.links.remove(&d);
                    }
                }
                Ok(())
            }
            S::AlterDatabase { .. } => Ok(()),
            _ => Ok(()),
        }
    }

    fn executed(&mut self, s: &ddl::Statement) -> SqlResult<exec::Outcome> {
        let catalogue = self.engine.catalogue.clone();
        let who = self.who();
        let result = exec::execute(s, &who, &catalogue, &mut RowHooks { session: self });
        self.overlay.replace(None);
        let mut outcome = result.map_err(from_ddl)?;
        self.undo.extend(std::mem::take(&mut outcome.undo).into_iter().map(Undo::Definition));
        Ok(outcome)
    }

    fn drop_temporary(&mut self, name: &str, if_exists: bool) -> SqlResult<()> {
        let found = self.temporary.borrow().find(DBO_SCHEMA, name).map(|o| o.object_id);
        let Some(id) = found else {
            if if_exists {
                return Ok(());
            }
            return Err(SqlError::new(
                3701,
                5,
                11,
                format!("Cannot drop the table '{name}', because it does not exist or you do not have permission."),
            ));
        };
        self.start_write(TEMPDB)?;
        self.link(TEMPDB)?.drop_table(id)?;
        self.change_database(TEMPDB, |db| {
            db.remove(id);
            Ok(())
        })
    }

    fn truncate(&mut self, t: &Tokens, s: &Statement, out: &mut Out<'_>) -> SqlResult<()> {
        if !t.is(s.from + 1, "TABLE") {
            return Err(t.near(s.from + 1));
        }
        let (parts, end) = t.name(s.from + 2).ok_or_else(|| t.near(s.from + 2))?;
        if end < s.to && !t.is(end, "WITH") {
            return Err(t.near(end));
        }
        self.command = 234;
        let shown = parts.join(".");
        let Some(Resolved::Table { database, object, .. }) = self.resolve(self.database, &parts)? else {
            return Err(SqlError::batch(
                4701,
                1,
                16,
                format!("Cannot find the object \"{shown}\" because it does not exist or you do not have permissions."),
            ));
        };
        let referenced = self
            .database_meta(database)
            .is_some_and(|d| d.referencing(object.object_id).any(|o| o.object_id != object.object_id));
        if referenced {
            return Err(SqlError::new(
                4712,
                1,
                16,
                format!(
                    "Cannot truncate table '{}' because it is being referenced by a FOREIGN KEY constraint.",
                    object.name
                ),
            ));
        }
        self.start_write(database)?;
        self.link(database)?.drop_table(object.object_id)?;
        if let Some((_, i)) = object.table().and_then(Table::identity) {
            i.counter.set(None);
        }
        self.end_statement(true)?;
        out.done(self, 234, None)?;
        Ok(())
    }

    /// A procedure of the system; `None` if there is none of that name.
    pub fn system_procedure(
        &mut self,
        parts: &[String],
        arguments: &[(String, Value, SqlType)],
        out: &mut Out<'_>,
    ) -> SqlResult<Option<i32>> {
        let name = parts.last().cloned().unwrap_or_default();
        if !procedures::known(&name) {
            return Ok(None);
        }
        let given: Vec<procedures::Argument> = arguments
            .iter()
            .map(|(n, v, ty)| procedures::Argument {
                name: if n.is_empty() { None } else { Some(n.clone()) },
                value: Some(v.clone()),
                code_page: crate::sandbox::sql::text::code_page(ty.collation.as_deref()),
                ty: Some(ty.clone()),
            })
            .collect();
        let mut who = self.who();
        if let [db, _, _] = parts
            && let Some(d) = self.database_named(db)
        {
            who.database_id = d;
        }
        let catalogue = self.engine.catalogue.clone();
        let result = procedures::execute(&name, &given, &who, &catalogue, &mut RowHooks { session: self });
        self.overlay.replace(None);
        let mut outcome = result.map_err(from_ddl)?;
        self.undo.extend(std::mem::take(&mut outcome.undo).into_iter().map(Undo::Definition));
        for m in &outcome.messages {
            out.reply.message(m)?;
        }
        Ok(Some(outcome.status))
    }
}
