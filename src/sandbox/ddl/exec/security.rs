//! Roles, users, logins, permissions, owners.

use crate::sandbox::ddl::ast::{AlterRole, DropKind, ObjectName, Opt, OptValue, PrincipalDef, Statement};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, not_permitted, unknown_option};
use crate::sandbox::ddl::parse::unsupported;
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::server::{Login, Password};
use crate::sandbox::meta::{Permission, Principal, languages};

use super::Run;

fn text_of<'o>(options: &'o [Opt], name: &str) -> Option<&'o str> {
    options.iter().find(|o| o.name == name).and_then(|o| match &o.value {
        OptValue::Text(t) => Some(t.as_str()),
        OptValue::Name(parts, _) => parts.last().map(String::as_str),
        _ => None,
    })
}

const USER_OPTIONS: &[&str] = &[
    "DEFAULT_SCHEMA",
    "PASSWORD",
    "OLD_PASSWORD",
    "DEFAULT_LANGUAGE",
    "ALLOW_ENCRYPTED_VALUE_MODIFICATIONS",
    "NAME",
    "LOGIN",
];

/// MUST_CHANGE, HASHED and UNLOCK stand with a password and are words of their own; nothing checks passwords.
const LOGIN_OPTIONS: &[&str] = &[
    "PASSWORD",
    "OLD_PASSWORD",
    "DEFAULT_DATABASE",
    "DEFAULT_LANGUAGE",
    "CHECK_POLICY",
    "CHECK_EXPIRATION",
    "NAME",
    "MUST_CHANGE",
    "UNLOCK",
];

/// 40517 for what is known and not held (SID, CREDENTIAL, TYPE), 155 for everything else.
fn known_options(options: &[Opt], held: &[&str], statement: &str) -> DdlResult<()> {
    for option in options {
        match option.name.as_str() {
            name if held.contains(&name) => {}
            "SID" | "CREDENTIAL" | "TYPE" | "OBJECT_ID" => return Err(unsupported(&option.name)),
            other => return Err(unknown_option(other, statement)),
        }
    }
    Ok(())
}

fn is_on(options: &[Opt], name: &str) -> Option<bool> {
    options.iter().find(|o| o.name == name).map(Opt::is_on)
}

/// DEFAULT_LANGUAGE: not said; NONE; a language.
fn default_language(options: &[Opt]) -> DdlResult<Option<Option<String>>> {
    // A name or a number.
    match crate::sandbox::ddl::ast::said(options, "DEFAULT_LANGUAGE").as_deref() {
        None => Ok(None),
        Some(word) if word.eq_ignore_ascii_case("NONE") => Ok(Some(None)),
        Some(word) => {
            let name = languages::lcid(word).and_then(languages::name);
            Ok(Some(Some(name.ok_or_else(|| cannot_find("find", "language", word))?.to_string())))
        }
    }
}

fn policy(login: &mut Login, options: &[Opt], language: Option<String>) {
    login.policy.0 = is_on(options, "CHECK_POLICY").unwrap_or(login.policy.0);
    login.policy.1 = is_on(options, "CHECK_EXPIRATION").unwrap_or(login.policy.1);
    if let Some(language) = language {
        login.default_language = language;
    }
}

