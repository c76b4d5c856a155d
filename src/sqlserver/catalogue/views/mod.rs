//! The catalogue's questions: which views are asked, and for which of their columns.
//!
//! Views are joined here and not at the server: every question is a plain SELECT over one view, so each is cheap, and
//! its columns can be checked against the documented ones by a test. A column or view of later versions says since
//! which (`is_node@14`): a server of that version that does not show it costs the feature, and the result names it.

mod database;
mod modules;
mod security;
mod tables;

/// A question over one view.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// `sys.name`.
    pub name: &'static str,
    /// Columns asked for where the server has them; an absent one reads as NULL. `name@13`: since that version.
    pub columns: &'static [&'static str],
    /// Columns of sql_variant that hold numbers, asked for as text.
    pub variants: &'static [&'static str],
    /// Other columns of sql_variant: text and type of the value.
    pub values: &'static [Value],
    /// What follows the FROM; its columns are named in `columns`.
    pub condition: &'static str,
    /// The major version that brought the view; 0 for those that every server has.
    pub since: u32,
    /// Azure SQL Database has it.
    pub azure: bool,
}

/// A column that is asked for as an expression over it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    /// The column of the view.
    pub column: &'static str,
    /// What the result calls it.
    pub alias: &'static str,
    /// The expression.
    pub sql: &'static str,
}

/// The text of a value, what type it has, and, for moments, bytes and money, their text with every digit.
macro_rules! variant {
    ($column:literal) => {
        &[
            // Bytes are no text: half a surrogate pair among them would be none that could be read.
            Value {
                column: $column,
                alias: $column,
                sql: concat!(
                    "CASE WHEN CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(",
                    $column,
                    ", N'BaseType')) NOT IN (N'binary', N'varbinary') THEN CONVERT(nvarchar(4000), ",
                    $column,
                    ") END"
                ),
            },
            Value {
                column: $column,
                alias: concat!($column, "_type"),
                sql: concat!("CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(", $column, ", N'BaseType'))"),
            },
            Value {
                column: $column,
                alias: concat!($column, "_moment"),
                sql: concat!(
                    "CASE WHEN CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(",
                    $column,
                    ", N'BaseType')) IN (N'date', N'datetime', N'smalldatetime', N'datetime2') ",
                    "THEN CONVERT(nvarchar(64), CONVERT(datetime2(7), ",
                    $column,
                    "), 126) END"
                ),
            },
            Value {
                column: $column,
                alias: concat!($column, "_exact"),
                sql: concat!(
                    "CASE WHEN CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(",
                    $column,
                    ", N'BaseType')) IN (N'binary', N'varbinary') ",
                    "THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), ",
                    $column,
                    "), 1) WHEN CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(",
                    $column,
                    ", N'BaseType')) IN (N'money', N'smallmoney') ",
                    "THEN CONVERT(nvarchar(max), CONVERT(money, ",
                    $column,
                    "), 2) END"
                ),
            },
        ]
    };
}

use variant;

/// A view that every server has, without more than its columns.
const fn view(name: &'static str, columns: &'static [&'static str]) -> View {
    View { name, columns, variants: &[], values: &[], condition: "", since: 0, azure: true }
}

/// A view that a version brought.
const fn since(version: u32, view: View) -> View {
    View { since: version, ..view }
}

/// A view that Azure SQL Database does not have.
const fn not_in_azure(view: View) -> View {
    View { azure: false, ..view }
}

/// Everything that is asked, in this order. A view that the server does not have is not asked for.
pub(super) fn views() -> impl Iterator<Item = &'static View> {
    [database::VIEWS, tables::VIEWS, modules::VIEWS, security::VIEWS].into_iter().flatten()
}

