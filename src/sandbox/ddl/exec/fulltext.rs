//! Full-text catalogues, indexes and stop lists: metadata, nothing is indexed.

use crate::sandbox::ddl::ast::{AlterFullText, FullTextColumn, ObjectName, Opt, Statement};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, invalid_column};
use crate::sandbox::meta::database::{FullTextCatalog, StopList};
use crate::sandbox::meta::table::FullTextIndex;
use crate::sandbox::meta::{Database, Table, languages};

use super::Run;

type IndexedColumn = (i32, Option<i32>, i32, bool);

impl Run<'_> {
    pub(super) fn fulltext(&mut self, statement: &Statement) -> DdlResult<()> {
        match statement {
            Statement::CreateFullTextCatalog { name, default, accent_sensitive, authorization } => {
                self.create_fulltext_catalog(name, *default, *accent_sensitive, authorization.as_deref())
            }
            Statement::AlterFullTextCatalog { name, default, accent_sensitive } => {
                let database_id = self.rare_place("ALTER ANY FULLTEXT CATALOG")?;
                let database = self.shape(database_id)?;
                let ci = database.ignore_case;
                let same = |c: &FullTextCatalog| {
                    crate::sandbox::meta::names::fold(&c.name, ci) == crate::sandbox::meta::names::fold(name, ci)
                };
                let Some(at) = database.fulltext_catalogs.iter().position(same) else {
                    return Err(cannot_find("alter", "full-text catalog", name));
                };
                if *default {
                    for (n, catalog) in database.fulltext_catalogs.iter_mut().enumerate() {
                        catalog.is_default = n == at;
                    }
                }
                let catalog = &mut database.fulltext_catalogs[at];
                catalog.accent_sensitive = accent_sensitive.unwrap_or(catalog.accent_sensitive);
                Ok(())
            }
            Statement::CreateFullTextIndex { table, columns, key, catalog, options } => {
                self.create_fulltext_index(table, columns, key, catalog.as_deref(), options)
            }
            Statement::AlterFullTextIndex { table, action } => self.alter_fulltext_index(table, action),
            Statement::DropFullTextIndex { table } => {
                let (database_id, object) = self.find_table(table)?;
                let mut object = object.as_ref().clone();
                if let Some(t) = object.table_mut() {
                    t.fulltext = None;
                }
                self.put(database_id, object).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn create_fulltext_catalog(
        &mut self,
        name: &str,
        default: bool,
        accent_sensitive: Option<bool>,
        authorization: Option<&str>,
    ) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE FULLTEXT CATALOG")?;
        let owner = self.owner(database_id, authorization)?;
        let database = self.db(database_id)?.clone();
        if database.fulltext_catalogs.iter().any(|c| database.same(&c.name, name)) {
            return Err(DdlError::new(
                7642,
                1,
                16,
                format!("A full-text catalog named '{name}' already exists in this database. Use a different name."),
            ));
        }
        let database = self.shape(database_id)?;
        if default {
            database.fulltext_catalogs.iter_mut().for_each(|c| c.is_default = false);
        }
        let id = database.fulltext_catalogs.iter().map(|c| c.id + 1).max().unwrap_or(5);
        database.fulltext_catalogs.push(FullTextCatalog {
            id,
            name: name.to_string(),
            is_default: default,
            accent_sensitive: accent_sensitive.unwrap_or(true),
            principal_id: owner,
        });
        Ok(())
    }

    fn create_fulltext_index(
        &mut self,
        table: &ObjectName,
        columns: &[FullTextColumn],
        key: &str,
        catalog: Option<&str>,
        options: &[Opt],
    ) -> DdlResult<()> {
        let (database_id, object) = self.find_table(table)?;
        let database = self.db(database_id)?.clone();
        let mut object = object.as_ref().clone();
        let catalog_id = match catalog {
            Some(name) => database.fulltext_catalogs.iter().find(|c| database.same(&c.name, name)),
            None => database.fulltext_catalogs.iter().find(|c| c.is_default),
        }
        .map(|c| c.id)
        .ok_or_else(|| match catalog {
            Some(name) => DdlError::new(
                7641,
                1,
                16,
                format!(
                    "Full-Text catalog '{name}' does not exist in database '{}' or user does not have permission to perform \
                     this action.",
                    database.name
                ),
            ),
            // Assumption: 9967 rather than 7623, which is a warning with the same words.
            None => DdlError::new(
                9967,
                1,
                16,
                format!(
                    "A default full-text catalog does not exist in database '{}' or user does not have permission to perform \
                     this action.",
                    database.name
                ),
            ),
        })?;
        let Some(t) = object.table_mut() else { return Ok(()) };
        let index = t.indexes.iter().find(|i| database.same(&i.name, key) && i.unique).map(|i| i.index_id);
        let Some(unique_index_id) = index else {
            return Err(DdlError::new(
                7653,
                2,
                16,
                format!(
                    "'{key}' is not a valid index to enforce a full-text search key. A full-text search key must be a unique, \
                     non-nullable, single-column index which is not offline, is not defined on a non-deterministic or \
                     imprecise nonpersisted computed column, does not have a filter, and has maximum size of 900 bytes. Choose \
                     another index for the full-text key."
                ),
            ));
        };
        let mut made = FullTextIndex {
            catalog_id,
            unique_index_id,
            stoplist_id: Some(0),
            change_tracking: "A".into(),
            enabled: true,
            columns: indexed(&database, t, columns)?,
        };
        for option in options {
            set(&database, &mut made, option)?;
        }
        t.fulltext = Some(made);
        self.put(database_id, object).map(|_| ())
    }

    fn alter_fulltext_index(&mut self, table: &ObjectName, action: &AlterFullText) -> DdlResult<()> {
        let (database_id, object) = self.find_table(table)?;
        let database = self.db(database_id)?.clone();
        let mut object = object.as_ref().clone();
        let Some(t) = object.table_mut() else { return Ok(()) };
        let Some(mut index) = t.fulltext.clone() else {
            return Err(cannot_find("alter", "full-text index", &table.shown()));
        };
        match action {
            AlterFullText::Enable(on) => index.enabled = *on,
            AlterFullText::Add(columns) => index.columns.extend(indexed(&database, t, columns)?),
            AlterFullText::Drop(names) => {
                for name in names {
                    let found = t.find_column(name, database.ignore_case).map(|c| c.id);
                    let id = found.ok_or_else(|| invalid_column(name))?;
                    index.columns.retain(|c| c.0 != id);
                }
            }
            AlterFullText::Set(option) => set(&database, &mut index, option)?,
            AlterFullText::Population => {}
        }
        t.fulltext = Some(index);
        self.put(database_id, object).map(|_| ())
    }

    pub(super) fn stoplist(&mut self, name: &str, owner: Option<&str>, from: Option<&str>) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY FULLTEXT CATALOG")?;
        let owner = self.owner(database_id, owner)?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        if database.fulltext_stoplists.iter().any(|s| database.same(&s.name, name)) {
            return Err(crate::sandbox::ddl::error::name_in_use(name, 1));
        }
        let words = match from {
            None => Vec::new(),
            // Assumption: the system's list is empty here; its words are not at hand.
            Some("") => Vec::new(),
            Some(other) => {
                let found = database.fulltext_stoplists.iter().find(|s| database.same(&s.name, other));
                found.ok_or_else(|| cannot_find("find", "full-text stoplist", other))?.words.clone()
            }
        };
        let database = self.shape(database_id)?;
        let id = database.fulltext_stoplists.iter().map(|s| s.id + 1).max().unwrap_or(5);
        let made = StopList { id, name: name.into(), principal_id: owner, created: now, modified: now, words };
        database.fulltext_stoplists.push(made);
        Ok(())
    }

    pub(super) fn alter_stoplist(
        &mut self,
        name: &str,
        word: Option<&str>,
        add: bool,
        language: Option<&str>,
    ) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY FULLTEXT CATALOG")?;
        let now = self.now;
        let lcid = language.map(language_of).transpose()?;
        let at = {
            let database = self.db(database_id)?;
            database.fulltext_stoplists.iter().position(|s| database.same(&s.name, name))
        };
        let at = at.ok_or_else(|| cannot_find("alter", "full-text stoplist", name))?;
        let list = &mut self.shape(database_id)?.fulltext_stoplists[at];
        list.modified = now;
        match word {
            Some(word) if add => {
                let entry = (word.to_string(), lcid.unwrap_or(1033));
                if !list.words.contains(&entry) {
                    list.words.push(entry);
                }
            }
            Some(word) => list.words.retain(|(w, l)| !(w == word && lcid.is_none_or(|lcid| lcid == *l))),
            None => list.words.retain(|(_, l)| lcid.is_some_and(|lcid| lcid != *l)),
        }
        Ok(())
    }
}

