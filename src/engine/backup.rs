//! A backup: database → package in a store. The file gets its name when it was read back and every row was found in
//! it; whatever ends the job before leaves no file.

use std::io::Read;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::archive::{self, Head};
use super::command::Trigger;
use super::event::{Failure, Step, Summary};
use super::extract::{self, Moved};
use super::job::{JobContext, Stop};
use super::package::{self, Located};
use super::service::blocking;
use super::verify;
use super::work::Jobs;
use crate::bacpac::model;
use crate::bacpac::package::{DacMetadata, ExpectedRows, Modified, Origin, Source};
use crate::config::Tenant;
use crate::sqlserver::catalogue::{self, Catalogue, SourceTable};
use crate::sqlserver::connect;
use crate::store::Pending;
use crate::store::manifest::{Consistency, Level, Manifest, TableEntry, Verification};

/// Back up a tenant, or leave nothing.
pub async fn backup(
    jobs: &Jobs,
    job: &JobContext,
    name: &str,
    comment: Option<&str>,
    trigger: Trigger,
) -> Result<Summary, Stop> {
    let tenant = jobs.config.tenant(name)?.clone();
    let mut backup = Backup { jobs, job, name, tenant: &tenant, comment, trigger, started: Timestamp::now() };
    backup.run().await.map_err(|stop| match stop {
        Stop::Failed(failure) => {
            let what = format!("tenant {name} (database {} on {}) was not backed up", tenant.database, tenant.server);
            failure.during(what).into()
        }
        cancelled => cancelled,
    })
}

struct Backup<'a> {
    jobs: &'a Jobs,
    job: &'a JobContext,
    name: &'a str,
    tenant: &'a Tenant,
    comment: Option<&'a str>,
    trigger: Trigger,
    started: Timestamp,
}

