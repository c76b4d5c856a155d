//! What a session takes a name for: databases, schemas, users, objects, functions and types.

use std::sync::Arc;

use sqlparser::ast;

use crate::sandbox::collation;
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::database::DBO_SCHEMA;
use crate::sandbox::meta::server::TEMPDB;
use crate::sandbox::meta::{self, Database, Object};
use crate::sandbox::sql::error::{SqlError, SqlResult};
use crate::sandbox::sql::hook::MetaFunction;
use crate::sandbox::sql::types;
use crate::sandbox::value::{Base, Collation, MAX, SqlType};

use super::{Resolved, SqlSession};

impl SqlSession {
    /// A database as it is now, or as the definition in progress leaves it.
    pub fn database_meta(&self, id: i32) -> Option<Arc<Database>> {
        if let Some(o) = self.overlay.borrow().as_ref().filter(|o| o.database_id == id) {
            return Some(o.clone());
        }
        if id == TEMPDB {
            return Some(self.temporary.borrow().clone());
        }
        self.server().databases.get(&id).cloned()
    }

    /// A database's name.
    pub fn database_name(&self, id: i32) -> String {
        self.database_meta(id).map(|d| d.name.clone()).unwrap_or_default()
    }

    /// A database by name.
    pub fn database_named(&self, name: &str) -> Option<i32> {
        self.server().database(name).map(|d| d.database_id)
    }

    /// Whether two names are one in a database.
    pub fn same_name(&self, database: i32, a: &str, b: &str) -> bool {
        if a == b {
            return true;
        }
        if a.is_ascii() && b.is_ascii() && !a.eq_ignore_ascii_case(b) {
            return false;
        }
        self.database_meta(database).is_none_or(|d| d.same(a, b))
    }

    /// The collation of a database.
    pub fn collation_of(&self, database: i32) -> Arc<Collation> {
        self.database_meta(database).and_then(|d| collation::by_name(&d.collation)).unwrap_or_else(collation::default)
    }

    /// The schema id that names without a schema are looked up in first.
    pub fn default_schema(&self, database: i32) -> i32 {
        if database == TEMPDB {
            return DBO_SCHEMA;
        }
        self.database_meta(database).map_or(DBO_SCHEMA, |d| rights::default_schema(&self.server(), &d, &self.login))
    }

    /// Its name.
    pub fn default_schema_name(&self, database: i32) -> String {
        let id = self.default_schema(database);
        self.database_meta(database).map(|d| d.schema_name(id).to_string()).unwrap_or_default()
    }

    /// The user that the login is in a database.
    pub fn user_name(&self, database: i32) -> String {
        let found = self.database_meta(database).and_then(|d| {
            let id = rights::user_of(&self.server(), &d, &self.login)?;
            d.principal_by_id(id).map(|p| p.name.clone())
        });
        found.unwrap_or_else(|| "guest".into())
    }

    /// The id of a system object (`sys.tables`), if there is one of that name.
    pub fn system_object_id(&self, _database: i32, schema: &str, name: &str) -> Option<i32> {
        crate::sandbox::catalog_views::find(schema, name, self.server().product).map(|v| v.object_id)
    }

    /// A function that the catalogue lends.
    pub fn meta_function(&self, name: &str, arguments: usize) -> Option<MetaFunction> {
        (self.engine.hooks.function)(name, arguments)
    }

