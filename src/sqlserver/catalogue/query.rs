//! Asking the catalogue: one batch says which columns this server has, one batch gives all rows, and one more asks what
//! can only be asked by name; nothing is asked once a table.

use std::collections::{HashMap, HashSet};

use tokio_util::sync::CancellationToken;

use super::views::{View, column_name, column_since, feature, views};
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::{Orders, Record, ResultSet};
use crate::sqlserver::quote::literal;

/// Facts of the server and the database that no view has. Nobody keeps a sysadmin from seeing everything; of others the
/// server says what they may see, and of a database whose name is not a plain identifier only when it is quoted.
/// Assumption: brackets around it are understood, as they are around the parts of an object's name; a server that does
/// not is asked without them.
pub(super) const FACTS: &str = "SELECT CONVERT(nvarchar(128), SERVERPROPERTY(N'ProductVersion')) AS version, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'Edition')) AS edition, \
     CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition, \
     @@VERSION AS banner, DB_NAME() AS database_name, \
     CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), N'Collation')) AS collation_name, \
     CONVERT(int, COLLATIONPROPERTY(CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), N'Collation')), N'LCID')) \
     AS lcid, \
     CASE WHEN IS_SRVROLEMEMBER(N'sysadmin') = 1 THEN 1 ELSE \
     COALESCE(HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'VIEW DEFINITION'), \
     HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'VIEW DEFINITION')) END AS sees_definitions";

/// The code pages of the collations in use.
pub(super) const CODE_PAGES: &str = "SELECT DISTINCT collation_name, \
     CONVERT(int, COLLATIONPROPERTY(collation_name, N'CodePage')) AS code_page \
     FROM sys.columns WHERE collation_name IS NOT NULL";

/// The rows of all views.
#[derive(Debug, Default)]
pub(super) struct Rows {
    sets: HashMap<&'static str, ResultSet>,
    /// The texts of the XML schema collections by their ids.
    pub schemas_of_xml: HashMap<i64, String>,
    /// Tables whose rows cannot be carried and that have some, by their ids.
    pub with_rows: HashSet<i64>,
}

impl Rows {
    /// The rows of a view; none where the server does not have it.
    pub(super) fn of(&self, view: &str) -> impl Iterator<Item = Record<'_>> {
        self.sets.get(view).into_iter().flat_map(ResultSet::records)
    }

    /// What this server, by its version, should show and does not, in words.
    pub(super) fn absent(&self, major: u32, azure: bool) -> Vec<String> {
        let mut absent = Vec::new();
        for view in views().filter(|v| v.since <= major && (v.azure || !azure)) {
            let Some(set) = self.sets.get(view.name) else {
                absent.push(feature(view.name, None));
                continue;
            };
            for column in view.columns {
                if column_since(view, column) <= major && set.position(column_name(column)).is_none() {
                    absent.push(feature(view.name, Some(column_name(column))));
                }
            }
            for value in view.values.iter().filter(|v| set.position(v.alias).is_none()) {
                absent.push(feature(view.name, Some(value.column)));
            }
            for column in view.variants {
                if column_since(view, column) <= major && set.position(column_name(column)).is_none() {
                    absent.push(feature(view.name, Some(column_name(column))));
                }
            }
        }
        absent
    }
}

/// The first batch: facts, and which columns of the views there are.
fn first_batch() -> String {
    let names: Vec<String> = views().map(|v| literal(v.name.trim_start_matches("sys."))).collect();
    format!(
        "{FACTS};\nSELECT o.name AS view_name, c.name AS column_name FROM sys.all_columns AS c \
         JOIN sys.all_objects AS o ON o.object_id = c.object_id \
         WHERE o.schema_id = SCHEMA_ID(N'sys') AND o.type = N'V' AND o.name IN ({});",
        names.join(", ")
    )
}

/// The question over one view, of the columns that exist; nothing where the view does not.
pub(super) fn select(view: &View, exists: impl Fn(&str) -> bool) -> Option<String> {
    let there = view.columns.iter().map(|c| column_name(c)).filter(|c| exists(c));
    let mut columns: Vec<String> = there.map(str::to_owned).collect();
    for variant in view.variants.iter().map(|c| column_name(c)).filter(|c| exists(c)) {
        columns.push(format!("CONVERT(nvarchar(64), {variant}) AS {variant}"));
    }
    for value in view.values.iter().filter(|v| exists(v.column)) {
        columns.push(format!("{} AS {}", value.sql, value.alias));
    }
    if columns.is_empty() {
        return None;
    }
    Some(format!("SELECT {} FROM {}{}", columns.join(", "), view.name, view.condition))
}

