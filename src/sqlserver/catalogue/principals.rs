//! Users, logins that they stand for, roles, memberships, permissions; who owns what.

use std::collections::HashMap;

use super::Builder;
use crate::bacpac::model::vocabulary::vocabulary;
use crate::bacpac::model::{
    Annotation, ApplicationRole, Authentication, Login, Name, Node, Permission, PermissionAction, Reference, Role,
    RoleMembership, Script, User, schema_reference,
};
use crate::sqlserver::orders::Record;

/// A principal of the database.
#[derive(Debug, Clone)]
pub(super) struct Principal {
    pub name: String,
    /// `S`, `U`, `G`, `R`, `A`, `C`, `K`, `E`, `X`.
    pub kind: char,
    /// The server brings it along.
    pub built_in: bool,
    /// The model holds it.
    pub carried: bool,
}

/// What every database has.
const OF_THE_SERVER: [&str; 5] = ["dbo", "guest", "INFORMATION_SCHEMA", "sys", "public"];

/// A securable of a permission or the host of a property: how the model calls its class, its name, what it refers to.
#[derive(Debug, Clone)]
pub(super) struct Securable {
    pub class: &'static str,
    pub name: Name,
    pub reference: Reference,
}

impl Principal {
    pub(super) fn all(rows: &super::query::Rows) -> HashMap<i64, Principal> {
        rows.of("sys.database_principals")
            .filter_map(|r| {
                let (name, kind) = (r.string("name"), r.string("type").trim().chars().next().unwrap_or('S'));
                let built_in = r.bool("is_fixed_role") || OF_THE_SERVER.contains(&name.as_str());
                // Users of certificates and keys go where those go. Assumption: the server's own have two number signs.
                let carried = built_in || !matches!(kind, 'C' | 'K') && !name.starts_with("##");
                Some((r.int("principal_id")?, Principal { name, kind, built_in, carried }))
            })
            .collect()
    }

    fn reference(&self) -> Reference {
        let name = Name::one(self.name.as_str());
        if self.built_in { Reference::built_in(&name) } else { Reference::to(&name) }
    }

    /// As what a permission is on or a property is of.
    pub(super) fn as_host(&self) -> Reference {
        match (self.built_in, self.kind) {
            // There is one `public` only.
            (true, 'R') if self.name != "public" => self.reference().of_type("SqlRole"),
            (true, 'S') => self.reference().of_type("SqlUser"),
            _ => self.reference(),
        }
    }
}

/// A schema as what a permission is on or a property is of.
pub(super) fn schema_as_host(schema: &str) -> Reference {
    let reference = schema_reference(schema);
    if reference.is_built_in() { reference.of_type("SqlSchema") } else { reference }
}

