//! INFORMATION_SCHEMA.

use crate::sandbox::meta::{Column, Kind, ModuleKind, types};
use crate::sandbox::value::Base;

use super::{Cell, Scan};

/// `INFORMATION_SCHEMA.TABLES`.
pub(super) fn information_tables(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for o in s.objects() {
        let kind = match &o.kind {
            Kind::Table(_) => "BASE TABLE",
            Kind::Module(m) if m.kind == ModuleKind::View => "VIEW",
            _ => continue,
        };
        s.row(&|column| match column {
            "TABLE_CATALOG" => (&d.name).into(),
            "TABLE_SCHEMA" => d.schema_name(o.schema_id).into(),
            "TABLE_NAME" => (&o.name).into(),
            "TABLE_TYPE" => kind.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `INFORMATION_SCHEMA.COLUMNS`.
pub(super) fn information_columns(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for o in s.objects() {
        let columns: Vec<Column> = match &o.kind {
            Kind::Table(t) => t.columns.clone(),
            Kind::Module(m) if m.kind == ModuleKind::View => (1..)
                .zip(&m.columns)
                .map(|(id, c)| {
                    let mut x = Column::plain(id, &c.name, c.ty.clone(), c.user_type_id);
                    x.nullable = c.nullable;
                    x
                })
                .collect(),
            _ => continue,
        };
        for (n, c) in (1i64..).zip(&columns) {
            let (_, length, precision, scale) = types::facets(&c.ty);
            let name = types::built_in(c.ty.base).map_or("", |t| t.name);
            let character = c.ty.collation.is_some();
            let wide = matches!(c.ty.base, Base::NChar | Base::NVarChar | Base::NText);
            let binary = matches!(c.ty.base, Base::Binary | Base::VarBinary | Base::Image);
            let lob = matches!(c.ty.base, Base::Text | Base::NText | Base::Image);
            let number = matches!(
                c.ty.base,
                Base::TinyInt
                    | Base::SmallInt
                    | Base::Int
                    | Base::BigInt
                    | Base::Decimal
                    | Base::Numeric
                    | Base::Money
                    | Base::SmallMoney
                    | Base::Real
                    | Base::Float
            );
            let moment = match c.ty.base {
                Base::Date => Some(0),
                Base::DateTime => Some(3),
                Base::SmallDateTime => Some(0),
                Base::Time | Base::DateTime2 | Base::DateTimeOffset => Some(i32::from(c.ty.scale)),
                _ => None,
            };
            let bytes = if lob { i32::MAX } else { i32::from(length) };
            let characters = match (length, wide, lob) {
                (_, true, true) => 1_073_741_823,
                (_, false, true) => i32::MAX,
                (-1, ..) => -1,
                (n, true, _) => i32::from(n) / 2,
                (n, ..) => i32::from(n),
            };
            let when = |yes: bool, cell: Cell| if yes { cell } else { Cell::Null };
            let alias = d.user_type_by_id(c.user_type_id);
            s.row(&|column| match column {
                "TABLE_CATALOG" => (&d.name).into(),
                "TABLE_SCHEMA" => d.schema_name(o.schema_id).into(),
                "TABLE_NAME" => (&o.name).into(),
                "COLUMN_NAME" => (&c.name).into(),
                "ORDINAL_POSITION" => n.into(),
                "COLUMN_DEFAULT" => c.default.as_ref().map(|d| d.definition.as_str()).into(),
                "IS_NULLABLE" => if c.nullable { "YES" } else { "NO" }.into(),
                "DATA_TYPE" => name.into(),
                "CHARACTER_MAXIMUM_LENGTH" => when(character || binary, characters.into()),
                "CHARACTER_OCTET_LENGTH" => when(character || binary, bytes.into()),
                "NUMERIC_PRECISION" => when(number, precision.into()),
                "NUMERIC_PRECISION_RADIX" => {
                    when(number, if matches!(c.ty.base, Base::Real | Base::Float) { 2 } else { 10 }.into())
                }
                "NUMERIC_SCALE" => when(number && !matches!(c.ty.base, Base::Real | Base::Float), scale.into()),
                "DATETIME_PRECISION" => moment.into(),
                "CHARACTER_SET_NAME" => when(character, if wide { "UNICODE" } else { "iso_1" }.into()),
                "COLLATION_NAME" => c.ty.collation.as_ref().map(|c| c.name.as_str()).into(),
                "DOMAIN_CATALOG" => alias.map(|_| d.name.as_str()).into(),
                "DOMAIN_SCHEMA" => alias.map(|t| d.schema_name(t.schema_id)).into(),
                "DOMAIN_NAME" => alias.map(|t| t.name.as_str()).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}
