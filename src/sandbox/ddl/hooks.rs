//! What definition statements ask of whoever holds the rows and the sessions.
//!
//! The hooks are called while the catalogue is being changed by this statement alone: whoever implements them takes the
//! locks of its storage *before* the statement begins, never inside a hook, or two sessions may wait for each other.
//! All they do belongs to the statement's transaction: when the statement fails after a hook, the storage rolls back.

use crate::sandbox::meta::object::OutputColumn;
use crate::sandbox::meta::{Check, Database, ForeignKey, Index, Module, Object, Table};
use crate::sandbox::value::{Base, SqlType, Value};

use super::error::{DdlError, DdlResult};

/// Where the value of an added column comes from in rows that are already there.
#[derive(Debug, Clone, PartialEq)]
pub struct Fill {
    /// The column.
    pub column_id: i32,
    /// The normalised default; `None` for NULL. Identity and rowversion columns get their own values instead.
    pub default: Option<String>,
}

/// Why an index could not be built.
#[derive(Debug)]
pub enum BuildError {
    /// Two rows have this key, printed as error messages print it: `(1, <NULL>)`.
    Duplicate(String),
    /// Something else.
    Other(DdlError),
}

/// The other side of definition statements. The database and objects given are as they will be.
pub trait Hooks {
    /// A database was made.
    fn database_created(&mut self, database: &Database) -> DdlResult<()>;
    /// A database is gone; its rows too.
    fn database_dropped(&mut self, database_id: i32) -> DdlResult<()>;
    /// A table is gone.
    fn table_dropped(&mut self, database: &Database, table: &Object) -> DdlResult<()>;
    /// How many rows a table has.
    fn row_count(&mut self, database: &Database, table: &Object) -> DdlResult<u64>;
    /// Columns were added, changed or dropped: rows are rewritten from the old columns to the new ones, by column id.
    fn table_altered(&mut self, database: &Database, before: &Object, after: &Object, fills: &[Fill]) -> DdlResult<()>;
    /// An index (clustered or not) was added to the table: build it, check it if it is unique.
    fn index_created(&mut self, database: &Database, table: &Object, index: &Index) -> Result<(), BuildError>;
    /// An index is gone from the table.
    fn index_dropped(&mut self, database: &Database, table: &Object, index: &Index) -> DdlResult<()>;
    /// Whether all rows satisfy a check (NULL satisfies).
    fn check_holds(&mut self, database: &Database, table: &Object, check: &Check) -> DdlResult<bool>;
    /// Whether all rows have their referenced row.
    fn foreign_key_holds(
        &mut self,
        database: &Database,
        table: &Object,
        key: &ForeignKey,
        referenced: &Object,
    ) -> DdlResult<bool>;
    /// Whether a column has a NULL.
    fn has_null(&mut self, database: &Database, table: &Object, column_id: i32) -> DdlResult<bool>;
    /// The identity column's value that is furthest on; `None` without rows.
    fn furthest_identity(&mut self, database: &Database, table: &Object) -> DdlResult<Option<i128>>;
    /// Type and nullability of a computed column's expression over a table's columns.
    fn expression_type(&mut self, database: &Database, table: &Table, definition: &str) -> DdlResult<(SqlType, bool)>;
    /// The columns of a view or inline function that is about to be made. Empty if that cannot be worked out.
    fn module_columns(
        &mut self,
        database: &Database,
        schema_id: i32,
        module: &Module,
        body: &str,
    ) -> DdlResult<Vec<OutputColumn>>;
    /// A literal as a value of a type. Without an engine: numbers and texts as they are.
    fn literal(&mut self, _: &Database, definition: &str, ty: &SqlType) -> DdlResult<Value> {
        let bare = definition.trim_matches(['(', ')']);
        Ok(match bare.parse::<i64>() {
            Ok(n) if ty.base == Base::Int => Value::Int(n as i32),
            Ok(n) => Value::BigInt(n),
            Err(_) => {
                let text = bare.strip_prefix('N').unwrap_or(bare).trim_matches('\'').replace("''", "'");
                Value::NChar(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
            }
        })
    }
    /// Puts values of a type in its order.
    fn sort(&mut self, _: &mut Vec<Value>, _: &SqlType) {}
    /// How many other sessions are in a database.
    fn other_sessions(&mut self, database_id: i32) -> usize;
    /// Ends the other sessions of a database (ROLLBACK IMMEDIATE).
    fn end_other_sessions(&mut self, database_id: i32);
}

/// Hooks over no rows at all: for a catalogue that is built before anything is stored, and for tests.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoRows;

impl Hooks for NoRows {
    fn database_created(&mut self, _: &Database) -> DdlResult<()> {
        Ok(())
    }
    fn database_dropped(&mut self, _: i32) -> DdlResult<()> {
        Ok(())
    }
    fn table_dropped(&mut self, _: &Database, _: &Object) -> DdlResult<()> {
        Ok(())
    }
    fn row_count(&mut self, _: &Database, _: &Object) -> DdlResult<u64> {
        Ok(0)
    }
    fn table_altered(&mut self, _: &Database, _: &Object, _: &Object, _: &[Fill]) -> DdlResult<()> {
        Ok(())
    }
    fn index_created(&mut self, _: &Database, _: &Object, _: &Index) -> Result<(), BuildError> {
        Ok(())
    }
    fn index_dropped(&mut self, _: &Database, _: &Object, _: &Index) -> DdlResult<()> {
        Ok(())
    }
    fn check_holds(&mut self, _: &Database, _: &Object, _: &Check) -> DdlResult<bool> {
        Ok(true)
    }
    fn foreign_key_holds(&mut self, _: &Database, _: &Object, _: &ForeignKey, _: &Object) -> DdlResult<bool> {
        Ok(true)
    }
    fn has_null(&mut self, _: &Database, _: &Object, _: i32) -> DdlResult<bool> {
        Ok(false)
    }
    fn furthest_identity(&mut self, _: &Database, _: &Object) -> DdlResult<Option<i128>> {
        Ok(None)
    }
    /// Without an engine a computed column is what its outermost CONVERT says, else a nullable int.
    fn expression_type(&mut self, database: &Database, _: &Table, definition: &str) -> DdlResult<(SqlType, bool)> {
        use super::expression::Expr;
        let expr = super::normal::parse(definition, true)?;
        let nullable =
            !matches!(&expr, Expr::Function { name, .. } if name.len() == 1 && name[0].eq_ignore_ascii_case("isnull"));
        let name = match &expr {
            Expr::Convert { ty, .. } => ty.clone(),
            _ => super::expression::TypeName { schema: None, name: "int".into(), facets: Default::default() },
        };
        Ok((super::exec::types::resolve(database, &name, None, 1)?.ty, nullable))
    }
    fn module_columns(&mut self, _: &Database, _: i32, _: &Module, _: &str) -> DdlResult<Vec<OutputColumn>> {
        Ok(Vec::new())
    }
    fn other_sessions(&mut self, _: i32) -> usize {
        0
    }
    fn end_other_sessions(&mut self, _: i32) {}
}