impl Builder<'_> {
    /// A principal that the model holds or the server brings along.
    pub(super) fn principal(&self, id: Option<i64>) -> Option<Reference> {
        Some(self.principals.get(&id?).filter(|p| p.carried)?.reference())
    }

    /// The owner of a thing: dbo where none is known or the model does not hold it, which is then named.
    pub(super) fn owner(&mut self, id: Option<i64>, of: impl std::fmt::Display) -> Option<Reference> {
        if let Some(lost) = id.and_then(|id| self.principals.get(&id)).filter(|p| !p.carried) {
            let lost = lost.name.clone();
            self.left_out("owner (it becomes dbo's)", format!("{lost} of {of}"));
        }
        Some(self.principal(id).unwrap_or_else(|| Reference::built_in(&Name::one("dbo"))))
    }

    pub(super) fn users_and_roles(&mut self) {
        let logins: HashMap<Vec<u8>, Record<'_>> =
            self.rows.of("sys.server_principals").filter_map(|r| Some((r.bytes("sid")?.to_vec(), r))).collect();
        let policies: HashMap<Vec<u8>, Record<'_>> =
            self.rows.of("sys.sql_logins").filter_map(|r| Some((r.bytes("sid")?.to_vec(), r))).collect();
        let rows: Vec<_> = self.rows.of("sys.database_principals").collect();
        for r in rows {
            let Some(principal) = r.int("principal_id").and_then(|id| self.principals.get(&id)).cloned() else {
                continue;
            };
            let name = Name::one(principal.name.as_str());
            if principal.built_in || principal.name.starts_with("##") {
                continue;
            }
            match principal.kind {
                'R' => {
                    let owner = self.owner(r.int("owning_principal_id"), &name);
                    self.made.push(Role { name, owner, ..Role::default() }.into());
                }
                'A' => {
                    // No catalogue shows a password.
                    self.left_out("password of application role", &name);
                    let default_schema = self.default_schema(&r);
                    self.made.push(ApplicationRole { name, default_schema, ..ApplicationRole::default() }.into());
                }
                'C' => self.left_out("user of a certificate", name),
                'K' => self.left_out("user of an asymmetric key", name),
                _ => {
                    let login = r.bytes("sid").and_then(|sid| logins.get(sid));
                    let policy = r.bytes("sid").and_then(|sid| policies.get(sid));
                    self.user(&principal, &r, login, policy);
                }
            }
        }
        self.memberships();
    }

    fn default_schema(&self, r: &Record<'_>) -> Option<Reference> {
        let schema = r.text("default_schema_name").filter(|s| !s.eq_ignore_ascii_case("dbo"))?;
        // A default schema need not exist.
        self.schemas.values().any(|s| s == schema).then(|| schema_reference(schema))
    }

    fn user(&mut self, principal: &Principal, r: &Record<'_>, login: Option<&Record<'_>>, policy: Option<&Record<'_>>) {
        let name = Name::one(principal.name.as_str());
        let windows = matches!(principal.kind, 'U' | 'G');
        // Servers before 2012 have no authentication_type: there a login decides.
        let authentication = r.int("authentication_type").unwrap_or(match (windows, login.is_some()) {
            (true, _) => 3,
            (_, true) => 1,
            _ => 0,
        });
        let mut user = User {
            authentication: Authentication::from_number(authentication),
            default_schema: self.default_schema(r),
            default_language: r.text("default_language_name").map(str::to_owned),
            ..User::default()
        };
        if let Some(schema) = r.text("default_schema_name").filter(|s| !s.eq_ignore_ascii_case("dbo"))
            && user.default_schema.is_none()
        {
            self.left_out("default schema that does not exist", format!("{schema} of user {name}"));
        }
        match (principal.kind, authentication) {
            ('E', _) => user.user_type = Some(1),
            ('X', _) => user.user_type = Some(2),
            (_, 0) => user.without_login = true,
            (_, 2) => {
                // No catalogue shows a password.
                self.left_out("password of contained user", &name);
            }
            _ => {
                let called = login.map_or_else(
                    // A login of Windows has its user's name unless the server says otherwise.
                    || Some(principal.name.clone()).filter(|_| windows),
                    |l| Some(l.string("name")),
                );
                match called {
                    Some(called) => {
                        let called = Name::one(called);
                        user.login_text = Some(Script::new(called.to_string()));
                        if let Some(login) = login {
                            user.login = Some(Reference::to(&called));
                            self.login(called, login, policy);
                        }
                    }
                    None => {
                        // The login is gone, or this login may not see it.
                        self.left_out("login of user", &name);
                        user.without_login = true;
                        user.authentication = Authentication::None;
                    }
                }
            }
        }
        user.name = name;
        self.made.push(user.into());
    }

    /// The login that a user stands for: as much of it as a database's package may tell.
    fn login(&mut self, name: Name, r: &Record<'_>, policy: Option<&Record<'_>>) {
        let windows = matches!(r.string("type").trim(), "U" | "G");
        let mut login = Login {
            name,
            windows,
            disabled: r.bool("is_disabled"),
            check_policy: !windows && policy.is_some_and(|p| p.bool("is_policy_checked")),
            check_expiration: !windows && policy.is_some_and(|p| p.bool("is_expiration_checked")),
            ..Login::default()
        };
        login.rest.nodes.push(Node::Annotation(Annotation { kind: "GloballyScoped".into(), ..Annotation::default() }));
        self.made.push(login.into());
    }

    fn memberships(&mut self) {
        let rows: Vec<_> = self.rows.of("sys.database_role_members").collect();
        for r in rows {
            let (role, member) = (r.int("role_principal_id"), r.int("member_principal_id"));
            // dbo is in db_owner everywhere.
            if member == Some(1) {
                continue;
            }
            match (self.principal(role), self.principal(member)) {
                (Some(role), Some(member)) => {
                    let membership = RoleMembership { role: Some(role), member: Some(member), ..Default::default() };
                    self.made.push(membership.into());
                }
                _ => {
                    let called = |id: Option<i64>| {
                        id.and_then(|id| self.principals.get(&id)).map(|p| p.name.clone()).unwrap_or_default()
                    };
                    let text = format!("{} in {}", called(member), called(role));
                    self.left_out("role membership", text);
                }
            }
        }
    }

    pub(super) fn permissions(&mut self) {
        let known: HashMap<String, i64> = permission_numbers();
        let mut made: Vec<Permission> = Vec::new();
        let mut at: HashMap<Name, usize> = HashMap::new();
        let mut exceptions: Vec<(Name, bool, Name)> = Vec::new();
        let rows: Vec<_> = self.rows.of("sys.database_permissions").collect();
        for r in rows {
            let (class, major, minor) = (
                r.int("class").unwrap_or_default(),
                r.int("major_id").unwrap_or_default(),
                r.int("minor_id").unwrap_or_default(),
            );
            let (grantee, grantor) = (r.int("grantee_principal_id"), r.int("grantor_principal_id"));
            let words = r.string("permission_name");
            let state = r.string("state");
            // What everybody may do with system objects the server grants; dbo may do everything anyway.
            if class == 1 && major < 0 && grantee == Some(0) && state == "G" || grantee == Some(1) {
                continue;
            }
            let called = |id: Option<i64>| {
                id.and_then(|id| self.principals.get(&id)).map_or("?", |p| p.name.as_str()).to_owned()
            };
            let on = match self.objects.get(&major).filter(|_| class == 1) {
                Some(object) if minor == 0 => object.name.to_string(),
                Some(object) => format!("column {minor} of {}", object.name),
                None => format!("class {class}, {major}, {minor}"),
            };
            let text = format!("{} {words} to {} ({on})", verb(&state), called(grantee));
            let permission = known.get(&words.replace(' ', "").to_ascii_lowercase());
            let (Some(permission), Some(to), Some(securable)) =
                (permission.copied(), self.principal(grantee), self.securable(class, major, minor))
            else {
                self.left_out("permission", text);
                continue;
            };
            let by = self.principal(grantor).unwrap_or_else(|| Reference::built_in(&Name::one("dbo")));
            let verb = if state == "D" { "Deny" } else { "Grant" };
            let name_of = |verb: &str, securable: &Name| {
                let head = format!("{verb}.{}.{}", permission_word(permission), self.securable_class(class, major));
                let mut parts = vec![head, to.parsed().last().to_owned(), by.parsed().last().to_owned()];
                parts.extend(securable.parts().iter().cloned());
                Name::of(parts)
            };
            if state == "R" {
                // A column that the object's permission does not go for.
                let whole = securable.name.parent();
                exceptions.push((name_of("Grant", &whole), false, securable.name));
                continue;
            }
            let name = name_of(verb, &securable.name);
            // Seen in exports of real servers: who granted is said on objects, and not on types and the database.
            // Assumption: elsewhere it is said where it was not dbo.
            let says_grantor = class == 1 || by.parsed().last() != "dbo";
            at.insert(name.clone(), made.len());
            made.push(Permission {
                name,
                action: if state == "D" { PermissionAction::Deny } else { PermissionAction::Grant },
                with_grant_option: state == "W",
                permission: Some(permission),
                grantee: Some(to),
                grantor: Some(by).filter(|_| says_grantor),
                securable: Some(securable.reference),
                ..Permission::default()
            });
        }
        for (name, _, column) in exceptions {
            match at.get(&name).and_then(|at| made.get_mut(*at)) {
                Some(permission) => permission.excluded_columns.push(column),
                None => self.left_out("permission (a column without it)", column),
            }
        }
        self.made.extend(made.into_iter().map(Into::into));
    }

    /// How the model calls a class of securables.
    fn securable_class(&self, class: i64, major: i64) -> &'static str {
        match class {
            4 => match self.principals.get(&major).map(|p| p.kind) {
                Some('R') => "Role",
                Some('A') => "ApplicationRole",
                _ => "User",
            },
            _ => class_word(class).unwrap_or("Unknown"),
        }
    }

    /// What a permission is on, where the model holds it.
    fn securable(&self, class: i64, major: i64, minor: i64) -> Option<Securable> {
        let word = class_word(class)?;
        let plain = |name: Name| Securable { class: word, reference: Reference::to(&name), name };
        let one = |view: &str, id: &str| {
            let found = self.rows.of(view).find(|r| r.int(id) == Some(major))?;
            Some(plain(Name::one(found.string("name"))))
        };
        let of_broker = |view: &str, id: &str, kind: &str| {
            let securable = one(view, id)?;
            let reference = super::broker::named(&securable.name, major);
            let reference = if reference.is_built_in() { reference.of_type(kind) } else { reference };
            Some(Securable { reference, ..securable })
        };
        Some(match class {
            0 => Securable { class: word, name: Name::default(), reference: self.database_reference() },
            1 => {
                let object = self.objects.get(&major).filter(|o| self.is_carried(major, o))?;
                match minor {
                    0 => plain(object.name.clone()),
                    _ => plain(self.column(major, Some(minor))?),
                }
            }
            3 => {
                let schema = self.schemas.get(&major)?.as_str();
                Securable { class: word, name: Name::one(schema), reference: schema_as_host(schema) }
            }
            4 => {
                let principal = self.principals.get(&major).filter(|p| p.carried)?;
                Securable { class: word, name: Name::one(principal.name.as_str()), reference: principal.as_host() }
            }
            5 => {
                let name = self.assembly_names.get(&major)?.clone();
                Securable { class: word, reference: Reference::to(&name), name }
            }
            6 => plain(self.types.name(major)?),
            10 => plain(self.types.xml_collection(major)?),
            15 => of_broker("sys.service_message_types", "message_type_id", "SqlMessageType")?,
            16 => of_broker("sys.service_contracts", "service_contract_id", "SqlContract")?,
            17 => of_broker("sys.services", "service_id", "SqlService")?,
            19 => one("sys.routes", "route_id")?,
            23 => one("sys.fulltext_catalogs", "fulltext_catalog_id")?,
            29 => one("sys.fulltext_stoplists", "stoplist_id")?,
            _ => return None,
        })
    }
}

