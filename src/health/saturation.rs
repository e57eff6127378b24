//! Whether the HTTP server is full, so that heartbeats and reports are refused: that time must not count against the
//! monitors that sent them. Pure: every method takes the time since the start.

use std::time::Duration;

/// A saturation that lasts longer ends the observation window. A heartbeat that is refused once is sent again within
/// seconds, or is followed by the next one.
const TOLERATED: Duration = Duration::from_secs(2);

/// The time after the last refusal in which the saturation counts as current: a slot that becomes free is taken at once by
/// the next connection of a flood.
const CALM: Duration = Duration::from_secs(5);

/// The last time in which the server was full.
#[derive(Debug, Default)]
pub(super) struct Saturation {
    span: Option<FullSpan>,
    has_ended_window: bool,
}

#[derive(Debug)]
struct FullSpan {
    since: Duration,
    /// When the server was full last, as far as is known.
    until: Duration,
    is_full: bool,
}

impl FullSpan {
    fn is_current(&self, now: Duration) -> bool {
        self.is_full || now.saturating_sub(self.until) <= CALM
    }
}

impl Saturation {
    /// Records that a connection was refused.
    pub fn full(&mut self, now: Duration) {
        match &mut self.span {
            Some(span) if span.is_current(now) => span.is_full = true,
            span => {
                *span = Some(FullSpan {
                    since: now,
                    until: now,
                    is_full: true,
                });
            }
        }
        self.extend(now);
    }

    /// Records that a slot is free.
    pub fn room(&mut self, now: Duration) {
        self.extend(now);
        if let Some(span) = &mut self.span {
            span.is_full = false;
        }
    }

    pub fn is_current(&self, now: Duration) -> bool {
        self.span.as_ref().is_some_and(|span| span.is_current(now))
    }

    /// Whether the observation window has ended; stays true until `resume`.
    pub fn has_ended_window(&mut self, now: Duration) -> bool {
        self.extend(now);
        self.has_ended_window
    }

    pub fn resume(&mut self) {
        *self = Self::default();
    }

    /// While the server is full, the span lasts until now.
    fn extend(&mut self, now: Duration) {
        let Some(span) = self.span.as_mut().filter(|span| span.is_full) else {
            return;
        };
        span.until = now;
        if span.until.saturating_sub(span.since) > TOLERATED {
            self.has_ended_window = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_observation_window_ends_after_two_seconds_without_a_free_slot() {
        // Refusals and free slots, by their milliseconds; then when the question is asked, whether observation has ended,
        // and whether the server is saturated.
        for (refusals, rooms, asked, has_ended, is_current) in [
            (&[][..], &[][..], 60_000, false, false),
            (&[0], &[], 2_000, false, true),
            (&[0], &[], 2_001, true, true),
            (&[0], &[], 60_000, true, true),
            (&[0], &[2_000], 7_000, false, true),
            (&[0], &[2_000], 7_001, false, false),
            (&[0], &[2_001], 60_000, true, false),
            // A flood takes each free slot at once.
            (&[0, 1_001, 2_002], &[1_000, 2_001], 2_002, true, true),
            (
                &[0, 1_001, 1_900],
                &[1_000, 1_800, 1_901],
                1_901,
                false,
                true,
            ),
            // Two short ones, far from each other.
            (&[0, 7_000], &[1_000, 8_000], 8_000, false, true),
            (&[0, 6_000], &[1_000, 6_001], 6_001, true, true),
        ] {
            let mut saturation = Saturation::default();
            let full = refusals.iter().map(|at| (*at, true));
            let room = rooms.iter().map(|at| (*at, false));
            let mut steps: Vec<(u64, bool)> = full.chain(room).collect();
            steps.sort_unstable();
            for (at, is_full) in steps {
                let now = Duration::from_millis(at);
                match is_full {
                    true => saturation.full(now),
                    false => saturation.room(now),
                }
            }
            let now = Duration::from_millis(asked);
            assert_eq!(
                (saturation.has_ended_window(now), saturation.is_current(now)),
                (has_ended, is_current),
                "{refusals:?} {rooms:?} {asked}"
            );
            saturation.resume();
            assert!(!saturation.has_ended_window(now));
        }
    }
}
