//! Rows out: the query for a table, and the driver's values as cells of the data stream. No `String` in between.
//!
//! The columns are selected plain, so that their exact wire values arrive, with these exceptions: xml is cast to
//! `nvarchar(max)` (on the wire it begins with a mark that the stream does not have); texts of double-byte code pages
//! are converted by the server, whose tables count; before every sql_variant stands a column with what the driver
//! drops of it (see [`super::variant`]); text, ntext and image are converted to the `(max)` types, whose bytes are the
//! same and which come in pieces, and before each stands a column with its length, which the stream wants beforehand.
//!
//! Large values come in pieces (see [`super::tds_large`]), so a reader holds its target and a piece.

use std::collections::HashMap;
use std::sync::Arc;

use mssql_tds::datatypes::sqldatatypes::TdsDataType;
use mssql_tds::query::metadata::{ColumnMetadata, PlpEncoding};

use crate::bacpac::plan::{BcpType, ColumnPlan, TablePlan};
use crate::sqlserver::code_page::{self, CodePage};
use crate::sqlserver::error::SqlError;
use crate::sqlserver::quote::{identifier, qualified};
use crate::sqlserver::rows::{ReadOptions, ServerColumn};

mod cells;

pub(super) use cells::{CellWriter, Pieces};

/// How a table is asked for, and what the answer's columns are.
#[derive(Debug)]
pub(super) struct Shape {
    /// The query.
    pub sql: String,
    slots: Vec<Slot>,
    plan: Arc<TablePlan>,
    /// The five bytes of collations by name, for sql_variant.
    pub collations: HashMap<String, [u8; 5]>,
}

/// A column of the answer.
#[derive(Debug)]
enum Slot {
    /// A column of the plan.
    Column { index: usize, ty: BcpType, text: Option<Arc<CodePage>>, pad: usize },
    /// The collation's name of the sql_variant that follows.
    VariantCollation,
    /// `DATALENGTH` of the large value that follows.
    Length,
}

/// What the bytes of a large value are on the wire.
#[derive(Debug, Clone)]
pub(super) enum Large {
    /// Raw bytes.
    Binary,
    /// UTF-16LE.
    Utf16,
    /// A code page.
    Narrow(Arc<CodePage>),
}

impl Shape {
    /// Plans the reading of a table.
    pub(super) fn of(plan: &TablePlan, options: &ReadOptions) -> Result<Self, SqlError> {
        let mut select = Vec::new();
        let mut slots = Vec::new();
        for (index, column) in plan.columns.iter().enumerate() {
            let name = identifier(&column.name);
            let server = options.columns.iter().find(|c| c.name == column.name);
            let mut text = None;
            let expression = match column.ty {
                BcpType::Xml | BcpType::Json => format!("CAST({name} AS nvarchar(max)) AS {name}"),
                BcpType::NText => {
                    length_of(&name, &mut select, &mut slots);
                    format!("CONVERT(nvarchar(max), {name}) AS {name}")
                }
                BcpType::Image => {
                    length_of(&name, &mut select, &mut slots);
                    format!("CONVERT(varbinary(max), {name}) AS {name}")
                }
                BcpType::Char | BcpType::VarChar | BcpType::VarCharMax | BcpType::Text => {
                    match narrow(plan, column, server)? {
                        Narrow::Here(page) => {
                            text = Some(page);
                            match column.ty {
                                BcpType::Text => {
                                    length_of(&name, &mut select, &mut slots);
                                    format!("CONVERT(varchar(max), {name}) AS {name}")
                                }
                                _ => name.clone(),
                            }
                        }
                        Narrow::Server => match column.length {
                            n @ 1..=4000 => format!("CONVERT(nvarchar({n}), {name}) AS {name}"),
                            _ => format!("CONVERT(nvarchar(max), {name}) AS {name}"),
                        },
                    }
                }
                BcpType::Variant => {
                    select.push(format!("CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({name}, N'Collation'))"));
                    slots.push(Slot::VariantCollation);
                    name.clone()
                }
                BcpType::Vector => {
                    return Err(SqlError::Unsupported(format!(
                        "table {plan}, column {}: rows with a column of type vector cannot be read yet",
                        column.name
                    )));
                }
                _ => name.clone(),
            };
            // A NOT NULL char always takes its declared length in the stream; in UTF-8 and double-byte code pages it
            // may have fewer characters.
            let pad = if column.ty == BcpType::Char && !column.nullable { column.length as usize * 2 } else { 0 };
            select.push(expression);
            slots.push(Slot::Column { index, ty: column.ty, text, pad });
        }
        let mut sql = format!("SELECT {} FROM {}", select.join(", "), qualified(&plan.schema, &plan.table));
        for (i, (key, descending)) in options.order.iter().enumerate() {
            sql.push_str(if i == 0 { " ORDER BY " } else { ", " });
            sql.push_str(&identifier(key));
            sql.push_str(if *descending { " DESC" } else { " ASC" });
        }
        Ok(Self { sql, slots, plan: Arc::new(plan.clone()), collations: HashMap::new() })
    }

