//! Characters: code pages, and how collations compare and order.
//!
//! Assumption: the order of characters is letters after digits after signs, letters by their base letter, then accents,
//! then case. Windows' own weights are finer; which strings are *equal* is what keys and joins depend on, and is kept:
//! case, accents and width as the collation's name says, trailing blanks ignored, supplementary characters without
//! weight before `_SC` and version 100 collations (fact 89).

use crate::sandbox::value::{Collation, Value};

/// The encoding of a Windows code page; windows-1252 stands in where there is none.
pub fn encoding(code_page: u16) -> &'static encoding_rs::Encoding {
    use encoding_rs::*;
    match code_page {
        874 => WINDOWS_874,
        932 => SHIFT_JIS,
        936 => GBK,
        949 => EUC_KR,
        950 => BIG5,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        65001 => UTF_8,
        _ => WINDOWS_1252,
    }
}

/// The code page of a collation, or 1252.
pub fn code_page(collation: Option<&Collation>) -> u16 {
    collation.map_or(1252, |c| if c.code_page == 0 { 1252 } else { c.code_page })
}

/// Bytes of a code page as text.
pub fn decode(bytes: &[u8], code_page: u16) -> String {
    if bytes.is_ascii() {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    encoding(code_page).decode_without_bom_handling(bytes).0.into_owned()
}

/// Text in a code page; what it lacks becomes `?`.
pub fn encode(text: &str, code_page: u16) -> Vec<u8> {
    if text.is_ascii() || code_page == 65001 {
        return text.as_bytes().to_vec();
    }
    let encoding = encoding(code_page);
    let mut out = Vec::with_capacity(text.len());
    let mut buffer = [0u8; 4];
    for c in text.chars() {
        let (bytes, _, bad) = encoding.encode(c.encode_utf8(&mut buffer));
        if bad { out.push(b'?') } else { out.extend_from_slice(&bytes) }
    }
    out
}

/// UTF-16LE bytes as code units.
pub fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|p| u16::from_le_bytes([p[0], p[1]])).collect()
}

/// Code units as UTF-16LE bytes.
pub fn unit_bytes(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|u| u.to_le_bytes()).collect()
}

/// Text as UTF-16LE bytes.
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// UTF-16LE bytes as text; lone surrogates become U+FFFD.
pub fn from_utf16(bytes: &[u8]) -> String {
    String::from_utf16_lossy(&units(bytes))
}

/// An nvarchar value.
pub fn wide(text: &str) -> Value {
    Value::NChar(utf16(text).into())
}

/// The text of a character value.
pub fn text_of(value: &Value, collation: Option<&Collation>) -> String {
    match value {
        Value::Char(b) => decode(b, code_page(collation)),
        Value::NChar(b) => from_utf16(b),
        _ => String::new(),
    }
}

/// Base letter and accent of a Latin letter (lower case), or the character itself and 0.
fn base_letter(c: char) -> (char, u8) {
    const TABLE: &[(&str, char)] = &[
        ("àáâãäåāăąǎǟǡǻȁȃȧạảấầẩẫậắằẳẵặ", 'a'),
        ("çćĉċč", 'c'),
        ("ďđ", 'd'),
        ("èéêëēĕėęěȅȇȩẹẻẽếềểễệ", 'e'),
        ("ĝğġģǧǵ", 'g'),
        ("ĥħȟ", 'h'),
        ("ìíîïĩīĭįǐȉȋỉị", 'i'),
        ("ĵǰ", 'j'),
        ("ķǩ", 'k'),
        ("ĺļľŀł", 'l'),
        ("ñńņňǹ", 'n'),
        ("òóôõöøōŏőǒǫǭȍȏȫȭȯȱọỏốồổỗộớờởỡợơ", 'o'),
        ("ŕŗřȑȓ", 'r'),
        ("śŝşšș", 's'),
        ("ţťŧț", 't'),
        ("ùúûüũūŭůűųǔǖǘǚǜȕȗụủứừửữựư", 'u'),
        ("ŵẁẃẅ", 'w'),
        ("ýÿŷȳỳỵỷỹ", 'y'),
        ("źżžẑ", 'z'),
    ];
    // Letters with a stroke are letters of their own, not accents.
    if c.is_ascii() || matches!(c, 'đ' | 'ħ' | 'ł' | 'ø' | 'ŧ') {
        return (c, 0);
    }
    for (accented, base) in TABLE {
        if let Some(at) = accented.chars().position(|a| a == c) {
            return (*base, at as u8 + 1);
        }
    }
    (c, 0)
}

fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut l = c.to_lowercase();
    match (l.next(), l.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn primary(c: char) -> [u8; 4] {
    let class: u8 = if c.is_alphabetic() {
        4
    } else if c.is_numeric() {
        3
    } else if c == ' ' || c == '\u{a0}' {
        1
    } else {
        2
    };
    let n = c as u32;
    [class, (n >> 16) as u8 + 1, (n >> 8) as u8, n as u8]
}

/// The weights of character data under a collation: two values are equal under it exactly when these are, and are
/// ordered as these are.
pub fn sort_key(value: &Value, collation: Option<&Collation>) -> Vec<u8> {
    let mut out = Vec::new();
    push_sort_key(&mut out, value, collation);
    out
}

/// [`sort_key`] into a buffer.
pub fn push_sort_key(out: &mut Vec<u8>, value: &Value, collation: Option<&Collation>) {
    let binary = collation.is_some_and(|c| c.binary);
    if binary {
        match value {
            Value::Char(b) => {
                let end = b.iter().rposition(|x| *x != b' ').map_or(0, |p| p + 1);
                out.extend_from_slice(&b[..end]);
            }
            Value::NChar(b) => {
                let mut u = units(b);
                while u.last() == Some(&32) {
                    u.pop();
                }
                out.extend(u.iter().flat_map(|x| x.to_be_bytes()));
            }
            _ => {}
        }
        return;
    }
    let ignore_case = collation.is_none_or(|c| c.ignore_case);
    let ignore_accent = collation.is_some_and(|c| c.ignore_accent);
    // The SQL_ collations weigh varchar by their own tables, without expansions.
    let expand = !(matches!(value, Value::Char(_)) && collation.is_some_and(|c| c.name.starts_with("SQL_")));
    let wide_matters = collation.is_some_and(|c| c.name.contains("_WS"));
    let supplementary = collation.is_some_and(|c| c.name.contains("_SC") || c.name.contains("_140_"));
    let text = text_of(value, collation);
    let text = text.trim_end_matches(' ');
    let mut accents = Vec::new();
    let mut cases = Vec::new();
    let mut weigh = |original: char| {
        let mut c = lower(original);
        let n = c as u32;
        if !wide_matters && (0xff01..=0xff5e).contains(&n) {
            c = lower(char::from_u32(n - 0xfee0).unwrap_or(c));
        }
        let (base, accent) = base_letter(c);
        out.extend_from_slice(&primary(base));
        accents.push(accent + 1);
        cases.push(if lower(original) == original { 1 } else { 2 });
    };
    for c in text.chars() {
        if c as u32 > 0xffff && !supplementary {
            continue;
        }
        match c {
            '\0' if !supplementary => {}
            'ß' if expand => {
                weigh('s');
                weigh('s');
            }
            'æ' if expand => {
                weigh('a');
                weigh('e');
            }
            'Æ' if expand => {
                weigh('A');
                weigh('E');
            }
            'œ' if expand => {
                weigh('o');
                weigh('e');
            }
            'Œ' if expand => {
                weigh('O');
                weigh('E');
            }
            'þ' if expand => {
                weigh('t');
                weigh('h');
            }
            'Þ' if expand => {
                weigh('T');
                weigh('H');
            }
            _ => weigh(c),
        }
    }
    if !ignore_accent {
        out.push(0);
        let end = accents.iter().rposition(|a| *a != 1).map_or(0, |p| p + 1);
        out.extend_from_slice(&accents[..end]);
    }
    if !ignore_case {
        out.push(0);
        let end = cases.iter().rposition(|a| *a != 1).map_or(0, |p| p + 1);
        out.extend_from_slice(&cases[..end]);
    }
}

/// Whether two characters are one under the collation (LIKE, REPLACE, CHARINDEX).
pub fn same_char(a: char, b: char, collation: Option<&Collation>) -> bool {
    if a == b {
        return true;
    }
    if collation.is_some_and(|c| c.binary) {
        return false;
    }
    let ignore_case = collation.is_none_or(|c| c.ignore_case);
    let ignore_accent = collation.is_some_and(|c| c.ignore_accent);
    let fold = |c: char| {
        let c = if ignore_case { lower(c) } else { c };
        if ignore_accent { base_letter(c).0 } else { c }
    };
    fold(a) == fold(b)
}

/// LIKE: `%`, `_`, `[a-z]`, `[^…]`, an escape character.
pub fn like(text: &str, pattern: &str, escape: Option<char>, collation: Option<&Collation>) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            if let Some(next) = chars.next() {
                parts.push(Part::One(next));
            }
            continue;
        }
        match c {
            '%' => {
                if !matches!(parts.last(), Some(Part::Any)) {
                    parts.push(Part::Any);
                }
            }
            '_' => parts.push(Part::Single),
            '[' => {
                let negated = chars.peek() == Some(&'^');
                if negated {
                    chars.next();
                }
                let mut set = Vec::new();
                let mut closed = false;
                while let Some(s) = chars.next() {
                    if s == ']' {
                        closed = true;
                        break;
                    }
                    let s = if Some(s) == escape { chars.next().unwrap_or(s) } else { s };
                    if chars.peek() == Some(&'-') {
                        let mut ahead = chars.clone();
                        ahead.next();
                        if let Some(&to) = ahead.peek()
                            && to != ']'
                        {
                            chars.next();
                            chars.next();
                            set.push((s, to));
                            continue;
                        }
                    }
                    set.push((s, s));
                }
                if !closed {
                    return false;
                }
                parts.push(Part::Set(set, negated));
            }
            other => parts.push(Part::One(other)),
        }
    }
    // Greedy with one point of return: linear in text × pattern.
    let (mut t, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if p < parts.len() && matches!(parts[p], Part::Any) {
            back = Some((t, p + 1));
            p += 1;
            continue;
        }
        if t == text.len() {
            if p == parts.len() {
                return true;
            }
        } else if p < parts.len() && parts[p].takes(text[t], collation) {
            t += 1;
            p += 1;
            continue;
        }
        // Trailing blanks of the text do not count against a pattern that is used up.
        if p == parts.len() && text[t..].iter().all(|c| *c == ' ') {
            return true;
        }
        match back {
            Some((bt, bp)) if bt < text.len() => {
                back = Some((bt + 1, bp));
                t = bt + 1;
                p = bp;
            }
            _ => return false,
        }
    }
}

