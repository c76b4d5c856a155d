//! Security policies, sensitivity classifications, and the kinds that are dropped by their name alone.

use crate::sandbox::ddl::ast::rare::{PredicateDef, Rare, RareKind};
use crate::sandbox::ddl::ast::{ObjectName, Opt};
use crate::sandbox::ddl::error::{DdlError, DdlResult, cannot_drop, cannot_find, invalid_column, name_in_use};
use crate::sandbox::ddl::normal;
use crate::sandbox::meta::policy::{Classification, Predicate, SecurityPolicy};
use crate::sandbox::meta::{Database, Kind, UserTypeKind};

use super::Run;
use crate::sandbox::ddl::ast::said;

impl Run<'_> {
    pub(super) fn rare(&mut self, statement: &Rare) -> DdlResult<()> {
        match statement {
            Rare::MessageType { name, owner, validation, alter } => {
                self.message_type(name, owner.as_deref(), validation, *alter)
            }
            Rare::Contract { name, owner, messages } => self.contract(name, owner.as_deref(), messages),
            Rare::Queue { name, queue, alter } => self.queue(name, queue, *alter),
            Rare::Service { name, owner, queue, contracts } => self.service(name, owner.as_deref(), queue, contracts),
            Rare::Route { name, owner, options, alter } => self.route(name, owner.as_deref(), options, *alter),
            Rare::RemoteServiceBinding { name, owner, service, options } => {
                self.remote_service_binding(name, owner.as_deref(), service, options)
            }
            Rare::EventNotification(def) => self.event_notification(def),
            Rare::MasterKey => self.master_key(),
            Rare::AlterMasterKey { by_server } => self.alter_master_key(*by_server),
            Rare::SymmetricKey { name, owner, algorithm, by } => {
                self.symmetric_key(name, owner.as_deref(), algorithm, by)
            }
            Rare::AsymmetricKey { name, owner, algorithm, password } => {
                self.asymmetric_key(name, owner.as_deref(), algorithm, *password)
            }
            Rare::Certificate(def) => self.certificate(def),
            Rare::ColumnMasterKey { name, provider, path, signature } => {
                self.column_master_key(name, provider, path, signature.as_ref())
            }
            Rare::ColumnEncryptionKey { name, values } => self.column_encryption_key(name, values),
            Rare::Credential { name, identity, alter } => self.credential(name, identity, *alter),
            Rare::ExternalDataSource { name, options, alter } => self.external_data_source(name, options, *alter),
            Rare::ExternalFileFormat { name, options } => self.external_file_format(name, options),
            Rare::ExternalTable { name, table, options } => self.external_table(name, table, options),
            Rare::Assembly { name, owner, files, options } => self.assembly(name, owner.as_deref(), files, options),
            Rare::AlterAssembly { name, bytes, options, dropped, added } => {
                self.alter_assembly(name, bytes.as_deref(), options, dropped.as_deref(), added)
            }
            Rare::SecurityPolicy { name, predicates, options, not_for_replication, alter } => {
                self.security_policy(name, predicates, options, *not_for_replication, *alter)
            }
            Rare::StopList { name, owner, from } => self.stoplist(name, owner.as_deref(), from.as_deref()),
            Rare::AlterStopList { name, word, add, language } => {
                self.alter_stoplist(name, word.as_deref(), *add, language.as_deref())
            }
            Rare::Classification { add, columns, options } => self.classification(*add, columns, options),
            Rare::Drop { kind, name, if_exists } => self.drop_rare(*kind, name, *if_exists),
        }
    }

    /// The current database, where one may do such things.
    pub(super) fn rare_place(&self, permission: &str) -> DdlResult<i32> {
        let database_id = self.target(&ObjectName::default())?;
        self.allow_create(database_id, permission)?;
        Ok(database_id)
    }

    /// AUTHORIZATION, or whoever asks.
    pub(super) fn owner(&self, database_id: i32, name: Option<&str>) -> DdlResult<i32> {
        match name {
            Some(name) => self.principal_id(database_id, name, "find", "user"),
            None => self.own_id(database_id),
        }
    }

    fn security_policy(
        &mut self,
        name: &ObjectName,
        predicates: &[PredicateDef],
        options: &[Opt],
        not_for_replication: Option<bool>,
        alter: bool,
    ) -> DdlResult<()> {
        let database_id = self.target(name)?;
        self.allow_create(database_id, "ALTER ANY SECURITY POLICY")?;
        let existing = if alter {
            let missing = || cannot_find("alter", "security policy", &name.shown());
            Some(self.find(name)?.filter(|(_, o)| matches!(o.kind, Kind::Policy(_))).ok_or_else(missing)?.1)
        } else {
            None
        };
        let mut policy = match existing.as_deref().map(|o| &o.kind) {
            Some(Kind::Policy(policy)) => policy.as_ref().clone(),
            _ => SecurityPolicy { enabled: true, schema_bound: true, ..SecurityPolicy::default() },
        };
        for def in predicates {
            self.predicate(&mut policy, def)?;
        }
        for option in options {
            match option.name.as_str() {
                "STATE" => policy.enabled = option.is_on(),
                "SCHEMABINDING" => policy.schema_bound = option.is_on(),
                other => return Err(crate::sandbox::ddl::error::syntax(other)),
            }
        }
        policy.not_for_replication = not_for_replication.unwrap_or(policy.not_for_replication);
        match existing {
            Some(found) => {
                let mut changed = found.as_ref().clone();
                changed.kind = Kind::Policy(Box::new(policy));
                self.put(database_id, changed).map(|_| ())
            }
            None => {
                let schema_id = self.schema(database_id, name)?;
                self.free_name(database_id, schema_id, &name.name, 3)?;
                let made = self.fresh(database_id, schema_id, &name.name, 0, Kind::Policy(Box::new(policy)))?;
                self.db_mut(database_id)?.put(made);
                Ok(())
            }
        }
    }

    fn predicate(&self, policy: &mut SecurityPolicy, def: &PredicateDef) -> DdlResult<()> {
        let missing = || cannot_find("find", "object", &def.target.shown());
        let (database_id, target) = self.find(&def.target)?.ok_or_else(missing)?;
        let same = |p: &Predicate| p.target == target.object_id && p.block == def.block && p.operation == def.operation;
        let at = policy.predicates.iter().position(same);
        if def.verb == "DROP" {
            let at = at.ok_or_else(missing)?;
            policy.predicates.remove(at);
            return Ok(());
        }
        let Some(call) = &def.call else { return Ok(()) };
        // The arguments are columns of the target.
        let database = self.db(database_id)?;
        let mut spelled = call.clone();
        if let Some(table) = target.table() {
            super::constraint::respell(&mut spelled, table, database.ignore_case);
            if let Some(name) =
                normal::columns(call).iter().find(|n| table.find_column(n, database.ignore_case).is_none())
            {
                return Err(invalid_column(name));
            }
        }
        let definition = normal::definition(&spelled);
        match at {
            Some(at) if def.verb == "ALTER" => policy.predicates[at].definition = definition,
            Some(_) => return Err(name_in_use(&def.target.name, 1)),
            None => {
                let id = policy.predicates.iter().map(|p| p.id + 1).max().unwrap_or(1);
                let (block, operation) = (def.block, def.operation);
                policy.predicates.push(Predicate { id, target: target.object_id, definition, block, operation });
            }
        }
        Ok(())
    }

    fn classification(&mut self, add: bool, columns: &[(ObjectName, String)], options: &[Opt]) -> DdlResult<()> {
        for (name, column) in columns {
            let missing = || cannot_find("find", "object", &name.shown());
            let (database_id, table) = self.find(name)?.ok_or_else(missing)?;
            let ci = self.db(database_id)?.ignore_case;
            let found = table.table().and_then(|t| t.find_column(column, ci)).map(|c| c.id);
            let column_id = found.ok_or_else(|| invalid_column(column))?;
            let object_id = table.object_id;
            let list = &mut self.shape(database_id)?.classifications;
            list.retain(|c| (c.object_id, c.column_id) != (object_id, column_id));
            if add {
                list.push(Classification {
                    object_id,
                    column_id,
                    label: said(options, "LABEL"),
                    label_id: said(options, "LABEL_ID"),
                    information_type: said(options, "INFORMATION_TYPE"),
                    information_type_id: said(options, "INFORMATION_TYPE_ID"),
                    rank: said(options, "RANK").map(|r| r.to_uppercase()),
                });
            }
        }
        Ok(())
    }

    fn drop_rare(&mut self, kind: RareKind, name: &ObjectName, if_exists: bool) -> DdlResult<()> {
        match kind {
            RareKind::Queue | RareKind::SecurityPolicy | RareKind::ExternalTable => {
                return self.drop_rare_object(kind, name, if_exists);
            }
            _ => {}
        }
        let database_id = self.rare_place("CONTROL")?;
        let (word, wanted) = (word_of(kind), name.name.clone());
        if let Some(user) = used_by(self.db(database_id)?, kind, &wanted) {
            // Assumption: 3729 for what something else stands on.
            let text = format!(
                "Cannot DROP {} '{wanted}' because it is being referenced by object '{user}'.",
                word.to_uppercase()
            );
            return Err(DdlError::new(3729, 1, 16, text));
        }
        let database = self.shape(database_id)?;
        let ci = database.ignore_case;
        let same = |a: &str| crate::sandbox::meta::names::fold(a, ci) == crate::sandbox::meta::names::fold(&wanted, ci);
        macro_rules! drop_from {
            ($list:expr, $same:expr, $class:expr) => {{
                let list = &mut $list;
                match list.iter().position(|x| $same(&x.name)) {
                    Some(at) => {
                        let id = list.remove(at).id;
                        Some(($class, id))
                    }
                    None => None,
                }
            }};
        }
        let exactly = |a: &str| a == wanted;
        // Classes of permissions and properties; 255 for those that have none.
        let gone: Option<(u8, i32)> = match kind {
            RareKind::MessageType => drop_from!(database.broker.message_types, exactly, 15),
            RareKind::Contract => drop_from!(database.broker.contracts, exactly, 16),
            RareKind::Service => drop_from!(database.broker.services, exactly, 17),
            RareKind::RemoteServiceBinding => drop_from!(database.broker.bindings, exactly, 18),
            RareKind::Route => drop_from!(database.broker.routes, exactly, 19),
            RareKind::SymmetricKey => drop_from!(database.keys.symmetric, same, 24),
            RareKind::Certificate => drop_from!(database.keys.certificates, same, 25),
            RareKind::AsymmetricKey => drop_from!(database.keys.asymmetric, same, 26),
            RareKind::ColumnMasterKey => drop_from!(database.keys.column_masters, same, 255),
            RareKind::ColumnEncryptionKey => drop_from!(database.keys.column_encryptions, same, 255),
            RareKind::Credential => drop_from!(database.keys.credentials, same, 32),
            RareKind::ExternalDataSource => drop_from!(database.external.sources, same, 255),
            RareKind::ExternalFileFormat => drop_from!(database.external.formats, same, 255),
            RareKind::Assembly => drop_from!(database.external.assemblies, same, 5),
            RareKind::StopList => drop_from!(database.fulltext_stoplists, same, 29),
            RareKind::MasterKey => database.keys.master.take().map(|_| (255, 0)),
            RareKind::EventNotification => {
                let at = database.broker.notifications.iter().position(|n| same(&n.name));
                at.map(|at| (255, database.broker.notifications.remove(at).object_id))
            }
            RareKind::Queue | RareKind::SecurityPolicy | RareKind::ExternalTable => None,
        };
        match gone {
            Some((class, id)) => {
                database.permissions.retain(|p| !(p.class == class && p.major_id == id));
                self.forget_properties(database_id, |c, major, _| c == class && major == id)
            }
            None if if_exists => Ok(()),
            None => Err(cannot_find("drop", word, &wanted)),
        }
    }

    fn drop_rare_object(&mut self, kind: RareKind, name: &ObjectName, if_exists: bool) -> DdlResult<()> {
        let missing = || cannot_drop(word_of(kind), &name.shown(), 5);
        let fits = |k: &Kind| match (kind, k) {
            (RareKind::Queue, Kind::Queue(_)) | (RareKind::SecurityPolicy, Kind::Policy(_)) => true,
            (RareKind::ExternalTable, Kind::Table(t)) => t.external.is_some(),
            _ => false,
        };
        let Some((database_id, object)) = self.find(name)?.filter(|(_, o)| fits(&o.kind)) else {
            return if if_exists { Ok(()) } else { Err(missing()) };
        };
        self.allow(database_id, &object, "CONTROL", missing)?;
        if let Some(service) = self.db(database_id)?.broker.services.iter().find(|s| s.queue_id == object.object_id) {
            let text =
                format!("The queue '{}' cannot be dropped because it is bound to one or more service.", name.shown());
            let _ = service;
            // Assumption: the number and words of a queue in use.
            return Err(DdlError::new(15247, 1, 16, text));
        }
        self.db_mut(database_id)?.remove(object.object_id);
        self.forget(database_id, &[object.object_id])
    }
}

