//! The damage matrix: what is damaged × where × how deep the check is. Each is a clear error by name; nothing that is
//! damaged is called good, and nothing costs memory.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pacrat::bacpac::bcp::{Cell, LobKind, RowSink};
use pacrat::bacpac::canonical::{Digest, TableDigest};
use pacrat::bacpac::package::*;
use pacrat::bacpac::plan::{BcpType, CharUtf8, ColumnPlan, TablePlan};
use proptest::prelude::*;
use support::zipfile::{RawEntry, build, explode};

fn shop() -> Vec<TablePlan> {
    vec![
        TablePlan::new(
            "dbo",
            "Order Lines",
            vec![
                ColumnPlan::new("id", BcpType::Int, false),
                ColumnPlan::new("what", BcpType::NVarChar, true).with_length(40),
                ColumnPlan::new("price", BcpType::Decimal, false).with_precision(9, 2),
            ],
        ),
        TablePlan::new("dbo", "Files", vec![ColumnPlan::new("content", BcpType::VarBinaryMax, true)]),
        TablePlan::new("dbo", "Empty", vec![ColumnPlan::new("id", BcpType::Int, false)]),
    ]
}

const MODEL: &[u8] = b"<DataSchemaModel>not looked at here, but summed</DataSchemaModel>";

/// A sound package: two parts of one table, one of another.
fn sound() -> Vec<u8> {
    let metadata = DacMetadata::of_database("shop & co");
    let mut writer = PackageWriter::new(Vec::new(), MODEL, &metadata, Modified::default()).unwrap();
    let plans: Vec<_> = shop().into_iter().map(Arc::new).collect();
    let mut roller = PartRoller::new(
        plans[0].clone(),
        Append::new(&mut writer, plans[0].clone()),
        PartLimits { part: 12_000, held: 1 << 20 },
    );
    for n in 0..300 {
        let text: Vec<u8> = format!("line {n} of the order").encode_utf16().flat_map(u16::to_le_bytes).collect();
        roller.cell(0, Cell::Int(n)).unwrap();
        roller.cell(1, if n % 7 == 0 { Cell::Null } else { Cell::Text(&text) }).unwrap();
        roller.cell(2, Cell::Decimal { negative: n % 2 == 0, magnitude: n as u128 * 12345 }).unwrap();
        roller.row_end().unwrap();
    }
    let (_, rows) = roller.finish().unwrap();
    let mut roller =
        PartRoller::new(plans[1].clone(), Append::new(&mut writer, plans[1].clone()), PartLimits::default());
    roller.cell(0, Cell::Binary(&[1, 2, 3])).unwrap();
    roller.row_end().unwrap();
    roller.finish().unwrap();
    let (file, written) = writer.finish(Origin { row_count: Some(rows + 1), ..Origin::default() }).unwrap();
    assert_eq!(written.parts, 3);
    file
}

fn open(file: Vec<u8>) -> Result<BoundPackage, PackageError> {
    let package = Package::open(Bytes::new(file), Limits::default())?;
    package.model_xml()?;
    package.bind(shop())
}

fn verify(file: Vec<u8>, depth: Depth, expected: Option<Vec<ExpectedRows>>) -> Result<Report, PackageError> {
    open(file)?.verify(&VerifyOptions { depth, threads: 2, expected }, &Quiet)
}

/// The error of the deepest check, as the operator reads it.
fn complaint(file: Vec<u8>) -> String {
    verify(file, Depth::Rows, None).expect_err("the damage was not seen").to_string()
}

fn manifest() -> Vec<ExpectedRows> {
    let rows = |table: &str, rows| ExpectedRows { schema: "dbo".into(), table: table.into(), rows };
    vec![rows("Order Lines", 300), rows("Files", 1), rows("Empty", 0)]
}

fn digests(package: &BoundPackage) -> Result<Vec<TableDigest>, pacrat::bacpac::canonical::TextError> {
    package
        .tables()
        .iter()
        .map(|table| {
            let mut digest = Digest::new(table.plan.clone());
            package.read_table(table, &mut digest)?;
            Ok(digest.finish())
        })
        .collect()
}

/// The package with its entries changed.
fn changed(change: impl FnOnce(&mut Vec<RawEntry>)) -> Vec<u8> {
    let mut entries = explode(&sound());
    change(&mut entries);
    build(&entries)
}

fn at<'a>(entries: &'a mut [RawEntry], name: &str) -> &'a mut RawEntry {
    entries.iter_mut().find(|e| e.name() == name).unwrap()
}

