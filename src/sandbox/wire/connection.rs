//! One connection: prelogin, TLS, LOGIN7, then packets to the worker and answers to the socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answer::{Link, Outgoing, PacketWriter};
use super::bulk::Piece;
use super::login::{self, Login};
use super::packet::{self, kind, status};
use super::prelogin::{self, Encryption};
use super::tls::{Bare, Tls};
use super::tokens::{self, done, token};
use super::worker::{Job, Parts, Settled, Worker};
use crate::sandbox::fault::{Direction, Faults, Line, Verdict};
use crate::sandbox::session::{Backend, LoginRequest, Message, Signals};

/// A client must have logged in by then.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest PRELOGIN.
const LONGEST_PRELOGIN: usize = 16 * 1024;
/// Longest batch or RPC: it is held whole.
const LONGEST_MESSAGE: usize = 512 * 1024 * 1024;
/// Packets of a bulk load that may wait for the session.
const WAITING_PACKETS: usize = 16;
/// First byte of a TLS record.
const TLS_HANDSHAKE: u8 = 0x16;

/// What the server does about encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionMode {
    /// None, and a client that insists is refused.
    NotSupported,
    /// As the client wishes: the login alone, or all.
    Optional,
    /// All is encrypted; a client that can't is refused.
    Required,
    /// TLS first (TDS 8.0), nothing else.
    Strict,
}

/// What every connection needs of the server.
#[derive(Clone)]
pub struct Host {
    /// The engine.
    pub backend: Arc<dyn Backend>,
    /// The certificate.
    pub tls: Option<Tls>,
    /// Its rule.
    pub encryption: EncryptionMode,
    /// Its faults.
    pub faults: Faults,
    /// Ends all connections.
    pub stop: CancellationToken,
}

trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

