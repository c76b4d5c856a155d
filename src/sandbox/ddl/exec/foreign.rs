//! Foreign keys.

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::ddl::ast::{ConstraintDef, ConstraintKind, ObjectName};
use crate::sandbox::ddl::error::{DdlError, DdlResult};
use crate::sandbox::meta::{Column, Database, ForeignKey, Object, ReferentialAction};

use super::Run;
use super::constraint::{conflict, not_persisted};
use super::table::Making;

impl Run<'_> {
    pub(super) fn add_foreign(
        &mut self,
        database_id: i32,
        mut object: Object,
        def: &ConstraintDef,
        check: Option<bool>,
    ) -> DdlResult<Object> {
        let ConstraintKind::Foreign { columns, table: to, referenced, on_delete, on_update, not_for_replication } =
            &def.kind
        else {
            return Ok(object);
        };
        // The name first: errors print it.
        let head = self.head(database_id, &object, def, "FK", columns.first().map(String::as_str), Making::Table)?;
        let name = head.name.clone();
        let target = self.referenced_table(database_id, &object, to, &name)?;
        let database = self.db(database_id)?.clone();
        let ci = database.ignore_case;
        let own = target.object_id == object.object_id;
        let (Some(table), Some(other)) = (object.table(), target.table()) else { return Ok(object) };
        // Implicit reference: the primary key.
        let wanted: Vec<String> = if referenced.is_empty() {
            let key = other.primary_key().and_then(|k| other.index(k.index_id)).ok_or_else(|| {
                DdlError::new(
                    1773,
                    0,
                    16,
                    format!(
                        "Foreign key '{name}' has implicit reference to object '{}' which does not have a primary key \
                         defined on it.",
                        to.name
                    ),
                )
                .constraint(1)
            })?;
            key.keys().filter_map(|k| other.column(k.column_id)).map(|c| c.name.clone()).collect()
        } else {
            referenced.clone()
        };
        if columns.len() != wanted.len() {
            return Err(DdlError::new(
                8139,
                0,
                16,
                format!(
                    "Number of referencing columns in foreign key differs from number of referenced columns, table '{}'.",
                    object.name
                ),
            ));
        }
        let mut pairs: Vec<(&Column, &Column)> = Vec::new();
        for (here, there) in columns.iter().zip(&wanted) {
            let Some(a) = table.find_column(here, ci) else {
                return Err(DdlError::new(
                    1769,
                    1,
                    16,
                    format!(
                        "Foreign key '{name}' references invalid column '{here}' in referencing table '{}'.",
                        object.name
                    ),
                )
                .constraint(0));
            };
            let Some(b) = other.find_column(there, ci) else {
                return Err(DdlError::new(
                    1770,
                    0,
                    16,
                    format!(
                        "Foreign key '{name}' references invalid column '{there}' in referenced table '{}'.",
                        target.name
                    ),
                )
                .constraint(1));
            };
            pairs.push((a, b));
        }
        for (a, b) in &pairs {
            if a.computed.as_ref().is_some_and(|c| !c.persisted) {
                return Err(not_persisted(&a.name, &object.name, "FOREIGN KEY CONSTRAINT").constraint(1));
            }
            if !same_base(a, b) {
                return Err(DdlError::new(
                    1778,
                    0,
                    16,
                    format!(
                        "Column '{}.{}' is not the same data type as referencing column '{}.{}' in foreign key '{name}'.",
                        target.name, b.name, object.name, a.name
                    ),
                )
                .constraint(1));
            }
            if a.ty.length != b.ty.length || a.ty.scale != b.ty.scale || a.ty.precision != b.ty.precision {
                return Err(DdlError::new(
                    1753,
                    0,
                    16,
                    format!(
                        "Column '{}.{}' is not the same length or scale as referencing column '{}.{}' in foreign key \
                         '{name}'. Columns participating in a foreign key relationship must be defined with the same length \
                         and scale.",
                        target.name, b.name, object.name, a.name
                    ),
                )
                .constraint(1));
            }
            if a.ty.collation.as_ref().map(|c| &c.name) != b.ty.collation.as_ref().map(|c| &c.name) {
                return Err(DdlError::new(
                    1757,
                    0,
                    16,
                    format!(
                        "Column '{}.{}' is not of same collation as referencing column '{}.{}' in foreign key '{name}'.",
                        target.name, b.name, object.name, a.name
                    ),
                )
                .constraint(1));
            }
        }
        let there: BTreeSet<i32> = pairs.iter().map(|(_, b)| b.id).collect();
        let candidate = other.indexes.iter().find(|i| {
            i.unique && i.filter.is_none() && i.keys().map(|k| k.column_id).collect::<BTreeSet<_>>() == there
        });
        let Some(candidate) = candidate else {
            return Err(DdlError::new(
                1776,
                0,
                16,
                format!(
                    "There are no primary or candidate keys in the referenced table '{}' that match the referencing column \
                     list in the foreign key '{name}'.",
                    to.name
                ),
            )
            .constraint(1));
        };
        let actions = [*on_delete, *on_update];
        if actions.contains(&ReferentialAction::SetNull) && pairs.iter().any(|(a, _)| !a.nullable) {
            return Err(DdlError::new(
                1761,
                0,
                16,
                format!(
                    "Cannot create the foreign key \"{name}\" with the SET NULL referential action, because one or more \
                     referencing columns are not nullable."
                ),
            )
            .constraint(1));
        }
        if actions.contains(&ReferentialAction::SetDefault)
            && pairs.iter().any(|(a, _)| !a.nullable && a.default.is_none() && a.bound_default.is_none())
        {
            return Err(DdlError::new(
                1762,
                0,
                16,
                format!(
                    "Cannot create the foreign key \"{name}\" with the SET DEFAULT referential action, because one or more \
                     referencing not-nullable columns lack a default constraint."
                ),
            )
            .constraint(1));
        }
        let made = ForeignKey {
            referenced_object_id: target.object_id,
            key_index_id: candidate.index_id,
            columns: pairs.iter().map(|(a, b)| (a.id, b.id)).collect(),
            on_delete: *on_delete,
            on_update: *on_update,
            disabled: false,
            not_trusted: check == Some(false) || *not_for_replication,
            not_for_replication: *not_for_replication,
            head,
        };
        if may_cycle(&database, &object, &made) {
            return Err(DdlError::new(
                1785,
                0,
                16,
                format!(
                    "Introducing FOREIGN KEY constraint '{name}' on table '{}' may cause cycles or multiple cascade paths. \
                     Specify ON DELETE NO ACTION or ON UPDATE NO ACTION, or modify other FOREIGN KEY constraints.",
                    object.name
                ),
            )
            .constraint(1));
        }
        if check != Some(false) && !self.hooks.foreign_key_holds(&database, &object, &made, &target)? {
            return Err(foreign_conflict(&database, &object, &made, &target, own));
        }
        if let Some(table) = object.table_mut() {
            table.foreign_keys.push(made);
        }
        Ok(object)
    }

    pub(super) fn referenced_table(
        &mut self,
        database_id: i32,
        object: &Object,
        to: &ObjectName,
        key: &str,
    ) -> DdlResult<Object> {
        let database = self.db(database_id)?;
        let missing = || {
            DdlError::new(1767, 0, 16, format!("Foreign key '{key}' references invalid table '{}'.", to.shown()))
                .constraint(1)
        };
        if let Some(other) = &to.database
            && !database.same(other, &database.name)
        {
            return Err(DdlError::new(
                1763,
                0,
                16,
                format!("Cross-database foreign key references are not supported. Foreign key '{}'.", to.shown()),
            )
            .constraint(0));
        }
        let schema_id = match &to.schema {
            Some(schema) => database.schema(schema).ok_or_else(missing)?.schema_id,
            None => object.schema_id,
        };
        if schema_id == object.schema_id && database.same(&to.name, &object.name) {
            return Ok(object.clone());
        }
        let dbo = crate::sandbox::meta::database::DBO_SCHEMA;
        let found = database
            .find(schema_id, &to.name)
            .or_else(|| if to.schema.is_none() { database.find(dbo, &to.name) } else { None })
            .filter(|o| o.table().is_some())
            .ok_or_else(missing)?;
        Ok(found.as_ref().clone())
    }
}

