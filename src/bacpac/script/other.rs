//! Sequences, synonyms, XML schema collections, rules and defaults of old.

use super::text::*;
use super::{Maker, Phase};
use crate::bacpac::model::*;

impl<'a> Maker<'a> {
    pub(super) fn sequence(&mut self, sequence: &'a Sequence) {
        let mut text = format!("CREATE SEQUENCE {}", sequence.name);
        let mut needs = vec![Name::one(sequence.name.schema())];
        if let Some(spec) = &sequence.data_type {
            text.push_str(&format!(" AS {}", type_text(spec)));
            needs.extend(own(&spec.type_ref));
        }
        let value = |text: &Option<String>| text.as_deref().and_then(number).map(str::to_owned);
        if let Some(start) = value(&sequence.start_value) {
            text.push_str(&format!(" START WITH {start}"));
        }
        if let Some(step) = value(&sequence.increment) {
            text.push_str(&format!(" INCREMENT BY {step}"));
        }
        if !sequence.no_min_value {
            match value(&sequence.min_value) {
                Some(least) => text.push_str(&format!(" MINVALUE {least}")),
                None => text.push_str(" NO MINVALUE"),
            }
        }
        if !sequence.no_max_value {
            match value(&sequence.max_value) {
                Some(most) => text.push_str(&format!(" MAXVALUE {most}")),
                None => text.push_str(" NO MAXVALUE"),
            }
        }
        if sequence.cycles {
            text.push_str(" CYCLE");
        }
        match (sequence.cached, sequence.cache_size) {
            (false, _) => text.push_str(" NO CACHE"),
            (true, Some(size)) => text.push_str(&format!(" CACHE {size}")),
            (true, None) => {}
        }
        text.push(';');
        self.add(Phase::Types, "sequence", &sequence.name, text).needs = needs;
        if !self.is_dacfx() {
            self.sequence_value(sequence);
        }
    }

    /// Where the source's sequence stood.
    fn sequence_value(&mut self, sequence: &Sequence) {
        let Some(current) = sequence.rest.online_value("[CurrentValue]") else { return };
        let parse = |text: Option<&str>| text.and_then(|t| t.parse::<i128>().ok());
        let (Some(current), start) = (parse(Some(current)), parse(sequence.start_value.as_deref())) else {
            self.leave("sequence value", &sequence.name, "it is not a number");
            return;
        };
        // Assumption: a sequence that stands at its start was never asked for a number (the server says the same of one
        // that was asked once).
        if Some(current) == start {
            return;
        }
        let step = parse(sequence.increment.as_deref()).unwrap_or(1);
        let least = parse(sequence.min_value.as_deref()).filter(|_| !sequence.no_min_value);
        let most = parse(sequence.max_value.as_deref()).filter(|_| !sequence.no_max_value);
        let mut next = current.saturating_add(step);
        if least.is_some_and(|l| next < l) || most.is_some_and(|m| next > m) {
            let again = if step < 0 { most } else { least };
            match again.filter(|_| sequence.cycles) {
                Some(again) => next = again,
                None => {
                    let reason = "it has given its last number; the copy begins at its start again";
                    let value = current.to_string();
                    self.leave_property("sequence", &sequence.name, "CurrentValue", &value, reason);
                    return;
                }
            }
        }
        let sql = format!("ALTER SEQUENCE {} RESTART WITH {next};", sequence.name);
        // The end of its type may be nearer than the bounds that the model knows.
        self.then(Phase::Versioning, "sequence value", &sequence.name, sql).optional = true;
    }

    pub(super) fn synonym(&mut self, synonym: &'a Synonym) {
        let text = sql(&synonym.target_text).trim();
        // One to four parts, quoted or plain; anything else would be T-SQL from a stranger.
        let Some(target) = multipart(text) else {
            self.leave("synonym", &synonym.name, "what it stands for is not a name");
            return;
        };
        let text = format!("CREATE SYNONYM {} FOR {target};", synonym.name);
        let schema = Name::one(synonym.name.schema());
        self.add(Phase::Types, "synonym", &synonym.name, text).needs.push(schema);
    }

    pub(super) fn xml_schema_collection(&mut self, collection: &'a XmlSchemaCollection) {
        let text = format!("CREATE XML SCHEMA COLLECTION {} AS {};", collection.name, sql(&collection.schemas));
        let schema = Name::one(collection.name.schema());
        self.add(Phase::Types, "XML schema collection", &collection.name, text).needs.push(schema);
    }

    pub(super) fn rule(&mut self, rule: &'a Rule) {
        let text = format!("CREATE RULE {} AS {};", rule.name, sql(&rule.condition));
        self.add(Phase::Types, "rule", &rule.name, text);
        self.bind(&rule.name, &rule.bound, "sp_bindrule", "@rulename");
    }

    pub(super) fn bound_default(&mut self, default: &'a BoundDefault) {
        let text = format!("CREATE DEFAULT {} AS {};", default.name, sql(&default.value));
        self.add(Phase::Types, "default of old", &default.name, text);
        self.bind(&default.name, &default.bound, "sp_bindefault", "@defname");
    }

    fn bind(&mut self, name: &Name, targets: &[Reference], procedure: &str, parameter: &str) {
        for target in targets {
            let target = target.parsed();
            let text = format!(
                "EXECUTE {procedure} {parameter} = {}, @objname = {};",
                literal(&name.to_string()),
                literal(&target.to_string())
            );
            self.then(Phase::Tables, "binding", name, text).needs.push(target);
        }
    }
}

/// A name of one to four parts, quoted anew.
fn multipart(text: &str) -> Option<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        if rest.starts_with('[') {
            let mut end = None;
            let bytes = rest.as_bytes();
            let mut at = 1;
            while at < bytes.len() {
                if bytes[at] == b']' {
                    if bytes.get(at + 1) == Some(&b']') {
                        at += 2;
                        continue;
                    }
                    end = Some(at);
                    break;
                }
                at += 1;
            }
            let end = end?;
            parts.push(rest[1..end].replace("]]", "]"));
            rest = rest[end + 1..].trim_start();
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let part = rest[..end].trim();
            if !part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '$')) {
                return None;
            }
            parts.push(part.to_owned());
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => break,
            None => return None,
        }
    }
    if parts.len() > 4 || parts.last().is_none_or(String::is_empty) {
        return None;
    }
    let parts: Vec<String> = parts.iter().map(|p| if p.is_empty() { String::new() } else { quote(p) }).collect();
    Some(parts.join("."))
}
