//! `pacrat list`: needs no runtime, no journal, no server, so that it is quick.

use std::io::Write;

use jiff::Timestamp;

use super::exit;
use super::output::{self, Outcome, Table};
use super::session::Session;
use crate::config::nearest;
use crate::engine::catalog::{Listed, Stores};
use crate::engine::query::BackupInfo;
use crate::store::manifest::{Level, Trigger};
use crate::tui::quantity::{Wording, age, bytes, count};

/// `pacrat list [TENANT]`.
pub fn backups(session: &Session, tenant: Option<&str>) -> Outcome {
    let config = session.config()?;
    let stores = Stores::new(&config);
    let Listed { backups, remarks, unread } = stores.backups(tenant)?;
    for remark in &remarks {
        output::tell(&format!("warning: {remark}"));
    }
    for (store, failure) in &unread {
        output::tell(&format!("error: store {store}: {}", failure.lines().join(": ")));
    }
    // A name that neither the configuration nor a backup has is a wrong one.
    let unknown = backups.is_empty() && tenant.is_some_and(|t| !config.tenants.contains_key(t));
    let code = match unread.values().map(exit::code).max() {
        Some(code) => code,
        None if unknown => exit::USAGE,
        None => exit::OK,
    };
    if session.common.json {
        output::json(&backups)?;
        return Ok(code);
    }
    let now = Timestamp::now();
    let mut table = Table::new(&["BACKUP", "TENANT", "AGE", ">SIZE", ">ROWS", "TYPE", "VERIFIED", "COMMENT"]);
    for b in &backups {
        let comment = b.manifest.as_ref().and_then(|m| m.comment.clone());
        table.row(vec![
            b.backup.file.clone(),
            b.tenant.clone(),
            age(b.taken, now, Wording::Long),
            bytes(b.size),
            b.rows.map_or_else(|| "?".into(), count),
            kind(b).into(),
            verified(b).into(),
            b.problem.as_ref().map(|p| format!("damaged: {p}")).or(comment).unwrap_or_default(),
        ]);
    }
    let mut out = output::stdout();
    if backups.is_empty() && !session.common.quiet {
        output::tell(&match tenant {
            Some(tenant) if config.tenants.contains_key(tenant) => format!("no backups of {tenant}"),
            Some(tenant) => match nearest(tenant, config.tenants.keys().map(String::as_str)) {
                Some(meant) => format!("no backups of {tenant}, and no tenant of that name; {meant} is one"),
                None => format!("no backups of {tenant}, and no tenant of that name in the configuration"),
            },
            None => "no backups".into(),
        });
    } else {
        table.print(&mut out)?;
    }
    out.flush()?;
    Ok(code)
}

fn kind(b: &BackupInfo) -> &'static str {
    match b.trigger {
        Some(Trigger::Automatic) => "automatic",
        Some(Trigger::Manual) => "manual",
        None => "by hand",
    }
}

/// How much of a backup was proven, in a word.
pub fn verified(b: &BackupInfo) -> &'static str {
    match b.verification.map(|v| v.level) {
        Some(Level::Archive) => "archive",
        Some(Level::Rows) => "rows",
        Some(Level::Restored) => "restored",
        None => "not checked",
    }
}
