//! The two drivers of the project as clients: what they see is what the engine said.

use std::time::Duration;

use async_trait::async_trait;
use mssql_tds::connection::bulk_copy::{BulkCopy, BulkLoadRow};
use mssql_tds::connection::client_context::ClientContext;
use mssql_tds::connection::tds_client::{ExecuteOptions, ResultSet as _, StatementResult, TdsClient};
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::{CancelHandle, EncryptionOptions, EncryptionSetting, TdsResult};
use mssql_tds::datatypes::bulk_copy_metadata::{BulkCopyColumnMetadata, SqlDbType, TypeLength};
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::message::bulk_load::StreamingBulkLoadWriter;
use mssql_tds::test_client_support::MetadataRetriever;
use pacrat::sandbox::server::{ListenConfig, Server};
use pacrat::sandbox::value::Value;
use pacrat::sandbox::wire::connection::EncryptionMode;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use super::client::PASSWORD;
use super::engine::{Engine, every_type, utf16};

async fn start(encryption: EncryptionMode) -> (Engine, Server) {
    let engine = Engine::default();
    let server = engine.start(ListenConfig { encryption, ..ListenConfig::default() }).await;
    (engine, server)
}

pub type Tiberius = Client<Compat<tokio::net::TcpStream>>;

async fn tiberius(server: &Server, encryption: EncryptionLevel) -> tiberius::Result<Tiberius> {
    tiberius_at(server.address(), encryption).await
}

pub async fn tiberius_at(address: std::net::SocketAddr, encryption: EncryptionLevel) -> tiberius::Result<Tiberius> {
    let mut config = Config::new();
    config.host("127.0.0.1");
    config.port(address.port());
    config.authentication(AuthMethod::sql_server("sa", PASSWORD));
    config.encryption(encryption);
    config.trust_cert();
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    Client::connect(config, socket.compat_write()).await
}

async fn mssql(server: &Server, encryption: EncryptionSetting) -> TdsResult<TdsClient> {
    // TDS 8 takes no certificate on trust alone: it is pinned.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), server.certificate_pem().unwrap_or_default()).unwrap();
    let pinned = encryption == EncryptionSetting::Strict;
    connect(server.address(), None, encryption, pinned.then(|| file.path().to_string_lossy().into_owned())).await
}

pub async fn mssql_at(
    address: std::net::SocketAddr,
    database: Option<&str>,
    encryption: EncryptionSetting,
) -> TdsResult<TdsClient> {
    connect(address, database, encryption, None).await
}

async fn connect(
    address: std::net::SocketAddr,
    database: Option<&str>,
    encryption: EncryptionSetting,
    certificate: Option<String>,
) -> TdsResult<TdsClient> {
    let source = format!("tcp:127.0.0.1,{}", address.port());
    let mut context = ClientContext::with_data_source(&source);
    context.user_name = "sa".into();
    context.password = PASSWORD.into();
    context.database = database.unwrap_or_default().into();
    context.packet_size = 32767;
    context.encryption_options = EncryptionOptions {
        mode: encryption,
        trust_server_certificate: certificate.is_none(),
        host_name_in_cert: None,
        server_certificate: certificate.map(Into::into),
    };
    TdsConnectionProvider {}.create_client(context, &source, None).await
}

#[tokio::test]
async fn tiberius_logs_in_at_every_encryption() {
    for (server, client, works) in [
        (EncryptionMode::NotSupported, EncryptionLevel::NotSupported, true),
        (EncryptionMode::NotSupported, EncryptionLevel::Required, false),
        (EncryptionMode::Optional, EncryptionLevel::NotSupported, true),
        (EncryptionMode::Optional, EncryptionLevel::Off, true),
        (EncryptionMode::Optional, EncryptionLevel::On, true),
        (EncryptionMode::Optional, EncryptionLevel::Required, true),
        (EncryptionMode::Required, EncryptionLevel::Required, true),
        (EncryptionMode::Required, EncryptionLevel::Off, true),
        (EncryptionMode::Required, EncryptionLevel::NotSupported, false),
        (EncryptionMode::Strict, EncryptionLevel::Required, false),
    ] {
        let (engine, running) = start(server).await;
        let connected = tokio::time::timeout(Duration::from_secs(20), tiberius(&running, client)).await.unwrap();
        assert_eq!(connected.is_ok(), works, "{server:?} {client:?}: {:?}", connected.err());
        if let Ok(mut connection) = connected {
            let rows = connection.simple_query("SELECT rows 5000").await.unwrap().into_first_result().await.unwrap();
            assert_eq!(rows.len(), 5000);
            assert_eq!(rows[4].get::<i32, _>(0), Some(4));
            assert_eq!(rows[4].get::<&str, _>(1), Some("name 4"));
            assert_eq!(rows[5].get::<&str, _>(1), None);
            let encrypted = engine.seen.lock().unwrap().logins[0].encrypted;
            let all = matches!(client, EncryptionLevel::On | EncryptionLevel::Required);
            assert_eq!(encrypted, server == EncryptionMode::Required || all);
        }
    }
}

