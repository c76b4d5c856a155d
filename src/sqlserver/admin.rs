//! Orders an operator's work needs: what server this is, whether a database exists, making and dropping one, running a
//! script with its errors located, counting rows, looking for constraints that are not trusted.
//!
//! Nothing here drops a database by a name alone: [`drop_database`] takes the [`Created`] that [`create_database`] gave.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use super::error::SqlError;
use super::orders::{Orders, ResultSet};
use super::quote::{identifier, is_collation_name, literal, qualified};

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// `15.0.4430.1`.
    pub version: String,
    /// `Developer Edition (64-bit)`.
    pub edition: String,
    /// `SERVERPROPERTY('EngineEdition')`: 5 is Azure SQL Database, 8 a managed instance.
    pub engine_edition: i64,
    /// The server's collation.
    pub collation: String,
    /// The text of `@@VERSION`.
    pub banner: String,
}

fn unexpected(doing: &str) -> SqlError {
    SqlError::Unexpected { doing: doing.into(), cause: "a row was asked for".into() }
}

/// Asks a server what it is.
pub async fn server_facts(orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<ServerFacts, SqlError> {
    let doing = "asking for the server's version";
    let sql = "SELECT CONVERT(nvarchar(128), SERVERPROPERTY(N'ProductVersion')) AS version, \
               CONVERT(nvarchar(128), SERVERPROPERTY(N'Edition')) AS edition, \
               CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition, \
               CONVERT(nvarchar(128), SERVERPROPERTY(N'Collation')) AS collation_name, @@VERSION AS banner";
    let answer = orders.batch(sql, doing, cancel).await?;
    let set = answer.sets.first().ok_or_else(|| unexpected(doing))?;
    let r = set.records().next().ok_or_else(|| unexpected(doing))?;
    Ok(ServerFacts {
        version: r.string("version"),
        edition: r.string("edition"),
        engine_edition: r.int("engine_edition").unwrap_or_default(),
        collation: r.string("collation_name"),
        banner: r.string("banner"),
    })
}

/// Whether a database of that name exists, in the server's own sense of equal names. On Azure SQL Database only a
/// connection to `master` sees all of them.
pub async fn database_exists(
    orders: &mut dyn Orders,
    database: &str,
    cancel: &CancellationToken,
) -> Result<bool, SqlError> {
    let sql = format!("SELECT name FROM sys.databases WHERE name = {}", literal(database));
    let answer = orders.batch(&sql, "looking for the database", cancel).await?;
    Ok(answer.sets.first().is_some_and(|s| !s.rows.is_empty()))
}

/// The names of all databases that the login sees.
pub async fn databases(orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<Vec<String>, SqlError> {
    let answer = orders.batch("SELECT name FROM sys.databases ORDER BY name", "listing databases", cancel).await?;
    Ok(answer.sets.iter().flat_map(ResultSet::records).map(|r| r.string("name")).collect())
}

/// A database made by this process: the only thing that can be dropped again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    database: String,
}

impl Created {
    /// Its name.
    pub fn database(&self) -> &str {
        &self.database
    }
}

/// Makes a database. One that exists already is error 1801 of the server, and is left alone.
pub async fn create_database(
    orders: &mut dyn Orders,
    database: &str,
    collation: Option<&str>,
    cancel: &CancellationToken,
) -> Result<Created, SqlError> {
    let mut sql = format!("CREATE DATABASE {}", identifier(database));
    if let Some(collation) = collation {
        if !is_collation_name(collation) {
            return Err(SqlError::Unsupported(format!("{collation:?} is not the name of a collation")));
        }
        sql.push_str(" COLLATE ");
        sql.push_str(collation);
    }
    orders.batch(&sql, &format!("creating database {database}"), cancel).await?;
    Ok(Created { database: database.to_owned() })
}

/// Drops a database that this process made, with everybody who is in it thrown out. One that is gone already is fine.
pub async fn drop_database(
    orders: &mut dyn Orders,
    created: &Created,
    engine_edition: i64,
    cancel: &CancellationToken,
) -> Result<(), SqlError> {
    let database = created.database();
    if !database_exists(orders, database, cancel).await? {
        return Ok(());
    }
    let name = identifier(database);
    let doing = format!("dropping database {database}");
    // Azure SQL Database has no SINGLE_USER; a drop there ends the sessions by itself.
    if engine_edition != 5 {
        let alone = format!("ALTER DATABASE {name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE");
        // Not being able to is not decisive: the drop itself says whether it can be done.
        if let Err(error @ (SqlError::Cancelled | SqlError::Lost { .. })) = orders.batch(&alone, &doing, cancel).await {
            return Err(error);
        }
    }
    orders.batch(&format!("DROP DATABASE {name}"), &doing, cancel).await?;
    Ok(())
}

/// A batch of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptBatch {
    /// What it makes, in words: `table dbo.Orders`.
    pub object: String,
    /// The text.
    pub sql: String,
}