const PART: &str = "Data/dbo.Order%20Lines/TableData-000-00001.BCP";

#[test]
fn a_sound_package_is_good_at_every_depth() {
    assert_eq!(open(changed(|_| {})).unwrap().tables()[0].parts.len(), 2);
    let report = verify(sound(), Depth::Rows, Some(manifest())).unwrap();
    assert_eq!(report.tables.iter().map(|t| (t.rows, t.parts)).collect::<Vec<_>>(), [(300, 2), (1, 1)]);
    assert!(report.notes.is_empty());
    verify(sound(), Depth::Archive, None).unwrap();
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let file = sound();
    for length in 0..file.len() {
        let error = open(file[..length].to_vec()).expect_err("a cut file was opened");
        assert!(matches!(error, PackageError::NotZip(_)), "{length}: {error}");
    }
}

#[test]
fn a_flipped_byte_in_a_part_or_in_the_model_is_seen_by_both_depths() {
    for name in [PART, "model.xml", "Origin.xml"] {
        let length = at(&mut explode(&sound()), name).data.len();
        for i in 0..length {
            let file = changed(|entries| at(entries, name).data[i] ^= 0x10);
            for depth in [Depth::Archive, Depth::Rows] {
                match verify(file.clone(), depth, None) {
                    Err(error) => assert!(error.to_string().contains(name), "{error}"),
                    // The last byte of deflated data has bits that say nothing.
                    Ok(_) => assert_eq!(i, length - 1, "{name}: a flipped byte was not seen"),
                }
            }
        }
    }
    insta::assert_snapshot!(complaint(changed(|e| at(e, PART).crc32 ^= 1)));
}

#[test]
fn a_changed_model_with_a_right_crc_is_seen_by_its_checksum() {
    let file = changed(|entries| *at(entries, "model.xml") = RawEntry::deflated("model.xml", b"<another/>"));
    insta::assert_snapshot!(complaint(file));
}

#[test]
fn a_byte_changed_anywhere_is_seen_or_changes_nothing() {
    let file = sound();
    let before = digests(&open(file.clone()).unwrap()).unwrap();
    let mut harmless = 0;
    for i in 0..file.len() {
        for bit in [0x01, 0x80] {
            let mut file = file.clone();
            file[i] ^= bit;
            let Ok(package) = open(file) else { continue };
            let Ok(report) = package.verify(&VerifyOptions::default(), &Quiet) else { continue };
            // Times, versions, attributes, and the identifiers in the relationships: nothing that is data.
            harmless += 1;
            assert_eq!(report.tables.len(), 2, "byte {i}");
            assert_eq!(digests(&package).unwrap(), before, "byte {i}");
        }
    }
    assert!(harmless < file.len() / 2, "{harmless} of {}", 2 * file.len());
}

#[test]
fn a_wrong_count_of_rows_is_seen_with_the_manifest() {
    for (table, wanted) in [(0, 299), (0, 301), (2, 1)] {
        let mut manifest = manifest();
        manifest[table].rows = wanted;
        let error = verify(sound(), Depth::Rows, Some(manifest)).unwrap_err();
        assert!(matches!(error, PackageError::RowCount { .. }), "{error}");
    }
    let error = verify(sound(), Depth::Rows, Some(manifest()[..1].to_vec())).unwrap_err();
    assert_eq!(error.to_string(), "table dbo.Files has rows and is not among the expected tables");
    let mut manifest = manifest();
    manifest[1].table = "Gone".into();
    let error = verify(sound(), Depth::Rows, Some(manifest)).unwrap_err();
    assert_eq!(error.to_string(), "table dbo.Gone is expected and the package has no such table");
}

#[test]
fn a_cut_row_is_seen_by_the_rows_and_not_by_the_archive() {
    let package = open(sound()).unwrap();
    let rows = {
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(sound())).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut zip.by_name(PART).unwrap(), &mut bytes).unwrap();
        bytes
    };
    assert_eq!(rows.len() as u64, package.tables()[0].parts[1].size);
    let file = changed(|e| *at(e, PART) = RawEntry::deflated(PART, &rows[..rows.len() - 1]));
    verify(file.clone(), Depth::Archive, None).unwrap();
    insta::assert_snapshot!(complaint(file));
}

