//! Files of a database: what is said of them, for nothing is on a disk under their names.

use crate::sandbox::ddl::ast::{FileDef, Opt, OptValue};
use crate::sandbox::ddl::error::{DdlResult, syntax};
use crate::sandbox::ddl::parse::unsupported;
use crate::sandbox::meta::Database;
use crate::sandbox::meta::database::{DatabaseFile, Filegroup};

use crate::sandbox::ddl::ast::said;

/// A size in pages of eight kilobytes; a number without a unit is megabytes.
fn pages(text: &str, unit: Option<&str>) -> Option<i32> {
    let number: i64 = text.parse().ok()?;
    let kilobytes = match unit {
        Some("KB") => number,
        Some("GB") => number.checked_mul(1 << 20)?,
        Some("TB") => number.checked_mul(1 << 30)?,
        _ => number.checked_mul(1 << 10)?,
    };
    i32::try_from((kilobytes + 7) / 8).ok()
}

/// SIZE, MAXSIZE, FILEGROWTH, NEWNAME, FILENAME.
pub(super) fn apply(file: &mut DatabaseFile, options: &[Opt]) -> DdlResult<()> {
    for option in options {
        match (option.name.as_str(), &option.value) {
            ("NEWNAME", _) => file.name = said(options, "NEWNAME").unwrap_or_default(),
            ("FILENAME", _) => file.physical_name = said(options, "FILENAME").unwrap_or_default(),
            ("SIZE", OptValue::Number(n, unit)) => file.size = pages(n, unit.as_deref()).unwrap_or(file.size),
            ("MAXSIZE", OptValue::Number(n, unit)) => {
                file.max_size = pages(n, unit.as_deref()).unwrap_or(file.max_size);
            }
            ("MAXSIZE", _) => file.max_size = -1,
            ("FILEGROWTH", OptValue::Number(n, unit)) => {
                file.percent_growth = unit.as_deref() == Some("%");
                file.growth = match file.percent_growth {
                    true => n.parse().unwrap_or(file.growth),
                    false => pages(n, unit.as_deref()).unwrap_or(file.growth),
                };
            }
            ("NAME", _) => {}
            ("OFFLINE", _) => return Err(unsupported("OFFLINE")),
            (other, _) => return Err(syntax(other)),
        }
    }
    Ok(())
}

/// One more file.
pub(super) fn add(database: &mut Database, log: bool, space: i32, options: &[Opt]) -> DdlResult<()> {
    let name = said(options, "NAME").unwrap_or_default();
    let group = database.filegroups.iter().find(|g| g.data_space_id == space && !log);
    let stream = group.is_some_and(|g| g.kind != "FG");
    let mut file = DatabaseFile {
        // The lowest free number, 65537 on for folders of streams.
        file_id: (if stream { 65_537 } else { 1 }..)
            .find(|id| database.files.iter().all(|f| f.file_id != *id))
            .unwrap_or(i32::MAX),
        kind: if log { 1 } else { u8::from(stream) * 2 },
        data_space_id: if log { 0 } else { space },
        physical_name: format!("/var/opt/mssql/data/{name}.{}", if log { "ldf" } else { "ndf" }),
        name,
        size: if stream { 0 } else { 1024 },
        max_size: if stream { 0 } else { -1 },
        growth: if stream { 0 } else { 8192 },
        percent_growth: false,
        guid: *uuid::Uuid::new_v4().as_bytes(),
    };
    apply(&mut file, options)?;
    database.files.push(file);
    Ok(())
}

/// The files of CREATE DATABASE in the place of those that a database gets by itself.
pub(super) fn place(database: &mut Database, files: &[FileDef]) -> DdlResult<()> {
    for log in [false, true] {
        let mut of_kind = files.iter().filter(|f| f.log == log).peekable();
        if of_kind.peek().is_none() {
            continue;
        }
        database.files.retain(|f| (f.kind == 1) != log);
        for file in of_kind {
            let space = match &file.filegroup {
                None => 1,
                Some((name, contains, default)) => filegroup(database, name, contains.as_deref(), *default),
            };
            add(database, log, space, &file.options)?;
        }
    }
    database.files.sort_by_key(|f| f.file_id);
    Ok(())
}

/// A filegroup by name; made when it is not there.
fn filegroup(database: &mut Database, name: &str, contains: Option<&str>, default: bool) -> i32 {
    if let Some(found) = database.filegroups.iter().find(|g| database.same(&g.name, name)) {
        return found.data_space_id;
    }
    let data_space_id = database.new_data_space_id(false);
    if default {
        database.filegroups.iter_mut().for_each(|g| g.is_default = false);
    }
    database.filegroups.push(Filegroup {
        data_space_id,
        name: name.to_string(),
        kind: kind(contains).into(),
        is_default: default,
        is_read_only: false,
        guid: Some(*uuid::Uuid::new_v4().as_bytes()),
        autogrow_all: false,
    });
    data_space_id
}

/// `FG`, `FD` or `FX` by what it CONTAINS.
pub(super) fn kind(contains: Option<&str>) -> &'static str {
    match contains {
        Some("MEMORY_OPTIMIZED_DATA") => "FX",
        Some(_) => "FD",
        None => "FG",
    }
}
