//! The catalogue reader, told by a server that knows one small database: what it asks, and what it makes of it.

mod support;

use std::collections::HashMap;

use async_trait::async_trait;
use pacrat::bacpac::model::{self, KeyForm, Object, TriggerTiming};
use pacrat::sqlserver::catalogue;
use pacrat::sqlserver::error::SqlError;
use pacrat::sqlserver::orders::{Answer, Field, Orders, ResultSet};
use tokio_util::sync::CancellationToken;

/// Rows of views: one line a row, `column=value` apart by bars; numbers are numbers, `~` is NULL.
const DATABASE: &str = "
sys.databases|name=shop|compatibility_level=150|collation_name=SQL_Latin1_General_CP1_CI_AS|is_ansi_nulls_on=0|\
is_ansi_padding_on=0|is_quoted_identifier_on=0|is_local_cursor_default=0|is_fulltext_enabled=1|page_verify_option=2|\
recovery_model=1|snapshot_isolation_state=1|is_auto_create_stats_on=1|is_auto_update_stats_on=1|is_encrypted=0|\
is_nested_triggers_on=1|two_digit_year_cutoff=2049
sys.schemas|name=dbo|schema_id=1|principal_id=1
sys.schemas|name=sys|schema_id=4|principal_id=4
sys.schemas|name=sales|schema_id=5|principal_id=1
sys.schemas|name=db_owner|schema_id=16384|principal_id=16384
sys.database_principals|name=dbo|principal_id=1|type=S|is_fixed_role=0
sys.database_principals|name=public|principal_id=0|type=R|is_fixed_role=0
sys.database_principals|name=teller|principal_id=7|type=S|is_fixed_role=0|authentication_type=0|default_schema_name=sales
sys.database_principals|name=clerks|principal_id=8|type=R|is_fixed_role=0|owning_principal_id=7
sys.database_principals|name=db_datareader|principal_id=16390|type=R|is_fixed_role=1
sys.database_principals|name=signer|principal_id=9|type=C|is_fixed_role=0
sys.database_role_members|role_principal_id=16384|member_principal_id=1
sys.database_role_members|role_principal_id=8|member_principal_id=7
sys.database_role_members|role_principal_id=16390|member_principal_id=8
sys.database_permissions|class=0|major_id=0|minor_id=0|grantee_principal_id=1|grantor_principal_id=1|\
permission_name=CONNECT|state=G
sys.database_permissions|class=0|major_id=0|minor_id=0|grantee_principal_id=7|grantor_principal_id=1|\
permission_name=VIEW DEFINITION|state=G
sys.database_permissions|class=0|major_id=0|minor_id=0|grantee_principal_id=0|grantor_principal_id=1|\
permission_name=VIEW ANY COLUMN MASTER KEY DEFINITION|state=G
sys.database_permissions|class=0|major_id=0|minor_id=0|grantee_principal_id=0|grantor_principal_id=1|\
permission_name=VIEW ANY COLUMN ENCRYPTION KEY DEFINITION|state=G
sys.database_permissions|class=1|major_id=-391|minor_id=0|grantee_principal_id=8|grantor_principal_id=1|\
permission_name=SELECT|state=D
sys.database_permissions|class=1|major_id=-391|minor_id=0|grantee_principal_id=0|grantor_principal_id=1|\
permission_name=SELECT|state=G
sys.database_permissions|class=1|major_id=100|minor_id=0|grantee_principal_id=8|grantor_principal_id=1|\
permission_name=SELECT|state=W
sys.database_permissions|class=1|major_id=100|minor_id=3|grantee_principal_id=8|grantor_principal_id=1|\
permission_name=SELECT|state=R
sys.database_permissions|class=1|major_id=100|minor_id=5|grantee_principal_id=7|grantor_principal_id=1|\
permission_name=UPDATE|state=D
sys.database_permissions|class=3|major_id=5|minor_id=0|grantee_principal_id=8|grantor_principal_id=7|\
permission_name=EXECUTE|state=G
sys.database_permissions|class=4|major_id=7|minor_id=0|grantee_principal_id=8|grantor_principal_id=1|\
permission_name=IMPERSONATE|state=D
sys.database_permissions|class=0|major_id=0|minor_id=0|grantee_principal_id=8|grantor_principal_id=1|\
permission_name=DO SOMETHING NEW|state=G
sys.types|name=int|system_type_id=56|user_type_id=56|schema_id=4|is_user_defined=0|is_assembly_type=0|is_table_type=0
sys.types|name=nvarchar|system_type_id=231|user_type_id=231|schema_id=4|is_user_defined=0|is_assembly_type=0
sys.types|name=varchar|system_type_id=167|user_type_id=167|schema_id=4|is_user_defined=0|is_assembly_type=0
sys.types|name=datetime2|system_type_id=42|user_type_id=42|schema_id=4|is_user_defined=0|is_assembly_type=0
sys.types|name=decimal|system_type_id=106|user_type_id=106|schema_id=4|is_user_defined=0|is_assembly_type=0
sys.types|name=timestamp|system_type_id=189|user_type_id=189|schema_id=4|is_user_defined=0|is_assembly_type=0
sys.types|name=sysname|system_type_id=231|user_type_id=256|schema_id=4|is_user_defined=0|is_assembly_type=0
sys.types|name=geography|system_type_id=240|user_type_id=130|schema_id=4|is_user_defined=0|is_assembly_type=1
sys.types|name=Email|system_type_id=231|user_type_id=257|schema_id=1|max_length=200|is_nullable=0|is_user_defined=1|\
is_assembly_type=0|is_table_type=0
sys.types|name=Ids|system_type_id=243|user_type_id=258|schema_id=1|is_user_defined=1|is_assembly_type=0|is_table_type=1
sys.table_types|name=Ids|schema_id=1|user_type_id=258|type_table_object_id=900|is_memory_optimized=0
sys.objects|object_id=100|name=Orders|schema_id=5|parent_object_id=0|type=U |is_ms_shipped=0
sys.objects|object_id=101|name=PK__Orders__1234|schema_id=5|parent_object_id=100|type=PK|is_ms_shipped=0
sys.objects|object_id=102|name=DF__Orders__At__1|schema_id=5|parent_object_id=100|type=D |is_ms_shipped=0
sys.objects|object_id=103|name=CK_Orders|schema_id=5|parent_object_id=100|type=C |is_ms_shipped=0
sys.objects|object_id=110|name=Lines|schema_id=5|parent_object_id=0|type=U |is_ms_shipped=0
sys.objects|object_id=111|name=FK_Lines|schema_id=5|parent_object_id=110|type=F |is_ms_shipped=0
sys.objects|object_id=120|name=Recent|schema_id=5|parent_object_id=0|type=V |is_ms_shipped=0
sys.objects|object_id=121|name=Add|schema_id=5|parent_object_id=0|type=P |is_ms_shipped=0
sys.objects|object_id=122|name=Total|schema_id=5|parent_object_id=0|type=FN|is_ms_shipped=0
sys.objects|object_id=123|name=OrdersAfter|schema_id=5|parent_object_id=100|type=TR|is_ms_shipped=0
sys.objects|object_id=124|name=Hidden|schema_id=1|parent_object_id=0|type=P |is_ms_shipped=0
sys.objects|object_id=130|name=Numbers|schema_id=1|parent_object_id=0|type=SO|is_ms_shipped=0
sys.objects|object_id=131|name=Bestellungen|schema_id=1|parent_object_id=0|type=SN|is_ms_shipped=0
sys.objects|object_id=140|name=Queue|schema_id=1|parent_object_id=0|type=SQ|is_ms_shipped=0
sys.objects|object_id=900|name=TT_Ids_1|schema_id=4|parent_object_id=0|type=TT|is_ms_shipped=1
sys.tables|object_id=100|uses_ansi_nulls=1|is_replicated=0|lock_escalation=0
sys.tables|object_id=110|uses_ansi_nulls=1|is_replicated=0|lock_escalation=0
sys.columns|object_id=100|name=Id|column_id=1|user_type_id=56|system_type_id=56|max_length=4|precision=10|\
is_nullable=0|is_identity=1
sys.columns|object_id=100|name=At|column_id=2|user_type_id=42|system_type_id=42|max_length=8|precision=27|scale=7|\
is_nullable=0
sys.columns|object_id=100|name=Mail|column_id=3|user_type_id=257|system_type_id=231|max_length=200|is_nullable=0|\
collation_name=SQL_Latin1_General_CP1_CI_AS
sys.columns|object_id=100|name=Note|column_id=5|user_type_id=167|system_type_id=167|max_length=-1|is_nullable=1|\
collation_name=Thai_CI_AI
sys.columns|object_id=100|name=Twice|column_id=6|user_type_id=56|system_type_id=56|max_length=4|is_nullable=1|\
is_computed=1
sys.columns|object_id=100|name=V|column_id=7|user_type_id=189|system_type_id=189|max_length=8|is_nullable=0
sys.columns|object_id=100|name=Place|column_id=8|user_type_id=130|system_type_id=240|max_length=-1|is_nullable=1
sys.columns|object_id=110|name=OrderId|column_id=1|user_type_id=56|system_type_id=56|max_length=4|is_nullable=0
sys.columns|object_id=110|name=Price|column_id=2|user_type_id=106|system_type_id=106|max_length=9|precision=18|\
scale=2|is_nullable=1
sys.columns|object_id=120|name=Id|column_id=1|user_type_id=56|system_type_id=56|max_length=4|is_nullable=0
sys.columns|object_id=900|name=Id|column_id=1|user_type_id=56|system_type_id=56|max_length=4|is_nullable=0
sys.computed_columns|object_id=100|column_id=6|definition=([Id]*(2))|is_persisted=0
sys.identity_columns|object_id=100|column_id=1|seed_value='10|increment_value='1|last_value='205|is_not_for_replication=0
sys.default_constraints|object_id=102|parent_object_id=100|parent_column_id=2|definition=(getdate())|is_system_named=1
sys.check_constraints|object_id=103|parent_object_id=100|definition=([Id]>(0))|is_disabled=0|is_not_trusted=1|\
is_system_named=0
sys.key_constraints|object_id=101|parent_object_id=100|unique_index_id=1|is_system_named=1
sys.indexes|object_id=100|name=PK__Orders__1234|index_id=1|type=1|is_unique=1|is_primary_key=1|is_unique_constraint=0|\
fill_factor=0|allow_row_locks=1|allow_page_locks=1
sys.indexes|object_id=100|name=At|index_id=2|type=2|is_unique=0|is_primary_key=0|is_unique_constraint=0|\
fill_factor=90|allow_row_locks=1|allow_page_locks=1|filter_definition=([Note] IS NOT NULL)
sys.indexes|object_id=110|name=~|index_id=0|type=0
sys.indexes|object_id=900|name=PK__TT|index_id=1|type=1|is_unique=1|is_primary_key=1|is_unique_constraint=0
sys.index_columns|object_id=100|index_id=1|index_column_id=1|column_id=1|key_ordinal=1|is_descending_key=1
sys.index_columns|object_id=100|index_id=2|index_column_id=1|column_id=2|key_ordinal=1
sys.index_columns|object_id=100|index_id=2|index_column_id=2|column_id=3|key_ordinal=0|is_included_column=1
sys.index_columns|object_id=900|index_id=1|index_column_id=1|column_id=1|key_ordinal=1
sys.partitions|object_id=100|index_id=1|partition_number=1|rows=42|data_compression=2
sys.partitions|object_id=110|index_id=0|partition_number=1|rows=7|data_compression=0
sys.foreign_keys|object_id=111|parent_object_id=110|referenced_object_id=100|is_disabled=0|is_not_trusted=0|\
delete_referential_action=1|update_referential_action=0|is_system_named=0
sys.foreign_key_columns|constraint_object_id=111|constraint_column_id=1|parent_object_id=110|parent_column_id=1|\
referenced_object_id=100|referenced_column_id=1
sys.sql_modules|object_id=120|definition=CREATE VIEW sales.Recent AS SELECT Id FROM sales.Orders;|uses_ansi_nulls=1|\
uses_quoted_identifier=1|is_schema_bound=0
sys.sql_modules|object_id=121|definition=CREATE PROC sales.[Add] @mail dbo.Email, @n int = 5 AS RETURN @n|\
uses_ansi_nulls=1|uses_quoted_identifier=1
sys.sql_modules|object_id=122|definition=CREATE FUNCTION sales.Total(@x int) RETURNS decimal(18,2) AS BEGIN RETURN @x END|\
uses_ansi_nulls=1|uses_quoted_identifier=1
sys.sql_modules|object_id=123|definition=CREATE TRIGGER sales.OrdersAfter ON sales.Orders AFTER INSERT, UPDATE AS RETURN|\
uses_ansi_nulls=1|uses_quoted_identifier=1
sys.sql_modules|object_id=124|definition=~|uses_ansi_nulls=1|uses_quoted_identifier=1
sys.parameters|object_id=121|name=@mail|parameter_id=1|user_type_id=257|system_type_id=231|max_length=200
sys.parameters|object_id=121|name=@n|parameter_id=2|user_type_id=56|system_type_id=56|max_length=4
sys.parameters|object_id=122|name=|parameter_id=0|user_type_id=106|system_type_id=106|max_length=9|precision=18|scale=2
sys.parameters|object_id=122|name=@x|parameter_id=1|user_type_id=56|system_type_id=56|max_length=4
sys.triggers|object_id=123|name=OrdersAfter|parent_class=1|parent_id=100|type=TR|is_disabled=1|is_instead_of_trigger=0
sys.trigger_events|object_id=123|type_desc=INSERT|is_first=1|is_last=0
sys.trigger_events|object_id=123|type_desc=UPDATE|is_first=0|is_last=0
sys.sequences|object_id=130|start_value='1|increment='1|minimum_value='-2147483648|maximum_value='1000|\
current_value='7|is_cycling=0|is_cached=1|cache_size=~|system_type_id=56|user_type_id=56|precision=10
sys.synonyms|object_id=131|base_object_name=[sales].[Orders]
sys.extended_properties|class=0|major_id=0|minor_id=0|name=version|value='7|value_type=int
sys.extended_properties|class=1|major_id=100|minor_id=0|name=MS_Description|value=it's|value_type=nvarchar
sys.extended_properties|class=1|major_id=100|minor_id=3|name=MS_Description|value=plain|value_type=varchar
sys.extended_properties|class=1|major_id=103|minor_id=0|name=why|value=because|value_type=nvarchar
sys.extended_properties|class=1|major_id=101|minor_id=0|name=of a key without a name|value=x|value_type=nvarchar
sys.extended_properties|class=2|major_id=121|minor_id=1|name=MS_Description|value=x|value_type=nvarchar
sys.extended_properties|class=4|major_id=8|minor_id=0|name=who|value=x|value_type=nvarchar
sys.extended_properties|class=7|major_id=100|minor_id=2|name=what|value=x|value_type=nvarchar
sys.extended_properties|class=1|major_id=110|minor_id=0|name=since|value='2020|value_type=datetime
";

