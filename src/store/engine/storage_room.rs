//! How much room the database has below its maximum size. What can be missed best stops first: reports and logs, then check
//! results. Status, outages and deliveries are always stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use strum::IntoStaticStr;

/// What is still stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum StorageRoom {
    #[default]
    Enough,
    /// No reports of servers and no logs of devices.
    Little,
    /// No check results either.
    None,
}

impl StorageRoom {
    /// The room of a database of `used` bytes that may have `most`.
    pub const fn of(used: u64, most: u64) -> Self {
        let percent = used.saturating_mul(100) / if most == 0 { 1 } else { most };
        match percent {
            ..90 => Self::Enough,
            90..95 => Self::Little,
            95.. => Self::None,
        }
    }

    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether reports and logs are stored.
    pub fn has_samples(self) -> bool {
        self == Self::Enough
    }

    /// Whether check results are stored.
    pub fn has_check_results(self) -> bool {
        self != Self::None
    }
}

/// The room as it was last measured, for the writer.
#[derive(Clone, Debug, Default)]
pub struct MeasuredRoom(Arc<AtomicU8>);

impl MeasuredRoom {
    /// Sets the room; returns what it was before.
    pub fn set(&self, room: StorageRoom) -> StorageRoom {
        from_number(self.0.swap(room as u8, Ordering::Relaxed))
    }

    pub fn get(&self) -> StorageRoom {
        from_number(self.0.load(Ordering::Relaxed))
    }
}

const fn from_number(number: u8) -> StorageRoom {
    match number {
        0 => StorageRoom::Enough,
        1 => StorageRoom::Little,
        _ => StorageRoom::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stop_at_90_percent_and_check_results_at_95() {
        for (used, samples, check_results) in [
            (0, true, true),
            (899, true, true),
            (900, false, true),
            (949, false, true),
            (950, false, false),
            (2_000, false, false),
        ] {
            let measured = MeasuredRoom::default();
            measured.set(StorageRoom::of(used, 1_000));
            let room = measured.get();
            assert_eq!(
                (room.has_samples(), room.has_check_results()),
                (samples, check_results),
                "{used}"
            );
        }
        assert_eq!(StorageRoom::of(1, 0), StorageRoom::None);
        assert_eq!(StorageRoom::of(u64::MAX, u64::MAX), StorageRoom::Enough);
    }
}
