//! The rest: schemas, types, XML schema collections, sequences, synonyms, partitions, triggers' switches, DBCC, and DROP.

use super::Cursor;
use crate::sandbox::ddl::ast::{DropKind, ObjectName, SequenceDef, Statement};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::lexer::Tok;

impl Cursor<'_> {
    pub(super) fn create_schema(&mut self) -> DdlResult<Statement> {
        self.expect_word("SCHEMA")?;
        let (mut name, mut authorization) = (None, None);
        if !self.is(0, "AUTHORIZATION") {
            name = Some(self.name()?);
        }
        if self.word("AUTHORIZATION") {
            authorization = Some(self.name()?);
        }
        // CREATE SCHEMA s CREATE TABLE …: tables, views and grants may follow in the same statement.
        let mut elements = Vec::new();
        loop {
            if self.are(&["CREATE", "TABLE"]) {
                self.at += 1;
                elements.push(self.create_table()?);
            } else if self.is(0, "GRANT") || self.is(0, "DENY") || self.is(0, "REVOKE") {
                elements.push(self.permission()?);
            } else {
                return Ok(Statement::CreateSchema { name, authorization, elements });
            }
        }
    }

    pub(super) fn alter_schema(&mut self) -> DdlResult<Statement> {
        self.expect_word("SCHEMA")?;
        let name = self.name()?;
        self.expect_word("TRANSFER")?;
        let mut class = "OBJECT".to_string();
        if self.words(&["XML", "SCHEMA", "COLLECTION"]) {
            self.expect("::")?;
            class = "XML SCHEMA COLLECTION".into();
        } else if self.is_sign(1, "::") {
            class = self.any_name()?.to_uppercase();
            self.at += 1;
        }
        Ok(Statement::AlterSchema { name, class, object: self.object_name()? })
    }

    pub(super) fn create_type(&mut self) -> DdlResult<Statement> {
        self.expect_word("TYPE")?;
        let name = self.object_name()?;
        if self.word("FROM") {
            let ty = self.type_name()?;
            let nullable = if self.words(&["NOT", "NULL"]) {
                Some(false)
            } else if self.word("NULL") {
                Some(true)
            } else {
                None
            };
            return Ok(Statement::CreateAlias { name, ty, nullable });
        }
        if self.words(&["AS", "TABLE"]) {
            let mut table = self.table_body()?;
            if self.is(0, "WITH") && self.is_sign(1, "(") {
                self.at += 1;
                table.options = self.options()?;
            }
            return Ok(Statement::CreateTableType { name, table: Box::new(table) });
        }
        self.expect_word("EXTERNAL")?;
        self.expect_word("NAME")?;
        let assembly = self.name()?;
        let mut class = String::new();
        while self.sign(".") {
            if !class.is_empty() {
                class.push('.');
            }
            class.push_str(&self.name()?);
        }
        Ok(Statement::CreateClrType { name, assembly, class })
    }

    fn collection_text(&mut self) -> DdlResult<String> {
        let mut text = self.text()?;
        while self.sign("+") {
            text.push_str(&self.text()?);
        }
        Ok(text)
    }

    pub(super) fn create_xml_collection(&mut self) -> DdlResult<Statement> {
        self.at += 1;
        self.expect_word("SCHEMA")?;
        self.expect_word("COLLECTION")?;
        let name = self.object_name()?;
        self.expect_word("AS")?;
        Ok(Statement::CreateXmlCollection { name, text: self.collection_text()? })
    }

    pub(super) fn alter_xml_collection(&mut self) -> DdlResult<Statement> {
        self.at += 1;
        self.expect_word("SCHEMA")?;
        self.expect_word("COLLECTION")?;
        let name = self.object_name()?;
        self.expect_word("ADD")?;
        Ok(Statement::AlterXmlCollection { name, text: self.collection_text()? })
    }

    pub(super) fn create_sequence(&mut self) -> DdlResult<Statement> {
        self.expect_word("SEQUENCE")?;
        let name = self.object_name()?;
        let ty = if self.word("AS") { Some(self.type_name()?) } else { None };
        let mut sequence = self.sequence_options()?;
        sequence.ty = ty;
        Ok(Statement::CreateSequence { name, sequence })
    }

    pub(super) fn alter_sequence(&mut self) -> DdlResult<Statement> {
        self.expect_word("SEQUENCE")?;
        let name = self.object_name()?;
        Ok(Statement::AlterSequence { name, sequence: self.sequence_options()? })
    }

    fn sequence_options(&mut self) -> DdlResult<SequenceDef> {
        let mut s = SequenceDef::default();
        loop {
            if self.words(&["START", "WITH"]) {
                s.start = Some(self.integer()?);
            } else if self.word("RESTART") {
                s.restart = Some(if self.word("WITH") { Some(self.integer()?) } else { None });
            } else if self.words(&["INCREMENT", "BY"]) {
                s.increment = Some(self.integer()?);
            } else if self.word("MINVALUE") {
                s.minimum = Some(Some(self.integer()?));
            } else if self.words(&["NO", "MINVALUE"]) {
                s.minimum = Some(None);
            } else if self.word("MAXVALUE") {
                s.maximum = Some(Some(self.integer()?));
            } else if self.words(&["NO", "MAXVALUE"]) {
                s.maximum = Some(None);
            } else if self.word("CYCLE") {
                s.cycle = Some(true);
            } else if self.words(&["NO", "CYCLE"]) {
                s.cycle = Some(false);
            } else if self.word("CACHE") {
                let size = if matches!(self.peek(), Tok::Number(_)) {
                    Some(i32::try_from(self.integer()?).map_err(|_| self.unexpected())?)
                } else {
                    None
                };
                s.cache = Some(Some(size));
            } else if self.words(&["NO", "CACHE"]) {
                s.cache = Some(None);
            } else {
                return Ok(s);
            }
        }
    }

    pub(super) fn create_synonym(&mut self) -> DdlResult<Statement> {
        self.expect_word("SYNONYM")?;
        let name = self.object_name()?;
        self.expect_word("FOR")?;
        // Up to four parts; kept as written.
        let first = self.tokens.get(self.at).map_or(self.sql.len(), |t| t.start);
        self.name()?;
        while self.sign(".") {
            if !self.is_sign(0, ".") {
                self.name()?;
            }
        }
        let target = self.sql[first..self.previous_end()].to_string();
        Ok(Statement::CreateSynonym { name, target })
    }

    pub(super) fn create_partition(&mut self) -> DdlResult<Statement> {
        self.expect_word("PARTITION")?;
        if self.word("FUNCTION") {
            let name = self.name()?;
            self.expect("(")?;
            let ty = self.type_name()?;
            self.expect(")")?;
            self.expect_word("AS")?;
            self.expect_word("RANGE")?;
            let right = self.word("RIGHT");
            if !right {
                self.word("LEFT");
            }
            self.expect_word("FOR")?;
            self.expect_word("VALUES")?;
            let boundaries = if self.is_sign(0, "(") && self.is_sign(1, ")") {
                self.at += 2;
                Vec::new()
            } else {
                self.parenthesised(|c| c.expression())?
            };
            return Ok(Statement::CreatePartitionFunction { name, ty, right, boundaries });
        }
        self.expect_word("SCHEME")?;
        let name = self.name()?;
        self.expect_word("AS")?;
        self.expect_word("PARTITION")?;
        let function = self.name()?;
        let all = self.word("ALL");
        self.expect_word("TO")?;
        let to = self.parenthesised(|c| c.any_name())?;
        Ok(Statement::CreatePartitionScheme { name, function, all, to })
    }

    pub(super) fn alter_partition(&mut self) -> DdlResult<Statement> {
        self.expect_word("PARTITION")?;
        if self.word("FUNCTION") {
            let name = self.name()?;
            self.expect("(")?;
            self.expect(")")?;
            let split = self.word("SPLIT");
            if !split {
                self.expect_word("MERGE")?;
            }
            self.expect_word("RANGE")?;
            self.expect("(")?;
            let boundary = self.expression()?;
            self.expect(")")?;
            return Ok(Statement::AlterPartitionFunction { name, split, boundary });
        }
        self.expect_word("SCHEME")?;
        let name = self.name()?;
        self.expect_word("NEXT")?;
        self.expect_word("USED")?;
        let next_used = match self.peek() {
            Tok::Word(_) | Tok::Quoted(_) => Some(self.any_name()?),
            _ => None,
        };
        Ok(Statement::AlterPartitionScheme { name, next_used })
    }

    pub(super) fn switch_trigger(&mut self) -> DdlResult<Statement> {
        let enable = self.word("ENABLE");
        if !enable {
            self.at += 1;
        }
        self.expect_word("TRIGGER")?;
        let names = if self.word("ALL") {
            crate::sandbox::ddl::ast::Named::All
        } else {
            crate::sandbox::ddl::ast::Named::These(self.comma_list(|c| Ok(c.object_name()?.name))?)
        };
        self.expect_word("ON")?;
        let on = if self.word("DATABASE") || self.words(&["ALL", "SERVER"]) { None } else { Some(self.object_name()?) };
        Ok(Statement::SwitchTrigger { enable, names, on })
    }

    pub(super) fn dbcc(&mut self) -> DdlResult<Statement> {
        self.expect_word("DBCC")?;
        let command = self.any_name()?.to_uppercase();
        let mut arguments = Vec::new();
        if self.sign("(") {
            while !self.sign(")") {
                let negative = self.sign("-");
                let mut item = match self.peek() {
                    Tok::Word(w) | Tok::Quoted(w) | Tok::Number(w) | Tok::Text { text: w, .. } => w.clone(),
                    _ => return Err(self.unexpected()),
                };
                self.at += 1;
                while self.sign(".") {
                    item.push('.');
                    item.push_str(&crate::sandbox::meta::names::bracket(&self.any_name()?));
                }
                arguments.push(if negative { format!("-{item}") } else { item });
                if !self.sign(",") && !self.is_sign(0, ")") {
                    return Err(self.unexpected());
                }
            }
        }
        let mut options = Vec::new();
        if self.word("WITH") {
            options = self.comma_list(|c| Ok(c.any_name()?.to_uppercase()))?;
        }
        Ok(Statement::Dbcc { command, arguments, options })
    }

    pub(super) fn drop(&mut self) -> DdlResult<Option<Statement>> {
        self.at += 1;
        if self.word("INDEX") {
            return self.drop_index().map(Some);
        }
        if self.words(&["FULLTEXT", "INDEX"]) {
            self.expect_word("ON")?;
            return Ok(Some(Statement::DropFullTextIndex { table: self.object_name()? }));
        }
        if let Some(found) = self.drop_rare()? {
            return Ok(Some(found));
        }
        let kinds: &[(&[&str], DropKind)] = &[
            (&["TABLE"], DropKind::Table),
            (&["VIEW"], DropKind::View),
            (&["PROCEDURE"], DropKind::Procedure),
            (&["PROC"], DropKind::Procedure),
            (&["FUNCTION"], DropKind::Function),
            (&["TRIGGER"], DropKind::Trigger),
            (&["SEQUENCE"], DropKind::Sequence),
            (&["SYNONYM"], DropKind::Synonym),
            (&["TYPE"], DropKind::Type),
            (&["XML", "SCHEMA", "COLLECTION"], DropKind::XmlCollection),
            (&["SCHEMA"], DropKind::Schema),
            (&["DEFAULT"], DropKind::Default),
            (&["RULE"], DropKind::Rule),
            (&["STATISTICS"], DropKind::Statistics),
            (&["USER"], DropKind::User),
            (&["ROLE"], DropKind::Role),
            (&["APPLICATION", "ROLE"], DropKind::ApplicationRole),
            (&["LOGIN"], DropKind::Login),
            (&["SERVER", "ROLE"], DropKind::ServerRole),
            (&["DATABASE"], DropKind::Database),
            (&["PARTITION", "FUNCTION"], DropKind::PartitionFunction),
            (&["PARTITION", "SCHEME"], DropKind::PartitionScheme),
            (&["FULLTEXT", "CATALOG"], DropKind::FullTextCatalog),
            (&["AGGREGATE"], DropKind::Aggregate),
        ];
        let Some((_, kind)) = kinds.iter().find(|(words, _)| self.words(words)) else {
            return Err(match self.peek() {
                Tok::Word(w) => super::unsupported(&format!("DROP {}", w.to_uppercase())),
                _ => self.unexpected(),
            });
        };
        let if_exists = self.words(&["IF", "EXISTS"]);
        let names: Vec<ObjectName> = self.comma_list(|c| c.object_name())?;
        let mut on = None;
        if *kind == DropKind::Trigger && self.word("ON") && !self.word("DATABASE") && !self.words(&["ALL", "SERVER"]) {
            on = Some(self.object_name()?);
        }
        Ok(Some(Statement::Drop { kind: *kind, names, if_exists, on }))
    }
}
