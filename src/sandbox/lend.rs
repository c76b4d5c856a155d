//! What the catalogue lends the engine: its views, functions about metadata, and who may do what.

mod principals;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::catalog_views::properties::{self, Property};
use super::catalog_views::{self, SessionFacts, Source};
use super::ddl::error::{DdlError, no_access, object_denied};
use super::ddl::rights;
use super::meta::names::parts;
use super::meta::server::TEMPDB;
use super::meta::{Database, Object, Server};
use super::sql::convert::integer_of;
use super::sql::error::{SqlError, SqlResult};
use super::sql::expr::Env;
use super::sql::functions::{Body, variant};
use super::sql::hook::{MetaFunction, Taker, VirtualTable};
use super::sql::text::{text_of, wide};
use super::sql::types::{int, nvarchar, plain};
use super::sql::{CatalogueHooks, SqlSession};
use super::storage::Link;
use super::value::{Base, SqlType, Value};
use principals::{
    has_database_access, has_permission, is_role_member, is_server_role_member, login_id, login_sid, principal_id,
};

/// The hooks to start an engine with.
pub fn hooks() -> CatalogueHooks {
    CatalogueHooks { view, function, may, enter, admit }
}

fn view(session: &SqlSession, database: i32, schema: &str, name: &str) -> Option<VirtualTable> {
    let server = session.server();
    let found = catalog_views::find(schema, name, server.product)?;
    let meta = session.database_meta(database)?;
    let columns = Arc::new(found.result_columns(server.product, &meta));
    let used = Rc::new(RefCell::new(vec![false; columns.len()]));
    let rows = Arc::new(move |session: &SqlSession, database: i32, used: &[bool], take: &mut Taker<'_>| {
        rows_of(session, database, found, used, take)
    });
    Some(VirtualTable { columns, rows, used })
}

fn rows_of(
    session: &SqlSession,
    database: i32,
    view: &catalog_views::View,
    used: &[bool],
    take: &mut Taker<'_>,
) -> SqlResult<()> {
    let server = session.server();
    let Some(meta) = session.database_meta(database) else { return Ok(()) };
    let sessions = facts_of_sessions(session);
    // One connection for all tables, when the session has none of its own.
    let own: RefCell<Option<Link>> = RefCell::new(None);
    let count = |d: &Database, o: &Object| {
        if session.link(d.database_id).is_ok_and(Link::active) {
            return rows_in(session, d.database_id, o.object_id);
        }
        let mut own = own.borrow_mut();
        if own.is_none() {
            *own = session.engine.storage.connect(d.database_id).ok();
        }
        let rows = own.as_ref().and_then(|link| link.count(o.object_id).ok());
        rows.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    };
    let source = Source { server: &server, database: &meta, login: &session.login, rows: &count, sessions: &sessions };
    let wanted: Vec<usize> = used.iter().enumerate().filter(|(_, u)| **u).map(|(n, _)| n).collect();
    let mut row = vec![Value::Null; used.len()];
    let mut outcome = Ok(());
    catalog_views::scan(view, &source, &wanted, None, &mut |values| {
        for (n, value) in wanted.iter().zip(values) {
            row[*n] = value;
        }
        match take(&row) {
            Ok(go) => go.is_continue(),
            Err(error) => {
                outcome = Err(error);
                false
            }
        }
    });
    outcome
}

