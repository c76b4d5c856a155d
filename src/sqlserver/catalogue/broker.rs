//! Service broker: message types, contracts, queues, services, routes.

use std::collections::HashMap;

use super::elements::Making;
use super::{Builder, grouped};
use crate::bacpac::model::{Column, Element, Kind, Name, Reference, TypeSpec, schema_reference};
use crate::sqlserver::orders::Record;

// Assumption: what the server ships with has identifiers below this one; the route AutoCreatedLocal has it.
const FIRST_OWN: i64 = 65_536;

impl Builder<'_> {
    pub(super) fn service_broker(&mut self) {
        let types = self.own_names("sys.service_message_types", "message_type_id");
        let contracts = self.own_names("sys.service_contracts", "service_contract_id");
        self.message_types(&types);
        self.contracts(&types, &contracts);
        self.queues();
        self.services(&contracts);
        self.routes();
        let others: Vec<_> = [
            ("sys.remote_service_bindings", "remote service binding"),
            ("sys.conversation_priorities", "conversation priority"),
        ]
        .into_iter()
        .flat_map(|(view, kind)| self.rows.of(view).map(move |r| (kind, r.string("name"))))
        .collect();
        for (kind, name) in others {
            self.left_out(kind, Name::one(name));
        }
    }

    /// Names by id, the server's own among them (contracts refer to its message types).
    fn own_names(&self, view: &str, id: &str) -> HashMap<i64, String> {
        self.rows.of(view).filter_map(|r| Some((r.int(id)?, r.string("name")))).collect()
    }

    fn message_types(&mut self, types: &HashMap<i64, String>) {
        let rows: Vec<_> = self.rows.of("sys.service_message_types").collect();
        for r in rows {
            let Some(id) = r.int("message_type_id").filter(|id| *id >= FIRST_OWN) else { continue };
            let Some(name) = types.get(&id).map(|n| Name::one(n.as_str())) else { continue };
            let collection = r.int("xml_collection_id").and_then(|c| self.types.xml_collection(c));
            let method = match (r.string("validation").trim(), &collection) {
                ("E", _) => "2",
                ("X", Some(_)) => "4",
                ("X", None) => "3",
                _ => "1",
            };
            let owner = self.owner(r.int("principal_id"), &name);
            let made = Making::new("SqlMessageType", Some(&name))
                .with("ValidationMethod", Some(method).filter(|m| *m != "1"))
                .to("Authorizer", owner)
                .to("XmlSchemaCollection", collection.map(|c| Reference::to(&c)))
                .finish();
            self.other(made);
        }
    }

    fn contracts(&mut self, types: &HashMap<i64, String>, contracts: &HashMap<i64, String>) {
        let usages = grouped(self.rows, "sys.service_contract_message_usages", "service_contract_id");
        let rows: Vec<_> = self.rows.of("sys.service_contracts").collect();
        for r in rows {
            let Some(id) = r.int("service_contract_id").filter(|id| *id >= FIRST_OWN) else { continue };
            let Some(name) = contracts.get(&id).map(|n| Name::one(n.as_str())) else { continue };
            let mut messages: Vec<(String, Element)> = Vec::new();
            for usage in usages.get(&id).into_iter().flatten() {
                let known = usage.int("message_type_id").and_then(|number| Some((number, types.get(&number)?)));
                let Some((number, message)) = known else {
                    self.left_out("message of contract", &name);
                    continue;
                };
                let by = match (usage.bool("is_sent_by_initiator"), usage.bool("is_sent_by_target")) {
                    (true, true) => "3",
                    (_, true) => "2",
                    _ => "1",
                };
                let reference = named(&Name::one(message.as_str()), number);
                let made = Making::new("SqlContractMessageSpecifier", None)
                    .with("SentBy", Some(by))
                    .to("MessageType", [reference])
                    .finish();
                messages.push((message.clone(), made));
            }
            messages.sort_by(|(a, _), (b, _)| a.cmp(b));
            let owner = self.owner(r.int("principal_id"), &name);
            let made = Making::new("SqlContract", Some(&name))
                .to("Authorizer", owner)
                .of("Messages", messages.into_iter().map(|(_, m)| m))
                .finish();
            self.other(made);
        }
    }

    fn queues(&mut self) {
        let rows: Vec<_> = self.rows.of("sys.service_queues").collect();
        for r in rows {
            // The server's own queues are objects that it ships.
            let Some(object) = self.object(r.int("object_id")) else { continue };
            let name = object.name.clone();
            let procedure = r.text("activation_procedure").and_then(two_parts);
            let runs_as = r.int("execute_as_principal_id");
            let user = runs_as.filter(|id| *id > 0).and_then(|id| self.principal(Some(id)));
            let activates = procedure.is_some();
            let made = Making::new("SqlQueue", Some(&name))
                .with("IsStatusOn", (!r.bool("is_receive_enabled")).then_some("False"))
                .with("IsRetentionOn", r.bool("is_retention_enabled").then_some("True"))
                .with(
                    "IsActivationOn",
                    activates.then_some(if r.bool("is_activation_enabled") { "True" } else { "False" }),
                )
                .with("MaxQueueReaders", r.int("max_readers").filter(|_| activates).map(|n| n.to_string()))
                .with(
                    "IsPoisonMessageHandlingEnabled",
                    (r.int("is_poison_message_handling_enabled") == Some(0)).then_some("False"),
                )
                .with("IsOwner", (runs_as == Some(-2)).then_some("True"))
                .to("ActivationProcedure", procedure.map(|p| Reference::to(&p)))
                .of("Columns", queue_columns(&name))
                .to("Schema", [schema_reference(name.schema())])
                .to("User", user)
                .finish();
            self.other(made);
        }
    }

    fn services(&mut self, contracts: &HashMap<i64, String>) {
        let usages = grouped(self.rows, "sys.service_contract_usages", "service_id");
        let rows: Vec<_> = self.rows.of("sys.services").collect();
        for r in rows {
            let Some(id) = r.int("service_id").filter(|id| *id >= FIRST_OWN) else { continue };
            let name = Name::one(r.string("name"));
            let Some(queue) = self.object(r.int("service_queue_id")).map(|q| q.name.clone()) else {
                self.left_out("service", name);
                continue;
            };
            let used = usages.get(&id).map_or(&[][..], Vec::as_slice);
            let mut own: Vec<(String, Reference)> = used
                .iter()
                .filter_map(|u| u.int("service_contract_id"))
                .filter_map(|c| contracts.get(&c).map(|n| (n.clone(), named(&Name::one(n.as_str()), c))))
                .collect();
            if own.len() != used.len() {
                self.left_out("contract of service", &name);
            }
            own.sort_by(|(a, _), (b, _)| a.cmp(b));
            let owner = self.owner(r.int("principal_id"), &name);
            let made = Making::new("SqlService", Some(&name))
                .to("Authorizer", owner)
                .to("Contracts", own.into_iter().map(|(_, c)| c))
                .to("Queue", [Reference::to(&queue)])
                .finish();
            self.other(made);
        }
    }

    fn routes(&mut self) {
        let own = |r: &Record<'_>| r.string("name") != "AutoCreatedLocal";
        let rows: Vec<_> = self.rows.of("sys.routes").filter(own).collect();
        for r in rows {
            let name = Name::one(r.string("name"));
            let owner = self.owner(r.int("principal_id"), &name);
            let text = |column: &str| r.text(column).filter(|t| !t.is_empty());
            let made = Making::new("SqlRoute", Some(&name))
                .with("Service", text("remote_service_name"))
                .with("BrokerInstanceIdentifier", text("broker_instance"))
                .with("Address", text("address"))
                .with("MirrorAddress", text("mirror_address"))
                .to("Authorizer", owner)
                .finish();
            self.other(made);
        }
    }
}

