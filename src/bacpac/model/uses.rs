//! What the text of a module uses: the objects that it names, their columns, the module's own parameters, built-in
//! types. Only what is certain is said: a bare name that two of the tables have is nobody's, and what a package says of
//! use may always be incomplete.

use super::depend::{Names, Used, dotted, names_a_source, names_a_type};
use super::tokens::{Kind, Token, tokens};
use super::{Column, Entries, Name, Parameter, Reference, built_in};
use std::collections::{HashMap, HashSet};

/// Words that follow the name of a table and are no alias of it.
const NO_ALIAS: &str = " on where set values select inner left right full cross outer join group order having union \
     option with for when using output as from as and or exec execute begin end if else return go into pivot unpivot ";

/// The tables of a text, by what it calls them.
#[derive(Default)]
struct Tables<'a> {
    called: HashMap<String, &'a Name>,
    all: Vec<&'a Name>,
    /// Tables of the text's own (common table expressions), in lower case: they hide others of the name.
    own: HashSet<String>,
}

impl Names {
    /// What a module's text uses: names of two parts wherever they stand, names of one part where a table, a procedure
    /// or a function that is a table can stand; columns of those where it is certain whose they are. `target` is the
    /// table of a trigger.
    pub(super) fn of_module(
        &self,
        text: &str,
        module: &Name,
        parameters: &[Parameter],
        target: Option<&Name>,
    ) -> Entries {
        let found = tokens(text);
        let tables = self.tables(&found, module, target);
        let parameters: HashMap<String, &Name> =
            parameters.iter().map(|p| (p.name.last().to_lowercase(), &p.name)).collect();
        let mut used = Used::default();
        let mut order = Vec::with_capacity(found.len());
        visits(&found, 0, found.len(), &mut order, 0);
        // Up to where the name goes that was met last: its further parts are no names of their own.
        let mut seen = vec![false; found.len()];
        for at in order {
            let Some(token) = found.get(at).filter(|_| !seen[at]) else { continue };
            if token.kind == Kind::Variable {
                if let Some(parameter) = parameters.get(&token.text.to_lowercase()) {
                    used.add(Reference::to(parameter));
                }
                continue;
            }
            let parts = dotted(&found, at);
            if parts.is_empty() {
                continue;
            }
            let next = at + parts.len() * 2 - 1;
            seen.iter_mut().take(next).skip(at).for_each(|s| *s = true);
            if let Some(object) = self.object_at(&found, at, &parts, &tables.own, module).filter(|o| *o != module) {
                used.add(Reference::to(object));
            }
            if let Some(column) = self.column_at(&found, at, next, &parts, &tables, module) {
                used.add(Reference::to(column));
            } else if let [one] = parts.as_slice()
                && names_a_declared_type(&found, at)
            {
                used.add(Reference::built_in(&Name::one(one.to_lowercase())));
            }
        }
        used.entries
    }

