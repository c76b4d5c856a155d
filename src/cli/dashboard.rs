//! `pacrat` without a command: the dashboard on the engine of this process.

use std::sync::Arc;

use super::exit;
use super::output::Outcome;
use super::session::Session;
use crate::engine::event::Failure;
use crate::tui;

/// Open the dashboard.
pub fn run(session: &Session) -> Outcome {
    session.with_engine(
        // A password that must be asked for is asked for now: the dashboard has the terminal afterwards.
        |config| config.servers.keys().cloned().collect(),
        async |service| {
            let recovered = service.recover().await;
            if let Err(failure) = recovered {
                tracing::warn!("what dead processes left was not put in order: {}", failure.lines().join(", "));
            }
            let options = tui::Options {
                theme: tui::Theme::detect(|name| std::env::var(name).ok()),
                product: service.config().product.clone(),
                restore: service.config().restore.clone(),
                restore_name: service.config().restore_name.clone(),
                zone: jiff::tz::TimeZone::system(),
                hangup: tui::Hangup::Finish,
                banner: None,
            };
            let ran = tui::run(Arc::new(service.clone()), options).await;
            // Whoever left the dashboard said what becomes of its jobs; those that go on are seen to their end.
            service.idle().await;
            match ran {
                Ok(()) => Ok(exit::OK),
                Err(e @ tui::DashboardError::NoTerminal(_)) => {
                    Err(Failure::new(e.to_string()).kind(crate::engine::event::FailureKind::Request).into())
                }
                Err(e) => Err(Failure::new("the dashboard ended").because(&e).into()),
            }
        },
    )
}