impl Run<'_> {
    pub(super) fn security(&mut self, statement: &Statement) -> DdlResult<()> {
        match statement {
            Statement::CreateRole { name, authorization, server: false } => {
                let database_id = self.principal_place("ALTER ANY ROLE")?;
                self.free_principal(database_id, name)?;
                let owner = match authorization {
                    Some(owner) => self.principal_id(database_id, owner, "find", "user")?,
                    None => self.own_id(database_id)?,
                };
                self.add_principal(database_id, name, 'R', |p| p.owner = Some(owner))
            }
            Statement::CreateApplicationRole { name, options } => {
                let database_id = self.principal_place("ALTER ANY APPLICATION ROLE")?;
                self.free_principal(database_id, name)?;
                let schema = text_of(options, "DEFAULT_SCHEMA").unwrap_or("dbo").to_string();
                self.add_principal(database_id, name, 'A', |p| p.default_schema = Some(schema))
            }
            Statement::AlterRole { name, action, server } => {
                if *server {
                    self.alter_server_role(name, action)
                } else {
                    self.alter_role(name, action)
                }
            }
            Statement::CreateUser(def) => self.create_user(def),
            Statement::AlterUser(def) => self.alter_user(def),
            Statement::CreateLogin(def) => self.create_login(def),
            Statement::AlterLogin(def) => self.alter_login(def),
            Statement::Permission { verb, permissions, on, to, grant_option, grantor } => {
                self.permission(*verb, permissions, on.as_ref(), to, *grant_option, grantor.as_deref())
            }
            Statement::AlterAuthorization { class, object, to } => {
                self.alter_authorization(class, object, to.as_deref())
            }
            _ => Err(not_permitted()),
        }
    }

    pub(super) fn principal_place(&self, permission: &str) -> DdlResult<i32> {
        let database_id = self.target(&ObjectName::default())?;
        let database = self.db(database_id)?;
        let secure = rights::is_owner(self.server, database, &self.who.login)
            || rights::has_database(self.server, database, &self.who.login, permission)
            || rights::user_of(self.server, database, &self.who.login).is_some_and(|u| {
                database.principal("db_securityadmin").is_some_and(|r| database.is_member(r.principal_id, u))
            });
        if secure { Ok(database_id) } else { Err(not_permitted()) }
    }

    fn free_principal(&self, database_id: i32, name: &str) -> DdlResult<()> {
        if self.db(database_id)?.principal(name).is_some() {
            return Err(DdlError::new(
                15023,
                1,
                16,
                format!("User, group, or role '{name}' already exists in the current database."),
            ));
        }
        Ok(())
    }

    pub(super) fn own_id(&self, database_id: i32) -> DdlResult<i32> {
        Ok(rights::user_of(self.server, self.db(database_id)?, &self.who.login).unwrap_or(1))
    }

    pub(super) fn principal_id(&self, database_id: i32, name: &str, verb: &str, what: &str) -> DdlResult<i32> {
        Ok(self.db(database_id)?.principal(name).ok_or_else(|| cannot_find(verb, what, name))?.principal_id)
    }

    fn add_principal(
        &mut self,
        database_id: i32,
        name: &str,
        kind: char,
        finish: impl FnOnce(&mut Principal),
    ) -> DdlResult<()> {
        let now = self.now;
        let database = self.shape(database_id)?;
        let principal_id = database.new_principal_id();
        let mut sid = vec![1, 5, 0, 0, 0, 0, 0, 9, 3, 0, 0, 0];
        sid.extend(uuid::Uuid::new_v4().as_bytes());
        let mut principal = Principal {
            principal_id,
            name: name.to_string(),
            kind,
            default_schema: None,
            created: now,
            modified: now,
            owner: None,
            sid: Some(sid),
            fixed_role: false,
            authentication: 0,
            login: None,
            default_language: None,
            encrypted_values: false,
        };
        finish(&mut principal);
        database.principals.push(principal);
        Ok(())
    }

    pub(super) fn alter_role(&mut self, name: &str, action: &AlterRole) -> DdlResult<()> {
        let database_id = self.principal_place("ALTER ANY ROLE")?;
        let database = self.db(database_id)?.clone();
        let role = database
            .principal(name)
            .filter(|p| p.kind == 'R')
            .ok_or_else(|| cannot_find("alter", "role", name))?
            .principal_id;
        match action {
            AlterRole::Add(member) => {
                let member = self.principal_id(database_id, member, "add", "principal")?;
                let pair = (role, member);
                let database = self.shape(database_id)?;
                if !database.role_members.contains(&pair) {
                    database.role_members.push(pair);
                }
            }
            AlterRole::Drop(member) => {
                let member = self.principal_id(database_id, member, "drop", "principal")?;
                self.shape(database_id)?.role_members.retain(|p| *p != (role, member));
            }
            AlterRole::Name(new) => {
                self.free_principal(database_id, new)?;
                let database = self.shape(database_id)?;
                if let Some(p) = database.principals.iter_mut().find(|p| p.principal_id == role) {
                    p.name.clone_from(new);
                }
            }
        }
        Ok(())
    }

    fn alter_server_role(&mut self, name: &str, action: &AlterRole) -> DdlResult<()> {
        self.server_power()?;
        let fixed = [
            "sysadmin",
            "serveradmin",
            "securityadmin",
            "processadmin",
            "setupadmin",
            "bulkadmin",
            "diskadmin",
            "dbcreator",
        ];
        let Some(role) = fixed.iter().find(|r| r.eq_ignore_ascii_case(name)) else {
            return Err(cannot_find("alter", "server role", name));
        };
        let (member, add) = match action {
            AlterRole::Add(member) => (member, true),
            AlterRole::Drop(member) => (member, false),
            AlterRole::Name(_) => return Err(cannot_find("alter", "server role", name)),
        };
        let verb = if add { "add" } else { "drop" };
        let login = self.server.login_mut(member).ok_or_else(|| cannot_find(verb, "principal", member))?;
        login.roles.retain(|r| r != role);
        if add {
            login.roles.push((*role).to_string());
        }
        Ok(())
    }

    pub(super) fn server_power(&self) -> DdlResult<()> {
        let allowed =
            self.server.login(&self.who.login).is_some_and(|l| l.is_sysadmin() || l.has_role("securityadmin"));
        if allowed { Ok(()) } else { Err(not_permitted()) }
    }

    fn create_user(&mut self, def: &PrincipalDef) -> DdlResult<()> {
        let database_id = self.principal_place("ALTER ANY USER")?;
        self.free_principal(database_id, &def.name)?;
        let schema = text_of(&def.options, "DEFAULT_SCHEMA").map(str::to_string);
        let password = text_of(&def.options, "PASSWORD").is_some();
        let database = self.db(database_id)?.clone();
        if password && database.options.containment == 0 && !self.server.product.is_azure() {
            return Err(DdlError::new(
                33233,
                1,
                16,
                "You can only create a user with a password in a contained database.",
            ));
        }
        let windows = def.name.contains('\\');
        let mut login = None;
        if !def.without_login && !password && !def.external && def.certificate.is_none() && def.asymmetric_key.is_none()
        {
            let wanted = def.login.as_deref().unwrap_or(&def.name);
            match self.server.login(wanted) {
                Some(found) => login = Some((found.name.clone(), found.sid.clone())),
                // A Windows user needs no login of its own.
                None if windows && def.login.is_none() => {}
                None => {
                    return Err(DdlError::new(
                        15007,
                        1,
                        16,
                        format!("'{wanted}' is not a valid login or you do not have permission."),
                    ));
                }
            }
            if let Some((name, _)) = &login
                && database.principals.iter().any(|p| p.login.as_deref() == Some(name))
            {
                return Err(DdlError::new(
                    15063,
                    1,
                    16,
                    "The login already has an account under a different user name.",
                ));
            }
        }
        let authentication = if password {
            2
        } else if windows {
            3
        } else if def.external {
            4
        } else {
            i32::from(login.is_some())
        };
        let kind = if def.external {
            'E'
        } else if windows {
            'U'
        } else if def.certificate.is_some() {
            'C'
        } else if def.asymmetric_key.is_some() {
            'K'
        } else {
            'S'
        };
        known_options(&def.options, USER_OPTIONS, "CREATE USER")?;
        let language = default_language(&def.options)?.flatten();
        let encrypted = is_on(&def.options, "ALLOW_ENCRYPTED_VALUE_MODIFICATIONS");
        // A user of a certificate or key has its SID.
        let key = match (&def.certificate, &def.asymmetric_key) {
            (Some(name), _) => {
                let found = database.keys.certificates.iter().find(|c| database.same(&c.name, name));
                Some(found.ok_or_else(|| cannot_find("find", "certificate", name))?.thumbprint.clone())
            }
            (_, Some(name)) => {
                let found = database.keys.asymmetric.iter().find(|k| database.same(&k.name, name));
                Some(found.ok_or_else(|| cannot_find("find", "asymmetric key", name))?.thumbprint.clone())
            }
            _ => None,
        };
        self.add_principal(database_id, &def.name, kind, |p| {
            // Those who are keys have no schema of their own.
            p.default_schema = if key.is_some() { schema } else { Some(schema.unwrap_or_else(|| "dbo".into())) };
            if let Some(thumbprint) = key {
                p.sid = Some(key_sid(&thumbprint));
            }
            p.authentication = authentication;
            p.default_language = language;
            p.encrypted_values = encrypted == Some(true);
            if let Some((name, sid)) = login {
                p.login = Some(name);
                p.sid = Some(sid);
            }
        })?;
        // A user may connect.
        let id = self.db(database_id)?.principal(&def.name).map_or(0, |p| p.principal_id);
        if !def.without_login {
            self.shape(database_id)?.permissions.push(Permission {
                class: 0,
                major_id: 0,
                minor_id: 0,
                grantee: id,
                grantor: 1,
                name: "CONNECT".into(),
                state: 'G',
            });
        }
        Ok(())
    }

    fn alter_user(&mut self, def: &PrincipalDef) -> DdlResult<()> {
        let database_id = self.principal_place("ALTER ANY USER")?;
        let id = self.principal_id(database_id, &def.name, "alter", "user")?;
        let name = text_of(&def.options, "NAME").map(str::to_string);
        if let Some(name) = &name {
            self.free_principal(database_id, name)?;
        }
        let login = match text_of(&def.options, "LOGIN") {
            Some(login) => {
                let found = self.server.login(login).ok_or_else(|| cannot_find("find", "login", login))?;
                Some((found.name.clone(), found.sid.clone()))
            }
            None => None,
        };
        let schema = text_of(&def.options, "DEFAULT_SCHEMA").map(str::to_string);
        known_options(&def.options, USER_OPTIONS, "ALTER USER")?;
        let language = default_language(&def.options)?;
        let encrypted = is_on(&def.options, "ALLOW_ENCRYPTED_VALUE_MODIFICATIONS");
        let now = self.now;
        let database = self.shape(database_id)?;
        if let Some(p) = database.principals.iter_mut().find(|p| p.principal_id == id) {
            if let Some(name) = name {
                p.name = name;
            }
            if let Some(schema) = schema {
                p.default_schema = Some(schema);
            }
            if let Some(language) = language {
                p.default_language = language;
            }
            p.encrypted_values = encrypted.unwrap_or(p.encrypted_values);
            if let Some((name, sid)) = login {
                p.login = Some(name);
                p.sid = Some(sid);
                p.authentication = 1;
            }
            p.modified = now;
        }
        Ok(())
    }

    fn create_login(&mut self, def: &PrincipalDef) -> DdlResult<()> {
        self.server_power()?;
        if self.server.login(&def.name).is_some() {
            return Err(DdlError::new(15025, 1, 16, format!("The server principal '{}' already exists.", def.name)));
        }
        let password = text_of(&def.options, "PASSWORD").unwrap_or_default().to_string();
        let database = text_of(&def.options, "DEFAULT_DATABASE").unwrap_or("master").to_string();
        known_options(&def.options, LOGIN_OPTIONS, "CREATE LOGIN")?;
        let language = default_language(&def.options)?.flatten();
        let login = self.server.add_login(&def.name, &password, &[]);
        login.default_database = database;
        policy(login, &def.options, language);
        // A Windows login has no password to come in with.
        login.disabled = def.from_windows;
        Ok(())
    }

    fn alter_login(&mut self, def: &PrincipalDef) -> DdlResult<()> {
        let own = self.who.login.eq_ignore_ascii_case(&def.name);
        if !own {
            self.server_power()?;
        }
        known_options(&def.options, LOGIN_OPTIONS, "ALTER LOGIN")?;
        let language = default_language(&def.options)?.flatten();
        let now = self.now;
        let login = self.server.login_mut(&def.name).ok_or_else(|| cannot_find("alter", "login", &def.name))?;
        if let Some(enable) = def.enable {
            login.disabled = !enable;
        }
        if let Some(password) = text_of(&def.options, "PASSWORD") {
            login.password = Password::of(password);
        }
        if let Some(database) = text_of(&def.options, "DEFAULT_DATABASE") {
            login.default_database = database.to_string();
        }
        if let Some(name) = text_of(&def.options, "NAME") {
            login.name = name.to_string();
        }
        policy(login, &def.options, language);
        login.modified = now;
        Ok(())
    }

    pub(super) fn drop_principal(&mut self, kind: DropKind, name: &str, if_exists: bool) -> DdlResult<()> {
        let database_id =
            self.principal_place(if kind == DropKind::User { "ALTER ANY USER" } else { "ALTER ANY ROLE" })?;
        let database = self.db(database_id)?.clone();
        let (word, role) = match kind {
            DropKind::User => ("user", false),
            DropKind::ApplicationRole => ("application role", true),
            _ => ("role", true),
        };
        let found = database
            .principal(name)
            .filter(|p| matches!(p.kind, 'R' | 'A') == role && !p.fixed_role && p.principal_id > 4);
        let Some(found) = found else {
            return if if_exists { Ok(()) } else { Err(cannot_find("drop", word, name)) };
        };
        let id = found.principal_id;
        if database.schemas.iter().any(|s| s.principal_id == id) {
            return Err(DdlError::new(
                15138,
                1,
                16,
                "The database principal owns a schema in the database, and cannot be dropped.",
            ));
        }
        if database.role_members.iter().any(|(r, _)| *r == id) {
            return Err(DdlError::new(
                15144,
                1,
                16,
                "The role has members. It must be empty before it can be dropped.",
            ));
        }
        let database = self.shape(database_id)?;
        database.principals.retain(|p| p.principal_id != id);
        database.role_members.retain(|(_, m)| *m != id);
        database.permissions.retain(|p| p.grantee != id);
        self.forget_properties(database_id, |class, major, _| class == 4 && major == id)
    }

    pub(super) fn drop_login(&mut self, name: &str) -> DdlResult<()> {
        self.server_power()?;
        let Some(found) = self.server.login(name).map(|l| l.name.clone()) else {
            return Err(cannot_find("drop", "login", name));
        };
        if found.eq_ignore_ascii_case("sa") {
            return Err(cannot_find("drop", "login", name));
        }
        if self.server.databases.values().any(|d| d.owner.eq_ignore_ascii_case(&found)) {
            return Err(DdlError::new(
                15174,
                1,
                16,
                format!(
                    "Login '{found}' owns one or more database(s). Change the owner of the database(s) before dropping the \
                     login."
                ),
            ));
        }
        self.server.logins.retain(|l| l.name != found);
        Ok(())
    }
}

/// The SID of a user of a certificate or key: an authority of its own and the thumbprint.
pub(crate) fn key_sid(thumbprint: &[u8]) -> Vec<u8> {
    // Assumption: the layout; only its uniqueness matters, and that key and user have the same.
    let mut sid = vec![1, 6, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0];
    sid.extend(thumbprint.iter().chain(std::iter::repeat(&0)).take(20));
    sid
}
