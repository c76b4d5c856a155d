//! Conditions taken apart and put as far down a plan as they go: to a scan, a side of a join, the keys of a join.

use crate::sandbox::sql::bind::Binder;
use crate::sandbox::sql::expr::{Comparison, Expr, Node};
use crate::sandbox::sql::plan::{Join, JoinKind, Plan};
use crate::sandbox::value::{SqlType, Value};

impl Binder<'_> {
    /// A plan under a condition: each part of it as far down as it goes.
    pub fn filtered(&mut self, mut plan: Plan, condition: Expr) -> Plan {
        let mut rest = Vec::new();
        for c in condition.conjuncts() {
            rest.extend(push(&mut plan, c));
        }
        match Expr::all(rest) {
            None => plan,
            Some(condition) => Plan::Filter { input: Box::new(plan), condition },
        }
    }
}

/// Whether an expression has a query inside.
pub(super) fn has_query(e: &Expr) -> bool {
    let mut found = false;
    e.walk(&mut |e| {
        found |=
            matches!(e.node, Node::InQuery { .. } | Node::Quantified { .. } | Node::Exists { .. } | Node::Scalar(_));
    });
    found
}

/// The columns at depth 0 that an expression reads: lowest and highest; `None` if it may read any.
fn reach(e: &Expr) -> Option<(usize, usize)> {
    if has_query(e) {
        return None;
    }
    let mut out = (usize::MAX, 0);
    e.walk(&mut |e| {
        if let Node::Column { depth: 0, index } = e.node {
            out = (out.0.min(index), out.1.max(index));
        }
    });
    Some(out)
}

/// Moves the columns of an expression.
fn shift(mut e: Expr, by: usize) -> Expr {
    fn walk(e: &mut Expr, by: usize) {
        match &mut e.node {
            Node::Column { depth: 0, index } => *index -= by,
            Node::Arithmetic(_, a, b)
            | Node::Concat(a, b)
            | Node::Compare(_, a, b)
            | Node::And(a, b)
            | Node::Or(a, b) => {
                walk(a, by);
                walk(b, by);
            }
            Node::Negate(a) | Node::BitNot(a) | Node::Not(a) | Node::IsNull(a, _) => walk(a, by),
            Node::Like { value, pattern, escape, .. } => {
                walk(value, by);
                walk(pattern, by);
                if let Some(e) = escape {
                    walk(e, by);
                }
            }
            Node::In { value, list, .. } => {
                walk(value, by);
                list.iter_mut().for_each(|e| walk(e, by));
            }
            Node::InQuery { value, .. } | Node::Quantified { value, .. } => walk(value, by),
            Node::Case { whens, otherwise } => {
                for (c, r) in whens {
                    walk(c, by);
                    walk(r, by);
                }
                if let Some(o) = otherwise {
                    walk(o, by);
                }
            }
            Node::Convert { value, style, .. } => {
                walk(value, by);
                if let Some(s) = style {
                    walk(s, by);
                }
            }
            Node::Call(_, args) => args.iter_mut().for_each(|e| walk(e, by)),
            Node::Const(_)
            | Node::Column { .. }
            | Node::Window { .. }
            | Node::Variable(_)
            | Node::Exists { .. }
            | Node::Scalar(_) => {}
        }
    }
    walk(&mut e, by);
    e
}

/// Tries to make a conjunct a key of a join; gives it back if it is none.
fn join_key(join: &mut Join, c: Expr) -> Option<Expr> {
    if let Node::Compare(Comparison::Eq, a, b) = &c.node {
        let w = join.left_width;
        let side = |e: &Expr| match reach(e) {
            Some((low, high)) if low != usize::MAX => {
                if high < w {
                    Some(false)
                } else if low >= w {
                    Some(true)
                } else {
                    None
                }
            }
            _ => None,
        };
        let pair = match (side(a), side(b)) {
            (Some(false), Some(true)) => Some((a.as_ref().clone(), b.as_ref().clone())),
            (Some(true), Some(false)) => Some((b.as_ref().clone(), a.as_ref().clone())),
            _ => None,
        };
        if let Some((l, r)) = pair {
            let ty = SqlType { collation: c.ty.collation.clone(), ..l.ty.clone() };
            join.keys.push((l, shift(r, w), ty));
            return None;
        }
    }
    Some(c)
}

/// Puts a conjunct of ON where it belongs; what is left is checked on the joined row.
pub(super) fn join_conjunct(join: &mut Join, c: Expr) -> Option<Expr> {
    let c = join_key(join, c)?;
    let w = join.left_width;
    match (reach(&c), join.kind) {
        (Some((low, high)), JoinKind::Inner | JoinKind::Right) if low != usize::MAX && high < w => {
            push_or_filter(&mut join.left, c);
            None
        }
        (Some((low, _)), JoinKind::Inner | JoinKind::Left) if low != usize::MAX && low >= w => {
            push_or_filter(&mut join.right, shift(c, w));
            None
        }
        _ => Some(c),
    }
}

fn push_or_filter(plan: &mut Box<Plan>, c: Expr) {
    if let Some(c) = push(plan, c) {
        let input = std::mem::replace(plan.as_mut(), Plan::Dual);
        **plan = Plan::Filter { input: Box::new(input), condition: c };
    }
}

/// Pushes a conjunct of WHERE down; gives it back if it must stay above.
fn push(plan: &mut Plan, c: Expr) -> Option<Expr> {
    match plan {
        Plan::Table(scan) => {
            // The scan's filter sees no more than its own row and the rows around.
            let filter = scan.filter.take();
            scan.filter = Expr::all(filter.into_iter().chain([c]).collect());
            None
        }
        Plan::Join(join) => {
            let w = join.left_width;
            let c = if join.kind == JoinKind::Inner { join_key(join, c)? } else { c };
            match (reach(&c), join.kind) {
                (Some((low, high)), JoinKind::Inner | JoinKind::Left) if low != usize::MAX && high < w => {
                    push_or_filter(&mut join.left, c);
                    None
                }
                (Some((low, _)), JoinKind::Inner | JoinKind::Right) if low != usize::MAX && low >= w => {
                    push_or_filter(&mut join.right, shift(c, w));
                    None
                }
                (_, JoinKind::Inner) => {
                    let residual = join.residual.take();
                    join.residual = Expr::all(residual.into_iter().chain([c]).collect());
                    None
                }
                _ => Some(c),
            }
        }
        Plan::Filter { input, condition } => match push(input, c) {
            None => None,
            Some(c) => {
                let old = std::mem::replace(condition, Expr::condition(Node::Const(Value::Null)));
                *condition = Expr::condition(Node::And(Box::new(old), Box::new(c)));
                None
            }
        },
        _ => Some(c),
    }
}