fn refused(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Serves a client until it is gone.
pub async fn serve(host: Host, socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let login = tokio::time::timeout(LOGIN_TIMEOUT, open(&host, socket));
    let opened = tokio::select! {
        opened = login => opened.map_err(|_| refused("no login in time"))??,
        () = host.stop.cancelled() => return Ok(()),
    };
    let Some(Opened { transport, login, encrypted, strict }) = opened else { return Ok(()) };
    run(host, transport, login, peer, encrypted, strict).await
}

struct Opened {
    transport: Box<dyn Transport>,
    login: Login,
    encrypted: bool,
    strict: bool,
}

/// Prelogin, TLS and LOGIN7.
async fn open(host: &Host, socket: TcpStream) -> io::Result<Option<Opened>> {
    let mut first = [0];
    if socket.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first[0] == TLS_HANDSHAKE {
        let Some(tls) = &host.tls else { return Err(refused("TLS is not supported")) };
        let mut stream = tls.accept_first(socket).await?;
        let Some((kind, asked)) = read(&mut stream, LONGEST_PRELOGIN).await? else { return Ok(None) };
        if kind != kind::PRELOGIN {
            return Err(refused("no PRELOGIN"));
        }
        let asked = prelogin::parse(&asked).map_err(|_| refused("PRELOGIN"))?;
        // TDS 8: the field has no meaning any more; it is answered as asked.
        send(&mut stream, &prelogin::answer(host.backend.version(), asked.encryption, &asked)).await?;
        return finish(host, Box::new(stream), true, true).await;
    }
    if host.encryption == EncryptionMode::Strict {
        return Err(refused("only TLS first is accepted"));
    }
    let mut socket = socket;
    let Some((kind, asked)) = read(&mut socket, LONGEST_PRELOGIN).await? else { return Ok(None) };
    if kind != kind::PRELOGIN {
        return Err(refused("no PRELOGIN"));
    }
    let asked = prelogin::parse(&asked).map_err(|_| refused("PRELOGIN"))?;
    let settled = settle(host, asked.encryption);
    send(&mut socket, &prelogin::answer(host.backend.version(), settled, &asked)).await?;
    match (settled, asked.encryption, &host.tls) {
        (Encryption::NotSupported, Encryption::Off | Encryption::NotSupported, _) => {
            finish(host, Box::new(socket), false, false).await
        }
        (Encryption::Required, Encryption::NotSupported, _) | (Encryption::NotSupported, ..) => {
            Err(refused("client and server do not agree on encryption"))
        }
        (Encryption::Off, _, Some(tls)) => {
            let mut stream = tls.accept_within(socket).await?;
            let Some(login) = read_login(&mut stream).await? else { return Ok(None) };
            checked(host, Box::new(Bare(stream)), login, false, false).await
        }
        (_, _, Some(tls)) => finish(host, Box::new(tls.accept_within(socket).await?), true, false).await,
        (_, _, None) => Err(refused("no certificate")),
    }
}

/// What the server answers to a client's wish (MS-TDS 2.2.6.5).
fn settle(host: &Host, asked: Encryption) -> Encryption {
    if host.tls.is_none() {
        return Encryption::NotSupported;
    }
    match (host.encryption, asked) {
        (EncryptionMode::NotSupported, _) | (EncryptionMode::Optional, Encryption::NotSupported) => {
            Encryption::NotSupported
        }
        (EncryptionMode::Optional, Encryption::Off) => Encryption::Off,
        (EncryptionMode::Required | EncryptionMode::Strict, Encryption::Off | Encryption::NotSupported) => {
            Encryption::Required
        }
        (_, Encryption::On | Encryption::Required) => Encryption::On,
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, limit: usize) -> io::Result<Option<(u8, Vec<u8>)>> {
    packet::read_message(stream, *packet::SIZES.end(), limit).await
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, payload: &[u8]) -> io::Result<()> {
    stream.write_all(&packet::frame(kind::RESPONSE, payload, packet::DEFAULT_SIZE, 0)).await?;
    stream.flush().await
}

async fn read_login<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<Login>> {
    let Some((kind, message)) = read(stream, login::LONGEST).await? else { return Ok(None) };
    if kind != kind::LOGIN7 {
        return Err(refused("no LOGIN7"));
    }
    login::parse(&message).map(Some).map_err(|_| refused("LOGIN7"))
}

async fn finish(
    host: &Host,
    mut transport: Box<dyn Transport>,
    encrypted: bool,
    strict: bool,
) -> io::Result<Option<Opened>> {
    match read_login(&mut transport).await? {
        Some(login) => checked(host, transport, login, encrypted, strict).await,
        None => Ok(None),
    }
}

/// Refuses what the sandbox has not: Windows and Entra logins, TDS before 7.2.
async fn checked(
    host: &Host,
    mut transport: Box<dyn Transport>,
    login: Login,
    encrypted: bool,
    strict: bool,
) -> io::Result<Option<Opened>> {
    let federated = login.features.as_ref().is_some_and(|ids| ids.contains(&login::feature::FEDAUTH));
    let refusal = if login.integrated || federated {
        Some((
            18452,
            "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.",
        ))
    } else if login.version >> 24 < 0x72 && !strict {
        // Assumption: the text is the sandbox's own; a real server still speaks TDS 7.0 and 7.1.
        Some((17828, "The sandbox speaks TDS 7.2 to 8.0."))
    } else {
        None
    };
    let Some((number, text)) = refusal else {
        return Ok(Some(Opened { transport, login, encrypted, strict }));
    };
    let message = Message { number, state: 1, class: 14, text: text.to_owned(), procedure: String::new(), line: 1 };
    let mut bytes = Vec::new();
    tokens::message(&message, &host.backend.server_name(), &mut bytes);
    tokens::done_token(token::DONE, done::ERROR, 0, 0, &mut bytes);
    send(&mut transport, &bytes).await?;
    let _ = transport.shutdown().await;
    Ok(None)
}

async fn run(
    host: Host,
    transport: Box<dyn Transport>,
    login: Login,
    peer: SocketAddr,
    encrypted: bool,
    strict: bool,
) -> io::Result<()> {
    let closing = host.stop.child_token();
    let (reader, writer) = tokio::io::split(transport);
    let (to_writer, outgoing) = mpsc::channel(4);
    let link = Link {
        signals: Arc::new(Signals::default()),
        gone: Arc::new(AtomicBool::new(false)),
        line: Line::new(host.faults.clone()),
        server: host.backend.server_name().into(),
        nbc: strict || login.version >= 0x730B_0003,
    };
    let attentions = Arc::new(AtomicUsize::new(0));
    let (jobs, from_reader) = mpsc::channel(8);
    let request = LoginRequest {
        user: login.user.clone(),
        password: login.password.clone(),
        database: login.database.clone(),
        application: login.application.clone(),
        host: login.host.clone(),
        client_pid: login.client_pid,
        library: login.library.clone(),
        language: login.language.clone(),
        address: Some(peer.ip()),
        port: peer.port(),
        encrypted,
        packet_size: 0,
        read_only_intent: login.read_only_intent,
    };
    let settled = Settled::of(login, request, strict);
    let largest = settled.packet_size.max(packet::DEFAULT_SIZE);
    let parts = Parts {
        backend: host.backend,
        jobs: from_reader,
        writer: PacketWriter::new(to_writer, link.clone()),
        link: link.clone(),
        attentions: attentions.clone(),
    };
    // A thread of its own, not one of the runtime's: it may wait for a slow client as long as it likes, and it ends by
    // itself once its channels are closed.
    std::thread::Builder::new()
        .name("sandbox-session".to_owned())
        .stack_size(16 * 1024 * 1024)
        .spawn(move || Worker::run(parts, settled))?;

    let sending = tokio::spawn(write_packets(writer, outgoing, closing.clone()));
    let mut reading = Reading { reader: BufReader::with_capacity(64 * 1024, reader), jobs, link, attentions, largest };
    let result = tokio::select! {
        result = reading.run() => result,
        () = closing.cancelled() => Ok(()),
    };
    reading.link.gone.store(true, Ordering::Relaxed);
    reading.link.signals.cancel();
    drop(reading);
    closing.cancel();
    let _ = sending.await;
    result
}

async fn write_packets<W: AsyncWrite + Unpin>(
    mut writer: W,
    mut outgoing: mpsc::Receiver<Outgoing>,
    closing: CancellationToken,
) {
    loop {
        let next = tokio::select! {
            next = outgoing.recv() => next,
            () = closing.cancelled() => None,
        };
        let Some(Outgoing::Packets(packets)) = next else { break };
        let written = async {
            writer.write_all(&packets).await?;
            writer.flush().await
        };
        let written = tokio::select! {
            written = written => written.is_ok(),
            () = closing.cancelled() => false,
        };
        if !written {
            break;
        }
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), writer.shutdown()).await;
    closing.cancel();
}

struct Reading<R> {
    reader: BufReader<R>,
    jobs: mpsc::Sender<Job>,
    link: Link,
    attentions: Arc<AtomicUsize>,
    largest: usize,
}

impl<R: AsyncRead + Unpin> Reading<R> {
    async fn run(&mut self) -> io::Result<()> {
        let signals = self.link.signals.clone();
        let jobs = self.jobs.clone();
        tokio::select! {
            result = self.packets() => result,
            () = signals.until_killed() => {
                // The worker answers 596 if it is at work, and closes either way.
                let _ = jobs.send(Job::Killed).await;
                drop(jobs);
                std::future::pending().await
            }
        }
    }

    async fn packets(&mut self) -> io::Result<()> {
        let mut message = Vec::new();
        let mut begun: Option<u8> = None;
        let mut reset = None;
        let mut stream: Option<mpsc::Sender<Piece>> = None;
        loop {
            let at = message.len();
            let Some(header) = packet::read(&mut self.reader, self.largest, &mut message).await? else {
                return Ok(());
            };
            self.count(message.len() - at + packet::HEADER).await?;
            if header.kind == kind::ATTENTION {
                // In the middle of a message it takes the message back.
                if let Some(stream) = stream.take() {
                    let _ = stream.send(Piece::Broken).await;
                }
                message.clear();
                begun = None;
                self.attentions.fetch_add(1, Ordering::AcqRel);
                self.link.signals.cancel();
                self.hand_on(Job::Attention).await?;
                continue;
            }
            match begun {
                None => {
                    begun = Some(header.kind);
                    reset = match header.status {
                        bits if bits & status::RESET != 0 => Some(false),
                        bits if bits & status::RESET_SKIP_TRAN != 0 => Some(true),
                        _ => None,
                    };
                    if header.kind == kind::BULK {
                        let (to, pieces) = mpsc::channel(WAITING_PACKETS);
                        self.hand_on(Job::Bulk(pieces)).await?;
                        stream = Some(to);
                    } else if !matches!(header.kind, kind::BATCH | kind::RPC | kind::TRANSACTION) {
                        return Err(refused("unexpected packet type"));
                    }
                }
                Some(kind) if kind != header.kind => return Err(refused("packets of two messages mixed")),
                Some(_) => {}
            }
            let ignored = header.is_end() && header.status & status::IGNORE != 0;
            if let Some(to) = &stream {
                let data = std::mem::take(&mut message);
                let piece = match (header.is_end(), ignored) {
                    (_, true) => Piece::Broken,
                    (true, _) => Piece::Last(data),
                    (false, _) => Piece::Data(data),
                };
                // A worker that wants no more has dropped its end: the rest is read and forgotten.
                let _ = to.send(piece).await;
                if header.is_end() {
                    stream = None;
                    begun = None;
                }
                continue;
            }
            if message.len() > LONGEST_MESSAGE {
                return Err(refused("message too long"));
            }
            if header.is_end() {
                let payload = std::mem::take(&mut message);
                let kind = begun.take().unwrap_or(header.kind);
                let job = if ignored { Job::Ignored } else { Job::Message { kind, reset, payload } };
                self.hand_on(job).await?;
            }
        }
    }

    async fn hand_on(&mut self, job: Job) -> io::Result<()> {
        self.jobs.send(job).await.map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }

    /// Faults on received bytes.
    async fn count(&mut self, bytes: usize) -> io::Result<()> {
        match self.link.line.bytes(Direction::Received, bytes) {
            Verdict::Go | Verdict::Error(_) => Ok(()),
            Verdict::Drop(_) => Err(io::ErrorKind::ConnectionAborted.into()),
            Verdict::Stall(time) => {
                let line = self.link.line.clone();
                let gone = self.link.gone.clone();
                let wait = tokio::task::spawn_blocking(move || line.stall(time, &|| gone.load(Ordering::Relaxed)));
                wait.await.map_err(io::Error::other)
            }
        }
    }
}
