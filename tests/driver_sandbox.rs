//! The driver against the sandbox: every real package's tables made, loaded and read again, in the order of their keys.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pacrat::bacpac::bcp::{Decoder, Encoder};
use pacrat::bacpac::canonical::Digest;
use pacrat::bacpac::model::Model;
use pacrat::bacpac::package::{BoundPackage, Bytes, DacMetadata, Limits, Modified, Origin, PackageWriter};
use pacrat::bacpac::plan::{BcpType, TablePlan};
use pacrat::bacpac::script::{self, Form, Phase};
use pacrat::sandbox::{Sandbox, SandboxOptions};
use pacrat::sqlserver::catalogue::{self, SourceTable};
use pacrat::sqlserver::orders::Orders;
use pacrat::sqlserver::target::{Encryption, Secret, Target};
use pacrat::sqlserver::{admin, connect};
use support::{bacpacs, expected, shared};
use tokio_util::sync::CancellationToken;

const LATIN: &str = "SQL_Latin1_General_CP1_CI_AS";

async fn sandbox() -> (Sandbox, Target) {
    let options = SandboxOptions { sa_password: Some("secret".into()), ..SandboxOptions::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let mut target = Target::new("127.0.0.1", "sa", Secret::new("secret"));
    target.port = Some(sandbox.address().port());
    target.encryption = Encryption::Off;
    (sandbox, target)
}

async fn run(orders: &mut dyn Orders, script: &script::Script, wanted: impl Fn(Phase) -> bool) {
    let cancel = CancellationToken::new();
    for batch in script.batches.iter().filter(|b| wanted(b.phase)) {
        let word = |on: bool| if on { "ON" } else { "OFF" };
        let settings = format!(
            "SET ANSI_NULLS {}; SET QUOTED_IDENTIFIER {};",
            word(batch.ansi_nulls),
            word(batch.quoted_identifier)
        );
        orders.batch(&settings, "setting options", &cancel).await.unwrap();
        if let Err(error) = orders.batch(&batch.sql, &batch.name, &cancel).await {
            assert!(batch.optional, "{error}\n{}", batch.sql);
        }
    }
}

/// Digest of rows with the lines sorted would need them all; DacFx wrote most tables in the order of their key, so the
/// canonical digest of the rows read in that order is compared where the package has one part or a key of numbers.
fn digest(plan: &Arc<TablePlan>, bytes: &[u8]) -> (u64, String) {
    let mut digest = Digest::new(plan.clone());
    let mut decoder = Decoder::new(plan.clone(), "read");
    decoder.feed(bytes, &mut digest).unwrap();
    decoder.finish().unwrap();
    let digest = digest.finish();
    (digest.rows, digest.sha256)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_real_package_goes_into_the_sandbox_and_out_again() {
    let Some(shared) = shared("tests/driver_sandbox.rs") else { return };
    let cancel = CancellationToken::new();
    let (server, target) = sandbox().await;
    let mut tables = 0;
    for (name, path) in bacpacs(&shared) {
        if std::env::var("ONLY").is_ok_and(|only| only != name) {
            continue;
        }
        let (package, model) = BoundPackage::open(Bytes::new(std::fs::read(path).unwrap()), Limits::default()).unwrap();
        let expected = expected(&shared, &name);
        let database_collation = model.options().and_then(|o| o.collation()).unwrap_or(LATIN).to_owned();
        let mut master = connect::open(&target.with_database("master"), &cancel).await.unwrap();
        let created = admin::create_database(&mut *master, &name, Some(&database_collation), &cancel).await.unwrap();
        let target = target.with_database(&name);
        let mut orders = connect::open(&target, &cancel).await.unwrap();
        let script = script::script(&model, Form::Server);
        run(&mut *orders, &script, Phase::is_before_data).await;
        let mut connection = connect::open_rows(&target, &cancel).await.unwrap();
        let at_target = catalogue::target_columns(&mut *orders, &cancel).await.unwrap();
        let with_rows: Vec<_> = package.tables().iter().filter(|t| !t.parts.is_empty()).collect();
        for table in &with_rows {
            let what = format!("{name}: {}", table.plan);
            let columns = &at_target[&(table.plan.schema.clone(), table.plan.table.clone())];
            let mut loader = connection.load_table(&table.plan, columns, &cancel).await.expect(&what);
            for part in &table.parts {
                let mut bytes = Vec::new();
                package
                    .part_bytes(table, part, |b| -> Result<(), pacrat::bacpac::package::PackageError> {
                        bytes.extend_from_slice(b);
                        Ok(())
                    })
                    .unwrap();
                loader.write(&bytes, &cancel).await.unwrap_or_else(|e| panic!("{what}: {e}"));
                loader.end_part().unwrap();
            }
            let rows = loader.finish(&cancel).await.unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(rows, expected[&table.plan.to_string()].0, "{what}");
        }
        run(&mut *orders, &script, |p| !p.is_before_data() && p < Phase::Permissions).await;

        // Both drivers tell the same of the catalogue.
        let mut questions = connect::open_questions(&target, &cancel).await.unwrap();
        let found = catalogue::read(&mut *questions, &cancel).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let again = catalogue::read(&mut *orders, &cancel).await.unwrap();
        assert_eq!(found.model, again.model, "{name}");
        assert_eq!(found.not_carried, again.not_carried, "{name}");
        drop(questions);
        judge(&shared, &name, &found.model);

        let mut plans: BTreeMap<String, &SourceTable> = found.tables.iter().map(|t| (t.plan.to_string(), t)).collect();
        for table in package.tables() {
            let what = format!("{name}: {}", table.plan);
            let source = plans.remove(&table.plan.to_string()).unwrap_or_else(|| panic!("{what} is not found"));
            assert_eq!(without_collations(&source.plan), without_collations(&table.plan), "{what}");
            let mut source_rows = connection.read_table(&source.plan, &source.read, &cancel).await.expect(&what);
            let mut encoder = Encoder::new(source.plan.clone());
            loop {
                let target = encoder.bytes().len() + (1 << 20);
                if source_rows.read(&mut encoder, target, &cancel).await.expect(&what).end {
                    break;
                }
            }
            source_rows.close().await.unwrap();
            let (rows, sha256) = digest(&table.plan, encoder.bytes());
            let Some((expected_rows, expected_sha256)) = expected.get(&table.plan.to_string()) else {
                assert_eq!(rows, 0, "{what}");
                continue;
            };
            assert_eq!(rows, *expected_rows, "{what}");
            assert_eq!(source.rows, rows, "{what}: the estimate of an idle server");
            // A rowversion is made anew; the order of a heap, or of a key of texts or GUIDs by its ranges, is not that
            // of the package.
            let comparable = table.plan.columns.iter().all(|c| c.ty != BcpType::RowVersion)
                && (rows == 1 || is_numeric(&source.read.order, &table.plan));
            if comparable {
                assert_eq!(sha256, *expected_sha256, "{what}");
                tables += 1;
            }
            let name = (&*table.plan.schema, &*table.plan.table);
            let counted = admin::count_rows(&mut *orders, &[name], "counting", &cancel).await;
            assert_eq!(counted.expect(&what), [Some(rows)], "{what}");
        }
        assert!(plans.is_empty(), "{name}: {:?} are not in the package", plans.keys());
        let untrusted = admin::untrusted_constraints(&mut *orders, &cancel).await.unwrap();
        let at_source = model.objects.iter().filter(|o| o.rest().is_some_and(|r| r.is_untrusted())).count();
        assert_eq!(untrusted.len(), at_source, "{name}: {untrusted:?}");
        drop(orders);
        drop(connection);
        // The server may not have noticed yet that everybody has left.
        let mut dropped = admin::drop_database(&mut *master, &created, &cancel).await;
        for _ in 0..100 {
            if !dropped.as_ref().is_err_and(|e| e.number() == Some(3702)) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            dropped = admin::drop_database(&mut *master, &created, &cancel).await;
        }
        dropped.unwrap();
        assert!(!admin::database_exists(&mut *master, &name, &cancel).await.unwrap());
        eprintln!("{name}: {} tables", with_rows.len());
    }
    assert!(std::env::var("ONLY").is_ok() || tables > 50, "{tables} tables compared");
    server.stop().await;
}

/// The package may leave a collation unsaid that the server names.
fn without_collations(plan: &TablePlan) -> TablePlan {
    let mut plan = plan.clone();
    for column in &mut plan.columns {
        column.collation = None;
    }
    plan
}

/// DacFx, where it is at hand, loads the model that was read and finds the same in it as in the package.
fn judge(shared: &Path, name: &str, model: &Model) {
    let Some(dir) = std::env::var_os("JUDGE") else { return };
    let file = Path::new(&dir).join(format!("{name}.bacpac"));
    let xml = pacrat::bacpac::model::to_bytes(&model.to_document());
    let out = std::fs::File::create(&file).unwrap();
    let writer = PackageWriter::new(out, &xml, &DacMetadata::of_database(name), Modified::default()).unwrap();
    writer.finish(Origin::default()).unwrap();
    let oracle = |arguments: &[&std::ffi::OsStr]| {
        let output =
            std::process::Command::new("python3").arg(shared.join("dacfx/oracle.py")).args(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, told) = oracle(&["load".as_ref(), "--quiet".as_ref(), file.as_ref()]);
    eprintln!("{name}: load {code:?}\n{told}");
    let source = shared.join(format!("bacpacs/{name}.bacpac"));
    let (code, told) = oracle(&["compare".as_ref(), "--schema-compare".as_ref(), source.as_ref(), file.as_ref()]);
    eprintln!("{name}: compare {code:?}\n{told}");
}

fn is_numeric(order: &[(String, bool)], plan: &TablePlan) -> bool {
    let number = |name: &String| {
        plan.columns.iter().any(|c| {
            c.name == *name && matches!(c.ty, BcpType::TinyInt | BcpType::SmallInt | BcpType::Int | BcpType::BigInt)
        })
    };
    !order.is_empty() && order.iter().all(|(name, _)| number(name))
}
