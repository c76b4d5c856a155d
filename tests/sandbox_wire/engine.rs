//! An engine of a few words, so that the wire is tested and nothing else.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use pacrat::sandbox::collation;
use pacrat::sandbox::rowform::RowForm;
use pacrat::sandbox::server::{ListenConfig, Server};
use pacrat::sandbox::session::{
    Abandoned, Backend, BulkColumn, BulkEnd, Done, DoneKind, EnvChange, LoggedIn, LoginAnswer, LoginRequest, Message,
    Parameter, Reply, ResultColumn, Session, Signals, TransactionRequest,
};
use pacrat::sandbox::value::{Base, MAX, SqlType, Value, Variant};

/// What tests look at afterwards.
#[derive(Default)]
pub struct Seen {
    pub bulk: Vec<Vec<Value>>,
    pub bulk_columns: Vec<(String, SqlType, bool)>,
    pub bulk_ends: Vec<String>,
    pub resets: Vec<bool>,
    pub dropped: u32,
    pub logins: Vec<LoginRequest>,
    pub statements: Vec<String>,
    pub transactions: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Engine {
    pub seen: Arc<Mutex<Seen>>,
    next: Arc<AtomicU16>,
}

pub fn message(number: i32, state: u8, class: u8, text: &str) -> Message {
    Message { number, state, class, text: text.to_owned(), procedure: String::new(), line: 1 }
}

impl Engine {
    pub async fn start(&self, config: ListenConfig) -> Server {
        Server::start(Arc::new(self.clone()), config).await.expect("the server starts")
    }
}

impl Backend for Engine {
    fn login(&self, request: &LoginRequest, signals: Arc<Signals>) -> Result<LoggedIn, Vec<Message>> {
        self.seen.lock().unwrap().logins.push(request.clone());
        let refused = || message(18456, 1, 14, &format!("Login failed for user '{}'.", request.user));
        if request.password != "p@ssw0rd;é" {
            return Err(vec![refused()]);
        }
        if request.database == "foo" {
            let text = "Cannot open database \"foo\" requested by the login. The login failed.";
            return Err(vec![message(4060, 1, 11, text), refused()]);
        }
        let database = if request.database.is_empty() { "master" } else { &request.database };
        let session = FakeSession {
            spid: 51 + self.next.fetch_add(1, Ordering::Relaxed),
            seen: self.seen.clone(),
            signals,
            pending: false,
            form: RowForm::new([]),
            xact_abort: false,
        };
        let answers = vec![
            LoginAnswer::Env(EnvChange::Database(database.into(), "master".into())),
            LoginAnswer::Info(message(5701, 2, 0, &format!("Changed database context to '{database}'."))),
            LoginAnswer::Env(EnvChange::Collation(collation::default().tds)),
            LoginAnswer::Env(EnvChange::Language("us_english".into(), String::new())),
            LoginAnswer::Info(message(5703, 1, 0, "Changed language setting to us_english.")),
        ];
        Ok((Box::new(session), answers))
    }

    fn version(&self) -> (u8, u8, u16) {
        (17, 0, 4065)
    }

    fn server_name(&self) -> String {
        "sandbox".to_owned()
    }
}

pub struct FakeSession {
    spid: u16,
    seen: Arc<Mutex<Seen>>,
    signals: Arc<Signals>,
    pending: bool,
    form: RowForm,
    xact_abort: bool,
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        self.seen.lock().unwrap().dropped += 1;
    }
}

pub fn ty(base: Base) -> SqlType {
    SqlType { base, length: 0, precision: 0, scale: 0, collation: None, detail: None }
}

pub fn sized(base: Base, length: u32) -> SqlType {
    let character =
        matches!(base, Base::Char | Base::VarChar | Base::NChar | Base::NVarChar | Base::Text | Base::NText);
    SqlType { length, collation: character.then(collation::default), ..ty(base) }
}

pub fn decimal(base: Base, precision: u8, scale: u8) -> SqlType {
    SqlType { precision, scale, ..ty(base) }
}

pub fn scaled(base: Base, scale: u8) -> SqlType {
    SqlType { scale, ..ty(base) }
}

pub fn utf16(text: &str) -> Arc<[u8]> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>().into()
}

fn variant(ty: SqlType, value: Value) -> Value {
    Value::Variant(Variant { ty, value }.into())
}

