//! A package on its way into a store: parts come from several connections, are deflated on all cores, and are appended
//! by one thread.
//!
//! Memory: every part holds a permit from the moment its bytes are taken out of an encoder until it is in the file, so
//! no more than `PARTS_PER_CORE` parts a core exist at once, deflated or not. A part that is too large to be held
//! comes in pieces: they too are deflated on all cores, no more than `PIECES` of a part exist at once, and while one
//! such part is written the others wait for the file. Its pieces hold no permits, so the two cannot block each other.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::event::Failure;
use super::package;
use crate::bacpac::package::{
    DacMetadata, DeflatedPart, Deflater, Modified, Origin, PackageError, PackageWriter, Written, deflate_piece,
};
use crate::store::{Pending, StoreError};

/// Parts that wait for a core or for the file, a core.
const PARTS_PER_CORE: usize = 2;
/// Pieces of one part on their way to the file, deflated or not.
const PIECES: usize = 3;

/// The cores that deflate, shared by all jobs of a process.
#[derive(Debug, Clone)]
pub struct Cores {
    deflating: Arc<Semaphore>,
    level: i32,
    count: usize,
}

impl Cores {
    /// All cores of the machine, at a deflate level.
    pub fn all(level: u8) -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { deflating: Arc::new(Semaphore::new(count)), level: i32::from(level), count }
    }
}

/// What is said of a package before its rows.
pub struct Head {
    /// model.xml.
    pub model_xml: Vec<u8>,
    /// DacMetadata.xml.
    pub metadata: DacMetadata,
    /// The time of its entries.
    pub modified: Modified,
}

/// What the writing thread is told.
enum Order {
    Part(Ready),
    /// A part that comes in pieces: nothing else is written until its end.
    Stream(Streamed),
    /// All parts are there: the end of the package.
    Finish(Box<Origin>),
    /// No more is wanted, whoever still holds [`Parts`].
    Stop,
}

/// A part on its way to the file.
struct Ready {
    schema: Arc<str>,
    table: Arc<str>,
    number: u64,
    part: DeflatedPart,
    _permit: OwnedSemaphorePermit,
}

/// A part in pieces on its way to the file.
struct Streamed {
    schema: Arc<str>,
    table: Arc<str>,
    number: u64,
    /// In their order; each is ready when its core is. The sender gone without an end: the reader gave up.
    pieces: mpsc::Receiver<Piece>,
}

enum Piece {
    Bytes(oneshot::Receiver<DeflatedPart>),
    End,
}

/// Where readers put their parts.
#[derive(Clone)]
pub struct Parts {
    cores: Cores,
    room: Arc<Semaphore>,
    orders: mpsc::UnboundedSender<Order>,
}

/// Nobody takes parts any more: the file failed. [`Writing::end`] says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl Parts {
    /// Deflate a part and put it into the file. Waits until there is room for it.
    pub async fn put(&self, schema: &Arc<str>, table: &Arc<str>, number: u64, bytes: Vec<u8>) -> Result<(), Closed> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(|_| Closed)?;
        let core = Arc::clone(&self.cores.deflating).acquire_owned().await.map_err(|_| Closed)?;
        if self.orders.is_closed() {
            return Err(Closed);
        }
        let (orders, level) = (self.orders.clone(), self.cores.level);
        let (schema, table) = (Arc::clone(schema), Arc::clone(table));
        tokio::task::spawn_blocking(move || {
            let part = Deflater::new(level).deflate(&bytes);
            drop(bytes);
            drop(core);
            // A writer that has ended says why itself.
            let _ = orders.send(Order::Part(Ready { schema, table, number, part, _permit: permit }));
        });
        Ok(())
    }

    /// Begin a part that comes in pieces.
    pub fn stream(&self, schema: &Arc<str>, table: &Arc<str>, number: u64) -> Result<Pieces, Closed> {
        let (pieces, received) = mpsc::channel(PIECES);
        let streamed = Streamed { schema: Arc::clone(schema), table: Arc::clone(table), number, pieces: received };
        self.orders.send(Order::Stream(streamed)).map_err(|_| Closed)?;
        Ok(Pieces { cores: self.cores.clone(), pieces })
    }
}

