//! INSERT, UPDATE, DELETE, SELECT INTO: what they change is gathered first and applied then, so that no statement sees its
//! own changes.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};

use sqlparser::ast;

use crate::sandbox::meta::database::DBO_SCHEMA;
use crate::sandbox::meta::server::TEMPDB;
use crate::sandbox::meta::{self, Column, Counter, Identity, Kind, Object, Stamp, Table};
use crate::sandbox::session::ResultColumn;
use crate::sandbox::value::{Base, SqlType, Value};

use super::bind::{Binder, Scope, ScopeColumn, operator};
use super::convert::{How, TooLong, convert, decimal_of};
use super::error::{self, SqlError, SqlResult};
use super::expr::{Context, Env, Expr};
use super::plan::Plan;
use super::run::Out;
use super::select::Bound;
use super::session::{Resolved, SqlSession};
use super::statement::{Change, Insert, Output, Source};
use super::table::{Access, Changes};
use super::types;

/// The hidden column with a row's id.
pub const ROW_ID: &str = "\u{0}id";

/// A row before and after a change.
type Pair = (Option<Vec<Value>>, Option<Vec<Value>>);

/// A value for a column: given, or the default.
type Given = Option<(Value, SqlType)>;

impl SqlSession {
    /// The table that a statement changes.
    pub fn target(&self, parts: &[String]) -> SqlResult<Access> {
        let shown = parts.join(".");
        match self.resolve(self.database, parts)? {
            Some(Resolved::Table { database, schema, object }) => self.access(database, &schema, &object),
            Some(_) => Err(SqlError::batch(
                4406,
                1,
                16,
                format!(
                    "Update or insert of view or function '{shown}' failed because it contains a derived or constant field."
                ),
            )),
            None => Err(error::invalid_object(&shown)),
        }
    }

    /// Refuses what the login may not do to a table (229).
    pub fn may_change(&self, access: &Access, permission: &str) -> SqlResult<()> {
        match self.database_meta(access.database) {
            Some(db) => (self.engine.hooks.may)(self, &db, &access.object, permission),
            None => Ok(()),
        }
    }

    /// A row to be inserted, from what is given for some columns: defaults, identity, rowversion.
    pub fn new_row(
        &self,
        ctx: &Context<'_>,
        access: &Access,
        given: &[(usize, Given)],
        defaults: &[Option<Expr>],
        keep_nulls: bool,
    ) -> SqlResult<Vec<Value>> {
        let table = access.table();
        let mut row = vec![Value::Null; table.columns.len()];
        let mut set = vec![false; table.columns.len()];
        for (at, value) in given {
            if let Some((v, ty)) = value {
                row[*at] = access.store(*at, v, ty)?;
                set[*at] = keep_nulls || !matches!(v, Value::Null);
            }
        }
        let env = Env { ctx, row: &[], outer: None };
        for (at, c) in table.columns.iter().enumerate() {
            if set[at] || c.computed.is_some() {
                continue;
            }
            if c.ty.base == Base::RowVersion {
                let n = self.engine.next_rowversion(access.database);
                row[at] = Value::Binary(n.to_be_bytes().as_slice().into());
            } else if let Some(i) = &c.identity {
                let n = next_identity(i);
                row[at] = identity_value(&c.ty, n)?;
                let mut s = self.state.borrow_mut();
                s.last_identity = Some(n);
                s.scope_identity = Some(n);
            } else if let Some(e) = &defaults[at] {
                row[at] = e.eval(&env)?;
            }
        }
        Ok(row)
    }

    /// The defaults of a table's columns.
    pub fn defaults_of(&self, access: &Access) -> SqlResult<Vec<Option<Expr>>> {
        (0..access.table().columns.len()).map(|i| self.default_of(access, i)).collect()
    }

