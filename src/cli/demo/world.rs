//! The demo's world: servers, store, journal, engine; and its end, after which nothing of it is left.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Address, Config, Encryption, Password, Secret, Server as ServerConfig, StoreConfig, Tenant};
use crate::engine::event::Failure;
use crate::engine::service::Service;
use crate::sandbox::server::{ListenConfig, Server};
use crate::sandbox::session::Backend;
use crate::sandbox::storage::private::PrivateFolder;
use crate::store::Folder;

use super::gate::{Gate, Gated};
use super::history;
use super::line::Line;
use super::seed::{SeedError, Seeder, quoted};
use super::tenants::{self, FORBIDDEN, SERVERS, Seed};

/// The login of the engine; it may make databases, and comes into those that it made.
const LOGIN: &str = "pacrat";
/// The servers' administrator, used by the seeds alone.
const ADMINISTRATOR: &str = "sa";
/// The store's name.
const STORE: &str = "demo";
/// How long jobs and connections may take to end before the world goes nevertheless.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long all of it may take: more than the sum of what is waited for.
const LAST_RESORT: Duration = Duration::from_secs(30);

/// What the demo is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wishes {
    /// Bytes a second of the line to each server; 0: as fast as it goes.
    pub bytes_per_second: u64,
    /// Lines of the tenant with the many rows.
    pub large: u64,
}

/// The world.
pub struct World {
    /// The engine.
    pub service: Service,
    stop: Arc<AtomicBool>,
    seeding: Vec<JoinHandle<()>>,
    lines: Vec<Line>,
    servers: Vec<Server>,
    faults: Arc<Mutex<Vec<String>>>,
}

/// The demo's folders. They are gone when this is dropped, whoever still holds a file in them.
pub struct Place {
    folder: PrivateFolder,
    /// Those of the sandboxes.
    others: Mutex<Vec<PathBuf>>,
}

impl Place {
    /// Folders that nobody else has. What a demo that was killed left is removed.
    pub fn new() -> Result<Self, Failure> {
        let made = PrivateFolder::make("pacrat-demo-", &[&std::env::temp_dir()]);
        let folder = made.map_err(|e| Failure::new("the demo needs a temporary folder").because(&e))?;
        Ok(Self { folder, others: Mutex::default() })
    }

    /// Where the journal and the log are.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the backups are.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// From now on the end is near. Should something hang in it, the folders are removed and the process is ended
    /// nevertheless: a terminal that cannot be had back helps nobody.
    #[cfg(unix)]
    pub fn end_in_time(&self) {
        let mut folders = self.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        folders.push(self.folder.path().to_path_buf());
        std::thread::spawn(move || {
            std::thread::sleep(LAST_RESORT);
            crate::cli::output::tell(
                "pacrat: the demo did not end in time; its folders are removed, and it is stopped",
            );
            for folder in folders {
                let _ = std::fs::remove_dir_all(folder);
            }
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        });
    }

    /// Elsewhere the end is waited for.
    #[cfg(not(unix))]
    pub fn end_in_time(&self) {}

    fn also(&self, folder: PathBuf) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let others = self.others.get_mut().unwrap_or_else(PoisonError::into_inner);
        for path in others.iter().map(PathBuf::as_path).chain([self.folder.path()]) {
            if let Err(error) = std::fs::remove_dir_all(path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "the demo's folder stays");
            }
        }
    }
}

