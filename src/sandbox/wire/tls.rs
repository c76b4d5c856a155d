//! TLS, in the two ways of TDS: inside PRELOGIN packets after the prelogin (7.x), or first of all (8.0, ALPN `tds/8.0`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVersion};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use super::packet::{self, HEADER, Header, kind};

/// The server's certificate and how it accepts.
#[derive(Clone)]
pub struct Tls {
    within: SslAcceptor,
    first: SslAcceptor,
    certificate: Arc<str>,
}

impl Tls {
    /// Makes a key and a certificate for `localhost`, 127.0.0.1, ::1 and `names`, signed by itself, for a year.
    pub fn self_signed(names: &[String]) -> Result<Self, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let certificate = certificate(&key, names)?;
        // TDS 7.x knows TLS up to 1.2: later versions send tickets after the handshake, when the frames have ended.
        let within = acceptor(&key, &certificate, SslVersion::TLS1_2)?.build();
        let mut first = acceptor(&key, &certificate, SslVersion::TLS1_3)?;
        first.set_alpn_select_callback(|_, offered| {
            openssl::ssl::select_next_proto(b"\x07tds/8.0", offered).ok_or(AlpnError::NOACK)
        });
        let pem = String::from_utf8_lossy(&certificate.to_pem()?).into_owned();
        Ok(Self { within, first: first.build(), certificate: pem.into() })
    }

    /// The certificate in PEM, for a client that wants to trust it.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// TLS inside PRELOGIN packets.
    pub async fn accept_within<S>(&self, stream: S) -> io::Result<SslStream<Framed<S>>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let framing = Arc::new(AtomicBool::new(true));
        let framed =
            Framed { stream, framing: framing.clone(), incoming: Incoming::default(), outgoing: Vec::new(), sent: 0 };
        let mut stream = accept(&self.within, framed).await?;
        framing.store(false, Ordering::Relaxed);
        stream.get_mut().outgoing.clear();
        Ok(stream)
    }

    /// TLS first.
    pub async fn accept_first<S>(&self, stream: S) -> io::Result<SslStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        accept(&self.first, stream).await
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

async fn accept<S: AsyncRead + AsyncWrite + Unpin>(acceptor: &SslAcceptor, stream: S) -> io::Result<SslStream<S>> {
    let mut stream = SslStream::new(Ssl::new(acceptor.context())?, stream)?;
    Pin::new(&mut stream).accept().await.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(stream)
}

fn acceptor(
    key: &PKey<Private>,
    certificate: &X509,
    highest: SslVersion,
) -> Result<openssl::ssl::SslAcceptorBuilder, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_max_proto_version(Some(highest))?;
    builder.set_private_key(key)?;
    builder.set_certificate(certificate)?;
    Ok(builder)
}

fn certificate(key: &PKey<Private>, names: &[String]) -> Result<X509, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, "pacrat sandbox")?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut alternatives = SubjectAlternativeName::new();
    alternatives.dns("localhost").ip("127.0.0.1").ip("::1");
    for name in names {
        match name.parse::<std::net::IpAddr>() {
            Ok(_) => alternatives.ip(name),
            Err(_) => alternatives.dns(name),
        };
    }

    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    // A day back, for clocks that differ.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    builder.set_not_before(&*Asn1Time::from_unix(now.saturating_sub(86_400) as i64)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(365)?)?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    builder.append_extension(KeyUsage::new().digital_signature().key_cert_sign().build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
    let alternatives = alternatives.build(&builder.x509v3_context(None, None))?;
    builder.append_extension(alternatives)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// A stream whose bytes travel in PRELOGIN packets until the handshake is done, and plainly from then on.
#[derive(Debug)]
pub struct Framed<S> {
    stream: S,
    framing: Arc<AtomicBool>,
    incoming: Incoming,
    /// What TLS has written since the last flush, to go out as one packet.
    outgoing: Vec<u8>,
    /// Bytes of the packet in `outgoing` that are sent; 0 while it is being filled.
    sent: usize,
}

#[derive(Debug, Default)]
struct Incoming {
    header: [u8; HEADER],
    have: usize,
    payload: usize,
}

impl<S> Framed<S> {
    fn is_framing(&self) -> bool {
        self.framing.load(Ordering::Relaxed)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Framed<S> {
    /// Sends what TLS has written, as packets.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.sent == 0 {
            self.outgoing = packet::frame(kind::PRELOGIN, &self.outgoing, packet::DEFAULT_SIZE, 0);
        }
        while self.sent < self.outgoing.len() {
            let n = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.outgoing[self.sent..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
        }
        self.outgoing.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Framed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.is_framing() {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        ready!(this.poll_send(cx))?;
        while this.incoming.payload == 0 {
            let mut header = ReadBuf::new(&mut this.incoming.header);
            header.set_filled(this.incoming.have);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut header))?;
            let have = header.filled().len();
            if have == this.incoming.have {
                return Poll::Ready(Ok(()));
            }
            this.incoming.have = have;
            if have == HEADER {
                let header = Header::parse(this.incoming.header)
                    .filter(|header| header.kind == kind::PRELOGIN)
                    .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no PRELOGIN packet in the handshake"))?;
                this.incoming.payload = header.payload();
                this.incoming.have = 0;
            }
        }
        let room = this.incoming.payload.min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
        let n = part.filled().len();
        this.incoming.payload -= n;
        buf.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Framed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if !self.is_framing() {
            return Pin::new(&mut self.stream).poll_write(cx, data);
        }
        if self.sent > 0 {
            ready!(self.poll_send(cx))?;
        }
        self.outgoing.extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_framing() {
            ready!(self.poll_send(cx))?;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What is below TLS, once only the login was to be encrypted.
#[derive(Debug)]
pub struct Bare<S>(pub SslStream<Framed<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Bare<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Bare<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_shutdown(cx)
    }
}
