//! What counts as a difference between two models, and what does not.

use super::*;
use crate::bacpac::model::*;

fn column(table: &Name, name: &str) -> Column {
    Column { name: table.child(name), data_type: Some(TypeSpec::built_in("int")), ..Column::default() }
}

fn table(schema: &str, name: &str, columns: &[&str]) -> Object {
    let name = Name::two(schema, name);
    let columns = columns.iter().map(|c| column(&name, c)).collect();
    Object::Table(Table { columns, name, ..Table::default() })
}

fn index(table: &Name, name: &str, columns: &[&str], included: &[&str]) -> Object {
    Object::Index(Index {
        name: table.child(name),
        on: table.clone(),
        columns: columns.iter().map(|c| IndexedColumn::new(table.child(*c), true)).collect(),
        included: included.iter().map(|c| table.child(*c)).collect(),
        ..Index::default()
    })
}

fn check(table: &Name, name: Option<&str>, condition: &str) -> Check {
    Check {
        name: name.map(|n| Name::two(table.schema(), n)).unwrap_or_default(),
        table: table.clone(),
        condition: Some(condition.into()),
        ..Check::default()
    }
}

fn model(objects: Vec<Object>) -> Model {
    Model { objects, ..Model::default() }
}

fn told(comparison: &Comparison) -> Vec<String> {
    let single = |sign: &'static str| move |s: &Single| format!("{sign} {} {}", s.kind, s.name);
    let mut out: Vec<String> = comparison.added.iter().map(single("+")).collect();
    out.extend(comparison.removed.iter().map(single("-")));
    out.extend(comparison.changed.iter().map(|c| format!("! {} {}", c.kind, c.name)));
    out
}

#[test]
fn what_differs_is_told_by_kind_and_name() {
    let t = Name::two("dbo", "T");
    let before = model(vec![
        table("dbo", "T", &["a", "b"]),
        index(&t, "IX_a", &["a"], &[]),
        index(&t, "IX_b", &["b"], &[]),
        table("dbo", "Gone", &["a"]),
    ]);
    let after = model(vec![
        table("dbo", "New", &["a"]),
        index(&t, "IX_b", &["b", "a"], &[]),
        index(&t, "IX_a", &["a"], &[]),
        table("dbo", "T", &["a", "b"]),
    ]);
    let comparison = compare(before, after);
    assert_eq!(told(&comparison), ["+ table [dbo].[New]", "- table [dbo].[Gone]", "! index [dbo].[T].[IX_b]"]);
    assert_eq!(comparison.same, 2);
    assert!(comparison.changed[0].before.contains("([b] ASC)"), "{comparison:?}");
    assert!(comparison.changed[0].after.contains("([b] ASC, [a] ASC)"), "{comparison:?}");
}

#[test]
fn orders_that_mean_nothing_are_no_difference() {
    let t = Name::two("dbo", "T");
    let key = |pairs: [(&str, &str); 2]| {
        let (columns, foreign) = pairs.iter().map(|(a, b)| (t.child(*a), t.child(*b))).unzip();
        Object::ForeignKey(ForeignKey {
            name: Name::two("dbo", "FK"),
            table: t.clone(),
            foreign_table: t.clone(),
            columns,
            foreign_columns: foreign,
            ..ForeignKey::default()
        })
    };
    let unnamed = |conditions: [&'static str; 2]| {
        let objects = conditions.iter().enumerate().map(|(n, c)| {
            let mut check = check(&t, None, c);
            let number = (3 + n).to_string();
            check.rest.nodes.push(Node::Annotation(Annotation {
                kind: INLINE_CONSTRAINT.into(),
                disambiguator: Some(number),
                ..Annotation::default()
            }));
            Object::Check(check)
        });
        objects.collect::<Vec<_>>()
    };
    let mut before =
        vec![table("dbo", "T", &["a", "b"]), index(&t, "IX", &["a"], &["b", "c"]), key([("a", "b"), ("c", "d")])];
    before.extend(unnamed(["[a] > 0", "[b] > 0"]));
    let mut after: Vec<Object> = unnamed(["[b] > 0", "[a] > 0"]);
    after.extend([key([("c", "d"), ("a", "b")]), index(&t, "IX", &["a"], &["c", "b"]), table("dbo", "T", &["a", "b"])]);
    let comparison = compare(model(before.clone()), model(after));
    assert_eq!(told(&comparison), Vec::<String>::new(), "{comparison:#?}");
    // A check without a name is a part of its table, and is not overlooked.
    let mut fewer = before;
    fewer.pop();
    let before = compare(model(fewer.clone()), model(fewer.clone()));
    assert_eq!(before.differences(), 0);
    fewer.extend(unnamed(["[b] > 1", "[a] > 1"]).into_iter().take(1));
    let comparison = compare(model(fewer.clone()), model(fewer[..4].to_vec()));
    assert_eq!(told(&comparison), ["! table [dbo].[T]"]);
}

