//! The engine as one value: configuration, stores, servers and scheduler behind [`Core`].

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::catalog::{Found, Listed, Stores};
use super::command::{Command, JobSpec, PackageSource};
use super::event::{Event, Failure, FailureKind, JobId};
use super::job::Stop;
use super::package;
use super::plan::Plan;
use super::query::{BackupInfo, Core, JobInfo, PackageDetails, RestorePlan, RowsPage, ServerInfo, TenantInfo};
use super::queue::Limits;
use super::restore::Wanted;
use super::scheduler::Scheduler;
use super::servers::Servers;
use super::work::Jobs;
use crate::config::{Config, Secret};
use crate::sqlserver::admin;
use crate::sqlserver::{connect, preflight};
use crate::store::Leftover;

/// The engine.
#[derive(Clone)]
pub struct Service {
    config: Arc<Config>,
    stores: Stores,
    servers: Arc<Servers>,
    scheduler: Scheduler,
}

/// What a start found of processes that died.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Their jobs, interrupted now.
    pub jobs: Vec<JobInfo>,
    /// Their files, by store.
    pub files: Vec<(String, Leftover)>,
    /// Stores where nobody could look, by name.
    pub away: Vec<(String, Failure)>,
}

impl Service {
    /// Start it on the current runtime. `asked` holds the passwords that a person typed, by server. Nothing is read,
    /// opened or connected before it is asked for.
    pub fn start(config: Config, asked: HashMap<String, Secret>) -> Self {
        let stores = Stores::new(&config);
        let servers = Arc::new(Servers::new(&config, asked));
        let config = Arc::new(config);
        let limits = Limits {
            workers: config.worker_count(),
            per_server: config.jobs_per_server,
            servers: config.servers.iter().filter_map(|(n, s)| s.jobs.map(|jobs| (n.clone(), jobs))).collect(),
        };
        let jobs = Jobs::new(Arc::clone(&config), stores.clone(), Arc::clone(&servers));
        let scheduler = Scheduler::start(config.data_dir.clone(), limits, Arc::new(jobs));
        Self { config, stores, servers, scheduler }
    }

    /// Put in order what processes that died left: jobs and files. Done before the first job of a process.
    pub async fn recover(&self) -> Result<Recovered, Failure> {
        let jobs = self.scheduler.interrupt_dead().await?;
        let stores = self.stores.clone();
        let Found { files, away } = blocking(move || Ok(stores.recover())).await?;
        Ok(Recovered { jobs, files, away })
    }

    async fn listed(&self, tenant: Option<&str>) -> Result<Listed, Failure> {
        let (stores, tenant) = (self.stores.clone(), tenant.map(str::to_owned));
        let listed = blocking(move || stores.backups(tenant.as_deref())).await?;
        for remark in &listed.remarks {
            tracing::warn!("{remark}");
        }
        for (store, failure) in &listed.unread {
            tracing::warn!("store {store}: {}", failure.lines().join(": "));
        }
        Ok(listed)
    }

    /// Cancel everything and wait until it is cleaned up.
    pub async fn shutdown(&self) {
        self.scheduler.cancel_all();
        self.scheduler.idle().await;
    }

    /// Returns when no job of this process waits or is at work.
    pub async fn idle(&self) {
        self.scheduler.idle().await;
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The stores.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The servers, as they are reached.
    pub(super) fn servers_configured(&self) -> &Arc<Servers> {
        &self.servers
    }

    /// What a job is checked for before it is queued: names that there are.
    fn check(&self, spec: &JobSpec) -> Result<(), Failure> {
        match spec {
            JobSpec::Backup { tenant, .. } => {
                self.config.tenant(tenant)?;
            }
            JobSpec::Restore { server, database, existing, choice, .. } => {
                if !self.config.servers.contains_key(server) {
                    self.servers.target(server)?;
                }
                if let Some(why) = database_name_problem(database) {
                    return Err(Failure::new(why).kind(FailureKind::Request).hint("choose another name"));
                }
                if let Some(problem) = super::plan::choice_problem(database, existing.as_deref(), choice) {
                    return Err(problem);
                }
            }
            JobSpec::Verify { .. } => {}
        }
        Ok(())
    }
}

/// What is wrong with a database's name, as far as the name alone tells.
pub fn database_name_problem(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("the database's name is empty".into());
    }
    // sysname: 128 UTF-16 units (catalog/sys-views.json: nvarchar(128)).
    if name.encode_utf16().count() > 128 {
        return Some(format!("the database's name {name:?} is longer than 128 characters"));
    }
    if name.chars().any(char::is_control) {
        return Some("the database's name has a control character".into());
    }
    None
}

/// Run something that blocks on the runtime's threads for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(Failure::new("pacrat made a mistake of its own").because(&e)),
    }
}

impl Config {
    /// A tenant by its name, or an error that says which there are.
    pub fn tenant(&self, name: &str) -> Result<&crate::config::Tenant, Failure> {
        self.tenants.get(name).ok_or_else(|| {
            let failure = Failure::new(format!("there is no tenant {name} in the configuration"));
            let hint = match self.tenants.len() {
                0 => "write a table [tenants.NAME] in config.toml".to_owned(),
                1..=20 => {
                    let names: Vec<&str> = self.tenants.keys().map(String::as_str).collect();
                    format!("the tenants are: {}", names.join(", "))
                }
                n => format!("pacrat tenants shows the {n} that there are"),
            };
            failure.kind(FailureKind::Request).hint(hint)
        })
    }
}

