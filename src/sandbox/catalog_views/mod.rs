//! The catalogue as views: `sys.*` and `INFORMATION_SCHEMA.*`, with the columns that the presented version has, computed
//! from the metadata when they are asked for.
//!
//! The lists of columns in `columns.tsv` are data: documented and live column lists (name, type, nullable, since, Azure).
//! Each view names its columns' values by name; a column that no view speaks of is NULL, or 0 where NULL cannot be.

mod broker;
mod cell;
mod constraints;
mod crypto;
mod databases;
mod external;
mod fulltext;
mod indexes;
mod information;
mod objects;
mod partitions;
pub mod properties;
mod security;
mod server;
mod tables;
pub mod xml_schema;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::sandbox::collation;
use crate::sandbox::ddl::rights::Sight;
use crate::sandbox::meta::{Database, Object, Product, Server, Stamp};
use crate::sandbox::session::ResultColumn;
use crate::sandbox::value::{Base, MAX, SqlType, Value};

pub use cell::Cell;

/// A column of a view.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct ViewColumn {
    pub name: &'static str,
    /// As documented: `sysname`, `nvarchar(60)`, `numeric(25,0)`.
    pub ty: &'static str,
    pub nullable: bool,
    since: u16,
    azure: bool,
}

/// A view.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct View {
    pub schema: &'static str,
    pub name: &'static str,
    pub object_id: i32,
    columns: Vec<ViewColumn>,
    since: u16,
    on_box: bool,
    on_azure: bool,
}

static VIEWS: LazyLock<Vec<View>> = LazyLock::new(|| {
    let mut views: Vec<View> = Vec::new();
    for line in include_str!("columns.tsv").lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or("");
        let first = next();
        if let Some(full) = first.strip_prefix('@') {
            let (schema, name) = full.split_once('.').unwrap_or(("sys", full));
            let since = next().parse().unwrap_or(0);
            let place = next();
            // Views whose id is not known get one of their own among the negative ones.
            let object_id = next().parse().unwrap_or(-1_000 - views.len() as i32);
            views.push(View {
                schema,
                name,
                object_id,
                columns: Vec::new(),
                since,
                on_box: place != "azure",
                on_azure: place != "box",
            });
        } else if let Some(view) = views.last_mut() {
            let (ty, nullable, since, azure) = (next(), next() == "1", next().parse().unwrap_or(0), next() == "1");
            view.columns.push(ViewColumn { name: first, ty, nullable, since, azure });
        }
    }
    views
});

static BY_NAME: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    VIEWS.iter().enumerate().map(|(n, v)| (format!("{}.{}", v.schema, v.name).to_ascii_lowercase(), n)).collect()
});

impl View {
    /// Whether a version has it.
    pub fn exists(&self, product: Product) -> bool {
        self.since <= product.year() && if product.is_azure() { self.on_azure } else { self.on_box }
    }

    /// The columns that a version has, in order.
    pub fn columns(&self, product: Product) -> Vec<&ViewColumn> {
        self.columns.iter().filter(|c| c.since <= product.year() && (!product.is_azure() || c.azure)).collect()
    }

    /// The columns as a result has them.
    pub fn result_columns(&self, product: Product, database: &Database) -> Vec<ResultColumn> {
        let names = collation::by_name(&database.collation).unwrap_or_else(collation::default);
        // Columns of fixed vocabulary have a collation of their own whatever the database's is (fact 45).
        let words = collation::by_name("Latin1_General_CI_AS_KS_WS").unwrap_or_else(collation::default);
        self.columns(product)
            .into_iter()
            .map(|c| {
                let fixed = c.name.ends_with("_desc") || c.name == "type" || c.name == "state";
                ResultColumn {
                    name: c.name.to_string(),
                    ty: sql_type(c.ty, if fixed { &words } else { &names }),
                    flags: if c.nullable { 9 } else { 8 },
                    user_type: if c.ty == "sysname" { 256 } else { 0 },
                }
            })
            .collect()
    }
}

/// A view by schema and name (an empty schema finds nothing: `SELECT * FROM tables` is no catalogue query).
pub fn find(schema: &str, name: &str, product: Product) -> Option<&'static View> {
    let at = *BY_NAME.get(&format!("{schema}.{name}").to_ascii_lowercase())?;
    VIEWS.get(at).filter(|v| v.exists(product))
}

/// All views of a version.
pub fn all(product: Product) -> impl Iterator<Item = &'static View> {
    VIEWS.iter().filter(move |v| v.exists(product))
}

/// The id of a fixed server role.
pub fn server_role(name: &str) -> Option<i32> {
    security::SERVER_ROLES.iter().find(|(_, n)| n.eq_ignore_ascii_case(name)).map(|(id, _)| *id)
}

