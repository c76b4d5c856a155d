//! The scheduler with jobs of the tests' own: turns, states, cancellation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use async_trait::async_trait;

use super::super::command::Trigger;
use super::super::event::Step;
use super::super::job::TableMeter;
use super::*;

/// Jobs that do what their tenant's name says.
#[derive(Default)]
struct Scripted {
    at_once: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Work for Scripted {
    fn server(&self, spec: &JobSpec) -> Option<String> {
        match spec {
            JobSpec::Backup { tenant, .. } => tenant.split_once('@').map(|(_, server)| server.to_owned()),
            _ => None,
        }
    }

    async fn run(&self, spec: &JobSpec, job: &JobContext) -> Result<Summary, Stop> {
        let JobSpec::Backup { tenant, .. } = spec else { panic!("not a backup") };
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        job.step(Step::Data);
        let result = match tenant.split('@').next().unwrap_or_default() {
            "quick" => {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Ok(Summary { rows: 1, ..Summary::default() })
            }
            "fail" => Err(Failure::new("it broke").into()),
            "panic" => panic!("a mistake"),
            "chatty" => {
                let meter = job.measure(vec![TableMeter::new("dbo.T", Some(1000), None)]);
                meter.table(0).begin();
                for _ in 0..500 {
                    meter.table(0).add(1, 10);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Ok(Summary::default())
            }
            _ => {
                let meter = job.measure(vec![TableMeter::new("dbo.T", None, None)]);
                meter.table(0).add(42, 420);
                let stopped = job.until_cancelled(std::future::pending::<()>()).await;
                job.cleaning_up();
                tokio::time::sleep(Duration::from_millis(20)).await;
                job.remark("left nothing");
                stopped.map(|()| Summary::default())
            }
        };
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

fn backup(tenant: &str) -> JobSpec {
    JobSpec::Backup { tenant: tenant.into(), comment: None, trigger: Trigger::Manual }
}

fn scheduler(workers: usize) -> (Scheduler, Arc<Scripted>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let work = Arc::new(Scripted::default());
    let limits = Limits { workers, per_server: 2, servers: HashMap::new() };
    (Scheduler::start(dir.path().to_path_buf(), limits, work.clone()), work, dir)
}

async fn until_ended(events: &mut mpsc::UnboundedReceiver<Event>, job: JobId) -> Vec<What> {
    let mut seen = Vec::new();
    while let Some(event) = events.recv().await {
        if event.job == job {
            let end = matches!(event.what, What::Ended { .. });
            seen.push(event.what);
            if end {
                break;
            }
        }
    }
    seen
}

fn words(events: &[What]) -> Vec<String> {
    let word = |what: &What| match what {
        What::Queued { .. } => "queued".to_owned(),
        What::State { state } => format!("{state:?}"),
        What::Step { step } => step.label().to_owned(),
        What::Progress(_) => "progress".to_owned(),
        What::Message { text, .. } => text.clone(),
        What::Ended { state, .. } => format!("ended {state:?}"),
    };
    let mut words: Vec<String> = events.iter().map(word).collect();
    words.dedup();
    words
}

#[tokio::test]
async fn a_job_runs_to_its_end_and_is_in_the_journal_when_that_is_told() {
    let (scheduler, _, _dir) = scheduler(2);
    let mut events = scheduler.events();
    let job = scheduler.submit(backup("quick")).await.unwrap();
    let seen = until_ended(&mut events, job).await;
    assert_eq!(words(&seen), ["queued", "Running", "data", "ended Completed"]);
    let info = &scheduler.jobs(10).await.unwrap()[0];
    assert_eq!((info.id, info.state), (job, JobState::Completed));
    assert!(info.started.is_some() && info.ended.is_some());
}

#[tokio::test]
async fn a_running_job_is_cancelled_and_cleans_up_before_it_ends() {
    let (scheduler, _, _dir) = scheduler(2);
    let mut events = scheduler.events();
    let job = scheduler.submit(backup("stuck")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let asked = Instant::now();
    scheduler.cancel(job).await.unwrap();
    let seen = until_ended(&mut events, job).await;
    assert!(asked.elapsed() < Duration::from_secs(2));
    // Progress is told at a pace of its own: on a busy machine none may come in between.
    let order = ["queued", "Running", "data", "Cancelling", "CleaningUp", "left nothing", "ended Cancelled"];
    let mut told = words(&seen);
    told.retain(|w| w != "progress");
    assert_eq!(told, order);
    let Some(What::Ended { summary, failure, .. }) = seen.last() else { panic!() };
    assert_eq!((summary.rows, summary.bytes, failure), (42, 420, &None));
    assert_eq!(summary.remarks, ["left nothing"]);
    let again = scheduler.cancel(job).await.unwrap_err();
    assert_eq!(again.message, format!("job {job} has ended already"));
    assert_eq!(scheduler.cancel(JobId(99)).await.unwrap_err().message, "there is no job #99");
}

#[tokio::test]
async fn a_queued_job_is_cancelled_without_ever_running() {
    let (scheduler, work, _dir) = scheduler(1);
    let mut events = scheduler.events();
    let first = scheduler.submit(backup("stuck")).await.unwrap();
    let second = scheduler.submit(backup("quick")).await.unwrap();
    scheduler.cancel(second).await.unwrap();
    assert_eq!(words(&until_ended(&mut events, second).await), ["queued", "ended Cancelled"]);
    scheduler.cancel(first).await.unwrap();
    scheduler.idle().await;
    assert_eq!(work.most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failure_and_a_panic_end_their_jobs_and_nothing_else() {
    let (scheduler, _, _dir) = scheduler(4);
    let mut events = scheduler.events();
    for (tenant, message) in [("fail", "it broke"), ("panic", "pacrat made a mistake of its own; the job was given up")]
    {
        let job = scheduler.submit(backup(tenant)).await.unwrap();
        let seen = until_ended(&mut events, job).await;
        let Some(What::Ended { state: JobState::Failed, failure: Some(failure), .. }) = seen.last() else {
            panic!("{seen:?}")
        };
        assert_eq!(failure.message, message);
    }
    let job = scheduler.submit(backup("quick")).await.unwrap();
    assert_eq!(words(&until_ended(&mut events, job).await).last().unwrap(), "ended Completed");
}

#[tokio::test]
async fn progress_is_told_at_most_ten_times_a_second() {
    let (scheduler, _, _dir) = scheduler(1);
    let mut events = scheduler.events();
    let begun = Instant::now();
    let job = scheduler.submit(backup("chatty")).await.unwrap();
    let seen = until_ended(&mut events, job).await;
    let told = seen.iter().filter(|w| matches!(w, What::Progress(_))).count();
    let most = begun.elapsed().as_millis() / 100 + 2;
    assert!(told >= 3 && told as u128 <= most, "{told} in {:?}", begun.elapsed());
}

#[tokio::test]
async fn limits_hold_and_everything_is_done() {
    let (scheduler, work, _dir) = scheduler(3);
    for n in 0..12 {
        scheduler.submit(backup(&format!("quick@{}", n % 2))).await.unwrap();
    }
    scheduler.idle().await;
    assert_eq!(work.most.load(Ordering::SeqCst), 3);
    let jobs = scheduler.jobs(100).await.unwrap();
    assert_eq!(jobs.len(), 12);
    assert!(jobs.iter().all(|j| j.state == JobState::Completed));
    let one_server = scheduler.clone();
    for _ in 0..6 {
        one_server.submit(backup("quick@only")).await.unwrap();
    }
    work.most.store(0, Ordering::SeqCst);
    one_server.idle().await;
    assert_eq!(work.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn cancel_all_ends_everything() {
    let (scheduler, _, _dir) = scheduler(2);
    for _ in 0..5 {
        scheduler.submit(backup("stuck")).await.unwrap();
    }
    scheduler.cancel_all();
    scheduler.idle().await;
    assert!(scheduler.jobs(10).await.unwrap().iter().all(|j| j.state == JobState::Cancelled));
}
