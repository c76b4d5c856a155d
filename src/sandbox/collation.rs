//! Collations by name and by the five bytes of TDS: locale, comparison flags, sort order, code page.
//!
//! The five bytes are a little-endian u32 (bits 0–19 LCID, 20 ignore case, 21 ignore accent, 22 ignore width, 23 ignore
//! kana, 24 binary, 25 binary by code point, 26 UTF-8, 28–31 version) and the sort id of a `SQL_` collation. Whether a
//! collation knows supplementary characters (`_SC`, `_VSS`) is not in them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use super::value::Collation;

/// The server's collation unless told otherwise.
pub const DEFAULT: &str = "SQL_Latin1_General_CP1_CI_AS";

const IGNORE_CASE: u32 = 1 << 20;
const IGNORE_ACCENT: u32 = 1 << 21;
const IGNORE_WIDTH: u32 = 1 << 22;
const IGNORE_KANA: u32 = 1 << 23;
const BINARY: u32 = 1 << 24;
const BINARY2: u32 = 1 << 25;
const UTF8: u32 = 1 << 26;
const FLAGS: u32 = IGNORE_CASE | IGNORE_ACCENT | IGNORE_WIDTH | IGNORE_KANA | BINARY | BINARY2 | UTF8;

/// `SQL_` collations: name without prefix and suffix, comparison, sort id, LCID, code page.
// Assumption: the LCID of SQL_ collations follows their language; for Latin1_General, AltDiction, Scandinavian, 1xCompat
// and EBCDIC sort orders it is 0x0409. No capture at hand shows it; clients take the code page from the sort id.
#[rustfmt::skip]
const SQL: [(&str, &str, u8, u32, u16); 78] = [
    ("Latin1_General_CP437", "BIN", 30, 0x409, 437),
    ("Latin1_General_CP437", "CS_AS", 31, 0x409, 437),
    ("Latin1_General_CP437", "CI_AS", 32, 0x409, 437),
    ("Latin1_General_Pref_CP437", "CI_AS", 33, 0x409, 437),
    ("Latin1_General_CP437", "CI_AI", 34, 0x409, 437),
    ("Latin1_General_CP437", "BIN2", 35, 0x409, 437),
    ("Latin1_General_CP850", "BIN", 40, 0x409, 850),
    ("Latin1_General_CP850", "CS_AS", 41, 0x409, 850),
    ("Latin1_General_CP850", "CI_AS", 42, 0x409, 850),
    ("Latin1_General_Pref_CP850", "CI_AS", 43, 0x409, 850),
    ("Latin1_General_CP850", "CI_AI", 44, 0x409, 850),
    ("Latin1_General_CP850", "BIN2", 45, 0x409, 850),
    ("1xCompat_CP850", "CI_AS", 49, 0x409, 850),
    ("Latin1_General_CP1", "CS_AS", 51, 0x409, 1252),
    ("Latin1_General_CP1", "CI_AS", 52, 0x409, 1252),
    ("Latin1_General_Pref_CP1", "CI_AS", 53, 0x409, 1252),
    ("Latin1_General_CP1", "CI_AI", 54, 0x409, 1252),
    ("AltDiction_CP850", "CS_AS", 55, 0x409, 850),
    ("AltDiction_Pref_CP850", "CI_AS", 56, 0x409, 850),
    ("AltDiction_CP850", "CI_AI", 57, 0x409, 850),
    ("Scandinavian_Pref_CP850", "CI_AS", 58, 0x409, 850),
    ("Scandinavian_CP850", "CS_AS", 59, 0x409, 850),
    ("Scandinavian_CP850", "CI_AS", 60, 0x409, 850),
    ("AltDiction_CP850", "CI_AS", 61, 0x409, 850),
    ("Latin1_General_CP1250", "CS_AS", 81, 0x409, 1250),
    ("Latin1_General_CP1250", "CI_AS", 82, 0x409, 1250),
    ("Czech_CP1250", "CS_AS", 83, 0x405, 1250),
    ("Czech_CP1250", "CI_AS", 84, 0x405, 1250),
    ("Hungarian_CP1250", "CS_AS", 85, 0x40E, 1250),
    ("Hungarian_CP1250", "CI_AS", 86, 0x40E, 1250),
    ("Polish_CP1250", "CS_AS", 87, 0x415, 1250),
    ("Polish_CP1250", "CI_AS", 88, 0x415, 1250),
    ("Romanian_CP1250", "CS_AS", 89, 0x418, 1250),
    ("Romanian_CP1250", "CI_AS", 90, 0x418, 1250),
    ("Croatian_CP1250", "CS_AS", 91, 0x41A, 1250),
    ("Croatian_CP1250", "CI_AS", 92, 0x41A, 1250),
    ("Slovak_CP1250", "CS_AS", 93, 0x41B, 1250),
    ("Slovak_CP1250", "CI_AS", 94, 0x41B, 1250),
    ("Slovenian_CP1250", "CS_AS", 95, 0x424, 1250),
    ("Slovenian_CP1250", "CI_AS", 96, 0x424, 1250),
    ("Latin1_General_CP1251", "CS_AS", 105, 0x409, 1251),
    ("Latin1_General_CP1251", "CI_AS", 106, 0x409, 1251),
    ("Ukrainian_CP1251", "CS_AS", 107, 0x422, 1251),
    ("Ukrainian_CP1251", "CI_AS", 108, 0x422, 1251),
    ("Latin1_General_CP1253", "CS_AS", 113, 0x409, 1253),
    ("Latin1_General_CP1253", "CI_AS", 114, 0x409, 1253),
    ("MixDiction_CP1253", "CS_AS", 120, 0x408, 1253),
    ("AltDiction_CP1253", "CS_AS", 121, 0x408, 1253),
    ("AltDiction2_CP1253", "CS_AS", 122, 0x408, 1253),
    ("Latin1_General_CP1253", "CI_AI", 124, 0x409, 1253),
    ("Latin1_General_CP1254", "CS_AS", 129, 0x41F, 1254),
    ("Latin1_General_CP1254", "CI_AS", 130, 0x41F, 1254),
    ("Latin1_General_CP1255", "CS_AS", 137, 0x409, 1255),
    ("Latin1_General_CP1255", "CI_AS", 138, 0x409, 1255),
    ("Latin1_General_CP1256", "CS_AS", 145, 0x409, 1256),
    ("Latin1_General_CP1256", "CI_AS", 146, 0x409, 1256),
    ("Latin1_General_CP1257", "CS_AS", 153, 0x409, 1257),
    ("Latin1_General_CP1257", "CI_AS", 154, 0x409, 1257),
    ("Estonian_CP1257", "CS_AS", 155, 0x425, 1257),
    ("Estonian_CP1257", "CI_AS", 156, 0x425, 1257),
    ("Latvian_CP1257", "CS_AS", 157, 0x426, 1257),
    ("Latvian_CP1257", "CI_AS", 158, 0x426, 1257),
    ("Lithuanian_CP1257", "CS_AS", 159, 0x427, 1257),
    ("Lithuanian_CP1257", "CI_AS", 160, 0x427, 1257),
    ("Danish_Pref_CP1", "CI_AS", 183, 0x406, 1252),
    ("SwedishPhone_Pref_CP1", "CI_AS", 184, 0x41D, 1252),
    ("SwedishStd_Pref_CP1", "CI_AS", 185, 0x41D, 1252),
    ("Icelandic_Pref_CP1", "CI_AS", 186, 0x40F, 1252),
    ("EBCDIC037_CP1", "CS_AS", 210, 0x409, 1252),
    ("EBCDIC1141_CP1", "CS_AS", 211, 0x409, 1252),
    ("EBCDIC273_CP1", "CS_AS", 211, 0x409, 1252),
    ("EBCDIC277_CP1", "CS_AS", 212, 0x409, 1252),
    ("EBCDIC277_2_CP1", "CS_AS", 212, 0x409, 1252),
    ("EBCDIC278_CP1", "CS_AS", 213, 0x409, 1252),
    ("EBCDIC280_CP1", "CS_AS", 214, 0x409, 1252),
    ("EBCDIC284_CP1", "CS_AS", 215, 0x409, 1252),
    ("EBCDIC285_CP1", "CS_AS", 216, 0x409, 1252),
    ("EBCDIC297_CP1", "CS_AS", 217, 0x409, 1252),
];

