//! What is left behind when a process dies at each step of writing a backup, and what the next start makes of it.

use std::collections::BTreeSet;

use super::super::manifest::{Consistency, Level, TableEntry, Trigger, Verification};
use super::*;

fn at() -> Timestamp {
    "2026-02-03T04:05:06Z".parse().unwrap()
}

const NAME: &str = "acme_20260203040506.bacpac";

fn manifest(size: u64) -> Manifest {
    Manifest {
        version: 1,
        tenant: "acme".into(),
        server: "main".into(),
        database: "Acme".into(),
        started: at(),
        ended: at(),
        trigger: Trigger::Manual,
        who: "root".into(),
        comment: None,
        pacrat: "0.1.0".into(),
        source_version: "15.0.4430.1".into(),
        consistency: Consistency::PerTable,
        tables: vec![TableEntry { schema: "dbo".into(), table: "T".into(), rows: 1, bytes: 4 }],
        not_carried: Vec::new(),
        size,
        sha256: "00".repeat(32),
        verification: Some(Verification { level: Level::Rows, at: at() }),
    }
}

fn names(dir: &Path) -> BTreeSet<String> {
    std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

fn begin(folder: &Folder) -> PendingFile {
    let file = name::backup_file(&crate::config::Pattern::backup_default(), "acme", "Acme", at(), 1);
    let output = claim(&folder.path.join(&file)).unwrap().expect("the name is free");
    PendingFile {
        folder: folder.clone(),
        names: Names { tenant: "acme".into(), database: "Acme".into(), at: at(), nth: 1 },
        file,
        output: Some(output),
    }
}

/// The process dies: the lock goes with the file handle, nothing is cleaned up.
fn die(mut pending: PendingFile) {
    pending.output = None;
}

#[test]
fn a_backup_appears_whole_with_its_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path().join("new"));
    assert!(folder.list(None).unwrap().backups.is_empty(), "a folder that is not there yet is empty");
    let mut pending = folder.begin("acme", "Acme", at()).unwrap();
    pending.writer().write_all(b"package").unwrap();
    pending.sync().unwrap();
    assert!(folder.list(None).unwrap().backups.is_empty(), "nothing is listed before it is published");
    let mut text = String::new();
    pending.read_back().unwrap().open().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "package");
    assert_eq!(pending.publish(&manifest(7)).unwrap(), NAME);
    assert_eq!(names(&folder.path), set(&[NAME, "acme_20260203040506.bacpac.json"]));
    let stored = folder.stat(NAME).unwrap();
    assert_eq!(stored.size, 7);
    let Beside::Manifest(read) = stored.manifest else { panic!("{:?}", stored.manifest) };
    assert_eq!(*read, manifest(7));
    assert_eq!(folder.open(NAME).unwrap().size().unwrap(), 7);
}

#[test]
fn two_backups_of_one_second_get_different_names() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path());
    let first = folder.begin("acme", "Acme", at()).unwrap();
    let second = folder.begin("acme", "Acme", at()).unwrap();
    assert_eq!((first.file(), second.file()), (NAME, "acme_20260203040506-2.bacpac"));
    first.publish(&manifest(0)).unwrap();
    assert_eq!(folder.begin("acme", "Acme", at()).unwrap().file(), "acme_20260203040506-3.bacpac");
    second.discard().unwrap();
    assert_eq!(names(dir.path()), set(&[NAME, "acme_20260203040506.bacpac.json"]));
}

#[test]
fn a_stranger_under_the_final_name_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path());
    let mut pending = folder.begin("acme", "Acme", at()).unwrap();
    pending.writer().write_all(b"ours").unwrap();
    std::fs::write(dir.path().join(NAME), "a stranger's").unwrap();
    let published = pending.publish(&manifest(4)).unwrap();
    assert_eq!(published, "acme_20260203040506-2.bacpac");
    assert_eq!(std::fs::read_to_string(dir.path().join(NAME)).unwrap(), "a stranger's");
    assert_eq!(std::fs::read_to_string(dir.path().join(&published)).unwrap(), "ours");
    assert_eq!(names(dir.path()), set(&[NAME, &published, &format!("{published}.json")]));
}

