//! Indexes of every sort, statistics, full-text.

use super::constraint::IndexedColumn;
use crate::bacpac::model::declare::{kind, numbered};
use crate::bacpac::model::{Entries, Name, Reference, Script};

numbered! {
    /// How a partition is compressed.
    CompressionLevel {
        /// Not at all.
        None = 0,
        /// By row.
        Row = 1,
        /// By page.
        Page = 2,
        /// As a columnstore.
        ColumnStore = 3,
        /// As a columnstore, for the archive.
        ColumnStoreArchive = 4,
    }
}

kind! {
    /// The compression of one partition.
    DataCompression = "SqlDataCompressionOption" {
        /// How.
        level: CompressionLevel = "CompressionLevel",
        /// Which; 1 for the only one.
        partition: Option<i64> = "PartitionNumber",
    }
}

kind! {
    /// An index of rows.
    Index = "SqlIndex" {
        /// Two rows can't have the same key.
        unique: bool = "IsUnique",
        /// The rows it holds.
        filter: Option<Script> = "FilterPredicate",
        /// Statistics by partition.
        incremental_statistics: bool = "DoIncrementalStatistics",
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
        /// It orders the rows.
        clustered: bool = "IsClustered",
        /// A hash index (memory-optimised tables).
        hash: bool = "IsHash",
        /// Its buckets.
        bucket_count: Option<i64> = "BucketCount",
        /// What the filter uses.
        dependencies: Entries = "BodyDependencies",
        /// Its key columns.
        columns: Vec<IndexedColumn> = "ColumnSpecifications",
        /// Compression, by partition.
        compression: Vec<DataCompression> = "DataCompressionOptions",
        /// Where it lies.
        filegroup: Option<Reference> = "Filegroup",
        /// Columns that are only stored with it.
        included: Vec<Name> = "IncludedColumns",
        /// The table or view.
        on: Name = "IndexedObject",
        /// The column that partitions it.
        partition_column: Option<Reference> = "PartitionColumn",
        /// The scheme that partitions it.
        partition_scheme: Option<Reference> = "PartitionScheme",
    }
}

kind! {
    /// A columnstore index.
    ColumnStoreIndex = "SqlColumnStoreIndex" {
        /// Minutes before rows are compressed.
        compression_delay: Option<i64> = "CompressionDelay",
        /// The rows it holds.
        filter: Option<Script> = "FilterPredicate",
        /// It is not kept up to date.
        disabled: bool = "IsDisabled",
        /// It is the table.
        clustered: bool = "IsClustered",
        /// What the filter uses.
        dependencies: Entries = "BodyDependencies",
        /// Its columns.
        columns: Vec<IndexedColumn> = "ColumnSpecifications",
        /// Compression, by partition.
        compression: Vec<DataCompression> = "DataCompressionOptions",
        /// Where it lies.
        filegroup: Option<Reference> = "Filegroup",
        /// The table or view.
        on: Name = "IndexedObject",
        /// The column that partitions it.
        partition_column: Option<Reference> = "PartitionColumn",
        /// The scheme that partitions it.
        partition_scheme: Option<Reference> = "PartitionScheme",
    }
}

numbered! {
    /// What a secondary XML index is for.
    XmlIndexUse {
        /// No statement (a primary one).
        Unknown = 0,
        /// Paths.
        Path = 1,
        /// Properties.
        Property = 2,
        /// Values.
        Value = 3,
    }
}

kind! {
    /// An XML index.
    XmlIndex = "SqlXmlIndex" {
        /// It is the primary one.
        primary: bool = "IsPrimary",
        /// What a secondary one is for.
        usage: XmlIndexUse = "PrimaryXmlIndexUsage",
        /// Inner pages are filled, too.
        padded: bool = "IsPadded",
        /// How full pages are made, in per cent.
        fill_factor: Option<i64> = "FillFactor",
        /// The server keeps its statistics up to date.
        recompute_statistics: bool = "DoRecomputeStatistics",
        /// `ALLOW_ROW_LOCKS`.
        row_locks: bool = "DoAllowRowLocks",
        /// `ALLOW_PAGE_LOCKS`.
        page_locks: bool = "DoAllowPageLocks",
        /// `IGNORE_DUP_KEY`.
        ignore_duplicates: bool = "DoIgnoreDuplicateKey",
        /// It is not kept up to date.
        disabled: bool = "IsDisabled",
        /// The column.
        column: Name = "Column",
        /// The table.
        on: Name = "IndexedObject",
        /// The primary one that a secondary one uses.
        using_primary: Name = "UsingPrimaryXmlIndex",
    }
}

numbered! {
    /// How space is cut up.
    Tessellation {
        /// No statement.
        None = 0,
        /// A plane, by hand.
        Geometry = 1,
        /// The earth, by hand.
        Geography = 2,
        /// A plane, by the server.
        AutoGeometry = 3,
        /// The earth, by the server.
        AutoGeography = 4,
    }
}

numbered! {
    /// How dense a grid is.
    GridDensity {
        /// No statement.
        None = 0,
        /// 16 cells.
        Low = 1,
        /// 64 cells.
        Medium = 2,
        /// 256 cells.
        High = 3,
    }
}

