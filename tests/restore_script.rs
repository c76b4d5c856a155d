//! Nothing is dropped in silence: every property of every element of every package at hand is changed, one at a time,
//! and each time the script for a server, or its report of what it does not set, must change with it.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use pacrat::bacpac::model::{
    Document, Element, Entry, Item, Limits, Model, Node, Property, Reference, Relationship, Script, Value, read,
};
use pacrat::bacpac::script::{self, Form, WITHOUT_SAYING};
use serde_json::Value as Json;

/// A place in a document: the element's number, then node, entry and item of each level below.
type Path = (usize, Vec<(usize, usize, usize)>);

/// An element in which a property can be changed.
#[derive(Clone)]
struct Carrier {
    package: usize,
    path: Path,
    parent: String,
}

fn documents(test: &str) -> Option<Vec<(String, Document)>> {
    let shared = support::shared(test)?;
    let mut all = Vec::new();
    // Those beside the tests were made by DacFx, of the scripts in tests/oracle/corpus.
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages");
    for folder in ["bacpacs", "dacpacs", "dacfx/golden"].map(|f| shared.join(f)).into_iter().chain([own]) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.extension().is_some_and(|e| e == "bacpac" || e == "dacpac") {
                continue;
            }
            let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
            let mut bytes = Vec::new();
            archive.by_name("model.xml").unwrap().read_to_end(&mut bytes).unwrap();
            let document = read(&bytes[..], Limits::default()).unwrap();
            all.push((path.file_name().unwrap().to_string_lossy().into_owned(), document));
        }
    }
    // Small ones first: they are the quick ones to change something in.
    all.sort_by_key(|(name, document)| (document.elements.len(), name.clone()));
    Some(all)
}

/// What a restore would do and say, as one list of lines.
fn outcome(document: &Document) -> Result<Vec<String>, String> {
    let model = Model::from_document(document).map_err(|e| e.to_string())?;
    let made = script::script(&model, Form::Server);
    let mut lines: Vec<String> = made
        .batches
        .iter()
        .map(|b| format!("{:?} {} {} {} {}", b.phase, b.kind, b.sql, b.ansi_nulls, b.quoted_identifier))
        .collect();
    lines.extend(made.not_carried.iter().map(|n| format!("not carried: {n}")));
    lines.push(format!("{:?}", script::database_collation(&model)));
    Ok(lines)
}

fn names(element: &Element) -> BTreeSet<String> {
    let name = |node: &Node| match node {
        Node::Property(p) => Some(p.name.clone()),
        Node::Relationship(r) => Some(r.name.clone()),
        _ => None,
    };
    element.nodes.iter().filter_map(name).collect()
}

fn visit(element: &Element, parent: &str, path: &Path, see: &mut impl FnMut(&Element, &str, &Path)) {
    see(element, parent, path);
    for (n, node) in element.nodes.iter().enumerate() {
        let Node::Relationship(relationship) = node else { continue };
        for (e, entry) in relationship.entries.iter().enumerate() {
            for (i, item) in entry.items.iter().enumerate() {
                if let Item::Element(child) = item {
                    let mut below = path.clone();
                    below.1.push((n, e, i));
                    visit(child, &element.kind, &below, see);
                }
            }
        }
    }
}

fn at<'d>(document: &'d mut Document, path: &Path) -> &'d mut Element {
    let mut element = &mut document.elements[path.0];
    for (n, e, i) in &path.1 {
        let Node::Relationship(relationship) = &mut element.nodes[*n] else { panic!() };
        let Item::Element(child) = &mut relationship.entries[*e].items[*i] else { panic!() };
        element = child;
    }
    element
}

/// Other values that a property could have, and whether it holds T-SQL.
fn others(declared: &Json, now: Option<&str>) -> Vec<Value> {
    let text = |values: Vec<String>| values.into_iter().filter(|v| Some(v.as_str()) != now).map(Value::Plain).collect();
    if let Some(names) = declared["enum"].as_object() {
        return text(names.values().map(|v| v.to_string()).collect());
    }
    match declared["type"].as_str().unwrap_or("String") {
        "Boolean" => text(vec!["True".into(), "False".into()]),
        "SqlScriptProperty" => vec![Value::Script(Script::new(format!("{} + 1", now.unwrap_or("1"))))],
        "String" => text(vec![format!("{}x", now.unwrap_or("Other")), "0x0102".into(), "True".into(), "7".into()]),
        _ => text(vec!["7".into(), "3".into()]),
    }
}