#[test]
fn dropped_or_discarded_it_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path());
    drop(folder.begin("acme", "Acme", at()).unwrap());
    folder.begin("acme", "Acme", at()).unwrap().discard().unwrap();
    let pending = begin(&folder);
    pending.put_manifest_aside(&manifest(0)).unwrap();
    drop(pending);
    assert_eq!(names(dir.path()), set(&[]));
}

#[test]
fn a_death_at_each_step_is_put_in_order_by_the_next_start() {
    let partial = format!("{NAME}.partial");
    let aside = format!("{NAME}.json.partial");
    let json = format!("{NAME}.json");
    type Act = fn(&mut PendingFile);
    let steps: [(&str, Act); 5] = [
        ("claimed", |_| {}),
        ("written", |p| p.writer().write_all(b"package").unwrap()),
        ("manifest aside", |p| p.put_manifest_aside(&manifest(7)).unwrap()),
        ("backup named", |p| assert!(p.name_backup().unwrap())),
        ("manifest named", |p| p.name_manifest().unwrap()),
    ];
    // What the death leaves, what the next start does with it, what is there then.
    type Expected<'a> = (&'a [&'a str], &'a [(&'a str, Fate)], &'a [&'a str]);
    let expected: [Expected<'_>; 5] = [
        (&[&partial], &[(&partial, Fate::Removed)], &[]),
        (&[&partial], &[(&partial, Fate::Removed)], &[]),
        (&[&partial, &aside], &[(&aside, Fate::Removed), (&partial, Fate::Removed)], &[]),
        (&[NAME, &aside], &[(&aside, Fate::ManifestPlaced)], &[NAME, &json]),
        (&[NAME, &json], &[], &[NAME, &json]),
    ];
    for (n, (left, fates, after)) in expected.iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new("local", dir.path());
        let mut pending = begin(&folder);
        for (_, act) in &steps[..=n] {
            act(&mut pending);
        }
        // As long as the process lives, a start of another one touches nothing.
        let before = names(dir.path());
        let living = folder.recover().unwrap();
        assert!(living.iter().all(|l| l.fate == Fate::InUse), "{}: {living:?}", steps[n].0);
        assert_eq!(names(dir.path()), before, "{}", steps[n].0);
        die(pending);
        assert_eq!(names(dir.path()), set(left), "{}", steps[n].0);
        let found: Vec<(String, Fate)> = folder.recover().unwrap().into_iter().map(|l| (l.file, l.fate)).collect();
        let wanted: Vec<(String, Fate)> = fates.iter().map(|(n, f)| (n.to_string(), f.clone())).collect();
        assert_eq!(found, wanted, "{}", steps[n].0);
        assert_eq!(names(dir.path()), set(after), "{}", steps[n].0);
        // What is listed under a final name is complete, at each step.
        for stored in folder.list(None).unwrap().backups {
            assert_eq!(stored.size, 7);
            assert!(matches!(stored.manifest, Beside::Manifest(_)));
        }
        assert_eq!(folder.recover().unwrap(), Vec::new());
    }
}

#[test]
fn a_manifest_aside_of_another_file_is_not_placed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path());
    let pending = begin(&folder);
    pending.put_manifest_aside(&manifest(7)).unwrap();
    die(pending);
    std::fs::write(dir.path().join(NAME), "a stranger's file").unwrap();
    folder.recover().unwrap();
    assert_eq!(names(dir.path()), set(&[NAME]));
}

#[test]
fn a_file_brought_by_hand_and_a_broken_manifest_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path());
    std::fs::write(dir.path().join("by hand.bacpac"), "x").unwrap();
    std::fs::write(dir.path().join(NAME), "x").unwrap();
    std::fs::write(dir.path().join(format!("{NAME}.json")), "{").unwrap();
    std::fs::write(dir.path().join("notes.txt"), "x").unwrap();
    std::fs::create_dir(dir.path().join("folder.bacpac")).unwrap();
    let mut listed = folder.list(None).unwrap().backups;
    listed.sort_by(|a, b| a.file.cmp(&b.file));
    assert_eq!(listed.iter().map(|s| s.file.as_str()).collect::<Vec<_>>(), [NAME, "by hand.bacpac"]);
    assert!(matches!(&listed[0].manifest, Beside::Unreadable(why) if why.contains(NAME)));
    assert!(matches!(listed[1].manifest, Beside::Nothing));
    // A name of our pattern that is another tenant's is not even looked at.
    assert_eq!(folder.list(Some("other")).unwrap().backups.len(), 1);
}