/// Versions a Windows designator exists in: 1 none, 2 `_90`, 4 `_100`, 8 `_140`.
const V0: u8 = 1;
const V90: u8 = 2;
const V100: u8 = 4;
const V140: u8 = 8;

/// Windows collations: designator, versions, LCID, code page (0: Unicode only).
#[rustfmt::skip]
const WINDOWS: [(&str, u8, u32, u16); 92] = [
    ("Latin1_General", V0 | V100, 0x409, 1252),
    ("Albanian", V0 | V100, 0x41C, 1250),
    ("Arabic", V0 | V100, 0x401, 1256),
    ("Assamese", V100, 0x44D, 0),
    ("Azeri_Cyrillic", V90 | V100, 0x82C, 1251),
    ("Azeri_Latin", V90 | V100, 0x42C, 1254),
    ("Bashkir", V100, 0x46D, 1251),
    ("Bengali", V100, 0x445, 0),
    ("Bosnian_Cyrillic", V100, 0x201A, 1251),
    ("Bosnian_Latin", V100, 0x141A, 1250),
    ("Breton", V100, 0x47E, 1252),
    ("Chinese_Hong_Kong_Stroke", V90, 0xC04, 950),
    ("Chinese_PRC", V0 | V90, 0x804, 936),
    ("Chinese_PRC_Stroke", V0 | V90, 0x2_0804, 936),
    ("Chinese_Simplified_Pinyin", V100, 0x804, 936),
    ("Chinese_Simplified_Stroke_Order", V100, 0x2_0804, 936),
    ("Chinese_Taiwan_Bopomofo", V0 | V90, 0x3_0404, 950),
    ("Chinese_Taiwan_Stroke", V0 | V90, 0x404, 950),
    ("Chinese_Traditional_Bopomofo", V100, 0x3_0404, 950),
    ("Chinese_Traditional_Pinyin", V100, 0x1404, 950),
    ("Chinese_Traditional_Stroke_Count", V100, 0x404, 950),
    ("Chinese_Traditional_Stroke_Order", V100, 0x2_1404, 950),
    ("Corsican", V100, 0x483, 1252),
    ("Croatian", V0 | V100, 0x41A, 1250),
    ("Cyrillic_General", V0 | V100, 0x419, 1251),
    ("Czech", V0 | V100, 0x405, 1250),
    ("Danish_Norwegian", V0, 0x406, 1252),
    ("Danish_Greenlandic", V100, 0x406, 1252),
    ("Dari", V100, 0x48C, 1256),
    ("Divehi", V90 | V100, 0x465, 0),
    ("Estonian", V0 | V100, 0x425, 1257),
    ("Finnish_Swedish", V0 | V100, 0x40B, 1252),
    ("French", V0 | V100, 0x40C, 1252),
    ("Frisian", V100, 0x462, 1252),
    ("Georgian_Modern_Sort", V0 | V100, 0x1_0437, 1252),
    ("German_PhoneBook", V0 | V100, 0x1_0407, 1252),
    ("Greek", V0 | V100, 0x408, 1253),
    ("Hebrew", V0 | V100, 0x40D, 1255),
    ("Hindi", V0, 0x439, 0),
    ("Hungarian", V0 | V100, 0x40E, 1250),
    ("Hungarian_Technical", V0 | V100, 0x1_040E, 1250),
    ("Icelandic", V0 | V100, 0x40F, 1252),
    ("Indic_General", V90 | V100, 0x439, 0),
    ("Japanese", V0 | V90, 0x411, 932),
    ("Japanese_Bushu_Kakusu", V100 | V140, 0x4_0411, 932),
    ("Japanese_Unicode", V0, 0x1_0411, 932),
    ("Japanese_XJIS", V100 | V140, 0x411, 932),
    ("Kazakh", V90 | V100, 0x43F, 1251),
    ("Khmer", V100, 0x453, 0),
    ("Korean", V90 | V100, 0x412, 949),
    ("Korean_Wansung", V0, 0x412, 949),
    ("Korean_Wansung_Unicode", V0, 0x1_0412, 949),
    ("Lao", V100, 0x454, 0),
    ("Latvian", V0 | V100, 0x426, 1257),
    ("Lithuanian", V0 | V100, 0x427, 1257),
    ("Lithuanian_Classic", V0, 0x827, 1257),
    ("Macedonian", V0, 0x42F, 1251),
    ("Macedonian_FYROM", V90 | V100, 0x42F, 1251),
    ("Maltese", V100, 0x43A, 0),
    ("Maori", V100, 0x481, 0),
    ("Mapudungan", V100, 0x47A, 1252),
    ("Modern_Spanish", V0 | V100, 0xC0A, 1252),
    ("Mohawk", V100, 0x47C, 1252),
    ("Nepali", V100, 0x461, 0),
    ("Norwegian", V100, 0x414, 1252),
    ("Pashto", V100, 0x463, 0),
    ("Persian", V100, 0x429, 1256),
    ("Polish", V0 | V100, 0x415, 1250),
    ("Romanian", V0 | V100, 0x418, 1250),
    ("Romansh", V100, 0x417, 1252),
    ("Sami_Norway", V100, 0x43B, 1252),
    ("Sami_Sweden_Finland", V100, 0x83B, 1252),
    ("Serbian_Cyrillic", V100, 0xC1A, 1251),
    ("Serbian_Latin", V100, 0x81A, 1250),
    ("Slovak", V0 | V100, 0x41B, 1250),
    ("Slovenian", V0 | V100, 0x424, 1250),
    ("Syriac", V90 | V100, 0x45A, 0),
    ("Tamazight", V100, 0x85F, 1252),
    ("Tatar", V90 | V100, 0x444, 1251),
    ("Thai", V0 | V100, 0x41E, 874),
    ("Tibetan", V100, 0x451, 0),
    ("Traditional_Spanish", V0 | V100, 0x40A, 1252),
    ("Turkish", V0 | V100, 0x41F, 1254),
    ("Turkmen", V100, 0x442, 1250),
    ("Uighur", V100, 0x480, 1256),
    ("Ukrainian", V0 | V100, 0x422, 1251),
    ("Upper_Sorbian", V100, 0x42E, 1252),
    ("Urdu", V100, 0x420, 1256),
    ("Uzbek_Latin", V90 | V100, 0x443, 1254),
    ("Vietnamese", V0 | V100, 0x42A, 1258),
    ("Welsh", V100, 0x452, 1252),
    ("Yakut", V100, 0x485, 1251),
];

