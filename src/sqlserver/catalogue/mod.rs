//! The catalogue of a live database as a model: what DacFx would export, asked for in two batches.
//!
//! What the model does not hold yet is not left out in silence: every such thing is a [`NotCarried`] by kind and name.
//! A table whose rows cannot be carried is an error, for a backup without them would be none.

mod broker;
mod clr;
mod constraints;
mod database;
mod elements;
mod indexes;
mod keys;
mod legacy;
mod module_text;
mod modules;
mod others;
mod principals;
mod properties;
mod query;
mod spaces;
mod special;
mod table_types;
mod tables;
mod types;
mod unmodelled;
mod views;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::error::SqlError;
use super::orders::{Orders, Record};
use super::rows::{ReadOptions, ServerColumn};
use crate::bacpac::model::tokens;
use crate::bacpac::model::{Element, Model, Name, Object, Plans, Reference, Rest};
use crate::bacpac::plan::TablePlan;
use principals::Principal;
use query::Rows;
use spaces::Space;
use types::Types;

/// A database as its catalogue describes it.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Server and database.
    pub facts: DatabaseFacts,
    /// The schema.
    pub model: Model,
    /// The tables with rows to read, by name.
    pub tables: Vec<SourceTable>,
    /// What the model does not hold.
    pub not_carried: Vec<NotCarried>,
}

/// What is known of a server and a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// The database's name as the server spells it.
    pub database: String,
    /// `15.0.4430.1`.
    pub version: String,
    /// The major version.
    pub major: u32,
    /// `Developer Edition (64-bit)`.
    pub edition: String,
    /// `SERVERPROPERTY('EngineEdition')`: 5 is Azure SQL Database, 8 a managed instance.
    pub engine_edition: i64,
    /// `@@VERSION`.
    pub banner: String,
    /// The database's collation.
    pub collation: String,
    /// The locale of the collation.
    pub lcid: i64,
    /// `sys.databases.snapshot_isolation_state` is 1: a snapshot can be read.
    pub allows_snapshot: bool,
}

/// A table whose rows are read.
#[derive(Debug, Clone)]
pub struct SourceTable {
    /// Its columns in the data stream.
    pub plan: Arc<TablePlan>,
    /// How to read it.
    pub read: ReadOptions,
    /// Rows, as the server estimates them.
    pub rows: u64,
}

/// Something that a backup does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotCarried {
    /// What it is, in words: `user`, `full-text index`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for NotCarried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Reads the catalogue of the database that the connection is in.
