//! What of a package is restored: a choice turns the model of a package into the model of what is wanted. Whatever is
//! left out by it, and was not named by the operator one by one, is reported; what would come back broken is refused
//! before anything is made.

use std::collections::{BTreeMap, HashSet};

use self::missing::missing;
use self::users::{disown, users};
use crate::bacpac::model::*;
use crate::bacpac::script::NotCarried;
use crate::bacpac::script::wanted::{Choice, ChoiceError, Content, Missing, Users};

mod missing;
mod rename;
mod users;

pub use rename::{rename, with_suffix};

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The model of it.
    pub model: Model,
    /// What the choice leaves out although nobody named it.
    pub left: Vec<NotCarried>,
    /// Defaults that say nothing of this package, in words.
    pub notes: Vec<String>,
    /// The tables whose rows are wanted, by the names of the package.
    pub tables: HashSet<Name>,
}

/// `schema.table` of raw names: every place to cut is tried. A name in brackets is taken as it is.
fn table_named<'a>(model: &'a Model, text: &str) -> Option<&'a Name> {
    if let Some(table) = Name::parse(text).ok().and_then(|n| model.table(&n)) {
        return Some(&table.name);
    }
    let cuts = text.match_indices('.').map(|(at, _)| Name::two(&text[..at], &text[at + 1..]));
    let found = cuts.filter_map(|name| model.table(&name)).next();
    found.or_else(|| model.table(&Name::two("dbo", text))).map(|t| &t.name)
}

/// The model of what is chosen.
pub fn choose(model: &Model, choice: &Choice) -> Result<Chosen, ChoiceError> {
    choice.check()?;
    let (mut left, mut notes) = (Vec::new(), Vec::new());
    let mut chosen = model.clone();
    let wanted: Vec<Name> = choice
        .tables
        .iter()
        .map(|text| table_named(model, text).cloned().ok_or_else(|| ChoiceError::NoTable(text.clone())))
        .collect::<Result<_, _>>()?;
    if !wanted.is_empty() && choice.content != Content::Data {
        let keep = closure(model, &wanted, choice.dependencies);
        let mut at = 0;
        chosen.objects.retain(|_| {
            at += 1;
            keep.contains(&(at - 1))
        });
    }
    if !choice.permissions {
        chosen.objects.retain(|o| !matches!(o, Object::Permission(_)));
    }
    users(&mut chosen, model, choice, &mut left, &mut notes)?;
    if choice.owner_to_dbo {
        for object in &mut chosen.objects {
            disown(object, |_| true)?;
        }
    }
    missing(&mut chosen, choice, &mut left)?;
    options(&mut chosen, choice);
    let tables = match (wanted.is_empty(), choice.content) {
        (false, Content::Data) => wanted.into_iter().collect(),
        _ => chosen.tables().map(|t| t.name.clone()).collect(),
    };
    Ok(Chosen { model: chosen, left, notes, tables })
}

/// Every name of this model that an element refers to.
fn references(element: &Element, out: &mut Vec<Name>) {
    for node in &element.nodes {
        let Node::Relationship(relationship) = node else { continue };
        out.extend(relationship.references().filter(|r| !r.is_built_in()).map(Reference::parsed));
        for child in relationship.elements() {
            references(child, out);
        }
    }
}

/// The table, view, function or assembly that an object is a part of, or is about.
pub fn part_of(object: &Object) -> Option<Name> {
    let about = |reference: &Option<Reference>| reference.as_ref().map(Reference::parsed);
    let of = match object {
        Object::ExtendedProperty(p) => about(&p.host),
        Object::Permission(p) => about(&p.securable),
        Object::Other(e) if e.kind == "SqlAssemblyFile" => e.references("Assembly").next().map(Reference::parsed),
        _ => object.table().cloned(),
    };
    of.filter(|n| !n.is_empty())
}

