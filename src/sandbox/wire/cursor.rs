//! Reading a message: a cursor whose every step is bounds-checked.

/// What is wrong with a message from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// It ends before what its lengths promise (error 4002).
    #[error("the stream ended unexpectedly")]
    Truncated,
    /// ALL_HEADERS (error 4009).
    #[error("the headers are wrong")]
    Headers,
    /// Five bytes that are no collation (error 4012).
    #[error("invalid collation")]
    Collation,
    /// A type this server does not take, with the type byte (error 8009).
    #[error("data type 0x{0:02X} is unknown")]
    Type(u8),
    /// A value outside its type.
    #[error("invalid value: {0}")]
    Value(&'static str),
    /// Anything else.
    #[error("{0}")]
    Other(&'static str),
}

/// Result of reading.
pub type Read<T> = Result<T, ProtocolError>;

/// A position in a message.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// From the message's first byte.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all is read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(ProtocolError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ProtocolError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// Little-endian.
    pub fn u16(&mut self) -> Read<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Little-endian.
    pub fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Little-endian.
    pub fn u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// B_VARCHAR: u8 characters, UTF-16LE.
    pub fn b_varchar(&mut self) -> Read<String> {
        let units = usize::from(self.u8()?);
        self.take(units * 2).map(utf16)
    }

    /// US_VARCHAR: u16 characters, UTF-16LE.
    pub fn us_varchar(&mut self) -> Read<String> {
        let units = usize::from(self.u16()?);
        self.take(units * 2).map(utf16)
    }
}

/// UTF-16LE; what is not valid becomes U+FFFD (names and SQL text only, never data).
pub fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
