//! What lies outside: external sources, formats and tables, assemblies; security policies and classifications.

use super::Cursor;
use crate::sandbox::ddl::ast::rare::{PredicateDef, Rare, RareKind};
use crate::sandbox::ddl::ast::{ObjectName, Opt, OptValue, Statement};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::lexer::Tok;

fn rare(statement: Rare) -> Statement {
    Statement::Rare(Box::new(statement))
}

/// Kinds that DROP takes, with their words.
const DROPPED: &[(&[&str], RareKind)] = &[
    (&["MESSAGE", "TYPE"], RareKind::MessageType),
    (&["CONTRACT"], RareKind::Contract),
    (&["QUEUE"], RareKind::Queue),
    (&["SERVICE"], RareKind::Service),
    (&["ROUTE"], RareKind::Route),
    (&["REMOTE", "SERVICE", "BINDING"], RareKind::RemoteServiceBinding),
    (&["EVENT", "NOTIFICATION"], RareKind::EventNotification),
    (&["MASTER", "KEY"], RareKind::MasterKey),
    (&["SYMMETRIC", "KEY"], RareKind::SymmetricKey),
    (&["ASYMMETRIC", "KEY"], RareKind::AsymmetricKey),
    (&["CERTIFICATE"], RareKind::Certificate),
    (&["COLUMN", "MASTER", "KEY"], RareKind::ColumnMasterKey),
    (&["COLUMN", "ENCRYPTION", "KEY"], RareKind::ColumnEncryptionKey),
    (&["DATABASE", "SCOPED", "CREDENTIAL"], RareKind::Credential),
    (&["EXTERNAL", "DATA", "SOURCE"], RareKind::ExternalDataSource),
    (&["EXTERNAL", "FILE", "FORMAT"], RareKind::ExternalFileFormat),
    (&["EXTERNAL", "TABLE"], RareKind::ExternalTable),
    (&["ASSEMBLY"], RareKind::Assembly),
    (&["SECURITY", "POLICY"], RareKind::SecurityPolicy),
    (&["FULLTEXT", "STOPLIST"], RareKind::StopList),
];

