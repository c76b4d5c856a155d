//! Views of objects that are no tables: modules, types, sequences, synonyms, properties; and `sys.objects` itself.

use std::sync::Arc;

use super::cell::{number, typed};
use super::{Cell, Scan};
use crate::sandbox::meta::{Database, Kind, ModuleKind, Object, Stamp, UserTypeKind, events, types};
use crate::sandbox::value::SqlType;

/// What every object shows.
pub(super) struct Head<'a> {
    pub(super) id: i32,
    pub(super) name: &'a str,
    pub(super) schema: i32,
    pub(super) parent: i32,
    pub(super) principal: Option<i32>,
    pub(super) code: &'static str,
    pub(super) text: &'static str,
    pub(super) created: Stamp,
    pub(super) modified: Stamp,
    pub(super) shipped: bool,
}

impl Head<'_> {
    /// A column of `sys.objects`.
    pub(super) fn cell(&self, column: &str) -> Cell {
        match column {
            "name" => self.name.into(),
            "object_id" => self.id.into(),
            "principal_id" => self.principal.into(),
            "schema_id" => self.schema.into(),
            "parent_object_id" => self.parent.into(),
            "type" => self.code.into(),
            "type_desc" => self.text.into(),
            "create_date" => self.created.into(),
            "modify_date" => self.modified.into(),
            "is_ms_shipped" => self.shipped.into(),
            "is_published" | "is_schema_published" => false.into(),
            _ => Cell::Unsaid,
        }
    }
}

/// An object's head.
pub(super) fn head(o: &Object) -> Head<'_> {
    let (code, text) = o.type_code();
    Head {
        id: o.object_id,
        name: &o.name,
        schema: o.schema_id,
        parent: o.parent_object_id,
        principal: o.principal_id,
        code,
        text,
        created: o.created,
        modified: o.modified,
        shipped: false,
    }
}

/// `type_desc` of a constraint.
pub(super) fn constraint_type(code: &str) -> &'static str {
    match code {
        "PK" => "PRIMARY_KEY_CONSTRAINT",
        "UQ" => "UNIQUE_CONSTRAINT",
        "C " => "CHECK_CONSTRAINT",
        "D " => "DEFAULT_CONSTRAINT",
        "EC" => "EDGE_CONSTRAINT",
        _ => "FOREIGN_KEY_CONSTRAINT",
    }
}

/// A constraint's head.
pub(super) fn constraint_head<'a>(o: &Object, h: &'a crate::sandbox::meta::Head, code: &'static str) -> Head<'a> {
    let text = constraint_type(code);
    Head {
        id: h.object_id,
        name: &h.name,
        schema: o.schema_id,
        parent: o.object_id,
        principal: None,
        code,
        text,
        created: h.created,
        modified: h.modified,
        shipped: false,
    }
}

/// The name of the table behind a table type.
pub(super) fn type_table_name(name: &str, object_id: i32) -> String {
    let short: String = name.chars().take(100).collect();
    format!("TT_{short}_{object_id:08X}")
}

/// `sys.objects`: objects, constraints, and the tables of table types.
pub(super) fn objects(s: &mut Scan<'_, '_>) {
    let d = s.db();
    if let Some(only) = s.only
        && let Some(table) = d.table_of_constraint(only)
        && let Some(o) = d.object(table)
    {
        if s.sight.sees(d, o) {
            constraints_of(s, o);
        }
        return;
    }
    for o in s.objects() {
        // A DDL trigger is no schema's object.
        if o.module().and_then(|m| m.trigger.as_ref()).is_some_and(|t| t.on_database) {
            continue;
        }
        let h = head(o);
        s.row(&|column| h.cell(column));
        constraints_of(s, o);
    }
    super::broker::system_queues(s, false);
    for t in &d.types {
        let (UserTypeKind::Table(table), Some(id)) = (&t.kind, t.table_object_id) else { continue };
        let name = type_table_name(&t.name, id);
        let h = Head {
            id,
            name: &name,
            schema: crate::sandbox::meta::database::SYS_SCHEMA,
            parent: 0,
            principal: None,
            code: "TT",
            text: "TYPE_TABLE",
            created: t.created,
            modified: t.created,
            shipped: false,
        };
        s.row(&|column| h.cell(column));
        for (c, code) in table.constraints() {
            let text = constraint_type(code);
            let h = Head { id: c.object_id, name: &c.name, parent: id, code, text, ..h };
            s.row(&|column| h.cell(column));
        }
    }
}

