//! DBCC: CHECKIDENT; CHECKDB and its like find nothing wrong here.

use crate::sandbox::ddl::ast::ObjectName;
use crate::sandbox::ddl::error::{DdlError, DdlResult, no_database};
use crate::sandbox::meta::names::parts;

use super::Run;

impl Run<'_> {
    pub(super) fn dbcc(&mut self, command: &str, arguments: &[String], options: &[String]) -> DdlResult<()> {
        let quiet = options.iter().any(|o| o == "NO_INFOMSGS" || o == "PHYSICAL_ONLY");
        match command {
            "CHECKIDENT" => self.check_identity(arguments, quiet)?,
            "CHECKDB" => {
                let name = match arguments.first().filter(|a| *a != "0") {
                    Some(name) => {
                        self.server.database(name).ok_or_else(|| {
                            DdlError::new(
                                2520,
                                5,
                                16,
                                format!("Could not find database '{name}'. The database either does not exist, or was dropped before a statement tried to use it. Verify if the database exists by querying the sys.databases catalog view."),
                            )
                        })?.name.clone()
                    }
                    None => self.db(self.who.database_id)?.name.clone(),
                };
                let database = self.server.database(&name).ok_or_else(|| no_database(&name))?;
                self.enter(database)?;
                if !quiet {
                    self.info(
                        8989,
                        1,
                        format!("CHECKDB found 0 allocation errors and 0 consistency errors in database '{name}'."),
                    );
                }
            }
            "CHECKTABLE" | "CHECKALLOC" | "CHECKCATALOG" | "CHECKCONSTRAINTS" | "FREEPROCCACHE"
            | "DROPCLEANBUFFERS" | "UPDATEUSAGE" | "SHRINKDATABASE" | "SHRINKFILE" | "TRACEON" | "TRACEOFF" => {}
            other => {
                return Err(DdlError::new(
                    2526,
                    3,
                    16,
                    format!(
                        "Incorrect DBCC statement. Check the documentation for the correct DBCC syntax and options. ({other})"
                    ),
                ));
            }
        }
        if !quiet {
            self.info(
                2528,
                1,
                "DBCC execution completed. If DBCC printed error messages, contact your system administrator.",
            );
        }
        Ok(())
    }

    fn check_identity(&mut self, arguments: &[String], quiet: bool) -> DdlResult<()> {
        let shown = arguments.first().cloned().unwrap_or_default();
        let missing = || {
            DdlError::new(
                2501,
                45,
                16,
                format!("Cannot find a table or object with the name \"{shown}\". Check the system catalog."),
            )
        };
        let mut names = parts(&shown).ok_or_else(missing)?;
        let name = ObjectName {
            name: names.pop().unwrap_or_default(),
            schema: names.pop().filter(|s| !s.is_empty()),
            database: names.pop().filter(|s| !s.is_empty()),
        };
        let (database_id, object) = self.find(&name)?.ok_or_else(missing)?;
        let Some((_, identity)) = object.table().and_then(|t| t.identity()) else {
            return Err(DdlError::new(7997, 1, 16, format!("'{}' does not contain an identity column.", object.name)));
        };
        let before = identity.counter.last().map_or("NULL".to_string(), |v| v.to_string());
        let noreseed = match arguments.get(1).map(|a| a.to_ascii_uppercase()).as_deref() {
            None | Some("RESEED") => false,
            Some("NORESEED") if arguments.len() == 2 => true,
            Some(other) => return Err(crate::sandbox::ddl::error::syntax(other)),
        };
        match arguments.get(2) {
            Some(value) => {
                let value: i128 = value.parse().map_err(|_| crate::sandbox::ddl::error::syntax(value))?;
                identity.counter.reseed(value);
                if !quiet {
                    self.info(7998, 1, format!("Checking identity information: current identity value '{before}'."));
                }
            }
            None => {
                let database = self.db(database_id)?.clone();
                let there = self.hooks.furthest_identity(&database, &object)?;
                // A counter behind the column's values is set to the furthest of them.
                if let Some(n) = there
                    && !noreseed
                    && identity.counter.last().is_none_or(|c| if identity.increment < 0 { n < c } else { n > c })
                {
                    identity.counter.set(Some(n));
                }
                let there = there.map_or("NULL".to_string(), |v| v.to_string());
                if !quiet {
                    self.info(
                        7998,
                        1,
                        format!(
                            "Checking identity information: current identity value '{before}', current column value \
                             '{there}'."
                        ),
                    );
                }
            }
        }
        Ok(())
    }
}
