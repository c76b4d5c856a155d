//! INSERT BULK: the statement, the binding of the stream's columns to the target's, and the load.
//!
//! Rows are held as they arrive, in memory up to a limit and behind it in a nameless file, and go into the table at the
//! end, all or none (fact 21): while they arrive nobody waits for this load, so that loads side by side cannot stop
//! each other.

use std::fs::File;
use std::sync::Arc;

use sqlparser::tokenizer::Token;

use self::binding::copy_row;
use self::held::Source;
use crate::sandbox::collation;
use crate::sandbox::meta::Object;
use crate::sandbox::rowform::RowForm;
use crate::sandbox::session::{Abandoned, BulkColumn, BulkEnd, Done, DoneKind, Message, Reply};
use crate::sandbox::sql::convert::decimal_of;
use crate::sandbox::sql::dml::{computed_refused, raise_identity, twice};
use crate::sandbox::sql::error::{self, Reach, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Expr};
use crate::sandbox::sql::plan::damaged;
use crate::sandbox::sql::run::{Out, command};
use crate::sandbox::sql::session::{Resolved, SqlSession};
use crate::sandbox::sql::statement::Statement;
use crate::sandbox::sql::table::Access;
use crate::sandbox::sql::tokens::Tokens;
use crate::sandbox::sql::types;
use crate::sandbox::value::{Base, Collation, MAX, SqlType, Value};

mod binding;
mod held;

/// Rows held in memory before they go to a file.
const HELD: usize = 8 << 20;

/// A column of the statement.
#[derive(Debug, Clone)]
struct Target {
    /// Its place in the table.
    at: usize,
    /// The type as declared in the statement: what the stream's values are taken for.
    ty: SqlType,
}

/// A load in progress.
#[derive(Debug)]
pub struct Load {
    database: i32,
    schema: String,
    object: Arc<Object>,
    targets: Vec<Target>,
    keep_nulls: bool,
    check_constraints: bool,
    /// The stream's types.
    stream: Vec<SqlType>,
    held: Vec<u8>,
    file: Option<File>,
    /// A refusal that was sent.
    refused: Option<SqlError>,
    /// The stream's columns have arrived.
    started: bool,
}

fn interrupted(state: u8) -> SqlError {
    SqlError::batch(
        4804,
        state,
        16,
        "While reading current row from host, a premature end-of-message was encountered--an incoming data stream was \
         interrupted when the server expected to see more data. The host program may have terminated. Ensure that you are using \
         a supported client application programming interface (API).",
    )
}

