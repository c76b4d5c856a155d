//! External data sources, file formats and tables, assemblies.

use crate::sandbox::ddl::ast::{ObjectName, Opt, TableDef};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, name_in_use};
use crate::sandbox::meta::external::{Assembly, DataSource, ExternalTable, FileFormat};
use crate::sandbox::meta::{Database, Kind};

use super::Run;
use super::table::Making;
use crate::sandbox::ddl::ast::said;

impl Run<'_> {
    pub(super) fn external_data_source(&mut self, name: &str, options: &[Opt], alter: bool) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY EXTERNAL DATA SOURCE")?;
        let database = self.db(database_id)?.clone();
        let at = database.external.sources.iter().position(|s| database.same(&s.name, name));
        let mut source = match (at, alter) {
            (Some(at), true) => database.external.sources[at].clone(),
            (None, false) => DataSource { name: name.into(), pushdown: true, ..DataSource::default() },
            (Some(_), false) => return Err(name_in_use(name, 1)),
            (None, true) => return Err(cannot_find("alter", "external data source", name)),
        };
        if let Some(kind) = said(options, "TYPE") {
            source.kind = kind.to_uppercase();
        }
        if let Some(location) = said(options, "LOCATION") {
            source.location = location;
        }
        for (slot, word) in [
            (&mut source.resource_manager, "RESOURCE_MANAGER_LOCATION"),
            (&mut source.database, "DATABASE_NAME"),
            (&mut source.shard_map, "SHARD_MAP_NAME"),
            (&mut source.connection_options, "CONNECTION_OPTIONS"),
        ] {
            if let Some(text) = said(options, word) {
                *slot = Some(text);
            }
        }
        if let Some(pushdown) = said(options, "PUSHDOWN") {
            source.pushdown = pushdown.eq_ignore_ascii_case("ON");
        }
        if let Some(credential) = said(options, "CREDENTIAL") {
            let found = database.keys.credentials.iter().find(|c| database.same(&c.name, &credential));
            source.credential_id = found.ok_or_else(|| cannot_find("find", "credential", &credential))?.id;
        }
        let changed = self.shape(database_id)?;
        match at {
            Some(at) => changed.external.sources[at] = source,
            None => {
                source.id = changed.new_other_id();
                changed.external.sources.push(source);
            }
        }
        Ok(())
    }

    pub(super) fn external_file_format(&mut self, name: &str, options: &[Opt]) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY EXTERNAL FILE FORMAT")?;
        let database = self.db(database_id)?.clone();
        if database.external.formats.iter().any(|f| database.same(&f.name, name)) {
            return Err(name_in_use(name, 1));
        }
        let inner = options.iter().find(|o| o.name == "FORMAT_OPTIONS").map(Opt::inner).unwrap_or_default();
        let kind = said(options, "FORMAT_TYPE").unwrap_or_default().to_uppercase();
        let delimited = kind == "DELIMITEDTEXT";
        let changed = self.shape(database_id)?;
        let id = changed.new_other_id();
        changed.external.formats.push(FileFormat {
            id,
            name: name.into(),
            field_terminator: said(inner, "FIELD_TERMINATOR").or_else(|| delimited.then(|| "|".into())),
            string_delimiter: said(inner, "STRING_DELIMITER"),
            date_format: said(inner, "DATE_FORMAT"),
            use_type_default: said(inner, "USE_TYPE_DEFAULT").is_some_and(|v| v.eq_ignore_ascii_case("TRUE")),
            serde_method: said(options, "SERDE_METHOD"),
            row_terminator: delimited.then(|| "\\n".into()),
            encoding: said(inner, "ENCODING").or_else(|| delimited.then(|| "UTF8".into())),
            compression: said(options, "DATA_COMPRESSION"),
            first_row: said(inner, "FIRST_ROW").and_then(|n| n.parse().ok()),
            kind,
        });
        Ok(())
    }

    pub(super) fn external_table(&mut self, name: &ObjectName, def: &TableDef, options: &[Opt]) -> DdlResult<()> {
        let database_id = self.target(name)?;
        self.allow_create(database_id, "CREATE TABLE")?;
        let database = self.db(database_id)?.clone();
        let schema_id = self.schema(database_id, name)?;
        self.free_name(database_id, schema_id, &name.name, 6)?;
        let source = said(options, "DATA_SOURCE").unwrap_or_default();
        let source_id = database.external.sources.iter().find(|s| database.same(&s.name, &source)).map(|s| s.id);
        let source_id = source_id.ok_or_else(|| cannot_find("find", "external data source", &source))?;
        let format_id = match said(options, "FILE_FORMAT") {
            None => 0,
            Some(format) => {
                let found = database.external.formats.iter().find(|f| database.same(&f.name, &format));
                found.ok_or_else(|| cannot_find("find", "external file format", &format))?.id
            }
        };
        let object = self.fresh(database_id, schema_id, &name.name, 0, Kind::Table(Box::default()))?;
        let mut object = self.fill_table(database_id, object, def, Making::Table)?;
        let distribution = options.iter().find(|o| o.name == "DISTRIBUTION");
        let sharded = distribution.and_then(|d| match &d.value {
            crate::sandbox::ddl::ast::OptValue::Name(_, inner) => inner.first().map(|o| o.name.clone()),
            _ => None,
        });
        let number = |name: &str| said(options, name).and_then(|n| n.parse::<f64>().ok());
        if let Some(table) = object.table_mut() {
            let sharding_column = sharded.and_then(|c| table.find_column(&c, true).map(|c| c.id));
            table.external = Some(ExternalTable {
                source_id,
                format_id,
                location: said(options, "LOCATION"),
                reject_type: said(options, "REJECT_TYPE").map(|t| t.to_uppercase()),
                reject_value: number("REJECT_VALUE"),
                reject_sample: number("REJECT_SAMPLE_VALUE"),
                rejected_location: said(options, "REJECTED_ROW_LOCATION"),
                distribution: distribution.map(|d| match d.word().as_str() {
                    "REPLICATED" => 1,
                    "ROUND_ROBIN" => 2,
                    _ => 0,
                }),
                sharding_column,
                remote_schema: said(options, "SCHEMA_NAME"),
                remote_object: said(options, "OBJECT_NAME"),
            });
        }
        self.db_mut(database_id)?.put(object);
        Ok(())
    }

    pub(super) fn assembly(
        &mut self,
        name: &str,
        owner: Option<&str>,
        files: &[Vec<u8>],
        options: &[Opt],
    ) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE ASSEMBLY")?;
        let owner = self.owner(database_id, owner)?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        if database.external.assemblies.iter().any(|a| database.same(&a.name, name)) {
            return Err(DdlError::new(
                6246,
                1,
                16,
                format!("Assembly \"{name}\" already exists in database \"{}\".", database.name),
            ));
        }
        let permission_set = permission_set(options).unwrap_or(1);
        let changed = self.shape(database_id)?;
        let id = changed.external.assemblies.iter().map(|a| a.id + 1).max().unwrap_or(65_536);
        changed.external.assemblies.push(Assembly {
            id,
            name: name.into(),
            owner,
            permission_set,
            visible: true,
            created: now,
            modified: now,
            // Bytes that follow are of assemblies that this one uses; those that it does not use are ignored. Which it
            // uses stands inside of it, and is not read here.
            files: files.iter().take(1).map(|bytes| (name.to_string(), bytes.clone())).collect(),
        });
        Ok(())
    }

    pub(super) fn alter_assembly(
        &mut self,
        name: &str,
        bytes: Option<&[u8]>,
        options: &[Opt],
        dropped: Option<&[String]>,
        added: &[(String, Vec<u8>)],
    ) -> DdlResult<()> {
        let database_id = self.rare_place("ALTER ANY ASSEMBLY")?;
        let now = self.now;
        let database = self.db(database_id)?.clone();
        let at = database.external.assemblies.iter().position(|a| database.same(&a.name, name));
        let at = at.ok_or_else(|| cannot_find("alter", "assembly", name))?;
        let mut assembly = database.external.assemblies[at].clone();
        if let (Some(bytes), Some(first)) = (bytes, assembly.files.first_mut()) {
            first.1 = bytes.to_vec();
            // Other bytes than before: the files that went with those are gone.
            assembly.files.truncate(1);
        }
        if let Some(set) = permission_set(options) {
            assembly.permission_set = set;
        }
        if let Some(word) = said(options, "VISIBILITY") {
            assembly.visible = word.eq_ignore_ascii_case("ON");
        }
        if let Some(names) = dropped {
            let mut n = 0;
            assembly.files.retain(|(file, _)| {
                n += 1;
                // The first is the assembly itself.
                n == 1 || !names.is_empty() && !names.iter().any(|name| database.same(name, file))
            });
        }
        for (file, bytes) in added {
            if assembly.files.iter().skip(1).any(|(f, _)| database.same(f, file)) {
                return Err(name_in_use(file, 1));
            }
            assembly.files.push((file.clone(), bytes.clone()));
        }
        assembly.modified = now;
        self.shape(database_id)?.external.assemblies[at] = assembly;
        Ok(())
    }
}

/// `PERMISSION_SET`, where it is given.
fn permission_set(options: &[Opt]) -> Option<u8> {
    Some(match said(options, "PERMISSION_SET")?.to_uppercase().as_str() {
        "EXTERNAL_ACCESS" => 2,
        "UNSAFE" => 3,
        _ => 1,
    })
}

/// The assembly that EXTERNAL NAME means.
// Assumption: the number and words of an assembly that is not there.
pub(super) fn assembly_id(database: &Database, name: &str) -> DdlResult<i32> {
    let found = database.external.assemblies.iter().find(|a| database.same(&a.name, name));
    let missing = || {
        let text = format!("Assembly '{name}' was not found in the SQL catalog of database '{}'.", database.name);
        DdlError::new(6528, 1, 16, text)
    };
    Ok(found.ok_or_else(missing)?.id)
}