/// Version number in the five bytes, by suffix.
const VERSIONS: [(&str, u8, u32); 4] = [("", V0, 0), ("_90", V90, 1), ("_100", V100, 2), ("_140", V140, 3)];

static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Collation>>>> = LazyLock::new(Mutex::default);

/// The server's default collation.
pub fn default() -> Arc<Collation> {
    by_name(DEFAULT).unwrap_or_else(|| {
        Arc::new(Collation {
            name: DEFAULT.to_owned(),
            tds: [0x09, 0x04, 0xD0, 0x00, 0x34],
            code_page: 1252,
            ignore_case: true,
            ignore_accent: false,
            binary: false,
        })
    })
}

/// A collation by its name, in any case; `None` if there is none (error 448).
pub fn by_name(name: &str) -> Option<Arc<Collation>> {
    let key = name.to_ascii_lowercase();
    let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(found) = known.get(&key) {
        return Some(found.clone());
    }
    let collation = Arc::new(parse(&key)?);
    known.insert(key, collation.clone());
    Some(collation)
}

/// The collation of five TDS bytes; where several share them, the plainest name. `None` for bytes that no collation has.
pub fn by_tds(tds: [u8; 5]) -> Option<Arc<Collation>> {
    let info = u32::from_le_bytes([tds[0], tds[1], tds[2], tds[3]]);
    let name = if tds[4] != 0 {
        let (stem, comparison, ..) = SQL.iter().find(|(.., sort, _, _)| *sort == tds[4])?;
        format!("SQL_{stem}_{comparison}")
    } else {
        let (suffix, version, _) = VERSIONS.iter().find(|(.., number)| *number == info >> 28)?;
        let lcid = info & 0xF_FFFF;
        let (stem, ..) = WINDOWS.iter().find(|(_, versions, l, _)| *l == lcid && versions & version != 0)?;
        format!("{stem}{suffix}_{}", comparison_name(info, *version))
    };
    by_name(&name).filter(|found| found.tds == tds)
}

