//! The model of real packages and of DacFx's golden ones: read, typed, written again, nothing lost.

use pacrat::bacpac::model::{self, Limits, Model, Object};
use std::io::Read;
use std::path::PathBuf;

fn shared(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("PACRAT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if shared.is_dir() {
        return Some(shared);
    }
    eprintln!("SKIPPED: {test} needs ../shared");
    None
}

/// The model.xml of every package at hand: real ones and golden ones.
fn models(shared: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for folder in ["bacpacs", "dacpacs", "dacfx/golden"] {
        let mut files: Vec<_> = std::fs::read_dir(shared.join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files {
            if !file.extension().is_some_and(|e| e == "bacpac" || e == "dacpac") {
                continue;
            }
            let mut archive = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
            let mut bytes = Vec::new();
            archive.by_name("model.xml").unwrap().read_to_end(&mut bytes).unwrap();
            out.push((file.file_name().unwrap().to_string_lossy().into_owned(), bytes));
        }
    }
    assert!(out.len() >= 20 + 6 + 42);
    out
}

#[test]
fn every_model_comes_back_byte_for_byte() {
    let Some(shared) = shared("every_model_comes_back_byte_for_byte") else { return };
    let mut failures = Vec::new();
    for (file, bytes) in models(&shared) {
        let document = model::read(&bytes[..], Limits::default()).unwrap_or_else(|e| panic!("{file}: {e}"));
        if model::to_bytes(&document) != bytes {
            failures.push(format!("{file}: tree"));
        }
        let typed = Model::from_document(&document).unwrap_or_else(|e| panic!("{file}: {e}"));
        let again = typed.to_document();
        if again != document {
            let different = again.elements.iter().zip(&document.elements).find(|(a, b)| a != b);
            failures.push(format!("{file}: typed, {different:#?}"));
        }
        assert_eq!(Model::from_document(&again).unwrap(), typed, "{file}: typed twice");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_object_of_a_real_package_has_a_type() {
    let Some(shared) = shared("every_object_of_a_real_package_has_a_type") else { return };
    for (file, bytes) in models(&shared) {
        if file.as_bytes()[0].is_ascii_digit() {
            continue;
        }
        for object in Model::read(&bytes[..], Limits::default()).unwrap().objects {
            if let Object::Other(element) = object {
                panic!("{file}: {} has no type", element.kind);
            }
        }
    }
}

#[test]
fn every_table_of_a_real_package_has_a_column_plan() {
    let Some(shared) = shared("every_table_of_a_real_package_has_a_column_plan") else { return };
    let mut tables = 0;
    for (file, bytes) in models(&shared) {
        for (name, plan) in Model::read(&bytes[..], Limits::default()).unwrap().table_plans() {
            if file.starts_with("32_graph") {
                continue;
            }
            plan.unwrap_or_else(|e| panic!("{file} {name}: {e}"));
            tables += 1;
        }
    }
    assert!(tables > 300);
}
