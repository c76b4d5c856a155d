//! A backup and a restore from end to end: `cargo bench --bench transfer`.
//!
//! A table of six columns (about 90 bytes a row in the data stream) is written as a package, restored into a sandbox of
//! another process and backed up from it, with the very commands an operator runs. Of every process its processor time
//! and its highest resident memory are told, so that the sandbox's share can be set apart: where one machine does the
//! work of both, what pacrat alone would take is the wall time less the sandbox's part of the processor time.
//!
//! `PACRAT_BENCH_ROWS` sets the number of rows (1,000,000, which are 90 MB; 23,000,000 are 2 GB).
//! `PACRAT_BENCH_LARGE` sets megabytes instead: a table of two rows, each with a value of so many.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pacrat::bacpac::bcp::{BcpError, Cell, Encoder, LobKind, RowSink};
use pacrat::bacpac::package::{
    Append, DacMetadata, Deflater, Modified, Origin, PackageError, PackageWriter, PartLimits, PartRoller,
};
use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};

const PART: usize = 8 << 20;
/// What a backup and a restore may take in memory, whatever the size of a table or of a value.
const AIM_MB: u64 = 300;
/// MB/s of the same table on a machine like those this is measured on: Microsoft's exporter, and a native bcp out.
const OTHERS: [(&str, f64); 2] = [("Microsoft's exporter", 29.0), ("bcp out", 180.0)];
const PASSWORD: &str = "Bench-1-Password";

fn large_plan() -> Arc<TablePlan> {
    let columns =
        vec![ColumnPlan::new("Id", BcpType::BigInt, false), ColumnPlan::new("Content", BcpType::VarBinaryMax, true)];
    Arc::new(TablePlan::new("dbo", "Reading", columns))
}

fn plan() -> Arc<TablePlan> {
    let column = |name: &str, ty, nullable| ColumnPlan::new(name, ty, nullable);
    Arc::new(TablePlan::new(
        "dbo",
        "Reading",
        vec![
            column("Id", BcpType::BigInt, false),
            column("Meter", BcpType::Int, false),
            column("Taken", BcpType::DateTime2, false).with_scale(7),
            column("Value", BcpType::Decimal, false).with_precision(18, 4),
            column("Note", BcpType::NVarChar, true).with_length(60),
            column("Checked", BcpType::Bit, true),
        ],
    ))
}

/// The model of the same table, by hand: what the codec's plan says must be what this says.
fn model(large: bool) -> String {
    let column = |name: &str, nullable: bool, ty: &str, facets: &str| {
        let null = if nullable { "" } else { "<Property Name=\"IsNullable\" Value=\"False\" />" };
        format!(
            "<Entry><Element Type=\"SqlSimpleColumn\" Name=\"[dbo].[Reading].[{name}]\">{null}\
             <Relationship Name=\"TypeSpecifier\"><Entry><Element Type=\"SqlTypeSpecifier\">{facets}\
             <Relationship Name=\"Type\"><Entry><References ExternalSource=\"BuiltIns\" Name=\"[{ty}]\" /></Entry>\
             </Relationship></Element></Entry></Relationship></Element></Entry>"
        )
    };
    let id = column("Id", false, "bigint", "");
    let content = column("Content", true, "varbinary", "<Property Name=\"IsMax\" Value=\"True\" />");
    let readings = [
        column("Id", false, "bigint", ""),
        column("Meter", false, "int", ""),
        column("Taken", false, "datetime2", "<Property Name=\"Scale\" Value=\"7\" />"),
        column(
            "Value",
            false,
            "decimal",
            "<Property Name=\"Scale\" Value=\"4\" /><Property Name=\"Precision\" Value=\"18\" />",
        ),
        column("Note", true, "nvarchar", "<Property Name=\"Length\" Value=\"60\" />"),
        column("Checked", true, "bit", ""),
    ]
    .concat();
    let columns = if large { id + &content } else { readings };
    let dbo = "<Relationship Name=\"Schema\"><Entry><References ExternalSource=\"BuiltIns\" Name=\"[dbo]\" /></Entry>\
               </Relationship>";
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><DataSchemaModel FileFormatVersion=\"1.2\" SchemaVersion=\"2.9\" \
         DspName=\"Microsoft.Data.Tools.Schema.Sql.Sql150DatabaseSchemaProvider\" CollationLcid=\"1033\" \
         CollationCaseSensitive=\"False\" xmlns=\"http://schemas.microsoft.com/sqlserver/dac/Serialization/2012/02\">\
         <Model><Element Type=\"SqlDatabaseOptions\" Disambiguator=\"1\"><Property Name=\"Collation\" \
         Value=\"SQL_Latin1_General_CP1_CI_AS\" /></Element>\
         <Element Type=\"SqlPrimaryKeyConstraint\" Name=\"[dbo].[PK_Reading]\">\
         <Relationship Name=\"ColumnSpecifications\"><Entry><Element Type=\"SqlIndexedColumnSpecification\">\
         <Relationship Name=\"Column\"><Entry><References Name=\"[dbo].[Reading].[Id]\" /></Entry></Relationship>\
         </Element></Entry></Relationship>\
         <Relationship Name=\"DefiningTable\"><Entry><References Name=\"[dbo].[Reading]\" /></Entry></Relationship>\
         {dbo}</Element>\
         <Element Type=\"SqlTable\" Name=\"[dbo].[Reading]\"><Property Name=\"IsAnsiNullsOn\" Value=\"True\" />\
         <Relationship Name=\"Columns\">{columns}</Relationship>{dbo}</Element></Model></DataSchemaModel>"
    )
}

