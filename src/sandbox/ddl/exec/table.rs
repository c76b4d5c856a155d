//! CREATE TABLE: columns resolved, constraints and indexes added in the server's order.

use crate::sandbox::ddl::ast::{ColumnDef, ConstraintDef, ConstraintKind, ObjectName, Opt, OptValue, TableDef};
use crate::sandbox::ddl::error::{DdlError, DdlResult, each_once, syntax, unknown_option};
use crate::sandbox::ddl::hooks::Hooks;
use crate::sandbox::ddl::normal;
use crate::sandbox::ddl::parse::unsupported;
use crate::sandbox::meta::names::fold;
use crate::sandbox::meta::table::{ColumnEncryption, Durability, Generated, Temporal};
use crate::sandbox::meta::{
    Column, Computed, Counter, Identity, Index, IndexColumn, IndexKind, Kind, Object, Server, Stamp, Table, types,
};
use crate::sandbox::value::Base;

use super::types::{Resolved, resolve};
use super::{Run, Who};

/// What a table is being made for: messages and rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Making {
    /// CREATE TABLE.
    Table,
    /// CREATE TYPE AS TABLE, RETURNS @t TABLE, table variables.
    Type,
}

impl Run<'_> {
    pub(super) fn create_table(&mut self, name: &ObjectName, def: &TableDef) -> DdlResult<()> {
        let database_id = self.target(name)?;
        self.allow_create(database_id, "CREATE TABLE")?;
        let schema_id = self.schema(database_id, name)?;
        self.free_name(database_id, schema_id, &name.name, 6)?;
        let object = self.fresh(database_id, schema_id, &name.name, 0, Kind::Table(Box::default()))?;
        let object = self.fill_table(database_id, object, def, Making::Table)?;
        self.finish_table(database_id, object, def)
    }

    /// The object with its columns, keys, checks and foreign keys; put into the catalogue as it goes, so that names and
    /// self-references resolve.
    pub(super) fn fill_table(
        &mut self,
        database_id: i32,
        mut object: Object,
        def: &TableDef,
        making: Making,
    ) -> DdlResult<Object> {
        self.duplicate_names(def)?;
        let table_name = object.name.clone();
        let mut table = Table { uses_ansi_nulls: self.who.ansi_nulls, data_space_id: 1, ..Table::default() };
        self.table_options(database_id, &mut table, def)?;
        // What a graph table has by itself comes first.
        table.max_column_id = table.graph.map_or(0, |g| i32::try_from(g.columns().len()).unwrap_or(0));
        // Regular columns first: computed ones need their types.
        for column in &def.columns {
            if table.find_column(&column.name, self.db(database_id)?.ignore_case).is_some() {
                return Err(DdlError::new(
                    2705,
                    3,
                    16,
                    format!(
                        "Column names in each table must be unique. Column name '{}' in table '{table_name}' is specified \
                         more than once.",
                        column.name
                    ),
                ));
            }
            let id = table.max_column_id + 1;
            let made = self.column(database_id, &table_name, id, column, def)?;
            table.columns.push(made);
            table.max_column_id = id;
        }
        for (n, column) in def.columns.iter().enumerate() {
            if let Some(asked) = &column.computed {
                self.compute(database_id, &table_name, &mut table, n, asked)?;
            }
        }
        if let Some((start, end)) = &def.period {
            let ci = self.db(database_id)?.ignore_case;
            let id = |name: &str| table.find_column(name, ci).map(|c| c.id);
            table.period = id(start).zip(id(end));
        }
        if let Some(on) = def.on.as_ref().and_then(|on| on.column.as_ref()) {
            let ci = self.db(database_id)?.ignore_case;
            table.partition_column = table.find_column(on, ci).map(|c| c.id);
        }
        if table.columns.iter().filter(|c| c.identity.is_some()).count() > 1 {
            return Err(DdlError::new(
                2744,
                2,
                16,
                format!(
                    "Multiple identity columns specified for table '{table_name}'. Only one identity column per table is allowed."
                ),
            ));
        }
        object.kind = Kind::Table(Box::new(table));
        // Key columns that do not say NULL are NOT NULL.
        let primary = |c: &ConstraintDef| matches!(c.kind, ConstraintKind::Key { primary: true, .. });
        let mut primaries =
            def.constraints.iter().chain(def.columns.iter().flat_map(|c| &c.constraints)).filter(|c| primary(c));
        if let Some(ConstraintDef { kind: ConstraintKind::Key { columns, .. }, .. }) = primaries.next() {
            let ci = self.db(database_id)?.ignore_case;
            for key in columns {
                let said = def
                    .columns
                    .iter()
                    .find(|c| fold(&c.name, ci) == fold(&key.name, ci))
                    .is_some_and(|c| c.nullable == Some(true));
                if let Some(table) = object.table_mut()
                    && !said
                    && let Some(id) = table.find_column(&key.name, ci).map(|c| c.id)
                    && let Some(column) = table.column_mut(id)
                    && column.computed.is_none()
                {
                    column.nullable = false;
                }
            }
        }
        if primaries.next().is_some() {
            return Err(DdlError::new(
                8110,
                0,
                16,
                format!("Cannot add multiple PRIMARY KEY constraints to table '{table_name}'."),
            ));
        }
        // Defaults belong to their columns.
        for column in &def.columns {
            for constraint in &column.constraints {
                if matches!(constraint.kind, ConstraintKind::Default { .. }) {
                    object = self.add_constraint(database_id, object, constraint, Some(&column.name), None, making)?;
                }
            }
        }
        for constraint in &def.constraints {
            if matches!(constraint.kind, ConstraintKind::Default { .. }) {
                object = self.add_constraint(database_id, object, constraint, None, None, making)?;
            }
        }
        // Keys: the clustered one first; then those of the table, then those of columns (fact 40).
        let keys = self.keys_in_order(def);
        for (constraint, column) in keys {
            object = self.add_constraint(database_id, object, constraint, column, None, making)?;
        }
        for index in def.indexes.iter().chain(def.columns.iter().flat_map(|c| &c.indexes)) {
            object = self.add_index(database_id, object, index)?.0;
        }
        let rest = |c: &ConstraintDef| {
            matches!(
                c.kind,
                ConstraintKind::Check { .. } | ConstraintKind::Foreign { .. } | ConstraintKind::Edge { .. }
            )
        };
        for column in &def.columns {
            for constraint in column.constraints.iter().filter(|c| rest(c)) {
                object = self.add_constraint(database_id, object, constraint, Some(&column.name), None, making)?;
            }
        }
        for constraint in def.constraints.iter().filter(|c| rest(c)) {
            object = self.add_constraint(database_id, object, constraint, None, None, making)?;
        }
        Ok(object)
    }

    fn finish_table(&mut self, database_id: i32, object: Object, def: &TableDef) -> DdlResult<()> {
        let object_id = object.object_id;
        let schema_id = object.schema_id;
        self.db_mut(database_id)?.put(object);
        if let Some(versioning) = def.options.iter().find(|o| o.name == "SYSTEM_VERSIONING")
            && versioning.is_on()
        {
            self.system_versioning(database_id, schema_id, object_id, versioning)?;
        }
        Ok(())
    }

    /// 8168: two constraints of one name in one statement.
    fn duplicate_names(&self, def: &TableDef) -> DdlResult<()> {
        let in_columns = def.columns.iter().flat_map(|c| &c.constraints);
        each_once(def.constraints.iter().chain(in_columns).filter_map(|c| c.name.as_ref()))
    }

    fn keys_in_order<'d>(&self, def: &'d TableDef) -> Vec<(&'d ConstraintDef, Option<&'d str>)> {
        let mut keys: Vec<(&ConstraintDef, Option<&str>)> = Vec::new();
        let is_key = |c: &&ConstraintDef| matches!(c.kind, ConstraintKind::Key { .. });
        keys.extend(def.constraints.iter().filter(is_key).map(|c| (c, None)));
        for column in &def.columns {
            keys.extend(column.constraints.iter().filter(is_key).map(|c| (c, Some(column.name.as_str()))));
        }
        let explicit = keys.iter().any(|(c, _)| matches!(c.kind, ConstraintKind::Key { clustered: Some(true), .. }))
            || def.indexes.iter().any(|i| i.kind.clustered());
        keys.sort_by_key(|(c, _)| match c.kind {
            ConstraintKind::Key { clustered: Some(true), .. } => 0,
            ConstraintKind::Key { primary: true, clustered: None, hash: false, .. } if !explicit => 0,
            _ => 1,
        });
        keys
    }

    fn table_options(&mut self, database_id: i32, table: &mut Table, def: &TableDef) -> DdlResult<()> {
        table.graph = def.graph;
        if let Some(on) = &def.on {
            table.data_space_id = self.data_space(database_id, &on.name)?;
        }
        if let Some(name) = &def.textimage_on {
            table.lob_data_space_id = self.data_space(database_id, name)?;
        }
        if let Some(name) = &def.filestream_on {
            table.filestream_data_space_id = Some(self.data_space(database_id, name)?);
        }
        for option in &def.options {
            match option.name.as_str() {
                "DATA_COMPRESSION" => match &option.partitions {
                    None => table.compression = compression(option),
                    Some(partitions) => {
                        let code = compression(option);
                        table.partition_compression.extend(partitions.iter().map(|(a, b)| (*a, *b, code)));
                    }
                },
                "XML_COMPRESSION" => table.xml_compression = option.is_on(),
                "MEMORY_OPTIMIZED" if option.is_on() => {
                    table.durability.get_or_insert(Durability::SchemaAndData);
                }
                "DURABILITY" => {
                    table.durability = Some(if option.word() == "SCHEMA_ONLY" {
                        Durability::SchemaOnly
                    } else {
                        Durability::SchemaAndData
                    });
                }
                "LOCK_ESCALATION" => table.lock_escalation = escalation(option),
                // SYSTEM_VERSIONING is set when the table is there.
                "MEMORY_OPTIMIZED" | "SYSTEM_VERSIONING" => {}
                "LEDGER" | "REMOTE_DATA_ARCHIVE" | "DATA_DELETION" if !option.is_on() => {}
                "LEDGER"
                | "REMOTE_DATA_ARCHIVE"
                | "DATA_DELETION"
                | "DISTRIBUTION"
                | "FILETABLE_DIRECTORY"
                | "FILETABLE_COLLATE_FILENAME" => return Err(unsupported(&option.name)),
                other => return Err(unknown_option(other, "CREATE TABLE")),
            }
        }
        Ok(())
    }

    /// The id of a filegroup or partition scheme; 1921.
    pub(super) fn data_space(&self, database_id: i32, name: &str) -> DdlResult<i32> {
        let database = self.db(database_id)?;
        if name.eq_ignore_ascii_case("default") {
            return Ok(database.filegroups.iter().find(|g| g.is_default).map_or(1, |g| g.data_space_id));
        }
        database
            .filegroups
            .iter()
            .find(|g| database.same(&g.name, name))
            .map(|g| g.data_space_id)
            .or_else(|| {
                database.partition_schemes.iter().find(|s| database.same(&s.name, name)).map(|s| s.data_space_id)
            })
            .ok_or_else(|| DdlError::new(1921, 1, 16, format!("Invalid filegroup '{name}' specified.")))
    }

    /// A column without its constraints and, if it is computed, without its type yet.
    pub(super) fn column(
        &mut self,
        database_id: i32,
        table: &str,
        id: i32,
        def: &ColumnDef,
        whole: &TableDef,
    ) -> DdlResult<Column> {
        let database = self.db(database_id)?;
        let ordinal = usize::try_from(id).unwrap_or(0);
        let resolved = match &def.ty {
            Some(ty) => resolve(database, ty, def.collation.as_deref(), ordinal)?,
            None => Resolved {
                ty: super::types::plain(Base::Int),
                user_type_id: 56,
                nullable: None,
                xml_collection_id: 0,
                xml_document: false,
                table: false,
            },
        };
        if resolved.table {
            return Err(DdlError::new(
                350,
                1,
                16,
                format!(
                    "The column \"{}\" does not have a valid data type. A column cannot be of a user-defined table type.",
                    def.name
                ),
            ));
        }
        let mut column = Column::plain(id, &def.name, resolved.ty, resolved.user_type_id);
        column.xml_collection_id = resolved.xml_collection_id;
        column.xml_document = resolved.xml_document;
        column.ansi_padded = self.who.ansi_padding
            && matches!(
                column.ty.base,
                Base::Char
                    | Base::VarChar
                    | Base::Text
                    | Base::NChar
                    | Base::NVarChar
                    | Base::NText
                    | Base::Binary
                    | Base::VarBinary
                    | Base::Image
                    | Base::Variant
                    | Base::UniqueIdentifier
                    | Base::Xml
            );
        column.nullable = match def.nullable {
            Some(said) => said,
            None if def.identity.is_some() || def.generated != Generated::Not => false,
            None => resolved.nullable.unwrap_or(self.who.ansi_null_default),
        };
        column.rowguid = def.rowguid;
        column.sparse = def.sparse;
        column.column_set = def.column_set;
        column.filestream = def.filestream;
        column.hidden = def.hidden;
        column.mask.clone_from(&def.mask);
        column.generated = def.generated;
        if def.sparse && def.nullable.is_none() {
            column.nullable = true;
        }
        if !def.encryption.is_empty() {
            let word = |n: &str| def.encryption.iter().find(|o| o.name == n);
            let key = match word("COLUMN_ENCRYPTION_KEY").map(|o| &o.value) {
                Some(OptValue::Name(parts, _)) => parts.last().cloned().unwrap_or_default(),
                _ => String::new(),
            };
            let key_id = super::crypto::encryption_key(self.db(database_id)?, &key);
            let key_id =
                key_id.ok_or_else(|| crate::sandbox::ddl::error::cannot_find("find", "column encryption key", &key))?;
            column.encryption = Some(ColumnEncryption {
                key,
                key_id,
                deterministic: word("ENCRYPTION_TYPE").is_some_and(|o| o.word() == "DETERMINISTIC"),
                algorithm: word("ALGORITHM").map(Opt::word).unwrap_or_default(),
            });
        }
        if let Some((seed, increment)) = def.identity {
            self.identity_rules(table, &column, def, increment)?;
            column.identity = Some(Identity {
                seed,
                increment,
                not_for_replication: def.identity_not_for_replication,
                counter: Counter::default(),
            });
        }
        let _ = whole;
        Ok(column)
    }

    fn identity_rules(&self, table: &str, column: &Column, def: &ColumnDef, increment: i128) -> DdlResult<()> {
        let fits = match column.ty.base {
            Base::TinyInt | Base::SmallInt | Base::Int | Base::BigInt => true,
            Base::Decimal | Base::Numeric => column.ty.scale == 0,
            _ => false,
        };
        if !fits {
            return Err(DdlError::new(
                2749,
                2,
                16,
                format!(
                    "Identity column '{}' must be of data type int, bigint, smallint, tinyint, or decimal or numeric with a \
                     scale of 0, unencrypted, and constrained to be nonnullable.",
                    column.name
                ),
            ));
        }
        if def.nullable == Some(true) {
            return Err(DdlError::new(
                8147,
                1,
                16,
                format!("Could not create IDENTITY attribute on nullable column '{}', table '{table}'.", column.name),
            ));
        }
        if increment == 0 {
            return Err(DdlError::new(
                2753,
                2,
                16,
                format!("Identity column '{}' contains invalid INCREMENT.", column.name),
            ));
        }
        Ok(())
    }

    /// Works out a computed column: its names, its type, its text (fact 31).
    pub(super) fn compute(
        &mut self,
        database_id: i32,
        table_name: &str,
        table: &mut Table,
        at: usize,
        asked: &(crate::sandbox::ddl::expression::Expr, bool, bool),
    ) -> DdlResult<()> {
        let (expr, persisted, not_null) = (&asked.0, asked.1, asked.2);
        let ci = self.db(database_id)?.ignore_case;
        let mut spelled = expr.clone();
        super::constraint::respell(&mut spelled, table, ci);
        for name in normal::columns(expr) {
            match table.find_column(&name, ci) {
                None => return Err(crate::sandbox::ddl::error::invalid_column(&name).compile()),
                Some(found) if found.computed.is_some() => {
                    return Err(DdlError::new(
                        1759,
                        0,
                        16,
                        format!(
                            "Computed column '{}' in table '{table_name}' is not allowed to be used in another \
                             computed-column definition.",
                            found.name
                        ),
                    ));
                }
                Some(_) => {}
            }
        }
        let definition = normal::definition(&spelled);
        let snapshot = self.db(database_id)?.clone();
        let (ty, nullable) = self.hooks.expression_type(&snapshot, table, &definition)?;
        let column = &mut table.columns[at];
        column.user_type_id = types::built_in(ty.base).map_or(56, |t| t.user_type_id);
        column.ty = ty;
        column.nullable = nullable && !not_null;
        column.computed = Some(Computed { definition, persisted });
        column.ansi_padded = self.who.ansi_padding;
        Ok(())
    }

    /// SYSTEM_VERSIONING = ON (…): finds or makes the history table and ties the two.
    pub(super) fn system_versioning(
        &mut self,
        database_id: i32,
        schema_id: i32,
        object_id: i32,
        option: &Opt,
    ) -> DdlResult<()> {
        let database = self.db(database_id)?.clone();
        let Some(object) = database.object(object_id).cloned() else { return Ok(()) };
        let Some(table) = object.table() else { return Ok(()) };
        let Some((start, end)) = table.period else {
            return Err(DdlError::new(
                13510,
                1,
                16,
                "Cannot set SYSTEM_VERSIONING to ON when SYSTEM_TIME period is not defined.",
            ));
        };
        let mut name = (schema_id, format!("MSSQL_TemporalHistoryFor_{object_id}"));
        let mut retention = (-1, -1);
        for inner in option.inner() {
            match (&inner.name[..], &inner.value) {
                ("HISTORY_TABLE", OptValue::Name(parts, _)) => {
                    let mut parts = parts.clone();
                    let table = parts.pop().unwrap_or_default();
                    let schema = parts.pop().and_then(|s| database.schema(&s).map(|s| s.schema_id));
                    name = (schema.unwrap_or(schema_id), table);
                }
                ("HISTORY_RETENTION_PERIOD", OptValue::Number(n, Some(unit))) => {
                    let code = match unit.trim_end_matches('S') {
                        "DAY" => 3,
                        "WEEK" => 4,
                        "MONTH" => 5,
                        "YEAR" => 6,
                        _ => -1,
                    };
                    retention = (n.parse().unwrap_or(-1), code);
                }
                // Rows of a history are not checked; INFINITE is how it begins.
                ("DATA_CONSISTENCY_CHECK" | "HISTORY_RETENTION_PERIOD", _) => {}
                (other, _) => return Err(syntax(other)),
            }
        }
        let history = match database.find(name.0, &name.1) {
            Some(found) => {
                let mut found = found.as_ref().clone();
                if let Some(t) = found.table_mut() {
                    t.temporal = Temporal::History { of: object_id };
                }
                let id = found.object_id;
                self.put(database_id, found)?;
                id
            }
            None => {
                let mut made = self.fresh(database_id, name.0, &name.1, 0, Kind::Table(Box::default()))?;
                let columns = table
                    .columns
                    .iter()
                    .map(|c| {
                        let mut copy = Column::plain(c.id, &c.name, c.ty.clone(), c.user_type_id);
                        copy.nullable = c.nullable;
                        copy.ansi_padded = c.ansi_padded;
                        copy
                    })
                    .collect();
                let index = Index {
                    index_id: 1,
                    name: format!("ix_{}", name.1),
                    columns: [end, start]
                        .map(|column_id| IndexColumn { column_id, descending: false, included: false })
                        .to_vec(),
                    // History tables are made with page compression.
                    compression: 2,
                    ..super::index::blank(IndexKind::Clustered)
                };
                made.kind = Kind::Table(Box::new(Table {
                    columns,
                    max_column_id: table.max_column_id,
                    indexes: vec![index],
                    data_space_id: 1,
                    uses_ansi_nulls: true,
                    temporal: Temporal::History { of: object_id },
                    ..Table::default()
                }));
                let id = made.object_id;
                self.db_mut(database_id)?.put(made);
                id
            }
        };
        let mut object = object.as_ref().clone();
        if let Some(table) = object.table_mut() {
            table.temporal = Temporal::Versioned { history, retention };
        }
        self.put(database_id, object)?;
        Ok(())
    }
}

