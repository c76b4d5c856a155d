//! Row-level security and classifications, as metadata: every row is shown to everybody.

use serde::{Deserialize, Serialize};

/// SECURITY POLICY: an object of its schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SecurityPolicy {
    pub enabled: bool,
    pub not_for_replication: bool,
    pub schema_bound: bool,
    pub predicates: Vec<Predicate>,
}

/// A predicate of a policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Predicate {
    pub id: i32,
    /// The table or view.
    pub target: i32,
    /// Normalised, in parentheses.
    pub definition: String,
    pub block: bool,
    /// 1 AFTER INSERT, 2 AFTER UPDATE, 3 BEFORE UPDATE, 4 BEFORE DELETE.
    pub operation: Option<u8>,
}

/// SENSITIVITY CLASSIFICATION of a column.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Classification {
    pub object_id: i32,
    pub column_id: i32,
    pub label: Option<String>,
    pub label_id: Option<String>,
    pub information_type: Option<String>,
    pub information_type_id: Option<String>,
    /// NONE, LOW, MEDIUM, HIGH, CRITICAL.
    pub rank: Option<String>,
}
