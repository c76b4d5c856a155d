//! Full-text catalogues, indexes and stop lists.

use crate::sandbox::meta::languages;

use super::tables::all_tables;
use super::{Cell, Scan};

/// `sys.fulltext_indexes`.
pub(super) fn fulltext_indexes(s: &mut Scan<'_, '_>) {
    for (id, t, _) in all_tables(s) {
        let Some(f) = &t.fulltext else { continue };
        s.row(&|column| match column {
            "object_id" => id.into(),
            "unique_index_id" => f.unique_index_id.into(),
            "fulltext_catalog_id" => f.catalog_id.into(),
            "is_enabled" => f.enabled.into(),
            "has_crawl_completed" => true.into(),
            "change_tracking_state" => (&f.change_tracking).into(),
            "change_tracking_state_desc" => match f.change_tracking.as_str() {
                "M" => "MANUAL",
                "O" => "OFF",
                _ => "AUTO",
            }
            .into(),
            "crawl_type" => "F".into(),
            "crawl_type_desc" => "FULL_CRAWL".into(),
            "stoplist_id" => f.stoplist_id.into(),
            "data_space_id" => 1.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.fulltext_index_columns`.
pub(super) fn fulltext_index_columns(s: &mut Scan<'_, '_>) {
    for (id, t, _) in all_tables(s) {
        for (c, kind, language, semantics) in t.fulltext.iter().flat_map(|f| &f.columns) {
            s.row(&|column| match column {
                "object_id" => id.into(),
                "column_id" => (*c).into(),
                "type_column_id" => (*kind).into(),
                "language_id" => (*language).into(),
                "statistical_semantics" => i32::from(*semantics).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.fulltext_catalogs`.
pub(super) fn fulltext_catalogs(s: &mut Scan<'_, '_>) {
    for c in &s.db().fulltext_catalogs {
        s.row(&|column| match column {
            "fulltext_catalog_id" => c.id.into(),
            "name" => (&c.name).into(),
            "is_default" => c.is_default.into(),
            "is_accent_sensitivity_on" => c.accent_sensitive.into(),
            "principal_id" => c.principal_id.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.fulltext_stoplists`.
pub(super) fn stoplists(s: &mut Scan<'_, '_>) {
    for x in &s.db().fulltext_stoplists {
        s.row(&|column| match column {
            "stoplist_id" => x.id.into(),
            "name" => (&x.name).into(),
            "create_date" => x.created.into(),
            "modify_date" => x.modified.into(),
            "principal_id" => x.principal_id.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.fulltext_stopwords`.
pub(super) fn stopwords(s: &mut Scan<'_, '_>) {
    for x in &s.db().fulltext_stoplists {
        for (word, lcid) in &x.words {
            s.row(&|column| match column {
                "stoplist_id" => x.id.into(),
                "stopword" => word.into(),
                "language" => languages::alias(*lcid).map_or_else(|| lcid.to_string(), str::to_string).into(),
                "language_id" => (*lcid).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.fulltext_languages`: those that the server has a name for.
pub(super) fn fulltext_languages(s: &mut Scan<'_, '_>) {
    let neutral = std::iter::once((0, "Neutral"));
    for (lcid, name) in languages::LANGUAGES.iter().map(|(l, _, a)| (i32::from(*l), *a)).chain(neutral) {
        s.row(&|column| match column {
            "lcid" => lcid.into(),
            "name" => name.into(),
            _ => Cell::Unsaid,
        });
    }
}
