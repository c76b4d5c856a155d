//! Keys, certificates, credentials. Passwords and secrets are read over and not kept.

use super::Cursor;
use crate::sandbox::ddl::ast::rare::{CertificateDef, Encryption, KeyValue, Rare};
use crate::sandbox::ddl::ast::{Opt, Statement, said};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::lexer::Tok;

fn rare(statement: Rare) -> Statement {
    Statement::Rare(Box::new(statement))
}

impl Cursor<'_> {
    /// `0x…` as bytes.
    pub(super) fn binary(&mut self) -> DdlResult<Vec<u8>> {
        let Tok::Binary(text) = self.peek() else { return Err(self.unexpected()) };
        self.at += 1;
        let digits = &text.as_bytes()[2..];
        let nibble = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
        // An odd number of digits has a zero before it.
        let mut digits: Vec<u8> = digits.iter().map(|b| nibble(*b)).collect();
        if digits.len() % 2 == 1 {
            digits.insert(0, 0);
        }
        Ok(digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect())
    }

    /// `PASSWORD = '…'` and its like after ENCRYPTION BY or DECRYPTION BY.
    fn protector(&mut self) -> DdlResult<Encryption> {
        if self.word("PASSWORD") {
            self.expect("=")?;
            self.text()?;
            return Ok(Encryption::Password);
        }
        if self.word("CERTIFICATE") {
            return self.name().map(Encryption::Certificate);
        }
        if self.words(&["SYMMETRIC", "KEY"]) {
            return self.name().map(Encryption::SymmetricKey);
        }
        if self.words(&["ASYMMETRIC", "KEY"]) {
            return self.name().map(Encryption::AsymmetricKey);
        }
        Err(self.unexpected())
    }

    pub(super) fn master_key(&mut self) -> DdlResult<Statement> {
        self.expect_word("MASTER")?;
        self.expect_word("KEY")?;
        if self.words(&["ENCRYPTION", "BY"]) {
            self.protector()?;
        }
        Ok(rare(Rare::MasterKey))
    }

    pub(super) fn alter_master_key(&mut self) -> DdlResult<Statement> {
        self.expect_word("MASTER")?;
        self.expect_word("KEY")?;
        let mut by_server = None;
        if self.words(&["ADD", "ENCRYPTION", "BY", "SERVICE", "MASTER", "KEY"]) {
            by_server = Some(true);
        } else if self.words(&["DROP", "ENCRYPTION", "BY", "SERVICE", "MASTER", "KEY"]) {
            by_server = Some(false);
        } else {
            // ADD ENCRYPTION BY PASSWORD, REGENERATE WITH ENCRYPTION BY PASSWORD.
            self.word("FORCE");
            self.one_of(&["ADD", "DROP", "REGENERATE"]).ok_or_else(|| self.unexpected())?;
            self.word("WITH");
            self.expect_word("ENCRYPTION")?;
            self.expect_word("BY")?;
            self.protector()?;
        }
        Ok(rare(Rare::AlterMasterKey { by_server }))
    }

    pub(super) fn symmetric_key(&mut self) -> DdlResult<Statement> {
        self.expect_word("SYMMETRIC")?;
        self.expect_word("KEY")?;
        let name = self.name()?;
        let owner = self.authorization()?;
        if self.word("FROM") {
            return Err(super::unsupported("SYMMETRIC KEY FROM PROVIDER"));
        }
        let mut algorithm = String::new();
        if self.word("WITH") {
            let options = self.comma_list(|c| c.option(0))?;
            algorithm = said(&options, "ALGORITHM").unwrap_or_default().to_uppercase();
        }
        let mut by = Vec::new();
        if self.words(&["ENCRYPTION", "BY"]) {
            by = self.comma_list(|c| c.protector())?;
        }
        Ok(rare(Rare::SymmetricKey { name, owner, algorithm, by }))
    }

    pub(super) fn asymmetric_key(&mut self) -> DdlResult<Statement> {
        self.expect_word("ASYMMETRIC")?;
        self.expect_word("KEY")?;
        let name = self.name()?;
        let owner = self.authorization()?;
        if self.word("FROM") {
            return Err(super::unsupported("ASYMMETRIC KEY FROM"));
        }
        self.expect_word("WITH")?;
        let options = vec![self.option(0)?];
        let algorithm = said(&options, "ALGORITHM").unwrap_or_default().to_uppercase();
        let password = self.words(&["ENCRYPTION", "BY"]);
        if password {
            self.protector()?;
        }
        Ok(rare(Rare::AsymmetricKey { name, owner, algorithm, password }))
    }

    pub(super) fn certificate(&mut self) -> DdlResult<Statement> {
        self.expect_word("CERTIFICATE")?;
        let mut def = CertificateDef { name: self.name()?, owner: self.authorization()?, ..Default::default() };
        def.begin_dialog = true;
        if self.word("FROM") {
            return Err(super::unsupported("CERTIFICATE FROM"));
        }
        if self.words(&["ENCRYPTION", "BY"]) {
            def.password = self.protector()? == Encryption::Password;
        }
        if self.word("WITH") {
            let options = self.comma_list(|c| c.option(0))?;
            def.subject = said(&options, "SUBJECT").unwrap_or_default();
            def.start = said(&options, "START_DATE");
            def.expiry = said(&options, "EXPIRY_DATE");
        }
        if self.words(&["ACTIVE", "FOR", "BEGIN_DIALOG"]) {
            def.begin_dialog = self.on_or_off()?;
        }
        Ok(rare(Rare::Certificate(def)))
    }

    fn on_or_off(&mut self) -> DdlResult<bool> {
        self.expect("=")?;
        Ok(self.one_of(&["ON", "OFF"]).ok_or_else(|| self.unexpected())? == "ON")
    }

    pub(super) fn column_key(&mut self) -> DdlResult<Statement> {
        self.expect_word("COLUMN")?;
        if self.words(&["MASTER", "KEY"]) {
            let name = self.name()?;
            self.expect_word("WITH")?;
            let (mut provider, mut path, mut signature) = (String::new(), String::new(), None);
            self.parenthesised(|c| {
                let option = c.any_name()?.to_uppercase();
                if option == "ENCLAVE_COMPUTATIONS" {
                    c.expect("(")?;
                    c.expect_word("SIGNATURE")?;
                    c.expect("=")?;
                    signature = Some(c.binary()?);
                    return c.expect(")");
                }
                c.expect("=")?;
                match option.as_str() {
                    "KEY_STORE_PROVIDER_NAME" => provider = c.text()?,
                    "KEY_PATH" => path = c.text()?,
                    _ => return Err(c.unexpected()),
                }
                Ok(())
            })?;
            return Ok(rare(Rare::ColumnMasterKey { name, provider, path, signature }));
        }
        self.expect_word("ENCRYPTION")?;
        self.expect_word("KEY")?;
        let name = self.name()?;
        self.expect_word("WITH")?;
        if !self.word("VALUES") {
            self.expect_word("VALUE")?;
        }
        let values = self.comma_list(|c| {
            let mut out = KeyValue { master: String::new(), algorithm: String::new(), value: Vec::new() };
            c.parenthesised(|c| {
                let option = c.any_name()?.to_uppercase();
                c.expect("=")?;
                match option.as_str() {
                    "COLUMN_MASTER_KEY" => out.master = c.name()?,
                    "ALGORITHM" => out.algorithm = c.text()?,
                    "ENCRYPTED_VALUE" => out.value = c.binary()?,
                    _ => return Err(c.unexpected()),
                }
                Ok(())
            })?;
            Ok(out)
        })?;
        Ok(rare(Rare::ColumnEncryptionKey { name, values }))
    }

    pub(super) fn credential(&mut self, alter: bool) -> DdlResult<Statement> {
        for word in ["DATABASE", "SCOPED", "CREDENTIAL"] {
            self.expect_word(word)?;
        }
        let name = self.name()?;
        self.expect_word("WITH")?;
        let options = self.comma_list(|c| {
            let name = c.any_name()?.to_uppercase();
            c.expect("=")?;
            let value = c.option_value(0)?;
            Ok(Opt { name, value, partitions: None })
        })?;
        let identity = said(&options, "IDENTITY").unwrap_or_default();
        Ok(rare(Rare::Credential { name, identity, alter }))
    }
}
