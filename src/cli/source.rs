//! `FILE|BACKUP` on the command line: a path, or a name that a store lists.

use std::path::Path;

use crate::engine::catalog::Stores;
use crate::engine::command::{BackupRef, PackageSource};
use crate::engine::event::{Failure, FailureKind};

/// A file, if the argument is one: it has a folder in it, or there is such a file here.
pub fn as_file(argument: &str) -> Option<PackageSource> {
    let path = Path::new(argument);
    let is_path = argument.contains(std::path::MAIN_SEPARATOR) || path.is_absolute() || path.is_file();
    is_path.then(|| PackageSource::File { path: argument.to_owned() })
}

/// A file or a backup of the stores.
pub fn resolve(argument: &str, stores: &Stores) -> Result<PackageSource, Failure> {
    if let Some(file) = as_file(argument) {
        return Ok(file);
    }
    if let Some(backup) = as_backup(argument, stores)? {
        return Ok(PackageSource::Backup(backup));
    }
    Err(Failure::new(format!("there is no file and no backup {argument}"))
        .kind(FailureKind::Request)
        .hint("pacrat list shows the backups; a path needs a slash, as in ./name.bacpac, or a file that is there"))
}

/// A backup of the stores, by its file's name with or without the ending.
pub fn as_backup(argument: &str, stores: &Stores) -> Result<Option<BackupRef>, Failure> {
    for name in [argument.to_owned(), format!("{argument}{}", crate::store::name::EXTENSION)] {
        if let Some(backup) = stores.find(&name)? {
            return Ok(Some(backup));
        }
    }
    Ok(None)
}

/// What a package is called.
pub fn label(source: &PackageSource) -> String {
    match source {
        PackageSource::Backup(backup) => backup.file.clone(),
        PackageSource::File { path } => {
            Path::new(path).file_name().map_or_else(|| path.clone(), |n| n.to_string_lossy().into_owned())
        }
    }
}
