//! `[restore]`: what a restore does unless its flags or its dialog say otherwise.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::problem::nearest;
use super::read::{RESTORE, Reader, Section};
use crate::bacpac::script::{Choice, Conflict, Content, Missing, Users, collation_name, compatibility_level};

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
        // Named here for what it is: it is no setting, and no slip of the pen either.
        let known: Vec<&str> = RESTORE.iter().copied().chain(["into_existing"]).collect();
        self.known_keys(&section, &known);
        if let Some(value) = section.value("into_existing") {
            let text = "into_existing can't be configured: an existing database's name is typed for each restore";
            self.problem(value.span().start, text, Some("--into-existing NAME beside the restore".into()));
        }
        choice.content = match self.one_of(&section, "content", &["all", "schema", "data"]) {
            Some(1) => Content::Schema,
            Some(2) => Content::Data,
            _ => Content::All,
        };
        choice.tables =
            self.list(&section, "tables", r#"["dbo.Orders"]"#).into_iter().map(|(table, _)| table).collect();
        choice.dependencies = self.boolean(&section, "dependencies").unwrap_or(choice.dependencies);
        choice.permissions = self.boolean(&section, "permissions").unwrap_or(choice.permissions);
        choice.user_settings = self.boolean(&section, "user_settings").unwrap_or(choice.user_settings);
        let users = self.one_of(&section, "users", &["as-in-file", "none"]);
        let map = self.logins(&section);
        choice.users = match (users, map.is_empty()) {
            (Some(1), true) => Users::None,
            (Some(1), false) => {
                let text = "users = \"none\" and map_users contradict each other";
                self.problem(section.place("map_users"), text, Some("one of them".into()));
                Users::None
            }
            (_, true) => Users::AsInFile,
            (_, false) => Users::MapPresent(map),
        };
        choice.owner_to_dbo = self.one_of(&section, "owner", &["as-in-file", "dbo"]) == Some(1);
        if self.one_of(&section, "on_conflict", &["refuse", "rename"]) == Some(1) {
            choice.on_conflict = Conflict::Rename;
        }
        const SKIP: [(&str, Missing); 3] =
            [("foreign-keys", Missing::ForeignKeys), ("sequences", Missing::Sequences), ("views", Missing::Views)];
        for (word, at) in self.list(&section, "skip_missing", r#"["views"]"#) {
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
        if let Some((collation, span)) = self.spanned_string(&section, "collation", r#""Latin1_General_100_CI_AS""#) {
            match collation_name(&collation) {
                Ok(_) => choice.collation = Some(collation),
                Err(e) => {
                    self.problem(span.start, e.to_string(), Some(r#"collation = "Latin1_General_100_CI_AS""#.into()))
                }
            }
        }
        if let Some(level) = self.integer(&section, "compatibility_level", 0..=u64::MAX) {
            match compatibility_level(&level.to_string()) {
                Ok(level) => choice.compatibility_level = Some(level),
                Err(e) => {
                    self.problem(
                        section.place("compatibility_level"),
                        e.to_string(),
                        Some("compatibility_level = 150".into()),
                    );
                }
            }
        }
        choice
    }

    /// `[restore.map_users]`: user = "login".
    fn logins(&mut self, section: &Section<'_, '_>) -> BTreeMap<String, String> {
        const EXAMPLE: &str = r#"{ porter = "warden" }"#;
        let mut map = BTreeMap::new();
        let Some(value) = section.value("map_users") else { return map };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_kind("map_users", value, "a table of users and their logins", EXAMPLE);
            return map;
        };
        for (user, login) in table.iter() {
            let name = user.get_ref().as_ref();
            match login.get_ref() {
                DeValue::String(text) => {
                    map.insert(name.to_owned(), text.to_string());
                    let one =
                        Choice { users: Users::Map([(name.to_owned(), text.to_string())].into()), ..Choice::default() };
                    if let Err(e) = one.check() {
                        self.problem(login.span().start, e.to_string(), Some(format!("{name:?} = \"a login\"")));
                    }
                }
                _ => self.wrong_kind(name, login, "the name of a login", r#""warden""#),
            }
        }
        map
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
    fn list(&mut self, section: &Section<'_, '_>, key: &str, example: &str) -> Vec<(String, usize)> {
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
