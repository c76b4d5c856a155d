//! Every statement over the catalogue that stands in the source of `src/sqlserver` is taken apart, and each view and
//! column that it names is looked up in the lists of documented columns. A name from memory does not get through.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Views with their columns; columns that came with SQL Server 2025 are told apart.
struct Views {
    columns: HashMap<String, BTreeSet<String>>,
    since_2025: BTreeSet<(String, String)>,
}

impl Views {
    fn read(shared: &Path) -> Views {
        let text = std::fs::read_to_string(shared.join("catalog/sys-views.json")).unwrap();
        let known: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut views = Views { columns: HashMap::new(), since_2025: BTreeSet::new() };
        for (view, facts) in known.as_object().unwrap() {
            for column in facts["columns"].as_array().unwrap() {
                let name = column["name"].as_str().unwrap().to_owned();
                if column["since"].as_str().is_some_and(|s| s.contains("2025")) {
                    views.since_2025.insert((view.clone(), name.clone()));
                }
                views.columns.entry(view.clone()).or_default().insert(name);
            }
        }
        for line in include_str!("catalogue_sql/documented_views.txt").lines().filter(|l| l.starts_with("sys.")) {
            if let Some((view, same)) = line.split_once(" = ") {
                let columns = views.columns[same].clone();
                views.columns.insert(view.to_owned(), columns);
            } else {
                let (view, columns) = line.split_once(": ").unwrap();
                let columns = columns.split(' ').map(str::to_owned).collect();
                assert!(views.columns.insert(view.to_owned(), columns).is_none(), "{view} is in sys-views.json");
            }
        }
        views
    }
}

/// The string literals of Rust source up to its tests, lines that a backslash joins put together.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let chars: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            // A character or a lifetime.
            '\'' => {
                at += match (chars.get(at + 1), chars.get(at + 2), chars.get(at + 3)) {
                    (Some('\\'), _, Some('\'')) => 4,
                    (Some(_), Some('\''), _) => 3,
                    _ => 1,
                };
            }
            '"' => {
                let mut text = String::new();
                at += 1;
                while at < chars.len() && chars[at] != '"' {
                    if chars[at] == '\\' {
                        at += 1;
                        match chars[at] {
                            'n' => text.push('\n'),
                            '\n' => {
                                while chars.get(at + 1).is_some_and(|c| c.is_whitespace()) {
                                    at += 1;
                                }
                            }
                            other => text.push(other),
                        }
                    } else {
                        text.push(chars[at]);
                    }
                    at += 1;
                }
                found.push(text);
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// Words, signs; strings are dropped. A dotted name is one word; what a format puts in is `{}`.
fn words(sql: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                while let Some(c) = chars.next() {
                    if c == '\'' && chars.next_if_eq(&'\'').is_none() {
                        break;
                    }
                }
                // N'…'
                if out.last().is_some_and(|w| w == "N") {
                    out.pop();
                }
                out.push("''".into());
            }
            '{' => {
                while chars.next_if(|c| *c != '}').is_some() {}
                chars.next();
                out.push("{}".into());
            }
            c if c.is_alphanumeric() || "_@$[".contains(c) => {
                let mut word = c.to_string();
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || "_@$.[]".contains(*c)) {
                    word.push(c);
                }
                out.push(word);
            }
            c if c.is_whitespace() => {}
            c => out.push(c.to_string()),
        }
    }
    out
}

const KEYWORDS: &str = " select distinct top from join on as where and or not is null in group by order asc desc case \
     when then else end exists inner left outer nvarchar varchar varbinary int bigint bit max datetime2 sysname count_big ";

