//! What can be chosen of a package: one plain value, whether it was said by flags, by the configuration or in a dialog.
//! What is wrong with a choice by itself is found here, in the same words for all of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::bacpac::model::{Name, ShapeError, is_collation_name};

/// What is restored of tables: all of them, only what they are, only what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Objects and rows.
    #[default]
    All,
    /// Objects without rows.
    Schema,
    /// Rows, into tables that are there.
    Data,
}

/// What becomes of users and their logins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Users {
    /// As the file has them.
    #[default]
    AsInFile,
    /// No user comes back, and nothing that is about one.
    None,
    /// These users (by name) get these logins; the others are as in the file. Each of them must be in the package.
    Map(BTreeMap<String, String>),
    /// The same as a default for many packages: a user that a package does not have is told, and no mistake.
    MapPresent(BTreeMap<String, String>),
}

/// What is left out where it refers to something that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Foreign keys to a table that is not restored.
    ForeignKeys,
    /// Defaults that draw from a sequence that is not restored.
    Sequences,
    /// Views on something that is not there.
    Views,
}

/// What happens where the target has a table of the same name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// Nothing is restored.
    #[default]
    Refuse,
    /// The restored table gets another name; the one that is there is left alone.
    Rename,
}

/// A choice of what to restore. The default is all of it, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// Objects, rows, or both.
    pub content: Content,
    /// Permissions are granted and denied as at the source.
    pub permissions: bool,
    /// Users and their logins.
    pub users: Users,
    /// Users keep their default schema and language.
    pub user_settings: bool,
    /// Schemas, roles and whatever else has an owner belong to dbo.
    pub owner_to_dbo: bool,
    /// What is left out where it refers to something missing.
    pub skip_missing: BTreeSet<Missing>,
    /// Only these tables (`schema.table`, raw names); all objects when there are none.
    pub tables: Vec<String>,
    /// With the tables come those that they need, with their rows.
    pub dependencies: bool,
    /// Where the target has a table of that name.
    pub on_conflict: Conflict,
    /// The collation of the new database, in place of the package's.
    pub collation: Option<String>,
    /// The compatibility level of the new database, in place of the package's.
    pub compatibility_level: Option<u16>,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            content: Content::All,
            permissions: true,
            users: Users::AsInFile,
            user_settings: true,
            owner_to_dbo: false,
            skip_missing: BTreeSet::new(),
            tables: Vec::new(),
            dependencies: true,
            on_conflict: Conflict::Refuse,
            collation: None,
            compatibility_level: None,
        }
    }
}

impl Choice {
    /// What is not as it would be without a choice, in words.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |is: bool, text: &str| {
            if is {
                words.push(text.to_owned());
            }
        };
        say(self.content == Content::Schema, "schema only");
        say(self.content == Content::Data, "rows only");
        say(!self.permissions, "without permissions");
        say(self.users == Users::None, "without users");
        say(!self.user_settings, "without settings of users");
        say(self.owner_to_dbo, "dbo owns all");
        say(self.on_conflict == Conflict::Rename, "tables renamed on conflict");
        if let Users::Map(map) | Users::MapPresent(map) = &self.users {
            let mapped: Vec<String> = map.iter().map(|(user, login)| format!("{user} = {login}")).collect();
            words.push(format!("logins {}", mapped.join(", ")));
        }
        if !self.tables.is_empty() {
            let alone = if self.dependencies { "" } else { " alone" };
            words.push(format!("tables {}{alone}", self.tables.join(", ")));
        }
        if !self.skip_missing.is_empty() {
            words.push("what refers to something missing is left out".into());
        }
        words.extend(self.collation.iter().map(|c| format!("collation {c}")));
        words.extend(self.compatibility_level.iter().map(|l| format!("compatibility level {l}")));
        words
    }
}

/// Longest name, in UTF-16 units (sysname is nvarchar(128)).
const NAME_UNITS: usize = 128;

