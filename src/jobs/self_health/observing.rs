//! Whether Rollcall can tell now which monitors are overdue: what the observer of the clocks last found, for the jobs that
//! judge monitors.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::history::observation_windows::observer::{Observer, Reading, WindowChange};

/// Readings after the beginning of a window before monitors are judged: what waited during a break is stored by then.
const SETTLED_AFTER: u32 = 2;

/// The current observation window, as far as it is known.
#[derive(Debug, Default)]
pub struct Observing(Mutex<Option<Current>>);

#[derive(Debug)]
struct Current {
    observer: Observer,
    /// Whether its window is the latest one in the database.
    is_stored: bool,
    /// Readings since its window began.
    readings: u32,
}

impl Observing {
    /// Begins at the start of the process, with a window that is stored.
    pub fn begin(&self, reading: Reading) {
        *self.current() = Some(Current {
            observer: Observer::begin(reading),
            is_stored: true,
            readings: 0,
        });
    }

    /// Takes the next reading; see `Observer::read`.
    pub fn read(&self, reading: Reading, could_observe: bool) -> WindowChange {
        let mut current = self.current();
        let Some(current) = current.as_mut() else {
            return WindowChange::default();
        };
        let change = current.observer.read(reading, could_observe);
        if change.begins || change.ended_at.is_some() {
            current.is_stored = false;
            current.readings = 0;
        } else {
            current.readings = current.readings.saturating_add(1);
        }
        change
    }

    /// Records that the window that is open is stored.
    pub fn mark_stored(&self) {
        if let Some(current) = self.current().as_mut() {
            current.is_stored = true;
        }
    }

    /// Whether a window is open, stored, and not broken since the last reading.
    pub fn is_open(&self, now: Reading) -> bool {
        self.current().as_ref().is_some_and(|current| {
            let change = current.observer.preview(now);
            current.is_stored && current.observer.is_open() && change == WindowChange::default()
        })
    }

    /// Whether the window has also been open for long enough that what waited before it is stored.
    pub fn is_settled(&self, now: Reading) -> bool {
        let is_settled = self
            .current()
            .as_ref()
            .is_some_and(|current| current.readings >= SETTLED_AFTER);
        is_settled && self.is_open(now)
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Timestamp;

    fn at(seconds: u64) -> Reading {
        Reading {
            wall: Timestamp::from_millis(i64::try_from(seconds).unwrap() * 1_000),
            monotonic: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn monitors_are_judged_two_readings_after_a_break_if_the_window_is_stored() {
        let observing = Observing::default();
        assert!(!observing.is_open(at(0)), "nothing has begun");
        observing.begin(at(0));
        assert!(observing.is_open(at(1)) && !observing.is_settled(at(1)));
        observing.read(at(1), true);
        observing.read(at(2), true);
        assert!(observing.is_settled(at(3)));
        assert!(!observing.is_settled(at(30)), "frozen, and not read since");
        assert!(observing.read(at(30), true).begins);
        assert!(!observing.is_open(at(30)), "not stored yet");
        observing.read(at(31), true);
        observing.mark_stored();
        assert!(observing.is_open(at(32)) && !observing.is_settled(at(32)));
        observing.read(at(32), true);
        assert!(observing.is_settled(at(33)));
        observing.read(at(33), false);
        assert!(!observing.is_open(at(34)), "nothing can be stored");
    }
}