impl Backup<'_> {
    async fn run(&mut self) -> Result<Summary, Stop> {
        let (jobs, job) = (self.jobs, self.job);
        job.step(Step::Connecting);
        let (servers, server) = (Arc::clone(&jobs.servers), self.tenant.server.clone());
        let target = jobs.blocking(job, move || servers.target(&server)).await?.with_database(&self.tenant.database);
        let mut orders = connect::open(&target, &job.cancel).await?;

        job.step(Step::ReadingSchema);
        let catalogue = catalogue::read(&mut *orders, &job.cancel).await?;
        drop(orders);
        for left in &catalogue.not_carried {
            job.remark(format!("not in the backup: {left}"));
        }
        let tables: Arc<[SourceTable]> = catalogue.tables.clone().into();

        job.step(Step::Data);
        let store = Arc::clone(jobs.stores.get(&jobs.config.store_of(self.tenant))?);
        let (tenant, started) = (self.name.to_owned(), self.started);
        let database = catalogue.facts.database.clone();
        // Not left to itself by a cancellation: what it makes must be known to be removed.
        let pending = blocking(move || Ok(store.begin(&tenant, &database, started)?)).await?;
        let file = pending.file().to_owned();
        let writing = archive::begin(pending, self.head(&catalogue), &jobs.cores);
        let from = extract::From {
            target: &target,
            connections: jobs.servers.connections(&self.tenant.server),
            snapshot: catalogue.facts.allows_snapshot,
        };
        let read = extract::tables(job, &from, &tables, &writing.parts()).await;
        let moved = match read {
            Ok(moved) => moved,
            Err(stop) => {
                job.cleaning_up();
                let (pending, written) = writing.end().await;
                self.discard(pending).await;
                // A file that failed is why the readers stopped.
                return Err(written.err().map_or(stop, Stop::from));
            }
        };

        job.step(Step::Writing);
        let (pending, written) = writing.finish(self.origin(&catalogue, &moved)).await;
        let Some(pending) = pending else {
            return Err(written.err().map_or_else(|| Stop::Cancelled, Stop::from));
        };
        let proven = match written {
            Ok(_) => {
                let handles = pending.read_back().and_then(|first| Ok((first, pending.read_back()?)));
                let label = pending.file().to_owned();
                match handles {
                    Ok((rows, bytes)) => self.prove(label, rows, bytes, &tables, &moved).await,
                    Err(e) => Err(Failure::from(e).into()),
                }
            }
            Err(failure) => Err(failure.into()),
        };
        let (size, sha256) = match proven {
            Ok(proven) => proven,
            Err(stop) => {
                job.cleaning_up();
                self.discard(Some(pending)).await;
                return Err(stop);
            }
        };
        let snapshot = from.snapshot && from.connections.min(tables.len()) <= 1;
        let manifest = self.manifest(&catalogue, &tables, &moved, snapshot, size, sha256);
        // From here on there is a backup: a cancellation comes too late.
        let published = blocking(move || Ok(pending.publish(&manifest)?)).await;
        let file = published.map_err(|f| f.during(format!("the backup {file} is complete and could not be named")))?;
        Ok(Summary {
            rows: moved.iter().map(|m| m.rows).sum(),
            bytes: moved.iter().map(|m| m.bytes).sum(),
            file: Some(file),
            file_size: Some(size),
            database: None,
            remarks: Vec::new(),
        })
    }

    async fn discard(&self, pending: Option<Box<dyn Pending>>) {
        let Some(pending) = pending else { return };
        let file = pending.file().to_owned();
        if let Err(failure) = blocking(move || Ok(pending.discard()?)).await {
            self.job.remark(format!("the partial file of {file} could not be removed: {}", failure.lines().join(", ")));
        }
    }

    /// Read back what was written: every byte, every row, as many as were sent. The size and the digest.
    async fn prove(
        &self,
        label: String,
        rows: Box<dyn Source>,
        bytes: Box<dyn Source>,
        tables: &[SourceTable],
        moved: &[Moved],
    ) -> Result<(u64, String), Stop> {
        let job = self.job;
        job.check()?;
        job.step(Step::Verifying);
        let located = Located { label, source: rows, manifest: None };
        let opened = self.jobs.blocking(job, move || package::open(located)).await?;
        let expected = tables.iter().zip(moved).map(|(table, moved)| ExpectedRows {
            schema: table.plan.schema.clone(),
            table: table.plan.table.clone(),
            rows: moved.rows,
        });
        verify::check(job, Arc::new(opened), Some(expected.collect())).await?;
        let cancel = job.cancel.clone();
        self.jobs.blocking(job, move || digest(&*bytes, &cancel)).await
    }

    fn head(&self, catalogue: &Catalogue) -> Head {
        let at = self.started.to_zoned(TimeZone::UTC);
        Head {
            model_xml: model::to_bytes(&catalogue.model.to_document()),
            metadata: DacMetadata::of_database(&catalogue.facts.database),
            modified: Modified::new(at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second()),
        }
    }

    fn origin(&self, catalogue: &Catalogue, moved: &[Moved]) -> Origin {
        Origin {
            identity: Some(uuid::Uuid::new_v4().to_string()),
            start: Some(self.started.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.7f+00:00").to_string()),
            product_name: Some("pacrat".into()),
            product_version: Some(env!("CARGO_PKG_VERSION").into()),
            server_version: Some(catalogue.facts.banner.clone()),
            object_counts: catalogue.model.object_counts().into_iter().collect(),
            row_count: Some(moved.iter().map(|m| m.rows).sum()),
            model_schema_version: Some(catalogue.model.header.schema_version.clone()),
            ..Origin::default()
        }
    }

    fn manifest(
        &self,
        catalogue: &Catalogue,
        tables: &[SourceTable],
        moved: &[Moved],
        snapshot: bool,
        size: u64,
        sha256: String,
    ) -> Manifest {
        let entry = |(table, moved): (&SourceTable, &Moved)| TableEntry {
            schema: table.plan.schema.clone(),
            table: table.plan.table.clone(),
            rows: moved.rows,
            bytes: moved.bytes,
        };
        let ended = Timestamp::now();
        Manifest {
            version: 1,
            tenant: self.name.to_owned(),
            server: self.tenant.server.clone(),
            database: catalogue.facts.database.clone(),
            started: self.started,
            ended,
            trigger: self.trigger,
            who: super::who::who(),
            comment: self.comment.map(str::to_owned),
            pacrat: env!("CARGO_PKG_VERSION").into(),
            source_version: catalogue.facts.version.clone(),
            consistency: if snapshot { Consistency::Snapshot } else { Consistency::PerTable },
            tables: tables.iter().zip(moved).map(entry).collect(),
            not_carried: catalogue.not_carried.iter().map(ToString::to_string).collect(),
            size,
            sha256,
            verification: Some(Verification { level: Level::Rows, at: ended }),
        }
    }
}

/// Size and SHA-256 of all bytes. Blocks; stops when cancelled.
pub(super) fn digest(source: &dyn Source, cancel: &CancellationToken) -> Result<(u64, String), Failure> {
    let unreadable = |e: std::io::Error| Failure::new("what was written cannot be read back").because(&e);
    let mut file = source.open().map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    let mut size = 0;
    while !cancel.is_cancelled() {
        match file.read(&mut block) {
            Ok(0) => {
                let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
                return Ok((size, digest));
            }
            Ok(n) => {
                size += n as u64;
                hash.update(&block[..n]);
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(e)),
        }
    }
    Err(Failure::new("cancelled"))
}
