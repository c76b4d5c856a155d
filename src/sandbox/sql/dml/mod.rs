//! INSERT, UPDATE, DELETE, SELECT INTO: what they change is gathered first and applied then, so that no statement sees its
//! own changes. Here is what they share: the target, the right to change it, and OUTPUT.

mod change;
mod insert;
mod into;
mod new_row;

use std::sync::PoisonError;

use sqlparser::ast;

use crate::sandbox::session::ResultColumn;
use crate::sandbox::value::{SqlType, Value};

use super::bind::{Binder, Scope, ScopeColumn};
use super::convert::{How, convert};
use super::error::{self, SqlError, SqlResult};
use super::expr::{Context, Env};
use super::run::Out;
use super::session::{Resolved, SqlSession};
use super::statement::Output;
use super::table::Access;

pub use new_row::{identity_value, next_identity, raise_identity};

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