struct Told {
    views: HashMap<String, Vec<HashMap<String, Field>>>,
    asked: Vec<String>,
    /// The login may not see everything.
    blind: bool,
}

impl Told {
    fn new(text: &str) -> Told {
        let mut views: HashMap<String, Vec<HashMap<String, Field>>> = HashMap::new();
        for line in text.trim().lines() {
            let mut cells = line.split('|');
            let view = cells.next().unwrap().to_owned();
            let row = cells.map(|cell| {
                let (name, value) = cell.split_once('=').unwrap_or_else(|| panic!("{cell} in {line}"));
                let field = match (value, value.parse::<i64>()) {
                    ("~", _) => Field::Null,
                    (_, Ok(n)) => Field::Int(n),
                    ("bytes", _) => Field::Bytes(vec![0x4D, 0x5A, 0x00, 0xFF]),
                    (text, _) => Field::Text(text.trim_start_matches('\'').to_owned()),
                };
                (name.to_owned(), field)
            });
            let row = row.collect();
            views.entry(view).or_default().push(row);
        }
        Told { views, asked: Vec::new(), blind: false }
    }

    fn answer(&self, columns: &[&str], view: &str) -> ResultSet {
        let rows = self.views.get(view).into_iter().flatten();
        ResultSet {
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            rows: rows.map(|r| columns.iter().map(|c| r.get(*c).cloned().unwrap_or(Field::Null)).collect()).collect(),
        }
    }
}

