//! CREATE, ALTER and DROP INDEX, and statistics.

use crate::sandbox::meta::IndexKind;

use super::Cursor;
use crate::sandbox::ddl::ast::{
    AlterIndex, IndexDef, KeyColumn, ObjectName, Opt, OptValue, PathDef, SelectiveDef, Statement,
};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::lexer::Tok;

impl Cursor<'_> {
    /// WITH ( … ) of an index or key, or the old form without parentheses.
    pub(super) fn index_options(&mut self) -> DdlResult<Vec<Opt>> {
        if self.is(0, "WITH") && self.is_sign(1, "(") {
            self.at += 1;
            return self.options();
        }
        let old =
            ["FILLFACTOR", "PAD_INDEX", "IGNORE_DUP_KEY", "DROP_EXISTING", "STATISTICS_NORECOMPUTE", "SORT_IN_TEMPDB"];
        if self.is(0, "WITH") && old.iter().any(|w| self.is(1, w)) {
            self.at += 1;
            let mut out = Vec::new();
            loop {
                let name = self.one_of(&old).ok_or_else(|| self.unexpected())?;
                let value = if self.sign("=") { self.option_value(0)? } else { OptValue::None };
                out.push(Opt { name, value, partitions: None });
                // The comma may already belong to the table.
                if self.is_sign(0, ",") && old.iter().any(|w| self.is(1, w)) {
                    self.at += 1;
                } else {
                    return Ok(out);
                }
            }
        }
        Ok(Vec::new())
    }

    /// What follows the name of an inline index.
    pub(super) fn index_tail(&mut self, name: String, column: Option<&str>) -> DdlResult<IndexDef> {
        let unique = self.word("UNIQUE");
        let mut kind = IndexKind::Nonclustered;
        if self.word("CLUSTERED") {
            kind = IndexKind::Clustered;
        } else {
            self.word("NONCLUSTERED");
        }
        if self.word("COLUMNSTORE") {
            kind = if kind == IndexKind::Clustered {
                IndexKind::ClusteredColumnstore
            } else {
                IndexKind::NonclusteredColumnstore
            };
        } else if self.word("HASH") {
            kind = IndexKind::Hash;
        }
        let columns = if self.is_sign(0, "(") {
            self.key_columns()?
        } else {
            column.map(|c| KeyColumn { name: c.to_string(), descending: false }).into_iter().collect()
        };
        self.rest_of_index(IndexDef { name, kind, unique, columns, ..IndexDef::default() })
    }

    fn rest_of_index(&mut self, mut index: IndexDef) -> DdlResult<IndexDef> {
        if self.is(0, "INCLUDE") && self.is_sign(1, "(") {
            self.at += 1;
            index.include = self.names()?;
        }
        if self.is(0, "ORDER") && self.is_sign(1, "(") {
            // Ordered columnstore: the order is a hint for the build.
            self.at += 1;
            self.names()?;
        }
        if self.word("WHERE") {
            index.filter = Some(self.expression()?);
        }
        index.options = self.index_options()?;
        index.on = self.data_space()?;
        if self.word("FILESTREAM_ON") {
            self.any_name()?;
        }
        Ok(index)
    }

    pub(super) fn create_index(&mut self) -> DdlResult<Statement> {
        let mut index = IndexDef { unique: self.word("UNIQUE"), ..IndexDef::default() };
        let selective = self.words(&["SELECTIVE", "XML"]);
        if selective || self.words(&["PRIMARY", "XML"]) || self.word("XML") {
            index.kind = IndexKind::Xml;
        } else if self.word("SPATIAL") {
            index.kind = IndexKind::Spatial;
        } else {
            let clustered = self.word("CLUSTERED");
            if !clustered {
                self.word("NONCLUSTERED");
            }
            index.kind = match (clustered, self.word("COLUMNSTORE")) {
                (true, true) => IndexKind::ClusteredColumnstore,
                (true, false) => IndexKind::Clustered,
                (false, true) => IndexKind::NonclusteredColumnstore,
                (false, false) => IndexKind::Nonclustered,
            };
        }
        self.expect_word("INDEX")?;
        index.name = self.name()?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        if self.is_sign(0, "(") {
            index.columns = self.key_columns()?;
        } else if index.kind != IndexKind::ClusteredColumnstore {
            return Err(self.unexpected());
        }
        if self.words(&["USING", "XML", "INDEX"]) {
            let primary = self.name()?;
            self.expect_word("FOR")?;
            // A path of a selective index stands in parentheses.
            let kind = if self.sign("(") {
                let path = self.name()?;
                self.expect(")")?;
                format!("({path}")
            } else {
                self.one_of(&["PATH", "VALUE", "PROPERTY"]).ok_or_else(|| self.unexpected())?
            };
            index.using_xml = Some((primary, kind));
        } else if selective {
            index.selective = Some(self.selective_paths()?);
        } else if self.word("USING") {
            index.tessellation = Some(self.any_name()?.to_uppercase());
        }
        let index = self.rest_of_index(index)?;
        Ok(Statement::CreateIndex { table, index: Box::new(index) })
    }

    /// `[WITH XMLNAMESPACES (…)] FOR (path = '…' [AS XQUERY '…' | AS SQL type] …)`.
    fn selective_paths(&mut self) -> DdlResult<SelectiveDef> {
        let mut out = SelectiveDef::default();
        if self.words(&["WITH", "XMLNAMESPACES"]) {
            out.namespaces = self.parenthesised(|c| {
                if c.word("DEFAULT") {
                    return Ok((String::new(), c.text()?));
                }
                let uri = c.text()?;
                c.expect_word("AS")?;
                Ok((c.name()?, uri))
            })?;
        }
        self.expect_word("FOR")?;
        out.paths = self.parenthesised(|c| {
            let mut path = PathDef { name: c.name()?, ..PathDef::default() };
            c.expect("=")?;
            path.path = c.text()?;
            if c.words(&["AS", "SQL"]) {
                path.sql = Some(c.type_name()?);
            } else if c.words(&["AS", "XQUERY"]) {
                if matches!(c.peek(), Tok::Text { .. }) {
                    path.xquery = Some(c.text()?);
                }
                path.node = c.node_hint()?;
                if c.word("MAXLENGTH") {
                    c.expect("(")?;
                    path.max_length = Some(i32::try_from(c.integer()?).map_err(|_| c.unexpected())?);
                    c.expect(")")?;
                }
            }
            path.singleton = c.word("SINGLETON");
            Ok(path)
        })?;
        Ok(out)
    }

    fn node_hint(&mut self) -> DdlResult<bool> {
        if !(self.is(0, "NODE") && self.is_sign(1, "(")) {
            return Ok(false);
        }
        self.at += 2;
        self.expect(")")?;
        Ok(true)
    }

    pub(super) fn alter_index(&mut self) -> DdlResult<Statement> {
        self.expect_word("INDEX")?;
        let name = if self.word("ALL") { None } else { Some(self.name()?) };
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let action = if self.word("REBUILD") {
            self.partition_number()?;
            AlterIndex::Rebuild(if self.word("WITH") { self.options()? } else { Vec::new() })
        } else if self.word("REORGANIZE") {
            self.partition_number()?;
            if self.word("WITH") {
                self.options()?;
            }
            AlterIndex::Reorganize
        } else if self.word("DISABLE") {
            AlterIndex::Disable
        } else if self.word("SET") {
            AlterIndex::Set(self.options()?)
        } else {
            return Err(self.unexpected());
        };
        Ok(Statement::AlterIndex { name, table, action })
    }

    fn partition_number(&mut self) -> DdlResult<()> {
        if self.word("PARTITION") {
            self.expect("=")?;
            if !self.word("ALL") {
                self.integer()?;
            }
        }
        Ok(())
    }

    /// DROP INDEX i ON t, …; and the old t.i.
    pub(super) fn drop_index(&mut self) -> DdlResult<Statement> {
        let if_exists = self.words(&["IF", "EXISTS"]);
        let items = self.comma_list(|c| {
            let mut name = c.object_name()?;
            if c.word("ON") {
                let table = c.object_name()?;
                if c.is(0, "WITH") && c.is_sign(1, "(") {
                    c.at += 1;
                    c.options()?;
                }
                return Ok((name.name, table));
            }
            // table.index: what was read as schema is the table.
            let Some(table) = name.schema.take() else { return Err(c.unexpected()) };
            Ok((name.name, ObjectName { database: None, schema: name.database, name: table }))
        })?;
        Ok(Statement::DropIndex { items, if_exists })
    }

    pub(super) fn create_statistics(&mut self) -> DdlResult<Statement> {
        self.expect_word("STATISTICS")?;
        let name = self.name()?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let columns = self.names()?;
        let filter = if self.word("WHERE") { Some(self.expression()?) } else { None };
        let options = if self.word("WITH") { self.statistics_options()? } else { Vec::new() };
        Ok(Statement::CreateStatistics { name, table, columns, filter, options })
    }

    fn statistics_options(&mut self) -> DdlResult<Vec<Opt>> {
        self.comma_list(|c| {
            let name = c.any_name()?.to_uppercase();
            let mut value = OptValue::None;
            if c.sign("=") {
                value = c.option_value(0)?;
            } else if name == "SAMPLE" {
                c.integer()?;
                c.one_of(&["PERCENT", "ROWS"]);
            }
            Ok(Opt { name, value, partitions: None })
        })
    }

    pub(super) fn update_statistics(&mut self) -> DdlResult<Statement> {
        self.at += 2;
        let table = self.object_name()?;
        if self.is_sign(0, "(") {
            self.names()?;
        } else if !self.is(0, "WITH") && self.name().is_err() {
            // Nothing more was said.
        }
        if self.word("WITH") {
            self.statistics_options()?;
        }
        Ok(Statement::UpdateStatistics { table })
    }
}
