//! What is asked of a server's encryption before a driver meets it.
//!
//! With encryption "off" the login is encrypted, but mssql-tds sends it, password and all, in the clear to a server that
//! says it has no TLS. So that is asked first, and such a server gets no login.
//!
//! mssql-tds checks a server against the system's CAs or against one exact certificate. So with a CA file the server's
//! certificate is fetched first, checked here against that CA and the host's name, and then given to the driver as the
//! only one it may meet. The handshake is the one a client makes: TLS at once (strict), or PRELOGIN and then TLS inside
//! PRELOGIN packets (MS-TDS 2.2.6.5, 3.2.5.2).

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use tempfile::NamedTempFile;

use super::error::{NO_ENCRYPTION, SqlError};
use super::target::{DEFAULT_PORT, Encryption, Target};

const PRELOGIN: u8 = 0x12;
/// Header of a TDS packet: type, status, length (big-endian, with the header), process, number, window.
const HEADER: usize = 8;
/// VERSION (six zero bytes), ENCRYPTION = on, THREADID, MARS = off; offsets count from the first option.
const PRELOGIN_REQUEST: [u8; 33] = [
    0x00, 0x00, 0x15, 0x00, 0x06, 0x01, 0x00, 0x1B, 0x00, 0x01, 0x03, 0x00, 0x1C, 0x00, 0x04, 0x04, 0x00, 0x20, 0x00,
    0x01, 0xFF, 0, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0x00,
];
/// `ENCRYPT_NOT_SUP`: the server has no TLS.
const NOT_SUPPORTED: u8 = 0x02;

/// The server's certificate in a file of its own, checked against the target's CA file; nothing without one.
pub(super) async fn pin(target: &Target) -> Result<Option<NamedTempFile>, SqlError> {
    let Some(ca_file) = target.ca_file.clone().filter(|_| target.encryption != Encryption::Off) else {
        return Ok(None);
    };
    let fetched = target.clone();
    let certificate = tokio::task::spawn_blocking(move || fetch(&fetched, &ca_file))
        .await
        .map_err(|e| SqlError::Tls { address: target.address(), cause: e.to_string() })??;
    let save = || -> std::io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new().prefix("pacrat-").suffix(".der").tempfile()?;
        file.write_all(&certificate)?;
        file.flush()?;
        Ok(file)
    };
    save().map(Some).map_err(|e| SqlError::Tls {
        address: target.address(),
        cause: format!("cannot keep the server's certificate in a temporary file: {e}"),
    })
}

fn fetch(target: &Target, ca_file: &Path) -> Result<Vec<u8>, SqlError> {
    let tls = |cause: String| SqlError::Tls { address: target.address(), cause };
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(|e| tls(e.to_string()))?;
    for certificate in read_ca(ca_file).map_err(|cause| tls(format!("CA file {}: {cause}", ca_file.display())))? {
        builder.cert_store_mut().add_cert(certificate).map_err(|e| tls(e.to_string()))?;
    }
    if target.encryption == Encryption::Strict {
        builder.set_alpn_protos(b"\x07tds/8.0").map_err(|e| tls(e.to_string()))?;
    }
    let connector = builder.build();
    let name = target.certificate_host.as_deref().unwrap_or(&target.host);
    let mut stream = Framed { stream: dial(target)?, framed: target.encryption != Encryption::Strict, left: 0 };
    if stream.framed {
        stream.prelogin().map_err(|e| tls(e.to_string()))?;
    }
    let stream = connector.connect(name, stream).map_err(|e| tls(e.to_string()))?;
    let certificate = stream.ssl().peer_certificate().ok_or_else(|| tls("the server shows no certificate".into()))?;
    certificate.to_der().map_err(|e| tls(e.to_string()))
}