/// Where the pieces of a part are put that is too large to be held.
pub struct Pieces {
    cores: Cores,
    pieces: mpsc::Sender<Piece>,
}

impl Pieces {
    /// Deflate a piece and append it. Waits until there is room for it.
    pub async fn put(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        let room = self.pieces.reserve().await.map_err(|_| Closed)?;
        let core = Arc::clone(&self.cores.deflating).acquire_owned().await.map_err(|_| Closed)?;
        let (sender, receiver) = oneshot::channel();
        room.send(Piece::Bytes(receiver));
        tokio::task::spawn_blocking(move || {
            let piece = deflate_piece(&bytes);
            drop(bytes);
            drop(core);
            // A writer that has ended says why itself.
            let _ = sender.send(piece);
        });
        Ok(())
    }

    /// The part is complete.
    pub async fn end(self) -> Result<(), Closed> {
        self.pieces.send(Piece::End).await.map_err(|_| Closed)
    }
}

/// The file, and what was written: nothing if the end was never asked for.
type Ended = (Box<dyn Pending>, Result<Option<Written>, Failure>);

/// The thread that writes.
pub struct Writing {
    parts: Parts,
    room: u32,
    thread: JoinHandle<Ended>,
}

/// Begin to write a package into a pending file.
pub fn begin(pending: Box<dyn Pending>, head: Head, cores: &Cores) -> Writing {
    let (orders, received) = mpsc::unbounded_channel();
    let count = cores.count * PARTS_PER_CORE;
    let parts = Parts { cores: cores.clone(), room: Arc::new(Semaphore::new(count)), orders };
    let thread = tokio::task::spawn_blocking(move || write(pending, &head, received));
    Writing { parts, room: u32::try_from(count).unwrap_or(u32::MAX), thread }
}

impl Writing {
    /// Where the parts go.
    pub fn parts(&self) -> Parts {
        self.parts.clone()
    }

    /// All parts were put: write the end, and sync. The file, and what was written.
    pub async fn finish(self, origin: Origin) -> (Option<Box<dyn Pending>>, Result<Written, Failure>) {
        // The last parts are still being deflated; when all the room is free, they are in the file.
        let _ = self.parts.room.acquire_many(self.room).await;
        let _ = self.parts.orders.send(Order::Finish(Box::new(origin)));
        match self.end().await {
            (pending, Ok(Some(written))) => (pending, Ok(written)),
            (pending, Ok(None)) => (pending, Err(Failure::new("the package was not written to its end"))),
            (pending, Err(failure)) => (pending, Err(failure)),
        }
    }

    /// Stop writing. The file, to be discarded, and the failure that made the writer stop by itself, if one did.
    pub async fn end(self) -> (Option<Box<dyn Pending>>, Result<Option<Written>, Failure>) {
        let _ = self.parts.orders.send(Order::Stop);
        match self.thread.await {
            Ok((pending, result)) => (Some(pending), result),
            Err(e) => (None, Err(Failure::new("pacrat made a mistake of its own").because(&e))),
        }
    }
}

fn write(mut pending: Box<dyn Pending>, head: &Head, mut orders: mpsc::UnboundedReceiver<Order>) -> Ended {
    let label = pending.file().to_owned();
    let result = append(&mut *pending, head, &mut orders).map_err(|e| match e {
        PackageError::Write(source) => {
            // Said as the store says it, for a full disk has its own hint.
            Failure::from(StoreError::Io { action: "write", path: label.into(), source })
        }
        other => package::failure(&label, &other),
    });
    let result = result.and_then(|written| {
        if written.is_some() {
            pending.sync()?;
        }
        Ok(written)
    });
    (pending, result)
}

