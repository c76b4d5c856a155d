//! The local folder: the crash-safe protocol by which a backup gets its name, and the listing.
//!
//! A backup is written as `NAME.bacpac.partial` under an exclusive lock, synced, and read back by whoever writes it.
//! [`Pending::publish`] then puts the manifest aside (`NAME.bacpac.json.partial`, synced), renames the backup without
//! overwriting, syncs the folder, and renames the manifest. So at every moment
//! - a file under a final name is complete and was verified;
//! - a crash between the two renames leaves the manifest aside, which [`Store::recover`] puts in its place;
//! - the lock, which the system drops with its process, tells a dead job's leftover from a living one's.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::manifest::Manifest;
use super::name::{self, EXTENSION};
use super::{Beside, Fate, FileSource, Leftover, Listing, Pending, Store, StoreError, Stored};
use crate::bacpac::package::Source;
use crate::config::{Pattern, Said, Word};

const PARTIAL: &str = ".partial";
const MANIFEST: &str = ".json";
/// A manifest being replaced; one that is older than an hour was left by a crash.
const REPLACING: &str = ".pacrat-manifest-";
const REPLACING_IS_OLD: Duration = Duration::from_secs(3600);
/// No manifest is that large; a larger file is not one.
const LARGEST_MANIFEST: u64 = 256 << 20;

/// A folder of backups.
#[derive(Debug, Clone)]
pub struct Folder {
    name: String,
    path: PathBuf,
    pattern: Pattern,
}

impl Folder {
    /// The folder at `path`. It is made when the first backup is written, and empty until then.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), path: path.into(), pattern: Pattern::backup_default() }
    }

    /// The same, its files named by that pattern.
    pub fn named_by(self, pattern: Pattern) -> Self {
        Self { pattern, ..self }
    }

    /// The path of a backup's name, which must be a name and nothing more.
    fn at(&self, file: &str) -> Result<PathBuf, StoreError> {
        let mut parts = Path::new(file).components();
        let plain = matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(_)), None));
        if !plain || file.contains(['/', '\\', '\0']) || !file.ends_with(EXTENSION) {
            return Err(StoreError::Name(file.into()));
        }
        Ok(self.path.join(file))
    }

    fn names(&self) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let (mut names, mut remarks) = (Vec::new(), Vec::new());
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok((names, remarks)),
            Err(e) => return Err(StoreError::io("list", &self.path)(e)),
        };
        for entry in entries {
            let entry = entry.map_err(StoreError::io("list", &self.path))?;
            match entry.file_name().into_string() {
                Ok(name) => names.push(name),
                Err(raw) => remarks.push(format!("{} is not UTF-8", raw.to_string_lossy())),
            }
        }
        Ok((names, remarks))
    }

    fn stored(&self, file: &str, has_manifest: bool) -> Result<Option<Stored>, StoreError> {
        let path = self.path.join(file);
        let data = match std::fs::metadata(&path) {
            Ok(data) => data,
            // Removed since the folder was read.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::io("look at", path)(e)),
        };
        if !data.is_file() {
            return Ok(None);
        }
        let modified = data.modified().ok().and_then(|t| Timestamp::try_from(t).ok()).unwrap_or_default();
        let manifest = if has_manifest { read_manifest(&with(&path, MANIFEST)) } else { Beside::Nothing };
        let said = name::parse(&self.pattern, file);
        Ok(Some(Stored { file: file.to_owned(), said, size: data.len(), modified, manifest }))
    }

    fn sync_folder(&self) -> Result<(), StoreError> {
        sync_folder(&self.path)
    }
}

/// Names inside a folder last only when the folder itself is synced.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(path).and_then(|d| d.sync_all()).map_err(StoreError::io("sync the folder", path))?;
    }
    Ok(())
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn read_manifest(path: &Path) -> Beside {
    let read = || -> std::io::Result<Vec<u8>> {
        // A pipe would keep whoever opens it waiting.
        if !std::fs::metadata(path)?.file_type().is_file() {
            return Err(std::io::Error::new(ErrorKind::InvalidInput, "it is no file"));
        }
        let file = File::open(path)?;
        // Room for all of it and one byte more: two reads a manifest, where a listing has ten thousand of them.
        let size = file.metadata()?.len().min(LARGEST_MANIFEST);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
        file.take(LARGEST_MANIFEST).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(manifest) => Beside::Manifest(Box::new(manifest)),
            Err(e) => Beside::Unreadable(format!("{}: {e}", path.display())),
        },
        Err(e) if e.kind() == ErrorKind::NotFound => Beside::Nothing,
        Err(e) => Beside::Unreadable(format!("{}: {e}", path.display())),
    }
}

