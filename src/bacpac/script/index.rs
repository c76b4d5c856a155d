//! Indexes of every sort, statistics, full-text.

use super::constraint::index_options;
use super::table::index_shape;
use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

/// What has to be there before an index: its table or view, what its filter uses, where it lies.
fn index_needs(on: &Name, dependencies: &Entries, place: [&Option<Reference>; 2]) -> Vec<Name> {
    let mut names = vec![on.clone()];
    names.extend(needs(dependencies));
    names.extend(place.into_iter().filter_map(own));
    names
}

impl<'a> Maker<'a> {
    fn index_with_table(&self, on: &Name, object: &Object) -> bool {
        let table = self.lookup.table(on);
        // The index of a history table that DacFx makes by itself comes with it.
        table.is_some_and(|t| self.stands_in_table(t, object) || (self.is_dacfx() && t.auto_history))
    }

    pub(super) fn index(&mut self, index: &'a Index, object: &Object) {
        if !self.index_with_table(&index.on, object) {
            let unique = if index.unique { "UNIQUE " } else { "" };
            let mut sql = format!(
                "CREATE {unique}{} INDEX {} ON {} ({})",
                index_shape(index.clustered, index.hash),
                quote(index.name.last()),
                index.on,
                key_columns(&index.columns)
            );
            sql.push_str(&index_tail(index));
            sql.push_str(&with(&row_index_options(index)));
            sql.push_str(&self.place(&index.filegroup, &index.partition_scheme, &index.partition_column));
            sql.push(';');
            let phase = self.index_phase(index.clustered, &index.on);
            let needs = index_needs(&index.on, &index.dependencies, [&index.filegroup, &index.partition_scheme]);
            self.add(phase, "index", &index.name, sql).needs.extend(needs);
        }
        self.disable_index(index.disabled, &index.name, &index.on);
    }

    /// An index of a view comes after the view.
    fn index_phase(&self, clustered: bool, on: &Name) -> Phase {
        match self.lookup.object(on) {
            Some(Object::View(_)) => Phase::Modules,
            _ if clustered => Phase::Keys,
            _ => Phase::Indexes,
        }
    }

    fn disable_index(&mut self, disabled: bool, name: &Name, on: &Name) {
        if disabled {
            let sql = format!("ALTER INDEX {} ON {on} DISABLE;", quote(name.last()));
            let phase = self.index_phase(false, on).max(Phase::Constraints);
            self.then(phase, "disabled index", name, sql);
        }
    }

    pub(super) fn inline_index_text(&self, index: &Index, memory_optimized: bool) -> String {
        let unique = if index.unique { "UNIQUE " } else { "" };
        let options = if memory_optimized {
            index.bucket_count.map_or(Vec::new(), |b| vec![format!("BUCKET_COUNT = {b}")])
        } else {
            row_index_options(index)
        };
        format!(
            "INDEX {} {unique}{} ({}){}{}{}",
            quote(index.name.last()),
            index_shape(index.clustered, index.hash),
            key_columns(&index.columns),
            index_tail(index),
            with(&options),
            self.place(&index.filegroup, &index.partition_scheme, &index.partition_column)
        )
    }

    pub(super) fn column_store_index(&mut self, index: &'a ColumnStoreIndex, object: &Object) {
        if !self.index_with_table(&index.on, object) {
            let mut sql = if index.clustered {
                format!("CREATE CLUSTERED COLUMNSTORE INDEX {} ON {}", quote(index.name.last()), index.on)
            } else {
                let names = columns(index.columns.iter().map(|c| &c.column));
                format!("CREATE NONCLUSTERED COLUMNSTORE INDEX {} ON {} ({names})", quote(index.name.last()), index.on)
            };
            if let Some(filter) = &index.filter {
                sql.push_str(&format!(" WHERE {}", filter.text));
            }
            sql.push_str(&with(&column_store_options(index)));
            sql.push_str(&self.place(&index.filegroup, &index.partition_scheme, &index.partition_column));
            sql.push(';');
            let phase = self.index_phase(index.clustered, &index.on);
            let needs = index_needs(&index.on, &index.dependencies, [&index.filegroup, &index.partition_scheme]);
            self.add(phase, "columnstore index", &index.name, sql).needs.extend(needs);
        }
        self.disable_index(index.disabled, &index.name, &index.on);
    }

    pub(super) fn inline_column_store_text(&self, index: &ColumnStoreIndex) -> String {
        let name = quote(index.name.last());
        if index.clustered {
            format!("INDEX {name} CLUSTERED COLUMNSTORE{}", with(&column_store_options(index)))
        } else {
            let names = columns(index.columns.iter().map(|c| &c.column));
            format!("INDEX {name} NONCLUSTERED COLUMNSTORE ({names}){}", with(&column_store_options(index)))
        }
    }

