//! System procedures that change the catalogue: extended properties, sp_rename, table options, bindings, roles, options.

use crate::sandbox::ddl::ast::{AlterRole, ObjectName};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, not_permitted};
use crate::sandbox::ddl::hooks::Hooks;
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::names::parts;
use crate::sandbox::meta::property::{ExtendedProperty, TypedValue};
use crate::sandbox::meta::{Catalogue, Kind};
use crate::sandbox::value::{Base, SqlType, Value};

use super::{Outcome, Run, Who, change};

/// An argument of a procedure.
#[derive(Debug, Clone)]
pub struct Argument {
    /// With its `@`; `None` when positional.
    pub name: Option<String>,
    /// The value; `None` for DEFAULT.
    pub value: Option<Value>,
    /// The code page of char data.
    pub code_page: u16,
    /// The value's type, where it is known.
    pub ty: Option<SqlType>,
}

/// The parameters of the procedures that live here, by name.
#[rustfmt::skip]
const PROCEDURES: &[(&str, &[&str])] = &[
    ("sp_addextendedproperty", &["name", "value", "level0type", "level0name", "level1type", "level1name", "level2type", "level2name"]),
    ("sp_updateextendedproperty", &["name", "value", "level0type", "level0name", "level1type", "level1name", "level2type", "level2name"]),
    ("sp_dropextendedproperty", &["name", "level0type", "level0name", "level1type", "level1name", "level2type", "level2name"]),
    ("sp_rename", &["objname", "newname", "objtype"]),
    ("sp_renamedb", &["dbname", "newname"]),
    ("sp_tableoption", &["TableNamePattern", "OptionName", "OptionValue"]),
    ("sp_bindefault", &["defname", "objname", "futureonly"]),
    ("sp_bindrule", &["rulename", "objname", "futureonly"]),
    ("sp_unbindefault", &["objname", "futureonly"]),
    ("sp_unbindrule", &["objname", "futureonly"]),
    ("sp_addrolemember", &["rolename", "membername"]),
    ("sp_droprolemember", &["rolename", "membername"]),
    ("sp_addrole", &["rolename", "ownername"]),
    ("sp_addsrvrolemember", &["loginame", "rolename"]),
    ("sp_changedbowner", &["loginame", "map"]),
    ("sp_settriggerorder", &["triggername", "order", "stmttype", "namespace"]),
    ("sp_configure", &["configname", "configvalue"]),
    ("sp_refreshview", &["viewname"]),
    ("sp_refreshsqlmodule", &["name", "namespace"]),
    ("sp_updatestats", &["resample"]),
    ("sp_fulltext_database", &["action"]),
    ("sp_dbcmptlevel", &["dbname", "new_cmptlevel"]),
];

/// 15600.
fn bad_parameter(procedure: &str) -> DdlError {
    let text = format!("An invalid parameter or option was specified for procedure 'sys.{procedure}'.");
    DdlError::new(15600, 1, 15, text)
}

/// Whether a procedure of this name (without schema) is executed here.
pub fn known(name: &str) -> bool {
    PROCEDURES.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
}

/// Executes a procedure.
pub fn execute(
    name: &str,
    arguments: &[Argument],
    who: &Who,
    catalogue: &Catalogue,
    hooks: &mut dyn Hooks,
) -> DdlResult<Outcome> {
    let (name, parameters) = PROCEDURES
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .ok_or_else(|| DdlError::new(2812, 62, 16, format!("Could not find stored procedure '{name}'.")))?;
    let given = bind(name, parameters, arguments)?;
    let mut outcome = change(who, catalogue, hooks, |run| {
        run.procedure(name, &given)?;
        Ok(224)
    })
    .map_err(|mut e| {
        for m in &mut e.messages {
            m.procedure = (*name).to_string();
        }
        e
    })?;
    for message in &mut outcome.messages {
        message.procedure = (*name).to_string();
    }
    Ok(outcome)
}

/// Arguments by parameter.
struct Given<'a> {
    parameters: &'a [&'static str],
    values: Vec<Option<(Value, u16, Option<SqlType>)>>,
}

