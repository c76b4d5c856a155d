//! Views of keys, certificates and credentials.

use super::{Cell, Scan};
use crate::sandbox::meta::crypto::Protection;

/// `pvt_key_encryption_type` and its text.
fn private(p: &Protection) -> (&'static str, &'static str) {
    match p {
        Protection::None => ("NA", "NO_PRIVATE_KEY"),
        Protection::MasterKey => ("MK", "ENCRYPTED_BY_MASTER_KEY"),
        _ => ("PW", "ENCRYPTED_BY_PASSWORD"),
    }
}

/// `key_algorithm`, its text and the length in bits.
fn symmetric(algorithm: &str) -> (&'static str, String, i32) {
    match algorithm {
        "DES" => ("D ", "DES".into(), 56),
        "TRIPLE_DES" => ("D3", "TRIPLE_DES".into(), 128),
        "TRIPLE_DES_3KEY" => ("D3", "TRIPLE_DES_3KEY".into(), 192),
        "DESX" => ("DX", "DESX".into(), 192),
        "RC2" => ("R2", "RC2".into(), 128),
        "RC4" => ("R4", "RC4".into(), 40),
        "RC4_128" => ("R4", "RC4".into(), 128),
        "AES_128" => ("A1", "AES_128".into(), 128),
        "AES_192" => ("A2", "AES_192".into(), 192),
        _ => ("A3", "AES_256".into(), 256),
    }
}

