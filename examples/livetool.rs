//! Databases on a live server, for the checks under `tests/oracle`. The login is `operator`, its password stands in the
//! environment variable `BOX_PASSWORD`.
//!
//!     livetool apply PACKAGE HOST:PORT DATABASE   makes the database and runs our script of the package in it; what the
//!                                                 script does not carry and what the server refuses on standard output
//!     livetool many COUNT HOST:PORT DATABASE      makes the database with so many tables
//!     livetool time HOST:PORT DATABASE            reads the catalogue: time, round trips, objects

use async_trait::async_trait;
use pacrat::bacpac::model::{Limits, Model};
use pacrat::bacpac::script::{Form, script};
use pacrat::sqlserver::connect;
use pacrat::sqlserver::error::SqlError;
use pacrat::sqlserver::orders::{Answer, Orders};
use pacrat::sqlserver::target::{Secret, Target};
use pacrat::sqlserver::{admin, catalogue};
use std::error::Error;
use std::io::Read;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

fn target(address: &str) -> Result<Target, Box<dyn Error>> {
    let (host, port) = address.rsplit_once(':').ok_or("the address is HOST:PORT")?;
    let password = Secret::new(std::env::var("BOX_PASSWORD")?);
    let target = Target::new(host, "operator", password);
    Ok(Target { port: Some(port.parse()?), trust_certificate: true, ..target })
}

/// Counts what is asked.
struct Counted {
    orders: Box<dyn Orders>,
    batches: usize,
    spent: Duration,
}

#[async_trait]
impl Orders for Counted {
    async fn batch(&mut self, sql: &str, doing: &str, cancel: &CancellationToken) -> Result<Answer, SqlError> {
        let began = Instant::now();
        let answer = self.orders.batch(sql, doing, cancel).await;
        self.batches += 1;
        self.spent += began.elapsed();
        answer
    }

    fn is_dead(&self) -> bool {
        self.orders.is_dead()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let cancel = CancellationToken::new();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["apply", package, address, database] => apply(package, address, database, &cancel).await,
        ["many", count, address, database] => many(count.parse()?, address, database, &cancel).await,
        ["time", address, database] => {
            let orders = connect::open_questions(&target(address)?.with_database(*database), &cancel).await?;
            let mut counted = Counted { orders, batches: 0, spent: Duration::ZERO };
            let began = Instant::now();
            let found = catalogue::read(&mut counted, &cancel).await?;
            println!(
                "{:.2} s ({:.2} s of it waiting for the server), {} round trips, {} objects, {} tables with rows to read",
                began.elapsed().as_secs_f64(),
                counted.spent.as_secs_f64(),
                counted.batches,
                found.model.objects.len(),
                found.tables.len()
            );
            Ok(())
        }
        _ => Err("usage: livetool apply PACKAGE HOST:PORT DATABASE | many COUNT HOST:PORT DATABASE | \
                  time HOST:PORT DATABASE"
            .into()),
    }
}

async fn apply(package: &str, address: &str, database: &str, cancel: &CancellationToken) -> Result<(), Box<dyn Error>> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(package)?)?;
    let mut bytes = Vec::new();
    archive.by_name("model.xml")?.read_to_end(&mut bytes)?;
    let model = Model::read(&bytes[..], Limits::default())?;
    let target = target(address)?;
    let mut master = connect::open(&target.with_database("master"), cancel).await?;
    let collation = model.options().and_then(|o| o.collation());
    admin::create_database(&mut *master, database, collation, cancel).await?;
    let mut orders = connect::open(&target.with_database(database), cancel).await?;
    // Users need their logins, which belong to the server and are in no script for one.
    for batch in script(&model, Form::DacFx).batches.iter().filter(|b| b.kind == "login") {
        if let Err(error) = orders.batch(&batch.sql, &batch.name, cancel).await {
            println!("refused login {error}");
        }
    }
    let made = script(&model, Form::Server);
    for left in &made.not_carried {
        println!("left {} {}: {}", left.kind, left.name, left.reason);
    }
    let mut settings = None;
    for batch in &made.batches {
        let wanted = (batch.ansi_nulls, batch.quoted_identifier);
        if settings != Some(wanted) {
            let word = |on: bool| if on { "ON" } else { "OFF" };
            let sql = format!("SET ANSI_NULLS {}; SET QUOTED_IDENTIFIER {};", word(wanted.0), word(wanted.1));
            orders.batch(&sql, "setting the session's options", cancel).await?;
            settings = Some(wanted);
        }
        let doing = format!("{} {}", batch.kind, batch.name);
        if let Err(error) = orders.batch(&batch.sql, &doing, cancel).await {
            println!("refused {error}");
        }
    }
    Ok(())
}

async fn many(count: usize, address: &str, database: &str, cancel: &CancellationToken) -> Result<(), Box<dyn Error>> {
    let target = target(address)?;
    let mut master = connect::open(&target.with_database("master"), cancel).await?;
    admin::create_database(&mut *master, database, None, cancel).await?;
    let mut orders = connect::open(&target.with_database(database), cancel).await?;
    for first in (0..count).step_by(200) {
        let sql: Vec<String> = (first..count.min(first + 200))
            .map(|n| {
                format!(
                    "CREATE TABLE [dbo].[t{n:06}] ([id] int IDENTITY (1, 1) NOT NULL CONSTRAINT [pk{n:06}] PRIMARY KEY, \
                     [name] nvarchar(100) NOT NULL, [amount] decimal(18, 2) NULL CONSTRAINT [ck{n:06}] \
                     CHECK ([amount]>(0)), [at] datetime2(7) NOT NULL CONSTRAINT [df{n:06}] DEFAULT (getdate()), \
                     [note] nvarchar(max) NULL);"
                )
            })
            .collect();
        orders.batch(&sql.join("\n"), "making tables", cancel).await?;
    }
    Ok(())
}