fn constraints_of(s: &mut Scan<'_, '_>, o: &Object) {
    let table = o.table().or_else(|| o.module().and_then(|m| m.returns.as_deref()));
    let Some(table) = table else { return };
    for (c, code) in table.constraints() {
        let h = constraint_head(o, c, code);
        s.row(&|column| h.cell(column));
    }
}

/// The views of the system themselves, for `sys.all_objects`.
pub(super) fn system_views(s: &mut Scan<'_, '_>) {
    let product = s.source.server.product;
    let started = s.source.server.started;
    for v in super::all(product) {
        let schema = if v.schema == "sys" { 4 } else { 3 };
        let h = Head {
            id: v.object_id,
            name: v.name,
            schema,
            parent: 0,
            principal: None,
            code: "V ",
            text: "VIEW",
            created: started,
            modified: started,
            shipped: true,
        };
        s.row(&|column| h.cell(column));
    }
}

/// `sys.views`.
pub(super) fn views(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Some(m) = o.view() else { continue };
        let h = head(o);
        s.row(&|column| match column {
            "with_check_option" => m.check_option.into(),
            "is_replicated"
            | "has_replication_filter"
            | "is_tracked_by_cdc"
            | "has_snapshot"
            | "is_dropped_ledger_view" => false.into(),
            "ledger_view_type" => 0.into(),
            "ledger_view_type_desc" => "NON_LEDGER_VIEW".into(),
            other => h.cell(other),
        });
    }
}

/// `sys.procedures`.
pub(super) fn procedures(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        if o.module().is_none_or(|m| m.kind != ModuleKind::Procedure) {
            continue;
        }
        let h = head(o);
        s.row(&|column| match column {
            "is_auto_executed" | "is_execution_replicated" | "is_repl_serializable_only" | "skips_repl_constraints" => {
                false.into()
            }
            other => h.cell(other),
        });
    }
}

/// `sys.sql_modules` (facts 32 and 33).
pub(super) fn sql_modules(s: &mut Scan<'_, '_>) {
    let definitions = s.sight.definitions();
    for o in s.objects() {
        let Some(m) = o.module().filter(|m| m.clr.is_none()) else { continue };
        let scalar = m.kind == ModuleKind::ScalarFunction;
        s.row(&|column| match column {
            "object_id" => o.object_id.into(),
            "definition" if definitions => m.definition.as_ref().into(),
            "definition" => Cell::Null,
            "uses_ansi_nulls" => m.uses_ansi_nulls.into(),
            "uses_quoted_identifier" => m.uses_quoted_identifier.into(),
            "is_schema_bound" => m.schema_bound.into(),
            "uses_database_collation" => false.into(),
            "is_recompiled" => m.recompiled.into(),
            "null_on_null_input" => m.null_on_null_input.into(),
            "execute_as_principal_id" => m.execute_as.into(),
            "uses_native_compilation" => m.native.into(),
            // Assumption: scalar functions count as inlineable, nothing else does.
            "inline_type" | "is_inlineable" => scalar.into(),
            _ => Cell::Unsaid,
        });
    }
}

fn facets(ty: &SqlType, user_type_id: i32, column: &str) -> Option<Cell> {
    let (system, length, precision, scale) = types::facets(ty);
    Some(match column {
        "system_type_id" if user_type_id == 98 && system == 98 => 98.into(),
        "system_type_id" => system.into(),
        "user_type_id" => user_type_id.into(),
        "max_length" => length.into(),
        "precision" => precision.into(),
        "scale" => scale.into(),
        _ => return None,
    })
}

