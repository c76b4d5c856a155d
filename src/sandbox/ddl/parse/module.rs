//! Heads of modules: views, procedures, functions, triggers, stand-alone defaults and rules. A module takes the rest of
//! its batch; its text is kept as it was sent (fact 32).

use crate::sandbox::meta::ModuleKind;
use crate::sandbox::meta::object::TriggerFacts;

use super::Cursor;
use crate::sandbox::ddl::ast::{ModuleDef, ParameterDef, Returns, Statement, Verb};
use crate::sandbox::ddl::error::{DdlError, DdlResult};
use crate::sandbox::ddl::lexer::{Tok, skip_blanks};

impl Cursor<'_> {
    pub(super) fn module(&mut self, verb: Verb) -> DdlResult<Statement> {
        let verb_at = self.at;
        if verb == Verb::CreateOrAlter {
            self.at += 2;
        }
        let (kind, word) = match self.peek() {
            Tok::Word(w) => match w.to_ascii_uppercase().as_str() {
                "VIEW" => (ModuleKind::View, "VIEW"),
                "PROCEDURE" | "PROC" => (ModuleKind::Procedure, "PROCEDURE"),
                "FUNCTION" => (ModuleKind::ScalarFunction, "FUNCTION"),
                "TRIGGER" => (ModuleKind::Trigger, "TRIGGER"),
                "RULE" => (ModuleKind::Rule, "RULE"),
                "DEFAULT" => (ModuleKind::Default, "DEFAULT"),
                "AGGREGATE" => (ModuleKind::Aggregate, "AGGREGATE"),
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        };
        if skip_blanks(self.sql, 0)? != self.start {
            let said = match verb {
                Verb::Create => format!("CREATE {word}"),
                Verb::Alter => format!("ALTER {word}"),
                Verb::CreateOrAlter => format!("CREATE/ALTER {word}"),
            };
            return Err(DdlError::new(111, 6, 15, format!("'{said}' must be the first statement in a query batch.")));
        }
        self.at += 1;
        let name = self.object_name()?;
        let mut module = ModuleDef {
            verb,
            kind,
            name,
            text: String::new(),
            schema_bound: false,
            encrypted: false,
            recompile: false,
            null_on_null_input: false,
            native: false,
            check_option: false,
            execute_as: None,
            parameters: Vec::new(),
            returns: None,
            column_names: Vec::new(),
            target: None,
            all_server: false,
            trigger: TriggerFacts::default(),
            references: Vec::new(),
            number: 1,
            external: None,
            order: Vec::new(),
            body: 0,
        };
        match kind {
            ModuleKind::View => {
                if self.is_sign(0, "(") {
                    module.column_names = self.names()?;
                }
                self.module_options(&mut module)?;
                self.expect_word("AS")?;
            }
            ModuleKind::Procedure => {
                if self.sign(";") {
                    module.number = i16::try_from(self.integer()?).map_err(|_| self.unexpected())?;
                }
                self.parameters(&mut module)?;
                self.module_options(&mut module)?;
                self.words(&["FOR", "REPLICATION"]);
                self.expect_word("AS")?;
            }
            ModuleKind::Trigger => self.trigger_head(&mut module)?,
            ModuleKind::Rule | ModuleKind::Default => self.expect_word("AS")?,
            ModuleKind::Aggregate => {
                self.parameters(&mut module)?;
                self.expect_word("RETURNS")?;
                module.returns = Some(Returns::Scalar(self.type_name()?));
            }
            _ => self.function_head(&mut module)?,
        }
        if self.words(&["EXTERNAL", "NAME"]) {
            let assembly = self.name()?;
            self.expect(".")?;
            let class = self.name()?;
            let method = if self.sign(".") { Some(self.name()?) } else { None };
            module.external = Some((assembly, class, method));
        } else if kind == ModuleKind::Aggregate {
            return Err(self.unexpected());
        }
        let body_at = self.tokens.get(self.at).map_or(self.sql.len(), |t| t.start);
        self.references(&mut module);
        // The rest of the batch is the body, whatever it says.
        let mut last = self.tokens.len().saturating_sub(1);
        if let Some(token) = self.tokens.get(last)
            && token.tok == Tok::End
        {
            last = last.saturating_sub(1);
        }
        if kind == ModuleKind::View {
            let mut end = last;
            while self.tokens.get(end).is_some_and(|t| t.tok == Tok::Sign(";")) && end > 0 {
                end -= 1;
            }
            let tail: Vec<String> = self.tokens[end.saturating_sub(2)..=end]
                .iter()
                .map(|t| match &t.tok {
                    Tok::Word(w) => w.to_ascii_uppercase(),
                    _ => String::new(),
                })
                .collect();
            module.check_option = tail == ["WITH", "CHECK", "OPTION"];
        }
        self.at = self.tokens.len();
        let (text, shift) = self.stored_text(verb, verb_at);
        module.body = body_at.saturating_add_signed(shift);
        module.text = text;
        Ok(Statement::Module(Box::new(module)))
    }

    /// The batch with ALTER made CREATE and OR ALTER taken out; and how far that moved what follows.
    fn stored_text(&self, verb: Verb, verb_at: usize) -> (String, isize) {
        let sql = self.sql;
        match verb {
            Verb::Create => (sql.to_string(), 0),
            Verb::Alter => {
                let end = self.start + "ALTER".len();
                let text = format!("{}CREATE{}", &sql[..self.start], &sql[end..]);
                (text, 1)
            }
            Verb::CreateOrAlter => {
                let (or, alter) = (&self.tokens[verb_at], &self.tokens[verb_at + 1]);
                let text = format!("{}{}{}", &sql[..or.start], &sql[or.end..alter.start], &sql[alter.end..]);
                (text, -7)
            }
        }
    }

    fn parameters(&mut self, module: &mut ModuleDef) -> DdlResult<()> {
        let open = self.sign("(");
        while let Tok::Variable(name) = self.peek() {
            let name = name.clone();
            self.at += 1;
            self.word("AS");
            let ty = self.type_name()?;
            let mut parameter =
                ParameterDef { name, ty, output: false, readonly: false, has_default: false, default: None };
            self.word("VARYING");
            if self.words(&["NOT", "NULL"]) || self.word("NULL") {
                // Of natively compiled procedures.
            }
            if self.sign("=") {
                parameter.has_default = true;
                parameter.default = Some(self.scalar()?);
            }
            loop {
                if self.word("OUTPUT") || self.word("OUT") {
                    parameter.output = true;
                } else if self.word("READONLY") {
                    parameter.readonly = true;
                } else {
                    break;
                }
            }
            module.parameters.push(parameter);
            if !self.sign(",") {
                break;
            }
        }
        if open {
            self.expect(")")?;
        }
        Ok(())
    }

    fn module_options(&mut self, module: &mut ModuleDef) -> DdlResult<()> {
        if !self.word("WITH") {
            return Ok(());
        }
        loop {
            if self.word("SCHEMABINDING") {
                module.schema_bound = true;
            } else if self.word("ENCRYPTION") {
                module.encrypted = true;
            } else if self.word("RECOMPILE") {
                module.recompile = true;
            } else if self.word("NATIVE_COMPILATION") {
                module.native = true;
            } else if self.words(&["RETURNS", "NULL", "ON", "NULL", "INPUT"]) {
                module.null_on_null_input = true;
            } else if self.words(&["CALLED", "ON", "NULL", "INPUT"]) || self.word("VIEW_METADATA") {
                // Nothing to keep.
            } else if self.word("INLINE") {
                self.expect("=")?;
                self.any_name()?;
            } else if self.words(&["EXECUTE", "AS"]) || self.words(&["EXEC", "AS"]) {
                module.execute_as = Some(self.any_name()?);
            } else {
                return Err(self.unexpected());
            }
            if !self.sign(",") {
                return Ok(());
            }
        }
    }

    fn function_head(&mut self, module: &mut ModuleDef) -> DdlResult<()> {
        if !self.is_sign(0, "(") {
            return Err(self.unexpected());
        }
        self.parameters(module)?;
        self.expect_word("RETURNS")?;
        if self.word("TABLE") {
            if self.is_sign(0, "(") {
                // Of an assembly: the columns are told.
                module.kind = ModuleKind::TableFunction;
                module.returns = Some(Returns::Table(Box::new(self.table_body()?)));
            } else {
                module.kind = ModuleKind::InlineFunction;
                module.returns = Some(Returns::Inline);
            }
        } else if matches!(self.peek(), Tok::Variable(_)) {
            self.at += 1;
            self.expect_word("TABLE")?;
            module.kind = ModuleKind::TableFunction;
            module.returns = Some(Returns::Table(Box::new(self.table_body()?)));
        } else {
            module.returns = Some(Returns::Scalar(self.type_name()?));
        }
        self.module_options(module)?;
        if self.word("ORDER") {
            // Of a CLR function: what it promises of its rows.
            module.order = self.key_columns()?;
        }
        self.word("AS");
        Ok(())
    }

    fn trigger_head(&mut self, module: &mut ModuleDef) -> DdlResult<()> {
        self.expect_word("ON")?;
        if self.word("DATABASE") {
            module.trigger.on_database = true;
        } else if self.words(&["ALL", "SERVER"]) {
            module.all_server = true;
        } else {
            module.target = Some(self.object_name()?);
        }
        self.module_options(module)?;
        if self.words(&["INSTEAD", "OF"]) {
            module.trigger.instead_of = true;
        } else if !self.word("FOR") {
            self.expect_word("AFTER")?;
        }
        let events = self.comma_list(|c| Ok(c.any_name()?.to_uppercase()))?;
        for (n, event) in events.iter().enumerate() {
            if events[..n].contains(event) {
                return Err(DdlError::new(
                    1034,
                    1,
                    15,
                    format!(
                        "Syntax error: Duplicate specification of the action \"{event}\" in the trigger declaration."
                    ),
                ));
            }
        }
        module.trigger.events = events;
        if self.words(&["WITH", "APPEND"]) {
            // Ignored by the server since long.
        }
        if self.words(&["NOT", "FOR", "REPLICATION"]) {
            module.trigger.not_for_replication = true;
        }
        self.expect_word("AS")
    }

    /// Names that might be objects: two parts anywhere, one part after the words that want a table or procedure.
    // Assumption: dependencies are found by shape, not by binding; aliases may be among them and resolve to nothing.
    fn references(&mut self, module: &mut ModuleDef) {
        let name_at = |n: usize| match self.tokens.get(n).map(|t| &t.tok) {
            Some(Tok::Word(w)) if !super::is_reserved(&w.to_ascii_uppercase()) => Some(w.clone()),
            Some(Tok::Quoted(w)) => Some(w.clone()),
            _ => None,
        };
        let mut n = self.at;
        let mut found: Vec<(String, String)> = Vec::new();
        let mut wants = false;
        while n < self.tokens.len() {
            let two = matches!(self.tokens.get(n + 1).map(|t| &t.tok), Some(Tok::Sign(".")));
            if let Some(first) = name_at(n) {
                if two && let Some(second) = name_at(n + 2) {
                    found.push((first, second));
                    n += 3;
                } else {
                    if wants {
                        found.push((String::new(), first));
                    }
                    n += 1;
                }
                wants = false;
                continue;
            }
            wants = matches!(&self.tokens[n].tok, Tok::Word(w)
                if matches!(w.to_ascii_uppercase().as_str(), "FROM" | "JOIN" | "INTO" | "UPDATE" | "EXEC" | "EXECUTE" | "APPLY"));
            n += 1;
        }
        found.sort();
        found.dedup();
        module.references = found;
    }
}