pub(super) fn foreign_conflict(
    database: &Database,
    table: &Object,
    key: &ForeignKey,
    target: &Object,
    own: bool,
) -> DdlError {
    let column = match key.columns[..] {
        [(_, there)] => target.table().and_then(|t| t.column(there)).map(|c| c.name.clone()),
        _ => None,
    };
    let _ = table;
    let kind = if own { "FOREIGN KEY SAME TABLE" } else { "FOREIGN KEY" };
    conflict(kind, &key.head.name, database, target, column.as_deref())
}

pub(super) fn same_base(a: &Column, b: &Column) -> bool {
    use crate::sandbox::value::Base;
    // decimal and numeric are one type to the server.
    let one = |base: Base| if base == Base::Numeric { Base::Decimal } else { base };
    one(a.ty.base) == one(b.ty.base)
}

/// Whether a new cascading key would make a cycle, or give a table two ways to be reached (1785).
// Assumption: deletes and updates are judged apart; a real server may judge them together and refuse more.
pub(super) fn may_cycle(database: &Database, object: &Object, key: &ForeignKey) -> bool {
    let from = key.referenced_object_id;
    let to = object.object_id;
    for action in [|k: &ForeignKey| k.on_delete, |k: &ForeignKey| k.on_update] {
        if action(key) == ReferentialAction::NoAction {
            continue;
        }
        if from == to {
            return true;
        }
        // Only what hangs together with the new edge is looked at.
        let mut down: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        let own = object.table().map(|t| t.foreign_keys.as_slice()).unwrap_or_default();
        let mut edges = |id: i32| -> Vec<i32> {
            down.entry(id)
                .or_insert_with(|| {
                    let mut out = Vec::new();
                    for other in database.referencing(id).filter(|o| o.object_id != to) {
                        let keys = other.table().map(|t| t.foreign_keys.as_slice()).unwrap_or_default();
                        for k in keys {
                            if k.referenced_object_id == id && action(k) != ReferentialAction::NoAction {
                                out.push(other.object_id);
                            }
                        }
                    }
                    for k in own {
                        if k.referenced_object_id == id && action(k) != ReferentialAction::NoAction {
                            out.push(to);
                        }
                    }
                    out
                })
                .clone()
        };
        let mut reach = |start: i32| -> BTreeSet<i32> {
            let mut seen = BTreeSet::from([start]);
            let mut todo = vec![start];
            while let Some(id) = todo.pop() {
                for next in edges(id) {
                    if seen.insert(next) {
                        todo.push(next);
                    }
                }
            }
            seen
        };
        let below = reach(to);
        if below.contains(&from) {
            return true;
        }
        // Every table above `from`, and `from` itself, must not reach `below` another way.
        let mut above = BTreeSet::from([from]);
        let mut todo = vec![from];
        while let Some(id) = todo.pop() {
            let keys: Vec<ForeignKey> =
                database.object(id).and_then(|o| o.table()).map(|t| t.foreign_keys.clone()).unwrap_or_default();
            for k in keys {
                if action(&k) != ReferentialAction::NoAction && above.insert(k.referenced_object_id) {
                    todo.push(k.referenced_object_id);
                }
            }
        }
        if above.iter().any(|id| !reach(*id).is_disjoint(&below)) {
            return true;
        }
    }
    false
}
