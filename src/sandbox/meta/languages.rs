//! The server's languages: LCID, name and alias, as `sys.syslanguages` has them.

/// LCID, `name`, `alias`.
// Assumption: the spelling of the official names; LCIDs and aliases are documented.
pub const LANGUAGES: &[(i16, &str, &str)] = &[
    (1033, "us_english", "English"),
    (1031, "Deutsch", "German"),
    (1036, "Français", "French"),
    (1041, "日本語", "Japanese"),
    (1030, "Dansk", "Danish"),
    (3082, "Español", "Spanish"),
    (1040, "Italiano", "Italian"),
    (1043, "Nederlands", "Dutch"),
    (2068, "Norsk", "Norwegian"),
    (2070, "Português", "Portuguese"),
    (1035, "Suomi", "Finnish"),
    (1053, "Svenska", "Swedish"),
    (1029, "čeština", "Czech"),
    (1038, "magyar", "Hungarian"),
    (1045, "polski", "Polish"),
    (1048, "română", "Romanian"),
    (1050, "hrvatski", "Croatian"),
    (1051, "slovenčina", "Slovak"),
    (1060, "slovenski", "Slovenian"),
    (1032, "ελληνικά", "Greek"),
    (1026, "български", "Bulgarian"),
    (1049, "русский", "Russian"),
    (1055, "Türkçe", "Turkish"),
    (2057, "British", "British English"),
    (1061, "eesti", "Estonian"),
    (1062, "latviešu", "Latvian"),
    (1063, "lietuvių", "Lithuanian"),
    (1046, "Português (Brasil)", "Brazilian"),
    (1028, "繁體中文", "Traditional Chinese"),
    (1042, "한국어", "Korean"),
    (2052, "简体中文", "Simplified Chinese"),
    (1025, "Arabic", "Arabic"),
    (1054, "ไทย", "Thai"),
];

/// The LCID of a language given by LCID, name or alias.
pub fn lcid(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return Some(number);
    }
    let wanted = text.to_lowercase();
    let found = LANGUAGES.iter().find(|(_, n, a)| n.to_lowercase() == wanted || a.to_lowercase() == wanted);
    found.map(|(lcid, ..)| i32::from(*lcid)).or((wanted == "neutral").then_some(0))
}

/// The name of a language by its LCID.
pub fn name(lcid: i32) -> Option<&'static str> {
    LANGUAGES.iter().find(|(l, ..)| i32::from(*l) == lcid).map(|(_, n, _)| *n)
}

/// The alias of a language by its LCID: what full text calls it.
pub fn alias(lcid: i32) -> Option<&'static str> {
    LANGUAGES.iter().find(|(l, ..)| i32::from(*l) == lcid).map(|(.., a)| *a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_goes_by_number_name_and_alias() {
        for text in ["1031", "Deutsch", "GERMAN"] {
            assert_eq!(lcid(text), Some(1031), "{text}");
        }
        assert_eq!((name(1033), alias(2070)), (Some("us_english"), Some("Portuguese")));
        assert_eq!(lcid("klingon"), None);
    }
}