#[test]
fn a_missing_part_is_seen_by_the_relationships_or_by_the_manifest() {
    let gone = |entries: &mut Vec<RawEntry>| entries.retain(|e| e.name() != PART);
    insta::assert_snapshot!(complaint(changed(gone)));
    let file = changed(|entries| {
        gone(entries);
        entries.retain(|e| e.name() != "_rels/.rels");
    });
    verify(file.clone(), Depth::Rows, None).unwrap();
    let error = verify(file, Depth::Rows, Some(manifest())).unwrap_err();
    assert!(matches!(error, PackageError::RowCount { .. }), "{error}");
    for name in ["model.xml", "Origin.xml"] {
        let file = changed(|entries| entries.retain(|e| e.name() != name));
        assert_eq!(complaint(file), format!("{name} is missing from the package"));
    }
}

#[test]
fn an_extra_part_is_refused_by_name() {
    let add =
        |name: &'static str| move |entries: &mut Vec<RawEntry>| entries.push(RawEntry::deflated(name, &[1, 0, 0, 0]));
    let extra = "Data/dbo.Empty/TableData-000-00000.BCP";
    assert_eq!(complaint(changed(add(extra))), format!("part {extra} is extra: _rels/.rels does not name it"));
    let unknown = "Data/dbo.Unknown/TableData-000-00000.BCP";
    let file = changed(|entries| {
        add(unknown)(entries);
        entries.retain(|e| e.name() != "_rels/.rels");
    });
    assert_eq!(complaint(file), format!("data entry {unknown} belongs to no table of the model"));
    for name in ["Data/stray", "Data/dbo.Empty/rows.bcp", "Data/a/b/TableData-000-00000.BCP"] {
        assert_eq!(complaint(changed(add(name))), format!("data entry {name} belongs to no table of the model"));
    }
    assert!(complaint(changed(add("Data/dbo.Empty.json"))).contains("old JSON form"));
    let mut twice = explode(&sound());
    twice.push(at(&mut twice.clone(), PART).clone());
    assert_eq!(complaint(build(&twice)), format!("entry {PART} stands twice in the archive"));
    assert_eq!(complaint(changed(add("MODEL.xml"))), "entry MODEL.xml stands twice in the archive");
}

#[test]
fn names_that_differ_in_case_are_two_tables_and_missing_ones_are_seen() {
    let table = |name: &str| TablePlan::new("dbo", name, vec![ColumnPlan::new("id", BcpType::Int, false)]);
    let metadata = DacMetadata::of_database("x");
    let mut writer = PackageWriter::new(Vec::new(), MODEL, &metadata, Modified::default()).unwrap();
    for (name, rows) in [("T", &[1u8, 0, 0, 0][..]), ("t", &[1, 0, 0, 0, 2, 0, 0, 0]), ("Größe %", &[3, 0, 0, 0])] {
        writer.part("dbo", name, 0, &Deflater::default().deflate(rows)).unwrap();
    }
    let (file, _) = writer.finish(Origin::default()).unwrap();
    let tables = || vec![table("t"), table("T"), table("Größe %")];
    let read = |file: Vec<u8>| Package::open(Bytes::new(file), Limits::default())?.bind(tables());
    let report = read(file.clone()).unwrap().verify(&VerifyOptions::default(), &Quiet).unwrap();
    assert_eq!(report.tables.iter().map(|t| t.rows).collect::<Vec<_>>(), [2, 1, 1]);
    let mut entries = explode(&file);
    // Another writer's relationships: other case, nothing encoded.
    let rels = entries.iter().position(|e| e.name() == "_rels/.rels").unwrap();
    let text = |part: &str| format!("<R><R Type=\"table=x\" Target=\"/{part}\"/></R>");
    let all = [
        "Data/dbo.T/TableData-000-00000.BCP",
        "Data/dbo.t/TableData-000-00000.BCP",
        "data/dbo.größe %/tabledata-000-00000.bcp",
    ];
    let relations: String = all.iter().map(|part| text(part)).collect();
    entries[rels] = RawEntry::deflated("_rels/.rels", format!("<Rs>{relations}</Rs>").as_bytes());
    read(build(&entries)).unwrap();
    entries.retain(|e| e.name() != all[0]);
    assert_eq!(
        read(build(&entries)).unwrap_err().to_string(),
        format!("part {} is missing: _rels/.rels names it and the archive does not have it", all[0])
    );
}