#[async_trait]
impl Core for Service {
    async fn command(&self, command: Command) -> Result<JobId, Failure> {
        match command {
            Command::Submit(spec) => {
                self.check(&spec)?;
                self.scheduler.submit(spec).await
            }
            Command::Cancel { job } => self.scheduler.cancel(job).await,
        }
    }

    fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        self.scheduler.events()
    }

    async fn tenants(&self) -> Result<Vec<TenantInfo>, Failure> {
        let Listed { backups, unread, .. } = self.listed(None).await?;
        let mut newest: HashMap<&str, &BackupInfo> = HashMap::new();
        for backup in &backups {
            newest.entry(&backup.tenant).or_insert(backup);
        }
        let mut jobs: HashMap<String, JobInfo> = HashMap::new();
        for job in self.scheduler.last_backups().await? {
            if let JobSpec::Backup { tenant, .. } = &job.spec {
                jobs.insert(tenant.clone(), job);
            }
        }
        let info = |(name, tenant): (&String, &crate::config::Tenant)| TenantInfo {
            name: name.clone(),
            server: tenant.server.clone(),
            database: tenant.database.clone(),
            group: tenant.group.clone(),
            last_backup: newest.get(name.as_str()).map(|b| (*b).clone()),
            last_job: jobs.remove(name),
            unread: unread.get(&self.config.store_of(tenant)).map(|f| f.lines().join(": ")),
        };
        Ok(self.config.tenants.iter().map(info).collect())
    }

    async fn servers(&self) -> Result<Vec<ServerInfo>, Failure> {
        let info = |(name, address)| ServerInfo { name, address };
        Ok(self.servers.addresses().into_iter().map(info).collect())
    }

    async fn backups(&self, tenant: Option<&str>) -> Result<Vec<BackupInfo>, Failure> {
        let mut listed = self.listed(tenant).await?;
        // What a tenant has is not told where nobody could look.
        let store = tenant.and_then(|t| self.config.tenants.get(t)).map(|t| self.config.store_of(t));
        match store.and_then(|store| listed.unread.remove(&store)) {
            Some(failure) => Err(failure),
            None => Ok(listed.backups),
        }
    }

    async fn jobs(&self, limit: usize) -> Result<Vec<JobInfo>, Failure> {
        self.scheduler.jobs(limit).await
    }

    async fn job_events(&self, job: JobId) -> Result<Vec<Event>, Failure> {
        self.scheduler.job_events(job).await
    }

    async fn details(&self, source: &PackageSource) -> Result<PackageDetails, Failure> {
        let (stores, source) = (self.stores.clone(), source.clone());
        blocking(move || super::package::details(Some(&stores), &source)).await
    }

    async fn rows(&self, source: &PackageSource, table: &str, offset: u64, limit: usize) -> Result<RowsPage, Failure> {
        let (stores, source, table) = (self.stores.clone(), source.clone(), table.to_owned());
        blocking(move || super::package::rows(Some(&stores), &source, &table, offset, limit)).await
    }

    async fn database_exists(&self, server: &str, database: &str) -> Result<bool, Failure> {
        let (servers, name) = (Arc::clone(&self.servers), server.to_owned());
        let target = blocking(move || servers.target(&name)).await?.with_database("master");
        let cancel = CancellationToken::new();
        let mut questions = connect::open_questions(&target, &cancel).await?;
        Ok(admin::database_exists(&mut *questions, database, &cancel).await?)
    }

    async fn logins(&self, server: &str) -> Result<Option<Vec<String>>, Failure> {
        let (servers, name) = (Arc::clone(&self.servers), server.to_owned());
        let target = blocking(move || servers.target(&name)).await?.with_database("master");
        let cancel = CancellationToken::new();
        let mut questions = connect::open_questions(&target, &cancel).await?;
        Ok(preflight::logins(&mut *questions, &cancel).await?)
    }

    async fn plan(&self, restore: &JobSpec) -> Result<RestorePlan, Failure> {
        let Some(wanted) = Wanted::of(restore) else {
            return Err(Failure::new("only a restore has a plan").kind(FailureKind::Request));
        };
        self.check(restore)?;
        let (stores, from) = (self.stores.clone(), wanted.source.clone());
        let opened = blocking(move || package::open(package::locate(Some(&stores), &from)?)).await?;
        let cancel = CancellationToken::new();
        match Plan::make(&self.servers, &wanted, Arc::new(opened), &cancel).await {
            Ok(plan) => {
                let spec = restore.clone();
                // The rows of a small package are counted.
                blocking(move || match Wanted::of(&spec) {
                    Some(wanted) => plan.told(&wanted),
                    None => Err(Failure::new("only a restore has a plan")),
                })
                .await
            }
            Err(Stop::Failed(failure)) => Err(wanted.refused(*failure)),
            Err(Stop::Cancelled) => Err(Failure::new("the plan was cancelled")),
        }
    }
}
