//! What a server keeps and DacFx's model has no word for: none of it is carried, so all of it is named.

use std::collections::BTreeMap;

use super::{Builder, grouped};
use crate::sqlserver::orders::Record;

/// `sys.types.system_type_id` of binary, varbinary, char and varchar: what ANSI_PADDING is about.
const PADDED: [i64; 4] = [173, 165, 175, 167];

impl Builder<'_> {
    pub(super) fn without_a_word(&mut self) {
        self.of_the_database();
        self.of_indexes();
        self.of_statistics();
        self.of_columns();
        self.revoked();
        let modifying: Vec<String> = self
            .rows
            .of("sys.database_principals")
            .filter(|r| r.bool("allow_encrypted_value_modifications"))
            .map(|r| r.string("name"))
            .collect();
        for user in modifying {
            self.left_out("ALLOW_ENCRYPTED_VALUE_MODIFICATIONS of user", super::Name::one(user));
        }
        for (view, kind) in [
            ("sys.event_notifications", "event notification"),
            ("sys.external_libraries", "external library"),
            ("sys.database_audit_specifications", "database audit specification"),
        ] {
            self.each(view, kind, |r| Some(super::Name::one(r.string("name")).to_string()));
        }
        let signed: Vec<String> = self
            .rows
            .of("sys.crypt_properties")
            .filter(|r| r.int("class") == Some(1))
            .filter_map(|r| Some(self.objects.get(&r.int("major_id")?)?.name.to_string()))
            .collect();
        for module in signed {
            self.left_out("signature of", module);
        }
    }

    fn of_the_database(&mut self) {
        let Some(r) = self.rows.of("sys.databases").next() else { return };
        // Azure SQL Database has it on, always.
        if r.bool("is_accelerated_database_recovery_on") && self.facts.engine_edition != 5 {
            self.left_out("database option", "ACCELERATED_DATABASE_RECOVERY = ON");
        }
        if r.bool("is_published") || r.bool("is_merge_published") {
            self.left_out("replication", "of which the database is a publisher");
        }
    }

    /// Permissions that a server grants with every new database and every new user, and that somebody took back: a copy
    /// has them again.
    fn revoked(&mut self) {
        let granted: Vec<Record<'_>> = self
            .rows
            .of("sys.database_permissions")
            .filter(|r| r.int("class") == Some(0) && matches!(r.string("state").trim(), "G" | "W" | "D"))
            .collect();
        let has = |principal: i64, permission: &str| {
            let mut own = granted.iter().filter(|r| r.int("grantee_principal_id") == Some(principal));
            own.any(|r| r.string("permission_name").eq_ignore_ascii_case(permission))
        };
        let mut found = Vec::new();
        if self.facts.major >= 13 {
            for permission in ["VIEW ANY COLUMN MASTER KEY DEFINITION", "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION"] {
                if !has(0, permission) {
                    found.push(format!("{permission} from public"));
                }
            }
        }
        // Of those that could connect at all.
        for r in self.rows.of("sys.database_principals").filter(|r| r.int("authentication_type").unwrap_or(0) != 0) {
            let Some(id) = r.int("principal_id") else { continue };
            let carried = self.principals.get(&id).filter(|p| p.carried && !p.built_in);
            if let Some(user) = carried.filter(|_| !has(id, "CONNECT")) {
                found.push(format!("CONNECT from {}", user.name));
            }
        }
        for text in found {
            self.left_out("revocation of", text);
        }
    }

    fn of_indexes(&mut self) {
        let named = |r: &Record<'_>| Some(self.objects.get(&r.int("object_id")?)?.name.child(r.string("name")));
        let mut found = Vec::new();
        for r in self.rows.of("sys.indexes") {
            for (column, option) in [
                ("optimize_for_sequential_key", "OPTIMIZE_FOR_SEQUENTIAL_KEY of index"),
                ("suppress_dup_key_messages", "SUPPRESS_MESSAGES of index"),
            ] {
                if r.bool(column) {
                    found.extend(named(&r).map(|name| (option, name.to_string())));
                }
            }
        }
        let mut compressed: Vec<String> = self
            .rows
            .of("sys.partitions")
            .filter(|r| r.bool("xml_compression"))
            .filter_map(|r| Some(self.objects.get(&r.int("object_id")?)?.name.to_string()))
            .collect();
        compressed.dedup();
        found.extend(compressed.into_iter().map(|name| ("XML_COMPRESSION of what is in", name)));
        for (option, name) in found {
            self.left_out(option, name);
        }
    }

    fn of_statistics(&mut self) {
        let mut found = Vec::new();
        for r in self.rows.of("sys.stats") {
            let Some(owner) = r.int("object_id").and_then(|id| self.objects.get(&id)) else { continue };
            let name = owner.name.child(r.string("name"));
            if r.bool("has_persisted_sample") {
                found.push(("PERSIST_SAMPLE_PERCENT of statistics", name.to_string()));
            }
            if r.bool("user_created") && r.bool("auto_drop") {
                found.push(("AUTO_DROP of statistics", name.to_string()));
            }
        }
        for (option, name) in found {
            self.left_out(option, name);
        }
    }

    fn of_columns(&mut self) {
        let mut unpadded: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for r in self.rows.of("sys.columns") {
            let ty = r.int("system_type_id").unwrap_or_default();
            // Assumption: a (max) column has no padding to turn off.
            let off = r.int("is_ansi_padded") == Some(0) && PADDED.contains(&ty) && r.int("max_length") != Some(-1);
            if let Some(owner) =
                r.int("object_id").and_then(|id| self.objects.get(&id)).filter(|o| off && o.kind == "U")
            {
                unpadded.entry(owner.name.to_string()).or_default().push(r.string("name"));
            }
        }
        for (table, columns) in unpadded {
            self.left_out("ANSI_PADDING OFF of columns of table", format!("{table}: {}", columns.join(", ")));
        }
        let computed = grouped(self.rows, "sys.computed_columns", "object_id");
        let mut found = Vec::new();
        for r in self.rows.of("sys.sensitivity_classifications").filter(|r| r.int("class") == Some(1)) {
            let (Some(table), number) = (r.int("major_id"), r.int("minor_id")) else { continue };
            let Some(column) = self.column(table, number) else { continue };
            if computed.get(&table).into_iter().flatten().any(|c| c.int("column_id") == number) {
                found.push(("classification of computed column", column.to_string()));
            } else if let Some(rank) = r.text("rank_desc") {
                found.push(("rank of the classification of column", format!("{column}: {rank}")));
            }
        }
        for (kind, name) in found {
            self.left_out(kind, name);
        }
    }
}
