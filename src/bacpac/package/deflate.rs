//! Parts deflated whole, in memory, on whatever thread the caller has: this is where a backup's time goes, so it is
//! done side by side and only the appending is done by one.

use flate2::{Compress, Compression, FlushCompress};
use libdeflater::{CompressionLvl, Compressor};

/// A part as it goes into the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeflatedPart {
    /// Bytes before compression.
    pub size: u64,
    /// CRC-32 of them.
    pub crc32: u32,
    /// The deflated bytes.
    pub bytes: Vec<u8>,
}

/// Deflates parts, one after the other; each thread has its own.
///
/// ```
/// use pacrat::bacpac::package::Deflater;
/// let part = Deflater::default().deflate(&[7; 1000]);
/// assert!(part.size == 1000 && part.bytes.len() < 100);
/// ```
pub struct Deflater {
    level: i32,
    compressor: Compressor,
}

impl std::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflater").field("level", &self.level).finish()
    }
}

impl Default for Deflater {
    fn default() -> Self {
        Deflater::new(Deflater::DEFAULT_LEVEL)
    }
}

impl Deflater {
    /// Between the fastest, whose parts are larger, and those that save little more at half the speed and less;
    /// `benches/bcp.rs` tells what each level does on a machine.
    pub const DEFAULT_LEVEL: i32 = 3;

    /// Levels 1 (fast) to 12 (small); others become the nearest.
    pub fn new(level: i32) -> Self {
        let level = level.clamp(1, 12);
        Deflater { level, compressor: Compressor::new(CompressionLvl::new(level).unwrap_or_default()) }
    }

    /// The level in use.
    pub fn level(&self) -> i32 {
        self.level
    }

    /// Deflates a part. Memory: its size once more, for the time of the call.
    pub fn deflate(&mut self, bytes: &[u8]) -> DeflatedPart {
        let mut out = vec![0; self.compressor.deflate_compress_bound(bytes.len())];
        // The bound is large enough for any input, so this cannot fail; an empty result would be found by its reader.
        let length = self.compressor.deflate_compress(bytes, &mut out).unwrap_or(0);
        out.truncate(length);
        out.shrink_to_fit();
        DeflatedPart { size: bytes.len() as u64, crc32: libdeflater::crc32(bytes), bytes: out }
    }
}

/// Deflates a piece of a part that is too large to be held whole. Pieces may be made on any thread; one after the other
/// and behind them `LAST_PIECE` are a deflate stream, for each ends at a byte and looks back at no other.
pub fn deflate_piece(bytes: &[u8]) -> DeflatedPart {
    let mut compress = Compress::new(Compression::fast(), false);
    // What does not become smaller is stored, five bytes a block; the flush is five more.
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 1024 + 64);
    let mut fed = 0;
    loop {
        // A deflater cannot fail on any input; what it did not take or give is asked for again with more room.
        let _ = compress.compress_vec(&bytes[fed..], &mut out, FlushCompress::Sync);
        fed = usize::try_from(compress.total_in()).unwrap_or(bytes.len()).min(bytes.len());
        // Room that is left over says that the flush is complete.
        if fed == bytes.len() && out.len() < out.capacity() {
            break;
        }
        out.reserve(64 * 1024);
    }
    out.shrink_to_fit();
    DeflatedPart { size: bytes.len() as u64, crc32: libdeflater::crc32(bytes), bytes: out }
}

/// The end of a deflate stream of pieces: a last block with nothing in it.
pub const LAST_PIECE: [u8; 2] = [3, 0];

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn pieces_are_one_stream() {
        let text: Vec<u8> = (0..400_000u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
        let noise: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        let all = [text.as_slice(), &noise, &[], &[7], &text].concat();
        for cut in [1usize << 20, 100_003, 65_536] {
            let (mut stream, mut crc) = (Vec::new(), crc32fast::Hasher::new());
            for piece in all.chunks(cut).chain([[].as_slice()]) {
                let piece = deflate_piece(piece);
                crc.combine(&crc32fast::Hasher::new_with_initial_len(piece.crc32, piece.size));
                stream.extend_from_slice(&piece.bytes);
            }
            stream.extend_from_slice(&LAST_PIECE);
            let mut back = Vec::new();
            flate2::read::DeflateDecoder::new(stream.as_slice()).read_to_end(&mut back).unwrap();
            assert!(back == all, "pieces of {cut}");
            assert_eq!(crc.finalize(), crc32fast::hash(&all));
        }
    }
}