impl SqlSession {
    /// INSERT BULK: checks what can be checked and waits for the stream.
    pub fn insert_bulk(&mut self, t: &Tokens, s: &Statement, out: &mut Out<'_>) -> SqlResult<()> {
        let at = s.from + 2;
        let (parts, next) = t.name(at).ok_or_else(|| t.near(at))?;
        if !matches!(t.token(next), Some(Token::LParen)) {
            return Err(t.near(next.saturating_sub(1)));
        }
        let close = t.close(next, s.to).ok_or_else(|| t.near(next))?;
        let mut keep_nulls = false;
        let mut check_constraints = false;
        if close < s.to {
            if !t.is(close, "WITH") || !matches!(t.token(close + 1), Some(Token::LParen)) {
                return Err(t.near(close));
            }
            let end = t.close(close + 1, s.to).ok_or_else(|| t.near(close + 1))?;
            for (a, _) in t.split(close + 2, end - 1) {
                match t.word(a).as_str() {
                    "KEEP_NULLS" => keep_nulls = true,
                    "CHECK_CONSTRAINTS" => check_constraints = true,
                    // Triggers do not fire in this sandbox.
                    "TABLOCK" | "FIRE_TRIGGERS" | "ROWS_PER_BATCH" | "KILOBYTES_PER_BATCH" | "ORDER" => {}
                    // Fact 4: KEEP_IDENTITY is none of them.
                    _ => return Err(error::syntax(t.identifier(a).unwrap_or("")).at_line(s.line)),
                }
            }
        }
        let shown = parts.join(".");
        let found = self.resolve(self.database, &parts)?;
        let Some(Resolved::Table { database, schema, object }) = found else {
            // Fact 7: twice.
            return Err(error::invalid_object(&shown).after(error::invalid_object(&shown)));
        };
        let table = object.table().ok_or_else(|| error::invalid_object(&shown))?;
        let mut targets: Vec<Target> = Vec::new();
        for (n, (a, b)) in t.split(next + 1, close - 1).into_iter().enumerate() {
            let name = t.identifier(a).ok_or_else(|| t.near(a))?;
            let mut end = b;
            let mut collation: Option<Arc<Collation>> = None;
            if let Some(c) = (a + 1..b).find(|i| t.is(*i, "COLLATE")) {
                let wanted = t.source(c + 1, b).replace(['[', ']'], "");
                collation = Some(
                    collation::by_name(&wanted)
                        .ok_or_else(|| SqlError::batch(448, 3, 16, format!("Invalid collation '{wanted}'.")))?,
                );
                end = c;
            }
            let text = t.source(a + 1, end);
            let ty = self.type_named(database, text, false).map_err(|e| {
                if e.number == 2715 {
                    SqlError::batch(
                        2715,
                        2,
                        16,
                        format!("Column, parameter, or variable #{}: Cannot find data type {text}.", n + 1),
                    )
                } else {
                    e
                }
            })?;
            let Some(place) = table.columns.iter().position(|c| self.same_name(database, &c.name, name)) else {
                // Fact 7: an error without a word.
                let mut e = error::invalid_column(name);
                e.silent = true;
                return Err(e);
            };
            if targets.iter().any(|x| x.at == place) {
                return Err(twice(&table.columns[place].name));
            }
            if table.columns[place].computed.is_some() {
                return Err(computed_refused(&table.columns[place].name));
            }
            // Fact 26: without COLLATE the bytes are in the database's code page.
            let ty = if types::is_text(ty.base) {
                SqlType { collation: collation.or_else(|| Some(self.collation_of(database))), ..ty }
            } else {
                ty
            };
            targets.push(Target { at: place, ty });
        }
        self.bulk = Some(Box::new(Load {
            database,
            schema,
            object,
            targets,
            keep_nulls,
            check_constraints,
            stream: Vec::new(),
            held: Vec::new(),
            file: None,
            refused: None,
            started: false,
        }));
        out.done(self, command::BATCH, None)?;
        Ok(())
    }

    /// The stream's columns.
    pub fn load_columns(&mut self, columns: &[BulkColumn], reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        let _ = &reply;
        let Some(load) = self.bulk.as_mut() else { return Ok(false) };
        load.started = true;
        let refused = load.bind(columns).err();
        let ok = refused.is_none();
        load.refused = refused;
        Ok(ok)
    }

    /// A row of the stream.
    pub fn load_row(&mut self, body: &[u8], reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        let _ = &reply;
        if self.signals.is_cancelled() {
            return Err(Abandoned);
        }
        let Some(load) = self.bulk.as_mut() else { return Ok(false) };
        load.held.extend_from_slice(&(body.len() as u32).to_le_bytes());
        load.held.extend_from_slice(body);
        if load.held.len() >= HELD
            && let Err(e) = load.spill(&self.engine.storage)
        {
            load.refused = Some(e.into());
            return Ok(false);
        }
        Ok(true)
    }

    /// The end of the stream.
    pub fn load_end(&mut self, end: BulkEnd, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        let Some(mut load) = self.bulk.take() else { return Ok(()) };
        let result = match end {
            BulkEnd::Abandoned => return Ok(()),
            BulkEnd::Refused(m) => {
                let mut e = SqlError::batch(m.number, m.state, m.class, m.text);
                e.line = m.line;
                Err(e)
            }
            BulkEnd::Complete => match load.refused.take() {
                Some(e) => Err(e),
                // Fact 14: a stream of nothing but DONE.
                None if !load.started => Err(interrupted(2)),
                None => self.load(&mut load),
            },
        };
        self.command = command::BULK;
        let result = match result {
            Ok(n) => self.end_statement(true).map(|()| n),
            Err(e) => Err(e),
        };
        let e = match result {
            Ok(rows) => {
                {
                    let mut s = self.state.borrow_mut();
                    s.rowcount = rows as i64;
                    s.error = 0;
                }
                // Fact 24.
                let counted = if self.options.nocount { None } else { Some(rows) };
                let done = Done { command: command::BULK, rows: counted, error: false };
                return reply.done(done, DoneKind::Statement);
            }
            Err(e) => e.at_line(1),
        };
        let mut out = Out { reply, kind: DoneKind::Statement, ended: false, tries: 0 };
        if e.abandoned || e.reach >= Reach::Batch || self.options.xact_abort {
            // Facts 22 and 23.
            return self.failed_batch(e, &mut out);
        }
        {
            let mut s = self.state.borrow_mut();
            s.error = e.number;
            s.rowcount = 0;
        }
        out.reply.message(&e.message())?;
        if self.end_statement(false).is_err() {
            return Err(Abandoned);
        }
        if e.terminated {
            out.reply.message(&Message {
                number: 3621,
                state: 0,
                class: 0,
                text: "The statement has been terminated.".into(),
                procedure: String::new(),
                line: 1,
            })?;
        }
        out.reply.done(Done { command: command::BULK, rows: None, error: true }, DoneKind::Statement)
    }

