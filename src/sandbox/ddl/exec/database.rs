//! CREATE, ALTER and DROP DATABASE (facts 57, 63, 65, 80, 81).

use std::sync::Arc;

use crate::sandbox::ddl::ast::{AlterDatabase, FileDef, Opt, OptValue, Statement, Termination};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_drop, permission_denied, syntax};
use crate::sandbox::ddl::parse::unsupported;
use crate::sandbox::ddl::rights;
use crate::sandbox::meta::database::{Filegroup, ignores_case};
use crate::sandbox::meta::{Database, Options};

use super::Run;

fn failed(error: DdlError) -> DdlError {
    error.then(5069, 1, 16, "ALTER DATABASE statement failed.")
}

impl Run<'_> {
    pub(super) fn database_statement(&mut self, statement: &Statement) -> DdlResult<()> {
        match statement {
            Statement::CreateDatabase { name, collation, options, files, snapshot_of, copy_of } => {
                if snapshot_of.is_some() || copy_of.is_some() {
                    return Err(super::super::parse::unsupported("AS SNAPSHOT OF / AS COPY OF"));
                }
                self.create_database(name, collation.as_deref(), options, files)
            }
            Statement::AlterDatabase { name, action } => self.alter_database(name.as_deref(), action),
            _ => Ok(()),
        }
    }

    fn create_database(
        &mut self,
        name: &str,
        collation: Option<&str>,
        options: &[Opt],
        files: &[FileDef],
    ) -> DdlResult<()> {
        self.not_in_transaction("CREATE DATABASE")?;
        let allowed = self.server.login(&self.who.login).is_some_and(|l| l.may_create_databases());
        if !allowed {
            // Asked for in master, wherever the session stands.
            return Err(permission_denied("CREATE DATABASE", "master"));
        }
        if name.chars().count() > 123 {
            return Err(DdlError::new(
                103,
                4,
                15,
                format!(
                    "The identifier that starts with '{}' is too long. Maximum length is 128.",
                    name.chars().take(128).collect::<String>()
                ),
            ));
        }
        if self.server.database(name).is_some() {
            return Err(DdlError::new(
                1801,
                3,
                16,
                format!("Database '{name}' already exists. Choose a different database name."),
            ));
        }
        let collation = match collation {
            Some(name) => super::types::find_collation(name)?.name.clone(),
            None => self.server.collation.clone(),
        };
        let product = self.server.product;
        let mut settings = Options::fresh(product.compatibility_level(), product.is_azure());
        for option in options {
            match option.name.as_str() {
                "CONTAINMENT" => settings.containment = u8::from(option.word() == "PARTIAL"),
                "EDITION" => settings.edition = Some(option.word()),
                "SERVICE_OBJECTIVE" => settings.service_objective = Some(option.word()),
                "DB_CHAINING" => settings.db_chaining = option.is_on(),
                "TRUSTWORTHY" => settings.trustworthy = option.is_on(),
                "NESTED_TRIGGERS" => settings.nested_triggers = option.is_on(),
                "TRANSFORM_NOISE_WORDS" => settings.transform_noise_words = option.is_on(),
                "TWO_DIGIT_YEAR_CUTOFF" | "DEFAULT_LANGUAGE" | "DEFAULT_FULLTEXT_LANGUAGE" | "FILESTREAM" => {
                    super::database_options::setting(&mut settings, option);
                }
                "CATALOG_COLLATION" => {
                    settings.catalog_collation = if option.word() == "DATABASE_DEFAULT" { 0 } else { 2 };
                }
                "LEDGER" => settings.ledger = option.is_on(),
                "MAXSIZE" | "PERSISTENT_LOG_BUFFER" | "LEDGER_DIGEST_STORAGE_ENDPOINT" => {}
                other => return Err(crate::sandbox::ddl::error::syntax(other)),
            }
        }
        if settings.containment == 1
            && self.server.configurations.get(&16393).is_none_or(|(_, used)| *used == 0)
            && !product.is_azure()
        {
            return Err(DdlError::new(
                12824,
                1,
                16,
                "The sp_configure value 'contained database authentication' must be set to 1 in order to create a contained \
                 database.  You may need to use RECONFIGURE to set the value_in_use.",
            ));
        }
        let id = self.server.new_database_id();
        let owner = self.server.login(&self.who.login).map_or_else(|| self.who.login.clone(), |l| l.name.clone());
        let mut database = Database::new(id, name, &collation, &owner, settings);
        super::files::place(&mut database, files)?;
        let database = Arc::new(database);
        self.hooks.database_created(&database)?;
        self.server.databases.insert(id, database);
        Ok(())
    }

    pub(super) fn drop_database(&mut self, name: &str, if_exists: bool) -> DdlResult<()> {
        self.not_in_transaction("DROP DATABASE")?;
        let missing = || cannot_drop("database", name, 1);
        let Some(database) = self.server.database(name).cloned() else {
            return if if_exists { Ok(()) } else { Err(missing()) };
        };
        if database.database_id <= 4 {
            return Err(DdlError::new(
                3708,
                4,
                16,
                format!("Cannot drop the database '{}' because it is a system database.", database.name),
            ));
        }
        let power = self.server.login(&self.who.login).is_some_and(|l| l.may_create_databases())
            || rights::is_owner(self.server, &database, &self.who.login);
        if !power {
            return Err(missing());
        }
        let in_use = |state: u8| {
            DdlError::new(
                3702,
                state,
                16,
                format!("Cannot drop database \"{}\" because it is currently in use.", database.name),
            )
        };
        // Fact 80: somebody else holds the only seat.
        if rights::seat(&database, self.who.session_id).is_err() && !database.options.offline {
            return Err(in_use(4));
        }
        if self.who.database_id == database.database_id || self.hooks.other_sessions(database.database_id) > 0 {
            return Err(in_use(3));
        }
        self.hooks.database_dropped(database.database_id)?;
        self.server.databases.remove(&database.database_id);
        Ok(())
    }

    fn alter_database(&mut self, name: Option<&str>, action: &AlterDatabase) -> DdlResult<()> {
        self.not_in_transaction("ALTER DATABASE")?;
        let shown = match name {
            Some(name) => name.to_string(),
            None => self.db(self.who.database_id)?.name.clone(),
        };
        let found = self.server.database(&shown).cloned();
        let may = found.as_ref().is_some_and(|d| {
            rights::is_owner(self.server, d, &self.who.login)
                || rights::has_database(self.server, d, &self.who.login, "ALTER")
                || self.server.login(&self.who.login).is_some_and(|l| l.has_role("dbcreator"))
        });
        let Some(database) = found.filter(|_| may) else {
            return Err(failed(DdlError::new(
                5011,
                5,
                14,
                format!(
                    "User does not have permission to alter database '{shown}', the database does not exist, or the database is \
                     not in a state that allows access checks."
                ),
            )));
        };
        let system = database.database_id <= 4;
        if system && name.is_none() && !matches!(action, AlterDatabase::ScopedConfiguration { .. }) {
            return Err(DdlError::new(
                12104,
                2,
                16,
                format!(
                    "ALTER DATABASE CURRENT failed because '{}' is a system database. System databases cannot be altered by \
                     using the CURRENT keyword. Use the database name to alter a system database.",
                    database.name
                ),
            )
            .compile());
        }
        let id = database.database_id;
        if rights::seat(&database, self.who.session_id).is_err() && !database.options.offline {
            return Err(failed(DdlError::new(
                5064,
                1,
                16,
                format!(
                    "Changes to the state or options of database '{}' cannot be made at this time. The database is in \
                     single-user mode, and a user is currently connected to it.",
                    database.name
                ),
            )));
        }
        match action {
            AlterDatabase::Name(new) => self.rename_database(&database, new),
            AlterDatabase::Collate(collation) => {
                let collation = super::types::find_collation(collation)?.name.clone();
                if self.hooks.other_sessions(id) > 0 {
                    return Err(failed(exclusive(&database.name)));
                }
                let database = self.shape(id)?;
                database.ignore_case = ignores_case(&collation);
                database.collation = collation;
                Ok(())
            }
            AlterDatabase::Set { options, termination } => self.set_options(&database, options, *termination),
            AlterDatabase::AddFilegroup { name, contains } => {
                if database.filegroups.iter().any(|g| database.same(&g.name, name)) {
                    return Err(failed(DdlError::new(1921, 1, 16, format!("Invalid filegroup '{name}' specified."))));
                }
                let kind = super::files::kind(contains.as_deref());
                let database = self.shape(id)?;
                let data_space_id = database.new_data_space_id(false);
                database.filegroups.push(Filegroup {
                    data_space_id,
                    name: name.clone(),
                    kind: kind.into(),
                    is_default: false,
                    is_read_only: false,
                    guid: Some(*uuid::Uuid::new_v4().as_bytes()),
                    autogrow_all: false,
                });
                Ok(())
            }
            AlterDatabase::RemoveFilegroup(name) => {
                let Some(found) = database.filegroups.iter().find(|g| database.same(&g.name, name)) else {
                    return Err(failed(no_filegroup(name)));
                };
                let space = found.data_space_id;
                if database.files.iter().any(|f| f.data_space_id == space) {
                    return Err(failed(DdlError::new(
                        5042,
                        1,
                        16,
                        format!("The filegroup '{name}' cannot be removed because it is not empty."),
                    )));
                }
                self.shape(id)?.filegroups.retain(|g| g.data_space_id != space);
                Ok(())
            }
            AlterDatabase::ModifyFilegroup { name, words } => {
                let Some(at) = database.filegroups.iter().position(|g| database.same(&g.name, name)) else {
                    return Err(failed(no_filegroup(name)));
                };
                let database = self.shape(id)?;
                match words.first().map(String::as_str) {
                    Some("DEFAULT") => {
                        for (n, group) in database.filegroups.iter_mut().enumerate() {
                            group.is_default = n == at;
                        }
                    }
                    Some("READONLY" | "READ_ONLY") => database.filegroups[at].is_read_only = true,
                    Some("READWRITE" | "READ_WRITE") => database.filegroups[at].is_read_only = false,
                    Some("NAME") => {
                        if let Some(new) = words.get(1) {
                            database.filegroups[at].name.clone_from(new);
                        }
                    }
                    Some("AUTOGROW_ALL_FILES") => database.filegroups[at].autogrow_all = true,
                    Some("AUTOGROW_SINGLE_FILE") => database.filegroups[at].autogrow_all = false,
                    other => return Err(syntax(other.unwrap_or("FILEGROUP"))),
                }
                Ok(())
            }
            AlterDatabase::AddFile { log, files, filegroup } => {
                let space = match filegroup {
                    Some(name) => self.data_space(id, name)?,
                    None => i32::from(!*log),
                };
                let database = self.shape(id)?;
                for file in files {
                    super::files::add(database, *log, space, file)?;
                }
                Ok(())
            }
            AlterDatabase::RemoveFile(name) => {
                let wanted = database.fold(name);
                let database = self.shape(id)?;
                let ci = database.ignore_case;
                database.files.retain(|f| crate::sandbox::meta::names::fold(&f.name, ci) != wanted || f.file_id <= 2);
                Ok(())
            }
            AlterDatabase::ModifyFile(options) => {
                let name = crate::sandbox::ddl::ast::said(options, "NAME").unwrap_or_default();
                let at = database.files.iter().position(|f| database.same(&f.name, &name));
                let at = at.ok_or_else(|| failed(no_filegroup(&name)))?;
                super::files::apply(&mut self.shape(id)?.files[at], options)
            }
            AlterDatabase::Modify(options) => {
                let database = self.shape(id)?;
                for option in options {
                    match option.name.as_str() {
                        "EDITION" => database.options.edition = Some(option.word()),
                        "SERVICE_OBJECTIVE" => database.options.service_objective = Some(option.word()),
                        "MAXSIZE" => {
                            if let OptValue::Number(n, unit) = &option.value {
                                let factor = if unit.as_deref() == Some("MB") { 1i64 << 20 } else { 1 << 30 };
                                database.options.max_size = n.parse::<i64>().ok().and_then(|n| n.checked_mul(factor));
                            }
                        }
                        other => return Err(unsupported(other)),
                    }
                }
                Ok(())
            }
            AlterDatabase::ScopedConfiguration { name, value, secondary } => {
                let product = self.server.product;
                super::database_options::scoped(&mut self.shape(id)?.options, product, name, value, *secondary)
            }
        }
    }

    pub(super) fn rename_database(&mut self, database: &Arc<Database>, new: &str) -> DdlResult<()> {
        if database.database_id <= 4 {
            return Err(option_refused("name", &database.name, 5));
        }
        if let Some(other) = self.server.database(new)
            && other.database_id != database.database_id
        {
            return Err(DdlError::new(
                1801,
                3,
                16,
                format!("Database '{new}' already exists. Choose a different database name."),
            ));
        }
        if self.hooks.other_sessions(database.database_id) > 0 {
            return Err(failed(exclusive(&database.name)));
        }
        let (now, azure) = (self.now, self.server.product.is_azure());
        let changed = self.shape(database.database_id)?;
        changed.name = new.to_string();
        if !azure {
            changed.created = now;
        }
        self.info(5021, 1, format!("The database name '{new}' has been set."));
        Ok(())
    }

    fn set_options(
        &mut self,
        database: &Arc<Database>,
        options: &[Opt],
        termination: Option<Termination>,
    ) -> DdlResult<()> {
        let id = database.database_id;
        let versioning = options.iter().any(|o| o.name == "ALLOW_SNAPSHOT_ISOLATION");
        if versioning && termination.is_some() {
            return Err(failed(DdlError::new(
                5083,
                1,
                16,
                "The termination option is not supported when making versioning state changes.",
            )));
        }
        if versioning && options.len() > 1 {
            return Err(failed(DdlError::new(
                5082,
                1,
                16,
                format!(
                    "Cannot change the versioning state on database \"{}\" together with another database state.",
                    database.name
                ),
            )));
        }
        if id == 1 {
            for option in options {
                let state = match option.name.as_str() {
                    "READ_COMMITTED_SNAPSHOT" => 2,
                    "SINGLE_USER" | "MULTI_USER" | "RESTRICTED_USER" => 5,
                    _ => continue,
                };
                return Err(option_refused(&option.name, &database.name, state));
            }
        }
        let exclusive_options =
            ["READ_COMMITTED_SNAPSHOT", "SINGLE_USER", "RESTRICTED_USER", "READ_ONLY", "READ_WRITE", "OFFLINE"];
        let needs_others_gone = options.iter().any(|o| exclusive_options.contains(&o.name.as_str()));
        match termination {
            Some(Termination::RollbackImmediate | Termination::RollbackAfter(_)) => {
                let others = self.hooks.other_sessions(id);
                if others > 0 {
                    self.hooks.end_other_sessions(id);
                    self.info(
                        5060,
                        2,
                        "Nonqualified transactions are being rolled back. Estimated rollback completion: 0%.",
                    );
                    self.info(
                        5060,
                        1,
                        "Nonqualified transactions are being rolled back. Estimated rollback completion: 100%.",
                    );
                }
            }
            // Assumption: without a termination clause a real server waits for the others; here the option is refused as
            // with NO_WAIT, but only where it needs the database for itself.
            _ if needs_others_gone && self.hooks.other_sessions(id) > 0 => {
                return Err(failed(DdlError::new(
                    5070,
                    2,
                    16,
                    format!(
                        "Database state cannot be changed while other users are using the database '{}'",
                        database.name
                    ),
                )));
            }
            _ => {}
        }
        let session = self.who.session_id;
        let name = database.name.clone();
        let changed = self.shape(id)?;
        for option in options {
            super::database_options::apply(changed, option, session, &name)?;
        }
        Ok(())
    }
}

pub(super) fn option_refused(option: &str, database: &str, state: u8) -> DdlError {
    DdlError::new(5058, state, 16, format!("Option '{option}' cannot be set in database '{database}'.")).compile()
}

fn exclusive(name: &str) -> DdlError {
    DdlError::new(5030, 2, 16, format!("The database {name} could not be exclusively locked to perform the operation."))
}

fn no_filegroup(name: &str) -> DdlError {
    DdlError::new(
        5009,
        1,
        16,
        format!("One or more files listed in the statement could not be found or could not be initialized. ({name})"),
    )
}