/// Whether what a restore does or says is different after a change; the document is as before afterwards.
fn changes(document: &mut Document, path: &Path, before: &[String], change: impl FnOnce(&mut Element)) -> bool {
    let element = at(document, path);
    let kept = element.nodes.clone();
    change(element);
    // A model that is refused is not restored in silence.
    let different = outcome(document).map_or(true, |after| after != before);
    at(document, path).nodes = kept;
    different
}

fn set(element: &mut Element, name: &str, value: Value) {
    element.nodes.retain(|n| !matches!(n, Node::Property(p) if p.name == name));
    let property = Property { name: name.to_owned(), value, more: Vec::new() };
    element.nodes.insert(0, Node::Property(property));
}

const NAMES: [&str; 3] = ["[Other]", "[dbo].[Other]", "[dbo].[Other].[Part]"];

fn refer(element: &mut Element, name: &str, to: &str) {
    element.nodes.retain(|n| !matches!(n, Node::Relationship(r) if r.name == name));
    let reference = Reference { name: Some(to.to_owned()), ..Reference::default() };
    let entries = vec![Entry { items: vec![Item::Reference(reference)], bare: false }];
    let other = Relationship { name: name.to_owned(), entries, more: Vec::new() };
    element.nodes.push(Node::Relationship(other));
}

fn value_of(element: &Element, name: &str) -> Option<String> {
    element.property(name).map(str::to_owned)
}

/// What means something only together with something else, which the element at hand does not have.
const ONLY_WITH: &[(&str, &str, &str)] = &[
    ("SqlDataCompressionOption", "PartitionNumber", "partitions; the packages have one such table, looked at there"),
    ("SqlColumnStoreIndex", "PartitionColumn", "a partition scheme"),
    ("SqlUniqueConstraint", "PartitionColumn", "a partition scheme"),
    ("SqlUniqueConstraint", "BucketCount", "a memory-optimised table"),
    ("SqlDatabaseOptions", "GenericDatabaseScopedConfigurationOptions", "elements of their own, which are reported"),
];

/// Properties that must be set first, so that another one means something.
const AFTER: &[(&str, &str, &str, &str)] = &[
    ("SqlStatistic", "SampleSize", "SamplingStyle", "2"),
    ("SqlTableTypePrimaryKeyConstraint", "IsHash", "IsClustered", "False"),
];

fn goes_without_saying(kind: &str, name: &str) -> bool {
    WITHOUT_SAYING.iter().any(|(k, list, _)| *k == kind && list.split_ascii_whitespace().any(|l| l == name))
        // What something uses orders the script, and the schema stands in the name.
        || name.ends_with("Dependencies")
        || name == "Schema"
        || name == "ForObject"
        // Words for other options of the database, or none at all.
        || (kind == "SqlDatabaseOptions" && matches!(name, "IsTornPageProtectionOn" | "IsFullTextEnabled"))
        // Left whole, and said so: it is the server's. And what the server makes up for a change table.
        || matches!(kind, "SqlLogin" | "SqlDynamicColumnSource")
}

/// What the model declares, by element type.
fn vocabulary() -> Option<serde_json::Map<String, Json>> {
    let shared = support::shared("the vocabulary")?;
    let text = std::fs::read_to_string(shared.join("dacfx/modelschema.json")).unwrap();
    let Json::Object(all) = serde_json::from_str::<Json>(&text).unwrap()["elements"].take() else { panic!() };
    Some(all)
}

