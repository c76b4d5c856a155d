//! The eight bytes before every packet: type, status, length (big-endian), spid (big-endian), packet id, window.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a header.
pub const HEADER: usize = 8;
/// Packet size before the login has settled another.
pub const DEFAULT_SIZE: usize = 4096;
/// Smallest and largest that can be settled.
pub const SIZES: std::ops::RangeInclusive<usize> = 512..=32767;

/// Packet types a client sends, and the one it gets.
#[allow(missing_docs)]
pub mod kind {
    pub const BATCH: u8 = 1;
    pub const RPC: u8 = 3;
    pub const RESPONSE: u8 = 4;
    pub const ATTENTION: u8 = 6;
    pub const BULK: u8 = 7;
    pub const TRANSACTION: u8 = 14;
    pub const LOGIN7: u8 = 16;
    pub const SSPI: u8 = 17;
    pub const PRELOGIN: u8 = 18;
}

/// Status bits.
#[allow(missing_docs)]
pub mod status {
    pub const END: u8 = 0x01;
    pub const IGNORE: u8 = 0x02;
    pub const RESET: u8 = 0x08;
    pub const RESET_SKIP_TRAN: u8 = 0x10;
}

/// A packet header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// See [`kind`].
    pub kind: u8,
    /// See [`status`].
    pub status: u8,
    /// Bytes of the packet, the header included.
    pub length: u16,
}

impl Header {
    /// Reads the eight bytes. `None` if the length is shorter than the header.
    pub fn parse(bytes: [u8; HEADER]) -> Option<Self> {
        let length = u16::from_be_bytes([bytes[2], bytes[3]]);
        (usize::from(length) >= HEADER).then_some(Self { kind: bytes[0], status: bytes[1], length })
    }

    /// Bytes after the header.
    pub fn payload(self) -> usize {
        usize::from(self.length) - HEADER
    }

    /// Whether the message ends here.
    pub fn is_end(self) -> bool {
        self.status & status::END != 0
    }
}

/// The bytes of a header.
pub fn header(kind: u8, status: u8, length: usize, spid: u16, id: u8) -> [u8; HEADER] {
    let [l0, l1] = (length as u16).to_be_bytes();
    let [s0, s1] = spid.to_be_bytes();
    [kind, status, l0, l1, s0, s1, id, 0]
}

/// Reads one packet and appends its payload. `None` at a clean end of the connection.
///
/// `largest` is the settled packet size: a longer packet is refused, so that nobody makes the server wait for 64 KiB.
pub async fn read<R: AsyncRead + Unpin + ?Sized>(
    from: &mut R,
    largest: usize,
    into: &mut Vec<u8>,
) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER];
    let mut have = 0;
    while have < HEADER {
        match from.read(&mut bytes[have..]).await? {
            0 if have == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => have += n,
        }
    }
    let header = Header::parse(bytes)
        .filter(|header| usize::from(header.length) <= largest)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "packet length"))?;
    let at = into.len();
    into.resize(at + header.payload(), 0);
    from.read_exact(&mut into[at..]).await?;
    Ok(Some(header))
}

/// A whole message of a few packets (prelogin, login): its type and payload, at most `limit` bytes.
pub async fn read_message<R: AsyncRead + Unpin + ?Sized>(
    from: &mut R,
    largest: usize,
    limit: usize,
) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut payload = Vec::new();
    loop {
        let Some(header) = read(from, largest, &mut payload).await? else { return Ok(None) };
        if payload.len() > limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
        }
        if header.is_end() {
            return Ok(Some((header.kind, payload)));
        }
    }
}

/// A message split into packets.
pub fn frame(kind: u8, payload: &[u8], size: usize, spid: u16) -> Vec<u8> {
    let room = size - HEADER;
    let mut out = Vec::with_capacity(payload.len() + HEADER * (payload.len() / room + 1));
    let mut chunks = payload.chunks(room).peekable();
    let mut id = 1u8;
    if chunks.peek().is_none() {
        out.extend_from_slice(&header(kind, status::END, HEADER, spid, id));
    }
    while let Some(chunk) = chunks.next() {
        let status = if chunks.peek().is_none() { status::END } else { 0 };
        out.extend_from_slice(&header(kind, status, chunk.len() + HEADER, spid, id));
        out.extend_from_slice(chunk);
        id = id.wrapping_add(1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_split_in_packets_comes_back() {
        let payload: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        for size in [512, 4096, 32767] {
            let bytes = frame(kind::BATCH, &payload, size, 51);
            let read = read_message(&mut &bytes[..], size, 10_000).await.unwrap();
            assert_eq!(read, Some((kind::BATCH, payload.clone())));
            assert!(read_message(&mut &bytes[..], size, 9_999).await.is_err(), "the limit holds");
        }
        assert_eq!(frame(kind::RESPONSE, &[], 4096, 57)[..], [4, 1, 0, 8, 0, 57, 1, 0]);
    }

    #[tokio::test]
    async fn lengths_that_lie_are_errors() {
        let short = [kind::BATCH, 1, 0, 7, 0, 0, 1, 0];
        let long = [kind::BATCH, 1, 0xFF, 0xFF, 0, 0, 1, 0];
        let cut = [kind::BATCH, 1, 0, 12, 0, 0, 1, 0, 1];
        for bytes in [&short[..], &long, &cut, &cut[..5]] {
            assert!(read_message(&mut &bytes[..], 4096, 1000).await.is_err(), "{bytes:?}");
        }
        assert_eq!(read_message(&mut &[][..], 4096, 1000).await.unwrap(), None);
    }
}
