//! A database: options, schemas, principals, permissions, types and objects. Cheap to clone, changed by copy.

mod fresh;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::broker::Broker;
use super::crypto::Keys;
use super::external::External;
use super::names::fold;
use super::object::Object;
pub use super::options::{Options, SnapshotState, UserAccess};
use super::policy::Classification;
use super::property::ExtendedProperty;
use super::shards::Shards;
use super::stamp::Stamp;
use super::types::{FIRST_USER_TYPE, UserType};

/// `dbo`'s schema id.
pub const DBO_SCHEMA: i32 = 1;
/// `INFORMATION_SCHEMA`'s schema id.
pub const INFORMATION_SCHEMA: i32 = 3;
/// `sys`'s schema id.
pub const SYS_SCHEMA: i32 = 4;
/// `dbo`'s principal id.
pub const DBO: i32 = 1;

/// A schema.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Schema {
    pub schema_id: i32,
    pub name: String,
    pub principal_id: i32,
}

/// A user or role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Principal {
    pub principal_id: i32,
    pub name: String,
    /// `S` SQL user, `R` role, `A` application role, `U`, `G`, `C`, `K`, `E`, `X`.
    pub kind: char,
    pub default_schema: Option<String>,
    pub created: Stamp,
    pub modified: Stamp,
    pub owner: Option<i32>,
    pub sid: Option<Vec<u8>>,
    pub fixed_role: bool,
    /// 0 none, 1 instance, 2 database, 3 Windows, 4 external.
    pub authentication: i32,
    /// The login behind the user.
    pub login: Option<String>,
    pub default_language: Option<String>,
    /// `ALLOW_ENCRYPTED_VALUE_MODIFICATIONS`.
    #[serde(default)]
    pub encrypted_values: bool,
}

/// A GRANT or DENY.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Permission {
    /// 0 database, 1 object or column, 3 schema, 4 principal, 6 type, 10 XML schema collection, …
    pub class: u8,
    pub major_id: i32,
    pub minor_id: i32,
    pub grantee: i32,
    pub grantor: i32,
    /// `SELECT`.
    pub name: String,
    /// `G` grant, `W` with grant option, `D` deny.
    pub state: char,
}

/// XML SCHEMA COLLECTION.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct XmlSchemaCollection {
    pub id: i32,
    pub name: String,
    pub schema_id: i32,
    pub principal_id: Option<i32>,
    pub created: Stamp,
    pub modified: Stamp,
    /// The schemas as sent.
    pub text: String,
}

/// PARTITION FUNCTION.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PartitionFunction {
    pub id: i32,
    pub name: String,
    pub ty: crate::sandbox::value::SqlType,
    /// RANGE RIGHT.
    pub right: bool,
    /// Boundaries in order; `None` for NULL.
    pub boundaries: Vec<Option<super::property::TypedValue>>,
    pub created: Stamp,
    pub modified: Stamp,
}

/// PARTITION SCHEME.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PartitionScheme {
    pub data_space_id: i32,
    pub name: String,
    pub function_id: i32,
    /// Data space ids, one a partition (and one more, NEXT USED).
    pub destinations: Vec<i32>,
}

/// A filegroup.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Filegroup {
    pub data_space_id: i32,
    pub name: String,
    /// `FG`, `FD` FILESTREAM, `FX` memory-optimised.
    pub kind: String,
    pub is_default: bool,
    pub is_read_only: bool,
    pub guid: Option<[u8; 16]>,
    #[serde(default)]
    pub autogrow_all: bool,
}

/// A file. Nothing is on a disk under that name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DatabaseFile {
    pub file_id: i32,
    /// 0 rows, 1 log, 2 FILESTREAM.
    pub kind: u8,
    pub data_space_id: i32,
    pub name: String,
    pub physical_name: String,
    /// 8-KB pages.
    pub size: i32,
    pub max_size: i32,
    pub growth: i32,
    pub percent_growth: bool,
    pub guid: [u8; 16],
}

/// A full-text stop list: words with their languages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StopList {
    pub id: i32,
    pub name: String,
    pub principal_id: i32,
    pub created: Stamp,
    pub modified: Stamp,
    pub words: Vec<(String, i32)>,
}