    /// INSERT.
    pub fn insert(&mut self, insert: &Insert, out: &mut Out<'_>) -> SqlResult<u64> {
        if let [name] = insert.target.as_slice()
            && name.starts_with('@')
        {
            return self.insert_variable(name, insert);
        }
        let access = self.target(&insert.target)?;
        self.may_change(&access, "INSERT")?;
        let table = access.table();
        // Which columns are given.
        let listed = match &insert.columns {
            Some(names) => {
                let mut places = Vec::new();
                for n in names {
                    let at = table
                        .columns
                        .iter()
                        .position(|c| self.same_name(access.database, &c.name, n))
                        .ok_or_else(|| error::invalid_column(n))?;
                    if places.contains(&at) {
                        return Err(twice(n));
                    }
                    if table.columns[at].computed.is_some() {
                        return Err(computed_refused(&table.columns[at].name));
                    }
                    places.push(at);
                }
                places
            }
            None => table
                .columns
                .iter()
                .enumerate()
                .filter(|(_, c)| c.computed.is_none() && c.identity.is_none() && !c.hidden)
                .map(|(i, _)| i)
                .collect(),
        };
        let on = self.options.identity_insert == Some((access.database, access.object.object_id));
        let identity = table.columns.iter().position(|c| c.identity.is_some());
        if let Some(at) = identity {
            let given = listed.contains(&at);
            let name = &access.object.name;
            if given && !on {
                return Err(SqlError::batch(
                    544,
                    1,
                    16,
                    format!(
                        "Cannot insert explicit value for identity column in table '{name}' when IDENTITY_INSERT is set to OFF."
                    ),
                ));
            }
            if on && insert.columns.is_none() && !matches!(insert.source, Source::Defaults) {
                return Err(SqlError::batch(
                    8101,
                    1,
                    16,
                    format!(
                        "An explicit value for the identity column in table '{name}' can only be specified when a column list \
                         is used and IDENTITY_INSERT is ON."
                    ),
                ));
            }
            if on && !given {
                return Err(SqlError::batch(
                    545,
                    1,
                    16,
                    format!(
                        "Explicit value must be specified for identity column in table '{name}' either when IDENTITY_INSERT is \
                         set to ON or when a replication user is inserting into a NOT FOR REPLICATION identity column."
                    ),
                ));
            }
        }
        self.start_write(access.database)?;
        let rows: Vec<Vec<Given>> = match &insert.source {
            Source::Defaults => vec![Vec::new()],
            Source::Exec(_) => return Err(error::unsupported("INSERT EXEC")),
            Source::Query(q) => self.source_rows(q, insert)?,
        };
        let width = rows.first().map_or(listed.len(), Vec::len);
        let columns = if matches!(insert.source, Source::Defaults) {
            Vec::new()
        } else if width == listed.len() {
            listed.clone()
        } else if insert.columns.is_none() {
            return Err(SqlError::batch(
                213,
                1,
                16,
                "Column name or number of supplied values does not match table definition.",
            ));
        } else {
            let (number, text) = if listed.len() > width {
                (
                    109,
                    "There are more columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
                )
            } else {
                (
                    110,
                    "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
                )
            };
            return Err(SqlError::batch(number, 1, 15, text));
        };
        let defaults = self.defaults_of(&access)?;
        let databases: BTreeSet<i32> = [access.database].into();
        self.check_snapshot(&databases)?;
        let ctx = Context::new(self);
        let mut changes = Changes::default();
        let mut explicit: Vec<i128> = Vec::new();
        for row in rows {
            ctx.tick()?;
            let mut given: Vec<(usize, Given)> = Vec::new();
            for (at, g) in columns.iter().zip(row) {
                let c = &table.columns[*at];
                if c.identity.is_some() && g.as_ref().is_none_or(|(v, _)| matches!(v, Value::Null)) {
                    return Err(SqlError::batch(
                        339,
                        1,
                        16,
                        "DEFAULT or NULL are not allowed as explicit identity values.",
                    ));
                }
                if c.ty.base == Base::RowVersion {
                    if g.as_ref().is_some_and(|(v, _)| !matches!(v, Value::Null)) {
                        return Err(SqlError::batch(
                            273,
                            1,
                            16,
                            "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude \
                             the timestamp column, or insert a DEFAULT into the timestamp column.",
                        ));
                    }
                    continue;
                }
                given.push((*at, g));
            }
            // An explicit NULL stays NULL in INSERT; only DEFAULT and what is not listed get the default.
            let row = self.new_row(&ctx, &access, &given, &defaults, true)?;
            if let (Some(at), true) = (identity, on)
                && let Some(n) = decimal_of(&row[at]).and_then(|d| d.to_i128())
            {
                explicit.push(n);
            }
            changes.inserts.push(row);
        }
        self.apply(&ctx, &access, &mut changes, "INSERT", 0)?;
        if let Some(i) = identity.and_then(|at| table.columns[at].identity.as_ref()) {
            for n in &explicit {
                raise_identity(i, *n);
            }
            if let Some(last) = explicit.last() {
                let mut s = self.state.borrow_mut();
                s.last_identity = Some(*last);
                s.scope_identity = Some(*last);
            }
        } else {
            let mut s = self.state.borrow_mut();
            s.last_identity = None;
            s.scope_identity = None;
        }
        let count = changes.inserts.len() as u64;
        let pairs: Vec<Pair> = if insert.output.is_some() {
            changes.inserts.into_iter().map(|r| (None, Some(r))).collect()
        } else {
            Vec::new()
        };
        drop(ctx);
        if let Some(o) = &insert.output {
            self.output(&access, o, pairs, out)?;
        }
        Ok(count)
    }

