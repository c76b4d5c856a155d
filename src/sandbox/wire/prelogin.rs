//! PRELOGIN: options of u8 token, u16 offset, u16 length (big-endian), then their data.

use super::cursor::{Cursor, ProtocolError, Read};

const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const THREAD: u8 = 3;
const MARS: u8 = 4;
const FEDERATED: u8 = 6;
const TERMINATOR: u8 = 0xFF;

/// What a side says of encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// 0: the login alone.
    Off,
    /// 1: all.
    On,
    /// 2: none.
    NotSupported,
    /// 3: all, or no connection.
    Required,
}

impl Encryption {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Off,
            1 => Self::On,
            2 => Self::NotSupported,
            3 => Self::Required,
            _ => return None,
        })
    }

    fn byte(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::On => 1,
            Self::NotSupported => 2,
            Self::Required => 3,
        }
    }
}

/// What the client said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prelogin {
    /// Its wish.
    pub encryption: Encryption,
    /// Whether it asked for MARS.
    pub mars: bool,
    /// Whether it told a federated authentication library.
    pub federated: bool,
}

/// Reads a client's PRELOGIN.
pub fn parse(message: &[u8]) -> Read<Prelogin> {
    let mut out = Prelogin { encryption: Encryption::NotSupported, mars: false, federated: false };
    let mut options = Cursor::new(message);
    loop {
        let token = options.u8()?;
        if token == TERMINATOR {
            return Ok(out);
        }
        let offset = usize::from(u16::from_be_bytes(options.array()?));
        let length = usize::from(u16::from_be_bytes(options.array()?));
        let data = message.get(offset..offset + length).ok_or(ProtocolError::Truncated)?;
        match (token, data.first()) {
            (ENCRYPTION, Some(byte)) => {
                // 0x80 asks for a client certificate; it is not looked at.
                out.encryption = Encryption::of(byte & 0x7F).ok_or(ProtocolError::Other("unknown encryption"))?;
            }
            (MARS, Some(byte)) => out.mars = *byte == 1,
            (FEDERATED, Some(byte)) => out.federated = *byte == 1,
            _ => {}
        }
    }
}

/// What the server says: its version, the settled encryption, no instance name, no MARS.
pub fn answer(version: (u8, u8, u16), encryption: Encryption, asked: &Prelogin) -> Vec<u8> {
    let (major, minor, build) = version;
    let [b0, b1] = build.to_be_bytes();
    let mut options: Vec<(u8, Vec<u8>)> = vec![
        (VERSION, vec![major, minor, b0, b1, 0, 0]),
        (ENCRYPTION, vec![encryption.byte()]),
        (INSTANCE, vec![0]),
        (THREAD, vec![]),
        (MARS, vec![0]),
    ];
    if asked.federated {
        options.push((FEDERATED, vec![0]));
    }
    let mut out = Vec::new();
    let mut offset = options.len() * 5 + 1;
    for (token, data) in &options {
        out.push(*token);
        out.extend_from_slice(&(offset as u16).to_be_bytes());
        out.extend_from_slice(&(data.len() as u16).to_be_bytes());
        offset += data.len();
    }
    out.push(TERMINATOR);
    for (_, data) in options {
        out.extend_from_slice(&data);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_reads_as_a_prelogin() {
        let asked = Prelogin { encryption: Encryption::On, mars: true, federated: true };
        let bytes = answer((15, 0, 4000), Encryption::On, &asked);
        let read = parse(&bytes).unwrap();
        assert_eq!(read, Prelogin { encryption: Encryption::On, mars: false, federated: false });
        let version = u16::from_be_bytes([bytes[1], bytes[2]]) as usize;
        assert_eq!(bytes[version..version + 6], [15, 0, 0x0F, 0xA0, 0, 0]);
    }

    #[test]
    fn offsets_outside_the_message_are_errors() {
        for bytes in [&[][..], &[1, 0], &[1, 0, 6, 0, 1], &[1, 0, 6, 0, 2, 0xFF, 1], &[1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]]
        {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
        assert!(parse(&[1, 0, 6, 0, 1, 0xFF, 9]).is_err(), "unknown encryption");
        assert_eq!(parse(&[0xFF]).unwrap().encryption, Encryption::NotSupported);
    }
}
