//! Whole scripts as text: for people and sqlcmd (with GO), and for DacFx.

use super::database::{dacfx_option_lines, dacfx_server_line};
use super::{Batch, Form, Script, script};
use crate::bacpac::model::{Model, Name};
use std::collections::HashMap;

/// The script as sqlcmd takes it: a GO after each batch, SET statements where the settings change, a line where the
/// data would be loaded.
pub fn server_text(script: &Script) -> String {
    let mut out = String::new();
    let mut settings = (true, true);
    let mut before_data = true;
    for left in &script.not_carried {
        out.push_str(&format!("-- not carried: {}\n", one_line(&left.to_string())));
    }
    for batch in &script.batches {
        if before_data && !batch.phase.is_before_data() {
            before_data = false;
            out.push_str("-- the rows are loaded here\n");
        }
        if (batch.ansi_nulls, batch.quoted_identifier) != settings {
            settings = (batch.ansi_nulls, batch.quoted_identifier);
            let word = |on: bool| if on { "ON" } else { "OFF" };
            out.push_str(&format!(
                "SET ANSI_NULLS {};\nSET QUOTED_IDENTIFIER {};\nGO\n",
                word(settings.0),
                word(settings.1)
            ));
        }
        push(&mut out, batch);
    }
    out
}

/// The script as DacFx takes it: the options as `--@` lines, the version, then the definitions by their settings.
pub fn dacfx_text(model: &Model) -> (String, Script) {
    let made = script(model, Form::DacFx);
    (sections(dacfx_option_lines(model), &made), made)
}

/// Some objects of a model as DacFx takes them: the version and the definitions, without the database's options.
pub fn dacfx_text_of(model: &Model, made: &Script) -> String {
    sections(dacfx_server_line(model), made)
}

/// A server's script laid out for DacFx, so that it can be judged by it, without what only a server takes.
pub fn server_text_for_dacfx(model: &Model) -> String {
    let mut made = script(model, Form::Server);
    made.batches.retain(|b| {
        !matches!(
            b.kind,
            "database option"
                | "identity value"
                | "sequence value"
                | "schema owner"
                | "period"
                | "hidden column"
                | "system versioning"
        )
    });
    sections(dacfx_option_lines(model), &made)
}

fn sections(head: String, made: &Script) -> String {
    let mut out = head;
    // Statements that belong to an object must stand in the same part as the object.
    let made_under: HashMap<&Name, Settings> =
        made.batches.iter().filter(|b| b.creates).map(|b| (&b.gives, settings_of(b))).collect();
    for settings in [(true, true), (true, false), (false, true), (false, false)] {
        let part: Vec<&Batch> = made.batches.iter().filter(|b| home(&made_under, b) == settings).collect();
        if part.is_empty() {
            continue;
        }
        out.push_str(&format!("--@section AnsiNulls={} QuotedIdentifier={}\n", settings.0, settings.1));
        for batch in part {
            push(&mut out, batch);
        }
    }
    out
}

/// ANSI_NULLS and QUOTED_IDENTIFIER.
type Settings = (bool, bool);

fn settings_of(batch: &Batch) -> Settings {
    (batch.ansi_nulls, batch.quoted_identifier)
}

/// The settings of the part that a batch stands in: its own, or those of the object that it changes.
fn home(made_under: &HashMap<&Name, Settings>, batch: &Batch) -> Settings {
    let changed = if batch.creates { None } else { batch.needs.first() };
    changed.and_then(|name| made_under.get(name)).copied().unwrap_or_else(|| settings_of(batch))
}

fn push(out: &mut String, batch: &Batch) {
    out.push_str(&batch.sql);
    if !batch.sql.ends_with('\n') {
        out.push('\n');
    }
    out.push_str("GO\n");
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
