//! Decides when an observation window ends and when the next one begins. Pure: it gets readings of both clocks about once a
//! second, and whether heartbeats could be received and stored since the last reading.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// Time between two readings.
pub const EVERY: Duration = Duration::from_secs(1);

/// How far wall and monotonic time may differ between two readings, and how late a reading may come.
pub const TOLERANCE: Duration = Duration::from_secs(2);

/// A reading that comes later than this shows a process that was frozen. A smaller delay may be one of many on a busy machine.
const FROZEN: Duration = Duration::from_secs(30);

/// Smaller delays that do not count as observed, in total: a machine that is always busy must still report outages.
const BUSY_LIMIT: Duration = Duration::from_secs(90);

/// Of the time in which readings come on time, this part is given back to `BUSY_LIMIT`.
const BUSY_RECOVERY: u32 = 100;

/// The rate at which clocks are slewed, in parts of elapsed time: twice what adjtime(3) does. Anything faster is a step.
const SLEW: u32 = 1_000;

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub wall: Timestamp,
    /// Time since any fixed moment.
    pub monotonic: Duration,
}

impl Reading {
    /// Wall time minus monotonic time, in milliseconds.
    fn offset(self) -> i64 {
        let monotonic = i64::try_from(self.monotonic.as_millis()).unwrap_or(i64::MAX);
        self.wall.millis().saturating_sub(monotonic)
    }
}

/// What follows from a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowChange {
    /// The window ended then, at the reading before this one.
    pub ended_at: Option<Timestamp>,
    /// A new window begins at this reading.
    pub begins: bool,
    /// The wall clock was set back, so stored times may lie in the future.
    pub is_set_back: bool,
}

/// Follows the clocks.
#[derive(Clone, Copy, Debug)]
pub struct Observer {
    last: Reading,
    /// Wall time minus monotonic time as it was at the last step, adjusted by what a slewed clock explains.
    offset: i64,
    /// Smaller delays that did not count as observed.
    busy: Duration,
    is_open: bool,
}

impl Observer {
    /// Begins a window at this reading.
    pub fn begin(reading: Reading) -> Self {
        Self {
            last: reading,
            offset: reading.offset(),
            busy: Duration::ZERO,
            is_open: true,
        }
    }

    /// Whether a window is open.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Takes the next reading. `could_observe`: heartbeats and reports could be received and stored since the last one.
    pub fn read(&mut self, reading: Reading, could_observe: bool) -> WindowChange {
        let elapsed = reading.monotonic.saturating_sub(self.last.monotonic);
        let step = self.step(reading, elapsed);
        let is_broken = self.was_delayed(elapsed) || step != 0;
        let ended_at = self.last.wall;
        self.last = reading;
        let was_open = self.is_open;
        self.is_open = could_observe && (was_open || !is_broken);
        WindowChange {
            ended_at: (was_open && (is_broken || !could_observe)).then_some(ended_at),
            begins: self.is_open && (is_broken || !was_open),
            is_set_back: step < 0,
        }
    }

    /// What would follow from a reading now, which is not taken.
    pub fn preview(&self, reading: Reading) -> WindowChange {
        let mut copy = *self;
        copy.read(reading, true)
    }

    /// By how many milliseconds the wall clock was set, if it was.
    fn step(&mut self, reading: Reading, elapsed: Duration) -> i64 {
        let difference = reading.offset().saturating_sub(self.offset);
        if Duration::from_millis(difference.unsigned_abs()) > TOLERANCE {
            self.offset = reading.offset();
            return difference;
        }
        let slew = i64::try_from((elapsed / SLEW).as_millis()).unwrap_or(i64::MAX);
        self.offset += difference.clamp(-slew, slew);
        0
    }