/// How many rows a table has: as this session sees it if it has the database open, else as it was last committed.
fn rows_in(session: &SqlSession, database: i32, table: i32) -> u64 {
    let count = match session.link(database) {
        Ok(link) if link.active() => link.count(table),
        _ => session.engine.storage.connect(database).and_then(|link| link.count(table)),
    };
    count.ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

fn facts_of_sessions(session: &SqlSession) -> Vec<SessionFacts> {
    session
        .engine
        .sessions()
        .into_iter()
        .map(|s| {
            let own = s.spid == session.spid;
            SessionFacts {
                session_id: i16::try_from(s.spid).unwrap_or(i16::MAX),
                login: s.login,
                host: s.host,
                application: s.application,
                client_pid: s.client_pid,
                library: s.library,
                database_id: s.database,
                since: s.since,
                // Assumption: only the session that asks is known to run something.
                running: own,
                command: if own { "SELECT".into() } else { String::new() },
                isolation: if own { i16::from(session.options.isolation) } else { 2 },
                open_transactions: if own { session.trancount() as i32 } else { 0 },
            }
        })
        .collect()
}

/// A refusal ends the batch: it is found when names are bound.
fn refused(error: &DdlError) -> SqlError {
    let m = error.last();
    SqlError::batch(m.number, m.state, m.class, m.text.clone())
}

fn may(session: &SqlSession, database: &Database, object: &Object, permission: &str) -> SqlResult<()> {
    // A session's temporary objects are its own.
    if database.database_id == TEMPDB
        || rights::has_object(&session.server(), database, &session.login, object, permission)
    {
        return Ok(());
    }
    let schema = database.schema_name(object.schema_id);
    Err(refused(&object_denied(permission, &object.name, &database.name, schema)))
}

fn enter(session: &SqlSession, database: i32) -> SqlResult<()> {
    let server = session.server();
    let Some(meta) = server.databases.get(&database) else { return Ok(()) };
    if !rights::may_enter(&server, meta, &session.login) {
        return Err(refused(&no_access(&session.login, &meta.name)));
    }
    rights::seat(meta, i32::from(session.spid)).map_err(|e| refused(&e))
}

fn admit(server: &Server, database: &Database, login: &str) -> bool {
    rights::may_enter(server, database, login)
}

/// A function of the catalogue by its upper-case name.
fn function(name: &str, arguments: usize) -> Option<MetaFunction> {
    let (least, most, ty, call): (usize, usize, fn(&SqlSession) -> SqlType, Body) = match name {
        "SERVERPROPERTY" => (1, 1, variant_type, server_property),
        "DATABASEPROPERTYEX" => (2, 2, variant_type, database_property),
        "DATABASEPROPERTY" => (2, 2, int_type, database_property_int),
        "OBJECTPROPERTY" => (2, 2, int_type, object_property_int),
        "OBJECTPROPERTYEX" => (2, 2, variant_type, object_property),
        "INDEXPROPERTY" => (3, 3, int_type, index_property),
        "INDEX_COL" => (3, 3, name_type, index_column),
        "OBJECT_DEFINITION" => (1, 1, text_type, object_definition),
        "HAS_PERMS_BY_NAME" => (3, 5, int_type, has_permission),
        "HAS_DBACCESS" => (1, 1, int_type, has_database_access),
        "IS_SRVROLEMEMBER" => (1, 2, int_type, is_server_role_member),
        "IS_ROLEMEMBER" => (1, 2, int_type, is_role_member),
        "IS_MEMBER" => (1, 1, int_type, is_role_member),
        "DATABASE_PRINCIPAL_ID" | "USER_ID" => (0, 1, int_type, principal_id),
        "SUSER_ID" => (0, 1, int_type, login_id),
        "SUSER_SID" => (0, 2, sid_type, login_sid),
        "FILEGROUP_NAME" => (1, 1, name_type, filegroup_name),
        "FILEGROUP_ID" => (1, 1, int_type, filegroup_id),
        "FILE_NAME" => (1, 1, name_type, file_name),
        "FULLTEXTSERVICEPROPERTY" => (1, 1, int_type, nothing_installed),
        "FULLTEXTCATALOGPROPERTY" => (2, 2, int_type, nothing_installed),
        "TYPEPROPERTY" => (2, 2, int_type, type_property),
        "XML_SCHEMA_NAMESPACE" => (2, 3, xml_type, xml_schema_namespace),
        "CONNECTIONPROPERTY" => (1, 1, variant_type, connection_property),
        "SESSION_CONTEXT" => (1, 1, variant_type, session_context),
        "SESSIONPROPERTY" => (1, 1, variant_type, session_property),
        _ => return None,
    };
    (least..=most).contains(&arguments).then_some(MetaFunction { ty, call })
}

fn variant_type(_: &SqlSession) -> SqlType {
    plain(Base::Variant)
}

fn int_type(_: &SqlSession) -> SqlType {
    int()
}

fn name_type(session: &SqlSession) -> SqlType {
    nvarchar(128, &session.collation())
}

fn text_type(session: &SqlSession) -> SqlType {
    let mut ty = nvarchar(1, &session.collation());
    ty.length = super::value::MAX;
    ty
}

fn xml_type(_: &SqlSession) -> SqlType {
    plain(Base::Xml)
}

/// The schemas of an XML schema collection. An error if there is no such collection.
fn xml_schema_namespace(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let (schema, name) = (text(v, 0).unwrap_or_default(), text(v, 1).unwrap_or_default());
    let found = here(env).and_then(|d| {
        let schema_id = d.schema(&schema)?.schema_id;
        d.xml_collection(schema_id, &name).cloned()
    });
    let Some(collection) = found else {
        // Assumption: the words of 6314 as for a column of a collection that is not there.
        let words = format!("Collection specified does not exist in metadata : '{schema}.{name}'");
        return Err(SqlError::batch(6314, 1, 16, words));
    };
    let namespace = if v.len() > 2 { text(v, 2) } else { None };
    Ok(wide(&catalog_views::xml_schema::text_of(&collection, namespace.as_deref())))
}

fn sid_type(_: &SqlSession) -> SqlType {
    super::sql::types::binary(Base::VarBinary, 85)
}

/// The text of an argument; `None` for NULL and what is no text.
fn text(v: &[Value], n: usize) -> Option<String> {
    match v.get(n)? {
        Value::Null => None,
        Value::Variant(inner) => Some(text_of(&inner.value, inner.ty.collation.as_deref())),
        value @ (Value::Char(_) | Value::NChar(_)) => Some(text_of(value, None)),
        value => integer_of(value).map(|n| n.to_string()),
    }
}

fn number(v: &[Value], n: usize) -> Option<i32> {
    i32::try_from(integer_of(v.get(n)?)?).ok()
}

fn yes(b: bool) -> Value {
    Value::Int(i32::from(b))
}

fn wrap(session: &SqlSession, property: Option<Property>) -> Value {
    match property {
        None => Value::Null,
        Some(Property::Int(n)) => variant(int(), Value::Int(n)),
        Some(Property::TinyInt(n)) => variant(plain(Base::TinyInt), Value::TinyInt(n)),
        Some(Property::BigInt(n)) => variant(plain(Base::BigInt), Value::BigInt(n)),
        Some(Property::Text(t)) => variant(nvarchar(128, &session.collation()), wide(&t)),
        Some(Property::Moment(m)) => variant(plain(Base::DateTime), m.datetime()),
    }
}

fn whole(property: Option<Property>) -> Value {
    match property {
        Some(Property::Int(n)) => Value::Int(n),
        Some(Property::TinyInt(n)) => Value::Int(i32::from(n)),
        Some(Property::BigInt(n)) => i32::try_from(n).map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

fn here(env: &Env<'_>) -> Option<Arc<Database>> {
    env.ctx.session.database_meta(env.ctx.session.database)
}

type Args<'a> = &'a [Value];
type Exprs<'a> = &'a [super::sql::expr::Expr];

fn server_property(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let found = text(v, 0).and_then(|n| properties::server(&session.server(), &n));
    Ok(wrap(session, found))
}

fn database_property_of(env: &Env<'_>, v: Args<'_>) -> Option<Property> {
    let session = env.ctx.session;
    let server = session.server();
    let (database, name) = (text(v, 0)?, text(v, 1)?);
    let found = server.database(&database)?;
    // Azure answers for the current database only.
    if server.product.is_azure() && found.database_id != session.database {
        return None;
    }
    properties::database(found, server.product.is_azure(), &name)
}

fn database_property(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    Ok(wrap(env.ctx.session, database_property_of(env, v)))
}

fn database_property_int(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    Ok(whole(database_property_of(env, v)))
}

fn object_property_of(env: &Env<'_>, v: Args<'_>) -> Option<Property> {
    let database = here(env)?;
    let (id, name) = (number(v, 0)?, text(v, 1)?);
    let session = env.ctx.session;
    let (object, constraint) = match database.object(id) {
        Some(found) => (found, None),
        None => (database.object(database.table_of_constraint(id)?)?, Some(id)),
    };
    let sight = rights::Sight::new(&session.server(), &database, &session.login);
    if !sight.sees(&database, object) {
        return None;
    }
    let rows = || rows_in(session, database.database_id, object.object_id);
    properties::object(&database, object, constraint, &rows, &name)
}

fn object_property(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    Ok(wrap(env.ctx.session, object_property_of(env, v)))
}

fn object_property_int(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    Ok(whole(object_property_of(env, v)))
}

fn index_property(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let found = || {
        let database = here(env)?;
        let object = database.object(number(v, 0)?)?;
        let (name, property) = (text(v, 1)?, text(v, 2)?.to_ascii_lowercase());
        let index = object.table()?.indexes.iter().find(|i| database.same(&i.name, &name))?;
        Some(match property.as_str() {
            "indexid" => index.index_id,
            "indexfillfactor" => i32::from(index.fill_factor),
            "indexdepth" => 1,
            "isclustered" => i32::from(index.kind.clustered()),
            "isdisabled" => i32::from(index.disabled),
            "ispadindex" => i32::from(index.padded),
            "ispagelockdisallowed" => i32::from(!index.allow_page_locks),
            "isrowlockdisallowed" => i32::from(!index.allow_row_locks),
            "isunique" => i32::from(index.unique),
            "iscolumnstore" => i32::from(matches!(index.kind.code().0, 5 | 6)),
            "isstatistics" | "isautostatistics" | "ishypothetical" | "isfulltextkey" => 0,
            _ => return None,
        })
    };
    Ok(found().map_or(Value::Null, Value::Int))
}

fn index_column(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let found = || {
        let object = find_object(env, &text(v, 0)?)?;
        let table = object.table()?;
        let key = usize::try_from(number(v, 2)?).ok()?.checked_sub(1)?;
        let index = table.index(number(v, 1)?)?;
        let column = index.keys().nth(key)?.column_id;
        Some(table.column(column)?.name.clone())
    };
    Ok(found().map_or(Value::Null, |n| wide(&n)))
}

/// An object by a dotted name, in the database that it names or the current one.
fn find_object(env: &Env<'_>, name: &str) -> Option<Arc<Object>> {
    let session = env.ctx.session;
    let mut pieces = parts(name)?;
    let last = pieces.pop()?;
    let schema = pieces.pop().filter(|s| !s.is_empty());
    let database = match pieces.pop().filter(|d| !d.is_empty()) {
        Some(named) => session.database_meta(session.database_named(&named)?)?,
        None => here(env)?,
    };
    let schema_id = match schema {
        Some(schema) => database.schema(&schema)?.schema_id,
        None => rights::default_schema(&session.server(), &database, &session.login),
    };
    database.find(schema_id, &last).or_else(|| database.find(1, &last)).cloned()
}

fn object_definition(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let found = || {
        let session = env.ctx.session;
        let database = here(env)?;
        let id = number(v, 0)?;
        if !rights::Sight::new(&session.server(), &database, &session.login).definitions() {
            return None;
        }
        if let Some(module) = database.object(id).and_then(|o| o.module()) {
            return module.definition.clone();
        }
        // Fact 29: a constraint's definition is its own.
        let table = database.object(database.table_of_constraint(id)?)?.table()?;
        let default = table.columns.iter().filter_map(|c| c.default.as_ref()).find(|d| d.head.object_id == id);
        let check = table.checks.iter().find(|c| c.head.object_id == id);
        default.map(|d| d.definition.clone()).or_else(|| check.map(|c| c.definition.clone()))
    };
    Ok(found().map_or(Value::Null, |t| wide(&t)))
}

fn filegroup_name(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let found = || {
        let (database, id) = (here(env)?, number(v, 0)?);
        let group = database.filegroups.iter().find(|g| g.data_space_id == id).map(|g| g.name.clone());
        group.or_else(|| database.partition_schemes.iter().find(|s| s.data_space_id == id).map(|s| s.name.clone()))
    };
    Ok(found().map_or(Value::Null, |n| wide(&n)))
}

fn filegroup_id(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let found = || {
        let (database, name) = (here(env)?, text(v, 0)?);
        database.filegroups.iter().find(|g| database.same(&g.name, &name)).map(|g| g.data_space_id)
    };
    Ok(found().map_or(Value::Null, Value::Int))
}

fn file_name(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let found = || {
        let (database, id) = (here(env)?, number(v, 0)?);
        database.files.iter().find(|f| f.file_id == id).map(|f| f.name.clone())
    };
    Ok(found().map_or(Value::Null, |n| wide(&n)))
}

/// sp_set_session_context is not here: every key is NULL.
fn session_context(_: &Env<'_>, _: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    Ok(Value::Null)
}

/// Full-text search is not installed: every property is 0.
fn nothing_installed(_: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    Ok(if v.contains(&Value::Null) { Value::Null } else { Value::Int(0) })
}

fn type_property(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let found = || {
        let database = here(env)?;
        let mut pieces = parts(&text(v, 0)?)?;
        let name = pieces.pop()?;
        let property = text(v, 1)?.to_ascii_lowercase();
        let schema = pieces.pop().and_then(|s| database.schema(&s).map(|s| s.schema_id)).unwrap_or(1);
        if let Some(ty) = super::meta::types::named(&name) {
            return match property.as_str() {
                "precision" => Some(i32::from(ty.precision)),
                "scale" => Some(i32::from(ty.scale)),
                "allowsnull" => Some(1),
                "ownerid" => Some(4),
                _ => None,
            };
        }
        let ty = database.user_type(schema, &name)?;
        match (&ty.kind, property.as_str()) {
            (super::meta::UserTypeKind::Alias { nullable, .. }, "allowsnull") => Some(i32::from(*nullable)),
            (super::meta::UserTypeKind::Alias { ty, .. }, "precision") => {
                Some(i32::from(super::meta::types::facets(ty).2))
            }
            (super::meta::UserTypeKind::Alias { ty, .. }, "scale") => Some(i32::from(super::meta::types::facets(ty).3)),
            (_, "ownerid") => Some(ty.principal_id.unwrap_or(1)),
            _ => None,
        }
    };
    Ok(found().map_or(Value::Null, Value::Int))
}

fn connection_property(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let found = text(v, 0).and_then(|n| {
        Some(match n.to_ascii_lowercase().as_str() {
            "net_transport" | "physical_net_transport" => Property::Text("TCP".into()),
            "protocol_type" => Property::Text("TSQL".into()),
            "auth_scheme" => Property::Text("SQL".into()),
            _ => return None,
        })
    });
    Ok(wrap(session, found))
}

fn session_property(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let o = &session.options;
    let found = text(v, 0).and_then(|n| {
        Some(Property::Int(i32::from(match n.to_ascii_uppercase().as_str() {
            "ANSI_NULLS" => o.ansi_nulls,
            "QUOTED_IDENTIFIER" => o.quoted_identifier,
            "ANSI_PADDING" | "ANSI_WARNINGS" | "ARITHABORT" | "CONCAT_NULL_YIELDS_NULL" => true,
            "NUMERIC_ROUNDABORT" => false,
            _ => return None,
        })))
    });
    Ok(wrap(session, found))
}

#[cfg(test)]
mod tests;
