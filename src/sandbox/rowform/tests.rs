//! The row form with the bytes of the protocol, cut rows and values outside their types.

use super::*;
use crate::sandbox::collation;
use crate::sandbox::value::Variant;

fn ty(base: Base, length: u32, precision: u8, scale: u8) -> SqlType {
    let collation = match base {
        Base::Char | Base::VarChar | Base::Text | Base::NChar | Base::NVarChar | Base::NText => {
            Some(collation::default())
        }
        _ => None,
    };
    SqlType { base, length, precision, scale, collation, detail: None }
}

fn samples() -> Vec<(SqlType, Value, &'static [u8])> {
    use Base as B;
    let variant = |inner: SqlType, value: Value| Value::Variant(Variant { ty: inner, value }.into());
    vec![
        (ty(B::Bit, 0, 0, 0), Value::Bit(true), &[1, 1]),
        (ty(B::TinyInt, 0, 0, 0), Value::TinyInt(255), &[1, 255]),
        (ty(B::SmallInt, 0, 0, 0), Value::SmallInt(-2), &[2, 0xFE, 0xFF]),
        (ty(B::Int, 0, 0, 0), Value::Int(i32::MIN), &[4, 0, 0, 0, 0x80]),
        (ty(B::BigInt, 0, 0, 0), Value::BigInt(1), &[8, 1, 0, 0, 0, 0, 0, 0, 0]),
        (ty(B::Real, 0, 0, 0), Value::Real(1.0), &[4, 0, 0, 0x80, 0x3F]),
        (ty(B::Float, 0, 0, 0), Value::Float(-2.0), &[8, 0, 0, 0, 0, 0, 0, 0, 0xC0]),
        (ty(B::SmallMoney, 0, 0, 0), Value::SmallMoney(10_000), &[4, 0x10, 0x27, 0, 0]),
        (ty(B::Money, 0, 0, 0), Value::Money(-1), &[8, 255, 255, 255, 255, 255, 255, 255, 255]),
        (ty(B::Money, 0, 0, 0), Value::Money(0x1_0000_0002), &[8, 1, 0, 0, 0, 2, 0, 0, 0]),
        (
            ty(B::Decimal, 0, 9, 2),
            Value::Decimal { negative: true, magnitude: 123, precision: 9, scale: 2 },
            &[5, 0, 123, 0, 0, 0],
        ),
        (
            ty(B::Numeric, 0, 10, 0),
            Value::Decimal { negative: false, magnitude: 1, precision: 10, scale: 0 },
            &[9, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        ),
        (ty(B::Date, 0, 0, 0), Value::Date(LAST_DAY), &[3, 0xDA, 0xB9, 0x37]),
        (ty(B::Time, 0, 0, 0), Value::Time { ticks: 10_000_000, scale: 0 }, &[3, 1, 0, 0]),
        (ty(B::Time, 0, 0, 7), Value::Time { ticks: DAY_TICKS - 1, scale: 7 }, &[5, 0xFF, 0xBF, 0x69, 0x2A, 0xC9]),
        (ty(B::DateTime2, 0, 0, 3), Value::DateTime2 { days: 1, ticks: 20_000, scale: 3 }, &[7, 2, 0, 0, 0, 1, 0, 0]),
        (
            ty(B::DateTimeOffset, 0, 0, 7),
            Value::DateTimeOffset { days: 1, ticks: 3, scale: 7, offset: -60 },
            &[10, 3, 0, 0, 0, 0, 1, 0, 0, 0xC4, 0xFF],
        ),
        (ty(B::DateTime, 0, 0, 0), Value::DateTime { days: -1, ticks: 1 }, &[8, 255, 255, 255, 255, 1, 0, 0, 0]),
        (ty(B::SmallDateTime, 0, 0, 0), Value::SmallDateTime { days: 1, minutes: 2 }, &[4, 1, 0, 2, 0]),
        (ty(B::UniqueIdentifier, 0, 0, 0), Value::Guid(*b"0123456789abcdef"), b"\x100123456789abcdef"),
        (ty(B::VarChar, 3, 0, 0), Value::Char(b"ab"[..].into()), b"\x02\0ab"),
        (ty(B::NVarChar, 4, 0, 0), Value::NChar(b"\x3D\xD8"[..].into()), b"\x02\0\x3D\xD8"),
        (ty(B::VarBinary, 8, 0, 0), Value::Binary([][..].into()), b"\0\0"),
        (ty(B::RowVersion, 8, 0, 0), Value::Binary(b"12345678"[..].into()), b"\x08\x0012345678"),
        (ty(B::VarChar, MAX, 0, 0), Value::Char(b"x"[..].into()), b"\x01\0\0\0\0\0\0\0\x01\0\0\0x\0\0\0\0"),
        (ty(B::VarBinary, MAX, 0, 0), Value::Binary([][..].into()), &[0; 12]),
        (ty(B::Xml, 0, 0, 0), Value::NChar(b"<\0"[..].into()), b"\x02\0\0\0\0\0\0\0\x02\0\0\0<\0\0\0\0\0"),
        (ty(B::Text, 0, 0, 0), Value::Char(b"t"[..].into()), b"\x10dummy textptr\0\0\0dummyTS\0\x01\0\0\0t"),
        (ty(B::Variant, 0, 0, 0), variant(ty(B::Int, 0, 0, 0), Value::Int(7)), b"\x06\0\0\0\x38\0\x07\0\0\0"),
        (
            ty(B::Variant, 0, 0, 0),
            variant(ty(B::VarChar, 2, 0, 0), Value::Char(b"a"[..].into())),
            b"\x0A\0\0\0\xA7\x07\x09\x04\xD0\x00\x34\x02\0a",
        ),
        (
            ty(B::Variant, 0, 0, 0),
            variant(ty(B::Numeric, 0, 5, 2), Value::Decimal { negative: false, magnitude: 1, precision: 5, scale: 2 }),
            b"\x09\0\0\0\x6C\x02\x05\x02\x01\x01\0\0\0",
        ),
    ]
}

#[test]
fn every_type_has_the_bytes_of_the_protocol_and_comes_back() {
    for (ty, value, bytes) in samples() {
        let form = RowForm::new([&ty]);
        let mut body = Vec::new();
        form.encode(std::slice::from_ref(&value), &mut body).unwrap_or_else(|e| panic!("{ty:?}: {e}"));
        assert_eq!(body, bytes, "{ty:?}");
        assert_eq!(form.decode(&body).unwrap(), [value]);
    }
}

#[test]
fn null_of_every_type_comes_back() {
    let types: Vec<SqlType> = samples().into_iter().map(|(ty, ..)| ty).collect();
    let form = RowForm::new(&types);
    let row = vec![Value::Null; types.len()];
    let mut body = Vec::new();
    form.encode(&row, &mut body).unwrap();
    assert_eq!(form.decode(&body).unwrap(), row);
    assert!(form.cells(&body).all(|cell| cell.unwrap().data.is_none()));
}

#[test]
fn a_row_cut_anywhere_is_an_error_and_never_a_panic() {
    let samples = samples();
    let form = RowForm::new(samples.iter().map(|(ty, ..)| ty));
    let body: Vec<u8> = samples.iter().flat_map(|(_, _, bytes)| bytes.iter().copied()).collect();
    assert_eq!(form.decode(&body).unwrap().len(), samples.len());
    for end in 0..body.len() {
        assert!(form.decode(&body[..end]).is_err(), "{end}");
    }
    let mut longer = body.clone();
    longer.push(0);
    assert_eq!(form.decode(&longer), Err(RowFormError::Trailing { bytes: 1 }));
}

#[test]
fn values_outside_their_type_are_refused_on_both_ways() {
    let refused: [(SqlType, &[u8]); 9] = [
        (ty(Base::Int, 0, 0, 0), &[3, 1, 2, 3]),
        (ty(Base::Date, 0, 0, 0), &[3, 0xDB, 0xB9, 0x37]),
        (ty(Base::Time, 0, 0, 0), &[3, 0x80, 0x51, 0x01]),
        (ty(Base::Decimal, 0, 1, 0), &[5, 1, 10, 0, 0, 0]),
        (ty(Base::Decimal, 0, 1, 0), &[5, 2, 1, 0, 0, 0]),
        (ty(Base::NVarChar, 8, 0, 0), &[1, 0, 65]),
        (ty(Base::VarChar, 1, 0, 0), &[2, 0, 65, 65]),
        (ty(Base::DateTime, 0, 0, 0), &[8, 0, 0, 0, 0, 0, 0x82, 0x8B, 0x01]),
        (ty(Base::Variant, 0, 0, 0), &[2, 0, 0, 0, 0x62, 0]),
    ];
    for (ty, body) in refused {
        assert!(matches!(RowForm::new([&ty]).decode(body), Err(RowFormError::Invalid { column: 1, .. })), "{ty:?}");
    }
    let form = RowForm::new([&ty(Base::Decimal, 0, 3, 1)]);
    let too_long = Value::Decimal { negative: false, magnitude: 1000, precision: 4, scale: 1 };
    assert!(form.encode(&[too_long], &mut Vec::new()).is_err());
    assert!(matches!(form.encode(&[Value::Int(1)], &mut Vec::new()), Err(RowFormError::Mismatch { .. })));
    assert!(matches!(form.encode(&[], &mut Vec::new()), Err(RowFormError::Count { .. })));
}
