//! GRANT, DENY, REVOKE, ALTER AUTHORIZATION.

use crate::sandbox::ddl::ast::{ObjectName, PermissionVerb};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find};
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::Permission;

use super::Run;

impl Run<'_> {
    pub(super) fn permission(
        &mut self,
        verb: PermissionVerb,
        permissions: &[(String, Vec<String>)],
        on: Option<&(String, ObjectName, Vec<String>)>,
        to: &[String],
        grant_option: bool,
        grantor: Option<&str>,
    ) -> DdlResult<()> {
        let server_wide = on.is_none()
            && permissions.iter().all(|(p, _)| {
                p.contains("SERVER")
                    || p.starts_with("VIEW ANY DATABASE")
                    || p == "CREATE ANY DATABASE"
                    || p == "ALTER ANY DATABASE"
                    || p == "CONNECT SQL"
                    || p == "CONNECT ANY DATABASE"
                    || p == "SELECT ALL USER SECURABLES"
                    || p == "ALTER ANY LOGIN"
            });
        if server_wide {
            return self.server_permission(verb, permissions, to);
        }
        let database_id = self.target(&ObjectName::default())?;
        let database = self.db(database_id)?.clone();
        let (class, major, minors) = match on {
            None => (0, 0, vec![]),
            Some((class, name, columns)) => self.securable(database_id, class, name, columns)?,
        };
        let power = rights::is_owner(self.server, &database, &self.who.login)
            || rights::user_of(self.server, &database, &self.who.login).is_some_and(|u| {
                database.principal("db_securityadmin").is_some_and(|r| database.is_member(r.principal_id, u))
                    || database.permissions.iter().any(|p| {
                        p.class == class && p.major_id == major && p.state == 'W' && database.is_member(p.grantee, u)
                    })
            });
        if !power {
            let name = on.map_or_else(|| database.name.clone(), |(_, n, _)| n.shown());
            return Err(cannot_find("find", "object", &name));
        }
        let grantor_id = match grantor {
            Some(name) => self.principal_id(database_id, name, "find", "user")?,
            None => 1,
        };
        for grantee in to {
            let grantee_id = self.principal_id(database_id, grantee, "find", "user")?;
            for (name, own_columns) in permissions {
                let mut ids = minors.clone();
                if !own_columns.is_empty() {
                    ids = self.column_ids(database_id, major, own_columns)?;
                }
                if ids.is_empty() {
                    ids.push(0);
                }
                for minor_id in ids {
                    let names: Vec<String> = if name == "ALL" {
                        ["SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES"].map(str::to_string).to_vec()
                    } else {
                        vec![name.clone()]
                    };
                    for name in names {
                        let database = self.shape(database_id)?;
                        let same = |p: &Permission| {
                            p.class == class
                                && p.major_id == major
                                && p.minor_id == minor_id
                                && p.grantee == grantee_id
                                && p.name == name
                        };
                        if verb == PermissionVerb::Revoke && grant_option {
                            for p in database.permissions.iter_mut().filter(|p| same(p) && p.state == 'W') {
                                p.state = 'G';
                            }
                            continue;
                        }
                        database.permissions.retain(|p| !same(p));
                        let state = match verb {
                            PermissionVerb::Revoke => continue,
                            PermissionVerb::Deny => 'D',
                            PermissionVerb::Grant if grant_option => 'W',
                            PermissionVerb::Grant => 'G',
                        };
                        database.permissions.push(Permission {
                            class,
                            major_id: major,
                            minor_id,
                            grantee: grantee_id,
                            grantor: grantor_id,
                            name,
                            state,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn server_permission(
        &mut self,
        verb: PermissionVerb,
        permissions: &[(String, Vec<String>)],
        to: &[String],
    ) -> DdlResult<()> {
        self.server_power()?;
        for name in to {
            let login = self.server.login_mut(name).ok_or_else(|| cannot_find("find", "login", name))?;
            for (permission, _) in permissions {
                login.permissions.retain(|(p, _)| p != permission);
                match verb {
                    PermissionVerb::Grant => login.permissions.push((permission.clone(), 'G')),
                    PermissionVerb::Deny => login.permissions.push((permission.clone(), 'D')),
                    PermissionVerb::Revoke => {}
                }
            }
        }
        Ok(())
    }

    pub(super) fn column_ids(&self, database_id: i32, object_id: i32, columns: &[String]) -> DdlResult<Vec<i32>> {
        let database = self.db(database_id)?;
        let object = database.object(object_id);
        columns
            .iter()
            .map(|name| {
                let id = match object.map(|o| &o.kind) {
                    Some(crate::sandbox::meta::Kind::Table(t)) => {
                        t.find_column(name, database.ignore_case).map(|c| c.id)
                    }
                    Some(crate::sandbox::meta::Kind::Module(m)) => {
                        (1..).zip(&m.columns).find(|(_, c)| database.same(&c.name, name)).map(|(id, _)| id)
                    }
                    _ => None,
                };
                id.ok_or_else(|| {
                    DdlError::new(1020, 1, 15, format!("Column '{name}' does not exist in the securable."))
                })
            })
            .collect()
    }

    /// Class, major id and columns of what stands after ON.
    pub(super) fn securable(
        &self,
        database_id: i32,
        class: &str,
        name: &ObjectName,
        columns: &[String],
    ) -> DdlResult<(u8, i32, Vec<i32>)> {
        let database = self.db(database_id)?;
        let found = match class {
            "" | "OBJECT" => {
                let object = self
                    .find(name)?
                    .map(|(_, o)| o.object_id)
                    .ok_or_else(|| cannot_find("find", "object", &name.shown()))?;
                return Ok((1, object, self.column_ids(database_id, object, columns)?));
            }
            "SCHEMA" => database.schema(&name.name).map(|s| (3, s.schema_id)),
            "DATABASE" => database.same(&name.name, &database.name).then_some((0, 0)),
            "USER" | "ROLE" | "APPLICATION ROLE" => database.principal(&name.name).map(|p| (4, p.principal_id)),
            "TYPE" => {
                let schema = self.schema(database_id, name)?;
                database.user_type(schema, &name.name).map(|t| (6, t.user_type_id))
            }
            "XML SCHEMA COLLECTION" => {
                let schema = self.schema(database_id, name)?;
                database.xml_collection(schema, &name.name).map(|c| (10, c.id))
            }
            other => rare_securable(database, other, &name.name),
        };
        found.map(|(c, m)| (c, m, Vec::new())).ok_or_else(|| cannot_find("find", &class.to_lowercase(), &name.shown()))
    }

    pub(super) fn alter_authorization(&mut self, class: &str, object: &ObjectName, to: Option<&str>) -> DdlResult<()> {
        if class == "DATABASE" {
            let database_id = self
                .server
                .database(&object.name)
                .map(|d| d.database_id)
                .ok_or_else(|| cannot_find("find", "database", &object.name))?;
            let to = to.unwrap_or("sa");
            let login =
                self.server.login(to).map(|l| l.name.clone()).ok_or_else(|| cannot_find("find", "principal", to))?;
            let database = self.db(database_id)?.clone();
            if !rights::is_owner(self.server, &database, &self.who.login) {
                return Err(cannot_find("find", "database", &object.name));
            }
            self.shape(database_id)?.owner = login;
            return Ok(());
        }
        let database_id = self.principal_place("CONTROL")?;
        let owner = match to {
            Some(to) => Some(self.principal_id(database_id, to, "find", "principal")?),
            None => None,
        };
        let (kind, id, _) = self.securable(database_id, class, object, &[])?;
        if kind == 1 {
            let Some(found) = self.db(database_id)?.object(id) else { return Ok(()) };
            let mut changed = found.as_ref().clone();
            changed.principal_id = owner;
            return self.put(database_id, changed).map(|_| ());
        }
        let database = self.shape(database_id)?;
        match kind {
            3 => {
                if let Some(s) = database.schemas.iter_mut().find(|s| s.schema_id == id) {
                    s.principal_id = owner.unwrap_or(1);
                }
            }
            4 => {
                if let Some(p) = database.principals.iter_mut().find(|p| p.principal_id == id) {
                    p.owner = owner;
                }
            }
            6 => {
                if let Some(t) = database.types.iter_mut().find(|t| t.user_type_id == id) {
                    std::sync::Arc::make_mut(t).principal_id = owner;
                }
            }
            10 => {
                if let Some(c) = database.xml_collections.iter_mut().find(|c| c.id == id) {
                    std::sync::Arc::make_mut(c).principal_id = owner;
                }
            }
            _ => {
                let owner = owner.unwrap_or(1);
                macro_rules! owned_by {
                    ($list:expr, $field:ident) => {
                        for x in $list.iter_mut().filter(|x| x.id == id) {
                            x.$field = owner;
                        }
                    };
                }
                match kind {
                    5 => owned_by!(database.external.assemblies, owner),
                    15 => owned_by!(database.broker.message_types, owner),
                    16 => owned_by!(database.broker.contracts, owner),
                    17 => owned_by!(database.broker.services, owner),
                    18 => owned_by!(database.broker.bindings, owner),
                    19 => owned_by!(database.broker.routes, owner),
                    23 => owned_by!(database.fulltext_catalogs, principal_id),
                    24 => owned_by!(database.keys.symmetric, owner),
                    25 => owned_by!(database.keys.certificates, owner),
                    26 => owned_by!(database.keys.asymmetric, owner),
                    29 => owned_by!(database.fulltext_stoplists, principal_id),
                    _ => return Err(cannot_find("alter", "owner", &object.shown())),
                }
            }
        }
        Ok(())
    }
}

/// Class and id of the securables that few databases have.
pub(super) fn rare_securable(d: &crate::sandbox::meta::Database, class: &str, name: &str) -> Option<(u8, i32)> {
    let same = |a: &str| d.same(a, name);
    Some(match class {
        "ASSEMBLY" => (5, d.external.assemblies.iter().find(|x| same(&x.name))?.id),
        "MESSAGE TYPE" => (15, d.broker.message_type(name)?),
        "CONTRACT" => (16, d.broker.contract(name)?),
        "SERVICE" => (17, d.broker.services.iter().find(|x| x.name == name)?.id),
        "REMOTE SERVICE BINDING" => (18, d.broker.bindings.iter().find(|x| x.name == name)?.id),
        "ROUTE" => (19, d.broker.routes.iter().find(|x| x.name == name)?.id),
        "FULLTEXT CATALOG" => (23, d.fulltext_catalogs.iter().find(|x| same(&x.name))?.id),
        "SYMMETRIC KEY" => (24, d.keys.symmetric.iter().find(|x| same(&x.name))?.id),
        "CERTIFICATE" => (25, d.keys.certificates.iter().find(|x| same(&x.name))?.id),
        "ASYMMETRIC KEY" => (26, d.keys.asymmetric.iter().find(|x| same(&x.name))?.id),
        "FULLTEXT STOPLIST" => (29, d.fulltext_stoplists.iter().find(|x| same(&x.name))?.id),
        "DATABASE SCOPED CREDENTIAL" => (32, d.keys.credentials.iter().find(|x| same(&x.name))?.id),
        _ => return None,
    })
}
