//! Who may do what: server roles, users behind logins, database roles, grants and denials. A login without rights sees no
//! objects.

use crate::sandbox::meta::database::{DBO, DBO_SCHEMA};
use crate::sandbox::meta::{Database, Object, Server, UserAccess};

use super::error::{DdlError, DdlResult};

/// The user that a login is in a database: dbo for sysadmin and the owner; `None` if it has no business there.
pub fn user_of(server: &Server, database: &Database, login: &str) -> Option<i32> {
    let found = server.login(login)?;
    if found.is_sysadmin() || server.login(&database.owner).is_some_and(|o| o.principal_id == found.principal_id) {
        return Some(DBO);
    }
    let user = database
        .principals
        .iter()
        .find(|p| p.principal_id > 4 && p.login.as_deref().is_some_and(|l| l.eq_ignore_ascii_case(login)));
    match user {
        Some(user) => Some(user.principal_id),
        // guest is open in the system databases only.
        None if database.database_id <= 4 => Some(2),
        None => None,
    }
}

/// Whether a login may enter a database (916 if not).
pub fn may_enter(server: &Server, database: &Database, login: &str) -> bool {
    user_of(server, database, login).is_some()
}

/// 924 when the only seat of a database is taken by another session, 942 when it is offline.
pub fn seat(database: &Database, session_id: i32) -> DdlResult<()> {
    if database.options.offline {
        return Err(DdlError::new(
            942,
            4,
            14,
            format!("Database '{}' cannot be opened because it is offline.", database.name),
        ));
    }
    if database.options.user_access == UserAccess::Single
        && database.options.holder.is_some_and(|holder| holder != session_id)
    {
        return Err(DdlError::new(
            924,
            1,
            14,
            format!("Database '{}' is already open and can only have one user at a time.", database.name),
        ));
    }
    Ok(())
}

/// The schema that unqualified names of a login are looked up in first.
pub fn default_schema(server: &Server, database: &Database, login: &str) -> i32 {
    user_of(server, database, login)
        .and_then(|id| database.principal_by_id(id))
        .and_then(|p| p.default_schema.as_deref())
        .and_then(|s| database.schema(s))
        .map_or(DBO_SCHEMA, |s| s.schema_id)
}

fn member(database: &Database, user: i32, role: &str) -> bool {
    database.principal(role).is_some_and(|r| r.principal_id != 0 && database.is_member(r.principal_id, user))
}

/// Whether a login is the database's master: dbo or in db_owner.
pub fn is_owner(server: &Server, database: &Database, login: &str) -> bool {
    user_of(server, database, login).is_some_and(|u| u == DBO || member(database, u, "db_owner"))
}

/// The state of a permission on a securable for a user through its roles: a denial wins.
fn granted(database: &Database, user: i32, class: u8, major: i32, name: &str) -> Option<bool> {
    let mut found = None;
    for p in &database.permissions {
        if p.class == class
            && p.major_id == major
            && p.minor_id == 0
            && p.name == name
            && (p.grantee == user || database.is_member(p.grantee, user))
        {
            if p.state == 'D' {
                return Some(false);
            }
            found = Some(true);
        }
    }
    found
}

/// A permission on the database as a whole: `CREATE TABLE`, `ALTER`, `VIEW DEFINITION`, `CONNECT`, ….
pub fn has_database(server: &Server, database: &Database, login: &str, permission: &str) -> bool {
    let Some(user) = user_of(server, database, login) else { return false };
    if is_owner(server, database, login) {
        return true;
    }
    if let Some(answer) = granted(database, user, 0, 0, permission) {
        return answer;
    }
    if permission == "CONNECT" {
        return true;
    }
    let definition = permission.starts_with("CREATE ")
        || permission.starts_with("ALTER ANY ")
        || matches!(permission, "ALTER" | "VIEW DEFINITION" | "REFERENCES");
    if definition && permission != "CREATE DATABASE" && member(database, user, "db_ddladmin") && permission != "ALTER" {
        return true;
    }
    match permission {
        "SELECT" => member(database, user, "db_datareader"),
        "INSERT" | "UPDATE" | "DELETE" => member(database, user, "db_datawriter"),
        "BACKUP DATABASE" | "BACKUP LOG" | "CHECKPOINT" => member(database, user, "db_backupoperator"),
        _ => granted(database, user, 0, 0, "CONTROL") == Some(true),
    }
}

/// A permission on an object: by ownership, grants on it, its schema or the database, or a fixed role.
pub fn has_object(server: &Server, database: &Database, login: &str, object: &Object, permission: &str) -> bool {
    let Some(user) = user_of(server, database, login) else { return false };
    if is_owner(server, database, login) {
        return true;
    }
    let owns_schema = database
        .schemas
        .iter()
        .any(|s| s.schema_id == object.schema_id && database.is_member(s.principal_id, user) && s.principal_id != 0);
    if object.principal_id.is_some_and(|p| database.is_member(p, user)) || owns_schema {
        return true;
    }
    let denies = match permission {
        "SELECT" => "db_denydatareader",
        "INSERT" | "UPDATE" | "DELETE" => "db_denydatawriter",
        _ => "",
    };
    if !denies.is_empty() && member(database, user, denies) {
        return false;
    }
    let mut allowed = false;
    for (class, major) in [(1, object.object_id), (3, object.schema_id), (0, 0)] {
        for name in [permission, "CONTROL"] {
            match granted(database, user, class, major, name) {
                Some(false) => return false,
                Some(true) => allowed = true,
                None => {}
            }
        }
    }
    allowed
        || match permission {
            "SELECT" => member(database, user, "db_datareader"),
            "INSERT" | "UPDATE" | "DELETE" => member(database, user, "db_datawriter"),
            "ALTER" | "REFERENCES" | "VIEW DEFINITION" => member(database, user, "db_ddladmin"),
            _ => false,
        }
}

/// What the catalogue views show to a login.
#[derive(Debug, Clone)]
pub struct Sight {
    all: bool,
    user: Option<i32>,
    readers: bool,
}

impl Sight {
    /// For a login in a database.
    pub fn new(server: &Server, database: &Database, login: &str) -> Sight {
        let user = user_of(server, database, login);
        let all = is_owner(server, database, login)
            || has_database(server, database, login, "VIEW DEFINITION")
            || has_database(server, database, login, "CONTROL");
        let readers = user.is_some_and(|u| {
            ["db_datareader", "db_datawriter", "db_ddladmin"].iter().any(|r| member(database, u, r))
                || ["SELECT", "EXECUTE", "ALTER", "INSERT", "UPDATE", "DELETE"]
                    .iter()
                    .any(|p| granted(database, u, 0, 0, p) == Some(true))
        });
        Sight { all, user, readers }
    }

    /// Whether the login sees an object: with any permission on it.
    // Assumption: rights on the whole database show all objects; rights on an object or its schema show that one.
    pub fn sees(&self, database: &Database, object: &Object) -> bool {
        if self.all || self.readers {
            return true;
        }
        let Some(user) = self.user else { return false };
        database.permissions.iter().any(|p| {
            p.state != 'D'
                && ((p.class == 1 && p.major_id == object.object_id)
                    || (p.class == 3 && p.major_id == object.schema_id))
                && (p.grantee == user || database.is_member(p.grantee, user))
        }) || object.principal_id.is_some_and(|p| database.is_member(p, user))
            || database.schemas.iter().any(|s| {
                s.schema_id == object.schema_id && s.principal_id > 4 && database.is_member(s.principal_id, user)
            })
    }

    /// Whether definition texts are shown too (VIEW DEFINITION).
    pub fn definitions(&self) -> bool {
        self.all
    }
}
