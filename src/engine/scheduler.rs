//! Who starts jobs, numbers them, writes them down and tells the world: one thread that owns all of it and is spoken
//! to through a channel. Jobs run on the runtime; each has its own token.
//!
//! What was told was written down before: an event that somebody saw is in the journal.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::command::JobSpec;
use super::event::{Event, Failure, JobId, JobState, Summary, What};
use super::job::{JobContext, Stop, Tell, Work};
use super::journal::{Journal, JournalError};
use super::query::JobInfo;
use super::queue::{Limits, Queue};

/// At most so often a job's progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

type Reply<T> = oneshot::Sender<Result<T, Failure>>;

enum Order {
    Submit(JobSpec, Reply<JobId>),
    Cancel(JobId, Reply<JobId>),
    CancelAll,
    Subscribe(mpsc::UnboundedSender<Event>),
    Jobs(usize, Reply<Vec<JobInfo>>),
    LastBackups(Reply<Vec<JobInfo>>),
    JobEvents(JobId, Reply<Vec<Event>>),
    InterruptDead(Reply<Vec<JobInfo>>),
    WhenIdle(oneshot::Sender<()>),
    Told(JobId, What),
}

/// The handle of the scheduler. When the last one goes, running jobs are still brought to their end.
#[derive(Clone)]
pub struct Scheduler {
    orders: mpsc::UnboundedSender<Order>,
}

impl Scheduler {
    /// Start it on the current runtime. The journal is opened when the first order needs it.
    pub fn start(data_dir: PathBuf, limits: Limits, work: Arc<dyn Work>) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Handle::current();
        let own = orders.downgrade();
        let actor = Actor {
            data_dir,
            journal: None,
            queue: Queue::new(limits),
            live: BTreeMap::new(),
            subscribers: Vec::new(),
            waiting_for_idle: Vec::new(),
            work,
            runtime,
            own,
        };
        std::thread::spawn(move || actor.run(inbox));
        Self { orders }
    }

    async fn ask<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, Failure> {
        let gone = || Failure::new("the engine has stopped").hint("start pacrat again; its log says why");
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Queue a job.
    pub async fn submit(&self, spec: JobSpec) -> Result<JobId, Failure> {
        self.ask(|reply| Order::Submit(spec, reply)).await
    }

    /// Cancel a job of this process.
    pub async fn cancel(&self, job: JobId) -> Result<JobId, Failure> {
        self.ask(|reply| Order::Cancel(job, reply)).await
    }

    /// Cancel every job of this process.
    pub fn cancel_all(&self) {
        let _ = self.orders.send(Order::CancelAll);
    }

    /// Returns when no job of this process waits or is at work.
    pub async fn idle(&self) {
        let (reply, answer) = oneshot::channel();
        if self.orders.send(Order::WhenIdle(reply)).is_ok() {
            let _ = answer.await;
        }
    }

    /// Every event from now on.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let _ = self.orders.send(Order::Subscribe(sender));
        receiver
    }

    /// Jobs that have not ended first, then the newest.
    pub async fn jobs(&self, limit: usize) -> Result<Vec<JobInfo>, Failure> {
        self.ask(|reply| Order::Jobs(limit, reply)).await
    }

    /// The newest ended backup job of each tenant.
    pub async fn last_backups(&self) -> Result<Vec<JobInfo>, Failure> {
        self.ask(Order::LastBackups).await
    }

    /// A job's events as the journal keeps them.
    pub async fn job_events(&self, job: JobId) -> Result<Vec<Event>, Failure> {
        self.ask(|reply| Order::JobEvents(job, reply)).await
    }

    /// End the jobs of dead processes as interrupted; those that were.
    pub async fn interrupt_dead(&self) -> Result<Vec<JobInfo>, Failure> {
        self.ask(Order::InterruptDead).await
    }
}

/// A job that has not ended.
struct Live {
    spec: JobSpec,
    state: JobState,
    cancel: CancellationToken,
}

struct Actor {
    data_dir: PathBuf,
    journal: Option<Journal>,
    queue: Queue,
    live: BTreeMap<JobId, Live>,
    subscribers: Vec<mpsc::UnboundedSender<Event>>,
    waiting_for_idle: Vec<oneshot::Sender<()>>,
    work: Arc<dyn Work>,
    runtime: tokio::runtime::Handle,
    own: mpsc::WeakUnboundedSender<Order>,
}

