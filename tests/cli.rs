//! The binary as a script sees it: output, JSON shapes, exit codes.

mod support;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use support::binary::Pacrat;
use support::shared;

#[test]
fn help_is_as_it_was() {
    let pacrat = Pacrat::new();
    let ran = pacrat.run(&["--help"]);
    assert_eq!(ran.code, 0);
    // It names the platform's folders.
    if cfg!(target_os = "linux") {
        insta::assert_snapshot!("help", ran.out);
    }
    for command in [
        "tenants", "list", "backup", "restore", "verify", "inspect", "rows", "script", "diff", "jobs", "demo",
        "sandbox",
    ] {
        let ran = pacrat.run(&[command, "--help"]);
        insta::assert_snapshot!(
            format!("help-{command}"),
            ran.out.split("\nOptions of every command:").next().unwrap()
        );
    }
    assert_eq!(pacrat.run(&["help", "exit-codes"]).code, 0);
    let codes: serde_json::Value = serde_json::from_str(&pacrat.run(&["exit-codes", "--json"]).out).unwrap();
    assert_eq!(codes[6]["code"], 6);
}

#[test]
fn a_wrong_command_line_is_usage() {
    let pacrat = Pacrat::new();
    for arguments in [&["frobnicate"][..], &["rows"], &["list", "--nope"], &["verify", "/no/such/file"]] {
        let ran = pacrat.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {ran:?}");
        assert!(!ran.err.is_empty());
    }
}

