//! `pacrat script`: a package's schema as T-SQL, all of it or one object with what belongs to it.

use std::io::Write;

use super::arguments::ScriptFormat;
use super::output::{self, End, Outcome};
use super::session::Session;
use super::{exit, package};
use crate::bacpac::model::{Found, Model, Name};
use crate::bacpac::script::{self, Form, Script};
use crate::config::nearest;
use crate::engine::event::{Failure, FailureKind};

/// Names that an error lists at most.
const LISTED: usize = 8;

/// `pacrat script`.
pub fn script(session: &Session, argument: &str, format: ScriptFormat, object: Option<&str>) -> Outcome {
    let opened = package::open(session, argument)?;
    let model = &opened.model;
    let form = match format {
        ScriptFormat::Server => Form::Server,
        ScriptFormat::Dacfx => Form::DacFx,
    };
    let made = match object {
        Some(object) => script::script_of(model, form, &the_one(model, object, &opened.label)?),
        None => script::script(model, form),
    };
    let mut out = output::stdout();
    if session.common.json {
        output::json(&document(&made))?;
        return Ok(exit::OK);
    }
    let text = match (form, object) {
        (Form::Server, _) => script::server_text(&made),
        (Form::DacFx, None) => script::dacfx_text(model).0,
        (Form::DacFx, Some(_)) => script::dacfx_text_of(model, &made),
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    // The text for a server says so itself, in comments.
    if form == Form::DacFx {
        for left in &made.not_carried {
            output::tell(&format!("not carried: {left}"));
        }
    }
    Ok(exit::OK)
}

fn document(script: &Script) -> serde_json::Value {
    let batches = script.batches.iter().map(|b| {
        serde_json::json!({
            "phase": format!("{:?}", b.phase), "kind": b.kind, "name": b.name, "sql": b.sql,
            "ansi_nulls": b.ansi_nulls, "quoted_identifier": b.quoted_identifier,
        })
    });
    let left = script.not_carried.iter();
    let left = left.map(|n| {
        let (property, value) = (&n.property, &n.value);
        serde_json::json!({ "kind": n.kind, "name": n.name, "property": property, "value": value, "reason": n.reason })
    });
    serde_json::json!({ "batches": batches.collect::<Vec<_>>(), "not_carried": left.collect::<Vec<_>>() })
}

/// The object that a person means, or an error that says what is near.
fn the_one(model: &Model, text: &str, label: &str) -> Result<Name, End> {
    let (message, near) = match model.find(text) {
        Found::One(name) => return Ok(name),
        Found::Several(names) => (format!("{text} can mean {} objects of {label}", names.len()), listed(&names)),
        Found::Nothing => (format!("there is no object {text} in {label}"), near(model, text)),
    };
    let hint = match near.is_empty() {
        true => format!("pacrat script {label} shows all of them"),
        false => format!("write one of {near}"),
    };
    Err(Failure::new(message).kind(FailureKind::Request).hint(hint).into())
}

fn listed(names: &[Name]) -> String {
    let mut text = names.iter().take(LISTED).map(Name::to_string).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

/// Names like the one that there is not: those that hold it, else the one that it is nearest to.
fn near(model: &Model, text: &str) -> String {
    let own = text.rsplit('.').next().unwrap_or(text).trim_matches(['[', ']', '"']).to_lowercase();
    let mut names: Vec<Name> = model.names().collect();
    names.sort();
    names.dedup();
    let holding = |n: &&Name| !own.is_empty() && n.last().to_lowercase().contains(&own);
    let holding: Vec<Name> = names.iter().filter(holding).cloned().collect();
    if !holding.is_empty() {
        return listed(&holding);
    }
    let found = nearest(&own, names.iter().map(Name::last)).map(str::to_owned);
    let found: Vec<Name> = names.into_iter().filter(|n| found.as_deref() == Some(n.last())).collect();
    listed(&found)
}
