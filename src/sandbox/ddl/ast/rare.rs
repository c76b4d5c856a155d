//! Definition statements of the kinds that few databases have: service broker, keys, external sources, assemblies,
//! security policies, stop lists, classifications.

use super::{ObjectName, Opt, TableDef};
use crate::sandbox::ddl::expression::Expr;

/// VALIDATION of a message type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Validation {
    None,
    Empty,
    WellFormed,
    /// VALID_XML WITH SCHEMA COLLECTION.
    Schema(ObjectName),
}

/// ACTIVATION of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ActivationDef {
    pub drop: bool,
    pub status: Option<bool>,
    pub procedure: Option<ObjectName>,
    pub readers: Option<i16>,
    /// OWNER, SELF or a user.
    pub execute_as: Option<String>,
}

/// WITH … of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct QueueDef {
    pub status: Option<bool>,
    pub retention: Option<bool>,
    pub poison: Option<bool>,
    pub activation: Option<ActivationDef>,
}

/// One ENCRYPTION BY.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Encryption {
    /// The password is not kept.
    Password,
    Certificate(String),
    SymmetricKey(String),
    AsymmetricKey(String),
}

/// A value of a column encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct KeyValue {
    pub master: String,
    pub algorithm: String,
    pub value: Vec<u8>,
}

/// ADD, ALTER or DROP of a predicate.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct PredicateDef {
    /// `ADD`, `ALTER`, `DROP`.
    pub verb: String,
    pub block: bool,
    /// The call of the predicate function; none with DROP.
    pub call: Option<Expr>,
    pub target: ObjectName,
    /// As [`crate::sandbox::meta::policy::Predicate::operation`].
    pub operation: Option<u8>,
}

/// A kind that is dropped by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RareKind {
    MessageType,
    Contract,
    Queue,
    Service,
    Route,
    RemoteServiceBinding,
    EventNotification,
    MasterKey,
    SymmetricKey,
    AsymmetricKey,
    Certificate,
    ColumnMasterKey,
    ColumnEncryptionKey,
    Credential,
    ExternalDataSource,
    ExternalFileFormat,
    ExternalTable,
    Assembly,
    SecurityPolicy,
    StopList,
}

/// What stands in an EVENT NOTIFICATION.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct NotificationDef {
    pub name: String,
    /// A queue; none for the database.
    pub queue: Option<ObjectName>,
    pub fan_in: bool,
    pub events: Vec<String>,
    pub service: String,
    pub broker: String,
}

/// What stands in a CERTIFICATE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CertificateDef {
    pub name: String,
    pub owner: Option<String>,
    pub password: bool,
    pub subject: String,
    pub start: Option<String>,
    pub expiry: Option<String>,
    pub begin_dialog: bool,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Rare {
    MessageType {
        name: String,
        owner: Option<String>,
        validation: Validation,
        alter: bool,
    },
    Contract {
        name: String,
        owner: Option<String>,
        /// Message type, by the initiator, by the target.
        messages: Vec<(String, bool, bool)>,
    },
    Queue {
        name: ObjectName,
        queue: QueueDef,
        alter: bool,
    },
    Service {
        name: String,
        owner: Option<String>,
        queue: ObjectName,
        contracts: Vec<String>,
    },
    Route {
        name: String,
        owner: Option<String>,
        options: Vec<Opt>,
        alter: bool,
    },
    RemoteServiceBinding {
        name: String,
        owner: Option<String>,
        service: String,
        options: Vec<Opt>,
    },
    EventNotification(NotificationDef),
    MasterKey,
    AlterMasterKey {
        /// ADD or DROP ENCRYPTION BY SERVICE MASTER KEY.
        by_server: Option<bool>,
    },
    SymmetricKey {
        name: String,
        owner: Option<String>,
        algorithm: String,
        by: Vec<Encryption>,
    },
    AsymmetricKey {
        name: String,
        owner: Option<String>,
        algorithm: String,
        password: bool,
    },
    Certificate(CertificateDef),
    ColumnMasterKey {
        name: String,
        provider: String,
        path: String,
        signature: Option<Vec<u8>>,
    },
    ColumnEncryptionKey {
        name: String,
        values: Vec<KeyValue>,
    },
    Credential {
        name: String,
        identity: String,
        alter: bool,
    },
    ExternalDataSource {
        name: String,
        options: Vec<Opt>,
        alter: bool,
    },
    ExternalFileFormat {
        name: String,
        options: Vec<Opt>,
    },
    ExternalTable {
        name: ObjectName,
        table: Box<TableDef>,
        options: Vec<Opt>,
    },
    Assembly {
        name: String,
        owner: Option<String>,
        files: Vec<Vec<u8>>,
        options: Vec<Opt>,
    },
    AlterAssembly {
        name: String,
        /// FROM: other bytes of the assembly itself.
        bytes: Option<Vec<u8>>,
        options: Vec<Opt>,
        /// DROP FILE; no names mean ALL.
        dropped: Option<Vec<String>>,
        /// ADD FILE: name and bytes.
        added: Vec<(String, Vec<u8>)>,
    },
    SecurityPolicy {
        name: ObjectName,
        predicates: Vec<PredicateDef>,
        options: Vec<Opt>,
        not_for_replication: Option<bool>,
        alter: bool,
    },
    StopList {
        name: String,
        owner: Option<String>,
        /// FROM another list, or the system's.
        from: Option<String>,
    },
    AlterStopList {
        name: String,
        /// `None` for DROP ALL.
        word: Option<String>,
        add: bool,
        language: Option<String>,
    },
    Classification {
        add: bool,
        /// Table and column.
        columns: Vec<(ObjectName, String)>,
        options: Vec<Opt>,
    },
    Drop {
        kind: RareKind,
        name: ObjectName,
        if_exists: bool,
    },
}
