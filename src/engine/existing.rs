//! A restore into a database that is there: what it holds already, what stands in the way, and the proof that what was
//! there before is left alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::event::{Failure, FailureKind};
use super::job::{JobContext, Stop};
use super::plan::Remarks;
use crate::bacpac::model::{Model, Name, Object, Reference};
use crate::bacpac::plan::TablePlan;
use crate::bacpac::script::{self, Conflict};
use crate::sqlserver::catalogue::SourceTable;
use crate::sqlserver::error::SqlError;
use crate::sqlserver::orders::{Answer, Orders, Record};
use crate::sqlserver::quote;

/// What a database holds. Names are compared without regard to case: a name that differs in case alone may be the same
/// to the server, and taking it for another would put something in harm's way.
#[derive(Debug, Default)]
pub struct Holding {
    /// Objects of schemas: (schema, name) → `sys.objects.type`.
    objects: HashMap<(String, String), String>,
    /// Schemas.
    schemas: HashSet<String>,
    /// Types of schemas.
    types: HashSet<(String, String)>,
    /// Users and roles.
    principals: HashSet<String>,
    /// Partition functions and schemes, assemblies and what else has a name in the database.
    others: HashSet<String>,
}

fn is_constraint(object: &Object) -> bool {
    matches!(
        object,
        Object::Key(_) | Object::ForeignKey(_) | Object::Check(_) | Object::Default(_) | Object::EdgeConstraint(_)
    )
}

fn key(name: &Name) -> (String, String) {
    (name.schema().to_lowercase(), name.object().to_lowercase())
}

impl Holding {
    /// Asks a database what it holds.
    pub async fn of(orders: &mut dyn Orders, cancel: &CancellationToken) -> Result<Self, SqlError> {
        const SQL: &str = "\
SELECT s.name AS schema_name, o.name AS object_name, o.type AS object_type FROM sys.objects AS o \
JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE o.is_ms_shipped = 0;\n\
SELECT s.name AS schema_name FROM sys.schemas AS s;\n\
SELECT s.name AS schema_name, t.name AS object_name FROM sys.types AS t \
JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE t.is_user_defined = 1;\n\
SELECT p.name AS principal_name FROM sys.database_principals AS p;\n\
SELECT f.name AS other_name FROM sys.partition_functions AS f;\n\
SELECT d.name AS other_name FROM sys.data_spaces AS d;";
        let answer = orders.batch(SQL, "asking what the database holds", cancel).await?;
        let mut holding = Self::default();
        for r in records(&answer, 0) {
            let kind = r.string("object_type").trim().to_owned();
            holding.objects.insert(lower(&r), kind);
        }
        holding.schemas = records(&answer, 1).map(|r| r.string("schema_name").to_lowercase()).collect();
        holding.types = records(&answer, 2).map(|r| lower(&r)).collect();
        holding.principals = records(&answer, 3).map(|r| r.string("principal_name").to_lowercase()).collect();
        for set in [4, 5] {
            holding.others.extend(records(&answer, set).map(|r| r.string("other_name").to_lowercase()));
        }
        Ok(holding)
    }

    fn has_table(&self, name: &Name) -> bool {
        self.objects.contains_key(&key(name))
    }

    /// Whether something of that name and sort is there.
    fn has(&self, object: &Object) -> bool {
        let name = object.name();
        match object {
            Object::Schema(_) => self.schemas.contains(&name.last().to_lowercase()),
            Object::AliasType(_) | Object::TableType(_) => self.types.contains(&key(&name)),
            Object::User(_) | Object::Role(_) | Object::ApplicationRole(_) => {
                self.principals.contains(&name.last().to_lowercase())
            }
            Object::PartitionFunction(_) | Object::PartitionScheme(_) => {
                self.others.contains(&name.last().to_lowercase())
            }
            // What is a part of a table comes with it; these have the table's name, or none.
            Object::Index(_) | Object::FullTextIndex(_) | Object::Statistics(_) | Object::ExtendedProperty(_) => false,
            Object::Permission(_) | Object::RoleMembership(_) | Object::DatabaseOptions(_) => false,
            _ => name.parts().len() == 2 && self.objects.contains_key(&key(&name)),
        }
    }

