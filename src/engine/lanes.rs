//! Connections that work side by side on one queue of tables. The first that fails stops the others, and its failure is
//! the one that is told.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::event::Failure;
use super::job::{JobContext, Meter, Stop};

/// The connections of one step of a job.
pub struct Lanes {
    stop: CancellationToken,
    set: JoinSet<Result<(), Stop>>,
}

impl Lanes {
    /// None yet.
    pub fn new(job: &JobContext) -> Self {
        Self { stop: job.cancel.child_token(), set: JoinSet::new() }
    }

    /// What a lane has to listen to: the job was cancelled, or another lane failed.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// One more lane, which begins at once.
    pub fn spawn(&mut self, lane: impl Future<Output = Result<(), Stop>> + Send + 'static) {
        self.set.spawn(lane);
    }

    /// All of them ended well; otherwise why the first one did not. What they moved counts as the job's.
    pub async fn ended(mut self, job: &JobContext, meter: &Meter) -> Result<(), Stop> {
        let mut first: Option<Stop> = None;
        while let Some(ended) = self.set.join_next().await {
            let mistake = |e| Err(Failure::new("pacrat made a mistake of its own").because(&e).into());
            if let Err(why) = ended.unwrap_or_else(mistake) {
                self.stop.cancel();
                // What comes of being stopped by the first failure is not told.
                if first.is_none() || first == Some(Stop::Cancelled) {
                    first = Some(why);
                }
            }
        }
        job.keep_as_moved(meter);
        job.check()?;
        first.map_or(Ok(()), Err)
    }
}