    pub(super) fn xml_index(&mut self, index: &'a XmlIndex) {
        let primary = if index.primary { "PRIMARY " } else { "" };
        let mut sql = format!(
            "CREATE {primary}XML INDEX {} ON {} ({})",
            quote(index.name.last()),
            index.on,
            quote(index.column.last())
        );
        if !index.primary {
            let usage = match index.usage {
                XmlIndexUse::Path => " FOR PATH",
                XmlIndexUse::Property => " FOR PROPERTY",
                XmlIndexUse::Value => " FOR VALUE",
                _ => "",
            };
            sql.push_str(&format!(" USING XML INDEX {}{usage}", quote(index.using_primary.last())));
        }
        sql.push_str(&with(&index_options(
            index.fill_factor,
            index.padded,
            index.ignore_duplicates,
            index.recompute_statistics,
            index.row_locks,
            index.page_locks,
        )));
        sql.push(';');
        let batch = self.add(Phase::Indexes, "XML index", &index.name, sql);
        batch.needs.push(index.on.clone());
        if !index.primary {
            batch.needs.push(index.using_primary.clone());
        }
        self.disable_index(index.disabled, &index.name, &index.on);
    }

    pub(super) fn spatial_index(&mut self, index: &'a SpatialIndex) {
        let using = match index.tessellation {
            Tessellation::Geometry => " USING GEOMETRY_GRID",
            Tessellation::Geography => " USING GEOGRAPHY_GRID",
            Tessellation::AutoGeometry => " USING GEOMETRY_AUTO_GRID",
            Tessellation::AutoGeography => " USING GEOGRAPHY_AUTO_GRID",
            _ => "",
        };
        let mut options = Vec::new();
        let corner = |text: &Option<String>| text.as_deref().and_then(number).map(str::to_owned);
        if let (Some(x0), Some(y0), Some(x1), Some(y1)) =
            (corner(&index.x_min), corner(&index.y_min), corner(&index.x_max), corner(&index.y_max))
        {
            options.push(format!("BOUNDING_BOX = (XMIN = {x0}, YMIN = {y0}, XMAX = {x1}, YMAX = {y1})"));
        }
        if matches!(index.tessellation, Tessellation::Geometry | Tessellation::Geography) {
            let word = |density: GridDensity| match density {
                GridDensity::Low => "LOW",
                GridDensity::High => "HIGH",
                _ => "MEDIUM",
            };
            options.push(format!(
                "GRIDS = (LEVEL_1 = {}, LEVEL_2 = {}, LEVEL_3 = {}, LEVEL_4 = {})",
                word(index.level1),
                word(index.level2),
                word(index.level3),
                word(index.level4)
            ));
        }
        options.extend(index.cells_per_object.map(|c| format!("CELLS_PER_OBJECT = {c}")));
        options.extend(index_options(
            index.fill_factor,
            index.padded,
            index.ignore_duplicates,
            index.recompute_statistics,
            index.row_locks,
            index.page_locks,
        ));
        match index.compression {
            CompressionLevel::Row => options.push("DATA_COMPRESSION = ROW".into()),
            CompressionLevel::Page => options.push("DATA_COMPRESSION = PAGE".into()),
            _ => {}
        }
        let sql = format!(
            "CREATE SPATIAL INDEX {} ON {} ({}){using}{}{};",
            quote(index.name.last()),
            index.on,
            quote(index.column.last()),
            with(&options),
            self.place(&index.filegroup, &None, &None)
        );
        self.add(Phase::Indexes, "spatial index", &index.name, sql).needs.push(index.on.clone());
        self.disable_index(index.disabled, &index.name, &index.on);
    }

    pub(super) fn statistics(&mut self, statistics: &'a Statistics) {
        let mut sql = format!(
            "CREATE STATISTICS {} ON {} ({})",
            quote(statistics.name.last()),
            statistics.on,
            columns(&statistics.columns)
        );
        if let Some(filter) = &statistics.filter {
            sql.push_str(&format!(" WHERE {}", filter.text));
        }
        let mut options = Vec::new();
        let size = statistics.sample_size.unwrap_or(0);
        match statistics.sampling {
            Sampling::FullScan => options.push("FULLSCAN".to_owned()),
            Sampling::Percent => options.push(format!("SAMPLE {size} PERCENT")),
            Sampling::Rows => options.push(format!("SAMPLE {size} ROWS")),
            _ => {}
        }
        if statistics.no_recompute {
            options.push("NORECOMPUTE".into());
        }
        if statistics.incremental {
            options.push("INCREMENTAL = ON".into());
        }
        if !options.is_empty() {
            sql.push_str(&format!(" WITH {}", options.join(", ")));
        }
        sql.push(';');
        let phase = self.index_phase(false, &statistics.on);
        let batch = self.add(phase, "statistics", &statistics.name, sql);
        batch.needs.push(statistics.on.clone());
        batch.needs.extend(needs(&statistics.dependencies));
    }