/// A documented type as a type.
fn sql_type(text: &str, collation: &Arc<crate::sandbox::value::Collation>) -> SqlType {
    let (name, facets) = text.split_once('(').map_or((text, ""), |(n, f)| (n, f.trim_end_matches(')')));
    let mut numbers = facets.split(',').map(|n| n.parse::<u32>().unwrap_or(MAX));
    let first = numbers.next().unwrap_or(0);
    let second = numbers.next().unwrap_or(0);
    let mut ty = SqlType { base: Base::Int, length: 0, precision: 0, scale: 0, collation: None, detail: None };
    ty.base = match name {
        "bit" => Base::Bit,
        "tinyint" => Base::TinyInt,
        "smallint" => Base::SmallInt,
        "bigint" => Base::BigInt,
        "real" => Base::Real,
        "float" => Base::Float,
        "datetime" => Base::DateTime,
        "datetimeoffset" => Base::DateTimeOffset,
        "uniqueidentifier" => Base::UniqueIdentifier,
        "sql_variant" => Base::Variant,
        "sysname" | "nvarchar" => Base::NVarChar,
        "varchar" => Base::VarChar,
        "char" => Base::Char,
        "varbinary" => Base::VarBinary,
        "binary" => Base::Binary,
        "numeric" => Base::Numeric,
        "decimal" => Base::Decimal,
        _ => Base::Int,
    };
    match ty.base {
        Base::NVarChar => {
            ty.length = match name {
                "sysname" => 256,
                _ if first == MAX => MAX,
                _ => first * 2,
            };
            ty.collation = Some(collation.clone());
        }
        Base::VarChar | Base::Char => {
            ty.length = first;
            ty.collation = Some(collation.clone());
        }
        Base::VarBinary | Base::Binary => ty.length = first,
        Base::Numeric | Base::Decimal => {
            ty.precision = first as u8;
            ty.scale = second as u8;
        }
        Base::DateTimeOffset => ty.scale = 7,
        _ => {}
    }
    ty
}

/// A session as `sys.dm_exec_sessions` and `sys.dm_exec_requests` show it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct SessionFacts {
    pub session_id: i16,
    pub login: String,
    pub host: String,
    pub application: String,
    pub client_pid: u32,
    pub library: String,
    pub database_id: i32,
    pub since: Stamp,
    /// Running a request right now.
    pub running: bool,
    /// CurCmd word of what runs, as `SELECT`.
    pub command: String,
    pub isolation: i16,
    pub open_transactions: i32,
}

/// What a view is computed from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The server.
    pub server: &'a Server,
    /// The database whose `sys` schema is asked.
    pub database: &'a Database,
    /// Who asks.
    pub login: &'a str,
    /// Rows of a table.
    pub rows: &'a dyn Fn(&Database, &Object) -> u64,
    /// Sessions.
    pub sessions: &'a [SessionFacts],
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("database", &self.database.name).finish_non_exhaustive()
    }
}

/// A row of a view: what a column's name means in it.
pub type Row<'r> = &'r dyn Fn(&str) -> Cell;

/// What is being answered: which object alone is wanted, and where rows go.
pub(crate) struct Scan<'s, 'a> {
    pub(crate) source: &'s Source<'a>,
    pub(crate) sight: Sight,
    /// Only rows with this `object_id` (or parent) matter, if the caller knows; others may still be given.
    pub(crate) only: Option<i32>,
    /// Takes a row; `false` ends the scan.
    emit: &'s mut dyn FnMut(Row<'_>) -> bool,
    stopped: bool,
}

impl<'a> Scan<'_, 'a> {
    pub(crate) fn row(&mut self, row: Row<'_>) {
        if !self.stopped && !(self.emit)(row) {
            self.stopped = true;
        }
    }

    pub(crate) fn db(&self) -> &'a Database {
        self.source.database
    }

    /// The objects that the login sees, by id.
    pub(crate) fn objects(&self) -> Vec<&'a Arc<Object>> {
        let database = self.source.database;
        if let Some(only) = self.only
            && database.table_of_constraint(only).is_none()
        {
            return database.object(only).into_iter().filter(|o| self.sight.sees(database, o)).collect();
        }
        let mut all: Vec<&Arc<Object>> = database.objects().filter(|o| self.sight.sees(database, o)).collect();
        all.sort_by_key(|o| o.object_id);
        all
    }
}