fn row(id: u64, out: &mut Encoder, note: &mut Vec<u8>) -> Result<(), BcpError> {
    // A linear congruence: spread like business data, the same at every run.
    let dice = id.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33;
    out.cell(0, Cell::BigInt(id as i64))?;
    out.cell(1, Cell::Int((dice % 5_000) as i32))?;
    out.cell(2, Cell::DateTime2 { days: 738_000 + (id / 2_000) as u32 % 3_000, ticks: dice % 86_400 * 10_000_000 })?;
    out.cell(3, Cell::Decimal { negative: dice.is_multiple_of(7), magnitude: u128::from(dice % 10_000_000) })?;
    note.clear();
    for unit in format!("read at door {} floor {}", dice % 90, dice % 11).encode_utf16() {
        note.extend_from_slice(&unit.to_le_bytes());
    }
    out.cell(4, Cell::Text(note))?;
    out.cell(5, if dice.is_multiple_of(5) { Cell::Null } else { Cell::Bit(dice.is_multiple_of(2)) })?;
    out.row_end()
}

/// Writes the package of two large values; returns the bytes of its rows.
fn large_package(path: &Path, megabytes: u64) -> u64 {
    let file = BufWriter::new(File::create(path).expect("the package can be made"));
    let metadata = DacMetadata::of_database("readings");
    let mut writer =
        PackageWriter::new(file, model(true).as_bytes(), &metadata, Modified::default()).expect("the package begins");
    let sink = Append::new(&mut writer, large_plan());
    let mut roller = PartRoller::new(large_plan(), sink, PartLimits { part: PART, held: PART });
    let mut write = || -> Result<u64, PackageError> {
        for id in 1..=2 {
            roller.cell(0, Cell::BigInt(id))?;
            roller.lob_start(1, LobKind::Binary, Some(megabytes << 20))?;
            // Half of it can be made smaller.
            let mut state = id as u64;
            for _ in 0..megabytes * 16 {
                let piece: Vec<u8> = (0..8192u64)
                    .flat_map(|n| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n);
                        if n % 2 == 0 { state.to_le_bytes() } else { n.to_le_bytes() }
                    })
                    .collect();
                roller.lob_piece(1, &piece)?;
            }
            roller.lob_end(1)?;
            roller.row_end()?;
        }
        Ok(roller.bytes())
    };
    let bytes = write().expect("the values are written");
    roller.finish().expect("the part ends");
    writer.finish(Origin { row_count: Some(2), ..Origin::default() }).expect("the package ends");
    bytes
}

/// Writes the package; returns the bytes of its rows.
fn package(path: &Path, rows: u64) -> u64 {
    let file = BufWriter::new(File::create(path).expect("the package can be made"));
    let metadata = DacMetadata::of_database("readings");
    let mut writer =
        PackageWriter::new(file, model(false).as_bytes(), &metadata, Modified::default()).expect("the package begins");
    let (mut encoder, mut deflater) = (Encoder::new(plan()), Deflater::default());
    let (mut note, mut bytes, mut number, mut spare) = (Vec::new(), 0, 0, Vec::new());
    for id in 1..=rows {
        row(id, &mut encoder, &mut note).expect("the row fits its plan");
        if encoder.bytes().len() >= PART || id == rows {
            let part = encoder.take(std::mem::take(&mut spare));
            bytes += part.len() as u64;
            writer.part("dbo", "Reading", number, &deflater.deflate(&part)).expect("the part is written");
            number += 1;
            spare = part;
        }
    }
    writer.finish(Origin { row_count: Some(rows), ..Origin::default() }).expect("the package ends");
    bytes
}

