//! Orders an operator's work needs: what server this is, whether a database exists, making and dropping one, counting
//! rows, looking for constraints that are not trusted.
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
    let answer = orders.batch(&sql, &format!("looking for database {database}"), cancel).await?;
    Ok(answer.sets.first().is_some_and(|s| !s.rows.is_empty()))
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

/// Drops a database that this process made; sessions that others have in it stand in the way (error 3702). One that is
/// gone already is fine.
pub async fn drop_database(
    orders: &mut dyn Orders,
    created: &Created,
    cancel: &CancellationToken,
) -> Result<(), SqlError> {
    let database = created.database();
    let sql = format!("DROP DATABASE {}", identifier(database));
    match orders.batch(&sql, &format!("dropping database {database}"), cancel).await {
        Ok(_) => Ok(()),
        // Somebody else dropped it: it is gone, which is what was wanted.
        Err(error) => match database_exists(orders, database, cancel).await {
            Ok(false) => Ok(()),
            _ => Err(error),
        },
    }
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
