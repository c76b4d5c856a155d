//! Views of schemas, principals and permissions.

use super::{Cell, Scan};
use crate::sandbox::meta::server::Login;

/// `sys.schemas`.
pub(super) fn schemas(s: &mut Scan<'_, '_>) {
    for x in &s.db().schemas {
        s.row(&|column| match column {
            "name" => (&x.name).into(),
            "schema_id" => x.schema_id.into(),
            "principal_id" => x.principal_id.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `INFORMATION_SCHEMA.SCHEMATA`.
pub(super) fn schemata(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for x in &d.schemas {
        s.row(&|column| match column {
            "CATALOG_NAME" => (&d.name).into(),
            "SCHEMA_NAME" => (&x.name).into(),
            "SCHEMA_OWNER" => d.principal_by_id(x.principal_id).map(|p| p.name.as_str()).into(),
            "DEFAULT_CHARACTER_SET_NAME" => "iso_1".into(),
            _ => Cell::Unsaid,
        });
    }
}

fn kind_text(kind: char) -> &'static str {
    match kind {
        'R' => "DATABASE_ROLE",
        'A' => "APPLICATION_ROLE",
        'U' => "WINDOWS_USER",
        'G' => "WINDOWS_GROUP",
        'C' => "CERTIFICATE_MAPPED_USER",
        'K' => "ASYMMETRIC_KEY_MAPPED_USER",
        'E' => "EXTERNAL_USER",
        'X' => "EXTERNAL_GROUP",
        _ => "SQL_USER",
    }
}

/// `sys.database_principals`.
pub(super) fn database_principals(s: &mut Scan<'_, '_>) {
    for p in &s.db().principals {
        s.row(&|column| match column {
            "name" => (&p.name).into(),
            "principal_id" => p.principal_id.into(),
            "type" => p.kind.into(),
            "type_desc" => kind_text(p.kind).into(),
            "default_schema_name" => p.default_schema.as_ref().into(),
            "create_date" => p.created.into(),
            "modify_date" => p.modified.into(),
            "owning_principal_id" => p.owner.into(),
            "sid" => p.sid.clone().map_or(Cell::Null, Cell::Bytes),
            "is_fixed_role" => p.fixed_role.into(),
            "authentication_type" => p.authentication.into(),
            "authentication_type_desc" => ["NONE", "INSTANCE", "DATABASE", "WINDOWS", "EXTERNAL"]
                [usize::try_from(p.authentication).unwrap_or(0).min(4)]
            .into(),
            "allow_encrypted_value_modifications" => p.encrypted_values.into(),
            "default_language_name" => p.default_language.as_ref().into(),
            "default_language_lcid" => {
                p.default_language.as_deref().and_then(crate::sandbox::meta::languages::lcid).into()
            }
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.database_role_members`.
pub(super) fn database_role_members(s: &mut Scan<'_, '_>) {
    let d = s.db();
    // dbo is always the master of its database.
    let own = d.principal("db_owner").map(|r| (r.principal_id, 1));
    for (role, member) in own.iter().chain(&d.role_members) {
        s.row(&|column| match column {
            "role_principal_id" => (*role).into(),
            "member_principal_id" => (*member).into(),
            _ => Cell::Unsaid,
        });
    }
}

/// The letters of permissions on a database and what is in it, as documented.
const CODES: &[(&str, &str)] = &[
    ("AADS", "ALTER ANY DATABASE EVENT SESSION"),
    ("AAMK", "ALTER ANY MASK"),
    ("AEDS", "ALTER ANY EXTERNAL DATA SOURCE"),
    ("AEFF", "ALTER ANY EXTERNAL FILE FORMAT"),
    ("AL", "ALTER"),
    ("ALAK", "ALTER ANY ASYMMETRIC KEY"),
    ("ALAR", "ALTER ANY APPLICATION ROLE"),
    ("ALAS", "ALTER ANY ASSEMBLY"),
    ("ALCF", "ALTER ANY CERTIFICATE"),
    ("ALDS", "ALTER ANY DATASPACE"),
    ("ALED", "ALTER ANY DATABASE EVENT NOTIFICATION"),
    ("ALFT", "ALTER ANY FULLTEXT CATALOG"),
    ("ALMT", "ALTER ANY MESSAGE TYPE"),
    ("ALRL", "ALTER ANY ROLE"),
    ("ALRT", "ALTER ANY ROUTE"),
    ("ALSB", "ALTER ANY REMOTE SERVICE BINDING"),
    ("ALSC", "ALTER ANY CONTRACT"),
    ("ALSK", "ALTER ANY SYMMETRIC KEY"),
    ("ALSM", "ALTER ANY SCHEMA"),
    ("ALSV", "ALTER ANY SERVICE"),
    ("ALTG", "ALTER ANY DATABASE DDL TRIGGER"),
    ("ALUS", "ALTER ANY USER"),
    ("AUTH", "AUTHENTICATE"),
    ("BADB", "BACKUP DATABASE"),
    ("BALO", "BACKUP LOG"),
    ("CL", "CONTROL"),
    ("CO", "CONNECT"),
    ("CORP", "CONNECT REPLICATION"),
    ("CP", "CHECKPOINT"),
    ("CRAG", "CREATE AGGREGATE"),
    ("CRAK", "CREATE ASYMMETRIC KEY"),
    ("CRAS", "CREATE ASSEMBLY"),
    ("CRCF", "CREATE CERTIFICATE"),
    ("CRDB", "CREATE DATABASE"),
    ("CRDF", "CREATE DEFAULT"),
    ("CRED", "CREATE DATABASE DDL EVENT NOTIFICATION"),
    ("CRFN", "CREATE FUNCTION"),
    ("CRFT", "CREATE FULLTEXT CATALOG"),
    ("CRMT", "CREATE MESSAGE TYPE"),
    ("CRPR", "CREATE PROCEDURE"),
    ("CRQU", "CREATE QUEUE"),
    ("CRRL", "CREATE ROLE"),
    ("CRRT", "CREATE ROUTE"),
    ("CRRU", "CREATE RULE"),
    ("CRSB", "CREATE REMOTE SERVICE BINDING"),
    ("CRSC", "CREATE CONTRACT"),
    ("CRSK", "CREATE SYMMETRIC KEY"),
    ("CRSM", "CREATE SCHEMA"),
    ("CRSN", "CREATE SYNONYM"),
    ("CRSO", "CREATE SEQUENCE"),
    ("CRSV", "CREATE SERVICE"),
    ("CRTB", "CREATE TABLE"),
    ("CRTY", "CREATE TYPE"),
    ("CRVW", "CREATE VIEW"),
    ("CRXS", "CREATE XML SCHEMA COLLECTION"),
    ("DABO", "ADMINISTER DATABASE BULK OPERATIONS"),
    ("DL", "DELETE"),
    ("EAES", "EXECUTE ANY EXTERNAL SCRIPT"),
    ("EX", "EXECUTE"),
    ("IM", "IMPERSONATE"),
    ("IN", "INSERT"),
    ("RC", "RECEIVE"),
    ("RF", "REFERENCES"),
    ("SL", "SELECT"),
    ("SN", "SEND"),
    ("SPLN", "SHOWPLAN"),
    ("SUQN", "SUBSCRIBE QUERY NOTIFICATIONS"),
    ("TO", "TAKE OWNERSHIP"),
    ("UP", "UPDATE"),
    ("VW", "VIEW DEFINITION"),
    ("VWCK", "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION"),
    ("VWCM", "VIEW ANY COLUMN MASTER KEY DEFINITION"),
    ("VWCT", "VIEW CHANGE TRACKING"),
    ("VWDS", "VIEW DATABASE STATE"),
];

/// The four letters of a permission.
// Assumption: the codes of permissions that are not documented, and of the server's, are made of their words' letters.
pub(crate) fn permission_code(name: &str) -> String {
    if let Some((code, _)) = CODES.iter().find(|(_, n)| *n == name) {
        return (*code).to_string();
    }
    let known = match name {
        "UNMASK" => "UMSK",
        "CONNECT SQL" => "COSQ",
        "VIEW SERVER STATE" => "VWSS",
        "VIEW ANY DATABASE" => "VWDB",
        "CREATE ANY DATABASE" => "CRDB",
        "ALTER ANY DATABASE" => "ALDB",
        "ALTER ANY COLUMN MASTER KEY" => "ALCM",
        "ALTER ANY COLUMN ENCRYPTION KEY" => "ALCK",
        "ALTER ANY DATABASE SCOPED CONFIGURATION" => "ALDC",
        "ALTER ANY SECURITY POLICY" => "ALSP",
        "ALTER ANY DATABASE AUDIT" => "ALDA",
        "ALTER ANY SENSITIVITY CLASSIFICATION" => "AASC",
        "VIEW ANY SENSITIVITY CLASSIFICATION" => "VASC",
        "KILL DATABASE CONNECTION" => "KIDC",
        "CONTROL SERVER" => "CL",
        _ => return name.split(' ').filter_map(|w| w.chars().next()).take(4).collect(),
    };
    known.to_string()
}

fn class_text(class: u8) -> &'static str {
    match class {
        0 => "DATABASE",
        1 => "OBJECT_OR_COLUMN",
        3 => "SCHEMA",
        4 => "DATABASE_PRINCIPAL",
        5 => "ASSEMBLY",
        6 => "TYPE",
        10 => "XML_SCHEMA_COLLECTION",
        15 => "MESSAGE_TYPE",
        16 => "SERVICE_CONTRACT",
        17 => "SERVICE",
        18 => "REMOTE_SERVICE_BINDING",
        19 => "ROUTE",
        23 => "FULLTEXT_CATALOG",
        24 => "SYMMETRIC_KEYS",
        25 => "CERTIFICATE",
        26 => "ASYMMETRIC_KEY",
        29 => "FULLTEXT_STOPLIST",
        31 => "SEARCH_PROPERTY_LIST",
        32 => "DATABASE_SCOPED_CREDENTIAL",
        _ => "",
    }
}

fn state_text(state: char) -> &'static str {
    match state {
        'D' => "DENY",
        'W' => "GRANT_WITH_GRANT_OPTION",
        'R' => "REVOKE",
        _ => "GRANT",
    }
}

/// `sys.database_permissions`.
pub(super) fn database_permissions(s: &mut Scan<'_, '_>) {
    let d = s.db();
    let connect = crate::sandbox::meta::Permission {
        class: 0,
        major_id: 0,
        minor_id: 0,
        grantee: 1,
        grantor: 1,
        name: "CONNECT".into(),
        state: 'G',
    };
    // dbo may connect: every database has that row.
    for p in std::iter::once(&connect).chain(&d.permissions) {
        s.row(&|column| match column {
            "class" => p.class.into(),
            "class_desc" => class_text(p.class).into(),
            "major_id" => p.major_id.into(),
            "minor_id" => p.minor_id.into(),
            "grantee_principal_id" => p.grantee.into(),
            "grantor_principal_id" => p.grantor.into(),
            "type" => permission_code(&p.name).into(),
            "permission_name" => (&p.name).into(),
            "state" => p.state.into(),
            "state_desc" => state_text(p.state).into(),
            _ => Cell::Unsaid,
        });
    }
}

/// Fixed server roles, with their ids.
pub(crate) const SERVER_ROLES: [(i32, &str); 9] = [
    (2, "public"),
    (3, "sysadmin"),
    (4, "securityadmin"),
    (5, "serveradmin"),
    (6, "setupadmin"),
    (7, "processadmin"),
    (8, "diskadmin"),
    (9, "dbcreator"),
    (10, "bulkadmin"),
];

fn shown<'l>(s: &Scan<'_, 'l>) -> Vec<&'l Login> {
    let server = s.source.server;
    let all = server.login(s.source.login).is_some_and(|l| l.is_sysadmin() || l.has_role("securityadmin"));
    server.logins.iter().filter(|l| all || l.principal_id == 1 || l.name.eq_ignore_ascii_case(s.source.login)).collect()
}

/// `sys.server_principals`, `sys.sql_logins`.
pub(super) fn server_principals(s: &mut Scan<'_, '_>, roles: bool) {
    let started = s.source.server.started;
    for l in shown(s) {
        s.row(&|column| match column {
            "name" => (&l.name).into(),
            "principal_id" => l.principal_id.into(),
            "sid" => Cell::Bytes(l.sid.clone()),
            "type" => "S".into(),
            "type_desc" => "SQL_LOGIN".into(),
            "is_disabled" => l.disabled.into(),
            "create_date" => l.created.into(),
            "modify_date" => l.modified.into(),
            "default_database_name" => (&l.default_database).into(),
            "default_language_name" => (&l.default_language).into(),
            "is_fixed_role" => false.into(),
            "is_policy_checked" => l.policy.0.into(),
            "is_expiration_checked" => l.policy.1.into(),
            _ => Cell::Unsaid,
        });
    }
    for (id, name) in SERVER_ROLES.iter().filter(|_| roles) {
        s.row(&|column| match column {
            "name" => (*name).into(),
            "principal_id" => (*id).into(),
            "sid" => Cell::Bytes(vec![*id as u8]),
            "type" => "R".into(),
            "type_desc" => "SERVER_ROLE".into(),
            "create_date" | "modify_date" => started.into(),
            "owning_principal_id" => 1.into(),
            "is_fixed_role" => (*id != 2).into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.server_role_members`.
pub(super) fn server_role_members(s: &mut Scan<'_, '_>) {
    for l in shown(s) {
        for (id, _) in SERVER_ROLES.iter().filter(|(id, name)| *id != 2 && l.has_role(name)) {
            s.row(&|column| match column {
                "role_principal_id" => (*id).into(),
                "member_principal_id" => l.principal_id.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.server_permissions`.
pub(super) fn server_permissions(s: &mut Scan<'_, '_>) {
    for l in shown(s) {
        let connect = ("CONNECT SQL".to_string(), 'G');
        for (name, state) in std::iter::once(&connect).chain(&l.permissions) {
            s.row(&|column| match column {
                "class" => 100.into(),
                "class_desc" => "SERVER".into(),
                "grantee_principal_id" => l.principal_id.into(),
                "grantor_principal_id" => 1.into(),
                "type" => permission_code(name).into(),
                "permission_name" => name.into(),
                "state" => (*state).into(),
                "state_desc" => state_text(*state).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}
