//! Statistics.

use crate::sandbox::ddl::ast::{ObjectName, Opt};
use crate::sandbox::ddl::error::{DdlError, DdlResult, no_index_column, unknown_option};
use crate::sandbox::ddl::expression::Expr;
use crate::sandbox::meta::table::Statistics;

use super::Run;
use super::index::{columns_of, indexes_of};

impl Run<'_> {
    pub(super) fn create_statistics(
        &mut self,
        name: &str,
        table: &ObjectName,
        columns: &[String],
        filter: Option<&Expr>,
        options: &[Opt],
    ) -> DdlResult<()> {
        let (database_id, mut object) = self.indexable(table, 12)?;
        let database = self.db(database_id)?.clone();
        let all = columns_of(&object);
        let mut ids = Vec::new();
        for column in columns {
            let found = all.iter().find(|c| database.same(&c.name, column)).ok_or_else(|| no_index_column(column))?;
            ids.push(found.id);
        }
        let text = match filter {
            Some(filter) => Some(self.filter(&object, &all, filter, database.ignore_case)?),
            None => None,
        };
        let taken = indexes_of(&object).iter().any(|i| database.same(&i.name, name));
        let Some(t) = object.table_mut() else {
            return Err(crate::sandbox::ddl::parse::unsupported("CREATE STATISTICS on a view"));
        };
        if taken || t.statistics.iter().any(|s| database.same(&s.name, name)) {
            return Err(DdlError::new(
                1927,
                1,
                16,
                format!("There are already statistics on table '{}' named '{name}'.", table.shown()),
            ));
        }
        let used =
            |id: i32| t.statistics.iter().any(|s| s.stats_id == id) || t.indexes.iter().any(|i| i.index_id == id);
        let stats_id = (2..).find(|id| !used(*id)).unwrap_or(i32::MAX);
        let has = |n: &str| options.iter().any(|o| o.name == n && o.is_on());
        for option in options {
            match option.name.as_str() {
                // How they are gathered; there are no rows' statistics here.
                "NORECOMPUTE"
                | "INCREMENTAL"
                | "FULLSCAN"
                | "SAMPLE"
                | "MAXDOP"
                | "PERSIST_SAMPLE_PERCENT"
                | "STATS_STREAM"
                | "ROWCOUNT"
                | "PAGECOUNT" => {}
                "AUTO_DROP" if !option.is_on() => {}
                "AUTO_DROP" => return Err(crate::sandbox::ddl::parse::unsupported("AUTO_DROP")),
                other => return Err(unknown_option(other, "CREATE STATISTICS")),
            }
        }
        t.statistics.push(Statistics {
            stats_id,
            name: name.to_string(),
            columns: ids,
            filter: text,
            no_recompute: has("NORECOMPUTE"),
            incremental: has("INCREMENTAL"),
            auto_created: false,
        });
        self.put(database_id, object)?;
        Ok(())
    }
}

impl Run<'_> {
    pub(super) fn drop_statistics(&mut self, name: &ObjectName, if_exists: bool) -> DdlResult<()> {
        // table.statistics, or schema.table.statistics.
        let table =
            ObjectName { database: None, schema: name.database.clone(), name: name.schema.clone().unwrap_or_default() };
        let missing = || {
            DdlError::new(
                3701,
                6,
                11,
                format!(
                    "Cannot drop the statistics '{}', because it does not exist or you do not have permission.",
                    name.shown()
                ),
            )
        };
        let Some((database_id, object)) = self.find(&table)? else {
            return if if_exists { Ok(()) } else { Err(missing()) };
        };
        let database = self.db(database_id)?.clone();
        let mut object = object.as_ref().clone();
        let Some(t) = object.table_mut() else { return Err(missing()) };
        let before = t.statistics.len();
        t.statistics.retain(|s| !database.same(&s.name, &name.name));
        if t.statistics.len() == before {
            return if if_exists { Ok(()) } else { Err(missing()) };
        }
        self.put(database_id, object).map(|_| ())
    }
}
