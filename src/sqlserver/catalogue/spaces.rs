//! File groups, partition functions and schemes; what lies where.

use std::collections::HashMap;

use super::database::filegroup;
use super::properties::converted;
use super::query::Rows;
use super::{Builder, grouped};
use crate::bacpac::model::{
    Filegroup, FilegroupSpecifier, Name, PartitionFunction, PartitionRange, PartitionScheme, PartitionValue, Reference,
    Script,
};

/// A data space of `sys.data_spaces`.
#[derive(Debug, Clone)]
pub(super) struct Space {
    name: String,
    kind: String,
    is_default: bool,
}

/// Where a table or an index lies, as far as it is not where everything lies.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub filegroup: Option<Reference>,
    pub scheme: Option<Reference>,
    pub column: Option<Reference>,
}

impl Space {
    pub(super) fn all(rows: &Rows) -> HashMap<i64, Space> {
        rows.of("sys.data_spaces")
            .filter_map(|r| {
                let kind = r.string("type").trim().to_owned();
                Some((
                    r.int("data_space_id")?,
                    Space { name: r.string("name"), kind, is_default: r.bool("is_default") },
                ))
            })
            .collect()
    }
}

impl Builder<'_> {
    /// The file group, where it is not the default one.
    pub(super) fn own_filegroup(&self, space: Option<i64>, kind: &str) -> Option<Reference> {
        let space = self.spaces.get(&space?)?;
        (space.kind == kind && !space.is_default).then(|| filegroup(&space.name))
    }

    /// Where an index of an object lies (0 is the heap).
    pub(super) fn place(&self, object: i64, index: i64, space: Option<i64>) -> Place {
        match space.and_then(|s| self.spaces.get(&s)) {
            Some(s) if s.kind == "PS" => {
                let column = self.partition_columns.get(&(object, index)).and_then(|c| self.column(object, Some(*c)));
                Place {
                    scheme: Some(Reference::to(&Name::one(s.name.as_str()))),
                    column: column.map(|c| Reference::to(&c)),
                    ..Place::default()
                }
            }
            Some(s) if s.kind == "FG" && s.is_default && self.lies_apart(object, index, space) => {
                Place { filegroup: Some(filegroup(&s.name)), ..Place::default() }
            }
            _ => Place { filegroup: self.own_filegroup(space, "FG"), ..Place::default() },
        }
    }

    /// Whether an index lies elsewhere than its table. Said of nothing, it would go where the table is: cut up as that is.
    fn lies_apart(&self, object: i64, index: i64, space: Option<i64>) -> bool {
        let (of_table, base) = self.base_space(object);
        index != of_table && base.is_some() && base != space
    }

    pub(super) fn data_spaces(&mut self) {
        let rows: Vec<_> = self.rows.of("sys.filegroups").collect();
        for r in rows {
            let (name, kind) = (r.string("name"), r.string("type"));
            if name == "PRIMARY" {
                continue;
            }
            self.made.push(
                Filegroup {
                    name: Name::one(name),
                    read_only: r.bool("is_read_only"),
                    file_stream: kind.trim() == "FD",
                    memory_optimized: kind.trim() == "FX",
                    ..Filegroup::default()
                }
                .into(),
            );
        }
        self.partition_functions();
        self.partition_schemes();
    }

    fn partition_functions(&mut self) {
        let parameters = grouped(self.rows, "sys.partition_parameters", "function_id");
        let values = grouped(self.rows, "sys.partition_range_values", "function_id");
        let rows: Vec<_> = self.rows.of("sys.partition_functions").filter(|r| !r.bool("is_system")).collect();
        for r in rows {
            let (Some(id), name) = (r.int("function_id"), Name::one(r.string("name"))) else { continue };
            let data_type = parameters
                .get(&id)
                .and_then(|p| p.iter().find(|p| p.int("parameter_id") == Some(1)))
                .and_then(|p| self.types.spec(p));
            let mut own = values.get(&id).cloned().unwrap_or_default();
            own.sort_by_key(|v| v.int("boundary_id"));
            let boundaries: Option<Vec<PartitionValue>> = own
                .iter()
                .map(|v| {
                    Some(PartitionValue {
                        value: Some(Script::new(converted(v, "value")?)),
                        ..PartitionValue::default()
                    })
                })
                .collect();
            let (Some(data_type), Some(boundaries)) = (data_type, boundaries) else {
                self.left_out("partition function (its boundaries cannot be told)", name);
                continue;
            };
            let right = r.bool("boundary_value_on_right");
            self.made.push(
                PartitionFunction {
                    name,
                    range: if right { PartitionRange::Right } else { PartitionRange::Left },
                    boundaries,
                    data_type: Some(data_type),
                    ..PartitionFunction::default()
                }
                .into(),
            );
        }
    }

    fn partition_schemes(&mut self) {
        let functions: HashMap<i64, String> = self
            .rows
            .of("sys.partition_functions")
            .filter_map(|r| Some((r.int("function_id")?, r.string("name"))))
            .collect();
        let destinations = grouped(self.rows, "sys.destination_data_spaces", "partition_scheme_id");
        let rows: Vec<_> = self.rows.of("sys.partition_schemes").filter(|r| !r.bool("is_system")).collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            let function = r.int("function_id").and_then(|f| functions.get(&f));
            let mut own = r.int("data_space_id").and_then(|id| destinations.get(&id)).cloned().unwrap_or_default();
            own.sort_by_key(|d| d.int("destination_id"));
            let groups: Option<Vec<&str>> =
                own.iter().map(|d| Some(self.spaces.get(&d.int("data_space_id")?)?.name.as_str())).collect();
            let (Some(function), Some(groups)) = (function, groups.filter(|g| !g.is_empty())) else {
                self.left_out("partition scheme", name);
                continue;
            };
            let all_to_one = groups.windows(2).all(|w| w[0] == w[1]);
            let shown = if all_to_one { &groups[..1] } else { &groups[..] };
            let filegroups = shown
                .iter()
                .map(|g| FilegroupSpecifier { filegroup: Some(filegroup(g)), ..FilegroupSpecifier::default() })
                .collect();
            let made = PartitionScheme {
                name,
                all_to_one,
                filegroups,
                function: Some(Reference::to(&Name::one(function.as_str()))),
                ..PartitionScheme::default()
            };
            self.made.push(made.into());
        }
    }
}
