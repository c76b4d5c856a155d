//! Jobs that end well.

use pacrat::engine::command::{BackupRef, JobSpec, PackageSource};
use pacrat::engine::event::{FailureKind, JobState, Step};
use pacrat::engine::query::Core;
use pacrat::store::manifest::Level;

use super::bench::{Bench, backup, order, restore};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_listed_verified_restored_and_the_same() {
    let bench = Bench::new().await;
    let ended = bench.run(backup()).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    assert_eq!(ended.steps, [Step::Connecting, Step::ReadingSchema, Step::Data, Step::Writing, Step::Verifying]);
    assert_eq!(ended.summary.rows, 5500);
    let listed = bench.service.backups(Some("shop")).await.unwrap();
    assert_eq!(listed.len(), 1);
    let manifest = listed[0].manifest.as_ref().unwrap();
    assert_eq!((manifest.comment.as_deref(), manifest.database.as_str()), (Some("a test"), "Shop"));
    assert_eq!(listed[0].verification.unwrap().level, Level::Rows);
    assert_eq!(listed[0].rows, Some(5500));

    // From the store, under its name there: the manifest is compared, too.
    let source = PackageSource::Backup(listed[0].backup.clone());
    let ended = bench.run(JobSpec::Verify { source: source.clone() }).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let details = bench.service.details(&source).await.unwrap();
    let tables: Vec<(&str, Option<u64>)> = details.tables.iter().map(|t| (t.table.as_str(), t.rows)).collect();
    assert_eq!(tables, [("Customer", Some(500)), ("Nothing", Some(0)), ("Order", Some(5000))]);

    assert!(!bench.service.database_exists("box", "Copy").await.unwrap());
    let ended = bench.run(restore(&source)).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    assert_eq!((ended.summary.rows, ended.summary.database.as_deref()), (5500, Some("Copy")));
    assert_eq!(ended.summary.remarks, Vec::<String>::new());
    assert!(bench.service.database_exists("box", "copy").await.unwrap(), "names compare as the server compares them");

    // The copy backed up again: the same rows, table by table.
    let mut orders = bench.orders("master").await;
    order(&mut *orders, "ALTER DATABASE Shop MODIFY NAME = Before").await;
    order(&mut *orders, "ALTER DATABASE Copy MODIFY NAME = Shop").await;
    drop(orders);
    let ended = bench.run(backup()).await;
    assert_eq!(ended.state, Some(JobState::Completed), "{ended:?}");
    let listed = bench.service.backups(Some("shop")).await.unwrap();
    assert_eq!(listed.len(), 2);
    for table in ["dbo.Customer", "dbo.Order"] {
        let mut pages = Vec::new();
        for backup in &listed {
            let source = PackageSource::Backup(backup.backup.clone());
            pages.push(bench.service.rows(&source, table, 0, 10_000).await.unwrap());
        }
        assert!(pages[0].rows.len() >= 500);
        assert_eq!(pages[0], pages[1], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_touches_no_database_that_exists() {
    let bench = Bench::new().await;
    let source = bench.backup().await;
    let mut orders = bench.orders("master").await;
    order(&mut *orders, "CREATE DATABASE [copy]").await;
    let ended = bench.run(restore(&source)).await;
    assert_eq!(ended.state, Some(JobState::Failed));
    let failure = ended.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Request);
    assert_eq!(failure.causes, ["database Copy exists already on box"]);
    assert!(bench.databases().await.contains("copy"), "it was dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_not_read_is_a_failure_with_a_hint() {
    let bench = Bench::empty().await;
    let ended = bench.run(backup()).await;
    assert_eq!(ended.state, Some(JobState::Failed));
    let failure = ended.failure.unwrap();
    assert_eq!((failure.kind, failure.sql_error), (FailureKind::Unreachable, Some(4060)));
    assert_eq!(failure.message, "tenant shop (database Shop on box) was not backed up");
    assert!(failure.hint.is_some());
    assert!(bench.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_never_restored() {
    let bench = Bench::new().await;
    let PackageSource::File { path } = bench.backup().await else { panic!() };
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&path, bytes).unwrap();
    let ended = bench.run(restore(&PackageSource::File { path: path.clone() })).await;
    assert_eq!(ended.state, Some(JobState::Failed));
    assert_eq!(ended.failure.unwrap().kind, FailureKind::Damaged);
    assert!(!bench.databases().await.contains("Copy"), "something was made of a damaged package");
    let file = path.rsplit('/').next().unwrap().to_owned();
    let source = PackageSource::Backup(BackupRef { store: "here".into(), file });
    let ended = bench.run(JobSpec::Verify { source }).await;
    assert_eq!(ended.failure.unwrap().kind, FailureKind::Damaged);
}
