//! XML and spatial indexes, statistics, full-text.

use std::collections::HashMap;

use super::elements::float;
use super::indexes::IndexRow;
use super::{Builder, grouped};
use crate::bacpac::model::{
    FullTextCatalog, FullTextColumn, FullTextIndex, FullTextStopList, FullTextTracking, GridDensity, Name, Reference,
    Script, SpatialIndex, Statistics, Tessellation, XmlIndex, XmlIndexUse,
};
use crate::sqlserver::orders::{Field, Record};

impl Builder<'_> {
    pub(super) fn xml_index(&mut self, index: &IndexRow<'_>) {
        let name = index.on.child(&index.name);
        let own = |r: &Record<'_>| r.int("object_id") == Some(index.id) && r.int("index_id") == Some(index.number);
        let row = self.rows.of("sys.xml_indexes").find(own);
        let column = index.columns.first().and_then(|c| self.column(index.id, c.int("column_id")));
        // 2 and 3 are selective ones, which name paths (named, not carried).
        let plain = row.filter(|r| !matches!(r.int("xml_index_type"), Some(2 | 3)));
        let (Some(row), Some(column)) = (plain, column) else {
            self.left_out("XML index", name);
            return;
        };
        let primary = row.int("using_xml_index_id");
        let using = primary.and_then(|p| {
            let same = |r: &Record<'_>| r.int("object_id") == Some(index.id) && r.int("index_id") == Some(p);
            self.rows.of("sys.indexes").find(same).map(|r| index.on.child(r.string("name")))
        });
        let r = &index.row;
        self.made.push(
            XmlIndex {
                name,
                primary: primary.is_none(),
                usage: match row.string("secondary_type").trim() {
                    "P" => XmlIndexUse::Path,
                    "R" => XmlIndexUse::Property,
                    "V" => XmlIndexUse::Value,
                    _ => XmlIndexUse::Unknown,
                },
                padded: r.bool("is_padded"),
                fill_factor: index.fill_factor(),
                recompute_statistics: index.recomputes_statistics(),
                row_locks: r.bool("allow_row_locks"),
                page_locks: r.bool("allow_page_locks"),
                ignore_duplicates: r.bool("ignore_dup_key"),
                disabled: r.bool("is_disabled"),
                column,
                on: index.on.clone(),
                using_primary: using.unwrap_or_default(),
                ..XmlIndex::default()
            }
            .into(),
        );
    }

    pub(super) fn spatial_index(&mut self, index: &IndexRow<'_>) {
        let name = index.on.child(&index.name);
        let own = |r: &Record<'_>| r.int("object_id") == Some(index.id) && r.int("index_id") == Some(index.number);
        let scheme = self.rows.of("sys.spatial_indexes").find(own).map(|r| r.string("tessellation_scheme"));
        let grid = self.rows.of("sys.spatial_index_tessellations").find(own);
        let column = index.columns.first().and_then(|c| self.column(index.id, c.int("column_id")));
        let tessellation = match scheme.as_deref() {
            Some("GEOMETRY_GRID") => Tessellation::Geometry,
            Some("GEOGRAPHY_GRID") => Tessellation::Geography,
            Some("GEOMETRY_AUTO_GRID") => Tessellation::AutoGeometry,
            Some("GEOGRAPHY_AUTO_GRID") => Tessellation::AutoGeography,
            _ => Tessellation::None,
        };
        let (Some(grid), Some(column), true) = (grid, column, tessellation != Tessellation::None) else {
            self.left_out("spatial index", name);
            return;
        };
        let density = |column: &str| match grid.int(column) {
            Some(16) => GridDensity::Low,
            Some(64) => GridDensity::Medium,
            Some(256) => GridDensity::High,
            _ => GridDensity::None,
        };
        let edge = |column: &str| match grid.get(column) {
            Field::Float(edge) => Some(float(*edge)),
            _ => None,
        };
        // Assumption: what the server takes when nothing is said is 8 cells in a plane cut up by itself, 12 on the earth,
        // 16 otherwise; saying it or not makes the same index.
        let by_default = match tessellation {
            Tessellation::AutoGeometry => 8,
            Tessellation::AutoGeography => 12,
            _ => 16,
        };
        // sys.partitions, by its documentation, leaves special indexes out, spatial ones among them.
        let number = Some(index.number);
        let own = self.partitions.get(&index.id);
        if !own.is_some_and(|p| p.iter().any(|p| p.int("index_id") == number)) {
            self.left_out("compression of a spatial index, if it has any (the server does not tell it)", &name);
        }
        let r = &index.row;
        let filegroup = self.place(index.id, index.number, r.int("data_space_id")).filegroup;
        self.made.push(
            SpatialIndex {
                name,
                tessellation,
                x_min: edge("bounding_box_xmin"),
                y_min: edge("bounding_box_ymin"),
                x_max: edge("bounding_box_xmax"),
                y_max: edge("bounding_box_ymax"),
                level1: density("level_1_grid"),
                level2: density("level_2_grid"),
                level3: density("level_3_grid"),
                level4: density("level_4_grid"),
                cells_per_object: grid.int("cells_per_object").filter(|n| *n != by_default),
                padded: r.bool("is_padded"),
                fill_factor: index.fill_factor(),
                ignore_duplicates: r.bool("ignore_dup_key"),
                recompute_statistics: index.recomputes_statistics(),
                row_locks: r.bool("allow_row_locks"),
                page_locks: r.bool("allow_page_locks"),
                compression: self
                    .compression(index.id, index.number)
                    .first()
                    .map_or(crate::bacpac::model::CompressionLevel::None, |c| c.level),
                disabled: r.bool("is_disabled"),
                column,
                filegroup,
                on: index.on.clone(),
                ..SpatialIndex::default()
            }
            .into(),
        );
    }

    /// Statistics made by hand; those of indexes and those that the server made go with the data.
    pub(super) fn statistics(&mut self) {
        let columns = grouped(self.rows, "sys.stats_columns", "object_id");
        let rows: Vec<_> = self.rows.of("sys.stats").filter(|r| r.bool("user_created")).collect();
        for r in rows {
            let (Some(id), Some(number)) = (r.int("object_id"), r.int("stats_id")) else { continue };
            let Some(on) = self.objects.get(&id).map(|o| o.name.clone()) else { continue };
            if r.bool("is_temporary") {
                continue;
            }
            let own = columns.get(&id).into_iter().flatten().filter(|c| c.int("stats_id") == Some(number));
            let mut own: Vec<_> = own.collect();
            own.sort_by_key(|c| c.int("stats_column_id"));
            let name = on.child(r.string("name"));
            let Some(columns) = self.columns(id, own).filter(|c| !c.is_empty()) else {
                self.left_out("statistics", name);
                continue;
            };
            self.made.push(
                Statistics {
                    name,
                    no_recompute: r.bool("no_recompute"),
                    filter: r.text("filter_definition").map(Script::new),
                    incremental: r.bool("is_incremental"),
                    columns,
                    on,
                    ..Statistics::default()
                }
                .into(),
            );
        }
    }

    pub(super) fn full_text(&mut self) {
        let rows: Vec<_> = self.rows.of("sys.fulltext_catalogs").collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            let owner = self.owner(r.int("principal_id"), &name);
            self.made.push(
                FullTextCatalog {
                    name,
                    accent_sensitive: Some(r.bool("is_accent_sensitivity_on")),
                    is_default: r.bool("is_default"),
                    owner,
                    ..FullTextCatalog::default()
                }
                .into(),
            );
        }
        let words = grouped(self.rows, "sys.fulltext_stopwords", "stoplist_id");
        let rows: Vec<_> = self.rows.of("sys.fulltext_stoplists").collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            if let Some(words) = r.int("stoplist_id").and_then(|id| words.get(&id)) {
                // DacFx's model has the list and not its words.
                self.left_out("words of full-text stop list", format!("{name}: {}", words.len()));
            }
            let owner = self.owner(r.int("principal_id"), &name);
            self.made.push(FullTextStopList { name, owner, ..FullTextStopList::default() }.into());
        }
        let lists: Vec<_> = self.rows.of("sys.registered_search_property_lists").map(|r| r.string("name")).collect();
        for name in lists {
            self.left_out("search property list", Name::one(name));
        }
        self.full_text_indexes();
    }

    fn full_text_indexes(&mut self) {
        let named = |view: &str, id: &str| -> HashMap<i64, String> {
            self.rows.of(view).filter_map(|r| Some((r.int(id)?, r.string("name")))).collect()
        };
        let catalogs = named("sys.fulltext_catalogs", "fulltext_catalog_id");
        let stop_lists = named("sys.fulltext_stoplists", "stoplist_id");
        let columns = grouped(self.rows, "sys.fulltext_index_columns", "object_id");
        let indexes = grouped(self.rows, "sys.indexes", "object_id");
        let keys = grouped(self.rows, "sys.key_constraints", "parent_object_id");
        let rows: Vec<_> = self.rows.of("sys.fulltext_indexes").collect();
        for r in rows {
            let Some(id) = r.int("object_id") else { continue };
            let Some(on) = self.objects.get(&id).map(|o| o.name.clone()) else { continue };
            let unique = r.int("unique_index_id");
            let constraint = keys.get(&id).into_iter().flatten().find(|k| k.int("unique_index_id") == unique);
            let key = match constraint {
                Some(k) => self.object(k.int("object_id")).map(|o| o.name.clone()),
                None => indexes
                    .get(&id)
                    .into_iter()
                    .flatten()
                    .find(|i| i.int("index_id") == unique)
                    .map(|i| on.child(i.string("name"))),
            };
            let Some(key) = key else {
                self.left_out("full-text index on", on);
                continue;
            };
            if r.int("property_list_id").is_some() {
                self.left_out("search property list of full-text index on", &on);
            }
            let stop_list = r.int("stoplist_id");
            let own_list = stop_list.and_then(|s| stop_lists.get(&s)).map(|s| Reference::to(&Name::one(s.as_str())));
            let mut own = columns.get(&id).cloned().unwrap_or_default();
            own.sort_by_key(|c| c.int("column_id"));
            let columns = own.iter().map(|c| {
                let type_column = c.int("type_column_id").map(|t| self.column(id, Some(t)));
                Some(FullTextColumn {
                    language: c.int("language_id"),
                    semantics: c.bool("statistical_semantics"),
                    column: self.column(id, c.int("column_id"))?,
                    type_column: type_column.map_or(Some(Name::default()), |name| name)?,
                    ..FullTextColumn::default()
                })
            });
            let Some(columns) = columns.collect() else {
                self.left_out("full-text index on", on);
                continue;
            };
            let catalog = r.int("fulltext_catalog_id").and_then(|c| catalogs.get(&c));
            self.made.push(
                FullTextIndex {
                    name: on.clone(),
                    disabled: !r.bool("is_enabled"),
                    tracking: match r.string("change_tracking_state").trim() {
                        "M" => FullTextTracking::Manual,
                        "O" => FullTextTracking::Off,
                        _ => FullTextTracking::Auto,
                    },
                    stop_list_off: stop_list.is_none(),
                    system_stop_list: stop_list == Some(0),
                    catalog: catalog.map(|c| Reference::to(&Name::one(c.as_str()))),
                    columns,
                    on,
                    key: Some(Reference::to(&key)),
                    stop_list: own_list,
                    ..FullTextIndex::default()
                }
                .into(),
            );
        }
    }
}
