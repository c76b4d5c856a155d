//! Constraints: PRIMARY KEY, UNIQUE, CHECK, DEFAULT, FOREIGN KEY, with the errors that come in pairs (fact 51).

use crate::sandbox::ddl::ast::{ConstraintDef, ConstraintKind, KeyColumn, ObjectName};
use crate::sandbox::ddl::error::{
    DdlError, DdlResult, index_column_twice, invalid_column, name_in_use, no_index_column,
};
use crate::sandbox::ddl::expression::Expr;
use crate::sandbox::ddl::hooks::BuildError;
use crate::sandbox::ddl::normal;
use crate::sandbox::meta::names::fold;
use crate::sandbox::meta::table::{EdgeConstraint, Graph};
use crate::sandbox::meta::{
    Check, Database, DefaultConstraint, Head, Index, IndexColumn, IndexKind, Key, Object, ReferentialAction, Table,
};

use super::Run;
use super::foreign::foreign_conflict;
use super::table::Making;

/// Gives columns of an expression the spelling they have in their table.
pub(super) fn respell(expr: &mut Expr, table: &Table, ignore_case: bool) {
    let spell = |name: &mut String| {
        if let Some(column) = table.find_column(name, ignore_case) {
            name.clone_from(&column.name);
        }
    };
    match expr {
        Expr::Column(parts) => {
            // A column of the table may be written with the table's name before it; it is kept without.
            if let Some(last) = parts.pop() {
                let mut last = last;
                spell(&mut last);
                *parts = vec![last];
            }
        }
        Expr::Function { name, args, .. } => {
            if name.len() > 1 && table.find_column(&name[0], ignore_case).is_some() {
                let mut first = std::mem::take(&mut name[0]);
                spell(&mut first);
                name[0] = first;
            }
            args.iter_mut().for_each(|a| respell(a, table, ignore_case));
        }
        Expr::Method { target, args, .. } => {
            respell(target, table, ignore_case);
            args.iter_mut().flatten().for_each(|a| respell(a, table, ignore_case));
        }
        Expr::Static { args, .. } => args.iter_mut().flatten().for_each(|a| respell(a, table, ignore_case)),
        Expr::Convert { value, style, .. } => {
            respell(value, table, ignore_case);
            style.iter_mut().for_each(|s| respell(s, table, ignore_case));
        }
        Expr::AsType { value, culture, .. } => {
            respell(value, table, ignore_case);
            culture.iter_mut().for_each(|s| respell(s, table, ignore_case));
        }
        Expr::Case { operand, whens, otherwise } => {
            operand.iter_mut().for_each(|o| respell(o, table, ignore_case));
            for (when, then) in whens {
                respell(when, table, ignore_case);
                respell(then, table, ignore_case);
            }
            otherwise.iter_mut().for_each(|o| respell(o, table, ignore_case));
        }
        Expr::Unary(_, e) | Expr::Collate(e, _) | Expr::Not(e) | Expr::IsNull(e, _) => respell(e, table, ignore_case),
        Expr::Arithmetic(_, a, b)
        | Expr::Compare(_, a, b)
        | Expr::And(a, b)
        | Expr::Or(a, b)
        | Expr::AtTimeZone(a, b) => {
            respell(a, table, ignore_case);
            respell(b, table, ignore_case);
        }
        Expr::Like { value, pattern, escape, .. } => {
            respell(value, table, ignore_case);
            respell(pattern, table, ignore_case);
            escape.iter_mut().for_each(|e| respell(e, table, ignore_case));
        }
        Expr::Between { value, low, high, .. } => {
            respell(value, table, ignore_case);
            respell(low, table, ignore_case);
            respell(high, table, ignore_case);
        }
        Expr::In { value, list, .. } => {
            respell(value, table, ignore_case);
            list.iter_mut().for_each(|l| respell(l, table, ignore_case));
        }
        Expr::Null
        | Expr::Default
        | Expr::Number { .. }
        | Expr::Money { .. }
        | Expr::Text { .. }
        | Expr::Binary(_)
        | Expr::Variable(_)
        | Expr::DatePart(_)
        | Expr::NextValue(_) => {}
    }
}

