//! Indexes and statistics.

use crate::sandbox::ddl::ast::{AlterIndex, DataSpace, IndexDef, ObjectName, Opt, OptValue};
use crate::sandbox::ddl::error::{
    DdlError, DdlResult, cannot_drop, index_column_twice, no_index_column, syntax, unknown_option,
};
use crate::sandbox::ddl::expression::Expr;
use crate::sandbox::ddl::normal;
use crate::sandbox::meta::table::{PromotedPath, SpatialIndex, XmlIndex};
use crate::sandbox::meta::{Column, Index, IndexColumn, IndexKind, Kind, ModuleKind, Object, Table};
use crate::sandbox::value::{Base, MAX};

use super::Run;

/// An index with nothing special.
pub(super) fn blank(kind: IndexKind) -> Index {
    Index {
        index_id: 0,
        name: String::new(),
        kind,
        unique: false,
        primary_key: false,
        unique_constraint: false,
        columns: Vec::new(),
        filter: None,
        ignore_dup_key: false,
        fill_factor: 0,
        padded: false,
        disabled: false,
        allow_row_locks: true,
        allow_page_locks: true,
        optimize_for_sequential_key: false,
        no_recompute: false,
        compression_delay: matches!(kind, IndexKind::ClusteredColumnstore | IndexKind::NonclusteredColumnstore)
            .then_some(0),
        bucket_count: None,
        data_space_id: 1,
        partition_column: None,
        compression: if matches!(kind, IndexKind::ClusteredColumnstore | IndexKind::NonclusteredColumnstore) {
            3
        } else {
            0
        },
        partition_compression: Vec::new(),
        xml_compression: false,
        incremental: false,
        xml: None,
        spatial: None,
    }
}

/// WITH ( … ) of a statement applied to an index.
pub(super) fn apply_options(index: &mut Index, options: &[Opt], statement: &str) -> DdlResult<()> {
    for option in options {
        match option.name.as_str() {
            "PAD_INDEX" => index.padded = option.is_on(),
            "FILLFACTOR" => index.fill_factor = option.number().and_then(|n| u8::try_from(n).ok()).unwrap_or(0),
            "IGNORE_DUP_KEY" => index.ignore_dup_key = option.is_on(),
            "STATISTICS_NORECOMPUTE" => index.no_recompute = option.is_on(),
            "ALLOW_ROW_LOCKS" => index.allow_row_locks = option.is_on(),
            "ALLOW_PAGE_LOCKS" => index.allow_page_locks = option.is_on(),
            "OPTIMIZE_FOR_SEQUENTIAL_KEY" => index.optimize_for_sequential_key = option.is_on(),
            "COMPRESSION_DELAY" => index.compression_delay = option.number().and_then(|n| i32::try_from(n).ok()),
            "BUCKET_COUNT" => index.bucket_count = option.number(),
            "DATA_COMPRESSION" => match &option.partitions {
                None => index.compression = super::table::compression(option),
                Some(partitions) => {
                    let code = super::table::compression(option);
                    index.partition_compression.extend(partitions.iter().map(|(a, b)| (*a, *b, code)));
                }
            },
            "XML_COMPRESSION" => index.xml_compression = option.is_on(),
            "STATISTICS_INCREMENTAL" => index.incremental = option.is_on(),
            "BOUNDING_BOX" => {
                let spatial = index.spatial.get_or_insert_with(SpatialIndex::default);
                let corner = |items: &[String]| {
                    let mut out = [0.0; 4];
                    for (slot, item) in out.iter_mut().zip(items) {
                        *slot = item.parse().unwrap_or(0.0);
                    }
                    out
                };
                spatial.bounding_box = match &option.value {
                    OptValue::Items(items) => Some(corner(items)),
                    OptValue::List(named) => {
                        let by = |n: &str| named.iter().find(|o| o.name == n).map(Opt::word).unwrap_or_default();
                        Some(corner(&["XMIN", "YMIN", "XMAX", "YMAX"].map(by)))
                    }
                    _ => None,
                };
            }
            "GRIDS" => {
                let spatial = index.spatial.get_or_insert_with(SpatialIndex::default);
                match &option.value {
                    OptValue::List(named) => {
                        for (n, slot) in spatial.levels.iter_mut().enumerate() {
                            let level = format!("LEVEL_{}", n + 1);
                            *slot =
                                named.iter().find(|o| o.name == level).map(Opt::word).or_else(|| Some("MEDIUM".into()));
                        }
                    }
                    OptValue::Items(items) => {
                        for (slot, item) in spatial.levels.iter_mut().zip(items) {
                            *slot = Some(item.to_uppercase());
                        }
                    }
                    _ => return Err(syntax("GRIDS")),
                }
            }
            "CELLS_PER_OBJECT" => {
                let spatial = index.spatial.get_or_insert_with(SpatialIndex::default);
                spatial.cells_per_object = option.number().and_then(|n| i32::try_from(n).ok());
            }
            // How it is built, which no view tells.
            "SORT_IN_TEMPDB"
            | "ONLINE"
            | "RESUMABLE"
            | "MAX_DURATION"
            | "MAXDOP"
            | "DROP_EXISTING"
            | "WAIT_AT_LOW_PRIORITY"
            | "LOB_COMPACTION"
            | "COMPRESS_ALL_ROW_GROUPS"
            | "SORTED_DATA"
            | "SORTED_DATA_REORG" => {}
            other => return Err(unknown_option(other, statement)),
        }
    }
    Ok(())
}

