//! Real packages, of Microsoft's tools: read, verified, digested, written again.

mod support;

use std::collections::BTreeMap;

use pacrat::bacpac::canonical::Digest;
use pacrat::bacpac::package::*;
use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};
use pacrat::bacpac::rowtext::RowFormat;
use support::{bacpacs, expected, plans::plans, shared};

fn open(bytes: Vec<u8>) -> BoundPackage {
    BoundPackage::open(Bytes::new(bytes), Limits::default()).unwrap().0
}

fn digests(package: &BoundPackage) -> BTreeMap<String, (u64, String)> {
    package
        .tables()
        .iter()
        .filter(|table| !table.parts.is_empty())
        .map(|table| {
            let mut digest = Digest::new(table.plan.clone());
            package.read_table(table, &mut digest).unwrap();
            let digest = digest.finish();
            (table.plan.to_string(), (digest.rows, digest.sha256))
        })
        .collect()
}

#[test]
fn every_real_package_is_read_and_its_rows_are_the_expected_ones() {
    let Some(shared) = shared("tests/packages.rs") else { return };
    let packages = bacpacs(&shared);
    assert_eq!(packages.len(), 20);
    for (name, path) in packages {
        let package = open(std::fs::read(path).unwrap());
        assert_eq!(package.package().notes(), &[] as &[String], "{name}");
        assert_eq!(digests(&package), expected(&shared, &name), "{name}");
    }
}

#[test]
fn the_models_plans_are_those_of_a_reader_of_the_tests_own() {
    let Some(shared) = shared("tests/packages.rs") else { return };
    for (name, path) in bacpacs(&shared) {
        let package = open(std::fs::read(path).unwrap());
        let twins = plans(&package.package().model_xml().unwrap());
        for twin in twins {
            let Ok(table) = package.table(&twin.schema, &twin.table) else { panic!("{name}: no {twin}") };
            assert_eq!(table.plan.columns.len(), twin.columns.len(), "{name} {twin}");
            for (ours, theirs) in table.plan.columns.iter().zip(twin.columns) {
                let facets = |c: &ColumnPlan| (c.name.clone(), c.ty, c.nullable, c.length, c.precision, c.scale);
                assert_eq!(facets(ours), facets(&theirs), "{name} {}", table.plan);
                assert_eq!(ours.identity, theirs.identity, "{name} {} {}", table.plan, ours.name);
            }
        }
    }
}

