//! `pacrat tenants`, `pacrat jobs`: what the journal knows.

use std::collections::BTreeSet;
use std::io::Write;

use jiff::Timestamp;

use super::exit;
use super::list::verified;
use super::output::{self, Outcome, Table};
use super::progress::title;
use super::session::Session;
use crate::engine::query::{Core, JobInfo, TenantInfo};
use crate::tui::quantity::{Wording, age, bytes, count, duration};
use crate::tui::state::job::word;

/// `pacrat tenants`.
pub fn tenants(session: &Session) -> Outcome {
    session.with_engine(
        |_| BTreeSet::new(),
        async |service| {
            let tenants = service.tenants().await?;
            // Several tenants may have one store.
            let unread: BTreeSet<&str> = tenants.iter().filter_map(|t| t.unread.as_deref()).collect();
            for why in &unread {
                output::tell(&format!("error: {why}"));
            }
            let code = if unread.is_empty() { exit::OK } else { exit::FAILED };
            if session.common.json {
                output::json(&tenants)?;
                return Ok(code);
            }
            let now = Timestamp::now();
            let mut table =
                Table::new(&["TENANT", "SERVER", "DATABASE", "GROUP", "LAST BACKUP", ">SIZE", "VERIFIED", "LAST JOB"]);
            for t in &tenants {
                let last = t.last_backup.as_ref();
                table.row(vec![
                    t.name.clone(),
                    t.server.clone(),
                    t.database.clone(),
                    t.group.clone().unwrap_or_default(),
                    last.filter(|_| t.unread.is_none())
                        .map_or_else(|| newest(t).into(), |b| age(b.taken, now, Wording::Long)),
                    last.map(|b| bytes(b.size)).unwrap_or_default(),
                    last.map_or("", verified).into(),
                    t.last_job.as_ref().map(|j| job_end(j, now)).unwrap_or_default(),
                ]);
            }
            let mut out = output::stdout();
            if tenants.is_empty() && !session.common.quiet {
                output::tell(&no_tenants(session));
            } else {
                table.print(&mut out)?;
            }
            out.flush()?;
            Ok(code)
        },
    )
}

/// What is said where no newest backup is known.
fn newest(tenant: &TenantInfo) -> &'static str {
    if tenant.unread.is_some() { "not known" } else { "never" }
}

/// What to do where nothing is configured yet.
fn no_tenants(session: &Session) -> String {
    let named = session.common.config.clone().or_else(|| std::env::var_os("PACRAT_CONFIG").map(Into::into));
    let file = named.or_else(crate::config::default_config_file);
    let file = file.map_or_else(|| "a file that --config names".into(), |f| f.display().to_string());
    format!(
        "no tenants are configured: write [servers.NAME] and [tenants.NAME] into {file}, as config.example.toml shows"
    )
}

fn job_end(job: &JobInfo, now: Timestamp) -> String {
    let when = job.ended.map(|at| format!(" {}", age(at, now, Wording::Long))).unwrap_or_default();
    format!("{}{when}", word(job.state))
}

/// `pacrat jobs`.
pub fn jobs(session: &Session, limit: usize) -> Outcome {
    session.with_engine(
        |_| BTreeSet::new(),
        async |service| {
            service.recover().await?;
            let jobs = service.jobs(limit).await?;
            if session.common.json {
                output::json(&jobs)?;
                return Ok(exit::OK);
            }
            let now = Timestamp::now();
            let mut table = Table::new(&[">JOB", "KIND", "OF", "STATE", "QUEUED", ">TOOK", ">ROWS", "WHY"]);
            for j in &jobs {
                let took = j.started.zip(j.ended).map(|(a, b)| duration(b.as_second() - a.as_second()));
                table.row(vec![
                    j.id.to_string(),
                    j.spec.kind().into(),
                    title(&j.spec),
                    word(j.state).into(),
                    age(j.queued, now, Wording::Long),
                    took.unwrap_or_default(),
                    j.summary.as_ref().map(|s| count(s.rows)).unwrap_or_default(),
                    j.failure.as_ref().map(|f| f.message.clone()).unwrap_or_default(),
                ]);
            }
            let mut out = output::stdout();
            if jobs.is_empty() && !session.common.quiet {
                output::tell("no jobs");
            } else {
                table.print(&mut out)?;
            }
            out.flush()?;
            Ok(exit::OK)
        },
    )
}