/// The 547 of ALTER TABLE (fact 53): the column is named when the constraint has one.
pub(super) fn conflict(kind: &str, name: &str, database: &Database, table: &Object, column: Option<&str>) -> DdlError {
    let at = column.map_or(String::new(), |c| format!(", column '{c}'"));
    DdlError::new(
        547,
        0,
        16,
        format!(
            "The ALTER TABLE statement conflicted with the {kind} constraint \"{name}\". The conflict occurred in database \
             \"{}\", table \"{}.{}\"{at}.",
            database.name,
            database.schema_name(table.schema_id),
            table.name
        ),
    )
}

impl Run<'_> {
    /// Adds one constraint to a table that is being made or altered. `check` is WITH CHECK or NOCHECK of ALTER TABLE.
    pub(super) fn add_constraint(
        &mut self,
        database_id: i32,
        object: Object,
        def: &ConstraintDef,
        column: Option<&str>,
        check: Option<bool>,
        making: Making,
    ) -> DdlResult<Object> {
        match &def.kind {
            ConstraintKind::Key { .. } => self.add_key(database_id, object, def, making),
            ConstraintKind::Check { expr, not_for_replication } => {
                self.add_check(database_id, object, def, expr, *not_for_replication, column, check, making)
            }
            ConstraintKind::Default { expr, column, .. } => {
                self.add_default(database_id, object, def, expr, column, making)
            }
            ConstraintKind::Foreign { .. } => self.add_foreign(database_id, object, def, check),
            ConstraintKind::Edge { clauses, on_delete } => {
                self.add_edge(database_id, object, def, clauses, *on_delete, check)
            }
        }
    }

    /// A constraint's name and id: its own name must be free, a system's name is made.
    pub(super) fn head(
        &mut self,
        database_id: i32,
        object: &Object,
        def: &ConstraintDef,
        prefix: &str,
        column: Option<&str>,
        making: Making,
    ) -> DdlResult<Head> {
        let object_id = self.db_mut(database_id)?.new_object_id();
        let name = match &def.name {
            Some(name) => {
                let database = self.db(database_id)?;
                let own = object.table().is_some_and(|t| t.constraints().any(|(h, _)| database.same(&h.name, name)));
                let table = database.same(&object.name, name) && making == Making::Table;
                if own || table || (making == Making::Table && database.locate(object.schema_id, name).is_some()) {
                    return Err(name_in_use(name, 5).constraint(1));
                }
                name.clone()
            }
            None => system_name(prefix, &object.name, column, object_id, matches!(prefix, "PK" | "UQ")),
        };
        Ok(Head { object_id, name, system_named: def.name.is_none(), created: self.now, modified: self.now })
    }

    fn key_columns(&self, database_id: i32, object: &Object, columns: &[KeyColumn]) -> DdlResult<Vec<IndexColumn>> {
        let ci = self.db(database_id)?.ignore_case;
        let table = object.table();
        let mut out: Vec<IndexColumn> = Vec::new();
        for key in columns {
            let Some(found) = table.and_then(|t| t.find_column(&key.name, ci)) else {
                return Err(no_index_column(&key.name).constraint(0));
            };
            if out.iter().any(|o| o.column_id == found.id) {
                return Err(index_column_twice(&found.name).constraint(0));
            }
            if !super::index::may_be_key(found) {
                return Err(super::index::not_a_key(&found.name, &object.name).constraint(1));
            }
            out.push(IndexColumn { column_id: found.id, descending: key.descending, included: false });
        }
        Ok(out)
    }

    fn add_key(
        &mut self,
        database_id: i32,
        mut object: Object,
        def: &ConstraintDef,
        making: Making,
    ) -> DdlResult<Object> {
        let ConstraintKind::Key { primary, clustered, hash, columns, options, on } = &def.kind else {
            return Ok(object);
        };
        let Some(table) = object.table() else { return Ok(object) };
        if *primary && table.primary_key().is_some() {
            return Err(DdlError::new(
                1779,
                0,
                16,
                format!("Table '{}' already has a primary key defined on it.", object.name),
            )
            .constraint(0));
        }
        let keys = self.key_columns(database_id, &object, columns)?;
        if *primary
            && keys.iter().any(|k| {
                table.column(k.column_id).is_some_and(|c| {
                    // A computed key column must be persisted or known to be not null.
                    c.nullable && (c.computed.is_none() || c.computed.as_ref().is_some_and(|c| !c.persisted))
                })
            })
        {
            return Err(DdlError::new(
                8111,
                1,
                16,
                format!("Cannot define PRIMARY KEY constraint on nullable column in table '{}'.", object.name),
            )
            .constraint(0));
        }
        let has_clustered = table.clustered().is_some();
        let clustered = clustered.unwrap_or(*primary && !has_clustered && table.durability.is_none() && !*hash);
        if clustered && has_clustered {
            let existing = table.clustered().map(|i| i.name.clone()).unwrap_or_default();
            return Err(DdlError::new(
                1902,
                3,
                16,
                format!(
                    "Cannot create more than one clustered index on table '{}'. Drop the existing clustered index \
                     '{existing}' before creating another.",
                    object.name
                ),
            )
            .constraint(0));
        }
        let index_id = table.free_index_id(clustered);
        let kind = match (clustered, hash) {
            (true, _) => IndexKind::Clustered,
            (false, true) => IndexKind::Hash,
            (false, false) => IndexKind::Nonclustered,
        };
        let head = self.head(database_id, &object, def, if *primary { "PK" } else { "UQ" }, None, making)?;
        let mut index = Index {
            index_id,
            name: head.name.clone(),
            unique: true,
            primary_key: *primary,
            unique_constraint: !*primary,
            columns: keys,
            ..super::index::blank(kind)
        };
        super::index::apply_options(&mut index, options, "ALTER TABLE")?;
        self.place_index(database_id, &object, &mut index, on.as_ref())?;
        if let Some(table) = object.table_mut() {
            if *primary {
                for key in &index.columns {
                    if let Some(column) = table.column_mut(key.column_id) {
                        column.nullable = false;
                    }
                }
            }
            table.keys.push(Key { head, primary: *primary, index_id });
            table.indexes.push(index.clone());
            table.indexes.sort_by_key(|i| i.index_id);
        }
        if making == Making::Table {
            self.build(database_id, &object, &index).map_err(|e| e.constraint(1).with_3621())?;
        }
        Ok(object)
    }

    /// Builds an index over the rows that are there; 1505 for a duplicate.
    pub(super) fn build(&mut self, database_id: i32, object: &Object, index: &Index) -> DdlResult<()> {
        let database = self.db(database_id)?.clone();
        match self.hooks.index_created(&database, object, index) {
            Ok(()) => Ok(()),
            Err(BuildError::Other(error)) => Err(error),
            Err(BuildError::Duplicate(key)) => Err(DdlError::new(
                1505,
                1,
                16,
                format!(
                    "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name \
                     '{}.{}' and the index name '{}'. The duplicate key value is {key}.",
                    database.schema_name(object.schema_id),
                    object.name,
                    index.name
                ),
            )),
        }
    }

    /// CONNECTION: the tables of its clauses are nodes.
    fn add_edge(
        &mut self,
        database_id: i32,
        mut object: Object,
        def: &ConstraintDef,
        clauses: &[(ObjectName, ObjectName)],
        on_delete: ReferentialAction,
        check: Option<bool>,
    ) -> DdlResult<Object> {
        let head = self.head(database_id, &object, def, "EC", None, Making::Table)?;
        let mut ids = Vec::new();
        for (from, to) in clauses {
            let node = |name: &ObjectName| {
                let found = self.find(name)?.map(|(_, o)| o);
                let node = found.filter(|o| o.table().is_some_and(|t| t.graph == Some(Graph::Node)));
                // Assumption: 1767 as for a foreign key to a table that is not there.
                node.map(|o| o.object_id).ok_or_else(|| {
                    let text = format!("Foreign key '{}' references invalid table '{}'.", head.name, name.shown());
                    DdlError::new(1767, 0, 16, text).constraint(1)
                })
            };
            ids.push((node(from)?, node(to)?));
        }
        if let Some(table) = object.table_mut() {
            table.edges.push(EdgeConstraint {
                head,
                clauses: ids,
                on_delete,
                disabled: false,
                not_trusted: check == Some(false),
            });
        }
        Ok(object)
    }

    fn add_default(
        &mut self,
        database_id: i32,
        mut object: Object,
        def: &ConstraintDef,
        expr: &Expr,
        column: &str,
        making: Making,
    ) -> DdlResult<Object> {
        let ci = self.db(database_id)?.ignore_case;
        let Some((id, has, identity)) = object
            .table()
            .and_then(|t| t.find_column(column, ci))
            .map(|c| (c.id, c.default.is_some() || c.bound_default.is_some(), c.identity.is_some()))
        else {
            return Err(DdlError::new(
                1752,
                0,
                16,
                format!("Column '{column}' in table '{}' is invalid for creating a default constraint.", object.name),
            )
            .constraint(0));
        };
        if let Some(name) = normal::columns(expr).first() {
            return Err(DdlError::new(
                128,
                1,
                15,
                format!(
                    "The name \"{name}\" is not permitted in this context. Valid expressions are constants, constant \
                     expressions, and (in some contexts) variables. Column names are not permitted."
                ),
            ));
        }
        if has {
            return Err(DdlError::new(1781, 1, 16, "Column already has a DEFAULT bound to it.").constraint(0));
        }
        if identity {
            return Err(DdlError::new(
                1754,
                1,
                16,
                format!(
                    "Defaults cannot be created on columns with an IDENTITY attribute. Table '{}', column '{column}'.",
                    object.name
                ),
            )
            .constraint(0));
        }
        let head = self.head(database_id, &object, def, "DF", Some(column), making)?;
        let definition = normal::definition(expr);
        if let Some(column) = object.table_mut().and_then(|t| t.column_mut(id)) {
            column.default = Some(DefaultConstraint { head, definition });
        }
        Ok(object)
    }

    #[expect(clippy::too_many_arguments, reason = "a constraint is said in many words")]
    fn add_check(
        &mut self,
        database_id: i32,
        mut object: Object,
        def: &ConstraintDef,
        expr: &Expr,
        not_for_replication: bool,
        at: Option<&str>,
        check: Option<bool>,
        making: Making,
    ) -> DdlResult<Object> {
        let ci = self.db(database_id)?.ignore_case;
        let mut columns: Vec<i32> = Vec::new();
        let mut spelled = expr.clone();
        if let Some(table) = object.table() {
            respell(&mut spelled, table, ci);
            for name in normal::columns(expr) {
                let Some(column) = table.find_column(&name, ci) else { return Err(invalid_column(&name).compile()) };
                if column.computed.as_ref().is_some_and(|c| !c.persisted) {
                    return Err(not_persisted(&column.name, &object.name, "CHECK CONSTRAINT").constraint(0));
                }
                if let Some(at) = at
                    && fold(at, ci) != fold(&name, ci)
                {
                    return Err(DdlError::new(
                        8141,
                        0,
                        16,
                        format!(
                            "Column CHECK constraint for column '{at}', table '{}' references another column in the same \
                             table.",
                            object.name
                        ),
                    )
                    .constraint(0));
                }
                if !columns.contains(&column.id) {
                    columns.push(column.id);
                }
            }
        }
        // Fact 35: the column, if it is one, however the constraint was written.
        let parent_column_id = if columns.len() == 1 { columns[0] } else { 0 };
        let single = object.table().and_then(|t| t.column(parent_column_id)).map(|c| c.name.clone());
        let head = self.head(database_id, &object, def, "CK", single.as_deref(), making)?;
        let trusted = check != Some(false) && !not_for_replication;
        let made = Check {
            head,
            definition: normal::definition(&spelled),
            parent_column_id,
            columns,
            disabled: false,
            not_trusted: !trusted,
            not_for_replication,
        };
        if making == Making::Table && check != Some(false) {
            let database = self.db(database_id)?.clone();
            if !self.hooks.check_holds(&database, &object, &made)? {
                return Err(conflict("CHECK", &made.head.name, &database, &object, single.as_deref()));
            }
        }
        if let Some(table) = object.table_mut() {
            table.checks.push(made);
        }
        Ok(object)
    }

    /// WITH CHECK CHECK CONSTRAINT, CHECK CONSTRAINT and NOCHECK CONSTRAINT (fact 37).
    pub(super) fn switch_constraints(
        &mut self,
        database_id: i32,
        mut object: Object,
        check: Option<bool>,
        enable: bool,
        names: &crate::sandbox::ddl::ast::Named,
    ) -> DdlResult<Object> {
        let database = self.db(database_id)?.clone();
        let wanted = |name: &str| match names {
            crate::sandbox::ddl::ast::Named::All => true,
            crate::sandbox::ddl::ast::Named::These(list) => list.iter().any(|n| database.same(n, name)),
        };
        let failed =
            |e: DdlError| e.then(4916, 0, 16, "Could not enable or disable the constraint. See previous errors.");
        if let (crate::sandbox::ddl::ast::Named::These(list), Some(table)) = (names, object.table()) {
            for name in list {
                let kind = table.constraints().find(|(h, _)| database.same(&h.name, name)).map(|(_, kind)| kind);
                match kind {
                    Some("C " | "F ") => {}
                    Some(_) => {
                        return Err(failed(DdlError::new(
                            11415,
                            1,
                            16,
                            format!(
                                "Object '{name}' cannot be disabled or enabled. This action applies only to foreign key and \
                                 check constraints."
                            ),
                        )));
                    }
                    None => {
                        return Err(failed(DdlError::new(4917, 0, 16, format!("Constraint '{name}' does not exist."))));
                    }
                }
            }
        }
        let snapshot = object.clone();
        let verify = enable && check == Some(true);
        if let Some(table) = object.table_mut() {
            for item in table.checks.iter_mut().filter(|c| wanted(&c.head.name)) {
                item.disabled = !enable;
                if !enable {
                    item.not_trusted = true;
                } else if verify {
                    if !self.hooks.check_holds(&database, &snapshot, item)? {
                        let column =
                            snapshot.table().and_then(|t| t.column(item.parent_column_id)).map(|c| c.name.as_str());
                        return Err(conflict("CHECK", &item.head.name, &database, &snapshot, column));
                    }
                    item.not_trusted = item.not_for_replication;
                }
            }
            for item in table.foreign_keys.iter_mut().filter(|f| wanted(&f.head.name)) {
                item.disabled = !enable;
                if !enable {
                    item.not_trusted = true;
                } else if verify {
                    let own = item.referenced_object_id == snapshot.object_id;
                    let Some(target) = database.object(item.referenced_object_id) else { continue };
                    if !self.hooks.foreign_key_holds(&database, &snapshot, item, target)? {
                        return Err(foreign_conflict(&database, &snapshot, item, target, own));
                    }
                    item.not_trusted = item.not_for_replication;
                }
            }
        }
        Ok(object)
    }
}

pub(super) fn not_persisted(column: &str, table: &str, what: &str) -> DdlError {
    DdlError::new(
        1764,
        1,
        16,
        format!(
            "Computed Column '{column}' in table '{table}' is invalid for use in '{what}' because it is not persisted."
        ),
    )
}

/// `PK__items__3213E83F…`, `DF__items__value__24927208` (fact 36).
fn system_name(prefix: &str, table: &str, column: Option<&str>, object_id: i32, long: bool) -> String {
    let short: String = table.chars().take(9).collect();
    if long {
        // Sixteen digits that change at each creation.
        let random = uuid::Uuid::new_v4().as_u128() as u32;
        return format!("{prefix}__{short}__{random:08X}{object_id:08X}");
    }
    match column {
        Some(column) => {
            let column: String = column.chars().take(5).collect();
            format!("{prefix}__{short}__{column}__{object_id:08X}")
        }
        None => format!("{prefix}__{short}__{object_id:08X}"),
    }
}
