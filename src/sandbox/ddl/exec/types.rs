//! Data types as written, resolved against a database: facets, defaults, collations.

use std::sync::Arc;

use crate::sandbox::collation;
use crate::sandbox::ddl::error::{DdlError, DdlResult, no_type};
use crate::sandbox::ddl::expression::{Facets, TypeName};
use crate::sandbox::meta::types::{self, SYSNAME, UserTypeKind};
use crate::sandbox::meta::{Database, database::DBO_SCHEMA};
use crate::sandbox::value::{Base, MAX, SqlType};

/// A resolved type.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Resolved {
    pub ty: SqlType,
    pub user_type_id: i32,
    /// What the type says of NULL: rowversion and sysname NOT NULL, an alias type as it was made.
    pub nullable: Option<bool>,
    pub xml_collection_id: i32,
    pub xml_document: bool,
    /// A table type.
    pub table: bool,
}

/// Whether a base type has a collation.
pub fn is_character(base: Base) -> bool {
    matches!(base, Base::Char | Base::VarChar | Base::Text | Base::NChar | Base::NVarChar | Base::NText)
}

/// A type over no collation: for expressions and internals.
pub fn plain(base: Base) -> SqlType {
    SqlType { base, length: 0, precision: 0, scale: 0, collation: None, detail: None }
}

/// Looks a type up. `collation` is the column's own; `ordinal` is for error texts.
pub fn resolve(
    database: &Database,
    name: &TypeName,
    collation_name: Option<&str>,
    ordinal: usize,
) -> DdlResult<Resolved> {
    let built_in = match &name.schema {
        None => types::named(&name.name),
        Some(schema) if schema.eq_ignore_ascii_case("sys") => types::named(&name.name),
        Some(_) => None,
    };
    if let Some(found) = built_in {
        let mut ty = plain(found.base);
        facets(&mut ty, name, ordinal)?;
        if found.user_type_id == SYSNAME {
            ty.length = 256;
        }
        with_collation(&mut ty, database, collation_name)?;
        let mut resolved = Resolved {
            user_type_id: if ty.base == found.base {
                found.user_type_id
            } else {
                types::built_in(ty.base).map_or(found.user_type_id, |t| t.user_type_id)
            },
            nullable: (found.user_type_id == SYSNAME || found.base == Base::RowVersion).then_some(false),
            ty,
            xml_collection_id: 0,
            xml_document: false,
            table: false,
        };
        if let Facets::Xml { document, collection: (schema, collection) } = &name.facets
            && found.base == Base::Xml
        {
            let schema_id = schema
                .as_ref()
                .map_or(Some(DBO_SCHEMA), |s| database.schema(s).map(|s| s.schema_id))
                .unwrap_or(DBO_SCHEMA);
            let found = database.xml_collection(schema_id, collection).ok_or_else(|| {
                // As the message catalogue words it.
                DdlError::new(6314, 1, 16, format!("Collection specified does not exist in metadata : '{collection}'"))
            })?;
            resolved.xml_collection_id = found.id;
            resolved.xml_document = *document;
            resolved.ty.detail =
                Some(Arc::new((database.schema_name(found.schema_id).to_string(), found.name.clone())));
        }
        return Ok(resolved);
    }
    let schema_id = match &name.schema {
        Some(schema) => database.schema(schema).map(|s| s.schema_id),
        None => Some(DBO_SCHEMA),
    };
    let shown = match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    };
    let found = schema_id.and_then(|s| database.user_type(s, &name.name)).ok_or_else(|| no_type(ordinal, &shown))?;
    match &found.kind {
        UserTypeKind::Alias { ty, nullable } => {
            if name.facets != Facets::None {
                return Err(DdlError::new(
                    2716,
                    1,
                    16,
                    format!(
                        "Column, parameter, or variable #{ordinal}: Cannot specify a column width on data type {shown}."
                    ),
                ));
            }
            let mut ty = ty.clone();
            // An alias type's text takes the database's collation unless the column has one.
            ty.collation = None;
            with_collation(&mut ty, database, collation_name)?;
            Ok(Resolved {
                ty,
                user_type_id: found.user_type_id,
                nullable: Some(*nullable),
                xml_collection_id: 0,
                xml_document: false,
                table: false,
            })
        }
        UserTypeKind::Clr { .. } => {
            let mut ty = plain(Base::Clr);
            ty.detail = Some(Arc::new((database.schema_name(found.schema_id).to_string(), found.name.clone())));
            ty.length = MAX;
            Ok(Resolved {
                ty,
                user_type_id: found.user_type_id,
                nullable: None,
                xml_collection_id: 0,
                xml_document: false,
                table: false,
            })
        }
        UserTypeKind::Table(_) => Ok(Resolved {
            ty: plain(Base::Variant),
            user_type_id: found.user_type_id,
            nullable: None,
            xml_collection_id: 0,
            xml_document: false,
            table: true,
        }),
    }
}

fn with_collation(ty: &mut SqlType, database: &Database, name: Option<&str>) -> DdlResult<()> {
    if !is_character(ty.base) {
        if name.is_some() {
            let shown = types::built_in(ty.base).map_or("", |t| t.name);
            return Err(DdlError::new(447, 1, 16, format!("Expression type {shown} is invalid for COLLATE clause.")));
        }
        return Ok(());
    }
    let name = match name {
        Some(n) if !n.eq_ignore_ascii_case("database_default") && !n.eq_ignore_ascii_case("catalog_default") => n,
        _ => database.collation.as_str(),
    };
    ty.collation = Some(find_collation(name)?);
    Ok(())
}