/// A column of every type, with a value.
pub fn every_type() -> Vec<(&'static str, SqlType, Value)> {
    use Base as B;
    let money = |value| Value::Money(value);
    vec![
        ("bit", ty(B::Bit), Value::Bit(true)),
        ("tinyint", ty(B::TinyInt), Value::TinyInt(200)),
        ("smallint", ty(B::SmallInt), Value::SmallInt(-3)),
        ("int", ty(B::Int), Value::Int(i32::MIN)),
        ("bigint", ty(B::BigInt), Value::BigInt(i64::MAX)),
        ("real", ty(B::Real), Value::Real(1.5)),
        ("float", ty(B::Float), Value::Float(-1e300)),
        ("smallmoney", ty(B::SmallMoney), Value::SmallMoney(-12_345)),
        ("money", ty(B::Money), money(9_223_372_036_854_775_807)),
        (
            "decimal",
            decimal(B::Decimal, 38, 10),
            Value::Decimal { negative: true, magnitude: 10u128.pow(37) + 7, precision: 38, scale: 10 },
        ),
        (
            "numeric",
            decimal(B::Numeric, 9, 0),
            Value::Decimal { negative: false, magnitude: 5, precision: 9, scale: 0 },
        ),
        ("date", ty(B::Date), Value::Date(738_000)),
        ("time", scaled(B::Time, 3), Value::Time { ticks: 123_450_000, scale: 3 }),
        ("datetime2", scaled(B::DateTime2, 7), Value::DateTime2 { days: 738_000, ticks: 863_999_999_999, scale: 7 }),
        (
            "datetimeoffset",
            scaled(B::DateTimeOffset, 7),
            Value::DateTimeOffset { days: 738_000, ticks: 1, scale: 7, offset: -330 },
        ),
        ("datetime", ty(B::DateTime), Value::DateTime { days: -53_690, ticks: 299 }),
        ("smalldatetime", ty(B::SmallDateTime), Value::SmallDateTime { days: 1, minutes: 1439 }),
        ("uniqueidentifier", ty(B::UniqueIdentifier), Value::Guid(*b"0123456789abcdef")),
        ("char", sized(B::Char, 4), Value::Char(b"ab  "[..].into())),
        ("varchar", sized(B::VarChar, 10), Value::Char(b"\x80\x9F"[..].into())),
        ("varcharmax", sized(B::VarChar, MAX), Value::Char(vec![b'x'; 100_000].into())),
        ("nchar", sized(B::NChar, 4), Value::NChar(utf16("a "))),
        ("nvarchar", sized(B::NVarChar, 20), Value::NChar(utf16("žlu🦆"))),
        ("nvarcharmax", sized(B::NVarChar, MAX), Value::NChar(utf16(""))),
        ("binary", sized(B::Binary, 3), Value::Binary([1, 2, 0][..].into())),
        ("varbinary", sized(B::VarBinary, 8000), Value::Binary(vec![7; 8000].into())),
        ("varbinarymax", sized(B::VarBinary, MAX), Value::Binary([9][..].into())),
        ("rowversion", sized(B::RowVersion, 8), Value::Binary([0, 0, 0, 0, 0, 0, 7, 0xD1][..].into())),
        ("text", sized(B::Text, 0), Value::Char(b"text"[..].into())),
        ("ntext", sized(B::NText, 0), Value::NChar(utf16("ntext"))),
        ("image", ty(B::Image), Value::Binary([1, 2, 3][..].into())),
        ("xml", ty(B::Xml), Value::NChar(utf16("<a/>"))),
        (
            "variant",
            ty(B::Variant),
            variant(
                decimal(B::Numeric, 5, 2),
                Value::Decimal { negative: false, magnitude: 12345, precision: 5, scale: 2 },
            ),
        ),
        ("hierarchyid", ty(B::HierarchyId), Value::Binary([0x58][..].into())),
    ]
}

fn named(name: &str, ty: SqlType, flags: u16) -> ResultColumn {
    ResultColumn { name: name.to_owned(), ty, flags, user_type: 0 }
}

