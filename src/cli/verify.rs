//! `pacrat verify FILE|BACKUP`.

use std::sync::Arc;

use super::output::Outcome;
use super::session::{Session, runtime};
use super::watch;
use crate::engine::command::{JobSpec, PackageSource};
use crate::engine::work::FileJobs;

/// A file needs no configuration and leaves no trace.
pub fn verify(session: &Session, package: &str) -> Outcome {
    let source = PackageSource::File { path: package.to_owned() };
    runtime()?.block_on(watch::run_alone(session, JobSpec::Verify { source }, Arc::new(FileJobs)))
}
