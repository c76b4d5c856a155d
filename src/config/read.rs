//! config.toml → [`Config`]: every key by its name and type, every problem with its place. All problems are gathered,
//! so that an operator mends the file in one go.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::nearest;
use super::{
    Address, Config, ConfigError, DEFAULT_CONNECT_TIMEOUT, Encryption, Origin, Password, Pattern, Problem, Secret,
    Server, StoreConfig, Tenant,
};

/// Keys at the top of the file.
pub(super) const TOP: &[&str] = &[
    "product",
    "backup_name",
    "restore_name",
    "data_dir",
    "workers",
    "jobs_per_server",
    "connections",
    "compression",
    "store",
    "restore",
    "servers",
    "tenants",
    "stores",
];
/// Keys of `[restore]`.
pub(super) const RESTORE: &[&str] = &[
    "content",
    "tables",
    "dependencies",
    "permissions",
    "users",
    "map_users",
    "user_settings",
    "owner",
    "skip_missing",
    "on_conflict",
    "collation",
    "compatibility_level",
];
/// Keys of `[servers.NAME]`.
pub(super) const SERVER: &[&str] = &[
    "host",
    "port",
    "connection_string",
    "login",
    "password",
    "password_env",
    "password_file",
    "password_command",
    "encryption",
    "trust_certificate",
    "ca_file",
    "connect_timeout",
    "command_timeout",
    "connections",
    "jobs",
];
/// Keys of `[tenants.NAME]`.
pub(super) const TENANT: &[&str] = &["server", "database", "group", "store"];
/// Keys of `[stores.NAME]`.
pub(super) const STORE: &[&str] = &["path"];

/// Read a file's text.
pub(super) fn read(path: &Path, text: &str) -> Result<(Config, Vec<Problem>), ConfigError> {
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut reader = Reader { path, text, lines, problems: Vec::new(), warnings: Vec::new() };
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(e) => {
            // A literal password can stand on the broken line: the parser's message alone is told, never the line.
            let at = e.span().map_or(0, |s| s.start);
            reader.problem(at, e.message().trim().replace('\n', ", "), None);
            return Err(ConfigError::Problems(reader.problems));
        }
    };
    let config = reader.config(document.get_ref());
    if reader.problems.is_empty() {
        reader.warnings.sort_by_key(|p| place(&p.origin));
        return Ok((config, reader.warnings));
    }
    reader.problems.sort_by_key(|p| place(&p.origin));
    Err(ConfigError::Problems(reader.problems))
}

fn place(origin: &Origin) -> (usize, usize) {
    match origin {
        Origin::File { line, column, .. } => (*line, *column),
        Origin::Environment(_) => (0, 0),
    }
}

pub(super) struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    /// Where each line starts.
    lines: Vec<usize>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// A table under its title, with the place of the title.
pub(super) struct Section<'d, 'i> {
    pub(super) title: String,
    pub(super) table: &'d DeTable<'i>,
    pub(super) at: usize,
}

impl Section<'_, '_> {
    pub(super) fn value(&self, key: &str) -> Option<&Spanned<DeValue<'_>>> {
        self.table.iter().find(|(k, _)| k.get_ref().as_ref() == key).map(|(_, v)| v)
    }

    /// Where a key's value stands, or the title of the table that has none.
    pub(super) fn place(&self, key: &str) -> usize {
        self.value(key).map_or(self.at, |value| value.span().start)
    }

    fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }
}

