//! The model as T-SQL: batches in an order in which a server (or DacFx) takes them.
//!
//! Two forms. For a **server** the tables come without keys, then the data, then keys, indexes, constraints (checked
//! and trusted, except those that were not at the source), versioning, modules, triggers, properties, permissions. For
//! **DacFx** (`--@` lines, object definitions only) what stood inside a table's statement stands there again. Whatever
//! a script does not carry is listed by kind and name, never dropped.

mod choice;
mod clr;
mod constraint;
mod database;
mod index;
mod left;
mod module;
mod options;
mod order;
mod other;
mod piece;
mod print;
mod property;
mod rare;
mod security;
mod table;
mod text;
mod wanted;

use super::model::{Model, Name, Object, Reference, quote};
use std::collections::{HashMap, HashSet};

pub use choice::{Chosen, choose, part_of, rename, with_suffix};
pub use database::{database_collation, option_values};
pub use left::{WITHOUT_SAYING, kind_words};
pub use options::compatibility_of;
pub use piece::{Piece, pieces, script_of};
pub use print::{dacfx_text, dacfx_text_of, server_text, server_text_for_dacfx};
pub use security::login_of;
pub use wanted::{
    Choice, ChoiceError, Conflict, Content, Missing, Users, collation_name, compatibility_level, table_text,
};

/// Where a batch belongs in the order. The data is loaded after `Tables` and before `Keys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Database options, file groups, partitions.
    Database,
    /// Users, roles, memberships.
    Principals,
    /// Schemas.
    Schemas,
    /// Types, XML schema collections, sequences, synonyms, rules and defaults of old.
    Types,
    /// Tables without keys; what they need comes here, too.
    Tables,
    /// Primary keys, unique constraints; the clustered ones first.
    Keys,
    /// Indexes and statistics.
    Indexes,
    /// Checks, foreign keys.
    Constraints,
    /// Temporal versioning, change tracking, identity and sequence values.
    Versioning,
    /// Views, procedures, functions.
    Modules,
    /// Triggers, full-text, policies.
    Triggers,
    /// Extended properties and classifications.
    Properties,
    /// Permissions.
    Permissions,
}

impl Phase {
    /// Whether batches of this phase run before the rows are loaded.
    pub fn is_before_data(self) -> bool {
        self <= Phase::Tables
    }
}

/// For whom the T-SQL is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A server that is to hold the database.
    Server,
    /// DacFx, which makes a package of it.
    DacFx,
}

/// One batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Where it belongs.
    pub phase: Phase,
    /// What it makes, in words: `table`, `primary key`, `database option`.
    pub kind: &'static str,
    /// The object's name, bracketed; of an option, the option's.
    pub name: String,
    /// The text. It holds no `GO`.
    pub sql: String,
    /// ANSI_NULLS that it must run under.
    pub ansi_nulls: bool,
    /// QUOTED_IDENTIFIER that it must run under.
    pub quoted_identifier: bool,
    /// Another way, where the server refuses this one: the text, and what comes of it in words.
    pub otherwise: Option<(String, &'static str)>,
    /// A server may refuse it without harm to the database (an option that its edition does not have).
    pub optional: bool,
    /// It makes the object; batches that change it further have `false`.
    pub creates: bool,
    /// Names that must be there before.
    pub needs: Vec<Name>,
    /// The name that it makes.
    pub gives: Name,
}

/// Something that the script does not carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCarried {
    /// The element's type, in words.
    pub kind: String,
    /// Its name; empty where it has none.
    pub name: String,
    /// The property that is not carried; empty where it is the whole object.
    pub property: String,
    /// The property's value at the source.
    pub value: String,
    /// Why.
    pub reason: String,
}

impl std::fmt::Display for NotCarried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.name.is_empty() { String::new() } else { format!(" {}", self.name) };
        match self.property.as_str() {
            "" => write!(f, "{}{name}: {}", self.kind, self.reason),
            property => write!(f, "{}{name}: {property} = {}: {}", self.kind, self.value, self.reason),
        }
    }
}

/// A whole script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The batches, in order.
    pub batches: Vec<Batch>,
    /// What they do not carry.
    pub not_carried: Vec<NotCarried>,
}

/// The T-SQL of a model.
pub fn script(model: &Model, form: Form) -> Script {
    let lookup = Lookup::of(model);
    let platform = &model.header.dsp_name;
    let mut maker = Maker { form, platform, lookup: &lookup, batches: Vec::new(), not_carried: Vec::new() };
    for object in &model.objects {
        maker.object(object);
    }
    let Maker { batches, not_carried, .. } = maker;
    Script { batches: order::order(batches), not_carried }
}

