//! Code pages: the bytes of `char` and `varchar` columns ↔ the UTF-16 of the data stream. What does not map both ways
//! exactly is an error, never a question mark.
//!
//! Single-byte code pages (437, 850, 874, 1250 to 1258) and UTF-8 are converted here; the tables are those of
//! encoding_rs and of the driver's OEM pages. Of the double-byte ones (932, 936, 949, 950) the tables at hand differ
//! from the server's in the user-defined ranges, so for such columns the server converts, both ways, and what it keeps
//! of a load is compared with what was sent (see `super::kept`).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use mssql_tds::datatypes::sql_string::{EncodingType, ResolvedEncoding};
use mssql_tds::encoding_rs;
use mssql_tds::token::tokens::SqlCollation;

/// The code page of UTF-8 collations.
pub const UTF8: u16 = 65_001;

/// A code page that is converted here.
#[derive(Debug)]
pub enum CodePage {
    /// One byte a character.
    Single(Box<Table>),
    /// UTF-8.
    Utf8,
}

/// A single-byte code page.
#[derive(Debug)]
pub struct Table {
    encoding: ResolvedEncoding,
    to_unicode: [Option<u16>; 256],
    from_unicode: HashMap<u16, u8>,
}

/// Whether the server converts columns of that code page.
pub fn is_double_byte(code_page: u16) -> bool {
    matches!(code_page, 932 | 936 | 949 | 950)
}

/// The first character of a text that a double-byte code page surely does not have; nothing where none is found, which
/// proves nothing: the tables at hand are not the server's.
pub fn stranger(code_page: u16, utf16: &[u8]) -> Option<u32> {
    let encoding = match code_page {
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        _ => return None,
    };
    let units = utf16.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
    char::decode_utf16(units).find_map(|decoded| match decoded {
        Err(lone) => Some(u32::from(lone.unpaired_surrogate())),
        // Characters of the user's own: the servers' pages have places for many of them.
        Ok('\u{E000}'..='\u{F8FF}' | '\0'..='\u{A0}') => None,
        Ok(c) => {
            let (_, _, lacks) = encoding.encode(c.encode_utf8(&mut [0; 4]));
            lacks.then_some(u32::from(c))
        }
    })
}

/// A code page by its number; nothing for those that are not converted here.
pub fn find(code_page: u16) -> Option<Arc<CodePage>> {
    static KNOWN: LazyLock<Mutex<HashMap<u16, Arc<CodePage>>>> = LazyLock::new(Mutex::default);
    if code_page == UTF8 {
        return Some(Arc::new(CodePage::Utf8));
    }
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(page) = known.get(&code_page) {
        return Some(page.clone());
    }
    let page = Arc::new(CodePage::Single(Box::new(Table::of(single_byte(code_page)?))));
    known.insert(code_page, page.clone());
    Some(page)
}

fn single_byte(code_page: u16) -> Option<ResolvedEncoding> {
    Some(match code_page {
        437 => ResolvedEncoding::Oem437,
        850 => ResolvedEncoding::Oem850,
        874 => encoding_rs::WINDOWS_874.into(),
        1250 => encoding_rs::WINDOWS_1250.into(),
        1251 => encoding_rs::WINDOWS_1251.into(),
        1252 => encoding_rs::WINDOWS_1252.into(),
        1253 => encoding_rs::WINDOWS_1253.into(),
        1254 => encoding_rs::WINDOWS_1254.into(),
        1255 => encoding_rs::WINDOWS_1255.into(),
        1256 => encoding_rs::WINDOWS_1256.into(),
        1257 => encoding_rs::WINDOWS_1257.into(),
        1258 => encoding_rs::WINDOWS_1258.into(),
        _ => return None,
    })
}

