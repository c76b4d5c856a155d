//! How fast rows become bytes and bytes rows, and parts are deflated: `cargo bench --bench bcp`.
//!
//! A wide table (20 columns, 140 bytes a row) and a narrow one (4 columns of the same 140 bytes, mostly text), in MB of
//! BCP a second on one core; parts of 8 MB on every core.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pacrat::bacpac::bcp::{BcpError, Cell, CountRows, Decoder, Encoder, LobKind, RowSink};
use pacrat::bacpac::package::*;
use pacrat::bacpac::plan::{BcpType, ColumnPlan, TablePlan};

const ROWS: usize = 60_000;

/// A small generator: the same rows every time, with the repetitions that business data has.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn column(name: &str, ty: BcpType, nullable: bool) -> ColumnPlan {
    ColumnPlan::new(name, ty, nullable)
}

fn wide() -> Arc<TablePlan> {
    use BcpType::*;
    Arc::new(TablePlan::new(
        "dbo",
        "wide",
        vec![
            column("id", BigInt, false),
            column("customer", Int, false),
            column("kind", TinyInt, false),
            column("status", SmallInt, true),
            column("on", Bit, false),
            column("price", Money, false),
            column("amount", Decimal, false).with_precision(18, 4),
            column("factor", Float, true),
            column("placed", DateTime2, false).with_scale(7),
            column("due", Date, true),
            column("changed", DateTime, true),
            column("code", NChar, false).with_length(4),
            column("name", NVarChar, true).with_length(40),
            column("rowguid", UniqueIdentifier, false),
            column("a", Int, true),
            column("b", Int, true),
            column("c", SmallInt, false),
            column("d", TinyInt, true),
            column("e", Bit, true),
            column("f", Real, false),
        ],
    ))
}

fn narrow() -> Arc<TablePlan> {
    use BcpType::*;
    Arc::new(TablePlan::new(
        "dbo",
        "narrow",
        vec![
            column("id", Int, false),
            column("name", NVarChar, false).with_length(60),
            column("at", DateTime2, false).with_scale(7),
            column("note", VarChar, true).with_length(60),
        ],
    ))
}

fn text<'a>(dice: &mut Dice, length: usize, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    const WORDS: [&str; 8] = ["street ", "north ", "river ", "old ", "market ", "42 ", "hill ", "stone "];
    buffer.clear();
    while buffer.len() < 2 * length {
        let word = WORDS[dice.roll(8) as usize];
        buffer.extend(word.encode_utf16().flat_map(u16::to_le_bytes));
    }
    &buffer[..2 * length]
}

fn fill(plan: &TablePlan, sink: &mut impl RowSink<Error = BcpError>) -> Result<(), BcpError> {
    use BcpType::*;
    let mut dice = Dice(88172645463325252);
    let mut buffer = Vec::new();
    for n in 0..ROWS {
        for (i, c) in plan.columns.iter().enumerate() {
            if c.nullable && dice.roll(10) == 0 {
                sink.cell(i, Cell::Null)?;
                continue;
            }
            let cell = match c.ty {
                BigInt => Cell::BigInt(n as i64 + 1),
                Int => Cell::Int(dice.roll(5000) as i32),
                SmallInt => Cell::SmallInt(dice.roll(12) as i16),
                TinyInt => Cell::TinyInt(dice.roll(5) as u8),
                Bit => Cell::Bit(dice.roll(2) == 1),
                Money => Cell::Money(dice.roll(100_000) as i64 * 100),
                Decimal => Cell::Decimal { negative: false, magnitude: u128::from(dice.roll(10_000_000)) },
                Float => Cell::Float((dice.roll(1000) as f64 / 8.0).to_bits()),
                Real => Cell::Real((dice.roll(1000) as f32 / 8.0).to_bits()),
                DateTime2 => Cell::DateTime2 { days: 738_000 + n as u32 / 1000, ticks: dice.roll(86_400) * 10_000_000 },
                Date => Cell::Date(738_000 + dice.roll(60) as u32),
                DateTime => Cell::DateTime { days: 45_000, ticks: dice.roll(86_400) as u32 * 300 },
                NChar => Cell::Text(text(&mut dice, 4, &mut buffer)),
                NVarChar | VarChar => {
                    let length = match plan.columns.len() {
                        4 => 26 + dice.roll(12) as usize,
                        _ => 6 + dice.roll(6) as usize,
                    };
                    Cell::Text(text(&mut dice, length, &mut buffer))
                }
                UniqueIdentifier => {
                    let mut guid = [0; 16];
                    guid[..8].copy_from_slice(&dice.roll(u64::MAX).to_le_bytes());
                    guid[8..].copy_from_slice(&dice.roll(u64::MAX).to_le_bytes());
                    Cell::Guid(guid)
                }
                other => unreachable!("{other:?}"),
            };
            sink.cell(i, cell)?;
        }
        sink.row_end()?;
    }
    Ok(())
}