impl Actor {
    fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = inbox.blocking_recv() {
            self.handle(order);
            if self.live.is_empty() {
                for waiting in self.waiting_for_idle.drain(..) {
                    let _ = waiting.send(());
                }
            }
        }
    }

    fn journal(&mut self) -> Result<&mut Journal, JournalError> {
        if self.journal.is_none() {
            self.journal = Some(Journal::open(&self.data_dir)?);
        }
        match &mut self.journal {
            Some(journal) => Ok(journal),
            // Just put there.
            None => unreachable!("the journal was opened above"),
        }
    }

    fn handle(&mut self, order: Order) {
        match order {
            Order::Submit(spec, reply) => {
                let submitted = self.submit(spec);
                let _ = reply.send(submitted.map_err(Failure::from));
                self.start_waiting();
            }
            Order::Cancel(job, reply) => {
                let _ = reply.send(self.cancel(job));
            }
            Order::CancelAll => {
                for job in self.live.keys().copied().collect::<Vec<_>>() {
                    let _ = self.cancel(job);
                }
            }
            Order::Subscribe(subscriber) => self.subscribers.push(subscriber),
            Order::Jobs(limit, reply) => {
                let _ = reply.send(self.journal().and_then(|j| j.jobs(limit)).map_err(Failure::from));
            }
            Order::LastBackups(reply) => {
                let _ = reply.send(self.journal().and_then(|j| j.last_backups()).map_err(Failure::from));
            }
            Order::JobEvents(job, reply) => {
                let _ = reply.send(self.journal().and_then(|j| j.events(job)).map_err(Failure::from));
            }
            Order::InterruptDead(reply) => {
                let found = self.journal().and_then(|j| j.interrupt_dead(Timestamp::now()));
                let _ = reply.send(found.map_err(Failure::from));
            }
            Order::WhenIdle(reply) => self.waiting_for_idle.push(reply),
            Order::Told(job, what) => self.told(job, what),
        }
    }

    fn submit(&mut self, spec: JobSpec) -> Result<JobId, JournalError> {
        let server = self.work.server(&spec);
        let job = self.journal()?.add(&spec, Timestamp::now())?;
        let live = Live { spec: spec.clone(), state: JobState::Queued, cancel: CancellationToken::new() };
        self.live.insert(job, live);
        self.publish(job, What::Queued { spec });
        self.queue.push(job, server);
        Ok(job)
    }

    fn cancel(&mut self, job: JobId) -> Result<JobId, Failure> {
        let Some(live) = self.live.get_mut(&job) else {
            return Err(match self.journal().and_then(|j| j.job(job)).map_err(Failure::from)? {
                Some(info) if info.state.is_final() => Failure::new(format!("job {job} has ended already")),
                Some(_) => Failure::new(format!("job {job} belongs to another pacrat process"))
                    .hint("cancel it where it was started"),
                None => Failure::new(format!("there is no job {job}")).hint("pacrat jobs shows them"),
            });
        };
        if matches!(live.state, JobState::Cancelling | JobState::CleaningUp) {
            return Ok(job);
        }
        live.cancel.cancel();
        if self.queue.withdraw(job) {
            let ended = What::Ended { state: JobState::Cancelled, summary: Summary::default(), failure: None };
            self.end(job, ended);
        } else {
            live.state = JobState::Cancelling;
            self.publish(job, What::State { state: JobState::Cancelling });
        }
        Ok(job)
    }

    fn told(&mut self, job: JobId, what: What) {
        match &what {
            What::Ended { .. } => {
                self.queue.finish(job);
                self.end(job, what);
                self.start_waiting();
            }
            What::State { state } => {
                if let Some(live) = self.live.get_mut(&job) {
                    live.state = *state;
                }
                self.publish(job, what);
            }
            // A bar that still moves under "cancelling" says the opposite of what happens.
            What::Progress(_) if self.live.get(&job).is_none_or(|l| l.state != JobState::Running) => {}
            _ => self.publish(job, what),
        }
    }

    fn end(&mut self, job: JobId, ended: What) {
        self.live.remove(&job);
        self.publish(job, ended);
    }

    /// Write an event down and tell it.
    fn publish(&mut self, job: JobId, what: What) {
        let event = Event { at: Timestamp::now(), job, what };
        if let Err(e) = self.journal().and_then(|j| j.record(&event)) {
            // The job goes on: a backup is worth more than its line in the journal.
            tracing::error!(job = job.0, error = %e, "the journal does not take an event");
        }
        self.subscribers.retain(|s| s.send(event.clone()).is_ok());
    }

    fn start_waiting(&mut self) {
        while let Some(job) = self.queue.start_next() {
            let Some(live) = self.live.get_mut(&job) else {
                self.queue.finish(job);
                continue;
            };
            let Some(own) = self.own.upgrade() else { return };
            live.state = JobState::Running;
            let (spec, cancel, work) = (live.spec.clone(), live.cancel.clone(), Arc::clone(&self.work));
            self.publish(job, What::State { state: JobState::Running });
            let tell = Arc::new(move |what| {
                let _ = own.send(Order::Told(job, what));
            });
            self.runtime.spawn(run(job, spec, cancel, work, tell));
        }
    }
}

/// Run one job to its end and tell what happens, its end included. The scheduler does so with every job; a command
/// that needs no queue and no journal may, too.
pub async fn run(id: JobId, spec: JobSpec, cancel: CancellationToken, work: Arc<dyn Work>, tell: Tell) {
    let out = Arc::clone(&tell);
    let job = JobContext::new(id, cancel.clone(), out);
    let body = AssertUnwindSafe(work.run(&spec, &job)).catch_unwind();
    tokio::pin!(body);
    let mut tick = tokio::time::interval(PROGRESS_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut body => break result,
            _ = tick.tick() => job.tell_progress(),
        }
    };
    job.tell_progress();
    let ended = match result {
        Ok(Ok(mut summary)) => {
            summary.remarks.extend(job.remarks());
            What::Ended { state: JobState::Completed, summary, failure: None }
        }
        stopped => {
            let (rows, bytes) = job.moved();
            let summary = Summary { rows, bytes, remarks: job.remarks(), ..Summary::default() };
            match stopped {
                // An error that comes of being interrupted is no failure.
                Ok(Err(_)) if cancel.is_cancelled() => {
                    What::Ended { state: JobState::Cancelled, summary, failure: None }
                }
                Ok(Err(Stop::Failed(failure))) => {
                    What::Ended { state: JobState::Failed, summary, failure: Some(*failure) }
                }
                Ok(_) => What::Ended { state: JobState::Cancelled, summary, failure: None },
                Err(panic) => {
                    let words = panic.downcast_ref::<String>().map(String::as_str);
                    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
                    let failure = Failure::new("pacrat made a mistake of its own; the job was given up")
                        .hint("what it was to clean up may be left: look at the target, and report this error");
                    let failure = Failure { causes: vec![words.to_owned()], ..failure };
                    What::Ended { state: JobState::Failed, summary, failure: Some(failure) }
                }
            }
        }
    };
    tell(ended);
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