fn texts(columns: &[&str], rows: &[&[&str]]) -> ResultSet {
    let field = |t: &&str| t.parse::<i64>().map_or_else(|_| Field::Text((*t).to_owned()), Field::Int);
    ResultSet {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        rows: rows.iter().map(|r| r.iter().map(field).collect()).collect(),
    }
}

#[async_trait]
impl Orders for Told {
    async fn batch(&mut self, sql: &str, _doing: &str, _cancel: &CancellationToken) -> Result<Answer, SqlError> {
        self.asked.push(sql.to_owned());
        let mut sets = Vec::new();
        for question in sql.split(";\n").filter(|q| !q.trim().is_empty()) {
            let set = if question.contains("SERVERPROPERTY") {
                texts(
                    &[
                        "version",
                        "edition",
                        "engine_edition",
                        "banner",
                        "database_name",
                        "collation_name",
                        "lcid",
                        "sees_definitions",
                    ],
                    &[&[
                        "15.0.4430.1",
                        "Developer",
                        "3",
                        "Microsoft SQL Server 2019",
                        "shop",
                        "SQL_Latin1_General_CP1_CI_AS",
                        "1033",
                        if self.blind { "0" } else { "1" },
                    ]],
                )
            } else if question.contains("sys.all_columns") {
                // A column that this server does not have: is_masked of sys.columns.
                let rows = self.views.iter().flat_map(|(view, rows)| {
                    rows.iter()
                        .flat_map(|r| r.keys())
                        .map(|c| vec![Field::Text(view.trim_start_matches("sys.").to_owned()), Field::Text(c.clone())])
                });
                ResultSet { columns: vec!["view_name".into(), "column_name".into()], rows: rows.collect() }
            } else if question.contains("DISTINCT collation_name") {
                texts(
                    &["collation_name", "code_page"],
                    &[&["SQL_Latin1_General_CP1_CI_AS", "1252"], &["Thai_CI_AI", "874"]],
                )
            } else {
                let (columns, view) =
                    question.trim().trim_start_matches("SELECT ").split_once(" FROM ").expect(question);
                // An expression goes by the name that it is given; commas in it are in parentheses.
                let mut depth = 0;
                let columns: Vec<&str> = columns
                    .split(|c| {
                        depth += i32::from(c == '(') - i32::from(c == ')');
                        c == ',' && depth == 0
                    })
                    .map(|c| c.rsplit(" AS ").next().unwrap().trim())
                    .collect();
                self.answer(&columns, view.split(' ').next().unwrap())
            };
            sets.push(set);
        }
        Ok(Answer { sets, ..Answer::default() })
    }

