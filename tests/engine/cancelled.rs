//! Cancelled during each step: ended within two seconds, and nothing is left.

use std::time::Duration;

use pacrat::engine::command::{JobSpec, PackageSource};
use pacrat::engine::event::{JobState, Step};

use super::bench::{Bench, Report, backup, restore};

/// A job, a step, and the fault that holds the step so that the cancellation comes in its middle.
struct Case {
    job: &'static str,
    step: Step,
    /// Nothing where the step talks to no server: then the cancellation comes with its first moment.
    hold: &'static str,
}

const CASES: &[Case] = &[
    Case { job: "backup", step: Step::Connecting, hold: "stall=30s,on=login" },
    Case { job: "backup", step: Step::ReadingSchema, hold: "stall=30s,on=sys.columns" },
    Case { job: "backup", step: Step::Data, hold: "stall=30s,on=FROM [dbo].[Order]" },
    Case { job: "backup", step: Step::Data, hold: "stall-after-rows=100,on=FROM [dbo].[Order]" },
    Case { job: "backup", step: Step::Writing, hold: "" },
    Case { job: "backup", step: Step::Verifying, hold: "" },
    Case { job: "restore", step: Step::Opening, hold: "" },
    Case { job: "restore", step: Step::Verifying, hold: "" },
    Case { job: "restore", step: Step::Connecting, hold: "stall=30s,on=login" },
    Case { job: "restore", step: Step::Creating, hold: "stall=1s,on=CREATE DATABASE [" },
    Case { job: "restore", step: Step::Creating, hold: "stall=30s,on=CREATE TABLE" },
    Case { job: "restore", step: Step::Loading, hold: "stall=30s,on=INSERT BULK" },
    Case { job: "restore", step: Step::Loading, hold: "stall-after-rows=100,on=INSERT BULK" },
    Case { job: "restore", step: Step::Indexing, hold: "stall=30s,on=PRIMARY KEY" },
    Case { job: "restore", step: Step::Constraints, hold: "stall=30s,on=FOREIGN KEY" },
    Case { job: "restore", step: Step::Modules, hold: "stall=30s,on=CREATE VIEW" },
    Case { job: "restore", step: Step::Checking, hold: "stall=30s,on=COUNT_BIG" },
    Case { job: "verify", step: Step::Opening, hold: "" },
    Case { job: "verify", step: Step::Verifying, hold: "" },
];

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_during_each_step_nothing_is_left() {
    let bench = Bench::new().await;
    let source = bench.backup().await;
    let files = bench.files();
    let mut report = Report::default();
    report.line(format!("{:<8} {:<20} {:<44} {:>6}  left behind", "job", "cancelled during", "held by", "took"));
    let mut wrong = Vec::new();
    for case in CASES {
        let spec = match case.job {
            "backup" => backup(),
            "restore" => restore(&source),
            _ => JobSpec::Verify { source: source.clone() },
        };
        if !case.hold.is_empty() {
            bench.fault(case.hold);
        }
        let after = Duration::from_millis(if case.hold.is_empty() { 0 } else { 150 });
        let (ended, took) = bench.cancel_at(spec, case.step, after).await;
        bench.faults().clear();
        let left = bench.left_behind(&files).await;
        let state = format!("{:?}", ended.state.unwrap());
        report.line(format!(
            "{:<8} {:<20} {:<44} {:>4} ms  {left} ({state})",
            case.job,
            case.step.label(),
            if case.hold.is_empty() { "-" } else { case.hold },
            took.as_millis()
        ));
        // A step of a moment may be over before the request is there: then the job is done, and done well.
        let late = case.hold.is_empty() && ended.state == Some(JobState::Completed);
        let good = ended.state == Some(JobState::Cancelled) && left == "nothing" && took < Duration::from_secs(2);
        if !(good || late) {
            wrong.push(format!("{} during {}: {ended:?} {left} after {took:?}", case.job, case.step.label()));
        }
        if late {
            tidy(&bench, &files).await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a job that ended well left is taken away, for the next case.
async fn tidy(bench: &Bench, files: &std::collections::BTreeSet<String>) {
    for file in bench.files().difference(files) {
        std::fs::remove_file(bench.store().join(file)).unwrap();
    }
    if bench.databases().await.contains("Copy") {
        let mut orders = bench.orders("master").await;
        super::bench::order(&mut *orders, "DROP DATABASE [Copy]").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_if_the_operator_wants_it() {
    let bench = Bench::new().await;
    let source = bench.backup().await;
    bench.fault("stall=30s,on=FOREIGN KEY");
    let mut spec = restore(&source);
    if let JobSpec::Restore { keep_partial, .. } = &mut spec {
        *keep_partial = true;
    }
    let (ended, _) = bench.cancel_at(spec, Step::Constraints, Duration::from_millis(100)).await;
    assert_eq!(ended.state, Some(JobState::Cancelled));
    assert!(bench.databases().await.contains("Copy"));
    assert_eq!(ended.summary.remarks, ["database Copy was kept; it is not complete"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_there_is_never_dropped_and_what_was_added_is_named() {
    let bench = Bench::new().await;
    let source = bench.backup().await;
    let mut orders = bench.orders("master").await;
    super::bench::order(&mut *orders, "CREATE DATABASE [Copy]").await;
    bench.fault("stall=30s,on=FOREIGN KEY");
    let mut spec = restore(&source);
    if let JobSpec::Restore { existing, .. } = &mut spec {
        *existing = Some("Copy".into());
    }
    let (ended, took) = bench.cancel_at(spec, Step::Constraints, Duration::from_millis(100)).await;
    assert_eq!(ended.state, Some(JobState::Cancelled));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(bench.databases().await.contains("Copy"));
    let said = ended.summary.remarks.join("; ");
    assert!(
        said.contains("database Copy was there before and is kept; this was added to it: table [dbo].[Customer]"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_states_come_in_order_and_clean_up_before_the_end() {
    let bench = Bench::new().await;
    let source: PackageSource = bench.backup().await;
    bench.fault("stall=30s,on=FOREIGN KEY");
    let (ended, _) = bench.cancel_at(restore(&source), Step::Constraints, Duration::from_millis(100)).await;
    assert_eq!(ended.states, [JobState::Running, JobState::Cancelling, JobState::CleaningUp]);
    assert_eq!(ended.summary.rows, 5500, "what was moved is told");
}
