//! What of a package is restored: a choice turns the model of a package into the model of what is wanted. Whatever is
//! left out by it, and was not named by the operator one by one, is reported; what would come back broken is refused
//! before anything is made.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::NotCarried;
use super::left::kind_words;
use crate::bacpac::model::*;

/// What is restored of tables: all of them, only what they are, only what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Objects and rows.
    #[default]
    All,
    /// Objects without rows.
    Schema,
    /// Rows, into tables that are there.
    Data,
}

/// What becomes of users and their logins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Users {
    /// As the file has them.
    #[default]
    AsInFile,
    /// No user comes back, and nothing that is about one.
    None,
    /// These users (by name) get these logins; the others are as in the file.
    Map(BTreeMap<String, String>),
}

/// What is left out where it refers to something that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Foreign keys to a table that is not restored.
    ForeignKeys,
    /// Defaults that draw from a sequence that is not restored.
    Sequences,
    /// Views on something that is not there.
    Views,
}

/// What happens where the target has a table of the same name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// Nothing is restored.
    #[default]
    Refuse,
    /// The restored table gets another name; the one that is there is left alone.
    Rename,
}

/// A choice of what to restore. The default is all of it, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// Objects, rows, or both.
    pub content: Content,
    /// Permissions are granted and denied as at the source.
    pub permissions: bool,
    /// Users and their logins.
    pub users: Users,
    /// Users keep their default schema and language.
    pub user_settings: bool,
    /// Schemas, roles and whatever else has an owner belong to dbo.
    pub owner_to_dbo: bool,
    /// What is left out where it refers to something missing.
    pub skip_missing: BTreeSet<Missing>,
    /// Only these tables (`schema.table`, raw names); all objects when there are none.
    pub tables: Vec<String>,
    /// With the tables come those that they need, with their rows.
    pub dependencies: bool,
    /// Where the target has a table of that name.
    pub on_conflict: Conflict,
    /// The collation of the new database, in place of the package's.
    pub collation: Option<String>,
    /// The compatibility level of the new database, in place of the package's.
    pub compatibility_level: Option<u16>,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            content: Content::All,
            permissions: true,
            users: Users::AsInFile,
            user_settings: true,
            owner_to_dbo: false,
            skip_missing: BTreeSet::new(),
            tables: Vec::new(),
            dependencies: true,
            on_conflict: Conflict::Refuse,
            collation: None,
            compatibility_level: None,
        }
    }
}

impl Choice {
    /// What is not as it would be without a choice, in words.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |is: bool, text: &str| {
            if is {
                words.push(text.to_owned());
            }
        };
        say(self.content == Content::Schema, "schema only");
        say(self.content == Content::Data, "rows only");
        say(!self.permissions, "without permissions");
        say(self.users == Users::None, "without users");
        say(!self.user_settings, "without settings of users");
        say(self.owner_to_dbo, "dbo owns all");
        say(self.on_conflict == Conflict::Rename, "tables renamed on conflict");
        if let Users::Map(map) = &self.users {
            let mapped: Vec<String> = map.iter().map(|(user, login)| format!("{user} = {login}")).collect();
            words.push(format!("logins {}", mapped.join(", ")));
        }
        if !self.tables.is_empty() {
            let alone = if self.dependencies { "" } else { " alone" };
            words.push(format!("tables {}{alone}", self.tables.join(", ")));
        }
        if !self.skip_missing.is_empty() {
            words.push("what refers to something missing is left out".into());
        }
        words.extend(self.collation.iter().map(|c| format!("collation {c}")));
        words.extend(self.compatibility_level.iter().map(|l| format!("compatibility level {l}")));
        words
    }
}

/// Why a choice can't be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// A table that was asked for.
    #[error("the package has no table {0}")]
    NoTable(String),
    /// A user that was to be mapped.
    #[error("the package has no user {0}")]
    NoUser(String),
    /// Something refers to what is not restored.
    #[error("{kind} {name} refers to {missing}, which is not restored")]
    Missing {
        /// The kind of what refers.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What it refers to.
        missing: String,
        /// What would leave it out.
        skip: Missing,
    },
    /// No collation has such a name.
    #[error("{0:?} is not the name of a collation")]
    Collation(String),
    /// No server has such a level.
    #[error("{0} is not a compatibility level: 90 to 170, in tens")]
    Compatibility(u16),
    /// The model does not take the change.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The model of it.
    pub model: Model,
    /// What the choice leaves out although nobody named it.
    pub left: Vec<NotCarried>,
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
    let mut left = Vec::new();
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
    users(&mut chosen, choice, &mut left)?;
    if choice.owner_to_dbo {
        for object in &mut chosen.objects {
            disown(object, |_| true)?;
        }
    }
    missing(&mut chosen, choice, &mut left)?;
    options(&mut chosen, choice)?;
    let tables = match (wanted.is_empty(), choice.content) {
        (false, Content::Data) => wanted.into_iter().collect(),
        _ => chosen.tables().map(|t| t.name.clone()).collect(),
    };
    Ok(Chosen { model: chosen, left, tables })
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