#[test]
fn every_property_of_every_kind_is_set_or_reported() {
    let test = "every_property_of_every_kind_is_set_or_reported";
    let (Some(mut packages), Some(vocabulary)) = (documents(test), vocabulary()) else { return };
    let before: Vec<Vec<String>> = packages.iter().map(|(_, d)| outcome(d).unwrap()).collect();
    // Elements of a kind that differ in what they have, wherever they are.
    let mut carriers: BTreeMap<String, Vec<Carrier>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (package, (_, document)) in packages.iter().enumerate() {
        for (n, element) in document.elements.iter().enumerate() {
            visit(element, "", &(n, Vec::new()), &mut |element, parent, path| {
                let has = names(element);
                if seen.insert((element.kind.clone(), parent.to_owned(), has)) {
                    let carrier = Carrier { package, path: path.clone(), parent: parent.to_owned() };
                    carriers.entry(element.kind.clone()).or_default().push(carrier);
                }
            });
        }
    }
    let mut silent = Vec::new();
    let mut tried = 0;
    for (kind, all) in &carriers {
        // Views and functions have columns, too: their text says what they are.
        let all: Vec<&Carrier> = all.iter().filter(|c| !in_a_module(&c.parent)).collect();
        if all.is_empty() {
            continue;
        }
        let declared = &vocabulary[kind.as_str()];
        for property in declared["properties"].as_array().unwrap() {
            let name = property["name"].as_str().unwrap();
            let only_with = ONLY_WITH.iter().any(|(k, n, _)| k == kind && *n == name);
            if goes_without_saying(kind, name) || only_with {
                continue;
            }
            tried += 1;
            let said = all.iter().any(|carrier| {
                let (_, document) = &mut packages[carrier.package];
                let kept = at(document, &carrier.path).nodes.clone();
                let mut prepared = None;
                for (_, _, first, value) in AFTER.iter().filter(|(k, n, ..)| k == kind && *n == name) {
                    set(at(document, &carrier.path), first, Value::Plain((*value).to_owned()));
                    prepared = outcome(document).ok();
                }
                let now = value_of(at(document, &carrier.path), name);
                let before = prepared.as_ref().unwrap_or(&before[carrier.package]);
                let said = others(property, now.as_deref())
                    .into_iter()
                    .any(|value| changes(document, &carrier.path, before, |e| set(e, name, value)));
                at(document, &carrier.path).nodes = kept;
                said
            });
            if !said {
                silent.push(format!("{kind}.{name}"));
            }
        }
        for relationship in declared["relationships"].as_array().unwrap() {
            let name = relationship["name"].as_str().unwrap();
            let only_with = ONLY_WITH.iter().any(|(k, n, _)| k == kind && *n == name);
            // The other direction of another one: it is not written.
            if relationship["kind"] == "Reverse" || only_with || goes_without_saying(kind, name) {
                continue;
            }
            tried += 1;
            let said = all.iter().any(|carrier| {
                let (_, document) = &mut packages[carrier.package];
                let before = &before[carrier.package];
                NAMES.iter().any(|text| changes(document, &carrier.path, before, |e| refer(e, name, text)))
            });
            if !said {
                silent.push(format!("{kind}>{name}"));
            }
        }
    }
    println!("{tried} properties and relationships of {} kinds were changed", carriers.len());
    assert!(tried > 400, "{tried}");
    assert!(silent.is_empty(), "dropped in silence: {silent:#?}");
}

fn in_a_module(parent: &str) -> bool {
    // A clustered columnstore holds every column; the other ones have theirs looked at as a whole.
    let modules = [
        "SqlColumnStoreIndex",
        "SqlView",
        "SqlProcedure",
        "SqlDmlTrigger",
        "SqlDatabaseDdlTrigger",
        "SqlDynamicColumnSource",
    ];
    modules.contains(&parent)
        || parent.ends_with("Function")
        || parent == "SqlSubroutineParameter"
        || parent == "SqlQueue"
}