fn bind<'a>(procedure: &str, parameters: &'a [&'static str], arguments: &[Argument]) -> DdlResult<Given<'a>> {
    let mut values = vec![None; parameters.len()];
    for (n, argument) in arguments.iter().enumerate() {
        let at = match &argument.name {
            Some(name) => {
                let bare = name.trim_start_matches('@');
                parameters.iter().position(|p| p.eq_ignore_ascii_case(bare)).ok_or_else(|| {
                    DdlError::new(8145, 1, 16, format!("{name} is not a parameter for procedure {procedure}."))
                })?
            }
            None => n,
        };
        let slot = values.get_mut(at).ok_or_else(|| {
            DdlError::new(8144, 2, 16, format!("Procedure or function {procedure} has too many arguments specified."))
        })?;
        *slot = argument.value.clone().map(|v| (v, argument.code_page, argument.ty.clone()));
    }
    Ok(Given { parameters, values })
}

fn decode(bytes: &[u8], code_page: u16) -> String {
    let encoding = match code_page {
        65001 => encoding_rs::UTF_8,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        874 => encoding_rs::WINDOWS_874,
        page => {
            encoding_rs::Encoding::for_label(format!("windows-{page}").as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
        }
    };
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// Character data as text.
pub fn text_of(value: &Value, code_page: u16) -> Option<String> {
    match value {
        Value::Char(bytes) => Some(decode(bytes, code_page)),
        Value::NChar(bytes) => {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|p| u16::from_le_bytes([p[0], p[1]])).collect();
            Some(String::from_utf16_lossy(&units))
        }
        Value::Int(n) => Some(n.to_string()),
        Value::BigInt(n) => Some(n.to_string()),
        Value::SmallInt(n) => Some(n.to_string()),
        Value::TinyInt(n) => Some(n.to_string()),
        Value::Bit(b) => Some(u8::from(*b).to_string()),
        Value::Decimal { negative, magnitude, scale, .. } => {
            let mut digits = magnitude.to_string();
            if *scale > 0 {
                let scale = usize::from(*scale);
                if digits.len() <= scale {
                    digits = format!("{}{digits}", "0".repeat(scale + 1 - digits.len()));
                }
                digits.insert(digits.len() - scale, '.');
            }
            Some(if *negative { format!("-{digits}") } else { digits })
        }
        Value::Variant(v) => {
            let page = v.ty.collation.as_ref().map_or(code_page, |c| c.code_page);
            text_of(&v.value, page)
        }
        _ => None,
    }
}

impl Given<'_> {
    fn value(&self, name: &str) -> Option<&(Value, u16, Option<SqlType>)> {
        let at = self.parameters.iter().position(|p| *p == name)?;
        self.values[at].as_ref()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.value(name).and_then(|(v, page, _)| text_of(v, *page))
    }

    fn need(&self, procedure: &str, name: &str) -> DdlResult<String> {
        self.text(name).ok_or_else(|| {
            DdlError::new(
                201,
                4,
                16,
                format!("Procedure or function '{procedure}' expects parameter '@{name}', which was not supplied."),
            )
        })
    }
}

impl Run<'_> {
    fn procedure(&mut self, procedure: &str, given: &Given<'_>) -> DdlResult<()> {
        match procedure {
            "sp_addextendedproperty" | "sp_updateextendedproperty" | "sp_dropextendedproperty" => {
                self.extended_property(procedure, given)
            }
            "sp_rename" => {
                let (name, new) = (given.need(procedure, "objname")?, given.need(procedure, "newname")?);
                self.rename(&name, &new, given.text("objtype").as_deref())
            }
            "sp_renamedb" => {
                let (name, new) = (given.need(procedure, "dbname")?, given.need(procedure, "newname")?);
                self.rename(&name, &new, Some("DATABASE"))
            }
            "sp_tableoption" => self.table_option(procedure, given),
            "sp_bindefault" | "sp_bindrule" | "sp_unbindefault" | "sp_unbindrule" => self.bind_to(procedure, given),
            "sp_addrolemember" => {
                let role = given.need(procedure, "rolename")?;
                self.alter_role(&role, &AlterRole::Add(given.need(procedure, "membername")?))
            }
            "sp_droprolemember" => {
                let role = given.need(procedure, "rolename")?;
                self.alter_role(&role, &AlterRole::Drop(given.need(procedure, "membername")?))
            }
            "sp_addrole" => self.security(&crate::sandbox::ddl::ast::Statement::CreateRole {
                name: given.need(procedure, "rolename")?,
                authorization: given.text("ownername"),
                server: false,
            }),
            "sp_addsrvrolemember" => self.security(&crate::sandbox::ddl::ast::Statement::AlterRole {
                name: given.need(procedure, "rolename")?,
                action: AlterRole::Add(given.need(procedure, "loginame")?),
                server: true,
            }),
            "sp_changedbowner" => {
                let name = self.db(self.who.database_id)?.name.clone();
                self.security(&crate::sandbox::ddl::ast::Statement::AlterAuthorization {
                    class: "DATABASE".into(),
                    object: ObjectName { name, ..ObjectName::default() },
                    to: Some(given.need(procedure, "loginame")?),
                })
            }
            "sp_settriggerorder" => self.trigger_order(procedure, given),
            "sp_configure" => self.configure(given),
            "sp_dbcmptlevel" => {
                let name = given.need(procedure, "dbname")?;
                let level = given.need(procedure, "new_cmptlevel")?.parse().unwrap_or(150);
                let id = self
                    .server
                    .database(&name)
                    .map(|d| d.database_id)
                    .ok_or_else(|| crate::sandbox::ddl::error::no_database(&name))?;
                self.shape(id)?.options.compatibility_level = level;
                Ok(())
            }
            // Nothing to refresh: columns are worked out when a view is made.
            _ => Ok(()),
        }
    }

    fn extended_property(&mut self, procedure: &str, given: &Given<'_>) -> DdlResult<()> {
        let name = given.need(procedure, "name")?;
        let mut levels: Vec<(String, String)> = Vec::new();
        for level in ["0", "1", "2"] {
            let (kind, named) = (given.text(&format!("level{level}type")), given.text(&format!("level{level}name")));
            if let (Some(kind), Some(named)) = (kind, named) {
                levels.push((kind.to_uppercase(), named));
            }
        }
        let database_id = self.target(&ObjectName::default())?;
        let shown = levels.iter().map(|(_, n)| n.as_str()).collect::<Vec<_>>().join(".");
        let on = if shown.is_empty() { "object specified".to_string() } else { shown };
        let (class, major, minor) = self.property_target(database_id, &levels).ok_or_else(|| {
            DdlError::new(
                15135,
                8,
                16,
                format!(
                    "Object is invalid. Extended properties are not permitted on '{on}', or the object does not exist."
                ),
            )
        })?;
        let database = self.db(database_id)?;
        if !rights::is_owner(self.server, database, &self.who.login)
            && !rights::has_database(self.server, database, &self.who.login, "CREATE TABLE")
        {
            return Err(not_permitted());
        }
        let key = (class, major, minor, database.fold(&name));
        let exists = database.properties.contains(&key);
        match procedure {
            "sp_addextendedproperty" if exists => {
                return Err(DdlError::new(
                    15233,
                    1,
                    16,
                    format!("Property cannot be added. Property '{name}' already exists for '{on}'."),
                ));
            }
            "sp_updateextendedproperty" | "sp_dropextendedproperty" if !exists => {
                return Err(DdlError::new(
                    15217,
                    2,
                    16,
                    format!("Property cannot be updated or deleted. Property '{name}' does not exist for '{on}'."),
                ));
            }
            _ => {}
        }
        let value = match given.value("value") {
            Some((value, _, ty)) => {
                let ty = ty.clone().unwrap_or_else(|| type_of(value, &database.collation));
                TypedValue::of(value, &ty)
            }
            None => None,
        };
        let database = self.shape(database_id)?;
        if procedure == "sp_dropextendedproperty" {
            database.properties.remove(&key);
        } else {
            let property = ExtendedProperty { class, major_id: major, minor_id: minor, name, value };
            database.properties.insert(key, std::sync::Arc::new(property));
        }
        Ok(())
    }

    /// Class, major and minor id of the levels.
    fn property_target(&self, database_id: i32, levels: &[(String, String)]) -> Option<(u8, i32, i32)> {
        let database = self.db(database_id).ok()?;
        let [(kind0, name0), rest @ ..] = levels else { return Some((0, 0, 0)) };
        match kind0.as_str() {
            "SCHEMA" | "USER" => {}
            "FILEGROUP" => {
                let found = database.filegroups.iter().find(|g| database.same(&g.name, name0))?;
                if let Some((kind1, name1)) = rest.first() {
                    let file = database.files.iter().find(|f| database.same(&f.name, name1))?;
                    return (kind1 == "LOGICAL FILE NAME").then_some((22, file.file_id, 0));
                }
                return Some((20, found.data_space_id, 0));
            }
            "PARTITION SCHEME" => {
                let found = database.partition_schemes.iter().find(|s| database.same(&s.name, name0))?;
                return Some((20, found.data_space_id, 0));
            }
            "ASSEMBLY" => {
                let found = database.external.assemblies.iter().find(|a| database.same(&a.name, name0))?;
                return Some((5, found.id, 0));
            }
            "MESSAGE TYPE" => {
                return database.broker.message_types.iter().find(|m| m.name == *name0).map(|m| (15, m.id, 0));
            }
            "CONTRACT" => return database.broker.contracts.iter().find(|m| m.name == *name0).map(|m| (16, m.id, 0)),
            "SERVICE" => return database.broker.services.iter().find(|m| m.name == *name0).map(|m| (17, m.id, 0)),
            "REMOTE SERVICE BINDING" => {
                return database.broker.bindings.iter().find(|m| m.name == *name0).map(|m| (18, m.id, 0));
            }
            "ROUTE" => return database.broker.routes.iter().find(|m| m.name == *name0).map(|m| (19, m.id, 0)),
            "PARTITION FUNCTION" => {
                let found = database.partition_functions.iter().find(|f| database.same(&f.name, name0))?;
                return Some((21, found.id, 0));
            }
            "TRIGGER" => {
                let found = database.objects().find(|o| {
                    database.same(&o.name, name0)
                        && o.module().and_then(|m| m.trigger.as_ref()).is_some_and(|t| t.on_database)
                })?;
                return Some((1, found.object_id, 0));
            }
            _ => return None,
        }
        if rest.is_empty() {
            if kind0 == "USER"
                && let Some(principal) = database.principal(name0)
            {
                return Some((4, principal.principal_id, 0));
            }
            return database.schema(name0).map(|s| (3, s.schema_id, 0));
        }
        let schema_id = database.schema(name0)?.schema_id;
        let (kind1, name1) = &rest[0];
        match kind1.as_str() {
            "TYPE" | "TABLE_TYPE" => {
                let found = database.user_type(schema_id, name1)?;
                return match rest.get(1) {
                    None => Some((6, found.user_type_id, 0)),
                    Some((kind2, name2)) if kind2 == "COLUMN" => match &found.kind {
                        crate::sandbox::meta::UserTypeKind::Table(t) => {
                            t.find_column(name2, database.ignore_case).map(|c| (8, found.user_type_id, c.id))
                        }
                        _ => None,
                    },
                    Some(_) => None,
                };
            }
            "XML SCHEMA COLLECTION" => return database.xml_collection(schema_id, name1).map(|c| (10, c.id, 0)),
            _ => {}
        }
        let object = database.find(schema_id, name1)?;
        let fits = matches!(
            (kind1.as_str(), &object.kind),
            ("TABLE", Kind::Table(_))
                | ("SYNONYM", Kind::Synonym { .. })
                | ("SEQUENCE", Kind::Sequence(_))
                | ("QUEUE", Kind::Queue(_))
                | ("VIEW" | "PROCEDURE" | "FUNCTION" | "DEFAULT" | "RULE" | "AGGREGATE", Kind::Module(_))
        );
        if !fits {
            return None;
        }
        let Some((kind2, name2)) = rest.get(1) else { return Some((1, object.object_id, 0)) };
        match kind2.as_str() {
            "COLUMN" => {
                let id = match &object.kind {
                    Kind::Table(t) => t.find_column(name2, database.ignore_case)?.id,
                    Kind::Module(m) => {
                        i32::try_from(m.columns.iter().position(|c| database.same(&c.name, name2))? + 1).ok()?
                    }
                    _ => return None,
                };
                Some((1, object.object_id, id))
            }
            "INDEX" => {
                let indexes = match &object.kind {
                    Kind::Table(t) => &t.indexes,
                    Kind::Module(m) => &m.indexes,
                    _ => return None,
                };
                let index = indexes.iter().find(|i| database.same(&i.name, name2))?;
                Some((7, object.object_id, index.index_id))
            }
            "CONSTRAINT" => {
                let (head, _) = object.table()?.constraints().find(|(h, _)| database.same(&h.name, name2))?;
                Some((1, head.object_id, 0))
            }
            "TRIGGER" => {
                let found = database.triggers_of(object.object_id).find(|t| database.same(&t.name, name2))?;
                Some((1, found.object_id, 0))
            }
            "PARAMETER" => {
                let parameter = object.module()?.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(name2))?;
                Some((2, object.object_id, parameter.id))
            }
            _ => None,
        }
    }

    /// sp_rename (fact 61): the names change, texts and references do not (fact 32).
    fn rename(&mut self, name: &str, new: &str, kind: Option<&str>) -> DdlResult<()> {
        let upper = kind.map(str::to_uppercase);
        let ambiguous = |kind: &str| {
            DdlError::new(
                15248,
                1,
                11,
                format!("Either the parameter @objname is ambiguous or the claimed @objtype ({kind}) is wrong."),
            )
        };
        let said = upper.as_deref().unwrap_or("(null)").to_string();
        let mut pieces = parts(name).ok_or_else(|| ambiguous(&said))?;
        if upper.as_deref() == Some("DATABASE") {
            let last = pieces.pop().unwrap_or_default();
            let database = self.server.database(&last).cloned().ok_or_else(|| {
                DdlError::new(15010, 1, 16, format!("The database '{last}' does not exist. Supply a valid database name. To see available databases, use sys.databases."))
            })?;
            let power = self.server.login(&self.who.login).is_some_and(|l| l.is_sysadmin() || l.has_role("dbcreator"));
            if !power {
                return Err(not_permitted());
            }
            return self.rename_database(&database, new);
        }
        let database_id = self.target(&ObjectName::default())?;
        let database = self.db(database_id)?.clone();
        match upper.as_deref() {
            None | Some("OBJECT") => {
                let object = ObjectName {
                    name: pieces.pop().unwrap_or_default(),
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let schema_id = match &object.schema {
                    Some(s) => database.schema(s).map(|s| s.schema_id),
                    None => Some(rights::default_schema(self.server, &database, &self.who.login)),
                };
                let located = schema_id.and_then(|s| database.locate(s, &object.name).map(|l| (s, l)));
                let Some((schema_id, located)) = located else {
                    return Err(ambiguous("OBJECT"));
                };
                if database.locate(schema_id, new).is_some_and(|l| l.object_id != located.object_id) {
                    return Err(DdlError::new(
                        15335,
                        1,
                        11,
                        format!(
                            "Error: The new name '{new}' is already in use as a OBJECT name and would cause a duplicate that \
                             is not permitted."
                        ),
                    ));
                }
                let owner = located.table_id.unwrap_or(located.object_id);
                let Some(found) = database.object(owner) else { return Err(ambiguous("OBJECT")) };
                self.allow(database_id, found, "ALTER", || ambiguous("OBJECT"))?;
                let mut changed = found.as_ref().clone();
                if located.table_id.is_some() {
                    rename_constraint(&mut changed, located.object_id, new);
                } else {
                    changed.name = new.to_string();
                }
                self.put(database_id, changed)?;
            }
            Some("COLUMN") => {
                let column = pieces.pop().unwrap_or_default();
                let object = ObjectName {
                    name: pieces.pop().ok_or_else(|| ambiguous("COLUMN"))?,
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let (database_id, found) = self.find(&object)?.ok_or_else(|| ambiguous("COLUMN"))?;
                self.allow(database_id, &found, "ALTER", || ambiguous("COLUMN"))?;
                let mut changed = found.as_ref().clone();
                let ci = database.ignore_case;
                let table = changed.table_mut().ok_or_else(|| ambiguous("COLUMN"))?;
                let id = table.find_column(&column, ci).map(|c| c.id).ok_or_else(|| ambiguous("COLUMN"))?;
                if table.find_column(new, ci).is_some_and(|c| c.id != id) {
                    return Err(DdlError::new(
                        15335,
                        1,
                        11,
                        format!(
                            "Error: The new name '{new}' is already in use as a COLUMN name and would cause a duplicate that \
                             is not permitted."
                        ),
                    ));
                }
                let old = table.column(id).map(|c| c.name.clone()).unwrap_or_default();
                let used = table.checks.iter().any(|c| c.columns.contains(&id))
                    || table.columns.iter().any(|c| {
                        c.computed.as_ref().is_some_and(|c| {
                            crate::sandbox::ddl::normal::parse(&c.definition, true)
                                .map(|e| {
                                    crate::sandbox::ddl::normal::columns(&e).iter().any(|n| database.same(n, &old))
                                })
                                .unwrap_or(false)
                        })
                    });
                if used {
                    return Err(DdlError::new(
                        15336,
                        1,
                        16,
                        format!(
                            "Object '{name}' cannot be renamed because the object participates in enforced dependencies."
                        ),
                    ));
                }
                if let Some(column) = table.column_mut(id) {
                    column.name = new.to_string();
                }
                self.put(database_id, changed)?;
            }
            Some("INDEX") => {
                let index = pieces.pop().unwrap_or_default();
                let object = ObjectName {
                    name: pieces.pop().ok_or_else(|| ambiguous("INDEX"))?,
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let (database_id, found) = self.find(&object)?.ok_or_else(|| ambiguous("INDEX"))?;
                let mut changed = found.as_ref().clone();
                let table = changed.table_mut().ok_or_else(|| ambiguous("INDEX"))?;
                let id = table
                    .indexes
                    .iter()
                    .find(|i| database.same(&i.name, &index))
                    .map(|i| i.index_id)
                    .ok_or_else(|| ambiguous("INDEX"))?;
                if let Some(i) = table.indexes.iter_mut().find(|i| i.index_id == id) {
                    i.name = new.to_string();
                }
                if let Some(key) = table.keys.iter_mut().find(|k| k.index_id == id) {
                    key.head.name = new.to_string();
                }
                self.put(database_id, changed)?;
            }
            Some("STATISTICS") => {
                let statistics = pieces.pop().unwrap_or_default();
                let object = ObjectName {
                    name: pieces.pop().ok_or_else(|| ambiguous("STATISTICS"))?,
                    schema: pieces.pop().filter(|s| !s.is_empty()),
                    database: None,
                };
                let (database_id, found) = self.find(&object)?.ok_or_else(|| ambiguous("STATISTICS"))?;
                let mut changed = found.as_ref().clone();
                let table = changed.table_mut().ok_or_else(|| ambiguous("STATISTICS"))?;
                let slot = table.statistics.iter_mut().find(|s| database.same(&s.name, &statistics));
                slot.ok_or_else(|| ambiguous("STATISTICS"))?.name = new.to_string();
                self.put(database_id, changed)?;
            }
            Some("USERDATATYPE") => {
                let last = pieces.pop().unwrap_or_default();
                let schema = pieces.pop().and_then(|s| database.schema(&s).map(|s| s.schema_id)).unwrap_or(1);
                let id = database
                    .user_type(schema, &last)
                    .map(|t| t.user_type_id)
                    .ok_or_else(|| ambiguous("USERDATATYPE"))?;
                let types = &mut self.shape(database_id)?.types;
                if let Some(t) = types.iter_mut().find(|t| t.user_type_id == id) {
                    std::sync::Arc::make_mut(t).name = new.to_string();
                }
            }
            Some(other) => {
                return Err(DdlError::new(
                    15249,
                    1,
                    11,
                    format!("Error: Explicit @objtype '{other}' is unrecognized."),
                ));
            }
        }
        self.info(15477, 1, "Caution: Changing any part of an object name could break scripts and stored procedures.");
        Ok(())
    }

    fn object_text(&self, name: &str) -> DdlResult<(ObjectName, Vec<String>)> {
        let mut pieces = parts(name).ok_or_else(|| cannot_find("find", "object", name))?;
        let last = pieces.pop().unwrap_or_default();
        let schema = pieces.last().cloned().filter(|s| !s.is_empty());
        Ok((ObjectName { name: last.clone(), schema, database: None }, {
            pieces.push(last);
            pieces
        }))
    }

    fn table_option(&mut self, procedure: &str, given: &Given<'_>) -> DdlResult<()> {
        let name = given.need(procedure, "TableNamePattern")?;
        let option = given.need(procedure, "OptionName")?.to_lowercase();
        let value = given.need(procedure, "OptionValue")?.to_lowercase();
        let (object, _) = self.object_text(&name)?;
        let (database_id, found) = self.find(&object)?.ok_or_else(|| {
            DdlError::new(
                15388,
                1,
                11,
                format!("There is no user table matching the input name '{name}' in the current database or you do not have permission to access the table."),
            )
        })?;
        let mut changed = found.as_ref().clone();
        let on = matches!(value.as_str(), "on" | "true" | "1");
        if let Some(table) = changed.table_mut() {
            match option.as_str() {
                "table lock on bulk load" => table.lock_on_bulk_load = on,
                "text in row" => {
                    table.text_in_row_limit = if on && value != "1" { 256 } else { value.parse().unwrap_or(0) };
                }
                "large value types out of row" => table.large_values_out_of_row = on,
                // No longer anything.
                "vardecimal storage format" => {}
                _ => return Err(bad_parameter(procedure)),
            }
        }
        self.put(database_id, changed).map(|_| ())
    }

    fn bind_to(&mut self, procedure: &str, given: &Given<'_>) -> DdlResult<()> {
        let name = given.need(procedure, "objname")?;
        let rule = procedure.ends_with("rule");
        let bound = if procedure.starts_with("sp_un") {
            None
        } else {
            let what = given.need(procedure, if rule { "rulename" } else { "defname" })?;
            let (object, _) = self.object_text(&what)?;
            let (_, found) = self.find(&object)?.ok_or_else(|| {
                DdlError::new(
                    15016,
                    1,
                    16,
                    format!("The {} '{what}' does not exist.", if rule { "rule" } else { "default" }),
                )
            })?;
            Some(found.object_id)
        };
        let (last, pieces) = self.object_text(&name)?;
        let database_id = self.target(&ObjectName::default())?;
        if pieces.len() >= 2 {
            let column = pieces[pieces.len() - 1].clone();
            let table = ObjectName {
                name: pieces[pieces.len() - 2].clone(),
                schema: pieces.len().checked_sub(3).map(|i| pieces[i].clone()),
                database: None,
            };
            if let Some((database_id, found)) = self.find(&table)? {
                let ci = self.db(database_id)?.ignore_case;
                let mut changed = found.as_ref().clone();
                if let Some(id) = changed.table().and_then(|t| t.find_column(&column, ci)).map(|c| c.id)
                    && let Some(column) = changed.table_mut().and_then(|t| t.column_mut(id))
                {
                    if rule {
                        column.bound_rule = bound
                    } else {
                        column.bound_default = bound
                    }
                    self.info(15511, 1, if rule { "Rule bound to table column." } else { "Default bound to column." });
                    return self.put(database_id, changed).map(|_| ());
                }
            }
        }
        let schema = match &last.schema {
            Some(schema) => self.schema_named(database_id, schema)?,
            None => 1,
        };
        let id = self.db(database_id)?.user_type(schema, &last.name).map(|t| t.user_type_id).ok_or_else(|| {
            DdlError::new(
                15148,
                1,
                16,
                format!("The data type or table column '{name}' does not exist or you do not have permission."),
            )
        })?;
        let types = &mut self.shape(database_id)?.types;
        if let Some(t) = types.iter_mut().find(|t| t.user_type_id == id) {
            let t = std::sync::Arc::make_mut(t);
            if rule { t.bound_rule = bound } else { t.bound_default = bound }
        }
        Ok(())
    }

    fn trigger_order(&mut self, procedure: &str, given: &Given<'_>) -> DdlResult<()> {
        let name = given.need(procedure, "triggername")?;
        let order = given.need(procedure, "order")?.to_lowercase();
        let event = given.need(procedure, "stmttype")?.to_uppercase();
        let (object, _) = self.object_text(&name)?;
        let (database_id, found) = self.find(&object)?.ok_or_else(|| {
            DdlError::new(15165, 1, 16, format!("Could not find object '{name}' or you do not have permission."))
        })?;
        let mut changed = found.as_ref().clone();
        if let Some(facts) = changed.module_mut().and_then(|m| m.trigger.as_mut()) {
            facts.first.retain(|e| *e != event);
            facts.last.retain(|e| *e != event);
            match order.as_str() {
                "first" => facts.first.push(event),
                "last" => facts.last.push(event),
                "none" => {}
                _ => return Err(bad_parameter("sp_settriggerorder")),
            }
        }
        self.put(database_id, changed).map(|_| ())
    }

    fn configure(&mut self, given: &Given<'_>) -> DdlResult<()> {
        let (Some(name), Some(value)) = (given.text("configname"), given.text("configvalue")) else { return Ok(()) };
        if !self.server.login(&self.who.login).is_some_and(|l| l.is_sysadmin() || l.has_role("serveradmin")) {
            return Err(not_permitted());
        }
        let Some(found) = CONFIGURATIONS.iter().find(|c| c.1.eq_ignore_ascii_case(&name)) else {
            return Err(DdlError::new(
                15123,
                1,
                16,
                format!("The configuration option '{name}' does not exist, or it may be an advanced option."),
            ));
        };
        let value: i32 = value.parse().unwrap_or(0);
        let used = self.server.configurations.get(&found.0).map_or(found.2, |c| c.1);
        self.server.configurations.insert(found.0, (value, used));
        self.info(
            15457,
            1,
            format!(
                "Configuration option '{}' changed from {used} to {value}. Run the RECONFIGURE statement to install.",
                found.1
            ),
        );
        Ok(())
    }
}

/// RECONFIGURE: what sp_configure set is in use.
pub fn reconfigure(catalogue: &Catalogue) {
    let _ = catalogue.change(|server| {
        for (value, used) in server.configurations.values_mut() {
            *used = *value;
        }
        Ok::<(), ()>(())
    });
}

/// Options of sp_configure that this server knows: id, name, value, minimum, maximum, dynamic, advanced.
#[rustfmt::skip]
pub const CONFIGURATIONS: &[(i32, &str, i32, i32, i32, bool, bool)] = &[
    (518, "show advanced options", 0, 0, 1, true, false),
    (1544, "max server memory (MB)", 2147483647, 128, 2147483647, true, true),
    (1539, "max degree of parallelism", 0, 0, 32767, true, true),
    (1538, "cost threshold for parallelism", 5, 0, 32767, true, true),
    (1562, "clr enabled", 0, 0, 1, true, false),
    (1579, "backup compression default", 0, 0, 1, true, false),
    (1576, "remote admin connections", 0, 0, 1, true, false),
    (16393, "contained database authentication", 0, 0, 1, true, false),
    (1580, "filestream access level", 0, 0, 2, true, false),
    (16390, "xp_cmdshell", 0, 0, 1, true, true),
];

fn rename_constraint(object: &mut crate::sandbox::meta::Object, id: i32, new: &str) {
    let Some(table) = object.table_mut() else { return };
    for key in table.keys.iter_mut().filter(|k| k.head.object_id == id) {
        key.head.name = new.to_string();
        let index_id = key.index_id;
        if let Some(index) = table.indexes.iter_mut().find(|i| i.index_id == index_id) {
            index.name = new.to_string();
        }
    }
    let heads = table
        .checks
        .iter_mut()
        .map(|c| &mut c.head)
        .chain(table.foreign_keys.iter_mut().map(|f| &mut f.head))
        .chain(table.columns.iter_mut().filter_map(|c| c.default.as_mut()).map(|d| &mut d.head));
    for head in heads.filter(|h| h.object_id == id) {
        head.name = new.to_string();
    }
}

/// The type of a value that came without one.
fn type_of(value: &Value, collation: &str) -> SqlType {
    let mut ty = super::types::plain(match value {
        Value::Bit(_) => Base::Bit,
        Value::TinyInt(_) => Base::TinyInt,
        Value::SmallInt(_) => Base::SmallInt,
        Value::Int(_) => Base::Int,
        Value::BigInt(_) => Base::BigInt,
        Value::Real(_) => Base::Real,
        Value::Float(_) => Base::Float,
        Value::Money(_) => Base::Money,
        Value::SmallMoney(_) => Base::SmallMoney,
        Value::Decimal { .. } => Base::Numeric,
        Value::Char(_) => Base::VarChar,
        Value::Binary(_) => Base::VarBinary,
        Value::Guid(_) => Base::UniqueIdentifier,
        Value::Date(_) => Base::Date,
        Value::Time { .. } => Base::Time,
        Value::DateTime { .. } => Base::DateTime,
        Value::SmallDateTime { .. } => Base::SmallDateTime,
        Value::DateTime2 { .. } => Base::DateTime2,
        Value::DateTimeOffset { .. } => Base::DateTimeOffset,
        _ => Base::NVarChar,
    });
    if let Value::Char(b) | Value::NChar(b) | Value::Binary(b) = value {
        ty.length = u32::try_from(b.len()).unwrap_or(0).max(1);
    }
    if super::types::is_character(ty.base) {
        ty.collation = crate::sandbox::collation::by_name(collation);
    }
    if let Value::Time { scale, .. } | Value::DateTime2 { scale, .. } | Value::DateTimeOffset { scale, .. } = value {
        ty.scale = *scale;
    }
    ty
}