impl FakeSession {
    fn select(&mut self, sql: &str, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        let words: Vec<&str> = sql.split_whitespace().collect();
        let rows = match words[..] {
            ["SELECT", "rows", count] => {
                // Two columns as a table has them: int NOT NULL, nvarchar NULL; the rows raw.
                let count: u64 = count.parse().unwrap();
                let types = [ty(Base::Int), sized(Base::NVarChar, 40)];
                reply.columns(&[named("id", types[0].clone(), 8), named("name", types[1].clone(), 9)])?;
                let form = RowForm::new(&types);
                let mut body = Vec::new();
                for id in 0..count {
                    body.clear();
                    let name = if id % 3 == 2 { Value::Null } else { Value::NChar(utf16(&format!("name {id}"))) };
                    form.encode(&[Value::Int(id as i32), name], &mut body).unwrap();
                    reply.raw_row(&body)?;
                }
                count
            }
            ["SELECT", "types"] => {
                let columns: Vec<ResultColumn> =
                    every_type().into_iter().map(|(name, ty, _)| named(name, ty, 9)).collect();
                reply.columns(&columns)?;
                reply.row(&every_type().into_iter().map(|(.., value)| value).collect::<Vec<_>>())?;
                reply.row(&vec![Value::Null; columns.len()])?;
                2
            }
            ["SELECT", "fixed"] => {
                let fixed: Vec<_> =
                    every_type().into_iter().take_while(|(name, ..)| *name != "uniqueidentifier").collect();
                let columns: Vec<ResultColumn> = fixed.iter().map(|(name, ty, _)| named(name, ty.clone(), 8)).collect();
                reply.columns(&columns)?;
                reply.row(&fixed.into_iter().map(|(.., value)| value).collect::<Vec<_>>())?;
                1
            }
            ["SELECT", "bulk"] => {
                let seen = self.seen.lock().unwrap();
                let columns: Vec<ResultColumn> = seen
                    .bulk_columns
                    .iter()
                    .map(|(name, ty, nullable)| named(name, ty.clone(), if *nullable { 9 } else { 8 }))
                    .collect();
                reply.columns(&columns)?;
                for row in &seen.bulk {
                    reply.row(row)?;
                }
                seen.bulk.len() as u64
            }
            ["SELECT", "ordered"] => {
                reply.columns(&[named("", ty(Base::Int), 32)])?;
                reply.order(&[1])?;
                reply.row(&[Value::Int(1)])?;
                1
            }
            ["SELECT", "wrong"] => {
                reply.columns(&[named("", ty(Base::Int), 32)])?;
                reply.row(&[Value::BigInt(1)])?;
                1
            }
            _ => {
                reply.columns(&[named("", ty(Base::Int), 32)])?;
                reply.row(&[Value::Int(1)])?;
                1
            }
        };
        reply.done(Done { command: 193, rows: Some(rows), error: false }, DoneKind::Statement)
    }
}

impl Session for FakeSession {
    fn spid(&self) -> u16 {
        self.spid
    }