/// `data_compression` of an option.
pub(super) fn compression(option: &Opt) -> u8 {
    match option.word().as_str() {
        "ROW" => 1,
        "PAGE" => 2,
        "COLUMNSTORE" => 3,
        "COLUMNSTORE_ARCHIVE" => 4,
        _ => 0,
    }
}

/// `lock_escalation` of an option.
pub(super) fn escalation(option: &Opt) -> u8 {
    match option.word().as_str() {
        "DISABLE" => 1,
        "AUTO" => 2,
        _ => 0,
    }
}

/// A table outside every catalogue: `#temp` tables and table variables. Names in it are checked as in a table type.
pub fn temporary_table(
    def: &TableDef,
    name: &str,
    who: &Who,
    server: &Server,
    hooks: &mut dyn Hooks,
) -> DdlResult<Object> {
    let mut copy = server.clone();
    let mut run =
        Run { server: &mut copy, who, hooks, messages: Vec::new(), shape: false, now: Stamp::now(), status: 0 };
    // Types are those of the current database, the collation too.
    // Assumption: a temporary table's text takes the current database's collation, not tempdb's.
    let object =
        run.fresh(who.database_id, crate::sandbox::meta::database::DBO_SCHEMA, name, 0, Kind::Table(Box::default()))?;
    run.fill_table(who.database_id, object, def, Making::Type)
}
