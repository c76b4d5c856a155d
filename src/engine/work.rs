//! Which code does which job, and what the jobs share: configuration, stores, servers, cores.

use std::sync::Arc;

use async_trait::async_trait;

use super::archive::Cores;
use super::backup;
use super::catalog::Stores;
use super::command::{JobSpec, PackageSource};
use super::event::{Failure, FailureKind, Summary};
use super::job::{JobContext, Stop, Work};
use super::package;
use super::restore::{self, Wanted};
use super::servers::Servers;
use super::verify;
use crate::config::Config;

/// The jobs of the service.
pub struct Jobs {
    pub(super) config: Arc<Config>,
    pub(super) stores: Stores,
    pub(super) servers: Arc<Servers>,
    pub(super) cores: Cores,
}

impl Jobs {
    /// Jobs on these servers and stores.
    pub fn new(config: Arc<Config>, stores: Stores, servers: Arc<Servers>) -> Self {
        let cores = Cores::all(config.compression);
        Self { config, stores, servers, cores }
    }

    /// Run something that blocks, for a job: a cancelled job does not wait for its end.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        job: &JobContext,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Stop> {
        match job.until_cancelled(tokio::task::spawn_blocking(work)).await? {
            Ok(result) => Ok(result?),
            Err(e) => Err(Failure::new("pacrat made a mistake of its own").because(&e).into()),
        }
    }
}

#[async_trait]
impl Work for Jobs {
    fn server(&self, spec: &JobSpec) -> Option<String> {
        match spec {
            JobSpec::Backup { tenant, .. } => self.config.tenants.get(tenant).map(|t| t.server.clone()),
            JobSpec::Restore { server, .. } => Some(server.clone()),
            JobSpec::Verify { .. } => None,
        }
    }

    async fn run(&self, spec: &JobSpec, job: &JobContext) -> Result<Summary, Stop> {
        match spec {
            JobSpec::Backup { tenant, comment, trigger } => {
                backup::backup(self, job, tenant, comment.as_deref(), *trigger).await
            }
            JobSpec::Restore { .. } => match Wanted::of(spec) {
                Some(wanted) => restore::restore(self, job, &wanted).await,
                None => Err(Failure::new("pacrat made a mistake of its own").into()),
            },
            JobSpec::Verify { source } => verify::in_store(self, job, source).await,
        }
    }
}

/// Jobs that need a file and nothing else: no configuration, no store, no server.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileJobs;

#[async_trait]
impl Work for FileJobs {
    fn server(&self, _spec: &JobSpec) -> Option<String> {
        None
    }

    async fn run(&self, spec: &JobSpec, job: &JobContext) -> Result<Summary, Stop> {
        match spec {
            JobSpec::Verify { source: source @ PackageSource::File { .. } } => {
                let (summary, ..) = verify::verify(job, package::locate(None, source)?).await?;
                Ok(summary)
            }
            _ => Err(Failure::new("this job needs a configuration").kind(FailureKind::Configuration).into()),
        }
    }
}
