//! A table as the catalogue holds it: columns, keys, constraints, indexes, flags. The rows are the storage's.

use serde::{Deserialize, Serialize};

use crate::sandbox::value::SqlType;

use super::identity::Identity;
use super::stamp::Stamp;

/// A constraint's own identity: it is an object of the schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Head {
    pub object_id: i32,
    pub name: String,
    pub system_named: bool,
    pub created: Stamp,
    pub modified: Stamp,
}

/// A computed column.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Computed {
    /// Normalised, in parentheses (fact 31).
    pub definition: String,
    /// PERSISTED.
    pub persisted: bool,
}

/// A DEFAULT constraint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DefaultConstraint {
    pub head: Head,
    /// Normalised, in parentheses (fact 29).
    pub definition: String,
}

/// GENERATED ALWAYS AS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Generated {
    #[default]
    Not,
    RowStart,
    RowEnd,
    TransactionIdStart,
    TransactionIdEnd,
    SequenceNumberStart,
    SequenceNumberEnd,
}

impl Generated {
    /// `generated_always_type` and its text.
    pub fn code(self) -> (u8, &'static str) {
        match self {
            Generated::Not => (0, "NOT_APPLICABLE"),
            Generated::RowStart => (1, "AS_ROW_START"),
            Generated::RowEnd => (2, "AS_ROW_END"),
            Generated::TransactionIdStart => (5, "AS_TRANSACTION_ID_START"),
            Generated::TransactionIdEnd => (6, "AS_TRANSACTION_ID_END"),
            Generated::SequenceNumberStart => (7, "AS_SEQUENCE_NUMBER_START"),
            Generated::SequenceNumberEnd => (8, "AS_SEQUENCE_NUMBER_END"),
        }
    }
}

/// ENCRYPTED WITH, as metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ColumnEncryption {
    pub key: String,
    pub key_id: i32,
    pub deterministic: bool,
    pub algorithm: String,
}

/// A column.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Column {
    /// `column_id`: never reused in a table.
    pub id: i32,
    /// Name.
    pub name: String,
    /// The type, its collation resolved; an alias type's base.
    pub ty: SqlType,
    /// `user_type_id`: a built-in's, 256 for sysname, or a user type's.
    pub user_type_id: i32,
    /// `xml_collection_id`, 0 for none.
    pub xml_collection_id: i32,
    /// XML(DOCUMENT …).
    pub xml_document: bool,
    /// NULL allowed.
    pub nullable: bool,
    /// IDENTITY.
    pub identity: Option<Identity>,
    /// AS (…).
    pub computed: Option<Computed>,
    /// DEFAULT.
    pub default: Option<DefaultConstraint>,
    /// A stand-alone default bound by sp_bindefault.
    pub bound_default: Option<i32>,
    /// A rule bound by sp_bindrule.
    pub bound_rule: Option<i32>,
    /// ROWGUIDCOL.
    pub rowguid: bool,
    /// SPARSE.
    pub sparse: bool,
    /// COLUMN_SET FOR ALL_SPARSE_COLUMNS.
    pub column_set: bool,
    /// FILESTREAM.
    pub filestream: bool,
    /// Made under ANSI_PADDING ON.
    pub ansi_padded: bool,
    /// HIDDEN: left out of SELECT *.
    pub hidden: bool,
    /// MASKED WITH (FUNCTION = '…').
    pub mask: Option<String>,
    /// GENERATED ALWAYS AS.
    pub generated: Generated,
    /// Always Encrypted.
    pub encryption: Option<ColumnEncryption>,
}

impl Column {
    /// A nullable column with nothing special.
    pub fn plain(id: i32, name: &str, ty: SqlType, user_type_id: i32) -> Column {
        Column {
            id,
            name: name.to_string(),
            ty,
            user_type_id,
            xml_collection_id: 0,
            xml_document: false,
            nullable: true,
            identity: None,
            computed: None,
            default: None,
            bound_default: None,
            bound_rule: None,
            rowguid: false,
            sparse: false,
            column_set: false,
            filestream: false,
            ansi_padded: true,
            hidden: false,
            mask: None,
            generated: Generated::Not,
            encryption: None,
        }
    }

    /// Whether a row stores a value for it: everything but computed columns that are not persisted, and column sets.
    pub fn stored(&self) -> bool {
        !self.column_set && self.computed.as_ref().is_none_or(|c| c.persisted)
    }
}

