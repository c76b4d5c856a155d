//! Tables → column plans: what stands in the data stream of a table, alias types resolved to their base types.

use super::{AliasType, Column, Model, Name, Object, Reference, Table, TypeSpec};
use crate::bacpac::plan::{BcpType, ColumnPlan, PlanError, TablePlan};
use std::collections::{HashMap, HashSet};

/// What the plans of a model's tables need to know beyond the table: alias types, keys, the database's collation.
#[derive(Debug)]
pub struct Plans<'a> {
    aliases: HashMap<&'a Name, &'a AliasType>,
    clr_types: HashSet<Name>,
    key_columns: HashSet<&'a Name>,
    collation: Option<&'a str>,
}

/// A type with its facets, alias types resolved.
#[derive(Debug, Clone, Copy)]
struct Facets<'a> {
    type_ref: Option<&'a Reference>,
    length: Option<i64>,
    precision: Option<i64>,
    scale: Option<i64>,
    is_max: bool,
}

impl<'a> Plans<'a> {
    /// Looks once over a model.
    pub fn of(model: &'a Model) -> Plans<'a> {
        let mut plans = Plans {
            aliases: HashMap::new(),
            clr_types: HashSet::new(),
            key_columns: HashSet::new(),
            collation: model.options().and_then(|o| o.collation()),
        };
        for object in &model.objects {
            match object {
                Object::AliasType(alias) => {
                    plans.aliases.insert(&alias.name, alias);
                }
                Object::Key(key) if key.form == super::KeyForm::PrimaryKey => {
                    plans.key_columns.extend(key.columns.iter().map(|c| &c.column));
                }
                Object::Other(element) if element.kind == "SqlUserDefinedType" => {
                    plans.clr_types.insert(element.parsed_name());
                }
                _ => {}
            }
        }
        plans
    }

    /// The plan of a table. A table without a column that has data gives a plan without columns.
    pub fn plan(&self, table: &Table) -> Result<TablePlan, PlanError> {
        let fail = |column: &str, reason: &str| PlanError {
            table: format!("{}.{}", table.name.schema(), table.name.last()),
            column: column.to_owned(),
            reason: reason.to_owned(),
        };
        // Assumption: nobody has shown the data stream of a node or edge table; its pseudo columns can't be loaded back.
        if table.node || table.edge {
            return Err(fail("", "the form of the rows of a graph table is not known"));
        }
        let mut columns = Vec::new();
        for column in table.columns.iter().filter(|c| c.has_data()) {
            columns.push(self.column(column).map_err(|reason| fail(column.name.last(), &reason))?);
        }
        let plan = TablePlan::new(table.name.schema(), table.name.last(), columns);
        if !plan.columns.is_empty() {
            plan.check()?;
        }
        Ok(plan)
    }

    fn column(&self, column: &Column) -> Result<ColumnPlan, String> {
        let Some(spec) = &column.data_type else { return Err("it has no type".into()) };
        let facets = self.facets(spec);
        let name = facets.type_ref.map(Reference::parsed).unwrap_or_default();
        let built_in = facets.type_ref.is_some_and(Reference::is_built_in);
        // A key's columns and identity columns are NOT NULL even where the model leaves that open.
        let nullable = column.nullable && !column.identity && !self.key_columns.contains(&column.name);
        let mut plan = ColumnPlan::new(column.name.last(), BcpType::Int, nullable);
        plan.identity = column.identity;
        if !built_in {
            if !self.clr_types.contains(&name) {
                return Err(format!("its type {name} is not in the model"));
            }
            plan.ty = BcpType::Clr;
            plan.detail = Some((name.schema().to_owned(), name.last().to_owned()));
            return Ok(plan);
        }
        plan.ty = base_type(name.last(), facets).ok_or_else(|| format!("its type {name} is not known"))?;
        let number = |value: Option<i64>, default: i64, what: &str| {
            u32::try_from(value.unwrap_or(default)).map_err(|_| format!("its {what} is below 0"))
        };
        match plan.ty {
            BcpType::NVarChar if name.last() == "sysname" => plan.length = 128,
            BcpType::Char
            | BcpType::VarChar
            | BcpType::NChar
            | BcpType::NVarChar
            | BcpType::Binary
            | BcpType::VarBinary => plan.length = number(facets.length, 1, "length")?,
            BcpType::Decimal | BcpType::Numeric => {
                plan.precision = small(number(facets.precision, 18, "precision")?)?;
                plan.scale = small(number(facets.scale, 0, "scale")?)?;
            }
            BcpType::Time | BcpType::DateTime2 | BcpType::DateTimeOffset => {
                plan.scale = small(number(facets.scale, 0, "scale")?)?;
            }
            BcpType::Xml => {
                let collection = spec.xml_schema.as_ref().map(Reference::parsed).filter(|n| !n.is_empty());
                plan.detail = collection.map(|n| (n.schema().to_owned(), n.last().to_owned()));
            }
            _ => {}
        }
        if plan.ty.is_text() && !matches!(plan.ty, BcpType::Xml | BcpType::Json) {
            plan.collation = column.collation.clone().or_else(|| self.collation.map(str::to_owned));
        }
        Ok(plan)
    }

    fn facets(&self, spec: &'a TypeSpec) -> Facets<'a> {
        let alias =
            spec.type_ref.as_ref().filter(|r| !r.is_built_in()).and_then(|r| self.aliases.get(&r.parsed()).copied());
        match alias {
            Some(alias) => Facets {
                type_ref: alias.type_ref.as_ref(),
                length: alias.length,
                precision: alias.precision,
                scale: alias.scale,
                is_max: alias.is_max,
            },
            None => Facets {
                type_ref: spec.type_ref.as_ref(),
                length: spec.length,
                precision: spec.precision,
                scale: spec.scale,
                is_max: spec.is_max,
            },
        }
    }
}

fn small(number: u32) -> Result<u8, String> {
    u8::try_from(number).map_err(|_| format!("{number} is no precision or scale"))
}

/// The type of the data stream for a type that the server brings along.
fn base_type(name: &str, facets: Facets<'_>) -> Option<BcpType> {
    use BcpType::*;
    Some(match name.to_ascii_lowercase().as_str() {
        "bit" => Bit,
        "tinyint" => TinyInt,
        "smallint" => SmallInt,
        "int" => Int,
        "bigint" => BigInt,
        "real" => Real,
        "float" if facets.precision.is_some_and(|p| (1..=24).contains(&p)) => Real,
        "float" => Float,
        "smallmoney" => SmallMoney,
        "money" => Money,
        "decimal" => Decimal,
        "numeric" => Numeric,
        "date" => Date,
        "time" => Time,
        "smalldatetime" => SmallDateTime,
        "datetime" => DateTime,
        "datetime2" => DateTime2,
        "datetimeoffset" => DateTimeOffset,
        "uniqueidentifier" => UniqueIdentifier,
        "char" => Char,
        "varchar" if facets.is_max => VarCharMax,
        "varchar" => VarChar,
        "text" => Text,
        "nchar" => NChar,
        "nvarchar" if facets.is_max => NVarCharMax,
        "nvarchar" | "sysname" => NVarChar,
        "ntext" => NText,
        "binary" => Binary,
        "varbinary" if facets.is_max => VarBinaryMax,
        "varbinary" => VarBinary,
        "image" => Image,
        "rowversion" | "timestamp" => RowVersion,
        "xml" => Xml,
        "sql_variant" => Variant,
        "hierarchyid" => HierarchyId,
        "geometry" => Geometry,
        "geography" => Geography,
        "json" => Json,
        "vector" => Vector,
        _ => return None,
    })
}

impl Model {
    /// The plan of every table, in file order.
    pub fn table_plans(&self) -> Vec<(Name, Result<TablePlan, PlanError>)> {
        let plans = Plans::of(self);
        self.tables().map(|t| (t.name.clone(), plans.plan(t))).collect()
    }
}