impl World {
    /// Makes it, on the current runtime. Rows go on to be loaded afterwards; who logs in to a database that is not
    /// full yet waits for it.
    pub async fn make(place: &Place, wishes: Wishes) -> Result<Self, Failure> {
        let started = Timestamp::now();
        let past = tokio::task::spawn_blocking({
            let (store, data_dir) = (place.store(), place.data_dir());
            move || make_past(&store, &data_dir, wishes.large, started)
        });
        let stop = Arc::new(AtomicBool::new(false));
        let faults = Arc::new(Mutex::new(Vec::new()));
        let (mut servers, mut lines, mut seeding) = (Vec::new(), Vec::new(), Vec::new());
        let mut config = Config {
            product: "shop".into(),
            data_dir: place.data_dir(),
            store: STORE.into(),
            stores: [(STORE.into(), StoreConfig { path: place.store() })].into(),
            ..Config::default()
        };
        for (index, name) in SERVERS.iter().enumerate() {
            let secrets = [secret(), secret()];
            let sandbox = super::sandbox::start(name, &secrets[0], LOGIN, &secrets[1])
                .map_err(|e| Failure::new("the demo's server does not start").because(&e))?;
            place.also(sandbox.storage);
            let gate = Arc::new(Gate::default());
            let seeds: Vec<Seed> =
                tenants::seeds(wishes.large).into_iter().filter(|seed| seed.server == index).collect();
            for seed in &seeds {
                gate.close(seed.name);
                config.tenants.insert(seed.name.into(), tenant(seed));
            }
            let backend = Arc::new(Gated { server: Arc::clone(&sandbox.backend), gate: Arc::clone(&gate) });
            let server = Server::start(backend, ListenConfig::default())
                .await
                .map_err(|e| Failure::new("the demo's server does not start").because(&e))?;
            let mut address = server.address();
            if wishes.bytes_per_second > 0 {
                let line = Line::lay(address, wishes.bytes_per_second)
                    .await
                    .map_err(|e| Failure::new("the demo's line cannot be laid").because(&e))?;
                address = line.address();
                lines.push(line);
            }
            config.servers.insert((*name).into(), server_config(address, &secrets[1]));
            servers.push(server);
            seeding.push(std::thread::spawn({
                let (stop, faults) = (Arc::clone(&stop), Arc::clone(&faults));
                move || {
                    let names: Vec<_> = seeds.iter().map(|seed| seed.name).collect();
                    let seeded = sow(&*sandbox.backend, &secrets, &gate, seeds, &stop);
                    // Whatever happened: nobody shall wait for ever.
                    names.into_iter().for_each(|name| gate.open(name));
                    match seeded {
                        Ok(()) | Err(SeedError::Stopped(_)) => {}
                        Err(error) => {
                            let error = one_line(&error);
                            tracing::error!("{error}");
                            faults.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                        }
                    }
                }
            }));
        }
        let past = past.await.map_err(|e| Failure::new("the demo's past could not be made").because(&e))?;
        past.map_err(|e| Failure::new("the demo's past could not be made").because(&e))?;
        let service = Service::start(config, HashMap::new());
        Ok(Self { service, stop, seeding, lines, servers, faults })
    }