/// The objects that some tables need to be what they are, and those that are about them. With `tables`, other tables
/// that they refer to come along.
fn closure(model: &Model, wanted: &[Name], tables: bool) -> HashSet<usize> {
    let mut by_name: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
    let mut parts: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
    for (at, object) in model.objects.iter().enumerate() {
        let name = object.name();
        if !name.is_empty() {
            by_name.entry(name).or_default().push(at);
        }
        if let Some(whole) = part_of(object) {
            parts.entry(whole.clone()).or_default().push(at);
            // What is about a column is about its table.
            if whole.parts().len() > 2 {
                parts.entry(whole.owner()).or_default().push(at);
            }
        }
    }
    let is_table = |at: usize| matches!(model.objects[at], Object::Table(_));
    let asked: HashSet<&Name> = wanted.iter().collect();
    let mut keep: HashSet<usize> = HashSet::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, object) in model.objects.iter().enumerate() {
        if asked.contains(&object.name()) && is_table(at) || matches!(object, Object::DatabaseOptions(_)) {
            open.push(at);
        }
    }
    while let Some(at) = open.pop() {
        if !keep.insert(at) {
            continue;
        }
        let object = &model.objects[at];
        let name = object.name();
        open.extend(parts.get(&name).into_iter().flatten().copied());
        // What a trigger names may be the whole database; a server takes it without that, or it is reported.
        if matches!(object, Object::DmlTrigger(_) | Object::DatabaseOptions(_)) {
            continue;
        }
        let mut needs = vec![Name::one(name.schema())];
        if let Some(whole) = part_of(object) {
            needs.push(Name::one(whole.schema()));
        }
        references(&object.to_element(), &mut needs);
        for need in needs {
            let mut need = need;
            while !need.is_empty() {
                if let Some(found) = by_name.get(&need) {
                    let comes = |at: &&usize| tables || !is_table(**at) || asked.contains(&model.objects[**at].name());
                    open.extend(found.iter().filter(comes));
                    break;
                }
                need = need.parent();
            }
        }
    }
    keep
}