    fn is_dead(&self) -> bool {
        false
    }
}

async fn read() -> (catalogue::Catalogue, Told) {
    let mut told = Told::new(DATABASE);
    let found = catalogue::read(&mut told, &CancellationToken::new()).await.unwrap();
    (found, told)
}

#[tokio::test]
async fn two_batches_ask_for_everything() {
    let (found, told) = read().await;
    assert_eq!(told.asked.len(), 2);
    assert!(!told.asked[1].contains("is_masked"), "a column that the server does not have is not asked for");
    assert!(found.facts.allows_snapshot);
    assert_eq!((found.facts.major, found.facts.database.as_str()), (15, "shop"));
    assert_eq!(found.model.header.dsp_name, "Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider");
}

#[tokio::test]
async fn a_login_that_does_not_see_everything_makes_no_backup() {
    let mut told = Told::new(DATABASE);
    told.blind = true;
    let error = catalogue::read(&mut told, &CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("VIEW DEFINITION"), "{error}");
}

#[tokio::test]
async fn what_the_catalogue_shows_in_part_is_left_out_whole_and_named() {
    // As it stands nothing of this sort is left out.
    let of = |found: &catalogue::Catalogue| -> Vec<String> {
        let kinds =
            ["key", "index", "foreign key", "default constraint", "check constraint", "statistics", "table type"];
        let left = found.not_carried.iter().filter(|n| kinds.contains(&n.kind.as_str()));
        left.map(ToString::to_string).collect()
    };
    assert_eq!(of(&read().await.0), Vec::<String>::new());
    for (there, instead, expected) in [
        // A column that is not shown: the key, the index and the foreign key would be others without it.
        (
            "object_id=100|index_id=1|index_column_id=1|column_id=1",
            "object_id=100|index_id=1|index_column_id=1|column_id=99",
            "key ",
        ),
        (
            "index_id=2|index_column_id=1|column_id=2",
            "index_id=2|index_column_id=1|column_id=99",
            "index [sales].[Orders].[At]",
        ),
        (
            "index_id=2|index_column_id=2|column_id=3",
            "index_id=2|index_column_id=2|column_id=99",
            "index [sales].[Orders].[At]",
        ),
        ("referenced_column_id=1", "referenced_column_id=99", "foreign key [sales].[FK_Lines]"),
        (
            "referenced_object_id=100|is_disabled",
            "referenced_object_id=99|is_disabled",
            "foreign key [sales].[FK_Lines]",
        ),
        (
            "parent_column_id=2|definition",
            "parent_column_id=99|definition",
            "default constraint [sales].[DF__Orders__At__1]",
        ),
        (
            "object_id=900|index_id=1|index_column_id=1|column_id=1",
            "object_id=900|index_id=1|column_id=99",
            "table type ",
        ),
        // A type, and a text, that is not shown.
        (
            "object_id=900|name=Id|column_id=1|user_type_id=56",
            "object_id=900|name=Id|column_id=1|user_type_id=999",
            "table type [dbo].[Ids]",
        ),
        ("definition=(getdate())", "definition=~", "default constraint [sales].[DF__Orders__At__1]"),
        ("definition=([Id]>(0))", "definition=~", "check constraint [sales].[CK_Orders]"),
    ] {
        assert_eq!(DATABASE.matches(there).count(), 1, "{there}");
        let mut told = Told::new(&DATABASE.replace(there, instead));
        let found = catalogue::read(&mut told, &CancellationToken::new()).await.unwrap();
        let left = of(&found);
        assert!(left.len() == 1 && left[0].starts_with(expected), "{instead}: {left:?}");
    }
}