/// The same for what really stands in the packages: each value, wherever it stands, changed to another one or taken
/// away.
#[test]
fn every_value_of_every_package_is_set_or_reported() {
    let test = "every_value_of_every_package_is_set_or_reported";
    let (Some(packages), Some(vocabulary)) = (documents(test), vocabulary()) else { return };
    let work = std::sync::Mutex::new(packages);
    let (vocabulary, work) = (&vocabulary, &work);
    let silent: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(move || {
                    let mut silent = Vec::new();
                    loop {
                        // The largest first; the lock is not held while one is at work.
                        let Some((name, document)) = work.lock().unwrap().pop() else { return silent };
                        silent.extend(of_a_package(&name, document, vocabulary));
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    assert!(silent.is_empty(), "{} dropped in silence: {silent:#?}", silent.len());
}

/// Elements whose script is that of something else.
fn is_excused(element: &Element, functions: &BTreeSet<String>) -> bool {
    let table = element.references("DefiningTable").next().and_then(|r| r.name.clone());
    // The keys and checks of a function's table stand in the function's text; AS NODE and AS EDGE make columns.
    table.is_some_and(|t| functions.contains(&t)) || element.property("GraphType").is_some()
}

/// What is there and means nothing where it is.
fn is_nothing_here(element: &Element, name: &str, now: Option<&str>) -> bool {
    let nameless = |r: &Relationship| r.references().all(|r| r.name.is_none()) && r.elements().next().is_none();
    match (element.kind.as_str(), name) {
        // The database has no name; that it is meant stands in the name of the element.
        ("SqlPermissionStatement", "SecuredObject") | ("SqlExtendedProperty", "Host") => {
            element.relationship(name).is_some_and(nameless)
        }
        // The only partition.
        ("SqlDataCompressionOption", "PartitionNumber") => now == Some("1"),
        // Automatic grids have no levels.
        ("SqlSpatialIndex", _) if name.starts_with("GridDensityLevel") => now == Some("0"),
        // Memory-optimised tables have no such option; that is what their indexes have the bucket count or this for.
        ("SqlIndex" | "SqlPrimaryKeyConstraint", "DoRecomputeStatistics") => {
            let on = element.references("DefiningTable").chain(element.references("IndexedObject")).next();
            on.and_then(|r| r.name.as_deref()).is_some_and(|n| n.starts_with("[dbo].[Mem"))
        }
        // The login says it.
        ("SqlUser", "AuthenticationType") => element.relationship("Login").is_some(),
        // It holds every column; and so does a table that has none but those of a graph.
        ("SqlColumnStoreIndex", "ColumnSpecifications") => element.property("IsClustered") == Some("True"),
        ("SqlTable", "Columns") => element.property("IsEdge") == Some("True"),
        // The text of the trigger says it; the order is looked at in each of them.
        ("SqlDatabaseDdlTrigger", "EventType") => true,
        // A module of an assembly was made under no settings: they stand there without a value.
        (_, "IsAnsiNullsOn" | "IsQuotedIdentifierOn") => {
            let without = |n: &Node| matches!(n, Node::Property(p) if p.name == name && p.value == Value::Null);
            element.nodes.iter().any(without)
        }
        _ => false,
    }
}

fn of_a_package(package: &str, mut document: Document, vocabulary: &serde_json::Map<String, Json>) -> Vec<String> {
    let before = outcome(&document).unwrap();
    let mut work: Vec<(Path, String, String)> = Vec::new();
    let functions: BTreeSet<String> =
        document.elements.iter().filter(|e| e.kind.ends_with("Function")).filter_map(|e| e.name.clone()).collect();
    // Elements alike in what they have and where they stand are handled alike: two of them are looked at.
    let mut seen: HashMap<(String, String, BTreeSet<String>), usize> = HashMap::new();
    for (n, element) in document.elements.iter().enumerate() {
        let mut inside = Vec::new();
        visit(element, "", &(n, Vec::new()), &mut |element, parent, path| {
            let depth = path.1.len();
            inside.truncate(depth);
            let excused = inside.iter().any(|m| *m) || in_a_module(parent) || is_excused(element, &functions);
            inside.push(excused);
            let times = seen.entry((element.kind.clone(), parent.to_owned(), names(element))).or_default();
            *times += 1;
            if *times <= 2 && !excused {
                work.extend(names(element).into_iter().map(|name| (path.clone(), element.kind.clone(), name)));
            }
        });
    }
    let mut silent = Vec::new();
    for (path, kind, name) in work {
        if goes_without_saying(&kind, &name) {
            continue;
        }
        let element = at(&mut document, &path).clone();
        let declared = vocabulary[kind.as_str()]["properties"].as_array().unwrap();
        let declared = declared.iter().find(|p| p["name"] == name.as_str()).cloned().unwrap_or(Json::Null);
        let now = value_of(&element, &name);
        if is_nothing_here(&element, &name, now.as_deref()) {
            continue;
        }
        // The login is named twice.
        let twin = |n: &str| n == name || (kind == "SqlUser" && n.contains("Login") && name.contains("Login"));
        let gone = |e: &mut Element| {
            e.nodes.retain(|n| {
                !matches!(n, Node::Property(p) if twin(&p.name)) && !matches!(n, Node::Relationship(r) if twin(&r.name))
            });
        };
        let said = changes(&mut document, &path, &before, gone)
            || (element.relationship(&name).is_some()
                && NAMES.iter().any(|text| changes(&mut document, &path, &before, |e| refer(e, &name, text))))
            || now.is_some_and(|now| {
                others(&declared, Some(&now))
                    .into_iter()
                    .any(|value| changes(&mut document, &path, &before, |e| set(e, &name, value)))
            });
        if !said {
            silent.push(format!("{package}: {kind} {}: {name}", element.name.as_deref().unwrap_or("")));
        }
    }
    silent
}

/// A kind that no package at hand has is reported by its name.
#[test]
fn a_kind_that_is_not_scripted_is_reported_by_name() {
    let Some(vocabulary) = vocabulary() else { return };
    let mut silent = Vec::new();
    for kind in vocabulary.keys() {
        let element = Element { kind: kind.clone(), name: Some("[a].[b]".into()), ..Element::default() };
        let document = Document { elements: vec![element], ..Document::default() };
        let Ok(lines) = outcome(&document) else { continue };
        // These two have no name of their own.
        let nameless = matches!(kind.as_str(), "SqlDatabaseOptions" | "SqlFullTextIndex" | "SqlRoleMembership");
        if nameless {
            continue;
        }
        if !lines.iter().any(|l| l.contains("[b]")) {
            silent.push(kind.clone());
        }
    }
    assert!(silent.is_empty(), "{silent:?}");
}

/// A property that no version of pacrat knows is reported with object, property and value; a secret without its value.
#[test]
fn what_a_later_version_brings_is_reported() {
    let property = |name: &str, value: &str| {
        Node::Property(Property { name: name.into(), value: Value::Plain(value.into()), more: Vec::new() })
    };
    let table = Element {
        kind: "SqlTable".into(),
        name: Some("[dbo].[T]".into()),
        nodes: vec![property("IsFromTheFuture", "True"), property("FuturePassword", "hunter2")],
        ..Element::default()
    };
    let options = Element {
        kind: "SqlDatabaseOptions".into(),
        nodes: vec![property("FutureOption", "17"), property("IsReadOnly", "True")],
        ..Element::default()
    };
    let document = Document { elements: vec![options, table], ..Document::default() };
    let lines = outcome(&document).unwrap();
    for wanted in [
        "not carried: table [dbo].[T]: IsFromTheFuture = True: a restore does not set it",
        "not carried: table [dbo].[T]: FuturePassword = (not shown): a restore does not set it",
        "not carried: database option: FutureOption = 17: a restore does not set it",
        "not carried: database option: IsReadOnly = True: the copy can be written",
    ] {
        assert!(lines.iter().any(|l| l == wanted), "{wanted}\n{}", lines.join("\n"));
    }
}

/// A restore of everything is the package, whole; and to give no table another name changes nothing.
#[test]
fn a_choice_of_everything_changes_nothing() {
    let Some(packages) = documents("a_choice_of_everything_changes_nothing") else { return };
    for (name, document) in packages {
        let model = Model::from_document(&document).unwrap();
        let chosen = script::choose(&model, &script::Choice::default()).unwrap();
        assert!(chosen.model == model && chosen.left.is_empty(), "{name}");
        let renamed = script::rename(&model, &BTreeMap::new(), &Default::default(), "_x").unwrap();
        assert!(renamed.model == model && renamed.left.is_empty(), "{name}");
    }
}

/// A table with a column of an assembly's type comes with the type and the whole assembly, and with nothing that is not
/// about them.
#[test]
fn a_table_brings_the_assemblies_of_its_types() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/clr.dacpac");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive.by_name("model.xml").unwrap().read_to_end(&mut bytes).unwrap();
    let model = Model::from_document(&read(&bytes[..], Limits::default()).unwrap()).unwrap();
    let choice = script::Choice { tables: vec!["geo.Places".into()], ..script::Choice::default() };
    let made = script::script(&script::choose(&model, &choice).unwrap().model, Form::Server);
    let made: Vec<String> = made
        .batches
        .iter()
        .filter(|b| b.creates || b.kind == "assembly file")
        .map(|b| format!("{} {}", b.kind, b.name))
        .filter(|b| !b.starts_with("database option"))
        .collect();
    assert_eq!(
        made,
        [
            "role [Makers]",
            "schema [geo]",
            "assembly [Shapes]",
            "CLR type [geo].[Point]",
            "assembly file [Shapes].[Shapes.pdb]",
            "assembly file [Shapes].[Shapes' source.cs]",
            "function [geo].[Twice]",
            "table [geo].[Places]",
            "primary key [geo].[PK_Places]",
            "trigger [geo].[Watch]",
        ]
    );
}

/// Without users nothing of the script names one that the package has.
#[test]
fn a_choice_without_users_names_none() {
    let Some(packages) = documents("a_choice_without_users_names_none") else { return };
    let choice = script::Choice { users: script::Users::None, ..script::Choice::default() };
    let mut users = 0;
    for (name, document) in packages {
        let model = Model::from_document(&document).unwrap();
        let gone: Vec<String> = (document.elements.iter())
            .filter(|e| e.kind == "SqlUser")
            .filter_map(|e| e.name.clone())
            .inspect(|_| users += 1)
            .collect();
        let chosen = script::choose(&model, &choice).unwrap();
        for batch in script::script(&chosen.model, Form::Server).batches {
            // A module's text is its own: the server says what it misses.
            if ["procedure", "function", "trigger", "queue"].contains(&batch.kind) {
                continue;
            }
            for user in &gone {
                let words = [
                    format!("AUTHORIZATION {user}"),
                    format!("TO {user};"),
                    format!("USER {user}"),
                    format!("MEMBER {user}"),
                ];
                assert!(!words.iter().any(|w| batch.sql.contains(w)), "{name}: {}", batch.sql);
            }
        }
    }
    assert!(users > 5, "{users}");
}
