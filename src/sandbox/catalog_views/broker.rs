//! Views of service broker: the system's own rows are there as on every server.

use super::objects::{Head, head};
use super::{Cell, Scan};
use crate::sandbox::meta::broker::{SYSTEM_CONTRACTS, SYSTEM_MESSAGE_TYPES, SYSTEM_QUEUES, SYSTEM_ROUTE, system_name};
use crate::sandbox::meta::{Kind, events};

/// `sys.service_message_types`.
pub(super) fn message_types(s: &mut Scan<'_, '_>) {
    let validation = |code: char| match code {
        'X' => "XML",
        'E' => "EMPTY",
        _ => "BINARY",
    };
    for (id, name, code) in SYSTEM_MESSAGE_TYPES {
        s.row(&|column| match column {
            "name" => system_name(name).into(),
            "message_type_id" => (*id).into(),
            "principal_id" => 1.into(),
            "validation" => (*code).into(),
            "validation_desc" => validation(*code).into(),
            _ => Cell::Unsaid,
        });
    }
    for m in &s.db().broker.message_types {
        s.row(&|column| match column {
            "name" => (&m.name).into(),
            "message_type_id" => m.id.into(),
            "principal_id" => m.owner.into(),
            "validation" => m.validation.into(),
            "validation_desc" => validation(m.validation).into(),
            "xml_collection_id" => m.xml_collection.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.service_contracts`.
pub(super) fn contracts(s: &mut Scan<'_, '_>) {
    let system = SYSTEM_CONTRACTS.iter().map(|(id, name)| (system_name(name), *id, 1));
    let own = s.db().broker.contracts.iter().map(|c| (c.name.clone(), c.id, c.owner));
    for (name, id, owner) in system.chain(own) {
        s.row(&|column| match column {
            "name" => (&name).into(),
            "service_contract_id" => id.into(),
            "principal_id" => owner.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.service_contract_message_usages`: of the system's, DEFAULT alone.
// Assumption: which messages the system's other contracts have is left out.
pub(super) fn contract_messages(s: &mut Scan<'_, '_>) {
    let own = s.db().broker.contracts.iter().flat_map(|c| c.messages.iter().map(|m| (c.id, *m)));
    for (contract, (message, initiator, target)) in std::iter::once((6, (14, true, true))).chain(own) {
        s.row(&|column| match column {
            "service_contract_id" => contract.into(),
            "message_type_id" => message.into(),
            "is_sent_by_initiator" => initiator.into(),
            "is_sent_by_target" => target.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// The heads of the system's queues, which are objects of dbo.
pub(super) fn system_queues(s: &mut Scan<'_, '_>, queues: bool) {
    let started = s.source.server.started;
    for (id, name, ..) in SYSTEM_QUEUES {
        if s.only.is_some_and(|only| only != *id) {
            continue;
        }
        let h = Head {
            id: *id,
            name,
            schema: 1,
            parent: 0,
            principal: None,
            code: "SQ",
            text: "SERVICE_QUEUE",
            created: started,
            modified: started,
            shipped: true,
        };
        s.row(&|column| match column {
            "is_receive_enabled" | "is_enqueue_enabled" if queues => true.into(),
            "max_readers" | "is_activation_enabled" | "is_retention_enabled" | "is_poison_message_handling_enabled"
                if queues =>
            {
                0.into()
            }
            other => h.cell(other),
        });
    }
}

/// `sys.service_queues`.
pub(super) fn queues(s: &mut Scan<'_, '_>) {
    system_queues(s, true);
    for o in s.objects() {
        let Kind::Queue(q) = &o.kind else { continue };
        let h = head(o);
        s.row(&|column| match column {
            "max_readers" => q.max_readers.into(),
            "activation_procedure" => q.procedure.as_ref().into(),
            "execute_as_principal_id" => q.execute_as.into(),
            "is_activation_enabled" => q.activation.into(),
            "is_receive_enabled" => q.receive.into(),
            "is_enqueue_enabled" => q.enqueue.into(),
            "is_retention_enabled" => q.retention.into(),
            "is_poison_message_handling_enabled" => q.poison_handling.into(),
            other => h.cell(other),
        });
    }
}

/// `sys.services`.
pub(super) fn services(s: &mut Scan<'_, '_>) {
    let system = SYSTEM_QUEUES.iter().map(|(queue, _, id, name)| (system_name(name), *id, 1, *queue));
    let own = s.db().broker.services.iter().map(|x| (x.name.clone(), x.id, x.owner, x.queue_id));
    for (name, id, owner, queue) in system.chain(own) {
        s.row(&|column| match column {
            "name" => (&name).into(),
            "service_id" => id.into(),
            "principal_id" => owner.into(),
            "service_queue_id" => queue.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.service_contract_usages`: the system's services take the contracts of their numbers.
pub(super) fn service_contracts(s: &mut Scan<'_, '_>) {
    let own = s.db().broker.services.iter().flat_map(|x| x.contracts.iter().map(|c| (x.id, *c)));
    for (service, contract) in [(1, 1), (2, 2), (3, 3)].into_iter().chain(own) {
        s.row(&|column| match column {
            "service_id" => service.into(),
            "service_contract_id" => contract.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.routes`.
pub(super) fn routes(s: &mut Scan<'_, '_>) {
    s.row(&|column| match column {
        "name" => SYSTEM_ROUTE.1.into(),
        "route_id" => SYSTEM_ROUTE.0.into(),
        "principal_id" => 1.into(),
        "address" => "LOCAL".into(),
        _ => Cell::Unsaid,
    });
    for r in &s.db().broker.routes {
        s.row(&|column| match column {
            "name" => (&r.name).into(),
            "route_id" => r.id.into(),
            "principal_id" => r.owner.into(),
            "remote_service_name" => r.service.as_ref().into(),
            "broker_instance" => r.broker.as_ref().into(),
            "lifetime" => r.lifetime.into(),
            "address" => r.address.as_ref().into(),
            "mirror_address" => r.mirror.as_ref().into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.remote_service_bindings`.
pub(super) fn bindings(s: &mut Scan<'_, '_>) {
    for b in &s.db().broker.bindings {
        s.row(&|column| match column {
            "name" => (&b.name).into(),
            "remote_service_binding_id" => b.id.into(),
            "principal_id" => b.owner.into(),
            "remote_service_name" => (&b.service).into(),
            "service_contract_id" => 0.into(),
            "remote_principal_id" => b.user.into(),
            "is_anonymous_on" => b.anonymous.into(),
            _ => Cell::Unsaid,
        });
    }
}

/// `sys.event_notifications`.
pub(super) fn notifications(s: &mut Scan<'_, '_>) {
    for n in &s.db().broker.notifications {
        let on_queue = n.parent_id != 0;
        s.row(&|column| match column {
            "name" => (&n.name).into(),
            "object_id" => n.object_id.into(),
            "parent_class" => i32::from(on_queue).into(),
            "parent_class_desc" => if on_queue { "OBJECT_OR_COLUMN" } else { "DATABASE" }.into(),
            "parent_id" => n.parent_id.into(),
            "create_date" | "modify_date" => n.created.into(),
            "service_name" => (&n.service).into(),
            "broker_instance" => (&n.broker).into(),
            "principal_id" => n.owner.into(),
            "creator_sid" if n.fan_in => Cell::Bytes(vec![1]),
            "creator_sid" => Cell::Null,
            _ => Cell::Unsaid,
        });
    }
}

/// The events of notifications, for `sys.events`.
pub(super) fn notification_events(s: &mut Scan<'_, '_>) {
    for n in &s.db().broker.notifications {
        for name in &n.events {
            let Some(event) = events::named(name) else {
                event_row(s, n.object_id, 1204, name, None);
                continue;
            };
            for single in events::within(event) {
                event_row(s, n.object_id, single.number, single.name, event.is_group().then_some(event));
            }
        }
    }
}

fn event_row(s: &mut Scan<'_, '_>, id: i32, number: i32, name: &str, group: Option<&events::EventType>) {
    s.row(&|column| match column {
        "object_id" => id.into(),
        "type" => number.into(),
        "type_desc" => name.into(),
        "is_trigger_event" => false.into(),
        "event_group_type" => group.map(|g| g.number).into(),
        "event_group_type_desc" => group.map(|g| g.name).into(),
        _ => Cell::Unsaid,
    });
}

/// `sys.trigger_event_types`.
pub(super) fn event_types(s: &mut Scan<'_, '_>) {
    for e in events::all() {
        s.row(&|column| match column {
            "type" => e.number.into(),
            "type_name" => e.name.into(),
            "parent_type" => (e.parent != 0).then_some(e.parent).into(),
            _ => Cell::Unsaid,
        });
    }
}