/// A batch that failed.
#[derive(Debug, thiserror::Error)]
#[error("batch {number} of {of}: {error}")]
pub struct ScriptError {
    /// Its place, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// What it was to make.
    pub object: String,
    /// The server's words.
    #[source]
    pub error: SqlError,
}

/// Runs batches in order up to the first that fails. `done` hears of each before it is run, with its place from 0.
pub async fn run_script(
    orders: &mut dyn Orders,
    batches: &[ScriptBatch],
    cancel: &CancellationToken,
    mut done: impl FnMut(usize, &ScriptBatch),
) -> Result<(), ScriptError> {
    for (i, batch) in batches.iter().enumerate() {
        done(i, batch);
        let doing = format!("creating {}", batch.object);
        if let Err(error) = orders.batch(&batch.sql, &doing, cancel).await {
            return Err(ScriptError { number: i + 1, of: batches.len(), object: batch.object.clone(), error });
        }
    }
    Ok(())
}

/// Tables counted in one question.
const COUNTED_AT_ONCE: usize = 50;

/// The exact numbers of rows of tables (raw names of schema and table), in their order. `None`: the server gave no
/// number.
pub async fn count_rows(
    orders: &mut dyn Orders,
    tables: &[(&str, &str)],
    doing: &str,
    cancel: &CancellationToken,
) -> Result<Vec<Option<u64>>, SqlError> {
    let mut rows = Vec::with_capacity(tables.len());
    for some in tables.chunks(COUNTED_AT_ONCE) {
        let counts = some.iter().enumerate().map(|(n, (schema, table))| {
            format!("SELECT {n} AS n, COUNT_BIG(*) AS row_count FROM {}", qualified(schema, table))
        });
        let sql = counts.collect::<Vec<_>>().join(" UNION ALL ");
        let answer = orders.batch(&sql, doing, cancel).await?;
        let found: HashMap<i64, i64> = answer
            .sets
            .iter()
            .flat_map(ResultSet::records)
            .filter_map(|r| Some((r.int("n")?, r.int("row_count")?)))
            .collect();
        rows.extend((0..).zip(some).map(|(n, _)| found.get(&n).and_then(|n| u64::try_from(*n).ok())));
    }
    Ok(rows)
}

/// A constraint that the server does not rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    /// Raw schema name of its table.
    pub schema: String,
    /// Raw table name.
    pub table: String,
    /// Raw name of the constraint.
    pub constraint: String,
    /// The server made its name up.
    pub system_named: bool,
}

/// Foreign keys and checks that are not trusted: after a restore there may be only those that were not at the source.
pub async fn untrusted_constraints(
    orders: &mut dyn Orders,
    cancel: &CancellationToken,
) -> Result<Vec<Untrusted>, SqlError> {
    let of = |view: &str| {
        format!(
            "SELECT s.name AS schema_name, t.name AS table_name, c.name AS constraint_name, c.is_system_named \
             FROM {view} AS c JOIN sys.tables AS t ON t.object_id = c.parent_object_id \
             JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE c.is_not_trusted = 1;\n"
        )
    };
    let sql = of("sys.foreign_keys") + &of("sys.check_constraints");
    let answer = orders.batch(&sql, "asking which constraints are trusted", cancel).await?;
    Ok(answer
        .sets
        .iter()
        .flat_map(ResultSet::records)
        .map(|r| Untrusted {
            schema: r.string("schema_name"),
            table: r.string("table_name"),
            constraint: r.string("constraint_name"),
            system_named: r.bool("is_system_named"),
        })
        .collect())
}