kind! {
    /// A spatial index.
    SpatialIndex = "SqlSpatialIndex" {
        /// How space is cut up.
        tessellation: Tessellation = "Tessellation",
        /// The bounding box, left.
        x_min: Option<String> = "XMin",
        /// The bounding box, below.
        y_min: Option<String> = "YMin",
        /// The bounding box, right.
        x_max: Option<String> = "XMax",
        /// The bounding box, above.
        y_max: Option<String> = "YMax",
        /// The density of the first grid.
        level1: GridDensity = "GridDensityLevel1",
        /// The density of the second grid.
        level2: GridDensity = "GridDensityLevel2",
        /// The density of the third grid.
        level3: GridDensity = "GridDensityLevel3",
        /// The density of the fourth grid.
        level4: GridDensity = "GridDensityLevel4",
        /// Cells that one value may cover.
        cells_per_object: Option<i64> = "CellsPerObject",
        /// Inner pages are filled, too.
        padded: bool = "IsPadded",
        /// How full pages are made, in per cent.
        fill_factor: Option<i64> = "FillFactor",
        /// `IGNORE_DUP_KEY`.
        ignore_duplicates: bool = "DoIgnoreDuplicateKey",
        /// The server keeps its statistics up to date.
        recompute_statistics: bool = "DoRecomputeStatistics",
        /// `ALLOW_ROW_LOCKS`.
        row_locks: bool = "DoAllowRowLocks",
        /// `ALLOW_PAGE_LOCKS`.
        page_locks: bool = "DoAllowPageLocks",
        /// Compression.
        compression: CompressionLevel = "DataCompression",
        /// It is not kept up to date.
        disabled: bool = "IsDisabled",
        /// The column.
        column: Name = "Column",
        /// Where it lies.
        filegroup: Option<Reference> = "Filegroup",
        /// The table.
        on: Name = "IndexedObject",
    }
}

numbered! {
    /// How statistics were asked to be taken.
    Sampling {
        /// As the server likes.
        Automatic = 0,
        /// From every row.
        FullScan = 1,
        /// From a share of the rows.
        Percent = 2,
        /// From a number of rows.
        Rows = 3,
    }
}

kind! {
    /// Statistics made by hand.
    Statistics = "SqlStatistic" {
        /// How they are taken.
        sampling: Sampling = "SamplingStyle",
        /// The share or number.
        sample_size: Option<i64> = "SampleSize",
        /// The server does not keep them up to date.
        no_recompute: bool = "NoRecompute",
        /// The rows they are about.
        filter: Option<Script> = "FilterPredicate",
        /// By partition.
        incremental: bool = "Incremental",
        /// Their columns.
        columns: Vec<Name> = "Columns",
        /// What the filter uses.
        dependencies: Entries = "ExpressionDependencies",
        /// The table or view.
        on: Name = "Subject",
    }
}

kind! {
    /// A full-text catalogue.
    FullTextCatalog = "SqlFullTextCatalog" {
        /// Where it lay (old servers).
        path: Option<String> = "Path",
        /// Accents count.
        accent_sensitive: Option<bool> = "IsAccentSensitive",
        /// New indexes go here.
        is_default: bool = "IsDefault",
        /// Its owner.
        owner: Option<Reference> = "Authorizer",
        /// Where it lies.
        filegroup: Option<Reference> = "Filegroup",
    }
}

kind! {
    /// A list of words that full-text search skips. Its words are not in the model.
    FullTextStopList = "SqlFullTextStopList" {
        /// Its owner.
        owner: Option<Reference> = "Authorizer",
    }
}

numbered! {
    /// How a full-text index follows its table.
    FullTextTracking {
        /// No statement.
        Unknown = 0,
        /// By itself.
        Auto = 1,
        /// When told.
        Manual = 2,
        /// Not at all.
        Off = 3,
    }
}

kind! {
    /// A full-text index. It has its table's name.
    FullTextIndex = "SqlFullTextIndex" {
        /// It is not kept up to date.
        disabled: bool = "IsDisabled",
        /// How it follows its table.
        tracking: FullTextTracking = "ChangeTrackingOption",
        /// It skips no words.
        stop_list_off: bool = "IsStopListOff",
        /// It skips the server's words.
        system_stop_list: bool = "DoUseSystemStopList",
        /// It is published.
        replicated: bool = "IsReplicated",
        /// Its catalogue.
        catalog: Option<Reference> = "Catalog",
        /// Its columns.
        columns: Vec<FullTextColumn> = "Columns",
        /// Where it lies.
        filegroup: Option<Reference> = "Filegroup",
        /// The table or view.
        on: Name = "IndexedObject",
        /// The unique key that it uses.
        key: Option<Reference> = "KeyName",
        /// The properties it knows of documents.
        property_list: Option<Reference> = "SearchPropertyList",
        /// The words it skips.
        stop_list: Option<Reference> = "StopList",
    }
}

kind! {
    /// A column of a full-text index.
    FullTextColumn = "SqlFullTextIndexColumnSpecifier" {
        /// The language, by its locale.
        language: Option<i64> = "LanguageId",
        /// `STATISTICAL_SEMANTICS`.
        semantics: bool = "IsPartOfStatisticalSemanticAnalysis",
        /// The column.
        column: Name = "Column",
        /// The column that says what sort of document it holds.
        type_column: Name = "TypeColumn",
    }
}
