//! The text of a module (`sys.sql_modules.definition`) in the parts that DacFx keeps: header, body, footer, and what
//! only the text says: defaults of parameters, EXECUTE AS, options.
//!
//! The header goes up to `AS` (of an inline function up to `RETURN`); the body follows and ends with the last thing
//! that is not blank; of a view or an inline function a closing semicolon, and `WITH CHECK OPTION`, are the footer.

use std::collections::HashMap;

use super::tokens::{Kind, Token, tokens};

/// What kind of module a text is of: where its header ends depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    View,
    Procedure,
    Function,
    InlineFunction,
    Trigger,
}

/// A module's text taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts {
    pub header: String,
    pub body: String,
    pub footer: String,
    /// Characters before `CREATE`.
    pub create_offset: usize,
    /// Characters of header, body and footer.
    pub length: usize,
    /// Defaults of parameters by name (with its @), as written.
    pub defaults: HashMap<String, String>,
    /// The variable that a multi-statement function fills.
    pub return_variable: Option<String>,
    /// `EXECUTE AS` …
    pub execute_as: Option<ExecuteAs>,
    /// A view's columns are named in its header.
    pub names_columns: bool,
    pub view_metadata: bool,
    pub check_option: bool,
    pub for_replication: bool,
    /// It says `INLINE = ON` or `OFF`.
    pub says_inline: bool,
    pub with_append: bool,
    /// A trigger says `AFTER`, not `FOR`.
    pub after: bool,
}

/// As whom a module runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExecuteAs {
    Caller,
    Selff,
    Owner,
    User(String),
}

/// Takes a text apart; `None` where it is not the text of such a module.
pub(super) fn split(form: Form, text: &str) -> Option<Parts> {
    let found = tokens(text);
    let create = found.iter().position(|t| t.is("CREATE") || t.is("ALTER"))?;
    let end = header_end(form, &found[create..])? + create;
    let header_end = found[end].end;
    let header = &found[create..=end];
    let mut parts = Parts {
        create_offset: units(text.get(..found[create].start)?),
        defaults: defaults(header),
        execute_as: execute_as(header),
        return_variable: return_variable(header),
        view_metadata: header.iter().any(|t| t.is("VIEW_METADATA")),
        for_replication: header.windows(2).any(|w| w[0].is("FOR") && w[1].is("REPLICATION")),
        says_inline: header.windows(2).any(|w| w[0].is("INLINE") && w[1].is_sign('=')),
        with_append: header.windows(2).any(|w| w[0].is("WITH") && w[1].is("APPEND")),
        after: header.iter().any(|t| t.depth == 0 && t.is("AFTER")),
        names_columns: form == Form::View && names_columns(header),
        ..Parts::default()
    };
    // A check option, blanks before it and a semicolon do not belong to the query.
    let mut body_end = text.trim_end().len().max(header_end);
    let mut rest = &found[end + 1..];
    if matches!(form, Form::View | Form::InlineFunction) {
        if let Some((last, before)) = rest.split_last()
            && last.is_sign(';')
        {
            body_end = last.start;
            rest = before;
        }
        if form == Form::View
            && let [.., with, check, option] = rest
            && with.is("WITH")
            && check.is("CHECK")
            && option.is("OPTION")
        {
            body_end = with.start;
            parts.check_option = true;
        }
    }
    let whole = text.trim_end().len().max(body_end);
    parts.header = text.get(..header_end)?.to_owned();
    parts.body = text.get(header_end..body_end)?.to_owned();
    parts.footer = text.get(body_end..whole)?.to_owned();
    parts.length = units(text.get(..whole)?);
    Some(parts)
}

