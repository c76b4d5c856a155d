//! There and back, from outside: what is odd about a database, made by hand, backed up and restored by the binary, is
//! there in the copy, or is named.

mod support;

use std::path::PathBuf;

use assert_cmd::Command;
use pacrat::sandbox::Sandbox;
use pacrat::sqlserver::connect;
use pacrat::sqlserver::orders::Orders;
use support::binary::{Ran, ran};
use support::place::{self, PASSWORD};
use tokio_util::sync::CancellationToken;

/// A server with a database `Odd`, and the binary configured for it in a home of its own.
struct Place {
    server: Sandbox,
    home: tempfile::TempDir,
}

impl Place {
    /// With these batches run in the database.
    async fn with(batches: &[&str]) -> Place {
        let server = place::sandbox(&["operator"]).await;
        let home = tempfile::tempdir().unwrap();
        let text = place::configuration(&server, "password_env = \"BOX_PASSWORD\"", ("odd", "Odd"), "");
        std::fs::write(home.path().join("config.toml"), text).unwrap();
        let place = Place { server, home };
        place.order("master", &["CREATE DATABASE Odd"]).await;
        place.order("Odd", batches).await;
        place
    }

    async fn pacrat(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::cargo_bin("pacrat").unwrap();
        command.env_clear().env("HOME", self.home.path()).env("PACRAT_CONFIG", self.home.path().join("config.toml"));
        command.env("BOX_PASSWORD", PASSWORD).args(arguments);
        tokio::task::spawn_blocking(move || ran(&mut command)).await.unwrap()
    }

    async fn orders(&self, database: &str) -> Box<dyn Orders> {
        connect::open(&place::target(&self.server, database), &CancellationToken::new()).await.expect("a connection")
    }

