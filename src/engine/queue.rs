//! Which job may start next: first come, first served, within so many jobs at once in all and on each server. Pure.

use std::collections::{HashMap, VecDeque};

use super::event::JobId;

/// How many at once.
#[derive(Debug, Clone)]
pub struct Limits {
    /// In all.
    pub workers: usize,
    /// On one server, unless `servers` says otherwise.
    pub per_server: usize,
    /// On one server, by name.
    pub servers: HashMap<String, usize>,
}

impl Limits {
    fn of(&self, server: &str) -> usize {
        self.servers.get(server).copied().unwrap_or(self.per_server).max(1)
    }
}

/// The jobs that wait and those at work.
#[derive(Debug)]
pub struct Queue {
    limits: Limits,
    waiting: VecDeque<(JobId, Option<String>)>,
    running: HashMap<JobId, Option<String>>,
}

impl Queue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self { limits, waiting: VecDeque::new(), running: HashMap::new() }
    }

    /// A job waits, for a server or for none.
    pub fn push(&mut self, job: JobId, server: Option<String>) {
        self.waiting.push_back((job, server));
    }

    /// The next job that may start; it counts as running from now on. A job whose server is busy lets others pass.
    pub fn start_next(&mut self) -> Option<JobId> {
        if self.running.len() >= self.limits.workers.max(1) {
            return None;
        }
        let free = |server: &Option<String>| match server {
            Some(name) => self.running.values().filter(|r| *r == server).count() < self.limits.of(name),
            None => true,
        };
        let place = self.waiting.iter().position(|(_, server)| free(server))?;
        let (job, server) = self.waiting.remove(place)?;
        self.running.insert(job, server);
        Some(job)
    }

    /// A job does not wait any more; false if it did not.
    pub fn withdraw(&mut self, job: JobId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(id, _)| *id != job);
        self.waiting.len() < before
    }

    /// A job is not at work any more.
    pub fn finish(&mut self, job: JobId) {
        self.running.remove(&job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(workers: usize) -> Queue {
        Queue::new(Limits { workers, per_server: 2, servers: HashMap::from([("slow".into(), 1)]) })
    }

    fn push(queue: &mut Queue, jobs: &[(u64, &str)]) {
        for (id, server) in jobs {
            queue.push(JobId(*id), Some((*server).to_owned()).filter(|s| !s.is_empty()));
        }
    }

    fn start_all(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.start_next()).map(|j| j.0).collect()
    }

    #[test]
    fn first_come_first_served_within_the_workers() {
        let mut queue = queue(2);
        push(&mut queue, &[(1, ""), (2, ""), (3, "")]);
        assert_eq!(start_all(&mut queue), [1, 2]);
        queue.finish(JobId(1));
        assert_eq!(start_all(&mut queue), [3]);
    }

    #[test]
    fn a_busy_server_lets_others_pass() {
        let mut queue = queue(8);
        push(&mut queue, &[(1, "a"), (2, "a"), (3, "a"), (4, "slow"), (5, "slow"), (6, "b")]);
        assert_eq!(start_all(&mut queue), [1, 2, 4, 6]);
        queue.finish(JobId(4));
        assert_eq!(start_all(&mut queue), [5]);
        queue.finish(JobId(1));
        assert_eq!(start_all(&mut queue), [3]);
    }

    #[test]
    fn a_withdrawn_job_never_starts() {
        let mut queue = queue(1);
        push(&mut queue, &[(1, ""), (2, "")]);
        assert!(queue.withdraw(JobId(1)));
        assert!(!queue.withdraw(JobId(1)));
        assert_eq!(start_all(&mut queue), [2]);
        assert!(!queue.withdraw(JobId(2)));
    }
}
