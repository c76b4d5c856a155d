//! Users, roles, permissions.

use crate::bacpac::model::declare::{kind, numbered};
use crate::bacpac::model::{Name, Reference, Script};

numbered! {
    /// How a user is known.
    Authentication {
        /// Not at all.
        None = 0,
        /// By a login of the server.
        Instance = 1,
        /// By a password of its own.
        Database = 2,
        /// By Windows.
        Windows = 3,
    }
}

kind! {
    /// A user.
    User = "SqlUser" {
        /// No login stands behind it.
        without_login: bool = "IsWithoutLogin",
        /// The login's name as it was written.
        login_text: Option<Script> = "LoginIdentifierScript",
        /// How it is known.
        authentication: Authentication = "AuthenticationType",
        /// The language it meets.
        default_language: Option<String> = "DefaultLanguage",
        /// The password of a contained user. DacFx never exports one from a server.
        password: Option<String> = "Password",
        /// Its security identifier.
        sid: Option<String> = "Sid",
        /// 1: an external user, 2: an external group.
        user_type: Option<i64> = "UserType",
        /// Its schema.
        default_schema: Option<Reference> = "DefaultSchema",
        /// Its login.
        login: Option<Reference> = "Login",
        /// Its certificate.
        certificate: Option<Reference> = "Certificate",
        /// Its key.
        asymmetric_key: Option<Reference> = "AsymmetricKey",
    }
}

kind! {
    /// A login of the server that a user stands for.
    Login = "SqlLogin" {
        /// It is a Windows account.
        windows: bool = "IsMappedToWindowsLogin",
        /// Its password, in a model made from a script. DacFx never exports one from a server.
        password: Option<String> = "Password",
        /// The database it starts in.
        default_database: Option<String> = "DefaultDatabase",
        /// The language it meets.
        default_language: Option<String> = "DefaultLanguage",
        /// Its security identifier.
        sid: Option<String> = "Sid",
        /// The password expires.
        check_expiration: bool = "IsCheckExpirationOn",
        /// The password follows the policy.
        check_policy: bool = "IsCheckPolicyOn",
        /// It can't log in.
        disabled: bool = "IsDisabled",
    }
}

kind! {
    /// A role.
    Role = "SqlRole" {
        /// Its owner.
        owner: Option<Reference> = "Authorizer",
    }
}

kind! {
    /// An application role.
    ApplicationRole = "SqlApplicationRole" {
        /// Its password, in a model made from a script.
        password: Option<String> = "Password",
        /// Its schema.
        default_schema: Option<Reference> = "DefaultSchema",
    }
}

kind! {
    /// A user or role in a role. It has no name.
    RoleMembership = "SqlRoleMembership" {
        /// Who.
        member: Option<Reference> = "Member",
        /// In which role.
        role: Option<Reference> = "Role",
    }
}

numbered! {
    /// What a permission statement does.
    PermissionAction {
        /// It allows.
        Grant = 0,
        /// It forbids.
        Deny = 1,
    }
}

kind! {
    /// A permission, on one securable.
    Permission = "SqlPermissionStatement" {
        /// What it does.
        action: PermissionAction = "PermissionAction",
        /// The grantee may pass it on.
        with_grant_option: bool = "IsWithGrantOption",
        /// `ALL`.
        all: bool = "IsAllPrivileges",
        /// Which, by DacFx's number (`vocabulary::name_of`).
        permission: Option<i64> = "Permission",
        /// Columns that it does not go for.
        excluded_columns: Vec<Name> = "ExcludedColumns",
        /// Columns for which the right to pass it on was taken back.
        revoked_grant_option_columns: Vec<Name> = "RevokedGrantOptionColumns",
        /// Who gets it.
        grantee: Option<Reference> = "Grantee",
        /// Who gave it.
        grantor: Option<Reference> = "Grantor",
        /// On what. The database is an element without a name: it is referred to by its number.
        securable: Option<Reference> = "SecuredObject",
    }
}