/// A collation by name; 448.
pub fn find_collation(name: &str) -> DdlResult<Arc<crate::sandbox::value::Collation>> {
    collation::by_name(name).ok_or_else(|| DdlError::new(448, 1, 16, format!("Invalid collation '{name}'.")))
}

fn facets(ty: &mut SqlType, name: &TypeName, ordinal: usize) -> DdlResult<()> {
    let too_wide = |size: u32, most: u32| {
        DdlError::new(
            131,
            2,
            15,
            format!(
                "The size ({size}) given to the type '{}' exceeds the maximum allowed for any data type ({most}).",
                name.name
            ),
        )
    };
    let zero = || DdlError::new(1001, 1, 15, "Line 1: Length or precision specification 0 is invalid.");
    let no_width = || {
        DdlError::new(
            2716,
            1,
            16,
            format!(
                "Column, parameter, or variable #{ordinal}: Cannot specify a column width on data type {}.",
                name.name.to_lowercase()
            ),
        )
    };
    match ty.base {
        Base::Char | Base::VarChar | Base::Binary | Base::VarBinary | Base::NChar | Base::NVarChar => {
            let wide = matches!(ty.base, Base::NChar | Base::NVarChar);
            let most = if wide { 4000 } else { 8000 };
            ty.length = match name.facets {
                Facets::None => 1,
                Facets::One(0) => return Err(zero()),
                Facets::One(n) if n > most => return Err(too_wide(n, most)),
                Facets::One(n) => n,
                Facets::Max if matches!(ty.base, Base::VarChar | Base::VarBinary | Base::NVarChar) => MAX,
                _ => return Err(no_width()),
            };
            if wide && ty.length != MAX {
                ty.length *= 2;
            }
        }
        Base::Decimal | Base::Numeric => {
            let (precision, scale) = match name.facets {
                Facets::None => (18, 0),
                Facets::One(p) => (p, 0),
                Facets::Two(p, s) => (p, s),
                _ => return Err(no_width()),
            };
            if precision == 0 {
                return Err(zero());
            }
            if precision > 38 {
                return Err(DdlError::new(
                    2750,
                    1,
                    16,
                    format!(
                        "Column or parameter #{ordinal}: Specified column precision {precision} is greater than the maximum \
                         precision of 38."
                    ),
                ));
            }
            if scale > precision {
                return Err(DdlError::new(
                    2751,
                    1,
                    16,
                    format!(
                        "Column or parameter #{ordinal}: Specified column scale {scale} is greater than the specified \
                         precision of {precision}."
                    ),
                ));
            }
            ty.precision = precision as u8;
            ty.scale = scale as u8;
        }
        Base::Float => match name.facets {
            Facets::None => {}
            Facets::One(0) => return Err(zero()),
            Facets::One(n) if n <= 24 => ty.base = Base::Real,
            Facets::One(n) if n <= 53 => {}
            Facets::One(n) => {
                return Err(DdlError::new(
                    2750,
                    1,
                    16,
                    format!(
                        "Column or parameter #{ordinal}: Specified column precision {n} is greater than the maximum precision \
                         of 53."
                    ),
                ));
            }
            _ => return Err(no_width()),
        },
        Base::Time | Base::DateTime2 | Base::DateTimeOffset => {
            ty.scale = match name.facets {
                Facets::None => 7,
                Facets::One(n) if n <= 7 => n as u8,
                Facets::One(n) => {
                    return Err(DdlError::new(1002, 1, 15, format!("Line 1: Specified scale {n} is invalid.")));
                }
                _ => return Err(no_width()),
            };
        }
        Base::Xml => {
            if !matches!(name.facets, Facets::None | Facets::Xml { .. }) {
                return Err(no_width());
            }
        }
        _ => {
            if name.facets != Facets::None {
                return Err(no_width());
            }
        }
    }
    // The (max) and LOB types have no width of their own to keep; decimals and times keep theirs above.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::meta::Options;

    fn resolve_text(text: &str) -> DdlResult<Resolved> {
        let db = Database::new(5, "d", "SQL_Latin1_General_CP1_CI_AS", "sa", Options::fresh(150, false));
        let tokens = crate::sandbox::ddl::lexer::lex(text, true)?;
        let name = crate::sandbox::ddl::expression::ExpressionParser::new(&tokens, 0).type_name()?;
        resolve(&db, &name, None, 1)
    }

    #[test]
    fn types_get_their_facets() {
        let r = resolve_text("nvarchar(50)").unwrap();
        assert_eq!((r.ty.length, r.user_type_id), (100, 231));
        assert_eq!(r.ty.collation.unwrap().name, "SQL_Latin1_General_CP1_CI_AS");
        assert_eq!(resolve_text("varbinary(max)").unwrap().ty.length, MAX);
        assert_eq!(resolve_text("float(24)").unwrap().ty.base, Base::Real);
        assert_eq!(resolve_text("float(24)").unwrap().user_type_id, 59);
        assert_eq!(resolve_text("double precision").unwrap().ty.base, Base::Float);
        let d = resolve_text("dec(9,2)").unwrap().ty;
        assert_eq!((d.base, d.precision, d.scale), (Base::Decimal, 9, 2));
        assert_eq!(resolve_text("time").unwrap().ty.scale, 7);
        assert_eq!(resolve_text("rowversion").unwrap().nullable, Some(false), "fact 42");
        assert_eq!(resolve_text("sysname").unwrap().user_type_id, 256);
        assert_eq!(resolve_text("nosuch").unwrap_err().last().number, 2715);
        assert_eq!(resolve_text("int(4)").unwrap_err().last().number, 2716);
        assert_eq!(resolve_text("varchar(9000)").unwrap_err().last().number, 131);
        assert_eq!(resolve_text("decimal(39)").unwrap_err().last().number, 2750);
    }
}
