//! The columns of a stream bound to those of the statement and the table: which types go together, and which rows can be
//! stored as they come.

use super::{Load, interrupted};
use crate::sandbox::rowform::RowForm;
use crate::sandbox::session::BulkColumn;
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::expr::Expr;
use crate::sandbox::sql::plan::damaged;
use crate::sandbox::sql::table::{Access, same_storage};
use crate::sandbox::sql::types;
use crate::sandbox::value::{Base, MAX, SqlType};

pub(super) fn wrong_type(state: u8, column: usize) -> SqlError {
    SqlError::batch(4816, state, 16, format!("Invalid column type from bcp client for colid {column}."))
}

/// Types that a stream may send for each other.
fn family(base: Base) -> u8 {
    match base {
        Base::TinyInt | Base::SmallInt | Base::Int | Base::BigInt => 1,
        Base::Bit => 2,
        Base::Real | Base::Float => 3,
        Base::Money | Base::SmallMoney => 4,
        Base::Decimal | Base::Numeric => 5,
        Base::DateTime | Base::SmallDateTime => 6,
        Base::Date => 7,
        Base::Time => 8,
        Base::DateTime2 => 9,
        Base::DateTimeOffset => 10,
        Base::Char | Base::VarChar | Base::Text => 11,
        // Assumption: xml may come as nvarchar, and CLR types as varbinary, as bcp clients send them.
        Base::NChar | Base::NVarChar | Base::NText | Base::Xml => 12,
        Base::Binary | Base::VarBinary | Base::Image | Base::RowVersion => 13,
        Base::HierarchyId | Base::Geometry | Base::Geography | Base::Clr => 13,
        Base::UniqueIdentifier => 14,
        Base::Variant => 15,
    }
}

pub(super) fn is_max(ty: &SqlType) -> bool {
    ty.length == MAX && matches!(ty.base, Base::VarChar | Base::NVarChar | Base::VarBinary)
}

impl Load {
    /// Facts 11 to 14.
    pub(super) fn bind(&mut self, columns: &[BulkColumn]) -> SqlResult<()> {
        if columns.len() != self.targets.len() {
            return Err(interrupted(3));
        }
        let Some(table) = self.object.table() else { return Err(interrupted(3)) };
        for (n, (c, t)) in columns.iter().zip(&self.targets).enumerate() {
            let column = &table.columns[t.at];
            if family(c.ty.base) != family(t.ty.base) {
                return Err(wrong_type(1, n + 1));
            }
            if is_max(&t.ty)
                && !is_max(&c.ty)
                && !matches!(c.ty.base, Base::Text | Base::NText | Base::Image | Base::Xml)
            {
                return Err(wrong_type(2, n + 1));
            }
            if c.nullable != column.nullable {
                return Err(wrong_type(1, n + 1));
            }
        }
        self.stream = columns
            .iter()
            .zip(&self.targets)
            .map(|(c, t)| {
                // Fact 26: the bytes are in the statement's collation, whatever the stream says.
                if types::is_text(c.ty.base) {
                    SqlType { collation: t.ty.collation.clone(), ..c.ty.clone() }
                } else {
                    c.ty.clone()
                }
            })
            .collect();
        for (t, s) in self.targets.iter_mut().zip(&self.stream) {
            // What is decoded is of the stream's type; the declared one only says how it is meant.
            t.ty = SqlType { length: if s.length == 0 { t.ty.length } else { s.length.max(t.ty.length) }, ..s.clone() };
        }
        Ok(())
    }

    /// For each stored column its place in the stream, if rows can be stored as they come.
    pub(super) fn raw_plan(&self, access: &Access, defaults: &[Option<Expr>]) -> Option<Vec<(usize, bool, u32)>> {
        let table = access.table();
        let mut picks = Vec::new();
        for (at, c) in table.columns.iter().enumerate() {
            if !c.stored() {
                // A computed column in an index is worked out when the row is read again.
                continue;
            }
            if c.computed.is_some() || c.ty.base == Base::RowVersion {
                return None;
            }
            let n = self.targets.iter().position(|t| t.at == at)?;
            if !same_storage(&self.stream[n], &c.ty) {
                return None;
            }
            // A NULL that would become a default is for the slow way.
            let refuses_null = !c.nullable || (!self.keep_nulls && defaults[at].is_some());
            let fixed = match c.ty.base {
                Base::Char | Base::NChar | Base::Binary => c.ty.length,
                _ => 0,
            };
            picks.push((n, refuses_null, fixed));
        }
        Some(picks)
    }
}

/// Copies the cells of a stream's row into the table's order; `false` if a cell needs more than copying.
pub(super) fn copy_row(
    form: &RowForm,
    body: &[u8],
    picks: &[(usize, bool, u32)],
    access: &Access,
    out: &mut Vec<u8>,
) -> SqlResult<bool> {
    let _ = access;
    let mut cells = smallvec::SmallVec::<[crate::sandbox::rowform::Cell<'_>; 32]>::new();
    for c in form.cells(body) {
        cells.push(c.map_err(damaged)?);
    }
    out.clear();
    for (n, refuses_null, fixed) in picks {
        let cell = &cells[*n];
        match cell.data {
            None if *refuses_null => return Ok(false),
            Some(d) if *fixed > 0 && d.len() != *fixed as usize => return Ok(false),
            _ => {}
        }
        out.extend_from_slice(cell.whole);
    }
    Ok(true)
}
