//! Keys, certificates and credentials, as metadata: the secrets themselves are thrown away when they are read.

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// How a private key or symmetric key is protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protection {
    /// There is no private key.
    None,
    /// By the database's master key.
    MasterKey,
    /// By a password.
    Password,
    /// By a certificate: its thumbprint.
    Certificate(Vec<u8>),
    /// By an asymmetric key: its thumbprint.
    AsymmetricKey(Vec<u8>),
    /// By a symmetric key: its GUID.
    SymmetricKey([u8; 16]),
}

/// MASTER KEY.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MasterKey {
    pub guid: [u8; 16],
    pub created: Stamp,
    pub modified: Stamp,
    /// By the service's master key, too.
    pub by_server: bool,
}

/// SYMMETRIC KEY.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SymmetricKey {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    /// As written: `AES_256`.
    pub algorithm: String,
    pub guid: [u8; 16],
    pub created: Stamp,
    pub modified: Stamp,
    pub protections: Vec<Protection>,
}

/// ASYMMETRIC KEY.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AsymmetricKey {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    /// As written: `RSA_2048`.
    pub algorithm: String,
    pub protection: Protection,
    pub thumbprint: Vec<u8>,
}

/// CERTIFICATE.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Certificate {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    pub protection: Protection,
    pub begin_dialog: bool,
    pub subject: String,
    pub serial: String,
    pub start: Stamp,
    pub expiry: Stamp,
    pub thumbprint: Vec<u8>,
}

/// COLUMN MASTER KEY.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ColumnMasterKey {
    pub id: i32,
    pub name: String,
    pub created: Stamp,
    pub modified: Stamp,
    pub provider: String,
    pub path: String,
    /// ENCLAVE_COMPUTATIONS (SIGNATURE = …).
    pub signature: Option<Vec<u8>>,
}

/// COLUMN ENCRYPTION KEY: the values are ciphertext: master key, algorithm, bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ColumnEncryptionKey {
    pub id: i32,
    pub name: String,
    pub created: Stamp,
    pub modified: Stamp,
    pub values: Vec<(i32, String, Vec<u8>)>,
}

/// DATABASE SCOPED CREDENTIAL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Credential {
    pub id: i32,
    pub name: String,
    pub identity: String,
    pub created: Stamp,
    pub modified: Stamp,
}

/// What a database has of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Keys {
    pub master: Option<MasterKey>,
    pub symmetric: Vec<SymmetricKey>,
    pub asymmetric: Vec<AsymmetricKey>,
    pub certificates: Vec<Certificate>,
    pub column_masters: Vec<ColumnMasterKey>,
    pub column_encryptions: Vec<ColumnEncryptionKey>,
    pub credentials: Vec<Credential>,
}
