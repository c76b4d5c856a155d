//! INSERT: which columns are given, the rows of VALUES or of a query, and what identity columns may be given.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::PoisonError;

use sqlparser::ast;

use crate::sandbox::sql::bind::Binder;
use crate::sandbox::sql::convert::{How, TooLong, convert, decimal_of};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env, Expr};
use crate::sandbox::sql::run::Out;
use crate::sandbox::sql::session::SqlSession;
use crate::sandbox::sql::statement::{Insert, Source};
use crate::sandbox::sql::table::Changes;
use crate::sandbox::value::{Base, Value};

use super::{Given, Pair, computed_refused, raise_identity, twice};

impl SqlSession {
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
}