/// A full-text catalog.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FullTextCatalog {
    pub id: i32,
    pub name: String,
    pub is_default: bool,
    pub accent_sensitive: bool,
    pub principal_id: i32,
}

/// Where a name of a schema leads: an object, or a constraint inside a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The object, or the constraint.
    pub object_id: i32,
    /// Of a constraint: its table.
    pub table_id: Option<i32>,
}

/// A database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Database {
    pub database_id: i32,
    pub name: String,
    pub created: Stamp,
    pub collation: String,
    /// Whether names compare without case.
    pub ignore_case: bool,
    /// `owner_sid`: the login's name.
    pub owner: String,
    /// `service_broker_guid`.
    pub guid: [u8; 16],
    pub options: Options,
    pub schemas: Vec<Schema>,
    pub principals: Vec<Principal>,
    /// (role, member)
    pub role_members: Vec<(i32, i32)>,
    pub permissions: Vec<Permission>,
    /// By class, major and minor id and folded name.
    pub properties: Shards<(u8, i32, i32, String), ExtendedProperty>,
    pub types: Vec<Arc<UserType>>,
    pub xml_collections: Vec<Arc<XmlSchemaCollection>>,
    pub partition_functions: Vec<PartitionFunction>,
    pub partition_schemes: Vec<PartitionScheme>,
    pub filegroups: Vec<Filegroup>,
    pub files: Vec<DatabaseFile>,
    pub fulltext_catalogs: Vec<FullTextCatalog>,
    pub fulltext_stoplists: Vec<StopList>,
    pub broker: Broker,
    pub keys: Keys,
    pub external: External,
    pub classifications: Vec<Classification>,
    objects: Shards<i32, Object>,
    /// (schema, folded name) → object or constraint.
    names: Shards<(i32, String), Located>,
    /// Constraint → table.
    constraints: Shards<i32, i32>,
    /// Table → tables whose foreign keys reference it.
    referencing: Shards<i32, BTreeSet<i32>>,
    /// Table or view → its triggers.
    triggers: Shards<i32, BTreeSet<i32>>,
    next_object: u32,
    next_other: i32,
}

impl Database {
    /// A name as this database compares names.
    pub fn fold(&self, name: &str) -> String {
        fold(name, self.ignore_case)
    }

    /// Whether two names are the same here.
    pub fn same(&self, a: &str, b: &str) -> bool {
        self.fold(a) == self.fold(b)
    }

    /// A fresh object id: positive, scattered as the server scatters them, never given twice.
    pub fn new_object_id(&mut self) -> i32 {
        loop {
            // The step is coprime to the range, so the walk meets every id before it comes back.
            self.next_object = self.next_object.wrapping_add(1);
            let id = ((u64::from(self.next_object) * 16_000_057 + 229_575_857) % 2_147_483_587 + 1) as i32;
            if id > 100 && !self.objects.contains(&id) && !self.constraints.contains(&id) {
                return id;
            }
        }
    }

    /// A fresh id for things counted elsewhere (XML collections, partition functions, …), from 65536.
    pub fn new_other_id(&mut self) -> i32 {
        self.next_other += 1;
        self.next_other - 1
    }

    /// The next `user_type_id`.
    pub fn new_type_id(&self) -> i32 {
        self.types.iter().map(|t| t.user_type_id + 1).max().unwrap_or(FIRST_USER_TYPE).max(FIRST_USER_TYPE)
    }

    /// The next `schema_id`.
    pub fn new_schema_id(&self) -> i32 {
        (5..).find(|id| self.schemas.iter().all(|s| s.schema_id != *id)).unwrap_or(i32::MAX)
    }

    /// The next `principal_id`.
    pub fn new_principal_id(&self) -> i32 {
        (5..).find(|id| self.principals.iter().all(|p| p.principal_id != *id)).unwrap_or(i32::MAX)
    }

    /// The next `data_space_id`: filegroups from 2, partition schemes from 65601.
    pub fn new_data_space_id(&self, scheme: bool) -> i32 {
        if scheme {
            self.partition_schemes.iter().map(|s| s.data_space_id + 1).max().unwrap_or(65_601)
        } else {
            self.filegroups.iter().map(|g| g.data_space_id + 1).max().unwrap_or(2)
        }
    }