/// Lengths and offsets in the model count UTF-16 units.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The token that ends the header.
fn header_end(form: Form, found: &[Token<'_>]) -> Option<usize> {
    if form == Form::InlineFunction {
        // RETURNS TABLE [WITH …] [AS] RETURN
        return found.iter().position(|t| t.depth == 0 && t.is("RETURN"));
    }
    let body_of_function = |t: &Token<'_>| form == Form::Function && t.depth == 0 && t.is("BEGIN");
    let at = found.iter().enumerate().position(|(i, t)| {
        let before = i.checked_sub(1).map(|i| &found[i]);
        let is_as = t.depth == 0
            && t.is("AS")
            // `EXECUTE AS OWNER`, `@p AS int`, `RETURNS @t TABLE` have none of their own.
            && !before.is_some_and(|b| b.is("EXECUTE") || b.is("EXEC") || b.kind == Kind::Variable);
        is_as || body_of_function(t)
    })?;
    // The AS of a function may be left out: then the header ends before BEGIN.
    if found[at].is("BEGIN") { at.checked_sub(1) } else { Some(at) }
}

/// `CREATE VIEW name (a, b) …`: a parenthesis before WITH and AS.
fn names_columns(header: &[Token<'_>]) -> bool {
    header.iter().take_while(|t| !t.is("WITH") && !t.is("AS")).any(|t| t.is_sign('('))
}

fn return_variable(header: &[Token<'_>]) -> Option<String> {
    header
        .windows(2)
        .find(|w| w[0].depth == 0 && w[0].is("RETURNS") && w[1].kind == Kind::Variable)
        .map(|w| w[1].text.to_owned())
}

fn execute_as(header: &[Token<'_>]) -> Option<ExecuteAs> {
    let who = header.windows(3).find(|w| (w[0].is("EXECUTE") || w[0].is("EXEC")) && w[1].is("AS"))?[2];
    Some(match who.kind {
        Kind::Text => {
            let text = who.text.trim_start_matches(['N', 'n']);
            ExecuteAs::User(text.trim_matches('\'').replace("''", "'"))
        }
        _ if who.is("SELF") => ExecuteAs::Selff,
        _ if who.is("OWNER") => ExecuteAs::Owner,
        _ => ExecuteAs::Caller,
    })
}

/// The defaults of parameters: `@name type = default [OUTPUT] [READONLY]`, up to the next comma of the list.
fn defaults(header: &[Token<'_>]) -> HashMap<String, String> {
    let mut out = HashMap::new();
    let mut i = 0;
    while i < header.len() {
        let parameter = header[i];
        i += 1;
        if parameter.kind != Kind::Variable {
            continue;
        }
        let depth = parameter.depth;
        let mut value: Option<(usize, usize)> = None;
        while let Some(t) = header.get(i) {
            let ends = t.depth < depth
                || t.depth == depth
                    && (t.is_sign(',') || ["WITH", "FOR", "AS", "RETURNS"].iter().any(|w| t.is(w)) && value.is_some());
            let modifier = ["OUT", "OUTPUT", "READONLY"].iter().any(|w| t.is(w));
            if ends || modifier && value.is_some() {
                break;
            }
            match &mut value {
                None if t.depth == depth && t.is_sign('=') => value = Some((t.end, t.end)),
                Some((_, end)) => *end = t.end,
                None => {}
            }
            i += 1;
        }
        if let Some((start, end)) = value
            && let (Some(first), Some(last)) =
                (header.iter().find(|t| t.start >= start), header.iter().rfind(|t| t.end <= end))
            && let Some(text) = slice(header, first.start, last.end)
        {
            out.insert(parameter.text.to_owned(), text);
        }
    }
    out
}

/// The text between two places, put together from tokens (comments between them are left out).
fn slice(header: &[Token<'_>], start: usize, end: usize) -> Option<String> {
    let mut out = String::new();
    let mut at = start;
    for t in header.iter().filter(|t| t.start >= start && t.end <= end) {
        if t.start > at && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(t.text);
        at = t.end;
    }
    Some(out).filter(|o| !o.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn views_end_before_their_semicolon_and_check_option() {
        let text = "CREATE VIEW [dbo].[V2] ([x], [y]) WITH SCHEMABINDING AS SELECT [id] AS x FROM t WHERE q > 0 \
                    WITH CHECK OPTION;";
        let parts = split(Form::View, text).unwrap();
        assert_eq!(parts.header, "CREATE VIEW [dbo].[V2] ([x], [y]) WITH SCHEMABINDING AS");
        assert_eq!(parts.body, " SELECT [id] AS x FROM t WHERE q > 0 ");
        assert_eq!(parts.footer, "WITH CHECK OPTION;");
        assert!(parts.check_option && parts.names_columns && !parts.view_metadata);
        assert_eq!(parts.length, text.len());
    }

    #[test]
    fn a_comment_before_create_is_header_and_blanks_at_the_end_are_nothing() {
        let text = "-- made AS a test\r\nCREATE VIEW v\r\nAS\r\nSELECT 1 AS one\r\n";
        let parts = split(Form::View, text).unwrap();
        assert_eq!(parts.create_offset, 19);
        assert_eq!(parts.header, "-- made AS a test\r\nCREATE VIEW v\r\nAS");
        assert_eq!(parts.body, "\r\nSELECT 1 AS one");
        assert_eq!(parts.footer, "");
        assert_eq!(parts.length, text.len() - 2);
    }

    #[test]
    fn procedures_know_their_parameters() {
        let text = "CREATE PROC p @a AS int = 0 OUTPUT, @b nvarchar(10) = N'a,b', @c dbo.T READONLY, @d int = -1\n\
                    WITH EXECUTE AS OWNER, RECOMPILE FOR REPLICATION AS SELECT @a = 1;";
        let parts = split(Form::Procedure, text).unwrap();
        assert_eq!(parts.body, " SELECT @a = 1;");
        assert_eq!(parts.defaults.get("@a").map(String::as_str), Some("0"));
        assert_eq!(parts.defaults.get("@b").map(String::as_str), Some("N'a,b'"));
        assert_eq!(parts.defaults.get("@c"), None);
        assert_eq!(parts.defaults.get("@d").map(String::as_str), Some("-1"));
        assert_eq!(parts.execute_as, Some(ExecuteAs::Owner));
        assert!(parts.for_replication);
    }

    #[test]
    fn functions_with_and_without_as() {
        let parts = split(Form::Function, "CREATE FUNCTION f(@x int = 5) RETURNS int BEGIN RETURN @x; END").unwrap();
        assert_eq!(parts.header, "CREATE FUNCTION f(@x int = 5) RETURNS int");
        assert_eq!(parts.body, " BEGIN RETURN @x; END");
        assert_eq!(parts.defaults.get("@x").map(String::as_str), Some("5"));
        let text = "CREATE FUNCTION f() RETURNS @t TABLE (id int DEFAULT (1) NOT NULL) AS BEGIN RETURN; END;";
        let parts = split(Form::Function, text).unwrap();
        assert_eq!(parts.return_variable.as_deref(), Some("@t"));
        assert_eq!(parts.body, " BEGIN RETURN; END;");
        let text = "CREATE FUNCTION f(@id int) RETURNS TABLE AS\n-- AS RETURN\nRETURN (SELECT 1 AS a);";
        let parts = split(Form::InlineFunction, text).unwrap();
        assert_eq!(parts.header, "CREATE FUNCTION f(@id int) RETURNS TABLE AS\n-- AS RETURN\nRETURN");
        assert_eq!((parts.body.as_str(), parts.footer.as_str()), (" (SELECT 1 AS a)", ";"));
    }

    #[test]
    fn triggers_say_when_and_as_whom() {
        let text = "CREATE TRIGGER t ON x WITH EXECUTE AS 'it''s' AFTER INSERT NOT FOR REPLICATION AS RETURN;";
        let parts = split(Form::Trigger, text).unwrap();
        assert_eq!(parts.body, " RETURN;");
        assert!(parts.after);
        assert_eq!(parts.execute_as, Some(ExecuteAs::User("it's".into())));
        assert!(!split(Form::Trigger, "CREATE TRIGGER t ON x FOR DELETE AS PRINT 1").unwrap().after);
        assert_eq!(split(Form::Trigger, "nothing of the kind"), None);
    }

    proptest! {
        /// Header, body and footer together are the text, but for blanks at its end.
        #[test]
        fn nothing_is_lost(text in "(CREATE|VIEW|AS|RETURN|BEGIN|WITH CHECK OPTION|;|\\(|\\)|'|--|\\n|@p|=| |é|[a-z]){0,30}") {
            for form in [Form::View, Form::Procedure, Form::Function, Form::InlineFunction, Form::Trigger] {
                if let Some(parts) = split(form, &text) {
                    let joined = parts.header + &parts.body + &parts.footer;
                    prop_assert_eq!(joined.trim_end(), text.trim_end());
                }
            }
        }
    }
}