    /// The object that the name here means.
    fn object_at(
        &self,
        found: &[Token<'_>],
        at: usize,
        parts: &[String],
        own: &HashSet<String>,
        module: &Name,
    ) -> Option<&Name> {
        match parts {
            [one] if names_a_source(found, at) && !own.contains(&one.to_lowercase()) => {
                let found = self.object(module.schema(), one).or_else(|| self.object("dbo", one));
                found.filter(|o| !self.types.contains(*o))
            }
            [schema, name, ..] => self.object(schema, name),
            _ => None,
        }
    }

    /// The column that the name here means.
    fn column_at(
        &self,
        found: &[Token<'_>],
        at: usize,
        next: usize,
        parts: &[String],
        tables: &Tables<'_>,
        module: &Name,
    ) -> Option<&Name> {
        let called = found.get(next).is_some_and(|t| t.is_sign('('));
        let of = |table: &Name, column: &str| self.columns.get(table)?.get(&column.to_lowercase());
        match parts {
            // After AS stands a new name, before a parenthesis a function.
            [column] => {
                let named = at.checked_sub(1).and_then(|i| found.get(i)).is_some_and(|t| t.is("as"));
                // nvarchar(max)
                let length = found[at].is("max") && found.get(next).is_some_and(|t| t.is_sign(')'));
                if called && found[at].kind != Kind::Name
                    || named
                    || length
                    || self.object_at(found, at, parts, &tables.own, module).is_some()
                {
                    return None;
                }
                let mut whose = tables.all.iter().filter_map(|t| of(t, column));
                let first = whose.next()?;
                whose.next().is_none().then_some(first)
            }
            [table, column] => of(tables.called.get(&table.to_lowercase())?, column),
            [schema, table, column, ..] => of(self.object(schema, table)?, column),
            [] => None,
        }
    }

    /// The tables that a text names, with their aliases.
    fn tables<'a>(&'a self, found: &[Token<'_>], module: &Name, target: Option<&'a Name>) -> Tables<'a> {
        let mut tables = Tables { own: own_tables(found), ..Tables::default() };
        let mut seen = HashSet::new();
        let mut at = 0;
        while at < found.len() {
            let parts = dotted(found, at);
            if parts.is_empty() {
                at += 1;
                continue;
            }
            let next = at + parts.len() * 2 - 1;
            let object = self.object_at(found, at, &parts, &tables.own, module);
            // The rows of a trigger are those of its table.
            let rows = match parts.as_slice() {
                [one] if ["inserted", "deleted"].iter().any(|w| one.eq_ignore_ascii_case(w)) => target,
                _ => None,
            };
            if let Some(object) = object.filter(|_| names_a_source(found, at)).or(rows) {
                if seen.insert(object) {
                    tables.all.push(object);
                }
                if let Some(own) = parts.last() {
                    tables.called.insert(own.to_lowercase(), object);
                }
                let after = if found.get(next).is_some_and(|t| t.is("as")) { next + 1 } else { next };
                if let Some(alias) = found.get(after).and_then(Token::name)
                    && !NO_ALIAS.contains(&format!(" {} ", alias.to_lowercase()))
                {
                    tables.called.insert(alias.to_lowercase(), object);
                }
            }
            at = next;
        }
        tables
    }

    /// What the columns of a view or an inline function are made of, where its text is one list of plain columns.
    pub(super) fn columns_of_view(&self, text: &str, name: &Name, columns: &mut [Column]) {
        let found = tokens(text);
        let tables = self.tables(&found, name, None);
        let Some(items) = selected(&found) else { return };
        if items.len() != columns.len() {
            return;
        }
        let made_of: Vec<Option<Name>> = items
            .iter()
            .map(|item| {
                let first = item.first()?;
                let at = found.iter().position(|t| t.start == first.start)?;
                let parts = dotted(&found, at);
                let next = at + (parts.len() * 2).checked_sub(1)?;
                // A column, or a column AS another name, and nothing else.
                // A name may go on behind the list (`a.FROM`): then it is no column of it.
                let rest = found.get(next..at + item.len())?;
                let plain = match rest {
                    [] => true,
                    [alias] => alias.name().is_some(),
                    [word, alias] => word.is("as") && alias.name().is_some(),
                    _ => false,
                };
                self.column_at(&found, at, next, &parts, &tables, name).filter(|_| plain).cloned()
            })
            .collect();
        for (column, from) in columns.iter_mut().zip(made_of) {
            set_from(column, from);
        }
    }
}

/// The order in which DacFx comes by the tokens: of a SELECT the tables first, then the list, then the rest.
fn visits(found: &[Token<'_>], start: usize, end: usize, out: &mut Vec<usize>, nested: usize) {
    const ENDS: [&str; 18] = [
        "select",
        "insert",
        "update",
        "delete",
        "merge",
        "exec",
        "execute",
        "begin",
        "end",
        "if",
        "while",
        "set",
        "declare",
        "return",
        "union",
        "except",
        "intersect",
        "print",
    ];
    const AFTER_FROM: [&str; 7] = ["where", "group", "having", "order", "for", "option", "with"];
    let mut at = start;
    while at < end {
        out.push(at);
        let token = &found[at];
        at += 1;
        // A text may nest as deep as it likes; the order of what is deeper still does not matter.
        if !token.is("select") || nested > 50 {
            continue;
        }
        let ends = |t: &Token<'_>| {
            t.depth < token.depth || t.depth == token.depth && (t.is_sign(';') || ENDS.iter().any(|w| t.is(w)))
        };
        let stop = (at..end).find(|i| ends(&found[*i])).unwrap_or(end);
        let same = |i: &usize, words: &[&str]| found[*i].depth == token.depth && words.iter().any(|w| found[*i].is(w));
        let Some(from) = (at..stop).find(|i| same(i, &["from"])) else { continue };
        let from_end = (from + 1..stop).find(|i| same(i, &AFTER_FROM)).unwrap_or(stop);
        visits(found, from, from_end, out, nested + 1);
        visits(found, at, from, out, nested + 1);
        at = from_end;
    }
}

fn set_from(column: &mut Column, from: Option<Name>) {
    column.dependencies = from.map(|name| Entries::from(vec![Reference::to(&name)])).unwrap_or_default();
}

/// The names of common table expressions: `WITH name [(columns)] AS (…), name AS (…)`.
fn own_tables(found: &[Token<'_>]) -> HashSet<String> {
    let mut own = HashSet::new();
    if !found.iter().any(|t| t.is("with")) {
        return own;
    }
    for (at, token) in found.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| found.get(i));
        let Some(name) = token.name().filter(|_| before.is_some_and(|b| b.is("with") || b.is_sign(','))) else {
            continue;
        };
        let mut next = at + 1;
        if found.get(next).is_some_and(|t| t.is_sign('(')) {
            let same = |t: &Token<'_>| t.is_sign(')') && t.depth <= token.depth + 1;
            next = found.iter().skip(next).position(same).map_or(found.len(), |n| n + next + 1);
        }
        let opens = |i: usize, what: fn(&Token<'_>) -> bool| found.get(i).is_some_and(what);
        if opens(next, |t| t.is("as")) && opens(next + 1, |t| t.is_sign('(')) {
            own.insert(name.to_lowercase());
        }
    }
    own
}

