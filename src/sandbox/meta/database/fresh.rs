//! What a new database has.

use crate::sandbox::meta::broker::Broker;
use crate::sandbox::meta::crypto::Keys;
use crate::sandbox::meta::external::External;
use crate::sandbox::meta::shards::Shards;
use crate::sandbox::meta::stamp::Stamp;

use super::{DBO, Database, DatabaseFile, Filegroup, Options, Permission, Principal, Schema, ignores_case};

impl Database {
    /// A database with what every database has: schemas, fixed roles, one filegroup, two files.
    pub fn new(database_id: i32, name: &str, collation: &str, owner: &str, options: Options) -> Database {
        let now = Stamp::now();
        let guid = *uuid::Uuid::new_v4().as_bytes();
        let compatibility_level = options.compatibility_level;
        let fixed = [
            "db_owner",
            "db_accessadmin",
            "db_securityadmin",
            "db_ddladmin",
            "db_backupoperator",
            "db_datareader",
            "db_datawriter",
            "db_denydatareader",
            "db_denydatawriter",
        ];
        // The fixed roles' ids have a gap before the deny roles.
        let ids = [16384, 16385, 16386, 16387, 16389, 16390, 16391, 16392, 16393];
        let person = |id: i32, name: &str, schema: Option<&str>, sid: Option<Vec<u8>>| Principal {
            principal_id: id,
            name: name.to_string(),
            kind: 'S',
            default_schema: schema.map(str::to_string),
            created: now,
            modified: now,
            owner: None,
            sid,
            fixed_role: false,
            authentication: i32::from(id == DBO),
            login: (id == DBO).then(|| owner.to_string()),
            default_language: None,
            encrypted_values: false,
        };
        let role = |id: i32, name: &str, fixed: bool| Principal {
            principal_id: id,
            name: name.to_string(),
            kind: 'R',
            default_schema: None,
            created: now,
            modified: now,
            owner: Some(DBO),
            sid: Some(role_sid(id)),
            fixed_role: fixed,
            authentication: 0,
            login: None,
            default_language: None,
            encrypted_values: false,
        };
        let mut principals = vec![
            role(0, "public", false),
            person(1, "dbo", Some("dbo"), Some(vec![1])),
            person(2, "guest", Some("guest"), Some(vec![0])),
            person(3, "INFORMATION_SCHEMA", None, None),
            person(4, "sys", None, None),
        ];
        principals.extend(fixed.iter().zip(ids).map(|(name, id)| role(id, name, true)));
        let mut schemas = vec![
            Schema { schema_id: 1, name: "dbo".into(), principal_id: 1 },
            Schema { schema_id: 2, name: "guest".into(), principal_id: 2 },
            Schema { schema_id: 3, name: "INFORMATION_SCHEMA".into(), principal_id: 3 },
            Schema { schema_id: 4, name: "sys".into(), principal_id: 4 },
        ];
        schemas.extend(fixed.iter().zip(ids).map(|(name, id)| Schema {
            schema_id: id,
            name: name.to_string(),
            principal_id: id,
        }));
        // Fact 49: growth 64 MB, no limit for data, 2 TB for the log.
        let file = |file_id: i32, kind: u8, suffix: &str, extension: &str, max_size: i32| DatabaseFile {
            file_id,
            kind,
            data_space_id: if kind == 0 { 1 } else { 0 },
            name: format!("{name}{suffix}"),
            physical_name: format!("/var/opt/mssql/data/{name}{suffix}.{extension}"),
            size: 1024,
            max_size,
            growth: 8192,
            percent_growth: false,
            guid: *uuid::Uuid::new_v4().as_bytes(),
        };
        Database {
            database_id,
            name: name.to_string(),
            created: now,
            collation: collation.to_string(),
            ignore_case: ignores_case(collation),
            owner: owner.to_string(),
            guid,
            options,
            schemas,
            principals,
            role_members: Vec::new(),
            permissions: public_permissions(compatibility_level),
            properties: Shards::default(),
            types: Vec::new(),
            xml_collections: Vec::new(),
            partition_functions: Vec::new(),
            partition_schemes: Vec::new(),
            filegroups: vec![Filegroup {
                data_space_id: 1,
                name: "PRIMARY".into(),
                kind: "FG".into(),
                is_default: true,
                is_read_only: false,
                guid: None,
                autogrow_all: false,
            }],
            files: vec![file(1, 0, "", "mdf", -1), file(2, 1, "_log", "ldf", 268_435_456)],
            fulltext_catalogs: Vec::new(),
            fulltext_stoplists: Vec::new(),
            broker: Broker::default(),
            keys: Keys::default(),
            external: External::default(),
            classifications: Vec::new(),
            objects: Shards::default(),
            names: Shards::default(),
            constraints: Shards::default(),
            referencing: Shards::default(),
            triggers: Shards::default(),
            next_object: 0,
            next_other: 65_536,
        }
    }
}

/// What everybody is granted in a fresh database since 2016, as exports of real servers show.
pub(super) fn public_permissions(compatibility_level: u8) -> Vec<Permission> {
    if compatibility_level < 130 {
        return Vec::new();
    }
    ["VIEW ANY COLUMN ENCRYPTION KEY DEFINITION", "VIEW ANY COLUMN MASTER KEY DEFINITION"]
        .map(|name| Permission {
            class: 0,
            major_id: 0,
            minor_id: 0,
            grantee: 0,
            grantor: DBO,
            name: name.to_string(),
            state: 'G',
        })
        .to_vec()
}

/// The SID of a role: an authority of its own and the id.
// Assumption: the layout; only its uniqueness matters.
pub(super) fn role_sid(id: i32) -> Vec<u8> {
    let mut sid = vec![1, 5, 0, 0, 0, 0, 0, 9, 4, 0, 0, 0];
    sid.extend([0; 12]);
    sid.extend(id.to_le_bytes());
    sid
}
