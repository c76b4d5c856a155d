//! What lies outside the database, as metadata: external sources, formats and tables, assemblies.

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// EXTERNAL DATA SOURCE.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DataSource {
    pub id: i32,
    pub name: String,
    /// `HADOOP`, `RDBMS`, …: empty since 2019 for generic ones.
    pub kind: String,
    pub location: String,
    pub resource_manager: Option<String>,
    pub credential_id: i32,
    pub database: Option<String>,
    pub shard_map: Option<String>,
    pub connection_options: Option<String>,
    pub pushdown: bool,
}

/// EXTERNAL FILE FORMAT.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FileFormat {
    pub id: i32,
    pub name: String,
    /// `DELIMITEDTEXT`, `RCFILE`, …
    pub kind: String,
    pub field_terminator: Option<String>,
    pub string_delimiter: Option<String>,
    pub date_format: Option<String>,
    pub use_type_default: bool,
    pub serde_method: Option<String>,
    pub row_terminator: Option<String>,
    pub encoding: Option<String>,
    pub compression: Option<String>,
    pub first_row: Option<i32>,
}

/// What an external table has beside its columns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ExternalTable {
    pub source_id: i32,
    pub format_id: i32,
    pub location: Option<String>,
    /// VALUE or PERCENTAGE.
    pub reject_type: Option<String>,
    pub reject_value: Option<f64>,
    pub reject_sample: Option<f64>,
    pub rejected_location: Option<String>,
    /// 0 SHARDED, 1 REPLICATED, 2 ROUND_ROBIN.
    pub distribution: Option<u8>,
    pub sharding_column: Option<i32>,
    pub remote_schema: Option<String>,
    pub remote_object: Option<String>,
}

/// ASSEMBLY.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Assembly {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    /// 1 SAFE, 2 EXTERNAL_ACCESS, 3 UNSAFE.
    pub permission_set: u8,
    pub visible: bool,
    pub created: Stamp,
    pub modified: Stamp,
    /// Name and bytes; the first is the assembly itself.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Where a CLR module is: assembly, class, method (an aggregate has none).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ClrMethod {
    pub assembly_id: i32,
    pub class: String,
    pub method: Option<String>,
    /// ORDER of a table function: columns by number, and whether they descend.
    #[serde(default)]
    pub order: Vec<(i32, bool)>,
}

/// What a database has of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct External {
    pub sources: Vec<DataSource>,
    pub formats: Vec<FileFormat>,
    pub assemblies: Vec<Assembly>,
}
