//! Users, roles, permissions.

use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

impl<'a> Maker<'a> {
    pub(super) fn role(&mut self, role: &'a Role) {
        let mut sql = format!("CREATE ROLE {}", role.name);
        if let Some(owner) = &role.owner {
            sql.push_str(&format!(" AUTHORIZATION {}", quote(owner.parsed().last())));
        }
        sql.push(';');
        let owner = own(&role.owner);
        self.add(Phase::Principals, "role", &role.name, sql).needs.extend(owner);
    }

    pub(super) fn application_role(&mut self, role: &'a ApplicationRole) {
        let Some(password) = &role.password else {
            self.leave("application role", &role.name, "its password is not in the model");
            return;
        };
        let mut sql = format!("CREATE APPLICATION ROLE {} WITH PASSWORD = {}", role.name, literal(password));
        if let Some(schema) = &role.default_schema {
            sql.push_str(&format!(", DEFAULT_SCHEMA = {}", quote(schema.parsed().last())));
        }
        sql.push(';');
        self.add(Phase::Principals, "application role", &role.name, sql);
    }

    pub(super) fn role_membership(&mut self, membership: &'a RoleMembership) {
        let (Some(role), Some(member)) = (&membership.role, &membership.member) else {
            self.leave("role membership", "", "it names no role or no member");
            return;
        };
        let sql = format!("ALTER ROLE {} ADD MEMBER {};", quote(role.parsed().last()), quote(member.parsed().last()));
        let needs = [own(&membership.role), own(&membership.member)];
        let batch = self.then(Phase::Principals, "role membership", &role.parsed(), sql);
        batch.name = format!("{} in {}", member.parsed(), role.parsed());
        batch.needs = needs.into_iter().flatten().collect();
    }

    pub(super) fn user(&mut self, user: &'a User) {
        let mut options = Vec::new();
        let mut sid_set = false;
        if let Some(schema) = &user.default_schema {
            options.push(format!("DEFAULT_SCHEMA = {}", quote(schema.parsed().last())));
        }
        if let Some(language) = &user.default_language {
            options.push(format!("DEFAULT_LANGUAGE = {}", language_word(language)));
        }
        let by_name = |reference: &Reference| quote(reference.parsed().last());
        let from = if user.without_login {
            " WITHOUT LOGIN".to_owned()
        } else if let Some(certificate) = &user.certificate {
            format!(" FOR CERTIFICATE {}", by_name(certificate))
        } else if let Some(key) = &user.asymmetric_key {
            format!(" FOR ASYMMETRIC KEY {}", by_name(key))
        } else if let Some(login) = named_login(user) {
            format!(" FOR LOGIN {}", quote(&login))
        } else if user.user_type.unwrap_or(0) != 0 || user.authentication == EXTERNAL {
            " FROM EXTERNAL PROVIDER".to_owned()
        } else if user.authentication == Authentication::Database {
            match &user.password {
                Some(password) => {
                    options.insert(0, format!("PASSWORD = {}", literal(password)));
                    if let Some(sid) = user.sid.as_deref().filter(|s| is_binary(s)) {
                        options.push(format!("SID = {sid}"));
                        sid_set = true;
                    }
                    String::new()
                }
                None if self.is_dacfx() => {
                    self.leave("user", &user.name, "its password is not in the model");
                    return;
                }
                // No export has passwords. Its rights are kept, and nobody can log in by it.
                None => {
                    let reason = "it is not in the package: the user is made without a login";
                    self.leave_property("user", &user.name, "Password", "(not known)", reason);
                    " WITHOUT LOGIN".to_owned()
                }
            }
        } else {
            String::new()
        };
        let options = if options.is_empty() { String::new() } else { format!(" WITH {}", options.join(", ")) };
        if let Some(sid) = user.sid.as_deref().filter(|_| !sid_set && !self.is_dacfx()) {
            let reason = "a user takes it from its login, or gets a new one";
            self.leave_property("user", &user.name, "Sid", sid, reason);
        }
        let sql = format!("CREATE USER {}{from}{options};", user.name);
        let needs: Vec<Name> = [own(&user.certificate), own(&user.asymmetric_key)].into_iter().flatten().collect();
        // The login may be missing where the database goes to: the user's rights are kept, and nobody can log in by it.
        let by_login = !user.without_login && user.authentication != Authentication::Database;
        let schema =
            user.default_schema.as_ref().map(|s| format!(" WITH DEFAULT_SCHEMA = {}", quote(s.parsed().last())));
        let otherwise = by_login.then(|| {
            let sql = format!("CREATE USER {} WITHOUT LOGIN{};", user.name, schema.unwrap_or_default());
            (sql, "was made without a login, for what it is known by was refused")
        });
        let batch = self.add(Phase::Principals, "user", &user.name, sql);
        batch.needs = needs;
        batch.otherwise = otherwise;
    }

