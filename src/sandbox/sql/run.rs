//! Statements run: control of flow, errors and their reach, transactions, what is answered in which order.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlparser::ast;

use crate::sandbox::session::{Abandoned, Done, DoneKind, EnvChange, Message, Reply, ResultColumn};
use crate::sandbox::storage::Order;
use crate::sandbox::value::{Base, SqlType, Value};

use super::bind::{Binder, operator};
use super::convert::{How, convert, integer_of};
use super::error::{self, Reach, SqlError, SqlResult};
use super::expr::{Context, Env, Expr, Node};
use super::niladic::shown;
use super::plan::{Place, Plan, TableScan, damaged};
use super::select::Bound;
use super::session::{SqlSession, TableVariable, Variable};
use super::statement::{Batch, Kind, Statement};
use super::tokens::Tokens;
use super::types;

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

    fn statement(&mut self, t: &Arc<Tokens>, s: &Statement, out: &mut Out<'_>) -> SqlResult<Flow> {
        self.heard()?;
        self.command = command::BATCH;
        let result = self.one(t, s, out);
        let e = match result {
            Ok(flow) => return Ok(flow),
            Err(e) => e.at_line(s.line),
        };
        if e.abandoned {
            return Err(e);
        }
        // Blocks have answered what is inside them.
        let own = !matches!(s.kind, Kind::If { .. } | Kind::While { .. } | Kind::Block(_) | Kind::TryCatch { .. });
        if !own {
            return Err(e);
        }
        self.end_statement(false)?;
        let fatal =
            e.reach >= Reach::Batch || self.options.xact_abort || self.trancount() > 0 && self.state.borrow().doomed;
        if out.tries > 0 {
            return Err(e);
        }
        if fatal {
            return Err(e);
        }
        self.say(&e, out)?;
        if e.terminated {
            out.reply.message(&info(3621, 0, "The statement has been terminated.", s.line))?;
        }
        let command = self.command;
        out.failed(command)?;
        Ok(Flow::Next)
    }

    fn one(&mut self, t: &Arc<Tokens>, s: &Statement, out: &mut Out<'_>) -> SqlResult<Flow> {
        if self.state.borrow().doomed && writes(&s.kind) {
            return Err(SqlError::batch(
                3930,
                1,
                16,
                "The current transaction cannot be committed and cannot support operations that write to the log file. Roll \
                 back the transaction.",
            ));
        }
        match &s.kind {
            Kind::Query(q) => {
                self.command = command::SELECT;
                let rows = self.query(q, out)?;
                self.end_statement(true)?;
                self.finish(rows, command::SELECT, s.line, out)?;
            }
            Kind::Insert(insert) => {
                self.command = command::INSERT;
                let rows = self.insert(insert, out)?;
                self.end_statement(true)?;
                self.finish(rows, command::INSERT, s.line, out)?;
            }
            Kind::Update(change) => {
                self.command = command::UPDATE;
                let rows = self.update(change, out)?;
                self.end_statement(true)?;
                self.finish(rows, command::UPDATE, s.line, out)?;
            }
            Kind::Delete(change) => {
                self.command = command::DELETE;
                let rows = self.delete(change, out)?;
                self.end_statement(true)?;
                self.finish(rows, command::DELETE, s.line, out)?;
            }
            Kind::Declare(list) => {
                for d in list {
                    let lower = d.name.to_lowercase();
                    if self.variables.borrow().contains_key(&lower) {
                        return Err(error::declared_twice(&d.name));
                    }
                    if let Some((from, to)) = d.table {
                        let table = self.table_variable(t, from, to)?;
                        let v = Variable { ty: types::int(), value: Value::Null, table: Some(Arc::new(table)) };
                        self.variables.borrow_mut().insert(lower, v);
                        continue;
                    }
                    let ty = self.data_type(self.database, &d.ty, false)?;
                    let value = match &d.value {
                        None => Value::Null,
                        Some(e) => self.evaluate(e, Some(&ty))?.0,
                    };
                    self.variables.borrow_mut().insert(lower, Variable { ty, value, table: None });
                    if d.value.is_some() {
                        self.state.borrow_mut().rowcount = 1;
                        // Fact 83.
                        // Assumption: the CurCmd of a DECLARE with a value is that of SELECT (fact 83 has the count of 1).
                        out.done(self, command::SELECT, Some(1))?;
                    }
                }
            }
            Kind::SetVariable { name, operator: op, value } => {
                let ty = self.variables.borrow().get(&name.to_lowercase()).map(|v| v.ty.clone());
                let ty = ty.ok_or_else(|| error::undeclared_variable(name))?;
                let value = match op.as_ref().and_then(operator) {
                    None => self.evaluate(value, Some(&ty))?.0,
                    Some(_) => {
                        let whole = ast::Expr::BinaryOp {
                            left: Box::new(ast::Expr::Identifier(ast::Ident::new(name.clone()))),
                            op: op.clone().unwrap_or(ast::BinaryOperator::Plus),
                            right: Box::new(ast::Expr::Nested(Box::new(value.clone()))),
                        };
                        self.evaluate(&whole, Some(&ty))?.0
                    }
                };
                self.set_variable(name, value)?;
                self.state.borrow_mut().rowcount = 1;
                self.state.borrow_mut().error = 0;
                // Assumption: as with DECLARE.
                out.done(self, command::SELECT, Some(1))?;
            }
            Kind::SetOption => self.set_option(t, s, out)?,
            Kind::If { condition, then, otherwise } => {
                let holds = self.test(condition).map_err(|e| e.at_line(s.line));
                let holds = match holds {
                    Ok(h) => h,
                    Err(e) => {
                        let _ = self.end_statement(false);
                        return Err(e);
                    }
                };
                out.done(self, command::CONDITION, None)?;
                if holds {
                    return self.statement(t, then, out);
                }
                if let Some(o) = otherwise {
                    return self.statement(t, o, out);
                }
            }
            Kind::While { condition, body } => loop {
                self.heard()?;
                if !self.test(condition).map_err(|e| e.at_line(s.line))? {
                    break;
                }
                out.done(self, command::CONDITION, None)?;
                match self.statement(t, body, out)? {
                    Flow::Next | Flow::Continue => {}
                    Flow::Break => break,
                    r @ Flow::Return(_) => return Ok(r),
                }
            },
            Kind::Block(list) => return self.block(t, list, out),
            Kind::TryCatch { attempt, caught } => {
                out.tries += 1;
                let tried = self.block(t, attempt, out);
                out.tries -= 1;
                let e = match tried {
                    Ok(flow) => return Ok(flow),
                    Err(e) => e,
                };
                // What does not compile is not caught on its own level, nor what ends the connection.
                if e.abandoned
                    || e.silent
                    || e.class >= 20
                    || matches!(e.number, 102 | 156 | 105 | 207 | 208 | 137 | 195 | 4104)
                {
                    return Err(e);
                }
                let _ = self.end_statement(false);
                if self.trancount() > 0 && (e.reach == Reach::Transaction || self.options.xact_abort) {
                    self.state.borrow_mut().doomed = true;
                }
                self.state.borrow_mut().error = e.number;
                self.state.borrow_mut().caught.push(e.message());
                let flow = self.block(t, caught, out);
                self.state.borrow_mut().caught.pop();
                return flow;
            }
            Kind::Print(e) => {
                let (v, ty) = self.evaluate(e, None)?;
                let text = shown(&v, &ty)?;
                let text = if text.is_empty() { " ".to_string() } else { text };
                out.reply.message(&Message {
                    number: 0,
                    state: 1,
                    class: 0,
                    text,
                    procedure: String::new(),
                    line: s.line,
                })?;
                self.state.borrow_mut().error = 0;
            }
            Kind::RaisError { arguments, .. } => self.raise(arguments, s.line, out)?,
            Kind::Throw(None) => {
                let m = self.state.borrow().caught.last().cloned();
                let m = m.ok_or_else(|| {
                    SqlError::batch(
                        10704,
                        1,
                        15,
                        "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW \
                         statement inside a CATCH block, or add error parameters to the THROW statement.",
                    )
                })?;
                let mut e = SqlError::batch(m.number, m.state, m.class, m.text);
                e.line = m.line;
                e.procedure = m.procedure;
                return Err(e);
            }
            Kind::Throw(Some(args)) => {
                let [n, text, state] = args.as_slice() else { return Err(error::syntax("THROW")) };
                let number = integer_of(&self.evaluate(n, Some(&types::int()))?.0).unwrap_or(50000) as i32;
                let (v, ty) = self.evaluate(text, None)?;
                let text = shown(&v, &ty)?;
                let state = integer_of(&self.evaluate(state, Some(&types::int()))?.0).unwrap_or(1) as u8;
                return Err(SqlError::batch(number, state, 16, text));
            }
            Kind::Use(name) => self.use_database(name, out)?,
            Kind::Begin(_) => {
                self.command = command::BEGIN;
                self.begin(&mut *out.reply)?;
                out.done(self, command::BEGIN, None)?;
            }
            Kind::Commit => {
                self.command = command::COMMIT;
                self.commit(&mut *out.reply)?;
                out.done(self, command::COMMIT, None)?;
            }
            Kind::Rollback(name) => {
                self.command = command::ROLLBACK;
                if self.trancount() == 0 {
                    return Err(SqlError::new(
                        3903,
                        1,
                        16,
                        "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
                    ));
                }
                match name {
                    None => self.rollback(Some(&mut *out.reply))?,
                    Some(n) => self.rollback_to(n, &mut *out.reply)?,
                }
                out.done(self, command::ROLLBACK, None)?;
            }
            Kind::Save(name) => {
                self.command = command::SAVE;
                self.save(name)?;
                out.done(self, command::SAVE, None)?;
            }
            Kind::Exec { result, procedure, arguments } => {
                let status = self.exec(procedure, arguments, out)?;
                if let Some(v) = result {
                    let ty = types::int();
                    let into = self.variables.borrow().get(&v.to_lowercase()).map(|v| v.ty.clone());
                    let into = into.ok_or_else(|| error::undeclared_variable(v))?;
                    self.set_variable(v, convert(&Value::Int(status), &ty, &into, How::default())?)?;
                }
            }
            Kind::ExecText(parts) => {
                let mut text = String::new();
                for p in parts {
                    let (v, ty) = self.evaluate(p, None)?;
                    text.push_str(&shown(&v, &ty)?);
                }
                self.nested(&text, Vec::new(), out)?;
            }
            Kind::Return(value) => {
                let n = match value {
                    None => None,
                    Some(e) => integer_of(&self.evaluate(e, Some(&types::int()))?.0).map(|n| n as i32),
                };
                return Ok(Flow::Return(n));
            }
            Kind::Break => return Ok(Flow::Break),
            Kind::Continue => return Ok(Flow::Continue),
            Kind::WaitFor { delay, value } => {
                let (v, ty) = self.evaluate(value, None)?;
                let v = convert(&v, &ty, &types::scaled(Base::Time, 7), How::default())?;
                let Value::Time { ticks, .. } = v else { return Err(error::syntax("WAITFOR")) };
                let wait = if *delay {
                    Duration::from_nanos(ticks * 100)
                } else {
                    let now = super::moment::Moment::now().ticks as u64;
                    let day = super::moment::DAY_TICKS as u64;
                    Duration::from_nanos((ticks + day - now) % day * 100)
                };
                let until = Instant::now() + wait;
                self.command = command::CONDITION;
                while Instant::now() < until {
                    self.heard()?;
                    std::thread::sleep((until - Instant::now()).min(Duration::from_millis(10)));
                }
                out.done(self, command::CONDITION, None)?;
            }
            Kind::InsertBulk => self.insert_bulk(t, s, out)?,
            Kind::Definition => self.definition(t, s, out)?,
            Kind::Other => self.other(t, s, out)?,
        }
        Ok(Flow::Next)
    }

    /// The end of a statement that counts rows.
    fn finish(&mut self, rows: u64, command: u16, line: u32, out: &mut Out<'_>) -> SqlResult<()> {
        let null = {
            let mut s = self.state.borrow_mut();
            s.rowcount = rows as i64;
            s.error = 0;
            std::mem::take(&mut s.null_eliminated)
        };
        if null {
            out.reply.message(&Message {
                number: 8153,
                state: 1,
                class: 0,
                text: "Warning: Null value is eliminated by an aggregate or other SET operation.".into(),
                procedure: String::new(),
                line,
            })?;
        }
        out.done(self, command, Some(rows))?;
        Ok(())
    }

    /// An expression outside any query.
    pub fn evaluate(&mut self, e: &ast::Expr, to: Option<&SqlType>) -> SqlResult<(Value, SqlType)> {
        let (bound, databases) = {
            let mut b = Binder::new(self, self.database);
            let bound = b.value(e)?;
            (bound, b.databases)
        };
        self.start_read(databases)?;
        let value = {
            let ctx = Context::new(self);
            let env = Env { ctx: &ctx, row: &[], outer: None };
            let v = bound.eval(&env)?;
            match to {
                None => v,
                Some(ty) => {
                    let style = if types::is_moment(bound.ty.base) { 121 } else { 0 };
                    convert(&v, &bound.ty, ty, How { style, ..How::default() })?
                }
            }
        };
        self.end_statement(true)?;
        Ok((value, to.cloned().unwrap_or(bound.ty)))
    }

    fn test(&mut self, e: &ast::Expr) -> SqlResult<bool> {
        let (bound, databases) = {
            let mut b = Binder::new(self, self.database);
            let bound = b.condition(e)?;
            (bound, b.databases)
        };
        self.start_read(databases)?;
        let holds = {
            let ctx = Context::new(self);
            bound.holds(&Env { ctx: &ctx, row: &[], outer: None })?
        };
        self.end_statement(true)?;
        Ok(holds)
    }

    /// Binds a query and opens what it reads.
    pub fn bound(&mut self, q: &ast::Query, scopes: &[super::bind::Scope]) -> SqlResult<(Bound, bool)> {
        let (bound, databases, tables) = {
            let mut b = Binder::new(self, self.database);
            b.scopes = scopes.to_vec();
            let bound = b.query(q)?;
            (bound, b.databases, b.reads_tables)
        };
        self.start_read(databases.iter().copied())?;
        Ok((bound, tables && self.refuses_snapshot(&databases).is_some()))
    }

    /// Fact 62: the database that refuses SNAPSHOT.
    fn refuses_snapshot(&self, databases: &BTreeSet<i32>) -> Option<String> {
        use crate::sandbox::meta::SnapshotState;
        if self.options.isolation != 5 {
            return None;
        }
        databases.iter().filter(|d| **d != crate::sandbox::meta::server::TEMPDB).find_map(|d| {
            let d = self.database_meta(*d)?;
            (d.options.snapshot != SnapshotState::On).then(|| d.name.clone())
        })
    }

    /// Error 3952 if the isolation level is not allowed in a database.
    pub fn check_snapshot(&self, databases: &BTreeSet<i32>) -> SqlResult<()> {
        match self.refuses_snapshot(databases) {
            None => Ok(()),
            Some(name) => Err(SqlError::transaction(
                3952,
                1,
                16,
                format!(
                    "Snapshot isolation transaction failed accessing database '{name}' because snapshot isolation is not \
                     allowed in this database. Use ALTER DATABASE to allow snapshot isolation."
                ),
            )),
        }
    }

    /// A SELECT: answers it and gives the number of rows.
    fn query(&mut self, q: &ast::Query, out: &mut Out<'_>) -> SqlResult<u64> {
        let (bound, databases, tables) = {
            let mut b = Binder::new(self, self.database);
            let bound = b.query(q)?;
            (bound, b.databases, b.reads_tables)
        };
        if bound.into.is_some() {
            return self.select_into(bound, databases);
        }
        if tables
            && bound.assigns.is_none()
            && let Err(e) = self.check_snapshot(&databases)
        {
            // Fact 62: the columns come before the error.
            let columns: Vec<ResultColumn> = bound.columns.iter().map(|c| c.result()).collect();
            out.reply.columns(&columns)?;
            return Err(e);
        }
        self.start_read(databases)?;
        if self.options.no_exec {
            return Ok(0);
        }
        let this: &SqlSession = self;
        let ctx = Context::new(this);
        if let Some(names) = &bound.assigns {
            let mut rows = 0u64;
            bound.plan.each(&ctx, None, &mut |row| {
                rows += 1;
                let mut variables = this.variables.borrow_mut();
                for (n, v) in names.iter().zip(row) {
                    if let Some(var) = variables.get_mut(n) {
                        var.value = v.clone();
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
            return Ok(rows);
        }
        let columns: Vec<ResultColumn> = bound.columns.iter().map(|c| c.result()).collect();
        // An error before the first row is answered without columns only if it is found while binding.
        out.reply.columns(&columns)?;
        if !bound.order.is_empty() {
            out.reply.order(&bound.order)?;
        }
        if self.options.format_only {
            return Ok(0);
        }
        let limit = this.options.row_limit;
        let mut rows = 0u64;
        if let (Some((scan, picks)), 0) = (raw(&bound.plan), limit) {
            return stream(&ctx, scan, &picks, out);
        }
        bound.plan.each(&ctx, None, &mut |row| {
            out.reply.row(row)?;
            rows += 1;
            if limit > 0 && rows as i64 >= limit {
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    fn raise(&mut self, arguments: &[ast::Expr], line: u32, out: &mut Out<'_>) -> SqlResult<()> {
        let mut values = Vec::new();
        for a in arguments {
            values.push(self.evaluate(a, None)?);
        }
        let Some((first, rest)) = values.split_first() else { return Err(error::syntax("RAISERROR")) };
        let severity = rest.first().and_then(|(v, _)| integer_of(v)).unwrap_or(16).clamp(0, 25) as u8;
        let state = rest.get(1).and_then(|(v, _)| integer_of(v)).unwrap_or(1).clamp(0, 255) as u8;
        let (number, text) = match &first.0 {
            Value::Int(n) => (*n, format!("Error {n}, severity {severity}, state {state} was raised.")),
            other => {
                let format = shown(other, &first.1)?;
                let mut args = rest.iter().skip(2);
                let mut text = String::new();
                let mut chars = format.chars().peekable();
                while let Some(c) = chars.next() {
                    if c != '%' {
                        text.push(c);
                        continue;
                    }
                    if chars.peek() == Some(&'%') {
                        chars.next();
                        text.push('%');
                        continue;
                    }
                    // Flags, width and length say nothing here; the letter ends the mark.
                    for m in chars.by_ref() {
                        if m.is_ascii_alphabetic() && !matches!(m, 'l' | 'h' | 'I') {
                            break;
                        }
                    }
                    match args.next() {
                        Some((Value::Null, _)) | None => text.push_str("(null)"),
                        Some((v, ty)) => text.push_str(&shown(v, ty)?),
                    }
                }
                (50000, text)
            }
        };
        if severity <= 10 {
            out.reply.message(&Message { number, state, class: severity, text, procedure: String::new(), line })?;
            return Ok(());
        }
        Err(SqlError::new(number, state, severity, text))
    }

    fn use_database(&mut self, name: &str, out: &mut Out<'_>) -> SqlResult<()> {
        let server = self.server();
        let db = server.database(name).ok_or_else(|| {
            SqlError::batch(
                911,
                1,
                16,
                format!("Database '{name}' does not exist. Make sure that the name is entered correctly."),
            )
        })?;
        self.enter(db.database_id)?;
        let old = self.database_name(self.database);
        self.database = db.database_id;
        self.engine.moved(self.spid, db.database_id);
        out.reply.env(&EnvChange::Database(db.name.clone(), old))?;
        out.reply.message(&info(5701, 1, &format!("Changed database context to '{}'.", db.name), 1))?;
        out.done(self, command::BATCH, None)?;
        Ok(())
    }

    fn set_option(&mut self, t: &Tokens, s: &Statement, out: &mut Out<'_>) -> SqlResult<()> {
        let at = s.from + 1;
        let first = t.word(at);
        if first == "TRANSACTION" {
            let words: Vec<String> = (at..s.to).map(|i| t.word(i)).collect();
            let level = words.get(3..).map(|w| w.join(" ")).unwrap_or_default();
            self.options.isolation = match level.as_str() {
                "READ UNCOMMITTED" => 1,
                "READ COMMITTED" => 2,
                "REPEATABLE READ" => 3,
                "SERIALIZABLE" => 4,
                "SNAPSHOT" => 5,
                _ => return Err(t.near(s.to.saturating_sub(1))),
            };
            out.done(self, command::SET_ON, None)?;
            return Ok(());
        }
        if first == "IDENTITY_INSERT" {
            let (name, next) = t.name(at + 1).ok_or_else(|| t.near(at + 1))?;
            let on = t.is(next, "ON");
            if !on && !t.is(next, "OFF") {
                return Err(t.near(next));
            }
            self.identity_insert(&name, on)?;
            out.done(self, if on { command::IDENTITY_ON } else { command::IDENTITY_OFF }, None)?;
            return Ok(());
        }
        if first == "STATISTICS" {
            out.done(self, command::SET_ON, None)?;
            return Ok(());
        }
        // SET a, b, c ON | OFF, or SET a value.
        let last = s.to.saturating_sub(1);
        let on = t.is(last, "ON");
        let off = t.is(last, "OFF");
        if !on && !off {
            let negative = matches!(t.token(at + 1), Some(sqlparser::tokenizer::Token::Minus));
            let value =
                t.source(if negative { at + 2 } else { at + 1 }, s.to).trim_start_matches('=').trim().to_string();
            let n: i64 = value.parse().unwrap_or(0) * if negative { -1 } else { 1 };
            match first.as_str() {
                "LOCK_TIMEOUT" => self.options.lock_timeout = n as i32,
                "ROWCOUNT" => self.options.row_limit = n,
                "TEXTSIZE" => self.options.text_size = if n <= 0 { i32::MAX } else { n as i32 },
                "LANGUAGE" => {
                    let name = value.trim_matches(['\'', 'N', '[', ']']).to_string();
                    out.reply.env(&EnvChange::Language(name.clone(), "us_english".into()))?;
                    out.reply.message(&info(5703, 1, &format!("Changed language setting to {name}."), s.line))?;
                }
                "DATEFIRST"
                | "DATEFORMAT"
                | "DEADLOCK_PRIORITY"
                | "CONTEXT_INFO"
                | "QUERY_GOVERNOR_COST_LIMIT"
                | "FIPS_FLAGGER" => {}
                other => {
                    let shown = t.identifier(at).unwrap_or(other).to_string();
                    return Err(SqlError::batch(195, 5, 15, format!("'{shown}' is not a recognized SET option.")));
                }
            }
            out.done(self, command::SET_ON, None)?;
            return Ok(());
        }
        let described_only = self.options.format_only;
        for (a, _) in t.split(at, last) {
            match t.word(a).as_str() {
                "NOCOUNT" => self.options.nocount = on,
                "XACT_ABORT" => self.options.xact_abort = on,
                "IMPLICIT_TRANSACTIONS" => self.options.implicit_transactions = on,
                "QUOTED_IDENTIFIER" => self.options.quoted_identifier = on,
                "ANSI_NULLS" => self.options.ansi_nulls = on,
                "NOEXEC" => self.options.no_exec = on,
                "FMTONLY" => self.options.format_only = on,
                "PARSEONLY" => self.options.parse_only = on,
                "ANSI_DEFAULTS"
                | "ANSI_PADDING"
                | "ANSI_WARNINGS"
                | "ANSI_NULL_DFLT_ON"
                | "ANSI_NULL_DFLT_OFF"
                | "ARITHABORT"
                | "ARITHIGNORE"
                | "CONCAT_NULL_YIELDS_NULL"
                | "CURSOR_CLOSE_ON_COMMIT"
                | "NUMERIC_ROUNDABORT"
                | "FORCEPLAN"
                | "REMOTE_PROC_TRANSACTIONS"
                | "SHOWPLAN_ALL"
                | "SHOWPLAN_TEXT"
                | "SHOWPLAN_XML" => {}
                other => {
                    let shown = t.identifier(a).unwrap_or(other).to_string();
                    return Err(SqlError::batch(195, 5, 15, format!("'{shown}' is not a recognized SET option.")));
                }
            }
        }
        // Assumption: SET FMTONLY OFF has no DONE of its own. freebcp, which real servers serve, forgets the columns it
        // has just asked for when one follows.
        if described_only && !self.options.format_only {
            return Ok(());
        }
        out.done(self, if on { command::SET_ON } else { command::SET_OFF }, None)?;
        Ok(())
    }

    fn table_variable(&self, t: &Tokens, from: usize, to: usize) -> SqlResult<TableVariable> {
        let mut columns = Vec::new();
        for (a, b) in t.split(from, to) {
            let name = t.identifier(a).ok_or_else(|| t.near(a))?.to_string();
            if ["PRIMARY", "UNIQUE", "INDEX", "CHECK", "CONSTRAINT"].iter().any(|w| t.is(a, w)) {
                continue;
            }
            let mut end = a + 2;
            while end < b && matches!(t.token(end), Some(sqlparser::tokenizer::Token::Period)) {
                end += 2;
            }
            if matches!(t.token(end), Some(sqlparser::tokenizer::Token::LParen)) {
                end = t.close(end, b).unwrap_or(b);
            }
            let ty = self.type_named(self.database, t.source(a + 1, end), false)?;
            let not_null =
                (end..b).any(|i| t.is(i, "NOT") && t.is(i + 1, "NULL")) || (end..b).any(|i| t.is(i, "PRIMARY"));
            columns.push(super::select::OutColumn {
                name,
                ty,
                nullable: !not_null,
                flags: if not_null { 8 } else { 9 },
                user_type: 0,
            });
        }
        Ok(TableVariable { columns, rows: Arc::default() })
    }

    /// DBCC, KILL, CHECKPOINT and the like.
    fn other(&mut self, t: &Tokens, s: &Statement, out: &mut Out<'_>) -> SqlResult<()> {
        let (first, second) = (t.word(s.from), t.word(s.from + 1));
        match first.as_str() {
            "RECONFIGURE" => crate::sandbox::ddl::exec::procedures::reconfigure(&self.engine.catalogue),
            "CHECKPOINT" | "REVERT" => {}
            "DBCC" => {
                if second == "USEROPTIONS" {
                    return self.user_options(out);
                }
                // CHECKIDENT and its like are the catalogue's.
                return self.definition(t, s, out);
            }
            "KILL" => {
                let spid = t.source(s.from + 1, s.from + 2).parse::<u16>().unwrap_or(0);
                let target = self.engine.sessions().into_iter().find(|v| v.spid == spid);
                let target = target.ok_or_else(|| {
                    SqlError::batch(6106, 2, 16, format!("Process ID {spid} is not an active process ID."))
                })?;
                target.signals.kill();
            }
            _ => return Err(error::unsupported(&first)),
        }
        out.done(self, command::BATCH, None)?;
        Ok(())
    }

    fn user_options(&mut self, out: &mut Out<'_>) -> SqlResult<()> {
        let c = self.collation();
        let column =
            |name: &str| ResultColumn { name: name.into(), ty: types::nvarchar(128, &c), flags: 33, user_type: 0 };
        out.reply.columns(&[column("Set Option"), column("Value")])?;
        let level = ["", "read uncommitted", "read committed", "repeatable read", "serializable", "snapshot"]
            [usize::from(self.options.isolation.min(5))];
        let rows = [
            ("textsize", self.options.text_size.to_string()),
            ("language", "us_english".into()),
            ("dateformat", "mdy".into()),
            ("datefirst", "7".into()),
            ("lock_timeout", self.options.lock_timeout.to_string()),
            ("quoted_identifier", "SET".into()),
            ("arithabort", "SET".into()),
            ("ansi_null_dflt_on", "SET".into()),
            ("ansi_warnings", "SET".into()),
            ("ansi_padding", "SET".into()),
            ("ansi_nulls", "SET".into()),
            ("concat_null_yields_null", "SET".into()),
            ("isolation level", level.into()),
        ];
        for (name, value) in &rows {
            out.reply.row(&[super::text::wide(name), super::text::wide(value)])?;
        }
        out.done(self, command::SELECT, Some(rows.len() as u64))?;
        out.reply.message(&info(
            2528,
            1,
            "DBCC execution completed. If DBCC printed error messages, contact your system administrator.",
            1,
        ))?;
        out.done(self, command::BATCH, None)?;
        Ok(())
    }
}

fn writes(kind: &Kind) -> bool {
    matches!(kind, Kind::Insert(_) | Kind::Update(_) | Kind::Delete(_) | Kind::InsertBulk | Kind::Definition)
}

/// A scan whose rows go out as they lie, and which stored columns go where.
fn raw(plan: &Plan) -> Option<(&TableScan, Vec<usize>)> {
    let Plan::Project { input, exprs } = plan else { return None };
    let Plan::Table(scan) = input.as_ref() else { return None };
    if !scan.plain() {
        return None;
    }
    let picks = exprs
        .iter()
        .map(|e: &Expr| match e.node {
            Node::Column { depth: 0, index } => match scan.columns.get(index)? {
                Place::Stored(at) => Some(*at),
                _ => None,
            },
            _ => None,
        })
        .collect::<Option<Vec<usize>>>()?;
    Some((scan, picks))
}

fn stream(ctx: &Context<'_>, scan: &TableScan, picks: &[usize], out: &mut Out<'_>) -> SqlResult<u64> {
    let link = ctx.session.link(scan.database)?;
    let order = scan.order.map(|(index, backwards)| Order { index, from: None, to: None, backwards });
    let whole = picks.len() == scan.form.len() && picks.iter().enumerate().all(|(i, p)| i == *p);
    let mut rows = 0u64;
    let mut buffer = Vec::new();
    link.scan::<SqlError>(scan.object.object_id, order, |_, body| {
        ctx.tick()?;
        if whole {
            out.reply.raw_row(body)?;
        } else {
            let mut cells = smallvec::SmallVec::<[&[u8]; 32]>::new();
            for cell in scan.form.cells(body) {
                cells.push(cell.map_err(damaged)?.whole);
            }
            buffer.clear();
            for p in picks {
                buffer.extend_from_slice(cells[*p]);
            }
            out.reply.raw_row(&buffer)?;
        }
        rows += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}
