//! Keys, certificates and credentials. Nothing is encrypted, no secret is kept; what the catalogue shows of them is.

use sha2::{Digest, Sha256};

use crate::sandbox::ddl::ast::rare::{CertificateDef, Encryption, KeyValue};

use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, name_in_use};
use crate::sandbox::meta::crypto::{
    AsymmetricKey, Certificate, ColumnEncryptionKey, ColumnMasterKey, Credential, MasterKey, Protection, SymmetricKey,
};
use crate::sandbox::meta::{Database, Stamp};

use super::Run;

/// Something of the length of a real thumbprint that no other key has.
fn thumbprint(of: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(of.as_bytes());
    hash.update(uuid::Uuid::new_v4().as_bytes());
    hash.finalize()[..20].to_vec()
}

/// `20200101`, `2020-01-01T00:00:00`, `2020-01-01`, `01/31/2020`.
fn moment(text: &str) -> Option<Stamp> {
    let digits: Vec<i64> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).filter_map(|p| p.parse().ok()).collect();
    let (year, month, day, rest) = match digits.as_slice() {
        [n, rest @ ..] if *n > 10_000_000 => (n / 10_000, n / 100 % 100, n % 100, rest),
        [y, m, d, rest @ ..] if *y > 31 => (*y, *m, *d, rest),
        [m, d, y, rest @ ..] => (*y, *m, *d, rest),
        _ => return None,
    };
    let date =
        jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    let [hour, minute, second] = [0, 1, 2].map(|n| rest.get(n).copied().unwrap_or(0));
    Some(Stamp(midnight + ((hour * 60 + minute) * 60 + second) * 1000))
}