/// What a statement names and no view has.
fn strangers(sql: &str, views: &Views, puts_in: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    let words = words(sql);
    let lower: Vec<String> = words.iter().map(|w| w.to_lowercase()).collect();
    let is_keyword = |w: &str| KEYWORDS.contains(&format!(" {w} "));
    // Which views stand behind which name; without an alias, behind none.
    let mut sources: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut aliases: BTreeSet<usize> = BTreeSet::new();
    for at in 0..words.len() {
        if !matches!(lower[at].as_str(), "from" | "join") {
            continue;
        }
        let Some(name) = words.get(at + 1) else { continue };
        let meant = if name == "{}" { puts_in.to_vec() } else { vec![name.clone()] };
        for view in meant.iter().filter(|v| v.starts_with("sys.") && !views.columns.contains_key(*v)) {
            wrong.push(format!("no view {view}"));
        }
        aliases.insert(at + 1);
        let mut next = at + 2;
        if lower.get(next).is_some_and(|w| w == "as") {
            next += 1;
        }
        let alias = lower.get(next).filter(|w| !is_keyword(w) && w.chars().all(char::is_alphanumeric));
        if let Some(alias) = alias {
            sources.insert(alias.clone(), meant);
            aliases.insert(next);
        } else {
            sources.entry(String::new()).or_default().extend(meant);
        }
    }
    for at in 0..words.len() {
        let word = &lower[at];
        let called = words.get(at + 1).is_some_and(|w| w == "(");
        let starts = word.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        let named = at > 0 && lower[at - 1] == "as" && !is_keyword(word);
        if !starts || called || named || aliases.contains(&at) || is_keyword(word) {
            continue;
        }
        let (of, column) = match word.split_once('.') {
            Some((alias, column)) => (sources.get(alias).cloned(), column),
            None => (Some(sources.values().flatten().cloned().collect()), word.as_str()),
        };
        match of {
            None => wrong.push(format!("{word}: of which view?")),
            Some(of) => {
                let known: Vec<_> = of.iter().filter_map(|v| Some((v, views.columns.get(v)?))).collect();
                let every = word.contains('.');
                let there = |columns: &BTreeSet<String>| columns.contains(column);
                let good = match every {
                    true => known.iter().all(|(_, c)| there(c)),
                    false => known.iter().any(|(_, c)| there(c)),
                };
                if !good {
                    wrong.push(format!("no column {word} in {of:?}"));
                }
                for view in &of {
                    if views.since_2025.contains(&(view.clone(), column.to_owned())) {
                        wrong.push(format!("{view}.{column} is not there before 2025"));
                    }
                }
            }
        }
    }
    wrong
}

fn sources(folder: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.to_string_lossy().contains("test") {
            out.push(path);
        }
    }
}

#[test]
fn every_statement_names_documented_views_and_columns() {
    let Some(shared) = support::shared("tests/catalogue_sql.rs") else { return };
    let views = Views::read(&shared);
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlserver"), &mut files);
    let (mut statements, mut wrong) = (0, Vec::new());
    for file in files {
        let all = literals(&std::fs::read_to_string(&file).unwrap());
        let puts_in: Vec<String> =
            all.iter().filter(|t| t.starts_with("sys.") && !t.contains([' ', '{'])).cloned().collect();
        for sql in &all {
            let views_named = sql.contains("FROM sys.") || sql.contains("JOIN sys.");
            // Two statements in one text are looked at apart.
            for sql in sql.split(";\n").filter(|s| views_named && s.contains("SELECT")) {
                statements += 1;
                let found = strangers(sql, &views, &puts_in);
                wrong.extend(found.into_iter().map(|w| format!("{}: {w}\n    {sql}", file.display())));
            }
        }
    }
    assert!(statements >= 6, "only {statements} statements were found: the search is broken");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_name_from_memory_is_found_out() {
    let Some(shared) = support::shared("tests/catalogue_sql.rs") else { return };
    let views = Views::read(&shared);
    let wrong = |sql: &str| strangers(sql, &views, &[]);
    assert_eq!(wrong("SELECT name FROM sys.databases WHERE name = {}"), Vec::<String>::new());
    assert_eq!(
        wrong("SELECT t.name AS x FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id").len(),
        0
    );
    assert_eq!(wrong("SELECT t.nam FROM sys.tables AS t").len(), 1);
    assert_eq!(wrong("SELECT name FROM sys.tabels").len(), 2);
    assert_eq!(wrong("SELECT o.type FROM sys.tables AS t").len(), 1);
    assert_eq!(wrong("SELECT CONVERT(int, version) AS v FROM sys.databases").len(), 1);
    assert_eq!(wrong("SELECT vector_dimensions FROM sys.columns").len(), 1);
    assert_eq!(wrong("SELECT is_data_retention_on FROM sys.databases").len(), 1, "documented, and absent");
}