pub async fn read(orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<Catalogue, SqlError> {
    let (facts, code_pages, rows) = query::ask(orders, cancel).await?;
    let code_pages: HashMap<String, u16> = code_pages
        .records()
        .filter_map(|r| Some((r.string("collation_name"), u16::try_from(r.int("code_page")?).ok()?)))
        .collect();
    let unexpected = || SqlError::Unexpected { doing: "reading the catalogue".into(), cause: "no facts".into() };
    let told = facts.records().next().ok_or_else(unexpected)?;
    let facts = database::facts(&told, &rows);
    // What a login may not see is absent from every view, without a word: a backup would lack it in silence.
    if told.int("sees_definitions") == Some(0) {
        return Err(SqlError::Unsupported(format!(
            "the login may not see every object of database {}; grant it VIEW DEFINITION there",
            facts.database
        )));
    }
    let known = told.int("sees_definitions").is_some();
    let mut builder = Builder::new(facts, &rows, &code_pages);
    if !known {
        builder.left_out(
            "what the login may not see, if there is such a thing: the server does not say it of",
            builder.facts.database.clone(),
        );
    }
    builder.build()
}

/// The columns of every table at a target, for loading rows: one batch.
pub async fn target_columns(
    orders: &mut dyn Orders,
    cancel: &CancellationToken,
) -> Result<HashMap<(String, String), Vec<ServerColumn>>, SqlError> {
    let sql = format!(
        "{};\nSELECT s.name AS schema_name, t.name AS table_name, c.name AS column_name, c.is_nullable, \
         c.collation_name FROM sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
         JOIN sys.schemas AS s ON s.schema_id = t.schema_id ORDER BY t.object_id, c.column_id;",
        query::CODE_PAGES
    );
    let answer = orders.batch(&sql, "reading the target's columns", cancel).await?;
    let [pages, columns] = answer.sets.as_slice() else {
        return Err(SqlError::Unexpected {
            doing: "reading the target's columns".into(),
            cause: "two results were asked for".into(),
        });
    };
    let pages: HashMap<String, u16> = pages
        .records()
        .filter_map(|r| Some((r.string("collation_name"), u16::try_from(r.int("code_page")?).ok()?)))
        .collect();
    let mut out: HashMap<(String, String), Vec<ServerColumn>> = HashMap::new();
    for r in columns.records() {
        let collation = r.text("collation_name").map(str::to_owned);
        out.entry((r.string("schema_name"), r.string("table_name"))).or_default().push(ServerColumn {
            name: r.string("column_name"),
            nullable: r.bool("is_nullable"),
            code_page: collation.as_ref().and_then(|c| pages.get(c)).copied(),
            collation,
        });
    }
    Ok(out)
}

/// An object of the database.
#[derive(Debug, Clone)]
struct ObjectRow {
    name: Name,
    /// `U`, `V`, `PK`, …, without blanks.
    kind: String,
    parent: i64,
}

/// Puts the rows of all views together.
struct Builder<'a> {
    facts: DatabaseFacts,
    rows: &'a Rows,
    code_pages: &'a HashMap<String, u16>,
    types: Types,
    schemas: HashMap<i64, String>,
    objects: HashMap<i64, ObjectRow>,
    /// Objects that the server ships with.
    shipped: HashSet<i64>,
    principals: HashMap<i64, Principal>,
    spaces: HashMap<i64, Space>,
    /// Partitions by object.
    partitions: HashMap<i64, Vec<Record<'a>>>,
    index_columns: HashMap<i64, Vec<Record<'a>>>,
    /// The column that partitions an index, by object and index.
    partition_columns: HashMap<(i64, i64), i64>,
    /// Heap or clustered index of a table, and where it lies.
    base_spaces: HashMap<i64, (i64, Option<i64>)>,
    /// The index of a table's primary key.
    primary_keys: HashMap<i64, i64>,
    /// Buckets of hash indexes, by object and index.
    buckets: HashMap<(i64, i64), i64>,
    /// Indexes of keys that are referred to by name.
    named_keys: HashSet<(i64, i64)>,
    /// Memory-optimised tables.
    in_memory: HashSet<i64>,
    /// Names of column encryption keys.
    encryption_keys: HashMap<i64, String>,
    /// Names of the assemblies that the model holds.
    assembly_names: HashMap<i64, Name>,
    /// Columns' names by object and column id.
    column_names: HashMap<(i64, i64), String>,
    made: Vec<Object>,
    /// Names of the objects made, once all that others refer to are made.
    carried: HashSet<Name>,
    /// Something refers to the database, which has no name.
    database_referred: Cell<bool>,
    not_carried: Vec<NotCarried>,
}

impl<'a> Builder<'a> {
    fn new(facts: DatabaseFacts, rows: &'a Rows, code_pages: &'a HashMap<String, u16>) -> Self {
        let schemas: HashMap<i64, String> =
            rows.of("sys.schemas").filter_map(|r| Some((r.int("schema_id")?, r.string("name")))).collect();
        let objects = rows
            .of("sys.objects")
            .filter(|r| !r.bool("is_ms_shipped"))
            .filter_map(|r| {
                let schema = schemas.get(&r.int("schema_id")?)?;
                Some((
                    r.int("object_id")?,
                    ObjectRow {
                        name: Name::two(schema.as_str(), r.string("name")),
                        kind: r.string("type").trim().to_owned(),
                        parent: r.int("parent_object_id").unwrap_or_default(),
                    },
                ))
            })
            .collect();
        let shipped = rows.of("sys.objects").filter(|r| r.bool("is_ms_shipped")).filter_map(|r| r.int("object_id"));
        let column_names = rows
            .of("sys.columns")
            .filter_map(|r| Some(((r.int("object_id")?, r.int("column_id")?), column_name(&r))))
            .collect();
        let pair = |r: &Record<'_>| Some((r.int("object_id")?, r.int("index_id")?));
        let partition_columns = rows
            .of("sys.index_columns")
            .filter(|r| r.int("partition_ordinal") == Some(1))
            .filter_map(|r| Some((pair(&r)?, r.int("column_id")?)))
            .collect();
        let base_spaces = rows
            .of("sys.indexes")
            .filter(|r| r.int("index_id").is_some_and(|i| i <= 1))
            .filter_map(|r| Some((r.int("object_id")?, (r.int("index_id")?, r.int("data_space_id")))))
            .collect();
        let primary_keys =
            rows.of("sys.indexes").filter(|r| r.bool("is_primary_key")).filter_map(|r| pair(&r)).collect();
        let buckets = rows.of("sys.hash_indexes").filter_map(|r| Some((pair(&r)?, r.int("bucket_count")?))).collect();
        let named_keys = rows
            .of("sys.fulltext_indexes")
            .filter_map(|r| Some((r.int("object_id")?, r.int("unique_index_id")?)))
            .collect();
        let in_memory =
            rows.of("sys.tables").filter(|r| r.bool("is_memory_optimized")).filter_map(|r| r.int("object_id"));
        let types = Types::of(rows, &schemas);
        Self {
            facts,
            rows,
            code_pages,
            types,
            schemas,
            objects,
            shipped: shipped.collect(),
            principals: Principal::all(rows),
            spaces: Space::all(rows),
            partitions: grouped(rows, "sys.partitions", "object_id"),
            index_columns: grouped(rows, "sys.index_columns", "object_id"),
            partition_columns,
            base_spaces,
            primary_keys,
            buckets,
            named_keys,
            in_memory: in_memory.collect(),
            encryption_keys: keys::encryption_keys(rows),
            assembly_names: HashMap::new(),
            column_names,
            made: Vec::new(),
            carried: HashSet::new(),
            database_referred: Cell::new(false),
            not_carried: Vec::new(),
        }
    }