#[test]
fn a_named_constraint_inside_its_table_is_the_same_as_one_apart() {
    let t = Name::two("dbo", "T");
    let apart = check(&t, Some("CK"), "[a] > 0");
    let mut inside = apart.clone();
    inside.rest.nodes.push(Node::Attached(Attached { disambiguator: Some("3".into()), ..Attached::default() }));
    let mut with_it = table("dbo", "T", &["a"]);
    if let Some(rest) = with_it.rest_mut() {
        let kind = INLINE_CONSTRAINT.into();
        let mark = Annotation { kind, disambiguator: Some("3".into()), ..Annotation::default() };
        rest.nodes.push(Node::Annotation(mark));
    }
    let before = model(vec![table("dbo", "T", &["a"]), Object::Check(apart)]);
    let after = model(vec![with_it, Object::Check(inside)]);
    let comparison = compare(before, after);
    assert_eq!((told(&comparison), comparison.same), (Vec::new(), 2), "{comparison:#?}");
}

#[test]
fn names_that_differ_in_case_alone_go_by_the_collation() {
    let (lower, upper) = (Name::two("dbo", "orders"), Name::two("dbo", "ORDERS"));
    let before = model(vec![table("dbo", "orders", &["a"]), index(&lower, "IX", &["a"], &[])]);
    let after = model(vec![table("dbo", "ORDERS", &["a"]), index(&upper, "IX", &["a"], &[])]);
    // The table was renamed; its index was not touched.
    assert_eq!(told(&compare(before.clone(), after.clone())), ["! table [dbo].[ORDERS]"]);
    let renamed = model(vec![table("dbo", "orders", &["a"]), index(&lower, "ix", &["a"], &[])]);
    assert_eq!(told(&compare(before.clone(), renamed)), ["! index [dbo].[orders].[ix]"]);
    let sensitive = |mut model: Model| {
        model.header.collation_case_sensitive = "True".into();
        model
    };
    assert_eq!(
        told(&compare(sensitive(before), sensitive(after))),
        [
            "+ index [dbo].[ORDERS].[IX]",
            "+ table [dbo].[ORDERS]",
            "- index [dbo].[orders].[IX]",
            "- table [dbo].[orders]"
        ]
    );
}

#[test]
fn what_no_script_carries_is_compared_by_what_the_model_says() {
    let certificate = |subject: &str| {
        let mut element = Element::new("SqlCertificate", Some(&Name::one("c")));
        element.nodes.push(Node::Property(Property {
            name: "Subject".into(),
            value: Value::Plain(subject.into()),
            more: Vec::new(),
        }));
        Object::Other(element)
    };
    let same = compare(model(vec![certificate("x")]), model(vec![certificate("x")]));
    assert_eq!((same.differences(), same.same), (0, 1));
    let other = compare(model(vec![certificate("x")]), model(vec![certificate("y")]));
    assert_eq!(other.changed.len(), 1);
    assert_eq!((other.changed[0].before.as_str(), other.changed[0].after.as_str()), ("Subject = x\n", "Subject = y\n"));
}

#[test]
fn options_are_told_one_by_one() {
    let with = |recovery: &str| {
        let mut options = DatabaseOptions::default();
        options.options.insert("RecoveryMode".into(), recovery.into());
        model(vec![options.into()])
    };
    let comparison = compare(with("1"), with("3"));
    assert_eq!(told(&comparison), ["! database option RecoveryMode"]);
}

#[test]
fn a_module_made_under_other_settings_is_another() {
    let view = |quoted_identifier| {
        let (header, body) = ("CREATE VIEW dbo.v AS ", "SELECT 1 AS a");
        let mut view = View {
            name: Name::two("dbo", "v"),
            body: Some(body.into()),
            ansi_nulls: true,
            quoted_identifier,
            ..View::default()
        };
        set_module_text(&mut view.rest, header, header.len() + body.len(), 0, "");
        model(vec![Object::View(view)])
    };
    let comparison = compare(view(true), view(false));
    assert_eq!(told(&comparison), ["! view [dbo].[v]"]);
    assert!(comparison.changed[0].after.starts_with("SET QUOTED_IDENTIFIER OFF;\n"), "{comparison:?}");
}
