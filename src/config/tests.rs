//! The configuration file: its example, its layers, its problems by line and column.

use std::collections::BTreeSet;

use super::*;

const EXAMPLE: &str = include_str!("../../config.example.toml");

fn parse(text: &str) -> Result<(Config, Vec<Problem>), ConfigError> {
    Config::parse(Path::new("/etc/pacrat/config.toml"), text)
}

/// The problems of a text, one a line.
fn problems(text: &str) -> String {
    parse(text).expect_err("a problem").to_string()
}

const SERVER: &str = "[servers.main]\nhost = \"db1\"\nlogin = \"sa\"\n";

#[test]
fn the_example_equals_the_defaults() {
    let (config, warnings) = parse(EXAMPLE).expect("the example reads");
    assert_eq!(config, Config::default());
    assert_eq!(warnings, Vec::new());
}

#[test]
fn the_example_with_its_samples_switched_on_reads_and_names_every_key() {
    let text = EXAMPLE.replace("#:", "");
    let (config, warnings) = parse(&text).expect("the samples read");
    assert_eq!(warnings, Vec::new());
    assert_eq!(config.tenants["Fabrikam Inc."].database, "fabrikam");
    assert_eq!(config.servers["main"].password, Password::Env("PACRAT_MAIN_PASSWORD".into()));
    // Complete: every known key stands in the example, in a comment at least.
    let words: BTreeSet<&str> = EXAMPLE
        .lines()
        .map(|l| l.trim_start_matches(['#', ':', ' ']))
        .filter_map(|l| l.split_once(" = ").map(|(k, _)| k))
        .collect();
    for key in read::TOP.iter().chain(read::SERVER).chain(read::TENANT).chain(read::STORE).chain(read::RESTORE) {
        let title = [format!("[{key}."), format!("\n[{key}]"), format!(".{key}]")];
        let section = title.iter().any(|title| EXAMPLE.contains(title));
        assert!(words.contains(key) || section, "config.example.toml does not show {key}");
    }
}

#[test]
fn a_problem_tells_file_line_column_and_what_to_write_instead() {
    assert_eq!(
        problems("product = \"x\"\n  wrokers = 3\n"),
        "/etc/pacrat/config.toml:2:3: unknown key \"wrokers\" in the file; write workers"
    );
    assert_eq!(
        problems(&format!("{SERVER}[tenants.acme]\nsevrer = \"main\"\n")),
        "/etc/pacrat/config.toml:4:10: [tenants.acme] has no server; write server = \"main\"\n\
         /etc/pacrat/config.toml:5:1: unknown key \"sevrer\" in [tenants.acme]; write server"
    );
    assert_eq!(
        problems("workers = \"four\""),
        "/etc/pacrat/config.toml:1:11: workers must be an integer, and is a string; write workers = 0"
    );
    assert_eq!(
        problems("workers = 99999"),
        "/etc/pacrat/config.toml:1:11: workers = 99999 is out of range; write a number from 0 to 256"
    );
    assert_eq!(
        problems(&format!("{SERVER}encryption = \"ON\"")),
        "/etc/pacrat/config.toml:4:14: encryption = \"ON\" is unknown; write \"on\""
    );
    assert_eq!(
        problems(&format!("{SERVER}[tenants.\"Übung 1\"]\nserver = \"mian\"")),
        "/etc/pacrat/config.toml:5:10: server = \"mian\" names nothing in [servers]; write server = \"main\""
    );
    assert_eq!(
        problems(&format!("{SERVER}trust_certificate = true\nca_file = \"x\"")),
        "/etc/pacrat/config.toml:4:21: trust_certificate and ca_file exclude each other; \
         write trust_certificate = false"
    );
    assert_eq!(
        problems("[servers.main]\nhost = \"db1,1444\"\nlogin = \"sa\""),
        "/etc/pacrat/config.toml:2:8: host = \"db1,1444\" holds the port; write host = \"db1\" and port = 1444"
    );
    assert_eq!(
        problems("[stores]\npath = \"/x\""),
        "/etc/pacrat/config.toml:2:1: unknown key \"path\" in [stores]: it is a string, not a table; \
         write [stores.path]"
    );
    assert_eq!(
        problems("[stores.a]\npath = \"/a\"\n[stores.b]\npath = \"/b\""),
        "/etc/pacrat/config.toml:1:1: there are several stores, and none is said to take the backups; \
         write store = \"a\""
    );
}

