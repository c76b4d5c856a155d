//! Service broker, as metadata: no message is ever sent.

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// MESSAGE TYPE.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MessageType {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    /// `N` none, `X` XML, `E` empty.
    pub validation: char,
    /// VALID_XML WITH SCHEMA COLLECTION.
    pub xml_collection: Option<i32>,
}

/// CONTRACT: message type, sent by the initiator, sent by the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Contract {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    pub messages: Vec<(i32, bool, bool)>,
}

/// SERVICE.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Service {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    pub queue_id: i32,
    pub contracts: Vec<i32>,
}

/// ROUTE.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Route {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    pub service: Option<String>,
    pub broker: Option<String>,
    pub lifetime: Option<Stamp>,
    pub address: Option<String>,
    pub mirror: Option<String>,
}

/// REMOTE SERVICE BINDING.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RemoteServiceBinding {
    pub id: i32,
    pub name: String,
    pub owner: i32,
    pub service: String,
    pub user: i32,
    pub anonymous: bool,
}

/// EVENT NOTIFICATION on the database or on a queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EventNotification {
    pub object_id: i32,
    pub name: String,
    pub owner: i32,
    /// A queue; 0 for the database.
    pub parent_id: i32,
    pub created: Stamp,
    pub service: String,
    pub broker: String,
    pub events: Vec<String>,
    /// WITH FAN_IN.
    pub fan_in: bool,
}

/// QUEUE: an object of its schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Queue {
    pub receive: bool,
    pub enqueue: bool,
    pub retention: bool,
    pub poison_handling: bool,
    pub activation: bool,
    /// Three-part name, as the catalogue shows it.
    pub procedure: Option<String>,
    pub max_readers: i16,
    /// As [`super::Module::execute_as`].
    pub execute_as: Option<i32>,
}

/// What a database has of it, the system's own aside.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Broker {
    pub message_types: Vec<MessageType>,
    pub contracts: Vec<Contract>,
    pub services: Vec<Service>,
    pub routes: Vec<Route>,
    pub bindings: Vec<RemoteServiceBinding>,
    pub notifications: Vec<EventNotification>,
}

const MESSAGES: &str = "http://schemas.microsoft.com/SQL/";

/// The message types of every database, as a fresh server lists them: id, name without `MESSAGES`, validation.
pub const SYSTEM_MESSAGE_TYPES: &[(i32, &str, char)] = &[
    (1, "ServiceBroker/Error", 'X'),
    (2, "ServiceBroker/EndDialog", 'E'),
    (3, "Notifications/QueryNotification", 'X'),
    (4, "Notifications/EventNotification", 'X'),
    (5, "ServiceBroker/DialogTimer", 'E'),
    (6, "ServiceBroker/BrokerConfigurationNotice/MissingRoute", 'X'),
    (7, "ServiceBroker/BrokerConfigurationNotice/FailedRoute", 'X'),
    (8, "ServiceBroker/BrokerConfigurationNotice/MissingRemoteServiceBinding", 'X'),
    (9, "ServiceBroker/BrokerConfigurationNotice/FailedRemoteServiceBinding", 'X'),
    (10, "ServiceBroker/ServiceEcho/Echo", 'N'),
    (11, "ServiceBroker/ServiceDiagnostic/Query", 'X'),
    (12, "ServiceBroker/ServiceDiagnostic/Status", 'X'),
    (13, "ServiceBroker/ServiceDiagnostic/Description", 'N'),
    (14, "", 'N'),
];

/// The contracts of every database.
pub const SYSTEM_CONTRACTS: &[(i32, &str)] = &[
    (1, "Notifications/PostQueryNotification"),
    (2, "Notifications/PostEventNotification"),
    (3, "ServiceBroker/BrokerConfigurationNotice"),
    (4, "ServiceBroker/ServiceEcho"),
    (5, "ServiceBroker/ServiceDiagnostic"),
    (6, ""),
];

/// The queues of every database: object id, name, and the service over it.
pub const SYSTEM_QUEUES: &[(i32, &str, i32, &str)] = &[
    (1_977_058_079, "QueryNotificationErrorsQueue", 1, "Notifications/QueryNotificationService"),
    (2_009_058_193, "EventNotificationErrorsQueue", 2, "Notifications/EventNotificationService"),
    (2_041_058_307, "ServiceBrokerQueue", 3, "ServiceBroker/ServiceBroker"),
];

/// The route that every database has: its id and name.
pub const SYSTEM_ROUTE: (i32, &str) = (65_536, "AutoCreatedLocal");

/// The full name of one of the system's own; the nameless one is DEFAULT.
pub fn system_name(short: &str) -> String {
    if short.is_empty() { "DEFAULT".into() } else { format!("{MESSAGES}{short}") }
}

impl Broker {
    /// The id of a message type by its exact name: broker names compare byte by byte.
    pub fn message_type(&self, name: &str) -> Option<i32> {
        let own = self.message_types.iter().find(|m| m.name == name).map(|m| m.id);
        own.or_else(|| SYSTEM_MESSAGE_TYPES.iter().find(|(_, n, _)| system_name(n) == name).map(|m| m.0))
    }

    /// The id of a contract by its exact name.
    pub fn contract(&self, name: &str) -> Option<i32> {
        let own = self.contracts.iter().find(|c| c.name == name).map(|c| c.id);
        own.or_else(|| SYSTEM_CONTRACTS.iter().find(|(_, n)| system_name(n) == name).map(|c| c.0))
    }
}
