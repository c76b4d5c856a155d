//! [`Orders`] by tiberius, for questions: of a failed batch it knows the first error only, informations do not arrive,
//! and what is cancelled ends with its connection.

use async_trait::async_trait;
use futures::TryStreamExt;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, QueryItem};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};
use tokio_util::sync::CancellationToken;

use super::connect::{PACKET_SIZE, WHOLE_VALUES, refused, within};
use super::error::{ServerError, ServerMessage, SqlError};
use super::field;
use super::orders::{Answer, Orders, ResultSet};
use super::target::{DEFAULT_PORT, Encryption, Target};
use super::tds_session::dropped;

/// How often a server may send us elsewhere (Azure SQL Database does so once).
const MOST_REDIRECTIONS: usize = 5;

/// A connection for questions.
pub(super) struct TiberiusSession {
    /// None once the connection was dropped.
    client: Option<Client<Compat<TcpStream>>>,
    seconds: u64,
}

impl TiberiusSession {
    pub(super) async fn connect(target: &Target, cancel: &CancellationToken) -> Result<Self, SqlError> {
        within(target, cancel, async {
            let mut host = target.host.clone();
            let mut port = target.port.unwrap_or(DEFAULT_PORT);
            for _ in 0..=MOST_REDIRECTIONS {
                match login(target, &host, port).await? {
                    Arrived::Here(mut client) => {
                        ask(&mut client, WHOLE_VALUES, "setting the session's options", 0).await?;
                        return Ok(Self { client: Some(*client), seconds: target.command_timeout.as_secs() });
                    }
                    Arrived::Elsewhere(other, its_port) => (host, port) = (other, its_port),
                }
            }
            Err(SqlError::Unexpected {
                doing: format!("logging in to {}", target.address()),
                cause: "the server sends us from one address to the next".into(),
            })
        })
        .await
    }
}

enum Arrived {
    Here(Box<Client<Compat<TcpStream>>>),
    Elsewhere(String, u16),
}

async fn login(target: &Target, host: &str, port: u16) -> Result<Arrived, SqlError> {
    let unreachable = |e: std::io::Error| SqlError::Unreachable { address: target.address(), cause: e.to_string() };
    let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let mut config = Config::new();
    config.host(host);
    config.port(port);
    if let Some(database) = &target.database {
        config.database(database);
    }
    config.application_name(&target.application);
    config.authentication(AuthMethod::sql_server(&target.user, target.password.expose()));
    config.packet_size(u32::from(PACKET_SIZE));
    config.encryption(match target.encryption {
        Encryption::Off => EncryptionLevel::Off,
        Encryption::On => EncryptionLevel::Required,
        Encryption::Strict => EncryptionLevel::Strict,
    });
    // Our own limits hold instead.
    config.handshake_timeout(None);
    config.command_timeout(Some(target.command_timeout).filter(|t| !t.is_zero()));
    if let Some(name) = &target.certificate_host {
        config.hostname_in_certificate(name);
    }
    match &target.ca_file {
        Some(file) => config.trust_cert_ca(file.display()),
        None if target.trust_certificate || target.encryption == Encryption::Off => config.trust_cert(),
        None => {}
    }
    match Client::connect(config, stream.compat_write()).await {
        Ok(client) => Ok(Arrived::Here(Box::new(client))),
        Err(tiberius::error::Error::Routing { host, port }) => Ok(Arrived::Elsewhere(host, port)),
        Err(error) => Err(connecting(target, error)),
    }
}

fn connecting(target: &Target, error: tiberius::error::Error) -> SqlError {
    use tiberius::error::Error;
    let address = target.address();
    match error {
        Error::Server(token) => match ServerError::new(vec![message(&token)]) {
            Some(error) => refused(target, error),
            None => SqlError::Unexpected { doing: format!("logging in to {address}"), cause: "no reason".into() },
        },
        Error::Tls(cause) => SqlError::Tls { address, cause },
        Error::Io { message, .. } => SqlError::Unreachable { address, cause: message },
        other => SqlError::Unexpected { doing: format!("logging in to {address}"), cause: other.to_string() },
    }
}

fn message(token: &tiberius::error::TokenError) -> ServerMessage {
    ServerMessage {
        number: token.code().cast_signed(),
        state: token.state(),
        class: token.class(),
        message: token.message().to_owned(),
        procedure: Some(token.procedure().to_owned()).filter(|p| !p.is_empty()),
        line: token.line(),
    }
}

#[async_trait]
impl Orders for TiberiusSession {
    async fn batch(&mut self, sql: &str, doing: &str, cancel: &CancellationToken) -> Result<Answer, SqlError> {
        // Whatever ends early (a cancellation, a broken stream) leaves the connection in the middle of a message, so
        // it is taken out and comes back only when the answer was read to its end.
        let mut client = self.client.take().ok_or_else(|| dropped(doing))?;
        let work = ask(&mut client, sql, doing, self.seconds);
        let result = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(SqlError::Cancelled),
            result = work => result,
        };
        match &result {
            Ok(_) => self.client = Some(client),
            // The driver gives the error at the end of the answer; below class 20 the session goes on.
            Err(SqlError::Server { error, .. }) if error.cause.class < 20 => self.client = Some(client),
            Err(_) => {}
        }
        result
    }

    fn is_dead(&self) -> bool {
        self.client.is_none()
    }
}

async fn ask(client: &mut Client<Compat<TcpStream>>, sql: &str, doing: &str, seconds: u64) -> Result<Answer, SqlError> {
    let other = |error| request(doing, seconds, error);
    let mut answer = Answer::default();
    let mut items = client.simple_query(sql).await.map_err(other)?;
    while let Some(item) = items.try_next().await.map_err(other)? {
        match item {
            QueryItem::Metadata(metadata) => {
                let columns = metadata.columns().iter().map(|c| c.name().to_owned()).collect();
                answer.sets.push(ResultSet { columns, rows: Vec::new() });
            }
            QueryItem::Row(row) => {
                let row: Result<Vec<_>, _> = row.into_iter().map(field::of_tiberius).collect();
                let row = row.map_err(|cause| SqlError::Unexpected { doing: doing.to_owned(), cause })?;
                if let Some(set) = answer.sets.last_mut() {
                    set.rows.push(row);
                }
            }
        }
    }
    Ok(answer)
}

fn request(doing: &str, seconds: u64, error: tiberius::error::Error) -> SqlError {
    use tiberius::error::Error;
    let doing = doing.to_owned();
    match error {
        Error::Server(token) => match ServerError::new(vec![message(&token)]) {
            Some(error) => SqlError::Server { doing, error },
            None => SqlError::Unexpected { doing, cause: "no reason".into() },
        },
        Error::Io { kind: std::io::ErrorKind::TimedOut, .. } => SqlError::Timeout { doing, seconds },
        Error::Io { message, .. } => SqlError::Lost { doing, cause: message },
        Error::Tls(cause) => SqlError::Lost { doing, cause },
        other => SqlError::Unexpected { doing, cause: other.to_string() },
    }
}
