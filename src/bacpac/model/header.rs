//! The names in a module's text. A server keeps the text as it was sent: after `sp_rename` or `ALTER SCHEMA … TRANSFER`
//! it names what no longer is, and a name without a schema stands for the default one of whoever made it. Run as it is,
//! such a text would make another object.

use super::Name;
use super::tokens::{Kind, Token, tokens};

/// The text of a module with the names that it has now: its own, and of a trigger what it is on. `None` where the text
/// names them already, or where it is not the text of a module.
pub fn with_names(text: &str, name: &Name, on: Option<&Name>) -> Option<String> {
    let found = tokens(text);
    let create = found.iter().position(|t| t.is("CREATE") || t.is("ALTER"))?;
    let mut at = create + 1;
    if found.get(at)?.is("OR") {
        at += 2;
    }
    let kind = found.get(at)?;
    let trigger = kind.is("TRIGGER");
    if !(trigger || ["VIEW", "PROC", "PROCEDURE", "FUNCTION"].iter().any(|word| kind.is(word))) {
        return None;
    }
    let own = name_at(&found, at + 1)?;
    let mut changes = Vec::new();
    let same = match own.parts.as_slice() {
        // A trigger is of its table's schema without a word.
        [object] if trigger => object == name.last(),
        parts => means(parts, name),
    };
    if !same {
        changes.push((own.start, own.end, name));
    }
    if let Some(on) = on.filter(|_| trigger)
        && found.get(own.next)?.is("ON")
    {
        let table = name_at(&found, own.next + 1)?;
        if !means(&table.parts, on) {
            changes.push((table.start, table.end, on));
        }
    }
    if changes.is_empty() {
        return None;
    }
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    changes.sort_by_key(|(start, ..)| *start);
    for (start, end, name) in changes {
        out.push_str(text.get(from..start)?);
        out.push_str(&name.to_string());
        from = end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

struct Found {
    parts: Vec<String>,
    /// In bytes.
    start: usize,
    end: usize,
    /// The token after it.
    next: usize,
}

/// The name of one or more parts that begins at a token.
fn name_at(found: &[Token<'_>], at: usize) -> Option<Found> {
    let first = found.get(at)?;
    let mut name = Found { parts: vec![first.name()?], start: first.start, end: first.end, next: at + 1 };
    while found.get(name.next).is_some_and(|t| t.kind == Kind::Sign('.')) {
        let part = found.get(name.next + 1)?;
        name.parts.push(part.name()?);
        (name.end, name.next) = (part.end, name.next + 2);
    }
    Some(name)
}

/// Whether a written name means the object: its last part to the letter, for that is where the object's name is from;
/// the schema as a server compares it that knows one spelling only, or none where the object is in dbo.
fn means(written: &[String], name: &Name) -> bool {
    match written {
        [object] => object == name.last() && name.schema() == "dbo",
        [schema, object] => object == name.last() && schema.to_lowercase() == name.schema().to_lowercase(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn renamed(text: &str, name: &str, on: Option<&str>) -> Option<String> {
        let on = on.map(|on| Name::parse(on).unwrap());
        with_names(text, &Name::parse(name).unwrap(), on.as_ref())
    }

    #[test]
    fn a_text_that_names_its_object_stays_as_it_is() {
        for text in [
            "CREATE PROCEDURE dbo.p AS SELECT 1",
            "create or alter proc p as select 1",
            "/* x */ CREATE   PROC /*x*/ [dbo]./*y*/[p] AS SELECT 1",
            "CREATE VIEW \"DBO\".\"p\" AS SELECT 1 AS a",
            "CREATE PROCEDURE dbo.p;2 AS SELECT 2",
            "no module at all",
            "CREATE",
        ] {
            assert_eq!(renamed(text, "[dbo].[p]", None), None, "{text}");
        }
        assert_eq!(renamed("CREATE TRIGGER tr ON s.t AFTER INSERT AS RETURN", "[s].[tr]", Some("[s].[t]")), None);
    }

    #[test]
    fn a_renamed_or_moved_object_gets_its_name() {
        let text = "-- old\nCREATE PROC dbo . old @p int AS SELECT old";
        assert_eq!(
            renamed(text, "[dbo].[new]]]", None).unwrap(),
            "-- old\nCREATE PROC [dbo].[new]]] @p int AS SELECT old"
        );
        assert_eq!(
            renamed("CREATE VIEW v AS SELECT 1 AS a", "[s].[v]", None).unwrap(),
            "CREATE VIEW [s].[v] AS SELECT 1 AS a"
        );
        assert_eq!(renamed("CREATE VIEW dbo.v AS x", "[dbo].[V]", None).unwrap(), "CREATE VIEW [dbo].[V] AS x");
        assert_eq!(
            renamed("ALTER FUNCTION a.f() RETURNS int", "[b].[f]", None).unwrap(),
            "ALTER FUNCTION [b].[f]() RETURNS int"
        );
    }

    #[test]
    fn a_trigger_follows_its_table() {
        let text = "CREATE TRIGGER dbo.tr ON dbo.t AFTER INSERT AS SELECT * FROM dbo.t";
        assert_eq!(
            renamed(text, "[dbo].[tr]", Some("[dbo].[t new]")).unwrap(),
            "CREATE TRIGGER dbo.tr ON [dbo].[t new] AFTER INSERT AS SELECT * FROM dbo.t"
        );
        assert_eq!(
            renamed(text, "[s].[tr2]", Some("[s].[t]")).unwrap(),
            "CREATE TRIGGER [s].[tr2] ON [s].[t] AFTER INSERT AS SELECT * FROM dbo.t"
        );
        assert_eq!(renamed("CREATE TRIGGER d ON DATABASE FOR DROP_TABLE AS RETURN", "[d]", None), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(CREATE |ALTER |OR |VIEW |TRIGGER |ON |[.\\[\\]\"'a é;(]){0,20}") {
            let name = Name::two("s", "n");
            let _ = with_names(&text, &name, Some(&name));
        }
    }
}