    async fn order(&self, database: &str, batches: &[&str]) {
        let mut orders = self.orders(database).await;
        for sql in batches {
            orders.batch(sql, "preparing", &CancellationToken::new()).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
    }

    /// The rows of a question, the fields of each joined by blanks.
    async fn ask(&self, database: &str, sql: &str) -> Vec<String> {
        let mut orders = self.orders(database).await;
        let answer = orders.batch(sql, "asking", &CancellationToken::new()).await;
        place::rows(&answer.unwrap_or_else(|e| panic!("{sql}: {e}")))
    }

    /// Backs up; what was said comes back, and the file.
    async fn back_up(&self) -> (String, PathBuf) {
        let ran = self.pacrat(&["backup", "odd"]).await;
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let files = std::fs::read_dir(self.home.path().join("store")).unwrap();
        let file = files.map(|f| f.unwrap().path()).find(|f| f.extension().is_some_and(|e| e == "bacpac"));
        (ran.out + &ran.err, file.unwrap())
    }

    /// Backs up and restores as `Copy`; what the restore said comes back.
    async fn there_and_back(&self) -> String {
        let (_, file) = self.back_up().await;
        let ran = self.pacrat(&["restore", file.to_str().unwrap(), "--to", "box", "--database", "Copy"]).await;
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        ran.out + &ran.err
    }

    /// The copy answers a question as the original does.
    async fn same(&self, sql: &str) {
        let (odd, copy) = (self.ask("Odd", sql).await, self.ask("Copy", sql).await);
        assert!(!odd.is_empty(), "{sql}");
        assert_eq!(odd, copy, "{sql}");
    }

    async fn no_difference(&self) {
        let ran = self.pacrat(&["diff", "box/Odd", "box/Copy"]).await;
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
}

fn model(file: &std::path::Path) -> String {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    std::io::read_to_string(archive.by_name("model.xml").unwrap()).unwrap()
}

const MODULES: &str = "SELECT s.name, o.name, o.type, p.name FROM sys.objects AS o \
     JOIN sys.schemas AS s ON s.schema_id = o.schema_id LEFT JOIN sys.objects AS p ON p.object_id = o.parent_object_id \
     WHERE o.type IN ('P', 'V', 'FN', 'TR') ORDER BY o.name";

#[tokio::test(flavor = "multi_thread")]
async fn modules_come_back_under_the_names_that_they_have_now() {
    let place = Place::with(&[
        "CREATE SCHEMA old",
        "CREATE SCHEMA new",
        "CREATE TABLE dbo.visit (id int NOT NULL)",
        "CREATE PROCEDURE dbo.renamed AS SELECT 1 AS renamed",
        "CREATE VIEW old.moved AS SELECT 1 AS a",
        "CREATE FUNCTION old.told() RETURNS int AS BEGIN RETURN 1 END",
        "CREATE TRIGGER dbo.follows ON dbo.visit AFTER INSERT AS RETURN",
        "EXECUTE sp_rename N'dbo.renamed', N'has a [new] name'",
        "EXECUTE sp_rename N'dbo.visit', N'the visits'",
        "ALTER SCHEMA new TRANSFER old.moved",
        "ALTER SCHEMA new TRANSFER old.told",
    ])
    .await;
    place.there_and_back().await;
    place.same(MODULES).await;
    place.no_difference().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_apart_from_its_partitioned_table_stays_apart() {
    let place = Place::with(&[
        "CREATE PARTITION FUNCTION years (date) AS RANGE RIGHT FOR VALUES ('2020-01-01', '2021-01-01')",
        "CREATE PARTITION SCHEME years AS PARTITION years ALL TO ([PRIMARY])",
        "CREATE TABLE dbo.t (d date NOT NULL, n int NOT NULL, m int NOT NULL, \
         CONSTRAINT pk PRIMARY KEY (d, n) ON years (d), CONSTRAINT uq UNIQUE (m) ON [PRIMARY])",
        "CREATE INDEX along ON dbo.t (n)",
        "CREATE INDEX apart ON dbo.t (n) ON [PRIMARY]",
        "CREATE STATISTICS s ON dbo.t (m)",
        "CREATE INDEX later ON dbo.t (d, m)",
    ])
    .await;
    place.there_and_back().await;
    place
        .same(
            "SELECT i.name, d.name, d.type FROM sys.indexes AS i JOIN sys.data_spaces AS d \
             ON d.data_space_id = i.data_space_id WHERE i.object_id = OBJECT_ID(N'dbo.t') ORDER BY i.name",
        )
        .await;
    place.no_difference().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_cut_by_values_of_every_type() {
    let place = Place::with(&[
        "CREATE PARTITION FUNCTION [1] (varbinary(4)) AS RANGE LEFT FOR VALUES (0x01, 0xFF00)",
        "CREATE PARTITION FUNCTION [2] (money) AS RANGE LEFT FOR VALUES (1.2345)",
        "CREATE PARTITION FUNCTION [3] (uniqueidentifier) AS RANGE LEFT FOR VALUES ('6F9619FF-8B86-D011-B42D-00C04FC964FF')",
        "CREATE PARTITION FUNCTION [4] (time(7)) AS RANGE LEFT FOR VALUES ('10:11:12.1234567')",
        "CREATE PARTITION FUNCTION [5] (datetimeoffset(7)) AS RANGE LEFT FOR VALUES ('2020-01-01 10:11:12.1234567 +05:30')",
        "CREATE PARTITION FUNCTION [6] (int) AS RANGE LEFT FOR VALUES (NULL, 5)",
    ])
    .await;
    let (said, _) = place.back_up().await;
    assert!(!said.contains("not carried"), "{said}");
    place.there_and_back().await;
    place.same("SELECT name FROM sys.partition_functions ORDER BY name").await;
    place.no_difference().await;
}

const SEQUENCES: &str = "SELECT name, CONVERT(nvarchar(40), start_value), CONVERT(nvarchar(40), current_value), \
     CONVERT(nvarchar(40), last_used_value) FROM sys.sequences ORDER BY name";

#[tokio::test(flavor = "multi_thread")]
async fn sequences_go_on_where_they_stood_and_still_begin_where_they_began() {
    let place = Place::with(&[
        "CREATE SEQUENCE dbo.never AS int START WITH 42",
        "CREATE SEQUENCE dbo.once AS int START WITH 42",
        "CREATE SEQUENCE dbo.[on] AS bigint START WITH -1 INCREMENT BY -5 NO CACHE",
        "CREATE SEQUENCE dbo.round AS tinyint START WITH 250 INCREMENT BY 2 MINVALUE 10 MAXVALUE 254 CYCLE",
        "CREATE SEQUENCE dbo.spent AS smallint START WITH 32766",
        "CREATE SEQUENCE dbo.wide AS decimal(38, 0) START WITH 99999999999999999999999999999999999999 INCREMENT BY -1",
        "SELECT NEXT VALUE FOR dbo.once",
        "SELECT NEXT VALUE FOR dbo.[on], NEXT VALUE FOR dbo.wide",
        "SELECT NEXT VALUE FOR dbo.[on], NEXT VALUE FOR dbo.wide",
        "SELECT NEXT VALUE FOR dbo.round, NEXT VALUE FOR dbo.spent",
        "SELECT NEXT VALUE FOR dbo.round, NEXT VALUE FOR dbo.spent",
        "SELECT NEXT VALUE FOR dbo.round",
        "SELECT NEXT VALUE FOR dbo.round",
    ])
    .await;
    let said = place.there_and_back().await;
    assert!(!said.contains("sequence"), "{said}");
    place.same(SEQUENCES).await;
    place.no_difference().await;
    place.same("SELECT NEXT VALUE FOR dbo.never, NEXT VALUE FOR dbo.once, NEXT VALUE FOR dbo.[on]").await;
    place.same("SELECT NEXT VALUE FOR dbo.round, NEXT VALUE FOR dbo.wide").await;
    let mut orders = place.orders("Copy").await;
    let spent = orders.batch("SELECT NEXT VALUE FOR dbo.spent", "asking", &CancellationToken::new()).await;
    assert_eq!(spent.unwrap_err().number(), Some(11728));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_constraint_without_a_name_stays_disabled() {
    let place = Place::with(&[
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, n int CHECK (n > 0), p int REFERENCES dbo.t (id), m int)",
        "ALTER TABLE dbo.t ADD CONSTRAINT named CHECK (m > 0)",
        "ALTER TABLE dbo.t NOCHECK CONSTRAINT ALL",
        "INSERT INTO dbo.t VALUES (1, -1, 99, 5)",
        "ALTER TABLE dbo.t WITH CHECK CHECK CONSTRAINT named",
        "CREATE TABLE dbo.u (n int CHECK (n > 0))",
    ])
    .await;
    let said = place.there_and_back().await;
    assert!(!said.contains("not restored: disabled"), "{said}");
    for view in ["sys.check_constraints", "sys.foreign_keys"] {
        place
            .same(&format!(
                "SELECT OBJECT_NAME(parent_object_id) AS t, is_system_named, is_disabled, is_not_trusted FROM {view} \
                 ORDER BY t, is_system_named"
            ))
            .await;
    }
    place.no_difference().await;
    place.order("Copy", &["INSERT INTO dbo.t VALUES (2, -2, 98, 1)"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_on_things_of_the_server_says_which_is_meant() {
    let place = Place::with(&[
        "CREATE ROLE clerks",
        "CREATE USER porter WITHOUT LOGIN WITH DEFAULT_SCHEMA = db_owner",
        "GRANT EXECUTE ON SCHEMA::dbo TO clerks",
        "GRANT IMPERSONATE ON USER::dbo TO clerks",
        "GRANT ALTER ON ROLE::db_datareader TO clerks",
        "GRANT REFERENCES ON CONTRACT::[DEFAULT] TO clerks",
        "EXECUTE sp_addextendedproperty N'note', N'of the schema', N'SCHEMA', N'dbo'",
        "EXECUTE sp_addextendedproperty N'note', N'of the user', N'USER', N'dbo'",
        "EXECUTE sp_addextendedproperty N'note', N'of the group', N'FILEGROUP', N'PRIMARY'",
        "EXECUTE sp_addextendedproperty N'nothing', NULL",
        "CREATE TYPE dbo.mine FROM int",
        "ALTER AUTHORIZATION ON TYPE::dbo.mine TO porter",
    ])
    .await;
    let (said, file) = place.back_up().await;
    assert!(said.contains("owner of a type (it becomes its schema's) [dbo].[mine]: porter"), "{said}");
    let model = model(&file);
    // DacFx loads no model in which a reference may mean two things, and none to what is nowhere.
    for reference in [
        r#"<References ExternalSource="BuiltIns" Name="[dbo]" Type="SqlSchema" />"#,
        r#"<References ExternalSource="BuiltIns" Name="[dbo]" Type="SqlUser" />"#,
        r#"<References ExternalSource="BuiltIns" Name="[db_datareader]" Type="SqlRole" />"#,
        r#"<References ExternalSource="BuiltIns" Name="[DEFAULT]" Type="SqlContract" />"#,
        r#"<References ExternalSource="BuiltIns" Name="[db_owner]" />"#,
    ] {
        assert!(model.contains(reference), "{reference}");
    }
    assert!(!model.contains(r#"<References Name="[dbo]" />"#));
    place.there_and_back().await;
    place
        .same(
            "SELECT class, permission_name, state FROM sys.database_permissions WHERE grantee_principal_id = \
             USER_ID(N'clerks') ORDER BY class, permission_name",
        )
        .await;
    place
        .same("SELECT class, name, CONVERT(nvarchar(40), value) FROM sys.extended_properties ORDER BY class, name")
        .await;
    place.no_difference().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_has_no_word_for_is_named() {
    let place = Place::with(&[
        "CREATE TABLE dbo.t (id int NOT NULL CONSTRAINT pk PRIMARY KEY WITH (OPTIMIZE_FOR_SEQUENTIAL_KEY = ON), n nvarchar(9), \
         c AS (n + N'!'))",
        "ADD SENSITIVITY CLASSIFICATION TO dbo.t.n WITH (LABEL = 'L', RANK = HIGH)",
        "CREATE USER u WITHOUT LOGIN WITH ALLOW_ENCRYPTED_VALUE_MODIFICATIONS = ON",
        "CREATE QUEUE dbo.q",
        "CREATE SERVICE [//s] ON QUEUE dbo.q",
        "CREATE EVENT NOTIFICATION en ON DATABASE FOR CREATE_TABLE TO SERVICE '//s', 'current database'",
        "ALTER DATABASE Odd SET ACCELERATED_DATABASE_RECOVERY = ON",
        "REVOKE VIEW ANY COLUMN MASTER KEY DEFINITION FROM public",
        "CREATE LOGIN locked WITH PASSWORD = 'Abcdef-123'",
        "CREATE LOGIN welcome WITH PASSWORD = 'Abcdef-123'",
        "CREATE USER locked FOR LOGIN locked",
        "CREATE USER welcome FOR LOGIN welcome",
        "REVOKE CONNECT FROM locked",
    ])
    .await;
    let (said, _) = place.back_up().await;
    for line in [
        "OPTIMIZE_FOR_SEQUENTIAL_KEY of index [dbo].[t].[pk]",
        "rank of the classification of column [dbo].[t].[n]: HIGH",
        "ALLOW_ENCRYPTED_VALUE_MODIFICATIONS of user [u]",
        "event notification [en]",
        "database option ACCELERATED_DATABASE_RECOVERY = ON",
        "revocation of VIEW ANY COLUMN MASTER KEY DEFINITION from public",
        "revocation of CONNECT from locked",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
    assert!(
        !said.contains("ENCRYPTION KEY DEFINITION")
            && !said.contains("CONNECT from w")
            && !said.contains("CONNECT from u"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn things_that_share_a_name_are_numbered_alike_wherever_they_were_made() {
    let place = Place::with(&[
        "CREATE ROLE app",
        "CREATE SCHEMA app",
        "CREATE TABLE app.t (t int NOT NULL, i int NOT NULL)",
        // In another order than a restore makes them.
        "CREATE INDEX t ON app.t (t)",
        "CREATE INDEX i ON app.t (i)",
        "CREATE FUNCTION app.f() RETURNS int WITH INLINE = OFF AS BEGIN RETURN 1 END",
        "EXECUTE sp_addextendedproperty N'p', N'v', N'SCHEMA', N'app', N'TABLE', N't', N'INDEX', N't'",
    ])
    .await;
    let (_, file) = place.back_up().await;
    let first = model(&file);
    assert!(first.contains(r#"<Property Name="IsInline" Value="True" />"#));
    std::fs::remove_file(&file).unwrap();
    place.there_and_back().await;
    place.order("master", &["ALTER DATABASE Odd MODIFY NAME = Gone", "ALTER DATABASE Copy MODIFY NAME = Odd"]).await;
    for entry in std::fs::read_dir(place.home.path().join("store")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let (_, again) = place.back_up().await;
    assert!(first == model(&again), "the same schema gives the same bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_every_value_the_server_gives_gets_its_rows() {
    let place = Place::with(&[
        "CREATE TABLE dbo.[only ]] versions] (v rowversion NOT NULL)",
        "INSERT INTO dbo.[only ]] versions] DEFAULT VALUES",
        "INSERT INTO dbo.[only ]] versions] DEFAULT VALUES",
    ])
    .await;
    let said = place.there_and_back().await;
    assert!(said.contains("column v gets new row versions"), "{said}");
    place.same("SELECT COUNT(*) FROM dbo.[only ]] versions]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_view_tells_of_a_spatial_index_is_named() {
    let place = Place::with(&[
        "CREATE TABLE dbo.place (id int NOT NULL CONSTRAINT PK_place PRIMARY KEY CLUSTERED, at geography NULL)",
        "CREATE SPATIAL INDEX SI_at ON dbo.place (at) USING GEOGRAPHY_AUTO_GRID WITH (DATA_COMPRESSION = PAGE)",
    ])
    .await;
    let (said, _) = place.back_up().await;
    assert!(said.contains("compression of a spatial index"), "{said}");
    assert!(said.contains("[dbo].[place].[SI_at]"), "{said}");
}
