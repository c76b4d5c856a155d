//! Extended properties: values of any type that a sql_variant holds, kept byte for byte.

use serde::{Deserialize, Serialize};

use crate::sandbox::value::{Base, SqlType, Value, Variant};

/// An extended property.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ExtendedProperty {
    /// 0 database, 1 object or column, 2 parameter, 3 schema, 4 principal, 5 assembly, 6 type, 7 index, 8 table type
    /// column, 10 XML schema collection, 15 message type, 16 contract, 17 service, 18 remote service binding, 19 route,
    /// 20 data space, 21 partition function, 22 file.
    pub class: u8,
    pub major_id: i32,
    pub minor_id: i32,
    pub name: String,
    /// `None` for NULL.
    pub value: Option<TypedValue>,
}

/// A value with its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TypedValue {
    pub ty: SqlType,
    value: Plain,
}

/// [`Value`] as it can be written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Plain {
    Bit(bool),
    Integer(i64),
    Real(u32),
    Float(u64),
    /// Sign, magnitude as text.
    Decimal(bool, String),
    /// Character and binary data.
    Bytes(Vec<u8>),
    Guid([u8; 16]),
    /// Days and ticks (or minutes) and offset, of every type of moments.
    Moment(i64, u64, i16),
}

impl TypedValue {
    /// A value of a type, or of the type that a sql_variant holds; `None` for NULL.
    pub fn of(value: &Value, ty: &SqlType) -> Option<TypedValue> {
        if let Value::Variant(inner) = value {
            return TypedValue::of(&inner.value, &inner.ty);
        }
        let plain = match value {
            Value::Null | Value::Variant(_) => return None,
            Value::Bit(b) => Plain::Bit(*b),
            Value::TinyInt(n) => Plain::Integer(i64::from(*n)),
            Value::SmallInt(n) => Plain::Integer(i64::from(*n)),
            Value::Int(n) => Plain::Integer(i64::from(*n)),
            Value::BigInt(n) | Value::Money(n) => Plain::Integer(*n),
            Value::SmallMoney(n) => Plain::Integer(i64::from(*n)),
            Value::Real(f) => Plain::Real(f.to_bits()),
            Value::Float(f) => Plain::Float(f.to_bits()),
            Value::Decimal { negative, magnitude, .. } => Plain::Decimal(*negative, magnitude.to_string()),
            Value::Char(b) | Value::NChar(b) | Value::Binary(b) => Plain::Bytes(b.to_vec()),
            Value::Guid(g) => Plain::Guid(*g),
            Value::Date(days) => Plain::Moment(i64::from(*days), 0, 0),
            Value::Time { ticks, .. } => Plain::Moment(0, *ticks, 0),
            Value::DateTime { days, ticks } => Plain::Moment(i64::from(*days), u64::from(*ticks), 0),
            Value::SmallDateTime { days, minutes } => Plain::Moment(i64::from(*days), u64::from(*minutes), 0),
            Value::DateTime2 { days, ticks, .. } => Plain::Moment(i64::from(*days), *ticks, 0),
            Value::DateTimeOffset { days, ticks, offset, .. } => Plain::Moment(i64::from(*days), *ticks, *offset),
        };
        let mut ty = ty.clone();
        if let Value::Decimal { precision, scale, .. } = value {
            (ty.precision, ty.scale) = (*precision, *scale);
        }
        Some(TypedValue { ty, value: plain })
    }

    /// As a sql_variant; `None` if it was written down by another hand.
    pub fn variant(&self) -> Option<Variant> {
        let scale = self.ty.scale;
        let value = match (&self.value, self.ty.base) {
            (Plain::Bit(b), _) => Value::Bit(*b),
            (Plain::Integer(n), Base::TinyInt) => Value::TinyInt(u8::try_from(*n).ok()?),
            (Plain::Integer(n), Base::SmallInt) => Value::SmallInt(i16::try_from(*n).ok()?),
            (Plain::Integer(n), Base::Int) => Value::Int(i32::try_from(*n).ok()?),
            (Plain::Integer(n), Base::Money) => Value::Money(*n),
            (Plain::Integer(n), Base::SmallMoney) => Value::SmallMoney(i32::try_from(*n).ok()?),
            (Plain::Integer(n), _) => Value::BigInt(*n),
            (Plain::Real(bits), _) => Value::Real(f32::from_bits(*bits)),
            (Plain::Float(bits), _) => Value::Float(f64::from_bits(*bits)),
            (Plain::Decimal(negative, text), _) => Value::Decimal {
                negative: *negative,
                magnitude: text.parse().ok()?,
                precision: self.ty.precision,
                scale,
            },
            (Plain::Bytes(b), Base::NChar | Base::NVarChar) => Value::NChar(b.as_slice().into()),
            (Plain::Bytes(b), Base::Char | Base::VarChar) => Value::Char(b.as_slice().into()),
            (Plain::Bytes(b), _) => Value::Binary(b.as_slice().into()),
            (Plain::Guid(g), _) => Value::Guid(*g),
            (Plain::Moment(days, ..), Base::Date) => Value::Date(u32::try_from(*days).ok()?),
            (Plain::Moment(_, ticks, _), Base::Time) => Value::Time { ticks: *ticks, scale },
            (Plain::Moment(days, ticks, _), Base::DateTime) => {
                Value::DateTime { days: i32::try_from(*days).ok()?, ticks: u32::try_from(*ticks).ok()? }
            }
            (Plain::Moment(days, minutes, _), Base::SmallDateTime) => {
                Value::SmallDateTime { days: u16::try_from(*days).ok()?, minutes: u16::try_from(*minutes).ok()? }
            }
            (Plain::Moment(days, ticks, offset), Base::DateTimeOffset) => {
                Value::DateTimeOffset { days: u32::try_from(*days).ok()?, ticks: *ticks, scale, offset: *offset }
            }
            (Plain::Moment(days, ticks, _), _) => {
                Value::DateTime2 { days: u32::try_from(*days).ok()?, ticks: *ticks, scale }
            }
        };
        Some(Variant { ty: self.ty.clone(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        let ty = |base, scale| SqlType { base, length: 8, precision: 5, scale, collation: None, detail: None };
        for (value, ty) in [
            (Value::Bit(true), ty(Base::Bit, 0)),
            (Value::TinyInt(255), ty(Base::TinyInt, 0)),
            (Value::Money(-5), ty(Base::Money, 0)),
            (Value::Real(f32::MIN_POSITIVE), ty(Base::Real, 0)),
            (Value::Decimal { negative: true, magnitude: 12345, precision: 5, scale: 2 }, ty(Base::Decimal, 2)),
            // A lone surrogate.
            (Value::NChar(vec![0x00, 0xD8].into()), ty(Base::NVarChar, 0)),
            (Value::Guid([7; 16]), ty(Base::UniqueIdentifier, 0)),
            (Value::DateTime { days: -5, ticks: 9 }, ty(Base::DateTime, 0)),
            (Value::DateTimeOffset { days: 9, ticks: 8, scale: 3, offset: -840 }, ty(Base::DateTimeOffset, 3)),
        ] {
            let kept = TypedValue::of(&value, &ty).unwrap();
            let text = serde_json::to_string(&kept).unwrap();
            let back: TypedValue = serde_json::from_str(&text).unwrap();
            assert_eq!(back.variant().unwrap(), Variant { ty: ty.clone(), value: value.clone() });
        }
        assert!(TypedValue::of(&Value::Null, &ty(Base::Int, 0)).is_none());
    }
}
