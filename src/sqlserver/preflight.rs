//! What a server tells of a restore before it: whether the login may make what is to be made, which logins and
//! collations there are. Every answer may be missing: what a server does not tell is not known, and no reason to refuse.

use tokio_util::sync::CancellationToken;

use super::error::SqlError;
use super::orders::{Answer, Orders};
use super::quote::literal;

/// Azure SQL Database (`SERVERPROPERTY('EngineEdition')`): permissions of the server can't be asked for there.
const AZURE: i64 = 5;

/// An answer, or none where the server refuses the question itself.
fn told(answer: Result<Answer, SqlError>) -> Result<Option<Answer>, SqlError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(SqlError::Server { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the login may make databases. For a connection to master.
pub async fn may_create_databases(
    orders: &mut dyn Orders,
    engine_edition: i64,
    cancel: &CancellationToken,
) -> Result<Option<bool>, SqlError> {
    if engine_edition == AZURE {
        return Ok(None);
    }
    // Any of the three suffices; what can't be told is NULL (catalog/functions.md).
    let sql = "SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS one, \
               HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY DATABASE') AS two, \
               HAS_PERMS_BY_NAME(N'master', N'DATABASE', N'CREATE DATABASE') AS three";
    let answer = told(orders.batch(sql, "asking what the login may make", cancel).await)?;
    let Some(r) = answer.as_ref().and_then(|a| a.sets.first()?.records().next()) else { return Ok(None) };
    let rights = [r.int("one"), r.int("two"), r.int("three")];
    Ok(match rights {
        rights if rights.contains(&Some(1)) => Some(true),
        rights if rights.contains(&None) => None,
        _ => Some(false),
    })
}

/// Whether the login may make tables in the connection's database.
pub async fn may_create_tables(orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<Option<bool>, SqlError> {
    let sql = "SELECT HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'CREATE TABLE') AS one";
    let answer = told(orders.batch(sql, "asking what the login may make", cancel).await)?;
    Ok(answer.as_ref().and_then(|a| a.sets.first()?.records().next()?.int("one")).map(|n| n == 1))
}

/// Whether a database takes no changes.
pub async fn is_read_only(
    orders: &mut dyn Orders,
    database: &str,
    cancel: &CancellationToken,
) -> Result<bool, SqlError> {
    let sql = format!("SELECT is_read_only FROM sys.databases WHERE name = {}", literal(database));
    let answer = orders.batch(&sql, &format!("looking at database {database}"), cancel).await?;
    Ok(answer.sets.iter().flat_map(|s| s.records()).any(|r| r.bool("is_read_only")))
}

/// Whether the server has a collation.
pub async fn has_collation(
    orders: &mut dyn Orders,
    collation: &str,
    cancel: &CancellationToken,
) -> Result<Option<bool>, SqlError> {
    // Assumption: for a collation that a server does not have, this is NULL.
    let sql = format!("SELECT CONVERT(int, COLLATIONPROPERTY({}, N'CodePage')) AS code_page", literal(collation));
    let answer = told(orders.batch(&sql, "asking for the collation", cancel).await)?;
    let row = answer.as_ref().and_then(|a| a.sets.first()?.records().next());
    Ok(row.map(|r| r.int("code_page").is_some()))
}

/// The logins that are to be seen; a login without VIEW ANY DEFINITION sees few of them.
pub async fn logins(orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<Option<Vec<String>>, SqlError> {
    // Server roles, and the logins of certificates and keys, nobody logs in by.
    let sql = "SELECT name FROM sys.server_principals WHERE type NOT IN ('R', 'C', 'K') ORDER BY name";
    let answer = told(orders.batch(sql, "asking which logins there are", cancel).await)?;
    Ok(answer.map(|a| a.sets.iter().flat_map(|s| s.records()).map(|r| r.string("name")).collect()))
}

/// What a server says of code in assemblies; of what it does not have or show, nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeOptions {
    /// `clr enabled`: calls of such code are let in (else 6263).
    pub enabled: Option<bool>,
    /// `clr strict security`: only what is signed or trusted is let in (else 10343). SQL Server 2017 brought it.
    pub strict: Option<bool>,
}

/// How the server is set up for code in assemblies.
pub async fn code_options(orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<CodeOptions, SqlError> {
    let sql = "SELECT name, CONVERT(int, value_in_use) AS in_use FROM sys.configurations \
               WHERE name IN (N'clr enabled', N'clr strict security')";
    let answer = told(orders.batch(sql, "asking how the server is set up", cancel).await)?;
    let records = || answer.iter().flat_map(|a| &a.sets).flat_map(|s| s.records());
    let of = |name: &str| Some(records().find(|r| r.string("name") == name)?.int("in_use")? != 0);
    Ok(CodeOptions { enabled: of("clr enabled"), strict: of("clr strict security") })
}

#[cfg(test)]
mod tests {
    use super::super::orders::{Field, ResultSet};
    use super::*;

    /// A server with these options.
    struct Options(Vec<(&'static str, i64)>);

    #[async_trait::async_trait]
    impl Orders for Options {
        async fn batch(&mut self, _: &str, _: &str, _: &CancellationToken) -> Result<Answer, SqlError> {
            let row = |(name, n): &(&str, i64)| vec![Field::Text((*name).to_owned()), Field::Int(*n)];
            let columns = vec!["name".to_owned(), "in_use".to_owned()];
            let set = ResultSet { columns, rows: self.0.iter().map(row).collect() };
            Ok(Answer { sets: vec![set], ..Answer::default() })
        }

        fn is_dead(&self) -> bool {
            false
        }
    }

    #[tokio::test]
    async fn options_that_a_server_does_not_have_are_not_known() {
        for (options, enabled, strict) in [
            (vec![], None, None),
            (vec![("clr enabled", 0)], Some(false), None),
            (vec![("clr strict security", 1), ("clr enabled", 1)], Some(true), Some(true)),
        ] {
            let told = code_options(&mut Options(options), &CancellationToken::new()).await.unwrap();
            assert_eq!(told, CodeOptions { enabled, strict });
        }
    }
}
