//! Data types: of columns and parameters, alias types.

use std::collections::HashMap;

use super::Builder;
use super::query::Rows;
use crate::bacpac::model::{AliasType, Name, Reference, TypeSpec, XmlStyle};
use crate::sqlserver::orders::Record;

/// A type of `sys.types`.
#[derive(Debug, Clone)]
struct TypeRow {
    name: Name,
    system: i64,
    user_defined: bool,
    assembly: bool,
}

/// All types by `user_type_id`.
#[derive(Debug, Clone, Default)]
pub(super) struct Types {
    by_id: HashMap<i64, TypeRow>,
    /// XML schema collections' names by id.
    xml_collections: HashMap<i64, Name>,
}

impl Types {
    pub(super) fn of(rows: &Rows, schemas: &HashMap<i64, String>) -> Self {
        let named = |r: &Record<'_>| Some(Name::two(schemas.get(&r.int("schema_id")?)?.as_str(), r.string("name")));
        Self {
            by_id: rows
                .of("sys.types")
                .filter_map(|r| {
                    Some((
                        r.int("user_type_id")?,
                        TypeRow {
                            // What comes with the server is in `sys`, whatever schema it is counted to.
                            name: if r.bool("is_user_defined") {
                                named(&r)?
                            } else {
                                Name::two("sys", r.string("name"))
                            },
                            system: r.int("system_type_id")?,
                            user_defined: r.bool("is_user_defined"),
                            assembly: r.bool("is_assembly_type"),
                        },
                    ))
                })
                .collect(),
            // Without its text a collection is not carried (and named): then its columns take any XML.
            xml_collections: rows
                .of("sys.xml_schema_collections")
                .filter_map(|r| Some((r.int("xml_collection_id")?, named(&r)?)))
                .filter(|(id, _)| rows.schemas_of_xml.contains_key(id))
                .collect(),
        }
    }

    /// The type of a column or a parameter.
    pub(super) fn spec(&self, r: &Record<'_>) -> Option<TypeSpec> {
        let ty = self.by_id.get(&r.int("user_type_id")?)?;
        if ty.user_defined {
            return Some(TypeSpec::user(&ty.name));
        }
        // hierarchyid, geometry and geography are assembly types of the schema sys, sysname is an alias type of it.
        if ty.assembly || ty.name.last() == "sysname" {
            return Some(TypeSpec::system(ty.name.last()));
        }
        let name = match ty.name.last() {
            "timestamp" => "rowversion",
            name => name,
        };
        let spec = facets(TypeSpec::built_in(name), name, r);
        let collection = r.int("xml_collection_id").filter(|id| *id != 0);
        Some(match name {
            "xml" => TypeSpec {
                xml_schema: collection.and_then(|id| self.xml_collections.get(&id)).map(Reference::to),
                xml_style: if r.bool("is_xml_document") { XmlStyle::Document } else { spec.xml_style },
                ..spec
            },
            _ => spec,
        })
    }

    /// A type's name by its `user_type_id`, where the database has made it.
    pub(super) fn name(&self, id: i64) -> Option<Name> {
        self.by_id.get(&id).filter(|t| t.user_defined).map(|t| t.name.clone())
    }

    /// The name of an XML schema collection.
    pub(super) fn xml_collection(&self, id: i64) -> Option<Name> {
        self.xml_collections.get(&id).cloned()
    }

    /// The built-in type that an alias type stands for.
    fn base(&self, r: &Record<'_>) -> Option<&str> {
        let system = r.int("system_type_id")?;
        Some(self.by_id.get(&system).filter(|t| t.system == system)?.name.last())
    }
}

/// Length, precision and scale as the model has them, where the type has any.
fn facets(spec: TypeSpec, name: &str, r: &Record<'_>) -> TypeSpec {
    let length = r.int("max_length").unwrap_or_default();
    let (precision, scale) = (r.int("precision").unwrap_or_default(), r.int("scale").unwrap_or_default());
    match name {
        "char" | "varchar" | "binary" | "varbinary" | "nchar" | "nvarchar" if length == -1 => spec.max(),
        "char" | "varchar" | "binary" | "varbinary" => spec.length(length),
        "nchar" | "nvarchar" => spec.length(length / 2),
        "decimal" | "numeric" => spec.decimal(precision, scale),
        "time" | "datetime2" | "datetimeoffset" => spec.seconds(scale),
        "float" => TypeSpec { precision: Some(precision), ..spec },
        _ => spec,
    }
}

impl Builder<'_> {
    pub(super) fn types(&mut self) {
        for r in self.rows.of("sys.types").filter(|r| r.bool("is_user_defined")) {
            let Some(name) = r.int("user_type_id").and_then(|id| self.types.by_id.get(&id)).map(|t| t.name.clone())
            else {
                continue;
            };
            if !r.bool("is_table_type") && !r.bool("is_assembly_type") {
                let Some(base) = self.types.base(&r).map(str::to_owned) else {
                    self.left_out("alias type", name);
                    continue;
                };
                let spec = facets(TypeSpec::built_in(&base), &base, &r);
                self.made.push(
                    AliasType {
                        name,
                        nullable: r.bool("is_nullable"),
                        scale: spec.scale,
                        precision: spec.precision,
                        length: spec.length,
                        is_max: spec.is_max,
                        type_ref: spec.type_ref,
                        ..AliasType::default()
                    }
                    .into(),
                );
            }
        }
        self.table_types();
    }

    /// A column's collation where it is not the database's.
    pub(super) fn own_collation(&self, r: &Record<'_>) -> Option<String> {
        r.text("collation_name").filter(|c| *c != self.facts.collation).map(str::to_owned)
    }
}