    /// The rows of VALUES or a query; `None` stands for DEFAULT.
    fn source_rows(&mut self, q: &ast::Query, insert: &Insert) -> SqlResult<Vec<Vec<Given>>> {
        if let ast::SetExpr::Values(values) = q.body.as_ref() {
            let (rows, databases) = {
                let mut b = Binder::new(self, self.database);
                let mut rows: Vec<Vec<Option<Expr>>> = Vec::new();
                for r in &values.rows {
                    let mut row = Vec::new();
                    for e in &r.content {
                        row.push(match e {
                            ast::Expr::Identifier(i)
                                if i.quote_style.is_none() && i.value.eq_ignore_ascii_case("DEFAULT") =>
                            {
                                None
                            }
                            e => Some(b.value(e)?),
                        });
                    }
                    if rows.first().is_some_and(|f| f.len() != row.len()) {
                        return Err(SqlError::batch(
                            10709,
                            1,
                            16,
                            "The number of columns for each row in a table value constructor must be the same.",
                        ));
                    }
                    rows.push(row);
                }
                (rows, b.databases)
            };
            self.start_read(databases)?;
            let ctx = Context::new(self);
            let env = Env { ctx: &ctx, row: &[], outer: None };
            return rows
                .into_iter()
                .map(|r| {
                    r.into_iter()
                        .map(|e| match e {
                            None => Ok(None),
                            Some(e) => Ok(Some((e.eval(&env)?, e.ty.clone()))),
                        })
                        .collect()
                })
                .collect();
        }
        let (bound, databases) = {
            let mut b = Binder::new(self, self.database);
            if let Some(with) = &insert.with {
                b.with(with)?;
            }
            let bound = b.query(q)?;
            (bound, b.databases)
        };
        self.start_read(databases)?;
        let ctx = Context::new(self);
        let mut rows = Vec::new();
        bound.plan.each(&ctx, None, &mut |row| {
            rows.push(row.iter().zip(&bound.columns).map(|(v, c)| Some((v.clone(), c.ty.clone()))).collect());
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    fn insert_variable(&mut self, name: &str, insert: &Insert) -> SqlResult<u64> {
        let table = self
            .variables
            .borrow()
            .get(&name.to_lowercase())
            .and_then(|v| v.table.clone())
            .ok_or_else(|| SqlError::batch(1087, 1, 15, format!("Must declare the table variable \"{name}\".")))?;
        let Source::Query(q) = &insert.source else { return Err(error::unsupported("DEFAULT VALUES")) };
        let rows = self.source_rows(q, insert)?;
        let places: Vec<usize> = match &insert.columns {
            None => (0..table.columns.len()).collect(),
            Some(names) => names
                .iter()
                .map(|n| {
                    table
                        .columns
                        .iter()
                        .position(|c| self.same_name(self.database, &c.name, n))
                        .ok_or_else(|| error::invalid_column(n))
                })
                .collect::<SqlResult<_>>()?,
        };
        let mut fresh = Vec::new();
        for r in rows {
            if r.len() != places.len() {
                return Err(SqlError::batch(
                    213,
                    1,
                    16,
                    "Column name or number of supplied values does not match table definition.",
                ));
            }
            let mut row = vec![Value::Null; table.columns.len()];
            for (at, g) in places.iter().zip(r) {
                if let Some((v, ty)) = g {
                    row[*at] = convert(&v, &ty, &table.columns[*at].ty, How { too_long: TooLong::Refuse, style: 0 })?;
                }
            }
            for (c, v) in table.columns.iter().zip(&row) {
                if !c.nullable && matches!(v, Value::Null) {
                    return Err(error::null_refused(&c.name, name, "INSERT"));
                }
            }
            fresh.push(row);
        }
        let count = fresh.len() as u64;
        table.rows.lock().unwrap_or_else(PoisonError::into_inner).extend(fresh);
        Ok(count)
    }

    /// What UPDATE and DELETE read: the plan, the scope, where the target's columns begin and where its row's id is.
    #[expect(clippy::type_complexity, reason = "what the binder found, taken apart at once")]
    fn changed_rows(
        &self,
        access: &Access,
        change: &Change,
    ) -> SqlResult<(Plan, Scope, usize, usize, Vec<(usize, Expr)>, Vec<(String, Expr)>, BTreeSet<i32>, Option<Expr>)>
    {
        let table = access.table();
        let mut b = Binder::new(self, self.database);
        if let Some(with) = &change.with {
            b.with(with)?;
        }
        let last = change.target.last().cloned().unwrap_or_default();
        b.mark = Some((last, access.object.object_id));
        let mut found: Option<(Plan, Scope)> = None;
        for t in &change.from {
            let next = b.tables(t)?;
            found = Some(match found {
                None => next,
                Some(left) => b.cross(left, next),
            });
        }
        let marked = found.as_ref().is_some_and(|(_, s)| s.columns.iter().any(|c| c.name == ROW_ID));
        let (plan, scope) = match (found, marked) {
            (Some(f), true) => f,
            (other, _) => {
                let own = b.named_table(&change.target, None)?;
                match other {
                    None => own,
                    Some(f) => b.cross(own, f),
                }
            }
        };
        b.mark = None;
        let id = scope
            .columns
            .iter()
            .find(|c| c.name == ROW_ID)
            .map(|c| c.index)
            .ok_or_else(|| error::invalid_object(&access.object.name))?;
        let start = id - table.columns.len();
        for c in &scope.columns[start..id] {
            if let Some((used, i)) = &c.used
                && let Some(u) = used.borrow_mut().get_mut(*i)
            {
                *u = true;
            }
        }
        b.scopes.push(scope.clone());
        let mut sets = Vec::new();
        let mut variables = Vec::new();
        for a in change.set.iter().flatten() {
            let value = match &a.value {
                None => None,
                Some(v) => {
                    let v = match (a.operator.as_ref().and_then(operator), &a.column) {
                        (Some(_), Some(c)) => {
                            let left =
                                ast::Expr::CompoundIdentifier(c.iter().map(|p| ast::Ident::new(p.clone())).collect());
                            let left = if let [one] = c.as_slice() {
                                ast::Expr::Identifier(ast::Ident::new(one.clone()))
                            } else {
                                left
                            };
                            ast::Expr::BinaryOp {
                                left: Box::new(left),
                                op: a.operator.clone().unwrap_or(ast::BinaryOperator::Plus),
                                right: Box::new(ast::Expr::Nested(Box::new(v.clone()))),
                            }
                        }
                        _ => v.clone(),
                    };
                    Some(b.value(&v)?)
                }
            };
            if let (Some(name), Some(v)) = (&a.variable, &value) {
                variables.push((name.to_lowercase(), v.clone()));
            }
            let Some(column) = &a.column else { continue };
            let name = column.last().cloned().unwrap_or_default();
            let at = table
                .columns
                .iter()
                .position(|c| self.same_name(access.database, &c.name, &name))
                .ok_or_else(|| error::invalid_column(&name))?;
            let c = &table.columns[at];
            if c.computed.is_some() {
                return Err(computed_refused(&c.name));
            }
            if c.ty.base == Base::RowVersion {
                return Err(SqlError::batch(272, 1, 16, "Cannot update a timestamp column."));
            }
            if c.identity.is_some() {
                return Err(SqlError::batch(8102, 1, 16, format!("Cannot update identity column '{}'.", c.name)));
            }
            if sets.iter().any(|(i, _)| *i == at) {
                return Err(twice(&c.name));
            }
            let value = match value {
                Some(v) => v,
                None => self.default_of(access, at)?.unwrap_or_else(|| Expr::constant(Value::Null, c.ty.clone())),
            };
            sets.push((at, value));
        }
        let filter = match &change.filter {
            None => None,
            Some(f) => Some(b.condition(f)?),
        };
        let plan = match filter {
            None => plan,
            Some(f) => b.filtered(plan, f),
        };
        let plan = b.settled(plan);
        let top = match &change.top {
            None => None,
            Some(e) => Some(b.value(e)?),
        };
        Ok((plan, scope, start, id, sets, variables, b.databases, top))
    }

    /// UPDATE.
    pub fn update(&mut self, change: &Change, out: &mut Out<'_>) -> SqlResult<u64> {
        if change.target.first().is_some_and(|n| n.starts_with('@')) {
            return Err(error::unsupported("UPDATE of a table variable"));
        }
        let access = self.changed_table(change)?;
        self.may_change(&access, "UPDATE")?;
        let (plan, _, start, id, sets, variables, databases, top) = self.changed_rows(&access, change)?;
        self.start_write(access.database)?;
        self.check_snapshot(&[access.database].into())?;
        self.start_read(databases)?;
        let ctx = Context::new(self);
        let limit = self.limit(&ctx, top.as_ref())?;
        let width = access.table().columns.len();
        let mut seen = HashSet::new();
        let mut changes = Changes::default();
        plan.each(&ctx, None, &mut |row| {
            if changes.updates.len() as u64 >= limit {
                return Ok(ControlFlow::Break(()));
            }
            let Value::BigInt(key) = row[id] else { return Ok(ControlFlow::Continue(())) };
            if !seen.insert(key) {
                return Ok(ControlFlow::Continue(()));
            }
            let env = Env { ctx: &ctx, row, outer: None };
            let old = row[start..start + width].to_vec();
            let mut new = old.clone();
            for (at, e) in &sets {
                new[*at] = access.store(*at, &e.eval(&env)?, &e.ty)?;
            }
            for (name, e) in &variables {
                let v = e.eval(&env)?;
                let mut all = self.variables.borrow_mut();
                if let Some(var) = all.get_mut(name) {
                    var.value = convert(&v, &e.ty, &var.ty, How::default())?;
                }
            }
            for (at, c) in access.table().columns.iter().enumerate() {
                if c.ty.base == Base::RowVersion {
                    let n = self.engine.next_rowversion(access.database);
                    new[at] = Value::Binary(n.to_be_bytes().as_slice().into());
                }
            }
            changes.updates.push((key, old, new));
            Ok(ControlFlow::Continue(()))
        })?;
        self.apply(&ctx, &access, &mut changes, "UPDATE", 0)?;
        let count = changes.updates.len() as u64;
        drop(ctx);
        if let Some(o) = &change.output {
            let pairs = changes.updates.into_iter().map(|(_, a, b)| (Some(a), Some(b))).collect();
            self.output(&access, o, pairs, out)?;
        }
        Ok(count)
    }

    /// DELETE.
    pub fn delete(&mut self, change: &Change, out: &mut Out<'_>) -> SqlResult<u64> {
        if let [name] = change.target.as_slice()
            && name.starts_with('@')
        {
            if change.filter.is_some() {
                return Err(error::unsupported("DELETE of a table variable"));
            }
            let table = self.variables.borrow().get(&name.to_lowercase()).and_then(|v| v.table.clone());
            let table = table
                .ok_or_else(|| SqlError::batch(1087, 1, 15, format!("Must declare the table variable \"{name}\".")))?;
            let mut rows = table.rows.lock().unwrap_or_else(PoisonError::into_inner);
            let n = rows.len() as u64;
            rows.clear();
            return Ok(n);
        }
        let access = self.changed_table(change)?;
        self.may_change(&access, "DELETE")?;
        let (plan, _, start, id, _, _, databases, top) = self.changed_rows(&access, change)?;
        self.start_write(access.database)?;
        self.check_snapshot(&[access.database].into())?;
        self.start_read(databases)?;
        let ctx = Context::new(self);
        let limit = self.limit(&ctx, top.as_ref())?;
        let width = access.table().columns.len();
        let mut seen = HashSet::new();
        let mut changes = Changes::default();
        plan.each(&ctx, None, &mut |row| {
            if changes.deletes.len() as u64 >= limit {
                return Ok(ControlFlow::Break(()));
            }
            let Value::BigInt(key) = row[id] else { return Ok(ControlFlow::Continue(())) };
            if seen.insert(key) {
                changes.deletes.push((key, row[start..start + width].to_vec()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.apply(&ctx, &access, &mut changes, "DELETE", 0)?;
        let count = changes.deletes.len() as u64;
        drop(ctx);
        if let Some(o) = &change.output {
            let pairs = changes.deletes.into_iter().map(|(_, a)| (Some(a), None)).collect();
            self.output(&access, o, pairs, out)?;
        }
        Ok(count)
    }

    fn limit(&self, ctx: &Context<'_>, top: Option<&Expr>) -> SqlResult<u64> {
        Ok(match top {
            None => u64::MAX,
            Some(e) => {
                let v = e.eval(&Env { ctx, row: &[], outer: None })?;
                super::convert::integer_of(&v).unwrap_or(0).max(0) as u64
            }
        })
    }

    /// The table that UPDATE or DELETE changes: by its name, or by an alias of FROM.
    fn changed_table(&self, change: &Change) -> SqlResult<Access> {
        if let [name] = change.target.as_slice() {
            for t in &change.from {
                let factors = std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation));
                for f in factors {
                    if let ast::TableFactor::Table { name: table, alias: Some(a), .. } = f
                        && self.same_name(self.database, &a.name.value, name)
                    {
                        return self.target(&super::select::object_name(table));
                    }
                }
            }
        }
        self.target(&change.target)
    }

    /// OUTPUT.
    fn output(&mut self, access: &Access, output: &Output, pairs: Vec<Pair>, out: &mut Out<'_>) -> SqlResult<()> {
        let width = access.table().columns.len();
        let mut scope = Scope::default();
        for (n, side) in ["deleted", "inserted"].iter().enumerate() {
            for c in &access.scope.columns {
                scope.columns.push(ScopeColumn {
                    table: (*side).to_string(),
                    full: None,
                    index: c.index + n * width,
                    used: None,
                    ..c.clone()
                });
            }
        }
        let (exprs, columns) = {
            let mut b = Binder::new(self, self.database);
            b.scopes.push(scope.clone());
            let mut exprs = Vec::new();
            let mut columns: Vec<ResultColumn> = Vec::new();
            let mut one = |b: &mut Binder<'_>, e: &ast::Expr, name: String| -> SqlResult<()> {
                let bound = b.value(e)?;
                columns.push(ResultColumn {
                    name,
                    ty: bound.ty.clone(),
                    flags: 32 | u16::from(bound.nullable),
                    user_type: 0,
                });
                exprs.push(bound);
                Ok(())
            };
            for item in &output.items {
                match item {
                    ast::SelectItem::UnnamedExpr(e) => {
                        let name = match e {
                            ast::Expr::CompoundIdentifier(p) => p.last().map(|i| i.value.clone()).unwrap_or_default(),
                            _ => String::new(),
                        };
                        one(&mut b, e, name)?;
                    }
                    ast::SelectItem::ExprWithAlias { expr, alias } => one(&mut b, expr, alias.value.clone())?,
                    ast::SelectItem::QualifiedWildcard(kind, _) => {
                        let side = kind.to_string().trim_end_matches(".*").to_ascii_lowercase();
                        for c in scope.columns.iter().filter(|c| c.table == side && !c.hidden) {
                            let e = ast::Expr::CompoundIdentifier(vec![
                                ast::Ident::new(side.clone()),
                                ast::Ident::new(c.name.clone()),
                            ]);
                            one(&mut b, &e, c.name.clone())?;
                        }
                    }
                    other => return Err(error::syntax(&other.to_string())),
                }
            }
            (exprs, columns)
        };
        let mut rows = Vec::new();
        {
            let ctx = Context::new(self);
            for (old, new) in pairs {
                let mut row = old.unwrap_or_else(|| vec![Value::Null; width]);
                row.extend(new.unwrap_or_else(|| vec![Value::Null; width]));
                let env = Env { ctx: &ctx, row: &row, outer: None };
                rows.push(exprs.iter().map(|e| e.eval(&env)).collect::<SqlResult<Vec<_>>>()?);
            }
        }
        let Some((target, _)) = &output.into else {
            out.reply.columns(&columns)?;
            for r in &rows {
                out.reply.row(r)?;
            }
            return Ok(());
        };
        if let [name] = target.as_slice()
            && name.starts_with('@')
        {
            let table = self.variables.borrow().get(&name.to_lowercase()).and_then(|v| v.table.clone());
            let table = table
                .ok_or_else(|| SqlError::batch(1087, 1, 15, format!("Must declare the table variable \"{name}\".")))?;
            let mut held = table.rows.lock().unwrap_or_else(PoisonError::into_inner);
            for r in rows {
                let mut row = Vec::new();
                for ((v, from), c) in r.iter().zip(&columns).zip(&table.columns) {
                    row.push(convert(v, &from.ty, &c.ty, How::default())?);
                }
                row.resize(table.columns.len(), Value::Null);
                held.push(row);
            }
            return Ok(());
        }
        Err(error::unsupported("OUTPUT INTO"))
    }

    /// SELECT … INTO.
    pub fn select_into(&mut self, bound: Bound, databases: BTreeSet<i32>) -> SqlResult<u64> {
        let parts = bound.into.clone().unwrap_or_default();
        let (database, schema, name) = match parts.as_slice() {
            [n] if n.starts_with('#') => (TEMPDB, "dbo".to_string(), n.clone()),
            [n] => (self.database, self.default_schema_name(self.database), n.clone()),
            [s, n] => (self.database, s.clone(), n.clone()),
            [d, s, n] => (
                self.database_named(d).ok_or_else(|| error::invalid_object(&parts.join(".")))?,
                if s.is_empty() { "dbo".to_string() } else { s.clone() },
                n.clone(),
            ),
            _ => return Err(error::invalid_object(&parts.join("."))),
        };
        let mut columns = Vec::new();
        for (i, (c, source)) in bound.columns.iter().zip(&bound.sources).enumerate() {
            if c.name.is_empty() {
                return Err(SqlError::batch(
                    1038,
                    5,
                    15,
                    "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name. \
                     For other statements, look for empty alias names. Aliases defined as \"\" or [] are not allowed. Change \
                     the alias to a valid name.",
                ));
            }
            let id = meta::types::built_in(c.ty.base).map_or(0, |t| t.user_type_id);
            let mut ty = c.ty.clone();
            if types::is_text(ty.base) && ty.length == 0 {
                ty.length = 1;
            }
            let mut column = Column::plain(i as i32 + 1, &c.name, ty, id);
            column.nullable = c.nullable;
            if source.as_ref().is_some_and(|s| s.flags & 16 != 0) {
                column.identity =
                    Some(Identity { seed: 1, increment: 1, not_for_replication: false, counter: Counter::default() });
            }
            columns.push(column);
        }
        let table = Table {
            max_column_id: columns.len() as i32,
            columns,
            data_space_id: 1,
            uses_ansi_nulls: true,
            ..Table::default()
        };
        self.start_write(database)?;
        self.start_read(databases)?;
        let rows = {
            let ctx = Context::new(self);
            bound.plan.collect(&ctx, None)?
        };
        let object = self.create_table(database, &schema, &name, table)?;
        let access = self.access(database, &schema, &object)?;
        let ctx = Context::new(self);
        access.ensure(&ctx)?;
        let link = self.link(database)?;
        let identity = access.table().columns.iter().enumerate().find_map(|(i, c)| c.identity.as_ref().map(|x| (i, x)));
        for row in &rows {
            if let Some((at, i)) = &identity
                && let Some(n) = decimal_of(&row[*at]).and_then(|d| d.to_i128())
            {
                raise_identity(i, n);
            }
            access.put(&ctx, link, row, &access.write(row)?)?;
        }
        Ok(rows.len() as u64)
    }

    /// Puts a table into the catalogue.
    pub fn create_table(&mut self, database: i32, schema: &str, name: &str, table: Table) -> SqlResult<Arc<Object>> {
        let now = Stamp::now();
        let (schema, name) = (schema.to_string(), name.to_string());
        self.change_database(database, |db| {
            let schema_id = db.schema(&schema).map(|s| s.schema_id).unwrap_or(DBO_SCHEMA);
            if db.locate(schema_id, &name).is_some() {
                return Err(SqlError::new(
                    2714,
                    6,
                    16,
                    format!("There is already an object named '{name}' in the database."),
                ));
            }
            let object_id = db.new_object_id();
            Ok(db.put(Object {
                object_id,
                name: name.clone(),
                schema_id,
                parent_object_id: 0,
                principal_id: None,
                created: now,
                modified: now,
                kind: Kind::Table(Box::new(table)),
            }))
        })
    }

    /// SET IDENTITY_INSERT.
    pub fn identity_insert(&mut self, name: &[String], on: bool) -> SqlResult<()> {
        let shown = name.join(".");
        let found = self.resolve(self.database, name)?;
        let Some(Resolved::Table { database, object, .. }) = found else {
            return Err(SqlError::batch(
                1088,
                11,
                16,
                format!("Cannot find the object \"{shown}\" because it does not exist or you do not have permissions."),
            ));
        };
        if object.table().is_none_or(|t| t.identity().is_none()) {
            return Err(SqlError::batch(
                8106,
                1,
                16,
                format!("Table '{}' does not have the identity property. Cannot perform SET operation.", object.name),
            ));
        }
        let this = (database, object.object_id);
        if !on {
            if self.options.identity_insert == Some(this) {
                self.options.identity_insert = None;
            }
            return Ok(());
        }
        if let Some((d, t)) = self.options.identity_insert.filter(|o| *o != this)
            && let Some(db) = self.database_meta(d)
            && let Some(o) = db.object(t)
        {
            return Err(SqlError::batch(
                8107,
                1,
                16,
                format!(
                    "IDENTITY_INSERT is already ON for table '{}.{}.{}'. Cannot perform SET operation for table '{shown}'.",
                    db.name,
                    db.schema_name(o.schema_id),
                    o.name
                ),
            ));
        }
        self.options.identity_insert = Some(this);
        Ok(())
    }
}

/// The next value of an identity column.
pub fn next_identity(i: &Identity) -> i128 {
    // Beyond 128 bits nothing fits any type: the column's own overflow says so.
    i.counter.take(i.seed, i.increment, |next| {
        let n = next.unwrap_or(if i.increment > 0 { i128::MAX } else { i128::MIN });
        (Some(n), n)
    })
}

/// An explicit value moves the counter only onward (fact 60).
pub fn raise_identity(i: &Identity, n: i128) {
    i.counter.update(|last| {
        let onward = match *last {
            None => true,
            Some(l) => (i.increment > 0 && n > l) || (i.increment < 0 && n < l),
        };
        if onward {
            *last = Some(n);
        }
    });
}

/// A value of an identity column.
pub fn identity_value(ty: &SqlType, n: i128) -> SqlResult<Value> {
    super::convert::make_number(ty, super::number::Decimal::from_i128(n), "IDENTITY").map_err(|_| {
        SqlError::new(
            8115,
            1,
            16,
            format!("Arithmetic overflow error converting IDENTITY to data type {}.", types::name(ty.base)),
        )
    })
}

/// 264.
pub fn twice(name: &str) -> SqlError {
    SqlError::batch(
        264,
        1,
        16,
        format!(
            "The column name '{name}' is specified more than once in the SET clause or column list of an INSERT. A column cannot \
             be assigned more than one value in the same clause. Modify the clause to make sure that a column is updated only \
             once. If this statement updates or inserts columns into a view, column aliasing can conceal the duplication in your \
             code."
        ),
    )
}

/// 271.
pub fn computed_refused(name: &str) -> SqlError {
    SqlError::batch(
        271,
        1,
        16,
        format!(
            "The column \"{name}\" cannot be modified because it is either a computed column or is the result of a UNION operator."
        ),
    )
}