#[test]
fn a_broken_file_tells_the_place_and_keeps_a_secret() {
    let text = problems("[servers.main]\npassword = \"hunter2\nhost = \"x\"");
    assert!(text.starts_with("/etc/pacrat/config.toml:2:"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let twice = problems("[stores.a]\npath = \"/a\"\n[stores.a]\npath = \"/b\"");
    assert!(twice.starts_with("/etc/pacrat/config.toml:3:"), "{twice}");
}

#[test]
fn a_literal_password_warns_and_never_shows() {
    let (config, warnings) = parse(&format!("{SERVER}password = \"hunter2\"")).unwrap();
    assert_eq!(
        warnings[0].to_string(),
        "/etc/pacrat/config.toml:4:12: [servers.main] holds a password in clear text; \
         write password_env, password_file or password_command instead"
    );
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.servers["main"].password.resolve(&|_| None).unwrap().reveal(), "hunter2");

    let text = "[servers.az]\nconnection_string = \"Server=db,1433;User ID=sa;Password=hunter2\"";
    let (config, warnings) = parse(text).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(!warnings[0].to_string().contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.servers["az"].password, Password::InConnectionString);
}

#[test]
fn passwords_come_from_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "from file\nsecond line\n").unwrap();
    let text = |p: Password| p.resolve(&|name| (name == "PW").then(|| "from env".to_owned()));
    assert_eq!(text(Password::Env("PW".into())).unwrap().reveal(), "from env");
    assert_eq!(text(Password::File(file.clone())).unwrap().reveal(), "from file");
    assert_eq!(text(Password::Env("NO".into())).unwrap_err().to_string(), "environment variable NO is not set");
    std::fs::write(&file, "\n").unwrap();
    let empty = text(Password::File(file.clone())).unwrap_err().to_string();
    assert_eq!(empty, format!("the file {} gave an empty password", file.display()));
    assert!(matches!(text(Password::Ask), Err(PasswordError::NotAsked)));
    if cfg!(unix) {
        let command = |words: &[&str]| text(Password::Command(words.iter().map(ToString::to_string).collect()));
        assert_eq!(command(&["printf", "from command\nmore"]).unwrap().reveal(), "from command");
        assert_eq!(
            command(&["false"]).unwrap_err().to_string(),
            "the password command false ended with exit status: 1"
        );
        assert!(matches!(command(&["/no/such/program"]), Err(PasswordError::Run { .. })));
    }
}

#[test]
fn layers_lie_over_each_other_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "workers = 3\nproduct = \"file\"\n").unwrap();
    let environment = |name: &str| match name {
        "PACRAT_WORKERS" => Some("5".to_owned()),
        "PACRAT_PRODUCT" => Some("environment".to_owned()),
        _ => None,
    };
    let load = |env: &dyn Fn(&str) -> Option<String>, flags: &Overrides| {
        Config::load(Some(&file), env, flags).map(|l| (l.config.workers, l.config.product))
    };
    let none = Overrides::default();
    assert_eq!(load(&|_| None, &none).unwrap(), (3, "file".into()));
    assert_eq!(load(&environment, &none).unwrap(), (5, "environment".into()));
    let flags = Overrides { workers: Some(7), ..Overrides::default() };
    assert_eq!(load(&environment, &flags).unwrap(), (7, "environment".into()));
    let wrong = |name: &str| (name == "PACRAT_WORKERS").then(|| "many".to_owned());
    assert_eq!(
        load(&wrong, &none).unwrap_err().to_string(),
        "environment variable PACRAT_WORKERS: \"many\" is not a number of workers; \
         write PACRAT_WORKERS=4, or 0 for one per core"
    );
    let missing = Config::load(Some(&dir.path().join("no.toml")), &|_| None, &none);
    assert!(matches!(missing, Err(ConfigError::Unreadable { .. })));
}

#[test]
fn stores_have_a_default_and_relative_paths_start_at_the_file() {
    let (config, _) = parse("data_dir = \"data\"").unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/pacrat/data"));
    assert_eq!(config.effective_stores()["local"].path, Path::new("/etc/pacrat/data/backups"));
    let (config, _) = parse(&format!("{SERVER}[stores.nas]\npath = \"/nas\"\n[tenants.a]\nserver = \"main\"")).unwrap();
    assert_eq!(config.store_of(&config.tenants["a"]), "nas");
    assert_eq!(config.tenants["a"].database, "a");
}

