//! What a comparison compares: the schema and the row counts of a package, or of a live database. How two models
//! differ is the format layer's business; reading them is done here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::catalog::Stores;
use super::command::PackageSource;
use super::event::Failure;
use super::package::{self, Opened};
use super::service::{Service, blocking};
use crate::bacpac::model::Model;
use crate::sqlserver::admin;
use crate::sqlserver::catalogue::{self, SourceTable};
use crate::sqlserver::connect;
use crate::sqlserver::orders::Orders;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Side {
    /// A package.
    Package {
        /// Which.
        source: PackageSource,
    },
    /// A live database.
    Database {
        /// The server's name in the configuration.
        server: String,
        /// The database.
        database: String,
    },
}

/// Rows by table, `schema.table`.
pub type Rows = BTreeMap<String, u64>;

/// A side that was read.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its schema.
    pub model: Model,
    /// `Sql150` and so on.
    pub platform: String,
    /// Rows by table, where they are known or were asked for.
    pub rows: Option<Rows>,
    /// What is there and not in the model.
    pub not_carried: Vec<String>,
}

/// Read a package. With `count`, rows that nothing knows are counted by decoding them. Blocks.
pub fn read_package(stores: Option<&Stores>, source: &PackageSource, count: bool) -> Result<Schema, Failure> {
    let opened = package::open(package::locate(stores, source)?)?;
    let rows = package::row_counts(&opened, count)?;
    let not_carried = opened.manifest.as_ref().map(|m| m.not_carried.clone()).unwrap_or_default();
    let platform = package::platform(&opened.model);
    let Opened { model, .. } = opened;
    Ok(Schema { model, platform, rows, not_carried })
}

impl Service {
    /// Read one side of a comparison.
    pub async fn read_side(&self, side: &Side, count: bool, cancel: &CancellationToken) -> Result<Schema, Failure> {
        match side {
            Side::Package { source } => {
                let (stores, source) = (self.stores().clone(), source.clone());
                blocking(move || read_package(Some(&stores), &source, count)).await
            }
            Side::Database { server, database } => {
                let read = self.read_database(server, database, count, cancel).await;
                read.map_err(|f| f.during(format!("database {database} on {server} was not read")))
            }
        }
    }

    async fn read_database(
        &self,
        server: &str,
        database: &str,
        count: bool,
        cancel: &CancellationToken,
    ) -> Result<Schema, Failure> {
        let (servers, name) = (Arc::clone(self.servers_configured()), server.to_owned());
        let target = blocking(move || servers.target(&name)).await?.with_database(database);
        let mut orders = connect::open(&target, cancel).await?;
        let catalogue = catalogue::read(&mut *orders, cancel).await?;
        let rows = match count {
            true => Some(count_all(&mut *orders, &catalogue.tables, cancel).await?),
            false => None,
        };
        let platform = package::platform(&catalogue.model);
        let not_carried = catalogue.not_carried.iter().map(ToString::to_string).collect();
        Ok(Schema { model: catalogue.model, platform, rows, not_carried })
    }
}

async fn count_all(
    orders: &mut dyn Orders,
    tables: &[SourceTable],
    cancel: &CancellationToken,
) -> Result<Rows, Failure> {
    let names: Vec<(&str, &str)> = tables.iter().map(|t| (&*t.plan.schema, &*t.plan.table)).collect();
    let counts = admin::count_rows(orders, &names, "counting rows", cancel).await?;
    let counted = names.into_iter().zip(counts).map(|((schema, table), count)| {
        let name = format!("{schema}.{table}");
        match count {
            Some(count) => Ok((name, count)),
            None => Err(Failure::new(format!("the server did not count the rows of {name}"))),
        }
    });
    counted.collect()
}