/// A compatibility level as a person writes it.
pub fn compatibility_level(text: &str) -> Result<u16, ChoiceError> {
    let level = text.parse::<u16>().ok().filter(|l| (90..=170).contains(l) && l % 10 == 0);
    level.ok_or_else(|| ChoiceError::Compatibility(text.to_owned()))
}

/// A collation's name as a person writes it; whether a server has it, the server knows.
pub fn collation_name(text: &str) -> Result<&str, ChoiceError> {
    if is_collation_name(text) { Ok(text) } else { Err(ChoiceError::Collation(text.to_owned())) }
}

/// A table of a choice by its raw names: as a person would write it where that can mean nothing else, else in brackets.
pub fn table_text(schema: &str, table: &str) -> String {
    let plain = |name: &str| !name.is_empty() && name.trim() == name && !name.contains(['.', '[', ']', '"', ',']);
    if plain(schema) && plain(table) { format!("{schema}.{table}") } else { Name::two(schema, table).to_string() }
}

impl Choice {
    /// What is wrong with it, whatever the package is.
    pub fn check(&self) -> Result<(), ChoiceError> {
        if let Some(collation) = &self.collation {
            collation_name(collation)?;
        }
        if let Some(level) = self.compatibility_level {
            compatibility_level(&level.to_string())?;
        }
        if let Users::Map(map) | Users::MapPresent(map) = &self.users {
            let wrong = |login: &str| login.trim().is_empty() || login.encode_utf16().count() > NAME_UNITS;
            if let Some((user, login)) = map.iter().find(|(_, login)| wrong(login)) {
                return Err(ChoiceError::Login { user: user.clone(), login: login.clone() });
            }
        }
        Ok(())
    }
}

/// Why a choice can't be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// A table that was asked for.
    #[error("the package has no table {0}")]
    NoTable(String),
    /// A user that was to be mapped.
    #[error("the package has no user {0}")]
    NoUser(String),
    /// Something refers to what is not restored.
    #[error("{kind} {name} refers to {missing}, which is not restored")]
    Missing {
        /// The kind of what refers.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What it refers to.
        missing: String,
        /// What would leave it out.
        skip: Missing,
    },
    /// No collation has such a name.
    #[error("{0:?} is not the name of a collation")]
    Collation(String),
    /// No server has such a level.
    #[error("{0} is not a compatibility level: 90 to 170, in tens")]
    Compatibility(String),
    /// A user is to get a login that can be none.
    #[error("{login:?} is no name of a login for user {user}")]
    Login {
        /// The user.
        user: String,
        /// What was named.
        login: String,
    },
    /// The model does not take the change.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_by_itself_is_found_without_a_package() {
        let error = |choice: Choice| choice.check().unwrap_err().to_string();
        let map = |login: &str| Users::Map([("porter".to_owned(), login.to_owned())].into());
        assert_eq!(Choice::default().check(), Ok(()));
        assert_eq!(Choice { users: map(&"🐀".repeat(64)), ..Choice::default() }.check(), Ok(()));
        for login in ["", " ", &"🐀".repeat(65)] {
            let choice = Choice { users: map(login), ..Choice::default() };
            assert!(error(choice).contains("is no name of a login for user porter"), "{login:?}");
        }
        for (level, good) in [("80", false), ("90", true), ("155", false), ("170", true), ("180", false), ("x", false)]
        {
            assert_eq!(compatibility_level(level).is_ok(), good, "{level}");
        }
        assert_eq!(
            error(Choice { compatibility_level: Some(155), ..Choice::default() }),
            "155 is not a compatibility level: 90 to 170, in tens"
        );
        assert_eq!(
            error(Choice { collation: Some("x; DROP".into()), ..Choice::default() }),
            "\"x; DROP\" is not the name of a collation"
        );
    }

    #[test]
    fn a_table_is_named_so_that_it_means_nothing_else() {
        assert_eq!(table_text("dbo", "Order Details"), "dbo.Order Details");
        assert_eq!(table_text("a.b", "c"), "[a.b].[c]");
        assert_eq!(table_text("dbo", "x]y"), "[dbo].[x]]y]");
        assert_eq!(table_text("dbo", " x"), "[dbo].[ x]");
    }
}