#[test]
fn a_file_that_is_no_text_says_where_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let told = |bytes: &[u8]| {
        let file = dir.path().join("config.toml");
        std::fs::write(&file, bytes).unwrap();
        let error = Config::load(Some(&file), &|_| None, &Overrides::default()).unwrap_err();
        error.to_string().replace(&format!("{}", file.display()), "FILE")
    };
    assert_eq!(
        told(b"workers = 2\nproduct = \"M\xFCller\"\n"),
        "FILE:2:13: here is a byte that is no UTF-8; write text in UTF-8"
    );
    assert_eq!(told(b"\xFF\xFEw\0o\0"), "FILE:1:1: the file is UTF-16; write the same text saved as UTF-8");
    assert_eq!(
        told(&vec![b' '; 5 << 20]),
        "FILE:1:1: the file is larger than 4 MB: it is no configuration; write the path of another file"
    );
}

#[test]
fn many_problems_take_no_time_and_the_first_are_told() {
    let text: String = (0..50_000).map(|n| format!("[servers.s{n}]\nhost=\"h\"\nlogin=\"l\"\nhsot=1\n")).collect();
    let begun = std::time::Instant::now();
    let told = problems(&text);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert_eq!(told.lines().count(), 51);
    assert!(told.starts_with("/etc/pacrat/config.toml:4:1: unknown key \"hsot\""), "{}", &told[..200]);
    assert!(told.ends_with("\nand 49950 more"));
}

#[test]
fn a_password_in_the_place_of_a_variables_name_is_not_repeated() {
    for value in ["hunter2 secret", "p@ss-hunter2", "2hunter2"] {
        let told = problems(&format!("{SERVER}password_env = {value:?}\n"));
        assert!(told.contains(":4:16: password_env is not the name of a variable"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn patterns_of_names_are_read_and_their_mistakes_told() {
    let (config, _) =
        parse("backup_name = \"{database}-{yyyy-MM-dd-HH.mm.ss}.bacpac\"\nrestore_name = \"{tenant}_x\"").unwrap();
    assert_eq!(config.backup_name.to_string(), "{database}-{yyyy-MM-dd-HH.mm.ss}");
    assert_eq!(config.restore_name.to_string(), "{tenant}_x");
    assert_eq!(
        problems("product = \"x\"\nbackup_name = \"{tenant}_{yyyyMMdd}\""),
        "/etc/pacrat/config.toml:2:15: backup_name: the time has no HH: backups of one tenant would have the same name; \
         write backup_name = \"{tenant}_{yyyyMMddHHmmss}\""
    );
    assert!(problems("restore_name = \"again\"").contains("needs {tenant} or {database}"));
}

#[test]
fn a_restore_has_its_defaults_here_and_what_contradicts_is_said_with_its_place() {
    use crate::bacpac::script::{Choice, Content, Users};
    let text = "[restore]\ncontent = \"schema\"\ntables = [\"dbo.A\", \"[x]].y].[z]\"]\ndependencies = false\n\
                [restore.map_users]\nporter = \"warden\"\n\"CORP\\\\app ]x[\" = \"app\"\n";
    let (config, _) = parse(text).unwrap();
    let map = [("porter", "warden"), ("CORP\\app ]x[", "app")].map(|(u, l)| (u.to_owned(), l.to_owned()));
    let wants = Choice {
        content: Content::Schema,
        tables: vec!["dbo.A".into(), "[x]].y].[z]".into()],
        dependencies: false,
        users: Users::MapPresent(map.into()),
        ..Choice::default()
    };
    assert_eq!(config.restore, wants);
    let says = |text: &str, wants: &str| {
        let problems = problems(&format!("[restore]\n{text}\n"));
        assert!(problems.contains(wants), "{text}: {problems}");
    };
    // The words of the flags and of the dialog.
    says("compatibility_level = 155", "toml:2:23: 155 is not a compatibility level: 90 to 170, in tens");
    says("collation = \"a b\"", "toml:2:13: \"a b\" is not the name of a collation");
    says("map_users = { porter = \"\" }", "toml:2:24: \"\" is no name of a login for user porter");
    says("map_users = { porter = 1 }", "porter must be the name of a login, and is an integer");
    says(
        "users = \"none\"\nmap_users = { a = \"b\" }",
        "toml:3:13: users = \"none\" and map_users contradict each other",
    );
    says("content = \"rows\"", "content = \"rows\" is unknown");
    says("tables = \"dbo.A\"", "write tables = [\"dbo.Orders\"]");
    says("into_existing = \"Live\"", "into_existing can't be configured");
}
