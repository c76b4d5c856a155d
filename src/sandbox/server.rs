//! The server: listens, and gives every client a connection. Everything runs in this process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fault::{Fault, Faults};
use super::session::Backend;
use super::wire::connection::{self, EncryptionMode, Host};
use super::wire::tls::Tls;

/// Connections at once; further ones wait in the operating system's queue.
const MOST_CONNECTIONS: usize = 512;

/// How to listen.
#[derive(Debug, Clone)]
pub struct ListenConfig {
    /// Where; port 0 takes any free one.
    pub listen: SocketAddr,
    /// About encryption.
    pub encryption: EncryptionMode,
    /// Names and addresses, besides localhost, that the certificate is for.
    pub names: Vec<String>,
    /// Faults from the start.
    pub faults: Vec<Fault>,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            encryption: EncryptionMode::Optional,
            names: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be listened at.
    #[error("can't listen at {address}: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// No certificate could be made.
    #[error("can't make a certificate: {0}")]
    Certificate(#[from] openssl::error::ErrorStack),
}

/// A running server. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    faults: Faults,
    stop: CancellationToken,
    connections: TaskTracker,
    certificate: Option<Tls>,
}

impl Server {
    /// Listens, in the current tokio runtime.
    pub async fn start(backend: Arc<dyn Backend>, config: ListenConfig) -> Result<Self, StartError> {
        let at = config.listen;
        let listen = |cause| StartError::Listen { address: at, cause };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let tls = match config.encryption {
            EncryptionMode::NotSupported => None,
            _ => Some(Tls::self_signed(&config.names)?),
        };
        let faults = Faults::new();
        for fault in config.faults {
            faults.add(fault);
        }
        let stop = CancellationToken::new();
        let connections = TaskTracker::new();
        let host = Host {
            backend,
            tls: tls.clone(),
            encryption: config.encryption,
            faults: faults.clone(),
            stop: stop.clone(),
        };
        connections.spawn(accept(listener, host, connections.clone()));
        Ok(Self { address, faults, stop, connections, certificate: tls })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its faults, to be set and taken back while it runs.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Connections that are open or not yet cleaned up.
    pub fn connections(&self) -> usize {
        // The listener is one of the tracked tasks.
        self.connections.len().saturating_sub(1)
    }

    /// Its certificate in PEM; `None` without encryption.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_ref().map(Tls::certificate_pem)
    }

    /// Ends all connections, rolling back what they had open, and waits for them.
    pub async fn stop(self) {
        self.stop.cancel();
        self.faults.clear();
        self.connections.close();
        self.connections.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, host: Host, connections: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = host.stop.cancelled() => return,
        };
        match accepted {
            Ok((socket, peer)) => {
                let host = host.clone();
                // The listener itself is one of the tracked tasks.
                while connections.len() > MOST_CONNECTIONS {
                    tokio::select! {
                        () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
                        () = host.stop.cancelled() => return,
                    }
                }
                connections.spawn(async move {
                    if let Err(error) = connection::serve(host, socket, peer).await {
                        tracing::debug!(target: "pacrat::sandbox", %peer, %error, "connection ended");
                    }
                });
            }
            Err(error) => {
                // Out of descriptors, or a client that left at once: neither ends the server.
                tracing::debug!(target: "pacrat::sandbox", %error, "accept");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}