    /// A schema by name.
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        let wanted = self.fold(name);
        self.schemas.iter().find(|s| self.fold(&s.name) == wanted)
    }

    /// The name of a schema.
    pub fn schema_name(&self, schema_id: i32) -> &str {
        self.schemas.iter().find(|s| s.schema_id == schema_id).map_or("", |s| s.name.as_str())
    }

    /// A user or role by name.
    pub fn principal(&self, name: &str) -> Option<&Principal> {
        let wanted = self.fold(name);
        self.principals.iter().find(|p| self.fold(&p.name) == wanted)
    }

    /// A user or role by id.
    pub fn principal_by_id(&self, id: i32) -> Option<&Principal> {
        self.principals.iter().find(|p| p.principal_id == id)
    }

    /// Whether a principal is in a role, directly or through others; everybody is in public.
    pub fn is_member(&self, role_id: i32, member_id: i32) -> bool {
        if role_id == 0 || role_id == member_id {
            return true;
        }
        let mut seen = BTreeSet::new();
        let mut todo = vec![member_id];
        while let Some(id) = todo.pop() {
            for (role, member) in &self.role_members {
                if *member == id && seen.insert(*role) {
                    if *role == role_id {
                        return true;
                    }
                    todo.push(*role);
                }
            }
        }
        false
    }

    /// A user's type by schema and name.
    pub fn user_type(&self, schema_id: i32, name: &str) -> Option<&Arc<UserType>> {
        let wanted = self.fold(name);
        self.types.iter().find(|t| t.schema_id == schema_id && self.fold(&t.name) == wanted)
    }

    /// A user's type by id.
    pub fn user_type_by_id(&self, id: i32) -> Option<&Arc<UserType>> {
        self.types.iter().find(|t| t.user_type_id == id)
    }

    /// An XML schema collection by schema and name.
    pub fn xml_collection(&self, schema_id: i32, name: &str) -> Option<&Arc<XmlSchemaCollection>> {
        let wanted = self.fold(name);
        self.xml_collections.iter().find(|c| c.schema_id == schema_id && self.fold(&c.name) == wanted)
    }

    /// What a name leads to: object or constraint.
    pub fn locate(&self, schema_id: i32, name: &str) -> Option<Located> {
        self.names.get(&(schema_id, self.fold(name))).map(|l| **l)
    }

    /// An object (not a constraint) by schema and name.
    pub fn find(&self, schema_id: i32, name: &str) -> Option<&Arc<Object>> {
        let located = self.locate(schema_id, name)?;
        if located.table_id.is_some() { None } else { self.objects.get(&located.object_id) }
    }

    /// An object by id.
    pub fn object(&self, object_id: i32) -> Option<&Arc<Object>> {
        self.objects.get(&object_id)
    }

    /// The table that a constraint belongs to.
    pub fn table_of_constraint(&self, constraint_id: i32) -> Option<i32> {
        self.constraints.get(&constraint_id).map(|t| **t)
    }

    /// All objects, constraints not among them, in no order.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// How many objects, constraints not counted.
    pub fn object_count(&self) -> usize {
        self.objects.len()
    }

    /// Tables with a foreign key that references this table (itself too).
    pub fn referencing(&self, table_id: i32) -> impl Iterator<Item = &Arc<Object>> {
        self.referencing.get(&table_id).into_iter().flat_map(|s| s.iter()).filter_map(|id| self.objects.get(id))
    }

    /// Triggers of a table or view, by id.
    pub fn triggers_of(&self, parent_id: i32) -> impl Iterator<Item = &Arc<Object>> {
        self.triggers.get(&parent_id).into_iter().flat_map(|s| s.iter()).filter_map(|id| self.objects.get(id))
    }

    /// Puts an object, new or changed: the only way in. Keeps the names, constraints and references indexed.
    pub fn put(&mut self, object: Object) -> Arc<Object> {
        let object = Arc::new(object);
        self.put_shared(object.clone());
        object
    }

    /// As [`Database::put`], for an object that is already shared (undo).
    pub fn put_shared(&mut self, object: Arc<Object>) {
        if let Some(old) = self.objects.get(&object.object_id).cloned() {
            self.unindex(&old);
        }
        self.index(&object);
        self.objects.insert(object.object_id, object);
    }

    /// Takes an object out, with its constraints' names (triggers of it are objects of their own).
    pub fn remove(&mut self, object_id: i32) -> Option<Arc<Object>> {
        let old = self.objects.remove(&object_id)?;
        self.unindex(&old);
        Some(old)
    }

    fn index(&mut self, object: &Object) {
        let name = self.fold(&object.name);
        let at = Located { object_id: object.object_id, table_id: None };
        self.names.insert((object.schema_id, name), Arc::new(at));
        if object.parent_object_id != 0 {
            add(&mut self.triggers, object.parent_object_id, object.object_id);
        }
        if let Some(table) = object.table() {
            for (head, _) in table.constraints() {
                let at = Located { object_id: head.object_id, table_id: Some(object.object_id) };
                let name = fold(&head.name, self.ignore_case);
                self.names.insert((object.schema_id, name), Arc::new(at));
                self.constraints.insert(head.object_id, Arc::new(object.object_id));
            }
            for key in &table.foreign_keys {
                add(&mut self.referencing, key.referenced_object_id, object.object_id);
            }
        }
    }

    fn unindex(&mut self, object: &Object) {
        self.names.remove(&(object.schema_id, self.fold(&object.name)));
        if object.parent_object_id != 0 {
            take(&mut self.triggers, object.parent_object_id, object.object_id);
        }
        if let Some(table) = object.table() {
            for (head, _) in table.constraints() {
                self.names.remove(&(object.schema_id, fold(&head.name, self.ignore_case)));
                self.constraints.remove(&head.object_id);
            }
            for key in &table.foreign_keys {
                take(&mut self.referencing, key.referenced_object_id, object.object_id);
            }
        }
    }

    /// What it takes to bring `self`'s objects back after a rollback: for each object that differs in `after`,
    /// what it was in `self` (`None`: it did not exist).
    pub fn undo_of(&self, after: &Database) -> Vec<(i32, Option<Arc<Object>>)> {
        self.objects.changed(&after.objects)
    }

    /// Brings back everything but objects as it was in `before`.
    pub fn undo_shape(&mut self, before: &Database) {
        self.name.clone_from(&before.name);
        self.collation.clone_from(&before.collation);
        self.owner.clone_from(&before.owner);
        self.options = before.options.clone();
        self.schemas = before.schemas.clone();
        self.principals = before.principals.clone();
        self.role_members = before.role_members.clone();
        self.permissions = before.permissions.clone();
        self.properties = before.properties.clone();
        self.types = before.types.clone();
        self.xml_collections = before.xml_collections.clone();
        self.partition_functions = before.partition_functions.clone();
        self.partition_schemes = before.partition_schemes.clone();
        self.filegroups = before.filegroups.clone();
        self.files = before.files.clone();
        self.fulltext_catalogs = before.fulltext_catalogs.clone();
        self.fulltext_stoplists = before.fulltext_stoplists.clone();
        self.broker = before.broker.clone();
        self.keys = before.keys.clone();
        self.external = before.external.clone();
        self.classifications = before.classifications.clone();
        self.guid = before.guid;
        self.ignore_case = before.ignore_case;
    }

    /// Applies [`Database::undo_of`].
    pub fn undo(&mut self, changes: &[(i32, Option<Arc<Object>>)]) {
        for (id, _) in changes {
            self.remove(*id);
        }
        for object in changes.iter().filter_map(|(_, before)| before.as_ref()) {
            self.put_shared(object.clone());
        }
    }
}

fn add(map: &mut Shards<i32, BTreeSet<i32>>, key: i32, value: i32) {
    let mut set = map.get(&key).map(|s| s.as_ref().clone()).unwrap_or_default();
    if set.insert(value) {
        map.insert(key, Arc::new(set));
    }
}

fn take(map: &mut Shards<i32, BTreeSet<i32>>, key: i32, value: i32) {
    let Some(set) = map.get(&key) else { return };
    let mut set = set.as_ref().clone();
    set.remove(&value);
    if set.is_empty() {
        map.remove(&key);
    } else {
        map.insert(key, Arc::new(set));
    }
}

/// Whether names compare without case under a collation.
pub fn ignores_case(collation: &str) -> bool {
    let upper = collation.to_ascii_uppercase();
    upper.contains("_CI") && !upper.contains("_BIN")
}
