//! The check archive: every check, packed into about one byte. The archive has a blob for each monitor and week; smaller
//! blocks, such as those of an hour, have the same format and are appended to it.
//!
//! A block is a version byte, the number of checks (varint), a CRC-32 of all the rest, the time of the first check and the
//! usual step in milliseconds (varints), and three streams (`stream`): how late each check is for its slot, how far its
//! latency is from the expected one (`prediction`; both are varints), and runs of result classes. (A byte for the class, a
//! varint for the number of checks.) Times are exact, latencies within 1 %.

mod archived_check;
mod damage;
mod prediction;
mod stream;
#[cfg(test)]
mod tests;

pub use archived_check::{ArchivedCheck, ResultClass, ResultKind};
pub use damage::{AppendError, DamagedArchive, TooManyChecks};
use prediction::{LatencyPrediction, SlotPrediction, usual_step};
use stream::{pack, unpack};

use super::latency::bucket::LatencyBucket;
use super::varint::{self, VarintReader};
use crate::timestamp::Timestamp;

/// The first byte of a block.
const VERSION: u8 = 1;

/// The largest number of checks in a block: a check each second for a week is 604,800. The rest is for those that people
/// start.
pub const MAX_CHECKS: usize = 700_000;

/// The most bytes that a check can take in each stream, before compression.
const TIME_BYTES: usize = 10;
const LATENCY_BYTES: usize = 2;
const CLASS_BYTES: usize = 4;

/// Packs checks in their order, which is that of their times unless the clock was set back.
///
/// # Errors
/// `TooManyChecks` beyond `MAX_CHECKS`.
pub fn encode(checks: &[ArchivedCheck]) -> Result<Vec<u8>, TooManyChecks> {
    if checks.len() > MAX_CHECKS {
        return Err(TooManyChecks(checks.len()));
    }
    let mut content = Vec::new();
    if let Some(first) = checks.first() {
        let times: Vec<i64> = checks.iter().map(|check| check.at.millis()).collect();
        let step = usual_step(&times);
        varint::write_signed(&mut content, first.at.millis());
        varint::write_signed(&mut content, step);
        pack(&mut content, &lateness(&times, step));
        pack(&mut content, &latencies(checks));
        pack(&mut content, &runs(checks));
    }
    let mut block = vec![VERSION];
    varint::write(&mut block, checks.len() as u64);
    let checksum = checksum(&block, &content);
    block.extend_from_slice(&checksum.to_le_bytes());
    block.extend_from_slice(&content);
    Ok(block)
}

/// Unpacks the checks of a block, in the order in which they were packed.
///
/// # Errors
/// `DamagedArchive` if the bytes are not exactly what `encode` returned.
pub fn decode(block: &[u8]) -> Result<Vec<ArchivedCheck>, DamagedArchive> {
    let mut reader = VarintReader::new(block);
    let version = reader.byte().ok_or(DamagedArchive::Truncated)?;
    if version != VERSION {
        return Err(DamagedArchive::UnknownVersion(version));
    }
    let claimed = reader.unsigned().ok_or(DamagedArchive::Truncated)?;
    let count = usize::try_from(claimed).unwrap_or(usize::MAX);
    if count > MAX_CHECKS {
        return Err(DamagedArchive::TooMany(claimed));
    }
    let header = &block[..block.len() - reader.rest().len()];
    let stored = reader.bytes(4).ok_or(DamagedArchive::Truncated)?;
    if checksum(header, reader.rest()).to_le_bytes() != stored {
        return Err(DamagedArchive::Checksum);
    }
    let checks = match count {
        0 => Vec::new(),
        count => content(&mut reader, count)?,
    };
    match reader.rest() {
        [] => Ok(checks),
        _ => Err(DamagedArchive::Malformed),
    }
}

/// Adds blocks to the blob of their week, `None` if it has none yet, and returns the new blob. The checks are in the order of
/// their times; those with equal times keep the order of the blocks. None is dropped.
///
/// # Errors
/// `AppendError` says which of them is damaged, or that they have too many checks.
pub fn append<B: AsRef<[u8]>>(week: Option<&[u8]>, blocks: &[B]) -> Result<Vec<u8>, AppendError> {
    let mut checks = match week {
        Some(week) => decode(week).map_err(AppendError::Week)?,
        None => Vec::new(),
    };
    for (index, block) in blocks.iter().enumerate() {
        let added = decode(block.as_ref());
        checks.extend(added.map_err(|damage| AppendError::Block { index, damage })?);
    }
    checks.sort_by_key(|check| check.at);
    encode(&checks).map_err(AppendError::TooMany)
}

