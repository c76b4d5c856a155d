//! Opening connections: finds a named instance's port, and configures both drivers from one [`Target`].
//!
//! Neither driver's own patience is used: every limit is the target's. The driver for rows would reconnect a lost
//! session by itself; that is switched off, for a session of ours has a transaction, a snapshot or an isolation level
//! that a silent reconnect would lose.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use mssql_tds::connection::client_context::ClientContext;
use mssql_tds::connection::tds_client::TdsClient;
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::{CancelHandle, EncryptionOptions, EncryptionSetting};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::certificate;
use super::error::{ServerError, SqlError};
use super::orders::Orders;
use super::rows::RowConnection;
use super::target::{DEFAULT_PORT, Encryption, Target};
use super::tds_error;
use super::tds_rows::TdsRows;
use super::tds_session::{self, TdsSession};
use super::tiberius_session::TiberiusSession;

/// The largest packet that TDS has.
pub const PACKET_SIZE: u16 = 32_767;

/// What every session says first: a server cuts large values off at TEXTSIZE, and only some drivers raise it by
/// themselves.
pub(super) const WHOLE_VALUES: &str = "SET TEXTSIZE 2147483647;";
/// What a session for orders says besides: indexed views, computed columns and filtered indexes refuse any other
/// settings.
const ORDERLY: &str = "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, \
                       QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF;";
/// What a session for rows says besides: in a deadlock, it is the backup that gives way.
const MODEST: &str = "SET DEADLOCK_PRIORITY LOW;";

/// How long a cancelled operation may take to come to an orderly end before its connection is dropped. Together with
/// what follows it stays below the two seconds that a cancellation may take.
pub(super) const SETTLE: Duration = Duration::from_millis(1_500);

/// A connection for orders: every error of a batch is reported, and a cancelled batch is ended by an attention.
pub async fn open(target: &Target, cancel: &CancellationToken) -> Result<Box<dyn Orders>, SqlError> {
    let target = resolve(target, cancel).await?;
    let client = connect_tds(&target, ORDERLY, cancel).await?;
    Ok(Box::new(TdsSession::new(client, &target)))
}

/// A connection for questions. Of a failed batch it reports the first error only, and a cancelled one ends with its
/// connection; neither matters where nothing is changed.
pub async fn open_questions(target: &Target, cancel: &CancellationToken) -> Result<Box<dyn Orders>, SqlError> {
    let target = resolve(target, cancel).await?;
    Ok(Box::new(TiberiusSession::connect(&target, cancel).await?))
}

/// A connection for rows, out or in.
pub async fn open_rows(target: &Target, cancel: &CancellationToken) -> Result<Box<dyn RowConnection>, SqlError> {
    let target = resolve(target, cancel).await?;
    let client = connect_tds(&target, MODEST, cancel).await?;
    Ok(Box::new(TdsRows::new(client, &target)))
}

/// Waits for `work`, but no longer than a cancellation and the connect timeout allow. What was begun is dropped.
pub(super) async fn within<T>(
    target: &Target,
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, SqlError>>,
) -> Result<T, SqlError> {
    let limit = target.connect_timeout;
    let limited = async {
        if limit.is_zero() {
            return work.await;
        }
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(SqlError::Timeout {
                doing: format!("connecting to {}", target.address()),
                seconds: limit.as_secs().max(1),
            })
        })
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(SqlError::Cancelled),
        result = limited => result,
    }
}

async fn connect_tds(target: &Target, settings: &str, cancel: &CancellationToken) -> Result<TdsClient, SqlError> {
    within(target, cancel, async {
        certificate::encrypts_logins(target).await?;
        // The file must live until the handshake is over.
        let pinned = certificate::pin(target).await?;
        let address = bracketed(&target.host);
        let port = target.port.unwrap_or(DEFAULT_PORT);
        let source = format!("tcp:{address},{port}");
        let mut context = ClientContext::with_data_source(&source);
        context.application_name = target.application.clone();
        context.library_name = "pacrat".into();
        context.database = target.database.clone().unwrap_or_default();
        context.user_name = target.user.clone();
        context.password = target.password.expose().to_owned();
        context.packet_size = PACKET_SIZE;
        context.connect_retry_count = 0;
        // The limit is kept by `within` around all of this. The driver's own, where 0 is at once and not never, only
        // has to come later.
        context.connect_timeout = match target.connect_timeout.as_secs() {
            _ if target.connect_timeout.is_zero() => 86_400,
            seconds => u32::try_from(seconds).unwrap_or(86_400).saturating_add(5),
        };
        context.login_timeout = Some(0);
        context.mars_enabled = false;
        context.encryption_options = EncryptionOptions {
            mode: match target.encryption {
                Encryption::Off => EncryptionSetting::PreferOff,
                Encryption::On => EncryptionSetting::Required,
                Encryption::Strict => EncryptionSetting::Strict,
            },
            // With encryption off the login alone is encrypted, and no driver of Microsoft checks the certificate then.
            trust_server_certificate: target.trust_certificate || target.encryption == Encryption::Off,
            host_name_in_cert: target.certificate_host.clone(),
            server_certificate: pinned.as_ref().map(|file| file.path().to_owned()),
        };
        let handle = CancelHandle::from(cancel.child_token());
        let mut client = TdsConnectionProvider {}
            .create_client(context, &source, Some(&handle))
            .await
            .map_err(|error| tds_error::connecting(target, error))?;
        let settings = format!("{WHOLE_VALUES} {settings}");
        tds_session::run(&mut client, &settings, "setting the session's options", 0, cancel).await?;
        Ok(client)
    })
    .await
}