    fn build(mut self) -> Result<Catalogue, SqlError> {
        for feature in self.rows.absent(self.facts.major, self.facts.engine_edition == 5) {
            self.left_out("feature", feature);
        }
        self.database_options();
        self.data_spaces();
        self.users_and_roles();
        self.schemas();
        self.xml_schema_collections();
        self.assemblies();
        self.types();
        self.column_keys();
        self.secrets();
        self.external();
        self.keys_and_indexes();
        self.statistics();
        self.defaults();
        self.checks();
        self.foreign_keys();
        self.edge_constraints();
        self.tables()?;
        self.rules_and_defaults();
        self.modules();
        self.clr_modules();
        self.sequences();
        self.synonyms();
        self.full_text();
        self.security_policies();
        self.service_broker();
        self.leftovers();
        self.without_a_word();
        self.carried = self.made.iter().map(Object::name).filter(|n| !n.is_empty()).collect();
        self.nothing_is_missing();
        self.permissions();
        self.extended_properties();
        if self.database_referred.get()
            && let Some(Object::DatabaseOptions(options)) = self.made.first_mut()
        {
            options.rest.disambiguator = Some(DATABASE.into());
        }
        let mut model = Model { header: database::header(&self.facts), objects: self.made, ..Model::default() };
        // Assumption: objects that this reader makes always have the shape of their kinds.
        model
            .complete(250)
            .map_err(|e| SqlError::Unexpected { doing: "reading the catalogue".into(), cause: e.to_string() })?;
        let tables = source_tables(&model, self.rows, &self.objects, &self.column_names, self.code_pages)?;
        self.not_carried.sort();
        self.not_carried.dedup();
        Ok(Catalogue { facts: self.facts, model, tables, not_carried: self.not_carried })
    }

    /// A reference to the database's options, which stand for the database.
    fn database_reference(&self) -> Reference {
        self.database_referred.set(true);
        Reference { disambiguator: Some(DATABASE.into()), ..Reference::default() }
    }

    /// An object of a kind without a type of its own.
    fn other(&mut self, element: Element) {
        self.made.push(Object::Other(element));
    }

    /// Whether the model holds an object.
    fn is_carried(&self, _id: i64, object: &ObjectRow) -> bool {
        self.carried.contains(&object.name)
    }

    /// Heap or clustered index of a table, and where it lies.
    fn base_space(&self, table: i64) -> (i64, Option<i64>) {
        self.base_spaces.get(&table).copied().unwrap_or((0, None))
    }

    fn left_out(&mut self, kind: &str, name: impl ToString) {
        self.not_carried.push(NotCarried { kind: kind.to_owned(), name: name.to_string() });
    }

    /// An object's name.
    fn object(&self, id: Option<i64>) -> Option<&ObjectRow> {
        self.objects.get(&id?)
    }

    /// A column's full name.
    fn column(&self, object: i64, column: Option<i64>) -> Option<Name> {
        let owner = self.objects.get(&object)?;
        Some(owner.name.child(self.column_names.get(&(object, column?))?))
    }

