//! Streams of bytes within a block: compressed (RFC 1951), or as they are where that is smaller.

use std::borrow::Cow;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::DamagedArchive;
use crate::history::varint::{self, VarintReader};

/// Shorter streams are not compressed: preparing that takes 30 µs, and saves some twenty bytes of a block that is soon appended
/// to another.
const SHORT: usize = 256;

/// Appends a stream: its length times two, plus one if it is compressed, and its bytes.
pub(super) fn pack(block: &mut Vec<u8>, bytes: &[u8]) {
    let long = Some(bytes).filter(|bytes| bytes.len() >= SHORT);
    let compressed = long
        .and_then(deflated)
        .filter(|compressed| compressed.len() < bytes.len());
    let (stored, flag) = match &compressed {
        Some(compressed) => (compressed.as_slice(), 1),
        None => (bytes, 0),
    };
    varint::write(block, (stored.len() as u64) << 1 | flag);
    block.extend_from_slice(stored);
}

/// The fastest level is also the best one here. Lateness and latency are mostly noise, in which the other levels find short
/// repetitions that cost more than they save: 1.07 bytes a check, and 1.10 in three times as long at level 6 (measured with
/// miniz_oxide 0.9; the fastest level of zlib-rs would take 1.66).
fn deflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(bytes.len()), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Reads a stream that has at most `longest` bytes when it is not compressed. Longer ones are rejected when that many bytes
/// are there, so that a few bytes cannot take a lot of memory.
pub(super) fn unpack<'a>(
    block: &mut VarintReader<'a>,
    longest: usize,
) -> Result<Cow<'a, [u8]>, DamagedArchive> {
    let header = block.unsigned().ok_or(DamagedArchive::Truncated)?;
    let length = usize::try_from(header >> 1).map_err(|_| DamagedArchive::Truncated)?;
    let stored = block.bytes(length).ok_or(DamagedArchive::Truncated)?;
    let bytes = match header & 1 {
        0 => Cow::Borrowed(stored),
        _ => Cow::Owned(inflated(stored, longest)?),
    };
    match bytes.len() <= longest {
        true => Ok(bytes),
        false => Err(DamagedArchive::Malformed),
    }
}

/// At most one byte more than `longest`.
fn inflated(stored: &[u8], longest: usize) -> Result<Vec<u8>, DamagedArchive> {
    let mut bytes = Vec::with_capacity(longest.min(4 * stored.len()));
    let most = longest as u64 + 1;
    let mut decoder = DeflateDecoder::new(stored).take(most);
    match decoder.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(DamagedArchive::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::testing::Generator;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut block = Vec::new();
        pack(&mut block, bytes);
        block
    }

    #[test]
    fn streams_are_compressed_where_that_is_smaller() {
        assert_eq!(packed(&[]), [0]);
        assert_eq!(packed(&[7, 8]), [4, 7, 8]);
        for (length, is_compressed) in [(255, false), (256, true)] {
            let zeros = packed(&vec![0; length]);
            assert_eq!(zeros[0] & 1 == 1, is_compressed, "{length}");
            assert_eq!(zeros.len() < 40, is_compressed, "{length}");
        }
        // The codes of compression cannot make these smaller.
        let mut generator = Generator::new(3);
        let noise = [(); 1_000].map(|()| u8::try_from(generator.below(256)).unwrap());
        assert_eq!(packed(&noise).len(), 1_002);
        for bytes in [&[][..], &[7, 8], &[0; 1_000], &noise] {
            let block = packed(bytes);
            let mut reader = VarintReader::new(&block);
            assert_eq!(unpack(&mut reader, 1_000).unwrap(), bytes);
            assert!(reader.rest().is_empty());
        }
    }

    #[test]
    fn a_stream_is_at_most_as_long_as_its_limit() {
        for bytes in [&[0; 1_000][..], &[9, 8, 7]] {
            let block = packed(bytes);
            for (longest, is_read) in [
                (bytes.len() - 1, false),
                (bytes.len(), true),
                (bytes.len() + 1, true),
            ] {
                let read = unpack(&mut VarintReader::new(&block), longest);
                assert_eq!(read.is_ok(), is_read, "{longest}");
            }
        }
    }

    #[test]
    fn the_limit_holds_for_a_stream_that_inflates_to_megabytes() {
        let block = packed(&vec![0; 50_000_000]);
        assert!(block.len() < 300_000, "{}", block.len());
        let read = unpack(&mut VarintReader::new(&block), 1_000);
        assert_eq!(read, Err(DamagedArchive::Malformed));
        assert_eq!(inflated(&block[3..], 1_000).unwrap().len(), 1_001);
    }

    #[test]
    fn truncated_streams_are_rejected() {
        let block = packed(&[0; 1_000]);
        for length in 0..block.len() {
            let read = unpack(&mut VarintReader::new(&block[..length]), 1_000);
            assert_eq!(read, Err(DamagedArchive::Truncated), "{length}");
        }
        // A compressed stream that ends early within a block that does not.
        let mut short = block.clone();
        short[0] -= 2;
        let read = unpack(&mut VarintReader::new(&short), 1_000);
        assert_eq!(read, Err(DamagedArchive::Malformed));
    }
}
