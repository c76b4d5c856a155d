//! What several test programs need.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod plans;
pub mod zipfile;

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
