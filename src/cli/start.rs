//! `pacrat backup`, `pacrat verify`: commands that start jobs.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::output::Outcome;
use super::session::{Session, runtime};
use super::{source, watch};
use crate::engine::command::{JobSpec, PackageSource, Trigger};
use crate::engine::work::FileJobs;

/// `pacrat backup TENANT…`.
pub fn backup(session: &Session, tenants: Vec<String>, comment: Option<String>) -> Outcome {
    session.with_engine(
        |config| tenants.iter().filter_map(|t| config.tenants.get(t)).map(|t| t.server.clone()).collect(),
        async |service| {
            // Every name is looked at before the first job starts.
            for tenant in &tenants {
                service.config().tenant(tenant)?;
            }
            let mut specs: Vec<JobSpec> = Vec::new();
            for tenant in &tenants {
                let spec =
                    JobSpec::Backup { tenant: tenant.clone(), comment: comment.clone(), trigger: Trigger::Manual };
                if !specs.contains(&spec) {
                    specs.push(spec);
                }
            }
            watch::run_jobs(session, service, specs).await
        },
    )
}

/// `pacrat verify FILE|BACKUP`. A file needs no configuration and leaves no trace; of a backup the manifest and the
/// journal say that it was verified.
pub fn verify(session: &Session, package: &str) -> Outcome {
    if let Some(source @ PackageSource::File { .. }) = source::as_file(package) {
        let work = Arc::new(FileJobs);
        return runtime()?.block_on(watch::run_alone(session, JobSpec::Verify { source }, work));
    }
    session.with_engine(
        |_| BTreeSet::new(),
        async |service| {
            let source = source::resolve(package, service.stores())?;
            watch::run_jobs(session, service, vec![JobSpec::Verify { source }]).await
        },
    )
}
