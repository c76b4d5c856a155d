//! The model of real packages and of DacFx's golden ones: read, typed, written again, nothing lost.

use pacrat::bacpac::model::{self, Limits, Model, Object};
use std::io::Read;
use std::path::PathBuf;

fn shared(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if shared.is_dir() {
        return Some(shared);
    }
    eprintln!("SKIPPED: {test} needs ../shared");
    None
}

/// The model.xml of every package at hand: real ones and golden ones.
fn models(shared: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for folder in ["bacpacs", "dacpacs", "dacfx/golden"] {
        let mut files: Vec<_> = std::fs::read_dir(shared.join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files {
            if !file.extension().is_some_and(|e| e == "bacpac" || e == "dacpac") {
                continue;
            }
            let mut archive = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
            let mut bytes = Vec::new();
            archive.by_name("model.xml").unwrap().read_to_end(&mut bytes).unwrap();
            out.push((file.file_name().unwrap().to_string_lossy().into_owned(), bytes));
        }
    }
    assert!(out.len() >= 20 + 6 + 42);
    out
}

#[test]
fn every_model_comes_back_byte_for_byte() {
    let Some(shared) = shared("every_model_comes_back_byte_for_byte") else { return };
    let mut failures = Vec::new();
    for (file, bytes) in models(&shared) {
        let document = model::read(&bytes[..], Limits::default()).unwrap_or_else(|e| panic!("{file}: {e}"));
        if model::to_bytes(&document) != bytes {
            failures.push(format!("{file}: tree"));
        }
        let typed = Model::from_document(&document).unwrap_or_else(|e| panic!("{file}: {e}"));
        let again = typed.to_document();
        if again != document {
            let different = again.elements.iter().zip(&document.elements).find(|(a, b)| a != b);
            failures.push(format!("{file}: typed, {different:#?}"));
        }
        assert_eq!(Model::from_document(&again).unwrap(), typed, "{file}: typed twice");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_object_of_a_real_package_has_a_type() {
    let Some(shared) = shared("every_object_of_a_real_package_has_a_type") else { return };
    for (file, bytes) in models(&shared) {
        if file.as_bytes()[0].is_ascii_digit() {
            continue;
        }
        for object in Model::read(&bytes[..], Limits::default()).unwrap().objects {
            if let Object::Other(element) = object {
                panic!("{file}: {} has no type", element.kind);
            }
        }
    }
}

#[test]
fn every_table_of_a_real_package_has_a_column_plan() {
    let Some(shared) = shared("every_table_of_a_real_package_has_a_column_plan") else { return };
    let mut tables = 0;
    for (file, bytes) in models(&shared) {
        for (name, plan) in Model::read(&bytes[..], Limits::default()).unwrap().table_plans() {
            if file.starts_with("32_graph") {
                continue;
            }
            plan.unwrap_or_else(|e| panic!("{file} {name}: {e}"));
            tables += 1;
        }
    }
    assert!(tables > 300);
}

#[test]
fn the_order_is_that_of_dacfx() {
    let Some(shared) = shared("the_order_is_that_of_dacfx") else { return };
    for (file, bytes) in models(&shared) {
        let model = Model::read(&bytes[..], Limits::default()).unwrap();
        let mut sorted = model.clone();
        sorted.sort();
        // Elements without a name stand in an order of their own in DacFx's files.
        let keys = |m: &Model| -> Vec<(String, String)> {
            m.objects.iter().map(Object::to_element).map(|e| (e.kind, e.name.unwrap_or_default())).collect()
        };
        assert_eq!(keys(&sorted), keys(&model), "{file}");
    }
}

#[test]
fn the_schema_version_is_that_of_what_is_used() {
    let Some(shared) = shared("the_schema_version_is_that_of_what_is_used") else { return };
    for (file, bytes) in models(&shared) {
        let model = Model::read(&bytes[..], Limits::default()).unwrap();
        let floor = match model.header.schema_version.as_str() {
            "2.5" => 250,
            "2.6" => 260,
            _ => 240,
        };
        assert_eq!(model.schema_version(floor), model.header.schema_version, "{file}");
    }
}

#[test]
fn objects_are_counted_as_in_origin_xml() {
    let Some(shared) = shared("objects_are_counted_as_in_origin_xml") else { return };
    let mut checked = 0;
    for file in std::fs::read_dir(shared.join("bacpacs")).unwrap().map(|e| e.unwrap().path()) {
        if file.extension().is_none_or(|e| e != "bacpac") {
            continue;
        }
        let mut archive = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
        let mut bytes = Vec::new();
        archive.by_name("model.xml").unwrap().read_to_end(&mut bytes).unwrap();
        let mut origin = String::new();
        archive.by_name("Origin.xml").unwrap().read_to_string(&mut origin).unwrap();
        let Some((_, counts)) = origin.split_once("<ObjectCounts>") else { continue };
        let counts: Vec<(String, u64)> = counts
            .split_once("</ObjectCounts>")
            .unwrap()
            .0
            .lines()
            .filter_map(|l| l.trim().strip_prefix('<')?.split_once('>'))
            .map(|(kind, rest)| (kind.to_owned(), rest.split_once('<').unwrap().0.parse().unwrap()))
            .collect();
        let ours: Vec<(String, u64)> =
            Model::read(&bytes[..], Limits::default()).unwrap().object_counts().into_iter().collect();
        assert_eq!(ours, counts, "{}", file.display());
        checked += 1;
    }
    assert!(checked >= 15);
}

mod hostile {
    //! Models that nobody's writer would make: an error or a model, never a panic; and a script of whatever is a model.

    use pacrat::bacpac::model::{Limits, Model, vocabulary::vocabulary};
    use pacrat::bacpac::script::{Form, dacfx_text, script};
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("True".to_owned()),
            Just("False".to_owned()),
            Just("-1".to_owned()),
            Just("99999999999999999999".to_owned()),
            Just("3".to_owned()),
            Just("[dbo].[t]".to_owned()),
            Just("[dbo].[t].[c]".to_owned()),
            Just("[int]".to_owned()),
            Just("[x".to_owned()),
            Just("[Grant.Select.Object].[a]".to_owned()),
            "[ -~é\u{1F4A9}]{0,12}",
        ]
    }

    fn escape(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    }

    /// An element of a kind that there is, with what its kind may have, of any value, nested.
    fn element(depth: u32) -> BoxedStrategy<String> {
        let mut kinds: Vec<&'static str> = vocabulary().keys().copied().collect();
        kinds.sort_unstable();
        proptest::sample::select(kinds)
            .prop_flat_map(move |kind| {
                let ty = &vocabulary()[kind];
                let properties: Vec<String> = ty.properties.iter().map(|p| p.name.to_owned()).collect();
                let relationships: Vec<String> = ty.relationships.iter().map(|r| r.name.to_owned()).collect();
                let property = (proptest::sample::select(some(properties)), text(), 0..3u8).prop_map(|(n, v, form)| {
                    let v = escape(&v);
                    match form {
                        0 => format!("<Property Name=\"{n}\" Value=\"{v}\"/>"),
                        1 => format!("<Property Name=\"{n}\"><Value>{v}</Value></Property>"),
                        _ => format!("<Property Name=\"{n}\"/>"),
                    }
                });
                let reference = text().prop_map(|t| format!("<References Name=\"{}\"/>", escape(&t)));
                let inner: BoxedStrategy<String> = if depth == 0 {
                    reference.boxed()
                } else {
                    prop_oneof![reference, element(depth - 1), Just(String::new())].boxed()
                };
                let relationship =
                    (proptest::sample::select(some(relationships)), proptest::collection::vec(inner, 0..3)).prop_map(
                        |(n, items)| {
                            let entries: String = items.iter().map(|i| format!("<Entry>{i}</Entry>")).collect();
                            format!("<Relationship Name=\"{n}\">{entries}</Relationship>")
                        },
                    );
                let annotation = (0..4u8).prop_map(|n| {
                    format!(
                        "<Annotation Type=\"SysCommentsObjectAnnotation\" Disambiguator=\"{n}\"><Property \
                         Name=\"HeaderContents\" Value=\"x\"/></Annotation><AttachedAnnotation Disambiguator=\"{n}\"/>"
                    )
                });
                (
                    proptest::option::of(text()),
                    proptest::collection::vec(property, 0..4),
                    proptest::collection::vec(relationship, 0..4),
                    proptest::collection::vec(annotation, 0..2),
                )
                    .prop_map(move |(name, p, r, a)| {
                        let name = name.map_or(String::new(), |n| format!(" Name=\"{}\"", escape(&n)));
                        format!("<Element Type=\"{kind}\"{name}>{}{}{}</Element>", p.concat(), r.concat(), a.concat())
                    })
            })
            .boxed()
    }

    fn some(mut names: Vec<String>) -> Vec<String> {
        names.push("Unknown".to_owned());
        names
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_model_is_read_or_refused(elements in proptest::collection::vec(element(2), 1..8)) {
            let text = format!("<DataSchemaModel DspName=\"x\"><Model>{}</Model></DataSchemaModel>", elements.concat());
            if let Ok(mut model) = Model::read(text.as_bytes(), Limits::default()) {
                let document = model.to_document();
                // Once in the order of the vocabulary, always the same.
                prop_assert_eq!(&Model::from_document(&document).unwrap().to_document(), &document);
                for (_, plan) in model.table_plans() {
                    let _ = plan;
                }
                let made = script(&model, Form::Server);
                prop_assert!(made.batches.iter().all(|b| !b.sql.is_empty()));
                let _ = dacfx_text(&model);
                model.sort();
                model.number_annotations();
            }
        }
    }
}

/// The dependencies that DacFx lists for expressions are those that we find; for modules ours are among DacFx's.
#[test]
fn dependencies_are_those_of_dacfx() {
    let Some(shared) = shared("dependencies_are_those_of_dacfx") else { return };
    let (mut expressions, mut modules) = (0, 0);
    for (file, bytes) in models(&shared) {
        let theirs = Model::read(&bytes[..], Limits::default()).unwrap();
        let mut ours = theirs.clone();
        ours.resolve_dependencies();
        for (a, b) in ours.objects.iter().zip(&theirs.objects) {
            let exact = |a: &model::Entries, b: &model::Entries, what: String| {
                let list = |e: &model::Entries| -> Vec<_> { e.references().cloned().collect() };
                assert_eq!(list(a), list(b), "{file}: {what}");
            };
            match (a, b) {
                // The check of a function's result is part of the function here.
                (Object::Check(a), Object::Check(b)) if theirs.table(&b.table).is_some() => {
                    exact(&a.dependencies, &b.dependencies, format!("check {}", b.name));
                    expressions += 1;
                }
                (Object::Default(a), Object::Default(b)) => {
                    exact(&a.dependencies, &b.dependencies, format!("default {}", b.name));
                    expressions += 1;
                }
                // The server that one package comes from is no SQL Server: it lists none.
                (Object::Index(a), Object::Index(b)) if !b.dependencies.0.is_empty() => {
                    exact(&a.dependencies, &b.dependencies, format!("index {}", b.name));
                }
                (Object::Table(a), Object::Table(b)) => {
                    for (a, b) in a.columns.iter().zip(&b.columns) {
                        if b.expression.is_some() {
                            exact(&a.dependencies, &b.dependencies, format!("column {}", b.name));
                            expressions += 1;
                        }
                    }
                }
                (Object::View(a), Object::View(b)) => {
                    modules += found_by_dacfx(&file, &theirs, &b.name, &a.dependencies, &b.dependencies);
                }
                (Object::Procedure(a), Object::Procedure(b)) => {
                    modules += found_by_dacfx(&file, &theirs, &b.name, &a.dependencies, &b.dependencies);
                }
                (Object::Function(a), Object::Function(b)) => {
                    modules += found_by_dacfx(&file, &theirs, &b.name, &a.dependencies, &b.dependencies);
                }
                _ => {}
            }
        }
    }
    assert!(expressions > 300 && modules > 200, "{expressions} expressions, {modules} modules");
}

/// Every object that DacFx says a module uses is among ours; 1, so that modules are counted.
fn found_by_dacfx(
    file: &str,
    all: &Model,
    name: &model::Name,
    ours: &model::Entries,
    theirs: &model::Entries,
) -> usize {
    // A hint may name a key or an index; those come before modules in any case.
    let hints: std::collections::HashSet<model::Name> =
        all.objects.iter().filter(|o| matches!(o, Object::Key(_) | Object::Index(_))).map(Object::name).collect();
    let objects = |e: &model::Entries| -> std::collections::BTreeSet<String> {
        let own = e.references().filter(|r| !r.is_built_in()).map(|r| r.parsed());
        own.filter(|n| n.parts().len() == 2 && n != name && !hints.contains(n)).map(|n| n.to_string()).collect()
    };
    let (ours, theirs) = (objects(ours), objects(theirs));
    let missing: Vec<_> = theirs.difference(&ours).collect();
    assert!(missing.is_empty(), "{file}: {name} uses {missing:?} too; found were {ours:?}");
    1
}

/// A model put together from objects, as a catalogue reader does: DacFx's shape without a hand on an element.
#[test]
fn a_model_is_built_from_objects() {
    use model::*;
    let name = Name::two("dbo", "Order");
    let mut column = Column::simple(&name, "Total", TypeSpec::built_in("decimal").decimal(10, 2));
    column.nullable = false;
    let id = Column { nullable: false, identity: true, ..Column::simple(&name, "Id", TypeSpec::built_in("int")) };
    let twice = Column::computed(&name, "Twice", Some("([Total]*(2))".into()));
    let mut key = Key {
        table: name.clone(),
        columns: vec![IndexedColumn::new(name.child("Id"), true)],
        ..Key::of(KeyForm::PrimaryKey)
    };
    key.rest.set_system_name(&Name::two("dbo", "PK__Order__1"));
    let check = Check {
        name: Name::two("dbo", "CK_Order"),
        table: name.clone(),
        condition: Some("[Total]>(0)".into()),
        ..Check::default()
    };
    let mut options = DatabaseOptions::default();
    options.set("Collation", "Latin1_General_CI_AS");
    options.set_on("IsAnsiNullsOn", true);
    options.set_on("IsAutoShrinkOn", false);
    let table = Table { name: name.clone(), ansi_nulls: true, columns: vec![id, column, twice], ..Table::default() };
    let mut model = Model { objects: vec![check.into(), table.into(), key.into(), options.into()], ..Model::default() };
    model.complete(250).unwrap();
    let text = String::from_utf8(to_bytes(&model.to_document())).unwrap();
    let kinds: Vec<_> = model.objects.iter().map(|o| o.to_element().kind).collect();
    assert_eq!(kinds, ["SqlDatabaseOptions", "SqlPrimaryKeyConstraint", "SqlCheckConstraint", "SqlTable"]);
    assert_eq!(model.header.schema_version, "2.5");
    for line in [
        "<Annotation Type=\"SqlInlineConstraintAnnotation\" Name=\"[dbo].[PK__Order__1]\" Disambiguator=\"3\" />",
        "\t\t\t<AttachedAnnotation Disambiguator=\"3\" />",
        "<Relationship Name=\"CheckExpressionDependencies\">",
        "<References Name=\"[dbo].[Order].[Total]\" />",
        "<References ExternalSource=\"BuiltIns\" Name=\"[dbo]\" />",
        "<Property Name=\"Precision\" Value=\"10\" />",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("IsAutoShrinkOn"), "an option that is as it is by default is not written");
    // Stable: the same schema gives the same bytes, in whichever order the objects came.
    let mut again = Model::read(text.as_bytes(), Limits::default()).unwrap();
    again.objects.reverse();
    again.complete(250).unwrap();
    assert_eq!(String::from_utf8(to_bytes(&again.to_document())).unwrap(), text);
}

/// An index may have a column's name, a role a schema's: all references stay clear.
#[test]
fn shared_names_are_told_apart() {
    use model::*;
    let table = Name::two("dbo", "Categories");
    let column = Column::simple(&table, "Name", TypeSpec::built_in("nvarchar").length(15));
    let index = Index {
        name: table.child("Name"),
        on: table.clone(),
        columns: vec![IndexedColumn::new(table.child("Name"), true)],
        ..Index::default()
    };
    let described = ExtendedProperty {
        name: Name::of(["SqlIndexBase", "dbo", "Categories", "Name", "p"]),
        value: Some("N'x'".into()),
        host: Some(Reference::to(&index.name)),
        ..ExtendedProperty::default()
    };
    let owner = Some(Reference::to(&Name::one("app")));
    let objects: Vec<Object> = vec![
        Table { name: table, columns: vec![column], ..Table::default() }.into(),
        index.into(),
        described.into(),
        Schema { name: Name::one("app"), owner, ..Schema::default() }.into(),
        Role { name: Name::one("app"), ..Role::default() }.into(),
    ];
    let mut model = Model { objects, ..Model::default() };
    model.complete(250).unwrap();
    let text = String::from_utf8(to_bytes(&model.to_document())).unwrap();
    for line in [
        "<Element Type=\"SqlIndex\" Name=\"[dbo].[Categories].[Name]\" Disambiguator=\"4\">",
        "<Element Type=\"SqlSimpleColumn\" Name=\"[dbo].[Categories].[Name]\">",
        "<References Name=\"[dbo].[Categories].[Name]\" />",
        "<References Name=\"[dbo].[Categories].[Name]\" Disambiguator=\"4\" />",
        "<Element Type=\"SqlSchema\" Name=\"[app]\">",
        "<Element Type=\"SqlRole\" Name=\"[app]\" Disambiguator=\"3\" />",
        "<References Name=\"[app]\" Disambiguator=\"3\" />",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