/// The table, view or function that an object is a part of, or is about.
pub fn part_of(object: &Object) -> Option<Name> {
    Some(match object {
        Object::Key(k) => k.table.clone(),
        Object::ForeignKey(f) => f.table.clone(),
        Object::Check(c) => c.table.clone(),
        Object::Default(d) => d.table.clone(),
        Object::EdgeConstraint(e) => e.table.clone(),
        Object::Index(i) => i.on.clone(),
        Object::ColumnStoreIndex(i) => i.on.clone(),
        Object::XmlIndex(i) => i.on.clone(),
        Object::SpatialIndex(i) => i.on.clone(),
        Object::FullTextIndex(i) => i.on.clone(),
        Object::Statistics(s) => s.on.clone(),
        Object::DmlTrigger(t) => t.parent.clone(),
        Object::ExtendedProperty(p) => p.host.as_ref()?.parsed(),
        Object::Permission(p) => p.securable.as_ref()?.parsed(),
        _ => return None,
    })
    .filter(|n: &Name| !n.is_empty())
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

/// Users, their memberships and what is theirs.
fn users(model: &mut Model, choice: &Choice, left: &mut Vec<NotCarried>) -> Result<(), ChoiceError> {
    if !choice.user_settings {
        for object in &mut model.objects {
            if let Object::User(user) = object {
                (user.default_schema, user.default_language) = (None, None);
            }
        }
    }
    match &choice.users {
        Users::AsInFile => {}
        Users::Map(map) => {
            for (from, to) in map {
                let user = model.objects.iter_mut().find_map(|o| match o {
                    Object::User(user) if user.name.last() == from => Some(user),
                    _ => None,
                });
                let Some(user) = user else { return Err(ChoiceError::NoUser(from.clone())) };
                let settings = (user.default_schema.take(), user.default_language.take());
                *user = User {
                    name: user.name.clone(),
                    login_text: Some(Script::new(quote(to))),
                    authentication: Authentication::Instance,
                    default_schema: settings.0,
                    default_language: settings.1,
                    ..User::default()
                };
            }
        }
        Users::None => {
            let gone: HashSet<Name> = model
                .objects
                .iter()
                .filter(|o| matches!(o, Object::User(_) | Object::Login(_)))
                .map(Object::name)
                .collect();
            let is_gone = |r: &Option<Reference>| r.as_ref().is_some_and(|r| gone.contains(&r.parsed()));
            model.objects.retain(|object| {
                let stays = match object {
                    Object::User(_) | Object::Login(_) => false,
                    Object::RoleMembership(m) => !is_gone(&m.member),
                    Object::Permission(p) => !is_gone(&p.grantee) && !is_gone(&p.grantor) && !is_gone(&p.securable),
                    Object::ExtendedProperty(p) => p.name.schema() != "SqlUser",
                    _ => return true,
                };
                if !stays && !matches!(object, Object::Login(_)) {
                    let element = object.to_element();
                    left.push(NotCarried {
                        kind: kind_words(&element.kind),
                        name: element.name.unwrap_or_default(),
                        property: String::new(),
                        value: String::new(),
                        reason: "no users are restored, as asked".into(),
                    });
                }
                stays
            });
            // What belonged to them belongs to dbo.
            for object in &mut model.objects {
                disown(object, |owner| gone.contains(owner))?;
            }
        }
    }
    Ok(())
}

/// Takes the owner away from an object, where it is one of those meant: then it is dbo's.
fn disown(object: &mut Object, meant: impl Fn(&Name) -> bool) -> Result<(), ShapeError> {
    let element = object.to_element();
    let owned = element.references("Authorizer").any(|r| meant(&r.parsed()));
    if !owned {
        return Ok(());
    }
    let mut element = element;
    element.nodes.retain(|n| !matches!(n, Node::Relationship(r) if r.name == "Authorizer"));
    *object = Object::from_element(&element)?;
    Ok(())
}

/// What refers to something that is not in the model any more.
fn missing(model: &mut Model, choice: &Choice, left: &mut Vec<NotCarried>) -> Result<(), ChoiceError> {
    let names: HashSet<Name> = model.objects.iter().map(Object::name).collect();
    let unknown = |entries: &Entries| -> Option<Name> {
        let used = entries.references().filter(|r| r.external_source.is_none()).map(Reference::parsed);
        used.filter(|n| n.parts().len() >= 2).find(|n| {
            let mut name = n.clone();
            while name.parts().len() >= 2 {
                if names.contains(&name) {
                    return false;
                }
                name = name.parent();
            }
            true
        })
    };
    let mut refused = None;
    // Views on views: until no more of them is left out.
    let mut gone: HashSet<Name> = HashSet::new();
    loop {
        let before = gone.len();
        model.objects.retain(|object| {
            let lost = |entries: &Entries| {
                let used = entries.references().map(|r| r.parsed().owner());
                unknown(entries).or_else(|| used.into_iter().find(|n| gone.contains(n)))
            };
            let (kind, what, skip) = match object {
                Object::ForeignKey(key) if !names.contains(&key.foreign_table) => {
                    ("foreign key", Some(key.foreign_table.clone()), Missing::ForeignKeys)
                }
                Object::Default(default) => ("default", lost(&default.dependencies), Missing::Sequences),
                Object::View(view) => ("view", lost(&view.dependencies), Missing::Views),
                _ => return true,
            };
            let Some(what) = what else { return true };
            let name = match (object.name(), object) {
                (name, Object::Default(default)) if name.is_empty() => default.column.to_string(),
                (name, Object::ForeignKey(key)) if name.is_empty() => format!("of {}", key.table),
                (name, _) => name.to_string(),
            };
            if !choice.skip_missing.contains(&skip) {
                // A view that the server refuses is reported by itself; the others would break their table.
                if skip != Missing::Views && !choice.tables.is_empty() && refused.is_none() {
                    refused = Some(ChoiceError::Missing { kind, name, missing: what.to_string(), skip });
                }
                return true;
            }
            left.push(NotCarried {
                kind: kind.into(),
                name,
                property: String::new(),
                value: String::new(),
                reason: format!("{what} is not restored, and it is left out as asked"),
            });
            gone.insert(object.name());
            false
        });
        if gone.len() == before {
            break;
        }
    }
    refused.map_or(Ok(()), Err)
}

/// Collation and compatibility level.
fn options(model: &mut Model, choice: &Choice) -> Result<(), ChoiceError> {
    let mut set: Vec<(&str, String)> = Vec::new();
    if let Some(collation) = &choice.collation {
        if collation.is_empty() || !collation.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(ChoiceError::Collation(collation.clone()));
        }
        set.push(("Collation", collation.clone()));
    }
    if let Some(level) = choice.compatibility_level {
        if !(90..=170).contains(&level) || level % 10 != 0 {
            return Err(ChoiceError::Compatibility(level));
        }
        set.push(("CompatibilityMode", level.to_string()));
    }
    if set.is_empty() {
        return Ok(());
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
    Ok(())
}

/// Gives tables other names, with everything that is a part of them. Names of constraints are unique in a schema: they
/// get `suffix`, too. What names a table in its text is left out and reported.
///
/// `taken`: constraints of other tables whose names the database has already; they get the suffix, too.
pub fn rename(
    model: &Model,
    tables: &BTreeMap<Name, Name>,
    taken: &HashSet<Name>,
    suffix: &str,
) -> Result<Chosen, ChoiceError> {
    let mut names = tables.clone();
    let mut left = Vec::new();
    let mut kept = model.clone();
    kept.objects.retain(|object| match object {
        Object::DmlTrigger(trigger) if tables.contains_key(&trigger.parent) => {
            left.push(NotCarried {
                kind: "trigger".into(),
                name: trigger.name.to_string(),
                property: String::new(),
                value: String::new(),
                reason: format!("its text names {}, which is restored under another name", trigger.parent),
            });
            false
        }
        Object::Key(_) | Object::ForeignKey(_) | Object::Check(_) | Object::Default(_) | Object::EdgeConstraint(_) => {
            let name = object.name();
            let moved = part_of(object).is_some_and(|t| tables.contains_key(&t)) || taken.contains(&name);
            if moved && name.parts().len() == 2 {
                let other = with_suffix(name.last(), suffix);
                names.insert(name.clone(), Name::two(name.schema(), other));
            }
            true
        }
        _ => true,
    });
    let mut document = kept.to_document();
    for element in &mut document.elements {
        renamed(element, &names);
    }
    let model = Model::from_document(&document)?;
    let tables = model.tables().map(|t| t.name.clone()).collect();
    Ok(Chosen { model, left, tables })
}

/// A name with something behind it, within the 128 characters that a name may have.
pub fn with_suffix(name: &str, suffix: &str) -> String {
    let mut name = name.to_owned();
    while name.encode_utf16().count() + suffix.encode_utf16().count() > 128 {
        name.pop();
    }
    name + suffix
}

fn renamed(element: &mut Element, names: &BTreeMap<Name, Name>) {
    let other = |text: &str| -> Option<String> {
        let name = Name::parse(text).ok()?;
        let to = names.get(&name.owner()).filter(|_| name.parts().len() >= 2)?;
        let rest = name.parts().iter().skip(2).cloned();
        Some(Name::of(to.parts().iter().cloned().chain(rest)).to_string())
    };
    if let Some(name) = element.name.as_deref().and_then(other) {
        element.name = Some(name);
    }
    for node in &mut element.nodes {
        let Node::Relationship(relationship) = node else { continue };
        for item in relationship.entries.iter_mut().flat_map(|e| &mut e.items) {
            match item {
                Item::Reference(reference) => {
                    if let Some(name) = reference.name.as_deref().and_then(other) {
                        reference.name = Some(name);
                    }
                }
                Item::Element(child) => renamed(child, names),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