/// An error where a login that is to be encrypted would not be, for want of TLS at the server.
pub(super) async fn encrypts_logins(target: &Target) -> Result<(), SqlError> {
    if target.encryption != Encryption::Off {
        // The driver insists on it by itself.
        return Ok(());
    }
    let asked = target.clone();
    let ask = move || {
        let mut stream = Framed { stream: dial(&asked)?, framed: true, left: 0 };
        let cause = |e: std::io::Error| e.to_string();
        stream.prelogin().map_err(cause).map_err(|cause| SqlError::Tls { address: asked.address(), cause })
    };
    tokio::task::spawn_blocking(ask)
        .await
        .unwrap_or_else(|e| Err(SqlError::Tls { address: target.address(), cause: e.to_string() }))
}

/// A connection on which nothing has been said.
fn dial(target: &Target) -> Result<TcpStream, SqlError> {
    let unreachable = |e: std::io::Error| SqlError::Unreachable { address: target.address(), cause: e.to_string() };
    let patience = Some(target.connect_timeout).filter(|t| !t.is_zero()).unwrap_or(Duration::from_secs(60));
    let mut failed = std::io::Error::other("no address for that name");
    let mut stream = None;
    for address in (target.host.as_str(), target.port.unwrap_or(DEFAULT_PORT)).to_socket_addrs().map_err(unreachable)? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(s) => {
                stream = Some(s);
                break;
            }
            Err(e) => failed = e,
        }
    }
    let Some(stream) = stream else { return Err(unreachable(failed)) };
    stream.set_read_timeout(Some(patience)).map_err(unreachable)?;
    stream.set_write_timeout(Some(patience)).map_err(unreachable)?;
    Ok(stream)
}

/// All certificates of a PEM file, or the one of a DER file.
fn read_ca(path: &Path) -> Result<Vec<X509>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let certificates = match X509::stack_from_pem(&bytes) {
        Ok(certificates) if !certificates.is_empty() => certificates,
        _ => vec![X509::from_der(&bytes).map_err(|_| "neither PEM nor DER certificates".to_owned())?],
    };
    Ok(certificates)
}

/// A stream whose bytes travel inside PRELOGIN packets where TDS wants them so.
#[derive(Debug)]
struct Framed {
    stream: TcpStream,
    framed: bool,
    /// Bytes of the packet at hand not yet read.
    left: usize,
}

impl Framed {
    /// Exchanges PRELOGINs; an error if the server has no TLS.
    fn prelogin(&mut self) -> std::io::Result<()> {
        self.write_all(&PRELOGIN_REQUEST)?;
        let mut answer = vec![0; self.packet()?];
        self.left = 0;
        self.stream.read_exact(&mut answer)?;
        // Options: token, offset and length (big-endian), until 0xFF.
        let options = answer.chunks(5).take_while(|o| o.len() == 5 && o[0] != 0xFF);
        let encryption = options
            .filter(|o| o[0] == 0x01)
            .find_map(|o| answer.get(usize::from(u16::from_be_bytes([o[1], o[2]]))).copied());
        match encryption {
            None | Some(NOT_SUPPORTED) => Err(std::io::Error::other(NO_ENCRYPTION)),
            Some(_) => Ok(()),
        }
    }

    /// Reads a packet's header; its payload's length.
    fn packet(&mut self) -> std::io::Result<usize> {
        let mut header = [0; HEADER];
        self.stream.read_exact(&mut header)?;
        usize::from(u16::from_be_bytes([header[2], header[3]]))
            .checked_sub(HEADER)
            .ok_or_else(|| std::io::Error::other("a packet shorter than its header"))
    }
}

impl Read for Framed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if !self.framed {
            return self.stream.read(buffer);
        }
        while self.left == 0 {
            self.left = self.packet()?;
        }
        let most = buffer.len().min(self.left);
        let read = self.stream.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

impl Write for Framed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.framed {
            return self.stream.write(bytes);
        }
        let piece = &bytes[..bytes.len().min(4096 - HEADER)];
        let length = u16::try_from(piece.len() + HEADER).unwrap_or(u16::MAX).to_be_bytes();
        let mut packet = vec![PRELOGIN, 0x01, length[0], length[1], 0, 0, 1, 0];
        packet.extend_from_slice(piece);
        self.stream.write_all(&packet)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}
