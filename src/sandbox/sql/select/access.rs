//! How rows are reached once all conditions are in place: by an index, in its order, or by a table of keys.

use crate::sandbox::sql::bind::Binder;
use crate::sandbox::sql::expr::{Comparison, Expr, Node};
use crate::sandbox::sql::plan::{Plan, TableScan};
use crate::sandbox::sql::{convert, table, types};
use crate::sandbox::value::{SqlType, Value};

use super::pushdown::has_query;

impl Binder<'_> {
    /// Chooses indexes and hash tables, once all conditions are in place.
    pub fn settled(&mut self, plan: Plan) -> Plan {
        match plan {
            Plan::Table(mut scan) => {
                choose_seek(&mut scan);
                Plan::Table(scan)
            }
            Plan::Join(mut j) => {
                j.left = Box::new(self.settled(*j.left));
                j.right = Box::new(self.settled(*j.right));
                Plan::Join(j)
            }
            Plan::Apply { left, right, right_width, outer } => {
                let left = Box::new(self.settled(*left));
                Plan::Apply { left, right, right_width, outer }
            }
            Plan::Filter { input, condition } => {
                let input = self.settled(*input);
                // Equalities with rows around make a table of keys worth its while.
                if input.depends() || matches!(input, Plan::Table(_)) || self.scopes.len() < 2 {
                    return Plan::Filter { input: Box::new(input), condition };
                }
                let (mut keys, mut rest) = (Vec::new(), Vec::new());
                for c in condition.conjuncts() {
                    match outer_equality(&c) {
                        Some(k) => keys.push(k),
                        None => rest.push(c),
                    }
                }
                if keys.is_empty() {
                    let condition = Expr::all(rest).unwrap_or_else(|| Expr::condition(Node::Const(Value::Bit(true))));
                    return Plan::Filter { input: Box::new(input), condition };
                }
                let id = self.number();
                Plan::Lookup { id, input: Box::new(input), keys, residual: Expr::all(rest) }
            }
            other => other,
        }
    }
}

/// `input column = something of an outer row`.
fn outer_equality(c: &Expr) -> Option<(Expr, Expr, SqlType)> {
    let Node::Compare(Comparison::Eq, a, b) = &c.node else { return None };
    let outer = |e: &Expr| {
        let mut found = false;
        e.walk(&mut |e| found |= matches!(e.node, Node::Column { depth, .. } if depth > 0));
        found
    };
    // The inside must not look outside.
    let (inside, outside) = if !a.uses_row() && b.uses_row() && !outer(b) {
        (b, a)
    } else if !b.uses_row() && a.uses_row() && !outer(a) {
        (a, b)
    } else {
        return None;
    };
    if has_query(inside) || has_query(outside) {
        return None;
    }
    let ty = SqlType { collation: c.ty.collation.clone(), ..inside.ty.clone() };
    Some((inside.as_ref().clone(), outside.as_ref().clone(), ty))
}

/// Finds the index whose first columns are all given.
fn choose_seek(scan: &mut TableScan) {
    let (Some(table), Some(filter)) = (scan.object.table(), &scan.filter) else { return };
    let mut given: Vec<(usize, Expr)> = Vec::new();
    for c in filter.clone().conjuncts() {
        let Node::Compare(Comparison::Eq, a, b) = &c.node else { continue };
        for (column, value) in [(a, b), (b, a)] {
            let Node::Column { depth: 0, index } = column.node else { continue };
            if value.uses_row() || has_query(value) {
                continue;
            }
            let ty = &table.columns[index].ty;
            let fits = if types::is_text(ty.base) {
                types::is_text(value.ty.base)
                    && types::is_wide(ty.base) == types::is_wide(value.ty.base)
                    && c.ty.collation.as_ref().map(|c| &c.name) == ty.collation.as_ref().map(|c| &c.name)
            } else {
                value.ty.base == ty.base && value.ty.scale == ty.scale
            };
            if fits {
                // The key is made as the column's own values are.
                let mut e = value.as_ref().clone();
                if types::is_text(ty.base) {
                    e.ty.collation = ty.collation.clone();
                }
                given.push((index, e));
            } else if let Node::Const(v) = &value.node {
                // A constant may have the column's type just as well.
                if let Ok(v) = convert::convert(v, &value.ty, ty, convert::How::default()) {
                    let exact = types::is_integer(ty.base) && types::is_integer(value.ty.base);
                    if exact {
                        given.push((index, Expr::constant(v, ty.clone())));
                    }
                }
            }
        }
    }
    if given.is_empty() {
        return;
    }
    let mut best: Option<(i32, Vec<Expr>)> = None;
    for ix in &table.indexes {
        if ix.filter.is_some() || ix.disabled || !table::kept(ix) {
            continue;
        }
        let mut keys = Vec::new();
        for k in ix.keys() {
            let Some(at) = table.columns.iter().position(|c| c.id == k.column_id) else { break };
            match given.iter().find(|(i, _)| *i == at) {
                Some((_, e)) => keys.push(e.clone()),
                None => break,
            }
        }
        if !keys.is_empty() && best.as_ref().is_none_or(|(_, b)| b.len() < keys.len()) {
            best = Some((ix.index_id, keys));
        }
    }
    scan.seek = best;
}

/// Reads a table in the order of an index if that is the order asked for.
pub(super) fn order_by_index(plan: &mut Plan, exprs: &[Expr], keys: &[(usize, bool)]) -> bool {
    let Plan::Table(scan) = plan else { return false };
    if scan.seek.is_some() {
        return false;
    }
    let Some(table) = scan.object.table() else { return false };
    for ix in &table.indexes {
        if ix.filter.is_some() || ix.disabled || !table::kept(ix) {
            continue;
        }
        let columns: Vec<_> = ix.keys().collect();
        if columns.len() < keys.len() {
            continue;
        }
        let mut backwards = None;
        let fits = keys.iter().zip(&columns).all(|((at, descending), k)| {
            let Node::Column { depth: 0, index } = exprs[*at].node else { return false };
            let turned = *descending != k.descending;
            let same = *backwards.get_or_insert(turned) == turned;
            same && table.columns.get(index).is_some_and(|c| c.id == k.column_id)
        });
        if fits {
            scan.order = Some((ix.index_id, backwards.unwrap_or(false)));
            return true;
        }
    }
    false
}
