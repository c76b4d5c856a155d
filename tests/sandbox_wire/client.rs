//! A client that knows packets and hardly more.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub const PASSWORD: &str = "p@ssw0rd;é";

pub struct Client {
    pub socket: TcpStream,
    pub size: usize,
}

/// A message and the type of its packets.
pub fn packets(kind: u8, status: u8, payload: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let chunks: Vec<&[u8]> = if payload.is_empty() { vec![&[]] } else { payload.chunks(size - 8).collect() };
    for (index, chunk) in chunks.iter().enumerate() {
        let end = u8::from(index + 1 == chunks.len());
        let first = if index == 0 { status & !2 } else { 0 };
        let last = if end == 1 { status & 2 } else { 0 };
        let [a, b] = ((chunk.len() + 8) as u16).to_be_bytes();
        out.extend_from_slice(&[kind, end | first | last, a, b, 0, 0, (index + 1) as u8, 0]);
        out.extend_from_slice(chunk);
    }
    out
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// ALL_HEADERS with the transaction descriptor.
pub fn headers() -> Vec<u8> {
    vec![22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
}

pub fn login7(user: &str, password: &str, database: &str, packet_size: u32, features: Option<&[u8]>) -> Vec<u8> {
    let texts = ["host", user, password, "tests", "server", "", "raw", "", database];
    let mut fixed = vec![0u8; 36];
    fixed[4..8].copy_from_slice(&0x7400_0004u32.to_le_bytes());
    fixed[8..12].copy_from_slice(&packet_size.to_le_bytes());
    fixed[27] = if features.is_some() { 0x10 } else { 0 };
    let mut data = Vec::new();
    let mut pointer = 0;
    for (index, text) in texts.iter().enumerate() {
        fixed.extend_from_slice(&((94 + data.len()) as u16).to_le_bytes());
        if index == 5 && features.is_some() {
            fixed.extend_from_slice(&[4, 0]);
            pointer = data.len();
            data.extend_from_slice(&[0; 4]);
            continue;
        }
        let mut bytes = utf16(text);
        fixed.extend_from_slice(&((bytes.len() / 2) as u16).to_le_bytes());
        if index == 2 {
            bytes.iter_mut().for_each(|byte| *byte = byte.rotate_left(4) ^ 0xA5);
        }
        data.extend_from_slice(&bytes);
    }
    if let Some(features) = features {
        let at = (94 + data.len()) as u32;
        data[pointer..pointer + 4].copy_from_slice(&at.to_le_bytes());
        data.extend_from_slice(features);
    }
    fixed.resize(94, 0);
    fixed.extend_from_slice(&data);
    let length = fixed.len() as u32;
    fixed[..4].copy_from_slice(&length.to_le_bytes());
    fixed
}

impl Client {
    /// Connects and sends a prelogin without encryption; its answer is read.
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = Self { socket, size: 4096 };
        client.send(18, &[1, 0, 6, 0, 1, 0xFF, 2]);
        let (kind, answer) = client.receive().unwrap();
        assert_eq!(kind, 4);
        assert_eq!(answer[0], 0, "VERSION comes first");
        client
    }

    /// Logged in as sa.
    pub fn login(address: SocketAddr) -> Self {
        let mut client = Self::connect(address);
        let answer = client.log_in("sa", PASSWORD, "", 0, None);
        assert!(answer.ends_with(&[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "{answer:02x?}");
        client
    }

    pub fn log_in(
        &mut self,
        user: &str,
        password: &str,
        database: &str,
        size: u32,
        features: Option<&[u8]>,
    ) -> Vec<u8> {
        self.send(16, &login7(user, password, database, size, features));
        let answer = self.receive().unwrap().1;
        if size != 0 {
            self.size = size as usize;
        }
        answer
    }

    pub fn send(&mut self, kind: u8, payload: &[u8]) {
        self.send_with(kind, 0, payload);
    }

    /// With more status bits: of the first packet (reset), of the last (2, ignore).
    pub fn send_with(&mut self, kind: u8, status: u8, payload: &[u8]) {
        self.socket.write_all(&packets(kind, status, payload, self.size)).unwrap();
    }

    /// A message; `None` once the server has closed.
    pub fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut payload = Vec::new();
        loop {
            let mut header = [0; 8];
            if let Err(error) = self.socket.read_exact(&mut header) {
                assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "the server does not answer");
                return None;
            }
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            assert!(length <= self.size.max(4096), "a packet of {length} bytes");
            let at = payload.len();
            payload.resize(at + length - 8, 0);
            if self.socket.read_exact(&mut payload[at..]).is_err() {
                return None;
            }
            if header[1] & 1 != 0 {
                return Some((header[0], payload));
            }
        }
    }

    pub fn send_batch(&mut self, sql: &str) {
        let payload = [headers(), utf16(sql)].concat();
        self.send(1, &payload);
    }

    /// A batch and its answer.
    pub fn batch(&mut self, sql: &str) -> Vec<u8> {
        self.send_batch(sql);
        self.receive().unwrap_or_else(|| panic!("no answer to {sql}")).1
    }

    /// The server has closed.
    pub fn is_closed(&mut self) -> bool {
        self.receive().is_none()
    }
}

/// DONE as bytes.
pub fn done(token: u8, status: u16, command: u16, rows: u64) -> Vec<u8> {
    let mut out = vec![token];
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(&command.to_le_bytes());
    out.extend_from_slice(&rows.to_le_bytes());
    out
}

/// ERROR or INFO as bytes.
pub fn message(number: i32, state: u8, class: u8, text: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend_from_slice(&[state, class]);
    let text = utf16(text);
    body.extend_from_slice(&((text.len() / 2) as u16).to_le_bytes());
    body.extend_from_slice(&text);
    body.push(7);
    body.extend_from_slice(&utf16("sandbox"));
    body.push(0);
    body.extend_from_slice(&1u32.to_le_bytes());
    let mut out = vec![if class > 10 { 0xAA } else { 0xAB }];
    out.extend_from_slice(&(body.len() as u16).to_le_bytes());
    out.extend_from_slice(&body);
    out
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