fn encoded(plan: &Arc<TablePlan>) -> Vec<u8> {
    let mut encoder = Encoder::new(plan.clone());
    fill(plan, &mut encoder).expect("the rows fit their plan");
    encoder.take(Vec::new())
}

/// Looks at every cell, so that no decoding can be left out.
#[derive(Default)]
struct Look(u64);

impl RowSink for Look {
    type Error = BcpError;

    #[inline]
    fn cell(&mut self, _column: usize, cell: Cell<'_>) -> Result<(), BcpError> {
        black_box(&cell);
        Ok(())
    }

    fn lob_start(&mut self, _: usize, _: LobKind, _: Option<u64>) -> Result<(), BcpError> {
        Ok(())
    }

    fn lob_piece(&mut self, _: usize, _: &[u8]) -> Result<(), BcpError> {
        Ok(())
    }

    fn lob_end(&mut self, _: usize) -> Result<(), BcpError> {
        Ok(())
    }

    #[inline]
    fn row_end(&mut self) -> Result<(), BcpError> {
        self.0 += 1;
        Ok(())
    }
}

fn rows(c: &mut Criterion) {
    for plan in [wide(), narrow()] {
        let bytes = encoded(&plan);
        let mut group = c.benchmark_group(format!("{} ({} B a row)", plan.table, bytes.len() / ROWS));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.sample_size(30);
        let chunks = || bytes.chunks(512 * 1024);
        group.bench_function("decode", |b| {
            b.iter(|| {
                let mut decoder = Decoder::new(plan.clone(), "part");
                let mut look = Look::default();
                chunks().for_each(|chunk| decoder.feed(chunk, &mut look).expect("the rows are sound"));
                assert_eq!((decoder.finish().expect("a whole row at the end"), look.0), (ROWS as u64, ROWS as u64));
            });
        });
        group.bench_function("validate and count", |b| {
            b.iter(|| {
                let mut decoder = Decoder::new(plan.clone(), "part");
                let mut count = CountRows::default();
                chunks().for_each(|chunk| decoder.feed(chunk, &mut count).expect("the rows are sound"));
                black_box(count.rows)
            });
        });
        group.bench_function("decode and encode", |b| {
            let mut buffer = Vec::new();
            b.iter(|| {
                let mut decoder = Decoder::new(plan.clone(), "part");
                let mut encoder = Encoder::new(plan.clone());
                encoder.take(std::mem::take(&mut buffer));
                chunks().for_each(|chunk| decoder.feed(chunk, &mut encoder).expect("the rows are sound"));
                buffer = encoder.take(Vec::new());
                assert_eq!(buffer.len(), bytes.len());
            });
        });
        let cells = Recorded::of(&plan, &bytes);
        group.bench_function("encode", |b| {
            let mut buffer = Vec::new();
            b.iter(|| {
                let mut encoder = Encoder::new(plan.clone());
                encoder.take(std::mem::take(&mut buffer));
                cells.replay(&mut encoder).expect("the rows fit their plan");
                buffer = encoder.take(Vec::new());
                assert_eq!(buffer.len(), bytes.len());
            });
        });
        group.finish();
    }
}

/// The cells of rows, borrowed from their bytes, so that encoding alone can be measured.
struct Recorded<'a> {
    cells: Vec<Cell<'a>>,
    columns: usize,
}

