//! System procedures that change the catalogue: extended properties, sp_rename, table options, bindings, roles, options.

use crate::sandbox::ddl::ast::{AlterRole, ObjectName};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, not_permitted};
use crate::sandbox::ddl::hooks::Hooks;
use crate::sandbox::meta::Catalogue;
use crate::sandbox::meta::names::parts;
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
pub(super) struct Given<'a> {
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
    pub(super) fn value(&self, name: &str) -> Option<&(Value, u16, Option<SqlType>)> {
        let at = self.parameters.iter().position(|p| *p == name)?;
        self.values[at].as_ref()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.value(name).and_then(|(v, page, _)| text_of(v, *page))
    }

    pub(super) fn need(&self, procedure: &str, name: &str) -> DdlResult<String> {
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

/// The type of a value that came without one.
pub(super) fn type_of(value: &Value, collation: &str) -> SqlType {
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