    /// Whether a column is a sql_variant.
    pub(super) fn has_variants(&self) -> bool {
        self.slots.iter().any(|s| matches!(s, Slot::VariantCollation))
    }

    /// The query for the collations that the table's variants have.
    pub(super) fn collations_sql(&self) -> String {
        let table = qualified(&self.plan.schema, &self.plan.table);
        let variants = self.plan.columns.iter().filter(|c| c.ty == BcpType::Variant);
        let of = variants.map(|c| {
            let property =
                format!("CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({}, N'Collation'))", identifier(&c.name));
            format!("SELECT DISTINCT {property} AS collation FROM {table} WHERE {property} IS NOT NULL")
        });
        of.collect::<Vec<_>>().join(" UNION ")
    }

    /// Compares what the server is about to send with what was planned: the table may have changed since.
    pub(super) fn check(&self, metadata: &[ColumnMetadata]) -> Result<(), String> {
        if metadata.len() != self.slots.len() {
            return Err(format!("{} columns where {} were asked for", metadata.len(), self.slots.len()));
        }
        for (slot, found) in self.slots.iter().zip(metadata) {
            let Slot::Column { index, ty, text, .. } = slot else { continue };
            let column = &self.plan.columns[*index];
            if !fits(*ty, found.data_type) {
                return Err(format!(
                    "column {} comes as {:?} where {} was expected; the table has changed",
                    column.name,
                    found.data_type,
                    column.sql_type()
                ));
            }
            // Assumption: a conversion of text to varchar(max) keeps the collation, as the documentation says of any two
            // character types; were it another code page's, every character would be in doubt.
            if let (BcpType::Text, Some(page), Some(collation)) = (ty, text, found.get_collation())
                && !page.is_of(collation)
            {
                return Err(format!("column {} comes in another code page than its own", column.name));
            }
            let scaled = matches!(
                ty,
                BcpType::Decimal | BcpType::Numeric | BcpType::Time | BcpType::DateTime2 | BcpType::DateTimeOffset
            );
            if scaled && found.get_scale() != Some(column.scale) {
                return Err(format!(
                    "column {} comes with scale {:?} where {} was expected; the table has changed",
                    column.name,
                    found.get_scale(),
                    column.sql_type()
                ));
            }
        }
        Ok(())
    }

    /// The columns of the answer that come in pieces, in order.
    pub(super) fn large(&self, metadata: &[ColumnMetadata]) -> Result<Vec<(usize, Large)>, String> {
        let mut large = Vec::new();
        for (at, (slot, found)) in self.slots.iter().zip(metadata).enumerate().filter(|(_, (_, m))| m.is_plp()) {
            let Slot::Column { index, text, .. } = slot else {
                return Err("a large value where a length was asked for".into());
            };
            let kind = match (found.plp_encoding(), text) {
                (Some(PlpEncoding::Utf16Text), _) => Large::Utf16,
                (Some(PlpEncoding::SingleByteText), Some(page)) => Large::Narrow(page.clone()),
                (Some(PlpEncoding::Binary), None) => Large::Binary,
                _ => {
                    let name = &self.plan.columns[*index].name;
                    return Err(format!("column {name} comes as {:?}, which was not asked for", found.data_type));
                }
            };
            large.push((at, kind));
        }
        Ok(large)
    }

