//! `pacrat demo`: two sandbox servers with five tenants in this process, a store with some history, the dashboard on
//! them. Everything is temporary and removed at the end.

mod gate;
mod history;
mod line;
mod rows;
mod sandbox;
mod seed;
mod tenants;
mod world;

use std::sync::Arc;

use super::exit;
use super::output::Outcome;
use super::session::{Session, runtime};
use crate::engine::event::{Failure, FailureKind};
use crate::tui;
use world::{Place, Wishes, World};

/// Runs it. `megabytes` a second go over the line to each server; 0: as many as can.
pub fn run(session: &Session, megabytes: f64) -> Outcome {
    // Before anything is made: without a terminal there is nothing to see.
    tui::check().map_err(|e| Failure::new(e.to_string()).kind(FailureKind::Request))?;
    let wishes = Wishes { bytes_per_second: (megabytes * 1_000_000.0) as u64, large: rows::RECEIPT_LINES };
    // Dropped last, when nothing writes any more.
    let place = Place::new()?;
    session.start_log(&place.data_dir())?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        // From here on a signal ends the demo in order; before the dashboard listens itself, this does.
        let world = tokio::select! {
            world = World::make(&place, wishes) => world?,
            () = signalled() => return Ok(exit::OK),
        };
        let options = tui::Options {
            theme: tui::Theme::detect(|name| std::env::var(name).ok()),
            product: world.service.config().product.clone(),
            restore: world.service.config().restore.clone(),
            restore_name: world.service.config().restore_name.clone(),
            zone: jiff::tz::TimeZone::system(),
            hangup: tui::Hangup::Cancel,
            banner: Some("demo".into()),
        };
        let ran = tui::run(Arc::new(world.service.clone()), options).await;
        place.end_in_time();
        for fault in world.end().await {
            super::output::tell(&format!("warning: {fault}"));
        }
        match ran {
            Ok(()) => Ok(exit::OK),
            Err(e) => Err(Failure::new("the dashboard ended").because(&e).into()),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    outcome
}

/// Returns when the process is asked to end.
#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()];
    let mut signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    let any = signals.iter_mut().map(|s| Box::pin(s.recv()));
    futures::future::select_all(any).await;
}

#[cfg(not(unix))]
async fn signalled() {
    let _ = tokio::signal::ctrl_c().await;
}