/// What a process used so far: seconds of processor time, highest resident kilobytes.
fn used(pid: u32) -> Option<(f64, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // utime and stime, in ticks of 1/100 s on every Linux of today.
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()?;
    Some((ticks / 100.0, peak))
}

fn watch(what: &str, mut child: Child, bytes: u64, rows: u64, sandbox: u32) {
    let (began, before) = (Instant::now(), used(sandbox));
    let mut last = (0.0, 0);
    let status = loop {
        if let Some(now) = used(child.id()) {
            last = now;
        }
        if let Some(status) = child.try_wait().expect("the process can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let wall = began.elapsed().as_secs_f64();
    assert!(status.success(), "{what} failed: {status}");
    let (seconds, resident) = last;
    let (server, of_server) = match (before, used(sandbox)) {
        (Some(a), Some(b)) => (b.0 - a.0, b.1),
        _ => (0.0, 0),
    };
    let megabytes = bytes as f64 / 1e6;
    println!("{what}: {rows} rows, {megabytes:.0} MB of rows in {wall:.2} s = {:.0} MB/s", megabytes / wall);
    println!(
        "  pacrat: {seconds:.2} s of processor = {:.0} MB/s a core, {} MB resident at most (aim: below {AIM_MB}, {})",
        megabytes / seconds,
        resident / 1024,
        if resident / 1024 < AIM_MB { "met" } else { "MISSED" },
    );
    if what != "verify" {
        let share = server / (server + seconds);
        let alone = wall * (1.0 - share);
        println!(
            "  sandbox: {server:.2} s of processor ({:.0} % of both), {} MB resident; without it about {:.0} MB/s",
            100.0 * share,
            of_server / 1024,
            megabytes / alone
        );
        let others: Vec<String> = OTHERS.iter().map(|(who, rate)| format!("{who} {rate:.0} MB/s")).collect();
        println!("  for comparison, against a real server: {}", others.join(", "));
    }
}

fn main() {
    // `cargo test --benches` runs this too, and wants nothing of it.
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let rows = std::env::var("PACRAT_BENCH_ROWS").ok().and_then(|r| r.parse().ok()).unwrap_or(1_000_000);
    let pacrat = env!("CARGO_BIN_EXE_pacrat");
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("readings.bacpac");
    let began = Instant::now();
    let large = std::env::var("PACRAT_BENCH_LARGE").ok().and_then(|mb| mb.parse().ok());
    let (rows, bytes) = match large {
        Some(megabytes) => (2, large_package(&file, megabytes)),
        None => (rows, package(&file, rows)),
    };
    println!("package made: {:.0} MB of rows in {:.2} s", bytes as f64 / 1e6, began.elapsed().as_secs_f64());

    let mut sandbox = Command::new(pacrat)
        .args(["sandbox", "--listen", "127.0.0.1:0", "--data"])
        .arg(home.path().join("sandbox"))
        .args(["--login", "bench:@PACRAT_BENCH_PASSWORD"])
        .env("PACRAT_BENCH_PASSWORD", PASSWORD)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the sandbox starts");
    let mut lines = BufReader::new(sandbox.stdout.take().expect("piped")).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|l| Some(l.split_once("127.0.0.1:")?.1.chars().take_while(char::is_ascii_digit).collect::<String>()))
        .expect("the sandbox tells its port");
    std::thread::spawn(move || lines.for_each(drop));

    let config = home.path().join("config.toml");
    std::fs::write(
        &config,
        format!(
            "data_dir = \"data\"\n[servers.box]\nhost = \"127.0.0.1\"\nport = {port}\nlogin = \"bench\"\n\
             password_env = \"PACRAT_BENCH_PASSWORD\"\ntrust_certificate = true\n\
             [tenants.readings]\nserver = \"box\"\ndatabase = \"readings\"\n[stores.local]\npath = \"store\"\n"
        ),
    )
    .expect("the configuration is written");
    let run = |arguments: &[&str]| {
        Command::new(pacrat)
            .args(["--quiet", "--config"])
            .arg(&config)
            .args(arguments)
            .env("PACRAT_BENCH_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .spawn()
            .expect("pacrat starts")
    };
    let path = file.to_string_lossy().into_owned();
    watch("verify", run(&["verify", &path]), bytes, rows, sandbox.id());
    watch("restore", run(&["restore", &path, "--to", "box", "--database", "readings"]), bytes, rows, sandbox.id());
    watch("backup", run(&["backup", "readings"]), bytes, rows, sandbox.id());
    let _ = sandbox.kill();
    let _ = sandbox.wait();
}
