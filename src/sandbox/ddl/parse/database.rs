//! CREATE, ALTER and DROP DATABASE.

use super::Cursor;
use crate::sandbox::ddl::ast::{AlterDatabase, FileDef, Opt, OptValue, Statement, Termination};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::lexer::Tok;

impl Cursor<'_> {
    pub(super) fn create_database(&mut self) -> DdlResult<Statement> {
        self.expect_word("DATABASE")?;
        let name = self.name()?;
        let (mut collation, mut options, mut snapshot_of, mut copy_of) = (None, Vec::new(), None, None);
        let mut files = Vec::new();
        loop {
            if self.word("COLLATE") {
                collation = Some(self.name()?);
            } else if self.word("CONTAINMENT") {
                self.expect("=")?;
                let value = self.option_value(0)?;
                options.push(Opt { name: "CONTAINMENT".into(), value, partitions: None });
            } else if self.words(&["AS", "SNAPSHOT", "OF"]) {
                snapshot_of = Some(self.name()?);
            } else if self.words(&["AS", "COPY", "OF"]) {
                let mut source = self.name()?;
                if self.sign(".") {
                    source = self.name()?;
                }
                copy_of = Some(source);
                if self.is_sign(0, "(") {
                    options.extend(self.options()?);
                }
            } else if self.is(0, "ON") || self.is(0, "LOG") {
                // ON PRIMARY (…), FILEGROUP g (…), LOG ON (…): the files of this server are not on a disk.
                let log = self.word("LOG");
                self.expect_word("ON")?;
                self.file_specifications(log, &mut files)?;
            } else if self.word("WITH") {
                options.extend(self.comma_list(|c| c.option(1))?);
            } else if self.is_sign(0, "(") {
                options.extend(self.options()?);
            } else if self.words(&["FOR", "ATTACH"]) || self.words(&["FOR", "ATTACH_REBUILD_LOG"]) {
                return Err(super::unsupported("FOR ATTACH"));
            } else {
                return Ok(Statement::CreateDatabase { name, collation, options, files, snapshot_of, copy_of });
            }
        }
    }

    fn file_specifications(&mut self, log: bool, files: &mut Vec<FileDef>) -> DdlResult<()> {
        let mut filegroup = None;
        loop {
            self.word("PRIMARY");
            if self.word("FILEGROUP") {
                let name = self.any_name()?;
                let contains = if self.word("CONTAINS") { Some(self.any_name()?.to_uppercase()) } else { None };
                filegroup = Some((name, contains, self.word("DEFAULT")));
            }
            files.push(FileDef { log, filegroup: filegroup.clone(), options: self.options()? });
            if !self.sign(",") {
                return Ok(());
            }
        }
    }

    pub(super) fn alter_database(&mut self) -> DdlResult<Statement> {
        self.expect_word("DATABASE")?;
        if self.words(&["SCOPED", "CONFIGURATION"]) {
            return self.scoped_configuration();
        }
        if self.is(0, "SCOPED") || self.is(0, "AUDIT") || self.is(0, "ENCRYPTION") {
            return Err(super::unsupported("ALTER DATABASE SCOPED"));
        }
        let name = if self.word("CURRENT") { None } else { Some(self.name()?) };
        let action = if self.words(&["MODIFY", "NAME"]) {
            self.expect("=")?;
            AlterDatabase::Name(self.any_name()?)
        } else if self.word("COLLATE") {
            AlterDatabase::Collate(self.name()?)
        } else if self.word("SET") {
            self.database_set()?
        } else if self.words(&["ADD", "FILEGROUP"]) {
            let name = self.name()?;
            let contains = if self.word("CONTAINS") { Some(self.any_name()?.to_uppercase()) } else { None };
            AlterDatabase::AddFilegroup { name, contains }
        } else if self.words(&["REMOVE", "FILEGROUP"]) {
            AlterDatabase::RemoveFilegroup(self.name()?)
        } else if self.words(&["MODIFY", "FILEGROUP"]) {
            let name = self.name()?;
            let mut words = Vec::new();
            while let Tok::Word(word) = self.peek() {
                words.push(word.to_uppercase());
                self.at += 1;
                if self.sign("=") {
                    words.push(self.any_name()?);
                }
            }
            AlterDatabase::ModifyFilegroup { name, words }
        } else if self.are(&["ADD", "FILE"]) || self.are(&["ADD", "LOG", "FILE"]) {
            let log = self.is(1, "LOG");
            self.at += if log { 3 } else { 2 };
            let files = self.comma_list(|c| c.options())?;
            let filegroup = if self.words(&["TO", "FILEGROUP"]) { Some(self.any_name()?) } else { None };
            AlterDatabase::AddFile { log, files, filegroup }
        } else if self.words(&["REMOVE", "FILE"]) {
            AlterDatabase::RemoveFile(self.any_name()?)
        } else if self.words(&["MODIFY", "FILE"]) {
            AlterDatabase::ModifyFile(self.options()?)
        } else if self.word("MODIFY") {
            AlterDatabase::Modify(self.options()?)
        } else {
            return Err(self.unexpected());
        };
        Ok(Statement::AlterDatabase { name, action })
    }

    fn database_set(&mut self) -> DdlResult<AlterDatabase> {
        let options = self.comma_list(|c| c.database_option())?;
        let termination = if self.words(&["WITH", "ROLLBACK", "IMMEDIATE"]) {
            Some(Termination::RollbackImmediate)
        } else if self.words(&["WITH", "ROLLBACK", "AFTER"]) {
            let seconds = u32::try_from(self.integer()?).map_err(|_| self.unexpected())?;
            self.word("SECONDS");
            Some(Termination::RollbackAfter(seconds))
        } else if self.words(&["WITH", "NO_WAIT"]) {
            Some(Termination::NoWait)
        } else {
            None
        };
        Ok(AlterDatabase::Set { options, termination })
    }

    /// `NAME [=] value [(…)]`, or a lone word (SINGLE_USER, READ_ONLY).
    fn database_option(&mut self) -> DdlResult<Opt> {
        let name = match self.peek() {
            Tok::Word(w) => w.to_uppercase(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        let lone = [
            "SINGLE_USER",
            "MULTI_USER",
            "RESTRICTED_USER",
            "ONLINE",
            "OFFLINE",
            "EMERGENCY",
            "READ_ONLY",
            "READ_WRITE",
            "ENABLE_BROKER",
            "DISABLE_BROKER",
            "NEW_BROKER",
            "ERROR_BROKER_CONVERSATIONS",
        ];
        let value = if lone.contains(&name.as_str()) {
            OptValue::None
        } else if name == "QUERY_STORE" && self.word("CLEAR") {
            self.word("ALL");
            OptValue::Name(vec!["CLEAR".into()], Vec::new())
        } else if self.sign("=") || !self.is_sign(0, "(") {
            self.option_value(0)?
        } else {
            OptValue::List(self.options()?)
        };
        Ok(Opt { name, value, partitions: None })
    }

    fn scoped_configuration(&mut self) -> DdlResult<Statement> {
        let secondary = self.words(&["FOR", "SECONDARY"]);
        let (name, value) = if self.word("CLEAR") {
            (self.any_name()?.to_uppercase(), String::new())
        } else {
            self.expect_word("SET")?;
            let name = self.any_name()?.to_uppercase();
            self.expect("=")?;
            let value = match self.option_value(0)? {
                OptValue::Number(n, _) => n,
                OptValue::Text(t) => t,
                OptValue::Name(parts, _) => parts.join(".").to_uppercase(),
                _ => return Err(self.unexpected()),
            };
            (name, value)
        };
        Ok(Statement::AlterDatabase {
            name: None,
            action: AlterDatabase::ScopedConfiguration { name, value, secondary },
        })
    }
}