fn word_of(kind: RareKind) -> &'static str {
    match kind {
        RareKind::MessageType => "message type",
        RareKind::Contract => "service contract",
        RareKind::Queue => "queue",
        RareKind::Service => "service",
        RareKind::Route => "route",
        RareKind::RemoteServiceBinding => "remote service binding",
        RareKind::EventNotification => "event notification",
        RareKind::MasterKey => "master key",
        RareKind::SymmetricKey => "symmetric key",
        RareKind::AsymmetricKey => "asymmetric key",
        RareKind::Certificate => "certificate",
        RareKind::ColumnMasterKey => "column master key",
        RareKind::ColumnEncryptionKey => "column encryption key",
        RareKind::Credential => "credential",
        RareKind::ExternalDataSource => "external data source",
        RareKind::ExternalFileFormat => "external file format",
        RareKind::ExternalTable => "external table",
        RareKind::Assembly => "assembly",
        RareKind::SecurityPolicy => "security policy",
        RareKind::StopList => "full-text stoplist",
    }
}

/// Who stands on something that is to be dropped.
fn used_by(d: &Database, kind: RareKind, name: &str) -> Option<String> {
    match kind {
        RareKind::MessageType => {
            let id = d.broker.message_type(name)?;
            d.broker.contracts.iter().find(|c| c.messages.iter().any(|m| m.0 == id)).map(|c| c.name.clone())
        }
        RareKind::Contract => {
            let id = d.broker.contract(name)?;
            d.broker.services.iter().find(|s| s.contracts.contains(&id)).map(|s| s.name.clone())
        }
        RareKind::ColumnMasterKey => {
            let id = d.keys.column_masters.iter().find(|m| d.same(&m.name, name))?.id;
            let user = d.keys.column_encryptions.iter().find(|k| k.values.iter().any(|v| v.0 == id));
            user.map(|k| k.name.clone())
        }
        RareKind::ColumnEncryptionKey => d
            .objects()
            .find(|o| {
                o.table().is_some_and(|t| {
                    t.columns.iter().any(|c| c.encryption.as_ref().is_some_and(|e| d.same(&e.key, name)))
                })
            })
            .map(|o| o.name.clone()),
        RareKind::ExternalDataSource | RareKind::ExternalFileFormat => {
            let source = d.external.sources.iter().find(|s| d.same(&s.name, name)).map(|s| s.id);
            let format = d.external.formats.iter().find(|f| d.same(&f.name, name)).map(|f| f.id);
            let uses = |e: &crate::sandbox::meta::external::ExternalTable| match kind {
                RareKind::ExternalDataSource => source == Some(e.source_id),
                _ => format == Some(e.format_id),
            };
            let user = d.objects().find(|o| o.table().and_then(|t| t.external.as_ref()).is_some_and(uses));
            user.map(|o| o.name.clone())
        }
        RareKind::Assembly => {
            let id = d.external.assemblies.iter().find(|a| d.same(&a.name, name))?.id;
            let module =
                d.objects().find(|o| o.module().and_then(|m| m.clr.as_ref()).is_some_and(|c| c.assembly_id == id));
            let ty = d.types.iter().find(|t| match &t.kind {
                UserTypeKind::Clr { assembly, .. } => d.same(assembly, name),
                _ => false,
            });
            module.map(|o| o.name.clone()).or_else(|| ty.map(|t| t.name.clone()))
        }
        RareKind::StopList => {
            let id = d.fulltext_stoplists.iter().find(|s| d.same(&s.name, name))?.id;
            let user = d
                .objects()
                .find(|o| o.table().and_then(|t| t.fulltext.as_ref()).is_some_and(|f| f.stoplist_id == Some(id)));
            user.map(|o| o.name.clone())
        }
        _ => None,
    }
}
