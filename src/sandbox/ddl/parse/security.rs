//! Principals and permissions: roles, users, logins, GRANT, DENY, REVOKE, ALTER AUTHORIZATION.

use super::Cursor;
use crate::sandbox::ddl::ast::{AlterRole, ObjectName, Opt, PermissionVerb, PrincipalDef, Statement};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::lexer::Tok;

impl Cursor<'_> {
    pub(super) fn create_principal(&mut self) -> DdlResult<Statement> {
        if self.words(&["SERVER", "ROLE"]) {
            return self.create_role(true);
        }
        if self.word("ROLE") {
            return self.create_role(false);
        }
        if self.words(&["APPLICATION", "ROLE"]) {
            let name = self.name()?;
            self.expect_word("WITH")?;
            let options = self.comma_list(|c| c.option(0))?;
            return Ok(Statement::CreateApplicationRole { name, options });
        }
        let login = self.word("LOGIN");
        if !login {
            self.expect_word("USER")?;
        }
        let mut principal = PrincipalDef { name: self.name()?, ..PrincipalDef::default() };
        if self.words(&["WITHOUT", "LOGIN"]) {
            principal.without_login = true;
        } else if self.word("FOR") || self.word("FROM") {
            if self.word("LOGIN") {
                principal.login = Some(self.name()?);
            } else if self.word("WINDOWS") {
                principal.from_windows = true;
            } else if self.words(&["EXTERNAL", "PROVIDER"]) {
                principal.external = true;
            } else if self.word("CERTIFICATE") {
                principal.certificate = Some(self.name()?);
            } else if self.words(&["ASYMMETRIC", "KEY"]) {
                principal.asymmetric_key = Some(self.name()?);
            } else {
                return Err(self.unexpected());
            }
        }
        if self.word("WITH") {
            principal.options = self.principal_options()?;
        }
        Ok(if login { Statement::CreateLogin(principal) } else { Statement::CreateUser(principal) })
    }

    fn create_role(&mut self, server: bool) -> DdlResult<Statement> {
        let name = self.name()?;
        let authorization = if self.word("AUTHORIZATION") { Some(self.name()?) } else { None };
        Ok(Statement::CreateRole { name, authorization, server })
    }

    /// `PASSWORD = N'…' [HASHED] [MUST_CHANGE], DEFAULT_SCHEMA = [dbo], …`.
    fn principal_options(&mut self) -> DdlResult<Vec<Opt>> {
        self.comma_list(|c| {
            let option = c.option(0)?;
            c.word("HASHED");
            c.word("MUST_CHANGE");
            c.word("UNLOCK");
            if c.word("OLD_PASSWORD") {
                c.expect("=")?;
                c.text()?;
            }
            Ok(option)
        })
    }

    pub(super) fn alter_principal(&mut self) -> DdlResult<Statement> {
        let server = self.word("SERVER");
        if self.word("ROLE") {
            let name = self.name()?;
            let action = if self.words(&["ADD", "MEMBER"]) {
                AlterRole::Add(self.name()?)
            } else if self.words(&["DROP", "MEMBER"]) {
                AlterRole::Drop(self.name()?)
            } else if self.words(&["WITH", "NAME"]) {
                self.expect("=")?;
                AlterRole::Name(self.name()?)
            } else {
                return Err(self.unexpected());
            };
            return Ok(Statement::AlterRole { name, action, server });
        }
        let login = self.word("LOGIN");
        if !login {
            self.expect_word("USER")?;
        }
        let mut principal = PrincipalDef { name: self.name()?, ..PrincipalDef::default() };
        if self.word("ENABLE") {
            principal.enable = Some(true);
        } else if self.word("DISABLE") {
            principal.enable = Some(false);
        } else {
            self.expect_word("WITH")?;
            principal.options = self.principal_options()?;
        }
        Ok(if login { Statement::AlterLogin(principal) } else { Statement::AlterUser(principal) })
    }

    pub(super) fn permission(&mut self) -> DdlResult<Statement> {
        let verb = match self.one_of(&["GRANT", "DENY", "REVOKE"]).as_deref() {
            Some("GRANT") => PermissionVerb::Grant,
            Some("DENY") => PermissionVerb::Deny,
            _ => PermissionVerb::Revoke,
        };
        let option_for = verb == PermissionVerb::Revoke && self.words(&["GRANT", "OPTION", "FOR"]);
        let permissions = self.comma_list(|c| {
            let mut words = Vec::new();
            while let Tok::Word(word) = c.peek() {
                let upper = word.to_ascii_uppercase();
                if matches!(upper.as_str(), "ON" | "TO" | "FROM") {
                    break;
                }
                words.push(upper);
                c.at += 1;
            }
            if words.is_empty() {
                return Err(c.unexpected());
            }
            let columns = if c.is_sign(0, "(") { c.names()? } else { Vec::new() };
            let mut name = words.join(" ");
            if name == "EXEC" {
                name = "EXECUTE".into();
            } else if name == "ALL PRIVILEGES" {
                name = "ALL".into();
            }
            Ok((name, columns))
        })?;
        let on = if self.word("ON") {
            let class = self.securable_class();
            let name = self.object_name()?;
            let columns = if self.is_sign(0, "(") { self.names()? } else { Vec::new() };
            Some((class, name, columns))
        } else {
            None
        };
        if !self.word("TO") {
            self.expect_word("FROM")?;
        }
        let to = self.comma_list(|c| if c.word("PUBLIC") { Ok("public".to_string()) } else { c.name() })?;
        let grant_option = self.words(&["WITH", "GRANT", "OPTION"]) || option_for;
        self.word("CASCADE");
        let grantor = if self.word("AS") { Some(self.name()?) } else { None };
        Ok(Statement::Permission { verb, permissions, on, to, grant_option, grantor })
    }

    /// `OBJECT::`, `SCHEMA::`, `XML SCHEMA COLLECTION::`; empty if none is written.
    fn securable_class(&mut self) -> String {
        let mut n = 0;
        while matches!(self.ahead(n), Tok::Word(_)) && n < 5 {
            n += 1;
        }
        if n == 0 || !self.is_sign(n, "::") {
            return String::new();
        }
        let words: Vec<String> = (0..n)
            .map(|i| match self.ahead(i) {
                Tok::Word(w) => w.to_ascii_uppercase(),
                _ => String::new(),
            })
            .collect();
        self.at += n + 1;
        words.join(" ")
    }

    pub(super) fn alter_authorization(&mut self) -> DdlResult<Statement> {
        self.expect_word("AUTHORIZATION")?;
        self.expect_word("ON")?;
        let class = self.securable_class();
        let object: ObjectName = self.object_name()?;
        self.expect_word("TO")?;
        let to = if self.words(&["SCHEMA", "OWNER"]) { None } else { Some(self.name()?) };
        Ok(Statement::AlterAuthorization { class, object, to })
    }
}
