//! Tables read: where the columns of a row come from, which part of an index is asked for, what computed columns are.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use crate::sandbox::meta::Object;
use crate::sandbox::rowform::{RowForm, decode_data};
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env, Expr};
use crate::sandbox::sql::key;
use crate::sandbox::storage::{Order, Stop, after};
use crate::sandbox::value::{Base, SqlType, Value};

use super::GO;

/// How a table is read.
#[derive(Debug, Clone)]
pub struct TableScan {
    /// Its database.
    pub database: i32,
    /// The table.
    pub object: Arc<Object>,
    /// How rows are stored.
    pub form: Rc<RowForm>,
    /// For each column of the table: its place in the stored row, or its expression over the row.
    pub columns: Vec<Place>,
    /// Which columns somebody reads.
    pub used: Rc<RefCell<Vec<bool>>>,
    /// An index to read by, and the keys it is to have (constants or outer columns).
    pub seek: Option<(i32, Vec<Expr>)>,
    /// An index to read in the order of.
    pub order: Option<(i32, bool)>,
    /// What rows must satisfy.
    pub filter: Option<Expr>,
    /// Whether the row's id follows its columns.
    pub with_id: bool,
}

/// Where a column comes from.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Place {
    Stored(usize),
    Computed(Box<Expr>),
    /// Nowhere (a column set): NULL.
    Nothing,
}

impl TableScan {
    /// Its rows with their ids.
    pub fn run(
        &self,
        ctx: &Context<'_>,
        outer: Option<&Env<'_>>,
        out: &mut dyn FnMut(i64, &[Value]) -> SqlResult<Stop>,
    ) -> SqlResult<Stop> {
        let link = ctx.session.link(self.database)?;
        let (mut from, mut to) = (None, None);
        let mut order = self.order;
        if let Some((index, keys)) = &self.seek {
            let Some(table) = self.object.table() else { return GO };
            let Some(ix) = table.index(*index) else { return GO };
            let env = Env { ctx, row: &[], outer };
            let mut prefix = Vec::new();
            for (e, k) in keys.iter().zip(ix.keys()) {
                let v = e.eval(&env)?;
                if matches!(v, Value::Null) {
                    return GO;
                }
                key::encode(&mut prefix, &v, &e.ty, k.descending);
            }
            to = Some(after(&prefix));
            from = Some(prefix);
            if order.is_none() {
                order = Some((*index, false));
            }
        }
        let bounds =
            order.map(|(index, backwards)| Order { index, from: from.as_deref(), to: to.as_deref(), backwards });
        let used = self.used.borrow().clone();
        // Computed columns need the columns they are made of, so one of them asks for all.
        let all = self.columns.iter().zip(&used).any(|(p, u)| *u && matches!(p, Place::Computed(_)));
        let mut wanted = vec![all; self.form.len()];
        for (place, used) in self.columns.iter().zip(&used) {
            if let (Place::Stored(at), true) = (place, used) {
                wanted[*at] = true;
            }
        }
        let mut stored: Vec<Value> = Vec::with_capacity(self.form.len());
        let mut row: Vec<Value> = Vec::with_capacity(self.columns.len());
        let mut stop = ControlFlow::Continue(());
        link.scan::<SqlError>(self.object.object_id, bounds, |id, body| {
            ctx.tick()?;
            stored.clear();
            for (at, cell) in self.form.cells(body).enumerate() {
                let cell = cell.map_err(damaged)?;
                stored.push(match (cell.data, wanted[at], self.form.column(at)) {
                    (Some(data), true, Some(ty)) => decode_data(ty, data).map_err(|f| damaged(f.at(at, ty.base)))?,
                    _ => Value::Null,
                });
            }
            self.widen(ctx, &stored, &mut row)?;
            if self.with_id {
                row.push(Value::BigInt(id));
            }
            if let Some(f) = &self.filter
                && !f.holds(&Env { ctx, row: &row, outer })?
            {
                return GO;
            }
            stop = out(id, &row)?;
            Ok(stop)
        })?;
        Ok(stop)
    }

    /// The table's row of a stored row.
    pub fn widen(&self, ctx: &Context<'_>, stored: &[Value], row: &mut Vec<Value>) -> SqlResult<()> {
        row.clear();
        let mut computed = false;
        for place in &self.columns {
            row.push(match place {
                Place::Stored(at) => stored[*at].clone(),
                Place::Computed(_) => {
                    computed = true;
                    Value::Null
                }
                Place::Nothing => Value::Null,
            });
        }
        if computed {
            let used = self.used.borrow();
            for (at, place) in self.columns.iter().enumerate() {
                if let (Place::Computed(e), true) = (place, used[at]) {
                    row[at] = e.eval(&Env { ctx, row, outer: None })?;
                }
            }
        }
        Ok(())
    }

    /// Whether its rows can go out as they lie.
    pub fn plain(&self) -> bool {
        self.filter.is_none() && self.seek.is_none()
    }
}

/// A stored row that cannot be read.
pub fn damaged(e: impl std::fmt::Display) -> SqlError {
    SqlError::batch(824, 2, 24, format!("SQL Server detected a logical consistency-based I/O error: {e}."))
}

/// The stored columns of a table, in order: `(column index, type)`.
pub fn stored_columns(table: &crate::sandbox::meta::Table) -> Vec<(usize, SqlType)> {
    table.columns.iter().enumerate().filter(|(_, c)| c.stored()).map(|(i, c)| (i, c.ty.clone())).collect()
}

/// The row form of a table.
pub fn row_form(table: &crate::sandbox::meta::Table) -> RowForm {
    let types: Vec<SqlType> = stored_columns(table).into_iter().map(|(_, ty)| ty).collect();
    RowForm::new(types.iter())
}

/// Whether a type can be in a key at all.
pub fn orders(base: Base) -> bool {
    !matches!(base, Base::Text | Base::NText | Base::Image | Base::Xml | Base::Geometry | Base::Geography | Base::Clr)
}