/// What an index is (`sys.indexes.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum IndexKind {
    Clustered,
    /// What CREATE INDEX makes when nothing is said.
    #[default]
    Nonclustered,
    Xml,
    Spatial,
    ClusteredColumnstore,
    NonclusteredColumnstore,
    Hash,
}

impl IndexKind {
    /// `type` and `type_desc`.
    pub fn code(self) -> (u8, &'static str) {
        match self {
            IndexKind::Clustered => (1, "CLUSTERED"),
            IndexKind::Nonclustered => (2, "NONCLUSTERED"),
            IndexKind::Xml => (3, "XML"),
            IndexKind::Spatial => (4, "SPATIAL"),
            IndexKind::ClusteredColumnstore => (5, "CLUSTERED COLUMNSTORE"),
            IndexKind::NonclusteredColumnstore => (6, "NONCLUSTERED COLUMNSTORE"),
            IndexKind::Hash => (7, "NONCLUSTERED HASH"),
        }
    }

    /// Whether it orders the rows: index_id 1.
    pub fn clustered(self) -> bool {
        matches!(self, IndexKind::Clustered | IndexKind::ClusteredColumnstore)
    }
}

/// A column of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// The column.
    pub column_id: i32,
    /// DESC.
    pub descending: bool,
    /// INCLUDE (or any column of a columnstore).
    pub included: bool,
}

/// XML index facts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct XmlIndex {
    /// The primary XML index that a secondary one uses.
    pub using_index_id: Option<i32>,
    /// PATH, VALUE or PROPERTY.
    pub secondary_type: Option<String>,
    /// SELECTIVE.
    pub selective: bool,
    /// Of a selective one: prefix (empty for the default one), URI.
    pub namespaces: Vec<(String, String)>,
    /// Of a selective one.
    pub paths: Vec<PromotedPath>,
    /// Of a secondary selective index.
    pub path_id: Option<i32>,
}

/// Spatial index facts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SpatialIndex {
    pub tessellation: String,
    pub bounding_box: Option<[f64; 4]>,
    pub levels: [Option<String>; 4],
    pub cells_per_object: Option<i32>,
}

/// An index; those behind keys too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Index {
    pub index_id: i32,
    pub name: String,
    pub kind: IndexKind,
    pub unique: bool,
    pub primary_key: bool,
    pub unique_constraint: bool,
    /// Key columns in key order, then the included ones.
    pub columns: Vec<IndexColumn>,
    /// Normalised WHERE, in parentheses (fact 30).
    pub filter: Option<String>,
    pub ignore_dup_key: bool,
    pub fill_factor: u8,
    pub padded: bool,
    pub disabled: bool,
    pub allow_row_locks: bool,
    pub allow_page_locks: bool,
    pub optimize_for_sequential_key: bool,
    pub no_recompute: bool,
    pub compression_delay: Option<i32>,
    pub bucket_count: Option<i64>,
    /// Filegroup or partition scheme.
    pub data_space_id: i32,
    /// The column that the partition scheme cuts by.
    pub partition_column: Option<i32>,
    /// `data_compression`: 0 none, 1 row, 2 page, 3 columnstore, 4 columnstore archive.
    pub compression: u8,
    /// Where partitions differ: first, last, compression.
    pub partition_compression: Vec<(u32, u32, u8)>,
    /// XML_COMPRESSION.
    pub xml_compression: bool,
    /// STATISTICS_INCREMENTAL.
    pub incremental: bool,
    pub xml: Option<XmlIndex>,
    pub spatial: Option<SpatialIndex>,
}

impl Index {
    /// The key columns, in order.
    pub fn keys(&self) -> impl Iterator<Item = &IndexColumn> {
        self.columns.iter().filter(|c| !c.included)
    }
}

/// PRIMARY KEY or UNIQUE: the constraint; the index says the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Key {
    /// Its name and id.
    pub head: Head,
    /// PRIMARY KEY.
    pub primary: bool,
    /// The index behind it.
    pub index_id: i32,
}

/// CHECK.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Check {
    pub head: Head,
    /// Normalised, in parentheses (fact 30).
    pub definition: String,
    /// The column, when the expression uses exactly one (fact 35); else 0.
    pub parent_column_id: i32,
    /// The columns it uses.
    pub columns: Vec<i32>,
    pub disabled: bool,
    pub not_trusted: bool,
    pub not_for_replication: bool,
}