/// `sys.parameters`.
pub(super) fn parameters(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for o in s.objects() {
        let Some(m) = o.module() else { continue };
        for p in &m.parameters {
            // A table-valued parameter is of its type, system type 243.
            let table = d.user_type_by_id(p.user_type_id).is_some_and(|t| matches!(t.kind, UserTypeKind::Table(_)));
            s.row(&|column| match column {
                "object_id" => o.object_id.into(),
                "name" => (&p.name).into(),
                "parameter_id" => p.id.into(),
                "system_type_id" if table => 243.into(),
                "max_length" if table => (-1).into(),
                "is_output" => p.output.into(),
                "xml_collection_id" => p.xml_collection_id.into(),
                "is_xml_document" => p.xml_document.into(),
                "is_readonly" => p.readonly.into(),
                "has_default_value" => (m.clr.is_some() && p.has_default).into(),
                "default_value" => typed(p.default.as_ref()),
                "is_nullable" => true.into(),
                other => facets(&p.ty, p.user_type_id, other).unwrap_or(Cell::Unsaid),
            });
        }
    }
}

/// `sys.numbered_procedures`: those beyond the first of a group.
pub(super) fn numbered(s: &mut Scan<'_, '_>) {
    let definitions = s.sight.definitions();
    for o in s.objects() {
        for n in o.module().map(|m| m.numbered.as_slice()).unwrap_or_default() {
            s.row(&|column| match column {
                "object_id" => o.object_id.into(),
                "procedure_number" => n.number.into(),
                "definition" if definitions => n.definition.as_ref().into(),
                "definition" => Cell::Null,
                _ => Cell::Unsaid,
            });
        }
    }
}

/// `sys.numbered_procedure_parameters`.
pub(super) fn numbered_parameters(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        for n in o.module().map(|m| m.numbered.as_slice()).unwrap_or_default() {
            for p in &n.parameters {
                s.row(&|column| match column {
                    "object_id" => o.object_id.into(),
                    "procedure_number" => n.number.into(),
                    "name" => (&p.name).into(),
                    "parameter_id" => p.id.into(),
                    "is_output" => p.output.into(),
                    other => facets(&p.ty, p.user_type_id, other).unwrap_or(Cell::Unsaid),
                });
            }
        }
    }
}

/// `sys.triggers`.
pub(super) fn triggers(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Some(t) = o.module().and_then(|m| m.trigger.as_ref()) else { continue };
        let h = head(o);
        s.row(&|column| match column {
            "parent_class" => i32::from(!t.on_database).into(),
            "parent_class_desc" => if t.on_database { "DATABASE" } else { "OBJECT_OR_COLUMN" }.into(),
            "parent_id" => o.parent_object_id.into(),
            "is_disabled" => t.disabled.into(),
            "is_not_for_replication" => t.not_for_replication.into(),
            "is_instead_of_trigger" => t.instead_of.into(),
            other => h.cell(other),
        });
    }
}

/// `sys.trigger_events`: a group of events stands as each of its events.
pub(super) fn trigger_events(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Some(t) = o.module().and_then(|m| m.trigger.as_ref()) else { continue };
        for name in &t.events {
            let Some(event) = events::named(name) else { continue };
            let group = event.is_group().then_some(event);
            for single in events::within(event) {
                let ordered = |list: &[String]| list.iter().any(|e| e == single.name || e == name);
                s.row(&|column| match column {
                    "object_id" => o.object_id.into(),
                    "type" => single.number.into(),
                    "type_desc" => single.name.into(),
                    "is_first" => ordered(&t.first).into(),
                    "is_last" => ordered(&t.last).into(),
                    "event_group_type" => group.map(|g| g.number).into(),
                    "event_group_type_desc" => group.map(|g| g.name).into(),
                    "is_trigger_event" => true.into(),
                    _ => Cell::Unsaid,
                });
            }
        }
    }
}

/// `sys.sequences`.
pub(super) fn sequences(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Kind::Sequence(q) = &o.kind else { continue };
        let h = head(o);
        let last = q.counter.last();
        s.row(&|column| match column {
            "start_value" => number(&q.ty, q.start),
            "increment" => number(&q.ty, q.increment),
            "minimum_value" => number(&q.ty, q.minimum),
            "maximum_value" => number(&q.ty, q.maximum),
            "current_value" => number(&q.ty, last.unwrap_or(q.start)),
            "last_used_value" => last.map_or(Cell::Null, |l| number(&q.ty, l)),
            "is_cycling" => q.cycling.into(),
            "is_cached" => q.cached.into(),
            "cache_size" => q.cache_size.into(),
            "is_exhausted" => (!q.cycling
                && q.counter.peek(q.start, q.increment).is_none_or(|n| n > q.maximum || n < q.minimum))
            .into(),
            other => facets(&q.ty, q.user_type_id, other).unwrap_or_else(|| h.cell(other)),
        });
    }
}