/// Rename, and fail with `AlreadyExists` where the new name is taken: no moment at which it could be overwritten.
fn rename_new(from: &Path, to: &Path) -> Result<(), std::io::Error> {
    let from = tempfile::TempPath::try_from_path(from)?;
    match from.persist_noclobber(to) {
        Ok(()) => Ok(()),
        Err(failed) => {
            // The path removes itself when dropped; the file is still wanted.
            let _ = failed.path.keep();
            Err(failed.error)
        }
    }
}

fn to_json(manifest: &Manifest, path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut json = serde_json::to_vec_pretty(manifest)
        .map_err(|e| StoreError::Manifest { path: path.to_path_buf(), why: e.to_string() })?;
    json.push(b'\n');
    Ok(json)
}

/// Whether a living process holds the lock of a file. `None`: the file system has no locks, nothing can be said.
fn is_locked(path: &Path) -> Result<Option<bool>, std::io::Error> {
    // What is no file has no lock, and opening a pipe would wait for its other end.
    if !std::fs::metadata(path)?.file_type().is_file() {
        return Ok(Some(false));
    }
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(false)),
        Err(TryLockError::WouldBlock) => Ok(Some(true)),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

impl Store for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn begin(&self, tenant: &str, database: &str, at: Timestamp) -> Result<Box<dyn Pending>, StoreError> {
        std::fs::create_dir_all(&self.path).map_err(StoreError::io("make the folder", &self.path))?;
        let mut nth = 1;
        loop {
            let file = name::backup_file(&self.pattern, tenant, database, at, nth);
            if let Some(output) = claim(&self.path.join(&file))? {
                let folder = self.clone();
                let names = Names { tenant: tenant.to_owned(), database: database.to_owned(), at, nth };
                return Ok(Box::new(PendingFile { folder, names, file, output: Some(output) }));
            }
            nth += 1;
        }
    }

    fn list(&self, tenant: Option<&str>) -> Result<Listing, StoreError> {
        let (names, remarks) = self.names()?;
        let all: HashSet<&str> = names.iter().map(String::as_str).collect();
        let wanted: Vec<(&str, bool)> = names
            .iter()
            .filter(|n| n.ends_with(EXTENSION) && !n.starts_with('.'))
            // Another tenant's name: its manifest need not be read. A name that was cut says nothing for certain.
            .filter(|n| match tenant.and_then(|t| Some((t, name::parse(&self.pattern, n)?))) {
                Some((tenant, Said { word: Word::Tenant, text, .. })) => text == tenant || name::maybe_cut(&text),
                _ => true,
            })
            .map(|n| (n.as_str(), all.contains(format!("{n}{MANIFEST}").as_str())))
            .collect();
        let mut listing = Listing { backups: Vec::with_capacity(wanted.len()), remarks };
        // Ten thousand manifests: the disk and the JSON reader work side by side.
        let share = wanted.len().div_ceil(std::thread::available_parallelism().map_or(1, |n| n.get().min(8)));
        let results: Vec<_> = std::thread::scope(|scope| {
            let look = |part: &[(&str, bool)]| -> Vec<Result<Option<Stored>, StoreError>> {
                part.iter().map(|(file, has)| self.stored(file, *has)).collect()
            };
            let handles: Vec<_> = wanted.chunks(share.max(256)).map(|part| scope.spawn(move || look(part))).collect();
            // A part that was lost would be backups that nobody sees.
            let joined = |h: std::thread::ScopedJoinHandle<'_, _>| h.join().unwrap_or_else(|p| resume_unwind(p));
            handles.into_iter().flat_map(joined).collect()
        });
        for result in results {
            match result {
                Ok(Some(stored)) => listing.backups.push(stored),
                Ok(None) => {}
                Err(e) => listing.remarks.push(e.to_string()),
            }
        }
        Ok(listing)
    }

    fn stat(&self, file: &str) -> Result<Stored, StoreError> {
        self.at(file)?;
        let missing = || StoreError::Missing { store: self.name.clone(), file: file.into() };
        self.stored(file, true)?.ok_or_else(missing)
    }

    fn open(&self, file: &str) -> Result<Box<dyn Source>, StoreError> {
        let path = self.at(file)?;
        match FileSource::open(&path) {
            Ok(file) => Ok(Box::new(file)),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Err(StoreError::Missing { store: self.name.clone(), file: file.into() })
            }
            Err(e) => Err(StoreError::io("open", path)(e)),
        }
    }

    fn put_manifest(&self, file: &str, manifest: &Manifest) -> Result<(), StoreError> {
        let path = with(&self.at(file)?, MANIFEST);
        let json = to_json(manifest, &path)?;
        let replace = || -> std::io::Result<()> {
            let mut new = tempfile::Builder::new().prefix(REPLACING).tempfile_in(&self.path)?;
            new.write_all(&json)?;
            new.as_file().sync_all()?;
            // Such a file is made for its owner alone; a manifest may be read like the backup beside it.
            if let Ok(data) = std::fs::metadata(self.path.join(file)) {
                new.as_file().set_permissions(data.permissions())?;
            }
            new.persist(&path)?;
            Ok(())
        };
        replace().map_err(StoreError::io("write", &path))?;
        self.sync_folder()
    }

    fn recover(&self) -> Result<Vec<Leftover>, StoreError> {
        let (names, _) = self.names()?;
        let mut found = Vec::new();
        for name in &names {
            let path = self.path.join(name);
            let Ok(data) = std::fs::metadata(&path) else { continue };
            if !data.is_file() {
                continue;
            }
            let manifest_suffix = format!("{EXTENSION}{MANIFEST}{PARTIAL}");
            let decided = if name.ends_with(&manifest_suffix) {
                let backup = &name[..name.len() - MANIFEST.len() - PARTIAL.len()];
                self.manifest_aside(&path, &self.path.join(backup))
            } else if name.ends_with(&format!("{EXTENSION}{PARTIAL}")) {
                partial(&path)
            } else if name.starts_with(REPLACING) {
                match data.modified().ok().and_then(|t| t.elapsed().ok()) {
                    Some(age) if age > REPLACING_IS_OLD => remove(&path),
                    _ => continue,
                }
            } else {
                continue;
            };
            let fate = match decided {
                Ok(Some(fate)) => fate,
                // Gone meanwhile.
                Ok(None) => continue,
                Err(e) => Fate::Kept(e.to_string()),
            };
            found.push(Leftover { file: name.clone(), size: data.len(), fate });
        }
        if found.iter().any(|l| matches!(l.fate, Fate::Removed | Fate::ManifestPlaced)) {
            self.sync_folder()?;
        }
        found.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(found)
    }
}