#[tokio::test]
async fn a_computed_column_whose_text_is_not_shown_makes_no_backup() {
    let mut told = Told::new(&DATABASE.replace("definition=([Id]*(2))", "definition=~"));
    let error = catalogue::read(&mut told, &CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("sales.Orders is unreadable: column Twice is computed"), "{error}");
}

#[tokio::test]
async fn tables_are_read_in_the_order_of_their_clustered_key() {
    let (found, _) = read().await;
    let tables: Vec<_> = found.tables.iter().map(|t| (t.plan.to_string(), t.rows, t.read.order.clone())).collect();
    assert_eq!(
        tables,
        [("sales.Lines".to_owned(), 7, vec![]), ("sales.Orders".to_owned(), 42, vec![("Id".to_owned(), true)]),]
    );
    let orders = &found.tables[1];
    let types: Vec<_> = orders.plan.columns.iter().map(|c| format!("{} {}", c.name, c.sql_type())).collect();
    assert_eq!(
        types,
        ["Id int", "At datetime2(7)", "Mail nvarchar(100)", "Note varchar(max)", "V rowversion", "Place geography"]
    );
    let note = orders.read.columns.iter().find(|c| c.name == "Note").unwrap();
    assert_eq!((note.code_page, note.nullable), (Some(874), true));
}