/// `sys.symmetric_keys`; the master key among them.
pub(super) fn symmetric_keys(s: &mut Scan<'_, '_>) {
    let keys = &s.db().keys;
    if let Some(m) = &keys.master {
        s.row(&|column| match column {
            "name" => "##MS_DatabaseMasterKey##".into(),
            "principal_id" => 1.into(),
            "symmetric_key_id" => 101.into(),
            "key_length" => 256.into(),
            "key_algorithm" => "A3".into(),
            "algorithm_desc" => "AES_256".into(),
            "create_date" => m.created.into(),
            "modify_date" => m.modified.into(),
            "key_guid" => Cell::Guid(m.guid),
            _ => Cell::Unsaid,
        });
    }
    for k in &keys.symmetric {
        let (code, text, length) = symmetric(&k.algorithm);
        s.row(&|column| match column {
            "name" => (&k.name).into(),
            "principal_id" => k.owner.into(),
            "symmetric_key_id" => k.id.into(),
            "key_length" => length.into(),
            "key_algorithm" => code.into(),
            "algorithm_desc" => (&text).into(),
            "create_date" => k.created.into(),
            "modify_date" => k.modified.into(),
            "key_guid" => Cell::Guid(k.guid),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.key_encryptions`: how symmetric keys are protected; the bits are nobody's business.
pub(super) fn key_encryptions(s: &mut Scan<'_, '_>) {
    let keys = &s.db().keys;
    let mut all: Vec<(i32, Protection)> = Vec::new();
    if let Some(m) = &keys.master {
        if m.by_server {
            all.push((101, Protection::MasterKey));
        }
        all.push((101, Protection::Password));
    }
    all.extend(keys.symmetric.iter().flat_map(|k| k.protections.iter().map(|p| (k.id, p.clone()))));
    for (id, p) in all {
        let (code, text, thumbprint) = match &p {
            Protection::MasterKey => ("ESKM", "ENCRYPTION BY MASTER KEY", None),
            Protection::Certificate(t) => ("EPUC", "ENCRYPTION BY CERTIFICATE", Some(t.clone())),
            Protection::AsymmetricKey(t) => ("EPUA", "ENCRYPTION BY ASYMMETRIC KEY", Some(t.clone())),
            Protection::SymmetricKey(g) => ("ESKS", "ENCRYPTION BY SYMMETRIC KEY", Some(g.to_vec())),
            _ => ("ESP2", "ENCRYPTION BY PASSWORD V2", None),
        };
        s.row(&|column| match column {
            "key_id" => id.into(),
            "thumbprint" => thumbprint.clone().map_or(Cell::Null, Cell::Bytes),
            "crypt_type" => code.into(),
            "crypt_type_desc" => text.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.asymmetric_keys`.
pub(super) fn asymmetric_keys(s: &mut Scan<'_, '_>) {
    for k in &s.db().keys.asymmetric {
        let (code, text) = private(&k.protection);
        let (algorithm, length) = match k.algorithm.as_str() {
            "RSA_512" => ("1R", 512),
            "RSA_1024" => ("2R", 1024),
            "RSA_3072" => ("4R", 3072),
            "RSA_4096" => ("5R", 4096),
            _ => ("3R", 2048),
        };
        s.row(&|column| match column {
            "name" => (&k.name).into(),
            "principal_id" => k.owner.into(),
            "asymmetric_key_id" => k.id.into(),
            "pvt_key_encryption_type" => code.into(),
            "pvt_key_encryption_type_desc" => text.into(),
            "thumbprint" => Cell::Bytes(k.thumbprint.clone()),
            "algorithm" => algorithm.into(),
            "algorithm_desc" => format!("RSA_{length}").into(),
            "key_length" => length.into(),
            "sid" => Cell::Bytes(crate::sandbox::ddl::exec::key_sid(&k.thumbprint)),
            // No key was ever made: there is nothing public of it either.
            "public_key" => Cell::Bytes(Vec::new()),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.certificates`.
pub(super) fn certificates(s: &mut Scan<'_, '_>) {
    for c in &s.db().keys.certificates {
        let (code, text) = private(&c.protection);
        s.row(&|column| match column {
            "name" => (&c.name).into(),
            "certificate_id" => c.id.into(),
            "principal_id" => c.owner.into(),
            "pvt_key_encryption_type" => code.into(),
            "pvt_key_encryption_type_desc" => text.into(),
            "is_active_for_begin_dialog" => c.begin_dialog.into(),
            // Self-signed.
            "issuer_name" | "subject" => (&c.subject).into(),
            "cert_serial_number" => (&c.serial).into(),
            "sid" => Cell::Bytes(crate::sandbox::ddl::exec::key_sid(&c.thumbprint)),
            "expiry_date" => c.expiry.into(),
            "start_date" => c.start.into(),
            "thumbprint" => Cell::Bytes(c.thumbprint.clone()),
            "key_length" => 2048.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.column_master_keys`.
pub(super) fn column_masters(s: &mut Scan<'_, '_>) {
    for k in &s.db().keys.column_masters {
        s.row(&|column| match column {
            "name" => (&k.name).into(),
            "column_master_key_id" => k.id.into(),
            "create_date" => k.created.into(),
            "modify_date" => k.modified.into(),
            "key_store_provider_name" => (&k.provider).into(),
            "key_path" => (&k.path).into(),
            "allow_enclave_computations" => k.signature.is_some().into(),
            "signature" => k.signature.clone().map_or(Cell::Null, Cell::Bytes),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.column_encryption_keys`.
pub(super) fn column_encryptions(s: &mut Scan<'_, '_>) {
    for k in &s.db().keys.column_encryptions {
        s.row(&|column| match column {
            "name" => (&k.name).into(),
            "column_encryption_key_id" => k.id.into(),
            "create_date" => k.created.into(),
            "modify_date" => k.modified.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.column_encryption_key_values`.
pub(super) fn column_encryption_values(s: &mut Scan<'_, '_>) {
    for k in &s.db().keys.column_encryptions {
        for (master, algorithm, value) in &k.values {
            s.row(&|column| match column {
                "column_encryption_key_id" => k.id.into(),
                "column_master_key_id" => (*master).into(),
                "encrypted_value" => Cell::Bytes(value.clone()),
                "encryption_algorithm_name" => algorithm.into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.database_scoped_credentials` and, with the same rows, `sys.database_credentials` of Azure.
pub(super) fn credentials(s: &mut Scan<'_, '_>) {
    for c in &s.db().keys.credentials {
        s.row(&|column| match column {
            "name" => (&c.name).into(),
            "credential_id" => c.id.into(),
            "principal_id" => 1.into(),
            "credential_identity" => (&c.identity).into(),
            "create_date" => c.created.into(),
            "modify_date" => c.modified.into(),
            "target_type" => Cell::Null,
            "target_id" => 0.into(),
            _ => Cell::Unsaid,
        });
    }
}