/// The items of the only SELECT of a text, where there is no more than one.
fn selected<'a, 't>(found: &'a [Token<'t>]) -> Option<Vec<&'a [Token<'t>]>> {
    let mut selects = found.iter().enumerate().filter(|(_, t)| t.is("select"));
    let (start, select) = selects.next()?;
    if selects.next().is_some() {
        return None;
    }
    let same = |t: &Token<'_>| t.depth == select.depth;
    let end = found.iter().skip(start).position(|t| same(t) && t.is("from")).map_or(found.len(), |n| n + start);
    let list = found.get(start + 1..end)?;
    // DISTINCT and TOP come before the list.
    if list.first().is_some_and(|t| t.is("distinct") || t.is("top") || t.is("all")) {
        return None;
    }
    Some(list.split(|t| same(t) && t.is_sign(',')).collect())
}

/// Whether the name here is a built-in type, of a conversion or of a variable.
fn names_a_declared_type(found: &[Token<'_>], at: usize) -> bool {
    let known = found.get(at).and_then(Token::name).is_some_and(|n| built_in::is_converted_to(&n));
    let variable = at.checked_sub(1).and_then(|i| found.get(i)).is_some_and(|t| t.kind == Kind::Variable);
    names_a_type(found, at) || known && variable
}

#[cfg(test)]
mod tests {
    use super::super::{Model, Object, Procedure, Script, Table, TypeSpec, View};
    use super::*;
    use proptest::prelude::*;

    fn model(text: &str) -> Model {
        let columns = |name: &Name, own: &[&str]| {
            own.iter().map(|c| Column::simple(name, c, TypeSpec::built_in("int"))).collect::<Vec<_>>()
        };
        let table = |name: &str, own: &[&str]| {
            let name = Name::two("dbo", name);
            Object::from(Table { columns: columns(&name, own), name, ..Table::default() })
        };
        let name = Name::two("dbo", "P");
        let parameter = Parameter { name: name.child("@x"), ..Parameter::default() };
        let body = Some(Script::new(text));
        let procedure = Procedure { name, body, parameters: vec![parameter], ..Procedure::default() };
        let objects = vec![table("A", &["id", "a"]), table("B", &["id", "max"]), procedure.into()];
        Model { objects, ..Model::default() }
    }

    fn uses(text: &str) -> Vec<String> {
        let mut model = model(text);
        model.resolve_dependencies();
        let Some(Object::Procedure(procedure)) = model.objects.last() else { return Vec::new() };
        procedure.dependencies.references().map(|r| r.name.clone().unwrap_or_default()).collect()
    }

    #[test]
    fn tables_come_before_the_list_that_is_selected_of_them() {
        assert_eq!(
            uses("SELECT [a] FROM [dbo].[A] WHERE [id] = @x;"),
            ["[dbo].[A]", "[dbo].[A].[a]", "[dbo].[A].[id]", "[dbo].[P].[@x]"]
        );
    }

    #[test]
    fn a_column_that_two_tables_have_is_said_by_its_alias_or_not_at_all() {
        assert_eq!(
            uses("SELECT id FROM dbo.A JOIN dbo.B AS b ON b.id = 1"),
            ["[dbo].[A]", "[dbo].[B]", "[dbo].[B].[id]"]
        );
    }

    #[test]
    fn own_tables_hide_others_and_a_length_is_no_column() {
        assert_eq!(uses("WITH A (id) AS (SELECT 1) SELECT id FROM A"), Vec::<String>::new());
        let text = "DECLARE @t nvarchar(max); SELECT 1 FROM dbo.B WHERE CAST(@x AS varchar(max)) = 'x'";
        assert_eq!(uses(text), ["[nvarchar]", "[dbo].[B]", "[dbo].[P].[@x]", "[varchar]"]);
    }

    fn made_of(text: &str, columns: &[&str]) -> Vec<Option<String>> {
        let mut model = model("");
        let name = Name::two("dbo", "V");
        let columns = columns.iter().map(|c| Column { name: name.child(*c), ..Column::default() }).collect();
        model.objects.push(View { body: Some(Script::new(text)), name, columns, ..View::default() }.into());
        model.resolve_dependencies();
        let Some(Object::View(view)) = model.objects.last() else { return Vec::new() };
        view.columns.iter().map(|c| c.dependencies.references().next().and_then(|r| r.name.clone())).collect()
    }

    #[test]
    fn a_list_that_ends_inside_a_name_says_nothing() {
        assert_eq!(made_of("SELECT A.a AS x FROM dbo.A", &["x"]), [Some("[dbo].[A].[a]".to_owned())]);
        assert_eq!(made_of("SELECT A.FROM dbo.A", &["x"]), [None]);
        assert_eq!(made_of("SELECT A.a, A.FROM dbo.A", &["x", "y"]), [Some("[dbo].[A].[a]".to_owned()), None]);
    }

    proptest! {
        #[test]
        fn any_view(text in "(SELECT|FROM|AS|A|B|id|dbo|\\[a\\]|\\.|,|\\(|\\)| ){0,30}", columns in 0usize..4) {
            prop_assert_eq!(made_of(&text, &["x"; 4][..columns]).len(), columns);
        }

        /// Any text: no panic, and nothing that the model does not have.
        #[test]
        fn any_text(text in "(SELECT|FROM|WHERE|WITH|AS|JOIN|UNION|INSERT|A|B|id|dbo|@x|\\[a\\]|max|\\.|,|\\(|\\)|;|\\*|'| |\n){0,60}") {
            for name in uses(&text) {
                prop_assert!(name.starts_with("[dbo].") || !name.contains('.'), "{}", name);
            }
        }
    }
}