    /// The names of an object's columns, in the order of these rows; nothing if one of them has none, for what is made
    /// of the others would be another thing.
    fn columns<'r>(&self, object: i64, rows: impl IntoIterator<Item = &'r Record<'r>>) -> Option<Vec<Name>> {
        rows.into_iter().map(|r| self.column(object, r.int("column_id"))).collect()
    }

    /// The objects of these kinds, by name, with their ids.
    fn of_kinds(&self, kinds: &[&str]) -> Vec<(i64, ObjectRow)> {
        let found = self.objects.iter().filter(|(_, o)| kinds.contains(&o.kind.as_str()));
        let mut found: Vec<_> = found.map(|(id, o)| (*id, o.clone())).collect();
        found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        found
    }

    /// The name of a constraint: its own, or none and an annotation where the server made it up.
    fn constraint_name(&self, r: &Record<'_>, rest: &mut Rest) -> Option<Name> {
        let name = self.object(r.int("object_id"))?.name.clone();
        if !r.bool("is_system_named") {
            return Some(name);
        }
        rest.set_system_name(&name);
        Some(Name::default())
    }
}

/// The number by which the database is referred to.
const DATABASE: &str = "1";

/// A column's name as queries call it: those of a graph have a number behind them in the catalogue.
// Assumption: the number has 32 hexadecimal digits.
fn column_name(r: &Record<'_>) -> String {
    let name = r.string("name");
    match r.int("graph_type") {
        Some(2 | 5 | 8) => match name.rsplit_once('_') {
            Some((plain, number)) if number.len() == 32 => plain.to_owned(),
            _ => name,
        },
        _ => name,
    }
}

/// Bytes as T-SQL writes them.
fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2 + 2);
    out.push_str("0x");
    for byte in bytes {
        out.push_str(&format!("{byte:02X}"));
    }
    out
}

/// Rows of a view by an id.
fn grouped<'a>(rows: &'a Rows, view: &str, key: &str) -> HashMap<i64, Vec<Record<'a>>> {
    let mut out: HashMap<i64, Vec<Record<'a>>> = HashMap::new();
    for r in rows.of(view) {
        if let Some(id) = r.int(key) {
            out.entry(id).or_default().push(r);
        }
    }
    out
}

fn source_tables(
    model: &Model,
    rows: &Rows,
    objects: &HashMap<i64, ObjectRow>,
    column_names: &HashMap<(i64, i64), String>,
    code_pages: &HashMap<String, u16>,
) -> Result<Vec<SourceTable>, SqlError> {
    let ids: HashMap<&Name, i64> =
        objects.iter().filter(|(_, o)| o.kind == "U").map(|(id, o)| (&o.name, *id)).collect();
    let columns = grouped(rows, "sys.columns", "object_id");
    let index_columns = grouped(rows, "sys.index_columns", "object_id");
    let partitions = grouped(rows, "sys.partitions", "object_id");
    let plans = Plans::of(model);
    let mut out = Vec::new();
    // A graph table that got here has no rows.
    for table in model.tables().filter(|t| !t.node && !t.edge) {
        let plan = plans.plan(table).map_err(|e| SqlError::Unsupported(format!("the rows cannot be carried: {e}")))?;
        let Some(id) = ids.get(&table.name).copied().filter(|_| !plan.columns.is_empty()) else { continue };
        let server = columns.get(&id).into_iter().flatten().map(|r| {
            let collation = r.text("collation_name").map(str::to_owned);
            ServerColumn {
                name: r.string("name"),
                nullable: r.bool("is_nullable"),
                code_page: collation.as_ref().and_then(|c| code_pages.get(c)).copied(),
                collation,
            }
        });
        // index_id 1 is the clustered index, if it is not a columnstore (which has no key).
        let mut key: Vec<_> = index_columns
            .get(&id)
            .into_iter()
            .flatten()
            .filter(|r| r.int("index_id") == Some(1) && r.int("key_ordinal").is_some_and(|k| k > 0))
            .collect();
        key.sort_by_key(|r| r.int("key_ordinal"));
        let order = key
            .into_iter()
            .filter_map(|r| Some((column_names.get(&(id, r.int("column_id")?))?.clone(), r.bool("is_descending_key"))))
            .collect();
        let estimate = partitions
            .get(&id)
            .into_iter()
            .flatten()
            .filter(|r| r.int("index_id").is_some_and(|i| i <= 1))
            .filter_map(|r| u64::try_from(r.int("rows")?).ok())
            .fold(0, u64::saturating_add);
        out.push(SourceTable {
            plan: Arc::new(plan),
            read: ReadOptions { order, columns: server.collect() },
            rows: estimate,
        });
    }
    Ok(out)
}