/// The key as it must be written in a table's title.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { format!("{key:?}") }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl<'t> Reader<'t> {
    fn origin(&self, at: usize) -> Origin {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..at).unwrap_or("").chars().count() + 1;
        Origin::File { path: self.path.to_path_buf(), line, column }
    }

    pub(super) fn problem(&mut self, at: usize, message: impl Into<String>, instead: Option<String>) {
        let problem = Problem { origin: self.origin(at), message: message.into(), instead };
        self.problems.push(problem);
    }

    fn warning(&mut self, at: usize, message: impl Into<String>, instead: Option<String>) {
        let problem = Problem { origin: self.origin(at), message: message.into(), instead };
        self.warnings.push(problem);
    }

    pub(super) fn known_keys(&mut self, section: &Section<'_, '_>, known: &[&str]) {
        for (key, _) in section.table.iter() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let instead = match nearest(name, known.iter().copied()) {
                Some(meant) => meant.to_owned(),
                None => format!("one of: {}", known.join(", ")),
            };
            self.problem(key.span().start, format!("unknown key {name:?} in {}", section.title), Some(instead));
        }
    }

    pub(super) fn wrong_kind(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        let found = kind(value.get_ref());
        self.problem(
            value.span().start,
            format!("{key} must be {wanted}, and is {found}"),
            Some(format!("{key} = {example}")),
        );
    }

    pub(super) fn string(&mut self, section: &Section<'_, '_>, key: &str, example: &str) -> Option<String> {
        self.spanned_string(section, key, example).map(|(text, _)| text)
    }

    pub(super) fn spanned_string(
        &mut self,
        section: &Section<'_, '_>,
        key: &str,
        example: &str,
    ) -> Option<(String, Range<usize>)> {
        let value = section.value(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Some((text.to_string(), value.span())),
            DeValue::String(_) => {
                self.problem(value.span().start, format!("{key} is empty"), Some(format!("{key} = {example}")));
                None
            }
            _ => {
                self.wrong_kind(key, value, "a string", example);
                None
            }
        }
    }

    fn path(&mut self, section: &Section<'_, '_>, key: &str, example: &str) -> Option<PathBuf> {
        let text = self.string(section, key, example)?;
        // Relative to the file, not to wherever the operator stands.
        let base = self.path.parent().unwrap_or(Path::new(""));
        Some(match (text.strip_prefix("~/"), directories::BaseDirs::new()) {
            (Some(rest), Some(dirs)) => dirs.home_dir().join(rest),
            _ => base.join(text),
        })
    }

    pub(super) fn integer(&mut self, section: &Section<'_, '_>, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = section.value(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_kind(key, value, "an integer", &range.start().to_string());
            return None;
        };
        match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(n) if range.contains(&n) => Some(n),
            _ => {
                self.problem(
                    value.span().start,
                    format!("{key} = {number} is out of range"),
                    Some(format!("a number from {} to {}", range.start(), range.end())),
                );
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, section: &Section<'_, '_>, key: &str) -> Option<bool> {
        let value = section.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(b) => Some(*b),
            _ => {
                self.wrong_kind(key, value, "true or false", "false");
                None
            }
        }
    }

    fn words(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Vec<String>> {
        let value = section.value(key)?;
        let example = r#"["pass", "show", "sql/main"]"#;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_kind(key, value, "a list of the program and its arguments", example);
            return None;
        };
        let mut words = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(word) => words.push(word.to_string()),
                _ => {
                    self.wrong_kind(key, item, "a list of strings", example);
                    return None;
                }
            }
        }
        if words.is_empty() {
            self.problem(value.span().start, format!("{key} is empty"), Some(format!("{key} = {example}")));
            return None;
        }
        Some(words)
    }

    /// The tables below `[key.NAME]`, in the order of the file.
    fn sections<'d, 'i>(&mut self, top: &Section<'d, 'i>, key: &str) -> Vec<(String, Section<'d, 'i>)> {
        let Some((_, value)) = top.table.iter().find(|(k, _)| k.get_ref().as_ref() == key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            let title = format!("a table for each name, [{key}.NAME]");
            let found = kind(value.get_ref());
            self.problem(value.span().start, format!("{key} must be {title}, and is {found}"), Some(title));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (name, value) in table.iter() {
            let at = name.span().start;
            let name = name.get_ref().to_string();
            let title = format!("[{key}.{}]", quoted(&name));
            match value.get_ref() {
                DeValue::Table(table) if !name.trim().is_empty() => {
                    sections.push((name, Section { title, table, at }));
                }
                DeValue::Table(_) => self.problem(at, format!("{title} has no name"), Some(format!("[{key}.NAME]"))),
                other => {
                    let found = kind(other);
                    let message = format!("unknown key {name:?} in [{key}]: it is {found}, not a table");
                    self.problem(at, message, Some(title));
                }
            }
        }
        sections
    }

    fn config(&mut self, document: &DeTable<'_>) -> Config {
        let top = Section { title: "the file".into(), table: document, at: 0 };
        self.known_keys(&top, TOP);
        let mut config = Config::default();
        if let Some(product) = self.string(&top, "product", r#""pacrat""#) {
            config.product = product;
        }
        let sample = Pattern::backup_default();
        if let Some(pattern) = self.pattern(&top, "backup_name", &sample, Pattern::for_backups) {
            config.backup_name = pattern;
        }
        let sample = Pattern::restore_default();
        if let Some(pattern) = self.pattern(&top, "restore_name", &sample, Pattern::for_restores) {
            config.restore_name = pattern;
        }
        if let Some(dir) = self.path(&top, "data_dir", r#""/var/lib/pacrat""#) {
            config.data_dir = dir;
        }
        let mut set = |key: &str, range: RangeInclusive<u64>, into: &mut usize| {
            if let Some(n) = self.integer(&top, key, range) {
                *into = usize::try_from(n).unwrap_or(usize::MAX);
            }
        };
        set("workers", 0..=256, &mut config.workers);
        set("jobs_per_server", 1..=64, &mut config.jobs_per_server);
        set("connections", 1..=64, &mut config.connections);
        if let Some(level) = self.integer(&top, "compression", 1..=12) {
            config.compression = u8::try_from(level).unwrap_or(config.compression);
        }
        // The names count even where the section itself is wrong: one mistake is told once.
        let (mut servers, mut stores) = (Vec::new(), Vec::new());
        for (name, section) in self.sections(&top, "stores") {
            if let Some(store) = self.store(&section) {
                config.stores.insert(name.clone(), store);
            }
            stores.push(name);
        }
        for (name, section) in self.sections(&top, "servers") {
            if let Some(server) = self.server(&section) {
                config.servers.insert(name.clone(), server);
            }
            servers.push(name);
        }
        if stores.is_empty() {
            stores.push(super::DEFAULT_STORE.to_owned());
        }
        if let Some((store, span)) = self.spanned_string(&top, "store", r#""local""#) {
            self.reference("store", &store, "stores", &stores, span.start);
            config.store = store;
        } else if stores.len() > 1 && !stores.contains(&config.store) {
            let message = "there are several stores, and none is said to take the backups";
            self.problem(0, message, Some(format!("store = {:?}", stores[0])));
        } else if stores.len() == 1 {
            config.store.clone_from(&stores[0]);
        }
        config.tenants = self.tenants(&top, &servers, &stores);
        config.restore = self.restore(&top);
        config
    }

    fn pattern(
        &mut self,
        section: &Section<'_, '_>,
        key: &str,
        sample: &Pattern,
        read: impl Fn(&str) -> Result<Pattern, String>,
    ) -> Option<Pattern> {
        let example = format!("\"{sample}\"");
        let (text, span) = self.spanned_string(section, key, &example)?;
        match read(&text) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                self.problem(span.start, format!("{key}: {why}"), Some(format!("{key} = {example}")));
                None
            }
        }
    }

    fn reference(&mut self, key: &str, name: &str, kind: &str, known: &[String], at: usize) {
        if known.iter().any(|k| k == name) {
            return;
        }
        let instead = match nearest(name, known.iter().map(String::as_str)) {
            Some(meant) => format!("{key} = {meant:?}"),
            None if known.is_empty() => format!("a table [{kind}.{}]", quoted(name)),
            None => format!("{key} = one of: {}", known.join(", ")),
        };
        self.problem(at, format!("{key} = {name:?} names nothing in [{kind}]"), Some(instead));
    }

    fn store(&mut self, section: &Section<'_, '_>) -> Option<StoreConfig> {
        self.known_keys(section, STORE);
        if !section.has("path") {
            self.problem(section.at, format!("{} has no path", section.title), Some(r#"path = "/backups""#.into()));
        }
        Some(StoreConfig { path: self.path(section, "path", r#""/backups""#)? })
    }

    fn tenants(&mut self, top: &Section<'_, '_>, servers: &[String], stores: &[String]) -> BTreeMap<String, Tenant> {
        let mut tenants = BTreeMap::new();
        for (name, section) in self.sections(top, "tenants") {
            self.known_keys(&section, TENANT);
            if name.chars().any(char::is_control) {
                self.problem(section.at, format!("{} has a control character", section.title), None);
            }
            let server = match self.spanned_string(&section, "server", r#""main""#) {
                Some((server, span)) => {
                    self.reference("server", &server, "servers", servers, span.start);
                    server
                }
                None if section.has("server") => continue,
                None => {
                    let example = servers.first().map_or("main", String::as_str);
                    let message = format!("{} has no server", section.title);
                    self.problem(section.at, message, Some(format!("server = {example:?}")));
                    continue;
                }
            };
            let store = self.spanned_string(&section, "store", r#""local""#).map(|(store, span)| {
                self.reference("store", &store, "stores", stores, span.start);
                store
            });
            let database = self.string(&section, "database", r#""Northwind""#).unwrap_or_else(|| name.clone());
            let group = self.string(&section, "group", r#""customers""#);
            tenants.insert(name, Tenant { server, database, group, store });
        }
        tenants
    }

    fn server(&mut self, section: &Section<'_, '_>) -> Option<Server> {
        self.known_keys(section, SERVER);
        let by_string = section.has("connection_string");
        let address = self.address(section, by_string);
        let login = self.string(section, "login", r#""pacrat""#);
        let password = self.password(section, by_string);
        if login.is_none() && !by_string && !section.has("login") {
            let message = format!("{} has no login", section.title);
            self.problem(section.at, message, Some(r#"login = "pacrat""#.into()));
        }
        let encryption = self.encryption(section, by_string);
        let trust_certificate = match self.boolean(section, "trust_certificate") {
            None if !by_string => Some(false),
            given => given,
        };
        if trust_certificate == Some(true) {
            let at = section.value("trust_certificate").map_or(section.at, |v| v.span().start);
            let excluded = match encryption {
                Some(Encryption::Strict) => Some("strict encryption always checks the certificate"),
                _ if section.has("ca_file") => Some("trust_certificate and ca_file exclude each other"),
                _ => None,
            };
            if let Some(message) = excluded {
                self.problem(at, message, Some("trust_certificate = false".into()));
            }
        }
        let seconds = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Some(Server {
            ca_file: self.path(section, "ca_file", r#""/etc/ssl/company.pem""#),
            connect_timeout: self
                .integer(section, "connect_timeout", 1..=3600)
                .map_or(DEFAULT_CONNECT_TIMEOUT, seconds),
            command_timeout: self.integer(section, "command_timeout", 0..=604_800).map_or(0, seconds),
            connections: self.integer(section, "connections", 1..=64).map(number),
            jobs: self.integer(section, "jobs", 1..=64).map(number),
            address: address?,
            login,
            password,
            encryption,
            trust_certificate,
        })
    }

    fn address(&mut self, section: &Section<'_, '_>, by_string: bool) -> Option<Address> {
        if by_string {
            for key in ["host", "port"] {
                if let Some(value) = section.value(key) {
                    let message = format!("{} has both connection_string and {key}", section.title);
                    let at = value.span().start;
                    self.problem(at, message, Some("one of them".into()));
                }
            }
            let example = r#""Server=tcp:db1,1433;User ID=pacrat;Encrypt=true""#;
            return self
                .string(section, "connection_string", example)
                .map(|t| Address::ConnectionString(Secret::new(t)));
        }
        if !section.has("host") {
            let message = format!("{} has neither host nor connection_string", section.title);
            self.problem(section.at, message, Some(r#"host = "db1.example.org""#.into()));
        }
        let port = self.integer(section, "port", 1..=65_535).and_then(|p| u16::try_from(p).ok());
        let (host, span) = self.spanned_string(section, "host", r#""db1.example.org""#)?;
        if let Some((name, text)) = host.split_once(',') {
            let message = format!("host = {host:?} holds the port");
            self.problem(span.start, message, Some(format!("host = {:?} and port = {}", name.trim(), text.trim())));
        }
        let (host, instance) = match host.split_once('\\') {
            Some((host, instance)) => (host.to_owned(), Some(instance.to_owned()).filter(|i| !i.is_empty())),
            None => (host, None),
        };
        Some(Address::Parts { host, port, instance })
    }

    fn encryption(&mut self, section: &Section<'_, '_>, by_string: bool) -> Option<Encryption> {
        let Some((word, span)) = self.spanned_string(section, "encryption", r#""on""#) else {
            return (!by_string).then_some(Encryption::On);
        };
        match word.as_str() {
            "off" => Some(Encryption::Off),
            "on" => Some(Encryption::On),
            "strict" => Some(Encryption::Strict),
            _ => {
                let instead = nearest(&word, ["off", "on", "strict"]);
                let instead = instead.map_or(r#""off", "on" or "strict""#.to_owned(), |w| format!("{w:?}"));
                self.problem(span.start, format!("encryption = {word:?} is unknown"), Some(instead));
                None
            }
        }
    }

    fn password(&mut self, section: &Section<'_, '_>, by_string: bool) -> Password {
        let given: Vec<(&str, usize)> = ["password", "password_env", "password_file", "password_command"]
            .into_iter()
            .filter_map(|k| section.value(k).map(|v| (k, v.span().start)))
            .collect();
        if let [(first, _), (second, at), ..] = given[..] {
            let message = format!("{} has both {first} and {second}", section.title);
            self.problem(at, message, Some("one of them".into()));
        }
        let better = || Some(r#"password_env, password_file or password_command instead"#.to_owned());
        match given.first() {
            Some(("password", at)) => {
                self.warning(*at, format!("{} holds a password in clear text", section.title), better());
                // Not `string`: a password may be blank-looking, and no message may show it.
                match section.value("password").map(Spanned::get_ref) {
                    Some(DeValue::String(text)) => Password::Literal(Secret::new(text.as_ref())),
                    _ => {
                        self.problem(*at, "password must be a string", better());
                        Password::Ask
                    }
                }
            }
            Some(("password_env", at)) => {
                let name = self.string(section, "password_env", r#""PACRAT_MAIN_PASSWORD""#);
                let plain = |n: &String| {
                    !n.starts_with(|c: char| c.is_ascii_digit())
                        && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                };
                if name.as_ref().is_some_and(|n| !plain(n)) {
                    // Not repeated: it may be the password itself.
                    let instead = r#"password_env = "PACRAT_MAIN_PASSWORD", and the password into that variable"#;
                    self.problem(*at, "password_env is not the name of a variable", Some(instead.into()));
                }
                name.map_or(Password::Ask, Password::Env)
            }
            Some(("password_file", _)) => {
                self.path(section, "password_file", r#""/run/secrets/main""#).map_or(Password::Ask, Password::File)
            }
            Some(_) => self.words(section, "password_command").map_or(Password::Ask, Password::Command),
            None if by_string => self.password_of_string(section),
            None => Password::Ask,
        }
    }

    fn password_of_string(&mut self, section: &Section<'_, '_>) -> Password {
        let Some(value) = section.value("connection_string") else { return Password::Ask };
        let DeValue::String(text) = value.get_ref() else { return Password::Ask };
        let has = text.split(';').filter_map(|pair| pair.split_once('=')).any(|(key, _)| {
            let key = key.trim().to_ascii_lowercase();
            key == "password" || key == "pwd"
        });
        if !has {
            return Password::Ask;
        }
        let better = "it without Password, and password_env, password_file or password_command beside it";
        let message = format!("the connection_string of {} holds a password in clear text", section.title);
        self.warning(value.span().start, message, Some(better.into()));
        Password::InConnectionString
    }
}
