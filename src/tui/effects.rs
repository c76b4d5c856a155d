//! Effects carried out: each in a task of its own, the answer sent back as a message.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::engine::query::Core;

use super::message::{Effect, Message};
use super::state::JOBS;

/// Typing pauses at least so long before the server is asked about a name.
const PAUSE: Duration = Duration::from_millis(250);

/// Starts effects.
pub struct Effects {
    core: Arc<dyn Core>,
    answers: UnboundedSender<Message>,
    /// The question about a database's name: typing on makes it moot.
    asking: Option<JoinHandle<()>>,
    /// The read of a package: opening another makes it moot.
    reading: Option<JoinHandle<()>>,
    /// A plan being worked out: the next one makes it moot.
    planning: Option<JoinHandle<()>>,
}

impl Effects {
    /// On that core, answering there.
    pub fn new(core: Arc<dyn Core>, answers: UnboundedSender<Message>) -> Self {
        Self { core, answers, asking: None, reading: None, planning: None }
    }

    /// Starts one.
    pub fn start(&mut self, effect: Effect) {
        let slot = match effect {
            Effect::CheckDatabase { .. } => Some(&mut self.asking),
            Effect::LoadDetails(..) | Effect::LoadRows { .. } => Some(&mut self.reading),
            Effect::Plan(..) => Some(&mut self.planning),
            _ => None,
        };
        let (core, answers) = (self.core.clone(), self.answers.clone());
        let task = tokio::spawn(async move {
            let answer = match tokio::spawn(perform(core, effect)).await {
                Ok(answer) => answer,
                Err(error) if error.is_panic() => Some(Message::Broken(what(error.into_panic().as_ref()))),
                Err(_) => None,
            };
            if let Some(answer) = answer {
                // Nobody listens once the dashboard has ended.
                let _ = answers.send(answer);
            }
        });
        if let Some(slot) = slot
            && let Some(old) = slot.replace(task)
        {
            old.abort();
        }
    }
}

/// What a panic said.
fn what(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a task panicked".into())
}

async fn perform(core: Arc<dyn Core>, effect: Effect) -> Option<Message> {
    Some(match effect {
        Effect::LoadTenants => Message::Tenants(core.tenants().await),
        Effect::LoadServers => Message::Servers(core.servers().await),
        Effect::LoadBackups(ticket, tenant) => Message::Backups(ticket, core.backups(tenant.as_deref()).await),
        Effect::LoadJobs => Message::Jobs(core.jobs(JOBS).await),
        Effect::LoadJobEvents(job) => Message::JobEvents(job, core.job_events(job).await),
        Effect::LoadDetails(ticket, source) => Message::Details(ticket, Box::new(core.details(&source).await)),
        Effect::LoadRows { ticket, source, table, offset, limit } => {
            Message::Rows(ticket, core.rows(&source, &table, offset, limit).await)
        }
        Effect::CheckDatabase { ticket, server, database } => {
            tokio::time::sleep(PAUSE).await;
            Message::Exists(ticket, core.database_exists(&server, &database).await)
        }
        Effect::LoadLogins(ticket, server) => Message::Logins(ticket, core.logins(&server).await),
        Effect::Plan(ticket, spec) => Message::Planned(ticket, Box::new(core.plan(&spec).await)),
        Effect::Command(command) => {
            let result = core.command(command.clone()).await;
            Message::Commanded(command, result)
        }
        Effect::Trace(..) | Effect::Redraw | Effect::Suspend | Effect::Quit => return None,
    })
}