/// A reference to a broker's thing: those of the server are built in.
pub(super) fn named(name: &Name, id: i64) -> Reference {
    if id < FIRST_OWN { Reference::built_in(name) } else { Reference::to(name) }
}

/// The last two parts of a name of two or three.
fn two_parts(text: &str) -> Option<Name> {
    let name = Name::parse(text).ok()?;
    let [.., schema, object] = name.parts() else { return None };
    Some(Name::two(schema.as_str(), object.as_str()))
}

/// The columns that every queue has, as DacFx lists them.
fn queue_columns(queue: &Name) -> Vec<Element> {
    let built_in = TypeSpec::built_in;
    [
        ("status", built_in("tinyint")),
        ("priority", built_in("tinyint")),
        ("queuing_order", built_in("bigint")),
        ("conversation_group_id", built_in("uniqueidentifier")),
        ("conversation_handle", built_in("uniqueidentifier")),
        ("message_sequence_number", built_in("bigint")),
        ("service_name", built_in("nvarchar").length(512)),
        ("service_id", built_in("int")),
        ("service_contract_name", built_in("nvarchar").length(256)),
        ("service_contract_id", built_in("int")),
        ("message_type_name", built_in("nvarchar").length(256)),
        ("message_type_id", built_in("int")),
        ("validation", built_in("nchar").length(2)),
        ("message_body", built_in("varbinary").max()),
        ("message_enqueue_time", built_in("date").max()),
    ]
    .into_iter()
    .map(|(name, spec)| Column::simple(queue, name, spec).to_element())
    .collect()
}