#[test]
fn a_wrong_configuration_says_where_and_what_to_write() {
    let pacrat = Pacrat::new().config("[servers.main]\nhsot = \"db1\"\nlogin = \"sa\"\n");
    let ran = pacrat.run(&["list"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("config.toml:2:1: unknown key \"hsot\" in [servers.main]; write host"), "{}", ran.err);
    let ran = pacrat.run(&["list", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, error["error"]["kind"].as_str()), (3, Some("configuration")));
    assert_eq!(pacrat.run(&["list", "--config", "/no/such/file"]).code, 3);
}

#[test]
fn a_list_of_nothing_is_empty_and_files_brought_by_hand_are_listed() {
    let pacrat = Pacrat::new();
    let store = pacrat.home().join("store");
    let pacrat = pacrat.config(&format!("[stores.here]\npath = {:?}\n", store.display().to_string()));
    let ran = pacrat.run(&["list"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", "no backups\n"));
    assert_eq!(pacrat.run(&["list", "--json"]).out, "[]\n");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("acme_20260102030405.bacpac"), "x").unwrap();
    std::fs::write(store.join("acme_20260102030406.bacpac.partial"), "x").unwrap();
    let ran = pacrat.run(&["list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1, "a partial file is no backup");
    assert_eq!(list[0]["tenant"], "acme");
    assert_eq!(list[0]["taken"], "2026-01-02T03:04:05Z");
    assert_eq!(list[0]["backup"]["store"], "here");
    assert!(list[0]["verification"].is_null(), "what was not checked is not called good");
    let ran = pacrat.run(&["list", "acme"]);
    assert!(ran.out.contains("not checked"), "{}", ran.out);
    assert_eq!(pacrat.run(&["list", "other", "--json"]).out, "[]\n");
    let ran = pacrat.run(&["list", "other"]);
    assert_eq!(ran.err, "no backups of other, and no tenant of that name in the configuration\n");
    assert_eq!(ran.code, 2, "a wrong name is told from a tenant without backups");
}

#[test]
fn files_need_no_configuration_and_leave_no_trace() {
    let Some(shared) = shared("files_need_no_configuration_and_leave_no_trace") else { return };
    let pacrat = Pacrat::new();
    let file = shared.join("bacpacs/northwind.bacpac");
    let file = file.to_str().unwrap();
    let ran = pacrat.run(&["verify", file]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("northwind.bacpac: good, 3,308 rows, "), "{}", ran.out);
    let ran = pacrat.run(&["verify", file, "--json"]);
    let events: Vec<serde_json::Value> = ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let last = &events.last().unwrap()["what"];
    assert_eq!((last["event"].as_str(), last["state"].as_str()), (Some("ended"), Some("completed")));
    assert_eq!(last["summary"]["rows"], 3308);
    let ran = pacrat.run(&["inspect", file, "--json"]);
    let details: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let tables = details["tables"].as_array().unwrap();
    let orders = tables.iter().find(|t| t["table"] == "Order Details").unwrap();
    assert_eq!((orders["rows"].as_u64(), orders["columns"].as_u64()), (Some(2155), Some(5)));
    let ran = pacrat.run(&["inspect", file]);
    assert!(ran.out.contains("dbo.Order Details"), "{}", ran.out);
    let ran = pacrat.run(&["rows", file, "dbo.Order Details", "--limit", "2", "--format", "csv"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[1..], ["10248,11,14.0000,12,0", "10248,42,9.8000,10,0"]);
    let ran = pacrat.run(&["script", file]);
    assert!(ran.out.contains("CREATE TABLE [dbo].[Order Details]"), "{}", ran.out);
    let ran = pacrat.run(&["rows", file, "dbo.Order Details", "--limit", "1", "--json"]);
    let row: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(row["UnitPrice"], "14.0000");
    assert_eq!(pacrat.run(&["rows", file, "dbo.Nope"]).code, 2);
    for near in ["orders", "dbo.Ordrs"] {
        let ran = pacrat.run(&["rows", file, near]);
        assert!(ran.code == 2 && ran.err.contains("there is dbo.Orders"), "{near}: {}", ran.err);
    }
    assert_eq!(std::fs::read_dir(pacrat.home()).unwrap().count(), 0, "something was written at home");
}

#[test]
fn a_manifest_of_impossible_figures_is_listed_without_their_sum() {
    let pacrat = Pacrat::new();
    let store = pacrat.home().join("store");
    std::fs::create_dir(&store).unwrap();
    let file = store.join("acme_20260203040506.bacpac");
    std::fs::write(&file, "x").unwrap();
    let table = |name: &str| serde_json::json!({"schema": "dbo", "table": name, "rows": u64::MAX, "bytes": u64::MAX});
    let manifest = serde_json::json!({
        "version": 1, "tenant": "acme", "server": "s", "database": "d", "started": "-009999-01-02T01:59:59Z",
        "ended": "9999-12-30T22:00:00Z", "trigger": "manual", "who": "w", "comment": null, "pacrat": "0",
        "source_version": "15", "consistency": "unknown", "tables": [table("a"), table("b")], "not_carried": [],
        "size": 1, "sha256": "", "verification": {"level": "rows", "at": "9999-12-30T22:00:00Z"},
    });
    std::fs::write(store.join("acme_20260203040506.bacpac.json"), manifest.to_string()).unwrap();
    let pacrat = pacrat.config(&format!("[stores.here]\npath = {:?}\n", store.display().to_string()));
    let ran = pacrat.run(&["list", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let list: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&list[0]["tenant"], &list[0]["rows"]), (&"acme".into(), &serde_json::Value::Null));
    let ran = pacrat.run(&["list"]);
    assert!(ran.code == 0 && ran.out.contains("acme_20260203040506.bacpac"), "{ran:?}");
    assert_ne!(pacrat.run(&["inspect", file.to_str().unwrap()]).code, 101);
    assert_ne!(pacrat.run(&["verify", file.to_str().unwrap()]).code, 101);
}

#[test]
fn a_file_under_a_name_of_its_own_is_listed_with_what_its_package_says() {
    let Some(shared) = shared("a_file_under_a_name_of_its_own_is_listed_with_what_its_package_says") else { return };
    let pacrat = Pacrat::new();
    let store = pacrat.home().join("store");
    std::fs::create_dir(&store).unwrap();
    std::fs::copy(shared.join("bacpacs/every-type.bacpac"), store.join("from a colleague.bacpac")).unwrap();
    std::fs::write(store.join("broken.bacpac"), "x").unwrap();
    let pacrat = pacrat.config(&format!("[stores.here]\npath = {:?}\n", store.display().to_string()));
    let ran = pacrat.run(&["list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let found = list.as_array().unwrap().iter().find(|b| b["backup"]["file"] == "from a colleague.bacpac").unwrap();
    assert_eq!(
        (found["tenant"].as_str(), found["taken"].as_str()),
        (Some("Test"), Some("2023-09-28T10:11:03.9901897Z"))
    );
    assert_eq!(found["manifest"], serde_json::Value::Null);
    let broken = list.as_array().unwrap().iter().find(|b| b["backup"]["file"] == "broken.bacpac").unwrap();
    assert!(broken["problem"].as_str().unwrap().contains("not a zip archive"));
    assert_eq!(pacrat.run(&["verify", "from a colleague"]).code, 0);
}

#[test]
fn canonical_rows_have_the_expected_digests() {
    use sha2::{Digest, Sha256};
    let Some(shared) = shared("canonical_rows_have_the_expected_digests") else { return };
    let pacrat = Pacrat::new();
    for name in ["northwind", "every-type", "saas-accelerator-2017"] {
        let file = shared.join(format!("bacpacs/{name}.bacpac"));
        let expected = std::fs::read(shared.join(format!("bacpacs/expected/{name}.json"))).unwrap();
        let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
        for (table, expected) in expected.as_object().unwrap() {
            let ran = pacrat.run(&["rows", file.to_str().unwrap(), table, "--format", "canonical"]);
            assert_eq!(ran.code, 0, "{table}: {ran:?}");
            let digest = Sha256::digest(ran.out.strip_suffix('\n').unwrap().as_bytes());
            let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(digest, expected["sha256"].as_str().unwrap(), "{name} {table}");
        }
    }
}

#[test]
fn damage_is_told_by_its_own_exit_code() {
    let Some(shared) = shared("damage_is_told_by_its_own_exit_code") else { return };
    let pacrat = Pacrat::new();
    let whole = std::fs::read(shared.join("bacpacs/northwind.bacpac")).unwrap();
    let damaged = pacrat.home().join("damaged.bacpac");
    std::fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
    let ran = pacrat.run(&["verify", damaged.to_str().unwrap()]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("cut off") && ran.err.contains("hint: "), "{}", ran.err);
    let mut flipped = whole;
    flipped[100_000] ^= 1;
    std::fs::write(&damaged, &flipped).unwrap();
    let ran = pacrat.run(&["verify", damaged.to_str().unwrap(), "--json"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    assert_eq!(
        (last["what"]["state"].as_str(), last["what"]["failure"]["kind"].as_str()),
        (Some("failed"), Some("damaged"))
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_the_output_quietly() {
    let Some(shared) = shared("a_reader_that_goes_away_ends_the_output_quietly") else { return };
    let pacrat = assert_cmd::cargo::cargo_bin("pacrat");
    let file = shared.join("bacpacs/tsql-142-parts.bacpac");
    let inspect = Command::new(&pacrat).args(["inspect", file.to_str().unwrap(), "--json"]).output().unwrap();
    let details: serde_json::Value = serde_json::from_slice(&inspect.stdout).unwrap();
    let tables = details["tables"].as_array().unwrap();
    let big = tables.iter().max_by_key(|t| t["bytes"].as_u64()).unwrap();
    let table = format!("{}.{}", big["schema"].as_str().unwrap(), big["table"].as_str().unwrap());
    for format in ["csv", "jsonl", "canonical"] {
        let line = format!("'{}' rows '{}' '{table}' --format {format} | head -1", pacrat.display(), file.display());
        let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
        assert_eq!(output.stdout.iter().filter(|b| **b == b'\n').count(), 1, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_takes_a_rule_about_encryption() {
    use pacrat::sqlserver::target::{Encryption, Secret, Target};
    use std::io::{BufRead, BufReader};
    let connects = async |port: u16, encryption: Encryption| {
        let mut target = Target::new("127.0.0.1", "sa", Secret::new("Some-word-1"));
        (target.port, target.encryption, target.trust_certificate) = (Some(port), encryption, true);
        let never = tokio_util::sync::CancellationToken::new();
        // Both drivers are in use.
        let questions = pacrat::sqlserver::connect::open_questions(&target, &never).await.map(|_| ());
        let rows = pacrat::sqlserver::connect::open_rows(&target, &never).await.map(|_| ());
        if let Err(error) = &rows {
            assert!(error.to_string().ends_with("the server offers no encryption"), "{error}");
            assert!(error.hint().is_some_and(|h| h.contains("certificate")), "{error}");
        }
        assert_eq!(questions.is_ok(), rows.is_ok(), "{questions:?} {rows:?}");
        rows.is_ok()
    };
    // pacrat itself sends no password without encryption: a server that has none is refused.
    for (rule, off, on) in [("off", false, false), ("on", true, true), ("required", true, true)] {
        let arguments = ["sandbox", "--json", "--listen", "127.0.0.1:0", "--encryption", rule, "--login", "sa:@WORD"];
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("pacrat"))
            .env("WORD", "Some-word-1")
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let port = told["address"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        assert_eq!(told["certificate"].is_null(), rule == "off", "{told}");
        assert_eq!((connects(port, Encryption::Off).await, connects(port, Encryption::On).await), (off, on), "{rule}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(Pacrat::new().run(&["sandbox", "--encryption", "maybe"]).code, 2);
}

/// A server that is not there, and a tenant on it.
const NOBODY: &str = "[servers.gone]\nhost = \"127.0.0.1\"\nport = 1\nlogin = \"sa\"\npassword = \"hunter2\"\n\
                      connect_timeout = 2\n[tenants.acme]\nserver = \"gone\"\ndatabase = \"Acme\"\n";

#[test]
fn a_server_that_is_not_there_has_its_own_exit_code_and_the_journal_knows() {
    let pacrat = Pacrat::new().config(NOBODY);
    let ran = pacrat.run(&["backup", "acme"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("error: tenant acme (database Acme on gone) was not backed up"), "{}", ran.err);
    assert!(ran.err.contains("cannot reach 127.0.0.1:1") && ran.err.contains("hint: "), "{}", ran.err);
    assert!(ran.err.contains("warning: ") && ran.err.contains("config.toml:5:12"), "{}", ran.err);
    assert!(!ran.err.contains("hunter2") && !ran.out.contains("hunter2"));
    assert_eq!(pacrat.run(&["list", "--json"]).out, "[]\n", "a failed backup left a file");

    let ran = pacrat.run(&["jobs", "--json"]);
    let jobs: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((jobs[0]["state"].as_str(), jobs[0]["spec"]["tenant"].as_str()), (Some("failed"), Some("acme")));
    assert_eq!(jobs[0]["failure"]["kind"], "unreachable");
    assert_eq!(jobs[0]["failure"]["retryable"], true);
    let ran = pacrat.run(&["tenants"]);
    assert!(ran.out.contains("never") && ran.out.contains("failed"), "{}", ran.out);
    let ran = pacrat.run(&["tenants", "--json"]);
    assert!(!ran.out.contains("hunter2"));
    let tenants: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((tenants[0]["name"].as_str(), tenants[0]["last_job"]["state"].as_str()), (Some("acme"), Some("failed")));
    // The log, the journal and everything else that was written: no password in any of it.
    for entry in walk(pacrat.home()) {
        let bytes = std::fs::read(&entry).unwrap();
        let own = entry.file_name().is_some_and(|n| n == "config.toml");
        assert!(own || !bytes.windows(7).any(|w| w == b"hunter2"), "{} holds the password", entry.display());
    }
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn names_that_there_are_not_are_usage_and_say_which_there_are() {
    let pacrat = Pacrat::new().config(NOBODY);
    let ran = pacrat.run(&["backup", "acme", "acmee"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("there is no tenant acmee") && ran.err.contains("the tenants are: acme"), "{}", ran.err);
    assert_eq!(pacrat.run(&["jobs", "--json"]).out, "[]\n", "no job may start when one name is wrong");
    let ran = pacrat.run(&["restore", "nothing", "--to", "gone", "--database", "x"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = pacrat.run(&["verify", "acme_20260101000000.bacpac"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn a_password_that_nobody_gives_is_configuration() {
    let text = "[servers.s]\nhost = \"127.0.0.1\"\nport = 1\nlogin = \"sa\"\npassword_env = \"NOT_SET\"\n\
                [servers.asked]\nhost = \"127.0.0.1\"\nport = 1\nlogin = \"sa\"\n\
                [tenants.a]\nserver = \"s\"\n[tenants.b]\nserver = \"asked\"\n";
    let pacrat = Pacrat::new().config(text);
    let ran = pacrat.run(&["backup", "a"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("environment variable NOT_SET is not set"), "{}", ran.err);
    let ran = pacrat.run(&["backup", "b"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("there is nobody to ask"), "{}", ran.err);
}

#[test]
fn without_a_terminal_the_dashboard_says_what_works() {
    let ran = Pacrat::new().run(&[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("terminal"), "{}", ran.err);
    let pacrat = Pacrat::new();
    let ran = pacrat.run(&["demo"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("terminal"), "{}", ran.err);
    assert_eq!(std::fs::read_dir(pacrat.home()).unwrap().count(), 0, "the demo left something");
    assert_eq!(Pacrat::new().run(&["demo", "--line", "-1"]).code, 2);
}

#[test]
fn ten_thousand_backups_are_listed_quickly() {
    let pacrat = Pacrat::new();
    let store = pacrat.home().join("store");
    std::fs::create_dir(&store).unwrap();
    let begun = jiff::Timestamp::from_second(1_767_225_600).unwrap();
    for n in 0..10_000i64 {
        let at = jiff::Timestamp::from_second(begun.as_second() + n * 60).unwrap();
        let time = at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string();
        let file = format!("tenant{}_{time}.bacpac", n % 100);
        std::fs::write(store.join(&file), "0123456789").unwrap();
        let tables: Vec<serde_json::Value> = (0..20)
            .map(|t| serde_json::json!({"schema": "dbo", "table": format!("Table{t}"), "rows": t, "bytes": 100}))
            .collect();
        let manifest = serde_json::json!({
            "version": 1, "tenant": format!("tenant{}", n % 100), "server": "main", "database": "db", "started": at,
            "ended": at, "trigger": "manual", "who": "root", "comment": null, "pacrat": "0.1.0",
            "source_version": "15.0.4430.1", "consistency": "per_table", "tables": tables, "not_carried": [],
            "size": 10, "sha256": "00", "verification": {"level": "rows", "at": at}
        });
        std::fs::write(store.join(format!("{file}.json")), manifest.to_string()).unwrap();
    }
    let pacrat = pacrat.config(&format!("[stores.here]\npath = {:?}\n", store.display().to_string()));
    let begun = std::time::Instant::now();
    let ran = pacrat.run(&["list"]);
    let all = begun.elapsed();
    assert_eq!((ran.code, ran.out.lines().count()), (0, 10_001));
    assert!(ran.out.lines().nth(1).unwrap().starts_with("tenant99_20260107223900.bacpac"), "the newest is not on top");
    let begun = std::time::Instant::now();
    let ran = pacrat.run(&["list", "tenant7"]);
    let one = begun.elapsed();
    assert_eq!(ran.out.lines().count(), 101);
    println!("list of 10,000: {all:?}; of one tenant: {one:?}");
    // Generous: this is an unoptimised build on a busy machine.
    assert!(all.as_secs_f64() < 5.0, "{all:?}");
}

/// A server that takes connections and never says a word; a pacrat that backs up from it and is in the middle of it.
#[cfg(unix)]
fn stuck_backup() -> (Pacrat, std::net::TcpListener, std::process::Child) {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let text = format!(
        "[servers.s]\nhost = \"127.0.0.1\"\nport = {port}\nlogin = \"sa\"\npassword = \"x\"\nconnect_timeout = 600\n\
         [tenants.a]\nserver = \"s\"\n"
    );
    let pacrat = Pacrat::new().config(&text);
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("pacrat"))
        .env_clear()
        .env("HOME", pacrat.home())
        .env("PACRAT_CONFIG", pacrat.home().join("config.toml"))
        .args(["backup", "a", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Connected: the job is at work.
    let _held = silent.accept().unwrap();
    std::mem::forget(_held);
    (pacrat, silent, child)
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_within_two_seconds_and_says_so() {
    let (pacrat, _silent, child) = stuck_backup();
    let begun = std::time::Instant::now();
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    let last = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned();
    let last: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["what"]["state"], "cancelled");
    let jobs: serde_json::Value = serde_json::from_str(&pacrat.run(&["jobs", "--json"]).out).unwrap();
    assert_eq!(jobs[0]["state"], "cancelled");
}

#[cfg(unix)]
#[test]
fn a_killed_process_leaves_an_interrupted_job_and_the_next_start_says_so() {
    let (pacrat, _silent, mut child) = stuck_backup();
    let jobs =
        |pacrat: &Pacrat| -> serde_json::Value { serde_json::from_str(&pacrat.run(&["jobs", "--json"]).out).unwrap() };
    assert_eq!(jobs(&pacrat)[0]["state"], "running", "a living process's job is its own");
    child.kill().unwrap();
    child.wait().unwrap();
    let found = jobs(&pacrat);
    assert_eq!(found[0]["state"], "interrupted");
    assert!(found[0]["failure"]["hint"].as_str().unwrap().contains("start the backup again"), "{found}");
    // A partial file of a dead process is reported and removed by the next command that works.
    let store = pacrat.home().join(".local/share/pacrat/backups");
    std::fs::create_dir_all(&store).unwrap();
    std::fs::write(store.join("a_20260102030405.bacpac.partial"), "half").unwrap();
    let ran = pacrat.run(&["tenants"]);
    assert!(ran.out.contains("interrupted"), "{}", ran.out);
    let ran = pacrat.run(&["verify", "a_20260102030405"]);
    assert_eq!(ran.code, 2, "a partial file is no backup: {ran:?}");
    std::fs::write(store.join("b_20260102030405.bacpac"), "no package").unwrap();
    let ran = pacrat.run(&["verify", "b_20260102030405"]);
    assert!(ran.err.contains("found a_20260102030405.bacpac.partial (4 B): its job is dead; removed"), "{}", ran.err);
    assert!(!store.join("a_20260102030405.bacpac.partial").exists());
}

/// Who looks on does not decide what becomes of a job: a backup whose output nobody reads any more, or nobody can take,
/// goes on to its end, and the code is the job's.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_no_job() {
    let server = support::place::sandbox(&["operator"]).await;
    let lines = format!("password = {:?}", support::place::PASSWORD);
    let pacrat = Pacrat::new();
    let text = support::place::configuration(&server, &lines, ("acme", "master"), "");
    let text = text.replace("data_dir", "connections = 1\ndata_dir");
    let pacrat = pacrat.config(&text);
    let store = pacrat.home().join("store");
    let backups = |store: &Path| {
        let files = std::fs::read_dir(store).map(Iterator::count).unwrap_or_default();
        files / 2
    };
    let shell = |line: &str| {
        std::process::Command::new("sh")
            .env("PACRAT", assert_cmd::cargo::cargo_bin("pacrat"))
            .env("PACRAT_CONFIG", pacrat.home().join("config.toml"))
            .env("HOME", pacrat.home())
            .args(["-c", line])
            .output()
            .unwrap()
    };
    for (n, line) in [
        "(sleep 0.1; $PACRAT --json backup acme; echo code $? >&2) | true",
        "$PACRAT --json backup acme > /dev/full; echo code $? >&2",
    ]
    .into_iter()
    .enumerate()
    {
        let output = shell(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(if n == 0 { "code 0" } else { "code 1" }), "{line}: {said}");
        assert_eq!(backups(&store), n + 1, "{line}: {said}");
    }
    let jobs: serde_json::Value = serde_json::from_str(&pacrat.run(&["jobs", "--json"]).out).unwrap();
    assert!(jobs.as_array().unwrap().iter().all(|j| j["state"] == "completed"), "{jobs}");
}

/// A store that is away (a mount that is gone) is said, and stops nothing that does not need it.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_stops_nothing_that_does_not_need_it() {
    let server = support::place::sandbox(&["operator"]).await;
    let lines = format!("password = {:?}", support::place::PASSWORD);
    let pacrat = Pacrat::new();
    std::fs::write(pacrat.home().join("away"), "no folder").unwrap();
    let more =
        "[stores.gone]\npath = \"away\"\n[tenants.lost]\nserver = \"box\"\ndatabase = \"master\"\nstore = \"gone\"\n";
    let text = support::place::configuration(&server, &lines, ("acme", "master"), more);
    let pacrat = pacrat.config(&format!("store = \"here\"\n{text}"));
    let ran = pacrat.run(&["backup", "acme"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("warning: store gone: cannot list "), "{ran:?}");
    let ran = pacrat.run(&["list"]);
    assert_eq!(ran.code, 1, "what is listed is not all: {ran:?}");
    assert!(ran.out.contains("acme_") && ran.err.contains("error: store gone: cannot list "), "{ran:?}");
    let file = ran.out.split_whitespace().find(|w| w.ends_with(".bacpac")).unwrap().to_owned();
    assert_eq!(pacrat.run(&["verify", &file]).code, 0);
    let ran = pacrat.run(&["verify", "lost_20260101000000"]);
    assert_eq!(ran.code, 1, "it may be where nobody could look: {ran:?}");
    let ran = pacrat.run(&["tenants"]);
    let line = |name: &str| ran.out.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    assert_eq!(ran.code, 1);
    assert!(line("acme").contains("just now") && line("lost").contains("not known"), "{ran:?}");
    assert_eq!(pacrat.run(&["backup", "lost"]).code, 1);
}