enum Part {
    Any,
    Single,
    One(char),
    Set(Vec<(char, char)>, bool),
}

impl Part {
    fn takes(&self, c: char, collation: Option<&Collation>) -> bool {
        match self {
            Part::Any => false,
            Part::Single => true,
            Part::One(p) => same_char(*p, c, collation),
            Part::Set(set, negated) => {
                let ignore_case = collation.is_none_or(|c| c.ignore_case && !c.binary);
                let hit = set.iter().any(|(from, to)| {
                    if from == to {
                        return same_char(*from, c, collation);
                    }
                    let within = |c: char| (*from..=*to).contains(&c);
                    within(c) || (ignore_case && (within(lower(c)) || c.to_uppercase().next().is_some_and(within)))
                });
                hit != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collation(name: &str) -> Collation {
        Collation {
            name: name.into(),
            tds: [9, 4, 0xd0, 0, 0x34],
            code_page: 1252,
            ignore_case: name.contains("_CI"),
            ignore_accent: name.contains("_AI"),
            binary: name.contains("_BIN"),
        }
    }

    #[test]
    fn fact_89_equal_under_a_case_insensitive_collation() {
        let ci = collation("SQL_Latin1_General_CP1_CI_AS");
        let key = |t: &str| sort_key(&wide(t), Some(&ci));
        assert_eq!(key("\u{1f986}"), key(""));
        assert_eq!(key("a\u{1f986}b"), key("ab"));
        assert_eq!(key("ABC"), key("abc  "));
        assert_ne!(key("abc"), key("\u{e1}bc"));
        assert!(key("a") < key("b") && key("A") < key("b") && key("1") < key("a"));
    }

    #[test]
    fn case_and_accents_count_when_the_name_says_so() {
        let cs = collation("Latin1_General_CS_AS");
        let ai = collation("Latin1_General_CI_AI");
        assert_ne!(sort_key(&wide("a"), Some(&cs)), sort_key(&wide("A"), Some(&cs)));
        assert!(sort_key(&wide("A"), Some(&cs)) < sort_key(&wide("b"), Some(&cs)));
        assert_eq!(sort_key(&wide("e"), Some(&ai)), sort_key(&wide("\u{c9}"), Some(&ai)));
    }

    #[test]
    fn like_patterns() {
        let ci = collation("Latin1_General_CI_AS");
        let l = |t: &str, p: &str| like(t, p, None, Some(&ci));
        assert!(l("c12", "c[0-9]%") && !l("cx", "c[0-9]%") && l("Abc", "a_C") && l("abc  ", "abc"));
        assert!(l("a%b", "a[%]b") && !l("axb", "a[%]b") && l("x", "[^0-9]") && l("mississippi", "%iss%pi"));
        assert!(like("a_b", "a!_b", Some('!'), Some(&ci)) && !like("axb", "a!_b", Some('!'), Some(&ci)));
    }
}