/// What happens to referencing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ReferentialAction {
    #[default]
    NoAction,
    Cascade,
    SetNull,
    SetDefault,
}

impl ReferentialAction {
    /// `delete_referential_action` and its text (fact 39).
    pub fn code(self) -> (u8, &'static str) {
        match self {
            ReferentialAction::NoAction => (0, "NO_ACTION"),
            ReferentialAction::Cascade => (1, "CASCADE"),
            ReferentialAction::SetNull => (2, "SET_NULL"),
            ReferentialAction::SetDefault => (3, "SET_DEFAULT"),
        }
    }
}

/// FOREIGN KEY.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ForeignKey {
    pub head: Head,
    pub referenced_object_id: i32,
    /// The referenced index.
    pub key_index_id: i32,
    /// (column here, column there), in the order declared.
    pub columns: Vec<(i32, i32)>,
    pub on_delete: ReferentialAction,
    pub on_update: ReferentialAction,
    pub disabled: bool,
    pub not_trusted: bool,
    pub not_for_replication: bool,
}

/// CONNECTION of an edge table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EdgeConstraint {
    pub head: Head,
    /// (from, to): node tables.
    pub clauses: Vec<(i32, i32)>,
    pub on_delete: ReferentialAction,
    pub disabled: bool,
    pub not_trusted: bool,
}

/// A promoted path of a selective XML index.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PromotedPath {
    pub id: i32,
    pub name: String,
    pub path: String,
    /// AS SQL type; else XQUERY.
    pub sql: Option<(SqlType, i32)>,
    /// AS XQUERY 'xs:string'.
    pub xquery: Option<String>,
    pub max_length: Option<i32>,
    pub singleton: bool,
    pub node: bool,
}

/// CREATE STATISTICS. Those of indexes are shown from the indexes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Statistics {
    pub stats_id: i32,
    pub name: String,
    pub columns: Vec<i32>,
    pub filter: Option<String>,
    pub no_recompute: bool,
    pub incremental: bool,
    pub auto_created: bool,
}

/// SYSTEM_VERSIONING.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Temporal {
    /// Not temporal.
    #[default]
    No,
    /// A history table of …
    History {
        /// … this table.
        of: i32,
    },
    /// A system-versioned table.
    Versioned {
        /// Its history table.
        history: i32,
        /// HISTORY_RETENTION_PERIOD: number, unit (−1 infinite, 3 day … as the catalogue counts).
        retention: (i32, i32),
    },
}

/// Memory-optimised tables, as metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Durability {
    SchemaAndData,
    SchemaOnly,
}

/// Graph tables, as metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Graph {
    Node,
    Edge,
}

impl Graph {
    /// The columns that such a table has before its own: name without its random tail, `graph_type`, `graph_type_desc`.
    /// Those whose name begins with `$` are computed and what a query may name.
    pub fn columns(self) -> &'static [(&'static str, u8, &'static str)] {
        match self {
            Graph::Node => &[("graph_id", 1, "GRAPH_ID"), ("$node_id", 2, "GRAPH_ID_COMPUTED")],
            Graph::Edge => &[
                ("graph_id", 1, "GRAPH_ID"),
                ("$edge_id", 2, "GRAPH_ID_COMPUTED"),
                ("from_obj_id", 4, "GRAPH_FROM_OBJ_ID"),
                ("from_id", 3, "GRAPH_FROM_ID"),
                ("$from_id", 5, "GRAPH_FROM_ID_COMPUTED"),
                ("to_obj_id", 7, "GRAPH_TO_OBJ_ID"),
                ("to_id", 6, "GRAPH_TO_ID"),
                ("$to_id", 8, "GRAPH_TO_ID_COMPUTED"),
            ],
        }
    }
}

/// A full-text index, as metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FullTextIndex {
    pub catalog_id: i32,
    pub unique_index_id: i32,
    /// 0 the system's, none OFF.
    pub stoplist_id: Option<i32>,
    /// A automatic, M manual, O off.
    pub change_tracking: String,
    pub enabled: bool,
    /// column, type column, language LCID, statistical semantics.
    pub columns: Vec<(i32, Option<i32>, i32, bool)>,
}

