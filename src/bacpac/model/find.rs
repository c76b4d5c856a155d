//! Objects by a name as a person writes it, and the object that a key, an index or a trigger belongs to.

use super::{Model, Name, Object};

/// What a written name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One name; several objects may have it (a table and its full-text index).
    One(Name),
    /// Several names, and nothing tells which is meant; sorted.
    Several(Vec<Name>),
    /// No object has it.
    Nothing,
}

impl Object {
    /// The table or view that a key, constraint, index, statistics or trigger is on.
    pub fn table(&self) -> Option<&Name> {
        Some(match self {
            Object::Key(k) => &k.table,
            Object::Check(c) => &c.table,
            Object::Default(d) => &d.table,
            Object::ForeignKey(f) => &f.table,
            Object::EdgeConstraint(e) => &e.table,
            Object::Index(i) => &i.on,
            Object::ColumnStoreIndex(i) => &i.on,
            Object::XmlIndex(i) => &i.on,
            Object::SpatialIndex(i) => &i.on,
            Object::Statistics(s) => &s.on,
            // It has the table's own name.
            Object::FullTextIndex(i) => &i.name,
            Object::DmlTrigger(t) => &t.parent,
            _ => return None,
        })
    }
}

impl Model {
    /// The names that `find` knows: those of all objects, except properties and permissions, which have none of their
    /// own.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        let named = |o: &&Object| !matches!(o, Object::ExtendedProperty(_) | Object::Permission(_));
        self.objects.iter().filter(named).map(Object::name).filter(|n| !n.is_empty())
    }

    /// The object that `text` means: `dbo.Customer`, `[dbo].[Customer]` or, where only one object ends so, `Customer`.
    /// As it is written first, then without regard to case.
    pub fn find(&self, text: &str) -> Found {
        let wanted = loose(text);
        let whole = wanted.join(".");
        let folded = whole.to_lowercase();
        type Same<'a> = Box<dyn Fn(&Name) -> bool + 'a>;
        let levels: [Same<'_>; 4] = [
            Box::new(|n| n.parts().join(".") == whole),
            Box::new(|n| n.parts().join(".").to_lowercase() == folded),
            Box::new(|n| n.last() == whole),
            Box::new(|n| n.last().to_lowercase() == folded),
        ];
        for same in levels {
            let mut found: Vec<Name> = self.names().filter(|n| same(n)).collect();
            found.sort();
            found.dedup();
            match found.len() {
                0 => {}
                1 => return Found::One(found.remove(0)),
                _ => return Found::Several(found),
            }
        }
        Found::Nothing
    }
}

/// The parts of a written name; brackets and quotes are taken off where they stand.
fn loose(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.trim().chars().peekable();
    let mut end: Option<char> = None;
    let mut fresh = true;
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match end {
            Some(close) if c == close => {
                if chars.peek() == Some(&close) {
                    chars.next();
                    parts[last].push(c);
                } else {
                    end = None;
                }
            }
            None if fresh && (c == '[' || c == '"') => {
                end = Some(if c == '[' { ']' } else { '"' });
                fresh = false;
            }
            None if c == '.' => {
                parts.push(String::new());
                fresh = true;
            }
            _ => {
                parts[last].push(c);
                fresh = false;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bacpac::model::{Procedure, View};

    fn model() -> Model {
        let view = |schema: &str, name: &str| Object::View(View { name: Name::two(schema, name), ..View::default() });
        let procedure = Procedure { name: Name::two("dbo", "run it.now]"), ..Procedure::default() };
        let objects = vec![
            view("dbo", "Orders"),
            view("archive", "Orders"),
            view("dbo", "orders"),
            view("dbo", "Only"),
            Object::Procedure(procedure),
        ];
        Model { objects, ..Model::default() }
    }

    #[test]
    fn names_are_found_as_people_write_them() {
        let model = model();
        for (text, name) in [
            ("dbo.Orders", Name::two("dbo", "Orders")),
            ("dbo.orders", Name::two("dbo", "orders")),
            ("[archive].[Orders]", Name::two("archive", "Orders")),
            ("ARCHIVE.ORDERS", Name::two("archive", "Orders")),
            ("only", Name::two("dbo", "Only")),
            ("dbo.run it.now]", Name::two("dbo", "run it.now]")),
            ("[dbo].[run it.now]]]", Name::two("dbo", "run it.now]")),
            ("\"dbo\".\"Only\"", Name::two("dbo", "Only")),
        ] {
            assert_eq!(model.find(text), Found::One(name), "{text}");
        }
    }

    #[test]
    fn what_is_not_clear_is_not_chosen() {
        let model = model();
        let both = vec![Name::two("archive", "Orders"), Name::two("dbo", "Orders")];
        assert_eq!(model.find("Orders"), Found::Several(both));
        let cases = vec![Name::two("dbo", "Orders"), Name::two("dbo", "orders")];
        assert_eq!(model.find("dbo.ORDERS"), Found::Several(cases));
        for nothing in ["", ".", "[", "nope", "dbo.", "]["] {
            assert_eq!(model.find(nothing), Found::Nothing, "{nothing:?}");
        }
    }
}
