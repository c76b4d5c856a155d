//! Requests: SQL batch, RPC, transaction manager. ALL_HEADERS stands before each.

use super::cursor::{Cursor, ProtocolError, Read, utf16};
use super::types::{self, Place};
use crate::sandbox::session::{Parameter, TransactionRequest};

/// Most parameters of an RPC.
const MOST_PARAMETERS: usize = 2100;

/// The procedures an RPC may name by number, from 1.
const WELL_KNOWN: [&str; 15] = [
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];

/// A call of a procedure.
#[derive(Debug, Clone)]
pub struct Rpc {
    /// Its name as sent, or of its number.
    pub procedure: String,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

/// Skips ALL_HEADERS, checking its lengths.
pub fn skip_headers(from: &mut Cursor<'_>) -> Read<()> {
    let total = from.u32()? as usize;
    let headers = total.checked_sub(4).ok_or(ProtocolError::Headers)?;
    let mut headers = Cursor::new(from.take(headers).map_err(|_| ProtocolError::Headers)?);
    while !headers.is_empty() {
        let length = headers.u32().map_err(|_| ProtocolError::Headers)? as usize;
        let rest = length.checked_sub(4).filter(|n| *n >= 2).ok_or(ProtocolError::Headers)?;
        headers.take(rest).map_err(|_| ProtocolError::Headers)?;
    }
    Ok(())
}

/// The text of a SQL batch.
pub fn batch(message: &[u8]) -> Read<String> {
    let mut from = Cursor::new(message);
    skip_headers(&mut from)?;
    if !from.rest().len().is_multiple_of(2) {
        return Err(ProtocolError::Truncated);
    }
    Ok(utf16(from.rest()))
}

/// The calls of an RPC message.
pub fn rpc(message: &[u8]) -> Read<Vec<Rpc>> {
    let mut from = Cursor::new(message);
    skip_headers(&mut from)?;
    let mut calls = Vec::new();
    loop {
        calls.push(one_call(&mut from)?);
        if from.is_empty() {
            return Ok(calls);
        }
    }
}

/// Between two calls: 0xFF (or 0xFE: do not execute).
fn is_separator(byte: u8) -> bool {
    matches!(byte, 0xFE | 0xFF)
}

fn one_call(from: &mut Cursor<'_>) -> Read<Rpc> {
    let procedure = match from.u16()? {
        0xFFFF => {
            let number = usize::from(from.u16()?);
            WELL_KNOWN
                .get(number.wrapping_sub(1))
                .map(|name| (*name).to_owned())
                .ok_or(ProtocolError::Other("the RPC name is invalid"))?
        }
        units => utf16(from.take(usize::from(units) * 2)?),
    };
    from.u16()?; // Options: recompile, no metadata, reuse metadata.
    let mut parameters = Vec::new();
    while !from.is_empty() {
        // A name has at most 128 characters: these bytes can only separate calls.
        if is_separator(from.rest()[0]) {
            from.u8()?;
            break;
        }
        if parameters.len() == MOST_PARAMETERS {
            return Err(ProtocolError::Other("too many parameters"));
        }
        let name = from.b_varchar()?;
        let status = from.u8()?;
        if status & 0x08 != 0 {
            return Err(ProtocolError::Other("encrypted parameters are not supported"));
        }
        let sent = types::read(from, Place::Parameter)?;
        let value = types::read_value(from, &sent)?;
        parameters.push(Parameter { name, output: status & 1 != 0, default: status & 2 != 0, ty: sent.ty, value });
    }
    Ok(Rpc { procedure, parameters })
}

/// A transaction manager request; `None` for the distributed ones, which are refused.
pub fn transaction(message: &[u8]) -> Read<Option<TransactionRequest>> {
    let mut from = Cursor::new(message);
    skip_headers(&mut from)?;
    let kind = from.u16()?;
    let begin = |from: &mut Cursor<'_>| -> Read<(u8, String)> { Ok((from.u8()?, name(from)?)) };
    Ok(Some(match kind {
        5 => {
            let (isolation, name) = begin(&mut from)?;
            TransactionRequest::Begin { isolation, name }
        }
        7 => {
            name(&mut from)?;
            let begin_next = if from.u8()? & 1 != 0 { Some(begin(&mut from)?) } else { None };
            TransactionRequest::Commit { begin_next }
        }
        8 => {
            let name = name(&mut from)?;
            let begin_next = if from.u8()? & 1 != 0 { Some(begin(&mut from)?) } else { None };
            TransactionRequest::Rollback { name, begin_next }
        }
        9 => TransactionRequest::Save { name: name(&mut from)? },
        _ => return Ok(None),
    }))
}

/// B_VARBYTE with UTF-16 inside: the length is in bytes.
fn name(from: &mut Cursor<'_>) -> Read<String> {
    let bytes = usize::from(from.u8()?);
    from.take(bytes).map(utf16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::value::{Base, Value};

    const HEADERS: [u8; 22] = [22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];

    fn utf16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn fact_01_a_batch_carries_headers_before_its_text() {
        let mut message = HEADERS.to_vec();
        message.extend(utf16le("SELECT 1 -- é😀"));
        assert_eq!(batch(&message).unwrap(), "SELECT 1 -- é😀");
        assert_eq!(batch(&message[..message.len() - 1]), Err(ProtocolError::Truncated));
        for bad in [&[3, 0, 0, 0][..], &[22, 0, 0, 0, 18], &[8, 0, 0, 0, 2, 0, 0, 0], &[0xFF; 8]] {
            assert_eq!(batch(bad), Err(ProtocolError::Headers), "{bad:?}");
        }
    }

    #[test]
    fn two_calls_in_one_message() {
        let mut message = HEADERS.to_vec();
        message.extend([0xFF, 0xFF, 10, 0, 0, 0]);
        message.extend([0, 0, 0xE7, 20, 0, 0x09, 0x04, 0xD0, 0, 0x34, 4, 0]);
        message.extend(utf16le("ab"));
        message.push(2);
        message.extend(utf16le("@p"));
        message.extend([1, 0x26, 4, 4, 5, 0, 0, 0]);
        message.push(0xFF);
        message.extend([3, 0]);
        message.extend(utf16le("foo"));
        message.extend([0, 0]);
        let calls = rpc(&message).unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].procedure, "sp_executesql");
        assert_eq!(calls[0].parameters[0].value, Value::NChar(utf16le("ab")[..].into()));
        assert_eq!(calls[0].parameters[1].name, "@p");
        assert!(calls[0].parameters[1].output);
        assert_eq!(calls[0].parameters[1].ty.base, Base::Int);
        assert_eq!((calls[1].procedure.as_str(), calls[1].parameters.len()), ("foo", 0));
        for end in HEADERS.len()..message.len() {
            // Cut anywhere it is an error or fewer calls, and never a panic.
            let _ = rpc(&message[..end]);
        }
    }

    #[test]
    fn transaction_requests() {
        let with = |rest: &[u8]| [&HEADERS[..], rest].concat();
        assert!(matches!(
            transaction(&with(&[5, 0, 2, 2, b'a', 0])),
            Ok(Some(TransactionRequest::Begin { isolation: 2, name })) if name == "a"
        ));
        assert!(matches!(
            transaction(&with(&[7, 0, 0, 1, 5, 0])),
            Ok(Some(TransactionRequest::Commit { begin_next: Some((5, _)) }))
        ));
        assert!(matches!(
            transaction(&with(&[8, 0, 0, 0])),
            Ok(Some(TransactionRequest::Rollback { begin_next: None, .. }))
        ));
        assert!(matches!(transaction(&with(&[0, 0])), Ok(None)), "no DTC");
        assert!(transaction(&with(&[5, 0, 2, 9, b'a'])).is_err());
    }
}