#[test]
fn names_that_lead_out_of_the_package_are_refused() {
    for name in ["../evil", "Data/../../evil", "/etc/passwd", "C:/evil", "Data\\evil", "Data/%2e%2e/x", "a\0b"] {
        let file = changed(|entries| entries.push(RawEntry::deflated(name, b"x")));
        let error = open(file).unwrap_err();
        assert!(matches!(error, PackageError::EntryName { .. }), "{name}: {error}");
    }
    let file = changed(|e| at(e, PART).local_name = Some(PART.replace("dbo", "DBO").into_bytes()));
    assert!(complaint(file).contains("its local header has another name"));
    let file = changed(|e| e.last_mut().unwrap().name = b"\xFF\xFE".to_vec());
    assert!(complaint(file).contains("is not UTF-8"));
}

#[test]
fn encrypted_and_unknown_entries_are_refused() {
    assert_eq!(complaint(changed(|e| at(e, PART).flags = 1)), format!("entry {PART} is encrypted"));
    assert!(complaint(changed(|e| at(e, PART).method = 99)).contains("is encrypted"));
    assert!(complaint(changed(|e| at(e, PART).method = 12)).contains("compression method 12"));
}

#[test]
fn content_types_without_bcp_are_told() {
    let types = b"<Types><Default Extension=\"xml\" ContentType=\"text/xml\" /></Types>";
    let file = changed(|e| *at(e, "[Content_Types].xml") = RawEntry::deflated("[Content_Types].xml", types));
    let report = verify(file, Depth::Rows, Some(manifest())).unwrap();
    assert!(report.notes[0].contains("silently leave out the table data"), "{:?}", report.notes);
}

/// Ten gigabytes of zeros: one deflated megabyte, again and again.
fn bomb(name: &str, size: u64) -> RawEntry {
    const MEGABYTE: usize = 1 << 20;
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    let mut block = Vec::with_capacity(1 << 16);
    compress.compress_vec(&vec![0; MEGABYTE], &mut block, flate2::FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in() as usize, MEGABYTE);
    let mut crc = crc32fast::Hasher::new();
    let mut one = crc32fast::Hasher::new();
    one.update(&vec![0; MEGABYTE]);
    let mut data = Vec::new();
    for _ in 0..size / MEGABYTE as u64 {
        data.extend_from_slice(&block);
        crc.combine(&one);
    }
    // A last block without content.
    data.extend([0x03, 0x00]);
    RawEntry { name: name.into(), local_name: None, flags: 0, method: 8, crc32: crc.finalize(), size, data }
}

#[test]
fn bombs_are_refused_and_cost_no_memory() {
    const TEN_GB: u64 = 10 << 30;
    let file = changed(|e| *at(e, PART) = bomb(PART, TEN_GB));
    assert!(file.len() < 20 << 20);
    insta::assert_snapshot!(complaint(file));
    let file = changed(|e| *at(e, "model.xml") = bomb("model.xml", TEN_GB));
    assert!(complaint(file).contains("the ratio of model.xml is"));
    // It declares little and inflates to much.
    let file = changed(|e| *at(e, PART) = RawEntry { size: 5000, ..bomb(PART, TEN_GB) });
    assert!(complaint(file).contains("inflates to more than the 5000 bytes it declares"));
    // Many entries, each below the limit of one.
    let file = changed(|entries| {
        let one = bomb("x", 63 << 20);
        entries.extend((0..162).map(|n| RawEntry { name: format!("other{n}").into_bytes(), ..one.clone() }));
    });
    assert!(complaint(file).contains("the ratio of all entries is"));
    // One content, shared by many entries.
    let mut file = changed(|entries| entries.push(RawEntry::deflated("twin", b"x")));
    let record = file.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    file[record + 42..record + 46].copy_from_slice(&0u32.to_le_bytes());
    assert!(complaint(file).contains("overlaps"));
    // A small entry whose elements would each cost as much as the longest around them.
    let long = "n".repeat(100_000);
    let text = format!("<DacOrigin><{long}>{}</{long}></DacOrigin>", "<a/>".repeat(20_000));
    let file = changed(|e| *at(e, "Origin.xml") = RawEntry::deflated("Origin.xml", text.as_bytes()));
    assert_eq!(complaint(file), "Origin.xml is not readable XML: an element's name has 100000 bytes");
    let limits = Limits { entries: 5, ..Limits::default() };
    let error = Package::open(Bytes::new(sound()), limits).unwrap_err();
    assert_eq!(error.to_string(), "the number of entries is 8, above the limit of 5: refused as a bomb");
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 200 << 10, "{kilobytes} KB at the peak");
    }
}

