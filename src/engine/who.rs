//! Who runs pacrat: the operating system's user, for the manifest of a backup.

use std::path::Path;

/// The user's name: by the environment, else by the process's number in the system's list of users.
pub(super) fn who() -> String {
    name(&|variable| std::env::var(variable).ok(), user_number(), Path::new("/etc/passwd"))
}

fn name(environment: &dyn Fn(&str) -> Option<String>, number: Option<u32>, users: &Path) -> String {
    let said = |variable: &str| environment(variable).map(|n| plain(&n)).filter(|n| !n.is_empty());
    let own = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(said);
    // Behind sudo everybody is root: the person is told.
    let own = match own.as_deref() {
        None | Some("root") => said("SUDO_USER").or(own),
        Some(_) => own,
    };
    own.or_else(|| listed(number?, users)).or_else(|| number.map(|n| format!("uid {n}"))).unwrap_or("unknown".into())
}

/// What an environment holds may be anything; a name is short and has no control characters.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect::<String>().trim().to_owned()
}

/// The name of a number in a list of users (`name:password:number:…`).
fn listed(number: u32, users: &Path) -> Option<String> {
    let text = std::fs::read_to_string(users).ok()?;
    let wanted = number.to_string();
    let name = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == wanted).then(|| plain(name))
    });
    name.filter(|n| !n.is_empty())
}

/// The number of this process's user.
fn user_number() -> Option<u32> {
    #[cfg(unix)]
    {
        Some(rustix::process::getuid().as_raw())
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_named_whatever_the_environment_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let users = dir.path().join("passwd");
        std::fs::write(&users, "root:x:0:0::/root:/bin/sh\nbackup:x:34:34::/var:/bin/sh\nbroken\n").unwrap();
        let who = |set: &[(&str, &str)], number: Option<u32>| {
            let set: Vec<(String, String)> = set.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
            name(&|k| set.iter().find(|(key, _)| key == k).map(|(_, v)| v.clone()), number, &users)
        };
        assert_eq!(who(&[("USER", "ada"), ("SUDO_USER", "bob")], Some(34)), "ada");
        assert_eq!(who(&[("USER", "root"), ("SUDO_USER", "bob")], Some(0)), "bob");
        assert_eq!(who(&[("USER", ""), ("LOGNAME", "ada\u{1b}[2J")], Some(34)), "ada[2J");
        assert_eq!(who(&[("SUDO_USER", "bob")], Some(0)), "bob");
        assert_eq!(who(&[], Some(34)), "backup");
        assert_eq!(who(&[], Some(4711)), "uid 4711");
        assert_eq!(who(&[], None), "unknown");
    }
}