/// `sys.synonyms`.
pub(super) fn synonyms(s: &mut Scan<'_, '_>) {
    for o in s.objects() {
        let Kind::Synonym { base } = &o.kind else { continue };
        let h = head(o);
        // Shown with every part in brackets.
        let shown = crate::sandbox::meta::names::parts(base).map_or_else(
            || base.clone(),
            |parts| {
                parts
                    .iter()
                    .map(|p| if p.is_empty() { String::new() } else { crate::sandbox::meta::names::bracket(p) })
                    .collect::<Vec<_>>()
                    .join(".")
            },
        );
        s.row(&|column| match column {
            "base_object_name" => (&shown).into(),
            other => h.cell(other),
        });
    }
}

/// `sys.sql_expression_dependencies`, by the names that texts mention.
pub(super) fn dependencies(s: &mut Scan<'_, '_>) {
    let d = s.db();
    for o in s.objects() {
        let Some(m) = o.module() else { continue };
        for (schema, name) in &m.references {
            let found = resolve(d, o, schema, name);
            // A first part that is no schema is an alias, not an object.
            if found.is_none() && !schema.is_empty() && d.schema(schema).is_none() {
                continue;
            }
            s.row(&|column| match column {
                "referencing_id" => o.object_id.into(),
                "referencing_class" | "referenced_class" => 1.into(),
                "referencing_class_desc" | "referenced_class_desc" => "OBJECT_OR_COLUMN".into(),
                "is_schema_bound_reference" => m.schema_bound.into(),
                "referenced_schema_name" if schema.is_empty() => Cell::Null,
                "referenced_schema_name" => schema.into(),
                "referenced_entity_name" => name.into(),
                "referenced_id" => found.as_ref().map(|f| f.object_id).into(),
                _ => Cell::Unsaid,
            });
        }
    }
}

fn resolve<'d>(d: &'d Database, o: &Object, schema: &str, name: &str) -> Option<&'d Arc<Object>> {
    if schema.is_empty() {
        return d.find(o.schema_id, name).or_else(|| d.find(1, name));
    }
    d.find(d.schema(schema)?.schema_id, name)
}