#[tokio::test]
async fn the_model_has_every_object_and_names_what_it_leaves_out() {
    let (found, _) = read().await;
    let model = &found.model;
    let table = model.tables().find(|t| t.name.last() == "Orders").unwrap();
    let id = table.column("Id").unwrap();
    assert!(id.identity && !id.nullable);
    assert_eq!((id.identity_seed.as_deref(), id.identity_increment.as_deref()), (Some("10"), None));
    assert_eq!(id.last_identity_value(), Some("205"));
    assert_eq!(table.column("Note").unwrap().collation.as_deref(), Some("Thai_CI_AI"));
    assert_eq!(table.column("Mail").unwrap().collation, None, "the database's");
    assert!(table.column("Twice").unwrap().is_computed());
    let mut kinds: HashMap<String, usize> = HashMap::new();
    for object in &model.objects {
        *kinds.entry(object.to_element().kind).or_default() += 1;
        match object {
            Object::Key(key) => {
                assert_eq!(key.form, KeyForm::PrimaryKey);
                assert!(key.name.is_empty(), "the server made the name up");
                assert_eq!(key.rest.system_name().unwrap().last(), "PK__Orders__1234");
                assert!(key.clustered && !key.columns[0].ascending);
                assert_eq!(key.compression.len(), 1);
            }
            Object::Check(check) => {
                assert_eq!(check.condition.as_ref().unwrap().text, "[Id]>(0)");
                assert!(check.rest.is_untrusted());
            }
            Object::Index(index) => {
                assert_eq!(index.filter.as_ref().unwrap().text, "([Note] IS NOT NULL)");
                assert_eq!(index.included[0].last(), "Mail");
                assert_eq!(index.fill_factor, Some(90));
                assert!(index.rest.disambiguator.is_some(), "a column has the same name");
            }
            Object::ForeignKey(key) => assert_eq!(key.on_delete, model::ReferentialAction::Cascade),
            Object::Procedure(p) => {
                assert_eq!(p.parameters[1].default.as_ref().unwrap().text, "5");
                assert_eq!(p.definition().unwrap(), "CREATE PROC sales.[Add] @mail dbo.Email, @n int = 5 AS RETURN @n");
            }
            Object::DmlTrigger(t) => {
                assert!(t.on_insert && t.on_update && !t.on_delete && t.disabled);
                assert_eq!(t.timing, TriggerTiming::After);
                assert_eq!(t.insert_order, model::TriggerOrder::First);
            }
            Object::Sequence(s) => {
                assert_eq!((s.no_min_value, s.max_value.as_deref()), (true, Some("1000")));
            }
            _ => {}
        }
    }
    let expected = [
        ("SqlDatabaseOptions", 1),
        ("SqlSchema", 1),
        ("SqlTable", 2),
        ("SqlPrimaryKeyConstraint", 1),
        ("SqlDefaultConstraint", 1),
        ("SqlCheckConstraint", 1),
        ("SqlForeignKeyConstraint", 1),
        ("SqlIndex", 1),
        ("SqlView", 1),
        ("SqlProcedure", 1),
        ("SqlScalarFunction", 1),
        ("SqlDmlTrigger", 1),
        ("SqlSequence", 1),
        ("SqlSynonym", 1),
        ("SqlUserDefinedDataType", 1),
        ("SqlTableType", 1),
        ("SqlUser", 1),
        ("SqlRole", 1),
        ("SqlRoleMembership", 2),
        ("SqlPermissionStatement", 7),
        ("SqlExtendedProperty", 7),
    ];
    for (kind, count) in expected {
        assert_eq!(kinds.remove(kind), Some(count), "{kind}");
    }
    assert!(kinds.is_empty(), "{kinds:?}");
    // This server shows only what the test tells: the rest is named, by feature.
    let (features, others): (Vec<_>, Vec<_>) = found.not_carried.iter().partition(|n| n.kind == "feature");
    let left_out: Vec<_> = others.iter().map(ToString::to_string).collect();
    assert_eq!(
        left_out,
        [
            "extended property of a key without a name on [sales].[PK__Orders__1234]",
            "extended property (its value is not a text, a number or bytes) since: datetime",
            "permission deny SELECT to clerks (class 1, -391, 0)",
            "permission grant DO SOMETHING NEW to clerks (class 0, 0, 0)",
            "procedure (its text is encrypted) [dbo].[Hidden]",
            "service queue [dbo].[Queue]",
            "user of a certificate [signer]",
        ]
    );
    let has = |text: &str| features.iter().any(|f| f.to_string().contains(text));
    assert!(has("sys.fulltext_catalogs") && has("sys.columns.is_hidden") && !has("ledger"), "{features:?}");
}