/// Whether a column's type may be a key of an ordinary index (1919).
pub(super) fn may_be_key(column: &Column) -> bool {
    let lob = matches!(
        column.ty.base,
        Base::Text | Base::NText | Base::Image | Base::Xml | Base::Geometry | Base::Geography | Base::Clr
    );
    !lob && column.ty.length != MAX && !column.column_set
}

/// 1919.
pub(super) fn not_a_key(column: &str, table: &str) -> DdlError {
    DdlError::new(
        1919,
        1,
        16,
        format!(
            "Column '{column}' in table '{table}' is of a type that is invalid for use as a key column in an index."
        ),
    )
}

/// The columns of a table or view, for its indexes.
pub(super) fn columns_of(object: &Object) -> Vec<Column> {
    match &object.kind {
        Kind::Table(t) => t.columns.clone(),
        Kind::Module(m) => (1..)
            .zip(&m.columns)
            .map(|(id, c)| {
                let mut column = Column::plain(id, &c.name, c.ty.clone(), c.user_type_id);
                column.nullable = c.nullable;
                column
            })
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) fn indexes_of(object: &Object) -> &[Index] {
    match &object.kind {
        Kind::Table(t) => &t.indexes,
        Kind::Module(m) => &m.indexes,
        _ => &[],
    }
}

fn indexes_mut(object: &mut Object) -> Option<&mut Vec<Index>> {
    match &mut object.kind {
        Kind::Table(t) => Some(&mut t.indexes),
        Kind::Module(m) => Some(&mut m.indexes),
        _ => None,
    }
}

impl Run<'_> {
    /// A table or indexed view by name, to make or drop an index of; 1088 with its state.
    pub(super) fn indexable(&self, name: &ObjectName, state: u8) -> DdlResult<(i32, Object)> {
        let missing = || {
            DdlError::new(
                1088,
                state,
                16,
                format!(
                    "Cannot find the object \"{}\" because it does not exist or you do not have permissions.",
                    name.shown()
                ),
            )
        };
        let (database_id, object) = self.find(name)?.ok_or_else(missing)?;
        let fits =
            matches!(&object.kind, Kind::Table(_)) || object.module().is_some_and(|m| m.kind == ModuleKind::View);
        if !fits {
            return Err(missing());
        }
        self.allow(database_id, &object, "ALTER", missing)?;
        Ok((database_id, object.as_ref().clone()))
    }

    /// Where an index lies: as said, else where its table lies.
    pub(super) fn place_index(
        &self,
        database_id: i32,
        object: &Object,
        index: &mut Index,
        on: Option<&DataSpace>,
    ) -> DdlResult<()> {
        // A clustered index is its table: the table lies where it lies.
        let base = |t: &Table| {
            let clustered = t.indexes.iter().find(|i| i.kind.clustered());
            clustered.map_or((t.data_space_id.max(1), t.partition_column), |i| (i.data_space_id, i.partition_column))
        };
        let (mut space, mut column) = object.table().map_or((1, None), base);
        if let Some(on) = on {
            space = self.data_space(database_id, &on.name)?;
            let ci = self.db(database_id)?.ignore_case;
            column = on.column.as_ref().and_then(|c| object.table().and_then(|t| t.find_column(c, ci))).map(|c| c.id);
        }
        index.data_space_id = space;
        index.partition_column = column;
        Ok(())
    }

    pub(super) fn create_index(&mut self, table: &ObjectName, def: &IndexDef) -> DdlResult<()> {
        let (database_id, object) = self.indexable(table, 12)?;
        let replaces = def.options.iter().any(|o| o.name == "DROP_EXISTING" && o.is_on());
        let database = self.db(database_id)?.clone();
        let mut object = object;
        if let Some(old) = indexes_of(&object).iter().find(|i| database.same(&i.name, &def.name)).cloned() {
            if !replaces {
                return Err(exists(&def.name, table));
            }
            if let Some(indexes) = indexes_mut(&mut object) {
                indexes.retain(|i| i.index_id != old.index_id);
            }
            if object.table().is_some() {
                self.hooks.index_dropped(&database, &object, &old)?;
            }
            let (object, made) = self.add_index(database_id, object, def)?;
            // A key's index that is built anew stays the key's.
            let mut object = object;
            if let Some(indexes) = indexes_mut(&mut object)
                && let Some(new) = indexes.iter_mut().find(|i| i.index_id == made)
            {
                new.primary_key = old.primary_key;
                new.unique_constraint = old.unique_constraint;
            }
            self.put(database_id, object)?;
            return Ok(());
        }
        if replaces {
            return Err(DdlError::new(
                7999,
                9,
                16,
                format!("Could not find any index named '{}' for table '{}'.", def.name, table.name),
            ));
        }
        let statistics = object.table().map(|t| t.statistics.as_slice()).unwrap_or_default();
        if statistics.iter().any(|s| database.same(&s.name, &def.name)) {
            return Err(exists(&def.name, table));
        }
        let (object, _) = self.add_index(database_id, object, def)?;
        self.put(database_id, object)?;
        Ok(())
    }

    /// Adds an index to an object; gives its id. Built over the rows that are there.
    pub(super) fn add_index(
        &mut self,
        database_id: i32,
        mut object: Object,
        def: &IndexDef,
    ) -> DdlResult<(Object, i32)> {
        let database = self.db(database_id)?.clone();
        let columns = columns_of(&object);
        let find = |name: &str| columns.iter().find(|c| database.same(&c.name, name));
        let mut index = blank(def.kind);
        index.name.clone_from(&def.name);
        index.unique = def.unique;
        let plain = matches!(def.kind, IndexKind::Clustered | IndexKind::Nonclustered | IndexKind::Hash);
        let columnstore = matches!(def.kind, IndexKind::ClusteredColumnstore | IndexKind::NonclusteredColumnstore);
        let mut width = 0u32;
        for key in &def.columns {
            let Some(column) = find(&key.name) else {
                return Err(no_index_column(&key.name));
            };
            if index.columns.iter().any(|c| c.column_id == column.id) {
                return Err(index_column_twice(&column.name));
            }
            if plain && !may_be_key(column) {
                return Err(not_a_key(&column.name, &object.name));
            }
            width = width.saturating_add(u32::try_from(crate::sandbox::meta::types::facets(&column.ty).1).unwrap_or(0));
            index.columns.push(IndexColumn { column_id: column.id, descending: key.descending, included: columnstore });
        }
        if def.kind == IndexKind::ClusteredColumnstore {
            index.columns = columns
                .iter()
                .filter(|c| c.computed.is_none())
                .map(|c| IndexColumn { column_id: c.id, descending: false, included: true })
                .collect();
        }
        for name in &def.include {
            let Some(column) = find(name) else {
                return Err(no_index_column(name));
            };
            index.columns.push(IndexColumn { column_id: column.id, descending: false, included: true });
        }
        if let Some(filter) = &def.filter {
            index.filter = Some(self.filter(&object, &columns, filter, database.ignore_case)?);
        }
        apply_options(&mut index, &def.options, "CREATE INDEX")?;
        if def.kind == IndexKind::Xml {
            index.xml = Some(self.xml_index(database_id, &object, def)?);
        }
        if def.kind == IndexKind::Spatial {
            let spatial = index.spatial.get_or_insert_with(SpatialIndex::default);
            let geography = find(&def.columns[0].name).is_some_and(|c| c.ty.base == Base::Geography);
            spatial.tessellation = def
                .tessellation
                .clone()
                .unwrap_or_else(|| if geography { "GEOGRAPHY_AUTO_GRID" } else { "GEOMETRY_AUTO_GRID" }.to_string());
        }
        if def.kind.clustered()
            && let Some(existing) = indexes_of(&object).iter().find(|i| i.kind.clustered())
        {
            return Err(DdlError::new(
                1902,
                3,
                16,
                format!(
                    "Cannot create more than one clustered index on table '{}'. Drop the existing clustered index '{}' \
                     before creating another.",
                    object.name, existing.name
                ),
            ));
        }
        index.index_id = match def.kind {
            kind if kind.clustered() => 1,
            // A graph table has an index of its own from the beginning.
            _ if object.table().is_some_and(|t| t.graph.is_some()) && plain => {
                object.table().map_or(i32::MAX, |t| t.free_index_id(false))
            }
            // XML and spatial indexes are counted apart.
            IndexKind::Xml => next(indexes_of(&object), 256_000),
            IndexKind::Spatial => next(indexes_of(&object), 384_000),
            // An index and its statistics have one number: one that statistics made by hand have is not free.
            _ => {
                let statistics = object.table().map_or(&[][..], |t| t.statistics.as_slice());
                let used = |id: i32| {
                    indexes_of(&object).iter().any(|i| i.index_id == id) || statistics.iter().any(|s| s.stats_id == id)
                };
                (2..).find(|id| !used(*id)).unwrap_or(i32::MAX)
            }
        };
        self.place_index(database_id, &object, &mut index, def.on.as_ref())?;
        let most = if def.kind == IndexKind::Clustered { 900 } else { 1700 };
        if plain && width > most {
            let kind = if def.kind == IndexKind::Clustered { "clustered" } else { "nonclustered" };
            self.info(
                1945,
                1,
                format!(
                    "Warning! The maximum key length for a {kind} index is {most} bytes. The index '{}' has maximum length of \
                     {width} bytes. For some combination of large values, the insert/update operation will fail.",
                    def.name
                ),
            );
        }
        if let Some(indexes) = indexes_mut(&mut object) {
            indexes.push(index.clone());
            indexes.sort_by_key(|i| i.index_id);
        }
        if object.table().is_some() && plain {
            self.build(database_id, &object, &index).map_err(DdlError::with_3621)?;
        }
        Ok((object, index.index_id))
    }

    /// What an XML index has beside its column.
    fn xml_index(&self, database_id: i32, object: &Object, def: &IndexDef) -> DdlResult<XmlIndex> {
        let database = self.db(database_id)?;
        let mut out = XmlIndex {
            using_index_id: None,
            secondary_type: None,
            selective: def.selective.is_some(),
            namespaces: Vec::new(),
            paths: Vec::new(),
            path_id: None,
        };
        if let Some((primary, kind)) = &def.using_xml {
            let using = indexes_of(object).iter().find(|i| database.same(&i.name, primary));
            let using = using.ok_or_else(|| {
                let column = def.columns.first().map(|c| c.name.as_str()).unwrap_or_default();
                let text = format!(
                    "The primary xml index '{primary}' does not exist on table '{}' column '{column}'.",
                    object.name
                );
                DdlError::new(6344, 1, 16, text)
            })?;
            out.using_index_id = Some(using.index_id);
            match kind.strip_prefix('(') {
                Some(path) => {
                    let paths = using.xml.iter().flat_map(|x| &x.paths);
                    let found = paths.clone().find(|p| p.name == path).map(|p| p.id);
                    out.path_id = Some(found.ok_or_else(|| cannot_drop("path", path, 1))?);
                }
                None => out.secondary_type = Some(kind.clone()),
            }
        }
        if let Some(selective) = &def.selective {
            out.namespaces.clone_from(&selective.namespaces);
            for (id, path) in (1..).zip(&selective.paths) {
                let sql = match &path.sql {
                    Some(ty) => {
                        let resolved = super::types::resolve(database, ty, None, 1)?;
                        Some((resolved.ty, resolved.user_type_id))
                    }
                    None => None,
                };
                out.paths.push(PromotedPath {
                    id,
                    name: path.name.clone(),
                    path: path.path.clone(),
                    sql,
                    xquery: path.xquery.clone(),
                    max_length: path.max_length,
                    singleton: path.singleton,
                    node: path.node,
                });
            }
        }
        Ok(out)
    }

    pub(super) fn filter(&self, object: &Object, columns: &[Column], filter: &Expr, ci: bool) -> DdlResult<String> {
        let table = Table { columns: columns.to_vec(), ..Table::default() };
        let mut spelled = filter.clone();
        super::constraint::respell(&mut spelled, &table, ci);
        for name in normal::columns(filter) {
            if table.find_column(&name, ci).is_none() {
                return Err(crate::sandbox::ddl::error::invalid_column(&name).compile());
            }
        }
        let _ = object;
        Ok(normal::definition(&spelled))
    }

    pub(super) fn alter_index(&mut self, name: Option<&str>, table: &ObjectName, action: &AlterIndex) -> DdlResult<()> {
        let (database_id, mut object) = self.indexable(table, 9)?;
        let database = self.db(database_id)?.clone();
        let before = object.clone();
        let mut changed = Vec::new();
        if let Some(indexes) = indexes_mut(&mut object) {
            for index in indexes.iter_mut().filter(|i| name.is_none_or(|n| database.same(&i.name, n))) {
                match action {
                    AlterIndex::Rebuild(options) => {
                        apply_options(index, options, "ALTER INDEX")?;
                        index.disabled = false;
                    }
                    AlterIndex::Reorganize => {}
                    AlterIndex::Disable => index.disabled = true,
                    AlterIndex::Set(options) => apply_options(index, options, "ALTER INDEX")?,
                }
                changed.push(index.clone());
            }
        }
        if changed.is_empty()
            && let Some(name) = name
        {
            return Err(DdlError::new(2727, 1, 11, format!("Cannot find index '{name}'.")));
        }
        if object.table().is_some() {
            for index in &changed {
                let was = before.table().and_then(|t| t.index(index.index_id)).is_some_and(|i| i.disabled);
                // A disabled index has no keys: built again when it is rebuilt. The clustered one is the table itself.
                if index.disabled && !was && !index.kind.clustered() {
                    self.hooks.index_dropped(&database, &object, index)?;
                } else if !index.disabled && was && !index.kind.clustered() {
                    self.build(database_id, &object, index).map_err(DdlError::with_3621)?;
                }
            }
        }
        self.put(database_id, object)?;
        Ok(())
    }

    pub(super) fn drop_index(&mut self, items: &[(String, ObjectName)], if_exists: bool) -> DdlResult<()> {
        for (name, table) in items {
            let missing = || cannot_drop("index", &format!("{}.{name}", table.shown()), 7);
            let found = self.find(table)?;
            let Some((database_id, object)) = found else {
                if if_exists {
                    continue;
                }
                return Err(missing());
            };
            self.allow(database_id, &object, "ALTER", missing)?;
            let database = self.db(database_id)?.clone();
            let Some(index) = indexes_of(&object).iter().find(|i| database.same(&i.name, name)).cloned() else {
                if if_exists {
                    continue;
                }
                return Err(missing());
            };
            if index.primary_key || index.unique_constraint {
                let kind = if index.primary_key { "PRIMARY KEY" } else { "UNIQUE KEY" };
                return Err(DdlError::new(
                    3723,
                    4,
                    16,
                    format!(
                        "An explicit DROP INDEX is not allowed on index '{}.{name}'. It is being used for {kind} constraint \
                         enforcement.",
                        table.shown()
                    ),
                ));
            }
            let mut changed = object.as_ref().clone();
            if let Some(indexes) = indexes_mut(&mut changed) {
                indexes.retain(|i| i.index_id != index.index_id);
            }
            if changed.table().is_some() && !index.disabled {
                self.hooks.index_dropped(&database, &changed, &index)?;
            }
            self.put(database_id, changed)?;
            self.forget_properties(database_id, |class, major, minor| {
                class == 7 && major == object.object_id && minor == index.index_id
            })?;
        }
        Ok(())
    }

    /// Takes out extended properties of what is gone.
    pub(super) fn forget_properties(&mut self, database_id: i32, gone: impl Fn(u8, i32, i32) -> bool) -> DdlResult<()> {
        let keys: Vec<_> = self
            .db(database_id)?
            .properties
            .iter()
            .filter(|(k, _)| gone(k.0, k.1, k.2))
            .map(|(k, _)| k.clone())
            .collect();
        if !keys.is_empty() {
            let database = self.shape(database_id)?;
            for key in keys {
                database.properties.remove(&key);
            }
        }
        Ok(())
    }
}

fn next(indexes: &[Index], from: i32) -> i32 {
    (from..).find(|id| indexes.iter().all(|i| i.index_id != *id)).unwrap_or(i32::MAX)
}

fn exists(name: &str, table: &ObjectName) -> DdlError {
    DdlError::new(
        1913,
        1,
        16,
        format!(
            "The operation failed because an index or statistics with name '{name}' already exists on table '{}'.",
            table.shown()
        ),
    )
}
