//! Keys as bytes: comparing the bytes is comparing the values, under the collation, NULL first.

use crate::sandbox::value::{SqlType, Value};

use super::convert::guid_order;
use super::text::push_sort_key;

/// Appends a value. Each is told apart from what follows.
pub fn encode(out: &mut Vec<u8>, value: &Value, ty: &SqlType, descending: bool) {
    let start = out.len();
    if matches!(value, Value::Null) {
        out.push(1);
    } else {
        out.push(2);
        put(out, value, ty);
    }
    if descending {
        for b in &mut out[start..] {
            *b = !*b;
        }
    }
}

fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for b in bytes {
        out.push(*b);
        if *b == 0 {
            out.push(255);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn float(f: f64) -> [u8; 8] {
    // Both zeros are one.
    let bits = (if f == 0.0 { 0.0 } else { f }).to_bits();
    (if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }).to_be_bytes()
}

fn put(out: &mut Vec<u8>, value: &Value, ty: &SqlType) {
    match value {
        Value::Null => {}
        Value::Bit(b) => out.push(u8::from(*b)),
        Value::TinyInt(n) => out.push(*n),
        Value::SmallInt(n) => out.extend_from_slice(&((*n as u16) ^ 1 << 15).to_be_bytes()),
        Value::Int(n) | Value::SmallMoney(n) => out.extend_from_slice(&((*n as u32) ^ 1 << 31).to_be_bytes()),
        Value::BigInt(n) | Value::Money(n) => out.extend_from_slice(&((*n as u64) ^ 1 << 63).to_be_bytes()),
        Value::Real(f) => out.extend_from_slice(&float(f64::from(*f))),
        Value::Float(f) => out.extend_from_slice(&float(*f)),
        Value::Decimal { negative, magnitude, .. } => {
            // The scale is the column's, so the magnitudes compare.
            if *negative && *magnitude != 0 {
                out.push(0);
                out.extend_from_slice(&(!*magnitude).to_be_bytes());
            } else {
                out.push(1);
                out.extend_from_slice(&magnitude.to_be_bytes());
            }
        }
        Value::Date(d) => out.extend_from_slice(&d.to_be_bytes()),
        Value::Time { ticks, .. } => out.extend_from_slice(&ticks.to_be_bytes()),
        Value::DateTime2 { days, ticks, .. } | Value::DateTimeOffset { days, ticks, .. } => {
            out.extend_from_slice(&days.to_be_bytes());
            out.extend_from_slice(&ticks.to_be_bytes());
        }
        Value::DateTime { days, ticks } => {
            out.extend_from_slice(&((*days as u32) ^ 1 << 31).to_be_bytes());
            out.extend_from_slice(&ticks.to_be_bytes());
        }
        Value::SmallDateTime { days, minutes } => {
            out.extend_from_slice(&days.to_be_bytes());
            out.extend_from_slice(&minutes.to_be_bytes());
        }
        Value::Guid(g) => out.extend_from_slice(&guid_order(g)),
        Value::Char(_) | Value::NChar(_) => {
            let mut weights = Vec::new();
            push_sort_key(&mut weights, value, ty.collation.as_deref());
            escaped(out, &weights);
        }
        Value::Binary(b) => {
            // Zeros at the end do not count.
            let end = b.iter().rposition(|x| *x != 0).map_or(0, |p| p + 1);
            escaped(out, &b[..end]);
        }
        Value::Variant(v) => {
            // Assumption: values of different families order by family, numbers of one family by their value as a
            // decimal text of fixed width.
            use super::convert::{decimal_of, float_of};
            match &v.value {
                Value::Char(_) | Value::NChar(_) => {
                    out.push(2);
                    let wide = super::text::wide(&super::text::text_of(&v.value, v.ty.collation.as_deref()));
                    put(out, &wide, &v.ty);
                }
                Value::Binary(_) => {
                    out.push(1);
                    put(out, &v.value, &v.ty);
                }
                Value::Float(_) | Value::Real(_) => {
                    out.push(4);
                    out.extend_from_slice(&float(float_of(&v.value).unwrap_or(0.0)));
                }
                other => match decimal_of(other) {
                    Some(d) => {
                        out.push(3);
                        out.extend_from_slice(&float(d.to_f64()));
                        // Equal numbers of any scale are one key.
                        let mut d = d;
                        while d.scale > 0 && d.magnitude % 10 == 0 {
                            d.magnitude /= 10;
                            d.scale -= 1;
                        }
                        escaped(out, d.to_string().as_bytes());
                    }
                    None => match super::moment::Moment::of(other) {
                        Some(m) => {
                            out.push(5);
                            out.extend_from_slice(&m.days.to_be_bytes());
                            out.extend_from_slice(&m.ticks.to_be_bytes());
                        }
                        None => {
                            out.push(0);
                            put(out, other, &v.ty);
                        }
                    },
                },
            }
        }
    }
}

/// The key of several values.
pub fn of<'a>(values: impl IntoIterator<Item = (&'a Value, &'a SqlType, bool)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (v, ty, descending) in values {
        encode(&mut out, v, ty, descending);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{text, types};
    use super::*;
    use crate::sandbox::value::Base;

    #[test]
    fn bytes_order_as_values_do() {
        let int = types::int();
        let k = |v: Value| of([(&v, &int, false)]);
        assert!(k(Value::Null) < k(Value::Int(i32::MIN)));
        assert!(k(Value::Int(-1)) < k(Value::Int(0)) && k(Value::Int(0)) < k(Value::Int(7)));
        let down = |v: Value| of([(&v, &int, true)]);
        assert!(down(Value::Int(7)) < down(Value::Int(0)) && down(Value::Int(0)) < down(Value::Null));
        let float = types::plain(Base::Float);
        let f = |x: f64| of([(&Value::Float(x), &float, false)]);
        assert!(f(-1e300) < f(-1.0) && f(-1.0) < f(0.0) && f(0.0) < f(2.5) && f(-0.0) == f(0.0));
        let c = crate::sandbox::collation::default();
        let nv = types::nvarchar(20, &c);
        let t = |a: &str, b: &str| {
            let (a, b) = (text::wide(a), text::wide(b));
            of([(&a, &nv, false), (&b, &nv, false)])
        };
        assert!(t("a", "z") < t("ab", "a") && t("A", "x") == t("a ", "X"));
    }
}