/// A column's name without its version.
pub(super) fn column_name(column: &'static str) -> &'static str {
    column.split_once('@').map_or(column, |(name, _)| name)
}

/// The version that brought a column; that of its view where it says none.
pub(super) fn column_since(view: &View, column: &'static str) -> u32 {
    column.split_once('@').and_then(|(_, version)| version.parse().ok()).unwrap_or(view.since)
}

/// What a backup does not hold when the server does not show a view or a column.
pub(super) fn feature(view: &str, column: Option<&str>) -> String {
    let short = view.trim_start_matches("sys.");
    match column {
        None => format!("{} (the server does not show {view})", short.replace('_', " ")),
        Some(column) => format!("{} (the server does not show {view}.{column})", column.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::select;
    use super::*;

    /// The columns of a view by name: type and the version that brought them.
    fn documented(known: &serde_json::Value, view: &str) -> Option<Vec<(String, String, u32)>> {
        if let Some(columns) = known[view]["columns"].as_array() {
            return Some(
                columns
                    .iter()
                    .map(|c| {
                        // `SQL Server 2016 (13.x)`
                        let since =
                            c["since"].as_str().and_then(|s| s.split('(').nth(1)?.split('.').next()?.parse().ok());
                        (c["name"].as_str().unwrap().to_owned(), c["type"].to_string(), since.unwrap_or(0))
                    })
                    .collect(),
            );
        }
        let text = include_str!("../../../../tests/catalogue_sql/documented_views.txt");
        let line = text.lines().find_map(|l| l.strip_prefix(view)?.strip_prefix(": "))?;
        Some(line.split(' ').map(|c| (c.to_owned(), String::new(), 0)).collect())
    }

    #[test]
    fn every_column_asked_for_is_documented() {
        let shared = std::env::var_os("PACRAT_SHARED").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            std::path::PathBuf::from,
        );
        let Ok(text) = std::fs::read_to_string(shared.join("catalog/sys-views.json")) else {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "SKIPPED: every_column_asked_for_is_documented needs ../shared");
            return;
        };
        let known: serde_json::Value = serde_json::from_str(&text).unwrap();
        for view in views() {
            let columns = documented(&known, view.name).unwrap_or_else(|| panic!("no view {}", view.name));
            let found = |name: &str| {
                let found = columns.iter().find(|(c, ..)| c == name);
                found.unwrap_or_else(|| panic!("{} has no column {name}", view.name)).clone()
            };
            for column in view.columns {
                let (name, ty, since) = found(column_name(column));
                assert!(!ty.contains("sql_variant"), "{}.{name} is a sql_variant", view.name);
                if since > 0 {
                    // The versions that matter are those that this reader meets: 2012 and later.
                    let said = column_since(view, column);
                    assert_eq!(said.max(11), since.max(11), "{}.{name} came with {since}", view.name);
                }
            }
            for column in view.variants {
                let (name, ty, since) = found(column_name(column));
                assert!(ty.contains("sql_variant"), "{}.{name} is no sql_variant", view.name);
                assert_eq!(column_since(view, column).max(11), since.max(11), "{}.{name} came with {since}", view.name);
            }
            for value in view.values {
                found(value.column);
                // An expression names nothing but its column, functions and types.
                let words = value.sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '\'');
                for word in words.filter(|w| !w.is_empty() && !w.contains('\'')) {
                    let known = [
                        value.column,
                        "CONVERT",
                        "SQL_VARIANT_PROPERTY",
                        "OBJECTPROPERTY",
                        "DATALENGTH",
                        "CASE",
                        "WHEN",
                        "IN",
                        "NOT",
                        "THEN",
                        "END",
                        "nvarchar",
                        "datetime2",
                        "varbinary",
                        "money",
                        "max",
                        "1",
                        "2",
                        "8000",
                        "N",
                    ];
                    assert!(known.contains(&word) || word.parse::<u32>().is_ok(), "{word} in {}", value.sql);
                }
            }
            let condition = view.condition.trim_start_matches(" WHERE ");
            if let Some((column, _)) = condition.split_once(" = ") {
                assert!(view.columns.contains(&column), "{}", view.condition);
            }
        }
    }

    #[test]
    fn absent_columns_are_not_asked_for() {
        let view = views().find(|v| v.name == "sys.identity_columns").unwrap();
        assert_eq!(
            select(view, |c| c != "is_not_for_replication" && c != "seed_value").unwrap(),
            "SELECT object_id, column_id, CONVERT(nvarchar(64), increment_value) AS increment_value, \
             CONVERT(nvarchar(64), last_value) AS last_value FROM sys.identity_columns"
        );
        assert_eq!(select(view, |_| false), None);
        let view = views().find(|v| v.name == "sys.masked_columns").unwrap();
        assert_eq!(
            select(view, |_| true).unwrap(),
            "SELECT object_id, column_id, masking_function FROM sys.masked_columns"
        );
    }
}