/// A table, or the table of a table type.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Table {
    /// In `column_id` order.
    pub columns: Vec<Column>,
    /// `max_column_id_used`.
    pub max_column_id: i32,
    pub keys: Vec<Key>,
    pub checks: Vec<Check>,
    pub foreign_keys: Vec<ForeignKey>,
    pub edges: Vec<EdgeConstraint>,
    pub indexes: Vec<Index>,
    pub statistics: Vec<Statistics>,
    pub fulltext: Option<FullTextIndex>,
    /// PERIOD FOR SYSTEM_TIME: start and end column.
    pub period: Option<(i32, i32)>,
    pub temporal: Temporal,
    pub durability: Option<Durability>,
    pub graph: Option<Graph>,
    /// The heap's (or table's) filegroup or partition scheme, and its partitioning column.
    pub data_space_id: i32,
    pub partition_column: Option<i32>,
    pub lob_data_space_id: i32,
    pub filestream_data_space_id: Option<i32>,
    /// Of the heap, as in [`Index::compression`].
    pub compression: u8,
    pub partition_compression: Vec<(u32, u32, u8)>,
    pub xml_compression: bool,
    /// CREATE EXTERNAL TABLE.
    pub external: Option<super::external::ExternalTable>,
    pub uses_ansi_nulls: bool,
    pub lock_on_bulk_load: bool,
    pub text_in_row_limit: i32,
    pub large_values_out_of_row: bool,
    /// 0 table, 1 disable, 2 auto.
    pub lock_escalation: u8,
    pub tracked_by_cdc: bool,
    /// Change tracking, and TRACK_COLUMNS_UPDATED.
    pub change_tracking: Option<bool>,
}

impl Table {
    /// A column by its id.
    pub fn column(&self, id: i32) -> Option<&Column> {
        self.columns.iter().find(|c| c.id == id)
    }

    /// A column by its id.
    pub fn column_mut(&mut self, id: i32) -> Option<&mut Column> {
        self.columns.iter_mut().find(|c| c.id == id)
    }

    /// A column by its name.
    pub fn find_column(&self, name: &str, ignore_case: bool) -> Option<&Column> {
        let wanted = super::names::fold(name, ignore_case);
        self.columns.iter().find(|c| super::names::fold(&c.name, ignore_case) == wanted)
    }

    /// An index by its id.
    pub fn index(&self, index_id: i32) -> Option<&Index> {
        self.indexes.iter().find(|i| i.index_id == index_id)
    }

    /// The index that orders the rows, columnstores included.
    pub fn clustered(&self) -> Option<&Index> {
        self.indexes.iter().find(|i| i.kind.clustered())
    }

    /// The primary key.
    pub fn primary_key(&self) -> Option<&Key> {
        self.keys.iter().find(|k| k.primary)
    }

    /// The identity column.
    pub fn identity(&self) -> Option<(&Column, &Identity)> {
        self.columns.iter().find_map(|c| c.identity.as_ref().map(|i| (c, i)))
    }

    /// The lowest free index id: 1 for a clustered one, from 2 otherwise; ids are reused after DROP (fact 40).
    pub fn free_index_id(&self, clustered: bool) -> i32 {
        if clustered {
            return 1;
        }
        // A graph table has an index of its own from the beginning.
        let first = if self.graph.is_some() { 3 } else { 2 };
        let used =
            |id: i32| self.indexes.iter().any(|i| i.index_id == id) || self.statistics.iter().any(|s| s.stats_id == id);
        (first..).find(|id| !used(*id)).unwrap_or(i32::MAX)
    }

    /// Ids and names of all constraints, with their `sys.objects.type`.
    pub fn constraints(&self) -> impl Iterator<Item = (&Head, &'static str)> {
        let keys = self.keys.iter().map(|k| (&k.head, if k.primary { "PK" } else { "UQ" }));
        let checks = self.checks.iter().map(|c| (&c.head, "C "));
        let foreign = self.foreign_keys.iter().map(|f| (&f.head, "F "));
        let defaults = self.columns.iter().filter_map(|c| c.default.as_ref()).map(|d| (&d.head, "D "));
        let edges = self.edges.iter().map(|e| (&e.head, "EC"));
        keys.chain(checks).chain(foreign).chain(defaults).chain(edges)
    }
}
