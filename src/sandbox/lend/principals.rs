//! HAS_PERMS_BY_NAME and the other functions about principals.

use crate::sandbox::catalog_views;
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::Server;
use crate::sandbox::sql::error::SqlResult;
use crate::sandbox::sql::expr::Env;
use crate::sandbox::value::{SqlType, Value};

use super::{Args, Exprs, find_object, here, parts, text, yes};

/// Permissions of the server that a login may have; others are not known here.
pub(super) fn has_server_permission(server: &Server, login: &str, permission: &str) -> Option<bool> {
    let found = server.login(login)?;
    if found.is_sysadmin() {
        return Some(true);
    }
    let known = [
        "ANY",
        "CONNECT SQL",
        "VIEW ANY DATABASE",
        "VIEW SERVER STATE",
        "VIEW SERVER PERFORMANCE STATE",
        "CREATE ANY DATABASE",
        "ALTER ANY DATABASE",
        "CONTROL SERVER",
        "ALTER ANY LOGIN",
        "ADMINISTER BULK OPERATIONS",
        "VIEW ANY DEFINITION",
        "ALTER SETTINGS",
        "SHUTDOWN",
        "CONNECT ANY DATABASE",
        "ALTER SERVER STATE",
        "ALTER ANY CONNECTION",
        "SELECT ALL USER SECURABLES",
    ];
    if !known.contains(&permission) {
        return None;
    }
    let granted = found.permissions.iter().find(|(p, _)| p == permission).map(|(_, s)| *s == 'G');
    Some(granted.unwrap_or(match permission {
        "ANY" | "CONNECT SQL" | "VIEW ANY DATABASE" => true,
        "CREATE ANY DATABASE" | "ALTER ANY DATABASE" => found.has_role("dbcreator"),
        "ALTER ANY LOGIN" => found.has_role("securityadmin"),
        "ADMINISTER BULK OPERATIONS" => found.has_role("bulkadmin"),
        "VIEW SERVER STATE" | "ALTER SERVER STATE" | "ALTER SETTINGS" | "SHUTDOWN" => found.has_role("serveradmin"),
        _ => false,
    }))
}

pub(super) fn has_permission(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let server = session.server();
    let found = || {
        let permission = text(v, 2)?.to_ascii_uppercase();
        let class = text(v, 1).map(|c| c.to_ascii_uppercase());
        let securable = text(v, 0);
        match (class.as_deref(), securable) {
            (None | Some("SERVER"), _) => has_server_permission(&server, &session.login, &permission),
            (Some("DATABASE"), securable) => {
                let database = match securable {
                    // A name like any other: brackets are taken off, and a dot would begin a second part.
                    Some(name) => match parts(&name)?.as_slice() {
                        [one] => server.database(one)?.clone(),
                        _ => return None,
                    },
                    None => here(env)?,
                };
                if permission == "ANY" {
                    return Some(rights::may_enter(&server, &database, &session.login));
                }
                // CREATE DATABASE is a permission in master, which dbcreator has.
                if permission == "CREATE DATABASE" {
                    return Some(server.login(&session.login)?.may_create_databases());
                }
                Some(rights::has_database(&server, &database, &session.login, &permission))
            }
            (Some("SCHEMA"), Some(name)) => {
                let database = here(env)?;
                database.schema(&name)?;
                Some(rights::has_database(&server, &database, &session.login, &permission))
            }
            (Some("OBJECT"), Some(name)) => {
                let object = find_object(env, &name)?;
                let database = here(env)?;
                if permission == "ANY" {
                    return Some(rights::Sight::new(&server, &database, &session.login).sees(&database, &object));
                }
                Some(rights::has_object(&server, &database, &session.login, &object, &permission))
            }
            (Some("LOGIN"), Some(name)) => {
                server.login(&name)?;
                has_server_permission(&server, &session.login, "ALTER ANY LOGIN")
            }
            (Some("USER" | "ROLE"), Some(name)) => {
                let database = here(env)?;
                database.principal(&name)?;
                Some(rights::is_owner(&server, &database, &session.login))
            }
            _ => None,
        }
    };
    Ok(found().map_or(Value::Null, yes))
}

pub(super) fn has_database_access(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let server = session.server();
    let found = || {
        let name = text(v, 0)?;
        let database = server.database(&name)?;
        Some(
            rights::may_enter(&server, database, &session.login)
                && rights::seat(database, i32::from(session.spid)).is_ok(),
        )
    };
    Ok(found().map_or(Value::Null, yes))
}

pub(super) fn is_server_role_member(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let server = session.server();
    let found = || {
        let role = text(v, 0)?;
        if server.product.is_azure() {
            return Some(false);
        }
        catalog_views::server_role(&role)?;
        let name = if v.len() > 1 { text(v, 1)? } else { session.login.clone() };
        Some(server.login(&name)?.has_role(&role))
    };
    Ok(found().map_or(Value::Null, yes))
}

pub(super) fn is_role_member(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let server = session.server();
    let found = || {
        let database = here(env)?;
        let role = database.principal(&text(v, 0)?).filter(|p| p.kind == 'R')?.principal_id;
        let user = if v.len() > 1 {
            database.principal(&text(v, 1)?)?.principal_id
        } else {
            rights::user_of(&server, &database, &session.login)?
        };
        let owner = database.principal("db_owner").is_some_and(|p| p.principal_id == role) && user == 1;
        Some(owner || database.is_member(role, user))
    };
    Ok(found().map_or(Value::Null, yes))
}

pub(super) fn principal_id(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let found = || {
        let database = here(env)?;
        match v.is_empty() {
            true => rights::user_of(&session.server(), &database, &session.login),
            false => database.principal(&text(v, 0)?).map(|p| p.principal_id),
        }
    };
    Ok(found().map_or(Value::Null, Value::Int))
}

pub(super) fn login_id(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let name = if v.is_empty() { Some(session.login.clone()) } else { text(v, 0) };
    let found = name.and_then(|n| session.server().login(&n).map(|l| l.principal_id));
    Ok(found.map_or(Value::Null, Value::Int))
}

pub(super) fn login_sid(env: &Env<'_>, v: Args<'_>, _: Exprs<'_>, _: &SqlType) -> SqlResult<Value> {
    let session = env.ctx.session;
    let name = if v.is_empty() { Some(session.login.clone()) } else { text(v, 0) };
    let found = name.and_then(|n| session.server().login(&n).map(|l| l.sid.clone()));
    Ok(found.map_or(Value::Null, |sid| Value::Binary(sid.into())))
}