    /// Ends it: jobs are cancelled and cleaned up, servers stopped. What went wrong with the seeds.
    pub async fn end(mut self) -> Vec<String> {
        if tokio::time::timeout(PATIENCE, self.service.shutdown()).await.is_err() {
            tracing::warn!("the demo's jobs did not end in time");
        }
        self.stop.store(true, Ordering::SeqCst);
        for thread in std::mem::take(&mut self.seeding) {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        self.lines.clear();
        for server in std::mem::take(&mut self.servers) {
            if tokio::time::timeout(PATIENCE, server.stop()).await.is_err() {
                tracing::warn!("a server of the demo did not stop in time");
            }
        }
        std::mem::take(&mut *self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn one_line(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", one_line(source)),
        None => error.to_string(),
    }
}

/// A password that nobody needs to know.
fn secret() -> String {
    format!("{}-aA1", uuid::Uuid::new_v4())
}

fn tenant(seed: &Seed) -> Tenant {
    Tenant {
        server: SERVERS[seed.server].into(),
        database: seed.name.into(),
        group: Some(seed.group.into()),
        store: None,
    }
}

fn server_config(address: std::net::SocketAddr, password: &str) -> ServerConfig {
    ServerConfig {
        address: Address::Parts { host: address.ip().to_string(), port: Some(address.port()), instance: None },
        login: Some(LOGIN.into()),
        password: Password::Literal(Secret::new(password)),
        encryption: Some(Encryption::On),
        trust_certificate: Some(true),
        ca_file: None,
        // A login may wait until its database has its rows.
        connect_timeout: 120,
        command_timeout: 0,
        connections: None,
        jobs: None,
    }
}

/// Databases first, so that they are there; then what is in them, the small ones first.
fn sow(
    backend: &dyn Backend,
    passwords: &[String; 2],
    gate: &Gate,
    mut seeds: Vec<Seed>,
    stop: &AtomicBool,
) -> Result<(), SeedError> {
    // Who makes a database owns it, and needs no user in it.
    let mut master = Seeder::login(backend, ADMINISTRATOR, passwords[0].as_str(), "master", stop)?;
    let mut owner = Seeder::login(backend, LOGIN, passwords[1].as_str(), "master", stop)?;
    for seed in &seeds {
        let by = if seed.open { &mut owner } else { &mut master };
        by.batch(&format!("CREATE DATABASE {}", quoted(seed.name)))?;
    }
    seeds.sort_by_key(|seed| seed.count);
    for seed in seeds {
        sow_one(backend, &passwords[0], &seed, stop)?;
        gate.open(seed.name);
    }
    Ok(())
}

fn sow_one(backend: &dyn Backend, password: &str, seed: &Seed, stop: &AtomicBool) -> Result<(), SeedError> {
    let mut seeder = Seeder::login(backend, ADMINISTRATOR, password, seed.name, stop)?;
    seeder.script(seed.script)?;
    for load in (seed.rows)(seed.count) {
        seeder.load(load)?;
    }
    Ok(())
}

/// Packages of earlier days, made side by side, and the journal that knows of them.
fn make_past(store: &Path, data_dir: &Path, large: u64, now: Timestamp) -> Result<(), history::HistoryError> {
    let store = Folder::new(STORE, store);
    let placed = std::thread::scope(|scope| {
        let past: Vec<_> = tenants::pasts(large)
            .into_iter()
            .map(|past| {
                let store = &store;
                scope.spawn(move || history::place(store, &past, now))
            })
            .collect();
        // A panic in one of them is this thread's panic.
        past.into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<Vec<_>, _>>()
    })?;
    history::journal(data_dir, placed, (FORBIDDEN, now - SignedDuration::from_hours(9)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::{Command, JobSpec, PackageSource, Trigger};
    use crate::engine::event::{JobState, What};
    use crate::engine::query::{Core, JobInfo};

    async fn done(service: &Service, spec: JobSpec) -> JobInfo {
        let mut events = service.events();
        let id = service.command(Command::Submit(spec)).await.unwrap();
        loop {
            let event = events.recv().await.unwrap();
            if event.job == id && matches!(event.what, What::Ended { .. }) {
                return service.jobs(50).await.unwrap().into_iter().find(|j| j.id == id).unwrap();
            }
        }
    }

    fn backup(tenant: &str) -> JobSpec {
        JobSpec::Backup { tenant: tenant.into(), comment: None, trigger: Trigger::Manual }
    }

    /// The packages of the past have the very model that a backup of today has. `PACRAT_UPDATE_MODELS=1` writes it.
    fn model_is_as_in_assets(tenant: &str, package: &Path) {
        let Some(past) = tenants::pasts(100).into_iter().find(|past| past.tenant == tenant) else { return };
        let source = crate::store::FileSource::open(package).unwrap();
        let package = crate::bacpac::package::Package::open(source, Default::default()).unwrap();
        let model = package.model_xml().unwrap();
        let asset = if tenant == tenants::QUOTED { "parcels" } else { tenant };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(format!("{asset}.model.xml"));
        if std::env::var_os("PACRAT_UPDATE_MODELS").is_some() {
            std::fs::write(path, model).unwrap();
        } else {
            assert!(model == past.model, "{} is not the model of a backup of {tenant}", path.display());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_tenant_is_as_promised_and_nothing_is_left_behind() {
        let place = Place::new().unwrap();
        let folders = [place.folder.path().to_path_buf()].into_iter();
        let wishes = Wishes { bytes_per_second: 0, large: 4_000 };
        let world = World::make(&place, wishes).await.unwrap();
        let folders: Vec<PathBuf> = folders.chain(place.others.lock().unwrap().clone()).collect();
        assert!(folders.len() == 3 && folders.iter().all(|f| f.exists()));

        // At once, while the rows are still being loaded: the backup waits for them.
        let service = &world.service;
        let faults = || world.faults.lock().unwrap().join("\n");
        for seed in tenants::seeds(wishes.large) {
            let job = done(service, backup(seed.name)).await;
            if seed.open {
                assert_eq!(job.state, JobState::Completed, "{}: {:?}\n{}", seed.name, job.failure, faults());
                let rows: u64 = (seed.rows)(seed.count).into_iter().map(|load| load.rows.count() as u64).sum();
                assert_eq!(job.summary.unwrap().rows, rows, "{}", seed.name);
            } else {
                let failure = job.failure.unwrap();
                assert_eq!((job.state, failure.sql_error), (JobState::Failed, Some(4060)), "{failure:?}");
            }
        }
        // Each comes back under another name, on the other server, and says the same.
        for seed in tenants::seeds(wishes.large).into_iter().filter(|s| s.open) {
            let newest = service.backups(Some(seed.name)).await.unwrap().remove(0);
            let rows = newest.rows;
            model_is_as_in_assets(seed.name, &place.store().join(&newest.backup.file));
            let source = PackageSource::Backup(newest.backup);
            assert_eq!(done(service, JobSpec::Verify { source: source.clone() }).await.state, JobState::Completed);
            let database = format!("{} again", seed.name);
            let server = SERVERS[1 - seed.server].to_owned();
            assert!(!service.database_exists(&server, &database).await.unwrap());
            let job = done(service, JobSpec::restore(source, &server, &database)).await;
            assert_eq!(job.state, JobState::Completed, "{}: {:?}", seed.name, job.failure);
            assert_eq!(Some(job.summary.unwrap().rows), rows);
            assert!(service.database_exists(&server, &database).await.unwrap());
        }
        assert_eq!(world.end().await, Vec::<String>::new());
        drop(place);
        assert!(folders.iter().all(|f| !f.exists()), "something is left: {folders:?}");
    }
}