    fn batch(&mut self, sql: &str, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.seen.lock().unwrap().statements.push(sql.to_owned());
        let plain = |command| Done { command, rows: None, error: false };
        match sql {
            "WAIT" => {
                reply.done(Done { command: 195, rows: Some(1), error: false }, DoneKind::Statement)?;
                loop {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                    reply.poll()?;
                }
            }
            "FOREVER" => {
                reply.columns(&[named("id", ty(Base::Int), 8)])?;
                loop {
                    reply.row(&[Value::Int(1)])?;
                }
            }
            "KILL" => {
                let signals = self.signals.clone();
                std::thread::spawn(move || signals.kill());
                loop {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                    reply.poll()?;
                }
            }
            "KILL LATER" => {
                let signals = self.signals.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    signals.kill();
                });
                reply.done(plain(253), DoneKind::Statement)
            }
            "SET XACT_ABORT ON" => {
                self.xact_abort = true;
                reply.done(plain(185), DoneKind::Statement)
            }
            "ERROR" => {
                reply.message(&message(1776, 0, 16, "There are no primary or candidate keys."))?;
                reply.message(&message(1750, 1, 16, "Could not create constraint or index. See previous errors."))?;
                reply.done(Done { command: 216, rows: None, error: true }, DoneKind::Statement)
            }
            "USE other" => {
                reply.env(&EnvChange::Database("other".into(), "master".into()))?;
                reply.message(&message(5701, 1, 0, "Changed database context to 'other'."))?;
                reply.done(plain(253), DoneKind::Statement)
            }
            "EXEC p" => {
                reply.columns(&[named("", ty(Base::Int), 32)])?;
                reply.row(&[Value::Int(1)])?;
                reply.done(Done { command: 193, rows: Some(1), error: false }, DoneKind::InProcedure)?;
                reply.return_status(0)?;
                reply.done(plain(224), DoneKind::Procedure)
            }
            _ if sql.to_ascii_lowercase().starts_with("insert bulk") => {
                self.pending = true;
                reply.done(plain(253), DoneKind::Statement)
            }
            "BEGIN TRAN; BEGIN TRAN; COMMIT; ROLLBACK" => {
                reply.env(&EnvChange::Begin([1, 2, 3, 4, 5, 6, 7, 8]))?;
                reply.done(plain(212), DoneKind::Statement)?;
                reply.done(plain(212), DoneKind::Statement)?;
                reply.done(plain(213), DoneKind::Statement)?;
                reply.env(&EnvChange::Rollback([1, 2, 3, 4, 5, 6, 7, 8]))?;
                reply.done(plain(210), DoneKind::Statement)
            }
            "IF 1=1 SELECT 1" => {
                reply.done(plain(192), DoneKind::Statement)?;
                self.select("SELECT 1", reply)
            }
            _ => self.select(sql, reply),
        }
    }

    fn rpc(&mut self, procedure: &str, parameters: &[Parameter], reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.seen.lock().unwrap().statements.push(procedure.to_owned());
        match procedure {
            "sp_executesql" if parameters.iter().skip(1).all(|p| p.value == Value::NChar(utf16(""))) => {
                let Value::NChar(text) = &parameters[0].value else { panic!("text expected") };
                let units: Vec<u16> = text.chunks(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
                let text = String::from_utf16(&units).unwrap();
                if text == "WAIT" {
                    loop {
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        reply.poll()?;
                    }
                }
                self.select(&text, reply)?;
                reply.return_status(0)
            }
            "fails" => reply.message(&message(2812, 62, 16, "Could not find stored procedure 'fails'.")),
            _ => {
                // The values go back as a row, outputs as output values.
                let columns: Vec<ResultColumn> =
                    parameters.iter().map(|parameter| named(&parameter.name, parameter.ty.clone(), 33)).collect();
                reply.columns(&columns)?;
                reply.row(&parameters.iter().map(|parameter| parameter.value.clone()).collect::<Vec<_>>())?;
                reply.done(Done { command: 193, rows: Some(1), error: false }, DoneKind::InProcedure)?;
                reply.return_status(0)?;
                for (ordinal, parameter) in parameters.iter().enumerate().filter(|(_, p)| p.output) {
                    reply.return_value(ordinal as u16, &parameter.name, &parameter.ty, &parameter.value)?;
                }
                Ok(())
            }
        }
    }

    fn transaction(&mut self, request: &TransactionRequest, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.seen.lock().unwrap().transactions.push(format!("{request:?}"));
        let command = match request {
            TransactionRequest::Begin { .. } => {
                reply.env(&EnvChange::Begin([1; 8]))?;
                212
            }
            TransactionRequest::Commit { .. } => {
                reply.env(&EnvChange::Commit([1; 8]))?;
                213
            }
            TransactionRequest::Rollback { .. } => {
                reply.env(&EnvChange::Rollback([1; 8]))?;
                210
            }
            TransactionRequest::Save { .. } => 214,
        };
        reply.done(Done { command, rows: None, error: false }, DoneKind::Statement)
    }

    fn bulk_pending(&self) -> bool {
        self.pending
    }

    fn bulk_columns(&mut self, columns: &[BulkColumn], reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        if columns.len() > 50 {
            reply.message(&message(4804, 3, 16, "While reading current row from host, …"))?;
            return Ok(false);
        }
        self.form = RowForm::new(columns.iter().map(|column| &column.ty));
        let mut seen = self.seen.lock().unwrap();
        seen.bulk_columns = columns.iter().map(|c| (c.name.clone(), c.ty.clone(), c.nullable)).collect();
        seen.bulk.clear();
        Ok(true)
    }

    fn bulk_row(&mut self, body: &[u8], _reply: &mut dyn Reply) -> Result<bool, Abandoned> {
        let row = self.form.decode(body).expect("rows come checked");
        self.seen.lock().unwrap().bulk.push(row);
        Ok(true)
    }

    fn bulk_end(&mut self, end: BulkEnd, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        self.pending = false;
        let rows = {
            let mut seen = self.seen.lock().unwrap();
            seen.bulk_ends.push(match &end {
                BulkEnd::Complete => "complete".to_owned(),
                BulkEnd::Refused(message) => format!("refused {}", message.number),
                BulkEnd::Abandoned => "abandoned".to_owned(),
            });
            if !matches!(end, BulkEnd::Complete) {
                seen.bulk.clear();
            }
            seen.bulk.len() as u64
        };
        match end {
            BulkEnd::Complete => reply.done(Done { command: 240, rows: Some(rows), error: false }, DoneKind::Statement),
            BulkEnd::Refused(message) => {
                reply.message(&message)?;
                reply.done(Done { command: 253, rows: None, error: true }, DoneKind::Statement)
            }
            BulkEnd::Abandoned => Ok(()),
        }
    }

    fn fail(&mut self, message: &Message, kind: DoneKind, reply: &mut dyn Reply) -> Result<(), Abandoned> {
        reply.message(message)?;
        reply.done(Done { command: 253, rows: None, error: true }, kind)
    }

    fn reset(&mut self, keep_transaction: bool) {
        self.seen.lock().unwrap().resets.push(keep_transaction);
    }

    fn attention(&mut self, reply: &mut dyn Reply) -> u16 {
        if self.xact_abort {
            reply.env(&EnvChange::Rollback([1; 8])).expect("a rollback is told after an attention");
        }
        192
    }
}