impl<'a> Recorded<'a> {
    fn of(plan: &Arc<TablePlan>, bytes: &'a [u8]) -> Self {
        struct Keep<'a> {
            bytes: &'a [u8],
            cells: Vec<Cell<'a>>,
        }
        impl RowSink for Keep<'_> {
            type Error = BcpError;
            fn cell(&mut self, _: usize, cell: Cell<'_>) -> Result<(), BcpError> {
                // The borrow ends with the call: the same bytes are found again by their place.
                let find = |b: &[u8]| b.as_ptr() as usize - self.bytes.as_ptr() as usize;
                self.cells.push(match cell {
                    Cell::Text(b) => Cell::Text(&self.bytes[find(b)..][..b.len()]),
                    Cell::Null => Cell::Null,
                    Cell::Bit(v) => Cell::Bit(v),
                    Cell::TinyInt(v) => Cell::TinyInt(v),
                    Cell::SmallInt(v) => Cell::SmallInt(v),
                    Cell::Int(v) => Cell::Int(v),
                    Cell::BigInt(v) => Cell::BigInt(v),
                    Cell::Real(v) => Cell::Real(v),
                    Cell::Float(v) => Cell::Float(v),
                    Cell::Money(v) => Cell::Money(v),
                    Cell::Decimal { negative, magnitude } => Cell::Decimal { negative, magnitude },
                    Cell::Date(v) => Cell::Date(v),
                    Cell::DateTime2 { days, ticks } => Cell::DateTime2 { days, ticks },
                    Cell::DateTime { days, ticks } => Cell::DateTime { days, ticks },
                    Cell::Guid(v) => Cell::Guid(v),
                    other => unreachable!("{other:?}"),
                });
                Ok(())
            }
            fn lob_start(&mut self, _: usize, _: LobKind, _: Option<u64>) -> Result<(), BcpError> {
                Ok(())
            }
            fn lob_piece(&mut self, _: usize, _: &[u8]) -> Result<(), BcpError> {
                Ok(())
            }
            fn lob_end(&mut self, _: usize) -> Result<(), BcpError> {
                Ok(())
            }
            fn row_end(&mut self) -> Result<(), BcpError> {
                Ok(())
            }
        }
        let mut keep = Keep { bytes, cells: Vec::new() };
        Decoder::new(plan.clone(), "part").feed(bytes, &mut keep).expect("the rows are sound");
        Recorded { cells: keep.cells, columns: plan.columns.len() }
    }

    fn replay(&self, encoder: &mut Encoder) -> Result<(), BcpError> {
        for row in self.cells.chunks_exact(self.columns) {
            for (i, cell) in row.iter().enumerate() {
                encoder.cell(i, *cell)?;
            }
            encoder.row_end()?;
        }
        Ok(())
    }
}

fn parts(c: &mut Criterion) {
    let bytes = encoded(&wide());
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let deflate = |level: i32| -> DeflatedPart { Deflater::new(level).deflate(&bytes) };
    let mut group = c.benchmark_group(format!("deflate a part of {} MB", bytes.len() >> 20));
    group.sample_size(10);
    for level in [1, 2, 3, 4, 5, 6] {
        let ratio = bytes.len() as f64 / deflate(level).bytes.len() as f64;
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("one core", format!("level {level}, ratio {ratio:.2}")), |b| {
            let mut deflater = Deflater::new(level);
            b.iter(|| black_box(deflater.deflate(&bytes)));
        });
    }
    // Every core deflates parts of its own; what comes out is kept, as a writer's queue keeps it.
    const EACH: usize = 4;
    group.throughput(Throughput::Bytes((bytes.len() * cores * EACH) as u64));
    group.bench_function(format!("{cores} cores, level {}", Deflater::DEFAULT_LEVEL), |b| {
        b.iter(|| {
            std::thread::scope(|scope| {
                for _ in 0..cores {
                    scope.spawn(|| {
                        let mut deflater = Deflater::default();
                        for _ in 0..EACH {
                            black_box(deflater.deflate(&bytes));
                        }
                    });
                }
            });
        });
    });
    group.finish();
}

/// A package of 30 MB of rows, read back and proven: inflated, CRC, every row decoded.
fn verify(c: &mut Criterion) {
    let plan = wide();
    let part = Deflater::default().deflate(&encoded(&plan));
    let metadata = DacMetadata::of_database("bench");
    let mut writer =
        PackageWriter::new(Vec::new(), b"<model/>", &metadata, Modified::default()).expect("written to memory");
    for n in 0..4 {
        writer.part("dbo", "wide", n, &part).expect("written to memory");
    }
    let (file, _) = writer.finish(Origin::default()).expect("written to memory");
    let package = Package::open(Bytes::new(file), Limits::default()).expect("our own package");
    let package = package.bind(vec![(*plan).clone()]).expect("its own table");
    let mut group = c.benchmark_group("verify a package");
    group.throughput(Throughput::Bytes(4 * part.size));
    group.sample_size(10);
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    for (depth, threads) in [(Depth::Archive, 1), (Depth::Rows, 1), (Depth::Rows, cores)] {
        group.bench_function(format!("{depth:?}, {threads} threads"), |b| {
            let options = VerifyOptions { depth, threads, expected: None };
            b.iter(|| black_box(package.verify(&options, &Quiet).expect("a sound package")));
        });
    }
    group.finish();
}

criterion_group!(benches, rows, parts, verify);
criterion_main!(benches);