impl Cursor<'_> {
    pub(super) fn external(&mut self, alter: bool) -> DdlResult<Statement> {
        self.expect_word("EXTERNAL")?;
        if self.words(&["DATA", "SOURCE"]) {
            let name = self.name()?;
            if alter {
                self.expect_word("SET")?;
                let options = self.comma_list(|c| c.option(0))?;
                return Ok(rare(Rare::ExternalDataSource { name, options, alter }));
            }
            self.expect_word("WITH")?;
            let options = self.external_options()?;
            return Ok(rare(Rare::ExternalDataSource { name, options, alter }));
        }
        if self.words(&["FILE", "FORMAT"]) {
            let name = self.name()?;
            self.expect_word("WITH")?;
            let options = self.external_options()?;
            return Ok(rare(Rare::ExternalFileFormat { name, options }));
        }
        if self.word("TABLE") {
            let name = self.object_name()?;
            let table = self.table_body()?;
            self.expect_word("WITH")?;
            let options = self.external_options()?;
            return Ok(rare(Rare::ExternalTable { name, table: Box::new(table), options }));
        }
        let word = match self.peek() {
            Tok::Word(w) => w.to_uppercase(),
            _ => return Err(self.unexpected()),
        };
        Err(super::unsupported(&format!("EXTERNAL {word}")))
    }

    /// `(NAME = value, NAME (…))`, names of any kind.
    fn external_options(&mut self) -> DdlResult<Vec<Opt>> {
        self.parenthesised(|c| {
            let name = c.any_name()?.to_uppercase();
            let value = if c.sign("=") {
                c.option_value(0)?
            } else if c.is_sign(0, "(") {
                OptValue::List(c.external_options()?)
            } else {
                return Err(c.unexpected());
            };
            Ok(Opt { name, value, partitions: None })
        })
    }

    pub(super) fn assembly(&mut self) -> DdlResult<Statement> {
        self.expect_word("ASSEMBLY")?;
        let name = self.name()?;
        let owner = self.authorization()?;
        self.expect_word("FROM")?;
        if !matches!(self.peek(), Tok::Binary(_)) {
            // A file of the server's disk.
            return Err(super::unsupported("ASSEMBLY FROM a file"));
        }
        let files = self.comma_list(|c| c.binary())?;
        let options = if self.word("WITH") { self.comma_list(|c| c.option(0))? } else { Vec::new() };
        Ok(rare(Rare::Assembly { name, owner, files, options }))
    }

    pub(super) fn alter_assembly(&mut self) -> DdlResult<Statement> {
        self.expect_word("ASSEMBLY")?;
        let name = self.name()?;
        let from_file = |c: &Self| !matches!(c.peek(), Tok::Binary(_));
        let mut bytes = None;
        if self.word("FROM") {
            if from_file(self) {
                return Err(super::unsupported("ASSEMBLY FROM a file"));
            }
            bytes = Some(self.binary()?);
        }
        let options = if self.word("WITH") { self.comma_list(|c| c.option(0))? } else { Vec::new() };
        let mut dropped = None;
        if self.words(&["DROP", "FILE"]) {
            dropped = Some(if self.word("ALL") { Vec::new() } else { self.comma_list(|c| c.text())? });
        }
        let mut added = Vec::new();
        if self.words(&["ADD", "FILE", "FROM"]) {
            added = self.comma_list(|c| {
                if from_file(c) {
                    return Err(super::unsupported("ADD FILE FROM a file"));
                }
                let bytes = c.binary()?;
                c.expect_word("AS")?;
                Ok((c.text()?, bytes))
            })?;
        }
        Ok(rare(Rare::AlterAssembly { name, bytes, options, dropped, added }))
    }

    pub(super) fn security_policy(&mut self, alter: bool) -> DdlResult<Statement> {
        self.expect_word("SECURITY")?;
        self.expect_word("POLICY")?;
        let name = self.object_name()?;
        let mut predicates = Vec::new();
        while self.is(0, "ADD") || (alter && (self.is(0, "ALTER") || self.is(0, "DROP"))) {
            if self.is(1, "NOT") {
                break;
            }
            predicates.push(self.predicate()?);
            if !self.sign(",") {
                break;
            }
        }
        let mut options = Vec::new();
        let mut not_for_replication = None;
        loop {
            if self.is(0, "WITH") && self.is_sign(1, "(") {
                self.at += 1;
                options.extend(self.options()?);
            } else if self.words(&["NOT", "FOR", "REPLICATION"]) || self.words(&["ADD", "NOT", "FOR", "REPLICATION"]) {
                not_for_replication = Some(true);
            } else if self.words(&["DROP", "NOT", "FOR", "REPLICATION"]) {
                not_for_replication = Some(false);
            } else {
                return Ok(rare(Rare::SecurityPolicy { name, predicates, options, not_for_replication, alter }));
            }
        }
    }

    fn predicate(&mut self) -> DdlResult<PredicateDef> {
        let verb = self.one_of(&["ADD", "ALTER", "DROP"]).ok_or_else(|| self.unexpected())?;
        let kind = self.one_of(&["FILTER", "BLOCK"]).ok_or_else(|| self.unexpected())?;
        self.expect_word("PREDICATE")?;
        let call = if verb == "DROP" { None } else { Some(self.scalar()?) };
        self.expect_word("ON")?;
        let target = self.object_name()?;
        let operation = match (self.one_of(&["AFTER", "BEFORE"]).as_deref(), self.peek()) {
            (None, _) => None,
            (Some(when), Tok::Word(what)) => {
                let operation = match (when, what.to_uppercase().as_str()) {
                    ("AFTER", "INSERT") => 1,
                    ("AFTER", "UPDATE") => 2,
                    ("BEFORE", "UPDATE") => 3,
                    ("BEFORE", "DELETE") => 4,
                    _ => return Err(self.unexpected()),
                };
                self.at += 1;
                Some(operation)
            }
            _ => return Err(self.unexpected()),
        };
        Ok(PredicateDef { verb, block: kind == "BLOCK", call, target, operation })
    }

    /// ADD and DROP SENSITIVITY CLASSIFICATION.
    pub(super) fn classification(&mut self) -> DdlResult<Statement> {
        let add = self.word("ADD");
        if !add {
            self.expect_word("DROP")?;
        }
        if !self.words(&["SENSITIVITY", "CLASSIFICATION"]) {
            let word = match self.peek() {
                Tok::Word(w) => w.to_uppercase(),
                _ => return Err(self.unexpected()),
            };
            return Err(super::unsupported(&format!("{} {word}", if add { "ADD" } else { "DROP" })));
        }
        self.expect_word(if add { "TO" } else { "FROM" })?;
        let columns = self.comma_list(|c| {
            let mut name = c.object_name()?;
            // The last part is the column.
            let column = std::mem::take(&mut name.name);
            let table =
                ObjectName { database: None, schema: name.database.take(), name: name.schema.unwrap_or_default() };
            Ok((table, column))
        })?;
        let mut options = Vec::new();
        if add {
            self.expect_word("WITH")?;
            options = self.parenthesised(|c| {
                let name = c.any_name()?.to_uppercase();
                c.expect("=")?;
                let value = c.option_value(0)?;
                Ok(Opt { name, value, partitions: None })
            })?;
        }
        Ok(rare(Rare::Classification { add, columns, options }))
    }

    /// What DROP names of these kinds; `None` if it is another.
    pub(super) fn drop_rare(&mut self) -> DdlResult<Option<Statement>> {
        if self.are(&["SENSITIVITY", "CLASSIFICATION"]) {
            self.at -= 1;
            return self.classification().map(Some);
        }
        let Some((_, kind)) = DROPPED.iter().find(|(words, _)| self.words(words)) else { return Ok(None) };
        let if_exists = self.words(&["IF", "EXISTS"]);
        let mut name = ObjectName::default();
        if *kind != RareKind::MasterKey {
            name = self.object_name()?;
        }
        match kind {
            RareKind::EventNotification => {
                self.expect_word("ON")?;
                if !self.word("DATABASE") {
                    self.expect_word("QUEUE")?;
                    self.object_name()?;
                }
            }
            RareKind::Assembly => {
                self.words(&["WITH", "NO", "DEPENDENTS"]);
            }
            _ => {}
        }
        Ok(Some(rare(Rare::Drop { kind: *kind, name, if_exists })))
    }
}
