//! Full text: catalogues, indexes, stop lists.

use super::Cursor;
use crate::sandbox::ddl::ast::rare::Rare;
use crate::sandbox::ddl::ast::{AlterFullText, FullTextColumn, Opt, OptValue, Statement};
use crate::sandbox::ddl::error::DdlResult;
use crate::sandbox::ddl::lexer::Tok;

impl Cursor<'_> {
    pub(super) fn create_fulltext(&mut self) -> DdlResult<Statement> {
        self.expect_word("FULLTEXT")?;
        if self.word("CATALOG") {
            let name = self.name()?;
            let (mut default, mut accent_sensitive, mut authorization) = (false, None, None);
            loop {
                if self.words(&["AS", "DEFAULT"]) {
                    default = true;
                } else if self.words(&["WITH", "ACCENT_SENSITIVITY"]) {
                    accent_sensitive = Some(self.accent_sensitivity()?);
                } else if self.word("AUTHORIZATION") {
                    authorization = Some(self.name()?);
                } else if self.words(&["ON", "FILEGROUP"]) || self.words(&["IN", "PATH"]) {
                    self.any_name()?;
                } else {
                    return Ok(Statement::CreateFullTextCatalog { name, default, accent_sensitive, authorization });
                }
            }
        }
        if self.word("STOPLIST") {
            let name = self.name()?;
            let mut from = None;
            if self.word("FROM") {
                from = Some(if self.words(&["SYSTEM", "STOPLIST"]) { String::new() } else { self.object_name()?.name });
            }
            let owner = self.authorization()?;
            return Ok(Statement::Rare(Box::new(Rare::StopList { name, owner, from })));
        }
        self.expect_word("INDEX")?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let columns = if self.is_sign(0, "(") { self.fulltext_columns()? } else { Vec::new() };
        self.expect_word("KEY")?;
        self.expect_word("INDEX")?;
        let key = self.name()?;
        let mut catalog = None;
        if self.word("ON") {
            if self.sign("(") {
                if !self.word("FILEGROUP") {
                    catalog = Some(self.name()?);
                    if self.sign(",") {
                        self.expect_word("FILEGROUP")?;
                        self.any_name()?;
                    }
                } else {
                    self.any_name()?;
                }
                self.expect(")")?;
            } else {
                catalog = Some(self.name()?);
            }
        }
        let options = if self.word("WITH") {
            if self.is_sign(0, "(") {
                self.parenthesised(|c| c.fulltext_option())?
            } else {
                self.comma_list(|c| c.fulltext_option())?
            }
        } else {
            Vec::new()
        };
        Ok(Statement::CreateFullTextIndex { table, columns, key, catalog, options })
    }

    fn accent_sensitivity(&mut self) -> DdlResult<bool> {
        self.expect("=")?;
        Ok(self.one_of(&["ON", "OFF"]).ok_or_else(|| self.unexpected())? == "ON")
    }

    /// LANGUAGE number, name or text.
    fn language(&mut self) -> DdlResult<Option<String>> {
        if !self.word("LANGUAGE") {
            return Ok(None);
        }
        Ok(Some(match self.option_value(0)? {
            OptValue::Number(n, _) => n,
            OptValue::Text(t) => t,
            OptValue::Name(parts, _) => parts.join("."),
            _ => return Err(self.unexpected()),
        }))
    }

    fn fulltext_columns(&mut self) -> DdlResult<Vec<FullTextColumn>> {
        self.parenthesised(|c| {
            let name = c.name()?;
            let type_column = if c.words(&["TYPE", "COLUMN"]) { Some(c.name()?) } else { None };
            let language = c.language()?;
            let semantics = c.word("STATISTICAL_SEMANTICS");
            Ok(FullTextColumn { name, type_column, language, semantics })
        })
    }

    /// `CHANGE_TRACKING [=] AUTO`, `STOPLIST [=] name`.
    fn fulltext_option(&mut self) -> DdlResult<Opt> {
        let mut name = self.any_name()?.to_uppercase();
        if name == "SEARCH" && self.words(&["PROPERTY", "LIST"]) {
            name = "SEARCH PROPERTY LIST".into();
        }
        self.sign("=");
        let value = self.option_value(0)?;
        if self.sign(",") {
            // CHANGE_TRACKING OFF, NO POPULATION: the comma may also lead to the next option.
            if !self.words(&["NO", "POPULATION"]) {
                self.at -= 1;
            }
        }
        if name == "SEARCH PROPERTY LIST" && !matches!(&value, OptValue::Name(p, _) if p == &["OFF"]) {
            return Err(super::unsupported(&name));
        }
        Ok(Opt { name, value, partitions: None })
    }

    pub(super) fn alter_fulltext(&mut self) -> DdlResult<Statement> {
        self.expect_word("FULLTEXT")?;
        if self.word("CATALOG") {
            let name = self.name()?;
            let default = self.words(&["AS", "DEFAULT"]);
            let mut accent_sensitive = None;
            if !default && !self.word("REORGANIZE") {
                self.expect_word("REBUILD")?;
                if self.words(&["WITH", "ACCENT_SENSITIVITY"]) {
                    accent_sensitive = Some(self.accent_sensitivity()?);
                }
            }
            return Ok(Statement::AlterFullTextCatalog { name, default, accent_sensitive });
        }
        if self.word("STOPLIST") {
            return self.alter_stoplist();
        }
        self.expect_word("INDEX")?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let action = if self.word("ENABLE") {
            AlterFullText::Enable(true)
        } else if self.word("DISABLE") {
            AlterFullText::Enable(false)
        } else if self.word("SET") {
            AlterFullText::Set(self.fulltext_option()?)
        } else if self.word("ADD") {
            AlterFullText::Add(self.fulltext_columns()?)
        } else if self.word("DROP") {
            AlterFullText::Drop(self.names()?)
        } else if self.one_of(&["START", "STOP", "PAUSE", "RESUME"]).is_some() {
            self.one_of(&["FULL", "INCREMENTAL", "UPDATE"]);
            self.expect_word("POPULATION")?;
            AlterFullText::Population
        } else {
            return Err(self.unexpected());
        };
        self.words(&["WITH", "NO", "POPULATION"]);
        Ok(Statement::AlterFullTextIndex { table, action })
    }

    /// ADD 'word' LANGUAGE l; DROP 'word' LANGUAGE l; DROP ALL [LANGUAGE l].
    fn alter_stoplist(&mut self) -> DdlResult<Statement> {
        let name = self.name()?;
        let add = self.word("ADD");
        if !add {
            self.expect_word("DROP")?;
        }
        let word = match self.peek() {
            Tok::Text { .. } => Some(self.text()?),
            _ if !add && self.word("ALL") => None,
            _ => return Err(self.unexpected()),
        };
        let language = self.language()?;
        Ok(Statement::Rare(Box::new(Rare::AlterStopList { name, word, add, language })))
    }
}
