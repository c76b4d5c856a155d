//! Databases of a target server: looked for, made, dropped. Only what a job made is ever dropped.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::event::{Failure, FailureKind};
use super::job::JobContext;
use crate::sqlserver::admin::{self, Created};
use crate::sqlserver::connect;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::Orders;
use crate::sqlserver::quote;
use crate::sqlserver::target::Target;

/// "Cannot drop database … because it is currently in use" (catalog/errors.json).
const IN_USE: i32 = 3702;
/// How long the clean-up tries to drop a database that is still in use.
const DROP_PATIENCE: Duration = Duration::from_secs(20);

/// Make a database. The order is not interrupted by a cancellation: it takes a moment, and only its answer tells
/// whether the database is this job's.
pub async fn create(
    target: &Target,
    orders: &mut dyn Orders,
    name: &str,
    collation: Option<&str>,
    job: &JobContext,
) -> Result<Created, Failure> {
    if let Some(collation) = collation.filter(|c| !quote::is_collation_name(c)) {
        let message = format!("the package's collation {collation:?} is no name of a collation");
        return Err(Failure::new(message).kind(FailureKind::Damaged));
    }
    let never = CancellationToken::new();
    match admin::create_database(orders, name, collation, &never).await {
        Ok(created) => Ok(created),
        Err(error @ (SqlError::Lost { .. } | SqlError::Timeout { .. })) => {
            // The answer is lost: the database may be there, and nothing tells whose it is.
            if may_exist(target, name).await {
                job.remark(format!(
                    "the connection broke while database {name} was being created: look whether it is there, and drop it"
                ));
            }
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives a new database a place for memory-optimised tables, a file group of this name, where its server wants one: a
/// package has no files. What goes wrong here is told; the tables then fail by themselves, with the server's words.
pub async fn place_for_memory(
    orders: &mut dyn Orders,
    name: &str,
    group: &str,
    job: &JobContext,
) -> Result<(), SqlError> {
    let doing = "looking for a place for memory-optimised tables";
    let sql = "SELECT CONVERT(nvarchar(260), SERVERPROPERTY(N'InstanceDefaultDataPath')) AS data_path, \
               CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition, \
               (SELECT COUNT(*) FROM sys.data_spaces WHERE type = 'FX') AS places";
    let answer = match orders.batch(sql, doing, &job.cancel).await {
        Ok(answer) => answer,
        Err(error @ SqlError::Server { .. }) => {
            job.remark(format!("no place for memory-optimised tables was made: {error}"));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let Some(r) = answer.sets.first().and_then(|s| s.records().next()) else { return Ok(()) };
    let path = r.string("data_path");
    // 5 is Azure SQL Database, 8 a managed instance: they have a place of their own.
    if matches!(r.int("engine_edition"), Some(5 | 8)) || r.int("places") != Some(0) || path.is_empty() {
        return Ok(());
    }
    // The folder's name: of the database's, what every file system takes.
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
    let folder = format!("{path}{plain}_{}_memory", jiff::Timestamp::now().as_millisecond());
    // Assumption: the default data path ends with the separator of its platform.
    for sql in [
        format!("ALTER DATABASE CURRENT ADD FILEGROUP {} CONTAINS MEMORY_OPTIMIZED_DATA;", quote::identifier(group)),
        format!(
            "ALTER DATABASE CURRENT ADD FILE (NAME = {group}, FILENAME = {}) TO FILEGROUP {group};",
            quote::literal(&folder),
            group = quote::identifier(group)
        ),
    ] {
        match orders.batch(&sql, "making a place for memory-optimised tables", &job.cancel).await {
            Ok(_) => {}
            Err(error @ SqlError::Server { .. }) => {
                job.remark(format!("no place for memory-optimised tables was made: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    job.inform(format!("file group {group} was made for memory-optimised tables"));
    Ok(())
}

/// After a lost answer: false only if the server says that there is no such database.
async fn may_exist(target: &Target, name: &str) -> bool {
    let never = CancellationToken::new();
    let look = async {
        let mut orders = connect::open(&target.with_database("master"), &never).await?;
        admin::database_exists(&mut *orders, name, &never).await
    };
    tokio::time::timeout(Duration::from_secs(5), look).await.ok().and_then(Result::ok) != Some(false)
}

/// Drop a database that this job made. Tells what is left when that fails.
pub async fn drop_made(target: &Target, made: &Created, job: &JobContext) {
    let name = made.database();
    let never = CancellationToken::new();
    let until = tokio::time::Instant::now() + DROP_PATIENCE;
    let mut wait = Duration::from_millis(50);
    loop {
        let attempt = tokio::time::timeout_at(until, try_drop(target, made, &never)).await;
        let error = match attempt {
            Ok(Ok(())) => {
                job.inform(format!("database {name} was dropped"));
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => {
                SqlError::Timeout { doing: format!("dropping database {name}"), seconds: DROP_PATIENCE.as_secs() }
            }
        };
        // A session of ours that is just ending, a server that comes back.
        let passing = error.number() == Some(IN_USE) || error.retryable();
        if !passing || tokio::time::Instant::now() + wait >= until {
            job.remark(format!("database {name} is not complete and could not be dropped: {error}; drop it"));
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(2));
    }
}

async fn try_drop(target: &Target, made: &Created, never: &CancellationToken) -> Result<(), SqlError> {
    let mut orders = connect::open(&target.with_database("master"), never).await?;
    admin::drop_database(&mut *orders, made, never).await
}
