//! What the stores hold, as the dashboard and the command line list it: backups of all stores, newest first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::command::BackupRef;
use super::event::Failure;
use super::query::BackupInfo;
use crate::bacpac::package::{Limits, Package};
use crate::config::{Config, Word};
use crate::store::{Beside, Folder, Leftover, Store, Stored, name};

/// Packages that one listing opens at most: each takes a moment, and a listing must not.
const PACKAGES_ASKED: usize = 500;

/// What the stores hold, as far as they could be read.
#[derive(Debug)]
pub struct Listed {
    /// The backups, newest first.
    pub backups: Vec<BackupInfo>,
    /// Files that could not be looked at.
    pub remarks: Vec<String>,
    /// Stores that could not be read, and why.
    pub unread: BTreeMap<String, Failure>,
}

/// What dead processes left in the stores.
#[derive(Debug, Default)]
pub struct Found {
    /// Files, by store.
    pub files: Vec<(String, Leftover)>,
    /// Stores where nobody could look, and why.
    pub away: Vec<(String, Failure)>,
}

/// The stores by name.
#[derive(Clone)]
pub struct Stores {
    stores: Arc<BTreeMap<String, Arc<dyn Store>>>,
    /// The tenants by their databases, for files whose names tell the database alone.
    tenants: Arc<HashMap<String, String>>,
}

impl Stores {
    /// Those of a configuration.
    pub fn new(config: &Config) -> Self {
        let folder = |(name, store): (String, crate::config::StoreConfig)| -> (String, Arc<dyn Store>) {
            let pattern = config.backup_name.clone();
            (name.clone(), Arc::new(Folder::new(name, store.path).named_by(pattern)))
        };
        let tenants = config.tenants.iter().map(|(name, t)| (t.database.clone(), name.clone())).collect();
        let stores = config.effective_stores().into_iter().map(folder).collect();
        Self { stores: Arc::new(stores), tenants: Arc::new(tenants) }
    }

    /// A store by its name.
    pub fn get(&self, name: &str) -> Result<&Arc<dyn Store>, Failure> {
        self.stores.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.stores.keys().map(String::as_str).collect();
            Failure::new(format!("there is no store {name} in the configuration"))
                .kind(super::event::FailureKind::Request)
                .hint(format!("the stores are: {}", known.join(", ")))
        })
    }

    /// The backups of a tenant, or of all, newest first, and what could not be looked at. One store that is away hides
    /// none of what the others hold; an error where there is nothing else. Blocks.
    pub fn backups(&self, tenant: Option<&str>) -> Result<Listed, Failure> {
        let (mut backups, mut remarks, mut unread) = (Vec::new(), Vec::new(), BTreeMap::new());
        for store in self.stores.values() {
            let listing = match store.list(tenant) {
                Ok(listing) => listing,
                Err(error) if self.stores.len() == 1 => return Err(error.into()),
                Err(error) => {
                    unread.insert(store.name().to_owned(), Failure::from(error));
                    continue;
                }
            };
            remarks.extend(listing.remarks.into_iter().map(|r| format!("{}: {r}", store.location())));
            for stored in listing.backups {
                let said = stored.said.as_ref().map(|s| s.word);
                let mut info = info(store.name(), stored);
                if said == Some(Word::Database) && info.manifest.is_none() {
                    info.tenant = self.tenants.get(&info.tenant).cloned().unwrap_or(info.tenant);
                }
                backups.push((info, said.is_none()));
            }
        }
        self.ask_packages(&mut backups);
        let mut backups: Vec<BackupInfo> = backups.into_iter().map(|(info, _)| info).collect();
        if let Some(tenant) = tenant {
            backups.retain(|b| b.tenant == tenant);
        }
        backups.sort_by(|a, b| b.taken.cmp(&a.taken).then_with(|| b.backup.file.cmp(&a.backup.file)));
        if unread.len() == self.stores.len()
            && let Some((_, failure)) = unread.pop_first()
        {
            return Err(failure);
        }
        Ok(Listed { backups, remarks, unread })
    }

    /// A file brought by hand under a name of its own: whose it is, and when it was made, its package says.
    fn ask_packages(&self, backups: &mut [(BackupInfo, bool)]) {
        let foreign = backups.iter_mut().filter(|(b, foreign)| *foreign && b.manifest.is_none() && b.problem.is_none());
        for (backup, _) in foreign.take(PACKAGES_ASKED) {
            let opened = self.get(&backup.backup.store).ok().and_then(|s| s.open(&backup.backup.file).ok());
            let Some(source) = opened else { continue };
            match Package::open(source, Limits::default()) {
                Ok(package) => {
                    backup.tenant = package.metadata().name.clone().unwrap_or_else(|| backup.tenant.clone());
                    let start = package.origin().start.as_deref().and_then(|t| t.parse().ok());
                    backup.taken = start.unwrap_or(backup.taken);
                }
                Err(e) => backup.problem = Some(e.to_string()),
            }
        }
    }

    /// The backup of that file name, in whichever store it is. Blocks.
    pub fn find(&self, file: &str) -> Result<Option<BackupRef>, Failure> {
        let mut away = None;
        for store in self.stores.values() {
            match store.stat(file) {
                Ok(_) => return Ok(Some(BackupRef { store: store.name().to_owned(), file: file.to_owned() })),
                Err(crate::store::StoreError::Missing { .. } | crate::store::StoreError::Name(_)) => {}
                Err(e) => away = away.or(Some(e)),
            }
        }
        // It may be where nobody could look.
        away.map_or(Ok(None), |e| Err(e.into()))
    }

    /// Put in order what dead processes left. Blocks.
    pub fn recover(&self) -> Found {
        let mut found = Found::default();
        for store in self.stores.values() {
            match store.recover() {
                Ok(left) => found.files.extend(left.into_iter().map(|l| (store.name().to_owned(), l))),
                Err(error) => found.away.push((store.name().to_owned(), error.into())),
            }
        }
        found
    }
}

/// A stored file as it is listed.
pub fn info(store: &str, stored: Stored) -> BackupInfo {
    let backup = BackupRef { store: store.to_owned(), file: stored.file };
    let by_name = stored.said;
    let (manifest, problem) = match stored.manifest {
        Beside::Manifest(manifest) if manifest.size != stored.size => {
            let problem = format!("the file has {} bytes, its manifest says {}", stored.size, manifest.size);
            (Some(manifest), Some(problem))
        }
        Beside::Manifest(manifest) => (Some(manifest), None),
        Beside::Unreadable(why) => (None, Some(why)),
        Beside::Nothing => (None, None),
    };
    let stem = || backup.file.strip_suffix(name::EXTENSION).unwrap_or(&backup.file).to_owned();
    BackupInfo {
        tenant: match (&manifest, &by_name) {
            (Some(m), _) => m.tenant.clone(),
            (None, Some(said)) => said.text.clone(),
            (None, None) => stem(),
        },
        taken: match (&manifest, &by_name) {
            (Some(m), _) => m.started,
            (None, Some(said)) => said.at,
            (None, None) => stored.modified,
        },
        size: stored.size,
        trigger: manifest.as_ref().map(|m| m.trigger),
        // A manifest is a file: figures whose sum cannot be are none.
        rows: manifest.as_ref().and_then(|m| m.tables.iter().try_fold(0u64, |sum, t| sum.checked_add(t.rows))),
        // A verification of other bytes says nothing of these.
        verification: manifest.as_ref().filter(|_| problem.is_none()).and_then(|m| m.verification),
        manifest,
        problem,
        backup,
    }
}
