//! Sequences, synonyms, XML schema collections, and everything that is named because it is not carried.

use super::Builder;
use super::elements::plain;
use crate::bacpac::model::{
    Annotation, Entries, Item, Name, Reference, Script, Sequence, Synonym, TypeSpec, XmlSchemaCollection, literal,
};
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
                // Of our own: at its start a sequence was asked once or never, and the model of DacFx has no word for it.
                // Servers before 2017 know of one that has nothing left to give that it gave something.
                let last = match r.has("last_used_value") {
                    true => Some(r.text("last_used_value").unwrap_or("")),
                    false => Some(current).filter(|_| r.bool("is_exhausted")),
                };
                if let Some(last) = last.filter(|_| Some(current) == r.text("start_value")) {
                    sequence.rest.set_online_value("[LastUsedValue]", last);
                }
            }
            self.made.push(sequence.into());
        }
    }

    pub(super) fn synonyms(&mut self) {
        let known: std::collections::HashSet<&Name> = self.objects.values().map(|o| &o.name).collect();
        for r in self.rows.of("sys.synonyms") {
            let Some(object) = self.object(r.int("object_id")) else { continue };
            let base = r.string("base_object_name");
            let target = Name::parse(&base).ok().filter(|n| known.contains(n));
            self.made.push(
                Synonym {
                    name: object.name.clone(),
                    target_text: Some(Script::new(base.as_str())),
                    target: target.map_or_else(|| elsewhere(&base), |n| Entries::from(vec![Reference::to(&n)])),
                    ..Synonym::default()
                }
                .into(),
            );
        }
    }

    pub(super) fn xml_schema_collections(&mut self) {
        let rows: Vec<_> = self.rows.of("sys.xml_schema_collections").collect();
        for r in rows {
            // The collection `sys` is the server's.
            let Some(id) = r.int("xml_collection_id").filter(|id| *id > 1) else { continue };
            let Some(schema) = r.int("schema_id").and_then(|s| self.schemas.get(&s)) else { continue };
            let name = Name::two(schema.as_str(), r.string("name"));
            match self.rows.schemas_of_xml.get(&id) {
                Some(text) => {
                    let schemas = Some(Script::new(literal(text)));
                    self.made.push(XmlSchemaCollection { name, schemas, ..XmlSchemaCollection::default() }.into());
                }
                None => self.left_out("XML schema collection (its columns take any XML)", name),
            }
        }
    }

    /// Everything else, by kind and name.
    pub(super) fn leftovers(&mut self) {
        for (kind, words) in [("X", "extended procedure"), ("RF", "replication filter procedure")] {
            for (_, object) in self.of_kinds(&[kind]) {
                self.left_out(words, object.name);
            }
        }
        let known = [
            "U", "V", "P", "FN", "IF", "TF", "TR", "SN", "SO", "C", "D", "F", "PK", "UQ", "TT", "IT", "S", "AF", "FS",
            "FT", "PC", "TA", "X", "RF", "SQ", "R", "EC", "ET", "SP",
        ];
        let unknown: Vec<_> = self.objects.values().filter(|o| !known.contains(&o.kind.as_str())).cloned().collect();
        for object in unknown {
            self.left_out(&format!("object of type {}", object.kind), object.name);
        }
        // Who owns an object apart from its schema: the model has no word for it.
        let owned: Vec<_> = self
            .rows
            .of("sys.objects")
            .filter_map(|r| {
                let object = self.objects.get(&r.int("object_id")?)?;
                let owner = self.principals.get(&r.int("principal_id")?)?;
                Some(format!("{}: {}", object.name, owner.name))
            })
            .collect();
        for text in owned {
            self.left_out("owner of an object (it becomes its schema's)", text);
        }
        for (view, kind) in [("sys.types", "type"), ("sys.xml_schema_collections", "XML schema collection")] {
            let owned: Vec<_> = self
                .rows
                .of(view)
                .filter_map(|r| {
                    let owner = self.principals.get(&r.int("principal_id")?)?;
                    let schema = self.schemas.get(&r.int("schema_id")?)?;
                    // Those of the server are the server's.
                    let name = Name::two(schema.as_str(), r.string("name"));
                    (name.schema() != "sys").then(|| format!("{name}: {}", owner.name))
                })
                .collect();
            for text in owned {
                self.left_out(&format!("owner of a {kind} (it becomes its schema's)"), text);
            }
        }
        let named = |r: &Record<'_>| Some(Name::one(r.string("name")).to_string());
        self.each("sys.plan_guides", "plan guide", named);
    }

    /// The net under everything: an object that nobody made and nobody named is named here.
    pub(super) fn nothing_is_missing(&mut self) {
        let named: std::collections::HashSet<String> = self.not_carried.iter().map(|n| n.name.clone()).collect();
        for (kind, words) in [
            ("U", "table"),
            ("V", "view"),
            ("P", "procedure"),
            ("FN", "function"),
            ("IF", "function"),
            ("TF", "function"),
            ("TR", "trigger"),
            ("SN", "synonym"),
            ("SO", "sequence"),
            ("SQ", "service queue"),
            ("R", "rule"),
            ("SP", "security policy"),
            ("ET", "external table"),
            ("AF", "CLR aggregate"),
            ("FS", "CLR function"),
            ("FT", "CLR function"),
            ("PC", "CLR procedure"),
            ("TA", "CLR trigger"),
        ] {
            for (_, object) in self.of_kinds(&[kind]) {
                if !self.carried.contains(&object.name) && !named.contains(&object.name.to_string()) {
                    self.left_out(words, object.name);
                }
            }
        }
    }

    /// Names what a view has rows of.
    pub(super) fn each(&mut self, view: &str, kind: &str, name: impl Fn(&Record<'_>) -> Option<String>) {
        let names: Vec<_> = self.rows.of(view).filter_map(|r| name(&r)).collect();
        for name in names {
            self.left_out(kind, name);
        }
    }
}

/// What a synonym of another database or server stands for: nothing of this model, but DacFx keeps the name, with a
/// bar between the database and what is in it.
fn elsewhere(base: &str) -> Entries {
    let parsed = Name::parse(base).ok().filter(|n| n.parts().len() > 2);
    let Some(name) = parsed else { return Entries::default() };
    let (outer, inner) = name.parts().split_at(name.parts().len() - 2);
    let annotation = Annotation {
        kind: "PersistedResolvableAnnotation".into(),
        name: Some(format!("{}|{}", Name::of(outer.to_vec()), Name::of(inner.to_vec()))),
        nodes: vec![
            plain("TargetTypeStorage", "ISqlSynonymTarget"),
            plain("Length", base.encode_utf16().count().to_string()),
        ],
        ..Annotation::default()
    };
    Entries(vec![Item::Annotation(annotation).into()])
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
