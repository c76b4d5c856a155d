//! Partition functions and schemes, full-text catalogues and indexes: metadata only, no row lies elsewhere for them.

use crate::sandbox::ddl::ast::{ObjectName, Opt, Statement};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, name_in_use};
use crate::sandbox::ddl::normal;
use crate::sandbox::meta::database::{FullTextCatalog, PartitionFunction, PartitionScheme};
use crate::sandbox::meta::table::FullTextIndex;

use super::Run;

impl Run<'_> {
    pub(super) fn partition_or_fulltext(&mut self, statement: &Statement) -> DdlResult<()> {
        let database_id = self.target(&ObjectName::default())?;
        match statement {
            Statement::CreatePartitionFunction { name, ty, right, boundaries } => {
                self.allow_create(database_id, "ALTER ANY DATASPACE")?;
                let database = self.db(database_id)?.clone();
                if database.partition_functions.iter().any(|f| database.same(&f.name, name)) {
                    return Err(name_in_use(name, 2));
                }
                let resolved = super::types::resolve(&database, ty, None, 1)?;
                let now = self.now;
                let boundaries = boundaries.iter().map(normal::definition).collect();
                let database = self.shape(database_id)?;
                let id = database.new_other_id();
                database.partition_functions.push(PartitionFunction {
                    id,
                    name: name.clone(),
                    ty: resolved.ty,
                    right: *right,
                    boundaries,
                    created: now,
                    modified: now,
                });
                Ok(())
            }
            Statement::AlterPartitionFunction { name, split, boundary } => {
                let text = normal::definition(boundary);
                let database = self.shape(database_id)?;
                let same = |a: &str| crate::sandbox::meta::names::fold(a, database.ignore_case);
                let wanted = same(name);
                let Some(at) = database.partition_functions.iter().position(|f| same(&f.name) == wanted) else {
                    return Err(cannot_find("alter", "partition function", name));
                };
                let function = &mut database.partition_functions[at];
                if *split {
                    function.boundaries.push(text);
                } else {
                    function.boundaries.retain(|b| *b != text);
                }
                Ok(())
            }
            Statement::CreatePartitionScheme { name, function, all, to } => {
                self.allow_create(database_id, "ALTER ANY DATASPACE")?;
                let database = self.db(database_id)?.clone();
                let Some(found) = database.partition_functions.iter().find(|f| database.same(&f.name, function)) else {
                    return Err(DdlError::new(
                        7707,
                        1,
                        16,
                        format!(
                            "The associated partition function '{function}' generates more partitions than there are file groups mentioned in the scheme '{name}'."
                        ),
                    ));
                };
                if database.partition_schemes.iter().any(|s| database.same(&s.name, name))
                    || database.filegroups.iter().any(|g| database.same(&g.name, name))
                {
                    return Err(name_in_use(name, 1));
                }
                let mut destinations = Vec::new();
                for space in to {
                    destinations.push(self.data_space(database_id, space)?);
                }
                let partitions = found.boundaries.len() + 1;
                if *all {
                    let first = destinations.first().copied().unwrap_or(1);
                    destinations = vec![first; partitions];
                } else if destinations.len() < partitions {
                    return Err(DdlError::new(
                        7707,
                        1,
                        16,
                        format!(
                            "The associated partition function '{function}' generates more partitions than there are file \
                             groups mentioned in the scheme '{name}'."
                        ),
                    ));
                }
                let function_id = found.id;
                let database = self.shape(database_id)?;
                let data_space_id = database.new_data_space_id(true);
                database.partition_schemes.push(PartitionScheme {
                    data_space_id,
                    name: name.clone(),
                    function_id,
                    destinations,
                });
                Ok(())
            }
            Statement::AlterPartitionScheme { name, next_used } => {
                let space = match next_used {
                    Some(space) => Some(self.data_space(database_id, space)?),
                    None => None,
                };
                let database = self.db(database_id)?.clone();
                let Some(at) = database.partition_schemes.iter().position(|s| database.same(&s.name, name)) else {
                    return Err(cannot_find("alter", "partition scheme", name));
                };
                self.shape(database_id)?.partition_schemes[at].destinations.extend(space);
                Ok(())
            }
            Statement::CreateFullTextCatalog { name, default, accent_sensitive, authorization } => {
                let owner = match authorization {
                    Some(owner) => {
                        self.db(database_id)?
                            .principal(owner)
                            .ok_or_else(|| cannot_find("find", "user", owner))?
                            .principal_id
                    }
                    None => 1,
                };
                let database = self.db(database_id)?.clone();
                if database.fulltext_catalogs.iter().any(|c| database.same(&c.name, name)) {
                    return Err(DdlError::new(
                        7641,
                        1,
                        16,
                        format!("Full-text catalog '{name}' has been lost or already exists."),
                    ));
                }
                let database = self.shape(database_id)?;
                if *default {
                    database.fulltext_catalogs.iter_mut().for_each(|c| c.is_default = false);
                }
                let id = database.fulltext_catalogs.iter().map(|c| c.id + 1).max().unwrap_or(5);
                database.fulltext_catalogs.push(FullTextCatalog {
                    id,
                    name: name.clone(),
                    is_default: *default,
                    accent_sensitive: accent_sensitive.unwrap_or(true),
                    principal_id: owner,
                });
                Ok(())
            }
            Statement::CreateFullTextIndex { table, columns, key, catalog, options } => {
                self.create_fulltext_index(table, columns, key, catalog.as_deref(), options)
            }
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

    fn create_fulltext_index(
        &mut self,
        table: &ObjectName,
        columns: &[(String, Option<String>, Option<String>, bool)],
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
        .ok_or_else(|| cannot_find("find", "full-text catalog", catalog.unwrap_or("default")))?;
        let Some(t) = object.table_mut() else { return Ok(()) };
        let ci = database.ignore_case;
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
        let mut indexed = Vec::new();
        for (name, kind, language, semantics) in columns {
            let Some(column) = t.find_column(name, ci).map(|c| c.id) else {
                return Err(crate::sandbox::ddl::error::invalid_column(name));
            };
            let kind = kind.as_ref().and_then(|k| t.find_column(k, ci)).map(|c| c.id);
            // Assumption: a language given by name counts as the server's default, 1033.
            let language = language.as_ref().map_or(1033, |l| l.parse().unwrap_or(1033));
            indexed.push((column, kind, language, *semantics));
        }
        let tracking = options.iter().find(|o| o.name == "CHANGE_TRACKING").map(Opt::word);
        t.fulltext = Some(FullTextIndex {
            catalog_id,
            unique_index_id,
            stoplist_id: Some(0),
            change_tracking: match tracking.as_deref() {
                Some("MANUAL") => "M",
                Some("OFF") => "O",
                _ => "A",
            }
            .to_string(),
            columns: indexed,
        });
        self.put(database_id, object).map(|_| ())
    }
}
