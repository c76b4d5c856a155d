//! `[restore]`: what a restore does unless its flags or its dialog say otherwise.

use toml::Spanned;
use toml::de::DeValue;

use super::problem::nearest;
use super::read::{RESTORE, Reader, Section};
use crate::bacpac::script::{Choice, Conflict, Missing, Users};

impl Reader<'_> {
    /// The section, or the defaults where there is none.
    pub(super) fn restore(&mut self, top: &Section<'_, '_>) -> Choice {
        let mut choice = Choice::default();
        let Some(value) = top.value("restore") else { return choice };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_kind("restore", value, "a table, [restore]", "a table");
            return choice;
        };
        let section = Section { title: "[restore]".into(), table, at: value.span().start };
        self.known_keys(&section, RESTORE);
        choice.permissions = self.boolean(&section, "permissions").unwrap_or(choice.permissions);
        choice.user_settings = self.boolean(&section, "user_settings").unwrap_or(choice.user_settings);
        if self.one_of(&section, "users", &["as-in-file", "none"]) == Some(1) {
            choice.users = Users::None;
        }
        choice.owner_to_dbo = self.one_of(&section, "owner", &["as-in-file", "dbo"]) == Some(1);
        if self.one_of(&section, "on_conflict", &["refuse", "rename"]) == Some(1) {
            choice.on_conflict = Conflict::Rename;
        }
        const SKIP: [(&str, Missing); 3] =
            [("foreign-keys", Missing::ForeignKeys), ("sequences", Missing::Sequences), ("views", Missing::Views)];
        for (word, at) in self.list(&section, "skip_missing") {
            match SKIP.iter().find(|(name, _)| *name == word) {
                Some((_, skip)) => {
                    choice.skip_missing.insert(*skip);
                }
                None => {
                    let instead = nearest(&word, SKIP.map(|(name, _)| name));
                    let instead =
                        instead.map_or_else(|| SKIP.map(|(n, _)| format!("{n:?}")).join(", "), |w| format!("{w:?}"));
                    self.problem(at, format!("skip_missing has the unknown {word:?}"), Some(instead));
                }
            }
        }
        choice.collation = self.string(&section, "collation", r#""Latin1_General_100_CI_AS""#);
        let level = self.integer(&section, "compatibility_level", 90..=170);
        choice.compatibility_level = level.and_then(|l| u16::try_from(l).ok());
        choice
    }

    /// A word of a few: which.
    fn one_of(&mut self, section: &Section<'_, '_>, key: &str, words: &[&str]) -> Option<usize> {
        let example = format!("{:?}", words[0]);
        let (word, span) = self.spanned_string(section, key, &example)?;
        let found = words.iter().position(|w| *w == word);
        if found.is_none() {
            let instead = nearest(&word, words.iter().copied()).unwrap_or(words[0]);
            self.problem(span.start, format!("{key} = {word:?} is unknown"), Some(format!("{instead:?}")));
        }
        found
    }

    /// A list of words, each with its place; it may be empty.
    fn list(&mut self, section: &Section<'_, '_>, key: &str) -> Vec<(String, usize)> {
        let example = r#"["views"]"#;
        let Some(value) = section.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_kind(key, value, "a list of words", example);
            return Vec::new();
        };
        let mut words = Vec::new();
        for item in items.iter() {
            match Spanned::get_ref(item) {
                DeValue::String(word) => words.push((word.to_string(), item.span().start)),
                _ => self.wrong_kind(key, item, "a list of words", example),
            }
        }
        words
    }
}