#[tokio::test]
async fn who_may_do_what_is_told_as_dacfx_tells_it() {
    let (found, _) = read().await;
    let permissions: Vec<_> = found
        .model
        .objects
        .iter()
        .filter_map(|o| match o {
            Object::Permission(p) => Some(p),
            _ => None,
        })
        .collect();
    let named: Vec<_> = permissions.iter().map(|p| p.name.to_string()).collect();
    assert_eq!(
        named,
        [
            "[Deny.Impersonate.User].[clerks].[dbo].[teller]",
            "[Deny.Update.Object].[teller].[dbo].[sales].[Orders].[Note]",
            "[Grant.Execute.Schema].[clerks].[teller].[sales]",
            "[Grant.Select.Object].[clerks].[dbo].[sales].[Orders]",
            "[Grant.ViewAnyColumnEncryptionKeyDefinition.Database].[public].[dbo]",
            "[Grant.ViewAnyColumnMasterKeyDefinition.Database].[public].[dbo]",
            "[Grant.ViewDefinition.Database].[teller].[dbo]",
        ]
    );
    let select = permissions[3];
    assert!(select.with_grant_option);
    assert_eq!(
        select.excluded_columns.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["[sales].[Orders].[Mail]"]
    );
    assert!(
        select.grantor.as_ref().is_some_and(model::Reference::is_built_in),
        "an export says who granted on objects"
    );
    assert_eq!(permissions[4].grantor, None, "and not on the database where dbo did");
    let database = permissions[4].securable.as_ref().unwrap();
    assert_eq!((database.name.as_deref(), database.disambiguator.as_deref()), (None, Some("1")));
    assert_eq!(found.model.options().unwrap().rest.disambiguator.as_deref(), Some("1"));
    let properties: Vec<_> = found
        .model
        .objects
        .iter()
        .filter_map(|o| match o {
            Object::ExtendedProperty(p) => Some(format!("{} = {}", p.name, p.value.as_ref().unwrap().text)),
            _ => None,
        })
        .collect();
    assert_eq!(
        properties,
        [
            "[SqlColumn].[sales].[Orders].[Mail].[MS_Description] = 'plain'",
            "[SqlConstraint].[sales].[CK_Orders].[why] = N'because'",
            "[SqlDatabaseOptions].[version] = 7",
            "[SqlDatabaseSecurityPrincipal].[clerks].[who] = N'x'",
            "[SqlIndexBase].[sales].[Orders].[At].[what] = N'x'",
            "[SqlSubroutineParameter].[sales].[Add].[@mail].[MS_Description] = N'x'",
            "[SqlTableBase].[sales].[Orders].[MS_Description] = N'it''s'",
        ]
    );
}

/// Where DacFx is at hand it judges the model: every reference resolves, every property is known.
#[tokio::test]
async fn dacfx_loads_the_model() {
    use pacrat::bacpac::package::*;
    let Some(shared) = support::shared("tests/catalogue.rs") else { return };
    let (found, _) = read().await;
    let xml = model::to_bytes(&found.model.to_document());
    let file = tempfile::Builder::new().suffix(".bacpac").tempfile().unwrap();
    let modified = Modified::new(2026, 1, 1, 0, 0, 0);
    let writer = PackageWriter::new(file.reopen().unwrap(), &xml, &DacMetadata::of_database("shop"), modified).unwrap();
    writer.finish(Origin::default()).unwrap();
    let output = std::process::Command::new("python3")
        .arg(shared.join("dacfx/oracle.py"))
        .args(["load", "--quiet"])
        .arg(file.path())
        .output();
    match output {
        Ok(output) if output.status.code() == Some(0) => {}
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            let absent = told.contains("setup.sh") || told.contains("not installed");
            assert!(absent, "DacFx says:\n{told}\n{}", String::from_utf8_lossy(&xml));
            eprintln!("SKIPPED: dacfx_loads_the_model needs DacFx");
        }
        Err(error) => eprintln!("SKIPPED: dacfx_loads_the_model needs python3 and DacFx: {error}"),
    }
}