fn remove(path: &Path) -> Result<Option<Fate>, std::io::Error> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(Some(Fate::Removed)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn no_locks() -> Option<Fate> {
    Some(Fate::Kept("this file system has no locks: whether its job lives cannot be told".into()))
}

/// A backup under its partial name: removed under its own lock if nobody holds that.
fn partial(path: &Path) -> Result<Option<Fate>, std::io::Error> {
    let file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    match file.try_lock() {
        Ok(()) => remove(path),
        Err(TryLockError::WouldBlock) => Ok(Some(Fate::InUse)),
        Err(TryLockError::Error(_)) => Ok(no_locks()),
    }
}

impl Folder {
    /// A manifest put aside: placed if its backup has its name, removed if that never happened.
    fn manifest_aside(&self, aside: &Path, backup: &Path) -> Result<Option<Fate>, std::io::Error> {
        for file in [backup.to_path_buf(), with(backup, PARTIAL)] {
            match is_locked(&file) {
                Ok(Some(true)) => return Ok(Some(Fate::InUse)),
                Ok(Some(false)) => {}
                Ok(None) => return Ok(no_locks()),
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        let complete = match (std::fs::metadata(backup), read_manifest(aside)) {
            // The size tells this backup from a stranger's file of the same name.
            (Ok(data), Beside::Manifest(manifest)) => data.len() == manifest.size,
            _ => false,
        };
        if !complete {
            return remove(aside);
        }
        match rename_new(aside, &with(backup, MANIFEST)) {
            Ok(()) => Ok(Some(Fate::ManifestPlaced)),
            // There is one already.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => remove(aside),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Make and lock the partial file of a final name; none if that name or its partial is taken.
fn claim(path: &Path) -> Result<Option<File>, StoreError> {
    let partial = with(path, PARTIAL);
    loop {
        let file = match OpenOptions::new().read(true).write(true).create_new(true).open(&partial) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(e) => return Err(StoreError::io("create", partial)(e)),
        };
        // Where locks are not to be had, leftovers are reported and not removed: see `no_locks`.
        let _ = file.lock();
        // Another process that starts just now may have taken the file, before it was locked, for a dead one's.
        if !is_at(&file, &partial) {
            continue;
        }
        // Looked at after the claim: whoever published this name meanwhile had the claim before.
        if path.exists() || with(path, MANIFEST).exists() {
            let _ = std::fs::remove_file(&partial);
            return Ok(None);
        }
        return Ok(Some(file));
    }
}

/// Whether the open file still is the one under that path.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let ids = |m: std::fs::Metadata| (m.dev(), m.ino());
        file.metadata().map(ids).ok() == std::fs::metadata(path).map(ids).ok()
    }
    #[cfg(not(unix))]
    {
        // An open file cannot be removed there.
        let _ = file;
        path.exists()
    }
}

/// The names a backup may get.
struct Names {
    tenant: String,
    database: String,
    at: Timestamp,
    nth: u32,
}

/// A backup under its partial name.
struct PendingFile {
    folder: Folder,
    names: Names,
    file: String,
    /// None once it is published or discarded. The lock lives as long.
    output: Option<File>,
}

impl PendingFile {
    fn final_path(&self) -> PathBuf {
        self.folder.path.join(&self.file)
    }

    fn partial_path(&self) -> PathBuf {
        with(&self.final_path(), PARTIAL)
    }

    fn aside_path(&self) -> PathBuf {
        with(&with(&self.final_path(), MANIFEST), PARTIAL)
    }

    /// Step 1 of publishing: the manifest, whole and on the disk, under a name that is not listed.
    fn put_manifest_aside(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let path = self.aside_path();
        let json = to_json(manifest, &path)?;
        let write = || -> std::io::Result<()> {
            // What lies there is a dead job's, or a link that somebody laid to a file that is not ours to write.
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            let mut file = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&path)?);
            file.write_all(&json)?;
            file.flush()?;
            file.get_ref().sync_all()
        };
        write().map_err(StoreError::io("write", &path))?;
        self.folder.sync_folder()
    }

    /// Step 2: the backup's own name; false if somebody else has it.
    fn name_backup(&self) -> Result<bool, StoreError> {
        match rename_new(&self.partial_path(), &self.final_path()) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(StoreError::io("name", self.final_path())(e)),
        }
    }

    /// Step 4, after the folder was synced: the manifest's name.
    fn name_manifest(&self) -> Result<(), StoreError> {
        let path = with(&self.final_path(), MANIFEST);
        rename_new(&self.aside_path(), &path).map_err(StoreError::io("name", path))
    }

    /// A stranger took the name: move to the next one that is free.
    fn next_name(&mut self) -> Result<(), StoreError> {
        let (old, aside) = (self.partial_path(), self.aside_path());
        loop {
            self.names.nth += 1;
            let Names { tenant, database, at, nth } = &self.names;
            self.file = name::backup_file(&self.folder.pattern, tenant, database, *at, *nth);
            if self.final_path().exists() || with(&self.final_path(), MANIFEST).exists() {
                continue;
            }
            match rename_new(&old, &self.partial_path()) {
                Ok(()) => {
                    let _ = std::fs::remove_file(aside);
                    return Ok(());
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(StoreError::io("rename", old)(e)),
            }
        }
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        let Some(output) = self.output.take() else { return Ok(()) };
        let aside = self.aside_path();
        if let Err(e) = std::fs::remove_file(&aside)
            && e.kind() != ErrorKind::NotFound
        {
            return Err(StoreError::io("remove", aside)(e));
        }
        let partial = self.partial_path();
        // Under the lock still; closed only afterwards.
        let removed = std::fs::remove_file(&partial);
        drop(output);
        match removed {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(StoreError::io("remove", partial)(e)),
            _ => Ok(()),
        }
    }
}

impl Pending for PendingFile {
    fn file(&self) -> &str {
        &self.file
    }

    fn writer(&mut self) -> &mut (dyn Write + Send) {
        match &mut self.output {
            Some(file) => file,
            // Unreachable by the signatures: publish and discard take the value.
            None => unreachable!("a pending backup is written after its end"),
        }
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        match &self.output {
            Some(file) => file.sync_all().map_err(StoreError::io("sync", self.partial_path())),
            None => Ok(()),
        }
    }

    fn read_back(&self) -> Result<Box<dyn Source>, StoreError> {
        let path = self.partial_path();
        // Opened by its name: what is checked is what the name leads to.
        Ok(Box::new(FileSource::open(&path).map_err(StoreError::io("open", path))?))
    }

    fn publish(mut self: Box<Self>, manifest: &Manifest) -> Result<String, StoreError> {
        loop {
            self.put_manifest_aside(manifest)?;
            if self.name_backup()? {
                break;
            }
            self.next_name()?;
        }
        // From here on the backup is there, whatever happens to the manifest: nothing is removed any more.
        let lock = self.output.take();
        self.folder.sync_folder()?;
        self.name_manifest()?;
        self.folder.sync_folder()?;
        drop(lock);
        Ok(std::mem::take(&mut self.file))
    }

    fn discard(mut self: Box<Self>) -> Result<(), StoreError> {
        self.clear()
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        // The last resort of a path that did not say discard; a file that cannot be removed is found at the next start.
        let _ = self.clear();
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