fn comparison_name(info: u32, version: u8) -> String {
    let mut name = String::new();
    if info & BINARY2 != 0 {
        name.push_str("BIN2");
    } else if info & BINARY != 0 {
        name.push_str("BIN");
    } else {
        name.push_str(if info & IGNORE_CASE != 0 { "CI" } else { "CS" });
        name.push_str(if info & IGNORE_ACCENT != 0 { "_AI" } else { "_AS" });
        if info & IGNORE_KANA == 0 {
            name.push_str("_KS");
        }
        if info & IGNORE_WIDTH == 0 {
            name.push_str("_WS");
        }
        if info & UTF8 != 0 && version != V140 {
            name.push_str("_SC");
        }
    }
    if info & UTF8 != 0 {
        name.push_str("_UTF8");
    }
    name
}

fn parse(key: &str) -> Option<Collation> {
    if let Some(rest) = key.strip_prefix("sql_") {
        for (stem, comparison, sort, lcid, code_page) in SQL {
            let name = format!("{stem}_{comparison}");
            if name.eq_ignore_ascii_case(rest) {
                let flags = comparison_flags(&comparison.to_ascii_lowercase(), V0)?.0;
                return Some(collation(format!("SQL_{name}"), lcid | flags, sort, code_page));
            }
        }
        return None;
    }
    // The longest designator that fits: Hungarian_Technical before Hungarian.
    let (stem, versions, lcid, code_page) = WINDOWS
        .iter()
        .filter(|(stem, ..)| {
            key.len() > stem.len() && key.is_char_boundary(stem.len()) && key[..stem.len()].eq_ignore_ascii_case(stem)
        })
        .max_by_key(|(stem, ..)| stem.len())?;
    let rest = &key[stem.len()..];
    let (suffix, version, number) =
        VERSIONS.iter().filter(|(suffix, ..)| rest.starts_with(suffix)).max_by_key(|(suffix, ..)| suffix.len())?;
    if versions & version == 0 {
        return None;
    }
    let (flags, comparison) = comparison_flags(rest[suffix.len()..].strip_prefix('_')?, *version)?;
    Some(collation(format!("{stem}{suffix}_{comparison}"), lcid | flags | (number << 28), 0, *code_page))
}

