//! What several test programs need.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod binary;
pub mod club;
pub mod place;
pub mod plans;
pub mod zipfile;

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The folder of shared test data; says so and gives nothing where it is absent.
pub fn shared(test: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").into(), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("SKIPPED: {test} needs ../shared");
    None
}

/// The real packages, by name, in order.
pub fn bacpacs(shared: &std::path::Path) -> Vec<(String, PathBuf)> {
    let mut found: Vec<_> = std::fs::read_dir(shared.join("bacpacs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "bacpac"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    found
}

/// Rows and SHA-256 of every table of a real package, by its name, as an independent reader found them.
pub fn expected(shared: &std::path::Path, name: &str) -> BTreeMap<String, (u64, String)> {
    let text = std::fs::read(shared.join(format!("bacpacs/expected/{name}.json"))).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    json.as_object()
        .unwrap()
        .iter()
        .map(|(table, v)| (table.clone(), (v["rows"].as_u64().unwrap(), v["sha256"].as_str().unwrap().to_owned())))
        .collect()
}
