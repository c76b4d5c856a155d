//! Keys, checks, defaults, edge constraints.

use super::index::DataCompression;
use crate::bacpac::model::declare::{forms, kind, numbered};
use crate::bacpac::model::{Annotation, Entries, Name, Node, Reference, Rest, Script};

forms! {
    /// A column of a table's or of a table type's index.
    IndexedColumnForm {
        Table = "SqlIndexedColumnSpecification",
        TableType = "SqlTableTypeIndexedColumnSpecification",
    }
}

kind! {
    /// A column of a key or an index.
    IndexedColumn = form IndexedColumnForm {
        /// In ascending order.
        ascending: bool = "IsAscending",
        /// The column.
        column: Name = "Column",
    }
}

impl IndexedColumn {
    /// A column of a table's key or index.
    pub fn new(column: Name, ascending: bool) -> IndexedColumn {
        IndexedColumn { column, ascending, ..IndexedColumn::default() }
    }
}

forms! {
    /// Which key it is.
    KeyForm { PrimaryKey = "SqlPrimaryKeyConstraint", Unique = "SqlUniqueConstraint" }
}

kind! {
    /// A primary key or unique constraint.
    Key = form KeyForm {
        /// It is not kept up to date.
        disabled: bool = "IsDisabled",
        /// How full pages are made, in per cent.
        fill_factor: Option<i64> = "FillFactor",
        /// Inner pages, too.
        padded: bool = "IsPadded",
        /// `IGNORE_DUP_KEY`.
        ignore_duplicates: bool = "DoIgnoreDuplicateKey",
        /// The server keeps its statistics up to date (`STATISTICS_NORECOMPUTE` turned round).
        recompute_statistics: bool = "DoRecomputeStatistics",
        /// `ALLOW_ROW_LOCKS`.
        row_locks: bool = "DoAllowRowLocks",
        /// `ALLOW_PAGE_LOCKS`.
        page_locks: bool = "DoAllowPageLocks",
        /// It orders the rows. A primary key does when nothing is said, a unique constraint does not.
        clustered: bool = "IsClustered",
        /// A hash index (memory-optimised tables).
        hash: bool = "IsHash",
        /// Its buckets.
        bucket_count: Option<i64> = "BucketCount",
        /// Its columns.
        columns: Vec<IndexedColumn> = "ColumnSpecifications",
        /// Compression, by partition.
        compression: Vec<DataCompression> = "DataCompressionOptions",
        /// The table.
        table: Name = "DefiningTable",
        /// Where it lies.
        filegroup: Option<Reference> = "Filegroup",
        /// The column that partitions it.
        partition_column: Option<Reference> = "PartitionColumn",
        /// The scheme that partitions it.
        partition_scheme: Option<Reference> = "PartitionScheme",
    }
}

numbered! {
    /// What happens to the rows that refer to a row that changes or goes.
    ReferentialAction {
        /// The statement fails.
        NoAction = 0,
        /// They change or go, too.
        Cascade = 1,
        /// Their columns become NULL.
        SetNull = 2,
        /// Their columns become their default.
        SetDefault = 3,
    }
}

kind! {
    /// A foreign key.
    ForeignKey = "SqlForeignKeyConstraint" {
        /// Replication agents are not checked.
        not_for_replication: bool = "IsNotForReplication",
        /// When the referenced key changes.
        on_update: ReferentialAction = "OnUpdateAction",
        /// When the referenced row goes.
        on_delete: ReferentialAction = "OnDeleteAction",
        /// New rows are not checked.
        disabled: bool = "IsDisabled",
        /// The columns.
        columns: Vec<Name> = "Columns",
        /// The table that it is on.
        table: Name = "DefiningTable",
        /// The columns referred to.
        foreign_columns: Vec<Name> = "ForeignColumns",
        /// The table referred to.
        foreign_table: Name = "ForeignTable",
    }
}

kind! {
    /// A check.
    Check = "SqlCheckConstraint" {
        /// Replication agents are not checked.
        not_for_replication: bool = "IsNotForReplication",
        /// The condition.
        condition: Option<Script> = "CheckExpressionScript",
        /// New rows are not checked.
        disabled: bool = "IsDisabled",
        /// What the condition uses.
        dependencies: Entries = "CheckExpressionDependencies",
        /// The table.
        table: Name = "DefiningTable",
    }
}

kind! {
    /// A default.
    DefaultConstraint = "SqlDefaultConstraint" {
        /// Rows that were there before the column get it, too.
        with_values: bool = "IsWithValues",
        /// The value.
        value: Option<Script> = "DefaultExpressionScript",
        /// It is not in force.
        disabled: bool = "IsDisabled",
        /// The table.
        table: Name = "DefiningTable",
        /// What the value uses.
        dependencies: Entries = "ExpressionDependencies",
        /// The column.
        column: Name = "ForColumn",
    }
}

kind! {
    /// Which node tables an edge table may connect.
    EdgeConstraint = "SqlEdgeConstraint" {
        /// When a node goes.
        on_delete: ReferentialAction = "OnDeleteAction",
        /// New rows are not checked.
        disabled: bool = "IsDisabled",
        /// The pairs that may be connected.
        clauses: Vec<EdgeClause> = "Clauses",
        /// The edge table.
        table: Name = "DefiningTable",
    }
}

kind! {
    /// One pair of node tables.
    EdgeClause = "SqlEdgeConstraintClause" {
        /// Edges come from here.
        from: Name = "FromTable",
        /// And go there.
        to: Name = "ToTable",
    }
}

/// The annotation of a constraint that stands inside its table's statement.
pub(crate) const INLINE_CONSTRAINT: &str = "SqlInlineConstraintAnnotation";

impl Rest {
    /// Says that the server made up the constraint's name: the element has none, the annotation keeps it. The builder
    /// numbers the annotation and attaches it to the table.
    pub fn set_system_name(&mut self, name: &Name) {
        self.nodes.retain(|n| !matches!(n, Node::Annotation(a) if a.kind == INLINE_CONSTRAINT));
        self.nodes.push(Node::Annotation(Annotation {
            kind: INLINE_CONSTRAINT.into(),
            name: Some(name.to_string()),
            ..Annotation::default()
        }));
    }

    /// The name the server made up for a constraint at the source.
    pub fn system_name(&self) -> Option<Name> {
        self.annotation(INLINE_CONSTRAINT).and_then(|a| a.name.as_deref()).and_then(|n| Name::parse(n).ok())
    }
}
