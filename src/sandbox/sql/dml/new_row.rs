//! What a new row has in the columns that nobody gives: defaults, rowversions and the values of identity columns.

use crate::sandbox::meta::Identity;
use crate::sandbox::sql::convert;
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::{Context, Env, Expr};
use crate::sandbox::sql::number;
use crate::sandbox::sql::session::{Resolved, SqlSession};
use crate::sandbox::sql::table::Access;
use crate::sandbox::sql::types;
use crate::sandbox::value::{Base, SqlType, Value};

use super::Given;

impl SqlSession {
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
    convert::make_number(ty, number::Decimal::from_i128(n), "IDENTITY").map_err(|_| {
        SqlError::new(
            8115,
            1,
            16,
            format!("Arithmetic overflow error converting IDENTITY to data type {}.", types::name(ty.base)),
        )
    })
}
