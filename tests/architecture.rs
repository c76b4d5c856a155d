//! The invariants of ARCHITECTURE.md, held by reading the source: who may name what.

use std::path::{Path, PathBuf};

fn sources(under: &str) -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                // Comments may name what the code may not.
                let text = std::fs::read_to_string(&path).unwrap();
                let code: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
                out.push((path, code.join("\n")));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(under);
    let mut out = Vec::new();
    walk(&root, &mut out);
    out
}

fn only(word: &str, allowed: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, code) in sources("src") {
        let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        if !allowed.iter().any(|a| relative.starts_with(a)) {
            assert!(!code.contains(word), "{relative} names {word}, which only {allowed:?} may");
        }
    }
}

#[test]
fn each_driver_has_one_home() {
    only("tiberius::", &["src/sqlserver"]);
    only("mssql_tds::", &["src/sqlserver"]);
    only("ratatui::", &["src/tui"]);
    only("crossterm::", &["src/tui"]);
    only("object_store::", &["src/store"]);
    only("rusqlite::", &["src/sandbox", "src/engine"]);
    only("quick_xml::", &["src/bacpac"]);
    only("sqlparser::", &["src/sandbox", "src/bacpac"]);
}

#[test]
fn the_format_knows_no_runtime_server_clock_or_file_system() {
    for (path, code) in sources("src/bacpac") {
        for word in [
            "tokio",
            "tiberius",
            "mssql_tds",
            "std::fs",
            "std::path",
            "crate::sqlserver",
            "crate::engine",
            "crate::store",
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
        ] {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn the_sandbox_and_the_client_share_no_code() {
    for (path, code) in sources("src/sandbox") {
        for word in ["crate::sqlserver", "crate::bacpac", "crate::engine", "crate::store"] {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
    only("crate::sandbox", &["src/sandbox", "src/cli", "src/main.rs"]);
}

#[test]
fn nothing_below_the_edges_prints() {
    let edges = ["src/cli", "src/tui", "src/main.rs"];
    for word in ["println!(", "eprintln!(", "print!("] {
        only(word, &edges);
    }
}