    /// How many columns the answer has.
    pub(super) fn width(&self) -> usize {
        self.slots.len()
    }
}

/// Asks for the length of the value that follows.
fn length_of(name: &str, select: &mut Vec<String>, slots: &mut Vec<Slot>) {
    select.push(format!("DATALENGTH({name})"));
    slots.push(Slot::Length);
}

enum Narrow {
    Here(Arc<CodePage>),
    Server,
}

fn narrow(plan: &TablePlan, column: &ColumnPlan, server: Option<&ServerColumn>) -> Result<Narrow, SqlError> {
    let number = server.and_then(|s| s.code_page);
    match number {
        Some(number) if code_page::is_double_byte(number) => Ok(Narrow::Server),
        Some(number) => code_page::find(number).map(Narrow::Here).ok_or_else(|| {
            SqlError::Unsupported(format!(
                "table {plan}, column {}: code page {number} of collation {} is not supported",
                column.name,
                server.and_then(|s| s.collation.as_deref()).unwrap_or("?")
            ))
        }),
        None => Err(SqlError::Unsupported(format!(
            "table {plan}, column {}: the code page of collation {} is not known",
            column.name,
            server.and_then(|s| s.collation.as_deref()).or(column.collation.as_deref()).unwrap_or("?")
        ))),
    }
}

/// Whether a wire type can carry a type of the stream.
fn fits(ty: BcpType, found: TdsDataType) -> bool {
    use BcpType as B;
    use TdsDataType as T;
    match ty {
        B::Bit => matches!(found, T::Bit | T::BitN),
        B::TinyInt => matches!(found, T::Int1 | T::IntN),
        B::SmallInt => matches!(found, T::Int2 | T::IntN),
        B::Int => matches!(found, T::Int4 | T::IntN),
        B::BigInt => matches!(found, T::Int8 | T::IntN),
        B::Real => matches!(found, T::Flt4 | T::FltN),
        B::Float => matches!(found, T::Flt8 | T::FltN),
        B::SmallMoney => matches!(found, T::Money4 | T::MoneyN),
        B::Money => matches!(found, T::Money | T::MoneyN),
        // Fact 86: decimal and numeric columns come as different types.
        B::Decimal | B::Numeric => matches!(found, T::Decimal | T::DecimalN | T::Numeric | T::NumericN),
        B::Date => found == T::DateN,
        B::Time => found == T::TimeN,
        B::SmallDateTime => matches!(found, T::DateTim4 | T::DateTimeN),
        B::DateTime => matches!(found, T::DateTime | T::DateTimeN),
        B::DateTime2 => found == T::DateTime2N,
        B::DateTimeOffset => found == T::DateTimeOffsetN,
        B::UniqueIdentifier => found == T::Guid,
        B::Char | B::VarChar | B::VarCharMax | B::Text => {
            matches!(found, T::BigChar | T::BigVarChar | T::NVarChar)
        }
        B::NChar | B::NVarChar | B::NVarCharMax | B::NText | B::Xml | B::Json => {
            matches!(found, T::NChar | T::NVarChar)
        }
        B::Binary | B::VarBinary | B::VarBinaryMax | B::Image | B::RowVersion => {
            matches!(found, T::BigBinary | T::BigVarBinary)
        }
        B::Variant => found == T::SsVariant,
        B::HierarchyId | B::Geometry | B::Geography | B::Clr => matches!(found, T::Udt | T::BigVarBinary),
        B::Vector => false,
    }
}