    pub(super) fn full_text_catalog(&mut self, catalog: &'a FullTextCatalog) {
        let mut sql = format!("CREATE FULLTEXT CATALOG {}", quote(catalog.name.last()));
        if let Some(sensitive) = catalog.accent_sensitive {
            sql.push_str(&format!(" WITH ACCENT_SENSITIVITY = {}", if sensitive { "ON" } else { "OFF" }));
        }
        if catalog.is_default {
            sql.push_str(" AS DEFAULT");
        }
        if let Some(owner) = &catalog.owner {
            sql.push_str(&format!(" AUTHORIZATION {}", quote(owner.parsed().last())));
        }
        sql.push(';');
        let owner = own(&catalog.owner);
        let batch = self.add(Phase::Triggers, "full-text catalogue", &catalog.name, sql);
        batch.needs.extend(owner);
        batch.optional = true;
    }

    pub(super) fn full_text_stop_list(&mut self, list: &'a FullTextStopList) {
        let mut sql = format!("CREATE FULLTEXT STOPLIST {}", quote(list.name.last()));
        if let Some(owner) = &list.owner {
            sql.push_str(&format!(" AUTHORIZATION {}", quote(owner.parsed().last())));
        }
        sql.push(';');
        let owner = own(&list.owner);
        if !self.is_dacfx() {
            self.leave("words of a full-text stop list", &list.name, "they are not in a package");
        }
        let batch = self.add(Phase::Triggers, "full-text stop list", &list.name, sql);
        batch.needs.extend(owner);
        batch.optional = true;
    }

    pub(super) fn full_text_index(&mut self, index: &'a FullTextIndex) {
        let mut lines = Vec::new();
        for column in &index.columns {
            let mut line = quote(column.column.last());
            if !column.type_column.is_empty() {
                line.push_str(&format!(" TYPE COLUMN {}", quote(column.type_column.last())));
            }
            if let Some(language) = column.language {
                line.push_str(&format!(" LANGUAGE {language}"));
            }
            if column.semantics {
                line.push_str(" STATISTICAL_SEMANTICS");
            }
            lines.push(line);
        }
        let key = index.key.as_ref().map(Reference::parsed).unwrap_or_default();
        let mut sql =
            format!("CREATE FULLTEXT INDEX ON {} ({}) KEY INDEX {}", index.on, lines.join(", "), quote(key.last()));
        if let Some(catalog) = &index.catalog {
            sql.push_str(&format!(" ON {}", quote(catalog.parsed().last())));
        }
        let mut options = Vec::new();
        match index.tracking {
            FullTextTracking::Manual => options.push("CHANGE_TRACKING MANUAL".to_owned()),
            FullTextTracking::Off => options.push("CHANGE_TRACKING OFF".to_owned()),
            _ => {}
        }
        let list = index.stop_list.as_ref().map(|l| quote(l.parsed().last()));
        let clear = match (&list, index.stop_list_off, index.system_stop_list) {
            (None, off, system) => off || system,
            (Some(_), off, system) => !off && !system,
        };
        if index.stop_list_off {
            options.push("STOPLIST OFF".into());
        } else if let Some(list) = &list {
            options.push(format!("STOPLIST {list}"));
        }
        if !clear {
            let reason = "the model says two things of the words that the index skips";
            self.leave_property("full-text index", &index.name, "StopList", list.as_deref().unwrap_or(""), reason);
        }
        if let Some(list) = &index.property_list {
            options.push(format!("SEARCH PROPERTY LIST {}", quote(list.parsed().last())));
        }
        if !options.is_empty() {
            sql.push_str(&format!(" WITH {}", options.join(", ")));
        }
        sql.push(';');
        let needs = [own(&index.catalog), own(&index.stop_list), own(&index.property_list), own(&index.key)];
        let batch = self.add(Phase::Triggers, "full-text index", &index.name, sql);
        batch.gives = Name::default();
        batch.needs.push(index.on.clone());
        batch.needs.extend(needs.into_iter().flatten());
        batch.optional = true;
        if index.disabled {
            let sql = format!("ALTER FULLTEXT INDEX ON {} DISABLE;", index.on);
            self.then(Phase::Triggers, "disabled full-text index", &index.on, sql);
        }
    }
}

fn index_tail(index: &Index) -> String {
    let mut tail = String::new();
    if !index.included.is_empty() {
        tail.push_str(&format!(" INCLUDE ({})", columns(&index.included)));
    }
    if let Some(filter) = &index.filter {
        tail.push_str(&format!(" WHERE {}", filter.text));
    }
    tail
}

fn row_index_options(index: &Index) -> Vec<String> {
    let mut options = index_options(
        index.fill_factor,
        index.padded,
        index.ignore_duplicates,
        index.recompute_statistics,
        index.row_locks,
        index.page_locks,
    );
    if index.incremental_statistics {
        options.push("STATISTICS_INCREMENTAL = ON".into());
    }
    options.extend(compression(&index.compression, index.partition_scheme.is_some()));
    options
}

fn column_store_options(index: &ColumnStoreIndex) -> Vec<String> {
    let mut options = compression(&index.compression, index.partition_scheme.is_some());
    if let Some(delay) = index.compression_delay.filter(|d| *d != 0) {
        options.push(format!("COMPRESSION_DELAY = {delay}"));
    }
    options
}
