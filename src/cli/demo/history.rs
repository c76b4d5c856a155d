//! What the demo's store holds at the start: real packages, written by our own writer from the same rows as the
//! sandbox's, verified before their manifests say so; and a journal that tells how they came about.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::bacpac::bcp::{BcpError, Cell, Encoder, RowSink};
use crate::bacpac::model::{self, Model, Name};
use crate::bacpac::package::{
    Bytes, DacMetadata, Deflater, Depth, ExpectedRows, Limits, Modified, Origin, PackageError, PackageWriter, Quiet,
    VerifyOptions,
};
use crate::bacpac::plan::{BcpType, TablePlan};
use crate::engine::command::{JobSpec, Trigger};
use crate::engine::event::{Event, Failure, FailureKind, JobId, JobState, Step, Summary, What};
use crate::engine::journal::{Journal, JournalError};
use crate::sandbox::value::{Base, Value};
use crate::store::manifest::{Consistency, Level, Manifest, TableEntry, Verification};
use crate::store::{Folder, Store, StoreError};

use super::rows::Load;

/// A backup of an earlier day.
pub struct Past {
    /// The tenant, which is its database, too.
    pub tenant: &'static str,
    /// Its server.
    pub server: &'static str,
    /// The model, as a backup of this very database has it.
    pub model: &'static [u8],
    /// The rows of then.
    pub rows: fn(u64) -> Vec<Load>,
    /// How many of them.
    pub count: u64,
    /// How long ago.
    pub age: SignedDuration,
    /// Who asked.
    pub trigger: Trigger,
    /// What was remarked.
    pub comment: Option<&'static str>,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The model does not read.
    #[error("the demo's model of {0} does not read")]
    Model(&'static str, #[source] model::ModelError),
    /// A table of the rows is not in the model.
    #[error("the demo's model has no table {0}")]
    Table(String),
    /// A row does not fit.
    #[error("the demo's rows of {0} do not fit its model")]
    Row(&'static str, #[source] BcpError),
    /// The package was not written or is not right.
    #[error("the demo's package of {0} is not right")]
    Package(&'static str, #[source] PackageError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's folder cannot be written.
    #[error("the demo's store cannot be written")]
    Write(#[from] std::io::Error),
    /// The journal refused.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What a past backup left.
pub struct Placed {
    past: &'static str,
    trigger: Trigger,
    comment: Option<&'static str>,
    started: Timestamp,
    ended: Timestamp,
    summary: Summary,
}

/// Makes a past backup and puts it into the store.
pub fn place(store: &Folder, past: &Past, now: Timestamp) -> Result<Placed, HistoryError> {
    let started = now - past.age;
    let (package, tables) = package(past, started)?;
    verify(past, &package, &tables)?;
    let rows = tables.iter().map(|t| t.rows).sum::<u64>();
    let took = SignedDuration::from_secs(3 + (rows / 20_000) as i64);
    let ended = started + took;
    let manifest = Manifest {
        version: 1,
        tenant: past.tenant.into(),
        server: past.server.into(),
        database: past.tenant.into(),
        started,
        ended,
        trigger: past.trigger,
        who: if past.trigger == Trigger::Automatic { "pacrat".into() } else { "night-shift".into() },
        comment: past.comment.map(Into::into),
        pacrat: env!("CARGO_PKG_VERSION").into(),
        source_version: "15.0.4430.1".into(),
        consistency: Consistency::Snapshot,
        not_carried: Vec::new(),
        size: package.len() as u64,
        sha256: Sha256::digest(&package).iter().map(|b| format!("{b:02x}")).collect(),
        verification: Some(Verification { level: Level::Rows, at: ended }),
        tables,
    };
    let mut pending = store.begin(past.tenant, past.tenant, started)?;
    pending.writer().write_all(&package)?;
    pending.sync()?;
    let summary = Summary {
        rows,
        bytes: manifest.tables.iter().map(|t| t.bytes).sum(),
        file_size: Some(manifest.size),
        file: Some(pending.publish(&manifest)?),
        ..Summary::default()
    };
    Ok(Placed { past: past.tenant, trigger: past.trigger, comment: past.comment, started, ended, summary })
}

fn package(past: &Past, at: Timestamp) -> Result<(Vec<u8>, Vec<TableEntry>), HistoryError> {
    let wrong = |e| HistoryError::Package(past.tenant, e);
    let model = Model::read(past.model, model::Limits::default()).map_err(|e| HistoryError::Model(past.tenant, e))?;
    let plans = model.table_plans();
    let utc = at.to_zoned(jiff::tz::TimeZone::UTC);
    let modified = Modified::new(utc.year(), utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second());
    let metadata = DacMetadata::of_database(past.tenant);
    let mut writer = PackageWriter::new(Vec::new(), past.model, &metadata, modified).map_err(wrong)?;
    let mut deflater = Deflater::new(1);
    let mut tables = Vec::new();
    for load in (past.rows)(past.count) {
        let name = Name::two(load.schema, load.table);
        let plan = plans.iter().find(|(n, _)| *n == name).and_then(|(_, plan)| plan.as_ref().ok());
        let plan = Arc::new(plan.ok_or_else(|| HistoryError::Table(name.to_string()))?.clone());
        let (bytes, rows) = encode(&plan, load).map_err(|e| HistoryError::Row(past.tenant, e))?;
        if rows > 0 {
            writer.part(&plan.schema, &plan.table, 0, &deflater.deflate(&bytes)).map_err(wrong)?;
        }
        let (schema, table) = (plan.schema.clone(), plan.table.clone());
        tables.push(TableEntry { schema, table, rows, bytes: bytes.len() as u64 });
    }
    tables.sort_by(|a, b| (&a.schema, &a.table).cmp(&(&b.schema, &b.table)));
    let origin = Origin {
        identity: Some(uuid::Uuid::new_v4().to_string()),
        start: Some(utc.strftime("%Y-%m-%dT%H:%M:%S%.7f+00:00").to_string()),
        product_name: Some("pacrat".into()),
        product_version: Some(env!("CARGO_PKG_VERSION").into()),
        row_count: Some(tables.iter().map(|t| t.rows).sum()),
        model_schema_version: Some(model.header.schema_version.clone()),
        ..Origin::default()
    };
    let (package, _) = writer.finish(origin).map_err(wrong)?;
    Ok((package, tables))
}

/// Rows → the data stream. A rowversion column gets what a server would have given it.
fn encode(plan: &Arc<TablePlan>, load: Load) -> Result<(Vec<u8>, u64), BcpError> {
    let sources: Vec<Option<usize>> =
        plan.columns.iter().map(|c| load.columns.iter().position(|l| l.name == c.name)).collect();
    let mut encoder = Encoder::new(Arc::clone(plan));
    let mut scratch = Vec::new();
    let mut version = 2000u64;
    for row in load.rows {
        for (at, column) in plan.columns.iter().enumerate() {
            scratch.clear();
            match sources[at].and_then(|s| row.get(s)) {
                Some(value) => encoder.cell(at, cell(value, &mut scratch))?,
                None if column.ty == BcpType::RowVersion => {
                    version += 1;
                    encoder.cell(at, Cell::Binary(&version.to_be_bytes()))?;
                }
                None => encoder.cell(at, Cell::Null)?,
            }
        }
        encoder.row_end()?;
    }
    let rows = encoder.rows();
    Ok((encoder.take(Vec::new()), rows))
}

/// The sandbox's value as a cell. Of variants the past knew integers, dates and GUIDs alone.
fn cell<'a>(value: &'a Value, scratch: &'a mut Vec<u8>) -> Cell<'a> {
    match value {
        Value::Null => Cell::Null,
        Value::Bit(v) => Cell::Bit(*v),
        Value::TinyInt(v) => Cell::TinyInt(*v),
        Value::SmallInt(v) => Cell::SmallInt(*v),
        Value::Int(v) => Cell::Int(*v),
        Value::BigInt(v) => Cell::BigInt(*v),
        Value::Real(v) => Cell::Real(v.to_bits()),
        Value::Float(v) => Cell::Float(v.to_bits()),
        Value::SmallMoney(v) => Cell::SmallMoney(*v),
        Value::Money(v) => Cell::Money(*v),
        Value::Decimal { negative, magnitude, .. } => Cell::Decimal { negative: *negative, magnitude: *magnitude },
        Value::Date(v) => Cell::Date(*v),
        Value::Time { ticks, .. } => Cell::Time(*ticks),
        Value::DateTime2 { days, ticks, .. } => Cell::DateTime2 { days: *days, ticks: *ticks },
        Value::DateTimeOffset { days, ticks, offset, .. } => {
            Cell::DateTimeOffset { days: *days, ticks: *ticks, offset: *offset }
        }
        Value::DateTime { days, ticks } => Cell::DateTime { days: *days, ticks: *ticks },
        Value::SmallDateTime { days, minutes } => Cell::SmallDateTime { days: *days, minutes: *minutes },
        Value::Guid(v) => Cell::Guid(*v),
        // The demo's narrow texts are ASCII.
        Value::Char(v) => {
            scratch.extend(v.iter().flat_map(|b| [*b, 0]));
            Cell::Text(scratch)
        }
        Value::NChar(v) => Cell::Text(v),
        Value::Binary(v) => Cell::Binary(v),
        Value::Variant(variant) => {
            match (&variant.ty.base, &variant.value) {
                (Base::Int, Value::Int(v)) => {
                    scratch.extend([0x38, 0]);
                    scratch.extend(v.to_le_bytes());
                }
                (Base::Date, Value::Date(v)) => {
                    scratch.extend([0x28, 0]);
                    scratch.extend(&v.to_le_bytes()[..3]);
                }
                (Base::UniqueIdentifier, Value::Guid(v)) => {
                    scratch.extend([0x24, 0]);
                    scratch.extend(v);
                }
                _ => return Cell::Null,
            }
            Cell::Variant(scratch)
        }
    }
}

/// A manifest says "every row" only of a package of which that is true.
fn verify(past: &Past, package: &[u8], tables: &[TableEntry]) -> Result<(), HistoryError> {
    let wrong = |e| HistoryError::Package(past.tenant, e);
    let expected =
        tables.iter().map(|t| ExpectedRows { schema: t.schema.clone(), table: t.table.clone(), rows: t.rows });
    let options = VerifyOptions { depth: Depth::Rows, expected: Some(expected.collect()), ..VerifyOptions::default() };
    let (bound, _) =
        crate::bacpac::package::BoundPackage::open(Bytes::new(package.to_vec()), Limits::default()).map_err(wrong)?;
    bound.verify(&options, &Quiet).map_err(wrong)?;
    Ok(())
}

/// Tells the journal of the past: what was made, and a night when a backup failed.
pub fn journal(data_dir: &Path, mut placed: Vec<Placed>, failed: (&str, Timestamp)) -> Result<(), HistoryError> {
    let mut journal = Journal::open(data_dir)?;
    placed.sort_by_key(|p| p.started);
    let mut tell = |spec: &JobSpec, from: Timestamp, until: Timestamp, step: Step, end: What| {
        let job = journal.add(spec, from)?;
        let mut record = |at, what| journal.record(&Event { at, job, what });
        record(from, What::State { state: JobState::Running })?;
        record(from, What::Step { step: Step::Connecting })?;
        if step != Step::Connecting {
            record(from, What::Step { step })?;
        }
        record(until, end)?;
        Ok::<JobId, JournalError>(job)
    };
    for p in placed {
        let spec = JobSpec::Backup { tenant: p.past.into(), comment: p.comment.map(Into::into), trigger: p.trigger };
        let end = What::Ended { state: JobState::Completed, summary: p.summary, failure: None };
        tell(&spec, p.started, p.ended, Step::Data, end)?;
    }
    let (tenant, at) = failed;
    let spec = JobSpec::Backup { tenant: tenant.into(), comment: None, trigger: Trigger::Automatic };
    let failure = Failure {
        kind: FailureKind::Unreachable,
        message: format!("tenant {tenant} was not backed up"),
        causes: vec![format!("Cannot open database \"{tenant}\" requested by the login. The login failed.")],
        hint: Some("give the login pacrat a user in the database".into()),
        retryable: false,
        sql_error: Some(4060),
    };
    let end = What::Ended { state: JobState::Failed, summary: Summary::default(), failure: Some(failure) };
    tell(&spec, at, at + SignedDuration::from_secs(1), Step::Connecting, end)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::tenants;

    #[test]
    fn every_tenant_with_a_past_gets_true_packages_and_jobs() {
        let place_of = tempfile::tempdir().unwrap();
        let store = Folder::new("demo", place_of.path().join("store"));
        let now: Timestamp = "2026-01-31T02:15:00Z".parse().unwrap();
        let mut placed = Vec::new();
        for past in tenants::pasts(200) {
            placed.push(
                place(&store, &past, now)
                    .unwrap_or_else(|e| panic!("{}: {e}: {:?}", past.tenant, std::error::Error::source(&e))),
            );
        }
        let count = placed.len();
        let files = std::fs::read_dir(place_of.path().join("store")).unwrap().count();
        assert_eq!(files, count * 2, "a package and a manifest each");
        let data = place_of.path().join("data");
        journal(&data, placed, ("lawfirm", now - SignedDuration::from_hours(5))).unwrap();
        let jobs = Journal::open(&data).unwrap().jobs(100).unwrap();
        assert_eq!(jobs.len(), count + 1);
        assert_eq!(jobs.iter().filter(|j| j.state == JobState::Failed).count(), 1);
        assert!(jobs.iter().all(|j| j.state.is_final()));
    }
}