    /// Whether the reading came so late that the time since the last one does not count as observed.
    fn was_delayed(&mut self, elapsed: Duration) -> bool {
        if elapsed <= EVERY + TOLERANCE {
            self.busy = self.busy.saturating_sub(elapsed / BUSY_RECOVERY);
            return false;
        }
        if elapsed > FROZEN {
            return true;
        }
        if self.busy >= BUSY_LIMIT {
            return false;
        }
        self.busy += elapsed;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clocks that can be moved, with an observer that reads them.
    struct Clocks {
        wall: i64,
        monotonic: u64,
        observer: Observer,
    }

    impl Clocks {
        /// At wall time 1,000,000 s, long after the start.
        fn new() -> Self {
            let mut clocks = Self {
                wall: 1_000_000_000,
                monotonic: 5_000_000,
                observer: Observer::begin(Reading {
                    wall: Timestamp::from_millis(0),
                    monotonic: Duration::ZERO,
                }),
            };
            clocks.observer = Observer::begin(clocks.reading());
            clocks
        }

        fn reading(&self) -> Reading {
            Reading {
                wall: Timestamp::from_millis(self.wall),
                monotonic: Duration::from_millis(self.monotonic),
            }
        }

        /// Lets time pass on both clocks, in milliseconds, and reads them.
        fn passes(&mut self, millis: u64) -> WindowChange {
            self.moves(millis, i64::try_from(millis).unwrap())
        }

        /// Lets different times pass on the clocks, and reads them.
        fn moves(&mut self, monotonic: u64, wall: i64) -> WindowChange {
            self.monotonic += monotonic;
            self.wall += wall;
            self.observer.read(self.reading(), true)
        }

        fn cannot_observe(&mut self) -> WindowChange {
            self.monotonic += 1_000;
            self.wall += 1_000;
            self.observer.read(self.reading(), false)
        }
    }

    const CONTINUES: WindowChange = WindowChange {
        ended_at: None,
        begins: false,
        is_set_back: false,
    };

    fn broken(ended_at: i64, is_set_back: bool) -> WindowChange {
        WindowChange {
            ended_at: Some(Timestamp::from_millis(ended_at)),
            begins: true,
            is_set_back,
        }
    }

    #[test]
    fn a_window_ends_where_the_clocks_differ_or_a_reading_is_late() {
        for (monotonic, wall, is_broken, is_set_back) in [
            (1_000, 1_000, false, false),
            (3_000, 3_000, false, false),
            (3_001, 3_001, true, false),
            (25_000, 25_000, true, false),
            (1_000, 3_000, false, false),
            (1_000, 3_001, true, false),
            (1_000, -1_000, false, false),
            (1_000, -1_001, true, true),
            (1_000, 3_601_000, true, false),
            (1_000, -3_599_000, true, true),
            // The machine slept: its monotonic clock stood still.
            (1_000, 60_000, true, false),
        ] {
            let mut clocks = Clocks::new();
            let before = clocks.wall;
            let change = clocks.moves(monotonic, wall);
            let expected = match is_broken {
                true => broken(before, is_set_back),
                false => CONTINUES,
            };
            assert_eq!(change, expected, "{monotonic} {wall}");
            assert_eq!(clocks.passes(1_000), CONTINUES, "after {monotonic} {wall}");
        }
    }

    #[test]
    fn small_steps_add_up_and_a_slewed_clock_is_followed() {
        let mut clocks = Clocks::new();
        let set_back = (0..30).filter(|_| clocks.moves(1_000, -1_000).is_set_back);
        assert_eq!(set_back.count(), 15, "every second step of two seconds");
        let mut clocks = Clocks::new();
        // A minute in a day.
        for tick in 0..86_400 {
            let wall = if tick % 1_440 == 0 { 1_001 } else { 1_000 };
            assert_eq!(clocks.moves(1_000, wall), CONTINUES);
        }
    }

    #[test]
    fn a_window_ends_while_nothing_can_be_received_or_stored() {
        let mut clocks = Clocks::new();
        clocks.passes(1_000);
        let last = clocks.wall;
        let interrupted = WindowChange {
            ended_at: Some(Timestamp::from_millis(last)),
            ..CONTINUES
        };
        assert_eq!(clocks.cannot_observe(), interrupted);
        assert!(!clocks.observer.is_open());
        assert_eq!(clocks.cannot_observe(), CONTINUES);
        // A late reading does not begin a window, and the next one does.
        assert_eq!(clocks.passes(10_000), CONTINUES);
        let begins = WindowChange {
            begins: true,
            ..CONTINUES
        };
        assert_eq!(clocks.passes(1_000), begins);
        assert!(clocks.observer.is_open());
    }

    #[test]
    fn a_machine_that_is_always_busy_observes_all_the_same() {
        let mut clocks = Clocks::new();
        let broken = (0..1_000).filter(|_| clocks.passes(4_000).begins).count();
        assert_eq!(broken, 23, "the first 90 s or so");
        // But a long freeze is no busy machine.
        assert!(clocks.passes(30_001).begins);
        assert!(!clocks.passes(30_000).begins);
        // An hour on time gives back 36 s.
        for _ in 0..3_600 {
            clocks.passes(1_000);
        }
        let broken = (0..100).filter(|_| clocks.passes(4_000).begins).count();
        assert_eq!(broken, 9);
    }
}