#[tokio::test]
async fn mssql_tds_logs_in_at_every_encryption() {
    for (server, client) in [
        (EncryptionMode::Optional, EncryptionSetting::PreferOff),
        (EncryptionMode::Optional, EncryptionSetting::Required),
        (EncryptionMode::Optional, EncryptionSetting::Strict),
        (EncryptionMode::Required, EncryptionSetting::PreferOff),
        (EncryptionMode::Strict, EncryptionSetting::Strict),
    ] {
        let name = format!("{server:?} {client:?}");
        let (_, running) = start(server).await;
        let connected = tokio::time::timeout(Duration::from_secs(20), mssql(&running, client)).await.unwrap();
        let mut client = connected.unwrap_or_else(|error| panic!("{name}: {error}"));
        client.execute("SELECT rows 5000".to_owned(), ExecuteOptions::new()).await.unwrap();
        let mut rows = 0;
        while let Some(row) = client.next_row().await.unwrap() {
            assert_eq!(row[0], ColumnValues::Int(rows), "{name}");
            rows += 1;
        }
        assert_eq!(rows, 5000, "{name}");
    }
}

#[tokio::test]
async fn tiberius_reads_every_type_and_calls_procedures() {
    let (_, running) = start(EncryptionMode::Optional).await;
    let mut client = tiberius(&running, EncryptionLevel::On).await.unwrap();
    let rows = client.simple_query("SELECT types").await.unwrap().into_first_result().await.unwrap();
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!(row.get::<i64, _>("bigint"), Some(i64::MAX));
    assert_eq!(row.get::<&str, _>("nvarchar"), Some("žlu🦆"));
    assert_eq!(row.get::<&str, _>("varchar"), Some("€Ÿ"));
    assert_eq!(row.get::<&str, _>("text"), Some("text"));
    assert_eq!(row.get::<&str, _>("varcharmax").map(str::len), Some(100_000));
    assert_eq!(row.get::<&[u8], _>("image"), Some(&[1u8, 2, 3][..]));
    assert!(rows[1].get::<i32, _>("int").is_none());
    let result = client.query("SELECT 1", &[]).await.unwrap().into_first_result().await.unwrap();
    assert_eq!(result[0].get::<i32, _>(0), Some(1));
    let failed = client.simple_query("ERROR").await.map(drop).unwrap_err();
    assert_eq!(failed.code(), Some(1776), "the first of two errors");
}

fn decimal_of(value: &ColumnValues) -> Option<String> {
    match value {
        ColumnValues::Decimal(parts) | ColumnValues::Numeric(parts) => Some(format!("{parts:?}")),
        _ => None,
    }
}

