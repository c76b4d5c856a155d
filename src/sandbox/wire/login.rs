//! LOGIN7: a fixed part with offsets into what follows, every one checked; and its feature extensions.

use super::cursor::{Cursor, ProtocolError, Read, utf16};

/// Longest LOGIN7 that is taken.
pub const LONGEST: usize = 128 * 1024;

const FIXED: usize = 94;
/// Bit of OptionFlags3: the Extension field is used.
const EXTENSION: u8 = 0x10;
/// Bit of OptionFlags2: Windows authentication.
const INTEGRATED: u8 = 0x80;
/// Bit of TypeFlags.
const READ_ONLY_INTENT: u8 = 0x20;

/// Feature ids.
#[allow(missing_docs)]
pub mod feature {
    pub const FEDAUTH: u8 = 0x02;
    pub const UTF8: u8 = 0x0A;
}

/// What a client asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// As `0x7400_0004`.
    pub version: u32,
    /// 0: the server's default.
    pub packet_size: u32,
    /// The client's process id.
    pub client_pid: u32,
    /// Windows authentication (refused).
    pub integrated: bool,
    /// ApplicationIntent=ReadOnly.
    pub read_only_intent: bool,
    /// `host_name`.
    pub host: String,
    /// SQL login.
    pub user: String,
    /// Clear.
    pub password: String,
    /// `program_name`.
    pub application: String,
    /// The client library's name.
    pub library: String,
    /// Or empty.
    pub language: String,
    /// Or empty.
    pub database: String,
    /// Ids of the features asked for; `None` when the client sent no extension.
    pub features: Option<Vec<u8>>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("version", &format_args!("{:#010x}", self.version))
            .field("user", &self.user)
            .field("application", &self.application)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Reads a LOGIN7 message.
pub fn parse(message: &[u8]) -> Read<Login> {
    let mut fixed = Cursor::new(message.get(..FIXED).ok_or(ProtocolError::Truncated)?);
    let length = fixed.u32()? as usize;
    // The length may say less than was sent, never more.
    let message = message.get(..length).ok_or(ProtocolError::Truncated)?;
    if length < FIXED {
        return Err(ProtocolError::Truncated);
    }
    let version = fixed.u32()?;
    let packet_size = fixed.u32()?;
    let _client_version = fixed.u32()?;
    let client_pid = fixed.u32()?;
    let _connection = fixed.u32()?;
    let [_flags1, flags2, type_flags, flags3] = fixed.array()?;
    let _time_zone_and_lcid: [u8; 8] = fixed.array()?;

    let field = |fixed: &mut Cursor<'_>| -> Read<&[u8]> {
        let offset = usize::from(fixed.u16()?);
        let units = usize::from(fixed.u16()?);
        // An empty field may carry any offset.
        if units == 0 {
            return Ok(&[]);
        }
        message.get(offset..offset + units * 2).ok_or(ProtocolError::Truncated)
    };
    let host = utf16(field(&mut fixed)?);
    let user = utf16(field(&mut fixed)?);
    let password = field(&mut fixed)?;
    let application = utf16(field(&mut fixed)?);
    let _server = field(&mut fixed)?;
    let (extension_at, extension_length) = (usize::from(fixed.u16()?), usize::from(fixed.u16()?));
    let library = utf16(field(&mut fixed)?);
    let language = utf16(field(&mut fixed)?);
    let database = utf16(field(&mut fixed)?);

    let mut features = None;
    if flags3 & EXTENSION != 0 && extension_length >= 4 {
        let pointer = message.get(extension_at..extension_at + 4).ok_or(ProtocolError::Truncated)?;
        let at = Cursor::new(pointer).u32()? as usize;
        features = Some(parse_features(message.get(at..).ok_or(ProtocolError::Truncated)?)?);
    }
    Ok(Login {
        version,
        packet_size,
        client_pid,
        integrated: flags2 & INTEGRATED != 0,
        read_only_intent: type_flags & READ_ONLY_INTENT != 0,
        host,
        user,
        password: utf16(&unmangle(password)),
        application,
        library,
        language,
        database,
        features,
    })
}

fn parse_features(bytes: &[u8]) -> Read<Vec<u8>> {
    let mut cursor = Cursor::new(bytes);
    let mut ids = Vec::new();
    loop {
        let id = cursor.u8()?;
        if id == 0xFF {
            return Ok(ids);
        }
        let length = cursor.u32()? as usize;
        cursor.take(length)?;
        ids.push(id);
    }
}

/// Passwords travel with every byte's halves swapped, xor 0xA5.
fn unmangle(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| (byte ^ 0xA5).rotate_left(4)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(extension: &[u8]) -> Vec<u8> {
        let texts = ["host", "sa", "p@ß", "app", "server", "", "lib", "", "db"];
        let mut fixed = vec![0; 36];
        fixed[4..8].copy_from_slice(&0x7400_0004u32.to_le_bytes());
        fixed[8..12].copy_from_slice(&8000u32.to_le_bytes());
        fixed[27] = if extension.is_empty() { 0 } else { EXTENSION };
        let mut data = Vec::new();
        let mut extension_at = 0;
        for (index, text) in texts.iter().enumerate() {
            let at = FIXED + data.len();
            fixed.extend_from_slice(&(at as u16).to_le_bytes());
            if index == 5 {
                fixed.extend_from_slice(&4u16.to_le_bytes());
                extension_at = data.len();
                data.extend_from_slice(&[0; 4]);
                continue;
            }
            let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            fixed.extend_from_slice(&((bytes.len() / 2) as u16).to_le_bytes());
            if index == 2 {
                bytes.iter_mut().for_each(|byte| *byte = byte.rotate_left(4) ^ 0xA5);
            }
            data.extend_from_slice(&bytes);
        }
        let features_at = (FIXED + data.len()) as u32;
        data[extension_at..extension_at + 4].copy_from_slice(&features_at.to_le_bytes());
        fixed.resize(FIXED, 0);
        fixed.extend_from_slice(&data);
        fixed.extend_from_slice(extension);
        let length = fixed.len() as u32;
        fixed[..4].copy_from_slice(&length.to_le_bytes());
        fixed
    }

    #[test]
    fn a_login_is_read() {
        let login = parse(&message(&[0x0A, 0, 0, 0, 0, 0x01, 1, 0, 0, 0, 9, 0xFF])).unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("sa", "p@ß"));
        assert_eq!((login.host.as_str(), login.application.as_str()), ("host", "app"));
        assert_eq!((login.library.as_str(), login.database.as_str()), ("lib", "db"));
        assert_eq!((login.version, login.packet_size), (0x7400_0004, 8000));
        assert_eq!(login.features, Some(vec![feature::UTF8, 1]));
        assert_eq!(parse(&message(&[])).unwrap().features, None);
        assert!(!format!("{login:?}").contains("p@ß"), "the password does not show");
    }

    #[test]
    fn hostile_offsets_are_errors() {
        let good = message(&[0xFF]);
        for end in 0..good.len() {
            assert!(parse(&good[..end]).is_err());
        }
        for at in (36..72).chain(0..4) {
            let mut bad = good.clone();
            bad[at] = 0xFF;
            let _ = parse(&bad);
        }
        let mut endless = message(&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        let length = endless.len() as u32;
        endless[..4].copy_from_slice(&length.to_le_bytes());
        assert_eq!(parse(&endless), Err(ProtocolError::Truncated));
    }
}