/// Gives the rows of a view to `take`, the wanted columns of each (ordinals among [`View::columns`]) in their order, until
/// it says stop. `only`: the one object that matters, when the query says so.
pub fn scan(
    view: &View,
    source: &Source<'_>,
    wanted: &[usize],
    only: Option<i32>,
    take: &mut dyn FnMut(Vec<Value>) -> bool,
) {
    let product = source.server.product;
    let columns = view.columns(product);
    let types = view.result_columns(product, source.database);
    let asked: Vec<(&'static str, &SqlType, bool)> = wanted
        .iter()
        .filter_map(|n| columns.get(*n).zip(types.get(*n)))
        .map(|(c, r)| (c.name, &r.ty, c.nullable))
        .collect();
    let mut emit = |row: Row<'_>| {
        let values = asked.iter().map(|(name, ty, nullable)| row(name).value(ty, *nullable)).collect();
        take(values)
    };
    let sight = Sight::new(source.server, source.database, source.login);
    let mut scan = Scan { source, sight, only, emit: &mut emit, stopped: false };
    let s = &mut scan;
    match (view.schema, view.name) {
        ("sys", "databases") => databases::databases(s),
        ("sys", "database_query_store_options") => databases::query_store(s),
        ("sys", "database_filestream_options") => databases::filestream(s),
        ("sys", "change_tracking_databases") => databases::change_tracking(s),
        ("sys", "change_tracking_tables") => tables::change_tracking(s),
        ("sys", "master_files") => server::master_files(s),
        ("sys", "database_files") => server::database_files(s),
        ("sys", "configurations") => server::configurations(s),
        ("sys", "database_scoped_configurations") => databases::scoped(s),
        ("sys", "messages" | "sysmessages") => server::messages(s),
        ("sys", "dm_exec_sessions") => server::sessions(s),
        ("sys", "dm_exec_requests") => server::requests(s),
        ("sys", "database_service_objectives") => server::service_objectives(s),
        ("sys", "data_spaces") => server::data_spaces(s, true, true),
        ("sys", "filegroups") => server::data_spaces(s, true, false),
        ("sys", "partition_schemes") => server::data_spaces(s, false, true),
        ("sys", "partition_functions") => server::partition_functions(s),
        ("sys", "partition_parameters") => server::partition_parameters(s),
        ("sys", "partition_range_values") => server::partition_range_values(s),
        ("sys", "destination_data_spaces") => server::destination_data_spaces(s),
        ("sys", "schemas") => security::schemas(s),
        ("sys", "database_principals") => security::database_principals(s),
        ("sys", "database_role_members") => security::database_role_members(s),
        ("sys", "database_permissions") => security::database_permissions(s),
        ("sys", "server_principals") => security::server_principals(s, true),
        ("sys", "sql_logins") => security::server_principals(s, false),
        ("sys", "server_role_members") => security::server_role_members(s),
        ("sys", "server_permissions") => security::server_permissions(s),
        ("sys", "objects") => objects::objects(s),
        ("sys", "all_objects") => {
            objects::objects(s);
            objects::system_views(s);
        }
        ("sys", "views") => objects::views(s),
        ("sys", "all_views") => {
            objects::views(s);
            objects::system_views(s);
        }
        ("sys", "procedures") => objects::procedures(s),
        ("sys", "sql_modules" | "all_sql_modules") => objects::sql_modules(s),
        ("sys", "parameters" | "all_parameters") => objects::parameters(s),
        ("sys", "numbered_procedures") => objects::numbered(s),
        ("sys", "numbered_procedure_parameters") => objects::numbered_parameters(s),
        ("sys", "triggers") => objects::triggers(s),
        ("sys", "trigger_events") => objects::trigger_events(s),
        ("sys", "sequences") => objects::sequences(s),
        ("sys", "synonyms") => objects::synonyms(s),
        ("sys", "sql_expression_dependencies") => objects::dependencies(s),
        ("sys", "extended_properties") => objects::extended_properties(s),
        ("sys", "xml_schema_collections") => objects::xml_collections(s),
        ("sys", "types") => objects::types(s, |_| true),
        ("sys", "table_types") => objects::types(s, |k| k == 't'),
        ("sys", "assembly_types") => objects::types(s, |k| k == 'c'),
        ("sys", "assemblies") => external::assemblies(s),
        ("sys", "assembly_files") => external::assembly_files(s),
        ("sys", "assembly_modules") => external::assembly_modules(s),
        // Which assemblies use which stands inside of them, and is not read.
        ("sys", "assembly_references") => {}
        ("sys", "function_order_columns") => external::function_order(s),
        ("sys", "external_data_sources") => external::sources(s),
        ("sys", "external_file_formats") => external::formats(s),
        ("sys", "external_tables") => external::tables(s),
        ("sys", "security_policies") => external::policies(s),
        ("sys", "security_predicates") => external::predicates(s),
        ("sys", "sensitivity_classifications") => external::classifications(s),
        ("sys", "symmetric_keys") => crypto::symmetric_keys(s),
        ("sys", "key_encryptions") => crypto::key_encryptions(s),
        ("sys", "asymmetric_keys") => crypto::asymmetric_keys(s),
        ("sys", "certificates") => crypto::certificates(s),
        ("sys", "column_master_keys") => crypto::column_masters(s),
        ("sys", "column_encryption_keys") => crypto::column_encryptions(s),
        ("sys", "column_encryption_key_values") => crypto::column_encryption_values(s),
        ("sys", "database_scoped_credentials" | "database_credentials") => crypto::credentials(s),
        ("sys", "service_message_types") => broker::message_types(s),
        ("sys", "service_contracts") => broker::contracts(s),
        ("sys", "service_contract_message_usages") => broker::contract_messages(s),
        ("sys", "service_queues") => broker::queues(s),
        ("sys", "services") => broker::services(s),
        ("sys", "service_contract_usages") => broker::service_contracts(s),
        ("sys", "routes") => broker::routes(s),
        ("sys", "remote_service_bindings") => broker::bindings(s),
        // Neither can be made here.
        ("sys", "conversation_priorities" | "registered_search_property_lists" | "registered_search_properties") => {}
        ("sys", "event_notifications") => broker::notifications(s),
        ("sys", "events") => broker::notification_events(s),
        ("sys", "trigger_event_types" | "event_notification_event_types") => broker::event_types(s),
        ("sys", "fulltext_stoplists") => fulltext::stoplists(s),
        ("sys", "fulltext_stopwords") => fulltext::stopwords(s),
        ("sys", "fulltext_languages") => fulltext::fulltext_languages(s),
        ("sys", "edge_constraints") => constraints::edge_constraints(s),
        ("sys", "edge_constraint_clauses") => constraints::edge_clauses(s),
        ("sys", "selective_xml_index_paths") => indexes::selective_paths(s),
        ("sys", "selective_xml_index_namespaces") => indexes::selective_namespaces(s),
        ("sys", "xml_schema_namespaces") => xml_schema::namespaces(s),
        ("sys", "xml_schema_components") => xml_schema::components(s),
        ("sys", "column_xml_schema_collection_usages") => xml_schema::column_usages(s),
        ("sys", "parameter_xml_schema_collection_usages") => xml_schema::parameter_usages(s),
        ("sys", "fulltext_catalogs") => fulltext::fulltext_catalogs(s),
        ("sys", "tables") => tables::tables(s),
        ("sys", "columns") => tables::columns(s, |_| true),
        ("sys", "all_columns") => {
            tables::columns(s, |_| true);
            tables::system_columns(s);
        }
        ("sys", "computed_columns") => tables::columns(s, |c| c.computed.is_some()),
        ("sys", "identity_columns") => tables::columns(s, |c| c.identity.is_some()),
        ("sys", "masked_columns") => tables::columns(s, |c| c.mask.is_some()),
        ("sys", "key_constraints") => constraints::key_constraints(s),
        ("sys", "check_constraints") => constraints::check_constraints(s),
        ("sys", "default_constraints") => constraints::default_constraints(s),
        ("sys", "foreign_keys") => constraints::foreign_keys(s),
        ("sys", "foreign_key_columns") => constraints::foreign_key_columns(s),
        ("sys", "indexes") => indexes::indexes(s, |_| true),
        ("sys", "xml_indexes") => indexes::indexes(s, |i| i.is_some_and(|i| i.xml.is_some())),
        ("sys", "spatial_indexes") => indexes::indexes(s, |i| i.is_some_and(|i| i.spatial.is_some())),
        ("sys", "hash_indexes") => indexes::indexes(s, |i| i.is_some_and(|i| i.bucket_count.is_some())),
        ("sys", "spatial_index_tessellations") => indexes::tessellations(s),
        ("sys", "index_columns") => indexes::index_columns(s),
        ("sys", "stats") => indexes::stats(s),
        ("sys", "stats_columns") => indexes::stats_columns(s),
        ("sys", "partitions" | "dm_db_partition_stats") => partitions::partitions(s),
        ("sys", "allocation_units") => partitions::allocation_units(s),
        ("sys", "periods") => tables::periods(s),
        ("sys", "fulltext_indexes") => fulltext::fulltext_indexes(s),
        ("sys", "fulltext_index_columns") => fulltext::fulltext_index_columns(s),
        ("INFORMATION_SCHEMA", "TABLES") => information::information_tables(s),
        ("INFORMATION_SCHEMA", "COLUMNS") => information::information_columns(s),
        ("INFORMATION_SCHEMA", "SCHEMATA") => security::schemata(s),
        // Views about what this server does not hold: plan guides, row groups, ….
        _ => {}
    }
}

#[cfg(test)]
mod tests;