#[tokio::test]
async fn mssql_tds_reads_every_type() {
    let (_, running) = start(EncryptionMode::Optional).await;
    let mut client = mssql(&running, EncryptionSetting::PreferOff).await.unwrap();
    client.execute("SELECT types".to_owned(), ExecuteOptions::new()).await.unwrap();
    let row = client.next_row().await.unwrap().unwrap();
    let nulls = client.next_row().await.unwrap().unwrap();
    assert!(client.next_row().await.unwrap().is_none());
    assert!(nulls.iter().all(|value| *value == ColumnValues::Null));
    for ((name, _, sent), got) in every_type().iter().zip(&row) {
        match (sent, got) {
            (Value::Bit(a), ColumnValues::Bit(b)) => assert_eq!(a, b),
            (Value::TinyInt(a), ColumnValues::TinyInt(b)) => assert_eq!(a, b),
            (Value::SmallInt(a), ColumnValues::SmallInt(b)) => assert_eq!(a, b),
            (Value::Int(a), ColumnValues::Int(b)) => assert_eq!(a, b),
            (Value::BigInt(a), ColumnValues::BigInt(b)) => assert_eq!(a, b),
            (Value::Real(a), ColumnValues::Real(b)) => assert_eq!(a, b),
            (Value::Float(a), ColumnValues::Float(b)) => assert_eq!(a, b),
            (Value::Date(a), ColumnValues::Date(b)) => assert_eq!(*a, b.get_days()),
            (Value::Char(a), ColumnValues::String(b)) => assert_eq!(&a[..], &b.bytes[..], "{name}"),
            (Value::NChar(a), ColumnValues::String(b)) => assert_eq!(&a[..], &b.bytes[..], "{name}"),
            (Value::NChar(a), ColumnValues::Xml(b)) => assert_eq!(&a[..], &b.bytes[..], "{name}"),
            (Value::Binary(a), ColumnValues::Bytes(b)) => assert_eq!(&a[..], &b[..], "{name}"),
            (Value::Decimal { .. }, got) => assert!(decimal_of(got).is_some(), "{name}: {got:?}"),
            (_, ColumnValues::Null) => panic!("{name} came as NULL"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn mssql_tds_cancels_and_goes_on() {
    let (_, running) = start(EncryptionMode::Optional).await;
    let mut client = mssql(&running, EncryptionSetting::PreferOff).await.unwrap();
    let before = std::time::Instant::now();
    let stopped = client.execute("WAIT".to_owned(), ExecuteOptions::new().timeout_secs(1)).await;
    let error = match stopped {
        Ok(_) => client.advance().await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(error.is_err(), "{error:?}");
    assert!(before.elapsed() < Duration::from_secs(5));
    assert!(!client.is_connection_dead());
    assert_eq!(client.execute("SELECT 1".to_owned(), ExecuteOptions::new()).await.unwrap(), StatementResult::Rows);
    client.close_query().await.unwrap();
    // In the middle of an endless answer, too.
    let token = tokio_util::sync::CancellationToken::new();
    let handle = CancelHandle::from(token.clone());
    client.execute("FOREVER".to_owned(), ExecuteOptions::new().cancel(&handle)).await.unwrap();
    client.next_row().await.unwrap().unwrap();
    token.cancel();
    let ended = async { while let Ok(Some(_)) = client.next_row().await {} };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("the rows end");
    assert!(!client.is_connection_dead());
    client.execute("SELECT 1".to_owned(), ExecuteOptions::new()).await.unwrap();
}

struct Columns(Vec<BulkCopyColumnMetadata>);

#[async_trait]
impl MetadataRetriever for Columns {
    async fn retrieve_metadata(
        &mut self,
        _: &mut TdsClient,
        _: &str,
        _: u32,
    ) -> TdsResult<Vec<BulkCopyColumnMetadata>> {
        Ok(self.0.clone())
    }
}

struct Row(i32, Option<String>);

#[async_trait]
impl BulkLoadRow for Row {
    async fn write_to_packet(&self, writer: &mut StreamingBulkLoadWriter<'_>, column: &mut usize) -> TdsResult<()> {
        writer.write_column_value(*column, &ColumnValues::Int(self.0)).await?;
        *column += 1;
        let text = match &self.1 {
            None => ColumnValues::Null,
            Some(text) => {
                ColumnValues::String(mssql_tds::datatypes::sql_string::SqlString::from_utf8_string(text.clone()))
            }
        };
        writer.write_column_value(*column, &text).await?;
        *column += 1;
        Ok(())
    }
}

#[tokio::test]
async fn mssql_tds_bulk_loads() {
    let (engine, running) = start(EncryptionMode::Optional).await;
    for encryption in [EncryptionSetting::PreferOff, EncryptionSetting::Required] {
        let mut client = mssql(&running, encryption).await.unwrap();
        let columns = vec![
            BulkCopyColumnMetadata::new("id", SqlDbType::Int, SqlDbType::Int.to_bulk_copy_tds_type())
                .with_length(4, TypeLength::Fixed(4))
                .with_nullable(false),
            BulkCopyColumnMetadata::new("text", SqlDbType::NVarChar, SqlDbType::NVarChar.to_bulk_copy_tds_type())
                .with_length(0xFFFF, TypeLength::Plp)
                .with_nullable(true),
        ];
        let rows: Vec<Row> =
            (0..3000).map(|id| Row(id, (id % 5 != 0).then(|| "žluť🦆".repeat(id as usize % 90)))).collect();
        let result = BulkCopy::with_retriever(&mut client, "t", Box::new(Columns(columns)))
            .write_to_server_zerocopy(rows)
            .await
            .unwrap();
        assert_eq!(result.rows_affected, 3000);
        let seen = engine.seen.lock().unwrap();
        assert_eq!(seen.bulk_columns.iter().map(|c| c.2).collect::<Vec<_>>(), [false, true]);
        for (id, row) in seen.bulk.iter().enumerate() {
            let text = if id % 5 == 0 { Value::Null } else { Value::NChar(utf16(&"žluť🦆".repeat(id % 90))) };
            assert_eq!(row, &[Value::Int(id as i32), text]);
        }
    }
}
