//! The connection lost during each step: the job fails, says that trying again can help, and leaves nothing.

use std::time::{Duration, Instant};

use pacrat::engine::event::JobState;

use super::bench::{Bench, Report, backup, restore};

/// A job, the words of a step, the fault, the error's number where the server answers one.
const CASES: &[(&str, &str, &str)] = &[
    ("backup", "connecting", "drop,on=login"),
    ("backup", "reading the schema", "drop,on=sys.columns"),
    ("backup", "data", "drop,on=FROM [dbo].[Order]"),
    ("backup", "data", "drop-after-rows=100,on=FROM [dbo].[Order]"),
    ("backup", "data", "error=1205,on=FROM [dbo].[Customer]"),
    ("restore", "connecting", "drop,on=login"),
    ("restore", "creating", "drop,on=CREATE TABLE"),
    ("restore", "loading", "drop,on=INSERT BULK"),
    ("restore", "loading", "drop-after-rows=100,on=INSERT BULK"),
    ("restore", "loading", "error=1105,after-rows=50,on=INSERT BULK"),
    ("restore", "indexing", "drop,on=PRIMARY KEY"),
    ("restore", "constraints", "drop,on=FOREIGN KEY"),
    ("restore", "modules", "drop,on=CREATE VIEW"),
    ("restore", "checking", "drop,on=COUNT_BIG"),
    ("restore", "cleaning up", "error=1105,on=INSERT BULK"),
];

#[tokio::test(flavor = "multi_thread")]
async fn dropped_during_each_step_nothing_is_left() {
    let bench = Bench::new().await;
    let source = bench.backup().await;
    let files = bench.files();
    let mut report = Report::default();
    report.line(format!("{:<8} {:<20} {:<44} {:>6}  left behind", "job", "during", "fault", "took"));
    let mut wrong = Vec::new();
    for (job, step, fault) in CASES {
        let spec = if *job == "backup" { backup() } else { restore(&source) };
        bench.alone().await;
        bench.fault(fault);
        if *step == "cleaning up" {
            // The clean-up's own connection breaks, too: it tries again.
            bench.fault("drop,on=DROP DATABASE");
        }
        let begun = Instant::now();
        let ended = bench.run(spec).await;
        let took = begun.elapsed();
        bench.faults().clear();
        let left = bench.left_behind(&files).await;
        report.line(format!(
            "{job:<8} {step:<20} {fault:<44} {:>4} ms  {left} ({:?})",
            took.as_millis(),
            ended.state.unwrap()
        ));
        let failed = ended.state == Some(JobState::Failed) && ended.failure.is_some();
        // Running out of space is no passing thing; everything else here is.
        let retryable = ended.failure.as_ref().is_some_and(|f| f.retryable) || fault.starts_with("error=1105");
        if !failed || left != "nothing" || !retryable || took > Duration::from_secs(20) {
            wrong.push(format!("{job} during {step} ({fault}): {ended:?} {left} after {took:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_while_the_database_is_made_is_told_and_nothing_of_others_is_dropped() {
    let bench = Bench::new().await;
    let source = bench.backup().await;
    bench.fault("drop,on=CREATE DATABASE [");
    let ended = bench.run(restore(&source)).await;
    assert_eq!(ended.state, Some(JobState::Failed));
    let there = bench.databases().await.contains("Copy");
    let told = ended.summary.remarks.iter().any(|r| r.contains("database Copy"));
    assert_eq!(there, told, "there: {there}; told: {:?}", ended.summary.remarks);
}
