//! Sequences, synonyms, and everything that is named because it is not carried.

use super::Builder;
use crate::bacpac::model::{Entries, Name, Reference, Script, Sequence, Synonym, TypeSpec};
use crate::sqlserver::orders::Record;

impl Builder<'_> {
    pub(super) fn sequences(&mut self) {
        for r in self.rows.of("sys.sequences") {
            let Some(object) = self.object(r.int("object_id")) else { continue };
            let name = object.name.clone();
            let Some(data_type) = self.types.spec(&r) else {
                self.left_out("sequence", name);
                continue;
            };
            let (lowest, highest) = range(&data_type);
            let bound = |column: &str, end: Option<String>| {
                r.text(column).filter(|v| Some(*v) != end.as_deref()).map(str::to_owned)
            };
            let (min_value, max_value) = (bound("minimum_value", lowest), bound("maximum_value", highest));
            let mut sequence = Sequence {
                name,
                cycles: r.bool("is_cycling"),
                cached: r.bool("is_cached"),
                cache_size: r.int("cache_size").filter(|n| *n > 0 && r.bool("is_cached")),
                no_min_value: min_value.is_none(),
                no_max_value: max_value.is_none(),
                min_value,
                max_value,
                increment: r.text("increment").map(str::to_owned),
                start_value: r.text("start_value").map(str::to_owned),
                data_type: Some(data_type),
                ..Sequence::default()
            };
            if let Some(current) = r.text("current_value") {
                sequence.rest.set_online_value("[CurrentValue]", current);
            }
            self.made.push(sequence.into());
        }
    }

    pub(super) fn synonyms(&mut self) {
        for r in self.rows.of("sys.synonyms") {
            let Some(object) = self.object(r.int("object_id")) else { continue };
            let base = r.string("base_object_name");
            let target = Name::parse(&base).ok().filter(|n| self.objects.values().any(|o| o.name == *n));
            self.made.push(
                Synonym {
                    name: object.name.clone(),
                    target_text: Some(Script::new(base)),
                    target: target.map(|n| Entries::from(vec![Reference::to(&n)])).unwrap_or_default(),
                    ..Synonym::default()
                }
                .into(),
            );
        }
    }

    /// Everything else, by kind and name.
    pub(super) fn leftovers(&mut self) {
        for (kind, words) in [
            ("AF", "CLR aggregate"),
            ("FS", "CLR function"),
            ("FT", "CLR function"),
            ("PC", "CLR procedure"),
            ("TA", "CLR trigger"),
            ("X", "extended procedure"),
            ("RF", "replication filter procedure"),
            ("SQ", "service queue"),
            ("R", "rule"),
            ("EC", "edge constraint"),
            ("ET", "external table"),
        ] {
            for (_, object) in self.of_kinds(&[kind]) {
                self.left_out(words, object.name);
            }
        }
        // A default of old is a D without a table.
        for (_, object) in self.of_kinds(&["D"]) {
            if object.parent == 0 {
                self.left_out("default of old", object.name);
            }
        }
        let known = [
            "U", "V", "P", "FN", "IF", "TF", "TR", "SN", "SO", "C", "D", "F", "PK", "UQ", "TT", "IT", "S", "AF", "FS",
            "FT", "PC", "TA", "X", "RF", "SQ", "R", "EC", "ET",
        ];
        let unknown: Vec<_> = self.objects.values().filter(|o| !known.contains(&o.kind.as_str())).cloned().collect();
        for object in unknown {
            self.left_out(&format!("object of type {}", object.kind), object.name);
        }
        let named = |r: &Record<'_>| Some(Name::one(r.string("name")).to_string());
        self.each("sys.xml_schema_collections", "XML schema collection", |r| {
            // The collection `sys` is the server's.
            named(r).filter(|_| r.int("xml_collection_id").is_some_and(|id| id > 1))
        });
        self.each("sys.assemblies", "assembly", |r| named(r).filter(|_| r.bool("is_user_defined")));
        for (view, kind) in [
            ("sys.fulltext_catalogs", "full-text catalogue"),
            ("sys.partition_functions", "partition function"),
            ("sys.partition_schemes", "partition scheme"),
            ("sys.column_master_keys", "column master key"),
            ("sys.column_encryption_keys", "column encryption key"),
            ("sys.certificates", "certificate"),
            ("sys.external_data_sources", "external data source"),
            ("sys.plan_guides", "plan guide"),
        ] {
            self.each(view, kind, named);
        }
        // The database's own master key has a name of two number signs.
        self.each("sys.symmetric_keys", "symmetric key", |r| named(r).filter(|n| !n.starts_with("[##")));
        self.each("sys.security_policies", "security policy", |r| named(r).filter(|_| !r.bool("is_ms_shipped")));
        self.each("sys.data_spaces", "file group", |r| {
            let kind = r.string("type");
            named(r).filter(|n| n != "[PRIMARY]" && matches!(kind.trim(), "FG" | "FD" | "FX"))
        });
        let fulltext: Vec<_> = self
            .rows
            .of("sys.fulltext_indexes")
            .filter_map(|r| self.object(r.int("object_id")).map(|o| o.name.clone()))
            .collect();
        for name in fulltext {
            self.left_out("full-text index on", name);
        }
        let statistics: Vec<_> = self
            .rows
            .of("sys.stats")
            .filter(|r| r.bool("user_created"))
            .filter_map(|r| self.object(r.int("object_id")).map(|o| o.name.child(r.string("name"))))
            .collect();
        for name in statistics {
            self.left_out("statistics", name);
        }
        self.principals();
        let properties = self.rows.of("sys.extended_properties").map(|r| {
            let on = self
                .object(r.int("major_id"))
                .map_or_else(|| "the database or its parts".into(), |o| o.name.to_string());
            format!("{} on {on}", r.string("name"))
        });
        let properties: Vec<_> = properties.collect();
        for name in properties {
            self.left_out("extended property", name);
        }
    }

    /// Names what a view has rows of.
    fn each(&mut self, view: &str, kind: &str, name: impl Fn(&Record<'_>) -> Option<String>) {
        let names: Vec<_> = self.rows.of(view).filter_map(|r| name(&r)).collect();
        for name in names {
            self.left_out(kind, name);
        }
    }

    fn principals(&mut self) {
        const OF_THE_SERVER: [&str; 5] = ["dbo", "guest", "INFORMATION_SCHEMA", "sys", "public"];
        let own = |r: &Record<'_>| {
            let name = r.string("name");
            !r.bool("is_fixed_role") && !OF_THE_SERVER.contains(&name.as_str()) && !name.starts_with("##")
        };
        let principals: Vec<_> = self
            .rows
            .of("sys.database_principals")
            .filter(own)
            .map(|r| (r.int("principal_id"), r.string("name"), r.string("type").trim().to_owned()))
            .collect();
        for (_, name, kind) in &principals {
            let kind = match kind.as_str() {
                "R" => "role",
                "A" => "application role",
                _ => "user",
            };
            self.left_out(kind, Name::one(name.as_str()));
        }
        let mut permissions = 0;
        for r in self.rows.of("sys.database_permissions") {
            if r.int("grantee_principal_id").is_some_and(|id| principals.iter().any(|(own, ..)| *own == Some(id))) {
                permissions += 1;
            }
        }
        if permissions > 0 {
            self.left_out("permissions of users and roles:", permissions);
        }
    }
}

/// The ends of a whole-number type, as the server prints them.
fn range(spec: &TypeSpec) -> (Option<String>, Option<String>) {
    let ends = |low: i64, high: i64| (Some(low.to_string()), Some(high.to_string()));
    match spec.built_in_name().as_deref() {
        Some("tinyint") => ends(0, 255),
        Some("smallint") => ends(i64::from(i16::MIN), i64::from(i16::MAX)),
        Some("int") => ends(i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("bigint") => ends(i64::MIN, i64::MAX),
        Some("decimal" | "numeric") => {
            let nines = "9".repeat(usize::try_from(spec.precision.unwrap_or(18).clamp(1, 38)).unwrap_or(18));
            (Some(format!("-{nines}")), Some(nines))
        }
        _ => (None, None),
    }
}