impl Run<'_> {
    pub(super) fn master_key(&mut self) -> DdlResult<()> {
        let database_id = self.rare_place("CONTROL")?;
        let now = self.now;
        let database = self.shape(database_id)?;
        if database.keys.master.is_some() {
            return Err(DdlError::new(
                15578,
                1,
                16,
                "There is already a master key in the database. Please drop it before performing this statement.",
            ));
        }
        let guid = *uuid::Uuid::new_v4().as_bytes();
        database.keys.master = Some(MasterKey { guid, created: now, modified: now, by_server: true });
        Ok(())
    }

    pub(super) fn alter_master_key(&mut self, by_server: Option<bool>) -> DdlResult<()> {
        let database_id = self.rare_place("CONTROL")?;
        let now = self.now;
        let Some(master) = &mut self.shape(database_id)?.keys.master else { return Err(no_master_key()) };
        master.by_server = by_server.unwrap_or(master.by_server);
        master.modified = now;
        Ok(())
    }

    pub(super) fn symmetric_key(
        &mut self,
        name: &str,
        owner: Option<&str>,
        algorithm: &str,
        by: &[Encryption],
    ) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY SYMMETRIC KEY")?;
        let owner = self.owner(database_id, owner)?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        if database.keys.symmetric.iter().any(|k| database.same(&k.name, name)) {
            return Err(already(name));
        }
        let mut protections = Vec::new();
        for one in by {
            protections.push(match one {
                Encryption::Password => Protection::Password,
                Encryption::Certificate(name) => {
                    let found = database.keys.certificates.iter().find(|c| database.same(&c.name, name));
                    let found = found.ok_or_else(|| cannot_find("find", "certificate", name))?;
                    Protection::Certificate(found.thumbprint.clone())
                }
                Encryption::AsymmetricKey(name) => {
                    let found = database.keys.asymmetric.iter().find(|c| database.same(&c.name, name));
                    let found = found.ok_or_else(|| cannot_find("find", "asymmetric key", name))?;
                    Protection::AsymmetricKey(found.thumbprint.clone())
                }
                Encryption::SymmetricKey(name) => {
                    let found = database.keys.symmetric.iter().find(|c| database.same(&c.name, name));
                    Protection::SymmetricKey(found.ok_or_else(|| cannot_find("find", "symmetric key", name))?.guid)
                }
            });
        }
        let keys = &mut self.shape(database_id)?.keys;
        keys.symmetric.push(SymmetricKey {
            id: keys.symmetric.iter().map(|k| k.id + 1).max().unwrap_or(256),
            name: name.into(),
            owner,
            algorithm: algorithm.into(),
            guid: *uuid::Uuid::new_v4().as_bytes(),
            created: now,
            modified: now,
            protections,
        });
        Ok(())
    }

    /// How a private key is protected that says nothing: by the master key, which must be there.
    fn private(&self, database_id: i32, password: bool) -> DdlResult<Protection> {
        if password {
            return Ok(Protection::Password);
        }
        if self.db(database_id)?.keys.master.is_none() {
            return Err(no_master_key());
        }
        Ok(Protection::MasterKey)
    }

    pub(super) fn asymmetric_key(
        &mut self,
        name: &str,
        owner: Option<&str>,
        algorithm: &str,
        password: bool,
    ) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE ASYMMETRIC KEY")?;
        let owner = self.owner(database_id, owner)?;
        let protection = self.private(database_id, password)?;
        let database = self.db(database_id)?.clone();
        if database.keys.asymmetric.iter().any(|k| database.same(&k.name, name)) {
            return Err(already(name));
        }
        let keys = &mut self.shape(database_id)?.keys;
        keys.asymmetric.push(AsymmetricKey {
            id: keys.asymmetric.iter().map(|k| k.id + 1).max().unwrap_or(256),
            name: name.into(),
            owner,
            algorithm: algorithm.into(),
            protection,
            thumbprint: thumbprint(name)[..8].to_vec(),
        });
        Ok(())
    }

    pub(super) fn certificate(&mut self, def: &CertificateDef) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE CERTIFICATE")?;
        let owner = self.owner(database_id, def.owner.as_deref())?;
        let protection = self.private(database_id, def.password)?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        if database.keys.certificates.iter().any(|k| database.same(&k.name, &def.name)) {
            return Err(DdlError::new(
                15232,
                1,
                16,
                format!(
                    "A certificate with name '{}' already exists or this certificate already has been added to the database.",
                    def.name
                ),
            ));
        }
        let given = |text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => moment(text).map(Some).ok_or_else(|| {
                DdlError::new(241, 1, 16, "Conversion failed when converting date and/or time from character string.")
            }),
        };
        let start = given(&def.start)?.unwrap_or(now);
        // A year, unless said otherwise.
        let expiry = given(&def.expiry)?.unwrap_or(Stamp(start.0 + 365 * 86_400_000));
        let keys = &mut self.shape(database_id)?.keys;
        keys.certificates.push(Certificate {
            id: keys.certificates.iter().map(|k| k.id + 1).max().unwrap_or(256),
            name: def.name.clone(),
            owner,
            protection,
            begin_dialog: def.begin_dialog,
            subject: def.subject.clone(),
            serial: uuid::Uuid::new_v4().simple().to_string(),
            start,
            expiry,
            thumbprint: thumbprint(&def.subject),
        });
        Ok(())
    }

    pub(super) fn column_master_key(
        &mut self,
        name: &str,
        provider: &str,
        path: &str,
        signature: Option<&Vec<u8>>,
    ) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY COLUMN MASTER KEY")?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        if database.keys.column_masters.iter().any(|k| database.same(&k.name, name)) {
            return Err(name_in_use(name, 1));
        }
        let keys = &mut self.shape(database_id)?.keys;
        keys.column_masters.push(ColumnMasterKey {
            id: keys.column_masters.iter().map(|k| k.id + 1).max().unwrap_or(1),
            name: name.into(),
            created: now,
            modified: now,
            provider: provider.into(),
            path: path.into(),
            signature: signature.cloned(),
        });
        Ok(())
    }

    pub(super) fn column_encryption_key(&mut self, name: &str, values: &[KeyValue]) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY COLUMN ENCRYPTION KEY")?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        if database.keys.column_encryptions.iter().any(|k| database.same(&k.name, name)) {
            return Err(name_in_use(name, 1));
        }
        let mut out = Vec::new();
        for value in values {
            let found = database.keys.column_masters.iter().find(|m| database.same(&m.name, &value.master));
            let id = found.ok_or_else(|| cannot_find("find", "column master key", &value.master))?.id;
            out.push((id, value.algorithm.clone(), value.value.clone()));
        }
        let keys = &mut self.shape(database_id)?.keys;
        keys.column_encryptions.push(ColumnEncryptionKey {
            id: keys.column_encryptions.iter().map(|k| k.id + 1).max().unwrap_or(1),
            name: name.into(),
            created: now,
            modified: now,
            values: out,
        });
        Ok(())
    }

    pub(super) fn credential(&mut self, name: &str, identity: &str, alter: bool) -> DdlResult<()> {
        let database_id = self.rare_place("CONTROL")?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        let at = database.keys.credentials.iter().position(|c| database.same(&c.name, name));
        let changed = self.shape(database_id)?;
        match (at, alter) {
            (Some(at), true) => {
                changed.keys.credentials[at].identity = identity.into();
                changed.keys.credentials[at].modified = now;
            }
            (None, false) => {
                let id = changed.new_other_id();
                let made = Credential { id, name: name.into(), identity: identity.into(), created: now, modified: now };
                changed.keys.credentials.push(made);
            }
            (Some(_), false) => return Err(already(name)),
            (None, true) => return Err(cannot_find("alter", "credential", name)),
        }
        Ok(())
    }
}

/// The first of a database's keys that has a name.
pub(super) fn encryption_key(database: &Database, name: &str) -> Option<i32> {
    database.keys.column_encryptions.iter().find(|k| database.same(&k.name, name)).map(|k| k.id)
}

// Assumption: class 16; the documentation lists 15282 with 10, which would be no error.
fn already(name: &str) -> DdlError {
    DdlError::new(
        15282,
        1,
        16,
        format!(
            "A key with name '{name}' or user defined unique identifier already exists or you do not have permissions to create it."
        ),
    )
}

fn no_master_key() -> DdlError {
    DdlError::new(
        15581,
        1,
        16,
        "Please create a master key in the database or open the master key in the session before performing this operation.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_certificates() {
        let new_year = moment("20200101").unwrap();
        assert_eq!(moment("2020-01-01T00:00:00"), Some(new_year));
        assert_eq!(moment("01/01/2020"), Some(new_year));
        assert_eq!(moment("2020-01-01T00:00:01").unwrap().0 - new_year.0, 1000);
        assert_eq!(moment("soon"), None);
        assert_eq!(moment("2020-13-01"), None);
    }
}