#[test]
fn a_verification_can_be_watched_and_stopped() {
    #[derive(Default)]
    struct Watch(AtomicU64, AtomicU64);
    impl Verifying for Watch {
        fn checked(&self, _: &str, bytes: u64, rows: u64) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
            self.1.fetch_add(rows, Ordering::Relaxed);
        }
    }
    let package = open(sound()).unwrap();
    let watch = Watch::default();
    let report = package.verify(&VerifyOptions { threads: 4, ..VerifyOptions::default() }, &watch).unwrap();
    assert_eq!((watch.0.into_inner(), watch.1.into_inner()), (report.bytes, 301));
    struct Stop;
    impl Verifying for Stop {
        fn checked(&self, _: &str, _: u64, _: u64) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let error = package.verify(&VerifyOptions::default(), &Stop).unwrap_err();
    assert!(matches!(error, PackageError::Cancelled));
}

#[test]
fn big_values_in_entries_of_their_own_are_followed() {
    const GUID: &str = "0F8FAD5B-D9CB-469F-A165-70867728950E";
    let marker = format!("!BIN_FILE!:{}", GUID.to_lowercase());
    let part = "Data/dbo.Files/TableData-000-00000.BCP";
    let rows = [&(marker.len() as u64).to_le_bytes()[..], marker.as_bytes()].concat();
    let content: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
    let read = |with_blob: bool| {
        let package = open(changed(|entries| {
            *at(entries, part) = RawEntry::deflated(part, &rows);
            if with_blob {
                entries.push(RawEntry::deflated(&format!("Data/dbo.Files/BlobData-{GUID}.BIN"), &content));
            }
        }))
        .unwrap();
        let mut canonical = Vec::new();
        let table = package.table("dbo", "files").unwrap();
        package.write_rows(table, pacrat::bacpac::rowtext::RowFormat::Canonical, 0, None, &mut canonical).unwrap();
        String::from_utf8(canonical).unwrap()
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>();
    assert!(read(true) == format!("[\"0x{}\"]", hex(&content)), "the content stands in the marker's place");
    // Without the entry the bytes are what they are.
    assert_eq!(read(false), format!("[\"0x{}\"]", hex(marker.as_bytes())));
    // One entry is one value: otherwise a small file could hold more than anybody can read.
    let blob = format!("Data/dbo.Files/BlobData-{GUID}.BIN");
    let file = changed(|entries| {
        *at(entries, part) = RawEntry::deflated(part, &rows.repeat(2));
        entries.push(RawEntry::deflated(&blob, &content));
    });
    assert_eq!(complaint(file), format!("entry {blob}: it is the value of more than one cell"));
    // One that the relationships name is not taken for a text when it is gone.
    let named = |there: bool| {
        changed(|entries| {
            *at(entries, part) = RawEntry::deflated(part, &rows);
            let mut zip = zip::ZipArchive::new(std::io::Cursor::new(sound())).unwrap();
            let mut rels = std::io::read_to_string(zip.by_name("_rels/.rels").unwrap()).unwrap();
            let end = rels.find("</Relationships>").unwrap();
            rels.insert_str(end, &format!("<Relationship Type=\"table=Files\" Target=\"/{blob}\" Id=\"R1\" />"));
            *at(entries, "_rels/.rels") = RawEntry::deflated("_rels/.rels", rels.as_bytes());
            if there {
                entries.push(RawEntry::deflated(&blob, &content));
            }
        })
    };
    verify(named(true), Depth::Rows, None).unwrap();
    assert!(complaint(named(false)).starts_with(&format!("part {blob} is missing")));
}

#[test]
fn a_model_of_nothing_but_tags_is_refused_by_their_number() {
    let xml = format!("<DataSchemaModel><Model><Element>{}</Element></Model></DataSchemaModel>", "<a/>".repeat(60_000));
    let mut writer =
        PackageWriter::new(Vec::new(), xml.as_bytes(), &DacMetadata::of_database("x"), Modified::default()).unwrap();
    assert!(writer.size() < 10_000, "it compresses well");
    writer.part("dbo", "t", 0, &Deflater::default().deflate(&[1])).unwrap();
    let (file, _) = writer.finish(Origin::default()).unwrap();
    let limits = Limits { model_xml: 1 << 20, ..Limits::default() };
    let error = BoundPackage::open(Bytes::new(file), limits).unwrap_err();
    assert_eq!(error.to_string(), "model.xml is beyond the limit of 52428 tags");
}

#[test]
fn char_under_utf8_is_read_both_ways_and_refused_where_both_fit() {
    let plan = TablePlan::new(
        "dbo",
        "c",
        vec![
            ColumnPlan::new("c", BcpType::Char, false)
                .with_length(1)
                .with_collation("Latin1_General_100_CI_AS_SC_UTF8"),
            ColumnPlan::new("n", BcpType::TinyInt, false),
        ],
    );
    assert!(plan.has_utf8_char());
    assert_ne!(plan.columns[0].framing(CharUtf8::Bare), plan.columns[0].framing(CharUtf8::Prefixed));
    let read = |rows: &[u8]| {
        let mut writer =
            PackageWriter::new(Vec::new(), MODEL, &DacMetadata::of_database("x"), Modified::default()).unwrap();
        writer.part("dbo", "c", 0, &Deflater::default().deflate(rows)).unwrap();
        let (file, _) = writer.finish(Origin::default()).unwrap();
        let package = Package::open(Bytes::new(file), Limits::default()).unwrap().bind(vec![plan.clone()]).unwrap();
        let mut out = Vec::new();
        let format = pacrat::bacpac::rowtext::RowFormat::Canonical;
        package.write_rows(&package.tables()[0], format, 0, None, &mut out).map_err(|e| e.to_string())?;
        Ok::<_, String>(String::from_utf8(out).unwrap())
    };
    assert_eq!(read(b"\x58\0\x07").unwrap(), "[\"X\",\"7\"]");
    assert_eq!(read(b"\x02\0\x58\0\x07").unwrap(), "[\"X\",\"7\"]");
    // Five rows of three bytes are also three rows of five.
    let error = read(b"\x02\0\x58\0\x07\x02\0\x58\0\x02\x02\0\x58\0\x07").unwrap_err();
    assert!(error.contains("can be read in two ways"), "{error}");
    let error = read(b"\x58").unwrap_err();
    assert!(error.contains("the data ends inside a row"), "{error}");
}

#[test]
fn a_row_beyond_the_memory_allowed_is_streamed() {
    let plan = Arc::new(TablePlan::new(
        "dbo",
        "Files",
        vec![ColumnPlan::new("id", BcpType::Int, false), ColumnPlan::new("content", BcpType::NVarCharMax, true)],
    ));
    for known in [true, false] {
        let mut writer =
            PackageWriter::new(Vec::new(), MODEL, &DacMetadata::of_database("x"), Modified::default()).unwrap();
        let limits = PartLimits { part: 50_000, held: 100_000 };
        let mut roller = PartRoller::new(plan.clone(), Append::new(&mut writer, plan.clone()), limits);
        let piece = b"a\0b\0c\0d\0".repeat(1000);
        for n in 0..10 {
            let pieces = if n == 4 || n == 7 { 200 } else { 1 };
            let length = pieces * piece.len() as u64;
            roller.cell(0, Cell::Int(n)).unwrap();
            roller.lob_start(1, LobKind::Text, known.then_some(length)).unwrap();
            for _ in 0..pieces {
                roller.lob_piece(1, &piece).unwrap();
            }
            roller.lob_end(1).unwrap();
            roller.row_end().unwrap();
        }
        let (_, rows) = roller.finish().unwrap();
        assert_eq!(rows, 10);
        let (file, written) = writer.finish(Origin::default()).unwrap();
        // Rows 0–3, 4 alone, 5 and 6, 7 alone, 8 and 9.
        assert_eq!(written.parts, 5);
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&file)).unwrap();
        for i in 0..zip.len() {
            std::io::copy(&mut zip.by_index(i).unwrap(), &mut std::io::sink()).unwrap();
        }
        let plans = vec![(*plan).clone()];
        let package = Package::open(Bytes::new(file), Limits::default()).unwrap().bind(plans).unwrap();
        let report = package.verify(&VerifyOptions::default(), &Quiet).unwrap();
        assert_eq!((report.tables[0].rows, report.tables[0].parts), (10, 5));
        let mut out = Vec::new();
        let format = pacrat::bacpac::rowtext::RowFormat::JsonLines;
        package.write_rows(&package.tables()[0], format, 4, Some(1), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("{{\"id\":4,\"content\":\"{}\"}}\n", "abcd".repeat(200_000))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..400), end in any::<bool>()) {
        if end {
            bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2E\0\0\0\0\0\0\0\0\0");
        }
        prop_assert!(open(bytes).is_err());
    }

    #[test]
    fn changed_packages_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut file = sound();
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        if let Ok(package) = open(file) {
            let _ = package.verify(&VerifyOptions::default(), &Quiet);
        }
    }
}
