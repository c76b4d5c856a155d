//! Rows of a table and the keys of its indexes.

use crate::sandbox::meta::{Index, IndexKind};

/// Whether the rows of an index are kept as ordered keys (columnstores, XML and spatial indexes are metadata only).
pub fn kept(ix: &Index) -> bool {
    matches!(ix.kind, IndexKind::Clustered | IndexKind::Nonclustered | IndexKind::Hash)
}
