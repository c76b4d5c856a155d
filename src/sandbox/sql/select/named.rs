//! What a name in FROM stands for: a table, a view, a common table expression, a table variable, a catalogue view.

use std::cell::RefCell;
use std::rc::Rc;

use crate::sandbox::sql::bind::{Binder, Scope, ScopeColumn};
use crate::sandbox::sql::error::{self, SqlError, SqlResult};
use crate::sandbox::sql::plan::{self, Place, Plan, TableScan};
use crate::sandbox::sql::{dml, module, types};

use super::{OutColumn, derived_columns, scope_column};

impl Binder<'_> {
    /// A derived table: held when it does not depend on anything, streamed when it is simple.
    pub(super) fn shared_plan(&mut self, plan: Plan) -> Plan {
        if plan.depends() || !heavy(&plan) {
            return plan;
        }
        let id = self.number();
        Plan::Shared { id, plan: Rc::new(plan) }
    }

    /// A table, view, common table expression or table variable by name.
    pub fn named_table(&mut self, parts: &[String], alias: Option<&str>) -> SqlResult<(Plan, Scope)> {
        let shown = parts.join(".");
        let last = parts.last().cloned().unwrap_or_default();
        let called = alias.unwrap_or(&last).to_string();
        if parts.len() == 1 {
            let same = |a: &str, b: &str| self.session.same_name(self.database, a, b);
            if let Some(cte) = self.ctes.iter().rev().find(|c| same(&c.name, &last)) {
                let columns = cte.columns.iter().map(|c| ScopeColumn { table: called.clone(), ..c.clone() }).collect();
                return Ok((cte.plan.clone(), Scope { columns }));
            }
            if last.starts_with('@') {
                let lower = last.to_lowercase();
                let variables = self.session.variables.borrow();
                let table = variables.get(&lower).and_then(|v| v.table.clone()).ok_or_else(|| {
                    SqlError::batch(1087, 1, 15, format!("Must declare the table variable \"{last}\"."))
                })?;
                let columns = table.columns.iter().enumerate().map(|(i, c)| scope_column(c, &called, i)).collect();
                return Ok((Plan::Held(table.rows.clone()), Scope { columns }));
            }
        }
        let found = self.session.resolve(self.database, parts)?;
        use crate::sandbox::sql::session::Resolved;
        match found {
            Some(Resolved::Table { database, schema, object }) => {
                self.databases.insert(database);
                self.reads_tables = true;
                let (mut scan, mut scope) = self.scan(database, &schema, object, alias)?;
                let marked = self.mark.as_ref().is_some_and(|(name, id)| {
                    *id == scan.object.object_id && (self.session.same_name(database, name, &called) || alias.is_none())
                });
                if marked {
                    self.mark = None;
                    scan.with_id = true;
                    let mut id = scope_column(
                        &OutColumn {
                            name: dml::ROW_ID.into(),
                            ty: types::bigint(),
                            nullable: false,
                            flags: 0,
                            user_type: 0,
                        },
                        &called,
                        scope.columns.len(),
                    );
                    id.hidden = true;
                    scope.columns.push(id);
                }
                Ok((Plan::Table(Box::new(scan)), scope))
            }
            Some(Resolved::View { database, schema, object }) => {
                let definition =
                    object.view().and_then(|m| m.definition.clone()).ok_or_else(|| error::unsupported("ENCRYPTION"))?;
                let (names, query) = module::view_query(&definition)?;
                // A view sees its own database and nothing of this query.
                let mut inner = Binder::new(self.session, database);
                inner.depth = self.depth + 1;
                std::mem::swap(&mut inner.databases, &mut self.databases);
                let next = self.number();
                for _ in 0..next {
                    inner.number();
                }
                let bound = inner.query(&query);
                std::mem::swap(&mut inner.databases, &mut self.databases);
                self.reads_tables |= inner.reads_tables;
                let upto = inner.number();
                while self.number() < upto {}
                let bound = bound.map_err(|e| {
                    if e.number == 208 || e.number == 207 {
                        SqlError::batch(
                            4413,
                            1,
                            16,
                            format!("Could not use view or function '{shown}' because of binding errors."),
                        )
                        .after(e)
                    } else {
                        e
                    }
                })?;
                let mut columns = derived_columns(&bound, &called, &names)?;
                for c in &mut columns {
                    c.full = alias.is_none().then(|| (database, schema.clone(), object.name.clone()));
                }
                let plan = self.shared_plan(bound.plan);
                Ok((plan, Scope { columns }))
            }
            Some(Resolved::Virtual { database, schema, name, table }) => {
                let id = self.number();
                let columns = table
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(i, c)| ScopeColumn {
                        table: called.clone(),
                        full: alias.is_none().then(|| (database, schema.clone(), name.clone())),
                        name: c.name.clone(),
                        ty: c.ty.clone(),
                        nullable: c.flags & 1 != 0,
                        flags: c.flags,
                        user_type: c.user_type,
                        hidden: false,
                        used: Some((table.used.clone(), i)),
                        index: i,
                    })
                    .collect();
                Ok((Plan::Virtual { id, database, table }, Scope { columns }))
            }
            None => Err(error::invalid_object(&shown)),
        }
    }

    /// A scan of a table and the names of its columns.
    pub fn scan(
        &mut self,
        database: i32,
        schema: &str,
        object: std::sync::Arc<crate::sandbox::meta::Object>,
        alias: Option<&str>,
    ) -> SqlResult<(TableScan, Scope)> {
        let Some(table) = object.table() else { return Err(error::invalid_object(&object.name)) };
        let called = alias.unwrap_or(&object.name).to_string();
        let used = Rc::new(RefCell::new(vec![false; table.columns.len()]));
        let mut places = Vec::new();
        let mut stored = 0;
        let mut columns = Vec::new();
        for (i, c) in table.columns.iter().enumerate() {
            places.push(if c.stored() {
                stored += 1;
                Place::Stored(stored - 1)
            } else {
                Place::Nothing
            });
            let mut flags = if c.nullable { 9 } else { 8 };
            if c.identity.is_some() {
                flags = 16 | u16::from(c.nullable);
            } else if c.computed.is_some() {
                flags = 32 | u16::from(c.nullable);
            } else if c.ty.base == crate::sandbox::value::Base::RowVersion {
                flags = u16::from(c.nullable);
            }
            columns.push(ScopeColumn {
                table: called.clone(),
                full: alias.is_none().then(|| (database, schema.to_string(), object.name.clone())),
                name: c.name.clone(),
                ty: c.ty.clone(),
                nullable: c.nullable,
                flags,
                user_type: if c.user_type_id == 256 { 256 } else { 0 },
                hidden: c.hidden,
                used: Some((used.clone(), i)),
                index: i,
            });
        }
        let scope = Scope { columns };
        // Computed columns that are not stored are worked out over the row.
        for (i, c) in table.columns.iter().enumerate() {
            if let (Some(computed), false) = (&c.computed, c.stored()) {
                let mut own = scope.clone();
                own.columns.iter_mut().for_each(|c| c.used = None);
                let e = module::expression(&computed.definition)?;
                let scopes = std::mem::replace(&mut self.scopes, vec![own]);
                let grouping = self.grouping.take();
                let bound = self.value(&e);
                self.grouping = grouping;
                self.scopes = scopes;
                places[i] = Place::Computed(Box::new(bound?.cast(&c.ty)));
            }
        }
        let form = Rc::new(plan::row_form(table));
        let scan = TableScan {
            database,
            object,
            form,
            columns: places,
            used,
            seek: None,
            order: None,
            filter: None,
            with_id: false,
        };
        Ok((scan, scope))
    }
}

/// Whether a derived table is worth being held: everything but a plain selection of a table.
fn heavy(plan: &Plan) -> bool {
    match plan {
        Plan::Table(_) | Plan::Virtual { .. } | Plan::Dual | Plan::Values(_) => false,
        Plan::Project { input, .. } | Plan::Filter { input, .. } | Plan::Cut { input, .. } => heavy(input),
        _ => true,
    }
}