    fn load(&mut self, load: &mut Load) -> SqlResult<u64> {
        self.start_write(load.database)?;
        // The table as it is now: it may have been changed while the rows arrived.
        let db = self.database_meta(load.database).ok_or_else(|| error::invalid_object(&load.object.name))?;
        let object = db.object(load.object.object_id).cloned().ok_or_else(|| {
            SqlError::batch(4891, 1, 16, "Insert bulk failed due to a schema change of the target table.")
        })?;
        if object.table().map(|t| t.columns.len()) != load.object.table().map(|t| t.columns.len()) {
            return Err(SqlError::batch(4891, 1, 16, "Insert bulk failed due to a schema change of the target table."));
        }
        self.check_snapshot(&[load.database].into())?;
        let access = self.access(load.database, &load.schema, &object)?;
        self.may_change(&access, "INSERT")?;
        let (rows, highest) = {
            let ctx = Context::new(self);
            access.ensure(&ctx)?;
            self.load_rows(&ctx, &access, load)?
        };
        // Fact 5: the counter follows the values that were loaded.
        if let Some((_, i)) = access.table().identity() {
            for n in highest.into_iter().flatten() {
                raise_identity(i, n);
            }
        }
        if !load.check_constraints {
            self.distrust(&access)?;
        }
        Ok(rows)
    }