fn collation(name: String, info: u32, sort: u8, code_page: u16) -> Collation {
    let [a, b, c, d] = info.to_le_bytes();
    Collation {
        name,
        tds: [a, b, c, d, sort],
        code_page: if info & UTF8 != 0 { 65001 } else { code_page },
        ignore_case: info & IGNORE_CASE != 0,
        ignore_accent: info & IGNORE_ACCENT != 0,
        binary: info & (BINARY | BINARY2) != 0,
    }
}

/// `ci_as_ks_ws_sc_utf8` → flags and the canonical spelling.
fn comparison_flags(text: &str, version: u8) -> Option<(u32, String)> {
    let mut words = text.split('_').peekable();
    let mut spelling = Vec::new();
    let mut flags = 0;
    let mut supplementary = version == V140;
    match words.next()? {
        "bin" => {
            flags |= BINARY;
            spelling.push("BIN");
        }
        "bin2" => {
            flags |= BINARY2;
            spelling.push("BIN2");
            supplementary |= version == V100;
        }
        case @ ("ci" | "cs") => {
            if case == "ci" {
                flags |= IGNORE_CASE;
            }
            spelling.push(if case == "ci" { "CI" } else { "CS" });
            match words.next()? {
                "ai" => {
                    flags |= IGNORE_ACCENT;
                    spelling.push("AI");
                }
                "as" => spelling.push("AS"),
                _ => return None,
            }
            if words.next_if_eq(&"ks").is_some() {
                spelling.push("KS");
            } else {
                flags |= IGNORE_KANA;
            }
            if words.next_if_eq(&"ws").is_some() {
                spelling.push("WS");
            } else {
                flags |= IGNORE_WIDTH;
            }
            if version == V140 && words.next_if_eq(&"vss").is_some() {
                spelling.push("VSS");
            }
            if matches!(version, V90 | V100) && words.next_if_eq(&"sc").is_some() {
                spelling.push("SC");
                supplementary = true;
            }
        }
        _ => return None,
    }
    if supplementary && flags & BINARY == 0 && words.next_if_eq(&"utf8").is_some() {
        flags |= UTF8;
        spelling.push("UTF8");
    }
    words.next().is_none().then(|| (flags, spelling.join("_")))
}

