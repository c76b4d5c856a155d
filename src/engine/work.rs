//! Which code does which job.

use async_trait::async_trait;

use super::command::{JobSpec, PackageSource};
use super::event::{Failure, FailureKind, Summary};
use super::job::{JobContext, Stop, Work};
use super::package;
use super::verify::verify;

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
                let (summary, _) = verify(job, package::locate(None, source)?).await?;
                Ok(summary)
            }
            _ => Err(Failure::new("this job needs a configuration").kind(FailureKind::Configuration).into()),
        }
    }
}