#[test]
fn a_manifest_is_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path());
    folder.begin("acme", "Acme", at()).unwrap().publish(&manifest(0)).unwrap();
    let mut changed = manifest(0);
    changed.comment = Some("seen".into());
    folder.put_manifest(NAME, &changed).unwrap();
    let Beside::Manifest(read) = folder.stat(NAME).unwrap().manifest else { panic!() };
    assert_eq!(read.comment.as_deref(), Some("seen"));
    assert_eq!(names(dir.path()).len(), 2);
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new("local", dir.path());
    for file in ["../x.bacpac", "/etc/x.bacpac", "a/b.bacpac", "a\\b.bacpac", "..", "", "passwd", ".."] {
        assert!(matches!(folder.open(file), Err(StoreError::Name(_))), "{file}");
        assert!(matches!(folder.stat(file), Err(StoreError::Name(_))), "{file}");
    }
    assert!(matches!(folder.open("no.bacpac"), Err(StoreError::Missing { .. })));
}

#[cfg(unix)]
#[test]
fn pipes_in_the_folder_keep_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(dir.path().join(name)).status().unwrap();
        assert!(made.success());
    };
    std::fs::write(dir.path().join(NAME), "x").unwrap();
    pipe(&format!("{NAME}.json"));
    pipe("pipe.bacpac");
    std::fs::write(dir.path().join("pipe.bacpac.json.partial"), "{").unwrap();
    let folder = Folder::new("local", dir.path());
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let listed = folder.list(None).unwrap().backups;
        done.send((listed, folder.open("pipe.bacpac").is_err(), folder.recover().unwrap())).unwrap();
    });
    let (listed, refused, left) = wait.recv_timeout(Duration::from_secs(20)).expect("somebody waits for a pipe");
    assert_eq!(listed.iter().map(|s| s.file.as_str()).collect::<Vec<_>>(), [NAME]);
    assert!(matches!(&listed[0].manifest, Beside::Unreadable(why) if why.contains("it is no file")));
    assert!(refused);
    assert_eq!(
        left.iter().map(|l| (l.file.as_str(), l.fate.clone())).collect::<Vec<_>>(),
        [("pipe.bacpac.json.partial", Fate::Removed)]
    );
}

#[cfg(unix)]
#[test]
fn a_link_laid_where_a_manifest_goes_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), "not a manifest").unwrap();
    let folder = Folder::new("local", dir.path());
    let pending = folder.begin("acme", "Acme", at()).unwrap();
    for name in [format!("{NAME}.json.partial"), "acme_20260203040506-2.bacpac.partial".into()] {
        std::os::unix::fs::symlink(other.path(), dir.path().join(name)).unwrap();
    }
    assert_eq!(pending.publish(&manifest(0)).unwrap(), NAME);
    // The name of the second backup of that second is taken by a link: the third one's is free.
    let third = folder.begin("acme", "Acme", at()).unwrap();
    assert_eq!(third.file(), "acme_20260203040506-3.bacpac");
    drop(third);
    assert_eq!(std::fs::read_to_string(other.path()).unwrap(), "not a manifest");
    assert!(matches!(folder.stat(NAME).unwrap().manifest, Beside::Manifest(_)));
}