impl Table {
    fn of(encoding: ResolvedEncoding) -> Self {
        let mut to_unicode = [None; 256];
        let mut from_unicode = HashMap::with_capacity(256);
        for byte in 0..=u8::MAX {
            let bytes = [byte];
            let (text, malformed) = encoding.decode_without_bom_handling(&bytes);
            let mut units = text.encode_utf16();
            if let (false, Some(unit), None) = (malformed, units.next(), units.next()) {
                to_unicode[usize::from(byte)] = Some(unit);
                from_unicode.entry(unit).or_insert(byte);
            }
        }
        Self { encoding, to_unicode, from_unicode }
    }
}

impl CodePage {
    /// Whether a collation, as the wire names it, has this code page.
    pub fn is_of(&self, collation: SqlCollation) -> bool {
        match self {
            Self::Utf8 => collation.utf8(),
            Self::Single(table) => {
                !collation.utf8() && EncodingType::LcidBased(collation).resolved_encoding() == Some(table.encoding)
            }
        }
    }

    /// Appends bytes of the code page as UTF-16LE; says which byte has no character.
    pub fn decode(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Single(table) => {
                out.reserve(bytes.len() * 2);
                for (at, byte) in bytes.iter().enumerate() {
                    match table.to_unicode[usize::from(*byte)] {
                        Some(unit) => out.extend_from_slice(&unit.to_le_bytes()),
                        None => return Err(format!("byte {byte:#04X} at {at} is no character of its code page")),
                    }
                }
                Ok(())
            }
            Self::Utf8 => {
                let text =
                    std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8 from byte {} on", e.valid_up_to()))?;
                out.reserve(bytes.len() * 2);
                for unit in text.encode_utf16() {
                    out.extend_from_slice(&unit.to_le_bytes());
                }
                Ok(())
            }
        }
    }

    /// Appends a piece of a larger value as UTF-16LE. `carry` holds the bytes of a character cut in two, from one piece
    /// to the next; after the last it must be empty.
    pub fn decode_piece(&self, bytes: &[u8], carry: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), String> {
        if matches!(self, Self::Single(_)) {
            return self.decode(bytes, out);
        }
        let joined;
        let bytes = if carry.is_empty() {
            bytes
        } else {
            joined = [carry.as_slice(), bytes].concat();
            &joined
        };
        let whole = match std::str::from_utf8(bytes) {
            // No error length: what is there is the beginning of a character.
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            _ => bytes.len(),
        };
        self.decode(&bytes[..whole], out)?;
        *carry = bytes[whole..].to_vec();
        Ok(())
    }

    /// The bytes of UTF-16LE that so many bytes become, where that is known without looking at them.
    pub fn decoded_length(&self, bytes: u64) -> Option<u64> {
        match self {
            Self::Single(_) => bytes.checked_mul(2),
            Self::Utf8 => None,
        }
    }

    /// The bytes of the code page that so many bytes of UTF-16LE become, where that is known without looking at them.
    pub fn encoded_length(&self, utf16: u64) -> Option<u64> {
        match self {
            Self::Single(_) => utf16.is_multiple_of(2).then_some(utf16 / 2),
            Self::Utf8 => None,
        }
    }

    /// Appends UTF-16LE as bytes of the code page; says which character it does not have. `half` carries the first
    /// half of a surrogate pair from one piece of a value to the next.
    pub fn encode(&self, utf16: &[u8], half: &mut Option<u16>, out: &mut Vec<u8>) -> Result<(), String> {
        let units = utf16.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
        match self {
            Self::Single(table) => {
                out.reserve(utf16.len() / 2);
                for unit in units {
                    match table.from_unicode.get(&unit) {
                        Some(byte) => out.push(*byte),
                        None => return Err(format!("U+{unit:04X} is no character of the column's code page")),
                    }
                }
            }
            Self::Utf8 => {
                for unit in units {
                    let decoded = match half.take() {
                        Some(first) => char::decode_utf16([first, unit]).next(),
                        None if (0xD800..0xDC00).contains(&unit) => {
                            *half = Some(unit);
                            continue;
                        }
                        None => char::decode_utf16([unit]).next(),
                    };
                    let Some(Ok(character)) = decoded else {
                        return Err("half a surrogate pair, which UTF-8 cannot hold".into());
                    };
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SINGLE: [u16; 12] = [437, 850, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258];

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn every_byte_that_is_a_character_comes_back() {
        for number in SINGLE {
            let page = find(number).unwrap();
            let mut characters = 0;
            for byte in 0..=u8::MAX {
                let (mut text, mut back) = (Vec::new(), Vec::new());
                if page.decode(&[byte], &mut text).is_ok() {
                    page.encode(&text, &mut None, &mut back).unwrap();
                    assert_eq!(back, [byte], "code page {number}, byte {byte:#04x}");
                    characters += 1;
                }
            }
            assert!(characters >= 200, "code page {number} has {characters} characters only");
        }
    }

    #[test]
    fn known_characters() {
        for (number, byte, character) in [
            (1252, 0x80, '€'),
            (874, 0xA1, 'ก'),
            (1254, 0xFE, 'ş'),
            (1251, 0xFF, 'я'),
            (437, 0x9B, '¢'),
            (850, 0xD5, 'ı'),
        ] {
            let mut text = Vec::new();
            find(number).unwrap().decode(&[byte], &mut text).unwrap();
            assert_eq!(text, utf16(&character.to_string()), "code page {number}");
        }
    }

    #[test]
    fn what_does_not_map_is_an_error() {
        let page = find(1252).unwrap();
        let error = page.encode(&utf16("日"), &mut None, &mut Vec::new()).unwrap_err();
        assert!(error.contains("U+65E5"), "{error}");
        let error = find(1253).unwrap().decode(&[b'a', 0xAA], &mut Vec::new()).unwrap_err();
        assert!(error.contains("0xAA at 1"), "{error}");
        // Fact 27: a UTF-8 column can hold what is not UTF-8.
        assert!(find(UTF8).unwrap().decode(&[0xED, 0xA0, 0x80], &mut Vec::new()).is_err());
        let mut carry = Vec::new();
        find(UTF8).unwrap().decode_piece(&[0xED], &mut carry, &mut Vec::new()).unwrap();
        assert_eq!(carry, [0xED]);
        assert!(find(UTF8).unwrap().decode_piece(&[0xA0, 0x80], &mut carry, &mut Vec::new()).is_err());
        assert!(find(932).is_none() && is_double_byte(932) && !is_double_byte(1252));
        assert_eq!(stranger(932, &utf16("漢字 ?\u{E000}")), None);
        assert_eq!(stranger(932, &utf16("漢ก")), Some(0xE01));
        assert_eq!(stranger(949, &[0x3E, 0xD8]), Some(0xD83E));
        assert!(find(1).is_none());
    }

    proptest! {
        #[test]
        fn utf8_goes_both_ways_in_any_pieces(text in "\\PC{0,40}", cut in 0usize..80) {
            let page = find(UTF8).unwrap();
            let mut units = Vec::new();
            page.decode(text.as_bytes(), &mut units).unwrap();
            prop_assert_eq!(&units, &utf16(&text));
            let (mut pieces, mut carry) = (Vec::new(), Vec::new());
            for piece in text.as_bytes().chunks(cut % 5 + 1) {
                page.decode_piece(piece, &mut carry, &mut pieces).unwrap();
            }
            prop_assert!(carry.is_empty());
            prop_assert_eq!(&pieces, &units);
            let cut = cut.min(units.len()) & !1;
            let (mut back, mut half) = (Vec::new(), None);
            page.encode(&units[..cut], &mut half, &mut back).unwrap();
            page.encode(&units[cut..], &mut half, &mut back).unwrap();
            prop_assert!(half.is_none());
            prop_assert_eq!(back, text.as_bytes());
        }
    }
}