/// `COLLATIONPROPERTY(name, 'LCID')`.
pub fn lcid(collation: &Collation) -> u32 {
    info(collation) & 0xF_FFFF
}

/// `COLLATIONPROPERTY(name, 'Version')`: 0, 1 (90), 2 (100), 3 (140).
pub fn version(collation: &Collation) -> u32 {
    info(collation) >> 28
}

/// `COLLATIONPROPERTY(name, 'ComparisonStyle')`: 1 ignore case, 2 ignore accent, 65536 ignore kana, 131072 ignore width;
/// 0 for binary ones.
pub fn comparison_style(collation: &Collation) -> u32 {
    let flags = info(collation) & FLAGS;
    [(IGNORE_CASE, 1), (IGNORE_ACCENT, 2), (IGNORE_KANA, 0x1_0000), (IGNORE_WIDTH, 0x2_0000)]
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, style)| style)
        .sum()
}

fn info(collation: &Collation) -> u32 {
    let [a, b, c, d, _] = collation.tds;
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fact_26_the_collations_of_the_captures_have_their_bytes() {
        assert_eq!(default().tds, [0x09, 0x04, 0xD0, 0x00, 0x34]);
        let cyrillic = by_name("Cyrillic_General_100_BIN2").unwrap();
        assert_eq!(cyrillic.tds, [0x19, 0x04, 0x00, 0x22, 0x00]);
        assert_eq!(cyrillic.code_page, 1251);
        let utf8 = by_name("latin1_general_100_bin2_utf8").unwrap();
        assert_eq!(utf8.name, "Latin1_General_100_BIN2_UTF8");
        assert_eq!(utf8.tds, [0x09, 0x04, 0x00, 0x26, 0x00]);
        assert_eq!(utf8.code_page, 65001);
    }

    #[test]
    fn names_of_real_databases_are_known() {
        for (name, code_page) in [
            ("Thai_CI_AI", 874),
            ("Turkish_CI_AS", 1254),
            ("Latin1_General_CI_AS_KS_WS", 1252),
            ("Latin1_General_BIN", 1252),
            ("Hungarian_Technical_100_CS_AI_WS", 1250),
            ("Japanese_XJIS_140_CI_AS_KS_WS_VSS_UTF8", 65001),
            ("Chinese_PRC_Stroke_90_BIN", 936),
            ("Indic_General_90_CI_AS", 0),
            ("SQL_Latin1_General_CP850_BIN2", 850),
            ("Latin1_General_100_CI_AS_SC_UTF8", 65001),
        ] {
            let found = by_name(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.name, name);
            assert_eq!(found.code_page, code_page, "{name}");
        }
        for name in
            ["", "Klingon_CI_AS", "Thai_90_CI_AI", "Latin1_General_CI_AS_SC", "Thai_CI", "Thai_CI_AI_XX", "ü_CI_AS"]
        {
            assert!(by_name(name).is_none(), "{name}");
        }
    }

    #[test]
    fn five_bytes_lead_back_to_the_name() {
        for (stem, versions, ..) in WINDOWS {
            for (suffix, version, _) in VERSIONS.iter().filter(|(_, v, _)| versions & v != 0) {
                for comparison in ["CI_AS", "CS_AI_KS", "CI_AI_KS_WS", "BIN", "BIN2"] {
                    let name = format!("{stem}{suffix}_{comparison}");
                    let found = by_name(&name).unwrap_or_else(|| panic!("{name} {version}"));
                    let back = by_tds(found.tds).unwrap_or_else(|| panic!("{name}"));
                    assert_eq!(back.tds, found.tds);
                }
            }
        }
        for (stem, comparison, sort, ..) in &SQL {
            let found = by_name(&format!("SQL_{stem}_{comparison}")).unwrap();
            assert_eq!(found.tds[4], *sort);
            assert_eq!(by_tds(found.tds).unwrap().tds, found.tds, "{stem}");
        }
        assert!(by_tds([0xFF, 0xFF, 0x0F, 0, 0]).is_none());
    }

    #[test]
    fn comparison_style_is_that_of_the_server() {
        // COLLATIONPROPERTY('SQL_Latin1_General_CP1_CI_AS', 'ComparisonStyle') = 196609.
        assert_eq!(comparison_style(&default()), 196_609);
        assert_eq!(lcid(&default()), 1033);
    }
}
