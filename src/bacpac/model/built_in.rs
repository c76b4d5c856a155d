//! The types that every server brings along, by their names in T-SQL.

/// Types of values that T-SQL writes without brackets and that an expression can convert to.
const PLAIN: [&str; 31] = [
    "bit",
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "decimal",
    "numeric",
    "smallmoney",
    "money",
    "real",
    "float",
    "date",
    "time",
    "smalldatetime",
    "datetime",
    "datetime2",
    "datetimeoffset",
    "char",
    "varchar",
    "text",
    "nchar",
    "nvarchar",
    "ntext",
    "binary",
    "varbinary",
    "image",
    "uniqueidentifier",
    "rowversion",
    "timestamp",
    "xml",
    "sql_variant",
];
/// Written bare as well; DacFx does not list them among what an expression uses.
const BARE_ONLY: [&str; 5] = ["sysname", "cursor", "table", "json", "vector"];
/// CLR types of the server: converted to, and written as `[sys].[name]`.
const CLR: [&str; 3] = ["hierarchyid", "geometry", "geography"];

fn is_in(list: &[&str], name: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether the type is written without brackets; any other name is quoted.
pub(crate) fn is_written_bare(name: &str) -> bool {
    is_in(&PLAIN, name) || is_in(&BARE_ONLY, name)
}

/// Whether a conversion to the type makes it something that an expression uses.
pub(crate) fn is_converted_to(name: &str) -> bool {
    is_in(&PLAIN, name) || is_in(&CLR, name)
}
