//! Names of objects: how they compare, how parts are written and read.

/// A name as the catalogue compares it: without case and trailing blanks under a case-insensitive collation.
// Assumption: catalogue names fold by Unicode lower case; accents always count. Real collations weigh more finely.
pub fn fold(name: &str, ignore_case: bool) -> String {
    let name = name.trim_end_matches(' ');
    if ignore_case { name.to_lowercase() } else { name.to_string() }
}

/// `[name]`, with `]` doubled: the only way this module writes an identifier.
pub fn bracket(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// The parts of a dotted name as OBJECT_ID, PARSENAME and sp_rename read it: brackets, double quotes, blanks around
/// dots, empty parts between dots. `None` if it is not a name or has more than four parts.
pub fn parts(text: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    loop {
        rest = rest.trim_start();
        let (part, after) = match rest.chars().next() {
            Some('[') => quoted(&rest[1..], ']')?,
            Some('"') => quoted(&rest[1..], '"')?,
            _ => {
                let end = rest.find('.').unwrap_or(rest.len());
                let plain = rest[..end].trim_end();
                if plain.contains(['[', ']', '"']) {
                    return None;
                }
                (plain.to_string(), &rest[end..])
            }
        };
        out.push(part);
        let after = after.trim_start();
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix('.')?;
    }
    (out.len() <= 4 && !out.last()?.is_empty()).then_some(out)
}

/// A quoted part whose opening is behind us: its text and what follows the closing.
fn quoted(text: &str, close: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != close {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, n)| *n == close) {
            out.push(close);
            chars.next();
        } else {
            return Some((out, &text[at + c.len_utf8()..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names() {
        let p = |t: &str| parts(t).map(|v| v.join("|"));
        assert_eq!(p("a"), Some("a".into()));
        assert_eq!(p("dbo.a"), Some("dbo|a".into()));
        assert_eq!(p("[d.b] . \"a\"\"b\".[c]]d]"), Some("d.b|a\"b|c]d".into()));
        assert_eq!(p("db..t"), Some("db||t".into()));
        assert_eq!(p("a.b.c.d.e"), None);
        assert_eq!(p(""), None);
        assert_eq!(p("[a"), None);
        assert_eq!(p("a."), None);
        assert_eq!(bracket("a]b"), "[a]]b]");
    }
}