/// An IPv6 address needs its brackets before a port.
pub(super) fn bracketed(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    }
}

/// A target whose port is known: a named instance is looked up at the SQL Server Browser (MC-SQLR, UDP 1434).
async fn resolve(target: &Target, cancel: &CancellationToken) -> Result<Target, SqlError> {
    target.check().map_err(SqlError::Unsupported)?;
    let Some(instance) = target.instance.as_deref().filter(|_| target.port.is_none()) else {
        return Ok(target.clone());
    };
    let unreachable = |cause: String| SqlError::Unreachable { address: target.address(), cause };
    let reply = within(target, cancel, async {
        let addresses: Vec<_> = tokio::net::lookup_host((target.host.as_str(), 1434))
            .await
            .map_err(|e| unreachable(e.to_string()))?
            .collect();
        let mut cause = "no address for that name".to_owned();
        for address in addresses {
            let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(local).await.map_err(|e| unreachable(e.to_string()))?;
            let mut request = vec![0x04];
            request.extend_from_slice(instance.as_bytes());
            if let Err(error) = socket.send_to(&request, address).await {
                cause = error.to_string();
                continue;
            }
            let mut reply = vec![0u8; 65_536];
            match tokio::time::timeout(Duration::from_secs(1), socket.recv(&mut reply)).await {
                Ok(Ok(length)) => {
                    reply.truncate(length);
                    return Ok(reply);
                }
                Ok(Err(error)) => cause = error.to_string(),
                Err(_) => cause = "the SQL Server Browser (UDP 1434) does not answer; give the port".into(),
            }
        }
        Err(unreachable(cause))
    })
    .await?;
    let port = browser_port(&reply)
        .ok_or_else(|| unreachable("the SQL Server Browser knows no TCP port of that instance".into()))?;
    Ok(Target { port: Some(port), ..target.clone() })
}

/// The TCP port in a browser's answer: `05 length(2) ServerName;…;tcp;1433;…`.
fn browser_port(reply: &[u8]) -> Option<u16> {
    let [0x05, _, _, text @ ..] = reply else { return None };
    let text = String::from_utf8_lossy(text);
    let mut words = text.split(';');
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case("tcp") {
            return words.next()?.parse().ok().filter(|port| *port != 0);
        }
    }
    None
}

/// A login that the server answered with errors.
pub(super) fn refused(target: &Target, error: Box<ServerError>) -> SqlError {
    SqlError::Login { address: target.address(), user: target.user.clone(), error }
}

/// How a guarded operation ended.
pub(super) enum Ended<T> {
    /// By itself.
    Done(T),
    /// It was cancelled and came to an orderly end: the connection lives.
    Settled(T),
    /// It was cancelled and did not end in time: its connection must be dropped.
    Abandoned,
}

/// Runs an operation that ends by itself soon after `cancel` (or after `stop`, which is then cancelled too); gives it
/// [`SETTLE`] to do so.
pub(super) async fn guarded<T>(
    cancel: &CancellationToken,
    stop: Option<&CancellationToken>,
    work: impl Future<Output = T>,
) -> Ended<T> {
    tokio::pin!(work);
    tokio::select! {
        biased;
        result = &mut work => return Ended::Done(result),
        () = cancel.cancelled() => {}
    }
    if let Some(stop) = stop {
        stop.cancel();
    }
    match tokio::time::timeout(SETTLE, work).await {
        Ok(result) => Ended::Settled(result),
        Err(_) => Ended::Abandoned,
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::Secret;
    use super::*;

    #[test]
    fn the_browsers_answer_has_the_port() {
        let mut reply = vec![0x05, 0, 0];
        reply.extend_from_slice(b"ServerName;DB1;InstanceName;EAST;IsClustered;No;Version;15.0.2000.5;tcp;51433;;");
        assert_eq!(browser_port(&reply), Some(51433));
        assert_eq!(browser_port(b"\x05\0\0ServerName;DB1;;"), None);
        assert_eq!(browser_port(b""), None);
    }

    #[tokio::test]
    async fn nobody_at_the_address_is_told_from_a_refusal() {
        // A port that was just free and is closed again: nobody listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut target = Target::new("127.0.0.1", "sa", Secret::new("hunter2"));
        target.port = Some(port);
        let never = CancellationToken::new();
        for result in [open(&target, &never).await.err(), open_questions(&target, &never).await.err()] {
            let error = result.expect("nobody listens");
            assert!(matches!(error, SqlError::Unreachable { .. }), "{error:?}");
            assert!(error.retryable());
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn connecting_to_a_silent_server_can_be_cancelled_and_times_out() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut target = Target::new("127.0.0.1", "sa", Secret::new("hunter2"));
        target.port = Some(listener.local_addr().unwrap().port());
        target.connect_timeout = Duration::from_secs(1);
        let never = CancellationToken::new();
        for result in [open(&target, &never).await.err(), open_questions(&target, &never).await.err()] {
            assert!(matches!(result, Some(SqlError::Timeout { seconds: 1, .. })), "{result:?}");
        }
        target.connect_timeout = Duration::ZERO;
        let cancel = CancellationToken::new();
        let started = std::time::Instant::now();
        let (a, b, ()) = tokio::join!(open(&target, &cancel), open_questions(&target, &cancel), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            cancel.cancel();
        });
        let (a, b) = (a.err(), b.err());
        assert!(matches!(a, Some(SqlError::Cancelled)), "{a:?}");
        assert!(matches!(b, Some(SqlError::Cancelled)), "{b:?}");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}
