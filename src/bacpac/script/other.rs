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
        let step = parse(sequence.increment.as_deref()).unwrap_or(1);
        let bounds = bounds(sequence);
        if Some(current) == start {
            // The server says the same of a sequence that was never asked and of one that was asked once; what was
            // given last tells them apart, where it is known.
            match sequence.rest.online_value("[LastUsedValue]") {
                Some(last) if last == current.to_string() => {}
                Some(_) => return,
                None => {
                    let reason = "whether its first number was given already is not in the package; the copy gives it";
                    self.leave_property("sequence", &sequence.name, "CurrentValue", &current.to_string(), reason);
                    return;
                }
            }
        }
        let given = start.and_then(|start| given(start, current, step, bounds, sequence.cycles));
        if let Some(given) = given {
            // So it stands where it stood, and still begins where it began.
            let sql = format!(
                "DECLARE @first sql_variant;\nEXECUTE sys.sp_sequence_get_range @sequence_name = {}, @range_size = {given}, \
                 @range_first_value = @first OUTPUT;",
                literal(&sequence.name.to_string())
            );
            self.then(Phase::Versioning, "sequence value", &sequence.name, sql).optional = true;
            return;
        }
        let mut next = current.saturating_add(step);
        if next < bounds.0 || next > bounds.1 {
            let again = if step < 0 { bounds.1 } else { bounds.0 };
            if !sequence.cycles {
                let reason = "it has given its last number; the copy begins at its start again";
                let value = current.to_string();
                self.leave_property("sequence", &sequence.name, "CurrentValue", &value, reason);
                return;
            }
            next = again;
        }
        let sql = format!("ALTER SEQUENCE {} RESTART WITH {next};", sequence.name);
        self.then(Phase::Versioning, "sequence value", &sequence.name, sql).optional = true;
        let reason = "the copy begins where it goes on: no whole number of steps leads from the start to its value";
        let value = sequence.start_value.clone().unwrap_or_default();
        self.leave_property("sequence", &sequence.name, "StartValue", &value, reason);
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

/// The least and the greatest number of a sequence: its own, else its type's.
fn bounds(sequence: &Sequence) -> (i128, i128) {
    let spec = sequence.data_type.as_ref();
    let of_type = match spec.and_then(TypeSpec::built_in_name).as_deref() {
        Some("tinyint") => (0, u8::MAX.into()),
        Some("smallint") => (i16::MIN.into(), i16::MAX.into()),
        Some("int") => (i32::MIN.into(), i32::MAX.into()),
        Some("decimal" | "numeric") => {
            let digits = spec.and_then(|s| s.precision).unwrap_or(18).clamp(1, 38);
            let most = 10i128.pow(u32::try_from(digits).unwrap_or(18)) - 1;
            (-most, most)
        }
        _ => (i64::MIN.into(), i64::MAX.into()),
    };
    let own = |text: &Option<String>, none: bool| text.as_deref().filter(|_| !none).and_then(|t| t.parse().ok());
    (
        own(&sequence.min_value, sequence.no_min_value).unwrap_or(of_type.0),
        own(&sequence.max_value, sequence.no_max_value).unwrap_or(of_type.1),
    )
}

/// How many numbers a sequence gave that began at one number and gave another one last: by the shortest way, for how
/// often it went round nobody keeps. None where no whole number of steps leads there, or more than a server counts.
fn given(start: i128, last: i128, step: i128, (least, most): (i128, i128), cycles: bool) -> Option<i64> {
    // Steps from one number to another one that lies further on.
    let steps = |from: i128, to: i128| {
        let way = to.checked_sub(from)?;
        way.checked_div(step).filter(|n| *n >= 0 && way.checked_rem(step) == Some(0))
    };
    let count = match steps(start, last) {
        Some(steps) => steps.checked_add(1)?,
        None if cycles => {
            let (begin, end) = if step < 0 { (most, least) } else { (least, most) };
            let before = end.checked_sub(start)?.checked_div(step).filter(|n| *n >= 0)?;
            before.checked_add(steps(begin, last)?)?.checked_add(2)?
        }
        None => return None,
    };
    i64::try_from(count).ok()
}

#[cfg(test)]
mod tests {
    use super::given;

    #[test]
    fn numbers_given_are_counted_the_way_a_sequence_goes() {
        assert_eq!(given(42, 42, 1, (0, 100), false), Some(1));
        assert_eq!(given(5, 20, 5, (0, 100), false), Some(4));
        assert_eq!(given(-1, -11, -5, (-100, -1), false), Some(3));
        // 250, 252, 254, 10, 12.
        assert_eq!(given(250, 12, 2, (10, 254), true), Some(5));
        assert_eq!(given(250, 12, 2, (10, 254), false), None);
        // A step that was changed on the way.
        assert_eq!(given(1, 12, 5, (0, 100), false), None);
        assert_eq!(given(i128::MAX, i128::MIN, 1, (i128::MIN, i128::MAX), true), Some(2));
        assert_eq!(given(0, -1, 1, (i128::MIN, i128::MAX), true), None);
        assert_eq!(given(0, i128::from(i64::MAX), 1, (0, i128::MAX), false), None);
        assert_eq!(given(1, 1, 0, (0, 100), true), None);
    }
}
