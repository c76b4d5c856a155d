//! An ADO.NET connection string taken apart into a [`Target`].
//!
//! The grammar is `System.Data.Common.DbConnectionStringBuilder`'s: `key=value;…`, keys in any case with synonyms,
//! blanks round both ends ignored, values in single or double quotes where they hold a semicolon or begin with a quote
//! (the quote doubled inside), `==` for an equals sign in a key. What this program cannot do (integrated security,
//! tokens, failover partners, attached files) is an error that names the key; what does not concern it (pooling, MARS)
//! is ignored; an unknown key is an error. No error repeats a value.

use std::time::Duration;

use super::target::{Encryption, Secret, Target};

/// A connection string that cannot be used. Holds no value of the string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringError {
    /// The text is not `key=value;…`.
    #[error("connection string, character {position}: {reason}")]
    Syntax {
        /// Counted from 1.
        position: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A key nobody knows.
    #[error("connection string: unknown key {key:?}")]
    UnknownKey {
        /// As written.
        key: String,
    },
    /// A key whose feature is not supported here.
    #[error("connection string: {key} is not supported; {instead}")]
    Unsupported {
        /// As written.
        key: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// A value that the key cannot have.
    #[error("connection string: {key} must be {expected}")]
    Value {
        /// As written.
        key: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// A key that must be there.
    #[error("connection string: {0} is missing")]
    Missing(&'static str),
    /// Parts that exclude each other.
    #[error("connection string: {0}")]
    Contradiction(String),
}

/// Makes a target of an ADO.NET connection string.
pub fn parse(text: &str) -> Result<Target, ConnectionStringError> {
    let mut target = Target::new("", "", Secret::default());
    for (key, value) in pairs(text)? {
        apply(&mut target, &key, &value)?;
    }
    if target.host.is_empty() {
        return Err(ConnectionStringError::Missing("Server"));
    }
    if target.user.is_empty() {
        return Err(ConnectionStringError::Missing("User ID"));
    }
    target.check().map_err(ConnectionStringError::Contradiction)?;
    Ok(target)
}

fn apply(target: &mut Target, key: &str, value: &str) -> Result<(), ConnectionStringError> {
    let bad = |expected| ConnectionStringError::Value { key: key.to_owned(), expected };
    let unsupported = |instead| ConnectionStringError::Unsupported { key: key.to_owned(), instead };
    let name: String = key.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    match name.as_str() {
        "server" | "datasource" | "address" | "addr" | "networkaddress" => data_source(target, value, &bad)?,
        "database" | "initialcatalog" => target.database = Some(value.to_owned()).filter(|v| !v.is_empty()),
        "userid" | "uid" | "user" => target.user = value.to_owned(),
        "password" | "pwd" => target.password = Secret::new(value),
        "encrypt" => {
            target.encryption = match value.to_ascii_lowercase().as_str() {
                "true" | "yes" | "mandatory" => Encryption::On,
                "false" | "no" | "optional" => Encryption::Off,
                "strict" => Encryption::Strict,
                _ => return Err(bad("true, false or strict")),
            }
        }
        "trustservercertificate" => {
            target.trust_certificate = boolean(value).ok_or_else(|| bad("true or false"))?;
        }
        "hostnameincertificate" => target.certificate_host = Some(value.to_owned()).filter(|v| !v.is_empty()),
        "trustservercertificateca" => target.ca_file = Some(value.into()).filter(|_| !value.is_empty()),
        "connecttimeout" | "connectiontimeout" | "timeout" => {
            target.connect_timeout = seconds(value).ok_or_else(|| bad("a number of seconds, 0 for no limit"))?;
        }
        "commandtimeout" => {
            target.command_timeout = seconds(value).ok_or_else(|| bad("a number of seconds, 0 for no limit"))?;
        }
        "applicationname" | "app" => target.application = value.to_owned(),
        "integratedsecurity" | "trustedconnection" | "trusted_connection" => {
            if boolean(value).unwrap_or(true) {
                return Err(unsupported("write User ID and Password of a SQL login"));
            }
        }
        "authentication" => {
            if !value.eq_ignore_ascii_case("SqlPassword") && !value.eq_ignore_ascii_case("Sql Password") {
                return Err(unsupported("only Sql Password is"));
            }
        }
        "attachdbfilename" | "extendedproperties" | "initialfilename" => {
            return Err(unsupported("attach the database first"));
        }
        "failoverpartner" | "failoverpartnerspn" => return Err(unsupported("name the server that is primary now")),
        "userinstance" => {
            if boolean(value).unwrap_or(true) {
                return Err(unsupported("name a server that runs"));
            }
        }
        // Nothing of these changes what a backup or restore does.
        "pooling"
        | "minpoolsize"
        | "maxpoolsize"
        | "poolblockingperiod"
        | "connectionlifetime"
        | "loadbalancetimeout"
        | "connectionreset"
        | "multipleactiveresultsets"
        | "persistsecurityinfo"
        | "packetsize"
        | "workstationid"
        | "wsid"
        | "currentlanguage"
        | "language"
        | "enlist"
        | "replication"
        | "typesystemversion"
        | "transactionbinding"
        | "asynchronousprocessing"
        | "async"
        | "contextconnection"
        | "applicationintent"
        | "multisubnetfailover"
        | "transparentnetworkipresolution"
        | "connectretrycount"
        | "connectretryinterval"
        | "columnencryptionsetting"
        | "enclaveattestationurl"
        | "attestationprotocol"
        | "ipaddresspreference"
        | "networklibrary"
        | "network"
        | "net"
        | "serverspn" => {}
        _ => return Err(ConnectionStringError::UnknownKey { key: key.to_owned() }),
    }
    Ok(())
}

/// `[tcp:]host[\instance][,port]`; `(local)` and `.` are this machine.
fn data_source(
    target: &mut Target,
    value: &str,
    bad: &dyn Fn(&'static str) -> ConnectionStringError,
) -> Result<(), ConnectionStringError> {
    let expected = "host, host,port or host\\instance, with or without tcp:";
    let value = value.trim();
    let value = match value.split_once(':') {
        Some((protocol, rest)) if protocol.eq_ignore_ascii_case("tcp") => rest.trim(),
        Some((protocol, _)) if ["np", "lpc", "admin"].iter().any(|p| protocol.eq_ignore_ascii_case(p)) => {
            return Err(bad(expected));
        }
        _ => value,
    };
    let (host, port) = match value.rsplit_once(',') {
        Some((host, port)) => (host.trim(), Some(port.trim().parse::<u16>().map_err(|_| bad(expected))?)),
        None => (value, None),
    };
    let (host, instance) = match host.split_once('\\') {
        Some((host, instance)) => (host.trim(), Some(instance.trim())),
        None => (host, None),
    };
    let host = match host {
        "." | "(local)" => "localhost",
        host => host.trim_start_matches('[').trim_end_matches(']'),
    };
    if host.is_empty() || port == Some(0) || instance == Some("") {
        return Err(bad(expected));
    }
    target.host = host.to_owned();
    target.port = port;
    target.instance = instance.filter(|i| !i.eq_ignore_ascii_case("MSSQLSERVER")).map(str::to_owned);
    Ok(())
}

fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "sspi" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn seconds(value: &str) -> Option<Duration> {
    value.parse::<u32>().ok().map(|s| Duration::from_secs(u64::from(s)))
}

/// Splits `key=value;…`. Positions are counted in characters from 1.
fn pairs(text: &str) -> Result<Vec<(String, String)>, ConnectionStringError> {
    let chars: Vec<char> = text.chars().collect();
    let syntax = |position: usize, reason| ConnectionStringError::Syntax { position: position + 1, reason };
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        while at < chars.len() && (chars[at].is_whitespace() || chars[at] == ';') {
            at += 1;
        }
        if at == chars.len() {
            return Ok(out);
        }
        let start = at;
        let mut key = String::new();
        loop {
            match chars.get(at) {
                Some('=') if chars.get(at + 1) == Some(&'=') => {
                    key.push('=');
                    at += 2;
                }
                Some('=') => {
                    at += 1;
                    break;
                }
                Some(';') | None => return Err(syntax(start, "a key without '='")),
                Some(c) => {
                    key.push(*c);
                    at += 1;
                }
            }
        }
        let key = key.trim().to_owned();
        if key.is_empty() {
            return Err(syntax(start, "'=' without a key"));
        }
        while chars.get(at).is_some_and(|c| c.is_whitespace()) {
            at += 1;
        }
        let mut value = String::new();
        match chars.get(at).copied() {
            Some(quote @ ('\'' | '"')) => {
                let opened = at;
                at += 1;
                loop {
                    match chars.get(at) {
                        Some(c) if *c == quote && chars.get(at + 1) == Some(&quote) => {
                            value.push(quote);
                            at += 2;
                        }
                        Some(c) if *c == quote => {
                            at += 1;
                            break;
                        }
                        Some(c) => {
                            value.push(*c);
                            at += 1;
                        }
                        None => return Err(syntax(opened, "a quoted value that does not end")),
                    }
                }
                while chars.get(at).is_some_and(|c| c.is_whitespace()) {
                    at += 1;
                }
                if !matches!(chars.get(at), Some(';') | None) {
                    return Err(syntax(at, "';' expected after a quoted value"));
                }
            }
            _ => {
                while let Some(c) = chars.get(at).filter(|c| **c != ';') {
                    value.push(*c);
                    at += 1;
                }
                value.truncate(value.trim_end().len());
            }
        }
        out.push((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_string_of_azure() {
        let t = parse(
            "Server=tcp:contoso.database.windows.net,1433;Initial Catalog=Orders;Persist Security Info=False;\
             User ID=backup;Password={x;MultipleActiveResultSets=False;Encrypt=True;TrustServerCertificate=False;\
             Connection Timeout=30;",
        )
        .unwrap();
        assert_eq!((t.host.as_str(), t.port), ("contoso.database.windows.net", Some(1433)));
        assert_eq!(t.database.as_deref(), Some("Orders"));
        assert_eq!(t.user, "backup");
        assert_eq!(t.password.expose(), "{x");
        assert_eq!((t.encryption, t.trust_certificate), (Encryption::On, false));
        assert_eq!(t.connect_timeout, Duration::from_secs(30));
    }

    #[test]
    fn quotes_synonyms_and_cases() {
        let t = parse(r#" data source = .\EAST ; UID="a;b" ; pwd='it''s = "x"'; database = ; Encrypt=strict"#).unwrap();
        assert_eq!((t.host.as_str(), t.instance.as_deref()), ("localhost", Some("EAST")));
        assert_eq!(t.user, "a;b");
        assert_eq!(t.password.expose(), r#"it's = "x""#);
        assert_eq!(t.database, None);
        assert_eq!(t.encryption, Encryption::Strict);
    }

    #[test]
    fn the_last_of_two_equal_keys_wins() {
        assert_eq!(parse("Server=a;Server=b;User=u").unwrap().host, "b");
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for (text, words) in [
            ("Server=a;Integrated Security=SSPI", "User ID and Password"),
            ("Server=a;User=u;Encrypt=maybe", "Encrypt must be true, false or strict"),
            ("Server=a;User=u;Colour=red", "unknown key \"Colour\""),
            ("User=u", "Server is missing"),
            ("Server=a", "User ID is missing"),
            ("Server=np:a;User=u", "Server must be"),
            ("Server=a,port;User=u", "Server must be"),
            ("Server", "character 1: a key without '='"),
            ("Server=a;Password='x", "character 19: a quoted value that does not end"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(words), "{text}: {message}");
        }
    }

    #[test]
    fn no_error_repeats_a_value() {
        for text in ["Server=a;Password='hunter2", "Server=a;Pwd=hunter2;x", "Server=hunter2,x;User=u"] {
            assert!(!parse(text).unwrap_err().to_string().contains("hunter2"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_password_survives_quoting(password in "\\PC{0,30}") {
            let text = format!("Server=h;User=u;Password=\"{}\"", password.replace('"', "\"\""));
            let target = parse(&text).unwrap();
            prop_assert_eq!(target.password.expose(), password);
        }

        #[test]
        fn no_text_panics(text in "[a-z=;'\" \\\\,:]{0,60}") {
            let _ = parse(&text);
        }
    }
}
