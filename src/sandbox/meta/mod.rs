//! The catalogue as data: server, databases, tables, types, modules, principals. No SQL text is understood here, no row
//! is held, nothing is answered to a client.
//!
//! Everything is cheap to clone and changed by copy: a statement works on a snapshot, a rollback brings objects back.

pub mod broker;
pub mod crypto;
pub mod database;
pub mod events;
pub mod external;
pub mod identity;
pub mod languages;
pub mod names;
pub mod object;
pub mod options;
pub mod policy;
pub mod property;
pub mod server;
pub mod shards;
pub mod stamp;
pub mod table;
pub mod types;
pub mod version;

pub use database::{Database, Located, Options, Permission, Principal, Schema, SnapshotState, UserAccess};
pub use identity::{Counter, Identity};
pub use object::{Kind, Module, ModuleKind, Object, Sequence};
pub use server::{Catalogue, Login, Server};
pub use stamp::Stamp;
pub use table::{
    Check, Column, Computed, DefaultConstraint, ForeignKey, Head, Index, IndexColumn, IndexKind, Key,
    ReferentialAction, Table,
};
pub use types::{UserType, UserTypeKind};
pub use version::Product;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::value::{Base, SqlType};

    fn table(db: &mut Database, name: &str, constraint: &str) -> i32 {
        let object_id = db.new_object_id();
        let ty = SqlType { base: Base::Int, length: 0, precision: 0, scale: 0, collation: None, detail: None };
        let check_id = db.new_object_id();
        let head = |name: &str, id| Head {
            object_id: id,
            name: name.into(),
            system_named: false,
            created: Stamp(0),
            modified: Stamp(0),
        };
        let table = Table {
            columns: vec![Column::plain(1, "Id", ty, 56)],
            max_column_id: 1,
            checks: vec![Check {
                head: head(constraint, check_id),
                definition: "([Id]>(0))".into(),
                parent_column_id: 1,
                columns: vec![1],
                disabled: false,
                not_trusted: false,
                not_for_replication: false,
            }],
            data_space_id: 1,
            ..Table::default()
        };
        db.put(Object {
            object_id,
            name: name.into(),
            schema_id: 1,
            parent_object_id: 0,
            principal_id: None,
            created: Stamp(0),
            modified: Stamp(0),
            kind: Kind::Table(Box::new(table)),
        });
        object_id
    }

    #[test]
    fn names_and_constraints_are_found_and_forgotten_together() {
        let mut db = Database::new(5, "shop", "SQL_Latin1_General_CP1_CI_AS", "sa", Options::fresh(150, false));
        let id = table(&mut db, "Orders", "CK_Orders");
        assert_eq!(db.find(1, "ORDERS").map(|o| o.object_id), Some(id));
        let check = db.locate(1, "ck_orders").unwrap();
        assert_eq!(check.table_id, Some(id));
        assert_eq!(db.table_of_constraint(check.object_id), Some(id));
        assert!(db.find(1, "ck_orders").is_none(), "a constraint is not an object to select from");
        db.remove(id);
        assert!(db.locate(1, "ck_orders").is_none() && db.locate(1, "orders").is_none());
        let cs = Database::new(6, "cs", "Latin1_General_CS_AS", "sa", Options::fresh(150, false));
        assert!(!cs.same("a", "A"));
    }

    #[test]
    fn undo_brings_back_what_a_statement_changed_and_nothing_else() {
        let mut db = Database::new(5, "shop", "SQL_Latin1_General_CP1_CI_AS", "sa", Options::fresh(150, false));
        let keep = table(&mut db, "keep", "ck1");
        let gone = table(&mut db, "gone", "ck2");
        let before = db.clone();
        db.remove(gone);
        let new = table(&mut db, "new", "ck3");
        let undo = before.undo_of(&db);
        // Somebody else's table arrives meanwhile and stays.
        let other = table(&mut db, "other", "ck4");
        db.undo(&undo);
        assert!(db.object(keep).is_some() && db.object(gone).is_some() && db.object(other).is_some());
        assert!(db.object(new).is_none() && db.locate(1, "ck3").is_none() && db.locate(1, "ck2").is_some());
    }

    #[test]
    fn twenty_thousand_tables_are_made_and_snapshot_quickly() {
        let catalogue = Catalogue::new(Server::new("S", Product::Sql2019, server::DEFAULT_COLLATION, "x"));
        let started = std::time::Instant::now();
        for n in 0..20_000 {
            // A reader that holds a snapshot while the writer writes: the worst case.
            let held = catalogue.snapshot();
            catalogue
                .change(|s| {
                    let db = s.database_mut(server::MASTER).ok_or(())?;
                    table(db, &format!("t{n}"), &format!("ck{n}"));
                    Ok::<(), ()>(())
                })
                .unwrap();
            drop(held);
        }
        assert_eq!(catalogue.snapshot().databases[&1].object_count(), 20_000);
        assert!(started.elapsed().as_secs() < 60, "took {:?}", started.elapsed());
    }

    #[test]
    fn the_catalogue_survives_json_with_its_indexes() {
        let mut server = Server::new("S", Product::Sql2019, server::DEFAULT_COLLATION, "Rat's;{own}");
        let id = table(server.database_mut(server::MASTER).unwrap(), "Orders", "CK");
        let text = serde_json::to_string(&server).unwrap();
        let back: Server = serde_json::from_str(&text).unwrap();
        assert_eq!(back.databases[&1].find(1, "orders").map(|o| o.object_id), Some(id));
        assert!(back.databases[&1].locate(1, "ck").is_some());
        assert!(!format!("{:?}", back.logins).contains("password"));
        assert!(!text.contains("Rat's"), "a kept folder holds no password");
        let sa = back.login("sa").unwrap();
        assert!(sa.password.is("Rat's;{own}") && !sa.password.is("rat's;{own}") && !sa.password.is(""));
    }
}