    /// Puts the rows in; gives their number, and the lowest and highest identity that came.
    fn load_rows(&self, ctx: &Context<'_>, access: &Access, load: &mut Load) -> SqlResult<(u64, [Option<i128>; 2])> {
        let table = access.table();
        let link = self.link(load.database)?;
        // A listed column whose NULLs are kept never needs its default.
        let needs = |at: usize| !load.keep_nulls || !load.targets.iter().any(|t| t.at == at);
        let defaults: Vec<Option<Expr>> = (0..table.columns.len())
            .map(|at| if needs(at) { self.default_of(access, at) } else { Ok(None) })
            .collect::<SqlResult<_>>()?;
        let references = if load.check_constraints { self.references_of(access)? } else { Vec::new() };
        let form = RowForm::new(load.stream.iter());
        let raw = load.raw_plan(access, &defaults);
        let identity = table
            .columns
            .iter()
            .position(|c| c.identity.is_some())
            .and_then(|at| load.targets.iter().position(|t| t.at == at).map(|s| (at, s)));
        let rowversion = table.columns.iter().position(|c| c.ty.base == Base::RowVersion);
        let mut edges: [Option<i128>; 2] = [None, None];
        let keyed = access.indexes().next().is_some() || load.check_constraints;
        let mut count = 0u64;
        let mut body = Vec::new();
        let mut buffer = Vec::new();
        let targets = load.targets.clone();
        let (keep_nulls, check) = (load.keep_nulls, load.check_constraints);
        let (held, file) = (std::mem::take(&mut load.held), load.file.take());
        let mut source = Source::new(file, held)?;
        let mut orphans: Vec<(usize, Vec<Value>)> = Vec::new();
        let mut pending = false;
        let widen = |edges: &mut [Option<i128>; 2], number: Option<i128>| {
            if let Some(n) = number {
                edges[0] = Some(edges[0].map_or(n, |l| l.min(n)));
                edges[1] = Some(edges[1].map_or(n, |l| l.max(n)));
            }
        };
        if let (Some(picks), false) = (&raw, keyed) {
            // Nothing but rows: no key and no check.
            let done = link.insert_all(access.object.object_id, |insert| {
                while source.next(&mut body)? {
                    ctx.tick()?;
                    if !copy_row(&form, &body, picks, access, &mut buffer)? {
                        return Ok(false);
                    }
                    insert(&buffer)?;
                    count += 1;
                    if let Some((_, sent)) = identity {
                        let number = form.value(&body, sent).ok().as_ref().and_then(decimal_of);
                        widen(&mut edges, number.and_then(|d| d.to_i128()));
                    }
                }
                Ok::<bool, SqlError>(true)
            })?;
            if done {
                return Ok((count, edges));
            }
            // The row at hand needs more than copying; it and the rest go the other way.
            pending = true;
        }
        while std::mem::take(&mut pending) || source.next(&mut body)? {
            ctx.tick()?;
            count += 1;
            let mut row: Option<Vec<Value>> = None;
            let mut direct = false;
            if let Some(picks) = &raw {
                direct = copy_row(&form, &body, picks, access, &mut buffer)?;
            }
            if !direct {
                let values = form.decode(&body).map_err(damaged)?;
                let mut given = Vec::with_capacity(values.len());
                for ((n, v), t) in values.into_iter().enumerate().zip(&targets) {
                    too_long(&v, &t.ty, n + 1)?;
                    if Some(t.at) == rowversion {
                        continue;
                    }
                    let null = matches!(v, Value::Null);
                    given.push((t.at, if null && !keep_nulls { None } else { Some((v, t.ty.clone())) }));
                }
                // Facts 18 and 19: what is not listed has its default in any case.
                let mut fresh = self.new_row(ctx, access, &given, &defaults, true)?;
                access.compute(ctx, &mut fresh)?;
                access.check_nulls(&fresh, "INSERT")?;
                buffer = access.write(&fresh)?;
                row = Some(fresh);
            }
            let row = match row {
                Some(r) => Some(r),
                None if keyed => Some(access.read(ctx, &buffer)?),
                None => None,
            };
            let number = match (identity, &row) {
                (None, _) => None,
                (Some((at, _)), Some(r)) => decimal_of(&r[at]),
                (Some((_, sent)), None) => form.value(&body, sent).ok().as_ref().and_then(decimal_of),
            };
            widen(&mut edges, number.and_then(|d| d.to_i128()));
            match &row {
                Some(r) => {
                    if check {
                        access.check_row(ctx, r, None, "INSERT")?;
                    }
                    access.put(ctx, link, r, &buffer)?;
                    for (n, reference) in references.iter().enumerate() {
                        if !reference.satisfied(link, r)? {
                            // A row of this very load may yet be its parent.
                            if reference.key.referenced_object_id != access.object.object_id {
                                return Err(reference.orphan(ctx, "INSERT"));
                            }
                            orphans.push((n, r.clone()));
                        }
                    }
                }
                None => {
                    link.insert(access.object.object_id, &buffer)?;
                }
            }
        }
        for (n, row) in orphans {
            if !references[n].satisfied(link, &row)? {
                return Err(references[n].orphan(ctx, "INSERT"));
            }
        }
        Ok((count, edges))
    }

    /// Fact 16: what was not checked is not trusted.
    fn distrust(&mut self, access: &Access) -> SqlResult<()> {
        let table = access.table();
        let trusted = table.checks.iter().any(|c| !c.disabled && !c.not_trusted)
            || table.foreign_keys.iter().any(|k| !k.disabled && !k.not_trusted);
        if !trusted {
            return Ok(());
        }
        let id = access.object.object_id;
        self.change_database(access.database, |db| {
            if let Some(object) = db.object(id) {
                let mut object = object.as_ref().clone();
                if let Some(t) = object.table_mut() {
                    t.checks.iter_mut().filter(|c| !c.disabled).for_each(|c| c.not_trusted = true);
                    t.foreign_keys.iter_mut().filter(|k| !k.disabled).for_each(|k| k.not_trusted = true);
                }
                db.put(object);
            }
            Ok(())
        })
    }
}

/// Fact 27: longer than the declared width.
fn too_long(v: &Value, ty: &SqlType, column: usize) -> SqlResult<()> {
    let length = match v {
        Value::Char(b) | Value::NChar(b) | Value::Binary(b) => b.len(),
        _ => return Ok(()),
    };
    let bounded =
        matches!(ty.base, Base::Char | Base::VarChar | Base::NChar | Base::NVarChar | Base::Binary | Base::VarBinary);
    if bounded && ty.length != MAX && length > ty.length as usize {
        return Err(SqlError::batch(
            4815,
            1,
            17,
            format!("Received an invalid column length from the bcp client for colid {column}."),
        ));
    }
    Ok(())
}
