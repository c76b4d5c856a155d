//! The binary as a script sees it: output, JSON shapes, exit codes.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// `../shared`, or a word on standard error that the test needs it.
fn shared(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: {test} needs ../shared");
    None
}

/// pacrat in a home of its own, so that nothing of the machine's is read or written.
struct Pacrat {
    home: tempfile::TempDir,
}

impl Pacrat {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn config(self, text: &str) -> Self {
        std::fs::write(self.home.path().join("config.toml"), text).unwrap();
        self
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::cargo_bin("pacrat").unwrap();
        command.env_clear().env("HOME", self.home.path()).env("COLUMNS", "100");
        let config = self.home.path().join("config.toml");
        if config.exists() {
            command.env("PACRAT_CONFIG", config);
        }
        let output = command.args(arguments).output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

#[test]
fn help_is_as_it_was() {
    let pacrat = Pacrat::new();
    let ran = pacrat.run(&["--help"]);
    assert_eq!(ran.code, 0);
    insta::assert_snapshot!("help", ran.out);
    for command in ["list", "verify", "inspect", "rows"] {
        let ran = pacrat.run(&[command, "--help"]);
        insta::assert_snapshot!(format!("help-{command}"), ran.out.split("\nOptions:").next().unwrap());
    }
    assert_eq!(pacrat.run(&["help", "exit-codes"]).code, 0);
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
    let store = pacrat.home.path().join("store");
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
    let expected = "OrderID,ProductID,UnitPrice,Quantity,Discount\r\n10248,11,14.0000,12,0\r\n10248,42,9.8000,10,0\r\n";
    assert_eq!(ran.out, expected);
    let ran = pacrat.run(&["rows", file, "dbo.Order Details", "--limit", "1", "--json"]);
    let row: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(row["UnitPrice"], "14.0000");
    assert_eq!(pacrat.run(&["rows", file, "dbo.Nope"]).code, 2);
    assert_eq!(std::fs::read_dir(pacrat.home.path()).unwrap().count(), 0, "something was written at home");
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
    let damaged = pacrat.home.path().join("damaged.bacpac");
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
