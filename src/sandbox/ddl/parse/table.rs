//! CREATE TABLE, ALTER TABLE, table types: columns and constraints.

use crate::sandbox::meta::ReferentialAction;
use crate::sandbox::meta::table::{Generated, Graph};

use super::Cursor;
use crate::sandbox::ddl::ast::{
    Added, AlterTable, ColumnDef, ConstraintDef, ConstraintKind, Dropped, IndexDef, KeyColumn, Named, Statement,
    TableDef,
};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::expression::TypeName;
use crate::sandbox::ddl::lexer::Tok;

impl Cursor<'_> {
    pub(super) fn create_table(&mut self) -> DdlResult<Statement> {
        self.expect_word("TABLE")?;
        let name = self.object_name()?;
        let mut table = if self.is_sign(0, "(") { self.table_body()? } else { TableDef::default() };
        loop {
            if self.words(&["AS", "NODE"]) {
                table.graph = Some(Graph::Node);
            } else if self.words(&["AS", "EDGE"]) {
                table.graph = Some(Graph::Edge);
            } else if self.word("TEXTIMAGE_ON") {
                table.textimage_on = Some(self.any_name()?);
            } else if self.word("FILESTREAM_ON") {
                table.filestream_on = Some(self.any_name()?);
            } else if self.is(0, "ON") && table.on.is_none() {
                table.on = self.data_space()?;
            } else if self.is(0, "WITH") && self.is_sign(1, "(") {
                self.at += 1;
                table.options.extend(self.options()?);
            } else {
                break;
            }
        }
        if table.columns.is_empty() && table.graph.is_none() {
            return Err(self.unexpected());
        }
        Ok(Statement::CreateTable { name, table: Box::new(table) })
    }

    /// `( columns, constraints, indexes, PERIOD )`.
    pub(super) fn table_body(&mut self) -> DdlResult<TableDef> {
        let mut table = TableDef::default();
        self.expect("(")?;
        loop {
            if self.sign(")") {
                return Ok(table);
            }
            if self.are(&["PERIOD", "FOR", "SYSTEM_TIME"]) {
                self.at += 3;
                table.period = Some(self.period()?);
            } else if self.is(0, "INDEX") {
                let index = self.inline_index(None)?;
                table.indexes.push(index);
            } else if self.starts_constraint() {
                let constraint = self.constraint(None)?;
                table.constraints.push(constraint);
            } else {
                let column = self.column()?;
                table.columns.push(column);
            }
            // A table constraint may follow a column without a comma.
            if !self.sign(",") && !self.is_sign(0, ")") && !self.starts_constraint() {
                return Err(self.unexpected());
            }
        }
    }

    fn period(&mut self) -> DdlResult<(String, String)> {
        self.expect("(")?;
        let start = self.name()?;
        self.expect(",")?;
        let end = self.name()?;
        self.expect(")")?;
        Ok((start, end))
    }

    fn starts_constraint(&self) -> bool {
        ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"].iter().any(|w| self.is(0, w))
            || (self.is(0, "CONNECTION") && self.is_sign(1, "("))
            || (self.is(0, "DEFAULT") && !self.is_sign(1, "."))
    }

    pub(super) fn column(&mut self) -> DdlResult<ColumnDef> {
        let name = self.name()?;
        let mut column = ColumnDef {
            name,
            ty: None,
            computed: None,
            collation: None,
            nullable: None,
            identity: None,
            identity_not_for_replication: false,
            constraints: Vec::new(),
            indexes: Vec::new(),
            rowguid: false,
            sparse: false,
            column_set: false,
            filestream: false,
            hidden: false,
            mask: None,
            generated: Generated::Not,
            encryption: Vec::new(),
        };
        if self.word("AS") {
            let expr = self.expression()?;
            let persisted = self.word("PERSISTED");
            let not_null = persisted && self.words(&["NOT", "NULL"]);
            column.computed = Some((expr, persisted, not_null));
        } else if matches!(self.peek(), Tok::Sign("," | ")")) && column.name.eq_ignore_ascii_case("timestamp") {
            // A column that is only called timestamp is one.
            column.ty = Some(TypeName { schema: None, name: "timestamp".into(), facets: Default::default() });
        } else {
            column.ty = Some(self.type_name()?);
        }
        self.column_attributes(&mut column)?;
        Ok(column)
    }

    fn column_attributes(&mut self, column: &mut ColumnDef) -> DdlResult<()> {
        loop {
            if self.word("NULL") {
                column.nullable = Some(true);
            } else if self.words(&["NOT", "NULL"]) {
                column.nullable = Some(false);
            } else if self.words(&["NOT", "FOR", "REPLICATION"]) {
                column.identity_not_for_replication = true;
            } else if self.word("COLLATE") {
                column.collation = Some(self.name()?);
            } else if self.word("IDENTITY") {
                let mut pair = (1, 1);
                if self.sign("(") {
                    pair.0 = self.integer()?;
                    self.expect(",")?;
                    pair.1 = self.integer()?;
                    self.expect(")")?;
                }
                column.identity = Some(pair);
            } else if self.word("ROWGUIDCOL") {
                column.rowguid = true;
            } else if self.word("SPARSE") {
                column.sparse = true;
            } else if self.word("FILESTREAM") {
                column.filestream = true;
            } else if self.words(&["COLUMN_SET", "FOR", "ALL_SPARSE_COLUMNS"]) {
                column.column_set = true;
            } else if self.word("HIDDEN") {
                column.hidden = true;
            } else if self.word("PERSISTED") {
                if let Some(computed) = &mut column.computed {
                    computed.1 = true;
                }
            } else if self.are(&["MASKED", "WITH"]) {
                self.at += 2;
                column.mask = Some(self.mask()?);
            } else if self.are(&["ENCRYPTED", "WITH"]) {
                self.at += 2;
                column.encryption = self.options()?;
            } else if self.are(&["GENERATED", "ALWAYS", "AS"]) {
                self.at += 3;
                column.generated = self.generated()?;
            } else if self.is(0, "INDEX") {
                let name = column.name.clone();
                let index = self.inline_index(Some(&name))?;
                column.indexes.push(index);
            } else if self.starts_constraint() || self.is(0, "REFERENCES") {
                let name = column.name.clone();
                // A table constraint that follows without a comma belongs to the table.
                if self.table_constraint_follows() {
                    return Ok(());
                }
                let constraint = self.constraint(Some(&name))?;
                column.constraints.push(constraint);
            } else {
                return Ok(());
            }
        }
    }

    /// CONSTRAINT n PRIMARY KEY (…) after a column without a comma.
    fn table_constraint_follows(&self) -> bool {
        let mut n = 0;
        if self.is(n, "CONSTRAINT") {
            n += 2;
        }
        if self.is(n, "FOREIGN") {
            return self.is_sign(n + 2, "(");
        }
        if self.is(n, "PRIMARY") {
            n += 2;
        } else if self.is(n, "UNIQUE") {
            n += 1;
        } else {
            return false;
        }
        if self.is(n, "CLUSTERED") || self.is(n, "NONCLUSTERED") {
            n += 1;
        }
        self.is_sign(n, "(")
    }

    fn mask(&mut self) -> DdlResult<String> {
        self.expect("(")?;
        self.expect_word("FUNCTION")?;
        self.expect("=")?;
        let mask = self.text()?;
        self.expect(")")?;
        Ok(mask)
    }

    fn generated(&mut self) -> DdlResult<Generated> {
        let what = self.one_of(&["ROW", "TRANSACTION_ID", "SEQUENCE_NUMBER"]).ok_or_else(|| self.unexpected())?;
        let start = self.word("START");
        if !start {
            self.expect_word("END")?;
        }
        Ok(match (what.as_str(), start) {
            ("ROW", true) => Generated::RowStart,
            ("ROW", false) => Generated::RowEnd,
            ("TRANSACTION_ID", true) => Generated::TransactionIdStart,
            ("TRANSACTION_ID", false) => Generated::TransactionIdEnd,
            (_, true) => Generated::SequenceNumberStart,
            (_, false) => Generated::SequenceNumberEnd,
        })
    }

    /// A constraint; `column` is the column it is written at.
    pub(super) fn constraint(&mut self, column: Option<&str>) -> DdlResult<ConstraintDef> {
        let name = if self.word("CONSTRAINT") { Some(self.name()?) } else { None };
        let kind = if self.is(0, "PRIMARY") || self.is(0, "UNIQUE") {
            self.key(column)?
        } else if self.word("CHECK") {
            let not_for_replication = self.words(&["NOT", "FOR", "REPLICATION"]);
            self.expect("(")?;
            let expr = self.expression()?;
            self.expect(")")?;
            ConstraintKind::Check { expr, not_for_replication }
        } else if self.word("DEFAULT") {
            let expr = self.scalar()?;
            let mut with_values = self.words(&["WITH", "VALUES"]);
            let at = match column {
                Some(column) => column.to_string(),
                None => {
                    self.expect_word("FOR")?;
                    self.name()?
                }
            };
            with_values |= self.words(&["WITH", "VALUES"]);
            ConstraintKind::Default { expr, column: at, with_values }
        } else if self.is(0, "FOREIGN") || self.is(0, "REFERENCES") {
            self.foreign(column)?
        } else if self.word("CONNECTION") {
            let clauses = self.parenthesised(|c| {
                let from = c.object_name()?;
                c.expect_word("TO")?;
                Ok((from, c.object_name()?))
            })?;
            let (on_delete, ..) = self.actions()?;
            ConstraintKind::Edge { clauses, on_delete }
        } else {
            return Err(self.unexpected());
        };
        Ok(ConstraintDef { name, kind })
    }

    fn key(&mut self, column: Option<&str>) -> DdlResult<ConstraintKind> {
        let primary = self.word("PRIMARY");
        if primary {
            self.expect_word("KEY")?;
        } else {
            self.expect_word("UNIQUE")?;
        }
        let clustered = match self.one_of(&["CLUSTERED", "NONCLUSTERED"]).as_deref() {
            Some("CLUSTERED") => Some(true),
            Some(_) => Some(false),
            None => None,
        };
        let hash = self.word("HASH");
        let columns = match column {
            Some(name) if !self.is_sign(0, "(") => vec![KeyColumn { name: name.to_string(), descending: false }],
            _ => self.key_columns()?,
        };
        let options = self.index_options()?;
        let on = self.data_space()?;
        // Where memory-optimised keys say it, the options come after NONCLUSTERED HASH.
        Ok(ConstraintKind::Key { primary, clustered, hash, columns, options, on })
    }

    fn foreign(&mut self, column: Option<&str>) -> DdlResult<ConstraintKind> {
        let mut columns = Vec::new();
        if self.word("FOREIGN") {
            self.expect_word("KEY")?;
            if self.is_sign(0, "(") {
                columns = self.names()?;
            }
        }
        if columns.is_empty() {
            columns.extend(column.map(str::to_string));
        }
        self.expect_word("REFERENCES")?;
        let table = self.object_name()?;
        let referenced = if self.is_sign(0, "(") { self.names()? } else { Vec::new() };
        let (on_delete, on_update, not_for_replication) = self.actions()?;
        Ok(ConstraintKind::Foreign { columns, table, referenced, on_delete, on_update, not_for_replication })
    }

    fn actions(&mut self) -> DdlResult<(ReferentialAction, ReferentialAction, bool)> {
        let (mut delete, mut update, mut replication) =
            (ReferentialAction::NoAction, ReferentialAction::NoAction, false);
        loop {
            if self.words(&["NOT", "FOR", "REPLICATION"]) {
                replication = true;
            } else if self.are(&["ON", "DELETE"]) {
                self.at += 2;
                delete = self.action()?;
            } else if self.are(&["ON", "UPDATE"]) {
                self.at += 2;
                update = self.action()?;
            } else {
                return Ok((delete, update, replication));
            }
        }
    }

    fn action(&mut self) -> DdlResult<ReferentialAction> {
        if self.words(&["NO", "ACTION"]) {
            Ok(ReferentialAction::NoAction)
        } else if self.word("CASCADE") {
            Ok(ReferentialAction::Cascade)
        } else if self.words(&["SET", "NULL"]) {
            Ok(ReferentialAction::SetNull)
        } else if self.words(&["SET", "DEFAULT"]) {
            Ok(ReferentialAction::SetDefault)
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn alter_table(&mut self) -> DdlResult<Statement> {
        self.expect_word("TABLE")?;
        let name = self.object_name()?;
        let check = if self.words(&["WITH", "CHECK"]) {
            Some(true)
        } else if self.words(&["WITH", "NOCHECK"]) {
            Some(false)
        } else {
            None
        };
        let action = if self.word("ADD") {
            AlterTable::Add { check, items: self.comma_list(|c| c.added())? }
        } else if self.words(&["ALTER", "COLUMN"]) {
            self.alter_column()?
        } else if self.word("DROP") {
            AlterTable::Drop(self.dropped()?)
        } else if self.is(0, "CHECK") || self.is(0, "NOCHECK") {
            let enable = self.word("CHECK");
            if !enable {
                self.at += 1;
            }
            self.expect_word("CONSTRAINT")?;
            AlterTable::Constraint { check, enable, names: self.all_or_names()? }
        } else if (self.is(0, "ENABLE") || self.is(0, "DISABLE")) && self.is(1, "TRIGGER") {
            let enable = self.word("ENABLE");
            if !enable {
                self.at += 1;
            }
            self.at += 1;
            AlterTable::Trigger { enable, names: self.all_or_names()? }
        } else if (self.is(0, "ENABLE") || self.is(0, "DISABLE")) && self.is(1, "CHANGE_TRACKING") {
            let enable = self.word("ENABLE");
            if !enable {
                self.at += 1;
            }
            self.at += 1;
            let options = if self.word("WITH") { self.options()? } else { Vec::new() };
            AlterTable::ChangeTracking { enable, options }
        } else if self.word("SET") {
            AlterTable::Set(self.options()?)
        } else if self.word("REBUILD") {
            if self.word("PARTITION") {
                self.expect("=")?;
                if !self.word("ALL") {
                    self.integer()?;
                }
            }
            let options = if self.word("WITH") { self.options()? } else { Vec::new() };
            AlterTable::Rebuild(options)
        } else if self.is(0, "SWITCH") {
            return Err(super::unsupported("ALTER TABLE SWITCH"));
        } else {
            return Err(self.unexpected());
        };
        Ok(Statement::AlterTable { name, action: Box::new(action) })
    }

    fn added(&mut self) -> DdlResult<Added> {
        if self.are(&["PERIOD", "FOR", "SYSTEM_TIME"]) {
            self.at += 3;
            let (start, end) = self.period()?;
            return Ok(Added::Period(start, end));
        }
        if self.is(0, "INDEX") {
            return Ok(Added::Index(Box::new(self.inline_index(None)?)));
        }
        if self.starts_constraint() {
            return Ok(Added::Constraint(self.constraint(None)?));
        }
        self.word("COLUMN");
        Ok(Added::Column(Box::new(self.column()?)))
    }

    fn alter_column(&mut self) -> DdlResult<AlterTable> {
        let name = self.name()?;
        if self.is(0, "ADD") || self.is(0, "DROP") {
            let add = self.word("ADD");
            if !add {
                self.at += 1;
            }
            if self.word("MASKED") {
                let mask = if self.word("WITH") { Some(self.mask()?) } else { None };
                return Ok(AlterTable::ColumnProperty { name, add, property: "MASKED".into(), mask });
            }
            if self.words(&["NOT", "FOR", "REPLICATION"]) {
                let property = "NOT FOR REPLICATION".into();
                return Ok(AlterTable::ColumnProperty { name, add, property, mask: None });
            }
            let property =
                self.one_of(&["ROWGUIDCOL", "PERSISTED", "SPARSE", "HIDDEN"]).ok_or_else(|| self.unexpected())?;
            return Ok(AlterTable::ColumnProperty { name, add, property, mask: None });
        }
        let ty = self.type_name()?;
        let (mut collation, mut nullable, mut sparse) = (None, None, None);
        loop {
            if self.word("COLLATE") {
                collation = Some(self.name()?);
            } else if self.words(&["NOT", "NULL"]) {
                nullable = Some(false);
            } else if self.word("NULL") {
                nullable = Some(true);
            } else if self.word("SPARSE") {
                sparse = Some(true);
            } else if self.are(&["WITH"]) && self.is_sign(1, "(") {
                self.at += 1;
                self.options()?;
            } else {
                return Ok(AlterTable::AlterColumn { name, ty, collation, nullable, sparse });
            }
        }
    }

    fn dropped(&mut self) -> DdlResult<Vec<Dropped>> {
        let mut out = Vec::new();
        // The word CONSTRAINT or COLUMN holds for the names that follow it.
        let mut column = false;
        loop {
            if self.words(&["PERIOD", "FOR", "SYSTEM_TIME"]) {
                out.push(Dropped::Period);
            } else {
                if self.word("CONSTRAINT") {
                    column = false;
                } else if self.word("COLUMN") {
                    column = true;
                }
                let if_exists = self.words(&["IF", "EXISTS"]);
                let name = self.name()?;
                out.push(if column {
                    Dropped::Column { name, if_exists }
                } else {
                    Dropped::Constraint { name, if_exists }
                });
                if self.is(0, "WITH") && self.is_sign(1, "(") {
                    self.at += 1;
                    self.options()?;
                }
            }
            if !self.sign(",") {
                return Ok(out);
            }
        }
    }

    pub(super) fn all_or_names(&mut self) -> DdlResult<Named> {
        if self.word("ALL") { Ok(Named::All) } else { Ok(Named::These(self.comma_list(|c| c.name())?)) }
    }

    /// INDEX name … inside a table; `column` when written at a column.
    pub(super) fn inline_index(&mut self, column: Option<&str>) -> DdlResult<IndexDef> {
        self.expect_word("INDEX")?;
        let name = self.name()?;
        self.index_tail(name, column)
    }
}