    pub(super) fn login(&mut self, login: &'a Login) {
        if !self.is_dacfx() {
            self.leave("login", &login.name, "a login belongs to the server and not to the database");
            return;
        }
        let mut options = Vec::new();
        match &login.password {
            Some(password) => options.push(format!("PASSWORD = {}", literal(password))),
            // No catalogue shows one, and DacFx reads no login that says none.
            None if !login.windows => options.push("PASSWORD = N''".into()),
            None => {}
        }
        if let Some(database) = login.default_database.as_deref().filter(|d| *d != "master") {
            options.push(format!("DEFAULT_DATABASE = {}", quote(database)));
        }
        if let Some(language) = &login.default_language {
            options.push(format!("DEFAULT_LANGUAGE = {}", language_word(language)));
        }
        if !login.windows {
            let word = |on: bool| if on { "ON" } else { "OFF" };
            options.push(format!("CHECK_POLICY = {}", word(login.check_policy)));
            if login.check_expiration {
                options.push("CHECK_EXPIRATION = ON".into());
            }
        }
        let from = if login.windows { " FROM WINDOWS" } else { "" };
        let options = if options.is_empty() { String::new() } else { format!(" WITH {}", options.join(", ")) };
        let sql = format!("CREATE LOGIN {}{from}{options};", login.name);
        self.add(Phase::Principals, "login", &login.name, sql).gives = Name::default();
        if login.disabled {
            let sql = format!("ALTER LOGIN {} DISABLE;", login.name);
            self.then(Phase::Principals, "disabled login", &login.name, sql);
        }
    }

    pub(super) fn permission(&mut self, permission: &'a Permission) {
        let number = permission.permission.unwrap_or(0).to_string();
        let word = match vocabulary::name_of(Permission::ELEMENT, "Permission", &number) {
            _ if permission.all => "ALL".to_owned(),
            Some(name) if name != "Unknown" => words(name, ' '),
            _ => {
                self.leave("permission", &permission.name, format!("permission {number} is not known"));
                return;
            }
        };
        // The first part of the name is action, permission and class: [Grant.Select.Object].
        let class = permission.name.schema().rsplit('.').next().unwrap_or("").to_owned();
        let securable = permission.securable.as_ref().map(Reference::parsed).unwrap_or_default();
        let Some((on, column)) = self.securable(&class, &securable) else {
            self.leave("permission", &permission.name, format!("securables of class {class} are not known"));
            return;
        };
        let Some(grantee) = &permission.grantee else {
            self.leave("permission", &permission.name, "it names nobody who gets it");
            return;
        };
        let column = column.map_or(String::new(), |c| format!(" ({})", quote(&c)));
        let verb = if permission.action == PermissionAction::Deny { "DENY" } else { "GRANT" };
        let mut sql = format!("{verb} {word}{column}{on} TO {}", quote(grantee.parsed().last()));
        if permission.with_grant_option {
            sql.push_str(" WITH GRANT OPTION");
        }
        if let Some(grantor) = &permission.grantor {
            sql.push_str(&format!(" AS {}", quote(grantor.parsed().last())));
        }
        sql.push(';');
        let needs: Vec<Name> = [own(&permission.securable), own(&permission.grantee), own(&permission.grantor)]
            .into_iter()
            .flatten()
            .collect();
        let batch = self.then(Phase::Permissions, "permission", &permission.name, sql);
        batch.needs = needs;
        for (columns, what) in [
            (&permission.excluded_columns, "columns that it does not go for"),
            (&permission.revoked_grant_option_columns, "columns whose grant option was taken back"),
        ] {
            if !columns.is_empty() {
                self.leave("part of a permission", &permission.name, what);
            }
        }
    }

    /// ` ON CLASS::name` of a securable, and the column, where it is one.
    fn securable(&self, class: &str, name: &Name) -> Option<(String, Option<String>)> {
        Some(match class {
            "Database" => (String::new(), None),
            "Object" if name.parts().len() > 2 => {
                (format!(" ON OBJECT::{}", name.owner()), Some(name.last().to_owned()))
            }
            "Object" => (format!(" ON OBJECT::{name}"), None),
            "FullTextCatalog" | "FulltextCatalog" => (format!(" ON FULLTEXT CATALOG::{name}"), None),
            "FullTextStopList" | "FulltextStoplist" => (format!(" ON FULLTEXT STOPLIST::{name}"), None),
            "XmlSchemaCollection"
            | "Type"
            | "Schema"
            | "User"
            | "Role"
            | "ApplicationRole"
            | "Assembly"
            | "AsymmetricKey"
            | "SymmetricKey"
            | "Certificate"
            | "Contract"
            | "MessageType"
            | "Route"
            | "Service"
            | "RemoteServiceBinding"
            | "SearchPropertyList" => (format!(" ON {}::{name}", words(class, ' ')), None),
            _ => return None,
        })
    }
}

/// `AuthenticationType` of a user that an external provider knows.
const EXTERNAL: Authentication = Authentication::Other(4);

/// A binary literal.
/// The login that a user's element names.
fn named_login(user: &User) -> Option<String> {
    if let Some(login) = &user.login {
        return Some(login.parsed().last().to_owned());
    }
    // The login is not in the model; its name is, as it was written.
    let text = user.login_text.as_ref()?.text.trim();
    match Name::parse(text) {
        Ok(name) if name.parts().len() == 1 => Some(name.last().to_owned()),
        _ => Some(text.to_owned()),
    }
}

/// The login that a user is made for on a server; none for one that needs no login.
pub fn login_of(user: &User) -> Option<String> {
    if user.without_login || user.certificate.is_some() || user.asymmetric_key.is_some() {
        return None;
    }
    let named = named_login(user);
    let external = user.user_type.unwrap_or(0) != 0 || user.authentication == EXTERNAL;
    match named {
        None if external || user.authentication == Authentication::Database => None,
        // `CREATE USER name` takes the login of the same name.
        None => Some(user.name.last().to_owned()),
        named => named,
    }
}

fn is_binary(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit()))
}

/// A language: a number or a quoted name.
fn language_word(language: &str) -> String {
    if language.chars().all(|c| c.is_ascii_digit()) && !language.is_empty() {
        language.to_owned()
    } else {
        quote(language)
    }
}