fn language_of(text: &str) -> DdlResult<i32> {
    languages::lcid(text).ok_or_else(|| {
        DdlError::new(
            7696,
            2,
            16,
            "Invalid locale ID was specified. Please verify that the locale ID is correct and corresponding language \
             resource has been installed.",
        )
    })
}

fn indexed(database: &Database, table: &Table, columns: &[FullTextColumn]) -> DdlResult<Vec<IndexedColumn>> {
    let find = |name: &str| {
        let found = table.find_column(name, database.ignore_case).map(|c| c.id);
        found.ok_or_else(|| invalid_column(name))
    };
    columns
        .iter()
        .map(|c| {
            let type_column = c.type_column.as_deref().map(find).transpose()?;
            let language = c.language.as_deref().map(language_of).transpose()?.unwrap_or(1033);
            Ok((find(&c.name)?, type_column, language, c.semantics))
        })
        .collect()
}

fn set(database: &Database, index: &mut FullTextIndex, option: &Opt) -> DdlResult<()> {
    let word = option.word();
    let said = crate::sandbox::ddl::ast::said(std::slice::from_ref(option), &option.name).unwrap_or_default();
    match option.name.as_str() {
        "CHANGE_TRACKING" => {
            index.change_tracking = match word.as_str() {
                "MANUAL" => "M",
                "OFF" => "O",
                "AUTO" => "A",
                other => return Err(crate::sandbox::ddl::error::syntax(other)),
            }
            .to_string();
        }
        "STOPLIST" => {
            index.stoplist_id = match word.as_str() {
                "OFF" => None,
                "SYSTEM" => Some(0),
                _ => {
                    let found = database.fulltext_stoplists.iter().find(|s| database.same(&s.name, &said));
                    Some(found.ok_or_else(|| cannot_find("find", "full-text stoplist", &said))?.id)
                }
            }
        }
        "SEARCH PROPERTY LIST" => {}
        other => return Err(crate::sandbox::ddl::error::syntax(other)),
    }
    Ok(())
}