fn append(
    pending: &mut dyn Pending,
    head: &Head,
    orders: &mut mpsc::UnboundedReceiver<Order>,
) -> Result<Option<Written>, PackageError> {
    let out = BufWriter::with_capacity(1 << 20, pending.writer());
    let mut writer = PackageWriter::new(out, &head.model_xml, &head.metadata, head.modified)?;
    while let Some(order) = orders.blocking_recv() {
        match order {
            Order::Part(ready) => writer.part(&ready.schema, &ready.table, ready.number, &ready.part)?,
            Order::Stream(streamed) => {
                if !append_pieces(&mut writer, streamed)? {
                    return Ok(None);
                }
            }
            Order::Finish(origin) => {
                let (mut out, written) = writer.finish(*origin)?;
                out.flush().map_err(PackageError::Write)?;
                return Ok(Some(written));
            }
            Order::Stop => break,
        }
    }
    Ok(None)
}

/// Append a part in pieces; whether it came to its end.
fn append_pieces<W: Write>(writer: &mut PackageWriter<W>, mut part: Streamed) -> Result<bool, PackageError> {
    writer.stream_start(&part.schema, &part.table, part.number)?;
    while let Some(piece) = part.pieces.blocking_recv() {
        match piece {
            Piece::Bytes(deflated) => match deflated.blocking_recv() {
                Ok(deflated) => writer.stream_piece(&deflated)?,
                Err(_) => return Ok(false),
            },
            Piece::End => {
                writer.stream_end()?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bacpac::model::Model;
    use crate::bacpac::package::{BoundPackage, Limits, Package};
    use crate::bacpac::plan::{BcpType, ColumnPlan, TablePlan};
    use crate::store::{Folder, Store};

    fn head() -> Head {
        let xml = crate::bacpac::model::to_bytes(&Model::default().to_document());
        Head { model_xml: xml, metadata: DacMetadata::of_database("shop"), modified: Modified::default() }
    }

    fn pending(dir: &Path) -> Box<dyn Pending> {
        Folder::new("local", dir).begin("shop", "shop", jiff::Timestamp::UNIX_EPOCH).unwrap()
    }

    /// Ends a package of table `dbo.t` with an `int`, and opens it.
    async fn with_a_hundred_parts(writing: Writing) -> (Box<dyn Pending>, BoundPackage) {
        let (pending, written) = writing.finish(Origin::default()).await;
        assert_eq!(written.unwrap().parts, 100);
        let pending = pending.unwrap();
        let package = Package::open(pending.read_back().unwrap(), Limits::default()).unwrap();
        let plan = TablePlan::new("dbo", "t", vec![ColumnPlan::new("n", BcpType::Int, false)]);
        let bound = package.bind(vec![plan]).unwrap();
        (pending, bound)
    }

    #[tokio::test]
    async fn parts_of_several_readers_are_all_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let writing = begin(pending(dir.path()), head(), &Cores::all(1));
        let mut readers = Vec::new();
        for reader in 0..4u64 {
            let parts = writing.parts();
            readers.push(tokio::spawn(async move {
                for n in 0..25u64 {
                    let bytes = (0..1000u32).flat_map(u32::to_le_bytes).collect();
                    parts.put(&"dbo".into(), &"t".into(), reader * 25 + n, bytes).await.unwrap();
                }
            }));
        }
        for reader in readers {
            reader.await.unwrap();
        }
        let (pending, bound) = with_a_hundred_parts(writing).await;
        let mut rows = 0;
        for part in &bound.tables()[0].parts {
            bound
                .part_bytes(&bound.tables()[0], part, |b| {
                    rows += b.len() / 4;
                    Ok::<(), PackageError>(())
                })
                .unwrap();
        }
        assert_eq!(rows, 100_000);
        pending.discard().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn parts_in_pieces_and_whole_ones_do_not_wait_for_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let writing = begin(pending(dir.path()), head(), &Cores::all(1));
        let mut readers = Vec::new();
        for reader in 0..4u64 {
            let parts = writing.parts();
            readers.push(tokio::spawn(async move {
                let bytes: Vec<u8> = (0..1000u32).flat_map(u32::to_le_bytes).collect();
                for n in 0..25u64 {
                    let number = reader * 25 + n;
                    if n % 3 == 0 {
                        let mut pieces = parts.stream(&"dbo".into(), &"t".into(), number).unwrap();
                        // Cut inside a row.
                        for piece in bytes.chunks(1001) {
                            pieces.put(piece.to_vec()).await.unwrap();
                        }
                        pieces.end().await.unwrap();
                    } else {
                        parts.put(&"dbo".into(), &"t".into(), number, bytes.clone()).await.unwrap();
                    }
                }
            }));
        }
        for reader in readers {
            reader.await.unwrap();
        }
        let (pending, bound) = with_a_hundred_parts(writing).await;
        let expected: Vec<u8> = (0..1000u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(bound.tables()[0].parts.len(), 100);
        for part in &bound.tables()[0].parts {
            let mut bytes = Vec::new();
            bound
                .part_bytes(&bound.tables()[0], part, |b| {
                    bytes.extend_from_slice(b);
                    Ok::<(), PackageError>(())
                })
                .unwrap();
            assert_eq!(bytes, expected, "{}", part.name);
        }
        pending.discard().unwrap();
    }

    #[tokio::test]
    async fn a_part_left_without_its_end_makes_no_package() {
        let dir = tempfile::tempdir().unwrap();
        let writing = begin(pending(dir.path()), head(), &Cores::all(1));
        let mut pieces = writing.parts().stream(&"dbo".into(), &"t".into(), 0).unwrap();
        pieces.put(vec![1, 2, 3, 4]).await.unwrap();
        drop(pieces);
        let (pending, written) = writing.finish(Origin::default()).await;
        assert!(written.is_err(), "{written:?}");
        pending.unwrap().discard().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_stopped_package_gives_its_file_back() {
        let dir = tempfile::tempdir().unwrap();
        let writing = begin(pending(dir.path()), head(), &Cores::all(1));
        writing.parts().put(&"dbo".into(), &"t".into(), 0, vec![1, 2, 3, 4]).await.unwrap();
        let (pending, result) = writing.end().await;
        assert_eq!(result.unwrap(), None);
        pending.unwrap().discard().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    /// A disk that is full after some bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            match self.0.checked_sub(bytes.len()) {
                Some(left) => {
                    self.0 = left;
                    Ok(bytes.len())
                }
                None => Err(std::io::ErrorKind::StorageFull.into()),
            }
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Pending for Full {
        fn file(&self) -> &str {
            "shop.bacpac"
        }
        fn writer(&mut self) -> &mut (dyn Write + Send) {
            self
        }
        fn sync(&mut self) -> Result<(), StoreError> {
            Ok(())
        }
        fn read_back(&self) -> Result<Box<dyn crate::bacpac::package::Source>, StoreError> {
            Err(StoreError::Name("none".into()))
        }
        fn publish(self: Box<Self>, _: &crate::store::manifest::Manifest) -> Result<String, StoreError> {
            Err(StoreError::Name("none".into()))
        }
        fn discard(self: Box<Self>) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_full_disk_stops_the_readers_and_says_so() {
        let writing = begin(Box::new(Full(100_000)), head(), &Cores::all(1));
        let parts = writing.parts();
        let noise: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let mut closed = false;
        for n in 0..1000 {
            if parts.put(&"dbo".into(), &"t".into(), n, noise.clone()).await.is_err() {
                closed = true;
                break;
            }
        }
        assert!(closed, "the readers are not told");
        drop(parts);
        let (_, result) = writing.end().await;
        let failure = result.unwrap_err();
        assert_eq!(failure.message, "cannot write shop.bacpac");
        assert_eq!(failure.hint.as_deref(), Some("free some space there, then try again"));
    }
}