/// What the script of one object needs to know of the others.
struct Lookup<'a> {
    by_name: HashMap<Name, Vec<&'a Object>>,
    /// Objects that belong to a table (keys, checks, defaults, indexes), by the table.
    by_table: HashMap<&'a Name, Vec<&'a Object>>,
    /// Numbers of annotations that say: this stands inside its table's statement.
    inline: HashSet<&'a str>,
    /// Those of them that belong to a column: this stands in the column's line.
    in_column: HashMap<&'a str, &'a Name>,
}

impl<'a> Lookup<'a> {
    fn of(model: &'a Model) -> Lookup<'a> {
        let mut lookup = Lookup {
            by_name: HashMap::new(),
            by_table: HashMap::new(),
            inline: HashSet::new(),
            in_column: HashMap::new(),
        };
        for object in &model.objects {
            let name = object.name();
            if !name.is_empty() {
                lookup.by_name.entry(name).or_default().push(object);
            }
            let rests = object.rest().into_iter();
            let columns = match object {
                Object::Table(t) => t.columns.as_slice(),
                _ => &[],
            };
            for column in columns {
                lookup.in_column.extend(column.rest.annotation_numbers().map(|n| (n, &column.name)));
            }
            for rest in rests.chain(columns.iter().map(|c| &c.rest)) {
                lookup.inline.extend(
                    rest.annotations()
                        .filter(|a| a.kind == "SqlInlineConstraintAnnotation" || a.kind == "SqlInlineIndexAnnotation")
                        .filter_map(|a| a.disambiguator.as_deref()),
                );
            }
            let stands_there = !matches!(
                object,
                Object::XmlIndex(_)
                    | Object::SpatialIndex(_)
                    | Object::Statistics(_)
                    | Object::FullTextIndex(_)
                    | Object::DmlTrigger(_)
            );
            if let Some(table) = object.table().filter(|_| stands_there) {
                lookup.by_table.entry(table).or_default().push(object);
            }
        }
        lookup
    }

    /// The object of this name. A full-text index, a role and a login may share another object's name: they come last.
    fn object(&self, name: &Name) -> Option<&'a Object> {
        let all = self.by_name.get(name)?;
        let second = |o: &&&Object| matches!(o, Object::FullTextIndex(_) | Object::Role(_) | Object::Login(_));
        all.iter().find(|o| !second(o)).or(all.first()).copied()
    }

    /// Whether an assembly of this name is in the model.
    fn is_assembly(&self, name: &Name) -> bool {
        let all = self.by_name.get(name).into_iter().flatten();
        all.into_iter().any(|o| matches!(o, Object::Other(e) if e.kind == "SqlAssembly"))
    }

    fn of_table(&self, table: &Name) -> &[&'a Object] {
        self.by_table.get(table).map_or(&[], Vec::as_slice)
    }

    fn is_inline(&self, object: &Object) -> bool {
        object.rest().is_some_and(|rest| {
            rest.annotation_numbers().any(|n| self.inline.contains(n)) || rest.system_name().is_some()
        })
    }

    /// The column in whose line the object stands.
    fn column_of(&self, object: &Object) -> Option<&'a Name> {
        object.rest()?.annotation_numbers().find_map(|n| self.in_column.get(n).copied())
    }

    fn table(&self, name: &Name) -> Option<&'a super::model::Table> {
        self.by_name.get(name)?.iter().find_map(|o| match o {
            Object::Table(table) => Some(table),
            _ => None,
        })
    }
}

/// Makes batches, object by object.
struct Maker<'a> {
    form: Form,
    /// The model's platform, as its header names it.
    platform: &'a str,
    lookup: &'a Lookup<'a>,
    batches: Vec<Batch>,
    not_carried: Vec<NotCarried>,
}

impl<'a> Maker<'a> {
    /// Makes the batches of an object, and says what they leave out of it.
    fn object(&mut self, object: &'a Object) {
        let (batches, left) = (self.batches.len(), self.not_carried.len());
        self.make(object);
        if !self.is_dacfx() {
            self.leave_the_rest(object, batches, left);
        }
    }