/// `sys.extended_properties`.
pub(super) fn extended_properties(s: &mut Scan<'_, '_>) {
    let d = s.db();
    let mut all: Vec<_> = d.properties.values().collect();
    all.sort_by(|a, b| (a.class, a.major_id, a.minor_id, &a.name).cmp(&(b.class, b.major_id, b.minor_id, &b.name)));
    for p in all {
        s.row(&|column| match column {
            "class" => p.class.into(),
            "class_desc" => match p.class {
                0 => "DATABASE",
                1 => "OBJECT_OR_COLUMN",
                2 => "PARAMETER",
                3 => "SCHEMA",
                4 => "DATABASE_PRINCIPAL",
                5 => "ASSEMBLY",
                15 => "MESSAGE_TYPE",
                16 => "SERVICE_CONTRACT",
                17 => "SERVICE",
                18 => "REMOTE_SERVICE_BINDING",
                19 => "ROUTE",
                6 => "TYPE",
                7 => "INDEX",
                8 => "USER_DEFINED_TABLE_TYPE_COLUMN",
                10 => "XML_SCHEMA_COLLECTION",
                20 => "DATASPACE",
                21 => "PARTITION_FUNCTION",
                22 => "DATABASE_FILE",
                _ => "",
            }
            .into(),
            "major_id" => p.major_id.into(),
            "minor_id" => p.minor_id.into(),
            "name" => (&p.name).into(),
            "value" => typed(p.value.as_ref()),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.xml_schema_collections`: the built-in one, and the users'.
pub(super) fn xml_collections(s: &mut Scan<'_, '_>) {
    let d = s.db();
    let started = s.source.server.started;
    s.row(&|column| match column {
        "xml_collection_id" => 1.into(),
        "schema_id" => 4.into(),
        "name" => "sys".into(),
        "create_date" | "modify_date" => started.into(),
        _ => Cell::Unsaid,
    });
    for c in &d.xml_collections {
        s.row(&|column| match column {
            "xml_collection_id" => c.id.into(),
            "schema_id" => c.schema_id.into(),
            "principal_id" => c.principal_id.into(),
            "name" => (&c.name).into(),
            "create_date" => c.created.into(),
            "modify_date" => c.modified.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.types`, `sys.table_types` ('t'), `sys.assembly_types` ('c'); built-in types are 'b', alias types 'a'.
pub(super) fn types(s: &mut Scan<'_, '_>, which: impl Fn(char) -> bool) {
    let d = s.db();
    for b in types::BUILT_IN {
        let clr = b.system_type_id == 240;
        if !which(if clr { 'c' } else { 'b' }) {
            continue;
        }
        let character = matches!(b.system_type_id, 35 | 99 | 167 | 175 | 231 | 239);
        s.row(&|column| match column {
            "name" => b.name.into(),
            "system_type_id" => b.system_type_id.into(),
            "user_type_id" => b.user_type_id.into(),
            "schema_id" => 4.into(),
            "max_length" => b.max_length.into(),
            "precision" => b.precision.into(),
            "scale" => b.scale.into(),
            "collation_name" if character => (&d.collation).into(),
            "is_nullable" => (!matches!(b.name, "sysname" | "timestamp")).into(),
            "is_assembly_type" => clr.into(),
            "assembly_id" => 1.into(),
            "assembly_class" => match b.name {
                "hierarchyid" => "Microsoft.SqlServer.Types.SqlHierarchyId",
                "geometry" => "Microsoft.SqlServer.Types.SqlGeometry",
                _ => "Microsoft.SqlServer.Types.SqlGeography",
            }
            .into(),
            _ => Cell::Unsaid,
        });
    }
    for t in &d.types {
        let kind = match t.kind {
            UserTypeKind::Alias { .. } => 'a',
            UserTypeKind::Table(_) => 't',
            UserTypeKind::Clr { .. } => 'c',
        };
        if !which(kind) {
            continue;
        }
        s.row(&|column| match column {
            "name" => (&t.name).into(),
            "user_type_id" => t.user_type_id.into(),
            "schema_id" => t.schema_id.into(),
            "principal_id" => t.principal_id.into(),
            "is_user_defined" => true.into(),
            "is_assembly_type" => (kind == 'c').into(),
            "is_table_type" => (kind == 't').into(),
            "default_object_id" => t.bound_default.unwrap_or(0).into(),
            "rule_object_id" => t.bound_rule.unwrap_or(0).into(),
            "type_table_object_id" => t.table_object_id.unwrap_or(0).into(),
            "is_memory_optimized" => t.memory_optimized.into(),
            other => match &t.kind {
                UserTypeKind::Alias { ty, nullable } => match other {
                    "is_nullable" => (*nullable).into(),
                    "collation_name" => ty.collation.as_ref().map(|c| c.name.as_str()).into(),
                    _ => facets(ty, t.user_type_id, other).unwrap_or(Cell::Unsaid),
                },
                UserTypeKind::Table(_) => match other {
                    "system_type_id" => 243.into(),
                    "max_length" => (-1).into(),
                    "is_nullable" => false.into(),
                    _ => Cell::Unsaid,
                },
                UserTypeKind::Clr { class, assembly } => match other {
                    "system_type_id" => 240.into(),
                    "max_length" => (-1).into(),
                    "is_nullable" => true.into(),
                    "assembly_class" => class.into(),
                    "assembly_id" => {
                        let found = d.external.assemblies.iter().find(|a| d.same(&a.name, assembly));
                        found.map_or(65_536, |a| a.id).into()
                    }
                    "assembly_qualified_name" => class.into(),
                    _ => Cell::Unsaid,
                },
            },
        });
    }
}
