//! Functions of dates and times that ask no clock.

use std::sync::Arc;

use crate::sandbox::sql::convert::integer_of;
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::expr::Expr;
use crate::sandbox::sql::moment::{self, Moment, Part};
use crate::sandbox::sql::text::text_of;
use crate::sandbox::sql::types::{self, is_text};
use crate::sandbox::value::{Base, Collation, Value};

use super::{Body, make, need, textual};

/// A function of dates and times by its upper-case name.
pub(super) fn bind(name: &str, mut args: Vec<Expr>, default: &Arc<Collation>) -> SqlResult<Option<Expr>> {
    let int = types::int;
    let out = match name {
        "YEAR" | "MONTH" | "DAY" => {
            need(name, &args, 1, 1)?;
            let a = momentary(args.remove(0));
            let body: Body = match name {
                "YEAR" => |_, v, _, _| part(&v[0], Part::Year),
                "MONTH" => |_, v, _, _| part(&v[0], Part::Month),
                _ => |_, v, _, _| part(&v[0], Part::Day),
            };
            make("part", true, int(), vec![a], body)
        }
        "EOMONTH" => {
            need(name, &args, 1, 1)?;
            let a = momentary(args.remove(0));
            make("EOMONTH", true, types::plain(Base::Date), vec![a], |_, v, _, ty| {
                let m = Moment::of(&v[0]).ok_or_else(error::date_conversion_failed)?;
                let (y, mo, _) = moment::civil(m.days);
                let days = moment::days_from(y, mo, moment::month_days(y, mo));
                Ok(Moment { days, ticks: 0, offset: None }.to(ty).unwrap_or(Value::Null))
            })
        }
        "DATEFROMPARTS" => {
            need(name, &args, 3, 3)?;
            let args: Vec<Expr> = args.into_iter().map(|a| a.cast(&int())).collect();
            make("DATEFROMPARTS", true, types::plain(Base::Date), args, |_, v, _, ty| {
                let n = |i: usize| integer_of(&v[i]).unwrap_or(0);
                let bad = || {
                    SqlError::batch(
                        289,
                        1,
                        16,
                        "Cannot construct data type date, some of the arguments have values which are not valid.",
                    )
                };
                if !(1..=9999).contains(&n(0))
                    || !(1..=12).contains(&n(1))
                    || n(2) < 1
                    || n(2) > moment::month_days(n(0), n(1))
                {
                    return Err(bad());
                }
                let days = moment::days_from(n(0), n(1), n(2));
                Moment { days, ticks: 0, offset: None }.to(ty).ok_or_else(bad)
            })
        }
        "ISDATE" => {
            need(name, &args, 1, 1)?;
            let a = textual(args.remove(0), default);
            make("ISDATE", false, int(), vec![a], |_, v, a, _| {
                let t = text_of(&v[0], a[0].ty.collation.as_deref());
                let ok = !t.is_empty() && Moment::parse(&t).and_then(|m| m.to(&types::plain(Base::DateTime))).is_some();
                Ok(Value::Int(i32::from(ok)))
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(out))
}

/// An argument as a date: text becomes datetime.
pub fn momentary(e: Expr) -> Expr {
    if types::is_moment(e.ty.base) {
        return e;
    }
    let ty = if is_text(e.ty.base) { types::scaled(Base::DateTime2, 7) } else { types::plain(Base::DateTime) };
    e.cast(&ty)
}

fn part(v: &Value, p: Part) -> SqlResult<Value> {
    Ok(Moment::of(v).map_or(Value::Null, |m| Value::Int(m.part(p) as i32)))
}
