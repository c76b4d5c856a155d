//! How values compare: numbers across their types, text under its collation, GUIDs by their last bytes first.

use std::cmp::Ordering;

use crate::sandbox::sql::text::{self, text_of};
use crate::sandbox::sql::types::{self, is_binary, is_moment, is_number, is_text};
use crate::sandbox::value::{Base, Collation, SqlType, Value, Variant};

use super::{How, convert, decimal_of, float_of};

/// How two values of one type stand to each other; `None` if either is NULL. Both must have been converted to `ty`.
pub fn compare(a: &Value, b: &Value, ty: &SqlType) -> Option<Ordering> {
    compare_under(a, b, ty.collation.as_deref())
}

/// [`compare`] with the collation named.
pub fn compare_under(a: &Value, b: &Value, collation: Option<&Collation>) -> Option<Ordering> {
    use Value::*;
    Some(match (a, b) {
        (Null, _) | (_, Null) => return None,
        (Bit(x), Bit(y)) => x.cmp(y),
        (TinyInt(x), TinyInt(y)) => x.cmp(y),
        (SmallInt(x), SmallInt(y)) => x.cmp(y),
        (Int(x), Int(y)) => x.cmp(y),
        (BigInt(x), BigInt(y)) => x.cmp(y),
        (Money(x), Money(y)) => x.cmp(y),
        (SmallMoney(x), SmallMoney(y)) => x.cmp(y),
        (Real(x), Real(y)) => x.partial_cmp(y).unwrap_or_else(|| x.total_cmp(y)),
        (Float(x), Float(y)) => x.partial_cmp(y).unwrap_or_else(|| x.total_cmp(y)),
        (Guid(x), Guid(y)) => guid_order(x).cmp(&guid_order(y)),
        (Binary(x), Binary(y)) => {
            // The shorter is filled with zeros.
            let n = x.len().max(y.len());
            let at = |b: &[u8], i: usize| b.get(i).copied().unwrap_or(0);
            (0..n).map(|i| at(x, i).cmp(&at(y, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        }
        (Char(x), Char(y)) | (NChar(x), NChar(y)) => {
            if x == y {
                return Some(Ordering::Equal);
            }
            text::sort_key(a, collation).cmp(&text::sort_key(b, collation))
        }
        (Char(_), NChar(_)) | (NChar(_), Char(_)) => {
            let wide = |v: &Value| text::wide(&text_of(v, collation));
            text::sort_key(&wide(a), collation).cmp(&text::sort_key(&wide(b), collation))
        }
        (Date(x), Date(y)) => x.cmp(y),
        (Time { ticks: x, .. }, Time { ticks: y, .. }) => x.cmp(y),
        (DateTime { days, ticks }, DateTime { days: d, ticks: t }) => (days, ticks).cmp(&(d, t)),
        (SmallDateTime { days, minutes }, SmallDateTime { days: d, minutes: m }) => (days, minutes).cmp(&(d, m)),
        (DateTime2 { days, ticks, .. }, DateTime2 { days: d, ticks: t, .. })
        | (DateTimeOffset { days, ticks, .. }, DateTimeOffset { days: d, ticks: t, .. }) => (days, ticks).cmp(&(d, t)),
        (Variant(x), Variant(y)) => compare_variants(x, y),
        _ => match (decimal_of(a), decimal_of(b)) {
            (Some(x), Some(y)) => x.compare(y),
            _ => match (float_of(a), float_of(b)) {
                (Some(x), Some(y)) => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
                _ => Ordering::Equal,
            },
        },
    })
}

fn family(base: Base) -> u8 {
    match base {
        b if is_moment(b) => 5,
        Base::Float | Base::Real => 4,
        b if is_number(b) => 3,
        b if is_text(b) => 2,
        b if is_binary(b) => 1,
        _ => 0,
    }
}

fn compare_variants(x: &Variant, y: &Variant) -> Ordering {
    let (fx, fy) = (family(x.ty.base), family(y.ty.base));
    if fx != fy {
        return fx.cmp(&fy);
    }
    let ty = types::unify(&x.ty, &y.ty);
    let to = |v: &Variant| convert(&v.value, &v.ty, &ty, How::default()).unwrap_or(Value::Null);
    compare(&to(x), &to(y), &ty).unwrap_or(Ordering::Equal)
}

/// The bytes of a guid in the order that counts: the last group first.
pub fn guid_order(g: &[u8; 16]) -> [u8; 16] {
    let order = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];
    let mut out = [0; 16];
    for (to, from) in order.iter().enumerate() {
        out[to] = g[*from];
    }
    out
}
