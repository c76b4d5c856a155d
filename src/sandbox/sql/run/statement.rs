//! One statement run: control of flow, variables, transactions, errors raised and caught.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlparser::ast;

use crate::sandbox::session::{EnvChange, Message};
use crate::sandbox::sql::bind::operator;
use crate::sandbox::sql::convert::{How, convert, integer_of};
use crate::sandbox::sql::error::{self, Reach, SqlError, SqlResult};
use crate::sandbox::sql::niladic::shown;
use crate::sandbox::sql::session::{SqlSession, TableVariable, Variable};
use crate::sandbox::sql::statement::{Kind, Statement};
use crate::sandbox::sql::tokens::Tokens;
use crate::sandbox::sql::{moment, select, types};
use crate::sandbox::value::{Base, Value};

use super::{Flow, Out, command, info};

impl SqlSession {
    /// One statement: what it does, and the answer to an error that does not end the batch.
    pub(super) fn statement(&mut self, t: &Arc<Tokens>, s: &Statement, out: &mut Out<'_>) -> SqlResult<Flow> {
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
            return Err(error::doomed());
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
                    let now = moment::Moment::now().ticks as u64;
                    let day = moment::DAY_TICKS as u64;
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
            columns.push(select::OutColumn {
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
}

fn writes(kind: &Kind) -> bool {
    matches!(kind, Kind::Insert(_) | Kind::Update(_) | Kind::Delete(_) | Kind::InsertBulk | Kind::Definition)
}