/// What the small database has besides: assemblies that use each other, one whose bytes are not shown, one of the
/// server's own; a type and modules of them.
const ASSEMBLIES: &str = "
sys.assemblies|name=Microsoft.SqlServer.Types|principal_id=4|assembly_id=1|permission_set=3|is_visible=1|is_user_defined=0
sys.assemblies|name=Above|principal_id=8|assembly_id=65536|permission_set=2|is_visible=1|is_user_defined=1
sys.assemblies|name=Below|principal_id=1|assembly_id=65537|permission_set=1|is_visible=0|is_user_defined=1
sys.assemblies|name=Large|principal_id=1|assembly_id=65538|permission_set=1|is_visible=1|is_user_defined=1
sys.assemblies|name=Unseen|principal_id=1|assembly_id=65539|permission_set=1|is_visible=1|is_user_defined=1
sys.assembly_files|assembly_id=65537|file_id=2|name=Below.pdb|content=bytes
sys.assembly_files|assembly_id=65536|file_id=1|name=Above|content=bytes
sys.assembly_files|assembly_id=65537|file_id=1|name=Below|content=bytes
sys.assembly_files|assembly_id=65537|file_id=3|name=Below.zip|content=~
sys.assembly_files|assembly_id=65538|file_id=1|name=Large|content=~
sys.assembly_references|assembly_id=65536|referenced_assembly_id=65537
sys.assembly_references|assembly_id=65536|referenced_assembly_id=1
sys.assembly_references|assembly_id=65537|referenced_assembly_id=65538
sys.types|name=Point|system_type_id=240|user_type_id=300|schema_id=5|max_length=-1|is_user_defined=1|is_assembly_type=1
sys.types|name=Line|system_type_id=240|user_type_id=301|schema_id=5|max_length=-1|is_user_defined=1|is_assembly_type=1
sys.assembly_types|user_type_id=130|is_user_defined=0|assembly_id=1|assembly_class=Microsoft.SqlServer.Types.SqlGeography
sys.assembly_types|user_type_id=300|is_user_defined=1|assembly_id=65536|assembly_class=Above.Point
sys.assembly_types|user_type_id=301|is_user_defined=1|assembly_id=65538|assembly_class=Large.Line
sys.objects|object_id=140|name=Draw|schema_id=5|type=PC|parent_object_id=0
sys.objects|object_id=141|name=Lost|schema_id=5|type=FS|parent_object_id=0
sys.objects|object_id=142|name=Alone|schema_id=5|type=TA|parent_object_id=100
sys.objects|object_id=143|name=Odd|schema_id=5|type=FS|parent_object_id=0
sys.assembly_modules|object_id=140|assembly_id=65536|assembly_class=Above.All|assembly_method=Draw|execute_as_principal_id=7
sys.assembly_modules|object_id=141|assembly_id=65538|assembly_class=Large|assembly_method=Lost
sys.assembly_modules|object_id=143|assembly_id=65536|assembly_class=Above|assembly_method=Odd
sys.parameters|object_id=140|name=@p|parameter_id=1|user_type_id=300|system_type_id=240|max_length=-1
sys.parameters|object_id=140|name=@n|parameter_id=2|user_type_id=56|system_type_id=56|has_default_value=1|\
default_value='7|default_value_type=int
sys.parameters|object_id=140|name=@b|parameter_id=3|user_type_id=56|system_type_id=56|has_default_value=1|\
default_value=?|default_value_type=float
sys.parameters|object_id=143|name=|parameter_id=0|user_type_id=999|system_type_id=240
";

#[tokio::test]
async fn assemblies_are_read_whole_or_named_with_what_needs_them() {
    let mut told = Told::new(&(DATABASE.trim_end().to_owned() + ASSEMBLIES));
    let found = catalogue::read(&mut told, &CancellationToken::new()).await.unwrap();
    assert_eq!(told.asked.len(), 2, "assemblies cost no round trip");
    let elements: Vec<_> = found.model.objects.iter().map(Object::to_element).collect();
    let named: Vec<String> = elements
        .iter()
        .filter(|e| e.kind.starts_with("SqlAssembly") || e.kind == "SqlUserDefinedType")
        .map(|e| format!("{} {}", e.kind, e.name.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(
        named,
        [
            "SqlAssembly [Above]",
            "SqlAssembly [Below]",
            "SqlAssemblyFile [Below].[Below.pdb]",
            "SqlUserDefinedType [sales].[Point]"
        ]
    );
    let above = elements.iter().find(|e| e.name.as_deref() == Some("[Above]")).unwrap();
    let uses: Vec<_> = above.references("ReferencedAssemblies").filter_map(|r| r.name.as_deref()).collect();
    assert_eq!((uses, above.property("PermissionSet")), (vec!["[Below]"], Some("2")));
    let source = above.children("AssemblySources").next().unwrap();
    assert_eq!(source.property("Source"), Some("0x4D5A00FF"));
    let left: Vec<String> = found.not_carried.iter().map(ToString::to_string).collect();
    for what in [
        "assembly (its bytes are more than 64 MiB, or cannot be read) [Large]",
        "assembly (the server does not show its bytes) [Unseen]",
        "file of an assembly (its bytes are more than 64 MiB, or cannot be read) [Below].[Below.zip]",
        "CLR type (its assembly is not carried) [sales].[Line]",
        "CLR function (its assembly is not carried) [sales].[Lost]",
        "CLR trigger (its assembly is not carried) [sales].[Alone]",
        "CLR function (a type that it uses is not known) [sales].[Odd]",
        "default of a parameter (no literal gives its value back with every digit) [sales].[Draw].[@b]",
    ] {
        assert!(left.iter().any(|l| l == what), "{what} is not in {left:#?}");
    }
    assert!(!left.iter().any(|l| l.contains("Microsoft")), "the server's own is nobody's business: {left:#?}");
    // The script makes what is used before what uses it.
    let made = pacrat::bacpac::script::script(&found.model, pacrat::bacpac::script::Form::Server);
    let at = |text: &str| made.batches.iter().position(|b| b.sql.contains(text)).unwrap_or_else(|| panic!("no {text}"));
    assert!(at("CREATE ASSEMBLY [Below]") < at("CREATE ASSEMBLY [Above]"));
    assert!(at("CREATE ASSEMBLY [Above]") < at("CREATE TYPE [sales].[Point]"));
    assert!(made.batches[at("CREATE PROCEDURE [sales].[Draw]")].sql.contains(
        "@p [sales].[Point], @n int = 7, @b int WITH EXECUTE AS N'teller' AS EXTERNAL NAME [Above].[Above.All].[Draw];"
    ));
}