    /// Fits a model into the database: tables that are there are refused or restored under another name, everything
    /// else that is there is left as it is, and said. The tables' names here, by their names in the model.
    pub fn fit(
        &self,
        model: &Model,
        conflict: Conflict,
        now: Timestamp,
        remarks: &mut Remarks,
    ) -> Result<(Model, HashMap<Name, Name>), Failure> {
        let taken: Vec<Name> = model.tables().filter(|t| self.has_table(&t.name)).map(|t| t.name.clone()).collect();
        // Tables and constraints share their names: a key whose name is taken would be missing from its table.
        let constraints: HashSet<Name> =
            model.objects.iter().filter(|o| is_constraint(o) && self.has(o)).map(Object::name).collect();
        let mut model = model.clone();
        let mut names: HashMap<Name, Name> = model.tables().map(|t| (t.name.clone(), t.name.clone())).collect();
        let standing: Vec<&Name> = taken.iter().chain(&constraints).collect();
        if !standing.is_empty() && conflict == Conflict::Refuse {
            // The tables first: whose constraints the others are, is then no question.
            let sorted = |names: &mut dyn Iterator<Item = &Name>| {
                let mut listed: Vec<String> = names.map(raw).collect();
                listed.sort();
                listed
            };
            let mut listed = sorted(&mut taken.iter());
            listed.extend(sorted(&mut constraints.iter()));
            let more = if listed.len() > 10 { format!(" and {} more", listed.len() - 10) } else { String::new() };
            listed.truncate(10);
            return Err(Failure::new(format!("the database has already: {}{more}", listed.join(", ")))
                .kind(FailureKind::Request)
                .hint("nothing was changed; --on-conflict rename (in the dashboard: Conflict) restores them under other names"));
        }
        if !standing.is_empty() {
            let suffix = self.free_suffix(&model, &taken, now);
            let map: BTreeMap<Name, Name> = taken
                .iter()
                .map(|n| (n.clone(), Name::two(n.schema(), script::with_suffix(n.last(), &suffix))))
                .collect();
            let renamed =
                script::rename(&model, &map, &constraints, &suffix).map_err(|e| Failure::new(e.to_string()))?;
            for (from, to) in &map {
                remarks.remark(format!("table {} is there already: restored as {}", raw(from), raw(to)));
                names.insert(from.clone(), to.clone());
            }
            for name in &constraints {
                remarks.remark(format!(
                    "constraint {} is there already: restored with {suffix} behind its name",
                    raw(name)
                ));
            }
            for left in &renamed.left {
                remarks.remark(format!("not restored: {left}"));
            }
            model = renamed.model;
        }
        if names.iter().any(|(from, to)| from != to)
            && model.objects.iter().any(|o| matches!(o, Object::View(_) | Object::Procedure(_) | Object::Function(_)))
        {
            remarks.remark(
                "views, procedures and functions name tables in their text: they use the tables that were there before",
            );
        }
        self.leave_what_is_there(&mut model, remarks);
        Ok((model, names))
    }

    /// Takes out of a model what the database has already, and what would change it: its properties, the rights to it,
    /// who is in its roles. Each is named.
    fn leave_what_is_there(&self, model: &mut Model, remarks: &mut Remarks) {
        let mut there: HashSet<Name> = HashSet::new();
        let left = |object: &Object, why: &str| -> String {
            let element = object.to_element();
            let kind = script::kind_words(&element.kind);
            let who = |r: &Option<Reference>| r.as_ref().map(Reference::parsed).unwrap_or_default();
            let name = match object {
                Object::RoleMembership(m) => format!("{} in {}", who(&m.member), who(&m.role)),
                _ => element.name.unwrap_or_default(),
            };
            format!("not restored: {kind} {name}: {why}")
        };
        model.objects.retain(|object| {
            if matches!(object, Object::DatabaseOptions(_)) {
                remarks.inform("the options of the database are left as they are");
                return false;
            }
            if !self.has(object) {
                return true;
            }
            there.insert(object.name());
            match object {
                Object::Schema(_) => {
                    remarks.inform(format!("schema {} is there already, and left as it is", object.name()))
                }
                _ => remarks.remark(left(object, "the database has one of that name, left as it is")),
            }
            false
        });
        let made: HashSet<Name> = model.objects.iter().map(Object::name).collect();
        let is_made = |name: &Name| made.contains(name) || made.contains(&name.owner());
        model.objects.retain(|object| {
            let stays = match object {
                // A new role may have an old member; what an old role has is its own.
                Object::RoleMembership(m) => m.role.as_ref().is_some_and(|r| is_made(&r.parsed())),
                Object::Permission(_) | Object::ExtendedProperty(_) => {
                    script::part_of(object).is_some_and(|on| is_made(&on))
                }
                _ => script::part_of(object).is_none_or(|whole| !there.contains(&whole)),
            };
            if !stays {
                remarks.remark(left(object, "it is about what was there before"));
            }
            stays
        });
    }