/// Collation and compatibility level.
fn options(model: &mut Model, choice: &Choice) {
    let mut set: Vec<(&str, String)> = Vec::new();
    set.extend(choice.collation.iter().map(|c| ("Collation", c.clone())));
    set.extend(choice.compatibility_level.iter().map(|l| ("CompatibilityMode", l.to_string())));
    if set.is_empty() {
        return;
    }
    let has_options = |o: &Object| matches!(o, Object::DatabaseOptions(_));
    if !model.objects.iter().any(has_options) {
        model.objects.push(DatabaseOptions::default().into());
    }
    for object in &mut model.objects {
        if let Object::DatabaseOptions(options) = object {
            for (name, value) in &set {
                options.options.insert((*name).to_owned(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wanted::Conflict;
    use super::*;

    fn uses(name: &Name) -> Entries {
        Entries::from(vec![Reference::to(name)])
    }

    /// A table whose default draws from a sequence, a view on it and a view on that view.
    fn model(with_sequence: bool) -> Model {
        let (table, sequence) = (Name::two("dbo", "Visit"), Name::two("dbo", "Number"));
        let column = Column::simple(&table, "Id", TypeSpec::built_in("int"));
        let mut objects: Vec<Object> = vec![
            Table { name: table.clone(), columns: vec![column.clone()], ..Table::default() }.into(),
            DefaultConstraint {
                name: Name::two("dbo", "DF_Visit_Id"),
                table: table.clone(),
                column: column.name,
                value: Some("(NEXT VALUE FOR [dbo].[Number])".into()),
                dependencies: uses(&sequence),
                ..DefaultConstraint::default()
            }
            .into(),
            View {
                name: Name::two("dbo", "A"),
                dependencies: uses(&Name::two("dbo", "Gone").child("Id")),
                ..View::default()
            }
            .into(),
            View { name: Name::two("dbo", "B"), dependencies: uses(&Name::two("dbo", "A")), ..View::default() }.into(),
            View { name: Name::two("dbo", "C"), dependencies: uses(&table), ..View::default() }.into(),
        ];
        if with_sequence {
            objects.push(Sequence { name: sequence, ..Sequence::default() }.into());
        }
        Model { objects, ..Model::default() }
    }

    fn names(chosen: &Chosen) -> Vec<String> {
        chosen.model.objects.iter().map(|o| o.name().to_string()).collect()
    }

    #[test]
    fn what_refers_to_something_missing_is_left_out_only_when_asked_and_named() {
        let all = Choice::default();
        assert_eq!(choose(&model(false), &all).unwrap().model, model(false));
        let skip = |missing: Missing| Choice { skip_missing: [missing].into(), ..Choice::default() };
        let chosen = choose(&model(false), &skip(Missing::Sequences)).unwrap();
        assert_eq!(names(&chosen), ["[dbo].[Visit]", "[dbo].[A]", "[dbo].[B]", "[dbo].[C]"]);
        assert_eq!(
            chosen.left[0].to_string(),
            "default [dbo].[DF_Visit_Id]: [dbo].[Number] is not restored, and it is left out as asked"
        );
        assert_eq!(choose(&model(true), &skip(Missing::Sequences)).unwrap().left, []);
        // A view on a view that is left out is left out, too.
        let chosen = choose(&model(true), &skip(Missing::Views)).unwrap();
        assert_eq!(names(&chosen), ["[dbo].[Visit]", "[dbo].[DF_Visit_Id]", "[dbo].[C]", "[dbo].[Number]"]);
        assert_eq!(chosen.left.len(), 2);
    }

    #[test]
    fn a_table_brings_its_sequence_and_a_missing_one_is_refused() {
        let some = Choice { tables: vec!["Visit".into()], ..Choice::default() };
        let chosen = choose(&model(true), &some).unwrap();
        assert_eq!(names(&chosen), ["[dbo].[Visit]", "[dbo].[DF_Visit_Id]", "[dbo].[Number]"]);
        let error = choose(&model(false), &some).unwrap_err();
        assert!(matches!(&error, ChoiceError::Missing { skip: Missing::Sequences, .. }), "{error}");
        let none = Choice { tables: vec!["dbo.Nothing".into()], ..Choice::default() };
        assert_eq!(choose(&model(true), &none).unwrap_err(), ChoiceError::NoTable("dbo.Nothing".into()));
    }

    #[test]
    fn a_user_that_is_mapped_must_be_there_unless_it_is_a_default() {
        let mut model = Model::default();
        let name = Name::one("porter");
        model.objects.push(User { name, login: None, ..User::default() }.into());
        let map: BTreeMap<String, String> =
            [("porter", "ward]en"), ("nobody", "x")].map(|(u, l)| (u.to_owned(), l.to_owned())).into();
        let choice = Choice { users: Users::Map(map.clone()), ..Choice::default() };
        assert_eq!(choose(&model, &choice).unwrap_err(), ChoiceError::NoUser("nobody".into()));
        let chosen = choose(&model, &Choice { users: Users::MapPresent(map), ..Choice::default() }).unwrap();
        let Object::User(user) = &chosen.model.objects[0] else { panic!("no user") };
        assert_eq!(super::super::login_of(user).as_deref(), Some("ward]en"));
        assert_eq!(chosen.notes, ["the package has no user nobody, whom the configuration gives a login"]);
        assert_eq!(chosen.left, []);
        // Of some tables the users come that they need; the map of another one is told, and no mistake.
        let name = Name::two("dbo", "T");
        model.objects.push(Table { name, ..Table::default() }.into());
        let users = Users::Map([("porter".to_owned(), "warden".to_owned())].into());
        let some = Choice { tables: vec!["dbo.T".into()], users, ..Choice::default() };
        let chosen = choose(&model, &some).unwrap();
        assert_eq!(names(&chosen), ["[dbo].[T]"]);
        assert_eq!(chosen.notes, ["user porter is not restored with these tables, and gets no login"]);
    }

    #[test]
    fn a_choice_is_a_plain_value_and_what_it_leaves_out_is_the_default() {
        let choice = Choice {
            content: Content::Schema,
            users: Users::Map([("a".to_owned(), "b".to_owned())].into()),
            skip_missing: [Missing::ForeignKeys, Missing::Views].into(),
            tables: vec!["dbo.T".into()],
            on_conflict: Conflict::Rename,
            collation: Some("Latin1_General_CI_AS".into()),
            compatibility_level: Some(150),
            permissions: false,
            ..Choice::default()
        };
        let text = serde_json::to_string(&choice).unwrap();
        assert_eq!(serde_json::from_str::<Choice>(&text).unwrap(), choice);
        assert_eq!(serde_json::from_str::<Choice>("{}").unwrap(), Choice::default());
        assert_eq!(choice.words().len(), 8);
        assert!(Choice::default().words().is_empty());
    }

    #[test]
    fn names_with_a_suffix_stay_within_what_a_name_may_have() {
        let long = with_suffix(&"ä".repeat(128), "_restored_20260120");
        assert_eq!(long.encode_utf16().count(), 128);
        assert!(long.ends_with("ä_restored_20260120"));
    }
}