    fn make(&mut self, object: &'a Object) {
        match object {
            Object::DatabaseOptions(o) => self.database_options(o),
            Object::Schema(s) => self.schema(s),
            Object::Filegroup(f) => self.filegroup(f),
            Object::PartitionFunction(f) => self.partition_function(f),
            Object::PartitionScheme(s) => self.partition_scheme(s),
            Object::Table(t) => self.table(t),
            Object::AliasType(t) => self.alias_type(t),
            Object::TableType(t) => self.table_type(t),
            Object::Key(k) => self.key(k, object),
            Object::ForeignKey(f) => self.foreign_key(f, object),
            Object::Check(c) => self.check(c, object),
            Object::Default(d) => self.default(d, object),
            Object::EdgeConstraint(e) => self.edge_constraint(e, object),
            Object::Index(i) => self.index(i, object),
            Object::ColumnStoreIndex(i) => self.column_store_index(i, object),
            Object::XmlIndex(i) => self.xml_index(i),
            Object::SpatialIndex(i) => self.spatial_index(i),
            Object::Statistics(s) => self.statistics(s),
            Object::FullTextCatalog(c) => self.full_text_catalog(c),
            Object::FullTextStopList(l) => self.full_text_stop_list(l),
            Object::FullTextIndex(i) => self.full_text_index(i),
            Object::View(v) => self.view(v),
            Object::Procedure(p) => self.procedure(p),
            Object::Function(f) => self.function(f),
            Object::DmlTrigger(t) => self.dml_trigger(t),
            Object::DdlTrigger(t) => self.ddl_trigger(t),
            Object::Sequence(s) => self.sequence(s),
            Object::Synonym(s) => self.synonym(s),
            Object::XmlSchemaCollection(c) => self.xml_schema_collection(c),
            Object::Rule(r) => self.rule(r),
            Object::BoundDefault(d) => self.bound_default(d),
            Object::ExtendedProperty(p) => self.extended_property(p),
            Object::User(u) => self.user(u),
            Object::Login(l) => self.login(l),
            Object::Role(r) => self.role(r),
            Object::ApplicationRole(r) => self.application_role(r),
            Object::RoleMembership(m) => self.role_membership(m),
            Object::Permission(p) => self.permission(p),
            Object::Other(e) => self.other(e),
        }
    }

    /// Adds a batch; the caller may change what is special about it.
    fn add(&mut self, phase: Phase, kind: &'static str, name: &Name, sql: String) -> &mut Batch {
        let at = self.batches.len();
        self.batches.push(Batch {
            phase,
            kind,
            name: name.to_string(),
            sql,
            ansi_nulls: true,
            quoted_identifier: true,
            otherwise: None,
            optional: false,
            creates: true,
            needs: Vec::new(),
            gives: name.clone(),
        });
        &mut self.batches[at]
    }

    /// Adds a batch that changes an object made by another one.
    fn then(&mut self, phase: Phase, kind: &'static str, name: &Name, sql: String) -> &mut Batch {
        let name = name.clone();
        let batch = self.add(phase, kind, &name, sql);
        batch.creates = false;
        batch.gives = Name::default();
        batch.needs.push(name);
        batch
    }

    fn leave(&mut self, kind: impl Into<String>, name: impl ToString, reason: impl Into<String>) {
        self.leave_property(kind, name, "", "", reason);
    }

    /// Says that a property of an object is not carried.
    fn leave_property(
        &mut self,
        kind: impl Into<String>,
        name: impl ToString,
        property: &str,
        value: &str,
        reason: impl Into<String>,
    ) {
        self.not_carried.push(NotCarried {
            kind: kind.into(),
            name: name.to_string(),
            property: property.to_owned(),
            value: value.to_owned(),
            reason: reason.into(),
        });
    }

    /// `ON` a partition scheme or a file group; nothing where none is said. A new database has one file group; it is
    /// said all the same, for an index without a place goes where its table lies and is cut up with it.
    fn place(&self, group: &Option<Reference>, scheme: &Option<Reference>, column: &Option<Reference>) -> String {
        match (scheme, group) {
            (Some(scheme), _) => {
                let column = column.as_ref().map(Reference::parsed).unwrap_or_default();
                format!(" ON {} ({})", quote(scheme.parsed().last()), quote(column.last()))
            }
            (None, Some(group)) if self.is_dacfx() => format!(" ON {}", quote(group.parsed().last())),
            (None, Some(_)) => " ON [PRIMARY]".into(),
            (None, None) => String::new(),
        }
    }

    fn is_dacfx(&self) -> bool {
        self.form == Form::DacFx
    }
}
