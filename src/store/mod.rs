//! Where backups lie: a local folder now, made for `object_store`. Names, manifests, listing.

pub mod manifest;
