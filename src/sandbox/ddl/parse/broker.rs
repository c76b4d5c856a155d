//! Service broker: message types, contracts, queues, services, routes, remote service bindings, event notifications.

use super::Cursor;
use crate::sandbox::ddl::ast::Statement;
use crate::sandbox::ddl::ast::rare::{ActivationDef, NotificationDef, QueueDef, Rare, Validation};
use crate::sandbox::ddl::error::DdlResult;

fn rare(statement: Rare) -> Statement {
    Statement::Rare(Box::new(statement))
}

impl Cursor<'_> {
    /// AUTHORIZATION name.
    pub(super) fn authorization(&mut self) -> DdlResult<Option<String>> {
        if self.word("AUTHORIZATION") { self.name().map(Some) } else { Ok(None) }
    }

    pub(super) fn message_type(&mut self, alter: bool) -> DdlResult<Statement> {
        self.expect_word("MESSAGE")?;
        self.expect_word("TYPE")?;
        let name = self.name()?;
        let owner = self.authorization()?;
        let mut validation = Validation::None;
        if self.word("VALIDATION") {
            self.expect("=")?;
            validation = if self.words(&["VALID_XML", "WITH", "SCHEMA", "COLLECTION"]) {
                Validation::Schema(self.object_name()?)
            } else {
                match self.one_of(&["NONE", "EMPTY", "WELL_FORMED_XML"]).as_deref() {
                    Some("EMPTY") => Validation::Empty,
                    Some("WELL_FORMED_XML") => Validation::WellFormed,
                    Some(_) => Validation::None,
                    None => return Err(self.unexpected()),
                }
            };
        }
        Ok(rare(Rare::MessageType { name, owner, validation, alter }))
    }

    pub(super) fn contract(&mut self) -> DdlResult<Statement> {
        self.expect_word("CONTRACT")?;
        let name = self.name()?;
        let owner = self.authorization()?;
        let messages = self.parenthesised(|c| {
            // [DEFAULT] is a message type like others.
            let message = c.any_name()?;
            c.expect_word("SENT")?;
            c.expect_word("BY")?;
            let by = c.one_of(&["INITIATOR", "TARGET", "ANY"]).ok_or_else(|| c.unexpected())?;
            Ok((message, by != "TARGET", by != "INITIATOR"))
        })?;
        Ok(rare(Rare::Contract { name, owner, messages }))
    }

    fn on_off(&mut self) -> DdlResult<bool> {
        self.expect("=")?;
        Ok(self.one_of(&["ON", "OFF"]).ok_or_else(|| self.unexpected())? == "ON")
    }

    pub(super) fn queue(&mut self, alter: bool) -> DdlResult<Statement> {
        self.expect_word("QUEUE")?;
        let name = self.object_name()?;
        let mut queue = QueueDef::default();
        if self.word("WITH") {
            self.comma_list(|c| {
                if c.word("STATUS") {
                    queue.status = Some(c.on_off()?);
                } else if c.word("RETENTION") {
                    queue.retention = Some(c.on_off()?);
                } else if c.word("POISON_MESSAGE_HANDLING") {
                    c.expect("(")?;
                    c.expect_word("STATUS")?;
                    queue.poison = Some(c.on_off()?);
                    c.expect(")")?;
                } else if c.word("ACTIVATION") {
                    queue.activation = Some(c.activation()?);
                } else {
                    return Err(c.unexpected());
                }
                Ok(())
            })?;
        }
        if self.word("ON") {
            // A filegroup: nothing lies anywhere.
            self.any_name()?;
        }
        Ok(rare(Rare::Queue { name, queue, alter }))
    }

    fn activation(&mut self) -> DdlResult<ActivationDef> {
        let mut out = ActivationDef::default();
        self.parenthesised(|c| {
            if c.word("DROP") {
                out.drop = true;
            } else if c.word("STATUS") {
                out.status = Some(c.on_off()?);
            } else if c.word("PROCEDURE_NAME") {
                c.expect("=")?;
                out.procedure = Some(c.object_name()?);
            } else if c.word("MAX_QUEUE_READERS") {
                c.expect("=")?;
                out.readers = Some(i16::try_from(c.integer()?).map_err(|_| c.unexpected())?);
            } else if c.words(&["EXECUTE", "AS"]) || c.words(&["EXEC", "AS"]) {
                out.execute_as = Some(c.any_name()?);
            } else {
                return Err(c.unexpected());
            }
            Ok(())
        })?;
        Ok(out)
    }

    pub(super) fn service(&mut self) -> DdlResult<Statement> {
        self.expect_word("SERVICE")?;
        let name = self.name()?;
        let owner = self.authorization()?;
        self.expect_word("ON")?;
        self.expect_word("QUEUE")?;
        let queue = self.object_name()?;
        let contracts = if self.is_sign(0, "(") { self.parenthesised(|c| c.any_name())? } else { Vec::new() };
        Ok(rare(Rare::Service { name, owner, queue, contracts }))
    }

    pub(super) fn route(&mut self, alter: bool) -> DdlResult<Statement> {
        self.expect_word("ROUTE")?;
        let name = self.name()?;
        let owner = self.authorization()?;
        self.expect_word("WITH")?;
        let options = self.comma_list(|c| c.option(0))?;
        Ok(rare(Rare::Route { name, owner, options, alter }))
    }

    pub(super) fn remote_service_binding(&mut self) -> DdlResult<Statement> {
        for word in ["REMOTE", "SERVICE", "BINDING"] {
            self.expect_word(word)?;
        }
        let name = self.name()?;
        let owner = self.authorization()?;
        self.expect_word("TO")?;
        self.expect_word("SERVICE")?;
        let service = self.text()?;
        self.expect_word("WITH")?;
        let options = self.comma_list(|c| {
            // USER is a reserved word.
            let name = c.any_name()?.to_uppercase();
            c.expect("=")?;
            let value = c.option_value(0)?;
            Ok(crate::sandbox::ddl::ast::Opt { name, value, partitions: None })
        })?;
        Ok(rare(Rare::RemoteServiceBinding { name, owner, service, options }))
    }

    pub(super) fn event_notification(&mut self) -> DdlResult<Statement> {
        self.expect_word("EVENT")?;
        self.expect_word("NOTIFICATION")?;
        let name = self.name()?;
        self.expect_word("ON")?;
        let queue = if self.word("DATABASE") {
            None
        } else if self.word("QUEUE") {
            Some(self.object_name()?)
        } else {
            return Err(super::unsupported("EVENT NOTIFICATION ON SERVER"));
        };
        let fan_in = self.words(&["WITH", "FAN_IN"]);
        self.expect_word("FOR")?;
        let events = self.comma_list(|c| Ok(c.any_name()?.to_uppercase()))?;
        self.expect_word("TO")?;
        self.expect_word("SERVICE")?;
        let service = self.text()?;
        self.expect(",")?;
        let broker = self.text()?;
        Ok(rare(Rare::EventNotification(NotificationDef { name, queue, fan_in, events, service, broker })))
    }
}
