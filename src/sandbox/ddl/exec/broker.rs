//! Service broker: message types, contracts, queues, services, routes, bindings, event notifications.

use crate::sandbox::ddl::ast::rare::{ActivationDef, NotificationDef, QueueDef, Validation};
use crate::sandbox::ddl::ast::{ObjectName, Opt};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_find, name_in_use};
use crate::sandbox::meta::broker::{
    Contract, EventNotification, MessageType, Queue, RemoteServiceBinding, Route, Service,
};
use crate::sandbox::meta::names::bracket;
use crate::sandbox::meta::{Kind, Stamp, events};

use super::Run;
use crate::sandbox::ddl::ast::said;

impl Run<'_> {
    pub(super) fn message_type(
        &mut self,
        name: &str,
        owner: Option<&str>,
        validation: &Validation,
        alter: bool,
    ) -> DdlResult<()> {
        let database_id = self.rare_place(if alter { "ALTER ANY MESSAGE TYPE" } else { "CREATE MESSAGE TYPE" })?;
        let owner = self.owner(database_id, owner)?;
        let (code, collection) = match validation {
            Validation::None => ('N', None),
            Validation::Empty => ('E', None),
            Validation::WellFormed => ('X', None),
            Validation::Schema(schema) => {
                let schema_id = self.schema(database_id, schema)?;
                let found = self.db(database_id)?.xml_collection(schema_id, &schema.name).map(|c| c.id);
                let id = found.ok_or_else(|| cannot_find("find", "xml schema collection", &schema.shown()))?;
                ('X', Some(id))
            }
        };
        let database = self.shape(database_id)?;
        if alter {
            let found = database.broker.message_types.iter_mut().find(|m| m.name == name);
            let found = found.ok_or_else(|| cannot_find("alter", "message type", name))?;
            (found.validation, found.xml_collection) = (code, collection);
            return Ok(());
        }
        if database.broker.message_type(name).is_some() {
            return Err(name_in_use(name, 1));
        }
        let id = database.new_other_id();
        let made = MessageType { id, name: name.into(), owner, validation: code, xml_collection: collection };
        database.broker.message_types.push(made);
        Ok(())
    }

    pub(super) fn contract(
        &mut self,
        name: &str,
        owner: Option<&str>,
        messages: &[(String, bool, bool)],
    ) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE CONTRACT")?;
        let owner = self.owner(database_id, owner)?;
        let database = self.shape(database_id)?;
        if database.broker.contract(name).is_some() {
            return Err(name_in_use(name, 1));
        }
        let mut ids = Vec::new();
        for (message, initiator, target) in messages {
            let id = database.broker.message_type(message);
            ids.push((id.ok_or_else(|| cannot_find("find", "message type", message))?, *initiator, *target));
        }
        let id = database.new_other_id();
        database.broker.contracts.push(Contract { id, name: name.into(), owner, messages: ids });
        Ok(())
    }

    pub(super) fn queue(&mut self, name: &ObjectName, def: &QueueDef, alter: bool) -> DdlResult<()> {
        let database_id = self.target(name)?;
        if alter {
            let missing = || cannot_find("alter", "queue", &name.shown());
            let (database_id, found) = self.find(name)?.ok_or_else(missing)?;
            let mut changed = found.as_ref().clone();
            let Kind::Queue(queue) = &changed.kind else { return Err(missing()) };
            let queue = self.queue_of(database_id, queue.as_ref().clone(), def)?;
            changed.kind = Kind::Queue(Box::new(queue));
            return self.put(database_id, changed).map(|_| ());
        }
        self.allow_create(database_id, "CREATE QUEUE")?;
        let schema_id = self.schema(database_id, name)?;
        self.free_name(database_id, schema_id, &name.name, 3)?;
        let fresh = Queue {
            receive: true,
            enqueue: true,
            retention: false,
            poison_handling: true,
            activation: false,
            procedure: None,
            max_readers: 0,
            execute_as: None,
        };
        let queue = self.queue_of(database_id, fresh, def)?;
        let made = self.fresh(database_id, schema_id, &name.name, 0, Kind::Queue(Box::new(queue)))?;
        self.db_mut(database_id)?.put(made);
        Ok(())
    }

    fn queue_of(&self, database_id: i32, mut queue: Queue, def: &QueueDef) -> DdlResult<Queue> {
        if let Some(on) = def.status {
            (queue.receive, queue.enqueue) = (on, on);
        }
        queue.retention = def.retention.unwrap_or(queue.retention);
        queue.poison_handling = def.poison.unwrap_or(queue.poison_handling);
        if let Some(activation) = &def.activation {
            self.activation(database_id, &mut queue, activation)?;
        }
        Ok(queue)
    }

    fn activation(&self, database_id: i32, queue: &mut Queue, def: &ActivationDef) -> DdlResult<()> {
        if def.drop {
            (queue.activation, queue.procedure, queue.max_readers, queue.execute_as) = (false, None, 0, None);
            return Ok(());
        }
        if let Some(name) = &def.procedure {
            let database = self.db(database_id)?;
            let schema = match &name.schema {
                Some(schema) => schema.clone(),
                None => database
                    .schema_name(crate::sandbox::ddl::rights::default_schema(self.server, database, &self.who.login))
                    .to_string(),
            };
            let parts = [name.database.as_deref().unwrap_or(&database.name), &schema, &name.name];
            queue.procedure = Some(parts.map(bracket).join("."));
        }
        queue.max_readers = def.readers.unwrap_or(queue.max_readers);
        if let Some(who) = &def.execute_as {
            queue.execute_as = self.execute_as(database_id, who)?;
        }
        // Naming a procedure switches it on unless told otherwise.
        queue.activation = def.status.unwrap_or(queue.activation || def.procedure.is_some());
        Ok(())
    }

    pub(super) fn service(
        &mut self,
        name: &str,
        owner: Option<&str>,
        queue: &ObjectName,
        contracts: &[String],
    ) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE SERVICE")?;
        let owner = self.owner(database_id, owner)?;
        let missing = || cannot_find("find", "queue", &queue.shown());
        let (_, found) = self.find(queue)?.ok_or_else(missing)?;
        if !matches!(found.kind, Kind::Queue(_)) {
            return Err(missing());
        }
        let database = self.shape(database_id)?;
        if database.broker.services.iter().any(|s| s.name == name) {
            return Err(name_in_use(name, 1));
        }
        let mut ids = Vec::new();
        for contract in contracts {
            let id = database.broker.contract(contract);
            ids.push(id.ok_or_else(|| cannot_find("find", "service contract", contract))?);
        }
        let id = database.new_other_id();
        let made = Service { id, name: name.into(), owner, queue_id: found.object_id, contracts: ids };
        database.broker.services.push(made);
        Ok(())
    }

    pub(super) fn route(&mut self, name: &str, owner: Option<&str>, options: &[Opt], alter: bool) -> DdlResult<()> {
        let database_id = self.rare_place(if alter { "ALTER ANY ROUTE" } else { "CREATE ROUTE" })?;
        let owner = self.owner(database_id, owner)?;
        let now = self.now;
        let database = self.shape(database_id)?;
        let at = database.broker.routes.iter().position(|r| r.name == name);
        let mut route = match (alter, at) {
            (true, Some(at)) => database.broker.routes[at].clone(),
            (true, None) => return Err(cannot_find("alter", "route", name)),
            (false, Some(_)) => return Err(name_in_use(name, 1)),
            (false, None) => {
                let id = database.new_other_id().max(65_537);
                let name = name.to_string();
                Route { id, name, owner, service: None, broker: None, lifetime: None, address: None, mirror: None }
            }
        };
        for (slot, word) in [
            (&mut route.service, "SERVICE_NAME"),
            (&mut route.broker, "BROKER_INSTANCE"),
            (&mut route.address, "ADDRESS"),
            (&mut route.mirror, "MIRROR_ADDRESS"),
        ] {
            if let Some(text) = said(options, word) {
                *slot = Some(text);
            }
        }
        if let Some(seconds) = options.iter().find(|o| o.name == "LIFETIME").and_then(Opt::number) {
            route.lifetime = Some(Stamp(now.0.saturating_add(seconds.saturating_mul(1000))));
        }
        match at {
            Some(at) => database.broker.routes[at] = route,
            None => database.broker.routes.push(route),
        }
        Ok(())
    }

    pub(super) fn remote_service_binding(
        &mut self,
        name: &str,
        owner: Option<&str>,
        service: &str,
        options: &[Opt],
    ) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE REMOTE SERVICE BINDING")?;
        let owner = self.owner(database_id, owner)?;
        let user = said(options, "USER").unwrap_or_default();
        let user_id = self.principal_id(database_id, &user, "find", "user")?;
        let anonymous = options.iter().any(|o| o.name == "ANONYMOUS" && o.is_on());
        let database = self.shape(database_id)?;
        if database.broker.bindings.iter().any(|b| b.name == name) {
            return Err(name_in_use(name, 1));
        }
        let id = database.new_other_id();
        database.broker.bindings.push(RemoteServiceBinding {
            id,
            name: name.into(),
            owner,
            service: service.into(),
            user: user_id,
            anonymous,
        });
        Ok(())
    }

    pub(super) fn event_notification(&mut self, def: &NotificationDef) -> DdlResult<()> {
        let database_id = self.rare_place("CREATE DATABASE DDL EVENT NOTIFICATION")?;
        let owner = self.owner(database_id, None)?;
        let parent_id = match &def.queue {
            None => 0,
            Some(name) => {
                let found = self.find(name)?.filter(|(_, o)| matches!(o.kind, Kind::Queue(_)));
                found.ok_or_else(|| cannot_find("find", "queue", &name.shown()))?.1.object_id
            }
        };
        for event in &def.events {
            // A queue's only event is its activation.
            let known = events::named(event).is_some() || (parent_id != 0 && event == "QUEUE_ACTIVATION");
            if !known {
                // Assumption: the number and words of an event that there is not.
                return Err(DdlError::new(1084, 1, 15, format!("'{event}' is an invalid event type.")));
            }
        }
        let created = self.now;
        let database = self.shape(database_id)?;
        if database.broker.notifications.iter().any(|n| n.parent_id == parent_id && n.name == def.name) {
            return Err(name_in_use(&def.name, 1));
        }
        let object_id = database.new_object_id();
        database.broker.notifications.push(EventNotification {
            object_id,
            name: def.name.clone(),
            owner,
            parent_id,
            created,
            service: def.service.clone(),
            broker: def.broker.clone(),
            events: def.events.clone(),
            fan_in: def.fan_in,
        });
        Ok(())
    }
}