    /// What a name of one to three parts leads to from a database.
    pub fn resolve(&self, database: i32, parts: &[String]) -> SqlResult<Option<Resolved>> {
        let (database, schema, name) = match parts {
            [n] => (database, "", n.as_str()),
            [s, n] => (database, s.as_str(), n.as_str()),
            [d, s, n] => match self.database_named(d) {
                Some(id) => {
                    self.enter(id)?;
                    (id, s.as_str(), n.as_str())
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if name.starts_with('#') {
            let temporary = self.temporary.borrow().clone();
            return Ok(temporary.find(DBO_SCHEMA, name).map(|o| Resolved::Table {
                database: TEMPDB,
                schema: "dbo".into(),
                object: o.clone(),
            }));
        }
        let Some(db) = self.database_meta(database) else { return Ok(None) };
        let schemas: Vec<i32> = if schema.is_empty() {
            let own = self.default_schema(database);
            if own == DBO_SCHEMA { vec![own] } else { vec![own, DBO_SCHEMA] }
        } else {
            db.schema(schema).map(|s| s.schema_id).into_iter().collect()
        };
        for id in &schemas {
            let Some(found) = db.find(*id, name) else { continue };
            let schema = db.schema_name(*id).to_string();
            if let meta::Kind::Synonym { base } = &found.kind {
                let parts = meta::names::parts(base).unwrap_or_default();
                return self.resolve(database, &parts);
            }
            if found.table().is_some() {
                self.may_select(&db, found)?;
                return Ok(Some(Resolved::Table { database, schema, object: found.clone() }));
            }
            if found.view().is_some() {
                self.may_select(&db, found)?;
                return Ok(Some(Resolved::View { database, schema, object: found.clone() }));
            }
        }
        if let Some(table) = (self.engine.hooks.view)(self, database, schema, name) {
            let schema = if schema.is_empty() { "sys" } else { schema };
            return Ok(Some(Resolved::Virtual { database, schema: schema.to_string(), name: name.to_string(), table }));
        }
        Ok(None)
    }

    /// Refuses what the login may not read (229).
    fn may_select(&self, db: &Database, object: &Object) -> SqlResult<()> {
        (self.engine.hooks.may)(self, db, object, "SELECT")
    }

    /// The type that the parser's type means.
    pub fn data_type(&self, database: i32, dt: &ast::DataType, explicit: bool) -> SqlResult<SqlType> {
        let shown = match dt {
            ast::DataType::Custom(name, args) if args.is_empty() => name.to_string(),
            ast::DataType::Custom(name, args) => format!("{name}({})", args.join(",")),
            other => other.to_string(),
        };
        self.type_named(database, &shown, explicit)
    }

    /// The type of a text such as `decimal(10, 2)`.
    pub fn type_named(&self, database: i32, text: &str, explicit: bool) -> SqlResult<SqlType> {
        let (word, args) = match text.find('(') {
            Some(at) => {
                let end = text.rfind(')').unwrap_or(text.len());
                (text[..at].trim(), text[at + 1..end].split(',').map(|a| a.trim().to_ascii_lowercase()).collect())
            }
            None => (text.trim(), Vec::new()),
        };
        let collation = self.collation_of(database);
        let number = |i: usize| args.get(i).and_then(|a: &String| a.parse::<u32>().ok());
        let max = args.first().is_some_and(|a| a == "max");
        let name = word.replace(['[', ']', '"'], "");
        let unqualified = name.strip_prefix("sys.").unwrap_or(&name);
        let canonical = match unqualified.to_ascii_lowercase().as_str() {
            "character varying" | "char varying" => "varchar".to_string(),
            "national character" | "national char" => "nchar".to_string(),
            "national character varying" | "national char varying" => "nvarchar".to_string(),
            "double" | "double precision" => "float".to_string(),
            "binary varying" => "varbinary".to_string(),
            other => other.to_string(),
        };
        let Some(built_in) = meta::types::named(&canonical) else {
            if let Some(db) = self.database_meta(database) {
                let mut parts = name.rsplitn(2, '.');
                let last = parts.next().unwrap_or("");
                let schema = parts.next().and_then(|s| db.schema(s).map(|s| s.schema_id)).unwrap_or(DBO_SCHEMA);
                if let Some(t) = db.user_type(schema, last)
                    && let meta::UserTypeKind::Alias { ty, .. } = &t.kind
                {
                    return Ok(ty.clone());
                }
            }
            return Err(SqlError::batch(
                if explicit { 243 } else { 2715 },
                if explicit { 1 } else { 3 },
                16,
                if explicit {
                    format!("Type {name} is not a defined system type.")
                } else {
                    format!("Column, parameter, or variable #1: Cannot find data type {name}.")
                },
            ));
        };
        let base = built_in.base;
        let default = if explicit { 30 } else { 1 };
        let too_long = |limit: u32| {
            SqlError::batch(
                131,
                3,
                15,
                format!(
                    "The size ({}) given to the type '{canonical}' exceeds the maximum allowed for any data type ({limit}).",
                    args.first().map_or("", |a| a.as_str())
                ),
            )
        };
        Ok(match base {
            Base::Char | Base::VarChar | Base::Binary | Base::VarBinary => {
                let length = if max { MAX } else { number(0).unwrap_or(default) };
                if length == 0 || (length > 8000 && length != MAX) {
                    return Err(too_long(8000));
                }
                let ty = types::binary(base, length);
                if types::is_text(base) { SqlType { collation: Some(collation), ..ty } } else { ty }
            }
            Base::NChar | Base::NVarChar => {
                if canonical == "sysname" {
                    return Ok(types::sysname(&collation));
                }
                let length = if max { MAX } else { number(0).unwrap_or(default) };
                if length == 0 || (length > 4000 && length != MAX) {
                    return Err(too_long(8000));
                }
                types::text(base, if length == MAX { MAX } else { length * 2 }, &collation)
            }
            Base::Text | Base::NText => types::text(base, MAX, &collation),
            Base::Decimal | Base::Numeric => {
                let p = number(0).unwrap_or(18);
                let s = number(1).unwrap_or(0);
                if !(1..=38).contains(&p) || s > p {
                    return Err(SqlError::batch(1002, 1, 16, format!("Line 1: Specified scale {s} is invalid.")));
                }
                types::decimal(base, p as u8, s as u8)
            }
            Base::Float => {
                if number(0).is_some_and(|n| n <= 24) {
                    types::plain(Base::Real)
                } else {
                    types::plain(Base::Float)
                }
            }
            Base::Time | Base::DateTime2 | Base::DateTimeOffset => {
                let s = number(0).unwrap_or(7);
                if s > 7 {
                    return Err(SqlError::batch(1002, 1, 16, format!("Line 1: Specified scale {s} is invalid.")));
                }
                types::scaled(base, s as u8)
            }
            other => types::plain(other),
        })
    }
}
