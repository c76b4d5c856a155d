//! Partition functions and schemes: metadata only, no row lies elsewhere for them.

use crate::sandbox::ddl::ast::{ObjectName, Statement};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, name_in_use};
use crate::sandbox::ddl::normal;
use crate::sandbox::meta::database::{PartitionFunction, PartitionScheme};
use crate::sandbox::meta::property::TypedValue;
use crate::sandbox::value::Value;

use super::Run;

impl Run<'_> {
    pub(super) fn partition(&mut self, statement: &Statement) -> DdlResult<()> {
        let database_id = self.target(&ObjectName::default())?;
        match statement {
            Statement::CreatePartitionFunction { name, ty, right, boundaries } => {
                self.allow_create(database_id, "ALTER ANY DATASPACE")?;
                let database = self.db(database_id)?.clone();
                if database.partition_functions.iter().any(|f| database.same(&f.name, name)) {
                    return Err(name_in_use(name, 2));
                }
                let resolved = super::types::resolve(&database, ty, None, 1)?;
                let now = self.now;
                let mut values = Vec::new();
                for boundary in boundaries {
                    values.push(self.hooks.literal(&database, &normal::definition(boundary), &resolved.ty)?);
                }
                // As the server does, whatever order they are written in.
                self.hooks.sort(&mut values, &resolved.ty);
                let boundaries = values.iter().map(|v| TypedValue::of(v, &resolved.ty)).collect();
                let database = self.shape(database_id)?;
                let id = database.new_other_id();
                database.partition_functions.push(PartitionFunction {
                    id,
                    name: name.clone(),
                    ty: resolved.ty,
                    right: *right,
                    boundaries,
                    created: now,
                    modified: now,
                });
                Ok(())
            }
            Statement::AlterPartitionFunction { name, split, boundary } => {
                let text = normal::definition(boundary);
                let database = self.db(database_id)?.clone();
                let Some(at) = database.partition_functions.iter().position(|f| database.same(&f.name, name)) else {
                    return Err(cannot_find("alter", "partition function", name));
                };
                let ty = database.partition_functions[at].ty.clone();
                let value = self.hooks.literal(&database, &text, &ty)?;
                let mut values: Vec<Value> = database.partition_functions[at]
                    .boundaries
                    .iter()
                    .map(|b| b.as_ref().and_then(TypedValue::variant).map_or(Value::Null, |v| v.value))
                    .collect();
                if *split {
                    values.push(value);
                    self.hooks.sort(&mut values, &ty);
                } else {
                    values.retain(|v| *v != value);
                }
                let now = self.now;
                let changed = self.shape(database_id)?;
                // A partition more or less: the schemes' next filegroup is used up, or the last one left over.
                let wanted = values.len() + 1;
                let id = changed.partition_functions[at].id;
                for scheme in changed.partition_schemes.iter_mut().filter(|s| s.function_id == id) {
                    if *split && scheme.destinations.len() < wanted {
                        return Err(DdlError::new(
                            7707,
                            1,
                            16,
                            format!(
                                "The associated partition function '{name}' generates more partitions than there are file \
                                 groups mentioned in the scheme '{}'.",
                                scheme.name
                            ),
                        ));
                    }
                    scheme.destinations.truncate(wanted);
                }
                let function = &mut changed.partition_functions[at];
                function.boundaries = values.iter().map(|v| TypedValue::of(v, &ty)).collect();
                function.modified = now;
                Ok(())
            }
            Statement::CreatePartitionScheme { name, function, all, to } => {
                self.allow_create(database_id, "ALTER ANY DATASPACE")?;
                let database = self.db(database_id)?.clone();
                let Some(found) = database.partition_functions.iter().find(|f| database.same(&f.name, function)) else {
                    // Assumption: which error a scheme over a function that is not there gets; no source at hand says.
                    return Err(DdlError::new(
                        7707,
                        1,
                        16,
                        format!(
                            "The associated partition function '{function}' generates more partitions than there are file groups mentioned in the scheme '{name}'."
                        ),
                    ));
                };
                if database.partition_schemes.iter().any(|s| database.same(&s.name, name))
                    || database.filegroups.iter().any(|g| database.same(&g.name, name))
                {
                    return Err(name_in_use(name, 1));
                }
                let mut destinations = Vec::new();
                for space in to {
                    destinations.push(self.data_space(database_id, space)?);
                }
                let partitions = found.boundaries.len() + 1;
                if *all {
                    let first = destinations.first().copied().unwrap_or(1);
                    // The one filegroup is the next one, too.
                    destinations = vec![first; partitions + 1];
                } else if destinations.len() < partitions {
                    return Err(DdlError::new(
                        7707,
                        1,
                        16,
                        format!(
                            "The associated partition function '{function}' generates more partitions than there are file \
                             groups mentioned in the scheme '{name}'."
                        ),
                    ));
                }
                let function_id = found.id;
                let database = self.shape(database_id)?;
                let data_space_id = database.new_data_space_id(true);
                database.partition_schemes.push(PartitionScheme {
                    data_space_id,
                    name: name.clone(),
                    function_id,
                    destinations,
                });
                Ok(())
            }
            Statement::AlterPartitionScheme { name, next_used } => {
                let space = match next_used {
                    Some(space) => Some(self.data_space(database_id, space)?),
                    None => None,
                };
                let database = self.db(database_id)?.clone();
                let Some(at) = database.partition_schemes.iter().position(|s| database.same(&s.name, name)) else {
                    return Err(cannot_find("alter", "partition scheme", name));
                };
                self.shape(database_id)?.partition_schemes[at].destinations.extend(space);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