/// Asks for everything. The first set is that of [`FACTS`], the second that of [`CODE_PAGES`].
pub(super) async fn ask(
    orders: &mut dyn Orders,
    cancel: &CancellationToken,
) -> Result<(ResultSet, ResultSet, Rows), SqlError> {
    let doing = "reading the catalogue";
    let unexpected = |cause: &str| SqlError::Unexpected { doing: doing.into(), cause: cause.into() };
    let mut first = orders.batch(&first_batch(), doing, cancel).await?.sets.into_iter();
    let (Some(facts), Some(existing)) = (first.next(), first.next()) else {
        return Err(unexpected("two results were asked for"));
    };
    let exists: HashSet<(String, String)> =
        existing.records().map(|r| (r.string("view_name"), r.string("column_name").to_ascii_lowercase())).collect();
    let mut asked = Vec::new();
    let mut batch = format!("{CODE_PAGES};\n");
    for view in views() {
        let short = view.name.trim_start_matches("sys.");
        if let Some(sql) = select(view, |column| exists.contains(&(short.to_owned(), column.to_owned()))) {
            batch.push_str(&sql);
            batch.push_str(";\n");
            asked.push(view.name);
        }
    }
    for needed in ["sys.objects", "sys.columns", "sys.types", "sys.schemas", "sys.databases"] {
        if !asked.contains(&needed) {
            return Err(unexpected(&format!("the server shows no columns of {needed}")));
        }
    }
    let mut second = orders.batch(&batch, doing, cancel).await?.sets.into_iter();
    let Some(code_pages) = second.next() else { return Err(unexpected("no results")) };
    let sets: HashMap<_, _> = asked.iter().copied().zip(second).collect();
    if sets.len() != asked.len() {
        return Err(unexpected(&format!("{} results where {} were asked for", sets.len(), asked.len())));
    }
    let mut rows = Rows { sets, ..Rows::default() };
    ask_by_name(&mut rows, orders, cancel).await?;
    Ok((facts, code_pages, rows))
}

/// What can only be asked by name, in one batch each and only where there is such a thing: the texts of XML schema
/// collections; whether tables whose rows cannot be carried have any.
async fn ask_by_name(rows: &mut Rows, orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<(), SqlError> {
    let schemas: HashMap<i64, String> =
        rows.of("sys.schemas").filter_map(|r| Some((r.int("schema_id")?, r.string("name")))).collect();
    let collections: Vec<(i64, String)> = rows
        .of("sys.xml_schema_collections")
        .filter_map(|r| {
            let (id, schema) = (r.int("xml_collection_id").filter(|id| *id > 1)?, schemas.get(&r.int("schema_id")?)?);
            let (schema, name) = (literal(schema), literal(&r.string("name")));
            Some((id, format!("SELECT CONVERT(nvarchar(max), XML_SCHEMA_NAMESPACE({schema}, {name})) AS text")))
        })
        .collect();
    if !collections.is_empty() {
        let batch: Vec<&str> = collections.iter().map(|(_, sql)| sql.as_str()).collect();
        match orders.batch(&(batch.join(";\n") + ";"), "reading the XML schema collections", cancel).await {
            Ok(answer) => {
                let texts = answer.sets.iter().map(|s| s.records().next().and_then(|r| r.text("text")));
                let texts = collections.iter().zip(texts).filter_map(|((id, _), text)| Some((*id, text?.to_owned())));
                rows.schemas_of_xml = texts.collect();
            }
            // Assumption: a login that may see the catalogue (VIEW DEFINITION) may ask this function too; if not, the
            // collections are named as not carried.
            // A server that does not have the function costs the collections, by name, and not the backup.
            Err(SqlError::Server { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let names: HashMap<i64, (String, String)> = rows
        .of("sys.objects")
        .filter_map(|r| {
            let schema = schemas.get(&r.int("schema_id")?)?;
            Some((r.int("object_id")?, (schema.clone(), r.string("name"))))
        })
        .collect();
    let doubtful: Vec<(i64, String)> = rows
        .of("sys.tables")
        .filter(|r| {
            r.bool("is_node")
                || r.bool("is_edge")
                || r.int("ledger_type").is_some_and(|t| t != 0)
                || r.bool("is_filetable")
        })
        .filter_map(|r| {
            let id = r.int("object_id")?;
            let (schema, name) = names.get(&id)?;
            let table = crate::sqlserver::quote::qualified(schema, name);
            Some((id, format!("SELECT CASE WHEN EXISTS (SELECT 1 FROM {table}) THEN 1 ELSE 0 END AS has_rows")))
        })
        .collect();
    if !doubtful.is_empty() {
        let batch: Vec<&str> = doubtful.iter().map(|(_, sql)| sql.as_str()).collect();
        let answer =
            orders.batch(&(batch.join(";\n") + ";"), "looking for rows that cannot be carried", cancel).await?;
        for (at, (id, _)) in doubtful.iter().enumerate() {
            let has = answer.sets.get(at).and_then(|s| s.records().next().and_then(|r| r.int("has_rows")));
            // What was not answered is taken for full.
            if has != Some(0) {
                rows.with_rows.insert(*id);
            }
        }
    }
    Ok(())
}