/// How the model calls a class of `sys.database_permissions`; nothing where it has no word.
fn class_word(class: i64) -> Option<&'static str> {
    Some(match class {
        0 => "Database",
        1 => "Object",
        3 => "Schema",
        4 => "User",
        5 => "Assembly",
        6 => "Type",
        10 => "XmlSchemaCollection",
        15 => "MessageType",
        16 => "Contract",
        17 => "Service",
        19 => "Route",
        23 => "FullTextCatalog",
        29 => "FullTextStopList",
        _ => return None,
    })
}

fn verb(state: &str) -> &'static str {
    match state {
        "D" => "deny",
        "R" => "revoke",
        _ => "grant",
    }
}

/// The model's numbers of permissions by their words without blanks.
fn permission_numbers() -> HashMap<String, i64> {
    names().iter().map(|(name, number)| (name.to_ascii_lowercase(), *number)).collect()
}

fn permission_word(number: i64) -> &'static str {
    names().iter().find(|(_, n)| *n == number).map_or("Unknown", |(name, _)| *name)
}

fn names() -> &'static [(&'static str, i64)] {
    let properties = vocabulary().get(Permission::ELEMENT).map_or(&[][..], |t| t.properties.as_slice());
    properties.iter().find(|p| p.name == "Permission").map_or(&[][..], |p| p.names.as_slice())
}