    /// Something to put behind names that makes all of them new.
    fn free_suffix(&self, model: &Model, taken: &[Name], now: Timestamp) -> String {
        let day = now.strftime("%Y%m%d");
        let mut n = 1;
        loop {
            let suffix = if n == 1 { format!("_restored_{day}") } else { format!("_restored_{day}_{n}") };
            let free = |name: &Name| {
                let other = Name::two(name.schema(), script::with_suffix(name.last(), &suffix));
                !self.has_table(&other) && model.table(&other).is_none()
            };
            // The names of their constraints get it, too; those of the package are unique already.
            let constraints = self.objects.keys().any(|(_, name)| name.ends_with(&suffix.to_lowercase()));
            if taken.iter().all(free) && !constraints {
                return suffix;
            }
            n += 1;
        }
    }
}

fn records(answer: &Answer, set: usize) -> impl Iterator<Item = Record<'_>> {
    answer.sets.get(set).into_iter().flat_map(|s| s.records())
}

fn lower(r: &Record<'_>) -> (String, String) {
    (r.string("schema_name").to_lowercase(), r.string("object_name").to_lowercase())
}

/// `schema.table`, raw names.
fn raw(name: &Name) -> String {
    format!("{}.{}", name.schema(), name.last())
}

/// Tables that take rows and nothing else: each is there, has the columns of the package with the same types (a server
/// rounds and cuts in silence to fit a value into another one), and is empty.
pub async fn empty_and_alike(
    orders: &mut dyn Orders,
    plans: &[&TablePlan],
    tables: &[SourceTable],
    cancel: &CancellationToken,
) -> Result<(), Stop> {
    let refuse = |message: String, hint: &str| -> Stop {
        Failure::new(message).kind(FailureKind::Request).hint(format!("nothing was changed; {hint}")).into()
    };
    let there: HashMap<(&str, &str), &TablePlan> =
        tables.iter().map(|t| ((t.plan.schema.as_str(), t.plan.table.as_str()), &*t.plan)).collect();
    for plan in plans {
        let Some(there) = there.get(&(plan.schema.as_str(), plan.table.as_str())) else {
            return Err(refuse(format!("the database has no table {plan}"), "restore its schema first"));
        };
        for column in &plan.columns {
            let unlike = match there.columns.iter().find(|c| c.name == column.name) {
                None => format!("table {plan} of the database has no column {}", column.name),
                Some(other) if other.sql_type() != column.sql_type() => format!(
                    "column {} of table {plan} is {} in the database and {} in the package",
                    column.name,
                    other.sql_type(),
                    column.sql_type()
                ),
                Some(_) => continue,
            };
            return Err(refuse(unlike, "its schema is another one than the package's"));
        }
        let table = quote::qualified(&plan.schema, &plan.table);
        let sql = format!("SELECT COUNT_BIG(*) AS row_count FROM (SELECT TOP (1) 1 AS one FROM {table}) AS first_row");
        let answer = orders.batch(&sql, &format!("looking into table {plan}"), cancel).await?;
        let rows = records(&answer, 0).next().and_then(|r| r.int("row_count"));
        if rows != Some(0) {
            let message = format!("table {plan} of the database has rows");
            return Err(refuse(message, "rows are loaded into empty tables only"));
        }
    }
    Ok(())
}

/// Checks and foreign keys of some tables that the server trusts: (schema, table, constraint).
pub async fn trusted_of(
    orders: &mut dyn Orders,
    plans: &[&TablePlan],
    cancel: &CancellationToken,
) -> Result<Vec<(String, String, String)>, SqlError> {
    let of = |view: &str| {
        format!(
            "SELECT s.name AS schema_name, t.name AS table_name, c.name AS constraint_name FROM {view} AS c \
             JOIN sys.tables AS t ON t.object_id = c.parent_object_id \
             JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE c.is_not_trusted = 0 AND c.is_disabled = 0;\n"
        )
    };
    let sql = of("sys.check_constraints") + &of("sys.foreign_keys");
    let answer = orders.batch(&sql, "asking which constraints are trusted", cancel).await?;
    let wanted: HashSet<(&str, &str)> = plans.iter().map(|p| (p.schema.as_str(), p.table.as_str())).collect();
    let all = answer.sets.iter().flat_map(|s| s.records());
    let all = all.map(|r| (r.string("schema_name"), r.string("table_name"), r.string("constraint_name")));
    Ok(all.filter(|(schema, table, _)| wanted.contains(&(schema.as_str(), table.as_str()))).collect())
}

/// Has the server check rows that it took without looking, so that it trusts the constraints again.
pub async fn check_again(
    orders: &mut dyn Orders,
    constraints: &[(String, String, String)],
    job: &JobContext,
) -> Result<(), Stop> {
    for (schema, table, constraint) in constraints {
        job.check()?;
        let table = quote::qualified(schema, table);
        let sql = format!("ALTER TABLE {table} WITH CHECK CHECK CONSTRAINT {};", quote::identifier(constraint));
        orders.batch(&sql, &format!("checking {constraint} of {table}"), &job.cancel).await?;
    }
    Ok(())
}