/// Of everything but itself, so that a damaged number of checks is noticed, too.
fn checksum(header: &[u8], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(content);
    hasher.finalize()
}

/// How late the checks after the first one are for their slots.
fn lateness(times: &[i64], step: i64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(times.len());
    let mut rest = times.iter().copied();
    let Some(first) = rest.next() else {
        return bytes;
    };
    let mut prediction = SlotPrediction::new(first, step);
    for at in rest {
        varint::write_signed(&mut bytes, at.wrapping_sub(prediction.next()));
        prediction.learn(at);
    }
    bytes
}

fn latencies(checks: &[ArchivedCheck]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(checks.len());
    let mut prediction = LatencyPrediction::default();
    for check in checks {
        let index = i64::from(check.latency.index());
        varint::write_signed(&mut bytes, index - prediction.next());
        prediction.learn(check.latency);
    }
    bytes
}

fn runs(checks: &[ArchivedCheck]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for run in checks.chunk_by(|one, other| one.class == other.class) {
        bytes.extend(run.first().map(|check| check.class.code()));
        varint::write(&mut bytes, run.len() as u64);
    }
    bytes
}

/// Reads the content of a block, which has at least one check.
fn content(
    reader: &mut VarintReader<'_>,
    count: usize,
) -> Result<Vec<ArchivedCheck>, DamagedArchive> {
    let first = reader.signed().ok_or(DamagedArchive::Truncated)?;
    let step = reader.signed().ok_or(DamagedArchive::Truncated)?;
    let lateness = unpack(reader, count * TIME_BYTES)?;
    let latencies = unpack(reader, count * LATENCY_BYTES)?;
    let runs = unpack(reader, count * CLASS_BYTES)?;
    // Each check has at least a byte in this stream, so checks that a block only claims to have take no memory.
    let mut checks = Vec::with_capacity(count.min(latencies.len()));
    let mut columns = Columns {
        at: first,
        slots: SlotPrediction::new(first, step),
        lateness: VarintReader::new(&lateness),
        latency: LatencyPrediction::default(),
        latencies: VarintReader::new(&latencies),
        run: 0,
        class: 0,
        runs: VarintReader::new(&runs),
    };
    for index in 0..count {
        if index > 0 {
            columns.advance().ok_or(DamagedArchive::Malformed)?;
        }
        checks.push(columns.check().ok_or(DamagedArchive::Malformed)?);
    }
    match columns.is_read() {
        true => Ok(checks),
        false => Err(DamagedArchive::Malformed),
    }
}

/// The streams of a block, read in step.
struct Columns<'a> {
    /// The time of the next check.
    at: i64,
    slots: SlotPrediction,
    lateness: VarintReader<'a>,
    latency: LatencyPrediction,
    latencies: VarintReader<'a>,
    /// How many more checks have this class.
    run: u64,
    class: u8,
    runs: VarintReader<'a>,
}

impl Columns<'_> {
    /// Reads the time of the next check.
    fn advance(&mut self) -> Option<()> {
        self.at = self.slots.next().wrapping_add(self.lateness.signed()?);
        self.slots.learn(self.at);
        Some(())
    }

    /// Reads the check at this time.
    fn check(&mut self) -> Option<ArchivedCheck> {
        let index = self.latency.next().checked_add(self.latencies.signed()?)?;
        let latency = LatencyBucket::from_index(u16::try_from(index).ok()?)?;
        self.latency.learn(latency);
        if self.run == 0 {
            self.class = self.runs.byte()?;
            self.run = self.runs.unsigned()?;
        }
        self.run = self.run.checked_sub(1)?;
        Some(ArchivedCheck {
            at: Timestamp::from_millis(self.at),
            latency,
            class: ResultClass::from_code(self.class),
        })
    }

    fn is_read(&self) -> bool {
        let streams = [&self.lateness, &self.latencies, &self.runs];
        self.run == 0 && streams.iter().all(|stream| stream.rest().is_empty())
    }
}