#[test]
fn rows_are_shown_as_pages_and_lines() {
    let Some(shared) = shared("tests/packages.rs") else { return };
    let package = open(std::fs::read(shared.join("bacpacs/northwind.bacpac")).unwrap());
    let table = package.table("dbo", "order details").unwrap();
    let page = package.page(table, 2150, 10, 40).unwrap();
    assert_eq!((page.rows.len(), page.more), (5, false));
    let page = package.page(table, 1, 2, 3).unwrap();
    assert_eq!((page.rows.len(), page.more), (2, true));
    assert!(page.rows.iter().flatten().all(|c| c.text.as_ref().is_some_and(|t| t.chars().count() <= 3)));
    for format in [RowFormat::Csv, RowFormat::JsonLines, RowFormat::Canonical] {
        let mut out = Vec::new();
        package.write_rows(table, format, 0, None, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), if format == RowFormat::Csv { 2156 } else { 2155 });
        if format != RowFormat::Csv {
            text.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).unwrap()));
        }
    }
    // Every type there is, in each form: JSON stays JSON.
    let package = open(std::fs::read(shared.join("dacfx/golden/alltypes.bacpac")).unwrap());
    for table in package.tables() {
        let mut out = Vec::new();
        package.write_rows(table, RowFormat::JsonLines, 0, None, &mut out).unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{}: {e}: {line}", table.plan));
        }
        package.page(table, 0, 100, 20).unwrap();
    }
    let text = |table: &str| {
        let mut out = Vec::new();
        package.write_rows(package.table("dbo", table).unwrap(), RowFormat::Csv, 0, None, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(text("null_dto_7").lines().nth(2), Some("2,"));
    insta::assert_snapshot!(
        [
            "null_money",
            "null_dto_7",
            "null_dto_0",
            "null_dt2_7",
            "null_datetime",
            "null_smalldatetime",
            "null_time3",
            "null_dec38_38",
            "null_float",
            "null_real",
            "null_uniqueidentifier",
            "null_varbinary10",
            "null_bit",
            "null_nvarchar10",
            "null_hierarchyid",
            "null_sql_variant",
        ]
        .map(text)
        .join("")
    );
}

#[test]
fn every_real_package_verifies_and_its_counts_are_the_expected_ones() {
    let Some(shared) = shared("tests/packages.rs") else { return };
    for (name, path) in bacpacs(&shared) {
        let package = open(std::fs::read(path).unwrap());
        let expected: Vec<_> = expected(&shared, &name)
            .into_iter()
            .map(|(table, (rows, _))| {
                let (schema, table) = table.split_once('.').unwrap();
                ExpectedRows { schema: schema.into(), table: table.into(), rows }
            })
            .collect();
        let options = VerifyOptions { depth: Depth::Rows, threads: 3, expected: Some(expected.clone()) };
        let report = package.verify(&options, &Quiet).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(report.tables.iter().map(|t| t.rows).sum::<u64>(), expected.iter().map(|e| e.rows).sum::<u64>());
        let archive = package.verify(&VerifyOptions { depth: Depth::Archive, ..options }, &Quiet).unwrap();
        assert_eq!(archive.bytes, report.bytes, "{name}");
    }
}

#[test]
fn every_real_package_written_again_has_the_same_rows() {
    let Some(shared) = shared("tests/packages.rs") else { return };
    for (name, path) in bacpacs(&shared) {
        let package = open(std::fs::read(path).unwrap());
        let model = package.package().model_xml().unwrap();
        // Small parts, so that tables are cut.
        let limits = PartLimits { part: 100_000, held: 50_000 };
        let (file, written) = rewrite(&package, &model, Vec::new(), Modified::default(), limits).unwrap();
        assert_eq!(file.len() as u64, written.size);
        let names = {
            let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&file)).unwrap();
            (0..zip.len()).map(|i| zip.by_index(i).unwrap().name().unwrap().into_owned()).collect::<Vec<_>>()
        };
        let again = open(file);
        assert_eq!(digests(&again), expected(&shared, &name), "{name}");
        assert_eq!(again.package().model_xml().unwrap(), model);
        assert_eq!(again.package().metadata(), package.package().metadata(), "{name}");
        let (mut before, mut after) = (package.package().origin().clone(), again.package().origin().clone());
        for origin in [&mut before, &mut after] {
            origin.row_count = None;
            origin.object_counts.sort();
        }
        assert_eq!(after, before, "{name}");
        // DacFx's order of entries.
        assert_eq!(names[..2], ["model.xml", "DacMetadata.xml"], "{name}");
        let data = names.iter().take_while(|n| !n.starts_with("Origin")).count();
        let tail: &[&str] = if written.parts > 0 {
            &["Origin.xml", "_rels/.rels", "[Content_Types].xml"]
        } else {
            &["Origin.xml", "[Content_Types].xml"]
        };
        assert_eq!(names[data..], *tail, "{name}");
        assert!(names[2..data].iter().all(|n| n.starts_with("Data/")), "{name}");
        again.verify(&VerifyOptions::default(), &Quiet).unwrap();
    }
}

#[test]
fn the_directory_is_read_as_the_zip_crate_reads_it() {
    let Some(shared) = shared("tests/packages.rs") else { return };
    let folders = [shared.join("bacpacs"), shared.join("dacpacs"), shared.join("dacfx/golden")];
    let mut packages = 0;
    for path in folders.iter().flat_map(|f| std::fs::read_dir(f).unwrap()).map(|e| e.unwrap().path()) {
        if !path.extension().is_some_and(|e| e == "bacpac" || e == "dacpac") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let ours = Package::open(Bytes::new(bytes.clone()), Limits::default())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let theirs: Vec<_> = (0..zip.len())
            .map(|i| {
                let entry = zip.by_index(i).unwrap();
                (entry.name().unwrap().into_owned(), entry.compressed_size(), entry.size(), entry.crc32())
            })
            .collect();
        let ours: Vec<_> = ours.entries().iter().map(|e| (e.name.clone(), e.compressed, e.size, e.crc32)).collect();
        assert_eq!(ours, theirs, "{}", path.display());
        packages += 1;
    }
    assert!(packages > 60, "{packages} packages");
}

