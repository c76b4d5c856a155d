//! Jobs: a queue, a pool of workers, progress, the journal. One file a kind of job.
//!
//! Commands in and events out are plain serialisable values (`command`, `event`): the same types travel inside a
//! process and, later, through the agent's socket.

pub mod archive;
mod backup;
pub mod catalog;
pub mod command;
pub mod compare;
mod database;
pub mod event;
mod existing;
mod extract;
mod failure;
pub mod job;
pub mod journal;
mod lanes;
mod load;
pub mod package;
mod plan;
mod process;
pub mod query;
pub mod queue;
mod restore;
mod runner;
pub mod scheduler;
pub mod servers;
pub mod service;
pub mod verify;
mod who;
pub mod work;

pub use plan::{choice_problem, refused_choice};
