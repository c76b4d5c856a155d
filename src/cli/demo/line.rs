//! A line of a given speed between pacrat and a sandbox: the bytes are real, only their pace is that of a slow network,
//! so that progress can be watched.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Bytes moved at once.
const PIECE: usize = 16 * 1024;

/// When the line is free again: shared by all connections of a server, both ways.
#[derive(Debug)]
struct Pace {
    bytes_per_second: f64,
    free: Mutex<Instant>,
}

impl Pace {
    /// Waits for the line's turn to carry so many bytes.
    async fn carry(&self, bytes: usize) {
        let until = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*free).max(Instant::now());
            *free = start + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
            *free
        };
        tokio::time::sleep_until(until).await;
    }
}

/// A line that carries until it is dropped.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Line {
    /// Lays a line to a server.
    pub async fn lay(to: SocketAddr, bytes_per_second: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let pace =
            Arc::new(Pace { bytes_per_second: bytes_per_second.max(1) as f64, free: Mutex::new(Instant::now()) });
        let stopped = stop.clone();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stopped.cancelled() => return,
                };
                if let Ok((near, _)) = accepted {
                    let (pace, stopped) = (pace.clone(), stopped.clone());
                    tokio::spawn(async move {
                        tokio::select! {
                            _ = connect(near, to, &pace) => {}
                            () = stopped.cancelled() => {}
                        }
                    });
                }
            }
        });
        Ok(Self { address, stop })
    }

    /// Where its near end is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Carries one connection, both ways. When either side ends, the line is cut: a client that is gone must be seen to be
/// gone at the other end.
async fn connect(near: TcpStream, to: SocketAddr, pace: &Pace) -> io::Result<()> {
    let far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    tokio::select! {
        ended = carry(&mut near_in, &mut far_out, pace) => ended,
        ended = carry(&mut far_in, &mut near_out, pace) => ended,
    }
}

async fn carry(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    pace: &Pace,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let n = from.read(&mut piece).await?;
        if n == 0 {
            return Ok(());
        }
        pace.carry(n).await;
        to.write_all(&piece[..n]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_carries_every_byte_at_its_pace_and_is_cut_with_its_end() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let line = Line::lay(server.local_addr().unwrap(), 200_000).await.unwrap();
        let mut client = TcpStream::connect(line.address()).await.unwrap();
        let (mut far, _) = server.accept().await.unwrap();
        let sent: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let began = Instant::now();
        let writer = tokio::spawn({
            let sent = sent.clone();
            async move {
                client.write_all(&sent).await.unwrap();
                client
            }
        });
        let mut got = vec![0; sent.len()];
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(got, sent);
        let took = began.elapsed();
        assert!(took > Duration::from_millis(350) && took < Duration::from_secs(10), "{took:?}");
        let client = writer.await.unwrap();
        drop(client);
        assert_eq!(far.read(&mut [0; 8]).await.unwrap_or(0), 0);
    }
}