/// A file that keeps no zeros: what is written in whole pages of them is only counted.
#[derive(Default)]
struct Sparse {
    at: u64,
    length: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

const PAGE: u64 = 1 << 16;
static ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];

impl std::io::Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (page, within) = (self.length / PAGE, (self.length % PAGE) as usize);
        let n = bytes.len().min(PAGE as usize - within);
        if bytes[..n] != ZEROS[..n] {
            let page = self.pages.entry(page).or_insert_with(|| ZEROS.to_vec());
            page[within..within + n].copy_from_slice(&bytes[..n]);
        }
        self.length += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Read for Sparse {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let (page, within) = (self.at / PAGE, (self.at % PAGE) as usize);
        let n = out.len().min(PAGE as usize - within).min((self.length - self.at.min(self.length)) as usize);
        let source = self.pages.get(&page).map_or(&ZEROS[..], |p| p);
        out[..n].copy_from_slice(&source[within..within + n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl std::io::Seek for Sparse {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            std::io::SeekFrom::Start(at) => at,
            std::io::SeekFrom::End(by) => self.length.saturating_add_signed(by),
            std::io::SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[derive(Clone)]
struct SparseSource(std::sync::Arc<(u64, BTreeMap<u64, Vec<u8>>)>);

impl Source for SparseSource {
    fn open(&self) -> std::io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(Sparse { at: 0, length: self.0.0, pages: self.0.1.clone() }))
    }
    fn size(&self) -> std::io::Result<u64> {
        Ok(self.0.0)
    }
}

#[test]
fn packages_beyond_four_gigabytes_and_65535_entries_are_written_and_read() {
    let metadata = DacMetadata::of_database("large");
    let mut writer = PackageWriter::new(Sparse::default(), b"<model/>", &metadata, Modified::default()).unwrap();
    let small = Deflater::default().deflate(&[7, 0, 0, 0]);
    let claims = |size, length| DeflatedPart { size, crc32: 1, bytes: vec![0; length] };
    writer.part("dbo", "t", 0, &claims(5 << 30, 64 << 20)).unwrap();
    let gigabyte = claims(3 << 30, 1 << 30);
    for n in 1..6 {
        writer.part("dbo", "t", n, &gigabyte).unwrap();
    }
    for n in 6..70_000 {
        writer.part("dbo", "t", n, &small).unwrap();
    }
    let (file, written) = writer.finish(Origin::default()).unwrap();
    assert!(written.size == file.length && written.size > 5 << 30);
    let source = SparseSource(std::sync::Arc::new((file.length, file.pages.clone())));
    let package = Package::open(source, Limits::default()).unwrap();
    assert_eq!(package.entries().len(), 70_005);
    assert_eq!(package.entries()[2].size, 5 << 30);
    let plans = vec![TablePlan::new("dbo", "t", vec![ColumnPlan::new("id", BcpType::Int, false)])];
    let package = package.bind(plans).unwrap();
    let table = &package.tables()[0];
    assert_eq!(table.parts.len(), 70_000);
    // Behind four gigabytes, and behind number 65535.
    for part in [&table.parts[6], &table.parts[69_999]] {
        let mut digest = Digest::new(table.plan.clone());
        assert_eq!(package.read_part(table, part, &mut digest).unwrap(), 1);
    }
    let mut zip = zip::ZipArchive::new(file).unwrap();
    assert_eq!(zip.len(), 70_005);
    assert_eq!(zip.by_index_raw(2).unwrap().size(), 5 << 30);
    let mut content = Vec::new();
    let name = part_name("dbo", "t", 69_999);
    std::io::Read::read_to_end(&mut zip.by_name(&name).unwrap(), &mut content).unwrap();
    assert_eq!(content, [7, 0, 0, 0]);
}
