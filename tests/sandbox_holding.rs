//! What the sandbox holds: our script of every golden model run in it without an error, and every object of the model to
//! be seen in its catalogue views.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pacrat::bacpac::model::Model;
use pacrat::bacpac::package::{Bytes, Limits, Package};
use pacrat::bacpac::script::{self, Form};
use pacrat::sandbox::rowform::RowForm;
use pacrat::sandbox::session::{
    Abandoned, Backend, Done, DoneKind, EnvChange, LoginRequest, Message, Reply, ResultColumn, Session,
};
use pacrat::sandbox::sql::EngineBackend;
use pacrat::sandbox::value::{SqlType, Value};
use pacrat::sandbox::{SandboxOptions, engine};
use support::shared;

/// What a request is answered.
#[derive(Default)]
struct Answer {
    columns: Vec<ResultColumn>,
    rows: Vec<Vec<Value>>,
    errors: Vec<String>,
}

impl Reply for Answer {
    fn columns(&mut self, columns: &[ResultColumn]) -> Result<(), Abandoned> {
        self.columns = columns.to_vec();
        Ok(())
    }
    fn row(&mut self, row: &[Value]) -> Result<(), Abandoned> {
        self.rows.push(row.to_vec());
        Ok(())
    }
    fn raw_row(&mut self, body: &[u8]) -> Result<(), Abandoned> {
        let form = RowForm::new(self.columns.iter().map(|c| &c.ty));
        self.rows.push(form.decode(body).expect("a row in its own form"));
        Ok(())
    }
    fn order(&mut self, _: &[u16]) -> Result<(), Abandoned> {
        Ok(())
    }
    fn message(&mut self, message: &Message) -> Result<(), Abandoned> {
        if message.class > 10 {
            self.errors.push(format!("{}: {}", message.number, message.text));
        }
        Ok(())
    }
    fn env(&mut self, _: &EnvChange) -> Result<(), Abandoned> {
        Ok(())
    }
    fn done(&mut self, _: Done, _: DoneKind) -> Result<(), Abandoned> {
        Ok(())
    }
    fn return_status(&mut self, _: i32) -> Result<(), Abandoned> {
        Ok(())
    }
    fn poll(&mut self) -> Result<(), Abandoned> {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> Result<(), Abandoned> {
        Ok(())
    }
}

fn ask(session: &mut dyn Session, sql: &str) -> Answer {
    let mut answer = Answer::default();
    session.batch(sql, &mut answer).expect("nobody abandons it");
    answer
}

fn ok(session: &mut dyn Session, sql: &str) -> Answer {
    let answer = ask(session, sql);
    assert!(answer.errors.is_empty(), "{sql}: {:?}", answer.errors);
    answer
}

/// A fresh sandbox and a session of sa.
fn fresh() -> Box<dyn Session> {
    with(SandboxOptions::default())
}

fn with(options: SandboxOptions) -> Box<dyn Session> {
    let options = SandboxOptions { sa_password: Some("secret".into()), ..options };
    let engine = engine(&options).expect("it starts");
    let request = LoginRequest { user: "sa".into(), password: "secret".into(), ..LoginRequest::default() };
    let login = EngineBackend(engine).login(&request, Arc::default());
    login.map(|l| l.0).unwrap_or_else(|messages| panic!("{messages:?}"))
}

fn model(path: &Path) -> Model {
    let bytes = Bytes::new(std::fs::read(path).expect("a package"));
    let package = Package::open(bytes, Limits::default()).expect("a package");
    let xml = package.model_xml().expect("a model");
    Model::read(xml.as_slice(), pacrat::bacpac::model::Limits::default()).expect("a model")
}

/// Runs our script of a model in a new database; what fails, with its batch.
fn hold(session: &mut dyn Session, model: &Model, script: &script::Script) -> Vec<String> {
    // What belongs to the server and not to a package.
    ok(session, "EXECUTE sp_configure 'contained database authentication', 1; RECONFIGURE");
    for login in script.not_carried.iter().filter(|n| n.kind == "login") {
        let name = login.name.trim_matches(['[', ']']);
        let from = if name.contains('\\') { "FROM WINDOWS" } else { "WITH PASSWORD = N'Sandbox-Pass1'" };
        ok(session, &format!("CREATE LOGIN [{name}] {from}"));
    }
    let collation = script::database_collation(model).unwrap_or_else(|| "SQL_Latin1_General_CP1_CI_AS".into());
    // A user with a password needs a contained database.
    ok(session, &format!("CREATE DATABASE held CONTAINMENT = PARTIAL COLLATE {collation}"));
    ok(session, "USE held");
    let mut failed = Vec::new();
    for batch in &script.batches {
        let word = |on: bool| if on { "ON" } else { "OFF" };
        let settings = format!(
            "SET ANSI_NULLS {}; SET QUOTED_IDENTIFIER {};",
            word(batch.ansi_nulls),
            word(batch.quoted_identifier)
        );
        ok(session, &settings);
        let answer = ask(session, &batch.sql);
        if !answer.errors.is_empty() {
            failed.push(format!("{:?}\n    {}", answer.errors, batch.sql));
        }
    }
    failed
}

/// How many objects of a kind the catalogue views show.
const COUNTS: &[(&str, &str)] = &[
    ("DatabaseOptions", "SELECT COUNT(*) FROM sys.databases WHERE database_id = DB_ID()"),
    ("Schema", "SELECT COUNT(*) FROM sys.schemas WHERE schema_id > 4 AND schema_id < 16384"),
    ("Table", "SELECT COUNT(*) FROM sys.tables WHERE is_external = 0"),
    (
        "Column",
        "SELECT COUNT(*) FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id \
         WHERE o.type IN ('U', 'V', 'IF', 'TF') AND (c.graph_type IS NULL OR c.graph_type IN (2, 5, 8))",
    ),
    (
        "PrimaryKeyConstraint",
        "SELECT COUNT(*) FROM sys.key_constraints k JOIN sys.objects t ON t.object_id = k.parent_object_id WHERE t.type IN ('U', 'TF') AND k.type = 'PK'",
    ),
    (
        "UniqueConstraint",
        "SELECT COUNT(*) FROM sys.key_constraints k JOIN sys.objects t ON t.object_id = k.parent_object_id WHERE t.type IN ('U', 'TF') AND k.type = 'UQ'",
    ),
    (
        "DefaultConstraint",
        "SELECT COUNT(*) FROM sys.default_constraints k JOIN sys.objects t ON t.object_id = k.parent_object_id WHERE t.type IN ('U', 'TF')",
    ),
    (
        "CheckConstraint",
        "SELECT COUNT(*) FROM sys.check_constraints k JOIN sys.objects t ON t.object_id = k.parent_object_id WHERE t.type IN ('U', 'TF')",
    ),
    ("ForeignKeyConstraint", "SELECT COUNT(*) FROM sys.foreign_keys"),
    ("EdgeConstraint", "SELECT COUNT(*) FROM sys.edge_constraints"),
    (
        "Index",
        "SELECT COUNT(*) FROM sys.indexes i JOIN sys.objects o ON o.object_id = i.object_id WHERE o.type IN ('U', 'V') \
         AND i.type IN (1, 2, 7) AND i.is_primary_key = 0 AND i.is_unique_constraint = 0 \
         AND i.name NOT LIKE 'GRAPH[_]UNIQUE[_]INDEX[_]%'",
    ),
    ("ColumnStoreIndex", "SELECT COUNT(*) FROM sys.indexes WHERE type IN (5, 6)"),
    ("XmlIndex", "SELECT COUNT(*) FROM sys.xml_indexes"),
    ("SpatialIndex", "SELECT COUNT(*) FROM sys.spatial_indexes"),
    ("Statistics", "SELECT COUNT(*) FROM sys.stats WHERE user_created = 1"),
    ("View", "SELECT COUNT(*) FROM sys.views WHERE is_ms_shipped = 0"),
    ("Procedure", "SELECT (SELECT COUNT(*) FROM sys.procedures) + (SELECT COUNT(*) FROM sys.numbered_procedures)"),
    ("ScalarFunction", "SELECT COUNT(*) FROM sys.objects WHERE type = 'FN'"),
    ("TableValuedFunction", "SELECT COUNT(*) FROM sys.objects WHERE type IN ('IF', 'TF')"),
    ("Parameter", "SELECT COUNT(*) FROM sys.parameters WHERE parameter_id > 0"),
    ("DmlTrigger", "SELECT COUNT(*) FROM sys.triggers WHERE parent_class = 1"),
    ("DatabaseDdlTrigger", "SELECT COUNT(*) FROM sys.triggers WHERE parent_class = 0"),
    ("Sequence", "SELECT COUNT(*) FROM sys.sequences"),
    ("Synonym", "SELECT COUNT(*) FROM sys.synonyms"),
    ("DataType", "SELECT COUNT(*) FROM sys.types WHERE is_user_defined = 1 AND is_table_type = 0"),
    ("TableType", "SELECT COUNT(*) FROM sys.table_types"),
    (
        "TableTypeColumn",
        "SELECT COUNT(*) FROM sys.columns c JOIN sys.table_types t ON t.type_table_object_id = c.object_id",
    ),
    (
        "TableTypeIndex",
        "SELECT COUNT(*) FROM sys.indexes i JOIN sys.table_types t ON t.type_table_object_id = i.object_id \
         WHERE i.index_id > 0 AND i.is_primary_key = 0 AND i.is_unique_constraint = 0",
    ),
    (
        "User",
        "SELECT COUNT(*) FROM sys.database_principals WHERE principal_id > 4 AND type IN ('S', 'U', 'E', 'C', 'K')",
    ),
    ("Login", "SELECT COUNT(*) FROM sys.server_principals WHERE principal_id > 256"),
    (
        "Role",
        "SELECT COUNT(*) FROM sys.database_principals WHERE principal_id > 4 AND type = 'R' AND is_fixed_role = 0",
    ),
    ("ApplicationRole", "SELECT COUNT(*) FROM sys.database_principals WHERE type = 'A'"),
    ("RoleMembership", "SELECT COUNT(*) FROM sys.database_role_members WHERE member_principal_id <> 1"),
    (
        "Permission",
        // Whoever is made may connect, and public has two permissions in every database: they are nobody's orders.
        "SELECT COUNT(*) FROM sys.database_permissions WHERE type <> 'CO' \
         AND NOT (grantee_principal_id = 0 AND type IN ('VWCM', 'VWCK'))",
    ),
    ("ExtendedProperty", "SELECT COUNT(*) FROM sys.extended_properties"),
    ("Filegroup", "SELECT COUNT(*) FROM sys.filegroups WHERE data_space_id > 1"),
    ("PartitionFunction", "SELECT COUNT(*) FROM sys.partition_functions"),
    ("PartitionScheme", "SELECT COUNT(*) FROM sys.partition_schemes"),
    ("FullTextCatalog", "SELECT COUNT(*) FROM sys.fulltext_catalogs"),
    ("FullTextIndex", "SELECT COUNT(*) FROM sys.fulltext_indexes"),
    ("FullTextStopList", "SELECT COUNT(*) FROM sys.fulltext_stoplists"),
    ("XmlSchemaCollection", "SELECT COUNT(*) FROM sys.xml_schema_collections WHERE xml_collection_id > 1"),
    ("SecurityPolicy", "SELECT COUNT(*) FROM sys.security_policies"),
    ("SecurityPredicate", "SELECT COUNT(*) FROM sys.security_predicates"),
    ("MessageType", "SELECT COUNT(*) FROM sys.service_message_types WHERE message_type_id >= 65536"),
    ("Contract", "SELECT COUNT(*) FROM sys.service_contracts WHERE service_contract_id >= 65536"),
    ("Queue", "SELECT COUNT(*) FROM sys.service_queues WHERE is_ms_shipped = 0"),
    ("Service", "SELECT COUNT(*) FROM sys.services WHERE service_id >= 65536"),
    ("Route", "SELECT COUNT(*) FROM sys.routes WHERE name <> 'AutoCreatedLocal'"),
    ("Default", "SELECT COUNT(*) FROM sys.objects WHERE type = 'D' AND parent_object_id = 0"),
    ("Rule", "SELECT COUNT(*) FROM sys.objects WHERE type = 'R'"),
    ("MasterKey", "SELECT COUNT(*) FROM sys.symmetric_keys WHERE symmetric_key_id = 101"),
    ("SymmetricKey", "SELECT COUNT(*) FROM sys.symmetric_keys WHERE symmetric_key_id > 255"),
    ("AsymmetricKey", "SELECT COUNT(*) FROM sys.asymmetric_keys"),
    ("Certificate", "SELECT COUNT(*) FROM sys.certificates"),
    ("DatabaseCredential", "SELECT COUNT(*) FROM sys.database_scoped_credentials"),
    ("ExternalDataSource", "SELECT COUNT(*) FROM sys.external_data_sources"),
    ("ExternalFileFormat", "SELECT COUNT(*) FROM sys.external_file_formats"),
    ("ExternalTable", "SELECT COUNT(*) FROM sys.external_tables"),
];

/// Package, kind, how many the model has, how many the sandbox shows, and why.
const EXCEPTIONS: &[(&str, &str, usize, usize, &str)] = &[
    ("12_foreign_keys", "ForeignKeyConstraint", 7, 5, "two of them are not made: see FAILURES"),
    ("23_permissions", "Permission", 12, 10, "CONNECT and what public has anyway are given once more and not counted"),
    ("25_partitioning", "Filegroup", 1, 0, "the script carries no file group and says so"),
    ("30_memory_optimized", "Filegroup", 1, 0, "the script carries no file group and says so"),
    ("34_service_broker", "Column", 15, 0, "the columns of a queue are not among those of sys.columns"),
];

/// Package, text in the batch, error, and why a real server would refuse it, too.
const FAILURES: &[(&str, &str, &str, &str)] = &[
    ("12_foreign_keys", "[FK_F_cascade]", "1785", "the model has two cascading paths from P to F"),
    ("12_foreign_keys", "[FK_F_nocheck]", "1785", "the model has two cascading paths from P to F"),
];

#[test]
fn every_golden_script_runs_and_every_object_of_it_is_seen() {
    let Some(shared) = shared("every_golden_script_runs_and_every_object_of_it_is_seen") else { return };
    let mut packages: Vec<PathBuf> = std::fs::read_dir(shared.join("dacfx/golden"))
        .expect("golden packages")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "dacpac"))
        .collect();
    packages.sort();
    assert_eq!(packages.len(), 42);
    let mut wrong = Vec::new();
    let (mut used, mut refused) = (Vec::new(), Vec::new());
    for path in packages {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let golden = path.with_extension("").join("objects.json");
        let objects: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(golden).expect("objects")).expect("objects");
        let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
        for object in objects.as_array().expect("a list") {
            *expected.entry(object["type"].as_str().expect("a type")).or_default() += 1;
        }
        let model = model(&path);
        let script = script::script(&model, Form::Server);
        let mut session = fresh();
        let session = session.as_mut();
        for failure in hold(session, &model, &script) {
            let excuse = FAILURES.iter().position(|f| name == f.0 && failure.contains(f.1) && failure.contains(f.2));
            match excuse {
                Some(at) => refused.push(at),
                None => wrong.push(format!("{name}: {failure}")),
            }
        }
        for kind in expected.keys().filter(|k| !COUNTS.iter().any(|(c, _)| c == *k)) {
            wrong.push(format!("{name}: nobody counts {kind}"));
        }
        for (kind, sql) in COUNTS {
            let answer = ok(session, sql);
            let seen = match answer.rows.first().map(Vec::as_slice) {
                Some([Value::Int(n)]) => usize::try_from(*n).expect("a count"),
                other => panic!("{kind}: {other:?}"),
            };
            let wanted = expected.get(kind).copied().unwrap_or(0);
            if seen == wanted {
                continue;
            }
            match EXCEPTIONS.iter().position(|e| (e.0, e.1, e.2, e.3) == (name.as_str(), *kind, wanted, seen)) {
                Some(at) => used.push(at),
                None => wrong.push(format!("{name}: {kind}: {wanted} in the model, {seen} in the views")),
            }
        }
    }
    for (at, exception) in EXCEPTIONS.iter().enumerate() {
        if !used.contains(&at) {
            wrong.push(format!("an exception that nothing needs: {exception:?}"));
        }
    }
    for (at, failure) in FAILURES.iter().enumerate() {
        if !refused.contains(&at) {
            wrong.push(format!("an exception that nothing needs: {failure:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Package, text in the batch, error, and why a real server would refuse it, too.
const REAL_FAILURES: &[(&str, &str, &str, &str)] = &[];

#[test]
fn the_scripts_of_real_packages_run() {
    let Some(shared) = shared("the_scripts_of_real_packages_run") else { return };
    let mut wrong = Vec::new();
    let mut refused = Vec::new();
    let mut count = 0;
    for folder in ["bacpacs", "dacpacs"] {
        let mut packages: Vec<PathBuf> = std::fs::read_dir(shared.join(folder))
            .expect("packages")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|e| e == "dacpac" || e == "bacpac"))
            .collect();
        packages.sort();
        for path in packages {
            count += 1;
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let model = model(&path);
            let script = script::script(&model, Form::Server);
            for failure in hold(fresh().as_mut(), &model, &script) {
                let excuse =
                    REAL_FAILURES.iter().position(|f| name == f.0 && failure.contains(f.1) && failure.contains(f.2));
                match excuse {
                    Some(at) => refused.push(at),
                    None => wrong.push(format!("{name}: {failure}")),
                }
            }
        }
    }
    assert!(count >= 26, "only {count} packages");
    for (at, failure) in REAL_FAILURES.iter().enumerate() {
        if !refused.contains(&at) {
            wrong.push(format!("an exception that nothing needs: {failure:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A cell as text.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::TinyInt(n) => n.to_string(),
        Value::SmallInt(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::Float(f) => f.to_string(),
        Value::Char(b) => String::from_utf8_lossy(b).into_owned(),
        Value::NChar(b) => {
            let units: Vec<u16> = b.chunks_exact(2).map(|p| u16::from_le_bytes([p[0], p[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        Value::Binary(b) => b.iter().map(|b| format!("{b:02X}")).collect(),
        Value::Variant(v) => cell(&v.value),
        other => format!("{other:?}"),
    }
}

/// Package, query, rows.
const VALUES: &[(&str, &str, &[&str])] = &[
    (
        "23_permissions",
        "SELECT p.class, p.class_desc, ISNULL(o.name, ISNULL(t.name, ISNULL(s.name, u.name))), p.minor_id, g.name, r.name, p.type, \
         p.permission_name, p.state, p.state_desc FROM sys.database_permissions p \
         JOIN sys.database_principals g ON g.principal_id = p.grantee_principal_id \
         JOIN sys.database_principals r ON r.principal_id = p.grantor_principal_id \
         LEFT JOIN sys.objects o ON p.class = 1 AND o.object_id = p.major_id \
         LEFT JOIN sys.types t ON p.class = 6 AND t.user_type_id = p.major_id \
         LEFT JOIN sys.schemas s ON p.class = 3 AND s.schema_id = p.major_id \
         LEFT JOIN sys.database_principals u ON p.class = 4 AND u.principal_id = p.major_id \
         WHERE g.name IN ('r1', 'u1') ORDER BY p.class, p.permission_name",
        &[
            "0|DATABASE|NULL|0|u1|dbo|CO  |CONNECT|G|GRANT",
            "0|DATABASE|NULL|0|r1|dbo|CRTB|CREATE TABLE|G|GRANT",
            "0|DATABASE|NULL|0|r1|dbo|VW  |VIEW DEFINITION|G|GRANT",
            "1|OBJECT_OR_COLUMN|Perm|0|u1|dbo|DL  |DELETE|D|DENY",
            "1|OBJECT_OR_COLUMN|PermProc|0|r1|dbo|EX  |EXECUTE|G|GRANT",
            "1|OBJECT_OR_COLUMN|Perm|0|r1|dbo|IN  |INSERT|W|GRANT_WITH_GRANT_OPTION",
            "1|OBJECT_OR_COLUMN|Perm|0|r1|dbo|SL  |SELECT|W|GRANT_WITH_GRANT_OPTION",
            "1|OBJECT_OR_COLUMN|Perm|2|u1|dbo|UP  |UPDATE|G|GRANT",
            "3|SCHEMA|s1|0|r1|dbo|SL  |SELECT|G|GRANT",
            "4|DATABASE_PRINCIPAL|u1|0|r1|dbo|CL  |CONTROL|D|DENY",
            "6|TYPE|PermType|0|u1|dbo|EX  |EXECUTE|G|GRANT",
        ],
    ),
    (
        "24_extended_properties",
        "SELECT class, class_desc, name, minor_id, CONVERT(nvarchar(100), value), SQL_VARIANT_PROPERTY(value, 'BaseType') \
         FROM sys.extended_properties ORDER BY class, name",
        &[
            "0|DATABASE|MS_Description|0|database level|nvarchar",
            "1|OBJECT_OR_COLUMN|MS_Description|0|table it's <&>|nvarchar",
            "1|OBJECT_OR_COLUMN|MS_Description|1|column|nvarchar",
            "1|OBJECT_OR_COLUMN|num|0|42|int",
            "1|OBJECT_OR_COLUMN|tr|0|trigger|nvarchar",
            "1|OBJECT_OR_COLUMN|v|0|view|nvarchar",
            "2|PARAMETER|p|1|param|nvarchar",
            "3|SCHEMA|MS_Description|0|schema|nvarchar",
            "7|INDEX|ix|2|index|nvarchar",
        ],
    ),
    (
        "29_database_options",
        "SELECT compatibility_level, is_auto_close_on, is_auto_create_stats_on, snapshot_isolation_state_desc, \
         is_read_committed_snapshot_on, recovery_model_desc, is_parameterization_forced, delayed_durability_desc, \
         is_trustworthy_on, is_db_chaining_on, is_local_cursor_default, target_recovery_time_in_seconds \
         FROM sys.databases WHERE name = 'held'",
        &["130|1|0|ON|1|SIMPLE|1|ALLOWED|1|1|1|60"],
    ),
    (
        "29_database_options",
        "SELECT name, value, value_for_secondary, is_value_default FROM sys.database_scoped_configurations WHERE configuration_id < 7",
        &[
            "MAXDOP|4|NULL|0",
            "LEGACY_CARDINALITY_ESTIMATION|1|NULL|0",
            "PARAMETER_SNIFFING|0|NULL|0",
            "QUERY_OPTIMIZER_HOTFIXES|1|NULL|0",
            "IDENTITY_CACHE|1|NULL|1",
        ],
    ),
    (
        "29_database_options",
        "SELECT is_auto_cleanup_on, retention_period, retention_period_units_desc FROM sys.change_tracking_databases",
        &["1|3|HOURS"],
    ),
    (
        "13_indexes",
        "SELECT name, type_desc, is_unique, ignore_dup_key, fill_factor, is_padded, is_disabled, allow_row_locks, has_filter, \
         filter_definition FROM sys.indexes WHERE object_id = OBJECT_ID('dbo.Ix') ORDER BY index_id",
        &[
            "PK_Ix|CLUSTERED|1|0|0|0|0|1|0|NULL",
            "IX_disabled|NONCLUSTERED|0|0|0|0|1|1|0|NULL",
            "IX_filter|NONCLUSTERED|0|0|0|0|0|0|1|([d]=(1) AND [a] IS NOT NULL)",
            "IX_include|NONCLUSTERED|0|0|0|0|0|1|0|NULL",
            "IX_simple|NONCLUSTERED|0|0|0|0|0|1|0|NULL",
            "IX_unique|NONCLUSTERED|1|1|90|1|0|1|0|NULL",
            "XI_primary|XML|0|0|0|0|0|1|0|NULL",
            "XI_path|XML|0|0|0|0|0|1|0|NULL",
            "SI_geog|SPATIAL|0|0|0|0|0|1|0|NULL",
            "SI_geom|SPATIAL|0|0|0|0|0|1|0|NULL",
        ],
    ),
    (
        "13_indexes",
        "SELECT i.name, i.spatial_index_type_desc, t.tessellation_scheme, t.bounding_box_xmax, t.level_1_grid_desc, \
         t.level_2_grid, t.cells_per_object FROM sys.spatial_indexes i JOIN sys.spatial_index_tessellations t \
         ON t.object_id = i.object_id AND t.index_id = i.index_id ORDER BY i.name",
        &["SI_geog|GEOGRAPHY|GEOGRAPHY_GRID|NULL|HIGH|16|32", "SI_geom|GEOMETRY|GEOMETRY_AUTO_GRID|500|NULL|NULL|NULL"],
    ),
    (
        "13_indexes",
        "SELECT x.name, x.xml_index_type_description, x.secondary_type, x.secondary_type_desc, p.name FROM sys.xml_indexes x \
         LEFT JOIN sys.xml_indexes p ON p.object_id = x.object_id AND p.index_id = x.using_xml_index_id ORDER BY x.index_id",
        &["XI_primary|PRIMARY_XML|NULL|NULL|NULL", "XI_path|SECONDARY_XML|P|PATH|XI_primary"],
    ),
    (
        "14_columnstore",
        "SELECT i.name, i.type_desc, i.compression_delay, i.filter_definition, p.data_compression_desc FROM sys.indexes i \
         JOIN sys.partitions p ON p.object_id = i.object_id AND p.index_id = i.index_id WHERE i.type > 4 ORDER BY i.name",
        &[
            "CCI|CLUSTERED COLUMNSTORE|10|NULL|COLUMNSTORE_ARCHIVE",
            "NCCI|NONCLUSTERED COLUMNSTORE|0|([b]>(0))|COLUMNSTORE",
        ],
    ),
    (
        "25_partitioning",
        "SELECT f.name, f.fanout, f.boundary_value_on_right, v.boundary_id, v.value, SQL_VARIANT_PROPERTY(v.value, 'BaseType') \
         FROM sys.partition_functions f JOIN sys.partition_range_values v ON v.function_id = f.function_id \
         ORDER BY f.name, v.boundary_id",
        &[
            "PF_date|3|0|1|DateTime2 { days: 737424, ticks: 0, scale: 7 }|datetime2",
            "PF_date|3|0|2|DateTime2 { days: 737790, ticks: 0, scale: 7 }|datetime2",
            "PF_int|4|1|1|100|int",
            "PF_int|4|1|2|200|int",
            "PF_int|4|1|3|300|int",
        ],
    ),
    (
        "25_partitioning",
        "SELECT o.name, p.index_id, p.partition_number, p.data_compression_desc FROM sys.partitions p \
         JOIN sys.objects o ON o.object_id = p.object_id WHERE o.name IN ('PartHeap', 'OnFg') ORDER BY o.name, p.partition_number",
        &["OnFg|0|1|ROW", "PartHeap|0|1|PAGE", "PartHeap|0|2|ROW", "PartHeap|0|3|ROW"],
    ),
    (
        "25_partitioning",
        "SELECT s.name, s.type, COUNT(*), MAX(d.data_space_id) FROM sys.partition_schemes s JOIN sys.destination_data_spaces d \
         ON d.partition_scheme_id = s.data_space_id GROUP BY s.name, s.type ORDER BY s.name",
        &["PS_date|PS|4|1", "PS_int|PS|5|1"],
    ),
    (
        "25_partitioning",
        "SELECT o.name, i.type_desc, c.name, x.partition_ordinal, x.key_ordinal FROM sys.index_columns x \
         JOIN sys.objects o ON o.object_id = x.object_id JOIN sys.indexes i ON i.object_id = x.object_id AND \
         i.index_id = x.index_id JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id \
         ORDER BY o.name, i.index_id, x.index_column_id",
        &["Part|CLUSTERED|id|1|1", "Part|NONCLUSTERED|x|0|1", "Part|NONCLUSTERED|id|1|0", "PartHeap|HEAP|d|1|0"],
    ),
    (
        "26_temporal",
        "SELECT t.name, t.temporal_type_desc, h.name, t.history_retention_period, t.history_retention_period_unit_desc \
         FROM sys.tables t LEFT JOIN sys.tables h ON h.object_id = t.history_table_id ORDER BY t.name",
        &[
            "Tmp|SYSTEM_VERSIONED_TEMPORAL_TABLE|TmpHistory|6|MONTH",
            "Tmp2|SYSTEM_VERSIONED_TEMPORAL_TABLE|Tmp2History|-1|INFINITE",
            "Tmp2History|HISTORY_TABLE|NULL|NULL|NULL",
            "TmpHistory|HISTORY_TABLE|NULL|NULL|NULL",
        ],
    ),
    (
        "26_temporal",
        "SELECT t.name, c.name, c.generated_always_type_desc, c.is_hidden FROM sys.columns c JOIN sys.tables t \
         ON t.object_id = c.object_id JOIN sys.periods p ON p.object_id = c.object_id AND \
         c.column_id IN (p.start_column_id, p.end_column_id) ORDER BY t.name, c.column_id",
        &["Tmp|SysStart|AS_ROW_START|1", "Tmp|SysEnd|AS_ROW_END|1", "Tmp2|s|AS_ROW_START|0", "Tmp2|e|AS_ROW_END|0"],
    ),
    (
        "27_fulltext",
        "SELECT i.change_tracking_state, i.is_enabled, s.name, c.name, c.is_default, c.is_accent_sensitivity_on \
         FROM sys.fulltext_indexes i JOIN sys.fulltext_stoplists s ON s.stoplist_id = i.stoplist_id \
         JOIN sys.fulltext_catalogs c ON c.fulltext_catalog_id = i.fulltext_catalog_id",
        &["M|1|Stop1|FtCat|1|1"],
    ),
    (
        "27_fulltext",
        "SELECT c.name, t.name, f.language_id, f.statistical_semantics FROM sys.fulltext_index_columns f JOIN sys.columns c \
         ON c.object_id = f.object_id AND c.column_id = f.column_id LEFT JOIN sys.columns t ON t.object_id = f.object_id \
         AND t.column_id = f.type_column_id ORDER BY c.column_id",
        &["title|NULL|1033|0", "body|ext|1031|0"],
    ),
    (
        "28_xml_schema",
        "SELECT xml_schema_namespace(N'dbo', N'Xsc')",
        &[
            "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><xsd:element name=\"root\" type=\"xsd:string\"/></xsd:schema>",
        ],
    ),
    (
        "28_xml_schema",
        "SELECT c.name, c.is_xml_document, x.name, n.name, k.name, k.kind_desc FROM sys.columns c \
         JOIN sys.xml_schema_collections x ON x.xml_collection_id = c.xml_collection_id \
         JOIN sys.xml_schema_namespaces n ON n.xml_collection_id = x.xml_collection_id \
         JOIN sys.xml_schema_components k ON k.xml_collection_id = x.xml_collection_id ORDER BY c.column_id",
        &["c|0|Xsc||root|ELEMENT", "d|1|Xsc||root|ELEMENT"],
    ),
    (
        "28_xml_schema",
        "SELECT p.name, x.name FROM sys.parameters p JOIN sys.xml_schema_collections x ON x.xml_collection_id = p.xml_collection_id",
        &["@x|Xsc"],
    ),
    (
        "30_memory_optimized",
        "SELECT name, is_memory_optimized, durability_desc FROM sys.tables ORDER BY name",
        &["Mem|1|SCHEMA_AND_DATA", "MemSchemaOnly|1|SCHEMA_ONLY"],
    ),
    (
        "30_memory_optimized",
        "SELECT name, type_desc, bucket_count FROM sys.hash_indexes",
        &["PK_Mem|NONCLUSTERED HASH|1024"],
    ),
    (
        "31_statistics",
        "SELECT s.name, s.user_created, s.no_recompute, s.filter_definition, c.stats_column_id, c.column_id FROM sys.stats s \
         JOIN sys.stats_columns c ON c.object_id = s.object_id AND c.stats_id = s.stats_id ORDER BY s.name, c.stats_column_id",
        &["ST_ab|1|0|NULL|1|1", "ST_ab|1|0|NULL|2|2", "ST_filter|1|1|([a]>(5))|1|2"],
    ),
    (
        "32_graph",
        "SELECT t.name, t.is_node, t.is_edge, c.column_id, LEFT(c.name, 8), c.graph_type, c.graph_type_desc, c.is_hidden, \
         c.is_computed FROM sys.tables t JOIN sys.columns c ON c.object_id = t.object_id WHERE t.name <> 'Plain' \
         ORDER BY t.name, c.column_id",
        &[
            "Knows|0|1|1|graph_id|1|GRAPH_ID|1|0",
            "Knows|0|1|2|$edge_id|2|GRAPH_ID_COMPUTED|0|0",
            "Knows|0|1|3|from_obj|4|GRAPH_FROM_OBJ_ID|1|0",
            "Knows|0|1|4|from_id_|3|GRAPH_FROM_ID|1|0",
            "Knows|0|1|5|$from_id|5|GRAPH_FROM_ID_COMPUTED|0|0",
            "Knows|0|1|6|to_obj_i|7|GRAPH_TO_OBJ_ID|1|0",
            "Knows|0|1|7|to_id_00|6|GRAPH_TO_ID|1|0",
            "Knows|0|1|8|$to_id_0|8|GRAPH_TO_ID_COMPUTED|0|0",
            "Knows|0|1|9|since|NULL|NULL|0|0",
            "Person|1|0|1|graph_id|1|GRAPH_ID|1|0",
            "Person|1|0|2|$node_id|2|GRAPH_ID_COMPUTED|0|0",
            "Person|1|0|3|ID|NULL|NULL|0|0",
            "Person|1|0|4|name|NULL|NULL|0|0",
        ],
    ),
    (
        "32_graph",
        "SELECT e.name, e.type, e.type_desc, f.name, t.name FROM sys.edge_constraints e JOIN sys.edge_constraint_clauses c \
         ON c.object_id = e.object_id JOIN sys.tables f ON f.object_id = c.from_object_id JOIN sys.tables t \
         ON t.object_id = c.to_object_id",
        &["EC_Knows|EC|EDGE_CONSTRAINT|Person|Person"],
    ),
    (
        "33_security",
        "SELECT p.name, p.is_enabled, p.is_schema_bound, x.predicate_definition, x.predicate_type_desc, x.operation, \
         x.operation_desc, t.name FROM sys.security_policies p JOIN sys.security_predicates x ON x.object_id = p.object_id \
         JOIN sys.tables t ON t.object_id = x.target_object_id ORDER BY x.security_predicate_id",
        &[
            "Pol|1|1|([sec].[fn_pred]([tenant]))|FILTER|NULL|NULL|Rls",
            "Pol|1|1|([sec].[fn_pred]([tenant]))|BLOCK|1|AFTER INSERT|Rls",
        ],
    ),
    (
        "33_security",
        "SELECT c.name, c.encryption_type_desc, c.encryption_algorithm_name, k.name, m.name, m.key_store_provider_name, \
         v.encryption_algorithm_name, v.encrypted_value FROM sys.columns c JOIN sys.column_encryption_keys k \
         ON k.column_encryption_key_id = c.column_encryption_key_id JOIN sys.column_encryption_key_values v \
         ON v.column_encryption_key_id = k.column_encryption_key_id JOIN sys.column_master_keys m \
         ON m.column_master_key_id = v.column_master_key_id",
        &[
            "ssn|DETERMINISTIC|AEAD_AES_256_CBC_HMAC_SHA_256|CEK1|CMK1|MSSQL_CERTIFICATE_STORE|RSA_OAEP|016E0000016300750072",
        ],
    ),
    (
        "33_security",
        "SELECT c.name, c.masking_function, s.label, s.information_type FROM sys.masked_columns c \
         LEFT JOIN sys.sensitivity_classifications s ON s.major_id = c.object_id AND s.minor_id = c.column_id ORDER BY c.column_id",
        &["email|email()|Confidential|Contact Info", "card|partial(0,\"XXXX\",4)|NULL|NULL"],
    ),
    (
        "34_service_broker",
        "SELECT s.name, q.name, q.activation_procedure, q.execute_as_principal_id, q.max_readers, q.is_activation_enabled, \
         c.name, m.name, m.validation_desc, u.is_sent_by_initiator, u.is_sent_by_target FROM sys.services s \
         JOIN sys.service_queues q ON q.object_id = s.service_queue_id JOIN sys.service_contract_usages x \
         ON x.service_id = s.service_id JOIN sys.service_contracts c ON c.service_contract_id = x.service_contract_id \
         JOIN sys.service_contract_message_usages u ON u.service_contract_id = c.service_contract_id \
         JOIN sys.service_message_types m ON m.message_type_id = u.message_type_id WHERE s.service_id >= 65536",
        &["//acme/svc|Q1|[held].[dbo].[Activate]|-2|2|1|//acme/contract|//acme/msg|XML|1|0"],
    ),
    (
        "34_service_broker",
        "SELECT name, remote_service_name, address FROM sys.routes ORDER BY route_id",
        &["AutoCreatedLocal|NULL|LOCAL", "r1|//acme/svc|LOCAL"],
    ),
    (
        "36_legacy",
        "SELECT c.name, d.name, d.type_desc, r.name, m.definition FROM sys.columns c LEFT JOIN sys.objects d \
         ON d.object_id = c.default_object_id LEFT JOIN sys.objects r ON r.object_id = c.rule_object_id \
         LEFT JOIN sys.sql_modules m ON m.object_id = ISNULL(d.object_id, r.object_id) \
         WHERE c.object_id = OBJECT_ID('dbo.Leg') ORDER BY c.column_id",
        &[
            "a|LegacyDefault|DEFAULT_CONSTRAINT|NULL|CREATE DEFAULT [dbo].[LegacyDefault] AS 5;",
            "b|NULL|NULL|LegacyRule|CREATE RULE [dbo].[LegacyRule] AS @v > 0;",
        ],
    ),
    (
        "37_crypto",
        "SELECT name, key_algorithm, algorithm_desc, key_length FROM sys.symmetric_keys ORDER BY symmetric_key_id",
        &["##MS_DatabaseMasterKey##|A3|AES_256|256", "SymKey|A3|AES_256|256"],
    ),
    (
        "37_crypto",
        "SELECT c.name, c.pvt_key_encryption_type_desc, c.subject, c.start_date, c.expiry_date, a.name, a.algorithm, \
         a.algorithm_desc FROM sys.certificates c CROSS JOIN sys.asymmetric_keys a",
        &[
            "Cert1|ENCRYPTED_BY_PASSWORD|test|DateTime { days: 43829, ticks: 0 }|DateTime { days: 47482, ticks: 0 }|AsymKey|3R|RSA_2048",
        ],
    ),
    (
        "39_external",
        "SELECT t.name, t.type, t.location, t.reject_type, t.reject_value, s.name, s.type_desc, s.location, f.name, f.format_type, \
         f.field_terminator, f.use_type_default, c.name, c.credential_identity FROM sys.external_tables t \
         JOIN sys.external_data_sources s ON s.data_source_id = t.data_source_id JOIN sys.external_file_formats f \
         ON f.file_format_id = t.file_format_id JOIN sys.database_scoped_credentials c ON c.credential_id = s.credential_id",
        &["Ext|U |/x|VALUE|0|Eds|HADOOP|hdfs://10.0.0.1:8050|Eff|DELIMITEDTEXT|||1|Cred1|id"],
    ),
    (
        "18_triggers",
        "SELECT t.name, t.parent_class_desc, t.is_disabled, t.is_instead_of_trigger, t.is_not_for_replication, e.type, \
         e.type_desc, e.event_group_type_desc FROM sys.triggers t JOIN sys.trigger_events e ON e.object_id = t.object_id \
         ORDER BY t.name, e.type",
        &[
            "TR_after|OBJECT_OR_COLUMN|0|0|0|1|INSERT|NULL",
            "TR_after|OBJECT_OR_COLUMN|0|0|0|2|UPDATE|NULL",
            "TR_ddl|DATABASE|0|0|0|21|CREATE_TABLE|NULL",
            "TR_ddl|DATABASE|0|0|0|23|DROP_TABLE|NULL",
            "TR_ddl_group|DATABASE|0|0|0|21|CREATE_TABLE|DDL_TABLE_EVENTS",
            "TR_ddl_group|DATABASE|0|0|0|22|ALTER_TABLE|DDL_TABLE_EVENTS",
            "TR_ddl_group|DATABASE|0|0|0|23|DROP_TABLE|DDL_TABLE_EVENTS",
            "TR_delete|OBJECT_OR_COLUMN|0|0|1|3|DELETE|NULL",
            "TR_disabled|OBJECT_OR_COLUMN|1|0|0|2|UPDATE|NULL",
            "TR_instead|OBJECT_OR_COLUMN|0|1|0|1|INSERT|NULL",
        ],
    ),
    (
        "18b_trigger_order_sql120",
        "SELECT t.name, e.type_desc, e.is_first, e.is_last FROM sys.triggers t JOIN sys.trigger_events e \
         ON e.object_id = t.object_id ORDER BY e.type",
        &["TR_after|INSERT|1|0", "TR_after|UPDATE|0|0"],
    ),
    (
        "22_principals",
        "SELECT p.name, p.type, p.authentication_type_desc, p.default_schema_name, o.name FROM sys.database_principals p \
         LEFT JOIN sys.database_principals o ON o.principal_id = p.owning_principal_id WHERE p.principal_id > 4 \
         AND p.is_fixed_role = 0 ORDER BY p.name",
        &[
            "app1|A|NONE|dbo|NULL",
            "contained_user|S|DATABASE|dbo|NULL",
            "DOM\\win|U|WINDOWS|dbo|NULL",
            "no_login|S|NONE|dbo|NULL",
            "owned_role|R|NONE|NULL|reader_role",
            "reader_role|R|NONE|NULL|dbo",
            "user_login1|S|INSTANCE|dbo|NULL",
        ],
    ),
    (
        "22_principals",
        "SELECT r.name, m.name FROM sys.database_role_members x JOIN sys.database_principals r \
         ON r.principal_id = x.role_principal_id JOIN sys.database_principals m ON m.principal_id = x.member_principal_id \
         ORDER BY r.name, m.name",
        &["db_datareader|user_login1", "db_owner|contained_user", "db_owner|dbo", "reader_role|no_login"],
    ),
    (
        "21_schemas",
        "SELECT s.name, p.name FROM sys.schemas s JOIN sys.database_principals p ON p.principal_id = s.principal_id \
         WHERE s.schema_id BETWEEN 5 AND 16383 ORDER BY s.name",
        &["hr|dbo", "owned|owner1", "sales|dbo"],
    ),
    (
        "16_procs",
        "SELECT o.name, m.uses_ansi_nulls, m.uses_quoted_identifier, m.is_recompiled, m.execute_as_principal_id, \
         CASE WHEN m.definition IS NULL THEN 1 ELSE 0 END FROM sys.sql_modules m JOIN sys.objects o \
         ON o.object_id = m.object_id ORDER BY o.name",
        &[
            "P_cursor|1|1|0|NULL|0",
            "P_none|1|1|0|NULL|0",
            "P_num|1|1|0|NULL|0",
            "P_off|0|0|0|NULL|0",
            "P_opts|1|1|1|-2|0",
            "P_params|1|1|0|NULL|0",
            "P_self|1|1|0|1|0",
        ],
    ),
    (
        "16_procs",
        "SELECT procedure_number, definition FROM sys.numbered_procedures",
        &["2|CREATE PROCEDURE [dbo].[P_num];2 AS SELECT 2;"],
    ),
    (
        "17_functions",
        "SELECT o.name, o.type, c.name, t.name, c.is_nullable FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id \
         JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE o.type IN ('IF', 'TF') ORDER BY o.name, c.column_id",
        &[
            "F_inline|IF|id|int|0",
            "F_inline|IF|name|nvarchar|1",
            "F_inline_sb|IF|id|int|0",
            "F_multi|TF|id|int|0",
            "F_multi|TF|name|nvarchar|1",
        ],
    ),
    (
        "38_table_options",
        "SELECT t.name, t.text_in_row_limit, t.large_value_types_out_of_row, t.lock_escalation_desc, t.uses_ansi_nulls, \
         k.is_track_columns_updated_on FROM sys.tables t LEFT JOIN sys.change_tracking_tables k ON k.object_id = t.object_id \
         ORDER BY t.name",
        &["Opts1|256|1|AUTO|1|NULL", "Opts2|0|0|TABLE|1|1", "Opts3|0|0|TABLE|0|NULL"],
    ),
];

#[test]
fn the_views_give_the_values_of_a_real_server() {
    let Some(shared) = shared("the_views_give_the_values_of_a_real_server") else { return };
    let mut wrong = Vec::new();
    let mut held: BTreeMap<&str, Box<dyn Session>> = BTreeMap::new();
    for (package, sql, rows) in VALUES {
        let session = held.entry(package).or_insert_with(|| {
            let model = model(&shared.join(format!("dacfx/golden/{package}.dacpac")));
            let mut session = fresh();
            hold(session.as_mut(), &model, &script::script(&model, Form::Server));
            session
        });
        let answer = ok(session.as_mut(), sql);
        let seen: Vec<String> =
            answer.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect();
        if seen != *rows {
            wrong.push(format!("{package}: {sql}\n    {}", seen.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `cargo test --release --test sandbox_holding -- --ignored --nocapture`: how long many tables take.
/// `TABLES` says how many, `KEPT` the folder of a sandbox that is kept.
#[test]
#[ignore = "a measurement"]
fn twenty_thousand_tables() {
    let kept = std::env::var_os("KEPT").map(Into::into);
    let mut session = with(SandboxOptions { data: kept, ..SandboxOptions::default() });
    let session = session.as_mut();
    ok(session, "CREATE DATABASE many");
    ok(session, "USE many");
    let tables: usize = std::env::var("TABLES").ok().and_then(|t| t.parse().ok()).unwrap_or(20_000);
    let started = std::time::Instant::now();
    for n in 0..tables {
        let sql = format!(
            "CREATE TABLE dbo.t{n} (id int NOT NULL IDENTITY CONSTRAINT PK_t{n} PRIMARY KEY, a nvarchar(50) NULL, b datetime2 \
             NOT NULL CONSTRAINT DF_t{n} DEFAULT (sysutcdatetime()), c decimal(18, 2) NULL)"
        );
        ok(session, &sql);
        if n > 0 && n % 2_000 == 0 {
            eprintln!("{n} tables: {:?}", started.elapsed());
        }
    }
    eprintln!("{tables} tables made: {:?}", started.elapsed());
    for sql in [
        "SELECT COUNT(*) FROM sys.tables",
        "SELECT name, object_id, schema_id, create_date FROM sys.objects",
        "SELECT object_id, name, column_id, user_type_id, max_length, is_nullable FROM sys.columns",
        "SELECT object_id, index_id, name, type FROM sys.indexes",
        "SELECT object_id, index_id, column_id, key_ordinal FROM sys.index_columns",
        "SELECT object_id, index_id, rows FROM sys.partitions",
        "SELECT t.name, c.name, d.definition FROM sys.tables t JOIN sys.columns c ON c.object_id = t.object_id \
         LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id",
    ] {
        let started = std::time::Instant::now();
        let rows = ok(session, sql).rows.len();
        eprintln!("{rows} rows in {:?}: {}", started.elapsed(), &sql[..60.min(sql.len())]);
    }
}
