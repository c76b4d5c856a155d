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

    /// The backups of a tenant, or of all, newest first, and what could not be looked at. Blocks.
    pub fn backups(&self, tenant: Option<&str>) -> Result<(Vec<BackupInfo>, Vec<String>), Failure> {
        let (mut backups, mut remarks) = (Vec::new(), Vec::new());
        for store in self.stores.values() {
            let listing = store.list(tenant)?;
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
        Ok((backups, remarks))
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
        for store in self.stores.values() {
            match store.stat(file) {
                Ok(_) => return Ok(Some(BackupRef { store: store.name().to_owned(), file: file.to_owned() })),
                Err(crate::store::StoreError::Missing { .. } | crate::store::StoreError::Name(_)) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(None)
    }

    /// Put in order what dead processes left. Blocks.
    pub fn recover(&self) -> Result<Vec<(String, Leftover)>, Failure> {
        let mut found = Vec::new();
        for store in self.stores.values() {
            found.extend(store.recover()?.into_iter().map(|l| (store.name().to_owned(), l)));
        }
        Ok(found)
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
